//! Dates as people write them in jobs and flags: `2025-01-31`, `30 days ago`, `start of month`.
//! Pure: the present is handed in.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, SecondsFormat, Utc};
use chrono_tz::Tz;

use crate::calendar::start_of_day;

/// A date as written. All but [`DateExpr::Instant`] mean the first instant of a day in the job's zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateExpr {
    /// `2025-01-31T08:00:00+01:00`
    Instant(DateTime<Utc>),
    /// `2025-01-31`
    Day(NaiveDate),
    Today,
    Yesterday,
    /// `30 days ago`
    Ago(u32, Unit),
    /// `start of quarter`
    StartOf(Period),
}

/// What is counted back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Days,
    Weeks,
    /// Back to the same day of the month, or to the last day of a month that is too short.
    Months,
}

/// What the day is the first of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    Month,
    Quarter,
    Year,
}

/// Why a text is no date.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DateError {
    #[error("is not a date")]
    Unknown,
    #[error("is not a day of the calendar")]
    NoSuchDay,
    #[error("has a time of day but no offset from UTC")]
    NoOffset,
}

impl DateError {
    /// What to write instead.
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Unknown => {
                "write `2025-01-31`, `2025-01-31T08:00:00Z`, `today`, `yesterday`, `30 days ago`, `2 weeks ago`, \
                 `6 months ago`, `start of month`, `start of quarter` or `start of year`"
            }
            Self::NoSuchDay => "write year, month and day, such as `2025-01-31`",
            Self::NoOffset => "add `Z` or an offset, such as `2025-01-31T08:00:00Z` or `2025-01-31T08:00:00-05:00`",
        }
    }
}

impl DateExpr {
    /// The instant that is meant when the present is `now`; `None` when it lies outside of any calendar.
    pub fn resolve(&self, now: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let today = now.with_timezone(&zone).date_naive();
        let day = match *self {
            Self::Instant(instant) => return Some(instant),
            Self::Day(day) => day,
            Self::Today => today,
            Self::Yesterday => today.pred_opt()?,
            Self::Ago(count, Unit::Days) => today.checked_sub_days(Days::new(u64::from(count)))?,
            Self::Ago(count, Unit::Weeks) => today.checked_sub_days(Days::new(u64::from(count) * 7))?,
            Self::Ago(count, Unit::Months) => today.checked_sub_months(Months::new(count))?,
            Self::StartOf(Period::Month) => today.with_day(1)?,
            Self::StartOf(Period::Quarter) => today.with_day(1)?.with_month(today.month0() / 3 * 3 + 1)?,
            Self::StartOf(Period::Year) => today.with_day(1)?.with_month(1)?,
        };
        // Beside the edges of the calendar an offset would leave it.
        (0..=9999).contains(&day.year()).then(|| start_of_day(day, zone))
    }
}

impl FromStr for DateExpr {
    type Err = DateError;

    fn from_str(text: &str) -> Result<Self, DateError> {
        let text = text.trim();
        if text.starts_with(|c: char| c.is_ascii_digit()) && text.get(4..5) == Some("-") {
            return parse_absolute(text);
        }
        let words: Vec<String> = text.split_whitespace().map(str::to_lowercase).collect();
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        match words.as_slice() {
            ["today"] => Ok(Self::Today),
            ["yesterday"] => Ok(Self::Yesterday),
            ["start", "of", "month"] => Ok(Self::StartOf(Period::Month)),
            ["start", "of", "quarter"] => Ok(Self::StartOf(Period::Quarter)),
            ["start", "of", "year"] => Ok(Self::StartOf(Period::Year)),
            [count, unit, "ago"] => {
                let unit = match *unit {
                    "day" | "days" => Unit::Days,
                    "week" | "weeks" => Unit::Weeks,
                    "month" | "months" => Unit::Months,
                    _ => return Err(DateError::Unknown),
                };
                let all_digits = count.bytes().all(|byte| byte.is_ascii_digit());
                let count = count.parse().ok().filter(|_| all_digits).ok_or(DateError::Unknown)?;
                Ok(Self::Ago(count, unit))
            }
            _ => Err(DateError::Unknown),
        }
    }
}

