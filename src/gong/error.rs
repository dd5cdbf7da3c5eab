//! Why a request failed for good.
//!
//! Data, not sentences: what to do about each is for the command line to say. None of it is secret:
//! no credential, no cursor, no signed URL, nothing of an answer's records.

use std::fmt;
use std::time::Duration;

use super::oauth::OAuthError;
use super::page::BadPage;

/// The most characters of a server's own words that are kept.
const MESSAGE_CHARS_MAX: usize = 300;

/// A word of a message that is longer than any word is a token, a cursor or a URL.
const WORD_CHARS_MAX: usize = 60;

/// What was sent, what came back, and how long it was tried.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Method and path, as in `POST /v2/calls/extensive`.
    pub label: &'static str,
    pub attempts: u32,
    /// From when it was asked for, waiting for its turn included.
    pub elapsed: Duration,
    /// Of the last answer; `None` when there was none.
    pub status: Option<u16>,
    /// What Gong's support asks for.
    pub request_id: Option<String>,
    /// The first of the answer's error texts, made safe to print.
    pub message: Option<String>,
}

impl fmt::Display for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label)?;
        if let Some(status) = self.status {
            write!(f, ", status {status}")?;
        }
        if let Some(message) = &self.message {
            write!(f, " \"{message}\"")?;
        }
        if let Some(id) = &self.request_id {
            write!(f, ", request id {id}")?;
        }
        if self.attempts > 1 {
            write!(f, ", {} attempts in {:.1} s", self.attempts, self.elapsed.as_secs_f64())?;
        }
        Ok(())
    }
}

/// What is wrong with a base URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BaseUrlProblem {
    #[error("plain http would show the credentials to everybody on the way; use https")]
    PlainHttp,
    #[error("not an http or https address of a host")]
    NotHttp,
    #[error("credentials do not belong in an address")]
    Credentials,
    #[error("a query or a fragment does not belong in it")]
    Query,
}

/// How a listing shows that it goes in circles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Repetition {
    #[error("its cursor was given before")]
    Cursor,
    #[error("its records are those of the page before")]
    Records,
}

/// Why a request, or a client, failed for good.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    #[error("cannot use the base URL of host `{host}`: {problem}")]
    BaseUrl { host: String, problem: BaseUrlProblem },

    #[error("the {what} {problem}")]
    UnusableCredential { what: &'static str, problem: &'static str },

    /// There is no access token, or no new one for one that is over.
    #[error(transparent)]
    OAuth(Box<OAuthError>),

    #[error("a rate of {requests_per_second} requests per second is not above zero")]
    Rate { requests_per_second: f64 },

    /// The HTTP client could not be made; without trusted certificates on this machine for example.
    #[error("cannot set up the HTTP client: {cause}")]
    Setup { cause: String },

    /// The server's certificate was refused; unknown issuer, wrong host name or expired. Nothing was
    /// sent.
    #[error("server not trusted: {cause}: {exchange}")]
    Untrusted {
        /// The causes, down to the verdict on the certificate.
        cause: String,
        exchange: Box<Exchange>,
    },

    /// 401: the key is wrong or expired, or the base URL is that of another account.
    #[error("credentials refused: {exchange}")]
    Unauthorized { exchange: Box<Exchange> },

    /// 401 too, but the key is known and lacks a permission.
    #[error("credentials lack the scope `{scope}`: {exchange}")]
    MissingScope {
        /// As named by the server, else as the operation needs it.
        scope: String,
        exchange: Box<Exchange>,
    },

    /// 403: the address of this machine is not on the key's list, or a licence is missing.
    #[error("access denied: {exchange}")]
    Forbidden { exchange: Box<Exchange> },

    /// A 3xx. Not followed: credentials go to the configured host only.
    #[error("redirected to {} instead of answered: {exchange}", .host.as_deref().unwrap_or("an unnamed host"))]
    Redirected { host: Option<String>, exchange: Box<Exchange> },

    /// This process has sent all the requests that it may.
    #[error("{label} not sent: all {requests_max} requests allowed to this run are spent")]
    RequestsSpent { label: &'static str, requests_max: u64 },

    /// 429, for longer than a run waits; or not sent, because another request met such a one.
    #[error("rate limit exceeded{}: {exchange}", for_how_long(.retry_after))]
    Throttled {
        /// What the server asked for last.
        retry_after: Option<Duration>,
        exchange: Box<Exchange>,
    },

    /// The listing has to be started again from its first page. Cursors die about an hour after it.
    #[error("cursor expired or refused: {exchange}")]
    CursorRefused { exchange: Box<Exchange> },

    /// Any other 4xx.
    #[error("request refused: {exchange}")]
    Refused { exchange: Box<Exchange> },

    /// A listing that would not end.
    #[error("{label}: page {page} of the listing repeats an earlier one ({sign})")]
    PageRepeated { label: &'static str, page: u64, sign: Repetition, request_id: Option<String> },

    /// A listing that would not end either.
    #[error("{label}: the listing has more than {pages_max} pages")]
    TooManyPages { label: &'static str, pages_max: u64 },

    /// No answer, or 5xx, for longer than a request is tried.
    #[error("no answer: {cause}: {exchange}")]
    Unavailable {
        /// The causes of the last failure, down to the operating system or TLS.
        cause: String,
        exchange: Box<Exchange>,
    },

    #[error("answer not understood: {problem}: {exchange}")]
    NotUnderstood { problem: BadPage, exchange: Box<Exchange> },

    #[error("answer is larger than {bytes_max} bytes: {exchange}")]
    TooLarge { bytes_max: usize, exchange: Box<Exchange> },
}

/// What an error calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Nothing was sent: a setting, or this machine, cannot work.
    Setup,
    /// Key, scope, address list or base URL have to be put right.
    Credentials,
    /// A later run resumes.
    Budget,
    /// The listing has to be started again from its first page.
    CursorRefused,
    /// Gong refused the request, or its listing goes in circles.
    Api,
    /// Retries did not help.
    Unavailable,
    /// The answer could not be used.
    Protocol,
}

impl From<OAuthError> for Error {
    fn from(error: OAuthError) -> Self {
        Self::OAuth(Box::new(error))
    }
}

impl Error {
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Rate { .. } | Self::Setup { .. } | Self::Untrusted { .. } => ErrorKind::Setup,
            Self::OAuth(error) => match **error {
                OAuthError::Unavailable { .. } => ErrorKind::Unavailable,
                OAuthError::Untrusted { .. } | OAuthError::Setup { .. } => ErrorKind::Setup,
                _ => ErrorKind::Credentials,
            },
            Self::BaseUrl { .. }
            | Self::UnusableCredential { .. }
            | Self::Unauthorized { .. }
            | Self::MissingScope { .. }
            | Self::Forbidden { .. }
            | Self::Redirected { .. } => ErrorKind::Credentials,
            Self::RequestsSpent { .. } | Self::Throttled { .. } => ErrorKind::Budget,
            Self::CursorRefused { .. } => ErrorKind::CursorRefused,
            Self::Refused { .. } | Self::PageRepeated { .. } | Self::TooManyPages { .. } => ErrorKind::Api,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::NotUnderstood { .. } | Self::TooLarge { .. } => ErrorKind::Protocol,
        }
    }

    /// What was sent and came back, where something was.
    pub fn exchange(&self) -> Option<&Exchange> {
        match self {
            Self::BaseUrl { .. }
            | Self::UnusableCredential { .. }
            | Self::OAuth(_)
            | Self::Rate { .. }
            | Self::Setup { .. }
            | Self::RequestsSpent { .. }
            | Self::PageRepeated { .. }
            | Self::TooManyPages { .. } => None,
            Self::Untrusted { exchange, .. }
            | Self::Unauthorized { exchange }
            | Self::MissingScope { exchange, .. }
            | Self::Forbidden { exchange }
            | Self::Redirected { exchange, .. }
            | Self::Throttled { exchange, .. }
            | Self::CursorRefused { exchange }
            | Self::Refused { exchange }
            | Self::Unavailable { exchange, .. }
            | Self::NotUnderstood { exchange, .. }
            | Self::TooLarge { exchange, .. } => Some(exchange),
        }
    }
}

