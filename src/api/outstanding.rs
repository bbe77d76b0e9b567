//! `OutstandingService` at the edge: parse, call, map.

use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use tonic::{Request, Response, Status};

use super::filter::{Arguments, most_references};
use super::moves::{change, etag_of, judged, moment, moved, own_id, record};
use super::{Edge, correlated};
use crate::access::Disclosure;
use crate::domain::word::{Band, CloseOutcome, OutstandingReason, SupervisionClock};
use crate::domain::{Date, SubjectId};
use crate::pb;
use crate::pb::outstanding_service_server::OutstandingService;
use crate::pb::record::Kind;
use crate::service::fault::Fault;
use crate::service::moves::{FileRef, Move, Part};
use crate::service::oversight::files::{linked, shown};
use crate::service::oversight::gaps::{Gap, GapFilter, GapOrder, VictimOf};
use crate::service::oversight::returns::ReturnOf;
use crate::service::oversight::{instant, number};
use crate::service::{Seen, Service};

/// Rows of a page unless asked otherwise.
const PAGE: u32 = 50;
/// Most rows of a page.
const MOST: u32 = 1_000;

/// The service.
#[derive(Clone)]
pub struct Outstanding(pub Arc<Edge>);

fn file_ref(arguments: &mut Arguments, subject_ref: &str, id: &str, etag: &str) -> FileRef {
    arguments.subject_ref("subject_ref", subject_ref);
    arguments.subject_ref("outstanding_id", id);
    FileRef { subject_ref: subject_ref.to_owned(), id: id.to_owned(), etag: etag.to_owned() }
}

