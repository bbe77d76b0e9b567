//! Risk: how likely this person is to offend again.
//!
//! [`two_year`] and [`ogrs3`] hold the instruments exactly as published;
//! [`history`] counts sanctions for them, [`supplied`] asks whether probation
//! knows better, [`fallback`] serves those without a record, [`interval`] tries
//! every birth date and sex that is possible, and [`assess`] puts these
//! together as R. [`report()`] tells the instruments as published, without what
//! the score adjusts.
//!
//! Risk is actuarial: it is not monotone in sanctions. It falls with time free
//! of offending when nothing else changes, and never reads anything about a
//! person but age, sex and their own record.

pub mod assess;
mod explain;
pub mod fallback;
pub mod history;
pub mod interval;
pub mod ogrs3;
mod report;
pub mod supplied;
pub mod two_year;

use super::{Case, Listener, Scored};
use crate::domain::MilliPoints;
use crate::domain::word::Sex;
use assess::Assessed;
use fallback::Contacts;
use history::History;
use supplied::Supplied;

pub use interval::possible_births;
pub use report::{probabilities, report};

/// A two-year probability and the ends between which it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probability {
    /// Best estimate.
    pub point: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Where a predictor's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Computed from the published coefficients.
    Computed,
    /// Supplied by probation.
    Probation,
}

/// A predictor as published, for the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// ARP, VRP, SVRP or OGRS3.
    pub instrument: &'static str,
    /// Two-year probability and source, or what is missing.
    pub value: Result<(f64, Source), String>,
    /// Band 0 (low) to 3 (very high), where there is a value.
    pub band: Option<u8>,
    /// Whether it enters the score.
    pub scored: bool,
    /// Record it was supplied in.
    pub evidence: Option<Box<str>>,
}

/// R, and the ARP that R uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// R.
    pub score: Scored,
    /// The ARP that R uses, where it could be computed or was supplied.
    pub arp: Option<Probability>,
}

/// Weighs the risk of a person.
pub fn weigh(case: &Case<'_>, listener: &mut impl Listener) -> Risk {
    let reading = Reading::of(case, 0);
    let mut risk = reading.risk();
    if reading.history.undated_charge || reading.contacts.undated {
        let earlier = Reading::of(case, case.rules.policy.quality.unknown_date_days);
        risk = risk.widened_to(&earlier.risk());
        if reading.contacts.undated {
            let actuarial = reading.assessed.actuarial.with(earlier.assessed.actuarial);
            let (ends, missing) = (Contacts::ends(case), reading.assessed.missing.max(earlier.assessed.missing));
            let low = MilliPoints::from_points(actuarial.low.max(ends.low));
            let high = MilliPoints::from_points(actuarial.high.max(ends.high) + missing);
            risk.score =
                Scored { point: risk.score.point, low: low.min(risk.score.low), high: high.max(risk.score.high) };
        }
    }
    explain::tell(case, &reading, listener);
    risk
}

/// Everything that R is read from, offences of unknown date taken some days before their report.
struct Reading<'a> {
    history: History<'a>,
    supplied: [Option<Supplied<'a>>; 3],
    contacts: Contacts,
    assessed: Assessed,
}

impl<'a> Reading<'a> {
    fn of(case: &Case<'a>, earlier: i32) -> Self {
        let policy = &case.rules.policy.risk;
        let history = History::of(case, earlier);
        let supplied = supplied::supplied(case.dossier.others(), &history, case.as_of);
        let contacts = Contacts::of(case, earlier);
        let person = case.dossier.person();
        let assess = |births: &[_], sexes: &[Sex]| Assessed::new(&history, &supplied, &contacts, births, sexes, policy);
        let sexes = interval::possible_sexes(person.and_then(|person| person.sex));
        let computes = history.current.is_some() && supplied.iter().any(Option::is_none);
        let assessed = match person.and_then(|person| person.birth) {
            Some(birth) => assess(&[birth], sexes),
            None if computes => {
                assess(&interval::assumed_births(person.as_ref(), case.as_of, history.first, policy), sexes)
            }
            // No formula will ask for the age.
            None => assess(&[case.as_of], &[Sex::Male]),
        };
        Self { history, supplied, contacts, assessed }
    }

    fn risk(&self) -> Risk {
        let Assessed { risk, missing, .. } = self.assessed;
        let score = Scored {
            point: MilliPoints::from_points(risk.middle()),
            low: MilliPoints::from_points(risk.low),
            high: MilliPoints::from_points(risk.high + missing),
        };
        Risk { score, arp: self.assessed.arp() }
    }
}

impl Risk {
    /// The same point, with ends that reach those of another reading.
    fn widened_to(self, other: &Self) -> Self {
        let score = Scored {
            point: self.score.point,
            low: self.score.low.min(other.score.low),
            high: self.score.high.max(other.score.high),
        };
        let arp = self.arp.map(|arp| {
            let other = other.arp.unwrap_or(arp);
            Probability { point: arp.point, low: arp.low.min(other.low), high: arp.high.max(other.high) }
        });
        Self { score, arp }
    }
}

#[cfg(test)]
mod tests;
