//! The simulator's idea of now. It never reads a clock itself: the caller hands one in.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, Utc};

/// Tells the time; cheap to clone, all clones agree.
#[derive(Clone)]
pub struct Clock {
    source: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    pinned: Arc<Mutex<Option<DateTime<Utc>>>>,
}

impl Clock {
    /// Stands still at this instant until [`Clock::set`] moves it.
    pub fn fixed(instant: DateTime<Utc>) -> Self {
        Self::from_fn(move || instant)
    }

    /// Asks the function each time.
    pub fn from_fn(source: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self { source: Arc::new(source), pinned: Arc::default() }
    }

    /// Stands still at this instant from now on, for all clones.
    pub fn set(&self, instant: DateTime<Utc>) {
        *self.pinned.lock().unwrap_or_else(PoisonError::into_inner) = Some(instant);
    }

    pub fn now(&self) -> DateTime<Utc> {
        let pinned = *self.pinned.lock().unwrap_or_else(PoisonError::into_inner);
        pinned.unwrap_or_else(|| (self.source)())
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_move_together() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        let clock = Clock::fixed(at("2026-01-01T00:00:00Z"));
        let clone = clock.clone();
        assert_eq!(clone.now(), at("2026-01-01T00:00:00Z"));
        clock.set(at("2026-01-05T00:00:00Z"));
        assert_eq!(clone.now(), at("2026-01-05T00:00:00Z"));
    }
}
