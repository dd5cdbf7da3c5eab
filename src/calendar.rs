//! Date ranges and partitions, in a time zone. Pure: reads no clock, knows no other module.

use std::fmt;

use chrono::{DateTime, Datelike, Days, MappedLocalTime, Months, NaiveDate, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;

/// A half-open span of time, `from` included, `to` not; never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateRange {
    from: DateTime<Utc>,
    to: DateTime<Utc>,
}

impl DateRange {
    /// `None` when `from` is not before `to`.
    pub fn new(from: DateTime<Utc>, to: DateTime<Utc>) -> Option<Self> {
        (from < to).then_some(Self { from, to })
    }

    /// The first instant inside.
    pub fn from(&self) -> DateTime<Utc> {
        self.from
    }

    /// The first instant after.
    pub fn to(&self) -> DateTime<Utc> {
        self.to
    }

    pub fn contains(&self, instant: DateTime<Utc>) -> bool {
        self.from <= instant && instant < self.to
    }

    pub fn length(&self) -> TimeDelta {
        self.to - self.from
    }
}

impl fmt::Display for DateRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |t: DateTime<Utc>| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
        write!(f, "{} to {}", text(self.from), text(self.to))
    }
}

/// How much time one data file covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PartitionBy {
    Day,
    Month,
}

/// One day or month; ordered by time. Which zone its edges are in is the caller's to know: the
/// job's for calls, the company's for statistics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Partition {
    first_day: NaiveDate,
    by: PartitionBy,
}

impl Partition {
    /// The partition that holds this day.
    pub fn of_day(day: NaiveDate, by: PartitionBy) -> Self {
        let first_day = match by {
            PartitionBy::Day => day,
            PartitionBy::Month => day.with_day(1).expect("every month has a first day"),
        };
        Self { first_day, by }
    }

    /// The partition that holds this instant, for a clock on a wall in `zone`.
    pub fn of_instant(instant: DateTime<Utc>, zone: Tz, by: PartitionBy) -> Self {
        Self::of_day(instant.with_timezone(&zone).date_naive(), by)
    }

    /// The day that names it in a path (`call_date=2025-01-31`, `call_month=2025-01-01`).
    pub fn first_day(&self) -> NaiveDate {
        self.first_day
    }

    pub fn by(&self) -> PartitionBy {
        self.by
    }

    /// The partition after this one.
    pub fn next(&self) -> Self {
        let first_day = match self.by {
            PartitionBy::Day => self.first_day + Days::new(1),
            PartitionBy::Month => self.first_day + Months::new(1),
        };
        Self { first_day, by: self.by }
    }

    /// Its instants in `zone`: 23 or 25 hours long on the days when clocks change.
    pub fn span(&self, zone: Tz) -> DateRange {
        DateRange { from: start_of_day(self.first_day, zone), to: start_of_day(self.next().first_day, zone) }
    }

    /// All partitions that `range` touches, in order.
    pub fn covering(range: DateRange, zone: Tz, by: PartitionBy) -> Vec<Self> {
        let last_instant = range.to() - TimeDelta::nanoseconds(1);
        let last = Self::of_instant(last_instant, zone, by);
        let mut partitions = vec![Self::of_instant(range.from(), zone, by)];
        while partitions[partitions.len() - 1] < last {
            partitions.push(partitions[partitions.len() - 1].next());
        }
        partitions
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first_day)
    }
}

/// The first instant of a day in `zone`. Where clocks skip midnight that is the instant they skip
/// to; where midnight comes twice, the first.
pub fn start_of_day(day: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = day.and_hms_opt(0, 0, 0).expect("midnight is a time");
    // The longest skip on record is a whole day (Samoa, 30 December 2011); steps of a quarter of an
    // hour meet every edge, since no zone has moved by less in living memory.
    (0..=24 * 4)
        .find_map(|quarters| match zone.from_local_datetime(&(midnight + TimeDelta::minutes(15 * quarters))) {
            MappedLocalTime::Single(t) | MappedLocalTime::Ambiguous(t, _) => Some(t.to_utc()),
            MappedLocalTime::None => None,
        })
        .unwrap_or_else(|| midnight.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn days_are_as_long_as_the_zone_makes_them() {
        let hours = |d: &str, zone| Partition::of_day(day(d), PartitionBy::Day).span(zone).length().num_hours();
        assert_eq!(hours("2026-03-08", chrono_tz::America::New_York), 23);
        assert_eq!(hours("2026-11-01", chrono_tz::America::New_York), 25);
        assert_eq!(hours("2026-06-01", chrono_tz::Pacific::Kiritimati), 24);
        // Midnight itself is skipped here.
        assert_eq!(
            start_of_day(day("2018-11-04"), chrono_tz::America::Sao_Paulo).to_rfc3339(),
            "2018-11-04T03:00:00+00:00"
        );
    }

    #[test]
    fn the_last_millisecond_belongs_to_its_day() {
        let zone = chrono_tz::America::New_York;
        let late: DateTime<Utc> = "2026-03-09T03:59:59.999Z".parse().unwrap();
        assert_eq!(Partition::of_instant(late, zone, PartitionBy::Day).to_string(), "2026-03-08");
        assert_eq!(Partition::of_instant(late, zone, PartitionBy::Month).to_string(), "2026-03-01");
    }

    #[test]
    fn an_upper_bound_at_midnight_touches_no_further_partition() {
        let range = DateRange::new("2025-01-31T00:00:00Z".parse().unwrap(), "2025-02-01T00:00:00Z".parse().unwrap());
        let covering =
            |by| Partition::covering(range.unwrap(), Tz::UTC, by).iter().map(Partition::to_string).collect::<Vec<_>>();
        assert_eq!(covering(PartitionBy::Day), ["2025-01-31"]);
        assert_eq!(covering(PartitionBy::Month), ["2025-01-01"]);
    }

    proptest! {
        #[test]
        fn partitions_cover_a_range_exactly_once(
            start in 0i64..2_000_000_000, length in 1i64..40_000_000, zone in 0usize..chrono_tz::TZ_VARIANTS.len(), month: bool,
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let by = if month { PartitionBy::Month } else { PartitionBy::Day };
            let at = |s| DateTime::from_timestamp(s, 0).unwrap();
            let range = DateRange::new(at(start), at(start + length)).unwrap();
            let partitions = Partition::covering(range, zone, by);
            prop_assert!(partitions[0].span(zone).contains(range.from()));
            prop_assert!(partitions[partitions.len() - 1].span(zone).contains(range.to() - TimeDelta::nanoseconds(1)));
            for pair in partitions.windows(2) {
                prop_assert_eq!(pair[0].span(zone).to(), pair[1].span(zone).from());
            }
        }
    }
}
