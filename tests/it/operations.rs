//! What runs leave for those who look after them: the last line of the log, the metrics file, the
//! notification.

use std::sync::{Arc, Mutex};

use http_body_util::BodyExt;
use serde_json::{Value, json};

use crate::support::command::{Finished, NOW, Running, Sandbox, job, simulated};
use crate::support::http::{Server, response};
use crate::support::python;

/// In no text that anybody sees.
const SECRET: &str = "MARKER-SECRET-0b7d41e9";

const CHECKS: &str = include_str!("support/operations.py");

fn small() -> Value {
    let mut job = job(&simulated(json!({})));
    job["range"] = json!({ "from": "2026-03-02", "to": "2026-03-04" });
    job
}

/// A job that ends with 3 before it has anything to record.
fn without_credentials() -> Value {
    let mut job = small();
    job["source"] = json!({ "base_url": "https://gong.example" });
    job
}

fn run(sandbox: &Sandbox, job: &Value, more: &[&str]) -> Finished {
    sandbox.job(job);
    sandbox.run([&["run", "job.yaml", "--now", NOW], more].concat())
}

/// The fields of a logfmt line; values of these tests need no quotes.
fn fields(line: &str) -> Vec<(&str, &str)> {
    let fields = line.strip_prefix("gong-export: ").unwrap_or_else(|| panic!("not the summary line: {line}"));
    fields.split(' ').map(|field| field.split_once('=').unwrap()).collect()
}

fn field<'a>(line: &'a str, key: &str) -> &'a str {
    fields(line).into_iter().find(|(name, _)| *name == key).unwrap_or_else(|| panic!("no {key}: {line}")).1
}

fn last_line(finished: &Finished) -> &str {
    finished.stderr.lines().last().unwrap_or_else(|| panic!("nothing was logged\n{finished}"))
}

#[test]
fn every_run_ends_with_one_line_of_its_log() {
    let sandbox = Sandbox::new();
    let finished = run(&sandbox, &small(), &["--output", "json"]).expect(0);
    let (line, record) = (last_line(&finished), finished.json());
    let rows: u64 = record["datasets"].as_array().unwrap().iter().map(|total| total["rows"].as_u64().unwrap()).sum();
    let files = record["files"].as_array().unwrap().len();
    for (key, expected) in [
        ("event", json!("run_finished")),
        ("run_id", record["run_id"].clone()),
        ("job", json!("test")),
        ("outcome", json!("done")),
        ("exit_code", json!("0")),
        ("rows", json!(rows.to_string())),
        ("files", json!(files.to_string())),
        ("changed", json!(files.to_string())),
        ("requests", json!(record["requests"]["sent"].to_string())),
        ("failures", json!("0")),
        ("destination", record["destination"].clone()),
    ] {
        assert_eq!(json!(field(line, key)), expected, "{key}: {line}");
    }
    // Nothing has changed since.
    assert_eq!(field(last_line(&run(&sandbox, &small(), &[]).expect(0)), "changed"), "0");
}

#[test]
fn a_run_that_cannot_begin_ends_with_it_too() {
    let sandbox = Sandbox::new();
    let finished = run(&sandbox, &without_credentials(), &[]).expect(3);
    let line = last_line(&finished);
    assert_eq!((field(line, "job"), field(line, "outcome"), field(line, "exit_code")), ("test", "credentials", "3"));
    assert!(finished.stderr.starts_with("error: "), "the failure comes first\n{finished}");

    let finished = sandbox.run(["run", "nowhere.yaml"]).expect(2);
    let line = last_line(&finished);
    assert_eq!((field(line, "job"), field(line, "outcome")), ("nowhere", "usage"));
}

#[test]
fn quiet_runs_say_it_only_when_something_is_wrong() {
    let sandbox = Sandbox::new();
    assert_eq!(run(&sandbox, &small(), &["-q"]).expect(0).stderr, "");
    let finished = run(&sandbox, &small(), &["-q", "--max-requests", "1"]).expect(5);
    assert_eq!(field(last_line(&finished), "outcome"), "budget");
}

#[test]
fn a_json_log_ends_with_the_same_as_an_event() {
    let sandbox = Sandbox::new();
    for quiet in [&[][..], &["-q"]] {
        let finished = run(&sandbox, &small(), &[&["--log-format", "json"], quiet].concat()).expect(0);
        let text = run(&sandbox, &small(), &[]).expect(0);
        let event: Value = serde_json::from_str(last_line(&finished)).unwrap();
        for (key, _) in fields(last_line(&text)) {
            assert!(!event[key].is_null(), "{key} is missing: {event}");
        }
        assert_eq!((&event["event"], &event["level"]), (&json!("run_finished"), &json!("INFO")));
        assert_eq!((&event["exit_code"], &event["outcome"]), (&json!(0), &json!("done")));
    }
    let finished = run(&sandbox, &without_credentials(), &["--log-format", "json"]).expect(3);
    let event: Value = serde_json::from_str(last_line(&finished)).unwrap();
    assert_eq!((&event["event"], &event["level"]), (&json!("run_finished"), &json!("ERROR")));
    assert_eq!((&event["exit_code"], &event["outcome"]), (&json!(3), &json!("credentials")));
}

