//! Threat: what this person could do next, and how soon. Facts and graded
//! intelligence each give a sign; signs combine as independent chances do, and
//! fade on the person's own clock.
//!
//!     F = 1 - prod over facts (1 - x)        x = w x 2^(-age / half-life)
//!     I = min(most, 1 - prod over intelligence (1 - x))        x = w x c x 2^(-age / half-life)
//!     T = 100 (1 - (1 - F)(1 - I))
//!
//! Health signals, notices served on the person as the one threatened, and
//! whatever others did to the person have no way in. Nothing here is a judgement
//! of guilt: intelligence stays intelligence, and is held to `most`.

mod facts;
mod intelligence;
mod words;

use smallvec::SmallVec;

use super::{Case, Listener, Scored};
use crate::domain::evidence::Grade;
use crate::domain::word::ThreatIndicator;
use crate::domain::{Date, MilliPoints};
use crate::policy::{IndicatorPolicy, ThreatPolicy};

pub use intelligence::grade;

/// What a sign points to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Indicator {
    ThreatToLife,
    AccessToFirearm,
    IntentToHarm,
    ContactWithVulnerableVictim,
    AtLargeForViolentOrSexualOffence,
    UnlawfullyAtLarge,
    FailedToSurrender,
    AtLarge,
    AccessToWeapon,
    BreachOfOrder,
    RepeatedRecently,
    BreachOfBail,
    ViolentMarker,
    OrganisedCrime,
    ReleaseDue,
}

impl Indicator {
    /// The rule that a contribution names.
    const fn rule(self) -> &'static str {
        match self {
            Self::ThreatToLife => "THREAT_TO_LIFE",
            Self::AccessToFirearm => "ACCESS_TO_FIREARM",
            Self::IntentToHarm => "INTENT_TO_HARM_IDENTIFIED_PERSON",
            Self::ContactWithVulnerableVictim => "CONTACT_WITH_VULNERABLE_VICTIM",
            Self::AtLargeForViolentOrSexualOffence => "AT_LARGE_FOR_VIOLENT_OR_SEXUAL_OFFENCE",
            Self::UnlawfullyAtLarge => "UNLAWFULLY_AT_LARGE",
            Self::FailedToSurrender => "FAILED_TO_SURRENDER",
            Self::AtLarge => "AT_LARGE",
            Self::AccessToWeapon => "ACCESS_TO_WEAPON",
            Self::BreachOfOrder => "BREACH_OF_ORDER",
            Self::RepeatedRecently => "REPEATED_RECENTLY",
            Self::BreachOfBail => "BREACH_OF_BAIL_CONDITIONS",
            Self::ViolentMarker => "VIOLENT_MARKER",
            Self::OrganisedCrime => "ORGANISED_CRIME_LINK",
            Self::ReleaseDue => "RELEASE_DUE",
        }
    }

    /// Its weight and half-life.
    const fn numbers(self, policy: &ThreatPolicy) -> IndicatorPolicy {
        const fn lasting(weight: f64) -> IndicatorPolicy {
            IndicatorPolicy { weight, half_life_days: None }
        }
        match self {
            Self::ThreatToLife => policy.threat_to_life,
            Self::AccessToFirearm => policy.access_to_firearm,
            Self::IntentToHarm => policy.intent_to_harm,
            Self::ContactWithVulnerableVictim => policy.contact_with_vulnerable_victim,
            Self::AtLargeForViolentOrSexualOffence => lasting(policy.at_large_violent_or_sexual),
            Self::UnlawfullyAtLarge => lasting(policy.at_large_unlawfully),
            Self::FailedToSurrender => lasting(policy.at_large_failed_to_surrender),
            Self::AtLarge => lasting(policy.at_large_any),
            Self::AccessToWeapon => policy.access_to_weapon,
            Self::BreachOfOrder => policy.breach_of_order,
            Self::RepeatedRecently => policy.repeated_recently,
            Self::BreachOfBail => policy.breach_of_bail,
            Self::ViolentMarker => policy.violent_marker,
            Self::OrganisedCrime => policy.organised_crime,
            Self::ReleaseDue => policy.release_due,
        }
    }
}

