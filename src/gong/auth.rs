//! Credentials that apply themselves to a request.
//!
//! They can be sent and they can be taken out of a text, nothing else: no accessor hands them out,
//! and `Debug` shows none of them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

use super::error::Error;
use super::oauth::OAuth;

/// What replaces a secret that a server has echoed.
pub(super) const REDACTED: &str = "[redacted]";

/// How a client shows who it is.
#[derive(Debug, Clone)]
pub enum Auth {
    /// A key pair made by a technical administrator, sent as HTTP Basic.
    Key { access_key: SecretString, access_key_secret: SecretString },
    /// An OAuth access token, sent as HTTP Bearer. Lasts one day unless it was asked for longer.
    Token { token: SecretString },
    /// An access token that is renewed when it is over, sent as HTTP Bearer.
    OAuth(OAuth),
}

impl Auth {
    pub fn key(access_key: impl Into<SecretString>, access_key_secret: impl Into<SecretString>) -> Self {
        Self::Key { access_key: access_key.into(), access_key_secret: access_key_secret.into() }
    }

    pub fn token(token: impl Into<SecretString>) -> Self {
        Self::Token { token: token.into() }
    }

    /// The value of the `Authorization` header, marked so that no log of headers shows it.
    ///
    /// # Errors
    ///
    /// [`Error::UnusableCredential`] when a part is empty or a token cannot stand in a header, as
    /// with a line break at its end.
    pub(crate) fn header(&self) -> Result<HeaderValue, Error> {
        if self.parts().contains(&"") {
            return Err(Error::UnusableCredential { what: self.name(), problem: "is empty" });
        }
        let text = match self {
            Self::Key { .. } => format!("Basic {}", self.basic()),
            Self::Token { token } => format!("Bearer {}", token.expose_secret()),
            Self::OAuth(oauth) => return Ok(oauth.header()),
        };
        let problem = "holds a character that a header cannot carry, such as a line break";
        let mut value =
            HeaderValue::try_from(text).map_err(|_| Error::UnusableCredential { what: self.name(), problem })?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// `text` without any of these credentials, should a server have echoed them.
    pub(crate) fn scrub(&self, text: &str) -> String {
        let mut clean = match self {
            Self::Key { .. } => text.replace(&self.basic(), REDACTED),
            Self::Token { .. } => text.to_owned(),
            Self::OAuth(oauth) => oauth.scrub(text),
        };
        for part in self.parts() {
            if !part.is_empty() {
                clean = clean.replace(part, REDACTED);
            }
        }
        clean
    }

    fn parts(&self) -> Vec<&str> {
        match self {
            Self::Key { access_key, access_key_secret } => {
                vec![access_key_secret.expose_secret(), access_key.expose_secret()]
            }
            Self::Token { token } => vec![token.expose_secret()],
            // They change, so they are not lent out.
            Self::OAuth(_) => Vec::new(),
        }
    }

    fn basic(&self) -> String {
        match self {
            Self::Key { access_key, access_key_secret } => {
                STANDARD.encode(format!("{}:{}", access_key.expose_secret(), access_key_secret.expose_secret()))
            }
            Self::Token { .. } | Self::OAuth(_) => String::new(),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Key { .. } => "access key",
            Self::Token { .. } | Self::OAuth(_) => "access token",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_sent_as_basic_and_a_token_as_bearer() {
        let header = |auth: Auth| auth.header().unwrap().to_str().unwrap().to_owned();
        assert_eq!(header(Auth::key("Aladdin", "open sesame")), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(header(Auth::token("ey.J.h")), "Bearer ey.J.h");
    }

    #[test]
    fn what_cannot_be_sent_is_named_without_being_shown() {
        for auth in [Auth::token("MARKER\n"), Auth::token(""), Auth::key("", "MARKER")] {
            let error = auth.header().unwrap_err();
            assert!(matches!(error, Error::UnusableCredential { .. }));
            assert!(!format!("{error} {error:?}").contains("MARKER"), "{error:?}");
        }
    }

    #[test]
    fn nothing_prints_a_secret() {
        for auth in [Auth::key("MARKER-key", "MARKER-secret"), Auth::token("MARKER-token")] {
            assert!(!format!("{auth:?} {:?}", auth.header().unwrap()).contains("MARKER"), "{auth:?}");
        }
    }

    #[test]
    fn an_echo_is_taken_out_of_a_text() {
        let auth = Auth::key("AK-1", "SK-2");
        assert_eq!(
            auth.scrub("bad Basic QUstMTpTSy0y of AK-1 and SK-2"),
            "bad Basic [redacted] of [redacted] and [redacted]"
        );
        assert_eq!(Auth::token("T-1").scrub("Bearer T-1 expired"), "Bearer [redacted] expired");
    }
}
