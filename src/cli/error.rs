//! A command's failure as a person reads it: what failed, why, what to do.

use std::error::Error as StdError;
use std::fmt;

use super::exit_code::Exit;
use crate::gong;
use crate::sink;
use crate::spec;
use crate::sql;

/// What ends a command. Its text is made where the failure is known best.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// Several lines for job specs, else one.
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: None }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A failure to do `what`, with the error's causes.
    pub(super) fn of(exit: Exit, what: &str, error: &dyn StdError) -> Self {
        Self::new(exit, format!("{what}: {}", Chain(error)))
    }
}

impl From<spec::Problems> for Failure {
    fn from(problems: spec::Problems) -> Self {
        // Its text names the place, the mistake and the remedy of each problem.
        Self::new(Exit::Usage, problems.to_string())
    }
}

impl From<gong::Error> for Failure {
    fn from(error: gong::Error) -> Self {
        let exit = match error.kind() {
            gong::ErrorKind::Credentials => Exit::Credentials,
            gong::ErrorKind::Budget => Exit::Run(5),
            _ => Exit::Failed,
        };
        let failure = Self::new(exit, Chain(&error).to_string());
        if let gong::Error::OAuth(error) = error {
            return failure.hint(error.remedy());
        }
        match exit {
            Exit::Credentials => failure.hint("check the base URL first, then the key and its scopes"),
            _ => failure,
        }
    }
}

impl From<sink::Error> for Failure {
    fn from(error: sink::Error) -> Self {
        let exit = match error.kind() {
            sink::ErrorKind::InvalidUrl | sink::ErrorKind::InvalidOption => Exit::Usage,
            _ => Exit::Failed,
        };
        let failure = Self::new(exit, Chain(&error).to_string());
        match error.kind() {
            sink::ErrorKind::StorageFull => failure.hint("free some space there; finished partitions are kept"),
            sink::ErrorKind::PermissionDenied => {
                failure.hint("let this user or these credentials write there, or choose another destination")
            }
            sink::ErrorKind::Unavailable => failure.hint("try again later; finished partitions are kept"),
            // A local disk's own errors, which have no kind: nothing else can be done about them.
            sink::ErrorKind::Other if matches!(error, sink::Error::Local { .. }) => {
                failure.hint("check the disk and the path; finished partitions are kept")
            }
            _ => failure,
        }
    }
}

impl From<sql::Error> for Failure {
    fn from(error: sql::Error) -> Self {
        let hint = match error {
            sql::Error::Place { .. } => "--files-at names another place, where a copy of the files is",
            sql::Error::Account { .. } => "set account_name in destination.options, or AZURE_STORAGE_ACCOUNT_NAME",
        };
        Self::new(Exit::Usage, error.to_string()).hint(hint)
    }
}

/// An error with its causes, each once, on one line.
pub(super) struct Chain<'a>(pub(super) &'a dyn StdError);

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::engine::error_chain(self.0))
    }
}
