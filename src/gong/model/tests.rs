//! Properties of all decoders: whatever an answer holds, they neither panic nor lose a call.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::object::tests::any_json;
use super::*;

/// Every name that some decoder knows, so that arbitrary values meet them.
const NAMES: &[&str] = &[
    "id",
    "started",
    "scheduled",
    "duration",
    "isPrivate",
    "title",
    "metaData",
    "parties",
    "content",
    "interaction",
    "callOutcome",
    "questions",
    "companyCount",
    "speakers",
    "talkTime",
    "methods",
    "context",
    "media",
    "callId",
    "transcript",
    "speakerId",
    "sentences",
    "start",
    "end",
    "text",
    "userId",
    "userAggregateActivity",
    "fromDate",
    "toDate",
    "callsAsHost",
    "settings",
    "emailAliases",
    "created",
    "unheardOf",
];

/// JSON objects made of known names, one inside the other, with values of any type.
fn any_record() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        2 => any_json(),
        1 => Just(json!("2026-03-02T10:01:37.220-05:00")),
        1 => Just(json!(18_446_744_073_709_551_615_u64)),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let object = prop::collection::btree_map(prop::sample::select(NAMES), inner.clone(), 0..6);
        prop_oneof![
            3 => object.prop_map(|fields| Value::from_iter(fields.into_iter().map(|(name, v)| (name.to_owned(), v)))),
            1 => prop::collection::vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

fn decode_all(raw: &str) {
    let mut drift = Drift::default();
    drop(CallHead::decode(raw));
    drop(Call::decode(raw, &mut drift));
    drop(Transcript::decode(raw, &mut drift));
    drop(User::decode(raw, &mut drift));
    drop(UserActivity::decode(raw, &mut drift));
}

proptest! {
    #[test]
    fn no_text_makes_a_decoder_panic(text in any::<String>(), json_like in "[\\[\\]{}\":,a-c0-9.eE+\\\\u\n -]{0,60}") {
        decode_all(&text);
        decode_all(&json_like);
    }

    #[test]
    fn no_json_makes_a_decoder_panic(record in any_record()) {
        decode_all(&record.to_string());
    }

    /// With an id and a start a call decodes, whatever the rest is, and its rest is JSON that says
    /// nothing which Gong did not say.
    #[test]
    fn a_call_with_id_and_start_is_never_lost(
        meta in prop::collection::btree_map(prop::sample::select(NAMES), any_json(), 0..8),
        blocks in prop::collection::btree_map(prop::sample::select(NAMES), any_record(), 0..8),
    ) {
        let object = |fields: std::collections::BTreeMap<&str, Value>| -> Map<String, Value> {
            fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
        };
        let mut meta = object(meta);
        meta.insert("id".to_owned(), json!("1"));
        meta.insert("started".to_owned(), json!("2026-03-02T10:01:37Z"));
        let mut record = object(blocks);
        record.insert("metaData".to_owned(), Value::Object(meta));
        let raw = serde_json::to_string_pretty(&record).unwrap();

        let mut drift = Drift::default();
        let call = Call::decode(&raw, &mut drift).unwrap();
        let head = CallHead::decode(&raw).unwrap();
        prop_assert_eq!(head.id, call.meta.id);
        prop_assert_eq!(head.started, call.meta.started);
        if let Some(extra) = call.extra_json {
            let extra: Map<String, Value> = serde_json::from_str(&extra).unwrap();
            for (name, value) in extra {
                let sent = &record[&name];
                prop_assert!(value == *sent || is_part(&value, sent), "{} is not part of {}", value, sent);
            }
            prop_assert!(!drift.is_empty());
        }
    }
}

/// Whether everything in `part` is at the same place in `whole`. Elements that were read whole are
/// empty objects in the rest.
fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(part), Value::Object(whole)) => {
            part.iter().all(|(name, value)| whole.get(name).is_some_and(|whole| is_part(value, whole)))
        }
        (Value::Array(part), Value::Array(whole)) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(part, whole)| is_part(part, whole))
        }
        (Value::Object(part), Value::Null) => part.is_empty(),
        _ => part == whole,
    }
}
