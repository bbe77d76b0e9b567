//! The predictors of a person as published, for those who read them beside the score.

use super::history::History;
use super::supplied::{Supplied, supplied};
use super::two_year::{Instrument, band};
use super::{Reported, Source, ogrs3};
use crate::domain::Date;
use crate::domain::word::Sex;
use crate::scoring::Case;

/// The predictors of a person as published: ARP, VRP, SVRP and OGRS3, in that order. Nothing that the score
/// adjusts is adjusted here. One supplied by probation and in force stands in place of ours.
pub fn report(case: &Case<'_>) -> Vec<Reported> {
    let history = History::of(case, 0);
    let supplied = supplied(case.dossier.others(), &history, case.as_of);
    let person = case.dossier.person();
    let known = person.and_then(|person| person.birth).zip(person.and_then(|person| person.sex));
    let least_age = case.rules.policy.risk.least_sanction_age;
    let missing = || missing(&history, person.and_then(|person| person.birth), person.and_then(|person| person.sex));

    let two_year = [Instrument::Arp, Instrument::Vrp, Instrument::Svrp].map(|instrument| {
        let place = Instrument::ALL.iter().position(|other| *other == instrument);
        if let Some(supplied) = place.and_then(|place| supplied[place]) {
            return from_probation(instrument, &supplied);
        }
        let facts = known.and_then(|(birth, sex)| history.facts(birth, sex, least_age));
        let parts = facts.and_then(|facts| instrument.assess(&facts));
        let value = parts.map(|parts| parts.probability());
        Reported {
            instrument: instrument.name(),
            value: value.map(|probability| (probability, Source::Computed)).ok_or_else(missing),
            band: value.map(|probability| band(probability, instrument.published_bands())),
            scored: true,
            evidence: None,
        }
    });
    let mut reported = Vec::from(two_year);
    reported.push(ogrs3(&history, known, missing));
    reported
}

/// The probabilities of [`report`] alone: of ARP, VRP, SVRP and OGRS3, where there are any.
pub fn probabilities(case: &Case<'_>) -> [Option<f64>; 4] {
    let history = History::of(case, 0);
    let supplied = supplied(case.dossier.others(), &history, case.as_of);
    let person = case.dossier.person();
    let known = person.and_then(|person| person.birth).zip(person.and_then(|person| person.sex));
    let least_age = case.rules.policy.risk.least_sanction_age;
    let facts = known.and_then(|(birth, sex)| history.facts(birth, sex, least_age));
    let [arp, vrp, svrp] = [Instrument::Arp, Instrument::Vrp, Instrument::Svrp].map(|instrument| {
        let place = Instrument::ALL.iter().position(|other| *other == instrument)?;
        let from_probation = supplied[place].as_ref().map(|supplied| supplied.probability);
        from_probation.or_else(|| Some(instrument.assess(&facts?)?.probability()))
    });
    [arp, vrp, svrp, two_year_ogrs3(&history, known)]
}

fn from_probation(instrument: Instrument, supplied: &Supplied<'_>) -> Reported {
    Reported {
        instrument: instrument.name(),
        value: Ok((supplied.probability, Source::Probation)),
        band: Some(band(supplied.probability, instrument.published_bands())),
        scored: true,
        evidence: Some(supplied.id.into()),
    }
}

fn ogrs3(history: &History<'_>, known: Option<(Date, Sex)>, missing: impl FnOnce() -> String) -> Reported {
    let value = two_year_ogrs3(history, known).ok_or_else(|| {
        if known.is_some() && history.current.is_some() && history.start.is_some() {
            "The code of the current offence is in none of the OGRS3 offence groups.".to_owned()
        } else {
            missing()
        }
    });
    let band = value.as_ref().ok().map(|probability| band(*probability, ogrs3::PUBLISHED_BANDS));
    let value = value.map(|probability| (probability, Source::Computed));
    Reported { instrument: "OGRS3", value, band, scored: false, evidence: None }
}

/// OGRS3 takes the person to be at risk from the start of follow-up, as the newer instruments do.
fn two_year_ogrs3(history: &History<'_>, known: Option<(Date, Sex)>) -> Option<f64> {
    let ((birth, sex), current, start) = (known?, history.current?, history.start?);
    let facts = ogrs3::Facts {
        sex,
        group: ogrs3::Group::of(current.code)?,
        previous: history.occasions.saturating_sub(1),
        years_between: history.years_between(birth),
        age_at_risk: birth.completed_years(start).max(ogrs3::LEAST_AGE),
    };
    ogrs3::assess(&facts).map(|answer| answer.two_year)
}

/// What is missing, all of it.
fn missing(history: &History<'_>, birth: Option<Date>, sex: Option<Sex>) -> String {
    let lacks = [
        (history.occasions == 0, "a conviction, caution, reprimand or warning"),
        (history.occasions > 0 && history.current.is_none(), "a sanctioned offence with an actuarial category"),
        (birth.is_none(), "a birth date"),
        (sex.is_none(), "the person's sex"),
    ];
    let lacks: Vec<_> = lacks.into_iter().filter_map(|(lacks, what)| lacks.then_some(what)).collect();
    format!("The record lacks {}.", lacks.join(", and "))
}
