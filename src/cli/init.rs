//! `gong-export init`.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};

use super::args::InitArgs;
use super::error::Failure;
use super::exit_code::Exit;
use super::output::Printer;
use crate::spec;

pub(super) fn init(args: &InitArgs, printer: Printer) -> Result<Exit, Failure> {
    let path = &args.path;
    let written = if args.force {
        fs::write(path, spec::STARTER)
    } else {
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .and_then(|mut file| file.write_all(spec::STARTER.as_bytes()))
    };
    match written {
        Ok(()) => {
            if printer.is_json() {
                printer.json(&serde_json::json!({ "path": path }));
            } else {
                let path = path.display();
                printer.result(&format!("wrote {path}; edit it, then: gong-export check {path}\n"));
            }
            Ok(Exit::Done)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(Failure::new(Exit::Usage, format!("{} is there already", path.display()))
                .hint("name another file, or replace it with --force"))
        }
        Err(error) => Err(Failure::of(Exit::Failed, &format!("cannot write {}", path.display()), &error)),
    }
}
