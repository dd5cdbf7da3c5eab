//! Runs with an OAuth app: tokens end in the middle of them, each refresh token works once.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::support::command::{NOW, Running, Sandbox, job};
use crate::support::export::{Export, assert_same, data_files};
use crate::support::simulator::Simulator;

const TOKEN_PATH: &str = "/oauth2/generate-customer-token";

/// More requests than are ever under way at once, and far fewer than an export takes.
const EXPIRE_AFTER: u64 = 30;

/// A token file as it is after the app was authorised.
fn authorised(sandbox: &Sandbox, simulator: &Simulator) -> PathBuf {
    let answer = json!({
        "access_token": "simulator-token", "refresh_token": "simulator-refresh", "expires_in": 86_400,
        "api_base_url_for_customer": simulator.url(),
    });
    let path = sandbox.write("tokens.json", &answer.to_string());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    path
}

fn oauth_job(simulator: &Simulator, token_file: &Path) -> Value {
    let oauth = json!({
        "client_id": "simulator", "client_secret": "simulator-secret", "token_file": token_file,
        "token_url": format!("{}{TOKEN_PATH}", simulator.url()),
    });
    let mut job = job(&json!({ "auth": { "oauth": oauth }, "requests_per_second": 100 }));
    job["range"] = json!({ "from": "2026-02-23", "to": "2026-03-07" });
    job
}

fn content(token_file: &Path) -> Value {
    serde_json::from_slice(&fs::read(token_file).unwrap()).unwrap()
}

/// The statuses of all token requests.
fn token_requests(simulator: &Simulator) -> Vec<u16> {
    let log = simulator.log();
    log.iter().filter(|request| request.path == TOKEN_PATH).map(|request| request.status).collect()
}

