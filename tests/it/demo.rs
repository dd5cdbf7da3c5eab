//! What the first minute with the product gives: the demo job's files, as people's readers see them,
//! and every property that the files promise.

use std::path::Path;

use serde_json::{Value, json};

use crate::support::command::{Finished, Sandbox, job, simulated};
use crate::support::export::{Export, assert_rows, data_files};
use crate::support::python::{self, Row};
use crate::support::repository;

const DATASETS: [&str; 5] = ["activity_stats", "calls", "parties", "transcripts", "users"];

fn run_demo(sandbox: &Sandbox) -> Finished {
    let demo = repository().join("jobs/demo.yaml");
    let export = sandbox.export();
    sandbox.run([
        Path::new("run"),
        &demo,
        Path::new("--destination"),
        &export,
        Path::new("--output"),
        Path::new("json"),
    ])
}

/// What people paste.
fn duckdb_source(export: &Path, dataset: &str) -> String {
    format!("read_parquet('{}/{dataset}/*/*.parquet', hive_partitioning = true)", export.display())
}

/// In an order that does not depend on the reader.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_cached_key(|row| json!(row).to_string());
    rows
}

#[test]
fn three_readers_see_the_same_rows_in_the_demo() {
    let sandbox = Sandbox::new();
    let record = run_demo(&sandbox).expect(0).json();
    assert_eq!((&record["outcome"], &record["simulated"]), (&json!("done"), &json!(true)));

    let root = sandbox.export();
    let export = Export::read(&root);
    for dataset in DATASETS {
        // Two weeks, the last day not included, and one snapshot.
        assert_eq!(export.of(dataset).count(), if dataset == "users" { 1 } else { 14 }, "{dataset}");
        let rows = sorted(export.rows(dataset));
        assert!(!rows.is_empty(), "{dataset} is empty");
        let total = record["datasets"].as_array().unwrap().iter().find(|total| total["dataset"] == dataset).unwrap();
        assert_eq!(total["rows"], rows.len(), "{dataset}: the run record counts otherwise");
        assert_eq!(total["partitions"], export.of(dataset).count(), "{dataset}");

        let duckdb = sorted(python::duckdb(&format!("SELECT * FROM {}", duckdb_source(&root, dataset))));
        assert_rows(&format!("{dataset} in DuckDB"), &duckdb, &rows);
        let pyarrow = sorted(python::pyarrow_rows(&root.join(dataset)));
        assert_rows(&format!("{dataset} in pyarrow"), &pyarrow, &rows);
    }
}

#[test]
fn duckdb_computes_and_filters_as_the_rows_say() {
    let sandbox = Sandbox::new();
    sandbox.export_job(&job(&simulated(json!({})))).expect(0);
    let root = sandbox.export();
    let calls = Export::read(&root).rows("calls");
    let source = duckdb_source(&root, "calls");

    let aggregates = python::duckdb(&format!(
        "SELECT count(*) AS rows, sum(duration_s) AS seconds, min(call_started_at) AS first, max(call_started_at) AS last,
                min(call_id) AS low, max(call_id) AS high, any_value(typeof(call_date)) AS partition_type FROM {source}"
    ));
    let texts = |column: &str| calls.iter().map(move |row| row[column].as_str().unwrap()).collect::<Vec<_>>();
    let seconds: i64 = calls.iter().filter_map(|row| row["duration_s"].as_i64()).sum();
    let expected = json!([{
        "rows": calls.len(),
        "seconds": seconds,
        "first": texts("call_started_at").into_iter().min(),
        "last": texts("call_started_at").into_iter().max(),
        "low": texts("call_id").into_iter().min(),
        "high": texts("call_id").into_iter().max(),
        "partition_type": "DATE",
    }]);
    assert_eq!(json!(aggregates), expected);

    // By id through the bloom filter, by time through the statistics, by day through the path.
    let one = &calls[calls.len() / 2];
    let (id, at) = (one["call_id"].as_str().unwrap(), one["call_started_at"].as_str().unwrap());
    let by_id = python::duckdb(&format!("SELECT * FROM {source} WHERE call_id = '{id}'"));
    assert_eq!(json!(by_id), json!([one]));
    let before = python::duckdb(&format!("SELECT call_id FROM {source} WHERE call_started_at < TIMESTAMPTZ '{at}'"));
    assert_eq!(before.len(), calls.iter().filter(|row| row["call_started_at"].as_str() < Some(at)).count());
    let day = python::duckdb(&format!("SELECT call_id FROM {source} WHERE call_date = DATE '2026-03-03'"));
    assert_eq!(day.len(), calls.iter().filter(|row| row["call_date"] == "2026-03-03").count());
}

