//! Loads: of everything, of what a run changed, twice.

use std::fs;

use gong_export::sql::Dialect;
use serde_json::{Value, json};

use super::{ODD, assert_tried, datasets, exported, script, small, sorted, truth};
use crate::support::command::Sandbox;
use crate::support::export::assert_rows;
use crate::support::postgres::Cluster;
use crate::support::python::{self, Row};
use crate::support::skipped;

/// The same day as the first run, so that no new snapshot is due.
const LATER: &str = "2026-03-20T18:00:00Z";

fn cluster() -> Option<Cluster> {
    let cluster = Cluster::start();
    if cluster.is_none() {
        skipped("the SQL for Postgres: it is not installed here; Debian's package postgresql has it");
    }
    cluster
}

fn rows(cluster: &Cluster, dataset: &str) -> Vec<Row> {
    let mut rows = cluster.query(&format!("SELECT * FROM {dataset}"));
    for value in rows.iter_mut().flat_map(|row| row.values_mut()) {
        // As all other readers write instants; Postgres drops zeros at the end.
        if let Some(instant) = value.as_str().and_then(|text| chrono::DateTime::parse_from_rfc3339(text).ok()) {
            *value = json!(instant.to_utc().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string());
        }
    }
    sorted(rows)
}

fn load(cluster: &Cluster, sandbox: &Sandbox, more: &[&str]) -> String {
    let text = script(sandbox, "postgres", more);
    cluster.execute(&sandbox.write("load.sql", &text));
    text
}

#[test]
fn postgres_holds_what_the_files_hold_however_often_it_is_loaded() {
    let Some(cluster) = cluster() else { return };
    let sandbox = exported();
    let truth = truth(&sandbox);
    for _ in 0..2 {
        load(&cluster, &sandbox, &[]);
        for dataset in datasets() {
            assert_rows(dataset.name, &rows(&cluster, dataset.name), &truth(dataset));
        }
    }
    load(&cluster, &sandbox, &["--run", "last"]);
    for dataset in datasets() {
        assert_rows(dataset.name, &rows(&cluster, dataset.name), &truth(dataset));
    }
    let version = cluster.query("SELECT current_setting('server_version') AS version");
    assert_tried(Dialect::Postgres, version[0]["version"].as_str().unwrap());
    let comment = cluster.query("SELECT col_description('calls'::regclass, 5) AS comment");
    assert_eq!(comment[0]["comment"], "Personal data: title of the call or meeting. From metaData.title");
    let kinds = cluster.query(
        "SELECT data_type FROM information_schema.columns WHERE table_name = 'users' AND column_name IN
         ('active', 'created_at', 'settings_json', 'snapshot_date', 'user_id') ORDER BY column_name",
    );
    let kinds: Vec<_> = kinds.iter().map(|row| row["data_type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["boolean", "timestamp with time zone", "jsonb", "date", "text"]);
}

#[test]
fn months_are_loaded_and_seen_as_days_are() {
    let Some(cluster) = cluster() else { return };
    let sandbox = Sandbox::new();
    let mut job = small();
    job["range"] = json!({ "from": "2026-02-27", "to": "2026-03-04" });
    job["destination"]["partition_by"] = json!("month");
    sandbox.export_job(&job).expect(0);
    let truth = truth(&sandbox);
    let views = script(&sandbox, "duckdb", &[]);
    load(&cluster, &sandbox, &[]);
    load(&cluster, &sandbox, &["--run", "last"]);
    for dataset in datasets() {
        let expected = truth(dataset);
        assert_rows(dataset.name, &rows(&cluster, dataset.name), &expected);
        let seen = python::duckdb(&format!("{views}\nSELECT * FROM {}", dataset.name));
        assert_rows(dataset.name, &sorted(seen), &expected);
    }
    let months = cluster.query("SELECT DISTINCT call_month FROM calls ORDER BY 1");
    assert_eq!(json!(months), json!([{ "call_month": "2026-02-01" }, { "call_month": "2026-03-01" }]));
}

#[test]
fn a_run_that_changed_one_partition_replaces_just_that_one() {
    let Some(cluster) = cluster() else { return };
    let sandbox = exported();
    let truth = truth(&sandbox);
    load(&cluster, &sandbox, &[]);
    // What is not loaded again keeps this mark.
    cluster.run("UPDATE calls SET title = 'old'; UPDATE transcripts SET topic = 'old'");
    fs::remove_file(sandbox.path().join(ODD).join("calls/call_date=2026-03-03/calls.parquet")).unwrap();
    sandbox.export_job_at(&small(), LATER, &[]).expect(0);

    let script = load(&cluster, &sandbox, &["--run", "last"]);
    assert_eq!(script.matches("\\copy ").count(), 1, "one dataset changed");
    let calls = datasets().into_iter().find(|dataset| dataset.name == "calls").unwrap();
    let fresh = rows(&cluster, "calls").into_iter().filter(|row| row["title"] != "old");
    let expected: Vec<_> = truth(calls).into_iter().filter(|row| row["call_date"] == "2026-03-03").collect();
    assert!(!expected.is_empty());
    assert_rows("calls", &fresh.collect::<Vec<_>>(), &expected);
    let old = cluster.query("SELECT count(*) AS rows FROM transcripts WHERE topic IS DISTINCT FROM 'old'");
    assert_eq!(old[0]["rows"], 0, "transcripts did not change");
}

#[test]
fn what_a_killed_run_changed_is_loaded_with_the_run_that_took_it_up() {
    let sandbox = exported();
    // A killed run's record, which had not been written again since its begin.
    let runs: Vec<_> = fs::read_dir(sandbox.path().join(ODD).join("_gong_export/runs")).unwrap().collect();
    let [Ok(killed)] = &runs[..] else { panic!("one run: {runs:?}") };
    let mut record: Value = serde_json::from_slice(&fs::read(killed.path()).unwrap()).unwrap();
    let written = record["files"].as_array().unwrap().len();
    record["outcome"] = json!("running");
    record["files"] = json!([]);
    fs::write(killed.path(), record.to_string()).unwrap();

    let next = sandbox.export_job_at(&small(), LATER, &[]).expect(0).json();
    assert_eq!(next["resumes"], record["started_at"]);
    let changed = next["files"].as_array().unwrap().iter().filter(|file| file["changed"] == true).count();
    assert!(changed < written, "nothing was left to the second run");
    for run in ["last", next["run_id"].as_str().unwrap()] {
        let arguments = ["sql", "job.yaml", "--dialect", "postgres", "--run", run, "--output", "json"];
        let report = sandbox.run(arguments).expect(0).json();
        let partitions = report["datasets"].as_array().unwrap().iter().map(|one| one["partitions"].as_u64().unwrap());
        assert_eq!(partitions.sum::<u64>(), written as u64, "--run {run}");
        assert_eq!(report["run"], next["run_id"]);
    }
}

#[test]
fn characters_that_postgres_cannot_hold_stop_no_load() {
    let Some(cluster) = cluster() else { return };
    let sandbox = exported();
    let file = sandbox.path().join(ODD).join("users/snapshot_date=2026-03-20/users.parquet");
    let path = file.to_str().unwrap().replace('\'', "''");
    python::duckdb(&format!(
        r#"COPY (SELECT * REPLACE ('a' || chr(0) || 'b' AS title, '' AS extension,
             '{{"a":"x\u0000y","b":"\\u0000","c":"\\\u0000\\"}}' AS extra_json)
           FROM read_parquet('{}', hive_partitioning = false) LIMIT 1) TO '{path}' (FORMAT parquet); SELECT 1"#,
        path.replace('[', "[[]"),
    ));
    load(&cluster, &sandbox, &["--dataset", "users"]);
    let rows = cluster.query("SELECT title, extension, extra_json FROM users");
    let expected = json!([{
        "title": "ab", "extension": "", "extra_json": { "a": "xy", "b": "\\u0000", "c": "\\\\" },
    }]);
    assert_eq!(json!(rows), expected);
}

