//! Progress where no terminal is: a line now and then.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::progress::Progress;
use crate::cli::args::LogFormat;
use crate::cli::output::count;
use crate::engine::{Event, Fetch, Reporter};

/// The least time between two lines.
const EVERY: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(crate) struct Lines {
    format: LogFormat,
    state: Mutex<(Progress, Instant)>,
}

impl Lines {
    pub(crate) fn new(format: LogFormat) -> Self {
        Self { format, state: Mutex::new((Progress::new(), Instant::now())) }
    }

    fn say(&self, progress: &Progress) {
        let fetch = |fetch| progress.fetches.get(&fetch).copied().unwrap_or_default();
        let calls = fetch(Fetch::Calls);
        let rows: u64 = progress.rows.values().sum();
        match self.format {
            LogFormat::Json => tracing::info!(
                event = "progress",
                calls = calls.fetched,
                calls_announced = calls.announced,
                transcripts = fetch(Fetch::Transcripts).fetched,
                rows,
                files = progress.files,
                failures = progress.failures,
                seconds = progress.elapsed().as_secs(),
            ),
            LogFormat::Text => {
                let line = format!(
                    "{:>5} s  calls {} of {}  transcripts {}  rows {}  files {}\n",
                    progress.elapsed().as_secs(),
                    count(calls.fetched),
                    count(calls.announced),
                    count(fetch(Fetch::Transcripts).fetched),
                    count(rows),
                    count(progress.files),
                );
                // A log that cannot be written must not stop the run.
                let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), line.as_bytes());
            }
        }
    }
}

impl Reporter for Lines {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (progress, said) = &mut *state;
        progress.apply(event);
        if said.elapsed() >= EVERY {
            *said = Instant::now();
            self.say(progress);
        }
    }
}
