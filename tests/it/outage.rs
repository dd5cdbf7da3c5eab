//! Buckets, credentials and the API that go away in the middle of a run, and runs that are killed
//! while they write to a bucket: what is there is whole, and in the end the export is what an
//! undisturbed run makes it.

mod convergence;
mod stopping;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use chrono::Utc;
use futures_util::TryStreamExt;
use hyper::Method;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use serde_json::{Value, json};

use crate::support::command::{NOW, Running, Sandbox, job, simulated};
use crate::support::export::{DataFile, Export, assert_same, data_files, read_file};
use crate::support::gateway::{Gateway, Trouble};
use crate::support::http;
use crate::support::reader::Reader;
use crate::support::runtime;
use crate::support::s3::{Bucket, Fault, Server};
use crate::support::simulator::{Simulator, source};

const PREFIX: &str = "gong/nightly";
const RUN: [&str; 6] = ["run", "job.yaml", "--output", "json", "--now", NOW];

/// Enough work that there are many moments to be disturbed at: about two seconds.
fn slow_job() -> Value {
    let mut job = job(&simulated(json!({ "calls_per_day": 40, "page_size": 20, "latency_ms": 40 })));
    job["range"] = json!({ "from": "2026-02-25", "to": "2026-03-07" });
    job
}

/// One partition of several megabytes: what is large goes up in parts.
fn large_job() -> Value {
    let switches = json!({ "calls_per_day": 900, "sentences_per_call": 450, "users": 40 });
    let mut job = job(&simulated(switches));
    job["range"] = json!({ "from": "2026-03-02", "to": "2026-03-03" });
    job["datasets"] = json!(["calls", "transcripts"]);
    job["destination"]["compression"] = json!("uncompressed");
    job
}

fn to_bucket(mut job: Value, bucket: &Bucket) -> Value {
    job["destination"]["url"] = json!(format!("s3://{}/{PREFIX}", bucket.name));
    job["destination"]["options"] = json!(bucket.options());
    job
}

fn read(bucket: &Bucket) -> Export {
    let copy = bucket.download(PREFIX);
    Export::read(copy.path())
}

/// What a folder gets without any trouble.
fn undisturbed(job: &Value) -> Export {
    let sandbox = Sandbox::new();
    sandbox.export_job(job).expect(0);
    Export::read(&sandbox.export())
}

/// All that is there is some of what has to be there in the end.
#[track_caller]
fn assert_part_of(found: &Export, expected: &Export) {
    for (key, file) in &found.files {
        assert_eq!(Some(file.checksum()), expected.files.get(key).map(DataFile::checksum), "{key}");
    }
}

/// Data and documents are there, and neither anything temporary nor a lease.
#[track_caller]
fn assert_tidy(server: &Server) {
    for key in server.bucket().objects(PREFIX).keys() {
        let ours = key.starts_with("_gong_export/") && !key.starts_with("_gong_export/tmp/");
        assert!((ours && !key.contains("lease")) || key.ends_with(".parquet"), "{key} was left behind");
    }
    assert_eq!(server.open_uploads(), Vec::<std::path::PathBuf>::new());
}

