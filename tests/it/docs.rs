//! Nothing that is written for users may rot: commands in the README run, jobs plan, samples are what
//! the simulator gives today, the schema is the one of this version.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::command::{NOW, Running, Sandbox};
use crate::support::export::{Export, assert_same};
use crate::support::python;
use crate::support::repository;
use crate::support::s3::Server;
use crate::support::simulator::Simulator;

/// Copies a folder of the repository into the sandbox.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn jobs(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let mut jobs: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|end| end == "yaml")).collect();
    jobs.sort();
    jobs
}

/// The variables that example jobs take from the environment: an account and a bucket, both of which
/// are there.
fn environment(simulator: &Simulator, store: &Server) -> Vec<(&'static str, String)> {
    let bucket = store.bucket();
    vec![
        ("GONG_BASE_URL", simulator.url()),
        ("GONG_ACCESS_KEY", "simulator".to_owned()),
        ("GONG_ACCESS_KEY_SECRET", "simulator-secret".to_owned()),
        ("GONG_CLIENT_ID", "simulator".to_owned()),
        ("GONG_CLIENT_SECRET", "simulator-secret".to_owned()),
        ("EXPORT_BUCKET", bucket.name.clone()),
        ("AWS_ENDPOINT_URL", bucket.endpoint.clone()),
        ("AWS_ACCESS_KEY_ID", bucket.access_key.clone()),
        ("AWS_SECRET_ACCESS_KEY", bucket.secret.clone()),
    ]
}

#[test]
fn every_example_job_can_be_planned_and_checked() {
    let (simulator, store) = (Simulator::start(json!({})), Server::start());
    let sandbox = Sandbox::new();
    copy(&repository().join("jobs"), &sandbox.path().join("jobs"));
    let tokens = json!({ "refresh_token": "r", "access_token": "simulator-token", "api_base_url": simulator.url() });
    sandbox.write("jobs/gong-tokens.json", &tokens.to_string());
    let examples = jobs(&sandbox.path().join("jobs"));
    assert!(examples.len() >= 3, "{examples:?}");
    for example in examples {
        for verb in ["plan", "check"] {
            let mut command = sandbox.command([Path::new(verb), &example, Path::new("--now"), Path::new(NOW)]);
            command.envs(environment(&simulator, &store));
            Running::start(command).wait().expect(0);
        }
    }
}

#[test]
fn samples_are_what_the_simulator_gives_today() {
    const COMMAND: &str = "run samples/export.yaml --now 2026-03-04T12:00:00Z";
    let job = fs::read_to_string(repository().join("samples/export.yaml")).unwrap();
    assert!(job.contains(&format!("gong-export {COMMAND}")), "the job says how samples are made");

    let sandbox = Sandbox::new();
    sandbox.write("samples/export.yaml", &job);
    sandbox.run(COMMAND.split(' ')).expect(0);
    let committed = Export::read(&repository().join("samples/export"));
    assert_same(&Export::read(&sandbox.path().join("samples/export")), &committed);
}

#[test]
fn sample_answers_are_what_the_simulator_answers_today() {
    let switches = json!({ "seed": 11, "users": 6, "calls_per_day": 3, "requests_per_second": 0 });
    let config = serde_json::from_value(switches).unwrap();
    let simulator = Simulator::with(config, "2026-03-04T12:00:00Z".parse().unwrap());
    let folder = repository().join("samples/answers");
    let read = |name: &str| -> Value { serde_json::from_str(&fs::read_to_string(folder.join(name)).unwrap()).unwrap() };
    let requests = read("requests.json");
    let mut names = vec!["requests.json".to_owned()];
    for request in requests.as_array().unwrap() {
        let text = |field: &str| request[field].as_str().unwrap();
        let mut answer = simulator.ask(text("method"), text("path"), &request["body"], None);
        let mut expected = read(text("answer"));
        // What differs from request to request, as it does at Gong: the id, and the order of outcomes.
        answer["requestId"] = expected["requestId"].clone();
        for document in [&mut answer, &mut expected] {
            if let Some(outcomes) = document["outcomes"].as_array_mut() {
                outcomes.sort_by_key(|outcome| outcome["displayOrder"].as_u64());
            }
        }
        assert_eq!(answer, expected, "{}", text("answer"));
        names.push(text("answer").to_owned());
    }
    let mut found: Vec<String> =
        fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    found.sort();
    assert_eq!(found, names, "each answer has its request");
}

#[test]
fn the_committed_schema_is_the_one_that_is_printed() {
    let printed: Value = Sandbox::new().run(["schema", "job"]).expect(0).json();
    let path = repository().join("samples/job.schema.json");
    let committed: Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    assert_eq!(printed, committed, "run: gong-export schema job > {}", path.display());
}

