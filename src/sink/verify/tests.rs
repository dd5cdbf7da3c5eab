use super::*;
use crate::dataset::{Rows, find};
use crate::sink::testing::*;
use crate::sink::{DataFile, Location};
use crate::state::footer::{Footer, FooterError};
use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use bytes::Bytes;
use chrono_tz::UTC;
use object_store::memory::InMemory;
use parquet::arrow::ArrowWriter;
use parquet::file::metadata::KeyValue;

const DAY: &str = "2025-01-31";
const NINE: &str = "2025-01-31T09:00:00Z";
const TEN: &str = "2025-01-31T10:00:00Z";
const CALLS_KEY: &str = "calls/call_date=2025-01-31/calls.parquet";
const SENTENCES_KEY: &str = "transcripts/call_date=2025-01-31/transcripts.parquet";

fn folder() -> (tempfile::TempDir, Store) {
    let outer = tempfile::tempdir().unwrap();
    let store = Store::folder(outer.path());
    (outer, store)
}

/// Two calls, one of them with sentences, and a user.
async fn fill(store: &Store) {
    write(store, place(&CALLS, DAY), &[calls(&[("1", NINE, true), ("2", TEN, false)])]).await.unwrap();
    let said = sentences(&[("1", NINE, 0, "Good morning, Ada."), ("1", NINE, 1, "Good morning.")]);
    write(store, place(&TRANSCRIPTS, DAY), &[said]).await.unwrap();
    write(store, place(&USERS, DAY), &[users(&["u1", "u2"])]).await.unwrap();
}

async fn findings(store: &Store) -> Vec<Finding> {
    verify(store, &DATASETS, UTC).await.unwrap().findings
}

fn key() -> String {
    CALLS_KEY.to_owned()
}

#[tokio::test]
async fn sound_files_give_no_findings() {
    let (_outer, local) = folder();
    let bucket = Store::object_store(Arc::new(InMemory::new()), "exports", "mem://bucket/exports");
    for store in [local, bucket] {
        fill(&store).await;
        write(&store, place(&CALLS, "2025-02-01"), &[]).await.unwrap();
        let result = verify(&store, &DATASETS, UTC).await.unwrap();
        assert_eq!(result.findings, []);
        assert_eq!((result.files, result.rows), (4, 6));
        let listed: u64 = store.list(&DATASETS).await.unwrap().files.iter().map(|file| file.size_bytes).sum();
        assert_eq!(result.size_bytes, listed);
    }
    let (_outer, empty) = folder();
    assert_eq!(verify(&empty, &DATASETS, UTC).await.unwrap().files, 0);
}

#[tokio::test]
async fn a_changed_byte_is_found() {
    let (outer, store) = folder();
    fill(&store).await;
    let path = outer.path().join(SENTENCES_KEY);
    let sound = std::fs::read(&path).unwrap();
    let text = sound.windows(18).position(|window| window == b"Good morning, Ada.").unwrap();
    let mut damaged = sound.clone();
    damaged[text] = b'F';
    std::fs::write(&path, &damaged).unwrap();
    let found = findings(&store).await;
    assert!(matches!(&found[..], [Finding::Checksum { key, .. }] if key == SENTENCES_KEY), "{found:?}");

    // Wherever it is: never a panic, and never taken for another file's fault.
    let data = sound.windows(4).rposition(|window| window == b"PAR1").unwrap() - sound.len() / 2;
    for (position, mask) in (4..sound.len()).step_by(11).zip([0x55, 0x7f, 0x80].into_iter().cycle()) {
        let mut damaged = sound.clone();
        damaged[position] ^= mask;
        std::fs::write(&path, &damaged).unwrap();
        for finding in findings(&store).await {
            assert!(finding.to_string().contains(SENTENCES_KEY), "byte {position}: {finding}");
        }
    }
    // Cut short.
    for length in [0, 3, 8, data] {
        std::fs::write(&path, &sound[..length]).unwrap();
        let found = findings(&store).await;
        assert!(matches!(&found[..], [Finding::Unreadable { .. }]), "{length}: {found:?}");
    }
}

async fn with_footer(change: fn(&mut Footer)) -> Vec<Finding> {
    let (_outer, store) = folder();
    write_with(&store, place(&CALLS, DAY), &[calls(&[("1", NINE, false)])], change).await.unwrap();
    findings(&store).await
}

