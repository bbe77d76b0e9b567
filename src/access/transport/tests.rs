//! Handshakes over real sockets: who gets through, who does not, and what the silent
//! cost the others.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use rcgen::{CertificateParams, DnType, SanType};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_stream::StreamExt;

use super::fixture::{Authority, Leaf};
use super::*;
use crate::config::{Clients, Connections, Pair, Tls};

/// A bound on every wait.
const SOON: Duration = Duration::from_secs(20);

struct House {
    folder: tempfile::TempDir,
    servers: Authority,
    clients: Authority,
}

impl House {
    fn new() -> Self {
        let house = Self {
            folder: tempfile::tempdir().unwrap(),
            servers: Authority::new("servers"),
            clients: Authority::new("clients"),
        };
        house.servers.issue(&["localhost"], |_| {}).write(&house.path("server.pem"), &house.path("server.key"));
        std::fs::write(house.path("clients.pem"), house.clients.pem()).unwrap();
        house
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn tls(&self, clients: impl FnOnce(PathBuf) -> Clients) -> Tls {
        Tls {
            pair: Some(Pair { certificate: self.path("server.pem"), key: self.path("server.key") }),
            clients: clients(self.path("clients.pem")),
            reload: Duration::from_hours(1),
        }
    }

    fn credentials(&self, clients: impl FnOnce(PathBuf) -> Clients) -> Arc<Credentials> {
        Arc::new(Credentials::open(&self.tls(clients), Timestamp::now()).unwrap().unwrap())
    }

    /// A client that trusts this house's servers and shows a certificate or none.
    async fn connect(&self, address: SocketAddr, leaf: Option<&Leaf>) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(Leaf { certificate: self.servers.pem(), key: String::new() }.chain());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match leaf {
            Some(leaf) => builder.with_client_auth_cert(leaf.chain(), leaf.private()).unwrap(),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        let stream = TcpStream::connect(address).await?;
        TlsConnector::from(Arc::new(config)).connect(ServerName::try_from("localhost").unwrap(), stream).await
    }
}

fn connections(new: usize) -> Connections {
    Connections { most: 64, new, handshake: SOON, idle: SOON }
}

/// A server that answers each byte with the same, and tells who came.
async fn echo(
    credentials: Option<Arc<Credentials>>,
    allowed: Connections,
) -> (SocketAddr, tokio::sync::mpsc::Receiver<Peer>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut incoming = Incoming::begin(listener, credentials, allowed, Duration::from_hours(1)).unwrap();
    let (sender, peers) = tokio::sync::mpsc::channel(64);
    tokio::spawn(async move {
        while let Some(Ok(mut connection)) = incoming.next().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                drop(sender.send(connection.peer().clone()).await);
                let mut byte = [0];
                while matches!(connection.read(&mut byte).await, Ok(1)) {
                    if connection.write_all(&byte).await.is_err() || connection.flush().await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, peers)
}

/// Whether a byte comes back: TLS 1.3 tells a client that it was refused only when it reads.
async fn answers(stream: &mut (impl AsyncReadExt + AsyncWriteExt + Unpin)) -> bool {
    let asked = async {
        stream.write_all(b"x").await?;
        stream.flush().await?;
        stream.read_u8().await
    };
    matches!(tokio::time::timeout(SOON, asked).await.expect("a server that answers or closes"), Ok(b'x'))
}

async fn is_served(house: &House, address: SocketAddr, leaf: Option<&Leaf>) -> bool {
    match house.connect(address, leaf).await {
        Ok(mut stream) => answers(&mut stream).await,
        Err(_) => false,
    }
}

#[tokio::test]
async fn only_a_certificate_of_the_authority_gets_in_where_one_is_required() {
    let house = House::new();
    let (address, mut peers) = echo(Some(house.credentials(Clients::Required)), connections(8)).await;
    let known = house.clients.issue(&["client.example"], |_| {});
    let stranger = Authority::new("strangers").issue(&["client.example"], |_| {});
    assert!(!is_served(&house, address, None).await);
    assert!(!is_served(&house, address, Some(&stranger)).await);
    assert!(is_served(&house, address, Some(&known)).await);
    let peer = peers.recv().await.unwrap();
    assert_eq!(peer.certificate.unwrap().dns.as_ref(), [Box::from("client.example")]);
}

#[tokio::test]
async fn where_certificates_are_optional_a_wrong_one_is_refused_and_none_is_not() {
    let house = House::new();
    let (address, mut peers) = echo(Some(house.credentials(Clients::Optional)), connections(8)).await;
    let stranger = Authority::new("strangers").issue(&["client.example"], |_| {});
    assert!(!is_served(&house, address, Some(&stranger)).await);
    assert!(is_served(&house, address, None).await);
    assert_eq!(peers.recv().await.unwrap().certificate, None);
}

#[tokio::test]
async fn who_is_still_talking_when_the_server_ends_a_connection_reads_its_last_word() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut incoming = Incoming::begin(listener, None, connections(8), Duration::from_hours(1)).unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(&[7; 1_000]).await.unwrap();
    let mut connection = incoming.next().await.unwrap().unwrap();
    // Of what the client says one byte is read, and it goes on when the last word is said.
    connection.read_u8().await.unwrap();
    connection.write_all(b"last").await.unwrap();
    let leaving = tokio::spawn(async move { connection.shutdown().await });
    client.write_all(&[7; 1_000]).await.unwrap();
    client.shutdown().await.unwrap();
    tokio::time::timeout(SOON, leaving).await.expect("it must end when both have").unwrap().unwrap();
    let mut heard = Vec::new();
    client.read_to_end(&mut heard).await.expect("a connection that is ended in order is not reset");
    assert_eq!(heard, b"last");
}

#[tokio::test]
async fn who_never_stops_talking_is_left_all_the_same() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let mut incoming = Incoming::begin(listener, None, connections(8), Duration::from_hours(1)).unwrap();
    let mut client = TcpStream::connect(address).await.unwrap();
    client.write_all(b"x").await.unwrap();
    let mut connection = incoming.next().await.unwrap().unwrap();
    tokio::time::timeout(SOON, connection.shutdown()).await.expect("leave must come to its end").unwrap();
}

#[tokio::test]
async fn a_client_of_an_older_tls_is_refused() {
    let house = House::new();
    let (address, _peers) = echo(Some(house.credentials(|_| Clients::Off)), connections(8)).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A hello that offers TLS 1.2 and nothing newer: ECDHE-RSA and ECDHE-ECDSA with AES-128-GCM, P-256.
    let extensions: &[u8] = &[0, 10, 0, 4, 0, 2, 0, 23, 0, 13, 0, 6, 0, 4, 4, 3, 4, 1];
    let mut body = vec![3, 3];
    body.extend([7; 32]);
    body.extend([0, 0, 4, 0xC0, 0x2B, 0xC0, 0x2F, 1, 0]);
    body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
    body.extend(extensions);
    let mut hello = vec![22, 3, 1];
    hello.extend(u16::try_from(body.len() + 4).unwrap().to_be_bytes());
    hello.extend([1, 0]);
    hello.extend(u16::try_from(body.len()).unwrap().to_be_bytes());
    hello.extend(&body);
    stream.write_all(&hello).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(SOON, stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    // A fatal alert: protocol_version.
    assert_eq!((answer.first(), answer.last()), (Some(&21), Some(&70)), "{answer:?}");
}

#[tokio::test]
async fn a_new_certificate_serves_new_connections_and_old_ones_live_on() {
    let house = House::new();
    let credentials = house.credentials(|_| Clients::Off);
    let (address, _peers) = echo(Some(Arc::clone(&credentials)), connections(8)).await;
    let shown = |stream: &TlsStream<TcpStream>| stream.get_ref().1.peer_certificates().unwrap()[0].clone();
    let mut old = house.connect(address, None).await.unwrap();
    assert!(!credentials.renew(Timestamp::now()), "nothing changed");
    let fresh = house.servers.issue(&["localhost"], |_| {});
    fresh.write(&house.path("server.pem"), &house.path("server.key"));
    assert!(credentials.renew(Timestamp::now()));
    let mut new = house.connect(address, None).await.unwrap();
    assert_eq!(shown(&new), fresh.chain()[0]);
    assert_ne!(shown(&old), shown(&new));
    assert!(answers(&mut old).await && answers(&mut new).await);
}

#[tokio::test]
async fn files_that_cannot_be_used_leave_the_old_certificate() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    let credentials = house.credentials(|_| Clients::Off);
    let (address, _peers) = echo(Some(Arc::clone(&credentials)), connections(8)).await;
    let (certificate, key) = (house.path("server.pem"), house.path("server.key"));
    let fresh = house.servers.issue(&["localhost"], |_| {});
    std::fs::write(&certificate, &fresh.certificate).unwrap();
    assert!(!credentials.renew(Timestamp::now()), "the key is the old certificate's");
    std::fs::write(&certificate, "nothing").unwrap();
    assert!(!credentials.renew(Timestamp::now()));
    std::fs::remove_file(&certificate).unwrap();
    assert!(!credentials.renew(Timestamp::now()));
    fresh.write(&certificate, &key);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(!credentials.renew(Timestamp::now()), "others may read the key");
    assert!(is_served(&house, address, None).await);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&certificate, format!("{}\n", fresh.certificate)).unwrap();
    assert!(credentials.renew(Timestamp::now()));
    assert!(is_served(&house, address, None).await);
}

