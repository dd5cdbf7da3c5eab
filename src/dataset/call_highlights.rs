//! `call_highlights`: one row a highlight of a call.

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Drift, Element};

const PATH: &str = "calls.content.highlights";
const ITEMS_PATH: &str = "calls.content.highlights.items";

pub(super) static CALL_HIGHLIGHTS: Dataset = Dataset {
    name: "call_highlights",
    about: "One row per sentence of a call's highlights, such as its next steps.",
    group: Group::Content,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("highlight_index", ColumnType::Int64, "position in the list of highlights, from 0").required(),
        Column::new(
            "item_index",
            ColumnType::Int64,
            "position in the highlight, from 0; a highlight without items has one row, with 0 here",
        )
        .required(),
        Column::new(
            "title",
            ColumnType::Text,
            "title of the highlight, such as Next steps. From content.highlights[].title",
        ),
        Column::new("text", ColumnType::Text, "the sentence. From content.highlights[].items[].text")
            .personal(Personal::Text),
        Column::new(
            "start_times_json",
            ColumnType::Text,
            "list of when it was talked about, in seconds from the start of the call, as JSON. \
             From content.highlights[].items[].startTimes",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id", "highlight_index", "item_index"],
    order: &["call_started_at", "call_id", "highlight_index", "item_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Highlights], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    for (mut highlight, highlight_index) in Element::list(call.blocks.highlights, PATH, drift).into_iter().zip(0..) {
        let title = highlight.object.text("title");
        let mut items = Element::list(highlight.object.raw("items"), ITEMS_PATH, drift);
        if items.is_empty() {
            items.push(Element::default());
        }
        let rest = highlight.finish("highlight", PATH, drift);
        for (mut item, item_index) in items.into_iter().zip(0..) {
            rows.text(Some(&call.meta.id));
            rows.instant(Some(call.meta.started));
            rows.int64(Some(highlight_index));
            rows.int64(Some(item_index));
            rows.text(title.as_deref());
            rows.text(item.object.text("text").as_deref());
            rows.text(item.object.list_json("startTimes").as_deref());
            rows.text(item.finish_inside(rest.as_deref(), "items", ITEMS_PATH, drift).as_deref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_a_sentence_and_one_for_a_highlight_without_any() {
        let (rows, drift) = cells(
            &CALL_HIGHLIGHTS,
            json!({"content": {"highlights": [
                {"title": "Next steps", "items": [
                    {"text": "Mara sends the draft on Friday", "startTimes": [1702.0, 1810.25]},
                    {"text": "Tobi asks finance", "startTimes": []}]},
                {"title": "Risks", "items": null}]}}),
        );
        assert_eq!(
            rows,
            [
                json!([0, 0, "Next steps", "Mara sends the draft on Friday", "[1702.0,1810.25]", null]),
                json!([0, 1, "Next steps", "Tobi asks finance", "[]", null]),
                json!([1, 0, "Risks", null, null, null]),
            ]
        );
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn what_is_odd_keeps_its_place() {
        let (rows, drift) = cells(
            &CALL_HIGHLIGHTS,
            json!({"content": {"highlights": [null, {"title": "Next steps", "icon": "x", "items": [
                {"text": "a", "startTimes": 5.5}, {"owner": "7", "text": "b"}]}, "Risks"]}}),
        );
        assert_eq!(
            rows,
            [
                json!([0, 0, null, null, null, null]),
                json!([1, 0, "Next steps", "a", null, r#"{"icon":"x","items":{"startTimes":5.5}}"#]),
                json!([1, 1, "Next steps", "b", null, r#"{"icon":"x","items":{"owner":"7"}}"#]),
                json!([2, 0, null, null, null, r#"{"highlight":"Risks"}"#]),
            ]
        );
        assert_eq!(
            drift.unknown_fields.into_keys().collect::<Vec<_>>(),
            ["calls.content.highlights.icon", "calls.content.highlights.items.owner"]
        );
        assert_eq!(
            drift.unexpected_types.into_keys().collect::<Vec<_>>(),
            [PATH.to_owned(), format!("{ITEMS_PATH}.startTimes")]
        );
        assert!(cells(&CALL_HIGHLIGHTS, json!({"content": {"highlights": []}})).0.is_empty());
    }
}
