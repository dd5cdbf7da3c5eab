//! `call_comments`: one row a public comment on a call.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Drift, Element};

const PATH: &str = "calls.collaboration.publicComments";

/// How the ids begin that we make up. None of Gong's does: those are digits.
const MADE_UP: char = '#';

pub(super) static CALL_COMMENTS: Dataset = Dataset {
    name: "call_comments",
    about: "One row per public comment on a call.",
    group: Group::Collaboration,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new(
            "comment_id",
            ColumnType::Text,
            "id of the comment; # and the position among the call's comments, should Gong send no id or one twice. \
             From collaboration.publicComments[].id",
        )
        .required(),
        Column::new(
            "user_id",
            ColumnType::Text,
            "who wrote it; joins users.user_id. From collaboration.publicComments[].commenterUserId",
        ),
        Column::new(
            "text",
            ColumnType::Text,
            "what was written; mentions look like @[Name](user id). From collaboration.publicComments[].comment",
        )
        .personal(Personal::Text),
        Column::new(
            "posted_at",
            ColumnType::Instant,
            "when it was written. From collaboration.publicComments[].posted",
        ),
        Column::new(
            "audio_start_s",
            ColumnType::Double,
            "where what it is about begins, in seconds from the start of the call. \
             From collaboration.publicComments[].audioStartTime",
        ),
        Column::new(
            "audio_end_s",
            ColumnType::Double,
            "where that ends, in seconds from the start of the call. \
             From collaboration.publicComments[].audioEndTime",
        ),
        Column::new(
            "in_reply_to",
            ColumnType::Text,
            "comment_id of the comment that it answers. From collaboration.publicComments[].inReplyTo",
        ),
        Column::new(
            "during_call",
            ColumnType::Boolean,
            "whether it was written while the call went on. From collaboration.publicComments[].duringCall",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id", "comment_id"],
    order: &["call_started_at", "call_id", "comment_id"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Comments], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    for (id, mut comment) in by_id(Element::list(call.blocks.public_comments, PATH, drift), drift) {
        let fields = &mut comment.object;
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.text(Some(&id));
        rows.text(fields.id("commenterUserId").as_deref());
        rows.text(fields.text("comment").as_deref());
        rows.instant(fields.instant("posted"));
        rows.double(fields.double("audioStartTime"));
        rows.double(fields.double("audioEndTime"));
        rows.text(fields.id("inReplyTo").as_deref());
        rows.boolean(fields.boolean("duringCall"));
        rows.text(comment.finish("comment", PATH, drift).as_deref());
    }
}

/// The comments by the ids that name their rows. A row cannot be without one and no two may share it,
/// so a comment without a usable id gets one from its place; what Gong sent as its id stays in its rest.
fn by_id<'a>(comments: Vec<Element<'a>>, drift: &mut Drift) -> BTreeMap<Cow<'a, str>, Element<'a>> {
    let mut by_id = BTreeMap::new();
    for (place, mut comment) in comments.into_iter().enumerate() {
        let is_usable = |id: &str| !id.is_empty() && !id.starts_with(MADE_UP) && !by_id.contains_key(id);
        let id = comment.object.id_if("id", is_usable).unwrap_or_else(|| {
            // One that is here and of no use is counted with the rest.
            if !comment.is_foreign() && !comment.object.holds("id") {
                drift.unexpected_type(&format!("{PATH}.id"));
            }
            Cow::Owned(format!("{MADE_UP}{place}"))
        });
        by_id.insert(id, comment);
    }
    by_id
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::{Value, json};

    fn comments(list: Value) -> (Vec<Value>, Drift) {
        cells(&CALL_COMMENTS, json!({"collaboration": {"publicComments": list}}))
    }

    #[test]
    fn a_row_a_comment_in_the_order_of_ids() {
        let (rows, drift) = comments(json!([
            {"id": "5519920331187406625", "audioStartTime": 61.5, "audioEndTime": 76, "comment": "@[Mara](7) and?",
             "commenterUserId": "6120044873310295518", "posted": "2026-03-02T10:01:37.220-05:00",
             "inReplyTo": "1047735529981160423", "duringCall": false},
            {"id": 1047735529981160423_u64, "comment": "", "posted": null, "inReplyTo": null, "duringCall": true},
        ]));
        assert_eq!(
            rows,
            [
                json!(["1047735529981160423", null, "", null, null, null, null, true, null]),
                json!([
                    "5519920331187406625",
                    "6120044873310295518",
                    "@[Mara](7) and?",
                    "2026-03-02T15:01:37.220Z",
                    61.5,
                    76.0,
                    "1047735529981160423",
                    false,
                    null
                ]),
            ]
        );
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn comments_without_an_id_of_their_own_are_told_apart_by_their_place() {
        let (rows, drift) = comments(json!([
            {"id": "2", "comment": "a"}, {"comment": "b"}, {"id": "", "comment": "c"}, {"id": "2", "comment": "d"},
            {"id": "#1", "comment": "e"}, {"id": [2], "comment": "f"}, "g", null,
        ]));
        let rows: Vec<_> = rows.iter().map(|row| json!([row[0], row[2], row[8]])).collect();
        assert_eq!(
            rows,
            [
                json!(["#1", "b", null]),
                json!(["#2", "c", r#"{"id":""}"#]),
                json!(["#3", "d", r#"{"id":"2"}"#]),
                json!(["#4", "e", r##"{"id":"#1"}"##]),
                json!(["#5", "f", r#"{"id":[2]}"#]),
                json!(["#6", null, r#"{"comment":"g"}"#]),
                json!(["#7", null, null]),
                json!(["2", "a", null]),
            ]
        );
        assert_eq!(
            drift.unexpected_types.into_iter().collect::<Vec<_>>(),
            [(PATH.to_owned(), 1), (format!("{PATH}.id"), 6)]
        );
    }

    #[test]
    fn what_is_odd_is_kept() {
        let (rows, drift) = comments(json!([{"id": "1", "posted": "yesterday", "duringCall": "no", "likes": 3}]));
        let rest = r#"{"duringCall":"no","likes":3,"posted":"yesterday"}"#;
        assert_eq!(rows, [json!(["1", null, null, null, null, null, null, null, rest])]);
        assert_eq!(drift.unknown_fields.into_keys().collect::<Vec<_>>(), [format!("{PATH}.likes")]);
        assert_eq!(drift.unexpected_types.len(), 2);
        assert!(comments(json!([])).0.is_empty());
        assert!(cells(&CALL_COMMENTS, json!({"collaboration": {}})).0.is_empty());
    }
}
