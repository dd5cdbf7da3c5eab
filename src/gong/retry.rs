//! Whether a request is sent again, and when. Pure: no clock, no dice, no sleeping.
//!
//! All requests of an export read, the POST ones included, so all are safe to repeat. Retried are:
//!
//! * 429, after the time the server names; where it names none, after a wait that grows to
//!   [`Policy::throttle_backoff_max`];
//! * 5xx, timeouts, resets and cut answers, after a wait that grows to [`Policy::backoff_max`];
//! * whole answers that make no sense, in the same way but only a few times.
//!
//! What ends it is time ([`Policy::patience`]) rather than a count, since an outage has to be
//! outlived however quickly each attempt fails. Any other 4xx is final.

use std::time::Duration;

use chrono::DateTime;

/// Times that no server means seriously; also keeps sums of times from overflowing.
const RETRY_AFTER_CAP: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// How one attempt ended, as far as trying again goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Answered and understood.
    Success,
    /// 429, with what `Retry-After` said, if it could be read.
    Throttled { retry_after: Option<Duration> },
    /// Not answered, or not in full, or with 5xx; `Retry-After` as above.
    Unavailable { retry_after: Option<Duration> },
    /// Answered in full, but with something that is not an answer of this API.
    Garbled,
    /// Refused for good.
    Permanent,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// The request is over.
    Done,
    /// This request waits, then is sent again.
    RetryIn(Duration),
    /// Every request of the process waits, then this one is sent again.
    PauseAllFor(Duration),
    GiveUp,
}

/// The bounds on trying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// A backstop: with the other defaults time runs out long before.
    pub attempts_max: u32,
    /// Attempts at a request whose answers make no sense; those rarely heal with time.
    pub garbled_attempts_max: u32,
    /// Time from the end of the first failed attempt within which the last one starts.
    pub patience: Duration,
    /// A server that asks for a longer wait than this has run out of something for the day.
    pub retry_after_max: Duration,
    /// Wait after the first failure; doubled after each further one.
    pub backoff_first: Duration,
    pub backoff_max: Duration,
    /// The same for a 429 without a usable `Retry-After`.
    pub throttle_backoff_first: Duration,
    /// Small, since the limit it waits for is one per second.
    pub throttle_backoff_max: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            attempts_max: 200,
            garbled_attempts_max: 6,
            patience: Duration::from_secs(15 * 60),
            retry_after_max: Duration::from_secs(5 * 60),
            backoff_first: Duration::from_millis(500),
            backoff_max: Duration::from_secs(60),
            throttle_backoff_first: Duration::from_secs(1),
            throttle_backoff_max: Duration::from_secs(8),
        }
    }
}

impl Policy {
    /// Decides after the `attempt`-th attempt (the first is 1), `in_trouble` after the first one
    /// failed. `jitter` is drawn by the caller, evenly from `0.0..=1.0`.
    pub fn decide(&self, attempt: u32, in_trouble: Duration, outcome: Outcome, jitter: f64) -> Decision {
        let curve = self.backoff(self.backoff_first, self.backoff_max, attempt, jitter);
        let (wait, attempts_max) = match outcome {
            Outcome::Success => return Decision::Done,
            Outcome::Permanent => return Decision::GiveUp,
            // A longer wait than asked for is still obedient; none at all would hammer.
            Outcome::Throttled { retry_after: None | Some(Duration::ZERO) } => {
                let wait = self.backoff(self.throttle_backoff_first, self.throttle_backoff_max, attempt, jitter);
                (wait, self.attempts_max)
            }
            // The server knows its limits better than a curve does.
            Outcome::Throttled { retry_after: Some(wait) } => (wait, self.attempts_max),
            Outcome::Unavailable { retry_after } => {
                (retry_after.unwrap_or(Duration::ZERO).max(curve), self.attempts_max)
            }
            Outcome::Garbled => (curve, self.attempts_max.min(self.garbled_attempts_max)),
        };
        let named = match outcome {
            Outcome::Throttled { retry_after } | Outcome::Unavailable { retry_after } => retry_after,
            Outcome::Success | Outcome::Garbled | Outcome::Permanent => None,
        };
        if attempt >= attempts_max
            || named.is_some_and(|named| named > self.retry_after_max)
            || in_trouble.saturating_add(wait) > self.patience
        {
            return Decision::GiveUp;
        }
        match outcome {
            Outcome::Throttled { .. } => Decision::PauseAllFor(wait),
            _ => Decision::RetryIn(wait),
        }
    }

    /// Half of the doubled wait for certain, the other half by chance: never at once, and not in
    /// step with others who failed at the same moment.
    fn backoff(&self, first: Duration, max: Duration, attempt: u32, jitter: f64) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        let whole = first.saturating_mul(1 << doublings).min(max);
        whole.mul_f64(0.5 + 0.5 * jitter.clamp(0.0, 1.0))
    }
}

