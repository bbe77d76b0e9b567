//! `PolicyService` at the edge: parse, call, map.

use std::sync::Arc;

use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use super::answer::Answers;
use super::filter::Arguments;
use super::{Edge, correlated};
use crate::access::Caller;
use crate::pb;
use crate::pb::policy_service_server::PolicyService;
use crate::policy::numbers::stated_version;
use crate::service::fault::Fault;
use crate::service::mutation::{Answer, Mutation, MutationBody, content_digest, request_id};
use crate::service::policies::{PolicyChange, TEXT_BYTES, Trial};

/// Rows told unless asked otherwise.
const ROWS: u32 = 50;
/// Most rows told.
const MOST: u32 = 1_000;
/// Most people that count as the top of a list.
const MOST_TOP: u32 = 10_000;
/// Most characters of a version.
const VERSION: usize = 64;

/// The service.
#[derive(Clone)]
pub struct Policies(pub Arc<Edge>);

#[tonic::async_trait]
impl PolicyService for Policies {
    async fn create_policy_draft(
        &self,
        request: Request<pb::CreatePolicyDraftRequest>,
    ) -> Result<Response<pb::CreatePolicyDraftResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let sent = std::mem::take(&mut asked.request_id);
            let mut arguments = Arguments::default();
            arguments.subject_ref("officer", &asked.officer);
            arguments.text("reason", &asked.reason, 10, 2_000);
            arguments.text("base_version", &asked.base_version, 0, VERSION);
            if text(&mut arguments, "text", &asked.text) {
                let faults = self.0.service.faults_of(&asked.text, &asked.base_version);
                // That its version is taken may be because this very request was answered before: the writer knows, where
                // nothing else is wrong.
                let taken = faults.iter().all(|fault| fault.reason == "VERSION_TAKEN");
                if !(taken && arguments.sound()) {
                    for fault in faults {
                        arguments.wrong(&fault.field, &fault.reason, fault.description);
                    }
                }
            }
            let version = stated_version(&asked.text).unwrap_or_default();
            let change = PolicyChange::Draft {
                version: version.clone(),
                text: asked.text.clone(),
                base: asked.base_version.clone(),
                officer: asked.officer.clone(),
                reason: asked.reason.clone(),
            };
            let written = self.change(arguments, &caller, &sent, ("CreatePolicyDraft", &asked), change).await?;
            let (base_version, changes) = self.0.service.drafted(&version);
            let revision = written.revision.0;
            Ok(pb::CreatePolicyDraftResponse { revision, version, base_version, changes, remarks: written.remarks })
        };
        self.0.done("CreatePolicyDraft", &caller, answer.await)
    }

    async fn validate_policy(
        &self,
        request: Request<pb::ValidatePolicyRequest>,
    ) -> Result<Response<pb::ValidatePolicyResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            text(&mut arguments, "text", &asked.text);
            arguments.finish()?;
            self.0.service.validate_policy(&caller, &asked).await
        };
        self.0.answer("ValidatePolicy", &caller, answer.await)
    }

    async fn simulate_policy(
        &self,
        request: Request<pb::SimulatePolicyRequest>,
    ) -> Result<Response<pb::SimulatePolicyResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            match &asked.policy {
                Some(pb::simulate_policy_request::Policy::Version(version)) => {
                    arguments.text("version", version, 1, VERSION);
                }
                Some(pb::simulate_policy_request::Policy::Text(tried)) => {
                    text(&mut arguments, "text", tried);
                }
                None => arguments.wrong("policy", "REQUIRED", "policy is required: a version or a text"),
            }
            let trial = Trial {
                list: arguments.list(asked.list),
                top: arguments.size("top_n", asked.top_n, ROWS, MOST_TOP),
                limit: arguments.size("limit", asked.limit, ROWS, MOST),
            };
            arguments.finish()?;
            self.0.service.simulate_policy(&caller, &asked, trial).await
        };
        self.0.answer("SimulatePolicy", &caller, answer.await)
    }

    type EvaluatePolicyStream = Answers<pb::EvaluatePolicyResponse>;

    async fn evaluate_policy(
        &self,
        request: Request<Streaming<pb::EvaluatePolicyRequest>>,
    ) -> Result<Response<Self::EvaluatePolicyStream>, Status> {
        Ok(super::evaluation::evaluate(&self.0, request))
    }

    async fn approve_policy(
        &self,
        request: Request<pb::ApprovePolicyRequest>,
    ) -> Result<Response<pb::ApprovePolicyResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let sent = std::mem::take(&mut asked.request_id);
            let mut arguments = Arguments::default();
            arguments.text("version", &asked.version, 1, VERSION);
            arguments.subject_ref("officer", &asked.officer);
            arguments.text("note", &asked.note, 0, 2_000);
            arguments.text("evaluation_id", &asked.evaluation_id, 0, 64);
            arguments.text("simulation_id", &asked.simulation_id, 0, 64);
            let seen = self.0.service.seen_of(&asked);
            if let Some(approval) = &seen.approval {
                bounds(&mut arguments, &asked.bounds, &approval.evaluation);
            }
            let pb::ApprovePolicyRequest { version, officer, note, .. } = asked.clone();
            let change = PolicyChange::Approve { version, officer, note, seen: Box::new(seen) };
            let written = self.change(arguments, &caller, &sent, ("ApprovePolicy", &asked), change).await?;
            Ok(pb::ApprovePolicyResponse { revision: written.revision.0 })
        };
        self.0.done("ApprovePolicy", &caller, answer.await)
    }

    async fn activate_policy(
        &self,
        request: Request<pb::ActivatePolicyRequest>,
    ) -> Result<Response<pb::ActivatePolicyResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let sent = std::mem::take(&mut asked.request_id);
            let mut arguments = Arguments::default();
            arguments.text("version", &asked.version, 1, VERSION);
            arguments.subject_ref("officer", &asked.officer);
            arguments.text("reason", &asked.reason, 10, 2_000);
            let pb::ActivatePolicyRequest { version, officer, reason, .. } = asked.clone();
            let change = PolicyChange::Activate { version, officer, reason };
            let written = self.change(arguments, &caller, &sent, ("ActivatePolicy", &asked), change).await?;
            Ok(pb::ActivatePolicyResponse { revision: written.revision.0, remarks: written.remarks })
        };
        self.0.done("ActivatePolicy", &caller, answer.await)
    }

    async fn get_policy(
        &self,
        request: Request<pb::GetPolicyRequest>,
    ) -> Result<Response<pb::GetPolicyResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            arguments.text("version", &asked.version, 0, VERSION);
            arguments.finish()?;
            self.0.service.policy(&caller, &asked).await
        };
        self.0.answer("GetPolicy", &caller, answer.await)
    }

    async fn list_policies(
        &self,
        request: Request<pb::ListPoliciesRequest>,
    ) -> Result<Response<pb::ListPoliciesResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let limit = arguments.size("limit", asked.limit, ROWS, MOST);
            arguments.finish()?;
            self.0.service.list_policies(&caller, &asked, limit).await
        };
        self.0.answer("ListPolicies", &caller, answer.await)
    }
}

