//! What all stages of a run share: the job, the client, the destination, and the ledger that becomes
//! the run record.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::{Event, Job, Reporter};
use crate::calendar::Partition;
use crate::dataset::Dataset;
use crate::gong::{self, Client, ErrorKind, Page};
use crate::sink::location::{REJECTED_FOLDER, RUNS_FOLDER};
use crate::sink::{self, DataFile, Store};
use crate::state::run_record::{
    Counts, DatasetRecord, FORMAT, FailureRecord, FileRecord, Outcome, RangeRecord, RejectedRecord, RequestRecord,
    RunRecord, WindowRecord,
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
    windows: Vec<WindowRecord>,
    files: Vec<FileRecord>,
    failures: Vec<FailureRecord>,
    refused_credentials: bool,
    warnings: Vec<String>,
    days_left_out: Vec<NaiveDate>,
    drift: gong::model::Drift,
    rejected: u64,
    rejected_lines: Vec<u8>,
}

/// A unit of work did not come to its end.
#[derive(Debug)]
pub(super) enum UnitError {
    /// The run is stopping; nothing is wrong with the unit.
    Stopped,
    /// Gong refused or failed.
    Gong(gong::Error),
    /// The destination failed.
    Sink(sink::Error),
}

impl From<gong::Error> for UnitError {
    fn from(error: gong::Error) -> Self {
        Self::Gong(error)
    }
}

impl From<sink::Error> for UnitError {
    fn from(error: sink::Error) -> Self {
        Self::Sink(error)
    }
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
        Self { job, client, store, reporter, cancel, started: Instant::now(), ledger: Mutex::default() }
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

    /// Records that a unit came to nothing. An exhausted budget and a failing destination stop the
    /// run, since what follows would meet the same; anything else fails alone.
    pub(super) fn unit_failed(&self, unit: &str, error: &UnitError) {
        let (text, hint) = match error {
            UnitError::Stopped => return,
            UnitError::Gong(error) => {
                match error.kind() {
                    ErrorKind::Budget => {
                        info!(event = "budget_spent", unit, error = %error_chain(error), "stopping, the budget is used up");
                        self.stop(Stop::Budget);
                        return;
                    }
                    ErrorKind::Credentials => self.ledger().refused_credentials = true,
                    _ => {}
                }
                (error_chain(error), gong_hint(error.kind()))
            }
            UnitError::Sink(error) => {
                if self.is_stopping() {
                    return;
                }
                self.stop(Stop::Storage);
                (error_chain(error), Some(sink_hint(error.kind())))
            }
        };
        warn!(event = "unit_failed", unit, error = %text);
        self.emit(&Event::Failed { unit: unit.to_owned() });
        self.ledger().failures.push(FailureRecord {
            unit: unit.to_owned(),
            error: text,
            hint: hint.map(ToOwned::to_owned),
        });
    }

    fn stop(&self, stop: Stop) {
        self.ledger().stop.get_or_insert(stop);
        self.cancel.cancel();
    }

    /// Enters a listing that has ended.
    pub(super) fn window(&self, record: WindowRecord) -> WindowId {
        let mut ledger = self.ledger();
        ledger.windows.push(record);
        WindowId(ledger.windows.len() - 1)
    }

    /// Changes the counts of a window.
    pub(super) fn count(&self, window: WindowId, change: impl FnOnce(&mut Counts)) {
        if let Some(record) = self.ledger().windows.get_mut(window.0) {
            change(&mut record.counts);
        }
    }

    pub(super) fn days_left_out(&self, days: Vec<NaiveDate>) {
        self.ledger().days_left_out.extend(days);
    }

    pub(super) fn drift(&self, drift: gong::model::Drift) {
        self.ledger().drift.merge(drift);
    }

    /// Keeps a record that cannot be decoded, as received.
    pub(super) fn reject(&self, page: &Page, index: usize, reason: &str) {
        warn!(
            event = "record_rejected",
            request_id = page.request_id(),
            page = page.number(),
            index,
            reason,
            "record rejected"
        );
        let line = serde_json::json!({
            "request_id": page.request_id(),
            "page": page.number(),
            "position": index,
            "reason": reason,
            "record": page.record(index),
        });
        let mut ledger = self.ledger();
        ledger.rejected += 1;
        let line = line.to_string();
        if ledger.rejected_lines.len() + line.len() < REJECTED_BYTES_MAX {
            ledger.rejected_lines.extend_from_slice(line.as_bytes());
            ledger.rejected_lines.push(b'\n');
        }
    }

    /// Enters a data file that has become visible.
    pub(super) fn committed(&self, dataset: &'static Dataset, partition: Partition, file: DataFile) {
        let before = self.job.previous.get(&(dataset.name, partition));
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
        self.ledger().files.push(record);
    }

