//! OAuth tokens that are renewed when they are over.
//!
//! An access token lasts a day, and each refresh token works once: the answer to it brings the next
//! one. So new tokens are stored before they are used, by a [`TokenStore`] that keeps other processes
//! out meanwhile; who comes second finds the new tokens there and asks for none.
//!
//! Token requests go to a host of their own: they pass no pacer and count towards no budget. What
//! nobody can close is the time between Gong's exchange of the token and the arrival of its answer: if
//! the machine dies then, the app has to be authorised again.
//!
//! Touches no file and reads no clock on the wall: that is the store's part.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{self, HeaderValue};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};
use url::Url;

use super::answer::Problem;
use super::auth::{Auth, REDACTED};
use super::error::{Error, presentable};
use super::retry::{Decision, Outcome, Policy};
use super::transport::{USER_AGENT, check_base_url, install_crypto_provider, problem_of};

/// An answer holds two tokens of some kilobytes at most.
const ANSWER_BYTES_MAX: usize = 256 << 10;

/// Bounds how long the process may have to wait for an answer before it can end.
const EXCHANGE_MAX: Duration = Duration::from_secs(30);

/// The app that an administrator has authorised, and where its tokens are exchanged.
#[derive(Debug, Clone)]
pub struct App {
    pub client_id: SecretString,
    pub client_secret: SecretString,
    /// HTTPS, or plain HTTP within this machine.
    pub token_url: Url,
}

/// What a store holds.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub refresh_token: SecretString,
    /// `None` when there is none, or it is known to be over.
    pub access_token: Option<SecretString>,
    /// The company's own API host, `api_base_url_for_customer` in Gong's words. Not checked.
    pub base_url: Option<String>,
}

/// What an exchange brought.
#[derive(Debug, Clone)]
pub struct Granted {
    pub access_token: SecretString,
    pub refresh_token: SecretString,
    pub expires_in: Option<Duration>,
    /// As in [`Tokens`].
    pub base_url: Option<String>,
}

/// Where tokens are kept from one process to the next.
pub trait TokenStore: fmt::Debug + Send + Sync {
    /// Reads the tokens, and keeps everybody else from changing them until the answer is dropped. Blocks.
    fn open(&self) -> Result<Box<dyn OpenStore>, StoreError>;
}

/// A store that nobody else can change.
pub trait OpenStore {
    fn tokens(&self) -> &Tokens;

    /// Makes sure, as far as possible, that [`OpenStore::replace`] will succeed.
    fn reserve(&mut self) -> Result<(), StoreError>;

    /// Returns once the new tokens would outlive a crash of the machine.
    fn replace(&mut self, granted: &Granted) -> Result<(), StoreError>;
}

/// A store that fails. The text says where and why, and holds no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct StoreError {
    pub what: String,
    pub remedy: &'static str,
}

/// Why there is no access token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OAuthError {
    #[error(transparent)]
    Store(StoreError),

    /// The old refresh token is used up by then.
    #[error("OAuth tokens were renewed, but not stored: {0}")]
    NotStored(StoreError),

    /// It has been used or revoked.
    #[error("{host} refused the refresh token: {said}")]
    TokenRefused { host: String, said: String },

    #[error("{host} refused the client id and secret: {said}")]
    ClientRefused { host: String, said: String },

    /// Any other refusal, a redirect included.
    #[error("{host} refused to renew the OAuth tokens: {said}")]
    Refused { host: String, said: String },

    #[error("cannot renew the OAuth tokens, no answer from {host}: {cause}")]
    Unavailable { host: String, cause: String },

    #[error("cannot renew the OAuth tokens, {host} is not trusted: {cause}")]
    Untrusted { host: String, cause: String },

    #[error("{host} renewed the OAuth tokens, but its answer is not understood: {problem}")]
    NotUnderstood { host: String, problem: &'static str },

    #[error("cannot set up the HTTP client: {cause}")]
    Setup { cause: String },
}

const AUTHORISE: &str = "authorise the app in Gong again, and store the answer to its code as the token file";

