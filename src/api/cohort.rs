//! `CohortService` at the edge: parse, call, map.

use std::sync::Arc;

use tonic::{Request, Response, Status};

use super::filter::{Arguments, most_references};
use super::moves::{change, moment, moved, own_id, record};
use super::standing::Rows;
use super::{Edge, correlated};
use crate::access::Caller;
use crate::domain::word::{Band, CohortStatus, DecisionKind, OverrideScope, Rag};
use crate::pb;
use crate::pb::cohort_service_server::CohortService;
use crate::pb::record::Kind;
use crate::scoring::composite;
use crate::service::fault::Fault;
use crate::service::moves::{DECISION_ID, Decide, Move};
use crate::service::mutation::{Mutation, MutationBody, Records, content_digest, request_id};
use crate::service::oversight::decisions::{Before, DecisionFilter};
use crate::service::{etag, timestamp};

/// Rows of a page unless asked otherwise.
const PAGE: u32 = 50;
/// Most rows of a page.
const MOST: u32 = 1_000;
/// Most rows of a page with explanations.
const MOST_DETAILED: u32 = 100;
/// How often a decision is made anew on a standing that changed while it was on its way.
const ATTEMPTS: usize = 8;

/// The service.
#[derive(Clone)]
pub struct Cohort(pub Arc<Edge>);

#[tonic::async_trait]
impl CohortService for Cohort {
    async fn record_decision(
        &self,
        request: Request<pb::RecordDecisionRequest>,
    ) -> Result<Response<pb::RecordDecisionResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let request_id = std::mem::take(&mut asked.request_id);
            let mut written = Err(Fault::EtagMismatch);
            for _ in 0..ATTEMPTS {
                let mut arguments = Arguments::default();
                let id =
                    own_id(&mut arguments, "decision_id", &asked.decision_id, "decision", &request_id, DECISION_ID);
                let kind = decided(&mut arguments, &asked);
                let now = moment(&mut arguments, "decided_time", None, &self.0.service);
                let before = match kind {
                    Some(_) => self.0.service.before_decision(&caller, &asked.subject_ref, &asked.rationale).await,
                    None => Err(Fault::Internal),
                };
                // What is wrong with the arguments goes before what is unknown.
                let made = |digest| {
                    let before = before?.answer;
                    let kind = kind.ok_or(Fault::Internal)?;
                    let decision = frozen(&asked, &before, now);
                    let record = record(&id, &asked.subject_ref, &asked.source_system, now, decision);
                    let decide = deciding(record, kind, &before)?;
                    moved(&caller, &request_id, digest, Move::Decide(Box::new(decide)))
                };
                written = change(&self.0, arguments, ("RecordDecision", &asked), made).await.map(|it| (it, id));
                if written != Err(Fault::EtagMismatch) {
                    break;
                }
            }
            let (written, decision_id) = written?;
            Ok(pb::RecordDecisionResponse { revision: written.revision.0, decision_id, remarks: written.remarks })
        };
        self.0.done("RecordDecision", &caller, answer.await)
    }

    async fn override_band(
        &self,
        request: Request<pb::OverrideBandRequest>,
    ) -> Result<Response<pb::OverrideBandResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let sent = std::mem::take(&mut asked.request_id);
            let id = own_id(&mut arguments, "override_id", &asked.override_id, "override", &sent, 64);
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            let request_id = request_id(&sent).unwrap_or_else(|violation| {
                arguments.wrong(&violation.field, &violation.reason, violation.description);
                [0; 16]
            });
            let stated = asked.r#override.clone().unwrap_or_default();
            overriding(&mut arguments, &stated);
            let now = self.0.service.now();
            arguments.finish()?;
            let record = record(&id, &asked.subject_ref, &asked.source_system, now, Kind::BandOverride(stated));
            let etags = if asked.etag.is_empty() { Vec::new() } else { vec![(id.clone(), asked.etag.clone())] };
            let records = Records {
                records: vec![record],
                etags: etags.into_iter().collect(),
                all_or_none: true,
                validate_only: false,
                decisions: false,
            };
            let digest = content_digest("OverrideBand", &asked);
            let mutation = Mutation { caller: caller.clone(), request_id, digest, body: MutationBody::Write(records) };
            let written = self.0.service.change(mutation).await.map_err(|fault| renamed(fault, "override."))?;
            let revision = written.verdicts.first().map_or(written.revision.0, |verdict| verdict.revision);
            Ok(pb::OverrideBandResponse {
                revision: written.revision.0,
                override_id: id,
                etag: etag(crate::domain::Revision(revision)),
            })
        };
        self.0.done("OverrideBand", &caller, answer.await)
    }

    async fn withdraw_override(
        &self,
        request: Request<pb::WithdrawOverrideRequest>,
    ) -> Result<Response<pb::WithdrawOverrideResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let withdrawal = pb::WithdrawEvidenceRequest {
                request_id: asked.request_id,
                subject_ref: asked.subject_ref,
                record_id: asked.override_id,
                reason: asked.reason,
                etag: asked.etag,
            };
            let mutation = super::evidence::withdraw_mutation(withdrawal, &caller, "WithdrawOverride", "override_id")?;
            self.0.service.withdrawable_override(&mutation).await?;
            let written = self.0.service.change(mutation).await?;
            Ok(pb::WithdrawOverrideResponse { revision: written.revision.0 })
        };
        self.0.done("WithdrawOverride", &caller, answer.await)
    }

    async fn list_decisions(
        &self,
        request: Request<pb::ListDecisionsRequest>,
    ) -> Result<Response<pb::ListDecisionsResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let filter = decision_filter(&mut arguments, asked.filter.as_ref());
            let most = if asked.with_detail { MOST_DETAILED } else { MOST };
            let size = arguments.size("page_size", asked.page_size, PAGE, most);
            arguments.finish()?;
            self.0.service.decisions(&caller, &asked, filter, size).await
        };
        self.0.answer("ListDecisions", &caller, answer.await)
    }

    async fn get_alignment(
        &self,
        request: Request<pb::GetAlignmentRequest>,
    ) -> Result<Response<pb::GetAlignmentResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            most_references(&mut arguments, "areas", &asked.areas, 32);
            let most = arguments.size("most", asked.most, 20, MOST);
            arguments.finish()?;
            self.0.service.alignment(&caller, &asked, most).await
        };
        self.0.answer("GetAlignment", &caller, answer.await)
    }

    async fn list_cohort_reviews(
        &self,
        request: Request<pb::ListCohortReviewsRequest>,
    ) -> Result<Response<pb::ListCohortReviewsResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            most_references(&mut arguments, "areas", &asked.areas, 32);
            most_references(&mut arguments, "offender_managers", &asked.offender_managers, 64);
            let most = arguments.size("most", asked.most, PAGE, MOST);
            arguments.finish()?;
            self.0.service.cohort_reviews(&caller, &asked, most).await
        };
        self.0.answer("ListCohortReviews", &caller, answer.await)
    }
}

