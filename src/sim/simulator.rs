//! The simulated service: what happens to a request from its arrival to its answer, short of the
//! network. Gate by gate, in this order: redirect, allow-list, credential, limits, faults, and then
//! the operation itself.

use std::collections::VecDeque;
use std::io::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use serde_json::json;

use super::clock::Clock;
use super::config::Config;
use super::credential::{Credential, TOKEN_PATH};
use super::damage;
use super::fault::{Effect, Fault, Faults};
use super::handler::{self, Reply, Request};
use super::limit::Limiter;
use super::world::World;

/// Requests remembered, a few megabytes of them; the oldest are forgotten first. A whole backfill fits
/// in, and a watch may go on for years.
const LOG_MAX: usize = 20_000;

/// A request as the simulator saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LoggedRequest {
    /// When it arrived, since the start of the server.
    #[serde(serialize_with = "as_seconds")]
    pub at: Duration,
    pub method: String,
    pub path: String,
    /// 0 when it was not answered, or not yet.
    pub status: u16,
}

fn as_seconds<S: serde::Serializer>(at: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(at.as_secs_f64())
}

/// Totals since the start of the server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// All requests to the API, refused ones included.
    pub requests: u64,
    /// Refused with 429 by the limits; scripted 429s do not count.
    pub throttled: u64,
    /// Refused for their credentials or scopes.
    pub unauthorized: u64,
    /// Spoilt by a script or by chance.
    pub faults: u64,
    /// Bytes of all bodies, before compression.
    pub bytes_sent: u64,
}

/// How the body of an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Whole,
    /// Half of it, then the connection is closed.
    Closed,
    /// Half of it, then the connection is reset.
    Reset,
    /// Half of it, then a pause, then the rest.
    Paused(Duration),
}

/// What the network is to do.
#[derive(Debug)]
pub(super) enum Delivery {
    /// Waits, then answers.
    Answer { wait: Duration, reply: Reply, ending: Ending },
    /// Resets the connection.
    Reset,
}

/// What an answer suffers after it was made.
#[derive(Debug, Default)]
struct Spoiling {
    effect: Option<Effect>,
    ignores_cursor: bool,
}

#[derive(Debug, Default)]
struct State {
    limiter: Limiter,
    credential: Credential,
    faults: Faults,
    stats: Stats,
    log: VecDeque<LoggedRequest>,
    serial: u64,
}

#[derive(Debug)]
pub(super) struct Simulator {
    pub(super) world: World,
    pub(super) clock: Clock,
    base_url: String,
    state: Mutex<State>,
}

