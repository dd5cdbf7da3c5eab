//! A folder as destination. Files become visible by renaming a finished, synchronised temporary
//! file on the same file system, so that a reader, or a machine that lost its power, sees the old
//! file or the new one. All of it blocks; [`super::store`] calls it off the runtime's workers.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;

use super::error::{Error, Operation};
use super::location::{TEMPORARY_FOLDER, is_safe_key};

/// The folder below which all files are.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    root: Arc<Path>,
}

/// Something found in a dataset's folder.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    /// `None` when it is not a plain file.
    pub(super) size_bytes: Option<u64>,
}

impl Folder {
    pub(super) fn new(root: PathBuf) -> Self {
        Self { root: root.into() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn path(&self, key: &str) -> PathBuf {
        self.root.join(key)
    }

    /// What is in a dataset's folder, two levels deep, sorted by key. Links are not followed.
    pub(super) fn list(&self, dataset: &str) -> Result<Vec<Entry>, Error> {
        let mut found = Vec::new();
        for (name, kind) in self.entries(dataset)? {
            let key = format!("{dataset}/{name}");
            if !kind.is_dir() {
                found.push(Entry { key, size_bytes: None });
                continue;
            }
            for (name, kind) in self.entries(&key)? {
                let key = format!("{key}/{name}");
                if !kind.is_file() {
                    found.push(Entry { key, size_bytes: None });
                } else if let Some(size) = self.size(&key)? {
                    found.push(Entry { key, size_bytes: Some(size) });
                }
            }
        }
        found.sort_by(|a, b| a.key.cmp(&b.key));
        Ok(found)
    }

    /// Names and kinds of what is in a folder; nothing when it does not exist.
    fn entries(&self, key: &str) -> Result<Vec<(String, fs::FileType)>, Error> {
        let path = self.path(key);
        let failed = |error| Error::local(Operation::List, &path, error);
        let listing = match fs::read_dir(&path) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut entries = Vec::new();
        for entry in listing {
            let entry = entry.map_err(failed)?;
            let kind = entry.file_type().map_err(failed)?;
            entries.push((entry.file_name().to_string_lossy().into_owned(), kind));
        }
        Ok(entries)
    }

    /// Size of a file; `None` when there is none.
    pub(super) fn size(&self, key: &str) -> Result<Option<u64>, Error> {
        let path = self.path(key);
        match fs::metadata(&path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::local(Operation::Read, path, error)),
        }
    }

    /// A whole small file; `None` when there is none.
    pub(super) fn get(&self, key: &str) -> Result<Option<Bytes>, Error> {
        let path = self.path(key);
        match fs::read(&path) {
            Ok(content) => Ok(Some(content.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::local(Operation::Read, path, error)),
        }
    }

    /// Exactly these bytes of a file.
    pub(super) fn get_range(&self, key: &str, range: Range<u64>) -> Result<Bytes, Error> {
        let path = self.path(key);
        let length = range.end.saturating_sub(range.start);
        let read = || {
            let mut file = File::open(&path)?;
            file.seek(SeekFrom::Start(range.start))?;
            let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
            file.take(length).read_to_end(&mut content)?;
            if (content.len() as u64) < length {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(content.into())
        };
        read().map_err(|error| Error::local(Operation::Read, &path, error))
    }

    pub(super) fn delete(&self, key: &str) -> Result<(), Error> {
        let path = self.path(key);
        match fs::remove_file(&path) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Error::local(Operation::Delete, path, error)),
        }
    }

    /// Removes temporary files last written before `older_than`; how many.
    pub(super) fn clean(&self, older_than: SystemTime) -> Result<usize, Error> {
        let mut removed = 0;
        for (name, kind) in self.entries(TEMPORARY_FOLDER)? {
            if !kind.is_file() {
                continue;
            }
            let path = self.path(TEMPORARY_FOLDER).join(name);
            let old = fs::metadata(&path).and_then(|metadata| metadata.modified()).is_ok_and(|at| at < older_than);
            if old {
                match fs::remove_file(&path) {
                    Ok(()) => removed += 1,
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    Err(error) => return Err(Error::local(Operation::Delete, path, error)),
                }
            }
        }
        Ok(removed)
    }

    /// A new file in the folder of temporary files, named `<label>-<number>` with the first number
    /// that `numbers` gives and nobody has.
    pub(super) fn temporary(
        &self,
        label: &str,
        extension: &str,
        mut number: impl FnMut() -> u64,
    ) -> Result<TemporaryFile, Error> {
        let folder = self.create_folders(TEMPORARY_FOLDER)?;
        loop {
            let path = folder.join(format!("{label}-{}.{extension}", number()));
            match private_file().write(true).create_new(true).open(&path) {
                Ok(file) => {
                    return Ok(TemporaryFile { folder: self.clone(), path, file, size_bytes: 0, committed: false });
                }
                // Left behind by a killed process with the same label.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::local(Operation::Write, path, error)),
            }
        }
    }

    /// The folder at `key`, with all folders above it, made to last. Refuses to go through a link
    /// that leads outside.
    pub(super) fn create_folders(&self, key: &str) -> Result<PathBuf, Error> {
        create_durably(&self.root)?;
        let inside = |path: &Path| {
            let target = fs::canonicalize(path).map_err(|error| Error::local(Operation::Write, path, error))?;
            let root =
                fs::canonicalize(&self.root).map_err(|error| Error::local(Operation::Write, &*self.root, error))?;
            if target.starts_with(root) {
                return Ok(());
            }
            Err(Error::LeadsOutside { path: path.to_owned(), target })
        };
        let mut path = self.root.to_path_buf();
        for part in key.split('/') {
            path.push(part);
            create_durably(&path)?;
            inside(&path)?;
        }
        Ok(path)
    }
}

/// A file being written. Dropped without [`TemporaryFile::commit`] it is removed.
#[derive(Debug)]
pub(super) struct TemporaryFile {
    folder: Folder,
    path: PathBuf,
    file: File,
    size_bytes: u64,
    committed: bool,
}

impl TemporaryFile {
    /// Makes it the file at `key`, in place of one that may be there; its size in bytes.
    pub(super) fn commit(mut self, key: &str) -> Result<u64, Error> {
        // A failed synchronisation may have dropped the very pages that failed: trying it again
        // would report success over lost bytes. So it ends the file.
        self.file.sync_all().map_err(|error| Error::local(Operation::Write, &self.path, error))?;
        let parent = self.rename(key)?;
        synchronise_folder(&parent)?;
        Ok(self.size_bytes)
    }

