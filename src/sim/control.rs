//! The control endpoints under `/_simulator/`, for tests and for the curious. They need no
//! credentials, count towards no limit and appear in no log.
//!
//! | request | does |
//! | --- | --- |
//! | `GET /_simulator/requests` | `{"stats": …, "requests": [{at, method, path, status}]}`, by arrival |
//! | `POST /_simulator/faults` | adds a [`Fault`], or each of an array of them |
//! | `DELETE /_simulator/faults` | ends all scripted faults |
//! | `GET /_simulator/clock`, `POST` with `{"now": "2026-03-01T00:00:00Z"}` | tells, sets the time |
//! | `GET /_simulator/truth/calls`, `parties`, `transcripts` | rows of the window `from` to `to` (ISO-8601) |
//! | `GET /_simulator/truth/users`, `library` | all users, all calls in folders |
//! | `GET /_simulator/truth/activity`, `reviews` | rows of the company's days `from` to before `to` |
//!
//! The truth is as visible at `now`, an optional instant in the query, else at the simulator's time.

use chrono::{DateTime, NaiveDate, Utc};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::fault::Fault;
use super::handler::{Reply, Request};
use super::simulator::Simulator;

pub(super) const PREFIX: &str = "/_simulator/";

pub(super) fn answer(simulator: &Simulator, request: &Request) -> Reply {
    let path = request.path.strip_prefix(PREFIX).unwrap_or_default();
    let answered = match (request.method.as_str(), path) {
        ("GET", "requests") => sent(&json!({ "stats": simulator.stats(), "requests": simulator.log() })),
        ("POST", "faults") => read_faults(&request.body).and_then(|faults| {
            for fault in faults {
                simulator.add_fault(fault);
            }
            sent(&json!({}))
        }),
        ("DELETE", "faults") => {
            simulator.clear_faults();
            sent(&json!({}))
        }
        ("GET", "clock") => sent(&json!({ "now": simulator.clock.now() })),
        ("POST", "clock") => read::<NewTime>(&request.body).and_then(|time| {
            simulator.clock.set(time.now);
            sent(&json!({ "now": time.now }))
        }),
        ("GET", _) if path.starts_with("truth/") => truth(simulator, path, request),
        _ => return Reply::error(404, "", "the simulator has no such control endpoint"),
    };
    answered.unwrap_or_else(|error| Reply::error(400, "", &error))
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTime {
    now: DateTime<Utc>,
}

fn sent(value: &impl Serialize) -> Result<Reply, String> {
    serde_json::to_vec(value).map(|body| Reply::json(200, body)).map_err(|e| e.to_string())
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body).map_err(|e| e.to_string())
}

fn read_faults(body: &[u8]) -> Result<Vec<Fault>, String> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => read(body),
        _ => read(body).map(|fault| vec![fault]),
    }
}

fn truth(simulator: &Simulator, path: &str, request: &Request) -> Result<Reply, String> {
    fn parameter<T: std::str::FromStr>(request: &Request, name: &str) -> Result<T, String> {
        let text = request.query(name).ok_or_else(|| format!("parameter `{name}` is missing"))?;
        text.parse().map_err(|_| format!("parameter `{name}` is `{text}`, which cannot be read"))
    }
    let world = &simulator.world;
    let now = match request.query("now") {
        Some(_) => parameter(request, "now")?,
        None => simulator.clock.now(),
    };
    let window = || Ok::<_, String>((parameter::<DateTime<Utc>>(request, "from")?, parameter(request, "to")?));
    let days = || Ok::<_, String>((parameter::<NaiveDate>(request, "from")?, parameter(request, "to")?));
    match path {
        "truth/calls" => window().and_then(|(from, to)| sent(&world.truth_calls(from, to, now))),
        "truth/parties" => window().and_then(|(from, to)| sent(&world.truth_parties(from, to, now))),
        "truth/transcripts" => window().and_then(|(from, to)| sent(&world.truth_sentences(from, to, now))),
        "truth/users" => sent(&world.truth_users(now)),
        "truth/library" => sent(&world.truth_library(now)),
        "truth/activity" => days().and_then(|(from, to)| sent(&world.truth_activity(from, to, now))),
        "truth/reviews" => days().and_then(|(from, to)| sent(&world.truth_reviews(from, to, now))),
        _ => Err("known truths: calls, parties, transcripts, users, library, activity, reviews".to_owned()),
    }
}
