//! What a run does not replace unasked: rows that are suddenly gone, and files that are not this job's.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::command::{Finished, NOW, Sandbox, job, simulated};
use crate::support::export::{Export, data_files, read_file};
use crate::support::python;
use crate::support::simulator::Simulator;

/// The bytes of all data files.
fn bytes(destination: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    data_files(destination).into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
}

/// The failed units of a run, as one text each.
fn failures(record: &Value) -> Vec<String> {
    let text = |failure: &Value| format!("{} | {} | {}", failure["unit"], failure["error"], failure["hint"]);
    record["failures"].as_array().unwrap().iter().map(text).collect()
}

/// A job of calls over a few days that are settled at [`NOW`].
fn calls_of(simulator: &Simulator) -> Value {
    let mut job = job(&simulator.source());
    job["datasets"] = json!(["calls", "parties"]);
    job
}

#[test]
fn a_key_that_lost_sight_of_the_calls_empties_nothing() {
    let healthy = Simulator::start(json!({}));
    let sandbox = Sandbox::new();
    sandbox.export_job(&calls_of(&healthy)).expect(0);
    let (before, export) = (bytes(&sandbox.export()), Export::read(&sandbox.export()));

    let blind = Simulator::start(json!({ "blind_key": true }));
    let again = |more: &[&str]| -> Finished {
        sandbox.export_job_at(&calls_of(&blind), "2026-03-21T12:00:00Z", &[&["--full-refresh"], more].concat())
    };
    let record = again(&[]).expect(4).json();
    assert_eq!(bytes(&sandbox.export()), before);
    let failed = failures(&record);
    for (_, file) in export.of("calls") {
        let (day, rows) = (&file.partition.1, file.rows.len());
        let told = failed.iter().find(|text| text.contains(day)).unwrap_or_else(|| panic!("{day}: {failed:#?}"));
        for part in [&format!("{rows} rows"), "shows 0", "permissions", "purged", "--accept-shrink"] {
            assert!(told.contains(part), "no `{part}`: {told}");
        }
    }

    again(&["--accept-shrink"]).expect(0);
    let after = Export::read(&sandbox.export());
    assert_eq!(after.files.len(), export.files.len());
    assert!(after.files.values().all(|file| file.rows.is_empty()));
}

#[test]
fn less_than_half_is_as_suspicious_as_nothing() {
    let switches = json!({ "calls_per_day": 30, "deleted_calls": 0.8, "deleted_after_days": 3 });
    let simulator = Simulator::start(switches);
    let sandbox = Sandbox::new();
    let mut job = calls_of(&simulator);
    job["range"] = json!({ "from": "2026-03-18", "to": "2026-03-19" });
    simulator.set_clock("2026-03-19T06:00:00Z");
    sandbox.export_job_at(&job, "2026-03-19T06:00:00Z", &[]).expect(0);
    let (before, export) = (bytes(&sandbox.export()), Export::read(&sandbox.export()));
    simulator.set_clock("2026-03-23T06:00:00Z");
    let left = simulator.calls("2026-03-18T00:00:00Z", "2026-03-19T00:00:00Z").len();
    let rows = export.rows("calls").len();
    assert!(left > 0 && left * 2 < rows, "{left} of {rows} calls are left");

    let record = sandbox.export_job_at(&job, "2026-03-23T06:00:00Z", &[]).expect(4).json();
    assert_eq!(bytes(&sandbox.export()), before);
    let failed = failures(&record).join("\n");
    assert!(failed.contains("2026-03-18") && failed.contains(&format!("{rows} rows")), "{failed}");

    sandbox.export_job_at(&job, "2026-03-23T06:10:00Z", &["--accept-shrink"]).expect(0);
    assert!(Export::read(&sandbox.export()).rows("calls").len() <= left);
}

/// Makes a file of a newer version out of one of ours.
const AGE_FORWARD: &str = r#"
import json, sys
import pyarrow.parquet as pq
path = json.load(sys.stdin)["path"]
table = pq.read_table(path, partitioning=None)
metadata = dict(pq.read_metadata(path).metadata)
metadata[b"gong_export.schema_version"] = b"999"
pq.write_table(table.replace_schema_metadata(metadata), path)
print("null")
"#;

#[test]
fn files_of_others_and_of_the_future_stay_and_the_rest_goes_on() {
    let simulator = Simulator::start(json!({}));
    let sandbox = Sandbox::new();
    let mut job = calls_of(&simulator);
    let path = |day: u32| sandbox.export().join(format!("calls/call_date=2026-03-0{day}/calls.parquet"));
    // Somebody else's table is where the second day's calls belong.
    fs::create_dir_all(path(2).parent().unwrap()).unwrap();
    python::duckdb(&format!("COPY (SELECT 1 AS x) TO '{}' (FORMAT parquet); SELECT 1 AS x", path(2).display()));
    let foreign = fs::read(path(2)).unwrap();
    let record = sandbox.export_job(&job).expect(4).json();
    assert_eq!(fs::read(path(2)).unwrap(), foreign);
    let failed = failures(&record);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(
        failed[0].contains("calls of 2026-03-02") && failed[0].contains("not written by gong-export"),
        "{failed:?}"
    );
    for day in 3..6 {
        assert!(path(day).exists(), "the others are exported");
    }

    // The third day's are of a version that is still to come, the fourth day's were cut off.
    python::call(AGE_FORWARD, &json!({ "path": path(3) }));
    let newer = fs::read(path(3)).unwrap();
    let checksum = |day| read_file(&path(day)).unwrap().checksum().to_owned();
    let (whole, sound) = (fs::read(path(4)).unwrap(), checksum(4));
    fs::write(path(4), &whole[..whole.len() / 2]).unwrap();
    job["range"]["to"] = json!("2026-03-07");
    let record = sandbox.export_job_at(&job, "2026-03-21T12:00:00Z", &["--full-refresh"]).expect(4).json();
    assert_eq!((fs::read(path(2)).unwrap(), fs::read(path(3)).unwrap()), (foreign, newer));
    let failed = failures(&record).join("\n");
    for part in ["calls of 2026-03-02", "calls of 2026-03-03", "newer than this one"] {
        assert!(failed.contains(part), "no `{part}`: {failed}");
    }
    assert!(path(6).exists());
    assert_eq!(checksum(4), sound, "the damaged file is whole again");
}

#[test]
fn simulated_data_never_take_the_place_of_real_ones_nor_the_other_way_round() {
    let simulator = Simulator::start(json!({}));
    let mut real = calls_of(&simulator);
    let mut invented = job(&simulated(json!({})));
    invented["datasets"] = real["datasets"].take();
    real["datasets"] = invented["datasets"].clone();
    for (first, second, word) in
        [(&real, &invented, "it holds real data"), (&invented, &real, "it holds simulated data")]
    {
        let sandbox = Sandbox::new();
        sandbox.export_job(first).expect(0);
        let before = bytes(&sandbox.export());
        let mut second = second.clone();
        second["range"]["to"] = json!("2026-03-07");
        let record = sandbox.export_job_at(&second, NOW, &["--full-refresh", "--accept-shrink"]).expect(4).json();
        let after = bytes(&sandbox.export());
        for (path, bytes) in &before {
            assert_eq!(after.get(path), Some(bytes), "{} was replaced", path.display());
        }
        assert_eq!(after.len(), before.len() + 2, "the day without files was exported");
        let failed = failures(&record);
        assert_eq!(failed.len(), before.len(), "{failed:#?}");
        assert!(failed.iter().all(|text| text.contains(word)), "{failed:#?}");
    }
}
