//! Harm: how much harm this person's offending has done, weighed to today.
//!
//! Each offence counts its harm days from the Cambridge Crime Harm Index,
//! weakened by doubtful proof, raised for its victim and fading with age; the
//! sum is put on a logarithmic scale where one murder today is 100 points.
//! Harm never reads intelligence, warnings or supervision, and never the
//! records of another person: a repeat victim reaches it as a count of dates.

mod catalogue;
mod history;
mod resolve;
mod stale;
pub mod table;
mod tally;
mod telling;
#[cfg(test)]
mod tests;

use super::{Case, Listener, Scored};
use crate::domain::MilliPoints;
use crate::domain::dossier::OffenceView;
use crate::domain::offence::Category;
use crate::domain::word::{OffenceGroup, PersonCategory};

pub use catalogue::Catalogue;
pub use resolve::{Basis, Resolved, Resolver};
pub(super) use stale::is_undecided;
pub use stale::stale;
pub(in crate::scoring) use tally::Once;
use tally::Tally;

/// Where a code's harm days come from, in the order asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HarmStep {
    /// The policy's own judgement.
    Override,
    /// A table that the policy does not weigh by, asked for beside it.
    OtherTable,
    /// Index rows that name the CJS code.
    IndexByCjs,
    /// Index rows of the Home Office code.
    IndexByHo,
    /// The stem of an attempt, aid or conspiracy code.
    Stem,
    /// Median of the same class and category, or of the class, or of the category.
    Estimate,
    /// Median of the index rows of the same mode of trial.
    Unknown,
    /// Not an offence: no harm.
    NotAnOffence,
}

impl HarmStep {
    /// In a word, as factors name it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Override => "policy_override",
            Self::OtherTable => "other_table",
            Self::IndexByCjs => "index_by_cjs_code",
            Self::IndexByHo => "index_by_home_office_code",
            Self::Stem => "stem",
            Self::Estimate => "estimate",
            Self::Unknown => "unknown",
            Self::NotAnOffence => "not_an_offence",
        }
    }
}

/// One offence code under one policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classified {
    /// Harm days.
    pub days: f64,
    /// Least harm days of the rows used; `days` where they are known.
    pub low: f64,
    /// Greatest harm days of the rows used; `days` where they are known.
    pub high: f64,
    /// Where they come from.
    pub step: HarmStep,
    /// An estimate or unknown, a stem's estimate included: never triggers a floor.
    pub estimated: bool,
    /// Actuarial category; `None` for UNKNOWN or none.
    pub category: Option<Category>,
    /// Home Office group.
    pub group: Option<OffenceGroup>,
    /// Counts towards violent sanctions in VRP and SVRP.
    pub violent_sanction: bool,
    /// Violence against the person or acquisitive violence: threat and floors.
    pub violent: bool,
    /// A sexual category.
    pub sexual: bool,
    /// Burglary of a dwelling.
    pub domestic_burglary: bool,
    /// Groups Burglary and Robbery, vehicle-related theft, class 039.
    pub neighbourhood: bool,
    /// CJS category CI, CE, CS or CM (or a Home Office code).
    pub offence: bool,
    /// Kept on the Police National Computer.
    pub recordable: bool,
}

/// Weighs the harm of a person.
///
/// H in milli-points, with an interval that is wider than the point where harm days are estimated or
/// unknown, an offence date is unknown, or a criminal history is known only in total. Speaks of each
/// counted offence as a leaf whose share is its decayed harm days.
pub fn weigh(case: &Case<'_>, listener: &mut impl Listener) -> Scored {
    let tally = Tally::of(case, |_| true);
    let history = history::missing(case);
    let days = tally.days();
    let catalogue = &case.rules.catalogue;
    let score = |days| MilliPoints::from_points(catalogue.points(days));
    let point = score(days.point);
    // Most people have one figure: asked only where the ends differ, the logarithm is taken once.
    let top = days.high + history.as_ref().map_or(0.0, |history| history.days);
    let scored = Scored {
        point,
        low: if days.low < days.point { score(days.low) } else { point },
        high: if top > days.point { score(top) } else { point },
    };
    for term in tally.terms() {
        if term.days().point > 0.0 {
            listener.leaf(|| telling::leaf(case, term));
        }
    }
    telling::gaps(case, &tally, listener);
    if let Some(history) = history {
        listener.gap(|| history.gap());
    }
    scored
}

/// Decayed harm days of a person, D, by the best estimate.
pub fn days(case: &Case<'_>) -> f64 {
    Tally::of(case, |_| true).days().point
}

/// Whether an offence that scores has a recordable code whose harm days the tables do not tell. The standing
/// of such a person is provisional until the policy overrides the code: grave crimes hide among them.
pub fn unsettled(case: &Case<'_>) -> bool {
    scoring(case).any(|(_, offence)| is_unsettled(case, &offence))
}

fn is_unsettled(case: &Case<'_>, offence: &OffenceView<'_>) -> bool {
    let class = case.rules.catalogue.classify(offence.code);
    class.step == HarmStep::Unknown && class.recordable && case.rules.catalogue.proof(offence, class) > 0.0
}

/// Offences that may score, with their places in the dossier.
fn scoring<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (usize, OffenceView<'a>)> {
    case.dossier.offences().enumerate().filter(|(place, _)| case.scores[*place])
}

/// Whether a record tells of the person's own doing.
fn is_own(category: PersonCategory) -> bool {
    match category {
        PersonCategory::Suspect | PersonCategory::Convicted => true,
        PersonCategory::Victim | PersonCategory::Witness => false,
    }
}

/// Whether the victim is a repeat victim: the source says so, or the victim index found the same person in
/// offences on another date near enough.
pub(super) fn is_repeat(case: &Case<'_>, offence: &OffenceView<'_>) -> bool {
    let Some(victim) = offence.victim else { return false };
    victim.repeat || repeat_dates(case, offence).next().is_some()
}

/// Other dates, near enough, on which the victim of an offence was a victim too.
fn repeat_dates(case: &Case<'_>, offence: &OffenceView<'_>) -> impl Iterator<Item = crate::domain::Date> {
    let within = case.rules.policy.harm.repeat_within_days;
    let own = offence.date();
    let dates = case.dossier.repeat(offence.id).map_or(&[][..], |repeat| &repeat.dates);
    dates.iter().copied().filter(move |date| *date != own && (*date - own).abs() <= within)
}

/// The multiplier for the victim, from 1.
fn uplift(case: &Case<'_>, offence: &OffenceView<'_>) -> f64 {
    let harm = &case.rules.policy.harm;
    let part = |applies: bool, uplift: f64| if applies { uplift } else { 0.0 };
    let raised = 1.0
        + part(offence.victim.is_some_and(|victim| victim.vulnerable), harm.victim_vulnerable)
        + part(is_repeat(case, offence), harm.victim_repeat)
        + part(offence.domestic_abuse, harm.victim_domestic)
        + part(offence.hate, harm.victim_hate);
    raised.min(harm.victim_most)
}
