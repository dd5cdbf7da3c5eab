//! Runs a plan as bounded streams and emits events.
//!
//! ```text
//!             one, cut where              100 ids a request,
//!             latency asks for it         several at once
//! windows ──► listings ──► chunks ──────► transcripts ──► encoder ──► commits
//!             (async)      (async)        (async)         (thread)    (threads)
//! ```
//!
//! Calls travel on while the pages of their listing still arrive, in order of time from end to end,
//! each still as the text that Gong sent, until the encoder decodes it and appends its rows to the
//! files of its partition. What waits between two stages is bounded in bytes: pages of listings, a few
//! answers with transcripts, one partition's open files. So memory does not grow with the range. A
//! partition is committed as soon as everything before a later instant has been encoded; a unit that
//! fails takes its partitions along and no others.
//!
//! The other lists of the API (users, statistics, reviews, settings, logs) go their own short way beside
//! this one: a list is read whole, or in parts where it would be too large to hold, decoded, put in order,
//! freed of rows about calls that the job may not tell about, and written a file a day.
//!
//! The engine reads neither clock nor environment and prints nothing; it gets the instant of its
//! start, counts on from there, and tells a [`Reporter`] what happens.

mod ahead;
mod awaited;
mod backlog;
mod bytes_channel;
mod call_listing;
mod chunk;
mod context;
mod encoder;
mod event;
mod extent;
mod fetches;
mod hidden_calls;
mod lister;
mod listings;
mod lists;
mod pages;
mod partition_files;
mod saving;
mod selection;
mod tally;
mod transcripts;
mod unit_error;
mod users;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use crate::calendar::{DateRange, PartitionBy};
use crate::dataset::Privacy;
use crate::gong::Client;
use crate::plan::Plan;
use crate::sink::{Held, Store, WriterSettings};
use crate::state::privacy_note::PrivacyNote;
use crate::state::run_record::RunRecord;

use context::Context;
pub use event::{Event, Fetch, Reporter};
pub use lists::{Probe, probe};
pub use selection::{Exclusion, Participant, Selection, TitlePatterns, UnknownUser};
use unit_error::UnitError;
pub use unit_error::error_chain;
pub use users::UserList;

/// What a run is for and where it writes: all that stays the same while it goes on.
#[derive(Debug)]
pub struct Job {
    pub name: String,
    pub run_id: String,
    /// The instant of the start.
    pub started_at: DateTime<Utc>,
    /// The range as asked for.
    pub range: DateRange,
    pub zone: Tz,
    pub partition_by: PartitionBy,
    /// The limit that the client paces itself to.
    pub requests_per_second: f64,
    pub selection: Selection,
    /// Whether the source is the simulator.
    pub simulated: bool,
    pub writer: WriterSettings,
    /// The choice of calls as the footers have it: files with equal text hold the same subset.
    pub selection_text: String,
    /// Replaces personal data on its way into the files.
    pub privacy: Option<Arc<Privacy>>,
    /// The same as footers and the run record have it, with the users that are left out.
    pub privacy_note: PrivacyNote,
    /// What stands at the destination.
    pub held: Held,
    /// Whether a listing may replace a partition that had more than twice its rows.
    pub shrink: Shrink,
    /// When the first of the interrupted runs began that this one takes up.
    pub resumes: Option<DateTime<Utc>>,
    /// What the client's bound of requests comes from.
    pub budget: Budget,
}

/// How the requests of a run are bounded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Budget {
    /// So many to each run of the job.
    Run(u64),
    /// So many a day, and none is spent yet.
    Day(u64),
    /// What other runs have left of a day.
    Rest,
}

/// What to do with a partition of which Gong suddenly shows nothing, or less than half: the answer
/// for data that was purged is the same as that for a key which lost sight of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shrink {
    /// Keep the old file and count the partition as failed.
    Refuse,
    /// Take the new listing.
    Accept,
}

/// Runs `plan` to its end, or until `cancel` fires, and returns the record of it. Problems of single
/// work units stand in the record; none of them is an error of this function.
///
/// `users` is the list of users if it was needed before the run, so that it is not fetched twice.
pub async fn run(
    job: Job,
    plan: Plan,
    client: Client,
    store: Store,
    users: Option<UserList>,
    reporter: Arc<dyn Reporter>,
    cancel: CancellationToken,
) -> RunRecord {
    let context = Arc::new(Context::new(job, client, store, reporter, cancel));
    for (blocked, why) in plan.blocked() {
        let unit = format!("{} of {}", blocked.dataset.name, blocked.partition);
        context.unit_failed(&unit, &UnitError::Blocked(why.clone()));
    }
    if let Err(error) = context.save().await {
        context.unit_failed("run record", &UnitError::Sink(error));
    }
    context.warn_of_other_privacy(&plan);
    let saving = saving::start(&context);
    let has_calls = plan.calls.as_ref().is_some_and(|calls| !calls.partitions.is_empty());
    let calls = async {
        if let Some(calls) = plan.calls {
            lister::export_calls(&context, calls).await;
        }
        context.first_calls_asked_for();
    };
    let lists = async {
        context.first_turn_taken().await;
        lists::export(&context, plan.lists, users).await;
    };
    tokio::join!(calls, lists);
    if let Some(error) = context.budget_too_small(has_calls) {
        context.unit_failed("request budget", &error);
    }
    // A save under way must not overtake the last one.
    saving.end().await;
    context.finish().await
}

/// A task's result; its panic goes on here.
fn joined<T>(result: Result<T, JoinError>) -> T {
    result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
