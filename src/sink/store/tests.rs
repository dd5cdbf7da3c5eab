use super::*;
use crate::sink::error::ErrorKind;
use crate::sink::testing::*;
use object_store::memory::InMemory;

const JANUARY: &str = "2025-01-31";
const MORNING: &str = "2025-01-31T09:00:00Z";

fn memory() -> (Store, Arc<InMemory>) {
    let memory = Arc::new(InMemory::new());
    (Store::object_store(memory.clone(), "some/prefix", "mem://bucket/some/prefix"), memory)
}

/// Writes bytes in pieces from a blocking thread; commits them or drops them.
pub(super) async fn upload(store: &Store, key: &str, content: &[u8], commit: bool) -> Result<u64, Error> {
    let (store, key, content) = (store.clone(), key.to_owned(), content.to_vec());
    // A thread of its own, as encoders have: the drop waits for the parts to be gone.
    let (done, result) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let work = || {
            let mut upload = store.upload(&key)?;
            for piece in content.chunks(7) {
                upload.write_all(piece).map_err(|error| error.downcast::<Error>().unwrap())?;
            }
            if commit { upload.commit() } else { Ok(0) }
        };
        let _ = done.send(work());
    });
    result.await.unwrap()
}

/// What every kind of store has to do.
pub(super) async fn behaves(store: Store) {
    let key = place(&CALLS, JANUARY).key();

    // Nothing is there, and that is no error.
    let listing = store.list(&DATASETS).await.unwrap();
    assert_eq!((listing.files.len(), listing.strays.len()), (0, 0));
    assert_eq!(store.get("_gong_export/runs/r.json").await.unwrap(), None);
    assert_eq!(store.size(&key).await.unwrap(), None);
    store.delete("_gong_export/runs/r.json").await.unwrap();
    assert_eq!(store.clean_leftovers(at("2030-01-01T00:00:00Z")).await.unwrap(), 0);

    // Documents are replaced whole, and can be taken away.
    store.put("_gong_export/runs/r.json", Bytes::from_static(b"long text")).await.unwrap();
    store.put("_gong_export/runs/r.json", Bytes::from_static(b"text")).await.unwrap();
    assert_eq!(store.get("_gong_export/runs/r.json").await.unwrap().unwrap(), "text");
    store.delete("_gong_export/runs/r.json").await.unwrap();
    assert_eq!(store.get("_gong_export/runs/r.json").await.unwrap(), None);

    // The probe leaves nothing.
    store.probe_writable().await.unwrap();
    assert_eq!(everything(&store).await, [""; 0]);

    // Sizes around the part size (10), and many parts.
    for length in [0, 1, 9, 10, 11, 20, 21, 137] {
        let content: Vec<u8> = (0..length).map(|index| index as u8).collect();
        assert_eq!(upload(&store, &key, &content, true).await.unwrap(), length);
        assert_eq!(store.get(&key).await.unwrap().unwrap(), content, "{length} bytes");
        assert_eq!(everything(&store).await, [key.as_str()], "{length} bytes");
    }
    assert_eq!(store.get_range(&key, 100..105).await.unwrap().to_vec(), [100, 101, 102, 103, 104]);
    assert!(store.get_range(&key, 130..140).await.is_err(), "short ranges are no ranges");

    // What is not committed was never there.
    upload(&store, &key, &[0; 95], false).await.unwrap();
    assert_eq!(store.size(&key).await.unwrap(), Some(137));
    assert_eq!(everything(&store).await, [key.as_str()]);

    // Keys that could lead elsewhere.
    for hostile in ["../x", "/etc/x", "a//b", "a/../../b", "a\\b", ""] {
        assert!(matches!(store.put(hostile, Bytes::new()).await, Err(Error::InvalidKey { .. })), "{hostile}");
        assert!(matches!(store.get(hostile).await, Err(Error::InvalidKey { .. })), "{hostile}");
        assert!(matches!(store.upload(hostile), Err(Error::InvalidKey { .. })), "{hostile}");
    }
    store.delete(&key).await.unwrap();

    // Data files are listed in order, with what does not belong beside them.
    write(&store, place(&TRANSCRIPTS, JANUARY), &[]).await.unwrap();
    write(&store, place(&CALLS, "2025-02-01"), &[]).await.unwrap();
    let file = write(&store, place(&CALLS, JANUARY), &[calls(&[("1", MORNING, true)])]).await.unwrap();
    store.put("calls/call_date=2025-01-31/part-0.parquet", Bytes::from_static(b"x")).await.unwrap();
    store.put("callsheets/notes.txt", Bytes::from_static(b"somebody else's")).await.unwrap();
    let listing = store.list(&DATASETS).await.unwrap();
    let keys: Vec<&str> = listing.files.iter().map(|file| file.key.as_str()).collect();
    assert_eq!(
        keys,
        [
            "calls/call_date=2025-01-31/calls.parquet",
            "calls/call_date=2025-02-01/calls.parquet",
            "transcripts/call_date=2025-01-31/transcripts.parquet",
        ]
    );
    assert_eq!(listing.strays, ["calls/call_date=2025-01-31/part-0.parquet"]);
    assert_eq!(listing.files[0].size_bytes, file.size_bytes);
    assert_eq!(listing.files[0].location, place(&CALLS, JANUARY));

    // The footer, also through a listing that is out of date.
    let footer = store.read_footer(&listing.files[0]).await.unwrap();
    assert_eq!((footer.records_written, footer.checksum), (1, file.checksum));
    let outdated = StoredFile { size_bytes: file.size_bytes - 20, ..listing.files[0].clone() };
    assert_eq!(store.read_footer(&outdated).await.unwrap().dataset, "calls");

    // Files without a footer of ours.
    for content in [&b""[..], b"not parquet", &[0; 100_000]] {
        store.put(&key, content.to_vec().into()).await.unwrap();
        let listed = &store.list(&[&CALLS]).await.unwrap().files[0];
        let error = store.read_footer(listed).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unreadable, "{error}");
        assert!(error.to_string().contains("calls/call_date=2025-01-31/calls.parquet"), "{error}");
    }
}