    /// The same for a file that is worth nothing after a loss of power: nothing is synchronised.
    pub(super) fn commit_unsynchronised(mut self, key: &str) -> Result<(), Error> {
        self.rename(key).map(drop)
    }

    /// Gives the file its name; the folder that it is in.
    fn rename(&mut self, key: &str) -> Result<PathBuf, Error> {
        if !is_safe_key(key) {
            return Err(Error::InvalidKey { key: key.to_owned() });
        }
        let target = self.folder.path(key);
        let parent = match key.rsplit_once('/') {
            Some((parent, _)) => self.folder.create_folders(parent)?,
            None => self.folder.root.to_path_buf(),
        };
        fs::rename(&self.path, &target).map_err(|error| Error::local(Operation::Commit, &target, error))?;
        self.committed = true;
        Ok(parent)
    }
}

impl Write for TemporaryFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.file.write(bytes) {
            Ok(count) => {
                self.size_bytes += count as u64;
                Ok(count)
            }
            // Left as it is: the caller tries again.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => Err(Error::local(Operation::Write, &self.path, error).into()),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.committed {
            // What cannot be removed is left to the next run's cleaning.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Options for files that hold what people said: not for everybody's eyes.
pub(super) fn private_file() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o640);
    options
}

/// Makes a folder and those above it; a new one is recorded in its parent before this returns.
fn create_durably(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut made = fs::create_dir(path);
    if made.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) && parent != path {
        create_durably(parent)?;
        made = fs::create_dir(path);
    }
    match made {
        Ok(()) => synchronise_folder(parent),
        // By another thread or process, just now. Or it is a file, which the next step will find.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(Error::local(Operation::Write, path, error)),
    }
}

