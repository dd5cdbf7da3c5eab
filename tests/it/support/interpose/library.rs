//! A library to be preloaded: sees every call by which a process changes files below one folder, or
//! sends to a socket, and ends the process or makes the call fail at the one it was told to.
//!
//! Compiled by the tests with plain `rustc`, hence without any dependency; the C library's own
//! functions are declared here. Nothing of `std` that itself writes may be used: it would end up in
//! here again.
//!
//! Told by the environment:
//!
//! * `INTERPOSE_FOLDER`: absolute path; calls elsewhere are not seen.
//! * `INTERPOSE_LOG`: a file to which every call seen is appended before it is made, as one line:
//!   kind (`create`, `mkdir`, `write`, `fsync`, `rename`, `unlink` or `send`) and path or paths,
//!   separated by tabs. One that is meddled with has `!` before it.
//! * `INTERPOSE_CALLS`: the kinds that are counted, by commas.
//! * `INTERPOSE_AT`: number of the call to be meddled with, counted from 1 over all threads; none
//!   when it is missing.
//! * `INTERPOSE_DO`: `kill-before` or `kill-after` that call, `fail` it, or `fail-on`: fail it and all
//!   that follow.
//! * `INTERPOSE_ERRNO`: the number of the error by which it fails.

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_uint, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

type Text = *const c_char;
type Buffer = *const c_void;

unsafe extern "C" {
    fn dlsym(handle: *mut c_void, name: Text) -> *mut c_void;
    fn readlink(path: Text, buffer: *mut c_char, size: usize) -> isize;
    fn raise(signal: c_int) -> c_int;
    fn __errno_location() -> *mut c_int;
}

/// The next definition of a symbol after the one in here: the C library's.
const RTLD_NEXT: *mut c_void = usize::MAX as *mut c_void;
const SIGKILL: c_int = 9;
/// `O_WRONLY | O_RDWR` and `O_CREAT` of [`open`].
const OPENS_TO_CHANGE: c_int = 0o103;
/// `O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC`.
const OPENS_LOG: c_int = 0o2_002_101;

#[derive(Clone, Copy, PartialEq)]
enum Deed {
    KillBefore,
    KillAfter,
    Fail,
    FailOn,
}

