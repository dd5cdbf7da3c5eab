//! An S3 server inside the test process, on a loopback port, that checks signatures and fails on
//! request; and what the tests know of a bucket on any server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use object_store::aws::AmazonS3Builder;
use object_store::{ObjectStore, ObjectStoreExt};
use s3s::auth::{S3Auth, SecretKey};
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;
use tempfile::TempDir;

use super::http::{self, Body, Closed, response};
use super::runtime;

/// A bucket and how to get at it.
#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) endpoint: String,
    pub(crate) access_key: String,
    pub(crate) secret: String,
}

impl Bucket {
    /// The options of a job's destination.
    pub(crate) fn options(&self) -> BTreeMap<&'static str, String> {
        BTreeMap::from([
            ("endpoint", self.endpoint.clone()),
            ("region", "us-east-1".to_owned()),
            ("access_key_id", self.access_key.clone()),
            ("secret_access_key", self.secret.clone()),
            ("allow_http", "true".to_owned()),
        ])
    }

    /// A client of the tests' own.
    pub(crate) fn store(&self) -> impl ObjectStore + use<> {
        // Entered only so that it is prepared.
        let _prepared = runtime();
        let client = AmazonS3Builder::new()
            .with_bucket_name(&self.name)
            .with_endpoint(&self.endpoint)
            .with_region("us-east-1")
            .with_access_key_id(&self.access_key)
            .with_secret_access_key(&self.secret)
            .with_allow_http(true);
        client.build().expect("a complete configuration")
    }

    /// All objects whose key begins with `prefix/`, by the rest of their key.
    pub(crate) fn objects(&self, prefix: &str) -> BTreeMap<String, Bytes> {
        let store = self.store();
        runtime().block_on(async {
            let prefix = object_store::path::Path::from(prefix);
            let listed: Vec<_> = store.list(Some(&prefix)).try_collect().await.expect("the bucket can be listed");
            let mut objects = BTreeMap::new();
            for object in listed {
                let body = store.get(&object.location).await.expect("listed objects are there");
                let key = object.location.as_ref().trim_start_matches(prefix.as_ref()).trim_start_matches('/');
                objects.insert(key.to_owned(), body.bytes().await.expect("objects can be read"));
            }
            objects
        })
    }

    /// Copies all objects below `prefix` into a folder, so that any reader of files can look at them.
    pub(crate) fn download(&self, prefix: &str) -> TempDir {
        let dir = tempfile::tempdir().expect("a temporary folder");
        for (key, bytes) in self.objects(prefix) {
            let path = dir.path().join(key);
            std::fs::create_dir_all(path.parent().expect("keys have folders")).expect("a folder can be created");
            std::fs::write(path, bytes).expect("a file can be written");
        }
        dir
    }
}

/// What goes wrong with a request.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Fault {
    /// Answered so at once, nothing done.
    Status(u16),
    /// The same with a code of S3's own.
    Refusal(u16, &'static str),
    /// The connection is closed, nothing done.
    CloseBefore,
    /// All is done as asked, but the connection is closed without an answer.
    CloseAfter,
    /// All is done as asked, after a while.
    Delay(Duration),
}

/// When it goes wrong.
#[derive(Debug)]
struct Rule {
    method: Method,
    /// The request's path, query included, contains this.
    part: &'static str,
    /// How many matching requests are still let through first.
    after: usize,
    /// How many are then met.
    times: usize,
    fault: Fault,
}

/// Trouble with everything, from some moment until the server recovers.
#[derive(Debug)]
struct Breakdown {
    /// How many writes are still let through first.
    after_puts: usize,
    fault: Fault,
    /// How many requests have met it.
    met: usize,
}

/// The server; it ends with the value.
#[derive(Debug)]
pub(crate) struct Server {
    bucket: Bucket,
    dir: TempDir,
    state: Arc<State>,
    _http: http::Server,
}

#[derive(Debug, Default)]
struct State {
    rules: Mutex<Vec<Rule>>,
    breakdown: Mutex<Option<Breakdown>>,
    /// Secrets by access key.
    keys: Mutex<BTreeMap<String, String>>,
    /// Method, path and query of every request received.
    log: Mutex<Vec<(Method, String)>>,
    /// The file system behind it does not make writes atomic by itself.
    writing: tokio::sync::Mutex<()>,
}

