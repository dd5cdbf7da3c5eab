//! The samples for schedulers: each is checked by its scheduler's own tool where that can be had, and
//! the command in it is run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::command::{Running, Sandbox, job, simulated};
use crate::support::python;
use crate::support::{repository, skipped};

const CHECKS: &str = include_str!("support/operations.py");

fn sample(name: &str) -> PathBuf {
    repository().join("samples/schedulers").join(name)
}

/// A sample with the paths that the test has in place of those that an installation has.
fn localized(sandbox: &Sandbox, text: &str) -> String {
    let folder = sandbox.path().to_str().unwrap();
    text.replace("/usr/local/bin/gong-export", env!("CARGO_BIN_EXE_gong-export"))
        .replace("/etc/gong-export", folder)
        .replace("/var/lib/gong-export", folder)
}

/// A folder with the files that the samples name: job and variables.
fn installation() -> Sandbox {
    let sandbox = Sandbox::new();
    let mut job = job(&simulated(json!({ "access_key_secret": "of-the-file" })));
    job["range"] = json!({ "from": "2026-03-02", "to": "2026-03-03" });
    job["name"] = json!("${JOB_NAME}");
    sandbox.write("nightly.yaml", &format!("{job:#}\n"));
    sandbox.write("environment", "JOB_NAME=nightly\n");
    sandbox
}

/// Runs a command line of a sample as a scheduler would: by a shell, without much of an environment.
fn run(sandbox: &Sandbox, line: &str) -> std::process::Output {
    Command::new("sh").args(["-c", line]).env_clear().current_dir(sandbox.path()).output().expect("sh starts")
}

#[test]
fn systemd_accepts_the_units_and_what_they_start_works() {
    let sandbox = installation();
    let units = ["gong-export.service", "gong-export.timer"];
    for unit in units {
        sandbox.write(unit, &localized(&sandbox, &fs::read_to_string(sample(unit)).unwrap()));
    }
    // Everything else that tests need, they fetch; this one tool only a distribution has.
    let there = Command::new("systemd-analyze").arg("--version").output().is_ok();
    let checks = [
        &["verify", "--man=no", "gong-export.service", "gong-export.timer"][..],
        // Of 100; 20 is what systemd calls OK.
        &["security", "--no-pager", "--offline=true", "--threshold=20", "./gong-export.service"],
    ];
    if !there {
        skipped("the check of the systemd units: no systemd-analyze here; Debian's package systemd has it");
    }
    for arguments in checks.into_iter().filter(|_| there) {
        let output =
            Command::new("systemd-analyze").args(arguments).current_dir(sandbox.path()).output().expect("it is there");
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        assert!(arguments[0] != "verify" || output.stderr.is_empty(), "{output:?}");
    }

    let service = fs::read_to_string(sandbox.path().join("gong-export.service")).unwrap();
    let value = |key: &str| {
        let prefix = format!("{key}=");
        service.lines().find_map(|line| line.strip_prefix(&prefix)).unwrap_or_else(|| panic!("no {key}")).to_owned()
    };
    assert_eq!((value("Type"), value("Restart")), ("oneshot".to_owned(), "no".to_owned()));
    let line = format!("set -a; . {}; exec {}", value("EnvironmentFile"), value("ExecStart"));
    let output = run(&sandbox, &line);
    assert!(output.status.success(), "{output:?}");
    assert!(sandbox.path().join("gong_export.prom").exists());
}

#[test]
fn the_crontab_starts_a_run_that_is_silent_unless_something_is_wrong() {
    let sandbox = installation();
    let text = fs::read_to_string(sample("crontab")).unwrap();
    let entries: Vec<&str> =
        text.lines().filter(|line| line.starts_with(|first: char| first.is_ascii_digit() || first == '*')).collect();
    let [entry] = entries[..] else { panic!("{entries:?}") };
    assert!(!entry.contains('%'), "cron makes line ends of them");
    let fields: Vec<&str> = entry.splitn(6, ' ').collect();
    let starts = python::call(CHECKS, &json!({ "check": "cron", "schedule": fields[..5].join(" ") }));
    assert_eq!(starts, json!(["2026-03-21T03:15:00+00:00", "2026-03-22T03:15:00+00:00"]));

    let line = localized(&sandbox, fields[5]);
    let output = run(&sandbox, &line);
    assert!(output.status.success() && output.stdout.is_empty() && output.stderr.is_empty(), "{output:?}");
    sandbox.write("environment", "\n");
    let output = run(&sandbox, &line);
    let mail = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{mail}");
    assert!(mail.lines().last().unwrap().contains("outcome=usage exit_code=2"), "{mail}");
}

