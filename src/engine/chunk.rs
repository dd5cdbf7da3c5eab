//! Calls in groups as large as a request for transcripts takes, in order of time, across the edges of
//! windows and partitions: so that no request is spent on half a group.

use chrono::{DateTime, Utc};

use super::ahead::Weight;
use super::backlog::{Load, Stage};
use super::bytes_channel::Weigh;
use super::call_listing::{ListedCall, Part};
use super::context::WindowId;
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
    /// Starts of calls that Gong shows and the job keeps back.
    pub(super) withheld: Vec<DateTime<Utc>>,
    /// Of the pages that have brought the calls.
    pub(super) loads: Vec<Load>,
    /// Of the transcripts, as long as they are held.
    pub(super) weight: Option<Weight>,
}

impl Chunk {
    /// Leaves the first `count` calls and returns the others, to go on after them; `None` when there are no
    /// others.
    pub(super) fn split_off(&mut self, count: usize) -> Option<Self> {
        let rest = self.calls.split_off(count.min(self.calls.len()));
        let next = rest.first()?.started;
        Some(Self {
            begins: Vec::new(),
            calls: rest,
            complete_to: self.complete_to.replace(next),
            transcripts: Transcripts::NotAsked,
            withheld: Vec::new(),
            // The pages are done with when all their calls are.
            loads: std::mem::take(&mut self.loads),
            weight: None,
        })
    }
}

impl Weigh for Chunk {
    fn weight(&self) -> usize {
        self.calls.iter().map(|call| call.raw().len()).sum::<usize>() + self.transcripts.size_bytes()
    }
}

/// A window as the encoder has to know it.
#[derive(Debug)]
pub(super) enum ChunkWindow {
    Listed(Origin),
    /// Its listing began anew: what came of it before is void.
    Anew(WindowId, Origin),
    /// Its listing failed: partitions that touch this span cannot be complete.
    Failed(DateRange),
}

/// Makes chunks from the parts of listings, whose windows come in order of time.
#[derive(Debug)]
pub(super) struct Chunker {
    size: usize,
    begins: Vec<ChunkWindow>,
    calls: Vec<ListedCall>,
    /// All calls before this instant have arrived.
    listed_to: Option<DateTime<Utc>>,
    /// All calls before this instant have been passed on, and that was said.
    told_to: Option<DateTime<Utc>>,
    /// Starts of calls that are kept back.
    withheld: Vec<DateTime<Utc>>,
    /// Of the pages that have brought `calls`.
    loads: Vec<Load>,
}

impl Chunker {
    /// Chunks of `size` calls, except the last.
    pub(super) fn new(size: usize) -> Self {
        Self {
            size,
            begins: Vec::new(),
            calls: Vec::new(),
            listed_to: None,
            told_to: None,
            withheld: Vec::new(),
            loads: Vec::new(),
        }
    }

    /// Takes a part of a listing; returns the chunks that are full now.
    pub(super) fn part(&mut self, part: Part) -> Vec<Chunk> {
        match part {
            Part::Begins(origin) => {
                self.listed_to = Some(origin.window.from());
                self.begins.push(ChunkWindow::Listed(origin));
                Vec::new()
            }
            Part::BeginsAnew(window, origin) => {
                let begin = origin.window.from();
                self.calls.retain(|call| call.started < begin);
                self.withheld.retain(|start| *start < begin);
                self.listed_to = Some(begin);
                self.told_to = self.told_to.min(self.listed_to);
                self.begins.push(ChunkWindow::Anew(window, origin));
                Vec::new()
            }
            Part::Calls { calls, withheld, to, load } => {
                self.calls.extend(calls);
                self.withheld.extend(withheld);
                self.loads.extend(load);
                self.listed_to = Some(to);
                let mut chunks = Vec::new();
                while self.calls.len() >= self.size {
                    chunks.push(self.take(self.size));
                }
                self.loads.iter_mut().for_each(|load| load.is_now(Stage::Collected));
                chunks
            }
        }
    }

    /// Takes note of a window whose listing failed. What arrived of it before stays.
    pub(super) fn failed(&mut self, range: DateRange) {
        let arrived = self.listed_to.map_or(range.from(), |to| to.max(range.from()));
        if let Some(rest) = DateRange::new(arrived, range.to()) {
            self.begins.push(ChunkWindow::Failed(rest));
        }
        self.listed_to = Some(range.to());
    }

    /// What is left at the end; `None` when nothing is.
    pub(super) fn finish(mut self) -> Option<Chunk> {
        let left = self.calls.len();
        // A listing may end with calls that are left out: then only its end is still to be told.
        let is_told = left == 0 && self.begins.is_empty() && self.listed_to <= self.told_to;
        (!is_told).then(|| self.take(left))
    }