#[tokio::test]
async fn footers_that_say_something_else_are_found() {
    assert_eq!(
        with_footer(|footer| footer.records_written = 2).await,
        [Finding::Rows { key: key(), in_footer: 2, counted: 1 }]
    );
    let found = with_footer(|footer| footer.checksum = "xxh3-128:00".into()).await;
    assert!(matches!(&found[..], [Finding::Checksum { in_footer, .. }] if in_footer == "xxh3-128:00"), "{found:?}");
    let (dataset, first_day) = ("parties".to_owned(), DAY.parse().unwrap());
    assert_eq!(
        with_footer(|footer| footer.dataset = "parties".into()).await,
        [Finding::Misplaced { key: key(), dataset, first_day }]
    );
    let (dataset, first_day) = ("calls".to_owned(), "2025-02-01".parse().unwrap());
    assert_eq!(
        with_footer(|footer| footer.partition = footer.partition.next()).await,
        [Finding::Misplaced { key: key(), dataset, first_day }]
    );
    let found = with_footer(|footer| footer.schema_version = 99).await;
    assert!(matches!(&found[..], [Finding::Footer { problem: FooterError::Newer { .. }, .. }]), "{found:?}");
}

/// A file by any other writer.
fn foreign(columns: Vec<(Field, ArrayRef)>, pairs: Vec<(String, String)>) -> Bytes {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns.into_iter().unzip();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    let mut writer = ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    for (key, value) in pairs {
        writer.append_key_value_metadata(KeyValue::new(key, value));
    }
    writer.into_inner().unwrap().into()
}

#[tokio::test]
async fn files_of_other_writers_are_told_apart() {
    let (_outer, store) = folder();
    let ids = || -> ArrayRef { Arc::new(StringArray::from(vec!["1"])) };
    let numbers: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let text = |name: &str, nullable| Field::new(name, DataType::Utf8, nullable);

    store.put(CALLS_KEY, foreign(vec![(text("call_id", false), ids())], vec![])).await.unwrap();
    assert_eq!(findings(&store).await, [Finding::Footer { key: key(), problem: FooterError::Foreign }]);

    let pairs = footer(place(&CALLS, DAY), 1, "xxh3-128:00".into()).to_pairs();
    for (columns, expected) in [
        (vec![(text("call_id", false), ids())], "it lacks call_started_at, title, has_transcript"),
        (vec![(text("call_id", true), ids())], "`call_id` is not required"),
        (vec![(text("id", false), ids())], "column 1 is `id`, not `call_id`"),
        (vec![(Field::new("call_id", DataType::Int64, false), numbers.clone())], "`call_id` is Int64, not Utf8"),
    ] {
        store.put(CALLS_KEY, foreign(columns, pairs.clone())).await.unwrap();
        let difference = expected.to_owned();
        assert_eq!(findings(&store).await, [Finding::Schema { key: key(), difference }]);
    }
}

async fn write_calls(rows: &[(&str, &str, bool)]) -> Vec<Finding> {
    let (_outer, store) = folder();
    // In two batches, so that the edge between them counts as well.
    let batches: Vec<RecordBatch> = rows.chunks(2).map(calls).collect();
    write(&store, place(&CALLS, DAY), &batches).await.unwrap();
    findings(&store).await
}

#[tokio::test]
async fn disorder_and_repeated_keys_are_found() {
    assert_eq!(
        write_calls(&[("1", TEN, false), ("2", NINE, false), ("3", NINE, false)]).await,
        [Finding::Order { key: key(), rows: 1, first_row: 1 }]
    );
    let repeated = Finding::DuplicateCalls { key: key(), calls: 1, example: "2".into() };
    assert_eq!(
        write_calls(&[("1", NINE, false), ("2", NINE, false), ("2", NINE, false)]).await,
        [Finding::Order { key: key(), rows: 1, first_row: 2 }, repeated.clone()]
    );
    // Sorted, and twice all the same.
    assert_eq!(write_calls(&[("2", NINE, false), ("2", TEN, false)]).await, [repeated]);
}

/// Calls of the library, by folder and call, in a file of their own.
async fn write_shelved(rows: &[(&str, &str)]) -> Vec<Finding> {
    let dataset = find("library_calls").unwrap();
    let mut batch = Rows::new(dataset);
    for (folder, call) in rows {
        let (texts, numbers) = ([Some(*folder), Some(*call), None, None, None], [None, None]);
        texts.into_iter().for_each(|text| batch.text(text));
        batch.instant(None);
        batch.text(None);
        numbers.into_iter().for_each(|number| batch.int64(number));
        batch.text(None);
    }
    let (_outer, store) = folder();
    write(&store, place(dataset, DAY), &[batch.finish()]).await.unwrap();
    verify(&store, &[dataset], UTC).await.unwrap().findings
}

#[tokio::test]
async fn disorder_and_repeated_keys_of_lists_are_found() {
    let key = "library_calls/snapshot_date=2025-01-31/library_calls.parquet";
    let found = |first_row| [Finding::Order { key: key.to_owned(), rows: 1, first_row }];
    assert_eq!(write_shelved(&[("1", "8"), ("1", "9"), ("2", "8")]).await, []);
    assert_eq!(write_shelved(&[("1", "8"), ("2", "8"), ("1", "9")]).await, found(2));
    assert_eq!(write_shelved(&[("1", "8"), ("1", "8"), ("2", "8")]).await, found(1), "a key that comes twice");
}

