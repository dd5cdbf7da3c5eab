//! One object on its way into a bucket, in parts.
//!
//! The writing side blocks: it fills a part and hands it over to a task on the runtime, through a
//! channel with one place. So at most four parts are in memory: one being filled, one waiting and
//! two under way. A file that fits into one part is sent by a single PUT and needs no task.

use std::io::{self, Write};
use std::sync::mpsc as outcome;
use std::time::Duration;

use bytes::Bytes;
use object_store::multipart::PartId;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::error::{Error, ErrorKind, Operation};
use super::object::{Bucket, UploadNote};

/// How many parts are sent at a time.
const PARTS_UNDER_WAY: usize = 2;

/// How long parts under way are waited for before their upload is ended: a server that is still
/// taking a part in while it removes the others may keep that one.
const SETTLE_MAX: Duration = Duration::from_secs(10);

/// How long a dropped upload waits for its parts to be removed.
const ABORT_WAIT: Duration = Duration::from_secs(15);

/// An object being written. Dropped without [`ObjectUpload::commit`], parts already sent are removed.
#[derive(Debug)]
pub(super) struct ObjectUpload {
    bucket: Bucket,
    key: String,
    /// Names the note about this upload.
    name: String,
    part: Vec<u8>,
    size_bytes: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    /// All fits into one part so far.
    Small,
    Parts(Task),
    Failed,
}

/// The sending side of a multipart upload.
#[derive(Debug)]
struct Task {
    parts: mpsc::Sender<Message>,
    outcome: outcome::Receiver<Result<(), Error>>,
}

#[derive(Debug)]
enum Message {
    Part(Bytes),
    /// The last part, and the order to complete.
    Last(Bytes),
}

impl ObjectUpload {
    pub(super) fn new(bucket: Bucket, key: String, name: String) -> Self {
        Self { bucket, key, name, part: Vec::new(), size_bytes: 0, state: State::Small }
    }

    /// Makes the object visible, in place of one that may be there; its size in bytes.
    pub(super) fn commit(mut self) -> Result<u64, Error> {
        let last = Bytes::from(std::mem::take(&mut self.part));
        match std::mem::replace(&mut self.state, State::Failed) {
            State::Small => self.put(last)?,
            State::Parts(task) => {
                self.send(&task, Message::Last(last))?;
                self.outcome(&task)?;
            }
            State::Failed => return Err(self.stopping()),
        }
        Ok(self.size_bytes)
    }

    fn put(&self, content: Bytes) -> Result<(), Error> {
        let (done, result) = outcome::channel();
        let (bucket, key) = (self.bucket.clone(), self.key.clone());
        // Not `block_on`: requests run where the runtime drives its timers and sockets.
        self.bucket.runtime().spawn(async move {
            // Nobody listens any more: the program is stopping.
            let _ = done.send(bucket.put(&key, content).await);
        });
        result.recv().unwrap_or_else(|_| Err(self.stopping()))
    }

    /// Hands the full part over.
    fn send_part(&mut self) -> Result<(), Error> {
        let part = Bytes::from(std::mem::take(&mut self.part));
        let task = match std::mem::replace(&mut self.state, State::Failed) {
            State::Small => self.start(),
            State::Parts(task) => task,
            State::Failed => return Err(self.stopping()),
        };
        self.send(&task, Message::Part(part))?;
        self.state = State::Parts(task);
        Ok(())
    }

    fn start(&self) -> Task {
        let (parts, received) = mpsc::channel(1);
        let (done, outcome) = outcome::channel();
        let (bucket, key, name) = (self.bucket.clone(), self.key.clone(), self.name.clone());
        self.bucket.runtime().spawn(async move {
            let _ = done.send(upload(bucket, key, name, received).await);
        });
        Task { parts, outcome }
    }

    fn send(&self, task: &Task, message: Message) -> Result<(), Error> {
        match task.parts.blocking_send(message) {
            Ok(()) => Ok(()),
            // The task ended before its time and says why.
            Err(_) => match self.outcome(task) {
                Err(error) => Err(error),
                Ok(()) => Err(self.stopping()),
            },
        }
    }

    fn outcome(&self, task: &Task) -> Result<(), Error> {
        task.outcome.recv().unwrap_or_else(|_| Err(self.stopping()))
    }

    fn stopping(&self) -> Error {
        Error::Stopping { operation: Operation::Write, url: self.bucket.url(&self.key) }
    }
}

