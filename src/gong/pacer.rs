//! Lets requests start one after the other, at the pace of a [`RateLimit`].
//!
//! One for the whole process: every request of every listing passes through it, and a 429 met by
//! one of them holds all of them back. Called by [`client`](super::client) only.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::rate_limit::RateLimit;

/// The gate in front of the network.
#[derive(Debug)]
pub(crate) struct Pacer {
    limit: Mutex<RateLimit>,
    /// Whoever holds it is next; the others queue up in the order in which they came. So starts are
    /// spaced as they happen, even when a busy machine wakes sleepers late and several at once.
    turnstile: tokio::sync::Mutex<()>,
    /// In front of it, for those of [`Queue::Batches`].
    batches: tokio::sync::Mutex<()>,
    /// How many wait for their turn.
    waiting: AtomicUsize,
    epoch: Instant,
    /// Nobody waits for the end of a longer pause.
    pause_max: Duration,
}

/// How long a turn is left unclaimed before somebody may be found for it.
const GRACE_MIN: Duration = Duration::from_millis(2);
const GRACE_MAX: Duration = Duration::from_millis(20);

/// One that waits, however its waiting ends.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Where a request queues up for its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Queue {
    /// A page of a listing, which has to come before the next one can be asked for.
    Listings,
    /// One of many that can be asked for side by side, and so can catch up later. All of them together
    /// wait as one of the others does, so that listings are not held up by those that they bring about.
    Batches,
}

/// A pause is on that is too long to wait for; this much of it is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Closed(pub(crate) Duration);

impl Pacer {
    pub(crate) fn new(limit: RateLimit, pause_max: Duration) -> Self {
        Self {
            limit: Mutex::new(limit),
            turnstile: tokio::sync::Mutex::default(),
            batches: tokio::sync::Mutex::default(),
            waiting: AtomicUsize::new(0),
            epoch: Instant::now(),
            pause_max,
        }
    }

    /// Waits for the turn to send a request, and gives the moment at which it came.
    ///
    /// Dropping the future gives the turn up without a trace. Accurate to the millisecond that
    /// tokio's timer has; so limits above some hundreds a second are not reached.
    pub(crate) async fn turn(&self, queue: Queue) -> Result<Instant, Closed> {
        let _waiting = Waiting::new(&self.waiting);
        let _first_of_batches = match queue {
            Queue::Listings => None,
            Queue::Batches => Some(self.batches.lock().await),
        };
        let _next = self.turnstile.lock().await;
        let mut due = None;
        loop {
            let earliest = {
                let mut limit = self.limit();
                let now = self.epoch.elapsed();
                let earliest = limit.earliest(now);
                let pause = limit.pause_left(now);
                if pause > self.pause_max {
                    return Err(Closed(pause));
                }
                if earliest <= now {
                    limit.late(due.map_or(Duration::ZERO, |due| now.saturating_sub(due)));
                    limit.start(now);
                    return Ok(self.epoch + now);
                }
                earliest
            };
            // A pause may be declared meanwhile: look again afterwards.
            due = Some(earliest);
            sleep_until(self.epoch + earliest).await;
        }
    }

    /// Waits until a turn has come that nobody claims. It is left alone for a moment, in which whoever
    /// has just been answered may ask for more.
    pub(crate) async fn unclaimed(&self) {
        loop {
            let now = self.epoch.elapsed();
            let (earliest, spacing) = {
                let limit = self.limit();
                (limit.earliest(now), limit.spacing())
            };
            let grace = (spacing / 8).clamp(GRACE_MIN, GRACE_MAX);
            sleep_until(self.epoch + earliest + grace).await;
            let now = self.epoch.elapsed();
            if self.waiting.load(Ordering::Relaxed) == 0 && self.limit().earliest(now) <= now {
                return;
            }
        }
    }

    /// The request that started at `started` has to wait for a new connection.
    pub(crate) fn connecting(&self, started: Instant) {
        self.limit().connecting(started.saturating_duration_since(self.epoch));
    }

    /// Its connection stands now, or came to nothing.
    pub(crate) fn connected(&self, started: Instant) {
        let now = self.epoch.elapsed();
        self.limit().connected(started.saturating_duration_since(self.epoch), now);
    }

    /// No request starts for this long: one that started at `started` met a 429.
    pub(crate) fn pause(&self, started: Instant, wait: Duration) {
        let now = self.epoch.elapsed();
        let mut limit = self.limit();
        limit.refused(started.saturating_duration_since(self.epoch), now);
        limit.pause_until(now.saturating_add(wait));
    }

    fn limit(&self) -> MutexGuard<'_, RateLimit> {
        // Each change is a single assignment, so a panic elsewhere leaves nothing half done.
        self.limit.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::join_all;

    fn pacer(rate: f64) -> Pacer {
        Pacer::new(RateLimit::per_second(rate).unwrap(), Duration::from_secs(300))
    }

