//! What data files and runs say about themselves. Pure: text and structures, no files.

pub mod coverage;
pub mod footer;
pub mod lease;
pub mod privacy_note;
pub mod run_record;
