//! The edge of MaintenanceService.

use std::sync::Arc;

use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::answer::Answers;
use super::{Edge, correlated, error, verification};
use crate::access::Disclosure;
use crate::pb;
use crate::pb::maintenance_service_server::MaintenanceService;
use crate::service::fault::Fault;
use crate::service::keeping::proof::Proving;
use crate::service::keeping::{Backup, Detail, Kind, Phase, Progress, Told, Unusable};
use crate::service::mutation::request_id;
use crate::service::timestamp;

/// The service.
pub struct Maintenance(pub Arc<Edge>);

#[tonic::async_trait]
impl MaintenanceService for Maintenance {
    async fn get_store_status(
        &self,
        request: Request<pb::GetStoreStatusRequest>,
    ) -> Result<Response<pb::GetStoreStatusResponse>, Status> {
        let caller = correlated(&request);
        let edge = Arc::clone(&self.0);
        let read = tokio::task::spawn_blocking(move || edge.service.detail(&edge.keeping));
        let detail = read.await.map_err(|_| Fault::Internal);
        self.0.done("GetStoreStatus", &caller, detail.map(|detail| store_status(&detail)))
    }

    type CreateBackupStream = Answers<pb::CreateBackupResponse>;

    async fn create_backup(
        &self,
        request: Request<pb::CreateBackupRequest>,
    ) -> Result<Response<Self::CreateBackupStream>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let told = asked_for(&asked).and_then(|(kind, request_id)| self.0.keeping.back_up(kind, request_id));
        let told = told.map_err(|fault| self.0.refuse("CreateBackup", &caller, &fault))?;
        let edge = Arc::clone(&self.0);
        let of = caller.clone();
        let answers = ReceiverStream::new(told).map(move |told| match told {
            Told::Progress(progress) => Ok(Disclosure::of_nobody(progressed(progress))),
            Told::Done(backup) => Ok(Disclosure::of_nobody(done(&backup))),
            Told::Failed(fault) => Err(edge.refuse("CreateBackup", &of, &fault)),
        });
        Ok(self.0.stream(&caller, answers))
    }

    async fn list_backups(
        &self,
        request: Request<pb::ListBackupsRequest>,
    ) -> Result<Response<pb::ListBackupsResponse>, Status> {
        let caller = correlated(&request);
        let keeping = self.0.keeping.clone();
        let read = tokio::task::spawn_blocking(move || keeping.survey()).await;
        let survey = read.unwrap_or(Err(Fault::Internal));
        let answer = survey.map(|survey| pb::ListBackupsResponse {
            backups: survey.backups.iter().map(backup).collect(),
            unusable: survey.unusable.into_iter().map(unusable).collect(),
        });
        self.0.done("ListBackups", &caller, answer)
    }

    type VerifyStoreStream = Answers<pb::VerifyStoreResponse>;

    async fn verify_store(
        &self,
        request: Request<pb::VerifyStoreRequest>,
    ) -> Result<Response<Self::VerifyStoreStream>, Status> {
        let caller = correlated(&request);
        let pb::VerifyStoreRequest { standings, full_speed } = request.into_inner();
        let told = self.0.service.verify(&self.0.keeping, standings, !full_speed);
        let told = told.map_err(|fault| self.0.refuse("VerifyStore", &caller, &fault))?;
        // Not the edge itself: a listener that goes on waiting must not hold the service.
        let correlation_id = caller.correlation_id.clone();
        let answers = ReceiverStream::new(told).map(move |told| match told {
            Proving::Told(told) => Ok(Disclosure::of_nobody(verification::told(told))),
            Proving::Ended(outcome) => Ok(Disclosure::of_nobody(verification::outcome(&outcome))),
            Proving::Failed(fault) => Err(error::status(&fault, &correlation_id)),
        });
        Ok(self.0.stream(&caller, answers))
    }
}

/// What a request asks for, or everything wrong with it.
fn asked_for(asked: &pb::CreateBackupRequest) -> Result<(Option<Kind>, [u8; 16]), Fault> {
    let kind = match pb::BackupKind::try_from(asked.kind) {
        Ok(pb::BackupKind::Unspecified) => Ok(None),
        Ok(pb::BackupKind::Full) => Ok(Some(Kind::Full)),
        Ok(pb::BackupKind::Incremental) => Ok(Some(Kind::Incremental)),
        Err(_) => Err(pb::Violation {
            field: "kind".to_owned(),
            reason: "UNKNOWN_VALUE".to_owned(),
            description: format!("kind {} is not one of this contract", asked.kind),
        }),
    };
    match (kind, request_id(&asked.request_id)) {
        (Ok(kind), Ok(id)) => Ok((kind, id)),
        (kind, id) => Err(Fault::Invalid([id.err(), kind.err()].into_iter().flatten().collect())),
    }
}

