//! `--every`: how often a watched job runs. Pure.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A year; more is a slip of the finger.
const SECONDS_MAX: u64 = 366 * 86_400;

/// From the begin of one run to the begin of the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Every {
    seconds: u64,
}

impl Every {
    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Why a text is no interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EveryError {
    #[error("write a whole number and its unit, s, m, h or d, as in 30s, 5m, 2h or 1d")]
    NotUnderstood,
    #[error("the least is 1s")]
    TooShort,
    #[error("the most is 366d")]
    TooLong,
}

impl FromStr for Every {
    type Err = EveryError;

    fn from_str(text: &str) -> Result<Self, EveryError> {
        let (digits, unit) = match text.char_indices().next_back() {
            Some((end, 's')) => (&text[..end], 1),
            Some((end, 'm')) => (&text[..end], 60),
            Some((end, 'h')) => (&text[..end], 3_600),
            Some((end, 'd')) => (&text[..end], 86_400),
            Some(_) | None => return Err(EveryError::NotUnderstood),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(EveryError::NotUnderstood);
        }
        // Only digits, so that all that can fail is the size.
        let number: u64 = digits.parse().map_err(|_| EveryError::TooLong)?;
        match number.checked_mul(unit) {
            Some(0) => Err(EveryError::TooShort),
            Some(seconds) if seconds <= SECONDS_MAX => Ok(Self { seconds }),
            Some(_) | None => Err(EveryError::TooLong),
        }
    }
}

/// In the largest unit that fits.
impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, letter) = [(86_400, 'd'), (3_600, 'h'), (60, 'm')]
            .into_iter()
            .find(|(unit, _)| self.seconds.is_multiple_of(*unit))
            .unwrap_or((1, 's'));
        write!(f, "{}{letter}", self.seconds / unit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_unit_is_understood() {
        let seconds = |text: &str| text.parse::<Every>().map(|every| every.duration().as_secs());
        assert_eq!(
            ["1s", "30s", "5m", "2h", "1d", "366d"].map(seconds),
            [1, 30, 300, 7_200, 86_400, 31_622_400].map(Ok)
        );
        for text in ["", "s", "5", "5 m", "-5m", "+5m", "1.5h", "5M", "m5", "5min", "1h30m", "٥m", "5µ"] {
            assert_eq!(seconds(text), Err(EveryError::NotUnderstood), "{text}");
        }
        assert_eq!(seconds("0s"), Err(EveryError::TooShort));
        for text in ["367d", "99999999999999999999999s", "18446744073709551615d"] {
            assert_eq!(seconds(text), Err(EveryError::TooLong), "{text}");
        }
    }

    #[test]
    fn it_is_shown_as_one_would_write_it() {
        for (text, shown) in [("90s", "90s"), ("60s", "1m"), ("120m", "2h"), ("48h", "2d"), ("25h", "25h")] {
            assert_eq!(text.parse::<Every>().map(|every| every.to_string()).as_deref(), Ok(shown));
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_is_understood(seconds in 1..=SECONDS_MAX) {
            let every = Every { seconds };
            prop_assert_eq!(every.to_string().parse(), Ok(every));
        }

        #[test]
        fn no_text_makes_it_panic(text in "[0-9]{0,25}\\PC{0,3}") {
            let _ = text.parse::<Every>();
        }
    }
}
