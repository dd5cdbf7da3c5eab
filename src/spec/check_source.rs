//! The `source` of a job: a Gong account or a simulated one, its address, how to sign in, how fast.
//! The other half of [`check`](super::check). Pure.

use super::base_url::parse_base_url;
use super::check::{Checker, required};
use super::decode::decode_by_key;
use super::field::{Field, Located, Secret};
use super::job::{Auth, Source, SourceKind};
use super::node::Node;
use super::problem::{Position, quoted, quoted_url};
use super::raw;
use crate::sim::config::Config;

/// Gong's own limits.
const REQUESTS_PER_SECOND: f64 = 3.0;
const REQUESTS_PER_DAY: u64 = 10_000;
/// Far beyond what any account is granted; more is a slip of the finger.
const REQUESTS_PER_SECOND_MAX: f64 = 100.0;

impl Checker<'_> {
    pub(super) fn source(&mut self, source: Field<raw::Source>) -> Option<Source> {
        let source = match source {
            Field::Absent => raw::Source::default(),
            Field::Invalid => return None,
            Field::Present(source) => source.value,
        };
        let requests_per_second = self.requests_per_second(source.requests_per_second);
        let requests_per_day = self.requests_per_day(source.requests_per_day);
        let kind = match source.simulator {
            Field::Invalid => None,
            Field::Absent => self.gong(source.base_url, source.auth),
            Field::Present(simulator) => {
                let mut alone = true;
                for (key, given) in [
                    ("base_url", !matches!(source.base_url, Field::Absent)),
                    ("auth", !matches!(source.auth, Field::Absent)),
                ] {
                    if given {
                        let message = format!("`source.simulator` and `source.{key}` exclude each other");
                        let remedy = format!("remove `simulator` to read from Gong, or `{key}` to read invented data");
                        self.notes.at(simulator.position, message, remedy);
                        alone = false;
                    }
                }
                self.simulator().filter(|_| alone)
            }
        };
        Some(Source { requests_per_second: requests_per_second?, requests_per_day: requests_per_day?, kind: kind? })
    }

    fn requests_per_second(&mut self, rate: Field<f64>) -> Option<f64> {
        let rate = match rate {
            Field::Absent => return Some(REQUESTS_PER_SECOND),
            Field::Invalid => return None,
            Field::Present(rate) => rate,
        };
        if rate.value > 0.0 && rate.value <= REQUESTS_PER_SECOND_MAX {
            return Some(rate.value);
        }
        let message = format!(
            "`source.requests_per_second` must be above 0 and at most {REQUESTS_PER_SECOND_MAX}, not {}",
            quoted(&rate.shown)
        );
        self.notes.at(rate.position, message, "write `3`, which is what Gong allows, or less");
        None
    }

    fn requests_per_day(&mut self, count: Field<u64>) -> Option<u64> {
        let count = match count {
            Field::Absent => return Some(REQUESTS_PER_DAY),
            Field::Invalid => return None,
            Field::Present(count) => count,
        };
        if count.value > 0 {
            return Some(count.value);
        }
        let message = format!("`source.requests_per_day` must be 1 or more, not {}", quoted(&count.shown));
        self.notes.at(count.position, message, "write `10000`, which is what Gong allows, or less");
        None
    }

    fn gong(&mut self, base_url: Field<String>, auth: Field<raw::Auth>) -> Option<SourceKind> {
        let base_url = match base_url {
            Field::Absent => Some(None),
            Field::Invalid => None,
            Field::Present(url) => match parse_base_url(&url.value) {
                Ok(parsed) => Some(Some(parsed)),
                Err(error) => {
                    let message = format!("{} in `source.base_url` {error}", quoted_url(&url.shown));
                    self.notes.at(url.position, message, error.remedy());
                    None
                }
            },
        };
        let auth = match auth {
            Field::Absent => Some(None),
            Field::Invalid => None,
            Field::Present(auth) => self.auth(auth).map(Some),
        };
        Some(SourceKind::Gong { base_url: base_url?, auth: auth? })
    }

    fn auth(&mut self, auth: Located<raw::Auth>) -> Option<Auth> {
        let Located { value: auth, position, .. } = auth;
        let with_key = !matches!((&auth.access_key, &auth.access_key_secret), (Field::Absent, Field::Absent));
        let with_token = !matches!(auth.token, Field::Absent);
        match (with_key, with_token) {
            (true, true) => {
                let remedy = "keep `access_key` and `access_key_secret`, or `token`";
                self.notes.at(position, "`source.auth` has both an access key and a token", remedy);
                None
            }
            (false, false) => {
                let remedy =
                    "add `access_key` and `access_key_secret`, or `token`; or remove `auth` to use the environment";
                self.notes.at(position, "`source.auth` is empty", remedy);
                None
            }
            (false, true) => self.secret(auth.token, "token", position).map(Auth::Token),
            (true, false) => {
                let access_key = self.secret(auth.access_key, "access_key", position);
                let access_key_secret = self.secret(auth.access_key_secret, "access_key_secret", position);
                Some(Auth::AccessKey { access_key: access_key?, access_key_secret: access_key_secret? })
            }
        }
    }

    /// Its value goes into no message, and neither does the text in the file, which may be the same.
    fn secret(&mut self, secret: Field<Secret>, key: &str, after: Position) -> Option<secrecy::SecretString> {
        use secrecy::ExposeSecret;
        let path = format!("source.auth.{key}");
        let remedy = format!("add `{key}` to `auth`: an access key and its secret belong together");
        let secret = required(secret, &path, after, &remedy, self.notes)?;
        let text = secret.value.0.expose_secret();
        let message = if text.trim().is_empty() {
            format!("`{path}` is empty")
        } else if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            format!("`{path}` holds spaces or line breaks")
        } else {
            return Some(secret.value.0);
        };
        self.notes.at(secret.position, message, "check the variable or the value; it should be as Gong shows it");
        None
    }

    /// Its switches describe themselves; here they only get their positions.
    fn simulator(&mut self) -> Option<SourceKind> {
        const PATH: &str = "source.simulator";
        let tree: &Node = self.tree;
        let entry = tree.get("source")?.value.get("simulator")?;
        let config: Config = decode_by_key(&entry.value, PATH, self.notes)?;
        let Err(invalid) = config.check() else {
            return Some(SourceKind::Simulator(Box::new(config)));
        };
        for invalid in invalid {
            let (position, from_variable) = match entry.value.get(invalid.field) {
                Some(field) => (field.value.position, field.value.has_variables()),
                None => (entry.position, false),
            };
            // The reason quotes the value.
            let reason = if from_variable { "has a value that cannot be simulated" } else { invalid.reason.as_str() };
            self.notes.at(
                position,
                format!("`{PATH}.{}` {reason}", invalid.field),
                "`gong-export simulator --help` describes every switch",
            );
        }
        None
    }
}
