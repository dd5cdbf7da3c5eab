//! The run records at a destination: how they are named, which of them are read, which have outlived
//! their use. What stands in one is [`crate::state::run_record`]'s.

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use futures_util::{StreamExt, TryStreamExt, stream};
use tracing::warn;

use super::error::Failure;
use crate::sink::location::RUNS_FOLDER;
use crate::sink::{self, Store};
use crate::state::run_record::RunRecord;

/// How the begin of a run stands in its id.
pub(super) const TIME_FORMAT: &str = "%Y%m%dT%H%M%SZ";
const TIME_LENGTH: usize = "20260320T120000Z".len();

/// How far back run records can matter to a new run: for the day's budget and for taking up.
const MATTER: TimeDelta = TimeDelta::hours(48);

/// Run records that are read, or removed, at the same time.
const AT_ONCE: usize = 16;

/// So many of the last run records are kept, more than a year of nights, ...
const KEPT: usize = 400;

/// ... and all of this time, for those who run a job every few minutes. Much longer than they
/// [`MATTER`].
const KEPT_FOR: TimeDelta = TimeDelta::days(7);

/// How many are removed by one run at most: it is there for other things.
const REMOVED_MAX: usize = 1_000;

/// The id of a run that counts from `now` and began at `begin` by the clock, which is the same unless
/// `--now` says otherwise. Ids sort by the first, and runs of the same `now` by when they really began,
/// so that the last of them is the last. No two are alike.
pub(super) fn run_id(now: DateTime<Utc>, begin: DateTime<Utc>) -> String {
    let begin = u64::try_from(begin.timestamp_millis()).unwrap_or_default();
    format!("{}-{begin:012x}{:04x}", now.format(TIME_FORMAT), rand::random::<u16>())
}

/// The records of the last two days' runs at a destination and at least of the last `last` ones, in
/// order of their ids. One that cannot be read is passed over: the data files alone say what is
/// exported.
pub(super) async fn records(store: &Store, now: DateTime<Utc>, last: usize) -> Result<Vec<RunRecord>, Failure> {
    let keys = store.documents(RUNS_FOLDER).await?;
    let first = begun_before(&keys, now - MATTER).min(keys.len().saturating_sub(last));
    let keys = keys.into_iter().skip(first);
    let mut documents =
        stream::iter(keys).map(|key| async move { store.get(&key).await.map(|text| (key, text)) }).buffered(AT_ONCE);
    let mut records = Vec::new();
    while let Some((key, text)) = documents.try_next().await? {
        let Some(text) = text else {
            continue;
        };
        match serde_json::from_slice(&text) {
            Ok(record) => records.push(record),
            Err(error) => warn!(key, %error, "run record passed over, it is not understood"),
        }
    }
    Ok(records)
}

/// Removes records that are neither among the last [`KEPT`] nor of the last week before `now`; how many.
/// Other files in their folder stay.
pub(super) async fn prune(store: &Store, now: DateTime<Utc>) -> Result<usize, sink::Error> {
    let mut keys = store.documents(RUNS_FOLDER).await?;
    keys.retain(|key| is_record(key));
    let outlived = begun_before(&keys, now - KEPT_FOR).min(keys.len().saturating_sub(KEPT)).min(REMOVED_MAX);
    keys.truncate(outlived);
    stream::iter(&keys).map(|key| store.delete(key)).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    Ok(outlived)
}

/// How many of these, which are sorted, are of runs that began before `instant`.
fn begun_before(keys: &[String], instant: DateTime<Utc>) -> usize {
    let instant = instant.format(TIME_FORMAT).to_string();
    keys.partition_point(|key| name(key) < instant.as_str())
}

