//! The status for a terminal: totals, calendars, what is awaited, the last runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::calendar;
use super::mark::Mark;
use super::report::{Hold, HolderReport, Report, RunReport};
use super::survey::Holding;
use crate::cli::output::{Printer, Table, Tone, count, duration, size};
use crate::sink::lease::Sighting;
use crate::state::run_record::Outcome;

/// How many notes are shown; JSON has all.
const NOTES_MAX: usize = 20;

pub(super) fn text(report: &Report, holdings: &[Holding], lease: Option<&Sighting>, printer: Printer) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, report, holdings, lease, printer);
    text
}

fn write(
    text: &mut String,
    report: &Report,
    holdings: &[Holding],
    lease: Option<&Sighting>,
    printer: Printer,
) -> std::fmt::Result {
    let simulated = if report.simulated { ", simulated" } else { "" };
    let range = &report.range;
    writeln!(text, "job {}{simulated}: {} to {} ({})", report.job, range.from, range.to, range.timezone)?;
    writeln!(text, "destination: {}\n", report.destination)?;
    totals(text, report, printer)?;
    calendars(text, holdings, printer)?;

    let transcripts = &report.transcripts;
    let awaited = match (transcripts.awaited, &transcripts.oldest) {
        (0, _) => "none awaited".to_owned(),
        (calls, None) => format!("{} calls await theirs", count(calls)),
        (calls, Some(oldest)) => format!("{} calls await theirs, the oldest began {oldest}", count(calls)),
    };
    writeln!(text, "transcripts: {awaited}")?;
    if transcripts.given_up > 0 {
        writeln!(text, "             {} calls have none and are not asked for any more", count(transcripts.given_up))?;
    }
    let requests = &report.requests;
    writeln!(text, "requests today (UTC): {} of {}", count(requests.today), count(requests.per_day))?;
    if let (Some(lease), Some(held_by)) = (lease, &report.held_by) {
        writeln!(text, "{}", holder(lease, held_by))?;
    }
    if let Some(begin) = &report.resumes {
        writeln!(text, "the next run takes up the one that began at {begin} and did not finish")?;
    }
    for note in report.notes.iter().take(NOTES_MAX) {
        writeln!(text, "{} {note}", printer.paint(Tone::Warning, "note:"))?;
    }
    if report.notes.len() > NOTES_MAX {
        writeln!(text, "      and {} more, --output json lists all", report.notes.len() - NOTES_MAX)?;
    }
    runs(text, report, printer)
}

fn holder(lease: &Sighting, held_by: &HolderReport) -> String {
    let (holder, heard_at) = (&lease.holder, &held_by.heard_at);
    match held_by.state {
        Hold::Held => format!("held by {holder}, last heard of at {heard_at}"),
        Hold::Gone => format!("left by {holder}: that process is gone, and the next run takes over"),
        Hold::Expired => {
            format!("left by {holder}: not heard of since {heard_at}, and the next run takes over")
        }
    }
}

fn totals(text: &mut String, report: &Report, printer: Printer) -> std::fmt::Result {
    let mut table =
        Table::new(&["dataset", "first", "last", "files", "rows", "size", "unsettled", "awaiting", "missing"]);
    for dataset in &report.datasets {
        let of = |words: &[&str]| count(words.iter().filter_map(|word| dataset.verdicts.get(word)).sum());
        let edge = |edge: &Option<String>| edge.clone().unwrap_or_else(|| "-".to_owned());
        let name = if dataset.in_job { dataset.dataset.to_owned() } else { format!("({})", dataset.dataset) };
        table.row([
            name,
            edge(&dataset.first),
            edge(&dataset.last),
            count(dataset.files),
            count(dataset.rows),
            size(dataset.bytes),
            of(&["unsettled", "snapshot", "other_selection", "other_privacy"]),
            of(&["awaiting_transcripts"]),
            of(&["missing"]),
        ]);
    }
    text.push_str(&table.text(3, printer));
    if report.datasets.iter().any(|dataset| !dataset.in_job) {
        writeln!(text, "{}", printer.paint(Tone::Faint, "(in brackets: datasets that the job does not name)"))?;
    }
    writeln!(text)
}

/// A calendar for each dataset; those that look alike share one.
fn calendars(text: &mut String, holdings: &[Holding], printer: Printer) -> std::fmt::Result {
    let marks = |holding: &Holding| -> BTreeMap<_, _> {
        holding.entries.iter().map(|(partition, entry)| (*partition, entry.mark())).collect()
    };
    let mut drawn: Vec<(Vec<&str>, BTreeMap<_, Mark>)> = Vec::new();
    for holding in holdings {
        let marks = marks(holding);
        match drawn.iter_mut().find(|(_, others)| *others == marks) {
            Some((names, _)) => names.push(holding.dataset.name),
            None => drawn.push((vec![holding.dataset.name], marks)),
        }
    }
    let paint = |mark: Mark, text: &str| printer.paint(mark.tone(), text);
    for (names, marks) in &drawn {
        writeln!(text, "{}", printer.paint(Tone::Strong, &names.join(", ")))?;
        if marks.is_empty() {
            writeln!(text, "  nothing yet, and nothing is expected so far")?;
        }
        for line in calendar::lines(marks, &paint) {
            writeln!(text, "  {line}")?;
        }
    }
    let used: BTreeSet<Mark> = drawn.iter().flat_map(|(_, marks)| marks.values().copied()).collect();
    if !used.is_empty() {
        let entry = |mark: &Mark| format!("{} {}", paint(*mark, &mark.character().to_string()), mark.meaning());
        let legend: Vec<_> = Mark::ALL.iter().filter(|mark| used.contains(mark)).map(entry).collect();
        writeln!(text, "\n{}", legend.join("   "))?;
    }
    writeln!(text)
}

fn runs(text: &mut String, report: &Report, printer: Printer) -> std::fmt::Result {
    let runs = &report.runs;
    if runs.is_empty() {
        return writeln!(text, "runs: none on record");
    }
    let mut table = Table::new(&["run", "began", "ended", "took", "requests", "files", "changed", "failures"]);
    for run in runs {
        table.row([
            run.run_id.clone(),
            run.started_at.clone(),
            outcome(run, report.held_by.as_ref()).to_owned(),
            duration(run.seconds),
            count(run.requests),
            count(run.files),
            count(run.files_changed),
            count(run.failures),
        ]);
    }
    write!(text, "\n{}", table.text(3, printer))
}

fn outcome(run: &RunReport, held_by: Option<&HolderReport>) -> &'static str {
    let holds = |held_by: &HolderReport| held_by.run_id.as_ref() == Some(&run.run_id) && held_by.state == Hold::Held;
    match run.outcome {
        Outcome::Running if held_by.is_some_and(holds) => "under way",
        Outcome::Running => "goes on or was killed",
        Outcome::Done => "done",
        Outcome::Failed => "failed",
        Outcome::Credentials => "credentials refused",
        Outcome::Partial => "done in part",
        Outcome::Budget => "stopped by the budget",
        Outcome::Interrupted => "interrupted",
    }
}
