//! Killed at any moment, a run leaves only whole files, and the next one makes the export what an
//! undisturbed run makes it.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::command::{NOW, Running, Sandbox, job, simulated};
use crate::support::export::{DataFile, Export, assert_same, data_files, read_file};
use crate::support::reader::Reader;

/// Enough work that there are many moments to be killed at: about two seconds of answers that each
/// take their time.
fn slow_job() -> Value {
    let mut job = job(&simulated(json!({ "calls_per_day": 60, "page_size": 20, "latency_ms": 40 })));
    job["range"] = json!({ "from": "2026-02-23", "to": "2026-03-07" });
    job
}

const RUN: [&str; 6] = ["run", "job.yaml", "--output", "json", "--now", NOW];

/// Reads every file that is there, again and again, as somebody who queries the folder would.
fn reader(root: PathBuf) -> Reader {
    Reader::start(Duration::from_millis(2), move || {
        let read = |path: &PathBuf| read_file(path).map(drop).map_err(|error| format!("{}: {error}", path.display()));
        data_files(&root).iter().map(read).collect()
    })
}

/// As much of lists, which are read whole before any of it is written.
fn slow_lists() -> Value {
    let mut job = slow_job();
    job["datasets"] = json!(["activity_stats", "stats", "scorecards", "settings", "logs"]);
    job
}

fn undisturbed(job: &Value) -> (Export, Duration) {
    let sandbox = Sandbox::new();
    let begin = Instant::now();
    sandbox.export_job(job).expect(0);
    (Export::read(&sandbox.export()), begin.elapsed())
}

#[test]
fn killed_at_any_moment_and_run_again_it_is_as_if_nothing_had_been() {
    killed_at_any_moment(&slow_job(), 10);
}

#[test]
fn lists_are_as_if_nothing_had_been_however_often_a_run_was_killed() {
    killed_at_any_moment(&slow_lists(), 8);
}

fn killed_at_any_moment(job: &Value, kills: u32) {
    let (expected, duration) = undisturbed(job);
    let sandbox = Sandbox::new();
    sandbox.job(job);
    let reader = reader(sandbox.export());
    let (mut killed_at_work, mut temporary) = (0, 0);
    // Moments spread over the run by the golden ratio: no two alike, the same every time.
    for step in 1..=kills {
        // Every other run takes up what the killed ones have committed; the rest export everything,
        // so that there is work to be killed at until the end.
        let mut command = sandbox.command(RUN);
        if step % 2 == 1 {
            forget_runs(&sandbox);
            command.arg("--full-refresh");
        }
        let share = (f64::from(step) * 0.618_033_988_7).fract();
        let mut running = Running::start(command);
        std::thread::park_timeout(duration.mul_f64(share));
        killed_at_work += usize::from(!running.has_ended());
        running.kill();
        temporary += temporary_files(&sandbox);
        // What stands there now is whole, and nothing but what it has to be in the end.
        let found = Export::read(&sandbox.export());
        for (key, file) in &found.files {
            assert_eq!(Some(file.checksum()), expected.files.get(key).map(DataFile::checksum), "{key}");
        }
    }
    assert!(killed_at_work >= 2, "only {killed_at_work} of {kills} runs were still at work");
    assert!(temporary > 0, "no run was killed while it wrote a file");
    sandbox.run(RUN).expect(0);
    assert!(reader.finish() > 0, "the reader met no file");
    assert_same(&Export::read(&sandbox.export()), &expected);
    sandbox.run(["verify", "job.yaml", "--now", NOW]).expect(0);
    assert_eq!(temporary_files(&sandbox), 0, "left behind");
    assert!(!sandbox.export().join("_gong_export/lease.json").exists(), "the lease was not given back");
}

/// Removes the run records, so that the next run takes nothing up.
fn forget_runs(sandbox: &Sandbox) {
    // Before the first run there are none.
    let _ = fs::remove_dir_all(sandbox.export().join("_gong_export/runs"));
}

/// How many files are there that nobody has made visible yet.
fn temporary_files(sandbox: &Sandbox) -> usize {
    fs::read_dir(sandbox.export().join("_gong_export/tmp")).map_or(0, Iterator::count)
}

/// Starts a run that takes minutes, lets it commit something, sends a signal, and returns how it
/// ended.
fn interrupted_by(signal: &str, code: i32) {
    let sandbox = Sandbox::new();
    let mut job = slow_job();
    job["source"]["simulator"]["latency_ms"] = json!(400);
    sandbox.job(&job);
    let running = Running::start(sandbox.command(RUN));
    let begin = Instant::now();
    while data_files(&sandbox.export()).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(60), "nothing was committed in a minute");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    running.signal(signal);
    let finished = running.wait_at_most(Duration::from_secs(20)).expect(code);
    let record = finished.json();
    assert_eq!(record["outcome"], "interrupted");
    let kept = Export::read(&sandbox.export());
    let listed: Vec<&str> =
        record["files"].as_array().unwrap().iter().map(|file| file["key"].as_str().unwrap()).collect();
    assert_eq!(kept.files.keys().map(String::as_str).collect::<Vec<_>>(), listed);

    sandbox.job(&slow_job());
    sandbox.run(RUN).expect(0);
    assert_same(&Export::read(&sandbox.export()), &undisturbed(&slow_job()).0);
}

#[test]
fn a_terminated_run_keeps_what_is_finished_and_ends_with_143() {
    interrupted_by("TERM", 143);
}

#[test]
fn an_interrupted_run_keeps_what_is_finished_and_ends_with_130() {
    interrupted_by("INT", 130);
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let sandbox = Sandbox::new();
    let mut job = slow_job();
    job["source"]["simulator"]["latency_ms"] = json!(5_000);
    sandbox.job(&job);
    let running = Running::start(sandbox.command(RUN));
    let begin = Instant::now();
    while !sandbox.export().exists() {
        assert!(begin.elapsed() < Duration::from_secs(60), "the run does not begin");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    running.signal("TERM");
    running.signal("TERM");
    let finished = running.wait_at_most(Duration::from_secs(4));
    assert!(matches!(finished.code(), Some(143) | None), "{finished}");
}

#[test]
fn damaged_files_are_made_whole_by_the_next_run_and_what_is_not_ours_stays() {
    let sandbox = Sandbox::new();
    let job = job(&simulated(json!({})));
    sandbox.export_job(&job).expect(0);
    let expected = Export::read(&sandbox.export());
    let path = |name: &str| sandbox.export().join(name);
    fs::write(path("calls/call_date=2026-03-02/calls.parquet"), "").unwrap();
    let parties = path("parties/call_date=2026-03-03/parties.parquet");
    let whole = fs::read(&parties).unwrap();
    fs::write(&parties, &whole[..whole.len() / 2]).unwrap();
    fs::remove_file(path("users/snapshot_date=2026-03-20/users.parquet")).unwrap();
    let not_ours = ["notes.txt", "calls/notes.txt", "_gong_export/notes.txt"];
    for name in not_ours {
        fs::write(path(name), "somebody's").unwrap();
    }
    sandbox.export_job(&job).expect(0);
    assert_same(&Export::read(&sandbox.export()), &expected);
    for name in not_ours {
        assert_eq!(fs::read_to_string(path(name)).unwrap(), "somebody's", "{name}");
    }
}