fn name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// Whether a key is one that a run record can have.
fn is_record(key: &str) -> bool {
    let Some((time, rest)) = name(key).split_at_checked(TIME_LENGTH) else {
        return false;
    };
    let end = rest.strip_prefix('-').and_then(|rest| rest.strip_suffix(".json"));
    NaiveDateTime::parse_from_str(time, TIME_FORMAT).is_ok()
        && end.is_some_and(|end| !end.is_empty() && end.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use bytes::Bytes;
    use object_store::memory::InMemory;

    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn runs_of_the_same_now_sort_by_when_they_really_began() {
        let now = at("2026-03-20T12:00:00Z");
        let real = at("2026-11-21T08:30:00Z");
        let ids: Vec<_> = (0..50).map(|run| run_id(now, real + TimeDelta::milliseconds(run * 17))).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
        assert!(run_id(now + TimeDelta::seconds(1), real) > ids[49], "the run's own present comes first");
        for id in ids {
            assert!(is_record(&format!("{RUNS_FOLDER}/{id}.json")), "{id}");
            assert!(sink::location::is_safe_key(&id));
        }
    }

    #[test]
    fn only_names_of_records_are_taken_for_records() {
        assert!(is_record("_gong_export/runs/20260320T120000Z-0a1b2c3d.json"), "as they were named once");
        for name in [
            "",
            "notes.json",
            "20260320T120000Z.json",
            "20260320T120000Z-0a1b2c3d.json.bak",
            "20261320T120000Z-0a.json",
            "20260320T120000Z-.json",
            "20260320T120000Zä-0a.json",
            "2026-03-20T12:0ä-0a.json",
        ] {
            assert!(!is_record(&format!("{RUNS_FOLDER}/{name}")), "{name}");
        }
    }

    /// What is left of `count` runs, `apart` from each other, the last of which began at noon.
    async fn left(store: &Store, count: usize, apart: TimeDelta) -> (usize, usize, Vec<String>) {
        let noon = at("2026-03-20T12:00:00Z");
        for run in 0..count {
            let begin = noon - apart * i32::try_from(run).unwrap();
            store
                .put(&format!("{RUNS_FOLDER}/{}.json", run_id(begin, begin)), Bytes::from_static(b"{}"))
                .await
                .unwrap();
        }
        store.put(&format!("{RUNS_FOLDER}/0-notes.txt"), Bytes::from_static(b"not ours")).await.unwrap();
        let removed = prune(store, noon).await.unwrap();
        let mut keys = store.documents(RUNS_FOLDER).await.unwrap();
        assert!(keys.iter().any(|key| key.ends_with("0-notes.txt")), "what is not ours stays");
        keys.retain(|key| is_record(key));
        (removed, keys.len(), keys)
    }

    async fn prunes(new: impl Fn() -> Store) {
        // Nights: the last four hundred.
        let store = new();
        let (removed, kept, keys) = left(&store, KEPT + 30, TimeDelta::days(1)).await;
        assert_eq!((removed, kept), (30, KEPT));
        assert!(name(keys.last().unwrap()).starts_with("20260320T120000Z-"), "the last ones are kept");
        assert_eq!(prune(&store, at("2026-03-20T12:00:00Z")).await.unwrap(), 0, "once is enough");
        // Every quarter of an hour: all of a week.
        let (removed, kept, keys) = left(&new(), 4 * 24 * 8, TimeDelta::minutes(15)).await;
        assert_eq!((removed, kept), (4 * 24 - 1, 4 * 24 * 7 + 1));
        assert!(name(&keys[0]).starts_with("20260313T120000Z-"), "{}", keys[0]);
        assert_eq!(left(&new(), 3, TimeDelta::days(300)).await.0, 0, "few are kept however old they are");
    }

    #[tokio::test]
    async fn in_a_folder_old_records_are_removed() {
        let folder = tempfile::tempdir().unwrap();
        prunes(|| Store::folder(tempfile::tempdir_in(folder.path()).unwrap().keep())).await;
    }

    #[tokio::test]
    async fn in_a_bucket_old_records_are_removed() {
        prunes(|| Store::object_store(Arc::new(InMemory::new()), "some/prefix", "mem://bucket/some/prefix")).await;
    }
}
