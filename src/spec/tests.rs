//! Whole job files: good ones, and the message for every kind of bad one.

use std::fmt::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::*;
use crate::calendar::PartitionBy;

const DATASETS: [&str; 5] = ["calls", "parties", "users", "transcripts", "activity_stats"];

/// A value of the environment that must not turn up in any message.
const SECRET: &str = "hush-hush";

fn environment(name: &str) -> Option<String> {
    match name {
        "GONG_BASE_URL" => Some("https://us-12345.api.gong.io".into()),
        "GONG_ACCESS_KEY" => Some("key-of-tests".into()),
        "GONG_ACCESS_KEY_SECRET" | "HUSH" => Some(SECRET.into()),
        "HUSH_URL" => Some(format!("https://{SECRET}:{SECRET}@gong.example/{SECRET}")),
        "HUSH_LINES" => Some(format!("{SECRET}\n{SECRET}")),
        "EXPORT_BUCKET" => Some("acme-lake".into()),
        "RATE" => Some("2.5".into()),
        "EMPTY" => Some(String::new()),
        _ => None,
    }
}

fn load_text(text: &str) -> Result<JobSpec, Problems> {
    load("jobs/daily.yaml", text.as_bytes(), &DATASETS, &environment)
}

fn now() -> DateTime<Utc> {
    "2026-05-15T12:00:00Z".parse().unwrap()
}

/// The keys that every job needs, on the first three lines, then `more`.
fn job_with(more: &str) -> String {
    format!("version: 1\nrange: {{from: 2025-01-01}}\ndestination: {{url: ./export}}\n{more}")
}

#[test]
fn the_shortest_job_has_the_defaults() {
    let job = load_text(&job_with("")).unwrap();
    assert_eq!(job.name, "daily");
    assert_eq!(job.source.requests_per_second, 3.0);
    assert_eq!(job.source.requests_per_day, 10_000);
    assert!(matches!(job.source.kind, SourceKind::Gong { base_url: None, auth: None }));
    assert_eq!(job.datasets, DATASETS);
    assert!(job.users.hosts.is_empty() && job.users.participants.is_empty());
    assert_eq!(job.workspace, None);
    assert_eq!(job.destination.url, "./export");
    assert_eq!(job.destination.partition_by, PartitionBy::Day);
    assert_eq!(job.destination.compression, Compression::Zstd(3));
    assert_eq!(job.privacy.private_calls, PrivateCalls::Exclude);
    let range = job.range.resolve(now()).unwrap();
    assert_eq!(range.to_string(), "2025-01-01T00:00:00Z to 2026-05-15T00:00:00Z");
}

