//! `EvidenceService` at the edge: parse, call, map.

use std::sync::Arc;

use tokio_stream::StreamExt;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

use super::answer::Answers;
use super::filter::Arguments;
use super::{Edge, correlated, lifecycle, retention, sensitive, subject_export};
use crate::access::Permission;
use crate::pb;
use crate::pb::evidence_service_server::EvidenceService;
use crate::service::Seen;
use crate::service::fault::Fault;
use crate::service::mutation::{Answer, Mutation, MutationBody, Records, Stream, content_digest, request_id};
use crate::service::record::KINDS;

/// Most records in one request.
const MOST_RECORDS: usize = 1_000;
/// Batches of one import that may wait for their acknowledgement.
const IMPORT_IN_FLIGHT: usize = 16;

/// The service.
#[derive(Clone)]
pub struct Evidence(pub Arc<Edge>);

#[tonic::async_trait]
impl EvidenceService for Evidence {
    async fn write_evidence(
        &self,
        request: Request<pb::WriteEvidenceRequest>,
    ) -> Result<Response<pb::WriteEvidenceResponse>, Status> {
        let caller = correlated(&request);
        let mutation = write_mutation(request.into_inner(), &caller);
        let answer = match mutation {
            Ok(mutation) => self.0.service.change(mutation).await,
            Err(fault) => Err(fault),
        };
        let answer =
            answer.map(|answer| pb::WriteEvidenceResponse { revision: answer.revision.0, verdicts: answer.verdicts });
        self.0.done("WriteEvidence", &caller, answer)
    }

    type ImportEvidenceStream = Answers<pb::ImportEvidenceResponse>;

    async fn import_evidence(
        &self,
        request: Request<Streaming<pb::ImportEvidenceRequest>>,
    ) -> Result<Response<Self::ImportEvidenceStream>, Status> {
        let caller = correlated(&request);
        let mut batches = request.into_inner();
        let edge = Arc::clone(&self.0);
        // Acknowledgements leave in the order of the batches; each batch waits in the writer's queue meanwhile.
        let (queued, mut acknowledgements) = tokio::sync::mpsc::channel(IMPORT_IN_FLIGHT);
        let (sender, answers) = tokio::sync::mpsc::channel(IMPORT_IN_FLIGHT);
        let reader_edge = Arc::clone(&edge);
        let reader_caller = caller.clone();
        let (stream, of) = (Stream::default(), caller.clone());
        tokio::spawn(async move {
            while let Some(batch) = batches.next().await {
                let waiting = match batch {
                    Ok(batch) => {
                        let sequence = batch.sequence;
                        let mutation = import_mutation(batch, &reader_caller);
                        match mutation {
                            Ok(mutation) => {
                                let about = mutation.about();
                                let queued = reader_edge.service.queue(&stream, mutation).await;
                                queued.map(|reply| (sequence, about, reply))
                            }
                            Err(fault) => Err(fault),
                        }
                        .map_err(|fault| reader_edge.refuse("ImportEvidence", &reader_caller, &fault))
                    }
                    // What cannot be read ends the import, and whoever sent it and is still there must not take what
                    // was acknowledged for the whole.
                    Err(status) => {
                        reader_caller.look.failed(pb::ErrorReason::InvalidArgument);
                        Err(status)
                    }
                };
                let ends = waiting.is_err();
                if queued.send(waiting).await.is_err() || ends {
                    return;
                }
            }
        });
        tokio::spawn(async move {
            while let Some(waiting) = acknowledgements.recv().await {
                let answer = match waiting {
                    Ok((sequence, about, reply)) => edge
                        .service
                        .reply(reply)
                        .await
                        .map(|answer| {
                            let written = edge.service.written(&about, &answer);
                            (acknowledgement(sequence, answer), written)
                        })
                        .map_err(|fault| edge.refuse("ImportEvidence", &of, &fault)),
                    Err(status) => Err(status),
                };
                let ends = answer.is_err();
                if sender.send(answer).await.is_err() || ends {
                    return;
                }
            }
        });
        Ok(self.0.acknowledging(&caller, ReceiverStream::new(answers)))
    }

