//! The users' contract: which datasets there are, their columns in order, keys and partitions, and
//! how the records of an answer become rows. The only place that knows both records and Arrow; it
//! does no IO. One file a dataset; [`ALL`] is the register.

pub mod column;
pub mod rows;

pub use column::{Column, ColumnType};
pub use rows::Rows;

use crate::gong::endpoint::Block;
use crate::gong::model::{ActivityDay, Call, Transcript, User, UserActivity};

/// One dataset: all that is known about it, in one constant.
#[derive(Debug)]
pub struct Dataset {
    /// Its name in job specs, paths and messages.
    pub name: &'static str,
    /// One sentence: what a row is.
    pub about: &'static str,
    /// In the order of the file. Only ever appended to.
    pub columns: &'static [Column],
    /// The columns that name a row, unique over the whole dataset.
    pub key: &'static [&'static str],
    /// The columns that rows are sorted by.
    pub order: &'static [&'static str],
    pub partition: PartitionColumn,
    pub source: Source,
}

/// What the days in a dataset's paths are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartitionColumn {
    /// Day (or month) of `call_started_at`, in the job's zone.
    Call,
    /// Day of the export, in the job's zone.
    Snapshot,
    /// Day of the activity, in the company's zone.
    Activity,
}

impl PartitionColumn {
    /// The key in the path: `call_date`, or `call_month` when the job partitions by month.
    /// Snapshots are always by day.
    pub fn key(self, by: crate::calendar::PartitionBy) -> &'static str {
        use crate::calendar::PartitionBy::{Day, Month};
        match (self, by) {
            (Self::Call, Day) => "call_date",
            (Self::Call, Month) => "call_month",
            (Self::Snapshot, _) => "snapshot_date",
            (Self::Activity, Day) => "activity_date",
            (Self::Activity, Month) => "activity_month",
        }
    }
}

/// Where the rows come from.
#[derive(Debug)]
pub enum Source {
    /// Rows made from each call of a `calls/extensive` listing.
    Call {
        /// The optional parts of a call that the rows need.
        blocks: &'static [Block],
        /// Whether the rows need the transcript.
        transcript: bool,
        rows: fn(&CallInput<'_>, &mut Rows),
    },
    /// A row made from each user.
    User { rows: fn(&User<'_>, &mut Rows) },
    /// A row made from each user's day of activity.
    Activity { rows: fn(&UserActivity<'_>, &ActivityDay, &mut Rows) },
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
