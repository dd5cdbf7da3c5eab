//! Where text goes: the result to standard output, everything for people to standard error.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;

use super::args::{ColorChoice, LogFormat, OutputArgs, OutputFormat};
use super::error::Failure;

/// How results are written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Printer {
    pub(super) format: OutputFormat,
    color_stdout: bool,
    color_stderr: bool,
    /// Standard error is read by a program, line by line.
    json_log: bool,
}

/// A few styles with a meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warning,
    Bad,
    Strong,
    Faint,
}

impl Tone {
    fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Warning => "33",
            Self::Bad => "1;31",
            Self::Strong => "1",
            Self::Faint => "2",
        }
    }
}

impl Printer {
    /// `no_color` is whether the environment asks for none.
    pub(super) fn new(args: &OutputArgs, no_color: bool) -> Self {
        let wanted = |is_terminal: bool| match args.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => is_terminal && !no_color,
        };
        Self {
            format: args.output,
            color_stdout: wanted(io::stdout().is_terminal()),
            color_stderr: wanted(io::stderr().is_terminal()),
            json_log: args.log_format == LogFormat::Json,
        }
    }

    pub(super) fn color_stderr(&self) -> bool {
        self.color_stderr
    }

    pub(super) fn is_json(&self) -> bool {
        self.format == OutputFormat::Json
    }

    /// Text in a tone, for standard output.
    pub(super) fn paint(&self, tone: Tone, text: &str) -> String {
        paint(self.color_stdout, tone, text)
    }

    /// Writes a result.
    pub(super) fn result(&self, text: &str) {
        write_out(text.as_bytes());
    }

    /// Writes a result as one JSON document.
    pub(super) fn json(&self, document: &impl Serialize) {
        let mut text = serde_json::to_vec_pretty(document).expect("results have only text keys");
        text.push(b'\n');
        write_out(&text);
    }

    /// Writes one of several JSON documents, on a line of its own.
    pub(super) fn json_line(&self, document: &impl Serialize) {
        let mut text = serde_json::to_vec(document).expect("results have only text keys");
        text.push(b'\n');
        write_out(&text);
    }

    /// Tells a person that a command failed, and what to do.
    pub(super) fn failure(&self, failure: &Failure) {
        if self.json_log {
            let (exit_code, hint) = (failure.exit.code(), failure.hint.as_deref());
            tracing::error!(event = "failed", exit_code, hint, "{}", failure.message);
            return;
        }
        let mut text = paint(self.color_stderr, Tone::Bad, "error:");
        text.push(' ');
        text.push_str(&failure.message);
        if let Some(hint) = &failure.hint {
            text.push('\n');
            text.push_str(&paint(self.color_stderr, Tone::Strong, "hint:"));
            text.push(' ');
            text.push_str(hint);
        }
        text.push('\n');
        // Nobody is left to tell when standard error is gone.
        let _ = io::stderr().lock().write_all(text.as_bytes());
    }
}

/// Whether a result could not be written, in this process.
static RESULT_LOST: AtomicBool = AtomicBool::new(false);

/// Why a command that did its work still fails: nobody got its result.
pub(super) fn result_was_lost() -> bool {
    RESULT_LOST.load(Ordering::Relaxed)
}

/// A reader that has gone away (`gong-export … | head`) is no failure of ours; a full disk is.
fn write_out(bytes: &[u8]) {
    let mut out = io::stdout().lock();
    if let Err(error) = out.write_all(bytes).and_then(|()| out.flush())
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        RESULT_LOST.store(true, Ordering::Relaxed);
    }
}

fn paint(on: bool, tone: Tone, text: &str) -> String {
    if on { format!("\x1b[{}m{text}\x1b[0m", tone.code()) } else { text.to_owned() }
}

/// A number with separators between thousands.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A size for people.
pub(super) fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "kB", "MB", "GB", "TB"];
    let mut value = bytes as f64;
    let mut unit = 0;
    while value >= 999.5 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    if unit == 0 {
        format!("{bytes} B")
    } else if value < 9.95 {
        format!("{value:.1} {}", UNITS[unit])
    } else {
        format!("{value:.0} {}", UNITS[unit])
    }
}

/// A duration for people.
pub(super) fn duration(seconds: f64) -> String {
    if seconds < 60.0 {
        return format!("{seconds:.1} s");
    }
    let minutes = (seconds / 60.0).floor();
    if minutes < 60.0 {
        return format!("{minutes:.0} min {:.0} s", seconds - minutes * 60.0);
    }
    let hours = (minutes / 60.0).floor();
    format!("{hours:.0} h {:.0} min", minutes - hours * 60.0)
}

/// A table of text columns: the first column to the left, numbers to the right.
#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(super) fn new(header: &[&str]) -> Self {
        Self { rows: vec![header.iter().map(|&cell| cell.to_owned()).collect()] }
    }

    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// Whether there is nothing but the header.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.len() <= 1
    }

    /// As text for standard output, the header faint.
    pub(super) fn text(&self, left: usize, printer: Printer) -> String {
        let mut text = String::new();
        for (place, line) in self.lines(left).iter().enumerate() {
            text.push_str(&if place == 0 { printer.paint(Tone::Faint, line) } else { line.clone() });
            text.push('\n');
        }
        text
    }

    /// The lines, header first, with `left` columns aligned to the left.
    pub(super) fn lines(&self, left: usize) -> Vec<String> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut lines = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                if column > 0 {
                    line.push_str("  ");
                }
                if column < left {
                    line.push_str(&format!("{cell:<width$}"));
                } else {
                    line.push_str(&format!("{cell:>width$}"));
                }
            }
            lines.push(line.trim_end().to_owned());
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_easily() {
        assert_eq!([count(0), count(999), count(1_000), count(12_345_678)], ["0", "999", "1,000", "12,345,678"]);
        assert_eq!([size(999), size(1_500), size(999_600), size(25_000_000)], ["999 B", "1.5 kB", "1.0 MB", "25 MB"]);
        assert_eq!([duration(4.25), duration(61.0), duration(7_260.0)], ["4.2 s", "1 min 1 s", "2 h 1 min"]);
    }

    #[test]
    fn tables_line_up() {
        let mut table = Table::new(&["dataset", "rows"]);
        table.row(["calls".to_owned(), "5".to_owned()]);
        table.row(["transcripts".to_owned(), "1,200".to_owned()]);
        assert_eq!(table.lines(1), ["dataset       rows", "calls            5", "transcripts  1,200"]);
    }
}
