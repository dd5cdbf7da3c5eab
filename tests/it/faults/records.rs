//! Records that are broken, odd or hostile: each costs itself at most, and nothing of it is lost.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{CALLS, TRANSCRIPTS, account, undisturbed};
use crate::support::command::{NOW, Sandbox, job};
use crate::support::export::{Export, assert_rows, assert_same};
use crate::support::gateway::{Gateway, Trouble};
use crate::support::simulator::{Simulator, source};

#[test]
fn a_broken_record_is_kept_aside_and_takes_nothing_along() {
    let (simulator, gateway) = account();
    gateway.trouble(
        CALLS,
        0,
        1,
        Trouble::Alter(|answer| {
            let meta = answer["calls"][3]["metaData"].as_object_mut().unwrap();
            meta.remove("id");
            meta.insert("title".to_owned(), json!("the broken one"));
        }),
    );
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&source(&gateway.url()))).expect(4).json();
    assert_eq!((&record["outcome"], &record["rejected"]["records"]), (&json!("partial"), &json!(1)));
    let expected = undisturbed(&simulator).rows("calls");
    let calls = Export::read(&sandbox.export()).rows("calls");
    assert_eq!(calls.len() + 1, expected.len(), "the other records of the page are there");
    assert!(calls.iter().all(|row| expected.contains(row)));

    let kept = std::fs::read_to_string(sandbox.export().join(record["rejected"]["key"].as_str().unwrap())).unwrap();
    let line: Value = serde_json::from_str(kept.lines().next().unwrap()).unwrap();
    assert!(line["record"].to_string().contains("the broken one"), "{line}");
    assert!(line["request_id"].is_string() && line["position"] == 3, "{line}");
}

/// More than the client takes of one answer.
const TOO_LARGE: usize = 65 << 20;

/// Pads an answer whose transcripts are `wanted`, which blanks after the JSON do without a change of
/// its meaning.
fn padded(text: String, wanted: bool) -> Vec<u8> {
    let mut bytes = text.into_bytes();
    if wanted {
        bytes.resize(bytes.len() + TOO_LARGE, b' ');
    }
    bytes
}

#[test]
fn answers_that_are_too_large_are_asked_for_in_halves() {
    let (simulator, gateway) = account();
    gateway.trouble(
        TRANSCRIPTS,
        0,
        usize::MAX,
        Trouble::Rewrite(|text| {
            let transcripts = text.matches("\"callId\"").count();
            padded(text, transcripts > 12)
        }),
    );
    let sandbox = Sandbox::new();
    sandbox.export_job(&job(&source(&gateway.url()))).expect(0);
    assert_same(&Export::read(&sandbox.export()), &undisturbed(&simulator));
}

#[test]
fn a_transcript_that_is_too_large_by_itself_costs_itself_only() {
    static HUGE: OnceLock<String> = OnceLock::new();
    let (simulator, gateway) = account();
    let expected = undisturbed(&simulator);
    let calls = expected.rows("calls");
    let huge = calls.iter().find(|row| row["has_transcript"] == true).unwrap()["call_id"].as_str().unwrap();
    HUGE.set(huge.to_owned()).unwrap();
    gateway.trouble(
        TRANSCRIPTS,
        0,
        usize::MAX,
        Trouble::Rewrite(|text| {
            let wanted = text.contains(HUGE.get().unwrap());
            padded(text, wanted)
        }),
    );
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&source(&gateway.url()))).expect(4).json();
    assert_eq!(record["rejected"]["records"], 1);
    let kept = std::fs::read_to_string(sandbox.export().join(record["rejected"]["key"].as_str().unwrap())).unwrap();
    assert!(kept.contains(huge) && kept.contains("larger"), "{kept}");

    let export = Export::read(&sandbox.export());
    let others = |export: &Export| {
        let mut rows = export.rows("transcripts");
        rows.retain(|row| row["call_id"] != huge);
        rows
    };
    assert_rows("transcripts", &others(&export), &others(&expected));
    assert_eq!(export.rows("calls").len(), calls.len(), "the call itself is there");
}

/// What no id of Gong's looks like, so that requests for it are refused.
const MALFORMED: &str = "no-id-of-a-call";

