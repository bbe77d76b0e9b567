//! Allegations that nobody has decided yet, ended one way or the other today.

use super::Unmoved;
use super::search::{Candidate, Person, Tried, newest, search};
use crate::domain::dossier::OffenceView;
use crate::domain::evidence::{Evidence, Kind, Offence, Victim};
use crate::domain::word::Outcome;
use crate::scoring::Case;
use crate::scoring::harm::is_undecided;

pub(super) fn cleared(person: &Person<'_>, case: &Case<'_>) -> Tried {
    let none = "No undecided allegation, ended without a finding, would move the band this way by itself.";
    ended(person, case, Outcome::NoFurtherAction, "ended without a finding", none)
}

pub(super) fn proved(person: &Person<'_>, case: &Case<'_>) -> Tried {
    let none = "No undecided allegation, ended in a conviction, would move the band this way by itself.";
    ended(person, case, Outcome::Convicted, "ended in a conviction", none)
}

fn ended(person: &Person<'_>, case: &Case<'_>, outcome: Outcome, how: &str, none: &str) -> Tried {
    let undecided = case.allegations().map(|(_, offence, _)| offence).filter(|offence| is_undecided(offence.outcome));
    let (undecided, left_out) = newest(undecided.collect(), OffenceView::date);
    if undecided.is_empty() {
        return Tried::nothing("No allegation is held that is still undecided.");
    }
    let candidates = undecided.into_iter().map(|offence| {
        let evidence = decided(person, &offence, outcome);
        Candidate {
            size: 1,
            evidence: vec![offence.id.into()],
            what: format!("The allegation of {}, {how} today", offence.date().spelt()),
            made: Box::new(move || person.dossier.with(evidence.clone())),
        }
    });
    let (up, down) = search(person, candidates.collect());
    let none = Unmoved { reason: "NO_SINGLE_CHANGE", description: none.to_owned() };
    Tried { up, down, none, records: "undecided allegations", left_out }
}

/// The record of an offence with its case ended today.
fn decided(person: &Person<'_>, offence: &OffenceView<'_>, outcome: Outcome) -> Evidence {
    let victim = offence.victim.map(|victim| Victim {
        reference: victim.reference.map(Into::into),
        natural_person: victim.natural_person,
        vulnerable: victim.vulnerable,
        repeat: victim.repeat,
    });
    Evidence {
        id: offence.id.into(),
        revision: offence.revision,
        category: offence.category,
        updated: person.as_of,
        kind: Kind::Offence(Offence {
            code: offence.code,
            committed: offence.committed,
            reported: offence.reported,
            outcome,
            outcome_date: Some(person.as_of),
            incident: offence.incident.map(Into::into),
            victim,
            domestic_abuse: offence.domestic_abuse,
            hate: offence.hate,
            proactive: offence.proactive,
        }),
    }
}
