//! What a notification says: the run record in short, as one JSON document. Pure.
//!
//! It leaves the house, so it holds ids, counts and the texts of failures, without whatever looks like
//! an e-mail address in them; no destination, no titles, no names. Its keys are an interface.

use serde::Serialize;

use super::ending::Ending;
use crate::cli::output::{count, duration};

/// Of failures that are told; the rest is counted.
const FAILURES_MAX: usize = 20;
/// Of a failure's text.
const CHARS_MAX: usize = 500;

#[derive(Debug, Serialize)]
pub(super) struct Message<'a> {
    /// One sentence for people.
    text: String,
    event: &'static str,
    job: &'a str,
    run_id: Option<&'a str>,
    outcome: &'static str,
    exit_code: u8,
    /// Whether the data came from the simulator.
    simulated: bool,
    started_at: String,
    finished_at: String,
    seconds: f64,
    datasets: Vec<DatasetMessage<'a>>,
    requests: u64,
    rejected_records: u64,
    warnings: u64,
    failures_total: usize,
    /// The first ones.
    failures: Vec<FailureMessage>,
}

#[derive(Debug, Serialize)]
struct DatasetMessage<'a> {
    dataset: &'a str,
    rows: u64,
    files: u64,
    files_changed: u64,
}

#[derive(Debug, Serialize)]
struct FailureMessage {
    unit: String,
    error: String,
}

impl<'a> Message<'a> {
    pub(super) fn new(ending: &'a Ending<'a>) -> Self {
        let record = ending.record();
        let failures = ending.failures();
        let datasets = record.map_or(&[][..], |record| &record.datasets);
        let instant = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
        Self {
            text: sentence(ending, failures.len()),
            event: "run_finished",
            job: ending.job_or_file(),
            run_id: record.map(|record| record.run_id.as_str()),
            outcome: ending.outcome(),
            exit_code: ending.exit_code(),
            simulated: record.is_some_and(|record| record.simulated),
            started_at: instant(ending.started_at()),
            finished_at: instant(ending.finished_at),
            seconds: ending.lasted.as_secs_f64(),
            datasets: datasets
                .iter()
                .map(|total| DatasetMessage {
                    dataset: &total.dataset,
                    rows: total.rows,
                    files: total.partitions,
                    files_changed: total.partitions_changed,
                })
                .collect(),
            requests: ending.requests(),
            rejected_records: record.map_or(0, |record| record.rejected.records),
            warnings: ending.warnings(),
            failures_total: failures.len(),
            failures: failures
                .into_iter()
                .take(FAILURES_MAX)
                .map(|failure| FailureMessage { unit: presentable(&failure.unit), error: presentable(&failure.error) })
                .collect(),
        }
    }

    pub(super) fn json(&self) -> String {
        serde_json::to_string(self).expect("a message has only text keys")
    }
}

/// What somebody reads on a phone. Made of our own words and numbers alone: a text from elsewhere could
/// hold what the receiver takes for markup.
fn sentence(ending: &Ending<'_>, failures: usize) -> String {
    let how = match ending.outcome() {
        "done" => "is done",
        "usage" => "failed, its job spec or command line is wrong",
        "credentials" => "failed, Gong refused or misses the credentials",
        "partial" => "finished in part, the next run fetches the rest",
        "budget" => "was stopped by the request budget, the next run goes on",
        "locked" => "did not start, another run is under way",
        "interrupted" => "was interrupted, the next run goes on",
        _ => "failed",
    };
    let mut text = format!("gong-export: job {} {how} (exit code {}", ending.job_or_file(), ending.exit_code());
    if let Some(record) = ending.record() {
        text.push_str(&format!(
            ", {} rows in {} files, {} failures, {} records rejected",
            count(ending.rows()),
            count(ending.files()),
            count(failures as u64),
            count(record.rejected.records),
        ));
    }
    text.push_str(&format!(", {})", duration(ending.lasted.as_secs_f64())));
    text
}

