//! The parts of `gong-export`, a job runner that keeps a folder of Parquet files equal to what a
//! company's Gong account holds.
//!
//! Data flows one way:
//!
//! ```text
//! spec ──► plan ──► engine ──► gong ──► dataset ──► sink
//!  (YAML)  (windows)  (streams)  (HTTP)  (columns)   (files)
//! ```
//!
//! * [`calendar`]: date ranges, partitions, time zones. Pure, knows nobody.
//! * [`spec`]: the YAML job spec. Text in, [`spec::JobSpec`] or all its problems out. Pure.
//! * [`plan`]: which partitions, in which windows, for how many requests. Pure.
//! * [`gong`]: the vendor's API in the vendor's words: requests, pacing, retries, pages, records.
//! * [`dataset`]: the users' contract: columns, keys, and how records become rows. The only place
//!   that knows both records and Arrow.
//! * [`state`]: what files and runs say about themselves: footers and run records. Pure.
//! * [`sink`]: Parquet files made visible whole or not at all, on a disk or in a bucket; and read
//!   back to be verified.
//! * [`sql`]: views, tables and load statements over the files, in the dialects of engines. Pure.
//! * [`engine`]: runs a plan as bounded streams, emits events.
//! * [`sim`]: a simulated Gong over real HTTP. Never uses [`gong`], so that a misspelt field cannot
//!   agree with itself.
//! * [`cli`]: the only one that prints, reads the environment and looks at the clock.
//!
//! [`reliability`] lists the faults that all of this has to survive, with their tests.
//!
//! `cli → engine → {plan, gong, dataset, sink} → {state, calendar}`; `gong` and `sink` never meet.
//! `tests/it/architecture.rs` holds these directions.

#[doc = include_str!("reliability.md")]
pub mod reliability {}

pub mod calendar;
pub mod cli;
pub mod dataset;
pub mod engine;
pub mod gong;
pub mod plan;
pub mod sim;
pub mod sink;
pub mod spec;
pub mod sql;
pub mod state;
