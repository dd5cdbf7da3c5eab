//! The checksum of a data file: of what its rows say, not of its bytes.
//!
//! Equal rows give equal checksums whatever the compression, the row groups, the batches and the
//! version of the Parquet library; so a run can tell which files' content changed, and `verify` can
//! tell that what is read is what was written. It guards against accidents, not against forgery.
//!
//! How to compute it elsewhere: `xxh3-128:` and 32 hexadecimal digits (most significant first) of
//! XXH3-128 with seed 0 over
//!
//! * the number of rows, 8 bytes;
//! * for each column in the order of the file: its name and its type (`text`, `int64`, `double`,
//!   `boolean` or `instant`), each as its length in 8 bytes and its UTF-8 bytes; then 16 bytes, most
//!   significant first, of XXH3-128 over the column's values in row order. Null is the byte 0. Any
//!   other value is the byte 1 and then: text, its length in 8 bytes and its UTF-8 bytes; whole
//!   numbers and instants (microseconds since 1970), 8 bytes; doubles, the 8 bytes of IEEE 754;
//!   booleans, one byte 0 or 1.
//!
//! All numbers are little-endian unless said otherwise.

use arrow::array::{Array, AsArray, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Float64Type, Int64Type, Schema, TimeUnit, TimestampMicrosecondType,
};
use twox_hash::xxhash3_128::Hasher;

use crate::dataset::ColumnType;

/// Bytes gathered before they are hashed: many values are shorter than a call is worth.
const BUFFER_BYTES: usize = 16 * 1024;

/// Values of a column without nulls that are hashed at once.
const BLOCK_VALUES: usize = 512;

/// The checksum of a file's rows so far.
pub struct Checksum {
    columns: Vec<ColumnState>,
    rows: u64,
    buffer: Vec<u8>,
}

struct ColumnState {
    name: String,
    kind: ColumnType,
    hasher: Hasher,
}

impl Checksum {
    /// Of a file with these columns. `None` when one has a type that no dataset has.
    pub fn new(schema: &Schema) -> Option<Self> {
        let mut columns = Vec::with_capacity(schema.fields().len());
        for field in schema.fields() {
            let kind = kind_of(field.data_type())?;
            columns.push(ColumnState { name: field.name().clone(), kind, hasher: Hasher::new() });
        }
        Some(Self { columns, rows: 0, buffer: Vec::with_capacity(2 * BUFFER_BYTES) })
    }

    /// Takes the rows of a batch with the schema that this was made for.
    pub fn update(&mut self, batch: &RecordBatch) {
        self.rows += batch.num_rows() as u64;
        for (column, array) in self.columns.iter_mut().zip(batch.columns()) {
            let mut values = Values { hasher: &mut column.hasher, buffer: &mut self.buffer };
            match column.kind {
                ColumnType::Text => values.text(array.as_string::<i32>()),
                ColumnType::Boolean => values.boolean(array.as_boolean()),
                ColumnType::Int64 => values.fixed(array.as_primitive::<Int64Type>(), i64::to_le_bytes),
                ColumnType::Double => values.fixed(array.as_primitive::<Float64Type>(), f64::to_le_bytes),
                ColumnType::Instant => {
                    values.fixed(array.as_primitive::<TimestampMicrosecondType>(), i64::to_le_bytes);
                }
            }
            values.flush();
        }
    }

    /// The text that stands in the footer.
    pub fn finish(&self) -> String {
        let mut file = Hasher::new();
        file.write(&self.rows.to_le_bytes());
        for column in &self.columns {
            for text in [column.name.as_str(), kind_name(column.kind)] {
                file.write(&(text.len() as u64).to_le_bytes());
                file.write(text.as_bytes());
            }
            file.write(&column.hasher.finish_128().to_be_bytes());
        }
        format!("xxh3-128:{:032x}", file.finish_128())
    }
}

impl std::fmt::Debug for Checksum {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Checksum").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// The values of one column on their way into its hash.
struct Values<'a> {
    hasher: &'a mut Hasher,
    buffer: &'a mut Vec<u8>,
}

