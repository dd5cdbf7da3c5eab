//! The file that keeps OAuth tokens from one run to the next.
//!
//! It is replaced whole: the new tokens are written to `FILE.new` and synced, renamed, and the folder is
//! synced. A lock on `FILE.lock` keeps other processes of this machine out; both stay in the file's own
//! folder. A process that dies before the rename leaves `FILE.new`, which the next one takes up: its
//! tokens are then the only ones that work.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tracing::warn;

use super::environment;
use crate::gong::oauth::{Granted, OpenStore, StoreError, TokenStore, Tokens};

/// Far beyond two tokens.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// Reserved on the disk before tokens are exchanged.
const RESERVED_BYTES: usize = 32 << 10;

/// Longer than an exchange takes; who holds the lock for longer is stuck.
const LOCK_PATIENCE: Duration = Duration::from_secs(90);

/// A token that ends within this is over: it would end on the way.
const MARGIN: TimeDelta = TimeDelta::minutes(1);

const FORM: &str = "it should hold Gong's answer to the authorisation code: {\"refresh_token\": \"…\", …}";
const WRITABLE: &str = "tokens change when they are renewed: let this user write the token file and its folder";
const LOCKS: &str = "keep the token file on a file system with locks, such as a local disk";

/// Held by this process while any of its token files is open.
static IN_USE: Mutex<()> = Mutex::new(());

/// Waits until tokens that are being renewed are stored, and lets no more be renewed: for when the process
/// is about to end.
pub(super) fn finish() {
    std::mem::forget(IN_USE.lock());
}

#[derive(Debug)]
pub(super) struct TokenFile {
    path: PathBuf,
}

impl TokenFile {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path }
    }
}

impl TokenStore for TokenFile {
    fn open(&self) -> Result<Box<dyn OpenStore>, StoreError> {
        // Behind a symbolic link stands the file that is to be replaced.
        let path = match fs::canonicalize(&self.path) {
            Ok(path) => path,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let what = format!("there is no token file {}", self.path.display());
                return Err(StoreError { what, remedy: "write Gong's answer to the authorisation code to it" });
            }
            Err(error) => return Err(failed("read", &self.path, &error, FORM)),
        };
        let lock = lock(&beside(&path, ".lock"))?;
        let in_use = IN_USE.lock().unwrap_or_else(PoisonError::into_inner);
        let new = beside(&path, ".new");
        take_up(&new, &path);
        let tokens = read(&path)?;
        if let Some(warning) = environment::readable_by_others(&path) {
            warn!(event = "warning", "{warning}");
        }
        Ok(Box::new(OpenTokenFile { path, new, reserved: None, tokens, _lock: lock, _in_use: in_use }))
    }
}

struct OpenTokenFile {
    path: PathBuf,
    new: PathBuf,
    /// What is to hold the new tokens, while it holds none.
    reserved: Option<File>,
    tokens: Tokens,
    _lock: File,
    _in_use: MutexGuard<'static, ()>,
}

impl OpenStore for OpenTokenFile {
    fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    fn reserve(&mut self) -> Result<(), StoreError> {
        let create = || {
            let mut file = private().write(true).create_new(true).open(&self.new)?;
            file.write_all(&[b' '; RESERVED_BYTES])?;
            file.sync_all()?;
            Ok(file)
        };
        match create() {
            Ok(file) => self.reserved = Some(file),
            Err(error) => return Err(failed("write", &self.new, &error, WRITABLE)),
        }
        Ok(())
    }

    fn replace(&mut self, granted: &Granted) -> Result<(), StoreError> {
        const LOST: &str = "the old tokens no longer work and the new ones are lost: make sure that the file can be \
                            written, authorise the app in Gong again, and store the answer to its code";
        const KEPT: &str = "the new tokens are beside the token file, with the ending .new: put them in its place";
        if self.reserved.is_none() {
            self.reserve()?;
        }
        let text = self.text(granted);
        let write = |file: &mut Option<File>| {
            let Some(file) = file.as_mut() else { return Ok(()) };
            io::Seek::rewind(file)?;
            file.write_all(text.as_bytes())?;
            // Blanks behind JSON do no harm, should this be as far as it gets.
            file.set_len(text.len() as u64)?;
            file.sync_all()
        };
        write(&mut self.reserved).map_err(|error| failed("write", &self.new, &error, LOST))?;
        self.reserved = None;
        fs::rename(&self.new, &self.path).map_err(|error| failed("replace", &self.path, &error, KEPT))?;
        sync_folder(&self.path).map_err(|error| failed("sync the folder of", &self.path, &error, "check the disk"))
    }
}

