//! An officer's override of a band. Raising is free. Lowering below a floor
//! stands only with a second officer and for the days that policy allows;
//! where a floor came after the decision, the floor stands and the decision
//! has no effect until the floor is gone.
//!
//! This judges what is in effect on the day. Whether a decision may be written
//! at all is judged when it is.

use crate::domain::evidence::{BandOverride, Other};
use crate::domain::word::{Band, Family, OverrideScope};
use crate::scoring::Case;

/// The override in effect in a family, with its record id: of those that have not lapsed the one decided
/// latest, and of one day the lowest id. `floored` is the band without it and `floor` the highest floor.
pub(in crate::scoring) fn in_effect<'a>(
    case: &Case<'a>,
    family: Family,
    floored: Band,
    floor: Option<Band>,
) -> Option<(&'a str, &'a BandOverride)> {
    let mut latest: Option<(&'a str, &'a BandOverride)> = None;
    // Not only the person's own records: an override is a decision about the person, whatever they were.
    for filed in case.dossier.others() {
        if let Other::BandOverride(decision) = &filed.kind {
            let stands = reaches(decision.scope, family) && case.stands(Some(decision.expires));
            if stands && latest.is_none_or(|(_, held)| decision.decided > held.decided) {
                latest = Some((&filed.id, decision));
            }
        }
    }
    latest.filter(|(_, decision)| {
        let raises = decision.band >= floored;
        let above_floor = floor.is_none_or(|floor| decision.band >= floor);
        raises || above_floor || may_lower_below_floor(case, decision)
    })
}

fn may_lower_below_floor(case: &Case<'_>, decision: &BandOverride) -> bool {
    let lasting = case.as_of - case.day(decision.decided);
    decision.second_officer.is_some() && lasting <= case.rules.policy.overrides.below_floor_days
}

const fn reaches(scope: OverrideScope, family: Family) -> bool {
    match (scope, family) {
        (OverrideScope::Both, Family::Cohort | Family::Outstanding)
        | (OverrideScope::Cohort, Family::Cohort)
        | (OverrideScope::Outstanding, Family::Outstanding) => true,
        (OverrideScope::Cohort, Family::Outstanding) | (OverrideScope::Outstanding, Family::Cohort) => false,
    }
}