/// How a sign is known.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Basis {
    /// A record of fact, or what follows from such records.
    Fact,
    /// A bail-breach file: it always tells a breach of its own, whatever else was recorded that day.
    BailFile,
    /// A graded report: what it tells, its grade, and the grade's multiplier `c`.
    Intelligence(ThreatIndicator, Grade, f64),
}

/// One sign of what the person could do next.
#[derive(Clone, Copy, Debug)]
struct Sign<'a> {
    indicator: Indicator,
    basis: Basis,
    /// Date of the event.
    date: Date,
    /// The record that tells of it; of several, the lowest id.
    id: &'a str,
    /// Clock days since.
    age: u32,
    /// `x`, above 0 and below 1.
    strength: f64,
}

type Signs<'a> = SmallVec<[Sign<'a>; 8]>;

impl<'a> Sign<'a> {
    fn new(case: &Case<'_>, indicator: Indicator, basis: Basis, date: Date, id: &'a str) -> Self {
        let numbers = indicator.numbers(&case.rules.policy.threat);
        let age = case.clock.age(date);
        let left = numbers.half_life_days.map_or(1.0, |half_life| libm::exp2(-f64::from(age) / half_life));
        let grade = match basis {
            Basis::Fact | Basis::BailFile => 1.0,
            Basis::Intelligence(_, _, grade) => grade,
        };
        Self { indicator, basis, date, id, age, strength: numbers.weight * grade * left }
    }

    fn is_intelligence(&self) -> bool {
        match self.basis {
            Basis::Fact | Basis::BailFile => false,
            Basis::Intelligence(..) => true,
        }
    }
}

/// Weighs the threat of a person.
pub fn weigh(case: &Case<'_>, listener: &mut impl Listener) -> Scored {
    let mut signs = Signs::new();
    facts::gather(case, &mut signs);
    intelligence::gather(case, &mut signs);
    let repeated = facts::repeated(case, &mut signs);
    if signs.is_empty() {
        return Scored::default();
    }
    signs.sort_unstable_by(|a, b| (a.date, a.id, a.indicator).cmp(&(b.date, b.id, b.indicator)));

    let most = case.rules.policy.threat.intelligence_most;
    let with = total(&signs, most, true);
    let scored = if repeated.low == repeated.high {
        Scored { point: with, low: with, high: with }
    } else {
        let without = total(&signs, most, false);
        listener.gap(|| words::undated(case));
        Scored { point: if repeated.point { with } else { without }, low: without, high: with }
    };
    let capped = intelligence_alone(&signs) > most;
    for sign in signs.iter().filter(|sign| sign.indicator != Indicator::RepeatedRecently || repeated.point) {
        listener.leaf(|| words::leaf(case, sign, capped));
    }
    scored
}

/// T of these signs; with or without the one that unknown dates may take away.
fn total(signs: &Signs<'_>, most: f64, repeated: bool) -> MilliPoints {
    let (mut no_fact, mut no_report) = (1.0, 1.0);
    for sign in signs {
        if sign.is_intelligence() {
            no_report *= 1.0 - sign.strength;
        } else if repeated || sign.indicator != Indicator::RepeatedRecently {
            no_fact *= 1.0 - sign.strength;
        }
    }
    let intelligence = most.min(1.0 - no_report);
    MilliPoints::from_points(100.0 * (1.0 - no_fact * (1.0 - intelligence)))
}

/// What all intelligence together would give if it were not held.
fn intelligence_alone(signs: &Signs<'_>) -> f64 {
    1.0 - signs.iter().filter(|sign| sign.is_intelligence()).fold(1.0, |none, sign| none * (1.0 - sign.strength))
}

#[cfg(test)]
mod tests;
