//! What stands at a destination, partition by partition, and what is missing there. Pure: the footers
//! have been read, the clock has been looked at.
//!
//! The judgement is the planner's own ([`Circumstances::judge`]); this module only decides which
//! partitions there ought to be, inside the job's range and between the files outside of it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};

use super::mark::Mark;
use crate::calendar::{DateRange, Partition, PartitionBy};
use crate::dataset::{Dataset, PartitionColumn};
use crate::plan::{Circumstances, Due, ListPlan, NotDue, Verdict};
use crate::sink::Held;
use crate::state::coverage::{Coverage, Standing};
use crate::state::footer::Footer;

/// The partitions of one dataset: those that are there and those that ought to be.
#[derive(Debug)]
pub(super) struct Holding {
    pub(super) dataset: &'static Dataset,
    /// Whether the job exports it.
    pub(super) in_job: bool,
    pub(super) entries: BTreeMap<Partition, Entry>,
}

/// One partition of a dataset.
#[derive(Debug)]
pub(super) struct Entry {
    /// Whether runs of the job look after it.
    pub(super) in_range: bool,
    pub(super) verdict: Verdict,
    /// Of the file; `None` when there is none.
    pub(super) bytes: Option<u64>,
    /// Of a file of ours.
    pub(super) footer: Option<Footer>,
}

impl Entry {
    pub(super) fn rows(&self) -> Option<u64> {
        self.footer.as_ref().map(|footer| footer.records_written)
    }

    pub(super) fn mark(&self) -> Mark {
        Mark::of(&self.verdict, self.rows())
    }
}

/// Calls without a transcript.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Awaited {
    /// Those that runs of the job ask for.
    pub(super) calls: u64,
    /// When the oldest of them began.
    pub(super) oldest: Option<DateTime<Utc>>,
    /// Those that no run asks for any more: waited for long enough, or outside the job's range.
    pub(super) given_up: u64,
}

/// What the job asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'a> {
    pub(super) datasets: &'a [&'static Dataset],
    pub(super) range: DateRange,
    pub(super) partition_by: PartitionBy,
    pub(super) circumstances: Circumstances<'a>,
}

/// Surveys the datasets in `seen`; those that neither the job nor the destination has are left out.
pub(super) fn survey(expected: Expected<'_>, seen: &[&'static Dataset], held: &Held) -> Vec<Holding> {
    let mut bytes: BTreeMap<_, u64> = BTreeMap::new();
    for file in &held.files {
        bytes.insert((file.location.dataset().name, file.location.partition()), file.size_bytes);
    }
    let mut holdings = Vec::new();
    for &dataset in seen {
        let in_job = expected.datasets.contains(&dataset);
        let in_range = if in_job { expected.partitions(dataset) } else { BTreeSet::new() };
        let mut partitions = in_range.clone();
        partitions.extend(held.coverage.iter().filter(|(name, _, _)| *name == dataset.name).map(|(_, p, _)| p));
        if dataset.partition != PartitionColumn::Snapshot {
            partitions.extend(span(dataset, expected.partition_by, &held.coverage));
        }
        let entry = |partition: Partition| {
            let standing = held.coverage.get(dataset.name, partition);
            Entry {
                in_range: in_range.contains(&partition),
                verdict: expected.judge(dataset, partition, standing),
                bytes: standing.and_then(|_| bytes.get(&(dataset.name, partition)).copied()),
                footer: held.coverage.footer(dataset.name, partition).cloned(),
            }
        };
        let entries: BTreeMap<_, _> = partitions.into_iter().map(|partition| (partition, entry(partition))).collect();
        if in_job || !entries.is_empty() {
            holdings.push(Holding { dataset, in_job, entries });
        }
    }
    holdings
}

impl Expected<'_> {
    /// The partitions that runs of the job look after, as of now.
    fn partitions(&self, dataset: &Dataset) -> BTreeSet<Partition> {
        let Circumstances { now, zone, .. } = self.circumstances;
        let Some(begun) = DateRange::new(self.range.from(), self.range.to().min(now)) else {
            return BTreeSet::new();
        };
        let by = dataset.partition.partition_by(self.partition_by);
        match dataset.partition {
            PartitionColumn::Call | PartitionColumn::Review | PartitionColumn::Event => {
                Partition::covering(begun, zone, by).into_iter().collect()
            }
            PartitionColumn::Snapshot => BTreeSet::from([Partition::of_instant(now, zone, by)]),
            PartitionColumn::Activity => {
                let over = ListPlan::surely_over(now);
                Partition::covering(begun, zone, by).into_iter().filter(|day| day.first_day() < over).collect()
            }
        }
    }

    fn judge(&self, dataset: &Dataset, partition: Partition, standing: Option<&Standing>) -> Verdict {
        let verdict = self.circumstances.judge(dataset, partition, standing);
        let Circumstances { now, zone, .. } = self.circumstances;
        match verdict {
            // Every run takes the snapshot of its own day; those of other days stay as they are.
            Verdict::Due(Due::Snapshot) if partition != Partition::of_instant(now, zone, PartitionBy::Day) => {
                Verdict::NotDue(NotDue::Settled)
            }
            verdict => verdict,
        }
    }
}

/// All partitions from the first good file to the last. Only footers vouch for the dates: a name alone
/// may say any year.
fn span(dataset: &Dataset, by: PartitionBy, coverage: &Coverage) -> Vec<Partition> {
    let by = dataset.partition.partition_by(by);
    let mut ours = coverage
        .iter()
        .filter(|(name, partition, standing)| {
            *name == dataset.name && partition.by() == by && matches!(standing, Standing::Ours(_))
        })
        .map(|(_, partition, _)| partition);
    let Some(first) = ours.next() else {
        return Vec::new();
    };
    let last = ours.last().unwrap_or(first);
    std::iter::successors(Some(first), |partition| Some(partition.next())).take_while(|p| *p <= last).collect()
}

/// Sums up the calls without a transcript.
pub(super) fn awaited(holdings: &[Holding]) -> Awaited {
    // All files of a partition count the same calls.
    let mut asked: BTreeMap<Partition, u64> = BTreeMap::new();
    let mut given_up: BTreeMap<Partition, u64> = BTreeMap::new();
    let mut oldest = None;
    let entries = holdings.iter().flat_map(|holding| &holding.entries);
    for (partition, entry) in entries {
        let Some(footer) = entry.footer.as_ref().filter(|footer| footer.transcripts_awaited > 0) else {
            continue;
        };
        let is_asked = entry.in_range && matches!(entry.verdict, Verdict::Due(_) | Verdict::Awaiting { .. });
        let calls = if is_asked { &mut asked } else { &mut given_up }.entry(*partition).or_default();
        *calls = (*calls).max(footer.transcripts_awaited);
        if is_asked && let Some(begin) = footer.oldest_awaited {
            oldest = Some(oldest.map_or(begin, |oldest: DateTime<Utc>| oldest.min(begin)));
        }
    }
    given_up.retain(|partition, _| !asked.contains_key(partition));
    Awaited { calls: asked.values().sum(), oldest, given_up: given_up.values().sum() }
}
