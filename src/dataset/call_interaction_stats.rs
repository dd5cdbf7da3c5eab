//! `call_interaction_stats`: one row a figure about how the host of a call spoke.

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Drift, Element};

const PATH: &str = "calls.interaction.interactionStats";

pub(super) static CALL_INTERACTION_STATS: Dataset = Dataset {
    name: "call_interaction_stats",
    about: "One row per figure that Gong computed of how the host spoke in a call.",
    group: Group::Interaction,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("stat_index", ColumnType::Int64, "position in the call's list of figures, from 0").required(),
        Column::new(
            "name",
            ColumnType::Text,
            "Talk Ratio, Longest Monologue, Longest Customer Story, Interactivity, Patience or whatever Gong adds. From interaction.interactionStats[].name",
        ),
        Column::new(
            "value",
            ColumnType::Double,
            "the figure; Gong states no units: presumably a fraction for Talk Ratio, seconds for the monologues. From interaction.interactionStats[].value",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id", "stat_index"],
    order: &["call_started_at", "call_id", "stat_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::InteractionStats], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    for (mut stat, index) in Element::list(call.blocks.interaction_stats, PATH, drift).into_iter().zip(0..) {
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.int64(Some(index));
        rows.text(stat.object.text("name").as_deref());
        rows.double(stat.object.double("value"));
        rows.text(stat.finish("stat", PATH, drift).as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_a_figure() {
        let (rows, drift) = cells(
            &CALL_INTERACTION_STATS,
            json!({"interaction": {"interactionStats": [{"name": "Talk Ratio", "value": 0.58}, {"name": "Longest Monologue", "value": 121}]}}),
        );
        assert_eq!(rows, [json!([0, "Talk Ratio", 0.58, null]), json!([1, "Longest Monologue", 121.0, null]),]);
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn what_is_odd_keeps_its_place() {
        let (rows, drift) = cells(
            &CALL_INTERACTION_STATS,
            json!({"interaction": {"interactionStats": [0.58, {"name": "Patience", "value": "0.9", "unit": "s"}]}}),
        );
        assert_eq!(
            rows,
            [json!([0, null, null, r#"{"stat":0.58}"#]), json!([1, "Patience", null, r#"{"unit":"s","value":"0.9"}"#]),]
        );
        let unexpected: Vec<_> = drift.unexpected_types.keys().collect();
        assert_eq!(unexpected, [PATH, "calls.interaction.interactionStats.value"]);
        assert!(cells(&CALL_INTERACTION_STATS, json!({"interaction": {"interactionStats": []}})).0.is_empty());
    }
}
