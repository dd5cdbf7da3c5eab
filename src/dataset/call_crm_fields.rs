//! `call_crm_fields`: one row a field of an object of the customer's CRM that a call or one of its
//! people is linked to.

use std::borrow::Cow;

use super::column::{CALL_ID, CALL_STARTED_AT, EXTRA_JSON};
use super::{CallInput, Column, ColumnType, Dataset, Group, PartitionColumn, Personal, Rows, Source};
use crate::gong::endpoint::Block;
use crate::gong::model::{AnyValue, Call, Drift, Element};

pub(super) static CALL_CRM_FIELDS: Dataset = Dataset {
    name: "call_crm_fields",
    about: "One row per field of a CRM object that a call or a participant is linked to, now and at the time of the \
            call.",
    group: Group::Crm,
    columns: &[
        CALL_ID,
        CALL_STARTED_AT,
        Column::new(
            "row_index",
            ColumnType::Int64,
            "position among the call's rows, from 0: the call's own objects first, then its participants'",
        )
        .required(),
        Column::new(
            "party_index",
            ColumnType::Int64,
            "participant linked to the object; with call_id it joins parties. Null when the call itself is",
        ),
        Column::new(
            "system",
            ColumnType::Text,
            "Salesforce, HubSpot, MicrosoftDynamic, Generic or whatever Gong adds. From context[].system",
        ),
        Column::new(
            "object_type",
            ColumnType::Text,
            "Account, Opportunity, Contact, Lead, User and others. From context[].objects[].objectType",
        ),
        Column::new(
            "object_id",
            ColumnType::Text,
            "id of the object in the CRM; Gong does not always say. From context[].objects[].objectId",
        ),
        Column::new(
            "timing",
            ColumnType::Text,
            "when the value held: Now or TimeOfCall. From context[].objects[].timing",
        ),
        Column::new(
            "field_name",
            ColumnType::Text,
            "name of the field in the CRM; null when the object came without fields. \
             From context[].objects[].fields[].name",
        ),
        Column::new(
            "value_text",
            ColumnType::Text,
            "the field's value: text as it is, other JSON as JSON text. From context[].objects[].fields[].value",
        )
        .personal(Personal::Text),
        Column::new(
            "value_json_type",
            ColumnType::Text,
            "what the value was in JSON: string, number, boolean, array, object or null",
        ),
        EXTRA_JSON,
    ],
    key: &["call_id", "row_index"],
    order: &["call_started_at", "call_id", "row_index"],
    partition: PartitionColumn::Call,
    source: Source::Call { blocks: &[Block::Context, Block::Parties], transcript: false, rows },
};

fn rows(input: &CallInput<'_>, rows: &mut Rows, drift: &mut Drift) {
    let call = input.call;
    let mut links = Links { call, rows, next_index: 0, party_index: None };
    links.read(call.blocks.context, &CALL_PATHS, drift);
    for (party, index) in call.parties.iter().flatten().zip(0..) {
        links.party_index = Some(index);
        links.read(party.context, &PARTY_PATHS, drift);
    }
}

/// Where the three lists are that one is inside of the other.
struct Paths {
    context: &'static str,
    objects: &'static str,
    fields: &'static str,
}

const CALL_PATHS: Paths =
    Paths { context: "calls.context", objects: "calls.context.objects", fields: "calls.context.objects.fields" };
const PARTY_PATHS: Paths = Paths {
    context: "calls.parties.context",
    objects: "calls.parties.context.objects",
    fields: "calls.parties.context.objects.fields",
};

/// The rows of one call.
struct Links<'r, 'a> {
    call: &'r Call<'a>,
    rows: &'r mut Rows,
    next_index: i64,
    /// Whose links are being read.
    party_index: Option<i64>,
}

/// The columns that all fields of an object share.
#[derive(Default)]
struct LinkedObject<'a> {
    kind: Option<Cow<'a, str>>,
    id: Option<Cow<'a, str>>,
    timing: Option<Cow<'a, str>>,
}

impl Links<'_, '_> {
    fn read(&mut self, context: Option<&str>, paths: &Paths, drift: &mut Drift) {
        for mut link in Element::list(context, paths.context, drift) {
            let system = link.object.text("system");
            let objects = Element::list(link.object.raw("objects"), paths.objects, drift);
            let link_rest = link.finish("context", paths.context, drift);
            // A system without objects says nothing, unless in a way that no column knows.
            if objects.is_empty() && link_rest.is_some() {
                self.row(system.as_deref(), &LinkedObject::default(), None, None, link_rest.as_deref());
            }
            for mut element in objects {
                let object = LinkedObject {
                    kind: element.object.text("objectType"),
                    id: element.object.id("objectId"),
                    timing: element.object.text("timing"),
                };
                let fields = Element::list(element.object.raw("fields"), paths.fields, drift);
                let rest = element.finish_inside(link_rest.as_deref(), "objects", paths.objects, drift);
                if fields.is_empty() {
                    self.row(system.as_deref(), &object, None, None, rest.as_deref());
                }
                for mut field in fields {
                    let name = field.object.text("name");
                    let value = field.object.any("value");
                    let rest = field.finish_inside(rest.as_deref(), "fields", paths.fields, drift);
                    self.row(system.as_deref(), &object, name.as_deref(), value, rest.as_deref());
                }
            }
        }
    }

