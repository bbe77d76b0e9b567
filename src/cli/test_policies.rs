//! A policy service that takes in evaluations and approvals, for the tests of what commands ask.

use std::sync::{Arc, Mutex};

use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};

use crate::evaluation::report::fixture;
use crate::pb;
use crate::pb::evaluate_policy_request::Part;
use crate::pb::policy_service_server::{PolicyService, PolicyServiceServer};

/// What the service was asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Parts of evaluations, in order.
    pub(super) parts: Vec<Part>,
    /// Approvals.
    pub(super) approvals: Vec<pb::ApprovePolicyRequest>,
}

/// Takes in every part, and answers with the evaluation of the tests; where it is not whole, it stops before that, and
/// holds no simulation.
struct Evaluates {
    asked: Arc<Mutex<Asked>>,
    whole: bool,
}

type Answer<T> = Result<Response<T>, Status>;

fn not_asked<T>() -> Answer<T> {
    Err(Status::unimplemented("no test asks this"))
}

#[tonic::async_trait]
impl PolicyService for Evaluates {
    type EvaluatePolicyStream = tokio_stream::Iter<std::vec::IntoIter<Result<pb::EvaluatePolicyResponse, Status>>>;

    async fn evaluate_policy(
        &self,
        request: Request<Streaming<pb::EvaluatePolicyRequest>>,
    ) -> Answer<Self::EvaluatePolicyStream> {
        let mut parts = request.into_inner();
        while let Some(message) = parts.message().await? {
            self.asked.lock().unwrap().parts.extend(message.part);
        }
        let progress = pb::EvaluatePolicyResponse { phase: "weighing".to_owned(), done: 1, of: 2, evaluation: None };
        let last = pb::EvaluatePolicyResponse { evaluation: Some(fixture::whole()), ..Default::default() };
        let answers = std::iter::once(progress).chain(self.whole.then_some(last)).map(Ok);
        Ok(Response::new(tokio_stream::iter(answers.collect::<Vec<_>>())))
    }

    async fn create_policy_draft(
        &self,
        _: Request<pb::CreatePolicyDraftRequest>,
    ) -> Answer<pb::CreatePolicyDraftResponse> {
        not_asked()
    }

    async fn validate_policy(&self, _: Request<pb::ValidatePolicyRequest>) -> Answer<pb::ValidatePolicyResponse> {
        not_asked()
    }

    async fn simulate_policy(&self, _: Request<pb::SimulatePolicyRequest>) -> Answer<pb::SimulatePolicyResponse> {
        not_asked()
    }

    async fn approve_policy(&self, request: Request<pb::ApprovePolicyRequest>) -> Answer<pb::ApprovePolicyResponse> {
        self.asked.lock().unwrap().approvals.push(request.into_inner());
        Ok(Response::new(pb::ApprovePolicyResponse { revision: 7 }))
    }

    async fn activate_policy(&self, _: Request<pb::ActivatePolicyRequest>) -> Answer<pb::ActivatePolicyResponse> {
        not_asked()
    }

    async fn get_policy(&self, request: Request<pb::GetPolicyRequest>) -> Answer<pb::GetPolicyResponse> {
        let version = request.into_inner().version;
        Ok(Response::new(pb::GetPolicyResponse {
            policy: Some(pb::Policy { version, ..Default::default() }),
            evaluation: Some(fixture::whole()),
            simulation: self.whole.then(|| pb::KeptSimulation { id: "5e0f".to_owned(), ..Default::default() }),
            ..Default::default()
        }))
    }

    async fn list_policies(&self, _: Request<pb::ListPoliciesRequest>) -> Answer<pb::ListPoliciesResponse> {
        not_asked()
    }
}

/// Address of the service, which runs until the test's runtime ends, and what it was asked.
pub(super) fn serving(whole: bool) -> (String, Arc<Mutex<Asked>>) {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = format!("http://{}", incoming.local_addr().unwrap());
    let asked = Arc::new(Mutex::new(Asked::default()));
    let service = PolicyServiceServer::new(Evaluates { asked: asked.clone(), whole });
    tokio::spawn(tonic::transport::Server::builder().add_service(service).serve_with_incoming(incoming));
    (server, asked)
}
