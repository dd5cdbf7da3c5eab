//! One acquisition of the lease, as it reads and writes the document.
//!
//! Nothing is concluded from the answer to a write alone: a client that repeats a request whose answer
//! was lost meets its own object and takes it for another's. What counts is the token that stands
//! there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::super::document::{Condition, ConditionalPut, Revision};
use super::super::error::{Error, ErrorKind};
use super::super::location::{LEASE_KEY, TEMPORARY_FOLDER};
use super::super::store::Store;
use super::{Holder, LeaseError, Settings, TakenOver, process};
use crate::state::lease::{Decision, Found, LeaseDocument, Liveness, Owner, Unreadable, decide};

/// No document of ours comes near this size.
pub(super) const DOCUMENT_BYTES_MAX: u64 = 64 * 1024;

/// How often a claim is begun again because the document changed meanwhile, or an answer was lost.
const ATTEMPTS: usize = 8;

/// A write that took longer before it failed was repeated often enough by the client.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many requests of the probe may fail.
const PROBE_FAILURES_MAX: usize = 3;

/// What makes the holder the only one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Means {
    /// A lock of the operating system, which is held already.
    Lock,
    /// Conditional writes.
    Conditions,
    /// Nothing: write, wait, read back.
    ReadBack,
}

/// What a heartbeat found.
#[derive(Debug)]
pub(super) enum Beat {
    Kept,
    Lost(Holder),
}

pub(super) struct Claimant {
    store: Store,
    /// As first written.
    document: LeaseDocument,
    settings: Settings,
    clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    means: Means,
}

impl Claimant {
    pub(super) fn new(
        store: Store,
        owner: Owner,
        settings: Settings,
        clock: Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>,
    ) -> Self {
        let token = format!("{:032x}", rand::random::<u128>());
        let document = LeaseDocument::new(owner, token, clock(), term(settings));
        Self { store, document, settings, clock, means: Means::ReadBack }
    }

    pub(super) fn use_means(&mut self, means: Means) {
        self.means = means;
    }

    pub(super) fn means(&self) -> Means {
        self.means
    }

    pub(super) fn url(&self) -> String {
        self.store.url(LEASE_KEY)
    }

    pub(super) fn held(&self, holder: Holder) -> LeaseError {
        LeaseError::Held { destination: self.store.describe(), holder: Box::new(holder), document: self.url() }
    }

    /// Who holds the lease by the document as it stands.
    pub(super) async fn holder(&self) -> Result<Holder, Error> {
        Ok(self.find().await?.map_or(Holder::UNKNOWN, |revision| Holder::of(parse(&revision))))
    }

    async fn find(&self) -> Result<Option<Revision>, Error> {
        self.store.find(LEASE_KEY, DOCUMENT_BYTES_MAX).await
    }

    fn is_ours(&self, revision: &Revision) -> bool {
        parse(revision).is_ok_and(|document| document.token == self.document.token)
    }

    fn content(&self) -> Bytes {
        self.document.renewed((self.clock)(), term(self.settings)).to_json().into()
    }

    /// A key of this acquisition's own, where the next run cleans up if this one is killed.
    fn temporary_key(&self, purpose: &str) -> String {
        format!("{TEMPORARY_FOLDER}/{}.{purpose}", self.document.token)
    }

    /// Finds out whether the server looks at conditions, by creating the same object twice.
    pub(super) async fn probe(&self) -> Result<Means, Error> {
        let key = self.temporary_key("probe");
        let probed = tokio::time::timeout(self.settings.probe, self.create_twice(&key)).await;
        // What stays of it is cleaned with all other temporary files.
        let _ = tokio::time::timeout(self.settings.probe, self.store.delete(&key)).await;
        match probed {
            Ok(means) => means,
            Err(_) => Ok(Means::ReadBack),
        }
    }

