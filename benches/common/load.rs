//! Callers, in a process of their own, as cheap as they can be: HTTP/2 frames
//! that are ready to send, and replies that are counted and not read, since
//! whatever callers cost on this machine hides what the server costs.

use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use h2::client::SendRequest;
use hdrhistogram::Histogram;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde::{Deserialize, Serialize};

use super::bytes::kept;
use super::process;

/// Name of this part.
pub const PART: &str = "load";

/// Who calls, and how long.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Load {
    /// Where.
    pub address: String,
    /// Path of the method.
    pub method: String,
    /// File of requests, which are sent one after another.
    pub requests: std::path::PathBuf,
    /// Connections.
    pub connections: usize,
    /// Calls in flight on each.
    pub in_flight: usize,
    /// Seconds; `None`: until each request was sent once.
    pub seconds: Option<f64>,
    /// How callers say who they are; `None`: not at all, and in plain text.
    #[serde(default)]
    pub secure: Option<Secure>,
    /// Whether `method` is what a GET asks for over HTTP, and there are no messages to send.
    #[serde(default)]
    pub get: bool,
}

/// How callers say who they are, over TLS.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Secure {
    /// PEM file of the authority of the server.
    pub authority: std::path::PathBuf,
    /// PEM file of the callers' certificate.
    pub certificate: std::path::PathBuf,
    /// PEM file of its key.
    pub key: std::path::PathBuf,
    /// Their token; `None`: the certificate alone.
    pub token: Option<String>,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Calls answered.
    pub calls: u64,
    /// Seconds that took.
    pub seconds: f64,
    /// Bytes of replies.
    pub bytes: u64,
    /// Half of the calls took at most this, in microseconds.
    pub p50: u64,
    /// 99 in 100 took at most this, in microseconds.
    pub p99: u64,
}

impl Outcome {
    /// Calls a second.
    pub fn rate(&self) -> f64 {
        self.calls as f64 / self.seconds
    }
}

impl Load {
    /// Four connections with 16 calls in flight each, for some seconds.
    pub fn usual(address: &str, method: &str, requests: &Path, seconds: f64) -> Self {
        Self {
            address: address.to_owned(),
            method: method.to_owned(),
            requests: requests.to_owned(),
            connections: 4,
            in_flight: 16,
            seconds: Some(seconds),
            secure: None,
            get: false,
        }
    }

    /// Calls from another process, and waits for the outcome.
    ///
    /// # Errors
    /// When any call failed.
    pub fn run(&self) -> anyhow::Result<Outcome> {
        let mut process = process::part(&[PART, &serde_json::to_string(self)?])?;
        let mut out = String::new();
        process.0.stdout.take().context("its output is piped")?.read_to_string(&mut out)?;
        ensure!(process.0.wait()?.success(), "the callers failed");
        Ok(serde_json::from_str(&out)?)
    }
}

/// Calls made before anything is counted, as part of the time.
const WARMING: f64 = 0.1;

/// Calls, and prints what came of it.
pub fn call(arguments: &[String]) -> anyhow::Result<()> {
    let load: Load = serde_json::from_str(arguments.first().context("callers are told what to do")?)?;
    let requests: Vec<Bytes> =
        if load.get { vec![Bytes::new()] } else { kept(&load.requests)?.iter().map(framed).collect() };
    let plan = Arc::new(Plan::new(&load, requests)?);
    let threads = load.connections.min(2);
    let (sender, tallies) = std::sync::mpsc::channel();
    for thread in 0..threads {
        let plan = Arc::clone(&plan);
        let sender = sender.clone();
        let connections = (thread..load.connections).step_by(threads).count();
        std::thread::spawn(move || sender.send(plan.on_this_thread(connections)));
    }
    drop(sender);
    let mut all = Tally::default();
    for tally in tallies {
        all.add(&tally?)?;
    }
    let seconds = plan.counted_since.elapsed().as_secs_f64();
    let outcome = Outcome {
        calls: all.micros.len(),
        seconds,
        bytes: all.bytes,
        p50: all.micros.value_at_quantile(0.5),
        p99: all.micros.value_at_quantile(0.99),
    };
    println!("{}", serde_json::to_string(&outcome)?);
    Ok(())
}

/// A request in its gRPC frame.
fn framed(message: &Bytes) -> Bytes {
    let mut frame = BytesMut::with_capacity(message.len() + 5);
    frame.put_u8(0);
    frame.put_u32(u32::try_from(message.len()).expect("a request must be under 4 GiB"));
    frame.put_slice(message);
    frame.freeze()
}

struct Plan {
    address: SocketAddr,
    request: http::Request<()>,
    tls: Option<tokio_rustls::TlsConnector>,
    frames: Vec<Bytes>,
    get: bool,
    next: AtomicUsize,
    in_flight: usize,
    counted_since: Instant,
    until: Option<Instant>,
}

struct Tally {
    micros: Histogram<u64>,
    bytes: u64,
}

impl Default for Tally {
    fn default() -> Self {
        Self { micros: Histogram::new(3).expect("three digits must be allowed"), bytes: 0 }
    }
}

