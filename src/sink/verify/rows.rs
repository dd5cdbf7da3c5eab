//! The rows of one data file, checked as they stream by. Pure: batches in, findings out.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, Schema, TimestampMicrosecondType};
use chrono_tz::Tz;
use twox_hash::xxhash3_128::Hasher;

use super::finding::Finding;
use crate::calendar::DateRange;
use crate::dataset::{Column, PartitionColumn};
use crate::sink::checksum::Checksum;
use crate::sink::location::Location;
use crate::state::footer::Footer;

/// A call's id, hashed: ids are long, and millions are kept.
pub(super) type CallHash = [u8; 16];

/// What is known of a call by its own row. Microseconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CallFacts {
    pub(super) started: i64,
    /// `None` where transcripts were not asked for.
    pub(super) has_transcript: Option<bool>,
}

pub(super) type Calls = HashMap<CallHash, CallFacts>;

/// What a file's rows have to do with calls.
#[derive(Debug)]
pub(super) enum Role {
    /// They are calls. Gathers them.
    Calls(Calls),
    /// They belong to these calls.
    OfCalls { calls: Arc<Calls>, transcripts: bool },
    /// Neither, or it is not known to which calls.
    Apart,
}

pub(super) fn hash(id: &str) -> CallHash {
    Hasher::oneshot(id.as_bytes()).to_le_bytes()
}

/// Where the two schemas part, for people; `None` when they do not.
pub(super) fn difference(expected: &[Column], found: &Schema) -> Option<String> {
    let fields = found.fields();
    for (index, column) in expected.iter().enumerate() {
        let wanted = column.field();
        let Some(field) = fields.get(index) else {
            let missing: Vec<&str> = expected[index..].iter().map(|column| column.name).collect();
            return Some(format!("it lacks {}", missing.join(", ")));
        };
        if field.name() != wanted.name() {
            return Some(format!("column {} is `{}`, not `{}`", index + 1, field.name().escape_debug(), wanted.name()));
        }
        if field.data_type() != wanted.data_type() {
            return Some(format!("`{}` is {}, not {}", wanted.name(), field.data_type(), wanted.data_type()));
        }
        if field.is_nullable() != wanted.is_nullable() {
            let word = if wanted.is_nullable() { "optional" } else { "required" };
            return Some(format!("`{}` is not {word}", wanted.name()));
        }
    }
    fields.get(expected.len()).map(|field| format!("it has one more, `{}`", field.name().escape_debug()))
}

/// The check of one file's rows.
#[derive(Debug)]
pub(super) struct RowCheck {
    key: String,
    /// Indexes of the columns that rows are sorted by.
    order: Vec<usize>,
    call_id: Option<usize>,
    call_started_at: Option<usize>,
    has_transcript: Option<usize>,
    checksum: Checksum,
    span: Option<DateRange>,
    role: Role,
    rows: u64,
    /// The sort key of the last row of the batch before.
    last: Option<Vec<Value>>,
    /// The call of the row before and what was found about it: rows of a call stand together.
    last_call: Option<(String, i64)>,
    unsorted: Rows,
    outside: Rows,
    duplicates: Examples,
    missing: Examples,
    unannounced: Examples,
}

/// How many rows, and the first of them, counted from 0.
#[derive(Debug, Default)]
struct Rows {
    count: u64,
    first: u64,
}

impl Rows {
    fn add(&mut self, row: u64) {
        if self.count == 0 {
            self.first = row;
        }
        self.count += 1;
    }
}

#[derive(Debug, Default)]
struct Examples {
    count: u64,
    example: String,
}

impl Examples {
    fn add(&mut self, id: &str) {
        if self.count == 0 {
            id.clone_into(&mut self.example);
        }
        self.count += 1;
    }
}

/// One value of a sort key.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Text(String),
    Number(i64),
}

