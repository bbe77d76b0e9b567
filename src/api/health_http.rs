//! Liveness, readiness and metrics over HTTP, for probes and for Prometheus. They
//! are answered from before the store is opened, so that a long recovery shows as
//! alive and not ready. Nothing in them is about a person, and nothing can be
//! changed through them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use metrics::{counter, gauge};
use serde::Serialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::service::Service;
use crate::service::keeping::{Backup, Detail, Keeping};
use crate::telemetry::metrics::{self as figures, Metrics, flag, float};

/// How often what was observed is gathered: until then every observation is held, 24 bytes each.
const GATHER: Duration = Duration::from_secs(5);

/// What the probes are answered from.
#[derive(Clone)]
pub struct Probes {
    stage: Arc<Mutex<Stage>>,
    /// `None`: nothing is counted.
    metrics: Option<Metrics>,
}

/// How far the server has come.
#[derive(Clone)]
enum Stage {
    /// The store is being opened, and repaired where it has to be.
    Opening,
    /// Lists are served.
    Serving(Service, Keeping),
    /// The server stops.
    Stopping,
}

impl Probes {
    /// Not ready yet. Counting begins here, where anybody can ask for what was counted.
    pub fn opening(counting: bool) -> Self {
        Self { stage: Arc::new(Mutex::new(Stage::Opening)), metrics: counting.then(figures::start) }
    }

    /// Lists are served from now on.
    pub fn serving(&self, service: Service, keeping: Keeping) {
        self.enter(Stage::Serving(service, keeping));
    }

    /// Nothing is served any more; lets go of the service.
    pub fn stopping(&self) {
        self.enter(Stage::Stopping);
    }

    /// Answers at `listener` until the task is aborted.
    pub fn serve(&self, listener: TcpListener) -> JoinHandle<()> {
        let router = Router::new()
            .route("/livez", get(async || "alive\n"))
            .route("/readyz", get(readyz))
            .route("/metrics", get(rendered))
            .with_state(self.clone());
        let metrics = self.metrics.clone();
        tokio::spawn(async move {
            let served = async { axum::serve(listener, router).await };
            tokio::select! {
                Err(error) = served => {
                    tracing::warn!(error = %error, "liveness, readiness and metrics are no longer served");
                }
                () = tend(metrics) => {}
            }
        })
    }

    fn enter(&self, stage: Stage) {
        *self.stage.lock().unwrap_or_else(PoisonError::into_inner) = stage;
    }

    fn stage(&self) -> Stage {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How the store stands; asks the file system, so on a thread that may block.
    async fn detail(service: Service, keeping: Keeping) -> Option<Detail> {
        tokio::task::spawn_blocking(move || service.detail(&keeping)).await.ok()
    }

    /// The same, with the figures of lists, runs and queue set.
    async fn observed(service: Service, keeping: Keeping) -> Option<Detail> {
        let observed = tokio::task::spawn_blocking(move || {
            service.observe();
            service.detail(&keeping)
        });
        observed.await.ok()
    }
}

async fn readyz(State(probes): State<Probes>) -> Response {
    let (status, body) = match probes.stage() {
        Stage::Opening => (StatusCode::SERVICE_UNAVAILABLE, json!({ "ready": false, "stage": "opening" })),
        Stage::Stopping => (StatusCode::SERVICE_UNAVAILABLE, json!({ "ready": false, "stage": "stopping" })),
        Stage::Serving(service, keeping) => match Probes::detail(service, keeping).await {
            Some(detail) if detail.head.is_some() => (StatusCode::OK, told(&detail, true)),
            Some(detail) => (StatusCode::SERVICE_UNAVAILABLE, told(&detail, false)),
            None => (StatusCode::INTERNAL_SERVER_ERROR, json!({ "ready": false, "stage": "failed" })),
        },
    };
    (status, Json(body)).into_response()
}

async fn rendered(State(probes): State<Probes>) -> Response {
    if let Stage::Serving(service, keeping) = probes.stage()
        && let Some(detail) = Probes::observed(service, keeping).await
    {
        observe(&detail);
    }
    let Some(metrics) = probes.metrics else { return StatusCode::NOT_FOUND.into_response() };
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], metrics.render()).into_response()
}

/// Gathers what was observed, whether anybody asks for it or not.
async fn tend(metrics: Option<Metrics>) {
    let mut interval = tokio::time::interval(GATHER);
    while let Some(metrics) = &metrics {
        interval.tick().await;
        metrics.tend();
    }
    std::future::pending::<()>().await;
}

/// What `/readyz` says besides its status.
#[derive(Serialize)]
struct Answer<'a> {
    ready: bool,
    stage: &'static str,
    time: String,
    store: &'a str,
    revision: Option<u64>,
    head: Option<String>,
    writable: bool,
    refusal: Option<&'a str>,
    stale: bool,
    as_of: Option<String>,
    generation: u64,
    rescore_run: Option<&'a str>,
    rescore_problem: Option<&'a str>,
    suspect: Option<&'a str>,
    engine_synced_revision: u64,
    journal: Option<Value>,
    disk: Option<Value>,
    backup: Value,
    recovered: Option<Value>,
    audit: Option<Value>,
}

