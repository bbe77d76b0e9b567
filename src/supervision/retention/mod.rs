//! Which review group a person is in, by which of their records, and since when
//! their period counts. The groups are those of police information management;
//! how they are read from what is held here is this project's own, and is told in
//! `docs/adr/0018-a-person-decides-what-is-kept.md`.
//!
//! It reads the published tables and the policy in force, never a clock: whatever
//! still goes on counts as of the day that is asked about.

mod specified;

use crate::domain::Date;
use crate::domain::dossier::{Dossier, Filed, OffenceView};
use crate::domain::evidence::{Finding, Grade, Other};
use crate::domain::offence::OffenceCode;
use crate::domain::retention::Standing;
use crate::domain::word::{MarkerKind, Outcome, RetentionGround, RetentionGroup};
use crate::scoring::Rules;
use crate::scoring::case::is_own;
use crate::scoring::harm::Catalogue;
use specified::Specified;

/// Three years in days: what somebody without previous convictions could expect for serious crime (section 93(4) of the Police
/// Act 1997, section 263(1) of the Investigatory Powers Act 2016). The harm index is in the same unit and of the same person.
const THREE_YEARS: f64 = 1_095.0;

/// A record that puts a person in a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason<'a> {
    /// Why.
    pub ground: RetentionGround,
    /// The record.
    pub record_id: &'a str,
    /// Its day.
    pub date: Date,
}

/// How a person's records stand on a day. `None`: nothing is in force.
pub fn standing(dossier: &Dossier, rules: &Rules, as_of: Date) -> Option<Standing> {
    let mut found: Option<(RetentionGroup, Date)> = None;
    grounds(dossier, &rules.catalogue, |reason| {
        let group = reason.ground.group();
        found = Some(match found {
            Some((graver, earliest)) if graver < group => (graver, earliest),
            Some((same, earliest)) if same == group => (group, earliest.min(reason.date)),
            Some(_) | None => (group, reason.date),
        });
    });
    let since = match (found, last_event(dossier, as_of)) {
        (Some((RetentionGroup::One, earliest)), _) => earliest,
        (_, Some(last)) => last,
        (_, None) => newest(dossier)?,
    };
    let group = found.map_or(RetentionGroup::Four, |(group, _)| group);
    Some(Standing { group, since: since.min(as_of), birth: dossier.person().and_then(|person| person.birth) })
}

/// Records that put a person in a group, the earliest first.
pub fn reasons<'a>(dossier: &'a Dossier, rules: &Rules, group: RetentionGroup) -> Vec<Reason<'a>> {
    let mut reasons = Vec::new();
    grounds(dossier, &rules.catalogue, |reason| {
        if reason.ground.group() == group {
            reasons.push(reason);
        }
    });
    reasons.sort_unstable_by_key(|reason| (reason.date, reason.record_id));
    reasons
}

/// The last day on which the person came to notice by their own conduct: what starts the clear period anew. A stay in custody,
/// an open file and membership of the cohort go on until they end.
pub fn last_event(dossier: &Dossier, as_of: Date) -> Option<Date> {
    let offences = dossier.offences().filter(attributed).map(|offence| {
        let date = offence.date();
        offence.outcome_date.map_or(date, |decided| decided.max(date))
    });
    let others = dossier.others().iter().filter(|filed| is_own(filed.category)).filter_map(|filed| event(filed, as_of));
    offences.chain(others).max().map(|last| last.min(as_of))
}

/// Tells of every record of a person's own that puts them in a group above the last.
fn grounds<'a>(dossier: &'a Dossier, catalogue: &Catalogue, mut tell: impl FnMut(Reason<'a>)) {
    for offence in dossier.offences().filter(attributed) {
        if let Some(ground) = of_offence(offence.code, catalogue) {
            tell(Reason { ground, record_id: offence.id, date: offence.date() });
        }
    }
    for filed in dossier.others().iter().filter(|filed| is_own(filed.category)) {
        if let Some((ground, date)) = of_other(&filed.kind) {
            tell(Reason { ground, record_id: &filed.id, date });
        }
    }
}

/// Whether an offence is attributed to the person: whatever became of the case, unless it was found that there was none, or that
/// it was somebody else's.
fn attributed(offence: &OffenceView<'_>) -> bool {
    is_own(offence.category)
        && match offence.outcome {
            Outcome::NoCrime | Outcome::Eliminated => false,
            Outcome::Suspected
            | Outcome::Arrested
            | Outcome::Bailed
            | Outcome::ReleasedUnderInvestigation
            | Outcome::Charged
            | Outcome::Summonsed
            | Outcome::PostalRequisition
            | Outcome::Convicted
            | Outcome::Cautioned
            | Outcome::Reprimanded
            | Outcome::Warned
            | Outcome::CommunityResolution
            | Outcome::PenaltyNotice
            | Outcome::TakenIntoConsideration
            | Outcome::Acquitted
            | Outcome::Discontinued
            | Outcome::Withdrawn
            | Outcome::NoFurtherAction
            | Outcome::NotGuiltyInsanity
            | Outcome::EvidentialDifficulty => true,
        }
}

