//! Exports compared row by row with everything that is true in the simulated account. Jobs that
//! choose a part of it are in [`selection`], the rest of what Gong knows of calls in [`call_blocks`], statistics
//! and logs in [`statistics`], reviews and settings in [`settings`].

mod call_blocks;
mod everything;
mod selection;
mod settings;
mod statistics;

use serde_json::{Value, json};

use crate::support::command::{Sandbox, job};
use crate::support::export::{Export, assert_rows, assert_same};
use crate::support::oracle::{self, Choice, Truth, comparable, extras};
use crate::support::simulator::Simulator;

const DATASETS: [&str; 5] = ["calls", "parties", "users", "transcripts", "activity_stats"];

/// All that is odd in ordinary accounts, at once and often.
fn noise() -> Value {
    json!({
        "private_calls": 0.2,
        "calls_without_parties": 0.15,
        "calls_without_transcript": 0.2,
        "null_speakers": 0.3,
        "late_calls": 0.1,
        "late_call_hours": 24,
        "late_transcripts": 0.2,
        "late_transcript_hours": 600,
        "unknown_values": true,
        "long_ids": true,
        "page_size": 17,
    })
}

fn with(mut switches: Value, more: Value) -> Value {
    let Value::Object(more) = more else { panic!("switches are an object") };
    switches.as_object_mut().unwrap().extend(more);
    switches
}

#[track_caller]
fn assert_truth(export: &Export, truth: &Truth, choice: &Choice) {
    for dataset in DATASETS {
        let expected = truth.rows(dataset, choice);
        assert!(!expected.is_empty(), "{dataset}: nothing to compare");
        assert_rows(dataset, &comparable(export.rows(dataset)), &expected);
    }
}

#[test]
fn every_row_of_every_dataset_is_what_gong_says() {
    let simulator = Simulator::start(noise());
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&simulator.source())).expect(0).json();
    let export = Export::read(&sandbox.export());
    let truth = simulator.truth("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));
    assert_truth(&export, &truth, &Choice::default());

    // The noise was there.
    let calls = export.rows("calls");
    assert!(calls.iter().all(|row| row["call_id"].as_str().unwrap().len() == 20), "ids of 20 digits");
    assert!(calls.iter().any(|row| row["has_transcript"] == false));
    assert!(calls.iter().any(|row| row["party_count"].is_null()));
    assert!(export.rows("transcripts").iter().any(|row| row["speaker_name"].is_null()));
    let window = &record["windows"].as_array().unwrap().iter().find(|window| window["fetch"] == "calls").unwrap();
    assert!(window["private"].as_u64().unwrap() > 0, "{window}");
    assert_eq!(export.partitions("users"), ["2026-03-20"], "the snapshot is of the day of the export");

    // References hold: every party, sentence and host is somebody's.
    let ids: std::collections::BTreeSet<_> = calls.iter().map(|row| row["call_id"].as_str().unwrap()).collect();
    for dataset in ["parties", "transcripts"] {
        assert!(export.rows(dataset).iter().all(|row| ids.contains(row["call_id"].as_str().unwrap())), "{dataset}");
    }
}

#[test]
fn fields_that_no_document_mentions_are_kept() {
    let simulator = Simulator::start(json!({ "unknown_fields": true }));
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&simulator.source())).expect(0).json();
    let export = Export::read(&sandbox.export());
    let truth = simulator.truth("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));
    assert_truth(&export, &truth, &Choice::default());

    let unknown = record["unknown_fields"].as_object().unwrap();
    assert!(!unknown.is_empty(), "{record:#}");
    // Each field that the record names is found in the rows' extra_json, as often as it says.
    let mut found = 0;
    for dataset in ["calls", "parties", "users", "activity_stats"] {
        let key = if dataset == "activity_stats" {
            vec!["user_id", "activity_date"]
        } else {
            vec!["call_id", "party_index", "user_id"]
        };
        let rows = export.rows(dataset);
        let key: Vec<&str> = key.into_iter().filter(|name| rows[0].contains_key(*name)).collect();
        found += extras(&rows, &key).len();
    }
    assert!(found > 0, "{record:#}");
    for call in truth.exported(&Choice::default()) {
        let sent = oracle::unknown_fields(call);
        let rows = export.rows("calls");
        let row = rows.iter().find(|row| row["call_id"] == call["metaData"]["id"]).unwrap();
        let kept: Value = row["extra_json"].as_str().map_or(Value::Null, |text| serde_json::from_str(text).unwrap());
        assert_eq!(kept, sent, "extra_json of call {}", row["call_id"]);
    }
}