impl Write for ObjectUpload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = bytes;
        while !rest.is_empty() {
            // A full part waits for the byte that follows it: the last one must not be empty.
            if self.part.len() == self.bucket.part_bytes() {
                self.send_part()?;
            }
            let (now, later) = rest.split_at(rest.len().min(self.bucket.part_bytes() - self.part.len()));
            self.part.extend_from_slice(now);
            rest = later;
        }
        self.size_bytes += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for ObjectUpload {
    fn drop(&mut self) {
        let State::Parts(Task { parts, outcome }) = std::mem::replace(&mut self.state, State::Failed) else { return };
        drop(parts);
        // On a worker of the runtime waiting could keep the very task from running. There it is left
        // to itself, and to the next run if the program ends before it.
        if Handle::try_current().is_err() {
            let _ = outcome.recv_timeout(ABORT_WAIT);
        }
    }
}

/// Sends parts until the last one and completes the upload; removes them when the sender is gone
/// or something failed.
async fn upload(bucket: Bucket, key: String, name: String, parts: mpsc::Receiver<Message>) -> Result<(), Error> {
    let created = bucket.multipart().create_multipart(&bucket.path(&key)).await;
    let upload_id = created.map_err(|error| bucket.failed(Operation::Write, &key, error))?;
    let note = UploadNote { key, upload_id };
    let mut under_way = JoinSet::new();
    let sent = match bucket.note_upload(&name, &note).await {
        Ok(()) => send_all(&bucket, &note, parts, &mut under_way).await,
        Err(error) => Err(error),
    };
    if let Ok(Ending::Completed) = sent {
        // A note that stays is cleaned by the next run, which will find no such upload.
        let _ = bucket.forget_upload(&name).await;
        return Ok(());
    }
    let settling = async { while under_way.join_next().await.is_some() {} };
    let settled = tokio::time::timeout(SETTLE_MAX, settling).await.is_ok();
    under_way.shutdown().await;
    let aborted = bucket.abort_upload(&note).await;
    // Otherwise the note stays, and the next run ends the upload once more.
    if settled && aborted.is_ok() {
        let _ = bucket.forget_upload(&name).await;
    }
    // The first error is the one to tell.
    sent.and(aborted)
}

/// A part being sent, with its index.
type PartTask = (usize, object_store::Result<PartId>);

enum Ending {
    Completed,
    /// The writer was dropped.
    Abandoned,
}

async fn send_all(
    bucket: &Bucket,
    note: &UploadNote,
    mut parts: mpsc::Receiver<Message>,
    under_way: &mut JoinSet<PartTask>,
) -> Result<Ending, Error> {
    let mut sent: Vec<Option<PartId>> = Vec::new();
    let mut size_bytes = 0;
    let last = loop {
        let message = tokio::select! {
            // Failures first: nothing more is taken after one.
            biased;
            Some(done) = under_way.join_next(), if !under_way.is_empty() => {
                part_done(bucket, note, &mut sent, done)?;
                continue;
            }
            message = parts.recv(), if under_way.len() < PARTS_UNDER_WAY => message,
        };
        let (part, is_last) = match message {
            None => return Ok(Ending::Abandoned),
            Some(Message::Part(part)) => (part, false),
            Some(Message::Last(part)) => (part, true),
        };
        size_bytes += part.len() as u64;
        let index = sent.len();
        sent.push(None);
        let (store, path, id, content) =
            (bucket.multipart().clone(), bucket.path(&note.key), note.upload_id.clone(), part.clone());
        under_way.spawn(async move { (index, store.put_part(&path, &id, index, content.into()).await) });
        if is_last {
            break part;
        }
    };
    while let Some(done) = under_way.join_next().await {
        part_done(bucket, note, &mut sent, done)?;
    }
    let ids: Vec<PartId> = sent.into_iter().flatten().collect();
    match bucket.multipart().complete_multipart(&bucket.path(&note.key), &note.upload_id, ids).await {
        Ok(_) => Ok(Ending::Completed),
        Err(error) => {
            let error = match bucket.failed(Operation::Commit, &note.key, error) {
                // The upload that is not found is our own, which we have just written to.
                Error::Object { operation, url, kind: ErrorKind::NotFound, source } => {
                    Error::Object { operation, url, kind: ErrorKind::Other, source }
                }
                other => other,
            };
            bucket.confirm(&note.key, size_bytes, &last, error).await.map(|()| Ending::Completed)
        }
    }
}

fn part_done(
    bucket: &Bucket,
    note: &UploadNote,
    sent: &mut [Option<PartId>],
    done: Result<PartTask, tokio::task::JoinError>,
) -> Result<(), Error> {
    let (index, result) =
        done.map_err(|_| Error::Stopping { operation: Operation::Write, url: bucket.url(&note.key) })?;
    sent[index] = Some(result.map_err(|error| bucket.failed(Operation::Write, &note.key, error))?);
    Ok(())
}
