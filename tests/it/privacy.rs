//! Jobs that keep personal data out of their files: by pseudonyms, and by leaving calls out.

use std::collections::BTreeSet;
use std::path::Path;

use aho_corasick::AhoCorasick;
use serde_json::{Value, json};

use crate::support::command::{NOW, Sandbox, job};
use crate::support::export::{Export, assert_rows, data_files};
use crate::support::oracle::{Choice, Truth, comparable};
use crate::support::python;
use crate::support::simulator::Simulator;

const FROM: &str = "2026-03-02T00:00:00Z";
const TO: &str = "2026-03-06T00:00:00Z";
const DAYS: (&str, &str) = ("2026-03-02", "2026-03-06");
const KEY: &str = "6b65792d6f662d74686520746573747320";
const OTHER_KEY: &str = "another-key-of-enough-characters";

/// Everything, written so that a search through the bytes of the files would find it.
fn everything(source: &Value, privacy: Value) -> Value {
    let mut job = job(source);
    job["datasets"] = json!(["all", "logs"]);
    job["destination"]["compression"] = json!("uncompressed");
    job["privacy"] = privacy;
    job
}

fn pseudonymized(key: &str) -> Value {
    json!({ "private_calls": "include", "pseudonymize": ["email", "phone", "name"], "key": key })
}

/// Every dataset with its schema.
fn schemas() -> Vec<Value> {
    let all = Sandbox::new().run(["schema", "dataset", "--output", "json"]).expect(0).json();
    all.as_array().expect("a list of datasets").clone()
}

/// Every address, number and full name that Gong knows, as it writes them.
fn originals(truth: &Truth) -> BTreeSet<String> {
    let mut originals = BTreeSet::new();
    let mut add = |value: &Value| originals.extend(value.as_str().filter(|text| !text.is_empty()).map(str::to_owned));
    for party in truth.calls.iter().filter_map(|call| call["parties"].as_array()).flatten() {
        for field in ["emailAddress", "phoneNumber", "name"] {
            add(&party[field]);
        }
    }
    for user in &truth.users {
        for field in ["emailAddress", "phoneNumber"] {
            add(&user[field]);
        }
        add(&json!(format!("{} {}", user["firstName"].as_str().unwrap(), user["lastName"].as_str().unwrap())));
        user["emailAliases"].as_array().into_iter().flatten().for_each(&mut add);
    }
    originals
}

/// Text in which one of the originals stands, however it is capitalised.
fn found_in(originals: &AhoCorasick, text: &[u8]) -> Vec<String> {
    let around = |range: std::ops::Range<usize>| {
        let (begin, end) = (range.start.saturating_sub(40), (range.end + 40).min(text.len()));
        String::from_utf8_lossy(&text[begin..end]).into_owned()
    };
    originals.find_iter(text).take(5).map(|found| around(found.range())).collect()
}

fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

/// What the files below a destination hold of the originals, byte by byte.
fn left_in_files(sandbox: &Sandbox, originals: &AhoCorasick) -> Vec<String> {
    let search = |path: std::path::PathBuf| {
        let found = found_in(originals, &std::fs::read(&path).unwrap());
        found.into_iter().map(move |found| format!("{}: {found:?}", path.display()))
    };
    files_below(&sandbox.export()).into_iter().flat_map(search).collect()
}

/// What the rows of every dataset hold of the originals, each column as text, as DuckDB reads them.
fn left_in_rows(sandbox: &Sandbox, originals: &AhoCorasick) -> Vec<String> {
    let queries = schemas().into_iter().map(|schema| {
        let dataset = schema["dataset"].as_str().unwrap();
        let folder = sandbox.export().join(dataset);
        assert!(folder.exists(), "{dataset} was not exported");
        let columns = schema["columns"].as_array().unwrap().iter();
        let columns = columns.map(|column| format!("CAST(\"{}\" AS VARCHAR)", column["name"].as_str().unwrap()));
        let columns = columns.collect::<Vec<_>>().join(", ");
        let files = folder.display();
        format!("SELECT '{dataset}' AS dataset, concat_ws(chr(10), {columns}) AS text FROM read_parquet('{files}/*/*.parquet')")
    });
    let rows = python::duckdb(&queries.collect::<Vec<_>>().join(" UNION ALL "));
    assert!(rows.len() > 1_000, "{} rows", rows.len());
    let found = |row: &python::Row| {
        let found = found_in(originals, row["text"].as_str().unwrap().as_bytes());
        found.into_iter().map(|found| format!("{}: {found:?}", row["dataset"])).collect::<Vec<_>>()
    };
    rows.iter().flat_map(found).collect()
}

