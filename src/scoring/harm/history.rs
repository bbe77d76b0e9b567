//! A criminal history known only in total: it adds nothing to the point, since
//! nobody knows for what, and raises the top of the interval.

use super::is_own;
use crate::domain::Date;
use crate::domain::dossier::{Filed, OffenceView};
use crate::domain::evidence::{Other, SanctionSummary};
use crate::domain::offence::Category;
use crate::scoring::{Case, Gap};

/// Sanction occasions of a summary for which no offence record is held.
pub(super) struct Missing<'a> {
    summary_id: &'a str,
    occasions: u32,
    /// Decayed harm days that they may have added.
    pub(super) days: f64,
}

/// What the latest summary counts beyond the sanction dates held up to its day. Each such occasion is one
/// offence of the current category's median days with proof 1, midway between the first sanction and the summary.
pub(super) fn missing<'a>(case: &'a Case<'_>) -> Option<Missing<'a>> {
    let (filed, summary) = latest(case)?;
    let mut held: Vec<Date> = sanctions(case).map(|(_, date)| date).filter(|date| *date <= summary.as_at).collect();
    held.sort_unstable();
    held.dedup();
    let held_occasions = u32::try_from(held.len()).unwrap_or(u32::MAX);
    let occasions = summary.occasions.checked_sub(held_occasions).filter(|occasions| *occasions > 0)?;

    let policy = &case.rules.policy.harm;
    let each = case.rules.catalogue.median_of_category(current_category(case));
    let half_life = if each >= policy.grave_from_days { policy.grave_half_life_days } else { policy.half_life_days };
    let first = [first_told(case, summary), held.first().copied()].into_iter().flatten().min();
    // Without any date the occasions are as recent as the summary: the top of an interval must hold.
    let first = first.unwrap_or(summary.as_at).min(summary.as_at);
    let midway = first + (summary.as_at - first) / 2;
    let decay = libm::exp2(-f64::from(case.clock.age(midway)) / half_life);
    Some(Missing { summary_id: &filed.id, occasions, days: f64::from(occasions) * each * decay })
}

impl Missing<'_> {
    /// What stands on the data-quality list.
    pub(super) fn gap(&self) -> Gap {
        let records =
            if self.occasions == 1 { "1 sanction occasion" } else { &format!("{} sanction occasions", self.occasions) };
        Gap {
            reason: "HARM_HISTORY_INCOMPLETE",
            description: format!(
                "The summary of previous sanctions counts {records} for which no offence is held; the offences \
                 behind them would settle how much harm they add."
            ),
            evidence: vec![self.summary_id.into()],
            widens: true,
        }
    }
}

/// The latest summary; of several as at one day, the one recorded last.
fn latest<'a>(case: &'a Case<'_>) -> Option<(&'a Filed, &'a SanctionSummary)> {
    case.dossier
        .others()
        .iter()
        .filter(|filed| is_own(filed.category))
        .filter_map(|filed| match &filed.kind {
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
        })
        .max_by_key(|(filed, summary)| (summary.as_at, filed.revision))
}

/// The date of the first sanction as the summary tells it, by date or by age.
fn first_told(case: &Case<'_>, summary: &SanctionSummary) -> Option<Date> {
    let by_age = || {
        let birth = case.dossier.person()?.birth?;
        Some(birth.plus_years(i32::from(summary.age_at_first?)))
    };
    summary.first.or_else(by_age)
}

/// The person's own offences that ended in a sanction, each with its date. One linked to exploitation stays an
/// occasion, whether or not it scores.
fn sanctions<'a>(case: &'a Case<'_>) -> impl Iterator<Item = (OffenceView<'a>, Date)> {
    case.dossier
        .offences()
        .filter(|offence| is_own(offence.category) && offence.outcome.is_sanction())
        .filter_map(|offence| offence.outcome_date.map(|date| (offence, date)))
}

/// The category of the offence with most harm days on the latest occasion that has one; of equals, the lowest
/// record id.
fn current_category(case: &Case<'_>) -> Option<Category> {
    let catalogue = &case.rules.catalogue;
    sanctions(case)
        .filter_map(|(offence, date)| {
            let class = catalogue.classify(offence.code);
            class.category.map(|category| (date, class.days, offence.id, category))
        })
        .max_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)).then(b.2.cmp(a.2)))
        .map(|(_, _, _, category)| category)
}
