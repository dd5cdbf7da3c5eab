//! Delivers the notification, or says in the log that it could not. Never fails a run.
//!
//! Address, headers and the server's answer are secret: an error says what kind of thing went wrong,
//! in words of this file, and repeats nothing that came from a library or from the other side.

use std::error::Error as StdError;
use std::io;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret;

use super::ending::Ending;
use super::message::Message;
use crate::spec::Notify;

const USER_AGENT: &str = concat!("gong-export/", env!("CARGO_PKG_VERSION"));

/// How long one attempt may take, from connecting to the head of the answer.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The pauses between the attempts, of which there is one more.
const PAUSES: [Duration; 2] = [Duration::from_secs(1), Duration::from_secs(4)];

/// Why an attempt came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::cli) enum NotifyError {
    #[error("the connection cannot be set up")]
    Setup,
    #[error("no answer within {} seconds", .0.as_secs_f64())]
    Timeout(Duration),
    #[error("could not connect{}", cause(.0))]
    Connect(Option<io::ErrorKind>),
    #[error("the server's certificate is not trusted")]
    Untrusted,
    #[error("the connection broke{}", cause(.0))]
    Broken(Option<io::ErrorKind>),
    #[error("answered with status {}{}", .0, redirect_note(.0))]
    Status(u16),
}

fn cause(kind: &Option<io::ErrorKind>) -> String {
    kind.map_or_else(String::new, |kind| format!(", {kind}"))
}

fn redirect_note(status: &u16) -> &'static str {
    if (300..400).contains(status) { ", and redirects are not followed" } else { "" }
}

impl NotifyError {
    /// Whether another attempt may fare better.
    fn is_passing(self) -> bool {
        match self {
            Self::Timeout(_) | Self::Connect(_) | Self::Broken(_) => true,
            Self::Status(status) => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Setup | Self::Untrusted => false,
        }
    }
}

/// Tells the address of `notify` how the run ended. Takes at most 35 seconds; of a run that somebody
/// interrupted, who waits for its end, only a third of it.
pub(super) async fn notify(notify: &Notify, ending: &Ending<'_>) {
    let pauses = if ending.is_interrupted() { &[][..] } else { &PAUSES[..] };
    if let Err(error) = deliver(notify, &Message::new(ending).json(), TIMEOUT, pauses).await {
        tracing::warn!(event = "notify_failed", error = %error, "could not tell the address in `notify` how the run ended");
    }
}

/// Whether the host of `notify` answers at all, without telling anybody anything: only the way there is
/// tried, with a request for the host's front page that carries neither the address's path nor the
/// headers, and any answer will do. Whether it would accept a notification only one can show, and a
/// check is run too often to ring a bell each time.
pub(in crate::cli) async fn reach(notify: &Notify) -> Result<(), NotifyError> {
    let mut url = notify.url.clone();
    url.set_path("/");
    url.set_query(None);
    let host = Notify { url, on: notify.on, headers: Vec::new() };
    let request = client(&host, TIMEOUT)?.head(host.url.clone());
    request.send().await.map(drop).map_err(|error| error_of(&error, TIMEOUT))
}

/// Sends `document` until it is accepted, at most once more than there are pauses.
async fn deliver(notify: &Notify, document: &str, timeout: Duration, pauses: &[Duration]) -> Result<(), NotifyError> {
    let client = client(notify, timeout)?;
    let mut pauses = pauses.iter();
    loop {
        let error = match attempt(&client, notify, document, timeout).await {
            Ok(()) => return Ok(()),
            Err(error) => error,
        };
        match pauses.next() {
            Some(pause) if error.is_passing() => tokio::time::sleep(*pause).await,
            _ => return Err(error),
        }
    }
}

/// Of the answer only the status is looked at, so there is no body that could be too long.
async fn attempt(
    client: &reqwest::Client,
    notify: &Notify,
    document: &str,
    timeout: Duration,
) -> Result<(), NotifyError> {
    let request = client.post(notify.url.clone()).header(CONTENT_TYPE, "application/json").body(document.to_owned());
    let answer = request.send().await.map_err(|error| error_of(&error, timeout))?;
    if answer.status().is_success() { Ok(()) } else { Err(NotifyError::Status(answer.status().as_u16())) }
}

fn client(notify: &Notify, timeout: Duration) -> Result<reqwest::Client, NotifyError> {
    // A run that ends early has not chosen a library for TLS yet; one that did keeps its choice.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut headers = HeaderMap::new();
    for header in &notify.headers {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| NotifyError::Setup)?;
        let mut value = HeaderValue::from_str(header.value.expose_secret()).map_err(|_| NotifyError::Setup)?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let mut builder = reqwest::Client::builder()
        .user_agent(USER_AGENT)
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        .timeout(timeout);
    if notify.url.scheme() == "http" {
        // Plain http is for this machine only: no proxy on the way, no certificates to read.
        builder = builder.no_proxy().tls_certs_only([]);
    }
    builder.build().map_err(|_| NotifyError::Setup)
}

