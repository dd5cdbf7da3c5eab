//! Sends one request and reads its answer, within bounds of time and size. Never tries again.
//!
//! Credentials go to the configured host only: over TLS, or over plain HTTP within this machine; a
//! redirect is handed back, not followed.

use std::error::Error as StdError;
use std::io;
use std::sync::Once;

use reqwest::header::{self, HeaderMap, HeaderValue};
use url::{Host, Url};

use super::answer::{Answer, Failure, Problem};
use super::connecting::Telling;
use super::endpoint::{Method, Request};
use super::error::{BaseUrlProblem, Error};
use super::retry;
use super::settings::Settings;
use super::usage::Counters;

pub(super) const USER_AGENT: &str = concat!("gong-export/", env!("CARGO_PKG_VERSION"));

/// Of a refusal's body; its texts are short, a gateway's page is of no interest.
const REFUSAL_BYTES_MAX: usize = 256 << 10;

/// A body that outgrows the first of these gets room for the second at once. glibc keeps freed blocks of some
/// megabytes in the pool of the thread that asked for them, a pool for each thread; one above 32 MB goes back
/// to the system as soon as it is freed. What is not filled takes no memory.
const LARGE_BODY_BYTES: usize = 8 << 20;
const LARGE_BODY_ROOM: usize = 33 << 20;

/// The network, as far as this API needs it.
#[derive(Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    base_url: Url,
    body_bytes_max: usize,
}

impl Transport {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let base_url = &settings.base_url;
        let loopback = check_base_url(base_url)?;
        install_crypto_provider();

        let limits = &settings.limits;
        let mut builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            // Every request has to be counted, so none may be repeated below this level.
            .retry(reqwest::retry::never())
            .connector_layer(Telling)
            .connect_timeout(limits.connect)
            .read_timeout(limits.idle_read)
            .timeout(limits.whole_request);
        if loopback {
            builder = builder.no_proxy();
        }
        if base_url.scheme() == "http" {
            // Reading the machine's certificates takes time, and fails where there are none.
            builder = builder.tls_certs_only([]);
        }
        let http = builder.build().map_err(|error| Error::Setup { cause: causes(error) })?;
        Ok(Self { http, base_url: base_url.clone(), body_bytes_max: limits.body_bytes_max })
    }

    /// Sends `request` with the header `Authorization` and reads the whole answer, whatever its status.
    pub(crate) async fn send(
        &self,
        request: &Request,
        authorization: HeaderValue,
        counters: &Counters,
    ) -> Result<Answer, Failure> {
        let mut response = self
            .prepare(request, authorization)
            .send()
            .await
            .map_err(|error| Failure::unanswered(problem_of(error)))?;
        let status = response.status();
        let headers = response.headers();
        let date = text_of(headers, header::DATE.as_str());
        let retry_after =
            text_of(headers, header::RETRY_AFTER.as_str()).and_then(|value| retry::retry_after(value, date));
        let redirect_host = text_of(headers, header::LOCATION.as_str())
            .filter(|_| status.is_redirection())
            .and_then(|location| self.base_url.join(location).ok()?.host_str().map(str::to_owned));
        let trace_id = text_of(headers, "x-traceid").map(str::to_owned);

        let body_bytes_max = self.body_bytes_max.min(request.answer_bytes_max());
        let body = match read(&mut response, body_bytes_max, counters).await {
            Ok(body) => body,
            Err(problem) => {
                return Err(Failure { problem, status: Some(status.as_u16()), request_id: trace_id, message: None });
            }
        };
        Ok(Answer { status: status.as_u16(), retry_after, redirect_host, trace_id, body })
    }

    fn prepare(&self, request: &Request, authorization: HeaderValue) -> reqwest::RequestBuilder {
        let mut url = self.base_url.clone();
        url.set_path(&format!("{}{}", self.base_url.path().trim_end_matches('/'), request.path()));
        let builder = match request.method() {
            Method::Get => {
                for (name, value) in request.query() {
                    url.query_pairs_mut().append_pair(name, value);
                }
                if let Some(cursor) = request.cursor() {
                    url.query_pairs_mut().append_pair("cursor", cursor.expose());
                }
                self.http.get(url)
            }
            Method::Post => {
                let json = request.json().unwrap_or_else(|| "{}".to_owned());
                self.http.post(url).header(header::CONTENT_TYPE, "application/json").body(json)
            }
        };
        builder.header(header::AUTHORIZATION, authorization).header(header::ACCEPT, "application/json")
    }
}

