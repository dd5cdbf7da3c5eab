//! `gong-export plan`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use serde::Serialize;

use super::args::PlanArgs;
use super::error::Failure;
use super::exit_code::Exit;
use super::output::{Printer, Table, Tone, count, duration};
use super::session::Session;
use crate::dataset::PartitionColumn;
use crate::engine::{self, Probe, Selection};
use crate::gong::Client;
use crate::gong::endpoint::{CallFilter, IDS_MAX, Request};
use crate::gong::list::Span;
use crate::gong::rate_limit::RateLimit;
use crate::plan::{Counts, Estimate, ListCount, ListPlan, Pace, PartitionVerdict, Plan, Verdict};
use crate::sink::{Patience, read_coverage};
use crate::state::run_record::Past;

/// What a run would do, as JSON.
#[derive(Debug, Serialize)]
struct PlanReport {
    job: String,
    simulated: bool,
    from: String,
    to: String,
    timezone: String,
    destination: String,
    datasets: Vec<DatasetReport>,
    windows: Vec<WindowReport>,
    fetches: Vec<FetchReport>,
    /// Whether `requests` and `minutes` are only the least possible.
    at_least: bool,
    requests: u64,
    /// What runs at this destination have sent today, of the same budget.
    requests_today: u64,
    /// When the interrupted run began that is taken up.
    resumes: Option<String>,
    minutes: f64,
    /// Of the daily budget; 1.0 is all of it.
    budget_share: f64,
}

#[derive(Debug, Serialize)]
struct DatasetReport {
    dataset: &'static str,
    partitions: Vec<PartitionReport>,
}

#[derive(Debug, Serialize)]
struct PartitionReport {
    partition: String,
    due: bool,
    /// A word: `missing`, `unsettled`, `settled`, …
    why: &'static str,
    /// The same as a sentence.
    explanation: String,
}

#[derive(Debug, Serialize)]
struct WindowReport {
    fetch: &'static str,
    from: String,
    to: String,
}

#[derive(Debug, Serialize)]
struct FetchReport {
    fetch: &'static str,
    /// `null` when Gong was not asked.
    records: Option<u64>,
    requests: u64,
}

pub(super) async fn plan(args: PlanArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::load(&args.job)?;
    let store = session.open_store(&args.job, Patience::Attended)?;
    let past = session.past(&store).await?;
    let coverage = read_coverage(&store, &session.datasets).await?.coverage;
    let plan = session.plan(&coverage, past, args.full_refresh);
    let (counts, latency) = if args.probe {
        let connection = session.connect(None).await?;
        let (selection, _) = session.selection(&connection.client).await?;
        let counts = probe(&session, &plan, &selection, &connection.client).await?;
        (counts, connection.client.usage().latency)
    } else {
        (Counts::default(), None)
    };
    let source = &session.spec.source;
    let requests_per_second = source.requests_per_second;
    // The spec lets no rate through that the pacer does not know.
    let spacing = RateLimit::per_second(requests_per_second).map_or(Duration::ZERO, |limit| limit.spacing());
    let estimate =
        Estimate::new(&plan, &counts, Pace { requests_per_second, spacing, latency }, source.requests_per_day);
    let report = report(&session, &plan, &estimate, past, store.describe());
    if printer.is_json() {
        printer.json(&report);
    } else {
        printer.result(&text(&report, printer));
    }
    Ok(Exit::Done)
}

