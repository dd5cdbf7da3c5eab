//! Runs that are told to stop while they wait for somebody who does not answer: they leave soon, with
//! the signal's code, and nothing of theirs keeps the next run off.

use super::*;

/// What schedulers grant before they kill.
const SOON: Duration = Duration::from_secs(30);

/// Starts the job, stops it by `signal` once `waits` is true, and looks at how it leaves.
#[track_caller]
fn stopped(sandbox: &Sandbox, waits: impl Fn() -> bool, signal: &str, code: i32) {
    let running = Running::start(sandbox.command(RUN));
    wait_until("the wait", waits);
    running.signal(signal);
    let finished = running.wait_at_most(SOON).expect(code);
    assert!(finished.stderr.contains("outcome=interrupted"), "{finished}");
}

#[track_caller]
fn assert_no_lease(server: &Server) {
    let objects = server.bucket().objects(PREFIX);
    let left: Vec<_> = objects.keys().filter(|key| key.contains("lease")).collect();
    assert!(left.is_empty(), "{left:?} was left behind");
}

#[test]
fn while_the_bucket_is_away_from_the_start() {
    let server = Server::start();
    let sandbox = Sandbox::new();
    sandbox.job(&to_bucket(slow_job(), server.bucket()));
    server.break_down(0, Fault::CloseBefore);
    stopped(&sandbox, || server.met() > 0, "TERM", 143);
    server.recover();
    assert_no_lease(&server);
}

#[test]
fn while_the_lease_is_being_written() {
    let server = Server::start();
    let sandbox = Sandbox::new();
    sandbox.job(&to_bucket(slow_job(), server.bucket()));
    server.fail(Method::PUT, "lease.json", 0, 1, Fault::Delay(Duration::from_secs(2)));
    let is_asked =
        || server.requests().iter().any(|(method, target)| *method == Method::PUT && target.contains("lease.json"));
    stopped(&sandbox, is_asked, "INT", 130);
    assert_no_lease(&server);
    sandbox.run(RUN).expect(0);
    assert_tidy(&server);
}

#[test]
fn while_the_users_of_the_job_are_looked_up() {
    let simulator = Simulator::start(json!({}));
    let gateway = Gateway::before(&simulator.url());
    gateway.trouble("/v2/users", 0, usize::MAX, Trouble::Stall(Duration::from_secs(120)));
    let sandbox = Sandbox::new();
    let mut job = job(&source(&gateway.url()));
    job["users"] = json!({ "hosts": ["nobody@vendor.example"] });
    sandbox.job(&job);
    stopped(&sandbox, || gateway.count("/v2/users") > 0, "TERM", 143);
    let ours = sandbox.export().join("_gong_export");
    for name in ["lease.json", "lease.lock"] {
        assert!(!ours.join(name).exists(), "{name} was left behind");
    }
    job.as_object_mut().unwrap().remove("users");
    job["datasets"] = json!(["calls"]);
    sandbox.export_job(&job).expect(0);
}

#[test]
fn while_the_bucket_is_away_in_the_middle_of_a_run() {
    let server = Server::start();
    let sandbox = Sandbox::new();
    sandbox.job(&to_bucket(slow_job(), server.bucket()));
    server.break_down(12, Fault::CloseBefore);
    stopped(&sandbox, || server.met() > 0, "TERM", 143);
    server.recover();
    let expected = undisturbed(&slow_job());
    assert_part_of(&read(server.bucket()), &expected);
    // The server was away when the lease was to be given back, and its owner is known to be gone.
    let record = sandbox.run(RUN).expect(0).json();
    assert_eq!(record["resumes"], NOW);
    assert_same(&read(server.bucket()), &expected);
    assert_tidy(&server);
}
