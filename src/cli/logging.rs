//! The log on standard error. Names, addresses, transcripts and bodies never reach it: the library
//! logs ids, counts and statuses only.

use std::io::{self, Write};

use indicatif::MultiProgress;
use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use super::args::{LogFormat, OutputArgs};

/// Starts logging. Lines are written between the redraws of `bars`.
pub(super) fn start(args: &OutputArgs, color: bool, bars: &MultiProgress) {
    let level = match (args.quiet, args.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, 2) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    // A JSON log is read by programs, which choose for themselves.
    let level = if args.log_format == LogFormat::Json { level.max(LevelFilter::INFO) } else { level };
    // Other crates may log what they send, so they speak only of their troubles.
    let filter = Targets::new().with_target("gong_export", level).with_default(Level::WARN);
    let writer = BetweenBars(bars.clone());
    let layer = match args.log_format {
        LogFormat::Text => {
            fmt::layer().with_writer(writer).with_ansi(color).with_target(false).compact().with_filter(filter).boxed()
        }
        LogFormat::Json => {
            fmt::layer().json().flatten_event(true).with_writer(writer).with_target(false).with_filter(filter).boxed()
        }
    };
    // Only a second start in the same process fails, and then the first one stands.
    let _ = tracing_subscriber::registry().with(layer).try_init();
}

#[derive(Debug, Clone)]
struct BetweenBars(MultiProgress);

impl<'a> MakeWriter<'a> for BetweenBars {
    type Writer = Self;

    fn make_writer(&'a self) -> Self::Writer {
        self.clone()
    }
}

impl Write for BetweenBars {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write(line))
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
