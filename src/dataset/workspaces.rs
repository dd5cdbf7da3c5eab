//! `workspaces`: one row a workspace, as a snapshot of the day of the export.

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Record, RowsByDay, Source};
use crate::gong::endpoint;
use crate::gong::list::{Extent, List};
use crate::gong::model::{Drift, Object, Rejected};

pub(super) static WORKSPACES: Dataset = Dataset {
    name: "workspaces",
    about: "One row per workspace, as it was on the day of the export.",
    group: Group::Settings,
    columns: &[
        Column::new("workspace_id", ColumnType::Text, "id of the workspace; joins calls.workspace_id. From id")
            .required(),
        Column::new("name", ColumnType::Text, "name of the workspace. From name"),
        Column::new("description", ColumnType::Text, "what it is for. From description"),
        EXTRA_JSON,
    ],
    key: &["workspace_id"],
    order: &["workspace_id"],
    partition: PartitionColumn::Snapshot,
    source: Source::List { list: &LIST, rows },
};

pub(super) static LIST: List = List { name: "workspaces", operation: &endpoint::WORKSPACES, extent: Extent::Now };

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let (workspace_id, mut workspace) = Object::with_id(record.raw, "the workspace", "id")?;
    let Some(rows) = out.on(record.day) else { return Ok(()) };
    rows.text(Some(&workspace_id));
    rows.text(workspace.text("name").as_deref());
    rows.text(workspace.text("description").as_deref());
    rows.text(workspace.finish("workspaces", drift).as_deref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{list_extra, list_table, rejected};
    use super::*;
    use serde_json::json;

    #[test]
    fn every_column() {
        let records = [
            r#"{"id": "8", "name": "Sales", "description": "New and existing customers", "color": "red"}"#,
            r#"{"id": 18446744073709551615, "name": "", "description": null}"#,
        ];
        let expected = json!([
            {"workspace_id": "18446744073709551615", "name": "", "description": null, "extra_json": null},
            {"workspace_id": "8", "name": "Sales", "description": "New and existing customers",
             "extra_json": r#"{"color":"red"}"#},
        ]);
        assert_eq!(json!(list_table(&WORKSPACES, &records, "2026-03-08")), expected);
    }

    #[test]
    fn odd_values_are_kept_beside_and_a_workspace_without_an_id_is_rejected() {
        let (extra, drift) = list_extra(&WORKSPACES, r#"{"id": "8", "name": 7, "description": ["a"]}"#);
        assert_eq!(extra, json!({"name": 7, "description": ["a"]}));
        assert_eq!(drift.unexpected_types.keys().collect::<Vec<_>>(), ["workspaces.description", "workspaces.name"]);
        assert_eq!(rejected(&WORKSPACES, r#"{"name": "Sales"}"#), "the workspace has no usable id");
        assert_eq!(rejected(&WORKSPACES, r#"["8"]"#), "the workspace is not an object");
    }
}