#[test]
fn a_company_far_from_utc_and_a_job_in_another_zone() {
    // Kiritimati is 14 hours ahead of UTC, Honolulu 10 behind: a day is never the same in both.
    for (company, zone) in [
        ("Pacific/Kiritimati", "Pacific/Kiritimati"),
        ("Pacific/Kiritimati", "Pacific/Honolulu"),
        ("UTC", "Pacific/Kiritimati"),
    ] {
        let simulator = Simulator::start(with(noise(), json!({ "timezone": company })));
        let sandbox = Sandbox::new();
        let mut job = job(&simulator.source());
        job["range"]["timezone"] = json!(zone);
        sandbox.export_job(&job).expect(0);
        let choice = Choice { zone: zone.parse().unwrap(), ..Choice::default() };
        let start = |day: &str| gong_export::calendar::start_of_day(day.parse().unwrap(), choice.zone).to_rfc3339();
        let truth = simulator.truth(&start("2026-03-02"), &start("2026-03-06"), ("2026-03-02", "2026-03-06"));
        let export = Export::read(&sandbox.export());
        assert_truth(&export, &truth, &choice);
        let days = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"];
        for dataset in ["calls", "parties", "transcripts", "activity_stats"] {
            assert_eq!(export.partitions(dataset), days, "{dataset} of a company in {company}, job in {zone}");
        }
    }
}

#[test]
fn days_on_which_clocks_change() {
    // New York loses an hour on 8 March 2026 and gains one on 1 November 2025.
    for (from, to) in [("2026-03-07", "2026-03-10"), ("2025-10-31", "2025-11-03")] {
        let simulator =
            Simulator::start(with(noise(), json!({ "calls_per_day": 300, "timezone": "America/New_York" })));
        let sandbox = Sandbox::new();
        let mut job = job(&simulator.source());
        job["range"] = json!({ "from": from, "to": to, "timezone": "America/New_York" });
        sandbox.export_job(&job).expect(0);
        let choice = Choice { zone: chrono_tz::America::New_York, ..Choice::default() };
        let start = |day: &str| gong_export::calendar::start_of_day(day.parse().unwrap(), choice.zone).to_rfc3339();
        let truth = simulator.truth(&start(from), &start(to), (from, to));
        assert_truth(&Export::read(&sandbox.export()), &truth, &choice);
    }
}

#[test]
fn one_file_a_month() {
    let simulator = Simulator::start(with(noise(), json!({ "calls_per_day": 12 })));
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    // Begins and ends inside months, which are exported whole.
    job["range"] = json!({ "from": "2026-01-20", "to": "2026-02-05" });
    job["destination"]["partition_by"] = json!("month");
    sandbox.export_job(&job).expect(0);
    let export = Export::read(&sandbox.export());
    assert_eq!(export.partitions("calls"), ["2026-01-01", "2026-02-01"]);
    assert!(export.files.contains_key("calls/call_month=2026-01-01/calls.parquet"), "{:?}", export.files.keys());
    let truth = simulator.truth("2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z", ("2026-01-20", "2026-02-05"));
    let choice = Choice { by_month: true, ..Choice::default() };
    for dataset in ["calls", "parties", "transcripts"] {
        assert_rows(dataset, &comparable(export.rows(dataset)), &truth.rows(dataset, &choice));
    }
}