#[test]
fn every_key_of_the_example_jobs_is_in_the_schema() {
    let schema: Value = Sandbox::new().run(["schema", "job"]).expect(0).json();
    let properties = schema["properties"].as_object().unwrap();
    for key in ["version", "name", "source", "range", "users", "workspace", "datasets", "destination", "privacy"] {
        assert!(properties.contains_key(key), "{key}");
    }
}

/// All sources below a folder, with their text.
fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            found.extend(sources(&entry.path()));
        } else if entry.path().extension().is_some_and(|end| end == "rs") {
            found.push(fs::read_to_string(entry.path()).unwrap());
        }
    }
    found
}

#[test]
fn every_test_that_the_page_on_reliability_names_is_there() {
    let page = fs::read_to_string(repository().join("src/reliability.md")).unwrap();
    let sources: Vec<String> = ["src", "tests"].iter().flat_map(|folder| sources(&repository().join(folder))).collect();
    let named: Vec<&str> =
        page.split('`').skip(1).step_by(2).filter(|name| name.contains("::") && !name.ends_with('…')).collect();
    assert!(named.len() > 40, "{named:?}");
    for name in named {
        let function = format!("fn {}(", name.rsplit("::").next().unwrap());
        assert!(sources.iter().any(|text| text.contains(&function)), "no test {name}");
    }
}

/// The blocks of one language in the README.
fn readme_blocks(language: &str) -> Vec<String> {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let opening = format!("```{language}\n");
    readme.split(&opening).skip(1).filter_map(|block| Some(block.split_once("```")?.0.to_owned())).collect()
}

/// The shell commands of the README, continued lines joined.
fn readme_commands() -> Vec<String> {
    let lines = readme_blocks("sh").join("").replace("\\\n", " ");
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(ToOwned::to_owned).collect()
}

/// The repository as far as the README's commands need it, with a first export already made.
fn after_the_first_command() -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in ["jobs", "samples"] {
        copy(&repository().join(folder), &sandbox.path().join(folder));
    }
    sandbox.run(["run", "jobs/demo.yaml"]).expect(0);
    sandbox
}

#[test]
fn the_commands_of_the_readme_run_as_they_stand() {
    let commands = readme_commands();
    let first = "cargo run --release -- run jobs/demo.yaml";
    assert_eq!(commands.first().map(String::as_str), Some(first), "{commands:?}");

    // What that one does is done by the program that is built already.
    let (simulator, store) = (Simulator::start(json!({})), Server::start());
    let sandbox = after_the_first_command();
    let bin = sandbox.path().join("bin");
    fs::create_dir_all(&bin).unwrap();
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_gong-export"), bin.join("gong-export")).unwrap();
    for command in &commands[1..] {
        // `cargo test` is what runs this.
        if command.starts_with("cargo ") {
            continue;
        }
        let output = std::process::Command::new("sh")
            .args(["-e", "-c", command])
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display()))
            .env("HOME", sandbox.path())
            .envs(environment(&simulator, &store))
            .current_dir(sandbox.path())
            .stdin(std::process::Stdio::null())
            .output()
            .unwrap();
        assert!(output.status.success(), "`{command}`: {output:?}");
    }
}

#[test]
fn the_queries_of_the_readme_find_something() {
    let queries = readme_blocks("sql");
    assert!(queries.len() >= 3, "{queries:?}");
    let sandbox = after_the_first_command();
    let views = sandbox.run(["sql", "jobs/demo.yaml", "--dialect", "duckdb"]).expect(0).stdout;
    let code = |block: &String| {
        block.lines().map(|line| line.split("--").next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
    };
    let queries: Vec<String> = queries.iter().map(code).collect();
    for query in queries.iter().flat_map(|block| block.split(';')).filter(|query| !query.trim().is_empty()) {
        let views = if query.contains("read_parquet") { "" } else { &views };
        let rows = python::duckdb(&format!("SET file_search_path = '{}';\n{views}\n{query}", sandbox.path().display()));
        assert!(!rows.is_empty(), "nothing found by {query}");
    }
}

#[test]
fn the_jobs_of_the_readme_can_be_planned() {
    let jobs = readme_blocks("yaml");
    assert!(!jobs.is_empty());
    for job in jobs {
        let sandbox = Sandbox::new();
        sandbox.write("job.yaml", &job);
        let mut command = sandbox.command(["plan", "job.yaml", "--now", NOW]);
        command.envs([("GONG_ACCESS_KEY", "key"), ("GONG_ACCESS_KEY_SECRET", "secret")]);
        command.env("EXPORT_PSEUDONYM_KEY", "0123456789abcdef0123456789abcdef");
        Running::start(command).wait().expect(0);
    }
}

#[test]
fn files_that_the_readme_links_to_are_there() {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(link, _)| link) {
        if !link.contains("://") && !link.starts_with('#') {
            assert!(repository().join(link).exists(), "README.md links to {link}");
        }
    }
}
