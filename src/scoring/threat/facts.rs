//! Signs that are facts: markers, breaches, being at large, release due, and
//! what follows from the dates of offences.

use super::{Basis, Indicator, Sign, Signs};
use crate::domain::Date;
use crate::domain::dossier::{Filed, OffenceView};
use crate::domain::evidence::{Breach, Marker, Other, Outstanding};
use crate::domain::word::{BreachKind, MarkerKind, OutstandingReason};
use crate::scoring::Case;
use crate::scoring::custody::{self, Stay};
use crate::scoring::harm::Classified;
use crate::scoring::window::{Held, Window};

/// Gathers every fact but the derived one, each indicator and date once.
pub(super) fn gather<'a>(case: &Case<'a>, signs: &mut Signs<'a>) {
    let mut at_large: Option<Sign<'a>> = None;
    for filed in case.own() {
        match &filed.kind {
            Other::Marker(marker) => {
                if let Some(indicator) = warns_of(marker).filter(|_| case.stands(marker.expires)) {
                    add(case, signs, indicator, marker.set, &filed.id);
                }
            }
            Other::Breach(breach) => match breach.kind {
                BreachKind::Order => add(case, signs, Indicator::BreachOfOrder, breach.date, &filed.id),
                BreachKind::BailConditions => {
                    if file_told_by(case, breach).is_none() {
                        add(case, signs, Indicator::BreachOfBail, breach.date, &filed.id);
                    }
                }
            },
            Other::Outstanding(file) => {
                if let Some(date) = file.first_opened().filter(|_| is_bail_breach(file)) {
                    signs.push(Sign::new(case, Indicator::BreachOfBail, Basis::BailFile, date, &filed.id));
                }
                let found = sign_at_large(case, file, &filed.id);
                if let Some(sign) = found.filter(|new| at_large.is_none_or(|held| new.strength > held.strength)) {
                    at_large = Some(sign);
                }
            }
            Other::Custody(stay) => {
                let window = case.rules.policy.threat.release_window_days;
                let release = custody::release_from_sentence(case, stay);
                if let Some(date) = release.filter(|date| custody::is_near(*date, case.as_of, window)) {
                    add(case, signs, Indicator::ReleaseDue, date, &filed.id);
                }
            }
            Other::SanctionSummary(_)
            | Other::Intelligence(_)
            | Other::Assessment(_)
            | Other::Order { .. }
            | Other::Exploitation(_)
            | Other::CohortMembership(_)
            | Other::BandOverride(_) => {}
        }
    }
    if let Some(sign) = at_large.filter(|_| !Stay::of(case).is_held()) {
        signs.push(sign);
    }
}

/// Adds a fact, unless one of the same indicator and date is there: records come in order of id, so
/// the lowest stays. A violent marker counts once whatever its date, the strongest of several.
fn add<'a>(case: &Case<'a>, signs: &mut Signs<'a>, indicator: Indicator, date: Date, id: &'a str) {
    let new = Sign::new(case, indicator, Basis::Fact, date, id);
    let told = signs.iter_mut().find(|sign| {
        let same_day = indicator == Indicator::ViolentMarker || case.day(sign.date) == case.day(date);
        sign.indicator == indicator && sign.basis == Basis::Fact && same_day
    });
    match told {
        Some(held) if new.strength > held.strength => *held = new,
        Some(_) => {}
        None => signs.push(new),
    }
}

