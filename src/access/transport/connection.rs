//! One connection, encrypted or not. It holds its place among those that are
//! allowed, and ends by itself when the other end has said nothing for too long.
//!
//! It takes leave: what the other end still says after our last word is read and
//! thrown away, until it ends too. A socket that is closed with something unread in it
//! resets the connection, and with that the other end may lose the answers that it
//! has not read yet.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, Sleep};
use tokio_rustls::server::TlsStream;
use tonic::transport::server::Connected;

use super::Peer;

/// How long the other end may take to end its side once we have ended ours.
const LEAVE: Duration = Duration::from_secs(1);

/// Bytes to and from the other end.
#[derive(Debug)]
pub(super) enum Wire {
    /// As they are.
    Plain(TcpStream),
    /// Encrypted.
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection that was let in.
#[derive(Debug)]
pub struct Connection {
    wire: Wire,
    peer: Peer,
    heard: Instant,
    allowed: Duration,
    idle: Duration,
    deadline: Pin<Box<Sleep>>,
    leave: Leave,
    _place: OwnedSemaphorePermit,
}

/// How far a connection is with its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    /// Not begun.
    Staying,
    /// Our last word is said.
    Taking,
    /// Nothing more comes, or it was waited for long enough.
    Taken,
}

impl Connection {
    /// A connection whose first byte must come within `first`, and each after that within `idle` of the one before.
    pub(super) fn new(wire: Wire, peer: Peer, first: Duration, idle: Duration, place: OwnedSemaphorePermit) -> Self {
        let heard = Instant::now();
        let deadline = Box::pin(tokio::time::sleep_until(heard + first));
        Self { wire, peer, heard, allowed: first, idle, deadline, leave: Leave::Staying, _place: place }
    }

    /// The other end.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What the other end takes in is a sign of life too: over HTTP/1.1 whoever follows a stream says nothing.
    fn told(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if matches!(written, Poll::Ready(Ok(bytes)) if bytes > 0) {
            self.heard = Instant::now();
        }
        written
    }

    /// Reads and throws away what still comes, until the other end has ended its side too.
    fn poll_leave(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut bytes = [0; 4_096];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            // What is encrypted need not be read to be thrown away.
            let stream = match &mut self.wire {
                Wire::Plain(stream) => stream,
                Wire::Tls(stream) => stream.get_mut().0,
            };
            match Pin::new(stream).poll_read(context, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                Poll::Ready(Ok(()) | Err(_)) => return Poll::Ready(()),
                Poll::Pending => return self.deadline.as_mut().poll(context),
            }
        }
    }

    /// Ends the connection once the other end has been silent for longer than allowed.
    fn poll_silence(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.deadline.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let due = self.heard + self.allowed;
            if due <= Instant::now() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            // Something was heard since the timer was set: it is set again only now, not at every byte.
            self.deadline.as_mut().reset(due);
        }
    }
}

impl Connected for Connection {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let read = match &mut this.wire {
            Wire::Plain(stream) => Pin::new(stream).poll_read(context, buffer),
            Wire::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
        };
        match read {
            Poll::Ready(read) => {
                this.heard = Instant::now();
                if this.allowed != this.idle {
                    this.allowed = this.idle;
                    this.deadline.as_mut().reset(this.heard + this.idle);
                }
                Poll::Ready(read)
            }
            Poll::Pending => this.poll_silence(context),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = match &mut this.wire {
            Wire::Plain(stream) => Pin::new(stream).poll_write(context, bytes),
            Wire::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        this.told(written)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = match &mut this.wire {
            Wire::Plain(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Wire::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
        };
        this.told(written)
    }

    fn is_write_vectored(&self) -> bool {
        match &self.wire {
            Wire::Plain(stream) => stream.is_write_vectored(),
            Wire::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.get_mut().wire {
            Wire::Plain(stream) => Pin::new(stream).poll_flush(context),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.leave == Leave::Staying {
            ready!(match &mut this.wire {
                Wire::Plain(stream) => Pin::new(stream).poll_shutdown(context),
                Wire::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            })?;
            this.leave = Leave::Taking;
            this.deadline.as_mut().reset(Instant::now() + LEAVE);
        }
        if this.leave == Leave::Taking {
            ready!(this.poll_leave(context));
            this.leave = Leave::Taken;
        }
        Poll::Ready(Ok(()))
    }
}
