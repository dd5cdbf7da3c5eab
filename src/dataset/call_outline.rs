//! `call_outline`: one row a point of the outline of a call.

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Drift, Element};

const PATH: &str = "calls.content.outline";
const ITEMS_PATH: &str = "calls.content.outline.items";

pub(super) static CALL_OUTLINE: Dataset = Dataset {
    name: "call_outline",
    about: "One row per point of the outline that Gong made of a call, with the section it is in.",
    group: Group::Content,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("section_index", ColumnType::Int64, "position in the outline, from 0").required(),
        Column::new(
            "item_index",
            ColumnType::Int64,
            "position in the section, from 0; a section without items has one row, with 0 here",
        )
        .required(),
        Column::new("section", ColumnType::Text, "title of the section. From content.outline[].section"),
        Column::new(
            "section_start_s",
            ColumnType::Double,
            "when the section begins, in seconds from the start of the call. From content.outline[].startTime",
        ),
        Column::new(
            "section_duration_s",
            ColumnType::Double,
            "length of the section in seconds. From content.outline[].duration",
        ),
        Column::new("text", ColumnType::Text, "the point, in a sentence. From content.outline[].items[].text")
            .personal(Personal::Text),
        Column::new(
            "start_s",
            ColumnType::Double,
            "when it was talked about, in seconds from the start of the call. From content.outline[].items[].startTime",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id", "section_index", "item_index"],
    order: &["call_started_at", "call_id", "section_index", "item_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Outline], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    for (mut section, section_index) in Element::list(call.blocks.outline, PATH, drift).into_iter().zip(0..) {
        let title = section.object.text("section");
        let start_s = section.object.double("startTime");
        let duration_s = section.object.double("duration");
        let mut items = Element::list(section.object.raw("items"), ITEMS_PATH, drift);
        if items.is_empty() {
            items.push(Element::default());
        }
        let rest = section.finish("section", PATH, drift);
        for (mut item, item_index) in items.into_iter().zip(0..) {
            rows.text(Some(&call.meta.id));
            rows.instant(Some(call.meta.started));
            rows.int64(Some(section_index));
            rows.int64(Some(item_index));
            rows.text(title.as_deref());
            rows.double(start_s);
            rows.double(duration_s);
            rows.text(item.object.text("text").as_deref());
            rows.double(item.object.double("startTime"));
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
    fn a_row_a_point_and_one_for_a_section_without_any() {
        let (rows, drift) = cells(
            &CALL_OUTLINE,
            json!({"content": {"outline": [
                {"section": "Pricing", "startTime": 290.0, "duration": 420.5, "items": [
                    {"text": "Two-year discount discussed", "startTime": 305.2}, {"text": "", "startTime": null}]},
                {"section": "Wrap-up", "startTime": 900, "items": []}]}}),
        );
        assert_eq!(
            rows,
            [
                json!([0, 0, "Pricing", 290.0, 420.5, "Two-year discount discussed", 305.2, null]),
                json!([0, 1, "Pricing", 290.0, 420.5, "", null, null]),
                json!([1, 0, "Wrap-up", 900.0, null, null, null, null]),
            ]
        );
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn what_is_odd_keeps_its_place() {
        let (rows, drift) = cells(
            &CALL_OUTLINE,
            json!({"content": {"outline": [7, {"section": "Pricing", "tone": 1, "items": [
                "a", {"text": "b", "startTime": "5:05", "new": 2}, {"text": "c"}]}, {"items": {"text": "d"}}]}}),
        );
        assert_eq!(
            rows,
            [
                json!([0, 0, null, null, null, null, null, r#"{"section":7}"#]),
                json!([1, 0, "Pricing", null, null, null, null, r#"{"tone":1,"items":"a"}"#]),
                json!([1, 1, "Pricing", null, null, "b", null, r#"{"tone":1,"items":{"new":2,"startTime":"5:05"}}"#]),
                json!([1, 2, "Pricing", null, null, "c", null, r#"{"tone":1}"#]),
                json!([2, 0, null, null, null, "d", null, null]),
            ]
        );
        assert_eq!(drift.unknown_fields["calls.content.outline.tone"], 1);
        assert_eq!(
            drift.unexpected_types.into_iter().collect::<Vec<_>>(),
            [(PATH.to_owned(), 1), (ITEMS_PATH.to_owned(), 2), (format!("{ITEMS_PATH}.startTime"), 1)]
        );
        assert!(cells(&CALL_OUTLINE, json!({"content": {"outline": null}})).0.is_empty());
    }
}
