//! What `gong-export sql` prints, executed by the engines that can be had and parsed for the others.

mod load;

use std::collections::BTreeSet;
use std::path::Path;

use clap::ValueEnum;
use gong_export::dataset::{self, Dataset};
use gong_export::sql::{Dialect, Tried};
use serde_json::{Value, json};

use crate::support::command::{Sandbox, job, simulated};
use crate::support::engines::{self, Answers};
use crate::support::export::{Export, assert_rows};
use crate::support::python::{self, Row};
use crate::support::{repository, skipped};

/// A path with what people put into paths, and every quote.
const ODD: &str = "ex [1] it's \"a\" `b` $c";

/// A company small enough for the slowest engine, all datasets, at an odd place.
fn small() -> Value {
    let mut job = job(&simulated(json!({ "calls_per_day": 6, "sentences_per_call": 5 })));
    job["datasets"] = json!(["all"]);
    job["destination"]["url"] = json!(format!("./{ODD}"));
    job
}

fn exported() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.export_job(&small()).expect(0);
    sandbox
}

/// The script for the job in the sandbox.
fn script(sandbox: &Sandbox, dialect: &str, more: &[&str]) -> String {
    let arguments = [&["sql", "job.yaml", "--dialect", dialect][..], more].concat();
    let finished = sandbox.run(arguments).expect(0);
    assert_eq!(finished.stderr, "");
    finished.stdout
}

/// What all jobs with `all` export.
fn datasets() -> Vec<&'static Dataset> {
    dataset::group::expand(&["all".to_owned()])
}

/// Rows of a reader without an order of its own, JSON as values, so that spaces in it do not matter.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    for row in &mut rows {
        for (name, value) in row.iter_mut() {
            if name.ends_with("_json")
                && let Some(text) = value.as_str()
            {
                *value = serde_json::from_str(text).unwrap();
            }
            // Some engines print whole doubles as whole numbers.
            if let Some(whole) = value.as_f64().filter(|number| number.fract() == 0.0) {
                *value = json!(whole);
            }
        }
    }
    rows.sort_by_cached_key(|row| json!(row).to_string());
    rows
}

/// The rows of the files of an export, as no SQL has touched them.
fn truth(sandbox: &Sandbox) -> impl Fn(&Dataset) -> Vec<Row> + use<> {
    let export = Export::read(&sandbox.path().join(ODD));
    assert!(export.files.len() >= 7, "{:?}", export.files.keys());
    move |dataset| sorted(export.rows(dataset.name))
}

/// Whether the engine is the one that the scripts name.
fn assert_tried(dialect: Dialect, actual: &str) {
    let (Tried::Executed { version, .. } | Tried::Parsed { version, .. }) = dialect.tried();
    let is_same = actual.strip_prefix(version).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    assert!(is_same, "{dialect:?} was tried with {actual}; the scripts say {version}: `src/sql/dialect.rs`");
}

#[test]
fn duckdb_sees_every_row_through_the_views() {
    let sandbox = exported();
    let (script, truth) = (script(&sandbox, "duckdb", &[]), truth(&sandbox));
    for dataset in datasets() {
        let rows = python::duckdb(&format!("{script}\nSELECT * FROM {}", dataset.name));
        assert_rows(dataset.name, &sorted(rows), &truth(dataset));
    }
    let types = python::duckdb(&format!("{script}\nDESCRIBE calls"));
    let kind = |name: &str| types.iter().find(|row| row["column_name"] == name).unwrap()["column_type"].clone();
    assert_eq!([kind("call_date"), kind("extra_json")], ["DATE", "JSON"]);
    assert_eq!(kind("call_started_at"), "TIMESTAMP WITH TIME ZONE");
    let comments = python::duckdb(&format!(
        "{script}\nSELECT comment FROM duckdb_columns() WHERE table_name = 'calls' AND column_name = 'title'"
    ));
    assert_eq!(comments[0]["comment"], "Personal data: title of the call or meeting. From metaData.title");
    let version = python::duckdb("SELECT ltrim(version(), 'v') AS version");
    assert_tried(Dialect::Duckdb, version[0]["version"].as_str().unwrap());
}

#[test]
fn duckdb_reads_only_the_partitions_that_are_asked_for() {
    let sandbox = exported();
    let script = script(&sandbox, "duckdb", &[]);
    let plan = python::duckdb(&format!(
        "{script}\nEXPLAIN ANALYZE SELECT max(title) FROM calls WHERE call_date = DATE '2026-03-03'"
    ));
    let plan = json!(plan).to_string();
    assert!(plan.contains("Scanning Files: 1/4"), "{plan}");
}