/// The samples of a metrics file as Prometheus reads them: `name{label=value,…}` and number.
fn metrics(sandbox: &Sandbox) -> Vec<(String, f64)> {
    let path = sandbox.path().join("gong.prom");
    let samples = python::call(CHECKS, &json!({ "check": "metrics", "path": path }));
    samples
        .as_array()
        .unwrap()
        .iter()
        .map(|sample| {
            assert_eq!(sample[1], "gauge", "{sample}");
            let labels: Vec<String> = sample[2]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
                .collect();
            (format!("{}{{{}}}", sample[0].as_str().unwrap(), labels.join(",")), sample[3].as_f64().unwrap())
        })
        .collect()
}

#[track_caller]
fn metric(metrics: &[(String, f64)], name: &str) -> f64 {
    metrics.iter().find(|(key, _)| key == name).unwrap_or_else(|| panic!("no {name}: {metrics:?}")).1
}

#[test]
fn prometheus_reads_the_metrics_file() {
    let sandbox = Sandbox::new();
    let file = ["--metrics-file", "gong.prom"];
    let record = run(&sandbox, &small(), &[&file[..], &["--output", "json"]].concat()).expect(0).json();
    let first = metrics(&sandbox);
    for total in record["datasets"].as_array().unwrap() {
        let dataset = total["dataset"].as_str().unwrap();
        for key in ["rows", "bytes", "partitions", "partitions_changed"] {
            let name = format!("gong_export_last_run_{key}{{dataset={dataset},job=test}}");
            assert_eq!(Some(metric(&first, &name)), total[key].as_f64(), "{name}");
        }
    }
    let sent = metric(&first, "gong_export_last_run_requests{job=test,kind=first}")
        + metric(&first, "gong_export_last_run_requests{job=test,kind=repeated}");
    assert_eq!(Some(sent), record["requests"]["sent"].as_f64());
    assert_eq!(metric(&first, "gong_export_last_run_success{job=test}"), 1.0);
    let success = "gong_export_last_success_timestamp_seconds{job=test}";
    assert_eq!(metric(&first, success), metric(&first, "gong_export_last_run_timestamp_seconds{job=test}"));

    // Failed runs, one of them without an intelligible job, keep what is known of the last good one.
    run(&sandbox, &without_credentials(), &file).expect(3);
    let second = metrics(&sandbox);
    assert_eq!(metric(&second, "gong_export_last_run_exit_code{job=test}"), 3.0);
    assert_eq!(metric(&second, success), metric(&first, success));
    run(&sandbox, &json!({ "version": 1 }), &file).expect(2);
    let third = metrics(&sandbox);
    assert_eq!(metric(&third, "gong_export_last_run_exit_code{job=test}"), 2.0);
    assert_eq!(metric(&third, success), metric(&first, success));
}

#[test]
fn metrics_that_cannot_be_written_do_not_harm_the_run() {
    let sandbox = Sandbox::new();
    let finished = run(&sandbox, &small(), &["--metrics-file", "nowhere/gong.prom"]).expect(0);
    assert!(finished.stderr.contains("could not write the metrics file"), "{finished}");
    assert_eq!(field(last_line(&finished), "outcome"), "done");
}

/// Somebody who is told, and answers with this status.
struct Channel {
    server: Server,
    told: Arc<Mutex<Vec<(String, Value)>>>,
}

impl Channel {
    fn start(status: u16) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&told);
        let server = Server::start(move |request| {
            let kept = Arc::clone(&kept);
            async move {
                let token = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
                let body = request.into_body().collect().await.unwrap().to_bytes();
                kept.lock().unwrap().push((token.unwrap_or_default(), serde_json::from_slice(&body).unwrap()));
                Ok(response(status, SECRET))
            }
        });
        Self { server, told }
    }

    fn told(&self) -> Vec<(String, Value)> {
        self.told.lock().unwrap().clone()
    }

    /// The same job, telling this channel.
    fn added_to(&self, mut job: Value, on: &str) -> Value {
        job["notify"] = json!({
            "url": format!("{}/{SECRET}", self.server.url()),
            "on": on,
            "headers": { "Authorization": format!("Bearer {SECRET}") },
        });
        job
    }
}