fn progressed(progress: Progress) -> pb::CreateBackupResponse {
    let phase = match progress.phase {
        Phase::Writing => pb::BackupPhase::Writing,
        Phase::Checking => pb::BackupPhase::Checking,
    };
    pb::CreateBackupResponse {
        phase: phase.into(),
        bytes: progress.bytes,
        events: progress.events,
        revision: progress.revision.0,
        through_revision: progress.through.0,
        backup: None,
    }
}

fn done(made: &Backup) -> pb::CreateBackupResponse {
    pb::CreateBackupResponse {
        phase: pb::BackupPhase::Done.into(),
        bytes: made.bytes,
        events: made.events,
        revision: made.head.revision.0,
        through_revision: made.head.revision.0,
        backup: Some(backup(made)),
    }
}

fn backup(made: &Backup) -> pb::Backup {
    let kind = match made.kind {
        Kind::Full => pb::BackupKind::Full,
        Kind::Incremental => pb::BackupKind::Incremental,
    };
    pb::Backup {
        name: made.name.clone(),
        kind: kind.into(),
        before_revision: made.before.0,
        revision: made.head.revision.0,
        head_hash: hex(made.head.hash),
        bytes: made.bytes,
        events: made.events,
        create_time: Some(timestamp(made.created)),
    }
}

fn unusable(file: Unusable) -> pb::UnusableBackup {
    pb::UnusableBackup { name: file.name, problem: file.problem }
}

fn hex(hash: [u8; 32]) -> String {
    blake3::Hash::from_bytes(hash).to_hex().to_string()
}

fn store_status(detail: &Detail) -> pb::GetStoreStatusResponse {
    let status = &detail.status;
    pb::GetStoreStatusResponse {
        read_time: Some(timestamp(detail.at)),
        revision: detail.head.map(|head| head.revision.0).unwrap_or_default(),
        head_hash: detail.head.map(|head| hex(head.hash)).unwrap_or_default(),
        store: detail.mark.clone(),
        writable: detail.writable(),
        refusal: detail.refusal.clone().unwrap_or_default(),
        journal: status.journal.map(|journal| pb::JournalState {
            before_revision: journal.before.revision.0,
            head_revision: journal.head.revision.0,
            bytes: journal.bytes,
            segments: u32::try_from(journal.segments).unwrap_or(u32::MAX),
        }),
        engine_synced_revision: status.engine_synced.0,
        disk: status.disk.map(|disk| pb::DiskState {
            free_bytes: disk.free_bytes,
            least_bytes: disk.least_bytes,
            ballast_bytes: disk.ballast_bytes,
        }),
        last_backup: detail.backup.last.as_ref().map(backup),
        backup_running: detail.backup.running,
        backup_failures: detail.backup.failures,
        backup_problem: detail.backup.problem.clone().unwrap_or_default(),
        recovered: status.recovered.as_ref().map(|recovered| pb::RecoveredState {
            recovered_time: Some(timestamp(recovered.at)),
            reason: recovered.reason.clone(),
            quarantine: detail.quarantine().unwrap_or_default(),
            backup_revision: recovered.from_backup.0,
            revision: recovered.head.revision.0,
        }),
        suspect: status.suspect.clone().unwrap_or_default(),
        stale: detail.stale,
        as_of: detail.as_of.map(|day| day.to_string()).unwrap_or_default(),
        generation: detail.generation,
        rescore_run: detail.rescore_run.clone().unwrap_or_default(),
        rescore_problem: detail.rescore_problem.clone().unwrap_or_default(),
        audit: detail.audit.map(|audit| pb::AuditState {
            writable: audit.condition.refusal().is_none(),
            refusal: audit.condition.refusal().unwrap_or_default().to_owned(),
            entries: audit.head.entries,
            hash: audit.head.hex(),
            anchored_entries: audit.anchored,
        }),
    }
}