#[test]
fn a_token_that_ends_in_the_middle_of_a_run_is_renewed_and_the_run_goes_on() {
    let switches = json!({ "page_size": 5 });
    let expected = {
        let (simulator, sandbox) = (Simulator::start(switches.clone()), Sandbox::new());
        let mut job = oauth_job(&simulator, Path::new("unused"));
        job["source"] = simulator.source();
        sandbox.export_job(&job).expect(0);
        Export::read(&sandbox.export())
    };

    let mut switches = switches;
    switches["expire_token_after"] = json!(EXPIRE_AFTER);
    let (simulator, sandbox) = (Simulator::start(switches), Sandbox::new());
    let file = authorised(&sandbox, &simulator);
    sandbox.job(&oauth_job(&simulator, Path::new("tokens.json")));
    let mut command = sandbox.command(["run", "job.yaml", "--output", "json", "--now", NOW, "-vvv"]);
    command.env("RUST_LOG", "trace");
    let finished = Running::start(command).wait().expect(0);
    assert_same(&Export::read(&sandbox.export()), &expected);

    let renewals = token_requests(&simulator);
    assert!(renewals.len() >= 2 && renewals.iter().all(|status| *status == 200), "{renewals:?}");
    let content = content(&file);
    let newest = format!("simulator-refresh-{}", renewals.len());
    assert_eq!(content["refresh_token"], json!(newest));
    assert_eq!(content["api_base_url"].as_str().unwrap().trim_end_matches('/'), simulator.url());
    assert!(content["expires_at"].as_str().unwrap().ends_with('Z'), "{content}");
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(finished.stderr.contains("others can read"), "{finished}");

    // Token requests are none of the budget's.
    let requests = simulator.requests() - renewals.len() as u64;
    assert_eq!(finished.json()["requests"]["sent"], json!(requests), "{finished}");

    let secrets = ["simulator-token", "simulator-refresh", "simulator-secret"];
    let said = finished.said();
    assert!(secrets.iter().all(|secret| !said.contains(secret)), "{finished}");
    for path in files_below(&sandbox.export()) {
        let bytes = fs::read(&path).unwrap();
        let text = String::from_utf8_lossy(&bytes);
        assert!(secrets.iter().all(|secret| !text.contains(secret)), "{}", path.display());
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

#[test]
fn runs_at_the_same_time_share_a_token_file() {
    let simulator = Simulator::start(json!({ "page_size": 5, "expire_token_after": 2 * EXPIRE_AFTER }));
    let home = Sandbox::new();
    let file = authorised(&home, &simulator);
    let sandboxes = [Sandbox::new(), Sandbox::new()];
    let runs: Vec<Running> = sandboxes
        .iter()
        .map(|sandbox| {
            sandbox.job(&oauth_job(&simulator, &file));
            Running::start(sandbox.command(["run", "job.yaml", "--now", NOW]))
        })
        .collect();
    for run in runs {
        run.wait().expect(0);
    }
    // Had one used the token of the other again, it would have been refused.
    let renewals = token_requests(&simulator);
    assert!(renewals.len() >= 2 && renewals.iter().all(|status| *status == 200), "{renewals:?}");
    assert_eq!(content(&file)["refresh_token"], json!(format!("simulator-refresh-{}", renewals.len())));
    assert_same(&Export::read(&sandboxes[0].export()), &Export::read(&sandboxes[1].export()));
}

#[test]
fn a_refresh_token_that_was_used_ends_the_run_with_a_remedy() {
    let (simulator, sandbox) = (Simulator::start(json!({})), Sandbox::new());
    let tokens = json!({ "refresh_token": "used-before", "api_base_url": simulator.url() });
    let file = sandbox.write("tokens.json", &tokens.to_string());
    sandbox.job(&oauth_job(&simulator, &file));
    for command in ["run", "check"] {
        let finished = sandbox.run([command, "job.yaml", "--now", NOW]).expect(3);
        assert!(
            finished.stderr.contains("127.0.0.1 refused the refresh token: status 400 \"invalid_grant\""),
            "{finished}"
        );
        assert!(finished.stderr.contains("authorise the app in Gong again"), "{finished}");
        assert!(!finished.said().contains("used-before"), "{finished}");
    }
    assert_eq!(token_requests(&simulator), [400, 400]);
    assert_eq!(content(&file), tokens);
    assert!(data_files(&sandbox.export()).is_empty());
}

#[test]
fn no_refresh_token_is_spent_where_the_next_one_cannot_be_stored() {
    let (simulator, sandbox) = (Simulator::start(json!({})), Sandbox::new());
    sandbox.job(&oauth_job(&simulator, Path::new("tokens.json")));
    let missing = sandbox.run(["check", "job.yaml", "--now", NOW]).expect(3);
    assert!(missing.stderr.contains("there is no token file"), "{missing}");

    let file = sandbox.write("tokens.json", r#"{"refresh_token": "simulator-refresh"}"#);
    // What stands in the way of the new file; folders are no files for root either.
    fs::create_dir(file.with_file_name("tokens.json.new")).unwrap();
    let finished = sandbox.run(["check", "job.yaml", "--now", NOW]).expect(3);
    assert!(finished.stderr.contains("let this user write the token file and its folder"), "{finished}");
    assert!(token_requests(&simulator).is_empty());

    fs::remove_dir(file.with_file_name("tokens.json.new")).unwrap();
    sandbox.run(["check", "job.yaml", "--now", NOW]).expect(0);
    assert_eq!(content(&file)["refresh_token"], json!("simulator-refresh-1"));
}

#[test]
fn a_run_that_is_told_to_stop_stores_the_tokens_that_are_on_their_way() {
    let (simulator, sandbox) = (Simulator::start(json!({ "latency_ms": 1_500 })), Sandbox::new());
    let file = sandbox.write("tokens.json", r#"{"refresh_token": "simulator-refresh"}"#);
    sandbox.job(&oauth_job(&simulator, &file));
    let run = Running::start(sandbox.command(["run", "job.yaml", "--now", NOW]));
    let begin = Instant::now();
    // Exchanged as soon as it arrives; the answer takes its time.
    while token_requests(&simulator).is_empty() {
        assert!(begin.elapsed() < Duration::from_secs(60), "no token request");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    run.signal("TERM");
    run.wait().expect(143);
    assert_eq!(content(&file)["refresh_token"], json!("simulator-refresh-1"));
    assert_eq!(token_requests(&simulator).len(), 1);
}
