//! A Postgres cluster of a test's own, in a temporary folder, reached through a socket there.

use std::env;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use super::python::{self, Row};

/// Who the server runs as where the tests run as root, which it refuses: nobody, by the number that
/// it has everywhere.
const NOBODY: u32 = 65_534;

#[derive(Debug)]
pub(crate) struct Cluster {
    dir: TempDir,
    programs: PathBuf,
    is_root: bool,
}

impl Cluster {
    /// `None` where Postgres is not installed.
    pub(crate) fn start() -> Option<Self> {
        let programs = programs()?;
        let dir = tempfile::tempdir().expect("a temporary folder");
        let is_root = dir.path().metadata().expect("it is there").uid() == 0;
        if is_root {
            chown(dir.path(), Some(NOBODY), Some(NOBODY)).expect("root may");
        }
        let cluster = Self { dir, programs, is_root };
        cluster.server("initdb", &["-A", "trust", "-U", "tester", "-E", "UTF8", "--locale=C", "--no-sync"]);
        let options = format!("-c listen_addresses='' -c fsync=off -k {}", cluster.dir.path().display());
        cluster.server("pg_ctl", &["-w", "-l", cluster.dir.path().join("log").to_str()?, "-o", &options, "start"]);
        Some(cluster)
    }

    fn server(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(self.programs.join(program));
        command.arg("-D").arg(self.dir.path().join("data")).args(arguments).current_dir(self.dir.path());
        if self.is_root {
            command.uid(NOBODY).gid(NOBODY);
        }
        // The server would keep a pipe open for ever.
        let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.expect("it is there").success(), "{program} {arguments:?} failed");
    }

    /// psql on a script, with DuckDB's program on the path.
    pub(crate) fn psql(&self, script: &Path) -> Output {
        self.client().arg("-f").arg(script).output().expect("psql is there")
    }

    /// Runs a script that has to succeed.
    #[track_caller]
    pub(crate) fn execute(&self, script: &Path) {
        let output = self.psql(script);
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    }

    /// The rows of a query.
    #[track_caller]
    pub(crate) fn query(&self, sql: &str) -> Vec<Row> {
        let wrapped = format!("SELECT coalesce(json_agg(q), '[]') FROM ({sql}) q");
        let output = self.client().args(["-A", "-t", "-c", &wrapped]).output().expect("psql is there");
        assert!(output.status.success(), "{sql}: {output:?}");
        let rows: Value = serde_json::from_slice(&output.stdout).expect("Postgres writes JSON");
        serde_json::from_value(rows).expect("rows are objects")
    }

    /// Runs a statement.
    #[track_caller]
    pub(crate) fn run(&self, sql: &str) {
        let output = self.client().args(["-c", sql]).output().expect("psql is there");
        assert!(output.status.success(), "{sql}: {output:?}");
    }

    fn client(&self) -> Command {
        let python = python::engines_command();
        let path = env::var_os("PATH").unwrap_or_default();
        let paths = [python::engine_programs(), self.programs.clone()].into_iter().chain(env::split_paths(&path));
        let mut command = Command::new(self.programs.join("psql"));
        command.envs(python.get_envs().filter_map(|(name, value)| Some((name, value?))));
        command
            .args(["-X", "-q", "-h"])
            .arg(self.dir.path())
            .args(["-U", "tester", "-d", "postgres"])
            .env("PATH", env::join_paths(paths).expect("no path has a colon"))
            .env("PGTZ", "UTC")
            .stdin(Stdio::null());
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.server("pg_ctl", &["-m", "immediate", "-w", "stop"]);
    }
}

/// Where the server's programs are: on the path, or where Debian has them.
fn programs() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = debian.map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    let folders = env::split_paths(&path).chain(versions.into_iter().rev());
    let all = ["initdb", "pg_ctl", "psql"];
    folders.into_iter().find(|folder| all.iter().all(|program| folder.join(program).exists()))
}
