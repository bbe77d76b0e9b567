//! The gRPC edge: parse, authorise, call, map. No rule of the field lives here.

pub mod codec;
pub mod detail;
pub mod error;
pub mod evidence;
pub mod filter;
pub mod ranking;
pub mod standing;

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Status};
use tracing::{info, warn};
use uuid::Uuid;

use crate::access::Caller;
use crate::config::{Home, Settings};
use crate::pb::evidence_service_server::EvidenceServiceServer;
use crate::pb::ranking_service_server::RankingServiceServer;
use crate::reference;
use crate::service::fault::Fault;
use crate::service::{Options, Service, Started, start};
use crate::store::space::Limits;
use crate::store::{Identity, MemoryStore, recovery};

/// Bytes free on the disk under which writes are refused, and bytes kept to be given up when it is full all the same.
const LEAST_FREE: u64 = 256 << 20;
const BALLAST: u64 = 64 << 20;

/// How often the house is put in order.
const TEND: Duration = Duration::from_secs(15);

/// How long the writer may take to end once nobody can ask it anything more.
const WRITER_ENDS: Duration = Duration::from_secs(5);

/// What every service at the edge shares.
pub struct Edge {
    /// The use cases.
    pub service: Service,
}

impl Edge {
    /// A fault as a status, logged once: what callers do wrong at debug, what goes wrong inside as a warning.
    pub fn refuse(&self, method: &'static str, caller: &Caller, fault: &Fault) -> Status {
        let reason = error::reason(fault).as_str_name();
        match fault {
            Fault::Internal | Fault::ReadOnly => {
                warn!(rpc.method = method, rpc.reason = reason, correlation_id = %caller.correlation_id, "refused");
            }
            Fault::Invalid(_)
            | Fault::UnknownSubject
            | Fault::NotOnList
            | Fault::NotYetScored
            | Fault::NoActivePolicy
            | Fault::PageTokenExpired
            | Fault::PageTokenOfOtherArguments
            | Fault::PageTokenOfAnotherStore
            | Fault::PageTokenInvalid
            | Fault::RevisionNotReached
            | Fault::RequestIdReused
            | Fault::EtagMismatch
            | Fault::UnknownRecord
            | Fault::QueueFull
            | Fault::ShuttingDown
            | Fault::TooLarge => {
                tracing::debug!(rpc.method = method, rpc.reason = reason, correlation_id = %caller.correlation_id, "refused");
            }
        }
        error::status(fault, &caller.correlation_id)
    }
}

/// The caller of a request, with an id that joins its log lines and events: the caller's own where it sent a
/// usable one as `x-correlation-id`.
pub fn correlated<T>(request: &Request<T>) -> Caller {
    let stated = request.metadata().get("x-correlation-id").and_then(|value| value.to_str().ok());
    match stated {
        Some(id) if (1..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()) => {
            Caller::loopback().correlated(id)
        }
        Some(_) | None => Caller::loopback().correlated(&Uuid::new_v4().to_string()),
    }
}

