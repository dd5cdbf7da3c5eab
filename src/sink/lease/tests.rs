mod odd_store;

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;

use super::*;
use crate::sink::location::{LEASE_KEY, LEASE_LOCK_KEY};
use crate::sink::testing::{Failing, Failure, at, everything, s3};
use crate::state::lease::Process;
use odd_store::{OddStore, Oddity};

const SETTINGS: Settings = Settings {
    heartbeat: Duration::from_millis(20),
    expiry: Duration::from_secs(120),
    settle: Duration::from_millis(40),
    probe: Duration::from_secs(10),
};

/// A clock that stands still until it is moved.
#[derive(Clone)]
struct Clock(Arc<AtomicI64>);

impl Clock {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(at("2025-02-01T02:00:00Z").timestamp())))
    }

    fn now(&self) -> DateTime<Utc> {
        DateTime::from_timestamp(self.0.load(Ordering::SeqCst), 0).unwrap()
    }

    fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }
}

/// A run on a machine that nobody here can see.
fn elsewhere(run_id: &str) -> Owner {
    let process = Process { id: 1, boot: Some("other".into()), namespace: None, started: None, user: None };
    Owner { run_id: run_id.into(), job: "nightly".into(), host: Some("etl-3.vendor.example".into()), process }
}

async fn acquire(store: &Store, run_id: &str, clock: &Clock) -> Result<Lease, LeaseError> {
    let clock = clock.clone();
    Lease::acquire(store, this_process(run_id, "nightly"), SETTINGS, move || clock.now(), &CancellationToken::new())
        .await
}

fn holder(error: LeaseError) -> Holder {
    match error {
        LeaseError::Held { holder, .. } => *holder,
        error => panic!("{error:?}"),
    }
}

async fn leave(store: &Store, owner: Owner, clock: &Clock) {
    let document = LeaseDocument::new(owner, "left".into(), clock.now(), chrono::TimeDelta::minutes(2));
    store.put(LEASE_KEY, document.to_json().into()).await.unwrap();
}

async fn document(store: &Store) -> Option<LeaseDocument> {
    let content = store.get(LEASE_KEY).await.unwrap()?;
    LeaseDocument::parse(&content).ok()
}

/// Waits until the document is as asked for; the test fails by its patience, not by luck.
async fn until(store: &Store, wanted: impl Fn(Option<LeaseDocument>) -> bool) {
    let patience = async {
        while !wanted(document(store).await) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), patience).await.expect("the document never came");
}

#[tokio::test]
async fn looking_tells_the_holder_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::folder(folder.path().join("export"));
    let clock = Clock::new();
    assert_eq!(peek(&store, clock.now()).await.unwrap(), None);
    assert!(!folder.path().join("export").exists(), "looking makes no folder");

    leave(&store, elsewhere("first"), &clock).await;
    let before = everything(&store).await;
    let written = peek(&store, clock.now()).await.unwrap().unwrap();
    assert_eq!(written.holder, Holder { owner: Some(elsewhere("first")), since: Some(clock.now()) });
    assert_eq!(written.expires_at, Some(clock.now() + chrono::TimeDelta::minutes(2)));
    let after = |seconds| {
        let (store, now) = (store.clone(), written.heard_at + chrono::TimeDelta::seconds(seconds));
        async move { peek(&store, now).await.unwrap().unwrap().abandoned }
    };
    // The document's own stamps are old, but the owner's clock may be an hour behind the store's.
    let document =
        LeaseDocument::new(elsewhere("first"), "left".into(), written.heard_at, chrono::TimeDelta::minutes(2));
    store.put(LEASE_KEY, document.to_json().into()).await.unwrap();
    assert_eq!(after(100).await, None);
    assert_eq!(after(130).await, Some(Abandonment::Silent));
    assert_eq!(everything(&store).await.len(), before.len(), "nothing was added");

    store.put(LEASE_KEY, Bytes::from_static(b"half of a docu")).await.unwrap();
    let half = peek(&store, written.heard_at).await.unwrap().unwrap();
    assert_eq!((half.holder, half.expires_at, half.abandoned), (Holder::UNKNOWN, None, None));
}

