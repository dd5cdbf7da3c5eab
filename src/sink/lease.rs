//! Keeps two runs off one destination. A courtesy, not a safeguard: every commit replaces a whole file
//! by the same content, so two runs that both believe to hold the lease do double work and no harm.
//!
//! A document at [`LEASE_KEY`] says who is at work and is written anew by a heartbeat. What makes its
//! holder the only one depends on the destination:
//!
//! * **A folder**: a lock of the operating system on a file beside it, which ends with the process
//!   that holds it: a killed run is out of the way at once, a living one is never taken for dead.
//! * **A bucket**: the document is created only if there is none, and replaced only if it is still
//!   the one that was read. Several servers take such conditions and ignore them; a probe finds out.
//! * **A server that ignores conditions, a file system without locks**: the document is written, and
//!   after a pause whoever's token still stands there has won. Two runs that start within the pause
//!   are told apart; one that stalls for longer just before it writes is found out by the next
//!   heartbeat. The caller is told that the lease is weaker ([`Strength::Advisory`]).
//!
//! The lease of a dead owner is taken over: at once when its process is known to be gone, else when
//! the store has seen no heartbeat for as long as the document promises one
//! ([`crate::state::lease`] says by which clock). Something else in the document's place counts as a
//! lease of the same length.
//!
//! A lease is lost when another token stands in the document: this process was suspended, or cut off
//! from the store, until others had to take it for dead. The run should then take no new work, come to
//! a safe point and end: what it has committed is whole, and the other run does the rest. Heartbeats
//! that fail do not lose the lease, and nor does a document that somebody removed or damaged: it is
//! written again.

mod claimant;
mod lock_file;
mod process;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::TryFutureExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use claimant::{Beat, Claimant, DOCUMENT_BYTES_MAX, Means, parse, term};
use lock_file::{LockFile, Locking};

use super::error::{Cause, Error, ErrorKind, Operation};
use super::location::LEASE_KEY;
use super::store::{Backend, Store};
use crate::state::lease::{Abandonment, Decision, Found, LeaseDocument, Liveness, Owner, Unreadable, decide};

/// How long [`Lease::release`] may take: a run that was told to stop has half a minute in all.
const RELEASE_MAX: Duration = Duration::from_secs(10);

/// How long what is being written may go on once nobody wants the lease any more.
const GIVE_UP_MAX: Duration = Duration::from_secs(5);

/// How time passes for a lease.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// From one heartbeat to the next. A heartbeat that takes longer is given up.
    pub heartbeat: Duration,
    /// How long an owner may be silent before it is taken for dead: several heartbeats.
    pub expiry: Duration,
    /// Where only the reading back tells who has won: how long to wait before it.
    pub settle: Duration,
    /// How long the probe may take. Some servers answer conditions as if they were out of order, and
    /// a client with patience would try for minutes.
    pub probe: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(20),
            expiry: Duration::from_secs(120),
            settle: Duration::from_secs(3),
            probe: Duration::from_secs(10),
        }
    }
}

/// How well a lease keeps others off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strength {
    /// Only one run can hold it.
    Exclusive,
    /// This destination has neither locks nor conditional writes. Two runs that begin at the same
    /// moment may both go on for a heartbeat.
    Advisory,
}

/// Who holds a lease; of a document that cannot be read nothing is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub owner: Option<Owner>,
    /// By the owner's clock.
    pub since: Option<DateTime<Utc>>,
}

impl Holder {
    const UNKNOWN: Self = Self { owner: None, since: None };

    fn of(document: Result<LeaseDocument, Unreadable>) -> Self {
        match document {
            Ok(document) => Self { owner: Some(document.owner), since: Some(document.since) },
            Err(_) => Self::UNKNOWN,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Some(owner) => write!(f, "{owner}")?,
            None => f.write_str("an owner that cannot be told")?,
        }
        match &self.since {
            Some(since) => write!(f, ", since {}", since.format("%Y-%m-%dT%H:%M:%SZ")),
            None => Ok(()),
        }
    }
}

/// A lease as it stands there for who only looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    pub holder: Holder,
    /// The last heartbeat, by the store's clock.
    pub heard_at: DateTime<Utc>,
    /// When it is nobody's without another heartbeat, by the owner's clock.
    pub expires_at: Option<DateTime<Utc>>,
    /// How the owner is known to be gone, if it is: the next run then takes the lease over.
    pub abandoned: Option<Abandonment>,
}

