//! The same for what is made from lists: statistics, reviews, settings, logs.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, SecondsFormat, Utc};
use chrono_tz::Tz;
use serde_json::{Value, json};

use super::{ACTIVITY, CALLS, USERS};
use crate::support::command::{NOW, Running, Sandbox, job};
use crate::support::export::{self, Export, assert_rows, assert_same};
use crate::support::gateway::{Gateway, Trouble};
use crate::support::simulator::{Simulator, source};

const REVIEWS: &str = "/v2/stats/activity/scorecards";
const ACTIVITY_CALLS: &str = "/v2/stats/activity/day-by-day";
const INTERACTION: &str = "/v2/stats/interaction";
const SCORECARDS: &str = "/v2/settings/scorecards";
const WORKSPACES: &str = "/v2/workspaces";
const FOLDERS: &str = "/v2/library/folders";
const FOLDER_CONTENT: &str = "/v2/library/folder-content";
const LOGS: &str = "/v2/logs";

/// Every list, and what cannot be exported without it.
const LISTS: [(&str, &[&str]); 12] = [
    (USERS, &["users"]),
    (ACTIVITY, &["activity_stats"]),
    (ACTIVITY_CALLS, &["activity_calls"]),
    (INTERACTION, &["interaction_stats"]),
    (REVIEWS, &["answered_scorecards", "answered_scorecard_answers"]),
    (SCORECARDS, &["scorecards", "scorecard_questions"]),
    ("/v2/settings/trackers", &["trackers"]),
    (WORKSPACES, &["workspaces", "library_folders", "library_calls"]),
    ("/v2/call-outcomes", &["call_outcomes"]),
    (FOLDERS, &["library_folders", "library_calls"]),
    (FOLDER_CONTENT, &["library_calls"]),
    (LOGS, &["logs"]),
];

/// Later runs of the same day, each too late to take up one that was not complete.
const AFTERNOON: &str = "2026-03-20T14:00:00Z";
const EVENING: &str = "2026-03-20T18:00:00Z";

const LOG_TYPES: [&str; 5] =
    ["AccessLog", "UserActivityLog", "UserCallPlay", "ExternallySharedCallAccess", "ExternallySharedCallPlay"];

const EXPIRED: &str = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["cursor has expired"]}"#;
const NOTHING: &str = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["No records found."]}"#;

/// All lists over four days.
pub(crate) fn lists_job(source: &Value) -> Value {
    let mut job = job(source);
    job["datasets"] = json!(["users", "activity_stats", "stats", "scorecards", "settings", "logs"]);
    job
}

/// An account whose lists have several pages, with a gateway before it.
fn account() -> (Simulator, Gateway) {
    let simulator = Simulator::start(json!({ "page_size": 4, "calls_per_day": 60 }));
    let gateway = Gateway::before(&simulator.url());
    (simulator, gateway)
}

fn undisturbed(job: &Value) -> Export {
    let sandbox = Sandbox::new();
    sandbox.export_job(job).expect(0);
    Export::read(&sandbox.export())
}

/// The files of all datasets but some.
fn without(mut export: Export, datasets: &[&str]) -> Export {
    export.files.retain(|key, _| !datasets.contains(&key.split('/').next().unwrap()));
    export
}

/// What a run failed at, each with its error and its hint.
fn failures(record: &Value) -> Vec<String> {
    record["failures"].as_array().unwrap().iter().map(Value::to_string).collect()
}

fn windows<'r>(record: &'r Value, list: &str) -> Vec<&'r Value> {
    record["windows"].as_array().unwrap().iter().filter(|window| window["fetch"] == list).collect()
}

