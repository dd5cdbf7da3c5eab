//! Something between the client and the simulated Gong that makes trouble on request, as gateways
//! and networks do, and notes when each request came.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE};
use hyper::{Request, Response};
use serde_json::Value;

use super::http::{self, Body, Closed, response};

/// What is done instead of passing an answer on.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// This is answered, and nobody asked.
    Answer { status: u16, headers: Vec<(&'static str, String)>, body: String },
    /// The connection is closed without an answer.
    Reset,
    /// Half of the body comes, then the connection is closed.
    Truncate,
    /// Nothing comes for so long, then the connection is closed.
    Stall(Duration),
    /// The answer to the previous request of this path is sent once more.
    Repeat,
    /// The answer is changed on its way.
    Alter(fn(&mut Value)),
    /// The answer's text is changed on its way.
    Rewrite(fn(String) -> Vec<u8>),
}

impl Trouble {
    pub(crate) fn status(status: u16, body: &str) -> Self {
        Self::Answer { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub(crate) fn throttled(retry_after: Option<&str>) -> Self {
        let headers = retry_after.map(|value| ("retry-after", value.to_owned())).into_iter().collect();
        let body = r#"{"requestId": "3k9qv1m0s7x2d4h8tz", "errors": ["Too many requests"]}"#.to_owned();
        Self::Answer { status: 429, headers, body }
    }
}

#[derive(Debug)]
struct Rule {
    path: &'static str,
    after: usize,
    times: usize,
    trouble: Trouble,
}

/// A request as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) at: Instant,
    pub(crate) path: String,
    /// Null without a body.
    pub(crate) body: Value,
}

#[derive(Debug)]
pub(crate) struct Gateway {
    server: http::Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    upstream: String,
    client: reqwest::Client,
    rules: Mutex<Vec<Rule>>,
    /// Whether every connection is closed without an answer.
    away: AtomicBool,
    seen: Mutex<Vec<Seen>>,
    /// The last answer passed on, by path.
    last: Mutex<std::collections::HashMap<String, Bytes>>,
}

impl Gateway {
    /// Passes everything on to `upstream`.
    pub(crate) fn before(upstream: &str) -> Self {
        // Prepares what clients need.
        let _prepared = super::runtime();
        let client = reqwest::Client::builder().no_proxy().no_gzip().build().expect("a client");
        let state = Arc::new(State {
            upstream: upstream.to_owned(),
            client,
            rules: Mutex::default(),
            away: AtomicBool::new(false),
            seen: Mutex::default(),
            last: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        let server = http::Server::start(move |request| {
            let state = Arc::clone(&shared);
            async move { state.answer(request).await }
        });
        Self { server, state }
    }

    pub(crate) fn url(&self) -> String {
        self.server.url()
    }

    /// Lets the requests number `after + 1` to `after + times` of those to `path` meet `trouble`.
    pub(crate) fn trouble(&self, path: &'static str, after: usize, times: usize, trouble: Trouble) {
        self.state.rules.lock().unwrap().push(Rule { path, after, times, trouble });
    }

    /// Answers nobody any more, until [`Gateway::come_back`].
    pub(crate) fn go_away(&self) {
        self.state.away.store(true, Ordering::Relaxed);
    }

    /// Ends all trouble.
    pub(crate) fn come_back(&self) {
        self.state.rules.lock().unwrap().clear();
        self.state.away.store(false, Ordering::Relaxed);
    }

    /// Every request so far, in order of arrival.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }

    /// How many of them went to `path`.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.seen().iter().filter(|seen| seen.path == path).count()
    }
}

impl State {
    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Body>, Closed> {
        let at = Instant::now();
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let sent = body.collect().await.map_err(|_| Closed)?.to_bytes();
        self.seen.lock().unwrap().push(Seen {
            at,
            path: path.clone(),
            body: serde_json::from_slice(&sent).unwrap_or_default(),
        });
        if self.away.load(Ordering::Relaxed) {
            return Err(Closed);
        }
        let trouble = self.rule(&path);
        match &trouble {
            Some(Trouble::Answer { status, headers, body }) => {
                let mut answer = response(*status, body.clone());
                for (name, value) in headers {
                    answer.headers_mut().insert(*name, value.parse().expect("a header"));
                }
                return Ok(answer);
            }
            Some(Trouble::Reset) => return Err(Closed),
            Some(Trouble::Stall(time)) => {
                tokio::time::sleep(*time).await;
                return Err(Closed);
            }
            _ => {}
        }
        let last = self.last.lock().unwrap().get(&path).cloned();
        if let (Some(Trouble::Repeat), Some(last)) = (&trouble, last) {
            return Ok(json(response(200, last)));
        }

        let url = format!("{}{}", self.upstream, parts.uri.path_and_query().map_or("/", |path| path.as_str()));
        let mut onward = self.client.request(parts.method, url).body(sent);
        for (name, value) in &parts.headers {
            if name != "host" && name != "accept-encoding" && name != CONTENT_LENGTH {
                onward = onward.header(name, value);
            }
        }
        let answer = onward.send().await.map_err(|_| Closed)?;
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let received = answer.bytes().await.map_err(|_| Closed)?;
        if status == 200 {
            self.last.lock().unwrap().insert(path, received.clone());
        }
        let mut answer = match trouble {
            Some(Trouble::Truncate) => truncated(status, received),
            Some(Trouble::Alter(change)) => {
                let mut document = serde_json::from_slice(&received).expect("answers are JSON");
                change(&mut document);
                response(status, document.to_string())
            }
            Some(Trouble::Rewrite(change)) => {
                response(status, change(String::from_utf8(received.into()).expect("answers are UTF-8")))
            }
            _ => response(status, received),
        };
        for (name, value) in &headers {
            if name != CONTENT_LENGTH && name != "transfer-encoding" && name != "connection" {
                answer.headers_mut().insert(name, value.clone());
            }
        }
        Ok(answer)
    }

    fn rule(&self, path: &str) -> Option<Trouble> {
        let mut rules = self.rules.lock().unwrap();
        for rule in rules.iter_mut().filter(|rule| rule.path == path && rule.times > 0) {
            if rule.after > 0 {
                rule.after -= 1;
                continue;
            }
            rule.times -= 1;
            return Some(rule.trouble.clone());
        }
        None
    }
}

fn json(mut answer: Response<Body>) -> Response<Body> {
    answer.headers_mut().insert(CONTENT_TYPE, "application/json".parse().expect("a header"));
    answer
}

fn truncated(status: u16, whole: Bytes) -> Response<Body> {
    let half = whole.slice(..whole.len() / 2);
    let frames = stream::iter([Ok(Frame::data(half)), Err(Closed.into())]);
    let mut answer = response(status, "").map(|_| StreamBody::new(frames).boxed_unsync());
    answer.headers_mut().insert(CONTENT_LENGTH, whole.len().into());
    answer
}
