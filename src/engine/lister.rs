//! The road that calls take: windows are listed, side by side where latency asks for it, put back into the
//! order of time, cut into chunks, joined with their transcripts, and handed to the encoder.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tracing::warn;

use super::bytes_channel::Closed;
use super::call_listing::{Listed, Part, Purpose};
use super::chunk::{Chunk, Chunker};
use super::context::{Context, WindowId};
use super::encoder::Encoder;
use super::extent::Extent;
use super::fetches::Fetches;
use super::listings::{Listings, UnderWay};
use super::partition_files::Origin;
use super::{awaited, bytes_channel, joined, transcripts};
use crate::calendar::DateRange;
use crate::plan::CallPlan;

/// Calls that travel together when no transcripts are asked for.
const CALLS_WITHOUT_TRANSCRIPTS: usize = 500;

/// Bytes of calls and transcripts that wait between two stages.
const CHUNK_BYTES_WAITING: usize = 4 << 20;

/// How long a turn stays unclaimed at least, where nothing was found to be asked for in it.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// Exports all datasets that are made from calls.
pub(super) async fn export_calls(context: &Arc<Context>, mut plan: CallPlan) {
    if !plan.awaiting.is_empty() {
        context.first_calls_asked_for();
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

    let mut fetches = Fetches::new(Arc::clone(context), plan.transcripts);
    loop {
        let has_room = fetches.has_room();
        let chunk = tokio::select! {
            Some(chunk) = chunks.recv(), if has_room => {
                fetches.begin(chunk);
                continue;
            }
            () = fetches.freed(), if !has_room => continue,
            Some(chunk) = fetches.next() => chunk,
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

/// A listing that has ended, up to where it was cut.
#[derive(Debug)]
struct Ended {
    extent: Arc<Extent>,
    id: WindowId,
}

/// Lists all windows, side by side where that helps, and sends their calls on in order of time.
async fn list_windows(context: Arc<Context>, plan: Arc<CallPlan>, chunks: bytes_channel::Sender<Chunk>) {
    let size = if plan.transcripts { transcripts::IDS_MAX } else { CALLS_WITHOUT_TRANSCRIPTS };
    let listings = Listings::new(Arc::clone(&context), Arc::clone(&plan));
    let lister = Lister { context, plan, listings, chunker: Chunker::new(size), chunks };
    // Nobody listens any more only when the run is stopping.
    let _ = lister.run().await;
}

struct Lister {
    context: Arc<Context>,
    plan: Arc<CallPlan>,
    listings: Listings,
    chunker: Chunker,
    chunks: bytes_channel::Sender<Chunk>,
}

impl Lister {
    async fn run(mut self) -> Result<(), Closed<Chunk>> {
        let mut ended: Option<Ended> = None;
        while !self.listings.is_empty() {
            ended = self.pass_on_first(ended).await?;
        }
        match self.chunker.finish() {
            Some(chunk) => self.chunks.send(chunk).await,
            None => Ok(()),
        }
    }

    /// Passes on what the first listing brings, and takes it off the queue. `before` is the one that it was cut
    /// off from.
    async fn pass_on_first(&mut self, mut before: Option<Ended>) -> Result<Option<Ended>, Closed<Chunk>> {
        while let Some(mut part) = self.next_part().await {
            if let Part::Begins(origin) = &part
                && let Some((again, id)) = before.take().and_then(|before| self.missing(before, origin))
            {
                self.listings.put_back(part);
                self.listings.put_before(again, Purpose::Again(id));
                return Ok(None);
            }
            if let Part::Calls { load, .. } = &mut part {
                load.get_or_insert_with(|| self.context.backlog.page());
            }
            for chunk in self.chunker.part(part) {
                self.chunks.send(chunk).await?;
            }
            self.listings.cut_long_ones();
        }
        let (extent, UnderWay { task, .. }) = self.listings.take_first();
        match joined(task.await) {
            Ok(Listed { id }) => Ok(Some(Ended { extent, id })),
            Err(error) => {
                let window = extent.window();
                self.context.unit_failed(&format!("calls from {window}"), &error);
                self.chunker.failed(window);
                Ok(None)
            }
        }
    }

    /// The next part of the first listing; `None` when it has ended. Turns that nobody claims meanwhile are
    /// given to further listings.
    async fn next_part(&mut self) -> Option<Part> {
        let mut look_again = Instant::now();
        loop {
            tokio::select! {
                biased;
                part = self.listings.first().next_part() => return part,
                () = unclaimed_turn(&self.context, look_again) => {
                    if self.listings.is_wide() || !self.listings.widen() {
                        look_again = Instant::now() + LOOK_AGAIN;
                    }
                }
            }
        }
    }

    /// Compares what came before a cut with what was announced, now that the listing behind it has told how
    /// many records are there. What Gong lists out of order is missing on both sides of a cut: then the
    /// partition in which the window began is to be listed again, up to the cut and in one piece.
    fn missing(&self, before: Ended, behind: &Origin) -> Option<(DateRange, WindowId)> {
        let Ended { extent, id } = before;
        let announced = extent.announced_before(behind.window, behind.announced)?;
        let fetched = self.context.announced(id, announced);
        if fetched >= announced {
            return None;
        }
        let window = extent.window();
        warn!(event = "listing_unordered", %window, announced, fetched, "calls are missing before a cut, the window is listed once more");
        self.context.calls_come_unordered();
        let zone = self.context.job.zone;
        let spans = self.plan.partitions.iter().map(|partition| partition.span(zone));
        let from = spans.filter(|span| span.contains(window.from())).map(|span| span.from()).next();
        let window = DateRange::new(from.unwrap_or(window.from()), window.to())?;
        Some((window, id))
    }
}

/// Waits for a turn that nobody claims, not before `moment`.
async fn unclaimed_turn(context: &Context, moment: Instant) {
    tokio::time::sleep_until(moment).await;
    context.client.unclaimed_turn().await;
}
