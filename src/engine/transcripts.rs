//! The transcripts of a chunk of calls.

use std::collections::VecDeque;

use super::chunk::Chunk;
use super::context::Context;
use super::unit_error::{UnitError, error_chain};
use super::{Event, Fetch, pages};
use crate::gong::endpoint::Request;
use crate::gong::{self, ErrorKind, Page};

/// How many ids one request takes.
pub(super) const IDS_MAX: usize = 100;

/// Bytes of an answer for several ids: those of a hundred calls of a thousand sentences each, an hour and more.
pub(super) const ANSWER_BYTES_MAX: usize = 16 << 20;

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

/// A chunk with its transcripts.
#[derive(Debug)]
pub(super) struct Fetched {
    pub(super) chunk: Chunk,
    /// Its last calls, whose transcripts are still to be fetched: one answer with all of them would have been
    /// too large.
    pub(super) rest: Option<Chunk>,
}

/// Fetches the transcripts of the chunk's calls, by id: of the first `ids_max`, or fewer if these are too
/// large.
pub(super) async fn fetch(context: &Context, mut chunk: Chunk, ids_max: usize) -> Fetched {
    let ids: Vec<String> = chunk.calls.iter().take(ids_max).map(|call| call.id.clone()).collect();
    let mut rest = None;
    chunk.transcripts = match answers(context, &ids).await {
        Ok(Answers { pages, without, asked }) => {
            // A call whose transcript cannot be asked for or is too large to hold goes on without.
            for (id, error) in without {
                context.reject_unread(&id, &error_chain(&error));
            }
            context.emit(&Event::Fetched { fetch: Fetch::Transcripts, records: asked as u64 });
            rest = chunk.split_off(asked);
            Transcripts::Fetched(pages)
        }
        Err(UnitError::Gong(error)) if error.kind() == ErrorKind::Credentials => {
            Transcripts::Refused(UnitError::Gong(error))
        }
        Err(error) => Transcripts::Failed(error),
    };
    Fetched { chunk, rest }
}

/// What came of asking for transcripts.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) pages: Vec<Page>,
    /// Calls for whose transcript nothing usable was answered, and why.
    pub(super) without: Vec<(String, gong::Error)>,
    /// So many of the ids were asked for, the first ones. The others are left to the caller: an answer for all
    /// would have been too large.
    pub(super) asked: usize,
}

/// Asks for at most [`IDS_MAX`] ids: for the first half of them where an answer is too large, and for both
/// halves, one after the other, where the request is refused, as Gong does with all of them for one malformed
/// id.
pub(super) async fn answers(context: &Context, ids: &[String]) -> Result<Answers, UnitError> {
    let mut halving = Halving::new(ids);
    let mut answers = Answers { pages: Vec::new(), without: Vec::new(), asked: ids.len() };
    while let Some(ids) = halving.next() {
        let request = Request::transcripts(ids, context.job.selection.workspace.as_deref());
        // A single one is taken as large as anything is.
        let request = if ids.len() > 1 { request.answer_at_most(ANSWER_BYTES_MAX) } else { request };
        let error = match context.unless_stopping(pages::all(&context.client, &request)).await {
            Ok(pages) => {
                halving.answered();
                answers.pages.extend(pages);
                continue;
            }
            Err(UnitError::Gong(error)) => error,
            Err(error) => return Err(error),
        };
        let is_refused = is_bad_request(&error);
        if !is_refused && !matches!(error, gong::Error::TooLarge { .. }) {
            return Err(error.into());
        }
        if is_refused && (context.are_requests_for_transcripts_refused() || halving.refused() == Refused::Whole) {
            if !halving.any_answered {
                context.requests_for_transcripts_are_refused();
            }
            return Err(error.into());
        }
        match ids {
            [id] => answers.without.push((id.clone(), error)),
            // As long as none was refused, this is all that is asked for.
            _ if halving.refused == 0 => answers.asked = halving.shorten(ids),
            _ => halving.split(ids),
        }
    }
    // With nothing to compare it with, an id is not blamed for what may be wrong with the request.
    match answers.without.iter().find(|(_, error)| is_bad_request(error) && !halving.any_answered) {
        Some((_, error)) => Err(error.clone().into()),
        None => Ok(answers),
    }
}

fn is_bad_request(error: &gong::Error) -> bool {
    matches!(error, gong::Error::Refused { exchange } if exchange.status == Some(400))
}

