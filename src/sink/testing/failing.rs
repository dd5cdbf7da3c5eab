//! An object store that fails when told to.

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use futures_util::stream::BoxStream;
use object_store::memory::InMemory;
use object_store::multipart::{MultipartStore, PartId};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartId, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult,
};

/// When an operation fails: before it did anything, or after, with its answer lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Failure {
    Before,
    AnswerLost,
}

/// A store in memory whose n-th operation fails, and only that one.
#[derive(Debug)]
pub(crate) struct Failing {
    pub(crate) inner: InMemory,
    /// How many operations still succeed.
    remaining: AtomicI64,
    failure: Failure,
}

impl Failing {
    pub(crate) fn new(failure: Failure) -> Self {
        Self { inner: InMemory::new(), remaining: AtomicI64::new(i64::MAX), failure }
    }

    pub(crate) fn fail_after(&self, operations: i64) {
        self.remaining.store(operations, Ordering::SeqCst);
    }

    /// Whether the operation that was to fail has come.
    pub(crate) fn has_failed(&self) -> bool {
        self.remaining.load(Ordering::SeqCst) < 0
    }

    async fn operation<T>(&self, work: impl Future<Output = object_store::Result<T>>) -> object_store::Result<T> {
        let failed = || object_store::Error::Generic { store: "test", source: "told to fail".into() };
        if self.remaining.fetch_sub(1, Ordering::SeqCst) != 0 {
            return work.await;
        }
        if self.failure == Failure::AnswerLost {
            work.await?;
        }
        Err(failed())
    }
}

impl std::fmt::Display for Failing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Failing")
    }
}

#[async_trait]
impl ObjectStore for Failing {
    async fn put_opts(&self, to: &Path, payload: PutPayload, options: PutOptions) -> object_store::Result<PutResult> {
        self.operation(self.inner.put_opts(to, payload, options)).await
    }

    async fn put_multipart_opts(
        &self,
        to: &Path,
        options: PutMultipartOptions,
    ) -> object_store::Result<Box<dyn MultipartUpload>> {
        self.inner.put_multipart_opts(to, options).await
    }

    async fn get_opts(&self, from: &Path, options: GetOptions) -> object_store::Result<GetResult> {
        self.operation(self.inner.get_opts(from, options)).await
    }

    fn delete_stream(
        &self,
        paths: BoxStream<'static, object_store::Result<Path>>,
    ) -> BoxStream<'static, object_store::Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, object_store::Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> object_store::Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[async_trait]
impl MultipartStore for Failing {
    async fn create_multipart(&self, path: &Path) -> object_store::Result<MultipartId> {
        self.operation(self.inner.create_multipart(path)).await
    }

    async fn put_part(
        &self,
        path: &Path,
        id: &MultipartId,
        index: usize,
        data: PutPayload,
    ) -> object_store::Result<PartId> {
        self.operation(self.inner.put_part(path, id, index, data)).await
    }

    async fn complete_multipart(
        &self,
        path: &Path,
        id: &MultipartId,
        parts: Vec<PartId>,
    ) -> object_store::Result<PutResult> {
        self.operation(self.inner.complete_multipart(path, id, parts)).await
    }

    async fn abort_multipart(&self, path: &Path, id: &MultipartId) -> object_store::Result<()> {
        self.inner.abort_multipart(path, id).await
    }
}
