use super::*;
use crate::dataset;
use clap::ValueEnum;
use proptest::prelude::*;

fn script_at<'a>(root: Root, partition_by: PartitionBy, days: &[&str]) -> Script<'a> {
    let table = |&dataset: &&'static Dataset| {
        let column = dataset.partition.key(partition_by);
        let file = |day: &&str| File {
            partition: day.parse().unwrap(),
            key: format!("{0}/{column}={day}/{0}.parquet", dataset.name),
            size_bytes: 4_242,
        };
        Table { dataset, files: days.iter().map(file).collect() }
    };
    let tables = dataset::ALL.iter().map(table).collect();
    Script {
        job: "nightly",
        tool_version: "0.1.0",
        root,
        copy_of: None,
        s3_endpoint: None,
        partition_by,
        run: None,
        tables,
    }
}

fn root(text: &str) -> Root {
    Root::parse(text).unwrap()
}

/// A place that the engine can read.
fn place(dialect: Dialect) -> Root {
    root(if dialect == Dialect::Bigquery { "gs://bucket/gong" } else { "s3://bucket/gong" })
}

#[test]
fn every_dialect_has_every_dataset_with_all_columns_and_their_meaning() {
    for &dialect in Dialect::value_variants() {
        let made = script_at(place(dialect), PartitionBy::Day, &["2026-03-02"]);
        let text = script(dialect, &made).unwrap();
        for dataset in dataset::ALL {
            for field in made.fields(dataset) {
                assert!(text.contains(&field.ident()), "{dialect:?} lacks {}.{}", dataset.name, field.name);
            }
        }
        assert!(text.contains("Personal data: "), "{dialect:?}");
        let top: Vec<_> = text.lines().take_while(|line| line.starts_with("--")).collect();
        assert!(top.iter().any(|line| line.contains(&dialect.tried().to_string())), "{dialect:?}: {top:?}");
    }
}

#[test]
fn months_are_partitions_of_calls_only() {
    for &dialect in Dialect::value_variants() {
        let text = script(dialect, &script_at(place(dialect), PartitionBy::Month, &["2026-03-01"])).unwrap();
        assert!(text.contains("call_month") && !text.contains("call_date"), "{dialect:?}");
        assert!(text.contains("snapshot_date"), "{dialect:?}");
    }
    let months = script_at(root("s3://b"), PartitionBy::Month, &[]);
    let athena = script(Dialect::Athena, &months).unwrap();
    assert!(athena.contains("'projection.call_month.interval.unit' = 'MONTHS'"));
    let months = script_at(root("gs://b"), PartitionBy::Month, &[]);
    assert!(script(Dialect::Bigquery, &months).unwrap().contains("PARTITION BY DATE_TRUNC(call_month, MONTH)"));
}

#[test]
fn without_files_there_is_nothing_to_load() {
    for &dialect in Dialect::value_variants() {
        let text = script(dialect, &script_at(place(dialect), PartitionBy::Day, &[])).unwrap();
        for word in ["DELETE", "COPY", "INSERT", "read_parquet", "MSCK"] {
            assert!(!text.lines().any(|line| !line.starts_with("--") && line.contains(word)), "{dialect:?} has {word}");
        }
    }
}

#[test]
fn engines_refuse_places_that_they_cannot_read() {
    let refused = |dialect, place: &str| script(dialect, &script_at(root(place), PartitionBy::Day, &[])).is_err();
    let load =
        |dialect, place: &str| script(dialect, &script_at(root(place), PartitionBy::Day, &["2026-03-02"])).is_err();
    for dialect in [Dialect::Athena, Dialect::Redshift] {
        assert!(refused(dialect, "/data") && refused(dialect, "gs://b") && !refused(dialect, "s3://b"));
    }
    assert!(refused(Dialect::Bigquery, "s3://b/c") && !refused(Dialect::Bigquery, "gs://b/c"));
    assert!(refused(Dialect::Clickhouse, "/data/a*b") && !refused(Dialect::Clickhouse, "/data/a[b]'c"));
    assert!(load(Dialect::Snowflake, "/data/a*b") && !load(Dialect::Snowflake, "/data/ab"));
    for dialect in [Dialect::Snowflake, Dialect::Databricks] {
        assert!(refused(dialect, "az://container/x"), "the account is not known");
        let Root::Azure { container, .. } = root("az://container/x") else { panic!() };
        let known = Root::Azure { account: Some("acme".to_owned()), container };
        assert!(script(dialect, &script_at(known, PartitionBy::Day, &[])).unwrap().contains("acme."));
    }
}