/// What every kind of destination has to do. `age` makes the document look that many seconds old.
async fn behaves(store: Store, strength: Strength, age: impl Fn(i64)) {
    let clock = Clock::new();

    // The second one hears who is there and since when.
    let lease = acquire(&store, "first", &clock).await.unwrap();
    assert_eq!((lease.strength(), lease.taken_over()), (strength, None));
    clock.advance(60);
    let error = acquire(&store, "second", &clock).await.unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("another run holds `{}`: run first of job nightly", store.describe()))
    );
    let found = holder(error);
    assert_eq!(found.owner.unwrap().run_id, "first");
    assert_eq!(found.since, Some(at("2025-02-01T02:00:00Z")));

    // The heartbeat goes on, and writes again what somebody removed or damaged.
    let renewed = clock.now();
    until(&store, |document| document.is_some_and(|document| document.renewed_at == renewed)).await;
    store.delete(LEASE_KEY).await.unwrap();
    until(&store, |document| document.is_some_and(|document| document.owner.run_id == "first")).await;

    store.put(LEASE_KEY, Bytes::from_static(b"{\"half")).await.unwrap();
    until(&store, |document| document.is_some_and(|document| document.owner.run_id == "first")).await;

    // Released, nothing of it stays, and the next one is free to go.
    lease.release().await.unwrap();
    assert_eq!(everything(&store).await, [""; 0]);
    let lease = acquire(&store, "second", &clock).await.unwrap();
    assert_eq!(lease.taken_over(), None);

    // Another's document is noticed and left alone.
    leave(&store, elsewhere("third"), &clock).await;
    let lost = tokio::time::timeout(Duration::from_secs(30), lease.lost()).await.unwrap();
    assert_eq!(lost.owner.unwrap().run_id, "third");
    lease.release().await.unwrap();
    assert_eq!(document(&store).await.unwrap().owner.run_id, "third");

    // It holds until the store has not seen a heartbeat for its term, whatever our clock says…
    clock.advance(1800);
    age(90);
    assert_eq!(holder(acquire(&store, "fourth", &clock).await.unwrap_err()).owner.unwrap().run_id, "third");
    age(121);
    let lease = acquire(&store, "fourth", &clock).await.unwrap();
    let taken_over = lease.taken_over().unwrap();
    assert_eq!(taken_over.from.owner.as_ref().unwrap().run_id, "third");
    assert_eq!(taken_over.because, Abandonment::Silent);
    lease.release().await.unwrap();
    age(0);

    // …or until no difference of clocks can explain its stamps.
    leave(&store, elsewhere("fifth"), &clock).await;
    clock.advance(120 + 3599);
    holder(acquire(&store, "sixth", &clock).await.unwrap_err());
    clock.advance(1);
    let lease = acquire(&store, "sixth", &clock).await.unwrap();
    assert_eq!(lease.taken_over().unwrap().because, Abandonment::Silent);
    lease.release().await.unwrap();

    // What is no document of ours is somebody's, until it is old.
    for foreign in [Bytes::from_static(b"{\"half"), Bytes::new(), vec![b' '; 100_000].into()] {
        store.put(LEASE_KEY, foreign).await.unwrap();
        assert_eq!(holder(acquire(&store, "seventh", &clock).await.unwrap_err()), Holder::UNKNOWN);
        age(121);
        let lease = acquire(&store, "seventh", &clock).await.unwrap();
        assert_eq!(lease.taken_over(), Some(&TakenOver { from: Holder::UNKNOWN, because: Abandonment::Silent }));
        lease.release().await.unwrap();
        age(0);
    }

    // Dropped, it is given back in the background.
    drop(acquire(&store, "eighth", &clock).await.unwrap());
    until(&store, |document| document.is_none()).await;
    assert_eq!(everything(&store).await.iter().filter(|key| key.as_str() != LEASE_LOCK_KEY).count(), 0);
}

