//! What an HTTP answer means: a page, nothing found, or which failure. Pure.
//!
//! Some surprises of this API are known here and nowhere else: nothing found is a 404; a missing
//! permission is a 401 with a text; an expired cursor is a plain 4xx.

use std::time::Duration;

use serde_json::Value;

use super::auth::Auth;
use super::endpoint::Request;
use super::error::{Error, Exchange, presentable};
use super::page::{BadPage, Page};
use super::retry::Outcome;

/// An HTTP answer whose body has arrived in full.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    /// Host that a redirect points to.
    pub(crate) redirect_host: Option<String>,
    /// From the header; the same as in the body, which need not be JSON.
    pub(crate) trace_id: Option<String>,
    pub(crate) body: Vec<u8>,
}

/// What is wrong; as text, for the log.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub(crate) enum Problem {
    #[error("rate limit exceeded")]
    Throttled { retry_after: Option<Duration> },
    /// No answer, a cut one, or 5xx.
    #[error("{cause}")]
    Unavailable { cause: String, retry_after: Option<Duration> },
    /// The server's certificate was refused, so that nothing was sent.
    #[error("{cause}")]
    Untrusted { cause: String },
    #[error("{0}")]
    NotUnderstood(BadPage),
    #[error("larger than {bytes_max} bytes")]
    TooLarge { bytes_max: usize },
    #[error("credentials refused")]
    Unauthorized,
    #[error("scope missing")]
    MissingScope(String),
    #[error("access denied")]
    Forbidden,
    #[error("redirected")]
    Redirected { host: Option<String> },
    #[error("cursor refused")]
    CursorRefused,
    #[error("refused")]
    Refused,
}

/// One failed attempt.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Failure {
    pub(crate) problem: Problem,
    pub(crate) status: Option<u16>,
    pub(crate) request_id: Option<String>,
    pub(crate) message: Option<String>,
}

impl Failure {
    /// A failure before there was an answer.
    pub(crate) fn unanswered(problem: Problem) -> Self {
        Self { problem, status: None, request_id: None, message: None }
    }

    /// As far as trying again goes.
    pub(crate) fn outcome(&self) -> Outcome {
        match &self.problem {
            Problem::Throttled { retry_after } => Outcome::Throttled { retry_after: *retry_after },
            Problem::Unavailable { retry_after, .. } => Outcome::Unavailable { retry_after: *retry_after },
            Problem::NotUnderstood(_) => Outcome::Garbled,
            // It would be as large again.
            Problem::TooLarge { .. }
            | Problem::Untrusted { .. }
            | Problem::Unauthorized
            | Problem::MissingScope(_)
            | Problem::Forbidden
            | Problem::Redirected { .. }
            | Problem::CursorRefused
            | Problem::Refused => Outcome::Permanent,
        }
    }

    /// The error it is once nothing is tried any more.
    pub(crate) fn into_error(self, label: &'static str, attempts: u32, elapsed: Duration) -> Error {
        let Self { problem, status, request_id, message } = self;
        let exchange = Box::new(Exchange { label, attempts, elapsed, status, request_id, message });
        match problem {
            Problem::Throttled { retry_after } => Error::Throttled { retry_after, exchange },
            Problem::Unavailable { cause, .. } => Error::Unavailable { cause, exchange },
            Problem::Untrusted { cause } => Error::Untrusted { cause, exchange },
            Problem::NotUnderstood(problem) => Error::NotUnderstood { problem, exchange },
            Problem::TooLarge { bytes_max } => Error::TooLarge { bytes_max, exchange },
            Problem::Unauthorized => Error::Unauthorized { exchange },
            Problem::MissingScope(scope) => Error::MissingScope { scope, exchange },
            Problem::Forbidden => Error::Forbidden { exchange },
            Problem::Redirected { host } => Error::Redirected { host, exchange },
            Problem::CursorRefused => Error::CursorRefused { exchange },
            Problem::Refused => Error::Refused { exchange },
        }
    }
}

