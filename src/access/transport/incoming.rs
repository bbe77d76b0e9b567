//! The stream of connections that a server takes. Accepting never waits for anybody:
//! each new connection has a task of its own until it is through its handshake or,
//! without TLS, has sent a first byte. Of those only so many are kept, and the oldest
//! gives way: whoever connects and is silent keeps nobody out.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use jiff::Timestamp;
use metrics::{counter, gauge};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_stream::Stream;
use tracing::{debug, warn};

use super::connection::Wire;
use super::{ClientCertificate, Connection, Credentials, Peer};
use crate::access::renewal::Renewal;
use crate::config::Connections;
use crate::telemetry::metrics as figures;

/// Connections ready to be served that wait for the server to take them.
const READY: usize = 64;

/// How long accepting rests where the system has no more sockets to give.
const REST: Duration = Duration::from_millis(50);

/// Connections as they come. Dropped, it accepts no more; those handed out live on.
#[derive(Debug)]
pub struct Incoming {
    ready: mpsc::Receiver<Connection>,
    accepting: JoinHandle<()>,
    _renewal: Option<Renewal>,
}

impl Incoming {
    /// Begins to accept; with credentials over TLS, and these are looked at every `reload`. Call within a runtime.
    ///
    /// # Errors
    /// The system gives no thread to look at the credentials.
    pub fn begin(
        listener: TcpListener,
        credentials: Option<Arc<Credentials>>,
        connections: Connections,
        reload: Duration,
    ) -> io::Result<Self> {
        let renewal = match &credentials {
            Some(credentials) => {
                let credentials = Arc::clone(credentials);
                let renew = move || {
                    credentials.renew(Timestamp::now());
                };
                Some(Renewal::start("steelyard-tls", reload, renew)?)
            }
            None => None,
        };
        let (sender, ready) = mpsc::channel(READY);
        let door = Door { credentials, connections, sender };
        Ok(Self { ready, accepting: tokio::spawn(door.accept(listener)), _renewal: renewal })
    }
}

impl Stream for Incoming {
    type Item = io::Result<Connection>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.ready.poll_recv(context).map(|connection| connection.map(Ok))
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Where connections come in.
struct Door {
    credentials: Option<Arc<Credentials>>,
    connections: Connections,
    sender: mpsc::Sender<Connection>,
}

impl Door {
    async fn accept(self, listener: TcpListener) {
        let places = Arc::new(Semaphore::new(self.connections.most));
        // Dropped with this task, and with it whoever is still at the door.
        let mut tasks = JoinSet::new();
        let mut fresh: VecDeque<Newcomer> = VecDeque::new();
        loop {
            let (stream, address) = match listener.accept().await {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    warn!(error = %error, "no connection can be accepted just now");
                    tokio::time::sleep(REST).await;
                    continue;
                }
            };
            while tasks.try_join_next().is_some() {}
            fresh.retain(|newcomer| !newcomer.task.is_finished());
            gauge!(figures::CONNECTIONS).set(figures::float(held(&places, self.connections.most)));
            let left =
                if fresh.len() >= self.connections.new { fresh.pop_front().and_then(Newcomer::leave) } else { None };
            let Some(place) = left.or_else(|| Arc::clone(&places).try_acquire_owned().ok()) else {
                counter!(figures::CONNECTIONS_REFUSED, "reason" => "full").increment(1);
                continue;
            };
            let seat: Seat = Arc::new(Mutex::new(Some(place)));
            let acceptor = self.credentials.as_ref().map(|held| TlsAcceptor::from(held.current()));
            let entering = enter(stream, address, acceptor, self.connections, Arc::clone(&seat));
            let (sender, within) = (self.sender.clone(), self.connections.handshake);
            let task = tasks.spawn(async move {
                match tokio::time::timeout(within, entering).await {
                    Ok(Ok(connection)) => {
                        // The server may be gone: then nobody is served any more.
                        let _ = sender.send(connection).await;
                    }
                    Ok(Err(error)) => {
                        counter!(figures::CONNECTIONS_REFUSED, "reason" => "handshake").increment(1);
                        debug!(peer.address = %address, error = %error, "a connection did not come about");
                    }
                    Err(_) => {
                        counter!(figures::CONNECTIONS_REFUSED, "reason" => "silent").increment(1);
                    }
                }
            });
            fresh.push_back(Newcomer { task, seat });
        }
    }
}

/// The place of a connection on its way in: whoever takes it out has it.
type Seat = Arc<Mutex<Option<OwnedSemaphorePermit>>>;

fn taken(seat: &Seat) -> Option<OwnedSemaphorePermit> {
    // Nothing can fail while it is locked.
    seat.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// A connection on its way in.
struct Newcomer {
    task: AbortHandle,
    seat: Seat,
}

impl Newcomer {
    /// Sends it away. Its place is free at once, and not only when its task is gone; `None`: it has come in just now.
    fn leave(self) -> Option<OwnedSemaphorePermit> {
        let place = taken(&self.seat)?;
        self.task.abort();
        counter!(figures::CONNECTIONS_REFUSED, "reason" => "silent").increment(1);
        Some(place)
    }
}

fn held(places: &Semaphore, most: usize) -> u64 {
    u64::try_from(most.saturating_sub(places.available_permits())).unwrap_or(u64::MAX)
}

/// Whether an error of accepting says something of one connection alone.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// The way in: the handshake or, without TLS, the first byte.
async fn enter(
    stream: TcpStream,
    address: SocketAddr,
    acceptor: Option<TlsAcceptor>,
    connections: Connections,
    seat: Seat,
) -> io::Result<Connection> {
    // A reply is several small writes: a socket that waits to fill its packets would hold each back for 40 ms.
    stream.set_nodelay(true)?;
    let (wire, certificate) = match acceptor {
        None => {
            // That it may be readable is only a guess: the byte itself is waited for.
            if stream.peek(&mut [0]).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            (Wire::Plain(stream), None)
        }
        Some(acceptor) => {
            let stream = acceptor.accept(stream).await?;
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let certificate = match shown {
                Some(der) => Some(ClientCertificate::read(der).ok_or(io::ErrorKind::InvalidData)?),
                None => None,
            };
            (Wire::Tls(Box::new(stream)), certificate.map(Arc::new))
        }
    };
    let place = taken(&seat).ok_or(io::ErrorKind::ConnectionAborted)?;
    let peer = Peer { address: Some(address), certificate };
    Ok(Connection::new(wire, peer, connections.handshake, connections.idle, place))
}
