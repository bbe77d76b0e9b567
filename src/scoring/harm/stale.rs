//! Suspect records that nobody has updated for long. A case may have ended
//! without the force's system hearing of it, so a record that matters to the
//! score widens the interval to its absence. Whether it matters is a question
//! of the composite, which asks here.

use smallvec::SmallVec;

use super::tally::{Once, Tally};
use super::{is_own, scoring};
use crate::domain::dossier::OffenceView;
use crate::domain::word::{Outcome, PersonCategory};
use crate::scoring::Case;

/// Stale suspect records that make at least `least` milli-points of the point of H, as places in
/// `dossier.offences()`, in order.
///
/// A record is stale when the person is its suspect, no outcome has ended it, and its source has not updated it
/// for `quality.stale_suspect_days` calendar days. The caller turns points of the composite into points of H:
/// `least = stale_suspect_milli / (a x weight of H)`. Records of one offence matter together.
pub fn stale(case: &Case<'_>, least: f64) -> SmallVec<[usize; 4]> {
    // Nearly everybody has none, and this is asked of everybody.
    if !scoring(case).any(|(_, offence)| is_stale(case, &offence)) {
        return SmallVec::new();
    }
    let tally = Tally::of(case, |_| true);
    let days = tally.days().point;
    let points = case.rules.catalogue.points(days);
    let mattering: SmallVec<[Once<'_>; 4]> = tally
        .terms()
        .iter()
        .filter(|term| days > 0.0 && 1000.0 * points * term.days().point / days >= least)
        .map(|term| term.once)
        .collect();
    scoring(case)
        .filter(|(_, offence)| is_stale(case, offence) && mattering.contains(&Once::of(offence)))
        .map(|(place, _)| place)
        .collect()
}

fn is_stale(case: &Case<'_>, offence: &OffenceView<'_>) -> bool {
    is_own(offence.category)
        && offence.category == PersonCategory::Suspect
        && is_undecided(offence.outcome)
        && case.as_of - offence.updated >= case.rules.policy.quality.stale_suspect_days
}

/// Whether a case with this outcome still waits for its end.
pub(in crate::scoring) fn is_undecided(outcome: Outcome) -> bool {
    match outcome {
        Outcome::Suspected
        | Outcome::Arrested
        | Outcome::Bailed
        | Outcome::ReleasedUnderInvestigation
        | Outcome::Charged
        | Outcome::Summonsed
        | Outcome::PostalRequisition => true,
        Outcome::Convicted
        | Outcome::Cautioned
        | Outcome::Reprimanded
        | Outcome::Warned
        | Outcome::CommunityResolution
        | Outcome::PenaltyNotice
        | Outcome::TakenIntoConsideration
        | Outcome::Acquitted
        | Outcome::Discontinued
        | Outcome::Withdrawn
        | Outcome::NoCrime
        | Outcome::Eliminated
        | Outcome::NoFurtherAction
        | Outcome::NotGuiltyInsanity
        | Outcome::EvidentialDifficulty => false,
    }
}
