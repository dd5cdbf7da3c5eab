//! The JSON Schema of a job file, for editors and for `gong-export schema job`. Pure.

use schemars::generate::SchemaSettings;
use serde_json::{Value, json};

use super::raw;

/// JSON Schema, draft 2020-12. `datasets` are the names to choose from.
pub fn job_schema(datasets: &[&str]) -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<raw::Job>();
    let mut names = datasets.to_vec();
    names.sort_unstable();
    // The shapes do not know the datasets: they are registered elsewhere, beside their columns.
    if let Some(list) = schema.pointer_mut("/properties/datasets").and_then(Value::as_object_mut) {
        list.insert("items".to_owned(), json!({ "type": "string", "enum": names }));
        list.insert("uniqueItems".to_owned(), json!(true));
    }
    schema.to_value()
}
