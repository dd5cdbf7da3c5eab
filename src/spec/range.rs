//! The range of a job, before the present is known: dates as written, and what they come to. Pure.

use chrono::{DateTime, Days, SecondsFormat, Utc};
use chrono_tz::Tz;

use super::dates::DateExpr;
use super::problem::{Place, Problem, quoted};
use crate::calendar::{DateRange, start_of_day};

/// From one date up to another, which is not included, for a clock on a wall in `timezone`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Range {
    pub from: Bound,
    pub to: Bound,
    /// Of bare and relative dates, and of the days that partitions are.
    pub timezone: Tz,
}

/// One end of a range, and where it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    pub date: DateExpr,
    pub place: Place,
}

/// Gong holds no older calls, and a folder for each day since the year 0 helps nobody.
const EARLIEST: &str = "2000-01-01";

impl Bound {
    /// Reads a date; `name` is how messages call it, such as `range.from`, and `shown` how they show it.
    pub(super) fn parse(text: &str, name: &str, shown: &str, place: Place) -> Result<Self, Problem> {
        match text.parse() {
            Ok(date) => Ok(Self { date, place }),
            Err(error) => {
                let value = quoted(shown);
                let message = match place {
                    // Its name stands before the message anyway.
                    Place::Flag(_) => format!("{value} {error}"),
                    Place::File | Place::At(_) => format!("{value} in {} {error}", quoted(name)),
                };
                Err(Problem::new(place, message, error.remedy()))
            }
        }
    }
}

impl Range {
    /// The same range with the dates that the flags `--from` and `--to` gave, or what is wrong with
    /// them.
    pub fn overridden(&self, from: Option<&str>, to: Option<&str>) -> Result<Self, Vec<Problem>> {
        let mut range = self.clone();
        let mut problems = Vec::new();
        for (flag, text, bound) in [("--from", from, &mut range.from), ("--to", to, &mut range.to)] {
            let Some(text) = text else { continue };
            match Bound::parse(text, flag, text, Place::Flag(flag)) {
                Ok(given) => *bound = given,
                Err(problem) => problems.push(problem),
            }
        }
        if problems.is_empty() { Ok(range) } else { Err(problems) }
    }

    /// The instants that are meant when the present is `now`. A problem when the range is empty or
    /// reaches beyond the end of today.
    pub fn resolve(&self, now: DateTime<Utc>) -> Result<DateRange, Problem> {
        let from = self.resolve_bound(self.from, "from", now)?;
        let to = self.resolve_bound(self.to, "to", now)?;
        DateRange::new(from, to).ok_or_else(|| {
            // Blame what was written: the default of `to` has no place of its own.
            let place = if self.to.place == Place::File { self.from.place } else { self.to.place };
            Problem::new(
                place,
                format!(
                    "the range is empty: it begins with {} and ends before {}",
                    self.meaning(self.from, from),
                    self.meaning(self.to, to)
                ),
                "`to` is not included, so it has to be later than `from`: for a single day, the day after it",
            )
        })
    }

    fn resolve_bound(&self, bound: Bound, name: &str, now: DateTime<Utc>) -> Result<DateTime<Utc>, Problem> {
        let earliest = EARLIEST.parse().expect("a day of the calendar");
        let Some(instant) =
            bound.date.resolve(now, self.timezone).filter(|t| *t >= start_of_day(earliest, self.timezone))
        else {
            return Err(Problem::new(
                bound.place,
                format!("`{name}` lies before {EARLIEST}: {}", bound.date),
                "choose a later date; Gong has no calls from before",
            ));
        };
        let today = now.with_timezone(&self.timezone).date_naive();
        // Days to come would be written as empty, and a glance at the files could not tell.
        let end_of_today = today.checked_add_days(Days::new(1)).map(|tomorrow| start_of_day(tomorrow, self.timezone));
        if end_of_today.is_some_and(|end| instant > end) {
            return Err(Problem::new(
                bound.place,
                format!("`{name}` lies in the future: {}", self.meaning(bound, instant)),
                format!("choose a date up to today, {today}; `to: today` moves on by itself"),
            ));
        }
        Ok(instant)
    }

