//! `gong-export run`, and one run as `watch` makes them again and again.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use indicatif::{MultiProgress, ProgressDrawTarget};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::args::{LogFormat, OutputArgs, PlanArgs, RunArgs};
use super::environment::{self, Signal};
use super::error::{Chain, Failure};
use super::exit_code::Exit;
use super::operations;
use super::output::Printer;
use super::report::{Bars, Lines, Silent, summary};
use super::run_records::{self, run_id};
use super::session::{Connection, KeptSimulator, Session};
use crate::dataset::Dataset;
use crate::engine::{self, Budget, Job, Reporter, Selection, Shrink, UserList};
use crate::gong::Client;
use crate::plan::Plan;
use crate::sink::lease::{self, Strength};
use crate::sink::{Held, Lease, LeaseError, Patience, Store, read_coverage};
use crate::spec::JobSpec;
use crate::state::run_record::{Outcome, Past, RunRecord};

/// On a store that cannot exclude a second run, what nobody has written to for so long belongs to no
/// run any more.
const LEFTOVER_AGE: TimeDelta = TimeDelta::hours(1);

/// How long a run that was told to stop may take to come to a safe point. What is being written then is
/// dropped, as by a kill; then the lease is given back, and somebody is told: all within the half minute
/// that schedulers grant.
const STOP_MAX: Duration = Duration::from_secs(10);

pub(super) async fn run(
    args: RunArgs,
    output: &OutputArgs,
    printer: Printer,
    bars: MultiProgress,
) -> Result<Exit, Failure> {
    if args.dry_run {
        return super::plan::plan(PlanArgs { job: args.job, full_refresh: args.full_refresh, probe: false }, printer)
            .await;
    }
    let stopwatch = operations::Stopwatch::start();
    let (spec, result) = attempt(&args, output, bars, &mut Process::start()?).await;
    if let Ok(Exported { record, query }) = &result {
        if printer.is_json() {
            printer.json(record);
        } else {
            printer.result(&summary::text(record, printer, query.as_deref()));
        }
    }
    let result = result.map(|exported| exported.record);
    Ok(operations::conclude(stopwatch, spec.as_ref(), &result, &args, output, printer).await)
}

/// Reads a job and runs it once, as far as it comes. The spec is there if it could be read.
pub(super) async fn attempt(
    args: &RunArgs,
    output: &OutputArgs,
    bars: MultiProgress,
    process: &mut Process,
) -> (Option<JobSpec>, Result<Exported, Failure>) {
    let spec = match Session::read_spec(&args.job) {
        Ok(spec) => spec,
        Err(failure) => return (None, Err(failure)),
    };
    let result = match Session::new(spec.clone(), &args.job) {
        Ok(session) => Box::pin(once(&session, args, output, bars, process)).await,
        Err(failure) => Err(failure),
    };
    (Some(spec), result)
}

/// What runs in the same process share.
#[derive(Debug)]
pub(super) struct Process {
    stop: CancellationToken,
    signal: watch::Receiver<Option<Signal>>,
    simulator: KeptSimulator,
}

impl Process {
    /// Listens for signals from now on. Once in a process.
    pub(super) fn start() -> Result<Self, Failure> {
        let stop = CancellationToken::new();
        let signal = environment::stop_on_signal(stop.clone())
            .map_err(|error| Failure::of(Exit::Failed, "cannot listen for signals", &error))?;
        Ok(Self { stop, signal, simulator: KeptSimulator::default() })
    }

    /// The signal that asked for an end, if there was one.
    pub(super) fn signal(&self) -> Option<Signal> {
        *self.signal.borrow()
    }

    /// How a run ends that a signal stopped where it has nothing to record.
    fn interrupted(&self, when: &str) -> Failure {
        // Only signals stop a process.
        let code = self.signal().unwrap_or(Signal::Terminate).exit_code();
        Failure::new(Exit::Run(code), format!("stopped by a signal {when}"))
            .hint("run the job again, it takes up what is missing; finished partitions are kept")
    }

