//! `RankingService` at the edge: parse, call, map.

use std::sync::Arc;

use prost::Message;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use super::answer::Answers;
use super::filter::Arguments;
use super::http::etag::Known;
use super::standing::{Rows, ended, listed};
use super::{Edge, correlated, movement, watching, what_if};
use crate::access::{Caller, Disclosure};
use crate::domain::MilliPoints;
use crate::domain::word::{Band, Component, List};
use crate::pb;
use crate::pb::ranking_service_server::RankingService;
use crate::ranking::summary::CASE_AGES;
use crate::ranking::{DecidedBy, Placed, Summary};
use crate::service::fault::Fault;
use crate::service::ranked::{Compared, PageOf, Reading};
use crate::service::{Seen, Service, held};

/// Rows of a page unless asked otherwise.
const PAGE: u32 = 50;
/// Most rows of a BASIC page.
const MOST_BASIC: u32 = 1_000;
/// Most rows of a FULL page.
const MOST_FULL: u32 = 100;
/// Rows in one part of a BASIC export.
const EXPORT_BASIC: usize = 1_000;
/// Parts of an export that may wait for the client.
const EXPORT_IN_FLIGHT: usize = 2;
/// Most bytes of a reply: what clients take unless told otherwise.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// The service.
#[derive(Clone)]
pub struct Ranking(pub Arc<Edge>);

fn most(full: bool) -> u32 {
    if full { MOST_FULL } else { MOST_BASIC }
}

/// Digest of the arguments that pages of one chain must share: everything but size, token and `min_revision`.
fn arguments_digest(method: &str, list: i32, view: i32, filter: Option<&pb::StandingFilter>) -> [u8; 32] {
    let shared = pb::ListStandingsRequest { list, view, filter: filter.cloned(), ..Default::default() };
    let mut hasher = blake3::Hasher::new();
    hasher.update(method.as_bytes());
    hasher.update(&shared.encode_to_vec());
    *hasher.finalize().as_bytes()
}

/// The same for pages of a generation; those of now are as they were before there were any.
fn of_generation(arguments: [u8; 32], generation: u64) -> [u8; 32] {
    match generation {
        0 => arguments,
        number => *blake3::keyed_hash(&arguments, &number.to_be_bytes()).as_bytes(),
    }
}

/// A filter as the audit keeps it.
fn noted(filter: Option<&pb::StandingFilter>) -> Vec<u8> {
    filter.map(Message::encode_to_vec).unwrap_or_default()
}

