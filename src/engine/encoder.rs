//! The end of the road: calls are decoded, become rows of every dataset that is made from calls, and
//! the files of a partition are made visible as soon as nothing can come for it any more.
//!
//! Runs on a thread of its own. Commits run beside it, so that the last pages of one partition are
//! compressed and uploaded while the next one is encoded.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::backlog::{Load, Stage};
use super::call_listing::ListedCall;
use super::chunk::{Chunk, ChunkWindow};
use super::context::{Context, WindowId};
use super::partition_files::{Awaited, Origin, PartitionFiles};
use super::transcripts::Transcripts;
use super::unit_error::UnitError;
use super::{bytes_channel, joined};
use crate::calendar::{DateRange, Partition};
use crate::dataset::{CALLS, CallInput, Dataset, Source, TRANSCRIPTS, TranscriptInput};
use crate::gong::Page;
use crate::gong::model::{Call, Drift, Transcript};
use crate::plan::CallPlan;

/// Partitions whose files are being finished at once.
const COMMITS_AHEAD: usize = 4;

#[derive(Debug)]
pub(super) struct Encoder {
    context: Arc<Context>,
    runtime: Handle,
    plan: Arc<CallPlan>,
    datasets: Vec<&'static Dataset>,
    /// Those that are not finished, in order of time.
    partitions: VecDeque<Partition>,
    /// The first of them, once a row or its turn came.
    open: Option<OpenPartition>,
    /// Listings that feed partitions still to come.
    origins: VecDeque<Origin>,
    /// Spans in which something failed: their partitions are not complete.
    failed: Vec<DateRange>,
    /// Whether the key may not read transcripts.
    transcripts_refused: bool,
    /// Partitions that this run has finished with their transcripts.
    with_transcripts: BTreeSet<Partition>,
    commits: VecDeque<JoinHandle<()>>,
    /// Calls that Gong shows and the job keeps back, by their partition.
    withheld: BTreeMap<Partition, u64>,
    /// Of the pages whose calls are in partitions that are not finished.
    loads: Vec<Load>,
}

#[derive(Debug)]
struct OpenPartition {
    partition: Partition,
    files: PartitionFiles,
    awaited: Awaited,
    /// Calls encoded, by the listing that brought them.
    written: BTreeMap<WindowId, u64>,
}

impl Encoder {
    pub(super) fn new(context: Arc<Context>, plan: Arc<CallPlan>) -> Self {
        Self {
            context,
            runtime: Handle::current(),
            datasets: plan.datasets.clone(),
            partitions: plan.partitions.iter().copied().collect(),
            plan,
            open: None,
            origins: VecDeque::new(),
            failed: Vec::new(),
            transcripts_refused: false,
            with_transcripts: BTreeSet::new(),
            commits: VecDeque::new(),
            withheld: BTreeMap::new(),
            loads: Vec::new(),
        }
    }

    /// Encodes chunks until there are no more. When the run is stopping, those that were fetched
    /// before are still encoded, and the partitions that they complete are committed.
    pub(super) fn run(mut self, mut chunks: bytes_channel::Receiver<Chunk>) {
        while let Some(chunk) = chunks.blocking_recv() {
            if self.context.is_destination_lost() {
                break;
            }
            self.chunk(chunk);
        }
        while let Some(commit) = self.commits.pop_front() {
            self.wait_for(commit);
        }
    }

    fn chunk(&mut self, chunk: Chunk) {
        for window in chunk.begins {
            match window {
                ChunkWindow::Listed(origin) => self.add(origin),
                ChunkWindow::Anew(window, origin) => self.begin_anew(window, origin),
                ChunkWindow::Failed(range) => self.failed.push(range),
            }
        }
        for start in chunk.withheld {
            *self.withheld.entry(self.partition_at(start)).or_default() += 1;
        }
        match chunk.transcripts {
            Transcripts::NotAsked => self.calls(&chunk.calls, None),
            Transcripts::Fetched(pages) => self.calls(&chunk.calls, Some(&pages)),
            Transcripts::Refused(error) => {
                self.drop_transcripts(&error);
                self.calls(&chunk.calls, None);
            }
            Transcripts::Failed(error) => self.calls_failed(&chunk.calls, &error),
        }
        self.loads.extend(chunk.loads.into_iter().map(|mut load| {
            load.is_now(Stage::Encoded);
            load
        }));
        if let Some(instant) = chunk.complete_to {
            while let Some(partition) = self.partitions.front().copied()
                && partition.span(self.context.job.zone).to() <= instant
            {
                self.finish(partition);
            }
        }
    }

