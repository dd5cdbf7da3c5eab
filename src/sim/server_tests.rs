//! The simulator over its own port, asked by an HTTP client that knows nothing of it.

use serde_json::{Value, json};

use super::fault::{Damage, Effect};
use super::{Clock, Config, Error, Fault, Running, start};

const NOW: &str = "2026-03-20T12:00:00Z";

async fn running(config: Config) -> Running {
    start(config, Clock::fixed(NOW.parse().unwrap()), None).await.unwrap()
}

fn unlimited() -> Config {
    Config { requests_per_second: 0, ..Config::default() }
}

fn client() -> reqwest::Client {
    // Several parts of a process may choose the crypto provider; the first one wins.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

fn request(running: &Running, path: &str, body: Option<Value>) -> reqwest::RequestBuilder {
    let url = running.base_url().join(path).unwrap();
    let builder = match body {
        Some(body) => client().post(url).header("content-type", "application/json").body(body.to_string()),
        None => client().get(url),
    };
    builder.basic_auth(running.access_key(), Some(running.access_key_secret()))
}

async fn json(response: reqwest::Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

fn window() -> Value {
    json!({ "filter": { "fromDateTime": "2026-03-02T00:00:00Z", "toDateTime": "2026-03-07T00:00:00Z" } })
}

const EXTENSIVE: &str = "v2/calls/extensive";

#[tokio::test]
async fn serves_what_it_says_is_true() {
    let running = running(unlimited()).await;
    let page = json(request(&running, EXTENSIVE, Some(window())).send().await.unwrap()).await;
    let path = "_simulator/truth/calls?from=2026-03-02T00:00:00Z&to=2026-03-07T00:00:00Z";
    let truth = json(request(&running, path, None).send().await.unwrap()).await;
    assert_eq!(page["records"]["totalRecords"], truth.as_array().unwrap().len());
    assert_eq!(page["calls"][3]["metaData"]["id"], truth[3]["call_id"]);
    for path in ["parties", "transcripts"] {
        let path = format!("_simulator/truth/{path}?from=2026-03-02T00:00:00Z&to=2026-03-03T00:00:00Z");
        assert!(!json(request(&running, &path, None).send().await.unwrap()).await.as_array().unwrap().is_empty());
    }
    for path in ["activity?from=2026-03-02&to=2026-03-03", "reviews?from=2026-03-02&to=2026-03-06", "library"] {
        let path = format!("_simulator/truth/{path}");
        assert!(!json(request(&running, &path, None).send().await.unwrap()).await.as_array().unwrap().is_empty());
    }
    // Only the request to the API is logged.
    let requests = running.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].path.as_str(), requests[0].status), ("/v2/calls/extensive", 200));
    running.shutdown().await;
}

#[tokio::test]
async fn strangers_and_the_hasty_are_turned_away() {
    let running = running(Config { requests_per_day: 2, ..unlimited() }).await;
    let stranger = client().get(running.base_url().join("v2/users").unwrap()).send().await.unwrap();
    assert_eq!(stranger.status(), 401);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        statuses.push(request(&running, "v2/users", None).send().await.unwrap());
    }
    assert_eq!(statuses[0].status(), 200);
    assert_eq!(
        (statuses[2].status().as_u16(), &statuses[2].headers()["retry-after"]),
        (429, &"43200".parse().unwrap())
    );
    let stats = running.stats();
    assert_eq!((stats.requests, stats.throttled, stats.unauthorized), (4, 1, 1));
}

#[tokio::test]
async fn connections_are_cut_as_scripted() {
    let running = running(unlimited()).await;
    for effect in [Effect::ResetBefore, Effect::ResetAfter, Effect::Truncated] {
        running.inject(Fault::first("/v2/users", effect.clone()));
        let read = match request(&running, "v2/users", None).send().await {
            Ok(response) => response.bytes().await.map(|_| ()),
            Err(error) => Err(error),
        };
        assert!(read.is_err(), "{effect:?}");
        assert_eq!(request(&running, "v2/users", None).send().await.unwrap().status(), 200);
        running.clear_faults();
    }
    running.inject(Fault::first("/v2/users", Effect::StallMidBody { ms: 5 }));
    let users = json(request(&running, "v2/users", None).send().await.unwrap()).await;
    assert_eq!(users["users"].as_array().map(Vec::len), Some(25));
}