#[test]
fn an_empty_account_is_whole_files_without_rows_and_a_warning() {
    let simulator = Simulator::start(json!({ "empty_account": true }));
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&simulator.source())).expect(0).json();
    let export = Export::read(&sandbox.export());
    for dataset in ["calls", "parties", "transcripts", "activity_stats"] {
        assert_eq!(export.of(dataset).count(), 4, "{dataset}");
        assert!(export.of(dataset).all(|(_, file)| file.rows.is_empty() && !file.columns.is_empty()), "{dataset}");
    }
    let warnings = record["warnings"].to_string();
    assert!(warnings.contains("no calls in the whole range") && warnings.contains("cannot see them"), "{warnings}");
    let again = sandbox.export_job(&job(&simulator.source())).expect(0);
    assert_same(&Export::read(&sandbox.export()), &export);
    drop(again);
}

#[test]
fn the_same_data_twice_gives_the_same_files_and_says_that_nothing_changed() {
    let simulator = Simulator::start(noise());
    let sandbox = Sandbox::new();
    let first = sandbox.export_job(&job(&simulator.source())).expect(0).json();
    let before = Export::read(&sandbox.export());
    let second = sandbox.export_job(&job(&simulator.source())).expect(0).json();
    assert_same(&Export::read(&sandbox.export()), &before);
    let changed = |record: &Value| {
        let files = record["files"].as_array().unwrap();
        (files.iter().filter(|file| file["changed"] == true).count(), files.len())
    };
    let (new, all) = changed(&first);
    assert_eq!(new, all, "everything is new at first");
    assert_eq!(changed(&second).0, 0, "{second:#}");
    assert_ne!(first["run_id"], second["run_id"]);
}

#[test]
fn a_late_call_and_a_late_transcript_appear_in_a_later_run_exactly_once() {
    let switches =
        json!({ "late_calls": 0.3, "late_call_hours": 60, "late_transcripts": 0.3, "late_transcript_hours": 90 });
    let simulator = Simulator::start(switches);
    let sandbox = Sandbox::new();
    let job = job(&simulator.source());
    let (from, to, days) = ("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));

    simulator.set_clock("2026-03-06T06:00:00Z");
    sandbox.export_job_at(&job, "2026-03-06T06:00:00Z", &[]).expect(0);
    let early = Export::read(&sandbox.export());
    let early_truth = simulator.truth(from, to, days);
    assert_truth(&early, &early_truth, &Choice::default());

    simulator.set_clock("2026-03-11T06:00:00Z");
    let record = sandbox.export_job_at(&job, "2026-03-11T06:00:00Z", &[]).expect(0).json();
    let late_truth = simulator.truth(from, to, days);
    assert!(
        late_truth.calls.len() > early_truth.calls.len()
            && late_truth.transcripts.len() > early_truth.transcripts.len()
    );
    let late = Export::read(&sandbox.export());
    for dataset in ["calls", "parties", "transcripts", "activity_stats"] {
        assert_rows(dataset, &comparable(late.rows(dataset)), &late_truth.rows(dataset, &Choice::default()));
    }
    assert!(record["files"].as_array().unwrap().iter().any(|file| file["changed"] == true));
}

#[test]
fn a_call_in_the_last_millisecond_belongs_to_its_day() {
    use crate::support::gateway::{Gateway, Trouble};
    let simulator = Simulator::start(json!({ "page_size": 1_000 }));
    let gateway = Gateway::before(&simulator.url());
    // The first call moves to the last millisecond of the first day, the second to the first instant
    // of the next one, the third to just outside of the range.
    gateway.trouble(
        "/v2/calls/extensive",
        0,
        usize::MAX,
        Trouble::Alter(|answer| {
            for (place, started) in
                ["2026-03-02T23:59:59.999Z", "2026-03-02T19:00:00.000000-05:00", "2026-03-06T00:00:00Z"]
                    .iter()
                    .enumerate()
            {
                answer["calls"][place]["metaData"]["started"] = json!(started);
                answer["calls"][place]["metaData"]["isPrivate"] = json!(false);
            }
        }),
    );
    let truth = simulator.truth("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));
    let id = |place: usize| truth.calls[place]["metaData"]["id"].clone();
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&crate::support::simulator::source(&gateway.url()))).expect(0).json();
    let calls = Export::read(&sandbox.export()).rows("calls");
    let day_of = |id: &Value| calls.iter().find(|row| row["call_id"] == *id).map(|row| row["call_date"].clone());
    assert_eq!(day_of(&id(0)), Some(json!("2026-03-02")));
    assert_eq!(day_of(&id(1)), Some(json!("2026-03-03")));
    assert_eq!(day_of(&id(2)), None, "it was not asked for");
    let window = record["windows"].as_array().unwrap().iter().find(|window| window["fetch"] == "calls").unwrap();
    assert_eq!(window["outside"], 1, "{window}");
}