#[test]
fn a_load_that_fails_leaves_the_table_as_it_was() {
    let Some(cluster) = cluster() else { return };
    let sandbox = exported();
    load(&cluster, &sandbox, &["--dataset", "calls"]);
    let before = rows(&cluster, "calls");
    let text = script(&sandbox, "postgres", &["--dataset", "calls"]);
    fs::write(sandbox.path().join(ODD).join("calls/call_date=2026-03-04/calls.parquet"), "damaged").unwrap();
    let output = cluster.psql(&sandbox.write("load.sql", &text));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert_rows("calls", &rows(&cluster, "calls"), &before);
}

#[test]
fn a_range_on_the_command_line_narrows_a_load() {
    let sandbox = exported();
    let arguments = ["sql", "job.yaml", "--dialect", "postgres", "--from", "2026-03-03", "--to", "2026-03-05"];
    let report = sandbox.run([&arguments[..], &["--dataset", "calls", "--output", "json"]].concat()).expect(0).json();
    assert_eq!(report["datasets"], json!([{ "dataset": "calls", "partitions": 2 }]));
    let script = report["script"].as_str().unwrap();
    assert!(
        script.contains("DELETE FROM calls WHERE call_date IN (DATE '2026-03-03', DATE '2026-03-04');"),
        "{script}"
    );
}

#[test]
fn lists_are_written_beside_the_script() {
    let sandbox = exported();
    let arguments = ["sql", "job.yaml", "--dialect", "redshift", "--files-at", "s3://bucket/gong", "--files", "lists"];
    let report = sandbox.run([&arguments[..], &["--output", "json", "--dataset", "calls"]].concat()).expect(0).json();
    assert_eq!(report["lists"], json!(["lists/calls.manifest.json"]));
    assert_eq!(report["datasets"], json!([{ "dataset": "calls", "partitions": 4 }]));
    let manifest = fs::read(sandbox.path().join("lists/calls.manifest.json")).unwrap();
    let manifest: Value = serde_json::from_slice(&manifest).unwrap();
    let first = sandbox.path().join(ODD).join("calls/call_date=2026-03-02/calls.parquet");
    assert_eq!(manifest["entries"].as_array().unwrap().len(), 4);
    assert_eq!(
        manifest["entries"][0],
        json!({
            "url": "s3://bucket/gong/calls/call_date=2026-03-02/calls.parquet",
            "mandatory": true,
            "meta": { "content_length": fs::metadata(first).unwrap().len() },
        })
    );
}
