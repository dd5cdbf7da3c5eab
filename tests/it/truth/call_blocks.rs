//! The datasets of what else Gong knows of a call: CRM, content, interaction and comments.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::noise;
use crate::support::command::{NOW, Sandbox, job};
use crate::support::export::{Export, assert_rows};
use crate::support::gateway::{Gateway, Trouble};
use crate::support::oracle::{Choice, comparable};
use crate::support::python::{self, Row};
use crate::support::simulator::{self, Simulator};

const GROUPS: [&str; 4] = ["crm", "content", "interaction", "collaboration"];

const DATASETS: [&str; 11] = [
    "call_crm_fields",
    "call_topics",
    "call_trackers",
    "call_tracker_occurrences",
    "call_outline",
    "call_highlights",
    "call_key_points",
    "call_structure",
    "call_interaction_stats",
    "call_videos",
    "call_comments",
];

fn of_groups(source: &Value) -> Value {
    let mut job = job(source);
    job["datasets"] = json!(GROUPS);
    job
}

/// The values of a column that are there, each once.
fn values(export: &Export, dataset: &str, column: &str) -> BTreeSet<String> {
    export.rows(dataset).iter().map(|row| row[column].to_string()).collect()
}

/// Reads all of them by one query, since starting Python costs more than reading.
fn assert_same_in_duckdb(sandbox: &Sandbox, export: &Export) {
    let folder = sandbox.export();
    let all = DATASETS.map(|dataset| {
        let files = format!("{}/{dataset}/*/*.parquet", folder.display());
        format!("SELECT '{dataset}' AS dataset, * FROM read_parquet('{files}', hive_partitioning = true)")
    });
    let all = python::duckdb(&all.join(" UNION ALL BY NAME "));
    for dataset in DATASETS {
        let mut expected = export.rows(dataset);
        // Whole seconds in some datasets, fractions in others: in the union all are fractions.
        for row in &mut expected {
            if let Some(seconds) = row.get_mut("duration_s") {
                *seconds = json!(seconds.as_f64());
            }
        }
        let mut read: Vec<Row> = all.iter().filter(|row| row["dataset"] == dataset).cloned().collect();
        for row in &mut read {
            row.retain(|column, _| expected[0].contains_key(column));
        }
        assert_rows(&format!("{dataset} in DuckDB"), &sorted(read), &sorted(expected));
    }
}

/// In an order that does not depend on the reader.
fn sorted(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_cached_key(|row| json!(row).to_string());
    rows
}

