//! `gong-export schema`.

use serde::Serialize;

use super::args::SchemaCommand;
use super::error::Failure;
use super::exit_code::Exit;
use super::output::{Printer, Table, Tone};
use crate::calendar::PartitionBy;
use crate::dataset::{self, ColumnType, Dataset, Personal};
use crate::spec;

#[derive(Debug, Serialize)]
struct DatasetSchema {
    dataset: &'static str,
    about: &'static str,
    partition: &'static str,
    key: &'static [&'static str],
    order: &'static [&'static str],
    columns: Vec<ColumnSchema>,
}

#[derive(Debug, Serialize)]
struct ColumnSchema {
    name: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    personal: bool,
    /// `email`, `phone`, `email_domain`, `name` or `text`.
    personal_kind: Option<&'static str>,
    about: &'static str,
}

pub(super) fn schema(command: SchemaCommand, printer: Printer) -> Result<Exit, Failure> {
    match command {
        SchemaCommand::Job => {
            printer.json(&spec::job_schema(&dataset::group::names()));
        }
        SchemaCommand::Dataset { name: Some(name) } => {
            let dataset = dataset::find(&name).ok_or_else(|| {
                let known: Vec<_> = dataset::names().collect();
                Failure::new(Exit::Usage, format!("unknown dataset `{name}`"))
                    .hint(format!("known datasets: {}", known.join(", ")))
            })?;
            if printer.is_json() {
                printer.json(&describe(dataset));
            } else {
                printer.result(&text(&describe(dataset), printer));
            }
        }
        SchemaCommand::Dataset { name: None } => {
            let all: Vec<_> = dataset::ALL.iter().map(|dataset| describe(dataset)).collect();
            if printer.is_json() {
                printer.json(&all);
            } else {
                let text: Vec<_> = all.iter().map(|schema| text(schema, printer)).collect();
                printer.result(&text.join("\n"));
            }
        }
    }
    Ok(Exit::Done)
}

fn describe(dataset: &'static Dataset) -> DatasetSchema {
    let columns = dataset.columns.iter().map(|column| ColumnSchema {
        name: column.name,
        kind: match column.kind {
            ColumnType::Text => "text",
            ColumnType::Int64 => "int64",
            ColumnType::Double => "double",
            ColumnType::Boolean => "boolean",
            ColumnType::Instant => "instant",
        },
        required: column.required,
        personal: column.personal.is_some(),
        personal_kind: column.personal.map(Personal::name),
        about: column.about,
    });
    DatasetSchema {
        dataset: dataset.name,
        about: dataset.about,
        partition: dataset.partition.key(PartitionBy::Day),
        key: dataset.key,
        order: dataset.order,
        columns: columns.collect(),
    }
}

fn text(schema: &DatasetSchema, printer: Printer) -> String {
    let mut text = format!(
        "{}: {}\npartition {}, key {}, order {}\n\n",
        printer.paint(Tone::Strong, schema.dataset),
        schema.about,
        schema.partition,
        schema.key.join(", "),
        schema.order.join(", "),
    );
    let mut table = Table::new(&["column", "type", "null", "personal", "meaning"]);
    for column in &schema.columns {
        table.row([
            column.name.to_owned(),
            column.kind.to_owned(),
            if column.required { "never" } else { "yes" }.to_owned(),
            column.personal_kind.unwrap_or_default().to_owned(),
            column.about.to_owned(),
        ]);
    }
    for (place, line) in table.lines(5).iter().enumerate() {
        text.push_str(&if place == 0 { printer.paint(Tone::Faint, line) } else { line.clone() });
        text.push('\n');
    }
    text
}
