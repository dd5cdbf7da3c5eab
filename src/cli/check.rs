//! `gong-export check`: everything a run needs, tried once.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use chrono::Days;
use serde::Serialize;

use super::args::JobArgs;
use super::error::{Chain, Failure};
use super::exit_code::Exit;
use super::operations;
use super::output::{Printer, Tone};
use super::session::Session;
use crate::calendar::DateRange;
use crate::dataset::{Dataset, PartitionColumn, Source};
use crate::engine::{self, Probe, Selection};
use crate::gong::endpoint::{CallFilter, Request};
use crate::gong::list::{List, Span};
use crate::gong::{Client, Error, ErrorKind, Page};
use crate::plan::ListPlan;
use crate::sink::Patience;

/// How far back calls are looked for when the job's range has none.
const LOOKBACK_DAYS: u64 = 30;

/// A call id that no call has: well formed, so that the answer tells about the scope alone.
const NO_CALL: &str = "1";

/// All that was tried.
#[derive(Debug, Default, Serialize)]
struct Report {
    job: String,
    ok: bool,
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    what: String,
    result: CheckResult,
    detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum CheckResult {
    Ok,
    /// Works, but look at it.
    Warning,
    /// Gong refuses it.
    Refused,
    Failed,
}

impl Report {
    fn add(&mut self, what: &str, result: CheckResult, detail: impl Into<String>) {
        self.checks.push(Check { what: what.to_owned(), result, detail: detail.into() });
    }

    fn gong<T>(&mut self, what: &str, answer: &Result<T, Error>, detail: impl FnOnce(&T) -> String) {
        match answer {
            Ok(answer) => self.add(what, CheckResult::Ok, detail(answer)),
            Err(error) if error.kind() == ErrorKind::Credentials => {
                self.add(what, CheckResult::Refused, Chain(error).to_string());
            }
            Err(error) => self.add(what, CheckResult::Failed, Chain(error).to_string()),
        }
    }

    fn has(&self, result: CheckResult) -> bool {
        self.checks.iter().any(|check| check.result == result)
    }
}

pub(super) async fn check(args: JobArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::load(&args)?;
    let mut report = Report { job: session.spec.name.clone(), ..Report::default() };
    report.add(
        "job spec",
        CheckResult::Ok,
        format!("{} to {} ({})", session.range.from(), session.range.to(), session.spec.range.timezone.name()),
    );
    gong(&session, &mut report).await?;
    destination(&session, &args, &mut report).await;
    notification(&session, &mut report).await;

    report.ok = !report.has(CheckResult::Refused) && !report.has(CheckResult::Failed);
    if printer.is_json() {
        printer.json(&report);
    } else {
        printer.result(&text(&report, printer));
    }
    Ok(if report.has(CheckResult::Refused) {
        Exit::Credentials
    } else if report.has(CheckResult::Failed) {
        Exit::Failed
    } else {
        Exit::Done
    })
}

async fn gong(session: &Session, report: &mut Report) -> Result<(), Failure> {
    let connection = session.connect(None).await?;
    let client = &connection.client;
    let simulated = if session.is_simulated() { "simulator, " } else { "" };
    // Any answer but a refusal of the key shows that host and key belong together. A key may well
    // lack the scope for workspaces.
    let workspaces = client.fetch(&Request::workspaces()).await;
    let (result, detail) = match &workspaces {
        Ok(page) => (CheckResult::Ok, format!("{simulated}{} workspaces", page.as_ref().map_or(0, Page::len))),
        Err(Error::MissingScope { .. }) => {
            (CheckResult::Ok, format!("{simulated}key accepted; it may not list workspaces"))
        }
        Err(error) if error.kind() == ErrorKind::Credentials => (CheckResult::Refused, Chain(error).to_string()),
        Err(error) => (CheckResult::Failed, Chain(error).to_string()),
    };
    report.add("credentials and base URL", result, detail);
    if result != CheckResult::Ok {
        return Ok(());
    }

    let selection = match session.selection(client).await {
        Ok((selection, _)) => selection,
        Err(failure) if failure.exit == Exit::Usage => return Err(failure),
        Err(failure) => {
            let result = if failure.exit == Exit::Credentials { CheckResult::Refused } else { CheckResult::Failed };
            report.add("users of the job", result, failure.message);
            Selection::default()
        }
    };
    let mut calls_seen = None;
    // One request tells about all datasets that are made from its answers.
    let mut tried: BTreeMap<&str, Result<String, Error>> = BTreeMap::new();
    for dataset in &session.datasets {
        let fetch = match &dataset.source {
            Source::Call { transcript: true, .. } => "transcripts",
            Source::Call { .. } => "calls",
            Source::List { list, .. } => list.name,
        };
        let answer = match tried.entry(fetch) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(match &dataset.source {
                Source::Call { transcript: true, .. } => client
                    .fetch(&Request::transcripts(&[NO_CALL.to_owned()], None))
                    .await
                    .map(|_| "may be read".to_owned()),
                Source::Call { .. } => calls_in_sight(session, client, &selection).await.map(|calls| {
                    calls_seen = Some(calls);
                    format!("may be read, {calls} calls in sight")
                }),
                Source::List { list, .. } => records_in_sight(session, client, dataset, list).await,
            }),
        };
        report.gong(&format!("dataset {}", dataset.name), answer, String::clone);
    }
    if calls_seen == Some(0) {
        blind_or_empty(session, client, report).await;
    }
    Ok(())
}

