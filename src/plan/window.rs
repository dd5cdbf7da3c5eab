//! Cutting time into listings.
//!
//! A listing pages through its window one request after the other, 100 records each, and at its end
//! stands a page that is half empty on average. So the longest windows cost the fewest requests, and
//! calls travel on while pages arrive, so that a long window holds no more records than a short one.
//!
//! Only latency asks for more than one: a listing makes one request in the time that an answer takes,
//! which may be less than the rate limit allows. Then windows of [`LANE_RECORDS`] are listed side by
//! side, and those that are ahead wait with their records. With `n` calls, a run then lists them in
//! about `n / 100 + n / (2 × LANE_RECORDS) + 1` requests, the last one for the page that told how many
//! there are; otherwise in `n / 100`.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;

use crate::calendar::{DateRange, Partition};

/// How many records a listing holds that runs side by side with others: 15 pages, of which half a
/// page is wasted.
pub const LANE_RECORDS: u64 = 1_500;

/// How many records any listing may hold: at three requests a second it ends in minutes, well inside
/// the hour that a cursor lives.
pub const WINDOW_RECORDS_MAX: u64 = 20_000;

/// Into how many windows a listing of `records` is cut when `lanes` of them are to run side by side.
/// Below twice the size of a lane, dropping the first page would cost more than it gains.
pub fn pieces(records: u64, lanes: usize) -> u64 {
    if lanes <= 1 {
        records.div_ceil(WINDOW_RECORDS_MAX).max(1)
    } else if records <= 2 * LANE_RECORDS {
        1
    } else {
        records.div_ceil(LANE_RECORDS)
    }
}

/// The shortest span that a partition is cut into.
const SPAN_MS_MIN: i64 = 60_000;

/// A span of time that one listing fetches: a run of partitions, or a part of one that is too full
/// for a single listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub range: DateRange,
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
                windows.push(Self { range: span });
            }
        }
        windows
    }

    /// This window cut into about so many; `None` when it stays whole. Cuts are even, and moved to the nearest edge of `partitions` as long as there is any
    /// inside, so that partitions complete one by one: one that is too full by itself becomes a
    /// window of its own, whose first page tells so again, and is then cut inside, down to a minute.
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
            windows.push(Self { range: DateRange::new(from, cut)? });
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
    fn a_short_listing_is_left_alone() {
        let partitions = days(700, Tz::UTC);
        let window = Window::runs(&partitions, Tz::UTC)[0];
        assert_eq!(window.split(pieces(2_200, 3), &partitions, Tz::UTC), None);
        assert_eq!(window.split(pieces(20_000, 1), &partitions, Tz::UTC), None);
        assert_eq!(window.split(pieces(50_000, 1), &partitions, Tz::UTC).unwrap().len(), 3);
    }

    #[test]
    fn a_long_one_is_cut_between_partitions() {
        let partitions = days(30, Tz::UTC);
        let window = Window::runs(&partitions, Tz::UTC)[0];
        let cut = window.split(pieces(6_000, 2), &partitions, Tz::UTC).unwrap();
        let days: Vec<_> = cut.iter().map(|piece| piece.range.length().num_days()).collect();
        assert_eq!(days, [7, 8, 7, 8]);
    }

    #[test]
    fn a_full_partition_is_cut_inside() {
        let partitions = days(1, Tz::UTC);
        let window = Window::runs(&partitions, Tz::UTC)[0];
        assert_eq!(window.split(pieces(12_000, 2), &partitions, Tz::UTC).unwrap().len(), 8);
        let minute = DateRange::new(window.range.from(), window.range.from() + TimeDelta::seconds(50)).unwrap();
        assert_eq!(
            Window { range: minute }.split(pieces(12_000, 2), &partitions, Tz::UTC),
            None,
            "nothing is left to cut"
        );
    }

    proptest! {
        #[test]
        fn pieces_cover_the_window_exactly_once(
            count in 1usize..60, wanted in 0u64..3_000, start_s in 0i64..86_400, zone in 0usize..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let partitions = days(count, Tz::UTC);
            let whole = Window::runs(&partitions, zone);
            prop_assert_eq!(whole.len(), 1);
            let from = whole[0].range.from() + TimeDelta::seconds(start_s / 2);
            let window = Window { range: DateRange::new(from, whole[0].range.to()).unwrap() };
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
