use super::*;
use crate::sink::testing::*;
use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Encoding, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use proptest::prelude::*;

const MORNING: &str = "2025-01-31T09:00:00Z";

fn folder() -> (tempfile::TempDir, Store) {
    let outer = tempfile::tempdir().unwrap();
    let store = Store::folder(outer.path());
    (outer, store)
}

fn write_all(
    store: &Store,
    location: Location,
    batches: &[RecordBatch],
    settings: &WriterSettings,
) -> (DataFile, Bytes) {
    let mut writer = DataFileWriter::create(store, location, settings).unwrap();
    for batch in batches {
        writer.write(batch).unwrap();
    }
    let file = writer.commit(|rows, checksum| footer(location, rows, checksum)).unwrap();
    let content = Bytes::from(std::fs::read(store.url(&file.key)).unwrap());
    assert_eq!(content.len() as u64, file.size_bytes);
    (file, content)
}

fn metadata(content: &Bytes) -> ParquetMetaData {
    ParquetMetaDataReader::new().with_page_index_policy(PageIndexPolicy::Required).parse_and_finish(content).unwrap()
}

fn read(content: Bytes) -> Vec<RecordBatch> {
    ParquetRecordBatchReaderBuilder::try_new(content).unwrap().build().unwrap().map(Result::unwrap).collect()
}

/// As many sentences as asked for, of calls with a hundred each.
fn many_sentences(count: usize) -> RecordBatch {
    let ids: Vec<String> = (0..count).map(|row| format!("{:019}", row / 100)).collect();
    let rows: Vec<(&str, &str, i64, &str)> = ids
        .iter()
        .enumerate()
        .map(|(row, id)| (id.as_str(), MORNING, (row % 100) as i64, "So what would you like to see next?"))
        .collect();
    sentences(&rows)
}

#[test]
fn files_are_written_as_every_engine_reads_them() {
    let (_outer, store) = folder();
    let settings = WriterSettings { compression: Compression::ZSTD(ZstdLevel::try_new(3).unwrap()) };
    let rows = ROW_GROUP_ROWS + 10_000;
    let (file, content) = write_all(&store, place(&TRANSCRIPTS, "2025-01-31"), &[many_sentences(rows)], &settings);
    assert_eq!(file.rows, rows as u64);
    assert_eq!(file.key, "transcripts/call_date=2025-01-31/transcripts.parquet");

    let metadata = metadata(&content);
    let about = metadata.file_metadata();
    assert_eq!(about.version(), 1);
    assert_eq!(about.created_by(), Some(concat!("gong-export ", env!("CARGO_PKG_VERSION"))));
    let pairs = about.key_value_metadata().unwrap();
    assert!(pairs.iter().all(|pair| pair.key.starts_with("gong_export.")), "no ARROW:schema: {pairs:?}");
    let read_back = Footer::from_pairs(pairs.iter().map(|pair| (&pair.key, pair.value.clone().unwrap()))).unwrap();
    assert_eq!((read_back.records_written, &read_back.checksum), (rows as u64, &file.checksum));
    for field in about.schema_descr().root_schema().get_fields() {
        assert!(!field.get_basic_info().has_id(), "{}", field.name());
    }

    let sizes: Vec<i64> =
        metadata.row_groups().iter().map(parquet::file::metadata::RowGroupMetaData::num_rows).collect();
    assert_eq!(sizes, [131_072, 10_000]);
    for group in metadata.row_groups() {
        let order: Vec<i32> = group.sorting_columns().unwrap().iter().map(|column| column.column_idx).collect();
        assert_eq!(order, [1, 0, 2]);
        for column in group.columns() {
            assert!(matches!(column.compression(), Compression::ZSTD(_)));
            assert!(column.statistics().is_some());
            assert!(column.column_index_offset().is_some() && column.offset_index_offset().is_some());
            let name = column.column_path().string();
            assert_eq!(column.bloom_filter_offset().is_some(), name == "call_id", "{name}");
            assert_eq!(column.dictionary_page_offset().is_some(), name != "text", "{name}");
            // Version 2 would have these.
            assert!(!column.encodings().any(|e| e == Encoding::DELTA_BINARY_PACKED || e == Encoding::DELTA_BYTE_ARRAY));
        }
    }
}

#[test]
fn the_bloom_filter_is_as_large_as_its_calls_need() {
    let (_outer, store) = folder();
    let (_, content) = write_all(&store, place(&TRANSCRIPTS, "2025-01-31"), &[many_sentences(2_000)], &uncompressed());
    let length = metadata(&content).row_group(0).column(0).bloom_filter_length().unwrap();
    assert!(length < 200, "20 calls need no {length} bytes");
    let options = ReadOptionsBuilder::new()
        .with_reader_properties(
            parquet::file::properties::ReaderProperties::builder().set_read_bloom_filter(true).build(),
        )
        .build();
    let reader = SerializedFileReader::new_with_options(content, options).unwrap();
    let group = reader.get_row_group(0).unwrap();
    let filter: &Sbbf = group.get_column_bloom_filter(0).unwrap();
    assert!((0..20).all(|call| filter.check(&format!("{call:019}").as_str())));
    let taken_for_present = (1_000..2_000).filter(|call| filter.check(&format!("{call:019}").as_str())).count();
    assert!(taken_for_present < 100, "{taken_for_present} of 1000");
}

