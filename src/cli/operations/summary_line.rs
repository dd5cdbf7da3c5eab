//! The last line of a run's log: everything that a search over many runs asks for, on one line.
//!
//! As text it is logfmt (`key=value`, values in quotes where they need them); in a JSON log it is the
//! event `run_finished` with the same fields. On a terminal there is none: the summary has just said
//! it. With `-q` a run that is done says nothing, and any other says this line.

use std::fmt::Write as _;
use std::io::{self, IsTerminal, Write as _};

use super::ending::Ending;
use crate::cli::args::{LogFormat, OutputArgs};

pub(super) fn say(ending: &Ending<'_>, output: &OutputArgs) {
    match output.log_format {
        LogFormat::Json => log(ending),
        LogFormat::Text if io::stderr().is_terminal() => {}
        LogFormat::Text if output.quiet && ending.exit_code() == 0 => {}
        LogFormat::Text => {
            // A log that cannot be written is no reason to fail.
            let _ = io::stderr().lock().write_all(text(ending).as_bytes());
        }
    }
}

fn log(ending: &Ending<'_>) {
    let record = ending.record();
    let run_id = record.map(|record| record.run_id.as_str());
    let destination = record.map(|record| record.destination.as_str());
    // The level of an event is part of its call, hence two of them.
    macro_rules! run_finished {
        ($level:ident) => {
            tracing::$level!(
                event = "run_finished",
                run_id,
                job = ending.job_or_file(),
                outcome = ending.outcome(),
                exit_code = ending.exit_code(),
                rows = ending.rows(),
                files = ending.files(),
                changed = ending.changed(),
                requests = ending.requests(),
                failures = ending.failures().len(),
                warnings = ending.warnings(),
                seconds = seconds(ending),
                destination,
            )
        };
    }
    if ending.exit_code() == 0 { run_finished!(info) } else { run_finished!(error) }
}

fn text(ending: &Ending<'_>) -> String {
    let mut line = "gong-export:".to_owned();
    let mut field = |key: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = write!(line, " {key}={}", Logfmt(value));
    };
    field("event", "run_finished");
    if let Some(record) = ending.record() {
        field("run_id", &record.run_id);
    }
    field("job", ending.job_or_file());
    field("outcome", ending.outcome());
    field("exit_code", &ending.exit_code().to_string());
    field("rows", &ending.rows().to_string());
    field("files", &ending.files().to_string());
    field("changed", &ending.changed().to_string());
    field("requests", &ending.requests().to_string());
    field("failures", &ending.failures().len().to_string());
    field("warnings", &ending.warnings().to_string());
    field("seconds", &seconds(ending).to_string());
    if let Some(record) = ending.record() {
        field("destination", &record.destination);
    }
    line.push('\n');
    line
}

/// To the millisecond.
fn seconds(ending: &Ending<'_>) -> f64 {
    ending.lasted.as_millis() as f64 / 1000.0
}

/// A value as logfmt writes it: as it is, or in quotes with escapes where a reader would lose its way.
struct Logfmt<'a>(&'a str);

impl std::fmt::Display for Logfmt<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let is_plain = |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '"' | '=' | '\\');
        if !self.0.is_empty() && self.0.chars().all(is_plain) {
            return f.write_str(self.0);
        }
        f.write_char('"')?;
        for c in self.0.chars() {
            match c {
                '"' | '\\' => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                // No other line breaks either, nor anything that steers a terminal.
                c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => write!(f, "\\u{:04x}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        f.write_char('"')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ending::samples::{early, ending, record};
    use super::*;
    use crate::cli::exit_code::Exit;
    use crate::state::run_record::Outcome;

    #[test]
    fn a_run_is_one_line() {
        let mut record = record(Outcome::Partial);
        record.destination = "/data/gong export".to_owned();
        assert_eq!(
            text(&ending(&Ok(record))),
            "gong-export: event=run_finished run_id=20260320T041500Z-0a1b2c3d job=nightly outcome=partial \
             exit_code=4 rows=82 files=3 changed=2 requests=9 failures=0 warnings=1 seconds=12.75 \
             destination=\"/data/gong export\"\n"
        );
    }

    #[test]
    fn a_run_without_a_record_is_one_too() {
        let failed = early(Exit::Credentials, "no credentials");
        let mut ending = ending(&failed);
        ending.job = None;
        assert_eq!(
            text(&ending),
            "gong-export: event=run_finished job=job outcome=credentials exit_code=3 rows=0 files=0 changed=0 \
             requests=0 failures=1 warnings=0 seconds=12.75\n"
        );
    }

    #[test]
    fn every_exit_code_has_its_word() {
        let word = |exit| ending(&early(exit, "x")).outcome();
        assert_eq!(
            [word(Exit::Failed), word(Exit::Usage), word(Exit::Credentials)],
            ["failed", "usage", "credentials"]
        );
        let codes = [0, 4, 5, 7, 130, 143].map(|code| word(Exit::Run(code)));
        assert_eq!(codes, ["done", "partial", "budget", "locked", "interrupted", "interrupted"]);
        for outcome in [
            Outcome::Done,
            Outcome::Failed,
            Outcome::Credentials,
            Outcome::Partial,
            Outcome::Budget,
            Outcome::Interrupted,
        ] {
            let word = serde_json::to_value(outcome).unwrap();
            assert_eq!(ending(&Ok(record(outcome))).outcome(), word, "the run record's word");
        }
    }

    proptest! {
        /// Whatever a value holds, it stays on its line and within its quotes.
        #[test]
        fn a_value_cannot_break_out(value in "(\\PC|[ \"=\\\\\n\r\t\u{1b}\u{2028}\u{85}]){0,20}") {
            let shown = Logfmt(&value).to_string();
            prop_assert!(!shown.contains(['\n', '\r', '\u{1b}', '\u{2028}', '\u{85}']), "{shown}");
            match shown.strip_prefix('"') {
                None => prop_assert_eq!(shown, value),
                Some(rest) => {
                    let inner = rest.strip_suffix('"').unwrap();
                    prop_assert!(!inner.replace("\\\\", "").replace("\\\"", "").contains('"'), "{inner}");
                }
            }
        }
    }
}
