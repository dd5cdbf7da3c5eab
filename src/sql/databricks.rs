//! Databricks and Spark: an external table a dataset.
//!
//! Not a view on `read_files`, which only Databricks knows: a table with declared columns works in
//! both, keeps its types and comments in the catalog, and gives null for columns younger than a file.

use super::text::{backticked, escaped, list};
use super::{Dialect, Error, Kind, Root, Script, Table};

pub(super) fn script(script: &Script<'_>) -> Result<String, Error> {
    let root = place(&script.root)?;
    let notes = [
        "Dropping an external table leaves its files alone",
        "New partitions are seen after MSCK REPAIR TABLE … SYNC PARTITIONS: run this, or those lines, after each export",
    ];
    let mut text = script.header(Dialect::Databricks, &notes);
    for table in &script.tables {
        text.push('\n');
        text.push_str(&external_table(script, table, &root));
    }
    Ok(text)
}

fn external_table(script: &Script<'_>, table: &Table, root: &str) -> String {
    let name = backticked(table.dataset.name);
    let fields = script.fields(table.dataset);
    let columns = list(fields.iter().map(|field| {
        format!("{} {} COMMENT {}", backticked(field.name), column_type(field.kind), escaped(&field.about))
    }));
    let create = format!(
        "DROP TABLE IF EXISTS {name};\nCREATE TABLE {name} (\n{columns}\n)\nUSING PARQUET\nPARTITIONED BY ({})\n\
         LOCATION {}\nCOMMENT {};\n",
        backticked(script.partition_column(table.dataset)),
        escaped(&format!("{root}/{}", table.dataset.name)),
        escaped(table.dataset.about),
    );
    // There is no folder to look into before the first file.
    if table.files.is_empty() {
        return format!("-- {name} has no file yet: make this script again after the first export\n{create}");
    }
    format!("{create}MSCK REPAIR TABLE {name} SYNC PARTITIONS;\n")
}

fn place(root: &Root) -> Result<String, Error> {
    match root {
        Root::Folder(_) | Root::Gcs(_) | Root::S3(_) => Ok(root.to_string()),
        Root::Azure { account: Some(account), container } => {
            let place = format!("abfss://{}@{account}.dfs.core.windows.net/{}", container.name, container.prefix);
            Ok(place.trim_end_matches('/').to_owned())
        }
        Root::Azure { account: None, .. } => Err(Error::Account { root: root.to_string() }),
    }
}

fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Json => "STRING",
        Kind::Int64 => "BIGINT",
        Kind::Double => "DOUBLE",
        Kind::Boolean => "BOOLEAN",
        Kind::Instant => "TIMESTAMP",
        Kind::Date => "DATE",
    }
}
