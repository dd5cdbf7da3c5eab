//! DuckDB: a view a dataset, reading whatever files stand there when it is asked.

use super::text::{ident, list, literal};
use super::{Dialect, Error, Field, Kind, Root, Script, Table};

pub(super) fn script(script: &Script<'_>) -> Result<String, Error> {
    let mut notes = vec!["Use it with: duckdb -init FILE, or inside DuckDB: .read FILE"];
    if !matches!(script.root, Root::Folder(_)) {
        notes.push(
            "Give DuckDB the right to read there first: CREATE PERSISTENT SECRET (TYPE …, PROVIDER credential_chain)",
        );
    }
    let mut text = script.header(Dialect::Duckdb, "views over the files,", &notes);
    for table in &script.tables {
        text.push('\n');
        text.push_str(&view(script, table));
    }
    // What analysts ask of these views goes here: views on views and macros.
    Ok(text)
}

/// The view of one dataset, and what its columns mean.
///
/// The branch without rows gives every column its type and place, whatever files there are: a column
/// that is younger than all of them is null, and a dataset without any file is an empty view, since
/// DuckDB refuses a pattern that matches nothing. Filters are pushed through both branches, so that
/// partitions are pruned as if there were one.
fn view(script: &Script<'_>, table: &Table) -> String {
    let name = ident(table.dataset.name);
    let fields = script.fields(table.dataset);
    let columns = list(fields.iter().map(|field| match field.kind {
        Kind::Json => format!("{0}::JSON AS {0}", ident(field.name)),
        _ => ident(field.name),
    }));
    let types =
        list(fields.iter().map(|field| format!("    NULL::{} AS {}", file_type(field.kind), ident(field.name))));
    let files = if table.files.is_empty() {
        "    -- no file yet: make this script again after the first export\n".to_owned()
    } else {
        let partition = script.partition_column(table.dataset);
        let pattern = format!(
            "{}/{}/{partition}=*/*.parquet",
            escape_glob(&script.root.to_string()),
            escape_glob(table.dataset.name)
        );
        format!(
            "    UNION ALL BY NAME\n    SELECT * FROM read_parquet({},\n        hive_partitioning = true, \
             hive_types = {{{}: DATE}}, union_by_name = true)\n",
            literal(&pattern),
            literal(partition),
        )
    };
    let mut text = format!(
        "CREATE OR REPLACE VIEW {name} AS\nSELECT\n{columns}\nFROM (\n    SELECT\n{types}\n    WHERE false\n{files});\n\
         COMMENT ON VIEW {name} IS {};\n",
        literal(table.dataset.about)
    );
    for Field { name: column, about, .. } in &fields {
        text.push_str(&format!("COMMENT ON COLUMN {name}.{} IS {};\n", ident(column), literal(about)));
    }
    text
}

/// The type of a column in the files.
fn file_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text | Kind::Json => "VARCHAR",
        Kind::Int64 => "BIGINT",
        Kind::Double => "DOUBLE",
        Kind::Boolean => "BOOLEAN",
        Kind::Instant => "TIMESTAMPTZ",
        Kind::Date => "DATE",
    }
}

/// A path in which nothing is a pattern.
fn escape_glob(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '*' | '?' | '[' => escaped.extend(['[', c, ']']),
            c => escaped.push(c),
        }
    }
    escaped
}
