//! A server from its start to its end: what is opened in which order, what every
//! call goes through, and what is closed in which order. It answers no call.

use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tonic::service::Routes;
use tonic::transport::Server;
use tonic_health::server::HealthReporter;
use tower::Layer;
use tracing::{info, warn};

use super::auditor::Auditor;
use super::gate::Gate;
use super::health_http::Probes;
use super::http::call::Calls;
use super::signin::SigningIn;
use super::{Edge, audit, cohort, erasure, evidence, http, maintenance, outstanding, policy, ranking, rescore};
use crate::access::audit::{AuditError, AuditLog, Options as AuditOptions};
use crate::access::authenticate::Authenticator;
use crate::access::transport::{Credentials, Incoming};
use crate::config::{self, HarmTableFile, Home, Settings};
use crate::pb::audit_service_server::AuditServiceServer;
use crate::pb::cohort_service_server::CohortServiceServer;
use crate::pb::evidence_service_server::EvidenceServiceServer;
use crate::pb::maintenance_service_server::MaintenanceServiceServer;
use crate::pb::outstanding_service_server::OutstandingServiceServer;
use crate::pb::policy_service_server::PolicyServiceServer;
use crate::pb::ranking_service_server::RankingServiceServer;
use crate::pb::rescore_service_server::RescoreServiceServer;
use crate::reference;
use crate::service::board::Condition;
use crate::service::keeping::files::Files;
use crate::service::keeping::{Keeping, Vault};
use crate::service::rescore::Rescoring;
use crate::service::{Options, Service, Started, start};
use crate::store::archive::Archive;
use crate::store::space::Limits;
use crate::store::{Identity, MemoryStore, Store, recovery};
use crate::telemetry::trace::Tracing;

/// How often the house is put in order.
const TEND: Duration = Duration::from_secs(15);

/// How long the writer may take to end once nobody can ask it anything more.
const WRITER_ENDS: Duration = Duration::from_secs(5);

/// What stands between the port and the services.
pub(super) struct Guard {
    credentials: Option<Arc<Credentials>>,
    authenticator: Arc<Authenticator>,
    signing: Option<SigningIn>,
    tracing: Tracing,
}

impl Guard {
    /// Reads certificates and keys, before anything of the store is opened.
    pub(super) async fn open(settings: &Settings) -> anyhow::Result<Self> {
        let tracing = Tracing::start(&settings.tracing)?;
        let settings = settings.clone();
        // Keys may be another machine's to give.
        tokio::task::spawn_blocking(move || {
            let credentials = Credentials::open(&settings.tls, Timestamp::now())?.map(Arc::new);
            let authenticator = Arc::new(Authenticator::open(&settings)?);
            let signing = SigningIn::open(&settings, &authenticator)?;
            Ok(Self { credentials, authenticator, signing, tracing })
        })
        .await?
    }
}

/// Sockets to serve on.
#[derive(Debug)]
pub struct Listeners {
    /// For gRPC.
    pub grpc: TcpListener,
    /// For pages, JSON and gRPC-web. `None`: they are not served.
    pub http: Option<TcpListener>,
    /// For liveness, readiness and metrics. `None`: they are not served.
    pub health: Option<TcpListener>,
}

/// Opens the store, starts the service and serves until `shutdown`, or until the writer stops for good; then lets
/// calls in flight end within the grace period, and leaves the store in order.
///
/// # Errors
/// When the store cannot be opened or read, the policy does not validate, the socket fails, or the writer stopped:
/// see [`Halt`](crate::service::outage::Halt).
pub async fn run(
    settings: &Settings,
    listeners: Listeners,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let Listeners { grpc, http, health } = listeners;
    let probes = Probes::opening(health.is_some());
    let probing = health.map(|listener| probes.serve(listener));
    let outcome = open_and_serve(settings, (grpc, http), &probes, shutdown).await;
    if let Some(probing) = probing {
        probing.abort();
    }
    outcome
}

/// Where calls come in: over gRPC, and over HTTP where that is served.
pub(super) type Doors = (TcpListener, Option<TcpListener>);