impl Simulator {
    pub(super) fn new(world: World, clock: Clock, base_url: String) -> Self {
        Self { world, clock, base_url, state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn add_fault(&self, fault: Fault) {
        self.state().faults.add(fault);
    }

    pub(super) fn clear_faults(&self) {
        self.state().faults.clear();
    }

    pub(super) fn log(&self) -> Vec<LoggedRequest> {
        self.state().log.iter().cloned().collect()
    }

    pub(super) fn stats(&self) -> Stats {
        self.state().stats
    }

    /// Takes a request through all gates. Computes for as long as the answer takes, so it belongs
    /// on a thread that may be blocked.
    pub(super) fn answer(&self, mut request: Request, at: Duration) -> Delivery {
        let now = self.clock.now();
        let compresses = self.world.config().gzip && request.accepts_gzip;
        let (serial, passed) = self.pass_gates(&request, at, now);
        let delivery = match passed {
            Err(reply) => Delivery::Answer { wait: Duration::ZERO, reply, ending: Ending::Whole },
            Ok(spoiling) => {
                if spoiling.ignores_cursor {
                    remove_cursor(&mut request);
                }
                self.deliver(serial, now, &request, spoiling.effect)
            }
        };
        let mut delivery = self.with_latency(delivery);
        self.note(serial, &delivery);
        if let Delivery::Answer { reply, .. } = &mut delivery
            && compresses
        {
            compress(reply);
        }
        delivery
    }

    /// The serial number of the request, and what its answer is to suffer; or the answer of the gate
    /// that did not let it pass.
    fn pass_gates(&self, request: &Request, at: Duration, now: DateTime<Utc>) -> (u64, Result<Spoiling, Reply>) {
        let config = self.world.config();
        let mut state = self.state();
        state.serial += 1;
        let serial = state.serial;
        let (method, path) = (request.method.clone(), request.path.clone());
        state.log.push_back(LoggedRequest { at, method, path, status: 0 });
        if state.log.len() > LOG_MAX {
            state.log.pop_front();
        }
        state.stats.requests += 1;
        let refused = self.refuse(&mut state, config, request, serial, at, now);
        if let Some(reply) = refused {
            return (serial, Err(reply));
        }
        let effect = state.faults.next(config, &request.method, &request.path);
        state.stats.faults += u64::from(effect.is_some());
        let ignores_cursor = effect == Some(Effect::RepeatPage);
        (serial, Ok(Spoiling { effect, ignores_cursor }))
    }

    fn refuse(
        &self,
        state: &mut State,
        config: &Config,
        request: &Request,
        serial: u64,
        at: Duration,
        now: DateTime<Utc>,
    ) -> Option<Reply> {
        let error = |status, text: &str| Reply::error(status, &handler::request_id(config.seed, serial), text);
        if let Some(to) = &config.redirect_to {
            return Some(redirect(to));
        }
        if request.path == TOKEN_PATH {
            return Some(state.credential.refresh(config, request, &self.base_url));
        }
        if config.allow_list_refuses {
            return Some(error(403, "Access from this IP address is not allowed"));
        }
        if let Some(reason) = state.credential.refuse(config, request) {
            state.stats.unauthorized += 1;
            return Some(error(401, reason));
        }
        if let Err(refused) = state.limiter.admit(config, at, now) {
            state.stats.throttled += 1;
            let mut reply = error(429, "API rate limit exceeded");
            reply.headers.push(("retry-after", refused.retry_after_s.to_string()));
            return Some(reply);
        }
        None
    }

    fn deliver(&self, serial: u64, now: DateTime<Utc>, request: &Request, effect: Option<Effect>) -> Delivery {
        let whole = |reply| Delivery::Answer { wait: Duration::ZERO, reply, ending: Ending::Whole };
        let answer = || handler::answer(&self.world, now, serial, request);
        let ended = |ending| Delivery::Answer { wait: Duration::ZERO, reply: answer(), ending };
        let request_id = || handler::request_id(self.world.config().seed, serial);
        let Some(effect) = effect else { return whole(answer()) };
        match effect {
            Effect::Status { status, body, content_type, retry_after } => {
                let headers = retry_after.map(|after| ("retry-after", after)).into_iter().collect();
                let content_type = content_type.unwrap_or_else(|| "application/json".to_owned());
                whole(Reply { status, content_type, headers, body: body.into_bytes() })
            }
            Effect::Throttle { retry_after } => {
                let mut reply = Reply::error(429, &request_id(), "API rate limit exceeded");
                reply.headers.extend(retry_after.map(|after| ("retry-after", after)));
                whole(reply)
            }
            Effect::Html => {
                let body = b"<!doctype html><title>Sign in</title><p>Please sign in to continue.</p>".to_vec();
                whole(Reply { status: 200, content_type: "text/html".to_owned(), headers: Vec::new(), body })
            }
            Effect::Errors { errors } => {
                let body = json!({ "requestId": request_id(), "errors": errors });
                whole(Reply::json(200, body.to_string().into_bytes()))
            }
            Effect::Redirect { to } => whole(redirect(&to)),
            Effect::ResetBefore => Delivery::Reset,
            Effect::ResetAfter => ended(Ending::Reset),
            Effect::Truncated => ended(Ending::Closed),
            Effect::CutJson => {
                let mut reply = answer();
                reply.body.truncate(reply.body.len() / 2);
                whole(reply)
            }
            Effect::Stall { ms } => {
                Delivery::Answer { wait: Duration::from_millis(ms), reply: answer(), ending: Ending::Whole }
            }
            Effect::StallMidBody { ms } => ended(Ending::Paused(Duration::from_millis(ms))),
            Effect::RepeatPage => whole(answer()),
            Effect::RefuseCursor { error } => whole(Reply::error(400, &request_id(), &error)),
            Effect::Damage { record, damage } => {
                let mut reply = answer();
                reply.body = damage::apply(reply.body, record, damage);
                whole(reply)
            }
        }
    }

    fn with_latency(&self, delivery: Delivery) -> Delivery {
        let latency = Duration::from_millis(self.world.config().latency_ms);
        match delivery {
            Delivery::Answer { wait, reply, ending } => Delivery::Answer { wait: wait.max(latency), reply, ending },
            Delivery::Reset => Delivery::Reset,
        }
    }

    /// Remembers how a request ended.
    fn note(&self, serial: u64, delivery: &Delivery) {
        let Delivery::Answer { reply, .. } = delivery else { return };
        let mut state = self.state();
        state.stats.bytes_sent += reply.body.len() as u64;
        // The log ends with the newest request, whose serial is known.
        let back = (state.serial - serial) as usize;
        let place = state.log.len().checked_sub(back + 1);
        if let Some(entry) = place.and_then(|place| state.log.get_mut(place)) {
            entry.status = reply.status;
        }
    }
}

/// Compresses a body as quickly as can be: it travels no further than this machine.
fn compress(reply: &mut Reply) {
    let mut encoder = GzEncoder::new(Vec::with_capacity(reply.body.len() / 4), Compression::fast());
    let written = encoder.write_all(&reply.body).and_then(|()| encoder.finish());
    reply.body = written.expect("writing to memory cannot fail");
    reply.headers.push(("content-encoding", "gzip".to_owned()));
}

fn redirect(to: &str) -> Reply {
    let headers = vec![("location", to.to_owned())];
    Reply { status: 307, content_type: "text/plain".to_owned(), headers, body: Vec::new() }
}

fn remove_cursor(request: &mut Request) {
    request.query.retain(|(key, _)| key != "cursor");
    if let Ok(serde_json::Value::Object(mut body)) = serde_json::from_slice(&request.body)
        && body.remove("cursor").is_some()
    {
        request.body = serde_json::Value::Object(body).to_string().into_bytes();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::config::Config;

    #[test]
    fn of_a_long_life_the_last_requests_are_remembered() {
        let config =
            Config { users: 2, latency_ms: 0, requests_per_second: 0, requests_per_day: 0, ..Config::default() };
        let clock = Clock::fixed("2026-03-20T12:00:00Z".parse().unwrap());
        let simulator = Simulator::new(World::new(config).unwrap(), clock, "http://127.0.0.1:1/".to_owned());
        let all = LOG_MAX + 50;
        for number in 0..all {
            // Without credentials: refused at the gate, and noted all the same.
            let request = Request { method: "GET".to_owned(), path: format!("/{number}"), ..Request::default() };
            simulator.answer(request, Duration::ZERO);
        }
        let log = simulator.log();
        assert_eq!((log.len(), simulator.stats().requests), (LOG_MAX, all as u64));
        assert_eq!((log[0].path.as_str(), log[LOG_MAX - 1].status), ("/50", 401));
    }
}
