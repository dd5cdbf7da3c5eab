//! Why a partition is exported: the words of `plan`, and what a run makes of them.

use std::fs;

use serde_json::{Value, json};

use super::{Nights, files_of};

/// The settled days of [`crate::support::command::job`] and an export of them.
fn exported() -> Nights {
    let mut nights = Nights::of(json!({ "calls_without_transcript": 0.0 }));
    nights.job["datasets"] = json!(["calls", "transcripts"]);
    nights.run(FIRST, &[]).expect(0);
    nights
}

const FIRST: &str = "2026-03-20T03:00:00Z";
const NEXT: &str = "2026-03-21T03:00:00Z";

/// What `plan` says about each day of calls: the day, whether it is due, the word.
fn plan(nights: &Nights, job: &Value, more: &[&str]) -> Vec<(String, bool, String)> {
    nights.sandbox.job(job);
    let arguments = [&["plan", "job.yaml", "--output", "json", "--now", NEXT], more].concat();
    let plan = nights.sandbox.run(arguments).expect(0).json();
    let calls = plan["datasets"].as_array().unwrap().iter().find(|dataset| dataset["dataset"] == "calls").unwrap();
    let day = |partition: &Value| {
        let text = |name: &str| partition[name].as_str().unwrap().to_owned();
        (text("partition"), partition["due"].as_bool().unwrap(), text("why"))
    };
    calls["partitions"].as_array().unwrap().iter().map(day).collect()
}

fn words(plan: &[(String, bool, String)]) -> Vec<&str> {
    plan.iter().map(|(_, _, word)| word.as_str()).collect()
}

/// Runs the job and says which days of calls it exported.
fn days_exported(nights: &mut Nights, job: Value, more: &[&str]) -> Vec<String> {
    nights.job = job;
    let record = nights.run(NEXT, more).expect(0).json();
    let day = |key: &str| key.split(['=', '/']).nth(2).unwrap().to_owned();
    files_of(&record).into_iter().filter(|key| key.starts_with("calls/")).map(day).collect()
}

#[test]
fn settled_days_are_left_alone_unless_all_is_asked_for() {
    let mut nights = exported();
    let job = nights.job.clone();
    assert_eq!(words(&plan(&nights, &job, &[])), ["settled"; 4]);
    assert_eq!(nights.requests_of(|| nights.run(NEXT, &[]).expect(0)).0, 0);
    let planned = plan(&nights, &job, &["--full-refresh"]);
    assert_eq!(words(&planned), ["full_refresh"; 4]);
    assert!(planned.iter().all(|(_, due, _)| *due));
    let before = nights.export();
    assert_eq!(days_exported(&mut nights, job, &["--full-refresh"]).len(), 4);
    assert_eq!(nights.export().content(), before.content(), "nothing has changed in Gong");
}

/// Changes a job; the id of a host of some calls is handed in.
type Change = fn(&mut Value, Value);

#[test]
fn another_choice_of_calls_makes_days_due() {
    let host = |nights: &Nights| nights.export().rows("calls")[0]["primary_user_id"].clone();
    let changes: [(&str, Change); 3] = [
        ("users", |job, host| job["users"] = json!({ "hosts": [host] })),
        ("private calls", |job, _| job["privacy"] = json!({ "private_calls": "include" })),
        ("timezone", |job, _| job["range"]["timezone"] = json!("Asia/Tokyo")),
    ];
    for (name, change) in changes {
        let mut nights = exported();
        let mut job = nights.job.clone();
        change(&mut job, host(&nights));
        assert_eq!(words(&plan(&nights, &job, &[])), ["other_selection"; 4], "{name}");
        let exported = days_exported(&mut nights, job.clone(), &[]);
        assert_eq!(exported.len(), 4, "{name}");
        assert_eq!(words(&plan(&nights, &job, &[])), ["settled"; 4], "{name}");
        let mut found = nights.export();
        let expected = nights.fresh(NEXT);
        found.files.retain(|key, _| expected.files.contains_key(key));
        assert_eq!(found.content(), expected.content(), "{name}");
    }
}

#[test]
fn a_widened_range_is_filled_in_and_unsettled_days_are_refreshed() {
    let mut nights = exported();
    let mut job = nights.job.clone();
    job["range"] = json!({ "from": "2026-02-28", "to": "2026-03-08" });
    let planned = plan(&nights, &job, &[]);
    assert_eq!(
        words(&planned),
        ["missing", "missing", "settled", "settled", "settled", "settled", "missing", "missing"]
    );
    let due: Vec<_> = planned.iter().filter(|(_, due, _)| *due).map(|(day, _, _)| day.clone()).collect();
    assert_eq!(days_exported(&mut nights, job, &[]), due);

    let mut job = nights.job.clone();
    job["range"] = json!({ "from": "2026-03-18", "to": "today" });
    nights.job = job.clone();
    nights.run(FIRST, &[]).expect(0);
    let planned = plan(&nights, &job, &[]);
    assert_eq!(words(&planned), ["unsettled", "unsettled", "missing"]);
}

#[test]
fn a_missing_file_takes_its_companions_along() {
    let mut nights = exported();
    let lost = "transcripts/call_date=2026-03-03/transcripts.parquet";
    let before = nights.export();
    fs::remove_file(nights.sandbox.export().join(lost)).unwrap();
    let job = nights.job.clone();
    assert_eq!(words(&plan(&nights, &job, &[])), ["settled", "companion", "settled", "settled"]);
    assert_eq!(days_exported(&mut nights, job, &[]), ["2026-03-03"]);
    assert_eq!(nights.export().content(), before.content());
}
