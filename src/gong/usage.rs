//! What a client has used so far, and the bound on it.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Weight of the newest answer in the mean latency: about the last ten count.
const LATENCY_WEIGHT: f64 = 0.2;

/// A snapshot, taken at any time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// HTTP requests sent, retries and refused ones included.
    pub requests: u64,
    /// Those that repeated another.
    pub retries: u64,
    /// Answers with 429.
    pub throttled: u64,
    /// Bytes of answers, after decompression.
    pub bytes_received: u64,
    /// Time that requests spent waiting for their turn, summed over all of them.
    pub waited: Duration,
    /// Moving mean of the time from sending to the last byte, of answers that were understood.
    /// `None` before the first.
    pub latency: Option<Duration>,
}

/// The counters behind [`Usage`].
#[derive(Debug)]
pub(crate) struct Counters {
    requests_max: u64,
    requests: AtomicU64,
    retries: AtomicU64,
    throttled: AtomicU64,
    bytes_received: AtomicU64,
    waited_us: AtomicU64,
    /// Zero before the first answer.
    latency_us: AtomicU64,
}

impl Counters {
    /// `requests_max` is the most requests that may be sent; `None` for no bound.
    pub(crate) fn new(requests_max: Option<u64>) -> Self {
        Self {
            requests_max: requests_max.unwrap_or(u64::MAX),
            requests: AtomicU64::new(0),
            retries: AtomicU64::new(0),
            throttled: AtomicU64::new(0),
            bytes_received: AtomicU64::new(0),
            waited_us: AtomicU64::new(0),
            latency_us: AtomicU64::new(0),
        }
    }

    pub(crate) fn requests_max(&self) -> u64 {
        self.requests_max
    }

    /// Whether no further request may be sent.
    pub(crate) fn is_spent(&self) -> bool {
        self.requests.load(Relaxed) >= self.requests_max
    }

    /// Counts a request that is about to be sent; `false` when it may not be.
    #[must_use]
    pub(crate) fn take_request(&self) -> bool {
        let more = |sent| (sent < self.requests_max).then_some(sent + 1);
        self.requests.fetch_update(Relaxed, Relaxed, more).is_ok()
    }

    pub(crate) fn add_retry(&self) {
        self.retries.fetch_add(1, Relaxed);
    }

    pub(crate) fn add_throttled(&self) {
        self.throttled.fetch_add(1, Relaxed);
    }

    pub(crate) fn add_bytes_received(&self, bytes: usize) {
        self.bytes_received.fetch_add(bytes as u64, Relaxed);
    }

    pub(crate) fn add_waited(&self, time: Duration) {
        self.waited_us.fetch_add(microseconds(time), Relaxed);
    }

    pub(crate) fn add_latency(&self, latest: Duration) {
        let latest = microseconds(latest).max(1);
        let next = |mean: u64| match mean {
            0 => Some(latest),
            _ => Some((mean as f64 + (latest as f64 - mean as f64) * LATENCY_WEIGHT).round().max(1.0) as u64),
        };
        // Never refuses, so there is no failure to look at.
        let _ = self.latency_us.fetch_update(Relaxed, Relaxed, next);
    }

    pub(crate) fn snapshot(&self) -> Usage {
        let latency = self.latency_us.load(Relaxed);
        Usage {
            requests: self.requests.load(Relaxed),
            retries: self.retries.load(Relaxed),
            throttled: self.throttled.load(Relaxed),
            bytes_received: self.bytes_received.load(Relaxed),
            waited: Duration::from_micros(self.waited_us.load(Relaxed)),
            latency: (latency > 0).then(|| Duration::from_micros(latency)),
        }
    }
}

fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_requests_are_taken_than_allowed() {
        let counters = Counters::new(Some(2));
        assert!(counters.take_request() && counters.take_request());
        assert!(counters.is_spent());
        assert!(!counters.take_request());
        assert_eq!(counters.snapshot().requests, 2);
        assert!(!Counters::new(None).is_spent());
        assert!(Counters::new(Some(0)).is_spent());
    }

    #[test]
    fn the_mean_latency_follows_the_answers() {
        let counters = Counters::new(None);
        assert_eq!(counters.snapshot().latency, None);
        counters.add_latency(Duration::from_millis(400));
        assert_eq!(counters.snapshot().latency, Some(Duration::from_millis(400)));
        counters.add_latency(Duration::from_millis(900));
        assert_eq!(counters.snapshot().latency, Some(Duration::from_millis(500)));
    }
}
