//! When the next request may start. Pure: time is handed in as the span since some fixed moment.
//!
//! Starts are spaced evenly, so that no window of a second, wherever it begins, holds more than the
//! limit; a bucket that allows bursts could put twice the limit into one. Spacing counts from when a
//! request really started, not from when it should have, since a late one is no reason to crowd the
//! next.
//!
//! Not here: sleeping (`pacer`) and what a 429 means ([`retry`](super::retry)).

use std::time::Duration;

/// Spacing beyond the exact one. The server counts arrivals, not starts: at 3 requests a second
/// this lets a request be 30 ms slower on its way than the third after it before four of them fall
/// into one second. It costs 3 % of the speed.
const MARGIN: f64 = 1.03;

/// How much a 429 widens the spacing. It comes although the spacing was right, because others use
/// the account too or because the account's limit is lower than the setting says.
const WIDEN: f64 = 1.25;

/// The widest spacing, as a multiple of the right one.
const STRETCH_MAX: f64 = 4.0;

/// What is left of the widening after each start: half of it after 34 of them.
const RECOVERY: f64 = 0.98;

/// Spaces the starts of requests evenly.
#[derive(Debug, Clone)]
pub struct RateLimit {
    interval: Duration,
    /// Multiple of the interval that is kept at present; never below 1.
    stretch: f64,
    last_start: Option<Duration>,
    /// No start before this.
    resume_at: Duration,
    /// A refusal of a request that started before this has been answered by a wider spacing.
    widened_at: Duration,
}

impl RateLimit {
    /// `requests_per_second` may be below 1, or infinite for no limit. `None` when it is not above
    /// zero, or so low that a request a year would break it.
    pub fn per_second(requests_per_second: f64) -> Option<Self> {
        if requests_per_second.is_nan() || requests_per_second <= 0.0 {
            return None;
        }
        // Rounded up: three truncated thirds of a second would fit inside one.
        let nanoseconds = (1e9 * MARGIN / requests_per_second).ceil();
        let year = 365.0 * 24.0 * 3600.0 * 1e9;
        if nanoseconds > year {
            return None;
        }
        Some(Self {
            interval: Duration::from_nanos(nanoseconds as u64),
            stretch: 1.0,
            last_start: None,
            resume_at: Duration::ZERO,
            widened_at: Duration::ZERO,
        })
    }

    /// The earliest moment at which a request may start, not before `now`.
    pub fn earliest(&self, now: Duration) -> Duration {
        let spaced = self.last_start.map_or(Duration::ZERO, |start| start + self.spacing());
        now.max(spaced).max(self.resume_at)
    }

    /// A request starts; `now` is not before [`earliest`](Self::earliest).
    pub fn start(&mut self, now: Duration) {
        self.last_start = Some(now);
        self.stretch = 1.0 + (self.stretch - 1.0) * RECOVERY;
    }

    /// No request starts before this moment; an earlier pause that lasts longer stays.
    pub fn pause_until(&mut self, moment: Duration) {
        self.resume_at = self.resume_at.max(moment);
    }

    /// How much of a pause is left.
    pub fn pause_left(&self, now: Duration) -> Duration {
        self.resume_at.saturating_sub(now)
    }

    /// A request that had started at `started` was refused with 429. Widens the spacing once for
    /// all requests of one episode.
    pub fn refused(&mut self, started: Duration, now: Duration) {
        if started >= self.widened_at {
            self.stretch = (self.stretch * WIDEN).min(STRETCH_MAX);
            self.widened_at = now;
        }
    }

