//! The datasets of a call's other blocks: lists of one dataset each, column by column.

use serde_json::{Value, json};

use super::{instant, list, object, text};
use crate::support::python::Row;

/// The datasets that are one list of a block: where it is, the name of the index, and each column with
/// its field.
type Lists = [(&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)]); 6];

const LISTS: Lists = [
    ("call_topics", "/content/topics", "topic_index", &[("name", "name"), ("duration_s", "duration")]),
    ("call_structure", "/content/structure", "part_index", &[("name", "name"), ("duration_s", "duration")]),
    ("call_key_points", "/content/keyPoints", "key_point_index", &[("text", "text")]),
    (
        "call_trackers",
        "/content/trackers",
        "tracker_index",
        &[("tracker_id", "id"), ("name", "name"), ("type", "type"), ("count", "count"), ("phrases_json", "phrases")],
    ),
    ("call_interaction_stats", "/interaction/interactionStats", "stat_index", &[("name", "name"), ("value", "value")]),
    ("call_videos", "/interaction/video", "video_index", &[("name", "name"), ("duration_s", "duration")]),
];

/// The rows of one call, without the columns of the call.
pub(super) fn rows(dataset: &str, call: &Value) -> Vec<Row> {
    match dataset {
        "call_crm_fields" => crm_fields(call),
        "call_tracker_occurrences" => occurrences(call),
        "call_outline" => outline(call),
        "call_highlights" => highlights(call),
        "call_comments" => comments(call),
        _ => {
            let (_, place, index, columns) =
                LISTS.iter().find(|(name, ..)| *name == dataset).unwrap_or_else(|| panic!("no rows of {dataset}"));
            let elements = call.pointer(place).map_or(&[][..], list).iter().enumerate();
            let row = |(number, element): (usize, &Value)| {
                let cells = columns.iter().map(|(column, field)| ((*column).to_owned(), element[field].clone()));
                cells.chain([((*index).to_owned(), json!(number))]).collect()
            };
            elements.map(row).collect()
        }
    }
}

fn crm_fields(call: &Value) -> Vec<Row> {
    let own = list(&call["context"]).iter().map(|link| (Value::Null, link));
    let parties = list(&call["parties"]).iter().enumerate();
    let of_parties = parties.flat_map(|(index, party)| list(&party["context"]).iter().map(move |l| (json!(index), l)));
    let mut rows = Vec::new();
    for (party_index, link) in own.chain(of_parties) {
        for linked in list(&link["objects"]) {
            let mut row = |name: &Value, text: Value, json_type: Value| {
                rows.push(object(json!({
                    "row_index": rows.len(),
                    "party_index": party_index,
                    "system": link["system"],
                    "object_type": linked["objectType"],
                    "object_id": linked["objectId"],
                    "timing": linked["timing"],
                    "field_name": name,
                    "value_text": text,
                    "value_json_type": json_type,
                })));
            };
            for field in list(&linked["fields"]) {
                let (text, json_type) = match &field["value"] {
                    Value::Null => (Value::Null, "null"),
                    Value::String(text) => (json!(text), "string"),
                    other @ Value::Number(_) => (json!(other.to_string()), "number"),
                    other @ Value::Bool(_) => (json!(other.to_string()), "boolean"),
                    other @ Value::Array(_) => (json!(other.to_string()), "array"),
                    other @ Value::Object(_) => (json!(other.to_string()), "object"),
                };
                row(&field["name"], text, json!(json_type));
            }
            if list(&linked["fields"]).is_empty() {
                row(&Value::Null, Value::Null, Value::Null);
            }
        }
    }
    rows
}

fn occurrences(call: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    for (tracker_index, tracker) in list(&call["content"]["trackers"]).iter().enumerate() {
        let own = list(&tracker["occurrences"]).iter().map(|occurrence| (&Value::Null, occurrence));
        let said = list(&tracker["phrases"])
            .iter()
            .flat_map(|phrase| list(&phrase["occurrences"]).iter().map(|occurrence| (&phrase["phrase"], occurrence)));
        for (number, (phrase, occurrence)) in own.chain(said).enumerate() {
            rows.push(object(json!({
                "tracker_index": tracker_index,
                "occurrence_index": number,
                "phrase": phrase,
                "start_s": occurrence["startTime"],
                "speaker_id": occurrence["speakerId"],
            })));
        }
    }
    rows
}

fn outline(call: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    for (section_index, section) in list(&call["content"]["outline"]).iter().enumerate() {
        for (item_index, item) in list(&section["items"]).iter().enumerate() {
            rows.push(object(json!({
                "section_index": section_index,
                "item_index": item_index,
                "section": section["section"],
                "section_start_s": section["startTime"],
                "section_duration_s": section["duration"],
                "text": item["text"],
                "start_s": item["startTime"],
            })));
        }
    }
    rows
}

fn highlights(call: &Value) -> Vec<Row> {
    let mut rows = Vec::new();
    for (highlight_index, highlight) in list(&call["content"]["highlights"]).iter().enumerate() {
        for (item_index, item) in list(&highlight["items"]).iter().enumerate() {
            rows.push(object(json!({
                "highlight_index": highlight_index,
                "item_index": item_index,
                "title": highlight["title"],
                "text": item["text"],
                "start_times_json": item["startTimes"],
            })));
        }
    }
    rows
}

fn comments(call: &Value) -> Vec<Row> {
    let mut comments: Vec<_> = list(&call["collaboration"]["publicComments"]).iter().collect();
    comments.sort_by_key(|comment| text(&comment["id"]));
    let row = |comment: &Value| {
        object(json!({
            "comment_id": comment["id"],
            "user_id": comment["commenterUserId"],
            "text": comment["comment"],
            "posted_at": instant(&comment["posted"]),
            "audio_start_s": comment["audioStartTime"],
            "audio_end_s": comment["audioEndTime"],
            "in_reply_to": comment["inReplyTo"],
            "during_call": comment["duringCall"],
        }))
    };
    comments.into_iter().map(row).collect()
}
