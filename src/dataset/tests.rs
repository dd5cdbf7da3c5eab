//! The contract as a whole: a snapshot of every dataset's schema, its rules, and one record of each
//! kind carried through to the last column.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::testing::{call_table, list_table};
use super::*;
use crate::gong::model::Drift;

/// A changed snapshot is a changed contract: columns may only ever be appended.
#[test]
fn golden_schemas() {
    for dataset in ALL {
        let mut text = format!("{}: {}\n", dataset.name, dataset.about);
        writeln!(text, "partition {:?}, key {:?}, order {:?}\n", dataset.partition, dataset.key, dataset.order)
            .unwrap();
        for (column, field) in dataset.columns.iter().zip(dataset.schema().fields()) {
            let nullable = if field.is_nullable() { "optional" } else { "required" };
            let personal = column.personal.map_or_else(String::new, |kind| format!("personal {kind:?}"));
            let data_type = field.data_type().to_string();
            let line = format!("{:<34} {data_type:<22} {nullable} {personal}", field.name());
            writeln!(text, "{}", line.trim_end()).unwrap();
        }
        insta::assert_snapshot!(dataset.name, text);
    }
}

#[test]
fn every_dataset_keeps_the_rules() {
    for dataset in ALL {
        assert!(dataset.about.ends_with('.'), "{}", dataset.name);
        let names: BTreeSet<_> = dataset.columns.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), dataset.columns.len(), "{} has a column twice", dataset.name);
        for name in dataset.key.iter().chain(dataset.order) {
            assert!(names.contains(name), "{} has no column {name}", dataset.name);
        }
        for column in dataset.columns {
            let told = format!("{}.{}", dataset.name, column.name);
            assert!(!column.about.is_empty() && !column.about.contains("  "), "{told}");
            assert_eq!(column.name.ends_with("_at"), column.kind == ColumnType::Instant, "{told}");
            assert!(!column.name.ends_with("_json") || column.kind == ColumnType::Text, "{told}");
            assert!(!dataset.key.contains(&column.name) || column.required, "{told}");
        }
    }
}

#[test]
fn datasets_and_columns_are_found_by_name() {
    let all: Vec<_> = names().collect();
    assert_eq!(all[..5], ["calls", "parties", "transcripts", "users", "activity_stats"]);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), ALL.len(), "a name comes twice");
    for name in names() {
        assert_eq!(find(name).unwrap().name, name);
    }
    assert!(find("Calls").is_none() && find("").is_none());
    let (index, column) = CALLS.column("duration_s").unwrap();
    assert_eq!((index, column.kind), (3, ColumnType::Int64));
    assert!(CALLS.column("call_date").is_none());
}

/// JSON of any shape, with the names that the blocks of calls use.
fn any_block() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 12] = [
        "id",
        "name",
        "text",
        "value",
        "duration",
        "items",
        "objects",
        "fields",
        "occurrences",
        "phrases",
        "context",
        "new",
    ];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2i64..3).prop_map(Value::from),
        prop::sample::select(vec!["", "1", "#0", "#1", "a\"b", "\u{fffd}é"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(prop::sample::select(&NAMES[..]), inner, 0..5)
                .prop_map(|fields| fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    })
}

proptest! {
    /// Whatever Gong sends as a block, a dataset's keys stay unique within the call and its rows whole.
    #[test]
    fn no_block_breaks_a_key(blocks in prop::collection::vec(any_block(), 11)) {
        let [context, parties, structure, topics, trackers, outline, highlights, points, stats, video, comments] =
            &blocks[..] else { panic!("eleven blocks") };
        let raw = json!({
            "metaData": {"id": "1", "started": "2026-03-02T10:00:00Z"},
            "context": context,
            "parties": parties,
            "content": {"structure": structure, "topics": topics, "trackers": trackers, "outline": outline,
                "highlights": highlights, "keyPoints": points},
            "interaction": {"interactionStats": stats, "video": video},
            "collaboration": {"publicComments": comments},
        })
        .to_string();
        for dataset in ALL.iter().filter(|dataset| matches!(dataset.source, Source::Call { .. })) {
            let mut keys = BTreeSet::new();
            for row in call_table(dataset, &raw, TranscriptInput::NotAsked) {
                let key: Vec<_> = dataset.key.iter().map(|column| row[*column].to_string()).collect();
                prop_assert!(keys.insert(key.clone()), "{}: {key:?} twice", dataset.name);
            }
        }
    }
}

