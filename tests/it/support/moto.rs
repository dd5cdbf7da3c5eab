//! moto as a process of its own: an S3 server by somebody else, with signatures checked. One for all
//! tests; each takes a bucket of its own.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use serde_json::{Value, json};

use super::python;
use super::s3::Bucket;

const SCRIPT: &str = include_str!("moto.py");

/// The server and the line to it. It ends by itself when this process does, since then its standard
/// input ends: what stands in a `static` is never dropped.
#[derive(Debug)]
struct Moto {
    _child: Child,
    port: u16,
    access_key: String,
    secret: String,
    line: Mutex<(ChildStdin, BufReader<ChildStdout>)>,
}

fn moto() -> &'static Moto {
    static MOTO: OnceLock<Moto> = OnceLock::new();
    MOTO.get_or_init(|| {
        let mut child = python::command()
            .args(["-c", SCRIPT])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let stdin = child.stdin.take().expect("stdin is piped");
        let mut stdout = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let ready = read_line(&mut stdout);
        let text = |name: &str| ready[name].as_str().expect("moto.py prints its keys").to_owned();
        Moto {
            _child: child,
            port: ready["port"].as_u64().and_then(|port| port.try_into().ok()).expect("moto.py prints its port"),
            access_key: text("access_key"),
            secret: text("secret"),
            line: Mutex::new((stdin, stdout)),
        }
    })
}

impl Moto {
    fn ask(&self, request: &Value) -> Value {
        let mut line = self.line.lock().unwrap();
        writeln!(line.0, "{request}").expect("moto listens");
        read_line(&mut line.1)
    }
}

fn read_line(from: &mut BufReader<ChildStdout>) -> Value {
    let mut text = String::new();
    from.read_line(&mut text).expect("moto answers");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("moto ended or failed ({error}): {text:?}"))
}

/// A bucket that nobody else uses.
pub(crate) fn bucket() -> Bucket {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let moto = moto();
    let name = format!("exports-{}", NEXT.fetch_add(1, Ordering::Relaxed));
    moto.ask(&json!({ "create_bucket": name }));
    Bucket {
        name,
        endpoint: format!("http://127.0.0.1:{}", moto.port),
        access_key: moto.access_key.clone(),
        secret: moto.secret.clone(),
    }
}

/// Keys of the multipart uploads that were begun in a bucket and neither completed nor aborted.
pub(crate) fn open_uploads(bucket: &Bucket) -> Vec<String> {
    serde_json::from_value(moto().ask(&json!({ "uploads": bucket.name }))).expect("moto.py prints a list of keys")
}
