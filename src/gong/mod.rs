//! The Gong API in the vendor's words: requests, pacing, retries, pages and records.

pub mod endpoint;
pub mod model;
