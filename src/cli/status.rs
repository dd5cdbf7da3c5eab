//! `gong-export status`: what a destination holds, told from a listing, footers and run records.
//! Sends nothing to Gong, writes nothing, and needs no credentials.
//!
//! * `survey`: which partitions there are and ought to be, judged as the planner judges them. Pure.
//! * `report`: the same as a JSON document. Pure.
//! * `text`, `calendar`, `mark`: the report for a terminal. Pure.

mod calendar;
mod mark;
mod report;
mod survey;
#[cfg(test)]
mod tests;
mod text;

use super::args::JobArgs;
use super::environment;
use super::error::Failure;
use super::exit_code::Exit;
use super::output::Printer;
use super::run_records::records;
use super::session::Session;
use crate::dataset;
use crate::sink::{Patience, lease, read_coverage};
use crate::state::run_record::Past;
use report::Known;
use survey::{Expected, survey};

/// How many runs are shown.
const RUNS_SHOWN: usize = 10;

/// What `status --help` says below the flags.
pub(super) const HELP: &str = "\
The calendar has a line for each month and a character for each day (with partitions of months, a
line for each year and a character for each month), from the first to the last file and over the
job's range as far as it has begun. Data files outside the job's range are shown and counted too, and
so are datasets that the job does not name. --from, --to and --dataset narrow what is expected and
looked at.

With --output json, one document:
  job, destination, simulated, now, partition_by
  range         from, to, timezone
  datasets      for each: dataset, in_job, files, rows, bytes, first, last, verdicts (how many
                partitions of each), and partitions, for each: partition, partition_by, in_range,
                verdict, explanation, rows, bytes, as_of, run_id, checksum, transcripts_awaited
  transcripts   awaited: calls whose transcript runs still ask for; oldest: when the first of them
                began; given_up: calls without a transcript that no run asks for any more
  requests      today (in UTC, by all runs at this destination), per_day, left
  resumes       when the interrupted run began that the next run takes up, or null
  held_by       the run that holds the destination, or null: state (held; gone: its process has
                ended; expired: no heartbeat for longer than promised), run_id, job, host, process,
                since, heard_at (the last heartbeat), expires_at. Looking takes nothing from it
  runs          the last ones, newest first: run_id, job, outcome, exit_code, started_at,
                finished_at, seconds, requests, files, files_changed, failures, simulated
                (of the last 400, and of all of the last week, records are kept)
  notes         what is worth a look, as sentences
The words of `verdict` are those of `plan`: settled, unsettled, awaiting_transcripts, missing,
snapshot (today's, taken again by every run), other_selection, other_privacy, damaged, blocked.";

pub(super) async fn status(args: JobArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::load_to_look(&args)?;
    let store = session.open_store(&args, Patience::Attended)?;
    // What the job does not name may have been exported by another one, or by this one once.
    let seen = if args.datasets.is_empty() { dataset::ALL.to_vec() } else { session.datasets.clone() };
    // A lease lives by the wall clock, whatever --now says.
    let (held, runs, lease) = tokio::join!(
        read_coverage(&store, &seen),
        records(&store, session.now, RUNS_SHOWN),
        lease::peek(&store, environment::now()),
    );
    let (held, runs, lease) = (held?, runs?, lease?);
    let (selection, privacy) = (session.selection_text(), session.privacy_note());
    let holdings = survey(
        Expected {
            datasets: &session.datasets,
            range: session.range,
            partition_by: session.spec.destination.partition_by,
            circumstances: session.circumstances(&selection, &privacy),
        },
        &seen,
        &held,
    );
    let report = report::report(Known {
        session: &session,
        destination: store.describe(),
        past: Past::new(&runs, &session.spec.name, session.now),
        runs: &runs,
        holdings: &holdings,
        lease: lease.as_ref(),
    });
    if printer.is_json() {
        printer.json(&report);
    } else {
        printer.result(&text::text(&report, &holdings, lease.as_ref(), printer));
    }
    Ok(Exit::Done)
}
