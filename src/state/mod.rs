//! What data files and runs say about themselves. Pure.

pub mod footer;
