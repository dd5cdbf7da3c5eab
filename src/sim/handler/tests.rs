//! The laws that every listing obeys, and the texts of every refusal.

use std::collections::BTreeSet;

use super::*;
use crate::sim::config::Config;

const NOW: &str = "2026-03-20T12:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn world(config: Config) -> World {
    World::new(config).unwrap()
}

fn get(path: &str) -> Request {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Request {
        method: "GET".to_owned(),
        path: path.to_owned(),
        query: url::form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        ..Request::default()
    }
}

fn post(path: &str, body: &Value) -> Request {
    Request {
        method: "POST".to_owned(),
        body: body.to_string().into_bytes(),
        content_type: Some("application/json".to_owned()),
        ..get(path)
    }
}

fn ask_at(world: &World, now: &str, request: &Request) -> (u16, Value) {
    let reply = answer(world, at(now), 1, request);
    (reply.status, serde_json::from_slice(&reply.body).unwrap())
}

fn ask(world: &World, request: &Request) -> (u16, Value) {
    ask_at(world, NOW, request)
}

fn refused(world: &World, request: &Request) -> (u16, String) {
    let (status, body) = ask(world, request);
    assert_eq!(body["errors"].as_array().map(Vec::len), Some(1), "{body}");
    assert!(body["requestId"].as_str().is_some_and(|id| id.len() == 19), "{body}");
    (status, body["errors"][0].as_str().unwrap().to_owned())
}

const NO_CALLS: (u16, &str) = (404, "No calls found corresponding to the provided filters");
const UNREADABLE: (u16, &str) = (400, "Json parse error, verify Json format matches the API description.");

/// All pages of a listing, whose pages obey the laws.
fn all_pages(world: &World, request: &Request, name: &str) -> Vec<Value> {
    let mut request = request.clone();
    let mut records = Vec::new();
    let mut total = None;
    for number in 0.. {
        let (status, page) = ask(world, &request);
        assert_eq!(status, 200, "{page}");
        let here = page[name].as_array().unwrap();
        let info = &page["records"];
        assert_eq!(info["currentPageNumber"], number);
        assert_eq!(info["currentPageSize"], here.len());
        assert_eq!(*total.get_or_insert_with(|| info["totalRecords"].clone()), info["totalRecords"]);
        records.extend(here.iter().cloned());
        let Some(cursor) = info.get("cursor") else { break };
        assert_eq!(here.len(), world.config.page_size as usize);
        if request.method == "POST" {
            let mut body: Value = serde_json::from_slice(&request.body).unwrap();
            body["cursor"] = cursor.clone();
            request.body = body.to_string().into_bytes();
        } else {
            request.query.retain(|(key, _)| key != "cursor");
            request.query.push(("cursor".to_owned(), cursor.as_str().unwrap().to_owned()));
        }
    }
    assert_eq!(total, Some(json!(records.len())));
    records
}

fn window(from: &str, to: &str) -> Value {
    json!({ "filter": { "fromDateTime": from, "toDateTime": to } })
}

fn extensive(from: &str, to: &str) -> Request {
    post("/v2/calls/extensive", &window(from, to))
}