impl OAuthError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Store(error) => error.remedy,
            Self::NotStored(error) => error.remedy,
            Self::TokenRefused { .. } | Self::NotUnderstood { .. } => AUTHORISE,
            Self::ClientRefused { .. } => "check source.auth.oauth: client_id and client_secret are those of the app",
            Self::Refused { .. } => "check source.auth.oauth.token_url",
            Self::Unavailable { .. } => "run the job again later; the tokens are kept",
            Self::Untrusted { .. } | Self::Setup { .. } => "check the certificates of this machine",
        }
    }
}

impl From<StoreError> for OAuthError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// An access token and the means to renew it. Clones share both.
#[derive(Clone)]
pub struct OAuth {
    shared: Arc<Shared>,
}

/// Shows nothing of the tokens.
impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("app", &self.shared.source.app).finish_non_exhaustive()
    }
}

struct Shared {
    source: Arc<Source>,
    header: Mutex<HeaderValue>,
    /// Held while tokens are renewed; why the header of the moment could not be.
    renewal: tokio::sync::Mutex<Option<Error>>,
}

impl OAuth {
    /// Takes the access token from the store, and renews it when it is over; also when `wants_base_url`
    /// and the store has none. Returns the company's own API host beside it, where it is known.
    ///
    /// # Errors
    ///
    /// [`Error::BaseUrl`] for a token URL that must not be sent credentials, [`Error::UnusableCredential`],
    /// [`Error::OAuth`].
    pub async fn open(
        app: App,
        store: Arc<dyn TokenStore>,
        wants_base_url: bool,
    ) -> Result<(Self, Option<String>), Error> {
        let loopback = check_base_url(&app.token_url)?;
        let source = Arc::new(Source { app, loopback, store, secrets: Mutex::default() });
        let wanted = Wanted { other_than: None, base_url: wants_base_url };
        let (header, base_url) = source.obtain(wanted).await?;
        let shared = Shared { source, header: Mutex::new(header), renewal: tokio::sync::Mutex::default() };
        Ok((Self { shared: Arc::new(shared) }, base_url))
    }

    /// The `Authorization` header as of now.
    pub(crate) fn header(&self) -> HeaderValue {
        self.shared.header.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Replaces the token of a header that was refused, unless that is done already. Of all that come
    /// with the same one, the first sends a token request and the others wait for what comes of it.
    pub(crate) async fn renew(&self, refused: &HeaderValue) -> Result<(), Error> {
        let mut failed = self.shared.renewal.lock().await;
        if self.header() != *refused {
            return Ok(());
        }
        if let Some(error) = &*failed {
            return Err(error.clone());
        }
        let wanted = Wanted { other_than: Some(refused.clone()), base_url: false };
        match self.shared.source.obtain(wanted).await {
            Ok((header, _)) => {
                *self.shared.header.lock().unwrap_or_else(PoisonError::into_inner) = header;
                Ok(())
            }
            Err(error) => {
                *failed = Some(error.clone());
                Err(error)
            }
        }
    }

    /// `text` without any token or key that was in use so far.
    pub(super) fn scrub(&self, text: &str) -> String {
        self.shared.source.scrub(text)
    }
}

/// Which tokens will do.
#[derive(Debug, Clone)]
struct Wanted {
    /// The header of a token that was refused.
    other_than: Option<HeaderValue>,
    base_url: bool,
}

/// Where access tokens come from.
#[derive(Debug)]
struct Source {
    app: App,
    /// Whether the token URL is on this machine.
    loopback: bool,
    store: Arc<dyn TokenStore>,
    /// All tokens that have been in use.
    secrets: Mutex<Vec<SecretString>>,
}

impl Source {
    /// The header and the API host, after as many attempts as it takes.
    async fn obtain(self: &Arc<Self>, wanted: Wanted) -> Result<(HeaderValue, Option<String>), Error> {
        let policy = Policy::default();
        let mut attempts = 0;
        let mut in_trouble_since = None;
        loop {
            attempts += 1;
            let (source, wants) = (Arc::clone(self), wanted.clone());
            // On a thread of its own: who asked may be dropped, the exchange must not be.
            let error = match tokio::task::spawn_blocking(move || source.attempt(&wants)).await {
                Ok(Ok(tokens)) => return Ok(tokens),
                Ok(Err(error)) => error,
                Err(panic) => std::panic::resume_unwind(panic.into_panic()),
            };
            let outcome = match &error {
                Error::OAuth(problem) if matches!(**problem, OAuthError::Unavailable { .. }) => {
                    Outcome::Unavailable { retry_after: None }
                }
                _ => Outcome::Permanent,
            };
            let in_trouble = in_trouble_since.get_or_insert_with(Instant::now).elapsed();
            match policy.decide(attempts, in_trouble, outcome, rand::random_range(0.0..=1.0)) {
                Decision::RetryIn(wait) | Decision::PauseAllFor(wait) => {
                    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    warn!(event = "request_retried", attempt = attempts, wait_ms, cause = %error, "tokens not renewed, will be tried again");
                    sleep(wait).await;
                }
                Decision::GiveUp | Decision::Done => return Err(error),
            }
        }
    }

