//! Sums and comparisons over what a run wrote down, for its record.

use std::collections::BTreeMap;

use crate::state::run_record::{Counts, DatasetRecord, FileRecord, WindowRecord};

/// What each dataset gained.
pub(super) fn totals(files: &[FileRecord]) -> Vec<DatasetRecord> {
    let mut totals: BTreeMap<&str, DatasetRecord> = BTreeMap::new();
    for file in files {
        let total = totals
            .entry(&file.dataset)
            .or_insert_with(|| DatasetRecord { dataset: file.dataset.clone(), ..DatasetRecord::default() });
        total.partitions += 1;
        total.rows += file.rows;
        total.bytes += file.bytes;
        total.partitions_changed += u64::from(file.changed);
    }
    totals.into_values().collect()
}

/// A listing that lost records on the way, or delivered fewer than it announced.
pub(super) fn count_warnings(windows: &[WindowRecord]) -> Vec<String> {
    let mut warnings = Vec::new();
    for WindowRecord { fetch, from, to, announced, counts } in windows {
        if let Some(announced) = announced
            && *announced != counts.fetched
        {
            let fetched = counts.fetched;
            warnings.push(format!(
                "{fetch} {from} to {to}: Gong announced {announced} records and delivered {fetched}; \
                 it may still be processing some, a later run fetches them"
            ));
        }
        if !counts.agree() {
            let Counts { fetched, written, private, excluded, filtered, duplicates, outside, rejected } = counts;
            warnings.push(format!(
                "{fetch} {from} to {to}: of {fetched} records fetched, {written} were written, {private} were private, \
                 {excluded} excluded, {filtered} filtered out, {duplicates} duplicates, {outside} outside, {rejected} rejected; \
                 the others belong to partitions that were not finished"
            ));
        }
    }
    if windows.iter().any(|w| w.fetch == "calls")
        && windows.iter().filter(|w| w.fetch == "calls").all(|w| w.counts.fetched == 0)
    {
        warnings.push(
            "no calls in the whole range: either there are none, or this key cannot see them; \
             `gong-export check` tells which"
                .to_owned(),
        );
    }
    warnings
}
