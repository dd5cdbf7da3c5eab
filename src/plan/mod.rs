//! Which partitions a run exports, in which windows, and for how many requests. Pure: what is to be
//! known (the range, the instant, what the API announced) is handed in; nothing is fetched here.
//!
//! Fetches are planned, not datasets: one `calls/extensive` listing feeds every dataset that is made
//! from calls, and the requests are what is scarce.

pub mod density;
pub mod due;
mod estimate;
pub mod window;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::{DateRange, Partition, PartitionBy};
use crate::dataset::{Dataset, PartitionColumn, Source};
use crate::gong::endpoint::Block;
use crate::gong::list::List;
use crate::state::coverage::Coverage;

pub use due::{Blocked, Circumstances, Due, NotDue, Refresh, Verdict};
pub use estimate::{Counts, Estimate, FetchEstimate, ListCount, Pace};

/// What a plan is made from.
#[derive(Debug, Clone, Copy)]
pub struct Inputs<'a> {
    pub datasets: &'a [&'static Dataset],
    /// As the job or the command line says it; may reach into the future.
    pub range: DateRange,
    pub partition_by: PartitionBy,
    /// Partitions that have not begun at its `now` are left out.
    pub circumstances: Circumstances<'a>,
    /// What stands at the destination.
    pub coverage: &'a Coverage,
    /// Whether calls are chosen by who took part in them, which the parties tell.
    pub by_participant: bool,
}

/// What a run is to do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Plan {
    pub calls: Option<CallPlan>,
    /// What is listed besides calls: for each list its snapshot of today, or runs of days that follow
    /// each other.
    pub lists: Vec<ListPlan>,
    /// Every partition of the range with its verdict, by dataset in the order of the inputs.
    pub verdicts: Vec<PartitionVerdict>,
}

/// What is to be done about one partition of a dataset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionVerdict {
    pub dataset: &'static Dataset,
    pub partition: Partition,
    pub verdict: Verdict,
}

/// The listing of calls and all that is made from it.
#[derive(Debug, Clone, PartialEq)]
pub struct CallPlan {
    pub datasets: Vec<&'static Dataset>,
    /// The parts of a call to ask for.
    pub blocks: BTreeSet<Block>,
    /// Whether transcripts are fetched too.
    pub transcripts: bool,
    /// Those that are due, in order of time.
    pub partitions: Vec<Partition>,
    /// In order of time, together the due partitions exactly once. Listings are cut further while they run
    /// ([`window`]).
    pub windows: Vec<DateRange>,
    /// Those that become due if an awaited transcript has come.
    pub awaiting: Vec<Partition>,
}

/// A list and all that is made from it, over some days. Where the days are the company's, only an
/// answer of the API tells its zone, and the last ones may still be running there
/// ([`ListPlan::surely_over`]).
#[derive(Debug, Clone, PartialEq)]
pub struct ListPlan {
    pub list: &'static List,
    pub datasets: Vec<&'static Dataset>,
    /// First day, included; today for a list that is as it is now.
    pub from: NaiveDate,
    /// Last day, not included.
    pub to: NaiveDate,
}

impl Plan {
    /// Plans the export of what is due among the partitions that the range touches, whole: a
    /// partition is one file and is replaced whole, so a part of one would lose the rest of it.
    pub fn new(inputs: Inputs<'_>) -> Self {
        let mut plan = Self::default();
        let Circumstances { now, zone, .. } = inputs.circumstances;
        let Some(begun) = DateRange::new(inputs.range.from(), inputs.range.to().min(now)) else {
            return plan;
        };

        let mut call_datasets = Vec::new();
        let mut lists: Vec<(&'static List, Vec<&'static Dataset>)> = Vec::new();
        for &dataset in inputs.datasets {
            match &dataset.source {
                Source::Call { .. } => call_datasets.push(dataset),
                Source::List { list, .. } => match lists.iter_mut().find(|(known, _)| known == list) {
                    Some((_, datasets)) => datasets.push(dataset),
                    None => lists.push((list, vec![dataset])),
                },
            }
        }
        if !call_datasets.is_empty() {
            let partitions = Partition::covering(begun, zone, inputs.partition_by);
            plan.calls = plan.plan_calls(&inputs, call_datasets, partitions);
        }
        for (list, datasets) in lists {
            let days = match datasets[0].partition {
                PartitionColumn::Snapshot => vec![Partition::of_instant(now, zone, PartitionBy::Day)],
                // Days to come are told as left out.
                PartitionColumn::Activity => Partition::covering(inputs.range, zone, PartitionBy::Day),
                PartitionColumn::Call | PartitionColumn::Review | PartitionColumn::Event => {
                    Partition::covering(begun, zone, PartitionBy::Day)
                }
            };
            let due: Vec<_> =
                days.into_iter().filter(|day| plan.judge_together(&inputs, &datasets, *day) == Together::Due).collect();
            plan.lists.extend(ListPlan::runs(list, &datasets, &due));
        }
        // By dataset, in the order of the job.
        plan.verdicts.sort_by_key(|v| inputs.datasets.iter().position(|d| *d == v.dataset));
        plan
    }

