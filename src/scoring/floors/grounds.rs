//! Where each floor finds its grounds. One pass over a person's records tells a
//! visitor every rule that may stand and the records behind it; the quick path
//! and the explanation listen to the same pass, so they cannot disagree.

use smallvec::SmallVec;

use super::Rule;
use super::assessed::Assessments;
use crate::domain::dossier::OffenceView;
use crate::domain::evidence::{Custody, Intelligence, Marker, Other, Outstanding};
use crate::domain::word::{AssessmentLevel, MarkerKind, OutstandingReason, ThreatIndicator};
use crate::scoring::Case;
use crate::scoring::custody;
use crate::scoring::harm::{self, Classified};
use crate::scoring::threat;
use crate::scoring::window::{Held, Window};

/// Grounds that depend on nothing unknown.
const SURE: Held = Held { point: true, low: true, high: true };

/// Hears a rule, how surely it has grounds, and the records behind it.
pub(super) type Found<'f, 'a> = dyn FnMut(Rule, Held, &[&'a str]) + 'f;

/// Tells `found` each rule that the records give grounds for. A rule may be told more than once, each
/// time with other records.
pub(super) fn visit<'a>(case: &Case<'a>, found: &mut Found<'_, 'a>) {
    let newest = Assessments::of(case);
    assessed(&newest, case, found);
    for filed in case.own() {
        let id: &'a str = &filed.id;
        match &filed.kind {
            Other::Marker(marker) => mark(case, marker, id, found),
            Other::Intelligence(intelligence) => report(case, intelligence, id, found),
            Other::Custody(stay) => release(case, stay, id, found),
            Other::Outstanding(file) if file.is_open() => outstanding(case, &newest, file, id, found),
            Other::Outstanding(_)
            | Other::SanctionSummary(_)
            | Other::Assessment(_)
            | Other::Order { .. }
            | Other::Breach(_)
            | Other::Exploitation(_)
            | Other::CohortMembership(_)
            | Other::BandOverride(_) => {}
        }
    }
    counted(case, &neighbourhood(case), case.tally.neighbourhood, Rule::ProlificNeighbourhoodCrime, found);
    counted(case, &domestic(case), case.tally.domestic, Rule::DomesticAbuseRepeated, found);
    // Rests on the ARP alone.
    found(Rule::ReoffendingVeryLikely, SURE, &[]);
}

fn assessed<'a>(newest: &Assessments<'a>, case: &Case<'a>, found: &mut Found<'_, 'a>) {
    let recent = |made| case.clock.within(made, case.rules.policy.floors.domestic_assessment_within_days);
    let mut tell = |rule, id: &'a str, holds: bool| {
        if holds {
            found(rule, SURE, &[id]);
        }
    };
    if let Some(mappa) = newest.mappa
        && let Some((category, level)) = mappa.mappa()
    {
        tell(Rule::MappaLevel3, mappa.id, level >= 3);
        tell(Rule::MappaLevel2, mappa.id, level == 2);
        // Category 1 is the registered sexual offenders.
        tell(Rule::RegisteredSexOffender, mappa.id, category == 1);
    }
    if let Some(rosh) = newest.serious_harm {
        tell(Rule::SeriousHarmVeryHigh, rosh.id, rosh.is_at_least(AssessmentLevel::VeryHigh));
    }
    if let Some(sexual) = newest.sexual {
        tell(Rule::SexualReoffendingHigh, sexual.id, sexual.is_at_least(AssessmentLevel::High));
    }
    if let Some(arms) = newest.arms {
        tell(Rule::ArmsHigh, arms.id, arms.is_at_least(AssessmentLevel::High));
    }
    if let Some(dash) = newest.dash {
        let high = dash.is_at_least(AssessmentLevel::High);
        tell(Rule::DashHigh, dash.id, high && recent(dash.assessment.made));
    }
    if let Some(marac) = newest.marac {
        tell(Rule::MaracPerpetrator, marac.id, recent(marac.assessment.made));
    }
}

fn mark<'a>(case: &Case<'a>, marker: &Marker, id: &'a str, found: &mut Found<'_, 'a>) {
    if !case.stands(marker.expires) {
        return;
    }
    match marker.kind {
        MarkerKind::ThreatToLifeSource => {
            if case.clock.within(marker.set, case.rules.policy.floors.threat_to_life_within_days) {
                found(Rule::ThreatToLife, SURE, &[id]);
            }
        }
        MarkerKind::RegisteredSexOffender => found(Rule::RegisteredSexOffender, SURE, &[id]),
        MarkerKind::Violent
        | MarkerKind::Firearms
        | MarkerKind::Weapons
        | MarkerKind::ThreatToLifeThreatened
        | MarkerKind::ContactWithVulnerableVictim
        | MarkerKind::StatedIntentToHarm
        | MarkerKind::Escaper
        | MarkerKind::Drugs
        | MarkerKind::OffendsOnBail
        | MarkerKind::Ailment
        | MarkerKind::MentalHealth
        | MarkerKind::SelfHarm
        | MarkerKind::Contagious => {}
    }
}

fn report<'a>(case: &Case<'a>, report: &Intelligence, id: &'a str, found: &mut Found<'_, 'a>) {
    let policy = &case.rules.policy.floors;
    let stands = |least: f64, days: u32| {
        threat::grade(&case.rules.policy.threat, report.grade) >= least && case.clock.within(report.date, days)
    };
    match report.indicator {
        ThreatIndicator::ThreatToLife => {
            if stands(policy.threat_to_life_grade, policy.threat_to_life_within_days) {
                found(Rule::ThreatToLife, SURE, &[id]);
            }
        }
        ThreatIndicator::AccessToFirearm => {
            if stands(policy.firearm_grade, policy.firearm_within_days) {
                found(Rule::FirearmIntelligence, SURE, &[id]);
            }
        }
        ThreatIndicator::IntentToHarmIdentifiedPerson
        | ThreatIndicator::ContactWithVulnerableVictim
        | ThreatIndicator::AccessToWeapon
        | ThreatIndicator::OrganisedCrimeLink => {}
    }
}

