//! Calls that a job leaves out, looked up by their ids: lists such as the activity of users name calls
//! without saying whether they are private.

use std::collections::{BTreeSet, HashSet};

use super::context::Context;
use super::pages;
use super::selection::LeftOut;
use super::unit_error::UnitError;
use crate::gong::endpoint::{Block, IDS_MAX, Request};
use crate::gong::model::CallHead;

/// Calls that nothing may be told about.
#[derive(Debug, Default)]
pub(super) struct Hidden {
    /// Private and excluded ones.
    pub(super) unwanted: HashSet<String>,
    /// Those that Gong does not show, which may be either; deleted ones, or all that a key without the
    /// right to see calls asks for.
    pub(super) unseen: HashSet<String>,
}

/// Which of `ids` nothing may be told about. Takes a request for every hundred ids, and none when the
/// job hides nothing.
pub(super) async fn among(context: &Context, ids: BTreeSet<String>) -> Result<Hidden, UnitError> {
    let selection = &context.job.selection;
    if !selection.hides_calls() {
        return Ok(Hidden::default());
    }
    let blocks = if selection.needs_parties() { BTreeSet::from([Block::Parties]) } else { BTreeSet::new() };
    let ids: Vec<String> = ids.into_iter().collect();
    let mut hidden = Hidden { unseen: ids.iter().cloned().collect(), unwanted: HashSet::new() };
    for some in ids.chunks(IDS_MAX) {
        let request = Request::calls_by_id(some, &blocks);
        for page in context.unless_stopping(pages::all(&context.client, &request)).await? {
            for raw in page.records() {
                let Ok(call) = CallHead::decode(raw) else { continue };
                hidden.unseen.remove(&call.id);
                match selection.leaves_out(&call, raw) {
                    Some(LeftOut::Private | LeftOut::Excluded) => drop(hidden.unwanted.insert(call.id)),
                    // Who takes part decides which calls are exported, not what users did.
                    Some(LeftOut::Filtered) | None => {}
                }
            }
        }
    }
    Ok(hidden)
}
