//! What data files and runs say about themselves. Pure: text and structures, no files.

pub mod footer;
pub mod run_record;