impl Server {
    pub(crate) fn start() -> Self {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let bucket = Bucket {
            name: "exports".to_owned(),
            endpoint: String::new(),
            access_key: "AKIAEXAMPLEEXAMPLE00".to_owned(),
            secret: "an-example-secret-of-the-tests".to_owned(),
        };
        std::fs::create_dir(dir.path().join(&bucket.name)).expect("a bucket is a folder");
        let mut builder = S3ServiceBuilder::new(FileSystem::new(dir.path()).expect("a folder to serve"));
        let state = Arc::new(State::default());
        builder.set_auth(Keys(Arc::clone(&state)));
        let service = builder.build();
        let shared = Arc::clone(&state);
        let http = http::Server::start(move |request| {
            let (service, state) = (service.clone(), Arc::clone(&shared));
            async move { answer(&service, &state, request).await }
        });
        let server = Self { bucket: Bucket { endpoint: http.url(), ..bucket }, dir, state, _http: http };
        server.accept(&server.bucket.access_key, &server.bucket.secret);
        server
    }

    /// The bucket's folder, to be looked at whatever the server answers.
    pub(crate) fn folder(&self) -> PathBuf {
        self.dir.path().join(&self.bucket.name)
    }

    /// Takes requests signed by this key from now on.
    pub(crate) fn accept(&self, access_key: &str, secret: &str) {
        self.state.keys.lock().unwrap().insert(access_key.to_owned(), secret.to_owned());
    }

    /// Refuses them from now on.
    pub(crate) fn revoke(&self, access_key: &str) {
        self.state.keys.lock().unwrap().remove(access_key);
    }

    pub(crate) fn bucket(&self) -> &Bucket {
        &self.bucket
    }

    /// Lets the requests number `after + 1` to `after + times` fail, of those with this method whose
    /// path or query contains `part`.
    pub(crate) fn fail(&self, method: Method, part: &'static str, after: usize, times: usize, fault: Fault) {
        self.state.rules.lock().unwrap().push(Rule { method, part, after, times, fault });
    }

    /// Lets every request fail, whatever its method, once `after_puts` more writes have come.
    pub(crate) fn break_down(&self, after_puts: usize, fault: Fault) {
        *self.state.breakdown.lock().unwrap() = Some(Breakdown { after_puts, fault, met: 0 });
    }

    /// Ends all trouble; how many requests have met the breakdown.
    pub(crate) fn recover(&self) -> usize {
        self.state.rules.lock().unwrap().clear();
        self.state.breakdown.lock().unwrap().take().map_or(0, |breakdown| breakdown.met)
    }

    /// How many requests have met the breakdown so far.
    pub(crate) fn met(&self) -> usize {
        self.state.breakdown.lock().unwrap().as_ref().map_or(0, |breakdown| breakdown.met)
    }

    /// Method, path and query of the requests received so far.
    pub(crate) fn requests(&self) -> Vec<(Method, String)> {
        self.state.log.lock().unwrap().clone()
    }

    /// Parts of uploads that were neither completed nor aborted.
    pub(crate) fn open_uploads(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path()).expect("the folder is there");
        let paths = entries.map(|entry| entry.expect("a readable folder").path());
        paths.filter(|path| path.to_string_lossy().contains(".upload")).collect()
    }
}

async fn answer(service: &S3Service, state: &State, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
    let method = request.method().clone();
    let target = request.uri().path_and_query().map_or_else(String::new, ToString::to_string);
    state.log.lock().unwrap().push((method.clone(), target.clone()));
    let fault = state.fault(&method, &target);
    match fault {
        Some(Fault::Status(status)) => return Ok(refusal(request, status, "SlowDown").await),
        Some(Fault::Refusal(status, code)) => return Ok(refusal(request, status, code).await),
        Some(Fault::CloseBefore) => return Err(Closed),
        Some(Fault::Delay(time)) => tokio::time::sleep(time).await,
        Some(Fault::CloseAfter) | None => {}
    }
    let writing = match method {
        Method::GET | Method::HEAD => None,
        _ => Some(state.writing.lock().await),
    };
    let response = service.call(request.map(s3s::Body::from)).await.map_err(|_| Closed)?;
    drop(writing);
    if matches!(fault, Some(Fault::CloseAfter)) {
        return Err(Closed);
    }
    Ok(response.map(|body| BodyExt::map_err(body, Into::into).boxed_unsync()))
}

async fn refusal(request: Request<Incoming>, status: u16, code: &str) -> Response<Body> {
    // Read to its end first: a client still sending would see a broken connection instead.
    let _ = request.into_body().collect().await;
    let text = format!("<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>scripted</Message></Error>");
    response(status, text)
}

