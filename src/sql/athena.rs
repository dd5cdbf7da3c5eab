//! Athena: an external table a dataset, with partition projection: partitions are computed from the
//! query's dates, so that none has to be registered after an export.

use super::text::{backticked, escaped, list, shortened};
use super::{Dialect, Error, Kind, Root, Script, Table};

/// Glue keeps comments of at most so many characters.
const COMMENT_MAX: usize = 255;

/// Before the first call that Gong recorded for anybody. Begins a month.
const FIRST_DAY: &str = "2015-01-01";

pub(super) fn script(script: &Script<'_>) -> Result<String, Error> {
    let Root::S3(_) = script.root else {
        let reason = "it reads s3:// only";
        return Err(Error::Place { engine: "Athena", root: script.root.to_string(), reason });
    };
    let notes = ["Dropping an external table leaves its files alone", "Athena takes one statement at a time"];
    let mut text = script.header(Dialect::Athena, &notes);
    for table in &script.tables {
        text.push('\n');
        text.push_str(&external_table(script, table));
    }
    Ok(text)
}

fn external_table(script: &Script<'_>, table: &Table) -> String {
    let name = backticked(table.dataset.name);
    let partition = script.partition_column(table.dataset);
    let fields = script.fields(table.dataset);
    let columns = list(fields.iter().filter(|field| field.name != partition).map(|field| {
        let about = escaped(&shortened(&field.about, COMMENT_MAX));
        format!("{} {} COMMENT {about}", backticked(field.name), column_type(field.kind))
    }));
    let mut properties = vec![
        ("projection.enabled".to_owned(), "true".to_owned()),
        (format!("projection.{partition}.type"), "date".to_owned()),
        (format!("projection.{partition}.format"), "yyyy-MM-dd".to_owned()),
        // Somewhere it is tomorrow already.
        (format!("projection.{partition}.range"), format!("{FIRST_DAY},NOW+1DAYS")),
    ];
    if partition.ends_with("_month") {
        properties.push((format!("projection.{partition}.interval"), "1".to_owned()));
        properties.push((format!("projection.{partition}.interval.unit"), "MONTHS".to_owned()));
    }
    let properties = list(properties.iter().map(|(key, value)| format!("{} = {}", escaped(key), escaped(value))));
    format!(
        "DROP TABLE IF EXISTS {name};\nCREATE EXTERNAL TABLE {name} (\n{columns}\n)\nCOMMENT {}\n\
         PARTITIONED BY ({} date)\nSTORED AS PARQUET\nLOCATION {}\nTBLPROPERTIES (\n{properties}\n);\n",
        escaped(&shortened(table.dataset.about, COMMENT_MAX)),
        backticked(partition),
        escaped(&format!("{}/{}/", script.root, table.dataset.name)),
    )
}

fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Json => "string",
        Kind::Int64 => "bigint",
        Kind::Double => "double",
        Kind::Boolean => "boolean",
        Kind::Instant => "timestamp",
        Kind::Date => "date",
    }
}
