//! The report of one run, kept as JSON under `_gong_export/runs/`. It repeats nothing that the data
//! files need: losing it costs knowledge of the past, never correctness. It holds no personal data
//! and no secrets.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

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
/// `fetched = written + private + filtered + duplicates + outside + rejected`.
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
        let Self { fetched, written, private, filtered, duplicates, outside, rejected } = *self;
        fetched == written + private + filtered + duplicates + outside + rejected
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
        let last = records.iter().filter(|record| record.job == job).max_by_key(|record| record.started_at);
        let resumes = last.and_then(|record| match record.outcome {
            Outcome::Done => None,
            Outcome::Running
            | Outcome::Failed
            | Outcome::Credentials
            | Outcome::Partial
            | Outcome::Budget
            | Outcome::Interrupted => Some(record.resumes.unwrap_or(record.started_at)),
        });
        let resumes = resumes.filter(|begin| *begin <= now && now - *begin <= RESUME_WITHIN);
        Self { resumes, requests_today }
    }
}
