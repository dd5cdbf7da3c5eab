//! `gong-export sql`.

mod changes;

use std::fs;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use serde::Serialize;
use tracing::warn;

use super::args::SqlArgs;
use super::environment;
use super::error::Failure;
use super::exit_code::Exit;
use super::output::Printer;
use super::session::Session;
use crate::calendar::Partition;
use crate::dataset::Dataset;
use crate::sink::{Listing, Patience, Store};
use crate::sql::{self, Dialect, File, Root, Script, Table};
use changes::{Changes, Which};

/// What `sql --help` says below the flags.
pub(super) const HELP: &str = "\
duckdb and clickhouse get views, databricks (Spark too) and athena external tables: they read what
stands at the destination when they are asked, and prune by the partition's column. snowflake,
bigquery, redshift and postgres get tables with types, comments and keys, and a load in one
transaction that replaces each partition that it loads: every one that is there, with --run those
that a run changed, with --from or --to those of that range. Loading the same again changes nothing.

  gong-export sql job.yaml --dialect duckdb > gong.sql && duckdb -init gong.sql
  gong-export run job.yaml; gong-export sql job.yaml --dialect postgres --run last | psql -f -

--files-at is for engines that find the files elsewhere: `gsutil rsync` copied a folder to gs://…, a
container has it mounted. Without it a script for an engine that cannot read the destination names
YOUR-BUCKET, and says so. --files writes lists in the forms of the loaders beside the script, one a
dataset that has something to load: for redshift a manifest, DATASET.manifest.json, for bigquery one
URI a line, DATASET.uris.txt. The others name their files in the script. The top of each script says
on which version of the engine it was last run, or that it was only parsed.

With --output json, one document: dialect, tried, run, datasets (dataset, partitions), lists, script.";

#[derive(Debug, Serialize)]
struct Report {
    dialect: String,
    tried: String,
    run: Option<String>,
    datasets: Vec<DatasetReport>,
    /// The lists that were written.
    lists: Vec<PathBuf>,
    script: String,
}

#[derive(Debug, Serialize)]
struct DatasetReport {
    dataset: &'static str,
    partitions: usize,
}

pub(super) async fn sql(args: SqlArgs, printer: Printer) -> Result<Exit, Failure> {
    let dialect = args.dialect;
    if args.run.is_some() && !dialect.loads() {
        let message = format!("--run is for loads, and --dialect {} reads the files themselves", name(dialect));
        return Err(Failure::new(Exit::Usage, message).hint("leave --run out: what a run changed is seen at once"));
    }
    let ranged = args.job.from.is_some() || args.job.to.is_some();
    if ranged && !dialect.loads() {
        let message =
            format!("--from and --to are for loads, and --dialect {} reads the files themselves", name(dialect));
        return Err(Failure::new(Exit::Usage, message).hint("leave them out, and filter by the partition's column"));
    }
    let session = Session::load_to_look(&args.job)?;
    let store = session.open_store(&args.job, Patience::Attended)?;
    let listing = store.list(&session.datasets).await?;
    let changes = match &args.run {
        Some(run) => Some(changes::find(&session, &store, &Which::from(run.as_str())).await?),
        None => None,
    };
    let mut script = Script {
        job: &session.spec.name,
        tool_version: env!("CARGO_PKG_VERSION"),
        root: root(&session, &store, args.files_at.as_deref())?,
        copy_of: None,
        s3_endpoint: option(&session, &["endpoint", "endpoint_url", "aws_endpoint", "aws_endpoint_url"]),
        partition_by: session.spec.destination.partition_by,
        run: changes.as_ref().map(|changes| changes.run_id.as_str()),
        tables: tables(&session, &listing, changes.as_ref(), ranged),
    };
    let text = match sql::script(dialect, &script) {
        // Tables are the same wherever the files are; a list of files that nobody finds would be none.
        Err(error @ sql::Error::Place { .. }) if args.files_at.is_none() && args.files.is_none() => {
            let Some(copy) = dialect.place_of_a_copy() else { return Err(error.into()) };
            warn!(event = "warning", "{error}; the script names {copy} in its place: --files-at tells the right one");
            script.copy_of = Some(script.root.to_string());
            script.root = Root::parse(copy).expect("it is a place");
            sql::script(dialect, &script)?
        }
        text => text?,
    };
    let lists = match &args.files {
        Some(folder) => write_lists(folder, dialect, &script)?,
        None => Vec::new(),
    };
    if printer.is_json() {
        let of = |table: &Table| DatasetReport { dataset: table.dataset.name, partitions: table.files.len() };
        printer.json(&Report {
            dialect: name(dialect),
            tried: dialect.tried().to_string(),
            run: script.run.map(ToOwned::to_owned),
            datasets: script.tables.iter().map(of).collect(),
            lists,
            script: text,
        });
    } else {
        printer.result(&text);
    }
    Ok(Exit::Done)
}

