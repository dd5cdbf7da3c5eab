//! A bucket as destination. One PUT, or a completed multipart upload, makes a whole object visible
//! or nothing; no commit needs conditional writes, which several servers ignore. Only the lease asks
//! for them, and finds out first whether they are honoured.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::TryStreamExt;
use object_store::multipart::MultipartStore;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, UpdateVersion};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::document::{Condition, ConditionalPut, Revision};
use super::error::{Cause, Error, ErrorKind, Operation};
use super::location::{TEMPORARY_FOLDER, is_safe_key};

/// What S3 asks of all parts but the last is 5 MiB. Larger parts mean fewer requests, smaller ones
/// less memory.
const PART_BYTES: usize = 8 * 1024 * 1024;

/// How long to look whether an operation with a lost answer was done after all.
const CONFIRM_MAX: Duration = Duration::from_secs(30);

/// The end of a file is looked at to tell it from others: it names the run.
const CONFIRM_BYTES: usize = 64 * 1024;

/// Extension of the notes about unfinished uploads.
const NOTE: &str = ".upload";

/// A bucket and a prefix in it.
#[derive(Clone)]
pub(super) struct Bucket {
    objects: Arc<dyn ObjectStore>,
    parts: Arc<dyn MultipartStore>,
    prefix: Path,
    /// `s3://bucket/prefix`, without a slash at the end.
    url: Arc<str>,
    /// Where requests run. Encoder threads have no runtime of their own.
    runtime: Handle,
    part_bytes: usize,
}

/// What has to be known of an upload to end it from another process.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct UploadNote {
    pub(super) key: String,
    pub(super) upload_id: String,
}

impl Bucket {
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub(super) fn new(
        objects: Arc<dyn ObjectStore>,
        parts: Arc<dyn MultipartStore>,
        prefix: Path,
        url: String,
    ) -> Self {
        let url = url.trim_end_matches('/').into();
        Self { objects, parts, prefix, url, runtime: Handle::current(), part_bytes: PART_BYTES }
    }

    #[cfg(test)]
    pub(super) fn with_part_bytes(self, part_bytes: usize) -> Self {
        Self { part_bytes, ..self }
    }

    pub(super) fn base_url(&self) -> &str {
        &self.url
    }

