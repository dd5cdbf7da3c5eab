//! One listing of calls: a window in, its calls out, sorted, each once, while pages still arrive.

use std::collections::{BTreeMap, HashMap};
use std::future;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::{DateTime, SecondsFormat, Utc};
use tracing::warn;

use super::backlog::Load;
use super::bytes_channel::{self, Weigh};
use super::context::{Context, WindowId};
use super::extent::Extent;
use super::pages::RESTARTS_MAX;
use super::partition_files::Origin;
use super::selection::LeftOut;
use super::unit_error::UnitError;
use super::{Event, Fetch};
use crate::calendar::DateRange;
use crate::gong::endpoint::{CallFilter, Request};
use crate::gong::model::{CallHead, Drift};
use crate::gong::{self, ErrorKind, Listing, Page};
use crate::plan::CallPlan;
use crate::state::run_record::{Counts, WindowRecord};

/// A call as a listing found it, not decoded further than its id and start.
#[derive(Debug)]
pub(super) struct ListedCall {
    /// In whole microseconds, as the files have it.
    pub(super) started: DateTime<Utc>,
    pub(super) id: String,
    pub(super) window: WindowId,
    page: Arc<Page>,
    index: usize,
}

impl ListedCall {
    /// The record as Gong sent it.
    pub(super) fn raw(&self) -> &str {
        self.page.record(self.index)
    }

    /// A call that only has its place in time.
    #[cfg(test)]
    pub(super) fn invented(id: &str, started: DateTime<Utc>) -> Self {
        let page = Page::parse(br#"{"records": {}, "calls": []}"#.to_vec(), "calls").unwrap();
        let window = WindowId::default();
        Self { started, id: id.to_owned(), window, page: Arc::new(page), index: 0 }
    }

    pub(super) fn reject(&self, context: &Context, reason: &str) {
        context.reject(&self.page, self.index, reason);
    }
}

/// What a listing tells while it goes on.
#[derive(Debug)]
pub(super) enum Part {
    /// It begins.
    Begins(Origin),
    /// It begins anew: what came before of its window is void.
    BeginsAnew(WindowId, Origin),
    /// Calls sorted by start, then id. None that starts before `to` comes after them.
    /// `withheld` are the starts of calls that Gong shows and the job keeps back.
    Calls { calls: Vec<ListedCall>, withheld: Vec<DateTime<Utc>>, to: DateTime<Utc>, load: Option<Load> },
}

impl Weigh for Part {
    fn weight(&self) -> usize {
        match self {
            Self::Begins(_) | Self::BeginsAnew(..) => 0,
            Self::Calls { calls, .. } => calls.iter().map(|call| call.raw().len()).sum(),
        }
    }
}

/// What a listing is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// A window of the plan.
    Planned,
    /// What was cut off from another listing.
    CutOff,
    /// A window once more whose calls are on their way already, and were not all there are.
    Again(WindowId),
}

/// A listing that has ended.
#[derive(Debug)]
pub(super) struct Listed {
    pub(super) id: WindowId,
}

/// Why a listing has to begin anew.
enum Interruption {
    Unit(UnitError),
    /// A call came that belongs before calls which are on their way already.
    Disorder,
}

impl<E: Into<UnitError>> From<E> for Interruption {
    fn from(error: E) -> Self {
        Self::Unit(error.into())
    }
}

/// Lists what is in `extent` and hands its calls on while pages arrive, oldest first as Gong lists them.
/// Should it list them in another order, the window is listed once more and sorted as a whole, and so are
/// all later ones. A listing whose cursor is refused begins anew, too. As soon as it is its `turn`, it
/// waits for room in the backlog. It may be cut at any time.
pub(super) async fn list(
    context: &Context,
    plan: &CallPlan,
    extent: &Extent,
    purpose: Purpose,
    turn: &AtomicBool,
    parts: &bytes_channel::Sender<Part>,
) -> Result<Listed, UnitError> {
    let window = extent.window();
    let id = match purpose {
        Purpose::Again(id) => id,
        Purpose::Planned | Purpose::CutOff => context.window(WindowRecord {
            fetch: Fetch::Calls.name().to_owned(),
            from: text(window.from()),
            to: text(window.to()),
            announced: None,
            counts: Counts::default(),
        }),
    };
    // Calls of a window that begins inside a partition cannot be taken back once they are on their
    // way: rows of an earlier window are in the same files. So they wait until all are there.
    let begins_a_partition = plan.begins_a_partition(window.from(), context.job.zone);
    let mut begins = 0;
    let mut passed_on = matches!(purpose, Purpose::Again(_));
    loop {
        begins += 1;
        let is_unordered = context.are_calls_unordered();
        let mut listing = CallListing {
            context,
            plan,
            extent,
            // Where the order does not tell when all before a cut has come, no more is asked for.
            asked: extent.begin(begins > 1 || is_unordered),
            id,
            purpose,
            turn,
            parts,
            holds_back: !begins_a_partition || is_unordered,
            passed_on: &mut passed_on,
            counts: Counts::default(),
            withheld: Vec::new(),
            kept: BTreeMap::new(),
            starts: HashMap::new(),
            sent_to: window.from(),
        };
        match listing.run().await {
            Ok(()) => return Ok(Listed { id }),
            Err(Interruption::Disorder) => {
                warn!(event = "listing_unordered", %window, "calls are not listed oldest first, windows are sorted as a whole");
                context.calls_come_unordered();
            }
            Err(Interruption::Unit(UnitError::Gong(error)))
                if error.kind() == ErrorKind::CursorRefused && begins <= RESTARTS_MAX =>
            {
                warn!(event = "listing_restarted", %window, begins, "listing begun anew, its cursor was refused");
            }
            Err(Interruption::Unit(error)) => return Err(error),
        }
    }
}

