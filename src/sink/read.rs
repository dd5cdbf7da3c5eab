//! Reading data files back, by ranges: the end of a file for its footer, then one row group after
//! the other.
//!
//! A whole row group is fetched by one request and decoded from memory. Its size is bounded by the
//! writer, on a disk and in a bucket the code is the same, and Parquet's blocking reader does for
//! both: its asynchronous one would have to be compiled in for this alone.

use std::sync::Arc;

use bytes::{Buf, Bytes, buf};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{ChunkReader, Length};

use super::error::{Cause, Error, ErrorKind};
use super::store::Store;
use crate::state::footer::{Footer, FooterError};

/// How much of a file's end is fetched at first: enough for the metadata of most files.
const TAIL_BYTES: u64 = 64 * 1024;

/// Rows decoded at a time.
const BATCH_ROWS: usize = 8192;

/// The Parquet metadata of a file.
#[derive(Debug, Clone)]
pub(super) struct Metadata {
    pub(super) parquet: Arc<ParquetMetaData>,
    pub(super) size_bytes: u64,
}

/// The metadata of a file that was `size_bytes` long when it was listed.
pub(super) async fn metadata(store: &Store, key: &str, size_bytes: u64) -> Result<Metadata, Error> {
    let error = match metadata_of_size(store, key, size_bytes).await {
        Ok(metadata) => return Ok(metadata),
        Err(error) => error,
    };
    if error.kind() == ErrorKind::Unavailable {
        return Err(error);
    }
    // A run may have replaced the file since: then its end is somewhere else.
    match store.size(key).await? {
        Some(now) if now != size_bytes => metadata_of_size(store, key, now).await,
        _ => Err(error),
    }
}

async fn metadata_of_size(store: &Store, key: &str, size_bytes: u64) -> Result<Metadata, Error> {
    let damaged = |error: ParquetError| Error::Damaged { url: store.url(key), source: Cause::of(&error) };
    let mut wanted = TAIL_BYTES.min(size_bytes);
    loop {
        if wanted == 0 {
            return Err(Error::Damaged { url: store.url(key), source: Cause::new("it is empty") });
        }
        let tail = store.get_range(key, size_bytes - wanted..size_bytes).await?;
        let mut reader = ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Skip);
        match reader.try_parse_sized(&tail, size_bytes) {
            Ok(()) => {
                let parquet = Arc::new(reader.finish().map_err(damaged)?);
                return Ok(Metadata { parquet, size_bytes });
            }
            Err(ParquetError::NeedMoreData(needed)) if needed as u64 > wanted && needed as u64 <= size_bytes => {
                wanted = needed as u64;
            }
            Err(error) => return Err(damaged(error)),
        }
    }
}

/// What a file says about itself.
pub(super) fn footer(metadata: &Metadata) -> Result<Footer, FooterError> {
    let pairs = metadata.parquet.file_metadata().key_value_metadata().map_or(&[][..], Vec::as_slice);
    Footer::from_pairs(pairs.iter().map(|pair| (pair.key.as_str(), pair.value.clone().unwrap_or_default())))
}

/// The schema as Arrow sees it.
pub(super) fn arrow_metadata(metadata: &Metadata) -> Result<ArrowReaderMetadata, ParquetError> {
    ArrowReaderMetadata::try_new(metadata.parquet.clone(), ArrowReaderOptions::new())
}

/// The bytes of one row group.
#[derive(Debug)]
pub(super) struct RowGroup {
    index: usize,
    start: u64,
    bytes: Bytes,
    file_bytes: u64,
}

impl RowGroup {
    /// Fetches a row group; `None` when the metadata puts it where it cannot be.
    pub(super) async fn fetch(
        store: &Store,
        key: &str,
        metadata: &Metadata,
        index: usize,
    ) -> Result<Option<Self>, Error> {
        let (mut first, mut end) = (u64::MAX, 0);
        for column in metadata.parquet.row_group(index).columns() {
            let (start, length) = (column.data_page_offset(), column.compressed_size());
            let start = column.dictionary_page_offset().map_or(start, |dictionary| dictionary.min(start));
            let (Ok(start), Ok(length)) = (u64::try_from(start), u64::try_from(length)) else { return Ok(None) };
            first = first.min(start);
            end = end.max(start.saturating_add(length));
        }
        if first > end || end > metadata.size_bytes {
            return Ok(None);
        }
        let bytes = store.get_range(key, first..end).await?;
        Ok(Some(Self { index, start: first, bytes, file_bytes: metadata.size_bytes }))
    }

    /// Decodes its rows, batch by batch. Blocks the CPU.
    pub(super) fn batches(self, metadata: ArrowReaderMetadata) -> Result<ParquetRecordBatchReader, ParquetError> {
        self.batches_of(metadata, ProjectionMask::all())
    }

    /// Decodes some columns of its rows, batch by batch. Blocks the CPU.
    pub(super) fn batches_of(
        self,
        metadata: ArrowReaderMetadata,
        columns: ProjectionMask,
    ) -> Result<ParquetRecordBatchReader, ParquetError> {
        let index = self.index;
        ParquetRecordBatchReaderBuilder::new_with_metadata(self, metadata)
            .with_row_groups(vec![index])
            .with_projection(columns)
            .with_batch_size(BATCH_ROWS)
            .build()
    }

    fn from(&self, start: u64) -> Result<Bytes, ParquetError> {
        let offset = start.checked_sub(self.start).and_then(|offset| usize::try_from(offset).ok());
        match offset {
            Some(offset) if offset <= self.bytes.len() => Ok(self.bytes.slice(offset..)),
            _ => Err(ParquetError::EOF(format!("offset {start} is outside its row group"))),
        }
    }
}

impl Length for RowGroup {
    fn len(&self) -> u64 {
        self.file_bytes
    }
}

impl ChunkReader for RowGroup {
    type T = buf::Reader<Bytes>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(self.from(start)?.reader())
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        let bytes = self.from(start)?;
        if length > bytes.len() {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are outside their row group")));
        }
        Ok(bytes.slice(..length))
    }
}
