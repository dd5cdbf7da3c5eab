//! The users' contract: which datasets there are, their columns in order, keys and partitions, and
//! how the records of an answer become rows. The only place that knows both records and Arrow; it
//! does no IO.
//!
//! A dataset is one file here, with its columns, its rows, its tests, and the list of the API that it is
//! made from unless that is the calls; [`ALL`] is the register. Nothing else has to know of a new one:
//! planning, fetching, writing, `check`, `status`, `verify` and `sql` go by what its constant says.
//!
//! The engine hands records to a dataset's `rows` function and the batches to the sink; the sink and
//! the command line read columns, keys and partitions from here.
//!
//! What holds for all datasets: columns are flat, and only ever appended. What Gong did not say is
//! null; what it said as empty stays empty. Keys are never null, and neither is `call_started_at` where
//! a call owns the row.

pub mod by_day;
pub mod column;
pub mod group;
pub mod privacy;
pub mod rows;

mod activity_calls;
mod activity_stats;
mod answered_scorecard_answers;
mod answered_scorecards;
mod call_comments;
mod call_crm_fields;
mod call_highlights;
mod call_interaction_stats;
mod call_key_points;
mod call_outcomes;
mod call_outline;
mod call_structure;
mod call_topics;
mod call_tracker_occurrences;
mod call_trackers;
mod call_videos;
mod calls;
mod interaction_stats;
mod library_calls;
mod library_folders;
mod logs;
mod parties;
mod scorecard_questions;
mod scorecards;
mod trackers;
mod transcripts;
mod users;
mod workspaces;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};

pub use activity_stats::ACTIVITY_STATS;
pub use by_day::{Record, RowsByDay};
pub use calls::CALLS;
pub use column::{Column, ColumnType, Personal};
pub use group::Group;
pub use parties::PARTIES;
pub use privacy::Privacy;
pub use rows::Rows;
pub use transcripts::TRANSCRIPTS;
pub use users::USERS;

use crate::calendar::PartitionBy;
use crate::gong::endpoint::Block;
use crate::gong::list::List;
use crate::gong::model::{Call, Drift, Rejected, Transcript};

/// Every dataset, in the order in which they are listed and explained.
pub static ALL: &[&Dataset] = &[
    &CALLS,
    &PARTIES,
    &TRANSCRIPTS,
    &USERS,
    &ACTIVITY_STATS,
    &call_crm_fields::CALL_CRM_FIELDS,
    &call_topics::CALL_TOPICS,
    &call_trackers::CALL_TRACKERS,
    &call_tracker_occurrences::CALL_TRACKER_OCCURRENCES,
    &call_outline::CALL_OUTLINE,
    &call_highlights::CALL_HIGHLIGHTS,
    &call_key_points::CALL_KEY_POINTS,
    &call_structure::CALL_STRUCTURE,
    &call_interaction_stats::CALL_INTERACTION_STATS,
    &call_videos::CALL_VIDEOS,
    &call_comments::CALL_COMMENTS,
    &interaction_stats::INTERACTION_STATS,
    &activity_calls::ACTIVITY_CALLS,
    &logs::LOGS,
    &answered_scorecards::ANSWERED_SCORECARDS,
    &answered_scorecard_answers::ANSWERED_SCORECARD_ANSWERS,
    &scorecards::SCORECARDS,
    &scorecard_questions::SCORECARD_QUESTIONS,
    &trackers::TRACKERS,
    &workspaces::WORKSPACES,
    &call_outcomes::CALL_OUTCOMES,
    &library_folders::LIBRARY_FOLDERS,
    &library_calls::LIBRARY_CALLS,
];

/// The dataset of this name, spelt exactly.
pub fn find(name: &str) -> Option<&'static Dataset> {
    ALL.iter().copied().find(|dataset| dataset.name == name)
}

/// The names of all datasets.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|dataset| dataset.name)
}

