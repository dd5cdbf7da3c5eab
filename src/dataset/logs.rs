//! `logs`: one row an entry of Gong's audit logs.

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Record, RowsByDay, Source};
use crate::gong::endpoint::Operation;
use crate::gong::list::{Extent, List};
use crate::gong::model::{Drift, Object, Rejected};

pub(super) static LOGS: Dataset = Dataset {
    name: "logs",
    about: "One row per entry of Gong's audit logs: who signed in, changed, played or shared what.",
    group: Group::Logs,
    columns: &[
        Column::new(
            "row_index",
            ColumnType::Int64,
            "position in the day, from 0: by time, type, then content; Gong gives entries no id",
        )
        .required(),
        Column::new("event_at", ColumnType::Instant, "when it happened. From eventTime"),
        Column::new(
            "log_type",
            ColumnType::Text,
            "AccessLog, UserActivityLog, UserCallPlay, ExternallySharedCallAccess or ExternallySharedCallPlay",
        ),
        Column::new("user_id", ColumnType::Text, "who did it; joins users.user_id. From userId"),
        Column::new("user_email_address", ColumnType::Text, "e-mail address. From userEmailAddress")
            .personal(Personal::Email),
        Column::new("user_full_name", ColumnType::Text, "name. From userFullName").personal(Personal::Name),
        Column::new(
            "impersonator_user_id",
            ColumnType::Text,
            "who did it in the user's name; null when nobody did. From impersonatorUserId",
        ),
        Column::new("impersonator_email_address", ColumnType::Text, "e-mail address. From impersonatorEmailAddress")
            .personal(Personal::Email),
        Column::new("impersonator_full_name", ColumnType::Text, "name. From impersonatorFullName")
            .personal(Personal::Name),
        Column::new("impersonator_company_id", ColumnType::Text, "company. From impersonatorCompanyId"),
        Column::new("record_json", ColumnType::Text, "what happened, as JSON of a shape of its own. From logRecord")
            .personal(Personal::Text),
        EXTRA_JSON,
    ],
    key: &["row_index"],
    order: &["row_index"],
    partition: PartitionColumn::Event,
    source: Source::List { list: &LIST, rows },
};

static LIST: List = List {
    name: "logs",
    operation: &Operation::get("GET /v2/logs", "/v2/logs", "api:logs:read", "logEntries"),
    extent: Extent::Instants {
        parameter: "logType",
        values: &[
            "AccessLog",
            "UserActivityLog",
            "UserCallPlay",
            "ExternallySharedCallAccess",
            "ExternallySharedCallPlay",
        ],
    },
};

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let mut entry = Object::parse(record.raw).ok_or_else(|| Rejected::new("the log entry is not an object"))?;
    let event = entry
        .instant("eventTime")
        .ok_or_else(|| Rejected::new("the log entry's eventTime is not a date-time with an offset"))?;
    let Some(rows) = out.on(event.with_timezone(&record.zone).date_naive()) else { return Ok(()) };
    rows.int64(Some(0));
    rows.instant(Some(event));
    rows.text(record.with);
    rows.text(entry.id("userId").as_deref());
    rows.text(entry.text("userEmailAddress").as_deref());
    rows.text(entry.text("userFullName").as_deref());
    rows.text(entry.id("impersonatorUserId").as_deref());
    rows.text(entry.text("impersonatorEmailAddress").as_deref());
    rows.text(entry.text("impersonatorFullName").as_deref());
    rows.text(entry.id("impersonatorCompanyId").as_deref());
    rows.text(entry.json("logRecord").as_deref());
    rows.text(entry.finish("logEntries", drift).as_deref());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::testing::{list_table, rejected};
    use super::*;
    use serde_json::json;

    #[test]
    fn entries_are_in_order_of_time_and_numbered() {
        let late = r#"{"eventTime": "2026-03-02T23:59:59.5Z", "userId": 7, "userFullName": "Mara Quist",
            "userEmailAddress": "mara@vendor.example", "logRecord": { "a": [ 1, {"b": null} ] }, "place": "here"}"#;
        let early = r#"{"eventTime": "2026-03-02T01:00:00+01:00", "impersonatorUserId": "9",
            "impersonatorEmailAddress": "ian@vendor.example", "impersonatorFullName": "Ian Abara",
            "impersonatorCompanyId": "3", "logRecord": null}"#;
        let expected = json!([
            {"row_index": 0, "event_at": "2026-03-02T00:00:00Z", "log_type": null, "user_id": null,
             "user_email_address": null, "user_full_name": null, "impersonator_user_id": "9",
             "impersonator_email_address": "ian@vendor.example", "impersonator_full_name": "Ian Abara",
             "impersonator_company_id": "3", "record_json": null, "extra_json": null},
            {"row_index": 1, "event_at": "2026-03-02T23:59:59.500Z", "log_type": null, "user_id": "7",
             "user_email_address": "mara@vendor.example", "user_full_name": "Mara Quist",
             "impersonator_user_id": null, "impersonator_email_address": null, "impersonator_full_name": null,
             "impersonator_company_id": null, "record_json": r#"{"a":[1,{"b":null}]}"#,
             "extra_json": r#"{"place":"here"}"#},
        ]);
        assert_eq!(json!(list_table(&LOGS, &[late, early], "2026-03-02")), expected);
    }

    #[test]
    fn two_entries_alike_are_two_rows() {
        let entry = r#"{"eventTime": "2026-03-02T12:00:00Z", "logRecord": {"a": 1}}"#;
        let rows = list_table(&LOGS, &[entry, entry], "2026-03-02");
        assert_eq!(rows.iter().map(|row| row["row_index"].as_i64().unwrap()).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn an_entry_without_a_time_is_rejected() {
        for raw in ["null", "{}", r#"{"eventTime": "2026-03-02"}"#] {
            rejected(&LOGS, raw);
        }
    }
}