/// Of several that ask at once, exactly one gets it: free, or left behind.
async fn one_wins(store: &Store, rounds: usize) {
    let clock = Clock::new();
    for round in 0..rounds {
        if round % 2 == 1 {
            leave(store, elsewhere("dead"), &clock).await;
            clock.advance(2 * 3600);
        }
        let tasks: Vec<_> = (0..6)
            .map(|index| {
                let (store, clock) = (store.clone(), clock.clone());
                tokio::spawn(async move { acquire(&store, &format!("run-{index}"), &clock).await })
            })
            .collect();
        let mut winners = Vec::new();
        for outcome in join_all(tasks).await {
            match outcome.unwrap() {
                Ok(lease) => winners.push(lease),
                Err(error) => drop(holder(error)),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}");
        for lease in winners {
            lease.release().await.unwrap();
        }
    }
}

fn folder() -> (tempfile::TempDir, Store) {
    let outer = tempfile::tempdir().unwrap();
    let store = Store::folder(outer.path().join("deep/export"));
    (outer, store)
}

fn odd(oddity: Oddity) -> (Arc<OddStore>, Store) {
    let inner = Arc::new(OddStore::new(oddity));
    (inner.clone(), Store::object_store(inner, "some/prefix", "mem://bucket/some/prefix"))
}

/// Makes a file look old.
fn age_file(path: PathBuf) -> impl Fn(i64) {
    move |seconds| {
        let Ok(file) = std::fs::File::options().write(true).open(&path) else { return };
        let now = std::fs::metadata(path.parent().unwrap()).unwrap().modified().unwrap();
        file.set_modified(now - Duration::from_secs(seconds.unsigned_abs())).unwrap();
    }
}

#[tokio::test]
async fn a_folder_behaves() {
    let (outer, store) = folder();
    let path = outer.path().join("deep/export").join(LEASE_KEY);
    behaves(store, Strength::Exclusive, age_file(path)).await;
}

#[tokio::test]
async fn s3_behaves() {
    let root = tempfile::tempdir().unwrap();
    let endpoint = s3::server(root.path()).await;
    let path = root.path().join("bucket/some/prefix").join(LEASE_KEY);
    behaves(s3::open("s3://bucket/some/prefix", &endpoint, "sEcReT"), Strength::Exclusive, age_file(path)).await;
}

#[tokio::test(start_paused = true)]
async fn stores_behave_however_they_treat_conditions() {
    for (oddity, strength) in [
        (Oddity::None, Strength::Exclusive),
        (Oddity::Ignored, Strength::Advisory),
        (Oddity::UpdatesIgnored, Strength::Exclusive),
        (Oddity::UpdatesRefused, Strength::Exclusive),
        (Oddity::Stalled, Strength::Advisory),
        (Oddity::FirstRefused, Strength::Exclusive),
    ] {
        let (inner, store) = odd(oddity);
        behaves(store, strength, |seconds| inner.age.store(seconds, Ordering::SeqCst)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_wins_a_folder() {
    let (_outer, store) = folder();
    one_wins(&store, 40).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_wins_over_s3() {
    let root = tempfile::tempdir().unwrap();
    let endpoint = s3::server(root.path()).await;
    one_wins(&s3::open("s3://bucket/exports", &endpoint, "sEcReT"), 6).await;
}

#[tokio::test(start_paused = true)]
async fn one_wins_however_conditions_are_treated() {
    for oddity in [Oddity::None, Oddity::Ignored, Oddity::UpdatesIgnored, Oddity::UpdatesRefused, Oddity::FirstRefused]
    {
        one_wins(&odd(oddity).1, 200).await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_nothing_excludes_the_late_one_s_token_stands_and_the_other_notices() {
    let (_, store) = odd(Oddity::Ignored);
    let clock = Clock::new();
    let lease = acquire(&store, "early", &clock).await.unwrap();
    // Looked before the first one wrote, stalled, and writes now.
    leave(&store, elsewhere("late"), &clock).await;
    assert_eq!(lease.lost().await.owner.unwrap().run_id, "late");
    lease.release().await.unwrap();
    assert_eq!(document(&store).await.unwrap().owner.run_id, "late");
}

#[tokio::test(start_paused = true)]
async fn a_newer_version_s_document_is_another_s() {
    let (_, store) = odd(Oddity::None);
    let clock = Clock::new();
    let lease = acquire(&store, "old", &clock).await.unwrap();
    store.put(LEASE_KEY, Bytes::from_static(br#"{"format": 2}"#)).await.unwrap();
    assert_eq!(lease.lost().await, Holder::UNKNOWN);
    lease.release().await.unwrap();
    assert_eq!(holder(acquire(&store, "old", &clock).await.unwrap_err()), Holder::UNKNOWN);
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_never_taken_for_another_run() {
    for failure in [Failure::Before, Failure::AnswerLost] {
        for operation in 0.. {
            let inner = Arc::new(Failing::new(failure));
            let store = Store::object_store(inner.clone(), "", "mem://bucket");
            inner.fail_after(operation);
            match acquire(&store, "first", &Clock::new()).await {
                Ok(lease) => lease.release().await.unwrap(),
                Err(LeaseError::Sink(_)) => {}
                Err(held) => panic!("{failure:?} {operation}: {held}"),
            }
            if !inner.has_failed() {
                break;
            }
            inner.fail_after(i64::MAX);
            let next = acquire(&store, "second", &Clock::new()).await;
            next.unwrap_or_else(|error| panic!("{failure:?} {operation}: {error}")).release().await.unwrap();
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_killed_process_of_this_machine_is_succeeded_at_once() {
    let clock = Clock::new();
    for store in [odd(Oddity::None).1, odd(Oddity::Ignored).1] {
        let mut sleep = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        leave(&store, Owner { process: process::other(sleep.id()), ..elsewhere("killed") }, &clock).await;
        assert_eq!(holder(acquire(&store, "next", &clock).await.unwrap_err()).owner.unwrap().run_id, "killed");
        sleep.kill().unwrap();
        sleep.wait().unwrap();
        let lease = acquire(&store, "next", &clock).await.unwrap();
        assert_eq!(lease.taken_over().unwrap().because, Abandonment::ProcessGone);
        lease.release().await.unwrap();
    }
}

#[cfg(unix)]
mod on_a_disk {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[tokio::test]
    async fn whose_lock_is_gone_is_gone_unless_it_came_from_elsewhere() {
        let (_outer, store) = folder();
        let clock = Clock::new();
        // This very process, but without the lock: as after a kill, whose number may be in use again.
        leave(&store, this_process("killed", "nightly"), &clock).await;
        let lease = acquire(&store, "next", &clock).await.unwrap();
        assert_eq!(lease.taken_over().unwrap().because, Abandonment::ProcessGone);
        lease.release().await.unwrap();
        if this_process("", "").process.boot.is_some() {
            // On a shared folder whose locks end at each machine's border.
            leave(&store, elsewhere("far away"), &clock).await;
            holder(acquire(&store, "next", &clock).await.unwrap_err());
        }
    }

    #[tokio::test]
    async fn a_living_holder_is_never_taken_over() {
        let (outer, store) = folder();
        let clock = Clock::new();
        let lease = acquire(&store, "first", &clock).await.unwrap();
        // Its heartbeats cannot be seen, and its document is gone: the lock is enough.
        clock.advance(1_000_000);
        let path = outer.path().join("deep/export").join(LEASE_KEY);
        let _ = std::fs::remove_file(path);
        assert!(matches!(acquire(&store, "second", &clock).await, Err(LeaseError::Held { .. })));
        lease.release().await.unwrap();
        acquire(&store, "second", &clock).await.unwrap().release().await.unwrap();
    }

    #[tokio::test]
    async fn its_files_are_private_and_links_are_not_followed() {
        let (outer, store) = folder();
        let lease = acquire(&store, "first", &Clock::new()).await.unwrap();
        for key in [LEASE_KEY, LEASE_LOCK_KEY] {
            let mode = std::fs::metadata(outer.path().join("deep/export").join(key)).unwrap().permissions().mode();
            assert_eq!(mode & 0o007, 0, "{key}");
        }
        lease.release().await.unwrap();
        let target = outer.path().join("elsewhere");
        symlink(&target, outer.path().join("deep/export").join(LEASE_LOCK_KEY)).unwrap();
        let error = acquire(&store, "first", &Clock::new()).await.unwrap_err();
        assert!(matches!(error, LeaseError::Sink(Error::LeadsOutside { .. })), "{error}");
        assert!(!target.exists());
    }
}
