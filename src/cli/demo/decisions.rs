//! What a panel of the demonstration force decides: mostly as threat, risk and harm suggest, now
//! and then not, mostly with a reason of its own, now and then with one copied from another.
//! Recorded through the real API, one after another, as officers would.

use anyhow::Context;
use uuid::Uuid;

use super::Typed;
use super::client;
use super::list;
use crate::cli::client::Channel;
use crate::demonstration;
use crate::domain::word::List;
use crate::pb;
use crate::pb::cohort_service_client::CohortServiceClient;
use crate::pb::evidence_service_client::EvidenceServiceClient;
use crate::pb::{CohortStatus, DecisionKind, Rag};

/// Decisions in a force of so many people.
const SHARE: (usize, usize) = (60, 2_000);
/// Candidates whose predictors are asked for: the most on one page with detail.
const TOP: u32 = 100;
/// People on one page without detail.
const PAGE: u32 = 1_000;

/// What becomes of the foremost candidates, in turn. `None`: nobody has looked at them yet.
const FOREMOST: [Option<DecisionKind>; 9] = [
    Some(DecisionKind::Select),
    Some(DecisionKind::Decline),
    Some(DecisionKind::Select),
    None,
    Some(DecisionKind::Select),
    Some(DecisionKind::Decline),
    Some(DecisionKind::Select),
    None,
    Some(DecisionKind::Decline),
];

/// Reasons that some panels give for everybody.
const COPIED: [&str; 2] = [
    "Demonstration: discussed at the panel and agreed by all present.",
    "Demonstration: decision taken on the information available to the panel.",
];

/// Whom a panel has before it.
#[derive(Clone, Debug, Default)]
pub struct People {
    /// Managed nominals, best first.
    pub members: Vec<pb::Standing>,
    /// Candidates, best first; the foremost with their predictors.
    pub candidates: Vec<pb::Standing>,
}

/// What a panel decides. The same people give the same decisions; only their request ids differ. Nobody is decided about twice.
pub fn choose(people: &People, subjects: u32) -> Vec<pb::RecordDecisionRequest> {
    let all = usize::try_from(subjects).unwrap_or(usize::MAX).saturating_mul(SHARE.0) / SHARE.1;
    let mut decided: Vec<(DecisionKind, CohortStatus, &pb::Standing)> = Vec::new();

    // Of ten decisions three or so are about the foremost candidates, one about people far down.
    let foremost = people.candidates.iter().take(people.candidates.len() / 2).take(all * 36 / 100);
    for (candidate, kind) in foremost.zip(FOREMOST.iter().cycle()) {
        if let Some(kind) = kind {
            decided.push((*kind, fitting(candidate), candidate));
        }
    }
    let hindmost = people.candidates.iter().rev().take(people.candidates.len() / 4);
    decided.extend(
        hindmost.step_by(2).take(all / 10).map(|candidate| (DecisionKind::Select, CohortStatus::Free, candidate)),
    );

    let leaving = (all / 10).min(people.members.len() / 6);
    let (staying, last) = people.members.split_at(people.members.len() - leaving);
    let moved = (all / 10).min(staying.len() / 5);
    for (place, member) in staying.iter().enumerate().take(all * 53 / 100) {
        if place % 5 == 2 && place / 5 < moved {
            decided.push((DecisionKind::ChangeStatus, another(member.cohort_status()), member));
        } else {
            decided.push((DecisionKind::Retain, member.cohort_status(), member));
        }
    }
    decided.extend(last.iter().map(|member| (DecisionKind::Deselect, member.cohort_status(), member)));

    (0..).zip(decided).map(|(nth, (kind, status, standing))| request(nth, kind, status, standing)).collect()
}

/// The status for which a person would be chosen, by predicted reoffending; others go to free.
fn fitting(candidate: &pb::Standing) -> CohortStatus {
    let predictors = candidate.detail.iter().flat_map(|detail| &detail.predictors);
    let arp = predictors.filter(|predictor| predictor.instrument == "ARP").map(|arp| arp.probability).next();
    match arp {
        Some(arp) if arp >= 0.75 => CohortStatus::Fixed,
        Some(arp) if arp >= 0.50 => CohortStatus::Flex,
        Some(_) | None => CohortStatus::Free,
    }
}

/// Another status than the one held.
fn another(held: CohortStatus) -> CohortStatus {
    match held {
        CohortStatus::Fixed | CohortStatus::Free => CohortStatus::Flex,
        CohortStatus::Flex | CohortStatus::Unspecified => CohortStatus::Free,
    }
}

