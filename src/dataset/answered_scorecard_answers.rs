//! `answered_scorecard_answers`: one row an answer of a review. Names the call, so that what is about
//! private calls can be left out here too.

use super::answered_scorecards::{self, ANSWERED_SCORECARD_ID, CALL_ID, REVIEWED_USER_ID, Review, SCORECARD_ID};
use super::column::EXTRA_JSON;
use super::scorecards::OfQuestion;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Record, RowsByDay, Source};
use crate::gong::model::{Drift, Rejected};

pub(super) static ANSWERED_SCORECARD_ANSWERS: Dataset = Dataset {
    name: "answered_scorecard_answers",
    about: "One row per answer of a review, beside the review it belongs to.",
    group: Group::Scorecards,
    columns: &[
        ANSWERED_SCORECARD_ID,
        Column::new(
            "question_id",
            ColumnType::Text,
            "id of the question; joins scorecard_questions. From answers.questionId",
        )
        .required(),
        CALL_ID,
        SCORECARD_ID,
        REVIEWED_USER_ID,
        Column::new(
            "question_revision_id",
            ColumnType::Text,
            "id of the wording that was answered. From answers.questionRevisionId",
        ),
        Column::new(
            "is_overall",
            ColumnType::Boolean,
            "whether it is about the call as a whole. From answers.isOverall",
        ),
        Column::new("score", ColumnType::Int64, "the score given. From answers.score"),
        Column::new("answer_text", ColumnType::Text, "answer in words. From answers.answerText")
            .personal(Personal::Text),
        Column::new(
            "not_applicable",
            ColumnType::Boolean,
            "whether the question did not apply to the call. From answers.notApplicable",
        ),
        Column::new(
            "selected_options_json",
            ColumnType::Text,
            "list of the options chosen, as JSON. From answers.selectedOptions",
        ),
        EXTRA_JSON,
    ],
    key: &["answered_scorecard_id", "question_id"],
    order: &["answered_scorecard_id", "question_id"],
    partition: PartitionColumn::Review,
    source: Source::List { list: &answered_scorecards::LIST, rows },
};

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let Review { id, day, fields: mut review, answers, .. } = Review::decode(record.raw)?;
    let Some(rows) = out.on(day) else { return Ok(()) };
    let (call_id, scorecard_id) = (review.id("callId"), review.id("scorecardId"));
    let reviewed_user_id = review.id("reviewedUserId");
    for OfQuestion { question_id, mut fields } in answers {
        rows.text(Some(&id));
        rows.text(Some(&question_id));
        rows.text(call_id.as_deref());
        rows.text(scorecard_id.as_deref());
        rows.text(reviewed_user_id.as_deref());
        rows.text(fields.id("questionRevisionId").as_deref());
        rows.boolean(fields.boolean("isOverall"));
        rows.int64(fields.int64("score"));
        rows.text(fields.text("answerText").as_deref());
        rows.boolean(fields.boolean("notApplicable"));
        rows.text(fields.list_json("selectedOptions").as_deref());
        rows.text(fields.finish("answeredScorecards.answers", drift).as_deref());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{list_extra, list_table};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_column_of_every_answer() {
        let raw = r#"{ "answeredScorecardId": 90, "scorecardId": 68, "callId": "47", "reviewedUserId": "61",
            "reviewTime": "2026-03-08T23:30:00-04:00", "language": "not of the answer", "answers": [
            { "questionId": 9, "questionRevisionId": "91", "isOverall": true, "score": 4.0, "answerText": null,
              "notApplicable": false, "selectedOptions": null, "mood": 1 },
            { "questionId": "10", "score": null, "answerText": "Ask Mara, next time", "notApplicable": true,
              "selectedOptions": [ "a, b" ] } ] }"#;
        let expected = json!([
            {"answered_scorecard_id": "90", "question_id": "10", "call_id": "47", "scorecard_id": "68",
             "reviewed_user_id": "61", "question_revision_id": null, "is_overall": null, "score": null,
             "answer_text": "Ask Mara, next time", "not_applicable": true,
             "selected_options_json": r#"["a, b"]"#, "extra_json": null},
            {"answered_scorecard_id": "90", "question_id": "9", "call_id": "47", "scorecard_id": "68",
             "reviewed_user_id": "61", "question_revision_id": "91", "is_overall": true, "score": 4,
             "answer_text": null, "not_applicable": false, "selected_options_json": null,
             "extra_json": r#"{"mood":1}"#},
        ]);
        assert_eq!(json!(list_table(&ANSWERED_SCORECARD_ANSWERS, &[raw], "2026-03-08")), expected);
        let none = r#"{"answeredScorecardId": "1", "reviewTime": "2026-03-08T12:00:00Z", "answers": []}"#;
        assert!(list_table(&ANSWERED_SCORECARD_ANSWERS, &[none], "2026-03-08").is_empty());
    }

    #[test]
    fn odd_values_are_kept_beside() {
        let raw = r#"{"answeredScorecardId": "1", "reviewTime": "2026-03-08T12:00:00Z",
            "answers": [{"questionId": "9", "score": "good", "selectedOptions": "a"}]}"#;
        let (extra, _) = list_extra(&ANSWERED_SCORECARD_ANSWERS, raw);
        assert_eq!(extra, json!({"score": "good", "selectedOptions": "a"}));
    }
}
