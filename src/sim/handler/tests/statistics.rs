//! Statistics agree with the calls they are about.

use std::collections::BTreeSet;

use super::*;

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
