//! Whole job files: good ones here, the message for every kind of bad one in `bad`.

mod bad;

use std::path::Path;

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
        "GONG_CLIENT_ID" | "GONG_CLIENT_SECRET" | "GONG_ACCESS_KEY" => Some("key-of-tests".into()),
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
    assert!(job.datasets.is_empty());
    assert!(job.users.hosts.is_empty() && job.users.participants.is_empty());
    assert_eq!(job.workspace, None);
    assert_eq!(job.destination.url, "./export");
    assert_eq!(job.destination.partition_by, PartitionBy::Day);
    assert_eq!(job.destination.compression, Compression::Zstd(3));
    assert_eq!(job.privacy.private_calls, PrivateCalls::Exclude);
    assert!(job.privacy.pseudonymize.is_none() && job.privacy.exclude.is_empty());
    assert!(job.notify.is_none());
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
  pseudonymize: [name, email]
  key: " ${HUSH}${HUSH}${HUSH}${HUSH} "
  keep_email_domains: false
  exclude:
    titles: [interview, "1?1 *"]
    email_domains: ["@Lawyers.example", council.example]
    users: [lee@vendor.example]
notify:
  url: https://hooks.example/services/${HUSH}
  on: always
  headers: {Authorization: "Bearer ${HUSH}", X-Team: data}
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
    let pseudonymize = job.privacy.pseudonymize.as_ref().unwrap();
    assert_eq!(pseudonymize.kinds.iter().copied().collect::<Vec<_>>(), [PersonalKind::Email, PersonalKind::Name]);
    assert_eq!(pseudonymize.key.as_ref().unwrap().expose_secret(), SECRET.repeat(4));
    assert!(!pseudonymize.keep_email_domains);
    let exclude = &job.privacy.exclude;
    assert_eq!(exclude.titles, ["interview", "1?1 *"]);
    assert_eq!(exclude.email_domains, ["lawyers.example", "council.example"]);
    assert_eq!(exclude.users[0].value, "lee@vendor.example");
    let notify = job.notify.as_ref().unwrap();
    assert_eq!(notify.url.as_str(), format!("https://hooks.example/services/{SECRET}"));
    assert_eq!(notify.on, NotifyOn::Always);
    let headers: Vec<(&str, &str)> =
        notify.headers.iter().map(|header| (header.name.as_str(), header.value.expose_secret())).collect();
    assert_eq!(headers, [("Authorization", "Bearer hush-hush"), ("X-Team", "data")]);

    let debug = format!("{job:?}");
    assert!(!debug.contains(SECRET) && !debug.contains("key-of-tests"), "{debug}");
}

#[test]
fn a_token_and_a_simulator_are_sources_too() {
    let job = load_text(&job_with("source: {auth: {token: \"${HUSH}\"}}\n")).unwrap();
    assert!(matches!(&job.source.kind, SourceKind::Gong { auth: Some(Auth::Token(token)), .. }
        if token.expose_secret() == SECRET));
    assert!(!format!("{job:?}").contains(SECRET));

    let text = "source: {auth: {oauth: {client_id: app, client_secret: \"${HUSH}\", token_file: t.json}}}\n";
    let job = load_text(&job_with(text)).unwrap();
    let SourceKind::Gong { base_url: None, auth: Some(Auth::OAuth(oauth)) } = &job.source.kind else {
        panic!("{:?}", job.source.kind)
    };
    assert_eq!((oauth.client_id.expose_secret(), oauth.client_secret.expose_secret()), ("app", SECRET));
    assert_eq!(oauth.token_url.as_str(), "https://app.gong.io/oauth2/generate-customer-token");
    assert_eq!(oauth.token_file, "t.json");
    assert!(!format!("{job:?}").contains(SECRET));

    let job = load_text(&job_with("source:\n  simulator:\n    seed: 11\n    users: ${USERS:-3}\n")).unwrap();
    let SourceKind::Simulator(config) = &job.source.kind else { panic!("{:?}", job.source.kind) };
    assert_eq!((config.seed, config.users), (11, 3));
    let job = load_text(&job_with("source: {simulator: {}}\n")).unwrap();
    assert!(matches!(job.source.kind, SourceKind::Simulator(config) if *config == Default::default()));
}