fn for_how_long(retry_after: &Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wait| format!(", for another {} s", wait.as_secs()))
}

/// A server's words made safe to print: bounded, control characters escaped, and words too long to
/// be words (tokens, cursors, URLs) left out.
pub(crate) fn presentable(text: &str) -> String {
    let mut clean = String::new();
    for word in text.split(' ').take(MESSAGE_CHARS_MAX) {
        if !clean.is_empty() {
            clean.push(' ');
        }
        if word.chars().nth(WORD_CHARS_MAX).is_some() || word.contains("://") {
            clean.push_str("[left out]");
        } else {
            for c in word.chars() {
                if is_unprintable(c) {
                    clean.extend(c.escape_unicode());
                } else {
                    clean.push(c);
                }
            }
        }
    }
    match clean.char_indices().nth(MESSAGE_CHARS_MAX) {
        None => clean,
        Some((end, _)) => format!("{}…", &clean[..end]),
    }
}

/// Controls, and the marks that reorder or break a line on a terminal.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_says_what_happened_to_which_request() {
        let exchange = Box::new(Exchange {
            label: "POST /v2/calls/extensive",
            attempts: 3,
            elapsed: Duration::from_millis(12_340),
            status: Some(403),
            request_id: Some("3k9qv1m0s7x2d4h8tz".to_owned()),
            message: Some("Address not allowed".to_owned()),
        });
        assert_eq!(
            Error::Forbidden { exchange: exchange.clone() }.to_string(),
            "access denied: POST /v2/calls/extensive, status 403 \"Address not allowed\", \
             request id 3k9qv1m0s7x2d4h8tz, 3 attempts in 12.3 s"
        );
        let exchange =
            Box::new(Exchange { label: "GET /v2/users", attempts: 1, status: Some(429), ..Exchange::default() });
        assert_eq!(
            Error::Throttled { retry_after: Some(Duration::from_secs(7_200)), exchange }.to_string(),
            "rate limit exceeded, for another 7200 s: GET /v2/users, status 429"
        );
    }

    #[test]
    fn errors_are_cheap_to_pass_on() {
        assert!(size_of::<Error>() <= 64, "{}", size_of::<Error>());
    }

    #[test]
    fn foreign_words_are_made_safe() {
        assert_eq!(presentable("No calls found"), "No calls found");
        assert_eq!(presentable("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d");
        let cursor = "eyJhbGciOiJIUzI1NiJ9.eyJwYWdlU2l6ZSI6MTAwfQ.c2lnbmF0dXJlLW9mLXRoZS1jdXJzb3I";
        assert_eq!(presentable(&format!("cursor {cursor} has expired")), "cursor [left out] has expired");
        assert_eq!(presentable("see https://media.example/a?sig=1"), "see [left out]");
    }

    proptest! {
        #[test]
        fn foreign_words_are_bounded(text in "(.|\\PC){0,900}") {
            let clean = presentable(&text);
            prop_assert!(clean.chars().count() <= MESSAGE_CHARS_MAX + 1);
            prop_assert!(!clean.chars().any(is_unprintable));
        }
    }
}
