//! Rows under construction, column by column, straight into Arrow's buffers.
//!
//! A dataset pushes the values of a row in the order of its columns, one call a column. A value of
//! another type than its column's, or a row that is not whole when the batch is taken, is a bug in
//! that dataset and panics, naming the column.

use std::sync::Arc;
use std::{fmt, mem};

use arrow::array::{
    ArrayRef, BooleanBuilder, Float64Builder, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};

use super::privacy::{People, Privacy, Redactor};
use super::{ColumnType, Dataset};

/// A batch is full with so many rows or bytes.
const BATCH_ROWS: usize = 8_192;
const BATCH_BYTES: usize = 4 << 20;

/// Rows of one dataset under construction.
pub struct Rows {
    dataset: &'static Dataset,
    schema: SchemaRef,
    /// Rows of before, in batches that are full.
    full: Vec<RecordBatch>,
    columns: Vec<Builder>,
    /// The column that the next value is for.
    next: usize,
    /// Whole rows in `columns`.
    rows: usize,
    /// About how much memory their values take: their bytes, without what the buffers have in reserve.
    size_bytes: usize,
    /// Replaces personal data, where the job asks for that.
    redactor: Option<Box<Redactor>>,
}

enum Builder {
    Text(StringBuilder),
    Int64(Int64Builder),
    Double(Float64Builder),
    Boolean(BooleanBuilder),
    Instant(TimestampMicrosecondBuilder),
}

impl Rows {
    /// Rows that hold what is pushed.
    pub fn new(dataset: &'static Dataset) -> Self {
        let columns = dataset.columns.iter().map(|column| Builder::new(column.kind, 0, 0)).collect();
        let schema = dataset.schema();
        Self { dataset, schema, full: Vec::new(), columns, next: 0, rows: 0, size_bytes: 0, redactor: None }
    }

    /// Rows that hold pseudonyms of what is pushed to personal columns, if there is any `privacy`.
    pub fn guarded(dataset: &'static Dataset, privacy: Option<&Arc<Privacy>>) -> Self {
        let redactor = privacy.map(|privacy| Box::new(Redactor::new(Arc::clone(privacy))));
        Self { redactor, ..Self::new(dataset) }
    }

    /// Says whom the rows that follow may speak of, besides the company's users.
    pub fn concerning(&mut self, people: Option<Arc<People>>) {
        if let Some(redactor) = &mut self.redactor {
            redactor.concerning(people);
        }
    }

