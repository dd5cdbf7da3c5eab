//! Tests of [`client`](super): the loop alone under paused time, and the whole over real HTTP.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::*;
use crate::gong::error::{BaseUrlProblem, ErrorKind};
use crate::gong::page::BadPage;
use crate::gong::scripted::{Reply, Server};

const TWO_USERS: &str = r#"{"requestId":"7b2","records":{"totalRecords":2},"users":[{"id":"1"},{"id":"2"}]}"#;

/// `{"users":[{"id":"1"},{"id":"2"}]}`, compressed.
const TWO_USERS_GZIP: &str = "H4sIAAAAAAACA6tWKi1OLSpWsoquVspMUbJSMlSq1YEyjZRqY2sB7+l8UiEAAAA=";

/// 200,000 blanks and an empty page, compressed.
const BLANKS_GZIP: &str = "\
    H4sIAAAAAAACA+3BMQ0AIAwAMCvLZGCFcGKAhYvgHQ38bSMAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\
    AAAAgF8nd81V2fq4DzpaIkVMDQMA";

fn client(server: &Server, change: impl FnOnce(&mut Settings)) -> Client {
    let mut settings = server.settings();
    change(&mut settings);
    Client::new(settings).unwrap()
}

async fn users(script: Vec<Reply>) -> (Result<Option<Page>, Error>, Usage) {
    users_with(script, |_| {}).await
}

async fn users_with(script: Vec<Reply>, change: impl FnOnce(&mut Settings)) -> (Result<Option<Page>, Error>, Usage) {
    let server = Server::start(script);
    let client = client(&server, change);
    let answer = client.fetch(&Request::users()).await;
    if let Err(error) = &answer {
        let printed = format!("{error} {error:?}");
        assert!(!printed.contains("MARKER"), "{printed}");
    }
    (answer, client.usage())
}

fn gzip(base64: &str) -> Reply {
    Reply::with(200, "Content-Encoding: gzip\r\n", STANDARD.decode(base64).unwrap())
}

/// A driver at 3 requests a second, and answers for it to meet.
struct Play {
    driver: Driver,
    begin: Instant,
    starts: Mutex<Vec<Duration>>,
}

impl Play {
    fn new(requests_max: Option<u64>) -> Self {
        let driver = Driver::new(RateLimit::per_second(3.0).unwrap(), Policy::default(), requests_max);
        Self { driver, begin: Instant::now(), starts: Mutex::new(Vec::new()) }
    }

    /// Drives one request; `answer` is given how many requests have been sent and the time since
    /// the beginning.
    async fn request(&self, answer: impl Fn(usize, Duration) -> Result<(), Problem>) -> Result<(), Error> {
        let attempt = |_| async {
            let now = self.begin.elapsed();
            let sent = {
                let mut starts = self.starts.lock().unwrap();
                starts.push(now);
                starts.len()
            };
            sleep(Duration::from_millis(400)).await;
            answer(sent, now).map_err(Failure::unanswered)
        };
        self.driver.drive("GET /v2/users", Queue::Listings, attempt).await
    }

    fn starts(&self) -> Vec<Duration> {
        let mut starts = self.starts.lock().unwrap().clone();
        starts.sort();
        starts
    }
}

