//! One column: its name, type and meaning.

use arrow::datatypes::{DataType, Field, TimeUnit};

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

/// One column of a dataset.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnType,
    /// Never null. Keys and `call_started_at` only.
    pub required: bool,
    /// Holds personal data.
    pub personal: bool,
    /// Where it comes from and what it means, units included.
    pub about: &'static str,
}

impl Column {
    pub const fn new(name: &'static str, kind: ColumnType, about: &'static str) -> Self {
        Self { name, kind, required: false, personal: false, about }
    }

    pub const fn required(self) -> Self {
        Self { required: true, ..self }
    }

    pub const fn personal(self) -> Self {
        Self { personal: true, ..self }
    }

    /// The column as Arrow and Parquet know it.
    pub fn field(&self) -> Field {
        let data_type = match self.kind {
            ColumnType::Text => DataType::Utf8,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Double => DataType::Float64,
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        Field::new(self.name, data_type, !self.required)
    }
}
