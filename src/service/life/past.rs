//! The dossier that a person was weighed and shown by at a revision, from the
//! ledger alone: which of their histories were one, and whether any might be
//! looked at, is read as it was then.

use std::sync::Arc;

use crate::domain::dossier::Dossier;
use crate::domain::{Revision, SubjectId};
use crate::reference;
use crate::service::group::BuildError;
use crate::service::{start, views};
use crate::store::Store;

/// The dossier of a person at a revision, without repeat victims. `None`: nothing was held under the reference.
///
/// # Errors
/// Where the ledger cannot be read.
pub fn shown_at(store: &dyn Store, subject: SubjectId, through: Revision) -> Result<Option<Dossier>, BuildError> {
    let Some(own) = history_at(store, subject, through)? else { return Ok(None) };
    let Some(life) = own.life().cloned() else { return Ok(Some(own)) };
    let mut person = (subject, Arc::new(own));
    while let Some(merged) = person.1.life().and_then(|life| life.merged) {
        let Some(into) = history_at(store, merged.into, through)? else { break };
        person = (merged.into, Arc::new(into));
    }
    let mut histories = vec![person];
    let mut next = 0;
    while let Some((_, held)) = histories.get(next).cloned() {
        for member in held.life().map(|life| life.members.clone()).unwrap_or_default() {
            if let Some(held) = history_at(store, member, through)? {
                histories.push((member, Arc::new(held)));
            }
        }
        next += 1;
    }
    histories[1..].sort_unstable_by_key(|(history, _)| *history);
    let restricted = |(_, held): &(SubjectId, Arc<Dossier>)| held.life().is_some_and(|life| life.restricted.is_some());
    let any = histories.iter().any(restricted);
    let plain = histories.len() == 1 && !any && life.merged.is_none();
    let own = histories.iter().find(|(history, _)| *history == subject).map(|(_, held)| held);
    Ok(match own {
        // Such as one that was reviewed: nothing of that changes what it holds.
        Some(own) if plain => Some(Dossier::clone(own)),
        Some(own) if any || life.merged.is_some() => Some(own.absent(&histories, any)),
        Some(_) | None => Some(Dossier::joined(&histories)),
    })
}

fn history_at(store: &dyn Store, subject: SubjectId, through: Revision) -> Result<Option<Dossier>, BuildError> {
    let stored = views::dossier_at(store, subject, through)?;
    if stored.subject_ref.is_empty() {
        return Ok(None);
    }
    start::dossier(subject, &stored, reference::tables()).map(Some)
}