#[test]
fn every_key_arrives() {
    let job = load_text(
        r#"
version: 1
name: nightly_2.0-b
source:
  base_url: ${GONG_BASE_URL}
  auth:
    access_key: ${GONG_ACCESS_KEY}
    access_key_secret: ${GONG_ACCESS_KEY_SECRET}
  requests_per_second: ${RATE}
  requests_per_day: 500
range:
  from: 30 days ago
  to: yesterday
  timezone: America/New_York
users:
  hosts: [mara@vendor.example, "6120044873310295518"]
  participants:
    - 18446744073709551615
workspace: 2290571133478806610
datasets: [users, calls]
destination:
  url: s3://${EXPORT_BUCKET}/gong
  partition_by: month
  compression: gzip
  options: {region: eu-central-1, allow_http: true, timeout: 30, secret_access_key: "${HUSH}"}
privacy:
  private_calls: include
"#,
    )
    .unwrap();
    assert_eq!(job.name, "nightly_2.0-b");
    assert_eq!(job.source.requests_per_second, 2.5);
    assert_eq!(job.source.requests_per_day, 500);
    let SourceKind::Gong { base_url: Some(base_url), auth: Some(Auth::AccessKey { access_key, access_key_secret }) } =
        &job.source.kind
    else {
        panic!("{:?}", job.source.kind);
    };
    assert_eq!(base_url.as_str(), "https://us-12345.api.gong.io/");
    assert_eq!(access_key.expose_secret(), "key-of-tests");
    assert_eq!(access_key_secret.expose_secret(), SECRET);
    let range = job.range.resolve(now()).unwrap();
    assert_eq!(range.to_string(), "2026-04-15T04:00:00Z to 2026-05-14T04:00:00Z");
    let hosts: Vec<(&str, usize)> = job.users.hosts.iter().map(|u| (u.value.as_str(), u.position.line)).collect();
    assert_eq!(hosts, [("mara@vendor.example", 16), ("6120044873310295518", 16)]);
    assert_eq!(job.users.hosts[1].position.column, 32);
    assert_eq!(job.users.participants[0].value, "18446744073709551615");
    assert_eq!(job.workspace.as_deref(), Some("2290571133478806610"));
    assert_eq!(job.datasets, ["users", "calls"]);
    assert_eq!(job.destination.url, "s3://acme-lake/gong");
    assert_eq!(job.destination.partition_by, PartitionBy::Month);
    assert_eq!(job.destination.compression, Compression::Gzip(6));
    let options: Vec<(&str, &str)> =
        job.destination.options.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let expected =
        [("allow_http", "true"), ("region", "eu-central-1"), ("secret_access_key", SECRET), ("timeout", "30")];
    assert_eq!(options, expected);
    assert_eq!(job.privacy.private_calls, PrivateCalls::Include);

    let debug = format!("{job:?}");
    assert!(!debug.contains(SECRET) && !debug.contains("key-of-tests"), "{debug}");
}

#[test]
fn a_token_and_a_simulator_are_sources_too() {
    let job = load_text(&job_with("source: {auth: {token: \"${HUSH}\"}}\n")).unwrap();
    assert!(matches!(&job.source.kind, SourceKind::Gong { auth: Some(Auth::Token(token)), .. }
        if token.expose_secret() == SECRET));
    assert!(!format!("{job:?}").contains(SECRET));

    let job = load_text(&job_with("source:\n  simulator:\n    seed: 11\n    users: ${USERS:-3}\n")).unwrap();
    let SourceKind::Simulator(config) = &job.source.kind else { panic!("{:?}", job.source.kind) };
    assert_eq!((config.seed, config.users), (11, 3));
    let job = load_text(&job_with("source: {simulator: {}}\n")).unwrap();
    assert!(matches!(job.source.kind, SourceKind::Simulator(config) if config == Default::default()));
}

#[test]
fn the_starter_and_all_examples_load() {
    load("gong-export.yaml", STARTER.as_bytes(), &DATASETS, &environment).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read(&path).unwrap();
        let job = load(path.to_str().unwrap(), &text, &DATASETS, &environment).unwrap_or_else(|e| panic!("{e}"));
        job.range.resolve(now()).unwrap();
        assert_eq!(Some(job.name.as_str()), path.file_stem().unwrap().to_str());
        count += 1;
    }
    assert!(count >= 4, "only {count} jobs");
}

#[test]
fn the_file_may_come_from_windows() {
    let text = format!("\u{feff}{}", job_with("workspce: 1\n")).replace('\n', "\r\n");
    let problems = load_text(&text).unwrap_err();
    assert_eq!(problems.problems[0].place, Place::At(Position { line: 4, column: 1 }));
}