impl Values<'_> {
    fn text(&mut self, array: &StringArray) {
        for value in array {
            let Some(value) = value else {
                self.null();
                continue;
            };
            let mut head = [1; 9];
            head[1..].copy_from_slice(&(value.len() as u64).to_le_bytes());
            self.buffer.extend_from_slice(&head);
            if value.len() < BUFFER_BYTES {
                self.buffer.extend_from_slice(value.as_bytes());
                self.flush_when_full();
            } else {
                self.flush();
                self.hasher.write(value.as_bytes());
            }
        }
    }

    fn boolean(&mut self, array: &BooleanArray) {
        for value in array {
            match value {
                Some(value) => self.value(&[u8::from(value)]),
                None => self.null(),
            }
        }
    }

    fn fixed<T: ArrowPrimitiveType>(&mut self, array: &PrimitiveArray<T>, bytes: fn(T::Native) -> [u8; 8]) {
        if array.null_count() == 0 {
            return self.fixed_without_nulls(array.values(), bytes);
        }
        for value in array {
            match value {
                Some(value) => self.value(&bytes(value)),
                None => self.null(),
            }
        }
    }

    /// The same bytes, many values at a time.
    fn fixed_without_nulls<T: Copy>(&mut self, values: &[T], bytes: fn(T) -> [u8; 8]) {
        let mut block = [[1; 9]; BLOCK_VALUES];
        self.flush();
        for values in values.chunks(BLOCK_VALUES) {
            for (place, value) in block.iter_mut().zip(values) {
                place[1..].copy_from_slice(&bytes(*value));
            }
            self.hasher.write(block[..values.len()].as_flattened());
        }
    }

    fn null(&mut self) {
        self.buffer.push(0);
        self.flush_when_full();
    }

    fn value(&mut self, bytes: &[u8]) {
        self.buffer.push(1);
        self.buffer.extend_from_slice(bytes);
        self.flush_when_full();
    }

    fn flush_when_full(&mut self) {
        if self.buffer.len() >= BUFFER_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.hasher.write(self.buffer);
        self.buffer.clear();
    }
}

fn kind_of(data_type: &DataType) -> Option<ColumnType> {
    match data_type {
        DataType::Utf8 => Some(ColumnType::Text),
        DataType::Int64 => Some(ColumnType::Int64),
        DataType::Float64 => Some(ColumnType::Double),
        DataType::Boolean => Some(ColumnType::Boolean),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == "UTC" => Some(ColumnType::Instant),
        _ => None,
    }
}

fn kind_name(kind: ColumnType) -> &'static str {
    match kind {
        ColumnType::Text => "text",
        ColumnType::Int64 => "int64",
        ColumnType::Double => "double",
        ColumnType::Boolean => "boolean",
        ColumnType::Instant => "instant",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::testing::{all_types_batch, any_rows};
    use arrow::datatypes::Field;
    use proptest::prelude::*;
    use std::sync::Arc;

    fn of(batches: &[RecordBatch]) -> String {
        let mut checksum = Checksum::new(&batches[0].schema()).unwrap();
        for batch in batches {
            checksum.update(batch);
        }
        checksum.finish()
    }

    fn texts(name: &str, values: &[Option<&str>]) -> RecordBatch {
        let schema = Schema::new(vec![Field::new(name, DataType::Utf8, true)]);
        RecordBatch::try_new(Arc::new(schema), vec![Arc::new(StringArray::from(values.to_vec()))]).unwrap()
    }

    /// The documented recipe, written down a second time without any streaming.
    #[test]
    fn it_is_what_the_documentation_says() {
        let mut column = vec![1, 2, 0, 0, 0, 0, 0, 0, 0];
        column.extend_from_slice(b"hi");
        column.push(0);
        let mut file = 2u64.to_le_bytes().to_vec();
        file.extend_from_slice(&1u64.to_le_bytes());
        file.push(b't');
        file.extend_from_slice(&4u64.to_le_bytes());
        file.extend_from_slice(b"text");
        file.extend_from_slice(&Hasher::oneshot(&column).to_be_bytes());
        let expected = format!("xxh3-128:{:032x}", Hasher::oneshot(&file));
        assert_eq!(of(&[texts("t", &[Some("hi"), None])]), expected);
        assert_eq!(expected.len(), "xxh3-128:".len() + 32);
    }

    #[test]
    fn what_differs_for_a_reader_differs_here() {
        let all = [
            of(&[texts("t", &[])]),
            of(&[texts("u", &[])]),
            of(&[texts("t", &[None])]),
            of(&[texts("t", &[Some("")])]),
            of(&[texts("t", &[Some("ab"), Some("c")])]),
            of(&[texts("t", &[Some("a"), Some("bc")])]),
            of(&[texts("t", &[Some("c"), Some("ab")])]),
        ];
        for (index, one) in all.iter().enumerate() {
            assert!(!all[..index].contains(one), "{index}");
        }
    }

    #[test]
    fn columns_of_other_types_have_no_checksum() {
        let local_time = DataType::Timestamp(TimeUnit::Microsecond, None);
        for foreign in [DataType::Int32, DataType::LargeUtf8, local_time] {
            assert!(Checksum::new(&Schema::new(vec![Field::new("x", foreign, true)])).is_none());
        }
    }

    #[test]
    fn texts_longer_than_the_buffer_count_like_short_ones() {
        let long = "ä".repeat(BUFFER_BYTES);
        let batch = texts("t", &[Some("a"), Some(&long), Some("b"), None]);
        assert_eq!(of(std::slice::from_ref(&batch)), of(&[batch.slice(0, 2), batch.slice(2, 2)]));
    }

    proptest! {
        #[test]
        fn batches_do_not_matter(rows in any_rows(0..60), cut in 0usize..60) {
            let whole = all_types_batch(&rows);
            let cut = cut.min(rows.len());
            let parts = [whole.slice(0, cut), whole.slice(cut, rows.len() - cut)];
            prop_assert_eq!(of(&parts), of(&[whole]));
        }
    }
}
