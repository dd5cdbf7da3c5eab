//! The end of a run as a person reads it at a glance.

use std::fmt::Write;

use crate::cli::output::{Printer, Table, Tone, count, duration, size};
use crate::state::run_record::{Outcome, RunRecord};

/// How many warnings and failures are shown before the rest is only counted.
const SHOWN_MAX: usize = 20;

/// The whole summary. `query` is a DuckDB statement to paste, where there is something to query.
pub(crate) fn text(record: &RunRecord, printer: Printer, query: Option<&str>) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, record, printer, query);
    text
}

fn write(text: &mut String, record: &RunRecord, printer: Printer, query: Option<&str>) -> std::fmt::Result {
    let mut table = Table::new(&["dataset", "partitions", "changed", "rows", "size"]);
    for total in &record.datasets {
        table.row([
            total.dataset.clone(),
            count(total.partitions),
            count(total.partitions_changed),
            count(total.rows),
            size(total.bytes),
        ]);
    }
    if !record.datasets.is_empty() {
        writeln!(text, "{}", table.text(1, printer))?;
    }

    let requests = &record.requests;
    let (word, tone) = match record.outcome {
        Outcome::Done => ("done", Tone::Good),
        Outcome::Partial => ("finished in part, run again for the rest", Tone::Warning),
        Outcome::Budget => ("stopped by the request budget, run again for the rest", Tone::Warning),
        Outcome::Interrupted => ("interrupted, run again for the rest", Tone::Warning),
        Outcome::Running | Outcome::Failed => ("failed", Tone::Bad),
        Outcome::Credentials => ("failed, Gong refused the credentials", Tone::Bad),
    };
    writeln!(
        text,
        "{}: {} requests ({} repeated, {} throttled), {} received, {}",
        printer.paint(tone, word),
        count(requests.sent),
        count(requests.retries),
        count(requests.throttled),
        size(requests.bytes_received),
        duration(record.seconds),
    )?;
    if record.simulated {
        writeln!(text, "{}", printer.paint(Tone::Warning, "simulated data, not from a Gong account"))?;
    }
    notes(text, record, printer)?;
    writeln!(text, "files: {}", record.destination)?;
    if let Some(query) = query {
        writeln!(text, "query: {}", printer.paint(Tone::Strong, query))?;
    }
    Ok(())
}

fn notes(text: &mut String, record: &RunRecord, printer: Printer) -> std::fmt::Result {
    for failure in record.failures.iter().take(SHOWN_MAX) {
        writeln!(text, "{} {}: {}", printer.paint(Tone::Bad, "failed:"), failure.unit, failure.error)?;
        if let Some(hint) = &failure.hint {
            writeln!(text, "        {hint}")?;
        }
    }
    more(text, record.failures.len(), "failures")?;

    let rejected = record.rejected.records;
    if rejected > 0 {
        let kept = record.rejected.key.as_deref().map_or_else(String::new, |key| format!(", kept in {key}"));
        writeln!(text, "{} {} records{kept}", printer.paint(Tone::Bad, "rejected:"), count(rejected))?;
    }
    let mut warnings = record.warnings.clone();
    if let (Some(first), Some(last)) = (record.activity_days_left_out.first(), record.activity_days_left_out.last()) {
        let days = record.activity_days_left_out.len();
        warnings.push(if days == 1 {
            format!("activity of {first} left out: that day is not over in the company's zone")
        } else {
            format!("activity of {first} to {last} left out: those days are not over in the company's zone")
        });
    }
    let names =
        |fields: &std::collections::BTreeMap<String, u64>| fields.keys().cloned().collect::<Vec<_>>().join(", ");
    if !record.unknown_fields.is_empty() {
        warnings.push(format!("fields that no column holds, see extra_json: {}", names(&record.unknown_fields)));
    }
    if !record.unexpected_types.is_empty() {
        warnings.push(format!("values of an unexpected type, see extra_json: {}", names(&record.unexpected_types)));
    }
    if record.replaced_characters > 0 {
        warnings.push(format!("{} broken characters replaced by U+FFFD", count(record.replaced_characters)));
    }
    for warning in warnings.iter().take(SHOWN_MAX) {
        writeln!(text, "{} {warning}", printer.paint(Tone::Warning, "note:"))?;
    }
    more(text, warnings.len(), "notes")
}

fn more(text: &mut String, total: usize, what: &str) -> std::fmt::Result {
    if total > SHOWN_MAX {
        writeln!(text, "        and {} more {what}, all in the run record", total - SHOWN_MAX)?;
    }
    Ok(())
}