/// Job files with something wrong, each with what is wrong with it.
const BAD: &[(&str, &str)] = &[
    ("not a mapping", "- version: 1\n"),
    ("a single text", "version 1\n"),
    ("only comments", "# version: 1\n"),
    ("nothing but a version", "version: 1\n"),
    ("version from the future", "version: 2\nrange: {from: today}\ndestination: {url: out}\n"),
    ("version as text", "version: \"1\"\nrange: {from: today}\ndestination: {url: out}\n"),
    (
        "misspelt and unknown keys on every level",
        "version: 1\nnmae: x\nrange:\n  form: 2025-01-01\n  until: today\ndestination:\n  url: out\n  compresion: snappy\nschedule: daily\n",
    ),
    ("keys of other versions", "version: 1\nrange: {from: today}\ndestination: {url: out}\nrefresh: {settle_days: 7}\nprivacy: {pseudonymize: [email]}\n"),
    ("duplicate keys", "version: 1\nrange:\n  from: 2025-01-01\n  to: 2025-02-01\n  from: 2025-01-15\ndestination: {url: out}\nversion: 1\n"),
    ("wrong kinds of value", "version: 1\nsource: fast\nrange: [2025-01-01, today]\nusers: {hosts: mara@vendor.example}\ndatasets: calls\ndestination:\n  url: {bucket: a}\n  partition_by: [day]\n  options: [region]\n"),
    ("keys without a value", "version: 1\nsource:\n  auth:\nrange:\n  from:\n  to: ~\ndestination:\n  url: null\n"),
    ("bad numbers", "version: 1\nsource:\n  requests_per_second: 0\n  requests_per_day: -5\nrange: {from: today}\ndestination: {url: out}\n"),
    ("more bad numbers", "version: one\nsource:\n  requests_per_second: .inf\n  requests_per_day: 0\nrange: {from: today}\ndestination: {url: out}\n"),
    ("numbers in quotes", "version: 1\nsource: {requests_per_second: \"3\", requests_per_day: 1.5}\nrange: {from: today}\ndestination: {url: out}\n"),
    ("unknown datasets", "version: 1\nrange: {from: today}\ndestination: {url: out}\ndatasets: [calls, transcript, deals, calls]\n"),
    ("no datasets", "version: 1\nrange: {from: today}\ndestination: {url: out}\ndatasets: []\n"),
    ("dates that are none", "version: 1\nrange:\n  from: 31.01.2025\n  to: 2025-02-30\n  timezone: New York\ndestination: {url: out}\n"),
    ("a time without an offset", "version: 1\nrange:\n  from: 2025-01-31T08:00:00\n  timezone: CET+1\ndestination: {url: out}\n"),
    ("no end of the range", "version: 1\nrange: {to: today}\ndestination: {}\n"),
    ("users that are none", "version: 1\nrange: {from: today}\ndestination: {url: out}\nusers:\n  hosts: [mara, 12ab, \"\"]\n  participants: [a@b@c, [x]]\n"),
    ("users that name nobody", "version: 1\nrange: {from: today}\ndestination: {url: out}\nusers: {hosts: [], participants: []}\n"),
    ("a workspace by name", "version: 1\nrange: {from: today}\ndestination: {url: out}\nworkspace: Sales EMEA\n"),
    ("an empty workspace from a variable", "version: 1\nrange: {from: today}\ndestination: {url: out}\nworkspace: ${EMPTY}\n"),
    ("a name with spaces", "version: 1\nname: my nightly job\nrange: {from: today}\ndestination: {url: out}\n"),
    ("plain http", "version: 1\nsource: {base_url: \"http://us-12345.api.gong.io\"}\nrange: {from: today}\ndestination: {url: out}\n"),
    ("an address without scheme", "version: 1\nsource: {base_url: us-12345.api.gong.io}\nrange: {from: today}\ndestination: {url: out}\n"),
    ("an address with a path", "version: 1\nsource: {base_url: \"https://us-12345.api.gong.io/v2/calls?key=hush-hush\"}\nrange: {from: today}\ndestination: {url: out}\n"),
    ("an address with credentials", "version: 1\nsource: {base_url: \"https://hush-hush:hush-hush@us-12345.api.gong.io\"}\nrange: {from: today}\ndestination: {url: \"s3://hush-hush:hush-hush@bucket\"}\n"),
    ("two ways to sign in", "version: 1\nsource:\n  auth: {access_key: hush-hush, access_key_secret: hush-hush, token: hush-hush}\nrange: {from: today}\ndestination: {url: out}\n"),
    ("half a key", "version: 1\nsource:\n  auth:\n    access_key: hush-hush\nrange: {from: today}\ndestination: {url: out}\n"),
    ("no way to sign in", "version: 1\nsource: {auth: {}}\nrange: {from: today}\ndestination: {url: out}\n"),
    ("secrets of the wrong kind", "version: 1\nsource:\n  auth:\n    access_key: [hush-hush]\n    access_key_secret: \"\"\n    acess_token: hush-hush\nrange: {from: today}\ndestination: {url: out}\n"),
    ("a secret with a line break", "version: 1\nsource: {auth: {token: \"${HUSH_LINES}\"}}\nrange: {from: today}\ndestination: {url: out}\n"),
    ("a secret where a mapping belongs", "version: 1\nsource: {auth: hush-hush}\nrange: {from: today}\ndestination: {url: out, options: hush-hush}\n"),
    ("two sources", "version: 1\nsource:\n  base_url: https://us-12345.api.gong.io\n  auth: {token: x}\n  simulator: {seed: 7}\nrange: {from: today}\ndestination: {url: out}\n"),
    ("simulator switches", "version: 1\nsource:\n  simulator:\n    sede: 7\n    users: many\n    calls_per_day: -1\nrange: {from: today}\ndestination: {url: out}\n"),
    ("a simulator without users", "version: 1\nsource:\n  simulator:\n    users: 0\nrange: {from: today}\ndestination: {url: out}\n"),
    ("a destination of another kind", "version: 1\nrange: {from: today}\ndestination:\n  url: ftp://files.example/gong\n  compression: brotli\n  partition_by: week\n"),
    ("destinations that miss something", "version: 1\nrange: {from: today}\ndestination:\n  url: s3:///gong\n  compression: zstd(99)\n  options: {region: {name: x}}\n"),
    ("a destination in the home folder", "version: 1\nrange: {from: today}\ndestination: {url: ~/export, compression: snappy(3)}\nprivacy: {private_calls: no}\n"),
    ("variables that are not set", "version: 1\nsource:\n  base_url: ${GONG_URL}\n  auth: {access_key: \"${KEY_A}\", access_key_secret: \"${KEY_B}\"}\nrange: {from: \"${FROM} ${UNTIL}\"}\ndestination: {url: out}\n"),
    ("broken references", "version: 1\nname: ${1ST}\nrange: {from: \"${FROM\", to: \"${A:-${B}}\"}\ndestination: {url: out}\n"),
    ("bad values from variables", "version: 1\nname: ${HUSH_LINES}\nsource: {base_url: \"${HUSH_URL}\", requests_per_second: \"${HUSH}\"}\nrange: {from: \"${HUSH}\", timezone: \"${HUSH}\"}\nusers: {hosts: [\"${HUSH}\"]}\nworkspace: ${HUSH}\ndatasets: [\"${HUSH}\"]\ndestination: {url: \"ftp://${HUSH}\", compression: \"${HUSH}\", partition_by: \"${HUSH}\"}\nprivacy: {private_calls: \"${HUSH}\"}\n"),
    ("bad simulator values from variables", "version: 1\nsource:\n  simulator: {seed: \"${HUSH}\", users: \"${ZERO:-0}\"}\nrange: {from: today}\ndestination: {url: out}\n"),
    ("wrong indentation", "version: 1\nrange:\n  from: today\n to: today\ndestination: {url: out}\n"),
    ("a tab", "version: 1\nrange:\n\tfrom: today\ndestination: {url: out}\n"),
    ("an unclosed bracket", "version: 1\ndatasets: [calls, users\nrange: {from: today}\n"),
    ("an unclosed quote", "version: 1\nname: \"nightly\nrange: {from: today}\n"),
    ("a value with a colon", "version: 1\nname: a: b\n"),
    ("two documents", "version: 1\nrange: {from: today}\ndestination: {url: out}\n---\nversion: 1\n"),
    ("an alias", "version: 1\nusers:\n  hosts: &people [mara@vendor.example]\n  participants: *people\n"),
    ("a star without quotes", "version: 1\nname: *nightly\n"),
    ("a tag", "version: 1\nname: !!binary bmlnaHRseQ==\n"),
    ("a list as a key", "version: 1\n[a, b]: c\n"),
    ("control characters", "version: 1\nname: a\u{0}b\n"),
    ("texts that would steer a terminal", "version: 1\nname: \"\\e[2J\\e]0;x\\a\\u202Eevil\"\n\"\\e[31mred\": 1\nrange: {from: today}\ndestination: {url: out}\n"),
];