const CALL: &str = r#"{
    "metaData": { "id": "4718820935511072244", "url": "https://us-1.app.gong.example/call?id=4718820935511072244",
        "title": "Harbor Freight Lines – renewal 🚢", "scheduled": "2026-03-08T01:55:00-05:00",
        "started": "2026-03-08T03:00:37.2204567-04:00", "duration": 1873, "primaryUserId": "6120044873310295518",
        "direction": "Conference", "system": "Zoom", "scope": "External", "media": "Video", "language": "eng",
        "workspaceId": "2290571133478806610", "sdrDisposition": null, "clientUniqueId": "", "customData": "{\"a\": 1}",
        "purpose": "Renewal", "meetingUrl": "https://meet.example/000", "isPrivate": false,
        "calendarEventId": "k3p9@calendar.example", "sentiment": { "score": 0.50 } },
    "context": [{ "system": "Salesforce", "objects": [] }],
    "parties": [
        { "id": "8830017264450912377", "emailAddress": "mara@Vendor.example", "name": "Mara Quist",
          "title": "Account Manager", "userId": "6120044873310295518", "speakerId": "1047735529981160423",
          "context": [], "affiliation": "Internal", "phoneNumber": null, "methods": [ "Invitee", "Attendee" ] },
        { "id": 5519920331187406625, "emailAddress": "t.oyelaran@hfl.example", "name": "Tobi Oyelaran", "title": "COO",
          "speakerId": "3905512288710046631", "affiliation": "External", "phoneNumber": "+1 555-0100",
          "methods": ["Attendee"], "pronouns": "he" },
        { "id": "2204418873309051196", "methods": [], "name": "" } ],
    "content": { "brief": "Wants to renew.\n\nNeeds a discount.", "topics": [{ "name": "Pricing", "duration": 412 }],
        "callOutcome": { "id": "77", "category": "MEETING_BOOKED", "name": "Meeting booked" }, "mood": [ 1, 2 ] },
    "interaction": { "speakers": [
            { "id": "8830017264450912377", "userId": "6120044873310295518", "talkTime": 902.7 },
            { "id": "5519920331187406625", "userId": null, "talkTime": 640 } ],
        "questions": { "companyCount": 11, "nonCompanyCount": "six" } },
    "collaboration": {}, "media": { "videoUrl": "https://media.example/signed" }, "score": null
}"#;

const TRANSCRIPT: &str = r#"{ "callId": "4718820935511072244", "transcript": [
    { "speakerId": "1047735529981160423", "topic": "Small Talk", "sentences": [
        { "start": 1240, "end": 2980, "text": "Thanks for making the time today." },
        { "start": 3010, "end": 4470, "text": "Shall we \"start\"?" } ] },
    { "speakerId": "9999999999999999999", "topic": null, "sentences": [
        { "start": 4810, "end": 5200, "text": "" } ] } ] }"#;

#[test]
fn a_call_to_the_last_column() {
    let expected = json!([{
        "call_id": "4718820935511072244",
        "call_started_at": "2026-03-08T07:00:37.220456Z",
        "scheduled_at": "2026-03-08T06:55:00Z",
        "duration_s": 1873,
        "title": "Harbor Freight Lines – renewal 🚢",
        "url": "https://us-1.app.gong.example/call?id=4718820935511072244",
        "primary_user_id": "6120044873310295518",
        "direction": "Conference",
        "system": "Zoom",
        "scope": "External",
        "media": "Video",
        "language": "eng",
        "workspace_id": "2290571133478806610",
        "purpose": "Renewal",
        "sdr_disposition": null,
        "client_unique_id": "",
        "custom_data": "{\"a\": 1}",
        "meeting_url": "https://meet.example/000",
        "is_private": false,
        "calendar_event_id": "k3p9@calendar.example",
        "brief": "Wants to renew.\n\nNeeds a discount.",
        "outcome_id": "77",
        "outcome_category": "MEETING_BOOKED",
        "outcome_name": "Meeting booked",
        "questions_company_count": 11,
        "questions_non_company_count": null,
        "party_count": 3,
        "has_transcript": false,
        "extra_json": concat!(
            r#"{"metaData":{"sentiment":{"score":0.50}},"content":{"mood":[1,2]},"#,
            r#""interaction":{"questions":{"nonCompanyCount":"six"}},"score":null}"#,
        ),
    }]);
    assert_eq!(json!(call_table(&CALLS, CALL, TranscriptInput::Missing)), expected);
    let has_transcript = |input| call_table(&CALLS, CALL, input)[0]["has_transcript"].clone();
    assert_eq!(has_transcript(TranscriptInput::NotAsked), Value::Null);
    let transcript = Transcript::decode(TRANSCRIPT, &mut Drift::default()).unwrap();
    assert_eq!(has_transcript(TranscriptInput::Present(&transcript)), json!(true));
}

