//! When in the week calls take place, learned from those that were listed so far.
//!
//! A listing is cut where a share of its calls is still to come, and calls keep business hours: a cut in the
//! middle of a day's time has few of its calls before it. So each hour of the week has a rate of its own.
//! What was seen of it counts against what is expected of that hour on any day, and this against the average,
//! each with the weight of one call: where many calls are, an hour says what the next one is like; where there
//! are few, all stays even.

use chrono::{DateTime, Datelike, DurationRound, TimeDelta, Timelike, Utc};

use crate::calendar::DateRange;

/// In UTC: a company's hours move by one with its summer time, which a run learns anew.
const HOURS_OF_DAY: usize = 24;
const HOURS_OF_WEEK: usize = 7 * HOURS_OF_DAY;

/// What expectations weigh, in calls.
const PRIOR_CALLS: f64 = 1.0;

/// How calls are spread over the week.
#[derive(Debug, Clone)]
pub struct Density {
    seen: [Seen; HOURS_OF_WEEK],
}

/// Of an hour of the week, over all weeks.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    hours: f64,
    calls: f64,
}

impl Seen {
    /// Calls per hour, where `expected` were expected.
    fn rate(self, expected: f64) -> f64 {
        (self.calls + PRIOR_CALLS) / (self.hours + PRIOR_CALLS / expected)
    }
}

impl Default for Density {
    fn default() -> Self {
        Self { seen: [Seen::default(); HOURS_OF_WEEK] }
    }
}

impl Density {
    /// Takes in that `calls` started in `span`, which are all.
    pub fn learn(&mut self, span: DateRange, calls: impl IntoIterator<Item = DateTime<Utc>>) {
        for hour in hours(span) {
            self.seen[of_week(hour.from())].hours += length_hours(hour);
        }
        for call in calls {
            self.seen[of_week(call)].calls += 1.0;
        }
    }

    /// The instant in `range` before which `before` of its `calls` are to be expected, to the second.
    pub fn at(&self, range: DateRange, calls: u64, before: u64) -> DateTime<Utc> {
        let mut left = before as f64;
        for (hour, expected) in self.expected(range, calls) {
            if expected > left {
                let seconds = hour.length().num_seconds() as f64 * (left / expected);
                return hour.from() + TimeDelta::seconds(seconds.round() as i64);
            }
            left -= expected;
        }
        range.to()
    }

    /// How many of the `calls` in `range` are to be expected before `instant`.
    pub fn before(&self, instant: DateTime<Utc>, range: DateRange, calls: u64) -> f64 {
        self.expected(range, calls)
            .take_while(|(hour, _)| hour.from() < instant)
            .map(|(hour, expected)| match DateRange::new(hour.from(), instant.min(hour.to())) {
                Some(part) => expected * length_hours(part) / length_hours(hour),
                None => 0.0,
            })
            .sum()
    }

    /// The hours of `range` with the calls to be expected in each, `calls` in all.
    fn expected(&self, range: DateRange, calls: u64) -> impl Iterator<Item = (DateRange, f64)> {
        let average = (calls.max(1) as f64) / length_hours(range);
        let mut of_day = [Seen::default(); HOURS_OF_DAY];
        for (hour, seen) in self.seen.iter().enumerate() {
            of_day[hour % HOURS_OF_DAY].hours += seen.hours;
            of_day[hour % HOURS_OF_DAY].calls += seen.calls;
        }
        let mut rates = [0.0; HOURS_OF_WEEK];
        for (hour, seen) in self.seen.iter().enumerate() {
            rates[hour] = seen.rate(of_day[hour % HOURS_OF_DAY].rate(average));
        }
        let weight = move |hour: DateRange| rates[of_week(hour.from())] * length_hours(hour);
        let scale = calls as f64 / hours(range).map(weight).sum::<f64>();
        hours(range).map(move |hour| (hour, weight(hour) * scale))
    }
}

/// The hours of the clock that `range` touches, as far as they are in it.
fn hours(range: DateRange) -> impl Iterator<Item = DateRange> {
    let mut from = range.from();
    std::iter::from_fn(move || {
        let next = from.duration_trunc(TimeDelta::hours(1)).ok()? + TimeDelta::hours(1);
        let hour = DateRange::new(from, next.min(range.to()))?;
        from = hour.to();
        Some(hour)
    })
}

fn of_week(instant: DateTime<Utc>) -> usize {
    instant.weekday().num_days_from_monday() as usize * HOURS_OF_DAY + instant.hour() as usize
}

fn length_hours(range: DateRange) -> f64 {
    range.length().as_seconds_f64() / 3_600.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn range(from: &str, to: &str) -> DateRange {
        DateRange::new(at(from), at(to)).unwrap()
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// After two weeks with `calls` a working hour, from 14:00 to 22:00 on Monday to Friday.
    fn office(calls: i64) -> Density {
        let mut density = Density::default();
        for hour in hours(range("2026-03-02T00:00:00Z", "2026-03-16T00:00:00Z")) {
            let works = hour.from().weekday().num_days_from_monday() < 5 && (14..22).contains(&hour.from().hour());
            let calls = if works { calls } else { 0 };
            density.learn(hour, (0..calls).map(|_| hour.from()));
        }
        density
    }

    #[test]
    fn nothing_known_is_even() {
        let density = Density::default();
        let day = range("2026-03-16T00:00:00Z", "2026-03-17T00:00:00Z");
        assert_eq!(density.at(day, 1_000, 250), at("2026-03-16T06:00:00Z"));
        assert!((density.before(at("2026-03-16T18:30:00Z"), day, 960) - 740.0).abs() < 1e-6);
    }

    #[test]
    fn business_hours_are_learned() {
        let density = office(100);
        let monday = range("2026-03-16T00:00:00Z", "2026-03-17T00:00:00Z");
        let half = density.at(monday, 800, 400);
        assert!((half - at("2026-03-16T18:00:00Z")).num_minutes().abs() < 10, "{half}");
        let weekend = range("2026-03-20T22:00:00Z", "2026-03-24T00:00:00Z");
        let before = density.before(at("2026-03-23T00:00:00Z"), weekend, 800);
        assert!(before < 40.0, "{before} calls in a weekend");
    }

    #[test]
    fn few_calls_say_little_about_an_hour() {
        let mut density = Density::default();
        // Half a day without a call, where one every other day is expected.
        density.learn(range("2026-03-16T00:00:00Z", "2026-03-16T12:00:00Z"), []);
        let month = range("2026-04-01T00:00:00Z", "2026-05-01T00:00:00Z");
        let half = density.at(month, 15, 7);
        assert!((half - at("2026-04-15T00:00:00Z")).num_hours().abs() < 24, "{half}");
    }

    proptest! {
        #[test]
        fn what_is_before_an_instant_is_found_again(
            working in 0i64..200, from_s in 0i64..2_000_000, length_s in 120i64..10_000_000, calls in 1u64..1_000_000,
            share in 0.0f64..=1.0,
        ) {
            let density = office(working);
            let from = at("2026-03-01T00:00:00Z") + TimeDelta::seconds(from_s);
            let range = DateRange::new(from, from + TimeDelta::seconds(length_s)).unwrap();
            let before = (calls as f64 * share) as u64;
            let instant = density.at(range, calls, before);
            prop_assert!(range.from() <= instant && instant <= range.to());
            let second = TimeDelta::seconds(1);
            prop_assert!(density.before(instant - second, range, calls) <= before as f64 + 1e-3);
            prop_assert!(density.before(instant + second, range, calls) >= before as f64 - 1e-3);
        }
    }
}