    /// A date as written and, where that says more, as an instant of the job's zone.
    fn meaning(&self, bound: Bound, instant: DateTime<Utc>) -> String {
        let instant = instant.with_timezone(&self.timezone).to_rfc3339_opts(SecondsFormat::AutoSi, true);
        match bound.date {
            DateExpr::Instant(_) => instant,
            DateExpr::Day(_) | DateExpr::Today | DateExpr::Yesterday | DateExpr::Ago(..) | DateExpr::StartOf(_) => {
                format!("{} ({instant})", bound.date)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::Position;
    use super::*;
    use proptest::prelude::*;

    fn range(from: &str, to: &str, timezone: Tz) -> Range {
        let bound =
            |text: &str, line| Bound { date: text.parse().unwrap(), place: Place::At(Position { line, column: 9 }) };
        Range { from: bound(from, 5), to: bound(to, 6), timezone }
    }

    fn now() -> DateTime<Utc> {
        "2026-03-10T15:00:00Z".parse().unwrap()
    }

    fn refused(range: &Range) -> String {
        let problem = range.resolve(now()).unwrap_err();
        format!("{problem}\nhint: {}", problem.remedy)
    }

    #[test]
    fn dates_are_days_of_the_zone() {
        let resolved = range("3 days ago", "today", chrono_tz::America::New_York).resolve(now()).unwrap();
        // Clocks changed in between.
        assert_eq!(resolved.to_string(), "2026-03-07T05:00:00Z to 2026-03-10T04:00:00Z");
    }

    #[test]
    fn today_may_be_included() {
        let resolved = range("2026-03-10", "2026-03-11", Tz::UTC).resolve(now()).unwrap();
        assert_eq!(resolved.to_string(), "2026-03-10T00:00:00Z to 2026-03-11T00:00:00Z");
    }

    #[test]
    fn an_empty_range_is_refused() {
        let same_day = range("today", "today", chrono_tz::America::New_York);
        let backwards = range("2026-03-02", "2026-03-01T00:00:00Z", Tz::UTC);
        insta::assert_snapshot!([refused(&same_day), refused(&backwards)].join("\n"));
    }

    #[test]
    fn an_empty_range_by_default_is_blamed_on_from() {
        let mut range = range("2026-03-10", "today", Tz::UTC);
        range.to.place = Place::File;
        assert!(refused(&range).starts_with("line 5, column 9: the range is empty"), "{}", refused(&range));
    }

    #[test]
    fn dates_far_off_are_refused() {
        let messages = [
            refused(&range("0001-01-01", "today", Tz::UTC)),
            refused(&range("4294967295 months ago", "today", Tz::UTC)),
            refused(&range("2026-03-01", "2026-03-12", Tz::UTC)),
        ];
        insta::assert_snapshot!(messages.join("\n"));
    }

    #[test]
    fn flags_replace_dates_and_are_named() {
        let job = range("30 days ago", "today", Tz::UTC);
        let resolved = job.overridden(Some("2026-01-01"), Some("2026-01-15")).unwrap().resolve(now()).unwrap();
        assert_eq!(resolved.to_string(), "2026-01-01T00:00:00Z to 2026-01-15T00:00:00Z");
        assert_eq!(job.overridden(None, None).unwrap(), job);

        let problems = job.overridden(Some("soon"), Some("2026-02-30")).unwrap_err();
        let texts: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(texts, ["`--from`: `soon` is not a date", "`--to`: `2026-02-30` is not a day of the calendar"]);

        let empty = job.overridden(None, Some("2026-01-01")).unwrap();
        assert!(refused(&empty).starts_with("`--to`: the range is empty: it begins with 30 days ago"));
    }

    proptest! {
        #[test]
        fn what_resolves_lies_between_2000_and_the_end_of_today(
            from in 0u32..20_000, length in 0u32..20_000, seconds in 946_684_800i64..4_102_444_800,
            zone in 0..chrono_tz::TZ_VARIANTS.len(),
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let now = DateTime::from_timestamp(seconds, 0).unwrap();
            let range = range(&format!("{} days ago", from + length), &format!("{from} days ago"), zone);
            if let Ok(resolved) = range.resolve(now) {
                prop_assert!(resolved.to() <= now);
                prop_assert!(resolved.from() >= start_of_day(EARLIEST.parse().unwrap(), zone));
                prop_assert!(length > 0);
            }
        }
    }
}
