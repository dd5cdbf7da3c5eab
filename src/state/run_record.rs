//! The report of one run, kept as JSON under `_gong_export/runs/`. It repeats nothing that the data
//! files need: losing it costs knowledge of the past, never correctness. It holds no personal data
//! and no secrets.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::privacy_note::PrivacyNote;

/// The version of this document's shape.
pub const FORMAT: u32 = 1;

/// Everything that a run did and met.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    pub format: u32,
    pub run_id: String,
    pub tool_version: String,
    pub job: String,
    pub outcome: Outcome,
    pub exit_code: u8,
    /// Whether the data came from the simulator.
    pub simulated: bool,
    pub started_at: DateTime<Utc>,
    /// The end; of a run that still goes on or was killed, when this was last written.
    pub finished_at: DateTime<Utc>,
    /// When the first of the interrupted runs began that this one took up.
    pub resumes: Option<DateTime<Utc>>,
    pub seconds: f64,
    /// Without credentials.
    pub destination: String,
    /// How personal data was treated.
    #[serde(default)]
    pub privacy: PrivacyNote,
    pub range: RangeRecord,
    pub requests: RequestRecord,
    /// Requests by day in UTC, for the daily budget.
    pub requests_by_day: BTreeMap<NaiveDate, u64>,
    pub datasets: Vec<DatasetRecord>,
    pub windows: Vec<WindowRecord>,
    pub files: Vec<FileRecord>,
    /// Days of activity that were asked for and are not over yet in the company's zone.
    pub activity_days_left_out: Vec<NaiveDate>,
    pub rejected: RejectedRecord,
    /// Fields that no column holds, by path, with the number of records; their values are in
    /// `extra_json`.
    pub unknown_fields: BTreeMap<String, u64>,
    /// Fields whose value had a type that the column cannot hold.
    pub unexpected_types: BTreeMap<String, u64>,
    /// Characters that were not Unicode and became U+FFFD.
    pub replaced_characters: u64,
    pub warnings: Vec<String>,
    pub failures: Vec<FailureRecord>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It goes on, or was killed.
    Running,
    /// All that was planned is written.
    Done,
    /// Nothing more could be written: the destination failed.
    Failed,
    /// The credentials were refused before anything was written.
    Credentials,
    /// Some work units failed, or records were rejected.
    Partial,
    /// The budget of requests was used up.
    Budget,
    /// A signal stopped it.
    Interrupted,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RangeRecord {
    pub from: DateTime<Utc>,
    pub to: DateTime<Utc>,
    pub timezone: String,
}

/// What was sent to Gong.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct RequestRecord {
    /// All requests, the repeated ones included.
    pub sent: u64,
    pub retries: u64,
    /// Answers 429.
    pub throttled: u64,
    /// After decompression.
    pub bytes_received: u64,
}

/// One dataset's totals in this run.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct DatasetRecord {
    pub dataset: String,
    pub partitions: u64,
    pub rows: u64,
    pub bytes: u64,
    /// Partitions whose content differs from the file that stood there before, or that are new.
    pub partitions_changed: u64,
}

/// One listing, with the counts that have to agree:
/// `fetched = written + private + excluded + filtered + duplicates + outside + rejected`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRecord {
    /// `calls`, `users` or `activity_stats`.
    pub fetch: String,
    /// First instant or day, included.
    pub from: String,
    /// Last instant or day, not included.
    pub to: String,
    /// The API's `totalRecords`, where it gave one.
    pub announced: Option<u64>,
    #[serde(flatten)]
    pub counts: Counts,
}

/// Where the records of a listing went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counts {
    /// Records received.
    pub fetched: u64,
    /// Records that became rows.
    pub written: u64,
    /// Private calls, left out.
    pub private: u64,
    /// Calls and users left out by `privacy.exclude`.
    #[serde(default)]
    pub excluded: u64,
    /// Left out by the job's choice of participants.
    pub filtered: u64,
    /// Received more than once.
    pub duplicates: u64,
    /// Calls that did not start in the window asked for.
    pub outside: u64,
    /// Not decodable, kept aside.
    pub rejected: u64,
}

