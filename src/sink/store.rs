//! The destination: a folder or a bucket, behind one set of operations.
//!
//! Every write replaces a whole file by the store's own atomic operation. Temporary files and notes
//! live in [`TEMPORARY_FOLDER`], never inside a dataset, where engines that read whole folders would
//! trip over them.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Write;
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStore;
use object_store::multipart::MultipartStore;
use url::Url;

use super::cloud;
use super::error::{Error, Operation};
use super::local::Folder;
use super::location::{Location, TEMPORARY_FOLDER, is_safe_key};
use super::multipart::ObjectUpload;
use super::object::Bucket;
use super::read;
use super::upload::Upload;
use crate::calendar::PartitionBy;
use crate::dataset::Dataset;
use crate::state::footer::Footer;

/// How many listings are under way at a time.
const LISTINGS_AT_A_TIME: usize = 8;

/// How long an object store's outage is waited out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Patience {
    /// Twelve minutes: nobody is watching, and the data is in hand.
    Unattended,
    /// Seconds: somebody waits for the answer.
    Attended,
}

/// A destination. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub(super) backend: Backend,
    /// What the names of temporary files begin with.
    label: Arc<str>,
    numbers: Arc<AtomicU64>,
}

#[derive(Clone)]
pub(super) enum Backend {
    Local(Folder),
    Object(Bucket),
}

/// A data file as a listing shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    pub location: Location,
    pub key: String,
    pub size_bytes: u64,
}

/// What is in the folders of some datasets, sorted by key within each.
#[derive(Debug, Default)]
pub struct Listing {
    pub files: Vec<StoredFile>,
    /// Keys of what is no data file but lies where only data files belong.
    pub strays: Vec<String>,
}

impl Store {
    /// Opens a path, `file://`, `s3://bucket/prefix`, `gs://bucket/prefix` or
    /// `az://container/prefix`. Relative paths are relative to `base_dir`. Nothing is sent or
    /// written yet. `options` are of object stores: `region`, `endpoint` and what else their
    /// builders know. The environment variables of the clouds' own tools are honoured.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime, for an object store: it keeps a handle for its uploads.
    pub fn open(
        url: &str,
        options: &BTreeMap<String, String>,
        base_dir: &Path,
        patience: Patience,
    ) -> Result<Self, Error> {
        let refused = |url: &str, reason| Error::InvalidUrl { url: url.to_owned(), reason };
        if url.is_empty() {
            return Err(refused(url, "it is empty"));
        }
        let folder = if let Some((scheme, _)) = url.split_once("://") {
            let Ok(parsed) = Url::parse(url) else {
                // What could not be taken apart may hold a password anywhere.
                return Err(refused(&format!("{scheme}://…"), "it is no url"));
            };
            if parsed.scheme() != "file" {
                return Ok(Self::with_backend(Backend::Object(cloud::open(&parsed, options, patience)?)));
            }
            parsed.to_file_path().map_err(|()| refused(url, "a file url names an absolute path and no host"))?
        } else {
            below(base_dir, Path::new(url))
        };
        if let Some(option) = options.keys().next() {
            let reason = "a folder has no options";
            return Err(Error::RefusedOption { option: option.clone(), reason });
        }
        Ok(Self::folder(folder))
    }

    /// A folder on this machine. It is made when something is first written.
    pub fn folder(root: impl Into<PathBuf>) -> Self {
        Self::with_backend(Backend::Local(Folder::new(root.into())))
    }

    /// Any object store, for embedding and for tests. `url` is for people.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime.
    pub fn object_store<T: ObjectStore + MultipartStore>(store: Arc<T>, prefix: &str, url: &str) -> Self {
        let bucket = Bucket::new(store.clone(), store, object_store::path::Path::from(prefix), url.to_owned());
        Self::with_backend(Backend::Object(bucket))
    }

    fn with_backend(backend: Backend) -> Self {
        let label = format!("{:016x}", rand::random::<u64>());
        Self { backend, label: label.into(), numbers: Arc::default() }
    }

    #[cfg(test)]
    pub(super) fn with_part_bytes(self, part_bytes: usize) -> Self {
        let backend = match self.backend {
            Backend::Object(bucket) => Backend::Object(bucket.with_part_bytes(part_bytes)),
            local @ Backend::Local(_) => local,
        };
        Self { backend, ..self }
    }