/// Who holds the lease of a destination, without asking for it: nothing is written, and no run is kept
/// off by it. `now` is the wall clock.
///
/// What cannot be found out without writing is the store's own time, so `now` has to do for how long
/// the owner has been silent: where this machine's clock is wrong, so may be the verdict on an owner
/// elsewhere. A run judges again before it takes anything over.
pub async fn peek(store: &Store, now: DateTime<Utc>) -> Result<Option<Sighting>, Error> {
    let Some(revision) = store.find(LEASE_KEY, DOCUMENT_BYTES_MAX).await? else {
        return Ok(None);
    };
    let heard_at = revision.modified;
    let document = parse(&revision);
    let owner = document.as_ref().map_or(Liveness::Unknown, |document| process::liveness(&document.owner.process));
    let expires_at = document.as_ref().ok().map(|document| document.expires_at);
    let found = Found { document, silent: now.signed_duration_since(heard_at), owner };
    let abandoned = match decide(Some(&found), now, term(Settings::default())) {
        Decision::Abandoned(because) => Some(because),
        Decision::Held | Decision::Free => None,
    };
    Ok(Some(Sighting { holder: Holder::of(found.document), heard_at, expires_at, abandoned }))
}

/// Whose lease was taken over, and why that was right. Worth a warning: a run did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TakenOver {
    pub from: Holder,
    pub because: Abandonment,
}

/// Why there is no lease.
#[derive(Debug, thiserror::Error)]
pub enum LeaseError {
    /// `document` is where it is, for a person who knows better than we that nobody works there.
    #[error("another run holds `{destination}`: {holder}")]
    Held { destination: String, holder: Box<Holder>, document: String },
    /// The caller wanted to wait no longer.
    #[error("stopped before the destination was free to use")]
    GivenUp,
    #[error(transparent)]
    Sink(#[from] Error),
}

/// The right to be the only run at a destination. To be given back by [`Lease::release`]; a lease that
/// is merely dropped is given back if the process lives long enough.
#[derive(Debug)]
pub struct Lease {
    claimant: Arc<Claimant>,
    lock: Option<LockFile>,
    taken_over: Option<TakenOver>,
    stop: CancellationToken,
    heartbeat: Option<JoinHandle<()>>,
    lost: watch::Receiver<Option<Holder>>,
}

/// This process as the owner of a lease. Where the system does not tell the machine's name, the
/// caller may know it.
pub fn this_process(run_id: impl Into<String>, job: impl Into<String>) -> Owner {
    Owner { run_id: run_id.into(), job: job.into(), host: process::host(), process: process::this() }
}

impl Lease {
    /// Takes the lease, or says who holds it. Keeps it by a heartbeat until it is released or dropped.
    ///
    /// `clock` is the wall clock as it runs: a constant one looks dead to others. `give_up` ends the
    /// waiting for a destination that does not answer, within `GIVE_UP_MAX` and the time that it takes
    /// to remove what was written; a lease that was had by then is returned all the same.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, and without time between heartbeats.
    pub async fn acquire(
        store: &Store,
        owner: Owner,
        settings: Settings,
        clock: impl Fn() -> DateTime<Utc> + Send + Sync + 'static,
        give_up: &CancellationToken,
    ) -> Result<Self, LeaseError> {
        let mut claimant = Claimant::new(store.clone(), owner, settings, Arc::new(clock));
        let mut lock = None;
        let means = match &store.backend {
            Backend::Local(folder) => {
                let folder = folder.clone();
                match store.blocking(Operation::Write, move || LockFile::take(&folder)).await? {
                    Locking::Locked(file) => {
                        lock = Some(file);
                        Means::Lock
                    }
                    Locking::Taken => return Err(claimant.held(claimant.holder().await?)),
                    Locking::Unsupported => Means::ReadBack,
                }
            }
            Backend::Object(_) => unless_given_up(give_up, claimant.probe().map_err(LeaseError::from)).await?,
        };
        claimant.use_means(means);
        let taken_over = match unless_given_up(give_up, claimant.claim()).await {
            Ok(taken_over) => taken_over,
            Err(error) => {
                // Ours may stand there, and would keep others off for nothing.
                let _ = tokio::time::timeout(RELEASE_MAX, claimant.withdraw()).await;
                return Err(error);
            }
        };
        if let Some(lock) = &mut lock {
            lock.remove_at_the_end();
        }
        let claimant = Arc::new(claimant);
        let stop = CancellationToken::new();
        let (tell, lost) = watch::channel(None);
        let heartbeat = Some(tokio::spawn(keep(claimant.clone(), settings.heartbeat, stop.clone(), tell)));
        Ok(Self { claimant, lock, taken_over, stop, heartbeat, lost })
    }

