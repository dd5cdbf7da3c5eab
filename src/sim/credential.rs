//! Who is let in: the access key by Basic, or the token by Bearer, until it expires.
//!
//! The token endpoint exchanges each refresh token once, as the original does. The first one is
//! `simulator-refresh`, the client's id and secret are the access key and its secret.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::json;

use super::config::Config;
use super::handler::{Reply, Request};

/// Where tokens are refreshed.
pub(super) const TOKEN_PATH: &str = "/oauth2/generate-customer-token";

#[derive(Debug, Default)]
pub(super) struct Credential {
    /// How often the token has been refreshed.
    generation: u64,
    /// Requests let in since then.
    used: u64,
}

impl Credential {
    /// Why a request is not let in; `None` lets it in. The texts are guessed.
    pub(super) fn refuse(&mut self, config: &Config, request: &Request) -> Option<&'static str> {
        let Some(authorization) = &request.authorization else {
            return Some("Authorization header is missing");
        };
        let key = basic(config);
        let token = format!("Bearer {}", self.access_token(config));
        if *authorization != key && *authorization != token {
            return Some("Invalid credentials");
        }
        self.used += 1;
        let is_expired = config.expire_token_after > 0 && self.used > config.expire_token_after;
        is_expired.then_some("The access token has expired")
    }

    fn access_token(&self, config: &Config) -> String {
        match self.generation {
            0 => config.access_token.clone(),
            generation => format!("{}-{generation}", config.access_token),
        }
    }

    fn refresh_token(&self) -> String {
        match self.generation {
            0 => "simulator-refresh".to_owned(),
            generation => format!("simulator-refresh-{generation}"),
        }
    }

    /// Answers the token endpoint; `base_url` is what the customer's requests are to be sent to.
    pub(super) fn refresh(&mut self, config: &Config, request: &Request, base_url: &str) -> Reply {
        let form: Vec<(String, String)> =
            url::form_urlencoded::parse(&request.body).map(|(k, v)| (k.into_owned(), v.into_owned())).collect();
        let in_form = |name: &str| form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let parameter = |name| request.query(name).or_else(|| in_form(name));
        let refused = |status, error| Reply::json(status, json!({ "error": error }).to_string().into_bytes());
        if request.authorization.as_deref() != Some(basic(config).as_str()) {
            return refused(401, "invalid_client");
        }
        let is_current = parameter("refresh_token") == Some(self.refresh_token().as_str());
        if parameter("grant_type") != Some("refresh_token") || !is_current {
            return refused(400, "invalid_grant");
        }
        self.generation += 1;
        self.used = 0;
        let body = json!({
            "access_token": self.access_token(config), "refresh_token": self.refresh_token(), "expires_in": 86_400,
            "token_type": "bearer", "scope": super::config::SCOPES.join(" "), "api_base_url_for_customer": base_url,
        });
        Reply::json(200, body.to_string().into_bytes())
    }
}

fn basic(config: &Config) -> String {
    format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", config.access_key, config.access_key_secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(authorization: &str) -> Request {
        Request { authorization: Some(authorization.to_owned()), ..Request::default() }
    }

    #[test]
    fn key_and_token_are_let_in_and_others_are_not() {
        let config = Config::default();
        let mut credential = Credential::default();
        assert_eq!(credential.refuse(&config, &with(&basic(&config))), None);
        assert_eq!(credential.refuse(&config, &with("Bearer simulator-token")), None);
        assert!(credential.refuse(&config, &with("Bearer other")).is_some());
        assert!(credential.refuse(&config, &Request::default()).is_some());
    }

    #[test]
    fn an_expired_token_works_again_once_refreshed_and_each_refresh_token_once() {
        let config = Config { expire_token_after: 1, ..Config::default() };
        let mut credential = Credential::default();
        let old = with("Bearer simulator-token");
        assert_eq!(credential.refuse(&config, &old), None);
        assert!(credential.refuse(&config, &old).is_some());
        let ask = Request {
            query: vec![
                ("grant_type".to_owned(), "refresh_token".to_owned()),
                ("refresh_token".to_owned(), "simulator-refresh".to_owned()),
            ],
            ..with(&basic(&config))
        };
        let reply = credential.refresh(&config, &ask, "http://127.0.0.1:1/");
        let answer: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
        assert_eq!((reply.status, &answer["api_base_url_for_customer"]), (200, &json!("http://127.0.0.1:1/")));
        let token = format!("Bearer {}", answer["access_token"].as_str().unwrap());
        assert_eq!(credential.refuse(&config, &with(&token)), None);
        assert!(credential.refuse(&config, &old).is_some());
        assert_eq!(credential.refresh(&config, &ask, "").status, 400);
    }
}