#[test]
fn every_row_of_every_block_is_what_gong_says() {
    let simulator = Simulator::start(noise());
    let sandbox = Sandbox::new();
    sandbox.export_job(&of_groups(&simulator.source())).expect(0);
    let export = Export::read(&sandbox.export());
    let truth = simulator.truth("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));
    for dataset in DATASETS {
        let expected = truth.rows(dataset, &Choice::default());
        assert!(!expected.is_empty(), "{dataset}: nothing to compare");
        assert_rows(dataset, &comparable(export.rows(dataset)), &expected);
        assert_eq!(export.partitions(dataset), ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"], "{dataset}");
        assert!(export.rows(dataset).iter().all(|row| row["extra_json"].is_null()), "{dataset}");
    }
    assert_eq!(export.files.len(), DATASETS.len() * 4, "and no other dataset");
    let verified = sandbox.run(["verify", "job.yaml", "--now", NOW]).expect(0);
    assert!(verified.stdout.contains("44 files"), "{verified}");
    assert_same_in_duckdb(&sandbox, &export);

    // What there is to tell apart was there.
    assert_eq!(
        values(&export, "call_crm_fields", "value_json_type"),
        ["\"array\"", "\"null\"", "\"number\"", "\"string\"", "null"].map(str::to_owned).into()
    );
    assert_eq!(values(&export, "call_crm_fields", "timing"), ["\"Now\"", "\"TimeOfCall\""].map(str::to_owned).into());
    for (dataset, column) in [
        ("call_crm_fields", "party_index"),
        ("call_crm_fields", "object_id"),
        ("call_tracker_occurrences", "phrase"),
        ("call_tracker_occurrences", "speaker_id"),
        ("call_comments", "in_reply_to"),
    ] {
        let values = values(&export, dataset, column);
        assert!(values.contains("null") && values.len() > 1, "{dataset}.{column}: {values:?}");
    }
}

#[test]
fn a_listing_asks_for_the_blocks_of_the_jobs_datasets_only() {
    let simulator = Simulator::start(json!({}));
    let context = |parties: Value| json!({ "context": "Extended", "contextTiming": ["Now", "TimeOfCall"], "exposedFields": parties });
    for (datasets, selector) in [
        (json!(["call_topics"]), json!({ "exposedFields": { "content": { "topics": true } } })),
        (json!(["crm"]), context(json!({ "parties": true }))),
        (
            json!(["call_tracker_occurrences"]),
            json!({ "exposedFields": { "content": { "trackers": true, "trackerOccurrences": true } } }),
        ),
        (
            json!(["interaction", "collaboration"]),
            json!({ "exposedFields": {
                "interaction": { "personInteractionStats": true, "video": true },
                "collaboration": { "publicComments": true },
            } }),
        ),
        (
            json!(["calls", "parties"]),
            json!({ "exposedFields": {
                "parties": true,
                "content": { "brief": true, "callOutcome": true },
                "interaction": { "questions": true, "speakers": true },
            } }),
        ),
        (
            json!(["calls", "parties", "crm", "content", "interaction", "collaboration"]),
            context(json!({
                "parties": true,
                "content": {
                    "brief": true, "callOutcome": true, "structure": true, "topics": true, "trackers": true,
                    "trackerOccurrences": true, "outline": true, "highlights": true, "keyPoints": true,
                },
                "interaction": { "questions": true, "speakers": true, "personInteractionStats": true, "video": true },
                "collaboration": { "publicComments": true },
            })),
        ),
    ] {
        let gateway = Gateway::before(&simulator.url());
        let sandbox = Sandbox::new();
        let mut job = job(&simulator::source(&gateway.url()));
        job["datasets"] = datasets.clone();
        let record = sandbox.export_job(&job).expect(0).json();
        let seen = gateway.seen();
        // One listing feeds them all.
        assert!(seen.iter().all(|seen| seen.path == "/v2/calls/extensive"), "{datasets}: {seen:?}");
        let calls = record["windows"][0]["fetched"].as_u64().unwrap();
        assert_eq!(seen.len() as u64, calls.div_ceil(100), "{datasets}");
        for seen in seen {
            assert_eq!(seen.body["contentSelector"], selector, "{datasets}");
        }
    }
}

#[test]
fn plan_check_and_status_know_them() {
    let simulator = Simulator::start(json!({}));
    let sandbox = Sandbox::new();
    sandbox.job(&of_groups(&simulator.source()));
    let of_job = |command: &str| sandbox.run([command, "job.yaml", "--now", NOW]);
    let told = |text: &str| DATASETS.iter().filter(|dataset| text.contains(**dataset)).count();
    assert_eq!(told(&of_job("plan").expect(0).stdout), 11);
    assert_eq!(told(&of_job("check").expect(0).stdout), 11);
    of_job("run").expect(0);
    let status = of_job("status").expect(0).stdout;
    assert_eq!(told(&status), 11, "{status}");
    let again = of_job("plan").expect(0).stdout;
    assert!(!again.contains("there is no file"), "{again}");

    let poor = Simulator::start(json!({ "scopes": ["api:users:read", "api:workspaces:read"] }));
    sandbox.job(&of_groups(&poor.source()));
    let check = sandbox.run(["check", "job.yaml", "--now", NOW]).expect(3).stdout;
    let refused = check.lines().filter(|line| line.contains("api:calls:read:extensive")).count();
    assert_eq!((told(&check), refused), (11, 11), "{check}");
}

#[test]
fn what_gong_should_not_send_is_kept_counted_and_breaks_no_key() {
    let simulator = Simulator::start(json!({ "private_calls": 0.0, "page_size": 1_000 }));
    let gateway = Gateway::before(&simulator.url());
    gateway.trouble(
        "/v2/calls/extensive",
        0,
        usize::MAX,
        Trouble::Alter(|answer| {
            let call = &mut answer["calls"][0];
            call["context"] = json!({});
            call["parties"] = json!([{ "id": "1", "context": "none" }]);
            call["content"] = json!({
                "topics": [{ "name": "Pricing", "duration": "long" }, 7],
                "trackers": "many",
                "outline": { "section": "Only" },
                "structure": [],
            });
            call["collaboration"] = json!({ "publicComments": [
                { "id": "5", "comment": "first" }, { "id": "5", "comment": "second" }, { "comment": "third" },
            ] });
        }),
    );
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&of_groups(&simulator::source(&gateway.url()))).expect(0).json();
    sandbox.run(["verify", "job.yaml", "--now", NOW]).expect(0);
    let export = Export::read(&sandbox.export());
    let first = &simulator.calls("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z")[0];
    let kept = |dataset: &str, columns: &[&str]| -> Vec<Value> {
        let rows = export.rows(dataset).into_iter().filter(|row| row["call_id"] == **first);
        rows.map(|row| columns.iter().map(|column| row[*column].clone()).collect()).collect()
    };
    let rest = |text: &str| json!([null, text]);
    assert_eq!(kept("call_crm_fields", &["system", "extra_json"]), [rest(r#"{"context":"none"}"#)]);
    assert_eq!(
        kept("call_topics", &["name", "duration_s", "extra_json"]),
        [json!(["Pricing", null, r#"{"duration":"long"}"#]), json!([null, null, r#"{"topic":7}"#])]
    );
    for dataset in ["call_trackers", "call_tracker_occurrences"] {
        assert_eq!(kept(dataset, &["tracker_index", "extra_json"]), [json!([0, r#"{"tracker":"many"}"#])], "{dataset}");
    }
    assert_eq!(kept("call_outline", &["section", "extra_json"]), [json!(["Only", null])]);
    assert_eq!(kept("call_structure", &["name"]), [] as [Value; 0]);
    assert_eq!(
        kept("call_comments", &["comment_id", "text", "extra_json"]),
        [json!(["#1", "second", r#"{"id":"5"}"#]), json!(["#2", "third", null]), json!(["5", "first", null])]
    );
    let counted = record["unexpected_types"].as_object().unwrap();
    for path in [
        "calls.parties.context",
        "calls.content.topics",
        "calls.content.topics.duration",
        "calls.content.trackers",
        "calls.content.outline",
        "calls.collaboration.publicComments.id",
    ] {
        assert!(counted.contains_key(path), "{path}: {counted:?}");
    }
}
