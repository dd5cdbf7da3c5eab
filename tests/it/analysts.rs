//! What analysts get: views and macros over the datasets, and questions asked of them. Every answer is
//! compared with one worked out from Gong's records by other means, in `support/sales.py`.

mod spark;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::command::{Sandbox, job, simulated};
use crate::support::python::{self, Row};
use crate::support::repository;
use crate::support::simulator::Simulator;

const SALES: &str = include_str!("support/sales.py");

/// Five weeks from a Monday, asked for about the last four and a half of them.
const EXPORTED: (&str, &str) = ("2026-01-05", "2026-02-09");
const ASKED: (&str, &str) = ("2026-01-07", "2026-02-08");

/// An export of everything, the script that `gong-export sql` prints for it, and the answers that it
/// has to give.
struct Company {
    /// Serves for as long as there may be another run.
    _simulator: Simulator,
    sandbox: Sandbox,
    truth: Value,
}

impl Company {
    fn new() -> Self {
        let simulator = Simulator::start(json!({
            "calls_per_day": 20, "sentences_per_call": 30, "null_speakers": 0.1, "calls_without_parties": 0.05,
            "late_transcripts": 0.0,
        }));
        let sandbox = Sandbox::new();
        let mut job = job(&simulator.source());
        job["range"] = json!({ "from": EXPORTED.0, "to": EXPORTED.1 });
        job["datasets"] = json!(["all"]);
        sandbox.export_job(&job).expect(0);
        // Once into a database, which then is opened for each question.
        python::duckdb(&format!("ATTACH '{}' AS gong; USE gong;\n{}\nSELECT 1", database(&sandbox), script(&sandbox)));
        let instant = |day: &str| format!("{day}T00:00:00Z");
        let truth = simulator.truth(&instant(EXPORTED.0), &instant(EXPORTED.1), EXPORTED);
        let request = json!({
            "calls": truth.calls, "transcripts": truth.transcripts, "users": truth.users,
            "from": ASKED.0, "to": ASKED.1,
        });
        Self { _simulator: simulator, sandbox, truth: python::call(SALES, &request) }
    }

    /// The rows of a query, asked as a sample is: the range in two variables.
    fn ask(&self, query: &str) -> Vec<Row> {
        let (from, to) = ASKED;
        python::duckdb(&format!(
            "ATTACH '{}' AS gong (READ_ONLY); USE gong;
             SET VARIABLE from_date = DATE '{from}'; SET VARIABLE to_date = DATE '{to}';\n{query}",
            database(&self.sandbox)
        ))
    }
}

fn database(sandbox: &Sandbox) -> String {
    sandbox.path().join("gong.duckdb").display().to_string()
}

fn script(sandbox: &Sandbox) -> String {
    sandbox.run(["sql", "job.yaml", "--dialect", "duckdb"]).expect(0).stdout
}

/// The samples, by their names without `.sql`, in order.
fn samples() -> Vec<(String, String)> {
    let folder = repository().join("samples/queries");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let sql = paths.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "sql"));
    sql.map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(path).unwrap()))
        .collect()
}

/// Rows are equal, in their order, in all columns that the truth knows; fractions as far as they are
/// rounded.
#[track_caller]
fn assert_answer(name: &str, answer: &[Row], truth: &Value) {
    let truth: Vec<Row> = serde_json::from_value(truth.clone()).unwrap();
    assert!(!truth.is_empty(), "{name}: nothing to compare");
    assert_eq!(answer.len(), truth.len(), "{name}: rows\n{answer:?}\n{truth:?}");
    for (number, (row, expected)) in answer.iter().zip(&truth).enumerate() {
        for (column, expected_cell) in expected {
            let cell = row.get(column).unwrap_or_else(|| panic!("{name} has no column {column}: {row:?}"));
            let same = match (cell.as_f64(), expected_cell.as_f64()) {
                (Some(cell), Some(expected)) => (cell - expected).abs() < 0.0051,
                _ => cell == expected_cell,
            };
            assert!(same, "{name}, row {number}, {column}: {cell}, not {expected_cell}\n{row:?}\n{expected:?}");
        }
    }
}

#[test]
fn every_question_has_the_answer_that_the_records_give() {
    let company = Company::new();
    let samples = samples();
    let names: BTreeSet<_> = samples.iter().map(|(name, _)| name.clone()).collect();
    let answered: BTreeSet<_> = company.truth["questions"].as_object().unwrap().keys().cloned().collect();
    assert_eq!(names, answered);
    for (name, query) in &samples {
        for part in ["-- Question: ", "\n-- Needs: ", "\n-- How to read it: "] {
            assert!(query.contains(part), "{name} has no {part:?}");
        }
        let answer = company.ask(query);
        assert_answer(name, &answer, &company.truth["questions"][name]);
        // All columns were compared.
        let columns = |row: &Row| row.keys().cloned().collect::<BTreeSet<_>>();
        let truth: Row = serde_json::from_value(company.truth["questions"][name][0].clone()).unwrap();
        assert_eq!(columns(&answer[0]), columns(&truth), "{name}");
    }
}