fn request(nth: u32, kind: DecisionKind, status: CohortStatus, standing: &pb::Standing) -> pb::RecordDecisionRequest {
    let copied = nth % 5 == 4;
    let rationale =
        if copied { COPIED[usize::from(nth.is_multiple_of(2))].to_owned() } else { rationale(kind, standing) };
    let grade = match kind {
        DecisionKind::Select => [Rag::Red, Rag::Amber, Rag::Amber][(nth % 3) as usize],
        DecisionKind::Retain if nth.is_multiple_of(6) => Rag::Green,
        DecisionKind::Retain
        | DecisionKind::ChangeStatus
        | DecisionKind::Decline
        | DecisionKind::Deselect
        | DecisionKind::Unspecified => Rag::Unspecified,
    };
    let alone = nth % 7 == 6;
    pb::RecordDecisionRequest {
        request_id: Uuid::new_v4().to_string(),
        subject_ref: standing.subject_ref.clone(),
        decision_id: String::new(),
        source_system: "demo-iom".to_owned(),
        decision: kind.into(),
        status: status.into(),
        rag: grade.into(),
        officer: format!("DEMO-INSP-PANEL-{}", 1 + nth % 3),
        rationale,
        panel: if alone { String::new() } else { format!("DEMO-PANEL-{}", 1 + nth % 2) },
        representations_received: nth.is_multiple_of(4),
        offender_manager: String::new(),
        area: String::new(),
        minutes: if copied { 3 } else { 10 + (nth * 7) % 35 },
    }
}

/// A reason of one's own: what the lists say of the person, and what follows from it.
fn rationale(kind: DecisionKind, standing: &pb::Standing) -> String {
    let points = |milli: u32| format!("{}.{}", milli / 1_000, milli % 1_000 / 100);
    let stands = format!(
        "Demonstration: stands at place {} with {} points (threat {}, risk {}, harm {}).",
        standing.position,
        points(standing.composite),
        points(standing.threat),
        points(standing.risk),
        points(standing.harm)
    );
    let follows = match kind {
        DecisionKind::Select if standing.percentile >= 5_000 => "Taken in as the list suggests; partners agree.",
        DecisionKind::Select => "Taken in below others: a partner agency knows of more than is recorded yet.",
        DecisionKind::Decline => {
            "Not taken in: already in the hands of another team, to be looked at again in a month."
        }
        DecisionKind::Retain => "Kept: the plan is working and is not finished.",
        DecisionKind::Deselect => "Taken out: settled, in work, and nothing new for months.",
        DecisionKind::ChangeStatus => "Moved: what is suspected now is of another kind than what led here.",
        DecisionKind::Unspecified => "Noted.",
    };
    format!("{stands} {follows}")
}

/// The revision of the latest decision held; `None`: nobody has decided anything.
///
/// # Errors
/// The server refuses the question.
pub async fn held(channel: Channel) -> anyhow::Result<Option<u64>> {
    let request = pb::ListDecisionsRequest { page_size: 1, ..Default::default() };
    let answer = CohortServiceClient::new(channel).list_decisions(request).await?.into_inner();
    Ok(answer.decisions.first().map(|decision| decision.revision))
}

/// What was recorded.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// How many decisions.
    pub count: u64,
    /// Revision of the last of them, or of what was there before.
    pub revision: u64,
}

/// Asks for the lists as of a revision and records what a panel decides.
///
/// # Errors
/// The server refuses a question or a decision.
pub async fn record(channel: Channel, subjects: u32, revision: u64) -> anyhow::Result<Recorded> {
    let mut cohort = CohortServiceClient::new(channel.clone());
    let mut evidence = EvidenceServiceClient::new(channel.clone());
    let mut recorded = Recorded { count: 0, revision };
    let decisions = choose(&people(channel, revision).await?, subjects);
    for (nth, mut decision) in (0..).zip(decisions) {
        if decision.decision() == DecisionKind::Select {
            let request = pb::GetSubjectRequest { subject_ref: decision.subject_ref.clone(), ..Default::default() };
            let areas = evidence.get_subject(request).await?.into_inner().areas;
            decision.area = areas.into_iter().next().unwrap_or_default();
            decision.offender_manager = demonstration::offender_manager(&decision.area, nth).unwrap_or_default();
        }
        let answer = cohort.record_decision(decision).await.context("a decision about the cohort was refused")?;
        recorded = Recorded { count: recorded.count + 1, revision: answer.into_inner().revision };
    }
    Ok(recorded)
}

