//! One data file, read back row group by row group.

use chrono_tz::Tz;
use parquet::arrow::arrow_reader::ArrowReaderMetadata;
use parquet::errors::ParquetError;

use super::finding::Finding;
use super::rows::{Calls, Role, RowCheck, difference};
use crate::sink::error::{Cause, Error, ErrorKind};
use crate::sink::read::{self, Metadata, RowGroup};
use crate::sink::store::{Store, StoredFile};
use crate::state::footer::Footer;

/// What one file turned out to be.
#[derive(Debug, Default)]
pub(super) struct FileResult {
    pub(super) rows: u64,
    pub(super) findings: Vec<Finding>,
    /// The calls that it holds, if it is a file of calls and could be read.
    pub(super) calls: Option<Calls>,
}

impl FileResult {
    fn found(finding: Finding) -> Self {
        Self { findings: vec![finding], ..Self::default() }
    }
}

/// Checks a file. `role` makes what its rows have to do with calls.
pub(super) async fn verify_file(
    store: &Store,
    file: &StoredFile,
    zone: Tz,
    role: impl Fn() -> Role,
) -> Result<FileResult, Error> {
    let (before, result) = verify_once(store, file, zone, role()).await?;
    if result.findings.is_empty() {
        return Ok(result);
    }
    // A run that replaced the file while it was read makes rows of one and a footer of the other.
    let (after, again) = verify_once(store, file, zone, role()).await?;
    Ok(if after == before { result } else { again })
}

async fn verify_once(
    store: &Store,
    file: &StoredFile,
    zone: Tz,
    role: Role,
) -> Result<(Option<Footer>, FileResult), Error> {
    let key = &file.key;
    let unreadable = |error: &ParquetError| FileResult::found(unreadable(key, error));
    let metadata = match read::metadata(store, key, file.size_bytes).await {
        Ok(metadata) => metadata,
        Err(Error::Damaged { source, .. }) => {
            let finding = Finding::Unreadable { key: key.clone(), cause: source.to_string() };
            return Ok((None, FileResult::found(finding)));
        }
        Err(error) => return Err(error),
    };
    let footer = match read::footer(&metadata) {
        Ok(footer) => footer,
        Err(problem) => return Ok((None, FileResult::found(Finding::Footer { key: key.clone(), problem }))),
    };
    let arrow = match read::arrow_metadata(&metadata) {
        Ok(arrow) => arrow,
        Err(error) => return Ok((Some(footer), unreadable(&error))),
    };
    let mut result = FileResult {
        rows: u64::try_from(metadata.parquet.file_metadata().num_rows()).unwrap_or(0),
        ..FileResult::default()
    };
    let location = file.location;
    if footer.dataset != location.dataset().name || footer.partition != location.partition() {
        let (dataset, first_day) = (footer.dataset.clone(), footer.partition.first_day());
        result.findings.push(Finding::Misplaced { key: key.clone(), dataset, first_day });
    }
    if let Some(difference) = difference(location.dataset().columns, arrow.schema()) {
        // The rows cannot be read as the dataset's.
        result.findings.push(Finding::Schema { key: key.clone(), difference });
        return Ok((Some(footer), result));
    }
    match check_rows(store, key, &metadata, arrow, RowCheck::new(location, zone, role)).await? {
        Ok(check) => result.calls = check.finish(&footer, &mut result.findings),
        Err(finding) => result.findings.push(finding),
    }
    Ok((Some(footer), result))
}

async fn check_rows(
    store: &Store,
    key: &str,
    metadata: &Metadata,
    arrow: ArrowReaderMetadata,
    mut check: RowCheck,
) -> Result<Result<RowCheck, Finding>, Error> {
    for index in 0..metadata.parquet.num_row_groups() {
        let group = match RowGroup::fetch(store, key, metadata, index).await {
            Ok(Some(group)) => group,
            Ok(None) => {
                let cause = format!("row group {index} is outside the file");
                return Ok(Err(Finding::Unreadable { key: key.to_owned(), cause }));
            }
            // Shorter than its metadata says, by now.
            Err(error) if error.kind() == ErrorKind::Other => {
                let cause = Cause::of(&error).to_string();
                return Ok(Err(Finding::Unreadable { key: key.to_owned(), cause }));
            }
            Err(error) => return Err(error),
        };
        let arrow = arrow.clone();
        let decoded = tokio::task::spawn_blocking(move || {
            for batch in group.batches(arrow)? {
                check.update(&batch.map_err(ParquetError::from)?);
            }
            Ok(check)
        });
        check = match decoded.await {
            Ok(Ok(check)) => check,
            Ok(Err(error)) => return Ok(Err(unreadable(key, &error))),
            // Parquet's decoder does not expect every kind of damage.
            Err(panic) => {
                let cause = if panic.is_panic() { "its pages are damaged" } else { "the program is stopping" };
                return Ok(Err(Finding::Unreadable { key: key.to_owned(), cause: cause.to_owned() }));
            }
        };
    }
    Ok(Ok(check))
}

fn unreadable(key: &str, error: &ParquetError) -> Finding {
    Finding::Unreadable { key: key.to_owned(), cause: Cause::of(error).to_string() }
}