#[tonic::async_trait]
impl OutstandingService for Outstanding {
    async fn open_outstanding(
        &self,
        request: Request<pb::OpenOutstandingRequest>,
    ) -> Result<Response<pb::OpenOutstandingResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let request_id = std::mem::take(&mut asked.request_id);
            let id = own_id(&mut arguments, "outstanding_id", &asked.outstanding_id, "outstanding", &request_id, 64);
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            let opened = moment(&mut arguments, "opened_time", asked.opened_time.as_ref(), &self.0.service);
            if asked.reason == 0 && !asked.reopen {
                arguments.wrong("reason", "REQUIRED", "reason is required for a new file");
            }
            if asked.reopen && asked.outstanding_id.is_empty() {
                arguments.wrong("outstanding_id", "REQUIRED", "outstanding_id names the file to open again");
            }
            let record = opening(&asked, &id, opened);
            if !asked.reopen {
                judged(&mut arguments, &record, &self.0.service);
            }
            let made = |digest| {
                let made =
                    Move::Open { record: Box::new(record), opened, reopen: asked.reopen, etag: asked.etag.clone() };
                moved(&caller, &request_id, digest, made)
            };
            let written = change(&self.0, arguments, ("OpenOutstanding", &asked), made).await?;
            let etag = etag_of(&written);
            Ok(pb::OpenOutstandingResponse { revision: written.revision.0, outstanding_id: id, etag })
        };
        self.0.done("OpenOutstanding", &caller, answer.await)
    }

    async fn amend_outstanding(
        &self,
        request: Request<pb::AmendOutstandingRequest>,
    ) -> Result<Response<pb::AmendOutstandingResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let request_id = std::mem::take(&mut asked.request_id);
            let file = file_ref(&mut arguments, &asked.subject_ref, &asked.outstanding_id, &asked.etag);
            let parts = parts(&mut arguments, &asked.fields);
            if asked.file.is_none() {
                arguments.wrong("file", "REQUIRED", "file holds the new terms");
            }
            let made = |digest| {
                let terms = Box::new(asked.file.clone().unwrap_or_default());
                moved(&caller, &request_id, digest, Move::Amend { file, parts, terms })
            };
            let written = change(&self.0, arguments, ("AmendOutstanding", &asked), made).await?;
            Ok(pb::AmendOutstandingResponse { revision: written.revision.0, etag: etag_of(&written) })
        };
        self.0.done("AmendOutstanding", &caller, answer.await)
    }

    async fn update_circulation(
        &self,
        request: Request<pb::UpdateCirculationRequest>,
    ) -> Result<Response<pb::UpdateCirculationResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let request_id = std::mem::take(&mut asked.request_id);
            let file = file_ref(&mut arguments, &asked.subject_ref, &asked.outstanding_id, &asked.etag);
            let mut step = asked.step.clone().unwrap_or_default();
            if step.circulation == 0 {
                arguments.wrong("step.circulation", "REQUIRED", "step.circulation says where it is circulated");
            }
            let at = moment(&mut arguments, "step.changed_time", step.changed_time.as_ref(), &self.0.service);
            step.changed_time = Some(crate::service::timestamp(at));
            let made = |digest| moved(&caller, &request_id, digest, Move::Circulate { file, step });
            let written = change(&self.0, arguments, ("UpdateCirculation", &asked), made).await?;
            Ok(pb::UpdateCirculationResponse { revision: written.revision.0, etag: etag_of(&written) })
        };
        self.0.done("UpdateCirculation", &caller, answer.await)
    }

    async fn record_activity(
        &self,
        request: Request<pb::RecordActivityRequest>,
    ) -> Result<Response<pb::RecordActivityResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let request_id = std::mem::take(&mut asked.request_id);
            let id = own_id(&mut arguments, "activity_id", &asked.activity_id, "activity", &request_id, 64);
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            let mut activity = asked.activity.clone().unwrap_or_default();
            if asked.activity.is_none() {
                arguments.wrong("activity", "REQUIRED", "activity says what was done");
            }
            let at = moment(&mut arguments, "activity.done_time", activity.done_time.as_ref(), &self.0.service);
            activity.done_time = Some(crate::service::timestamp(at));
            let record = record(&id, &asked.subject_ref, &asked.source_system, at, Kind::Activity(activity));
            judged(&mut arguments, &record, &self.0.service);
            let made = |digest| moved(&caller, &request_id, digest, Move::Record(Box::new(record)));
            let written = change(&self.0, arguments, ("RecordActivity", &asked), made).await?;
            let (revision, remarks) = (written.revision.0, written.remarks);
            Ok(pb::RecordActivityResponse { revision, activity_id: id, remarks })
        };
        self.0.done("RecordActivity", &caller, answer.await)
    }

    async fn record_review(
        &self,
        request: Request<pb::RecordReviewRequest>,
    ) -> Result<Response<pb::RecordReviewResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let request_id = std::mem::take(&mut asked.request_id);
            let id = own_id(&mut arguments, "review_id", &asked.review_id, "review", &request_id, 64);
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            let mut review = asked.review.clone().unwrap_or_default();
            if asked.review.is_none() {
                arguments.wrong("review", "REQUIRED", "review says what was found");
            }
            let at = moment(&mut arguments, "review.reviewed_time", review.reviewed_time.as_ref(), &self.0.service);
            review.reviewed_time = Some(crate::service::timestamp(at));
            let record = record(&id, &asked.subject_ref, &asked.source_system, at, Kind::Review(review));
            judged(&mut arguments, &record, &self.0.service);
            let made = |digest| moved(&caller, &request_id, digest, Move::Record(Box::new(record)));
            let written = change(&self.0, arguments, ("RecordReview", &asked), made).await?;
            let (revision, remarks) = (written.revision.0, written.remarks);
            Ok(pb::RecordReviewResponse { revision, review_id: id, remarks })
        };
        self.0.done("RecordReview", &caller, answer.await)
    }

    async fn close_outstanding(
        &self,
        request: Request<pb::CloseOutstandingRequest>,
    ) -> Result<Response<pb::CloseOutstandingResponse>, Status> {
        let caller = correlated(&request);
        let mut asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let request_id = std::mem::take(&mut asked.request_id);
            let file = file_ref(&mut arguments, &asked.subject_ref, &asked.outstanding_id, &asked.etag);
            let outcome = arguments.one("outcome", asked.outcome, CloseOutcome::from_proto);
            arguments.subject_ref("officer", &asked.officer);
            let closed = moment(&mut arguments, "closed_time", asked.closed_time.as_ref(), &self.0.service);
            let made = |digest| {
                let outcome = outcome.unwrap_or(CloseOutcome::Withdrawn);
                let made = Move::Close { file, outcome, closed, officer: asked.officer.clone() };
                moved(&caller, &request_id, digest, made)
            };
            let written = change(&self.0, arguments, ("CloseOutstanding", &asked), made).await?;
            let etag = etag_of(&written);
            Ok(pb::CloseOutstandingResponse { revision: written.revision.0, etag, remarks: written.remarks })
        };
        self.0.done("CloseOutstanding", &caller, answer.await)
    }

    async fn get_outstanding(
        &self,
        request: Request<pb::GetOutstandingRequest>,
    ) -> Result<Response<pb::GetOutstandingResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            arguments.finish()?;
            self.0.service.outstanding_files(&caller, &asked).await
        };
        self.0.answer("GetOutstanding", &caller, answer.await)
    }

    async fn list_supervision_gaps(
        &self,
        request: Request<pb::ListSupervisionGapsRequest>,
    ) -> Result<Response<pb::ListSupervisionGapsResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let service = &self.0.service;
        let answer = async {
            let mut arguments = Arguments::default();
            let filter = gap_filter(&mut arguments, asked.filter.as_ref());
            let size = arguments.size("page_size", asked.page_size, PAGE, MOST);
            arguments.finish()?;
            let digest = digest("ListSupervisionGaps", &asked.filter.clone().unwrap_or_default());
            let seen = Seen::new(asked.min_revision, &asked.store);
            let (order, from) = service.gaps(&caller, (&asked.page_token, &digest), seen).await?;
            let sight = Service::sight(&caller, &order.standings);
            caller.look.filter(asked.filter.as_ref().map(Message::encode_to_vec).unwrap_or_default());
            let (gaps, next) = order.page(&filter, &sight, from, size);
            let counts = order.counts(&filter, &sight);
            let subjects = gaps.iter().map(|row| row.subject).collect();
            let answer = pb::ListSupervisionGapsResponse {
                context: Some(service.context(&order.standings)),
                instant: Some(instant(order.instant)),
                gaps: gaps.iter().map(|row| gap(&order, row)).collect(),
                next_page_token: service.gaps_token(&order, next, &caller, &digest),
                open_files: number(counts.open),
                overdue_files: number(counts.overdue),
                never_reviewed: number(counts.never_reviewed),
                never_circulated: number(counts.never_circulated),
            };
            Ok(Disclosure { answer, subjects })
        };
        self.0.answer("ListSupervisionGaps", &caller, answer.await)
    }

    async fn list_victim_updates(
        &self,
        request: Request<pb::ListVictimUpdatesRequest>,
    ) -> Result<Response<pb::ListVictimUpdatesResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let service = &self.0.service;
        let answer = async {
            let mut arguments = Arguments::default();
            let filter = GapFilter {
                areas: most_references(&mut arguments, "areas", &asked.areas, 32),
                officers: most_references(&mut arguments, "officers", &asked.officers, 64),
                supervisors: most_references(&mut arguments, "supervisors", &asked.supervisors, 64),
                ..GapFilter::default()
            };
            let size = arguments.size("page_size", asked.page_size, PAGE, MOST);
            arguments.finish()?;
            let shared = pb::ListVictimUpdatesRequest {
                page_size: 0,
                page_token: String::new(),
                min_revision: 0,
                store: String::new(),
                ..asked.clone()
            };
            let digest = digest("ListVictimUpdates", &shared);
            let seen = Seen::new(asked.min_revision, &asked.store);
            let (order, from) = service.gaps(&caller, (&asked.page_token, &digest), seen).await?;
            let sight = Service::sight(&caller, &order.standings);
            let (rows, files) = order.victims(&filter, &sight, asked.overdue_only);
            let next = (from.saturating_add(size) < rows.len()).then_some(from + size);
            let page = rows.iter().skip(from).take(size);
            let subjects = page.clone().map(|row| row.subject).collect();
            let answer = pb::ListVictimUpdatesResponse {
                context: Some(service.context(&order.standings)),
                instant: Some(instant(order.instant)),
                updates: page.map(|row| update(&order, row)).collect(),
                next_page_token: service.gaps_token(&order, next, &caller, &digest),
                files: number(files),
            };
            Ok(Disclosure { answer, subjects })
        };
        self.0.answer("ListVictimUpdates", &caller, answer.await)
    }

    async fn get_outstanding_return(
        &self,
        request: Request<pb::GetOutstandingReturnRequest>,
    ) -> Result<Response<pb::GetOutstandingReturnResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let of = return_of(&mut arguments, &asked, self.0.service.now());
            arguments.finish()?;
            let of = of.ok_or(Fault::Internal)?;
            self.0.service.outstanding_return(&caller, of).await
        };
        self.0.answer("GetOutstandingReturn", &caller, answer.await)
    }

    async fn get_demand(
        &self,
        request: Request<pb::GetDemandRequest>,
    ) -> Result<Response<pb::GetDemandResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let answer = async {
            let mut arguments = Arguments::default();
            let from = arguments.date("from", &asked.from);
            let to = arguments.date("to", &asked.to);
            if let (Some(from), Some(to)) = (from, to)
                && to < from
            {
                arguments.wrong("to", "DATES_OUT_OF_ORDER", "to is before from");
            }
            most_references(&mut arguments, "areas", &asked.areas, 32);
            arguments.finish()?;
            let days = from.zip(to).ok_or(Fault::Internal)?;
            self.0.service.demand(&caller, &asked, days).await
        };
        self.0.answer("GetDemand", &caller, answer.await)
    }
}

