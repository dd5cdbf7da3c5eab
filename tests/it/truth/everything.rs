//! A job that wants all there is: complete, verified, as dear as its plan says, and no dearer to check
//! than it has to be.

use std::collections::BTreeSet;

use gong_export::dataset::{self, Group};
use serde_json::json;

use super::noise;
use crate::support::command::{NOW, Sandbox, job};
use crate::support::export::Export;
use crate::support::simulator::Simulator;

#[test]
fn a_job_for_everything_is_complete_verified_and_settles() {
    let simulator = Simulator::start(noise());
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    job["datasets"] = json!(["all"]);
    let before = simulator.requests();
    let record = sandbox.export_job(&job).expect(0).json();
    let sent = simulator.requests() - before;
    assert_eq!(record["failures"], json!([]));

    let export = Export::read(&sandbox.export());
    let found: BTreeSet<&str> = export.files.keys().map(|key| key.split('/').next().unwrap()).collect();
    let wanted: BTreeSet<&str> =
        dataset::ALL.iter().filter(|dataset| dataset.group != Group::Logs).map(|dataset| dataset.name).collect();
    assert_eq!(found, wanted);
    for dataset in wanted {
        assert!(!export.rows(dataset).is_empty(), "{dataset} has no row");
    }
    let verified = sandbox.run(["verify", "job.yaml", "--output", "json"]).expect(0).json();
    assert_eq!(verified["files"].as_u64().unwrap(), export.files.len() as u64);
    let status = sandbox.run(["status", "job.yaml", "--output", "json", "--now", NOW]).expect(0).json();
    assert_eq!(status["datasets"].as_array().unwrap().len(), found.len());

    // The same once more: nothing changed, and what is settled is not asked for again.
    let before = simulator.requests();
    let again = sandbox.export_job(&job).expect(0).json();
    assert!(again["files"].as_array().unwrap().iter().all(|file| file["changed"] == false), "{again:#}");
    assert!(
        simulator.requests() - before < sent / 2,
        "{} requests again, {sent} at first",
        simulator.requests() - before
    );
}

#[test]
fn the_plan_of_everything_counts_lists_their_lists_and_what_is_looked_up() {
    let simulator = Simulator::start(json!({ "private_calls": 0.1, "calls_per_day": 120 }));
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    job["datasets"] = json!(["all", "logs"]);
    sandbox.job(&job);
    let plan = sandbox.run(["plan", "job.yaml", "--probe", "--output", "json", "--now", NOW]).expect(0).json();
    let before = simulator.requests();
    sandbox.export_job(&job).expect(0);
    let (planned, sent) = (plan["requests"].as_f64().unwrap(), (simulator.requests() - before) as f64);
    assert!((planned - sent).abs() <= sent * 0.05, "{planned} requests planned, {sent} sent: {plan:#}");

    let before = simulator.requests();
    sandbox.run(["check", "job.yaml", "--now", NOW]).expect(0);
    let checked = simulator.requests() - before;
    assert!(checked <= 20, "{checked} requests to check 28 datasets");
}