fn told(detail: &Detail, ready: bool) -> Value {
    let status = &detail.status;
    let answer = Answer {
        ready,
        stage: "serving",
        time: detail.at.to_string(),
        store: &detail.mark,
        revision: detail.head.map(|head| head.revision.0),
        head: detail.head.map(|head| head.to_string()),
        writable: detail.writable(),
        refusal: detail.refusal.as_deref(),
        stale: detail.stale,
        as_of: detail.as_of.map(|day| day.to_string()),
        generation: detail.generation,
        rescore_run: detail.rescore_run.as_deref(),
        rescore_problem: detail.rescore_problem.as_deref(),
        suspect: status.suspect.as_deref(),
        engine_synced_revision: status.engine_synced.0,
        journal: status.journal.map(|journal| {
            json!({
                "before_revision": journal.before.revision.0,
                "head_revision": journal.head.revision.0,
                "bytes": journal.bytes,
                "segments": journal.segments,
            })
        }),
        disk: status.disk.map(|disk| {
            json!({
                "free_bytes": disk.free_bytes,
                "least_bytes": disk.least_bytes,
                "ballast_bytes": disk.ballast_bytes,
            })
        }),
        backup: json!({
            "last": detail.backup.last.as_ref().map(|backup| last(backup, detail)),
            "running": detail.backup.running,
            "failures": detail.backup.failures,
            "problem": detail.backup.problem,
        }),
        recovered: status.recovered.as_ref().map(|recovered| {
            json!({
                "at": recovered.at.to_string(),
                "reason": recovered.reason,
                "quarantine": detail.quarantine(),
                "backup_revision": recovered.from_backup.0,
                "revision": recovered.head.revision.0,
            })
        }),
        audit: detail.audit.map(|audit| {
            json!({
                "writable": audit.condition.refusal().is_none(),
                "refusal": audit.condition.refusal(),
                "entries": audit.head.entries,
                "hash": audit.head.hex(),
                "anchored_entries": audit.anchored,
            })
        }),
    };
    serde_json::to_value(answer).expect("texts and numbers must make JSON")
}

fn last(backup: &Backup, detail: &Detail) -> Value {
    json!({
        "name": backup.name,
        "kind": backup.kind.name(),
        "revision": backup.head.revision.0,
        "bytes": backup.bytes,
        "created": backup.created.to_string(),
        "age_seconds": detail.at.duration_since(backup.created).as_secs(),
    })
}

/// Sets the figures of the store, as they are now.
fn observe(detail: &Detail) {
    let status = &detail.status;
    if let Some(head) = detail.head {
        gauge!(figures::LEDGER_REVISION).set(float(head.revision.0));
    }
    gauge!(figures::STORE_WRITABLE).set(flag(detail.writable()));
    gauge!(figures::SUSPECT).set(flag(status.suspect.is_some()));
    gauge!(figures::LISTS_STALE).set(flag(detail.stale));
    if let Some(as_of) = detail.as_of {
        let seconds = u64::try_from(as_of.london_midnight().as_second()).unwrap_or(0);
        gauge!(figures::LISTS_AS_OF).set(float(seconds));
    }
    gauge!(figures::GENERATION).set(float(detail.generation));
    gauge!(figures::RESCORE_RUNNING).set(flag(detail.rescore_run.is_some()));
    if let Some(journal) = &status.journal {
        gauge!(figures::JOURNAL_BYTES).set(float(journal.bytes));
        gauge!(figures::JOURNAL_SEGMENTS).set(float(journal.segments as u64));
        gauge!(figures::ENGINE_SYNCED_REVISION).set(float(status.engine_synced.0));
    }
    if let Some(disk) = &status.disk {
        gauge!(figures::DISK_FREE_BYTES).set(float(disk.free_bytes));
        gauge!(figures::STORE_BYTES).set(float(disk.engine_bytes));
    }
    if let Some(audit) = &detail.audit {
        gauge!(figures::AUDIT_ENTRIES).set(float(audit.head.entries));
        gauge!(figures::AUDIT_ANCHORED_ENTRIES).set(float(audit.anchored));
        gauge!(figures::AUDIT_WRITABLE).set(flag(audit.condition.refusal().is_none()));
    }
    counter!(figures::RECOVERED).absolute(u64::from(status.recovered.is_some()));
    if let (Some(recovered), Some(quarantine)) = (&status.recovered, detail.quarantine()) {
        gauge!(figures::RECOVERED_INFO, "quarantine" => quarantine, "at" => recovered.at.to_string()).set(1.0);
    }
}
