//! What networks, gateways and Gong itself do to a run, and what has to come of it. Trouble with single
//! records is in [`records`], with lists other than that of calls in [`lists`], with calls that are listed
//! side by side in [`side_by_side`].

mod lists;
mod records;
mod side_by_side;

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::command::{NOW, Running, Sandbox, job};
use crate::support::export::{Export, assert_same, data_files};
use crate::support::gateway::{Gateway, Trouble};
use crate::support::simulator::{Simulator, source};

const CALLS: &str = "/v2/calls/extensive";
const TRANSCRIPTS: &str = "/v2/calls/transcript";
const USERS: &str = "/v2/users";
const ACTIVITY: &str = "/v2/stats/activity/aggregate-by-period";

/// A small account whose listings have several pages, with a gateway before it.
fn account() -> (Simulator, Gateway) {
    let simulator = Simulator::start(json!({ "page_size": 20 }));
    let gateway = Gateway::before(&simulator.url());
    (simulator, gateway)
}

/// What comes of it without trouble.
fn undisturbed(simulator: &Simulator) -> Export {
    let sandbox = Sandbox::new();
    sandbox.export_job(&job(&simulator.source())).expect(0);
    Export::read(&sandbox.export())
}

/// Runs the job through the gateway, which has to come out as if nothing had been.
#[track_caller]
fn assert_survived(simulator: &Simulator, gateway: &Gateway) -> Value {
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&source(&gateway.url()))).expect(0).json();
    assert_same(&Export::read(&sandbox.export()), &undisturbed(simulator));
    record
}

#[test]
fn throttling_is_waited_out() {
    let (simulator, gateway) = account();
    gateway.trouble(CALLS, 1, 1, Trouble::throttled(Some("1")));
    gateway.trouble(TRANSCRIPTS, 1, 1, Trouble::throttled(None));
    gateway.trouble(USERS, 0, 1, Trouble::throttled(Some("0")));
    let record = assert_survived(&simulator, &gateway);
    assert_eq!(record["requests"]["throttled"], 3, "{}", record["requests"]);
    assert_eq!(record["requests"]["retries"], 3, "{}", record["requests"]);
}

#[test]
fn after_a_429_nothing_is_sent_before_the_wait_is_over() {
    let (simulator, gateway) = account();
    gateway.trouble(CALLS, 1, 1, Trouble::throttled(Some("2")));
    assert_survived(&simulator, &gateway);
    let seen = gateway.seen();
    let refused = seen.iter().filter(|seen| seen.path == CALLS).nth(1).unwrap().at;
    // What was on its way when the refusal was written may still arrive.
    let on_its_way = Duration::from_millis(500);
    for request in &seen {
        let since = request.at.saturating_duration_since(refused);
        assert!(since <= on_its_way || since >= Duration::from_millis(1_990), "{} came after {since:?}", request.path);
    }
}

#[test]
fn a_wait_may_be_told_as_a_date() {
    let (simulator, gateway) = account();
    // In the past by any clock: no wait, then as usual.
    gateway.trouble(CALLS, 0, 1, Trouble::throttled(Some("Fri, 20 Mar 2026 12:00:00 GMT")));
    gateway.trouble(USERS, 0, 1, Trouble::throttled(Some("soon")));
    let record = assert_survived(&simulator, &gateway);
    assert_eq!(record["requests"]["throttled"], 2);
}

#[test]
fn a_wait_of_hours_is_a_stop_from_which_the_next_run_goes_on() {
    let (simulator, gateway) = account();
    gateway.trouble(TRANSCRIPTS, 2, usize::MAX, Trouble::throttled(Some("14400")));
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&source(&gateway.url()))).expect(5).json();
    assert_eq!(record["outcome"], "budget");
    let expected = undisturbed(&simulator);
    for (key, file) in Export::read(&sandbox.export()).files {
        assert_eq!(file.rows, expected.files[&key].rows, "{key}");
    }
    sandbox.export_job(&job(&simulator.source())).expect(0);
    assert_same(&Export::read(&sandbox.export()), &expected);
}

