//! What an export has to hold, worked out from Gong's records by other means than the product's: the
//! records as trees of JSON, and every column by the name of its field.
//!
//! It follows the descriptions of datasets and fields, and shares no code with `gong::model` and
//! `dataset`.

pub(crate) mod settings;

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset};
use chrono_tz::Tz;
use serde_json::{Map, Value, json};

use super::export;
use super::python::Row;

mod blocks;

/// Everything true in an account, as the records of its answers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Truth {
    /// Elements of `calls` with all blocks that the datasets use.
    pub(crate) calls: Vec<Value>,
    /// Elements of `callTranscripts`.
    pub(crate) transcripts: Vec<Value>,
    /// Elements of `users`.
    pub(crate) users: Vec<Value>,
    /// Elements of `usersAggregateActivity`, by day.
    pub(crate) activity: Vec<Value>,
}

/// What a job chooses, as far as rows depend on it.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    pub(crate) zone: Tz,
    pub(crate) by_month: bool,
    pub(crate) include_private: bool,
}

impl Default for Choice {
    fn default() -> Self {
        Self { zone: Tz::UTC, by_month: false, include_private: false }
    }
}

const META_COLUMNS: [(&str, &str); 16] = [
    ("title", "title"),
    ("url", "url"),
    ("primary_user_id", "primaryUserId"),
    ("direction", "direction"),
    ("system", "system"),
    ("scope", "scope"),
    ("media", "media"),
    ("language", "language"),
    ("workspace_id", "workspaceId"),
    ("purpose", "purpose"),
    ("sdr_disposition", "sdrDisposition"),
    ("client_unique_id", "clientUniqueId"),
    ("custom_data", "customData"),
    ("meeting_url", "meetingUrl"),
    ("is_private", "isPrivate"),
    ("calendar_event_id", "calendarEventId"),
];

const COUNTERS: [(&str, &str); 15] = [
    ("calls_as_host", "callsAsHost"),
    ("calls_attended", "callsAttended"),
    ("calls_gave_feedback", "callsGaveFeedback"),
    ("calls_requested_feedback", "callsRequestedFeedback"),
    ("calls_received_feedback", "callsReceivedFeedback"),
    ("own_calls_listened_to", "ownCallsListenedTo"),
    ("others_calls_listened_to", "othersCallsListenedTo"),
    ("calls_shared_internally", "callsSharedInternally"),
    ("calls_shared_externally", "callsSharedExternally"),
    ("calls_scorecards_filled", "callsScorecardsFilled"),
    ("calls_scorecards_received", "callsScorecardsReceived"),
    ("calls_comments_given", "callsCommentsGiven"),
    ("calls_comments_received", "callsCommentsReceived"),
    ("calls_marked_as_feedback_given", "callsMarkedAsFeedbackGiven"),
    ("calls_marked_as_feedback_received", "callsMarkedAsFeedbackReceived"),
];

impl Truth {
    /// The rows of a dataset in the order of its files, partition column included, without
    /// `extra_json`.
    pub(crate) fn rows(&self, dataset: &str, choice: &Choice) -> Vec<Row> {
        match dataset {
            "calls" => self.over_calls(choice, |truth, call| vec![truth.call(call)]),
            "parties" => self.over_calls(choice, |_, call| parties(call)),
            "transcripts" => self.over_calls(choice, Self::sentences),
            "users" => self.user_rows(),
            "activity_stats" => self.activity_rows(),
            _ => self.over_calls(choice, |_, call| blocks::rows(dataset, call)),
        }
    }

    /// Calls that the job exports, in the order of the files.
    pub(crate) fn exported(&self, choice: &Choice) -> Vec<&Value> {
        let mut calls: Vec<_> =
            self.calls.iter().filter(|call| choice.include_private || call["metaData"]["isPrivate"] != true).collect();
        calls.sort_by_key(|call| (started(call).to_utc(), text(&call["metaData"]["id"])));
        calls
    }

    fn over_calls(&self, choice: &Choice, rows_of: impl Fn(&Self, &Value) -> Vec<Row>) -> Vec<Row> {
        let mut all = Vec::new();
        for call in self.exported(choice) {
            let day = started(call).with_timezone(&choice.zone).date_naive();
            let (key, value) = match choice.by_month {
                false => ("call_date", day.format("%Y-%m-%d")),
                true => ("call_month", day.format("%Y-%m-01")),
            };
            for mut row in rows_of(self, call) {
                row.insert("call_id".to_owned(), call["metaData"]["id"].clone());
                row.insert("call_started_at".to_owned(), instant(&call["metaData"]["started"]));
                row.insert(key.to_owned(), json!(value.to_string()));
                all.push(row);
            }
        }
        all
    }

