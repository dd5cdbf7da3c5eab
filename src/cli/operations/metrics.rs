//! A run's numbers in the text format of Prometheus, for the textfile collector of node_exporter.
//! Pure.
//!
//! All are gauges about the last run: a process that ends cannot keep counters. They carry the job's
//! name and nothing that is secret or personal; the destination is left out, since it would make a new
//! series of every change of it. What a run did not come to know (rows of a run that failed before its
//! first request) is left out, not told as 0.

use std::fmt::Write;

use super::ending::Ending;
use super::metrics_file::Previous;
use crate::state::run_record::{DatasetRecord, RunRecord};

/// The metric that the next run reads back.
pub(super) const LAST_SUCCESS: &str = "gong_export_last_success_timestamp_seconds";

/// The whole file. `previous` is what the one before it said, if there was one.
pub(super) fn render(ending: &Ending<'_>, previous: Option<&Previous>) -> String {
    // A spec that cannot be read names no job: the series of the job go on under the name they had.
    let job = match (ending.job, previous) {
        (Some(job), _) => job,
        (None, Some(previous)) => previous.job.as_str(),
        (None, None) => ending.file_stem,
    };
    let succeeded = ending.exit_code() == 0;
    let last_success = if succeeded {
        Some(ending.finished_at.timestamp())
    } else {
        previous.filter(|previous| previous.job == job).and_then(|previous| previous.last_success)
    };

    let mut text = Text { job, text: String::new() };
    text.one("gong_export_last_run_timestamp_seconds", "When the last run ended.", ending.finished_at.timestamp());
    text.one("gong_export_last_run_success", "Whether the last run ended with exit code 0.", u8::from(succeeded));
    text.one("gong_export_last_run_exit_code", "Exit code of the last run.", ending.exit_code());
    text.one("gong_export_last_run_duration_seconds", "How long the last run took.", ending.lasted.as_secs_f64());
    if let Some(instant) = last_success {
        text.one(LAST_SUCCESS, "When the last run that ended with exit code 0 ended.", instant);
    }
    if let Some(record) = ending.record() {
        of_record(&mut text, record);
    }
    text.text
}

fn of_record(text: &mut Text<'_>, record: &RunRecord) {
    let requests = &record.requests;
    text.family("gong_export_last_run_requests", "Requests to Gong: sent for the first time, or repeated.");
    text.sample(
        "gong_export_last_run_requests",
        Some(("kind", "first")),
        requests.sent.saturating_sub(requests.retries),
    );
    text.sample("gong_export_last_run_requests", Some(("kind", "repeated")), requests.retries);
    text.one(
        "gong_export_last_run_throttled",
        "Answers by which Gong refused a request as too many.",
        requests.throttled,
    );
    text.one("gong_export_last_run_received_bytes", "Bytes of answers, after decompression.", requests.bytes_received);

    text.by_dataset(record, "gong_export_last_run_rows", "Rows written.", |total| total.rows);
    text.by_dataset(record, "gong_export_last_run_bytes", "Bytes of the files written.", |total| total.bytes);
    text.by_dataset(record, "gong_export_last_run_partitions", "Partitions written.", |total| total.partitions);
    text.by_dataset(
        record,
        "gong_export_last_run_partitions_changed",
        "Partitions written whose content is new.",
        |total| total.partitions_changed,
    );

    let rejected = record.rejected.records;
    text.one("gong_export_last_run_rejected_records", "Records that could not be decoded.", rejected);
    text.one("gong_export_last_run_failures", "Work units that failed for good.", record.failures.len());
    text.one("gong_export_last_run_warnings", "Warnings in the run record.", record.warnings.len());
}

struct Text<'a> {
    job: &'a str,
    text: String,
}

/// Writing to a `String` cannot fail, so the results of writing are not looked at.
impl Text<'_> {
    fn family(&mut self, name: &str, help: &str) {
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} gauge");
    }

    fn sample(&mut self, name: &str, label: Option<(&str, &str)>, value: impl std::fmt::Display) {
        let _ = write!(self.text, "{name}{{job=\"{}\"", escaped(self.job));
        if let Some((label, text)) = label {
            let _ = write!(self.text, ",{label}=\"{}\"", escaped(text));
        }
        let _ = writeln!(self.text, "}} {value}");
    }

    fn one(&mut self, name: &str, help: &str, value: impl std::fmt::Display) {
        self.family(name, help);
        self.sample(name, None, value);
    }

    fn by_dataset(&mut self, record: &RunRecord, name: &str, help: &str, value: impl Fn(&DatasetRecord) -> u64) {
        if record.datasets.is_empty() {
            return;
        }
        self.family(name, help);
        for total in &record.datasets {
            self.sample(name, Some(("dataset", &total.dataset)), value(total));
        }
    }
}

