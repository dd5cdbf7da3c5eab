//! The simulator over real HTTP/1.1 on a loopback port.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt as _, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::Instant;
use url::Url;

use super::clock::Clock;
use super::config::{Config, Invalid};
use super::control;
use super::fault::Fault;
use super::handler::{Reply, Request};
use super::simulator::{Delivery, Ending, LoggedRequest, Simulator, Stats};
use super::world::World;

/// Bodies of requests larger than this are refused.
const REQUEST_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Why the simulator did not start.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the simulator's settings are invalid")]
    Config(Vec<Invalid>),
    #[error("port {port} cannot be listened on")]
    Bind { port: u16, source: io::Error },
}

/// A running simulator; it ends when this is dropped.
#[derive(Debug)]
pub struct Running {
    base_url: Url,
    simulator: Arc<Simulator>,
    accepting: JoinHandle<()>,
}

/// Starts a simulator on a loopback port, a free one when none is given. `config.now` outranks
/// `clock`. Must be called within a tokio runtime, and serves as long as that lives.
pub async fn start(config: Config, clock: Clock, port: Option<u16>) -> Result<Running, Error> {
    if let Some(now) = config.now {
        clock.set(now);
    }
    let world = World::new(config).map_err(Error::Config)?;
    let bind_error = |source| Error::Bind { port: port.unwrap_or(0), source };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port.unwrap_or(0))).await.map_err(bind_error)?;
    let address = listener.local_addr().map_err(bind_error)?;
    let base_url: Url = format!("http://{address}/").parse().expect("an address and a port make a URL");
    let simulator = Arc::new(Simulator::new(world, clock, base_url.to_string()));
    let accepting = tokio::spawn(accept(listener, Arc::clone(&simulator)));
    Ok(Running { base_url, simulator, accepting })
}

impl Running {
    /// Where the API is; ends with a slash.
    pub fn base_url(&self) -> &Url {
        &self.base_url
    }

    /// The access key that is let in.
    pub fn access_key(&self) -> &str {
        &self.simulator.world.config().access_key
    }

    /// Its secret.
    pub fn access_key_secret(&self) -> &str {
        &self.simulator.world.config().access_key_secret
    }

    /// All requests to the API so far, by arrival.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.simulator.log()
    }

    pub fn stats(&self) -> Stats {
        self.simulator.stats()
    }

    /// Adds a fault to those in force.
    pub fn inject(&self, fault: Fault) {
        self.simulator.add_fault(fault);
    }

    /// Ends all scripted faults.
    pub fn clear_faults(&self) {
        self.simulator.clear_faults();
    }

    /// The clock it goes by; setting it moves the simulated account through time.
    pub fn clock(&self) -> &Clock {
        &self.simulator.clock
    }

    /// What is true in the simulated account.
    pub fn world(&self) -> &World {
        &self.simulator.world
    }

    /// Stops serving, closes all connections.
    pub async fn shutdown(mut self) {
        self.accepting.abort();
        // Cancelled is what it is meant to be.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Accepts connections until it is aborted, which ends the connections with it.
async fn accept(listener: TcpListener, simulator: Arc<Simulator>) {
    let started = Instant::now();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(serve(stream, Arc::clone(&simulator), started));
                }
                // Out of file descriptors, or a client that left already: the next may succeed.
                Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, simulator: Arc<Simulator>, started: Instant) {
    // Answers are written at once; waiting to fill a packet would only add latency.
    let _ = stream.set_nodelay(true);
    let stream = Arc::new(stream);
    let socket = Arc::clone(&stream);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let (simulator, socket) = (Arc::clone(&simulator), Arc::clone(&socket));
        async move { respond(request, simulator, socket, started).await }
    });
    let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(Socket(stream)), service);
    // Its errors are connections that clients left or faults cut.
    let _ = connection.await;
}

/// A connection is cut on purpose.
#[derive(Debug, thiserror::Error)]
#[error("the simulator cut the connection")]
struct Cut;

type Body = UnsyncBoxBody<Bytes, Cut>;