    async fn get_subject(
        &self,
        request: Request<pb::GetSubjectRequest>,
    ) -> Result<Response<pb::GetSubjectResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            arguments.finish()?;
            self.0.service.subject(&caller, &asked.subject_ref, Seen::new(asked.min_revision, &asked.store)).await
        };
        self.0.answer("GetSubject", &caller, answer.await)
    }

    async fn list_evidence(
        &self,
        request: Request<pb::ListEvidenceRequest>,
    ) -> Result<Response<pb::ListEvidenceResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            let size = arguments.size("page_size", asked.page_size, 50, 1_000);
            for (place, kind) in asked.kinds.iter().enumerate() {
                if !KINDS.contains(&kind.as_str()) {
                    let field = format!("kinds[{place}]");
                    arguments.wrong(&field, "UNKNOWN_VALUE", format!("{field} is none of {}", KINDS.join(", ")));
                }
            }
            arguments.finish()?;
            self.0.service.evidence(&caller, asked, size).await
        };
        let mut disclosed = answer.await;
        if let Ok(disclosed) = &mut disclosed
            && !caller.may(Permission::SeeSensitiveIntelligence)
        {
            disclosed.answer.records.iter_mut().for_each(sensitive::withhold_record);
        }
        self.0.answer("ListEvidence", &caller, disclosed)
    }

    async fn erase_subject(
        &self,
        request: Request<pb::EraseSubjectRequest>,
    ) -> Result<Response<pb::EraseSubjectResponse>, Status> {
        super::erasure::erase_subject(&self.0, request).await
    }

    async fn withdraw_evidence(
        &self,
        request: Request<pb::WithdrawEvidenceRequest>,
    ) -> Result<Response<pb::WithdrawEvidenceResponse>, Status> {
        let caller = correlated(&request);
        let answer = match withdraw_mutation(request.into_inner(), &caller, "WithdrawEvidence", "record_id") {
            Ok(mutation) => self.0.service.change(mutation).await,
            Err(fault) => Err(fault),
        };
        let answer = answer.map(|answer| pb::WithdrawEvidenceResponse { revision: answer.revision.0 });
        self.0.done("WithdrawEvidence", &caller, answer)
    }

    async fn merge_subjects(
        &self,
        request: Request<pb::MergeSubjectsRequest>,
    ) -> Result<Response<pb::MergeSubjectsResponse>, Status> {
        lifecycle::merge(&self.0, request).await
    }

    async fn unmerge_subjects(
        &self,
        request: Request<pb::UnmergeSubjectsRequest>,
    ) -> Result<Response<pb::UnmergeSubjectsResponse>, Status> {
        lifecycle::unmerge(&self.0, request).await
    }

    async fn restrict_processing(
        &self,
        request: Request<pb::RestrictProcessingRequest>,
    ) -> Result<Response<pb::RestrictProcessingResponse>, Status> {
        lifecycle::restrict(&self.0, request).await
    }

    async fn lift_restriction(
        &self,
        request: Request<pb::LiftRestrictionRequest>,
    ) -> Result<Response<pb::LiftRestrictionResponse>, Status> {
        lifecycle::lift(&self.0, request).await
    }

    type ExportSubjectStream = subject_export::Parts;

    async fn export_subject(
        &self,
        request: Request<pb::ExportSubjectRequest>,
    ) -> Result<Response<Self::ExportSubjectStream>, Status> {
        subject_export::export(&self.0, request).await
    }

    async fn record_disclosure(
        &self,
        request: Request<pb::RecordDisclosureRequest>,
    ) -> Result<Response<pb::RecordDisclosureResponse>, Status> {
        lifecycle::disclose(&self.0, request).await
    }

    async fn list_disclosures(
        &self,
        request: Request<pb::ListDisclosuresRequest>,
    ) -> Result<Response<pb::ListDisclosuresResponse>, Status> {
        lifecycle::disclosures(&self.0, request).await
    }

    async fn list_retention_due(
        &self,
        request: Request<pb::ListRetentionDueRequest>,
    ) -> Result<Response<pb::ListRetentionDueResponse>, Status> {
        retention::due(&self.0, request).await
    }

    async fn record_retention_review(
        &self,
        request: Request<pb::RecordRetentionReviewRequest>,
    ) -> Result<Response<pb::RecordRetentionReviewResponse>, Status> {
        retention::review(&self.0, request).await
    }
}