#[test]
fn clickhouse_is_told_where_buckets_are() {
    let mut made = script_at(root("s3://b/gong"), PartitionBy::Day, &["2026-03-02"]);
    assert!(
        script(Dialect::Clickhouse, &made).unwrap().contains("s3('https://b.s3.amazonaws.com/gong/calls/call_date=*")
    );
    made.s3_endpoint = Some("https://minio.example/");
    assert!(script(Dialect::Clickhouse, &made).unwrap().contains("s3('https://minio.example/b/gong/calls/call_date=*"));
    made.root = root("gs://b");
    assert!(
        script(Dialect::Clickhouse, &made).unwrap().contains("gcs('https://storage.googleapis.com/b/calls/call_date=*")
    );
}

#[test]
fn snowflake_names_at_most_a_thousand_files_at_a_time() {
    let first: NaiveDate = "2020-01-01".parse().unwrap();
    let days: Vec<String> = first.iter_days().take(2_001).map(|day| day.to_string()).collect();
    let days: Vec<&str> = days.iter().map(String::as_str).collect();
    let mut made = script_at(root("s3://b"), PartitionBy::Day, &days);
    made.tables.truncate(1);
    let text = script(Dialect::Snowflake, &made).unwrap();
    assert_eq!(text.matches("COPY INTO").count(), 3);
    assert_eq!(text.matches("/calls.parquet'").count(), 2_001);
    assert_eq!(text.matches("DELETE FROM").count(), 1, "all of it in one transaction");
}

#[test]
fn lists_are_as_the_loaders_take_them() {
    let made = script_at(root("s3://b/gong"), PartitionBy::Day, &["2026-03-02", "2026-03-03"]);
    let lists = file_lists(Dialect::Redshift, &made).unwrap().unwrap();
    let calls = lists.iter().find(|list| list.name == "calls.manifest.json").unwrap();
    let manifest: serde_json::Value = serde_json::from_str(&calls.text).unwrap();
    assert_eq!(
        manifest["entries"][1],
        serde_json::json!({
            "url": "s3://b/gong/calls/call_date=2026-03-03/calls.parquet",
            "mandatory": true,
            "meta": { "content_length": 4_242 },
        })
    );
    let made = script_at(root("gs://b"), PartitionBy::Day, &["2026-03-02", "2026-03-03"]);
    let lists = file_lists(Dialect::Bigquery, &made).unwrap().unwrap();
    assert_eq!(lists[0].name, "calls.uris.txt");
    assert_eq!(
        lists[0].text,
        "gs://b/calls/call_date=2026-03-02/calls.parquet\ngs://b/calls/call_date=2026-03-03/calls.parquet\n"
    );
    assert_eq!(file_lists(Dialect::Postgres, &made).unwrap(), None);
    assert!(file_lists(Dialect::Redshift, &made).is_err());
}

proptest! {
    /// What comes from a job can neither end a text nor a comment: outside of quotes nothing of it is left.
    #[test]
    fn no_path_and_no_name_leaves_its_quotes(path in "/[a-z'\\\\\"` ;$(){}\\[\\]-]{1,20}", job in "[a-z'\n\r;-]{0,20}") {
        for dialect in [Dialect::Duckdb, Dialect::Databricks, Dialect::Snowflake] {
            let mut made = script_at(root(&path), PartitionBy::Day, &["2026-03-02"]);
            let plain = script(dialect, &script_at(root("/plain"), PartitionBy::Day, &["2026-03-02"])).unwrap();
            made.job = &job;
            let text = script(dialect, &made).unwrap();
            let backslashes = dialect != Dialect::Duckdb;
            prop_assert_eq!(skeleton(&text, backslashes), skeleton(&plain, backslashes));
        }
    }
}

/// A script without comments and without what stands in single quotes.
fn skeleton(text: &str, backslashes: bool) -> String {
    let text: String = text.lines().filter(|line| !line.starts_with("--")).map(|line| format!("{line}\n")).collect();
    let (mut left, mut quoted) = (String::new(), false);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted && backslashes => drop(chars.next()),
            '\'' => quoted = !quoted,
            c if !quoted => left.push(c),
            _ => {}
        }
    }
    assert!(!quoted, "a quote is open at the end");
    left
}
