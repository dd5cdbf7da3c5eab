//! Python with the packages of `tests/requirements.txt`, prepared once for a target folder: the
//! readers that are not ours. The engines of `tests/requirements-engines.txt`, which are large, have
//! an environment of their own, so that only the tests of SQL wait for them.
//!
//! An environment stands in `target/test-python/<hash of the requirements>`. Parallel test
//! processes wait for the one that prepares it; one that was killed on the way left no mark of
//! completion, and the next begins anew.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::target_dir;

const REQUIREMENTS: &str = include_str!("../../requirements.txt");
const ENGINES: &str = include_str!("../../requirements-engines.txt");
const READERS: &str = include_str!("readers.py");

/// The oldest Python that all packages have wheels for.
const OLDEST: [u32; 2] = [3, 11];

/// A row as a reader that is not ours saw it: instants as text in UTC with microseconds.
pub(crate) type Row = Map<String, Value>;

/// How to start Python so that it finds the packages.
#[derive(Debug)]
struct Environment {
    interpreter: PathBuf,
    /// The folder with the packages, where it is not the interpreter's own.
    packages: Option<PathBuf>,
}

/// A command that runs Python with the packages.
pub(crate) fn command() -> Command {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| prepare(REQUIREMENTS).unwrap_or_else(|problem| panic!("{problem}"))).command()
}

fn engines() -> &'static Environment {
    static ENVIRONMENT: OnceLock<Environment> = OnceLock::new();
    ENVIRONMENT.get_or_init(|| prepare(ENGINES).unwrap_or_else(|problem| panic!("{problem}")))
}

/// A command that runs Python with the engines.
pub(crate) fn engines_command() -> Command {
    engines().command()
}

/// The folder of the engines' own programs: DuckDB's command line. They need the variable
/// `PYTHONPATH` as [`engines_command`] has it.
pub(crate) fn engine_programs() -> PathBuf {
    match &engines().packages {
        Some(packages) => packages.join("bin"),
        None => engines().interpreter.parent().expect("an interpreter is in a folder").to_owned(),
    }
}

impl Environment {
    fn command(&self) -> Command {
        let mut command = Command::new(&self.interpreter);
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        // What the person at the machine has set up for clouds must not reach the tests.
        for name in
            ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"]
        {
            command.env_remove(name);
        }
        command
    }
}

/// Runs a script with a JSON document on standard input and returns the one it prints.
pub(crate) fn call(script: &str, input: &Value) -> Value {
    call_by(command(), script, input)
}