#[test]
fn a_start_with_files_that_cannot_be_used_is_refused_and_says_which() {
    use std::os::unix::fs::PermissionsExt;
    let house = House::new();
    let open = || Credentials::open(&house.tls(|_| Clients::Off), Timestamp::now()).unwrap_err();
    let (certificate, key) = (house.path("server.pem"), house.path("server.key"));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(open(), CredentialsFault::KeyReadable { mode: 0o644, .. }));
    house.servers.issue(&["localhost"], |_| {}).write(&house.path("other.pem"), &key);
    assert!(matches!(open(), CredentialsFault::Mismatch { .. }));
    let past = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    house.servers.issue(&["localhost"], past).write(&certificate, &key);
    assert!(matches!(open(), CredentialsFault::Expired { .. }));
    std::fs::remove_file(&key).unwrap();
    assert!(matches!(open(), CredentialsFault::Unreadable { key: "tls.key", .. }));
}

#[tokio::test]
async fn whoever_connects_and_is_silent_keeps_nobody_out() {
    let house = House::new();
    for credentials in [Some(house.credentials(|_| Clients::Off)), None] {
        let encrypted = credentials.is_some();
        let (address, _peers) = echo(credentials, connections(4)).await;
        let mut silent = Vec::new();
        for _ in 0..200 {
            silent.push(TcpStream::connect(address).await.unwrap());
        }
        if encrypted {
            assert!(is_served(&house, address, None).await);
        } else {
            assert!(answers(&mut TcpStream::connect(address).await.unwrap()).await);
        }
        // The first to be silent was the first to go.
        let closed = tokio::time::timeout(SOON, silent[0].read(&mut [0])).await.unwrap();
        assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
    }
}

