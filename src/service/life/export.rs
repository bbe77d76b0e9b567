//! Everything held of a person, for that person: every version of every record,
//! what became of them as a whole, how the person stands and why, and how they
//! stood in what was published. All of it is as at one revision.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::told;
use super::withheld::Withholding;
use crate::access::{Caller, Disclosure, Permission};
use crate::domain::word::List;
use crate::domain::{Revision, SubjectId};
use crate::pb;
use crate::ranking::{Place, Standings};
use crate::service::fault::Fault;
use crate::service::held::{held, histories};
use crate::service::{SPECIFIC_FIRST, Seen, Service};
use crate::store::{Store, StoreError};

/// What is held of a person.
#[derive(Debug)]
pub struct Exported {
    /// The snapshot that it is as at.
    pub standings: Arc<Standings>,
    /// The history that the person stands by.
    pub subject: SubjectId,
    /// Every history with its reference, that one first.
    pub histories: Vec<(SubjectId, String)>,
    /// Versions of records, oldest first.
    pub records: Vec<pb::ExportedRecord>,
    /// What became of them as a whole, oldest first.
    pub events: Vec<pb::ExportedEvent>,
    /// Lists that the person stands on.
    pub places: Vec<(List, Place)>,
    /// What is withheld, and how much there is.
    pub withholding: Withholding,
}

impl Service {
    /// Everything held of a person. A restriction of processing does not stand against it: it is the person's right.
    ///
    /// # Errors
    /// [`Fault::UnknownSubject`], [`Fault::NoActivePolicy`], or [`Fault::Internal`] when the ledger cannot be read.
    pub async fn export_subject(
        &self,
        caller: &Caller,
        asked: &pb::ExportSubjectRequest,
    ) -> Result<Disclosure<Exported>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let subject = Self::person_of_life(caller, &standings, &asked.subject_ref)?;
        let parts = histories(&standings, subject);
        let known: Vec<(SubjectId, String)> =
            parts.iter().map(|(history, held)| (*history, held.subject_ref().to_owned())).collect();
        let (answered_from, of) = (Arc::clone(&standings), known.clone());
        let (versions, events) = self
            .read_ledger(move |store| {
                let through = answered_from.revision();
                let held = held(store, &answered_from, subject, through)?;
                Ok((held.into_versions(), events(store, &answered_from, &of)?))
            })
            .await?;
        let mut withholding = Withholding { officers: asked.include_officers, ..Withholding::default() };
        let sensitive = if caller.may(Permission::SeeSensitiveIntelligence) {
            BTreeSet::new()
        } else {
            Withholding::sensitive(&versions)
        };
        withholding.sum.sensitive_records_withheld = u32::try_from(sensitive.len()).unwrap_or(u32::MAX);
        withholding.sensitive.clone_from(&sensitive);
        let given = versions
            .into_iter()
            .filter(|held| held.record.as_ref().is_none_or(|record| !sensitive.contains(&record.id)));
        let records = given.map(|held| withholding.record(held)).collect();
        let events = events.into_iter().map(|event| withholding.event(event)).collect();
        let places = SPECIFIC_FIRST
            .into_iter()
            .filter_map(|list| standings.place(list, subject).map(|place| (list, place)))
            .collect();
        let subjects = known.iter().map(|(history, _)| *history).collect();
        let answer = Exported { standings, subject, histories: known, records, events, places, withholding };
        Ok(Disclosure { answer, subjects })
    }
}

/// What became of the histories of a person as a whole, in order. Of a merge of two of them one side tells.
fn events(
    store: &dyn Store,
    standings: &Standings,
    histories: &[(SubjectId, String)],
) -> Result<Vec<pb::ExportedEvent>, StoreError> {
    let mut found = Vec::new();
    for (history, subject_ref) in histories {
        for entry in store.scan_subject(*history, Revision(1), standings.revision()) {
            let Some(revision) = entry?.0.revision() else { continue };
            let read = |revision: Revision| store.event(revision)?.ok_or(StoreError::MissingEvent { revision });
            let mut event = read(revision)?;
            if let Some(merged) = told::other_side(&event) {
                if histories.iter().any(|(known, _)| known.0 == merged) {
                    continue;
                }
                // The event before tells of it, while whoever it is of was not erased.
                event = read(Revision(revision.0 - 1))?;
            }
            found.extend(told::exported(&event, subject_ref, standings));
        }
    }
    found.sort_by_key(|event| event.revision);
    Ok(found)
}