/// A list's size in the contract.
pub(super) fn size(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[tonic::async_trait]
impl RankingService for Ranking {
    async fn list_standings(
        &self,
        request: Request<pb::ListStandingsRequest>,
    ) -> Result<Response<pb::ListStandingsResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let service = &self.0.service;
        let answer = async {
            let mut arguments = Arguments::default();
            let list = arguments.list(asked.list);
            let full = arguments.full(asked.view);
            let page_of = PageOf {
                list,
                filter: arguments.filter(asked.filter.as_ref()),
                size: arguments.size("page_size", asked.page_size, PAGE, most(full)),
                arguments: of_generation(
                    arguments_digest("ListStandings", asked.list, asked.view, asked.filter.as_ref()),
                    asked.generation,
                ),
                token: asked.page_token,
            };
            arguments.finish()?;
            let seen = Seen::new(asked.min_revision, &asked.store);
            caller.look.filter(noted(asked.filter.as_ref()));
            let Disclosure { answer: Reading { standings, found }, subjects } = match asked.generation {
                0 => service.page(&caller, &page_of, seen).await?,
                number => self.0.rescoring.page(&caller, &page_of, number, full, seen).await?,
            };
            let response = pb::ListStandingsResponse {
                context: Some(service.context(&standings)),
                standings: Rows::new(&standings, list, full, &caller).all(&found.page.rows),
                next_page_token: found.next.unwrap_or_default(),
                list_size: size(found.size),
            };
            let known = (asked.generation == 0).then(|| {
                let pages = (!response.next_page_token.is_empty()).then(|| service.pages_of(&standings)).flatten();
                Known { next_page_of: pages, ..self.0.known(&caller, &standings, [list]) }
            });
            within_bytes(response, full).map(|answer| (Disclosure { answer, subjects }, known))
        };
        self.0.answer_known("ListStandings", &caller, answer.await)
    }

    async fn get_standing(
        &self,
        request: Request<pb::GetStandingRequest>,
    ) -> Result<Response<pb::GetStandingResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let service = &self.0.service;
        let answer = async {
            let mut arguments = Arguments::default();
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            arguments.finish()?;
            let seen = Seen::new(asked.min_revision, &asked.store);
            let Disclosure { answer, subjects } = service.standing(&caller, &asked.subject_ref, seen).await?;
            let Reading { standings, found: (subject, places) } = answer;
            let row = standings.row(subject).ok_or(Fault::NotYetScored)?;
            let mut answer = pb::GetStandingResponse {
                context: Some(service.context(&standings)),
                subject_ref: asked.subject_ref,
                standings: listed(&standings, subject, &places, &caller, &Service::sight(&caller, &standings)),
                areas: held::areas(&standings, subject),
                offender_manager: row
                    .offender_manager()
                    .map(|officer| standings.names().officer_reference(officer).to_string())
                    .unwrap_or_default(),
                harm_ranks: Vec::new(),
            };
            if asked.with_counterfactuals {
                what_if::add_counterfactuals(&mut answer, &standings, subject, &caller).await?;
            }
            if asked.with_harm_tables {
                what_if::add_harm_ranks(&mut answer, service, &standings, subject, &caller).await?;
            }
            // These change with more than the lists do: other people's records, and days to come.
            let lists_alone = !asked.with_counterfactuals && !asked.with_harm_tables;
            let known = lists_alone.then(|| self.0.known(&caller, &standings, places.iter().map(|(list, _)| *list)));
            Ok((Disclosure { answer, subjects }, known))
        };
        self.0.answer_known("GetStanding", &caller, answer.await)
    }

    async fn batch_get_standings(
        &self,
        request: Request<pb::BatchGetStandingsRequest>,
    ) -> Result<Response<pb::BatchGetStandingsResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let service = &self.0.service;
        let answer = async {
            let mut arguments = Arguments::default();
            let list = arguments.list(asked.list);
            let full = arguments.full(asked.view);
            if asked.subject_refs.is_empty() {
                arguments.wrong("subject_refs", "REQUIRED", "subject_refs names at least one person");
            }
            let most = most(full || asked.with_before);
            arguments.size("subject_refs", size(asked.subject_refs.len()), 1, most);
            for (place, subject_ref) in asked.subject_refs.iter().take(MOST_BASIC as usize).enumerate() {
                arguments.subject_ref(&format!("subject_refs[{place}]"), subject_ref);
            }
            arguments.finish()?;
            let seen = Seen::new(asked.min_revision, &asked.store);
            let Disclosure { answer, subjects } = service.batch(&caller, list, &asked.subject_refs, seen).await?;
            let Reading { standings, found } = answer;
            let mut before = None;
            if asked.with_before {
                let of = found.iter().filter_map(|place| place.as_ref().ok()).map(|placed| placed.subject).collect();
                before = self.0.rescoring.before(list, &standings, of).await?;
            }
            let (told, mut stood) = before.map_or((None, Vec::new().into_iter()), |(told, stood)| {
                (Some(movement::end_of(&told)), stood.into_iter())
            });
            let rows = Rows::new(&standings, list, full, &caller);
            let result = |place: Result<Placed, Fault>| match place {
                Ok(placed) => pb::batch_standing::Result::Standing(rows.one(placed)),
                Err(fault) => pb::batch_standing::Result::Reason(super::error::reason(&fault).into()),
            };
            let results = asked.subject_refs.into_iter().zip(found);
            let response = pb::BatchGetStandingsResponse {
                context: Some(service.context(&standings)),
                results: results
                    .map(|(subject_ref, place)| pb::BatchStanding {
                        subject_ref,
                        before: if place.is_ok() { stood.next().flatten().as_ref().map(movement::point) } else { None },
                        result: Some(result(place)),
                    })
                    .collect(),
                before: told,
            };
            within_bytes(response, full).map(|answer| Disclosure { answer, subjects })
        };
        self.0.answer("BatchGetStandings", &caller, answer.await)
    }

    async fn get_neighbourhood(
        &self,
        request: Request<pb::GetNeighbourhoodRequest>,
    ) -> Result<Response<pb::GetNeighbourhoodResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let service = &self.0.service;
        let answer = async {
            let mut arguments = Arguments::default();
            let list = arguments.list(asked.list);
            arguments.subject_ref("subject_ref", &asked.subject_ref);
            let k = arguments.size("k", asked.k, 5, 100);
            arguments.finish()?;
            let seen = Seen::new(asked.min_revision, &asked.store);
            let found = service.neighbourhood(&caller, list, &asked.subject_ref, k, seen).await?;
            let Disclosure { answer: Reading { standings, found }, subjects } = found;
            let rows = Rows::new(&standings, list, false, &caller);
            let answer = pb::GetNeighbourhoodResponse {
                context: Some(service.context(&standings)),
                above: rows.all(&found.neighbours.above),
                subject: Some(rows.one(found.neighbours.subject)),
                below: rows.all(&found.neighbours.below),
                list_size: size(found.size),
            };
            let known = self.0.known(&caller, &standings, [list]);
            Ok((Disclosure { answer, subjects }, Some(known)))
        };
        self.0.answer_known("GetNeighbourhood", &caller, answer.await)
    }

    async fn compare_standings(
        &self,
        request: Request<pb::CompareStandingsRequest>,
    ) -> Result<Response<pb::CompareStandingsResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let service = &self.0.service;
        let answer = async {
            let mut arguments = Arguments::default();
            let list = arguments.list(asked.list);
            arguments.subject_ref("subject_ref_a", &asked.subject_ref_a);
            arguments.subject_ref("subject_ref_b", &asked.subject_ref_b);
            if asked.subject_ref_a == asked.subject_ref_b {
                arguments.wrong("subject_ref_b", "CONTRADICTION", "subject_ref_b is the same person as subject_ref_a");
            }
            arguments.finish()?;
            let pair = (asked.subject_ref_a.as_str(), asked.subject_ref_b.as_str());
            let reading = service.compare(&caller, list, pair, Seen::new(asked.min_revision, &asked.store)).await?;
            let known = self.0.known(&caller, &reading.answer.standings, [list]);
            Ok((reading.map(|reading| compared(service, &caller, list, reading)), Some(known)))
        };
        self.0.answer_known("CompareStandings", &caller, answer.await)
    }

    async fn get_list_summary(
        &self,
        request: Request<pb::GetListSummaryRequest>,
    ) -> Result<Response<pb::GetListSummaryResponse>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let service = &self.0.service;
        let answer = async {
            let mut arguments = Arguments::default();
            let list = arguments.list(asked.list);
            let filter = arguments.filter(asked.filter.as_ref());
            arguments.finish()?;
            caller.look.filter(noted(asked.filter.as_ref()));
            let reading = service.summary(&caller, list, &filter, Seen::new(asked.min_revision, &asked.store)).await?;
            let known = self.0.known(&caller, &reading.answer.standings, [list]);
            Ok((reading.map(|reading| summary(service.context(&reading.standings), &reading.found)), Some(known)))
        };
        self.0.answer_known("GetListSummary", &caller, answer.await)
    }

    async fn list_movements(
        &self,
        request: Request<pb::ListMovementsRequest>,
    ) -> Result<Response<pb::ListMovementsResponse>, Status> {
        let caller = correlated(&request);
        self.0.answer("ListMovements", &caller, self.movements(&caller, request.into_inner()).await)
    }

    async fn list_standing_history(
        &self,
        request: Request<pb::ListStandingHistoryRequest>,
    ) -> Result<Response<pb::ListStandingHistoryResponse>, Status> {
        let caller = correlated(&request);
        self.0.answer("ListStandingHistory", &caller, self.history(&caller, request.into_inner()).await)
    }

    type ExportStandingsStream = Answers<pb::ExportStandingsResponse>;

    async fn export_standings(
        &self,
        request: Request<pb::ExportStandingsRequest>,
    ) -> Result<Response<Self::ExportStandingsStream>, Status> {
        let caller = correlated(&request);
        let asked = request.into_inner();
        let mut arguments = Arguments::default();
        let list = arguments.list(asked.list);
        let full = arguments.full(asked.view);
        let page_of = PageOf {
            list,
            filter: arguments.filter(asked.filter.as_ref()),
            size: if full { MOST_FULL as usize } else { EXPORT_BASIC },
            arguments: arguments_digest("ExportStandings", asked.list, asked.view, asked.filter.as_ref()),
            token: asked.resume_token,
        };
        arguments.finish().map_err(|fault| self.0.refuse("ExportStandings", &caller, &fault))?;
        caller.look.filter(noted(asked.filter.as_ref()));
        let (sender, parts) = tokio::sync::mpsc::channel(EXPORT_IN_FLIGHT);
        let (edge, of) = (Arc::clone(&self.0), caller.clone());
        tokio::spawn(async move {
            let mut part = edge.service.page(&of, &page_of, Seen::new(asked.min_revision, &asked.store)).await;
            loop {
                let Disclosure { answer: Reading { standings, found }, subjects } = match part {
                    Ok(disclosure) => disclosure,
                    Err(fault) => {
                        let refused = edge.refuse("ExportStandings", &of, &fault);
                        // A client that went away has nobody to tell.
                        let _ = sender.send(Err(refused)).await;
                        return;
                    }
                };
                let next = found.page.next;
                let message = pb::ExportStandingsResponse {
                    context: Some(edge.service.context(&standings)),
                    standings: Rows::new(&standings, list, full, &of).all(&found.page.rows),
                    resume_token: found.next.unwrap_or_default(),
                    list_size: size(found.size),
                    sent_time: Some(edge.service.instant()),
                    list: list.proto().into(),
                };
                if sender.send(Ok(Disclosure { answer: message, subjects })).await.is_err() {
                    return;
                }
                let Some(cursor) = next else { return };
                part = Ok(edge.service.page_after(&of, &page_of, &standings, cursor));
            }
        });
        Ok(self.0.stream(&caller, ReceiverStream::new(parts)))
    }

    type WatchStandingsStream = Answers<pb::WatchStandingsResponse>;

    async fn watch_standings(
        &self,
        request: Request<pb::WatchStandingsRequest>,
    ) -> Result<Response<Self::WatchStandingsStream>, Status> {
        let caller = correlated(&request);
        let watched = watching::watch(&self.0, &caller, request.into_inner()).await;
        let watched = watched.map_err(|fault| self.0.refuse("WatchStandings", &caller, &fault))?;
        Ok(self.0.stream(&caller, watched))
    }

    async fn list_changes(
        &self,
        request: Request<pb::ListChangesRequest>,
    ) -> Result<Response<pb::ListChangesResponse>, Status> {
        let caller = correlated(&request);
        let page = watching::page(&self.0.service, &caller, &request.into_inner()).await;
        self.0.answer("ListChanges", &caller, page)
    }
}

