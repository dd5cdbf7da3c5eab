//! The simulator over real HTTP/1.1 on a loopback port.

use std::convert::Infallible;
use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
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
use super::socket::Socket;
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
        accepts_gzip: header(header::ACCEPT_ENCODING).is_some_and(|accepted| accepted.contains("gzip")),
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
