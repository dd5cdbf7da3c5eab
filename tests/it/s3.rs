//! The same job to a folder, to an S3 server in the test process and to moto: equal content, also
//! when the server fails on the way.

use std::time::Duration;

use hyper::Method;
use serde_json::{Value, json};

use crate::support::command::{NOW, Sandbox, job, simulated};
use crate::support::export::{Export, assert_rows, assert_same};
use crate::support::moto;
use crate::support::python;
use crate::support::s3::{Bucket, Fault, Server};

const PREFIX: &str = "gong/nightly";

fn to_bucket(bucket: &Bucket) -> Value {
    let mut job = job(&simulated(json!({})));
    job["destination"] = json!({ "url": format!("s3://{}/{PREFIX}", bucket.name), "options": bucket.options() });
    job
}

fn read(bucket: &Bucket) -> Export {
    let copy = bucket.download(PREFIX);
    Export::read(copy.path())
}

/// The same to a folder.
fn on_disk() -> Export {
    let sandbox = Sandbox::new();
    sandbox.export_job(&job(&simulated(json!({})))).expect(0);
    Export::read(&sandbox.export())
}

fn verify(sandbox: &Sandbox) -> Value {
    sandbox.run(["verify", "job.yaml", "--output", "json", "--now", NOW]).expect(0).json()
}

/// All that is below the prefix is data or ours by name, and nothing temporary stayed.
fn assert_tidy(bucket: &Bucket) {
    for key in bucket.objects(PREFIX).keys() {
        let is_ours = key.starts_with("_gong_export/") && !key.starts_with("_gong_export/tmp/");
        assert!(is_ours || key.ends_with(".parquet"), "{key} was left behind");
    }
}

#[test]
fn folder_server_in_process_and_moto_hold_the_same() {
    let expected = on_disk();
    let server = Server::start();
    let moto_bucket = moto::bucket();
    for bucket in [server.bucket(), &moto_bucket] {
        let sandbox = Sandbox::new();
        sandbox.export_job(&to_bucket(bucket)).expect(0);
        assert_same(&read(bucket), &expected);
        verify(&sandbox);
        assert_tidy(bucket);

        let again = sandbox.export_job(&to_bucket(bucket)).expect(0).json();
        let changed = |total: &Value| total["partitions_changed"].as_u64().unwrap();
        assert_eq!(again["datasets"].as_array().unwrap().iter().map(changed).sum::<u64>(), 0, "{again:#}");
        assert_same(&read(bucket), &expected);
    }
    assert_eq!(moto::open_uploads(&moto_bucket), Vec::<String>::new());
}

#[test]
fn duckdb_reads_the_export_from_the_bucket() {
    let server = Server::start();
    let bucket = server.bucket();
    Sandbox::new().export_job(&to_bucket(bucket)).expect(0);
    let sql = format!(
        "SELECT * FROM read_parquet('s3://{}/{PREFIX}/calls/*/*.parquet', hive_partitioning = true)
         ORDER BY call_started_at, call_id",
        bucket.name
    );
    let endpoint = bucket.endpoint.trim_start_matches("http://");
    let rows = python::duckdb_s3(&sql, endpoint, &bucket.access_key, &bucket.secret);
    assert_rows("calls", &rows, &read(bucket).rows("calls"));
}

#[test]
fn a_wrong_secret_ends_the_run_before_gong_is_asked_much() {
    let server = Server::start();
    let stranger = Bucket { secret: "not-the-secret".to_owned(), ..server.bucket().clone() };
    let sandbox = Sandbox::new();
    let finished = sandbox.export_job(&to_bucket(&stranger));
    assert!(matches!(finished.code(), Some(1 | 3)), "{finished}");
    assert!(finished.stderr.contains("exports"), "the bucket is not named\n{finished}");
    assert!(!finished.to_string().contains("not-the-secret"), "{finished}");
    assert!(server.bucket().objects("").is_empty());
}

#[test]
fn refusals_and_lost_answers_of_the_store_are_survived() {
    let server = Server::start();
    server.fail(Method::PUT, "/calls/", 1, 3, Fault::Status(503));
    server.fail(Method::PUT, "/parties/", 1, 2, Fault::CloseAfter);
    server.fail(Method::PUT, "/transcripts/", 2, 2, Fault::CloseBefore);
    server.fail(Method::PUT, "/users/", 0, 1, Fault::Status(500));
    server.fail(Method::PUT, "/activity_stats/", 0, 1, Fault::Delay(Duration::from_millis(300)));
    server.fail(Method::GET, "list-type=2", 0, 2, Fault::Status(503));
    let sandbox = Sandbox::new();
    sandbox.export_job(&to_bucket(server.bucket())).expect(0);
    assert_same(&read(server.bucket()), &on_disk());
    verify(&sandbox);
    assert_tidy(server.bucket());
}

/// One partition of several megabytes: what is large goes up in parts.
fn large_job(bucket: &Bucket) -> Value {
    let switches = json!({ "calls_per_day": 900, "sentences_per_call": 450, "users": 40 });
    let mut job = job(&simulated(switches));
    job["range"] = json!({ "from": "2026-03-02", "to": "2026-03-03" });
    job["datasets"] = json!(["calls", "transcripts"]);
    job["destination"] = json!({
        "url": format!("s3://{}/{PREFIX}", bucket.name),
        "options": bucket.options(),
        "compression": "uncompressed",
    });
    job
}

#[test]
fn a_large_file_goes_up_in_parts_and_leaves_no_upload_behind() {
    let bucket = moto::bucket();
    let sandbox = Sandbox::new();
    sandbox.export_job(&large_job(&bucket)).expect(0);
    let sizes: Vec<usize> = bucket.objects(PREFIX).values().map(bytes::Bytes::len).collect();
    assert!(sizes.iter().any(|size| *size > 8 << 20), "no file is large: {sizes:?}");
    assert_eq!(moto::open_uploads(&bucket), Vec::<String>::new());
    verify(&sandbox);
}

#[test]
fn lost_parts_and_a_lost_completion_are_survived() {
    let server = Server::start();
    server.fail(Method::PUT, "partNumber=1", 0, 2, Fault::Status(503));
    server.fail(Method::PUT, "partNumber=2", 0, 1, Fault::CloseAfter);
    server.fail(Method::POST, "uploadId=", 0, 1, Fault::Status(503));
    let sandbox = Sandbox::new();
    sandbox.export_job(&large_job(server.bucket())).expect(0);
    let is_part = |(method, target): &(Method, String)| *method == Method::PUT && target.contains("partNumber=");
    assert!(server.requests().iter().filter(|request| is_part(request)).count() >= 2, "{:?}", server.requests());
    verify(&sandbox);
    assert_tidy(server.bucket());
    assert_eq!(server.open_uploads(), Vec::<std::path::PathBuf>::new());
}

#[test]
fn a_store_that_fails_for_good_ends_the_run_and_leaves_nothing_half_written() {
    let server = Server::start();
    server.fail(Method::PUT, "partNumber=2", 0, usize::MAX, Fault::Status(403));
    let sandbox = Sandbox::new();
    let finished = sandbox.export_job(&large_job(server.bucket())).expect(1);
    assert!(finished.to_string().contains("transcripts/call_date=2026-03-02"), "the file is not named\n{finished}");
    assert!(server.bucket().objects(PREFIX).keys().all(|key| !key.starts_with("transcripts/")));
    assert_eq!(server.open_uploads(), Vec::<std::path::PathBuf>::new());
}