fn ids(calls: &[Value]) -> Vec<String> {
    calls.iter().map(|call| call["metaData"]["id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn pages_cover_every_record_once_in_order() {
    for page_size in [7, 100] {
        let world = world(Config { page_size, ..Config::default() });
        let calls = all_pages(&world, &extensive("2026-03-01T00:00:00Z", "2026-03-15T00:00:00Z"), "calls");
        let truth = world.truth_calls(at("2026-03-01T00:00:00Z"), at("2026-03-15T00:00:00Z"), at(NOW));
        assert!(truth.len() > 250);
        assert_eq!(ids(&calls), truth.iter().map(|row| row.call_id.clone()).collect::<Vec<_>>());
        assert!(truth.is_sorted_by_key(|row| row.started));
        assert_eq!(ids(&calls).into_iter().collect::<BTreeSet<_>>().len(), calls.len());
        for name in ["/v2/users", "/v2/calls?fromDateTime=2026-03-01T00:00:00Z&toDateTime=2026-03-05T00:00:00-05:00"] {
            let array = if name == "/v2/users" { "users" } else { "calls" };
            all_pages(&world, &get(name), array);
        }
        let stats = json!({ "filter": { "fromDate": "2026-03-01", "toDate": "2026-03-15" } });
        all_pages(&world, &post("/v2/stats/activity/aggregate", &stats), "usersAggregateActivityStats");
    }
}

#[test]
fn windows_are_half_open() {
    let world = world(Config::default());
    let day = all_pages(&world, &extensive("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"), "calls");
    let started = day[5]["metaData"]["started"].as_str().unwrap();
    let before = all_pages(&world, &extensive("2026-03-03T00:00:00Z", started), "calls");
    let after = all_pages(&world, &extensive(started, "2026-03-04T00:00:00Z"), "calls");
    assert_eq!((before.len(), after.len()), (5, day.len() - 5));
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_one_does_not() {
    let body = |seed| {
        let world = world(Config { seed, ..Config::default() });
        answer(&world, at(NOW), 1, &extensive("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z")).body
    };
    assert_eq!(body(7), body(7));
    assert_ne!(body(7), body(8));
}

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

#[test]
fn statistics_end_with_today_in_the_zone_of_the_company() {
    // 21 March in Auckland, still 20 March in UTC.
    let world = world(Config { timezone: "Pacific/Auckland".to_owned(), ..Config::default() });
    let until = |day: &str| {
        let body = json!({ "filter": { "fromDate": "2026-03-16", "toDate": day } });
        ask_at(&world, "2026-03-20T12:00:00Z", &post("/v2/stats/activity/aggregate", &body))
    };
    let (status, page) = until("2026-03-21");
    assert_eq!((status, &page["timeZone"]), (200, &json!("Pacific/Auckland")));
    assert_eq!(page["toDateTime"], "2026-03-21T00:00:00+13:00");
    assert_eq!(until("2026-03-22").0, 400);
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
fn blocks_come_when_selected_and_only_then() {
    let world = world(Config::default());
    let mut body = window("2026-03-03T00:00:00Z", "2026-03-06T00:00:00Z");
    for call in all_pages(&world, &post("/v2/calls/extensive", &body), "calls") {
        assert_eq!(call.as_object().unwrap().keys().collect::<Vec<_>>(), ["metaData"]);
        assert_eq!(call["metaData"].as_object().unwrap().len(), 20);
    }
    body["contentSelector"] = json!({
        "context": "Extended", "contextTiming": ["Now", "TimeOfCall"],
        "exposedFields": {
            "parties": true, "media": true, "collaboration": { "publicComments": true },
            "content": { "structure": true, "topics": true, "trackers": true, "trackerOccurrences": true,
                "pointsOfInterest": true, "brief": true, "outline": true, "highlights": true, "callOutcome": true,
                "keyPoints": true },
            "interaction": { "speakers": true, "video": true, "personInteractionStats": true, "questions": true },
        },
    });
    let calls = all_pages(&world, &post("/v2/calls/extensive", &body), "calls");
    assert!(calls.len() > 90);
    let has = |block: &str| calls.iter().filter(|call| call.get(block).is_some()).count();
    assert_eq!((has("context"), has("media"), has("collaboration")), (calls.len(), calls.len(), calls.len()));
    assert!(has("parties") < calls.len() && has("content") < calls.len() && has("interaction") == has("content"));
    for call in calls.iter().filter(|call| call.get("content").is_some()) {
        assert_eq!(call["content"].as_object().unwrap().len(), 8);
        assert_eq!(call["interaction"].as_object().unwrap().len(), 4);
        assert!(call["interaction"].get("interactionStats").is_some());
    }
    assert!(calls.iter().any(|call| call["content"]["callOutcome"].is_null()));
    let linked = calls.iter().filter(|call| call["context"] != json!([])).count();
    assert!((calls.len() / 2..calls.len()).contains(&linked));
}

#[test]
fn signed_addresses_differ_with_every_request() {
    let world = world(Config::default());
    let body = json!({ "filter": {}, "contentSelector": { "exposedFields": { "media": true } } });
    let media = |serial| {
        let reply = answer(&world, at(NOW), serial, &post("/v2/calls/extensive", &body));
        serde_json::from_slice::<Value>(&reply.body).unwrap()["calls"][0]["media"].clone()
    };
    assert_ne!(media(1), media(2));
}

#[test]
fn transcripts_come_by_id_and_only_where_there_are_any() {
    let world = world(Config { calls_without_transcript: 0.5, ..Config::default() });
    let calls = ids(&all_pages(&world, &extensive("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"), "calls"));
    let body = json!({ "filter": { "callIds": calls } });
    let transcripts = all_pages(&world, &post("/v2/calls/transcript", &body), "callTranscripts");
    assert!(!transcripts.is_empty() && transcripts.len() < calls.len());
    let truth = world.truth_sentences(at("2026-03-03T00:00:00Z"), at("2026-03-04T00:00:00Z"), at(NOW));
    let mut rows = Vec::new();
    for call in &transcripts {
        for monologue in call["transcript"].as_array().unwrap() {
            for sentence in monologue["sentences"].as_array().unwrap() {
                rows.push((call["callId"].clone(), monologue["speakerId"].clone(), sentence["text"].clone()));
            }
        }
    }
    let truth: Vec<_> =
        truth.into_iter().map(|row| (json!(row.call_id), json!(row.speaker_id), json!(row.text))).collect();
    assert_eq!(rows, truth);
}

#[test]
fn hosts_and_workspaces_narrow_a_listing() {
    let world = world(Config::default());
    let all = all_pages(&world, &extensive("2026-03-03T00:00:00Z", "2026-03-10T00:00:00Z"), "calls");
    let host = all[0]["metaData"]["primaryUserId"].clone();
    let mut body = window("2026-03-03T00:00:00Z", "2026-03-10T00:00:00Z");
    body["filter"]["primaryUserIds"] = json!([host]);
    let hosted = all_pages(&world, &post("/v2/calls/extensive", &body), "calls");
    let expected: Vec<&Value> = all.iter().filter(|call| call["metaData"]["primaryUserId"] == host).collect();
    assert_eq!(hosted.iter().collect::<Vec<_>>(), expected);
    let (_, workspaces) = ask(&world, &get("/v2/workspaces"));
    let mut counts = Vec::new();
    for workspace in workspaces["workspaces"].as_array().unwrap() {
        let mut body = window("2026-03-03T00:00:00Z", "2026-03-10T00:00:00Z");
        body["filter"]["workspaceId"] = workspace["id"].clone();
        counts.push(all_pages(&world, &post("/v2/calls/extensive", &body), "calls").len());
    }
    assert_eq!(counts.iter().sum::<usize>(), all.len());
}

#[test]
fn conferences_are_listed_by_their_planned_start() {
    let world = world(Config::default());
    let list = |from: &str, to: &str| {
        all_pages(&world, &get(&format!("/v2/calls?fromDateTime={from}&toDateTime={to}")), "calls")
    };
    let moment = |call: &Value| {
        let planned = call["direction"] == "Conference" && !call["scheduled"].is_null();
        at(call[if planned { "scheduled" } else { "started" }].as_str().unwrap())
    };
    let (from, to) = ("2026-03-04T15:00:00Z", "2026-03-04T17:00:00Z");
    let mut expected = list("2026-03-03T00:00:00Z", "2026-03-06T00:00:00Z");
    expected.retain(|call| (at(from)..at(to)).contains(&moment(call)));
    let listed = list(from, to);
    assert_eq!(listed, expected);
    assert!(listed.iter().any(|call| at(call["started"].as_str().unwrap()) >= at(to) || moment(call) != at(from)));
}

#[test]
fn calls_come_and_go_with_the_clock() {
    let config = Config {
        late_calls: 0.3,
        late_transcripts: 0.3,
        deleted_calls: 0.2,
        deleted_after_days: 5,
        ..Config::default()
    };
    let world = world(config);
    let seen = |now: &str| {
        let request = extensive("2026-03-03T05:00:00Z", "2026-03-04T00:00:00Z");
        let (status, page) = ask_at(&world, now, &request);
        if status == 404 { BTreeSet::new() } else { ids(page["calls"].as_array().unwrap()).into_iter().collect() }
    };
    let transcribed = |now: &str| {
        let request = post("/v2/calls/transcript", &window("2026-03-03T05:00:00Z", "2026-03-04T00:00:00Z"));
        ask_at(&world, now, &request).1["callTranscripts"].as_array().map_or(0, Vec::len)
    };
    assert!(seen("2026-03-03T05:30:00Z").is_empty());
    let soon: BTreeSet<String> = seen("2026-03-04T06:00:00Z");
    let later = seen("2026-03-06T01:00:00Z");
    assert!(soon.len() < later.len(), "late calls have come");
    assert!(soon.is_subset(&later));
    let gone = seen("2026-03-10T00:00:00Z");
    assert!(gone.len() < later.len(), "deleted calls have gone");
    assert!(transcribed("2026-03-06T01:00:00Z") < transcribed("2026-03-06T23:59:00Z"));
    let vanished = later.difference(&gone).next().unwrap();
    assert_eq!(ask_at(&world, "2026-03-06T01:00:00Z", &get(&format!("/v2/calls/{vanished}"))).0, 200);
    assert_eq!(ask_at(&world, "2026-03-10T00:00:00Z", &get(&format!("/v2/calls/{vanished}"))).0, 404);
}

#[test]
fn private_calls_are_marked_in_their_share() {
    let share = |private_calls| {
        let world = world(Config { private_calls, ..Config::default() });
        let truth = world.truth_calls(at("2026-02-01T00:00:00Z"), at("2026-03-15T00:00:00Z"), at(NOW));
        (truth.iter().filter(|row| row.is_private).count(), truth.len())
    };
    assert_eq!(share(0.0).0, 0);
    let (private, all) = share(0.5);
    assert!((all * 2 / 5..all * 3 / 5).contains(&private));
}

#[test]
fn counters_and_lists_of_activity_agree_with_the_calls() {
    let world = world(Config::default());
    let body = json!({ "aggregationPeriod": "DAY", "filter": { "fromDate": "2026-03-02", "toDate": "2026-03-12" } });
    let by_day = all_pages(&world, &post("/v2/stats/activity/aggregate-by-period", &body), "usersAggregateActivity");
    let days = all_pages(&world, &post("/v2/stats/activity/day-by-day", &body), "usersDetailedActivities");
    assert_eq!(by_day.len(), days.len());
    let calls = all_pages(&world, &extensive("2026-03-02T05:00:00Z", "2026-03-12T04:00:00Z"), "calls");
    for (counted, listed) in by_day.iter().zip(&days) {
        assert_eq!(counted["userId"], listed["userId"]);
        let listed_days = listed["userDailyActivityStats"].as_array().unwrap();
        assert_eq!(listed_days.len(), 10);
        for day in counted["userAggregateActivity"].as_array().unwrap() {
            let lists = listed_days.iter().find(|other| other["fromDate"] == day["fromDate"]).unwrap();
            assert_eq!(lists["toDate"], day["toDate"]);
            for act in crate::sim::world::activity::ACTS {
                assert_eq!(day[act], lists[act].as_array().unwrap().len(), "{act}");
            }
        }
        let hosted = calls.iter().filter(|call| call["metaData"]["primaryUserId"] == counted["userId"]).count() as u64;
        let total = |act: &str| {
            let days = counted["userAggregateActivity"].as_array().unwrap();
            days.iter().map(|day| day[act].as_u64().unwrap()).sum::<u64>()
        };
        assert_eq!(total("callsAsHost"), hosted);
    }
    assert!(by_day.iter().any(|user| user["userAggregateActivity"][0]["callsAttended"] != 0));
}

#[test]
fn periods_are_calendar_periods_clipped_to_the_range() {
    let world = world(Config::default());
    let bounds = |period: &str| {
        let body =
            json!({ "aggregationPeriod": period, "filter": { "fromDate": "2026-02-26", "toDate": "2026-03-12" } });
        let users = all_pages(&world, &post("/v2/stats/activity/aggregate-by-period", &body), "usersAggregateActivity");
        let periods = users.iter().flat_map(|user| user["userAggregateActivity"].as_array().unwrap());
        let set: BTreeSet<(String, String)> = periods
            .map(|p| (p["fromDate"].as_str().unwrap()[..10].to_owned(), p["toDate"].as_str().unwrap()[..10].to_owned()))
            .collect();
        set.into_iter().collect::<Vec<_>>()
    };
    let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(bounds("MONTH"), [pair("2026-02-26", "2026-03-01"), pair("2026-03-01", "2026-03-12")]);
    assert_eq!(
        bounds("WEEK"),
        [pair("2026-02-26", "2026-03-02"), pair("2026-03-02", "2026-03-09"), pair("2026-03-09", "2026-03-12")]
    );
    assert_eq!(bounds("YEAR"), [pair("2026-02-26", "2026-03-12")]);
}

#[test]
fn days_follow_the_clocks_of_the_company() {
    // Clocks go forward on 8 March in New York.
    let world = world(Config::default());
    let body = json!({ "aggregationPeriod": "DAY", "filter": { "fromDate": "2026-03-08", "toDate": "2026-03-10" } });
    let users = all_pages(&world, &post("/v2/stats/activity/aggregate-by-period", &body), "usersAggregateActivity");
    let text = serde_json::to_string(&users).unwrap();
    assert!(text.contains("2026-03-09T00:00:00-04:00"), "{text}");
    let calls = all_pages(&world, &extensive("2026-03-06T00:00:00Z", "2026-03-10T00:00:00Z"), "calls");
    let offset = |call: &Value| {
        let started = call["metaData"]["started"].as_str().unwrap();
        (started[..10].to_owned(), started[started.len() - 6..].to_owned())
    };
    for call in &calls {
        let (day, offset) = offset(call);
        assert_eq!(offset, if day.as_str() < "2026-03-08" { "-05:00" } else { "-04:00" }, "{day}");
    }
}

#[test]
fn times_have_no_three_or_six_fractional_digits() {
    let world = world(Config::default());
    let calls = all_pages(&world, &extensive("2026-03-03T00:00:00Z", "2026-03-06T00:00:00Z"), "calls");
    let lengths: BTreeSet<usize> = calls.iter().map(|c| c["metaData"]["started"].as_str().unwrap().len()).collect();
    assert_eq!(lengths, BTreeSet::from([25, 29, 32]));
}

#[test]
fn switches_change_what_they_name_and_nothing_else() {
    let plain = world(Config::default());
    let long = world(Config { long_ids: true, unknown_fields: true, total_records_ahead: 3, ..Config::default() });
    let request = extensive("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z");
    let (_, before) = ask(&plain, &request);
    let (_, after) = ask(&long, &request);
    assert_eq!(after["records"]["totalRecords"], before["records"]["totalRecords"].as_u64().unwrap() + 3);
    let (a, b) = (&before["calls"][4]["metaData"], &after["calls"][4]["metaData"]);
    assert_eq!((&a["title"], &a["started"]), (&b["title"], &b["started"]));
    assert_eq!((a["id"].as_str().unwrap().len(), b["id"].as_str().unwrap().len()), (19, 20));
    assert!(b.get("qualityScore").is_some() && a.get("qualityScore").is_none());
    assert_eq!(ask(&long, &get(&format!("/v2/calls/{}", b["id"].as_str().unwrap()))).0, 200);
}

#[test]
fn reviews_are_manual_unless_asked_for_all() {
    let world = world(Config { calls_per_day: 200, ..Config::default() });
    let reviews = |filter: Value| {
        let request = post("/v2/stats/activity/scorecards", &json!({ "filter": filter }));
        all_pages(&world, &request, "answeredScorecards")
    };
    let days = |method: Option<&str>| {
        let mut filter = json!({ "reviewFromDate": "2026-03-02", "reviewToDate": "2026-03-10" });
        if let Some(method) = method {
            filter["reviewMethod"] = json!(method);
        }
        reviews(filter)
    };
    let (by_default, manual, automatic, both) =
        (days(None), days(Some("MANUAL")), days(Some("AUTOMATIC")), days(Some("BOTH")));
    assert_eq!(by_default, manual);
    assert_eq!(manual.len() + automatic.len(), both.len());
    assert!(!manual.is_empty() && automatic.iter().all(|review| review["reviewerUserId"].is_null()));
    let (_, settings) = ask(&world, &get("/v2/settings/scorecards"));
    let scorecards = settings["scorecards"].as_array().unwrap();
    for review in &both {
        let day = &review["reviewTime"].as_str().unwrap()[..10];
        assert!(("2026-03-02".."2026-03-10").contains(&day), "{day}");
        let scorecard = scorecards.iter().find(|s| s["scorecardId"] == review["scorecardId"]).unwrap();
        for answer in review["answers"].as_array().unwrap() {
            let questions = scorecard["questions"].as_array().unwrap();
            assert!(questions.iter().any(|question| question["questionId"] == answer["questionId"]));
        }
        let id = review["callId"].as_str().unwrap();
        let (_, call) = ask(&world, &get(&format!("/v2/calls/{id}")));
        assert_eq!(call["call"]["primaryUserId"], review["reviewedUserId"]);
    }
    assert_eq!(scorecards[0]["questions"][0]["minRange"], "1");
    let nothing = json!({ "filter": { "reviewFromDate": "2026-03-02", "reviewToDate": "2026-03-02" } });
    let text = "No answered scorecards found corresponding to the provided filters.";
    assert_eq!(refused(&world, &post("/v2/stats/activity/scorecards", &nothing)), (404, text.to_owned()));
}

#[test]
fn settings_agree_with_the_calls_that_use_them() {
    let world = world(Config::default());
    let (_, listed) = ask(&world, &get("/v2/settings/trackers"));
    let keyword: BTreeSet<&str> =
        listed["keywordTrackers"].as_array().unwrap().iter().map(|t| t["trackerId"].as_str().unwrap()).collect();
    let mut body = window("2026-03-03T00:00:00Z", "2026-03-06T00:00:00Z");
    body["contentSelector"] = json!({ "exposedFields": { "content": { "trackers": true, "callOutcome": true } } });
    let (_, outcomes) = ask(&world, &get("/v2/call-outcomes"));
    let outcomes = outcomes["outcomes"].as_array().unwrap();
    for call in all_pages(&world, &post("/v2/calls/extensive", &body), "calls") {
        for tracker in call["content"]["trackers"].as_array().into_iter().flatten() {
            let id = tracker["id"].as_str().unwrap();
            assert_eq!(keyword.contains(id), tracker["type"] == "KEYWORD");
            assert_eq!(tracker["occurrences"], json!([]), "only on request");
        }
        let outcome = &call["content"]["callOutcome"]["name"];
        assert!(outcome.is_null() || outcomes.iter().any(|known| known["callOutcome"] == *outcome));
    }
    assert_eq!(refused(&world, &get("/v2/settings/trackers?workspaceId=12")).0, 404);
}

#[test]
fn libraries_need_a_workspace_and_folders_hold_calls() {
    let world = world(Config::default());
    assert_eq!(refused(&world, &get("/v2/library/folders")).0, 400);
    let (_, workspaces) = ask(&world, &get("/v2/workspaces"));
    let mut calls = 0;
    for workspace in workspaces["workspaces"].as_array().unwrap() {
        let path = format!("/v2/library/folders?workspaceId={}", workspace["id"].as_str().unwrap());
        let (_, folders) = ask(&world, &get(&path));
        for folder in folders["folders"].as_array().unwrap() {
            let path = format!("/v2/library/folder-content?folderId={}", folder["id"].as_str().unwrap());
            let (status, content) = ask(&world, &get(&path));
            assert_eq!((status, &content["name"]), (200, &folder["name"]));
            for call in content["calls"].as_array().unwrap() {
                calls += 1;
                let (status, _) = ask(&world, &get(&format!("/v2/calls/{}", call["id"].as_str().unwrap())));
                assert_eq!(status, 200);
            }
        }
    }
    assert!(calls > 15, "{calls}");
    assert_eq!(refused(&world, &get("/v2/library/folder-content?folderId=1")), (404, "No folders found".to_owned()));
}

#[test]
fn logs_need_their_kind_and_forget_accesses() {
    let world = world(Config::default());
    assert_eq!(refused(&world, &get("/v2/logs?fromDateTime=2026-03-01T00:00:00Z")).0, 400);
    assert_eq!(refused(&world, &get("/v2/logs?logType=Other&fromDateTime=2026-03-01T00:00:00Z")).0, 400);
    let accesses =
        all_pages(&world, &get("/v2/logs?logType=AccessLog&fromDateTime=2025-01-01T00:00:00Z"), "logEntries");
    let times: Vec<DateTime<Utc>> = accesses.iter().map(|entry| at(entry["eventTime"].as_str().unwrap())).collect();
    assert!(times.is_sorted() && times[0] >= at("2026-03-06T12:00:00Z") && times.len() > 100);
    assert!(accesses.iter().all(|entry| entry.get("userId").is_some() && entry["logRecord"].is_object()));
    assert!(accesses.iter().any(|entry| entry.get("impersonatorUserId").is_none()));
    let old = "/v2/logs?logType=AccessLog&fromDateTime=2025-01-01T00:00:00Z&toDateTime=2025-02-01T00:00:00Z";
    assert_eq!(refused(&world, &get(old)).0, 404);
}

#[test]
fn one_unknown_call_spoils_a_request_for_access() {
    let world = world(Config::default());
    let calls = ids(&all_pages(&world, &extensive("2026-03-03T00:00:00Z", "2026-03-04T00:00:00Z"), "calls"));
    let access = |ids: &[String]| post("/v2/calls/users-access", &json!({ "filter": { "callIds": ids } }));
    let (status, answer) = ask(&world, &access(&calls));
    assert_eq!((status, answer["callAccessList"].as_array().map(Vec::len)), (200, Some(calls.len())));
    let spoilt = [calls, vec!["12".to_owned()]].concat();
    assert_eq!(refused(&world, &access(&spoilt)), (400, "Some calls not found".to_owned()));
}

#[test]
fn speaking_habits_are_told_of_hosts() {
    let world = world(Config::default());
    let body = json!({ "filter": { "fromDate": "2026-03-02", "toDate": "2026-03-10" } });
    let people = all_pages(&world, &post("/v2/stats/interaction", &body), "peopleInteractionStats");
    assert!(people.len() > 3);
    for person in &people {
        let stats = person["personInteractionStats"].as_array().unwrap();
        let names: Vec<&str> = stats.iter().map(|stat| stat["name"].as_str().unwrap()).collect();
        let known = ["Longest Monologue", "Longest Customer Story", "Interactivity", "Patience", "Question Rate"];
        assert_eq!(names, known);
    }
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