    /// Blocks from the moment that others are kept out until the new tokens are stored, so that no
    /// future that is dropped in between can lose them.
    fn attempt(&self, wanted: &Wanted) -> Result<(HeaderValue, Option<String>), Error> {
        let mut store = self.store.open().map_err(OAuthError::Store)?;
        let tokens = store.tokens().clone();
        self.note(&tokens.refresh_token);
        if let Some(token) = &tokens.access_token
            && (tokens.base_url.is_some() || !wanted.base_url)
        {
            let header = self.header(token)?;
            if wanted.other_than.as_ref() != Some(&header) {
                return Ok((header, tokens.base_url));
            }
        }
        store.reserve().map_err(OAuthError::Store)?;
        let granted = self.exchange(&tokens.refresh_token)?;
        self.note(&granted.refresh_token);
        store.replace(&granted).map_err(OAuthError::NotStored)?;
        info!(event = "tokens_renewed", "OAuth tokens renewed and stored");
        Ok((self.header(&granted.access_token)?, granted.base_url.or(tokens.base_url)))
    }

    fn header(&self, token: &SecretString) -> Result<HeaderValue, Error> {
        self.note(token);
        Auth::token(token.clone()).header()
    }

    /// Has a secret taken out of all texts from now on.
    fn note(&self, secret: &SecretString) {
        let mut secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        if !secret.expose_secret().is_empty()
            && !secrets.iter().any(|known| known.expose_secret() == secret.expose_secret())
        {
            secrets.push(secret.clone());
        }
    }

    fn scrub(&self, text: &str) -> String {
        let App { client_id, client_secret, .. } = &self.app;
        let mut clean = Auth::key(client_id.clone(), client_secret.clone()).scrub(text);
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        // Longer ones first: one token may begin like another.
        let mut secrets: Vec<&str> = secrets.iter().map(ExposeSecret::expose_secret).collect();
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        for secret in secrets {
            clean = clean.replace(secret, REDACTED);
        }
        clean
    }

