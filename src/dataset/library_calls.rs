//! `library_calls`: one row a call in a folder of the library, as a snapshot of the day of the export.
//! Asked for folder by folder; the answer's own fields are those of `library_folders`.

use super::column::EXTRA_JSON;
use super::{
    Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Record, RowsByDay, Source, library_folders,
};
use crate::gong::endpoint::Operation;
use crate::gong::list::{Extent, List};
use crate::gong::model::{Drift, Object, Rejected};

pub(super) static LIBRARY_CALLS: Dataset = Dataset {
    name: "library_calls",
    about: "One row per call in a public folder of the library, as it was on the day of the export.",
    group: Group::Settings,
    columns: &[
        Column::new(
            "folder_id",
            ColumnType::Text,
            "id of the folder that was asked for; joins library_folders.folder_id",
        )
        .required(),
        Column::new("call_id", ColumnType::Text, "id of the call; joins calls.call_id. From id").required(),
        Column::new("title", ColumnType::Text, "title of the call. From title").personal(Personal::Text),
        Column::new("note", ColumnType::Text, "what was noted when it was added. From note").personal(Personal::Text),
        Column::new("added_by_user_id", ColumnType::Text, "user id of who added it. From addedBy"),
        Column::new("created_at", ColumnType::Instant, "when it was added. From created"),
        Column::new("url", ColumnType::Text, "link to the call in Gong. From url"),
        Column::new(
            "snippet_from_s",
            ColumnType::Int64,
            "where the part that is meant begins, in seconds from the start of the call; null for the whole call. \
             From snippet.fromSec",
        ),
        Column::new("snippet_to_s", ColumnType::Int64, "where it ends, in seconds. From snippet.toSec"),
        EXTRA_JSON,
    ],
    key: &["folder_id", "call_id"],
    order: &["folder_id", "call_id"],
    partition: PartitionColumn::Snapshot,
    source: Source::List { list: &LIST, rows },
};

static LIST: List = List {
    name: "library_calls",
    operation: &Operation::get(
        "GET /v2/library/folder-content",
        "/v2/library/folder-content",
        "api:library:read",
        "calls",
    )
    .whole(),
    extent: Extent::NowOfEach { list: &library_folders::LIST, member: "id", parameter: "folderId" },
};

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let folder_id = record.with.ok_or_else(|| Rejected::new("the call was not listed for a folder"))?;
    let (call_id, mut call) = Object::with_id(record.raw, "the call in the library", "id")?;
    let Some(rows) = out.on(record.day) else { return Ok(()) };
    rows.text(Some(folder_id));
    rows.text(Some(&call_id));
    rows.text(call.text("title").as_deref());
    rows.text(call.text("note").as_deref());
    rows.text(call.id("addedBy").as_deref());
    rows.instant(call.instant("created"));
    rows.text(call.text("url").as_deref());
    let snippet = call.object("snippet", |snippet| (snippet.int64("fromSec"), snippet.int64("toSec")));
    let (from, to) = snippet.unwrap_or_default();
    rows.int64(from);
    rows.int64(to);
    rows.text(call.finish("calls", drift).as_deref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{list_extra, list_table_with, rejected};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_column() {
        let records = [
            r#"{"id": 4718820935511072244, "title": "Harbor Freight – price 🚢", "note": "From the price on.",
                "addedBy": "6120044873310295518", "created": "2025-06-01T10:00:00.123+02:00",
                "url": "https://us-1.app.gong.example/call?id=4718820935511072244",
                "snippet": {"fromSec": 61, "toSec": 91}, "likes": 3}"#,
            r#"{"id": "12", "title": "", "note": null, "snippet": null}"#,
        ];
        let expected = json!([
            {"folder_id": "30", "call_id": "12", "title": "", "note": null, "added_by_user_id": null,
             "created_at": null, "url": null, "snippet_from_s": null, "snippet_to_s": null, "extra_json": null},
            {"folder_id": "30", "call_id": "4718820935511072244", "title": "Harbor Freight – price 🚢",
             "note": "From the price on.", "added_by_user_id": "6120044873310295518",
             "created_at": "2025-06-01T08:00:00.123Z",
             "url": "https://us-1.app.gong.example/call?id=4718820935511072244",
             "snippet_from_s": 61, "snippet_to_s": 91, "extra_json": r#"{"likes":3}"#},
        ]);
        assert_eq!(json!(list_table_with(&LIBRARY_CALLS, Some("30"), &records, "2026-03-08")), expected);
    }

    #[test]
    fn odd_values_are_kept_beside_and_a_call_without_an_id_is_rejected() {
        let (extra, _) = list_extra(&LIBRARY_CALLS, r#"{"id": "1", "snippet": {"fromSec": 1.5, "toSec": 3}}"#);
        assert_eq!(extra, json!({"snippet": {"fromSec": 1.5}}));
        let (extra, _) = list_extra(&LIBRARY_CALLS, r#"{"id": "1", "snippet": [1, 3]}"#);
        assert_eq!(extra, json!({"snippet": [1, 3]}));
        assert_eq!(rejected(&LIBRARY_CALLS, r#"{"title": "x"}"#), "the call in the library has no usable id");
    }
}
