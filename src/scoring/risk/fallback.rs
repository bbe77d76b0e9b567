//! The contact fallback: how often, and how lately, this person is said to have
//! offended. It serves those whom the predictors cannot see, and no score of
//! risk is below it.

use smallvec::SmallVec;

use super::interval::Range;
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
        let count = u32::try_from(dates.len()).unwrap_or(u32::MAX);
        let last = dates.last().copied();
        let points = last.map_or(0.0, |last| points(count, last, clock, policy));
        Self { dates: count, last, points, undated: false }
    }

    /// Least and most points, where dates are only those of reports: such an offence may be of any of the days
    /// before its report, of one already counted or of one more.
    pub fn ends(case: &Case<'_>) -> Range {
        let (clock, policy) = (&case.clock, &case.rules.policy.risk);
        let (mut dates, mut undated): (SmallVec<[Date; 16]>, SmallVec<[Date; 4]>) = Default::default();
        for (offence, date) in contact_offences(case, 0) {
            if offence.committed.is_some() { dates.push(date) } else { undated.push(date) }
        }
        let known = Self::count(dates.into_iter(), clock, policy);
        let longest = case.rules.policy.quality.unknown_date_days;
        let oldest =
            undated.iter().map(|date| *date - longest).filter(|date| clock.age(*date) <= policy.contact_window_days);
        let alone = oldest.max().map_or(0.0, |date| points(1, date, clock, policy));
        let most = undated.iter().copied().chain(known.last).max().map_or(0.0, |last| {
            let more = u32::try_from(undated.len()).unwrap_or(u32::MAX);
            points(known.dates.saturating_add(more), last, clock, policy)
        });
        Range { low: known.points.max(alone), high: most }
    }
}

/// Points of so many dates, the last of them on a day.
fn points(count: u32, last: Date, clock: &Clock, policy: &RiskPolicy) -> f64 {
    let reached = policy.contact_points.iter().rev().find(|(least, _)| *least <= count);
    let fading = libm::exp2(-f64::from(clock.age(last)) / policy.contact_half_life_days);
    reached.map_or(0.0, |(_, points)| points * fading)
}