/// The text of a label as the format wants it. A job's name needs none of it; a file's may.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::super::ending::samples::{early, ending, record};
    use super::*;
    use crate::cli::exit_code::Exit;
    use crate::state::run_record::Outcome;

    fn previous(job: &str, last_success: Option<i64>) -> Previous {
        Previous { job: job.to_owned(), last_success }
    }

    fn samples(text: &str) -> Vec<&str> {
        text.lines().filter(|line| !line.starts_with('#')).collect()
    }

    #[test]
    fn a_run_as_prometheus_reads_it() {
        let text = render(&ending(&Ok(record(Outcome::Done))), None);
        assert_eq!(
            samples(&text),
            [
                r#"gong_export_last_run_timestamp_seconds{job="nightly"} 1773980113"#,
                r#"gong_export_last_run_success{job="nightly"} 1"#,
                r#"gong_export_last_run_exit_code{job="nightly"} 0"#,
                r#"gong_export_last_run_duration_seconds{job="nightly"} 12.75"#,
                r#"gong_export_last_success_timestamp_seconds{job="nightly"} 1773980113"#,
                r#"gong_export_last_run_requests{job="nightly",kind="first"} 7"#,
                r#"gong_export_last_run_requests{job="nightly",kind="repeated"} 2"#,
                r#"gong_export_last_run_throttled{job="nightly"} 1"#,
                r#"gong_export_last_run_received_bytes{job="nightly"} 4000"#,
                r#"gong_export_last_run_rows{job="nightly",dataset="calls"} 70"#,
                r#"gong_export_last_run_rows{job="nightly",dataset="users"} 12"#,
                r#"gong_export_last_run_bytes{job="nightly",dataset="calls"} 3500"#,
                r#"gong_export_last_run_bytes{job="nightly",dataset="users"} 600"#,
                r#"gong_export_last_run_partitions{job="nightly",dataset="calls"} 2"#,
                r#"gong_export_last_run_partitions{job="nightly",dataset="users"} 1"#,
                r#"gong_export_last_run_partitions_changed{job="nightly",dataset="calls"} 2"#,
                r#"gong_export_last_run_partitions_changed{job="nightly",dataset="users"} 0"#,
                r#"gong_export_last_run_rejected_records{job="nightly"} 0"#,
                r#"gong_export_last_run_failures{job="nightly"} 0"#,
                r#"gong_export_last_run_warnings{job="nightly"} 1"#,
            ]
        );
        // Each family is introduced, once, before its samples.
        for line in samples(&text) {
            let name = line.split('{').next().unwrap();
            assert_eq!(text.matches(&format!("# HELP {name} ")).count(), 1, "{name}");
            assert_eq!(text.matches(&format!("# TYPE {name} gauge\n")).count(), 1, "{name}");
            assert!(text.find(&format!("# TYPE {name} ")) < text.find(line), "{name}");
        }
    }

    #[test]
    fn a_failed_run_keeps_the_last_success() {
        let failed = Ok(record(Outcome::Partial));
        let text = render(&ending(&failed), Some(&previous("nightly", Some(1_773_900_000))));
        assert!(text.contains("gong_export_last_success_timestamp_seconds{job=\"nightly\"} 1773900000\n"), "{text}");
        assert!(text.contains("gong_export_last_run_success{job=\"nightly\"} 0\n"), "{text}");
        // Of another job, or of none, nothing is known.
        for previous in [previous("weekly", Some(1_773_900_000)), previous("nightly", None)] {
            assert!(!render(&ending(&failed), Some(&previous)).contains(LAST_SUCCESS));
        }
    }

    #[test]
    fn a_run_that_failed_early_tells_what_it_knows() {
        let failed = early(Exit::Credentials, "no credentials");
        let text = render(&ending(&failed), None);
        assert!(text.contains("gong_export_last_run_exit_code{job=\"nightly\"} 3\n"), "{text}");
        assert!(!text.contains("rows") && !text.contains("requests"), "{text}");
    }

    #[test]
    fn a_broken_spec_does_not_end_the_series_of_its_job() {
        let failed = early(Exit::Usage, "job spec is invalid");
        let mut ending = ending(&failed);
        ending.job = None;
        let text = render(&ending, Some(&previous("nightly", Some(5))));
        assert!(text.contains("gong_export_last_success_timestamp_seconds{job=\"nightly\"} 5\n"), "{text}");
        ending.file_stem = "a\"b\\c\nd";
        let text = render(&ending, None);
        assert!(text.contains("gong_export_last_run_exit_code{job=\"a\\\"b\\\\c\\nd\"} 2\n"), "{text}");
    }
}
