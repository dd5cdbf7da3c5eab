//! One listing of calls: a window in, its calls out, sorted, each once.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tracing::{debug, warn};

use super::context::{Context, UnitError, WindowId};
use super::pages::RESTARTS_MAX;
use super::{Event, Fetch};
use crate::gong::endpoint::{CallFilter, Request};
use crate::gong::model::{Call, CallHead, Drift};
use crate::gong::{ErrorKind, Page};
use crate::plan::{CallPlan, Window};
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

/// A window whose listing has ended.
#[derive(Debug)]
pub(super) struct ListedWindow {
    pub(super) window: Window,
    /// When the listing began.
    pub(super) as_of: DateTime<Utc>,
    pub(super) announced: Option<u64>,
    /// Sorted by start, then id.
    pub(super) calls: Vec<ListedCall>,
}

#[derive(Debug)]
pub(super) enum Listed {
    Complete(ListedWindow),
    /// Too many records for one listing: these are to be listed instead.
    Split(Vec<Window>),
}

/// Lists `window`, from its first page again when a cursor is refused on the way.
pub(super) async fn list(context: &Context, plan: &CallPlan, window: Window) -> Result<Listed, UnitError> {
    let mut restarts = 0;
    loop {
        match try_list(context, plan, window).await {
            Err(UnitError::Gong(error)) if error.kind() == ErrorKind::CursorRefused && restarts < RESTARTS_MAX => {
                restarts += 1;
                warn!(event = "listing_restarted", window = %window.range, restarts, "listing begun anew, its cursor was refused");
            }
            other => return other,
        }
    }
}

async fn try_list(context: &Context, plan: &CallPlan, window: Window) -> Result<Listed, UnitError> {
    let job = &context.job;
    let filter = CallFilter {
        range: window.range,
        hosts: job.selection.hosts.clone(),
        workspace: job.selection.workspace.clone(),
    };
    let as_of = context.now();
    let mut listing = context.client.listing(Request::calls_extensive(&filter, &plan.blocks));
    let mut announced = None;
    let mut sieve = Sieve { context, window, counts: Counts::default(), kept: Vec::new(), places: HashMap::new() };
    let mut first = true;
    while let Some(page) = context.unless_stopping(listing.next()).await? {
        if first {
            first = false;
            announced = page.announced();
            let records = announced.unwrap_or_default();
            if let Some(pieces) = window.split(records, &plan.partitions, job.zone) {
                debug!(window = %window.range, records, pieces = pieces.len(), "listing split");
                return Ok(Listed::Split(pieces));
            }
            context.emit(&Event::Announced { fetch: Fetch::Calls, records });
        }
        context.emit(&Event::Fetched { fetch: Fetch::Calls, records: page.len() as u64 });
        context.drift(Drift { replaced_characters: page.replaced_characters(), ..Drift::default() });
        sieve.page(&Arc::new(page));
    }

    let Sieve { counts, mut kept, .. } = sieve;
    let id = context.window(WindowRecord {
        fetch: Fetch::Calls.name().to_owned(),
        from: text(window.range.from()),
        to: text(window.range.to()),
        announced,
        counts,
    });
    kept.sort_unstable_by(|a, b| (a.started, &a.id).cmp(&(b.started, &b.id)));
    let calls = kept
        .into_iter()
        .map(|Kept { started, id: call_id, page, index }| ListedCall { started, id: call_id, window: id, page, index })
        .collect();
    Ok(Listed::Complete(ListedWindow { window, as_of, announced, calls }))
}

fn text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

/// Decides which records of a listing become rows, and counts the others.
struct Sieve<'a> {
    context: &'a Context,
    window: Window,
    counts: Counts,
    kept: Vec<Kept>,
    /// Where in `kept` a call stands.
    places: HashMap<String, usize>,
}

struct Kept {
    started: DateTime<Utc>,
    id: String,
    page: Arc<Page>,
    index: usize,
}

impl Sieve<'_> {
    fn page(&mut self, page: &Arc<Page>) {
        for (index, raw) in page.records().enumerate() {
            self.counts.fetched += 1;
            let head = match CallHead::decode(raw) {
                Ok(head) => head,
                Err(rejected) => {
                    self.counts.rejected += 1;
                    self.context.reject(page, index, &rejected.reason);
                    continue;
                }
            };
            let selection = &self.context.job.selection;
            if head.is_private && selection.excludes_private() {
                self.counts.private += 1;
            } else if !self.window.range.contains(head.started) {
                self.counts.outside += 1;
            } else if !selection.participants.is_empty() && !takes_part(selection, raw) {
                self.counts.filtered += 1;
            } else {
                self.keep(head, page, index);
            }
        }
    }

    /// Keeps a call once: where pages shift while they are read, the later copy counts.
    fn keep(&mut self, head: CallHead, page: &Arc<Page>, index: usize) {
        let kept = Kept { started: head.started, id: head.id.clone(), page: Arc::clone(page), index };
        match self.places.entry(head.id) {
            Entry::Occupied(place) => {
                self.counts.duplicates += 1;
                if let Some(slot) = self.kept.get_mut(*place.get()) {
                    *slot = kept;
                }
            }
            Entry::Vacant(place) => {
                place.insert(self.kept.len());
                self.kept.push(kept);
            }
        }
    }
}

/// Whether one of the participants asked for is a party of the call. What the look at it meets is
/// not noted here: a call that is kept is decoded again.
fn takes_part(selection: &super::Selection, raw: &str) -> bool {
    match Call::decode(raw, &mut Drift::default()) {
        Ok(call) => call.parties.iter().flatten().any(|party| selection.is_participant(party)),
        // Kept, so that it is rejected with its reason where calls are decoded.
        Err(_) => true,
    }
}