#[test]
fn every_kind_of_problem_has_its_message() {
    let mut messages = String::new();
    for (what, text) in BAD {
        let problems = load_text(text).expect_err(what);
        let message = problems.to_string();
        assert!(!message.contains(SECRET), "{what}: {message}");
        assert!(!format!("{problems:?}").contains(SECRET), "{what}");
        assert!(problems.problems.iter().all(|problem| !problem.remedy.is_empty()), "{what}");
        writeln!(messages, "--- {what}").unwrap();
        for (index, line) in text.lines().enumerate() {
            writeln!(messages, "{:>3} | {}", index + 1, line.escape_debug().to_string().replace("\\\"", "\"")).unwrap();
        }
        writeln!(messages, "error: {message}\n").unwrap();
    }
    insta::assert_snapshot!(messages);
}

/// Files made to hurt; their messages are short and come at once.
#[test]
fn hostile_files_are_refused_at_once() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..10 {
            let aliases = vec![format!("*a{}", level - 1); 10].join(", ");
            writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
        }
        text
    };
    let hostile: Vec<(&str, Vec<u8>)> = vec![
        ("an anchor bomb", bomb.into_bytes()),
        ("20,000 nested lists", "[".repeat(20_000).into_bytes()),
        ("20,000 nested mappings", "{a: ".repeat(20_000).into_bytes()),
        ("20,000 nested block lists", "- ".repeat(20_000).into_bytes()),
        ("400 levels by indentation", (0..400).map(|n| format!("{}a:\n", " ".repeat(n))).collect::<String>().into_bytes()),
        ("more than a megabyte", vec![b'#'; FILE_BYTES_MAX + 1]),
        ("half a megabyte of items", format!("datasets: [{}]", "a,".repeat(500_000)).into_bytes()),
        ("half a megabyte of open mappings", "? ".repeat(500_000).into_bytes()),
        ("a text of a megabyte", format!("version: 1\nname: {}", "x".repeat(1_000_000)).into_bytes()),
        ("a key of a megabyte", format!("{}: 1", "x".repeat(1_000_000)).into_bytes()),
        ("a quoted key of a megabyte", format!("? \"{}\"\n: 1", "x".repeat(1_000_000)).into_bytes()),
        ("20,000 unknown keys", (0..20_000).map(|n| format!("key{n}: 1\n")).collect::<String>().into_bytes()),
        ("20,000 duplicate keys", "version: 1\n".repeat(20_000).into_bytes()),
        ("20,000 documents", "---\n".repeat(20_000).into_bytes()),
        ("100,000 directives", "%FOO bar\n".repeat(100_000).into_bytes()),
        ("not UTF-8", b"version: 1\nname: caf\xe9\n".to_vec()),
        ("UTF-16", b"\xff\xfev\0e\0r\0".to_vec()),
        ("binary", (0u8..=255).cycle().take(100_000).collect()),
        ("empty", Vec::new()),
    ];
    let mut messages = String::new();
    for (what, bytes) in hostile {
        let started = Instant::now();
        let message = load("jobs/daily.yaml", &bytes, &DATASETS, &environment).expect_err(what).to_string();
        // A second in a release build; this is neither, and the machine may be busy.
        assert!(started.elapsed() < Duration::from_secs(10), "{what} took {:?}", started.elapsed());
        let mut lines: Vec<&str> = message.lines().collect();
        if lines.len() > 9 {
            lines.splice(5..lines.len() - 3, ["  [..]"]);
        }
        writeln!(messages, "--- {what}\nerror: {}\n", lines.join("\n")).unwrap();
    }
    insta::assert_snapshot!(messages);
}