#[test]
fn views_and_macros_say_what_the_records_say() {
    let company = Company::new();
    let truth = &company.truth;
    let meetings = company.ask("SELECT * FROM meetings ORDER BY call_id");
    assert_answer("meetings", &meetings, &truth["meetings"]);
    let accounts = company.ask("SELECT * FROM call_accounts ORDER BY call_id, kind, coalesce(id, '')");
    assert_answer("call_accounts", &accounts, &truth["accounts"]);
    for source in ["crm", "email_domain"] {
        assert!(accounts.iter().any(|row| row["source"] == source), "{source}");
    }
    let range = format!("'{}', '{}'", ASKED.0, ASKED.1);
    let talk = company.ask(&format!("SELECT * FROM talk_ratio({range})"));
    assert_answer("talk_ratio", &talk, &truth["talk"]);
    let months = company.ask(&format!("SELECT * FROM calls_per_rep('month', {range})"));
    assert_answer("calls_per_rep", &months, &truth["per_month"]);

    let found = &truth["transcript"];
    let (id, day) = (found["call_id"].as_str().unwrap(), found["call_date"].as_str().unwrap());
    let turns = company.ask(&format!("SELECT * FROM call_transcript('{id}')"));
    assert_answer("call_transcript", &turns, &found["turns"]);
    assert!(turns.len() > 3, "{turns:?}");
    assert_eq!(company.ask(&format!("SELECT * FROM call_transcript('{id}', on_date := '{day}')")), turns);

    for (words, expected) in truth["search"].as_object().unwrap() {
        let mut rows = company.ask(&format!("SELECT * FROM search_calls('{words}', {range})"));
        assert!(rows.is_sorted_by(|a, b| a["score"].as_f64() >= b["score"].as_f64()), "{words}");
        // Scores are rounded, so what scores alike may stand in another order.
        let mut expected: Vec<Row> = serde_json::from_value(expected.clone()).unwrap();
        for rows in [&mut rows, &mut expected] {
            rows.sort_by_key(|row| row["call_id"].to_string());
        }
        if words.contains("xyzzy") {
            assert_eq!((rows.len(), expected.len()), (0, 0), "{words}");
        } else {
            assert_answer(words, &rows, &json!(expected));
        }
    }
    // Without a range, all of them.
    let all = company.ask("SELECT count(*) AS n FROM search_calls('demo')")[0]["n"].as_u64();
    let some = company.ask(&format!("SELECT count(*) AS n FROM search_calls('demo', {range})"))[0]["n"].as_u64();
    assert!(all > some, "{all:?} {some:?}");
    assert!(company.ask("FROM search_calls('')").is_empty(), "nothing asked for, nothing found");

    // A second snapshot, a day later.
    company.sandbox.run(["run", "job.yaml", "--now", "2026-03-21T12:00:00Z", "--dataset", "users"]).expect(0);
    let users = company.ask(
        "SELECT count(*) AS n, count(DISTINCT user_id) AS users, min(snapshot_date) AS day,
            (SELECT count(*) FROM users) AS all_rows FROM users_current",
    );
    assert_eq!(json!(users), json!([{ "n": 12, "users": 12, "day": "2026-03-21", "all_rows": 24 }]));
    let rows = company.ask(&format!("SELECT * FROM calls_per_rep('month', {range})"));
    assert_eq!(rows, months, "a second snapshot doubles nothing");
}

/// How many of how many files each scan of a query reads, as the plan says before it is run. A scan
/// that nothing bounds says nothing.
fn scans(company: &Company, query: &str) -> Vec<Option<(u64, u64)>> {
    fn walk(node: &Value, scans: &mut Vec<Option<(u64, u64)>>) {
        if node["name"].as_str().is_some_and(|name| name.trim() == "READ_PARQUET") {
            let files = node["extra_info"]["Scanning Files"].as_str().and_then(|text| text.split_once('/'));
            scans.push(files.map(|(some, all)| (some.parse().unwrap(), all.parse().unwrap())));
        }
        node["children"].as_array().unwrap().iter().for_each(|child| walk(child, scans));
    }
    let plan = company.ask(&format!("EXPLAIN (FORMAT json) {query}"));
    let plan: Value = serde_json::from_str(plan[0]["explain_value"].as_str().unwrap()).unwrap();
    let mut scans_found = Vec::new();
    plan.as_array().unwrap().iter().for_each(|node| walk(node, &mut scans_found));
    scans_found
}

