//! SQL for the files of a job: views over them, or tables and the statements that load them.
//!
//! One model for all dialects: a [`Script`] names tables, each a [`Dataset`] with the files that are
//! to be seen, and [`Root`] says where they are. A dialect is one file here that knows how its engine
//! spells types, names, texts and places. Nothing here knows a dataset by name: what is registered
//! tomorrow has its statements.
//!
//! Pure: text comes out, nothing is listed, read, connected or run. Never put credentials into a
//! script; each says at its top what the engine has to be given instead.

mod duckdb;
mod root;
mod text;

use std::fmt;

use chrono::NaiveDate;

pub use root::{Root, RootError};

use crate::calendar::PartitionBy;
use crate::dataset::{Column, ColumnType, Dataset};

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Dialect {
    Duckdb,
}

/// How far a dialect has been tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// Its scripts have been executed by this version of the engine.
    Executed { engine: &'static str, version: &'static str },
    /// No engine was there: this version of a parser understood its scripts.
    Parsed { parser: &'static str, version: &'static str },
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Executed { engine, version } => write!(f, "last run on {engine} {version}"),
            Self::Parsed { parser, version } => {
                write!(f, "only parsed, by {parser} {version}: never run on the engine itself")
            }
        }
    }
}

impl Dialect {
    pub const ALL: [Self; 1] = [Self::Duckdb];

    /// The engine, as its maker writes it.
    pub fn engine(self) -> &'static str {
        match self {
            Self::Duckdb => "DuckDB",
        }
    }

    /// What the tests did with this dialect's scripts. They hold these versions to the truth.
    pub fn tried(self) -> Tried {
        match self {
            Self::Duckdb => Tried::Executed { engine: "DuckDB", version: "1.5" },
        }
    }
}

/// All that a script is made from.
#[derive(Debug, Clone)]
pub struct Script<'a> {
    /// Name of the job, for people.
    pub job: &'a str,
    pub tool_version: &'a str,
    pub root: Root,
    /// What the partitions of calls are.
    pub partition_by: PartitionBy,
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
}

/// The script in a dialect.
pub fn script(dialect: Dialect, script: &Script<'_>) -> Result<String, Error> {
    match dialect {
        Dialect::Duckdb => duckdb::script(script),
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

    /// The begin of every script: what it is, how far it was tried, what has to be there.
    fn header(&self, dialect: Dialect, what: &str, notes: &[&str]) -> String {
        let mut lines = vec![
            format!("gong-export {}, job {}: {what} for {}", self.tool_version, self.job, dialect.engine()),
            format!("Files at {}", self.root),
            format!("This kind of script was {}", dialect.tried()),
        ];
        lines.extend(notes.iter().map(|&note| note.to_owned()));
        text::comment(&lines)
    }
}
