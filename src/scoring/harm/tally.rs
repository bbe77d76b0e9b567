//! Decayed harm days, each offence once.
//!
//! The same crime often stands in several records. Offences with the same
//! incident and victim count only their largest; without an incident, the same
//! code, date and victim are one offence with the strongest proof and the
//! greatest uplift of any. An offence against somebody whose reference is not
//! known is treated as one without a named victim, in both rules: three systems
//! that hold one burglary rarely all name its victim.

use hashbrown::HashMap;
use smallvec::SmallVec;

use super::{Classified, HarmStep, scoring, uplift};
use crate::domain::Date;
use crate::domain::dossier::OffenceView;
use crate::domain::offence::OffenceCode;
use crate::policy::HarmPolicy;
use crate::scoring::Case;

/// Offences above which the records of one are looked up by hash rather than by looking at each.
const MANY: usize = 32;

/// Decayed harm days at the point and at both ends of the interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Days {
    pub(super) point: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// What one offence's decayed harm days are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts<'a> {
    pub(super) class: &'a Classified,
    pub(super) proof: f64,
    pub(super) uplift: f64,
    /// Found by police activity alone.
    pub(super) proactive: bool,
    /// Clock days since the offence.
    pub(super) age: u32,
    /// The same at the lower end, where the offence date is unknown.
    pub(super) oldest: u32,
    /// The offence date is known.
    dated: bool,
}

/// A way in which harm days of one offence were reckoned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reckoned {
    pub(super) found: f64,
    pub(super) half_life: f64,
    pub(super) decay: f64,
    pub(super) decayed: f64,
}

impl<'a> Parts<'a> {
    fn of(case: &'a Case<'_>, offence: &OffenceView<'_>) -> Self {
        let class = case.rules.catalogue.classify(offence.code);
        let proof = case.rules.catalogue.proof(offence, class);
        // A sexual offence ages from its report, however long ago it was.
        let from = if class.sexual { offence.date().max(offence.reported) } else { offence.date() };
        let age = case.clock.age(from);
        let earliest = match offence.committed {
            None if !class.sexual => case.clock.age(from - case.rules.policy.quality.unknown_date_days),
            None | Some(_) => age,
        };
        Self {
            class,
            proof,
            uplift: uplift(case, offence),
            proactive: offence.proactive,
            age,
            oldest: earliest,
            dated: offence.committed.is_some(),
        }
    }

    /// The two records as one offence: the strongest of each.
    fn joined(self, other: Self) -> Self {
        Self {
            class: if other.class.days > self.class.days { other.class } else { self.class },
            proof: self.proof.max(other.proof),
            uplift: self.uplift.max(other.uplift),
            proactive: self.proactive && other.proactive,
            age: self.age.min(other.age),
            oldest: self.oldest.min(other.oldest),
            dated: self.dated && other.dated,
        }
    }

    /// Decayed harm days if the code's harm days were `days` and the offence `age` clock days old.
    pub(super) fn reckon(&self, policy: &HarmPolicy, days: f64, age: u32) -> Reckoned {
        let found = match self.proactive {
            true if days >= policy.found_from_days => policy.found_multiplier,
            true => 0.0,
            false => 1.0,
        };
        let half_life =
            if days >= policy.grave_from_days { policy.grave_half_life_days } else { policy.half_life_days };
        let decay = libm::exp2(-f64::from(age) / half_life);
        Reckoned { found, half_life, decay, decayed: days * self.proof * found * self.uplift * decay }
    }

    fn days(&self, policy: &HarmPolicy) -> Days {
        let class = self.class;
        if self.proof <= 0.0 {
            return Days::default();
        }
        let point = self.reckon(policy, class.days, self.age).decayed;
        if !class.estimated && self.oldest == self.age {
            return Days { point, low: point, high: point };
        }
        // A grave half-life shorter than the ordinary one could turn the ends round.
        let low = self.reckon(policy, class.low, self.oldest).decayed.min(point);
        let high = self.reckon(policy, class.high, self.age).decayed.max(point);
        Days { point, low, high }
    }
}

/// What makes two records one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(in crate::scoring) enum Once<'a> {
    /// An incident, and the victim in it.
    Incident(&'a str, Option<&'a str>),
    /// No incident: a code, a date and a victim.
    Alike(OffenceCode, Date, Option<&'a str>),
}

impl<'a> Once<'a> {
    pub(in crate::scoring) fn of(offence: &OffenceView<'a>) -> Self {
        let victim = offence.victim.and_then(|victim| victim.reference);
        match offence.incident {
            Some(incident) => Self::Incident(incident, victim),
            None => Self::Alike(decisive(offence.code), offence.date(), victim),
        }
    }
}

/// The code that decides: the CJS code where there is one.
fn decisive(code: OffenceCode) -> OffenceCode {
    match code.cjs {
        Some(_) => OffenceCode { ho: None, ..code },
        None => code,
    }
}

/// An offence that counts once, with every record of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Term<'a> {
    pub(super) once: Once<'a>,
    /// Place in the dossier of the record that speaks for it.
    pub(super) place: usize,
    pub(super) records: u32,
    pub(super) parts: Parts<'a>,
    days: Days,
    /// What is known if records that do not know their date are left out, where there are any: `None` without a
    /// record that does.
    certain: Option<Parts<'a>>,
    /// Some record of it, with proof, does not know its date.
    undated: bool,
    /// Days that the upper end has beyond those of one offence: records taken for one because they were reported
    /// on its day may be of other days.
    apart: f64,
}

