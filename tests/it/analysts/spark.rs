//! The sample for Spark, run on an export as it stands.

use serde_json::json;

use crate::support::command::{Sandbox, job, simulated};
use crate::support::python::{self, Row};
use crate::support::{engines, repository, skipped};

#[test]
fn spark_opens_the_days_asked_for_and_counts_what_duckdb_counts() {
    if !engines::has_java() {
        return skipped("the sample for Spark: no Java here; Debian's package default-jre-headless has it");
    }
    let sandbox = Sandbox::new();
    sandbox.export_job(&job(&simulated(json!({})))).expect(0);
    let output = python::engines_command()
        .arg(repository().join("samples/spark/read_calls.py"))
        .arg(sandbox.export())
        .args(["--from", "2026-03-03", "--to", "2026-03-05", "--at-least", "100"])
        // A laptop with a folder of its own, whatever its name resolves to.
        .envs([("SPARK_LOCAL_IP", "127.0.0.1"), ("PYSPARK_SUBMIT_ARGS", "--master local[1] pyspark-shell")])
        .env("SPARK_LOCAL_DIRS", sandbox.path())
        .current_dir(sandbox.path())
        .output()
        .unwrap();
    let (stdout, plan) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{plan}");

    let line =
        |begin: &str| plan.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{begin}\n{plan}"));
    let partitions = line("PartitionFilters: ");
    assert!(partitions.contains(">= 2026-03-03)") && partitions.contains("< 2026-03-05)"), "{partitions}");
    assert!(partitions.matches("call_date#").count() >= 2, "{partitions}");
    let pushed = line("PushedFilters: ");
    assert!(pushed.contains("GreaterThanOrEqual(duration_s,100)"), "{pushed}");

    let rows: Vec<Row> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let files = sandbox.export().join("calls/*/*.parquet");
    let count = |condition: &str| {
        python::duckdb(&format!(
            "SELECT call_date, count(*) AS calls FROM read_parquet('{}', hive_partitioning = true)
             WHERE call_date >= '2026-03-03' AND call_date < '2026-03-05' AND {condition} GROUP BY 1 ORDER BY 1",
            files.display()
        ))
    };
    assert_eq!(rows, count("duration_s >= 100"));
    assert_eq!(rows.len(), 2, "{rows:?}");
    assert_ne!(rows, count("true"), "every call was long enough: the filter did nothing");
}
