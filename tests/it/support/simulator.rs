//! The simulated Gong inside the test process: over real HTTP, with a clock that the test moves, and
//! with everything that is true in it.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use gong_export::sim::{self, Clock, Config, LoggedRequest, Running, World};
use serde_json::{Value, json};

use super::command::NOW;
use super::oracle::{Choice, Truth};
use super::runtime;

#[derive(Debug)]
pub(crate) struct Simulator {
    running: Running,
}

impl Simulator {
    /// A small company as of [`NOW`] without limits, changed by `switches` (names as in a job).
    pub(crate) fn start(switches: Value) -> Self {
        let mut all = json!({
            "users": 12, "calls_per_day": 30, "sentences_per_call": 12, "requests_per_second": 0, "requests_per_day": 0,
        });
        let Value::Object(switches) = switches else { panic!("switches are an object") };
        all.as_object_mut().expect("an object").extend(switches);
        Self::with(
            serde_json::from_value(all).expect("switches that the simulator knows"),
            NOW.parse().expect("an instant"),
        )
    }

    /// Exactly as told, as of `now`.
    pub(crate) fn with(config: Config, now: DateTime<Utc>) -> Self {
        let start = sim::start(config, Clock::fixed(now), None);
        Self { running: runtime().block_on(start).expect("the simulator starts") }
    }

    pub(crate) fn url(&self) -> String {
        self.running.base_url().as_str().trim_end_matches('/').to_owned()
    }

    fn config(&self) -> &Config {
        self.running.world().config()
    }

    /// The source of a job that reads from here.
    pub(crate) fn source(&self) -> Value {
        source(&self.url())
    }

    pub(crate) fn set_clock(&self, now: &str) {
        self.running.clock().set(now.parse().expect("an instant"));
    }

    /// How many requests have come so far, refused ones included.
    pub(crate) fn requests(&self) -> u64 {
        self.running.stats().requests
    }

    /// They themselves, by arrival.
    pub(crate) fn log(&self) -> Vec<LoggedRequest> {
        self.running.requests()
    }

    pub(crate) fn world(&self) -> &World {
        self.running.world()
    }

    pub(crate) fn now(&self) -> DateTime<Utc> {
        self.running.clock().now()
    }

    /// The same account at the same instant, without any trouble and with large pages.
    pub(crate) fn twin(&self) -> Self {
        let config = Config {
            page_size: 1_000,
            now: None,
            requests_per_second: 0,
            requests_per_day: 0,
            latency_ms: 0,
            error_rate: 0.0,
            expire_token_after: 0,
            scopes: None,
            total_records_ahead: 0,
            ..self.config().clone()
        };
        Self::with(config, self.now())
    }

    /// All that the account holds now of these days (of the company's zone, for activity), read by
    /// plain requests from its [`twin`](Self::twin).
    pub(crate) fn truth(&self, from: &str, to: &str, days: (&str, &str)) -> Truth {
        let twin = self.twin();
        let filter = json!({ "fromDateTime": from, "toDateTime": to });
        let selector = json!({
            "context": "Extended",
            "contextTiming": ["Now", "TimeOfCall"],
            "exposedFields": {
                "parties": true,
                "content": {
                    "structure": true, "topics": true, "trackers": true, "trackerOccurrences": true, "brief": true,
                    "outline": true, "highlights": true, "callOutcome": true, "keyPoints": true,
                },
                "interaction": { "speakers": true, "video": true, "personInteractionStats": true, "questions": true },
                "collaboration": { "publicComments": true },
            },
        });
        let dates = json!({ "fromDate": days.0, "toDate": days.1 });
        let truth = Truth {
            calls: twin.all(
                "POST",
                "/v2/calls/extensive",
                "calls",
                &json!({ "filter": filter, "contentSelector": selector }),
            ),
            transcripts: twin.all("POST", "/v2/calls/transcript", "callTranscripts", &json!({ "filter": filter })),
            users: twin.all("GET", "/v2/users", "users", &Value::Null),
            activity: twin.all(
                "POST",
                "/v2/stats/activity/aggregate-by-period",
                "usersAggregateActivity",
                &json!({ "filter": dates, "aggregationPeriod": "DAY" }),
            ),
        };
        self.assert_complete(&truth, from, to);
        truth
    }

    /// The ids of the calls of a time, from the simulated world itself.
    pub(crate) fn calls(&self, from: &str, to: &str) -> Vec<String> {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
        let calls = self.running.world().truth_calls(instant(from), instant(to), self.running.clock().now());
        calls.into_iter().map(|call| call.call_id).collect()
    }