/// What a decision must say. A decision without an officer and a rationale is none.
fn decided(arguments: &mut Arguments, asked: &pb::RecordDecisionRequest) -> Option<DecisionKind> {
    arguments.subject_ref("subject_ref", &asked.subject_ref);
    let kind = arguments.one("decision", asked.decision, DecisionKind::from_proto);
    let status = match asked.status {
        0 => None,
        number => arguments.one("status", number, CohortStatus::from_proto),
    };
    if let Some(DecisionKind::Select | DecisionKind::ChangeStatus) = kind
        && status.is_none()
    {
        arguments.wrong("status", "REQUIRED", "status is required for SELECT and CHANGE_STATUS");
    }
    if asked.rag != 0 {
        arguments.one("rag", asked.rag, Rag::from_proto);
    }
    arguments.subject_ref("officer", &asked.officer);
    arguments.text("rationale", &asked.rationale, 10, 2_000);
    kind
}

/// The decision, with what its makers had before them frozen into it.
fn frozen(asked: &pb::RecordDecisionRequest, before: &Before, now: jiff::Timestamp) -> Kind {
    let standings = &before.standings;
    let (rules, as_of) = (standings.rules(), standings.as_of());
    let days = standings.dossier(before.subject).map_or(0.0, |dossier| composite::harm_days(dossier, rules, as_of));
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "held within bounds; casts saturate")]
    let harm_milli_days = libm::round((days * 1_000.0).clamp(0.0, 1e15)) as u64;
    let held = standings.dossier(before.subject).and_then(|dossier| dossier.membership());
    let held_status = held.map_or(0, |(_, membership)| membership.status.proto().into());
    let held_rag = held.and_then(|(_, membership)| membership.rag).map_or(0, |rag| rag.proto().into());
    let or_held = |stated: &str, held: Option<&str>| {
        if stated.is_empty() { held.unwrap_or_default().to_owned() } else { stated.to_owned() }
    };
    Kind::CohortDecision(Box::new(pb::CohortDecision {
        decision: asked.decision,
        status: if asked.status == 0 { held_status } else { asked.status },
        rag: if asked.rag == 0 { held_rag } else { asked.rag },
        officer: asked.officer.clone(),
        rationale: asked.rationale.clone(),
        panel: asked.panel.clone(),
        representations_received: asked.representations_received,
        decided_time: Some(timestamp(now)),
        minutes: asked.minutes,
        offender_manager: or_held(&asked.offender_manager, held.and_then(|(_, held)| held.offender_manager.as_deref())),
        area: or_held(&asked.area, held.and_then(|(_, held)| held.area.as_deref())),
        // Frozen whole, whoever decides: what is withheld is withheld where it is read.
        standing: Some(Rows::new(standings, before.list, true, &Caller::service()).one(before.placed)),
        list: before.list.proto().into(),
        list_size: before.list_size,
        as_of: as_of.to_string(),
        policy_version: rules.policy.version.clone(),
        standing_revision: standings.revision().0,
        harm_milli_days,
    }))
}

