//! A ranking service with 25 people on COHORT and nothing else, for the tests of what commands ask.

use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status};

use super::client;
use super::test_screens::{context, movement, standing};
use crate::cli::client::Channel;
use crate::pb;
use crate::pb::ranking_service_client::RankingServiceClient;
use crate::pb::ranking_service_server::{RankingService, RankingServiceServer};
use crate::service::fault::Fault;

/// People on the list, best first: `S-001` to `S-025`.
const PEOPLE: u32 = 25;

pub(super) struct Fixed;

fn person(place: u32) -> pb::Standing {
    standing(&format!("S-{place:03}"), place, pb::Band::High, 60_000 - place)
}

fn place(subject_ref: &str) -> Result<u32, Status> {
    let place = subject_ref.strip_prefix("S-").and_then(|digits| digits.parse().ok());
    place.filter(|place| (1..=PEOPLE).contains(place)).ok_or_else(|| Status::not_found("no such person is held"))
}

#[tonic::async_trait]
impl RankingService for Fixed {
    async fn list_standings(
        &self,
        request: Request<pb::ListStandingsRequest>,
    ) -> Result<Response<pb::ListStandingsResponse>, Status> {
        let request = request.into_inner();
        let first = if request.page_token.is_empty() { 1 } else { request.page_token.parse().unwrap() };
        let last = (first + request.page_size - 1).min(PEOPLE);
        Ok(Response::new(pb::ListStandingsResponse {
            context: Some(context()),
            standings: (first..=last).map(person).collect(),
            next_page_token: if last < PEOPLE { (last + 1).to_string() } else { String::new() },
            list_size: PEOPLE,
        }))
    }

    async fn get_standing(
        &self,
        request: Request<pb::GetStandingRequest>,
    ) -> Result<Response<pb::GetStandingResponse>, Status> {
        let subject_ref = request.into_inner().subject_ref;
        let listed = pb::ListedStanding {
            list: pb::List::Cohort.into(),
            family: pb::Family::Cohort.into(),
            standing: Some(person(place(&subject_ref)?)),
            list_size: PEOPLE,
            ..Default::default()
        };
        Ok(Response::new(pb::GetStandingResponse {
            context: Some(context()),
            subject_ref,
            standings: vec![listed],
            ..Default::default()
        }))
    }

    async fn get_neighbourhood(
        &self,
        request: Request<pb::GetNeighbourhoodRequest>,
    ) -> Result<Response<pb::GetNeighbourhoodResponse>, Status> {
        let request = request.into_inner();
        let place = place(&request.subject_ref)?;
        Ok(Response::new(pb::GetNeighbourhoodResponse {
            context: Some(context()),
            above: (place.saturating_sub(request.k).max(1)..place).map(person).collect(),
            subject: Some(person(place)),
            below: (place + 1..=(place + request.k).min(PEOPLE)).map(person).collect(),
            list_size: PEOPLE,
        }))
    }

    async fn compare_standings(
        &self,
        request: Request<pb::CompareStandingsRequest>,
    ) -> Result<Response<pb::CompareStandingsResponse>, Status> {
        let request = request.into_inner();
        let (a, b) = (place(&request.subject_ref_a)?, place(&request.subject_ref_b)?);
        let (above, below) = (person(a.min(b)), person(a.max(b)));
        let explanation = format!("{} scores more than {}.", above.subject_ref, below.subject_ref);
        Ok(Response::new(pb::CompareStandingsResponse {
            above: Some(above),
            below: Some(below),
            explanation,
            ..Default::default()
        }))
    }

    async fn batch_get_standings(
        &self,
        _: Request<pb::BatchGetStandingsRequest>,
    ) -> Result<Response<pb::BatchGetStandingsResponse>, Status> {
        Err(Status::unimplemented("no command asks this"))
    }

    async fn get_list_summary(
        &self,
        request: Request<pb::GetListSummaryRequest>,
    ) -> Result<Response<pb::GetListSummaryResponse>, Status> {
        let size = if request.into_inner().list() == pb::List::Cohort { PEOPLE } else { 0 };
        Ok(Response::new(pb::GetListSummaryResponse { context: Some(context()), size, ..Default::default() }))
    }

    async fn list_movements(
        &self,
        request: Request<pb::ListMovementsRequest>,
    ) -> Result<Response<pb::ListMovementsResponse>, Status> {
        let request = request.into_inner();
        if request.list() != pb::List::Cohort {
            return Err(crate::api::error::status(&Fault::UnknownGeneration, "c-1"));
        }
        let first = if request.page_token.is_empty() { 1 } else { request.page_token.parse().unwrap() };
        let last = (first + request.page_size - 1).min(PEOPLE);
        Ok(Response::new(pb::ListMovementsResponse {
            context: Some(context()),
            movements: (first..=last).map(|place| movement(&format!("S-{place:03}"), place)).collect(),
            next_page_token: if last < PEOPLE { (last + 1).to_string() } else { String::new() },
            ..Default::default()
        }))
    }

    async fn list_standing_history(
        &self,
        request: Request<pb::ListStandingHistoryRequest>,
    ) -> Result<Response<pb::ListStandingHistoryResponse>, Status> {
        let subject_ref = request.into_inner().subject_ref;
        place(&subject_ref)?;
        Ok(Response::new(pb::ListStandingHistoryResponse { subject_ref, ..Default::default() }))
    }

    type ExportStandingsStream = tokio_stream::Empty<Result<pb::ExportStandingsResponse, Status>>;

    async fn export_standings(
        &self,
        _: Request<pb::ExportStandingsRequest>,
    ) -> Result<Response<Self::ExportStandingsStream>, Status> {
        Err(Status::unimplemented("no command asks this"))
    }

    type WatchStandingsStream = tokio_stream::Empty<Result<pb::WatchStandingsResponse, Status>>;

    async fn watch_standings(
        &self,
        _: Request<pb::WatchStandingsRequest>,
    ) -> Result<Response<Self::WatchStandingsStream>, Status> {
        Err(Status::unimplemented("no command asks this"))
    }

    async fn list_changes(
        &self,
        _: Request<pb::ListChangesRequest>,
    ) -> Result<Response<pb::ListChangesResponse>, Status> {
        Err(Status::unimplemented("no command asks this"))
    }
}

/// A client of the fixed service, which runs until the test's runtime ends.
pub(super) async fn fixed() -> RankingServiceClient<Channel> {
    let incoming = TcpIncoming::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let server = format!("http://{}", incoming.local_addr().unwrap());
    let service = tonic::transport::Server::builder().add_service(RankingServiceServer::new(Fixed));
    tokio::spawn(service.serve_with_incoming(incoming));
    client::ServerArgs::at(server).ranking().await.unwrap()
}
