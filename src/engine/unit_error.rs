//! Why a unit of work did not come to its end, what that means for the run, and what its user can do.

use std::error::Error as StdError;
use std::fmt;

use super::Budget;
use crate::calendar::PartitionBy;
use crate::dataset::{Dataset, PartitionColumn};
use crate::gong;
use crate::plan::Blocked;
use crate::sink;

/// A unit of work did not come to its end.
#[derive(Debug)]
pub(super) enum UnitError {
    /// The run is stopping; nothing is wrong with the unit.
    Stopped,
    /// Gong refused or failed.
    Gong(gong::Error),
    /// The destination failed.
    Sink(sink::Error),
    /// A file stands in the way.
    Blocked(Blocked),
    /// The new listing shows less than half of the rows that are there; of events, less at all.
    Shrunk { dataset: &'static Dataset, before: u64, now: u64 },
    /// A whole budget was spent before a partition was complete, and the next one may be too.
    BudgetTooSmall { budget: Budget, sent: u64, by: PartitionBy },
}

/// What the failure of a unit means for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Effect {
    /// It is no failure.
    None,
    /// The others go on.
    FailsAlone,
    /// The others go on, and likely meet the same.
    RefusesCredentials,
    /// No request can be sent any more.
    EndsBudget,
    /// Nothing can be written any more.
    EndsStorage,
}

impl UnitError {
    pub(super) fn effect(&self) -> Effect {
        match self {
            Self::Stopped => Effect::None,
            Self::Gong(error) => match error.kind() {
                gong::ErrorKind::Budget => Effect::EndsBudget,
                gong::ErrorKind::Credentials => Effect::RefusesCredentials,
                _ => Effect::FailsAlone,
            },
            Self::Sink(_) => Effect::EndsStorage,
            Self::Blocked(_) | Self::Shrunk { .. } | Self::BudgetTooSmall { .. } => Effect::FailsAlone,
        }
    }

    /// What to do about it, where that is known.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Stopped => None,
            Self::Gong(gong::Error::OAuth(error)) => Some(error.remedy()),
            Self::Gong(error) => match error.kind() {
                gong::ErrorKind::Credentials => {
                    Some("check the base URL, the key and its scopes with `gong-export check`")
                }
                gong::ErrorKind::Unavailable => {
                    Some("Gong did not answer in time; run the job again, it takes up what is missing")
                }
                gong::ErrorKind::CursorRefused => Some("Gong ended the listing early several times; run the job again"),
                gong::ErrorKind::Protocol => Some("the answer was not understood; report it with the request id"),
                gong::ErrorKind::Budget | gong::ErrorKind::Api | gong::ErrorKind::Setup => None,
            },
            Self::Sink(error) => Some(match error.kind() {
                sink::ErrorKind::StorageFull => "free some space and run the job again; finished partitions are kept",
                sink::ErrorKind::PermissionDenied => "check that the destination may be written with these credentials",
                _ => "check the destination with `gong-export check`; finished partitions are kept",
            }),
            Self::Blocked(_) => Some("move it away, or choose another destination"),
            Self::Shrunk { dataset, .. } if dataset.partition == PartitionColumn::Event => Some(
                "Gong keeps some logs for 14 days only: with `refresh.settle_days` below that, and without \
                 --full-refresh, they are not read again; --accept-shrink takes the new listing",
            ),
            Self::Shrunk { .. } => Some(
                "either the key has lost permissions (`gong-export check`), or calls were purged in Gong; \
                 if so, --accept-shrink takes the new listing",
            ),
            Self::BudgetTooSmall { budget, by, .. } => Some(match (budget, by) {
                (Budget::Run(_), PartitionBy::Day) => {
                    "raise --max-requests; `gong-export plan --probe` tells what is needed"
                }
                (Budget::Run(_), PartitionBy::Month) => {
                    "raise --max-requests, or set destination.partition_by to day; `gong-export plan --probe` tells what is needed"
                }
                (Budget::Day(_) | Budget::Rest, PartitionBy::Day) => {
                    "raise source.requests_per_day as far as Gong allows; `gong-export plan --probe` tells what is needed"
                }
                (Budget::Day(_) | Budget::Rest, PartitionBy::Month) => {
                    "raise source.requests_per_day as far as Gong allows, or set destination.partition_by to day; \
                     `gong-export plan --probe` tells what is needed"
                }
            }),
        }
    }
}

/// What failed, with all causes, on one line.
impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped => f.write_str("the run is stopping"),
            Self::Gong(error) => f.write_str(&error_chain(error)),
            Self::Sink(error) => f.write_str(&error_chain(error)),
            Self::Blocked(why) => write!(f, "its file is left alone: {why}"),
            Self::Shrunk { dataset, before, now } => {
                write!(f, "{} has {before} rows and Gong now shows {now}, the old file stays", dataset.name)
            }
            Self::BudgetTooSmall { budget, sent, .. } => {
                let whole = match budget {
                    Budget::Run(_) => "the run",
                    Budget::Day(_) | Budget::Rest => "the day",
                };
                write!(
                    f,
                    "all {sent} requests of {whole} were spent before one partition was complete, \
                     and the next run may come no further"
                )
            }
        }
    }
}

impl From<gong::Error> for UnitError {
    fn from(error: gong::Error) -> Self {
        Self::Gong(error)
    }
}

impl From<sink::Error> for UnitError {
    fn from(error: sink::Error) -> Self {
        Self::Sink(error)
    }
}

/// An error with all its causes, on one line.
pub fn error_chain(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        // Many errors repeat their cause in their own text.
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        cause = error.source();
    }
    text
}