/// `None` when nothing matches the request. `auth` is there to be taken out of what is kept.
pub(crate) fn judge(request: &Request, auth: &Auth, answer: Answer) -> Result<Option<Page>, Failure> {
    let Answer { status, retry_after, redirect_host, trace_id, body } = answer;
    let trace_id = trace_id.map(|id| presentable(&auth.scrub(&id)));
    if (200..300).contains(&status) {
        return Page::parse(body, request.array()).map(Some).map_err(|problem| Failure {
            problem: Problem::NotUnderstood(scrubbed(problem, request, auth)),
            status: Some(status),
            request_id: trace_id,
            message: None,
        });
    }

    let said = Said::decode(&body);
    if status == 404 && request.is_empty_answer(&said.texts) {
        return Ok(None);
    }
    let mentions_cursor = said.texts.iter().any(|text| text.to_lowercase().contains("cursor"));
    let problem = match status {
        429 => Problem::Throttled { retry_after },
        300..400 => Problem::Redirected { host: redirect_host },
        400..500 if request.cursor().is_some() && (mentions_cursor || matches!(status, 400 | 404)) => {
            Problem::CursorRefused
        }
        401 => match said.missing_scope(request) {
            Some(scope) => Problem::MissingScope(clean(&scope, request, auth)),
            None => Problem::Unauthorized,
        },
        403 => Problem::Forbidden,
        // Said by gateways, of an answer that took too long.
        408 => Problem::Unavailable { cause: "the server gave up waiting".to_owned(), retry_after },
        400..500 => Problem::Refused,
        _ => Problem::Unavailable { cause: format!("the server failed with status {status}"), retry_after },
    };
    let request_id = said.request_id.as_deref().map(|id| presentable(&auth.scrub(id))).or(trace_id);
    let message = said.texts.first().map(|text| clean(text, request, auth));
    Err(Failure { problem, status: Some(status), request_id, message })
}

/// A server's words without what was sent to it in confidence.
fn clean(text: &str, request: &Request, auth: &Auth) -> String {
    let text = auth.scrub(text);
    match request.cursor() {
        Some(cursor) => presentable(&text.replace(cursor.expose(), "[cursor]")),
        None => presentable(&text),
    }
}

fn scrubbed(problem: BadPage, request: &Request, auth: &Auth) -> BadPage {
    match problem {
        BadPage::ErrorInstead { message } => BadPage::ErrorInstead { message: clean(&message, request, auth) },
        other => other,
    }
}

/// What the body of a refusal says. It need not be JSON: gateways answer as they like.
struct Said {
    request_id: Option<String>,
    texts: Vec<String>,
}

impl Said {
    fn decode(body: &[u8]) -> Self {
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let request_id = body.get("requestId").and_then(Value::as_str).map(str::to_owned);
        Self { request_id, texts: body.get("errors").map(texts_of).unwrap_or_default() }
    }

    /// A key without a permission is told `You don't have permission to use '<scope>' in your app.`
    fn missing_scope(&self, request: &Request) -> Option<String> {
        let text = self.texts.iter().find(|text| text.to_lowercase().contains("permission to use"))?;
        let quoted = text.split('\'').find(|part| part.starts_with("api:"));
        Some(quoted.unwrap_or(request.scope()).to_owned())
    }
}