/// A reply that fits; only FULL ones can be too large.
fn within_bytes<T: Message>(reply: T, full: bool) -> Result<T, Fault> {
    if full && reply.encoded_len() > MOST_BYTES { Err(Fault::TooLarge) } else { Ok(reply) }
}

fn compared(
    service: &Service,
    caller: &Caller,
    list: List,
    reading: Reading<Compared>,
) -> pb::CompareStandingsResponse {
    let Reading { standings, found } = reading;
    let rows = Rows::new(&standings, list, true, caller);
    let sums = |explanation: &crate::scoring::composite::Explanation| {
        Component::ALL
            .iter()
            .map(|component| {
                let of = explanation.contributions.iter().filter(|part| part.component == *component);
                of.map(|part| part.milli).sum::<u32>()
            })
            .collect::<Vec<_>>()
    };
    let differences: Vec<pb::ComponentDifference> = Component::ALL
        .iter()
        .zip(sums(&found.above.1).into_iter().zip(sums(&found.below.1)))
        .map(|(component, (above, below))| pb::ComponentDifference {
            component: component.proto().into(),
            above,
            below,
            difference: above.cast_signed() - below.cast_signed(),
        })
        .collect();
    let decided_by = found.comparison.decided_by;
    let above = rows.explained(found.above.0, found.above.1);
    let below = rows.explained(found.below.0, found.below.1);
    let gap = above.composite.cast_signed() - below.composite.cast_signed();
    let explanation = why(&above, &below, decided_by, &differences);
    pb::CompareStandingsResponse {
        context: Some(service.context(&standings)),
        above: Some(above),
        below: Some(below),
        gap,
        differences,
        decided_by: decided(decided_by).into(),
        explanation,
    }
}