struct Settings {
    folder: PathBuf,
    calls: Vec<String>,
    log: Option<c_int>,
    at: Option<usize>,
    deed: Deed,
    errno: c_int,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn read_settings() -> Settings {
    let read = |name: &str| std::env::var(format!("INTERPOSE_{name}")).unwrap_or_default();
    let log = CString::new(read("LOG")).ok().filter(|path| !path.is_empty());
    Settings {
        folder: PathBuf::from(read("FOLDER")),
        calls: read("CALLS").split(',').map(str::to_owned).collect(),
        log: log.map(|path| {
            let open: unsafe extern "C" fn(Text, c_int, c_uint) -> c_int =
                unsafe { std::mem::transmute(next(c"open")) };
            unsafe { open(path.as_ptr(), OPENS_LOG, 0o600) }
        }),
        at: read("AT").parse().ok(),
        deed: match read("DO").as_str() {
            "kill-before" => Deed::KillBefore,
            "kill-after" => Deed::KillAfter,
            "fail" => Deed::Fail,
            _ => Deed::FailOn,
        },
        errno: read("ERRNO").parse().unwrap_or(0),
    }
}

/// The function that would have been called without this library.
fn next(name: &CStr) -> *mut c_void {
    let found = unsafe { dlsym(RTLD_NEXT, name.as_ptr()) };
    // Goes on to certain death otherwise, without a word.
    if found.is_null() {
        std::process::abort();
    }
    found
}

/// What a call is about, with the paths that it changes.
struct Call(&'static str, Vec<PathBuf>);

impl Call {
    fn on_path(kind: &'static str, path: Text) -> Self {
        Self(kind, vec![text(path)])
    }

    /// On an open file: sockets have names like `socket:[123]`.
    fn on_open(kind: &'static str, file: c_int) -> Self {
        let mut name = [0_u8; 4096];
        let link = CString::new(format!("/proc/self/fd/{file}")).unwrap_or_default();
        let length = unsafe { readlink(link.as_ptr(), name.as_mut_ptr().cast(), name.len()) };
        let name = &name[..usize::try_from(length).unwrap_or(0)];
        let kind = if kind == "write" && name.starts_with(b"socket:") { "send" } else { kind };
        Self(kind, vec![PathBuf::from(OsStr::from_bytes(name))])
    }

    fn is_seen(&self, settings: &Settings) -> bool {
        match self.0 {
            "send" => true,
            "open" => false,
            _ => self.1.iter().any(|path| path.starts_with(&settings.folder)),
        }
    }

    fn log(&self, file: c_int, meddled: bool) {
        let mut line = if meddled { b"!".to_vec() } else { Vec::new() };
        line.extend_from_slice(self.0.as_bytes());
        for path in &self.1 {
            line.push(b'\t');
            line.extend_from_slice(path.as_os_str().as_bytes());
        }
        line.push(b'\n');
        let write: unsafe extern "C" fn(c_int, Buffer, usize) -> isize = unsafe { std::mem::transmute(next(c"write")) };
        // A log that cannot be written is a test that fails.
        unsafe { write(file, line.as_ptr().cast(), line.len()) };
    }
}

fn text(path: Text) -> PathBuf {
    Path::new(OsStr::from_bytes(unsafe { CStr::from_ptr(path) }.to_bytes())).to_owned()
}

/// Makes a call, and what was ordered with it. `None` when it has to fail.
fn around<T>(call: &Call, make: impl FnOnce() -> T) -> Option<T> {
    let settings = SETTINGS.get_or_init(read_settings);
    if !call.is_seen(settings) {
        return Some(make());
    }
    let number = settings.calls.iter().any(|kind| kind == call.0).then(|| COUNT.fetch_add(1, Ordering::SeqCst) + 1);
    let meddled = match (number, settings.at) {
        (Some(number), Some(at)) => number == at || (number > at && settings.deed == Deed::FailOn),
        _ => false,
    };
    if let Some(log) = settings.log {
        call.log(log, meddled);
    }
    if !meddled {
        return Some(make());
    }
    match settings.deed {
        Deed::KillBefore => unsafe {
            raise(SIGKILL);
            None
        },
        Deed::KillAfter => unsafe {
            make();
            raise(SIGKILL);
            None
        },
        Deed::Fail | Deed::FailOn => {
            unsafe { *__errno_location() = settings.errno };
            None
        }
    }
}

/// Functions of the C library under their own names, each with what it is about.
macro_rules! interpose {
    ($(fn $name:ident($($argument:ident: $kind:ty),*) -> $result:ty { $call:expr })*) => {$(
        /// # Safety
        ///
        /// That of the function of the C library.
        #[unsafe(no_mangle)]
        pub unsafe extern "C" fn $name($($argument: $kind),*) -> $result {
            let name = unsafe { CStr::from_bytes_with_nul_unchecked(concat!(stringify!($name), "\0").as_bytes()) };
            let next: unsafe extern "C" fn($($kind),*) -> $result = unsafe { std::mem::transmute(next(name)) };
            around(&$call, || unsafe { next($($argument),*) }).unwrap_or(-1)
        }
    )*};
}

/// Of `open` with other flags nothing has to be known.
fn opening(path: Text, flags: c_int) -> Call {
    Call::on_path(if flags & OPENS_TO_CHANGE == 0 { "open" } else { "create" }, path)
}

// Those that Rust's standard library calls on Linux. `open` takes a variable number of arguments in C,
// which on Linux are passed as any others.
interpose! {
    fn open(path: Text, flags: c_int, mode: c_uint) -> c_int { opening(path, flags) }
    fn open64(path: Text, flags: c_int, mode: c_uint) -> c_int { opening(path, flags) }
    fn mkdir(path: Text, mode: c_uint) -> c_int { Call::on_path("mkdir", path) }
    fn rename(from: Text, to: Text) -> c_int { Call("rename", vec![text(from), text(to)]) }
    fn unlink(path: Text) -> c_int { Call::on_path("unlink", path) }
    fn fsync(file: c_int) -> c_int { Call::on_open("fsync", file) }
    fn fdatasync(file: c_int) -> c_int { Call::on_open("fsync", file) }
    fn write(file: c_int, buffer: Buffer, size: usize) -> isize { Call::on_open("write", file) }
    fn writev(file: c_int, buffers: Buffer, count: c_int) -> isize { Call::on_open("write", file) }
    fn send(file: c_int, buffer: Buffer, size: usize, flags: c_int) -> isize { Call::on_open("send", file) }
    fn sendmsg(file: c_int, message: Buffer, flags: c_int) -> isize { Call::on_open("send", file) }
}