#[test]
fn a_filter_by_day_reaches_the_files_through_every_view_and_macro() {
    let company = Company::new();
    for (query, datasets) in [
        ("FROM calls WHERE call_date >= '2026-02-02'", 1),
        ("FROM transcripts WHERE call_date >= '2026-02-02'", 1),
        ("FROM meetings WHERE call_date >= '2026-02-02'", 1),
        ("FROM call_accounts WHERE call_date >= '2026-02-02'", 2),
        ("FROM search_calls('pricing', '2026-02-02')", 4),
        ("FROM search_calls('pricing', DATE '2026-02-09' - 7)", 4),
        ("FROM talk_ratio('2026-02-02')", 2),
    ] {
        assert_eq!(scans(&company, query), vec![Some((7, 35)); datasets], "{query}");
    }
    // With the users' one file, and of one day.
    assert!(scans(&company, "FROM calls_per_rep('week', '2026-02-02')").contains(&Some((7, 35))));
    assert_eq!(scans(&company, "FROM call_transcript('1', on_date := '2026-02-02')"), [Some((1, 35))]);
    // So do the samples: no file of a call is read that is out of the range. `users` has one file.
    for (name, query) in samples() {
        let scans = scans(&company, &query);
        let bounded = scans.iter().flatten().all(|(some, _)| *some <= 32);
        let unbounded = scans.iter().filter(|scan| scan.is_none()).count();
        assert!(bounded && unbounded == usize::from(query.contains("calls_per_rep(")), "{name}: {scans:?}");
    }
}

#[test]
fn a_job_of_few_datasets_or_of_months_gets_what_they_allow() {
    let mut job = job(&simulated(json!({})));
    for (datasets, left_out, works) in [
        (
            json!(["calls"]),
            &["users_current", "call_transcript", "talk_ratio"][..],
            &["meetings", "search_calls('demo')", "calls_per_rep()"][..],
        ),
        (json!(["transcripts"]), &["search_calls", "call_accounts"], &["call_transcript('1')"]),
        (json!(["calls", "parties"]), &["users_current"], &["call_accounts", "talk_ratio()"]),
    ] {
        job["datasets"] = datasets.clone();
        let sandbox = Sandbox::new();
        sandbox.export_job(&job).expect(0);
        let script = script(&sandbox);
        for name in left_out {
            assert!(script.contains(&format!("-- {name} is left out: the job has no ")), "{datasets}: {name}");
        }
        for relation in works {
            let rows = python::duckdb(&format!("{script}\nSELECT count(*) AS n FROM {relation}"));
            assert_eq!(rows[0]["n"] != 0, !relation.contains("'1'"), "{datasets}: {relation}");
        }
    }

    // Nothing exported yet: all is there, and empty.
    job["datasets"] = json!(["all"]);
    let sandbox = Sandbox::new();
    sandbox.job(&job);
    let rows = python::duckdb(&format!("{}\nFROM search_calls('demo')", script(&sandbox)));
    assert!(rows.is_empty(), "{rows:?}");

    job["destination"]["partition_by"] = json!("month");
    sandbox.export_job(&job).expect(0);
    let script = script(&sandbox);
    let count = |relation: &str| {
        python::duckdb(&format!("{script}\nSELECT count(*) AS n FROM {relation}"))[0]["n"].as_u64().unwrap()
    };
    assert_eq!(count("search_calls('demo', '2026-04-01')"), 0);
    let by_day = [2, 3, 4, 5].map(|day| count(&format!("talk_ratio('2026-03-0{day}', '2026-03-0{}')", day + 1)));
    assert!(by_day.iter().all(|n| *n > 0), "{by_day:?}");
    assert_eq!(count("talk_ratio('2026-03-02', '2026-03-06')"), by_day.iter().sum::<u64>());
    assert!(count("calls_per_rep('day')") > count("calls_per_rep('month')"));
    for relation in ["meetings", "call_accounts", "users_current"] {
        assert!(count(relation) > 0, "{relation}");
    }
    let id = python::duckdb(&format!("{script}\nSELECT min(call_id) AS id FROM transcripts"))[0]["id"].clone();
    let id = id.as_str().unwrap();
    assert!(count(&format!("call_transcript('{id}')")) > 0);
    assert_eq!(count(&format!("call_transcript('{id}', '2026-03-02')")), count(&format!("call_transcript('{id}')")));
}
