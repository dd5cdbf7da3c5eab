//! Meddles with a command's system calls from outside, by a library that is loaded before its own:
//! `interpose/library.rs`, which says how. Only where the C library is glibc, on Linux.
//!
//! Nothing has to be installed for it: who runs these tests has `rustc`.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::{repository, target_dir};

/// An error of the system, by its number on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Errno {
    InputOutput = 5,
    NoSpace = 28,
    ReadOnly = 30,
}

/// What is done to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    KillBefore,
    KillAfter,
    /// It alone fails.
    Fail(Errno),
    /// It and all later ones of the kinds that are counted fail.
    FailOn(Errno),
}

/// One call that was about to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) kind: String,
    /// Two for a rename. A socket has a name that is no path.
    pub(crate) paths: Vec<PathBuf>,
    /// It was the one to be meddled with.
    pub(crate) meddled: bool,
}

/// Kinds of calls, all of them.
pub(crate) const KINDS: [&str; 7] = ["create", "mkdir", "write", "fsync", "rename", "unlink", "send"];

/// Has a command's calls below `folder` written to `log`, and something done to the `number`th of
/// these kinds, counted from 1.
pub(crate) fn interpose(command: &mut Command, folder: &Path, log: &Path, meddle: Option<(&[&str], usize, Deed)>) {
    command.env("LD_PRELOAD", library()).env("INTERPOSE_FOLDER", folder).env("INTERPOSE_LOG", log);
    let Some((kinds, number, deed)) = meddle else { return };
    let (deed, errno) = match deed {
        Deed::KillBefore => ("kill-before", None),
        Deed::KillAfter => ("kill-after", None),
        Deed::Fail(errno) => ("fail", Some(errno)),
        Deed::FailOn(errno) => ("fail-on", Some(errno)),
    };
    command
        .env("INTERPOSE_CALLS", kinds.join(","))
        .env("INTERPOSE_AT", number.to_string())
        .env("INTERPOSE_DO", deed)
        .env("INTERPOSE_ERRNO", errno.map_or(0, |errno| errno as i32).to_string());
}

/// The calls in a log.
pub(crate) fn calls(log: &Path) -> Vec<Call> {
    let text = fs::read_to_string(log).expect("the library was loaded and has written its log");
    text.lines()
        .map(|line| {
            let (meddled, line) = line.strip_prefix('!').map_or((false, line), |line| (true, line));
            let mut parts = line.split('\t');
            let kind = parts.next().expect("a line has a first part").to_owned();
            Call { kind, paths: parts.map(PathBuf::from).collect(), meddled }
        })
        .collect()
}

/// The library, compiled at first use into the folder that cargo builds into, once for each version
/// of its source.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<PathBuf> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let source = repository().join("tests/it/support/interpose/library.rs");
        let mut hasher = DefaultHasher::new();
        (fs::read(&source).expect("the source is there"), std::env::consts::ARCH).hash(&mut hasher);
        let folder = target_dir().join("interpose");
        let path = folder.join(format!("{:016x}.so", hasher.finish()));
        if path.exists() {
            return path;
        }
        fs::create_dir_all(&folder).expect("a folder can be created");
        // Another test process may be at it as well: whoever is last puts the same in its place.
        let unfinished = folder.join(format!("{}.unfinished", std::process::id()));
        let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
        let output = Command::new(&rustc)
            .args(["--edition", "2024", "--crate-type", "cdylib", "--crate-name", "interpose", "-C", "panic=abort"])
            .arg("-o")
            .args([&unfinished, &source])
            .output()
            .unwrap_or_else(|error| panic!("{} does not start: {error}", rustc.display()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        fs::rename(&unfinished, &path).expect("a file can be renamed");
        path
    })
}