fn write_mutation(mut request: pb::WriteEvidenceRequest, caller: &crate::access::Caller) -> Result<Mutation, Fault> {
    let mut arguments = Arguments::default();
    let id = read_request_id(&mut arguments, &std::mem::take(&mut request.request_id));
    count(&mut arguments, request.records.len());
    for id in request.etags.keys() {
        if !request.records.iter().any(|record| record.id == *id) {
            arguments.wrong("etags", "UNKNOWN_RECORD", "etags names a record id that is not in this request");
        }
    }
    arguments.finish()?;
    let digest = content_digest("WriteEvidence", &request);
    let body = MutationBody::Write(Records {
        records: request.records,
        etags: request.etags,
        all_or_none: true,
        validate_only: request.validate_only,
        decisions: false,
    });
    Ok(Mutation { caller: caller.clone(), request_id: id, digest, body })
}

fn import_mutation(mut request: pb::ImportEvidenceRequest, caller: &crate::access::Caller) -> Result<Mutation, Fault> {
    let mut arguments = Arguments::default();
    let id = read_request_id(&mut arguments, &std::mem::take(&mut request.request_id));
    count(&mut arguments, request.records.len());
    arguments.finish()?;
    request.sequence = 0;
    let digest = content_digest("ImportEvidence", &request);
    let body = MutationBody::Write(Records {
        records: request.records,
        etags: std::collections::BTreeMap::new(),
        all_or_none: false,
        validate_only: request.validate_only,
        decisions: false,
    });
    Ok(Mutation { caller: caller.clone(), request_id: id, digest, body })
}

/// A withdrawal; `method` and `record_field` as its caller knows them.
///
/// # Errors
/// Everything wrong with it.
pub(super) fn withdraw_mutation(
    mut request: pb::WithdrawEvidenceRequest,
    caller: &crate::access::Caller,
    method: &str,
    record_field: &str,
) -> Result<Mutation, Fault> {
    let mut arguments = Arguments::default();
    let id = read_request_id(&mut arguments, &std::mem::take(&mut request.request_id));
    arguments.subject_ref("subject_ref", &request.subject_ref);
    arguments.subject_ref(record_field, &request.record_id);
    let length = request.reason.chars().count();
    if !(10..=500).contains(&length) {
        arguments.wrong(
            "reason",
            "LENGTH_OUT_OF_RANGE",
            format!("reason has {length} characters; 10 to 500 are allowed"),
        );
    }
    arguments.finish()?;
    let digest = content_digest(method, &request);
    let pb::WithdrawEvidenceRequest { subject_ref, record_id, reason, etag, .. } = request;
    let body = MutationBody::Withdraw { subject_ref, record_id, reason, etag };
    Ok(Mutation { caller: caller.clone(), request_id: id, digest, body })
}

pub(super) fn read_request_id(arguments: &mut Arguments, text: &str) -> [u8; 16] {
    request_id(text).unwrap_or_else(|violation| {
        arguments.wrong(&violation.field, &violation.reason, violation.description);
        [0; 16]
    })
}

fn count(arguments: &mut Arguments, records: usize) {
    if records == 0 || records > MOST_RECORDS {
        arguments.wrong("records", "OUT_OF_RANGE", format!("records holds {records}; 1 to {MOST_RECORDS} are allowed"));
    }
}

fn acknowledgement(sequence: u64, answer: Answer) -> pb::ImportEvidenceResponse {
    let counted = |verdict: pb::Verdict| {
        let count = answer.verdicts.iter().filter(|found| found.verdict == i32::from(verdict)).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    };
    let (created, superseded, unchanged) =
        (counted(pb::Verdict::Created), counted(pb::Verdict::Superseded), counted(pb::Verdict::Unchanged));
    let (refused_positions, refused) =
        (0..).zip(answer.verdicts).filter(|(_, verdict)| verdict.verdict == i32::from(pb::Verdict::Refused)).unzip();
    pb::ImportEvidenceResponse {
        sequence,
        revision: answer.revision.0,
        created,
        superseded,
        unchanged,
        refused,
        refused_positions,
    }
}
