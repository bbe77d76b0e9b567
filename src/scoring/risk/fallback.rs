//! The contact fallback: how often, and how lately, this person is said to have
//! offended. It serves those whom the predictors cannot see, and no score of
//! risk is below it.

use smallvec::SmallVec;

use crate::domain::Date;
use crate::domain::dossier::OffenceView;
use crate::policy::RiskPolicy;
use crate::scoring::Case;
use crate::scoring::clock::Clock;

/// Recent contacts of one person.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Contacts {
    /// Distinct alleged offence dates in the window.
    pub dates: u32,
    /// The last of them.
    pub last: Option<Date>,
    /// Points of risk, 0 to 100.
    pub points: f64,
    /// One of the dates is only that of the report.
    pub undated: bool,
}

/// The offences that count as contacts: they may score, their case has not ended in the person's favour, and
/// they lie in the window. Each with its date, those of unknown date taken `earlier` days before their report.
pub fn contact_offences<'a>(case: &Case<'a>, earlier: i32) -> impl Iterator<Item = (OffenceView<'a>, Date)> {
    let policy = &case.rules.policy;
    let window = policy.risk.contact_window_days;
    // No day before this one can lie in the window, however much of it was off the clock.
    let horizon = i64::from(window) + i64::from(case.clock.days_off_since(Date::from_days(i32::MIN)));
    let (clock, as_of) = (&case.clock, case.as_of);
    case.dossier.offences().enumerate().filter_map(move |(place, offence)| {
        let alleged = offence.committed.unwrap_or(offence.reported - earlier).min(as_of);
        let counts = case.alleged[place] && i64::from(as_of - alleged) <= horizon && clock.age(alleged) <= window;
        counts.then_some((offence, alleged))
    })
}

impl Contacts {
    /// The contacts of a person.
    pub fn of(case: &Case<'_>, earlier: i32) -> Self {
        let mut undated = false;
        let dates = contact_offences(case, earlier).map(|(offence, alleged)| {
            undated |= offence.committed.is_none();
            alleged
        });
        let mut contacts = Self::count(dates, &case.clock, &case.rules.policy.risk);
        contacts.undated = undated;
        contacts
    }

    /// Counts alleged offence dates, all of them in the window, in any order.
    pub fn count(dates: impl Iterator<Item = Date>, clock: &Clock, policy: &RiskPolicy) -> Self {
        let mut dates: SmallVec<[Date; 16]> = dates.collect();
        dates.sort_unstable();
        dates.dedup();
        let Some(&last) = dates.last() else { return Self::default() };
        let count = u32::try_from(dates.len()).unwrap_or(u32::MAX);
        let reached = policy.contact_points.iter().rev().find(|(least, _)| *least <= count);
        let fading = libm::exp2(-f64::from(clock.age(last)) / policy.contact_half_life_days);
        let points = reached.map_or(0.0, |(_, points)| points * fading);
        Self { dates: count, last: Some(last), points, undated: false }
    }
}