/// So many refusals without a single answer: a group, its halves and its quarters. Then it is not for
/// single ids that Gong refuses.
const REFUSED_IN_VAIN_MAX: u32 = 7;

/// So many refusals in all for one group. One bad id among a hundred causes eight, and seven answers.
const REFUSED_MAX: u32 = 40;

/// Which ids are to be asked for next. The larger groups come first, so that a request that would be
/// refused whatever it asks for is known after a few.
#[derive(Debug)]
struct Halving<'i> {
    waiting: VecDeque<&'i [String]>,
    refused: u32,
    any_answered: bool,
}

/// What a refusal is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Refused {
    /// Maybe some of the ids.
    Ids,
    /// The request as such, or more than is worth finding out.
    Whole,
}

impl<'i> Halving<'i> {
    fn new(ids: &'i [String]) -> Self {
        // An empty list of ids is refused by the API.
        let waiting = if ids.is_empty() { VecDeque::new() } else { VecDeque::from([ids]) };
        Self { waiting, refused: 0, any_answered: false }
    }

    fn next(&mut self) -> Option<&'i [String]> {
        self.waiting.pop_front()
    }

    fn answered(&mut self) {
        self.any_answered = true;
    }

    fn refused(&mut self) -> Refused {
        self.refused += 1;
        let max = if self.any_answered { REFUSED_MAX } else { REFUSED_IN_VAIN_MAX };
        if self.refused < max { Refused::Ids } else { Refused::Whole }
    }

    /// Asks for the first half of a group of several, and leaves the others; how many it asks for.
    fn shorten(&mut self, ids: &'i [String]) -> usize {
        let first = &ids[..ids.len() / 2];
        self.waiting.push_back(first);
        first.len()
    }

    /// Asks for a group of several in two halves.
    fn split(&mut self, ids: &'i [String]) {
        let (first, second) = ids.split_at(ids.len() / 2);
        self.waiting.extend([first, second]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use proptest::prelude::*;

    /// Requests and refused single ids, when any group with one of `bad` is refused; `None` for the
    /// ids when the whole is given up.
    fn asked(count: usize, bad: &BTreeSet<usize>) -> (usize, Option<BTreeSet<usize>>) {
        let ids: Vec<String> = (0..count).map(|id| id.to_string()).collect();
        let mut halving = Halving::new(&ids);
        let (mut requests, mut blamed) = (0, BTreeSet::new());
        while let Some(group) = halving.next() {
            requests += 1;
            let numbers: Vec<usize> = group.iter().map(|id| id.parse().unwrap()).collect();
            if !numbers.iter().any(|id| bad.contains(id)) {
                halving.answered();
            } else if halving.refused() == Refused::Whole {
                return (requests, None);
            } else if let [id] = numbers[..] {
                blamed.insert(id);
            } else {
                halving.split(group);
            }
        }
        (requests, halving.any_answered.then_some(blamed))
    }

    #[test]
    fn a_request_that_is_refused_whatever_it_asks_for_is_given_up_soon() {
        for count in 1..=IDS_MAX {
            let (requests, blamed) = asked(count, &(0..count).collect());
            assert_eq!(blamed, None, "{count} ids");
            assert!(requests <= REFUSED_IN_VAIN_MAX as usize, "{requests} requests for {count} ids");
        }
        assert_eq!(asked(0, &BTreeSet::new()).0, 0);
    }

    proptest! {
        #[test]
        fn one_bad_id_is_found_by_few_requests(count in 2usize..=IDS_MAX, bad in any::<prop::sample::Index>()) {
            let bad = BTreeSet::from([bad.index(count)]);
            let (requests, blamed) = asked(count, &bad);
            prop_assert_eq!(blamed, Some(bad));
            prop_assert!(requests <= 1 + 14, "{} requests", requests);
        }

        #[test]
        fn no_good_id_is_blamed_and_requests_are_bounded(
            count in 0usize..=IDS_MAX, bad in prop::collection::btree_set(0..IDS_MAX, 0..20),
        ) {
            let bad: BTreeSet<_> = bad.into_iter().filter(|id| *id < count).collect();
            let (requests, blamed) = asked(count, &bad);
            prop_assert!(requests <= 2 * REFUSED_MAX as usize + 1, "{} requests", requests);
            if let Some(blamed) = blamed {
                prop_assert_eq!(blamed, bad);
            }
        }
    }
}