#[test]
fn errors_of_servers_and_gateways_are_tried_again() {
    let (simulator, gateway) = account();
    let html = "<html><head><title>502 Bad Gateway</title></head></html>";
    let envelope = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["Internal server error occurred"]}"#;
    gateway.trouble(CALLS, 0, 1, Trouble::status(502, html));
    gateway.trouble(CALLS, 1, 1, Trouble::status(503, ""));
    gateway.trouble(TRANSCRIPTS, 0, 1, Trouble::status(500, envelope));
    gateway.trouble(USERS, 0, 1, Trouble::status(504, html));
    let record = assert_survived(&simulator, &gateway);
    assert_eq!(record["requests"]["retries"], 4, "{}", record["requests"]);
}

#[test]
fn connections_that_break_are_tried_again() {
    let (simulator, gateway) = account();
    gateway.trouble(CALLS, 1, 1, Trouble::Reset);
    gateway.trouble(TRANSCRIPTS, 0, 1, Trouble::Truncate);
    gateway.trouble(USERS, 0, 1, Trouble::Stall(Duration::from_millis(700)));
    gateway.trouble(ACTIVITY, 0, 1, Trouble::Truncate);
    let record = assert_survived(&simulator, &gateway);
    assert_eq!(record["requests"]["retries"], 4, "{}", record["requests"]);
}

#[test]
fn a_success_that_is_no_json_is_tried_again() {
    let (simulator, gateway) = account();
    gateway.trouble(CALLS, 1, 1, Trouble::status(200, "<html>Please sign in to the network</html>"));
    gateway.trouble(TRANSCRIPTS, 0, 1, Trouble::status(200, ""));
    gateway.trouble(USERS, 0, 1, Trouble::Rewrite(|text| format!("{text} and more").into_bytes()));
    assert_survived(&simulator, &gateway);
}

#[test]
fn a_page_that_comes_again_is_not_read_for_ever() {
    let (simulator, gateway) = account();
    gateway.trouble(CALLS, 1, usize::MAX, Trouble::Repeat);
    let sandbox = Sandbox::new();
    let mut job = job(&source(&gateway.url()));
    job["datasets"] = json!(["calls"]);
    sandbox.job(&job);
    let running = Running::start(sandbox.command(["run", "job.yaml", "--now", NOW, "--output", "json"]));
    let finished = running.wait_at_most(Duration::from_secs(30)).expect(4);
    assert!(gateway.count(CALLS) < 20, "{} requests", gateway.count(CALLS));
    assert!(!finished.json()["failures"].as_array().unwrap().is_empty());
    assert!(data_files(&sandbox.export()).is_empty(), "part of a listing was taken for the whole");
    drop(simulator);
}

#[test]
fn a_refused_cursor_begins_the_listing_anew() {
    let (simulator, gateway) = account();
    let expired = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["cursor has expired"]}"#;
    gateway.trouble(CALLS, 2, 1, Trouble::status(400, expired));
    gateway.trouble(USERS, 0, 0, Trouble::Reset);
    let record = assert_survived(&simulator, &gateway);
    assert!(record["failures"].as_array().unwrap().is_empty());
    let cursorless = gateway.seen().iter().filter(|seen| seen.path == CALLS && seen.body["cursor"].is_null()).count();
    assert!(cursorless >= 2, "the listing began {cursorless} times");
}

