//! What a run leaves for those who look after many of them, and are not there when it ends: one line
//! in the log, numbers for a metrics collector, a notification. All of it is made from how the run
//! ended, after it has ended; none of it can change that. Called by `run` alone, but for [`reach`],
//! which lets `check` try the way to the address beforehand.
//!
//! * [`events`]: the names of log events, which log searches rely on.
//! * `ending`: how a run ended, whether it came as far as a run record or not.
//! * `summary_line`: the last line of the log.
//! * `metrics`, `metrics_file`: the numbers as Prometheus reads them, and the file they stand in.
//! * `message`, `notify`: what is told to the address that the job names, and the telling.

mod ending;
pub(super) mod events;
mod message;
mod metrics;
mod metrics_file;
mod notify;
mod summary_line;

use std::path::Path;

use super::args::{OutputArgs, RunArgs};
use super::error::{Chain, Failure};
use super::exit_code::Exit;
use super::output::Printer;
use crate::spec::{JobSpec, NotifyOn};
use crate::state::run_record::RunRecord;
use ending::Ending;
pub(super) use ending::Stopwatch;
pub(super) use notify::reach;

/// Tells everybody who wants to know how a run ended. `spec` is there unless it could not be read.
///
/// The last thing on standard error is the summary line, so a failure is printed here, before it.
pub(super) async fn conclude(
    stopwatch: Stopwatch,
    spec: Option<&JobSpec>,
    result: &Result<RunRecord, Failure>,
    args: &RunArgs,
    output: &OutputArgs,
    printer: Printer,
) -> Exit {
    if let Err(failure) = result {
        printer.failure(failure);
    }
    let file_stem = args.job.job.file_stem().unwrap_or_default().to_string_lossy();
    let ending = stopwatch.stop(spec.map(|spec| spec.name.as_str()), &file_stem, result);
    if let Some(path) = &args.metrics_file {
        write_metrics(path, &ending);
    }
    if let Some(notify) = spec.and_then(|spec| spec.notify.as_ref())
        && (notify.on == NotifyOn::Always || ending.exit_code() != 0)
    {
        notify::notify(notify, &ending).await;
    }
    summary_line::say(&ending, output);
    Exit::Run(ending.exit_code())
}

fn write_metrics(path: &Path, ending: &Ending<'_>) {
    let previous = metrics_file::read_previous(path);
    let text = metrics::render(ending, previous.as_ref());
    if let Err(error) = metrics_file::replace(path, &text) {
        tracing::warn!(
            event = "metrics_failed",
            path = %path.display(),
            error = %Chain(&error),
            "could not write the metrics file; the export is not affected",
        );
    }
}
