//! The small lists agree with the calls that refer to them.

use std::collections::BTreeSet;

use super::*;

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
