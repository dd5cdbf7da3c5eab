//! The status as a JSON document, whose shape `status --help` describes. Pure.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::Serialize;

use super::RUNS_SHOWN;
use super::survey::{Awaited, Entry, Holding, awaited};
use crate::calendar::{Partition, PartitionBy};
use crate::cli::output::count;
use crate::cli::session::Session;
use crate::plan::{Due, Verdict};
use crate::sink::lease::Sighting;
use crate::state::lease::Abandonment;
use crate::state::run_record::{Outcome, Past, RunRecord};

/// What the report is made from.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) session: &'a Session,
    pub(super) destination: String,
    pub(super) past: Past,
    /// In order of time.
    pub(super) runs: &'a [RunRecord],
    pub(super) holdings: &'a [Holding],
    /// The lease as it stands at the destination.
    pub(super) lease: Option<&'a Sighting>,
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) job: String,
    /// Without credentials.
    pub(super) destination: String,
    /// Whether the job reads from the simulator.
    pub(super) simulated: bool,
    /// The instant that all of this was judged at.
    pub(super) now: String,
    pub(super) partition_by: &'static str,
    pub(super) range: RangeReport,
    pub(super) datasets: Vec<DatasetReport>,
    pub(super) transcripts: TranscriptReport,
    pub(super) requests: RequestReport,
    /// When the interrupted run began that the next run takes up.
    pub(super) resumes: Option<String>,
    /// The run that is at work there, or left its lease behind.
    pub(super) held_by: Option<HolderReport>,
    /// Newest first.
    pub(super) runs: Vec<RunReport>,
    pub(super) notes: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct RangeReport {
    pub(super) from: String,
    /// Not included.
    pub(super) to: String,
    pub(super) timezone: String,
}

#[derive(Debug, Serialize)]
pub(super) struct DatasetReport {
    pub(super) dataset: &'static str,
    pub(super) in_job: bool,
    pub(super) files: u64,
    /// Of the files that can be read.
    pub(super) rows: u64,
    pub(super) bytes: u64,
    /// The first and the last partition with a file.
    pub(super) first: Option<String>,
    pub(super) last: Option<String>,
    /// How many partitions have each verdict.
    pub(super) verdicts: BTreeMap<&'static str, u64>,
    /// In order of time.
    pub(super) partitions: Vec<PartitionReport>,
}