    pub fn strength(&self) -> Strength {
        match self.claimant.means() {
            Means::Lock | Means::Conditions => Strength::Exclusive,
            Means::ReadBack => Strength::Advisory,
        }
    }

    /// Whose lease it was, if a run left one behind.
    pub fn taken_over(&self) -> Option<&TakenOver> {
        self.taken_over.as_ref()
    }

    /// Waits until the lease is lost, and says to whom; for ever, usually.
    pub async fn lost(&self) -> Holder {
        let mut lost = self.lost.clone();
        let holder = match lost.wait_for(Option::is_some).await {
            Ok(holder) => holder.clone(),
            Err(_) => None,
        };
        match holder {
            Some(holder) => holder,
            // The heartbeat has ended without finding anybody.
            None => std::future::pending().await,
        }
    }

    /// Gives the lease back: its document is removed if it is still ours. An error is no reason for a
    /// run to fail, since the lease ends by itself; it is worth a line in a log.
    pub async fn release(mut self) -> Result<(), Error> {
        self.stop.cancel();
        let (heartbeat, claimant) = (self.heartbeat.take(), self.claimant.clone());
        let abort = heartbeat.as_ref().map(JoinHandle::abort_handle);
        let released = tokio::time::timeout(RELEASE_MAX, end(heartbeat, claimant)).await;
        released.unwrap_or_else(|_| {
            if let Some(heartbeat) = abort {
                heartbeat.abort();
            }
            let source = Cause::new(format!("no answer within {} seconds", RELEASE_MAX.as_secs()));
            let url = self.claimant.url();
            Err(Error::Object { operation: Operation::Delete, url, kind: ErrorKind::Unavailable, source })
        })
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.stop.cancel();
        let (Some(heartbeat), Ok(runtime)) = (self.heartbeat.take(), tokio::runtime::Handle::try_current()) else {
            return;
        };
        let (claimant, lock) = (self.claimant.clone(), self.lock.take());
        // In the background, and only if the runtime lives on. Nobody is left to hear of an error.
        runtime.spawn(async move {
            let _ = tokio::time::timeout(RELEASE_MAX, end(Some(heartbeat), claimant)).await;
            drop(lock);
        });
    }
}

/// Waits for `claiming`. Once told to give up it may still come to its end by itself, since a write that
/// is cut off could take effect after the writer has looked and gone.
async fn unless_given_up<T>(
    give_up: &CancellationToken,
    claiming: impl Future<Output = Result<T, LeaseError>>,
) -> Result<T, LeaseError> {
    let mut claiming = pin!(claiming);
    tokio::select! {
        result = &mut claiming => return result,
        () = give_up.cancelled() => {}
    }
    tokio::time::timeout(GIVE_UP_MAX, claiming).await.unwrap_or(Err(LeaseError::GivenUp))
}

/// Removes the document once no heartbeat can write it again.
async fn end(heartbeat: Option<JoinHandle<()>>, claimant: Arc<Claimant>) -> Result<(), Error> {
    if let Some(heartbeat) = heartbeat {
        // It ends by the token; a panic in it has been reported and changes nothing here.
        let _ = heartbeat.await;
    }
    match claimant.withdraw().await {
        // A connection may break at any moment, and what stays keeps others off for minutes.
        Err(_) => claimant.withdraw().await,
        Ok(()) => Ok(()),
    }
}

/// The heartbeat.
async fn keep(claimant: Arc<Claimant>, every: Duration, stop: CancellationToken, lost: watch::Sender<Option<Holder>>) {
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let failure = match tokio::time::timeout(every, claimant.beat()).await {
            Ok(Ok(Beat::Kept)) => None,
            Ok(Ok(Beat::Lost(holder))) => {
                lost.send_replace(Some(holder));
                return;
            }
            Ok(Err(error)) => {
                let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
                Some(format!("{error}{}", cause.unwrap_or_default()))
            }
            Err(_) => Some("no answer in time".to_owned()),
        };
        // Said once an outage, not with every beat of it.
        if let (Some(failure), false) = (&failure, failing) {
            tracing::warn!(event = "lease_not_renewed", url = claimant.url(), "the lease was not renewed: {failure}");
        }
        failing = failure.is_some();
    }
}

#[cfg(test)]
mod tests;
