//! Small documents that several processes may write at the same time: read with what tells one
//! version from the next, written under a condition or with nothing asked. The lease uses them;
//! files and run records need no more than [`Store::put`].

use std::fs;
use std::io::{self, Read, Write};
use std::sync::atomic::Ordering;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use object_store::UpdateVersion;

use super::error::{Error, Operation};
use super::local::Folder;
use super::store::{Backend, Store};

/// One version of a document.
#[derive(Debug, Clone)]
pub(super) struct Revision {
    /// `None` when it is larger than the reader wanted.
    pub(super) content: Option<Bytes>,
    /// When it was written, by the store's clock.
    pub(super) modified: DateTime<Utc>,
    /// What an object store calls this version; files have nothing of the kind.
    pub(super) version: Option<UpdateVersion>,
}

/// What must hold for a document to be written.
#[derive(Debug)]
pub(super) enum Condition {
    Absent,
    /// It is still this one.
    Unchanged(Revision),
}

/// What became of a conditional write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ConditionalPut {
    /// Written, by a store that looked at the condition or by one that ignores conditions.
    Done,
    Refused,
    /// This store knows no such condition. Nothing was written.
    Unsupported,
}

impl Store {
    /// A document with its version; `None` when there is none. What is larger than `bytes_max` is
    /// not read.
    pub(super) async fn find(&self, key: &str, bytes_max: u64) -> Result<Option<Revision>, Error> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, key) = (folder.clone(), key.to_owned());
                self.blocking(Operation::Read, move || find_file(&folder, &key, bytes_max)).await
            }
            Backend::Object(bucket) => bucket.find(key, bytes_max).await,
        }
    }

    /// Writes a document if `condition` holds. A folder has no such operation.
    pub(super) async fn put_if(
        &self,
        key: &str,
        content: Bytes,
        condition: &Condition,
    ) -> Result<ConditionalPut, Error> {
        match &self.backend {
            Backend::Local(_) => Ok(ConditionalPut::Unsupported),
            Backend::Object(bucket) => bucket.put_if(key, content, condition).await,
        }
    }

    /// Writes a document whole, in place of one that may be there. Not made to survive a loss of
    /// power, which nobody who writes such a document survives either.
    pub(super) async fn put_volatile(&self, key: &str, content: Bytes) -> Result<(), Error> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, key) = (folder.clone(), key.to_owned());
                let (label, numbers) = self.temporary_name();
                self.blocking(Operation::Write, move || {
                    let mut file = folder.temporary(&label, "document", || numbers.fetch_add(1, Ordering::Relaxed))?;
                    // The error inside is our own, which names the path.
                    file.write_all(&content).map_err(|error| {
                        error
                            .downcast()
                            .unwrap_or_else(|error| Error::local(Operation::Write, folder.path(&key), error))
                    })?;
                    file.commit_unsynchronised(&key)
                })
                .await
            }
            Backend::Object(bucket) => bucket.put(key, content).await,
        }
    }
}

fn find_file(folder: &Folder, key: &str, bytes_max: u64) -> Result<Option<Revision>, Error> {
    let path = folder.path(key);
    let read = || -> io::Result<Revision> {
        let file = fs::File::open(&path)?;
        let metadata = file.metadata()?;
        let mut content = Vec::new();
        // It may have grown since, so that its size says nothing.
        file.take(bytes_max.saturating_add(1)).read_to_end(&mut content)?;
        let content = (content.len() as u64 <= bytes_max).then(|| content.into());
        Ok(Revision { content, modified: metadata.modified()?.into(), version: None })
    };
    match read() {
        Ok(revision) => Ok(Some(revision)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::local(Operation::Read, path, error)),
    }
}
