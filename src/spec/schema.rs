//! The JSON Schema of a job file, for editors and for `gong-export schema job`. Pure.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::raw;

/// JSON Schema, draft 2020-12. `datasets` are the names to choose from.
pub fn job_schema(datasets: &[&str]) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<raw::Job>().to_value();
    let mut names = datasets.to_vec();
    names.sort_unstable();
    // The shapes do not know the datasets: they are registered elsewhere, beside their columns.
    if let Some(list) = schema.pointer_mut("/properties/datasets").and_then(Value::as_object_mut) {
        list.insert("items".to_owned(), json!({ "type": "string", "enum": names }));
        list.insert("uniqueItems".to_owned(), json!(true));
    }
    tidy(&mut schema);
    schema
}

/// Joins the lines of each paragraph of the descriptions, which are wrapped for the source code.
/// Removes `format`s such as `uint64`, which name Rust's types and make strict validators complain, and
/// `null`, by which schemars means what may be left out: the loader refuses a key without a value.
fn tidy(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(description)) = object.get_mut("description") {
                let paragraphs: Vec<String> = description.split("\n\n").map(|lines| lines.replace('\n', " ")).collect();
                *description = paragraphs.join("\n\n");
            }
            let rusty = |format: &str| ["int", "uint", "float", "double"].iter().any(|name| format.starts_with(name));
            if object.get("format").and_then(Value::as_str).is_some_and(rusty) {
                object.remove("format");
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|name| name != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if object.get("default").is_some_and(Value::is_null) {
                object.remove("default");
            }
            for child in object.values_mut() {
                tidy(child);
            }
        }
        Value::Array(items) => {
            for item in items {
                tidy(item);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
