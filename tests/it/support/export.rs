//! A whole export as rows that can be compared, read by the Parquet library's own reader.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::DateTime;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use super::python::Row;

/// One data file: rows and what its footer says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct DataFile {
    /// Key and value in the path, such as `call_date` and `2026-03-02`.
    pub(crate) partition: (String, String),
    pub(crate) columns: Vec<String>,
    pub(crate) rows: Vec<Row>,
    pub(crate) footer: BTreeMap<String, String>,
}

/// All data files below a destination, by their path in it.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Export {
    pub(crate) files: BTreeMap<String, DataFile>,
}

impl Export {
    /// Reads everything; a file that is no whole Parquet file fails the test.
    #[track_caller]
    pub(crate) fn read(destination: &Path) -> Self {
        let mut files = BTreeMap::new();
        for path in data_files(destination) {
            let key = path.strip_prefix(destination).expect("it was found there").to_string_lossy().into_owned();
            let file = read_file(&path).unwrap_or_else(|error| panic!("{key}: {error}"));
            files.insert(key, file);
        }
        Self { files }
    }

    /// The rows of a dataset over all partitions, with the partition's day in a column, in order of
    /// partition and file.
    pub(crate) fn rows(&self, dataset: &str) -> Vec<Row> {
        let mut rows = Vec::new();
        for (_, file) in self.of(dataset) {
            let (key, value) = &file.partition;
            for row in &file.rows {
                let mut row = row.clone();
                row.insert(key.clone(), json!(value));
                rows.push(row);
            }
        }
        rows
    }

    /// The files of a dataset.
    pub(crate) fn of(&self, dataset: &str) -> impl Iterator<Item = (&String, &DataFile)> {
        let prefix = format!("{dataset}/");
        self.files.iter().filter(move |(key, _)| key.starts_with(&prefix))
    }

    /// The days (or months) that a dataset has files of.
    pub(crate) fn partitions(&self, dataset: &str) -> Vec<&str> {
        self.of(dataset).map(|(_, file)| file.partition.1.as_str()).collect()
    }

    /// What equal exports have in common: each file's rows and checksum.
    pub(crate) fn content(&self) -> BTreeMap<&str, (&[Row], &str)> {
        self.files.iter().map(|(key, file)| (key.as_str(), (&file.rows[..], file.checksum()))).collect()
    }
}

impl DataFile {
    pub(crate) fn checksum(&self) -> &str {
        self.footer("checksum")
    }

    /// A value of the footer, by its name without the prefix.
    #[track_caller]
    pub(crate) fn footer(&self, name: &str) -> &str {
        let key = format!("gong_export.{name}");
        self.footer.get(&key).unwrap_or_else(|| panic!("the footer has no {key}: {:?}", self.footer))
    }
}

/// Says where two exports differ, instead of printing both.
#[track_caller]
pub(crate) fn assert_same(actual: &Export, expected: &Export) {
    let keys = |export: &Export| export.files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(keys(actual), keys(expected), "other files");
    for ((key, (rows, sum)), (_, (expected_rows, expected_sum))) in actual.content().iter().zip(&expected.content()) {
        assert_rows(key, rows, expected_rows);
        assert_eq!(sum, expected_sum, "{key}: another checksum for the same rows");
    }
}

/// Compares rows one by one, in order.
#[track_caller]
pub(crate) fn assert_rows(what: &str, actual: &[Row], expected: &[Row]) {
    for (number, (row, expected)) in actual.iter().zip(expected).enumerate() {
        assert_eq!(json!(row), json!(expected), "{what}: row {number}");
    }
    let (count, expected_count) = (actual.len(), expected.len());
    let extra = actual.get(expected_count).or(expected.get(count));
    assert_eq!(count, expected_count, "{what}: number of rows; the first one too many: {extra:?}");
}

/// Every file that a glob over all datasets finds; hidden folders and files that engines skip by
/// their leading underscore are not data.
pub(crate) fn data_files(destination: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![destination.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if path.is_dir() {
                if name != "_gong_export" {
                    folders.push(path);
                }
            } else if name.to_string_lossy().ends_with(".parquet") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

pub(crate) fn read_file(path: &Path) -> Result<DataFile, Box<dyn std::error::Error>> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
    let footer = builder.metadata().file_metadata().key_value_metadata().cloned().unwrap_or_default();
    let footer = footer.into_iter().map(|pair| (pair.key, pair.value.unwrap_or_default())).collect();
    let columns = builder.schema().fields().iter().map(|field| field.name().clone()).collect();
    let mut rows = Vec::new();
    for batch in builder.build()? {
        append(&batch?, &mut rows);
    }
    let folder = path.parent().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let partition = folder.as_deref().and_then(|name| name.split_once('=')).ok_or("not in a partition's folder")?;
    Ok(DataFile { partition: (partition.0.to_owned(), partition.1.to_owned()), columns, rows, footer })
}

fn append(batch: &RecordBatch, rows: &mut Vec<Row>) {
    let first = rows.len();
    rows.resize(first + batch.num_rows(), Row::new());
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        for (place, row) in rows[first..].iter_mut().enumerate() {
            row.insert(field.name().clone(), value(column.as_ref(), place));
        }
    }
}

fn value(column: &dyn Array, place: usize) -> Value {
    if column.is_null(place) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Utf8 => json!(column.as_string::<i32>().value(place)),
        DataType::Int64 => json!(column.as_primitive::<Int64Type>().value(place)),
        DataType::Float64 => json!(column.as_primitive::<Float64Type>().value(place)),
        DataType::Boolean => json!(column.as_boolean().value(place)),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) => {
            assert_eq!(zone.as_ref(), "UTC", "instants are in UTC");
            instant(column.as_primitive::<TimestampMicrosecondType>().value(place))
        }
        other => panic!("no dataset has a column of type {other}"),
    }
}

/// An instant as all readers of the tests write it.
pub(crate) fn instant(micros: i64) -> Value {
    let instant = DateTime::from_timestamp_micros(micros).expect("an instant of this millennium");
    json!(instant.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string())
}