#[test]
fn a_malformed_id_among_a_hundred_costs_its_own_transcript_only() {
    let simulator = Simulator::start(json!({}));
    let gateway = Gateway::before(&simulator.url());
    let calls = simulator.calls("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z").len();
    gateway.trouble(
        CALLS,
        0,
        1,
        Trouble::Alter(|answer| {
            let meta = &mut answer["calls"][7]["metaData"];
            meta["id"] = json!(MALFORMED);
            meta["isPrivate"] = json!(false);
        }),
    );
    let sandbox = Sandbox::new();
    let job = job(&source(&gateway.url()));
    let record = sandbox.export_job(&job).expect(4).json();
    assert_eq!((&record["rejected"]["records"], &record["failures"]), (&json!(1), &json!([])));
    let kept = std::fs::read_to_string(sandbox.export().join(record["rejected"]["key"].as_str().unwrap())).unwrap();
    assert!(kept.contains(MALFORMED) && kept.contains("status 400"), "{kept}");
    let asked = || gateway.seen().iter().filter(|seen| seen.path == TRANSCRIPTS).count();
    let first = asked();
    assert!(first <= calls.div_ceil(100) + 14, "{first} requests for the transcripts of {calls} calls");

    let export = Export::read(&sandbox.export());
    let renamed: Vec<_> = export.rows("calls").into_iter().filter(|row| row["call_id"] == MALFORMED).collect();
    assert_eq!((renamed.len(), &renamed[0]["has_transcript"]), (1, &json!(false)));
    let ids: Vec<Value> = export.rows("calls").iter().map(|row| row["call_id"].clone()).collect();
    let mut expected = undisturbed(&simulator).rows("transcripts");
    expected.retain(|row| ids.contains(&row["call_id"]));
    assert_rows("transcripts", &export.rows("transcripts"), &expected);

    // It goes on to be awaited, together with others, and is in nobody's way there either.
    assert!(export.rows("calls").iter().filter(|row| row["has_transcript"] == false).count() > 1);
    let record = sandbox.export_job_at(&job, "2026-03-21T12:00:00Z", &[]).expect(0).json();
    assert!(record["warnings"].to_string().contains(MALFORMED), "{}", record["warnings"]);
    assert!(asked() - first <= 1 + 14, "{} requests", asked() - first);
}

#[test]
fn requests_that_are_refused_whatever_they_ask_for_are_not_taken_apart_for_ever() {
    let simulator = Simulator::start(json!({ "calls_per_day": 250, "sentences_per_call": 5 }));
    let gateway = Gateway::before(&simulator.url());
    let refusal = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["filter: unknown property"]}"#;
    gateway.trouble(TRANSCRIPTS, 0, usize::MAX, Trouble::status(400, refusal));
    let calls = simulator.calls("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z").len();
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&source(&gateway.url()))).expect(4).json();
    let failures = record["failures"].to_string();
    assert!(failures.contains("unknown property") && record["rejected"]["records"] == 0, "{record}");
    let asked = gateway.seen().iter().filter(|seen| seen.path == TRANSCRIPTS).count();
    // Eight groups are asked for at once; each of the others is asked for once.
    assert!(asked <= calls.div_ceil(100) + 8 * 6, "{asked} requests for the transcripts of {calls} calls");
    assert!(
        Export::read(&sandbox.export()).files.keys().all(|key| !key.starts_with("calls/")),
        "nothing half is there"
    );
}

#[test]
fn text_that_is_no_text_costs_its_record_only() {
    let (simulator, gateway) = account();
    // Half a surrogate pair in one title, bytes that are not UTF-8 in another.
    gateway.trouble(
        CALLS,
        0,
        1,
        Trouble::Alter(|answer| {
            answer["calls"][0]["metaData"]["title"] = json!("half-of-a-pair");
            answer["calls"][1]["metaData"]["title"] = json!("not-utf-8");
            for place in 0..2 {
                answer["calls"][place]["metaData"]["isPrivate"] = json!(false);
            }
        }),
    );
    let second = Gateway::before(&gateway.url());
    second.trouble(
        CALLS,
        0,
        1,
        Trouble::Rewrite(|text| {
            let mut bytes = text.replace("half-of-a-pair", "half \\ud83d").into_bytes();
            let at = bytes.windows(9).position(|window| window == b"not-utf-8").unwrap();
            bytes[at..at + 2].copy_from_slice(&[0xff, 0xfe]);
            bytes
        }),
    );
    let sandbox = Sandbox::new();
    let finished = sandbox.export_job(&job(&source(&second.url())));
    assert!(matches!(finished.code(), Some(0 | 4)), "{finished}");
    let expected = undisturbed(&simulator).rows("calls").len();
    let rows = Export::read(&sandbox.export()).rows("calls").len();
    let rejected = usize::try_from(finished.json()["rejected"]["records"].as_u64().unwrap()).unwrap();
    let private = expected.abs_diff(rows + rejected);
    assert!(private <= 2, "{rows} rows and {rejected} rejected of {expected}");
    assert!(finished.json()["replaced_characters"].as_u64().unwrap() >= 2, "{finished}");
}

#[test]
fn values_of_an_unexpected_type_are_kept_and_counted() {
    let (_simulator, gateway) = account();
    gateway.trouble(
        CALLS,
        0,
        1,
        Trouble::Alter(|answer| {
            let call = &mut answer["calls"][2];
            call["metaData"]["isPrivate"] = json!(false);
            call["metaData"]["duration"] = json!({ "minutes": 31 });
            call["metaData"]["title"] = json!(["two", "titles"]);
            call["content"]["brief"] = json!(17);
            call["parties"] = json!("many");
        }),
    );
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&source(&gateway.url()))).expect(0).json();
    let calls = Export::read(&sandbox.export()).rows("calls");
    let row = calls.iter().find(|row| row["extra_json"].is_string()).expect("a row with what did not fit");
    let extra: Value = serde_json::from_str(row["extra_json"].as_str().unwrap()).unwrap();
    assert_eq!(extra["metaData"]["duration"]["minutes"], 31);
    assert_eq!(extra["metaData"]["title"], json!(["two", "titles"]));
    assert!(row["duration_s"].is_null() && row["party_count"].is_null());
    let unexpected = record["unexpected_types"].as_object().unwrap();
    assert_eq!(unexpected["calls.metaData.duration"], 1, "{unexpected:?}");
}

