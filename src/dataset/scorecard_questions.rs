//! `scorecard_questions`: one row a question of a scorecard, as a snapshot of the day of the export.

use super::column::EXTRA_JSON;
use super::scorecards::{self, OfQuestion, Scorecard, UPDATER_USER_ID};
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Record, RowsByDay, Source};
use crate::gong::model::{Drift, Rejected};

pub(super) static SCORECARD_QUESTIONS: Dataset = Dataset {
    name: "scorecard_questions",
    about: "One row per question of a scorecard, as it was on the day of the export.",
    group: Group::Settings,
    columns: &[
        Column::new("scorecard_id", ColumnType::Text, "id of the scorecard; joins scorecards. From scorecardId")
            .required(),
        Column::new("question_id", ColumnType::Text, "id of the question. From questions.questionId").required(),
        Column::new("question_index", ColumnType::Int64, "position in the scorecard, from 0"),
        Column::new(
            "question_revision_id",
            ColumnType::Text,
            "id of this wording; joins answered_scorecard_answers. From questions.questionRevisionId",
        ),
        Column::new("question_text", ColumnType::Text, "what is asked. From questions.questionText"),
        Column::new(
            "is_overall",
            ColumnType::Boolean,
            "whether it is about the call as a whole. From questions.isOverall",
        ),
        Column::new(
            "question_type",
            ColumnType::Text,
            "how it is answered, such as RANGE, BOOLEAN or OPEN. From questions.questionType",
        ),
        Column::new("answer_guide", ColumnType::Text, "advice to reviewers, as HTML. From questions.answerGuide"),
        Column::new("min_range", ColumnType::Int64, "lowest score. From questions.minRange"),
        Column::new("max_range", ColumnType::Int64, "highest score. From questions.maxRange"),
        Column::new(
            "answer_options_json",
            ColumnType::Text,
            "list of {id, text} to choose from, as JSON. From questions.answerOptions",
        ),
        Column::new("created_at", ColumnType::Instant, "when the question was created. From questions.created"),
        Column::new("updated_at", ColumnType::Instant, "when it was last changed. From questions.updated"),
        UPDATER_USER_ID,
        EXTRA_JSON,
    ],
    key: &["scorecard_id", "question_id"],
    order: &["scorecard_id", "question_id"],
    partition: PartitionColumn::Snapshot,
    source: Source::List { list: &scorecards::LIST, rows },
};

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let Scorecard { id, questions, .. } = Scorecard::decode(record.raw)?;
    let Some(rows) = out.on(record.day) else { return Ok(()) };
    for (index, OfQuestion { question_id, mut fields }) in questions.into_iter().enumerate() {
        rows.text(Some(&id));
        rows.text(Some(&question_id));
        rows.int64(i64::try_from(index).ok());
        rows.text(fields.id("questionRevisionId").as_deref());
        rows.text(fields.text("questionText").as_deref());
        rows.boolean(fields.boolean("isOverall"));
        rows.text(fields.text("questionType").as_deref());
        rows.text(fields.text("answerGuide").as_deref());
        rows.int64(fields.int64_or_text("minRange"));
        rows.int64(fields.int64_or_text("maxRange"));
        rows.text(fields.list_json("answerOptions").as_deref());
        rows.instant(fields.instant("created"));
        rows.instant(fields.instant("updated"));
        rows.text(fields.id("updaterUserId").as_deref());
        rows.text(fields.finish("scorecards.questions", drift).as_deref());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{list_extra, list_table};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_column_of_every_question() {
        let raw = r#"{ "scorecardId": "68", "scorecardName": "Discovery", "color": "not of the question", "questions": [
            { "questionId": "9", "questionRevisionId": 91, "questionText": "Overall?", "isOverall": true,
              "questionType": "RANGE", "answerGuide": "<p>5 is best</p>", "minRange": "1", "maxRange": 5,
              "answerOptions": [ { "id": 1, "text": "a, b" } ], "created": "2025-01-06T10:00:00+01:00",
              "updated": "2025-01-20T10:00:00+01:00", "updaterUserId": 6120044873310295518, "weight": 0.50 },
            { "questionId": 10, "minRange": null, "answerOptions": [ ] } ] }"#;
        let expected = json!([
            {"scorecard_id": "68", "question_id": "10", "question_index": 1, "question_revision_id": null,
             "question_text": null, "is_overall": null, "question_type": null, "answer_guide": null,
             "min_range": null, "max_range": null, "answer_options_json": "[]", "created_at": null,
             "updated_at": null, "updater_user_id": null, "extra_json": null},
            {"scorecard_id": "68", "question_id": "9", "question_index": 0, "question_revision_id": "91",
             "question_text": "Overall?", "is_overall": true, "question_type": "RANGE",
             "answer_guide": "<p>5 is best</p>", "min_range": 1, "max_range": 5,
             "answer_options_json": r#"[{"id":1,"text":"a, b"}]"#, "created_at": "2025-01-06T09:00:00Z",
             "updated_at": "2025-01-20T09:00:00Z", "updater_user_id": "6120044873310295518",
             "extra_json": r#"{"weight":0.50}"#},
        ]);
        assert_eq!(json!(list_table(&SCORECARD_QUESTIONS, &[raw], "2026-03-08")), expected);
    }

    #[test]
    fn odd_values_are_kept_beside() {
        let raw = r#"{"scorecardId": "68", "questions": [{"questionId": "1", "minRange": "one", "maxRange": "5.5"}]}"#;
        let (extra, drift) = list_extra(&SCORECARD_QUESTIONS, raw);
        assert_eq!(extra, json!({"minRange": "one", "maxRange": "5.5"}));
        assert!(drift.unexpected_types.contains_key("scorecards.questions.minRange"), "{drift:?}");
    }
}