    fn call(&self, call: &Value) -> Row {
        let (meta, content, interaction) = (&call["metaData"], &call["content"], &call["interaction"]);
        let mut row: Row =
            META_COLUMNS.iter().map(|(column, field)| ((*column).to_owned(), meta[field].clone())).collect();
        let has_transcript = self.transcripts.iter().any(|transcript| transcript["callId"] == meta["id"]);
        for (column, value) in [
            ("scheduled_at", instant(&meta["scheduled"])),
            ("duration_s", meta["duration"].clone()),
            ("brief", content["brief"].clone()),
            ("outcome_id", content["callOutcome"]["id"].clone()),
            ("outcome_category", content["callOutcome"]["category"].clone()),
            ("outcome_name", content["callOutcome"]["name"].clone()),
            ("questions_company_count", interaction["questions"]["companyCount"].clone()),
            ("questions_non_company_count", interaction["questions"]["nonCompanyCount"].clone()),
            ("party_count", call["parties"].as_array().map_or(Value::Null, |parties| json!(parties.len()))),
            ("has_transcript", json!(has_transcript)),
        ] {
            row.insert(column.to_owned(), value);
        }
        row
    }

    fn sentences(&self, call: &Value) -> Vec<Row> {
        let id = &call["metaData"]["id"];
        let Some(transcript) = self.transcripts.iter().find(|transcript| transcript["callId"] == *id) else {
            return Vec::new();
        };
        let mut rows = Vec::new();
        for (monologue_index, monologue) in list(&transcript["transcript"]).iter().enumerate() {
            let speaker = &monologue["speakerId"];
            let party = list(&call["parties"])
                .iter()
                .find(|party| !speaker.is_null() && party["speakerId"] == *speaker)
                .unwrap_or(&Value::Null);
            for sentence in list(&monologue["sentences"]) {
                rows.push(object(json!({
                    "sentence_index": rows.len(),
                    "monologue_index": monologue_index,
                    "start_ms": sentence["start"],
                    "end_ms": sentence["end"],
                    "speaker_id": speaker,
                    "speaker_name": party["name"],
                    "speaker_user_id": party["userId"],
                    "speaker_affiliation": party["affiliation"],
                    "topic": monologue["topic"],
                    "text": sentence["text"],
                })));
            }
        }
        rows
    }

    fn user_rows(&self) -> Vec<Row> {
        let mut users: Vec<_> = self.users.iter().collect();
        users.sort_by_key(|user| text(&user["id"]));
        users
            .into_iter()
            .map(|user| {
                object(json!({
                    "user_id": user["id"],
                    "email_address": user["emailAddress"],
                    "first_name": user["firstName"],
                    "last_name": user["lastName"],
                    "title": user["title"],
                    "phone_number": user["phoneNumber"],
                    "extension": user["extension"],
                    "active": user["active"],
                    "created_at": instant(&user["created"]),
                    "manager_id": user["managerId"],
                    "trusted_email_address": user["trustedEmailAddress"],
                    "email_aliases_json": user["emailAliases"],
                    "personal_meeting_urls_json": user["personalMeetingUrls"],
                    "meeting_consent_page_url": user["meetingConsentPageUrl"],
                    "settings_json": user["settings"],
                    "conferencing_providers_json": user["conferencingProviders"],
                    "spoken_languages_json": user["spokenLanguages"],
                }))
            })
            .collect()
    }

    fn activity_rows(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        for user in &self.activity {
            for day in list(&user["userAggregateActivity"]) {
                let mut row: Row =
                    COUNTERS.iter().map(|(column, field)| ((*column).to_owned(), day[field].clone())).collect();
                let date = text(&day["fromDate"])[..10].to_owned();
                for (column, value) in [
                    ("user_id", user["userId"].clone()),
                    ("user_email_address", user["userEmailAddress"].clone()),
                    ("period_start_at", instant(&day["fromDate"])),
                    ("period_end_at", instant(&day["toDate"])),
                    ("activity_date", json!(date)),
                ] {
                    row.insert(column.to_owned(), value);
                }
                rows.push(row);
            }
        }
        rows.sort_by_key(|row| (text(&row["activity_date"]), text(&row["user_id"])));
        rows
    }
}

