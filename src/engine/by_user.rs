//! Listings that have a record for each user: all of them, by user id, each once.

use std::collections::BTreeMap;

use super::context::Context;
use crate::gong::Page;
use crate::gong::model::{Drift, Rejected};
use crate::state::run_record::Counts;

/// Decodes all records, in the order of user ids, which is that of the files. A user that comes twice
/// counts once, as the later record has it. What cannot be decoded is kept aside.
pub(super) fn by_user<'p, T>(
    context: &Context,
    pages: &'p [Page],
    decode: impl Fn(&'p str, &mut Drift) -> Result<T, Rejected>,
    id: impl Fn(&T) -> &str,
) -> (BTreeMap<String, T>, Counts) {
    let mut counts = Counts::default();
    let mut drift = Drift::default();
    let mut users = BTreeMap::new();
    for page in pages {
        for (index, raw) in page.records().enumerate() {
            counts.fetched += 1;
            match decode(raw, &mut drift) {
                Ok(user) if context.job.selection.excludes_user(id(&user)) => counts.excluded += 1,
                Ok(user) => {
                    if users.insert(id(&user).to_owned(), user).is_some() {
                        counts.duplicates += 1;
                    }
                }
                Err(rejected) => {
                    counts.rejected += 1;
                    context.reject(page, index, &rejected.reason);
                }
            }
        }
        drift.replaced_characters += page.replaced_characters();
    }
    counts.written = users.len() as u64;
    context.drift(drift);
    (users, counts)
}