    /// The same destination, with the run's id in the names of its temporary files.
    #[must_use]
    pub fn for_run(self, run_id: &str) -> Self {
        let safe = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let label: String = run_id.chars().take(100).map(safe).collect();
        Self { label: label.into(), ..self }
    }

    /// The destination as a URL or path for people, without secrets.
    pub fn describe(&self) -> String {
        match &self.backend {
            Backend::Local(folder) => folder.root().display().to_string(),
            Backend::Object(bucket) => bucket.base_url().to_owned(),
        }
    }

    pub fn is_local(&self) -> bool {
        matches!(self.backend, Backend::Local(_))
    }

    /// Where a key is, for people.
    pub fn url(&self, key: &str) -> String {
        match &self.backend {
            Backend::Local(folder) => folder.path(key).display().to_string(),
            Backend::Object(bucket) => bucket.url(key),
        }
    }

    /// The pattern that names all data files of a dataset: what to give to `read_parquet`.
    pub fn glob(&self, dataset: &Dataset, by: PartitionBy) -> String {
        self.url(&format!("{}/{}=*/*.parquet", dataset.name, dataset.partition.key(by)))
    }

    /// All data files of these datasets, and what else lies in their folders.
    pub async fn list(&self, datasets: &[&'static Dataset]) -> Result<Listing, Error> {
        let listings = stream::iter(datasets.to_vec())
            .map(|dataset| async move { self.list_one(dataset).await })
            .buffered(LISTINGS_AT_A_TIME);
        listings
            .try_fold(Listing::default(), |mut all, one| async move {
                all.files.extend(one.files);
                all.strays.extend(one.strays);
                Ok(all)
            })
            .await
    }

    async fn list_one(&self, dataset: &'static Dataset) -> Result<Listing, Error> {
        let found: Vec<(String, Option<u64>)> = match &self.backend {
            Backend::Local(folder) => {
                let folder = folder.clone();
                let entries = self.blocking(Operation::List, move || folder.list(dataset.name)).await?;
                entries.into_iter().map(|entry| (entry.key, entry.size_bytes)).collect()
            }
            Backend::Object(bucket) => {
                bucket.list(dataset.name).await?.into_iter().map(|(key, size)| (key, Some(size))).collect()
            }
        };
        let mut listing = Listing::default();
        for (key, size) in found {
            match (Location::parse(&key, &[dataset]), size) {
                (Some(location), Some(size_bytes)) => listing.files.push(StoredFile { location, key, size_bytes }),
                (_, _) => listing.strays.push(key),
            }
        }
        Ok(listing)
    }

    /// Keys of the documents in a folder of our own, sorted.
    pub async fn documents(&self, folder: &'static str) -> Result<Vec<String>, Error> {
        match &self.backend {
            Backend::Local(local) => {
                let local = local.clone();
                let entries = self.blocking(Operation::List, move || local.list(folder)).await?;
                Ok(entries.into_iter().map(|entry| entry.key).collect())
            }
            Backend::Object(bucket) => Ok(bucket.list(folder).await?.into_iter().map(|(key, _)| key).collect()),
        }
    }

    /// A small document, whole; `None` when there is none.
    pub async fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let key = checked(key)?;
        match &self.backend {
            Backend::Local(folder) => {
                let folder = folder.clone();
                self.blocking(Operation::Read, move || folder.get(&key)).await
            }
            Backend::Object(bucket) => bucket.get(&key).await,
        }
    }

