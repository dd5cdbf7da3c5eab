//! Cutting time into listings, while they run.
//!
//! A listing pages through its window one request after the other, 100 records each, oldest first, and
//! at its end stands a page that is half empty on average. So the longest windows cost the fewest
//! requests; and calls travel on while pages arrive, so that a long window holds no more records than a
//! short one. A run begins with one listing for each gapless run of partitions ([`runs`]).
//!
//! Only latency asks for more. At a rate of `r` requests a second and a latency of `L` seconds, `r × L`
//! requests have to be under way to keep the limit busy. A listing has one at a time, and the transcripts
//! of the calls that it has found are one more. So when a turn at the limit passes unclaimed, and there
//! are fewer listings than latency asks for ([`lanes`]), the one with the most records still to come is
//! cut: it goes on for a [`piece`] and stops there, and the rest becomes a listing of its own beside it;
//! towards the end in halves, so that the last ones end together. Where the calls of a piece are is expected
//! from those listed so far ([`Density`]). Nothing has to be known beforehand, nothing that has arrived is
//! dropped, and there are as many listings as leave no turn unclaimed, wherever in the range the calls are.
//!
//! # What it costs
//!
//! `n` calls are `P = ⌈n / 100⌉` pages and as many requests for transcripts. A cut costs half a page: the
//! records behind it on the page that it falls into come twice. So in all it is
//!
//! ```text
//! (1 or 2) × P + cuts / 2    requests
//! ```
//!
//! and there are only as many cuts as make that 4 % more at most ([`cuts_max`]).
//!
//! Before the first page nothing else is known to be asked for, and the last answer has to arrive. So a
//! run of `R` requests takes at least
//!
//! ```text
//! 1.03 × (⌈R / r⌉ - 1) + L        where L is below a second,
//! 1.03 × (⌈R / r⌉ - 2) + 2 × L    above
//! ```
//!
//! seconds, with the pacer's margin of 3 %: at three a second within 1.05 × `R / r` from 100 requests on at 1 s,
//! from 250 on at 1.5 s, from 400 on at 2 s. `benches/README.md` has what was measured.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use chrono_tz::Tz;
use std::time::Duration;

use super::density::Density;
use crate::calendar::{DateRange, Partition};

/// Records on a page; the API leaves no choice.
pub const PAGE_RECORDS: u64 = 100;

/// A listing that has brought so many is cut at the next edge of a partition: at three requests a second
/// they take minutes, well inside the hour that a cursor lives.
pub const LISTING_RECORDS_MAX: u64 = 20_000;

/// Listings side by side, at most.
pub const LANES_MAX: usize = 12;

/// How many requests more than the least latency may cost.
const EXTRA_MAX: f64 = 0.04;

/// The fewest records that are worth a listing of their own.
const KEEP_MIN: u64 = 2 * PAGE_RECORDS;

/// The shortest span that is cut off, should its calls be that many.
const SPAN_S_MIN: i64 = 60;

/// One window for each run of partitions that follow each other without a gap.
pub fn runs(partitions: &[Partition], zone: Tz) -> Vec<DateRange> {
    let mut windows: Vec<DateRange> = Vec::new();
    for partition in partitions {
        let span = partition.span(zone);
        if let Some(last) = windows.last_mut()
            && last.to() == span.from()
            && let Some(joined) = DateRange::new(last.from(), span.to())
        {
            *last = joined;
        } else {
            windows.push(span);
        }
    }
    windows
}

/// How many listings of calls may run side by side to keep the rate limit busy: enough for a tenth
/// more than what has to be under way, less the one request for transcripts that each page of the
/// first lane brings with it.
pub fn lanes(requests_per_second: f64, latency: Duration, transcripts: bool) -> usize {
    let under_way = requests_per_second * latency.as_secs_f64() * 1.1;
    let needed = if transcripts { under_way - 1.0 } else { under_way };
    if needed.is_finite() { (needed.ceil().max(1.0) as usize).min(LANES_MAX) } else { 1 }
}

/// The records that a listing goes on for when the rest of its window is cut off: as many as make a cut
/// after each of them cost 4 % (`EXTRA_MAX`). `transcripts` are as many requests again, which makes a cut half
/// as dear.
pub fn piece(transcripts: bool) -> u64 {
    let requests_per_page = if transcripts { 2.0 } else { 1.0 };
    (PAGE_RECORDS as f64 * 0.5 / EXTRA_MAX / requests_per_page) as u64
}

