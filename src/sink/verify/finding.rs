//! What a verification can find, as data.

use std::fmt;

use chrono::NaiveDate;

use crate::state::footer::FooterError;

/// Something about the files that is not as it was promised. `key` is the file's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Something else than a data file where only data files belong: engines that read whole
    /// folders would take it for data or stumble over it.
    Stray {
        key: String,
    },
    /// Not Parquet, or damaged.
    Unreadable {
        key: String,
        cause: String,
    },
    /// Written by another program, by a newer version of this one, or with a damaged footer.
    Footer {
        key: String,
        problem: FooterError,
    },
    /// The footer is that of another dataset or partition.
    Misplaced {
        key: String,
        dataset: String,
        first_day: NaiveDate,
    },
    /// The columns are not the dataset's.
    Schema {
        key: String,
        difference: String,
    },
    Rows {
        key: String,
        in_footer: u64,
        counted: u64,
    },
    Checksum {
        key: String,
        in_footer: String,
        computed: String,
    },
    /// Rows that do not come after the row before them, so that a key may be there twice.
    Order {
        key: String,
        rows: u64,
        first_row: u64,
    },
    /// Rows of calls that began outside the file's partition.
    OutsidePartition {
        key: String,
        rows: u64,
        first_row: u64,
    },
    /// Calls that an earlier row of the same file holds already.
    DuplicateCalls {
        key: String,
        calls: u64,
        example: String,
    },
    /// Calls that another file holds too.
    RepeatedCalls {
        key: String,
        calls: u64,
        elsewhere: String,
    },
    /// Rows of calls that the partition's file of calls does not hold with the same start.
    MissingCalls {
        key: String,
        calls: u64,
        example: String,
    },
    /// Sentences of calls that are said to have no transcript.
    UnannouncedTranscripts {
        key: String,
        calls: u64,
        example: String,
    },
    /// A dataset in days and in months at once: what a pattern over all its files reads is there
    /// twice.
    MixedPartitions {
        dataset: &'static str,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stray { key } => {
                write!(f, "`{}` is no data file and does not belong into a dataset's folder", key.escape_debug())
            }
            Self::Unreadable { key, cause } => write!(f, "`{key}` cannot be read: {cause}"),
            Self::Footer { key, problem } => write!(f, "`{key}`: {problem}"),
            Self::Misplaced { key, dataset, first_day } => {
                write!(f, "`{key}` was written as {} of {first_day}", dataset.escape_debug())
            }
            Self::Schema { key, difference } => write!(f, "`{key}` has other columns than its dataset: {difference}"),
            Self::Rows { key, in_footer, counted } => {
                write!(f, "`{key}` has {counted} rows, its footer says {in_footer}")
            }
            Self::Checksum { key, in_footer, computed } => {
                write!(
                    f,
                    "`{key}` does not hold what was written: its checksum is {computed}, its footer says {}",
                    in_footer.escape_debug()
                )
            }
            Self::Order { key, rows, first_row } => {
                write!(f, "`{key}` is not sorted or has keys twice: {rows} rows, the first is row {first_row}")
            }
            Self::OutsidePartition { key, rows, first_row } => {
                write!(f, "`{key}` has {rows} rows of another partition, the first is row {first_row}")
            }
            Self::DuplicateCalls { key, calls, example } => {
                write!(f, "`{key}` has {calls} calls more than once, for one {}", example.escape_debug())
            }
            Self::RepeatedCalls { key, calls, elsewhere } => {
                write!(f, "`{key}` has {calls} calls that are in `{elsewhere}` too")
            }
            Self::MissingCalls { key, calls, example } => {
                let example = example.escape_debug();
                write!(
                    f,
                    "`{key}` has rows of {calls} calls that are not in the same partition of `calls`, for one {example}"
                )
            }
            Self::UnannouncedTranscripts { key, calls, example } => {
                let example = example.escape_debug();
                write!(f, "`{key}` has sentences of {calls} calls that `calls` says have none, for one {example}")
            }
            Self::MixedPartitions { dataset } => {
                write!(f, "`{dataset}` is partitioned by day and by month at once: remove the files of one kind")
            }
        }
    }
}
