//! The laws of listings, and what calls look like under each switch.

use std::collections::BTreeSet;

use super::*;

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
fn links_to_the_crm_are_of_every_documented_kind() {
    let world = world(Config::default());
    let mut body = window("2026-03-03T00:00:00Z", "2026-03-06T00:00:00Z");
    body["contentSelector"] = json!({
        "context": "Extended", "contextTiming": ["Now", "TimeOfCall"], "exposedFields": { "parties": true },
    });
    let calls = all_pages(&world, &post("/v2/calls/extensive", &body), "calls");
    let (mut of_calls, mut of_parties, mut types) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut without_id, mut without_fields) = (0, 0);
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    for call in &calls {
        let own = list(&call["context"]).into_iter().map(|link| (link, true));
        let parties = list(&call["parties"]).into_iter().flat_map(|party| list(&party["context"]));
        for (link, is_own) in own.chain(parties.map(|link| (link, false))) {
            for object in list(&link["objects"]) {
                let told = format!("{} {}", object["objectType"].as_str().unwrap(), object["timing"].as_str().unwrap());
                if is_own {
                    of_calls.insert(told)
                } else {
                    of_parties.insert(told)
                };
                without_id += usize::from(object["objectId"].is_null());
                let fields = list(&object["fields"]);
                without_fields += usize::from(fields.is_empty());
                types.extend(fields.iter().map(|field| match &field["value"] {
                    Value::Array(values) if values[0].is_string() => "texts",
                    Value::Array(_) => "numbers",
                    Value::String(_) => "text",
                    Value::Number(number) if number.is_f64() => "fraction",
                    Value::Number(_) => "whole number",
                    Value::Null => "null",
                    other => panic!("{other}"),
                }));
            }
        }
    }
    let names = |kinds: &[&str]| -> BTreeSet<String> {
        kinds.iter().flat_map(|kind| ["Now", "TimeOfCall"].map(|timing| format!("{kind} {timing}"))).collect()
    };
    assert_eq!(of_calls, names(&["Account", "Opportunity"]));
    assert_eq!(of_parties, names(&["Contact", "Lead", "User"]));
    assert_eq!(types, ["fraction", "null", "numbers", "text", "texts", "whole number"].into());
    assert!(without_id > 0 && without_fields > 0, "{without_id}, {without_fields}");
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
