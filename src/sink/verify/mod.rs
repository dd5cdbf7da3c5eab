//! Everything read back and held against what was promised: columns, counts, checksums, order,
//! keys, references. One row group of a few files is in memory at a time, and 20 bytes for each call.
//!
//! Called by `cli`. Finds and tells; changes nothing.

mod file;
mod finding;
mod rows;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use chrono_tz::Tz;
use futures_util::{StreamExt, stream};

pub use finding::Finding;

use self::file::verify_file;
use self::rows::{CallHash, Calls, Role};
use super::error::Error;
use super::store::{Store, StoredFile};
use crate::calendar::{Partition, PartitionBy};
use crate::dataset::{Dataset, PartitionColumn};

/// Partitions that are read at a time.
const PARTITIONS_AT_A_TIME: usize = 4;

/// The dataset that the rows of others refer to.
const CALLS_NAME: &str = "calls";
const TRANSCRIPTS_NAME: &str = "transcripts";

/// What a destination holds, and what is wrong with it.
#[derive(Debug, Default)]
pub struct Verification {
    pub files: u64,
    pub rows: u64,
    pub size_bytes: u64,
    /// Empty when all is as promised.
    pub findings: Vec<Finding>,
}

/// Reads all data files of `datasets` back. `zone` is the job's: the one that days of calls are in.
///
/// An error is a destination that did not answer; a damaged file is a finding.
pub async fn verify(store: &Store, datasets: &[&'static Dataset], zone: Tz) -> Result<Verification, Error> {
    let listing = store.list(datasets).await?;
    let mut verification = Verification::default();
    let mut groups: BTreeMap<Group, Vec<StoredFile>> = BTreeMap::new();
    let mut partitioned_by: BTreeMap<&'static str, BTreeSet<PartitionBy>> = BTreeMap::new();
    let calls_exported = listing.files.iter().any(|file| file.location.dataset().name == CALLS_NAME);
    for file in listing.files {
        verification.files += 1;
        verification.size_bytes += file.size_bytes;
        let (dataset, partition) = (file.location.dataset(), file.location.partition());
        partitioned_by.entry(dataset.name).or_default().insert(partition.by());
        let group = match dataset.partition {
            PartitionColumn::Call => Group::OfCalls(partition),
            PartitionColumn::Snapshot
            | PartitionColumn::Activity
            | PartitionColumn::Review
            | PartitionColumn::Event => Group::Alone(file.key.clone()),
        };
        groups.entry(group).or_default().push(file);
    }
    for (dataset, by) in partitioned_by {
        if by.len() > 1 {
            verification.findings.push(Finding::MixedPartitions { dataset });
        }
    }
    verification.findings.extend(listing.strays.into_iter().map(|key| Finding::Stray { key }));

    let mut all_calls = AllCalls::default();
    let mut results = stream::iter(groups.into_values())
        .map(|files| verify_group(store, files, zone, calls_exported))
        .buffered(PARTITIONS_AT_A_TIME);
    while let Some(result) = results.next().await {
        let group = result?;
        verification.rows += group.rows;
        verification.findings.extend(group.findings);
        if let Some((key, calls)) = group.calls {
            verification.findings.extend(all_calls.add(key, &calls));
        }
    }
    Ok(verification)
}

/// Files that are checked together.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Group {
    OfCalls(Partition),
    Alone(String),
}

#[derive(Debug, Default)]
struct GroupResult {
    rows: u64,
    findings: Vec<Finding>,
    /// The file of calls, if there is one that can be read.
    calls: Option<(String, Arc<Calls>)>,
}

async fn verify_group(
    store: &Store,
    mut files: Vec<StoredFile>,
    zone: Tz,
    calls_exported: bool,
) -> Result<GroupResult, Error> {
    let mut result = GroupResult::default();
    // A partition without its file of calls has no calls. Where there is a file that cannot be read,
    // that is one finding, and not one more for each file that refers to it.
    let mut known = calls_exported.then(Arc::<Calls>::default);
    // The file of calls first: the others refer to it.
    files.sort_by_key(|file| file.location.dataset().name != CALLS_NAME);
    for file in files {
        let dataset = file.location.dataset();
        let refers = dataset.partition == PartitionColumn::Call && dataset.key.first() == Some(&"call_id");
        let role = || match &known {
            _ if dataset.name == CALLS_NAME => Role::Calls(Calls::new()),
            Some(calls) if refers => {
                Role::OfCalls { calls: calls.clone(), transcripts: dataset.name == TRANSCRIPTS_NAME }
            }
            _ => Role::Apart,
        };
        let read = verify_file(store, &file, zone, role).await?;
        result.rows += read.rows;
        result.findings.extend(read.findings);
        if dataset.name == CALLS_NAME {
            known = read.calls.map(Arc::new);
            result.calls = known.clone().map(|calls| (file.key, calls));
        }
    }
    Ok(result)
}

/// The calls of all files: a call has one row in one file.
#[derive(Debug, Default)]
struct AllCalls {
    files: Vec<String>,
    /// The index of the first file that has it.
    first: HashMap<CallHash, u32>,
}

impl AllCalls {
    /// Adds a file's calls; what is in earlier files too.
    fn add(&mut self, key: String, calls: &Calls) -> Vec<Finding> {
        let index = u32::try_from(self.files.len()).unwrap_or(u32::MAX);
        let mut repeated: BTreeMap<u32, u64> = BTreeMap::new();
        for call in calls.keys() {
            let first = *self.first.entry(*call).or_insert(index);
            if first != index {
                *repeated.entry(first).or_default() += 1;
            }
        }
        let elsewhere = |first: u32| self.files.get(first as usize).cloned().unwrap_or_default();
        let findings = repeated
            .into_iter()
            .map(|(first, calls)| Finding::RepeatedCalls { key: key.clone(), calls, elsewhere: elsewhere(first) })
            .collect();
        self.files.push(key);
        findings
    }
}

#[cfg(test)]
mod tests;
