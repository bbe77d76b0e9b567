//! The victim index: who, across the force, is a repeat victim. The link enters
//! a person's score as dates alone; another suspect's file is never shown.

use std::collections::BTreeSet;

use hashbrown::HashMap;

use crate::domain::Date;
use crate::domain::dossier::{Dossier, OffenceView, Repeat};
use crate::domain::word::PersonCategory;
use crate::policy::HarmPolicy;
use crate::scoring::Rules;
use crate::scoring::harm::Catalogue;

/// Victims that are kept in mind while people are linked: bounds what linking takes, where everybody is.
const VICTIMS_IN_MIND: usize = 65_536;

/// When each of some victims was harmed: read once for all whose victim it is.
pub type InMind = HashMap<Box<str>, Vec<Harmed>>;

/// References of this person's victims that may link: natural persons whose reference is known. May repeat.
pub fn references(dossier: &Dossier) -> impl Iterator<Item = &str> {
    dossier.offences().filter_map(|offence| link(&offence))
}

/// References of this person's victims that may link, each once.
pub fn distinct(dossier: &Dossier) -> BTreeSet<&str> {
    references(dossier).collect()
}

/// The reference of the victim in one record of this person, where it may link.
pub fn reference<'a>(dossier: &'a Dossier, record_id: &str) -> Option<&'a str> {
    dossier.offences().find(|offence| offence.id == record_id).and_then(|offence| link(&offence))
}

/// The reference by which an offence links to others.
fn link<'a>(offence: &OffenceView<'a>) -> Option<&'a str> {
    let own = matches!(offence.category, PersonCategory::Suspect | PersonCategory::Convicted);
    offence.victim.filter(|victim| own && victim.natural_person)?.reference
}

/// One time that a victim was harmed, by whomever.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Harmed {
    date: Date,
    incident: Option<Box<str>>,
}

/// Every time that a victim was harmed, as far as proof goes, by any of these people; in order of date. Read once for all
/// whose victim it is: a victim of hundreds must not be looked up hundreds of times in hundreds of dossiers.
pub fn harmed<'a>(reference: &str, catalogue: &Catalogue, people: impl Iterator<Item = &'a Dossier>) -> Vec<Harmed> {
    let mut times = Vec::new();
    for person in people {
        for offence in person.offences() {
            if link(&offence) == Some(reference) && proved(&offence, catalogue) {
                times.push(Harmed { date: offence.date(), incident: offence.incident.map(Box::from) });
            }
        }
    }
    times.sort_by(|a, b| (a.date, &a.incident).cmp(&(b.date, &b.incident)));
    times.dedup();
    times
}

/// For each offence whose victim was a victim in another incident too, on another date at most
/// `repeat_within_days` away: the dates. `harmed` tells when a victim was harmed, in order of date.
pub fn repeats<'h>(
    dossier: &Dossier,
    policy: &HarmPolicy,
    catalogue: &Catalogue,
    mut harmed: impl FnMut(&str) -> &'h [Harmed],
) -> Box<[Repeat]> {
    let mut found = Vec::new();
    for offence in dossier.offences() {
        let Some(reference) = link(&offence) else { continue };
        if !proved(&offence, catalogue) {
            continue;
        }
        let times = harmed(reference);
        let (from, to) = (offence.date() - policy.repeat_within_days, offence.date() + policy.repeat_within_days);
        let first = times.partition_point(|time| time.date < from);
        let others = times[first..].iter().take_while(|time| time.date <= to);
        let mut dates: Vec<Date> = others
            .filter(|time| time.date != offence.date() && differ(offence.incident, time.incident.as_deref()))
            .map(|time| time.date)
            .collect();
        if !dates.is_empty() {
            dates.push(offence.date());
            dates.sort_unstable();
            dates.dedup();
            found.push(Repeat { offence_id: offence.id.into(), dates: dates.into_boxed_slice() });
        }
    }
    found.into_boxed_slice()
}

/// The person with their repeat victims found anew; `None` where they are the same as before. `people` tells who may have a
/// victim; `in_mind` keeps what was read of victims, as long as none of these people changes.
pub fn linked<'a, P: Iterator<Item = &'a Dossier>>(
    dossier: &Dossier,
    rules: &Rules,
    in_mind: &mut InMind,
    people: impl Fn(&str) -> P,
) -> Option<Dossier> {
    if in_mind.len() > VICTIMS_IN_MIND {
        in_mind.clear();
    }
    for reference in references(dossier) {
        if !in_mind.contains_key(reference) {
            in_mind.insert(reference.into(), harmed(reference, &rules.catalogue, people(reference)));
        }
    }
    let times = |reference: &str| in_mind.get(reference).map_or(&[][..], |times| times);
    let repeats = repeats(dossier, &rules.policy.harm, &rules.catalogue, times);
    (*repeats != *dossier.repeats()).then(|| dossier.with_repeats(repeats))
}

fn proved(offence: &OffenceView<'_>, catalogue: &Catalogue) -> bool {
    catalogue.proof(offence, catalogue.classify(offence.code)) > 0.0
}

/// Incidents differ unless both records name the same one.
fn differ(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one != other,
        (None, _) | (_, None) => true,
    }
}