    /// The moments of so many turns, asked for at once and sorted.
    async fn turns(pacer: &Pacer, count: usize) -> Vec<Instant> {
        let mut turns: Vec<_> =
            join_all((0..count).map(|_| pacer.turn(Queue::Listings))).await.into_iter().map(Result::unwrap).collect();
        turns.sort();
        turns
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_are_spread_over_time() {
        let pacer = pacer(3.0);
        let begin = Instant::now();
        let turns = turns(&pacer, 31).await;
        for window in turns.windows(4) {
            assert!(window[3] - window[0] > Duration::from_secs(1), "{window:?}");
        }
        let last = (turns[30] - begin).as_secs_f64();
        assert!(last > 10.0 && last < 10.5, "31 requests took {last} s");
    }

    #[tokio::test(start_paused = true)]
    async fn connections_that_are_being_made_hold_the_others_back() {
        let pacer = pacer(3.0);
        let slow = pacer.turn(Queue::Listings).await.unwrap();
        pacer.connecting(slow);
        let standing = async {
            tokio::time::sleep(Duration::from_secs(4)).await;
            pacer.connected(slow);
            Instant::now()
        };
        let (stands, turns) = tokio::join!(standing, turns(&pacer, 12));
        let mut arrivals = turns.clone();
        arrivals.push(stands);
        arrivals.sort();
        for four in arrivals.windows(4) {
            assert!(four[3] - four[0] > Duration::from_secs(1), "{four:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn batches_wait_together_as_one_listing_does() {
        let pacer = pacer(3.0);
        let order = Mutex::new(Vec::new());
        let turn = async |queue| {
            pacer.turn(queue).await.unwrap();
            order.lock().unwrap().push(queue);
        };
        let batches = join_all((0..6).map(|_| turn(Queue::Batches)));
        let listings = join_all((0..3).map(|_| turn(Queue::Listings)));
        tokio::join!(batches, listings);
        let order = order.into_inner().unwrap();
        let place = order.iter().rposition(|queue| *queue == Queue::Listings).unwrap();
        assert!(place <= 4, "{order:?}");
        assert_eq!(order.len(), 9);
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_is_unclaimed_only_when_nobody_waits() {
        let pacer = pacer(3.0);
        let begin = Instant::now();
        pacer.unclaimed().await;
        assert!(begin.elapsed() <= GRACE_MAX + Duration::from_millis(1));
        // Ten in a row, each of which takes the next turn; after the last there is one nobody wants.
        let unclaimed = async {
            pacer.unclaimed().await;
            Instant::now()
        };
        let (turns, unclaimed) = tokio::join!(turns(&pacer, 10), unclaimed);
        assert!(unclaimed > turns[9], "{unclaimed:?} after {:?}", turns[9]);
        assert!(unclaimed - turns[9] < Duration::from_millis(400), "{:?}", unclaimed - turns[9]);
        // Who gives up does not wait any more.
        pacer.turn(Queue::Batches).await.unwrap();
        let given_up = tokio::time::timeout(Duration::from_millis(1), pacer.turn(Queue::Batches)).await;
        assert!(given_up.is_err());
        assert_eq!(pacer.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_back_those_who_wait_already() {
        let pacer = pacer(3.0);
        let begin = Instant::now();
        let refused = pacer.turn(Queue::Listings).await.unwrap();
        let waiting = turns(&pacer, 4);
        let pausing = async { pacer.pause(refused, Duration::from_secs(7)) };
        let (turns, ()) = tokio::join!(waiting, pausing);
        assert!(turns.iter().all(|turn| *turn - begin >= Duration::from_secs(7)), "{turns:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_given_up_costs_nothing() {
        let pacer = pacer(1.0);
        let begin = Instant::now();
        pacer.turn(Queue::Listings).await.unwrap();
        for _ in 0..3 {
            let given_up = tokio::time::timeout(Duration::from_millis(100), pacer.turn(Queue::Listings)).await;
            assert!(given_up.is_err());
        }
        assert!(pacer.turn(Queue::Listings).await.unwrap() - begin < Duration::from_millis(1100));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_the_end_of_a_long_pause() {
        let pacer = pacer(3.0);
        let refused = pacer.turn(Queue::Listings).await.unwrap();
        let waiting = async { join_all((0..4).map(|_| pacer.turn(Queue::Listings))).await };
        let pausing = async { pacer.pause(refused, Duration::from_secs(7_200)) };
        let (turns, ()) = tokio::join!(waiting, pausing);
        assert!(
            turns.iter().all(|turn| turn.is_err_and(|Closed(left)| left > Duration::from_secs(7_190))),
            "{turns:?}"
        );
        tokio::time::sleep(Duration::from_secs(7_200)).await;
        assert!(pacer.turn(Queue::Listings).await.is_ok());
    }
}