/// A text of bounded length without what looks like an e-mail address.
fn presentable(text: &str) -> String {
    let text = without_addresses(text);
    match text.char_indices().nth(CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn without_addresses(text: &str) -> String {
    let ends_word = |c: char| c.is_whitespace() || c.is_control() || "\"'`<>()[]{},;:".contains(c);
    let mut shown = String::with_capacity(text.len());
    for part in text.split_inclusive(ends_word) {
        let word = part.trim_end_matches(ends_word);
        if word.contains('@') {
            shown.push_str("[address]");
            shown.push_str(&part[word.len()..]);
        } else {
            shown.push_str(part);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::ending::samples::{early, ending, record};
    use super::*;
    use crate::cli::exit_code::Exit;
    use crate::state::run_record::{FailureRecord, Outcome};

    fn document(message: &Message<'_>) -> serde_json::Value {
        serde_json::from_str(&message.json()).unwrap()
    }

    #[test]
    fn a_run_in_short() {
        let mut record = record(Outcome::Partial);
        record.failures.push(FailureRecord {
            unit: "calls 2026-03-19 to 2026-03-20".to_owned(),
            error: "Gong refused: user <mara@vendor.example> may not (request 3k9)".to_owned(),
            hint: Some("ask".to_owned()),
        });
        let result = Ok(record);
        let ending = ending(&result);
        assert_eq!(
            document(&Message::new(&ending)),
            json!({
                "text": "gong-export: job nightly finished in part, the next run fetches the rest (exit code 4, \
                         82 rows in 3 files, 1 failures, 0 records rejected, 12.8 s)",
                "event": "run_finished",
                "job": "nightly",
                "run_id": "20260320T041500Z-0a1b2c3d",
                "outcome": "partial",
                "exit_code": 4,
                "simulated": false,
                "started_at": "2026-03-20T04:15:00Z",
                "finished_at": "2026-03-20T04:15:13Z",
                "seconds": 12.75,
                "datasets": [
                    { "dataset": "calls", "rows": 70, "files": 2, "files_changed": 2 },
                    { "dataset": "users", "rows": 12, "files": 1, "files_changed": 0 },
                ],
                "requests": 9,
                "rejected_records": 0,
                "warnings": 1,
                "failures_total": 1,
                "failures": [{
                    "unit": "calls 2026-03-19 to 2026-03-20",
                    "error": "Gong refused: user <[address]> may not (request 3k9)",
                }],
            })
        );
    }

    #[test]
    fn a_run_without_a_record_tells_why() {
        let failed = early(Exit::Credentials, "no credentials");
        let ending = ending(&failed);
        let document = document(&Message::new(&ending));
        assert_eq!(document["failures"], json!([{ "unit": "run", "error": "no credentials" }]));
        assert_eq!(
            document["text"],
            "gong-export: job nightly failed, Gong refused or misses the credentials (exit code 3, 12.8 s)"
        );
        assert_eq!((&document["run_id"], &document["datasets"]), (&json!(null), &json!([])));
    }

    #[test]
    fn a_thousand_failures_do_not_make_a_thousand_lines() {
        let mut record = record(Outcome::Partial);
        let failure = FailureRecord { unit: "u".repeat(5_000), error: "é".repeat(5_000), hint: None };
        record.failures = vec![failure; 1_000];
        let result = Ok(record);
        let ending = ending(&result);
        let message = Message::new(&ending);
        assert!(message.json().len() < 64 << 10, "{}", message.json().len());
        assert_eq!((message.failures_total, message.failures.len()), (1_000, FAILURES_MAX));
    }

    proptest! {
        #[test]
        fn no_address_gets_through(text in "(\\PC| |@|`mara@vendor.example`|,){0,20}") {
            prop_assert!(!without_addresses(&text).contains('@'));
        }

        #[test]
        fn other_text_stays(text in "([a-z0-9 .:/<>-]|é){0,40}") {
            prop_assert_eq!(without_addresses(&text), text);
        }
    }
}