/// Where the engine finds the files: at the destination, or where the command line says.
fn root(session: &Session, store: &Store, files_at: Option<&str>) -> Result<Root, Failure> {
    let place = files_at.map_or_else(|| store.describe(), ToOwned::to_owned);
    let root = Root::parse(&place).map_err(|error| {
        Failure::of(Exit::Usage, "cannot tell an engine where the files are", &error)
            .hint("--files-at takes an absolute path, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix")
    })?;
    Ok(match root {
        Root::Azure { account: None, container } => {
            let account = option(session, &["account_name", "azure_storage_account_name"])
                .map(ToOwned::to_owned)
                .or_else(|| environment::variable("AZURE_STORAGE_ACCOUNT_NAME"));
            Root::Azure { account, container }
        }
        root => root,
    })
}

/// An option of the job's destination, which has several names.
fn option<'a>(session: &'a Session, names: &[&str]) -> Option<&'a str> {
    let options = &session.spec.destination.options;
    names.iter().find_map(|&wanted| {
        options.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
    })
}

/// The job's datasets with their files of the job's kind of partition: all, those that changed, those
/// that the range touches.
fn tables(session: &Session, listing: &Listing, changes: Option<&Changes>, ranged: bool) -> Vec<Table> {
    let in_range = |partition: Partition| {
        let span = partition.span(session.spec.range.timezone);
        span.from() < session.range.to() && session.range.from() < span.to()
    };
    let by = session.spec.destination.partition_by;
    let table = |&dataset: &&'static Dataset| {
        let ours = listing.files.iter().filter(|file| {
            file.location.dataset() == dataset
                && file.location.partition().by() == dataset.partition.partition_by(by)
                && (!ranged || in_range(file.location.partition()))
                && changes.is_none_or(|changes| changes.keys.contains(&file.key))
        });
        let files = ours.map(|file| File {
            partition: file.location.partition().first_day(),
            key: file.key.clone(),
            size_bytes: file.size_bytes,
        });
        Table { dataset, files: files.collect() }
    };
    session.datasets.iter().map(table).collect()
}

/// Writes the lists that the engine's loader takes; where they are.
fn write_lists(folder: &Path, dialect: Dialect, script: &Script<'_>) -> Result<Vec<PathBuf>, Failure> {
    let Some(lists) = sql::file_lists(dialect, script)? else {
        let message = format!("--files: there are no lists for --dialect {}", name(dialect));
        return Err(Failure::new(Exit::Usage, message).hint("redshift and bigquery load from lists"));
    };
    let failed = |path: &Path, error| Failure::of(Exit::Failed, &format!("cannot write {}", path.display()), &error);
    fs::create_dir_all(folder).map_err(|error| failed(folder, error))?;
    let mut written = Vec::new();
    for list in lists {
        let path = folder.join(&list.name);
        fs::write(&path, list.text).map_err(|error| failed(&path, error))?;
        written.push(path);
    }
    Ok(written)
}

/// The name of a dialect on the command line.
fn name(dialect: Dialect) -> String {
    dialect.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
