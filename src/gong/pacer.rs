//! Lets requests start one after the other, at the pace of a [`RateLimit`].
//!
//! One for the whole process: every request of every listing passes through it, and a 429 met by
//! one of them holds all of them back. Called by [`client`](super::client) only.

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
    epoch: Instant,
}

impl Pacer {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { limit: Mutex::new(limit), turnstile: tokio::sync::Mutex::new(()), epoch: Instant::now() }
    }

    /// Waits for the turn to send a request, and gives the moment at which it came.
    ///
    /// Dropping the future gives the turn up without a trace. Accurate to the millisecond that
    /// tokio's timer has; so limits above some hundreds a second are not reached.
    pub(crate) async fn turn(&self) -> Instant {
        let _next = self.turnstile.lock().await;
        loop {
            let earliest = {
                let mut limit = self.limit();
                let now = self.epoch.elapsed();
                let earliest = limit.earliest(now);
                if earliest <= now {
                    limit.start(now);
                    return self.epoch + now;
                }
                earliest
            };
            // A pause may be declared meanwhile: look again afterwards.
            sleep_until(self.epoch + earliest).await;
        }
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
        Pacer::new(RateLimit::per_second(rate).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn many_at_once_are_spread_over_time() {
        let pacer = pacer(3.0);
        let begin = Instant::now();
        let mut turns: Vec<Duration> =
            join_all((0..31).map(|_| pacer.turn())).await.iter().map(|t| *t - begin).collect();
        turns.sort();
        for window in turns.windows(4) {
            assert!(window[3] - window[0] > Duration::from_secs(1), "{window:?}");
        }
        let last = turns[30].as_secs_f64();
        assert!(last > 10.0 && last < 10.5, "31 requests took {last} s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_back_those_who_wait_already() {
        let pacer = pacer(3.0);
        let begin = Instant::now();
        let refused = pacer.turn().await;
        let waiting = async { join_all((0..4).map(|_| pacer.turn())).await };
        let pausing = async { pacer.pause(refused, Duration::from_secs(7)) };
        let (turns, ()) = tokio::join!(waiting, pausing);
        assert!(turns.iter().all(|turn| *turn - begin >= Duration::from_secs(7)), "{turns:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_given_up_costs_nothing() {
        let pacer = pacer(1.0);
        let begin = Instant::now();
        pacer.turn().await;
        for _ in 0..3 {
            let given_up = tokio::time::timeout(Duration::from_millis(100), pacer.turn()).await;
            assert!(given_up.is_err());
        }
        assert!(pacer.turn().await - begin < Duration::from_millis(1100));
    }
}