fn deciding(record: pb::Record, kind: DecisionKind, before: &Before) -> Result<Decide, Fault> {
    let standings = &before.standings;
    let dossier = standings.dossier(before.subject).ok_or(Fault::UnknownSubject)?;
    let mut remarks = Vec::new();
    if before.identical > 0 {
        remarks.push(format!(
            "The rationale stands word for word in {} decision(s) about other people.",
            before.identical
        ));
    }
    if let Some(row) = standings.row(before.subject) {
        if row.child() {
            remarks.push(
                "The person is under 18: the standing is not validated for children; safeguarding reasons come first."
                    .to_owned(),
            );
        }
        if row.cohort.provisional {
            remarks.push("The standing is provisional: what would settle it is frozen with it.".to_owned());
        }
    }
    Ok(Decide {
        record,
        kind,
        seen: dossier.revision(),
        as_of: standings.as_of(),
        policy_version: standings.rules().policy.version.clone(),
        remarks,
    })
}

/// What an override must say; whether it is lawful is judged by the writer.
fn overriding(arguments: &mut Arguments, stated: &pb::BandOverride) {
    arguments.one("override.band", stated.band, Band::from_proto);
    arguments.one("override.scope", stated.scope, OverrideScope::from_proto);
    arguments.subject_ref("override.officer", &stated.officer);
    arguments.text("override.rationale", &stated.rationale, 10, 2_000);
}

/// Violations as the request names its fields.
fn renamed(fault: Fault, prefix: &str) -> Fault {
    let Fault::Invalid(mut violations) = fault else { return fault };
    for violation in &mut violations {
        let field = violation.field.split_once("].").map_or(violation.field.as_str(), |(_, field)| field);
        let field = field.strip_prefix("band_override.").map_or(field.to_owned(), |field| format!("{prefix}{field}"));
        violation.field = field;
    }
    Fault::Invalid(violations)
}

fn decision_filter(arguments: &mut Arguments, stated: Option<&pb::DecisionFilter>) -> DecisionFilter {
    let Some(stated) = stated else { return DecisionFilter::default() };
    let mut day = |field: &str, text: &str| if text.is_empty() { None } else { arguments.date(field, text) };
    let (from, to) = (day("filter.from", &stated.from), day("filter.to", &stated.to));
    DecisionFilter {
        subject_refs: most_references(arguments, "filter.subject_refs", &stated.subject_refs, 64),
        decisions: arguments.words("filter.decisions", &stated.decisions, DecisionKind::from_proto),
        statuses: arguments.words("filter.statuses", &stated.statuses, CohortStatus::from_proto),
        officers: most_references(arguments, "filter.officers", &stated.officers, 64),
        areas: most_references(arguments, "filter.areas", &stated.areas, 32),
        from,
        to,
        identical: stated.identical_rationale_only,
    }
}