fn decided(by: DecidedBy) -> pb::DecidedBy {
    match by {
        DecidedBy::EffectiveBand => pb::DecidedBy::EffectiveBand,
        DecidedBy::Composite => pb::DecidedBy::Composite,
        DecidedBy::Harm => pb::DecidedBy::Harm,
        DecidedBy::Threat => pb::DecidedBy::Threat,
        DecidedBy::Risk => pb::DecidedBy::Risk,
        DecidedBy::OutstandingSince => pb::DecidedBy::OutstandingSince,
        DecidedBy::SubjectRef => pb::DecidedBy::SubjectRef,
    }
}

/// The comparison in a sentence.
fn why(above: &pb::Standing, below: &pb::Standing, by: DecidedBy, differences: &[pb::ComponentDifference]) -> String {
    let (first, second) = (&above.subject_ref, &below.subject_ref);
    match by {
        DecidedBy::EffectiveBand => format!(
            "{first} stands above {second} because the band {} comes before {}, whatever the scores ({} and {} points).",
            band_words(above.effective_band),
            band_words(below.effective_band),
            MilliPoints::new(above.composite),
            MilliPoints::new(below.composite),
        ),
        DecidedBy::Composite => {
            let most = differences.iter().max_by_key(|difference| difference.difference);
            let component = most.map_or("", |difference| component_words(difference.component));
            format!(
                "{first} stands above {second} by {} points ({} and {}); most of it is {component}.",
                MilliPoints::new(above.composite.saturating_sub(below.composite)),
                MilliPoints::new(above.composite),
                MilliPoints::new(below.composite),
            )
        }
        DecidedBy::Harm => format!("The composites are equal; {first} stands above {second} because harm is greater."),
        DecidedBy::Threat => {
            format!("Composite and harm are equal; {first} stands above {second} because threat is greater.")
        }
        DecidedBy::Risk => {
            format!("Composite, harm and threat are equal; {first} stands above {second} because risk is greater.")
        }
        DecidedBy::OutstandingSince => {
            format!(
                "The scores are equal; {first} stands above {second} because they have been outstanding for longer."
            )
        }
        DecidedBy::SubjectRef => {
            format!("Everything is equal; {first} stands above {second} only because references are in order.")
        }
    }
}