    pub fn dataset(&self) -> &'static Dataset {
        self.dataset
    }

    /// Whole rows that were not taken.
    pub fn len(&self) -> usize {
        self.full.iter().map(RecordBatch::num_rows).sum::<usize>() + self.rows
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn text(&mut self, value: Option<&str>) {
        let replaced = self.replaced(value);
        let value = replaced.as_deref().or(value);
        match &mut self.columns[self.next] {
            Builder::Text(builder) => builder.append_option(value),
            _ => self.mismatch(ColumnType::Text),
        }
        self.advance(size_of::<i32>() + value.map_or(0, str::len));
    }

    /// What stands in for the value of a personal column; `None` where it stands for itself.
    fn replaced(&mut self, value: Option<&str>) -> Option<String> {
        let redactor = self.redactor.as_mut()?;
        redactor.replace(self.dataset.columns[self.next].personal?, value?)
    }

    pub fn int64(&mut self, value: Option<i64>) {
        match &mut self.columns[self.next] {
            Builder::Int64(builder) => builder.append_option(value),
            _ => self.mismatch(ColumnType::Int64),
        }
        self.advance(size_of::<i64>());
    }

    pub fn double(&mut self, value: Option<f64>) {
        match &mut self.columns[self.next] {
            Builder::Double(builder) => builder.append_option(value),
            _ => self.mismatch(ColumnType::Double),
        }
        self.advance(size_of::<f64>());
    }

    pub fn boolean(&mut self, value: Option<bool>) {
        match &mut self.columns[self.next] {
            Builder::Boolean(builder) => builder.append_option(value),
            _ => self.mismatch(ColumnType::Boolean),
        }
        self.advance(0);
    }

    pub fn instant(&mut self, value: Option<DateTime<Utc>>) {
        match &mut self.columns[self.next] {
            Builder::Instant(builder) => builder.append_option(value.map(|instant| instant.timestamp_micros())),
            _ => self.mismatch(ColumnType::Instant),
        }
        self.advance(size_of::<i64>());
    }

    /// Takes the batches that are full, with the dataset's schema. The rows after them stay.
    pub fn full_batches(&mut self) -> Vec<RecordBatch> {
        mem::take(&mut self.full)
    }

    /// Takes all rows as one batch with the dataset's schema, and leaves this empty for the next ones.
    pub fn finish(&mut self) -> RecordBatch {
        let last = self.batch();
        if self.full.is_empty() {
            return last;
        }
        let mut all = self.full_batches();
        all.push(last);
        concat_batches(&self.schema, &all)
            .unwrap_or_else(|error| panic!("the rows of `{}` are more than a batch holds: {error}", self.dataset.name))
    }

    /// The rows in `columns`. Their buffers start anew at the size that this batch needed.
    fn batch(&mut self) -> RecordBatch {
        let Dataset { name, columns, .. } = self.dataset;
        assert!(self.next == 0, "a row of `{name}` ends before its column `{}`", columns[self.next].name);
        let arrays =
            columns.iter().zip(&mut self.columns).map(|(column, builder)| builder.finish(column.kind)).collect();
        self.rows = 0;
        self.size_bytes = 0;
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
            .unwrap_or_else(|error| panic!("the rows of `{name}` do not fit its schema: {error}"))
    }

    fn advance(&mut self, bytes: usize) {
        self.size_bytes += bytes;
        self.next += 1;
        if self.next == self.columns.len() {
            self.next = 0;
            self.rows += 1;
            if self.rows >= BATCH_ROWS || self.size_bytes >= BATCH_BYTES {
                let batch = self.batch();
                self.full.push(batch);
            }
        }
    }

    #[cold]
    fn mismatch(&self, pushed: ColumnType) -> ! {
        let column = &self.dataset.columns[self.next];
        panic!("column `{}` of `{}` is {:?}, not {pushed:?}", column.name, self.dataset.name, column.kind);
    }
}

impl fmt::Debug for Rows {
    /// Without the values, which are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("dataset", &self.dataset.name).field("rows", &self.len()).finish_non_exhaustive()
    }
}

impl Builder {
    /// `text_bytes` is what the texts of all rows together need.
    fn new(kind: ColumnType, rows: usize, text_bytes: usize) -> Self {
        match kind {
            ColumnType::Text => Self::Text(StringBuilder::with_capacity(rows, text_bytes)),
            ColumnType::Int64 => Self::Int64(Int64Builder::with_capacity(rows)),
            ColumnType::Double => Self::Double(Float64Builder::with_capacity(rows)),
            ColumnType::Boolean => Self::Boolean(BooleanBuilder::with_capacity(rows)),
            ColumnType::Instant => {
                Self::Instant(TimestampMicrosecondBuilder::with_capacity(rows).with_timezone(super::column::ZONE))
            }
        }
    }

