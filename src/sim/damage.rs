//! Spoils one record of an answer, after it was written as it should be.

use serde_json::{Map, Value, json};

use super::fault::Damage;

/// Stands for half of a character until the answer is text again, since no [`String`] can hold it.
const HALF: &str = "HALF-OF-A-CHARACTER";

/// The answer with the record at this place spoilt; unchanged when there is no such record.
pub(super) fn apply(body: Vec<u8>, place: usize, damage: Damage) -> Vec<u8> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(&body) else { return body };
    let arrays = answer.as_object_mut().into_iter().flat_map(Map::values_mut).filter_map(Value::as_array_mut);
    let Some(record) = arrays.filter_map(|records| records.get_mut(place)).next() else { return body };
    spoil(record, damage);
    answer.to_string().replace(HALF, "\\ud83d").into_bytes()
}

fn spoil(record: &mut Value, damage: Damage) {
    match damage {
        Damage::Null => *record = Value::Null,
        Damage::MissingId => {
            for holder in holders(record) {
                holder.retain(|key, _| !ID_KEYS.contains(&key.as_str()));
            }
        }
        Damage::NumericId => {
            for holder in holders(record) {
                for (key, id) in holder.iter_mut() {
                    if ID_KEYS.contains(&key.as_str())
                        && let Some(number) = id.as_str().and_then(|text| text.parse::<u64>().ok())
                    {
                        *id = json!(number);
                    }
                }
            }
        }
        Damage::LoneSurrogate => {
            if let Some(text) = first_text(record) {
                *text = json!(format!("{HALF} {}", text.as_str().unwrap_or_default()));
            }
        }
        Damage::TextAsObject => {
            if let Some(text) = first_text(record) {
                *text = json!({ "value": text.clone() });
            }
        }
        Damage::UnexpectedTypes => {
            for value in holders(record).flat_map(Map::values_mut) {
                *value = match value.take() {
                    Value::Number(number) => json!(format!("{number} or so")),
                    Value::Bool(truth) => json!(u8::from(truth)),
                    other => other,
                };
            }
        }
        Damage::UnknownFields => {
            for holder in holders(record) {
                holder.insert("somethingNew".to_owned(), json!({ "depth": [1, { "text": "new" }] }));
                holder.insert("anotherNewField".to_owned(), json!(12_345_678_901_234_567_890_u64));
            }
        }
    }
}

const ID_KEYS: [&str; 3] = ["id", "callId", "userId"];

/// The record itself, and inside a call the block that holds its id.
fn holders(record: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let has_block = record.get("metaData").is_some();
    let holder = if has_block { record.get_mut("metaData") } else { Some(record) };
    holder.into_iter().filter_map(Value::as_object_mut)
}

/// The first text that people wrote, not machines.
fn first_text(value: &mut Value) -> Option<&mut Value> {
    match value {
        Value::Array(items) => items.iter_mut().find_map(first_text),
        Value::Object(fields) => fields.iter_mut().find_map(|(key, field)| match key.as_str() {
            "title" | "text" | "firstName" | "userEmailAddress" if field.is_string() => Some(field),
            _ => first_text(field),
        }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"{"requestId":"x","records":{"totalRecords":2},"calls":[
        {"metaData":{"id":"12","title":"One","duration":61,"isPrivate":false}},
        {"metaData":{"id":"13","title":"Two","duration":62,"isPrivate":true}}]}"#;

    fn spoilt(damage: Damage) -> String {
        String::from_utf8(apply(PAGE.as_bytes().to_vec(), 1, damage)).unwrap()
    }

    #[test]
    fn only_the_named_record_is_spoilt() {
        for damage in [Damage::MissingId, Damage::NumericId, Damage::TextAsObject, Damage::Null] {
            let page: Value = serde_json::from_str(&spoilt(damage)).unwrap();
            let whole: Value = serde_json::from_str(PAGE).unwrap();
            assert_eq!(page["calls"][0], whole["calls"][0]);
            assert_ne!(page["calls"][1], whole["calls"][1], "{damage:?}");
        }
    }

    #[test]
    fn half_a_character_is_valid_json_and_no_valid_text() {
        let page = spoilt(Damage::LoneSurrogate);
        assert!(page.contains(r#""title":"\ud83d Two""#), "{page}");
        assert!(serde_json::from_str::<Value>(&page).is_err());
    }

    #[test]
    fn types_change_as_announced() {
        let page: Value = serde_json::from_str(&spoilt(Damage::UnexpectedTypes)).unwrap();
        let meta = &page["calls"][1]["metaData"];
        assert_eq!((&meta["duration"], &meta["isPrivate"]), (&json!("62 or so"), &json!(1)));
        let page: Value = serde_json::from_str(&spoilt(Damage::NumericId)).unwrap();
        assert_eq!(page["calls"][1]["metaData"]["id"], 13);
    }

    #[test]
    fn other_answers_stay_as_they_are() {
        assert_eq!(apply(b"<html>".to_vec(), 0, Damage::Null), b"<html>");
        assert_eq!(apply(PAGE.as_bytes().to_vec(), 7, Damage::Null), PAGE.as_bytes());
    }
}
