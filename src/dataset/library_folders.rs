//! `library_folders`: one row a public folder of the library, as a snapshot of the day of the export.

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Record, RowsByDay, Source, workspaces};
use crate::gong::endpoint::Operation;
use crate::gong::list::{Extent, List};
use crate::gong::model::{Drift, Object, Rejected};

pub(super) static LIBRARY_FOLDERS: Dataset = Dataset {
    name: "library_folders",
    about: "One row per public folder of the library that is not archived, as it was on the day of the export.",
    group: Group::Settings,
    columns: &[
        Column::new("folder_id", ColumnType::Text, "id of the folder; up to 20 digits, so text. From id").required(),
        Column::new(
            "workspace_id",
            ColumnType::Text,
            "id of the workspace whose library it is in, which was asked for",
        ),
        Column::new("name", ColumnType::Text, "name of the folder. From name").personal(Personal::Text),
        Column::new("parent_folder_id", ColumnType::Text, "id of the folder it is in, if any. From parentFolderId"),
        Column::new("created_by_user_id", ColumnType::Text, "user id of who created it. From createdBy"),
        Column::new("updated_at", ColumnType::Instant, "when it was last changed. From updated"),
        EXTRA_JSON,
    ],
    key: &["folder_id"],
    order: &["folder_id"],
    partition: PartitionColumn::Snapshot,
    source: Source::List { list: &LIST, rows },
};

pub(super) static LIST: List = List {
    name: "library_folders",
    operation: &Operation::get("GET /v2/library/folders", "/v2/library/folders", "api:library:read", "folders").whole(),
    // Without a workspace Gong refuses with 400, though its reference calls it optional.
    extent: Extent::NowOfEach { list: &workspaces::LIST, member: "id", parameter: "workspaceId" },
};

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let (folder_id, mut folder) = Object::with_id(record.raw, "the folder", "id")?;
    let Some(rows) = out.on(record.day) else { return Ok(()) };
    rows.text(Some(&folder_id));
    rows.text(record.with);
    rows.text(folder.text("name").as_deref());
    rows.text(folder.id("parentFolderId").as_deref());
    rows.text(folder.id("createdBy").as_deref());
    rows.instant(folder.instant("updated"));
    rows.text(folder.finish("folders", drift).as_deref());
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
            r#"{"id": "31", "name": "Objections", "parentFolderId": 30, "createdBy": "6120044873310295518",
                "updated": "2025-06-01T10:00:00+02:00", "isPinned": true}"#,
            r#"{"id": "30", "name": "Onboarding", "parentFolderId": null, "createdBy": null, "updated": null}"#,
        ];
        let expected = json!([
            {"folder_id": "30", "workspace_id": "229", "name": "Onboarding", "parent_folder_id": null,
             "created_by_user_id": null, "updated_at": null, "extra_json": null},
            {"folder_id": "31", "workspace_id": "229", "name": "Objections", "parent_folder_id": "30",
             "created_by_user_id": "6120044873310295518", "updated_at": "2025-06-01T08:00:00Z",
             "extra_json": r#"{"isPinned":true}"#},
        ]);
        assert_eq!(json!(list_table_with(&LIBRARY_FOLDERS, Some("229"), &records, "2026-03-08")), expected);
    }

    #[test]
    fn odd_values_are_kept_beside_and_a_folder_without_an_id_is_rejected() {
        let (extra, _) = list_extra(&LIBRARY_FOLDERS, r#"{"id": "31", "createdBy": {"id": "6"}, "updated": "today"}"#);
        assert_eq!(extra, json!({"createdBy": {"id": "6"}, "updated": "today"}));
        assert_eq!(rejected(&LIBRARY_FOLDERS, r#"{"name": "x"}"#), "the folder has no usable id");
    }
}
