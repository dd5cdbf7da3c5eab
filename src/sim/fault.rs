//! Things that go wrong on request: by script ("the third page of the transcripts is cut off") or
//! by chance, seeded.
//!
//! A script is a list of [`Fault`]s. Each counts the requests that match it and were neither refused
//! by the limits nor for their credentials, so that scripts do not depend on how fast a client asks.

use serde::{Deserialize, Serialize};

use super::config::{Config, ErrorKind};
use super::rng::{Rng, Stream};

/// One thing that goes wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Only requests with this verb; any when absent.
    #[serde(default)]
    pub method: Option<String>,
    /// Only requests whose path begins like this.
    #[serde(default)]
    pub path: String,
    /// The first of the matching requests to suffer, from 1.
    #[serde(default = "one")]
    pub nth: u64,
    /// How many of them suffer in a row; 0: all that follow.
    #[serde(default = "one")]
    pub times: u64,
    pub effect: Effect,
}

fn one() -> u64 {
    1
}

impl Fault {
    /// The first request to that path suffers.
    pub fn first(path: &str, effect: Effect) -> Self {
        Self { method: None, path: path.to_owned(), nth: 1, times: 1, effect }
    }

    /// Moves it to the `nth` matching request, from 1.
    #[must_use]
    pub fn at(self, nth: u64) -> Self {
        Self { nth, ..self }
    }

    /// Repeats it; 0 without end.
    #[must_use]
    pub fn times(self, times: u64) -> Self {
        Self { times, ..self }
    }

    fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|m| m.eq_ignore_ascii_case(method)) && path.starts_with(&self.path)
    }
}

/// What goes wrong. As JSON: `{"kind": "truncated"}`, `{"kind": "stall", "ms": 500}`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "snake_case", deny_unknown_fields)]
pub enum Effect {
    /// This status and body instead of the answer.
    Status {
        status: u16,
        #[serde(default)]
        body: String,
        /// JSON when absent.
        #[serde(default)]
        content_type: Option<String>,
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// 429 with this `Retry-After`, or without any.
    Throttle {
        #[serde(default)]
        retry_after: Option<String>,
    },
    /// 200 with a page of HTML, as from a proxy that wants a login.
    Html,
    /// 200 with the envelope of an error.
    Errors { errors: Vec<String> },
    /// 307 to this address.
    Redirect { to: String },
    /// The connection is reset instead of an answer.
    ResetBefore,
    /// The connection is reset in the middle of the body.
    ResetAfter,
    /// The connection is closed in the middle of the body.
    Truncated,
    /// Half of the JSON arrives, as if it were all.
    CutJson,
    /// Nothing for a while, then the answer.
    Stall { ms: u64 },
    /// Half of the body, nothing for a while, then the rest.
    StallMidBody { ms: u64 },
    /// The cursor is ignored: the first page comes again.
    RepeatPage,
    /// The cursor is refused with 400 and this text.
    RefuseCursor {
        #[serde(default = "expired")]
        error: String,
    },
    /// The answer with one damaged record, by its place on the page (from 0).
    Damage {
        #[serde(default)]
        record: usize,
        damage: Damage,
    },
}

fn expired() -> String {
    "cursor has expired".to_owned()
}

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Damage {
    /// Its id is absent.
    MissingId,
    /// Its id is a number.
    NumericId,
    /// A text holds half of a character: `"\ud83d"`, which is valid JSON and no valid text.
    LoneSurrogate,
    /// A text is an object instead.
    TextAsObject,
    /// Numbers are texts and truth values numbers.
    UnexpectedTypes,
    /// It has fields that no document mentions.
    UnknownFields,
    /// It is null.
    Null,
}

/// The faults in force, and how often each was met.
#[derive(Debug, Default)]
pub(super) struct Faults {
    scripted: Vec<(Fault, u64)>,
    asked: u64,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.scripted.push((fault, 0));
    }

    pub(super) fn clear(&mut self) {
        self.scripted.clear();
    }