    fn take(&mut self, count: usize) -> Chunk {
        let rest = self.calls.split_off(count);
        let calls = std::mem::replace(&mut self.calls, rest);
        let complete_to = self.calls.first().map_or(self.listed_to, |next| Some(next.started));
        self.told_to = complete_to;
        let mut loads = std::mem::take(&mut self.loads);
        loads.iter_mut().for_each(|load| load.is_now(Stage::OnTheWay));
        let begins = std::mem::take(&mut self.begins);
        let withheld = std::mem::take(&mut self.withheld);
        Chunk { begins, calls, complete_to, transcripts: Transcripts::NotAsked, withheld, loads, weight: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    /// A whole listing, a part for each of `pages`.
    fn list(chunker: &mut Chunker, from: i64, to: i64, pages: &[&[i64]]) -> Vec<Chunk> {
        let range = DateRange::new(at(from), at(to)).unwrap();
        let mut chunks = chunker.part(Part::Begins(Origin::new(at(1_000), range, None)));
        for (place, page) in pages.iter().enumerate() {
            let end = pages.get(place + 1).and_then(|next| next.first().copied()).unwrap_or(to);
            chunks.extend(chunker.part(calls(page, end)));
        }
        chunks
    }

    fn calls(starts: &[i64], to: i64) -> Part {
        let calls = starts.iter().map(|start| ListedCall::invented(&start.to_string(), at(*start))).collect();
        Part::Calls { calls, withheld: vec![at(to - 1)], to: at(to), load: None }
    }

    #[test]
    fn a_listing_that_ends_with_calls_left_out_is_complete() {
        let mut chunker = Chunker::new(2);
        let range = DateRange::new(at(0), at(100)).unwrap();
        chunker.part(Part::Begins(Origin::new(at(1_000), range, None)));
        let full = chunker.part(calls(&[5, 6], 40));
        assert_eq!((full.len(), full[0].complete_to), (1, Some(at(40))));
        assert!(chunker.part(calls(&[], 100)).is_empty());
        let end = chunker.finish().expect("the end is still to be told");
        assert_eq!((end.calls.len(), end.complete_to, end.withheld), (0, Some(at(100)), vec![at(99)]));
    }

    #[test]
    fn chunks_fill_up_across_windows() {
        let mut chunker = Chunker::new(3);
        assert!(list(&mut chunker, 0, 10, &[&[1], &[2]]).is_empty());
        let full = list(&mut chunker, 10, 20, &[&[11, 12]]);
        assert_eq!(full.len(), 1);
        assert_eq!((full[0].calls.len(), full[0].begins.len(), full[0].complete_to), (3, 2, Some(at(12))));
        chunker.failed(DateRange::new(at(20), at(30)).unwrap());
        let rest = chunker.finish().unwrap();
        assert_eq!((rest.calls.len(), rest.begins.len(), rest.complete_to), (1, 1, Some(at(30))));
    }

    #[test]
    fn the_rest_of_a_chunk_goes_on_after_its_first_calls() {
        let mut chunker = Chunker::new(4);
        let mut chunk = list(&mut chunker, 0, 10, &[&[1, 2, 3, 4], &[5]]).remove(0);
        assert!(chunk.split_off(4).is_none() && chunk.split_off(9).is_none());
        let rest = chunk.split_off(1).unwrap();
        assert_eq!((chunk.calls.len(), chunk.begins.len(), chunk.complete_to), (1, 1, Some(at(2))));
        assert_eq!((rest.calls.len(), rest.begins.len(), rest.complete_to), (3, 0, Some(at(5))));
        assert_eq!((chunk.withheld.len(), rest.withheld.len()), (1, 0), "known before a partition may be complete");
    }

    #[test]
    fn windows_without_calls_still_complete() {
        let mut chunker = Chunker::new(100);
        assert!(list(&mut chunker, 0, 10, &[&[]]).is_empty());
        let chunk = chunker.finish().unwrap();
        assert_eq!((chunk.calls.len(), chunk.begins.len(), chunk.complete_to), (0, 1, Some(at(10))));
        assert!(Chunker::new(100).finish().is_none());
    }

    #[test]
    fn a_listing_that_fails_keeps_what_arrived() {
        let mut chunker = Chunker::new(100);
        let range = DateRange::new(at(0), at(100)).unwrap();
        chunker.part(Part::Begins(Origin::new(at(1_000), range, None)));
        chunker.part(calls(&[5], 40));
        chunker.failed(range);
        let chunk = chunker.finish().unwrap();
        let ChunkWindow::Failed(failed) = &chunk.begins[1] else { panic!("{:?}", chunk.begins) };
        assert_eq!((failed.from(), failed.to(), chunk.calls.len()), (at(40), at(100), 1));
    }

    #[test]
    fn a_listing_that_begins_anew_takes_back_its_calls() {
        let mut chunker = Chunker::new(100);
        let range = DateRange::new(at(0), at(100)).unwrap();
        chunker.part(Part::Begins(Origin::new(at(1_000), range, None)));
        chunker.part(calls(&[5], 40));
        chunker.part(Part::BeginsAnew(WindowId::default(), Origin::new(at(1_001), range, None)));
        let chunk = chunker.finish().unwrap();
        assert_eq!((chunk.calls.len(), chunk.complete_to), (0, Some(at(0))));
        assert!(matches!(chunk.begins[1], ChunkWindow::Anew(..)));
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
                let pages: Vec<&[i64]> = starts.chunks(7).collect();
                let pages = if pages.is_empty() { vec![&[][..]] } else { pages };
                chunks.extend(list(&mut chunker, from, from + 100, &pages));
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
