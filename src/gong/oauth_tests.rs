//! Tests of [`oauth`](super) over real HTTP, with a store in memory.

use std::sync::MutexGuard;

use super::*;
use crate::gong::scripted::{Reply, Server};
use crate::gong::{Client, ErrorKind, Request, Settings};

const USERS: &str = r#"{"requestId":"7b2","records":{"totalRecords":1},"users":[{"id":"1"}]}"#;

#[derive(Debug, Default)]
struct Memory {
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    access_token: Option<&'static str>,
    /// What was stored, newest last.
    granted: Vec<Granted>,
    /// Which of the calls fail.
    cannot_reserve: bool,
    cannot_replace: bool,
}

impl Memory {
    fn with(change: impl FnOnce(&mut Kept)) -> Arc<Self> {
        let memory = Self::default();
        change(&mut memory.kept());
        Arc::new(memory)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap()
    }

    fn refresh_tokens(&self) -> Vec<String> {
        self.kept().granted.iter().map(|granted| granted.refresh_token.expose_secret().to_owned()).collect()
    }
}

#[derive(Debug)]
struct Shelf(Arc<Memory>);

struct Opened(Arc<Memory>, Tokens);

impl TokenStore for Shelf {
    fn open(&self) -> Result<Box<dyn OpenStore>, StoreError> {
        let kept = self.0.kept();
        let tokens = match kept.granted.last() {
            Some(granted) => Tokens {
                refresh_token: granted.refresh_token.clone(),
                access_token: Some(granted.access_token.clone()),
                base_url: granted.base_url.clone(),
            },
            None => Tokens {
                refresh_token: "MARKER-R1".into(),
                access_token: kept.access_token.map(SecretString::from),
                base_url: None,
            },
        };
        drop(kept);
        Ok(Box::new(Opened(Arc::clone(&self.0), tokens)))
    }
}

fn fails(fails: bool) -> Result<(), StoreError> {
    if fails { Err(StoreError { what: "the shelf is full".to_owned(), remedy: "make room" }) } else { Ok(()) }
}

impl OpenStore for Opened {
    fn tokens(&self) -> &Tokens {
        &self.1
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        fails(self.0.kept().cannot_reserve)
    }

    fn replace(&mut self, granted: &Granted) -> Result<(), StoreError> {
        let mut kept = self.0.kept();
        fails(kept.cannot_replace)?;
        kept.granted.push(granted.clone());
        Ok(())
    }
}

fn tokens(number: u32) -> Reply {
    let body = serde_json::json!({
        "access_token": format!("MARKER-A{number}"), "refresh_token": format!("MARKER-R{number}"),
        "expires_in": 86_400, "token_type": "bearer", "api_base_url_for_customer": "https://us-1.api.gong.io",
    });
    Reply::ok(body.to_string())
}

async fn open(server: &Server, memory: &Arc<Memory>, wants_base_url: bool) -> Result<(OAuth, Option<String>), Error> {
    let app = App {
        client_id: "MARKER-id".into(),
        client_secret: "MARKER-secret".into(),
        token_url: server.base_url.join("oauth2/token").unwrap(),
    };
    let opened = OAuth::open(app, Arc::new(Shelf(Arc::clone(memory))), wants_base_url).await;
    assert!(!format!("{opened:?}").contains("MARKER"), "{opened:?}");
    if let Err(error) = &opened {
        assert!(!error.to_string().contains("MARKER"), "{error}");
    }
    opened
}

