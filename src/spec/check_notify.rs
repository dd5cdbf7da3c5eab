//! The `notify` of a job: whom to tell how a run ended. A part of [`check`](super::check). Pure.
//!
//! Address and headers are as good as a password: who knows them can write to the channel. So no
//! message shows any of it, not even what stands in the file.

use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::base_url::is_loopback;
use super::check::{Checker, required};
use super::field::{Field, Located, Secret};
use super::job::{Notify, NotifyHeader};
use super::problem::Position;
use super::raw::{self, NOTIFY_PATH};

/// Headers that belong to the request itself, so that a job cannot break it.
const RESERVED: [&str; 6] = ["connection", "content-length", "content-type", "host", "transfer-encoding", "user-agent"];

impl Checker<'_> {
    /// `None` only with a problem noted; the inner `None` for a job without `notify`.
    pub(super) fn notify(&mut self, notify: Field<raw::Notify>) -> Option<Option<Notify>> {
        let Located { value: notify, position, .. } = match notify {
            Field::Absent => return Some(None),
            Field::Invalid => return None,
            Field::Present(notify) => notify,
        };
        let url = self.notify_url(notify.url, position);
        let on = match notify.on {
            Field::Absent => Some(raw::NotifyOn::default()),
            Field::Invalid => None,
            Field::Present(on) => Some(on.value),
        };
        let headers = match notify.headers {
            Field::Absent => Some(Vec::new()),
            Field::Invalid => None,
            Field::Present(headers) => {
                let count = headers.value.len();
                let headers: Vec<_> =
                    headers.value.into_iter().filter_map(|(name, value)| self.notify_header(name, value)).collect();
                (headers.len() == count).then_some(headers)
            }
        };
        Some(Some(Notify { url: url?, on: on?, headers: headers? }))
    }

    fn notify_url(&mut self, url: Field<Secret>, after: Position) -> Option<Url> {
        let path = format!("{NOTIFY_PATH}.url");
        let remedy = "add `url: ${NOTIFY_URL}` below `notify:`, or remove `notify`";
        let url = required(url, &path, after, remedy, self.notes)?;
        let problem = match Url::parse(url.value.0.expose_secret().trim()) {
            Err(_) => "is not a URL",
            Ok(parsed) => match (parsed.scheme(), parsed.host()) {
                (_, None) => "is not a URL of a web server",
                ("https", Some(_)) => return Some(parsed),
                ("http", Some(host)) if is_loopback(&host) => return Some(parsed),
                ("http", Some(_)) => "is plain http, by which anybody on the way could read it",
                _ => "is neither https nor http",
            },
        };
        let remedy = "check the variable or the value; it should begin with `https://`, or with `http://` for this \
                      machine only (localhost, 127.0.0.1, [::1])";
        self.notes.at(url.position, format!("`{path}` {problem}"), remedy);
        None
    }

    fn notify_header(&mut self, name: String, value: Field<Secret>) -> Option<NotifyHeader> {
        let Located { value, position, .. } = value.present()?;
        let path = format!("{NOTIFY_PATH}.headers");
        if name.is_empty() || !name.bytes().all(is_token) {
            let message = format!("a name in `{path}` is not the name of a header");
            self.notes.at(position, message, "write a name such as `Authorization`, then a colon and a space");
            return None;
        }
        if RESERVED.iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
            let message = format!("a name in `{path}` is one that gong-export sets itself");
            self.notes.at(position, message, format!("remove it; these cannot be set: {}", RESERVED.join(", ")));
            return None;
        }
        let text = value.0.expose_secret().trim();
        if text.is_empty() || !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
            let message = format!("a value in `{path}` is empty or cannot be sent");
            self.notes.at(position, message, "check the variable or the value; only ASCII on one line can be sent");
            return None;
        }
        Some(NotifyHeader { name, value: SecretString::from(text) })
    }
}

/// Whether HTTP allows it in the name of a header.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
