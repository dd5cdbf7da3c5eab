//! Requests in, answers out: the operations of the API over a [`World`]. Pure: what is answered
//! depends on the request, the world, the instant and a serial number, and on nothing else.
//!
//! Every answer is written by hand, from the vendor's documentation and recorded answers, and never
//! through the types that the client decodes with.

mod calls;
mod content;
mod cursor;
mod extensive;
mod filter;
mod interaction;
mod logs;
mod people;
mod reviews;
mod selection;
mod settings;
mod stats;
#[cfg(test)]
mod tests;
mod transcripts;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::rng::{Rng, Stream};
use super::world::World;
use cursor::Paging;

/// A request, as far as anything here looks at it.
#[derive(Debug, Clone, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    /// Decoded names and values.
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
    pub(super) authorization: Option<String>,
    pub(super) content_type: Option<String>,
    pub(super) accepts_gzip: bool,
}

impl Request {
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) content_type: String,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

impl Reply {
    pub(super) fn json(status: u16, body: Vec<u8>) -> Self {
        Self { status, content_type: "application/json".to_owned(), headers: Vec::new(), body }
    }

    /// The envelope of every error.
    pub(super) fn error(status: u16, request_id: &str, error: &str) -> Self {
        let body = json!({ "requestId": request_id, "errors": [error] });
        Self::json(status, body.to_string().into_bytes())
    }
}

/// Why a request is not answered with data.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Refusal {
    status: u16,
    error: String,
}

impl Refusal {
    fn new(status: u16, error: impl Into<String>) -> Self {
        Self { status, error: error.into() }
    }

    fn invalid(error: impl Into<String>) -> Self {
        Self::new(400, error)
    }

    /// What a body gets that is no JSON or has values of the wrong type.
    fn unreadable() -> Self {
        Self::invalid("Json parse error, verify Json format matches the API description.")
    }

    /// The empty result of every list of calls, without a full stop.
    fn no_calls() -> Self {
        Self::new(404, "No calls found corresponding to the provided filters")
    }

    fn missing_scope(scope: &str) -> Self {
        Self::new(401, format!("You don't have permission to use '{scope}' in your app."))
    }
}

/// A request on its way to an operation.
#[derive(Debug)]
struct Asked<'a> {
    world: &'a World,
    now: DateTime<Utc>,
    serial: u64,
    request_id: String,
    request: &'a Request,
    /// Null for a GET.
    body: Value,
    /// The part of the path that the operation leaves open.
    path_id: &'a str,
}

impl Asked<'_> {
    /// The filter of the body, which most operations insist on.
    fn filter(&self) -> Result<&Value, Refusal> {
        match &self.body["filter"] {
            Value::Null => Err(Refusal::invalid("filter: must not be null")),
            filter @ Value::Object(_) => Ok(filter),
            _ => Err(Refusal::unreadable()),
        }
    }

    fn has_scope(&self, scope: &str) -> bool {
        self.world.config.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(|s| s == scope))
    }

    fn paging(&self) -> Result<Paging, Refusal> {
        Paging::of(self)
    }

    /// An instant in the company's zone.
    fn local(&self, instant_us: i64, fraction_digits: u8) -> String {
        let format = match fraction_digits {
            0 => chrono::SecondsFormat::Secs,
            3 => chrono::SecondsFormat::Millis,
            _ => chrono::SecondsFormat::Micros,
        };
        let instant = DateTime::from_timestamp_micros(instant_us).unwrap_or_default();
        instant.with_timezone(&self.world.zone).to_rfc3339_opts(format, true)
    }

    fn small(&self, mut body: Value) -> Reply {
        body["requestId"] = Value::from(self.request_id.as_str());
        Reply::json(200, body.to_string().into_bytes())
    }
}

