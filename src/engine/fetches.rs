//! Chunks on their way to the encoder: their transcripts are fetched several at once, and they leave in the
//! order in which they came.

use std::sync::Arc;

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use tokio::task::JoinHandle;

use super::ahead::Ahead;
use super::chunk::Chunk;
use super::context::Context;
use super::transcripts::{self, Fetched};
use super::{Event, Fetch, joined};

pub(super) struct Fetches {
    context: Arc<Context>,
    /// Whether the job asks for transcripts; chunks only pass through otherwise.
    asks: bool,
    under_way: FuturesOrdered<JoinHandle<Fetched>>,
    /// The rest of the chunk that left last, which comes before those under way.
    rest: Option<Chunk>,
    ahead: Ahead,
}

impl Fetches {
    pub(super) fn new(context: Arc<Context>, asks: bool) -> Self {
        Self { context, asks, under_way: FuturesOrdered::new(), rest: None, ahead: Ahead::default() }
    }

    /// Whether another chunk may begin.
    pub(super) fn has_room(&self) -> bool {
        self.rest.is_none() && self.ahead.has_room(self.under_way.len(), self.context.under_way())
    }

    /// Waits until something that left is encoded, which may make room.
    pub(super) fn freed(&self) -> impl Future<Output = ()> + use<> {
        self.ahead.freed()
    }

    pub(super) fn begin(&mut self, chunk: Chunk) {
        if self.asks {
            // Counted in calls looked at: not every call has a transcript.
            let records = chunk.calls.len() as u64;
            self.context.emit(&Event::Announced { fetch: Fetch::Transcripts, records });
        }
        let task = self.fetch(chunk);
        self.under_way.push_back(task);
    }

    /// The next chunk, or the first part of it, with its transcripts; `None` when none is under way. Dropping
    /// the future loses nothing.
    pub(super) async fn next(&mut self) -> Option<Chunk> {
        while self.rest.is_some() {
            match self.rest.take_if(|_| self.ahead.has_room_for_rest(self.under_way.len())) {
                Some(rest) => {
                    let task = self.fetch(rest);
                    self.under_way.push_front(task);
                }
                None => self.ahead.freed().await,
            }
        }
        let Fetched { mut chunk, rest } = joined(self.under_way.next().await?);
        self.rest = rest;
        chunk.weight = Some(self.ahead.received(chunk.transcripts.size_bytes(), chunk.calls.len()));
        Some(chunk)
    }

    fn fetch(&self, chunk: Chunk) -> JoinHandle<Fetched> {
        let (context, asks, ids_max) = (Arc::clone(&self.context), self.asks, self.ahead.ids_max());
        tokio::spawn(async move {
            if asks { transcripts::fetch(&context, chunk, ids_max).await } else { Fetched { chunk, rest: None } }
        })
    }
}
