//! How many requests a plan takes, how long at the rate limit, and how much of the day's budget.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Plan;
use super::window::{self, PAGE_RECORDS};
use crate::calendar::DateRange;

/// How many records the API announced, as far as it was asked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counts {
    pub calls: Option<u64>,
    /// Those of them that are exported, as far as a first page can tell; the others are private, or
    /// nobody asked for took part.
    pub exported_calls: Option<u64>,
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
    /// Requests besides those of the listings: to know what to list, and to look up whether calls that
    /// are named in it are private.
    pub more: u64,
}

/// How fast requests can follow each other.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    pub requests_per_second: f64,
    /// The mean time between two starts, with what the pacer leaves as a margin.
    pub spacing: Duration,
    /// How long an answer took; `None` when nothing was asked.
    pub latency: Option<Duration>,
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
    /// The cost of `plan` at this pace, and its part of `requests_per_day`.
    pub fn new(plan: &Plan, counts: &Counts, pace: Pace, requests_per_day: u64) -> Self {
        let mut fetches = Vec::new();
        let latency = pace.latency.unwrap_or_default();
        // The time that listings take where latency, not the limit, is what they wait for.
        let mut listing_s: f64 = 0.0;
        if let Some(calls) = &plan.calls {
            if !calls.windows.is_empty() {
                let lanes = window::lanes(pace.requests_per_second, latency, calls.transcripts);
                let (requests, listings) = listing_requests(counts.calls, &calls.windows, lanes, calls.transcripts);
                listing_s = requests as f64 / listings.min(lanes as u64) as f64 * latency.as_secs_f64();
                fetches.push(FetchEstimate { fetch: "calls", records: counts.calls, requests });
                if calls.transcripts {
                    let records = counts.exported_calls.or(counts.calls);
                    let requests = records.map_or(0, |n| n.div_ceil(PAGE_RECORDS));
                    fetches.push(FetchEstimate { fetch: "transcripts", records, requests });
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
            let of_run = |c: &ListCount| c.records.div_ceil(PAGE_RECORDS).max(1) * c.listings;
            let requests = count.map_or(1, of_run) * runs + count.map_or(0, |c| c.more);
            fetches.push(FetchEstimate { fetch, records: count.map(|count| count.records), requests });
        }
        let requests = fetches.iter().map(|f| f.requests).sum::<u64>();
        Self {
            at_least: fetches.iter().any(|f| f.records.is_none()),
            fetches,
            requests,
            // The first answer, before which little else can be asked, and the last are waited for.
            minutes: ((requests as f64 * pace.spacing.as_secs_f64()).max(listing_s) + 2.0 * latency.as_secs_f64())
                / 60.0,
            budget_share: requests as f64 / requests_per_day.max(1) as f64,
        }
    }
}

/// What the listings of calls take, and how many there are: with the cuts that latency asks for, and half
/// a page for each gap between windows, where a listing ends inside a page. How many calls each one holds
/// is not known here, only the sum.
fn listing_requests(records: Option<u64>, windows: &[DateRange], lanes: usize, transcripts: bool) -> (u64, u64) {
    let count = windows.len().max(1) as u64;
    let Some(records) = records else {
        return (count, count);
    };
    let cuts = if lanes > 1 { window::cuts_max(records, transcripts) } else { 0 };
    (window::requests(records, cuts).max(count) + (count - 1).div_ceil(2), count + cuts)
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

    fn estimate(counts: &Counts, latency: Option<Duration>) -> Estimate {
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
        let spacing = Duration::from_millis(340);
        Estimate::new(&plan, counts, Pace { requests_per_second: 3.0, spacing, latency }, 10_000)
    }

    #[test]
    fn known_counts_give_an_expectation() {
        let count = |records| ListCount { records, listings: 1, more: 0 };
        let lists = BTreeMap::from([("users", count(130)), ("activity_stats", count(90))]);
        let counts = Counts { calls: Some(2_250), exported_calls: Some(2_199), lists };
        let known = estimate(&counts, Some(Duration::from_millis(400)));
        let requests: Vec<_> = known.fetches.iter().map(|f| (f.fetch, f.requests)).collect();
        assert_eq!(requests, [("calls", 23), ("transcripts", 22), ("activity_stats", 1), ("users", 2)]);
        assert!(!known.at_least);
        assert_eq!(known.requests, 48);
        let seconds = 48.0 * 0.34 + 0.8;
        assert!((known.minutes - seconds / 60.0).abs() < 1e-9 && (known.budget_share - 0.0048).abs() < 1e-9);
        let slow = estimate(&counts, Some(Duration::from_secs(2)));
        assert_eq!(slow.requests, 48 + 2, "three cuts, of half a page each");
    }

    #[test]
    fn unknown_counts_give_a_lower_bound() {
        let unknown = estimate(&Counts::default(), None);
        assert!(unknown.at_least);
        assert_eq!(unknown.requests, 3);
    }
}
