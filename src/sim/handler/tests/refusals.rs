//! What is refused, in which words; cursors that are no longer or never were good.

use super::*;

const NO_CALLS: (u16, &str) = (404, "No calls found corresponding to the provided filters");
const UNREADABLE: (u16, &str) = (400, "Json parse error, verify Json format matches the API description.");

#[test]
fn nothing_found_is_a_404_with_the_words_of_the_original() {
    let world = world(Config::default());
    let no_calls = (NO_CALLS.0, NO_CALLS.1.to_owned());
    assert_eq!(refused(&world, &extensive("2019-03-03T00:00:00Z", "2019-03-04T00:00:00Z")), no_calls);
    assert_eq!(refused(&world, &get("/v2/calls?fromDateTime=2027-01-01T00:00:00Z")), no_calls);
    let unknown = json!({ "filter": { "callIds": ["1234567890123456789"] } });
    assert_eq!(refused(&world, &post("/v2/calls/transcript", &unknown)), no_calls);
    assert_eq!(
        refused(&world, &get("/v2/calls/1234567890123456789")),
        (404, "Call ID 1234567890123456789 was not found".to_owned())
    );
    let users = json!({ "filter": { "userIds": ["12", "34"] } });
    assert_eq!(
        refused(&world, &post("/v2/users/extensive", &users)),
        (404, "The following userIds were not found: 12, 34".to_owned())
    );
}

#[test]
fn a_blind_key_sees_the_very_same_404() {
    let request = extensive("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z");
    let empty = world(Config { empty_account: true, ..Config::default() });
    let blind = world(Config { blind_key: true, ..Config::default() });
    assert_eq!(answer(&empty, at(NOW), 1, &request), answer(&blind, at(NOW), 1, &request));
    assert_eq!(ask(&blind, &get("/v2/workspaces")).0, 200);
}

#[test]
fn validation_comes_before_lookup() {
    let world = world(Config { empty_account: true, ..Config::default() });
    let texts = [
        ("/v2/calls/extensive", json!({}), (400, "filter: must not be null")),
        ("/v2/calls/extensive", json!({ "filter": { "callIds": [] } }), (400, "filter.callIds: must not be empty")),
        ("/v2/calls/extensive", json!({ "filter": { "callIds": ["12a"] } }), UNREADABLE),
        ("/v2/calls/extensive", json!({ "filter": { "callIds": ["123456789012345678901"] } }), UNREADABLE),
        (
            "/v2/calls/extensive",
            window("2026-03-04T00:00:00Z", "2026-03-04T00:00:00Z"),
            (400, "filter.fromDateTime: must be before toDateTime"),
        ),
        ("/v2/calls/extensive", window("2026-03-04", "2026-03-05"), UNREADABLE),
        (
            "/v2/calls/extensive",
            json!({ "filter": {}, "contentSelector": { "exposedFields": { "content": true } } }),
            UNREADABLE,
        ),
        ("/v2/calls/extensive", json!({ "filter": {}, "limit": 2, "cursor": null }), NO_CALLS),
        (
            "/v2/stats/activity/aggregate",
            json!({ "filter": { "fromDateTime": "2026-03-01T00:00:00Z" } }),
            (400, "filter.fromDate: may not be null"),
        ),
        (
            "/v2/stats/activity/aggregate-by-period",
            json!({ "filter": { "fromDate": "2026-03-01", "toDate": "2026-03-02" } }),
            (400, "aggregationPeriod: must not be null"),
        ),
        (
            "/v2/stats/activity/aggregate-by-period",
            json!({ "aggregationPeriod": "day", "filter": { "fromDate": "2026-03-01", "toDate": "2026-03-02" } }),
            UNREADABLE,
        ),
    ];
    for (path, body, (status, text)) in texts {
        assert_eq!(refused(&world, &post(path, &body)), (status, text.to_owned()), "{path} {body}");
    }
}

#[test]
fn wrong_verbs_paths_and_scopes_have_their_own_answers() {
    let config = Config { scopes: Some(vec!["api:users:read".to_owned()]), ..Config::default() };
    let world = world(config);
    assert_eq!(refused(&world, &get("/v2/calls/extensive/x")).0, 404);
    assert_eq!(refused(&world, &get("/v2/meetings")).0, 404);
    assert_eq!(refused(&world, &post("/v2/users", &json!({}))), (405, "Method Not Allowed".to_owned()));
    assert_eq!(
        refused(&world, &get("/v2/workspaces")),
        (401, "You don't have permission to use 'api:workspaces:read' in your app.".to_owned())
    );
    assert_eq!(ask(&world, &get("/v2/users")).0, 200);
    let untyped = Request { content_type: None, ..post("/v2/users/extensive", &json!({ "filter": {} })) };
    assert_eq!(refused(&world, &untyped).0, 415);
}

/// Page 1 with its cursor.
fn first_page(world: &World) -> (Request, String) {
    let request = extensive("2026-03-01T00:00:00Z", "2026-03-15T00:00:00Z");
    let (_, page) = ask(world, &request);
    (request, page["records"]["cursor"].as_str().unwrap().to_owned())
}

fn with_cursor(request: &Request, cursor: &str) -> Request {
    let mut body: Value = serde_json::from_slice(&request.body).unwrap();
    body["cursor"] = json!(cursor);
    Request { body: body.to_string().into_bytes(), ..request.clone() }
}

#[test]
fn a_cursor_lives_an_hour_from_the_first_page() {
    let world = world(Config::default());
    let (request, cursor) = first_page(&world);
    let (status, page) = ask_at(&world, "2026-03-20T12:59:59Z", &with_cursor(&request, &cursor));
    assert_eq!((status, &page["records"]["currentPageNumber"]), (200, &json!(1)));
    // The next page's cursor is no younger.
    let next = page["records"]["cursor"].as_str().unwrap();
    let (status, page) = ask_at(&world, "2026-03-20T13:00:00Z", &with_cursor(&request, next));
    assert_eq!((status, &page["errors"][0]), (400, &json!("cursor has expired")));
}

#[test]
fn foreign_and_altered_cursors_are_refused() {
    let world = world(Config::default());
    let (request, cursor) = first_page(&world);
    let invalid = (400, "Invalid cursor".to_owned());
    let other = extensive("2026-03-01T00:00:00Z", "2026-03-16T00:00:00Z");
    assert_eq!(refused(&world, &with_cursor(&other, &cursor)), invalid);
    let mut altered = cursor.clone();
    altered.replace_range(40..41, if &cursor[40..41] == "x" { "y" } else { "x" });
    assert_eq!(refused(&world, &with_cursor(&request, &altered)), invalid);
    assert_eq!(refused(&world, &with_cursor(&request, "page-2")), invalid);
}

#[test]
fn a_cursor_in_the_query_of_a_post_brings_the_first_page_again() {
    let world = world(Config::default());
    let (mut request, cursor) = first_page(&world);
    request.query.push(("limit".to_owned(), "5".to_owned()));
    let (_, first) = ask(&world, &request);
    request.query.push(("cursor".to_owned(), cursor));
    assert_eq!(ask(&world, &request).1["calls"], first["calls"]);
}

#[test]
fn idle_users_are_named_in_a_404() {
    let world = world(Config::default());
    let idle = world.user_id(24).to_string();
    let body = json!({ "filter": { "fromDate": "2026-03-07", "toDate": "2026-03-08", "userIds": [idle] } });
    let (status, text) = refused(&world, &post("/v2/stats/activity/aggregate", &body));
    assert_eq!(status, 404);
    assert!(text.contains(&idle), "{text}");
}
