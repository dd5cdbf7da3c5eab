//! The requests that an export sends.

/// An optional part of a call in `POST /v2/calls/extensive`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Block {
    Parties,
    Brief,
    CallOutcome,
    Questions,
    Speakers,
}