#[tokio::test]
async fn a_folder_behaves() {
    let outer = tempfile::tempdir().unwrap();
    behaves(Store::folder(outer.path().join("export"))).await;
}

#[tokio::test]
async fn a_bucket_behaves() {
    behaves(memory().0.with_part_bytes(10)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bucket_behaves_on_several_workers() {
    behaves(memory().0.with_part_bytes(10)).await;
}

#[tokio::test]
async fn an_upload_of_a_killed_run_is_ended_by_the_next() {
    let (store, memory) = memory();
    let path = object_store::path::Path::from("some/prefix/calls/call_date=2025-01-31/calls.parquet");
    let id = memory.create_multipart(&path).await.unwrap();
    memory.put_part(&path, &id, 0, Bytes::from_static(b"part").into()).await.unwrap();
    let note = serde_json::json!({"key": "calls/call_date=2025-01-31/calls.parquet", "upload_id": id});
    store.put("_gong_export/tmp/run-0.upload", note.to_string().into()).await.unwrap();
    store.put("_gong_export/tmp/run-1.probe", Bytes::from_static(b"x")).await.unwrap();
    store.put("_gong_export/runs/r.json", Bytes::from_static(b"x")).await.unwrap();

    assert_eq!(store.clean_leftovers(at("2020-01-01T00:00:00Z")).await.unwrap(), 0, "too young");
    assert_eq!(store.clean_leftovers(at("2100-01-01T00:00:00Z")).await.unwrap(), 2);
    assert_eq!(everything(&store).await, ["_gong_export/runs/r.json"]);
    assert!(memory.put_part(&path, &id, 1, Bytes::from_static(b"part").into()).await.is_err(), "the upload is gone");
}

#[tokio::test]
async fn a_note_that_leads_elsewhere_is_only_removed() {
    let (store, memory) = memory();
    let path = object_store::path::Path::from("secret");
    let id = memory.create_multipart(&path).await.unwrap();
    let note = serde_json::json!({"key": "../../secret", "upload_id": id});
    store.put("_gong_export/tmp/x.upload", note.to_string().into()).await.unwrap();
    store.put("_gong_export/tmp/y.upload", Bytes::from_static(b"{")).await.unwrap();
    assert_eq!(store.clean_leftovers(at("2100-01-01T00:00:00Z")).await.unwrap(), 2);
    memory.put_part(&path, &id, 0, Bytes::from_static(b"part").into()).await.unwrap();
}

/// One file in five parts; before it, an older one.
async fn replaced_with_failure(failure: Failure, after: i64) -> (Result<u64, Error>, bool, Bytes, Vec<String>) {
    let failing = Arc::new(Failing::new(failure));
    let store = Store::object_store(failing.clone(), "", "test://bucket").with_part_bytes(10);
    upload(&store, "calls/x", b"the old content", true).await.unwrap();
    failing.fail_after(after);
    let result = upload(&store, "calls/x", &[7; 45], true).await;
    let failed = failing.has_failed();
    failing.fail_after(i64::MAX);
    let content = store.get("calls/x").await.unwrap().unwrap();
    (result, failed, content, everything(&store).await)
}

#[tokio::test]
async fn whatever_fails_the_old_file_or_the_new_one_is_there() {
    for failure in [Failure::Before, Failure::AnswerLost] {
        let mut failures = 0;
        for after in 0.. {
            let (result, failed, content, keys) = replaced_with_failure(failure, after).await;
            if !failed {
                result.unwrap();
                break;
            }
            failures += 1;
            let case = format!("{failure:?} after {after}");
            assert_eq!(keys, ["calls/x"], "{case}");
            match result {
                Ok(size) => assert_eq!((size, &content[..]), (45, &[7; 45][..]), "{case}"),
                Err(error) => {
                    assert_eq!(content, "the old content", "{case}");
                    assert!(error.to_string().contains("test://bucket/"), "{error}");
                }
            }
        }
        // Begin, note, five parts, completion; after a failed completion the look at the object.
        assert!(failures >= 8, "{failure:?}: {failures}");
    }
}

#[tokio::test]
async fn a_lost_answer_to_the_commit_is_looked_up() {
    // The eighth operation completes the upload.
    let (result, failed, content, _) = replaced_with_failure(Failure::AnswerLost, 7).await;
    assert!(failed);
    assert_eq!(result.unwrap(), 45);
    assert_eq!(content.to_vec(), [7; 45]);
    let (result, ..) = replaced_with_failure(Failure::Before, 7).await;
    assert!(matches!(result, Err(Error::Object { operation: Operation::Commit, .. })), "{result:?}");

    // A single PUT.
    for (failure, expected) in [(Failure::AnswerLost, "new"), (Failure::Before, "old")] {
        let failing = Arc::new(Failing::new(failure));
        let store = Store::object_store(failing.clone(), "", "test://bucket");
        store.put("a/b", Bytes::from_static(b"old")).await.unwrap();
        failing.fail_after(0);
        assert_eq!(store.put("a/b", Bytes::from_static(b"new")).await.is_ok(), failure == Failure::AnswerLost);
        assert_eq!(store.get("a/b").await.unwrap().unwrap(), expected);
    }
}

#[tokio::test]
async fn an_upload_outlived_by_its_runtime_fails() {
    let (done, store) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let store = runtime.block_on(async { memory().0.with_part_bytes(10) });
        drop(runtime);
        done.send(store).unwrap();
    });
    let store = store.await.unwrap();
    for length in [5, 50] {
        let result = upload(&store, "a/b", &vec![0; length], true).await;
        assert!(matches!(result, Err(Error::Stopping { .. })), "{result:?}");
    }
}