#[test]
fn a_call_without_its_optional_blocks() {
    let raw = r#"{"metaData": {"id": 18446744073709551616, "started": "2026-03-08T03:00:37Z"}, "parties": null}"#;
    let rows = call_table(&CALLS, raw, TranscriptInput::NotAsked);
    let said: Vec<_> = rows[0].as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).collect();
    assert_eq!(
        said,
        [
            (&"call_id".to_owned(), &json!("18446744073709551616")),
            (&"call_started_at".to_owned(), &json!("2026-03-08T03:00:37Z")),
        ]
    );
    let raw = r#"{"metaData": {"id": "1", "started": "2026-03-08T03:00:37Z"}, "parties": []}"#;
    assert_eq!(call_table(&CALLS, raw, TranscriptInput::NotAsked)[0]["party_count"], 0);
}

#[test]
fn parties_to_the_last_column() {
    let call = |rest: Value| {
        let mut row = json!({"call_id": "4718820935511072244", "call_started_at": "2026-03-08T07:00:37.220456Z"});
        row.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        row
    };
    let expected = [
        call(json!({
            "party_index": 0, "party_id": "8830017264450912377", "name": "Mara Quist", "title": "Account Manager",
            "email_address": "mara@Vendor.example", "phone_number": null, "email_domain": "vendor.example",
            "affiliation": "Internal", "user_id": "6120044873310295518", "speaker_id": "1047735529981160423",
            "methods_json": r#"["Invitee","Attendee"]"#, "talk_time_s": 902.7, "extra_json": null,
        })),
        call(json!({
            "party_index": 1, "party_id": "5519920331187406625", "name": "Tobi Oyelaran", "title": "COO",
            "email_address": "t.oyelaran@hfl.example", "phone_number": "+1 555-0100", "email_domain": "hfl.example",
            "affiliation": "External", "user_id": null, "speaker_id": "3905512288710046631",
            "methods_json": r#"["Attendee"]"#, "talk_time_s": 640.0, "extra_json": r#"{"pronouns":"he"}"#,
        })),
        call(json!({
            "party_index": 2, "party_id": "2204418873309051196", "name": "", "title": null, "email_address": null,
            "phone_number": null, "email_domain": null, "affiliation": null, "user_id": null, "speaker_id": null,
            "methods_json": "[]", "talk_time_s": null, "extra_json": null,
        })),
    ];
    assert_eq!(call_table(&PARTIES, CALL, TranscriptInput::NotAsked), expected);
}

#[test]
fn a_transcript_to_the_last_column() {
    let transcript = Transcript::decode(TRANSCRIPT, &mut Drift::default()).unwrap();
    let expected = json!([
        {
            "call_id": "4718820935511072244", "call_started_at": "2026-03-08T07:00:37.220456Z", "sentence_index": 0,
            "monologue_index": 0, "start_ms": 1240, "end_ms": 2980, "speaker_id": "1047735529981160423",
            "speaker_name": "Mara Quist", "speaker_user_id": "6120044873310295518", "speaker_affiliation": "Internal",
            "topic": "Small Talk", "text": "Thanks for making the time today.",
        },
        {
            "call_id": "4718820935511072244", "call_started_at": "2026-03-08T07:00:37.220456Z", "sentence_index": 1,
            "monologue_index": 0, "start_ms": 3010, "end_ms": 4470, "speaker_id": "1047735529981160423",
            "speaker_name": "Mara Quist", "speaker_user_id": "6120044873310295518", "speaker_affiliation": "Internal",
            "topic": "Small Talk", "text": "Shall we \"start\"?",
        },
        {
            "call_id": "4718820935511072244", "call_started_at": "2026-03-08T07:00:37.220456Z", "sentence_index": 2,
            "monologue_index": 1, "start_ms": 4810, "end_ms": 5200, "speaker_id": "9999999999999999999",
            "speaker_name": null, "speaker_user_id": null, "speaker_affiliation": null,
            "topic": null, "text": "",
        },
    ]);
    assert_eq!(json!(call_table(&TRANSCRIPTS, CALL, TranscriptInput::Present(&transcript))), expected);
}