/// Opens the store, starts the service and serves until `shutdown`; then lets calls in flight end within the grace
/// period, and leaves the store in order.
///
/// # Errors
/// When the store cannot be opened or read, the policy does not validate, or the socket fails.
pub async fn run(
    settings: &Settings,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let options = options(settings);
    let home = settings.store.clone();
    let started = tokio::task::spawn_blocking(move || -> anyhow::Result<Started> {
        Ok(match &home.home {
            Home::Memory => Service::start(Arc::new(MemoryStore::new(Identity::fresh())), options)?,
            Home::Directory(directory) => {
                let recovery = recovery_options(directory, home.cache_bytes);
                let opened = start::open(&recovery, reference::tables()).context("the store could not be opened")?;
                Service::start_from(opened, options)?
            }
        })
    })
    .await??;
    let Started { service, writer, head } = started;
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<EvidenceServiceServer<evidence::Evidence>>().await;
    health.set_serving::<RankingServiceServer<ranking::Ranking>>().await;
    let tending = tokio::spawn(tend(service.clone()));
    tokio::spawn({
        let (read_only, health) = (service.read_only(), health.clone());
        async move {
            read_only.await;
            // Reads go on; a balancer that writes must look elsewhere.
            health.set_not_serving::<EvidenceServiceServer<evidence::Evidence>>().await;
        }
    });
    let edge = Arc::new(Edge { service });
    let router = router(&edge, settings, health_service)?;
    info!(grpc.address = %address, ledger.revision = head.revision.0, ledger.head = %head, "ready");
    let (stopping, stopped) = tokio::sync::oneshot::channel();
    let told = async move {
        shutdown.await;
        // Load balancers and waiting streams learn of it at once.
        health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        health.set_not_serving::<EvidenceServiceServer<evidence::Evidence>>().await;
        health.set_not_serving::<RankingServiceServer<ranking::Ranking>>().await;
        // Nobody waits once the server has ended by itself.
        let _ = stopping.send(());
    };
    // A reply is several small writes: a socket that waits to fill its packets would hold each back for 40 ms.
    let incoming = TcpIncoming::from(listener).with_nodelay(Some(true));
    let mut serving = tokio::spawn(router.serve_with_incoming_shutdown(incoming, told));
    let ended = tokio::select! {
        ended = &mut serving => Some(ended),
        _ = stopped => None,
    };
    match ended {
        Some(ended) => ended??,
        None => {
            if let Ok(ended) = tokio::time::timeout(settings.shutdown.grace, &mut serving).await {
                ended??;
            } else {
                serving.abort();
                warn!(
                    shutdown.grace_seconds = settings.shutdown.grace.as_secs(),
                    "calls were still in flight and were cut off"
                );
            }
        }
    }
    tending.abort();
    drop(edge);
    let writer = tokio::task::spawn_blocking(move || writer.join());
    if let Ok(joined) = tokio::time::timeout(WRITER_ENDS, writer).await {
        joined?.map_err(|_| anyhow::anyhow!("the writer ended in a panic"))?;
    } else {
        warn!("calls that were cut off still hold the writer; everything acknowledged is durable");
    }
    Ok(())
}

/// Keeps the house in order between calls.
async fn tend(service: Service) {
    let mut interval = tokio::time::interval(TEND);
    loop {
        interval.tick().await;
        service.tend();
    }
}

/// How the store on disk is opened: tried in a child process first, with a watch on the disk.
fn recovery_options(directory: &Path, cache_bytes: u64) -> recovery::Options {
    let probe = match std::env::current_exe() {
        Ok(executable) if executable.file_stem().is_some_and(|name| name == "steelyard") => {
            Some(recovery::probe::in_child(executable))
        }
        // Not our own command, such as a test's: nothing there answers to `probe-store`.
        Ok(_) => None,
        Err(error) => {
            warn!(error = %error, "the store will be opened without trying it in a process of its own first");
            None
        }
    };
    let space = Limits { least_bytes: LEAST_FREE, ballast_bytes: BALLAST };
    recovery::Options { probe, space, ..start::options(directory, cache_bytes) }
}

fn options(settings: &Settings) -> Options {
    Options {
        as_of: settings.lists.as_of,
        policy: settings.lists.policy.as_ref().map(|file| file.text.clone()),
        stale_after: settings.lists.stale_after,
        page_pins: settings.limits.page_pins,
        now: Arc::new(Timestamp::now),
    }
}

fn router(
    edge: &Arc<Edge>,
    settings: &Settings,
    health: tonic_health::pb::health_server::HealthServer<impl tonic_health::pb::health_server::Health>,
) -> anyhow::Result<tonic::transport::server::Router> {
    let most = settings.limits.message_bytes;
    let evidence = EvidenceServiceServer::new(evidence::Evidence(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let ranking = RankingServiceServer::new(ranking::Ranking(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(crate::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(tonic::transport::Server::builder()
        .timeout(settings.limits.request_timeout)
        .max_concurrent_streams(settings.limits.concurrent_streams)
        .add_service(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(evidence)
        .add_service(ranking))
}