#[tokio::test]
async fn answers_are_replaced_as_scripted() {
    let running = running(unlimited()).await;
    let throttle = |after: Option<&str>| Effect::Throttle { retry_after: after.map(str::to_owned) };
    running.inject(Fault::first(EXTENSIVE_PATH, throttle(Some("Wed, 21 Oct 2026 07:28:00 GMT"))));
    running.inject(Fault::first(EXTENSIVE_PATH, throttle(None)).at(2));
    running.inject(Fault::first(EXTENSIVE_PATH, Effect::Html).at(3));
    running.inject(Fault::first(EXTENSIVE_PATH, Effect::Redirect { to: "https://other.example/".to_owned() }).at(4));
    let damage = Effect::Damage { record: 1, damage: Damage::MissingId };
    running.inject(Fault::first(EXTENSIVE_PATH, damage).at(5));
    let mut answers = Vec::new();
    for _ in 0..6 {
        answers.push(request(&running, EXTENSIVE, Some(window())).send().await.unwrap());
    }
    let statuses: Vec<u16> = answers.iter().map(|answer| answer.status().as_u16()).collect();
    assert_eq!(statuses, [429, 429, 200, 307, 200, 200]);
    assert_eq!(answers[0].headers()["retry-after"], "Wed, 21 Oct 2026 07:28:00 GMT");
    assert!(!answers[1].headers().contains_key("retry-after"));
    assert_eq!(answers[2].headers()["content-type"], "text/html");
    assert_eq!(answers[3].headers()["location"], "https://other.example/");
    let whole = json(answers.pop().unwrap()).await;
    let damaged = json(answers.pop().unwrap()).await;
    assert!(damaged["calls"][1]["metaData"].get("id").is_none());
    assert_eq!(damaged["calls"][2], whole["calls"][2]);
    assert_eq!(running.stats().faults, 5);
}

const EXTENSIVE_PATH: &str = "/v2/calls/extensive";

#[tokio::test]
async fn a_page_can_come_again_and_a_cursor_be_refused() {
    let running = running(unlimited()).await;
    let first = json(request(&running, EXTENSIVE, Some(window())).send().await.unwrap()).await;
    let mut next = window();
    next["cursor"] = first["records"]["cursor"].clone();
    running.inject(Fault::first(EXTENSIVE_PATH, Effect::RepeatPage));
    let again = json(request(&running, EXTENSIVE, Some(next.clone())).send().await.unwrap()).await;
    assert_eq!(again["calls"], first["calls"]);
    running.inject(Fault::first(EXTENSIVE_PATH, Effect::RefuseCursor { error: "cursor has expired".to_owned() }));
    assert_eq!(request(&running, EXTENSIVE, Some(next)).send().await.unwrap().status(), 400);
}

#[tokio::test]
async fn scripts_and_time_come_over_http_too() {
    let running = running(unlimited()).await;
    let fault = json!({ "path": "/v2/users", "effect": { "kind": "status", "status": 503 } });
    let control = |path: &str, body: Value| request(&running, path, Some(body)).send();
    assert_eq!(control("_simulator/faults", fault).await.unwrap().status(), 200);
    assert_eq!(request(&running, "v2/users", None).send().await.unwrap().status(), 503);
    assert_eq!(control("_simulator/faults", json!({ "effect": 1 })).await.unwrap().status(), 400);
    let time = json!({ "now": "2026-03-25T00:00:00Z" });
    assert_eq!(control("_simulator/clock", time).await.unwrap().status(), 200);
    assert_eq!(running.clock().now().to_rfc3339(), "2026-03-25T00:00:00+00:00");
    let log = json(request(&running, "_simulator/requests", None).send().await.unwrap()).await;
    assert_eq!(log["requests"][0]["status"], 503);
}

#[tokio::test]
async fn settings_out_of_range_are_refused() {
    let config = Config { users: 0, ..Config::default() };
    let error = start(config, Clock::fixed(NOW.parse().unwrap()), None).await.unwrap_err();
    assert!(matches!(error, Error::Config(found) if found.len() == 1));
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_accept_it() {
    let running = running(Config { gzip: true, ..unlimited() }).await;
    let plain =
        request(&running, EXTENSIVE, Some(window())).header("accept-encoding", "identity").send().await.unwrap();
    // The client decompresses, and drops the length of what it received.
    let compressed = request(&running, EXTENSIVE, Some(window())).send().await.unwrap();
    assert!(plain.content_length().is_some() && compressed.content_length().is_none());
    assert_eq!(json(plain).await["calls"], json(compressed).await["calls"]);
}
