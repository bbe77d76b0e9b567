//! Everybody of a snapshot weighed under rules that nobody is weighed by: the
//! snapshot stays as it is, and nothing of the state is touched. Who is a repeat
//! victim is policy too, so victims are linked anew where the rules of harm differ.

use rayon::prelude::*;

use super::scorer;
use super::victim::{self, InMind};
use crate::domain::SubjectId;
use crate::domain::dossier::Dossier;
use crate::ranking::Standings;
use crate::ranking::hash_index::HashIndex;
use crate::scoring::Rules;
use crate::scoring::composite::Weighed;

/// What `each` makes of everybody, weighed under `rules` on the day of the snapshot; in order of subject. Linked dossiers
/// are let go of one by one: beside what `each` keeps, this takes 14 bytes for each victim of each person.
pub fn weighed<T: Send>(
    standings: &Standings,
    rules: &Rules,
    each: impl Fn(SubjectId, &Dossier, &Weighed) -> Option<T> + Sync,
) -> Vec<T> {
    let as_of = standings.as_of();
    let subjects = u32::try_from(standings.subjects()).expect("a store must hold fewer than 2^32 subjects");
    let everybody = (0..subjects).into_par_iter().map(SubjectId);
    // Proof and the window of repetition are rules of harm: where these are the same, everybody is linked already.
    let linked = rules.policy.harm == standings.rules().policy.harm;
    let victims = if linked { HashIndex::default() } else { victims(standings) };
    let people = |reference: &str| {
        victims.candidates(reference).filter_map(|subject| standings.dossier(subject).map(|dossier| &**dossier))
    };
    let weigh = |in_mind: &mut InMind, subject: SubjectId| {
        let held = standings.dossier(subject).filter(|held| held.stands())?;
        let anew = if linked { None } else { victim::linked(held, rules, in_mind, people) };
        let dossier = anew.as_ref().unwrap_or(held);
        each(subject, dossier, &scorer::weigh_or_unknown(dossier, rules, as_of))
    };
    everybody.map_init(InMind::default, weigh).flatten_iter().collect()
}

/// Who has which victims.
pub fn victims(standings: &Standings) -> HashIndex {
    let mut index = HashIndex::default();
    for subject in (0..).map(SubjectId).take(standings.subjects()) {
        let Some(dossier) = standings.dossier(subject) else { continue };
        for reference in victim::distinct(dossier) {
            index.insert(reference, subject);
        }
    }
    index
}