#[test]
fn duckdb_takes_datasets_without_files_and_files_without_columns() {
    let sandbox = Sandbox::new();
    sandbox.job(&small());
    let before = script(&sandbox, "duckdb", &[]);
    for dataset in datasets() {
        let rows = python::duckdb(&format!("{before}\nSELECT count(*) AS rows FROM {}", dataset.name));
        assert_eq!(rows[0]["rows"], 0, "{}", dataset.name);
    }
    // A file as an older version wrote it, without most columns.
    let old = sandbox.path().join(ODD).join("calls/call_date=2026-03-02/calls.parquet");
    std::fs::create_dir_all(old.parent().unwrap()).unwrap();
    let place = old.to_str().unwrap().replace('\'', "''");
    python::duckdb(&format!("COPY (SELECT '7' AS call_id) TO '{place}' (FORMAT parquet); SELECT 1"));
    let script = script(&sandbox, "duckdb", &[]);
    let rows = python::duckdb(&format!("{script}\nSELECT call_id, title, party_count, call_date FROM calls"));
    let expected = json!([{ "call_id": "7", "title": null, "party_count": null, "call_date": "2026-03-02" }]);
    assert_eq!(json!(rows), expected);
}

/// All rows of all datasets, then one partition of `calls` with the others damaged: an engine that
/// opened those would fail, as it does when all are asked for.
fn steps(sandbox: &Sandbox, script: &str) -> Vec<Value> {
    // A second time, since people do.
    let mut steps = vec![json!({ "script": script }), json!({ "script": script })];
    steps.extend(datasets().iter().map(|dataset| json!({ "query": format!("SELECT * FROM {}", dataset.name) })));
    let calls = sandbox.path().join(ODD).join("calls");
    for day in ["2026-03-02", "2026-03-04", "2026-03-05"] {
        steps.push(json!({ "write": calls.join(format!("call_date={day}/calls.parquet")), "text": "damaged" }));
    }
    steps.push(json!({ "query": "SELECT count(title) AS calls FROM calls WHERE call_date = DATE '2026-03-03'" }));
    steps.push(json!({ "fails": "SELECT count(title) AS calls FROM calls" }));
    steps
}

fn assert_answers(answers: &Answers, truth: impl Fn(&Dataset) -> Vec<Row>) {
    let datasets = datasets();
    for (number, &dataset) in datasets.iter().enumerate() {
        assert_rows(dataset.name, &sorted(answers.rows(number)), &truth(dataset));
    }
    let calls = truth(datasets.iter().find(|dataset| dataset.name == "calls").unwrap());
    let expected = calls.iter().filter(|row| row["call_date"] == "2026-03-03").count();
    assert_eq!(json!(answers.rows(datasets.len())), json!([{ "calls": expected }]));
    assert!(answers.answers[datasets.len() + 1].is_string(), "the damaged files were read without an error");
}

#[test]
fn clickhouse_sees_every_row_through_the_views_and_prunes() {
    let sandbox = exported();
    let (script, truth) = (script(&sandbox, "clickhouse", &[]), truth(&sandbox));
    let answers = engines::execute("clickhouse", &steps(&sandbox, &script));
    assert_tried(Dialect::Clickhouse, &answers.version);
    assert_answers(&answers, truth);
}

#[test]
fn spark_sees_every_row_through_the_tables_and_prunes() {
    if !engines::has_java() {
        return skipped("the SQL for Databricks and Spark: no Java here; Debian's package default-jre-headless has it");
    }
    let sandbox = exported();
    let (script, truth) = (script(&sandbox, "databricks", &[]), truth(&sandbox));
    let answers = engines::execute("spark", &steps(&sandbox, &script));
    assert_tried(Dialect::Databricks, &answers.version);
    assert_answers(&answers, truth);
}