#[test]
fn the_starter_and_all_examples_load() {
    load("gong-export.yaml", STARTER.as_bytes(), &crate::dataset::group::names(), &environment).unwrap();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
    let mut count = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read(&path).unwrap();
        let job = load(path.to_str().unwrap(), &text, &crate::dataset::group::names(), &environment)
            .unwrap_or_else(|e| panic!("{e}"));
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

#[test]
fn a_range_that_is_empty_only_now_is_told_with_its_place() {
    let job =
        load_text("version: 1\nrange:\n  from: start of month\n  to: 2026-05-01\ndestination: {url: out}\n").unwrap();
    let problem = job.range.resolve(now()).unwrap_err();
    insta::assert_snapshot!(format!("error: {}", Problems::one("jobs/daily.yaml", problem)));
}

#[test]
fn the_schema_is_that_of_the_sample() {
    let schema = format!("{:#}\n", job_schema(&crate::dataset::group::names()));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("samples/job.schema.json");
    #[expect(clippy::disallowed_methods, reason = "how whoever runs the tests asks for new samples")]
    let update = std::env::var("UPDATE_SAMPLES").is_ok_and(|value| value == "1");
    if update {
        std::fs::write(&path, &schema).unwrap();
    }
    let sample = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(sample == schema, "samples/job.schema.json is out of date: run the tests with UPDATE_SAMPLES=1");
}

#[test]
fn a_notification_stays_on_this_machine_or_is_encrypted() {
    for (url, is_accepted) in [
        ("http://127.0.0.1:8080/x?y=z", true),
        ("http://localhost/x", true),
        ("http://[::1]/x", true),
        ("https://hooks.example", true),
        ("http://hooks.example/x", false),
        ("http://127.0.0.1.hooks.example/x", false),
        ("file:///tmp/x", false),
        ("mailto:mara@vendor.example", false),
    ] {
        let job = load_text(&job_with(&format!("notify: {{url: \"{url}\"}}\n")));
        assert_eq!(job.is_ok(), is_accepted, "{url}: {job:?}");
        if let Ok(job) = job {
            assert_eq!(job.notify.unwrap().on, NotifyOn::Failure);
        }
    }
}

/// A key is required in the schema exactly when leaving it out is a problem.
#[test]
fn the_schema_requires_what_the_loader_requires() {
    let schema = job_schema(&crate::dataset::group::names());
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
    inner.extend(required("/$defs/Notify/required", "notify."));
    assert_eq!(missing("version: 1\nrange: {}\ndestination: {}\nnotify: {}"), inner);
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
        let text = format!("{key}: {value}\ndatasets: [nonsense]\n");
        prop_assume!(node::parse(text.as_bytes(), &mut Notes::default()).is_ok());
        let problems = load_text(&text).unwrap_err();
        prop_assert!(problems.problems.iter().any(|problem| problem.message.contains("nonsense")), "{}", problems);
        prop_assert!(!problems.to_string().contains(SECRET));
    }
}

/// A job may say by an empty list that nothing is replaced, and keep its key for later.
#[test]
fn pseudonyms_can_be_switched_off_by_word() {
    let job = load_text(&job_with("privacy: {pseudonymize: [], key: \"${HUSH}\"}\n")).unwrap();
    assert!(job.privacy.pseudonymize.is_none());
}

#[test]
fn a_command_that_only_looks_needs_no_credentials() {
    let load = |text: &str| load_without_credentials("a.yaml", text.as_bytes(), &DATASETS, &environment);
    let text = "version: 1\nsource: {base_url: '${UNSET}', auth: {token: '${UNSET}'}, requests_per_day: 50}\n\
                range: {from: 2026-01-01, to: 2026-02-01}\ndestination: {url: out}\n";
    let job = load(text).unwrap();
    assert!(matches!(job.source.kind, SourceKind::Gong { base_url: None, auth: None }));
    assert_eq!(job.source.requests_per_day, 50);
    let job = load(&format!("{text}privacy: {{pseudonymize: [email], key: '${{UNSET}}'}}\n")).unwrap();
    assert!(job.privacy.pseudonymize.unwrap().key.is_none());
    let problems = load(&text.replace("url: out", "url: '${UNSET}'")).unwrap_err().to_string();
    assert!(problems.contains("`UNSET` is not set"), "{problems}");
}
