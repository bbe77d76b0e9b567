//! A client of every service, generated from the contract: what most tests ask
//! of it in a few words, and what a status tells. It starts no server.

use steelyard::pb;
use steelyard::pb::cohort_service_client::CohortServiceClient;
use steelyard::pb::evidence_service_client::EvidenceServiceClient;
use steelyard::pb::maintenance_service_client::MaintenanceServiceClient;
use steelyard::pb::outstanding_service_client::OutstandingServiceClient;
use steelyard::pb::policy_service_client::PolicyServiceClient;
use steelyard::pb::ranking_service_client::RankingServiceClient;
use steelyard::pb::rescore_service_client::RescoreServiceClient;
use tonic::transport::Channel;
use uuid::Uuid;

/// Clients of every service.
#[derive(Clone)]
pub struct Client {
    /// Of evidence.
    pub evidence: EvidenceServiceClient<Channel>,
    /// Of maintenance.
    pub maintenance: MaintenanceServiceClient<Channel>,
    /// Of ranking.
    pub ranking: RankingServiceClient<Channel>,
    /// Of outstanding files.
    pub outstanding: OutstandingServiceClient<Channel>,
    /// Of the cohort.
    pub cohort: CohortServiceClient<Channel>,
    /// Of runs.
    pub rescore: RescoreServiceClient<Channel>,
    /// Of policies.
    pub policies: PolicyServiceClient<Channel>,
}

impl Client {
    /// A client over this channel.
    pub fn over(channel: Channel) -> Self {
        Self {
            evidence: EvidenceServiceClient::new(channel.clone()),
            maintenance: MaintenanceServiceClient::new(channel.clone()),
            ranking: RankingServiceClient::new(channel.clone()),
            outstanding: OutstandingServiceClient::new(channel.clone()),
            cohort: CohortServiceClient::new(channel.clone()),
            rescore: RescoreServiceClient::new(channel.clone()),
            policies: PolicyServiceClient::new(channel),
        }
    }

    /// Writes records, all or none.
    pub async fn try_write(&mut self, records: Vec<pb::Record>) -> Result<pb::WriteEvidenceResponse, tonic::Status> {
        let request = pb::WriteEvidenceRequest { request_id: new_id(), records, ..Default::default() };
        self.evidence.write_evidence(request).await.map(tonic::Response::into_inner)
    }

    /// Writes records that must be taken.
    pub async fn write(&mut self, records: Vec<pb::Record>) -> pb::WriteEvidenceResponse {
        match self.try_write(records).await {
            Ok(response) => response,
            Err(status) => panic!("records must be taken: {}", told(&status)),
        }
    }

    /// Asks for the run of a day, under the id of that day.
    pub async fn rescore(&mut self, as_of: &str) -> Result<pb::RescoreRun, tonic::Status> {
        let id = steelyard::service::rescore::id_of_day(as_of.parse().expect("must be a date"));
        let request_id = steelyard::service::rescore::text(&id);
        let request = pb::StartRescoreRequest { request_id, as_of: as_of.to_owned(), dry_run: false };
        Ok(self.rescore.start_rescore(request).await?.into_inner().run.expect("a run must be told"))
    }

    /// An evaluation by these terms.
    pub async fn evaluated(&mut self, terms: pb::EvaluationTerms) -> Result<pb::Evaluation, tonic::Status> {
        self.evaluated_with(terms, Vec::new()).await
    }

    /// An evaluation by these terms, with what else is sent in.
    pub async fn evaluated_with(
        &mut self,
        terms: pb::EvaluationTerms,
        more: Vec<pb::evaluate_policy_request::Part>,
    ) -> Result<pb::Evaluation, tonic::Status> {
        let parts = std::iter::once(pb::evaluate_policy_request::Part::Terms(terms)).chain(more);
        let parts: Vec<_> = parts.map(|part| pb::EvaluatePolicyRequest { part: Some(part) }).collect();
        let mut told = self.policies.evaluate_policy(tokio_stream::iter(parts)).await?.into_inner();
        let mut last = None;
        while let Some(answer) = told.message().await? {
            last = answer.evaluation;
        }
        last.ok_or_else(|| tonic::Status::unavailable("the evaluation was not told to its end"))
    }

