//! The road that calls take: windows are listed a few at a time, put back into the order of time, cut
//! into chunks, joined with their transcripts, and handed to the encoder.

use std::collections::VecDeque;
use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::call_listing::{self, Listed, Part};
use super::chunk::{Chunk, Chunker};
use super::context::Context;
use super::encoder::Encoder;
use super::unit_error::UnitError;
use super::{awaited, transcripts};
use crate::plan::{CallPlan, Window};

/// Pages of one listing that wait for their turn. A window that is listed ahead fits in whole.
const PARTS_WAITING: usize = 32;

/// Calls that travel together when no transcripts are asked for.
const CALLS_WITHOUT_TRANSCRIPTS: usize = 500;

/// Requests for transcripts under way at once. Three a second at two seconds of latency keep six
/// busy; their answers are the largest of all.
const TRANSCRIPTS_AHEAD: usize = 8;

/// Chunks that wait between two stages.
const CHUNKS_WAITING: usize = 2;

/// Exports all datasets that are made from calls.
pub(super) async fn export_calls(context: &Arc<Context>, mut plan: CallPlan) {
    if !plan.awaiting.is_empty() {
        match awaited::arrived(context, &plan.awaiting).await {
            Ok(arrived) => plan.add(&arrived, context.job.zone),
            Err(error) => context.unit_failed("awaited transcripts", &error),
        }
    }
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
    Listing(UnderWay),
}

/// A listing that goes on.
struct UnderWay {
    window: Window,
    parts: mpsc::Receiver<Part>,
    task: JoinHandle<Result<Listed, UnitError>>,
}

/// Lists all windows, a few at a time, and sends their calls on in order of time.
async fn list_windows(context: Arc<Context>, plan: Arc<CallPlan>, chunks: mpsc::Sender<Chunk>) {
    let size = if plan.transcripts { transcripts::IDS_MAX } else { CALLS_WITHOUT_TRANSCRIPTS };
    let mut chunker = Chunker::new(size);
    let mut queue: VecDeque<Entry> = plan.windows.iter().copied().map(Entry::Waiting).collect();
    while !queue.is_empty() {
        start_listings(&mut queue, &context, &plan);
        let Some(Entry::Listing(UnderWay { window, mut parts, task })) = queue.pop_front() else {
            unreachable!("the first window of the queue is always being listed");
        };
        while let Some(part) = parts.recv().await {
            for chunk in chunker.part(part) {
                if chunks.send(chunk).await.is_err() {
                    return;
                }
            }
        }
        match joined(task.await) {
            Ok(Listed::Complete) => {}
            Ok(Listed::Split(pieces)) => {
                for piece in pieces.into_iter().rev() {
                    queue.push_front(Entry::Waiting(piece));
                }
            }
            Err(error) => {
                context.unit_failed(&format!("calls from {}", window.range), &error);
                chunker.failed(window.range);
            }
        }
    }
    if let Some(chunk) = chunker.finish() {
        // Nobody listens any more only when the run is stopping.
        let _ = chunks.send(chunk).await;
    }
}

/// Begins listings from the front of the queue: always the first, the others as far as latency asks
/// for them.
fn start_listings(queue: &mut VecDeque<Entry>, context: &Arc<Context>, plan: &Arc<CallPlan>) {
    let lanes = context.lanes(plan.transcripts);
    let mut under_way = queue.iter().filter(|entry| matches!(entry, Entry::Listing(..))).count();
    for (place, entry) in queue.iter_mut().enumerate() {
        if place > 0 && under_way >= lanes {
            break;
        }
        if let Entry::Waiting(window) = *entry {
            let (context, plan) = (Arc::clone(context), Arc::clone(plan));
            let (sender, parts) = mpsc::channel(PARTS_WAITING);
            let task = tokio::spawn(async move { call_listing::list(&context, &plan, window, &sender).await });
            *entry = Entry::Listing(UnderWay { window, parts, task });
            under_way += 1;
        }
    }
}
