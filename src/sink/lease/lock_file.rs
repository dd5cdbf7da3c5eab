//! A lock of the operating system on a file. It ends with the process that holds it, however that
//! ends. The file itself says nothing.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::super::error::{Error, Operation};
use super::super::local::{Folder, private_file};
use super::super::location::{LEASE_LOCK_KEY, OWN_FOLDER};

/// How often the file is opened again after its last holder has removed it just then.
const ATTEMPTS: usize = 100;

/// The lock, held until this is dropped.
#[derive(Debug)]
pub(super) struct LockFile {
    path: PathBuf,
    removed_at_the_end: bool,
    /// The lock is given back when this is closed.
    _file: File,
}

/// What came of asking for the lock.
#[derive(Debug)]
pub(super) enum Locking {
    Locked(LockFile),
    /// A living process holds it.
    Taken,
    /// This file system has no locks, or they do not work.
    Unsupported,
}

impl LockFile {
    /// Asks for the lock, without waiting. Blocks on files.
    pub(super) fn take(folder: &Folder) -> Result<Locking, Error> {
        let path = folder.path(LEASE_LOCK_KEY);
        let failed = |error| Error::local(Operation::Write, &path, error);
        for _ in 0..ATTEMPTS {
            folder.create_folders(OWN_FOLDER)?;
            if let Ok(target) = fs::read_link(&path) {
                return Err(Error::LeadsOutside { path, target });
            }
            let file = private_file().write(true).create(true).truncate(false).open(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(Locking::Taken),
                Err(TryLockError::Error(_)) => {
                    // Of no use to anybody. What cannot be removed does not disturb either.
                    let _ = fs::remove_file(&path);
                    return Ok(Locking::Unsupported);
                }
            }
            // Between opening and locking, a holder may have removed this very file: a lock on it
            // would keep off nobody who opens the next.
            if is_at(&file, &path).map_err(failed)? {
                return Ok(Locking::Locked(Self { path, removed_at_the_end: false, _file: file }));
            }
        }
        // Others come and go faster than we can look.
        Ok(Locking::Taken)
    }

    /// Has the file removed together with the lock. Only by the lease's holder: where locks end at each
    /// machine's border, the file may be locked on another one.
    pub(super) fn remove_at_the_end(&mut self) {
        // Elsewhere than on Unix nobody would notice that the file was removed.
        self.removed_at_the_end = cfg!(unix);
    }
}

impl Drop for LockFile {
    fn drop(&mut self) {
        // While it is still locked: who opened it before and locks it after finds out by its name.
        if self.removed_at_the_end {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whether an open file is the one that has this name now.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (open.dev(), open.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The file is never removed here.
#[cfg(not(unix))]
fn is_at(_: &File, _: &Path) -> io::Result<bool> {
    Ok(true)
}
