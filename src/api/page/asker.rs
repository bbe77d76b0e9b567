//! How a page asks: as any other client of the contract does, through the same gate,
//! as the one whose browser asked for the page. A page has no other way to anything.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response, request};
use tonic::body::Body;
use tonic::service::Routes;
use tower::Service;

use crate::access::transport::Peer;
use crate::api::gate::{CORRELATION, Guarded, ON_BEHALF_OF, PURPOSE};
use crate::pb::audit_service_client::AuditServiceClient;
use crate::pb::cohort_service_client::CohortServiceClient;
use crate::pb::evidence_service_client::EvidenceServiceClient;
use crate::pb::outstanding_service_client::OutstandingServiceClient;
use crate::pb::policy_service_client::PolicyServiceClient;
use crate::pb::ranking_service_client::RankingServiceClient;
use crate::pb::rescore_service_client::RescoreServiceClient;

/// What of a request for a page goes with the calls that it makes.
const CARRIED: [&str; 4] = ["authorization", CORRELATION, ON_BEHALF_OF, PURPOSE];

/// Whoever asked for a page, as the services behind the gate hear them.
#[derive(Clone)]
pub struct Asker {
    gated: Guarded<Routes>,
    headers: HeaderMap,
    peer: Peer,
}

impl Asker {
    /// Whoever sent a request.
    pub fn of(gated: Guarded<Routes>, request: &request::Parts) -> Self {
        let mut headers = HeaderMap::new();
        for name in CARRIED {
            if let Some(value) = request.headers.get(name) {
                headers.insert(name, value.clone());
            }
        }
        let peer = request.extensions.get::<Peer>().cloned().unwrap_or_default();
        Self { gated, headers, peer }
    }

    /// Lists and standings.
    pub fn ranking(&self) -> RankingServiceClient<Self> {
        RankingServiceClient::new(self.clone())
    }

    /// Records.
    pub fn evidence(&self) -> EvidenceServiceClient<Self> {
        EvidenceServiceClient::new(self.clone())
    }

    /// Outstanding files.
    pub fn outstanding(&self) -> OutstandingServiceClient<Self> {
        OutstandingServiceClient::new(self.clone())
    }

    /// The managed cohort.
    pub fn cohort(&self) -> CohortServiceClient<Self> {
        CohortServiceClient::new(self.clone())
    }

    /// Runs.
    pub fn rescore(&self) -> RescoreServiceClient<Self> {
        RescoreServiceClient::new(self.clone())
    }

    /// Policies.
    pub fn policy(&self) -> PolicyServiceClient<Self> {
        PolicyServiceClient::new(self.clone())
    }

    /// Who looked.
    pub fn audit(&self) -> AuditServiceClient<Self> {
        AuditServiceClient::new(self.clone())
    }
}

impl Service<Request<Body>> for Asker {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.gated.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        request.headers_mut().extend(self.headers.clone());
        request.extensions_mut().insert(self.peer.clone());
        self.gated.call(request)
    }
}