/// The record of a file that opens.
fn opening(asked: &pb::OpenOutstandingRequest, id: &str, opened: Timestamp) -> pb::Record {
    let file = pb::Outstanding {
        reason: asked.reason,
        offence_ids: asked.offence_ids.clone(),
        periods: vec![pb::OpenPeriod {
            opened_on: Date::in_london(opened).to_string(),
            opened_time: Some(crate::service::timestamp(opened)),
            ..pb::OpenPeriod::default()
        }],
        circulation: asked.circulations.last().map_or(0, |step| step.circulation),
        area: asked.area.clone(),
        officer: asked.officer.clone(),
        supervisor: asked.supervisor.clone(),
        circulations: asked.circulations.clone(),
        bail: asked.bail.clone(),
        warrant: asked.warrant.clone(),
        recall: asked.recall.clone(),
        overseas_convictions: None,
        immigration: None,
        officers: Vec::new(),
    };
    record(id, &asked.subject_ref, &asked.source_system, opened, Kind::Outstanding(file))
}

fn parts(arguments: &mut Arguments, fields: &[String]) -> Vec<Part> {
    if fields.is_empty() {
        arguments.wrong("fields", "REQUIRED", "fields names at least one field of file to put in place");
    }
    let mut parts = Vec::new();
    if fields.len() > Part::ALL.len() {
        arguments.wrong("fields", "TOO_MANY", "fields names more than there are");
    }
    for (place, name) in fields.iter().enumerate().take(Part::ALL.len()) {
        if let Some((_, part)) = Part::ALL.iter().find(|(known, _)| known == name) {
            parts.push(*part);
        } else {
            let names: Vec<&str> = Part::ALL.iter().map(|(name, _)| *name).collect();
            let field = format!("fields[{place}]");
            arguments.wrong(&field, "UNKNOWN_VALUE", format!("{field} is none of {}", names.join(", ")));
        }
    }
    parts
}

