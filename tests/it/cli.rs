//! The command line as a contract: texts, exit codes, what goes to which stream, and that no secret
//! goes to any.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command};

use base64::Engine;
use serde_json::{Value, json};

use crate::support::command::{Finished, NOW, Running, Sandbox, job, simulated};
use crate::support::simulator::Simulator;

/// In no text that anybody sees.
const SECRET: &str = "MARKER-SECRET-5f1c9e77";

fn small() -> Value {
    let mut job = job(&simulated(json!({})));
    job["range"] = json!({ "from": "2026-03-02", "to": "2026-03-04" });
    job
}

/// Runs a command that takes a job.
fn with_job(sandbox: &Sandbox, command: &str, more: &[&str]) -> Finished {
    sandbox.run([&[command, "job.yaml", "--now", NOW], more].concat())
}

#[test]
fn help_of_every_command() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("help", sandbox.run(["--help"]).expect(0).shown(&sandbox));
    for command in ["run", "plan", "check", "verify", "sql", "schema", "init", "simulator", "completions"] {
        let shown = sandbox.run([command, "--help"]).expect(0).shown(&sandbox);
        insta::assert_snapshot!(format!("help_{command}"), shown);
    }
    let version = sandbox.run(["--version"]).expect(0);
    assert_eq!(version.stdout, format!("gong-export {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn results_as_text() {
    let sandbox = Sandbox::new();
    sandbox.job(&small());
    insta::assert_snapshot!("plan", with_job(&sandbox, "plan", &[]).expect(0).shown(&sandbox));
    insta::assert_snapshot!("plan_probe", with_job(&sandbox, "plan", &["--probe"]).expect(0).shown(&sandbox));
    insta::assert_snapshot!("check", with_job(&sandbox, "check", &[]).expect(0).shown(&sandbox));
    insta::assert_snapshot!("run", with_job(&sandbox, "run", &[]).expect(0).shown(&sandbox));
    insta::assert_snapshot!("run_dry", with_job(&sandbox, "run", &["--dry-run"]).expect(0).shown(&sandbox));
    insta::assert_snapshot!("verify", with_job(&sandbox, "verify", &[]).expect(0).shown(&sandbox));
}

#[test]
fn columns_of_every_dataset() {
    let sandbox = Sandbox::new();
    for dataset in ["calls", "parties", "users", "transcripts", "activity_stats"] {
        let shown = sandbox.run(["schema", "dataset", dataset]).expect(0);
        assert_eq!(shown.stderr, "");
        insta::assert_snapshot!(format!("schema_{dataset}"), shown.stdout);
    }
    let all = sandbox.run(["schema", "dataset"]).expect(0).stdout;
    assert!(["calls", "parties", "users", "transcripts", "activity_stats"].iter().all(|name| all.contains(name)));
    let unknown = sandbox.run(["schema", "dataset", "transcript"]).expect(2);
    insta::assert_snapshot!("schema_unknown", unknown.shown(&sandbox));
}

#[test]
fn plan_as_json_says_what_a_run_then_does() {
    let sandbox = Sandbox::new();
    sandbox.job(&small());
    let plan = with_job(&sandbox, "plan", &["--output", "json"]).expect(0);
    assert!(plan.json()["requests"].is_number());
    insta::assert_snapshot!("plan_json", plan.shown(&sandbox));
    assert!(!sandbox.export().exists(), "a plan writes nothing");
}

#[test]
fn every_result_is_one_json_document_when_asked_for() {
    let sandbox = Sandbox::new();
    sandbox.job(&small());
    for command in ["plan", "check", "run", "verify"] {
        let finished = with_job(&sandbox, command, &["--output", "json"]).expect(0);
        assert!(finished.json().is_object(), "{command}");
    }
    for arguments in [
        vec!["schema", "job"],
        vec!["schema", "job", "--output", "json"],
        vec!["schema", "dataset", "calls", "--output", "json"],
        vec!["schema", "dataset", "--output", "json"],
        vec!["init", "other.yaml", "--output", "json"],
    ] {
        sandbox.run(arguments).expect(0).json();
    }
}

#[test]
fn only_the_result_goes_to_standard_output() {
    let sandbox = Sandbox::new();
    sandbox.job(&small());
    let finished = with_job(&sandbox, "run", &["--output", "json", "-vv"]).expect(0);
    finished.json();
    assert!(!finished.stderr.is_empty(), "-vv says nothing");
    let quiet = with_job(&sandbox, "run", &["-q"]).expect(0);
    assert_eq!(quiet.stderr, "", "-q leaves errors only");
    assert!(!quiet.stdout.is_empty(), "the result is no progress");
    // A reader that goes away is no failure.
    let piped = format!("{} schema job | head -c 1 > /dev/null", env!("CARGO_BIN_EXE_gong-export"));
    let output = Command::new("sh").args(["-c", &piped]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}

#[test]
fn the_log_as_json_is_json_line_by_line() {
    let sandbox = Sandbox::new();
    sandbox.job(&small());
    let finished = with_job(&sandbox, "run", &["--log-format", "json", "-v"]).expect(0);
    let lines: Vec<Value> = finished
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.len() > 3, "{finished}");
    assert!(lines.iter().all(|line| line["level"].is_string() && line["timestamp"].is_string()), "{finished}");
    let failed = sandbox.run(["run", "nowhere.yaml", "--log-format", "json"]).expect(2);
    for line in failed.stderr.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
}

#[test]
fn colour_only_when_wanted() {
    let sandbox = Sandbox::new();
    sandbox.job(&small());
    let is_coloured = |finished: &Finished| finished.stdout.contains('\x1b') || finished.stderr.contains('\x1b');
    assert!(!is_coloured(&with_job(&sandbox, "run", &[]).expect(0)), "nobody asked, and it is no terminal");
    assert!(is_coloured(&with_job(&sandbox, "run", &["--color", "always"]).expect(0)));
    assert!(!is_coloured(&with_job(&sandbox, "run", &["--color", "never"]).expect(0)));
    let mut command = sandbox.command(["run", "job.yaml", "--now", NOW]);
    command.env("NO_COLOR", "1");
    assert!(!is_coloured(&Running::start(command).wait().expect(0)));
}

#[test]
fn the_starter_job_is_valid_once_it_has_an_account() {
    let sandbox = Sandbox::new();
    insta::assert_snapshot!("init", sandbox.run(["init"]).expect(0).shown(&sandbox));
    sandbox.run(["init"]).expect(2);
    sandbox.run(["init", "--force"]).expect(0);
    let mut plan = sandbox.command(["plan", "job.yaml", "--now", NOW]);
    plan.env("GONG_BASE_URL", "https://us-12345.api.gong.io")
        .env("GONG_ACCESS_KEY", "key")
        .env("GONG_ACCESS_KEY_SECRET", SECRET);
    let finished = Running::start(plan).wait().expect(0);
    assert_hidden(&finished.said(), "the output");
    insta::assert_snapshot!(
        "init_without_account",
        sandbox.run(["plan", "job.yaml", "--now", NOW]).expect(2).shown(&sandbox)
    );
}

#[test]
fn completions_for_every_shell() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.run(["completions", shell]).expect(0).stdout;
        assert!(script.contains("gong-export") && script.contains("simulator"), "{shell}: {script}");
    }
    let path = sandbox.write("completions.bash", &sandbox.run(["completions", "bash"]).stdout);
    let output = Command::new("bash").arg("-n").arg(path).output().expect("bash is there");
    assert!(output.status.success(), "{output:?}");
}

