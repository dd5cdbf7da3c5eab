//! What the exit codes mean. Documented in `--help`; schedulers rely on them.

use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exit {
    Done,
    Failed,
    /// The command line or the job spec.
    Usage,
    Credentials,
    /// `verify` found something.
    Findings,
    /// Another run works at the destination.
    Held,
    /// The code that a run record carries.
    Run(u8),
}

impl Exit {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Credentials => 3,
            Self::Findings => 6,
            Self::Held => 7,
            Self::Run(code) => code,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