#[test]
fn a_listing_that_begins_anew_without_transcripts_replaces_nothing_that_has_them() {
    let simulator = Simulator::start(json!({ "calls_per_day": 250, "sentences_per_call": 5 }));
    let gateway = Gateway::before(&simulator.url());
    // The first partition is complete by then, transcripts and all.
    let no_scope = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["Missing scope api:calls:read:transcript"]}"#;
    gateway.trouble(TRANSCRIPTS, 4, usize::MAX, Trouble::status(401, no_scope));
    let expired = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["cursor has expired"]}"#;
    gateway.trouble(CALLS, 6, 1, Trouble::status(400, expired));
    let sandbox = Sandbox::new();
    // One page after the other, also on a machine that takes long to answer.
    let mut job_through = job(&source(&gateway.url()));
    job_through["source"]["requests_per_second"] = json!(10);
    sandbox.export_job(&job_through).expect(4);
    let cursorless = gateway.seen().iter().filter(|seen| seen.path == CALLS && seen.body["cursor"].is_null()).count();
    assert_eq!(cursorless, 2, "the listing began anew");

    let export = Export::read(&sandbox.export());
    let expected = undisturbed(&simulator);
    let with_transcripts: Vec<_> = export.of("transcripts").map(|(_, file)| file.partition.clone()).collect();
    assert!(!with_transcripts.is_empty(), "no partition was complete before the transcripts were refused");
    for (key, file) in export.of("calls").filter(|(_, file)| with_transcripts.contains(&file.partition)) {
        assert_eq!(file.checksum(), expected.files[key].checksum(), "{key}");
    }
    sandbox.export_job(&job(&simulator.source())).expect(0);
    assert_same(&Export::read(&sandbox.export()), &expected);
}

#[test]
fn calls_that_are_not_listed_oldest_first_are_sorted_all_the_same() {
    let (simulator, gateway) = account();
    // A call of the third page seems to belong before those of the first, which are on their way.
    gateway.trouble(
        CALLS,
        2,
        1,
        Trouble::Alter(|answer| answer["calls"][0]["metaData"]["started"] = json!("2026-03-02T00:00:00.001Z")),
    );
    let record = assert_survived(&simulator, &gateway);
    assert!(record["failures"].as_array().unwrap().is_empty());
    let cursorless = gateway.seen().iter().filter(|seen| seen.path == CALLS && seen.body["cursor"].is_null()).count();
    assert!(cursorless >= 2, "the listing began {cursorless} times");
}

#[test]
fn a_wrong_key_ends_with_3_and_says_what_to_check() {
    let simulator = Simulator::start(json!({ "access_key_secret": "another" }));
    let sandbox = Sandbox::new();
    let finished = sandbox.export_job(&job(&simulator.source())).expect(3);
    let text = finished.to_string();
    assert!(text.contains("base URL") && text.contains("401"), "{finished}");
    assert!(data_files(&sandbox.export()).is_empty());
    sandbox.run(["check", "job.yaml", "--now", NOW]).expect(3);
}

#[test]
fn a_key_off_the_allow_list_ends_with_3() {
    let simulator = Simulator::start(json!({ "allow_list_refuses": true }));
    let sandbox = Sandbox::new();
    let finished = sandbox.export_job(&job(&simulator.source())).expect(3);
    assert!(finished.to_string().contains("403"), "{finished}");
}

#[test]
fn a_missing_scope_costs_its_dataset_only() {
    let scopes = ["api:calls:read:extensive", "api:users:read", "api:stats:user-actions", "api:workspaces:read"];
    let simulator = Simulator::start(json!({ "scopes": scopes }));
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&simulator.source())).expect(4).json();
    let export = Export::read(&sandbox.export());
    for (dataset, files) in [("calls", 4), ("parties", 4), ("users", 1), ("activity_stats", 4), ("transcripts", 0)] {
        assert_eq!(export.of(dataset).count(), files, "{dataset}");
    }
    assert!(record["failures"].to_string().contains("api:calls:read:transcript"), "{}", record["failures"]);
    let check = sandbox.run(["check", "job.yaml", "--now", NOW]).expect(3);
    assert!(check.to_string().contains("api:calls:read:transcript"), "{check}");
}

#[test]
fn a_redirect_is_refused_and_carries_no_key_anywhere() {
    let elsewhere = Gateway::before("http://127.0.0.1:9");
    let simulator = Simulator::start(json!({ "redirect_to": elsewhere.url() }));
    let sandbox = Sandbox::new();
    let finished = sandbox.export_job(&job(&simulator.source())).expect(3);
    assert!(finished.to_string().contains("redirect"), "{finished}");
    assert_eq!(elsewhere.seen().len(), 0, "the redirect was followed");
}

#[test]
fn a_key_that_sees_no_calls_is_told_from_an_account_without_calls() {
    let blind = Simulator::start(json!({ "blind_key": true }));
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&blind.source())).expect(0).json();
    assert!(record["warnings"].to_string().contains("cannot see"), "{}", record["warnings"]);
}