#[test]
fn files_have_every_property_they_promise() {
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&simulated(json!({})))).expect(0).json();
    let files = data_files(&sandbox.export());
    assert!(files.len() >= 17, "{files:?}");
    for file in python::parquet_metadata(&files) {
        let path = file["path"].as_str().unwrap();
        let dataset = Path::new(path).file_stem().unwrap().to_str().unwrap();
        let rows = file["num_rows"].as_u64().unwrap();
        assert_eq!(file["created_by"], json!(format!("gong-export {}", env!("CARGO_PKG_VERSION"))), "{path}");
        assert_eq!(file["format_version"], "1.0", "{path}: some warehouses read writer version 1 only");

        let pairs = file["key_values"].as_object().unwrap();
        assert!(pairs.keys().all(|key| key.starts_with("gong_export.")), "{path}: {pairs:?}");
        for (entry, value) in [
            ("tool_version", json!(env!("CARGO_PKG_VERSION"))),
            ("schema_version", json!("1")),
            ("job", json!("test")),
            ("dataset", json!(dataset)),
            ("run_id", record["run_id"].clone()),
            ("records_written", json!(rows.to_string())),
            ("simulated", json!("true")),
        ] {
            assert_eq!(pairs[&format!("gong_export.{entry}")], value, "{path}: {entry}");
        }
        for entry in ["partition", "as_of", "window_from", "window_to", "checksum", "transcripts_awaited"] {
            assert!(pairs.contains_key(&format!("gong_export.{entry}")), "{path}: no {entry}");
        }

        let columns: Vec<&Value> = file["columns"].as_array().unwrap().iter().collect();
        let partition_key = Path::new(path).parent().unwrap().file_name().unwrap().to_str().unwrap();
        let partition_key = partition_key.split('=').next().unwrap();
        assert!(
            columns.iter().all(|column| column["name"] != partition_key),
            "{path}: the partition stands in the path only"
        );
        for column in &columns {
            let kind = (column["physical"].as_str().unwrap(), column["logical"].as_str().unwrap());
            let is_known = match kind {
                ("BYTE_ARRAY", "String") | ("INT64" | "DOUBLE" | "BOOLEAN", "None") => true,
                ("INT64", logical) => {
                    logical.contains("isAdjustedToUTC=true") && logical.contains("timeUnit=microseconds")
                }
                _ => false,
            };
            assert!(is_known, "{path}: {} is {kind:?}", column["name"]);
            let name = column["name"].as_str().unwrap();
            assert_eq!(column["required"], json!(key(dataset).contains(&name)), "{path}: {name}");
        }
        check_row_groups(path, dataset, &file, &columns);
    }
}

/// What names a row; with the start of the call, the columns that are never null.
fn key(dataset: &str) -> &'static [&'static str] {
    match dataset {
        "calls" => &["call_id", "call_started_at"],
        "parties" => &["call_id", "call_started_at", "party_index"],
        "transcripts" => &["call_id", "call_started_at", "sentence_index", "monologue_index"],
        _ => &["user_id"],
    }
}

fn order(dataset: &str) -> &'static [&'static str] {
    match dataset {
        "calls" => &["call_started_at", "call_id"],
        "parties" => &["call_started_at", "call_id", "party_index"],
        "transcripts" => &["call_started_at", "call_id", "sentence_index"],
        _ => &["user_id"],
    }
}