    pub(super) fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.url)
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(super) fn part_bytes(&self) -> usize {
        self.part_bytes
    }

    pub(super) fn multipart(&self) -> &Arc<dyn MultipartStore> {
        &self.parts
    }

    pub(super) fn path(&self, key: &str) -> Path {
        self.prefix.parts().chain(Path::from(key).parts()).collect()
    }

    /// Keys and sizes of all objects below a folder, sorted by key.
    pub(super) async fn list(&self, folder: &str) -> Result<Vec<(String, u64)>, Error> {
        let mut found = Vec::new();
        let mut listing = self.objects.list(Some(&self.path(folder)));
        while let Some(object) =
            listing.try_next().await.map_err(|error| self.failed(Operation::List, folder, error))?
        {
            if let Some(key) = self.key(&object.location) {
                found.push((key, object.size));
            }
        }
        found.sort();
        Ok(found)
    }

    /// The part of an object's path below our prefix.
    fn key(&self, path: &Path) -> Option<String> {
        let parts: Vec<String> = path.prefix_match(&self.prefix)?.map(|part| part.as_ref().to_owned()).collect();
        Some(parts.join("/"))
    }

    pub(super) async fn size(&self, key: &str) -> Result<Option<u64>, Error> {
        match self.objects.head(&self.path(key)).await {
            Ok(object) => Ok(Some(object.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(Operation::Read, key, error)),
        }
    }

    pub(super) async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let read = async { self.objects.get(&self.path(key)).await?.bytes().await };
        match read.await {
            Ok(content) => Ok(Some(content)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(Operation::Read, key, error)),
        }
    }

    /// A small object with its version. What is larger than `bytes_max` is not read.
    pub(super) async fn find(&self, key: &str, bytes_max: u64) -> Result<Option<Revision>, Error> {
        let read = async {
            let found = self.objects.get(&self.path(key)).await?;
            let meta = found.meta.clone();
            let content = if meta.size > bytes_max { None } else { Some(found.bytes().await?) };
            let version = Some(UpdateVersion { e_tag: meta.e_tag, version: meta.version });
            Ok(Revision { content, modified: meta.last_modified, version })
        };
        match read.await {
            Ok(revision) => Ok(Some(revision)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.failed(Operation::Read, key, error)),
        }
    }

    /// Writes a small object if `condition` holds, as far as the server looks at conditions. An error
    /// leaves it open whether the object was written, and so does a refusal: the client repeats a
    /// request whose answer was lost, and then meets its own object.
    pub(super) async fn put_if(
        &self,
        key: &str,
        content: Bytes,
        condition: &Condition,
    ) -> Result<ConditionalPut, Error> {
        let mode = match condition {
            Condition::Absent => PutMode::Create,
            Condition::Unchanged(Revision { version: Some(version), .. }) if version.e_tag.is_some() => {
                PutMode::Update(version.clone())
            }
            Condition::Unchanged(_) => return Ok(ConditionalPut::Unsupported),
        };
        use object_store::Error as Failure;
        match self.objects.put_opts(&self.path(key), content.into(), mode.into()).await {
            Ok(_) => Ok(ConditionalPut::Done),
            Err(Failure::AlreadyExists { .. } | Failure::Precondition { .. } | Failure::NotModified { .. }) => {
                Ok(ConditionalPut::Refused)
            }
            Err(Failure::NotSupported { .. } | Failure::NotImplemented { .. }) => Ok(ConditionalPut::Unsupported),
            Err(error) => Err(self.failed(Operation::Commit, key, error)),
        }
    }

    /// Exactly these bytes of an object. Stores cut a range short that goes beyond its end.
    pub(super) async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, Error> {
        let length = range.end.saturating_sub(range.start);
        let content = self.objects.get_range(&self.path(key), range).await;
        let content = content.map_err(|error| self.failed(Operation::Read, key, error))?;
        if content.len() as u64 != length {
            let source = Cause::new(format!("{} bytes came, not {length}", content.len()));
            return Err(Error::Object {
                operation: Operation::Read,
                url: self.url(key),
                kind: ErrorKind::Other,
                source,
            });
        }
        Ok(content)
    }

    /// The whole object in one request.
    pub(super) async fn put(&self, key: &str, content: Bytes) -> Result<(), Error> {
        let size = content.len() as u64;
        match self.objects.put(&self.path(key), content.clone().into()).await {
            Ok(_) => Ok(()),
            Err(error) => self.confirm(key, size, &content, self.failed(Operation::Commit, key, error)).await,
        }
    }

    pub(super) async fn delete(&self, key: &str) -> Result<(), Error> {
        match self.objects.delete(&self.path(key)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(Operation::Delete, key, error)),
        }
    }

    /// The last word on a commit that failed with `error`. Where only the answer was lost, the
    /// object is there: of the size that was sent and ending in the bytes that were sent last.
    pub(super) async fn confirm(&self, key: &str, size: u64, last: &[u8], error: Error) -> Result<(), Error> {
        if error.kind() == ErrorKind::PermissionDenied || last.is_empty() {
            return Err(error);
        }
        let tail = &last[last.len().saturating_sub(CONFIRM_BYTES)..];
        let range = GetRange::Bounded(size - tail.len() as u64..size);
        let options = GetOptions { range: Some(range), ..GetOptions::default() };
        let path = self.path(key);
        let read = async {
            let found = self.objects.get_opts(&path, options).await?;
            let whole = found.meta.size;
            Ok::<_, object_store::Error>((whole, found.bytes().await?))
        };
        match tokio::time::timeout(CONFIRM_MAX, read).await {
            Ok(Ok((whole, end))) if whole == size && end == tail => Ok(()),
            _ => Err(error),
        }
    }

    /// Writes down that an upload was begun. S3 keeps the parts of an upload that nobody ends, and
    /// bills them, without showing them in any listing of objects.
    pub(super) async fn note_upload(&self, name: &str, note: &UploadNote) -> Result<(), Error> {
        let content = serde_json::to_vec(note).expect("two strings are JSON");
        self.put(&note_key(name), content.into()).await
    }

    /// Ends an upload that will not be completed: its parts are removed. That it is gone already is
    /// no error.
    pub(super) async fn abort_upload(&self, note: &UploadNote) -> Result<(), Error> {
        match self.parts.abort_multipart(&self.path(&note.key), &note.upload_id).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(self.failed(Operation::Delete, &note.key, error)),
        }
    }

    /// Removes the note about an upload that has ended.
    pub(super) async fn forget_upload(&self, name: &str) -> Result<(), Error> {
        self.delete(&note_key(name)).await
    }

    /// Ends the uploads that killed runs left, and removes whatever else they left in the folder of
    /// temporary files; how many of both.
    pub(super) async fn clean(&self, older_than: DateTime<Utc>) -> Result<usize, Error> {
        let mut old = Vec::new();
        let mut listing = self.objects.list(Some(&self.path(TEMPORARY_FOLDER)));
        while let Some(object) =
            listing.try_next().await.map_err(|error| self.failed(Operation::List, TEMPORARY_FOLDER, error))?
        {
            if object.last_modified < older_than {
                old.extend(self.key(&object.location));
            }
        }
        for key in &old {
            let note = match key.strip_suffix(NOTE) {
                Some(_) => self.get(key).await?.and_then(|note| serde_json::from_slice::<UploadNote>(&note).ok()),
                None => None,
            };
            // Anybody who may write here could have left the note: it reaches our own keys only.
            if let Some(note) = note.filter(|note| is_safe_key(&note.key)) {
                self.abort_upload(&note).await?;
            }
            self.delete(key).await?;
        }
        Ok(old.len())
    }

    pub(super) fn failed(&self, operation: Operation, key: &str, error: object_store::Error) -> Error {
        Error::object(operation, self.url(key), error)
    }
}

fn note_key(name: &str) -> String {
    format!("{TEMPORARY_FOLDER}/{name}{NOTE}")
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bucket").field("url", &self.url).finish_non_exhaustive()
    }
}
