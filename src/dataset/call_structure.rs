//! `call_structure`: one row a part of a call's agenda.

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Drift, Element};

const PATH: &str = "calls.content.structure";

pub(super) static CALL_STRUCTURE: Dataset = Dataset {
    name: "call_structure",
    about: "One row per part of a call's course, such as its opening, with its length.",
    group: Group::Content,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("part_index", ColumnType::Int64, "position in the call's list of parts, from 0").required(),
        Column::new("name", ColumnType::Text, "name of the part. From content.structure[].name"),
        Column::new(
            "duration_s",
            ColumnType::Int64,
            "length, presumably in seconds: Gong does not say. From content.structure[].duration",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id", "part_index"],
    order: &["call_started_at", "call_id", "part_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Structure], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    for (mut part, index) in Element::list(call.blocks.structure, PATH, drift).into_iter().zip(0..) {
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.int64(Some(index));
        rows.text(part.object.text("name").as_deref());
        rows.int64(part.object.int64("duration"));
        rows.text(part.finish("part", PATH, drift).as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_a_part() {
        let (rows, drift) = cells(
            &CALL_STRUCTURE,
            json!({"content": {"structure": [{"name": "Opening", "duration": 61}, {"name": "Opening", "duration": 4.0}]}}),
        );
        assert_eq!(rows, [json!([0, "Opening", 61, null]), json!([1, "Opening", 4, null]),]);
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn what_is_odd_keeps_its_place() {
        let (rows, drift) =
            cells(&CALL_STRUCTURE, json!({"content": {"structure": [[], {"name": 7, "duration": 61}]}}));
        assert_eq!(rows, [json!([0, null, null, r#"{"part":[]}"#]), json!([1, null, 61, r#"{"name":7}"#]),]);
        let unexpected: Vec<_> = drift.unexpected_types.keys().collect();
        assert_eq!(unexpected, [PATH, "calls.content.structure.name"]);
        assert!(cells(&CALL_STRUCTURE, json!({"content": {"structure": null}})).0.is_empty());
    }
}