/// How many cuts `records` are worth.
pub fn cuts_max(records: u64, transcripts: bool) -> u64 {
    records / piece(transcripts)
}

/// The records that a listing with so many to come goes on for when it is cut: a piece, or half of what is
/// left, so that the last ones end together. `None` when it is too short for a cut.
pub fn keep(records: u64, transcripts: bool) -> Option<u64> {
    (records >= 2 * KEEP_MIN).then(|| piece(transcripts).min(records / 2))
}

/// Whether a listing with `records` to come, a page each time that it is answered and gets a turn, ends so late
/// that the last `requests_left` wait for it: they are to go on for two more pages' time, in which its last
/// transcripts are asked for.
pub fn ends_last(records: u64, requests_left: u64, requests_per_second: f64, latency: Duration) -> bool {
    let page_s = latency.as_secs_f64() + 1.0 / requests_per_second;
    (records.div_ceil(PAGE_RECORDS) + 2) as f64 * page_s > requests_left as f64 / requests_per_second
}

/// The requests that list `records` with so many cuts.
pub fn requests(records: u64, cuts: u64) -> u64 {
    records.div_ceil(PAGE_RECORDS).max(1) + cuts.div_ceil(2)
}

/// Where a listing is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    pub at: DateTime<Utc>,
    /// About how many of the records to come are before it.
    pub before: u64,
}

/// Where to cut `range`, in which `records` are still to come as `density` says, so that about `keep` of them
/// stay before the cut: at an edge of `partitions` if there is one nearby, so that they complete one by one,
/// else inside of one. `None` where nothing is left to cut.
pub fn cut(
    range: DateRange,
    records: u64,
    keep: u64,
    density: &Density,
    partitions: &[Partition],
    zone: Tz,
) -> Option<Cut> {
    let even = density.at(range, records, keep);
    if let Some(edge) = nearest_edge(range, even, partitions, zone) {
        let before = density.before(edge, range, records).round() as u64;
        if (keep / 2..=keep.saturating_mul(2)).contains(&before) {
            return Some(Cut { at: edge, before });
        }
    }
    // Whole seconds, as short as the API takes them.
    let even = even.trunc_subsecs(0);
    let margin = TimeDelta::seconds(SPAN_S_MIN);
    (range.from() + margin <= even && even + margin <= range.to()).then_some(Cut { at: even, before: keep })
}

/// The first edge of `partitions` inside `range`.
pub fn next_edge(range: DateRange, partitions: &[Partition], zone: Tz) -> Option<DateTime<Utc>> {
    edges(range, partitions, zone).next()
}

fn nearest_edge(range: DateRange, instant: DateTime<Utc>, partitions: &[Partition], zone: Tz) -> Option<DateTime<Utc>> {
    edges(range, partitions, zone).min_by_key(|edge| (*edge - instant).abs())
}

