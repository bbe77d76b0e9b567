//! A thread that does one thing again and again: looking whether files changed,
//! fetching keys. It may wait for a disk or another machine, and so is never one of
//! those that serve calls. It ends by itself when whoever started it is gone.

use std::io;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

/// The claim on such a thread. Dropped, the thread ends.
#[derive(Debug)]
pub struct Renewal {
    bell: SyncSender<()>,
}

impl Renewal {
    /// Does `renew` every `interval`, and whenever the bell is rung.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start(name: &str, interval: Duration, mut renew: impl FnMut() + Send + 'static) -> io::Result<Self> {
        let (bell, rung) = sync_channel(1);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            loop {
                match rung.recv_timeout(interval) {
                    Ok(()) | Err(RecvTimeoutError::Timeout) => renew(),
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
        })?;
        Ok(Self { bell })
    }

    /// Has it done now, by the thread. Never waits; rung already, it is rung once.
    pub fn ring(&self) {
        // Full: it has been rung and not yet been heard. Gone: the thread ended in a panic, and keys stay as they are.
        let _ = self.bell.try_send(());
    }
}
