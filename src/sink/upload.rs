//! One file on its way to the destination, as a blocking [`std::io::Write`]. Nothing is visible
//! until [`Upload::commit`]; dropped before, it leaves nothing behind.

use std::io::{self, Write};

use super::error::Error;
use super::local::TemporaryFile;
use super::multipart::ObjectUpload;

/// A file being written to a [`super::Store`].
///
/// Blocks, and waits for tasks of the runtime: to be used from threads of its own or from
/// `spawn_blocking`, never from an async task.
#[derive(Debug)]
pub struct Upload {
    key: String,
    way: Way,
}

#[derive(Debug)]
enum Way {
    Local(TemporaryFile),
    Object(ObjectUpload),
}

impl Upload {
    pub(super) fn local(key: String, file: TemporaryFile) -> Self {
        Self { key, way: Way::Local(file) }
    }

    pub(super) fn object(key: String, upload: ObjectUpload) -> Self {
        Self { key, way: Way::Object(upload) }
    }

    /// Makes the file visible under its key, whole, in place of one that may be there; its size in
    /// bytes. Durable when this returns.
    pub fn commit(self) -> Result<u64, Error> {
        match self.way {
            Way::Local(file) => file.commit(&self.key),
            Way::Object(upload) => upload.commit(),
        }
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.way {
            Way::Local(file) => file.write(bytes),
            Way::Object(upload) => upload.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.way {
            Way::Local(file) => file.flush(),
            Way::Object(upload) => upload.flush(),
        }
    }
}
