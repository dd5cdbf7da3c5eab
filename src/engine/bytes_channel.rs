//! A channel that is bounded by what its messages weigh, not by how many there are: a page may hold
//! a hundred short calls or a hundred long ones, and memory shall not depend on which.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Messages weigh at least this much, so that empty ones do not pile up either.
const WEIGHT_MIN: usize = 1 << 10;

/// Something whose weight in memory is known.
pub(super) trait Weigh {
    /// In bytes; an approximation is enough.
    fn weight(&self) -> usize;
}

/// Sends; whoever holds one may wait for room.
#[derive(Debug)]
pub(super) struct Sender<T> {
    messages: mpsc::UnboundedSender<(T, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
    bytes_max: usize,
}

/// Receives, and makes room by that.
#[derive(Debug)]
pub(super) struct Receiver<T> {
    messages: mpsc::UnboundedReceiver<(T, OwnedSemaphorePermit)>,
}

/// The receiver is gone; this was the message.
#[derive(Debug)]
pub(super) struct Closed<T>(pub(super) T);

/// At most `bytes_max` wait in the channel, or a single message that is heavier.
pub(super) fn channel<T: Weigh>(bytes_max: usize) -> (Sender<T>, Receiver<T>) {
    let bytes_max = bytes_max.clamp(WEIGHT_MIN, u32::MAX as usize);
    let (sender, receiver) = mpsc::unbounded_channel();
    (Sender { messages: sender, room: Arc::new(Semaphore::new(bytes_max)), bytes_max }, Receiver { messages: receiver })
}

impl<T: Weigh> Sender<T> {
    /// Waits for room. Dropping the future leaves nothing in the channel.
    pub(super) async fn send(&self, message: T) -> Result<(), Closed<T>> {
        let weight = message.weight().clamp(WEIGHT_MIN, self.bytes_max);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        let room = tokio::select! {
            biased;
            () = self.messages.closed() => return Err(Closed(message)),
            room = Arc::clone(&self.room).acquire_many_owned(weight) => room,
        };
        let Ok(room) = room else {
            return Err(Closed(message));
        };
        self.messages.send((message, room)).map_err(|error| Closed(error.0.0))
    }
}

impl<T> Receiver<T> {
    /// `None` when all senders are gone and nothing is left.
    pub(super) async fn recv(&mut self) -> Option<T> {
        self.messages.recv().await.map(|(message, _)| message)
    }

    /// The same, for threads that may block.
    pub(super) fn blocking_recv(&mut self) -> Option<T> {
        self.messages.blocking_recv().map(|(message, _)| message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    struct Parcel(usize);

    impl Weigh for Parcel {
        fn weight(&self) -> usize {
            self.0
        }
    }

    /// Whether a message of this weight is taken at once.
    async fn fits(sender: &Sender<Parcel>, weight: usize) -> bool {
        tokio::time::timeout(Duration::from_secs(1), sender.send(Parcel(weight))).await.is_ok_and(|sent| sent.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_counted_in_bytes() {
        let (sender, mut receiver) = channel(10_000);
        assert!(fits(&sender, 4_000).await && fits(&sender, 6_000).await);
        assert!(!fits(&sender, 1).await, "it is full, whatever the number of messages");
        assert_eq!(receiver.recv().await.unwrap().0, 4_000);
        assert!(!fits(&sender, 4_001).await && fits(&sender, 4_000).await);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_heavier_than_all_room_passes_alone() {
        let (sender, mut receiver) = channel(10_000);
        assert!(fits(&sender, 1_000_000).await);
        assert!(!fits(&sender, 0).await);
        assert_eq!(receiver.recv().await.unwrap().0, 1_000_000);
        assert!(fits(&sender, 0).await);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_for_room_learns_that_nobody_listens_any_more() {
        let (sender, receiver) = channel(10_000);
        assert!(fits(&sender, 10_000).await);
        let waiting = sender.send(Parcel(1_500));
        let leaving = async { drop(receiver) };
        let (sent, ()) = tokio::join!(waiting, leaving);
        assert_eq!(sent.unwrap_err().0.0, 1_500);
    }
}