async fn respond(
    request: hyper::Request<Incoming>,
    simulator: Arc<Simulator>,
    socket: Arc<TcpStream>,
    started: Instant,
) -> Result<hyper::Response<Body>, Cut> {
    let at = started.elapsed();
    let (parts, body) = request.into_parts();
    let Ok(body) = Limited::new(body, REQUEST_BYTES_MAX).collect().await else {
        return Ok(response(Reply::error(413, "", "Payload Too Large"), Ending::Whole, &socket));
    };
    let header = |name| parts.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let query = parts.uri.query().unwrap_or_default();
    let request = Request {
        method: parts.method.as_str().to_owned(),
        path: parts.uri.path().to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body: body.to_bytes().to_vec(),
        authorization: header(header::AUTHORIZATION),
        content_type: header(header::CONTENT_TYPE),
    };
    let answering = move || {
        if request.path.starts_with(control::PREFIX) {
            let reply = control::answer(&simulator, &request);
            return Delivery::Answer { wait: Duration::ZERO, reply, ending: Ending::Whole };
        }
        simulator.answer(request, at)
    };
    match tokio::task::spawn_blocking(answering).await {
        Ok(Delivery::Answer { wait, reply, ending }) => {
            let until = started + at + wait;
            tokio::time::sleep_until(until).await;
            Ok(response(reply, ending, &socket))
        }
        Ok(Delivery::Reset) => {
            reset_on_close(&socket);
            Err(Cut)
        }
        // The computation was cancelled with the runtime, or has a bug.
        Err(_) => Err(Cut),
    }
}

/// Makes closing the connection a reset.
fn reset_on_close(socket: &TcpStream) {
    // Should it fail, the client sees a close instead, which is a fault as well.
    let _ = socket.set_zero_linger();
}

fn response(reply: Reply, ending: Ending, socket: &Arc<TcpStream>) -> hyper::Response<Body> {
    let mut builder = hyper::Response::builder()
        .status(reply.status)
        .header(header::CONTENT_TYPE, reply.content_type)
        .header(header::CONTENT_LENGTH, reply.body.len());
    for (name, value) in reply.headers {
        builder = builder.header(name, value);
    }
    let body = body(Bytes::from(reply.body), ending, socket);
    builder.body(body).unwrap_or_else(|_| {
        // A scripted status or header that HTTP does not know.
        let body = Full::new(Bytes::from_static(b"the script asks for a status or header that HTTP does not have"));
        let mut response = hyper::Response::new(body.map_err(|never: Infallible| match never {}).boxed_unsync());
        *response.status_mut() = hyper::StatusCode::INTERNAL_SERVER_ERROR;
        response
    })
}

fn body(bytes: Bytes, ending: Ending, socket: &Arc<TcpStream>) -> Body {
    let half = bytes.len() / 2;
    let first = stream::iter([Ok(Frame::data(bytes.slice(..half)))]);
    match ending {
        Ending::Whole => Full::new(bytes).map_err(|never: Infallible| match never {}).boxed_unsync(),
        Ending::Closed | Ending::Reset => {
            let socket = Arc::clone(socket);
            let cut = stream::once(async move {
                // What was written so far should arrive before the end does.
                tokio::time::sleep(Duration::from_millis(20)).await;
                if ending == Ending::Reset {
                    reset_on_close(&socket);
                }
                Err(Cut)
            });
            StreamBody::new(first.chain(cut)).boxed_unsync()
        }
        Ending::Paused(pause) => {
            let rest = stream::once(async move {
                tokio::time::sleep(pause).await;
                Ok(Frame::data(bytes.slice(half..)))
            });
            StreamBody::new(first.chain(rest)).boxed_unsync()
        }
    }
}

