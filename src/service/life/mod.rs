//! The life of a person's records as a whole: references that are one person,
//! restrictions of processing, what was disclosed to whom, what is held of
//! somebody for that somebody, and when to review whether to keep it. Every one of these is an
//! event of the person; none takes anything out of the ledger, and none is read
//! by a rule of scoring.

mod change;
pub mod disclosures;
mod export;
pub mod past;
pub mod retention;
mod review;
#[cfg(test)]
mod tests;
pub mod told;
mod withheld;

pub use change::LifeChange;
pub use export::Exported;
pub use review::Review;
pub use withheld::Withholding;

use crate::domain::life::{Life, Merged, Reviewed};
use crate::domain::{Date, Revision, SubjectId};
use crate::store::pb::event::Body;
use crate::store::pb::{Event, RetentionReviewed, StoredDossier, StoredMerge, StoredReview};

/// Folds an event of a history as a whole into its view.
pub fn fold(dossier: &mut StoredDossier, event: &Event, body: &Body) {
    match body {
        Body::SubjectsMerged(told) if told.merged_id == event.subject_id => {
            dossier.merged = Some(StoredMerge { into: told.survivor_id, revision: event.revision });
        }
        Body::SubjectsMerged(told) => {
            if let Err(place) = dossier.members.binary_search(&told.merged_id) {
                dossier.members.insert(place, told.merged_id);
            }
        }
        Body::SubjectsUnmerged(told) if told.merged_id == event.subject_id => dossier.merged = None,
        Body::SubjectsUnmerged(told) => dossier.members.retain(|member| *member != told.merged_id),
        Body::ProcessingRestricted(_) => dossier.restricted_revision = event.revision,
        Body::RestrictionLifted(_) => dossier.restricted_revision = 0,
        Body::RetentionReviewed(told) => {
            let new = reviewed(Revision(event.revision), told);
            let counts = read_review(dossier).map_or(new, |held| held.or_later(new));
            dossier.reviewed = Some(StoredReview {
                revision: counts.revision.0,
                days: counts.day.days(),
                next_days: counts.next.map(Date::days),
            });
        }
        // That there was an event is all that the view tells of it.
        Body::DisclosureRecorded(_)
        | Body::EvidenceWritten(_)
        | Body::EvidenceWithdrawn(_)
        | Body::AsOfMoved(_)
        | Body::PolicyActivated(_)
        | Body::PolicyDrafted(_)
        | Body::PolicyApproved(_)
        | Body::PolicyScheduled(_)
        | Body::RequestAnswered(_)
        | Body::AuditAnchored(_)
        | Body::OutstandingNoted(_)
        | Body::AlignmentNoted(_)
        | Body::RescoreStarted(_)
        | Body::RescoreEnded(_)
        | Body::GenerationPublished(_)
        | Body::Erased(_)
        | Body::SubjectErased(_)
        | Body::GenerationBlanked(_) => {}
    }
}

/// What became of a history, as its view has it.
pub fn read(stored: &StoredDossier) -> Life {
    Life {
        merged: stored
            .merged
            .map(|merged| Merged { into: SubjectId(merged.into), revision: Revision(merged.revision) }),
        members: stored.members.iter().copied().map(SubjectId).collect(),
        restricted: (stored.restricted_revision > 0).then_some(Revision(stored.restricted_revision)),
        reviewed: read_review(stored),
    }
}

fn read_review(stored: &StoredDossier) -> Option<Reviewed> {
    stored.reviewed.map(|held| Reviewed {
        revision: Revision(held.revision),
        day: Date::from_days(held.days),
        next: held.next_days.map(Date::from_days),
    })
}

/// A review as its event tells of it.
pub fn reviewed(revision: Revision, told: &RetentionReviewed) -> Reviewed {
    let next = told.next_days.map(Date::from_days);
    Reviewed { revision, day: Date::from_days(told.reviewed_days), next }
}

/// Whether a text has a reference in it as a word. One of a letter or two is a word of its own.
pub fn names(text: &str, reference: &str) -> bool {
    const SHORT: usize = 3;
    let inside = |character: Option<char>| character.is_some_and(char::is_alphanumeric);
    let whole = |at: usize| {
        let (before, rest) = text.split_at(at);
        !inside(before.chars().next_back()) && !inside(rest[reference.len()..].chars().next())
    };
    reference.len() >= SHORT && text.match_indices(reference).any(|(at, _)| whole(at))
}
