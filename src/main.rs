//! The `gong-export` binary. All it does is in the library's `cli` module.

use std::process::ExitCode;

fn main() -> ExitCode {
    gong_export::cli::main()
}
