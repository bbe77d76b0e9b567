//! Dropping old snapshots off the way of requests: taking a million rows apart
//! takes a while, and no reader should pay for it. Nothing is kept back for
//! reuse and nothing here decides what is old.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use super::snapshot::Standings;

/// How often snapshots that readers still hold are looked at again.
const AGAIN: Duration = Duration::from_millis(100);

/// A way to the thread that drops snapshots. The thread ends when every clone of this is gone.
#[derive(Clone, Debug)]
pub struct Retirement {
    sender: Sender<Arc<Standings>>,
}

impl Retirement {
    /// Starts the thread.
    ///
    /// # Panics
    /// When the system refuses a thread.
    pub fn start() -> Self {
        let (sender, receiver) = channel();
        thread::Builder::new()
            .name("retire".to_owned())
            .spawn(move || drop_when_unread(&receiver))
            .expect("a thread must be had at start");
        Self { sender }
    }

    /// Hands over a snapshot to be dropped when no reader holds it any more.
    pub fn retire(&self, standings: Arc<Standings>) {
        // With the thread gone the process is ending, and dropping here does no harm.
        drop(self.sender.send(standings));
    }

    /// Hands over several.
    pub fn retire_all(&self, standings: impl IntoIterator<Item = Arc<Standings>>) {
        standings.into_iter().for_each(|standings| self.retire(standings));
    }
}

/// Holds each snapshot until this is its last holder, so that it is dropped here and not by a reader.
fn drop_when_unread(receiver: &Receiver<Arc<Standings>>) {
    let mut waiting: Vec<Arc<Standings>> = Vec::new();
    loop {
        let next = if waiting.is_empty() {
            receiver.recv().map_err(|_| RecvTimeoutError::Disconnected)
        } else {
            receiver.recv_timeout(AGAIN)
        };
        match next {
            Ok(standings) => waiting.push(standings),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        waiting.extend(receiver.try_iter());
        waiting.retain(|standings| Arc::strong_count(standings) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::sample::People;

    #[test]
    fn a_retired_snapshot_goes_when_its_last_reader_does() {
        let retirement = Retirement::start();
        let read = Arc::new(People::of([]).standings());
        let unread = Arc::new(People::of([]).standings());
        let (read_weak, unread_weak) = (Arc::downgrade(&read), Arc::downgrade(&unread));
        retirement.retire(Arc::clone(&read));
        retirement.retire(unread);
        let gone = |weak: &std::sync::Weak<Standings>| {
            (0..100_000_000).any(|_| {
                thread::yield_now();
                weak.strong_count() == 0
            })
        };
        assert!(gone(&unread_weak));
        assert_eq!(read_weak.strong_count(), 2, "held here and by the thread");
        drop(read);
        assert!(gone(&read_weak));
    }
}