    fn judge(&mut self, inputs: &Inputs<'_>, dataset: &'static Dataset, partition: Partition) {
        let standing = inputs.coverage.get(dataset.name, partition);
        let verdict = inputs.circumstances.judge(dataset, partition, standing);
        self.verdicts.push(PartitionVerdict { dataset, partition, verdict });
    }

    /// One listing feeds several datasets: a partition that is due for one of them is exported for all,
    /// unless one of its files must not be touched.
    fn judge_together(&mut self, inputs: &Inputs<'_>, datasets: &[&'static Dataset], partition: Partition) -> Together {
        let first = self.verdicts.len();
        for &dataset in datasets {
            self.judge(inputs, dataset, partition);
        }
        let verdicts = &mut self.verdicts[first..];
        // Files of one listing become visible one after the other, and a run may be killed in between.
        if verdicts.iter().any(|v| v.verdict == Verdict::NotDue(NotDue::Fresh)) {
            let is_left_behind = |v: &&mut PartitionVerdict| {
                matches!(v.verdict, Verdict::NotDue(NotDue::Settled) | Verdict::Awaiting { .. })
            };
            verdicts.iter_mut().filter(is_left_behind).for_each(|v| v.verdict = Verdict::Due(Due::Torn));
        }
        if verdicts.iter().any(|v| matches!(v.verdict, Verdict::Blocked(_))) {
            for v in verdicts.iter_mut().filter(|v| !matches!(v.verdict, Verdict::Blocked(_))) {
                v.verdict = Verdict::Blocked(Blocked::Companion);
            }
            Together::NotDue
        } else if verdicts.iter().any(|v| matches!(v.verdict, Verdict::Due(_))) {
            for v in verdicts.iter_mut().filter(|v| !matches!(v.verdict, Verdict::Due(_))) {
                v.verdict = Verdict::Due(Due::Companion);
            }
            Together::Due
        } else if verdicts.iter().any(|v| matches!(v.verdict, Verdict::Awaiting { .. })) {
            Together::Awaiting
        } else {
            Together::NotDue
        }
    }

    fn plan_calls(
        &mut self,
        inputs: &Inputs<'_>,
        datasets: Vec<&'static Dataset>,
        partitions: Vec<Partition>,
    ) -> Option<CallPlan> {
        let mut due = Vec::new();
        let mut awaiting = Vec::new();
        for partition in partitions {
            match self.judge_together(inputs, &datasets, partition) {
                Together::Due => due.push(partition),
                Together::Awaiting => awaiting.push(partition),
                Together::NotDue => {}
            }
        }
        if due.is_empty() && awaiting.is_empty() {
            return None;
        }

        let mut blocks = BTreeSet::new();
        let mut transcripts = false;
        for dataset in &datasets {
            if let Source::Call { blocks: needed, transcript, .. } = &dataset.source {
                blocks.extend(needed.iter().copied());
                transcripts |= transcript;
            }
        }
        if inputs.by_participant {
            blocks.insert(Block::Parties);
        }
        let windows = window::runs(&due, inputs.circumstances.zone);
        Some(CallPlan { datasets, blocks, transcripts, partitions: due, windows, awaiting })
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.calls.is_none() && self.lists.is_empty()
    }

    /// How many calls of settled partitions still have no transcript.
    pub fn transcripts_awaited(&self) -> u64 {
        let mut awaited: BTreeMap<Partition, u64> = BTreeMap::new();
        for PartitionVerdict { partition, verdict, .. } in &self.verdicts {
            if let Verdict::Awaiting { calls } = verdict {
                // All files of a partition count the same calls.
                let most = awaited.entry(*partition).or_default();
                *most = (*most).max(*calls);
            }
        }
        awaited.values().sum()
    }

    /// What must not be replaced, and why. Companions are left out: they go with what blocks them.
    pub fn blocked(&self) -> impl Iterator<Item = (&PartitionVerdict, &Blocked)> {
        self.verdicts.iter().filter_map(|verdict| match &verdict.verdict {
            Verdict::Blocked(Blocked::Companion) => None,
            Verdict::Blocked(why) => Some((verdict, why)),
            Verdict::Due(_) | Verdict::Awaiting { .. } | Verdict::NotDue(_) => None,
        })
    }
}

