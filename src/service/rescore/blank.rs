//! Rows of erased people taken out of the files of published generations. What
//! else is in a file stays bit for bit; the ledger is told the old digest and the
//! new, and from then on the file is compared with the new one.
//!
//! The file comes first and the event after it. A process that ends in between
//! does both again: to blank what is blank changes nothing.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use tracing::{info, warn};
use uuid::Uuid;

use super::generation::{blank_row, failed};
use super::publish::RunStep;
use super::runs::Generation;
use super::{Rescoring, sealed};
use crate::access::Caller;
use crate::domain::dossier::Dossier;
use crate::domain::life::Histories;
use crate::domain::{Revision, SubjectId};
use crate::ranking::{Standings, frame};
use crate::service::erasure;
use crate::service::fault::Fault;
use crate::service::group::event_kind;
use crate::service::mutation::{Mutation, MutationBody};
use crate::store::pb::GenerationBlanked;
use crate::store::pb::event::Body;
use crate::store::{KeySpan, Store, StoreError};

impl Rescoring {
    /// Blanks whoever was erased in every generation that is kept, and gives how many generations that were.
    ///
    /// # Errors
    /// [`Fault::ReadOnly`] or [`Fault::Internal`] where a file or the ledger cannot be read or written.
    pub async fn blank(&self) -> Result<u32, Fault> {
        let rescoring = self.clone();
        tokio::task::spawn_blocking(move || rescoring.blank_now()).await.map_err(|_| Fault::Internal)?
    }

    /// As [`blank`](Self::blank). Blocks.
    ///
    /// # Errors
    /// As [`blank`](Self::blank).
    pub fn blank_now(&self) -> Result<u32, Fault> {
        let _one_at_a_time = self.0.blanking.lock().unwrap_or_else(PoisonError::into_inner);
        let service = &self.0.service;
        let erased = erasure::erased(&*service.store).map_err(|fault| failed(&fault))?;
        if erased.is_empty() {
            return Ok(0);
        }
        let merges = merges(&*service.store).map_err(|fault| failed(&fault))?;
        let newest = service.board.standings().ok_or(Fault::NoActivePolicy)?;
        let mut blanked = 0;
        let runs = service.board.runs();
        for told in runs.generations() {
            let due = due(told, &erased, &merges);
            if !due.is_empty() && self.blank_generation(told, &due, &newest)? {
                blanked += 1;
            }
        }
        // What was read of them before shows who is erased now.
        self.0.read.forget();
        Ok(blanked)
    }

    /// A generation, with nobody in it who was erased by `newest` and is not blank.
    pub(super) fn blanked(&self, told: Generation, newest: &Standings) -> Result<Generation, Fault> {
        if erased_since(&told, newest).all(|subject| told.erased.binary_search(&subject).is_ok()) {
            return Ok(told);
        }
        self.blank_now()?;
        self.0.service.board.runs().generation(told.number).cloned().ok_or(Fault::UnknownGeneration)
    }

