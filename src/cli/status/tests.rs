//! A destination of invented files, as the report tells it.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Tz;

use super::report::{Known, notes, report};
use super::survey::{Awaited, Expected, Holding, awaited, survey};
use super::text::text;
use crate::calendar::{DateRange, Partition, PartitionBy};
use crate::cli::args::{ColorChoice, JobArgs, LogFormat, OutputArgs, OutputFormat};
use crate::cli::output::Printer;
use crate::cli::session::Session;
use crate::dataset::{ACTIVITY_STATS, CALLS, Dataset, TRANSCRIPTS, USERS};
use crate::plan::{Circumstances, Due, NotDue, Refresh, Verdict};
use crate::sink::{Held, Location, StoredFile};
use crate::state::coverage::Standing;
use crate::state::footer::{Footer, FooterError, SCHEMA_VERSION};
use crate::state::privacy_note::PrivacyNote;
use crate::state::run_record::Past;

const NOW: &str = "2026-01-20T03:00:00Z";

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn day(text: &str) -> Partition {
    Partition::of_day(text.parse().unwrap(), PartitionBy::Day)
}

/// A file that was read `age` days after its partition's begin.
fn footer(dataset: &Dataset, partition: Partition, rows: u64, age: i64) -> Footer {
    let window = partition.span(Tz::UTC);
    Footer {
        tool_version: "0.1.0".into(),
        schema_version: SCHEMA_VERSION,
        job: "nightly".into(),
        run_id: "r".into(),
        dataset: dataset.name.into(),
        partition,
        as_of: window.from() + TimeDelta::days(age),
        window,
        records_announced: Some(rows),
        records_written: rows,
        records_withheld: 0,
        checksum: "x".into(),
        transcripts_awaited: 0,
        oldest_awaited: None,
        simulated: false,
        selection: "{}".into(),
        privacy: PrivacyNote::NONE,
    }
}

fn put(held: &mut Held, dataset: &'static Dataset, partition: Partition, standing: Standing) {
    let location = Location::new(dataset, partition);
    held.files.push(StoredFile { location, key: location.key(), size_bytes: 1_000 });
    held.coverage.insert(dataset.name, partition, standing);
}

fn ours(held: &mut Held, dataset: &'static Dataset, first_day: &str, rows: u64, age: i64) {
    let footer = footer(dataset, day(first_day), rows, age);
    put(held, dataset, day(first_day), Standing::Ours(Box::new(footer)));
}

fn circumstances(selection: &str) -> Circumstances<'_> {
    Circumstances {
        refresh: Refresh { settle: TimeDelta::days(7), transcripts_wait: TimeDelta::days(30), full: false },
        now: at(NOW),
        zone: Tz::UTC,
        selection,
        privacy: &PrivacyNote::NONE,
        simulated: false,
        resumes: None,
    }
}