fn gap_filter(arguments: &mut Arguments, stated: Option<&pb::GapFilter>) -> GapFilter {
    let Some(stated) = stated else { return GapFilter::default() };
    GapFilter {
        areas: most_references(arguments, "filter.areas", &stated.areas, 32),
        officers: most_references(arguments, "filter.officers", &stated.officers, 64),
        supervisors: most_references(arguments, "filter.supervisors", &stated.supervisors, 64),
        bands: arguments.words("filter.bands", &stated.bands, Band::from_proto),
        reasons: arguments.words("filter.reasons", &stated.reasons, OutstandingReason::from_proto),
        clocks: arguments.words("filter.clocks", &stated.clocks, SupervisionClock::from_proto),
        never_reviewed: stated.never_reviewed_only,
        never_circulated: stated.never_circulated_only,
    }
}

/// Digest of what pages of one chain must share.
fn digest(method: &str, shared: &impl Message) -> [u8; 32] {
    crate::service::mutation::content_digest(method, shared)
}

fn subject_ref(order: &GapOrder, subject: SubjectId) -> String {
    order.standings.dossier(subject).map_or_else(String::new, |dossier| dossier.subject_ref().to_owned())
}

fn gap(order: &GapOrder, row: &Gap<'_>) -> pb::SupervisionGap {
    let (file, names) = (row.file, order.standings.names());
    let read = &file.supervised;
    let officer = |officer: Option<_>| officer.map_or_else(String::new, |it| names.officer_reference(it).to_string());
    pb::SupervisionGap {
        subject_ref: subject_ref(order, row.subject),
        outstanding_id: file.id.to_string(),
        reason: file.reason.proto().into(),
        band: file.band.proto().into(),
        position: row.position,
        area: file.area.map_or_else(String::new, |area| names.area_name(area).to_string()),
        officer: officer(file.officer),
        supervisor: officer(file.supervisor),
        circulation: read.circulation.proto().into(),
        opened_time: Some(instant(read.run.began)),
        last_activity_time: read.last_activity.map(instant),
        last_review_time: read.last_review.map(instant),
        gap: file.gap(order.instant),
        clocks: shown(file.clocks(), order.instant),
    }
}

