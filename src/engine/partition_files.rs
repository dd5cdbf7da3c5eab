//! The open data files of one partition: rows in, batches to the writers, and all made visible at the
//! end. Blocking; used from encoder threads.

use arrow::array::RecordBatch;
use chrono::{DateTime, Utc};

use super::context::Context;
use super::unit_error::UnitError;
use super::{Event, Shrink};
use crate::calendar::{DateRange, Partition};
use crate::dataset::{self, Dataset, PartitionColumn, Rows};
use crate::sink::{DataFileWriter, Location};
use crate::state::footer::{Footer, SCHEMA_VERSION};

/// Where the rows of a partition came from, for its footer.
#[derive(Debug, Clone)]
pub(super) struct Origin {
    /// When the earliest listing that fed it began.
    pub(super) as_of: DateTime<Utc>,
    /// All that those listings covered.
    pub(super) window: DateRange,
    /// What they announced together, where each gave a number.
    pub(super) announced: Option<u64>,
    /// Calls without a transcript, and the start of the oldest of them.
    pub(super) awaited: Awaited,
}

/// Calls whose transcript was not there yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Awaited {
    pub(super) calls: u64,
    pub(super) oldest: Option<DateTime<Utc>>,
}

impl Origin {
    pub(super) fn new(as_of: DateTime<Utc>, window: DateRange, announced: Option<u64>) -> Self {
        Self { as_of, window, announced, awaited: Awaited::default() }
    }

    /// Ends where a later listing takes over; `false` when that leaves nothing. What was announced for all of
    /// it is then known for the part before, if it is for the later one.
    pub(super) fn end_before(&mut self, later: &Self) -> bool {
        if self.window.to() <= later.window.from() {
            return true;
        }
        let Some(window) = DateRange::new(self.window.from(), later.window.from()) else { return false };
        let joins = self.window.to() == later.window.to();
        self.announced =
            self.announced.zip(later.announced.filter(|_| joins)).map(|(all, rest)| all.saturating_sub(rest));
        self.window = window;
        true
    }

    /// Joined with a later listing that fed the same partition.
    pub(super) fn join(&mut self, other: &Self) {
        self.as_of = self.as_of.min(other.as_of);
        self.announced = self.announced.zip(other.announced).map(|(a, b)| a + b);
        if let Some(window) =
            DateRange::new(self.window.from().min(other.window.from()), self.window.to().max(other.window.to()))
        {
            self.window = window;
        }
    }
}

#[derive(Debug)]
pub(super) struct PartitionFiles {
    partition: Partition,
    open: Vec<Open>,
}

#[derive(Debug)]
struct Open {
    dataset: &'static Dataset,
    rows: Rows,
    /// Rows that Gong shows and the job leaves out.
    withheld: u64,
    writer: DataFileWriter,
}

impl Open {
    /// Hands rows to the Parquet writer.
    fn write(&mut self, context: &Context, batch: &RecordBatch) -> Result<(), UnitError> {
        context.emit(&Event::Rows { dataset: self.dataset.name, rows: batch.num_rows() as u64 });
        Ok(self.writer.write(batch)?)
    }
}

impl PartitionFiles {
    /// Opens a file for each dataset; none is visible yet, and none ever is if this is dropped.
    pub(super) fn create(
        context: &Context,
        datasets: &[&'static Dataset],
        partition: Partition,
    ) -> Result<Self, UnitError> {
        let mut open = Vec::with_capacity(datasets.len());
        for &dataset in datasets {
            let location = Location::new(dataset, partition);
            let writer = DataFileWriter::create(&context.store, location, &context.job.writer)?;
            let rows = Rows::guarded(dataset, context.job.privacy.as_ref());
            open.push(Open { dataset, rows, withheld: 0, writer });
        }
        Ok(Self { partition, open })
    }

    /// Lets `append` add rows to each dataset in turn.
    pub(super) fn row(
        &mut self,
        context: &Context,
        mut append: impl FnMut(&'static Dataset, &mut Rows),
    ) -> Result<(), UnitError> {
        for open in &mut self.open {
            append(open.dataset, &mut open.rows);
            for batch in open.rows.full_batches() {
                open.write(context, &batch)?;
            }
        }
        Ok(())
    }

    /// Adds rows that are in order already, and pseudonymous where the job wants it.
    pub(super) fn batch(
        &mut self,
        context: &Context,
        dataset: &'static Dataset,
        batch: &RecordBatch,
    ) -> Result<(), UnitError> {
        for open in self.open.iter_mut().filter(|open| open.dataset == dataset) {
            open.write(context, batch)?;
        }
        Ok(())
    }

    /// Notes rows that Gong shows and the job leaves out: without them a file is smaller for a reason.
    pub(super) fn withhold(&mut self, dataset: &'static Dataset, rows: u64) {
        for open in self.open.iter_mut().filter(|open| open.dataset == dataset) {
            open.withheld += rows;
        }
    }

    /// Gives up the files of datasets that `keep` does not name.
    pub(super) fn retain(&mut self, keep: impl Fn(&'static Dataset) -> bool) {
        self.open.retain(|open| keep(open.dataset));
    }

    /// Fails when a file would replace one of the same choice that has more than twice its rows; where
    /// rows are events, which nobody takes back, one that has more at all.
    fn refuse_shrink(&self, context: &Context) -> Result<(), UnitError> {
        let job = &context.job;
        // Of a listing of calls, the calls tell; a few long transcripts may well be purged.
        let has_calls = self.open.iter().any(|open| open.dataset == &dataset::CALLS);
        for Open { dataset, rows, withheld, writer } in &self.open {
            if has_calls && *dataset != &dataset::CALLS {
                continue;
            }
            let Some(before) = job.held.coverage.footer(dataset.name, self.partition) else {
                continue;
            };
            let now = writer.rows() + rows.len() as u64;
            let is_less = |now: u64, before: u64| match dataset.partition {
                PartitionColumn::Event => now < before,
                _ => now.saturating_mul(2) < before,
            };
            // Rows may be fewer because more is kept back than was; together they tell what Gong shows.
            let is_shrunk = is_less(now, before.records_written)
                && is_less(now + withheld, before.records_written + before.records_withheld);
            if before.selection == job.selection_text && is_shrunk {
                return Err(UnitError::Shrunk { dataset, before: before.records_written, now });
            }
        }
        Ok(())
    }

    /// Makes the files visible, one after the other.
    pub(super) fn commit(self, context: &Context, origin: &Origin) -> Result<(), UnitError> {
        let partition = self.partition;
        if context.job.shrink == Shrink::Refuse {
            self.refuse_shrink(context)?;
        }
        for mut open in self.open {
            if !open.rows.is_empty() {
                let batch = open.rows.finish();
                open.write(context, &batch)?;
            }
            let Open { dataset, withheld, writer, .. } = open;
            let job = &context.job;
            let file = writer.commit(|records_written, checksum| Footer {
                tool_version: env!("CARGO_PKG_VERSION").to_owned(),
                schema_version: SCHEMA_VERSION,
                job: job.name.clone(),
                run_id: job.run_id.clone(),
                dataset: dataset.name.to_owned(),
                partition,
                as_of: origin.as_of,
                window: origin.window,
                records_announced: origin.announced,
                records_written,
                records_withheld: withheld,
                checksum,
                transcripts_awaited: origin.awaited.calls,
                oldest_awaited: origin.awaited.oldest,
                simulated: job.simulated,
                selection: job.selection_text.clone(),
                privacy: job.privacy_note.clone(),
            })?;
            context.committed(dataset, partition, file);
        }
        Ok(())
    }
}
