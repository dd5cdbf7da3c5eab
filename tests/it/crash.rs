//! What a run leaves behind when it is killed, or its disk fails, at any of the calls by which it
//! changes files or talks to the API: every one of them, of a run so small that this takes seconds.
//! [`crate::kill`] is about the same at moments of longer runs.
//!
//! Only on Linux with glibc, where a preloaded library can stand at every call; elsewhere these tests
//! are left out, as they are about code that is the same there.

mod disk;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::command::{Finished, NOW, Running, Sandbox, job};
use crate::support::export::{DataFile, Export, assert_same};
use crate::support::interpose::{Call, Deed, KINDS, calls, interpose};
use crate::support::simulator::Simulator;

/// When the first run was: some calls came and some users changed after it.
const EARLIER: &str = "2026-03-03T03:00:00Z";

const RUN: [&str; 6] = ["run", "job.yaml", "--output", "json", "--now", NOW];

/// Commands at a time.
const WORKERS: usize = 2;

/// An export of a day by an earlier run, and one by a later, undisturbed run on top of it.
struct Nights {
    /// Has to live as long as the runs that ask it.
    _simulator: Simulator,
    job: Value,
    before: Sandbox,
    old: Export,
    new: Export,
    /// What the later run did.
    calls: Vec<Call>,
}

/// How the run that is to be disturbed finds its destination.
#[derive(Debug, Clone, Copy)]
enum Start {
    Anew,
    /// With what the earlier run has left there.
    Again,
}

fn nights() -> &'static Nights {
    static NIGHTS: OnceLock<Nights> = OnceLock::new();
    NIGHTS.get_or_init(|| {
        let simulator = Simulator::start(json!({
            "users": 3, "calls_per_day": 6, "sentences_per_call": 5, "late_calls": 0.4, "late_call_hours": 48,
        }));
        let mut job = job(&simulator.source());
        job["range"] = json!({ "from": "2026-03-02", "to": "2026-03-03" });
        simulator.set_clock(EARLIER);
        let before = Sandbox::new();
        before.export_job_at(&job, EARLIER, &[]).expect(0);
        simulator.set_clock(NOW);
        let old = Export::read(&before.export());
        let mut nights = Nights { _simulator: simulator, job, before, old, new: Export::default(), calls: Vec::new() };
        let (sandbox, finished) = nights.run(Start::Again, None);
        finished.expect(0);
        nights.calls = calls(&log(&sandbox));
        nights.new = Export::read(&sandbox.export());
        nights
    })
}

impl Nights {
    /// The later run in a new sandbox, with one call meddled with.
    fn run(&self, start: Start, meddle: Option<(&[&str], usize, Deed)>) -> (Sandbox, Finished) {
        let sandbox = Sandbox::new();
        sandbox.job(&self.job);
        if let Start::Again = start {
            copy(&self.before.export(), &sandbox.export());
        }
        let mut command = sandbox.command(RUN);
        interpose(&mut command, &fs::canonicalize(sandbox.path()).unwrap(), &log(&sandbox), meddle);
        let finished = Running::start(command).wait();
        (sandbox, finished)
    }

    /// How many calls of these kinds the undisturbed run made.
    fn count(&self, kinds: &[&str]) -> usize {
        self.calls.iter().filter(|call| kinds.contains(&call.kind.as_str())).count()
    }

    /// Every file is the old or the new one, and none that was there is missing.
    fn assert_whole(&self, sandbox: &Sandbox, start: Start, what: &str) {
        let found = Export::read(&sandbox.export());
        for (key, file) in &found.files {
            let same = |other: &DataFile| (&other.rows, other.checksum()) == (&file.rows, file.checksum());
            let old = matches!(start, Start::Again) && self.old.files.get(key).is_some_and(same);
            assert!(old || self.new.files.get(key).is_some_and(same), "{what}: {key} is neither old nor new");
        }
        if let Start::Again = start {
            for key in self.old.files.keys() {
                assert!(found.files.contains_key(key), "{what}: {key} is gone");
            }
        }
    }

    /// A plain run afterwards makes it what it would have been, with nothing left behind.
    fn assert_repaired(&self, sandbox: &Sandbox, start: Start, what: &str) {
        let finished = sandbox.run(RUN);
        assert_eq!(finished.code(), Some(0), "{what}: {finished}");
        let mut expected = self.new.clone();
        if let Start::Anew = start {
            // The users of the earlier night were seen by the earlier run only.
            expected.files.retain(|key, _| !key.starts_with("users/") || !self.old.files.contains_key(key));
        }
        assert_same(&Export::read(&sandbox.export()), &expected);
        assert_eq!(leftovers(sandbox), Vec::<PathBuf>::new(), "{what}");
    }
}

fn log(sandbox: &Sandbox) -> PathBuf {
    sandbox.path().join("calls.log")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).unwrap();
        }
    }
}

/// Files of the command's own that should not outlive a run: all but run records.
fn leftovers(sandbox: &Sandbox) -> Vec<PathBuf> {
    let own = sandbox.export().join("_gong_export");
    let mut found = Vec::new();
    for folder in [own.clone(), own.join("tmp")] {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        found.extend(entries.map(|entry| entry.unwrap().path()).filter(|path| !path.is_dir()));
    }
    found
}

/// Does `work` for each point, on a few threads.
fn for_each<T: Sync>(points: &[T], work: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(point) = points.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(point);
                }
            });
        }
    });
}

/// The calls that were meddled with; none when the run did not come as far.
fn meddled(sandbox: &Sandbox) -> Vec<Call> {
    calls(&log(sandbox)).into_iter().filter(|call| call.meddled).collect()
}

fn killed_at_every_call(start: Start) {
    let nights = nights();
    let (sandbox, finished) = nights.run(start, None);
    finished.expect(0);
    let seen = calls(&log(&sandbox));
    for kind in KINDS {
        assert!(seen.iter().any(|call| call.kind == kind), "no {kind} was seen");
    }
    let mut points = Vec::new();
    for number in 1..=seen.len() {
        points.extend([(number, Deed::KillBefore), (number, Deed::KillAfter)]);
    }
    let killed = AtomicUsize::new(0);
    for_each(&points, |&(number, deed)| {
        let (sandbox, finished) = nights.run(start, Some((&KINDS, number, deed)));
        let what = format!("{deed:?} call {number}, {:?}", meddled(&sandbox).first());
        match finished.code() {
            None => killed.fetch_add(1, Ordering::Relaxed),
            // Whether answers are asked for on one connection or two differs by a call or so.
            Some(0) => 0,
            Some(_) => panic!("{what}: {finished}"),
        };
        nights.assert_whole(&sandbox, start, &what);
        nights.assert_repaired(&sandbox, start, &what);
    });
    let (killed, all) = (killed.into_inner(), points.len());
    assert!(killed >= all - 12, "{killed} of {all} runs were killed");
}

#[test]
fn killed_at_every_call_of_a_first_run() {
    killed_at_every_call(Start::Anew);
}

#[test]
fn killed_at_every_call_of_a_later_run() {
    let nights = nights();
    let changed = |key: &&String| {
        nights.old.files.get(*key).is_some_and(|old| old.checksum() != nights.new.files[*key].checksum())
    };
    assert!(nights.new.files.keys().filter(changed).count() >= 3, "little is replaced");
    killed_at_every_call(Start::Again);
}
