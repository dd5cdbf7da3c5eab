//! The YAML job spec: text and environment in, a checked [`JobSpec`] or all its [`Problems`] out.
//!
//! Pure: reads no file, no environment and no clock; `cli` hands them in. The stages, each of which
//! goes on after a mistake so that everything is reported at once:
//!
//! ```text
//! bytes ─ node ─► tree ─ interpolate ─► tree ─ decode ─► raw shapes ─ check ─► JobSpec
//! ```
//!
//! * `node`, `yaml_error`: YAML events to a bounded tree that knows where everything stands.
//! * `interpolate`: `${VAR}` in values, never in keys or structure.
//! * `decode`, `field`, `mismatch`: the tree to the serde shapes of `raw`, bad values left out.
//! * `check`, `check_source`, `check_notify`, `check_privacy`: what values mean; [`dates`], [`range`], `compression`, `base_url` and
//!   `destination` are its parts.
//! * `schema`: the JSON Schema, made from the same shapes.

mod base_url;
mod check;
mod check_notify;
mod check_privacy;
mod check_source;
mod compression;
pub mod dates;
mod decode;
mod destination;
mod field;
mod interpolate;
mod job;
mod mismatch;
mod node;
mod problem;
pub mod range;
mod raw;
mod schema;
mod suggest;
#[cfg(test)]
mod tests;
mod yaml_error;

use std::path::Path;

pub use base_url::{BaseUrlError, parse_base_url};
pub use compression::{Compression, CompressionError};
pub use destination::{DestinationError, check_destination};
pub use field::Located;
pub use job::{
    Auth, Destination, Exclude, JobSpec, Notify, NotifyHeader, OAuth, Privacy, Pseudonymize, Refresh, Source,
    SourceKind, UserRef, Users,
};
pub use node::FILE_BYTES_MAX;
pub use problem::{Place, Position, Problem, Problems};
pub use range::Range;
pub use raw::{NotifyOn, PersonalKind, PrivateCalls};
pub use schema::job_schema;

use check::Checker;
use problem::Notes;

/// The commented job that `gong-export init` writes.
pub const STARTER: &str = include_str!("starter.yaml");

/// Reads a job file.
///
/// `file` is its name as the user gave it, for messages and for the default of the job's name; `text`
/// its content, of which no more than [`FILE_BYTES_MAX`] + 1 bytes need be read; `datasets` the names
/// of all datasets and groups; `variable` looks up the environment.
///
/// Dates stay as they are written until [`Range::resolve`], which is told the present.
pub fn load(
    file: &str,
    text: &[u8],
    datasets: &[&str],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<JobSpec, Problems> {
    read(file, text, datasets, variable, Purpose::Connect)
}

/// Reads a job file for a command that sends nothing to Gong: address and credentials are passed over,
/// so their variables need not be set, and [`SourceKind::Gong`] holds neither. So is the key of pseudonyms:
/// who only reads an export should not have it.
///
/// # Errors
///
/// As of [`load`], but for what concerns `source.base_url`, `source.auth` and `privacy.key`.
pub fn load_without_credentials(
    file: &str,
    text: &[u8],
    datasets: &[&str],
    variable: &dyn Fn(&str) -> Option<String>,
) -> Result<JobSpec, Problems> {
    read(file, text, datasets, variable, Purpose::LookOnly)
}

/// What a spec is read for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Connect,
    LookOnly,
}

fn read(
    file: &str,
    text: &[u8],
    datasets: &[&str],
    variable: &dyn Fn(&str) -> Option<String>,
    purpose: Purpose,
) -> Result<JobSpec, Problems> {
    let mut notes = Notes::default();
    let spec = examine(file, text, datasets, variable, purpose, &mut notes);
    match (spec, notes.into_problems(file)) {
        (Some(spec), None) => Ok(spec),
        (_, Some(problems)) => Err(problems),
        (None, None) => unreachable!("a spec is only missing when a problem was noted"),
    }
}

fn examine(
    file: &str,
    text: &[u8],
    datasets: &[&str],
    variable: &dyn Fn(&str) -> Option<String>,
    purpose: Purpose,
    notes: &mut Notes,
) -> Option<JobSpec> {
    let mut tree = node::parse(text, notes).map_err(|problem| notes.add(problem)).ok()?;
    if purpose == Purpose::LookOnly {
        // Before variables are looked up.
        tree.remove("source", &["base_url", "auth"]);
        tree.remove("privacy", &["key"]);
    }
    interpolate::interpolate_tree(&mut tree, variable, notes);
    let shapes: raw::Job = decode::decode(&tree, "", notes)?;
    let stem = Path::new(file).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    Checker { tree: &tree, stem, datasets, purpose, notes }.job(shapes)
}