#[tokio::test]
async fn rows_of_other_days_are_found_in_the_job_s_zone() {
    let late = "2025-02-01T00:30:00Z";
    assert_eq!(
        write_calls(&[("1", NINE, false), ("2", late, false)]).await,
        [Finding::OutsidePartition { key: key(), rows: 1, first_row: 1 }]
    );
    let (_outer, store) = folder();
    write(&store, place(&CALLS, DAY), &[calls(&[("1", NINE, false), ("2", late, false)])]).await.unwrap();
    let found = verify(&store, &DATASETS, chrono_tz::America::New_York).await.unwrap().findings;
    assert_eq!(found, [], "in New York it is still the 31st");
}

#[tokio::test]
async fn a_call_in_two_files_is_found() {
    let (_outer, store) = folder();
    write(&store, place(&CALLS, DAY), &[calls(&[("1", NINE, false)])]).await.unwrap();
    let monthly = Location::new(&CALLS, Partition::of_day(DAY.parse().unwrap(), PartitionBy::Month));
    write(&store, monthly, &[calls(&[("1", NINE, false)])]).await.unwrap();
    assert_eq!(
        findings(&store).await,
        [
            Finding::MixedPartitions { dataset: "calls" },
            Finding::RepeatedCalls { key: key(), calls: 1, elsewhere: monthly.key() },
        ]
    );
}

async fn write_sentences(store: &Store, rows: &[(&str, &str, i64, &str)]) -> DataFile {
    write(store, place(&TRANSCRIPTS, DAY), &[sentences(rows)]).await.unwrap()
}

#[tokio::test]
async fn sentences_without_their_call_are_found() {
    let (outer, store) = folder();
    write_sentences(&store, &[("1", NINE, 0, "a"), ("7", NINE, 0, "b"), ("7", NINE, 1, "c"), ("8", NINE, 0, "d")])
        .await;
    // Calls are not exported at all: nothing to refer to.
    assert_eq!(findings(&store).await, []);

    write(&store, place(&CALLS, "2025-02-01"), &[]).await.unwrap();
    let missing =
        |calls, example: &str| Finding::MissingCalls { key: SENTENCES_KEY.into(), calls, example: example.into() };
    assert_eq!(findings(&store).await, [missing(3, "1")], "the partition has no file of calls");

    write(&store, place(&CALLS, DAY), &[calls(&[("1", NINE, true), ("8", TEN, true)])]).await.unwrap();
    assert_eq!(findings(&store).await, [missing(2, "7")], "one is not there, one began at another time");

    // One broken file is one finding.
    std::fs::write(outer.path().join(CALLS_KEY), b"broken").unwrap();
    let found = findings(&store).await;
    assert!(matches!(&found[..], [Finding::Unreadable { key, .. }] if key == CALLS_KEY), "{found:?}");
}

#[tokio::test]
async fn sentences_of_calls_that_have_none_are_found() {
    let (_outer, store) = folder();
    fill(&store).await;
    write_sentences(&store, &[("1", NINE, 0, "a"), ("2", TEN, 0, "b")]).await;
    let example = "2".to_owned();
    let unannounced = Finding::UnannouncedTranscripts { key: SENTENCES_KEY.into(), calls: 1, example };
    assert_eq!(findings(&store).await, [unannounced]);
}

#[tokio::test]
async fn what_does_not_belong_is_found() {
    let (outer, store) = folder();
    fill(&store).await;
    std::fs::write(outer.path().join("calls/call_date=2025-01-31/calls.parquet#1"), b"").unwrap();
    std::fs::write(outer.path().join("users/\u{1b}[31m.txt"), b"").unwrap();
    std::fs::write(outer.path().join("README"), b"somebody else's").unwrap();
    let found = findings(&store).await;
    let strays = ["calls/call_date=2025-01-31/calls.parquet#1", "users/\u{1b}[31m.txt"];
    assert_eq!(found, strays.map(|key| Finding::Stray { key: key.to_owned() }));
    assert!(found.iter().all(|finding| !finding.to_string().contains('\u{1b}')));
}

#[tokio::test]
async fn files_with_many_row_groups_are_read_whole() {
    let (_outer, store) = folder();
    let ids: Vec<String> = (0..140_000).map(|index| format!("{index:09}")).collect();
    let rows: Vec<(&str, &str, bool)> = ids.iter().map(|id| (id.as_str(), NINE, false)).collect();
    write(&store, place(&CALLS, DAY), &[calls(&rows)]).await.unwrap();
    let result = verify(&store, &DATASETS, UTC).await.unwrap();
    assert_eq!((result.rows, result.findings), (140_000, vec![]));
}