    /// The column so far; what replaces it has room for as much again.
    fn finish(&mut self, kind: ColumnType) -> ArrayRef {
        let mut text_bytes = 0;
        let array: ArrayRef = match self {
            Self::Text(builder) => {
                let array = builder.finish();
                text_bytes = array.value_data().len();
                Arc::new(array)
            }
            Self::Int64(builder) => Arc::new(builder.finish()),
            Self::Double(builder) => Arc::new(builder.finish()),
            Self::Boolean(builder) => Arc::new(builder.finish()),
            Self::Instant(builder) => Arc::new(builder.finish()),
        };
        *self = Self::new(kind, array.len(), text_bytes);
        array
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::table;
    use super::super::{CALLS, Column, Group, PartitionColumn, Source};
    use super::*;
    use arrow::array::Array;
    use serde_json::json;

    static SMALL: Dataset = Dataset {
        name: "small",
        about: "One column of each type.",
        group: Group::Standard,
        columns: &[
            Column::new("id", ColumnType::Text, "").required(),
            Column::new("count", ColumnType::Int64, ""),
            Column::new("share", ColumnType::Double, ""),
            Column::new("done", ColumnType::Boolean, ""),
            Column::new("at", ColumnType::Instant, ""),
        ],
        key: &["id"],
        order: &["id"],
        partition: PartitionColumn::Snapshot,
        source: Source::Call { blocks: &[], transcript: false, rows: |_, _, _| () },
    };

    fn push(rows: &mut Rows, id: &str) {
        rows.text(Some(id));
        rows.int64(Some(-1));
        rows.double(Some(0.5));
        rows.boolean(Some(false));
        rows.instant(Some("2026-03-02T10:01:37.220001-05:00".parse().unwrap()));
    }

    #[test]
    fn a_batch_holds_the_rows_since_the_one_before() {
        let mut rows = Rows::new(&SMALL);
        assert_eq!(rows.finish().num_rows(), 0);
        push(&mut rows, "a");
        rows.text(Some(""));
        rows.int64(None);
        rows.double(None);
        rows.boolean(None);
        rows.instant(None);
        assert_eq!((rows.len(), rows.size_bytes), (2, 2 * (4 + 8 + 8 + 8) + 1));
        let batch = rows.finish();
        assert_eq!(batch.schema(), SMALL.schema());
        assert_eq!(
            table(&batch),
            [
                json!({"id": "a", "count": -1, "share": 0.5, "done": false, "at": "2026-03-02T15:01:37.220001Z"}),
                json!({"id": "", "count": null, "share": null, "done": null, "at": null}),
            ]
        );

        assert!(rows.is_empty());
        assert_eq!(rows.size_bytes, 0);
        push(&mut rows, "b");
        let batch = rows.finish();
        assert_eq!((batch.num_rows(), batch.column(0).null_count()), (1, 0));
        assert_eq!(table(&batch)[0]["id"], "b");
    }

    #[test]
    fn full_batches_come_first_and_all_rows_stay_in_order() {
        let fill = |rows: &mut Rows, text: &str| {
            for number in 0..BATCH_ROWS + 10 {
                push(rows, &format!("{number}{text}"));
            }
        };
        let mut rows = Rows::new(&SMALL);
        fill(&mut rows, "");
        assert_eq!(rows.len(), BATCH_ROWS + 10);
        let all = rows.finish();
        assert_eq!((all.num_rows(), rows.len()), (BATCH_ROWS + 10, 0));

        fill(&mut rows, "");
        let mut batches = rows.full_batches();
        assert_eq!((batches.len(), batches[0].num_rows(), rows.len()), (1, BATCH_ROWS, 10));
        batches.push(rows.finish());
        assert_eq!(concat_batches(&SMALL.schema(), &batches).unwrap(), all);

        fill(&mut rows, &"x".repeat(1 << 10));
        let batches = rows.full_batches();
        assert_eq!(batches.len(), 2, "of bytes, each with half as many rows");
    }

    #[test]
    #[should_panic(expected = "column `count` of `small` is Int64, not Text")]
    fn a_value_of_another_type_is_a_bug() {
        let mut rows = Rows::new(&SMALL);
        rows.text(Some("a"));
        rows.text(Some("b"));
    }

    #[test]
    #[should_panic(expected = "a row of `small` ends before its column `share`")]
    fn a_row_that_is_not_whole_is_a_bug() {
        let mut rows = Rows::new(&SMALL);
        rows.text(Some("a"));
        rows.int64(None);
        rows.finish();
    }

    #[test]
    #[should_panic(expected = "the rows of `small` do not fit its schema")]
    fn a_key_without_a_value_is_a_bug() {
        let mut rows = Rows::new(&SMALL);
        rows.text(None);
        rows.int64(None);
        rows.double(None);
        rows.boolean(None);
        rows.instant(None);
        rows.finish();
    }

    #[test]
    fn debug_shows_no_values() {
        let mut rows = Rows::new(&CALLS);
        rows.text(Some("4718820935511072244"));
        assert!(!format!("{rows:?}").contains("4718820935511072244"));
    }
}
