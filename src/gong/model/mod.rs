//! The records of the API's answers as typed values, in the vendor's words.
//!
//! Decoding borrows from the answer's text and forgives: only a record without its id or its time
//! is [`Rejected`]. Whatever else is unknown or of another type than documented is handed on as the
//! record's `extra_json` and counted in [`Drift`]; nothing is dropped in silence. The exceptions are
//! transcripts, whose dataset has no room for it: there it is counted only.
//!
//! Pure: no IO, no clock, knows no other module. The engine decodes, `dataset` makes rows.

pub mod activity;
pub mod call;
mod drift;
mod element;
mod object;
pub mod transcript;
pub mod user;
mod value;

pub use activity::{ActivityDay, UserActivity};
pub use call::{Call, CallHead, Party};
pub use drift::Drift;
pub use element::Element;
pub use object::{AnyValue, Object, joined};
pub use transcript::Transcript;
pub use user::User;

/// Why a record cannot be used at all: it has no id, no start, or is not an object.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct Rejected {
    /// Names fields, never their values: safe to log.
    pub reason: String,
}

impl Rejected {
    pub fn new(reason: &str) -> Self {
        Self { reason: reason.to_owned() }
    }
}

#[cfg(test)]
mod tests;
