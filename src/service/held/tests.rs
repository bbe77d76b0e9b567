use pb::RecordState::{InForce, Superseded, Withdrawn};

use super::*;
use crate::access::Caller;
use crate::service::faulty::FaultyStore;
use crate::service::verify::tests::{Clock, Writing, record};
use crate::store::spoil::key_of;
use crate::store::{Identity, KeySpan, MemoryStore, View};

/// The person whose records are asked for.
const PERSON: SubjectId = SubjectId(1);

/// A person with a record of three versions, one that was withdrawn and written again, and one withdrawn for good, among
/// others who are written to before, meanwhile and after.
fn filled<S: Store>(store: S) -> (Arc<S>, Writing) {
    let store = Arc::new(store);
    let mut writing = Writing::start(Arc::clone(&store) as Arc<dyn Store>, &Clock::new());
    for subject in 0..3 {
        writing.write((0..3).map(|id| record(subject, id, 0)).collect());
    }
    for version in 1..3 {
        writing.write(vec![record(0, 0, version), record(1, 0, version), record(2, 0, version)]);
    }
    writing.withdraw(1, 1);
    writing.write(vec![record(1, 1, 1)]);
    writing.withdraw(1, 2);
    writing.write(vec![record(2, 1, 1)]);
    (store, writing)
}

fn asked(page_token: &str) -> pb::ListEvidenceRequest {
    pb::ListEvidenceRequest {
        subject_ref: "S-1".to_owned(),
        include_history: true,
        page_token: page_token.to_owned(),
        ..pb::ListEvidenceRequest::default()
    }
}

fn page(writing: &Writing, token: &str, size: usize) -> Result<pb::ListEvidenceResponse, Fault> {
    writing.wait(writing.service.evidence(&Caller::loopback(), asked(token), size)).map(|told| told.answer)
}

fn whole(writing: &Writing) -> Result<Vec<pb::HeldRecord>, Fault> {
    page(writing, "", 100).map(|answer| answer.records)
}

fn entries(store: &impl Store) -> Vec<ViewKey> {
    store.scan_subject(PERSON, Revision(1), Revision(u64::MAX)).map(|entry| entry.unwrap().0).collect()
}

#[test]
fn versions_are_told_with_their_states() {
    let (_, writing) = filled(MemoryStore::new(Identity::fresh()));
    let held = whole(&writing).unwrap();
    let states: Vec<_> = held.iter().map(|held| (held.record.as_ref().unwrap().id.as_str(), held.state())).collect();
    assert_eq!(
        states,
        [
            ("r-1-0", Superseded),
            ("r-1-1", Withdrawn),
            ("r-1-2", Withdrawn),
            ("r-1-0", Superseded),
            ("r-1-0", InForce),
            ("r-1-1", InForce),
        ]
    );
}

#[test]
fn an_index_that_lacks_an_entry_gives_no_answer() {
    let (store, writing) = filled(MemoryStore::new(Identity::fresh()));
    let before = whole(&writing).unwrap();
    let entries = entries(&*store);
    assert_eq!(entries.len(), 8);
    for entry in entries {
        let bytes = store.raw(key_of(&entry).as_ref()).unwrap();
        store.spoil(key_of(&entry).as_ref(), None);
        assert!(matches!(whole(&writing), Err(Fault::Internal)), "{entry:?}");
        store.spoil(key_of(&entry).as_ref(), Some(&bytes));
        assert_eq!(whole(&writing).unwrap(), before, "{entry:?}");
    }
}

#[test]
fn an_index_that_ends_early_or_leads_to_others_gives_no_answer() {
    let (store, writing) = filled(MemoryStore::new(Identity::fresh()));
    let before = whole(&writing).unwrap();
    let all = entries(&*store);
    for kept in 0..all.len() {
        let gone = &all[kept..];
        for entry in gone {
            store.spoil(key_of(entry).as_ref(), None);
        }
        assert!(matches!(whole(&writing), Err(Fault::Internal)), "{kept} kept");
        for entry in gone {
            store.forge(&key_of(entry), b"");
        }
    }
    let mine: Vec<_> = all.iter().filter_map(ViewKey::revision).collect();
    let head = store.head().unwrap().revision;
    for revision in (1..=head.0).map(Revision).filter(|revision| !mine.contains(revision)) {
        let entry = ViewKey::subject_index(PERSON, revision);
        store.forge(&key_of(&entry), b"");
        assert!(matches!(whole(&writing), Err(Fault::Internal)), "{revision}");
        store.spoil(key_of(&entry).as_ref(), None);
    }
    assert_eq!(whole(&writing).unwrap(), before);
}

#[test]
fn later_pages_of_an_earlier_revision_are_checked_too() {
    let (store, mut writing) = filled(MemoryStore::new(Identity::fresh()));
    let before = whole(&writing).unwrap();
    let first = page(&writing, "", 2).unwrap();
    assert_eq!(first.records[..], before[..2]);
    writing.write(vec![record(1, 0, 3), record(1, 7, 0)]);
    let rest = || page(&writing, &first.next_page_token, 100);
    assert_eq!(rest().unwrap().records[..], before[2..], "as at the revision of the first page");
    for entry in entries(&*store) {
        store.spoil(key_of(&entry).as_ref(), None);
        assert!(matches!(rest(), Err(Fault::Internal)), "{entry:?}");
        store.forge(&key_of(&entry), b"");
    }
    assert_eq!(rest().unwrap().records[..], before[2..]);
}

#[test]
fn what_a_walk_misses_is_told_to_the_next_start() {
    let (store, writing) = filled(FaultyStore::default());
    let last = *entries(&*store).last().unwrap();
    whole(&writing).unwrap();
    assert_eq!(store.suspected(), None);
    store.hide(Some(last));
    assert!(matches!(whole(&writing), Err(Fault::Internal)));
    let told = store.suspected().unwrap();
    assert!(told.ends_with("the index does not lead to what the ledger holds"), "{told}");
    // A start that builds the views anew does not take them for whole.
    writing.stop();
    for view in [View::SubjectIndex, View::KindIndex] {
        let hidden = store.scan(&KeySpan::all(view)).last().unwrap().unwrap().0;
        store.hide(Some(hidden));
        store.begin_views(&[view]).unwrap();
        let refused = crate::service::start::read(&*store, crate::reference::tables()).map(drop).unwrap_err();
        assert!(refused.is_damage() && refused.to_string().contains(view.name()), "{refused}");
        store.hide(None);
        crate::service::start::read(&*store, crate::reference::tables()).map(drop).unwrap();
    }
}
