//! `interaction_stats`: one row a user, day and figure of how the user speaks.

use std::borrow::Cow;

use super::column::EXTRA_JSON;
use super::{Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Record, RowsByDay, Source};
use crate::gong::endpoint::Operation;
use crate::gong::list::{Days, Extent, List};
use crate::gong::model::{Drift, Object, Rejected, joined};

pub(super) static INTERACTION_STATS: Dataset = Dataset {
    name: "interaction_stats",
    about: "One row per user, day and figure of how the user speaks in calls, a day being one of the company's time zone.",
    group: Group::Stats,
    columns: &[
        Column::new("user_id", ColumnType::Text, "id of the user; joins users.user_id. From userId").required(),
        Column::new(
            "name",
            ColumnType::Text,
            "the figure: Longest Monologue, Interactivity, Patience, Question Rate or whatever Gong adds. From \
             personInteractionStats[].name",
        )
        .required(),
        Column::new("user_email_address", ColumnType::Text, "e-mail address. From userEmailAddress")
            .personal(Personal::Email),
        Column::new(
            "value",
            ColumnType::Double,
            "its value, in a unit that Gong does not document; null when there was nothing to measure. From \
             personInteractionStats[].value",
        ),
        EXTRA_JSON,
    ],
    key: &["user_id", "name"],
    order: &["user_id", "name"],
    partition: PartitionColumn::Activity,
    source: Source::List { list: &LIST, rows },
};

static LIST: List = List {
    name: "interaction_stats",
    operation: &Operation::post(
        "POST /v2/stats/interaction",
        "/v2/stats/interaction",
        "api:stats:interaction",
        "peopleInteractionStats",
    ),
    extent: Extent::Days(Days {
        bounds: ["fromDate", "toDate"],
        filter: &[],
        body: &[],
        only_over: true,
        summed_up: true,
    }),
};

/// The list of figures, and what `extra_json` calls the one figure of a row.
const FIGURES: &str = "personInteractionStats";

struct Figure<'a> {
    name: Cow<'a, str>,
    value: Option<f64>,
    extra_json: Option<String>,
}

fn rows(record: &Record<'_>, out: &mut RowsByDay, drift: &mut Drift) -> Result<(), Rejected> {
    let mut person =
        Object::parse(record.raw).ok_or_else(|| Rejected::new("the person's statistics are not an object"))?;
    let user_id = person
        .id("userId")
        .filter(|id| !id.is_empty())
        .ok_or_else(|| Rejected::new("the person's statistics have no usable userId"))?;
    let email_address = person.text("userEmailAddress");
    let elements = person.elements(FIGURES);
    if elements.is_none() && person.holds(FIGURES) {
        return Err(Rejected::new("personInteractionStats is not a list"));
    }
    let figures: Vec<_> =
        elements.unwrap_or_default().into_iter().map(|raw| Figure::decode(raw, drift)).collect::<Result<_, _>>()?;
    let of_person = person.finish("peopleInteractionStats", drift);
    let Some(rows) = out.on(record.day) else { return Ok(()) };
    for figure in figures {
        rows.text(Some(&user_id));
        rows.text(Some(&figure.name));
        rows.text(email_address.as_deref());
        rows.double(figure.value);
        rows.text(joined(of_person.as_deref(), FIGURES, figure.extra_json.as_deref()).as_deref());
    }
    Ok(())
}

impl<'a> Figure<'a> {
    fn decode(raw: &'a str, drift: &mut Drift) -> Result<Self, Rejected> {
        let mut figure =
            Object::parse(raw).ok_or_else(|| Rejected::new("one of personInteractionStats is not an object"))?;
        let name =
            figure.text("name").ok_or_else(|| Rejected::new("one of personInteractionStats has no usable name"))?;
        Ok(Self {
            name,
            value: figure.double("value"),
            extra_json: figure.finish("peopleInteractionStats.personInteractionStats", drift),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{list_table, rejected};
    use super::*;
    use serde_json::json;

    #[test]
    fn a_figure_is_a_row() {
        let raw = r#"{"userId": "7", "userEmailAddress": "mara@vendor.example", "personInteractionStats": [
            {"name": "Patience", "value": null}, {"name": "Interactivity", "value": 5},
            {"name": "Question Rate", "value": "many", "unit": "1/h"}], "team": "a"}"#;
        let row = |name: &str, value: serde_json::Value, extra: &str| {
            json!({"user_id": "7", "name": name, "user_email_address": "mara@vendor.example", "value": value,
                   "extra_json": extra})
        };
        assert_eq!(
            list_table(&INTERACTION_STATS, &[raw], "2026-03-02"),
            [
                row("Interactivity", json!(5.0), r#"{"team":"a"}"#),
                row("Patience", json!(null), r#"{"team":"a"}"#),
                row(
                    "Question Rate",
                    json!(null),
                    r#"{"team":"a","personInteractionStats":{"value":"many","unit":"1/h"}}"#
                ),
            ]
        );
    }

    #[test]
    fn a_person_without_figures_has_no_rows() {
        for raw in [r#"{"userId": 7}"#, r#"{"userId": 7, "personInteractionStats": null}"#] {
            assert!(list_table(&INTERACTION_STATS, &[raw], "2026-03-02").is_empty());
        }
    }

    #[test]
    fn what_has_no_key_is_rejected() {
        for raw in [
            "[]",
            r#"{"personInteractionStats": []}"#,
            r#"{"userId": "7", "personInteractionStats": {}}"#,
            r#"{"userId": "7", "personInteractionStats": [5]}"#,
            r#"{"userId": "7", "personInteractionStats": [{"name": "Patience", "value": 1}, {"value": 1}]}"#,
        ] {
            rejected(&INTERACTION_STATS, raw);
        }
    }
}
