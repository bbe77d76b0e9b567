//! What was disclosed to whom, from the ledger: of one person, or of everybody.
//! Events never change, so the pages of one chain are of one revision.

use std::sync::Arc;

use prost::Message;

use super::told::disclosure;
use crate::access::{Caller, Disclosure, Permission};
use crate::domain::{Date, Moment, Revision, SubjectId};
use crate::pb;
use crate::service::fault::Fault;
use crate::service::group::event_kind;
use crate::service::held::{histories, looked_at};
use crate::service::{Seen, Service};
use crate::store::{KeySpan, Store, StoreError};

/// Which disclosures.
struct Wanted {
    recipient: String,
    from: Option<Date>,
    to: Option<Date>,
}

impl Wanted {
    fn takes(&self, disclosure: &pb::Disclosure) -> bool {
        let day = disclosure.disclosed_time.as_ref().map(|time| Moment(time.seconds).day());
        disclosure.recipient.to_lowercase().contains(&self.recipient)
            && self.from.is_none_or(|from| day.is_some_and(|day| day >= from))
            && self.to.is_none_or(|to| day.is_some_and(|day| day <= to))
    }
}

impl Service {
    /// A page of disclosures, the last recorded first. Of people whose processing is restricted those alone are told who may
    /// restrict.
    ///
    /// # Errors
    /// [`Fault::UnknownSubject`], [`Fault::ProcessingRestricted`], [`Fault::NoActivePolicy`], faults of the token, or
    /// [`Fault::Internal`] when the ledger cannot be read.
    pub async fn disclosures(
        &self,
        caller: &Caller,
        asked: pb::ListDisclosuresRequest,
        (from, to): (Option<Date>, Option<Date>),
        size: usize,
    ) -> Result<Disclosure<pb::ListDisclosuresResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let of = if asked.subject_ref.is_empty() {
            None
        } else {
            let subject = Self::person(caller, &standings, &asked.subject_ref)?;
            looked_at(&standings, subject, caller)?;
            Some(histories(&standings, subject).into_iter().map(|(history, _)| history).collect::<Vec<_>>())
        };
        let arguments = arguments(&asked);
        let (through, before) = match self.paging.read_pair(&asked.page_token, caller, &arguments)? {
            Some((through, before)) => (Revision(through), before),
            None => (standings.revision(), u64::MAX),
        };
        let wanted = Wanted { recipient: asked.recipient.to_lowercase(), from, to };
        let every = caller.may(Permission::RestrictSubjects);
        let (known, sight) = (Arc::clone(&standings), Self::sight(caller, &standings));
        let read = move |store: &dyn Store| {
            // A history that was merged is seen as the person whom it is of.
            let seen = |subject: SubjectId| {
                let person = known.dossier(subject).and_then(|dossier| known.find(dossier.subject_ref()));
                person.and_then(|person| known.row(person)).is_some_and(|row| sight.knows(row))
            };
            let mut found = Vec::with_capacity(size.min(64) + 1);
            for revision in recorded(store, of.as_deref(), through)?.into_iter().rev() {
                if revision.0 >= before {
                    continue;
                }
                let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
                let subject = SubjectId(event.subject_id);
                if let Some(one) = disclosure(&event).filter(|one| wanted.takes(one))
                    && (every || !known.restricted(subject))
                    && seen(subject)
                {
                    found.push((subject, one));
                }
                if found.len() > size {
                    break;
                }
            }
            Ok(found)
        };
        let mut found = self.read_ledger(read).await?;
        let more = found.len() > size;
        found.truncate(size);
        let next_page_token = match found.last() {
            Some((_, last)) if more => self.paging.pair_token((through.0, last.revision), caller, &arguments),
            Some(_) | None => String::new(),
        };
        let (subjects, disclosures) = found.into_iter().unzip();
        let context = Some(self.context(&standings));
        Ok(Disclosure { answer: pb::ListDisclosuresResponse { context, disclosures, next_page_token }, subjects })
    }
}

/// Revisions of disclosures, in order.
fn recorded(store: &dyn Store, of: Option<&[SubjectId]>, through: Revision) -> Result<Vec<Revision>, StoreError> {
    let mut revisions = Vec::new();
    for entry in store.scan(&KeySpan::kind_index(event_kind::DISCLOSURE_RECORDED, Revision(0), through)) {
        revisions.extend(entry?.0.revision());
    }
    let Some(of) = of else { return Ok(revisions) };
    let mut theirs = Vec::new();
    for history in of {
        for entry in store.scan_subject(*history, Revision(1), through) {
            let Some(revision) = entry?.0.revision() else { continue };
            if revisions.binary_search(&revision).is_ok() {
                theirs.push(revision);
            }
        }
    }
    theirs.sort_unstable();
    Ok(theirs)
}

/// Digest of what pages of one chain must share.
fn arguments(asked: &pb::ListDisclosuresRequest) -> [u8; 32] {
    let shared = pb::ListDisclosuresRequest {
        page_size: 0,
        page_token: String::new(),
        min_revision: 0,
        store: String::new(),
        ..asked.clone()
    };
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"ListDisclosures");
    hasher.update(&shared.encode_to_vec());
    *hasher.finalize().as_bytes()
}
