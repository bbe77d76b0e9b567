//! The chain from the first event to the head, against the head and against the
//! heads that are known outside. On the way it sums up what the indexes should
//! hold, so that the ledger is read once.

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use super::report::Stepping;
use super::sketch::Sketch;
use super::told::{Anchor, Severity};
use super::walk::{Met, Walk};
use super::{Ended, Verification};
use crate::domain::Revision;
use crate::service::group::kind_of;
use crate::store::pb::event::Body;
use crate::store::{EventHash, Head, Store, StoreError};

/// How long a head that is just being committed is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
const BETWEEN_LOOKS: Duration = Duration::from_millis(5);
/// Damaged revisions that are kept in mind, so that what follows from them is not told again.
const KEPT_IN_MIND: usize = 10_000;

/// What the ledger says of everything else.
pub struct Ledger {
    /// Entries that the index by subject should hold.
    pub by_subject: Sketch,
    /// Their number.
    pub of_subjects: u64,
    /// Entries that the index by kind should hold.
    pub by_kind: Sketch,
    /// Their number.
    pub of_kinds: u64,
    /// Subjects are numbered from 0 to before this.
    pub subjects: u32,
    /// Events that cannot be read, so that nothing can be said of what follows from them.
    pub unreadable: Vec<Revision>,
    /// There are more than are kept in mind.
    pub in_ruins: bool,
}

impl Ledger {
    /// Whether an event is one of those that cannot be read.
    pub fn is_unreadable(&self, revision: Revision) -> bool {
        self.unreadable.binary_search(&revision).is_ok()
    }

    fn lost(&mut self, revision: Revision) {
        if self.unreadable.len() < KEPT_IN_MIND {
            self.unreadable.push(revision);
        } else {
            self.in_ruins = true;
        }
    }
}

/// An index entry as sketches take it.
pub fn entry(of: u32, revision: Revision) -> [u8; 12] {
    let mut bytes = [0; 12];
    bytes[..4].copy_from_slice(&of.to_be_bytes());
    bytes[4..].copy_from_slice(&revision.0.to_be_bytes());
    bytes
}

/// A run of missing events, told as one.
#[derive(Default)]
struct Gap(Option<(Revision, Revision)>);

/// Walks the chain.
///
/// # Errors
/// [`Ended`].
pub fn walk(
    verification: &Verification<'_>,
    step: &mut Stepping<'_, '_>,
    frames_damaged: bool,
) -> Result<Ledger, Ended> {
    let Verification { store, head, asked, .. } = verification;
    let mut ledger = Ledger {
        by_subject: Sketch::new(),
        of_subjects: 0,
        by_kind: Sketch::new(),
        of_kinds: 0,
        subjects: 0,
        unreadable: Vec::new(),
        in_ruins: false,
    };
    let mut anchors: BTreeMap<Revision, Vec<&Anchor>> = BTreeMap::new();
    for anchor in &asked.anchors {
        anchors.entry(anchor.head.revision).or_default().push(anchor);
    }
    // The hash of the event before; none where that cannot be read.
    let mut before: Option<EventHash> = Some(Head::EMPTY.hash);
    let mut gap = Gap::default();
    let mut events = Walk::new(*store, Revision(1), head.revision);
    // Stubs by subject, until the ledger says that the subject was erased.
    let mut stubs: BTreeMap<u32, Revision> = BTreeMap::new();
    while let Some(met) = events.next() {
        let (revision, met) = met?;
        if !matches!(met, Met::Missing) {
            gap.tell(step, verification);
        }
        let hash = match met {
            Met::Event(event, hash) => {
                if before.is_some_and(|before| event.previous_hash != before) {
                    let place = format!("e/ revision {}", revision.0 - 1);
                    step.damaged(place, "its bytes are not those that the chain was built on", &verification.rebuild());
                }
                if !event.erased_hash.is_empty() {
                    stubs.entry(event.subject_id).or_insert(revision);
                }
                if let Some(Body::SubjectErased(_)) = event.body {
                    stubs.remove(&event.subject_id);
                }
                if event.has_subject {
                    ledger.by_subject.add(&entry(event.subject_id, revision));
                    ledger.of_subjects += 1;
                    ledger.subjects = ledger.subjects.max(event.subject_id.saturating_add(1));
                }
                if let Some(kind) = kind_of(&event) {
                    ledger.by_kind.add(&entry(kind.into(), revision));
                    ledger.of_kinds += 1;
                }
                Some(hash)
            }
            Met::Misfit(hash, error) => {
                step.damaged(format!("e/ revision {revision}"), without_place(&error), &verification.rebuild());
                ledger.lost(revision);
                Some(hash)
            }
            Met::Damaged(error) => {
                // What no frame holds together has been told, value by value.
                if !frames_damaged {
                    step.damaged(format!("e/ revision {revision}"), without_place(&error), &verification.rebuild());
                }
                ledger.lost(revision);
                None
            }
            Met::Missing => {
                gap.0 = Some((gap.0.map_or(revision, |(from, _)| from), revision));
                ledger.lost(revision);
                None
            }
        };
        for anchor in anchors.remove(&revision).into_iter().flatten() {
            if hash.is_some_and(|hash| hash != anchor.head.hash) {
                differs(step, anchor, hash);
            }
        }
        before = hash;
        step.checked(1);
        verification.rest(revision.0, &mut events.bytes)?;
    }
    gap.tell(step, verification);
    for revision in stubs.into_values() {
        let what = "stands in for an event of an erased person, and no later event says that the person was erased";
        step.damaged(format!("e/ revision {revision}"), what, &verification.rebuild());
    }
    if before.is_some_and(|last| last != head.hash) {
        let place = format!("e/ revision {}", head.revision);
        step.damaged(place, "its bytes are not those that the head names", &verification.rebuild());
    }
    // Empty ledgers have an anchor too; nothing can differ from it.
    anchors.remove(&Head::EMPTY.revision);
    for anchor in anchors.into_values().flatten() {
        beyond(verification, step, anchor);
    }
    Ok(ledger)
}