async fn open_and_serve(
    settings: &Settings,
    doors: Doors,
    probes: &Probes,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let guard = Guard::open(settings).await?;
    let options = options(settings);
    let (home, backups) = (settings.store.clone(), settings.backup.directory.clone());
    let encryption = settings.encryption.clone();
    let started = tokio::task::spawn_blocking(move || -> anyhow::Result<Started> {
        Ok(match &home.home {
            Home::Memory => Service::start(Arc::new(MemoryStore::new(Identity::fresh())), options)?,
            Home::Directory(directory) => {
                let keys = erasure::keys(&encryption)?;
                let recovery = recovery::Options { keys, ..recovery_options(directory, &home, backups) };
                let opened = start::open(&recovery, reference::tables()).context("the store could not be opened")?;
                Service::start_from(opened, options)?
            }
        })
    })
    .await??;
    let keeping = started.service.keep(vault(settings), settings.backup.clone())?;
    let archive = archive(settings)?;
    let audit = audit_log(settings, &started.service).await?;
    probes.serving(started.service.clone(), keeping.clone());
    let kept = (keeping, archive, audit);
    let served = serve(started, kept, guard, settings, doors, probes.clone(), shutdown).await;
    probes.stopping();
    served
}

/// Serves a store that is open already, without probes and without backups, until `shutdown`: for whoever compares one
/// way of keeping with another.
///
/// # Errors
/// As [`run`].
pub async fn run_on(
    store: Arc<dyn Store>,
    settings: &Settings,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let guard = Guard::open(settings).await?;
    let options = options(settings);
    let started = tokio::task::spawn_blocking(move || Service::start(store, options)).await??;
    let keeping = started.service.keep(None, settings.backup.clone())?;
    let audit = anchored(&started.service, AuditLog::in_passing).await?;
    let kept = (keeping, Archive::in_memory(), audit);
    serve(started, kept, guard, settings, (listener, None), Probes::opening(false), shutdown).await
}

/// The place of backups, for a store that has files.
fn vault(settings: &Settings) -> Option<Box<dyn Vault>> {
    match (&settings.store.home, &settings.backup.directory) {
        (Home::Directory(home), Some(directory)) => {
            Some(Box::new(Files::new(directory.clone(), home.clone(), settings.store.min_free_bytes)))
        }
        (Home::Directory(_) | Home::Memory, None) | (Home::Memory, Some(_)) => None,
    }
}

/// The audit beside the store, with its head in the ledger from now on.
async fn audit_log(settings: &Settings, service: &Service) -> anyhow::Result<AuditLog> {
    match &settings.store.home {
        Home::Directory(home) => {
            let directory = home.join("audit");
            anchored(service, move || AuditLog::open(&directory, AuditOptions::default())).await
        }
        Home::Memory => anchored(service, AuditLog::in_passing).await,
    }
}

pub(super) async fn anchored(
    service: &Service,
    open: impl FnOnce() -> Result<AuditLog, AuditError> + Send + 'static,
) -> anyhow::Result<AuditLog> {
    let service = service.clone();
    let opening = tokio::task::spawn_blocking(move || -> anyhow::Result<AuditLog> {
        let audit = open().context("the audit could not be opened")?;
        service.anchor(&audit).context("the audit could not be compared with the ledger")?;
        Ok(audit)
    });
    opening.await?
}

/// The place of published generations.
fn archive(settings: &Settings) -> anyhow::Result<Archive> {
    Ok(match &settings.store.home {
        Home::Directory(home) => Archive::open(&home.join("generations"))?,
        Home::Memory => Archive::in_memory(),
    })
}

