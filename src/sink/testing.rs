//! What the tests of this module share: small datasets, rows for them, and stores to put them in.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::datatypes::Schema;
use chrono::{DateTime, Utc};
use parquet::basic::Compression;
use proptest::prelude::*;

use crate::calendar::{Partition, PartitionBy};
use crate::dataset::{Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Source};
use crate::sink::store::Backend;
use crate::sink::{DataFile, DataFileWriter, Error, Location, Store, WriterSettings};
use crate::state::footer::{Footer, SCHEMA_VERSION};
use crate::state::privacy_note::PrivacyNote;

mod failing;
pub(crate) mod s3;

pub(crate) use failing::{Failing, Failure};

use ColumnType::{Boolean, Double, Instant, Int64, Text};

const CALL: Source = Source::Call { blocks: &[], transcript: false, rows: |_, _, _| {} };
const CALL_ID: Column = Column::new("call_id", Text, "the call").required();
const CALL_STARTED_AT: Column = Column::new("call_started_at", Instant, "when it began").required();

pub(crate) static CALLS: Dataset = Dataset {
    name: "calls",
    about: "a call",
    group: Group::Standard,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("title", Text, "its title").personal(Personal::Text),
        Column::new("has_transcript", Boolean, "whether there is a transcript"),
    ],
    key: &["call_id"],
    order: &["call_started_at", "call_id"],
    partition: PartitionColumn::Call,
    source: CALL,
};

pub(crate) static TRANSCRIPTS: Dataset = Dataset {
    name: "transcripts",
    about: "a sentence",
    group: Group::Standard,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("sentence_index", Int64, "its position").required(),
        Column::new("text", Text, "what was said").personal(Personal::Text),
    ],
    key: &["call_id", "sentence_index"],
    order: &["call_started_at", "call_id", "sentence_index"],
    partition: PartitionColumn::Call,
    source: CALL,
};

pub(crate) static USERS: Dataset = Dataset {
    name: "users",
    about: "a user",
    group: Group::Standard,
    columns: &[Column::new("user_id", Text, "the user").required()],
    key: &["user_id"],
    order: &["user_id"],
    partition: PartitionColumn::Snapshot,
    source: CALL,
};

pub(crate) static ACTIVITY: Dataset = Dataset {
    name: "activity_stats",
    about: "a user's day",
    group: Group::Standard,
    columns: &[Column::new("user_id", Text, "the user").required()],
    key: &["user_id"],
    order: &["user_id"],
    partition: PartitionColumn::Activity,
    source: CALL,
};

/// One column of each type, and of each kind that is encoded in its own way.
pub(crate) static SAMPLES: Dataset = Dataset {
    name: "samples",
    about: "a sample",
    group: Group::Standard,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("count", Int64, "a number"),
        Column::new("share", Double, "a fraction"),
        Column::new("flag", Boolean, "a flag"),
        Column::new("text", Text, "a text"),
        Column::new("start_ms", Int64, "an offset"),
        Column::new("extra_json", Text, "the rest"),
    ],
    key: &["call_id", "count"],
    order: &["call_started_at", "call_id"],
    partition: PartitionColumn::Call,
    source: CALL,
};

pub(crate) static DATASETS: [&Dataset; 5] = [&CALLS, &TRANSCRIPTS, &USERS, &ACTIVITY, &SAMPLES];

pub(crate) fn batch(dataset: &Dataset, columns: Vec<ArrayRef>) -> RecordBatch {
    let fields: Vec<_> = dataset.columns.iter().map(Column::field).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

pub(crate) fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn instants(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(values).with_timezone("UTC"))
}

/// Calls: id, start, whether there is a transcript.
pub(crate) fn calls(rows: &[(&str, &str, bool)]) -> RecordBatch {
    batch(
        &CALLS,
        vec![
            texts(rows.iter().map(|row| Some(row.0))),
            instants(rows.iter().map(|row| at(row.1).timestamp_micros())),
            texts(rows.iter().map(|_| Some("Weekly sync"))),
            Arc::new(rows.iter().map(|row| Some(row.2)).collect::<BooleanArray>()),
        ],
    )
}

/// Sentences: call, its start, position, text.
pub(crate) fn sentences(rows: &[(&str, &str, i64, &str)]) -> RecordBatch {
    batch(
        &TRANSCRIPTS,
        vec![
            texts(rows.iter().map(|row| Some(row.0))),
            instants(rows.iter().map(|row| at(row.1).timestamp_micros())),
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|row| row.2))),
            texts(rows.iter().map(|row| Some(row.3))),
        ],
    )
}

