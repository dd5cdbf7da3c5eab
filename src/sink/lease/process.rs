//! Which process this is, and whether another one is still running. Linux tells by `/proc`; elsewhere
//! nothing is known, and leases end by their age.

use std::fs;
use std::io;
use std::path::Path;

use crate::state::lease::{Liveness, Process};

const PROC: &str = "/proc";

/// The machine's name, or the container's.
pub(super) fn host() -> Option<String> {
    line(&Path::new(PROC).join("sys/kernel/hostname"))
}

/// This process.
pub(super) fn this() -> Process {
    this_in(Path::new(PROC))
}

fn this_in(proc: &Path) -> Process {
    let id = std::process::id();
    let unknown = Process { id, boot: None, namespace: None, started: None, user: None };
    // A container may show the processes of another namespace, where our number is somebody else's.
    if fs::read_link(proc.join("self")).ok().as_deref() != Some(Path::new(&id.to_string())) {
        return unknown;
    }
    let namespace = fs::read_link(proc.join("self/ns/pid")).ok();
    Process {
        boot: line(&proc.join("sys/kernel/random/boot_id")),
        namespace: namespace.and_then(|link| link.into_os_string().into_string().ok()),
        started: stat(proc, id).ok().flatten().map(|stat| stat.started),
        user: user(&proc.join("self")),
        ..unknown
    }
}

/// Whether `other` runs, as far as can be seen from here.
pub(super) fn liveness(other: &Process) -> Liveness {
    liveness_in(Path::new(PROC), &this(), other)
}

fn liveness_in(proc: &Path, here: &Process, other: &Process) -> Liveness {
    if !here.can_see(other) {
        return Liveness::Unknown;
    }
    match stat(proc, other.id) {
        Ok(None) => Liveness::Gone,
        // The number is another process's now, or nobody has taken note of its end yet.
        Ok(Some(stat)) if Some(stat.started) != other.started || stat.has_ended => Liveness::Gone,
        Ok(Some(_)) => Liveness::Running,
        Err(_) => Liveness::Unknown,
    }
}

/// What `/proc/<id>/stat` says.
struct Stat {
    /// In ticks since the machine was started.
    started: u64,
    has_ended: bool,
}

/// `None` when there is no such process.
fn stat(proc: &Path, id: u32) -> io::Result<Option<Stat>> {
    let text = match fs::read(proc.join(id.to_string()).join("stat")) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let text = String::from_utf8_lossy(&text);
    // `id (name) state …`: the name may hold anything, brackets too. The start is field 22.
    let parse = || {
        let (_, after_name) = text.rsplit_once(") ")?;
        let mut fields = after_name.split_ascii_whitespace();
        let state = fields.next()?;
        let started = fields.nth(18)?.parse().ok()?;
        Some(Stat { started, has_ended: matches!(state, "Z" | "X" | "x") })
    };
    parse().map(Some).ok_or_else(|| io::ErrorKind::InvalidData.into())
}

fn line(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

#[cfg(unix)]
fn user(path: &Path) -> Option<u32> {
    fs::metadata(path).ok().map(|metadata| std::os::unix::fs::MetadataExt::uid(&metadata))
}

#[cfg(not(unix))]
fn user(_: &Path) -> Option<u32> {
    None
}

/// Another process of this machine and user, as it would say itself.
#[cfg(all(test, target_os = "linux"))]
pub(super) fn other(id: u32) -> Process {
    let started = stat(Path::new(PROC), id).ok().flatten().map(|stat| stat.started);
    Process { id, started, ..this() }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn this_process_is_known_and_runs() {
        let this = this();
        assert!(this.boot.is_some() && this.namespace.is_some() && this.started.is_some() && this.user.is_some());
        assert_eq!(liveness(&this), Liveness::Running);
        assert!(host().is_some());
    }

    #[test]
    fn a_process_is_gone_once_it_has_ended() {
        let mut child = Command::new("sleep").arg("600").spawn().unwrap();
        let process = other(child.id());
        assert_eq!(liveness(&process), Liveness::Running);
        let reused = Process { started: process.started.map(|ticks| ticks + 1), ..process.clone() };
        assert_eq!(liveness(&reused), Liveness::Gone, "the number was given to another process");
        let contained = Process { namespace: Some("pid:[1]".into()), ..process.clone() };
        assert_eq!(liveness(&contained), Liveness::Unknown, "numbers of another container mean nothing here");
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(liveness(&process), Liveness::Gone);
    }

    #[test]
    fn names_with_brackets_and_ended_processes() {
        let proc = tempfile::tempdir().unwrap();
        let here = Process { id: 1, ..this() };
        let write = |id: u32, text: &str| {
            fs::create_dir_all(proc.path().join(id.to_string())).unwrap();
            fs::write(proc.path().join(format!("{id}/stat")), text).unwrap();
        };
        let zeros = "0 ".repeat(18);
        write(7, &format!("7 (a) b) (c) S {zeros}99 0 0\n"));
        write(8, &format!("8 (ended) Z {zeros}99 0 0\n"));
        write(9, "9 (cut off) S 0 0");
        let state = |id: u32| liveness_in(proc.path(), &here, &Process { id, started: Some(99), ..here.clone() });
        assert_eq!(state(7), Liveness::Running);
        assert_eq!(state(8), Liveness::Gone);
        assert_eq!(state(9), Liveness::Unknown);
        assert_eq!(state(10), Liveness::Gone);
    }

    #[test]
    fn processes_of_a_foreign_namespace_are_not_ours() {
        let proc = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("1", proc.path().join("self")).unwrap();
        let this = this_in(proc.path());
        assert_eq!(this, Process { id: std::process::id(), boot: None, namespace: None, started: None, user: None });
    }
}