fn band_words(number: i32) -> &'static str {
    match Band::from_proto(number) {
        Some(Band::VeryHigh) => "very high",
        Some(Band::High) => "high",
        Some(Band::Medium) => "medium",
        Some(Band::Low) | None => "low",
    }
}

fn component_words(number: i32) -> &'static str {
    match Component::from_proto(number) {
        Some(Component::Threat) => "threat",
        Some(Component::Risk) => "risk",
        Some(Component::Harm) | None => "harm",
    }
}

fn summary(context: pb::ReadContext, found: &Summary) -> pb::GetListSummaryResponse {
    let named = |name: &str, count: u32| pb::NamedCount { name: name.to_owned(), count };
    let mut from = 0;
    let mut ages: Vec<String> = CASE_AGES
        .iter()
        .map(|until| {
            let span = format!("{from}-{until} days");
            from = until + 1;
            span
        })
        .collect();
    ages.push(format!("over {} days", from - 1));
    pb::GetListSummaryResponse {
        context: Some(context),
        size: found.size,
        by_band: Band::ALL
            .iter()
            .rev()
            .map(|band| named(ended(band.proto().as_str_name(), "BAND_"), found.in_band(*band)))
            .collect(),
        by_area: found.by_area.iter().map(|(area, count)| named(area, *count)).collect(),
        by_reason: found
            .by_reason
            .iter()
            .map(|(reason, count)| named(ended(reason.proto().as_str_name(), "OUTSTANDING_REASON_"), *count))
            .collect(),
        by_case_age: ages.iter().zip(found.by_case_age).map(|(age, count)| named(age, count)).collect(),
        distribution: found.distribution.to_vec(),
        provisional: found.provisional,
        overridden: found.overridden,
    }
}
