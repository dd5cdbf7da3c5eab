//! One data file: rows in, a Parquet file with a footer out.
//!
//! The settings are the ones that every engine reads and that measurements favour. Writer version 1,
//! because some warehouses read no other. No embedded Arrow schema, which would make readers disagree
//! about types. No dictionary for free text, which it makes 14 % larger.

use std::io::{self, Write};
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::schema::types::ColumnPath;

use super::checksum::Checksum;
use super::error::Error;
use super::location::Location;
use super::store::Store;
use super::upload::Upload;
use crate::dataset::{Column, ColumnType, Dataset};
use crate::state::footer::Footer;

/// Rows of a row group. More slow a lookup of one call down, fewer make the file larger.
const ROW_GROUP_ROWS: usize = 131_072;

/// A row group with longer texts ends earlier: it is in memory until it ends.
const ROW_GROUP_BYTES: usize = 32 * 1024 * 1024;

/// The share of calls that a bloom filter takes for present though they are not.
const BLOOM_FALSE_POSITIVES: f64 = 0.01;

/// What a job says about how files are written.
#[derive(Debug, Clone)]
pub struct WriterSettings {
    pub compression: Compression,
}

/// A committed data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    pub key: String,
    pub rows: u64,
    pub size_bytes: u64,
    /// Of the rows, `xxh3-128:` and 32 hexadecimal digits.
    pub checksum: String,
}

/// A data file being written. Dropped without [`DataFileWriter::commit`] it leaves nothing behind.
///
/// Blocks, as [`Upload`] does: never to be used from an async task.
pub struct DataFileWriter {
    key: String,
    url: String,
    schema: SchemaRef,
    arrow: ArrowWriter<Target>,
    checksum: Checksum,
    rows: u64,
}

impl DataFileWriter {
    /// Begins the file of this location. Nothing of it is visible before the commit.
    pub fn create(store: &Store, location: Location, settings: &WriterSettings) -> Result<Self, Error> {
        let dataset = location.dataset();
        let key = location.key();
        let url = store.url(&key);
        let schema = Arc::new(Schema::new(dataset.columns.iter().map(Column::field).collect::<Vec<Field>>()));
        let checksum = Checksum::new(&schema).expect("a dataset's columns have types that a checksum knows");
        let options = ArrowWriterOptions::new()
            .with_properties(properties(dataset, settings))
            .with_skip_arrow_metadata(true)
            .with_schema_root(dataset.name.to_owned());
        let upload = store.upload(&key)?;
        let arrow = ArrowWriter::try_new_with_options(Target(Some(upload)), schema.clone(), options)
            .map_err(|error| Error::encode(&url, error))?;
        Ok(Self { key, url, schema, arrow, checksum, rows: 0 })
    }

    /// Appends rows, which have to have the dataset's columns and to follow its order.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), Error> {
        if batch.schema_ref().fields() != self.schema.fields() {
            let text = "the batch has other columns than the dataset".to_owned();
            return Err(Error::Encode { url: self.url.clone(), source: ParquetError::General(text) });
        }
        self.arrow.write(batch).map_err(|error| Error::encode(&self.url, error))?;
        self.checksum.update(batch);
        self.rows += batch.num_rows() as u64;
        Ok(())
    }

    /// How many rows were written so far.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Ends the file with the footer that `describe` makes of the number of rows and their
    /// checksum, and makes it visible in place of the one that may be there. A file without rows
    /// has the full schema.
    pub fn commit(self, describe: impl FnOnce(u64, String) -> Footer) -> Result<DataFile, Error> {
        let Self { key, url, mut arrow, checksum, rows, .. } = self;
        let checksum = checksum.finish();
        for (name, value) in describe(rows, checksum.clone()).to_pairs() {
            arrow.append_key_value_metadata(KeyValue::new(name, value));
        }
        arrow.finish().map_err(|error| Error::encode(&url, error))?;
        let upload = arrow.inner_mut().0.take().expect("it is taken only here, with the writer");
        let size_bytes = upload.commit()?;
        Ok(DataFile { key, rows, size_bytes, checksum })
    }
}

/// Where the encoder writes to. To be taken away from it after its end: the encoder's own way to give
/// it back makes text of a last write's error, and hides that the disk is full, say.
struct Target(Option<Upload>);

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.as_mut().map_or(Err(io::ErrorKind::BrokenPipe.into()), |upload| upload.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.as_mut().map_or(Ok(()), Write::flush)
    }
}

impl std::fmt::Debug for DataFileWriter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DataFileWriter").field("url", &self.url).field("rows", &self.rows).finish_non_exhaustive()
    }
}

fn properties(dataset: &Dataset, settings: &WriterSettings) -> WriterProperties {
    let mut properties = WriterProperties::builder()
        .set_writer_version(WriterVersion::PARQUET_1_0)
        .set_created_by(concat!("gong-export ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_compression(settings.compression)
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_max_row_group_bytes(Some(ROW_GROUP_BYTES))
        // With the page index.
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting_columns(dataset)));
    for column in dataset.columns {
        let path = ColumnPath::from(column.name);
        properties = properties.set_column_dictionary_enabled(path.clone(), repeats(dataset, column));
        if column.name == "call_id" {
            // The largest number of calls that can be; the filter is folded to the number there is.
            properties = properties
                .set_column_bloom_filter_enabled(path.clone(), true)
                .set_column_bloom_filter_fpp(path.clone(), BLOOM_FALSE_POSITIVES)
                .set_column_bloom_filter_max_ndv(path, ROW_GROUP_ROWS as u64);
        }
    }
    properties.build()
}

fn sorting_columns(dataset: &Dataset) -> Vec<SortingColumn> {
    let index = |name: &&str| dataset.columns.iter().position(|column| column.name == *name);
    let sorting = |index| SortingColumn {
        column_idx: i32::try_from(index).expect("datasets have some dozens of columns"),
        descending: false,
        nulls_first: false,
    };
    dataset.order.iter().filter_map(index).map(sorting).collect()
}

/// Whether a column's values come again and again, so that a dictionary of them is smaller than
/// they are and ids are found faster. Free text, offsets and measures hardly repeat, and compress
/// better as they are.
fn repeats(dataset: &Dataset, column: &Column) -> bool {
    const FREE_TEXT: [&str; 6] = ["text", "title", "brief", "url", "meeting_url", "custom_data"];
    match column.kind {
        ColumnType::Text => !FREE_TEXT.contains(&column.name) && !column.name.ends_with("_json"),
        ColumnType::Int64 => !column.name.ends_with("_ms"),
        ColumnType::Double => false,
        ColumnType::Boolean => false,
        // The call's start stands in each of its rows, a period's bounds in all of them.
        ColumnType::Instant => {
            (column.name == "call_started_at" && dataset.key.len() > 1) || column.name.starts_with("period_")
        }
    }
}

#[cfg(test)]
mod tests;
