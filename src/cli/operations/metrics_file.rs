//! The file that `--metrics-file` names: read for what has to be kept, replaced whole. A collector
//! reads it at any moment, so it never sees half of one.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::metrics::LAST_SUCCESS;

/// More is no file of ours.
const BYTES_MAX: u64 = 1 << 20;

/// What the file of an earlier run said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Previous {
    pub(super) job: String,
    /// Seconds since 1970.
    pub(super) last_success: Option<i64>,
}

/// `None` when there is no such file, or none that is understood: then this run is the first.
pub(super) fn read_previous(path: &Path) -> Option<Previous> {
    let mut text = String::new();
    File::open(path).ok()?.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    parse(&text)
}

fn parse(text: &str) -> Option<Previous> {
    let sample =
        |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix("{job=\"")?.split_once("\"} "));
    // A name that needs escapes was not a job's, but that of a file whose spec was never understood.
    let (job, _) = sample("gong_export_last_run_exit_code").filter(|(job, _)| !job.contains('\\'))?;
    let last_success = sample(LAST_SUCCESS).and_then(|(_, value)| value.trim().parse().ok());
    Some(Previous { job: job.to_owned(), last_success })
}

/// Puts `text` in the place of the file by renaming a finished one. The unfinished one stands beside
/// it under a name that collectors do not read (`.NAME.tmp`), and is overwritten by the next run
/// should this one be killed.
pub(super) fn replace(path: &Path, text: &str) -> io::Result<()> {
    let unfinished = unfinished(path)?;
    // Removed and made anew, so that nothing is written through a link that somebody put there.
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = write_new(&unfinished, text).and_then(|()| fs::rename(&unfinished, path));
    if written.is_err() {
        // The first error tells more than one about cleaning up.
        let _ = fs::remove_file(&unfinished);
    }
    written
}

fn unfinished(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "it names no file"))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".tmp");
    Ok(path.with_file_name(hidden))
}

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    open_to_collectors(&file)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A collector is another user of the machine. The run's own files are closed to it by a mask; this
/// one holds nothing that it may not know.
#[cfg(unix)]
fn open_to_collectors(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_collectors(_: &File) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::ending::samples::{early, ending, record};
    use super::super::metrics::render;
    use super::*;
    use crate::cli::exit_code::Exit;
    use crate::state::run_record::Outcome;

    #[test]
    fn what_is_written_is_read_back_by_the_next_run() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gong.prom");
        assert_eq!(read_previous(&path), None);

        replace(&path, &render(&ending(&Ok(record(Outcome::Done))), None)).unwrap();
        let previous = read_previous(&path).unwrap();
        assert_eq!(previous, Previous { job: "nightly".to_owned(), last_success: Some(1_773_980_113) });

        let failed = early(Exit::Failed, "x");
        replace(&path, &render(&ending(&failed), Some(&previous))).unwrap();
        assert_eq!(read_previous(&path), Some(previous), "kept over a failed run");
        let names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["gong.prom"], "nothing is left beside it");
    }

    #[test]
    fn a_leftover_does_not_stand_in_the_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("gong.prom");
        let victim = dir.path().join("victim");
        fs::write(&victim, "mine").unwrap();
        fs::hard_link(&victim, dir.path().join(".gong.prom.tmp")).unwrap();
        replace(&path, "text\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "text\n");
        assert_eq!(fs::read_to_string(&victim).unwrap(), "mine");
    }

    #[test]
    fn a_file_that_cannot_be_replaced_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        replace(&dir.path().join("nowhere/gong.prom"), "text").unwrap_err();
        replace(Path::new("/"), "text").unwrap_err();
        let folder = dir.path().join("folder");
        fs::create_dir(&folder).unwrap();
        replace(&folder, "text").unwrap_err();
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "(gong_export_last_(run_exit_code|success_timestamp_seconds)|[{]job=\"|\"[}] |[0-9]|\n|\\PC){0,20}") {
            let _ = parse(&text);
        }
    }
}
