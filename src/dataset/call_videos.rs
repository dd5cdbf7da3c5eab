//! `call_videos`: one row a kind of picture in a call's video.

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{Drift, Element};

const PATH: &str = "calls.interaction.video";

pub(super) static CALL_VIDEOS: Dataset = Dataset {
    name: "call_videos",
    about: "One row per kind of picture that a call's video shows, with its length.",
    group: Group::Interaction,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new("video_index", ColumnType::Int64, "position in the call's list of kinds, from 0").required(),
        Column::new(
            "name",
            ColumnType::Text,
            "Browser, Presentation, WebcamPrimaryUser, WebcamNonCompany, Webcam or whatever Gong adds. From interaction.video[].name",
        ),
        Column::new("duration_s", ColumnType::Double, "seconds that it was shown. From interaction.video[].duration"),
        EXTRA_JSON,
    ],
    key: &["call_id", "video_index"],
    order: &["call_started_at", "call_id", "video_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Video], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    for (mut video, index) in Element::list(call.blocks.video, PATH, drift).into_iter().zip(0..) {
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.int64(Some(index));
        rows.text(video.object.text("name").as_deref());
        rows.double(video.object.double("duration"));
        rows.text(video.finish("video", PATH, drift).as_deref());
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_a_kind() {
        let (rows, drift) = cells(
            &CALL_VIDEOS,
            json!({"interaction": {"video": [{"name": "Webcam", "duration": 1123.8}, {"name": "Browser", "duration": 0}]}}),
        );
        assert_eq!(rows, [json!([0, "Webcam", 1123.8, null]), json!([1, "Browser", 0.0, null]),]);
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn what_is_odd_keeps_its_place() {
        let (rows, drift) = cells(
            &CALL_VIDEOS,
            json!({"interaction": {"video": [false, {"name": "Webcam", "duration": "PT3M", "codec": "h"}]}}),
        );
        assert_eq!(
            rows,
            [
                json!([0, null, null, r#"{"video":false}"#]),
                json!([1, "Webcam", null, r#"{"codec":"h","duration":"PT3M"}"#]),
            ]
        );
        let unexpected: Vec<_> = drift.unexpected_types.keys().collect();
        assert_eq!(unexpected, [PATH, "calls.interaction.video.duration"]);
        assert!(cells(&CALL_VIDEOS, json!({"interaction": {}})).0.is_empty());
    }
}