    /// Blanks people in one generation; false where it is not kept.
    fn blank_generation(&self, told: &Generation, due: &BTreeSet<u32>, newest: &Standings) -> Result<bool, Fault> {
        let service = &self.0.service;
        let Some(kept) = self.0.archive.generation(told.number).map_err(|fault| failed(&fault))? else {
            return Ok(false);
        };
        let rules = self.rules(told)?;
        let names = service.board.names();
        let all: BTreeSet<u32> = told.erased.iter().copied().chain(due.iter().copied()).collect();
        let mut frames = Vec::with_capacity(kept.frames());
        let mut people = 0;
        for number in 0..kept.frames() {
            let bytes = self.frame(&kept, number)?;
            let mut past = frame::decode(&bytes, names).ok_or_else(|| {
                warn!(generation = told.number, "a frame cannot be read, so that nobody can be blanked in it");
                Fault::Internal
            })?;
            let first = number * frame::TOGETHER;
            let mut touched = false;
            for subject in &all {
                let place = (*subject as usize).checked_sub(first);
                if let Some(line) = place.and_then(|place| past.get_mut(place)) {
                    *line = frame::Past::blank(blank_row(&rules, told.as_of, names));
                    touched = true;
                }
            }
            people += past.len();
            frames.push(if touched { frame::encode_again(&past, names, &rules.policy.composite) } else { bytes });
        }
        let digest = frame::digest(told.as_of, people, &frames, newest);
        let keys = service.store.keys().map(|keys| &**keys);
        let frames = frames.into_iter().enumerate().map(|(number, frame)| sealed::kept(keys, number, frame));
        let frames: Vec<Vec<u8>> = frames.collect::<Result<_, _>>().map_err(|fault| failed(&fault))?;
        self.0.archive.rewrite(told.number, &frames).map_err(|fault| failed(&fault))?;
        let step = RunStep::Blanked(GenerationBlanked {
            generation: told.number,
            old_digest: told.digest.to_vec(),
            new_digest: digest.to_vec(),
            subject_ids: all.into_iter().collect(),
        });
        service.change_blocking(Mutation {
            caller: Caller::service(),
            request_id: Uuid::new_v4().into_bytes(),
            digest: [0; 32],
            body: MutationBody::Run(step),
        })?;
        info!(generation = told.number, erasure.subjects = due.len(), "rows of erased people were blanked");
        Ok(true)
    }
}

/// People of a generation who were erased since it was weighed, by `newest`.
pub(super) fn erased_since<'a>(told: &'a Generation, newest: &'a Standings) -> impl Iterator<Item = u32> + 'a {
    let since = |held: &Dossier| held.is_erased() && held.revision() > told.weighed;
    (0..told.subjects).filter(move |subject| newest.dossier(SubjectId(*subject)).is_some_and(|held| since(held)))
}

/// People of a generation who were erased since it was weighed, and whoever a reference of theirs counted to then, whose
/// rows are not blank in it.
fn due(told: &Generation, erased: &[(SubjectId, Revision)], merges: &[(Revision, Merge)]) -> BTreeSet<u32> {
    let since = erased.iter().filter(|(subject, at)| subject.0 < told.subjects && *at > told.weighed);
    let since: Vec<SubjectId> = since.map(|(subject, _)| *subject).collect();
    if since.is_empty() {
        return BTreeSet::new();
    }
    let mut then = Histories::default();
    for (_, merge) in merges.iter().take_while(|(revision, _)| *revision <= told.weighed) {
        match merge {
            Merge::Made(merged, into) => then.merge(*merged, *into),
            Merge::Ended(merged) => then.unmerge(*merged),
        }
    }
    let both = since.into_iter().flat_map(|subject| [subject, then.person(subject)]);
    both.map(|subject| subject.0).filter(|subject| told.erased.binary_search(subject).is_err()).collect()
}

/// A merge of two histories, or its end.
#[derive(Clone, Copy, Debug)]
enum Merge {
    Made(SubjectId, SubjectId),
    Ended(SubjectId),
}

/// Every merge and the end of every one, in the order of the ledger; of two events of one, both. One side may be erased.
fn merges(store: &dyn Store) -> Result<Vec<(Revision, Merge)>, StoreError> {
    let mut found = Vec::new();
    let head = store.head()?.revision;
    for kind in [event_kind::SUBJECTS_MERGED, event_kind::SUBJECTS_UNMERGED] {
        for entry in store.scan(&KeySpan::kind_index(kind, Revision(0), head)) {
            let Some(revision) = entry?.0.revision() else { continue };
            let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
            let merge = match event.body {
                Some(Body::SubjectsMerged(told)) => Merge::Made(SubjectId(told.merged_id), SubjectId(told.survivor_id)),
                Some(Body::SubjectsUnmerged(told)) => Merge::Ended(SubjectId(told.merged_id)),
                Some(_) | None => continue,
            };
            found.push((revision, merge));
        }
    }
    found.sort_by_key(|(revision, _)| *revision);
    Ok(found)
}