#[test]
fn hostile_ids_and_texts_stay_values() {
    let (_simulator, gateway) = account();
    gateway.trouble(
        CALLS,
        0,
        1,
        Trouble::Alter(|answer| {
            for (place, id) in
                ["../../../escaped", "/absolute", "a%2F..", "nul\u{0}", "call_date=2026-03-02/../x"].iter().enumerate()
            {
                let meta = &mut answer["calls"][place]["metaData"];
                meta["id"] = json!(id);
                meta["isPrivate"] = json!(false);
                meta["title"] =
                    json!("line one\nline two \u{1b}[31mred\u{1b}[0m \u{202e}\u{2028} 🦆 '; DROP TABLE calls; --");
            }
        }),
    );
    let sandbox = Sandbox::new();
    let mut job = job(&source(&gateway.url()));
    // Gong itself would refuse to look for transcripts of such ids.
    job["datasets"] = json!(["calls", "parties"]);
    let finished = sandbox.export_job_at(&job, NOW, &["-vv"]).expect(0);
    let calls = Export::read(&sandbox.export()).rows("calls");
    assert!(calls.iter().any(|row| row["call_id"] == "../../../escaped"));
    assert!(calls.iter().any(|row| row["title"].as_str().is_some_and(|title| title.contains("🦆"))));
    let outside: Vec<_> = std::fs::read_dir(sandbox.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(outside.len(), 2, "only the job and the export: {outside:?}");
    assert!(!finished.stderr.contains('\x1b') && !finished.stderr.contains("DROP TABLE"), "{finished}");
}

#[test]
fn records_that_were_announced_and_never_came_are_noted() {
    let simulator = Simulator::start(json!({ "total_records_ahead": 3 }));
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&simulator.source())).expect(0).json();
    assert!(record["warnings"].to_string().contains("announced"), "{}", record["warnings"]);
}

#[test]
fn a_call_on_two_pages_is_one_row() {
    let (simulator, gateway) = account();
    gateway.trouble(
        CALLS,
        1,
        1,
        Trouble::Alter(|answer| {
            let first = answer["calls"][0].clone();
            answer["calls"].as_array_mut().unwrap().push(first);
        }),
    );
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&source(&gateway.url()))).expect(0).json();
    assert_same(&Export::read(&sandbox.export()), &undisturbed(&simulator));
    let window = record["windows"].as_array().unwrap().iter().find(|window| window["fetch"] == "calls").unwrap();
    assert_eq!(window["duplicates"], 1, "{window}");
}

#[test]
fn calls_that_became_private_go_also_where_a_day_has_no_others() {
    let (_simulator, gateway) = account();
    let sandbox = Sandbox::new();
    let job = job(&source(&gateway.url()));
    sandbox.export_job(&job).expect(0);
    let before = Export::read(&sandbox.export());
    gateway.trouble(
        CALLS,
        0,
        usize::MAX,
        Trouble::Alter(|answer| {
            for call in answer["calls"].as_array_mut().unwrap() {
                call["metaData"]["isPrivate"] = json!(true);
            }
        }),
    );
    let record = sandbox.export_job_at(&job, "2026-03-20T14:00:00Z", &["--full-refresh"]).expect(0).json();
    let after = Export::read(&sandbox.export());
    for dataset in ["calls", "parties", "transcripts"] {
        assert!(!before.rows(dataset).is_empty() && after.rows(dataset).is_empty(), "{dataset}: {record:#}");
        assert_eq!(after.partitions(dataset), before.partitions(dataset), "{dataset}: whole files without rows");
    }
}

#[test]
fn calls_of_which_nobody_is_shown_any_more_empty_nothing() {
    let (simulator, gateway) = account();
    let sandbox = Sandbox::new();
    let mut job = job(&source(&gateway.url()));
    let parties = undisturbed(&simulator).rows("parties");
    let guest = parties.iter().find(|row| row["email_address"].is_string()).unwrap()["email_address"].clone();
    job["users"] = json!({ "participants": [guest] });
    sandbox.export_job(&job).expect(0);
    let before = Export::read(&sandbox.export());
    assert!(!before.rows("calls").is_empty());
    gateway.trouble(
        CALLS,
        0,
        usize::MAX,
        Trouble::Alter(|answer| {
            for call in answer["calls"].as_array_mut().unwrap() {
                call.as_object_mut().unwrap().remove("parties");
            }
        }),
    );
    let record = sandbox.export_job_at(&job, "2026-03-20T14:00:00Z", &["--full-refresh"]).expect(4).json();
    assert!(record["failures"].to_string().contains("--accept-shrink"), "{record:#}");
    assert_same(&Export::read(&sandbox.export()), &before);
}
