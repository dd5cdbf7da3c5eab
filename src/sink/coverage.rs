//! Reads what a destination holds: the footers of its data files, and the calls that await their
//! transcripts.

use arrow::array::{AsArray, BooleanArray, RecordBatch, StringArray};
use futures_util::{StreamExt, stream};
use parquet::arrow::ProjectionMask;

use super::error::{Cause, Error, ErrorKind};
use super::read::{self, RowGroup};
use super::store::{Store, StoredFile};
use crate::dataset::Dataset;
use crate::state::coverage::{Coverage, Standing};

/// Footers that are read at the same time.
const FOOTERS_AT_ONCE: usize = 16;

/// A destination's data files, and what their footers say.
#[derive(Debug, Default)]
pub struct Held {
    pub coverage: Coverage,
    pub files: Vec<StoredFile>,
}

/// Reads the footers of all files of these datasets.
pub async fn read_coverage(store: &Store, datasets: &[&'static Dataset]) -> Result<Held, Error> {
    let files = store.list(datasets).await?.files;
    let mut footers = stream::iter(&files)
        .map(|file| async move { (file, store.read_footer(file).await) })
        .buffer_unordered(FOOTERS_AT_ONCE);
    let mut coverage = Coverage::default();
    while let Some((file, footer)) = footers.next().await {
        let standing = match footer {
            Ok(footer) => Standing::Ours(Box::new(footer)),
            Err(Error::Footer { source, .. }) => Standing::Strange(source),
            Err(error) if error.kind() == ErrorKind::Unreadable => Standing::Damaged(error.to_string()),
            // It was there when it was listed; another hand took it away.
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        coverage.insert(file.location.dataset().name, file.location.partition(), standing);
    }
    drop(footers);
    Ok(Held { coverage, files })
}

/// The ids of the calls in a file of `calls` that had no transcript when it was written.
pub async fn calls_without_transcript(store: &Store, file: &StoredFile) -> Result<Vec<String>, Error> {
    let metadata = read::metadata(store, &file.key, file.size_bytes).await?;
    let damaged = |cause: &(dyn std::error::Error + 'static)| Error::Damaged {
        url: store.url(&file.key),
        source: Cause::of(cause),
    };
    let arrow = read::arrow_metadata(&metadata).map_err(|error| damaged(&error))?;
    let mut ids = Vec::new();
    for index in 0..metadata.parquet.num_row_groups() {
        let Some(group) = RowGroup::fetch(store, &file.key, &metadata, index).await? else {
            return Err(Error::Damaged {
                url: store.url(&file.key),
                source: Cause::new("a row group lies outside it"),
            });
        };
        let columns =
            ProjectionMask::columns(metadata.parquet.file_metadata().schema_descr(), ["call_id", "has_transcript"]);
        for batch in group.batches_of(arrow.clone(), columns).map_err(|error| damaged(&error))? {
            let batch = batch.map_err(|error| damaged(&error))?;
            collect_awaited(&batch, &mut ids).ok_or_else(|| Error::Damaged {
                url: store.url(&file.key),
                source: Cause::new("it has other columns"),
            })?;
        }
    }
    Ok(ids)
}

fn collect_awaited(batch: &RecordBatch, ids: &mut Vec<String>) -> Option<()> {
    let call_ids: &StringArray = batch.column_by_name("call_id")?.as_string_opt()?;
    let has: &BooleanArray = batch.column_by_name("has_transcript")?.as_boolean_opt()?;
    for (id, has) in call_ids.iter().zip(has.iter()) {
        if let (Some(id), Some(false)) = (id, has) {
            ids.push(id.to_owned());
        }
    }
    Some(())
}