impl<'a> Term<'a> {
    fn new(policy: &HarmPolicy, once: Once<'a>, place: usize, parts: Parts<'a>) -> Self {
        let days = parts.days(policy);
        let certain = parts.dated.then_some(parts);
        let undated = !parts.dated && parts.proof > 0.0;
        Self { once, place, records: 1, parts, days, certain, undated, apart: 0.0 }
    }

    pub(super) fn days(&self) -> Days {
        self.days
    }

    /// Takes in another record of the same offence. Never lowers any of the days.
    fn take_in(&mut self, policy: &HarmPolicy, place: usize, parts: Parts<'a>) {
        self.records += 1;
        match self.once {
            Once::Incident(..) => {
                let days = parts.days(policy);
                if days.point > self.days.point {
                    self.place = place;
                    self.parts = parts;
                }
                self.days = Days {
                    point: self.days.point.max(days.point),
                    low: self.days.low.max(days.low),
                    high: self.days.high.max(days.high),
                };
            }
            Once::Alike(..) => {
                if parts.proof > self.parts.proof {
                    self.place = place;
                }
                let alone = parts.days(policy);
                if !(parts.dated && self.certain.is_some()) {
                    self.apart += alone.high;
                }
                if parts.dated {
                    self.certain = Some(self.certain.map_or(parts, |certain| certain.joined(parts)));
                }
                self.undated |= !parts.dated && parts.proof > 0.0;
                self.parts = self.parts.joined(parts);
                let before = self.days;
                self.days = self.parts.days(policy);
                if self.undated {
                    self.days.high += self.apart;
                    // Records that may be of other days may not lend each other their proof.
                    self.days.low = self.certain.map_or(before.low.max(alone.low), |certain| certain.days(policy).low);
                }
            }
        }
    }

    /// Whether this undated offence may turn out to be that other one: alike but for its date, which may be any of
    /// the days before its report.
    fn may_be(&self, other: &Self, unknown_days: i32) -> bool {
        match (self.once, other.once) {
            (Once::Alike(code, reported, victim), Once::Alike(other_code, date, other_victim)) => {
                code == other_code && victim == other_victim && date < reported && reported - date <= unknown_days
            }
            (Once::Incident(..), Once::Alike(..) | Once::Incident(..)) | (Once::Alike(..), Once::Incident(..)) => false,
        }
    }
}

/// Every offence that counts, in order of date and record id of its first record.
pub(super) struct Tally<'a> {
    terms: SmallVec<[Term<'a>; 12]>,
    /// An offence with proof has estimated harm days.
    pub(super) estimated: bool,
    /// An offence with proof has unknown harm days.
    pub(super) unknown: bool,
    /// An offence with proof has an unknown date that matters.
    pub(super) undated: bool,
}

impl<'a> Tally<'a> {
    /// Tallies the offences that may score and whose place in the dossier is `wanted`.
    pub(super) fn of(case: &'a Case<'_>, wanted: impl Fn(usize) -> bool) -> Self {
        let policy = &case.rules.policy.harm;
        let count = case.dossier.offence_count();
        let mut tally =
            Self { terms: SmallVec::with_capacity(count), estimated: false, unknown: false, undated: false };
        let mut lookup: Option<HashMap<Once<'a>, usize>> = (count > MANY).then(|| HashMap::with_capacity(count));
        for (place, offence) in scoring(case).filter(|(place, _)| wanted(*place)) {
            let parts = Parts::of(case, &offence);
            if parts.proof > 0.0 {
                let unknown = parts.class.step == HarmStep::Unknown;
                tally.unknown |= unknown;
                tally.estimated |= parts.class.estimated && !unknown;
                tally.undated |= parts.oldest != parts.age;
            }
            let once = Once::of(&offence);
            let next = tally.terms.len();
            let at = match &mut lookup {
                Some(lookup) => *lookup.entry(once).or_insert(next),
                None => tally.terms.iter().position(|term| term.once == once).unwrap_or(next),
            };
            if let Some(term) = tally.terms.get_mut(at) {
                term.take_in(policy, place, parts);
            } else {
                tally.terms.push(Term::new(policy, once, place, parts));
            }
        }
        tally.doubt_undated(case.rules.policy.quality.unknown_date_days);
        tally
    }

    /// Widens the interval for what an unknown date may turn out to be: another record's offence, or one of its own.
    fn doubt_undated(&mut self, unknown_days: i32) {
        // Of an offence and all that may turn out to be the same, the greatest counts at the lower end. An offence
        // comes after all that it may be, so what these already stand for is known.
        let mut stands_for: SmallVec<[f64; 12]> = SmallVec::new();
        if !self.terms.iter().any(|term| term.undated) {
            return;
        }
        for place in 0..self.terms.len() {
            let term = &self.terms[place];
            stands_for.push(term.days.low);
            self.undated |= term.undated && term.apart > 0.0;
            if !term.undated || term.certain.is_some() {
                continue;
            }
            let own = term.days.low;
            let may_be = (0..place).filter(|other| term.may_be(&self.terms[*other], unknown_days));
            let greatest = may_be.reduce(|held, other| if stands_for[other] > stands_for[held] { other } else { held });
            if let Some(other) = greatest {
                self.undated = true;
                self.terms[place].days.low = (own - stands_for[other]).max(0.0);
                stands_for[other] = stands_for[other].max(own);
                stands_for[place] = stands_for[other];
            }
        }
    }

    pub(super) fn terms(&self) -> &[Term<'a>] {
        &self.terms
    }

    /// Sums over the offences, in order.
    pub(super) fn days(&self) -> Days {
        self.terms.iter().fold(Days::default(), |sum, term| Days {
            point: sum.point + term.days.point,
            low: sum.low + term.days.low,
            high: sum.high + term.days.high,
        })
    }
}