/// A day, or a day with time and offset; `text` begins like one.
fn parse_absolute(text: &str) -> Result<DateExpr, DateError> {
    const DAY_CHARS: usize = "2025-01-31".len();
    let (day, time) = text.split_at_checked(DAY_CHARS).ok_or(DateError::NoSuchDay)?;
    // The parser of chrono would take spaces and signs too.
    let plain = day.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let day: NaiveDate = day.parse().ok().filter(|_| plain).ok_or(DateError::NoSuchDay)?;
    if time.is_empty() {
        return Ok(DateExpr::Day(day));
    }
    if let Ok(instant) = DateTime::parse_from_rfc3339(text) {
        return Ok(DateExpr::Instant(instant.to_utc()));
    }
    // Would it be an instant if it only had an offset?
    match DateTime::parse_from_rfc3339(&format!("{text}Z")) {
        Ok(_) => Err(DateError::NoOffset),
        Err(_) => Err(DateError::Unknown),
    }
}

impl fmt::Display for DateExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant(instant) => write!(f, "{}", instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)),
            Self::Day(day) => write!(f, "{day}"),
            Self::Today => write!(f, "today"),
            Self::Yesterday => write!(f, "yesterday"),
            Self::Ago(count, unit) => {
                let plural = if *count == 1 { "" } else { "s" };
                let unit = match unit {
                    Unit::Days => "day",
                    Unit::Weeks => "week",
                    Unit::Months => "month",
                };
                write!(f, "{count} {unit}{plural} ago")
            }
            Self::StartOf(Period::Month) => write!(f, "start of month"),
            Self::StartOf(Period::Quarter) => write!(f, "start of quarter"),
            Self::StartOf(Period::Year) => write!(f, "start of year"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::TimeDelta;
    use proptest::prelude::*;

    const NEW_YORK: Tz = chrono_tz::America::New_York;

    fn resolved(text: &str, now: &str, zone: Tz) -> String {
        let date: DateExpr = text.parse().unwrap();
        date.resolve(now.parse().unwrap(), zone).unwrap().to_rfc3339_opts(SecondsFormat::AutoSi, true)
    }

    #[test]
    fn relative_dates_begin_with_a_day_of_the_zone() {
        // In New York it is still the 14th.
        let now = "2026-05-15T02:00:00Z";
        for (text, expected) in [
            ("today", "2026-05-14T04:00:00Z"),
            ("yesterday", "2026-05-13T04:00:00Z"),
            ("0 days ago", "2026-05-14T04:00:00Z"),
            ("1 day ago", "2026-05-13T04:00:00Z"),
            ("  30  Days ago ", "2026-04-14T04:00:00Z"),
            ("2 weeks ago", "2026-04-30T04:00:00Z"),
            // The other side of the change of clocks.
            ("3 months ago", "2026-02-14T05:00:00Z"),
            ("start of month", "2026-05-01T04:00:00Z"),
            ("start of quarter", "2026-04-01T04:00:00Z"),
            ("start of year", "2026-01-01T05:00:00Z"),
            ("2026-03-08", "2026-03-08T05:00:00Z"),
            ("2026-03-09", "2026-03-09T04:00:00Z"),
            ("2026-03-08T08:00:00+01:00", "2026-03-08T07:00:00Z"),
            ("2026-03-08t08:00:00.25z", "2026-03-08T08:00:00.250Z"),
        ] {
            assert_eq!(resolved(text, now, NEW_YORK), expected, "{text}");
        }
        assert_eq!(resolved("today", now, Tz::UTC), "2026-05-15T00:00:00Z");
    }

    #[test]
    fn months_ago_keep_to_the_end_of_a_shorter_month() {
        assert_eq!(resolved("1 month ago", "2026-03-31T12:00:00Z", Tz::UTC), "2026-02-28T00:00:00Z");
        assert_eq!(resolved("1 month ago", "2024-03-31T12:00:00Z", Tz::UTC), "2024-02-29T00:00:00Z");
        assert_eq!(resolved("13 months ago", "2025-03-30T12:00:00Z", Tz::UTC), "2024-02-29T00:00:00Z");
    }

    #[test]
    fn quarters_begin_in_january_april_july_and_october() {
        for (now, expected) in [
            ("2026-03-31T12:00:00Z", "2026-01-01T00:00:00Z"),
            ("2026-04-01T00:00:00Z", "2026-04-01T00:00:00Z"),
            ("2026-12-31T23:59:59Z", "2026-10-01T00:00:00Z"),
        ] {
            assert_eq!(resolved("start of quarter", now, Tz::UTC), expected, "{now}");
        }
    }

    #[test]
    fn a_day_whose_midnight_is_skipped_begins_later() {
        let zone = chrono_tz::America::Sao_Paulo;
        assert_eq!(resolved("today", "2018-11-04T15:00:00Z", zone), "2018-11-04T03:00:00Z");
    }

    #[test]
    fn other_texts_are_refused_with_their_reason() {
        for (text, expected) in [
            ("", DateError::Unknown),
            ("tomorrow", DateError::Unknown),
            ("30 days", DateError::Unknown),
            ("-3 days ago", DateError::Unknown),
            ("+3 days ago", DateError::Unknown),
            ("99999999999 days ago", DateError::Unknown),
            ("3 years ago", DateError::Unknown),
            ("start of week", DateError::Unknown),
            ("31.01.2025", DateError::Unknown),
            ("2025-02-30", DateError::NoSuchDay),
            ("2025-1-31", DateError::NoSuchDay),
            ("2025-01", DateError::NoSuchDay),
            ("2025-01-31T08:00:00", DateError::NoOffset),
            ("2025-01-31T08:00", DateError::Unknown),
            ("2025-01-31 evening", DateError::Unknown),
        ] {
            assert_eq!(text.parse::<DateExpr>(), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_count_beyond_the_calendar_is_no_date() {
        for text in ["4294967295 days ago", "4294967295 weeks ago", "4294967295 months ago"] {
            let date: DateExpr = text.parse().unwrap();
            assert_eq!(date.resolve("2026-05-15T02:00:00Z".parse().unwrap(), NEW_YORK), None, "{text}");
        }
    }

    fn any_zone() -> impl Strategy<Value = Tz> {
        (0..chrono_tz::TZ_VARIANTS.len()).prop_map(|index| chrono_tz::TZ_VARIANTS[index])
    }

    fn any_now() -> impl Strategy<Value = DateTime<Utc>> {
        (946_684_800i64..4_102_444_800).prop_map(|seconds| DateTime::from_timestamp(seconds, 0).unwrap())
    }

    fn any_date() -> impl Strategy<Value = DateExpr> {
        let unit = prop_oneof![Just(Unit::Days), Just(Unit::Weeks), Just(Unit::Months)];
        let period = prop_oneof![Just(Period::Month), Just(Period::Quarter), Just(Period::Year)];
        prop_oneof![
            any_now().prop_map(DateExpr::Instant),
            any_now().prop_map(|now| DateExpr::Day(now.date_naive())),
            Just(DateExpr::Today),
            Just(DateExpr::Yesterday),
            (0u32..5000, unit).prop_map(|(count, unit)| DateExpr::Ago(count, unit)),
            period.prop_map(DateExpr::StartOf),
        ]
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(
            text in "([0-9]{1,10}|-|:|T|Z|[+]| |days|ago|start of|month|\\PC){0,12}", now in any_now(), zone in any_zone(),
        ) {
            if let Ok(date) = text.parse::<DateExpr>() {
                let _ = date.resolve(now, zone);
            }
        }

        #[test]
        fn what_is_shown_can_be_written(date in any_date()) {
            prop_assert_eq!(date.to_string().parse(), Ok(date));
        }

        #[test]
        fn as_time_goes_on_dates_never_go_back(
            date in any_date(), now in any_now(), later in 0i64..100_000_000, zone in any_zone(),
        ) {
            prop_assert!(date.resolve(now, zone) <= date.resolve(now + TimeDelta::seconds(later), zone));
        }

        #[test]
        fn more_ago_is_never_later(count in 0u32..2000, more in 1u32..100, now in any_now(), zone in any_zone()) {
            for unit in [Unit::Days, Unit::Weeks, Unit::Months] {
                let less_ago = DateExpr::Ago(count, unit).resolve(now, zone);
                prop_assert!(DateExpr::Ago(count + more, unit).resolve(now, zone) <= less_ago);
            }
        }

        #[test]
        fn relative_dates_are_not_in_the_future(date in any_date(), now in any_now(), zone in any_zone()) {
            if !matches!(date, DateExpr::Instant(_) | DateExpr::Day(_)) {
                prop_assert!(date.resolve(now, zone).unwrap() <= now);
            }
        }
    }
}