/// What a marker warns of. A notice served on the one threatened, health signals and signals that METHOD
/// gives no weight warn of nothing.
const fn warns_of(marker: &Marker) -> Option<Indicator> {
    match marker.kind {
        MarkerKind::Violent => Some(Indicator::ViolentMarker),
        MarkerKind::Firearms => Some(Indicator::AccessToFirearm),
        MarkerKind::Weapons => Some(Indicator::AccessToWeapon),
        MarkerKind::ThreatToLifeSource => Some(Indicator::ThreatToLife),
        MarkerKind::ContactWithVulnerableVictim => Some(Indicator::ContactWithVulnerableVictim),
        MarkerKind::StatedIntentToHarm => Some(Indicator::IntentToHarm),
        MarkerKind::ThreatToLifeThreatened
        | MarkerKind::Escaper
        | MarkerKind::Drugs
        | MarkerKind::OffendsOnBail
        | MarkerKind::RegisteredSexOffender
        | MarkerKind::Ailment
        | MarkerKind::MentalHealth
        | MarkerKind::SelfHarm
        | MarkerKind::Contagious => None,
    }
}

fn is_bail_breach(file: &Outstanding) -> bool {
    file.reason == OutstandingReason::BreachedPoliceBailConditions
}

/// The bail-breach file of this person that tells the same breach, if the record names one.
fn file_told_by<'a>(case: &Case<'a>, breach: &Breach) -> Option<&'a Filed> {
    let named = breach.outstanding_id.as_deref()?;
    case.own().find(|filed| match &filed.kind {
        Other::Outstanding(file) => &*filed.id == named && is_bail_breach(file),
        Other::SanctionSummary(_)
        | Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Exploitation(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => false,
    })
}

/// Breach records that tell the same breach as a file.
pub(super) fn breaches_told_by<'a>(case: &Case<'a>, file: &'a str) -> impl Iterator<Item = &'a str> + use<'a> {
    case.own().filter_map(move |filed| match &filed.kind {
        Other::Breach(breach)
            if breach.kind == BreachKind::BailConditions && breach.outstanding_id.as_deref() == Some(file) =>
        {
            Some(&*filed.id)
        }
        Other::Breach(_)
        | Other::SanctionSummary(_)
        | Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Exploitation(_)
        | Other::Outstanding(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    })
}

/// The strongest sign that an open file gives of being at large.
fn sign_at_large<'a>(case: &Case<'a>, file: &Outstanding, id: &'a str) -> Option<Sign<'a>> {
    let since = file.open_since()?;
    let wanted = !file.reason.is_unlawfully_at_large()
        && case.named(&file.offence_ids).any(|(_, _, class)| class.violent || class.sexual);
    let candidates = [
        (wanted, Indicator::AtLargeForViolentOrSexualOffence),
        (file.reason.is_unlawfully_at_large(), Indicator::UnlawfullyAtLarge),
        (file.reason.is_failure_to_surrender(), Indicator::FailedToSurrender),
        (true, Indicator::AtLarge),
    ];
    let signs = candidates
        .into_iter()
        .filter(|(holds, _)| *holds)
        .map(|(_, indicator)| Sign::new(case, indicator, Basis::Fact, since, id));
    // Of equal ones the first, which says most.
    signs.reduce(|held, new| if new.strength > held.strength { new } else { held })
}

/// Violent, sexual or domestic-burglary offences of late.
pub(super) fn recent(case: &Case<'_>) -> Window<impl Fn(&OffenceView<'_>, &Classified) -> bool + use<>> {
    let policy = &case.rules.policy.threat;
    Window {
        days: policy.repeated_within_days,
        needed: policy.repeated_dates,
        which: |_: &OffenceView<'_>, class: &Classified| class.violent || class.sexual || class.domestic_burglary,
    }
}

/// Adds the sign that offences repeated of late give, where they may, and says how sure that is.
pub(super) fn repeated<'a>(case: &Case<'a>, signs: &mut Signs<'a>) -> Held {
    let window = recent(case);
    let held = window.held(case, case.tally.grave);
    if held.high {
        // Dated at the latest of the offences. Where only an earlier unknown date makes the sign possible,
        // there is none in the window: any of the person's offences may stand for it, since it has no leaf.
        let last = window.dated(case).last().copied();
        let (date, id) = last.unwrap_or((case.as_of, ""));
        signs.push(Sign::new(case, Indicator::RepeatedRecently, Basis::Fact, date, id));
    }
    held
}
