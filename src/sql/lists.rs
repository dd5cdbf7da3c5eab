//! Lists of files in the forms that loaders take, for who loads with statements of their own.

use serde_json::json;

use super::{Dialect, Error, Script, bigquery, redshift};

/// One list: of one dataset's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileList {
    /// Its file name.
    pub name: String,
    pub text: String,
}

/// The lists of a script's files, one a dataset that has any; `None` where the engine's loader takes
/// none. Redshift: a manifest for `COPY … FORMAT AS PARQUET MANIFEST`. BigQuery: one URI a line, for
/// `bq load --file_set_spec_type=NEW_LINE_DELIMITED_MANIFEST`.
pub fn file_lists(dialect: Dialect, script: &Script<'_>) -> Result<Option<Vec<FileList>>, Error> {
    match dialect {
        Dialect::Redshift => redshift::check(&script.root)?,
        Dialect::Bigquery => bigquery::check(&script.root)?,
        _ => return Ok(None),
    }
    let tables = script.tables.iter().filter(|table| !table.files.is_empty());
    let list = |table: &super::Table| {
        let url = |key: &str| format!("{}/{key}", script.root);
        let name = table.dataset.name;
        if dialect == Dialect::Bigquery {
            let text = table.files.iter().map(|file| url(&file.key) + "\n").collect();
            return FileList { name: format!("{name}.uris.txt"), text };
        }
        // Parquet is loaded only with the length of each file.
        let entry = |file: &super::File| json!({ "url": url(&file.key), "mandatory": true, "meta": { "content_length": file.size_bytes } });
        let manifest = json!({ "entries": table.files.iter().map(entry).collect::<Vec<_>>() });
        FileList { name: format!("{name}.manifest.json"), text: format!("{manifest:#}\n") }
    };
    Ok(Some(tables.map(list).collect()))
}