    /// Writes a small document in place of one that may be there: whole or not at all.
    pub async fn put(&self, key: &str, content: Bytes) -> Result<(), Error> {
        let key = checked(key)?;
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, label, numbers) = (folder.clone(), self.label.clone(), self.numbers.clone());
                self.blocking(Operation::Write, move || {
                    let mut file = folder.temporary(&label, "put", || numbers.fetch_add(1, Ordering::Relaxed))?;
                    // The error inside is our own, which names the path.
                    file.write_all(&content).map_err(|error| {
                        error
                            .downcast()
                            .unwrap_or_else(|error| Error::local(Operation::Write, folder.path(&key), error))
                    })?;
                    file.commit(&key).map(drop)
                })
                .await
            }
            Backend::Object(bucket) => bucket.put(&key, content).await,
        }
    }

    /// Removes a document; that there is none is no error.
    pub async fn delete(&self, key: &str) -> Result<(), Error> {
        let key = checked(key)?;
        match &self.backend {
            Backend::Local(folder) => {
                let folder = folder.clone();
                self.blocking(Operation::Delete, move || folder.delete(&key)).await
            }
            Backend::Object(bucket) => bucket.delete(&key).await,
        }
    }

    /// What the name of the next temporary file is made of.
    pub(super) fn temporary_name(&self) -> (Arc<str>, Arc<AtomicU64>) {
        (self.label.clone(), self.numbers.clone())
    }

    /// Begins a file. Blocks; for threads that may.
    pub fn upload(&self, key: &str) -> Result<Upload, Error> {
        let key = checked(key)?;
        let number = || self.numbers.fetch_add(1, Ordering::Relaxed);
        match &self.backend {
            Backend::Local(folder) => {
                let file = folder.temporary(&self.label, "parquet", number)?;
                Ok(Upload::local(key, file))
            }
            Backend::Object(bucket) => {
                let name = format!("{}-{}", self.label, number());
                Ok(Upload::object(key.clone(), ObjectUpload::new(bucket.clone(), key, name)))
            }
        }
    }

    /// Writes and deletes a tiny file: whether this destination can be written at all.
    pub async fn probe_writable(&self) -> Result<(), Error> {
        let key = format!("{TEMPORARY_FOLDER}/{}-{}.probe", self.label, self.numbers.fetch_add(1, Ordering::Relaxed));
        self.put(&key, Bytes::from_static(b"gong-export was here")).await?;
        self.delete(&key).await
    }

    /// Removes what killed runs left in the folder of temporary files before `older_than`, and ends
    /// their unfinished uploads; how many of both. Whatever other programs keep in a bucket stays.
    pub async fn clean_leftovers(&self, older_than: DateTime<Utc>) -> Result<usize, Error> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, older_than) = (folder.clone(), SystemTime::from(older_than));
                self.blocking(Operation::Delete, move || folder.clean(older_than)).await
            }
            Backend::Object(bucket) => bucket.clean(older_than).await,
        }
    }

    /// What a data file says about itself. Reads the end of the file only.
    pub async fn read_footer(&self, file: &StoredFile) -> Result<Footer, Error> {
        let metadata = read::metadata(self, &file.key, file.size_bytes).await?;
        read::footer(&metadata).map_err(|source| Error::Footer { url: self.url(&file.key), source })
    }

    pub(super) async fn size(&self, key: &str) -> Result<Option<u64>, Error> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, key) = (folder.clone(), key.to_owned());
                self.blocking(Operation::Read, move || folder.size(&key)).await
            }
            Backend::Object(bucket) => bucket.size(key).await,
        }
    }

    pub(super) async fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, Error> {
        match &self.backend {
            Backend::Local(folder) => {
                let (folder, key) = (folder.clone(), key.to_owned());
                self.blocking(Operation::Read, move || folder.get_range(&key, range)).await
            }
            Backend::Object(bucket) => bucket.get_range(key, range).await,
        }
    }

    /// Runs what blocks off the runtime's workers.
    pub(super) async fn blocking<T: Send + 'static>(
        &self,
        operation: Operation,
        work: impl FnOnce() -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        match tokio::task::spawn_blocking(work).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(Error::Stopping { operation, url: self.describe() }),
        }
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Store({})", self.describe())
    }
}

fn checked(key: &str) -> Result<String, Error> {
    if is_safe_key(key) { Ok(key.to_owned()) } else { Err(Error::InvalidKey { key: key.to_owned() }) }
}

#[cfg(test)]
mod s3_tests;
/// `path` as seen from `base`, without `..` where that can be told for sure: the base's own links are
/// resolved first, so that what people are shown is what they would type.
fn below(base: &Path, path: &Path) -> PathBuf {
    let base = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let mut folder = std::fs::canonicalize(base).unwrap_or_else(|_| base.to_owned());
    let mut parts = path.components().peekable();
    while let Some(part) = parts.next_if(|part| matches!(part, Component::ParentDir | Component::CurDir)) {
        if part == Component::ParentDir && !folder.pop() {
            return base.join(path);
        }
    }
    folder.extend(parts);
    folder
}

#[cfg(test)]
mod tests;