impl Counts {
    /// Whether every record received is accounted for.
    pub fn agree(&self) -> bool {
        let Self { fetched, written, private, excluded, filtered, duplicates, outside, rejected } = *self;
        fetched == written + private + excluded + filtered + duplicates + outside + rejected
    }
}

/// One data file that the run made visible.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    pub dataset: String,
    pub partition: NaiveDate,
    pub key: String,
    pub rows: u64,
    pub bytes: u64,
    pub checksum: String,
    /// Whether the content differs from the file that stood there before, or is new.
    pub changed: bool,
}

/// Records that could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct RejectedRecord {
    pub records: u64,
    /// The file that holds them, below the destination.
    pub key: Option<String>,
}

/// A work unit that failed for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureRecord {
    /// What was being done, with its window.
    pub unit: String,
    pub error: String,
    /// What to do about it, where that is known.
    pub hint: Option<String>,
}

impl Outcome {
    /// The exit code of a run that ends so. A signal that stopped it decides its own code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            // A killed process has no code of its own.
            Self::Running | Self::Failed => 1,
            Self::Credentials => 3,
            Self::Partial => 4,
            Self::Budget => 5,
            Self::Interrupted => 130,
        }
    }
}

/// How long after its begin an interrupted run is taken up by the next one. After that its data is
/// as old as any other, and the night's refresh is due anyway.
const RESUME_WITHIN: TimeDelta = TimeDelta::hours(20);

/// How long after its begin a run that finished in part is taken up: by a retry, not by the next of
/// many runs a day, which would find the same unit failing and refresh nothing.
const RETRY_WITHIN: TimeDelta = TimeDelta::hours(1);

/// What earlier runs tell a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Past {
    /// When the first of the interrupted runs began that the new one takes up.
    pub resumes: Option<DateTime<Utc>>,
    /// Requests that were sent today, in UTC.
    pub requests_today: u64,
}

