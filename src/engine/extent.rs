//! How far a listing of calls has come and where it ends. The listing itself and whoever cuts it agree
//! on that here, each at its own time.

use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::calendar::DateRange;

/// The extent of one listing.
#[derive(Debug)]
pub(super) struct Extent {
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy)]
struct State {
    from: DateTime<Utc>,
    /// Where it stops.
    to: DateTime<Utc>,
    /// What Gong is asked for reaches this far: further than `to` where it was cut, so that what is announced
    /// before and behind the cut adds up.
    asked_to: DateTime<Utc>,
    /// Up to `asked_to`; `None` before the first page, or without a number on it.
    announced: Option<u64>,
    /// How many records that may be, as long as it is not announced.
    expected: Option<u64>,
    /// How many of them may be behind `to`.
    behind: u64,
    /// Records before `to`.
    fetched: u64,
    /// The start of the newest call so far.
    seen_to: DateTime<Utc>,
    /// Whether it waits for a page.
    is_asking: bool,
    /// Whether it has ended, and where it stops is settled.
    is_over: bool,
}

impl State {
    /// About how many records it brings; `None` when that is not known.
    fn records(&self) -> Option<u64> {
        self.announced.or(self.expected).map(|all| all.saturating_sub(self.behind).max(self.fetched))
    }
}

impl Extent {
    /// All of `window`.
    pub(super) fn new(window: DateRange) -> Self {
        let (from, to) = (window.from(), window.to());
        Self::of(State {
            from,
            to,
            asked_to: to,
            announced: None,
            expected: None,
            behind: 0,
            fetched: 0,
            seen_to: from,
            is_asking: false,
            is_over: false,
        })
    }