    async fn create_twice(&self, key: &str) -> Result<Means, Error> {
        let mut created = false;
        let mut failures = 0;
        loop {
            match self.store.put_if(key, Bytes::from_static(b"probe"), &Condition::Absent).await {
                Ok(ConditionalPut::Done) if created => return Ok(Means::ReadBack),
                Ok(ConditionalPut::Done) => created = true,
                // Nobody else knows the key.
                Ok(ConditionalPut::Refused) => return Ok(Means::Conditions),
                Ok(ConditionalPut::Unsupported) => return Ok(Means::ReadBack),
                Err(error) => {
                    failures += 1;
                    if is_final(&error) || failures > PROBE_FAILURES_MAX {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Takes the lease if it is free or abandoned; whose it was.
    pub(super) async fn claim(&self) -> Result<Option<TakenOver>, LeaseError> {
        let mut taken_over = None;
        let mut failure = None;
        for _ in 0..ATTEMPTS {
            let found = self.find().await?;
            match &found {
                None => {}
                Some(revision) if self.is_ours(revision) => {
                    if self.means != Means::ReadBack || self.stands().await? {
                        return Ok(taken_over);
                    }
                    continue;
                }
                Some(revision) => taken_over = Some(self.judge(revision).await?),
            }
            let begun = Instant::now();
            match self.write(found).await {
                Ok(true) => return Ok(taken_over),
                Ok(false) => {}
                // The client has waited an outage out, in vain.
                Err(error) if is_final(&error) || begun.elapsed() > PATIENCE => return Err(error.into()),
                // A connection that broke: the document may stand there.
                Err(error) => failure = Some(error),
            }
            // Not all at the same moment again.
            tokio::time::sleep(Duration::from_millis(20 + u64::from(rand::random::<u8>()))).await;
        }
        match failure {
            Some(error) => Err(error.into()),
            None => Err(self.held(self.holder().await?)),
        }
    }

    /// Whether what stands there may be replaced.
    async fn judge(&self, revision: &Revision) -> Result<TakenOver, LeaseError> {
        let document = parse(revision);
        let owner = document.as_ref().map_or(Liveness::Unknown, |document| self.liveness(&document.owner));
        let found = Found { document, silent: self.silence(revision).await?, owner };
        let decision = decide(Some(&found), (self.clock)(), term(self.settings));
        let from = Holder::of(found.document);
        match decision {
            Decision::Abandoned(because) => Ok(TakenOver { from, because }),
            Decision::Held | Decision::Free => Err(self.held(from)),
        }
    }

    fn liveness(&self, owner: &Owner) -> Liveness {
        // The lock would not be ours if it still ran. Where the document comes from another machine,
        // though, the file system may be one whose locks end at each machine's border.
        if self.means == Means::Lock && !self.document.owner.process.is_elsewhere(&owner.process) {
            return Liveness::Gone;
        }
        process::liveness(&owner.process)
    }

    /// How long ago a document was written, by the store's clock: a file written now tells what that
    /// shows.
    async fn silence(&self, revision: &Revision) -> Result<TimeDelta, Error> {
        let key = self.temporary_key("clock");
        self.store.put_volatile(&key, Bytes::from_static(b"clock")).await?;
        let now = self.store.find(&key, DOCUMENT_BYTES_MAX).await?;
        // What stays of it is cleaned with all other temporary files.
        let _ = self.store.delete(&key).await;
        let silence = now.map(|now| now.modified.signed_duration_since(revision.modified));
        Ok(silence.unwrap_or_default().max(TimeDelta::zero()))
    }

    /// Puts our document in the place of `found`; whether it stands there.
    async fn write(&self, found: Option<Revision>) -> Result<bool, Error> {
        let content = self.content();
        match (self.means, found) {
            (Means::Lock, _) => {
                self.store.put_volatile(LEASE_KEY, content).await?;
                return Ok(true);
            }
            (Means::Conditions, None) => match self.store.put_if(LEASE_KEY, content, &Condition::Absent).await? {
                ConditionalPut::Done => return Ok(true),
                // By another run, or by us with a lost answer: the next look tells.
                ConditionalPut::Refused | ConditionalPut::Unsupported => return Ok(false),
            },
            (Means::Conditions, Some(revision)) => {
                let condition = Condition::Unchanged(revision.clone());
                let put = self.store.put_if(LEASE_KEY, content.clone(), &condition).await?;
                if put != ConditionalPut::Done {
                    // Some servers compare what they should not, quotation marks, and refuse a
                    // condition that holds.
                    let now = self.find().await?;
                    if now.is_none_or(|now| now.content != revision.content || now.version != revision.version) {
                        return Ok(false);
                    }
                    self.store.put_volatile(LEASE_KEY, content).await?;
                }
            }
            (Means::ReadBack, _) => self.store.put_volatile(LEASE_KEY, content).await?,
        }
        // Also where the condition seems to have been honoured: the probe was of creation, and there
        // are servers that look at that condition only.
        self.stands().await
    }

    /// Whether our document still stands when others who wrote at the same moment are done.
    async fn stands(&self) -> Result<bool, Error> {
        tokio::time::sleep(self.settings.settle).await;
        Ok(self.find().await?.is_some_and(|revision| self.is_ours(&revision)))
    }

    /// Writes the document anew, unless it is another's by now.
    pub(super) async fn beat(&self) -> Result<Beat, Error> {
        let content = self.content();
        let found = self.find().await?;
        if let Some(holder) = found.as_ref().and_then(|revision| self.other(revision)) {
            return Ok(Beat::Lost(holder));
        }
        if self.means == Means::Conditions {
            let condition = found.map_or(Condition::Absent, Condition::Unchanged);
            if self.store.put_if(LEASE_KEY, content.clone(), &condition).await? == ConditionalPut::Done {
                return Ok(Beat::Kept);
            }
            // Refused: others were faster, or the answer to a write of ours was lost, or the server
            // refuses what it should not.
            match self.find().await? {
                None => return Ok(Beat::Kept),
                Some(revision) if revision.content.as_ref() == Some(&content) => return Ok(Beat::Kept),
                Some(revision) => {
                    if let Some(holder) = self.other(&revision) {
                        return Ok(Beat::Lost(holder));
                    }
                }
            }
        }
        self.store.put_volatile(LEASE_KEY, content).await?;
        Ok(Beat::Kept)
    }

    /// Whose document it is, if not ours. What is nobody's document is half of one, or an accident.
    fn other(&self, revision: &Revision) -> Option<Holder> {
        match parse(revision) {
            Ok(document) if document.token == self.document.token => None,
            Err(Unreadable::Broken { .. } | Unreadable::TooLarge) => None,
            other @ (Ok(_) | Err(Unreadable::Newer { .. })) => Some(Holder::of(other)),
        }
    }

    /// Removes the document if it is ours.
    pub(super) async fn withdraw(&self) -> Result<(), Error> {
        match self.find().await? {
            Some(revision) if self.is_ours(&revision) => self.store.delete(LEASE_KEY).await,
            Some(_) | None => Ok(()),
        }
    }
}

impl fmt::Debug for Claimant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claimant")
            .field("store", &self.store)
            .field("document", &self.document)
            .field("settings", &self.settings)
            .field("means", &self.means)
            .finish_non_exhaustive()
    }
}

pub(super) fn parse(revision: &Revision) -> Result<LeaseDocument, Unreadable> {
    match &revision.content {
        Some(content) => LeaseDocument::parse(content),
        None => Err(Unreadable::TooLarge),
    }
}

pub(super) fn term(settings: Settings) -> TimeDelta {
    TimeDelta::from_std(settings.expiry).unwrap_or(TimeDelta::MAX)
}

/// Whether trying again cannot help.
fn is_final(error: &Error) -> bool {
    !matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Other)
}