impl Past {
    /// `records` in any order; `job` is the one that is about to run.
    pub fn new(records: &[RunRecord], job: &str, now: DateTime<Utc>) -> Self {
        let today = now.date_naive();
        let requests_today = records.iter().filter_map(|record| record.requests_by_day.get(&today)).sum();
        // Of runs that were given the same present, the id tells which began last.
        let of_job = records.iter().filter(|record| record.job == job);
        let last = of_job.max_by(|a, b| (a.started_at, &a.run_id).cmp(&(b.started_at, &b.run_id)));
        let taken_up = last.and_then(|record| match record.outcome {
            Outcome::Done | Outcome::Credentials => None,
            // It tried everything, so it is no part of a longer whole.
            Outcome::Partial => Some((record.started_at, RETRY_WITHIN)),
            Outcome::Running | Outcome::Failed | Outcome::Budget | Outcome::Interrupted => {
                Some((record.resumes.unwrap_or(record.started_at), RESUME_WITHIN))
            }
        });
        let fresh = taken_up.filter(|(begin, within)| *begin <= now && now - *begin <= *within);
        Self { resumes: fresh.map(|(begin, _)| begin), requests_today }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn record(job: &str, started_at: &str, outcome: Outcome, resumes: Option<&str>) -> RunRecord {
        RunRecord {
            format: FORMAT,
            run_id: format!("{job}-{started_at}"),
            tool_version: "0.1.0".to_owned(),
            job: job.to_owned(),
            outcome,
            exit_code: outcome.exit_code(),
            simulated: false,
            started_at: at(started_at),
            finished_at: at(started_at),
            resumes: resumes.map(at),
            seconds: 1.0,
            destination: "/data".to_owned(),
            privacy: PrivacyNote::default(),
            range: RangeRecord { from: at(started_at), to: at(started_at), timezone: "UTC".to_owned() },
            requests: RequestRecord::default(),
            requests_by_day: BTreeMap::from([(at(started_at).date_naive(), 7)]),
            datasets: Vec::new(),
            windows: Vec::new(),
            files: Vec::new(),
            activity_days_left_out: Vec::new(),
            rejected: RejectedRecord::default(),
            unknown_fields: BTreeMap::new(),
            unexpected_types: BTreeMap::new(),
            replaced_characters: 0,
            warnings: Vec::new(),
            failures: Vec::new(),
        }
    }

    fn taken_up(records: &[RunRecord], now: &str) -> Option<DateTime<Utc>> {
        Past::new(records, "nightly", at(now)).resumes
    }

    #[test]
    fn a_stopped_run_is_taken_up_through_all_its_parts() {
        let first = record("nightly", "2026-03-01T03:00:00Z", Outcome::Budget, None);
        let second = record("nightly", "2026-03-01T09:00:00Z", Outcome::Running, Some("2026-03-01T03:00:00Z"));
        let records = [second, first];
        assert_eq!(taken_up(&records, "2026-03-01T10:00:00Z"), Some(at("2026-03-01T03:00:00Z")));
        assert_eq!(taken_up(&records, "2026-03-02T03:00:00Z"), None, "the next night refreshes");
    }

    #[test]
    fn of_runs_with_the_same_present_the_last_id_counts() {
        let run = |end: &str, outcome| RunRecord {
            run_id: format!("20260301T030000Z-{end}"),
            ..record("nightly", "2026-03-01T03:00:00Z", outcome, None)
        };
        let stopped_then_done = [run("019f00000002beef", Outcome::Done), run("019f00000001cafe", Outcome::Budget)];
        assert_eq!(taken_up(&stopped_then_done, "2026-03-01T03:10:00Z"), None);
        let done_then_stopped = [run("019f00000002beef", Outcome::Budget), run("019f00000001cafe", Outcome::Done)];
        assert_eq!(taken_up(&done_then_stopped, "2026-03-01T03:10:00Z"), Some(at("2026-03-01T03:00:00Z")));
    }

    #[test]
    fn what_finished_is_not_taken_up_and_what_finished_in_part_only_by_a_retry() {
        let done = [record("nightly", "2026-03-01T03:00:00Z", Outcome::Done, None)];
        assert_eq!(taken_up(&done, "2026-03-01T03:10:00Z"), None);
        let partial = [record("nightly", "2026-03-01T03:00:00Z", Outcome::Partial, Some("2026-03-01T02:30:00Z"))];
        assert_eq!(taken_up(&partial, "2026-03-01T03:30:00Z"), Some(at("2026-03-01T03:00:00Z")));
        assert_eq!(taken_up(&partial, "2026-03-01T04:30:00Z"), None, "a run each hour still refreshes");
        let other = [record("backfill", "2026-03-01T03:00:00Z", Outcome::Running, None)];
        assert_eq!(taken_up(&other, "2026-03-01T03:10:00Z"), None, "another job's run is its own");
    }

    #[test]
    fn the_budget_counts_all_jobs_of_the_day() {
        let records = [
            record("nightly", "2026-03-01T23:00:00Z", Outcome::Done, None),
            record("nightly", "2026-03-02T03:00:00Z", Outcome::Done, None),
            record("backfill", "2026-03-02T04:00:00Z", Outcome::Budget, None),
        ];
        assert_eq!(Past::new(&records, "nightly", at("2026-03-02T05:00:00Z")).requests_today, 14);
    }

    #[test]
    fn a_record_reads_back_as_it_was_written() {
        let written = record("nightly", "2026-03-01T03:00:00Z", Outcome::Partial, None);
        let text = serde_json::to_string(&written).unwrap();
        assert_eq!(serde_json::from_str::<RunRecord>(&text).unwrap(), written);
    }
}
