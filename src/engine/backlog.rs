//! What has been fetched and is not visible yet: a run that is killed has fetched it in vain.
//!
//! Latency asks for a few requests that are under way at once, and nothing for more. So a listing
//! whose turn has come asks for its next page only as long as all that is not committed, with the
//! transcripts that are still to be asked for, stays within [`AGAIN_MAX`] requests or [`AGAIN_PART`]
//! of those sent. Where that leaves the encoder with nothing to do, a page is fetched nevertheless:
//! a partition larger than the bound has to become complete somehow. This holds however slow the
//! encoder or the destination are.
//!
//! Not bounded here: what long latency asks for, which is several listings side by side (see
//! [`window`]; at three requests a second and two thirds of a second or more). Then a kill costs the
//! pages of those ahead too, a [`window::piece`] each. Nor bytes (`bytes_channel`).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::plan::window::{self, PAGE_RECORDS};

/// Requests that a killed run may have sent in vain.
const AGAIN_MAX: u64 = 10;

/// Of a long run, this part of its requests.
const AGAIN_PART: u64 = 50;

/// Pages on their way to a partition that is larger: one that is encoded, one whose transcripts are
/// fetched. With the listing's next page that keeps the limit busy as long as one listing does.
const LARGE_ON_THE_WAY: usize = 2;

#[derive(Debug, Default)]
pub(super) struct Backlog {
    sums: Mutex<Sums>,
    changed: Notify,
}

/// All that is not committed, in pages of listings.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Sums {
    /// Fetched, their calls on the way to the encoder.
    on_the_way: usize,
    /// Too few calls yet to be sent on.
    collected: usize,
    /// Encoded into a partition that is not complete.
    encoded: usize,
    /// In partitions that are complete and become visible.
    committing: usize,
}

/// How far a listing may go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    /// Requests that a page stands for: its own, and that for the transcripts of its calls.
    pub(super) requests_per_page: u64,
    /// Sent so far by the run.
    pub(super) sent: u64,
    /// Listings that latency asks for side by side.
    pub(super) lanes: usize,
}

impl Sums {
    /// Whether one more page may be asked for.
    fn has_room(&self, bound: Bound) -> bool {
        if bound.lanes > 1 {
            // What was listed ahead comes all at once; its transcripts wait for turns that no listing wants.
            let piece = window::piece(bound.requests_per_page > 1).div_ceil(PAGE_RECORDS);
            return self.on_the_way < piece as usize * bound.lanes;
        }
        let again = |pages: usize| pages as u64 * bound.requests_per_page;
        let max = AGAIN_MAX.max(bound.sent / AGAIN_PART);
        if again(self.on_the_way + self.collected + self.encoded + self.committing + 1) <= max {
            return true;
        }
        // What is on its way comes to the encoder by itself; what is committed, too.
        let is_large = again(self.encoded + 1) > max;
        let on_the_way_max = if is_large { LARGE_ON_THE_WAY } else { 1 };
        self.committing == 0 && self.on_the_way < on_the_way_max
    }

    fn of(&mut self, stage: Stage) -> &mut usize {
        match stage {
            Stage::OnTheWay => &mut self.on_the_way,
            Stage::Collected => &mut self.collected,
            Stage::Encoded => &mut self.encoded,
            Stage::Committing => &mut self.committing,
        }
    }
}

impl Backlog {
    /// Waits until one more page may be asked for; `bound` is asked again at each change.
    pub(super) async fn room(&self, bound: impl Fn() -> Bound) {
        loop {
            // Registered before looking, so that no change in between is missed.
            let changed = self.changed.notified();
            if self.sums().has_room(bound()) {
                return;
            }
            changed.await;
        }
    }

    /// Enters a page that was fetched.
    pub(super) fn page(self: &Arc<Self>) -> Load {
        self.sums().on_the_way += 1;
        Load { backlog: Some(Arc::clone(self)), stage: Stage::OnTheWay }
    }