    /// What happens to this request; scripts come before chance.
    pub(super) fn next(&mut self, config: &Config, method: &str, path: &str) -> Option<Effect> {
        let mut effect = None;
        for (fault, seen) in &mut self.scripted {
            if fault.matches(method, path) {
                *seen += 1;
                let suffers = *seen >= fault.nth && (fault.times == 0 || *seen - fault.nth < fault.times);
                if suffers && effect.is_none() {
                    effect = Some(fault.effect.clone());
                }
            }
        }
        self.asked += 1;
        effect.or_else(|| self.by_chance(config))
    }

    fn by_chance(&self, config: &Config) -> Option<Effect> {
        let mut rng = Rng::new(config.seed, Stream::Fault, &[self.asked]);
        if !rng.chance(config.error_rate) {
            return None;
        }
        use ErrorKind::*;
        let usual = [BadGateway, Unavailable, Internal, Reset, Truncated, Throttled, ThrottledBare];
        let kinds = if config.error_kinds.is_empty() { &usual[..] } else { &config.error_kinds };
        let status = |status, body: &str, content_type: &str| Effect::Status {
            status,
            body: body.to_owned(),
            content_type: Some(content_type.to_owned()),
            retry_after: None,
        };
        Some(match rng.pick(kinds) {
            BadGateway => status(502, "<html><body><h1>502 Bad Gateway</h1></body></html>", "text/html"),
            Unavailable => status(503, "", "text/plain"),
            Internal => {
                let body = r#"{"requestId":"0000000000000000000","errors":["Internal server error occurred"]}"#;
                status(500, body, "application/json")
            }
            Reset => Effect::ResetBefore,
            Truncated => Effect::Truncated,
            Stall => Effect::Stall { ms: config.stall_ms },
            Throttled => Effect::Throttle { retry_after: Some(config.retry_after.clone()) },
            ThrottledBare => Effect::Throttle { retry_after: None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_hits_the_requests_it_names() {
        let mut faults = Faults::default();
        faults.add(Fault::first("/v2/calls", Effect::Truncated).at(2).times(2));
        faults.add(Fault { method: Some("get".to_owned()), ..Fault::first("/v2/users", Effect::Html) });
        let config = Config::default();
        let mut next = |method, path| faults.next(&config, method, path);
        assert_eq!(next("POST", "/v2/calls/extensive"), None);
        assert_eq!(next("POST", "/v2/users"), None);
        assert_eq!(next("GET", "/v2/users"), Some(Effect::Html));
        assert_eq!(next("POST", "/v2/calls/transcript"), Some(Effect::Truncated));
        assert_eq!(next("POST", "/v2/calls/extensive"), Some(Effect::Truncated));
        assert_eq!(next("POST", "/v2/calls/extensive"), None);
        assert_eq!(next("GET", "/v2/users"), None);
    }

    #[test]
    fn chance_follows_the_rate_and_the_kinds() {
        let config = Config { error_rate: 0.25, error_kinds: vec![ErrorKind::Unavailable], ..Config::default() };
        let mut faults = Faults::default();
        let failed = (0..4000).filter_map(|_| faults.next(&config, "GET", "/v2/users")).collect::<Vec<_>>();
        assert!((850..1150).contains(&failed.len()), "{}", failed.len());
        assert!(failed.iter().all(|effect| matches!(effect, Effect::Status { status: 503, .. })));
    }

    #[test]
    fn scripts_are_written_as_json() {
        let text =
            r#"{"path": "/v2/calls", "nth": 3, "effect": {"kind": "damage", "record": 4, "damage": "numeric-id"}}"#;
        let fault: Fault = serde_json::from_str(text).unwrap();
        let effect = Effect::Damage { record: 4, damage: Damage::NumericId };
        assert_eq!(fault, Fault::first("/v2/calls", effect).at(3));
        assert!(serde_json::from_str::<Fault>(r#"{"effect": {"kind": "explode"}}"#).is_err());
    }
}
