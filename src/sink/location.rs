//! Where files are, relative to the destination. Pure: dataset and partition ↔ key.
//!
//! Keys are made of dataset names and dates only, never of anything that the API sends. What does
//! not parse back to exactly the key that it came from is not a data file of ours.

use std::fmt;

use chrono::NaiveDate;

use crate::calendar::{Partition, PartitionBy};
use crate::dataset::Dataset;

/// What is ours beside the datasets. The leading underscore hides it from engines.
pub const OWN_FOLDER: &str = "_gong_export";
/// Files that are being written and notes about unfinished uploads. Nothing here outlives its run,
/// unless the run was killed.
pub const TEMPORARY_FOLDER: &str = "_gong_export/tmp";
/// Run records, one JSON document a run.
pub const RUNS_FOLDER: &str = "_gong_export/runs";
/// Says which run is at work here; there only while one is.
pub const LEASE_KEY: &str = "_gong_export/lease.json";
/// Locked, on a disk, as long as that run lives; it holds nothing.
pub(super) const LEASE_LOCK_KEY: &str = "_gong_export/lease.lock";
/// Records that could not be decoded, as received.
pub const REJECTED_FOLDER: &str = "_gong_export/rejected";

/// The place of one data file: there is exactly one for each dataset and partition.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Location {
    dataset: &'static Dataset,
    partition: Partition,
}

impl Location {
    /// Only calls are ever partitioned by anything but days, whatever the job's partitions are by.
    pub fn new(dataset: &'static Dataset, partition: Partition) -> Self {
        let by = dataset.partition.partition_by(partition.by());
        Self { dataset, partition: Partition::of_day(partition.first_day(), by) }
    }

    pub fn dataset(&self) -> &'static Dataset {
        self.dataset
    }

    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The key: `calls/call_date=2025-01-31/calls.parquet`.
    pub fn key(&self) -> String {
        let Self { dataset, partition } = self;
        let column = dataset.partition.key(partition.by());
        format!("{0}/{column}={1}/{0}.parquet", dataset.name, partition.first_day())
    }

    /// The place that `key` names, if it is that of one of `datasets`. Strict: only what
    /// [`Location::key`] makes is taken.
    pub fn parse(key: &str, datasets: &[&'static Dataset]) -> Option<Self> {
        let mut parts = key.split('/');
        let (name, folder) = (parts.next()?, parts.next()?);
        let dataset = datasets.iter().find(|dataset| dataset.name == name)?;
        let (column, date) = folder.split_once('=')?;
        let first_day: NaiveDate = date.parse().ok()?;
        [PartitionBy::Day, PartitionBy::Month]
            .into_iter()
            .filter(|by| dataset.partition.key(*by) == column)
            .map(|by| Self::new(dataset, Partition::of_day(first_day, by)))
            .find(|location| location.key() == key)
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({})", self.key())
    }
}

/// Whether a key stays below the destination on every kind of store: parts joined by single `/`,
/// of letters, digits and `_ - = . :` only, none of them starting with a dot.
pub fn is_safe_key(key: &str) -> bool {
    key.split('/').all(|part| {
        !part.is_empty()
            && part.len() <= 255
            && !part.starts_with('.')
            && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-=.:".contains(&byte))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::testing::{ACTIVITY, CALLS, DATASETS, USERS};
    use proptest::prelude::*;

    fn day(text: &str, by: PartitionBy) -> Partition {
        Partition::of_day(text.parse().unwrap(), by)
    }

    #[test]
    fn keys_are_a_contract() {
        let key = |dataset, by| Location::new(dataset, day("2025-01-31", by)).key();
        assert_eq!(key(&CALLS, PartitionBy::Day), "calls/call_date=2025-01-31/calls.parquet");
        assert_eq!(key(&CALLS, PartitionBy::Month), "calls/call_month=2025-01-01/calls.parquet");
        assert_eq!(key(&USERS, PartitionBy::Day), "users/snapshot_date=2025-01-31/users.parquet");
        assert_eq!(
            key(&ACTIVITY, PartitionBy::Month),
            "activity_stats/activity_date=2025-01-01/activity_stats.parquet"
        );
    }

    #[test]
    fn a_snapshot_is_of_a_day_in_any_job() {
        let monthly = Location::new(&USERS, day("2025-01-31", PartitionBy::Month));
        assert_eq!(monthly.key(), "users/snapshot_date=2025-01-01/users.parquet");
        assert_eq!(monthly.partition().by(), PartitionBy::Day);
        assert_eq!(Location::parse(&monthly.key(), &DATASETS), Some(monthly));
    }

    #[test]
    fn hostile_and_foreign_names_are_no_locations() {
        for key in [
            "",
            "/",
            "calls",
            "calls/call_date=2025-01-31",
            "/calls/call_date=2025-01-31/calls.parquet",
            "calls/call_date=2025-01-31/calls.parquet/",
            "calls//call_date=2025-01-31/calls.parquet",
            "calls/call_date=2025-01-31/x/calls.parquet",
            "calls/call_date=2025-01-31/part-0.parquet",
            "calls/call_date=2025-01-31/calls.parquet#1",
            "calls/call_date=2025-01-31/parties.parquet",
            "calls/call_date=2025-1-31/calls.parquet",
            "calls/call_date=+2025-01-31/calls.parquet",
            "calls/call_date= 2025-01-31/calls.parquet",
            "calls/call_date=2025-01-32/calls.parquet",
            "calls/call_date=2025-01-31 /calls.parquet",
            "calls/call_date=2025-01-31=/calls.parquet",
            "calls/call_month=2025-01-31/calls.parquet",
            "calls/snapshot_date=2025-01-31/calls.parquet",
            "users/snapshot_month=2025-01-01/users.parquet",
            "calls/call_date=../calls.parquet",
            "../calls/call_date=2025-01-31/calls.parquet",
            "Calls/call_date=2025-01-31/calls.parquet",
            "deals/call_date=2025-01-31/deals.parquet",
            "calls\\call_date=2025-01-31\\calls.parquet",
            "_gong_export/tmp/r-1.parquet",
        ] {
            assert_eq!(Location::parse(key, &DATASETS), None, "{key}");
        }
    }

    #[test]
    fn safe_keys_stay_below_the_destination() {
        for key in ["_gong_export/runs/20250201T020000Z-7f3a.json", "calls/call_date=2025-01-31/calls.parquet", "a"] {
            assert!(is_safe_key(key), "{key}");
        }
        let long = "a".repeat(256);
        for key in ["", "/a", "a/", "a//b", "a/../b", "..", ".", "a/.hidden", "a\\b", "a\0", "a b", "ä", "a%2F", &long]
        {
            assert!(!is_safe_key(key), "{key:?}");
        }
    }

    proptest! {
        #[test]
        fn keys_parse_back(days in 1i32..3_652_059, month: bool, which in 0..DATASETS.len()) {
            let by = if month { PartitionBy::Month } else { PartitionBy::Day };
            let first_day = NaiveDate::from_num_days_from_ce_opt(days).unwrap();
            let location = Location::new(DATASETS[which], Partition::of_day(first_day, by));
            prop_assert!(is_safe_key(&location.key()));
            prop_assert_eq!(Location::parse(&location.key(), &DATASETS), Some(location));
        }

        #[test]
        fn whatever_parses_is_its_own_key(key in "(calls|users|x)?/?(call_date|call_month)=[0-9+ -]{0,12}/?(calls|\\.\\.)?(\\.parquet)?") {
            if let Some(location) = Location::parse(&key, &DATASETS) {
                prop_assert_eq!(location.key(), key);
            }
        }
    }
}