/// The whole body. After decompression nobody announces a length, and what a server announces need not be
/// true, so it is counted as it comes.
async fn read(response: &mut reqwest::Response, bytes_max: usize, counters: &Counters) -> Result<Vec<u8>, Problem> {
    let refusal = !response.status().is_success();
    let bytes_max = if refusal { bytes_max.min(REFUSAL_BYTES_MAX) } else { bytes_max };
    let announced = response.content_length().and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(0);
    if announced > bytes_max && !refusal {
        return Err(Problem::TooLarge { bytes_max });
    }
    let room = |bytes: usize| if bytes > LARGE_BODY_BYTES { bytes.max(LARGE_BODY_ROOM) } else { bytes };
    // Room for what is announced spares growing.
    let mut body = Vec::with_capacity(room(announced.min(bytes_max)));
    loop {
        match response.chunk().await {
            Ok(None) => return Ok(body),
            Ok(Some(chunk)) => {
                counters.add_bytes_received(chunk.len());
                let length = body.len() + chunk.len();
                if length <= bytes_max {
                    if length > body.capacity() {
                        body.reserve(room(length) - body.len());
                    }
                    body.extend_from_slice(&chunk);
                } else if refusal {
                    return Ok(body);
                } else {
                    return Err(Problem::TooLarge { bytes_max });
                }
            }
            // A refusal is one even if its body is cut.
            Err(_) if refusal => return Ok(body),
            Err(error) => return Err(problem_of(error)),
        }
    }
}

/// Whether the host is this machine.
pub(super) fn check_base_url(url: &Url) -> Result<bool, Error> {
    let problem = |problem| Error::BaseUrl { host: url.host_str().unwrap_or_default().to_owned(), problem };
    let loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(problem(BaseUrlProblem::NotHttp)),
    };
    match url.scheme() {
        "https" => {}
        "http" if loopback => {}
        "http" => return Err(problem(BaseUrlProblem::PlainHttp)),
        _ => return Err(problem(BaseUrlProblem::NotHttp)),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(problem(BaseUrlProblem::Credentials));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(problem(BaseUrlProblem::Query));
    }
    Ok(loopback)
}

/// `ring`, for all TLS of this process. Somebody else's choice stays, if made before.
pub(super) fn install_crypto_provider() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // The error is the provider that is installed already.
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}

fn text_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// What a request that was not answered, or not in full, died of.
pub(super) fn problem_of(error: reqwest::Error) -> Problem {
    let untrusted = is_untrusted(&error);
    let cause = causes(error);
    if untrusted { Problem::Untrusted { cause } } else { Problem::Unavailable { cause, retry_after: None } }
}

/// Whether the server's certificate was refused: trying again would not make it better.
fn is_untrusted(error: &(dyn StdError + 'static)) -> bool {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = error.downcast_ref() {
            return true;
        }
        next = cause_of(error);
    }
    false
}

/// The error and all that caused it: without the last one nobody learns that it was TLS. Without
/// the URL too, which may hold a cursor.
fn causes(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut texts = vec![error.to_string()];
    let mut next = cause_of(&error);
    while let Some(cause) = next {
        // An error of the same library inside could name the URL again; its own causes tell more.
        if !cause.is::<reqwest::Error>() {
            let text = cause.to_string();
            if texts.last() != Some(&text) {
                texts.push(text);
            }
        }
        next = cause_of(cause);
    }
    texts.join(": ")
}

/// What is behind an error. An `io::Error` names the source of the error that it wraps, but not
/// that error itself.
fn cause_of<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(wrapped) => Some(wrapped),
        None => error.source(),
    }
}
