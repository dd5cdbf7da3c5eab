//! What the tests stand on. Knows nothing of single tests.

pub(crate) mod command;
pub(crate) mod engines;
pub(crate) mod export;
pub(crate) mod gateway;
pub(crate) mod http;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(crate) mod interpose;
pub(crate) mod moto;
pub(crate) mod oracle;
pub(crate) mod postgres;
pub(crate) mod python;
pub(crate) mod reader;
pub(crate) mod s3;
pub(crate) mod simulator;

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use tokio::runtime::Runtime;

/// The root of the repository.
pub(crate) fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder that cargo builds into, wherever it was told to.
pub(crate) fn target_dir() -> PathBuf {
    let scratch = Path::new(env!("CARGO_TARGET_TMPDIR"));
    scratch.parent().unwrap_or(scratch).to_owned()
}

/// Says, past the capturing of test output, that something was not tested. In CI nothing is skipped.
pub(crate) fn skipped(what: &str) {
    use std::io::Write;
    assert!(std::env::var_os("CI").is_none(), "in CI nothing is skipped: {what}");
    let _ = writeln!(std::io::stderr(), "\n*** SKIPPED: {what}\n");
}

/// Where servers inside the test process run. Tests themselves are plain threads that block.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        // The clients in the tree leave open which library does TLS; a second start changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime starts")
    })
}
