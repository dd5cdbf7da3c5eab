//! ClickHouse: a view a dataset, reading whatever files stand there when it is asked.

use super::text::{escaped, ident, list};
use super::{Dialect, Error, Field, Kind, Root, Script, Table};

pub(super) fn script(script: &Script<'_>) -> Result<String, Error> {
    let note = match script.root {
        Root::Folder(_) => "A server reads files below its user_files_path only; clickhouse-local reads any",
        _ => "The server needs the right to read there: its role, or a named collection",
    };
    let mut text = script.header(Dialect::Clickhouse, &[note]);
    for table in &script.tables {
        text.push('\n');
        text.push_str(&view(script, table)?);
    }
    Ok(text)
}

/// The types are told, so that nothing is read to find them out, columns younger than a file are
/// null, and a pattern that matches nothing gives no rows.
fn view(script: &Script<'_>, table: &Table) -> Result<String, Error> {
    let fields = script.fields(table.dataset);
    let columns = list(
        fields
            .iter()
            .map(|field| format!("{} {} COMMENT {}", field.ident(), column_type(field), escaped(&field.about))),
    );
    let structure =
        fields.iter().map(|field| format!("{} {}", field.ident(), column_type(field))).collect::<Vec<_>>().join(", ");
    let (function, place) = place(script, table)?;
    Ok(format!(
        "CREATE OR REPLACE VIEW {} (\n{columns}\n) AS\nSELECT * FROM {function}({}, 'Parquet',\n    {})\n\
         SETTINGS use_hive_partitioning = 1\nCOMMENT {};\n",
        ident(table.dataset.name),
        escaped(&place),
        escaped(&structure),
        escaped(table.dataset.about),
    ))
}

/// The table function for this kind of place, and the pattern of the files there.
fn place(script: &Script<'_>, table: &Table) -> Result<(&'static str, String), Error> {
    let refused = |reason| Error::Place { engine: "ClickHouse", root: script.root.to_string(), reason };
    if script.root.to_string().contains(['*', '?', '{', '}']) {
        return Err(refused("a character of its path is a pattern there, and cannot be escaped"));
    }
    let (function, root) = match &script.root {
        Root::Folder(path) => ("file", path.clone()),
        Root::S3(bucket) => match script.s3_endpoint {
            Some(endpoint) => ("s3", format!("{}/{bucket}", endpoint.trim_end_matches('/'))),
            None => ("s3", format!("https://{}.s3.amazonaws.com/{}", bucket.name, bucket.prefix)),
        },
        Root::Gcs(bucket) => ("gcs", format!("https://storage.googleapis.com/{bucket}")),
        Root::Azure { .. } => return Err(refused("azureBlobStorage wants a connection string, which is a secret")),
    };
    let partition = script.partition_column(table.dataset);
    Ok((function, format!("{}/{}/{partition}=*/*.parquet", root.trim_end_matches('/'), table.dataset.name)))
}

fn column_type(field: &Field) -> String {
    let name = match field.kind {
        Kind::Text | Kind::Json => "String",
        Kind::Int64 => "Int64",
        Kind::Double => "Float64",
        Kind::Boolean => "Bool",
        Kind::Instant => "DateTime64(6, 'UTC')",
        Kind::Date => "Date",
    };
    if field.required { name.to_owned() } else { format!("Nullable({name})") }
}
