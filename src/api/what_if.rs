//! What would move a band, and where a person would stand under other tables of
//! harm, in the words of the contract.

use std::sync::Arc;

use super::{detail, sensitive};
use crate::access::{Caller, Permission};
use crate::domain::SubjectId;
use crate::domain::word::{Family, List};
use crate::pb;
use crate::ranking::Standings;
use crate::scoring::counterfactual::{self, Change, Direction, Kind, Unmoved, WhatIf};
use crate::service::Service;
use crate::service::fault::Fault;
use crate::service::harm_ranks::RankedBy;

/// Adds what would move the band in each family of an answer.
///
/// # Errors
/// [`Fault::Internal`] where the weighing ends in a fault of the program.
pub async fn add_counterfactuals(
    answer: &mut pb::GetStandingResponse,
    standings: &Arc<Standings>,
    subject: SubjectId,
    caller: &Caller,
) -> Result<(), Fault> {
    let Some(dossier) = standings.dossier(subject).map(Arc::clone) else { return Ok(()) };
    let family = |listed: &pb::ListedStanding| List::from_proto(listed.list).map(List::family);
    let held: Vec<Option<Family>> = answer.standings.iter().map(family).collect();
    let families: Vec<Family> =
        [Family::Cohort, Family::Outstanding].into_iter().filter(|family| held.contains(&Some(*family))).collect();
    let sees = caller.may(Permission::SeeSensitiveIntelligence);
    let weighed = Arc::clone(standings);
    let told = tokio::task::spawn_blocking(move || {
        let what_if = |family| {
            let told = counterfactual::what_if(&dossier, weighed.rules(), weighed.as_of(), family, sees);
            let secret = sensitive::reports(&dossier);
            (family, counterfactuals(told, |id| secret.contains(&id)))
        };
        families.into_iter().map(what_if).collect::<Vec<_>>()
    });
    let told = told.await.map_err(|_| Fault::Internal)?;
    for (listed, family) in answer.standings.iter_mut().zip(held) {
        if let Some((_, (found, notes))) = told.iter().find(|(of, _)| Some(*of) == family) {
            listed.counterfactuals.clone_from(found);
            listed.counterfactual_notes.clone_from(notes);
        }
    }
    Ok(())
}

/// Adds which rank each table of harm gives.
///
/// # Errors
/// As [`Service::harm_ranks`].
pub async fn add_harm_ranks(
    answer: &mut pb::GetStandingResponse,
    service: &Service,
    standings: &Arc<Standings>,
    subject: SubjectId,
    caller: &Caller,
) -> Result<(), Fault> {
    let ordered = service.harm_ranks(standings).await?;
    let sight = Service::sight(caller, standings);
    let standings = Arc::clone(standings);
    // A list may be long, and is walked.
    let places = tokio::task::spawn_blocking(move || ordered.places(&standings, subject, &sight));
    answer.harm_ranks = places.await.map_err(|_| Fault::Internal)?.into_iter().map(harm_rank).collect();
    Ok(())
}

fn counterfactuals(told: WhatIf, secret: impl Fn(&str) -> bool) -> (Vec<pb::Counterfactual>, Vec<String>) {
    let found = told.told.into_iter().map(|it| {
        let empty = pb::Counterfactual {
            kind: kind(it.kind).into(),
            direction: direction(it.direction).into(),
            unit: it.kind.unit().to_owned(),
            ..Default::default()
        };
        match it.answer {
            Ok(Change { size, evidence, as_of, composite, band, shown, description }) => pb::Counterfactual {
                found: true,
                size,
                sensitive: evidence.iter().any(|id| secret(id)),
                evidence_ids: evidence.into_iter().map(String::from).collect(),
                as_of: detail::date(Some(as_of)),
                composite: composite.get(),
                band: band.proto().into(),
                shown_band: shown.proto().into(),
                description,
                ..empty
            },
            Err(Unmoved { reason, description }) => {
                pb::Counterfactual { reason: reason.to_owned(), description, ..empty }
            }
        }
    });
    (found.collect(), told.notes)
}

const fn kind(kind: Kind) -> pb::CounterfactualKind {
    match kind {
        Kind::OffenceFreeTime => pb::CounterfactualKind::OffenceFreeTime,
        Kind::AssessmentRenewed => pb::CounterfactualKind::AssessmentRenewed,
        Kind::IntelligenceRegraded => pb::CounterfactualKind::IntelligenceRegraded,
        Kind::RecordCleared => pb::CounterfactualKind::RecordCleared,
        Kind::AllegationProved => pb::CounterfactualKind::AllegationProved,
        Kind::FileClosed => pb::CounterfactualKind::FileClosed,
    }
}

const fn direction(direction: Direction) -> pb::BandDirection {
    match direction {
        Direction::Up => pb::BandDirection::Up,
        Direction::Down => pb::BandDirection::Down,
    }
}

fn harm_rank(place: RankedBy) -> pb::HarmRank {
    pb::HarmRank {
        table: place.table.into(),
        source: place.source.into(),
        list: place.list.proto().into(),
        rank: place.rank,
        position: place.position,
        list_size: place.size,
        effective_band: place.band.proto().into(),
        composite: place.composite.get(),
        harm: place.harm.get(),
        revision: place.revision.0,
    }
}
