//! Cutting time into listings.
//!
//! A listing pages through its window one request after the other, 100 records each, and at its end
//! stands a page that is half empty on average. So the longest windows cost the fewest requests, and
//! calls travel on while pages arrive, so that a long window holds no more records than a short one.
//!
//! Only latency asks for more than one. At a rate of `r` requests a second and a latency of `L`
//! seconds, `r × L` requests have to be under way to keep the limit busy, and a listing has one at a
//! time. Transcripts of calls that were listed are asked for meanwhile, which is one more. So
//! [`lanes`] are listed side by side, in windows of at most [`LANE_RECORDS`]; those ahead of the first
//! wait with their records, which are few enough to be held.
//!
//! # What it costs
//!
//! `n` calls are `P = ⌈n / 100⌉` pages. In `p` windows they take about
//!
//! ```text
//! P                     p = 1
//! P + 1 + (p - 1) / 2   p > 1: the first page, which told how many there are, is dropped
//! ```
//!
//! requests, and as many as there are hundreds of calls for the transcripts. Windows are only as many
//! as cost 4 % of all of them (`EXTRA_MAX`), so below some 2,000 calls latency is waited out. A run
//! of `R` requests takes at least `1.03 × R / r + 2 × L`: the pace (with the pacer's margin), the wait for
//! the first page, before which nothing else is known, and the last answer. So it can be within 1.05 ×
//! `R / r` from `R = 100 × r × L` on only: 120 requests at three a second and 400 ms, 600 at 2 s.
//! Windows that hold unlike numbers of calls cost more time: `benches/README.md` has what was measured.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::{DateRange, Partition};

/// Records on a page; the API leaves no choice.
pub const PAGE_RECORDS: u64 = 100;

/// How many records a listing may hold that runs side by side with others: 15 pages, of which half a
/// page is wasted.
pub const LANE_RECORDS: u64 = 1_500;

/// How many records any listing may hold: at three requests a second it ends in minutes, well inside
/// the hour that a cursor lives.
pub const WINDOW_RECORDS_MAX: u64 = 20_000;

/// Listings side by side, at most.
pub const LANES_MAX: usize = 12;

/// How many requests more than the least latency may cost.
const EXTRA_MAX: f64 = 0.04;

/// Windows for each lane: calls are not spread evenly over time, and a lane that ends early needs
/// another window to go on with.
const WINDOWS_PER_LANE: u64 = 2;

/// How many listings of calls are needed side by side to keep the rate limit busy: enough for a tenth
/// more than what has to be under way, less the one request for transcripts that each page of the
/// first lane brings with it.
pub fn lanes(requests_per_second: f64, latency: Duration, transcripts: bool) -> usize {
    let under_way = requests_per_second * latency.as_secs_f64() * 1.1;
    let needed = if transcripts { under_way - 1.0 } else { under_way };
    if needed.is_finite() { (needed.ceil().max(1.0) as usize).min(LANES_MAX) } else { 1 }
}

/// Into how many windows a listing of `records` is cut when `lanes` of them are to run side by side
/// and each may hold `lane_records`. `transcripts` are as many requests again, which makes a window
/// half as dear.
pub fn pieces(records: u64, lanes: usize, lane_records: u64, transcripts: bool) -> u64 {
    if lanes <= 1 {
        return records.div_ceil(WINDOW_RECORDS_MAX).max(1);
    }
    let least = records.div_ceil(PAGE_RECORDS) * if transcripts { 2 } else { 1 };
    let affordable = 1.0 + (least as f64 * EXTRA_MAX - 1.0) * 2.0;
    let wanted = records.div_ceil(lane_records.clamp(PAGE_RECORDS, LANE_RECORDS)).max(lanes as u64 * WINDOWS_PER_LANE);
    wanted.min(affordable.max(1.0) as u64)
}

/// The requests that list `records` in so many windows.
pub fn requests(records: u64, pieces: u64) -> u64 {
    let pages = records.div_ceil(PAGE_RECORDS).max(1);
    if pieces <= 1 { pages } else { pages + 1 + (pieces - 1).div_ceil(2) }
}

/// The shortest span that a partition is cut into.
const SPAN_MS_MIN: i64 = 60_000;

/// A span of time that one listing fetches: a run of partitions, or a part of one that is too full
/// for a single listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub range: DateRange,
    /// Whether it was cut from a longer one: then it is cut again only when it is far too full.
    pub is_piece: bool,
}

impl Window {
    /// One window for each run of partitions that follow each other without a gap.
    pub fn runs(partitions: &[Partition], zone: Tz) -> Vec<Self> {
        let mut windows: Vec<Self> = Vec::new();
        for partition in partitions {
            let span = partition.span(zone);
            if let Some(last) = windows.last_mut()
                && last.range.to() == span.from()
                && let Some(range) = DateRange::new(last.range.from(), span.to())
            {
                last.range = range;
            } else {
                windows.push(Self { range: span, is_piece: false });
            }
        }
        windows
    }