#[test]
fn trouble_on_the_way_of_any_list_leaves_no_trace() {
    let (simulator, gateway) = account();
    let troubles = [
        Trouble::throttled(Some("0")),
        Trouble::status(503, ""),
        Trouble::Reset,
        Trouble::Truncate,
        Trouble::status(200, "<html>Please sign in to the network</html>"),
    ];
    for (number, (path, _)) in LISTS.into_iter().enumerate() {
        gateway.trouble(path, number % 2, 1, troubles[number % troubles.len()].clone());
    }
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&lists_job(&source(&gateway.url()))).expect(0).json();
    // One of them asks for settings once only, so that its second request never comes.
    assert!(record["requests"]["retries"].as_u64().unwrap() >= 9, "{}", record["requests"]);
    assert_same(&Export::read(&sandbox.export()), &undisturbed(&lists_job(&simulator.source())));
}

#[test]
fn a_refused_cursor_begins_its_list_anew() {
    let (simulator, gateway) = account();
    for path in [USERS, ACTIVITY, ACTIVITY_CALLS, INTERACTION, REVIEWS] {
        gateway.trouble(path, 1, 1, Trouble::status(400, EXPIRED));
    }
    // Its five listings begin together; what follows is their second pages.
    gateway.trouble(LOGS, 5, 1, Trouble::status(404, EXPIRED));
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&lists_job(&source(&gateway.url()))).expect(0).json();
    assert_eq!(failures(&record), [""; 0]);
    let expected = undisturbed(&lists_job(&simulator.source()));
    assert_same(&Export::read(&sandbox.export()), &expected);
    let begun = |path| gateway.seen().iter().filter(|s| s.path == path && s.body["cursor"].is_null()).count();
    assert_eq!((begun(ACTIVITY), begun(ACTIVITY_CALLS), begun(REVIEWS)), (2, 2, 2));
}

#[test]
fn a_list_that_goes_in_circles_fails_alone_and_soon() {
    let (simulator, gateway) = account();
    gateway.trouble(REVIEWS, 1, usize::MAX, Trouble::Repeat);
    let sandbox = Sandbox::new();
    sandbox.job(&lists_job(&source(&gateway.url())));
    let running = Running::start(sandbox.command(["run", "job.yaml", "--now", NOW, "--output", "json"]));
    let record = running.wait_at_most(Duration::from_secs(30)).expect(4).json();
    assert!(gateway.count(REVIEWS) < 20, "{} requests", gateway.count(REVIEWS));
    assert_eq!(failures(&record).len(), 1, "{record:#}");
    let expected = undisturbed(&lists_job(&simulator.source()));
    let reviews = ["answered_scorecards", "answered_scorecard_answers"];
    assert_same(&Export::read(&sandbox.export()), &without(expected, &reviews));
}

/// The list in an answer, whatever it is called.
fn list_in(answer: &mut Value) -> Option<&mut Vec<Value>> {
    let mut arrays = answer.as_object_mut()?.iter_mut().filter(|(name, _)| *name != "errors");
    arrays.find_map(|(_, value)| value.as_array_mut())
}

#[test]
fn a_record_that_comes_twice_is_one_row_and_counted() {
    let (simulator, gateway) = account();
    for (path, _) in LISTS.into_iter().filter(|(path, _)| *path != LOGS) {
        // What shifts while it is read gives the last of a page once more.
        let twice = |answer: &mut Value| {
            if let Some(records) = list_in(answer) {
                records.extend(records.last().cloned());
            }
        };
        gateway.trouble(path, 0, usize::MAX, Trouble::Alter(twice));
    }
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&lists_job(&source(&gateway.url()))).expect(0).json();
    assert_same(&Export::read(&sandbox.export()), &undisturbed(&lists_job(&simulator.source())));
    let counted = windows(&record, "answered_scorecards");
    assert!(counted[0]["duplicates"].as_u64().unwrap() > 1, "{counted:?}");
}

