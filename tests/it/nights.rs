//! Night after night: what a run takes up, what it leaves alone, and what all nights together make of
//! an account that goes on living. What a run refuses to replace is in [`guards`], why it exports
//! what in [`reasons`], what `status` and `watch` tell of it in [`reports`].

mod guards;
mod reasons;
mod reports;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::support::command::{Finished, NOW, Running, Sandbox, job};
use crate::support::export::{DataFile, Export, assert_same, data_files, read_file};
use crate::support::simulator::Simulator;

/// An account that lives on, and a job that reads it now and then.
struct Nights {
    simulator: Simulator,
    sandbox: Sandbox,
    job: Value,
}

impl Nights {
    /// A small account with these switches, and the usual job.
    fn of(switches: Value) -> Self {
        let simulator = Simulator::start(switches);
        let job = job(&simulator.source());
        Self { simulator, sandbox: Sandbox::new(), job }
    }

    /// Runs the job at an instant, for the account as for the command.
    fn run(&self, now: &str, more: &[&str]) -> Finished {
        self.simulator.set_clock(now);
        self.sandbox.export_job_at(&self.job, now, more)
    }

    /// The same without waiting for its end.
    fn start(&self, now: &str) -> Running {
        self.simulator.set_clock(now);
        self.sandbox.job(&self.job);
        Running::start(self.sandbox.command(["run", "job.yaml", "--output", "json", "--now", now]))
    }

    fn export(&self) -> Export {
        Export::read(&self.sandbox.export())
    }

    /// What a new destination gets at an instant.
    fn fresh(&self, now: &str) -> Export {
        self.simulator.set_clock(now);
        let sandbox = Sandbox::new();
        sandbox.export_job_at(&self.job, now, &[]).expect(0);
        Export::read(&sandbox.export())
    }

    /// Runs `work` and counts the requests that came of it.
    fn requests_of<T>(&self, work: impl FnOnce() -> T) -> (u64, T) {
        let before = self.simulator.requests();
        let result = work();
        (self.simulator.requests() - before, result)
    }