/// Where partitions begin inside `range`, in order of time.
fn edges(range: DateRange, partitions: &[Partition], zone: Tz) -> impl Iterator<Item = DateTime<Utc>> {
    partitions
        .iter()
        .map(move |partition| partition.span(zone).from())
        .filter(move |edge| range.from() < *edge && *edge < range.to())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calendar::PartitionBy;
    use proptest::prelude::*;

    fn days(count: usize, zone: Tz) -> Vec<Partition> {
        let mut days = vec![Partition::of_day("2026-03-01".parse().unwrap(), PartitionBy::Day)];
        while days.len() < count {
            days.push(days[days.len() - 1].next());
        }
        assert!(days.iter().all(|d| d.span(zone).length().num_hours() >= 22));
        days
    }

    #[test]
    fn partitions_apart_are_listed_apart() {
        let all = days(6, Tz::UTC);
        let some = [all[0], all[1], all[4], all[5]];
        let text: Vec<_> = runs(&some, Tz::UTC).iter().map(ToString::to_string).collect();
        assert_eq!(
            text,
            ["2026-03-01T00:00:00Z to 2026-03-03T00:00:00Z", "2026-03-05T00:00:00Z to 2026-03-07T00:00:00Z"]
        );
    }

    #[test]
    fn lanes_keep_the_limit_busy() {
        let lanes = |rate, ms, transcripts| lanes(rate, Duration::from_millis(ms), transcripts);
        assert_eq!((lanes(3.0, 0, true), lanes(3.0, 400, true), lanes(3.0, 400, false)), (1, 1, 2));
        assert_eq!((lanes(3.0, 1_000, true), lanes(3.0, 2_000, true), lanes(3.0, 2_000, false)), (3, 6, 7));
        assert_eq!((lanes(100.0, 2_000, true), lanes(f64::INFINITY, 1, true)), (LANES_MAX, 1));
    }

    #[test]
    fn a_short_listing_is_left_alone() {
        assert_eq!((keep(399, true), keep(400, true), keep(6_000, true)), (None, Some(200), Some(625)));
        assert_eq!((keep(2_000, false), keep(6_000, false)), (Some(1_000), Some(1_250)));
        assert_eq!((cuts_max(600, true), cuts_max(1_300, true), cuts_max(6_100, true)), (0, 2, 9));
        assert_eq!((cuts_max(1_200, false), cuts_max(6_100, false)), (0, 4));
    }

    #[test]
    fn the_last_listing_is_known_by_its_pages() {
        let ends_last = |records, left| ends_last(records, left, 3.0, Duration::from_secs(2));
        assert!(ends_last(501, 55) && !ends_last(500, 55), "seven pages of 2.33 s, and 18.3 s for the others");
    }

    #[test]
    fn a_cut_falls_between_partitions_where_it_can() {
        let partitions = days(30, Tz::UTC);
        let window = runs(&partitions, Tz::UTC)[0];
        let cut = |records| cut(window, records, 625, &Density::default(), &partitions, Tz::UTC);
        let expected = |at: &str, before| Some(Cut { at: at.parse().unwrap(), before });
        // 200 a day: the third edge is closest to 625.
        assert_eq!(cut(6_000), expected("2026-03-04T00:00:00Z", 600));
        // 10,000 a day: the first edge is sixteen pieces away.
        assert_eq!(cut(300_000), expected("2026-03-01T01:30:00Z", 625));
        assert_eq!(next_edge(window, &partitions, Tz::UTC), Some("2026-03-02T00:00:00Z".parse().unwrap()));
        assert_eq!(next_edge(window, &partitions[..1], Tz::UTC), None);
    }

    #[test]
    fn what_is_left_may_be_too_short_to_cut() {
        let begin = runs(&days(1, Tz::UTC), Tz::UTC)[0].from();
        let short = DateRange::new(begin, begin + TimeDelta::seconds(100)).unwrap();
        assert_eq!(cut(short, 5_000, 2_500, &Density::default(), &days(1, Tz::UTC), Tz::UTC), None);
    }

    #[test]
    fn a_day_is_cut_where_its_calls_are() {
        let partitions = days(2, Tz::UTC);
        let (first, second) = (partitions[0].span(Tz::UTC), partitions[1].span(Tz::UTC));
        let mut density = Density::default();
        // A call each second from 16:00 to 17:00.
        density.learn(first, (0..3_600).map(|second| first.from() + TimeDelta::seconds(16 * 3_600 + second)));
        let cut = cut(second, 3_600, 900, &density, &partitions, Tz::UTC).unwrap();
        let minutes = (cut.at - second.from()).num_minutes();
        assert!((16 * 60 + 10..16 * 60 + 20).contains(&minutes), "{minutes}");
        assert_eq!(cut.before, 900);
    }

    proptest! {
        #[test]
        fn latency_never_costs_more_than_it_may(records in 0u64..200_000, transcripts: bool) {
            let cuts = cuts_max(records, transcripts);
            let least = requests(records, 0);
            let all = if transcripts { 2 * least } else { least };
            prop_assert!((requests(records, cuts) - least) as f64 <= all as f64 * EXTRA_MAX + 0.5);
        }

        #[test]
        fn a_cut_leaves_something_on_both_sides(
            count in 1usize..60, start_s in 0i64..86_400, records in 1u64..100_000, keep in 0u64..100_000,
            zone in 0usize..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let partitions = days(count, Tz::UTC);
            let whole = runs(&partitions, zone);
            prop_assert_eq!(whole.len(), 1);
            let from = whole[0].from() + TimeDelta::seconds(start_s / 2);
            let range = DateRange::new(from, whole[0].to()).unwrap();
            if let Some(Cut { at, before }) = cut(range, records, keep, &Density::default(), &partitions, zone) {
                prop_assert!(range.from() < at && at < range.to());
                prop_assert!(before <= records);
            } else {
                // A day at least is left, so what is too close to one of its ends is what was asked for.
                let share = keep as f64 / records as f64;
                prop_assert!(!(0.01..=0.99).contains(&share), "{} of {}", keep, records);
            }
        }
    }
}