#[test]
fn a_range_that_is_empty_only_now_is_told_with_its_place() {
    let job = load_text("version: 1\nrange:\n  from: start of month\n  to: 2026-05-01\ndestination: {url: out}\n").unwrap();
    let problem = job.range.resolve(now()).unwrap_err();
    insta::assert_snapshot!(format!("error: {}", Problems::one("jobs/daily.yaml", problem)));
}

#[test]
fn the_schema_is_that_of_the_sample() {
    let schema = format!("{:#}\n", job_schema(&DATASETS));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/job.schema.json");
    #[expect(clippy::disallowed_methods, reason = "how whoever runs the tests asks for new samples")]
    let update = std::env::var("UPDATE_SAMPLES").is_ok_and(|value| value == "1");
    if update {
        std::fs::write(&path, &schema).unwrap();
    }
    let sample = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(sample, schema, "samples/job.schema.json is out of date: run the tests with UPDATE_SAMPLES=1");
}

/// A key is required in the schema exactly when leaving it out is a problem.
#[test]
fn the_schema_requires_what_the_loader_requires() {
    let schema = job_schema(&DATASETS);
    let required = |pointer: &str, prefix: &str| -> Vec<String> {
        let keys = schema.pointer(pointer).and_then(|keys| keys.as_array()).cloned().unwrap_or_default();
        keys.iter().map(|key| format!("`{prefix}{}` is missing", key.as_str().unwrap())).collect()
    };
    let missing = |text: &str| -> Vec<String> {
        load_text(text).unwrap_err().problems.iter().map(|problem| problem.message.clone()).collect()
    };
    assert_eq!(missing("{}"), required("/required", ""));
    let mut inner = required("/$defs/Range/required", "range.");
    inner.extend(required("/$defs/Destination/required", "destination."));
    assert_eq!(missing("version: 1\nrange: {}\ndestination: {}"), inner);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    /// Any text at all gives a spec or problems, and no secret of the environment in them.
    #[test]
    fn no_text_makes_it_panic(
        text in "(version: 1|range|from|users|hosts|source|simulator|auth|token|: |:|- |\\[|\\]|[{}]|\n|  |,|\"|'|[$][{]HUSH[}]|&a|[*]a|!|#|\\PC){0,60}",
    ) {
        if let Err(problems) = load_text(&text) {
            prop_assert!(!problems.to_string().contains(SECRET));
            prop_assert!(!problems.problems.is_empty());
        }
    }

    /// Whatever one key is set to, the others are still looked at.
    #[test]
    fn a_bad_value_hides_no_other_problem(
        value in "([$][{]HUSH[}]|[a-z0-9./:@ -]{0,12}|\\[[a-z]{0,5}\\]|[{]a: b[}])",
        key in 0usize..9,
    ) {
        let key = ["name", "source", "users", "workspace", "privacy", "range", "destination", "x", "version"][key];
        let problems = load_text(&format!("{key}: {value}\ndatasets: [nonsense]\n")).unwrap_err();
        prop_assume!(problems.problems.iter().all(|problem| !problem.message.contains("not readable as YAML")));
        prop_assert!(problems.problems.iter().any(|problem| problem.message.contains("nonsense")), "{}", problems);
        prop_assert!(!problems.to_string().contains(SECRET));
    }
}