#[derive(Debug, Serialize)]
pub(super) struct PartitionReport {
    /// Its first day.
    pub(super) partition: String,
    pub(super) partition_by: &'static str,
    /// Whether runs of this job look after it.
    pub(super) in_range: bool,
    pub(super) verdict: &'static str,
    pub(super) explanation: String,
    /// Of files that can be read, as all that follows.
    pub(super) rows: Option<u64>,
    /// Of any file that is there.
    pub(super) bytes: Option<u64>,
    pub(super) as_of: Option<String>,
    pub(super) run_id: Option<String>,
    pub(super) checksum: Option<String>,
    pub(super) transcripts_awaited: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct TranscriptReport {
    pub(super) awaited: u64,
    pub(super) oldest: Option<String>,
    pub(super) given_up: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct RequestReport {
    pub(super) today: u64,
    pub(super) per_day: u64,
    pub(super) left: u64,
}

#[derive(Debug, Serialize)]
pub(super) struct HolderReport {
    pub(super) state: Hold,
    /// Of a lease document that can be read, as all that follows but `heard_at`.
    pub(super) run_id: Option<String>,
    pub(super) job: Option<String>,
    pub(super) host: Option<String>,
    pub(super) process: Option<u32>,
    pub(super) since: Option<String>,
    /// The last heartbeat.
    pub(super) heard_at: String,
    /// Without another one.
    pub(super) expires_at: Option<String>,
}

/// What a lease says about its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Hold {
    /// It is at work, or may be.
    Held,
    /// Its process does not run any more.
    Gone,
    /// No heartbeat for longer than it promised.
    Expired,
}

#[derive(Debug, Serialize)]
pub(super) struct RunReport {
    pub(super) run_id: String,
    pub(super) job: String,
    pub(super) outcome: Outcome,
    pub(super) exit_code: u8,
    pub(super) started_at: String,
    /// Of a run that goes on or was killed, when it was last heard of.
    pub(super) finished_at: String,
    pub(super) seconds: f64,
    pub(super) requests: u64,
    pub(super) files: u64,
    pub(super) files_changed: u64,
    pub(super) failures: u64,
    pub(super) simulated: bool,
}

pub(super) fn report(known: Known<'_>) -> Report {
    let Known { session, destination, past, runs, holdings, lease } = known;
    let per_day = session.spec.source.requests_per_day;
    let Awaited { calls, oldest, given_up } = awaited(holdings);
    Report {
        job: session.spec.name.clone(),
        destination,
        simulated: session.is_simulated(),
        now: instant(session.now),
        partition_by: by(session.spec.destination.partition_by),
        range: RangeReport {
            from: instant(session.range.from()),
            to: instant(session.range.to()),
            timezone: session.spec.range.timezone.name().to_owned(),
        },
        datasets: holdings.iter().map(dataset).collect(),
        transcripts: TranscriptReport { awaited: calls, oldest: oldest.map(instant), given_up },
        requests: RequestReport {
            today: past.requests_today,
            per_day,
            left: per_day.saturating_sub(past.requests_today),
        },
        resumes: past.resumes.map(instant),
        held_by: lease.map(holder),
        runs: runs.iter().rev().take(RUNS_SHOWN).map(run).collect(),
        notes: notes(holdings),
    }
}

/// To the second: nobody plans by less, and a clock's nanoseconds hide what matters.
fn instant(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

fn by(by: PartitionBy) -> &'static str {
    match by {
        PartitionBy::Day => "day",
        PartitionBy::Month => "month",
    }
}

pub(super) fn dataset(holding: &Holding) -> DatasetReport {
    let mut verdicts = BTreeMap::new();
    for entry in holding.entries.values() {
        *verdicts.entry(entry.verdict.word()).or_default() += 1;
    }
    let mut files = holding.entries.iter().filter(|(_, entry)| entry.bytes.is_some()).map(|(partition, _)| partition);
    let first = files.next();
    let last = files.next_back().or(first);
    DatasetReport {
        dataset: holding.dataset.name,
        in_job: holding.in_job,
        files: holding.entries.values().filter(|entry| entry.bytes.is_some()).count() as u64,
        rows: holding.entries.values().filter_map(Entry::rows).sum(),
        bytes: holding.entries.values().filter_map(|entry| entry.bytes).sum(),
        first: first.map(Partition::to_string),
        last: last.map(Partition::to_string),
        verdicts,
        partitions: holding.entries.iter().map(partition).collect(),
    }
}

fn partition((partition, entry): (&Partition, &Entry)) -> PartitionReport {
    let footer = entry.footer.as_ref();
    PartitionReport {
        partition: partition.to_string(),
        partition_by: by(partition.by()),
        in_range: entry.in_range,
        verdict: entry.verdict.word(),
        explanation: entry.verdict.to_string(),
        rows: entry.rows(),
        bytes: entry.bytes,
        as_of: footer.map(|footer| instant(footer.as_of)),
        run_id: footer.map(|footer| footer.run_id.clone()),
        checksum: footer.map(|footer| footer.checksum.clone()),
        transcripts_awaited: footer.map(|footer| footer.transcripts_awaited),
    }
}

pub(super) fn holder(lease: &Sighting) -> HolderReport {
    let owner = lease.holder.owner.as_ref();
    HolderReport {
        state: match lease.abandoned {
            None => Hold::Held,
            Some(Abandonment::ProcessGone) => Hold::Gone,
            Some(Abandonment::Silent) => Hold::Expired,
        },
        run_id: owner.map(|owner| owner.run_id.clone()),
        job: owner.map(|owner| owner.job.clone()),
        host: owner.and_then(|owner| owner.host.clone()),
        process: owner.map(|owner| owner.process.id),
        since: lease.holder.since.map(instant),
        heard_at: instant(lease.heard_at),
        expires_at: lease.expires_at.map(instant),
    }
}

fn run(record: &RunRecord) -> RunReport {
    RunReport {
        run_id: record.run_id.clone(),
        job: record.job.clone(),
        outcome: record.outcome,
        exit_code: record.exit_code,
        started_at: instant(record.started_at),
        finished_at: instant(record.finished_at),
        seconds: record.seconds,
        requests: record.requests.sent,
        files: record.files.len() as u64,
        files_changed: record.files.iter().filter(|file| file.changed).count() as u64,
        failures: record.failures.len() as u64,
        simulated: record.simulated,
    }
}

/// What is worth a look, and is not seen at a glance.
pub(super) fn notes(holdings: &[Holding]) -> Vec<String> {
    let mut notes = Vec::new();
    for holding in holdings {
        let name = holding.dataset.name;
        for (partition, entry) in &holding.entries {
            if let verdict @ (Verdict::Due(Due::Damaged) | Verdict::Blocked(_)) = &entry.verdict {
                notes.push(format!("{name} {partition}: {verdict}"));
            }
        }
        let has = |by| holding.entries.iter().any(|(partition, entry)| partition.by() == by && entry.bytes.is_some());
        if has(PartitionBy::Day) && has(PartitionBy::Month) {
            notes.push(format!(
                "{name} has files of days and files of months: who reads both has rows twice; remove those that the job no longer writes"
            ));
        }
        let left_alone = |due| {
            let left_alone = |entry: &&Entry| !entry.in_range && entry.verdict == Verdict::Due(due);
            holding.entries.values().filter(left_alone).count() as u64
        };
        for (due, what) in [(Due::Missing, "missing"), (Due::Unsettled, "not settled")] {
            let partitions = left_alone(due);
            if partitions > 0 && holding.in_job {
                notes.push(format!(
                    "{name}: {} partitions are {what} and lie outside the job's range; `run --from` reaches them",
                    count(partitions)
                ));
            }
        }
    }
    notes
}
