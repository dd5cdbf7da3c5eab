//! Runs a plan as bounded streams and emits events.
//!
//! ```text
//!             listings, several at once          100 ids a request, several at once
//! windows ──► lister ──► sorted calls ──► chunks ──► transcripts ──► encoder ──► commits
//!             (async)                     (async)    (async)         (thread)    (threads)
//! ```
//!
//! Calls travel in order of time from end to end, each still as the text that Gong sent, until the
//! encoder decodes it once and appends its rows to the files of its partition. What waits between
//! two stages is bounded: a few listed windows, a few answers with transcripts, one partition's open
//! files. So memory does not grow with the range. A partition is committed as soon as everything
//! before a later instant has been encoded; a unit that fails takes its partitions along and no
//! others.
//!
//! The engine reads neither clock nor environment and prints nothing; it gets the instant of its
//! start, counts on from there, and tells a [`Reporter`] what happens.

mod activity;
mod call_listing;
mod chunk;
mod context;
mod encoder;
mod event;
mod lister;
mod pages;
mod partition_files;
mod selection;
mod transcripts;
mod users;

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use tokio_util::sync::CancellationToken;

use crate::calendar::{DateRange, Partition, PartitionBy};
use crate::gong::Client;
use crate::plan::Plan;
use crate::sink::{Store, WriterSettings};
use crate::state::run_record::RunRecord;

use context::Context;
pub use context::error_chain;
pub use event::{Event, Fetch, Reporter};
pub use selection::{Participant, Selection, UnknownUser};
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
    pub selection: Selection,
    /// Whether the source is the simulator.
    pub simulated: bool,
    pub writer: WriterSettings,
    /// Checksums of the files that stand at the destination, by dataset and partition.
    pub previous: BTreeMap<(&'static str, Partition), String>,
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
    let calls = async {
        if let Some(calls) = plan.calls {
            lister::export_calls(&context, calls).await;
        }
    };
    let users = async {
        if let Some(plan) = plan.users {
            users::export(&context, plan, users).await;
        }
    };
    let activity = async {
        if let Some(plan) = plan.activity {
            activity::export(&context, plan).await;
        }
    };
    tokio::join!(calls, users, activity);
    context.finish().await
}
