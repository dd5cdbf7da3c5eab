//! What the tests of several datasets need: batches as JSON, to be compared with what is expected.

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use serde_json::{Map, Value, json};

use super::{CallInput, Dataset, Record, Rows, RowsByDay, Source, TranscriptInput};
use crate::gong::model::{Call, Drift, Rejected};

/// Every row as an object of its columns.
pub(super) fn table(batch: &RecordBatch) -> Vec<Value> {
    let schema = batch.schema();
    let row = |row| {
        let columns = schema.fields().iter().zip(batch.columns());
        columns.map(|(field, array)| (field.name().clone(), cell(array, row))).collect::<Map<_, _>>()
    };
    (0..batch.num_rows()).map(|index| Value::Object(row(index))).collect()
}

/// The rows that a dataset makes of one call.
pub(super) fn call_table(dataset: &'static Dataset, raw: &str, transcript: TranscriptInput<'_>) -> Vec<Value> {
    let Source::Call { rows: make, .. } = &dataset.source else { panic!("{} is not made of calls", dataset.name) };
    let call = Call::decode(raw, &mut Drift::default()).unwrap();
    let mut rows = Rows::new(dataset);
    make(&CallInput { call: &call, transcript }, &mut rows, &mut Drift::default());
    table(&rows.finish())
}

/// The rows that a dataset makes of a call with these blocks, each as the list of its cells without the
/// two columns of the call, and what was counted on the way.
pub(super) fn cells(dataset: &'static Dataset, blocks: Value) -> (Vec<Value>, Drift) {
    let Source::Call { rows: make, .. } = &dataset.source else { panic!("{} is not made of calls", dataset.name) };
    let mut record = blocks;
    record["metaData"] = json!({"id": "1", "started": "2026-03-02T10:00:00Z"});
    let raw = record.to_string();
    let mut drift = Drift::default();
    let call = Call::decode(&raw, &mut drift).unwrap();
    let mut rows = Rows::new(dataset);
    make(&CallInput { call: &call, transcript: TranscriptInput::NotAsked }, &mut rows, &mut drift);
    let cells = table(&rows.finish()).into_iter().map(|row| {
        assert_eq!((&row["call_id"], &row["call_started_at"]), (&json!("1"), &json!("2026-03-02T10:00:00Z")));
        dataset.columns[2..].iter().map(|column| row[column.name].clone()).collect()
    });
    (cells.collect(), drift)
}

/// The rows of one day that a dataset makes of records of its list, in the order of the file.
pub(super) fn list_table(dataset: &'static Dataset, records: &[&str], day: &str) -> Vec<Value> {
    list_table_with(dataset, None, records, day)
}

/// The same of a list that was asked `with` something.
pub(super) fn list_table_with(
    dataset: &'static Dataset,
    with: Option<&str>,
    records: &[&str],
    day: &str,
) -> Vec<Value> {
    let day: NaiveDate = day.parse().unwrap();
    let mut out = RowsByDay::new(dataset, day, day + Days::new(1));
    for raw in records {
        make(&Record { raw, with, day, zone: chrono_tz::UTC }, &mut out, &mut Drift::default()).unwrap();
    }
    out.finish().take(day).map(|batch| table(&batch)).unwrap_or_default()
}

/// What a dataset keeps beside the columns of the one row of a record, and what it counts of it.
pub(super) fn list_extra(dataset: &'static Dataset, raw: &str) -> (Value, Drift) {
    let (day, mut drift) = (SOME_DAY, Drift::default());
    let mut out = RowsByDay::new(dataset, day, day + Days::new(1));
    make(&Record { raw, with: Some("1"), day, zone: chrono_tz::UTC }, &mut out, &mut drift).unwrap();
    let rows = table(&out.finish().take(day).expect("a row"));
    let [row] = rows.as_slice() else { panic!("{} rows", rows.len()) };
    let extra = row["extra_json"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
    (extra, drift)
}

/// Why a dataset rejects a record, of which it then has no row.
pub(super) fn rejected(dataset: &'static Dataset, raw: &str) -> String {
    let mut out = RowsByDay::new(dataset, SOME_DAY, SOME_DAY + Days::new(1));
    let record = Record { raw, with: Some("1"), day: SOME_DAY, zone: chrono_tz::UTC };
    let rejected = make(&record, &mut out, &mut Drift::default()).expect_err("it is rejected");
    assert_eq!(out.finish().rows, 0, "{}", dataset.name);
    rejected.reason
}

/// Day of records whose day does not matter.
const SOME_DAY: NaiveDate = NaiveDate::from_ymd_opt(2026, 3, 8).unwrap();

fn make(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let dataset = out.dataset();
    let Source::List { rows, .. } = &dataset.source else { panic!("{} is not made of a list", dataset.name) };
    rows(record, out, drift)
}

fn cell(array: &dyn Array, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Utf8 => json!(array.as_string::<i32>().value(row)),
        DataType::Int64 => json!(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => json!(array.as_primitive::<Float64Type>().value(row)),
        DataType::Boolean => json!(array.as_boolean().value(row)),
        DataType::Timestamp(..) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            json!(DateTime::from_timestamp_micros(micros).unwrap().to_rfc3339_opts(SecondsFormat::AutoSi, true))
        }
        other => panic!("no dataset has a column of type {other}"),
    }
}
