//! Which partitions a run exports, in which windows, and for how many requests. Pure: what is to be
//! known (the range, the instant, what the API announced) is handed in; nothing is fetched here.
//!
//! Fetches are planned, not datasets: one `calls/extensive` listing feeds every dataset that is made
//! from calls, and the requests are what is scarce.

mod estimate;
mod window;

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::{DateRange, Partition, PartitionBy};
use crate::dataset::{Dataset, Source};
use crate::gong::endpoint::Block;

pub use estimate::{Counts, Estimate, FetchEstimate};
pub use window::{WINDOW_RECORDS_TARGET, Window};

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub datasets: &'a [&'static Dataset],
    /// As the job or the command line says it; may reach into the future.
    pub range: DateRange,
    /// The zone of partition days.
    pub zone: Tz,
    pub partition_by: PartitionBy,
    /// The instant of the run: partitions that have not begun by then are left out.
    pub now: DateTime<Utc>,
    /// Whether calls are chosen by who took part in them, which the parties tell.
    pub by_participant: bool,
}

/// What a run is to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    pub calls: Option<CallPlan>,
    pub users: Option<UserPlan>,
    pub activity: Option<ActivityPlan>,
}

/// The listing of calls and all that is made from it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallPlan {
    pub datasets: Vec<&'static Dataset>,
    /// The parts of a call to ask for.
    pub blocks: BTreeSet<Block>,
    /// Whether transcripts are fetched too.
    pub transcripts: bool,
    /// In order of time.
    pub partitions: Vec<Partition>,
    /// In order of time, together the partitions exactly once. Listings that turn out too long are
    /// split further while they run ([`Window::split`]).
    pub windows: Vec<Window>,
}

/// The list of users, a snapshot of today.
#[derive(Debug, Clone, PartialEq)]
pub struct UserPlan {
    pub dataset: &'static Dataset,
    pub partition: Partition,
}

/// Activity by day. Days are the company's, whose zone only an answer of the API tells; the last
/// ones may still be running there ([`ActivityPlan::surely_over`]).
#[derive(Debug, Clone, PartialEq)]
pub struct ActivityPlan {
    pub dataset: &'static Dataset,
    /// First day, included.
    pub from: NaiveDate,
    /// Last day, not included.
    pub to: NaiveDate,
}

impl Plan {
    /// Plans the export of all partitions that the range touches, whole: a partition is one file and
    /// is replaced whole, so a part of one would lose the rest of it.
    pub fn new(inputs: Inputs<'_>) -> Self {
        let mut plan = Self { calls: None, users: None, activity: None };
        let Some(range) = DateRange::new(inputs.range.from(), inputs.range.to().min(inputs.now)) else {
            return plan;
        };

        let mut call_datasets = Vec::new();
        let mut blocks = BTreeSet::new();
        let mut transcripts = false;
        for &dataset in inputs.datasets {
            match &dataset.source {
                Source::Call { blocks: needed, transcript, .. } => {
                    call_datasets.push(dataset);
                    blocks.extend(needed.iter().copied());
                    transcripts |= transcript;
                }
                Source::User { .. } => {
                    let partition = Partition::of_instant(inputs.now, inputs.zone, PartitionBy::Day);
                    plan.users = Some(UserPlan { dataset, partition });
                }
                Source::Activity { .. } => {
                    let from = range.from().with_timezone(&inputs.zone).date_naive();
                    let last_instant = inputs.range.to() - TimeDelta::nanoseconds(1);
                    let last = last_instant.with_timezone(&inputs.zone).date_naive();
                    plan.activity = Some(ActivityPlan { dataset, from, to: last + Days::new(1) });
                }
            }
        }
        if inputs.by_participant {
            blocks.insert(Block::Parties);
        }
        if !call_datasets.is_empty() {
            let partitions = Partition::covering(range, inputs.zone, inputs.partition_by);
            let windows = Window::runs(&partitions, inputs.zone);
            plan.calls = Some(CallPlan { datasets: call_datasets, blocks, transcripts, partitions, windows });
        }
        plan
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.calls.is_none() && self.users.is_none() && self.activity.is_none()
    }
}

impl ActivityPlan {
    /// The first day that may not be over everywhere on earth at `now`. Up to it no company's zone
    /// needs to be known: a day has ended for all twelve hours after it ended in UTC.
    pub fn surely_over(now: DateTime<Utc>) -> NaiveDate {
        (now - TimeDelta::hours(12)).date_naive()
    }

