//! `call_topics`: one row a topic of a call.

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Drift, Element};

const PATH: &str = "calls.content.topics";

pub(super) static CALL_TOPICS: Dataset = Dataset {
    name: "call_topics",
    about: "One row per topic that Gong found in a call, with the time spent on it.",
    group: Group::Content,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("topic_index", ColumnType::Int64, "position in the call's list of topics, from 0").required(),
        Column::new("name", ColumnType::Text, "name of the topic, such as Pricing. From content.topics[].name"),
        Column::new("duration_s", ColumnType::Int64, "seconds spent on it. From content.topics[].duration"),
        EXTRA_JSON,
    ],
    key: &["call_id", "topic_index"],
    order: &["call_started_at", "call_id", "topic_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Topics], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    for (mut topic, index) in Element::list(call.blocks.topics, PATH, drift).into_iter().zip(0..) {
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.int64(Some(index));
        rows.text(topic.object.text("name").as_deref());
        rows.int64(topic.object.int64("duration"));
        rows.text(topic.finish("topic", PATH, drift).as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_a_topic() {
        let (rows, drift) = cells(
            &CALL_TOPICS,
            json!({"content": {"topics": [{"name": "Pricing", "duration": 412}, {"name": "", "duration": null}]}}),
        );
        assert_eq!(rows, [json!([0, "Pricing", 412, null]), json!([1, "", null, null]),]);
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn what_is_odd_keeps_its_place() {
        let (rows, drift) = cells(
            &CALL_TOPICS,
            json!({"content": {"topics": ["Pricing", null, {"name": "Wrap-up", "duration": 1.5, "mood": 1}]}}),
        );
        assert_eq!(
            rows,
            [
                json!([0, null, null, r#"{"topic":"Pricing"}"#]),
                json!([1, null, null, null]),
                json!([2, "Wrap-up", null, r#"{"duration":1.5,"mood":1}"#]),
            ]
        );
        let unexpected: Vec<_> = drift.unexpected_types.keys().collect();
        assert_eq!(unexpected, [PATH, "calls.content.topics.duration"]);
        assert!(cells(&CALL_TOPICS, json!({"content": {"topics": []}})).0.is_empty());
    }
}