    fn sums(&self) -> MutexGuard<'_, Sums> {
        // Each change is a sum and the one it is taken from, neither of which panics.
        self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Stage {
    #[default]
    OnTheWay,
    Collected,
    Encoded,
    Committing,
}

/// A page's place in the backlog. It leaves it when this is dropped, wherever that is. The default one
/// counts for nothing.
#[derive(Debug, Default)]
pub(super) struct Load {
    backlog: Option<Arc<Backlog>>,
    stage: Stage,
}

impl Load {
    pub(super) fn is_now(&mut self, stage: Stage) {
        if let Some(backlog) = &self.backlog {
            let mut sums = backlog.sums();
            *sums.of(self.stage) -= 1;
            *sums.of(stage) += 1;
            drop(sums);
            backlog.changed.notify_waiters();
        }
        self.stage = stage;
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        if let Some(backlog) = &self.backlog {
            *backlog.sums().of(self.stage) -= 1;
            backlog.changed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::time::Duration;

    fn bound() -> Bound {
        Bound { requests_per_page: 2, sent: 0, lanes: 1 }
    }

    async fn has_room(backlog: &Backlog) -> bool {
        tokio::time::timeout(Duration::from_secs(1), backlog.room(bound)).await.is_ok()
    }

    #[tokio::test(start_paused = true)]
    async fn an_encoder_that_lags_holds_the_listing_back() {
        let backlog = Arc::new(Backlog::default());
        let mut loads: Vec<_> = (0..5).map(|_| backlog.page()).collect();
        assert!(!has_room(&backlog).await, "ten requests");
        loads.pop();
        assert!(has_room(&backlog).await, "eight");
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_learns_of_room() {
        let backlog = Arc::new(Backlog::default());
        let mut loads: Vec<_> = (0..5).map(|_| backlog.page()).collect();
        loads.iter_mut().for_each(|load| load.is_now(Stage::Committing));
        let committed = async { loads.clear() };
        let (has_room, ()) = tokio::join!(has_room(&backlog), committed);
        assert!(has_room);
    }

    #[test]
    fn a_partition_larger_than_the_bound_goes_on_nevertheless() {
        let has_room = |on_the_way, committing| {
            let sums = Sums { on_the_way, collected: 1, encoded: 70, committing };
            sums.has_room(bound())
        };
        assert!(has_room(1, 0) && !has_room(2, 0) && !has_room(0, 1));
    }

    #[test]
    fn a_long_run_may_have_more() {
        let sums = Sums { committing: 8, ..Sums::default() };
        assert!(!sums.has_room(bound()) && sums.has_room(Bound { sent: 1_000, ..bound() }));
    }

    #[test]
    fn windows_side_by_side_pass_on_whole() {
        let sums = |on_the_way| Sums { on_the_way, ..Sums::default() };
        assert!(!sums(13).has_room(bound()) && sums(13).has_room(Bound { lanes: 2, ..bound() }));
        assert!(!sums(14).has_room(Bound { lanes: 2, ..bound() }), "nor is the whole account held in memory");
    }

    proptest! {
        /// Whatever takes how long: small partitions stay within the bound, and nothing stands still.
        #[test]
        fn little_is_fetched_in_vain(pages_of in prop::collection::vec(1usize..4, 1..30), picks in prop::collection::vec(0usize..3, 0..400)) {
            let (mut sums, mut partition, mut fetched) = (Sums::default(), 0, 0);
            let mut commits = Vec::new();
            let total: usize = pages_of.iter().sum();
            let mut picks = picks.into_iter().chain((0..3).cycle());
            for _ in 0..20_000 {
                match picks.next() {
                    Some(0) if fetched < total && sums.has_room(bound()) => {
                        sums.on_the_way += 1;
                        fetched += 1;
                    }
                    Some(1) if sums.on_the_way > 0 => {
                        sums.on_the_way -= 1;
                        sums.encoded += 1;
                        if sums.encoded == pages_of[partition] {
                            commits.push(std::mem::take(&mut sums.encoded));
                            sums.committing += pages_of[partition];
                            partition += 1;
                        }
                    }
                    Some(2) => sums.committing -= commits.pop().unwrap_or_default(),
                    _ => {}
                }
                let all = sums.on_the_way + sums.collected + sums.encoded + sums.committing;
                prop_assert!(all as u64 * 2 <= AGAIN_MAX, "{sums:?}");
            }
            prop_assert_eq!((fetched, sums), (total, Sums::default()));
        }
    }
}