#[test]
fn a_user_to_the_last_column() {
    let raw = r#"{ "id": "6120044873310295518", "emailAddress": "mara@vendor.example",
        "created": "2024-11-04T09:12:44.018-05:00", "active": true, "emailAliases": [ "m@vendor.example" ],
        "trustedEmailAddress": null, "firstName": "Mara", "lastName": "Quist", "title": "Account Manager",
        "phoneNumber": "+1 555-0101", "extension": "12", "personalMeetingUrls": [],
        "settings": { "webConferencesRecorded": true }, "managerId": "7001938846620051137",
        "meetingConsentPageUrl": "https://join.example/vendor/mara", "conferencingProviders": null,
        "spokenLanguages": [ { "language": "en-US", "primary": true } ], "pronouns": "she" }"#;
    let expected = json!([{
        "user_id": "6120044873310295518",
        "email_address": "mara@vendor.example",
        "first_name": "Mara",
        "last_name": "Quist",
        "title": "Account Manager",
        "phone_number": "+1 555-0101",
        "extension": "12",
        "active": true,
        "created_at": "2024-11-04T14:12:44.018Z",
        "manager_id": "7001938846620051137",
        "trusted_email_address": null,
        "email_aliases_json": r#"["m@vendor.example"]"#,
        "personal_meeting_urls_json": "[]",
        "meeting_consent_page_url": "https://join.example/vendor/mara",
        "settings_json": r#"{"webConferencesRecorded":true}"#,
        "conferencing_providers_json": null,
        "spoken_languages_json": r#"[{"language":"en-US","primary":true}]"#,
        "extra_json": r#"{"pronouns":"she"}"#,
    }]);
    assert_eq!(json!(list_table(&USERS, &[raw], "2026-03-08")), expected);
}

#[test]
fn activity_to_the_last_column() {
    let raw = r#"{ "userId": "6120044873310295518", "userEmailAddress": "mara@vendor.example",
        "userAggregateActivity": [ { "callsAsHost": 1, "callsAttended": 2, "callsGaveFeedback": 3,
            "callsRequestedFeedback": 4, "callsReceivedFeedback": 5, "ownCallsListenedTo": 6,
            "othersCallsListenedTo": 7, "callsSharedInternally": 8, "callsSharedExternally": 9,
            "callsScorecardsFilled": 10, "callsScorecardsReceived": 11, "callsCommentsGiven": 12,
            "callsCommentsReceived": 13, "callsMarkedAsFeedbackGiven": 14.0, "callsMarkedAsFeedbackReceived": null,
            "callsHummed": 16, "fromDate": "2026-03-08T00:00:00-05:00", "toDate": "2026-03-09T00:00:00-04:00" } ] }"#;
    let expected = json!([{
        "user_id": "6120044873310295518",
        "user_email_address": "mara@vendor.example",
        "period_start_at": "2026-03-08T05:00:00Z",
        "period_end_at": "2026-03-09T04:00:00Z",
        "calls_as_host": 1,
        "calls_attended": 2,
        "calls_gave_feedback": 3,
        "calls_requested_feedback": 4,
        "calls_received_feedback": 5,
        "own_calls_listened_to": 6,
        "others_calls_listened_to": 7,
        "calls_shared_internally": 8,
        "calls_shared_externally": 9,
        "calls_scorecards_filled": 10,
        "calls_scorecards_received": 11,
        "calls_comments_given": 12,
        "calls_comments_received": 13,
        "calls_marked_as_feedback_given": 14,
        "calls_marked_as_feedback_received": null,
        "extra_json": r#"{"userAggregateActivity":{"callsHummed":16}}"#,
    }]);
    assert_eq!(json!(list_table(&ACTIVITY_STATS, &[raw], "2026-03-08")), expected);
}
