//! Jobs that choose: whose calls, which workspace, private ones or not, which datasets and days.

use serde_json::{Value, json};

use super::assert_truth;
use crate::support::command::{NOW, Sandbox, job};
use crate::support::export::{Export, assert_rows};
use crate::support::oracle::{Choice, Truth, comparable};
use crate::support::simulator::Simulator;

/// Calls of the truth that a job with these users has to export.
fn only(truth: &Truth, keep: impl Fn(&Value) -> bool) -> Truth {
    let mut truth = truth.clone();
    truth.calls.retain(|call| keep(call));
    truth
}

#[test]
fn private_calls_are_left_out_unless_wanted_with_all_that_belongs_to_them() {
    let simulator = Simulator::start(json!({ "private_calls": 0.4 }));
    let truth = simulator.truth("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));
    let private = truth.calls.iter().filter(|call| call["metaData"]["isPrivate"] == true).count();
    assert!(private > 10);
    for include_private in [false, true] {
        let sandbox = Sandbox::new();
        let mut job = job(&simulator.source());
        job["privacy"] = json!({ "private_calls": if include_private { "include" } else { "exclude" } });
        sandbox.export_job(&job).expect(0);
        assert_truth(&Export::read(&sandbox.export()), &truth, &Choice { include_private, ..Choice::default() });
    }
}

#[test]
fn hosts_by_id_by_address_and_by_alias_are_the_same_hosts() {
    let simulator = Simulator::start(json!({ "users": 30 }));
    let truth = simulator.truth("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));
    let hosts: Vec<&Value> = truth.calls.iter().map(|call| &call["metaData"]["primaryUserId"]).collect();
    let host = truth
        .users
        .iter()
        .find(|user| {
            hosts.contains(&&user["id"]) && user["emailAliases"].as_array().is_some_and(|list| !list.is_empty())
        })
        .expect("a host with an alias");
    let expected = only(&truth, |call| call["metaData"]["primaryUserId"] == host["id"]);
    let email = host["emailAddress"].as_str().unwrap();
    for name in [&host["id"], &host["emailAddress"], &json!(email.to_uppercase()), &host["emailAliases"][0]] {
        let sandbox = Sandbox::new();
        let mut job = job(&simulator.source());
        job["users"] = json!({ "hosts": [name] });
        sandbox.export_job(&job).expect(0);
        let export = Export::read(&sandbox.export());
        assert_rows("calls", &comparable(export.rows("calls")), &expected.rows("calls", &Choice::default()));
        // The list of users stays whole.
        assert_rows("users", &comparable(export.rows("users")), &truth.rows("users", &Choice::default()));
    }
}

#[test]
fn participants_are_found_among_the_parties() {
    let simulator = Simulator::start(json!({ "users": 30, "calls_without_parties": 0.1 }));
    let truth = simulator.truth("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));
    let user = &truth.users[3];
    let takes_part = |call: &Value| {
        let parties = call["parties"].as_array().map_or(&[][..], Vec::as_slice);
        parties.iter().any(|party| {
            party["userId"] == user["id"]
                || (party["userId"].is_null() && party["emailAddress"] == user["emailAddress"])
        })
    };
    let expected = only(&truth, takes_part);
    assert!(!expected.calls.is_empty() && expected.calls.len() < truth.calls.len());
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    job["users"] = json!({ "participants": [user["emailAddress"]] });
    let record = sandbox.export_job(&job).expect(0).json();
    let export = Export::read(&sandbox.export());
    for dataset in ["calls", "parties", "transcripts"] {
        let expected = expected.rows(dataset, &Choice::default());
        assert_rows(dataset, &comparable(export.rows(dataset)), &expected);
    }
    let window = record["windows"].as_array().unwrap().iter().find(|window| window["fetch"] == "calls").unwrap();
    assert!(window["filtered"].as_u64().unwrap() > 0, "{window}");
}

#[test]
fn one_workspace_of_several() {
    let simulator = Simulator::start(json!({}));
    let truth = simulator.truth("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));
    let workspace = truth.calls[0]["metaData"]["workspaceId"].clone();
    let expected = only(&truth, |call| call["metaData"]["workspaceId"] == workspace);
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    job["workspace"] = workspace;
    sandbox.export_job(&job).expect(0);
    let export = Export::read(&sandbox.export());
    for dataset in ["calls", "parties", "transcripts"] {
        assert_rows(dataset, &comparable(export.rows(dataset)), &expected.rows(dataset, &Choice::default()));
    }
}

#[test]
fn narrowing_by_flags_exports_only_that() {
    let simulator = Simulator::start(json!({}));
    let sandbox = Sandbox::new();
    let more = ["--dataset", "calls", "--dataset", "users", "--from", "2026-03-03", "--to", "2026-03-04"];
    sandbox.export_job_at(&job(&simulator.source()), NOW, &more).expect(0);
    let export = Export::read(&sandbox.export());
    assert_eq!(
        export.files.keys().collect::<Vec<_>>(),
        ["calls/call_date=2026-03-03/calls.parquet", "users/snapshot_date=2026-03-20/users.parquet"]
    );
    assert!(export.rows("calls").iter().all(|row| row["has_transcript"].is_null()), "transcripts were not asked for");
}
