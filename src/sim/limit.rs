//! The two limits of the API: requests within any second, and within a day.
//!
//! Guessed, because nobody has published it: the second is a sliding window, the day is one of UTC,
//! and refused requests count towards the day but not towards the second.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};

use super::config::Config;

#[derive(Debug, Default)]
pub(super) struct Limiter {
    /// When the requests of the last second were admitted.
    recent: VecDeque<Duration>,
    day: NaiveDate,
    today: u64,
}

/// A request came too early.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) retry_after_s: u64,
}

impl Limiter {
    /// `at` runs with the real time, since a rate is about real requests; `now` is the simulated
    /// time, which tells when the day ends.
    pub(super) fn admit(&mut self, config: &Config, at: Duration, now: DateTime<Utc>) -> Result<(), Refused> {
        let today = now.date_naive();
        if self.day != today {
            (self.day, self.today) = (today, 0);
        }
        self.today += 1;
        if config.requests_per_day > 0 && self.today > config.requests_per_day {
            let midnight = (today + chrono::Days::new(1)).and_time(NaiveTime::MIN).and_utc();
            let retry_after_s = (midnight - now).num_seconds().max(1) as u64;
            return Err(Refused { retry_after_s });
        }
        while self.recent.front().is_some_and(|before| at >= *before + Duration::from_secs(1)) {
            self.recent.pop_front();
        }
        if config.requests_per_second > 0 && self.recent.len() >= config.requests_per_second as usize {
            return Err(Refused { retry_after_s: 1 });
        }
        self.recent.push_back(at);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(second: u32, day: u64) -> Config {
        Config { requests_per_second: second, requests_per_day: day, ..Config::default() }
    }

    #[test]
    fn no_second_admits_more_than_it_may() {
        let config = limits(3, 0);
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        let mut limiter = Limiter::default();
        let mut admitted = Vec::new();
        for at in (0..5000).step_by(70).map(Duration::from_millis) {
            if limiter.admit(&config, at, now).is_ok() {
                admitted.push(at);
            }
        }
        assert!(admitted.len() >= 15);
        for four in admitted.windows(4) {
            assert!(four[3] - four[0] >= Duration::from_secs(1), "{four:?}");
        }
    }

    #[test]
    fn an_exhausted_day_lasts_until_midnight() {
        let config = limits(0, 2);
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let mut limiter = Limiter::default();
        let mut admit = |now| limiter.admit(&config, Duration::ZERO, at(now));
        assert_eq!(admit("2026-03-02T21:00:00Z"), Ok(()));
        assert_eq!(admit("2026-03-02T21:00:00Z"), Ok(()));
        assert_eq!(admit("2026-03-02T22:00:00Z"), Err(Refused { retry_after_s: 7200 }));
        assert_eq!(admit("2026-03-03T00:00:00Z"), Ok(()));
    }

    #[test]
    fn without_limits_everything_passes() {
        let mut limiter = Limiter::default();
        let now = "2026-03-02T12:00:00Z".parse().unwrap();
        assert!((0..1000).all(|_| limiter.admit(&limits(0, 0), Duration::ZERO, now).is_ok()));
    }
}
