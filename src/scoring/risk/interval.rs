//! What risk may be while a birth date or a sex is unknown: the formulas are
//! worked for every answer that is possible, and the ends are kept.

use super::history::History;
use crate::domain::Date;
use crate::domain::dossier::PersonView;
use crate::domain::word::Sex;
use crate::policy::RiskPolicy;
use crate::scoring::Case;

/// The least and the greatest of some values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Range {
    /// Least.
    pub low: f64,
    /// Greatest.
    pub high: f64,
}

impl Range {
    /// A single value.
    pub const fn at(value: f64) -> Self {
        Self { low: value, high: value }
    }

    /// The range that holds both.
    pub fn with(self, other: Self) -> Self {
        Self { low: self.low.min(other.low), high: self.high.max(other.high) }
    }

    /// Halfway between the ends; the value itself where they are one.
    pub fn middle(self) -> f64 {
        f64::midpoint(self.low, self.high)
    }
}

/// Birth dates that the person may have, earliest first: the known one, or one for each whole age that is
/// assumed or apparent on the day the person record was made. Never empty. Ages that would put the first
/// sanction before criminal responsibility are left out, but the oldest is kept.
pub fn possible_births(case: &Case<'_>) -> Vec<Date> {
    let person = case.dossier.person();
    match person.and_then(|person| person.birth) {
        Some(birth) => vec![birth],
        None => assumed_births(person.as_ref(), case.as_of, History::of(case, 0).first, &case.rules.policy.risk),
    }
}

/// Birth dates assumed where none is known.
pub(super) fn assumed_births(
    person: Option<&PersonView<'_>>,
    as_of: Date,
    first_sanction: Option<Date>,
    policy: &RiskPolicy,
) -> Vec<Date> {
    let made = person.map_or(as_of, |person| person.made);
    let (youngest, oldest) = person.map_or(policy.assumed_ages, |person| person.apparent_age);
    let births = (youngest..=oldest.max(youngest)).rev().map(|age| made.plus_years(-i32::from(age)));
    let responsible = |birth: Date| {
        first_sanction.is_none_or(|first| birth.completed_years(first) >= i32::from(policy.least_sanction_age))
    };
    births.enumerate().filter(|(place, birth)| *place == 0 || responsible(*birth)).map(|(_, birth)| birth).collect()
}

/// Sexes that the person may have: both where unknown.
pub(super) fn possible_sexes(sex: Option<Sex>) -> &'static [Sex] {
    match sex {
        Some(Sex::Female) => &[Sex::Female],
        Some(Sex::Male) => &[Sex::Male],
        None => &[Sex::Female, Sex::Male],
    }
}
