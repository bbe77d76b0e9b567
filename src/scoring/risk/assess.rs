//! From a history to R: the instruments as the score uses them, mapped to
//! points by the policy's bands, weighted, and never below the contact fallback.

use super::fallback::Contacts;
use super::history::History;
use super::interval::Range;
use super::supplied::Supplied;
use super::two_year::{Facts, Instrument};
use super::{Probability, Source};
use crate::domain::Date;
use crate::domain::word::Sex;
use crate::policy::{InstrumentPolicy, RiskPolicy};

/// One instrument as it enters R, over every birth date and sex that is possible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// Two-year probability.
    pub probability: Range,
    /// Points, 0 to 100.
    pub points: Range,
    /// Computed or supplied.
    pub source: Source,
}

/// R before it is rounded, and what it rests on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Assessed {
    /// Each of [`Instrument::ALL`], where it can be computed or was supplied.
    pub instruments: [Option<Weighted>; 3],
    /// Weighted sum of the instruments' points.
    pub actuarial: Range,
    /// R, before anything is added for missing instruments.
    pub risk: Range,
    /// Points that missing instruments add to the top.
    pub missing: f64,
}

impl Assessed {
    /// Assesses a person whose birth date and sex are among those given; neither may be empty.
    pub fn new(
        history: &History<'_>,
        supplied: &[Option<Supplied<'_>>; 3],
        contacts: &Contacts,
        births: &[Date],
        sexes: &[Sex],
        policy: &RiskPolicy,
    ) -> Self {
        let people = births.iter().flat_map(|birth| sexes.iter().map(|sex| (*birth, *sex)));
        let assessed = people.map(|person| Self::one(history, supplied, contacts, person, policy));
        assessed.reduce(|whole, one| whole.or(&one)).expect("a person must have a possible birth date and sex")
    }

    fn one(
        history: &History<'_>,
        supplied: &[Option<Supplied<'_>>; 3],
        contacts: &Contacts,
        (birth, sex): (Date, Sex),
        policy: &RiskPolicy,
    ) -> Self {
        let facts = scored_facts(history, birth, sex, policy);
        let (mut actuarial, mut missing) = (0.0, 0.0);
        let mut instruments = [None; 3];
        for ((slot, instrument), supplied) in instruments.iter_mut().zip(Instrument::ALL).zip(supplied) {
            let rule = rule_of(policy, instrument);
            let share = f64::from(rule.weight) / 100.0;
            let value = match supplied {
                Some(supplied) => Some((supplied.probability, Source::Probation)),
                None => facts
                    .and_then(|facts| instrument.assess(&held(facts, instrument, policy)))
                    .map(|parts| (parts.probability(), Source::Computed)),
            };
            if let Some((probability, source)) = value {
                let points = points(rule, probability);
                actuarial += share * points;
                *slot = Some(Weighted { probability: Range::at(probability), points: Range::at(points), source });
            } else {
                missing += share * policy.no_sanction_top;
            }
        }
        let risk = Range::at(actuarial.max(contacts.points));
        Self { instruments, actuarial: Range::at(actuarial), risk, missing }
    }

    /// This or that person: which instruments there are is the same for both.
    fn or(mut self, other: &Self) -> Self {
        for (held, other) in self.instruments.iter_mut().zip(&other.instruments) {
            if let (Some(held), Some(other)) = (held, other) {
                held.probability = held.probability.with(other.probability);
                held.points = held.points.with(other.points);
            }
        }
        self.actuarial = self.actuarial.with(other.actuarial);
        self.risk = self.risk.with(other.risk);
        self
    }

    /// The ARP that R uses.
    pub fn arp(&self) -> Option<Probability> {
        let place = Instrument::ALL.iter().position(|instrument| *instrument == Instrument::Arp)?;
        self.instruments[place].map(|arp| Probability {
            point: arp.probability.middle(),
            low: arp.probability.low,
            high: arp.probability.high,
        })
    }
}

/// The policy's figures for an instrument.
pub fn rule_of(policy: &RiskPolicy, instrument: Instrument) -> &InstrumentPolicy {
    match instrument {
        Instrument::Arp => &policy.arp,
        Instrument::Svrp => &policy.svrp,
        Instrument::Vrp => &policy.vrp,
    }
}

/// What the instruments ask, as the score answers for one birth date and sex; [`held`] then adjusts it to each.
pub fn scored_facts(history: &History<'_>, birth: Date, sex: Sex, policy: &RiskPolicy) -> Option<Facts> {
    let facts = history.facts(birth, sex, policy.least_sanction_age)?;
    Some(settled(facts, history, birth, policy))
}

/// For the score only: who has been free of offending for years ages on, so that a caution at 20 does not
/// score a man of 71 as 20.
fn settled(facts: Facts, history: &History<'_>, birth: Date, policy: &RiskPolicy) -> Facts {
    if facts.months < policy.settled_months {
        return facts;
    }
    let age = birth.completed_years(history.moved_back.plus_months(-policy.settled_months));
    Facts { age: age.max(facts.age), ..facts }
}

/// For the score only: occasions and age are held where an instrument's formula turns over, so that more
/// sanctions never lower a score, nor more years without one raise it.
pub fn held(facts: Facts, instrument: Instrument, policy: &RiskPolicy) -> Facts {
    let rule = rule_of(policy, instrument);
    let most = match facts.sex {
        Sex::Female => rule.cap_female,
        Sex::Male => rule.cap_male,
    };
    let occasions = most.map_or(facts.occasions, |most| facts.occasions.min(most));
    let age = facts.age.min(instrument.coefficients().least_risk_age(facts.sex));
    Facts { age, occasions, ..facts }
}

/// Points of a probability: the published bands begin at 25, 50 and 75, and between them points rise evenly.
pub fn points(rule: &InstrumentPolicy, probability: f64) -> f64 {
    let begins = [0.0, rule.medium, rule.high, rule.very_high, rule.full];
    let mut floor = 0.0;
    for pair in begins.windows(2) {
        if probability < pair[1] {
            return floor + 25.0 * (probability - pair[0]) / (pair[1] - pair[0]);
        }
        floor += 25.0;
    }
    100.0
}