/// Ends with the value, also when the test fails.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn the_simulator_serves_whoever_has_its_key_until_it_is_told_to_stop() {
    let sandbox = Sandbox::new();
    let flags = ["simulator", "--port", "0", "--now", NOW, "--requests-per-second", "0", "--users", "12"];
    let mut served = Served(sandbox.command(flags).spawn().unwrap());
    let lines = BufReader::new(served.0.stdout.take().unwrap()).lines();
    let variables = lines.filter_map(|line| {
        let line = line.unwrap();
        let (name, value) = line.strip_prefix("export ")?.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    // What it prints is what a shell needs to know.
    let variables: Vec<(String, String)> = variables.take(3).collect();
    sandbox.job(&job(&json!({ "requests_per_second": 100 })));
    let mut command = sandbox.command(["run", "job.yaml", "--now", NOW, "--dataset", "users", "--output", "json"]);
    command.envs(variables);
    let record = Running::start(command).wait().expect(0).json();
    assert_eq!(record["datasets"][0]["rows"], 12, "{record:#}");

    let kill = format!("kill -s TERM {}", served.0.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    assert_eq!(served.0.wait().unwrap().code(), Some(0));
}

#[test]
fn what_cannot_be_understood_ends_with_2() {
    let sandbox = Sandbox::new();
    let valid = "version: 1\nsource: {simulator: {}}\nrange: {from: 2026-03-02, to: 2026-03-03}\ndestination: {url: ./export}\n";
    sandbox.write("valid.yaml", valid);
    for (name, arguments) in [
        ("no_command", vec![]),
        ("unknown_command", vec!["export"]),
        ("unknown_flag", vec!["run", "valid.yaml", "--fast"]),
        ("no_such_file", vec!["run", "nowhere.yaml"]),
        ("bad_date", vec!["run", "valid.yaml", "--from", "soon"]),
        ("empty_range", vec!["run", "valid.yaml", "--from", "2026-03-05", "--to", "2026-03-04"]),
        ("unknown_dataset", vec!["run", "valid.yaml", "--dataset", "transcript"]),
        ("unknown_scheme", vec!["run", "valid.yaml", "--destination", "ftp://somewhere/else"]),
        ("no_requests", vec!["run", "valid.yaml", "--max-requests", "0"]),
    ] {
        let finished = sandbox.run(arguments).expect(2);
        assert_eq!(finished.stdout, "", "{name}: {finished}");
        insta::assert_snapshot!(format!("usage_{name}"), finished.shown(&sandbox));
    }
    assert!(!sandbox.export().exists(), "nothing is written before the job is understood");
}

#[test]
fn all_problems_of_a_job_are_told_at_once_with_their_places() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "bad.yaml",
        "version: 1\nnmae: nightly\nsource:\n  base_url: http://gong.example\n  requests_per_second: fast\n\
         range:\n  from: 2026-03-09\n  to: 2026-03-02\n  timezone: Mars/Olympus\n\
         datasets: [calls, transcript, calls]\n\
         destination:\n  url: ${EXPORT_URL}\n  partition_by: week\n  compression: zip\n",
    );
    for command in ["run", "plan", "check", "verify"] {
        let finished = sandbox.run([command, "bad.yaml", "--now", NOW]).expect(2);
        // The same for all of them; a run has its summary line besides.
        let shown = finished.shown(&sandbox);
        let problems = shown.split("\ngong-export: event=run_finished").next().unwrap_or_default();
        insta::assert_snapshot!("bad_job", problems);
    }
}

