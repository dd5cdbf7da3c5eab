//! `call_trackers`: one row a tracker of a call.

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Drift, Element};

const PATH: &str = "calls.content.trackers";

pub(super) static CALL_TRACKERS: Dataset = Dataset {
    name: "call_trackers",
    about: "One row per tracker that Gong looked for in a call, with how often it was met.",
    group: Group::Content,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("tracker_index", ColumnType::Int64, "position in the call's list of trackers, from 0").required(),
        Column::new("tracker_id", ColumnType::Text, "id of the tracker. From content.trackers[].id"),
        Column::new("name", ColumnType::Text, "name of the tracker. From content.trackers[].name"),
        Column::new("type", ColumnType::Text, "KEYWORD, SMART or whatever Gong adds. From content.trackers[].type"),
        Column::new("count", ColumnType::Int64, "how often it was met in the call. From content.trackers[].count"),
        Column::new(
            "phrases_json",
            ColumnType::Text,
            "list of {phrase, count, occurrences}, as JSON; tells the counts also of calls before 2023, which have no \
             occurrences. From content.trackers[].phrases",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id", "tracker_index"],
    order: &["call_started_at", "call_id", "tracker_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Trackers], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    for (mut tracker, index) in Element::list(call.blocks.trackers, PATH, drift).into_iter().zip(0..) {
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.int64(Some(index));
        rows.text(tracker.object.id("id").as_deref());
        rows.text(tracker.object.text("name").as_deref());
        rows.text(tracker.object.text("type").as_deref());
        rows.int64(tracker.object.int64("count"));
        // Known: rows of `call_tracker_occurrences`.
        tracker.object.raw("occurrences");
        rows.text(tracker.object.list_json("phrases").as_deref());
        rows.text(tracker.finish("tracker", PATH, drift).as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_a_tracker() {
        let (rows, drift) = cells(
            &CALL_TRACKERS,
            json!({"content": {"trackers": [{"id": "9012277365510048821", "name": "Competitors", "count": 2, "type": "KEYWORD", "occurrences": [{}], "phrases": [{"new": 1}]}, {"id": 7, "name": "Objections", "count": 0, "type": "SMART"}]}}),
        );
        assert_eq!(
            rows,
            [
                json!([0, "9012277365510048821", "Competitors", "KEYWORD", 2, r#"[{"new":1}]"#, null]),
                json!([1, "7", "Objections", "SMART", 0, null, null]),
            ]
        );
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn what_is_odd_keeps_its_place() {
        let (rows, drift) =
            cells(&CALL_TRACKERS, json!({"content": {"trackers": ["x", {"id": "1", "count": "two", "color": "red"}]}}));
        assert_eq!(
            rows,
            [
                json!([0, null, null, null, null, null, r#"{"tracker":"x"}"#]),
                json!([1, "1", null, null, null, null, r#"{"color":"red","count":"two"}"#]),
            ]
        );
        let unexpected: Vec<_> = drift.unexpected_types.keys().collect();
        assert_eq!(unexpected, [PATH, "calls.content.trackers.count"]);
        assert!(cells(&CALL_TRACKERS, json!({"content": {"trackers": {}}})).0.is_empty());
    }
}