    fn of(state: State) -> Self {
        Self { state: Mutex::new(state) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is a few assignments, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the listing begins and stops.
    pub(super) fn window(&self) -> DateRange {
        let State { from, to, .. } = *self.state();
        DateRange::new(from, to).expect("a cut leaves something before it")
    }

    /// What to ask for: at first as far as what was announced before reaches; when begun anew, no more than it
    /// has to bring.
    pub(super) fn begin(&self, anew: bool) -> DateRange {
        let mut state = self.state();
        if anew {
            *state = State { asked_to: state.to, announced: None, expected: state.records(), behind: 0, ..*state };
        }
        *state = State { fetched: 0, seen_to: state.from, ..*state };
        DateRange::new(state.from, state.asked_to).expect("no window is empty")
    }

    /// Takes in what the first page announced for all that was asked for.
    pub(super) fn announce(&self, records: Option<u64>) {
        self.state().announced = records;
    }

    /// Takes in a page; `read` is told where the listing stops, which stays so until it returns the number
    /// of records before that and the start of the newest call. The span of which all calls have come by this
    /// page.
    pub(super) fn page<E>(
        &self,
        read: impl FnOnce(DateTime<Utc>) -> Result<(u64, Option<DateTime<Utc>>), E>,
    ) -> Result<Option<DateRange>, E> {
        let mut state = self.state();
        let (fetched, newest) = read(state.to)?;
        state.fetched += fetched;
        let before = state.seen_to;
        state.seen_to = newest.map_or(before, |newest| before.max(newest));
        Ok(DateRange::new(before, state.seen_to))
    }

    /// Whether everything before its end has come, in a listing that goes on behind it.
    pub(super) fn is_passed(&self) -> bool {
        let state = self.state();
        state.to < state.asked_to && state.seen_to >= state.to
    }

    /// Settles where it has stopped.
    pub(super) fn end(&self) -> DateRange {
        self.state().is_over = true;
        self.window()
    }

    /// Notes whether it waits for a page.
    pub(super) fn asks(&self, is_asking: bool) {
        self.state().is_asking = is_asking;
    }

    /// Whether it waits for a page; not while it waits for its turn with what it has.
    pub(super) fn is_asking(&self) -> bool {
        self.state().is_asking
    }

    /// Whether it has begun, has not ended, and does not wait for a page.
    pub(super) fn is_held_up(&self) -> bool {
        let state = self.state();
        state.fetched > 0 && !state.is_asking && !state.is_over
    }

    /// How many records it has brought.
    pub(super) fn fetched(&self) -> u64 {
        self.state().fetched
    }

    /// About how many records it brings, as far as is known.
    pub(super) fn records(&self) -> u64 {
        let state = self.state();
        state.records().unwrap_or(state.fetched)
    }

    /// The span in which calls are still to come and about how many of them; `None` when that is not known, or
    /// nothing is to come.
    pub(super) fn rest(&self) -> Option<(DateRange, u64)> {
        let state = self.state();
        let all = state.records().filter(|_| !state.is_over)?;
        Some((DateRange::new(state.seen_to, state.to)?, all - state.fetched))
    }

    /// Lets the listing stop at `at` and returns what is left to another one, which may have `records`; `None`
    /// when it has come further meanwhile.
    pub(super) fn cut(&self, at: DateTime<Utc>, records: u64) -> Option<Self> {
        let mut state = self.state();
        if at <= state.seen_to || at >= state.to || state.is_over {
            return None;
        }
        let expected = Some(records + state.behind);
        let rest = State { from: at, announced: None, expected, fetched: 0, seen_to: at, is_asking: false, ..*state };
        *state = State { to: at, behind: records + state.behind, ..*state };
        Some(Self::of(rest))
    }

    /// Learns how many records are behind its end, if the listing that follows was told.
    pub(super) fn learn_from(&self, following: &Self) {
        let State { from, asked_to, announced, .. } = *following.state();
        let mut state = self.state();
        if let Some(behind) = announced.filter(|_| from == state.to && asked_to == state.asked_to) {
            state.behind = behind;
        }
    }

    /// How many records were announced before the cut where it ends, when the listing behind that announced so
    /// many for what it was asked for; `None` where it was not cut, or that does not tell.
    pub(super) fn announced_before(&self, behind: DateRange, announced_behind: Option<u64>) -> Option<u64> {
        let State { to, asked_to, announced, .. } = *self.state();
        let joins = to < asked_to && behind.from() == to && behind.to() == asked_to;
        announced.zip(announced_behind.filter(|_| joins)).map(|(all, behind)| all.saturating_sub(behind))
    }

    /// The number announced, where it is for this listing alone.
    pub(super) fn announced(&self) -> Option<u64> {
        let State { to, asked_to, announced, .. } = *self.state();
        announced.filter(|_| to == asked_to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn range(from: i64, to: i64) -> DateRange {
        DateRange::new(at(from), at(to)).unwrap()
    }

    /// An extent from 0 to 100 with 50 records, of which 20 came, up to 40.
    fn listed() -> Extent {
        let extent = Extent::new(range(0, 100));
        assert_eq!(extent.begin(false), range(0, 100));
        assert_eq!(extent.rest(), None, "nothing is known before the first page");
        extent.announce(Some(50));
        assert_eq!(extent.page(|_| Ok::<_, ()>((20, Some(at(40))))), Ok(Some(range(0, 40))));
        extent
    }

    #[test]
    fn a_cut_leaves_the_rest_to_another_listing() {
        let extent = listed();
        assert_eq!((extent.rest(), extent.records()), (Some((range(40, 100), 30)), 50));
        assert!(extent.cut(at(40), 1).is_none() && extent.cut(at(100), 1).is_none(), "nothing would be left");
        let rest = extent.cut(at(60), 18).unwrap();
        assert_eq!((rest.window(), rest.begin(false), rest.records()), (range(60, 100), range(60, 100), 18));
        assert_eq!((extent.window(), extent.rest()), (range(0, 60), Some((range(40, 60), 12))));
        assert!(!extent.is_passed());
        extent.page(|to| Ok::<_, ()>((u64::from(to == at(60)), Some(at(60))))).unwrap();
        assert!(extent.is_passed());
        assert_eq!(extent.fetched(), 21);
    }

    #[test]
    fn what_was_cut_may_be_cut_again() {
        let extent = listed();
        let last = extent.cut(at(80), 8).unwrap();
        let middle = extent.cut(at(60), 10).unwrap();
        assert_eq!((extent.window(), extent.rest()), (range(0, 60), Some((range(40, 60), 12))));
        assert_eq!((middle.window(), middle.rest()), (range(60, 80), Some((range(60, 80), 10))));
        assert_eq!(middle.begin(false), range(60, 100), "so that what is announced adds up");
        middle.announce(Some(17));
        extent.learn_from(&last);
        assert_eq!(extent.rest(), Some((range(40, 60), 12)), "it is not the one that follows");
        extent.learn_from(&middle);
        assert_eq!(extent.rest(), Some((range(40, 60), 13)));
        assert_eq!(extent.announced_before(range(60, 100), Some(17)), Some(33));
        assert_eq!(middle.announced_before(range(80, 100), Some(7)), Some(10));
        assert_eq!((last.window(), last.records()), (range(80, 100), 8));
    }

    #[test]
    fn what_is_over_is_not_cut() {
        let extent = listed();
        assert_eq!(extent.end(), range(0, 100));
        assert!(extent.rest().is_none() && extent.cut(at(60), 1).is_none());
    }

    #[test]
    fn what_is_announced_before_a_cut_is_known_from_what_is_announced_behind_it() {
        let extent = listed();
        assert_eq!((extent.announced(), extent.announced_before(range(100, 200), Some(1))), (Some(50), None));
        extent.cut(at(60), 18).unwrap();
        assert_eq!(extent.announced(), None);
        assert_eq!(extent.announced_before(range(60, 100), Some(29)), Some(21));
        assert_eq!(extent.announced_before(range(60, 100), None), None);
        assert_eq!(extent.announced_before(range(60, 80), Some(29)), None, "it was begun anew and asks for less");
    }

    #[test]
    fn begun_anew_it_asks_for_no_more_than_it_has_to_bring() {
        let extent = listed();
        extent.cut(at(60), 18).unwrap();
        assert_eq!(extent.begin(false), range(0, 100));
        assert_eq!((extent.begin(true), extent.rest()), (range(0, 60), Some((range(0, 60), 32))));
        extent.announce(Some(30));
        assert_eq!((extent.announced(), extent.rest()), (Some(30), Some((range(0, 60), 30))));
    }
}