    /// Writes the rejected records and the run record, and returns the latter.
    pub(super) async fn finish(&self) -> RunRecord {
        let mut record = self.record();
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
        let document = serde_json::to_vec_pretty(&record).expect("a run record has only text keys");
        let key = format!("{RUNS_FOLDER}/{}.json", record.run_id);
        if let Err(error) = self.store.put(&key, Bytes::from(document)).await {
            record.warnings.push(format!("could not write the run record: {}", error_chain(&error)));
        }
        record
    }

    fn record(&self) -> RunRecord {
        let usage = self.client.usage();
        let finished_at = self.now();
        let job = &self.job;
        let mut ledger = self.ledger();
        let ledger = &mut *ledger;
        ledger.windows.sort_by(|a, b| (&a.fetch, &a.from).cmp(&(&b.fetch, &b.from)));
        ledger.files.sort_by(|a, b| a.key.cmp(&b.key));
        ledger.days_left_out.sort();

        let mut warnings = ledger.warnings.clone();
        warnings.extend(count_warnings(&ledger.windows));
        let outcome = match ledger.stop {
            Some(Stop::Storage) => Outcome::Failed,
            Some(Stop::Budget) => Outcome::Budget,
            None if self.is_stopping() => Outcome::Interrupted,
            None if ledger.refused_credentials && ledger.files.is_empty() => Outcome::Credentials,
            None if !ledger.failures.is_empty() || ledger.rejected > 0 => Outcome::Partial,
            None => Outcome::Done,
        };
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
            seconds: self.started.elapsed().as_secs_f64(),
            destination: self.store.describe(),
            range: RangeRecord { from: job.range.from(), to: job.range.to(), timezone: job.zone.name().to_owned() },
            requests: RequestRecord {
                sent: usage.requests,
                retries: usage.retries,
                throttled: usage.throttled,
                bytes_received: usage.bytes_received,
            },
            datasets: totals(&ledger.files),
            windows: ledger.windows.clone(),
            files: ledger.files.clone(),
            activity_days_left_out: ledger.days_left_out.clone(),
            rejected: RejectedRecord { records: ledger.rejected, key: None },
            unknown_fields: ledger.drift.unknown_fields.clone(),
            unexpected_types: ledger.drift.unexpected_types.clone(),
            replaced_characters: ledger.drift.replaced_characters,
            warnings,
            failures: ledger.failures.clone(),
        }
    }
}

fn totals(files: &[FileRecord]) -> Vec<DatasetRecord> {
    let mut totals: BTreeMap<&str, DatasetRecord> = BTreeMap::new();
    for file in files {
        let total = totals
            .entry(&file.dataset)
            .or_insert_with(|| DatasetRecord { dataset: file.dataset.clone(), ..DatasetRecord::default() });
        total.partitions += 1;
        total.rows += file.rows;
        total.bytes += file.bytes;
        total.partitions_changed += u64::from(file.changed);
    }
    totals.into_values().collect()
}

/// A listing that lost records on the way, or delivered fewer than it announced.
fn count_warnings(windows: &[WindowRecord]) -> Vec<String> {
    let mut warnings = Vec::new();
    for WindowRecord { fetch, from, to, announced, counts } in windows {
        if let Some(announced) = announced
            && *announced != counts.fetched
        {
            let fetched = counts.fetched;
            warnings.push(format!(
                "{fetch} {from} to {to}: Gong announced {announced} records and delivered {fetched}; \
                 it may still be processing some, a later run fetches them"
            ));
        }
        if !counts.agree() {
            warnings.push(format!("{fetch} {from} to {to}: not every record fetched was written: {counts:?}"));
        }
    }
    if windows.iter().any(|w| w.fetch == "calls")
        && windows.iter().filter(|w| w.fetch == "calls").all(|w| w.counts.fetched == 0)
    {
        warnings.push(
            "no calls in the whole range: either there are none, or this key cannot see them; \
             `gong-export check` tells which"
                .to_owned(),
        );
    }
    warnings
}

/// An error with all its causes, on one line.
pub fn error_chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Many errors repeat their cause in their own text.
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}

fn gong_hint(kind: ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::Credentials => Some("check the base URL, the key and its scopes with `gong-export check`"),
        ErrorKind::Unavailable => Some("Gong did not answer in time; run the job again, it takes up what is missing"),
        ErrorKind::CursorRefused => Some("Gong ended the listing early several times; run the job again"),
        ErrorKind::Protocol => Some("the answer was not understood; report it with the request id"),
        ErrorKind::Budget | ErrorKind::Api | ErrorKind::Setup => None,
    }
}

fn sink_hint(kind: sink::ErrorKind) -> &'static str {
    match kind {
        sink::ErrorKind::StorageFull => "free some space and run the job again; finished partitions are kept",
        sink::ErrorKind::PermissionDenied => "check that the destination may be written with these credentials",
        _ => "check the destination with `gong-export check`; finished partitions are kept",
    }
}
