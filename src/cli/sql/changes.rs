//! What a run changed: which partitions a warehouse has to load after it.

use std::collections::BTreeSet;

use tracing::warn;

use crate::cli::error::Failure;
use crate::cli::exit_code::Exit;
use crate::cli::run_records::TIME_FORMAT;
use crate::cli::session::Session;
use crate::sink::location::{RUNS_FOLDER, is_safe_key};
use crate::sink::{Store, read_coverage};
use crate::state::run_record::{Outcome, RunRecord};

/// Which run is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Which<'a> {
    /// The last one of the job.
    Last,
    Id(&'a str),
}

impl<'a> From<&'a str> for Which<'a> {
    fn from(text: &'a str) -> Self {
        if text == "last" { Self::Last } else { Self::Id(text) }
    }
}

/// The data files to load.
#[derive(Debug)]
pub(super) struct Changes {
    pub(super) run_id: String,
    pub(super) keys: BTreeSet<String>,
}

/// What the run changed. One that took up interrupted runs answers for them too: they are parts of
/// one whole, and nobody may have loaded after them.
pub(super) async fn find(session: &Session, store: &Store, which: &Which<'_>) -> Result<Changes, Failure> {
    let all = store.documents(RUNS_FOLDER).await?;
    let run = match which {
        Which::Last => last(session, store, &all).await?,
        Which::Id(id) => by_id(store, &all, id).await?,
    };
    let mut parts = Vec::new();
    if let Some(begin) = run.resumes {
        // Run ids begin with their time.
        let (first, end) = (key(&begin.format(TIME_FORMAT).to_string()), key(&run.run_id));
        for key in all.iter().filter(|&key| first.trim_end_matches(".json") <= key.as_str() && *key < end) {
            parts.extend(read(store, key).await?.filter(|part| part.job == run.job));
        }
    }
    parts.push(run);

    let files = parts.iter().flat_map(|part| &part.files).filter(|file| file.changed);
    let mut keys: BTreeSet<String> = files.map(|file| file.key.clone()).collect();
    // A killed run's record lacks what it wrote in its last seconds. The files name their run.
    let killed = |id: &str| parts.iter().any(|part| part.outcome == Outcome::Running && part.run_id == id);
    if parts.iter().any(|part| part.outcome == Outcome::Running) {
        let held = read_coverage(store, &session.datasets).await?;
        for file in held.files {
            let footer = held.coverage.footer(file.location.dataset().name, file.location.partition());
            if footer.is_some_and(|footer| killed(&footer.run_id)) {
                keys.insert(file.key);
            }
        }
    }
    let run_id = parts.pop().map(|run| run.run_id).unwrap_or_default();
    Ok(Changes { run_id, keys })
}

async fn last(session: &Session, store: &Store, all: &[String]) -> Result<RunRecord, Failure> {
    let job = &session.spec.name;
    for key in all.iter().rev() {
        if let Some(record) = read(store, key).await?.filter(|record| record.job == *job) {
            return Ok(record);
        }
    }
    let message = format!("--run last: no run of job {job} is on record at {}", store.describe());
    Err(Failure::new(Exit::Usage, message).hint("run the job first, or leave --run out to load everything"))
}

async fn by_id(store: &Store, all: &[String], id: &str) -> Result<RunRecord, Failure> {
    let wanted = key(id);
    let found = if is_safe_key(&wanted) { read(store, &wanted).await? } else { None };
    found.ok_or_else(|| {
        let message = format!("--run {id}: no such run is on record at {}", store.describe());
        let known = all.iter().rev().take(3).filter_map(|key| key.rsplit('/').next());
        let known: Vec<_> = known.map(|name| name.trim_end_matches(".json")).collect();
        Failure::new(Exit::Usage, message).hint(match known.as_slice() {
            [] => "there are none at all; leave --run out to load everything".to_owned(),
            known => format!("the last ones are {}", known.join(", ")),
        })
    })
}

fn key(run_id: &str) -> String {
    format!("{RUNS_FOLDER}/{run_id}.json")
}

/// A run record; `None` when there is none, or none that is understood.
async fn read(store: &Store, key: &str) -> Result<Option<RunRecord>, Failure> {
    let Some(text) = store.get(key).await? else { return Ok(None) };
    match serde_json::from_slice(&text) {
        Ok(record) => Ok(Some(record)),
        Err(error) => {
            warn!(key, %error, "run record passed over, it is not understood");
            Ok(None)
        }
    }
}
