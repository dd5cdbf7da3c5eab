//! Postgres: tables, and a load that DuckDB reads for: a script for psql, whose `\copy` starts the
//! `duckdb` program beside it and takes its CSV.

use super::duckdb::{escape_glob, typed};
use super::text::{ident, list, literal};
use super::{Dialect, Error, Field, Kind, Root, Script, Table, names};

/// How long the paths in one command may be together. Linux takes an argument of 128 kB.
const PATHS_BYTES_MAX: usize = 60_000;

pub(super) fn script(script: &Script<'_>) -> Result<String, Error> {
    let mut notes = vec!["Run it with: psql -f FILE, where the program duckdb is on the PATH; set search_path first"];
    if !matches!(script.root, Root::Folder(_)) {
        notes.push(
            "Give DuckDB the right to read there first: CREATE PERSISTENT SECRET (TYPE …, PROVIDER credential_chain)",
        );
    }
    let mut text = script.header(Dialect::Postgres, &notes);
    text.push_str("\n\\set ON_ERROR_STOP on\nSET client_encoding = 'UTF8';\nSET client_min_messages = warning;\n");
    for table in &script.tables {
        text.push_str("\nBEGIN;\n");
        text.push_str(&create(script, table));
        text.push_str(&load(script, table));
        text.push_str("COMMIT;\n");
    }
    Ok(text)
}

fn create(script: &Script<'_>, table: &Table) -> String {
    let name = ident(table.dataset.name);
    let partition = script.partition_column(table.dataset);
    let fields = script.fields(table.dataset);
    let mut lines: Vec<_> = fields.iter().map(|field| field.declared(column_type(field.kind))).collect();
    lines.push(format!("PRIMARY KEY ({})", script.primary_key(table.dataset)));
    format!(
        "CREATE TABLE IF NOT EXISTS {name} (\n{}\n);\nCREATE INDEX IF NOT EXISTS {} ON {name} ({});\n{}",
        list(lines),
        ident(&format!("{}_{partition}", table.dataset.name)),
        ident(partition),
        script.comments(table.dataset)
    )
}

fn load(script: &Script<'_>, table: &Table) -> String {
    if table.files.is_empty() {
        return format!("-- {} has no partition to load\n", table.dataset.name);
    }
    let (name, loaded) = (ident(table.dataset.name), ident(&format!("{}_load", table.dataset.name)));
    let fields = script.fields(table.dataset);
    let names = names(&fields);
    let root = escape_glob(&script.root.to_string());
    let paths = table.files.iter().map(|file| format!("{root}/{}", file.key)).collect();
    let mut text = format!("CREATE TEMP TABLE {loaded} (LIKE {name}) ON COMMIT DROP;\n");
    for paths in chunks(paths) {
        let query = read(&fields, script.partition_column(table.dataset), &paths);
        // psql takes the whole command from one line.
        let program = format!("duckdb -no-init -c {}", shell(&query.replace('\n', " ")));
        text.push_str(&format!("\\copy {loaded} ({names}) FROM PROGRAM {} (FORMAT csv)\n", literal(&program)));
    }
    text.push_str(&format!(
        "DELETE FROM {name} WHERE {} IN ({});\nINSERT INTO {name} ({names}) SELECT {names} FROM {loaded};\n",
        ident(script.partition_column(table.dataset)),
        table.partitions()
    ));
    text
}

/// DuckDB's query: the files as CSV in which a null is empty and an empty text is quoted.
fn read(fields: &[Field], partition: &str, paths: &[String]) -> String {
    let values = list(fields.iter().map(value));
    format!(
        "SET TimeZone = 'UTC'; COPY (SELECT {values} FROM ({})) TO '/dev/stdout' (FORMAT csv, HEADER false, FORCE_QUOTE *)",
        typed(fields, partition, paths)
    )
}

/// Postgres holds no character 0: it is dropped, as itself and where JSON spells it. In JSON a
/// backslash is doubled; while pairs of them stand aside, as a character that JSON never holds, what
/// is left of `\u0000` is that character.
fn value(field: &Field) -> String {
    let name = field.ident();
    match field.kind {
        Kind::Text => format!("replace({name}, chr(0), '') AS {name}"),
        Kind::Json => format!(r"replace(replace(replace({name}, '\\', chr(1)), '\u0000', ''), chr(1), '\\') AS {name}"),
        _ => name,
    }
}

/// A word of a shell's command.
fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Cuts a list of paths, in their order, where it becomes too long.
fn chunks(paths: Vec<String>) -> Vec<Vec<String>> {
    let mut chunks: Vec<Vec<String>> = Vec::new();
    let mut bytes = 0;
    for path in paths {
        // Quotes grow on the way through three languages.
        let length = path.len() + 16 * path.matches('\'').count() + 16;
        match chunks.last_mut() {
            Some(chunk) if bytes + length <= PATHS_BYTES_MAX => {
                bytes += length;
                chunk.push(path);
            }
            _ => {
                bytes = length;
                chunks.push(vec![path]);
            }
        }
    }
    chunks
}

fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "text",
        Kind::Json => "jsonb",
        Kind::Int64 => "bigint",
        Kind::Double => "double precision",
        Kind::Boolean => "boolean",
        Kind::Instant => "timestamptz",
        Kind::Date => "date",
    }
}
