//! One character for the state of a partition.

use crate::cli::output::Tone;
use crate::plan::{Due, Verdict};

/// What a calendar shows of a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Mark {
    Settled,
    /// Settled, and there were no records.
    Empty,
    /// Runs read it again until it settles.
    Unsettled,
    Awaiting,
    OtherSelection,
    Missing,
    Damaged,
    /// Something else stands in its place, which no run replaces.
    Blocked,
}

impl Mark {
    /// Every mark, in the order of the legend.
    pub(super) const ALL: [Self; 8] = [
        Self::Settled,
        Self::Empty,
        Self::Unsettled,
        Self::Awaiting,
        Self::OtherSelection,
        Self::Missing,
        Self::Damaged,
        Self::Blocked,
    ];

    /// `rows` are those of a file of ours.
    pub(super) fn of(verdict: &Verdict, rows: Option<u64>) -> Self {
        match verdict {
            Verdict::Due(Due::Missing) => Self::Missing,
            Verdict::Due(Due::Damaged) => Self::Damaged,
            Verdict::Due(Due::OtherSelection | Due::OtherPrivacy) => Self::OtherSelection,
            Verdict::Due(Due::Unsettled | Due::Snapshot) => Self::Unsettled,
            Verdict::Awaiting { .. } => Self::Awaiting,
            Verdict::Blocked(_) => Self::Blocked,
            // The others are settled by themselves; why a run reads them nevertheless is the plan's.
            Verdict::Due(Due::Companion | Due::Torn | Due::FullRefresh) | Verdict::NotDue(_) => match rows {
                Some(0) => Self::Empty,
                _ => Self::Settled,
            },
        }
    }

    pub(super) fn character(self) -> char {
        match self {
            Self::Settled => '#',
            Self::Empty => '0',
            Self::Unsettled => '+',
            Self::Awaiting => 't',
            Self::OtherSelection => '~',
            Self::Missing => '.',
            Self::Damaged => 'x',
            Self::Blocked => '!',
        }
    }

    pub(super) fn meaning(self) -> &'static str {
        match self {
            Self::Settled => "settled",
            Self::Empty => "settled, no records",
            Self::Unsettled => "not settled yet",
            Self::Awaiting => "awaits transcripts",
            Self::OtherSelection => "another choice of calls, or other pseudonyms",
            Self::Missing => "missing",
            Self::Damaged => "damaged",
            Self::Blocked => "not this job's, never replaced",
        }
    }

    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Settled => Tone::Good,
            Self::Empty => Tone::Faint,
            Self::Unsettled | Self::Awaiting | Self::OtherSelection => Tone::Warning,
            Self::Missing | Self::Damaged | Self::Blocked => Tone::Bad,
        }
    }
}
