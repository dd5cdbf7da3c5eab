//! What all stages of a run share: the job, the client, the destination, and the ledger that becomes
//! the run record.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;
use tokio::sync::{OnceCell, SetOnce};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::backlog::{Backlog, Bound};
use super::tally::{count_warnings, totals};
use super::unit_error::{Effect, UnitError, error_chain};
use super::{Budget, Event, Job, Reporter};
use crate::calendar::Partition;
use crate::dataset::{self, Dataset, PartitionColumn};
use crate::gong::{self, Client, Page};
use crate::plan::Plan;
use crate::plan::density::Density;
use crate::plan::window;
use crate::sink::location::{REJECTED_FOLDER, RUNS_FOLDER};
use crate::sink::{self, DataFile, Store};
use crate::state::coverage::Standing;
use crate::state::run_record::{
    Counts, FORMAT, FailureRecord, FileRecord, Outcome, RangeRecord, RejectedRecord, RequestRecord, RunRecord,
    WindowRecord,
};

/// How much text of rejected records a run keeps. Beyond it they are counted only.
const REJECTED_BYTES_MAX: usize = 16 << 20;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) job: Job,
    pub(super) client: Client,
    pub(super) store: Store,
    reporter: Arc<dyn Reporter>,
    cancel: CancellationToken,
    started: Instant,
    /// Whether Gong was seen not to list calls oldest first.
    unordered: AtomicBool,
    /// When in the week calls were seen.
    density: Mutex<Density>,
    /// The company's zone, once it was asked for; `None` within when Gong did not tell.
    pub(super) company_zone: OnceCell<Option<Tz>>,
    /// Whether Gong was seen to refuse requests for transcripts whatever ids they ask for.
    transcripts_refused: AtomicBool,
    /// Pages of calls that are not visible yet.
    pub(super) backlog: Arc<Backlog>,
    /// Set as soon as the first page of calls is asked for.
    first_turn: SetOnce<()>,
    ledger: Mutex<Ledger>,
}

/// Why a run ends early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Budget,
    Storage,
}

#[derive(Debug, Default)]
struct Ledger {
    stop: Option<Stop>,
    windows: BTreeMap<WindowId, WindowRecord>,
    next_window: WindowId,
    /// By key: a file that is written once more stands here as it is at last.
    files: BTreeMap<String, FileRecord>,
    failures: Vec<FailureRecord>,
    refused_credentials: bool,
    warnings: Vec<String>,
    days_left_out: BTreeSet<NaiveDate>,
    drift: gong::model::Drift,
    /// Requests by day, and how many of the client's are in there.
    requests_by_day: BTreeMap<NaiveDate, u64>,
    requests_counted: u64,
    rejected: u64,
    rejected_lines: Vec<u8>,
}

/// The place of a window in the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct WindowId(usize);

impl Context {
    pub(super) fn new(
        job: Job,
        client: Client,
        store: Store,
        reporter: Arc<dyn Reporter>,
        cancel: CancellationToken,
    ) -> Self {
        Self {
            job,
            client,
            store,
            reporter,
            cancel,
            started: Instant::now(),
            unordered: AtomicBool::new(false),
            density: Mutex::default(),
            company_zone: OnceCell::new(),
            transcripts_refused: AtomicBool::new(false),
            backlog: Arc::default(),
            first_turn: SetOnce::new(),
            ledger: Mutex::default(),
        }
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        // Every change of the ledger is one push or one sum, so a panic elsewhere leaves it whole.
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instant, by the clock that the run began with and a monotonic count since.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.job.started_at + TimeDelta::from_std(self.started.elapsed()).unwrap_or_default()
    }

    pub(super) fn emit(&self, event: &Event) {
        self.reporter.event(event);
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.cancel.is_cancelled()
    }

