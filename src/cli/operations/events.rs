//! The names of log events. Searches and alerts are built on them, so they are an interface: the help
//! of `run` lists them, and a test compares the list with what the source says.

/// Every event that a run can log, with what it tells.
pub(in crate::cli) const EVENTS: [(&str, &str); 24] = [
    ("progress", "how far the run is, every few seconds"),
    ("leftovers_removed", "a killed run had left temporary files"),
    ("old_runs_removed", "run records beyond the last 400 and the last week"),
    ("request_retried", "a request failed and is sent again"),
    ("tokens_renewed", "an OAuth token was over; the new ones are stored"),
    ("listing_unsure", "a listing ended or went on in an odd way"),
    ("listing_restarted", "Gong refused a cursor; the listing is read anew"),
    ("listing_unordered", "Gong does not list calls oldest first; windows are sorted as a whole"),
    ("lease_taken_over", "the run before was killed; its lease is this run's now"),
    ("lease_weak", "the destination cannot keep two runs apart for sure"),
    ("lease_not_renewed", "the lease could not be renewed in time; the run goes on"),
    ("lease_lost", "another run took the destination; this one stops"),
    ("lease_kept", "the lease could not be given back; the next run takes it over"),
    ("record_rejected", "a record could not be decoded, and is kept aside"),
    ("rows_left_out", "rows about calls or users that the job leaves out, such as private calls"),
    ("warning", "something to look at that fails nothing"),
    ("unit_failed", "a work unit failed for good"),
    ("budget_spent", "the request budget is used up"),
    ("stopping", "a signal asked the run to stop"),
    ("file_committed", "a data file is visible"),
    ("failed", "the run could not begin or go on: why, and what to do"),
    ("metrics_failed", "the metrics file could not be written"),
    ("notify_failed", "the notification could not be delivered"),
    ("run_finished", "always the last: outcome, exit code and totals"),
];

/// The list for the help.
pub(in crate::cli) fn help() -> String {
    let mut text = "Log events (the field `event` of --log-format json):\n".to_owned();
    for (name, meaning) in EVENTS {
        text.push_str(&format!("  {name:<18} {meaning}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

    fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                sources(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }

    /// The names that log calls of the source give, found by how such a field is written.
    fn logged() -> BTreeSet<String> {
        let mut files = Vec::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
        let marker = format!("event = {}", '"');
        let mut names = BTreeSet::new();
        for file in files {
            let text = fs::read_to_string(file).unwrap();
            for part in text.split(&marker).skip(1) {
                names.extend(part.split('"').next().map(ToOwned::to_owned));
            }
        }
        names
    }

    #[test]
    fn the_list_is_what_the_source_logs() {
        let listed: BTreeSet<String> = EVENTS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(listed, logged());
        assert_eq!(listed.len(), EVENTS.len(), "a name stands twice");
    }

    /// Searches and alerts at our users' are built on these names: add to them, never rename one.
    #[test]
    fn no_name_is_lost() {
        let names = EVENTS.map(|(name, _)| name);
        for name in [
            "progress",
            "leftovers_removed",
            "request_retried",
            "listing_unsure",
            "listing_restarted",
            "record_rejected",
            "warning",
            "unit_failed",
            "budget_spent",
            "stopping",
            "file_committed",
            "failed",
            "metrics_failed",
            "notify_failed",
            "run_finished",
        ] {
            assert!(names.contains(&name), "{name} is an interface");
        }
    }
}