#[test]
fn hostile_jobs_are_refused_quickly() {
    let sandbox = Sandbox::new();
    let mut bomb = "version: 1\na0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..=9 {
        let previous = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![previous; 9].join(", ")));
    }
    let deep = format!("version: {}{}\n", "[".repeat(20_000), "]".repeat(20_000));
    let large = format!("version: 1\nname: {}\n", "x".repeat(8 << 20));
    let twice = "version: 1\nversion: 1\nrange: {from: today}\ndestination: {url: ./export}\n".to_owned();
    for (name, text) in
        [("bomb", bomb), ("deep", deep), ("large", large), ("twice", twice), ("binary", "\u{0}\u{1}".to_owned())]
    {
        sandbox.write("hostile.yaml", &text);
        let running = Running::start(sandbox.command(["plan", "hostile.yaml"]));
        let finished = running.wait_at_most(std::time::Duration::from_secs(10)).expect(2);
        assert!(finished.stderr.contains("hostile.yaml") && finished.stderr.len() < 4_000, "{name}: {finished}");
    }
}

#[test]
fn users_that_gong_does_not_know_are_told_with_their_places() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "job.yaml",
        &format!(
            "version: 1\nsource: {}\nrange: {{from: 2026-03-02, to: 2026-03-03}}\nusers:\n  hosts:\n    - nobody@vendor.example\n  \
             participants: [\"1\"]\ndestination: {{url: ./export}}\n",
            simulated(json!({}))
        ),
    );
    let finished = with_job(&sandbox, "run", &[]).expect(2);
    insta::assert_snapshot!("unknown_users", finished.shown(&sandbox));
    assert!(crate::support::export::data_files(&sandbox.export()).is_empty());
}