fn refused(opened: Result<(OAuth, Option<String>), Error>) -> OAuthError {
    match opened.unwrap_err() {
        Error::OAuth(error) => *error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_token_is_asked_for_as_gong_wants_it() {
    let (server, memory) = (Server::start(vec![tokens(2)]), Memory::with(|_| {}));
    let (oauth, base_url) = open(&server, &memory, true).await.unwrap();
    assert_eq!(oauth.header().to_str().unwrap(), "Bearer MARKER-A2");
    assert_eq!(base_url.as_deref(), Some("https://us-1.api.gong.io"));
    assert_eq!(memory.kept().granted[0].expires_in, Some(Duration::from_secs(86_400)));
    let seen = server.seen();
    assert_eq!(seen.len(), 1);
    let head = &seen[0].head;
    assert!(head.starts_with("POST /oauth2/token?grant_type=refresh_token&refresh_token=MARKER-R1 "), "{head}");
    assert!(head.contains(&format!("Basic {}", STANDARD.encode("MARKER-id:MARKER-secret"))), "{head}");
}

#[tokio::test]
async fn a_token_that_lasts_is_used_as_it_is() {
    let (server, memory) = (Server::start(vec![tokens(2)]), Memory::with(|kept| kept.access_token = Some("MARKER-A1")));
    let (oauth, _) = open(&server, &memory, false).await.unwrap();
    assert_eq!(oauth.header().to_str().unwrap(), "Bearer MARKER-A1");
    assert!(server.seen().is_empty());
    // But where it is not known whose API it is for, a new one tells.
    let (oauth, base_url) = open(&server, &memory, true).await.unwrap();
    assert_eq!((oauth.header().to_str().unwrap(), base_url.is_some()), ("Bearer MARKER-A2", true));
}

#[tokio::test]
async fn all_who_meet_the_same_refusal_share_one_token_request() {
    let (server, memory) =
        (Server::start(vec![tokens(2), tokens(3)]), Memory::with(|kept| kept.access_token = Some("MARKER-A1")));
    let (oauth, _) = open(&server, &memory, false).await.unwrap();
    let old = oauth.header();
    let all = futures_util::future::join_all((0..20).map(|_| oauth.renew(&old))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(oauth.header().to_str().unwrap(), "Bearer MARKER-A2");
    assert_eq!(memory.refresh_tokens(), ["MARKER-R2"]);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_token_that_another_process_has_stored_is_taken() {
    let (server, memory) = (Server::start(vec![tokens(9)]), Memory::with(|kept| kept.access_token = Some("MARKER-A1")));
    let (oauth, _) = open(&server, &memory, false).await.unwrap();
    memory.kept().granted.push(Granted {
        access_token: "MARKER-A2".into(),
        refresh_token: "MARKER-R2".into(),
        expires_in: None,
        base_url: None,
    });
    oauth.renew(&oauth.header()).await.unwrap();
    assert_eq!(oauth.header().to_str().unwrap(), "Bearer MARKER-A2");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_failure_is_told_to_all_and_not_repeated() {
    let used = Reply::with(400, "", r#"{"error":"invalid_grant","error_description":"MARKER-R1 is used"}"#);
    let (server, memory) = (Server::start(vec![used]), Memory::with(|kept| kept.access_token = Some("MARKER-A1")));
    let (oauth, _) = open(&server, &memory, false).await.unwrap();
    let old = oauth.header();
    for error in futures_util::future::join_all((0..5).map(|_| oauth.renew(&old))).await {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Credentials);
        assert_eq!(
            error.to_string(),
            "127.0.0.1 refused the refresh token: status 400 \"invalid_grant: [redacted] is used\""
        );
    }
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn an_outage_is_waited_out_and_other_answers_are_told_apart() {
    let (server, memory) =
        (Server::start(vec![Reply::with(503, "", ""), Reply::Reset, tokens(2)]), Memory::with(|_| {}));
    open(&server, &memory, true).await.unwrap();
    assert_eq!(memory.refresh_tokens(), ["MARKER-R2"]);

    type Is = fn(&OAuthError) -> bool;
    let cases: [(u16, &str, Is); 7] = [
        (400, r#"{"error":"invalid_client"}"#, |error| matches!(error, OAuthError::ClientRefused { .. })),
        (401, "", |error| matches!(error, OAuthError::ClientRefused { .. })),
        (400, r#"{"errors":["MARKER-secret"]}"#, |error| matches!(error, OAuthError::TokenRefused { .. })),
        (404, "<html>", |error| matches!(error, OAuthError::Refused { .. })),
        (302, "", |error| matches!(error, OAuthError::Refused { .. })),
        (200, "<html>MARKER", |error| matches!(error, OAuthError::NotUnderstood { .. })),
        (200, r#"{"access_token":""}"#, |error| matches!(error, OAuthError::NotUnderstood { .. })),
    ];
    for (status, body, is) in cases {
        let (server, memory) = (Server::start(vec![Reply::with(status, "", body)]), Memory::with(|_| {}));
        let error = refused(open(&server, &memory, true).await);
        assert!(is(&error) && !error.remedy().is_empty(), "{status} {body}: {error:?}");
        assert!(memory.refresh_tokens().is_empty());
    }
}

#[tokio::test]
async fn no_token_is_spent_that_could_not_be_stored_and_none_used_that_was_not() {
    let (server, memory) = (Server::start(vec![tokens(2)]), Memory::with(|kept| kept.cannot_reserve = true));
    assert_eq!(refused(open(&server, &memory, true).await), OAuthError::Store(fails(true).unwrap_err()));
    assert!(server.seen().is_empty());
    let memory = Memory::with(|kept| kept.cannot_replace = true);
    let error = refused(open(&server, &memory, true).await);
    assert_eq!(error.to_string(), "OAuth tokens were renewed, but not stored: the shelf is full");
    assert_eq!(error.remedy(), "make room");
}

#[tokio::test]
async fn a_client_whose_token_ends_goes_on_with_the_next_and_gives_up_after_that() {
    let refusal = || Reply::refusal(401, "", "MARKER-A1 and MARKER-A2 have expired");
    for (second, is_answered) in [(Reply::ok(USERS), true), (refusal(), false)] {
        let api = Server::start(vec![refusal(), second]);
        let (server, memory) =
            (Server::start(vec![tokens(2), tokens(3)]), Memory::with(|kept| kept.access_token = Some("MARKER-A1")));
        let (oauth, _) = open(&server, &memory, false).await.unwrap();
        let client = Client::new(Settings { auth: Auth::OAuth(oauth), ..api.settings() }).unwrap();
        let answer = client.fetch(&Request::users()).await;
        assert_eq!(answer.is_ok(), is_answered, "{answer:?}");
        if let Err(error) = answer {
            assert!(
                matches!(error, Error::Unauthorized { .. }) && !format!("{error:?}").contains("MARKER"),
                "{error:?}"
            );
        }
        let seen = api.seen();
        let sent: Vec<_> = seen.iter().map(|seen| seen.head.contains("Bearer MARKER-A1")).collect();
        assert_eq!(sent, [true, false]);
        // Token requests are none of the API's.
        assert_eq!((client.usage().requests, client.usage().retries, server.seen().len()), (2, 1, 1));
    }
}

#[tokio::test]
async fn plain_http_leaves_the_machine_for_no_token_url() {
    let app = App {
        client_id: "MARKER-id".into(),
        client_secret: "MARKER-secret".into(),
        token_url: Url::parse("http://app.gong.example/token").unwrap(),
    };
    let opened = OAuth::open(app, Arc::new(Shelf(Memory::with(|_| {}))), true).await;
    assert!(matches!(opened, Err(Error::BaseUrl { .. })), "{opened:?}");
}
