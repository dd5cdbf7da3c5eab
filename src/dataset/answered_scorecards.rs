//! `answered_scorecards`: one row a review of a call with a scorecard. What was answered is in
//! `answered_scorecard_answers`.

use std::borrow::Cow;

use chrono::{DateTime, NaiveDate, Utc};

use super::column::EXTRA_JSON;
use super::scorecards::OfQuestion;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Record, RowsByDay, Source};
use crate::gong::endpoint::Operation;
use crate::gong::list::{Days, Extent, List};
use crate::gong::model::{Drift, Object, Rejected};

pub(super) static ANSWERED_SCORECARDS: Dataset = Dataset {
    name: "answered_scorecards",
    about: "One row per review of a call with a scorecard, by people or by Gong.",
    group: Group::Scorecards,
    columns: &[
        ANSWERED_SCORECARD_ID,
        SCORECARD_ID,
        Column::new("scorecard_name", ColumnType::Text, "name of the scorecard. From scorecardName"),
        CALL_ID,
        Column::new("call_started_at", ColumnType::Instant, "when the call began. From callStartTime"),
        REVIEWED_USER_ID,
        Column::new(
            "reviewer_user_id",
            ColumnType::Text,
            "user id of who reviewed; null for an automatic review. From reviewerUserId",
        ),
        Column::new("review_method", ColumnType::Text, "MANUAL or AUTOMATIC. From reviewMethod"),
        Column::new("editor_user_id", ColumnType::Text, "user id of who changed it since. From editorUserId"),
        Column::new("reviewed_at", ColumnType::Instant, "when the review was made. From reviewTime"),
        Column::new(
            "visibility_type",
            ColumnType::Text,
            "who may see it, such as PUBLIC, PRIVATE or MANAGERS_AND_REVIEWEE. From visibilityType",
        ),
        EXTRA_JSON,
    ],
    key: &["answered_scorecard_id"],
    order: &["answered_scorecard_id"],
    partition: PartitionColumn::Review,
    source: Source::List { list: &LIST, rows },
};

pub(super) const ANSWERED_SCORECARD_ID: Column = Column::new(
    "answered_scorecard_id",
    ColumnType::Text,
    "id of the review; up to 20 digits, so text. From answeredScorecardId",
)
.required();

pub(super) const SCORECARD_ID: Column =
    Column::new("scorecard_id", ColumnType::Text, "id of the scorecard; joins scorecards. From scorecardId");

pub(super) const CALL_ID: Column =
    Column::new("call_id", ColumnType::Text, "id of the call; joins calls.call_id. From callId");

pub(super) const REVIEWED_USER_ID: Column = Column::new(
    "reviewed_user_id",
    ColumnType::Text,
    "user id of who is reviewed, the host of the call. From reviewedUserId",
);

pub(super) static LIST: List = List {
    name: "answered_scorecards",
    operation: &Operation::post(
        "POST /v2/stats/activity/scorecards",
        "/v2/stats/activity/scorecards",
        "api:stats:scorecards",
        "answeredScorecards",
    ),
    extent: Extent::Days(Days {
        bounds: ["reviewFromDate", "reviewToDate"],
        // Without it automatic reviews are left out in silence.
        filter: &[("reviewMethod", "BOTH")],
        body: &[],
        only_over: false,
        summed_up: false,
    }),
};

/// A review and its answers. Decoded alike for both datasets, so that a record is good for both or for
/// none.
pub(super) struct Review<'a> {
    pub(super) id: Cow<'a, str>,
    pub(super) time: DateTime<Utc>,
    /// The day of the review on the clock of its own offset, which is the company's.
    pub(super) day: NaiveDate,
    pub(super) fields: Object<'a>,
    pub(super) answers: Vec<OfQuestion<'a>>,
}