#[test]
fn a_budget_of_requests_is_kept_and_the_next_run_goes_on() {
    let simulator = Simulator::start(json!({ "page_size": 20, "calls_per_day": 60 }));
    let gateway = Gateway::before(&simulator.url());
    let mut job = job(&source(&gateway.url()));
    job["range"] = json!({ "from": "2026-02-20", "to": "2026-03-06" });
    let expected = {
        let sandbox = Sandbox::new();
        sandbox.export_job(&job).expect(0);
        Export::read(&sandbox.export())
    };
    let needed = gateway.seen().len();
    let sandbox = Sandbox::new();
    let before = gateway.seen().len();
    let record = sandbox.export_job_at(&job, NOW, &["--max-requests", "12"]).expect(5).json();
    assert_eq!(gateway.seen().len() - before, 12, "of {needed} needed");
    assert_eq!(record["requests"]["sent"], 12);
    for (key, file) in Export::read(&sandbox.export()).files {
        assert_eq!(file.rows, expected.files[&key].rows, "{key} is half written");
    }
    sandbox.export_job(&job).expect(0);
    assert_same(&Export::read(&sandbox.export()), &expected);
}

#[test]
fn an_outage_that_lasts_costs_its_unit_and_no_other() {
    let (simulator, gateway) = account();
    gateway.trouble(
        ACTIVITY,
        0,
        usize::MAX,
        Trouble::status(400, r#"{"requestId": "7b2mfw90ac5e1q8rlu", "errors": ["Bad request"]}"#),
    );
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&job(&source(&gateway.url()))).expect(4).json();
    assert_eq!(gateway.count(ACTIVITY), 1, "a 400 is not tried again");
    assert!(record["failures"].to_string().contains("7b2mfw90ac5e1q8rlu"), "{}", record["failures"]);
    let export = Export::read(&sandbox.export());
    assert_eq!(export.of("activity_stats").count(), 0);
    let expected = undisturbed(&simulator);
    for dataset in ["calls", "parties", "transcripts", "users"] {
        assert_eq!(export.rows(dataset), expected.rows(dataset), "{dataset}");
    }
}

#[test]
fn random_faults_of_every_kind_change_nothing() {
    for seed in [1, 2, 3] {
        let switches = json!({ "page_size": 20, "error_rate": 0.25, "retry_after": "0", "seed": seed });
        let troubled = Simulator::start(switches);
        let calm = Simulator::start(json!({ "page_size": 20, "seed": seed }));
        let sandbox = Sandbox::new();
        let record = sandbox.export_job(&job(&troubled.source())).expect(0).json();
        assert!(record["requests"]["retries"].as_u64().unwrap() > 0, "nothing failed: {}", record["requests"]);
        assert_same(&Export::read(&sandbox.export()), &undisturbed(&calm));
    }
}

#[test]
fn never_more_than_three_requests_in_any_second() {
    let simulator = Simulator::start(json!({ "page_size": 10, "requests_per_second": 3 }));
    let gateway = Gateway::before(&simulator.url());
    let sandbox = Sandbox::new();
    let mut job = job(&source(&gateway.url()));
    job["source"]["requests_per_second"] = json!(3);
    job["range"]["to"] = json!("2026-03-04");
    let record = sandbox.export_job(&job).expect(0).json();
    assert_eq!(record["requests"]["throttled"], 0);
    let seen = gateway.seen();
    assert!(seen.len() >= 12, "too few requests to tell: {}", seen.len());
    for four in seen.windows(4) {
        let apart = four[3].at - four[0].at;
        // The way here may delay one request a little more than another, on a busy machine above all.
        assert!(apart >= Duration::from_millis(900), "four requests within {apart:?}");
    }
    // And no slower than it may be.
    let all = seen[seen.len() - 1].at - seen[0].at;
    let least = Duration::from_secs_f64((seen.len() - 1) as f64 / 3.0);
    assert!(all < least.mul_f64(1.3) + Duration::from_secs(1), "{all:?} for {} requests", seen.len());
}
