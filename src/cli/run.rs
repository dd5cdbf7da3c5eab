//! `gong-export run`.

use std::io::IsTerminal;
use std::sync::Arc;

use chrono::TimeDelta;
use indicatif::{MultiProgress, ProgressDrawTarget};
use tokio_util::sync::CancellationToken;

use super::args::{LogFormat, OutputArgs, PlanArgs, RunArgs};
use super::environment;
use super::error::Failure;
use super::exit_code::Exit;
use super::operations;
use super::output::Printer;
use super::report::{Bars, Lines, Silent, summary};
use super::session::Session;
use crate::dataset::Dataset;
use crate::engine::{self, Job, Reporter};
use crate::gong::Client;
use crate::sink::{Patience, Store};
use crate::spec::JobSpec;
use crate::state::run_record::{Outcome, RunRecord};

/// A temporary file that nobody has written to for so long belongs to no run any more.
const LEFTOVER_AGE: TimeDelta = TimeDelta::hours(1);

pub(super) async fn run(
    args: RunArgs,
    output: &OutputArgs,
    printer: Printer,
    bars: MultiProgress,
) -> Result<Exit, Failure> {
    if args.dry_run {
        return super::plan::plan(PlanArgs { job: args.job, probe: false }, printer).await;
    }
    let stopwatch = operations::Stopwatch::start();
    let (spec, result) = match Session::read_spec(&args.job) {
        Ok(spec) => (Some(spec.clone()), export(spec, &args, output, printer, bars).await),
        Err(failure) => (None, Err(failure)),
    };
    Ok(operations::conclude(stopwatch, spec.as_ref(), result, &args, output, printer).await)
}

async fn export(
    spec: JobSpec,
    args: &RunArgs,
    output: &OutputArgs,
    printer: Printer,
    bars: MultiProgress,
) -> Result<RunRecord, Failure> {
    let session = Session::new(spec, &args.job)?;
    let run_id = run_id(&session);
    let store = session.open_store(&args.job, Patience::Unattended)?.for_run(&run_id);
    let plan = session.plan();

    let cancel = CancellationToken::new();
    let signal = environment::stop_on_signal(cancel.clone())
        .map_err(|error| Failure::of(Exit::Failed, "cannot listen for signals", &error))?;
    let connection = session.connect(args.max_requests).await?;
    let client = connection.client.clone();
    let (selection, users) = session.selection(&client).await?;
    let previous = session.previous(&store).await?;
    let leftovers = store.clean_leftovers(session.now - LEFTOVER_AGE).await?;
    if leftovers > 0 {
        tracing::info!(event = "leftovers_removed", leftovers, "removed what a killed run left behind");
    }
    let job = Job {
        name: session.spec.name.clone(),
        run_id,
        started_at: session.now,
        range: session.range,
        zone: session.spec.range.timezone,
        partition_by: session.spec.destination.partition_by,
        selection,
        simulated: session.is_simulated(),
        writer: session.writer_settings(),
        previous,
    };
    let reporter = reporter(output, bars, client.clone());
    let mut record = engine::run(job, plan, client, store.clone(), users, reporter, cancel).await;
    if record.outcome == Outcome::Interrupted
        && let Some(signal) = *signal.borrow()
    {
        record.exit_code = signal.exit_code();
    }

    if printer.is_json() {
        printer.json(&record);
    } else {
        let query = query(&session, &store, &record);
        printer.result(&summary::text(&record, printer, query.as_deref()));
    }
    Ok(record)
}

/// Sorts by time, and no two are alike.
fn run_id(session: &Session) -> String {
    format!("{}-{:08x}", session.now.format("%Y%m%dT%H%M%SZ"), rand::random::<u32>())
}

fn reporter(output: &OutputArgs, bars: MultiProgress, client: Client) -> Arc<dyn Reporter> {
    let terminal = std::io::stderr().is_terminal() && output.log_format == LogFormat::Text;
    match (output.quiet, terminal && output.verbose == 0) {
        (true, _) => Arc::new(Silent),
        (false, true) => {
            bars.set_draw_target(ProgressDrawTarget::stderr());
            Arc::new(Bars::new(bars, client))
        }
        (false, false) => Arc::new(Lines::new(output.log_format)),
    }
}

/// A DuckDB statement over what was written: the first dataset with rows.
fn query(session: &Session, store: &Store, record: &RunRecord) -> Option<String> {
    let written =
        |dataset: &Dataset| record.datasets.iter().any(|total| total.dataset == dataset.name && total.rows > 0);
    let dataset = session.datasets.iter().find(|dataset| written(dataset))?;
    let by = session.spec.destination.partition_by;
    let column = dataset.partition.key(by);
    Some(format!(
        "duckdb -c \"SELECT {column}, count(*) AS {} FROM read_parquet('{}', hive_partitioning = true) GROUP BY 1 ORDER BY 1\"",
        dataset.name,
        store.glob(dataset, by),
    ))
}