fn text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// One attempt at a listing: decides which records become rows, counts the others, puts calls into
/// order.
struct CallListing<'a> {
    context: &'a Context,
    plan: &'a CallPlan,
    extent: &'a Extent,
    /// What this attempt asks Gong for: it may reach further than the extent, when that was cut.
    asked: DateRange,
    id: WindowId,
    purpose: Purpose,
    /// Whether its calls are the next to travel on, those of all windows before being on their way.
    turn: &'a AtomicBool,
    parts: &'a bytes_channel::Sender<Part>,
    /// Whether nothing is handed on before the listing has ended.
    holds_back: bool,
    /// Whether anything was handed on, by an earlier attempt too.
    passed_on: &'a mut bool,
    counts: Counts,
    /// Starts of private and excluded calls, not handed on yet.
    withheld: Vec<DateTime<Utc>>,
    /// Calls that wait for those before them, by start and id.
    kept: BTreeMap<(DateTime<Utc>, String), (Arc<Page>, usize)>,
    /// The start of every call so far, by id.
    starts: HashMap<String, DateTime<Utc>>,
    /// All calls before this instant have been sent on.
    sent_to: DateTime<Utc>,
}

impl CallListing<'_> {
    async fn run(&mut self) -> Result<(), Interruption> {
        let selection = &self.context.job.selection;
        let filter =
            CallFilter { range: self.asked, hosts: selection.hosts.clone(), workspace: selection.workspace.clone() };
        let as_of = self.context.now();
        let mut announced = None;
        let mut listing = self.context.client.listing(Request::calls_extensive(&filter, &self.plan.blocks));
        let mut first = true;
        while !self.extent.is_passed()
            && let Some(page) = {
                self.room().await?;
                self.extent.asks(true);
                let page = self.context.unless_stopping(self.next(&mut listing)).await;
                self.extent.asks(false);
                page?
            }
        {
            if first {
                first = false;
                announced = page.announced();
                self.extent.announce(announced);
                if !self.holds_back {
                    self.begin(as_of, announced).await?;
                }
            }
            self.context.drift(Drift { replaced_characters: page.replaced_characters(), ..Drift::default() });
            let before = self.counts.fetched;
            let newest = self.page(&Arc::new(page))?;
            self.context.emit(&Event::Fetched { fetch: Fetch::Calls, records: self.counts.fetched - before });
            // Calls that start at the same instant may stand on two pages.
            if let Some(newest) = newest.filter(|_| !self.holds_back) {
                self.send(newest.min(self.extent.window().to())).await?;
            }
        }
        if listing.ended_empty() {
            announced = Some(0);
            self.extent.announce(announced);
        }
        // After the newest call there was none.
        if let Some((span, _)) = self.extent.rest() {
            self.context.density(|density| density.learn(span, []));
        }
        let window = self.extent.end();
        if first || self.holds_back {
            self.begin(as_of, announced).await?;
        }
        self.send(window.to()).await?;
        self.context.window_listed(self.id, text(window.from()), text(window.to()), self.extent.announced());
        Ok(())
    }

    /// The next page. Tells when it has been asked for the first time.
    async fn next(&self, listing: &mut Listing) -> Result<Option<Page>, gong::Error> {
        let told = async {
            self.context.first_calls_asked_for();
            future::pending().await
        };
        tokio::select! {
            // In this order the page has its place in the queue when the others are told.
            biased;
            page = listing.next() => page,
            page = told => page,
        }
    }

    fn has_turn(&self) -> bool {
        self.turn.load(Ordering::Relaxed)
    }

    /// Waits for room in the backlog. Until its turn comes, a listing has a share of bytes instead.
    async fn room(&self) -> Result<(), UnitError> {
        if !self.has_turn() {
            return Ok(());
        }
        let room = async {
            self.context.room(self.plan.transcripts).await;
            Ok::<_, UnitError>(())
        };
        self.context.unless_stopping(room).await
    }

    async fn begin(&mut self, as_of: DateTime<Utc>, announced: Option<u64>) -> Result<(), UnitError> {
        let origin = Origin::new(as_of, self.asked, announced);
        if *self.passed_on {
            return self.pass(Part::BeginsAnew(self.id, origin)).await;
        }
        *self.passed_on = true;
        // What was cut off was announced before.
        if let Purpose::Planned = self.purpose {
            self.context.emit(&Event::Announced { fetch: Fetch::Calls, records: announced.unwrap_or_default() });
        }
        self.pass(Part::Begins(origin)).await
    }

    /// Sends on all calls that start before `to`.
    async fn send(&mut self, to: DateTime<Utc>) -> Result<(), UnitError> {
        let later = self.kept.split_off(&(to, String::new()));
        let ready = mem::replace(&mut self.kept, later);
        let calls = ready
            .into_iter()
            .map(|((started, id), (page, index))| ListedCall { started, id, window: self.id, page, index })
            .collect();
        self.sent_to = self.sent_to.max(to);
        let counts = self.counts;
        self.context.count(self.id, |record| *record = Counts { written: record.written, ..counts });
        let load = self.has_turn().then(|| self.context.backlog.page());
        let withheld = mem::take(&mut self.withheld);
        self.pass(Part::Calls { calls, withheld, to, load }).await
    }

    async fn pass(&self, part: Part) -> Result<(), UnitError> {
        // Nobody listens any more only when the run is stopping.
        self.parts.send(part).await.map_err(|_| UnitError::Stopped)
    }

    /// Sorts a page in; returns the start of its newest call.
    fn page(&mut self, page: &Arc<Page>) -> Result<Option<DateTime<Utc>>, Interruption> {
        let (mut starts, mut newest) = (Vec::new(), None);
        let extent = self.extent;
        let seen = extent.page(|end| {
            let before = self.counts.fetched;
            starts = self.records(page, end)?;
            newest = starts.iter().max().copied();
            Ok::<_, Interruption>((self.counts.fetched - before, newest))
        })?;
        if let Some(span) = seen {
            self.context.density(|density| density.learn(span, starts));
        }
        Ok(newest)
    }

    /// The same, of the records before `end`; returns when the calls start. Those behind `end` come with another
    /// listing, where they count.
    fn records(&mut self, page: &Arc<Page>, end: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, Interruption> {
        let mut starts = Vec::new();
        let mut is_behind = false;
        for (index, raw) in page.records().enumerate() {
            let head = match CallHead::decode(raw) {
                Ok(head) => head,
                Err(_) if is_behind => continue,
                Err(rejected) => {
                    self.counts.fetched += 1;
                    self.counts.rejected += 1;
                    self.context.reject(page, index, &rejected.reason);
                    continue;
                }
            };
            if !self.asked.contains(head.started) {
                self.counts.fetched += 1;
                self.counts.outside += 1;
                continue;
            }
            starts.push(head.started);
            if head.started >= end {
                is_behind = true;
                continue;
            }
            self.counts.fetched += 1;
            let Some(why) = self.context.job.selection.leaves_out(&head, raw) else {
                self.keep(head, page, index)?;
                continue;
            };
            match why {
                LeftOut::Private => self.counts.private += 1,
                LeftOut::Excluded => self.counts.excluded += 1,
                // Never counted among a partition's calls: nothing of it is missing without them.
                LeftOut::Filtered => {
                    self.counts.filtered += 1;
                    continue;
                }
            }
            self.withheld.push(head.started);
        }
        Ok(starts)
    }

    /// Keeps a call once: where pages shift while they are read, the later copy counts.
    fn keep(&mut self, head: CallHead, page: &Arc<Page>, index: usize) -> Result<(), Interruption> {
        let CallHead { id, started, .. } = head;
        if let Some(earlier) = self.starts.get(&id) {
            self.counts.duplicates += 1;
            // A copy of a call that has been sent on already is left out.
            let place = (*earlier, id);
            if self.kept.remove(&place).is_some() {
                let (_, id) = place;
                self.starts.insert(id.clone(), started);
                self.kept.insert((started, id), (Arc::clone(page), index));
            }
            return Ok(());
        }
        if started < self.sent_to {
            return Err(Interruption::Disorder);
        }
        self.starts.insert(id.clone(), started);
        self.kept.insert((started, id), (Arc::clone(page), index));
        Ok(())
    }
}
