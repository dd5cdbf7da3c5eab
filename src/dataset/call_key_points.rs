//! `call_key_points`: one row a point of a call's summary.

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Drift, Element};

const PATH: &str = "calls.content.keyPoints";

pub(super) static CALL_KEY_POINTS: Dataset = Dataset {
    name: "call_key_points",
    about: "One row per point that Gong thinks worth knowing about a call.",
    group: Group::Content,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("key_point_index", ColumnType::Int64, "position in the call's list of key points, from 0")
            .required(),
        Column::new("text", ColumnType::Text, "the point, in a sentence. From content.keyPoints[].text")
            .personal(Personal::Text),
        EXTRA_JSON,
    ],
    key: &["call_id", "key_point_index"],
    order: &["call_started_at", "call_id", "key_point_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::KeyPoints], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    for (mut point, index) in Element::list(call.blocks.key_points, PATH, drift).into_iter().zip(0..) {
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.int64(Some(index));
        rows.text(point.object.text("text").as_deref());
        rows.text(point.finish("point", PATH, drift).as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_a_point() {
        let (rows, drift) = cells(
            &CALL_KEY_POINTS,
            json!({"content": {"keyPoints": [{"text": "Renewal likely, \"discount\" needed."}, {}]}}),
        );
        assert_eq!(rows, [json!([0, "Renewal likely, \"discount\" needed.", null]), json!([1, null, null]),]);
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn what_is_odd_keeps_its_place() {
        let (rows, drift) = cells(
            &CALL_KEY_POINTS,
            json!({"content": {"keyPoints": ["Renewal likely.", {"text": ["a"], "score": 1}]}}),
        );
        assert_eq!(
            rows,
            [json!([0, null, r#"{"point":"Renewal likely."}"#]), json!([1, null, r#"{"score":1,"text":["a"]}"#]),]
        );
        let unexpected: Vec<_> = drift.unexpected_types.keys().collect();
        assert_eq!(unexpected, [PATH, "calls.content.keyPoints.text"]);
        assert!(cells(&CALL_KEY_POINTS, json!({"content": {}})).0.is_empty());
    }
}