fn seconds(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn throttled(retry_after: Option<u64>) -> Problem {
    Problem::Throttled { retry_after: retry_after.map(seconds) }
}

fn unavailable() -> Problem {
    Problem::Unavailable { cause: "reset".to_owned(), retry_after: None }
}

#[tokio::test(start_paused = true)]
async fn a_429_holds_every_request_back_until_its_time_is_over() {
    let play = Play::new(None);
    let answer = |sent, _| if sent == 5 { Err(throttled(Some(30))) } else { Ok(()) };
    let all = futures_util::future::join_all((0..20).map(|_| play.request(answer))).await;
    assert!(all.iter().all(Result::is_ok));
    let starts = play.starts();
    let refusal = starts[4] + Duration::from_millis(400);
    assert!(starts.iter().all(|start| *start <= refusal || *start >= refusal + seconds(30)), "{starts:?}");
    for window in starts.windows(4) {
        assert!(window[3] - window[0] >= seconds(1), "{window:?}");
    }
    let usage = play.driver.counters.snapshot();
    assert_eq!((usage.requests, usage.retries, usage.throttled), (21, 1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_hundred_refusals_in_a_row_are_outlived() {
    for retry_after in [None, Some(0), Some(1), Some(5)] {
        let play = Play::new(None);
        play.request(|sent, _| if sent <= 100 { Err(throttled(retry_after)) } else { Ok(()) }).await.unwrap();
        assert_eq!(play.starts().len(), 101);
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_hours_ends_the_run_at_once() {
    let play = Play::new(None);
    let error = play.request(|_, _| Err(throttled(Some(86_400)))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Budget);
    assert!(matches!(error, Error::Throttled { retry_after: Some(wait), .. } if wait == seconds(86_400)));
    assert!(play.begin.elapsed() < seconds(1));
    // Nor is anything else sent in these hours.
    let others = futures_util::future::join_all((0..5).map(|_| play.request(|_, _| Ok(())))).await;
    assert!(others.iter().all(|other| other.as_ref().is_err_and(|error| error.kind() == ErrorKind::Budget)));
    assert_eq!(play.starts().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_without_an_answer_are_outlived_and_a_day_is_not() {
    let play = Play::new(None);
    play.request(|_, now| if now < seconds(600) { Err(unavailable()) } else { Ok(()) }).await.unwrap();
    assert!(play.starts().len() < 40, "{} requests", play.starts().len());

    let play = Play::new(None);
    let error = play.request(|_, _| Err(unavailable())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let exchange = error.exchange().unwrap();
    assert_eq!(exchange.attempts as usize, play.starts().len());
    assert!(exchange.elapsed > seconds(12 * 60) && exchange.elapsed < seconds(16 * 60), "{:?}", exchange.elapsed);
}

#[tokio::test(start_paused = true)]
async fn a_spent_budget_stops_retries_too() {
    let play = Play::new(Some(3));
    let error = play.request(|_, _| Err(unavailable())).await.unwrap_err();
    assert_eq!(error, Error::RequestsSpent { label: "GET /v2/users", requests_max: 3 });
    assert_eq!(error.kind(), ErrorKind::Budget);
    assert_eq!(play.starts().len(), 3);
}

#[tokio::test]
async fn a_request_carries_what_it_should() {
    let server = Server::start(vec![Reply::ok(r#"{"requestId":"7b2","callTranscripts":[]}"#), Reply::ok(TWO_USERS)]);
    let client = client(&server, |_| {});
    client.fetch(&Request::transcripts(&["1".to_owned()], None)).await.unwrap();
    let page = client.fetch(&Request::users()).await.unwrap().unwrap();
    assert_eq!((page.len(), page.announced(), page.request_id()), (2, Some(2), Some("7b2")));

    let seen = server.seen();
    let post = seen[0].head.to_lowercase();
    assert!(seen[0].head.starts_with("POST /v2/calls/transcript HTTP/1.1\r\n"), "{post}");
    assert!(seen[0].head.contains("Basic TUFSS0VSLWtleTpNQVJLRVItc2VjcmV0"));
    assert!(post.contains("content-type: application/json") && post.contains("accept-encoding: gzip"), "{post}");
    assert!(post.contains(concat!("user-agent: gong-export/", env!("CARGO_PKG_VERSION"))), "{post}");
    assert_eq!(seen[0].body, r#"{"filter":{"callIds":["1"]}}"#);
    assert!(seen[1].head.starts_with("GET /v2/users HTTP/1.1\r\n") && seen[1].body.is_empty());

    let usage = client.usage();
    assert_eq!((usage.requests, usage.retries, usage.bytes_received), (2, 0, 40 + TWO_USERS.len() as u64));
    assert!(usage.latency.is_some());
}

#[tokio::test]
async fn what_may_pass_is_tried_again() {
    let cut_chunks = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1a\r\n{\"users\":[{\"id\":\"1\"},{\"id\":";
    let short = b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"users\":[]}";
    let cut_gzip = STANDARD.decode(TWO_USERS_GZIP).unwrap()[..30].to_vec();
    let script = vec![
        Reply::Reset,
        Reply::Bytes(Vec::new()),
        Reply::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()),
        Reply::Bytes(cut_chunks.to_vec()),
        Reply::Bytes(short.to_vec()),
        Reply::with(200, "Content-Encoding: gzip\r\n", cut_gzip),
        Reply::with(502, "Content-Type: text/html\r\n", "<html>bad gateway</html>"),
        Reply::refusal(500, "", "Internal server error occurred"),
        Reply::refusal(503, "Retry-After: 0\r\n", "busy"),
        Reply::refusal(429, "", "slow down"),
        Reply::refusal(429, "Retry-After: 0\r\n", "slow down"),
        Reply::refusal(429, "Retry-After: -7\r\n", "slow down"),
        Reply::ok(TWO_USERS),
    ];
    let attempts = script.len() as u64;
    let (answer, usage) = users(script).await;
    assert_eq!(answer.unwrap().unwrap().len(), 2);
    assert_eq!((usage.requests, usage.retries, usage.throttled), (attempts, attempts - 1, 3));
}

#[tokio::test]
async fn senseless_answers_are_given_up_with_what_is_known_about_them() {
    for (body, problem) in [
        ("", BadPage::Empty),
        ("<!DOCTYPE html>", BadPage::Html),
        (r#"{"users":[]}}"#, BadPage::NotJson { line: 1, column: 13 }),
        (r#"{"errors":["MARKER-secret"]}"#, BadPage::ErrorInstead { message: "[redacted]".to_owned() }),
    ] {
        let (answer, usage) = users(vec![Reply::with(200, "X-TraceId: 3k9\r\n", body)]).await;
        let error = answer.unwrap_err();
        assert_eq!((error.kind(), usage.requests), (ErrorKind::Protocol, 6));
        let Error::NotUnderstood { problem: found, exchange } = error else { panic!("{error}") };
        assert_eq!((found, exchange.request_id.as_deref()), (problem, Some("3k9")));
    }
    let (answer, _) = users(vec![Reply::ok("[]"), Reply::ok(TWO_USERS)]).await;
    assert_eq!(answer.unwrap().unwrap().len(), 2);
}

#[tokio::test]
async fn refusals_are_final_and_say_why() {
    let text = "You don't have permission to use 'api:users:read' in your app.";
    for (reply, kind, message) in [
        (
            Reply::refusal(400, "", "Bad request"),
            ErrorKind::Api,
            "request refused: GET /v2/users, status 400 \"Bad request\", request id 3k9qv1m0s7",
        ),
        (
            Reply::refusal(401, "", "MARKER-key?"),
            ErrorKind::Credentials,
            "credentials refused: GET /v2/users, status 401 \"[redacted]?\", request id 3k9qv1m0s7",
        ),
        (
            Reply::refusal(401, "", text),
            ErrorKind::Credentials,
            "credentials lack the scope `api:users:read`: GET /v2/users, status 401 \"You don't have permission to use 'api:users:read' in your app.\", request id 3k9qv1m0s7",
        ),
        (Reply::with(403, "", "no"), ErrorKind::Credentials, "access denied: GET /v2/users, status 403"),
        (
            Reply::refusal(404, "", "Not Found"),
            ErrorKind::Api,
            "request refused: GET /v2/users, status 404 \"Not Found\", request id 3k9qv1m0s7",
        ),
        (
            Reply::with(302, "Location: https://api.example/v2/users?token=MARKER\r\n", ""),
            ErrorKind::Credentials,
            "redirected to api.example instead of answered: GET /v2/users, status 302",
        ),
        (
            Reply::with(308, "", ""),
            ErrorKind::Credentials,
            "redirected to an unnamed host instead of answered: GET /v2/users, status 308",
        ),
        (
            Reply::refusal(429, "Retry-After: 3600\r\n", "daily limit"),
            ErrorKind::Budget,
            "rate limit exceeded, for another 3600 s: GET /v2/users, status 429 \"daily limit\", request id 3k9qv1m0s7",
        ),
        (
            Reply::refusal(
                429,
                "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 10:49:37 GMT\r\n",
                "daily limit",
            ),
            ErrorKind::Budget,
            "rate limit exceeded, for another 7200 s: GET /v2/users, status 429 \"daily limit\", request id 3k9qv1m0s7",
        ),
    ] {
        let (answer, usage) = users(vec![reply]).await;
        let error = answer.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str(), usage.requests), (kind, message, 1));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clones_ask_from_other_tasks_and_share_what_they_count() {
    let server = Server::start(vec![Reply::ok(TWO_USERS)]);
    let client = client(&server, |_| {});
    let ask = |client: Client| tokio::spawn(async move { client.listing(Request::users()).next().await });
    for task in [ask(client.clone()), ask(client.clone()), ask(client.clone())] {
        assert_eq!(task.await.unwrap().unwrap().unwrap().len(), 2);
    }
    assert_eq!(client.usage().requests, 3);
}

#[tokio::test]
async fn nothing_found_is_an_answer() {
    let reply = Reply::refusal(404, "", "No users found corresponding to the provided filters.");
    let (answer, usage) = users(vec![reply]).await;
    assert!(answer.unwrap().is_none());
    assert_eq!(usage.requests, 1);
}

#[tokio::test]
async fn compressed_answers_are_read_and_bounded_as_they_unfold() {
    let (answer, usage) = users(vec![gzip(TWO_USERS_GZIP)]).await;
    assert_eq!(answer.unwrap().unwrap().record(1), r#"{"id":"2"}"#);
    assert_eq!(usage.bytes_received, 33);

    let (answer, usage) = users_with(vec![gzip(BLANKS_GZIP)], |s| s.limits.body_bytes_max = 50_000).await;
    let error = answer.unwrap_err();
    assert!(matches!(error, Error::TooLarge { bytes_max: 50_000, .. }), "{error}");
    assert_eq!((error.kind(), usage.requests), (ErrorKind::Protocol, 1));
    assert!(usage.bytes_received < 150_000, "{} bytes unpacked", usage.bytes_received);

    // The page of a refusal is cut instead.
    let reply = Reply::with(403, "", "x".repeat(1 << 20));
    let (answer, _) = users_with(vec![reply], |s| s.limits.body_bytes_max = 50_000).await;
    assert!(matches!(answer.unwrap_err(), Error::Forbidden { .. }));
}

#[tokio::test]
async fn silence_and_dripping_end_at_their_limits() {
    let half = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n{\"use";
    for silent in [Reply::Stall(Vec::new()), Reply::Stall(half.to_vec())] {
        let idle = |s: &mut Settings| s.limits.idle_read = Duration::from_millis(250);
        let (answer, usage) = users_with(vec![silent, Reply::ok(TWO_USERS)], idle).await;
        assert_eq!(answer.unwrap().unwrap().len(), 2);
        assert!(usage.retries >= 1);
    }
    let dripping = Reply::Drip([half.as_slice(), &[b' '; 4096]].concat());
    let whole = |s: &mut Settings| s.limits.whole_request = Duration::from_millis(250);
    let (answer, usage) = users_with(vec![dripping, Reply::ok(TWO_USERS)], whole).await;
    assert_eq!(answer.unwrap().unwrap().len(), 2);
    assert!(usage.retries >= 1);
}

#[tokio::test]
async fn the_last_cause_of_a_failure_is_named() {
    let impatient = |s: &mut Settings| s.limits.retry.attempts_max = 2;
    // Nobody listens at the discard port.
    let closed = |s: &mut Settings| {
        impatient(s);
        s.base_url = Url::parse("http://127.0.0.1:9").unwrap();
    };
    let (answer, _) = users_with(vec![Reply::Reset], closed).await;
    let error = answer.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(error.to_string().contains("os error") && error.to_string().contains("2 attempts"), "{error}");

    let server = Server::start(vec![Reply::Reset]);
    let later = Request::users().at(crate::gong::page::Cursor::new("MARKER"));
    let error = client(&server, impatient).fetch(&later).await.unwrap_err();
    assert!(!format!("{error} {error:?}").contains("MARKER"), "{error:?}");

    // Not TLS at all.
    let tls = |s: &mut Settings| {
        impatient(s);
        s.base_url.set_scheme("https").unwrap();
    };
    let (answer, _) = users_with(vec![Reply::Blurt(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())], tls).await;
    let error = answer.unwrap_err();
    assert!(error.to_string().contains("InvalidContentType"), "{error}");
}

#[tokio::test]
async fn a_certificate_that_nobody_vouches_for_is_refused_at_once() {
    let server = Server::start_tls();
    let client = client(&server, |s| s.base_url.set_scheme("https").unwrap());
    let error = client.fetch(&Request::users()).await.unwrap_err();
    assert_eq!((error.kind(), client.usage().requests), (ErrorKind::Setup, 1), "{error}");
    assert!(error.to_string().contains("invalid peer certificate"), "{error}");
    assert!(server.seen().is_empty());
}

#[test]
fn base_urls_that_would_give_secrets_away_are_refused() {
    let server = Server::start(vec![Reply::Reset]);
    let problem = |url: &str| {
        let settings = Settings { base_url: Url::parse(url).unwrap(), ..server.settings() };
        match Client::new(settings) {
            Ok(_) => None,
            Err(error @ Error::BaseUrl { problem, .. }) => {
                assert_eq!(error.kind(), ErrorKind::Credentials);
                assert!(!error.to_string().contains("MARKER"));
                Some(problem)
            }
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!(problem("http://us-1.api.example"), Some(BaseUrlProblem::PlainHttp));
    assert_eq!(problem("http://127.0.0.1.api.example"), Some(BaseUrlProblem::PlainHttp));
    assert_eq!(problem("http://[::2]/"), Some(BaseUrlProblem::PlainHttp));
    assert_eq!(problem("ftp://us-1.api.example"), Some(BaseUrlProblem::NotHttp));
    assert_eq!(problem("file:///tmp"), Some(BaseUrlProblem::NotHttp));
    assert_eq!(problem("https://a:MARKER@us-1.api.example"), Some(BaseUrlProblem::Credentials));
    assert_eq!(problem("https://us-1.api.example/?key=MARKER"), Some(BaseUrlProblem::Query));
    for fine in ["http://localhost:7", "http://127.9.9.9/", "http://[::1]:7/", "https://us-1.api.example"] {
        assert_eq!(problem(fine), None, "{fine}");
    }
}

#[test]
fn settings_that_cannot_work_are_refused_without_showing_a_secret() {
    let server = Server::start(vec![Reply::Reset]);
    for requests_per_second in [0.0, -3.0, f64::NAN] {
        let error = Client::new(Settings { requests_per_second, ..server.settings() }).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Setup);
    }
    let client = Client::new(server.settings()).unwrap();
    let printed = format!("{:?} {:?}", server.settings(), client);
    assert!(!printed.contains("MARKER") && !printed.contains("TUFSS0VS"), "{printed}");
}
