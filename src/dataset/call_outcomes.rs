//! `call_outcomes`: one row an outcome that a call may have, as a snapshot of the day of the export.
//!
//! Gong gives outcomes no id, so their name is the key, and no order that lasts from one answer to the
//! next.

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Record, RowsByDay, Source};
use crate::gong::endpoint::Operation;
use crate::gong::list::{Extent, List};
use crate::gong::model::{Drift, Object, Rejected};

pub(super) static CALL_OUTCOMES: Dataset = Dataset {
    name: "call_outcomes",
    about: "One row per outcome that a call may have, as set up on the day of the export.",
    group: Group::Settings,
    columns: &[
        Column::new("call_outcome", ColumnType::Text, "name of the outcome. From callOutcome").required(),
        Column::new("display_order", ColumnType::Int64, "its place in Gong's menu. From displayOrder"),
        Column::new("connect_status", ColumnType::Text, "CONNECTED or NOT_CONNECTED. From connectStatus"),
        Column::new("sentiment", ColumnType::Text, "POSITIVE, NEGATIVE or NEUTRAL. From sentiment"),
        Column::new(
            "todo_action",
            ColumnType::Text,
            "what happens to the task: COMPLETE or COMPLETE_AND_REMOVE. From todoAction",
        ),
        Column::new("automation", ColumnType::Text, "what else happens, such as MARK_AS_OPT_OUT. From automation"),
        Column::new("category", ColumnType::Text, "ANSWERED or NOT_ANSWERED. From category"),
        EXTRA_JSON,
    ],
    key: &["call_outcome"],
    order: &["call_outcome"],
    partition: PartitionColumn::Snapshot,
    source: Source::List { list: &LIST, rows },
};

static LIST: List = List {
    name: "call_outcomes",
    operation: &Operation::get("GET /v2/call-outcomes", "/v2/call-outcomes", "api:call-outcomes:read", "outcomes")
        .whole(),
    extent: Extent::Now,
};

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let (call_outcome, mut outcome) = Object::with_id(record.raw, "the outcome", "callOutcome")?;
    let Some(rows) = out.on(record.day) else { return Ok(()) };
    rows.text(Some(&call_outcome));
    rows.int64(outcome.int64("displayOrder"));
    rows.text(outcome.text("connectStatus").as_deref());
    rows.text(outcome.text("sentiment").as_deref());
    rows.text(outcome.text("todoAction").as_deref());
    rows.text(outcome.text("automation").as_deref());
    rows.text(outcome.text("category").as_deref());
    rows.text(outcome.finish("outcomes", drift).as_deref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{list_extra, list_table, rejected};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_column_in_an_order_of_our_own() {
        let opt_out = r#"{"callOutcome": "Not interested", "displayOrder": 0, "connectStatus": "CONNECTED",
            "sentiment": "NEGATIVE", "todoAction": "COMPLETE", "automation": "MARK_AS_OPT_OUT",
            "category": "ANSWERED", "icon": "x"}"#;
        let booked = r#"{"callOutcome": "Booked", "displayOrder": 1, "automation": null, "sentiment": "MIXED"}"#;
        let expected = json!([
            {"call_outcome": "Booked", "display_order": 1, "connect_status": null, "sentiment": "MIXED",
             "todo_action": null, "automation": null, "category": null, "extra_json": null},
            {"call_outcome": "Not interested", "display_order": 0, "connect_status": "CONNECTED",
             "sentiment": "NEGATIVE", "todo_action": "COMPLETE", "automation": "MARK_AS_OPT_OUT",
             "category": "ANSWERED", "extra_json": r#"{"icon":"x"}"#},
        ]);
        for records in [[opt_out, booked], [booked, opt_out]] {
            assert_eq!(json!(list_table(&CALL_OUTCOMES, &records, "2026-03-08")), expected);
        }
    }

    #[test]
    fn odd_values_are_kept_beside_and_an_outcome_without_a_name_is_rejected() {
        let (extra, _) = list_extra(&CALL_OUTCOMES, r#"{"callOutcome": "a", "displayOrder": "3"}"#);
        assert_eq!(extra, json!({"displayOrder": "3"}));
        assert_eq!(rejected(&CALL_OUTCOMES, r#"{"displayOrder": 3}"#), "the outcome has no usable callOutcome");
    }
}
