//! What `status` and `watch` tell about nights that have been.

use serde_json::{Value, json};

use super::{LATER, Nights, long};
use crate::support::command::{NOW, Sandbox, job, simulated};

const LAST: &str = "2026-03-12T09:00:00Z";

/// Two nights and a third that ran out of its budget.
fn history() -> Nights {
    let mut nights =
        Nights::of(json!({ "calls_without_transcript": 0.0, "late_transcripts": 0.1, "late_transcript_hours": 480 }));
    nights.job["range"] = json!({ "from": "2026-02-25", "to": "today" });
    nights.run("2026-03-10T03:00:00Z", &[]).expect(0);
    nights.run("2026-03-11T03:00:00Z", &[]).expect(0);
    // The one request is spent on calls: users and statistics would race for it.
    let calls = ["--dataset", "calls", "--dataset", "transcripts"];
    nights.run("2026-03-12T03:00:00Z", &[&["--max-requests", "1"], &calls[..]].concat()).expect(5);
    nights
}

#[test]
fn status_of_a_few_nights() {
    let nights = history();
    let status = |more: &[&str]| {
        let (sent, finished) = nights
            .requests_of(|| nights.sandbox.run([&["status", "job.yaml", "--now", LAST], more].concat()).expect(0));
        assert_eq!(sent, 0, "nothing is sent to Gong");
        finished
    };
    // Columns of times are as wide as the times are long.
    let padding = regex::Regex::new(r" +(took|\[TIME\])").unwrap();
    let shown = status(&[]).shown(&nights.sandbox);
    insta::assert_snapshot!("status", padding.replace_all(&shown, "  $1"));

    let report = status(&["--output", "json"]).json();
    let field = |name: &str| report["runs"].as_array().unwrap().iter().map(|run| run[name].clone()).collect::<Vec<_>>();
    assert_eq!(field("exit_code"), [5, 0, 0]);
    assert_eq!(field("outcome"), ["budget", "done", "done"]);
    assert_eq!(report["resumes"], "2026-03-12T03:00:00Z");
    assert_eq!(report["requests"]["today"], 1);
    let calls = report["datasets"].as_array().unwrap().iter().find(|dataset| dataset["dataset"] == "calls").unwrap();
    let export = nights.export();
    assert_eq!(
        (&calls["files"], &calls["rows"]),
        (&json!(export.of("calls").count()), &json!(export.rows("calls").len()))
    );
    // Each word stands for what the next run does.
    let plan = nights.sandbox.run(["plan", "job.yaml", "--now", LAST, "--output", "json"]).expect(0).json();
    let words = |partitions: &Value, word: &str| -> Vec<(String, String)> {
        let pair = |p: &Value| (p["partition"].as_str().unwrap().to_owned(), p[word].as_str().unwrap().to_owned());
        partitions.as_array().unwrap().iter().map(pair).collect()
    };
    let planned = plan["datasets"].as_array().unwrap().iter().find(|dataset| dataset["dataset"] == "calls").unwrap();
    assert_eq!(words(&calls["partitions"], "verdict"), words(&planned["partitions"], "why"));
}

#[test]
fn status_of_nothing() {
    let sandbox = Sandbox::new();
    sandbox.job(&job(&simulated(json!({}))));
    let report = sandbox.run(["status", "job.yaml", "--now", LAST, "--output", "json"]).expect(0).json();
    assert_eq!((&report["runs"], &report["resumes"]), (&json!([]), &Value::Null));
    assert!(report["datasets"].as_array().unwrap().iter().all(|dataset| dataset["files"] == 0), "{report}");
    assert!(!sandbox.export().exists(), "looking makes no folder");
}

