//! What a reader is told about R: its leaves, and what is missing.

use super::assess::{Weighted, held, rule_of, scored_facts};
use super::fallback::contact_offences;
use super::history::own_offences;
use super::interval::Range;
use super::supplied::Supplied;
use super::two_year::Instrument;
use super::{Reading, Source};
use crate::domain::Date;
use crate::domain::dossier::PersonView;
use crate::domain::word::Component;
use crate::scoring::{Case, Factor, Gap, Leaf, Listener};

/// Tells the leaves and gaps of one reading.
pub(super) fn tell(case: &Case<'_>, reading: &Reading<'_>, listener: &mut impl Listener) {
    let assessed = &reading.assessed;
    if assessed.actuarial.high > 0.0 && assessed.actuarial.high >= reading.contacts.points {
        for (place, weighted) in assessed.instruments.iter().enumerate() {
            if let Some(weighted) = weighted {
                listener.leaf(|| instrument_leaf(case, reading, place, weighted));
            }
        }
    } else if reading.contacts.points > 0.0 {
        listener.leaf(|| contact_leaf(case, reading));
    }
    tell_gaps(case, reading, listener);
}

fn instrument_leaf(case: &Case<'_>, reading: &Reading<'_>, place: usize, weighted: &Weighted) -> Leaf {
    let instrument = Instrument::ALL[place];
    let rule = rule_of(&case.rules.policy.risk, instrument);
    let mut factors = vec![
        factor("probability", range(weighted.probability, 6), ""),
        factor("points", range(weighted.points, 3), "points"),
        factor("weight", rule.weight.to_string(), "%"),
    ];
    let (origin, evidence) = match (weighted.source, reading.supplied[place]) {
        (Source::Probation, Some(Supplied { id, made, .. })) => {
            (format!("Probation's {} of {made}", instrument.name()), vec![id.into()])
        }
        (Source::Probation | Source::Computed, _) => {
            factors.extend(history_factors(case, reading, instrument));
            (instrument.name().to_owned(), history_evidence(case, reading))
        }
    };
    let Range { low, high } = weighted.probability;
    let chance = if low < high {
        format!("between {:.1} % and {:.1} %", low * 100.0, high * 100.0)
    } else {
        format!("at {:.1} %", low * 100.0)
    };
    Leaf {
        component: Component::Risk,
        rule: instrument.name(),
        date: Some(reading.history.latest.unwrap_or(case.as_of)),
        evidence,
        share: f64::from(rule.weight) * weighted.points.middle(),
        description: format!("{origin} puts the chance of {} within two years {chance}.", instrument.predicts()),
        factors,
    }
}

/// What the formula was fed, as the score adjusts it. Ages only where the birth date and sex are known.
fn history_factors(case: &Case<'_>, reading: &Reading<'_>, instrument: Instrument) -> Vec<Factor> {
    let policy = &case.rules.policy.risk;
    let history = &reading.history;
    let person = case.dossier.person();
    let known = person.and_then(|person| person.birth).zip(person.and_then(|person| person.sex));
    let facts = known.and_then(|(birth, sex)| scored_facts(history, birth, sex, policy));
    let facts = facts.map(|facts| held(facts, instrument, policy));
    let occasions = facts.map_or(history.occasions, |facts| facts.occasions);
    let mut factors = vec![factor("sanction_occasions", occasions.to_string(), "")];
    match instrument {
        Instrument::Arp => {}
        Instrument::Svrp | Instrument::Vrp => {
            factors.push(factor("violent_sanction_occasions", history.violent.to_string(), ""));
        }
    }
    if let Some(facts) = facts {
        factors.push(factor("age", facts.age.to_string(), "years"));
        factors.push(factor("years_between_sanctions", facts.years_between.to_string(), "years"));
    }
    if let Some(current) = history.current {
        factors.push(factor("offence_category", current.category.name().to_owned(), ""));
        factors.push(factor("current_offence", current.id.to_owned(), ""));
    }
    if let Some(start) = history.start {
        factors.push(factor("follow_up_start", start.to_string(), ""));
        factors.push(factor("offence_free_months", history.months.to_string(), "months"));
    }
    factors
}

/// Sanctions by date and id, then the totals, what moved the start, and the person.
fn history_evidence(case: &Case<'_>, reading: &Reading<'_>) -> Vec<Box<str>> {
    let history = &reading.history;
    let sanctions = own_offences(case, 0).filter(|offence| offence.outcome.is_sanction()).map(|offence| offence.id);
    let rest =
        [history.summary.map(|filed| &*filed.id), history.started_by, case.dossier.person().map(|person| person.id)];
    sanctions.chain(rest.into_iter().flatten()).map(Box::from).collect()
}