    /// The same plan ending at the company's today, and the days which that leaves out.
    pub fn clip(&self, today: NaiveDate) -> (Option<Self>, Vec<NaiveDate>) {
        let to = self.to.min(today);
        let first_left_out = self.from.max(to);
        let left_out = first_left_out.iter_days().take_while(|day| *day < self.to).collect();
        let clipped = (self.from < to).then(|| Self { to, ..self.clone() });
        (clipped, left_out)
    }

    /// The days, one partition each.
    pub fn partitions(&self) -> Vec<Partition> {
        self.from
            .iter_days()
            .take_while(|day| *day < self.to)
            .map(|day| Partition::of_day(day, PartitionBy::Day))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn plan(datasets: &[&str], from: &str, to: &str, now: &str, by: PartitionBy) -> Plan {
        let datasets: Vec<_> = datasets.iter().map(|name| dataset::find(name).unwrap()).collect();
        Plan::new(Inputs {
            datasets: &datasets,
            range: DateRange::new(instant(from), instant(to)).unwrap(),
            zone: chrono_tz::America::New_York,
            partition_by: by,
            now: instant(now),
            by_participant: false,
        })
    }

    #[test]
    fn one_listing_feeds_all_datasets_made_from_calls() {
        let plan = plan(
            &["calls", "parties", "transcripts"],
            "2026-01-01T05:00:00Z",
            "2026-01-04T05:00:00Z",
            "2026-02-01T00:00:00Z",
            PartitionBy::Day,
        );
        let calls = plan.calls.unwrap();
        assert_eq!(calls.datasets.len(), 3);
        assert_eq!(calls.windows.len(), 1);
        assert_eq!(calls.windows[0].range.to_string(), "2026-01-01T05:00:00Z to 2026-01-04T05:00:00Z");
        assert_eq!(calls.partitions.len(), 3);
        assert!(calls.transcripts && calls.blocks.contains(&Block::Parties));
        assert_eq!((plan.users, plan.activity), (None, None));
    }

    #[test]
    fn a_range_that_begins_inside_a_partition_takes_it_whole() {
        let plan = plan(
            &["calls"],
            "2026-01-20T15:00:00Z",
            "2026-02-02T05:00:00Z",
            "2026-03-01T00:00:00Z",
            PartitionBy::Month,
        );
        let calls = plan.calls.unwrap();
        assert_eq!(calls.partitions.iter().map(Partition::to_string).collect::<Vec<_>>(), ["2026-01-01", "2026-02-01"]);
        assert_eq!(calls.windows[0].range.to_string(), "2026-01-01T05:00:00Z to 2026-03-01T05:00:00Z");
    }

    #[test]
    fn partitions_that_have_not_begun_are_left_out() {
        let all = |now| {
            plan(
                &["calls", "users", "activity_stats"],
                "2026-01-01T05:00:00Z",
                "2026-01-09T05:00:00Z",
                now,
                PartitionBy::Day,
            )
        };
        assert_eq!(all("2026-01-03T12:00:00Z").calls.unwrap().partitions.len(), 3);
        assert!(all("2025-12-31T00:00:00Z").is_empty());
    }

    #[test]
    fn activity_is_clipped_to_days_that_are_over() {
        let activity = plan(
            &["activity_stats"],
            "2026-01-01T05:00:00Z",
            "2026-01-05T05:00:00Z",
            "2026-01-10T00:00:00Z",
            PartitionBy::Month,
        )
        .activity
        .unwrap();
        assert_eq!((activity.from.to_string(), activity.to.to_string()), ("2026-01-01".into(), "2026-01-05".into()));
        assert_eq!(activity.partitions().len(), 4);
        let (clipped, left_out) = activity.clip("2026-01-03".parse().unwrap());
        assert_eq!(clipped.unwrap().partitions().len(), 2);
        assert_eq!(left_out.iter().map(NaiveDate::to_string).collect::<Vec<_>>(), ["2026-01-03", "2026-01-04"]);
        let (clipped, left_out) = activity.clip("2025-12-31".parse().unwrap());
        assert_eq!((clipped, left_out.len()), (None, 4));
        assert_eq!(ActivityPlan::surely_over(instant("2026-01-10T11:59:59Z")).to_string(), "2026-01-09");
        assert_eq!(ActivityPlan::surely_over(instant("2026-01-10T12:00:00Z")).to_string(), "2026-01-10");
    }
}