#[test]
fn dictionaries_are_for_what_repeats() {
    let with: Vec<&str> = SAMPLES.columns.iter().filter(|c| repeats(&SAMPLES, c)).map(|c| c.name).collect();
    assert_eq!(with, ["call_id", "call_started_at", "count"]);
    let with: Vec<&str> = CALLS.columns.iter().filter(|c| repeats(&CALLS, c)).map(|c| c.name).collect();
    assert_eq!(with, ["call_id"]);
}

#[test]
fn a_file_without_rows_has_all_columns() {
    let (_outer, store) = folder();
    let (file, content) = write_all(&store, place(&CALLS, "2025-01-31"), &[], &uncompressed());
    assert_eq!(file.rows, 0);
    let builder = ParquetRecordBatchReaderBuilder::try_new(content.clone()).unwrap();
    let names: Vec<&str> = builder.schema().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, ["call_id", "call_started_at", "title", "has_transcript"]);
    assert_eq!(read(content).len(), 0);
    // No rows is something to have a checksum of, too.
    let (again, _) = write_all(&store, place(&CALLS, "2025-02-01"), &[calls(&[])], &uncompressed());
    assert_eq!(file.checksum, again.checksum);
}

#[test]
fn a_row_group_of_long_texts_ends_early() {
    let (_outer, store) = folder();
    let long = "x".repeat(ROW_GROUP_BYTES / 10);
    let batches: Vec<RecordBatch> = (0..25).map(|index| sentences(&[("1", MORNING, index, &long)])).collect();
    let (file, content) = write_all(&store, place(&TRANSCRIPTS, "2025-01-31"), &batches, &uncompressed());
    assert_eq!(file.rows, 25);
    assert!(metadata(&content).num_row_groups() >= 2);
}

#[test]
fn other_columns_are_refused_and_nothing_stays() {
    let (outer, store) = folder();
    let mut writer = DataFileWriter::create(&store, place(&CALLS, "2025-01-31"), &uncompressed()).unwrap();
    writer.write(&calls(&[("1", MORNING, true)])).unwrap();
    assert_eq!(writer.rows(), 1);
    let error = writer.write(&users(&["u"])).unwrap_err();
    assert!(matches!(error, Error::Encode { .. }), "{error}");
    drop(writer);
    assert!(!outer.path().join("calls").exists());
    assert_eq!(std::fs::read_dir(outer.path().join("_gong_export/tmp")).unwrap().count(), 0);
}

#[test]
fn the_same_rows_give_the_same_bytes() {
    let (_outer, store) = folder();
    let batch = many_sentences(5_000);
    let once = write_all(&store, place(&TRANSCRIPTS, "2025-01-31"), std::slice::from_ref(&batch), &uncompressed());
    let again = write_all(&store, place(&TRANSCRIPTS, "2025-01-31"), &[batch], &uncompressed());
    assert_eq!(once, again);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_come_back_as_they_went(rows in any_rows(0..80), cuts in proptest::collection::vec(0usize..80, 0..4), zstd: bool) {
        let (_outer, store) = folder();
        let compression = if zstd { Compression::ZSTD(ZstdLevel::try_new(3).unwrap()) } else { Compression::SNAPPY };
        let whole = all_types_batch(&rows);
        let mut edges: Vec<usize> = cuts.into_iter().map(|cut| cut.min(rows.len())).collect();
        edges.extend([0, rows.len()]);
        edges.sort_unstable();
        let parts: Vec<RecordBatch> = edges.windows(2).map(|edge| whole.slice(edge[0], edge[1] - edge[0])).collect();

        let location = place(&SAMPLES, "2025-01-31");
        let (in_parts, content) = write_all(&store, location, &parts, &WriterSettings { compression });
        let (at_once, _) = write_all(&store, location, std::slice::from_ref(&whole), &uncompressed());
        prop_assert_eq!(&in_parts.checksum, &at_once.checksum);
        prop_assert_eq!(in_parts.rows, rows.len() as u64);

        let back = read(content);
        if let Some(first) = back.first() {
            let back = concat_batches(first.schema_ref(), &back).unwrap();
            for (column, (out, was)) in SAMPLES.columns.iter().zip(back.columns().iter().zip(whole.columns())) {
                prop_assert_eq!(out.data_type(), was.data_type());
                prop_assert_eq!(out.is_nullable() || out.null_count() == 0, true);
                if column.kind == ColumnType::Double {
                    // Bits, since NaN is not equal to itself.
                    let bits = |array: &dyn Array| -> Vec<Option<u64>> {
                        array.as_primitive::<arrow::datatypes::Float64Type>().iter().map(|x| x.map(f64::to_bits)).collect()
                    };
                    prop_assert_eq!(bits(out), bits(was));
                } else {
                    prop_assert_eq!(out, was);
                }
            }
        } else {
            prop_assert!(rows.is_empty());
        }
    }
}
