//! `trackers`: one row a keyword tracker, as a snapshot of the day of the export.

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Record, RowsByDay, Source};
use crate::gong::endpoint::Operation;
use crate::gong::list::{Extent, List};
use crate::gong::model::{Drift, Object, Rejected};

pub(super) static TRACKERS: Dataset = Dataset {
    name: "trackers",
    about: "One row per keyword tracker, as it was on the day of the export; Gong does not list smart trackers.",
    group: Group::Settings,
    columns: &[
        Column::new("tracker_id", ColumnType::Text, "id of the tracker. From trackerId").required(),
        Column::new("tracker_name", ColumnType::Text, "name of the tracker. From trackerName"),
        Column::new("workspace_id", ColumnType::Text, "id of its workspace. From workspaceId"),
        Column::new(
            "language_keywords_json",
            ColumnType::Text,
            "list of {language, keywords, includeRelatedForms} with ISO 639-2/B languages or mul for all, as JSON. \
             From languageKeywords",
        ),
        Column::new("affiliation", ColumnType::Text, "who says it: Anyone, Company or NonCompany. From affiliation"),
        Column::new("part_of_question", ColumnType::Boolean, "whether only questions count. From partOfQuestion"),
        Column::new("said_when", ColumnType::Text, "part of the call: Anytime, First or Last. From saidAt"),
        Column::new("said_when_interval", ColumnType::Int64, "how long that part is. From saidAtInterval"),
        Column::new("said_when_unit", ColumnType::Text, "in which unit: minutes or percent. From saidAtUnit"),
        Column::new("said_in_topics_json", ColumnType::Text, "list of topics, as JSON. From saidInTopics"),
        Column::new(
            "filter_query",
            ColumnType::Text,
            "which calls are looked at, as Gong writes it down: JSON in a text. From filterQuery",
        ),
        Column::new("created_at", ColumnType::Instant, "when the tracker was created. From created"),
        Column::new("creator_user_id", ColumnType::Text, "id of who did; null if built in. From creatorUserId"),
        Column::new("updated_at", ColumnType::Instant, "when it was last changed. From updated"),
        Column::new("updater_user_id", ColumnType::Text, "id of who did; null if built in. From updaterUserId"),
        EXTRA_JSON,
    ],
    key: &["tracker_id"],
    order: &["tracker_id"],
    partition: PartitionColumn::Snapshot,
    source: Source::List { list: &LIST, rows },
};

static LIST: List = List {
    name: "trackers",
    operation: &Operation::get(
        "GET /v2/settings/trackers",
        "/v2/settings/trackers",
        "api:settings:trackers:read",
        "keywordTrackers",
    )
    .whole(),
    extent: Extent::Now,
};

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let (tracker_id, mut tracker) = Object::with_id(record.raw, "the tracker", "trackerId")?;
    let Some(rows) = out.on(record.day) else { return Ok(()) };
    rows.text(Some(&tracker_id));
    rows.text(tracker.text("trackerName").as_deref());
    rows.text(tracker.id("workspaceId").as_deref());
    rows.text(tracker.list_json("languageKeywords").as_deref());
    rows.text(tracker.text("affiliation").as_deref());
    rows.boolean(tracker.boolean("partOfQuestion"));
    rows.text(tracker.text("saidAt").as_deref());
    rows.int64(tracker.int64("saidAtInterval"));
    rows.text(tracker.text("saidAtUnit").as_deref());
    rows.text(tracker.list_json("saidInTopics").as_deref());
    rows.text(tracker.text("filterQuery").as_deref());
    rows.instant(tracker.instant("created"));
    rows.text(tracker.id("creatorUserId").as_deref());
    rows.instant(tracker.instant("updated"));
    rows.text(tracker.id("updaterUserId").as_deref());
    rows.text(tracker.finish("keywordTrackers", drift).as_deref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{list_extra, list_table, rejected};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_column() {
        let raw = r#"{ "trackerId": "4120447", "trackerName": "Pricing", "workspaceId": 2290571133478806610,
            "languageKeywords": [ { "language": "mul", "keywords": [ "price, net" ], "includeRelatedForms": true } ],
            "affiliation": "NonCompany", "partOfQuestion": false, "saidAt": "First", "saidAtInterval": 10,
            "saidAtUnit": "minutes", "saidInTopics": [ "Wrap-up" ],
            "filterQuery": "{\"type\": \"And\"}", "created": "2025-01-06T10:00:00+01:00", "creatorUserId": null,
            "updated": "2025-01-20T10:00:00.123456+01:00", "updaterUserId": "-1", "isSmart": false }"#;
        let expected = json!([{
            "tracker_id": "4120447",
            "tracker_name": "Pricing",
            "workspace_id": "2290571133478806610",
            "language_keywords_json": r#"[{"language":"mul","keywords":["price, net"],"includeRelatedForms":true}]"#,
            "affiliation": "NonCompany",
            "part_of_question": false,
            "said_when": "First",
            "said_when_interval": 10,
            "said_when_unit": "minutes",
            "said_in_topics_json": r#"["Wrap-up"]"#,
            "filter_query": r#"{"type": "And"}"#,
            "created_at": "2025-01-06T09:00:00Z",
            "creator_user_id": null,
            "updated_at": "2025-01-20T09:00:00.123456Z",
            "updater_user_id": "-1",
            "extra_json": r#"{"isSmart":false}"#,
        }]);
        assert_eq!(json!(list_table(&TRACKERS, &[raw], "2026-03-08")), expected);
    }

    #[test]
    fn odd_values_are_kept_beside_and_a_tracker_without_an_id_is_rejected() {
        let raw =
            r#"{"trackerId": "1", "languageKeywords": {"mul": []}, "saidAtInterval": 2.5, "created": 1736154000}"#;
        let (extra, drift) = list_extra(&TRACKERS, raw);
        assert_eq!(extra, json!({"languageKeywords": {"mul": []}, "saidAtInterval": 2.5, "created": 1_736_154_000}));
        assert_eq!(drift.unexpected_types.len(), 3);
        assert_eq!(rejected(&TRACKERS, r#"{"trackerId": ""}"#), "the tracker has no usable trackerId");
    }
}