fn parties(call: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    for (index, party) in list(&call["parties"]).iter().enumerate() {
        let speakers = list(&call["interaction"]["speakers"]);
        let by = |field: &str, key: &str| {
            speakers.iter().find(|speaker| !party[key].is_null() && speaker[field] == party[key])
        };
        let talk_time =
            by("id", "id").or_else(|| by("userId", "userId")).map_or(Value::Null, |s| s["talkTime"].clone());
        let domain = party["emailAddress"].as_str().and_then(|email| email.rsplit_once('@'));
        rows.push(object(json!({
            "party_index": index,
            "party_id": party["id"],
            "name": party["name"],
            "title": party["title"],
            "email_address": party["emailAddress"],
            "phone_number": party["phoneNumber"],
            "email_domain": domain.map(|(_, domain)| domain.to_lowercase()),
            "affiliation": party["affiliation"],
            "user_id": party["userId"],
            "speaker_id": party["speakerId"],
            "methods_json": party["methods"],
            "talk_time_s": talk_time.as_f64(),
        })));
    }
    rows
}

/// When a call started, with the offset that Gong gave it.
pub(crate) fn started(call: &Value) -> DateTime<FixedOffset> {
    DateTime::parse_from_rfc3339(call["metaData"]["started"].as_str().expect("calls start")).expect("an instant")
}

fn instant(value: &Value) -> Value {
    let Some(text) = value.as_str() else { return Value::Null };
    export::instant(DateTime::parse_from_rfc3339(text).expect("an instant").timestamp_micros())
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn object(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).expect("an object")
}

/// Rows without some of their columns, for comparing what is left.
pub(crate) fn without(rows: Vec<Row>, columns: &[&str]) -> Vec<Row> {
    let mut rows = rows;
    for row in &mut rows {
        for column in columns {
            row.remove(*column);
        }
    }
    rows
}

/// Rows as the oracle makes them: without `extra_json`, and other JSON texts as what they mean, since
/// the order of keys is Gong's and means nothing.
pub(crate) fn comparable(rows: Vec<Row>) -> Vec<Row> {
    let mut rows = without(rows, &["extra_json", "snapshot_date"]);
    for row in &mut rows {
        for (column, value) in row.iter_mut() {
            if column.ends_with("_json")
                && let Some(text) = value.as_str()
            {
                assert!(!text.contains(": ") && !text.contains(", "), "{column} is not compact: {text}");
                *value = serde_json::from_str(text).expect("a JSON text");
            }
        }
    }
    rows
}

/// The values of `extra_json`, by the row's key columns, where there are any.
pub(crate) fn extras(rows: &[Row], key: &[&str]) -> BTreeMap<String, Value> {
    let mut extras = BTreeMap::new();
    for row in rows {
        if let Some(text) = row.get("extra_json").and_then(Value::as_str) {
            let key: Vec<String> = key.iter().map(|column| row[*column].to_string()).collect();
            extras.insert(key.join(","), serde_json::from_str(text).expect("extra_json is JSON"));
        }
    }
    extras
}

/// What a call's record holds that no document mentions, under the names of the blocks; null when
/// there is nothing.
pub(crate) fn unknown_fields(call: &Value) -> Value {
    const TOP: [&str; 7] = ["metaData", "context", "parties", "content", "interaction", "collaboration", "media"];
    const META: [&str; 4] = ["id", "started", "scheduled", "duration"];
    const CONTENT: [&str; 8] =
        ["structure", "topics", "trackers", "brief", "outline", "highlights", "callOutcome", "keyPoints"];
    const INTERACTION: [&str; 4] = ["speakers", "interactionStats", "video", "questions"];
    const OUTCOME: [&str; 3] = ["id", "category", "name"];
    const QUESTIONS: [&str; 2] = ["companyCount", "nonCompanyCount"];
    let rest = |object: &Value, known: &[&str]| -> Map<String, Value> {
        let fields = object.as_object().into_iter().flatten();
        fields
            .filter(|(key, _)| !known.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    };
    let mut unknown = rest(call, &TOP);
    let block = |into: &mut Map<String, Value>, name: &str, fields: Map<String, Value>| {
        if !fields.is_empty() {
            into.insert(name.to_owned(), Value::Object(fields));
        }
    };
    let meta: Vec<&str> = META_COLUMNS.iter().map(|(_, field)| *field).chain(META).collect();
    block(&mut unknown, "metaData", rest(&call["metaData"], &meta));
    let mut content = rest(&call["content"], &CONTENT);
    block(&mut content, "callOutcome", rest(&call["content"]["callOutcome"], &OUTCOME));
    block(&mut unknown, "content", content);
    let mut interaction = rest(&call["interaction"], &INTERACTION);
    block(&mut interaction, "questions", rest(&call["interaction"]["questions"], &QUESTIONS));
    block(&mut unknown, "interaction", interaction);
    if unknown.is_empty() { Value::Null } else { Value::Object(unknown) }
}