/// A column that rows are sorted by.
enum OrderColumn<'a> {
    Text(&'a StringArray),
    Number(&'a Int64Array),
    Instant(&'a TimestampMicrosecondArray),
}

impl OrderColumn<'_> {
    fn compare(&self, a: usize, b: usize) -> Ordering {
        match self {
            Self::Text(array) => array.value(a).cmp(array.value(b)),
            Self::Number(array) => array.value(a).cmp(&array.value(b)),
            Self::Instant(array) => array.value(a).cmp(&array.value(b)),
        }
    }

    fn value(&self, row: usize) -> Value {
        match self {
            Self::Text(array) => Value::Text(array.value(row).to_owned()),
            Self::Number(array) => Value::Number(array.value(row)),
            Self::Instant(array) => Value::Number(array.value(row)),
        }
    }
}

impl RowCheck {
    /// For a file whose schema is the dataset's. `zone` is the one that the partitions of calls are
    /// days of.
    pub(super) fn new(location: Location, zone: Tz, role: Role) -> Self {
        let dataset = location.dataset();
        let fields: Vec<_> = dataset.columns.iter().map(Column::field).collect();
        let index = |name: &str| dataset.columns.iter().position(|column| column.name == name);
        let span = match dataset.partition {
            PartitionColumn::Call => Some(location.partition().span(zone)),
            PartitionColumn::Snapshot
            | PartitionColumn::Activity
            | PartitionColumn::Review
            | PartitionColumn::Event => None,
        };
        Self {
            key: location.key(),
            order: dataset.order.iter().filter_map(|name| index(name)).collect(),
            call_id: index("call_id"),
            call_started_at: index("call_started_at"),
            has_transcript: index("has_transcript"),
            checksum: Checksum::new(&Schema::new(fields))
                .expect("a dataset's columns have types that a checksum knows"),
            span,
            role,
            rows: 0,
            last: None,
            last_call: None,
            unsorted: Rows::default(),
            outside: Rows::default(),
            duplicates: Examples::default(),
            missing: Examples::default(),
            unannounced: Examples::default(),
        }
    }

    /// Takes the next rows.
    pub(super) fn update(&mut self, batch: &RecordBatch) {
        if batch.num_rows() == 0 {
            return;
        }
        self.checksum.update(batch);
        self.check_order(batch);
        self.check_calls(batch);
        self.rows += batch.num_rows() as u64;
    }

    fn check_order(&mut self, batch: &RecordBatch) {
        let columns: Vec<OrderColumn<'_>> = self.order.iter().filter_map(|index| order_column(batch, *index)).collect();
        let first: Vec<Value> = columns.iter().map(|column| column.value(0)).collect();
        if self.last.as_ref().is_some_and(|last| *last >= first) {
            self.unsorted.add(self.rows);
        }
        for row in 1..batch.num_rows() {
            let order = columns.iter().map(|column| column.compare(row - 1, row)).find(|order| order.is_ne());
            if order != Some(Ordering::Less) {
                self.unsorted.add(self.rows + row as u64);
            }
        }
        self.last = Some(columns.iter().map(|column| column.value(batch.num_rows() - 1)).collect());
    }

    fn check_calls(&mut self, batch: &RecordBatch) {
        let (Some(id), Some(started)) = (self.call_id, self.call_started_at) else { return };
        let ids = batch.column(id).as_string::<i32>();
        let starts = batch.column(started).as_primitive::<TimestampMicrosecondType>();
        let has_transcript = self.has_transcript.map(|index| batch.column(index).as_boolean());
        for row in 0..batch.num_rows() {
            let (id, started) = (ids.value(row), starts.value(row));
            if let Some(span) = &self.span
                && !(span.from().timestamp_micros() <= started && started < span.to().timestamp_micros())
            {
                self.outside.add(self.rows + row as u64);
            }
            match &mut self.role {
                Role::Calls(calls) => {
                    let facts = CallFacts { started, has_transcript: flag(has_transcript, row) };
                    if calls.insert(hash(id), facts).is_some() {
                        self.duplicates.add(id);
                    }
                }
                Role::OfCalls { calls, transcripts } => {
                    let known = matches!(&self.last_call, Some((last, start)) if last == id && *start == started);
                    if known {
                        continue;
                    }
                    match calls.get(&hash(id)) {
                        Some(facts) if facts.started == started => {
                            if *transcripts && facts.has_transcript == Some(false) {
                                self.unannounced.add(id);
                            }
                        }
                        _ => self.missing.add(id),
                    }
                    self.last_call = Some((id.to_owned(), started));
                }
                Role::Apart => {}
            }
        }
    }

    /// What was found, and the calls that were gathered.
    pub(super) fn finish(self, footer: &Footer, findings: &mut Vec<Finding>) -> Option<Calls> {
        let key = || self.key.clone();
        if self.rows != footer.records_written {
            findings.push(Finding::Rows { key: key(), in_footer: footer.records_written, counted: self.rows });
        }
        let computed = self.checksum.finish();
        if computed != footer.checksum {
            findings.push(Finding::Checksum { key: key(), in_footer: footer.checksum.clone(), computed });
        }
        if self.unsorted.count > 0 {
            findings.push(Finding::Order { key: key(), rows: self.unsorted.count, first_row: self.unsorted.first });
        }
        if self.outside.count > 0 {
            let (rows, first_row) = (self.outside.count, self.outside.first);
            findings.push(Finding::OutsidePartition { key: key(), rows, first_row });
        }
        if self.duplicates.count > 0 {
            let Examples { count: calls, example } = self.duplicates;
            findings.push(Finding::DuplicateCalls { key: key(), calls, example });
        }
        if self.missing.count > 0 {
            let Examples { count: calls, example } = self.missing;
            findings.push(Finding::MissingCalls { key: key(), calls, example });
        }
        if self.unannounced.count > 0 {
            let Examples { count: calls, example } = self.unannounced;
            findings.push(Finding::UnannouncedTranscripts { key: key(), calls, example });
        }
        match self.role {
            Role::Calls(calls) => Some(calls),
            Role::OfCalls { .. } | Role::Apart => None,
        }
    }
}

fn order_column(batch: &RecordBatch, index: usize) -> Option<OrderColumn<'_>> {
    let column = batch.column(index);
    column
        .as_string_opt::<i32>()
        .map(OrderColumn::Text)
        .or_else(|| column.as_primitive_opt::<Int64Type>().map(OrderColumn::Number))
        .or_else(|| column.as_primitive_opt::<TimestampMicrosecondType>().map(OrderColumn::Instant))
}

fn flag(flags: Option<&BooleanArray>, row: usize) -> Option<bool> {
    flags.filter(|flags| flags.is_valid(row)).map(|flags| flags.value(row))
}