impl OpenTokenFile {
    fn text(&self, granted: &Granted) -> String {
        let expires_at =
            granted.expires_in.and_then(|time| environment::now().checked_add_signed(TimeDelta::from_std(time).ok()?));
        let mut members = serde_json::Map::new();
        let mut add = |name: &str, value: Option<&str>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value.into());
            }
        };
        add("refresh_token", Some(granted.refresh_token.expose_secret()));
        add("access_token", Some(granted.access_token.expose_secret()));
        let expires_at = expires_at.map(|at| at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true));
        add("expires_at", expires_at.as_deref());
        add("api_base_url", granted.base_url.as_deref().or(self.tokens.base_url.as_deref()));
        format!("{:#}\n", serde_json::Value::Object(members))
    }
}

impl Drop for OpenTokenFile {
    fn drop(&mut self) {
        // Nothing but blanks, or an unusable beginning of tokens.
        if self.reserved.take().is_some() {
            let _ = fs::remove_file(&self.new);
        }
    }
}

/// What the file holds; Gong's own answer is accepted too, whose other members are passed over.
#[derive(Deserialize)]
struct Content {
    refresh_token: SecretString,
    access_token: Option<SecretString>,
    expires_at: Option<DateTime<Utc>>,
    #[serde(alias = "api_base_url_for_customer")]
    api_base_url: Option<String>,
}

fn read(path: &Path) -> Result<Tokens, StoreError> {
    let mut text = Vec::new();
    File::open(path)
        .and_then(|file| file.take(FILE_BYTES_MAX).read_to_end(&mut text))
        .map_err(|error| failed("read", path, &error, FORM))?;
    let content: Content = serde_json::from_slice(&text).map_err(|error| {
        // serde's own message could quote a token.
        let place = format!("line {} column {}", error.line(), error.column());
        StoreError { what: format!("token file {} is not understood, {place}", path.display()), remedy: FORM }
    })?;
    let Content { refresh_token, access_token, expires_at, api_base_url } = content;
    if refresh_token.expose_secret().is_empty() {
        return Err(StoreError { what: format!("token file {} has no refresh token", path.display()), remedy: FORM });
    }
    let is_over = expires_at.is_some_and(|at| at - MARGIN <= environment::now());
    let access_token = access_token.filter(|token| !is_over && !token.expose_secret().is_empty());
    Ok(Tokens { refresh_token, access_token, base_url: api_base_url })
}

/// Puts what a process that died has left in the place of the older tokens. Only with the lock.
fn take_up(new: &Path, path: &Path) {
    let modified = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    // Somebody who has authorised the app since then knows better.
    let is_newer = matches!((modified(new), modified(path)), (Ok(new), Ok(old)) if new >= old);
    let taken = is_newer && read(new).is_ok() && fs::rename(new, path).and_then(|()| sync_folder(path)).is_ok();
    if !taken {
        // Mostly there is none.
        let _ = fs::remove_file(new);
    }
}