#[track_caller]
fn wait_until(what: &str, happened: impl Fn() -> bool) {
    let begin = Instant::now();
    while !happened() {
        assert!(begin.elapsed() < Duration::from_secs(60), "{what}: not within a minute");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// Reads every data object that is listed and new, again and again, as somebody who queries the
/// bucket would.
fn reader(bucket: &Bucket) -> Reader {
    let (bucket, mut known) = (bucket.clone(), BTreeMap::new());
    Reader::start(Duration::from_millis(10), move || {
        let mut read = Vec::new();
        for (key, content) in data_objects(&bucket) {
            if known.get(&key) != Some(&content) {
                read.push(decode(&key, &content).map(drop).map_err(|error| format!("{key}: {error}")));
                known.insert(key, content);
            }
        }
        read
    })
}

/// Every data object, whatever happens to the others meanwhile.
fn data_objects(bucket: &Bucket) -> Vec<(String, Bytes)> {
    let store = bucket.store();
    runtime().block_on(async {
        let listed: Vec<_> = store.list(Some(&Path::from(PREFIX))).try_collect().await.expect("it can be listed");
        let mut objects = Vec::new();
        for object in listed.into_iter().filter(|object| object.location.as_ref().ends_with(".parquet")) {
            let found = store.get(&object.location).await.expect("data files are replaced, never removed");
            objects.push((object.location.to_string(), found.bytes().await.expect("objects can be read")));
        }
        objects
    })
}

fn decode(key: &str, content: &Bytes) -> Result<DataFile, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let path = dir.path().join(key);
    std::fs::create_dir_all(path.parent().expect("keys have folders"))?;
    std::fs::write(&path, content)?;
    read_file(&path)
}

/// Removes the run records, so that the next run takes nothing up.
fn forget_runs(bucket: &Bucket) {
    let store = bucket.store();
    runtime().block_on(async {
        let prefix = Path::from(format!("{PREFIX}/_gong_export/runs"));
        let listed: Vec<_> = store.list(Some(&prefix)).try_collect().await.expect("it can be listed");
        for object in listed {
            store.delete(&object.location).await.expect("it can be removed");
        }
    });
}

#[test]
fn killed_at_any_moment_a_bucket_holds_whole_files_only() {
    killed_at_any_moment(&slow_job());
}

#[test]
fn killed_among_its_lists_a_run_leaves_a_bucket_that_the_next_one_makes_whole() {
    let mut job = slow_job();
    job["datasets"] = json!(["activity_stats", "stats", "scorecards", "settings", "logs"]);
    killed_at_any_moment(&job);
}

fn killed_at_any_moment(job: &Value) {
    let expected = undisturbed(job);
    let calm = Server::start();
    let begin = Instant::now();
    Sandbox::new().export_job(&to_bucket(job.clone(), calm.bucket())).expect(0);
    let duration = begin.elapsed();

    let server = Server::start();
    let sandbox = Sandbox::new();
    sandbox.job(&to_bucket(job.clone(), server.bucket()));
    let reader = reader(server.bucket());
    let mut killed_at_work = 0;
    // Moments spread over the run by the golden ratio: no two alike, the same every time.
    for step in 1..=8 {
        // Every other run takes up what the killed ones have committed; the rest export everything.
        let mut command = sandbox.command(RUN);
        if step % 2 == 1 {
            forget_runs(server.bucket());
            command.arg("--full-refresh");
        }
        let share = (f64::from(step) * 0.618_033_988_7).fract();
        let mut running = Running::start(command);
        std::thread::park_timeout(duration.mul_f64(share));
        killed_at_work += usize::from(!running.has_ended());
        running.kill();
        assert_part_of(&read(server.bucket()), &expected);
    }
    assert!(killed_at_work >= 2, "only {killed_at_work} of 8 runs were still at work");
    sandbox.run(RUN).expect(0);
    assert!(reader.finish() > 0, "the reader met no file");
    assert_same(&read(server.bucket()), &expected);
    assert_tidy(&server);
    sandbox.run(["verify", "job.yaml", "--now", NOW]).expect(0);
}

#[test]
fn killed_between_the_parts_of_a_file_its_upload_is_ended_by_the_next_run() {
    let server = Server::start();
    let sandbox = Sandbox::new();
    sandbox.job(&to_bucket(large_job(), server.bucket()));
    server.fail(Method::PUT, "partNumber=2", 0, usize::MAX, Fault::Delay(Duration::from_secs(120)));
    let running = Running::start(sandbox.command(RUN));
    wait_until("a second part", || {
        server.requests().iter().any(|(method, target)| *method == Method::PUT && target.contains("partNumber=2"))
    });
    running.kill();
    assert!(!server.open_uploads().is_empty(), "no upload was left open");
    assert!(data_objects(server.bucket()).iter().all(|(key, _)| !key.contains("/transcripts/")));

    server.recover();
    sandbox.run(RUN).expect(0);
    assert_same(&read(server.bucket()), &undisturbed(&large_job()));
    assert_tidy(&server);
}

/// Starts the job, lets the server fail after some writes, and so many seconds later no longer.
fn disturbed_for(time: Duration, fault: Fault) {
    let server = Server::start();
    let sandbox = Sandbox::new();
    sandbox.job(&to_bucket(slow_job(), server.bucket()));
    server.break_down(12, fault);
    let mut running = Running::start(sandbox.command(RUN));
    wait_until("the server's trouble", || server.met() > 0);
    assert!(!data_objects_on(&server).is_empty(), "trouble before anything was written");
    std::thread::park_timeout(time);
    assert!(!running.has_ended(), "it did not wait: {}", running.wait());
    let met = server.recover();
    let finished = running.wait().expect(0);
    assert!(met >= 4, "only {met} requests met the trouble");
    assert_same(&read(server.bucket()), &undisturbed(&slow_job()));
    assert_tidy(&server);
    assert!(finished.json()["failures"].as_array().unwrap().is_empty(), "{finished}");
}

/// Data objects by the folder behind the server, which can be looked at while the server is away.
fn data_objects_on(server: &Server) -> Vec<std::path::PathBuf> {
    data_files(&server.folder().join(PREFIX))
}

/// Both at once, since a test that waits keeps others from running.
#[test]
fn a_minute_without_the_bucket_and_one_without_the_api_are_waited_for() {
    let minute = Duration::from_secs(60);
    std::thread::scope(|scope| {
        scope.spawn(move || without_api_for(minute));
        disturbed_for(minute, Fault::CloseBefore);
    });
}

#[test]
fn a_bucket_that_asks_for_less_for_a_while_is_waited_for() {
    disturbed_for(Duration::from_secs(5), Fault::Status(503));
}

/// Lets the credentials end after some writes, and looks at what is left and said. How much of open
/// uploads stayed until the next run.
fn credentials_end(job: &Value, after_puts: usize, status: u16, code: &'static str) -> usize {
    let server = Server::start();
    let sandbox = Sandbox::new();
    sandbox.job(&to_bucket(job.clone(), server.bucket()));
    server.break_down(after_puts, Fault::Refusal(status, code));
    let mut command = sandbox.command(RUN);
    command.env("RUST_LOG", "trace");
    let running = Running::start(command);
    wait_until("the refusal", || server.met() > 0);
    let finished = running.wait_at_most(Duration::from_secs(30));
    assert!(matches!(finished.code(), Some(1 | 4)), "{finished}");
    assert!(finished.stderr.contains(code), "the code is not named\n{finished}");
    assert!(finished.stderr.contains("s3://exports/gong/nightly"), "the place is not named\n{finished}");
    assert!(!finished.said().contains(&server.bucket().secret), "{finished}");

    server.recover();
    let open = server.open_uploads().len();
    let expected = undisturbed(job);
    let kept = read(server.bucket());
    assert!(kept.files.len() < expected.files.len(), "nothing was left to do");
    assert_part_of(&kept, &expected);
    sandbox.run(RUN).expect(0);
    assert_same(&read(server.bucket()), &expected);
    assert_tidy(&server);
    open
}

#[test]
fn a_key_that_is_withdrawn_ends_the_run_soon() {
    credentials_end(&slow_job(), 12, 403, "InvalidAccessKeyId");
}

#[test]
fn a_token_that_expires_ends_the_run_soon() {
    credentials_end(&slow_job(), 15, 400, "ExpiredToken");
}

#[test]
fn a_token_that_expires_between_the_parts_of_a_file_leaves_nothing_half() {
    // The lease, the run's record, the note of the upload and its first part come before.
    let open = credentials_end(&large_job(), 6, 400, "ExpiredToken");
    assert!(open > 0, "the upload was not under way");
}

/// Hands out a key of its own in each of these, as the clouds do to containers. The server takes it for
/// twice as long, so that a request just signed still comes through.
const KEY_PERIOD: Duration = Duration::from_millis(1_500);

#[test]
fn keys_that_are_replaced_all_the_time_go_unnoticed() {
    let server = Arc::new(Server::start());
    let issued = Arc::new(Mutex::new(Vec::<(Instant, Bucket)>::new()));
    let (keys, bucket_server) = (Arc::clone(&issued), Arc::clone(&server));
    let provider = http::Server::start(move |request| {
        let authorized = request.headers().get("authorization").is_some_and(|token| token == "example-token");
        let answer = if authorized { current_key(&bucket_server, &keys).to_string() } else { String::new() };
        async move { Ok(http::response(if authorized { 200 } else { 403 }, answer)) }
    });
    let sandbox = Sandbox::new();
    let mut job = to_bucket(slow_job(), server.bucket());
    job["source"]["simulator"]["latency_ms"] = json!(300);
    let options = job["destination"]["options"].as_object_mut().unwrap();
    options.remove("access_key_id");
    options.remove("secret_access_key");
    sandbox.job(&job);
    let mut command = sandbox.command(RUN);
    command
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", format!("{}/credentials", provider.url()))
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", sandbox.write("token", "example-token"));
    let finished = Running::start(command).wait().expect(0);
    assert_same(&read(server.bucket()), &undisturbed(&slow_job()));
    assert_tidy(&server);

    let issued = issued.lock().unwrap();
    assert!(issued.len() >= 3, "only {} keys", issued.len());
    for (_, bucket) in issued.iter() {
        assert!(!finished.said().contains(&bucket.secret), "{finished}");
    }
    // They were really refused: the first one is long gone.
    let first = issued[0].1.store();
    let refused = runtime().block_on(first.head(&Path::from(PREFIX))).unwrap_err();
    assert!(matches!(refused, object_store::Error::PermissionDenied { .. }), "{refused}");
}

/// The key of the moment, as the document that containers get. The one before the last is refused
/// from now on.
#[expect(clippy::disallowed_methods, reason = "clients compare the key's end with their own wall clock")]
fn current_key(server: &Server, issued: &Mutex<Vec<(Instant, Bucket)>>) -> Value {
    let mut issued = issued.lock().unwrap();
    if issued.last().is_none_or(|(since, _)| since.elapsed() > KEY_PERIOD) {
        let number = issued.len();
        let (access_key, secret) = (format!("ASIAEXAMPLE{number:09}"), format!("an-example-secret-number-{number}"));
        server.accept(&access_key, &secret);
        if let Some(old) = issued.iter().rev().nth(1) {
            server.revoke(&old.1.access_key);
        }
        issued.push((Instant::now(), Bucket { access_key, secret, ..server.bucket().clone() }));
    }
    let (since, bucket) = &issued[issued.len() - 1];
    let left = (2 * KEY_PERIOD).saturating_sub(since.elapsed());
    json!({
        "AccessKeyId": bucket.access_key,
        "SecretAccessKey": bucket.secret,
        "Token": format!("example-session-of-{}", bucket.access_key),
        "Expiration": (Utc::now() + left).to_rfc3339(),
    })
}

/// Starts the job, lets the API go away in the middle of it, and come back so much later.
fn without_api_for(time: Duration) {
    let simulator = Simulator::start(json!({ "page_size": 20, "latency_ms": 20 }));
    let gateway = Gateway::before(&simulator.url());
    let sandbox = Sandbox::new();
    sandbox.job(&job(&source(&gateway.url())));
    let mut running = Running::start(sandbox.command(RUN));
    wait_until("the middle of the run", || gateway.count("/v2/calls/extensive") >= 4);
    gateway.go_away();
    let before = gateway.seen().len();
    std::thread::park_timeout(time);
    assert!(!running.has_ended(), "it did not wait: {}", running.wait());
    let refused = gateway.seen().len() - before;
    gateway.come_back();
    let finished = running.wait().expect(0);
    assert!((2..100).contains(&refused), "{refused} requests were refused");
    assert!(finished.json()["failures"].as_array().unwrap().is_empty(), "{finished}");
    assert_same(&Export::read(&sandbox.export()), &undisturbed(&job(&simulator.source())));
}

#[test]
fn a_right_to_transcripts_that_is_lost_for_a_night_leaves_no_trace() {
    let simulator = Simulator::start(json!({ "page_size": 20 }));
    let gateway = Gateway::before(&simulator.url());
    let sandbox = Sandbox::new();
    let job = job(&source(&gateway.url()));
    sandbox.export_job(&job).expect(0);
    let expected = Export::read(&sandbox.export());
    gateway.trouble("/v2/calls/transcript", 1, usize::MAX, Trouble::status(401, r#"{"errors": ["Unauthorized"]}"#));
    let record = sandbox.export_job_at(&job, NOW, &["--full-refresh"]).expect(4).json();
    assert!(!record["failures"].as_array().unwrap().is_empty());
    assert_same(&Export::read(&sandbox.export()), &expected);
    gateway.come_back();
    sandbox.export_job(&job).expect(0);
    assert_same(&Export::read(&sandbox.export()), &expected);
}
