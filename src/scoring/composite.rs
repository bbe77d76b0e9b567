//! The composite: T, R and H put together by family, banded, floored and
//! overridden. [`weigh`] is what ranking calls for everybody; [`explain`] is
//! what a reader asks for one person. Both run the same rules.

use super::{Factor, Gap, Rules, Scored, risk};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::BandOverride;
use crate::domain::word::{Band, Component, CustodyState, Family};
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

/// A share of the composite.
#[derive(Clone, Debug, PartialEq)]
pub struct Contribution {
    /// Threat, risk or harm.
    pub component: Component,
    /// Rule.
    pub rule: &'static str,
    /// Milli-points of the composite.
    pub milli: u32,
    /// Date of the event.
    pub date: Option<Date>,
    /// Records behind it.
    pub evidence: Vec<Box<str>>,
    /// What it says.
    pub description: String,
    /// Numbers it was computed from.
    pub factors: Vec<Factor>,
}

/// A rule that raised the band, or would have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Floor {
    /// Rule in UPPER_SNAKE.
    pub rule: &'static str,
    /// Least band it allows.
    pub band: Band,
    /// Records behind it.
    pub evidence: Vec<Box<str>>,
    /// The rule in a sentence.
    pub description: String,
}

/// Why a person stands where they stand, in one family.
#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    /// The standing explained.
    pub weighed: Weighed,
    /// Shares of the composite; they sum to its point exactly. Largest first.
    pub contributions: Vec<Contribution>,
    /// Floors in effect.
    pub floors: Vec<Floor>,
    /// What is missing or doubtful.
    pub gaps: Vec<Gap>,
    /// Predictors as published.
    pub predictors: Vec<risk::Reported>,
    /// Override in effect: its record id and content.
    pub overridden: Option<(Box<str>, BandOverride)>,
    /// The factor `a`, in ten-thousandths; 10,000 in the outstanding family.
    pub custody_factor: u32,
    /// Harm days of the last 365 days exceed those of the 365 before.
    pub escalating: bool,
    /// What to read first: a child, possible exploitation.
    pub safeguarding: Vec<String>,
}

/// Weighs a person, without explanation.
pub fn weigh(_dossier: &Dossier, _rules: &Rules, _as_of: Date) -> Weighed {
    unreachable!("written with the composite")
}

/// Weighs a person and says why.
pub fn explain(_dossier: &Dossier, _rules: &Rules, _as_of: Date, _family: Family) -> Explanation {
    unreachable!("written with the composite")
}
