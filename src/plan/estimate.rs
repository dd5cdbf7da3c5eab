//! How many requests a plan takes, how long at the rate limit, and how much of the day's budget.

use std::collections::BTreeMap;

use super::Plan;

/// Records on a full page; the size cannot be chosen.
const PAGE_RECORDS: u64 = 100;

/// How many records the API announced, as far as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    pub calls: Option<u64>,
    /// By the name of the list.
    pub lists: BTreeMap<&'static str, ListCount>,
}

/// What a list announced when it was asked once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListCount {
    /// Records of one of its listings.
    pub records: u64,
    /// How many listings it takes.
    pub listings: u64,
}

/// The requests of one fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchEstimate {
    /// `calls`, `transcripts` or the name of a list.
    pub fetch: &'static str,
    /// What the API announced; `None` when it was not asked.
    pub records: Option<u64>,
    /// The requests expected; the least possible when the number of records is unknown.
    pub requests: u64,
}

/// What a run is expected to cost.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    pub fetches: Vec<FetchEstimate>,
    /// Whether `requests` is only the least possible, since the number of records is unknown.
    pub at_least: bool,
    pub requests: u64,
    pub minutes: f64,
    /// Of the daily budget; 1.0 is all of it.
    pub budget_share: f64,
}

impl Estimate {
    /// The cost of `plan` at `requests_per_second` and `requests_per_day`.
    pub fn new(plan: &Plan, counts: &Counts, requests_per_second: f64, requests_per_day: u64) -> Self {
        let mut fetches = Vec::new();
        if let Some(calls) = &plan.calls {
            let windows = calls.windows.len() as u64;
            if windows > 0 {
                let listed = counts.calls.map_or(windows, |n| listing_requests(n, windows));
                fetches.push(FetchEstimate { fetch: "calls", records: counts.calls, requests: listed });
                if calls.transcripts {
                    let requests = counts.calls.map_or(0, |n| n.div_ceil(PAGE_RECORDS));
                    fetches.push(FetchEstimate { fetch: "transcripts", records: counts.calls, requests });
                }
            }
            if !calls.awaiting.is_empty() {
                let awaited = plan.transcripts_awaited();
                let requests = awaited.div_ceil(PAGE_RECORDS);
                fetches.push(FetchEstimate { fetch: "awaited transcripts", records: Some(awaited), requests });
            }
        }
        let mut runs: BTreeMap<&str, u64> = BTreeMap::new();
        for list in &plan.lists {
            *runs.entry(list.list.name).or_default() += 1;
        }
        for (fetch, runs) in runs {
            let count = counts.lists.get(fetch);
            let requests = count.map_or(1, |c| c.records.div_ceil(PAGE_RECORDS).max(1) * c.listings) * runs;
            fetches.push(FetchEstimate { fetch, records: count.map(|count| count.records), requests });
        }
        let requests = fetches.iter().map(|f| f.requests).sum::<u64>();
        Self {
            at_least: fetches.iter().any(|f| f.records.is_none()),
            fetches,
            requests,
            minutes: requests as f64 / requests_per_second / 60.0,
            budget_share: requests as f64 / requests_per_day.max(1) as f64,
        }
    }
}

/// A listing's own pages, and half a page for each window but the last, where one ends inside a page.
/// Whether latency asks for more windows is only seen when it is run.
fn listing_requests(records: u64, windows: u64) -> u64 {
    records.div_ceil(PAGE_RECORDS).max(windows) + (windows.max(1) - 1).div_ceil(2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::{DateRange, PartitionBy};
    use crate::dataset;
    use crate::plan::{Circumstances, Inputs, Refresh};
    use crate::state::coverage::Coverage;
    use crate::state::privacy_note::PrivacyNote;
    use chrono::TimeDelta;

    fn estimate(counts: &Counts) -> Estimate {
        let plan = Plan::new(Inputs {
            datasets: &dataset::group::expand::<&str>(&[]),
            range: DateRange::new("2026-01-01T00:00:00Z".parse().unwrap(), "2026-01-31T00:00:00Z".parse().unwrap())
                .unwrap(),
            partition_by: PartitionBy::Day,
            circumstances: Circumstances {
                refresh: Refresh { settle: TimeDelta::days(7), transcripts_wait: TimeDelta::days(30), full: false },
                now: "2026-03-01T00:00:00Z".parse().unwrap(),
                zone: chrono_tz::Tz::UTC,
                selection: "{}",
                privacy: &PrivacyNote::NONE,
                simulated: false,
                resumes: None,
            },
            coverage: &Coverage::default(),
            by_participant: false,
        });
        Estimate::new(&plan, counts, 3.0, 10_000)
    }

    #[test]
    fn known_counts_give_an_expectation() {
        let count = |records| ListCount { records, listings: 1 };
        let lists = BTreeMap::from([("users", count(130)), ("activity_stats", count(90))]);
        let known = estimate(&Counts { calls: Some(2_250), lists });
        let requests: Vec<_> = known.fetches.iter().map(|f| (f.fetch, f.requests)).collect();
        assert_eq!(requests, [("calls", 23), ("transcripts", 23), ("activity_stats", 1), ("users", 2)]);
        assert!(!known.at_least);
        assert_eq!(known.requests, 49);
        assert!((known.minutes - 49.0 / 180.0).abs() < 1e-9 && (known.budget_share - 0.0049).abs() < 1e-9);
    }

    #[test]
    fn unknown_counts_give_a_lower_bound() {
        let unknown = estimate(&Counts::default());
        assert!(unknown.at_least);
        assert_eq!(unknown.requests, 3);
    }
}