fn error_of(error: &reqwest::Error, timeout: Duration) -> NotifyError {
    let mut kind = None;
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(cause) = next {
        if let Some(rustls::Error::InvalidCertificate(_)) = cause.downcast_ref() {
            return NotifyError::Untrusted;
        }
        let io = cause.downcast_ref::<io::Error>();
        // `Other` says nothing that is worth reading.
        kind = io.map(io::Error::kind).filter(|kind| *kind != io::ErrorKind::Other).or(kind);
        // An `io::Error` names the source of the error that it wraps, but not that error itself.
        next = match io.and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        };
    }
    if error.is_timeout() {
        NotifyError::Timeout(timeout)
    } else if error.is_connect() {
        NotifyError::Connect(kind)
    } else {
        NotifyError::Broken(kind)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use secrecy::SecretString;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;
    use crate::spec::{NotifyHeader, NotifyOn};

    const SECRET: &str = "hush-hush";

    /// A server that gives each connection the next of `answers`, and keeps what it was sent. An empty
    /// answer closes the connection.
    async fn server(answers: &[&'static str]) -> (Notify, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let answers = answers.to_vec();
        let kept = Arc::clone(&seen);
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"}") {
                    if stream.read_buf(&mut request).await.unwrap() == 0 {
                        break;
                    }
                }
                kept.lock().unwrap().push(String::from_utf8(request).unwrap());
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        (to(&format!("http://{address}/{SECRET}?token={SECRET}")), seen)
    }

    fn to(url: &str) -> Notify {
        let header = NotifyHeader { name: "X-Token".to_owned(), value: SecretString::from(SECRET) };
        Notify { url: url.parse().unwrap(), on: NotifyOn::Always, headers: vec![header] }
    }

    async fn deliver_to(notify: &Notify) -> Result<(), NotifyError> {
        deliver(notify, "{\"a\":1}", Duration::from_secs(5), &[Duration::ZERO; 2]).await
    }

    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
    const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
    const GONE: &str = "HTTP/1.1 404 hush-hush\r\ncontent-length: 9\r\nconnection: close\r\n\r\nhush-hush";
    const MOVED: &str = "HTTP/1.1 307 Moved\r\nlocation: /hush-hush\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn the_document_arrives_with_the_headers() {
        let (notify, seen) = server(&[OK]).await;
        deliver_to(&notify).await.unwrap();
        let request = seen.lock().unwrap()[0].to_lowercase();
        assert!(request.starts_with("post /hush-hush?token=hush-hush http/1.1\r\n"), "{request}");
        for line in ["x-token: hush-hush", "content-type: application/json", "user-agent: gong-export/"] {
            assert!(request.contains(&format!("\r\n{line}")), "{line}: {request}");
        }
        assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    }

    #[tokio::test]
    async fn what_passes_is_tried_again() {
        let (notify, seen) = server(&[BUSY, "", OK]).await;
        deliver_to(&notify).await.unwrap();
        assert_eq!(seen.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn three_attempts_are_enough() {
        let (notify, seen) = server(&[BUSY, BUSY, BUSY, OK]).await;
        assert_eq!(deliver_to(&notify).await, Err(NotifyError::Status(503)));
        assert_eq!(seen.lock().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn what_does_not_pass_is_not_tried_again_and_no_redirect_is_followed() {
        for (answer, status) in [(GONE, 404), (MOVED, 307)] {
            let (notify, seen) = server(&[answer, OK]).await;
            assert_eq!(deliver_to(&notify).await, Err(NotifyError::Status(status)));
            assert_eq!(seen.lock().unwrap().len(), 1);
        }
    }

    #[tokio::test]
    async fn a_server_that_does_not_answer_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let notify = to(&format!("http://{}/", listener.local_addr().unwrap()));
        let limit = Duration::from_millis(50);
        assert_eq!(deliver(&notify, "{}", limit, &[]).await, Err(NotifyError::Timeout(limit)));
    }

    #[tokio::test]
    async fn no_error_tells_a_secret() {
        let closed = {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            listener.local_addr().unwrap()
        };
        let (tls, _) = server(&[GONE]).await;
        let mut tls = tls;
        tls.url = tls.url.as_str().replace("http://", "https://").parse().unwrap();
        let (gone, _) = server(&[GONE]).await;
        let mut texts = Vec::new();
        for notify in [to(&format!("http://{closed}/{SECRET}")), tls, gone] {
            let error = deliver(&notify, "{\"a\":1}", Duration::from_secs(5), &[]).await.unwrap_err();
            texts.push(error.to_string());
            assert!(!format!("{error} {error:?} {notify:?}").contains(SECRET), "{error:?} {notify:?}");
        }
        assert_eq!(texts[0], "could not connect, connection refused");
        assert_eq!(texts[2], "answered with status 404");
    }
}
