//! Services of supervision that answer in pages of one row, for the tests of what commands ask.

use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::client;
use super::test_screens::{context, gap, victim_update};
use crate::cli::client::Channel;
use crate::pb;
use crate::pb::cohort_service_server::{CohortService, CohortServiceServer};
use crate::pb::outstanding_service_server::{OutstandingService, OutstandingServiceServer};
use crate::pb::ranking_service_server::RankingServiceServer;

type Answer<T> = Result<Response<T>, Status>;

/// Rows of every list.
const ROWS: u32 = 3;

struct Supervised;

fn not_asked<T>() -> Answer<T> {
    Err(Status::unimplemented("no test asks this"))
}

/// The row that a token stands for, and the token of the next.
fn page(token: &str) -> (u32, String) {
    let place = if token.is_empty() { 1 } else { token.parse().unwrap() };
    (place, if place < ROWS { (place + 1).to_string() } else { String::new() })
}

#[tonic::async_trait]
impl OutstandingService for Supervised {
    async fn list_supervision_gaps(
        &self,
        request: Request<pb::ListSupervisionGapsRequest>,
    ) -> Answer<pb::ListSupervisionGapsResponse> {
        let (place, next_page_token) = page(&request.into_inner().page_token);
        let gaps = vec![gap(&format!("S-{place}"), "out-7", pb::Band::High, place)];
        Ok(Response::new(pb::ListSupervisionGapsResponse { gaps, next_page_token, ..Default::default() }))
    }

    async fn list_victim_updates(
        &self,
        request: Request<pb::ListVictimUpdatesRequest>,
    ) -> Answer<pb::ListVictimUpdatesResponse> {
        let (place, next_page_token) = page(&request.into_inner().page_token);
        let updates = vec![victim_update(&format!("S-{place}"), "v-1", 0)];
        Ok(Response::new(pb::ListVictimUpdatesResponse { updates, next_page_token, ..Default::default() }))
    }

    async fn get_outstanding_return(
        &self,
        _: Request<pb::GetOutstandingReturnRequest>,
    ) -> Answer<pb::GetOutstandingReturnResponse> {
        Err(Status::permission_denied("not this caller"))
    }

    async fn open_outstanding(&self, _: Request<pb::OpenOutstandingRequest>) -> Answer<pb::OpenOutstandingResponse> {
        not_asked()
    }

    async fn amend_outstanding(&self, _: Request<pb::AmendOutstandingRequest>) -> Answer<pb::AmendOutstandingResponse> {
        not_asked()
    }

    async fn update_circulation(
        &self,
        _: Request<pb::UpdateCirculationRequest>,
    ) -> Answer<pb::UpdateCirculationResponse> {
        not_asked()
    }

    async fn record_activity(&self, _: Request<pb::RecordActivityRequest>) -> Answer<pb::RecordActivityResponse> {
        not_asked()
    }

    async fn record_review(&self, _: Request<pb::RecordReviewRequest>) -> Answer<pb::RecordReviewResponse> {
        not_asked()
    }

    async fn close_outstanding(&self, _: Request<pb::CloseOutstandingRequest>) -> Answer<pb::CloseOutstandingResponse> {
        not_asked()
    }

    async fn get_outstanding(&self, _: Request<pb::GetOutstandingRequest>) -> Answer<pb::GetOutstandingResponse> {
        not_asked()
    }

    async fn get_demand(&self, _: Request<pb::GetDemandRequest>) -> Answer<pb::GetDemandResponse> {
        not_asked()
    }
}

#[tonic::async_trait]
impl CohortService for Supervised {
    async fn list_decisions(&self, request: Request<pb::ListDecisionsRequest>) -> Answer<pb::ListDecisionsResponse> {
        let (place, next_page_token) = page(&request.into_inner().page_token);
        let decisions = vec![pb::RecordedDecision { decision_id: format!("dec-{place}"), ..Default::default() }];
        Ok(Response::new(pb::ListDecisionsResponse { decisions, next_page_token, ..Default::default() }))
    }

    async fn list_cohort_reviews(
        &self,
        request: Request<pb::ListCohortReviewsRequest>,
    ) -> Answer<pb::ListCohortReviewsResponse> {
        // Says what it was asked to wait for, which a test may look at.
        let waited = request.into_inner();
        let context = pb::ReadContext { revision: waited.min_revision, ..context() };
        Ok(Response::new(pb::ListCohortReviewsResponse { context: Some(context), overdue: 9, ..Default::default() }))
    }

    async fn record_decision(&self, _: Request<pb::RecordDecisionRequest>) -> Answer<pb::RecordDecisionResponse> {
        not_asked()
    }

    async fn override_band(&self, _: Request<pb::OverrideBandRequest>) -> Answer<pb::OverrideBandResponse> {
        not_asked()
    }

    async fn withdraw_override(&self, _: Request<pb::WithdrawOverrideRequest>) -> Answer<pb::WithdrawOverrideResponse> {
        not_asked()
    }

    async fn get_alignment(&self, _: Request<pb::GetAlignmentRequest>) -> Answer<pb::GetAlignmentResponse> {
        not_asked()
    }
}

/// A connection to services of ranking, outstanding files and the cohort, which run until the test's runtime ends.
pub(super) async fn supervised() -> Channel {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = format!("http://{}", incoming.local_addr().unwrap());
    let service = tonic::transport::Server::builder()
        .add_service(RankingServiceServer::new(super::test_server::Fixed))
        .add_service(OutstandingServiceServer::new(Supervised))
        .add_service(CohortServiceServer::new(Supervised));
    tokio::spawn(service.serve_with_incoming(incoming));
    client::ServerArgs::at(server).connect().await.unwrap()
}
