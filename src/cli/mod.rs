//! The command line: the only part that prints, reads the environment and looks at the clock.

mod args;
mod check;
mod credentials;
mod environment;
mod error;
mod exit_code;
mod init;
mod logging;
mod operations;
mod output;
mod plan;
mod report;
mod run;
mod run_records;
mod schema;
mod session;
mod simulator;
mod sql;
mod status;
mod token_file;
mod verify;
mod watch;

use std::process::ExitCode;

use clap::{CommandFactory, Parser};
use indicatif::{MultiProgress, ProgressDrawTarget};

use args::{Cli, Command, OutputArgs};
use error::Failure;
use exit_code::Exit;
use output::Printer;

/// Parses the command line, runs the command, and tells how it ended.
pub fn main() -> ExitCode {
    let Cli { output, command } = Cli::parse();
    let no_color = environment::variable("NO_COLOR").is_some();
    let printer = Printer::new(&output, no_color);
    let bars = MultiProgress::with_draw_target(ProgressDrawTarget::hidden());
    logging::start(&output, printer.color_stderr(), &bars);

    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            printer.failure(&Failure::of(Exit::Failed, "cannot start threads", &error));
            return Exit::Failed.into();
        }
    };
    let exit = runtime.block_on(dispatch(command, &output, printer, bars)).unwrap_or_else(|failure| {
        printer.failure(&failure);
        failure.exit
    });
    let exit = if exit.code() == 0 && output::result_was_lost() {
        printer.failure(&Failure::new(Exit::Failed, "cannot write the result to standard output"));
        Exit::Failed
    } else {
        exit
    };
    token_file::finish();
    // A request or an upload that was given up may still hold a thread.
    runtime.shutdown_background();
    exit.into()
}

async fn dispatch(
    command: Command,
    output: &OutputArgs,
    printer: Printer,
    bars: MultiProgress,
) -> Result<Exit, Failure> {
    match command {
        Command::Run(args) => run::run(args, output, printer, bars).await,
        Command::Plan(args) => plan::plan(args, printer).await,
        Command::Check(args) => check::check(args, printer).await,
        Command::Status(args) => status::status(args, printer).await,
        Command::Watch(args) => watch::watch(args, output, printer, bars).await,
        Command::Verify(args) => verify::verify(args, printer).await,
        Command::Sql(args) => sql::sql(args, printer).await,
        Command::Schema(command) => schema::schema(command, printer),
        Command::Init(args) => init::init(&args, printer),
        Command::Simulator(args) => simulator::simulator(&args, printer).await,
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "gong-export", &mut script);
            printer.result(&String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
    }
}
