//! The victim index: who, across the force, is a repeat victim. The link enters
//! a person's score as dates alone; another suspect's file is never shown.

use crate::domain::Date;
use crate::domain::dossier::{Dossier, OffenceView, Repeat};
use crate::domain::word::PersonCategory;
use crate::policy::HarmPolicy;
use crate::scoring::harm::Catalogue;

/// References of this person's victims that may link: natural persons whose reference is known. May repeat.
pub fn references(dossier: &Dossier) -> impl Iterator<Item = &str> {
    dossier.offences().filter_map(|offence| link(&offence))
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

/// For each offence whose victim was a victim in another incident too, on another date at most
/// `repeat_within_days` away: the dates.
pub fn repeats<'a, L>(
    dossier: &Dossier,
    policy: &HarmPolicy,
    catalogue: &Catalogue,
    linked: impl Fn(&str) -> L,
) -> Box<[Repeat]>
where
    L: Iterator<Item = &'a Dossier>,
{
    let proved = |offence: &OffenceView<'_>| catalogue.proof(offence, catalogue.classify(offence.code)) > 0.0;
    let mut found = Vec::new();
    for offence in dossier.offences() {
        let Some(reference) = link(&offence) else { continue };
        if !proved(&offence) {
            continue;
        }
        let mut dates: Vec<Date> = Vec::new();
        for other_person in linked(reference) {
            for other in other_person.offences() {
                let another = link(&other) == Some(reference)
                    && other.date() != offence.date()
                    && (other.date() - offence.date()).abs() <= policy.repeat_within_days
                    && different_incidents(&offence, &other);
                if another && proved(&other) {
                    dates.push(other.date());
                }
            }
        }
        if !dates.is_empty() {
            dates.push(offence.date());
            dates.sort_unstable();
            dates.dedup();
            found.push(Repeat { offence_id: offence.id.into(), dates: dates.into_boxed_slice() });
        }
    }
    found.into_boxed_slice()
}

/// Incidents differ unless both records name the same one.
fn different_incidents(one: &OffenceView<'_>, other: &OffenceView<'_>) -> bool {
    match (one.incident, other.incident) {
        (Some(one), Some(other)) => one != other,
        (None, _) | (_, None) => true,
    }
}
