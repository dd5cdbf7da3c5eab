//! Holds the directions of dependencies that `src/lib.rs` states, by the names that the source uses.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::support::repository;

/// A part of the crate, and the other parts that it may name.
const ALLOWED: [(&str, &[&str]); 11] = [
    ("calendar", &[]),
    // The simulator's switches are part of a job spec.
    ("spec", &["calendar", "sim::config"]),
    ("gong", &["calendar"]),
    ("dataset", &["calendar", "gong::model", "gong::endpoint", "gong::list"]),
    ("state", &["calendar"]),
    ("plan", &["calendar", "dataset", "gong::endpoint", "gong::list", "state"]),
    ("sql", &["calendar", "dataset"]),
    // How files are compressed is a setting of the job.
    ("sink", &["calendar", "dataset", "state", "spec"]),
    ("engine", &["calendar", "dataset", "gong", "plan", "sink", "spec", "state"]),
    ("sim", &["calendar"]),
    ("cli", &["calendar", "dataset", "engine", "gong", "plan", "sim", "sink", "spec", "sql", "state"]),
];

/// Parts that only compute: no files, no environment, no clock, no tasks.
const PURE: [&str; 9] = [
    "calendar",
    "dataset",
    "gong/model",
    "gong/rate_limit.rs",
    "gong/retry.rs",
    "plan",
    "sink/location.rs",
    "sql",
    "state",
];

const IMPURE: [&str; 12] = [
    "std::fs",
    "std::env",
    "std::net",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "SystemTime",
    "Utc::now",
    "tokio",
    "reqwest",
    "object_store",
    "println!",
];

/// The source files, by their path below `src`, without comments and without the tests inside.
fn sources() -> BTreeMap<String, String> {
    let root = repository().join("src");
    let mut found = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && !is_test_file(&path) {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.insert(name, code(&path));
            }
        }
    }
    assert!(found.len() > 50, "the source was not found");
    found
}

fn is_test_file(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name == "tests" || name == "testing" || name.ends_with("_tests")
}

fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The part that a file belongs to.
fn part(file: &str) -> &str {
    file.split(['/', '.']).next().unwrap_or_default()
}

/// What a file names after `crate::`, as deep as it goes: `gong::model::Call`. Braces are opened one
/// level, which is as deep as they are used there.
fn names(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        // `pub(in crate::…)` gives, it does not take.
        if code[..at].ends_with("in ") {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
        let path = rest[..end].trim_end_matches(':');
        // `use crate::sim;` alone says nothing yet; what follows `sim::` further down does.
        if !path.contains("::") && code[..at].ends_with("use ") && rest[end..].starts_with(';') {
            names.extend(uses_of(path, code));
            continue;
        }
        match rest[end..].strip_prefix('{').and_then(|group| group.split_once('}')) {
            Some((group, _)) => {
                for member in group.split(',').map(str::trim).filter(|member| !member.is_empty()) {
                    let joined = if path.is_empty() { member.to_owned() } else { format!("{path}::{member}") };
                    names.insert(joined);
                }
            }
            None => {
                names.insert(path.to_owned());
            }
        }
    }
    names
}

/// What a file that imports a part by its name takes from it.
fn uses_of(part: &str, code: &str) -> BTreeSet<String> {
    let qualifier = format!("{part}::");
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(&qualifier) {
        let is_whole_name = !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
        if is_whole_name {
            let rest = &code[at..];
            let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')).unwrap_or(rest.len());
            names.insert(rest[..end].trim_end_matches(':').to_owned());
        }
    }
    names
}

fn is_inside(name: &str, allowed: &str) -> bool {
    name.strip_prefix(allowed).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[test]
fn parts_name_only_what_they_may() {
    let mut problems = Vec::new();
    for (file, code) in sources() {
        let part = part(&file);
        if part == "lib" || part == "main" {
            continue;
        }
        let (_, allowed) =
            ALLOWED.iter().find(|(name, _)| *name == part).unwrap_or_else(|| panic!("{file}: a new part"));
        for name in names(&code) {
            let is_own = is_inside(&name, part);
            if !is_own && !allowed.iter().any(|allowed| is_inside(&name, allowed)) {
                problems.push(format!("src/{file} uses crate::{name}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn pure_parts_do_nothing_but_compute() {
    let sources = sources();
    let mut problems = Vec::new();
    for pure in PURE {
        let of_part =
            |file: &str| file == pure || file == format!("{pure}.rs") || file.starts_with(&format!("{pure}/"));
        let files: Vec<_> = sources.iter().filter(|(file, _)| of_part(file)).collect();
        assert!(!files.is_empty(), "src/{pure} is gone");
        for (file, code) in files {
            for word in IMPURE.iter().filter(|word| code.contains(**word)) {
                problems.push(format!("src/{file} uses {word}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn only_the_command_line_reads_the_clock_and_the_environment() {
    let mut problems = Vec::new();
    for (file, code) in sources() {
        if part(&file) == "cli" || part(&file) == "main" {
            continue;
        }
        for word in ["Utc::now", "Local::now", "SystemTime::now", "env::var", "println!", "print!("] {
            if code.contains(word) {
                problems.push(format!("src/{file} uses {word}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_reading_of_names_finds_them_all() {
    let code = "use crate::gong::{Page, model::Call};\nuse crate::sim;\ntype X = sim::config::Ids;\nfn f(x: crate::sim::config::Config) {}\npub(in crate::sim) fn g() {}";
    let expected = ["gong::Page", "gong::model::Call", "sim::config::Config", "sim::config::Ids"];
    assert_eq!(names(code), expected.map(ToOwned::to_owned).into());
}
