//! One column: its name, type and meaning.

use std::fmt;

use arrow::datatypes::{DataType, Field, TimeUnit};

/// The time zone of every instant, as Arrow spells it.
pub(super) const ZONE: &str = "UTC";

/// The five types that every engine reads alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    Text,
    Int64,
    Double,
    Boolean,
    /// An instant: microseconds since 1970, UTC.
    Instant,
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Text => "text",
            Self::Int64 => "int64",
            Self::Double => "double",
            Self::Boolean => "boolean",
            Self::Instant => "instant",
        })
    }
}

/// A kind of personal data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Personal {
    /// An e-mail address.
    Email,
    Phone,
    /// What follows the `@` of an e-mail address: tells the company, not the person.
    EmailDomain,
    /// The name of a person.
    Name,
    /// Text that may speak of people: titles, sentences, links, JSON. May hold all of the others.
    Text,
}

impl Personal {
    /// Its name in `gong-export schema dataset`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "phone",
            Self::EmailDomain => "email_domain",
            Self::Name => "name",
            Self::Text => "text",
        }
    }
}

/// One column of a dataset.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnType,
    /// Never null. Keys and `call_started_at` only.
    pub required: bool,
    /// The personal data it holds: what pseudonymisation covers.
    pub personal: Option<Personal>,
    /// Where it comes from and what it means, units included.
    pub about: &'static str,
}

impl Column {
    /// An optional column without personal data.
    pub const fn new(name: &'static str, kind: ColumnType, about: &'static str) -> Self {
        Self { name, kind, required: false, personal: None, about }
    }

    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub const fn personal(self, kind: Personal) -> Self {
        Self { personal: Some(kind), ..self }
    }

    /// The column as Arrow and Parquet know it.
    pub fn field(&self) -> Field {
        let data_type = match self.kind {
            ColumnType::Text => DataType::Utf8,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Double => DataType::Float64,
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE.into())),
        };
        Field::new(self.name, data_type, !self.required)
    }
}

// The columns that several datasets have.

pub(super) const CALL_ID: Column =
    Column::new("call_id", ColumnType::Text, "id of the call; up to 20 digits, so text. From metaData.id").required();

pub(super) const CALL_STARTED_AT: Column =
    Column::new("call_started_at", ColumnType::Instant, "when the recording of the call began. From metaData.started")
        .required();

pub(super) const EXTRA_JSON: Column = Column::new(
    "extra_json",
    ColumnType::Text,
    "fields of the record that have no column, or a value of another type than their column, as one JSON object; \
     null when there are none",
)
.personal(Personal::Text);