fn contact_leaf(case: &Case<'_>, reading: &Reading<'_>) -> Leaf {
    let policy = &case.rules.policy.risk;
    let contacts = &reading.contacts;
    let age = contacts.last.map_or(0, |last| case.clock.age(last));
    let (dates, window) = (contacts.dates, policy.contact_window_days);
    Leaf {
        component: Component::Risk,
        rule: "RECENT_CONTACT",
        date: contacts.last,
        evidence: contact_offences(case, 0).map(|(offence, _)| offence.id.into()).collect(),
        share: contacts.points,
        description: format!(
            "Offences are alleged or proved on {dates} {} of the last {window} days on the clock, the last {age} days \
             ago.",
            if dates == 1 { "date" } else { "dates" },
        ),
        factors: vec![
            factor("alleged_dates", dates.to_string(), ""),
            factor("points", format!("{:.3}", contacts.points), "points"),
            factor("age", age.to_string(), "days"),
            factor("half_life", policy.contact_half_life_days.to_string(), "days"),
        ],
    }
}

fn tell_gaps(case: &Case<'_>, reading: &Reading<'_>, listener: &mut impl Listener) {
    let history = &reading.history;
    let person = case.dossier.person();
    let birth = person.and_then(|person| person.birth);
    let person_id = || person.map(|person: PersonView<'_>| Box::from(person.id)).into_iter().collect::<Vec<_>>();
    let missing = reading.assessed.missing > 0.0;
    let uncertain = reading.assessed.risk.low < reading.assessed.risk.high;

    if birth.is_none() {
        listener.gap(|| Gap {
            reason: "BIRTH_DATE_UNKNOWN",
            description: "The birth date is not known, so risk was worked for every age that is possible. A Person \
                          record with the birth date, or with an apparent age, would settle it."
                .to_owned(),
            evidence: person_id(),
            widens: uncertain,
        });
    }
    if person.and_then(|person| person.sex).is_none() {
        listener.gap(|| Gap {
            reason: "SEX_UNKNOWN",
            description: "The sex is not known, so risk was worked for both. A Person record that states it would \
                          settle it."
                .to_owned(),
            evidence: person_id(),
            widens: uncertain,
        });
    }
    if history.occasions == 0 {
        listener.gap(|| Gap {
            reason: "NO_SANCTION_HISTORY",
            description: "No conviction, caution, reprimand or warning is on record, so no predictor can be computed. \
                          The outcome of a case, a SanctionSummary, or a predictor from probation would settle it."
                .to_owned(),
            evidence: Vec::new(),
            widens: missing,
        });
    } else if history.current.is_none() {
        listener.gap(|| Gap {
            reason: "SANCTION_CATEGORY_UNKNOWN",
            description:
                "No sanctioned offence has an actuarial category, so no predictor can be computed. An Offence \
                          record of a sanction with a Home Office code that has one would settle it."
                    .to_owned(),
            evidence: sanction_ids(case, reading),
            widens: missing,
        });
    } else if history.current_is_earlier() {
        listener.gap(|| Gap {
            reason: "SANCTION_CATEGORY_FROM_EARLIER_OCCASION",
            description: "No offence of the latest sanction has an actuarial category; the latest one before that has \
                          was used. A Home Office code for the latest sanction's offence would settle it."
                .to_owned(),
            evidence: sanction_ids(case, reading),
            widens: false,
        });
    }
    if history.first_is_doubtful {
        listener.gap(|| Gap {
            reason: "FIRST_SANCTION_UNKNOWN",
            description: "The totals count more sanctions than are dated, and do not say when the first was. The date \
                          of the first sanction, or the age at it, in the SanctionSummary would settle it."
                .to_owned(),
            evidence: history.summary.map(|filed| filed.id.clone()).into_iter().collect(),
            widens: false,
        });
    }
    let least_age = i32::from(case.rules.policy.risk.least_sanction_age);
    let too_young = |birth: Date| history.first.is_some_and(|first| birth.completed_years(first) < least_age);
    if birth.is_some_and(too_young) {
        listener.gap(|| Gap {
            reason: "BIRTH_DATE_CONTRADICTED",
            description: format!(
                "The birth date puts the first sanction before the age of {least_age}. A corrected birth date or \
                 sanction date would settle it."
            ),
            evidence: person_id().into_iter().chain(sanction_ids(case, reading)).collect(),
            widens: false,
        });
    }
}

fn sanction_ids(case: &Case<'_>, reading: &Reading<'_>) -> Vec<Box<str>> {
    let sanctions = own_offences(case, 0).filter(|offence| offence.outcome.is_sanction()).map(|offence| offence.id);
    sanctions.chain(reading.history.summary.map(|filed| &*filed.id)).map(Box::from).collect()
}

fn factor(name: &'static str, value: String, unit: &'static str) -> Factor {
    Factor { name, value, unit }
}

/// A value in plain decimal, or `low to high`.
fn range(range: Range, decimals: usize) -> String {
    let Range { low, high } = range;
    if low < high { format!("{low:.decimals$} to {high:.decimals$}") } else { format!("{low:.decimals$}") }
}