    /// Takes back what a listing has brought so far: its partitions are written once more. Such a
    /// listing begins with a partition, so none is open that an earlier one has rows in.
    fn begin_anew(&mut self, window: WindowId, origin: Origin) {
        // A commit under way must not overtake the one that is to replace it.
        while let Some(commit) = self.commits.pop_front() {
            self.wait_for(commit);
        }
        let zone = self.context.job.zone;
        let begin = origin.window.from();
        self.open.take_if(|open| open.partition.span(zone).to() > begin);
        self.partitions = self.plan.partitions.iter().copied().filter(|p| p.span(zone).to() > begin).collect();
        self.withheld.retain(|partition, _| partition.span(zone).to() <= begin);
        self.context.count(window, |counts| counts.written = 0);
        self.add(origin);
    }

    /// Takes note of a listing that takes over where it begins, from one that was cut or was in vain.
    fn add(&mut self, origin: Origin) {
        self.origins.retain_mut(|earlier| earlier.end_before(&origin));
        self.origins.push_back(origin);
    }

    /// Encodes calls with the transcripts of `pages`; without pages, transcripts are not asked for.
    fn calls(&mut self, calls: &[ListedCall], pages: Option<&[Page]>) {
        let mut drift = Drift::default();
        let transcripts = pages.map(|pages| self.decode_transcripts(pages, &mut drift));
        for listed in calls {
            let call = match Call::decode(listed.raw(), &mut drift) {
                Ok(call) => call,
                Err(rejected) => {
                    listed.reject(&self.context, &rejected.reason);
                    self.context.count(listed.window, |counts| counts.rejected += 1);
                    continue;
                }
            };
            let transcript = match &transcripts {
                None => TranscriptInput::NotAsked,
                Some(found) => found.get(listed.id.as_str()).map_or(TranscriptInput::Missing, TranscriptInput::Present),
            };
            if let Err(error) = self.call(listed, &CallInput { call: &call, transcript }, &mut drift) {
                let span = self.partition_of(listed).span(self.context.job.zone);
                self.fail(span, &format!("partition {}", self.partition_of(listed)), &error);
            }
        }
        self.context.drift(drift);
    }