    /// Comes back when a signal asks for an end.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

/// A run that came to its run record, which is stored by now.
#[derive(Debug)]
pub(super) struct Exported {
    pub(super) record: RunRecord,
    /// A DuckDB statement over what was written, where there is something to query.
    query: Option<String>,
}

/// Runs a job once. Prints no result.
async fn once(
    session: &Session,
    args: &RunArgs,
    output: &OutputArgs,
    bars: MultiProgress,
    process: &mut Process,
) -> Result<Exported, Failure> {
    let run_id = run_id(session.now, environment::now());
    let store = session.open_store(&args.job, Patience::Unattended)?.for_run(&run_id);
    let lease = acquire(session, &store, &run_id, process).await?;
    let reporter = |client| reporter(output, bars, client);
    let record = export(args, reporter, session, &store, run_id, &lease, process).await;
    if let Err(error) = lease.release().await {
        tracing::warn!(event = "lease_kept", error = %Chain(&error), "lease not given back, the next run takes it over");
    }
    let record = record?;

    let query = query(session, &store, &record);
    Ok(Exported { record, query })
}

/// Makes sure that no other run works at the destination.
async fn acquire(session: &Session, store: &Store, run_id: &str, process: &Process) -> Result<Lease, Failure> {
    let owner = lease::this_process(run_id, session.spec.name.as_str());
    let settings = lease::Settings::default();
    let lease = match Lease::acquire(store, owner, settings, environment::now, &process.stop).await {
        Ok(lease) => lease,
        Err(LeaseError::GivenUp) => return Err(process.interrupted("before the export began")),
        Err(LeaseError::Held { destination, holder, document }) => {
            return Err(Failure::new(Exit::Held, format!("another run works at {destination}: {holder}"))
                .hint(format!("wait for it to end; if you are sure that nobody works there, remove {document}")));
        }
        Err(LeaseError::Sink(error)) => return Err(error.into()),
    };
    if let Some(taken) = lease.taken_over() {
        tracing::warn!(event = "lease_taken_over", from = %taken.from, "took over from a run that is gone");
    }
    if lease.strength() == Strength::Advisory {
        tracing::warn!(
            event = "lease_weak",
            "this destination cannot keep two runs apart for sure; should two run at once, both do the same work"
        );
    }
    Ok(lease)
}

async fn export(
    args: &RunArgs,
    reporter: impl FnOnce(Client) -> Arc<dyn Reporter>,
    session: &Session,
    store: &Store,
    run_id: String,
    lease: &Lease,
    process: &mut Process,
) -> Result<RunRecord, Failure> {
    // What ends this run alone must not end the process's next one.
    let cancel = process.stop.child_token();
    let prepared = tokio::select! {
        biased;
        () = cancel.cancelled() => None,
        prepared = prepare(args, session, store, lease, &mut process.simulator) => Some(prepared?),
    };
    let Some(Prepared { past, held, plan, budget, connection, selection, users }) = prepared else {
        return Err(process.interrupted("before the export began"));
    };
    let client = connection.client.clone();
    let job = Job {
        name: session.spec.name.clone(),
        run_id,
        started_at: session.now,
        range: session.range,
        zone: session.spec.range.timezone,
        partition_by: session.spec.destination.partition_by,
        requests_per_second: session.spec.source.requests_per_second,
        selection,
        simulated: session.is_simulated(),
        writer: session.writer_settings(),
        selection_text: session.selection_text(),
        privacy: session.privacy(users.as_ref()),
        privacy_note: session.privacy_note(),
        held,
        shrink: if args.accept_shrink { Shrink::Accept } else { Shrink::Refuse },
        resumes: past.resumes,
        budget,
    };
    let reporter = reporter(client.clone());
    let mut running = Box::pin(engine::run(job, plan, client, store.clone(), users, reporter, cancel.clone()));
    let ended = async {
        tokio::select! {
            record = &mut running => (record, None),
            holder = lease.lost() => {
                // Both would only do the same work, so this one comes to a safe point and leaves.
                tracing::warn!(event = "lease_lost", by = %holder, "another run has taken the destination");
                cancel.cancel();
                (running.await, Some(holder))
            }
        }
    };
    let too_late = async {
        process.stopped().await;
        tokio::time::sleep(STOP_MAX).await;
    };
    let (mut record, taken_by) = tokio::select! {
        biased;
        ended = ended => ended,
        () = too_late => return Err(process.interrupted("in the middle of a write that does not come to its end")),
    };
    if record.outcome == Outcome::Interrupted {
        record.exit_code = match (&taken_by, process.signal()) {
            (Some(_), _) => Exit::Held.code(),
            (None, Some(signal)) => signal.exit_code(),
            (None, None) => record.exit_code,
        };
    }
    Ok(record)
}

/// All that is found out before a run begins.
struct Prepared {
    past: Past,
    held: Held,
    plan: Plan,
    budget: Budget,
    connection: Connection,
    selection: Selection,
    users: Option<UserList>,
}

/// Looks at what is there and what is to be done, and tidies up. Can be dropped at any moment.
async fn prepare(
    args: &RunArgs,
    session: &Session,
    store: &Store,
    lease: &Lease,
    simulator: &mut KeptSimulator,
) -> Result<Prepared, Failure> {
    let past = session.past(store).await?;
    let held = read_coverage(store, &session.datasets).await?;
    let plan = session.plan(&held.coverage, past, args.full_refresh);
    let (requests_max, budget) = session.requests_left(past, args.max_requests);
    let connection = session.connect_keeping(simulator, Some(requests_max)).await?;
    let (selection, users) = session.selection(&connection.client).await?;
    let leftover_age = match lease.strength() {
        Strength::Exclusive => TimeDelta::zero(),
        Strength::Advisory => LEFTOVER_AGE,
    };
    let leftovers = store.clean_leftovers(environment::now() - leftover_age).await?;
    if leftovers > 0 {
        tracing::info!(event = "leftovers_removed", leftovers, "removed what a killed run left behind");
    }
    // By the earlier of both: a run that counts from another day removes no more than one of today.
    match run_records::prune(store, session.now.min(environment::now())).await {
        Ok(0) => {}
        Ok(records) => tracing::info!(event = "old_runs_removed", records, "removed old run records"),
        // A destination that allows no removal is still one to export to.
        Err(error) => tracing::warn!(event = "warning", error = %Chain(&error), "old run records stay"),
    }
    Ok(Prepared { past, held, plan, budget, connection, selection, users })
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