async fn people(channel: Channel, min_revision: u64) -> anyhow::Result<People> {
    let mut ranking = client::ranking(channel);
    let asked = |list: List| pb::ListStandingsRequest {
        list: list.number(),
        page_size: PAGE,
        min_revision,
        ..Default::default()
    };
    let members = list::fetch(&mut ranking, asked(List::Cohort), true).await?.standings;
    let mut candidates = list::fetch(&mut ranking, asked(List::Candidates), true).await?.standings;
    let detailed = pb::ListStandingsRequest { view: pb::View::Full.into(), page_size: TOP, ..asked(List::Candidates) };
    let detailed = list::fetch(&mut ranking, detailed, false).await?.standings;
    for (candidate, detailed) in candidates.iter_mut().zip(detailed) {
        if candidate.subject_ref == detailed.subject_ref {
            *candidate = detailed;
        }
    }
    Ok(People { members, candidates })
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    fn standing(list: &str, place: u32, of: u32) -> pb::Standing {
        let arp = f64::from(of - place) / f64::from(of);
        let predictor = pb::Predictor { instrument: "ARP".to_owned(), probability: arp, ..Default::default() };
        pb::Standing {
            subject_ref: format!("DEMO-{list}-{place}"),
            position: place + 1,
            composite: 70_000 - 100 * place,
            percentile: 10_000 * (of - place - 1) / of,
            cohort_status: if list == "M" { 1 + i32::try_from(place % 3).unwrap() } else { 0 },
            detail: Some(pb::StandingDetail { predictors: vec![predictor], ..Default::default() }),
            ..Default::default()
        }
    }

    fn people() -> People {
        People {
            members: (0..43).map(|place| standing("M", place, 43)).collect(),
            candidates: (0..400).map(|place| standing("C", place, 400)).collect(),
        }
    }

    fn by_kind(decisions: &[pb::RecordDecisionRequest]) -> BTreeMap<&str, usize> {
        let mut kinds = BTreeMap::new();
        for decision in decisions {
            *kinds.entry(decision.decision().as_str_name()).or_default() += 1;
        }
        kinds
    }

    #[test]
    fn two_thousand_people_give_some_sixty_decisions_of_every_kind() {
        let decisions = choose(&people(), 2_000);
        assert!((55..=65).contains(&decisions.len()), "{}", decisions.len());
        let kinds = by_kind(&decisions);
        assert_eq!(kinds.len(), 5, "{kinds:?}");
        assert!(kinds.values().all(|count| *count >= 5), "{kinds:?}");
        let subjects: BTreeSet<&str> = decisions.iter().map(|decision| &*decision.subject_ref).collect();
        assert_eq!(subjects.len(), decisions.len());
    }

    #[test]
    fn the_same_people_give_the_same_decisions() {
        let without_ids = |mut decisions: Vec<pb::RecordDecisionRequest>| {
            for decision in &mut decisions {
                decision.request_id.clear();
            }
            decisions
        };
        assert_eq!(without_ids(choose(&people(), 2_000)), without_ids(choose(&people(), 2_000)));
    }

    #[test]
    fn candidates_are_selected_or_declined_and_members_kept_moved_or_left() {
        for decision in choose(&people(), 2_000) {
            let candidate = decision.subject_ref.starts_with("DEMO-C-");
            let for_candidates = matches!(decision.decision(), DecisionKind::Select | DecisionKind::Decline);
            assert_eq!(candidate, for_candidates, "{decision:?}");
            assert_ne!(decision.status(), CohortStatus::Unspecified);
            if decision.decision() == DecisionKind::ChangeStatus {
                let place: i32 = decision.subject_ref.trim_start_matches("DEMO-M-").parse().unwrap();
                assert_ne!(decision.status, 1 + place % 3);
            }
        }
    }

    #[test]
    fn some_foremost_are_passed_over_and_some_far_down_are_taken() {
        let decisions = choose(&people(), 2_000);
        let places = |kind: DecisionKind| {
            let of_kind = decisions.iter().filter(move |decision| decision.decision() == kind);
            of_kind.filter_map(|decision| decision.subject_ref.strip_prefix("DEMO-C-")?.parse::<u32>().ok())
        };
        assert!(places(DecisionKind::Decline).all(|place| place < 40));
        assert!(places(DecisionKind::Select).filter(|place| *place < 40).count() >= 8);
        assert!(places(DecisionKind::Select).filter(|place| *place > 300).count() >= 4);
        let statuses: BTreeSet<i32> = [0, 150, 390].map(|place| fitting(&standing("C", place, 400)).into()).into();
        assert_eq!(statuses.len(), 3);
    }

    #[test]
    fn a_fifth_of_reasons_are_copied_word_for_word() {
        let decisions = choose(&people(), 2_000);
        let mut same: BTreeMap<&str, usize> = BTreeMap::new();
        for decision in &decisions {
            assert!(decision.rationale.starts_with("Demonstration: "), "{}", decision.rationale);
            *same.entry(&decision.rationale).or_default() += 1;
        }
        let copied: usize = same.values().filter(|count| **count > 1).sum();
        assert!((10..=14).contains(&copied), "{same:#?}");
    }

    #[test]
    fn a_force_with_nobody_to_decide_about_has_no_decisions() {
        assert!(choose(&People::default(), 2_000).is_empty());
        let few = People { members: people().members[..3].to_vec(), candidates: people().candidates[..3].to_vec() };
        assert!(choose(&few, 100).len() <= 3);
    }
}