/// The keys that are good at the moment.
struct Keys(Arc<State>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> s3s::S3Result<SecretKey> {
        match self.0.keys.lock().unwrap().get(access_key) {
            Some(secret) => Ok(SecretKey::from(secret.as_str())),
            None => Err(s3s::s3_error!(InvalidAccessKeyId)),
        }
    }
}

impl State {
    fn fault(&self, method: &Method, target: &str) -> Option<Fault> {
        if let Some(breakdown) = self.breakdown.lock().unwrap().as_mut() {
            if breakdown.after_puts == 0 {
                breakdown.met += 1;
                return Some(breakdown.fault);
            }
            breakdown.after_puts -= usize::from(*method == Method::PUT);
        }
        let mut rules = self.rules.lock().unwrap();
        for rule in rules.iter_mut() {
            if rule.method != *method || !target.contains(rule.part) || rule.times == 0 {
                continue;
            }
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(rule.fault);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::{moto, python};
    use object_store::path::Path;
    use object_store::{MultipartUpload, PutPayload};

    async fn put(bucket: &Bucket, key: &str, text: &'static str) -> Result<(), object_store::Error> {
        bucket.store().put(&Path::from(key), PutPayload::from_static(text.as_bytes())).await.map(drop)
    }

    fn keeps_objects_and_refuses_strangers(bucket: &Bucket) {
        runtime().block_on(put(bucket, "a/calls/call_date=2026-03-01/calls.parquet", "whole")).unwrap();
        let expected = BTreeMap::from([("calls/call_date=2026-03-01/calls.parquet".to_owned(), Bytes::from("whole"))]);
        assert_eq!(bucket.objects("a"), expected);

        let stranger = Bucket { secret: "not-the-secret".to_owned(), ..bucket.clone() };
        let error = runtime().block_on(put(&stranger, "a/x", "never")).unwrap_err().to_string();
        assert!(error.contains("SignatureDoesNotMatch"), "{error}");
        assert_eq!(bucket.objects("a"), expected);
    }

    #[test]
    fn the_server_in_process_checks_signatures() {
        keeps_objects_and_refuses_strangers(Server::start().bucket());
    }

    #[test]
    fn moto_checks_signatures() {
        keeps_objects_and_refuses_strangers(&moto::bucket());
    }

    #[test]
    fn uploads_left_open_are_seen_on_both() {
        let server = Server::start();
        let moto_bucket = moto::bucket();
        for bucket in [server.bucket(), &moto_bucket] {
            let mut upload = runtime().block_on(bucket.store().put_multipart(&Path::from("a/big"))).unwrap();
            runtime().block_on(upload.put_part(PutPayload::from(vec![0u8; 5 << 20]))).unwrap();
        }
        assert!(!server.open_uploads().is_empty());
        assert_eq!(moto::open_uploads(&moto_bucket), ["a/big"]);
    }

    #[test]
    fn faults_come_as_scripted() {
        let server = Server::start();
        let put = |key: &str| runtime().block_on(put(server.bucket(), key, "text"));
        server.fail(Method::PUT, "/exports/a/refused", 0, 1, Fault::Status(503));
        server.fail(Method::PUT, "/exports/a/lost", 0, 1, Fault::CloseAfter);
        server.fail(Method::PUT, "/exports/a/second", 1, 1, Fault::CloseBefore);
        for key in ["a/refused", "a/lost", "a/second", "a/second"] {
            put(key).unwrap();
        }
        let count = |key: &str| server.requests().iter().filter(|(_, path)| path.ends_with(key)).count();
        assert_eq!((count("refused"), count("lost"), count("second")), (2, 2, 3));
        assert_eq!(server.bucket().objects("a").len(), 3);
    }

    #[test]
    fn duckdb_reads_s3_with_its_own_client() {
        let server = Server::start();
        let Bucket { name, endpoint, access_key, secret } = server.bucket();
        let endpoint = endpoint.trim_start_matches("http://");
        let path = format!("s3://{name}/t/tiny.parquet");
        let sql = format!("COPY (SELECT 42 AS answer) TO '{path}' (FORMAT parquet); SELECT answer FROM '{path}'");
        let rows = python::duckdb_s3(&sql, endpoint, access_key, secret);
        assert_eq!(rows[0]["answer"], 42);
    }
}
