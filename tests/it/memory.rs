//! What a run takes of memory, as the kernel counts it. `benches/whole.py` measures more shapes.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::command::{NOW, Running, Sandbox, TIME_LIMIT, job};
use crate::support::export::Export;
use crate::support::simulator::Simulator;

/// What any run may take, but for a single call longer than people talk.
const PEAK_MAX_MB: u64 = 200;

/// Runs the job and returns its record and the most memory that it had at any time.
fn run(sandbox: &Sandbox, job: &Value) -> (Value, u64) {
    sandbox.job(job);
    let mut running = Running::start(sandbox.command(["run", "job.yaml", "--output", "json", "--now", NOW]));
    let (mut peak_mb, begin) = (0, Instant::now());
    // The peak so far: a look every few milliseconds misses little of it.
    while !running.has_ended() && begin.elapsed() < TIME_LIMIT {
        peak_mb = peak_mb.max(running.peak_memory_mb());
        std::thread::park_timeout(Duration::from_millis(5));
    }
    (running.wait().expect(0).json(), peak_mb)
}

#[test]
fn of_calls_of_fifty_thousand_sentences_a_few_are_held_at_a_time() {
    let simulator = Simulator::start(json!({ "calls_per_day": 4, "sentences_per_call": 50_000 }));
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    job["source"]["requests_per_second"] = json!(50);
    job["range"] = json!({ "from": "2026-03-02", "to": "2026-03-05" });
    let (record, peak_mb) = run(&sandbox, &job);

    let calls = Export::read(&sandbox.export()).rows("calls");
    let transcripts = calls.iter().filter(|call| call["has_transcript"] == true).count() as u64;
    let megabytes = record["requests"]["bytes_received"].as_u64().unwrap() >> 20;
    // Held all at once, with what they become, they would take more than that.
    assert!(megabytes >= 70 && transcripts > 8, "{megabytes} MB, {transcripts} transcripts");
    assert!((10..PEAK_MAX_MB).contains(&peak_mb), "{peak_mb} MB for {megabytes} MB of answers");
    // Two or three of them fit into an answer; the first one had to be found too large.
    let sent = record["requests"]["sent"].as_u64().unwrap();
    assert!(sent <= 3 + transcripts + 6, "{sent} requests for {transcripts} transcripts");
}
