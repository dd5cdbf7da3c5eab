//! The state of a run as its events tell it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::engine::{Event, Fetch};

/// Sums over all events so far.
#[derive(Debug)]
pub(super) struct Progress {
    started: Instant,
    pub(super) fetches: BTreeMap<Fetch, FetchProgress>,
    pub(super) rows: BTreeMap<&'static str, u64>,
    pub(super) files: u64,
    pub(super) failures: u64,
}

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct FetchProgress {
    pub(super) announced: u64,
    pub(super) fetched: u64,
}

impl Progress {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), fetches: BTreeMap::new(), rows: BTreeMap::new(), files: 0, failures: 0 }
    }

    pub(super) fn apply(&mut self, event: &Event) {
        match event {
            Event::Announced { fetch, records } => self.fetches.entry(*fetch).or_default().announced += records,
            Event::Fetched { fetch, records } => self.fetches.entry(*fetch).or_default().fetched += records,
            Event::Rows { dataset, rows } => *self.rows.entry(dataset).or_default() += rows,
            Event::Committed { .. } => self.files += 1,
            Event::Failed { .. } => self.failures += 1,
        }
    }

    pub(super) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Seconds left, from the share of calls that is done; `None` while too little is known.
    pub(super) fn seconds_left(&self) -> Option<f64> {
        let calls = self.fetches.get(&Fetch::Calls)?;
        let done = match self.fetches.get(&Fetch::Transcripts) {
            Some(transcripts) => transcripts.fetched,
            None => calls.fetched,
        };
        let elapsed = self.elapsed().as_secs_f64();
        (done > 0 && calls.announced > done && elapsed > 2.0)
            .then(|| elapsed * (calls.announced - done) as f64 / done as f64)
    }
}