    /// This window cut into about so many; `None` when it stays whole. Cuts are even, and moved to
    /// the nearest edge of `partitions` as long as there is any inside, so that partitions complete one
    /// by one: one that is too full by itself becomes a window of its own, whose first page tells so
    /// again, and is then cut inside, down to a minute.
    pub fn split(&self, pieces: u64, partitions: &[Partition], zone: Tz) -> Option<Vec<Self>> {
        if pieces <= 1 {
            return None;
        }
        let edges: Vec<_> = partitions
            .iter()
            .map(|partition| partition.span(zone).from())
            .filter(|edge| self.range.from() < *edge && *edge < self.range.to())
            .collect();
        let length_ms = self.range.length().num_milliseconds();
        let mut pieces = i64::try_from(pieces).ok()?;
        if edges.is_empty() {
            pieces = pieces.min(length_ms / SPAN_MS_MIN);
        }
        let cuts: BTreeSet<_> = (1..pieces)
            .map(|piece| self.range.from() + TimeDelta::milliseconds(length_ms / pieces * piece))
            .map(|even| nearest(&edges, even).unwrap_or(even))
            .collect();
        if cuts.is_empty() {
            return None;
        }
        let mut from = self.range.from();
        let mut windows = Vec::with_capacity(cuts.len() + 1);
        for cut in cuts.into_iter().chain([self.range.to()]) {
            windows.push(Self { range: DateRange::new(from, cut)?, is_piece: true });
            from = cut;
        }
        Some(windows)
    }
}

/// The one of the sorted `edges` that is closest.
fn nearest(edges: &[DateTime<Utc>], instant: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let after = edges.partition_point(|edge| *edge < instant);
    let candidates = [after.checked_sub(1), Some(after)];
    candidates.into_iter().filter_map(|place| edges.get(place?).copied()).min_by_key(|edge| (*edge - instant).abs())
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
        let windows = Window::runs(&some, Tz::UTC);
        let text: Vec<_> = windows.iter().map(|w| w.range.to_string()).collect();
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
        let partitions = days(700, Tz::UTC);
        let window = Window::runs(&partitions, Tz::UTC)[0];
        let pieces = |records, lanes| pieces(records, lanes, LANE_RECORDS, true);
        assert_eq!(window.split(pieces(1_200, 6), &partitions, Tz::UTC), None);
        assert_eq!(window.split(pieces(20_000, 1), &partitions, Tz::UTC), None);
        assert_eq!(window.split(pieces(50_000, 1), &partitions, Tz::UTC).unwrap().len(), 3);
    }

    #[test]
    fn a_long_one_is_cut_between_partitions() {
        let partitions = days(30, Tz::UTC);
        let window = Window::runs(&partitions, Tz::UTC)[0];
        let cut = window.split(pieces(6_000, 2, LANE_RECORDS, true), &partitions, Tz::UTC).unwrap();
        let days: Vec<_> = cut.iter().map(|piece| piece.range.length().num_days()).collect();
        assert_eq!(days, [7, 8, 7, 8]);
    }

    #[test]
    fn heavy_records_travel_in_shorter_windows() {
        assert_eq!(pieces(60_000, 6, LANE_RECORDS, true), 40);
        assert_eq!(pieces(60_000, 6, 750, true), 80);
        assert_eq!(pieces(60_000, 6, 1, false), 47, "but never at more than 4 %");
    }

    #[test]
    fn a_full_partition_is_cut_inside() {
        let partitions = days(1, Tz::UTC);
        let window = Window::runs(&partitions, Tz::UTC)[0];
        assert_eq!(window.split(pieces(12_000, 2, LANE_RECORDS, true), &partitions, Tz::UTC).unwrap().len(), 8);
        let minute = DateRange::new(window.range.from(), window.range.from() + TimeDelta::seconds(50)).unwrap();
        assert_eq!(
            Window { range: minute, is_piece: false }.split(
                pieces(12_000, 2, LANE_RECORDS, true),
                &partitions,
                Tz::UTC
            ),
            None,
            "nothing is left to cut"
        );
    }

    proptest! {
        #[test]
        fn latency_never_costs_more_than_it_may(records in 0u64..200_000, count in 2usize..12, transcripts: bool) {
            let pieces = pieces(records, count, LANE_RECORDS, transcripts);
            let least = requests(records, 1);
            let all = if transcripts { 2 * least } else { least };
            prop_assert!(pieces >= 1 && (requests(records, pieces) - least) as f64 <= all as f64 * EXTRA_MAX + 0.5);
        }

        #[test]
        fn pieces_cover_the_window_exactly_once(
            count in 1usize..60, wanted in 0u64..3_000, start_s in 0i64..86_400, zone in 0usize..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let partitions = days(count, Tz::UTC);
            let whole = Window::runs(&partitions, zone);
            prop_assert_eq!(whole.len(), 1);
            let from = whole[0].range.from() + TimeDelta::seconds(start_s / 2);
            let window = Window { range: DateRange::new(from, whole[0].range.to()).unwrap(), is_piece: false };
            if let Some(pieces) = window.split(wanted, &partitions, zone) {
                prop_assert!(pieces.len() > 1);
                prop_assert_eq!(pieces[0].range.from(), window.range.from());
                prop_assert_eq!(pieces[pieces.len() - 1].range.to(), window.range.to());
                for pair in pieces.windows(2) {
                    prop_assert_eq!(pair[0].range.to(), pair[1].range.from());
                }
                prop_assert!(pieces.len() as u64 <= wanted);
            } else {
                prop_assert!(wanted <= 1 || count == 1 || window.range.length() <= TimeDelta::minutes(1)
                    || DateTime::UNIX_EPOCH == window.range.from());
            }
        }
    }
}
