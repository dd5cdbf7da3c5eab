//! What users did and how they spoke, and the audit logs, against the account's own answers.

use std::collections::BTreeSet;

use chrono::{DateTime, Days, NaiveDate};
use serde_json::{Value, json};

use crate::support::command::{Sandbox, job};
use crate::support::export::{self, Export, assert_rows};
use crate::support::oracle::{comparable, without};
use crate::support::python::Row;
use crate::support::simulator::Simulator;

const DAYS: [&str; 4] = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"];

fn row(value: Value) -> Row {
    let Value::Object(row) = value else { panic!("a row is an object") };
    row
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn export(simulator: &Simulator, change: Value) -> (Export, Value) {
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    let Value::Object(change) = change else { panic!("a job is an object") };
    job.as_object_mut().unwrap().extend(change);
    let record = sandbox.export_job(&job).expect(0).json();
    sandbox.run(["verify", "job.yaml"]).expect(0);
    (Export::read(&sandbox.export()), record)
}

#[test]
fn figures_of_how_users_speak_are_those_of_each_day() {
    let simulator = Simulator::start(json!({ "page_size": 3 }));
    let (export, record) = export(&simulator, json!({ "datasets": ["interaction_stats"] }));
    let twin = simulator.twin();
    let mut expected = Vec::new();
    for day in DAYS {
        let next = day.parse::<NaiveDate>().unwrap() + Days::new(1);
        let dates = json!({ "filter": { "fromDate": day, "toDate": next.to_string() } });
        for person in twin.all("POST", "/v2/stats/interaction", "peopleInteractionStats", &dates) {
            for figure in list(&person["personInteractionStats"]) {
                expected.push(row(json!({
                    "user_id": person["userId"], "user_email_address": person["userEmailAddress"],
                    "name": figure["name"], "value": figure["value"].as_f64(), "activity_date": day,
                })));
            }
        }
    }
    expected.sort_by_key(|row| ["activity_date", "user_id", "name"].map(|key| row[key].to_string()));
    assert!(expected.len() > 50, "{} figures", expected.len());
    assert_rows("interaction_stats", &comparable(export.rows("interaction_stats")), &expected);
    assert_eq!(export.partitions("interaction_stats"), DAYS);
    let windows = record["windows"].as_array().unwrap();
    assert_eq!(windows.len(), DAYS.len(), "an answer sums up over its days, so each needs its own");
}

/// Rows of the day-by-day answers about calls that `keep` has.
fn activity_calls(twin: &Simulator, keep: impl Fn(&str) -> bool) -> Vec<Row> {
    let dates = json!({ "filter": { "fromDate": DAYS[0], "toDate": "2026-03-06" } });
    let mut expected = Vec::new();
    for user in twin.all("POST", "/v2/stats/activity/day-by-day", "usersDetailedActivities", &dates) {
        for day in list(&user["userDailyActivityStats"]) {
            for (activity, calls) in day.as_object().unwrap() {
                for call in list(calls).iter().filter(|call| keep(call.as_str().unwrap())) {
                    expected.push(row(json!({
                        "user_id": user["userId"], "user_email_address": user["userEmailAddress"],
                        "activity": activity, "call_id": call,
                        "activity_date": day["fromDate"].as_str().unwrap()[..10],
                    })));
                }
            }
        }
    }
    expected.sort_by_key(|row| ["activity_date", "user_id", "activity", "call_id"].map(|key| row[key].to_string()));
    expected
}

#[test]
fn calls_of_activities_are_listed_without_the_private_ones() {
    let simulator = Simulator::start(json!({ "private_calls": 0.3, "page_size": 5 }));
    let twin = simulator.twin();
    let calls = twin.all("POST", "/v2/calls/extensive", "calls", &json!({ "filter": {} }));
    let of = |private: bool| -> BTreeSet<&str> {
        let calls = calls.iter().filter(|call| call["metaData"]["isPrivate"] == private);
        calls.map(|call| call["metaData"]["id"].as_str().unwrap()).collect()
    };
    let (open, private) = (of(false), of(true));
    let all = activity_calls(&twin, |_| true);
    let told = |rows: &[Row], ids: &BTreeSet<&str>| {
        rows.iter().filter(|r| ids.contains(r["call_id"].as_str().unwrap())).count()
    };
    assert!(told(&all, &private) > 20 && told(&all, &open) > 50, "both kinds are there to be told apart");

    let (without_private, _) = export(&simulator, json!({ "datasets": ["activity_calls"] }));
    let expected = activity_calls(&twin, |call| open.contains(call));
    assert_rows("activity_calls", &comparable(without_private.rows("activity_calls")), &expected);

    let choice = json!({ "datasets": ["activity_calls"], "privacy": { "private_calls": "include" } });
    let requests = simulator.requests();
    let (with_private, _) = export(&simulator, choice);
    assert_rows("activity_calls", &comparable(with_private.rows("activity_calls")), &all);
    // 12 users in pages of five: nothing has to be looked up when nothing is left out.
    assert_eq!(simulator.requests() - requests, 3);
}

#[test]
fn logs_of_every_type_are_in_order_of_time_by_the_jobs_day() {
    let simulator = Simulator::start(json!({ "page_size": 7 }));
    let zone = chrono_tz::Pacific::Honolulu;
    let change = json!({
        "datasets": ["logs"], "range": { "from": DAYS[0], "to": "2026-03-06", "timezone": zone.name() },
    });
    let (export, record) = export(&simulator, change);
    let twin = simulator.twin();
    let start =
        |day: &str| gong_export::calendar::start_of_day(day.parse().unwrap(), zone).format("%FT%TZ").to_string();
    let mut expected = Vec::new();
    for kind in
        ["AccessLog", "UserActivityLog", "UserCallPlay", "ExternallySharedCallAccess", "ExternallySharedCallPlay"]
    {
        let (from, to) = (start(DAYS[0]), start("2026-03-06"));
        let path = format!("/v2/logs?logType={kind}&fromDateTime={from}&toDateTime={to}");
        for entry in twin.all("GET", &path, "logEntries", &Value::Null) {
            let event: DateTime<chrono::Utc> = entry["eventTime"].as_str().unwrap().parse().unwrap();
            expected.push(row(json!({
                "event_at": export::instant(event.timestamp_micros()), "log_type": kind,
                "user_id": entry["userId"], "user_email_address": entry["userEmailAddress"],
                "user_full_name": entry["userFullName"], "impersonator_user_id": entry["impersonatorUserId"],
                "impersonator_email_address": entry["impersonatorEmailAddress"],
                "impersonator_full_name": entry["impersonatorFullName"],
                "impersonator_company_id": entry["impersonatorCompanyId"], "record_json": entry["logRecord"],
                "event_date": event.with_timezone(&zone).date_naive().to_string(),
            })));
        }
    }
    assert!(expected.iter().any(|row| !row["impersonator_user_id"].is_null()), "somebody acts for another");
    let key =
        |row: &Row| ["event_date", "event_at", "log_type", "user_id", "record_json"].map(|key| row[key].to_string());
    expected.sort_by_key(key);
    let rows = export.rows("logs");
    let mut found = without(comparable(rows.clone()), &["row_index"]);
    found.sort_by_key(key);
    assert_rows("logs", &found, &expected);
    // Within a day by time, and numbered.
    for pair in rows.windows(2).filter(|pair| pair[0]["event_date"] == pair[1]["event_date"]) {
        assert!(pair[0]["event_at"].as_str() <= pair[1]["event_at"].as_str());
        assert_eq!(pair[1]["row_index"].as_i64().unwrap(), pair[0]["row_index"].as_i64().unwrap() + 1);
    }
    assert_eq!(record["unknown_fields"], json!({}));
}

#[test]
fn a_dataset_that_the_key_may_not_read_is_named_with_its_scope_and_the_others_go_on() {
    let scopes = ["api:stats:user-actions", "api:users:read", "api:workspaces:read"];
    let simulator = Simulator::start(json!({ "scopes": scopes }));
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    job["datasets"] = json!(["stats", "logs", "activity_stats"]);
    let record = sandbox.export_job(&job).expect(4).json();
    let failures = record["failures"].as_array().unwrap();
    let of = |name: &str, scope: &str| {
        let named = failures.iter().filter(|f| f["unit"].as_str().unwrap().starts_with(name));
        let errors: Vec<_> = named.map(|f| f["error"].as_str().unwrap()).collect();
        assert!(!errors.is_empty() && errors.iter().all(|error| error.contains(scope)), "{name}: {failures:#?}");
    };
    of("interaction_stats", "api:stats:interaction");
    of("activity_calls", "api:stats:user-actions:detailed");
    of("logs", "api:logs:read");
    let export = Export::read(&sandbox.export());
    assert_eq!(export.partitions("activity_stats"), DAYS);
    assert_eq!(export.files.len(), DAYS.len());
}
