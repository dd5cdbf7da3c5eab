//! When the next request may start. Pure: time is handed in as the span since some fixed moment.
//!
//! At most `n` requests arrive in any second, wherever it begins: a request starts when the n-th before
//! it is a second and a margin ago. So what a late start has lost is caught up with by the next ones,
//! and after an idle moment a few may follow each other closely, but never more than the limit.
//!
//! The server counts arrivals, not starts. A request that has to wait for a new connection arrives
//! later than it started, by two or three round trips, while those after it may not: so it counts from
//! when its connection stands, and as long as it is not known when that will be, as if that were now.
//!
//! Between its start and its arrival a request waits for processors, too: for ours, and where the server
//! runs on the same machine, for the server's. The margin covers what an idle machine takes. A busy one
//! shows itself, since it wakes the pacer late; then the margin grows by as much as the latest starts
//! were late, and shrinks again with each start that is in time. Measured without that: one 429 in
//! 620 requests at 30 a second, where a thirtieth of a second decides, and none at three a second.
//!
//! Not here: sleeping (`pacer`) and what a 429 means ([`retry`](super::retry)).

use std::time::Duration;

/// Spacing beyond the exact one, since not every packet travels as fast: at 3 requests a second this
/// lets a request be 30 ms slower on its way than the third after it before four of them fall into
/// one second. It costs 3 % of the speed.
const MARGIN: f64 = 1.03;

/// The most that lateness adds to the margin: a machine that sleeps an hour says nothing of the next second.
const LATENESS_MAX: Duration = Duration::from_millis(250);

/// What counts of a lateness after each start that is in time: half of it after 34 of them.
const LATENESS_KEPT: f64 = 0.98;

/// The least part of the spacing that lies between two starts, also when time is to be caught up with.
/// After a 429 all of it does, until that is forgotten: others are there.
const SPACING_MIN: f64 = 0.5;

/// A wider spacing than this multiple has not been forgotten.
const FORGOTTEN: f64 = 1.01;

/// How much a 429 widens the spacing. It comes although the spacing was right, because others use
/// the account too or because the account's limit is lower than the setting says.
const WIDEN: f64 = 1.25;

/// The widest spacing, as a multiple of the right one.
const STRETCH_MAX: f64 = 4.0;

/// What is left of the widening after each start: half of it after 34 of them.
const RECOVERY: f64 = 0.98;

