//! `scorecards`: one row a scorecard, as a snapshot of the day of the export. Its questions are in
//! `scorecard_questions`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Record, RowsByDay, Source};
use crate::gong::endpoint::Operation;
use crate::gong::list::{Extent, List};
use crate::gong::model::{Drift, Object, Rejected};

pub(super) static SCORECARDS: Dataset = Dataset {
    name: "scorecards",
    about: "One row per scorecard, in use or not, as it was on the day of the export.",
    group: Group::Settings,
    columns: &[
        Column::new(
            "scorecard_id",
            ColumnType::Text,
            "id of the scorecard; up to 20 digits, so text. From scorecardId",
        )
        .required(),
        Column::new("scorecard_name", ColumnType::Text, "name of the scorecard. From scorecardName"),
        Column::new("workspace_id", ColumnType::Text, "id of its workspace. From workspaceId"),
        Column::new("enabled", ColumnType::Boolean, "whether it is in use. From enabled"),
        UPDATER_USER_ID,
        Column::new("created_at", ColumnType::Instant, "when the scorecard was created. From created"),
        Column::new("updated_at", ColumnType::Instant, "when it was last changed. From updated"),
        Column::new(
            "review_method",
            ColumnType::Text,
            "whether people or Gong fill it in: MANUAL or AUTOMATIC. From reviewMethod",
        ),
        EXTRA_JSON,
    ],
    key: &["scorecard_id"],
    order: &["scorecard_id"],
    partition: PartitionColumn::Snapshot,
    source: Source::List { list: &LIST, rows },
};

pub(super) const UPDATER_USER_ID: Column = Column::new(
    "updater_user_id",
    ColumnType::Text,
    "user id of who changed it last; -1, which is no user, for what is built in. From updaterUserId",
);

pub(super) static LIST: List = List {
    name: "scorecards",
    operation: &Operation::get(
        "GET /v2/settings/scorecards",
        "/v2/settings/scorecards",
        "api:settings:scorecards:read",
        "scorecards",
    )
    .whole(),
    extent: Extent::Now,
};

/// A scorecard and its questions. Decoded alike for both datasets, so that a record is good for both or
/// for none.
pub(super) struct Scorecard<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) fields: Object<'a>,
    pub(super) questions: Vec<OfQuestion<'a>>,
}

impl<'a> Scorecard<'a> {
    pub(super) fn decode(raw: &'a str) -> Result<Self, Rejected> {
        let (id, mut fields) = Object::with_id(raw, "the scorecard", "scorecardId")?;
        let questions = OfQuestion::list(&mut fields, "questions")?;
        Ok(Self { id, fields, questions })
    }
}

/// A question, or an answer to one.
pub(super) struct OfQuestion<'a> {
    pub(super) question_id: Cow<'a, str>,
    pub(super) fields: Object<'a>,
}

impl<'a> OfQuestion<'a> {
    /// Takes a list out of a record. Rows are told apart by the id of their question, so the record is
    /// rejected whole if one is missing or comes twice: no row is lost without being counted.
    pub(super) fn list(record: &mut Object<'a>, name: &str) -> Result<Vec<Self>, Rejected> {
        let elements = record.elements(name);
        if elements.is_none() && record.holds(name) {
            return Err(Rejected::new(&format!("{name} is not a list")));
        }
        let mut all = Vec::new();
        let mut known = HashSet::new();
        for raw in elements.unwrap_or_default() {
            let (question_id, fields) = Object::with_id(raw, &format!("an element of {name}"), "questionId")?;
            if !known.insert(question_id.clone()) {
                return Err(Rejected::new(&format!("{name} has the same questionId twice")));
            }
            all.push(Self { question_id, fields });
        }
        Ok(all)
    }
}

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let Scorecard { id, mut fields, .. } = Scorecard::decode(record.raw)?;
    let Some(rows) = out.on(record.day) else { return Ok(()) };
    rows.text(Some(&id));
    rows.text(fields.text("scorecardName").as_deref());
    rows.text(fields.id("workspaceId").as_deref());
    rows.boolean(fields.boolean("enabled"));
    rows.text(fields.id("updaterUserId").as_deref());
    rows.instant(fields.instant("created"));
    rows.instant(fields.instant("updated"));
    rows.text(fields.text("reviewMethod").as_deref());
    rows.text(fields.finish("scorecards", drift).as_deref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::scorecard_questions::SCORECARD_QUESTIONS;
    use super::super::testing::{list_extra, list_table, rejected};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_column() {
        let raw = r#"{ "scorecardId": 6843152929075440037, "scorecardName": "Discovery", "workspaceId": "229",
            "enabled": true, "updaterUserId": "-1", "created": "2025-01-06T10:00:00+01:00",
            "updated": "2025-01-20T10:00:00.5+01:00", "reviewMethod": "AUTOMATIC",
            "questions": [ { "questionId": "1", "hint": "not of the scorecard" } ], "isNew": null, "color": "red" }"#;
        let expected = json!([{
            "scorecard_id": "6843152929075440037",
            "scorecard_name": "Discovery",
            "workspace_id": "229",
            "enabled": true,
            "updater_user_id": "-1",
            "created_at": "2025-01-06T09:00:00Z",
            "updated_at": "2025-01-20T09:00:00.500Z",
            "review_method": "AUTOMATIC",
            "extra_json": r#"{"isNew":null,"color":"red"}"#,
        }]);
        assert_eq!(json!(list_table(&SCORECARDS, &[raw], "2026-03-08")), expected);
        let bare = list_table(&SCORECARDS, &[r#"{"scorecardId": "1", "questions": null}"#], "2026-03-08");
        let told: Vec<_> = bare[0].as_object().unwrap().iter().filter(|(_, value)| !value.is_null()).collect();
        assert_eq!(told, [(&"scorecard_id".to_owned(), &json!("1"))]);
    }

    #[test]
    fn odd_values_are_kept_beside() {
        let (extra, _) = list_extra(&SCORECARDS, r#"{"scorecardId": "1", "enabled": "yes", "updated": 5}"#);
        assert_eq!(extra, json!({"enabled": "yes", "updated": 5}));
    }

    #[test]
    fn what_has_no_key_is_rejected_for_both_datasets() {
        for (raw, reason) in [
            (r#"{"scorecardName": "x"}"#, "the scorecard has no usable scorecardId"),
            (r#"{"scorecardId": "1", "questions": {}}"#, "questions is not a list"),
            (r#"{"scorecardId": "1", "questions": [7]}"#, "an element of questions is not an object"),
            (r#"{"scorecardId": "1", "questions": [{}]}"#, "an element of questions has no usable questionId"),
            (
                r#"{"scorecardId": "1", "questions": [{"questionId": 7}, {"questionId": "7"}]}"#,
                "questions has the same questionId twice",
            ),
        ] {
            for dataset in [&SCORECARDS, &SCORECARD_QUESTIONS] {
                assert_eq!(rejected(dataset, raw), reason, "{}", dataset.name);
            }
        }
    }
}