/// Asks for the first page of each listing, which tells how many records there are.
async fn probe(session: &Session, plan: &Plan, selection: &Selection, client: &Client) -> Result<Counts, Failure> {
    let mut counts = Counts::default();
    if let Some(calls) = &plan.calls {
        let (mut total, mut exported) = (0, 0.0);
        for window in &calls.windows {
            let filter =
                CallFilter { range: *window, hosts: selection.hosts.clone(), workspace: selection.workspace.clone() };
            let page = client.fetch(&Request::calls_extensive(&filter, &calls.blocks)).await?;
            if let Some(page) = page {
                let announced = page.announced().unwrap_or(page.len() as u64);
                total += announced;
                exported += announced as f64 * selection.share_of(&page);
            }
        }
        counts.calls = Some(total);
        counts.exported_calls = Some(exported.round() as u64);
    }
    // Of several runs of days of a list the longest has the most records.
    let mut longest: BTreeMap<&str, &ListPlan> = BTreeMap::new();
    for list in &plan.lists {
        let known = longest.entry(list.list.name).or_insert(list);
        if known.days() < list.days() {
            *known = list;
        }
    }
    for (name, ListPlan { list, datasets, from, to }) in longest {
        let to = if list.only_over() { (*to).min(ListPlan::surely_over(session.now)) } else { *to };
        let count = match Span::new(*from, to, session.spec.range.timezone) {
            Some(span) => {
                let Probe { records, listings, before } = engine::probe(client, list, span).await?;
                let about_calls = datasets.iter().find(|d| d.is_about_calls()).filter(|_| selection.hides_calls());
                let named = match about_calls.map(|dataset| dataset.partition) {
                    None => 0,
                    // Every call is somebody's activity.
                    Some(PartitionColumn::Activity) => counts.calls.unwrap_or(records),
                    Some(_) => records * listings,
                };
                let lookups = named.div_ceil(IDS_MAX as u64);
                ListCount { records, listings, more: before + lookups }
            }
            None => ListCount { records: 0, listings: 1, more: 0 },
        };
        counts.lists.insert(name, count);
    }
    Ok(counts)
}

fn report(session: &Session, plan: &Plan, estimate: &Estimate, past: Past, destination: String) -> PlanReport {
    let mut datasets: Vec<DatasetReport> = Vec::new();
    for PartitionVerdict { dataset, partition, verdict } in &plan.verdicts {
        let report = PartitionReport {
            partition: partition.to_string(),
            due: matches!(verdict, Verdict::Due(_)),
            why: verdict.word(),
            explanation: verdict.to_string(),
        };
        match datasets.last_mut() {
            Some(last) if last.dataset == dataset.name => last.partitions.push(report),
            _ => datasets.push(DatasetReport { dataset: dataset.name, partitions: vec![report] }),
        }
    }
    let mut windows = Vec::new();
    let text = |t: chrono::DateTime<chrono::Utc>| t.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true);
    if let Some(calls) = &plan.calls {
        windows.extend(calls.windows.iter().map(|window| WindowReport {
            fetch: "calls",
            from: text(window.from()),
            to: text(window.to()),
        }));
    }
    windows.extend(plan.lists.iter().map(|list| WindowReport {
        fetch: list.list.name,
        from: list.from.to_string(),
        to: list.to.to_string(),
    }));
    PlanReport {
        job: session.spec.name.clone(),
        simulated: session.is_simulated(),
        from: text(session.range.from()),
        to: text(session.range.to()),
        timezone: session.spec.range.timezone.name().to_owned(),
        destination,
        datasets,
        windows,
        fetches: estimate
            .fetches
            .iter()
            .map(|f| FetchReport { fetch: f.fetch, records: f.records, requests: f.requests })
            .collect(),
        at_least: estimate.at_least,
        requests: estimate.requests,
        requests_today: past.requests_today,
        resumes: past.resumes.map(text),
        minutes: estimate.minutes,
        budget_share: estimate.budget_share,
    }
}

fn text(report: &PlanReport, printer: Printer) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut text, report, printer);
    text
}

