//! Whether transcripts have come for calls of partitions that are settled otherwise. Asking for them
//! by id costs a request for a hundred calls, over all partitions; listing the partitions again
//! every night would cost a month of listings.

use std::collections::{BTreeMap, BTreeSet};

use super::context::Context;
use super::transcripts::{self, Answers, IDS_MAX};
use super::unit_error::{UnitError, error_chain};
use crate::calendar::Partition;
use crate::dataset;
use crate::gong::model::{Drift, Transcript};
use crate::sink::calls_without_transcript;

/// Those of `partitions` for which a transcript has come.
pub(super) async fn arrived(context: &Context, partitions: &[Partition]) -> Result<Vec<Partition>, UnitError> {
    let mut arrived = BTreeSet::new();
    let mut awaited: BTreeMap<String, Partition> = BTreeMap::new();
    for partition in partitions {
        let is_of = |location: &crate::sink::Location| {
            location.dataset() == &dataset::CALLS && location.partition() == *partition
        };
        match context.job.held.files.iter().find(|file| is_of(&file.location)) {
            Some(file) => {
                let ids = context.unless_stopping(calls_without_transcript(&context.store, file)).await?;
                awaited.extend(ids.into_iter().map(|id| (id, *partition)));
            }
            // Without the calls nobody knows which are awaited, so the partition is read again.
            None => {
                arrived.insert(*partition);
            }
        }
    }

    let ids: Vec<String> = awaited.keys().cloned().collect();
    let mut left = ids.as_slice();
    while !left.is_empty() {
        let Answers { pages, without, asked } = transcripts::answers(context, &left[..left.len().min(IDS_MAX)]).await?;
        left = &left[asked..];
        for (id, error) in without {
            // It was counted as rejected when its call was exported, and is no news every night.
            context.warn(format!("the transcript of call {id:?} cannot be asked for: {}", error_chain(&error)));
        }
        for raw in pages.iter().flat_map(crate::gong::Page::records) {
            // A record that cannot be decoded is met again, and kept aside, when it is exported.
            if let Ok(transcript) = Transcript::decode(raw, &mut Drift::default())
                && let Some(partition) = awaited.get(transcript.call_id.as_ref())
            {
                arrived.insert(*partition);
            }
        }
    }
    Ok(arrived.into_iter().collect())
}