#[test]
fn secrets_are_in_no_output_and_in_no_file() {
    let simulator = Simulator::start(json!({ "access_key_secret": SECRET, "access_token": SECRET }));
    let wrong = Simulator::start(json!({}));
    for (simulator, code) in [(&simulator, 0), (&wrong, 3)] {
        for auth in [json!({ "access_key": "simulator", "access_key_secret": SECRET }), json!({ "token": SECRET })] {
            let sandbox = Sandbox::new();
            let mut job = small();
            job["source"] = json!({ "base_url": simulator.url(), "auth": auth, "requests_per_second": 100 });
            sandbox.job(&job);
            for command in ["check", "run"] {
                let mut command = sandbox.command([command, "job.yaml", "--now", NOW, "-vvv"]);
                command.env("RUST_LOG", "trace");
                let finished = Running::start(command).wait().expect(code);
                assert_hidden(&finished.said(), "the output");
            }
            assert_no_secret_below(&sandbox.export());
        }
    }
    // Not in messages about the job itself either.
    let sandbox = Sandbox::new();
    let mut job = small();
    job["source"] = json!({ "base_url": "https://gong.example", "auth": { "access_key": [SECRET], "token": SECRET } });
    sandbox.job(&job);
    assert_hidden(&with_job(&sandbox, "run", &[]).expect(2).said(), "the output");
}

fn assert_hidden(text: &str, place: &str) {
    assert!(!text.contains(SECRET), "{place} holds the secret: {text}");
    let basic = base64::engine::general_purpose::STANDARD.encode(format!("simulator:{SECRET}"));
    assert!(!text.contains(&basic), "{place} holds the header: {text}");
}

fn assert_no_secret_below(folder: &std::path::Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            assert_no_secret_below(&entry.path());
        } else {
            let bytes = std::fs::read(entry.path()).unwrap();
            assert_hidden(&String::from_utf8_lossy(&bytes), &entry.path().display().to_string());
        }
    }
}

#[test]
fn files_are_not_for_everybody_on_the_machine() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.export_job(&small()).expect(0);
    for file in crate::support::export::data_files(&sandbox.export()) {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o007, 0, "{} can be read by everybody: {mode:o}", file.display());
    }
}

#[test]
fn verify_finds_what_was_damaged() {
    let sandbox = Sandbox::new();
    sandbox.export_job(&small()).expect(0);
    let export = sandbox.export();
    // A file in the place of another, one cut short, and one that is gone.
    let calls = |day: &str| export.join(format!("calls/call_date={day}/calls.parquet"));
    std::fs::copy(calls("2026-03-02"), calls("2026-03-03")).unwrap();
    let parties = export.join("parties/call_date=2026-03-02/parties.parquet");
    let bytes = std::fs::read(&parties).unwrap();
    std::fs::write(&parties, &bytes[..bytes.len() / 2]).unwrap();
    let finished = with_job(&sandbox, "verify", &["--output", "json"]).expect(6);
    let text = finished.json().to_string();
    for key in ["calls/call_date=2026-03-03/calls.parquet", "parties/call_date=2026-03-02/parties.parquet"] {
        assert!(text.contains(key), "{key} was not found: {finished}");
    }
    insta::assert_snapshot!("verify_findings", with_job(&sandbox, "verify", &[]).expect(6).shown(&sandbox));
}

#[test]
fn credentials_come_from_the_job_else_the_environment_else_the_file() {
    let simulator = Simulator::start(json!({ "access_key_secret": "right" }));
    let auth = |secret: &str| json!({ "access_key": "simulator", "access_key_secret": secret });
    let file = |secret: &str| json!({ "base_url": simulator.url(), "access_key": "simulator", "secret_key": secret });
    // Each time the first of the three that says something is right, and those after it are wrong.
    for (in_job, in_environment, in_file) in [
        (Some("right"), Some("wrong"), Some("wrong")),
        (None, Some("right"), Some("wrong")),
        (None, None, Some("right")),
    ] {
        let sandbox = Sandbox::new();
        let mut job = small();
        job["source"] = json!({ "requests_per_second": 100 });
        if let Some(secret) = in_job {
            job["source"]["base_url"] = json!(simulator.url());
            job["source"]["auth"] = auth(secret);
        }
        sandbox.job(&job);
        let path = sandbox.write(".config/gong/credentials.json", &file(in_file.unwrap_or("wrong")).to_string());
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o644)).unwrap();
        let mut command = sandbox.command(["check", "job.yaml", "--now", NOW]);
        if let Some(secret) = in_environment {
            command.envs([("GONG_BASE_URL", simulator.url().as_str()), ("GONG_ACCESS_KEY", "simulator")]);
            command.env("GONG_ACCESS_KEY_SECRET", secret);
        }
        let finished = Running::start(command).wait().expect(0);
        if in_job.is_none() && in_environment.is_none() {
            assert!(finished.stderr.contains("others can read"), "{finished}");
        }
    }
}
