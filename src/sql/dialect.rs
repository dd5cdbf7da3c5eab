//! The dialects, and how far each has been tried.

use std::fmt;

use clap::ValueEnum;

/// Whose SQL it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum)]
pub enum Dialect {
    /// Views
    Duckdb,
    /// Tables and a load
    Snowflake,
    /// Tables and a load
    Bigquery,
    /// Tables and a load
    Redshift,
    /// External tables over the files
    Databricks,
    /// Views
    Clickhouse,
    /// External tables over the files, with partition projection
    Athena,
    /// Tables and a load, for psql
    Postgres,
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
                write!(f, "only parsed, by {parser} {version}, never run on the engine")
            }
        }
    }
}

impl Dialect {
    /// The engine, as its maker writes it.
    pub fn engine(self) -> &'static str {
        match self {
            Self::Duckdb => "DuckDB",
            Self::Snowflake => "Snowflake",
            Self::Bigquery => "BigQuery",
            Self::Redshift => "Redshift",
            Self::Databricks => "Databricks and Spark",
            Self::Clickhouse => "ClickHouse",
            Self::Athena => "Athena",
            Self::Postgres => "Postgres",
        }
    }

    /// Whether its tables hold the rows themselves, which a load brings there.
    pub fn loads(self) -> bool {
        match self {
            Self::Snowflake | Self::Bigquery | Self::Redshift | Self::Postgres => true,
            Self::Duckdb | Self::Databricks | Self::Clickhouse | Self::Athena => false,
        }
    }

    /// What stands for a place that the engine reads, where it reads one kind of bucket only.
    pub fn place_of_a_copy(self) -> Option<&'static str> {
        match self {
            Self::Redshift | Self::Athena => Some("s3://YOUR-BUCKET/YOUR-PREFIX"),
            Self::Bigquery => Some("gs://YOUR-BUCKET/YOUR-PREFIX"),
            Self::Duckdb | Self::Snowflake | Self::Databricks | Self::Clickhouse | Self::Postgres => None,
        }
    }

    /// What the tests do with this dialect's scripts; they hold these versions to the truth.
    pub fn tried(self) -> Tried {
        const PARSED: Tried = Tried::Parsed { parser: "sqlglot", version: "30" };
        match self {
            Self::Duckdb => Tried::Executed { engine: "DuckDB", version: "1.5" },
            Self::Databricks => Tried::Executed { engine: "Spark", version: "4.3" },
            Self::Clickhouse => Tried::Executed { engine: "ClickHouse", version: "26.9" },
            Self::Postgres => Tried::Executed { engine: "Postgres", version: "15" },
            Self::Snowflake | Self::Bigquery | Self::Redshift | Self::Athena => PARSED,
        }
    }
}
