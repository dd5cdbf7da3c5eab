//! The road that calls take: windows are listed a few at a time, put back into the order of time, cut
//! into chunks, joined with their transcripts, and handed to the encoder.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::task::JoinHandle;

use super::call_listing::{self, Listed, Part};
use super::chunk::{Chunk, Chunker};
use super::context::Context;
use super::encoder::Encoder;
use super::unit_error::UnitError;
use super::{awaited, bytes_channel, transcripts};
use crate::plan::{CallPlan, Window};

/// Calls that travel together when no transcripts are asked for.
const CALLS_WITHOUT_TRANSCRIPTS: usize = 500;

/// Requests for transcripts under way at once, or received and not yet encoded: one more than the rate
/// limit lets be under way, within these bounds.
const TRANSCRIPTS_AHEAD: RangeInclusive<usize> = 2..=12;

/// Bytes of their answers; they are the largest of all.
const TRANSCRIPT_BYTES_AHEAD: usize = 24 << 20;

/// Bytes of calls and transcripts that wait between two stages.
const CHUNK_BYTES_WAITING: usize = 4 << 20;

/// Exports all datasets that are made from calls.
pub(super) async fn export_calls(context: &Arc<Context>, mut plan: CallPlan) {
    if !plan.awaiting.is_empty() {
        match awaited::arrived(context, &plan.awaiting).await {
            Ok(arrived) => plan.add(&arrived, context.job.zone),
            Err(error) => context.unit_failed("awaited transcripts", &error),
        }
    }
    let plan = Arc::new(plan);
    let (chunks_in, mut chunks) = bytes_channel::channel(CHUNK_BYTES_WAITING);
    let (encoder_in, to_encode) = bytes_channel::channel(CHUNK_BYTES_WAITING);

    let lister = tokio::spawn(list_windows(Arc::clone(context), Arc::clone(&plan), chunks_in));
    let encoder = {
        let encoder = Encoder::new(Arc::clone(context), Arc::clone(&plan));
        tokio::task::spawn_blocking(move || encoder.run(to_encode))
    };

    let mut under_way: FuturesOrdered<JoinHandle<Chunk>> = FuturesOrdered::new();
    let mut ahead = Ahead::default();
    loop {
        let chunk = tokio::select! {
            Some(chunk) = chunks.recv(), if under_way.len() < ahead.max(context) => {
                let (context, plan) = (Arc::clone(context), Arc::clone(&plan));
                under_way.push_back(tokio::spawn(async move {
                    if plan.transcripts { transcripts::fetch(&context, chunk).await } else { chunk }
                }));
                continue;
            }
            Some(chunk) = under_way.next() => joined(chunk),
            else => break,
        };
        ahead.received(chunk.transcripts.size_bytes());
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

/// How many answers with transcripts may be ahead of the encoder, by what the latest ones weighed:
/// how long a call was is not known before.
#[derive(Debug, Default)]
struct Ahead {
    /// A recent answer at its largest. `None` before the first.
    answer_bytes: Option<usize>,
}

impl Ahead {
    fn max(&self, context: &Context) -> usize {
        let (least, most) = TRANSCRIPTS_AHEAD.into_inner();
        match self.answer_bytes {
            None => least,
            Some(bytes) => {
                let fitting = TRANSCRIPT_BYTES_AHEAD / bytes.max(1);
                context.under_way().saturating_add(1).clamp(least, most).min(fitting.max(1))
            }
        }
    }

    /// A large answer counts at once, and is forgotten slowly.
    fn received(&mut self, bytes: usize) {
        let before = self.answer_bytes.unwrap_or_default();
        self.answer_bytes = Some(bytes.max(before - before / 8));
    }
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
    /// Tells it that it is the first of the queue.
    turn: Arc<AtomicBool>,
    parts: bytes_channel::Receiver<Part>,
    task: JoinHandle<Result<Listed, UnitError>>,
}

/// Lists all windows, a few at a time, and sends their calls on in order of time.
async fn list_windows(context: Arc<Context>, plan: Arc<CallPlan>, chunks: bytes_channel::Sender<Chunk>) {
    let size = if plan.transcripts { transcripts::IDS_MAX } else { CALLS_WITHOUT_TRANSCRIPTS };
    let mut chunker = Chunker::new(size);
    let mut queue: VecDeque<Entry> = plan.windows.iter().copied().map(Entry::Waiting).collect();
    while !queue.is_empty() {
        start_listings(&mut queue, 0, &context, &plan);
        let Some(Entry::Listing(UnderWay { window, turn, mut parts, task })) = queue.pop_front() else {
            unreachable!("the first window of the queue is always being listed");
        };
        turn.store(true, Ordering::Relaxed);
        while let Some(mut part) = parts.recv().await {
            if let Part::Calls { load, .. } = &mut part {
                load.get_or_insert_with(|| context.backlog.page());
            }
            for chunk in chunker.part(part) {
                if chunks.send(chunk).await.is_err() {
                    return;
                }
            }
            // The first answer has told the latency: windows that wait may now be worth a lane.
            start_listings(&mut queue, 1, &context, &plan);
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

/// Begins listings from the front of the queue as far as latency asks for them, beside `others` that go
/// on already; where there are none, the first in any case.
fn start_listings(queue: &mut VecDeque<Entry>, others: usize, context: &Arc<Context>, plan: &Arc<CallPlan>) {
    let lanes = context.lanes(plan.transcripts);
    let mut under_way = others + queue.iter().filter(|entry| matches!(entry, Entry::Listing(..))).count();
    for (place, entry) in queue.iter_mut().enumerate() {
        if under_way >= lanes && (place > 0 || others > 0) {
            break;
        }
        if let Entry::Waiting(window) = *entry {
            let (context, plan) = (Arc::clone(context), Arc::clone(plan));
            let (sender, parts) = bytes_channel::channel(call_listing::BYTES_AHEAD / lanes);
            let turn = Arc::new(AtomicBool::new(others == 0 && place == 0));
            let its_turn = Arc::clone(&turn);
            let task =
                tokio::spawn(async move { call_listing::list(&context, &plan, window, &its_turn, &sender).await });
            *entry = Entry::Listing(UnderWay { window, turn, parts, task });
            under_way += 1;
        }
    }
}
