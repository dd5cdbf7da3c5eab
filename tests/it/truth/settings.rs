//! What an administrator set up and how calls were judged: reviews by day, settings as snapshots.

use serde_json::{Value, json};

use super::{noise, with};
use crate::support::command::{NOW, Sandbox, job};
use crate::support::export::{Export, assert_rows};
use crate::support::gateway::{Gateway, Trouble};
use crate::support::oracle::comparable;
use crate::support::oracle::settings::{DATASETS, Settings};
use crate::support::simulator::{Simulator, source};

const REVIEWS: &str = "/v2/stats/activity/scorecards";
const DAYS: (&str, &str) = ("2026-03-02", "2026-03-06");

/// The usual job with the datasets of this file.
fn settings_job(source: &Value) -> Value {
    let mut job = job(source);
    job["datasets"] = json!(["scorecards", "settings"]);
    job
}

#[track_caller]
fn assert_settings(export: &Export, settings: &Settings, include_private: bool) {
    for dataset in DATASETS {
        let expected = settings.rows(dataset, include_private);
        assert!(!expected.is_empty(), "{dataset}: nothing to compare");
        assert_rows(dataset, &comparable(export.rows(dataset)), &expected);
    }
}

#[test]
fn settings_and_reviews_are_what_gong_says_and_private_calls_come_only_if_wanted() {
    let simulator = Simulator::start(with(noise(), json!({ "private_calls": 0.4, "calls_per_day": 60 })));
    let settings = Settings::of(&simulator, DAYS);
    let (reviews, shelved) = settings.of_private_calls();
    assert!(reviews > 1 && shelved > 1, "{reviews} reviews of private calls, {shelved} in the library");
    let sandbox = Sandbox::new();
    let mut job = settings_job(&simulator.source());
    // Over the same destination: what was written with private calls does not stay.
    for include_private in [true, false] {
        job["privacy"] = json!({ "private_calls": if include_private { "include" } else { "exclude" } });
        let record = sandbox.export_job(&job).expect(0).json();
        let export = Export::read(&sandbox.export());
        assert_settings(&export, &settings, include_private);
        let left_out = |list: &str| {
            let windows = record["windows"].as_array().unwrap().iter().filter(|window| window["fetch"] == list);
            windows.map(|window| window["private"].as_u64().unwrap()).sum::<u64>() as usize
        };
        let expected = if include_private { (0, 0) } else { (reviews, shelved) };
        assert_eq!((left_out("answered_scorecards"), left_out("library_calls")), expected);
        assert_eq!(export.partitions("answered_scorecards"), ["2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05"]);
        assert_eq!(export.partitions("call_outcomes"), ["2026-03-20"]);
        assert!(DATASETS.iter().all(|dataset| export.rows(dataset).iter().all(|row| row["extra_json"].is_null())));
    }
    sandbox.run(["verify", "job.yaml"]).expect(0);
    let status = sandbox.run(["status", "job.yaml", "--now", NOW]).expect(0);
    for dataset in DATASETS {
        assert!(status.stdout.contains(dataset), "{dataset}\n{status}");
    }
}

#[test]
fn the_day_of_a_review_is_the_companys() {
    let simulator = Simulator::start(json!({ "timezone": "Pacific/Kiritimati", "calls_per_day": 60 }));
    let sandbox = Sandbox::new();
    let mut job = settings_job(&simulator.source());
    job["range"]["timezone"] = json!("Pacific/Honolulu");
    sandbox.export_job(&job).expect(0);
    let rows = Export::read(&sandbox.export()).rows("answered_scorecards");
    let settings = Settings::of(&simulator, DAYS);
    assert_rows("answered_scorecards", &comparable(rows.clone()), &settings.rows("answered_scorecards", false));
    let other_day = |row: &&crate::support::python::Row| {
        !row["reviewed_at"].as_str().unwrap().starts_with(row["review_date"].as_str().unwrap())
    };
    assert!(rows.iter().filter(other_day).count() > 0, "14 hours ahead, some days differ");
}

#[test]
fn a_missing_scope_is_named_and_costs_its_datasets_only() {
    let scopes = [
        "api:calls:read:extensive",
        "api:settings:trackers:read",
        "api:settings:scorecards:read",
        "api:call-outcomes:read",
        "api:library:read",
    ];
    let simulator = Simulator::start(json!({ "scopes": scopes }));
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&settings_job(&simulator.source())).expect(4).json();
    let export = Export::read(&sandbox.export());
    let written: Vec<_> = DATASETS.into_iter().filter(|dataset| export.of(dataset).count() > 0).collect();
    assert_eq!(written, ["scorecards", "scorecard_questions", "trackers", "call_outcomes"]);
    let failures = record["failures"].to_string();
    // Libraries are asked for by workspace.
    for scope in ["api:stats:scorecards", "api:workspaces:read"] {
        assert!(failures.contains(scope), "{failures}");
    }
    let check = sandbox.run(["check", "job.yaml", "--now", NOW]).expect(3).to_string();
    for (dataset, scope) in [
        ("answered_scorecard_answers", "api:stats:scorecards"),
        ("workspaces", "api:workspaces:read"),
        ("library_calls", "api:workspaces:read"),
    ] {
        let line = check.lines().find(|line| line.contains(&format!("dataset {dataset}: "))).unwrap_or_default();
        assert!(line.contains(scope), "{dataset}: {line}\n{check}");
    }
}

