//! Redshift: tables, and `COPY` of one partition's file after the other.
//!
//! `COPY` does not read paths, so that the partition's day has to be told for each file; with a
//! manifest of several, nobody would know which row is of which day.

use super::text::{ident, list, literal};
use super::{Dialect, Error, Kind, Root, Script, Table, names};

pub(super) fn script(script: &Script<'_>) -> Result<String, Error> {
    check(&script.root)?;
    let notes = [
        "The cluster's default IAM role needs the right to read there",
        "Texts above 65,535 bytes are refused by COPY; set search_path first",
    ];
    let mut text = script.header(Dialect::Redshift, &notes);
    for table in &script.tables {
        text.push('\n');
        text.push_str(&create(script, table));
        text.push_str(&load(script, table));
    }
    Ok(text)
}

/// Whether it can load from there.
pub(super) fn check(root: &Root) -> Result<(), Error> {
    match root {
        Root::S3(_) => Ok(()),
        _ => Err(Error::Place { engine: "Redshift", root: root.to_string(), reason: "it reads s3:// only" }),
    }
}

fn create(script: &Script<'_>, table: &Table) -> String {
    let name = ident(table.dataset.name);
    let fields = script.fields(table.dataset);
    let mut lines: Vec<_> = fields.iter().map(|field| field.declared(column_type(field.kind))).collect();
    lines.push(format!("PRIMARY KEY ({})", script.primary_key(table.dataset)));
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (\n{}\n) SORTKEY ({});\n{}",
        list(lines),
        ident(script.partition_column(table.dataset)),
        script.comments(table.dataset)
    )
}

/// In one transaction. `TRUNCATE` would end it, so the temporary table is emptied by `DELETE`.
fn load(script: &Script<'_>, table: &Table) -> String {
    if table.files.is_empty() {
        return format!("-- {} has no partition to load\n", table.dataset.name);
    }
    let partition = script.partition_column(table.dataset);
    let (name, loaded) = (ident(table.dataset.name), ident(&format!("{}_load", table.dataset.name)));
    let fields = script.fields(table.dataset);
    let of_file: Vec<_> = fields.iter().filter(|field| field.name != partition).collect();
    let columns = list(of_file.iter().map(|field| field.declared(file_type(field.kind))));
    let values = list(of_file.iter().map(|field| match field.kind {
        Kind::Json => format!("JSON_PARSE({})", field.ident()),
        _ => field.ident(),
    }));
    let names = names(&fields);
    let mut text = format!(
        "BEGIN;\nCREATE TEMP TABLE {loaded} (\n{columns}\n);\nDELETE FROM {name} WHERE {} IN ({});\n",
        ident(partition),
        table.partitions()
    );
    for file in &table.files {
        text.push_str(&format!(
            "DELETE FROM {loaded};\nCOPY {loaded} FROM {} IAM_ROLE default FORMAT AS PARQUET;\n\
             INSERT INTO {name} ({names})\nSELECT\n{values},\n    DATE '{}'\nFROM {loaded};\n",
            literal(&format!("{}/{}", script.root, file.key)),
            file.partition,
        ));
    }
    text.push_str(&format!("DROP TABLE {loaded};\nCOMMIT;\n"));
    text
}

fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Json => "SUPER",
        kind => file_type(kind),
    }
}

fn file_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Json => "VARCHAR(65535)",
        Kind::Int64 => "BIGINT",
        Kind::Double => "DOUBLE PRECISION",
        Kind::Boolean => "BOOLEAN",
        Kind::Instant => "TIMESTAMP",
        Kind::Date => "DATE",
    }
}