/// Of a job for the ten days before now and all that follows.
fn surveyed(datasets: &[&'static Dataset], held: &Held) -> Vec<Holding> {
    let expected = Expected {
        datasets,
        range: DateRange::new(at("2026-01-10T00:00:00Z"), at("2026-02-01T00:00:00Z")).unwrap(),
        partition_by: PartitionBy::Day,
        circumstances: circumstances("{}"),
    };
    survey(expected, &[&CALLS, &TRANSCRIPTS, &USERS, &ACTIVITY_STATS], held)
}

fn verdicts(holding: &Holding) -> Vec<(String, &Verdict, bool)> {
    holding.entries.iter().map(|(partition, e)| (partition.to_string(), &e.verdict, e.in_range)).collect()
}

#[test]
fn the_range_so_far_and_the_days_between_files_are_expected() {
    let mut held = Held::default();
    ours(&mut held, &CALLS, "2026-01-05", 3, 9);
    ours(&mut held, &CALLS, "2026-01-07", 3, 9);
    let holdings = surveyed(&[&CALLS], &held);
    let calls = verdicts(&holdings[0]);
    let missing = &Verdict::Due(Due::Missing);
    assert_eq!(calls[0], ("2026-01-05".into(), &Verdict::NotDue(NotDue::Settled), false));
    assert_eq!(calls[1], ("2026-01-06".into(), missing, false), "between two files");
    assert_eq!(calls[3], ("2026-01-10".into(), missing, true), "the range begins; nothing before it is expected");
    assert_eq!(calls.last(), Some(&("2026-01-20".into(), missing, true)), "today has begun, tomorrow has not");
    assert_eq!(holdings.len(), 1, "what neither the job nor the destination has is left out");
    assert_eq!(notes(&holdings).len(), 1);
}

#[test]
fn past_snapshots_stay_and_gaps_between_them_are_none() {
    let mut held = Held::default();
    ours(&mut held, &USERS, "2026-01-02", 5, 0);
    ours(&mut held, &USERS, "2026-01-19", 5, 0);
    let holdings = surveyed(&[&USERS], &held);
    let settled = &Verdict::NotDue(NotDue::Settled);
    assert_eq!(
        verdicts(&holdings[0]),
        [
            ("2026-01-02".to_owned(), settled, false),
            ("2026-01-19".to_owned(), settled, false),
            ("2026-01-20".to_owned(), &Verdict::Due(Due::Missing), true),
        ]
    );
    ours(&mut held, &USERS, "2026-01-20", 5, 0);
    let holdings = surveyed(&[&USERS], &held);
    assert_eq!(verdicts(&holdings[0])[2].1, &Verdict::Due(Due::Snapshot), "every run takes today's again");
}

#[test]
fn activity_is_expected_only_of_days_that_are_over_everywhere() {
    let holdings = surveyed(&[&ACTIVITY_STATS], &Held::default());
    // Three in the morning in UTC is still the day before west of it.
    assert_eq!(verdicts(&holdings[0]).last().map(|(day, ..)| day.clone()).as_deref(), Some("2026-01-18"));
}

#[test]
fn a_strange_file_of_a_far_year_stretches_nothing() {
    let mut held = Held::default();
    ours(&mut held, &TRANSCRIPTS, "2026-01-05", 3, 9);
    put(&mut held, &TRANSCRIPTS, day("0001-01-01"), Standing::Strange(FooterError::Foreign));
    let holdings = surveyed(&[], &held);
    assert_eq!(holdings[0].entries.len(), 2);
    assert!(!holdings[0].in_job);
    assert_eq!(notes(&holdings), ["transcripts 0001-01-01: not written by gong-export"]);
}

#[test]
fn files_of_days_and_of_months_are_told() {
    let mut held = Held::default();
    ours(&mut held, &CALLS, "2026-01-05", 3, 9);
    let month = Partition::of_day(NaiveDate::from_ymd_opt(2026, 1, 1).unwrap(), PartitionBy::Month);
    put(&mut held, &CALLS, month, Standing::Ours(Box::new(footer(&CALLS, month, 3, 40))));
    let holdings = surveyed(&[], &held);
    assert_eq!(notes(&holdings).len(), 1);
    assert!(notes(&holdings)[0].starts_with("calls has files of days and files of months"));
}

#[test]
fn awaited_calls_count_once_though_two_files_tell_of_them() {
    let mut held = Held::default();
    for dataset in [&CALLS, &TRANSCRIPTS] {
        for (first_day, age, calls) in [("2026-01-05", 9, 4), ("2026-01-10", 8, 2), ("2026-01-18", 1, 3)] {
            let partition = day(first_day);
            let mut footer = footer(dataset, partition, 9, age);
            footer.transcripts_awaited = calls;
            footer.oldest_awaited = Some(footer.window.from() + TimeDelta::hours(9));
            put(&mut held, dataset, partition, Standing::Ours(Box::new(footer)));
        }
    }
    assert_eq!(
        awaited(&surveyed(&[&CALLS, &TRANSCRIPTS], &held)),
        Awaited { calls: 5, oldest: Some(at("2026-01-10T09:00:00Z")), given_up: 4 },
        "one day is settled but for its transcripts, one is not settled, one is out of the job's reach"
    );
}

#[test]
fn a_destination_is_seen_at_a_glance() {
    let folder = tempfile::tempdir().unwrap();
    let job = folder.path().join("nightly.yaml");
    // No credentials are needed, nor the variables that would hold them.
    std::fs::write(
        &job,
        "version: 1\n\
         source: {base_url: '${NO_SUCH_VARIABLE_HERE}', auth: {token: '${NOR_THIS_ONE_HERE}'}}\n\
         range: {from: 2026-01-05, to: 2026-01-20}\n\
         datasets: [calls, users, transcripts]\n\
         destination: {url: export}\n",
    )
    .unwrap();
    let args = JobArgs {
        job,
        from: None,
        to: None,
        datasets: Vec::new(),
        destination: Some("/data/export".into()),
        now: Some(at(NOW)),
    };
    let session = Session::load_to_look(&args).unwrap();
    let selection = session.selection_text();

    let mut held = Held::default();
    for (number, rows) in [12, 9, 0, 11, 8, 0, 0, 14, 10].into_iter().enumerate() {
        let partition = day(&format!("2026-01-{:02}", 5 + number));
        for dataset in [&CALLS, &TRANSCRIPTS] {
            let mut footer = footer(dataset, partition, rows, if number < 7 { 8 } else { 3 });
            footer.selection.clone_from(&selection);
            if number == 3 {
                footer.transcripts_awaited = 2;
                footer.oldest_awaited = Some(at("2026-01-08T15:30:00Z"));
            }
            put(&mut held, dataset, partition, Standing::Ours(Box::new(footer)));
        }
    }
    put(&mut held, &CALLS, day("2026-01-14"), Standing::Damaged("cut off".into()));
    ours(&mut held, &USERS, "2026-01-12", 25, 0);
    ours(&mut held, &ACTIVITY_STATS, "2026-01-02", 25, 10);

    let expected = Expected {
        datasets: &session.datasets,
        range: session.range,
        partition_by: PartitionBy::Day,
        circumstances: session.circumstances(&selection, &PrivacyNote::NONE),
    };
    let holdings = survey(expected, &[&CALLS, &TRANSCRIPTS, &USERS, &ACTIVITY_STATS], &held);
    let report = report(Known {
        session: &session,
        destination: "/data/export".into(),
        past: Past { resumes: Some(at("2026-01-20T02:00:00Z")), requests_today: 1_234 },
        runs: &[],
        holdings: &holdings,
        lease: None,
    });
    let output = OutputArgs {
        quiet: false,
        verbose: 0,
        log_format: LogFormat::Text,
        output: OutputFormat::Text,
        color: ColorChoice::Never,
    };
    insta::assert_snapshot!(text(&report, &holdings, None, Printer::new(&output, true)), @r"
    job nightly: 2026-01-05T00:00:00Z to 2026-01-20T00:00:00Z (UTC)
    destination: /data/export

    dataset           first       last        files  rows    size  unsettled  awaiting  missing
    calls             2026-01-05  2026-01-14     10    64   10 kB          2         1        5
    transcripts       2026-01-05  2026-01-13      9    64  9.0 kB          2         1        6
    users             2026-01-12  2026-01-12      1    25  1.0 kB          0         0        1
    (activity_stats)  2026-01-02  2026-01-02      1    25  1.0 kB          0         0        0
    (in brackets: datasets that the job does not name)

    calls
               1   5    10   15   20   25   30
      2026-01      ##0t#00++x.....
    transcripts
               1   5    10   15   20   25   30
      2026-01      ##0t#00++......
    users
               1   5    10   15   20   25   30
      2026-01             #       .
    activity_stats
               1   5    10   15   20   25   30
      2026-01   #

    # settled   0 settled, no records   + not settled yet   t awaits transcripts   . missing   x damaged

    transcripts: 2 calls await theirs, the oldest began 2026-01-08T15:30:00Z
    requests today (UTC): 1,234 of 10,000
    the next run takes up the one that began at 2026-01-20T02:00:00Z and did not finish
    note: calls 2026-01-14: the file cannot be read
    runs: none on record
    ");

    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["datasets"][0]["verdicts"]["missing"], 5);
    assert_eq!(
        json["datasets"][0]["partitions"][3],
        serde_json::json!({
            "partition": "2026-01-08",
            "partition_by": "day",
            "in_range": true,
            "verdict": "awaiting_transcripts",
            "explanation": "settled but for 2 transcripts, which are asked for",
            "rows": 11,
            "bytes": 1_000,
            "as_of": "2026-01-16T00:00:00Z",
            "run_id": "r",
            "checksum": "x",
            "transcripts_awaited": 2,
        })
    );
}
