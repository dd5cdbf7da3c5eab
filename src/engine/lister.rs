//! The road that calls take: windows are listed a few at a time, put back into the order of time, cut
//! into chunks, joined with their transcripts, and handed to the encoder.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::call_listing::{self, Listed};
use super::chunk::{Chunk, Chunker};
use super::context::{Context, UnitError};
use super::encoder::Encoder;
use super::transcripts;
use crate::plan::{CallPlan, Window};

/// Windows that are being listed or wait, listed, for those before them. More hide more latency and
/// hold more records.
const WINDOWS_AHEAD: usize = 6;

/// Requests for transcripts under way at once. Three a second at two seconds of latency keep six
/// busy; their answers are the largest of all.
const TRANSCRIPTS_AHEAD: usize = 8;

/// Chunks that wait between two stages.
const CHUNKS_WAITING: usize = 2;

/// Exports all datasets that are made from calls.
pub(super) async fn export_calls(context: &Arc<Context>, plan: CallPlan) {
    let plan = Arc::new(plan);
    let (chunks_in, mut chunks) = mpsc::channel(CHUNKS_WAITING);
    let (encoder_in, to_encode) = mpsc::channel(CHUNKS_WAITING);

    let lister = tokio::spawn(list_windows(Arc::clone(context), Arc::clone(&plan), chunks_in));
    let encoder = {
        let encoder = Encoder::new(Arc::clone(context), Arc::clone(&plan));
        tokio::task::spawn_blocking(move || encoder.run(to_encode))
    };

    let mut under_way: FuturesOrdered<JoinHandle<Chunk>> = FuturesOrdered::new();
    loop {
        let chunk = tokio::select! {
            Some(chunk) = chunks.recv(), if under_way.len() < TRANSCRIPTS_AHEAD => {
                let (context, plan) = (Arc::clone(context), Arc::clone(&plan));
                under_way.push_back(tokio::spawn(async move {
                    if plan.transcripts { transcripts::fetch(&context, chunk).await } else { chunk }
                }));
                continue;
            }
            Some(chunk) = under_way.next() => joined(chunk),
            else => break,
        };
        // The encoder ends early only when the run is stopping.
        if encoder_in.send(chunk).await.is_err() {
            break;
        }
    }
    drop(encoder_in);
    drop(chunks);
    joined(lister.await);
    joined(encoder.await);
}

/// A task's result; its panic goes on here.
fn joined<T>(result: Result<T, tokio::task::JoinError>) -> T {
    result.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// A window in the queue of listings.
enum Entry {
    Waiting(Window),
    Listing(Window, JoinHandle<Result<Listed, UnitError>>),
}

/// Lists all windows, [`WINDOWS_AHEAD`] at a time, and sends their calls on in order of time.
async fn list_windows(context: Arc<Context>, plan: Arc<CallPlan>, chunks: mpsc::Sender<Chunk>) {
    let size = if plan.transcripts { transcripts::IDS_MAX } else { usize::from(u16::MAX) };
    let mut chunker = Chunker::new(size);
    let mut queue: VecDeque<Entry> = plan.windows.iter().copied().map(Entry::Waiting).collect();
    while !queue.is_empty() {
        start_listings(&mut queue, &context, &plan);
        let Some(Entry::Listing(window, listing)) = queue.pop_front() else {
            unreachable!("the first window of the queue is always being listed");
        };
        let full = match joined(listing.await) {
            Ok(Listed::Complete(listed)) => chunker.listed(listed),
            Ok(Listed::Split(pieces)) => {
                for piece in pieces.into_iter().rev() {
                    queue.push_front(Entry::Waiting(piece));
                }
                continue;
            }
            Err(error) => {
                context.unit_failed(&format!("calls from {}", window.range), &error);
                chunker.failed(window.range);
                Vec::new()
            }
        };
        for chunk in full {
            if chunks.send(chunk).await.is_err() {
                return;
            }
        }
    }
    if let Some(chunk) = chunker.finish() {
        // Nobody listens any more only when the run is stopping.
        let _ = chunks.send(chunk).await;
    }
}

/// Begins listings from the front of the queue: always the first, the others as far as
/// [`WINDOWS_AHEAD`] allows.
fn start_listings(queue: &mut VecDeque<Entry>, context: &Arc<Context>, plan: &Arc<CallPlan>) {
    let mut under_way = queue.iter().filter(|entry| matches!(entry, Entry::Listing(..))).count();
    for (place, entry) in queue.iter_mut().enumerate() {
        if place > 0 && under_way >= WINDOWS_AHEAD {
            break;
        }
        if let Entry::Waiting(window) = *entry {
            let (context, plan) = (Arc::clone(context), Arc::clone(plan));
            let task = tokio::spawn(async move { call_listing::list(&context, &plan, window).await });
            *entry = Entry::Listing(window, task);
            under_way += 1;
        }
    }
}
