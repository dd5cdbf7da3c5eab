//! All pages of a listing, one after the other, with guards against going in circles.
//!
//! Ends where a page carries no cursor. Neither a short or empty page ends it, nor the announced
//! number of records, which may exceed what is ever delivered. A record that comes on two pages,
//! because calls arrived while the listing was read, is the caller's to tell by its id.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use tracing::warn;
use twox_hash::XxHash3_128;

use super::client::Client;
use super::endpoint::Request;
use super::error::{Error, Repetition};
use super::page::{Cursor, Page};

/// Of one listing. Its cursors die after an hour, in which 3 requests a second read 10,800 pages;
/// ten times as many allow for an account with a higher limit.
const PAGES_MAX: u64 = 108_000;

/// A listing that is being read.
#[derive(Debug)]
pub struct Listing {
    client: Client,
    request: Request,
    state: State,
    guard: Guard,
    received: u64,
    announced: Option<u64>,
}

#[derive(Debug)]
enum State {
    /// What to send next.
    At(Request),
    Ended {
        empty: bool,
    },
}

impl Listing {
    pub(crate) fn new(client: Client, request: Request) -> Self {
        let state = State::At(request.clone());
        Self { client, request, state, guard: Guard::new(PAGES_MAX), received: 0, announced: None }
    }

    /// The next page; `None` after the last.
    ///
    /// An error leaves the listing where it was, so that it can be asked for the same page again,
    /// except that a cursor once refused stays refused: begin another listing then. Dropping the
    /// future is safe.
    pub async fn next(&mut self) -> Result<Option<Page>, Error> {
        let State::At(request) = &self.state else { return Ok(None) };
        let label = request.label();
        let Some(page) = self.client.fetch(request).await? else {
            let empty = self.guard.pages == 0;
            if !empty {
                warn!(
                    event = "listing_unsure",
                    request = label,
                    pages = self.guard.pages,
                    "listing ended by an answer that nothing was found"
                );
            }
            self.state = State::Ended { empty };
            return Ok(None);
        };
        if page.number().is_some_and(|number| number != self.guard.pages) {
            warn!(
                event = "listing_unsure",
                request = label,
                expected = self.guard.pages,
                number = page.number(),
                "page number jumps"
            );
        }
        let cursor = page.cursor().filter(|_| request.is_paged());
        self.guard.check(label, &page, cursor)?;
        let next = match cursor {
            Some(cursor) => State::At(self.request.at(cursor.clone())),
            None => State::Ended { empty: false },
        };
        self.state = next;
        self.received += page.len() as u64;
        self.announced = page.announced().or(self.announced);
        Ok(Some(page))
    }

    /// Whether the first answer was the one that says that nothing matches. A key that may not see
    /// the calls is told the same.
    pub fn ended_empty(&self) -> bool {
        matches!(self.state, State::Ended { empty: true })
    }

    /// Pages read so far.
    pub fn pages(&self) -> u64 {
        self.guard.pages
    }

    /// Records read so far, those that came twice counted twice.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// How many records the latest page announced for the whole listing.
    pub fn announced(&self) -> Option<u64> {
        self.announced
    }
}

/// Notices when a listing does not go on. Pure.
#[derive(Debug)]
struct Guard {
    pages_max: u64,
    pages: u64,
    /// Hashes only: what was seen is compared, never shown.
    hasher: RandomState,
    cursors: HashSet<u64>,
    last: Option<Fingerprint>,
}

/// What tells a page from another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fingerprint {
    number: Option<u64>,
    len: usize,
    first: u128,
    all: u128,
}

impl Guard {
    fn new(pages_max: u64) -> Self {
        Self { pages_max, pages: 0, hasher: RandomState::new(), cursors: HashSet::new(), last: None }
    }

    /// Accepts the next page, or refuses it and stays as it was.
    fn check(&mut self, label: &'static str, page: &Page, cursor: Option<&Cursor>) -> Result<(), Error> {
        if self.pages >= self.pages_max {
            return Err(Error::TooManyPages { label, pages_max: self.pages_max });
        }
        // The only page of a listing repeats none, and none comes after it.
        let is_alone = cursor.is_none() && self.last.is_none();
        let fingerprint = if is_alone { None } else { fingerprint(page) };
        let cursor = cursor.map(|cursor| self.hasher.hash_one(cursor));
        let sign = match (self.last, fingerprint) {
            (Some(last), Some(this)) if this.repeats(&last) => Some(Repetition::Records),
            _ if cursor.is_some_and(|cursor| self.cursors.contains(&cursor)) => Some(Repetition::Cursor),
            _ => None,
        };
        if let Some(sign) = sign {
            let request_id = page.request_id().map(super::error::presentable);
            return Err(Error::PageRepeated { label, page: self.pages, sign, request_id });
        }
        self.cursors.extend(cursor);
        self.last = fingerprint;
        self.pages += 1;
        Ok(())
    }
}

/// `None` for a page without records, of which there may be several.
fn fingerprint(page: &Page) -> Option<Fingerprint> {
    let mut hashes = page.records().map(|record| XxHash3_128::oneshot(record.as_bytes()));
    let first = hashes.next()?;
    let all = hashes.fold(first, |all, hash| all.rotate_left(1) ^ hash);
    Some(Fingerprint { number: page.number(), len: page.len(), first, all })
}

impl Fingerprint {
    /// The same records; or the same number and the same first record, should the rest have
    /// changed in between. A single record may well come twice, when calls arrive between pages.
    fn repeats(&self, last: &Self) -> bool {
        let same_records = self.len > 1 && self.len == last.len && self.all == last.all;
        let same_place = self.number.is_some() && self.number == last.number && self.first == last.first;
        same_records || same_place
    }
}

#[cfg(test)]
#[path = "listing_tests.rs"]
mod tests;