    fn decode_transcripts<'p>(&self, pages: &'p [Page], drift: &mut Drift) -> HashMap<String, Transcript<'p>> {
        let mut found = HashMap::new();
        for page in pages {
            for (index, raw) in page.records().enumerate() {
                match Transcript::decode(raw, drift) {
                    Ok(transcript) => {
                        found.insert(transcript.call_id.clone().into_owned(), transcript);
                    }
                    Err(rejected) => self.context.reject(page, index, &rejected.reason),
                }
            }
            drift.replaced_characters += page.replaced_characters();
        }
        found
    }

    fn call(&mut self, listed: &ListedCall, input: &CallInput<'_>, drift: &mut Drift) -> Result<(), UnitError> {
        let partition = self.partition_of(listed);
        if self.is_failed(partition) {
            return Ok(());
        }
        let context = Arc::clone(&self.context);
        let people = context.job.privacy.as_ref().map(|privacy| Arc::new(privacy.people_of(input.call)));
        let open = self.open(partition)?;
        open.files.row(&context, |dataset, rows| {
            rows.concerning(people.clone());
            if let Source::Call { rows: append, .. } = dataset.source {
                append(input, rows, drift);
            }
        })?;
        *open.written.entry(listed.window).or_default() += 1;
        if matches!(input.transcript, TranscriptInput::Missing) {
            open.awaited.calls += 1;
            open.awaited.oldest.get_or_insert(listed.started);
        }
        Ok(())
    }

    fn partition_of(&self, listed: &ListedCall) -> Partition {
        self.partition_at(listed.started)
    }

    fn partition_at(&self, start: DateTime<Utc>) -> Partition {
        Partition::of_instant(start, self.context.job.zone, self.context.job.partition_by)
    }

    /// The open files of `partition`. Calls come in order of time, so those of an earlier partition
    /// are complete and only wait for their turn to be finished.
    fn open(&mut self, partition: Partition) -> Result<&mut OpenPartition, UnitError> {
        while let Some(earlier) = self.partitions.front().copied()
            && earlier < partition
        {
            self.finish(earlier);
        }
        let open = match self.open.take() {
            Some(open) => open,
            None => OpenPartition {
                partition,
                files: PartitionFiles::create(&self.context, &self.datasets, partition)?,
                awaited: Awaited::default(),
                written: BTreeMap::new(),
            },
        };
        Ok(self.open.insert(open))
    }

    /// Makes the first partition's files visible, also when it had no rows; drops them when
    /// something of it failed.
    fn finish(&mut self, partition: Partition) {
        let span = partition.span(self.context.job.zone);
        self.partitions.pop_front();
        let mut loads = std::mem::take(&mut self.loads);
        let withheld = self.withheld.remove(&partition).unwrap_or_default();
        let open = match self.open.take() {
            Some(open) if open.partition == partition => Some(open),
            other => {
                self.open = other;
                None
            }
        };
        let origin = self.origin_of(span);
        if self.is_failed(partition) || self.context.is_destination_lost() {
            return;
        }
        let Some(mut origin) = origin else {
            return;
        };
        let (files, awaited, written) = match open {
            Some(OpenPartition { files, awaited, written, .. }) => (Ok(files), awaited, written),
            None => {
                let files = PartitionFiles::create(&self.context, &self.datasets, partition);
                (files, Awaited::default(), BTreeMap::new())
            }
        };
        origin.awaited = awaited;
        if self.datasets.contains(&&TRANSCRIPTS) {
            self.with_transcripts.insert(partition);
        }
        let context = Arc::clone(&self.context);
        loads.iter_mut().for_each(|load| load.is_now(Stage::Committing));
        self.commits.push_back(self.runtime.spawn_blocking(move || {
            let committed = files.and_then(|mut files| {
                files.withhold(&CALLS, withheld);
                files.commit(&context, &origin)
            });
            match committed {
                Ok(()) => {
                    for (window, calls) in written {
                        context.count(window, |counts| counts.written += calls);
                    }
                }
                Err(error) => context.unit_failed(&format!("partition {partition}"), &error),
            }
            drop(loads);
        }));
        if self.commits.len() > COMMITS_AHEAD
            && let Some(commit) = self.commits.pop_front()
        {
            self.wait_for(commit);
        }
    }

    fn wait_for(&self, commit: JoinHandle<()>) {
        joined(self.runtime.block_on(commit));
    }

    /// What is known of the listings that cover `span`; forgets those that end with it.
    fn origin_of(&mut self, span: DateRange) -> Option<Origin> {
        let mut joined: Option<Origin> = None;
        for origin in self.origins.iter().filter(|o| overlap(o.window, span)) {
            match &mut joined {
                Some(joined) => joined.join(origin),
                None => joined = Some(origin.clone()),
            }
        }
        self.origins.retain(|origin| origin.window.to() > span.to());
        joined
    }

    /// Whether nothing may be written of `partition`.
    fn is_failed(&self, partition: Partition) -> bool {
        // Calls that now cannot tell whether they have a transcript must not replace those that could:
        // with its transcripts still there, no later run would find the partition due.
        if self.transcripts_refused && self.has_transcripts(partition) {
            return true;
        }
        let span = partition.span(self.context.job.zone);
        self.failed.iter().any(|failed| overlap(*failed, span))
    }

    fn fail(&mut self, span: DateRange, unit: &str, error: &UnitError) {
        self.context.unit_failed(unit, error);
        self.failed.push(span);
    }

    /// The key may not read transcripts: that dataset is left out from here on, the others go on.
    fn drop_transcripts(&mut self, error: &UnitError) {
        let needs_transcripts = |d: &Dataset| matches!(d.source, Source::Call { transcript: true, .. });
        if !self.datasets.iter().any(|d| needs_transcripts(d)) {
            return;
        }
        self.context.unit_failed("transcripts", error);
        self.transcripts_refused = true;
        self.datasets.retain(|d| !needs_transcripts(d));
        if let Some(open) = &mut self.open {
            open.files.retain(|d| !needs_transcripts(d));
        }
    }

    /// Whether transcripts of `partition` are there, from this run or from an earlier one.
    fn has_transcripts(&self, partition: Partition) -> bool {
        self.with_transcripts.contains(&partition)
            || self.context.job.held.coverage.footer(TRANSCRIPTS.name, partition).is_some()
    }

    fn calls_failed(&mut self, calls: &[ListedCall], error: &UnitError) {
        let (Some(first), Some(last)) = (calls.first(), calls.last()) else {
            return;
        };
        let zone = self.context.job.zone;
        let (from, to) = (self.partition_of(first).span(zone).from(), self.partition_of(last).span(zone).to());
        if let Some(span) = DateRange::new(from, to) {
            self.fail(span, &format!("transcripts of {} calls from {span}", calls.len()), error);
        }
    }
}

fn overlap(a: DateRange, b: DateRange) -> bool {
    a.from() < b.to() && b.from() < a.to()
}
