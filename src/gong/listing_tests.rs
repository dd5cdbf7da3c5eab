//! Tests of [`listing`](super), over real HTTP.

use super::*;
use crate::gong::error::ErrorKind;
use crate::gong::scripted::{Reply, Server};

/// A page of users; `cursor` empty on the last one.
fn page(number: u64, ids: &[&str], cursor: &str) -> Reply {
    let users: Vec<_> = ids.iter().map(|id| serde_json::json!({"id": id})).collect();
    Reply::ok(
        serde_json::json!({"requestId": "3k9", "users": users,
            "records": {"totalRecords": 5, "currentPageSize": ids.len(), "currentPageNumber": number, "cursor": cursor}})
        .to_string(),
    )
}

fn listing(server: &Server, request: Request) -> Listing {
    Client::new(server.settings()).unwrap().listing(request)
}

/// All ids, or the first error, and the listing afterwards.
async fn read(script: Vec<Reply>) -> (Result<Vec<String>, Error>, Listing, Server) {
    let server = Server::start(script);
    let mut listing = listing(&server, Request::users());
    let mut ids = Vec::new();
    let outcome = loop {
        match listing.next().await {
            Ok(Some(page)) => ids.extend(page.records().map(str::to_owned)),
            Ok(None) => break Ok(ids),
            Err(error) => break Err(error),
        }
    };
    (outcome, listing, server)
}

#[tokio::test]
async fn pages_are_read_until_there_is_no_cursor() {
    let script = vec![
        page(0, &["1", "2"], "a+b/c="),
        // An empty page, and a number that jumps, end nothing.
        page(1, &[], "second"),
        page(2, &[], "third"),
        page(7, &["3"], ""),
    ];
    let (ids, mut listing, server) = read(script).await;
    assert_eq!(ids.unwrap(), [r#"{"id":"1"}"#, r#"{"id":"2"}"#, r#"{"id":"3"}"#]);
    assert_eq!((listing.pages(), listing.received(), listing.announced()), (4, 3, Some(5)));
    assert!(!listing.ended_empty());
    let lines: Vec<_> = server.seen().iter().map(|seen| seen.head.lines().next().unwrap().to_owned()).collect();
    assert_eq!(
        lines,
        [
            "GET /v2/users HTTP/1.1",
            "GET /v2/users?cursor=a%2Bb%2Fc%3D HTTP/1.1",
            "GET /v2/users?cursor=second HTTP/1.1",
            "GET /v2/users?cursor=third HTTP/1.1"
        ]
    );
    assert!(listing.next().await.unwrap().is_none());
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_post_carries_its_cursor_in_the_body() {
    let body = |cursor| format!(r#"{{"callTranscripts":[{{}}],"records":{{"cursor":"{cursor}"}}}}"#);
    let server = Server::start(vec![Reply::ok(body("next")), Reply::ok(body(""))]);
    let mut listing = listing(&server, Request::transcripts(&["1".to_owned()], Some("9")));
    while listing.next().await.unwrap().is_some() {}
    let seen = server.seen();
    assert_eq!(seen[0].body, r#"{"filter":{"callIds":["1"],"workspaceId":"9"}}"#);
    assert_eq!(seen[1].body, r#"{"cursor":"next","filter":{"callIds":["1"],"workspaceId":"9"}}"#);
    assert!(seen[1].head.starts_with("POST /v2/calls/transcript HTTP"));
}

#[tokio::test]
async fn nothing_found_ends_a_listing_at_its_beginning_and_in_its_middle() {
    let nothing = Reply::refusal(404, "", "No users found corresponding to the provided filters");
    let (ids, listing, _server) = read(vec![nothing.clone()]).await;
    assert!(ids.unwrap().is_empty() && listing.ended_empty());

    let (ids, listing, _server) = read(vec![page(0, &["1"], "next"), nothing]).await;
    assert_eq!(ids.unwrap().len(), 1);
    assert!(!listing.ended_empty());
}

#[tokio::test]
async fn going_in_circles_is_an_error() {
    let circles = [
        // The cursor is ignored: the first page for ever, with cursors old and new.
        (vec![page(0, &["1", "2"], "a")], Repetition::Records),
        (vec![page(0, &["1", "2"], "a"), page(0, &["1", "3"], "b")], Repetition::Records),
        (vec![page(0, &["1", "2"], "a"), page(1, &["1", "2"], "b")], Repetition::Records),
        (vec![page(0, &["1"], "a"), page(1, &["2"], "b"), page(2, &["3"], "a")], Repetition::Cursor),
        (vec![page(0, &[], "a")], Repetition::Cursor),
    ];
    for (script, expected) in circles {
        let pages = script.len().max(2) as u64 - 1;
        let (ids, _, _server) = read(script).await;
        let error = ids.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Api);
        let Error::PageRepeated { page, sign, request_id, .. } = error else { panic!("{error}") };
        assert_eq!((page, sign, request_id.as_deref()), (pages, expected, Some("3k9")));
    }
}

#[tokio::test]
async fn one_record_that_comes_twice_is_no_circle() {
    let (ids, ..) = read(vec![page(0, &["1"], "a"), page(1, &["1"], "b"), page(2, &["2"], "")]).await;
    assert_eq!(ids.unwrap().len(), 3);
}

#[tokio::test]
async fn a_refused_cursor_is_told_apart_and_not_shown() {
    for (status, text) in [(400, "cursor MARKER has expired"), (404, "Not Found"), (410, "The Cursor is too old")] {
        let (ids, ..) = read(vec![page(0, &["1"], "MARKER"), Reply::refusal(status, "", text)]).await;
        let error = ids.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::CursorRefused);
        assert!(!format!("{error} {error:?}").contains("MARKER"), "{error:?}");
    }
    let (ids, ..) = read(vec![page(0, &["1"], "MARKER"), Reply::refusal(401, "", "expired")]).await;
    assert_eq!(ids.unwrap_err().kind(), ErrorKind::Credentials);
}

#[tokio::test]
async fn after_a_failure_the_same_page_can_be_asked_for_again() {
    let script = vec![page(0, &["1"], "next"), Reply::refusal(403, "", "not from here"), page(1, &["2"], "")];
    let server = Server::start(script);
    let mut listing = listing(&server, Request::users());
    assert_eq!(listing.next().await.unwrap().unwrap().len(), 1);
    assert!(listing.next().await.is_err());
    assert_eq!(listing.next().await.unwrap().unwrap().record(0), r#"{"id":"2"}"#);
    assert_eq!((listing.pages(), listing.received()), (2, 2));
}

#[tokio::test]
async fn what_is_not_paged_has_one_page() {
    let server = Server::start(vec![Reply::ok(r#"{"workspaces":[{"id":"9"}],"records":{"cursor":"odd"}}"#)]);
    let mut listing = listing(&server, Request::workspaces());
    assert_eq!(listing.next().await.unwrap().unwrap().len(), 1);
    assert!(listing.next().await.unwrap().is_none());
}

#[test]
fn the_number_of_pages_is_bounded() {
    let mut guard = Guard::new(2);
    for number in 0..3 {
        let body = format!(r#"{{"users":[{number}],"records":{{"currentPageNumber":{number}}}}}"#);
        let page = Page::parse(body.into_bytes(), "users").unwrap();
        let outcome = guard.check("GET /v2/users", &page, Some(&Cursor::new(number.to_string())));
        match number {
            0 | 1 => outcome.unwrap(),
            _ => assert_eq!(outcome, Err(Error::TooManyPages { label: "GET /v2/users", pages_max: 2 })),
        }
    }
}
