//! What a run tells the world while it goes on. The engine emits, reporters consume; neither knows
//! how the other works.

use std::fmt;

use crate::calendar::Partition;

/// A fetch that has progress of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Fetch {
    Calls,
    Transcripts,
    /// A list besides that of calls, by its name.
    List(&'static str),
}

impl Fetch {
    /// Its name in messages and records.
    pub fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls",
            Self::Transcripts => "transcripts",
            Self::List(name) => name,
        }
    }
}

impl fmt::Display for Fetch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One thing that happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// A listing said how many records it has.
    Announced { fetch: Fetch, records: u64 },
    /// Records arrived.
    Fetched { fetch: Fetch, records: u64 },
    /// Rows were encoded.
    Rows { dataset: &'static str, rows: u64 },
    /// A data file is visible.
    Committed { dataset: &'static str, partition: Partition, rows: u64, size_bytes: u64 },
    /// A work unit failed for good; the others go on.
    Failed { unit: String },
}

/// Somebody who wants to know.
pub trait Reporter: Send + Sync + fmt::Debug {
    /// Called from any thread; must not block.
    fn event(&self, event: &Event);
}