impl Gap {
    fn tell(&mut self, step: &mut Stepping<'_, '_>, verification: &Verification<'_>) {
        let Some((from, through)) = self.0.take() else { return };
        let place =
            if from == through { format!("e/ revision {from}") } else { format!("e/ revisions {from} to {through}") };
        step.damaged(place, "missing from the ledger", &verification.rebuild());
    }
}

/// An anchor after the head: of a group that was committed meanwhile, or of a ledger that went on further than this.
fn beyond(verification: &Verification<'_>, step: &mut Stepping<'_, '_>, anchor: &Anchor) {
    let store = verification.store;
    if reaches(store, anchor.head.revision, verification.asked.serving) {
        match store.stored_event(anchor.head.revision) {
            Ok(Some(event)) if event.hash() == anchor.head.hash => {}
            Ok(Some(event)) => differs(step, anchor, Some(event.hash())),
            // Written after the head that is verified: the next verification reads it.
            Ok(None) | Err(_) => {}
        }
        return;
    }
    step.damaged(
        format!("e/ after revision {}", verification.head.revision),
        format!("the ledger ends here, and {} holds it through revision {}", anchor.origin, anchor.head.revision),
        &verification.rebuild(),
    );
}

fn differs(step: &mut Stepping<'_, '_>, anchor: &Anchor, found: Option<EventHash>) {
    let found = found.map_or_else(String::new, |hash| blake3::Hash::from_bytes(hash).to_hex()[..16].to_owned());
    let named = &blake3::Hash::from_bytes(anchor.head.hash).to_hex()[..16];
    step.found(
        Severity::Damage,
        format!("e/ revision {}", anchor.head.revision),
        format!("its hash begins {found}, and {} names {named}: these are two different ledgers", anchor.origin),
        "stop the server and keep both as they are: one of them was edited, or is of another store; \
         restore from a backup whose head somebody has on record",
    );
}

/// Whether the ledger has reached a revision, or does within the time that a commit may take.
pub fn reaches(store: &dyn Store, revision: Revision, serving: bool) -> bool {
    let began = std::time::Instant::now();
    loop {
        match store.head() {
            Ok(head) if head.revision >= revision => return true,
            Ok(_) | Err(_) if !serving || began.elapsed() > PATIENCE => return false,
            Ok(_) | Err(_) => thread::sleep(BETWEEN_LOOKS),
        }
    }
}

/// What an error says, without the place, which is told beside it.
fn without_place(error: &StoreError) -> String {
    match error {
        StoreError::Corrupt { fault, .. } => fault.to_string(),
        other => other.to_string(),
    }
}
