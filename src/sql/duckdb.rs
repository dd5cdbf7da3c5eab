//! DuckDB: a view a dataset, reading whatever files stand there when it is asked, and what analysts
//! ask of these views.

mod analysts;

use super::text::{ident, list, literal};
use super::{Dialect, Error, Field, Kind, Root, Script, Table};

pub(super) fn script(script: &Script<'_>) -> Result<String, Error> {
    let mut notes = vec!["Use it with: duckdb -init FILE, or inside DuckDB: .read FILE"];
    if !matches!(script.root, Root::Folder(_)) {
        notes.push(
            "Give DuckDB the right to read there first: CREATE PERSISTENT SECRET (TYPE …, PROVIDER credential_chain)",
        );
    }
    let mut text = script.header(Dialect::Duckdb, &notes);
    for table in &script.tables {
        text.push('\n');
        text.push_str(&view(script, table));
    }
    text.push_str(&analysts::sql(script));
    Ok(text)
}

/// The view of one dataset, and what its columns mean.
fn view(script: &Script<'_>, table: &Table) -> String {
    let name = ident(table.dataset.name);
    let fields = script.fields(table.dataset);
    let partition = script.partition_column(table.dataset);
    let columns = list(fields.iter().map(|field| match field.kind {
        Kind::Json => format!("{0}::JSON AS {0}", field.ident()),
        _ => field.ident(),
    }));
    let patterns = match table.files.is_empty() {
        true => Vec::new(),
        false => {
            vec![format!("{}/{}/{partition}=*/*.parquet", escape_glob(&script.root.to_string()), table.dataset.name)]
        }
    };
    let mut text = String::new();
    if patterns.is_empty() {
        text.push_str(&format!("-- {name} has no file yet: make this script again after the first export\n"));
    }
    text.push_str(&format!(
        "CREATE OR REPLACE VIEW {name} AS\nSELECT\n{columns}\nFROM (\n{}\n);\n",
        typed(&fields, partition, &patterns)
    ));
    text.push_str(&format!("COMMENT ON VIEW {name} IS {};\n", literal(table.dataset.about)));
    for field in &fields {
        text.push_str(&format!("COMMENT ON COLUMN {name}.{} IS {};\n", field.ident(), literal(&field.about)));
    }
    text
}

/// A select of all files that match `patterns`.
///
/// Its branch without rows gives every column its type, whatever files there are: a column that is
/// younger than all of them is null, and without any pattern there are no rows (DuckDB refuses a
/// pattern that matches nothing). Filters are pushed through both branches, so that partitions are
/// pruned as if there were one.
pub(super) fn typed(fields: &[Field], partition: &str, patterns: &[String]) -> String {
    let types = list(fields.iter().map(|field| format!("NULL::{} AS {}", file_type(field.kind), field.ident())));
    let empty = format!("SELECT\n{types}\nWHERE false");
    let patterns: Vec<_> = patterns.iter().map(|pattern| literal(pattern)).collect();
    let source = match patterns.as_slice() {
        [] => return empty,
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    format!(
        "{empty}\nUNION ALL BY NAME\nSELECT * FROM read_parquet({source},\n    hive_partitioning = true, \
         hive_types = {{{}: DATE}}, union_by_name = true)",
        literal(partition),
    )
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
pub(super) fn escape_glob(path: &str) -> String {
    let mut escaped = String::with_capacity(path.len());
    for c in path.chars() {
        match c {
            '*' | '?' | '[' => escaped.extend(['[', c, ']']),
            c => escaped.push(c),
        }
    }
    escaped
}
