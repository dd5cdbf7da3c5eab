//! The `source` of a job: a Gong account or a simulated one, its address, how to sign in, how fast.
//! The other half of [`check`](super::check). Pure.

use super::base_url::{parse_base_url, parse_token_url};
use super::check::{Checker, required};
use super::decode::decode_by_key;
use super::field::{Field, Located, Secret};
use super::job::{Auth, OAuth, Source, SourceKind};
use super::node::Node;
use super::problem::{Position, quoted, quoted_url};
use super::raw;
use crate::sim::config::Config;

/// Where Gong renews OAuth tokens, for all companies.
const TOKEN_URL: &str = "https://app.gong.io/oauth2/generate-customer-token";
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
        let with_oauth = !matches!(auth.oauth, Field::Absent);
        match (with_key, with_token, with_oauth) {
            (false, false, false) => {
                let remedy = "add `access_key` and `access_key_secret`, or `token`, or `oauth`; \
                              or remove `auth` to use the environment";
                self.notes.at(position, "`source.auth` is empty", remedy);
                None
            }
            (false, true, false) => self.secret(auth.token, "source.auth.token", position, "").map(Auth::Token),
            (true, false, false) => {
                let mut part = |field, key: &str| {
                    let remedy = format!("add `{key}` to `auth`: an access key and its secret belong together");
                    self.secret(field, &format!("source.auth.{key}"), position, &remedy)
                };
                let access_key = part(auth.access_key, "access_key");
                let access_key_secret = part(auth.access_key_secret, "access_key_secret");
                Some(Auth::AccessKey { access_key: access_key?, access_key_secret: access_key_secret? })
            }
            (false, false, true) => {
                auth.oauth.present().and_then(|oauth| self.oauth(oauth)).map(Box::new).map(Auth::OAuth)
            }
            _ => {
                let remedy = "keep `access_key` and `access_key_secret`, or `token`, or `oauth`";
                self.notes.at(position, "`source.auth` has more than one way to sign in", remedy);
                None
            }
        }
    }

    fn oauth(&mut self, oauth: Located<raw::OAuth>) -> Option<OAuth> {
        let Located { value: oauth, position, .. } = oauth;
        let mut part = |field, key: &str| {
            let remedy = format!("add `{key}` to `oauth`, as Gong shows it beside the app");
            self.secret(field, &format!("source.auth.oauth.{key}"), position, &remedy)
        };
        let client_id = part(oauth.client_id, "client_id");
        let client_secret = part(oauth.client_secret, "client_secret");
        let remedy = "add `token_file: ./gong-tokens.json`, a file with Gong's answer to the authorisation code";
        let token_file = required(oauth.token_file, "source.auth.oauth.token_file", position, remedy, self.notes);
        let token_file = token_file.and_then(|file| {
            if file.value.trim().is_empty() {
                self.notes.at(file.position, "`source.auth.oauth.token_file` is empty", remedy);
                return None;
            }
            Some(file.value)
        });
        let token_url = match oauth.token_url {
            Field::Absent => parse_token_url(TOKEN_URL).ok(),
            Field::Invalid => None,
            Field::Present(url) => match parse_token_url(&url.value) {
                Ok(parsed) => Some(parsed),
                Err(error) => {
                    let message = format!("`source.auth.oauth.token_url` {error}");
                    self.notes.at(url.position, message, format!("write `{TOKEN_URL}`, or remove the key"));
                    None
                }
            },
        };
        Some(OAuth {
            client_id: client_id?,
            client_secret: client_secret?,
            token_file: token_file?,
            token_url: token_url?,
        })
    }

    /// Its value goes into no message, and neither does the text in the file, which may be the same.
    fn secret(
        &mut self,
        secret: Field<Secret>,
        path: &str,
        after: Position,
        remedy: &str,
    ) -> Option<secrecy::SecretString> {
        use secrecy::ExposeSecret;
        let secret = required(secret, path, after, remedy, self.notes)?;
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