#[test]
fn no_original_is_left_anywhere_and_joins_still_work() {
    let simulator = Simulator::start(json!({ "unknown_values": true, "unknown_fields": true, "calls_per_day": 60 }));
    let truth = simulator.truth(FROM, TO, DAYS);
    let originals = originals(&truth);
    let has = |part: &str| originals.iter().filter(|original| original.contains(part)).count();
    assert!(has("@") > 50 && has("+1 555") > 5 && has(" ") > 50, "{originals:?}");
    // A host by address, so that the job itself names somebody.
    let emails: Vec<_> = truth.users.iter().map(|user| user["emailAddress"].clone()).collect();

    // Without pseudonyms they are there: the search can find them.
    let plain = Sandbox::new();
    plain.export_job(&everything(&simulator.source(), json!({ "private_calls": "include" }))).expect(0);
    let search = AhoCorasick::builder().ascii_case_insensitive(true).build(&originals).unwrap();
    assert!(left_in_files(&plain, &search).len() > 20 && left_in_rows(&plain, &search).len() > 1_000);

    let sandbox = Sandbox::new();
    let mut job = everything(&simulator.source(), pseudonymized(KEY));
    job["users"] = json!({ "hosts": emails });
    let run = sandbox.export_job_at(&job, NOW, &["-vv", "--log-format", "json"]).expect(0);
    let said = [
        run.said(),
        sandbox.run(["verify", "job.yaml", "--now", NOW]).expect(0).said(),
        sandbox.run(["status", "job.yaml", "--now", NOW]).expect(0).said(),
        sandbox.run(["plan", "job.yaml", "--now", NOW]).expect(0).said(),
    ]
    .concat();
    assert_eq!(left_in_files(&sandbox, &search), [""; 0]);
    assert_eq!(left_in_rows(&sandbox, &search), [""; 0]);
    assert_eq!(found_in(&search, said.as_bytes()), [""; 0]);
    assert!(!said.contains(KEY));
    for path in files_below(&sandbox.export()) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "{}", path.display());
    }

    let export = Export::read(&sandbox.export());
    let (users, parties, sentences) = (export.rows("users"), export.rows("parties"), export.rows("transcripts"));
    let of_user = |id: &Value| users.iter().find(|user| user["user_id"] == *id);
    let mut joined = 0;
    for party in &parties {
        let Some(user) = of_user(&party["user_id"]) else { continue };
        assert_eq!(party["email_address"], user["email_address"]);
        assert_eq!(party["phone_number"], user["phone_number"]);
        joined += 1;
    }
    assert!(joined > 50, "{joined}");
    for activity in export.rows("activity_stats") {
        assert_eq!(activity["user_email_address"], of_user(&activity["user_id"]).unwrap()["email_address"]);
    }
    let names: BTreeSet<_> = parties.iter().filter_map(|party| party["name"].as_str()).collect();
    assert!(names.iter().all(|name| name.starts_with("person-")), "{names:?}");
    assert!(sentences.iter().filter_map(|row| row["speaker_name"].as_str()).all(|name| names.contains(name)));
    assert!(sentences.iter().any(|row| row["text"].as_str().unwrap().contains("person-")), "greetings name people");
    // The domain still tells the company, in the address and beside it.
    let plain = Export::read(&plain.export());
    for (party, original) in parties.iter().zip(plain.rows("parties")) {
        let (Some(email), Some(original)) = (party["email_address"].as_str(), original["email_address"].as_str())
        else {
            continue;
        };
        let domain = original.rsplit_once('@').unwrap().1;
        assert_eq!(email.rsplit_once('@').unwrap().1, domain);
        assert_eq!(party["email_domain"], domain);
    }
    // Nothing else has changed.
    for dataset in ["calls", "parties", "users", "transcripts", "activity_stats"] {
        let schema = schemas().into_iter().find(|schema| schema["dataset"] == dataset).unwrap();
        let columns = schema["columns"].as_array().unwrap();
        let impersonal: Vec<_> = columns
            .iter()
            .filter(|column| column["personal"] == false)
            .map(|column| column["name"].as_str().unwrap())
            .collect();
        assert!(columns.iter().all(|column| column["personal"] == !column["personal_kind"].is_null()));
        let only = |export: &Export| {
            let rows = export.rows(dataset);
            rows.iter()
                .map(|row| impersonal.iter().map(|name| row[*name].clone()).collect())
                .collect::<Vec<Vec<Value>>>()
        };
        assert_eq!(only(&export), only(&plain), "{dataset}");
    }
}