fn write(text: &mut String, report: &PlanReport, printer: Printer) -> std::fmt::Result {
    let simulated = if report.simulated { ", simulated" } else { "" };
    writeln!(text, "job {}{simulated}: {} to {} ({})", report.job, report.from, report.to, report.timezone)?;
    writeln!(text, "destination: {}", report.destination)?;
    if report.datasets.is_empty() {
        return writeln!(text, "nothing to do: the range has not begun");
    }
    writeln!(text)?;

    let mut table = Table::new(&["dataset", "from", "to", "partitions", "due", "why"]);
    for dataset in &report.datasets {
        for run in dataset.partitions.chunk_by(|a, b| a.explanation == b.explanation) {
            let (Some(first), Some(last)) = (run.first(), run.last()) else { continue };
            table.row([
                dataset.dataset.to_owned(),
                first.partition.clone(),
                last.partition.clone(),
                count(run.len() as u64),
                if first.due { "yes" } else { "no" }.to_owned(),
                first.explanation.clone(),
            ]);
        }
    }
    table_lines(text, &table, 6, printer)?;
    if let Some(begin) = &report.resumes {
        writeln!(text, "takes up the run that began at {begin} and did not finish")?;
    }
    if report.windows.is_empty() && report.fetches.is_empty() {
        return writeln!(text, "nothing to do: all is settled");
    }

    let mut table = Table::new(&["window of", "from", "to"]);
    for window in &report.windows {
        table.row([window.fetch.to_owned(), window.from.clone(), window.to.clone()]);
    }
    table_lines(text, &table, 3, printer)?;

    let mut table = Table::new(&["fetch", "records", "requests"]);
    for fetch in &report.fetches {
        let records = fetch.records.map_or_else(|| "?".to_owned(), count);
        let requests = match (fetch.records, fetch.requests) {
            (None, 0) => "?".to_owned(),
            (None, least) => format!(">= {}", count(least)),
            (Some(_), requests) => count(requests),
        };
        table.row([fetch.fetch.to_owned(), records, requests]);
    }
    table_lines(text, &table, 1, printer)?;

    let least = if report.at_least { "at least " } else { "" };
    writeln!(
        text,
        "{least}{} requests, {} at the rate limit, {:.1} % of the daily budget{}",
        count(report.requests),
        duration(report.minutes * 60.0),
        report.budget_share * 100.0,
        if report.requests_today > 0 {
            format!(", of which {} are spent today", count(report.requests_today))
        } else {
            String::new()
        },
    )?;
    if report.at_least {
        writeln!(text, "{}", printer.paint(Tone::Faint, "--probe asks Gong for real counts, one request a dataset"))?;
    }
    Ok(())
}

fn table_lines(text: &mut String, table: &Table, left: usize, printer: Printer) -> std::fmt::Result {
    if table.is_empty() {
        return Ok(());
    }
    writeln!(text, "{}", table.text(left, printer))
}

/// Months are shown by their first day, as in paths.
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_number_is_not_a_promise() {
        let report = PlanReport {
            job: "nightly".into(),
            simulated: false,
            from: "2026-01-01T00:00:00Z".into(),
            to: "2026-01-03T00:00:00Z".into(),
            timezone: "UTC".into(),
            destination: "/data".into(),
            datasets: vec![DatasetReport {
                dataset: "calls",
                partitions: vec![
                    PartitionReport {
                        partition: "2026-01-01".into(),
                        due: false,
                        why: "settled",
                        explanation: "settled".into(),
                    },
                    PartitionReport {
                        partition: "2026-01-02".into(),
                        due: true,
                        why: "missing",
                        explanation: "there is no file".into(),
                    },
                ],
            }],
            windows: vec![],
            fetches: vec![FetchReport { fetch: "calls", records: None, requests: 1 }],
            at_least: true,
            requests: 1,
            requests_today: 5,
            resumes: None,
            minutes: 1.0 / 180.0,
            budget_share: 0.0001,
        };
        let args = super::super::args::OutputArgs {
            quiet: false,
            verbose: 0,
            log_format: super::super::args::LogFormat::Text,
            output: super::super::args::OutputFormat::Text,
            color: super::super::args::ColorChoice::Never,
        };
        let text = text(&report, Printer::new(&args, true));
        assert!(text.contains("calls    2026-01-02  2026-01-02  1           yes  there is no file\n"), "{text}");
        assert!(text.contains("at least 1 requests"), "{text}");
    }
}
