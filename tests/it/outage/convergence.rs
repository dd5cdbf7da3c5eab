//! Whatever happens to however many runs, one undisturbed run after them makes the export what it has
//! to be.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use super::{assert_tidy, read, to_bucket, undisturbed};
use crate::support::command::{Finished, NOW, Running, Sandbox, job};
use crate::support::export::{Export, assert_same};
use crate::support::gateway::{Gateway, Trouble};
use crate::support::s3::{Fault, Server};
use crate::support::simulator::{Simulator, source};

/// What the usual job asks for.
const PATHS: [&str; 4] =
    ["/v2/calls/extensive", "/v2/calls/transcript", "/v2/users", "/v2/stats/activity/aggregate-by-period"];

/// What a job of all other lists asks for. Begins with one of several pages, too.
const LIST_PATHS: [&str; 10] = [
    "/v2/stats/activity/scorecards",
    "/v2/stats/activity/day-by-day",
    "/v2/stats/interaction",
    "/v2/settings/scorecards",
    "/v2/settings/trackers",
    "/v2/workspaces",
    "/v2/call-outcomes",
    "/v2/library/folder-content",
    "/v2/logs",
    "/v2/calls/extensive",
];

/// What happens to a run.
#[derive(Debug, Clone, Copy)]
enum Trial {
    Throttled,
    ServerError,
    Reset,
    Truncated,
    Senseless,
    CursorRefused,
    /// For the rest of the run.
    KeyRefused,
    Killed,
    Terminated,
    OutOfBudget,
    BucketSlow,
    BucketLosesAnswers,
    /// For the rest of the run.
    BucketRefuses,
}

const TRIALS: [Trial; 13] = [
    Trial::Throttled,
    Trial::ServerError,
    Trial::Reset,
    Trial::Truncated,
    Trial::Senseless,
    Trial::CursorRefused,
    Trial::KeyRefused,
    Trial::Killed,
    Trial::Terminated,
    Trial::OutOfBudget,
    Trial::BucketSlow,
    Trial::BucketLosesAnswers,
    Trial::BucketRefuses,
];

/// Numbers that look like chance and are the same every time (splitmix64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).expect("less than a usize")
    }
}

/// A run that this happens to.
fn troubled(
    trial: Trial,
    paths: &[&'static str],
    draws: &mut Draws,
    sandbox: &Sandbox,
    gateway: &Gateway,
    server: &Server,
) -> Finished {
    let mut command = sandbox.command(["run", "job.yaml", "--output", "json", "--now", NOW]);
    // Every other run has all the work before it; the rest take up what others have left.
    if draws.below(2) == 0 {
        command.arg("--full-refresh");
    }
    let (path, after, times) = (paths[draws.below(paths.len())], draws.below(4), 1 + draws.below(2));
    let moment = Duration::from_millis(20 + draws.below(500) as u64);
    match trial {
        Trial::Throttled => gateway.trouble(path, after, times, Trouble::throttled(Some("1"))),
        Trial::ServerError => gateway.trouble(path, after, times, Trouble::status(503, "")),
        Trial::Reset => gateway.trouble(path, after, times, Trouble::Reset),
        Trial::Truncated => gateway.trouble(path, after, times, Trouble::Truncate),
        Trial::Senseless => gateway.trouble(path, after, times, Trouble::status(200, "<html></html>")),
        Trial::CursorRefused => {
            let expired = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["cursor has expired"]}"#;
            gateway.trouble(paths[0], 1 + after, times, Trouble::status(400, expired));
        }
        Trial::KeyRefused => {
            let refused = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["Unauthorized"]}"#;
            gateway.trouble(path, after, usize::MAX, Trouble::status(401, refused));
        }
        Trial::OutOfBudget => drop(command.args(["--max-requests", &(3 + draws.below(6)).to_string()])),
        Trial::BucketSlow => server.fail(Method::PUT, "/", after, 1 + times, Fault::Status(503)),
        Trial::BucketLosesAnswers => server.fail(Method::PUT, "/", after, 2 * times, Fault::CloseAfter),
        Trial::BucketRefuses => server.break_down(draws.below(25), Fault::Refusal(403, "AccessDenied")),
        Trial::Killed | Trial::Terminated => {}
    }
    let running = Running::start(command);
    match trial {
        Trial::Killed => {
            std::thread::park_timeout(moment);
            running.kill()
        }
        Trial::Terminated => {
            std::thread::park_timeout(moment);
            running.signal("TERM");
            running.wait_at_most(Duration::from_secs(30))
        }
        _ => running.wait_at_most(Duration::from_secs(120)),
    }
}

/// All files have their place in the end and all their rows. Without transcripts, calls cannot yet tell
/// whether they have one.
#[track_caller]
fn assert_whole(found: &Export, expected: &Export) {
    for (key, file) in &found.files {
        assert_eq!(Some(file.rows.len()), expected.files.get(key).map(|file| file.rows.len()), "{key}");
    }
}

#[test]
fn troubled_runs_and_then_a_calm_one_leave_what_one_calm_run_leaves() {
    converges(&job(&Value::Null), json!({ "page_size": 20 }), &PATHS, (TRIALS.len(), 3));
}

#[test]
fn lists_converge_whatever_happened_to_their_runs() {
    let mut job = job(&Value::Null);
    job["datasets"] = json!(["stats", "scorecards", "settings", "logs"]);
    job["range"]["to"] = json!("2026-03-04");
    converges(&job, json!({ "page_size": 5, "calls_per_day": 15 }), &LIST_PATHS, (10, 2));
}

/// So many sequences of so many troubled runs. The first of each has another kind of trouble, others follow
/// by chance.
fn converges(job: &Value, mut switches: Value, paths: &[&'static str], (sequences, runs): (usize, usize)) {
    switches["latency_ms"] = json!(15);
    let simulator = Simulator::start(switches);
    let gateway = Gateway::before(&simulator.url());
    let from = |source: Value| {
        let mut job = job.clone();
        job["source"] = source;
        job
    };
    let expected = undisturbed(&from(simulator.source()));
    let mut ends = Vec::new();
    for seed in 0..sequences as u64 {
        let (server, sandbox, mut draws) = (Server::start(), Sandbox::new(), Draws(seed));
        sandbox.job(&to_bucket(from(source(&gateway.url())), server.bucket()));
        let mut history = Vec::new();
        for run in 0..runs {
            // Every kind comes up, whatever the draws: the first runs go through all of them.
            let number = if run == 0 { seed as usize } else { draws.below(TRIALS.len()) };
            let trial = TRIALS[number % TRIALS.len()];
            let finished = troubled(trial, paths, &mut draws, &sandbox, &gateway, &server);
            gateway.come_back();
            server.recover();
            history.push(format!("{trial:?}: {:?}", finished.code()));
            let known = matches!(finished.code(), None | Some(0 | 1 | 3 | 4 | 5 | 143));
            assert!(known && !finished.said().contains("panicked"), "sequence {seed}, {history:?}\n{finished}");
            ends.push(finished.code());
            assert_whole(&read(server.bucket()), &expected);
        }
        let finished = sandbox.run(["run", "job.yaml", "--output", "json", "--now", NOW]);
        assert_eq!(finished.code(), Some(0), "sequence {seed}, {history:?}\n{finished}");
        assert_same(&read(server.bucket()), &expected);
        assert_tidy(&server);
    }
    let failed = ends.iter().filter(|code| **code != Some(0)).count();
    assert!(failed >= ends.len() / 4, "hardly any run was troubled: {ends:?}");
}