impl<'a> Review<'a> {
    pub(super) fn decode(raw: &'a str) -> Result<Self, Rejected> {
        let (id, mut fields) = Object::with_id(raw, "the answered scorecard", "answeredScorecardId")?;
        let time = fields
            .date_time("reviewTime")
            .ok_or_else(|| Rejected::new("reviewTime is not a date-time with an offset"))?;
        let answers = OfQuestion::list(&mut fields, "answers")?;
        Ok(Self { id, time: time.to_utc(), day: time.date_naive(), fields, answers })
    }
}

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let Review { id, time, day, mut fields, .. } = Review::decode(record.raw)?;
    let Some(rows) = out.on(day) else { return Ok(()) };
    rows.text(Some(&id));
    rows.text(fields.id("scorecardId").as_deref());
    rows.text(fields.text("scorecardName").as_deref());
    rows.text(fields.id("callId").as_deref());
    rows.instant(fields.instant("callStartTime"));
    rows.text(fields.id("reviewedUserId").as_deref());
    rows.text(fields.id("reviewerUserId").as_deref());
    rows.text(fields.text("reviewMethod").as_deref());
    rows.text(fields.id("editorUserId").as_deref());
    rows.instant(Some(time));
    rows.text(fields.text("visibilityType").as_deref());
    rows.text(fields.finish("answeredScorecards", drift).as_deref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::answered_scorecard_answers::ANSWERED_SCORECARD_ANSWERS;
    use super::super::testing::{list_extra, list_table, rejected};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_column() {
        let raw = r#"{ "answeredScorecardId": 9013254435421908123, "scorecardId": "68", "scorecardName": "Discovery",
            "callId": 4718820935511072244, "callStartTime": "2026-03-05T10:00:00.5-05:00",
            "reviewedUserId": 6120044873310295518, "reviewerUserId": null, "reviewMethod": "AUTOMATIC",
            "editorUserId": "7001938846620051137", "reviewTime": "2026-03-08T23:30:00.123456-04:00",
            "visibilityType": "MANAGERS", "answers": [ { "questionId": "1", "mood": 1 } ], "language": "eng" }"#;
        let expected = json!([{
            "answered_scorecard_id": "9013254435421908123",
            "scorecard_id": "68",
            "scorecard_name": "Discovery",
            "call_id": "4718820935511072244",
            "call_started_at": "2026-03-05T15:00:00.500Z",
            "reviewed_user_id": "6120044873310295518",
            "reviewer_user_id": null,
            "review_method": "AUTOMATIC",
            "editor_user_id": "7001938846620051137",
            "reviewed_at": "2026-03-09T03:30:00.123456Z",
            "visibility_type": "MANAGERS",
            "extra_json": r#"{"language":"eng"}"#,
        }]);
        // The day is the company's, not that of UTC.
        assert_eq!(json!(list_table(&ANSWERED_SCORECARDS, &[raw], "2026-03-08")), expected);
        assert!(list_table(&ANSWERED_SCORECARDS, &[raw], "2026-03-09").is_empty());
    }

    #[test]
    fn odd_values_are_kept_beside() {
        let raw = r#"{"answeredScorecardId": "1", "reviewTime": "2026-03-08T12:00:00Z", "callId": {"id": "2"},
            "scorecardName": ["x"]}"#;
        assert_eq!(list_extra(&ANSWERED_SCORECARDS, raw).0, json!({"callId": {"id": "2"}, "scorecardName": ["x"]}));
    }

    #[test]
    fn what_has_no_key_or_no_day_is_rejected_for_both_datasets() {
        let no_time = "reviewTime is not a date-time with an offset";
        for (raw, reason) in [
            (r#"{"reviewTime": "2026-03-08T12:00:00Z"}"#, "the answered scorecard has no usable answeredScorecardId"),
            (r#"{"answeredScorecardId": "1"}"#, no_time),
            (r#"{"answeredScorecardId": "1", "reviewTime": "2026-03-08T12:00:00"}"#, no_time),
            (
                r#"{"answeredScorecardId": "1", "reviewTime": "2026-03-08T12:00:00Z", "answers": [{"score": 5}]}"#,
                "an element of answers has no usable questionId",
            ),
        ] {
            for dataset in [&ANSWERED_SCORECARDS, &ANSWERED_SCORECARD_ANSWERS] {
                assert_eq!(rejected(dataset, raw), reason, "{}", dataset.name);
            }
        }
    }
}