pub(crate) fn users(ids: &[&str]) -> RecordBatch {
    batch(&USERS, vec![texts(ids.iter().map(|id| Some(*id)))])
}

/// A row of [`SAMPLES`].
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    id: String,
    started: i64,
    count: Option<i64>,
    share: Option<f64>,
    flag: Option<bool>,
    text: Option<String>,
    start_ms: Option<i64>,
    json: Option<String>,
}

pub(crate) fn any_rows(length: Range<usize>) -> impl Strategy<Value = Vec<Sample>> {
    let row = (
        "[0-9]{1,4}",
        0i64..4_000_000_000_000_000,
        any::<Option<i64>>(),
        any::<Option<f64>>(),
        any::<Option<bool>>(),
        any::<Option<String>>(),
        any::<Option<i64>>(),
        any::<Option<String>>(),
    );
    let row = row.prop_map(|(id, started, count, share, flag, text, start_ms, json)| Sample {
        id,
        started,
        count,
        share,
        flag,
        text,
        start_ms,
        json,
    });
    proptest::collection::vec(row, length)
}

pub(crate) fn all_types_batch(rows: &[Sample]) -> RecordBatch {
    batch(
        &SAMPLES,
        vec![
            texts(rows.iter().map(|row| Some(row.id.as_str()))),
            instants(rows.iter().map(|row| row.started)),
            Arc::new(rows.iter().map(|row| row.count).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.share).collect::<Float64Array>()),
            Arc::new(rows.iter().map(|row| row.flag).collect::<BooleanArray>()),
            texts(rows.iter().map(|row| row.text.as_deref())),
            Arc::new(rows.iter().map(|row| row.start_ms).collect::<Int64Array>()),
            texts(rows.iter().map(|row| row.json.as_deref())),
        ],
    )
}

pub(crate) fn place(dataset: &'static Dataset, day: &str) -> Location {
    Location::new(dataset, Partition::of_day(day.parse().unwrap(), PartitionBy::Day))
}

pub(crate) fn footer(location: Location, rows: u64, checksum: String) -> Footer {
    let partition = location.partition();
    Footer {
        tool_version: "0.1.0".into(),
        schema_version: SCHEMA_VERSION,
        job: "test".into(),
        run_id: "run-1".into(),
        dataset: location.dataset().name.into(),
        partition,
        as_of: at("2025-02-10T00:00:00Z"),
        window: partition.span(chrono_tz::UTC),
        records_announced: Some(rows),
        records_written: rows,
        records_withheld: 0,
        checksum,
        transcripts_awaited: 0,
        oldest_awaited: None,
        simulated: true,
        selection: "{}".into(),
        privacy: PrivacyNote::NONE,
    }
}

pub(crate) fn uncompressed() -> WriterSettings {
    WriterSettings { compression: Compression::UNCOMPRESSED }
}

/// Writes a data file from a blocking thread, with the footer as `change` leaves it.
pub(crate) async fn write_with(
    store: &Store,
    location: Location,
    batches: &[RecordBatch],
    change: fn(&mut Footer),
) -> Result<DataFile, Error> {
    let (store, batches) = (store.clone(), batches.to_vec());
    let work = move || {
        let mut file = DataFileWriter::create(&store, location, &uncompressed())?;
        for batch in &batches {
            file.write(batch)?;
        }
        file.commit(|rows, checksum| {
            let mut footer = footer(location, rows, checksum);
            change(&mut footer);
            footer
        })
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

pub(crate) async fn write(store: &Store, location: Location, batches: &[RecordBatch]) -> Result<DataFile, Error> {
    write_with(store, location, batches, |_| {}).await
}

/// All keys below the destination.
pub(crate) async fn everything(store: &Store) -> Vec<String> {
    match &store.backend {
        Backend::Object(bucket) => bucket.list("").await.unwrap().into_iter().map(|(key, _)| key).collect(),
        Backend::Local(folder) => {
            let mut keys = Vec::new();
            let mut folders = vec![folder.root().to_path_buf()];
            while let Some(path) = folders.pop() {
                for entry in std::fs::read_dir(path).unwrap() {
                    let path = entry.unwrap().path();
                    if path.is_dir() {
                        folders.push(path);
                    } else {
                        keys.push(path.strip_prefix(folder.root()).unwrap().to_str().unwrap().to_owned());
                    }
                }
            }
            keys.sort();
            keys
        }
    }
}
