//! The built binary, run in a folder of its own with a clean environment: what the person at the
//! machine has set up reaches no test, and no test reaches another.

use std::ffi::OsStr;
use std::fmt;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

/// The instant that tests count from, so that none depends on the clock.
pub(crate) const NOW: &str = "2026-03-20T12:00:00Z";

/// No command of any test takes so long; one that does hangs.
pub(crate) const TIME_LIMIT: Duration = Duration::from_secs(180);

/// A folder for one test: home, working directory, jobs and exports.
#[derive(Debug)]
pub(crate) struct Sandbox {
    dir: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary folder") }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Where jobs write unless they say otherwise.
    pub(crate) fn export(&self) -> PathBuf {
        self.path().join("export")
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("a folder can be created");
        std::fs::write(&path, text).expect("a file can be written");
        path
    }

    /// Writes `job.yaml`. JSON is YAML, and easier to build.
    pub(crate) fn job(&self, job: &Value) -> PathBuf {
        self.write("job.yaml", &format!("{job:#}\n"))
    }

    /// A command that has not been started yet.
    pub(crate) fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gong-export"));
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.path())
            .env("RUST_BACKTRACE", "1")
            .current_dir(self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs a command to its end.
    pub(crate) fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Finished {
        Running::start(self.command(arguments)).wait()
    }

    /// Writes the job and runs it as of [`NOW`], the result as JSON.
    pub(crate) fn export_job(&self, job: &Value) -> Finished {
        self.export_job_at(job, NOW, &[])
    }

    /// The same as of another instant, with more arguments.
    pub(crate) fn export_job_at(&self, job: &Value, now: &str, more: &[&str]) -> Finished {
        self.job(job);
        self.run([&["run", "job.yaml", "--output", "json", "--now", now], more].concat())
    }
}

/// A job with all five datasets of four days, to be changed as the test wants.
pub(crate) fn job(source: &Value) -> Value {
    json!({
        "version": 1,
        "name": "test",
        "source": source,
        "range": { "from": "2026-03-02", "to": "2026-03-06" },
        "datasets": ["calls", "parties", "users", "transcripts", "activity_stats"],
        "destination": { "url": "./export" },
    })
}

/// A source that the command simulates by itself: a small company as of [`NOW`], without limits.
pub(crate) fn simulated(switches: Value) -> Value {
    let mut simulator =
        json!({ "users": 12, "calls_per_day": 30, "sentences_per_call": 12, "requests_per_second": 0, "now": NOW });
    let Value::Object(switches) = switches else { panic!("switches are an object") };
    simulator.as_object_mut().expect("an object").extend(switches);
    json!({ "simulator": simulator, "requests_per_second": 100 })
}

/// A command under way.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    shown: String,
    stdout: JoinHandle<Vec<u8>>,
    stderr: JoinHandle<Vec<u8>>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let shown = format!("{command:?}");
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{shown}: {error}"));
        let stdout = drain(child.stdout.take().expect("stdout is piped"));
        let stderr = drain(child.stderr.take().expect("stderr is piped"));
        Self { child, shown, stdout, stderr }
    }

    /// Whether it has ended by itself.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_some()
    }

    /// The most memory that it had so far, in MB; 0 when it has ended. Linux tells.
    #[cfg(target_os = "linux")]
    pub(crate) fn peak_memory_mb(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = peak.and_then(|text| text.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kilobytes.unwrap_or_default() >> 10
    }

    /// Ends it at once, whatever it is doing.
    pub(crate) fn kill(mut self) -> Finished {
        let _ = self.child.kill();
        self.wait()
    }

    /// Sends a signal by its name, such as `TERM`. The shell's own `kill` is everywhere.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -s {name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().expect("sh starts").success(), "{kill}");
    }

    pub(crate) fn wait(self) -> Finished {
        self.wait_at_most(TIME_LIMIT)
    }

    pub(crate) fn wait_at_most(mut self, limit: Duration) -> Finished {
        let begin = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("a child can be waited for") {
                break Some(status);
            }
            if begin.elapsed() > limit {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break None;
            }
            std::thread::park_timeout(Duration::from_millis(5));
        };
        let text = |bytes: JoinHandle<Vec<u8>>| String::from_utf8(bytes.join().unwrap()).expect("output is UTF-8");
        let (stdout, stderr) = (text(self.stdout), text(self.stderr));
        let Some(status) = status else {
            panic!("{} did not end within {limit:?}\n{stdout}\n{stderr}", self.shown);
        };
        Finished { status, stdout, stderr, shown: self.shown }
    }
}

fn drain(mut from: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        from.read_to_end(&mut bytes).expect("a pipe can be read");
        bytes
    })
}

/// A command that has ended.
pub(crate) struct Finished {
    status: ExitStatus,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    shown: String,
}

impl Finished {
    pub(crate) fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// Fails the test, with all output, unless the command ended with this code.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert!(self.status.code() == Some(code), "expected exit code {code}\n{self}");
        self
    }

    /// All that it said.
    pub(crate) fn said(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }

    /// The one JSON document on standard output.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("no JSON document: {error}\n{self}"))
    }

    /// Both streams and the exit code, with all that differs between runs and machines replaced.
    pub(crate) fn shown(&self, sandbox: &Sandbox) -> String {
        let mut text =
            format!("exit code: {}\n", self.status.code().map_or("none".to_owned(), |code| code.to_string()));
        for (name, stream) in [("stdout", &self.stdout), ("stderr", &self.stderr)] {
            if !stream.is_empty() {
                text.push_str(&format!("----- {name} -----\n{stream}"));
            }
        }
        redact(&text, sandbox)
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, stdout, stderr, shown } = self;
        let signal = status.signal().map_or_else(String::new, |signal| format!(" (signal {signal})"));
        write!(f, "{shown}\nended with {status}{signal}\n----- stdout -----\n{stdout}\n----- stderr -----\n{stderr}")
    }
}

impl fmt::Debug for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Replaces paths, ports, instants of today, durations, sizes and run ids by their names.
pub(crate) fn redact(text: &str, sandbox: &Sandbox) -> String {
    let mut text = text.replace(&sandbox.path().to_string_lossy().into_owned(), "[DIR]");
    for (pattern, name) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[PORT]"),
        (r"\b\d{8}T\d{6}Z?-[0-9a-z]+\b", "[RUN]"),
        // With the spaces before it, which line up columns.
        (r" *\b\d+(\.\d)? (B|kB|MB|GB)\b", " [SIZE]"),
        (r"\b(\d+ h )?(\d+ min )?\d+(\.\d)? s\b", "[TIME]"),
        (r"\b(\d+(\.\d+)?)(ms|µs)\b", "[TIME]"),
        (r"\bseconds=[\d.]+", "seconds=[TIME]"),
        (r"\bgong-export \d+\.\d+\.\d+\b", "gong-export [VERSION]"),
    ] {
        text = regex::Regex::new(pattern).expect("a pattern").replace_all(&text, name).into_owned();
    }
    text
}
