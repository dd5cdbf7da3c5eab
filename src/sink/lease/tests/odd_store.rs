//! A store in memory that treats conditions as some servers do, and whose lease documents can be made
//! to look old.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use chrono::TimeDelta;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload, ObjectMeta, ObjectStore,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};

/// How conditions are treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oddity {
    None,
    /// All of them are ignored.
    Ignored,
    /// That of a replacement is ignored.
    UpdatesIgnored,
    /// That of a replacement never holds.
    UpdatesRefused,
    /// A creation is never answered.
    Stalled,
    /// The first creation of a lease is refused although there is none.
    FirstRefused,
}

#[derive(Debug)]
pub(super) struct OddStore {
    inner: InMemory,
    oddity: Oddity,
    creations: AtomicI64,
    /// How many seconds older than it is a lease document looks.
    pub(super) age: AtomicI64,
}

impl OddStore {
    pub(super) fn new(oddity: Oddity) -> Self {
        Self { inner: InMemory::new(), oddity, creations: AtomicI64::new(0), age: AtomicI64::new(0) }
    }

    fn refusal(to: &Path) -> Error {
        Error::Precondition { path: to.to_string(), source: "told to refuse".into() }
    }
}

impl std::fmt::Display for OddStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OddStore")
    }
}

#[async_trait]
impl ObjectStore for OddStore {
    async fn put_opts(&self, to: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        // As over a network, others get their turn.
        tokio::task::yield_now().await;
        match (self.oddity, &options.mode) {
            (Oddity::Ignored, _) | (Oddity::UpdatesIgnored, PutMode::Update(_)) => options.mode = PutMode::Overwrite,
            (Oddity::UpdatesRefused, PutMode::Update(_)) => return Err(Self::refusal(to)),
            (Oddity::Stalled, PutMode::Create) => std::future::pending().await,
            (Oddity::FirstRefused, PutMode::Create)
                if to.as_ref().ends_with("lease.json") && self.creations.fetch_add(1, Ordering::SeqCst) == 0 =>
            {
                return Err(Self::refusal(to));
            }
            _ => {}
        }
        self.inner.put_opts(to, payload, options).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> Result<GetResult> {
        tokio::task::yield_now().await;
        let mut found = self.inner.get_opts(from, options).await?;
        if from.as_ref().ends_with("lease.json") {
            found.meta.last_modified -= TimeDelta::seconds(self.age.load(Ordering::SeqCst));
        }
        Ok(found)
    }

    async fn put_multipart_opts(&self, to: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// A store has to have it; a lease has no use for it.
#[async_trait]
impl MultipartStore for OddStore {
    async fn create_multipart(&self, path: &Path) -> Result<MultipartId> {
        self.inner.create_multipart(path).await
    }

    async fn put_part(&self, path: &Path, id: &MultipartId, index: usize, data: PutPayload) -> Result<PartId> {
        self.inner.put_part(path, id, index, data).await
    }

    async fn complete_multipart(&self, path: &Path, id: &MultipartId, parts: Vec<PartId>) -> Result<PutResult> {
        self.inner.complete_multipart(path, id, parts).await
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> Result<()> {
        self.inner.abort_multipart(path, id).await
    }
}
