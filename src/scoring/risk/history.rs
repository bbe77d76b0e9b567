//! A person's sanctions as the predictors count them: how many occasions, the
//! first, the current offence, and when follow-up starts.
//!
//! Only the person's own records count, and alleged offences only in so far as
//! a charge moves the start. A sanction for an offence linked to exploitation
//! stays an occasion: that it was imposed is a fact. Nothing here knows a
//! coefficient or a policy.

use std::cmp::Reverse;

use smallvec::SmallVec;

use crate::domain::Date;
use crate::domain::dossier::Filed;
use crate::domain::evidence::{Other, SanctionSummary};
use crate::domain::offence::{Category, OffenceCode};
use crate::domain::word::{CustodyKind, Outcome, PersonCategory, Sex};
use crate::scoring::Case;
use crate::scoring::clock::Clock;

use super::two_year::Facts;

/// An offence of the person's own, reduced to what a history asks of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Own<'a> {
    /// Record id.
    pub id: &'a str,
    /// Code.
    pub code: OffenceCode,
    /// The day it is alleged to have happened.
    pub alleged: Date,
    /// Whether that day is known, and not merely reported.
    pub dated: bool,
    /// How far the case has gone.
    pub outcome: Outcome,
    /// Date of that outcome.
    pub outcome_date: Option<Date>,
    /// Harm days of the code.
    pub days: f64,
    /// Actuarial category of the code, other than UNKNOWN.
    pub category: Option<Category>,
    /// Counts towards violent sanctions.
    pub violent: bool,
}

/// Whether a record is about the person as an offender.
pub const fn is_own(category: PersonCategory) -> bool {
    match category {
        PersonCategory::Suspect | PersonCategory::Convicted => true,
        PersonCategory::Victim | PersonCategory::Witness => false,
    }
}

/// The person's own offences, those of unknown date taken `earlier` days before their report.
pub fn own_offences<'a>(case: &Case<'a>, earlier: i32) -> impl Iterator<Item = Own<'a>> {
    let catalogue = &case.rules.catalogue;
    case.dossier.offences().filter(|offence| is_own(offence.category)).filter_map(move |offence| {
        let class = catalogue.classify(offence.code);
        class.offence.then(|| Own {
            id: offence.id,
            code: offence.code,
            alleged: offence.committed.unwrap_or(offence.reported - earlier),
            dated: offence.committed.is_some(),
            outcome: offence.outcome,
            outcome_date: offence.outcome_date,
            days: class.days,
            category: class.category.filter(|category| *category != Category::Unknown),
            violent: class.violent_sanction,
        })
    })
}

/// The offence that gives the predictors their category.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Current<'a> {
    /// Record id.
    pub id: &'a str,
    /// Code.
    pub code: OffenceCode,
    /// Its actuarial category.
    pub category: Category,
    /// The occasion on which it was sanctioned.
    pub sanctioned: Date,
    days: f64,
}

/// What a person's sanctions come to on one day.
#[derive(Clone, Debug, PartialEq)]
pub struct History<'a> {
    /// Sanction occasions.
    pub occasions: u32,
    /// Of these with a violent offence; at most `occasions`.
    pub violent: u32,
    /// Date of the first, where known.
    pub first: Option<Date>,
    /// Age at the first in completed years, where a summary gives it instead of a date.
    pub age_at_first: Option<u8>,
    /// Date of the latest that is dated.
    pub latest: Option<Date>,
    /// The current offence. It may come from an occasion before the latest: see [`Self::current_is_earlier`].
    pub current: Option<Current<'a>>,
    /// The day from which the person is followed up. There where `latest` is.
    pub start: Option<Date>,
    /// The record of a sentence or charge that moved the start beyond the latest sanction.
    pub started_by: Option<&'a str>,
    /// `as_of` moved back by the days off the clock since the start.
    pub moved_back: Date,
    /// Whole months from the start to `moved_back`.
    pub months: i32,
    /// The totals used, if any.
    pub summary: Option<&'a Filed>,
    /// More occasions are counted than are dated, and the first may not be among those dated.
    pub first_is_doubtful: bool,
    /// The date of a charge that could move the start is only that of its report.
    pub undated_charge: bool,
}