/// Keeps other processes out as long as the file is open.
fn lock(path: &Path) -> Result<File, StoreError> {
    let file = private().write(true).create(true).truncate(false).open(path);
    let file = file.map_err(|error| failed("write", path, &error, WRITABLE))?;
    let begin = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begin.elapsed() < LOCK_PATIENCE => {
                #[expect(clippy::disallowed_methods, reason = "runs on a thread that may block")]
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let what = format!("another process has held {} for {} s", path.display(), LOCK_PATIENCE.as_secs());
                return Err(StoreError { what, remedy: "end it, or run the job again later" });
            }
            Err(TryLockError::Error(error)) => return Err(failed("lock", path, &error, LOCKS)),
        }
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// For files that nobody else may read.
fn private() -> OpenOptions {
    let mut options = File::options();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a rename outlive a crash of the machine.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

fn failed(verb: &str, path: &Path, error: &io::Error, remedy: &'static str) -> StoreError {
    StoreError { what: format!("cannot {verb} {}: {error}", path.display()), remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> (tempfile::TempDir, TokenFile) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tokens.json");
        fs::write(&path, text).unwrap();
        (folder, TokenFile::new(path))
    }

    fn granted(access: &str, refresh: &str) -> Granted {
        Granted {
            access_token: access.into(),
            refresh_token: refresh.into(),
            expires_in: Some(Duration::from_secs(86_400)),
            base_url: None,
        }
    }

    fn shown(tokens: &Tokens) -> (String, Option<String>, Option<String>) {
        let access = tokens.access_token.as_ref().map(|token| token.expose_secret().to_owned());
        (tokens.refresh_token.expose_secret().to_owned(), access, tokens.base_url.clone())
    }

    #[test]
    fn gongs_own_answer_is_a_token_file() {
        let (_folder, file) = file(
            r#"{"access_token": "A", "refresh_token": "R", "expires_in": 86400, "token_type": "bearer",
                "api_base_url_for_customer": "https://us-1.api.gong.io"}"#,
        );
        let tokens = shown(file.open().unwrap().tokens());
        assert_eq!(tokens, ("R".to_owned(), Some("A".to_owned()), Some("https://us-1.api.gong.io".to_owned())));
    }

    #[test]
    fn a_token_that_is_over_is_none() {
        for (expires_at, is_there) in [("2020-01-01T00:00:00Z", false), ("2200-01-01T00:00:00+02:00", true)] {
            let text = format!(r#"{{"refresh_token": "R", "access_token": "A", "expires_at": "{expires_at}"}}"#);
            let (_folder, file) = file(&text);
            assert_eq!(file.open().unwrap().tokens().access_token.is_some(), is_there, "{expires_at}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn new_tokens_replace_the_file_and_only_the_owner_may_read_them() {
        use std::os::unix::fs::PermissionsExt;
        let (folder, file) = file(r#"{"refresh_token": "R1", "api_base_url": "https://us-1.api.gong.io"}"#);
        let link = folder.path().join("link.json");
        std::os::unix::fs::symlink("tokens.json", &link).unwrap();
        for through in [&file, &TokenFile::new(link.clone())] {
            let mut open = through.open().unwrap();
            open.reserve().unwrap();
            open.replace(&granted("A2", "R2")).unwrap();
        }
        let base_url = Some("https://us-1.api.gong.io".to_owned());
        assert_eq!(shown(file.open().unwrap().tokens()), ("R2".to_owned(), Some("A2".to_owned()), base_url));
        assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(!beside(&file.path, ".new").exists());
    }

    #[test]
    fn what_a_process_that_died_had_stored_is_taken_up() {
        let (_folder, file) = file(r#"{"refresh_token": "R1"}"#);
        let new = beside(&file.path, ".new");
        // Before the answer, and in the midst of it: the old token may still work.
        for torn in [" ".repeat(RESERVED_BYTES), r#"{"refresh_token": "R2", "acc"#.to_owned()] {
            fs::write(&new, torn).unwrap();
            assert_eq!(shown(file.open().unwrap().tokens()).0, "R1");
            assert!(!new.exists());
        }
        // After it, before the rename.
        fs::write(&new, format!("{}{}", r#"{"refresh_token": "R2"}"#, " ".repeat(100))).unwrap();
        assert_eq!(shown(file.open().unwrap().tokens()).0, "R2");
        assert!(!new.exists());
        // Somebody has authorised the app again since.
        fs::write(&new, r#"{"refresh_token": "R2"}"#).unwrap();
        let past = std::time::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        File::options().write(true).open(&new).unwrap().set_modified(past).unwrap();
        fs::write(&file.path, r#"{"refresh_token": "R9"}"#).unwrap();
        assert_eq!(shown(file.open().unwrap().tokens()).0, "R9");
    }

    #[test]
    fn a_reservation_that_comes_to_nothing_leaves_nothing() {
        let (_folder, file) = file(r#"{"refresh_token": "R1"}"#);
        file.open().unwrap().reserve().unwrap();
        assert!(!beside(&file.path, ".new").exists());
        assert_eq!(shown(file.open().unwrap().tokens()).0, "R1");
    }

    #[test]
    fn a_file_that_is_not_understood_is_named_without_its_content() {
        for text in ["MARKER", r#"{"refresh_token": "MARKER", "expires_at": "MARKER"}"#, r#"{"refresh_token": ""}"#] {
            let (_folder, file) = file(text);
            let error = file.open().err().unwrap();
            assert!(error.what.contains("tokens.json") && !format!("{error:?}").contains("MARKER"), "{error:?}");
        }
        let error = TokenFile::new("/nowhere/tokens.json".into()).open().err().unwrap();
        assert_eq!(error.what, "there is no token file /nowhere/tokens.json");
    }
}