impl Policies {
    /// Has a policy changed, unless something is wrong with the arguments: then everything is told.
    async fn change(
        &self,
        mut arguments: Arguments,
        caller: &Caller,
        id: &str,
        (method, content): (&str, &impl Message),
        change: PolicyChange,
    ) -> Result<Answer, Fault> {
        let request_id = request_id(id).unwrap_or_else(|violation| {
            arguments.wrong(&violation.field, &violation.reason, violation.description);
            [0; 16]
        });
        arguments.finish()?;
        let digest = content_digest(method, content);
        let mutation = Mutation { caller: caller.clone(), request_id, digest, body: MutationBody::Policy(change) };
        self.0.service.change(mutation).await
    }
}

/// Whether bounds are of what was evaluated, and hold something.
fn bounds(arguments: &mut Arguments, stated: &[pb::DriftBound], evaluation: &pb::Evaluation) {
    for (place, bound) in stated.iter().enumerate() {
        let field = format!("bounds[{place}]");
        if !evaluation.proposed_bounds.iter().any(|proposed| proposed.measure == bound.measure) {
            let told = format!("the evaluation has no measure {:?} that can be bound", bound.measure);
            arguments.wrong(&format!("{field}.measure"), "UNKNOWN_VALUE", told);
        }
        if !(bound.low.is_finite() && bound.high.is_finite() && bound.low <= bound.high) {
            let told = format!("{} to {} holds nothing", bound.low, bound.high);
            arguments.wrong(&field, "OUT_OF_RANGE", told);
        }
    }
}

/// Whether a policy's text is there and not too long to be read.
fn text(arguments: &mut Arguments, field: &str, stated: &str) -> bool {
    let fits = (1..=TEXT_BYTES).contains(&stated.len());
    if !fits {
        let description = format!("{field} has {} bytes; 1 to {TEXT_BYTES} are allowed", stated.len());
        arguments.wrong(field, "LENGTH_OUT_OF_RANGE", description);
    }
    fits
}