fn check_row_groups(path: &str, dataset: &str, file: &Row, columns: &[&Value]) {
    for group in file["row_groups"].as_array().unwrap() {
        assert!(group["rows"].as_u64().unwrap() <= 131_072, "{path}");
        let sorting: Vec<_> = order(dataset)
            .iter()
            .map(|name| json!([columns.iter().position(|column| column["name"] == *name), false]))
            .collect();
        assert_eq!(group["sorting"], json!(sorting), "{path}: declared order");
        for column in group["columns"].as_array().unwrap() {
            let name = column["name"].as_str().unwrap();
            assert_eq!(column["compression"], "ZSTD", "{path}: {name}");
            for index in ["statistics", "column_index", "offset_index"] {
                assert_eq!(column[index], true, "{path}: {name} has no {index}");
            }
            let encodings = column["encodings"].as_array().unwrap();
            let has_dictionary = encodings.iter().any(|encoding| encoding.as_str().unwrap().ends_with("DICTIONARY"));
            if matches!(name, "text" | "start_ms" | "end_ms" | "brief") {
                assert!(!has_dictionary, "{path}: a dictionary makes {name} larger");
            }
            if matches!(name, "speaker_id" | "direction" | "affiliation") {
                assert!(has_dictionary, "{path}: {name} repeats");
            }
            let v1 = ["PLAIN", "RLE", "BIT_PACKED", "PLAIN_DICTIONARY", "RLE_DICTIONARY"];
            assert!(encodings.iter().all(|encoding| v1.contains(&encoding.as_str().unwrap())), "{path}: {encodings:?}");
        }
    }
}

#[test]
fn rows_stand_in_the_declared_order() {
    let sandbox = Sandbox::new();
    sandbox.export_job(&job(&simulated(json!({})))).expect(0);
    for (path, file) in Export::read(&sandbox.export()).files {
        let dataset = path.split('/').next().unwrap();
        let keys: Vec<Vec<String>> =
            file.rows.iter().map(|row| order(dataset).iter().map(|name| sortable(&row[*name])).collect()).collect();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]), "{path}");
    }
}

fn sortable(value: &Value) -> String {
    value.as_i64().map_or_else(|| value.as_str().unwrap().to_owned(), |number| format!("{number:020}"))
}

#[test]
fn a_day_without_records_is_a_file_with_all_columns_and_no_rows() {
    let sandbox = Sandbox::new();
    // The company's first day is the second of the range, so the first one is empty.
    let mut job = job(&simulated(json!({ "first_day": "2026-03-03" })));
    job["range"]["to"] = json!("2026-03-04");
    sandbox.export_job(&job).expect(0);
    let export = Export::read(&sandbox.export());
    for dataset in ["calls", "parties", "transcripts", "activity_stats"] {
        let files: Vec<_> = export.of(dataset).map(|(_, file)| file).collect();
        assert_eq!(export.partitions(dataset), ["2026-03-02", "2026-03-03"], "{dataset}");
        assert_eq!(files[0].rows.len(), 0, "{dataset}");
        assert_eq!(files[0].columns, files[1].columns, "{dataset}");
        assert_eq!(files[0].footer("records_written"), "0");
    }
    let days = python::duckdb(&format!(
        "SELECT call_date, count(*) AS rows FROM {} GROUP BY call_date ORDER BY call_date",
        duckdb_source(&sandbox.export(), "calls")
    ));
    assert_eq!(days.len(), 1, "{days:?}");
    assert_eq!(days[0]["call_date"], "2026-03-03");
    let empty = sandbox.export().join("calls/call_date=2026-03-02/calls.parquet");
    let described = python::duckdb(&format!("DESCRIBE SELECT * FROM '{}'", empty.display()));
    assert!(described.iter().any(
        |column| column["column_name"] == "call_started_at" && column["column_type"] == "TIMESTAMP WITH TIME ZONE"
    ));
}