#[test]
fn kubernetes_accepts_the_cron_job_and_its_job_can_be_planned() {
    let documents = python::call(CHECKS, &json!({ "check": "kubernetes", "path": sample("cronjob.yaml") }));
    let of_kind = |kind: &str| documents.as_array().unwrap().iter().find(|document| document["kind"] == kind).unwrap();
    let spec = &of_kind("CronJob")["spec"];
    assert_eq!(spec["concurrencyPolicy"], "Forbid");
    let pod = &spec["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!((&pod["terminationGracePeriodSeconds"], &pod["restartPolicy"]), (&json!(60), &json!("Never")));
    let container = &pod["containers"][0];
    assert_eq!(container["securityContext"]["readOnlyRootFilesystem"], true);
    assert_eq!(container["envFrom"], json!([{ "secretRef": { "name": "gong-export" } }]));
    let rule = &spec["jobTemplate"]["spec"]["podFailurePolicy"]["rules"][0];
    assert_eq!(rule["onExitCodes"]["containerName"], container["name"]);

    // The job that it mounts, by the arguments that it gives.
    let sandbox = Sandbox::new();
    sandbox.write("nightly.yaml", of_kind("ConfigMap")["data"]["nightly.yaml"].as_str().unwrap());
    let mut arguments: Vec<String> = container["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| argument.as_str().unwrap().replace("/etc/gong-export/", ""))
        .collect();
    // Nobody's bucket is asked what it holds.
    arguments.extend(["--dry-run", "--destination", "./export"].map(ToOwned::to_owned));
    let mut command = sandbox.command(arguments);
    command.env("GONG_BASE_URL", "https://us-12345.api.gong.io").env("NOTIFY_URL", "https://hooks.example/services/x");
    let plan = Running::start(command).wait().expect(0);
    assert!(plan.json().is_object(), "{plan}");
}

fn airflow(exit_code: u8) -> Value {
    python::call(
        CHECKS,
        &json!({
            "check": "airflow",
            "path": sample("airflow_dag.py"),
            "exit_code": exit_code,
            "start": "2026-03-19T03:15:00+00:00",
            "end": "2026-03-20T03:15:00+00:00",
        }),
    )
}

#[test]
fn airflow_exports_whole_days_and_tries_again_only_what_that_mends() {
    let seen = airflow(0);
    assert_eq!(seen["dags"], json!([{ "name": "gong_export", "max_active_runs": 1 }]));
    assert_eq!((&seen["tasks"][0]["name"], &seen["schedule"]), (&json!("export"), &json!(["15 3 * * *", "UTC"])));
    for code in 0..=9 {
        let expected = match code {
            0 => "success",
            4 | 5 => "retry",
            _ => "failed",
        };
        assert_eq!(airflow(code)["ended"], expected, "exit code {code}");
    }

    let arguments: Vec<&str> = seen["arguments"].as_array().unwrap().iter().map(|a| a.as_str().unwrap()).collect();
    let of = |flag: &str| arguments.iter().position(|argument| *argument == flag).map(|at| arguments[at + 1]);
    assert_eq!(of("--from"), Some("2026-03-12T00:00:00+00:00"));
    assert_eq!(of("--to"), Some("2026-03-20T00:00:00+00:00"));

    // The command takes them.
    let sandbox = installation();
    let line = localized(&sandbox, &arguments.join(" "));
    let output = run(&sandbox, &format!("JOB_NAME=nightly {line} --now 2026-03-20T12:00:00Z --dry-run"));
    assert!(output.status.success(), "{output:?}");
    let plan: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(plan.is_object());
}

#[test]
fn every_sample_is_tested() {
    let names = fs::read_dir(Path::new(&sample(""))).unwrap().flatten().map(|entry| entry.file_name());
    let mut names: Vec<String> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    let tested = ["airflow_dag.py", "cronjob.yaml", "crontab", "gong-export.service", "gong-export.timer"];
    assert_eq!(names, tested);
}