/// A connection that others can hold too, to reset it.
#[derive(Debug)]
struct Socket(Arc<TcpStream>);

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            ready!(self.0.poll_read_ready(cx))?;
            match self.0.try_read(buffer.initialize_unfilled()) {
                Ok(count) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            ready!(self.0.poll_write_ready(cx))?;
            match self.0.try_write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                written => return Poll::Ready(written),
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The last owner closes it.
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::fault::{Damage, Effect};
    use serde_json::{Value, json};

    const NOW: &str = "2026-03-20T12:00:00Z";

    async fn running(config: Config) -> Running {
        start(config, Clock::fixed(NOW.parse().unwrap()), None).await.unwrap()
    }

    fn unlimited() -> Config {
        Config { requests_per_second: 0, ..Config::default() }
    }

    fn client() -> reqwest::Client {
        // Several parts of a process may choose the crypto provider; the first one wins.
        let _ = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
    }

    fn request(running: &Running, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
        let url = running.base_url().join(path).unwrap();
        let builder = match body {
            Some(body) => client().post(url).header("content-type", "application/json").body(body.to_string()),
            None => client().get(url),
        };
        builder.basic_auth(running.access_key(), Some(running.access_key_secret()))
    }

    async fn json(response: reqwest::Response) -> Value {
        serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
    }

    fn window() -> Value {
        json!({ "filter": { "fromDateTime": "2026-03-02T00:00:00Z", "toDateTime": "2026-03-07T00:00:00Z" } })
    }

    const EXTENSIVE: &str = "v2/calls/extensive";

    #[tokio::test]
    async fn serves_what_it_says_is_true() {
        let running = running(unlimited()).await;
        let page = json(request(&running, EXTENSIVE, Some(window())).send().await.unwrap()).await;
        let path = "_simulator/truth/calls?from=2026-03-02T00:00:00Z&to=2026-03-07T00:00:00Z";
        let truth = json(request(&running, path, None).send().await.unwrap()).await;
        assert_eq!(page["records"]["totalRecords"], truth.as_array().unwrap().len());
        assert_eq!(page["calls"][3]["metaData"]["id"], truth[3]["call_id"]);
        for path in ["parties", "transcripts"] {
            let path = format!("_simulator/truth/{path}?from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z");
            assert!(!json(request(&running, &path, None).send().await.unwrap()).await.as_array().unwrap().is_empty());
        }
        let activity = "_simulator/truth/activity?from=2026-03-02&to=2026-03-03";
        assert!(!json(request(&running, activity, None).send().await.unwrap()).await.as_array().unwrap().is_empty());
        // Only the request to the API is logged.
        let requests = running.requests();
        assert_eq!(requests.len(), 1);
        assert_eq!((requests[0].path.as_str(), requests[0].status), ("/v2/calls/extensive", 200));
        running.shutdown().await;
    }

    #[tokio::test]
    async fn strangers_and_the_hasty_are_turned_away() {
        let running = running(Config { requests_per_second: 2, ..Config::default() }).await;
        let stranger = client().get(running.base_url().join("v2/users").unwrap()).send().await.unwrap();
        assert_eq!(stranger.status(), 401);
        let mut statuses = Vec::new();
        for _ in 0..3 {
            statuses.push(request(&running, "v2/users", None).send().await.unwrap());
        }
        assert_eq!(statuses[0].status(), 200);
        assert_eq!(
            (statuses[2].status().as_u16(), &statuses[2].headers()["retry-after"]),
            (429, &"1".parse().unwrap())
        );
        let stats = running.stats();
        assert_eq!((stats.requests, stats.throttled, stats.unauthorized), (4, 1, 1));
    }

    #[tokio::test]
    async fn connections_are_cut_as_scripted() {
        let running = running(unlimited()).await;
        for effect in [Effect::ResetBefore, Effect::ResetAfter, Effect::Truncated] {
            running.inject(Fault::first("/v2/users", effect.clone()));
            let read = match request(&running, "v2/users", None).send().await {
                Ok(response) => response.bytes().await.map(|_| ()),
                Err(error) => Err(error),
            };
            assert!(read.is_err(), "{effect:?}");
            assert_eq!(request(&running, "v2/users", None).send().await.unwrap().status(), 200);
            running.clear_faults();
        }
        running.inject(Fault::first("/v2/users", Effect::StallMidBody { ms: 5 }));
        let users = json(request(&running, "v2/users", None).send().await.unwrap()).await;
        assert_eq!(users["users"].as_array().map(Vec::len), Some(25));
    }

    #[tokio::test]
    async fn answers_are_replaced_as_scripted() {
        let running = running(unlimited()).await;
        let throttle = |after: Option<&str>| Effect::Throttle { retry_after: after.map(str::to_owned) };
        running.inject(Fault::first(EXTENSIVE_PATH, throttle(Some("Wed, 21 Oct 2026 07:28:00 GMT"))));
        running.inject(Fault::first(EXTENSIVE_PATH, throttle(None)).at(2));
        running.inject(Fault::first(EXTENSIVE_PATH, Effect::Html).at(3));
        running
            .inject(Fault::first(EXTENSIVE_PATH, Effect::Redirect { to: "https://other.example/".to_owned() }).at(4));
        let damage = Effect::Damage { record: 1, damage: Damage::MissingId };
        running.inject(Fault::first(EXTENSIVE_PATH, damage).at(5));
        let mut answers = Vec::new();
        for _ in 0..6 {
            answers.push(request(&running, EXTENSIVE, Some(window())).send().await.unwrap());
        }
        let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
        assert_eq!(statuses, [429, 429, 200, 307, 200, 200]);
        assert_eq!(answers[0].headers()["retry-after"], "Wed, 21 Oct 2026 07:28:00 GMT");
        assert!(!answers[1].headers().contains_key("retry-after"));
        assert_eq!(answers[2].headers()["content-type"], "text/html");
        assert_eq!(answers[3].headers()["location"], "https://other.example/");
        let whole = json(answers.pop().unwrap()).await;
        let damaged = json(answers.pop().unwrap()).await;
        assert!(damaged["calls"][1]["metaData"].get("id").is_none());
        assert_eq!(damaged["calls"][2], whole["calls"][2]);
        assert_eq!(running.stats().faults, 5);
    }

    const EXTENSIVE_PATH: &str = "/v2/calls/extensive";

    #[tokio::test]
    async fn a_page_can_come_again_and_a_cursor_be_refused() {
        let running = running(unlimited()).await;
        let first = json(request(&running, EXTENSIVE, Some(window())).send().await.unwrap()).await;
        let mut next = window();
        next["cursor"] = first["records"]["cursor"].clone();
        running.inject(Fault::first(EXTENSIVE_PATH, Effect::RepeatPage));
        let again = json(request(&running, EXTENSIVE, Some(next.clone())).send().await.unwrap()).await;
        assert_eq!(again["calls"], first["calls"]);
        running.inject(Fault::first(EXTENSIVE_PATH, Effect::RefuseCursor { error: "cursor has expired".to_owned() }));
        assert_eq!(request(&running, EXTENSIVE, Some(next)).send().await.unwrap().status(), 400);
    }

    #[tokio::test]
    async fn scripts_and_time_come_over_http_too() {
        let running = running(unlimited()).await;
        let fault = json!({ "path": "/v2/users", "effect": { "kind": "status", "status": 503 } });
        let control = |path: &str, body: Value| request(&running, path, Some(body)).send();
        assert_eq!(control("_simulator/faults", fault).await.unwrap().status(), 200);
        assert_eq!(request(&running, "v2/users", None).send().await.unwrap().status(), 503);
        assert_eq!(control("_simulator/faults", json!({ "effect": 1 })).await.unwrap().status(), 400);
        let time = json!({ "now": "2026-03-25T00:00:00Z" });
        assert_eq!(control("_simulator/clock", time).await.unwrap().status(), 200);
        assert_eq!(running.clock().now().to_rfc3339(), "2026-03-25T00:00:00+00:00");
        let log = json(request(&running, "_simulator/requests", None).send().await.unwrap()).await;
        assert_eq!(log["requests"][0]["status"], 503);
    }

    #[tokio::test]
    async fn settings_out_of_range_are_refused() {
        let config = Config { users: 0, ..Config::default() };
        let error = start(config, Clock::fixed(NOW.parse().unwrap()), None).await.unwrap_err();
        assert!(matches!(error, Error::Config(found) if found.len() == 1));
    }
}