#[test]
fn a_list_that_announces_more_than_it_gives_is_told() {
    let (simulator, gateway) = account();
    let ahead = |answer: &mut Value| {
        let announced = answer["records"]["totalRecords"].as_u64().unwrap();
        answer["records"]["totalRecords"] = json!(announced + 7);
    };
    gateway.trouble(REVIEWS, 0, usize::MAX, Trouble::Alter(ahead));
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&lists_job(&source(&gateway.url()))).expect(0).json();
    let told = record["warnings"].to_string();
    assert!(told.contains("answered_scorecards 2026-03-02 to 2026-03-06: Gong announced"), "{told}");
    assert_same(&Export::read(&sandbox.export()), &undisturbed(&lists_job(&simulator.source())));
}

#[test]
fn a_record_that_is_none_is_kept_aside_in_every_list() {
    let (simulator, gateway) = account();
    for (path, _) in LISTS {
        let spoil = |answer: &mut Value| {
            if let Some(records) = list_in(answer) {
                records.insert(0, json!({ "strange": "MARKER" }));
            }
        };
        gateway.trouble(path, 0, usize::MAX, Trouble::Alter(spoil));
    }
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&lists_job(&source(&gateway.url()))).expect(4).json();
    assert_eq!(failures(&record), [""; 0], "nothing but records is lost");
    for window in record["windows"].as_array().unwrap() {
        assert!(window["rejected"].as_u64().unwrap() > 0, "{window}");
    }
    assert_same(&Export::read(&sandbox.export()), &undisturbed(&lists_job(&simulator.source())));
    let kept = std::fs::read_to_string(sandbox.export().join(record["rejected"]["key"].as_str().unwrap())).unwrap();
    assert_eq!(kept.matches("MARKER").count() as u64, record["rejected"]["records"].as_u64().unwrap());
}

#[test]
fn what_cannot_be_asked_for_since_another_list_is_broken_is_told() {
    let (simulator, gateway) = account();
    // The job does not export the folders themselves.
    gateway.trouble(FOLDERS, 0, 1, Trouble::Alter(|answer| answer["folders"][0]["id"] = Value::Null));
    let mut job = lists_job(&source(&gateway.url()));
    job["datasets"] = json!(["library_calls"]);
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job).expect(4).json();
    assert_eq!(record["rejected"]["records"], 1);
    job["source"] = simulator.source();
    let (found, expected) = (Export::read(&sandbox.export()), undisturbed(&job));
    let (found, expected) = (found.rows("library_calls"), expected.rows("library_calls"));
    assert!(!found.is_empty() && found.len() < expected.len() && found.iter().all(|row| expected.contains(row)));
}

#[test]
fn a_list_that_is_refused_costs_its_own_datasets_only() {
    let (simulator, gateway) = account();
    let expected = undisturbed(&lists_job(&simulator.source()));
    // Whether a call is private is asked of the calls.
    let of_calls: &[&str] = &["activity_calls", "answered_scorecards", "answered_scorecard_answers", "library_calls"];
    for (path, lost) in LISTS.into_iter().chain([(CALLS, of_calls)]) {
        let refused = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["You don't have permission to use 'api:x' in your app."]}"#;
        gateway.trouble(path, 0, usize::MAX, Trouble::status(401, refused));
        let sandbox = Sandbox::new();
        let record = sandbox.export_job(&lists_job(&source(&gateway.url()))).expect(4).json();
        gateway.come_back();
        assert!(failures(&record).iter().all(|failure| failure.contains("api:x")), "{path}: {record:#}");
        assert_same(&Export::read(&sandbox.export()), &without(expected.clone(), lost));
    }
}

#[test]
fn lists_without_anything_are_files_without_rows() {
    let (simulator, gateway) = account();
    for (path, _) in LISTS {
        gateway.trouble(path, 0, usize::MAX, Trouble::status(404, NOTHING));
    }
    let sandbox = Sandbox::new();
    sandbox.export_job(&lists_job(&source(&gateway.url()))).expect(0);
    let export = Export::read(&sandbox.export());
    let expected = undisturbed(&lists_job(&simulator.source()));
    assert_eq!(export.files.keys().collect::<Vec<_>>(), expected.files.keys().collect::<Vec<_>>());
    assert!(export.files.values().all(|file| file.rows.is_empty()));
    sandbox.run(["verify", "job.yaml"]).expect(0);
}