#[test]
fn check_and_plan_show_what_a_run_would_take() {
    let simulator = Simulator::start(json!({}));
    let sandbox = Sandbox::new();
    sandbox.job(&settings_job(&simulator.source()));
    let check = sandbox.run(["check", "job.yaml", "--now", NOW]).expect(0).stdout;
    for (dataset, tells) in [
        ("scorecards", "3 records"),
        ("call_outcomes", "9 records"),
        ("library_folders", "5 records in the first of 2 listings"),
        ("answered_scorecards", "records in the last"),
    ] {
        let line = check.lines().find(|line| line.contains(&format!("dataset {dataset}: "))).unwrap_or_default();
        assert!(line.contains(tells), "{dataset}: {line}\n{check}");
    }
    for more in [&["--probe"][..], &[]] {
        let arguments = [&["plan", "job.yaml", "--now", NOW, "--output", "json"], more].concat();
        let plan = sandbox.run(arguments).expect(0).json();
        let shown = plan.to_string();
        for list in ["answered_scorecards", "scorecards", "trackers", "workspaces", "call_outcomes", "library_calls"] {
            assert!(shown.contains(&format!("\"{list}\"")), "{list}: {plan:#}");
        }
    }
    let before = simulator.requests();
    sandbox.run(["plan", "job.yaml", "--now", NOW]).expect(0);
    assert_eq!(simulator.requests(), before, "a plan without --probe asks for nothing");
}

#[test]
fn the_next_day_takes_new_snapshots_and_only_the_reviews_that_may_still_change() {
    let simulator = Simulator::start(json!({ "calls_per_day": 60 }));
    let gateway = Gateway::before(&simulator.url());
    let sandbox = Sandbox::new();
    let mut job = settings_job(&source(&gateway.url()));
    // To now, so today is asked for, which is not over: Gong takes such days here.
    job["range"] = json!({ "from": "2026-03-05", "to": NOW });
    let asked_days = |from: usize| -> Vec<(Value, Value)> {
        let asked = gateway.seen().into_iter().skip(from).filter(|seen| seen.path == REVIEWS);
        asked
            .map(|seen| {
                assert_eq!(seen.body["filter"]["reviewMethod"], "BOTH");
                (seen.body["filter"]["reviewFromDate"].clone(), seen.body["filter"]["reviewToDate"].clone())
            })
            .collect()
    };
    sandbox.export_job_at(&job, NOW, &[]).expect(0);
    assert_eq!(asked_days(0), [(json!("2026-03-05"), json!("2026-03-21"))]);

    let before = gateway.seen().len();
    let next = "2026-03-21T12:00:00Z";
    simulator.set_clock(next);
    job["range"]["to"] = json!(next);
    sandbox.export_job_at(&job, next, &[]).expect(0);
    // The 12th was over everywhere by the 13th at noon in UTC, seven days before the first run.
    assert_eq!(asked_days(before), [(json!("2026-03-13"), json!("2026-03-22"))]);
    let export = Export::read(&sandbox.export());
    for dataset in &DATASETS[2..] {
        assert_eq!(export.partitions(dataset), ["2026-03-20", "2026-03-21"], "{dataset}");
    }
    assert_eq!(export.partitions("answered_scorecards").len(), 17);
    let settings = Settings::of(&simulator, ("2026-03-05", "2026-03-22"));
    for dataset in &DATASETS[..2] {
        assert_rows(dataset, &comparable(export.rows(dataset)), &settings.rows(dataset, false));
    }
    sandbox.run(["verify", "job.yaml"]).expect(0);
}

#[test]
fn a_review_that_cannot_be_told_apart_is_kept_aside_and_the_others_are_exported() {
    let simulator = Simulator::start(json!({ "calls_per_day": 60, "private_calls": 0.0 }));
    let gateway = Gateway::before(&simulator.url());
    gateway.trouble(
        REVIEWS,
        0,
        usize::MAX,
        Trouble::Alter(|answer| {
            let answers = &mut answer["answeredScorecards"][0]["answers"];
            answers[1]["questionId"] = answers[0]["questionId"].clone();
        }),
    );
    let settings = Settings::of(&simulator, DAYS);
    let sandbox = Sandbox::new();
    let record = sandbox.export_job(&settings_job(&source(&gateway.url()))).expect(4).json();
    let window = record["windows"].as_array().unwrap().iter().find(|w| w["fetch"] == "answered_scorecards").unwrap();
    assert_eq!(window["rejected"], 1, "{window}");
    let export = Export::read(&sandbox.export());
    let reviews = export.rows("answered_scorecards");
    assert_eq!(reviews.len() + 1, settings.rows("answered_scorecards", true).len());
    assert_eq!(
        export.rows("answered_scorecard_answers").len() + 4,
        settings.rows("answered_scorecard_answers", true).len()
    );
}