/// What a `Retry-After` header asks for: seconds (fractions accepted) or an HTTP date. `None` for
/// what cannot be read, negative numbers included.
///
/// A date is compared with the `Date` header of the same answer, not with a clock of this machine,
/// which may be wrong.
pub fn retry_after(value: &str, date: Option<&str>) -> Option<Duration> {
    let value = value.trim();
    if let Ok(seconds) = value.parse::<f64>() {
        if !seconds.is_finite() || seconds < 0.0 {
            return None;
        }
        return Some(Duration::try_from_secs_f64(seconds).unwrap_or(RETRY_AFTER_CAP).min(RETRY_AFTER_CAP));
    }
    let until = DateTime::parse_from_rfc2822(value).ok()?;
    let now = DateTime::parse_from_rfc2822(date?.trim()).ok()?;
    Some((until - now).to_std().unwrap_or(Duration::ZERO).min(RETRY_AFTER_CAP))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NONE: Duration = Duration::ZERO;

    fn seconds(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    fn throttled(retry_after: Option<u64>) -> Outcome {
        Outcome::Throttled { retry_after: retry_after.map(seconds) }
    }

    #[test]
    fn retry_after_is_read_leniently() {
        let read = |value| retry_after(value, Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(read("2"), Some(seconds(2)));
        assert_eq!(read(" 120 "), Some(seconds(120)));
        assert_eq!(read("0"), Some(NONE));
        assert_eq!(read("1.5"), Some(Duration::from_millis(1500)));
        assert_eq!(read("86400"), Some(seconds(86_400)));
        assert_eq!(read("99999999999999999999999999"), Some(RETRY_AFTER_CAP));
        assert_eq!(read("Sun, 06 Nov 1994 08:50:37 GMT"), Some(seconds(60)));
        assert_eq!(read("Sun, 06 Nov 1994 08:00:00 GMT"), Some(NONE));
        for unreadable in ["", "-1", "soon", "NaN", "inf", "1e999", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(read(unreadable), None, "{unreadable:?}");
        }
        assert_eq!(retry_after("Sun, 06 Nov 1994 08:50:37 GMT", None), None);
    }

    #[test]
    fn a_named_wait_is_kept_to_and_holds_for_everybody() {
        let policy = Policy::default();
        assert_eq!(policy.decide(1, NONE, throttled(Some(7)), 0.3), Decision::PauseAllFor(seconds(7)));
        assert_eq!(policy.decide(9, NONE, throttled(Some(300)), 0.3), Decision::PauseAllFor(seconds(300)));
        assert_eq!(policy.decide(1, NONE, throttled(Some(301)), 0.3), Decision::GiveUp);
    }

    #[test]
    fn a_429_without_a_usable_time_waits_a_second_and_then_longer() {
        let policy = Policy::default();
        for retry_after in [None, Some(0)] {
            assert_eq!(policy.decide(1, NONE, throttled(retry_after), 1.0), Decision::PauseAllFor(seconds(1)));
            assert_eq!(policy.decide(3, NONE, throttled(retry_after), 1.0), Decision::PauseAllFor(seconds(4)));
            assert_eq!(policy.decide(30, NONE, throttled(retry_after), 1.0), Decision::PauseAllFor(seconds(8)));
        }
    }

    #[test]
    fn an_unavailable_server_is_given_the_longer_of_its_wish_and_the_curve() {
        let policy = Policy::default();
        let wish = |s| Outcome::Unavailable { retry_after: Some(seconds(s)) };
        assert_eq!(policy.decide(1, NONE, wish(30), 1.0), Decision::RetryIn(seconds(30)));
        assert_eq!(policy.decide(20, NONE, wish(1), 1.0), Decision::RetryIn(seconds(60)));
        assert_eq!(policy.decide(1, NONE, wish(301), 1.0), Decision::GiveUp);
    }

    #[test]
    fn senseless_answers_are_retried_a_few_times_only_and_refusals_never() {
        let policy = Policy::default();
        assert!(matches!(policy.decide(5, NONE, Outcome::Garbled, 0.0), Decision::RetryIn(_)));
        assert_eq!(policy.decide(6, NONE, Outcome::Garbled, 0.0), Decision::GiveUp);
        assert_eq!(policy.decide(1, NONE, Outcome::Permanent, 0.0), Decision::GiveUp);
        assert_eq!(policy.decide(1, NONE, Outcome::Success, 0.0), Decision::Done);
    }

    /// The waits of a request that fails at once each time, until it is given up.
    fn outage(policy: &Policy, jitter: f64) -> Vec<Duration> {
        let (mut waits, mut elapsed) = (Vec::new(), NONE);
        while let Decision::RetryIn(wait) =
            policy.decide(waits.len() as u32 + 1, elapsed, Outcome::Unavailable { retry_after: None }, jitter)
        {
            waits.push(wait);
            elapsed += wait;
        }
        waits
    }

    proptest! {
        #[test]
        fn ten_minutes_of_outage_are_outlived_with_few_requests(jitter in 0.0..=1.0) {
            let waits = outage(&Policy::default(), jitter);
            let elapsed: Duration = waits.iter().sum();
            prop_assert!(elapsed > seconds(12 * 60) && elapsed <= seconds(15 * 60), "{elapsed:?}");
            prop_assert!(waits.len() < 60, "{} requests", waits.len());
            prop_assert!(waits.iter().all(|wait| *wait >= Duration::from_millis(250) && *wait <= seconds(60)));
        }

        #[test]
        fn every_wait_is_bounded(
            attempt in 1u32.., troubled in 0u64..2_000, named in prop::option::of(0u64..1_000_000), jitter: f64,
        ) {
            let policy = Policy::default();
            let retry_after = named.map(seconds);
            for outcome in [
                Outcome::Throttled { retry_after }, Outcome::Unavailable { retry_after }, Outcome::Garbled,
            ] {
                match policy.decide(attempt, seconds(troubled), outcome, jitter) {
                    Decision::RetryIn(wait) | Decision::PauseAllFor(wait) => {
                        prop_assert!(attempt < policy.attempts_max);
                        prop_assert!(wait > NONE && seconds(troubled) + wait <= policy.patience);
                        prop_assert!(outcome == Outcome::Garbled || wait >= retry_after.unwrap_or(NONE));
                    }
                    Decision::GiveUp => {}
                    Decision::Done => prop_assert!(false, "a failure is not done"),
                }
            }
        }

        #[test]
        fn any_header_is_survived(value: String, date: Option<String>) {
            prop_assert!(retry_after(&value, date.as_deref()).is_none_or(|wait| wait <= RETRY_AFTER_CAP));
        }
    }
}
