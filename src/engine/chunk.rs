//! Calls in groups as large as a request for transcripts takes, in order of time, across the edges of
//! windows and partitions: so that no request is spent on half a group.

use chrono::{DateTime, Utc};

use super::call_listing::{ListedCall, ListedWindow};
use super::partition_files::Origin;
use super::transcripts::Transcripts;
use crate::calendar::DateRange;

/// Calls that go through the rest of the pipeline together.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Windows whose calls begin here, or that had none.
    pub(super) begins: Vec<ChunkWindow>,
    /// In order of start, then id.
    pub(super) calls: Vec<ListedCall>,
    /// All calls that started before this instant are in this chunk or an earlier one.
    pub(super) complete_to: Option<DateTime<Utc>>,
    pub(super) transcripts: Transcripts,
}

/// A window as the encoder has to know it.
#[derive(Debug)]
pub(super) enum ChunkWindow {
    Listed(Origin),
    /// Its listing failed: the partitions it touches cannot be complete.
    Failed(DateRange),
}

impl ChunkWindow {
    fn end(&self) -> DateTime<Utc> {
        match self {
            Self::Listed(origin) => origin.window.to(),
            Self::Failed(range) => range.to(),
        }
    }
}

/// Makes chunks from windows that arrive in order of time.
#[derive(Debug)]
pub(super) struct Chunker {
    size: usize,
    begins: Vec<ChunkWindow>,
    calls: Vec<ListedCall>,
    /// The end of the last window that arrived.
    listed_to: Option<DateTime<Utc>>,
}

impl Chunker {
    /// Chunks of `size` calls, except the last.
    pub(super) fn new(size: usize) -> Self {
        Self { size, begins: Vec::new(), calls: Vec::new(), listed_to: None }
    }

    /// Takes a window; returns the chunks that are full now.
    pub(super) fn listed(&mut self, listed: ListedWindow) -> Vec<Chunk> {
        let ListedWindow { window, as_of, announced, calls } = listed;
        self.begin(ChunkWindow::Listed(Origin::new(as_of, window.range, announced)));
        self.calls.extend(calls);
        let mut chunks = Vec::new();
        while self.calls.len() >= self.size {
            chunks.push(self.take(self.size));
        }
        chunks
    }

    /// Takes note of a window whose listing failed.
    pub(super) fn failed(&mut self, range: DateRange) {
        self.begin(ChunkWindow::Failed(range));
    }

    /// What is left at the end; `None` when nothing is.
    pub(super) fn finish(mut self) -> Option<Chunk> {
        let left = self.calls.len();
        (left > 0 || !self.begins.is_empty()).then(|| self.take(left))
    }

    fn begin(&mut self, window: ChunkWindow) {
        self.listed_to = Some(window.end());
        self.begins.push(window);
    }

    fn take(&mut self, count: usize) -> Chunk {
        let rest = self.calls.split_off(count);
        let calls = std::mem::replace(&mut self.calls, rest);
        let complete_to = self.calls.first().map_or(self.listed_to, |next| Some(next.started));
        Chunk { begins: std::mem::take(&mut self.begins), calls, complete_to, transcripts: Transcripts::NotAsked }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Window;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    fn window(from: i64, to: i64, starts: &[i64]) -> ListedWindow {
        let calls = starts.iter().map(|start| ListedCall::invented(&start.to_string(), at(*start))).collect();
        let range = DateRange::new(at(from), at(to)).unwrap();
        ListedWindow { window: Window { range }, as_of: at(1_000), announced: Some(starts.len() as u64), calls }
    }

    #[test]
    fn chunks_fill_up_across_windows() {
        let mut chunker = Chunker::new(3);
        assert!(chunker.listed(window(0, 10, &[1, 2])).is_empty());
        let full = chunker.listed(window(10, 20, &[11, 12]));
        assert_eq!(full.len(), 1);
        assert_eq!((full[0].calls.len(), full[0].begins.len(), full[0].complete_to), (3, 2, Some(at(12))));
        chunker.failed(DateRange::new(at(20), at(30)).unwrap());
        let rest = chunker.finish().unwrap();
        assert_eq!((rest.calls.len(), rest.begins.len(), rest.complete_to), (1, 1, Some(at(30))));
    }

    #[test]
    fn windows_without_calls_still_complete() {
        let mut chunker = Chunker::new(100);
        assert!(chunker.listed(window(0, 10, &[])).is_empty());
        let chunk = chunker.finish().unwrap();
        assert_eq!((chunk.calls.len(), chunk.begins.len(), chunk.complete_to), (0, 1, Some(at(10))));
        assert!(Chunker::new(100).finish().is_none());
    }

    proptest! {
        #[test]
        fn every_call_comes_once_in_order_and_nothing_completes_early(
            sizes in prop::collection::vec(0usize..40, 1..12), size in 1usize..30,
        ) {
            let mut chunker = Chunker::new(size);
            let mut chunks = Vec::new();
            let mut expected = Vec::new();
            for (place, count) in sizes.iter().enumerate() {
                let from = place as i64 * 100;
                let starts: Vec<i64> = (0..*count as i64).map(|i| from + i).collect();
                expected.extend(starts.iter().map(|start| at(*start)));
                chunks.extend(chunker.listed(window(from, from + 100, &starts)));
            }
            chunks.extend(chunker.finish());
            let seen: Vec<_> = chunks.iter().flat_map(|chunk| chunk.calls.iter().map(|call| call.started)).collect();
            prop_assert_eq!(&seen, &expected);
            prop_assert_eq!(chunks.iter().map(|chunk| chunk.begins.len()).sum::<usize>(), sizes.len());
            let mut gone = 0;
            for chunk in &chunks {
                gone += chunk.calls.len();
                let complete_to = chunk.complete_to.unwrap();
                prop_assert!(expected[gone..].iter().all(|start| *start >= complete_to));
            }
            prop_assert_eq!(chunks[chunks.len() - 1].complete_to, Some(at(sizes.len() as i64 * 100)));
        }
    }
}
