//! Open outstanding files closed today: the person is found, and is not at large
//! any more.

use super::search::{Candidate, Person, Tried, newest, search};
use super::{Unmoved, own};
use crate::domain::dossier::Filed;
use crate::domain::evidence::{Evidence, Kind, Other, Outstanding};
use crate::domain::word::{CloseOutcome, Family};

pub(super) fn tried(person: &Person<'_>) -> Tried {
    let open: Vec<(&Filed, &Outstanding)> = own(person.dossier).filter_map(open).collect();
    let only = open.len() == 1;
    let (open, left_out) = newest(open, |(filed, _)| filed.updated);
    if open.is_empty() {
        return Tried::nothing("No outstanding file is open.");
    }
    let leaves = match person.family {
        Family::Outstanding if only => " No other file is open: the person would leave the outstanding lists.",
        Family::Outstanding | Family::Cohort => "",
    };
    let (up, down) = search(person, open.iter().map(|(filed, file)| candidate(person, filed, file)).collect());
    let and_leaves = |found: Option<super::Change>| {
        found.map(|change| super::Change { description: format!("{}{leaves}", change.description), ..change })
    };
    let none = Unmoved {
        reason: "NO_SINGLE_CHANGE",
        description: format!("No open file, closed today, would move the band this way by itself.{leaves}"),
    };
    Tried { up: and_leaves(up), down: and_leaves(down), none, records: "open files", left_out }
}

fn open(filed: &Filed) -> Option<(&Filed, &Outstanding)> {
    match &filed.kind {
        Other::Outstanding(file) => file.is_open().then_some((filed, file)),
        Other::SanctionSummary(_)
        | Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Exploitation(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    }
}

fn candidate<'a>(person: &'a Person<'_>, filed: &'a Filed, file: &Outstanding) -> Candidate<'a> {
    let mut closed = file.clone();
    if let Some(period) = closed.periods.last_mut() {
        period.closed = Some((person.as_of.max(period.opened), CloseOutcome::Arrested));
    }
    let since = file.open_since().map_or_else(String::new, |since| format!(" open since {}", since.spelt()));
    let evidence = Evidence {
        id: filed.id.clone(),
        revision: filed.revision,
        category: filed.category,
        updated: person.as_of,
        kind: Kind::Other(Other::Outstanding(closed)),
    };
    Candidate {
        size: 1,
        evidence: vec![filed.id.clone()],
        what: format!("The outstanding file{since}, closed today by an arrest"),
        made: Box::new(move || person.dossier.with(evidence.clone())),
    }
}
