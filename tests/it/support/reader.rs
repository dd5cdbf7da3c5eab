//! Somebody who reads an export again and again while runs work on it, and must never meet a broken
//! file.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(usize, Vec<String>)>,
}

impl Reader {
    /// Calls `look` with a rest of `pause` in between. It returns one result for each file that it
    /// read, an error naming the file that was broken.
    pub(crate) fn start(pause: Duration, mut look: impl FnMut() -> Vec<Result<(), String>> + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let (mut read, mut broken) = (0, Vec::new());
            while !stopped.load(Ordering::Relaxed) {
                for file in look() {
                    match file {
                        Ok(()) => read += 1,
                        Err(error) => broken.push(error),
                    }
                }
                std::thread::park_timeout(pause);
            }
            (read, broken)
        });
        Self { stop, thread }
    }

    /// Ends the reading; returns how many files were read, none of them broken.
    pub(crate) fn finish(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        let (read, broken) = self.thread.join().expect("the reader does not panic");
        assert_eq!(broken, Vec::<String>::new());
        read
    }
}
