//! Parquet files made visible whole or not at all, on a disk or in a bucket, and read back.
//!
//! * [`location`]: dataset and partition ↔ key. Pure.
//! * [`store`]: the destination: a folder (`local`) or a bucket (`object`, opened from a URL and
//!   options by `cloud`).
//! * [`upload`]: one file on its way there, as a [`std::io::Write`] for encoder threads; to a bucket
//!   in parts (`multipart`).
//! * [`data_file`]: one Parquet file with its footer; [`checksum`] is of what it says.
//! * [`read`]: footers and row groups, by ranges; [`verify`] checks everything with it.
//!
//! `engine` and `cli` call it. It knows no API and no job; which files are due is not its business.

pub mod checksum;
mod cloud;
pub mod data_file;
pub mod error;
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

pub use data_file::{DataFile, DataFileWriter, WriterSettings};
pub use error::{Error, ErrorKind};
pub use location::Location;
pub use store::{Listing, Patience, Store, StoredFile};