fn release<'a>(case: &Case<'a>, stay: &'a Custody, id: &'a str, found: &mut Found<'_, 'a>) {
    let policy = &case.rules.policy.floors;
    let near = custody::release_from_sentence(case, stay)
        .is_some_and(|release| custody::is_near(release, case.as_of, policy.release_window_days));
    if near {
        for (_, offence, class) in case.named(&stay.offence_ids) {
            if is_at_least(class, policy.release_days) {
                found(Rule::ReleaseFromGraveSentence, SURE, &[id, offence.id]);
            }
        }
    }
}

/// What an open file gives grounds for.
fn outstanding<'a>(
    case: &Case<'a>,
    newest: &Assessments<'a>,
    file: &'a Outstanding,
    id: &'a str,
    found: &mut Found<'_, 'a>,
) {
    match file.reason {
        OutstandingReason::RecallEmergency => {
            found(Rule::EmergencyRecall, SURE, &[id]);
            recalled(case, newest, file, id, found);
        }
        OutstandingReason::RecallStandard | OutstandingReason::RecallFixedTerm => {
            recalled(case, newest, file, id, found);
        }
        OutstandingReason::Escape => found(Rule::Escape, SURE, &[id]),
        OutstandingReason::AbscondFromOpenConditions => found(Rule::Absconded, SURE, &[id]),
        OutstandingReason::NamedSuspectNotArrested
        | OutstandingReason::FailedToSurrenderPoliceBail
        | OutstandingReason::BreachedPoliceBailConditions
        | OutstandingReason::FailedToSurrenderCourtBail
        | OutstandingReason::CourtWarrantNotBacked
        | OutstandingReason::CourtWarrantBacked
        | OutstandingReason::FineDefaultWarrant
        | OutstandingReason::BreachWarrant
        | OutstandingReason::ExtraditionWarrant
        | OutstandingReason::UntracedUnderInvestigation
        | OutstandingReason::NotificationBreach => wanted(case, file, id, found),
    }
}

fn recalled<'a>(
    case: &Case<'a>,
    newest: &Assessments<'a>,
    file: &'a Outstanding,
    id: &'a str,
    found: &mut Found<'_, 'a>,
) {
    found(Rule::Recalled, SURE, &[id]);
    if let Some(rosh) = newest.serious_harm.filter(|rosh| rosh.is_at_least(AssessmentLevel::High)) {
        found(Rule::RecalledWithSeriousHarmHigh, SURE, &[id, rosh.id]);
    }
    for (_, offence, class) in case.named(&file.offence_ids) {
        if is_at_least(class, case.rules.policy.floors.recall_high_days) {
            found(Rule::RecalledAfterGraveOffence, SURE, &[id, offence.id]);
        }
    }
}

fn wanted<'a>(case: &Case<'a>, file: &'a Outstanding, id: &'a str, found: &mut Found<'_, 'a>) {
    let policy = &case.rules.policy.floors;
    for (_, offence, class) in case.named(&file.offence_ids) {
        if is_at_least(class, policy.wanted_very_high_days) {
            found(Rule::WantedForGravestOffence, SURE, &[id, offence.id]);
        } else if is_at_least(class, policy.wanted_high_days) {
            found(Rule::WantedForGraveOffence, SURE, &[id, offence.id]);
        }
        let frail = offence.victim.is_some_and(|victim| victim.vulnerable) || harm::is_repeat(case, &offence);
        if offence.domestic_abuse && frail {
            found(Rule::WantedForDomesticAbuse, SURE, &[id, offence.id]);
        }
    }
}

/// Whether an offence's harm days are known and come to `days`: an estimate never raises a band.
fn is_at_least(class: &Classified, days: f64) -> bool {
    !class.estimated && class.days >= days
}

/// Neighbourhood crime within the policy's window.
pub(super) fn neighbourhood(case: &Case<'_>) -> Window<impl Fn(&OffenceView<'_>, &Classified) -> bool + use<>> {
    let policy = &case.rules.policy.floors;
    Window {
        days: policy.prolific_within_days,
        needed: policy.prolific_dates,
        which: |_: &OffenceView<'_>, class: &Classified| class.neighbourhood,
    }
}

/// Domestic abuse within the policy's window.
pub(super) fn domestic(case: &Case<'_>) -> Window<impl Fn(&OffenceView<'_>, &Classified) -> bool + use<>> {
    let policy = &case.rules.policy.floors;
    Window {
        days: policy.domestic_within_days,
        needed: policy.domestic_dates,
        which: |offence: &OffenceView<'_>, _: &Classified| offence.domestic_abuse,
    }
}

/// Tells a rule that counts dates. `most`: a count that the dates cannot exceed.
fn counted<'a, F: Fn(&OffenceView<'_>, &Classified) -> bool>(
    case: &Case<'a>,
    window: &Window<F>,
    most: u32,
    rule: Rule,
    found: &mut Found<'_, 'a>,
) {
    let held = window.held(case, most);
    if held.high {
        let ids: SmallVec<[&'a str; 8]> = window.dated(case).iter().map(|(_, id)| *id).collect();
        found(rule, held, &ids);
    }
}