#[test]
fn engines_without_a_server_here_are_parsed_by_their_dialect() {
    let sandbox = exported();
    for (dialect, place) in [
        (Dialect::Snowflake, "s3://bucket/it's"),
        (Dialect::Snowflake, "/data/it's"),
        (Dialect::Bigquery, "gs://bucket/it's"),
        (Dialect::Redshift, "s3://bucket/it's"),
        (Dialect::Athena, "s3://bucket/it's"),
    ] {
        let name = format!("{dialect:?}").to_lowercase();
        let text = script(&sandbox, &name, &["--files-at", place]);
        let parsed = engines::parse(&name, &text);
        assert_tried(dialect, &parsed.version);
        // The one kind of statement that the parser takes without understanding it.
        let is_known = |statement: &String| {
            dialect == Dialect::Bigquery
                && statement.strip_prefix("DROP EXTERNAL TABLE ").is_some_and(|name| name.ends_with("_files"))
        };
        assert!(parsed.opaque.iter().all(is_known), "{dialect:?}: {:?}", parsed.opaque);
        let kinds: BTreeSet<&str> = parsed.kinds.iter().map(String::as_str).collect();
        let expected: &[&str] = match (dialect, place.starts_with('/')) {
            (Dialect::Snowflake, false) => &["Alter", "Commit", "Copy", "Create", "Delete", "Transaction"],
            (Dialect::Snowflake, true) => &["Alter", "Commit", "Copy", "Create", "Delete", "Put", "Transaction"],
            (Dialect::Bigquery, _) => &["Command", "Commit", "Create", "Delete", "Drop", "Insert", "Transaction"],
            (Dialect::Redshift, _) => {
                &["Comment", "Commit", "Copy", "Create", "Delete", "Drop", "Insert", "Transaction"]
            }
            _ => &["Create", "Drop"],
        };
        assert_eq!(kinds, expected.iter().copied().collect(), "{dialect:?}");
        let tables = parsed.kinds.iter().filter(|kind| *kind == "Create").count();
        assert!(tables >= datasets().len(), "{dialect:?}: {:?}", parsed.kinds);
    }
}

#[test]
fn the_readme_says_of_each_dialect_how_far_it_was_tried() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    for &dialect in Dialect::value_variants() {
        let begin = format!("| `{}` |", dialect.to_possible_value().unwrap().get_name());
        let row = readme.lines().find(|line| line.starts_with(&begin)).unwrap_or_else(|| panic!("no row {begin}"));
        let expected = match dialect.tried() {
            Tried::Executed { engine, version } => format!("| run on {engine} {version}"),
            Tried::Parsed { parser, version } => format!("| only parsed, by {parser} {version}"),
        };
        assert!(row.contains(&expected), "{row} lacks {expected}");
    }
}

#[test]
fn one_dataset_in_every_dialect() {
    let sandbox = exported();
    for (dialect, place) in [
        ("duckdb", "/data/gong"),
        ("snowflake", "s3://bucket/gong"),
        ("bigquery", "gs://bucket/gong"),
        ("redshift", "s3://bucket/gong"),
        ("databricks", "s3://bucket/gong"),
        ("clickhouse", "s3://bucket/gong"),
        ("athena", "s3://bucket/gong"),
        ("postgres", "/data/gong"),
    ] {
        let arguments = ["sql", "job.yaml", "--dialect", dialect, "--dataset", "users", "--files-at", place];
        insta::assert_snapshot!(format!("users_{dialect}"), sandbox.run(arguments).expect(0).shown(&sandbox));
    }
}

#[test]
fn a_place_that_an_engine_cannot_read_is_left_to_be_filled_in() {
    let sandbox = exported();
    for (dialect, copy) in
        [("redshift", "s3://YOUR-BUCKET"), ("athena", "s3://YOUR-BUCKET"), ("bigquery", "gs://YOUR-BUCKET")]
    {
        let finished = sandbox.run(["sql", "job.yaml", "--dialect", dialect]).expect(0);
        assert!(finished.stderr.contains("--files-at"), "{}", finished.stderr);
        let top = finished.stdout.lines().nth(1).unwrap();
        assert!(top.contains("cannot read") && top.contains(copy) && top.contains("--files-at"), "{top}");
        assert!(!engines::parse(dialect, &finished.stdout).kinds.is_empty(), "{dialect}");
        assert!(!finished.stdout.contains(&format!("'{}", sandbox.path().display())), "no statement names the folder");
    }
}

#[test]
fn what_cannot_be_printed_says_why() {
    let sandbox = exported();
    for (name, more) in [
        ("run_of_views", vec!["--dialect", "duckdb", "--run", "last"]),
        ("range_of_views", vec!["--dialect", "athena", "--from", "2026-03-03"]),
        ("unknown_run", vec!["--dialect", "postgres", "--run", "../../job"]),
        ("wrong_place", vec!["--dialect", "redshift", "--files-at", "gs://bucket/gong"]),
        ("lists_of_nowhere", vec!["--dialect", "redshift", "--files", "lists"]),
        ("no_place", vec!["--dialect", "duckdb", "--files-at", "gong"]),
        ("no_lists", vec!["--dialect", "postgres", "--files", "lists"]),
    ] {
        let finished = sandbox.run([&["sql", "job.yaml"], &more[..]].concat()).expect(2);
        assert_eq!(finished.stdout, "", "{name}");
        insta::assert_snapshot!(format!("refused_{name}"), finished.shown(&sandbox));
    }
    assert!(!Path::new("lists").exists());
}
