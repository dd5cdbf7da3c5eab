//! The engines that `gong-export sql` writes for, as far as they can be had.

use std::process::{Command, Stdio};

use serde::Deserialize;
use serde_json::{Value, json};

use super::python::{self, Row};

const ENGINES: &str = include_str!("engines.py");

/// What an engine answered to the steps that ask.
#[derive(Debug, Deserialize)]
pub(crate) struct Answers {
    pub(crate) version: String,
    pub(crate) answers: Vec<Value>,
}

/// What a parser found in a script.
#[derive(Debug, Deserialize)]
pub(crate) struct Parsed {
    pub(crate) version: String,
    /// The kinds of its statements, in order.
    pub(crate) kinds: Vec<String>,
    /// The statements, or parts of them, that it took as they are without understanding them.
    pub(crate) opaque: Vec<String>,
}

impl Answers {
    /// The rows that one of the queries gave.
    #[track_caller]
    pub(crate) fn rows(&self, number: usize) -> Vec<Row> {
        serde_json::from_value(self.answers[number].clone()).expect("a query answers with rows")
    }
}

/// Runs the steps on `spark` or `clickhouse`; see `engines.py` for their shapes.
pub(crate) fn execute(engine: &str, steps: &[Value]) -> Answers {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let request = json!({ "engine": engine, "folder": folder.path(), "steps": steps });
    let answer = python::call_by(python::engines_command(), ENGINES, &request);
    serde_json::from_value(answer).expect("the script answers so")
}

/// Has sqlglot parse a script.
pub(crate) fn parse(dialect: &str, script: &str) -> Parsed {
    let request = json!({ "dialect": dialect, "script": script });
    let answer = python::call_by(python::engines_command(), ENGINES, &request);
    serde_json::from_value(answer).expect("the script answers so")
}

/// Whether Spark can start.
pub(crate) fn has_java() -> bool {
    let java = Command::new("java").arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    java.is_ok_and(|status| status.success())
}
