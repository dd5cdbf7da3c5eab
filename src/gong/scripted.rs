//! A server for tests that answers each connection as a script says, byte for byte.
//!
//! Plain sockets rather than an HTTP library, since most of what it has to say is not HTTP as a
//! library would let it out: cut, reset, stalled, dripping.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use url::Url;

use super::auth::Auth;
use super::retry::Policy;
use super::settings::{Limits, Settings};

/// For 127.0.0.1, signed by nobody but itself, and its key, which is of no other use.
const CERTIFICATE: &str = "\
    MIIBUDCCAQKgAwIBAgIUWnpU+0dvCntIWmB2lj9ZWjBTofUwBQYDK2VwMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDAgFw0yNjExMjAy\
    MTA0NTlaGA8yMTI2MTAyNzIxMDQ1OVowFDESMBAGA1UEAwwJbG9jYWxob3N0MCowBQYDK2VwAyEAck0erqtCjdc49lSBcjz+/ugI\
    VT6jqWj7BsfCXak+IMGjZDBiMB0GA1UdDgQWBBTHm2Ba082Pf2d4GLCc2PEuRyo8FjAfBgNVHSMEGDAWgBTHm2Ba082Pf2d4GLCc\
    2PEuRyo8FjAPBgNVHRMBAf8EBTADAQH/MA8GA1UdEQQIMAaHBH8AAAEwBQYDK2VwA0EAwKohHGgBjwyAWgnV3FBE2SupLZGIt4BJ\
    +04YJ+iJnVq243H2z3SuqtEVgpC8XREw7X0vatf2rIcqBAFjwbjZAw==";
const CERTIFICATE_KEY: &str = "MC4CAQAwBQYDK2VwBCIEII3Fz6zZZh+ynjdZMic1EovT0tmmmb7F28PRYDNvJWSx";

/// What happens to one connection.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// These bytes, then the end.
    Bytes(Vec<u8>),
    /// Closed with the request half read, which resets the connection.
    Reset,
    /// These bytes, then silence.
    Stall(Vec<u8>),
    /// These bytes before anything is asked.
    Blurt(Vec<u8>),
    /// One of these bytes every few milliseconds.
    Drip(Vec<u8>),
}

impl Reply {
    /// A whole answer; `headers` are lines, each with its line break.
    pub(crate) fn with(status: u16, headers: &str, body: impl AsRef<[u8]>) -> Self {
        let body = body.as_ref();
        let length = body.len();
        let head = format!("HTTP/1.1 {status} S\r\nConnection: close\r\nContent-Length: {length}\r\n{headers}\r\n");
        Self::Bytes([head.as_bytes(), body].concat())
    }

    pub(crate) fn ok(body: impl AsRef<[u8]>) -> Self {
        Self::with(200, "Content-Type: application/json\r\n", body)
    }

    /// The envelope of refusals.
    pub(crate) fn refusal(status: u16, headers: &str, text: &str) -> Self {
        let body = serde_json::json!({"requestId": "3k9qv1m0s7", "errors": [text]});
        Self::with(status, headers, body.to_string())
    }
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Seen {
    /// Request line and headers, names in lower case.
    pub(crate) head: String,
    pub(crate) body: String,
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) base_url: Url,
    seen: Receiver<Seen>,
}

impl Server {
    /// Serves one connection after the other, and each further one like the last of the script.
    pub(crate) fn start(script: Vec<Reply>) -> Self {
        let (listener, base_url) = listen();
        let (report, seen) = channel();
        thread::spawn(move || {
            let mut silent = Vec::new();
            let last = script.last().cloned();
            let mut replies = script.into_iter().chain(std::iter::repeat_with(|| last.clone().expect("a script")));
            for stream in listener.incoming() {
                let (Ok(mut stream), Some(reply)) = (stream, replies.next()) else { return };
                match &reply {
                    Reply::Reset => {
                        let _ = stream.read(&mut [0]);
                        continue;
                    }
                    Reply::Blurt(bytes) => {
                        let _ = stream.write_all(bytes);
                        // Until the other end has had enough.
                        let _ = stream.read_to_end(&mut Vec::new());
                        continue;
                    }
                    Reply::Bytes(_) | Reply::Stall(_) | Reply::Drip(_) => {}
                }
                let Some(request) = receive(&mut stream) else { continue };
                // Nobody listens any more once the test is over.
                if report.send(request).is_err() {
                    return;
                }
                match reply {
                    Reply::Bytes(bytes) => {
                        let _ = stream.write_all(&bytes);
                        let _ = stream.shutdown(Shutdown::Write);
                    }
                    Reply::Stall(bytes) => {
                        let _ = stream.write_all(&bytes);
                        silent.push(stream);
                    }
                    Reply::Drip(bytes) => {
                        thread::spawn(move || drip(&mut stream, &bytes));
                    }
                    Reply::Reset | Reply::Blurt(_) => {}
                }
            }
        });
        Self { base_url, seen }
    }

    /// Speaks TLS, with a certificate that no machine trusts, until the first byte of a request.
    pub(crate) fn start_tls() -> Self {
        let decode = |text| STANDARD.decode(text).expect("a constant");
        let key = PrivateKeyDer::try_from(decode(CERTIFICATE_KEY)).expect("a constant");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows them")
            .with_no_client_auth()
            .with_single_cert(vec![decode(CERTIFICATE).into()], key)
            .map(Arc::new)
            .expect("a constant");
        let (listener, base_url) = listen();
        let (report, seen) = channel();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut session = ServerConnection::new(Arc::clone(&config)).expect("a valid configuration");
                if rustls::Stream::new(&mut session, &mut stream).read(&mut [0]).is_ok_and(|read| read > 0) {
                    let head = "something was sent".to_owned();
                    let _ = report.send(Seen { head, body: String::new() });
                }
            }
        });
        Self { base_url, seen }
    }

    /// The requests since the last call, in order.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.try_iter().collect()
    }

    /// Settings that make waits short, with a secret that is easy to look for.
    pub(crate) fn settings(&self) -> Settings {
        let ms = Duration::from_millis;
        let retry = Policy {
            backoff_first: ms(1),
            backoff_max: ms(4),
            throttle_backoff_first: ms(1),
            throttle_backoff_max: ms(4),
            ..Policy::default()
        };
        Settings {
            base_url: self.base_url.clone(),
            auth: Auth::key("MARKER-key", "MARKER-secret"),
            requests_per_second: f64::INFINITY,
            requests_max: None,
            limits: Limits { retry, ..Limits::default() },
        }
    }
}

fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on this machine");
    let port = listener.local_addr().expect("bound").port();
    (listener, Url::parse(&format!("http://127.0.0.1:{port}")).expect("an address"))
}

fn receive(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..end].to_vec()).ok()?;
            let length = head
                .lines()
                .find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse::<usize>().ok())
                .unwrap_or(0);
            if bytes.len() >= end + 4 + length {
                return Some(Seen { head, body: String::from_utf8(bytes[end + 4..].to_vec()).ok()? });
            }
        }
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&buffer[..read]),
        }
    }
}

fn drip(stream: &mut TcpStream, bytes: &[u8]) {
    let (_pause, never) = channel::<()>();
    for byte in bytes {
        if stream.write_all(&[*byte]).is_err() {
            return;
        }
        let _ = never.recv_timeout(Duration::from_millis(5));
    }
}