#[test]
fn the_key_decides_and_a_new_one_makes_everything_due() {
    let simulator = Simulator::start(json!({ "calls_per_day": 10 }));
    let sandbox = Sandbox::new();
    let run = |privacy: Value| {
        let mut job = job(&simulator.source());
        job["privacy"] = privacy;
        sandbox.export_job(&job).expect(0).json()
    };
    // Why partitions are due: none is, but for the snapshot of today.
    let reasons = || {
        let plan = sandbox.run(["plan", "job.yaml", "--now", NOW, "--output", "json"]).expect(0).json();
        let partitions = plan["datasets"].as_array().unwrap().iter().flat_map(|d| d["partitions"].as_array().unwrap());
        let due = partitions.filter(|partition| partition["due"] == true);
        due.map(|partition| partition["why"].as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let checksums = || -> Vec<String> {
        Export::read(&sandbox.export()).files.values().map(|file| file.footer["gong_export.checksum"].clone()).collect()
    };
    let settled = BTreeSet::from(["snapshot".to_owned()]);

    let record = run(json!({}));
    assert_eq!(record["privacy"], json!({}));
    assert_eq!(reasons(), settled);
    let plain = checksums();

    let record = run(pseudonymized(KEY));
    let note = &record["privacy"]["pseudonyms"];
    assert_eq!(note["kinds"], json!(["email", "phone", "name"]));
    assert_eq!(note["key"].as_str().unwrap().len(), 16);
    assert_eq!(reasons(), settled);
    let first = checksums();
    assert!(first.iter().zip(&plain).all(|(now, before)| now != before), "every dataset was written again");
    for file in Export::read(&sandbox.export()).files.values() {
        let footer: Value = serde_json::from_str(&file.footer["gong_export.privacy"]).unwrap();
        assert_eq!(footer, record["privacy"]);
    }
    // Equal input, equal output, from run to run.
    sandbox
        .export_job_at(
            &{
                let mut job = job(&simulator.source());
                job["privacy"] = pseudonymized(KEY);
                job
            },
            NOW,
            &["--full-refresh"],
        )
        .expect(0);
    assert_eq!(checksums(), first);

    // Whoever only looks has no key, and sees that all is as it should be.
    let mut job = job(&simulator.source());
    job["privacy"] = pseudonymized("${EXPORT_PSEUDONYM_KEY}");
    sandbox.job(&job);
    let status = sandbox.run(["status", "job.yaml", "--now", NOW, "--output", "json"]).expect(0);
    assert!(!status.stdout.contains("other_privacy"), "{status}");
    let refused = sandbox.run(["run", "job.yaml", "--now", NOW]).expect(2);
    assert!(refused.stderr.contains("`EXPORT_PSEUDONYM_KEY` is not set"), "{refused}");

    job["privacy"] = pseudonymized(OTHER_KEY);
    sandbox.job(&job);
    assert_eq!(reasons(), BTreeSet::from(["other_privacy".to_owned()]));
    run(pseudonymized(OTHER_KEY));
    assert!(checksums().iter().zip(&first).all(|(now, before)| now != before));
    let other = run(
        json!({ "private_calls": "include", "pseudonymize": ["email"], "key": OTHER_KEY, "keep_email_domains": false }),
    );
    assert_eq!(other["privacy"]["pseudonyms"]["keep_email_domains"], false);
    let export = Export::read(&sandbox.export());
    let parties = export.rows("parties");
    assert!(parties.iter().any(|party| party["name"].as_str().is_some_and(|name| !name.starts_with("person-"))));
    let mut domains = BTreeSet::new();
    for party in &parties {
        let Some(email) = party["email_address"].as_str() else { continue };
        let domain = email.rsplit_once('@').unwrap().1;
        assert_eq!(party["email_domain"], domain);
        assert!(domain.ends_with(".invalid"), "{domain}");
        domains.insert(domain.to_owned());
    }
    assert!(domains.len() > 3);
}

#[test]
fn files_that_keep_originals_are_told_of() {
    let simulator = Simulator::start(json!({ "calls_per_day": 5 }));
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    sandbox.export_job_at(&job, "2026-03-19T12:00:00Z", &[]).expect(0);
    job["privacy"] = pseudonymized(KEY);
    let record = sandbox.export_job_at(&job, NOW, &["--from", "2026-03-03"]).expect(0).json();
    let warnings = record["warnings"].to_string();
    // Four datasets of the first day, and yesterday's snapshot of users.
    assert!(
        warnings.contains("5 files at the destination were written with other settings of `privacy`"),
        "{warnings}"
    );
}

#[test]
fn rejected_records_are_not_kept_as_received() {
    let fault =
        json!({ "path": "/v2/calls/extensive", "effect": { "kind": "damage", "record": 2, "damage": "missing-id" } });
    for (privacy, is_kept) in [(json!({}), true), (pseudonymized(KEY), false)] {
        let simulator = Simulator::start(json!({ "calls_per_day": 10 }));
        let originals = originals(&simulator.truth(FROM, TO, DAYS));
        assert_eq!(simulator.ask("POST", "/_simulator/faults", &fault, None), json!({}));
        let sandbox = Sandbox::new();
        let mut job = job(&simulator.source());
        job["privacy"] = privacy;
        job["destination"]["compression"] = json!("uncompressed");
        let run = sandbox.export_job(&job).expect(4);
        let key = run.json()["rejected"]["key"].as_str().unwrap().to_owned();
        let text = std::fs::read_to_string(sandbox.export().join(key)).unwrap();
        let record: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
        assert_eq!(record["record"].is_string(), is_kept, "{record}");
        assert_eq!(record["position"], 2);
        assert!(record["reason"].as_str().unwrap().contains("metaData.id"));
        let search = AhoCorasick::new(&originals).unwrap();
        assert_eq!(search.is_match(&text), is_kept);
    }
}

/// Calls of the truth that a job with this exclusion has to export.
fn without(truth: &Truth, is_excluded: impl Fn(&Value) -> bool) -> Truth {
    let mut truth = truth.clone();
    truth.calls.retain(|call| !is_excluded(call));
    truth
}

fn parties(call: &Value) -> impl Iterator<Item = &Value> {
    call["parties"].as_array().into_iter().flatten()
}

#[track_caller]
fn assert_calls(export: &Export, expected: &Truth) {
    for dataset in ["calls", "parties", "transcripts"] {
        let rows = expected.rows(dataset, &Choice::default());
        assert_rows(dataset, &comparable(export.rows(dataset)), &rows);
    }
}

#[test]
fn calls_are_left_out_by_title_domain_and_user() {
    let simulator = Simulator::start(json!({ "calls_without_parties": 0.1 }));
    let truth = simulator.truth(FROM, TO, DAYS);
    let public: Vec<_> = truth.exported(&Choice::default()).into_iter().cloned().collect();
    let word = public[0]["metaData"]["title"].as_str().unwrap().split(' ').next_back().unwrap().to_owned();
    let domain = {
        let emails = public.iter().flat_map(parties).filter_map(|party| party["emailAddress"].as_str());
        let mut domains = emails.map(|email| email.rsplit_once('@').unwrap().1);
        domains.find(|domain| !domain.contains("northlight")).unwrap().to_owned()
    };
    let user = truth.users.iter().find(|user| user["id"] == public[0]["metaData"]["primaryUserId"]).unwrap().clone();
    let by_title =
        |call: &Value| call["metaData"]["title"].as_str().unwrap().to_lowercase().contains(&word.to_lowercase());
    let by_domain = |call: &Value| {
        parties(call)
            .any(|party| party["emailAddress"].as_str().is_some_and(|email| email.ends_with(&format!("@{domain}"))))
    };
    let by_user = |call: &Value| {
        call["metaData"]["primaryUserId"] == user["id"]
            || parties(call).any(|party| party["userId"] == user["id"] || party["emailAddress"] == user["emailAddress"])
    };
    type Rule<'a> = (Value, Box<dyn Fn(&Value) -> bool + 'a>);
    let rules: [Rule<'_>; 5] = [
        (json!({ "titles": [word.to_uppercase()] }), Box::new(by_title)),
        (json!({ "email_domains": [domain] }), Box::new(by_domain)),
        // Of a domain that is below, and the end of another.
        (json!({ "email_domains": ["hlight.example", "x.northlight.example"] }), Box::new(|_| false)),
        (json!({ "users": [user["emailAddress"]] }), Box::new(by_user)),
        (
            json!({ "titles": [word], "email_domains": [domain], "users": [user["id"]] }),
            Box::new(|call| by_title(call) || by_domain(call) || by_user(call)),
        ),
    ];
    for (exclude, is_excluded) in rules {
        let sandbox = Sandbox::new();
        let mut job = job(&simulator.source());
        // Without a dataset that needs the parties, they are asked for nevertheless.
        job["privacy"] = json!({ "exclude": exclude });
        let record = sandbox.export_job(&job).expect(0).json();
        let export = Export::read(&sandbox.export());
        let expected = without(&truth, &is_excluded);
        assert_calls(&export, &expected);
        let windows = record["windows"].as_array().unwrap();
        let counted = |fetch: &str| {
            windows.iter().filter(|w| w["fetch"] == fetch).map(|w| w["excluded"].as_u64().unwrap()).sum::<u64>()
        };
        let excluded = public.iter().filter(|call| is_excluded(call)).count() as u64;
        assert_eq!(counted("calls"), excluded, "{exclude}");
        let users = u64::from(exclude["users"].is_array());
        assert_eq!((counted("users"), counted("activity_stats")), (users, users), "{exclude}");
        for dataset in ["users", "activity_stats"] {
            let is_there = export.rows(dataset).iter().any(|row| row["user_id"] == user["id"]);
            assert_eq!(is_there, users == 0, "{dataset} with {exclude}");
        }
        assert!(record["warnings"].as_array().unwrap().is_empty(), "{record:#}");
        sandbox.run(["verify", "job.yaml", "--now", NOW]).expect(0);
    }
}

#[test]
fn an_exclusion_takes_back_what_was_exported_and_awaited_transcripts_do_not_bring_it_back() {
    let simulator = Simulator::start(json!({ "late_transcripts": 0.5, "late_transcript_hours": 600 }));
    simulator.set_clock("2026-03-16T12:00:00Z");
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    job["datasets"] = json!(["calls", "transcripts"]);
    sandbox.export_job_at(&job, "2026-03-16T12:00:00Z", &[]).expect(0);
    let before = simulator.truth(FROM, TO, DAYS);
    let awaited = |row: &&python::Row| row["has_transcript"] == false;
    assert!(Export::read(&sandbox.export()).rows("calls").iter().filter(awaited).count() > 5);

    // Nearly everything goes: a new choice of calls is no shrinking.
    let users: Vec<_> = before.users.iter().take(8).map(|user| user["id"].clone()).collect();
    let is_excluded = |call: &Value| {
        users
            .iter()
            .any(|id| call["metaData"]["primaryUserId"] == *id || parties(call).any(|party| party["userId"] == *id))
    };
    job["privacy"] = json!({ "exclude": { "users": users } });
    sandbox.export_job_at(&job, "2026-03-17T12:00:00Z", &[]).expect(0);
    let export = Export::read(&sandbox.export());
    let left = export.rows("calls").len();
    assert!(left > 0 && export.rows("calls").iter().all(|row| !users.contains(&row["primary_user_id"])));

    // Weeks later all transcripts have come.
    simulator.set_clock("2026-03-30T12:00:00Z");
    sandbox.export_job_at(&job, "2026-03-30T12:00:00Z", &[]).expect(0);
    let truth = without(&simulator.truth(FROM, TO, DAYS), is_excluded);
    let export = Export::read(&sandbox.export());
    for dataset in ["calls", "transcripts"] {
        let rows = truth.rows(dataset, &Choice::default());
        assert_rows(dataset, &comparable(export.rows(dataset)), &rows);
    }
    // And the exclusion is told by a digest alone.
    for path in data_files(&sandbox.export()) {
        let text = std::fs::read(&path).unwrap();
        assert!(
            !users.iter().any(|id| String::from_utf8_lossy(&text).contains(&format!("\"{}\"", id.as_str().unwrap())))
        );
    }
}

#[test]
fn a_user_that_gong_does_not_know_is_named_with_its_line() {
    let simulator = Simulator::start(json!({ "calls_per_day": 1 }));
    let sandbox = Sandbox::new();
    let mut job = job(&simulator.source());
    job["privacy"] = json!({ "exclude": { "users": ["nobody@vendor.example"] } });
    let refused = sandbox.export_job(&job).expect(2);
    let line = std::fs::read_to_string(sandbox.path().join("job.yaml")).unwrap();
    let line = line.lines().position(|line| line.contains("nobody@")).unwrap() + 1;
    assert!(refused.stderr.contains(&format!("line {line}, column")), "{refused}");
    assert!(refused.stderr.contains("Gong knows no user `nobody@vendor.example`"), "{refused}");
    assert!(!sandbox.export().join("calls").exists());
}
