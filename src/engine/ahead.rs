//! How far the transcripts may be ahead of the encoder, by what their answers weigh: how long a call was is
//! not known before its transcript is there, and they are the largest answers of all.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

use super::transcripts::{ANSWER_BYTES_MAX, IDS_MAX};

/// Requests for transcripts under way at once: one more than the rate limit lets be under way, within these
/// bounds.
const UNDER_WAY: RangeInclusive<usize> = 2..=12;

/// Bytes of answers that are to come or were received and are not encoded yet.
const BYTES_AHEAD: usize = 2 * ANSWER_BYTES_MAX;

/// What is ahead of the encoder, and what may be expected of answers to come.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    recent: Option<Recent>,
    held: Arc<Held>,
}

/// What the latest answers weighed.
#[derive(Debug, Clone, Copy)]
struct Recent {
    /// A recent answer at its largest: it counts at once, and is forgotten slowly.
    answer_bytes: usize,
    /// Bytes and calls of the latest answers; each counts half as much as the one after it.
    bytes: f64,
    calls: f64,
}

/// Bytes of answers that were received and are not encoded yet.
#[derive(Debug, Default)]
struct Held {
    bytes: AtomicUsize,
    freed: Notify,
}

/// The weight of an answer, as long as it is held.
#[derive(Debug)]
pub(super) struct Weight {
    bytes: usize,
    held: Arc<Held>,
}

impl Drop for Weight {
    fn drop(&mut self) {
        self.held.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.held.freed.notify_one();
    }
}

impl Ahead {
    /// Whether one more request may be sent while `under_way` are; of those, the rate limit lets
    /// `limit` be under way.
    pub(super) fn has_room(&self, under_way: usize, limit: usize) -> bool {
        let (least, most) = UNDER_WAY.into_inner();
        let Some(recent) = self.recent else { return under_way < least };
        let fits = self.fits(recent, under_way) || (self.held_bytes() == 0 && under_way == 0);
        fits && under_way < limit.saturating_add(1).clamp(least, most)
    }

    /// Whether the rest of what was answered last may be asked for, which all that is `under_way` has to come
    /// after.
    pub(super) fn has_room_for_rest(&self, under_way: usize) -> bool {
        self.held_bytes() == 0 || self.recent.is_none_or(|recent| self.fits(recent, under_way))
    }

    fn fits(&self, recent: Recent, under_way: usize) -> bool {
        let expected = recent.answer_bytes.saturating_mul(under_way + 1);
        self.held_bytes().saturating_add(expected) <= BYTES_AHEAD
    }

    fn held_bytes(&self) -> usize {
        self.held.bytes.load(Ordering::Relaxed)
    }

    /// Waits until an answer is held no longer.
    pub(super) fn freed(&self) -> impl Future<Output = ()> + use<> {
        let held = Arc::clone(&self.held);
        async move { held.freed.notified().await }
    }

    /// Of how many calls the transcripts may be asked for at once, so that the answer is no larger than it
    /// may be.
    pub(super) fn ids_max(&self) -> usize {
        let Some(Recent { bytes, calls, .. }) = self.recent.filter(|recent| recent.bytes > 0.0) else {
            return IDS_MAX;
        };
        // Some are longer than those before.
        let ids = ANSWER_BYTES_MAX as f64 * 0.9 * calls / bytes;
        (ids as usize).clamp(1, IDS_MAX)
    }

    /// Takes in an answer with the transcripts of `calls`.
    pub(super) fn received(&mut self, bytes: usize, calls: usize) -> Weight {
        let before = self.recent.unwrap_or(Recent { answer_bytes: 0, bytes: 0.0, calls: 0.0 });
        self.recent = Some(Recent {
            answer_bytes: bytes.max(before.answer_bytes - before.answer_bytes / 8),
            bytes: before.bytes / 2.0 + bytes as f64,
            calls: before.calls / 2.0 + calls as f64,
        });
        self.held.bytes.fetch_add(bytes, Ordering::Relaxed);
        Weight { bytes, held: Arc::clone(&self.held) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: usize = 1 << 20;

    #[test]
    fn as_many_are_under_way_as_the_limit_lets() {
        let mut ahead = Ahead::default();
        assert!(ahead.has_room(1, 6) && !ahead.has_room(2, 6), "before the first answer");
        drop(ahead.received(2 * MB, 100));
        assert!(ahead.has_room(6, 6) && !ahead.has_room(7, 6) && !ahead.has_room(12, usize::MAX));
        assert_eq!(ahead.ids_max(), 100);
    }

    #[test]
    fn large_answers_come_one_by_one() {
        let mut ahead = Ahead::default();
        let first = ahead.received(ANSWER_BYTES_MAX, 100);
        assert!(ahead.has_room(0, 6) && !ahead.has_room(1, 6));
        let second = ahead.received(ANSWER_BYTES_MAX, 90);
        assert!(!ahead.has_room(0, 6) && !ahead.has_room_for_rest(0), "two are held");
        drop(first);
        assert!(ahead.has_room(0, 6) && ahead.has_room_for_rest(0) && !ahead.has_room_for_rest(1));
        drop(second);
        assert!(ahead.has_room_for_rest(3), "what is under way waits for it");
        assert!(ahead.has_room(1, 6) && !ahead.has_room(2, 6));
        drop(ahead.received(10 * ANSWER_BYTES_MAX, 1));
        assert!(ahead.has_room(0, 6), "something has to come, however large");
    }

    #[test]
    fn fewer_ids_are_asked_for_where_calls_are_long_and_soon_more_again() {
        let mut ahead = Ahead::default();
        ahead.received(3 * MB, 100);
        ahead.received(60 * MB, 1);
        let mut asked = vec![ahead.ids_max()];
        while asked.len() < 5 {
            let ids = ahead.ids_max();
            ahead.received(ids * 3 * MB / 100, ids);
            asked.push(ahead.ids_max());
        }
        assert!(asked[0] < 25 && asked.is_sorted() && asked[4] == 100, "{asked:?}");
    }
}
