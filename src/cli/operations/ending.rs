//! How a run ended, in one shape for all that is told about it: with a run record, or with a failure
//! before there was anything to record. Only values; the clock is read by [`Stopwatch`].

use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};

use crate::cli::environment;
use crate::cli::error::Failure;
use crate::state::run_record::{FailureRecord, RunRecord};

/// Runs beside a run, from before its job is read.
#[derive(Debug)]
pub(in crate::cli) struct Stopwatch(Instant);

impl Stopwatch {
    pub(in crate::cli) fn start() -> Self {
        Self(Instant::now())
    }

    pub(super) fn stop<'a>(
        self,
        job: Option<&'a str>,
        file_stem: &'a str,
        result: &'a Result<RunRecord, Failure>,
    ) -> Ending<'a> {
        Ending { job, file_stem, result, finished_at: environment::now(), lasted: self.0.elapsed() }
    }
}

/// A run that is over.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending<'a> {
    /// The job's name; `None` when its spec could not be read.
    pub(super) job: Option<&'a str>,
    /// The name of the job's file without its ending.
    pub(super) file_stem: &'a str,
    pub(super) result: &'a Result<RunRecord, Failure>,
    /// By the clock, also when `--now` gave the run another present: who watches runs wants to know
    /// when this one really took place.
    pub(super) finished_at: DateTime<Utc>,
    /// From start to end of the command.
    pub(super) lasted: Duration,
}

impl Ending<'_> {
    pub(super) fn record(&self) -> Option<&RunRecord> {
        self.result.as_ref().ok()
    }

    pub(super) fn exit_code(&self) -> u8 {
        match self.result {
            Ok(record) => record.exit_code,
            Err(failure) => failure.exit.code(),
        }
    }

    /// The exit code as a word, for those who do not know them by heart.
    pub(super) fn outcome(&self) -> &'static str {
        match self.exit_code() {
            0 => "done",
            2 => "usage",
            3 => "credentials",
            4 => "partial",
            5 => "budget",
            7 => "locked",
            130 | 143 => "interrupted",
            _ => "failed",
        }
    }

    pub(super) fn is_interrupted(&self) -> bool {
        self.outcome() == "interrupted"
    }

    /// The job's name, or the best guess at it.
    pub(super) fn job_or_file(&self) -> &str {
        self.job.unwrap_or(self.file_stem)
    }

    pub(super) fn started_at(&self) -> DateTime<Utc> {
        self.finished_at - TimeDelta::from_std(self.lasted).unwrap_or_default()
    }

    /// Rows in the files that the run made visible.
    pub(super) fn rows(&self) -> u64 {
        self.record().map_or(0, |record| record.datasets.iter().map(|total| total.rows).sum())
    }

    pub(super) fn files(&self) -> u64 {
        self.record().map_or(0, |record| record.files.len() as u64)
    }

    /// Files whose content is new.
    pub(super) fn changed(&self) -> u64 {
        self.record().map_or(0, |record| record.files.iter().filter(|file| file.changed).count() as u64)
    }

    /// Requests, as far as they were counted: a run that fails early has no record of the few it sent.
    pub(super) fn requests(&self) -> u64 {
        self.record().map_or(0, |record| record.requests.sent)
    }

    /// What failed for good. A run without a record failed as a whole.
    pub(super) fn failures(&self) -> Vec<FailureRecord> {
        match self.result {
            Ok(record) => record.failures.clone(),
            Err(failure) => vec![FailureRecord {
                unit: "run".to_owned(),
                error: failure.message.clone(),
                hint: failure.hint.clone(),
            }],
        }
    }

    pub(super) fn warnings(&self) -> u64 {
        self.record().map_or(0, |record| record.warnings.len() as u64)
    }
}

#[cfg(test)]
pub(super) mod samples {
    //! Endings for the tests of everything that is made from them.

    use super::*;
    use crate::cli::exit_code::Exit;
    use crate::state::privacy_note::PrivacyNote;
    use crate::state::run_record::{
        DatasetRecord, FORMAT, FileRecord, Outcome, RangeRecord, RejectedRecord, RequestRecord,
    };

    pub(in crate::cli::operations) fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// A run of two datasets: three files, two of them new.
    pub(in crate::cli::operations) fn record(outcome: Outcome) -> RunRecord {
        let file = |dataset: &str, day: &str, rows, changed| FileRecord {
            dataset: dataset.to_owned(),
            partition: day.parse().unwrap(),
            key: format!("{dataset}/call_date={day}/{dataset}.parquet"),
            rows,
            bytes: rows * 50,
            checksum: "xxh3:0".to_owned(),
            changed,
        };
        let total = |dataset: &str, partitions, rows, partitions_changed| DatasetRecord {
            dataset: dataset.to_owned(),
            partitions,
            rows,
            bytes: rows * 50,
            partitions_changed,
        };
        RunRecord {
            format: FORMAT,
            run_id: "20260320T041500Z-0a1b2c3d".to_owned(),
            tool_version: "0.1.0".to_owned(),
            job: "nightly".to_owned(),
            outcome,
            exit_code: outcome.exit_code(),
            simulated: false,
            started_at: instant("2026-03-20T04:15:00Z"),
            finished_at: instant("2026-03-20T04:15:12Z"),
            resumes: None,
            seconds: 12.5,
            destination: "s3://acme-lake/gong".to_owned(),
            privacy: PrivacyNote::NONE,
            range: RangeRecord {
                from: instant("2026-03-18T00:00:00Z"),
                to: instant("2026-03-20T00:00:00Z"),
                timezone: "UTC".to_owned(),
            },
            requests: RequestRecord { sent: 9, retries: 2, throttled: 1, bytes_received: 4_000 },
            requests_by_day: std::collections::BTreeMap::new(),
            datasets: vec![total("calls", 2, 70, 2), total("users", 1, 12, 0)],
            windows: Vec::new(),
            files: vec![
                file("calls", "2026-03-18", 40, true),
                file("calls", "2026-03-19", 30, true),
                file("users", "2026-03-20", 12, false),
            ],
            activity_days_left_out: Vec::new(),
            rejected: RejectedRecord::default(),
            unknown_fields: Default::default(),
            unexpected_types: Default::default(),
            replaced_characters: 0,
            warnings: vec!["one".to_owned()],
            failures: Vec::new(),
        }
    }

    /// A run that ended before there was anything to record.
    pub(in crate::cli::operations) fn early(exit: Exit, message: &str) -> Result<RunRecord, Failure> {
        Err(Failure::new(exit, message))
    }

    pub(in crate::cli::operations) fn ending(result: &Result<RunRecord, Failure>) -> Ending<'_> {
        Ending {
            job: Some("nightly"),
            file_stem: "job",
            result,
            finished_at: instant("2026-03-20T04:15:13Z"),
            lasted: Duration::from_millis(12_750),
        }
    }
}
