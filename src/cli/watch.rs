//! `gong-export watch`: runs a job again and again in one process.
//!
//! Each run is a run like any other: the job file is read anew, relative dates count from its own
//! begin, what it does is told from the destination. Only the signals and the simulator are shared.

mod course;
mod every;

use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use indicatif::MultiProgress;
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use super::args::{OutputArgs, WatchArgs};
use super::environment;
use super::error::Failure;
use super::exit_code::Exit;
use super::operations;
use super::output::{Printer, Tone, count, duration};
use super::run::{self, Process};
use crate::state::run_record::{Outcome, RunRecord};
use course::{Course, Next};
pub(super) use every::Every;

/// The least pause between two runs, so that the last requests of one and the first of the next do
/// not share a second of Gong's rate limit.
const PAUSE: Duration = Duration::from_secs(1);

/// What `watch --help` says below the flags.
pub(super) const HELP: &str = "\
The first run begins at once, each other one --every after the begin of the one before it, or right
after that one if it took longer. The job file is read anew for each run, and relative dates are of
the run's own day. Runs that fail, or end in part, do not end the watch; the next run makes good.

The watch ends
  at once, when the first run finds the command line or the job spec wrong (exit code 2) or Gong
    refuses its credentials (3); a job file that is broken later is reported, and tried again;
  when Gong has refused the credentials in three runs on end (3);
  after --max-runs runs, with the exit code of the last one;
  on SIGTERM, SIGINT or SIGHUP. While it waits: at once, exit code 0. During a run: at a safe point,
    exit code 143 (130 for SIGINT), or 0 if that run was done by then. A second signal ends it at once.

Standard output has one line for each run. With --output json it is a JSON document: run (1 is the
first), started_at, exit_code, error (of a run that did not come to a run record, else null), record
(the run record, else null).";

/// A line of the result.
#[derive(Debug, Serialize)]
struct RunLine<'a> {
    run: u64,
    started_at: String,
    exit_code: u8,
    error: Option<&'a str>,
    record: Option<&'a RunRecord>,
}

pub(super) async fn watch(
    args: WatchArgs,
    output: &OutputArgs,
    printer: Printer,
    bars: MultiProgress,
) -> Result<Exit, Failure> {
    if args.run.dry_run {
        return run::run(args.run, output, printer, bars).await;
    }
    let mut process = Process::start()?;
    let mut course = Course::new(args.max_runs);
    loop {
        let begin = Instant::now();
        let started_at = environment::now();
        let stopwatch = operations::Stopwatch::start();
        let (spec, result) = run::attempt(&args.run, output, bars.clone(), &mut process).await;
        let result = result.map(|exported| exported.record);
        let exit = match &result {
            Ok(record) => Exit::Run(record.exit_code),
            Err(failure) => failure.exit,
        };
        let next = course.after(exit.code());
        tell(course.runs(), started_at, &result, output, printer);
        operations::conclude(stopwatch, spec.as_ref(), &result, &args.run, output, printer).await;
        if let Some(signal) = process.signal() {
            return Ok(if exit.code() == 0 { Exit::Done } else { Exit::Run(signal.exit_code()) });
        }
        if let Next::End(code) = next {
            return Ok(Exit::Run(code));
        }
        let due = (begin + args.every.duration()).max(Instant::now() + PAUSE);
        tokio::select! {
            () = sleep_until(due) => {}
            () = process.stopped() => return Ok(Exit::Done),
        }
    }
}

/// One line about a run.
fn tell(
    run: u64,
    started_at: DateTime<Utc>,
    result: &Result<RunRecord, Failure>,
    output: &OutputArgs,
    printer: Printer,
) {
    let started_at = started_at.to_rfc3339_opts(SecondsFormat::Secs, true);
    if printer.is_json() {
        let (exit_code, error) = match result {
            Ok(record) => (record.exit_code, None),
            Err(failure) => (failure.exit.code(), Some(failure.message.as_str())),
        };
        let record = result.as_ref().ok();
        printer.json_line(&RunLine { run, started_at, exit_code, error, record });
    } else if !output.quiet {
        let (tone, what) = match result {
            Ok(record) => summary(record),
            Err(failure) => (Tone::Bad, format!("failed before it began, exit code {}", failure.exit.code())),
        };
        printer.result(&format!("{started_at}  {}\n", printer.paint(tone, &what)));
    }
}

fn summary(record: &RunRecord) -> (Tone, String) {
    let (tone, word) = match record.outcome {
        Outcome::Done => (Tone::Good, "done"),
        Outcome::Partial => (Tone::Warning, "finished in part"),
        Outcome::Budget => (Tone::Warning, "stopped by the request budget"),
        Outcome::Interrupted => (Tone::Warning, "interrupted"),
        Outcome::Running | Outcome::Failed => (Tone::Bad, "failed"),
        Outcome::Credentials => (Tone::Bad, "failed, Gong refused the credentials"),
    };
    let simulated = if record.simulated { ", simulated" } else { "" };
    let changed = record.files.iter().filter(|file| file.changed).count();
    let mut text = format!(
        "{word}{simulated}: {} requests, {} files, {} changed, {}",
        count(record.requests.sent),
        count(record.files.len() as u64),
        count(changed as u64),
        duration(record.seconds),
    );
    if let Some(first) = record.failures.first() {
        text.push_str(&format!("; {} failures, the first: {}: {}", record.failures.len(), first.unit, first.error));
    }
    (tone, text)
}
