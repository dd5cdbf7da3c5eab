//! Calls that a job leaves out, looked up by their ids: lists such as the activity of users name calls
//! without saying whether they are private.

use std::collections::{BTreeSet, HashSet};

use super::context::Context;
use super::pages;
use super::unit_error::UnitError;
use crate::gong::endpoint::{IDS_MAX, Request};
use crate::gong::model::CallHead;

/// Which of `ids` the job leaves out: private calls, and those that Gong does not show, which may be
/// private too. Takes a request for every hundred ids, and none when the job takes all calls.
pub(super) async fn among(context: &Context, ids: BTreeSet<String>) -> Result<HashSet<String>, UnitError> {
    if !context.job.selection.excludes_private() {
        return Ok(HashSet::new());
    }
    let ids: Vec<String> = ids.into_iter().collect();
    let mut hidden: HashSet<String> = ids.iter().cloned().collect();
    for some in ids.chunks(IDS_MAX) {
        let request = Request::calls_by_id(some, &BTreeSet::new());
        for page in context.unless_stopping(pages::all(&context.client, &request)).await? {
            for call in page.records().filter_map(|raw| CallHead::decode(raw).ok()) {
                if !call.is_private {
                    hidden.remove(&call.id);
                }
            }
        }
    }
    Ok(hidden)
}
