//! At the speed of the limit: the requests of a run and when they arrived, as the server saw them.
//!
//! What counts is the product of rate and latency, which is how many requests have to be under way.
//! So that a test takes seconds, these run at four requests a second, with latencies that make the
//! product what it is at three a second and 0.4 or 2 s.

use std::time::Duration;

use gong_export::sim::LoggedRequest;
use serde_json::{Value, json};

use super::support::command::{NOW, Sandbox, job};
use super::support::simulator::Simulator;

const RATE: u32 = 4;

/// A company as busy as `calls_per_day`, whose answers take `latency_ms`.
fn company(calls_per_day: u32, latency_ms: u64) -> Simulator {
    Simulator::start(json!({ "calls_per_day": calls_per_day, "sentences_per_call": 5, "latency_ms": latency_ms }))
}

/// Exports four weeks of it; the run record.
fn export(simulator: &Simulator, sandbox: &Sandbox) -> Value {
    sandbox.export_job(&four_weeks(simulator)).expect(0).json()
}

fn four_weeks(simulator: &Simulator) -> Value {
    let mut job = job(&simulator.source());
    job["source"]["requests_per_second"] = json!(RATE);
    job["range"] = json!({ "from": "2026-02-02", "to": "2026-03-02" });
    job
}

/// The least requests that bring what the run has brought: full pages, full groups of transcripts.
fn least_requests(record: &Value) -> u64 {
    let sum = |name: &str| {
        let windows = record["windows"].as_array().unwrap().iter().filter(|window| window["fetch"] == "calls");
        windows.map(|window| window[name].as_u64().unwrap()).sum::<u64>()
    };
    sum("fetched").div_ceil(100) + sum("written").div_ceil(100) + 2
}

/// No more than the rate in any second but a tenth, which is left to the jitter of a busy machine.
#[track_caller]
fn assert_pace(requests: &[LoggedRequest]) {
    for window in requests.windows(RATE as usize + 1) {
        let apart = window[RATE as usize].at - window[0].at;
        assert!(apart >= Duration::from_millis(900), "{} requests within {apart:?}", window.len());
    }
}

/// The time from the first arrival to the last, as a multiple of what the rate asks for.
fn slowness(requests: &[LoggedRequest]) -> f64 {
    let took = requests[requests.len() - 1].at - requests[0].at;
    took.as_secs_f64() / ((requests.len() - 1) as f64 / f64::from(RATE))
}

#[test]
fn latency_as_usual_costs_neither_time_nor_requests() {
    let simulator = company(90, 300);
    let sandbox = Sandbox::new();
    let record = export(&simulator, &sandbox);
    let (requests, least) = (simulator.log(), least_requests(&record));
    assert_eq!(record["requests"]["sent"], json!(least), "full pages only");
    assert!(least >= 36, "too few to tell: {least}");
    assert_pace(&requests);
    // One after the other, listings alone would take 0.6 of this, and transcripts as much again.
    let slowness = slowness(&requests);
    assert!(slowness < 1.15, "{slowness} times the time that the rate asks for");
}

#[test]
fn long_latency_is_filled_with_listings_side_by_side_as_planned() {
    let simulator = company(300, 1_500);
    let sandbox = Sandbox::new();
    let planned = probed(&simulator, &sandbox);
    let asked = simulator.log().len();
    let record = export(&simulator, &sandbox);
    let (requests, least) = (&simulator.log()[asked..], least_requests(&record));
    assert!(least >= 115, "too few to tell: {least}");
    let most = (least as f64 * 1.05).ceil() as usize;
    assert!(requests.len() <= most, "{} requests where {least} are the least", requests.len());
    let expected = planned["requests"].as_f64().unwrap() / requests.len() as f64;
    assert!((expected - 1.0).abs() <= 0.05, "{} planned, {} sent", planned["requests"], requests.len());
    assert_pace(requests);
    // With one listing at a time it is 1.5 and more.
    let slowness = slowness(requests);
    assert!(slowness < 1.15, "{slowness} times the time that the rate asks for");
}

#[test]
fn a_sparse_account_is_listed_in_full_pages() {
    let simulator = company(3, 0);
    let sandbox = Sandbox::new();
    let mut job = four_weeks(&simulator);
    job["source"]["requests_per_second"] = json!(20);
    job["range"] = json!({ "from": "2024-03-02", "to": "2026-03-02" });
    job["destination"]["partition_by"] = json!("month");
    job["datasets"] = json!(["calls", "transcripts"]);
    let record = sandbox.export_job(&job).expect(0).json();
    let calls = simulator.calls("2024-03-02T00:00:00Z", "2026-03-02T00:00:00Z").len() as u64;
    assert!(calls > 1_500, "{calls}");
    assert_eq!(record["requests"]["sent"], json!(least_requests(&record) - 2));
}

/// `plan --probe`.
fn probed(simulator: &Simulator, sandbox: &Sandbox) -> Value {
    sandbox.job(&four_weeks(simulator));
    sandbox.run(["plan", "job.yaml", "--probe", "--output", "json", "--now", NOW]).expect(0).json()
}

#[test]
fn a_probed_plan_is_what_the_run_takes() {
    let latency = Duration::from_millis(300);
    let simulator = company(110, 300);
    let sandbox = Sandbox::new();
    let planned = probed(&simulator, &sandbox);
    let asked = simulator.log().len();
    export(&simulator, &sandbox);
    let requests = &simulator.log()[asked..];
    assert!(requests.len() >= 40, "too few to tell: {}", requests.len());
    // From the first arrival to the last answer.
    let took = (requests[requests.len() - 1].at - requests[0].at + latency).as_secs_f64();
    let expected = planned["requests"].as_f64().unwrap() / requests.len() as f64;
    assert!((expected - 1.0).abs() <= 0.05, "{} planned, {} sent", planned["requests"], requests.len());
    let expected_s = planned["minutes"].as_f64().unwrap() * 60.0;
    assert!((expected_s / took - 1.0).abs() <= 0.10, "{expected_s} s planned, {took} s needed");
}