/// The texts of an `errors` member: an array of them, as a rule; one alone is accepted.
fn texts_of(errors: &Value) -> Vec<String> {
    match errors {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gong::page::Cursor;

    const CURSOR: &str = "MARKER-cursor";

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, retry_after: None, redirect_host: None, trace_id: None, body: body.into() }
    }

    fn judged(request: &Request, status: u16, body: &str) -> Result<Option<Page>, Failure> {
        judge(request, &Auth::key("MARKER-key", "MARKER-secret"), answer(status, body))
    }

    fn problem(request: &Request, status: u16, text: &str) -> Problem {
        let body = serde_json::json!({"requestId": "3k9", "errors": [text]}).to_string();
        let failure = judged(request, status, &body).unwrap_err();
        assert_eq!((failure.status, failure.request_id.as_deref()), (Some(status), Some("3k9")));
        failure.problem
    }

    #[test]
    fn each_status_means_something_else() {
        let users = Request::users();
        assert_eq!(problem(&users, 400, "Bad request"), Problem::Refused);
        assert_eq!(problem(&users, 401, "Invalid key"), Problem::Unauthorized);
        assert_eq!(problem(&users, 403, "denied"), Problem::Forbidden);
        assert_eq!(problem(&users, 404, "Not Found"), Problem::Refused);
        assert_eq!(problem(&users, 429, "slow down"), Problem::Throttled { retry_after: None });
        assert!(matches!(problem(&users, 408, "late"), Problem::Unavailable { .. }));
        for status in [500, 502, 503, 504, 599] {
            assert!(matches!(problem(&users, status, "sorry"), Problem::Unavailable { .. }), "{status}");
        }
        assert_eq!(problem(&users, 302, ""), Problem::Redirected { host: None });
    }

    #[test]
    fn nothing_found_is_no_failure() {
        let body = r#"{"requestId":"3k9","errors":["No users found corresponding to the provided filters"]}"#;
        assert!(judged(&Request::users(), 404, body).unwrap().is_none());
        assert!(judged(&Request::users(), 404, "<html>No users found</html>").is_err());
        assert!(judged(&Request::users(), 400, body).is_err());
    }

    #[test]
    fn a_missing_scope_is_not_a_bad_key() {
        let users = Request::users();
        let text = "You don't have permission to use 'api:stats:scorecards' in your app.";
        assert_eq!(problem(&users, 401, text), Problem::MissingScope("api:stats:scorecards".to_owned()));
        let text = "You don't have permission to use this.";
        assert_eq!(problem(&users, 401, text), Problem::MissingScope("api:users:read".to_owned()));
    }

    #[test]
    fn a_refused_cursor_calls_for_a_new_listing() {
        let later = Request::users().at(Cursor::new(CURSOR));
        assert_eq!(problem(&later, 400, "Bad request"), Problem::CursorRefused);
        assert_eq!(problem(&later, 404, "Not Found"), Problem::CursorRefused);
        assert_eq!(problem(&later, 401, "cursor has expired"), Problem::CursorRefused);
        assert_eq!(problem(&later, 401, "token has expired"), Problem::Unauthorized);
        assert_eq!(problem(&later, 429, "cursor too fast"), Problem::Throttled { retry_after: None });
        // Without a cursor there is nothing to refuse.
        assert_eq!(problem(&Request::users(), 400, "cursor: must be valid"), Problem::Refused);
    }

    #[test]
    fn bodies_of_refusals_need_not_make_sense() {
        for body in ["", "<html>", "[1]", r#"{"errors":7}"#, r#"{"errors":[{"message":"x"}],"requestId":9}"#, "\u{0}"] {
            let failure = judged(&Request::users(), 400, body).unwrap_err();
            assert_eq!((failure.message, failure.request_id), (None, None), "{body}");
        }
        let failure = judged(&Request::users(), 400, r#"{"errors":"one alone"}"#).unwrap_err();
        assert_eq!(failure.message.as_deref(), Some("one alone"));
    }

    #[test]
    fn an_echo_of_a_secret_is_not_passed_on() {
        let echo = format!("MARKER-key MARKER-secret {CURSOR} TUFSS0VSLWtleTpNQVJLRVItc2VjcmV0");
        let body = serde_json::json!({"requestId": "MARKER-key", "errors": [echo]}).to_string();
        let later = Request::users().at(Cursor::new(CURSOR));
        for status in [200, 302, 400, 401, 403, 404, 429, 500] {
            let failure = judged(&later, status, &body).unwrap_err();
            let error = failure.clone().into_error(later.label(), 1, Duration::ZERO);
            let printed = format!("{failure:?} {} {error} {error:?}", failure.problem);
            assert!(!printed.contains("MARKER") && !printed.contains("TUFSS0VS"), "{printed}");
        }
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let outcome = |status| judged(&Request::users(), status, "").unwrap_err().outcome();
        assert_eq!(outcome(429), Outcome::Throttled { retry_after: None });
        assert_eq!(outcome(503), Outcome::Unavailable { retry_after: None });
        assert_eq!(outcome(200), Outcome::Garbled);
        for status in [302, 400, 401, 403, 404, 405, 409, 415] {
            assert_eq!(outcome(status), Outcome::Permanent, "{status}");
        }
    }
}