#[test]
fn days_of_activity_that_are_not_over_in_the_companys_zone_are_left_out_and_named() {
    // At 05:00 UTC on the 20th it is still the 19th in Honolulu, and 19:00 on the 20th in Kiritimati.
    for (company, left_out, last, end) in [
        ("Pacific/Honolulu", json!(["2026-03-19"]), "2026-03-18", "2026-03-19"),
        ("Pacific/Kiritimati", json!([]), "2026-03-19", "2026-03-20"),
    ] {
        let simulator = Simulator::start(json!({ "timezone": company }));
        simulator.set_clock("2026-03-20T05:00:00Z");
        let sandbox = Sandbox::new();
        let mut job = job(&simulator.source());
        job["range"] = json!({ "from": "2026-03-16", "to": "today" });
        let record = sandbox.export_job_at(&job, "2026-03-20T05:00:00Z", &[]).expect(0).json();
        assert_eq!(record["activity_days_left_out"], left_out, "{company}");
        let export = Export::read(&sandbox.export());
        assert_eq!(export.partitions("activity_stats").last(), Some(&last), "{company}");
        let truth = simulator.truth("2026-03-16T00:00:00Z", "2026-03-20T00:00:00Z", ("2026-03-16", end));
        let expected = truth.rows("activity_stats", &Choice::default());
        assert_rows("activity_stats", &comparable(export.rows("activity_stats")), &expected);
    }
}

#[test]
fn listings_too_long_for_one_window_lose_nothing_and_cost_no_more_than_they_must() {
    // Days so full that they are cut inside, and calls enough that a lost page would show.
    let simulator = Simulator::start(json!({ "calls_per_day": 4_000, "sentences_per_call": 5, "private_calls": 0.0 }));
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    job["range"]["to"] = json!("2026-03-04");
    job["datasets"] = json!(["calls", "parties"]);
    let record = sandbox.export_job(&job).expect(0).json();
    let expected = simulator.calls("2026-03-02T00:00:00Z", "2026-03-04T00:00:00Z");
    let calls = Export::read(&sandbox.export()).rows("calls");
    let exported: std::collections::BTreeSet<_> = calls.iter().map(|row| row["call_id"].as_str().unwrap()).collect();
    assert!(expected.len() > 6_000, "{} calls", expected.len());
    assert_eq!((calls.len(), exported), (expected.len(), expected.iter().map(String::as_str).collect()));

    let windows = record["windows"].as_array().unwrap();
    assert!(windows.len() > 2, "it was one listing: {windows:?}");
    let sum = |count: &str| windows.iter().map(|window| window[count].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("fetched"), sum("written")), (calls.len() as u64, calls.len() as u64));
    // The whole range and each of its two days announce too much for one listing, which takes a page.
    let (sent, least) = (record["requests"]["sent"].as_u64().unwrap(), calls.len().div_ceil(100) as u64);
    assert!(sent as f64 <= least as f64 * 1.05 + 3.0, "{sent} requests where {least} would do");
}