impl CallPlan {
    /// Whether a partition begins at this instant.
    pub fn begins_a_partition(&self, instant: DateTime<Utc>, zone: Tz) -> bool {
        self.partitions.iter().any(|partition| partition.span(zone).from() == instant)
    }

    /// Adds partitions that were only awaiting transcripts.
    pub fn add(&mut self, partitions: &[Partition], zone: Tz) {
        self.partitions.extend(partitions);
        self.partitions.sort_unstable();
        self.windows = window::runs(&self.partitions, zone);
    }
}

/// The verdict on a partition of several datasets that are made from one listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Together {
    Due,
    Awaiting,
    NotDue,
}

impl ListPlan {
    /// One plan for each run of days that follow each other, or for each day where a list cannot tell
    /// several apart.
    fn runs(list: &'static List, datasets: &[&'static Dataset], days: &[Partition]) -> Vec<Self> {
        let mut runs: Vec<Self> = Vec::new();
        for day in days {
            let to = day.next().first_day();
            match runs.last_mut() {
                Some(run) if run.to == day.first_day() && !list.by_single_days() => run.to = to,
                _ => runs.push(Self { list, datasets: datasets.to_vec(), from: day.first_day(), to }),
            }
        }
        runs
    }

    /// How many days it covers.
    pub fn days(&self) -> u64 {
        u64::try_from((self.to - self.from).num_days()).unwrap_or_default()
    }

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

    /// The same in parts of at most so many days, in order of time.
    pub fn split(&self, days: u64) -> Vec<Self> {
        let mut parts = Vec::new();
        let mut from = self.from;
        while from < self.to {
            let to = from.checked_add_days(Days::new(days.max(1))).map_or(self.to, |to| to.min(self.to));
            parts.push(Self { from, to, ..self.clone() });
            from = to;
        }
        parts
    }

    /// One day of it.
    pub fn of_day(&self, day: Partition) -> Self {
        Self { from: day.first_day(), to: day.next().first_day(), ..self.clone() }
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
    use crate::state::coverage::Standing;
    use crate::state::footer::{Footer, SCHEMA_VERSION};
    use crate::state::privacy_note::PrivacyNote;

    fn instant(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn circumstances(now: &str) -> Circumstances<'static> {
        let refresh = Refresh { settle: TimeDelta::days(7), transcripts_wait: TimeDelta::days(30), full: false };
        Circumstances {
            refresh,
            now: instant(now),
            zone: chrono_tz::America::New_York,
            selection: "{}",
            privacy: &PrivacyNote::NONE,
            simulated: false,
            resumes: None,
        }
    }

    fn plan(datasets: &[&str], from: &str, to: &str, now: &str, by: PartitionBy) -> Plan {
        let datasets: Vec<_> = datasets.iter().map(|name| dataset::find(name).unwrap()).collect();
        Plan::new(Inputs {
            datasets: &datasets,
            range: DateRange::new(instant(from), instant(to)).unwrap(),
            partition_by: by,
            circumstances: circumstances(now),
            coverage: &Coverage::default(),
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
        assert_eq!(calls.windows[0].to_string(), "2026-01-01T05:00:00Z to 2026-01-04T05:00:00Z");
        assert_eq!(calls.partitions.len(), 3);
        assert!(calls.transcripts && calls.blocks.contains(&Block::Parties));
        assert!(plan.lists.is_empty());
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
        assert_eq!(calls.windows[0].to_string(), "2026-01-01T05:00:00Z to 2026-03-01T05:00:00Z");
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
        .lists
        .remove(0);
        assert_eq!((activity.from.to_string(), activity.to.to_string()), ("2026-01-01".into(), "2026-01-05".into()));
        assert_eq!(activity.partitions().len(), 4);
        let (clipped, left_out) = activity.clip("2026-01-03".parse().unwrap());
        assert_eq!(clipped.unwrap().partitions().len(), 2);
        assert_eq!(left_out.iter().map(NaiveDate::to_string).collect::<Vec<_>>(), ["2026-01-03", "2026-01-04"]);
        let (clipped, left_out) = activity.clip("2025-12-31".parse().unwrap());
        assert_eq!((clipped, left_out.len()), (None, 4));
        assert_eq!(ListPlan::surely_over(instant("2026-01-10T11:59:59Z")).to_string(), "2026-01-09");
        assert_eq!(ListPlan::surely_over(instant("2026-01-10T12:00:00Z")).to_string(), "2026-01-10");
    }

    #[test]
    fn parts_of_a_list_are_its_days_in_order() {
        let whole =
            plan(&["logs"], "2026-01-01T05:00:00Z", "2026-01-08T05:00:00Z", "2026-02-01T00:00:00Z", PartitionBy::Day)
                .lists
                .remove(0);
        let days = |days: u64| -> Vec<u64> { whole.split(days).iter().map(ListPlan::days).collect() };
        assert_eq!((days(3), days(1), days(7), days(u64::MAX)), (vec![3, 3, 1], vec![1; 7], vec![7], vec![7]));
        let partitions: Vec<_> = whole.split(3).iter().flat_map(ListPlan::partitions).collect();
        assert_eq!(partitions, whole.partitions());
        assert_eq!(whole.of_day(partitions[2]).partitions(), [partitions[2]]);
    }

    #[test]
    fn two_files_of_one_listing_that_a_kill_came_between_are_read_again() {
        let datasets = ["answered_scorecards", "answered_scorecard_answers"].map(|name| dataset::find(name).unwrap());
        let day = Partition::of_day("2026-01-05".parse().unwrap(), PartitionBy::Day);
        let footer = |as_of: &str, dataset: &Dataset| Footer {
            tool_version: "0.1.0".into(),
            schema_version: SCHEMA_VERSION,
            job: "nightly".into(),
            run_id: "r".into(),
            dataset: dataset.name.into(),
            partition: day,
            as_of: instant(as_of),
            window: day.span(chrono_tz::America::New_York),
            records_announced: None,
            records_written: 1,
            records_withheld: 0,
            checksum: "x".into(),
            transcripts_awaited: 0,
            oldest_awaited: None,
            simulated: false,
            selection: "{}".into(),
            privacy: PrivacyNote::NONE,
        };
        let words = |as_of: [&str; 2]| {
            let mut coverage = Coverage::default();
            for (dataset, as_of) in datasets.iter().zip(as_of) {
                coverage.insert(dataset.name, day, Standing::Ours(Box::new(footer(as_of, dataset))));
            }
            let resumes = Some(instant("2026-02-01T00:00:00Z"));
            let plan = Plan::new(Inputs {
                datasets: &datasets,
                range: day.span(chrono_tz::America::New_York),
                partition_by: PartitionBy::Day,
                circumstances: Circumstances { resumes, ..circumstances("2026-02-01T00:10:00Z") },
                coverage: &coverage,
                by_participant: false,
            });
            let words: Vec<_> = plan.verdicts.iter().map(|verdict| verdict.verdict.word()).collect();
            (words, plan.lists.len())
        };
        let (before, since) = ("2026-01-31T00:00:00Z", "2026-02-01T00:00:05Z");
        assert_eq!(words([since, before]), (vec!["companion", "torn"], 1));
        assert_eq!(words([since, since]), (vec!["fresh"; 2], 0));
        assert_eq!(words([before, before]), (vec!["settled"; 2], 0));
    }
}
