//! Movements and histories of `RankingService` in the words of the contract.

use prost::Message;

use super::filter::{Arguments, most_references};
use super::ranking::Ranking;
use crate::access::{Caller, Disclosure};
use crate::domain::MilliPoints;
use crate::domain::word::{Band, List, MovementCause, MovementKind};
use crate::pb;
use crate::ranking::movement::{Movement, Side};
use crate::ranking::{Filter, Standings};
use crate::service::fault::Fault;
use crate::service::ranked::{PageOf, Reading};
use crate::service::rescore::history::{Entry, History, HistoryOf, Point};
use crate::service::rescore::movement::{Causes, Moved, MovementsOf};
use crate::service::rescore::runs::Generation;
use crate::service::{Seen, timestamp};

/// Rows of a page unless asked otherwise, and at most: each is weighed again.
const PAGE: u32 = 50;
const MOST: u32 = 100;
/// Generations of a page unless asked otherwise, and at most.
const GENERATIONS: u32 = 90;
const MOST_GENERATIONS: u32 = 1_000;
/// Most records named with one movement.
const EVIDENCE: usize = 20;

/// Digest of the arguments that pages of one chain must share.
fn digest(method: &str, shared: &impl Message) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(method.as_bytes());
    hasher.update(&shared.encode_to_vec());
    *hasher.finalize().as_bytes()
}

impl Ranking {
    pub(super) async fn movements(
        &self,
        caller: &Caller,
        mut asked: pb::ListMovementsRequest,
    ) -> Result<Disclosure<pb::ListMovementsResponse>, Fault> {
        let mut arguments = Arguments::default();
        let list = arguments.list(asked.list);
        if asked.kinds.len() > MovementKind::ALL.len() {
            let most = MovementKind::ALL.len();
            arguments.wrong("kinds", "TOO_MANY", format!("kinds names {}; there are {most}", asked.kinds.len()));
            asked.kinds.truncate(most);
        }
        let kinds = arguments.words("kinds", &asked.kinds, MovementKind::from_proto);
        let areas = most_references(&mut arguments, "areas", &asked.areas, 32);
        let size = arguments.size("page_size", asked.page_size, PAGE, MOST);
        later(&mut arguments, asked.from_generation, asked.to_generation, false);
        arguments.finish()?;
        let token = std::mem::take(&mut asked.page_token);
        let (min_revision, store) = (asked.min_revision, std::mem::take(&mut asked.store));
        let shared = pb::ListMovementsRequest { page_size: 0, min_revision: 0, ..asked };
        let wanted = MovementsOf {
            page: PageOf { list, filter: Filter::default(), size, token, arguments: digest("ListMovements", &shared) },
            from: shared.from_generation,
            to: shared.to_generation,
            kinds,
            areas,
        };
        let noted = pb::StandingFilter { areas: wanted.areas.clone(), ..pb::StandingFilter::default() };
        caller.look.filter(noted.encode_to_vec());
        let found = self.0.rescoring.movements(caller, &wanted, Seen::new(min_revision, &store)).await?;
        let Disclosure { answer: moved, subjects } = found;
        let told = &moved.before.told;
        let to = if wanted.to == 0 { 0 } else { moved.after.meta().generation };
        let answer = pb::ListMovementsResponse {
            context: Some(self.0.service.context(&moved.after)),
            from: Some(end(told.number, &moved.before.standings)),
            to: Some(end(to, &moved.after)),
            counts: counts(&moved),
            movements: rows(list, &moved),
            next_page_token: moved.next.unwrap_or_default(),
        };
        Ok(Disclosure { answer, subjects })
    }

    pub(super) async fn history(
        &self,
        caller: &Caller,
        mut asked: pb::ListStandingHistoryRequest,
    ) -> Result<Disclosure<pb::ListStandingHistoryResponse>, Fault> {
        let mut arguments = Arguments::default();
        arguments.subject_ref("subject_ref", &asked.subject_ref);
        let list = if asked.list == 0 { List::All } else { arguments.list(asked.list) };
        let size = arguments.size("page_size", asked.page_size, GENERATIONS, MOST_GENERATIONS);
        later(&mut arguments, asked.from_generation, asked.to_generation, true);
        arguments.finish()?;
        let token = std::mem::take(&mut asked.page_token);
        let (min_revision, store) = (asked.min_revision, std::mem::take(&mut asked.store));
        let shared = pb::ListStandingHistoryRequest { page_size: 0, min_revision: 0, ..asked };
        let wanted = HistoryOf {
            list,
            from: shared.from_generation,
            to: shared.to_generation,
            size,
            token,
            arguments: digest("ListStandingHistory", &shared),
            subject_ref: shared.subject_ref.clone(),
        };
        let found = self.0.rescoring.history(caller, wanted, Seen::new(min_revision, &store)).await?;
        let Disclosure { answer: Reading { standings, found: History { now, entries, next } }, subjects } = found;
        let answer = pb::ListStandingHistoryResponse {
            context: Some(self.0.service.context(&standings)),
            subject_ref: shared.subject_ref,
            now: Some(point(&now)),
            entries: entries.iter().map(entry).collect(),
            next_page_token: next.unwrap_or_default(),
        };
        Ok(Disclosure { answer, subjects })
    }
}