/// A date on which the person was sanctioned.
#[derive(Clone, Copy)]
struct Occasion {
    on: Date,
    violent: bool,
}

impl<'a> History<'a> {
    /// The history of a person, offences of unknown date taken `earlier` days before their report.
    pub fn of(case: &Case<'a>, earlier: i32) -> Self {
        Self::gather(own_offences(case, earlier), case.dossier.others(), &case.clock)
    }

    /// Gathers a history from the person's own offences and other records.
    pub fn gather(own: impl Iterator<Item = Own<'a>>, others: &'a [Filed], clock: &Clock) -> Self {
        let as_of = clock.as_of();
        let mut occasions: SmallVec<[Occasion; 16]> = SmallVec::new();
        let mut on_latest: SmallVec<[&str; 8]> = SmallVec::new();
        let mut latest = None;
        let mut current: Option<Current<'a>> = None;
        let mut charge: Option<(Date, &'a str)> = None;
        let mut undated_charge = false;
        for offence in own {
            // A fact recorded but dated later counts as dated as_of.
            if offence.outcome.is_sanction() {
                let on = offence.outcome_date.unwrap_or(offence.alleged).min(as_of);
                note(&mut occasions, Occasion { on, violent: offence.violent });
                if latest < Some(on) {
                    latest = Some(on);
                    on_latest.clear();
                }
                if latest == Some(on) {
                    on_latest.push(offence.id);
                }
                if let Some(candidate) = Current::of(&offence, on)
                    && current.is_none_or(|held| held.yields_to(&candidate))
                {
                    current = Some(candidate);
                }
            } else if is_charge(offence.outcome) {
                charge = charge.max(Some((offence.alleged.min(as_of), offence.id)));
                undated_charge |= !offence.dated;
            }
        }

        let summary = latest_summary(others);
        let totals = Totals::of(&occasions, summary.map(|(_, summary)| summary), as_of);
        let moved = latest.and_then(|latest| {
            let released = release(others, latest, &on_latest, as_of);
            released.max(charge).filter(|(day, _)| *day > latest)
        });
        let start = moved.map(|(day, _)| day).or(latest);
        let moved_back = start.map_or(as_of, |start| clock.moved_back(start));
        Self {
            occasions: totals.occasions,
            violent: totals.violent,
            first: totals.first,
            age_at_first: totals.age_at_first,
            latest,
            current,
            start,
            started_by: moved.map(|(_, id)| id),
            moved_back,
            months: start.map_or(0, |start| start.completed_months(moved_back).max(0)),
            summary: summary.map(|(filed, _)| filed),
            first_is_doubtful: totals.first_is_doubtful,
            undated_charge,
        }
    }

    /// The latest occasion has no offence with a category, and an earlier one supplies it.
    pub fn current_is_earlier(&self) -> bool {
        self.current.is_some_and(|current| Some(current.sanctioned) < self.latest)
    }

    /// Age at the current sanction less that at the first, in completed years, for one birth date.
    pub fn years_between(&self, birth: Date) -> i32 {
        let stated = self.age_at_first.map(i32::from);
        let dated = self.first.map(|first| birth.completed_years(first));
        match (self.latest, stated.into_iter().chain(dated).min()) {
            (Some(latest), Some(at_first)) => (birth.completed_years(latest) - at_first).max(0),
            (None, _) | (_, None) => 0,
        }
    }

    /// What the predictors ask, as published, for one birth date and sex; `None` without a sanction that has a
    /// category. An age below `least_age`, which only a wrong birth date gives, counts as `least_age`.
    pub fn facts(&self, birth: Date, sex: Sex, least_age: u8) -> Option<Facts> {
        let (current, start) = (self.current?, self.start?);
        Some(Facts {
            sex,
            age: birth.completed_years(start).max(i32::from(least_age)),
            category: current.category,
            occasions: self.occasions,
            violent: self.violent,
            years_between: self.years_between(birth),
            months: self.months,
        })
    }
}

impl<'a> Current<'a> {
    fn of(offence: &Own<'a>, sanctioned: Date) -> Option<Self> {
        let category = offence.category?;
        Some(Self { id: offence.id, code: offence.code, category, sanctioned, days: offence.days })
    }

