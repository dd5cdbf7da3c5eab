//! Progress on a terminal: a bar for each fetch, and a line with rows, rate and time left.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::progress::Progress;
use crate::cli::output::{count, duration};
use crate::engine::{Event, Fetch, Reporter};
use crate::gong::Client;

#[derive(Debug)]
pub(crate) struct Bars {
    bars: MultiProgress,
    client: Client,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    progress: Progress,
    fetches: BTreeMap<Fetch, ProgressBar>,
    totals: ProgressBar,
}

impl Bars {
    /// Draws on `bars`; the rate is what `client` really sent.
    pub(crate) fn new(bars: MultiProgress, client: Client) -> Self {
        let totals = bars.add(ProgressBar::new_spinner().with_style(style("{spinner} {msg}")));
        totals.enable_steady_tick(Duration::from_millis(120));
        Self { bars, client, state: Mutex::new(State { progress: Progress::new(), fetches: BTreeMap::new(), totals }) }
    }

    fn draw(&self, state: &mut State) {
        let State { progress, fetches, totals } = state;
        for (fetch, numbers) in &progress.fetches {
            let bar = fetches.entry(*fetch).or_insert_with(|| {
                let bar = ProgressBar::new(0)
                    .with_style(style("{prefix:>15} {bar:28.cyan/dim} {human_pos:>9} of {human_len}"))
                    .with_prefix(fetch.name());
                self.bars.insert_before(totals, bar)
            });
            bar.set_length(numbers.announced.max(numbers.fetched));
            bar.set_position(numbers.fetched);
        }
        let rows: Vec<_> = progress.rows.iter().map(|(dataset, rows)| format!("{dataset} {}", count(*rows))).collect();
        let requests = self.client.usage().requests;
        let rate = requests as f64 / progress.elapsed().as_secs_f64().max(1.0);
        let left = progress.seconds_left().map_or_else(String::new, |s| format!(" · {} left", duration(s)));
        totals.set_message(format!(
            "{} files · {} requests, {rate:.1}/s{left}\n  rows: {}",
            count(progress.files),
            count(requests),
            rows.join(" · "),
        ));
    }
}

/// Templates are constants; a broken one falls back to the plain bar.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━╌")
}

impl Reporter for Bars {
    fn event(&self, event: &Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.progress.apply(event);
        self.draw(&mut state);
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        // The summary says all of it again, for good. A terminal that is gone needs no clearing.
        let _ = self.bars.clear();
    }
}