/// Serves what was started.
pub(super) async fn serve(
    Started { service, writer, head }: Started,
    (keeping, archive, audit): (Keeping, Archive, AuditLog),
    guard: Guard,
    settings: &Settings,
    (grpc, http): Doors,
    probes: Probes,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> anyhow::Result<()> {
    let address = grpc.local_addr()?;
    let http_address = http.as_ref().map(TcpListener::local_addr).transpose()?;
    let own = settings.evaluation.harm_tables.iter().map(HarmTableFile::table);
    let service = service.scheduled(settings.retention).with_harm_tables(own.collect());
    let Guard { credentials, authenticator, signing, tracing } = guard;
    let authenticator_asks = authenticator.asks();
    let (health, health_service) = tonic_health::server::health_reporter();
    health.set_serving::<EvidenceServiceServer<evidence::Evidence>>().await;
    health.set_serving::<RankingServiceServer<ranking::Ranking>>().await;
    health.set_serving::<MaintenanceServiceServer<maintenance::Maintenance>>().await;
    health.set_serving::<OutstandingServiceServer<outstanding::Outstanding>>().await;
    health.set_serving::<CohortServiceServer<cohort::Cohort>>().await;
    health.set_serving::<RescoreServiceServer<rescore::Rescore>>().await;
    health.set_serving::<PolicyServiceServer<policy::Policies>>().await;
    health.set_serving::<AuditServiceServer<audit::Audit>>().await;
    let following = tokio::spawn(follow(service.conditions(), health.clone()));
    let halted = halted(service.conditions());
    let streams = service.streams();
    let rescoring = Rescoring::start(service.clone(), Arc::new(archive), settings.rescore.clone())?;
    if let Err(fault) = rescoring.blank().await {
        warn!(reason = %fault, "rows of erased people could not be blanked in published generations: tried again");
    }
    let auditor = Auditor::new(settings.audit.enabled.then(|| audit.clone()));
    let edge = Arc::new(Edge {
        service,
        keeping: keeping.clone(),
        rescoring: rescoring.clone(),
        audit: audit.clone(),
        auditor,
    });
    let gate = Gate::new(authenticator, edge.auditor.clone(), settings.limits, tracing.clone());
    let tending = tokio::spawn(tend(rescoring.clone(), gate.clone(), signing.clone()));
    let open = !authenticator_asks;
    let gated = gate.layer(routes(&edge, settings, health_service)?.prepare());
    info!(grpc.address = %address, http.address = %told(http_address), ledger.revision = head.revision.0, ledger.head = %head, "ready");
    let (stopping, stopped) = oneshot::channel();
    let (end_http, http_ended) = oneshot::channel();
    let stop = async move {
        tokio::select! {
            () = shutdown => {}
            () = halted => {}
        }
        // Nothing may say otherwise any more.
        following.abort();
        drop(following.await);
        probes.stopping();
        // Load balancers and waiting streams learn of it at once.
        health.set_service_status("", tonic_health::ServingStatus::NotServing).await;
        health.set_not_serving::<EvidenceServiceServer<evidence::Evidence>>().await;
        health.set_not_serving::<RankingServiceServer<ranking::Ranking>>().await;
        health.set_not_serving::<MaintenanceServiceServer<maintenance::Maintenance>>().await;
        health.set_not_serving::<OutstandingServiceServer<outstanding::Outstanding>>().await;
        health.set_not_serving::<CohortServiceServer<cohort::Cohort>>().await;
        health.set_not_serving::<RescoreServiceServer<rescore::Rescore>>().await;
        health.set_not_serving::<PolicyServiceServer<policy::Policies>>().await;
        health.set_not_serving::<AuditServiceServer<audit::Audit>>().await;
        streams.end();
        // Nobody may be served over HTTP any more, or it has ended by itself.
        let _ = end_http.send(());
        // A backup that is being made is given up: whoever waits for it is told so, and the server can end.
        keeping.give_up();
        rescoring.give_up();
        // Nobody waits once the server has ended by itself.
        let _ = stopping.send(());
    };
    let incoming = |listener| Incoming::begin(listener, credentials.clone(), settings.connections, settings.tls.reload);
    let over_grpc = server(settings).serve_with_incoming_shutdown(gated.clone(), incoming(grpc)?, stop);
    let coming = http.map(incoming).transpose()?;
    let calls = Calls::new(gated, edge.service.clone(), settings.limits.message_bytes);
    let pages = http::router(&calls, &settings.http, open, signing);
    drop(calls);
    let http_server = server(settings).accept_http1(true);
    let over_http = async move {
        let Some(coming) = coming else { return Ok(()) };
        let ended = async {
            let _ = http_ended.await;
        };
        http_server.serve_with_incoming_shutdown(Routes::from(pages), coming, ended).await
    };
    let serving = tokio::spawn(async move { tokio::try_join!(over_grpc, over_http).map(|((), ())| ()) });
    ended(serving, stopped, settings.shutdown.grace).await?;
    tending.abort();
    let (keeping, rescoring, auditor) = (edge.keeping.clone(), edge.rescoring.clone(), edge.auditor.clone());
    drop(edge);
    // What is told waits in the audit's queue even where the disk is too slow to be waited for.
    let _ = tokio::time::timeout(WRITER_ENDS, auditor.close()).await;
    let writer = tokio::task::spawn_blocking(move || {
        keeping.stop();
        rescoring.stop();
        drop(rescoring);
        let ended = writer.join();
        audit.stop();
        ended
    });
    let ended = tokio::time::timeout(WRITER_ENDS, writer).await;
    tracing.stop().await;
    if let Ok(joined) = ended {
        // Why the writer stopped is why the process ends, whatever else went well.
        joined?.map_err(|_| anyhow::anyhow!("the writer ended in a panic"))??;
    } else {
        warn!("calls that were cut off still hold the writer; everything acknowledged is durable");
    }
    Ok(())
}

/// Waits until nobody is served any more: for as long as it takes, and once stopping has begun for the grace.
async fn ended(
    mut serving: JoinHandle<Result<(), tonic::transport::Error>>,
    stopped: oneshot::Receiver<()>,
    grace: Duration,
) -> anyhow::Result<()> {
    tokio::select! {
        ended = &mut serving => return Ok(ended??),
        _ = stopped => {}
    }
    if let Ok(ended) = tokio::time::timeout(grace, &mut serving).await {
        ended??;
    } else {
        serving.abort();
        warn!(shutdown.grace_seconds = grace.as_secs(), "calls were still in flight and were cut off");
    }
    Ok(())
}

/// Health of writing follows whether writes are taken. Reads go on; a balancer that writes must look elsewhere.
async fn follow(mut conditions: watch::Receiver<Condition>, health: HealthReporter) {
    loop {
        let condition = *conditions.borrow_and_update();
        match condition {
            Condition::Open => health.set_serving::<EvidenceServiceServer<evidence::Evidence>>().await,
            Condition::Low | Condition::ReadOnly | Condition::Stopped => {
                health.set_not_serving::<EvidenceServiceServer<evidence::Evidence>>().await;
            }
        }
        if conditions.changed().await.is_err() {
            return;
        }
    }
}

/// Ends when the writer has stopped for good, and never otherwise.
async fn halted(mut conditions: watch::Receiver<Condition>) {
    if conditions.wait_for(|condition| *condition == Condition::Stopped).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Keeps the house in order between calls.
async fn tend(rescoring: Rescoring, gate: Gate, signing: Option<SigningIn>) {
    let mut interval = tokio::time::interval(TEND);
    loop {
        interval.tick().await;
        gate.tend().await;
        if let Some(signing) = &signing {
            signing.tend();
        }
        rescoring.service().tend();
        rescoring.tend();
        // A generation may have been published that was weighed before somebody was erased.
        if let Err(fault) = rescoring.blank().await {
            warn!(reason = %fault, "rows of erased people could not be blanked in published generations");
        }
    }
}

/// How the store on disk is opened: tried in a child process first, with a watch on the disk.
fn recovery_options(directory: &Path, settings: &config::Store, backups: Option<PathBuf>) -> recovery::Options {
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
    let space = Limits { least_bytes: settings.min_free_bytes, ballast_bytes: settings.ballast_bytes };
    let usual = start::options(directory, settings.cache_bytes);
    recovery::Options {
        probe,
        space,
        segment_bytes: settings.segment_bytes,
        open_within: settings.open_within,
        backups: backups.unwrap_or_else(|| usual.backups.clone()),
        ..usual
    }
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

/// How connections are served, for gRPC and for HTTP.
fn server(settings: &Settings) -> Server {
    Server::builder()
        .max_concurrent_streams(settings.limits.concurrent_streams)
        // A sign of life, so that only the dead are silent for long enough to be closed.
        .http2_keepalive_interval(Some(settings.connections.idle / 4))
}

/// An address as the log tells it.
fn told(address: Option<SocketAddr>) -> String {
    address.map_or_else(|| "off".to_owned(), |address| address.to_string())
}

/// Every service of the contract, with health and reflection.
fn routes(
    edge: &Arc<Edge>,
    settings: &Settings,
    health: tonic_health::pb::health_server::HealthServer<impl tonic_health::pb::health_server::Health>,
) -> anyhow::Result<Routes> {
    let most = settings.limits.message_bytes;
    let evidence = EvidenceServiceServer::new(evidence::Evidence(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let ranking = RankingServiceServer::new(ranking::Ranking(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let maintenance = MaintenanceServiceServer::new(maintenance::Maintenance(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let outstanding = OutstandingServiceServer::new(outstanding::Outstanding(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let rescore = RescoreServiceServer::new(rescore::Rescore(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let cohort = CohortServiceServer::new(cohort::Cohort(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let policies = PolicyServiceServer::new(policy::Policies(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let audit = AuditServiceServer::new(audit::Audit(Arc::clone(edge)))
        .max_decoding_message_size(most)
        .max_encoding_message_size(most);
    let reflection = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(crate::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_types::pb::FILE_DESCRIPTOR_SET)
    };
    Ok(Routes::new(health)
        .add_service(reflection().build_v1()?)
        .add_service(reflection().build_v1alpha()?)
        .add_service(evidence)
        .add_service(ranking)
        .add_service(maintenance)
        .add_service(outstanding)
        .add_service(cohort)
        .add_service(rescore)
        .add_service(policies)
        .add_service(audit))
}
