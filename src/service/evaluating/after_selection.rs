//! What became of people who were selected for the managed cohort, beside
//! candidates who were alike and were not. Who is selected within three months of
//! an index date is compared; those months are left out for everybody, so that
//! all are looked at over the same days before and after.

use super::people::{Person, Scoring};
use super::terms::Terms;
use crate::domain::Date;
use crate::domain::dossier::Dossier;
use crate::domain::offence::OffenceCode;
use crate::evaluation::compare::before_after::{BeforeAfter, Change, Design, Period, Unit, Verdict, compare};
use crate::evaluation::compare::cost::CostTable;
use crate::pb;
use crate::ranking::Standings;
use crate::reference;
use crate::scoring::afterwards::{Stretch, days_in_custody, offences};

/// Days after an index date in which a selection counts as of it.
const SELECTING_DAYS: i32 = 90;
/// What people are matched on: threat, risk, harm; offences before and earlier; harm and days at liberty before.
const TRAITS: usize = 7;

/// Everybody who was selected or could have been, gathered index date by index date.
#[derive(Default)]
pub struct Units {
    units: Vec<Unit<TRAITS>>,
    unpriced: u32,
}

impl Units {
    /// Adds those of one index date, where the days after it are over.
    pub fn gather(&mut self, people: &[Person], day: Date, window: i32, scoring: &Scoring<'_>, costs: &CostTable) {
        let days = Days::of(day, window);
        if days.after.until > scoring.now.as_of() {
            return;
        }
        for person in people.iter().filter(|person| !person.managed) {
            let Some(dossier) = of_today(scoring.now, person) else { continue };
            let Some(selected) = selection(dossier, &days) else { continue };
            if !selected && !person.candidate {
                continue;
            }
            let mut period = |stretch| self.period(dossier, stretch, scoring, costs);
            let (earlier, before, after) = (period(days.earlier), period(days.before), period(days.after));
            let [threat, risk, harm] = person.components.map(f64::from);
            let traits = [
                threat,
                risk,
                harm,
                before.offences,
                earlier.offences,
                // Harm runs from a day to fifteen years of days: a murder more must not outweigh everything else.
                libm::log(1.0 + before.harm),
                f64::from(before.days_at_liberty),
            ];
            let unit = Unit { id: person.subject.0, selected, earlier: Some(earlier), before, after, traits };
            self.units.push(unit);
        }
    }

    fn period(&mut self, dossier: &Dossier, stretch: Stretch, scoring: &Scoring<'_>, costs: &CostTable) -> Period {
        let custody = days_in_custody(dossier, stretch);
        let mut period =
            Period { days_at_liberty: u32::try_from(stretch.days() - custody).unwrap_or(0), ..Period::default() };
        offences(dossier, scoring.rules, stretch, scoring.terms.least_proof, |done| {
            period.offences += 1.0;
            period.harm += done.harm_days;
            match home_office_code(done.offence.code).and_then(|code| costs.kind(code)) {
                Some(kind) => period.cost += f64::from(kind.pounds),
                None => self.unpriced += 1,
            }
        });
        period
    }

    /// What became of them.
    pub fn compared(&self, window: i32, costs: &CostTable, terms: &Terms) -> pb::BeforeAfter {
        let found = compare(&self.units, &Design { seed: terms.stated.seed, ..Design::default() });
        let BeforeAfter { matched, balance, offences, harm, cost, .. } = &found;
        let worst = |of: fn(&crate::evaluation::compare::before_after::Balance) -> f64| {
            balance.iter().map(|it| of(it).abs()).fold(0.0, f64::max)
        };
        let (verdict, reasons) = concluded(&offences.verdict);
        pb::BeforeAfter {
            selected: matched.selected,
            matched: matched.with_match,
            pool: matched.candidates,
            window_days: u32::try_from(window).unwrap_or(0),
            rates: [("offences", offences), ("harm_days", harm), ("cost_gbp", cost)]
                .into_iter()
                .map(|(measure, change)| rate(measure, change, matched.with_match))
                .collect(),
            imbalance_before: worst(|it| it.before_matching),
            imbalance_after: worst(|it| it.after_matching),
            verdict: verdict.into(),
            reasons,
            unpriced: self.unpriced,
            cost_source: costs.kinds().first().map(|kind| kind.source.clone()).unwrap_or_default(),
        }
    }
}

/// The days that are compared.
struct Days {
    day: Date,
    earlier: Stretch,
    before: Stretch,
    selecting: Stretch,
    after: Stretch,
}

impl Days {
    fn of(day: Date, window: i32) -> Self {
        Self {
            day,
            earlier: Stretch::after(day - 2 * window, window),
            before: Stretch::after(day - window, window),
            selecting: Stretch::after(day, SELECTING_DAYS),
            after: Stretch::after(day + SELECTING_DAYS, window),
        }
    }
}

/// What is known of somebody today, by the history that they stand by.
fn of_today<'a>(now: &'a Standings, person: &Person) -> Option<&'a Dossier> {
    let held = now.dossier(person.subject)?;
    let held = held.stands_by().and_then(|stands_by| now.dossier(stands_by)).unwrap_or(held);
    Some(&**held).filter(|held| !held.is_erased())
}

/// Whether somebody who was not managed on the day was selected soon after it. `None`: neither that nor left alone until the
/// last day looked at.
fn selection(dossier: &Dossier, days: &Days) -> Option<bool> {
    let mut managed = false;
    for (_, membership) in dossier.memberships() {
        if (days.selecting.from..=days.selecting.until).contains(&membership.selected) {
            return Some(true);
        }
        let until = membership.ended.unwrap_or(days.after.until);
        managed |= membership.selected <= days.after.until && until > days.day;
    }
    (!managed).then_some(false)
}

/// The Home Office code of an offence: its own, or that of its CJS code.
fn home_office_code(code: OffenceCode) -> Option<&'static str> {
    let tables = reference::tables();
    let ho = code.ho.or_else(|| code.cjs.map(|cjs| tables.cjs_offence(cjs).ho))?;
    Some(tables.ho_offence(ho).code)
}

fn rate(measure: &str, change: &Change, n: u32) -> pb::BeforeAfterRate {
    let rates = change.rates;
    let estimate = pb::Estimate {
        value: change.effect.map(|it| it.value),
        low: change.effect.map(|it| it.low),
        high: change.effect.map(|it| it.high),
        n,
    };
    let (verdict, _) = concluded(&change.verdict);
    pb::BeforeAfterRate {
        measure: measure.to_owned(),
        selected_before: rates.map_or(0.0, |rates| rates.selected_before),
        selected_after: rates.map_or(0.0, |rates| rates.selected_after),
        matched_before: rates.map_or(0.0, |rates| rates.matched_before),
        matched_after: rates.map_or(0.0, |rates| rates.matched_after),
        difference_in_differences: Some(pb::Difference { estimate: Some(estimate), verdict: verdict.into() }),
    }
}

fn concluded(verdict: &Verdict) -> (pb::Conclusion, Vec<String>) {
    match verdict {
        Verdict::Fell => (pb::Conclusion::Lower, Vec::new()),
        Verdict::Rose => (pb::Conclusion::Higher, Vec::new()),
        Verdict::Inconclusive(reasons) => {
            (pb::Conclusion::Inconclusive, reasons.iter().map(|reason| reason.code().to_owned()).collect())
        }
    }
}
