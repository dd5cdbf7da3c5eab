//! Parquet files made visible whole or not at all, on a disk or in a bucket, and read back.
//!
//! * [`location`]: dataset and partition ↔ key. Pure.
//! * [`store`]: the destination: a folder (`local`) or a bucket (`object`, opened from a URL and
//!   options by `cloud`).
//! * [`upload`]: one file on its way there, as a [`std::io::Write`] for encoder threads; to a bucket
//!   in parts (`multipart`).
//! * [`data_file`]: one Parquet file with its footer; [`checksum`] is of what it says.
//! * [`read`]: footers and row groups, by ranges; [`coverage`] learns with it what is there, and
//!   [`verify`] checks everything.
//! * [`lease`]: keeps two runs off one destination, by `document`s that several processes write.
//!
//! `engine` and `cli` call it. It knows no API and no job; which files are due is not its business.

pub mod checksum;
mod cloud;
pub mod coverage;
pub mod data_file;
mod document;
pub mod error;
pub mod lease;
mod local;
pub mod location;
mod multipart;
mod object;
pub mod read;
pub mod store;
pub mod upload;
pub mod verify;

#[cfg(test)]
pub(crate) mod testing;

pub use coverage::{Held, calls_without_transcript, read_coverage};
pub use data_file::{DataFile, DataFileWriter, WriterSettings};
pub use error::{Error, ErrorKind};
pub use lease::{Lease, LeaseError};
pub use location::Location;
pub use store::{Listing, Patience, Store, StoredFile};