    /// Waits for `future`, or gives up as soon as the run is stopping.
    pub(super) async fn unless_stopping<T, E: Into<UnitError>>(
        &self,
        future: impl Future<Output = Result<T, E>>,
    ) -> Result<T, UnitError> {
        tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(UnitError::Stopped),
            result = future => result.map_err(Into::into),
        }
    }

    pub(super) fn warn(&self, warning: String) {
        warn!(event = "warning", "{warning}");
        self.ledger().warnings.push(warning);
    }

    /// Tells of files that stay as they are although personal data was treated otherwise when they were
    /// written: those outside of the range, and snapshots of days that are over.
    pub(super) fn warn_of_other_privacy(&self, plan: &Plan) {
        let coverage = &self.job.held.coverage;
        let is_judged = |dataset: &str, partition: Partition| {
            plan.verdicts.iter().any(|verdict| verdict.dataset.name == dataset && verdict.partition == partition)
        };
        let is_left = |(dataset, partition, standing): &(&'static str, Partition, &Standing)| {
            matches!(standing, Standing::Ours(footer) if !footer.privacy.fits(&self.job.privacy_note))
                && !is_judged(dataset, *partition)
        };
        let left = coverage.iter().filter(is_left).count();
        if left > 0 {
            self.warn(format!(
                "{left} files at the destination were written with other settings of `privacy` and are outside of this \
                 run's range, or snapshots of earlier days; export their days again, or remove them"
            ));
        }
    }

    /// Records that a unit came to nothing. An exhausted budget and a failing destination stop the
    /// run, since what follows would meet the same; anything else fails alone.
    pub(super) fn unit_failed(&self, unit: &str, error: &UnitError) {
        match error.effect() {
            Effect::None => return,
            Effect::EndsBudget => {
                info!(event = "budget_spent", unit, %error, "stopping, the budget is used up");
                return self.stop(Stop::Budget);
            }
            // A destination that fails while the run stops is told once.
            Effect::EndsStorage if self.is_stopping() => return,
            Effect::EndsStorage => self.stop(Stop::Storage),
            Effect::RefusesCredentials => self.ledger().refused_credentials = true,
            Effect::FailsAlone => {}
        }
        let text = error.to_string();
        warn!(event = "unit_failed", unit, error = %text);
        self.emit(&Event::Failed { unit: unit.to_owned() });
        self.ledger().failures.push(FailureRecord {
            unit: unit.to_owned(),
            error: text,
            hint: error.hint().map(ToOwned::to_owned),
        });
    }

    fn stop(&self, stop: Stop) {
        self.ledger().stop.get_or_insert(stop);
        self.cancel.cancel();
    }

    /// Enters a listing that has ended.
    pub(super) fn window(&self, record: WindowRecord) -> WindowId {
        let mut ledger = self.ledger();
        ledger.next_window.0 += 1;
        let id = ledger.next_window;
        ledger.windows.insert(id, record);
        id
    }

    /// Enters where a listing has ended, and how many records were announced for that; `None` when that is
    /// not known.
    pub(super) fn window_listed(&self, window: WindowId, from: String, to: String, announced: Option<u64>) {
        if let Some(record) = self.ledger().windows.get_mut(&window) {
            *record = WindowRecord { from, to, announced, ..record.clone() };
        }
    }

    /// Enters how many records were announced for a window; and tells how many of them came.
    pub(super) fn announced(&self, window: WindowId, announced: u64) -> u64 {
        let mut ledger = self.ledger();
        let Some(record) = ledger.windows.get_mut(&window) else { return 0 };
        record.announced = Some(announced);
        record.counts.fetched
    }

    /// Takes note that the calls have asked for what all of them have to wait for. Nothing else is to go
    /// before that.
    pub(super) fn first_calls_asked_for(&self) {
        // Only the first time counts.
        let _ = self.first_turn.set(());
    }

    /// Waits until the calls have asked, or have nothing to ask for.
    pub(super) async fn first_turn_taken(&self) {
        self.first_turn.wait().await;
    }

    fn latency(&self) -> Duration {
        self.client.usage().latency.unwrap_or_default()
    }

    /// How many listings of calls may run side by side at the latency seen so far.
    pub(super) fn lanes(&self, transcripts: bool) -> usize {
        window::lanes(self.job.requests_per_second, self.latency(), transcripts)
    }

    /// Whether a listing with so many records to come would end after `requests_left` are sent.
    pub(super) fn ends_last(&self, records: u64, requests_left: u64) -> bool {
        window::ends_last(records, requests_left, self.job.requests_per_second, self.latency())
    }

    /// What is known of when calls take place, to be asked or to learn more.
    pub(super) fn density<T>(&self, with: impl FnOnce(&mut Density) -> T) -> T {
        // What a panic may leave half learned is a guess all the same.
        with(&mut self.density.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How many requests the rate limit lets be under way at the latency seen so far.
    pub(super) fn under_way(&self) -> usize {
        // Infinite without a limit, and then as many as there may be.
        (self.job.requests_per_second * self.latency().as_secs_f64()).ceil() as usize
    }

    /// Waits until another page of calls may be asked for without too much that a kill would lose.
    pub(super) async fn room(&self, transcripts: bool) {
        let requests_per_page = if transcripts { 2 } else { 1 };
        let bound = || Bound { requests_per_page, sent: self.client.usage().requests, lanes: self.lanes(transcripts) };
        self.backlog.room(bound).await;
    }

    /// Remembers that Gong does not list calls oldest first.
    pub(super) fn calls_come_unordered(&self) {
        self.unordered.store(true, Ordering::Relaxed);
    }

    pub(super) fn are_calls_unordered(&self) -> bool {
        self.unordered.load(Ordering::Relaxed)
    }

    /// Remembers that it is not for single ids that Gong refuses requests for transcripts, so that not
    /// every group of ids is taken apart to find that out.
    pub(super) fn requests_for_transcripts_are_refused(&self) {
        self.transcripts_refused.store(true, Ordering::Relaxed);
    }

    pub(super) fn are_requests_for_transcripts_refused(&self) -> bool {
        self.transcripts_refused.load(Ordering::Relaxed)
    }

    /// Whether nothing can be written any more.
    pub(super) fn is_destination_lost(&self) -> bool {
        self.ledger().stop == Some(Stop::Storage)
    }

    /// Changes the counts of a window.
    pub(super) fn count(&self, window: WindowId, change: impl FnOnce(&mut Counts)) {
        if let Some(record) = self.ledger().windows.get_mut(&window) {
            change(&mut record.counts);
        }
    }

    pub(super) fn days_left_out(&self, days: Vec<NaiveDate>) {
        self.ledger().days_left_out.extend(days);
    }

    pub(super) fn drift(&self, drift: gong::model::Drift) {
        self.ledger().drift.merge(drift);
    }

    /// Keeps a record that cannot be decoded, as received; where personal data is replaced, only its place
    /// and what is wrong with it, since nobody knows what the record holds.
    pub(super) fn reject(&self, page: &Page, index: usize, reason: &str) {
        warn!(
            event = "record_rejected",
            request_id = page.request_id(),
            page = page.number(),
            index,
            reason,
            "record rejected"
        );
        self.keep_rejected(&serde_json::json!({
            "request_id": page.request_id(),
            "page": page.number(),
            "position": index,
            "reason": reason,
            "record": self.job.privacy.is_none().then(|| page.record(index)),
        }));
    }

    /// Notes a transcript that could not even be received.
    pub(super) fn reject_unread(&self, call_id: &str, reason: &str) {
        warn!(event = "record_rejected", call_id, reason, "transcript rejected");
        self.keep_rejected(&serde_json::json!({ "call_id": call_id, "reason": reason }));
    }

    fn keep_rejected(&self, record: &serde_json::Value) {
        let line = record.to_string();
        let mut ledger = self.ledger();
        ledger.rejected += 1;
        if ledger.rejected_lines.len() + line.len() < REJECTED_BYTES_MAX {
            ledger.rejected_lines.extend_from_slice(line.as_bytes());
            ledger.rejected_lines.push(b'\n');
        }
    }

    /// Enters a data file that has become visible.
    pub(super) fn committed(&self, dataset: &'static Dataset, partition: Partition, file: DataFile) {
        let before = self.job.held.coverage.footer(dataset.name, partition).map(|footer| &footer.checksum);
        let record = FileRecord {
            dataset: dataset.name.to_owned(),
            partition: partition.first_day(),
            rows: file.rows,
            bytes: file.size_bytes,
            changed: before != Some(&file.checksum),
            key: file.key,
            checksum: file.checksum,
        };
        info!(event = "file_committed", dataset = dataset.name, partition = %partition, rows = record.rows, bytes = record.bytes,
            changed = record.changed, "data file committed");
        self.emit(&Event::Committed { dataset: dataset.name, partition, rows: record.rows, size_bytes: record.bytes });
        self.ledger().files.insert(record.key.clone(), record);
    }

    /// Writes the run record as it is now, so that a killed run is known by what it did.
    pub(super) async fn save(&self) -> Result<(), sink::Error> {
        self.put_record(&self.record(Outcome::Running)).await
    }

    async fn put_record(&self, record: &RunRecord) -> Result<(), sink::Error> {
        let document = serde_json::to_vec_pretty(record).expect("a run record has only text keys");
        self.store.put(&format!("{RUNS_FOLDER}/{}.json", record.run_id), Bytes::from(document)).await
    }

    /// Writes the rejected records and the run record, and returns the latter.
    pub(super) async fn finish(&self) -> RunRecord {
        let mut record = self.record(self.outcome());
        let rejected_lines = std::mem::take(&mut self.ledger().rejected_lines);
        if !rejected_lines.is_empty() {
            let key = format!("{REJECTED_FOLDER}/{}.jsonl", record.run_id);
            match self.store.put(&key, Bytes::from(rejected_lines)).await {
                Ok(()) => record.rejected.key = Some(key),
                Err(error) => {
                    record.warnings.push(format!("could not keep the rejected records: {}", error_chain(&error)));
                }
            }
        }
        if let Err(error) = self.put_record(&record).await {
            record.warnings.push(format!("could not write the run record: {}", error_chain(&error)));
        }
        record
    }

    /// Why runs with such a budget may never come to an end, if it was spent as a whole and nothing is
    /// complete for it: of the calls, where there were some to export.
    pub(super) fn budget_too_small(&self, has_calls: bool) -> Option<UnitError> {
        let Job { budget, partition_by: by, .. } = self.job;
        let max = match budget {
            Budget::Run(max) | Budget::Day(max) => max,
            Budget::Rest => return None,
        };
        let sent = self.client.usage().requests;
        let ledger = self.ledger();
        let of_calls = |file: &FileRecord| {
            dataset::find(&file.dataset).is_some_and(|dataset| dataset.partition == PartitionColumn::Call)
        };
        let is_any_complete = ledger.files.values().any(|file| !has_calls || of_calls(file));
        // Where Gong itself has ended the run, another bound than ours is too small.
        (ledger.stop == Some(Stop::Budget) && sent >= max && !is_any_complete).then_some(UnitError::BudgetTooSmall {
            budget,
            sent,
            by,
        })
    }

    fn outcome(&self) -> Outcome {
        let ledger = self.ledger();
        match ledger.stop {
            Some(Stop::Storage) => Outcome::Failed,
            Some(Stop::Budget) => Outcome::Budget,
            None if self.is_stopping() => Outcome::Interrupted,
            None if ledger.refused_credentials && ledger.files.is_empty() => Outcome::Credentials,
            None if !ledger.failures.is_empty() || ledger.rejected > 0 => Outcome::Partial,
            None => Outcome::Done,
        }
    }

    fn record(&self, outcome: Outcome) -> RunRecord {
        let usage = self.client.usage();
        let finished_at = self.now();
        let job = &self.job;
        let mut ledger = self.ledger();
        let ledger = &mut *ledger;
        let mut windows: Vec<_> = ledger.windows.values().cloned().collect();
        windows.sort_by(|a, b| (&a.fetch, &a.from).cmp(&(&b.fetch, &b.from)));
        let files: Vec<_> = ledger.files.values().cloned().collect();

        let mut warnings = ledger.warnings.clone();
        warnings.extend(count_warnings(&windows));
        let today = ledger.requests_by_day.entry(finished_at.date_naive()).or_default();
        *today += usage.requests - ledger.requests_counted;
        ledger.requests_counted = usage.requests;
        RunRecord {
            format: FORMAT,
            run_id: job.run_id.clone(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            job: job.name.clone(),
            outcome,
            exit_code: outcome.exit_code(),
            simulated: job.simulated,
            started_at: job.started_at,
            finished_at,
            resumes: job.resumes,
            seconds: self.started.elapsed().as_secs_f64(),
            destination: self.store.describe(),
            privacy: job.privacy_note.clone(),
            range: RangeRecord { from: job.range.from(), to: job.range.to(), timezone: job.zone.name().to_owned() },
            requests: RequestRecord {
                sent: usage.requests,
                retries: usage.retries,
                throttled: usage.throttled,
                bytes_received: usage.bytes_received,
            },
            requests_by_day: ledger.requests_by_day.clone(),
            datasets: totals(&files),
            windows,
            files,
            activity_days_left_out: ledger.days_left_out.iter().copied().collect(),
            rejected: RejectedRecord { records: ledger.rejected, key: None },
            unknown_fields: ledger.drift.unknown_fields.clone(),
            unexpected_types: ledger.drift.unexpected_types.clone(),
            replaced_characters: ledger.drift.replaced_characters,
            warnings,
            failures: ledger.failures.clone(),
        }
    }
}
