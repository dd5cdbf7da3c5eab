//! `gong-export sql`.

use clap::ValueEnum;
use serde::Serialize;

use super::args::SqlArgs;
use super::error::Failure;
use super::exit_code::Exit;
use super::output::Printer;
use super::session::Session;
use crate::dataset::Dataset;
use crate::sink::{Listing, Patience};
use crate::sql::{self, Dialect, File, Root, Script, Table};

#[derive(Debug, Serialize)]
struct Report {
    dialect: String,
    tried: String,
    script: String,
}

pub(super) async fn sql(args: SqlArgs, printer: Printer) -> Result<Exit, Failure> {
    let session = Session::load_to_look(&args.job)?;
    let store = session.open_store(&args.job, Patience::Attended)?;
    let listing = store.list(&session.datasets).await?;
    let place = args.files_at.clone().unwrap_or_else(|| store.describe());
    let root = Root::parse(&place)
        .map_err(|error| Failure::of(Exit::Usage, "cannot tell an engine where the files are", &error))?;
    let script = Script {
        job: &session.spec.name,
        tool_version: env!("CARGO_PKG_VERSION"),
        root,
        partition_by: session.spec.destination.partition_by,
        tables: tables(&session, &listing),
    };
    let text = sql::script(args.dialect, &script)
        .map_err(|error| Failure::new(Exit::Usage, error.to_string()).hint("--files-at names another place"))?;
    if printer.is_json() {
        let dialect = args.dialect;
        printer.json(&Report { dialect: name(dialect), tried: dialect.tried().to_string(), script: text });
    } else {
        printer.result(&text);
    }
    Ok(Exit::Done)
}

/// The job's datasets with their files of the job's kind of partition.
fn tables(session: &Session, listing: &Listing) -> Vec<Table> {
    let by = session.spec.destination.partition_by;
    let table = |&dataset: &&'static Dataset| {
        let ours = listing.files.iter().filter(|file| {
            file.location.dataset() == dataset && file.location.partition().by() == dataset.partition.partition_by(by)
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

/// The name of a dialect on the command line.
fn name(dialect: Dialect) -> String {
    dialect.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}
