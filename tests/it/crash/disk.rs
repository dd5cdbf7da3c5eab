//! Errors of the disk at each call, and the order of calls on which a loss of power depends: that
//! cannot be tried here, but nothing else can make it harmless.

use std::path::{Path, PathBuf};

use super::{Nights, Start, calls, for_each, leftovers, log, meddled, nights};
use crate::support::command::{Finished, Sandbox};
use crate::support::interpose::{Call, Deed, Errno};

/// Makes every call of this kind fail, alone and with all that follow, and holds what the run says
/// and leaves against what it should.
fn fails_at_every(kind: &'static str, errno: Errno) {
    let nights = nights();
    let mut points = Vec::new();
    for number in 1..=nights.count(&[kind]) {
        points.extend([(number, Deed::Fail(errno)), (number, Deed::FailOn(errno))]);
    }
    assert!(!points.is_empty(), "no {kind} at all");
    for_each(&points, |&(number, deed)| {
        let (sandbox, finished) = nights.run(Start::Again, Some((&[kind], number, deed)));
        let failed = meddled(&sandbox);
        let Some(call) = failed.first() else {
            // Which of two threads makes a folder, and how often, is not the same in all runs.
            assert!(number + 2 > nights.count(&[kind]) && finished.code() == Some(0), "no {kind} {number}: {finished}");
            return;
        };
        let what = format!("{deed:?} {call:?}");
        // Left out: a lease is a courtesy, and writes its document twice before it gives up.
        if !(finished.code() == Some(0) && call.paths.iter().any(|path| path.ends_with("lease.json"))) {
            assert_said(&finished, &failed, errno, &what);
        }
        assert_given_up(&calls(&log(&sandbox)), &what);
        nights.assert_whole(&sandbox, Start::Again, &what);
        let mut left = leftovers(&sandbox);
        // Whoever does not come to hold the lease must not remove its lock, which may be another's.
        left.retain(|path| !path.ends_with("lease.lock"));
        assert_eq!(left, Vec::<PathBuf>::new(), "{what}: {finished}");
        nights.assert_repaired(&sandbox, Start::Again, &what);
    });
}

/// The run failed, named a path and the system's reason, and said what to do. Of several threads
/// whose calls failed at once it names one, and not always the first.
fn assert_said(finished: &Finished, failed: &[Call], errno: Errno, what: &str) {
    let said = finished.said();
    // A failed run is not told by the record that could not be written either.
    let telling = |line: &&str| finished.code() == Some(0) || !line.contains("could not write the run record");
    let told: String = said.lines().filter(telling).collect();
    let mut paths = failed.iter().flat_map(|call| &call.paths);
    let named = paths.any(|path| told.contains(&format!("`{}`", path.display())));
    assert!(named, "{what}: no path of it in\n{finished}");
    let reason = match errno {
        Errno::InputOutput => "Input/output error",
        Errno::NoSpace => "No space left on device",
        Errno::ReadOnly => "Read-only file system",
    };
    assert!(said.contains(reason), "{what}: no reason in\n{finished}");
    // The record that all is done is no data: without it the next run looks whether all is done.
    if finished.code() == Some(0) {
        assert!(said.contains("could not write the run record"), "{what}: {finished}");
        return;
    }
    assert!(matches!(finished.code(), Some(1 | 4)), "{what}: {finished}");
    let hinted = said.contains("hint: ") || (said.contains("\"hint\": \"") && !said.contains("\"hint\": null"));
    assert!(hinted, "{what}: nothing to do in\n{finished}");
    assert!(errno != Errno::NoSpace || said.contains("free some space"), "{what}: no way out in\n{finished}");
}

/// A file of which a call failed never gets its name: what was written before may be lost, whatever
/// a second attempt would say.
fn assert_given_up(calls: &[Call], what: &str) {
    for (place, call) in calls.iter().enumerate().filter(|(_, call)| call.meddled && call.kind != "rename") {
        let renamed =
            calls[place..].iter().any(|later| later.kind == "rename" && later.paths.first() == call.paths.first());
        assert!(!renamed, "{what}: {:?} was committed all the same", call.paths);
    }
}