    /// Waits until there is a data file that was not there `before`.
    fn wait_for_another_file(&self, before: usize) {
        let begin = Instant::now();
        while data_files(&self.sandbox.export()).len() <= before {
            assert!(begin.elapsed() < Duration::from_secs(60), "nothing was committed in a minute");
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }
}

fn files_of(record: &Value) -> Vec<&str> {
    record["files"].as_array().unwrap().iter().map(|file| file["key"].as_str().unwrap()).collect()
}

/// An account whose export takes many requests, each with some latency, so that there is a middle.
/// Its pages are as long as the real ones: a request for transcripts goes with each page of calls. Rate and
/// latency let one request be under way, as the real ones do, and two on a machine that takes four
/// times as long: with more, windows are listed ahead, which is what a kill may cost then.
fn long() -> Nights {
    let mut nights = Nights::of(json!({ "latency_ms": 25, "calls_per_day": 250, "sentences_per_call": 5 }));
    nights.job["source"]["requests_per_second"] = json!(20);
    nights.job["range"] = json!({ "from": "2026-02-23", "to": "2026-03-09" });
    nights
}

const LATER: &str = "2026-03-20T12:10:00Z";

/// Requests of a crash may come twice: those under way, and a page of each listing.
const AGAIN_MAX: u64 = 10;

/// Interrupts one run by `interrupt`, lets another one finish, and holds both against an undisturbed
/// one: the same files, none of them fetched twice.
fn taken_up(interrupt: impl FnOnce(&Nights)) {
    let nights = long();
    let (undisturbed, expected) = nights.requests_of(|| nights.fresh(NOW));
    let (sent, record) = nights.requests_of(|| {
        interrupt(&nights);
        let kept = nights.export();
        assert!(!kept.files.is_empty() && kept.files.len() < expected.files.len(), "{} files", kept.files.len());
        let record = nights.run(LATER, &[]).expect(0).json();
        for (key, file) in nights.export().files {
            if file.partition.0 == "call_date"
                && kept.of("calls").any(|(_, calls)| calls.partition == file.partition)
                && kept.of("transcripts").any(|(_, transcripts)| transcripts.partition == file.partition)
            {
                assert_eq!(file.footer("run_id"), kept.files[&key].footer("run_id"), "{key} was fetched again");
            }
        }
        record
    });
    assert_eq!(record["resumes"], NOW);
    assert_same(&nights.export(), &expected);
    assert!(sent <= undisturbed + AGAIN_MAX, "{sent} requests in all, {undisturbed} undisturbed");
    // What is taken up once is done.
    assert_eq!(nights.run("2026-03-20T12:20:00Z", &[]).expect(0).json()["resumes"], Value::Null);
}

#[test]
fn a_killed_run_is_taken_up_by_the_next_one() {
    taken_up(|nights| {
        let running = nights.start(NOW);
        nights.wait_for_another_file(12);
        running.kill();
    });
}

#[test]
fn a_terminated_run_is_taken_up_by_the_next_one() {
    taken_up(|nights| {
        let running = nights.start(NOW);
        nights.wait_for_another_file(12);
        running.signal("TERM");
        running.wait().expect(143);
    });
}

#[test]
fn a_run_at_the_end_of_its_budget_is_taken_up_until_all_is_done() {
    let nights = long();
    let (undisturbed, expected) = nights.requests_of(|| nights.fresh(NOW));
    let mut runs = 0;
    let mut minute: DateTime<Utc> = NOW.parse().unwrap();
    let (sent, ()) = nights.requests_of(|| {
        loop {
            runs += 1;
            let (sent, finished) = nights.requests_of(|| nights.run(&text(minute), &["--max-requests", "25"]));
            assert!(sent <= 25, "{sent} requests");
            let record = finished.json();
            let first = if runs == 1 { Value::Null } else { json!(NOW) };
            assert_eq!(record["resumes"], first, "run {runs}");
            match finished.code() {
                Some(0) => break,
                Some(5) => assert_eq!(record["outcome"], "budget"),
                _ => panic!("{finished}"),
            }
            minute += TimeDelta::minutes(10);
            assert!(runs < 10, "no end");
        }
    });
    assert!(runs > 2, "{runs} runs");
    assert_same(&nights.export(), &expected);
    assert!(sent <= undisturbed + AGAIN_MAX * (runs - 1), "{sent} requests in all, {undisturbed} undisturbed");
}

fn text(instant: DateTime<Utc>) -> String {
    instant.to_rfc3339_opts(SecondsFormat::Secs, true)
}

const NIGHTS: usize = 88;

/// Days from one run to the next: a night as a rule, now and then some are missed.
const GAPS: [i64; 10] = [1, 4, 9, 3, 2, 7, 1, 6, 1, 8];

#[test]
fn a_year_of_nights_leaves_what_one_export_at_its_end_finds() {
    let mut nights = Nights::of(json!({
        "users": 4, "calls_per_day": 4, "sentences_per_call": 5,
        "late_calls": 0.15, "late_call_hours": 100,
        "late_transcripts": 0.2, "late_transcript_hours": 480,
        "deleted_calls": 0.1, "deleted_after_days": 3,
    }));
    nights.job["range"] = json!({ "from": "40 days ago", "to": "today" });
    nights.job["datasets"] = json!(["calls", "transcripts", "activity_stats"]);
    let mut now: DateTime<Utc> = "2025-02-10T03:00:00Z".parse().unwrap();
    // Who wrote each file, and what is known of it.
    let mut written: BTreeMap<String, DataFile> = BTreeMap::new();
    let (mut days, mut late) = (0, Vec::new());
    for night in 0..NIGHTS {
        if night == NIGHTS / 2 {
            let running = nights.start(&text(now));
            nights.wait_for_another_file(written.len());
            running.kill();
            written = nights.export().files;
            // Of one listing's two files the kill may have left one behind: that day is read again.
            let read_at = |key: String, files: &BTreeMap<String, DataFile>| {
                files.get(&key).map(|file| file.footer("as_of").to_owned())
            };
            let halves: Vec<_> = (written.values().map(|file| &file.partition))
                .filter(|(key, _)| key == "call_date")
                .map(|(key, day)| ["calls", "transcripts"].map(|name| format!("{name}/{key}={day}/{name}.parquet")))
                .filter(|[calls, transcripts]| {
                    read_at(calls.clone(), &written) != read_at(transcripts.clone(), &written)
                })
                .collect();
            written.retain(|key, _| !halves.iter().flatten().any(|half| half == key));
            now += TimeDelta::minutes(10);
        }
        // Of a Sunday's only call nothing is left when it is deleted, which looks like lost permissions.
        let (sent, finished) = nights.requests_of(|| nights.run(&text(now), &["--accept-shrink"]));
        if night > 0 {
            late.push(sent);
        }
        for key in files_of(&finished.expect(0).json()) {
            let file = read_file(&nights.sandbox.export().join(key)).unwrap();
            if let Some(old) = written.insert(key.to_owned(), file) {
                assert!(!is_final(&old), "{key} was read again at {}: {:?}", text(now), old.footer);
            }
        }
        let gap = GAPS[night % GAPS.len()];
        days += gap;
        now += TimeDelta::days(gap);
    }
    assert!(days >= 365, "{days} days");
    now -= TimeDelta::days(GAPS[(NIGHTS - 1) % GAPS.len()]);
    let mut found = nights.export();
    assert_eq!(found.files, written, "files were written that no run owned up to");
    let expected = nights.fresh(&text(now));
    found.files.retain(|key, _| expected.files.contains_key(key));
    assert_same(&found, &expected);
    assert!(expected.rows("transcripts").len() > 100);
    // Some listings of unsettled days, and of those whose transcripts have come.
    for (night, sent) in late.into_iter().enumerate() {
        assert!(sent <= 40, "{sent} requests, {night} nights after the first");
    }
}

/// Whether a file was read late enough after its day, and awaits no transcript.
fn is_final(file: &DataFile) -> bool {
    let day: DateTime<Utc> = format!("{}T00:00:00Z", file.partition.1).parse().unwrap();
    let read: DateTime<Utc> = file.footer("as_of").parse().unwrap();
    // Days of activity end somewhere on earth half a day later.
    read >= day + TimeDelta::days(1 + 7) + TimeDelta::hours(12) && file.footer("transcripts_awaited") == "0"
}

#[test]
fn awaited_transcripts_cost_a_request_until_one_comes_and_then_one_export() {
    let mut nights = Nights::of(json!({
        "calls_without_transcript": 0.0, "late_transcripts": 0.1, "late_transcript_hours": 480,
    }));
    nights.job["datasets"] = json!(["calls", "transcripts"]);
    nights.run("2026-03-16T03:00:00Z", &[]).expect(0);
    let before = nights.export();
    let awaited = |export: &Export| -> u64 {
        export.of("calls").map(|(_, file)| file.footer("transcripts_awaited").parse::<u64>().unwrap()).sum()
    };
    assert!((1..100).contains(&awaited(&before)), "{} transcripts awaited", awaited(&before));
    for day in 17..20 {
        let (sent, finished) = nights.requests_of(|| nights.run(&format!("2026-03-{day}T03:00:00Z"), &[]));
        assert_eq!((sent, files_of(&finished.expect(0).json())), (1, vec![]), "on the {day}th");
    }
    assert_eq!(nights.export(), before);

    // Those of the first two days have come.
    let record = nights.run("2026-03-24T03:00:00Z", &[]).expect(0).json();
    let exported = files_of(&record);
    let after = nights.export();
    assert!(awaited(&after) < awaited(&before));
    for (key, file) in &after.files {
        let came = ["2026-03-02", "2026-03-03"].contains(&file.partition.1.as_str())
            && before
                .of("calls")
                .any(|(_, calls)| calls.partition == file.partition && calls.footer("transcripts_awaited") != "0");
        assert_eq!(exported.contains(&key.as_str()), came, "{key}: {exported:?}");
    }
    let (sent, finished) = nights.requests_of(|| nights.run("2026-03-24T04:00:00Z", &[]));
    assert_eq!((sent, files_of(&finished.expect(0).json())), (1, vec![]), "once is enough");

    // In the end all are there, and nothing is asked for any more.
    nights.run("2026-04-01T03:00:00Z", &[]).expect(0);
    assert_same(&nights.export(), &nights.fresh("2026-04-01T03:00:00Z"));
    let (sent, _) = nights.requests_of(|| nights.run("2026-04-01T04:00:00Z", &[]).expect(0));
    assert_eq!(sent, 0);
}

#[test]
fn the_budget_of_a_day_is_that_of_all_its_runs() {
    let mut nights = long();
    nights.job["source"]["requests_per_day"] = json!(30);
    let mut by_day = Vec::new();
    for (day, hours) in [(20, vec![3, 9]), (21, vec![3, 4, 22]), (22, vec![3]), (23, vec![3]), (24, vec![3])] {
        let (sent, last) = nights.requests_of(|| {
            let mut last = None;
            for (number, hour) in hours.into_iter().enumerate() {
                let now = format!("2026-03-{day}T{hour:02}:00:00Z");
                let (sent, finished) = nights.requests_of(|| nights.run(&now, &[]));
                if number > 0 && last == Some(5) {
                    assert_eq!(
                        (sent, finished.code()),
                        (0, Some(5)),
                        "{now}: the day's budget was used up\n{finished}"
                    );
                }
                last = finished.code();
            }
            last
        });
        assert!(sent <= 30, "{sent} requests on the {day}th");
        by_day.push(last);
        if last == Some(0) {
            break;
        }
    }
    assert_eq!(by_day.first(), Some(&Some(5)));
    assert_eq!(by_day.last(), Some(&Some(0)), "{by_day:?}");
    let mut found = nights.export();
    found.files.retain(|key, _| !key.starts_with("users/"));
    nights.job["source"]["requests_per_day"] = json!(10_000);
    let mut expected = nights.fresh("2026-03-24T12:00:00Z");
    expected.files.retain(|key, _| !key.starts_with("users/"));
    assert_same(&found, &expected);
}

#[test]
fn a_budget_that_is_too_small_for_one_partition_says_so() {
    let mut nights = Nights::of(json!({ "calls_per_day": 250, "sentences_per_call": 5 }));
    let told = |record: &Value| -> Vec<(String, String)> {
        let failures = record["failures"].as_array().unwrap();
        failures.iter().map(|failure| (failure["error"].to_string(), failure["hint"].to_string())).collect()
    };
    // Users and statistics fit into it, a day of calls does not, whatever the number of runs.
    for minute in ["12:00", "12:10"] {
        let record = nights.run(&format!("2026-03-20T{minute}:00Z"), &["--max-requests", "4"]).expect(5).json();
        let [(error, hint)] = &told(&record)[..] else { panic!("{record}") };
        assert!(error.contains("all 4 requests of the run") && hint.contains("raise --max-requests"), "{error} {hint}");
        assert_eq!(nights.export().of("calls").count(), 0);
    }
    // What is left of a day says nothing about the next one, a whole day does.
    nights.job["source"]["requests_per_day"] = json!(12);
    nights.job["destination"]["partition_by"] = json!("month");
    assert_eq!(told(&nights.run("2026-03-20T13:00:00Z", &[]).expect(5).json()), []);
    let record = nights.run("2026-03-21T03:00:00Z", &[]).expect(5).json();
    let [(error, hint)] = &told(&record)[..] else { panic!("{record}") };
    assert!(error.contains("all 12 requests of the day"), "{error}");
    assert!(hint.contains("requests_per_day") && hint.contains("partition_by to day"), "{hint}");
    // One that fits has nothing to say.
    nights.job["destination"]["partition_by"] = json!("day");
    let record = nights.run("2026-03-22T03:00:00Z", &[]).expect(5).json();
    assert_eq!(told(&record), []);
    assert!(nights.export().of("calls").count() > 0);
}

#[test]
fn of_two_runs_at_once_the_second_leaves_and_a_killed_one_is_replaced_at_once() {
    let nights = long();
    let first = nights.start(NOW);
    nights.wait_for_another_file(0);
    let second = nights.sandbox.run(["run", "job.yaml", "--now", LATER]).expect(7);
    for part in ["another run works at", "of job test, process ", "20260320T120000Z-", "lease.json"] {
        assert!(second.stderr.contains(part), "no `{part}` in\n{second}");
    }
    first.kill();
    let begin = Instant::now();
    let record = nights.run(LATER, &[]).expect(0).json();
    assert_eq!(record["resumes"], NOW);
    assert!(begin.elapsed() < Duration::from_secs(60), "{:?}", begin.elapsed());
    assert_same(&nights.export(), &nights.fresh(NOW));
}
