//! Snowflake: tables, and `COPY INTO` from a stage.

use super::text::{escaped, ident, list};
use super::{Dialect, Error, Field, Kind, Root, Script, Table, names};

/// Files that one `COPY INTO` may name.
const FILES_MAX: usize = 1000;

/// The stage, and the storage integration that it uses.
const STAGE: &str = "gong_export";

pub(super) fn script(script: &Script<'_>) -> Result<String, Error> {
    let notes = match script.root {
        Root::Folder(_) => {
            ["PUT runs in clients on this machine: snow sql or SnowSQL", "Set database and schema first"]
        }
        _ => [
            "An administrator makes the storage integration gong_export once, or you the stage gong_export as you like it",
            "Set database and schema first",
        ],
    };
    let mut text = script.header(Dialect::Snowflake, &notes);
    // Instants would be shifted by the session's zone.
    text.push_str("\nALTER SESSION SET TIMEZONE = 'UTC';\n");
    text.push_str(&stage(&script.root)?);
    for table in &script.tables {
        text.push('\n');
        text.push_str(&create(script, table));
        text.push_str(&load(script, table)?);
    }
    Ok(text)
}

fn stage(root: &Root) -> Result<String, Error> {
    let url = match root {
        Root::Folder(_) => return Ok(format!("CREATE STAGE IF NOT EXISTS {STAGE};\n")),
        Root::S3(bucket) => format!("s3://{bucket}/"),
        Root::Gcs(bucket) => format!("gcs://{bucket}/"),
        Root::Azure { account: Some(account), container } => {
            format!("azure://{account}.blob.core.windows.net/{container}/")
        }
        Root::Azure { account: None, .. } => return Err(Error::Account { root: root.to_string() }),
    };
    Ok(format!("CREATE STAGE IF NOT EXISTS {STAGE} URL = {} STORAGE_INTEGRATION = {STAGE};\n", escaped(&url)))
}

fn create(script: &Script<'_>, table: &Table) -> String {
    let fields = script.fields(table.dataset);
    let mut lines: Vec<_> = fields
        .iter()
        .map(|field| {
            let null = if field.required { " NOT NULL" } else { "" };
            format!("{} {}{null} COMMENT {}", field.ident(), column_type(field.kind), escaped(&field.about))
        })
        .collect();
    lines.push(format!("PRIMARY KEY ({})", script.primary_key(table.dataset)));
    format!(
        "CREATE TABLE IF NOT EXISTS {} (\n{}\n) COMMENT = {};\n",
        ident(table.dataset.name),
        list(lines),
        escaped(table.dataset.about)
    )
}

/// Deleted and copied in one transaction, so that nobody sees a partition without its rows. `FORCE`,
/// since a file that was replaced has the name of one that was loaded.
fn load(script: &Script<'_>, table: &Table) -> Result<String, Error> {
    if table.files.is_empty() {
        return Ok(format!("-- {} has no partition to load\n", table.dataset.name));
    }
    let mut text = String::new();
    if let Root::Folder(path) = &script.root {
        text.push_str(&put(path, table)?);
    }
    let (name, partition) = (ident(table.dataset.name), script.partition_column(table.dataset));
    let fields = script.fields(table.dataset);
    let values = list(fields.iter().map(|field| value(field, partition)));
    text.push_str(&format!("BEGIN;\nDELETE FROM {name} WHERE {} IN ({});\n", ident(partition), table.partitions()));
    for files in table.files.chunks(FILES_MAX) {
        let prefix = format!("{}/", table.dataset.name);
        let files = list(files.iter().map(|file| escaped(file.key.strip_prefix(&prefix).unwrap_or(&file.key))));
        text.push_str(&format!(
            "COPY INTO {name} ({})\nFROM (SELECT\n{values}\nFROM @{STAGE}/{prefix})\nFILES = (\n{files}\n)\n\
             FILE_FORMAT = (TYPE = PARQUET USE_LOGICAL_TYPE = TRUE)\nFORCE = TRUE;\n",
            names(&fields),
        ));
    }
    text.push_str("COMMIT;\n");
    Ok(text)
}

/// Brings files of this machine to the stage.
fn put(root: &str, table: &Table) -> Result<String, Error> {
    if root.contains(['*', '?']) {
        let reason = "a character of its path is a pattern there, and cannot be escaped";
        return Err(Error::Place { engine: "Snowflake", root: root.to_owned(), reason });
    }
    let put = |key: &str| {
        let (folder, _) = key.rsplit_once('/').unwrap_or_default();
        format!(
            "PUT {} @{STAGE}/{folder}/ AUTO_COMPRESS = FALSE OVERWRITE = TRUE;\n",
            escaped(&format!("file://{root}/{key}"))
        )
    };
    Ok(table.files.iter().map(|file| put(&file.key)).collect())
}

fn value(field: &Field, partition: &str) -> String {
    let name = field.name;
    match field.kind {
        Kind::Date => format!("REGEXP_SUBSTR(METADATA$FILENAME, '{partition}=([0-9-]+)', 1, 1, 'e')::DATE"),
        Kind::Json => format!("PARSE_JSON($1:{name}::VARCHAR)"),
        kind => format!("$1:{name}::{}", column_type(kind)),
    }
}

fn column_type(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => "VARCHAR",
        Kind::Json => "VARIANT",
        Kind::Int64 => "NUMBER(38, 0)",
        Kind::Double => "FLOAT",
        Kind::Boolean => "BOOLEAN",
        Kind::Instant => "TIMESTAMP_TZ",
        Kind::Date => "DATE",
    }
}