impl Tally {
    fn add(&mut self, other: &Self) -> anyhow::Result<()> {
        self.micros.add(&other.micros)?;
        self.bytes += other.bytes;
        Ok(())
    }
}

impl Plan {
    fn new(load: &Load, frames: Vec<Bytes>) -> anyhow::Result<Self> {
        let token = load.secure.as_ref().and_then(|secure| secure.token.clone());
        let mut request = http::Request::post(format!("http://{}{}", load.address, load.method))
            .version(http::Version::HTTP_2)
            .header(http::header::TE, "trailers")
            .header(http::header::CONTENT_TYPE, "application/grpc")
            .body(())?;
        if load.get {
            request = http::Request::get(format!("http://{}{}", load.address, load.method)).body(())?;
        }
        if let Some(token) = token {
            let value = http::HeaderValue::from_str(&format!("Bearer {token}"))?;
            request.headers_mut().insert(http::header::AUTHORIZATION, value);
        }
        let counted_since = match load.seconds {
            Some(seconds) => Instant::now() + Duration::from_secs_f64(seconds * WARMING),
            None => Instant::now(),
        };
        Ok(Self {
            address: load.address.parse()?,
            request,
            tls: load.secure.as_ref().map(connector).transpose()?,
            frames,
            get: load.get,
            next: AtomicUsize::new(0),
            in_flight: load.in_flight,
            counted_since,
            until: load.seconds.map(|seconds| counted_since + Duration::from_secs_f64(seconds)),
        })
    }

    /// A request that is still to be sent.
    fn frame(&self) -> Option<Bytes> {
        let next = self.next.fetch_add(1, Ordering::Relaxed);
        match self.until {
            Some(until) => (Instant::now() < until).then(|| self.frames[next % self.frames.len()].clone()),
            None => self.frames.get(next).cloned(),
        }
    }

    fn on_this_thread(self: Arc<Self>, connections: usize) -> anyhow::Result<Tally> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let local = tokio::task::LocalSet::new();
        runtime.block_on(local.run_until(async {
            let mut callers = tokio::task::JoinSet::new();
            for _ in 0..connections {
                let socket = tokio::net::TcpStream::connect(self.address).await?;
                socket.set_nodelay(true)?;
                let send = match &self.tls {
                    None => connected(socket).await?,
                    Some(tls) => connected(tls.connect("localhost".try_into()?, socket).await?).await?,
                };
                for _ in 0..self.in_flight {
                    callers.spawn_local(caller(Arc::clone(&self), send.clone()));
                }
            }
            let mut all = Tally::default();
            while let Some(tally) = callers.join_next().await {
                all.add(&tally??)?;
            }
            Ok(all)
        }))
    }
}

/// A connection of HTTP/2 over a socket.
async fn connected(
    socket: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin + 'static,
) -> anyhow::Result<SendRequest<Bytes>> {
    let (send, connection) = h2::client::Builder::new()
        .initial_window_size(1 << 20)
        .initial_connection_window_size(16 << 20)
        .handshake::<_, Bytes>(socket)
        .await?;
    tokio::task::spawn_local(connection);
    Ok(send)
}

/// What makes connections over TLS with a certificate.
fn connector(secure: &Secure) -> anyhow::Result<tokio_rustls::TlsConnector> {
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(&secure.authority)? {
        roots.add(certificate?)?;
    }
    let chain = CertificateDer::pem_file_iter(&secure.certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(&secure.key)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_client_auth_cert(chain, key)?;
    tls.alpn_protocols = vec![b"h2".to_vec()];
    Ok(tokio_rustls::TlsConnector::from(Arc::new(tls)))
}

async fn caller(plan: Arc<Plan>, mut send: SendRequest<Bytes>) -> anyhow::Result<Tally> {
    let mut tally = Tally::default();
    while let Some(frame) = plan.frame() {
        let started = Instant::now();
        send = send.ready().await?;
        let (response, mut stream) = send.send_request(plan.request.clone(), plan.get)?;
        if !plan.get {
            stream.send_data(frame, true)?;
        }
        let response = response.await?;
        ensure!(response.status() == http::StatusCode::OK, "a call was refused: {}", response.status());
        // A refusal without a message has its status among the headers.
        let refused = response.headers().get("grpc-status").cloned();
        let message = response.headers().get("grpc-message").cloned();
        ensure!(refused.is_none(), "a call was refused: {refused:?}, {message:?}");
        let mut body = response.into_body();
        let mut bytes = 0;
        while let Some(part) = body.data().await {
            let length = part?.len();
            bytes += length as u64;
            body.flow_control().release_capacity(length)?;
        }
        let status = body.trailers().await?.and_then(|trailers| trailers.get("grpc-status").cloned());
        ensure!(plan.get || status.as_ref().is_some_and(|status| status == "0"), "a call was refused: {status:?}");
        if started >= plan.counted_since {
            let micros = u64::try_from(started.elapsed().as_micros())?;
            tally.micros.record(micros)?;
            tally.bytes += bytes;
        }
    }
    Ok(tally)
}