    /// The time from one start to the next at present.
    pub fn spacing(&self) -> Duration {
        self.interval.mul_f64(self.stretch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// The most starts in any half-open window of one second.
    fn busiest_second(starts: &[Duration]) -> usize {
        let within = |from: Duration| starts.iter().filter(|s| **s >= from && **s < from + ms(1000)).count();
        starts.iter().map(|start| within(*start)).max().unwrap_or(0)
    }

    #[test]
    fn starts_are_spaced_by_the_interval_and_a_margin() {
        let mut limit = RateLimit::per_second(3.0).unwrap();
        assert_eq!(limit.earliest(ms(5)), ms(5));
        limit.start(ms(5));
        let next = limit.earliest(ms(5));
        assert!(next > ms(5 + 334) && next < ms(5 + 350), "{next:?}");
        // An idle limiter saves nothing up.
        assert_eq!(limit.earliest(ms(60_000)), ms(60_000));
    }

    #[test]
    fn only_usable_rates_are_accepted() {
        for rate in [0.0, -1.0, f64::NAN, f64::NEG_INFINITY, 1e-12] {
            assert!(RateLimit::per_second(rate).is_none(), "{rate}");
        }
        let mut unlimited = RateLimit::per_second(f64::INFINITY).unwrap();
        unlimited.start(ms(1));
        assert_eq!(unlimited.earliest(ms(1)), ms(1));
    }

    #[test]
    fn a_pause_is_only_ever_prolonged() {
        let mut limit = RateLimit::per_second(3.0).unwrap();
        limit.pause_until(ms(9_000));
        limit.pause_until(ms(2_000));
        assert_eq!(limit.earliest(ms(100)), ms(9_000));
        assert_eq!((limit.pause_left(ms(100)), limit.pause_left(ms(9_001))), (ms(8_900), ms(0)));
    }

    #[test]
    fn refusals_of_one_episode_widen_once_and_the_spacing_recovers_slowly() {
        let mut limit = RateLimit::per_second(3.0).unwrap();
        let right = limit.spacing();
        for started in [ms(10), ms(20), ms(30)] {
            limit.refused(started, ms(400));
        }
        assert_eq!(limit.spacing(), right.mul_f64(WIDEN));
        limit.refused(ms(1_000), ms(1_400));
        assert_eq!(limit.spacing(), right.mul_f64(WIDEN * WIDEN));
        for started in 2..40 {
            limit.refused(ms(started * 1_000), ms(started * 1_000 + 1));
        }
        assert_eq!(limit.spacing(), right.mul_f64(STRETCH_MAX));

        let mut now = ms(60_000);
        for _ in 0..34 {
            now = limit.earliest(now);
            limit.start(now);
        }
        assert!(limit.spacing() > right.mul_f64(2.3), "{:?}", limit.spacing());
        for _ in 0..500 {
            now = limit.earliest(now);
            limit.start(now);
        }
        assert!(limit.spacing() < right.mul_f64(1.001), "{:?}", limit.spacing());
    }

    /// What happens to a limiter: a request comes after a while and starts a little late, or a 429
    /// asks for a pause.
    #[derive(Debug, Clone)]
    enum Happening {
        Request { idle_us: u64, late_us: u64 },
        Pause { us: u64 },
    }

    fn happenings() -> impl Strategy<Value = Vec<Happening>> {
        let request = (0u64..900_000, prop_oneof![9 => Just(0u64), 1 => 0u64..2_000_000])
            .prop_map(|(idle_us, late_us)| Happening::Request { idle_us: idle_us.saturating_sub(600_000), late_us });
        let pause = (0u64..5_000_000).prop_map(|us| Happening::Pause { us });
        prop::collection::vec(prop_oneof![12 => request, 1 => pause], 1..120)
    }

    proptest! {
        #[test]
        fn no_second_holds_more_than_the_rate_and_no_pause_a_start(rate in 0.2f64..40.0, happenings in happenings()) {
            let mut limit = RateLimit::per_second(rate).unwrap();
            let (mut now, mut starts, mut paused_until) = (Duration::ZERO, Vec::new(), Duration::ZERO);
            for happening in happenings {
                match happening {
                    Happening::Request { idle_us, late_us } => {
                        now += Duration::from_micros(idle_us);
                        now = limit.earliest(now) + Duration::from_micros(late_us);
                        limit.start(now);
                        prop_assert!(now >= paused_until);
                        starts.push(now);
                    }
                    Happening::Pause { us } => {
                        paused_until = paused_until.max(now + Duration::from_micros(us));
                        limit.refused(now, now);
                        limit.pause_until(now + Duration::from_micros(us));
                    }
                }
            }
            prop_assert!(busiest_second(&starts) <= rate.ceil() as usize, "{} at {rate}", busiest_second(&starts));
        }

        #[test]
        fn a_busy_limiter_loses_only_its_margin(rate in 0.5f64..50.0) {
            let mut limit = RateLimit::per_second(rate).unwrap();
            let mut now = Duration::ZERO;
            for _ in 0..200 {
                now = limit.earliest(now);
                limit.start(now);
            }
            let exact = 199.0 / rate;
            prop_assert!(now.as_secs_f64() >= exact && now.as_secs_f64() < exact * 1.031);
        }
    }
}