#[tokio::test]
async fn a_connection_beyond_the_most_is_closed_and_one_that_ends_makes_room() {
    let (address, _peers) = echo(None, Connections { most: 2, new: 1, ..connections(1) }).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        assert!(answers(&mut stream).await);
        held.push(stream);
    }
    let mut beyond = TcpStream::connect(address).await.unwrap();
    assert!(!answers(&mut beyond).await);
    held.pop();
    let again = async {
        while !answers(&mut TcpStream::connect(address).await.unwrap()).await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, again).await.expect("room must come");
}

#[tokio::test]
async fn a_connection_that_falls_silent_is_closed() {
    let allowed = Connections { idle: Duration::from_millis(50), ..connections(4) };
    let (address, _peers) = echo(None, allowed).await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    assert!(answers(&mut stream).await);
    let closed = tokio::time::timeout(SOON, stream.read(&mut [0])).await.expect("it must be closed");
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
}

#[test]
fn a_certificate_is_read_with_all_its_names() {
    let leaf = Authority::new("clients").issue(&["Client.Example"], |params| {
        params.subject_alt_names.push(SanType::URI("spiffe://force/nightly".try_into().unwrap()));
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, "nightly");
    });
    let read = ClientCertificate::read(&leaf.chain()[0]).unwrap();
    assert_eq!(read.dns.as_ref(), [Box::from("client.example")]);
    assert_eq!(read.uris.as_ref(), [Box::from("spiffe://force/nightly")]);
    assert_eq!(read.common_name.as_deref(), Some("nightly"));
    assert!(ClientCertificate::read(b"nothing").is_none());
}
