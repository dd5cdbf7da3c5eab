//! The command line's shape. Names and codes here are contracts with scripts and schedulers.

use std::path::PathBuf;

use chrono::{DateTime, Utc};
use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::operations::events;
use super::{sql, status, watch};
use crate::sim;
use crate::sql::Dialect;

const EXIT_CODES: &str = "\
Exit codes:
    0  done
    1  failed
    2  usage or job spec
    3  credentials or scope
    4  finished in part: some work units failed, run again
    5  stopped by the request budget, run again
    6  `verify` found something
    7  another run works at the destination
  130  interrupted (143: terminated); what was finished is kept, run again";

/// Export a company's Gong calls, parties, users, transcripts and activity statistics to Parquet
/// files that every engine reads.
#[derive(Debug, Parser)]
#[command(name = "gong-export", version, max_term_width = 100, after_help = EXIT_CODES, arg_required_else_help = true)]
pub(super) struct Cli {
    #[command(flatten)]
    pub(super) output: OutputArgs,
    #[command(subcommand)]
    pub(super) command: Command,
}

/// How much is said, where and in which form.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct OutputArgs {
    /// Say nothing but errors and the result
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub(super) quiet: bool,
    /// Log more: -v what happens, -vv every request
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Form of the log on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(super) log_format: LogFormat,
    /// Form of the result on standard output
    #[arg(long, global = true, value_enum, default_value_t = OutputFormat::Text, value_name = "FORMAT")]
    pub(super) output: OutputFormat,
    /// When to use colour; NO_COLOR is obeyed too
    #[arg(long, global = true, value_enum, default_value_t = ColorChoice::Auto, value_name = "WHEN")]
    pub(super) color: ColorChoice,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    Text,
    Json,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Export what a job asks for
    #[command(after_help = events::help())]
    Run(RunArgs),
    /// Show what a run would do: windows, partitions, requests, minutes, share of the daily budget
    ///
    /// Sends nothing to Gong unless --probe is given.
    Plan(PlanArgs),
    /// Try everything a run needs: job spec, credentials, each dataset's scope, the destination
    ///
    /// Tells an account without calls from a key that cannot see them. Of `notify`, whether its host
    /// answers: nothing is posted.
    Check(JobArgs),
    /// Show what the destination holds: a calendar of each dataset, rows, what is awaited, last runs
    ///
    /// Sends nothing to Gong and needs no credentials.
    #[command(after_long_help = status::HELP)]
    Status(JobArgs),
    /// Run a job again and again, in one process
    #[command(after_long_help = watch::HELP)]
    Watch(WatchArgs),
    /// Read every data file back: schema, counts, checksums, keys, references
    Verify(JobArgs),
    /// Print SQL for what a job exports: views over the files, or tables and a load
    ///
    /// Sends nothing to Gong and needs no credentials of it.
    #[command(after_long_help = sql::HELP)]
    Sql(SqlArgs),
    /// Show the JSON Schema of job specs, or the columns of a dataset
    #[command(subcommand)]
    Schema(SchemaCommand),
    /// Write a commented starter job
    Init(InitArgs),
    /// Serve a simulated Gong API on a loopback port
    Simulator(Box<SimulatorArgs>),
    /// Print a shell's completion script
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// The job, and what overrides it.
#[derive(Debug, Clone, Args)]
pub(super) struct JobArgs {
    /// The job spec, a YAML file (`gong-export init` writes one)
    pub(super) job: PathBuf,
    /// Begin of the range instead of the job's: a date, a date-time with offset, `yesterday`, `7 days ago`…
    #[arg(long, value_name = "DATE")]
    pub(super) from: Option<String>,
    /// End of the range instead of the job's, not included
    #[arg(long, value_name = "DATE")]
    pub(super) to: Option<String>,
    /// Only this dataset of the job; repeat for more
    #[arg(long = "dataset", value_name = "NAME")]
    pub(super) datasets: Vec<String>,
    /// Another destination: a path, file://, s3://, gs:// or az://
    #[arg(long, value_name = "URL")]
    pub(super) destination: Option<String>,
    /// The instant that `today` and the like count from [default: the clock]
    #[arg(long, value_name = "DATE-TIME")]
    pub(super) now: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct RunArgs {
    #[command(flatten)]
    pub(super) job: JobArgs,
    /// Export settled partitions too
    #[arg(long)]
    pub(super) full_refresh: bool,
    /// Let a partition be replaced by a listing with less than half of its rows
    #[arg(long)]
    pub(super) accept_shrink: bool,
    /// Send at most this many requests, then stop in a state from which the next run goes on
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_requests: Option<u64>,
    /// Only show the plan
    #[arg(long)]
    pub(super) dry_run: bool,
    /// At the end, write the run's numbers for Prometheus to this file, as node_exporter's textfile
    /// collector reads it; one file a job
    #[arg(long, value_name = "PATH")]
    pub(super) metrics_file: Option<PathBuf>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct WatchArgs {
    #[command(flatten)]
    pub(super) run: RunArgs,
    /// From the begin of one run to the begin of the next: 30s, 5m, 2h, 1d
    #[arg(long, value_name = "INTERVAL")]
    pub(super) every: watch::Every,
    /// End after so many runs
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) max_runs: Option<u64>,
}

#[derive(Debug, Clone, Args)]
pub(super) struct PlanArgs {
    #[command(flatten)]
    pub(super) job: JobArgs,
    /// Plan as `run --full-refresh` does
    #[arg(long)]
    pub(super) full_refresh: bool,
    /// Ask Gong how many records there are, one request a dataset
    #[arg(long)]
    pub(super) probe: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct SqlArgs {
    #[command(flatten)]
    pub(super) job: JobArgs,
    /// Whose SQL
    #[arg(long, value_enum)]
    pub(super) dialect: Dialect,
    /// Where the engine finds the files, if not at the destination: an absolute path, s3://, gs:// or
    /// az:// of a copy or a mount
    #[arg(long, value_name = "URL")]
    pub(super) files_at: Option<String>,
    /// Load only what this run changed: its id, or `last` for the job's last run [default: all that is
    /// there]
    #[arg(long, value_name = "ID")]
    pub(super) run: Option<String>,
    /// Write the lists of files that the engine's loader takes to this folder, too
    #[arg(long, value_name = "DIR")]
    pub(super) files: Option<PathBuf>,
}

#[derive(Debug, Clone, Subcommand)]
pub(super) enum SchemaCommand {
    /// The JSON Schema of job specs, for editors
    Job,
    /// The columns of a dataset: name, type, unit, meaning
    Dataset {
        /// The dataset; all without a name
        name: Option<String>,
    },
}

#[derive(Debug, Clone, Args)]
pub(super) struct InitArgs {
    /// Where to write the job
    #[arg(default_value = "job.yaml")]
    pub(super) path: PathBuf,
    /// Replace a file that is there
    #[arg(long)]
    pub(super) force: bool,
}

#[derive(Debug, Clone, Args)]
pub(super) struct SimulatorArgs {
    /// The port on 127.0.0.1; 0 picks a free one
    #[arg(long, default_value_t = 4664, value_name = "PORT")]
    pub(super) port: u16,
    #[command(flatten)]
    pub(super) config: sim::config::Config,
}
