//! The process's surroundings: clock, variables, credentials file, signals. The only reader of them.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;

use super::error::Failure;
use super::exit_code::Exit;

/// The wall clock.
#[expect(clippy::disallowed_methods, reason = "the command line is where the clock is read")]
pub(super) fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A variable that is set to text; an empty one counts as not set.
#[expect(clippy::disallowed_methods, reason = "the command line is where the environment is read")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What `~/.config/gong/credentials.json` holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CredentialsFile {
    pub(super) base_url: Option<String>,
    pub(super) access_key: Option<String>,
    pub(super) secret_key: Option<SecretString>,
}

/// Reads the credentials file; `None` when there is none. Others being able to read it is a warning,
/// returned beside it.
pub(super) fn credentials_file() -> Result<Option<(CredentialsFile, Option<String>)>, Failure> {
    let Some(path) = credentials_path() else {
        return Ok(None);
    };
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            return Err(Failure::of(Exit::Credentials, &format!("cannot read {}", path.display()), &error));
        }
    };
    // serde's message could quote the text, and with it the secret.
    let file = serde_json::from_slice(&text).map_err(|error| {
        Failure::new(
            Exit::Credentials,
            format!("{} is not understood, line {} column {}", path.display(), error.line(), error.column()),
        )
        .hint(r#"it should read {"base_url": "…", "access_key": "…", "secret_key": "…"}"#)
    })?;
    Ok(Some((file, readable_by_others(&path))))
}

fn credentials_path() -> Option<PathBuf> {
    variable("HOME").map(|home| Path::new(&home).join(".config/gong/credentials.json"))
}

/// What to tell about a file with secrets that others can read.
#[cfg(unix)]
pub(super) fn readable_by_others(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    (mode & 0o077 != 0)
        .then(|| format!("others can read {}; `chmod 600 {}` keeps them out", path.display(), path.display()))
}

#[cfg(not(unix))]
pub(super) fn readable_by_others(_: &Path) -> Option<String> {
    None
}

/// The signal that asked the run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Interrupt,
    Terminate,
}

impl Signal {
    /// The code that shells expect after it.
    pub(super) fn exit_code(self) -> u8 {
        match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        }
    }
}

/// `timeout` and some supervisors send a signal to the process and to its group: that is one wish,
/// not two.
const ECHO: Duration = Duration::from_secs(1);

/// Cancels `cancel` at the first SIGINT, SIGTERM or SIGHUP; the next one that is no [`ECHO`] ends the
/// process at once. The first one can be read from the receiver.
pub(super) fn stop_on_signal(cancel: CancellationToken) -> io::Result<tokio::sync::watch::Receiver<Option<Signal>>> {
    let (told, heard) = tokio::sync::watch::channel(None);
    let mut signals = Signals::new()?;
    tokio::spawn(async move {
        let first = signals.next().await;
        tracing::warn!(event = "stopping", "stopping at a safe point; the same signal again stops at once");
        let _ = told.send(Some(first));
        cancel.cancel();
        tokio::time::sleep(ECHO).await;
        // Listening anew forgets what came meanwhile.
        let Ok(mut signals) = Signals::new() else { return };
        let second = signals.next().await;
        std::process::exit(i32::from(second.exit_code()));
    });
    Ok(heard)
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Signal {
        tokio::select! {
            _ = self.interrupt.recv() => Signal::Interrupt,
            _ = self.terminate.recv() => Signal::Terminate,
            _ = self.hangup.recv() => Signal::Terminate,
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) -> Signal {
        // Without a handler Ctrl-C would end the process by itself.
        let _ = tokio::signal::ctrl_c().await;
        Signal::Interrupt
    }
}