    fn row(
        &mut self,
        system: Option<&str>,
        object: &LinkedObject<'_>,
        name: Option<&str>,
        value: Option<AnyValue<'_>>,
        rest: Option<&str>,
    ) {
        let Self { call, rows, next_index, party_index } = self;
        rows.text(Some(&call.meta.id));
        rows.instant(Some(call.meta.started));
        rows.int64(Some(*next_index));
        rows.int64(*party_index);
        rows.text(system);
        rows.text(object.kind.as_deref());
        rows.text(object.id.as_deref());
        rows.text(object.timing.as_deref());
        rows.text(name);
        rows.text(value.as_ref().and_then(|value| value.text.as_deref()));
        rows.text(value.as_ref().map(|value| value.json_type));
        rows.text(rest);
        *next_index += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::cells;
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_row_a_field_of_the_call_then_of_its_people() {
        let (rows, drift) = cells(
            &CALL_CRM_FIELDS,
            json!({
                "context": [
                    {"system": "Salesforce", "objects": [
                        {"objectType": "Account", "objectId": "001XX", "timing": "Now", "fields": [
                            {"name": "Name", "value": "Harbor \"Freight\""}, {"name": "Industry", "value": ""}]},
                        {"objectType": "Opportunity", "objectId": null, "timing": "TimeOfCall", "fields": [
                            {"name": "Amount", "value": 48200.5}]}]},
                    {"system": "HubSpot", "objects": []},
                ],
                "parties": [
                    {"id": "a", "context": []},
                    {"id": "b", "context": [{"system": "Salesforce", "objects": [
                        {"objectType": "Contact", "objectId": "003XX", "timing": "Now", "fields": []},
                        {"objectType": "User", "objectId": 5}]}]},
                    {"id": "c"},
                ],
            }),
        );
        let sf = "Salesforce";
        assert_eq!(
            rows,
            [
                json!([0, null, sf, "Account", "001XX", "Now", "Name", "Harbor \"Freight\"", "string", null]),
                json!([1, null, sf, "Account", "001XX", "Now", "Industry", "", "string", null]),
                json!([2, null, sf, "Opportunity", null, "TimeOfCall", "Amount", "48200.5", "number", null]),
                json!([3, 1, sf, "Contact", "003XX", "Now", null, null, null, null]),
                json!([4, 1, sf, "User", "5", null, null, null, null, null]),
            ]
        );
        assert!(drift.is_empty(), "{drift:?}");
    }

    #[test]
    fn a_value_of_any_type_is_text_and_its_type() {
        let fields = r#"[{"name": "a", "value": ["Acorn",  "x y"]}, {"name": "b", "value": { "k": [ 1 ] }},
            {"name": "c", "value": true}, {"name": "d", "value": null}, {"name": "e"},
            {"name": "f", "value": "[1]"}, {"name": "g", "value": 1e400}, {"name": "h", "value": 9007199254740993},
            {"name": "i", "value": "tab\there"}]"#;
        let context = format!(r#"[{{"objects": [{{"fields": {fields}}}]}}]"#);
        let raw = format!(r#"{{"metaData": {{"id": "1", "started": "2026-03-02T10:00:00Z"}}, "context": {context}}}"#);
        let rows = super::super::testing::call_table(&CALL_CRM_FIELDS, &raw, crate::dataset::TranscriptInput::NotAsked);
        let values: Vec<_> =
            rows.iter().map(|row| json!([row["field_name"], row["value_text"], row["value_json_type"]])).collect();
        assert_eq!(
            values,
            [
                json!(["a", r#"["Acorn","x y"]"#, "array"]),
                json!(["b", r#"{"k":[1]}"#, "object"]),
                json!(["c", "true", "boolean"]),
                json!(["d", null, "null"]),
                json!(["e", null, null]),
                json!(["f", "[1]", "string"]),
                json!(["g", "1e400", "number"]),
                json!(["h", "9007199254740993", "number"]),
                json!(["i", "tab\there", "string"]),
            ]
        );
    }

    #[test]
    fn what_is_odd_keeps_its_place() {
        let (rows, drift) = cells(
            &CALL_CRM_FIELDS,
            json!({
                "context": ["x", {"system": "Generic", "url": "u"}, {"system": 1, "objects": [
                    "y", {"objectType": "Deal", "stage": 2, "fields": ["z", {"name": "n", "value": 1, "label": "N"}]}]}],
                "parties": [{"context": {"objects": [{"objectId": "9"}]}}],
            }),
        );
        assert_eq!(
            rows,
            [
                json!([0, null, null, null, null, null, null, null, null, r#"{"context":"x"}"#]),
                json!([1, null, "Generic", null, null, null, null, null, null, r#"{"url":"u"}"#]),
                json!([2, null, null, null, null, null, null, null, null, r#"{"system":1,"objects":"y"}"#]),
                json!([
                    3,
                    null,
                    null,
                    "Deal",
                    null,
                    null,
                    null,
                    null,
                    null,
                    r#"{"system":1,"objects":{"stage":2},"fields":"z"}"#
                ]),
                json!([
                    4,
                    null,
                    null,
                    "Deal",
                    null,
                    null,
                    "n",
                    "1",
                    "number",
                    r#"{"system":1,"objects":{"stage":2},"fields":{"label":"N"}}"#
                ]),
                json!([5, 0, null, null, "9", null, null, null, null, null]),
            ]
        );
        assert_eq!(
            drift.unknown_fields.into_keys().collect::<Vec<_>>(),
            ["calls.context.objects.fields.label", "calls.context.objects.stage", "calls.context.url"]
        );
        assert_eq!(
            drift.unexpected_types.into_keys().collect::<Vec<_>>(),
            [
                "calls.context",
                "calls.context.objects",
                "calls.context.objects.fields",
                "calls.context.system",
                "calls.parties.context"
            ]
        );
    }

    #[test]
    fn no_crm_no_rows() {
        for context in [Value::Null, json!([]), json!({})] {
            let blocks = json!({"context": context, "parties": [{"context": context}, 7]});
            assert!(cells(&CALL_CRM_FIELDS, blocks).0.is_empty(), "{context}");
        }
    }
}