#[test]
fn a_folder_that_is_gone_before_it_is_opened_is_an_empty_one() {
    let (simulator, gateway) = account();
    gateway.trouble(
        FOLDER_CONTENT,
        1,
        1,
        Trouble::status(404, r#"{"requestId": "x", "errors": ["No folders found"]}"#),
    );
    let sandbox = Sandbox::new();
    sandbox.export_job(&lists_job(&source(&gateway.url()))).expect(0);
    let found = Export::read(&sandbox.export());
    let expected = undisturbed(&lists_job(&simulator.source()));
    let folders = |export: &Export| {
        export.rows("library_calls").iter().map(|row| row["folder_id"].to_string()).collect::<BTreeSet<_>>()
    };
    assert_eq!(folders(&found).len() + 1, folders(&expected).len());
    assert_same(&without(found, &["library_calls"]), &without(expected, &["library_calls"]));
}

#[test]
fn lists_that_are_suddenly_empty_empty_nothing() {
    let (_simulator, gateway) = account();
    let sandbox = Sandbox::new();
    let job = lists_job(&source(&gateway.url()));
    sandbox.export_job(&job).expect(0);
    let before = Export::read(&sandbox.export());
    for (path, _) in LISTS {
        gateway.trouble(path, 0, usize::MAX, Trouble::status(404, NOTHING));
    }
    let record = sandbox.export_job_at(&job, AFTERNOON, &["--full-refresh"]).expect(4).json();
    assert_same(&Export::read(&sandbox.export()), &before);
    // Each day is told by itself.
    let failed = failures(&record);
    for (key, file) in before.files.iter().filter(|(_, file)| !file.rows.is_empty()) {
        // What is made from another list's records is told by that one's name.
        let list = match key.split('/').next().unwrap() {
            "answered_scorecard_answers" => "answered_scorecards",
            "scorecard_questions" => "scorecards",
            dataset => dataset,
        };
        let unit = format!("\"{list} of {}\"", file.partition.1);
        assert!(failed.iter().any(|failure| failure.contains(&unit)), "{unit}: {failed:#?}");
    }
    assert!(failed.iter().all(|failure| failure.contains("--accept-shrink")), "{failed:#?}");
    sandbox.export_job_at(&job, EVENING, &["--full-refresh", "--accept-shrink"]).expect(0);
    let after = Export::read(&sandbox.export());
    assert!(after.files.len() == before.files.len() && after.files.values().all(|file| file.rows.is_empty()));
}

#[test]
fn a_day_that_shrinks_keeps_no_other_day_from_being_written() {
    let (simulator, gateway) = account();
    let sandbox = Sandbox::new();
    let mut job = lists_job(&source(&gateway.url()));
    job["datasets"] = json!(["scorecards"]);
    job["range"]["to"] = json!("2026-03-04");
    sandbox.export_job(&job).expect(0);
    let before = Export::read(&sandbox.export());

    let purge = |answer: &mut Value| {
        let reviews = answer["answeredScorecards"].as_array_mut().unwrap();
        reviews.retain(|review| !review["reviewTime"].as_str().unwrap().starts_with("2026-03-02"));
    };
    gateway.trouble(REVIEWS, 0, usize::MAX, Trouble::Alter(purge));
    job["range"]["to"] = json!("2026-03-06");
    let record = sandbox.export_job_at(&job, AFTERNOON, &["--full-refresh"]).expect(4).json();
    let failed = failures(&record);
    assert!(failed.len() == 1 && failed[0].contains("answered_scorecards of 2026-03-02"), "{failed:?}");
    let after = Export::read(&sandbox.export());
    job["source"] = simulator.source();
    assert_same(&after, &undisturbed(&job));
    for (key, file) in before.files.iter().filter(|(_, file)| file.partition.1 == "2026-03-02") {
        assert_eq!(file, &after.files[key], "{key} was replaced");
    }
}

#[test]
fn what_is_about_calls_that_became_private_goes_and_what_is_out_of_sight_stays() {
    let (_simulator, gateway) = account();
    let sandbox = Sandbox::new();
    let job = lists_job(&source(&gateway.url()));
    sandbox.export_job(&job).expect(0);
    let before = Export::read(&sandbox.export());
    let about_calls = ["answered_scorecards", "answered_scorecard_answers", "activity_calls", "library_calls"];

    // A key that sees no calls any more cannot tell which of them are private.
    gateway.trouble(CALLS, 0, usize::MAX, Trouble::status(404, NOTHING));
    sandbox.export_job_at(&job, AFTERNOON, &["--full-refresh"]).expect(4);
    let blind = Export::read(&sandbox.export());
    assert_same(&blind, &before);
    gateway.come_back();

    let hide = |answer: &mut Value| {
        for call in answer["calls"].as_array_mut().unwrap() {
            call["metaData"]["isPrivate"] = json!(true);
        }
    };
    gateway.trouble(CALLS, 0, usize::MAX, Trouble::Alter(hide));
    sandbox.export_job_at(&job, EVENING, &["--full-refresh"]).expect(0);
    let after = Export::read(&sandbox.export());
    for dataset in about_calls {
        assert!(!before.rows(dataset).is_empty() && after.rows(dataset).is_empty(), "{dataset}");
    }
    assert_same(&without(after, &about_calls), &without(before, &about_calls));
}

#[test]
fn users_are_left_out_of_lists_and_come_back() {
    let simulator = Simulator::start(json!({ "calls_per_day": 60 }));
    let sandbox = Sandbox::new();
    let mut job = lists_job(&simulator.source());
    sandbox.export_job(&job).expect(0);
    let with = Export::read(&sandbox.export());
    let somebody = with.rows("answered_scorecards")[0]["reviewed_user_id"].clone();
    job["privacy"] = json!({ "exclude": { "users": [somebody] } });
    sandbox.export_job(&job).expect(0);
    let without = Export::read(&sandbox.export());
    for (key, file) in &without.files {
        for row in &file.rows {
            let about = ["user_id", "reviewed_user_id", "impersonator_user_id"].map(|column| row.get(column));
            assert!(!about.contains(&Some(&somebody)), "{key}: {row:?}");
        }
    }
    assert_same(&without, &undisturbed(&job));
    job["privacy"] = json!({});
    sandbox.export_job(&job).expect(0);
    assert_same(&Export::read(&sandbox.export()), &with);
}

#[test]
fn a_budget_that_ends_among_the_lists_is_taken_up_until_all_is_done() {
    let simulator = Simulator::start(json!({ "page_size": 20, "calls_per_day": 60 }));
    let gateway = Gateway::before(&simulator.url());
    let expected = undisturbed(&lists_job(&source(&gateway.url())));
    let needed = gateway.seen().len();
    let sandbox = Sandbox::new();
    let job = lists_job(&source(&gateway.url()));
    let mut ends = Vec::new();
    let before = gateway.seen().len();
    while ends.last() != Some(&0) {
        let now = format!("2026-03-20T12:{:02}:00Z", ends.len());
        let (at, max) = (gateway.seen().len(), needed / 3);
        let finished = sandbox.export_job_at(&job, &now, &["--max-requests", &max.to_string()]);
        assert!(gateway.seen().len() - at <= max);
        ends.push(finished.code().unwrap());
        assert!(matches!(ends.last(), Some(0 | 5)) && ends.len() < 8, "{ends:?}\n{finished}");
    }
    assert!(ends.len() > 1, "{ends:?}");
    assert_same(&Export::read(&sandbox.export()), &expected);
    // The first run is at three lists when its budget ends, the others at one each.
    let sent = gateway.seen().len() - before;
    assert!(sent < needed * 5 / 2, "{sent} requests, {needed} undisturbed");
}

#[test]
fn a_list_that_announces_megabytes_is_fetched_in_parts_for_one_request_more() {
    let (simulator, gateway) = account();
    let mut job = lists_job(&source(&gateway.url()));
    job["datasets"] = json!(["scorecards"]);
    job["source"] = simulator.source();
    let expected = undisturbed(&job);
    job["source"] = source(&gateway.url());
    gateway.trouble(REVIEWS, 0, 1, Trouble::Alter(|answer| answer["records"]["totalRecords"] = json!(1_000_000)));
    let sandbox = Sandbox::new();
    sandbox.export_job(&job).expect(0);
    assert_same(&Export::read(&sandbox.export()), &expected);
    let asked: Vec<(String, String)> = gateway
        .seen()
        .iter()
        .filter(|seen| seen.path == REVIEWS && seen.body["cursor"].is_null())
        .map(|seen| {
            ["reviewFromDate", "reviewToDate"].map(|name| seen.body["filter"][name].as_str().unwrap().to_owned())
        })
        .map(|[from, to]| (from, to))
        .collect();
    let days = ["02", "03", "04", "05", "06"].map(|day| format!("2026-03-{day}"));
    let mut wanted = vec![(days[0].clone(), days[4].clone())];
    wanted.extend(days.windows(2).map(|pair| (pair[0].clone(), pair[1].clone())));
    assert_eq!(asked, wanted, "once whole, then day by day");
}

#[test]
fn logs_that_gong_keeps_no_longer_stay_where_they_were_written() {
    let simulator = Simulator::start(json!({ "users": 4 }));
    let sandbox = Sandbox::new();
    let mut job = lists_job(&simulator.source());
    job["datasets"] = json!(["logs"]);
    let early = "2026-03-14T12:00:00Z";
    simulator.set_clock(early);
    sandbox.export_job_at(&job, early, &[]).expect(0);
    let before = Export::read(&sandbox.export());
    assert!(before.rows("logs").iter().any(|row| row["log_type"] == "AccessLog"));

    // Settled days are left alone; asked for all the same, they are not what they were.
    simulator.set_clock(NOW);
    sandbox.export_job_at(&job, NOW, &[]).expect(0);
    let settled = Export::read(&sandbox.export());
    assert_same(&settled, &before);
    let record = sandbox.export_job_at(&job, AFTERNOON, &["--full-refresh"]).expect(4).json();
    assert_same(&Export::read(&sandbox.export()), &before);
    let failed = failures(&record);
    assert_eq!(failed.len(), 4, "{failed:#?}");
    assert!(failed.iter().all(|failure| failure.contains("14 days")), "{failed:#?}");
}

#[test]
fn logs_are_cut_anew_when_the_time_zone_changes() {
    let simulator = Simulator::start(json!({ "timezone": "Pacific/Kiritimati" }));
    let sandbox = Sandbox::new();
    let mut job = lists_job(&simulator.source());
    job["datasets"] = json!(["logs"]);
    let now = "2026-03-15T12:00:00Z";
    simulator.set_clock(now);
    // One of these days has 23 hours in New York.
    job["range"] = json!({ "from": "2026-03-04", "to": "2026-03-10" });
    for zone in ["Pacific/Honolulu", "America/New_York"] {
        job["range"]["timezone"] = json!(zone);
        sandbox.export_job_at(&job, now, &[]).expect(0);
        let fresh = Sandbox::new();
        fresh.export_job_at(&job, now, &[]).expect(0);
        let export = Export::read(&sandbox.export());
        assert_same(&export, &Export::read(&fresh.export()));
        let rows = export.rows("logs");
        assert!(rows.len() > 30, "{} entries", rows.len());
        let zone: Tz = zone.parse().unwrap();
        for row in &rows {
            let at: DateTime<Utc> = row["event_at"].as_str().unwrap().parse().unwrap();
            assert_eq!(row["event_date"], at.with_timezone(&zone).date_naive().to_string());
        }
        // A set, since Gong gives entries no id.
        let found: BTreeSet<_> =
            rows.iter().map(|row| (row["event_at"].clone().to_string(), row["log_type"].to_string())).collect();
        let midnight = |day: &str| {
            let midnight = day.parse::<NaiveDate>().unwrap().and_time(NaiveTime::MIN).and_local_timezone(zone).unwrap();
            midnight.to_utc().to_rfc3339_opts(SecondsFormat::Secs, true)
        };
        let span = format!("fromDateTime={}&toDateTime={}", midnight("2026-03-04"), midnight("2026-03-10"));
        let twin = simulator.twin();
        let mut expected = BTreeSet::new();
        for kind in LOG_TYPES {
            for entry in twin.all("GET", &format!("{LOGS}?logType={kind}&{span}"), "logEntries", &Value::Null) {
                let at: DateTime<Utc> = entry["eventTime"].as_str().unwrap().parse().unwrap();
                expected.insert((export::instant(at.timestamp_micros()).to_string(), json!(kind).to_string()));
            }
        }
        assert_eq!(found, expected);
    }
}

#[test]
fn a_name_of_a_group_narrows_every_command_to_all_of_it() {
    let simulator = Simulator::start(json!({ "calls_per_day": 60 }));
    let sandbox = Sandbox::new();
    let narrow = ["--dataset", "scorecards"];
    let job = lists_job(&simulator.source());
    let record = sandbox.export_job_at(&job, NOW, &narrow).expect(0).json();
    let names = |list: &Value| -> BTreeSet<String> {
        list.as_array().unwrap().iter().map(|one| one["dataset"].as_str().unwrap().to_owned()).collect()
    };
    // The dataset of that name, and the group.
    let named = ["answered_scorecard_answers", "answered_scorecards", "scorecards"].map(str::to_owned);
    assert_eq!(names(&record["files"]), BTreeSet::from(named));
    let arguments = ["plan", "job.yaml", "--output", "json", "--now", NOW];
    let plan = sandbox.run([&arguments[..], &narrow].concat()).expect(0).json();
    assert_eq!(names(&plan["datasets"]), names(&record["files"]));

    // Settings and reviews have days of their own in the calendar.
    let status = sandbox.run(["status", "job.yaml", "--now", NOW, "--output", "json"]).expect(0).json();
    let of = |dataset: &str| {
        let one = status["datasets"].as_array().unwrap().iter().find(|one| one["dataset"] == dataset).unwrap();
        let words = one["partitions"].as_array().unwrap().iter();
        words
            .map(|p| format!("{} {}", p["partition"].as_str().unwrap(), p["verdict"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let days = |word: &str| ["02", "03", "04", "05"].map(|day| format!("2026-03-{day} {word}")).to_vec();
    assert_eq!(of("answered_scorecards"), days("settled"));
    assert_eq!((of("logs"), of("activity_calls")), (days("missing"), days("missing")));
    assert_eq!(
        (of("scorecards"), of("trackers")),
        (vec!["2026-03-20 snapshot".into()], vec!["2026-03-20 missing".into()])
    );
}

#[test]
fn days_of_figures_are_the_companys_whatever_the_zone_of_the_job() {
    let simulator = Simulator::start(json!({ "timezone": "Pacific/Kiritimati", "calls_per_day": 60 }));
    let mut job = lists_job(&simulator.source());
    job["datasets"] = json!(["stats", "activity_stats"]);
    let of_zone = |zone: &str| {
        let mut job = job.clone();
        job["range"]["timezone"] = json!(zone);
        undisturbed(&job)
    };
    let (west, east) = (of_zone("Pacific/Honolulu"), of_zone("Pacific/Kiritimati"));
    for dataset in ["activity_stats", "activity_calls", "interaction_stats"] {
        assert!(!west.rows(dataset).is_empty());
        assert_rows(dataset, &west.rows(dataset), &east.rows(dataset));
        assert_eq!(west.partitions(dataset), ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]);
    }
}