/// The ground of an offence by its code; `None`: the code is of no offence.
pub fn of_offence(code: OffenceCode, catalogue: &Catalogue) -> Option<RetentionGround> {
    let class = catalogue.classify(code);
    if !class.offence {
        return None;
    }
    let specified = Specified::of(code);
    Some(match specified {
        Specified::Serious => RetentionGround::SeriousSpecifiedOffence,
        Specified::Named | Specified::Unnamed if class.sexual => RetentionGround::SexualOffence,
        Specified::Named | Specified::Unnamed if class.violent => RetentionGround::ViolentOffence,
        Specified::Named => RetentionGround::SeriousOffence,
        Specified::Unnamed if class.days >= THREE_YEARS && !class.estimated => RetentionGround::SeriousOffence,
        Specified::Unnamed => RetentionGround::OtherOffence,
    })
}

fn of_other(kind: &Other) -> Option<(RetentionGround, Date)> {
    match kind {
        Other::Assessment(assessment) => match assessment.finding {
            Finding::Mappa { .. } => Some((RetentionGround::Mappa, assessment.made)),
            Finding::Level(_) | Finding::Probability(_) | Finding::Held => None,
        },
        Other::Marker(marker) => (marker.kind == MarkerKind::RegisteredSexOffender)
            .then_some((RetentionGround::RegisteredSexOffender, marker.set)),
        Other::SanctionSummary(totals) if totals.violent_occasions > 0 => {
            Some((RetentionGround::ViolentSanctions, totals.first.unwrap_or(totals.as_at)))
        }
        Other::SanctionSummary(totals) if totals.occasions > 0 => {
            Some((RetentionGround::Sanctions, totals.first.unwrap_or(totals.as_at)))
        }
        Other::Custody(stay) => Some((RetentionGround::Custody, stay.start)),
        Other::Outstanding(file) => file.first_opened().map(|opened| (RetentionGround::OutstandingFile, opened)),
        Other::Breach(breach) => Some((RetentionGround::Breach, breach.date)),
        Other::SanctionSummary(_)
        | Other::Intelligence(_)
        | Other::Order { .. }
        | Other::Exploitation(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    }
}

/// The day by which a record starts the clear period anew; `None`: it does not.
fn event(filed: &Filed, as_of: Date) -> Option<Date> {
    match &filed.kind {
        Other::Custody(stay) => Some(stay.ended.unwrap_or(as_of)),
        Other::Outstanding(file) => file.periods.last().map(|period| period.closed.map_or(as_of, |(day, _)| day)),
        Other::CohortMembership(membership) => Some(membership.ended.unwrap_or(as_of)),
        Other::Breach(breach) => Some(breach.date),
        Other::Order { made } => Some(*made),
        Other::Assessment(assessment) => Some(assessment.made),
        Other::Marker(marker) => tells_of_conduct(marker.kind).then_some(marker.set),
        Other::Intelligence(report) => is_not_false(report.grade).then_some(report.date),
        // Totals are dated on the day they were made, which is no day of anything that happened.
        Other::SanctionSummary(totals) => totals.first,
        Other::Exploitation(_) | Other::BandOverride(_) => None,
    }
}

/// Whether a marker warns of what the person does, not of their health or of what others may do to them.
const fn tells_of_conduct(kind: MarkerKind) -> bool {
    match kind {
        MarkerKind::Violent
        | MarkerKind::Firearms
        | MarkerKind::Weapons
        | MarkerKind::ThreatToLifeSource
        | MarkerKind::ContactWithVulnerableVictim
        | MarkerKind::StatedIntentToHarm
        | MarkerKind::Escaper
        | MarkerKind::Drugs
        | MarkerKind::OffendsOnBail
        | MarkerKind::RegisteredSexOffender => true,
        MarkerKind::ThreatToLifeThreatened
        | MarkerKind::Ailment
        | MarkerKind::MentalHealth
        | MarkerKind::SelfHarm
        | MarkerKind::Contagious => false,
    }
}

/// Whether a report is not suspected to be false: assessment E, evaluation 5.
const fn is_not_false(grade: Grade) -> bool {
    match grade {
        Grade::Current { assessment, .. } => assessment < 4,
        Grade::Old { evaluation, .. } => evaluation < 5,
    }
}

/// The day of the newest record, whoever it is about: what a person of whom nothing of their own is held counts from.
fn newest(dossier: &Dossier) -> Option<Date> {
    let person = dossier.person().map(|person| person.made);
    let offences = dossier.offences().map(|offence| offence.date());
    let others = dossier.others().iter().map(|filed| match &filed.kind {
        Other::SanctionSummary(totals) => totals.as_at,
        Other::Custody(stay) => stay.start,
        Other::Marker(marker) => marker.set,
        Other::Intelligence(report) => report.date,
        Other::Assessment(assessment) => assessment.made,
        Other::Order { made } => *made,
        Other::Breach(breach) => breach.date,
        Other::Exploitation(status) => status.date,
        Other::Outstanding(file) => file.first_opened().unwrap_or(filed.updated),
        Other::CohortMembership(membership) => membership.selected,
        Other::BandOverride(decision) => decision.decided,
    });
    person.into_iter().chain(offences).chain(others).max()
}

#[cfg(test)]
mod tests;