fn update(order: &GapOrder, row: &VictimOf<'_>) -> pb::VictimUpdate {
    let (file, names) = (row.file, order.standings.names());
    let officer = |officer: Option<_>| officer.map_or_else(String::new, |it| names.officer_reference(it).to_string());
    pb::VictimUpdate {
        subject_ref: subject_ref(order, row.subject),
        outstanding_id: file.id.to_string(),
        reason: file.reason.proto().into(),
        band: file.band.proto().into(),
        area: file.area.map_or_else(String::new, |area| names.area_name(area).to_string()),
        officer: officer(file.officer),
        supervisor: officer(file.supervisor),
        victim: Some(linked(row.victim, row.telling, order.instant)),
    }
}

/// The day, moment and period of a return: over, known, in order.
fn return_of(arguments: &mut Arguments, asked: &pb::GetOutstandingReturnRequest, now: Timestamp) -> Option<ReturnOf> {
    let as_at = arguments.date("as_at", &asked.as_at);
    let over = as_at.map(|day| (day + 1).london_midnight());
    if over.is_some_and(|over| over > now) {
        arguments.wrong(
            "as_at",
            "NOT_YET_OVER",
            "as_at is not over: a return is as at the end of a day that has passed",
        );
    }
    let known_at = match &asked.known_at {
        None => over,
        Some(stated) => match Timestamp::new(stated.seconds, stated.nanos) {
            Ok(instant) if instant <= now => Some(instant),
            Ok(_) => {
                arguments.wrong(
                    "known_at",
                    "IN_THE_FUTURE",
                    "known_at lies in the future: nobody knows yet what will be known",
                );
                None
            }
            Err(_) => {
                arguments.wrong("known_at", "INVALID_TIME", "known_at is not an instant between years 1 and 9999");
                None
            }
        },
    };
    let from = match asked.from.as_str() {
        "" => as_at.map(|day| day + (1 - i32::from(day.ymd().2))),
        text => arguments.date("from", text),
    };
    if let (Some(from), Some(as_at)) = (from, as_at)
        && from > as_at
    {
        arguments.wrong("from", "DATES_OUT_OF_ORDER", "from is after as_at");
    }
    let areas = most_references(arguments, "areas", &asked.areas, 32);
    Some(ReturnOf { as_at: as_at?, known_at: known_at?, from: from?, areas })
}