/// What one request tells about the list that a dataset is made from.
async fn records_in_sight(
    session: &Session,
    client: &Client,
    dataset: &Dataset,
    list: &'static List,
) -> Result<String, Error> {
    let to = ListPlan::surely_over(session.now);
    let from = to - Days::new(LOOKBACK_DAYS);
    let span = Span::new(from, to, session.spec.range.timezone).expect("a month is not empty");
    let Probe { records, listings, .. } = engine::probe(client, list, span).await?;
    Ok(match dataset.partition {
        PartitionColumn::Snapshot if listings == 1 => format!("may be read, {records} records"),
        PartitionColumn::Snapshot => format!("may be read, {records} records in the first of {listings} listings"),
        _ => format!("may be read, {records} records in the last {LOOKBACK_DAYS} days"),
    })
}

/// How many calls the key sees in the job's range, or in the last weeks when it has none.
async fn calls_in_sight(session: &Session, client: &Client, selection: &Selection) -> Result<u64, Error> {
    let mut blocks = BTreeSet::new();
    for dataset in &session.datasets {
        if let Source::Call { blocks: needed, .. } = &dataset.source {
            blocks.extend(needed.iter().copied());
        }
    }
    let recent = DateRange::new(session.now - chrono::TimeDelta::days(LOOKBACK_DAYS as i64), session.now);
    for range in [Some(session.range), recent].into_iter().flatten() {
        let filter = CallFilter { range, hosts: selection.hosts.clone(), workspace: selection.workspace.clone() };
        let page = client.fetch(&Request::calls_extensive(&filter, &blocks)).await?;
        let calls = page.map_or(0, |page| page.announced().unwrap_or(page.len() as u64));
        if calls > 0 {
            return Ok(calls);
        }
    }
    Ok(0)
}

/// Gong answers alike for an account without calls and for a key that may not see them. Activity
/// tells them apart: somebody hosted a call that the key does not see.
async fn blind_or_empty(session: &Session, client: &Client, report: &mut Report) {
    let what = "sight of calls";
    let to = ListPlan::surely_over(session.now);
    let request = Request::activity(to - Days::new(LOOKBACK_DAYS), to, &[]);
    match client.fetch(&request).await {
        Ok(page) => {
            let hosted = page.iter().flat_map(Page::records).filter_map(calls_as_host).sum::<u64>();
            if hosted > 0 {
                report.add(
                    what,
                    CheckResult::Refused,
                    format!("users hosted {hosted} calls in the last {LOOKBACK_DAYS} days and this key sees none: its owner lacks the permission to see calls"),
                );
            } else {
                report.add(what, CheckResult::Warning, "no calls, and no activity either: the account is empty, or its key is new");
            }
        }
        Err(error) => report.add(
            what,
            CheckResult::Warning,
            format!("no calls; whether there are none or the key cannot see them is told by the activity statistics, which it may not read: {}", Chain(&error)),
        ),
    }
}

/// `callsAsHost` of one user of the aggregate statistics.
fn calls_as_host(raw: &str) -> Option<u64> {
    let record: serde_json::Value = serde_json::from_str(raw).ok()?;
    record.get("userAggregateActivityStats")?.get("callsAsHost")?.as_u64()
}

async fn destination(session: &Session, args: &JobArgs, report: &mut Report) {
    let outcome = match session.open_store(args, Patience::Attended) {
        Ok(store) => match store.probe_writable().await {
            Ok(()) => Ok(store.describe()),
            Err(error) => Err(Failure::from(error).message),
        },
        Err(failure) => Err(failure.message),
    };
    match outcome {
        Ok(place) => report.add("destination", CheckResult::Ok, format!("{place} is writable")),
        Err(message) => report.add("destination", CheckResult::Failed, message),
    }
}

/// A run does without; but nobody would hear of its failures. Neither host nor path are named, they may
/// be secret.
async fn notification(session: &Session, report: &mut Report) {
    let Some(notify) = &session.spec.notify else {
        return;
    };
    match operations::reach(notify).await {
        Ok(()) => report.add(
            "notification",
            CheckResult::Ok,
            "the host of `notify` answers; nothing was posted, so its path and headers were not tried",
        ),
        Err(error) => {
            report.add("notification", CheckResult::Warning, format!("nobody can be told how runs end: {error}"));
        }
    }
}

fn text(report: &Report, printer: Printer) -> String {
    let mut text = String::new();
    for check in &report.checks {
        let (word, tone) = match check.result {
            CheckResult::Ok => ("ok     ", Tone::Good),
            CheckResult::Warning => ("warning", Tone::Warning),
            CheckResult::Refused => ("refused", Tone::Bad),
            CheckResult::Failed => ("failed ", Tone::Bad),
        };
        text.push_str(&format!("{}  {}: {}\n", printer.paint(tone, word), check.what, check.detail));
    }
    text
}