/// Spaces the starts of requests.
#[derive(Debug, Clone)]
pub struct RateLimit {
    /// How many may arrive within `count` intervals; 0 for no limit.
    count: usize,
    interval: Duration,
    /// Multiple of the interval that is kept at present; never below 1.
    stretch: f64,
    last_start: Option<Duration>,
    /// By how much starts come late at present.
    lateness: Duration,
    /// The latest requests, in no order: those that wait for a connection, and `count` others.
    sent: Vec<Sent>,
    /// No start before this.
    resume_at: Duration,
    /// A refusal of a request that started before this has been answered by a wider spacing.
    widened_at: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    started: Duration,
    /// When it went out to the server; `None` while its connection is being made.
    left: Option<Duration>,
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
            count: if requests_per_second.is_finite() { requests_per_second.ceil() as usize } else { 0 },
            interval: Duration::from_nanos(nanoseconds as u64),
            stretch: 1.0,
            last_start: None,
            lateness: Duration::ZERO,
            sent: Vec::new(),
            resume_at: Duration::ZERO,
            widened_at: Duration::ZERO,
        })
    }

    /// The earliest moment at which a request may start, not before `now`. Later than that if too many
    /// wait for their connections: then it is the moment to ask again.
    pub fn earliest(&self, now: Duration) -> Duration {
        let least = if self.stretch > FORGOTTEN { 1.0 } else { SPACING_MIN };
        let spaced = self.last_start.map_or(Duration::ZERO, |start| start + self.spacing().mul_f64(least));
        now.max(spaced).max(self.room_at(now)).max(self.resume_at)
    }

    /// When one more request is not too many for the second before it.
    fn room_at(&self, now: Duration) -> Duration {
        if self.count == 0 {
            return now;
        }
        let mut left: Vec<Duration> = self.sent.iter().filter_map(|sent| sent.left).collect();
        // Those that may leave at any moment count as if they left now.
        let Some(others) = self.count.checked_sub(self.sent.len() - left.len()).filter(|others| *others > 0) else {
            return now + self.spacing();
        };
        left.sort_unstable_by(|a, b| b.cmp(a));
        left.get(others - 1).map_or(now, |left| *left + self.spacing() * self.count as u32 + self.lateness)
    }

    /// A request starts; `now` is not before [`earliest`](Self::earliest).
    pub fn start(&mut self, now: Duration) {
        self.last_start = Some(now);
        self.stretch = 1.0 + (self.stretch - 1.0) * RECOVERY;
        self.sent.push(Sent { started: now, left: Some(now) });
        self.forget();
    }

    /// The request that starts next was to start this much earlier: what the machine is late with here, it
    /// may be late with on the way as well.
    pub fn late(&mut self, by: Duration) {
        self.lateness = by.min(LATENESS_MAX).max(self.lateness.mul_f64(LATENESS_KEPT));
    }

    /// The request that started at `started` has to wait for a connection.
    pub fn connecting(&mut self, started: Duration) {
        match self.sent.iter_mut().find(|sent| sent.started == started) {
            Some(sent) => sent.left = None,
            None => self.sent.push(Sent { started, left: None }),
        }
    }

    /// Its connection stands, or has failed: at this moment it went out, if it did.
    pub fn connected(&mut self, started: Duration, at: Duration) {
        if let Some(sent) = self.sent.iter_mut().find(|sent| sent.started == started) {
            sent.left = Some(at);
        }
        self.forget();
    }

    /// Forgets those that are too long ago to matter.
    fn forget(&mut self) {
        // Those that wait come first, then the latest.
        self.sent.sort_unstable_by_key(|sent| std::cmp::Reverse(sent.left.unwrap_or(Duration::MAX)));
        let waiting = self.sent.iter().filter(|sent| sent.left.is_none()).count();
        self.sent.truncate(waiting + self.count);
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

    /// The mean time from one start to the next at present.
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

    /// So many starts, each as early as may be.
    fn starts(limit: &mut RateLimit, from: Duration, count: usize) -> Vec<Duration> {
        let mut now = from;
        let mut start = || {
            now = limit.earliest(now);
            limit.start(now);
            now
        };
        (0..count).map(|_| start()).collect()
    }

    #[test]
    fn starts_are_a_second_and_a_margin_after_the_third_before() {
        let mut limit = RateLimit::per_second(3.0).unwrap();
        let starts = starts(&mut limit, ms(5), 7);
        assert_eq!(starts[0], ms(5));
        for four in starts.windows(4) {
            let apart = four[3] - four[0];
            assert!(apart >= ms(1_030) && apart < ms(1_031), "{starts:?}");
        }
        for two in starts.windows(2) {
            assert!(two[1] - two[0] > ms(170), "{starts:?}");
        }
        // An idle limiter saves no more than that up.
        assert_eq!(limit.earliest(ms(60_000)), ms(60_000));
        limit.start(ms(60_000));
        assert!(limit.earliest(ms(60_000)) > ms(60_170));
    }

    #[test]
    fn what_a_late_start_loses_is_caught_up_with_within_a_second() {
        let mut limit = RateLimit::per_second(30.0).unwrap();
        let mut now = ms(0);
        for _ in 0..=600 {
            now = limit.earliest(now) + ms(2);
            limit.start(now);
        }
        // Twenty seconds, each of which ends a little late, not each of 600 starts.
        let late = now - ms(20_600);
        assert!(late < ms(20 * 2 + 3), "{late:?}");
    }

    #[test]
    fn a_request_that_waits_for_its_connection_counts_from_when_it_stands() {
        let mut limit = RateLimit::per_second(3.0).unwrap();
        limit.start(ms(0));
        limit.connecting(ms(0));
        limit.start(ms(400));
        limit.start(ms(800));
        limit.connected(ms(0), ms(250));
        let next = limit.earliest(ms(800));
        assert!(next >= ms(250 + 1_030) && next < ms(250 + 1_031), "{next:?}");
        // While it waits, nobody knows whether it will not come at this very moment.
        limit.start(ms(1_500));
        limit.connecting(ms(1_500));
        assert!(limit.earliest(ms(1_900)) >= ms(800 + 1_030));
        for started in [ms(2_000), ms(2_400)] {
            limit.start(started);
            limit.connecting(started);
        }
        assert!(limit.earliest(ms(9_000)) > ms(9_000), "three may arrive at once");
        limit.connected(ms(1_500), ms(9_001));
        limit.connected(ms(2_000), ms(5_001));
        limit.connected(ms(2_400), ms(5_002));
        assert_eq!(limit.earliest(ms(9_010)), ms(9_010));
    }

    #[test]
    fn a_busy_machine_gets_a_wider_margin_as_long_as_it_is_busy() {
        let mut limit = RateLimit::per_second(30.0).unwrap();
        let mut now = ms(0);
        let mut second = |limit: &mut RateLimit, late: Duration| {
            let begin = now;
            for _ in 0..30 {
                now = limit.earliest(now) + late;
                limit.late(late);
                limit.start(now);
            }
            now - begin
        };
        second(&mut limit, ms(0));
        second(&mut limit, ms(40));
        assert!(second(&mut limit, ms(40)) >= ms(1_030 + 40));
        for _ in 0..20 {
            second(&mut limit, ms(0));
        }
        assert!(second(&mut limit, ms(0)) < ms(1_035), "forgotten");
        limit.late(ms(3_600_000));
        assert!(second(&mut limit, ms(0)) <= ms(1_030) + LATENESS_MAX);
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

    /// What happens to a limiter: a request comes after a while, starts a little late, and perhaps has
    /// to wait for a connection; or a 429 asks for a pause.
    #[derive(Debug, Clone)]
    enum Happening {
        Request { idle_us: u64, late_us: u64, connecting_us: u64 },
        Pause { us: u64 },
    }

    fn happenings() -> impl Strategy<Value = Vec<Happening>> {
        let late = prop_oneof![9 => Just(0u64), 1 => 0u64..2_000_000];
        let connecting = prop_oneof![4 => Just(0u64), 1 => 1u64..500_000, 1 => 1u64..5_000_000];
        let request = (0u64..900_000, late, connecting).prop_map(|(idle_us, late_us, connecting_us)| {
            Happening::Request { idle_us: idle_us.saturating_sub(600_000), late_us, connecting_us }
        });
        let pause = (0u64..5_000_000).prop_map(|us| Happening::Pause { us });
        prop::collection::vec(prop_oneof![12 => request, 1 => pause], 1..120)
    }

    proptest! {
        #[test]
        fn no_second_sees_more_than_the_rate_and_no_pause_a_start(rate in 0.2f64..40.0, happenings in happenings()) {
            let mut limit = RateLimit::per_second(rate).unwrap();
            let (mut now, mut paused_until) = (Duration::ZERO, Duration::ZERO);
            let (mut arrivals, mut connecting) = (Vec::new(), Vec::<(Duration, Duration)>::new());
            for happening in happenings {
                match happening {
                    Happening::Request { idle_us, late_us, connecting_us } => {
                        now += Duration::from_micros(idle_us);
                        // Time passes, connections come to stand, until a request may start.
                        loop {
                            let earliest = limit.earliest(now);
                            let next = connecting.iter().map(|(_, stands)| *stands).min().filter(|next| *next <= earliest);
                            if let Some(next) = next {
                                now = now.max(next);
                                connecting.retain(|(started, stands)| {
                                    if *stands == next {
                                        limit.connected(*started, next);
                                    }
                                    *stands != next
                                });
                            } else if earliest == now {
                                break;
                            } else {
                                now = earliest;
                            }
                        }
                        let late = Duration::from_micros(late_us);
                        if connecting.iter().all(|(_, stands)| *stands > now + late) {
                            now += late;
                        }
                        limit.start(now);
                        prop_assert!(now >= paused_until);
                        let stands = now + Duration::from_micros(connecting_us);
                        if stands > now {
                            limit.connecting(now);
                            connecting.push((now, stands));
                        }
                        arrivals.push(stands);
                    }
                    Happening::Pause { us } => {
                        paused_until = paused_until.max(now + Duration::from_micros(us));
                        limit.refused(now, now);
                        limit.pause_until(now + Duration::from_micros(us));
                    }
                }
            }
            prop_assert!(busiest_second(&arrivals) <= rate.ceil() as usize, "{} at {rate}", busiest_second(&arrivals));
        }

        #[test]
        fn a_busy_limiter_loses_only_its_margin(rate in 0.5f64..50.0) {
            let mut limit = RateLimit::per_second(rate).unwrap();
            let last = starts(&mut limit, Duration::ZERO, 200)[199].as_secs_f64();
            // What the first ones may be ahead.
            let exact = (199.0 - rate.ceil()) / rate;
            prop_assert!(last >= exact && last < 199.0 / rate * 1.031);
        }
    }
}
