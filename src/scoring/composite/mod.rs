//! The composite: T, R and H put together by family, banded, floored and
//! overridden. [`weigh`] is what ranking calls for everybody; [`explain`] is
//! what a reader asks for one person. Both run the same rules.
//!
//!     cohort family:       C = a (.25 T + .35 R + .40 H)
//!     outstanding family:  C = .40 T + .20 R + .40 H
//!
//! Exact whole-number arithmetic on the rounded components. The weights and the
//! factor `a` are policy; see [`super::custody`] for `a`.

mod doubt;
mod overrides;
mod whole;

pub use super::explain::{Contribution, Difference, Explanation, differences, explain};
pub use super::floors::Floor;
pub(super) use doubt::Doubts;
pub(super) use overrides::in_effect;
pub(super) use whole::{Whole, part};

use super::custody::Stay;
use super::{Case, Rules, Scored, Silent, floors};
use crate::domain::dossier::Dossier;
use crate::domain::word::{Band, CustodyState, Family};
use crate::domain::{Date, MilliPoints};

/// A person on one day under one policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighed {
    /// T.
    pub threat: Scored,
    /// R.
    pub risk: Scored,
    /// H.
    pub harm: Scored,
    /// Composite of the cohort family.
    pub cohort: Composed,
    /// Composite of the outstanding family.
    pub outstanding: Composed,
    /// Under 18 on the day, by the upper end of an unknown birth date's ages.
    pub child: bool,
    /// Where the person is on the day.
    pub custody: CustodyState,
}

impl Weighed {
    /// The composite of a family.
    pub const fn composed(&self, family: Family) -> &Composed {
        match family {
            Family::Cohort => &self.cohort,
            Family::Outstanding => &self.outstanding,
        }
    }
}

/// A composite of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Composed {
    /// Best estimate.
    pub point: MilliPoints,
    /// Lower end.
    pub low: MilliPoints,
    /// Upper end.
    pub high: MilliPoints,
    /// Band of the point alone.
    pub computed: Band,
    /// Band of the point with its floors.
    pub floored: Band,
    /// Band shown: floored, then overridden.
    pub effective: Band,
    /// Band at the lower end, with its floors.
    pub low_band: Band,
    /// Band at the upper end, with its floors.
    pub high_band: Band,
    /// The ends' bands differ, or the person is a child, or the family's own rule says so.
    pub provisional: bool,
    /// An override is in effect.
    pub overridden: bool,
}

/// Weighs a person, without explanation.
pub fn weigh(dossier: &Dossier, rules: &Rules, as_of: Date) -> Weighed {
    let whole = Whole::of(Case::new(dossier, rules, as_of), &mut Silent);
    whole.weighed(&Doubts::of(&whole))
}

/// Composite and band shown of a family, had its weights been each of these, in ten-thousandths for threat, risk and harm.
pub fn reweighted(
    dossier: &Dossier,
    rules: &Rules,
    as_of: Date,
    family: Family,
    weights: &[[u64; 3]],
) -> Vec<(MilliPoints, Band)> {
    let whole = Whole::of(Case::new(dossier, rules, as_of), &mut Silent);
    weights.iter().map(|weights| whole.under(family, *weights)).collect()
}

/// The highest band that a floor allows a person in one family, by the best estimate: below it an override
/// needs a second officer. `None`: no floor stands.
pub fn floor(dossier: &Dossier, rules: &Rules, as_of: Date, family: Family) -> Option<Band> {
    let case = Case::new(dossier, rules, as_of);
    let arp = super::risk::weigh(&case, &mut Silent).arp;
    let grounds = floors::Grounds::of(&case, &Stay::of(&case));
    grounds.highest(&rules.policy.floors, family, arp.map(|arp| arp.point), floors::End::Point)
}

/// What selection into the cohort asks of a person beyond the lists.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Selection {
    /// The ARP that R uses, where there is one.
    pub arp: Option<f64>,
    /// Whether there is an alleged offence of neighbourhood crime in the window asked for.
    pub neighbourhood: bool,
}

/// What selection asks of a person: the ARP that R uses, and neighbourhood crime within so many clock days.
pub fn selection(dossier: &Dossier, rules: &Rules, as_of: Date, within_days: u32) -> Selection {
    let case = Case::new(dossier, rules, as_of);
    let neighbourhood = case
        .allegations()
        .any(|(_, offence, class)| class.neighbourhood && case.clock.within(case.day(offence.date()), within_days));
    Selection { arp: super::risk::weigh(&case, &mut Silent).arp.map(|arp| arp.point), neighbourhood }
}

/// Harm weighed to the day: D of the method, in Cambridge harm days.
pub fn harm_days(dossier: &Dossier, rules: &Rules, as_of: Date) -> f64 {
    super::harm::days(&Case::new(dossier, rules, as_of))
}

/// Planned release from the sentence in force, where one is known.
pub fn planned_release(dossier: &Dossier, rules: &Rules, as_of: Date) -> Option<Date> {
    Stay::of(&Case::new(dossier, rules, as_of)).release
}

#[cfg(test)]
mod tests;