    /// Whether the other is on a later occasion, or has more harm days, or the lower record id.
    fn yields_to(&self, other: &Self) -> bool {
        let by_days = self.days.total_cmp(&other.days);
        let by_id = Reverse(self.id).cmp(&Reverse(other.id));
        self.sanctioned.cmp(&other.sanctioned).then(by_days).then(by_id).is_lt()
    }
}

/// A case before the court, not decided.
const fn is_charge(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Charged | Outcome::Summonsed | Outcome::PostalRequisition)
}

/// Keeps occasions in order of date, one a date. They nearly always come in that order.
fn note(occasions: &mut SmallVec<[Occasion; 16]>, occasion: Occasion) {
    let place = occasions.iter().rposition(|held| held.on <= occasion.on);
    match place {
        Some(place) if occasions[place].on == occasion.on => occasions[place].violent |= occasion.violent,
        Some(place) => occasions.insert(place + 1, occasion),
        None => occasions.insert(0, occasion),
    }
}

/// The latest totals about the person's own history; of two as at one day, the one written last.
fn latest_summary(others: &[Filed]) -> Option<(&Filed, &SanctionSummary)> {
    let summaries = others.iter().filter(|filed| is_own(filed.category)).filter_map(|filed| match &filed.kind {
        Other::SanctionSummary(summary) => Some((filed, summary)),
        Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Exploitation(_)
        | Other::Outstanding(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    });
    summaries.max_by_key(|(filed, summary)| (summary.as_at, filed.revision))
}

struct Totals {
    occasions: u32,
    violent: u32,
    first: Option<Date>,
    age_at_first: Option<u8>,
    first_is_doubtful: bool,
}

impl Totals {
    /// Dated occasions together with the totals of a summary.
    fn of(dated: &[Occasion], summary: Option<&SanctionSummary>, as_of: Date) -> Self {
        let first = dated.first().map(|occasion| occasion.on);
        let count = |occasions: &[Occasion]| u32::try_from(occasions.len()).unwrap_or(u32::MAX);
        let violent = |occasions: &[Occasion]| {
            u32::try_from(occasions.iter().filter(|occasion| occasion.violent).count()).unwrap_or(u32::MAX)
        };
        let Some(summary) = summary.filter(|summary| summary.occasions > 0) else {
            return Self {
                occasions: count(dated),
                violent: violent(dated),
                first,
                age_at_first: None,
                first_is_doubtful: false,
            };
        };
        let as_at = summary.as_at.min(as_of);
        let (before, after) = dated.split_at(dated.partition_point(|occasion| occasion.on <= as_at));
        let occasions = summary.occasions.max(count(before)).saturating_add(count(after));
        let stated = summary.first.map(|first| first.min(as_of));
        let age_at_first = if stated.is_none() { summary.age_at_first } else { None };
        Self {
            occasions,
            violent: summary.violent_occasions.max(violent(before)).saturating_add(violent(after)).min(occasions),
            first: [first, stated].into_iter().flatten().min(),
            age_at_first,
            first_is_doubtful: summary.occasions > count(before) && stated.is_none() && age_at_first.is_none(),
        }
    }
}

/// The day of release from the sentence for the latest occasion, and its record; `as_of` while it is served.
///
/// The sentence for it is a custody under sentence that names an offence of that occasion, or that names none
/// and started on or after it. Of several (a recall returns the person to the same sentence) the last counts.
fn release<'a>(others: &'a [Filed], latest: Date, on_latest: &[&str], as_of: Date) -> Option<(Date, &'a str)> {
    let releases = others.iter().filter_map(|filed| match &filed.kind {
        Other::Custody(custody) if custody.kind == CustodyKind::Sentence && is_own(filed.category) => {
            let named = custody.offence_ids.iter().any(|id| on_latest.contains(&&**id));
            let unnamed = custody.offence_ids.is_empty() && custody.start >= latest;
            (named || unnamed).then(|| (custody.ended.map_or(as_of, |ended| ended.min(as_of)), &*filed.id))
        }
        Other::Custody(_)
        | Other::SanctionSummary(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Exploitation(_)
        | Other::Outstanding(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    });
    releases.max()
}
