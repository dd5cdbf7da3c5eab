//! The product as its users meet it: the built binary against a simulated Gong, its files read by
//! the readers that people have.
//!
//! One test binary, so that it is linked once. [`support`] prepares what the tests need besides
//! Rust: a Python environment with DuckDB and pyarrow, and S3 servers. Nothing is skipped when that
//! fails; it fails loudly.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics, and so may what serves tests only")]

mod analysts;
mod architecture;
mod cli;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod crash;
mod demo;
mod docs;
mod faults;
mod kill;
#[cfg(target_os = "linux")]
mod memory;
mod nights;
mod oauth;
mod operations;
mod outage;
mod privacy;
mod s3;
mod schedulers;
mod speed;
mod sql;
mod support;
mod truth;
