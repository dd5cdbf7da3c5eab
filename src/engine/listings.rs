//! Which listings go on side by side, and where they are cut; [`window`] has the reasons.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, Utc};
use tokio::task::JoinHandle;
use tracing::debug;

use super::bytes_channel;
use super::call_listing::{self, Listed, Part, Purpose};
use super::context::Context;
use super::extent::Extent;
use super::unit_error::UnitError;
use crate::calendar::DateRange;
use crate::plan::{CallPlan, window};

/// Bytes of calls that listings ahead of the first may hold, all together.
const BYTES_AHEAD: usize = 32 << 20;

/// The last requests of a run: as many as it takes to complete what was listed ahead where as much of that
/// is held as may be.
const LAST_REQUESTS: u64 = 200;

/// All listings of a run that have not been passed on, in order of time.
pub(super) struct Listings {
    context: Arc<Context>,
    plan: Arc<CallPlan>,
    queue: VecDeque<Entry>,
    /// Records of those that have been passed on.
    passed_on: u64,
    /// How often one was cut.
    cuts: u64,
}

struct Entry {
    extent: Arc<Extent>,
    purpose: Purpose,
    /// `None` as long as it waits.
    under_way: Option<UnderWay>,
}

/// A listing that goes on, or has ended and was not passed on yet.
#[derive(Debug)]
pub(super) struct UnderWay {
    /// Tells it that it is the first.
    turn: Arc<AtomicBool>,
    /// A part that was put back.
    first: Option<Part>,
    parts: bytes_channel::Receiver<Part>,
    pub(super) task: JoinHandle<Result<Listed, UnitError>>,
}

impl UnderWay {
    /// `None` when it has ended.
    pub(super) async fn next_part(&mut self) -> Option<Part> {
        match self.first.take() {
            Some(part) => Some(part),
            None => self.parts.recv().await,
        }
    }
}

