//! Standings folded from the ledger, event by event and without any view,
//! against those that are served, or that follow from the stored views.

use std::sync::Arc;

use super::report::Stepping;
use super::told::StandingsAsked;
use super::walk::{Met, Walk};
use super::{Ended, Verification};
use crate::domain::Revision;
use crate::ranking::retire::Retirement;
use crate::ranking::{Standings, standings_digest};
use crate::service::board::Board;
use crate::service::start::{self, StartError};
use crate::service::state::{State, Touched};

/// Compares; gives the digest of what the ledger folds to, where there is a policy and a day to weigh by.
///
/// # Errors
/// [`Ended`].
pub fn check(verification: &Verification<'_>, step: &mut Stepping<'_, '_>) -> Result<Option<[u8; 32]>, Ended> {
    let (through, held) = match &verification.asked.standings {
        StandingsAsked::No => return Ok(None),
        StandingsAsked::Published(published) => (published.revision(), Some(Arc::clone(published))),
        StandingsAsked::Views => {
            let read = start::from_views(verification.store, &verification.head, verification.tables);
            match read {
                Ok(mut state) => (verification.head.revision, standings(&mut state, verification)),
                Err(StartError::Store(error)) => {
                    step.skipped(format!("the views cannot be read: {error}"));
                    return Ok(None);
                }
                Err(
                    error @ (StartError::Rebuild(_)
                    | StartError::Unreadable(_)
                    | StartError::Astray { .. }
                    | StartError::Gap(_)),
                ) => {
                    step.damaged("s/", error, &verification.rebuild());
                    return Ok(None);
                }
            }
        }
    };
    let mut state = State::new(verification.tables);
    let mut touched = Touched::default();
    let mut events = Walk::new(verification.store, Revision(1), through);
    while let Some(met) = events.next() {
        let (revision, met) = met?;
        let Met::Event(event, _) = met else {
            step.skipped(format!("event {revision} is damaged, so that nothing can be folded"));
            return Ok(None);
        };
        if !foldable(&state, &event) {
            let what = "is about a subject that no event before it brought in";
            step.damaged(format!("e/ revision {revision}"), what, &verification.rebuild());
            return Ok(None);
        }
        if let Err(error) = state.apply(&event, &mut touched) {
            step.damaged(format!("e/ revision {revision}"), error.why, "use the build that wrote it, or a newer one");
            return Ok(None);
        }
        touched.subjects.clear();
        verification.rest(revision.0, &mut events.bytes)?;
    }
    let folded = standings(&mut state, verification);
    step.checked(state.dossiers().len() as u64);
    let digest = |standings: &Option<Arc<Standings>>| standings.as_deref().map(standings_digest);
    let (folded, held) = (digest(&folded), digest(&held));
    if folded != held {
        let told = |digest: Option<[u8; 32]>| {
            digest
                .map_or_else(|| "none".to_owned(), |digest| blake3::Hash::from_bytes(digest).to_hex()[..16].to_owned())
        };
        step.damaged(
            format!("standings at revision {through}"),
            format!("the ledger folds to standings {}, those held are {}", told(folded), told(held)),
            &verification.rebuild(),
        );
    }
    Ok(folded)
}

/// Whether the state knows the subject of an event, or may learn of it by it: a fold of anything else would panic.
fn foldable(state: &State, event: &crate::store::pb::Event) -> bool {
    use crate::store::pb::event::Body;
    let known = state.dossiers().len();
    match &event.body {
        Some(Body::EvidenceWritten(_) | Body::Erased(_)) => event.subject_id as usize <= known,
        Some(
            Body::EvidenceWithdrawn(_)
            | Body::OutstandingNoted(_)
            | Body::SubjectsMerged(_)
            | Body::SubjectsUnmerged(_)
            | Body::ProcessingRestricted(_)
            | Body::RestrictionLifted(_)
            | Body::DisclosureRecorded(_)
            | Body::SubjectErased(_)
            | Body::RetentionReviewed(_),
        ) => (event.subject_id as usize) < known,
        Some(
            Body::AsOfMoved(_)
            | Body::PolicyActivated(_)
            | Body::PolicyDrafted(_)
            | Body::PolicyApproved(_)
            | Body::PolicyScheduled(_)
            | Body::RequestAnswered(_)
            | Body::AuditAnchored(_)
            | Body::AlignmentNoted(_)
            | Body::RescoreStarted(_)
            | Body::RescoreEnded(_)
            | Body::GenerationPublished(_)
            | Body::GenerationBlanked(_),
        )
        | None => true,
    }
}

/// Everybody weighed, as the server does before it serves.
fn standings(state: &mut State, verification: &Verification<'_>) -> Option<Arc<Standings>> {
    let mut touched = Touched { everyone: true, ..Touched::default() };
    state.settle(&mut touched);
    let board = Board::new(Retirement::start());
    let weighing = Board::weigh(state, &touched);
    board.publish(state, &weighing, (verification.asked.now)());
    board.standings()
}