struct Operation {
    method: &'static str,
    /// A `*` stands for an id.
    path: &'static str,
    scope: &'static str,
    answer: fn(&Asked<'_>) -> Result<Reply, Refusal>,
}

const fn operation(
    method: &'static str,
    path: &'static str,
    scope: &'static str,
    answer: fn(&Asked<'_>) -> Result<Reply, Refusal>,
) -> Operation {
    Operation { method, path, scope, answer }
}

/// What the simulator answers.
static OPERATIONS: [Operation; 20] = [
    operation("GET", "/v2/calls", "api:calls:read:basic", calls::list),
    operation("POST", "/v2/calls/extensive", "api:calls:read:extensive", extensive::list),
    operation("POST", "/v2/calls/transcript", "api:calls:read:transcript", transcripts::list),
    operation("GET", "/v2/users", "api:users:read", people::list),
    operation("POST", "/v2/users/extensive", "api:users:read", people::filtered),
    operation("POST", "/v2/stats/activity/aggregate", "api:stats:user-actions", stats::aggregate),
    operation("POST", "/v2/stats/activity/aggregate-by-period", "api:stats:user-actions", stats::by_period),
    operation("POST", "/v2/stats/activity/day-by-day", "api:stats:user-actions:detailed", stats::day_by_day),
    operation("POST", "/v2/stats/activity/scorecards", "api:stats:scorecards", reviews::list),
    operation("POST", "/v2/stats/interaction", "api:stats:interaction", interaction::list),
    operation("POST", "/v2/calls/users-access", "api:call-user-access:read", settings::users_access),
    operation("GET", "/v2/settings/scorecards", "api:settings:scorecards:read", settings::scorecards),
    operation("GET", "/v2/settings/trackers", "api:settings:trackers:read", settings::trackers),
    operation("GET", "/v2/call-outcomes", "api:call-outcomes:read", settings::call_outcomes),
    operation("GET", "/v2/library/folders", "api:library:read", settings::folders),
    operation("GET", "/v2/library/folder-content", "api:library:read", settings::folder_content),
    operation("GET", "/v2/logs", "api:logs:read", logs::list),
    operation("GET", "/v2/workspaces", "api:workspaces:read", people::workspaces),
    // Paths with an id come last, so that they do not swallow their neighbours.
    operation("GET", "/v2/calls/*", "api:calls:read:basic", calls::one),
    operation("GET", "/v2/users/*", "api:users:read", people::one),
];

/// Whether the path is the operation's, and the id in it.
fn match_path<'p>(pattern: &str, path: &'p str) -> Option<&'p str> {
    match pattern.strip_suffix('*') {
        None => (pattern == path).then_some(""),
        Some(stem) => path.strip_prefix(stem).filter(|id| !id.is_empty() && !id.contains('/')),
    }
}

/// Opaque text as Gong sends it: 19 small letters and digits.
pub(super) fn request_id(seed: u64, serial: u64) -> String {
    let mut rng = Rng::new(seed, Stream::RequestId, &[serial]);
    (0..19).map(|_| char::from(b"0123456789abcdefghijklmnopqrstuvwxyz"[rng.index(36)])).collect()
}

/// Answers a request that has been let in. `serial` makes request ids and signed URLs differ.
pub(super) fn answer(world: &World, now: DateTime<Utc>, serial: u64, request: &Request) -> Reply {
    let request_id = request_id(world.config.seed, serial);
    let reply = find(world, now, serial, &request_id, request);
    reply.unwrap_or_else(|refusal| Reply::error(refusal.status, &request_id, &refusal.error))
}

fn find(world: &World, now: DateTime<Utc>, serial: u64, request_id: &str, request: &Request) -> Result<Reply, Refusal> {
    let matching = || OPERATIONS.iter().filter_map(|o| match_path(o.path, &request.path).map(|id| (o, id)));
    let Some((operation, path_id)) = matching().find(|(o, _)| o.method == request.method) else {
        let known = matching().next().is_some();
        return Err(if known { Refusal::new(405, "Method Not Allowed") } else { Refusal::new(404, "Not Found") });
    };
    let mut asked =
        Asked { world, now, serial, request_id: request_id.to_owned(), request, body: Value::Null, path_id };
    if !asked.has_scope(operation.scope) {
        return Err(Refusal::missing_scope(operation.scope));
    }
    if operation.method == "POST" {
        if !request.content_type.as_deref().is_some_and(|t| t.starts_with("application/json")) {
            return Err(Refusal::new(415, "Unsupported Media Type"));
        }
        asked.body = serde_json::from_slice(&request.body).map_err(|_| Refusal::unreadable())?;
        if !asked.body.is_object() {
            return Err(Refusal::unreadable());
        }
    }
    (operation.answer)(&asked)
}