#[test]
fn a_disk_that_is_full_at_any_write() {
    fails_at_every("write", Errno::NoSpace);
}

#[test]
fn a_disk_on_which_no_file_or_folder_can_be_made() {
    fails_at_every("create", Errno::NoSpace);
    fails_at_every("mkdir", Errno::NoSpace);
}

#[test]
fn a_disk_that_fails_at_any_synchronisation() {
    fails_at_every("fsync", Errno::InputOutput);
}

#[test]
fn a_disk_that_fails_at_any_rename() {
    fails_at_every("rename", Errno::InputOutput);
}

/// Modes would not do: they do not hold for the superuser, as whom containers run tests.
#[test]
fn a_read_only_destination() {
    let changing = ["create", "mkdir", "write", "rename", "unlink"];
    for start in [Start::Anew, Start::Again] {
        let nights = nights();
        let (sandbox, finished) = nights.run(start, Some((&changing, 1, Deed::FailOn(Errno::ReadOnly))));
        let finished = finished.expect(1);
        let failed = meddled(&sandbox);
        assert!(!failed.is_empty(), "nothing was tried");
        assert_said(&finished, &failed, Errno::ReadOnly, "read-only");
        nights.assert_whole(&sandbox, start, "read-only");
        nights.assert_repaired(&sandbox, start, "read-only");
    }
}

/// Where the first of these calls is, after `from`.
#[track_caller]
fn place(calls: &[Call], from: usize, kind: &str, path: &Path) -> usize {
    let found = calls[from..].iter().position(|call| call.kind == kind && call.paths.last().is_some_and(|p| p == path));
    from + found.unwrap_or_else(|| panic!("no {kind} of {} after call {from} of {calls:#?}", path.display()))
}

/// Each file is written, synchronised, renamed, and its folder synchronised, in this order; returns
/// where the last one was done with.
fn assert_durable(nights: &Nights, sandbox: &Sandbox, calls: &[Call]) -> usize {
    let root = std::fs::canonicalize(sandbox.export()).unwrap();
    let mut last = 0;
    for key in nights.new.files.keys() {
        let target = root.join(key);
        let Some(renamed) = calls.iter().position(|call| call.kind == "rename" && call.paths[1] == target) else {
            assert!(nights.old.files.contains_key(key), "{key} was not written");
            continue;
        };
        let temporary = &calls[renamed].paths[0];
        let written = place(calls, 0, "write", temporary);
        let synchronised = place(calls, written, "fsync", temporary);
        assert!(synchronised < renamed, "{key} was renamed before it was synchronised");
        let late = calls[synchronised..].iter().any(|call| call.kind == "write" && call.paths[0] == *temporary);
        assert!(!late, "{key} was written to after it was synchronised");
        last = last.max(place(calls, renamed, "fsync", target.parent().unwrap()));
    }
    for (made, call) in calls.iter().enumerate().filter(|(_, call)| call.kind == "mkdir") {
        place(calls, made, "fsync", call.paths[0].parent().unwrap());
    }
    last
}

#[test]
fn every_file_is_on_the_disk_before_it_has_its_name_and_before_the_run_says_so() {
    let nights = nights();
    for start in [Start::Anew, Start::Again] {
        let (sandbox, finished) = nights.run(start, None);
        finished.expect(0);
        let calls = calls(&log(&sandbox));
        let files = assert_durable(nights, &sandbox, &calls);
        let recorded = calls.iter().rposition(|call| {
            call.kind == "rename" && call.paths[1].parent().is_some_and(|folder| folder.ends_with("_gong_export/runs"))
        });
        assert!(recorded.is_some_and(|recorded| recorded > files), "recorded at {recorded:?}, files done at {files}");
    }
}