    /// Holds what the answers said against the simulated world itself: the same calls, parties,
    /// sentences and users, so that an answer that left something out is no measure of anything.
    fn assert_complete(&self, truth: &Truth, from: &str, to: &str) {
        let instant = |text: &str| text.parse::<DateTime<Utc>>().expect("an instant");
        let (from, to, now) = (instant(from), instant(to), self.running.clock().now());
        let world = self.running.world();
        let choice = Choice { include_private: true, ..Choice::default() };
        let keys = |dataset: &str, columns: &[&str]| -> BTreeSet<String> {
            let rows = truth.rows(dataset, &choice);
            rows.iter().map(|row| columns.iter().map(|column| format!("{} ", row[*column])).collect()).collect()
        };
        let calls = world.truth_calls(from, to, now);
        let expected =
            calls.iter().map(|call| format!("{:?} {} {} ", call.call_id, json!(call.title), call.duration_s));
        assert_eq!(keys("calls", &["call_id", "title", "duration_s"]), expected.collect());
        let parties = world.truth_parties(from, to, now);
        let expected =
            parties.iter().map(|party| format!("{:?} {} {:?} ", party.call_id, party.party_index, party.party_id));
        assert_eq!(keys("parties", &["call_id", "party_index", "party_id"]), expected.collect());
        let sentences = world.truth_sentences(from, to, now);
        let expected =
            sentences.iter().map(|row| format!("{:?} {} {} ", row.call_id, row.sentence_index, json!(row.text)));
        assert_eq!(keys("transcripts", &["call_id", "sentence_index", "text"]), expected.collect());
        let users = world.truth_users(now);
        assert_eq!(keys("users", &["user_id"]), users.iter().map(|user| format!("{:?} ", user.user_id)).collect());
    }

    /// Every record of a listing.
    pub(crate) fn all(&self, method: &str, path: &str, list: &str, body: &Value) -> Vec<Value> {
        let mut records = Vec::new();
        let mut cursor = None::<String>;
        loop {
            let answer = self.ask(method, path, body, cursor.as_deref());
            if answer["errors"][0].as_str().is_some_and(|error| error.starts_with("No ")) {
                return records;
            }
            let page = answer[list].as_array().unwrap_or_else(|| panic!("{method} {path}: {answer}"));
            records.extend(page.iter().cloned());
            cursor = answer["records"]["cursor"].as_str().map(ToOwned::to_owned);
            if cursor.is_none() {
                return records;
            }
        }
    }

    /// The answer to one request, whatever its status.
    pub(crate) fn ask(&self, method: &str, path: &str, body: &Value, cursor: Option<&str>) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().expect("a client");
        let mut url = reqwest::Url::parse(&format!("{}{path}", self.url())).expect("a URL");
        let mut body = body.clone();
        if let Some(cursor) = cursor {
            match method {
                "GET" => drop(url.query_pairs_mut().append_pair("cursor", cursor)),
                _ => body["cursor"] = json!(cursor),
            }
        }
        let mut request = client
            .request(method.parse().expect("a method"), url)
            .basic_auth(&self.config().access_key, Some(&self.config().access_key_secret));
        if method == "POST" {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        runtime().block_on(async {
            let answer = request.send().await.expect("the simulator answers");
            serde_json::from_slice(&answer.bytes().await.expect("a whole answer")).expect("JSON")
        })
    }
}

/// The source of a job that reads from `url` with the simulator's key.
pub(crate) fn source(url: &str) -> Value {
    json!({
        "base_url": url,
        "auth": { "access_key": "simulator", "access_key_secret": "simulator-secret" },
        "requests_per_second": 100,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_answers_hold_everything_that_is_true_in_it() {
        let simulator = Simulator::start(
            json!({ "long_ids": true, "null_speakers": 0.2, "late_calls": 0.1, "calls_without_parties": 0.1 }),
        );
        let truth = simulator.truth("2026-03-02T00:00:00Z", "2026-03-06T00:00:00Z", ("2026-03-02", "2026-03-06"));
        assert!(truth.calls.len() > 60 && truth.transcripts.len() > 50, "{} calls", truth.calls.len());
        assert_eq!(truth.users.len(), 12);
        let days = truth.rows("activity_stats", &Choice::default());
        assert_eq!(
            days.iter().map(|row| &row["activity_date"]).collect::<Vec<_>>().first().unwrap().as_str(),
            Some("2026-03-02")
        );
        assert!(days.len() > 12);
    }
}