impl Listings {
    pub(super) fn new(context: Arc<Context>, plan: Arc<CallPlan>) -> Self {
        let mut listings = Self { context, plan, queue: VecDeque::new(), passed_on: 0, cuts: 0 };
        for window in listings.plan.windows.clone().into_iter().rev() {
            listings.put_before(window, Purpose::Planned);
        }
        listings
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// The first one, begun if it was not, and told that it is its turn.
    pub(super) fn first(&mut self) -> &mut UnderWay {
        self.start(0);
        let first = self.queue.front_mut().and_then(|entry| entry.under_way.as_mut());
        let first = first.expect("asked for only while there are listings");
        first.turn.store(true, Ordering::Relaxed);
        first
    }

    /// Takes the first one off, which has ended.
    pub(super) fn take_first(&mut self) -> (Arc<Extent>, UnderWay) {
        self.start(0);
        let entry = self.queue.pop_front().expect("asked for only while there are listings");
        self.passed_on += entry.extent.fetched();
        (entry.extent, entry.under_way.expect("it was begun"))
    }

    /// Lets the first one give this part once more.
    pub(super) fn put_back(&mut self, part: Part) {
        self.first().first = Some(part);
    }

    /// Lets another one be the first.
    pub(super) fn put_before(&mut self, window: DateRange, purpose: Purpose) {
        self.queue.push_front(Entry { extent: Arc::new(Extent::new(window)), purpose, under_way: None });
    }

    /// Whether as many wait for a page as latency asks for.
    pub(super) fn is_wide(&self) -> bool {
        // The last requests of a budget that ends the run complete what was listed before.
        if self.context.client.requests_left() < self.requests_needed().min(LAST_REQUESTS) {
            return true;
        }
        let lanes = self.context.lanes(self.plan.transcripts);
        // Where the first listing waits for what comes after it, latency is not what holds the run up.
        let is_held_up = self.queue.front().is_some_and(|first| first.extent.is_held_up());
        lanes <= 1 || is_held_up || self.queue.iter().filter(|entry| entry.extent.is_asking()).count() >= lanes
    }

    /// Finds something to ask for in a turn that nobody claims: cuts the first listing if it is long, since what
    /// was listed ahead waits for it; begins one that waits; cuts the one with the most records still to come.
    /// `false` when there is none.
    pub(super) fn widen(&mut self) -> bool {
        self.learn();
        let first = self.queue.front().and_then(|first| first.extent.rest());
        if let Some((rest, records)) = first
            && records >= 2 * window::piece(self.plan.transcripts)
            && self.cut_and_start(0, rest, records)
        {
            return true;
        }
        if self.begun().count() >= window::LANES_MAX {
            return false;
        }
        if let Some(place) = self.queue.iter().position(|entry| entry.under_way.is_none()) {
            self.start(place);
            return true;
        }
        self.longest().is_some_and(|(place, rest, records)| self.cut_and_start(place, rest, records))
    }

    /// Those that were begun, with their places.
    fn begun(&self) -> impl Iterator<Item = (usize, &Entry)> {
        self.queue.iter().enumerate().filter(|(_, entry)| entry.under_way.is_some())
    }

    /// Lets each know how many records are behind it by now, so that those left to it are not only guessed.
    fn learn(&self) {
        for (entry, following) in self.queue.iter().zip(self.queue.iter().skip(1)) {
            entry.extent.learn_from(&following.extent);
        }
    }

    /// Cuts the first listing when it has gone on for long, so that it ends before its cursor does; and the
    /// last ones, where one would end after everything else.
    pub(super) fn cut_long_ones(&mut self) {
        let Some(first) = self.queue.front() else { return };
        if first.extent.fetched() >= window::LISTING_RECORDS_MAX
            && let Some((rest, records)) = first.extent.rest()
            && let Some(edge) = window::next_edge(rest, &self.plan.partitions, self.context.job.zone)
        {
            let before = self.context.density(|density| density.before(edge, rest, records)).round() as u64;
            self.cut_at(0, edge, records.saturating_sub(before));
        }
        self.learn();
        let needed = self.requests_needed();
        if needed <= LAST_REQUESTS
            && !self.is_wide()
            && let Some((place, rest, records)) = self.longest()
            && self.context.ends_last(records, needed)
        {
            self.cut_and_start(place, rest, records);
        }
    }

    /// The listing with the most records to come: its place, where they are and how many.
    fn longest(&self) -> Option<(usize, DateRange, u64)> {
        self.begun()
            .filter_map(|(place, entry)| entry.extent.rest().map(|(window, records)| (place, window, records)))
            .max_by_key(|(.., records)| *records)
    }

    /// Cuts a listing as far as cuts may be afforded, and begins what is behind the cut.
    fn cut_and_start(&mut self, place: usize, rest: DateRange, records: u64) -> bool {
        let is_cut =
            self.cuts < window::cuts_max(self.records(), self.plan.transcripts) && self.cut(place, rest, records);
        if is_cut {
            self.start(place + 1);
        }
        is_cut
    }

    /// Cuts a listing that has `records` to come in `rest`, so that it goes on for a piece. `false` when it is
    /// too short for that.
    fn cut(&mut self, place: usize, rest: DateRange, records: u64) -> bool {
        let Some(keep) = window::keep(records, self.plan.transcripts) else { return false };
        let (partitions, zone) = (&self.plan.partitions, self.context.job.zone);
        let cut = self.context.density(|density| window::cut(rest, records, keep, density, partitions, zone));
        cut.is_some_and(|cut| self.cut_at(place, cut.at, records.saturating_sub(cut.before)))
    }

    /// Cuts a listing at `at`; what is behind it may have `records`. `false` when it has come too far, or must
    /// not be cut.
    fn cut_at(&mut self, place: usize, at: DateTime<Utc>, records: u64) -> bool {
        if self.context.are_calls_unordered() {
            return false;
        }
        let Some(entry) = self.queue.get(place) else { return false };
        let Some(behind) = entry.extent.cut(at, records) else { return false };
        debug!(before = %entry.extent.window(), behind = %behind.window(), records, "listing cut");
        self.cuts += 1;
        let behind = Entry { extent: Arc::new(behind), purpose: Purpose::CutOff, under_way: None };
        self.queue.insert(place + 1, behind);
        true
    }

    /// About how many records there are in all, as far as is known.
    fn records(&self) -> u64 {
        self.passed_on + self.queue.iter().map(|entry| entry.extent.records()).sum::<u64>()
    }

    /// About how many requests are still to be sent for them.
    fn requests_needed(&self) -> u64 {
        let pages = window::requests(self.records(), self.cuts);
        let all = if self.plan.transcripts { pages + self.records().div_ceil(window::PAGE_RECORDS) } else { pages };
        all.saturating_sub(self.context.client.usage().requests)
    }

    /// Begins the listing at this place, unless it was begun.
    fn start(&mut self, place: usize) {
        let Some(entry) = self.queue.get_mut(place).filter(|entry| entry.under_way.is_none()) else { return };
        let turn = Arc::new(AtomicBool::new(place == 0));
        let (sender, parts) = bytes_channel::channel(BYTES_AHEAD / window::LANES_MAX);
        let task = {
            let (context, plan) = (Arc::clone(&self.context), Arc::clone(&self.plan));
            let (extent, purpose, turn) = (Arc::clone(&entry.extent), entry.purpose, Arc::clone(&turn));
            tokio::spawn(async move { call_listing::list(&context, &plan, &extent, purpose, &turn, &sender).await })
        };
        entry.under_way = Some(UnderWay { turn, first: None, parts, task });
        // Inside of a partition all of it is held until it has ended, so it has to be short.
        if let Some((rest, records)) = entry.extent.rest()
            && records > 2 * window::piece(self.plan.transcripts)
            && !self.plan.begins_a_partition(rest.from(), self.context.job.zone)
        {
            self.cut(place, rest, records);
        }
    }
}