fn synchronise_folder(path: &Path) -> Result<(), Error> {
    match File::open(path).and_then(|folder| folder.sync_all()) {
        Ok(()) => Ok(()),
        // Some network file systems cannot synchronise a folder at all.
        Err(error) if matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported) => Ok(()),
        Err(error) => Err(Error::local(Operation::Commit, path, error)),
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    fn folder() -> (tempfile::TempDir, Folder) {
        let outer = tempfile::tempdir().unwrap();
        let folder = Folder::new(outer.path().join("deep/export"));
        (outer, folder)
    }

    fn write(folder: &Folder, key: &str, content: &[u8]) -> Result<u64, Error> {
        let mut numbers = 0;
        let mut file = folder.temporary("run", "parquet", || {
            numbers += 1;
            numbers
        })?;
        file.write_all(content).unwrap();
        file.commit(key)
    }

    fn names(path: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(path).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn files_of_several_threads_may_be_the_first_ones_at_once() {
        for _ in 0..50 {
            let (_outer, folder) = folder();
            std::thread::scope(|scope| {
                for number in 1..=4 {
                    let folder = &folder;
                    scope.spawn(move || {
                        let mut file = folder.temporary("run", "parquet", || number).unwrap();
                        file.write_all(b"rows").unwrap();
                        file.commit(&format!("users/snapshot_date=2025-01-0{number}/users.parquet")).unwrap();
                    });
                }
            });
            assert_eq!(names(&folder.path("users")).len(), 4);
        }
    }

    #[test]
    fn a_committed_file_is_private_and_nothing_else_stays() {
        let (_outer, folder) = folder();
        assert_eq!(write(&folder, "calls/call_date=2025-01-31/calls.parquet", b"old").unwrap(), 3);
        assert_eq!(write(&folder, "calls/call_date=2025-01-31/calls.parquet", b"newer").unwrap(), 5);
        let path = folder.path("calls/call_date=2025-01-31/calls.parquet");
        assert_eq!(fs::read(&path).unwrap(), b"newer");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o007, 0);
        assert_eq!(names(&folder.path("calls/call_date=2025-01-31")), ["calls.parquet"]);
        assert!(names(&folder.path("_gong_export/tmp")).is_empty());
    }

    #[test]
    fn a_dropped_file_leaves_nothing() {
        let (_outer, folder) = folder();
        let mut file = folder.temporary("run", "parquet", || 1).unwrap();
        file.write_all(b"half").unwrap();
        assert_eq!(names(&folder.path("_gong_export/tmp")), ["run-1.parquet"]);
        drop(file);
        assert!(names(&folder.path("_gong_export/tmp")).is_empty());
        assert_eq!(names(folder.root()), ["_gong_export"]);
    }

    #[test]
    fn a_name_in_use_is_left_alone() {
        let (_outer, folder) = folder();
        let left = folder.create_folders(TEMPORARY_FOLDER).unwrap().join("run-1.parquet");
        fs::write(&left, b"left behind").unwrap();
        assert_eq!(write(&folder, "a/b", b"x").unwrap(), 1);
        assert_eq!(fs::read(&left).unwrap(), b"left behind");
        assert_eq!(folder.clean(SystemTime::UNIX_EPOCH).unwrap(), 0, "too young");
        let later = fs::metadata(&left).unwrap().modified().unwrap() + std::time::Duration::from_secs(1);
        assert_eq!(folder.clean(later).unwrap(), 1);
        assert!(!left.exists());
    }

    #[test]
    fn links_that_lead_outside_are_not_written_through() {
        let (outer, folder) = folder();
        let elsewhere = outer.path().join("elsewhere");
        fs::create_dir(&elsewhere).unwrap();
        fs::create_dir_all(folder.root()).unwrap();
        symlink(&elsewhere, folder.path("calls")).unwrap();
        let error = write(&folder, "calls/call_date=2025-01-31/calls.parquet", b"x").unwrap_err();
        assert!(matches!(&error, Error::LeadsOutside { path, .. } if path.ends_with("calls")), "{error}");
        assert!(names(&elsewhere).is_empty());
        assert!(names(&folder.path("_gong_export/tmp")).is_empty());

        // A link in the place of the file itself is replaced, not followed.
        let secret = outer.path().join("secret");
        fs::write(&secret, b"secret").unwrap();
        fs::create_dir_all(folder.path("users/snapshot_date=2025-01-31")).unwrap();
        symlink(&secret, folder.path("users/snapshot_date=2025-01-31/users.parquet")).unwrap();
        write(&folder, "users/snapshot_date=2025-01-31/users.parquet", b"users").unwrap();
        assert_eq!(fs::read(&secret).unwrap(), b"secret");
        assert_eq!(fs::read(folder.path("users/snapshot_date=2025-01-31/users.parquet")).unwrap(), b"users");
    }

    #[test]
    fn a_failed_commit_names_the_path_and_keeps_the_old() {
        let (_outer, folder) = folder();
        // A folder in the place of the file: the rename fails.
        fs::create_dir_all(folder.path("calls/call_date=2025-01-31/calls.parquet/x")).unwrap();
        let error = write(&folder, "calls/call_date=2025-01-31/calls.parquet", b"x").unwrap_err();
        assert!(error.to_string().starts_with("cannot commit `"), "{error}");
        assert!(error.to_string().ends_with("calls/call_date=2025-01-31/calls.parquet`"), "{error}");
        assert!(names(&folder.path("_gong_export/tmp")).is_empty());
        assert!(matches!(write(&folder, "../x", b"x"), Err(Error::InvalidKey { .. })));
    }

    #[test]
    fn listing_tells_files_from_the_rest() {
        let (_outer, folder) = folder();
        assert!(folder.list("calls").unwrap().is_empty());
        write(&folder, "calls/call_date=2025-01-31/calls.parquet", b"four").unwrap();
        fs::write(folder.path("calls/.DS_Store"), b"").unwrap();
        fs::create_dir_all(folder.path("calls/call_date=2025-01-31/deeper")).unwrap();
        symlink("calls.parquet", folder.path("calls/call_date=2025-01-31/link.parquet")).unwrap();
        let found: Vec<(String, Option<u64>)> =
            folder.list("calls").unwrap().into_iter().map(|e| (e.key, e.size_bytes)).collect();
        assert_eq!(
            found,
            [
                ("calls/.DS_Store".to_owned(), None),
                ("calls/call_date=2025-01-31/calls.parquet".to_owned(), Some(4)),
                ("calls/call_date=2025-01-31/deeper".to_owned(), None),
                ("calls/call_date=2025-01-31/link.parquet".to_owned(), None),
            ]
        );
    }

    #[test]
    fn ranges_are_exact_or_fail() {
        let (_outer, folder) = folder();
        write(&folder, "a/b", b"0123456789").unwrap();
        assert_eq!(folder.get_range("a/b", 3..6).unwrap(), "345");
        assert!(folder.get_range("a/b", 8..12).is_err());
        assert_eq!(folder.get("a/none").unwrap(), None);
        assert_eq!(folder.size("a/b").unwrap(), Some(10));
    }
}