/// One dataset: all that is known about it, in one constant.
#[derive(Debug)]
pub struct Dataset {
    /// Its name in job specs, paths and messages.
    pub name: &'static str,
    /// One sentence: what a row is.
    pub about: &'static str,
    /// What a job may name instead of it and its like.
    pub group: Group,
    /// In the order of the file. Only ever appended to.
    pub columns: &'static [Column],
    /// The columns that name a row, unique in its partition. What is made of calls is unique over the
    /// whole dataset, a call having one start; snapshots and days of activity repeat their users.
    pub key: &'static [&'static str],
    /// The columns that rows are sorted by.
    pub order: &'static [&'static str],
    pub partition: PartitionColumn,
    /// Which records make its rows, and how.
    pub source: Source,
}

impl Dataset {
    /// The columns as Arrow and Parquet know them. The partition column is not among them: it is in
    /// the path only.
    pub fn schema(&self) -> SchemaRef {
        Arc::new(Schema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>()))
    }

    /// Whether its rows speak of calls, so that they hang on which calls a job chooses.
    pub fn is_about_calls(&self) -> bool {
        self.column(by_day::CALL_ID).is_some()
    }

    /// A column and its position.
    pub fn column(&self, name: &str) -> Option<(usize, &'static Column)> {
        self.columns.iter().enumerate().find(|(_, column)| column.name == name)
    }
}

/// Datasets are constants, one of each name.
impl PartialEq for Dataset {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Dataset {}

/// What the days in a dataset's paths are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartitionColumn {
    /// Day (or month) of `call_started_at`, in the job's zone.
    Call,
    /// Day of the export, in the job's zone.
    Snapshot,
    /// Day of the activity, in the company's zone.
    Activity,
    /// Day of the review, in the company's zone.
    Review,
    /// Day of the event, in the job's zone.
    Event,
}

impl PartitionColumn {
    /// How long one file lasts when the job partitions by `chosen`. Only calls follow the choice: a
    /// user in a snapshot and a user's activity are keyed by their day, so those files are days, and
    /// so are the few reviews and the many events.
    pub fn partition_by(self, chosen: PartitionBy) -> PartitionBy {
        match self {
            Self::Call => chosen,
            Self::Snapshot | Self::Activity | Self::Review | Self::Event => PartitionBy::Day,
        }
    }

    /// The key in the path: `call_date`, or `call_month` when the job partitions by month.
    pub fn key(self, chosen: PartitionBy) -> &'static str {
        match (self, self.partition_by(chosen)) {
            (Self::Call, PartitionBy::Day) => "call_date",
            (Self::Call, PartitionBy::Month) => "call_month",
            (Self::Snapshot, _) => "snapshot_date",
            (Self::Activity, _) => "activity_date",
            (Self::Review, _) => "review_date",
            (Self::Event, _) => "event_date",
        }
    }
}

/// Where the rows come from.
#[derive(Debug)]
pub enum Source {
    /// Any number of rows made from each call of a `calls/extensive` listing.
    Call {
        /// The optional parts of a call that the rows need.
        blocks: &'static [Block],
        /// Whether the rows need the transcript.
        transcript: bool,
        rows: fn(&CallInput<'_>, &mut Rows, &mut Drift),
    },
    /// Any number of rows made from each record of another list.
    List {
        list: &'static List,
        /// Decodes the record whole before it adds rows, so that one that is rejected leaves none.
        rows: fn(&Record<'_>, &mut RowsByDay, &mut Drift) -> Result<(), Rejected>,
    },
}

/// A call with what was fetched about it.
#[derive(Debug)]
pub struct CallInput<'a> {
    pub call: &'a Call<'a>,
    pub transcript: TranscriptInput<'a>,
}

/// What is known of a call's transcript.
#[derive(Debug, Clone, Copy)]
pub enum TranscriptInput<'a> {
    /// The job does not ask for transcripts.
    NotAsked,
    /// Asked for; Gong has none, or none yet.
    Missing,
    Present(&'a Transcript<'a>),
}
