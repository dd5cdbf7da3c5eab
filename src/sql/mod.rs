//! SQL for the files of a job: views over them, or tables and the statements that load them.
//!
//! One model for all dialects: a [`Script`] names tables, each a [`Dataset`] with the files that are
//! to be seen, and [`Root`] says where they are. A dialect is one file here that knows how its engine
//! spells types, names, texts and places. Nothing here knows a dataset by name, but for what analysts
//! get besides on DuckDB: what is registered tomorrow has its statements.
//!
//! Pure: text comes out, nothing is listed, read, connected or run. Never put credentials into a
//! script; each says at its top what the engine has to be given instead.

mod athena;
mod bigquery;
mod clickhouse;
mod databricks;
mod dialect;
mod duckdb;
mod lists;
mod postgres;
mod redshift;
mod root;
mod snowflake;
#[cfg(test)]
mod tests;
mod text;

use chrono::NaiveDate;

pub use dialect::{Dialect, Tried};
pub use lists::{FileList, file_lists};
pub use root::{Root, RootError};

use crate::calendar::PartitionBy;
use crate::dataset::{Column, ColumnType, Dataset};

/// All that a script is made from.
#[derive(Debug, Clone)]
pub struct Script<'a> {
    /// Name of the job, for people.
    pub job: &'a str,
    pub tool_version: &'a str,
    pub root: Root,
    /// Where the files are in fact, when the engine cannot read there and `root` only stands for a copy.
    pub copy_of: Option<String>,
    /// Where the buckets of `s3://` are, if not at Amazon.
    pub s3_endpoint: Option<&'a str>,
    /// What the partitions of calls are.
    pub partition_by: PartitionBy,
    /// The run whose changes are loaded; `None` for all that is there.
    pub run: Option<&'a str>,
    pub tables: Vec<Table>,
}

/// One dataset, and its files that the script is about.
#[derive(Debug, Clone)]
pub struct Table {
    pub dataset: &'static Dataset,
    /// In order of their partitions, one each. May be empty: nothing has been exported yet, or
    /// nothing changed.
    pub files: Vec<File>,
}

/// One data file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// The day that names its partition.
    pub partition: NaiveDate,
    /// Below the root: `calls/call_date=2025-01-31/calls.parquet`.
    pub key: String,
    pub size_bytes: u64,
}

/// Why there is no script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{engine} cannot read {root}: {reason}")]
    Place { engine: &'static str, root: String, reason: &'static str },
    #[error("the storage account of {root} is not known")]
    Account { root: String },
}

/// The script in a dialect.
pub fn script(dialect: Dialect, script: &Script<'_>) -> Result<String, Error> {
    match dialect {
        Dialect::Duckdb => duckdb::script(script),
        Dialect::Snowflake => snowflake::script(script),
        Dialect::Bigquery => bigquery::script(script),
        Dialect::Redshift => redshift::script(script),
        Dialect::Databricks => databricks::script(script),
        Dialect::Clickhouse => clickhouse::script(script),
        Dialect::Athena => athena::script(script),
        Dialect::Postgres => postgres::script(script),
    }
}

/// What engines distinguish among columns: those of the files, JSON in text, and the partition's day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Text,
    /// Text whose name ends in `_json`: one JSON document.
    Json,
    Int64,
    Double,
    Boolean,
    Instant,
    Date,
}

/// A column of a table or view.
#[derive(Debug, Clone)]
struct Field {
    name: &'static str,
    kind: Kind,
    required: bool,
    about: String,
}

impl Field {
    fn of(column: &Column) -> Self {
        let kind = match column.kind {
            ColumnType::Text if column.name.ends_with("_json") => Kind::Json,
            ColumnType::Text => Kind::Text,
            ColumnType::Int64 => Kind::Int64,
            ColumnType::Double => Kind::Double,
            ColumnType::Boolean => Kind::Boolean,
            ColumnType::Instant => Kind::Instant,
        };
        let personal = if column.personal.is_some() { "Personal data: " } else { "" };
        Self { name: column.name, kind, required: column.required, about: format!("{personal}{}", column.about) }
    }
}

impl Script<'_> {
    /// The column that the path holds.
    fn partition_column(&self, dataset: &Dataset) -> &'static str {
        dataset.partition.key(self.partition_by)
    }

    /// The columns of a dataset's files, in their order, and then the partition's.
    fn fields(&self, dataset: &Dataset) -> Vec<Field> {
        let mut fields: Vec<_> = dataset.columns.iter().map(Field::of).collect();
        fields.push(Field {
            name: self.partition_column(dataset),
            kind: Kind::Date,
            required: true,
            about: "first day of the partition; filter by it to read little".to_owned(),
        });
        fields
    }

    /// The columns that name a row over all partitions.
    fn primary_key(&self, dataset: &Dataset) -> String {
        let names = dataset.key.iter().copied().chain([self.partition_column(dataset)]);
        names.map(text::ident).collect::<Vec<_>>().join(", ")
    }

    /// What a table and its columns mean, in the statements that Postgres and its relatives know.
    fn comments(&self, dataset: &Dataset) -> String {
        let name = text::ident(dataset.name);
        let mut text = format!("COMMENT ON TABLE {name} IS {};\n", text::literal(dataset.about));
        for field in self.fields(dataset) {
            let about = text::literal(&field.about);
            text.push_str(&format!("COMMENT ON COLUMN {name}.{} IS {about};\n", field.ident()));
        }
        text
    }

    /// The begin of every script: what it is, how far it was tried, what has to be there.
    fn header(&self, dialect: Dialect, notes: &[&str]) -> String {
        let what = match (dialect.loads(), self.run) {
            (false, _) => "views over the files,".to_owned(),
            (true, None) => "tables, and a load of every partition that is there,".to_owned(),
            (true, Some(run)) => format!("tables, and a load of the partitions that run {run} changed,"),
        };
        let mut lines = vec![
            format!("gong-export {}, job {}: {what} for {}", self.tool_version, self.job, dialect.engine()),
            match &self.copy_of {
                None => format!("Files at {}", self.root),
                Some(place) => format!(
                    "{} cannot read {place}: copy the files, and put the place of the copy for {}, or print this with \
                     --files-at",
                    dialect.engine(),
                    self.root
                ),
            },
            format!("This kind of script was {}", dialect.tried()),
        ];
        if dialect.loads() {
            lines.push("Each partition is replaced whole: loading the same again changes nothing".to_owned());
        }
        lines.extend(notes.iter().map(|&note| note.to_owned()));
        text::comment(&lines)
    }
}

impl Table {
    /// The days of the files, as a list of dates for `IN`.
    fn partitions(&self) -> String {
        self.files.iter().map(|file| format!("DATE '{}'", file.partition)).collect::<Vec<_>>().join(", ")
    }
}

impl Field {
    fn ident(&self) -> String {
        text::ident(self.name)
    }

    /// Its line in `CREATE TABLE`.
    fn declared(&self, column_type: &str) -> String {
        let null = if self.required { " NOT NULL" } else { "" };
        format!("{} {column_type}{null}", self.ident())
    }
}

/// The names of columns, for a statement that lists them all.
fn names(fields: &[Field]) -> String {
    fields.iter().map(Field::ident).collect::<Vec<_>>().join(", ")
}
