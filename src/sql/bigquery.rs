//! BigQuery: tables, and a load from external tables over the files, which are dropped afterwards.

use super::text::{backticked, escaped, list};
use super::{Dialect, Error, Field, Kind, Root, Script, Table};

/// URIs that one external table may name.
const URIS_MAX: usize = 10_000;

/// Columns that a table can be clustered by.
const CLUSTERING_MAX: usize = 4;

pub(super) fn script(script: &Script<'_>) -> Result<String, Error> {
    check(&script.root)?;
    let notes = ["Give the dataset to the client: bq query --dataset_id=… --use_legacy_sql=false < FILE"];
    let mut text = script.header(Dialect::Bigquery, &notes);
    for table in &script.tables {
        text.push('\n');
        text.push_str(&create(script, table));
        text.push_str(&load(script, table));
    }
    Ok(text)
}

/// Whether it can load from there.
pub(super) fn check(root: &Root) -> Result<(), Error> {
    let refused = |reason| Err(Error::Place { engine: "BigQuery", root: root.to_string(), reason });
    match root {
        Root::Gcs(bucket) if bucket.prefix.contains('*') => refused("a `*` in its path is a pattern there"),
        Root::Gcs(_) => Ok(()),
        _ => refused("it reads gs:// only"),
    }
}

fn create(script: &Script<'_>, table: &Table) -> String {
    let dataset = table.dataset;
    let partition = script.partition_column(dataset);
    let mut lines: Vec<_> = script
        .fields(dataset)
        .iter()
        .map(|field| {
            let null = if field.required { " NOT NULL" } else { "" };
            let about = escaped(&field.about);
            format!("{} {}{null} OPTIONS (description = {about})", backticked(field.name), column_type(field.kind))
        })
        .collect();
    let key = dataset.key.iter().copied().chain([partition]).map(backticked).collect::<Vec<_>>().join(", ");
    lines.push(format!("PRIMARY KEY ({key}) NOT ENFORCED"));
    let by = backticked(partition);
    let by = if partition.ends_with("_month") { format!("DATE_TRUNC({by}, MONTH)") } else { by };
    let clusters = dataset.key.iter().take(CLUSTERING_MAX).map(|name| backticked(name)).collect::<Vec<_>>().join(", ");
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n{}\n)\nPARTITION BY {by}\nCLUSTER BY {clusters}\nOPTIONS (description = {});\n",
        backticked(dataset.name),
        list(lines),
        escaped(dataset.about)
    )
}

/// From an external table over the files, whose paths tell the partition, into a temporary one: what
/// then happens in the transaction reads no bucket. No `LOAD DATA`, since that makes no JSON of text.
fn load(script: &Script<'_>, table: &Table) -> String {
    if table.files.is_empty() {
        return format!("-- {} has no partition to load\n", table.dataset.name);
    }
    let fields = script.fields(table.dataset);
    let partition = script.partition_column(table.dataset);
    let name = backticked(table.dataset.name);
    let [seen, loaded] = ["files", "load"].map(|part| backticked(&format!("{}_{part}", table.dataset.name)));
    let of_file: Vec<_> = fields.iter().filter(|field| field.name != partition).collect();
    let columns = list(of_file.iter().map(|field| format!("{} {}", backticked(field.name), file_type(field.kind))));
    let path = format!("PARSE_DATE('%F', REGEXP_EXTRACT(_FILE_NAME, r'/{partition}=([0-9-]+)/'))");
    let values = list(of_file.iter().map(|field| value(field)).chain([format!("{path} AS {}", backticked(partition))]));
    let mut text = String::new();
    for (number, files) in table.files.chunks(URIS_MAX).enumerate() {
        let uris = list(files.iter().map(|file| escaped(&format!("{}/{}", script.root, file.key))));
        let into = if number == 0 {
            format!("CREATE OR REPLACE TEMP TABLE {loaded} AS")
        } else {
            format!("INSERT INTO {loaded}")
        };
        text.push_str(&format!(
            "CREATE OR REPLACE EXTERNAL TABLE {seen} (\n{columns}\n)\nOPTIONS (\n    format = 'PARQUET',\n    \
             uris = [\n{uris}\n    ]\n);\n{into}\nSELECT\n{values}\nFROM {seen};\n",
        ));
    }
    let names = fields.iter().map(|field| backticked(field.name)).collect::<Vec<_>>().join(", ");
    text.push_str(&format!(
        "DROP EXTERNAL TABLE {seen};\nBEGIN TRANSACTION;\nDELETE FROM {name} WHERE {} IN ({});\n\
         INSERT INTO {name} ({names})\nSELECT {names} FROM {loaded};\nCOMMIT TRANSACTION;\nDROP TABLE {loaded};\n",
        backticked(partition),
        table.partitions(),
    ));
    text
}

fn value(field: &Field) -> String {
    let name = backticked(field.name);
    match field.kind {
        // Numbers that no double holds keep their digits as far as possible.
        Kind::Json => format!("PARSE_JSON({name}, wide_number_mode => 'round') AS {name}"),
        _ => name,
    }
}

fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Json => "JSON",
        kind => file_type(kind),
    }
}

fn file_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Json => "STRING",
        Kind::Int64 => "INT64",
        Kind::Double => "FLOAT64",
        Kind::Boolean => "BOOL",
        Kind::Instant => "TIMESTAMP",
        Kind::Date => "DATE",
    }
}