#[tokio::test]
async fn urls_name_folders_and_buckets() {
    let none = BTreeMap::new();
    let open = |url: &str| Store::open(url, &none, Path::new("/jobs"), Patience::Attended);
    for (url, shown) in [
        ("./export", "/jobs/export"),
        ("export", "/jobs/export"),
        ("/data/export", "/data/export"),
        ("file:///data/my%20export", "/data/my export"),
    ] {
        let store = open(url).unwrap();
        assert!(store.is_local());
        assert_eq!(store.describe(), shown);
    }
    let store = open("s3://bucket/prefix/").unwrap();
    assert!(!store.is_local());
    assert_eq!(store.describe(), "s3://bucket/prefix");
    assert_eq!(store.glob(&CALLS, PartitionBy::Day), "s3://bucket/prefix/calls/call_date=*/*.parquet");
    assert_eq!(format!("{store:?}"), "Store(s3://bucket/prefix)");

    for url in ["", "file://host/data", "ftp://bucket", "s3://", "s3://user:pass@[/"] {
        let error = open(url).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidUrl, "{url}: {error}");
        assert!(!error.to_string().contains("pass"), "{error}");
    }
    let region = BTreeMap::from([("region".to_owned(), "x".to_owned())]);
    let error = Store::open("./export", &region, Path::new("/jobs"), Patience::Attended).unwrap_err();
    assert_eq!(error.to_string(), "destination option `region` is refused: a folder has no options");
}

#[tokio::test]
async fn run_ids_name_temporary_files_harmlessly() {
    let outer = tempfile::tempdir().unwrap();
    let store = Store::folder(outer.path()).for_run("20250201T02:00/../x");
    let upload = store.upload("a/b").unwrap();
    assert_eq!(everything(&store).await, ["_gong_export/tmp/20250201T02_00____x-0.parquet"]);
    drop(upload);
    assert_eq!(everything(&store).await, [""; 0]);
}