#[test]
fn somebody_is_told_how_a_run_ended() {
    let (sandbox, channel) = (Sandbox::new(), Channel::start(200));
    let record = run(&sandbox, &channel.added_to(small(), "always"), &["--output", "json"]).expect(0).json();
    let (token, document) = channel.told().pop().expect("a notification");
    assert_eq!(token, format!("Bearer {SECRET}"));
    for key in ["job", "run_id", "outcome", "exit_code", "simulated"] {
        assert_eq!(document[key], record[key], "{key}");
    }
    assert_eq!(document["requests"], record["requests"]["sent"]);
    assert_eq!(document["failures"], json!([]));
    let datasets = document["datasets"].as_array().unwrap();
    assert_eq!(datasets.len(), 5);
    for (told, total) in datasets.iter().zip(record["datasets"].as_array().unwrap()) {
        assert_eq!((&told["dataset"], &told["rows"]), (&total["dataset"], &total["rows"]));
    }
    assert!(document["text"].as_str().unwrap().starts_with("gong-export: job test is done"), "{document}");
}

#[test]
fn by_default_only_failures_are_told() {
    let (sandbox, channel) = (Sandbox::new(), Channel::start(204));
    run(&sandbox, &channel.added_to(small(), "failure"), &[]).expect(0);
    assert_eq!(channel.told(), []);
    run(&sandbox, &channel.added_to(small(), "failure"), &["--max-requests", "1"]).expect(5);
    // Also of a run that could not even begin, and without the addresses that its messages name.
    run(&sandbox, &channel.added_to(without_credentials(), "failure"), &[]).expect(3);
    let mut unknown = channel.added_to(small(), "failure");
    unknown["users"] = json!({ "hosts": ["nobody@vendor.example"] });
    run(&sandbox, &unknown, &[]).expect(2);
    // A range that has become empty: nobody has touched the job, so nobody looks.
    let mut empty = channel.added_to(small(), "failure");
    empty["range"] = json!({ "from": "start of month", "to": "today" });
    let night = ["run", "job.yaml", "--now", "2026-04-01T03:15:00Z"];
    sandbox.job(&empty);
    sandbox.run(night).expect(2);
    let told = channel.told();
    let codes: Vec<_> = told.iter().map(|(_, document)| document["exit_code"].clone()).collect();
    assert_eq!(codes, [5, 3, 2, 2]);
    assert_eq!(told[1].1["run_id"], Value::Null);
    let unknown = told[2].1.to_string();
    assert!(unknown.contains("[address]") && !unknown.contains("nobody@"), "{unknown}");
}

#[test]
fn a_notification_that_fails_changes_nothing_but_the_log() {
    let (sandbox, channel) = (Sandbox::new(), Channel::start(404));
    let finished = run(&sandbox, &channel.added_to(small(), "always"), &[]).expect(0);
    assert!(finished.stderr.contains("answered with status 404"), "{finished}");
    assert_eq!(field(last_line(&finished), "outcome"), "done");
    assert_eq!(channel.told().len(), 1);
}

#[test]
fn a_check_tries_the_way_to_the_address_and_tells_nobody_anything() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    let host = Server::start(move |request| {
        let token = request.headers().contains_key("authorization");
        kept.lock().unwrap().push((request.method().to_string(), request.uri().to_string(), token));
        async move { Ok(response(404, SECRET)) }
    });
    let sandbox = Sandbox::new();
    let check = |url: String| {
        let mut job = small();
        job["notify"] = json!({ "url": url, "headers": { "Authorization": format!("Bearer {SECRET}") } });
        sandbox.job(&job);
        let finished = sandbox.run(["check", "job.yaml", "--now", NOW, "--output", "json"]).expect(0);
        assert!(!finished.said().contains(SECRET), "{finished}");
        finished.json()["checks"].as_array().unwrap().iter().find(|check| check["what"] == "notification").cloned()
    };
    let reached = check(format!("{}/{SECRET}?token={SECRET}", host.url())).unwrap();
    assert_eq!(reached["result"], "ok", "{reached}");
    assert_eq!(*seen.lock().unwrap(), [("HEAD".to_owned(), "/".to_owned(), false)]);
    // A run would not fail for it either.
    let missed = check(format!("http://127.0.0.1:1/{SECRET}")).unwrap();
    assert_eq!(missed["result"], "warning", "{missed}");
    assert!(missed["detail"].to_string().contains("refused"), "{missed}");
}

#[test]
fn address_and_headers_of_a_notification_stay_secret() {
    for status in [200, 404] {
        let (sandbox, channel) = (Sandbox::new(), Channel::start(status));
        sandbox.job(&channel.added_to(small(), "always"));
        let mut command = sandbox.command(["run", "job.yaml", "--now", NOW, "-vvv", "--metrics-file", "gong.prom"]);
        command.env("RUST_LOG", "trace");
        let finished = Running::start(command).wait().expect(0);
        assert!(!finished.to_string().contains(SECRET), "{finished}");
        assert!(!std::fs::read_to_string(sandbox.path().join("gong.prom")).unwrap().contains(SECRET));
        for entry in std::fs::read_dir(sandbox.export().join("_gong_export/runs")).unwrap().flatten() {
            assert!(!std::fs::read_to_string(entry.path()).unwrap().contains(SECRET), "{:?}", entry.path());
        }
    }
}