/// The same in an interpreter of the caller's choice.
pub(crate) fn call_by(mut python: Command, script: &str, input: &Value) -> Value {
    let mut child = python
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    child
        .stdin
        .take()
        .expect("stdin is piped")
        .write_all(input.to_string().as_bytes())
        .expect("python reads its input");
    let output = child.wait_with_output().expect("python ends");
    assert!(output.status.success(), "python failed on {input}:\n{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("the script prints one JSON document")
}

fn rows(answer: Value) -> Vec<Row> {
    serde_json::from_value(answer).expect("readers print a list of objects")
}

/// The rows that DuckDB answers with.
pub(crate) fn duckdb(sql: &str) -> Vec<Row> {
    rows(call(READERS, &json!({ "reader": "duckdb", "sql": sql })))
}

/// The rows that DuckDB answers with when it reads `s3://` itself.
pub(crate) fn duckdb_s3(sql: &str, endpoint: &str, access_key: &str, secret: &str) -> Vec<Row> {
    let s3 = json!({ "endpoint": endpoint, "access_key": access_key, "secret": secret });
    rows(call(READERS, &json!({ "reader": "duckdb", "sql": sql, "s3": s3 })))
}

/// All rows of one dataset's folder as pyarrow reads it, partition columns included (as text).
pub(crate) fn pyarrow_rows(dataset: &Path) -> Vec<Row> {
    rows(call(READERS, &json!({ "reader": "pyarrow", "path": dataset })))
}

/// What pyarrow finds in the metadata of one file; see `readers.py` for its shape.
pub(crate) fn parquet_metadata(files: &[PathBuf]) -> Vec<Row> {
    rows(call(READERS, &json!({ "reader": "metadata", "files": files })))
}

fn prepare(requirements: &str) -> Result<Environment, String> {
    let version = python3(&["-c", "import sys; print(*sys.version_info[:2])"])?;
    let found: Vec<u32> = version.split_whitespace().filter_map(|number| number.parse().ok()).collect();
    if found[..] < OLDEST[..] {
        return Err(format!(
            "the tests need Python {}.{} or newer, `python3` is {}",
            OLDEST[0],
            OLDEST[1],
            version.trim().replace(' ', ".")
        ));
    }

    let mut hasher = DefaultHasher::new();
    (requirements, &version).hash(&mut hasher);
    let name = format!("{:016x}", hasher.finish());
    let root = target_dir().join("test-python");
    fs::create_dir_all(&root).map_err(|error| format!("could not create {}: {error}", root.display()))?;
    let dir = root.join(&name);

    let lock =
        File::create(root.join(format!("{name}.lock"))).map_err(|error| format!("{}: {error}", root.display()))?;
    lock.lock().map_err(|error| format!("could not lock {}: {error}", root.display()))?;
    let ready = dir.join("ready");
    if !ready.exists() {
        if dir.exists() {
            fs::remove_dir_all(&dir).map_err(|error| format!("could not remove {}: {error}", dir.display()))?;
        }
        install(&dir, requirements)?;
        fs::write(&ready, "").map_err(|error| format!("{}: {error}", ready.display()))?;
    }
    Ok(environment(&dir))
}

fn environment(dir: &Path) -> Environment {
    let own = dir.join("venv/bin/python");
    if own.exists() {
        return Environment { interpreter: own, packages: None };
    }
    Environment { interpreter: "python3".into(), packages: Some(dir.join("packages")) }
}

/// Installs the packages into a virtual environment, or beside one where Python came without the
/// means to make one (Debian's does unless `python3-venv` is installed).
fn install(dir: &Path, packages: &str) -> Result<(), String> {
    let path = |name: &str| dir.join(name).to_string_lossy().into_owned();
    fs::create_dir_all(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let requirements = path("requirements.txt");
    fs::write(&requirements, packages).map_err(|error| format!("{requirements}: {error}"))?;

    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary", ":all:", "-r"];
    match python3(&["-m", "venv", &path("venv")]) {
        Ok(_) => run(&path("venv/bin/python"), &[&pip[..], &[requirements.as_str()]].concat())?,
        Err(no_venv) => {
            let _ = fs::remove_dir_all(path("venv"));
            let target = path("packages");
            python3(&[&pip[..], &[&requirements, "--target", &target]].concat()).map_err(|no_pip| {
                format!("{no_pip}\nand before that: {no_venv}\non Debian and Ubuntu: apt-get install python3-venv")
            })?
        }
    };
    Ok(())
}

fn python3(arguments: &[&str]) -> Result<String, String> {
    run("python3", arguments)
}

fn run(program: &str, arguments: &[&str]) -> Result<String, String> {
    let shown = format!("{program} {}", arguments.join(" "));
    let Output { status, stdout, stderr } = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("the tests need Python and PyPI, but `{shown}` did not start: {error}"))?;
    if status.success() {
        return Ok(String::from_utf8_lossy(&stdout).into_owned());
    }
    Err(format!(
        "the tests need Python and PyPI, but `{shown}` failed ({status}):\n{}{}",
        String::from_utf8_lossy(&stdout),
        String::from_utf8_lossy(&stderr)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duckdb_and_pyarrow_read_what_duckdb_wrote() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tiny.parquet");
        let rows = duckdb(&format!(
            "COPY (SELECT '12345678901234567890' AS id, TIMESTAMPTZ '2026-03-01 23:59:59.999Z' AS at, 1.0::DOUBLE AS x,
                          NULL::BIGINT AS n, TRUE AS yes) TO '{}' (FORMAT parquet);
             SELECT * FROM '{}'",
            file.display(),
            file.display()
        ));
        let expected = json!([{
            "id": "12345678901234567890", "at": "2026-03-01T23:59:59.999000Z", "x": 1.0, "n": null, "yes": true,
        }]);
        assert_eq!(json!(rows), expected);
        assert_eq!(json!(pyarrow_rows(dir.path())), expected);
        assert_eq!(parquet_metadata(&[file])[0]["num_rows"], 1);
    }

    #[test]
    fn a_failing_script_fails_the_test() {
        let panic = std::panic::catch_unwind(|| duckdb("SELECT * FROM nowhere")).unwrap_err();
        let text = panic.downcast_ref::<String>().unwrap();
        assert!(text.contains("Table with name nowhere does not exist"), "{text}");
    }
}