    /// A run once it has ended.
    pub async fn ended(&mut self, run_id: &str) -> Result<pb::RescoreRun, tonic::Status> {
        let request = pb::WatchRescoreRunRequest { run_id: run_id.to_owned() };
        let mut told = self.rescore.watch_rescore_run(request).await?.into_inner();
        let mut last = None;
        while let Some(answer) = told.message().await? {
            last = answer.run;
        }
        last.ok_or_else(|| tonic::Status::unavailable("the run was not told to its end"))
    }

    /// Everybody weighed on a day, and that published.
    pub async fn weigh_on(&mut self, as_of: &str) -> pb::RescoreRun {
        let run = self.rescore(as_of).await.expect("a run must begin");
        let ended = self.ended(&run.run_id).await.expect("it must come to its end");
        assert_eq!(ended.state(), pb::RescoreState::Published, "{ended:?}");
        ended
    }

    /// A whole list, in pages of `size`.
    pub async fn whole(&mut self, list: pb::List, size: u32) -> Vec<pb::Standing> {
        self.try_whole(list, pb::View::Basic, size).await.expect("pages must come")
    }

    /// A whole list in a view, in pages of `size`.
    pub async fn try_whole(
        &mut self,
        list: pb::List,
        view: pb::View,
        size: u32,
    ) -> Result<Vec<pb::Standing>, tonic::Status> {
        let mut whole = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListStandingsRequest {
                list: list.into(),
                view: view.into(),
                page_size: size,
                page_token,
                ..Default::default()
            };
            let page = self.ranking.list_standings(request).await?.into_inner();
            whole.extend(page.standings);
            if page.next_page_token.is_empty() {
                return Ok(whole);
            }
            page_token = page.next_page_token;
        }
    }

    /// Every version held of a person, or of each record in force, in pages of `size`.
    pub async fn try_held(
        &mut self,
        subject_ref: &str,
        include_history: bool,
        size: u32,
    ) -> Result<Vec<pb::HeldRecord>, tonic::Status> {
        let mut held = Vec::new();
        let mut page_token = String::new();
        loop {
            let request = pb::ListEvidenceRequest {
                subject_ref: subject_ref.to_owned(),
                include_history,
                page_size: size,
                page_token,
                ..Default::default()
            };
            let page = self.evidence.list_evidence(request).await?.into_inner();
            held.extend(page.records);
            if page.next_page_token.is_empty() {
                return Ok(held);
            }
            page_token = page.next_page_token;
        }
    }

    /// A person's standing on every list.
    pub async fn standing(&mut self, subject_ref: &str) -> Result<pb::GetStandingResponse, tonic::Status> {
        let request = pb::GetStandingRequest { subject_ref: subject_ref.to_owned(), ..Default::default() };
        self.ranking.get_standing(request).await.map(tonic::Response::into_inner)
    }

    /// A person's standing on one list, which they must stand on.
    pub async fn on_list(&mut self, subject_ref: &str, list: pb::List) -> pb::Standing {
        let answer = self.standing(subject_ref).await.expect("the person must be known");
        let listed = answer.standings.into_iter().find(|listed| listed.list == i32::from(list));
        listed.and_then(|listed| listed.standing).unwrap_or_else(|| panic!("{subject_ref} must stand on {list:?}"))
    }
}

/// A new request id.
pub fn new_id() -> String {
    Uuid::new_v4().to_string()
}

/// The contract's reason in a status.
pub fn reason(status: &tonic::Status) -> Option<String> {
    use tonic_types::StatusExt;
    status.get_error_details().error_info().map(|info| info.reason.clone())
}

/// A status with its reason and every violation, as `field: REASON: description`.
pub fn told(status: &tonic::Status) -> String {
    use tonic_types::StatusExt;
    let details = status.get_error_details();
    let reason = details.error_info().map(|info| info.reason.clone()).unwrap_or_default();
    let violations = details.bad_request().map(|bad| bad.field_violations.clone()).unwrap_or_default();
    let violations: Vec<String> = violations
        .into_iter()
        .map(|violation| format!("{}: {}: {}", violation.field, violation.reason, violation.description))
        .collect();
    format!("{:?} {reason} {} {}", status.code(), status.message(), violations.join(" | "))
}
