//! The transcripts of a chunk of calls.

use super::chunk::Chunk;
use super::context::Context;
use super::unit_error::{UnitError, error_chain};
use super::{Event, Fetch, pages};
use crate::gong::endpoint::Request;
use crate::gong::{self, ErrorKind, Page};

/// How many ids one request takes.
pub(super) const IDS_MAX: usize = 100;

/// What is known of the transcripts of a chunk.
#[derive(Debug)]
pub(super) enum Transcripts {
    /// The job does not ask for them.
    NotAsked,
    /// The answers, each record a transcript. Calls that are not in them have none.
    Fetched(Vec<Page>),
    /// The key may not read transcripts: the rest of the job can still be done.
    Refused(UnitError),
    /// Not fetched, so that the partitions of these calls cannot be complete.
    Failed(UnitError),
}

impl Transcripts {
    /// Of the answers that are held.
    pub(super) fn size_bytes(&self) -> usize {
        match self {
            Self::Fetched(pages) => pages.iter().map(Page::size_bytes).sum(),
            Self::NotAsked | Self::Refused(_) | Self::Failed(_) => 0,
        }
    }
}

/// Fetches the transcripts of the chunk's calls, by id.
pub(super) async fn fetch(context: &Context, mut chunk: Chunk) -> Chunk {
    let ids: Vec<String> = chunk.calls.iter().map(|call| call.id.clone()).collect();
    // Counted in calls looked at: not every call has a transcript.
    let records = ids.len() as u64;
    context.emit(&Event::Announced { fetch: Fetch::Transcripts, records });
    chunk.transcripts = match answers(context, &ids).await {
        Ok(pages) => {
            context.emit(&Event::Fetched { fetch: Fetch::Transcripts, records });
            Transcripts::Fetched(pages)
        }
        Err(UnitError::Gong(error)) if error.kind() == ErrorKind::Credentials => {
            Transcripts::Refused(UnitError::Gong(error))
        }
        Err(error) => Transcripts::Failed(error),
    };
    chunk
}

/// Asks for `ids`, for half of them where an answer is too large to hold. A single transcript that is
/// too large is counted as a rejected record, and its call goes on without.
async fn answers(context: &Context, ids: &[String]) -> Result<Vec<Page>, UnitError> {
    let mut found = Vec::new();
    let mut waiting = vec![ids];
    while let Some(ids) = waiting.pop() {
        // An empty list of ids is refused by the API.
        if ids.is_empty() {
            continue;
        }
        let request = Request::transcripts(ids, context.job.selection.workspace.as_deref());
        match context.unless_stopping(pages::all(&context.client, &request)).await {
            Ok(pages) => found.extend(pages),
            Err(UnitError::Gong(error @ gong::Error::TooLarge { .. })) => match ids {
                [id] => context.reject_unread(id, &error_chain(&error)),
                _ => {
                    let (first, second) = ids.split_at(ids.len() / 2);
                    waiting.extend([second, first]);
                }
            },
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}