    /// One token request, in a small runtime that ends with it.
    fn exchange(&self, refresh_token: &SecretString) -> Result<Granted, OAuthError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| OAuthError::Setup { cause: error.to_string() })?;
        let (status, body) = runtime.block_on(self.send(refresh_token))?;
        self.judge(status, &body, refresh_token)
    }

    async fn send(&self, refresh_token: &SecretString) -> Result<(u16, Vec<u8>), OAuthError> {
        install_crypto_provider();
        let App { client_id, client_secret, token_url } = &self.app;
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // A token that worked once must not be sent again behind our back.
            .retry(reqwest::retry::never())
            .connect_timeout(Duration::from_secs(10))
            .timeout(EXCHANGE_MAX);
        if self.loopback {
            builder = builder.no_proxy();
        }
        if token_url.scheme() == "http" {
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| OAuthError::Setup { cause: error.without_url().to_string() })?;

        let mut url = token_url.clone();
        url.query_pairs_mut()
            .append_pair("grant_type", "refresh_token")
            .append_pair("refresh_token", refresh_token.expose_secret());
        let basic = STANDARD.encode(format!("{}:{}", client_id.expose_secret(), client_secret.expose_secret()));
        let mut authorization = HeaderValue::try_from(format!("Basic {basic}"))
            .map_err(|_| OAuthError::Setup { cause: "the client id cannot be sent".to_owned() })?;
        authorization.set_sensitive(true);
        let request = http
            .post(url)
            .header(header::AUTHORIZATION, authorization)
            .header(header::ACCEPT, "application/json")
            .header(header::CONTENT_LENGTH, 0);
        let mut response = request.send().await.map_err(|error| self.unanswered(error))?;
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unanswered(error))? {
            if body.len() + chunk.len() > ANSWER_BYTES_MAX {
                return Err(self.not_understood("it is too large"));
            }
            body.extend_from_slice(&chunk);
        }
        Ok((response.status().as_u16(), body))
    }

    fn judge(&self, status: u16, body: &[u8], refresh_token: &SecretString) -> Result<Granted, OAuthError> {
        if (200..300).contains(&status) {
            let answer: Answer =
                serde_json::from_slice(body).map_err(|_| self.not_understood("it is not the JSON of new tokens"))?;
            if answer.access_token.expose_secret().is_empty() {
                return Err(self.not_understood("its access token is empty"));
            }
            return Ok(Granted {
                access_token: answer.access_token,
                // Without a new one the old one goes on: so it is with OAuth in general.
                refresh_token: answer
                    .refresh_token
                    .filter(|token| !token.expose_secret().is_empty())
                    .unwrap_or_else(|| refresh_token.clone()),
                expires_in: answer.expires_in.as_ref().and_then(Value::as_u64).map(Duration::from_secs),
                base_url: answer.base_url,
            });
        }
        let host = self.host();
        let words = words_of(body).map(|words| presentable(&self.scrub(&words)));
        let said = match &words {
            Some(words) => format!("status {status} \"{words}\""),
            None => format!("status {status}"),
        };
        Err(match status {
            408 | 429 | 500.. => OAuthError::Unavailable { host, cause: said },
            401 => OAuthError::ClientRefused { host, said },
            400 if words.is_some_and(|words| words.contains("invalid_client")) => {
                OAuthError::ClientRefused { host, said }
            }
            400 | 403 => OAuthError::TokenRefused { host, said },
            _ => OAuthError::Refused { host, said },
        })
    }

    fn unanswered(&self, error: reqwest::Error) -> OAuthError {
        let host = self.host();
        match problem_of(error) {
            Problem::Untrusted { cause } => OAuthError::Untrusted { host, cause },
            other => OAuthError::Unavailable { host, cause: other.to_string() },
        }
    }

    fn not_understood(&self, problem: &'static str) -> OAuthError {
        OAuthError::NotUnderstood { host: self.host(), problem }
    }

    fn host(&self) -> String {
        self.app.token_url.host_str().unwrap_or_default().to_owned()
    }
}

/// As documented; other members are passed over.
#[derive(Deserialize)]
struct Answer {
    access_token: SecretString,
    refresh_token: Option<SecretString>,
    /// Seconds.
    expires_in: Option<Value>,
    #[serde(rename = "api_base_url_for_customer")]
    base_url: Option<String>,
}

/// What a refusal says, in OAuth's form or in that of Gong's API.
fn words_of(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    match (text("error"), text("error_description")) {
        (Some(error), Some(description)) => Some(format!("{error}: {description}")),
        (Some(text), None) | (None, Some(text)) => Some(text.to_owned()),
        (None, None) => body.pointer("/errors/0").and_then(Value::as_str).map(str::to_owned),
    }
}

#[cfg(test)]
#[path = "oauth_tests.rs"]
mod tests;
