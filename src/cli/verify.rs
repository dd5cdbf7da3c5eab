//! `gong-export verify`.

use serde::Serialize;

use super::args::JobArgs;
use super::error::Failure;
use super::exit_code::Exit;
use super::output::{Printer, Tone, count, size};
use super::session::Session;
use crate::sink::Patience;
use crate::sink::verify;

/// How many findings are shown as text; JSON has all.
const SHOWN_MAX: usize = 50;

#[derive(Debug, Serialize)]
struct Report {
    destination: String,
    ok: bool,
    files: u64,
    rows: u64,
    bytes: u64,
    findings: Vec<String>,
}

pub(super) async fn verify(args: JobArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::load(&args)?;
    let store = session.open_store(&args, Patience::Attended)?;
    let found = verify::verify(&store, &session.datasets, session.spec.range.timezone).await?;
    let report = Report {
        destination: store.describe(),
        ok: found.findings.is_empty(),
        files: found.files,
        rows: found.rows,
        bytes: found.size_bytes,
        findings: found.findings.iter().map(ToString::to_string).collect(),
    };
    if printer.is_json() {
        printer.json(&report);
    } else {
        printer.result(&text(&report, printer));
    }
    Ok(if report.ok { Exit::Done } else { Exit::Findings })
}

fn text(report: &Report, printer: Printer) -> String {
    let mut text = String::new();
    for finding in report.findings.iter().take(SHOWN_MAX) {
        text.push_str(&format!("{} {finding}\n", printer.paint(Tone::Bad, "found:")));
    }
    if report.findings.len() > SHOWN_MAX {
        text.push_str(&format!("       and {} more, --output json lists all\n", report.findings.len() - SHOWN_MAX));
    }
    let verdict = match (report.ok, report.files) {
        (true, 0) => printer.paint(Tone::Warning, "no data files"),
        (true, _) => printer.paint(Tone::Good, "all as promised"),
        (false, _) => printer.paint(Tone::Bad, &format!("{} findings", count(report.findings.len() as u64))),
    };
    text.push_str(&format!(
        "{verdict}: {} files, {} rows, {} in {}\n",
        count(report.files),
        count(report.rows),
        size(report.bytes),
        report.destination,
    ));
    text
}