/// Two ends that are both stated must be in order, and may be the same only where that is something.
fn later(arguments: &mut Arguments, from: u64, to: u64, or_same: bool) {
    if to != 0 && (from > to || from == to && !or_same) {
        let description = format!("to_generation {to} is not later than from_generation {from}");
        arguments.wrong("to_generation", "OUT_OF_RANGE", description);
    }
}

fn end(generation: u64, standings: &Standings) -> pb::MovementEnd {
    let meta = standings.meta();
    pb::MovementEnd {
        generation,
        as_of: meta.as_of.to_string(),
        policy_version: meta.rules.policy.version.clone(),
        revision: meta.revision.0,
        published_time: Some(timestamp(meta.published)),
    }
}

fn counts(moved: &Moved) -> Vec<pb::MovementCount> {
    let each = MovementKind::ALL.iter().zip(moved.movements.counts);
    each.map(|(kind, people)| pb::MovementCount { kind: kind.proto().into(), people }).collect()
}

fn rows(list: List, moved: &Moved) -> Vec<pb::Movement> {
    let row = |(movement, causes): (&Movement, &Causes)| {
        let dossier = moved.after.dossier(movement.subject)?;
        Some(pb::Movement {
            subject_ref: dossier.subject_ref().to_owned(),
            kind: movement.kind.proto().into(),
            before: movement.before.as_ref().and_then(place),
            after: place(&movement.after),
            composite_before: movement.before.map_or(0, |side| side.composite.get()),
            composite_after: movement.after.composite.get(),
            causes: Some(pb::MovementCauses {
                time: causes.parts[0],
                evidence: causes.parts[1],
                policy: causes.parts[2],
                mainly: causes.mainly.proto().into(),
                evidence_ids: causes.evidence.iter().take(EVIDENCE).map(ToString::to_string).collect(),
                more_evidence: u32::try_from(causes.evidence.len().saturating_sub(EVIDENCE)).unwrap_or(u32::MAX),
                explanation: why(list, movement, causes),
            }),
        })
    };
    moved.movements.rows.iter().zip(&moved.causes).filter_map(row).collect()
}

fn place(side: &Side) -> Option<pb::MovementPlace> {
    let [threat, risk, harm] = side.points.map(MilliPoints::get);
    let band = side.band.proto().into();
    let composite = side.composite.get();
    side.rank.map(|rank| pb::MovementPlace { rank, effective_band: band, composite, threat, risk, harm })
}

const fn band_words(band: Band) -> &'static str {
    match band {
        Band::VeryHigh => "very high",
        Band::High => "high",
        Band::Medium => "medium",
        Band::Low => "low",
    }
}

/// A change with its sign.
fn signed(milli: i32) -> String {
    let sign = if milli < 0 { "-" } else { "+" };
    format!("{sign}{}", MilliPoints::new(milli.unsigned_abs()))
}

/// A movement and its cause in a sentence.
fn why(list: List, movement: &Movement, causes: &Causes) -> String {
    let name = list.proto().as_str_name().trim_start_matches("LIST_");
    let band = band_words(movement.after.band);
    let before = movement.before.map_or(Band::Low, |side| side.band);
    let what = match movement.kind {
        MovementKind::Entered if movement.before.is_none() => format!("New, and on {name} in {band}"),
        MovementKind::Entered => format!("Entered {name} in {band}"),
        MovementKind::Left => format!("Left {name}, where they stood in {}", band_words(before)),
        MovementKind::Rose => format!("Rose within {band}"),
        MovementKind::Fell => format!("Fell within {band}"),
        MovementKind::ChangedBand => format!("From {} to {band}", band_words(before)),
    };
    let records = match causes.evidence.len() {
        0 => "no record changed".to_owned(),
        1 => "1 record changed".to_owned(),
        more => format!("{more} records changed"),
    };
    let because = match causes.mainly {
        MovementCause::Time => "because time passed",
        MovementCause::Evidence => "because of evidence",
        MovementCause::Policy => "because of the policy",
    };
    let [time, evidence, policy] = causes.parts.map(signed);
    format!(
        "{what}, {because}: {} points (time {time}, evidence {evidence}, policy {policy}); {records}.",
        signed(movement.change())
    )
}

/// A generation as an end of a comparison.
pub(super) fn end_of(told: &Generation) -> pb::MovementEnd {
    pb::MovementEnd {
        generation: told.number,
        as_of: told.as_of.to_string(),
        policy_version: told.policy_version.to_string(),
        revision: told.weighed.0,
        published_time: jiff::Timestamp::from_microsecond(told.published_micros).ok().map(timestamp),
    }
}

pub(super) fn point(point: &Point) -> pb::HistoryPoint {
    let [threat, risk, harm] = point.points.map(MilliPoints::get);
    pb::HistoryPoint {
        rank: point.rank.unwrap_or(0),
        effective_band: point.effective.proto().into(),
        computed_band: point.computed.proto().into(),
        composite: point.composite.get(),
        threat,
        risk,
        harm,
        provisional: point.provisional,
        overridden: point.overridden,
    }
}

pub(super) fn entry(entry: &Entry) -> pb::HistoryEntry {
    let published = jiff::Timestamp::from_microsecond(entry.told.published_micros);
    pb::HistoryEntry {
        generation: entry.told.number,
        as_of: entry.told.as_of.to_string(),
        policy_version: entry.told.policy_version.to_string(),
        published_time: published.ok().map(timestamp),
        kept: entry.kept,
        standing: entry.point.as_ref().map(point),
    }
}