#[test]
fn status_tells_who_holds_the_destination_and_who_left_it_behind() {
    let nights = long();
    let status = |more: &[&str]| {
        let args: [&[&str]; 2] = [&["status", "job.yaml", "--now", LATER], more];
        nights.sandbox.run(args.concat()).expect(0)
    };
    let json = || status(&["--output", "json"]).json();
    let running = nights.start(NOW);
    nights.wait_for_another_file(0);
    let (held, shown) = (json(), status(&[]));
    let held_by = &held["held_by"];
    assert_eq!((&held_by["state"], &held_by["job"]), (&json!("held"), &json!("test")));
    assert_eq!(held_by["run_id"], held["runs"][0]["run_id"]);
    for field in ["host", "since", "heard_at", "expires_at"] {
        assert!(held_by[field].is_string(), "{field}: {held_by}");
    }
    for part in ["held by run 20260320T120000Z-", "of job test, process ", "last heard of at ", "under way"] {
        assert!(shown.stdout.contains(part), "no `{part}` in\n{shown}");
    }

    running.kill();
    let (left, shown) = (json(), status(&[]));
    assert_eq!((&left["held_by"]["state"], &left["held_by"]["run_id"]), (&json!("gone"), &held_by["run_id"]));
    for part in ["left by run 20260320T120000Z-", "that process is gone", "goes on or was killed"] {
        assert!(shown.stdout.contains(part), "no `{part}` in\n{shown}");
    }
    nights.run(LATER, &[]).expect(0);
    assert_eq!(json()["held_by"], Value::Null);
}

#[test]
fn runs_with_the_same_present_follow_each_other_as_they_did() {
    let nights = Nights::of(json!({}));
    let run = |more: &[&str]| nights.run(NOW, more);
    for _ in 0..3 {
        assert_eq!(run(&["--max-requests", "1"]).expect(5).json()["failures"][0]["unit"], "request budget");
    }
    assert_eq!(run(&[]).expect(0).json()["resumes"], NOW);
    assert_eq!(run(&[]).expect(0).json()["resumes"], Value::Null, "the last one was done");
    let report = nights.sandbox.run(["status", "job.yaml", "--now", NOW, "--output", "json"]).expect(0).json();
    let codes: Vec<_> = report["runs"].as_array().unwrap().iter().map(|run| &run["exit_code"]).collect();
    assert_eq!(codes, [0, 0, 5, 5, 5], "newest first");
}

#[test]
fn records_of_more_than_a_year_of_nights_are_removed() {
    let sandbox = Sandbox::new();
    let runs = sandbox.export().join("_gong_export/runs");
    std::fs::create_dir_all(&runs).unwrap();
    for run in 0..410 {
        std::fs::write(runs.join(format!("20240101T{:02}{:02}00Z-0a1b2c3d.json", run / 60, run % 60)), "{}").unwrap();
    }
    std::fs::write(runs.join("notes.txt"), "not ours").unwrap();
    sandbox.export_job(&job(&simulated(json!({})))).expect(0);
    let names: Vec<_> =
        std::fs::read_dir(&runs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let old = names.iter().filter(|name| name.starts_with("20240101T")).count();
    assert_eq!((old, names.len()), (400, 402), "and notes, and the run's own");
    assert!(!names.contains(&"20240101T000900Z-0a1b2c3d.json".to_owned()));
}

#[test]
fn watching_runs_again_and_again() {
    let sandbox = Sandbox::new();
    let mut job = job(&simulated(json!({})));
    job["datasets"] = json!(["calls"]);
    sandbox.job(&job);
    let finished = sandbox.run(["watch", "job.yaml", "--every", "1s", "--max-runs", "2", "--output", "json"]).expect(0);
    let lines: Vec<Value> = finished.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.iter().map(|line| &line["run"]).collect::<Vec<_>>(), [1, 2]);
    assert!(lines.iter().all(|line| line["exit_code"] == 0 && line["error"].is_null()), "{finished}");
    let files = |line: &Value| line["record"]["files"].as_array().unwrap().len();
    assert_eq!(lines.iter().map(files).collect::<Vec<_>>(), [4, 0], "the second run has nothing to do");
    let records = std::fs::read_dir(sandbox.export().join("_gong_export/runs")).unwrap();
    assert_eq!(records.count(), 2);
}
