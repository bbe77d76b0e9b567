use prost::Message;

use super::super::report::TOLD_ONE_BY_ONE;
use super::*;
use crate::domain::{Revision, SubjectId};
use crate::service::faulty::FaultyStore;
use crate::store::keys::Key;
use crate::store::pb::{Event, RequestAnswer, StoredDossier};
use crate::store::spoil::{key_of, payload};
use crate::store::{View, ViewKey};

/// An event about subject 0 alone: the second version of its second record, long after the first.
fn late(store: &MemoryStore) -> Event {
    let head = store.head().unwrap().revision;
    let event =
        store.events(Revision(1), head).map(Result::unwrap).find(|event| event.revision > 120 && event.has_subject);
    event.unwrap()
}

fn dossier(subject: u32) -> ViewKey {
    ViewKey::dossier(SubjectId(subject))
}

#[test]
fn a_flipped_bit_in_an_event_is_told_once_in_its_place() {
    let (store, clock) = filled();
    store.flip(Key::event(Revision(9)).as_ref());
    assert_eq!(
        found(&store, &clock),
        ["values | e/ revision 9 | checksum differs: the value was damaged, or belongs to another key"]
    );
}

#[test]
fn a_flipped_bit_in_a_view_is_told_once_in_its_place() {
    for entry in [dossier(3), ViewKey::subject_index(SubjectId(0), Revision(3)), dossier(4)] {
        let (store, clock) = filled();
        store.flip(key_of(&entry).as_ref());
        let what = "checksum differs: the value was damaged, or belongs to another key";
        assert_eq!(found(&store, &clock), [format!("values | {entry:?} | {what}")]);
    }
}

#[test]
fn an_event_sealed_again_with_other_content_breaks_the_chain_at_its_place() {
    let (store, clock) = filled();
    let mut event = store.event(Revision(9)).unwrap().unwrap();
    event.actor = "another".to_owned();
    store.forge(&Key::event(Revision(9)), &event.encode_to_vec());
    assert_eq!(found(&store, &clock), ["chain | e/ revision 9 | its bytes are not those that the chain was built on"]);
}

#[test]
fn the_last_event_sealed_again_is_not_what_the_head_names() {
    let (store, clock) = filled();
    let head = store.head().unwrap().revision;
    let mut event = store.event(head).unwrap().unwrap();
    event.purpose = "another".to_owned();
    store.forge(&Key::event(head), &event.encode_to_vec());
    let expected = format!("chain | e/ revision {head} | its bytes are not those that the head names");
    assert_eq!(found(&store, &clock), [expected]);
}

#[test]
fn an_event_about_something_else_is_told_as_not_of_its_place() {
    let (store, clock) = filled();
    let bytes = store.raw(Key::event(Revision(9)).as_ref()).unwrap();
    store.forge(&Key::event(Revision(10)), &payload(&Key::event(Revision(9)), &bytes));
    let findings = found(&store, &clock);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert_eq!(findings[0], "chain | e/ revision 10 | its envelope says revision 9, its place says 10");
    assert_eq!(findings[1], "chain | e/ revision 10 | its bytes are not those that the chain was built on");
}

#[test]
fn missing_events_are_told_as_one_run() {
    let (store, clock) = filled();
    for revision in [9, 10, 11, 20] {
        store.spoil(Key::event(Revision(revision)).as_ref(), None);
    }
    assert_eq!(
        found(&store, &clock),
        ["chain | e/ revisions 9 to 11 | missing from the ledger", "chain | e/ revision 20 | missing from the ledger",]
    );
}

#[test]
fn an_event_beyond_the_head_is_told() {
    let (store, clock) = filled();
    let beyond = store.head().unwrap().revision.next();
    store.forge(&Key::event(beyond), b"never acknowledged");
    assert_eq!(
        found(&store, &clock),
        [format!(
            "values | e/ revision {beyond} | lies beyond the head of the ledger: it was never acknowledged, or the head was set back"
        )]
    );
}

#[test]
fn a_missing_index_entry_is_told_and_dossiers_are_compared_all_the_same() {
    let (store, clock) = filled();
    let event = late(&store);
    let (subject, revision) = (SubjectId(event.subject_id), Revision(event.revision));
    let by_subject = ViewKey::subject_index(subject, revision);
    let by_kind = ViewKey::kind_index(crate::service::group::kind_of(&event).unwrap(), revision);
    for (entry, step) in [(by_subject, "subject index"), (by_kind, "kind index")] {
        store.spoil(key_of(&entry).as_ref(), None);
        let what = "missing from the index: the event is in the ledger and is not found through it";
        assert_eq!(found(&store, &clock), [format!("{step} | {entry:?} | {what}")]);
        store.forge(&key_of(&entry), b"");
    }
    assert_eq!(found(&store, &clock), [""; 0]);
}

#[test]
fn an_index_entry_too_many_is_told_and_dossiers_are_compared_all_the_same() {
    let (store, clock) = filled();
    let event = late(&store);
    let revision = Revision(event.revision);
    let another = SubjectId(event.subject_id + 1);
    for (entry, step) in [
        (ViewKey::subject_index(another, revision), "subject index"),
        (ViewKey::kind_index(77, revision), "kind index"),
    ] {
        store.forge(&key_of(&entry), b"");
        let what = "an entry too many: the event of this revision does not belong here";
        assert_eq!(found(&store, &clock), [format!("{step} | {entry:?} | {what}")]);
        store.spoil(key_of(&entry).as_ref(), None);
    }
}

#[test]
fn an_index_entry_that_is_found_by_its_key_and_not_on_a_walk_is_told() {
    let (store, clock) = (Arc::new(FaultyStore::default()), Clock::new());
    fill(Arc::clone(&store) as Arc<dyn Store>, &clock);
    assert_eq!(found(&store, &clock), [""; 0]);
    let event = store.event(Revision(40)).unwrap().unwrap();
    let kind = crate::service::group::kind_of(&event).unwrap();
    for (entry, view) in [
        (ViewKey::subject_index(SubjectId(event.subject_id), Revision(40)), "subject"),
        (ViewKey::kind_index(kind, Revision(40)), "kind"),
    ] {
        assert!(store.get(&entry).unwrap().is_some());
        store.hide(Some(entry));
        let what = "a walk through the index does not meet the entries that are found by their keys";
        assert_eq!(found(&store, &clock), [format!("{view} index | {view}_index | {what}")]);
    }
}

#[test]
fn a_dossier_that_is_not_what_its_events_fold_to_is_told() {
    let altered = |change: fn(&mut StoredDossier)| {
        let (store, clock) = filled();
        let mut stored = StoredDossier::decode(&*store.get(&dossier(2)).unwrap().unwrap()).unwrap();
        change(&mut stored);
        store.forge(&key_of(&dossier(2)), &stored.encode_to_vec());
        found(&store, &clock)
    };
    let findings = altered(|stored| drop(stored.evidence.pop()));
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert!(
        findings[0].starts_with("dossiers | s/ subject 2 | is not what the subject's events fold to"),
        "{findings:?}"
    );
    let findings = altered(|stored| stored.revision = 1_000_000);
    assert_eq!(findings, ["dossiers | s/ subject 2 | names revision 1000000, which the ledger has not reached"]);
    let findings = altered(|stored| stored.version += 1);
    assert_eq!(findings.len(), 1, "{findings:?}");
}

#[test]
fn a_dossier_of_an_earlier_time_is_told() {
    let (store, clock) = (Arc::new(MemoryStore::new(Identity::fresh())), Clock::new());
    let mut writing = Writing::start(Arc::clone(&store) as Arc<dyn Store>, &clock);
    writing.write(vec![record(0, 0, 0)]);
    let stale = store.get(&dossier(0)).unwrap().unwrap();
    let answer = writing.write(vec![record(0, 1, 0)]);
    writing.stop();
    store.forge(&key_of(&dossier(0)), &stale);
    assert_eq!(
        found(&store, &clock),
        [format!("dossiers | s/ subject 0 | stands at revision 3, and the ledger holds event {}", answer.revision)]
    );
}

#[test]
fn a_dossier_too_few_or_too_many_is_told() {
    let (store, clock) = filled();
    let bytes = store.raw(key_of(&dossier(11)).as_ref()).unwrap();
    let value = payload(&key_of(&dossier(11)), &bytes);
    store.spoil(key_of(&dossier(11)).as_ref(), None);
    store.spoil(key_of(&dossier(5)).as_ref(), None);
    let what = "missing: the ledger holds events of this subject";
    assert_eq!(found(&store, &clock), [5, 11].map(|subject| format!("dossiers | s/ subject {subject} | {what}")));

    let (store, clock) = filled();
    store.forge(&key_of(&dossier(12)), &value);
    let what = "a dossier too many: the ledger holds no event of this subject up to its revision";
    assert_eq!(found(&store, &clock), [format!("dossiers | s/ subject 12 | {what}")]);
}

#[test]
fn parts_of_a_value_that_is_not_there_or_ends_before_them_are_told() {
    let what = "a part of a value that is not there, or that ends before it";
    let (store, clock) = filled();
    let (short, long) = (key_of(&dossier(3)), key_of(&dossier(4)));
    let part = store.raw(long.chunk(1).as_ref()).unwrap();
    store.spoil(short.chunk(1).as_ref(), Some(&part));
    assert_eq!(found(&store, &clock), [format!("values | s/ subject 3, chunk 1 | {what}")]);

    let (store, clock) = filled();
    let nobody = key_of(&dossier(900));
    store.spoil(nobody.chunk(2).as_ref(), Some(&part));
    assert_eq!(found(&store, &clock), [format!("values | s/ subject 900, chunk 2 | {what}")]);

    let (store, clock) = filled();
    store.spoil(long.chunk(1).as_ref(), None);
    assert_eq!(found(&store, &clock), ["values | s/ subject 4 | part 1 of the value is missing"]);
}

#[test]
fn keys_that_no_build_writes_are_told() {
    let (store, clock) = filled();
    let long = [b's'; 70];
    for key in [&b"x"[..], b"s/xyz", b"e/123456789/ab", b"m/other", &long] {
        store.spoil(key, Some(b"anything"));
    }
    let findings = found(&store, &clock);
    assert_eq!(findings.len(), 5, "{findings:?}");
    assert!(findings.iter().all(|finding| finding.ends_with("a key of this form is never written")), "{findings:?}");
}

#[test]
fn missing_facts_of_the_store_are_told() {
    let (store, clock) = filled();
    store.spoil(Key::incarnation().as_ref(), None);
    store.spoil(Key::view_version(View::Dossier).as_ref(), None);
    assert_eq!(
        found(&store, &clock),
        [
            "values | m/incarnation | missing, although every store has it from its creation",
            "dossiers | m/view/dossier | missing: the view was never completely built, or a rebuild was interrupted",
        ]
    );
}

#[test]
fn a_stored_head_that_is_not_that_of_the_ledger_is_told() {
    for revision in [5_u64, 1_000_000] {
        let (store, clock) = filled();
        let bytes = [&revision.to_be_bytes()[..], &[3; 32]].concat();
        store.forge(&Key::head(), &bytes);
        assert_eq!(found(&store, &clock), ["values | m/head | names another head than that of the ledger"]);
    }
}

#[test]
fn an_answer_that_is_not_what_was_answered_is_told() {
    let (store, clock) = filled();
    let head = store.head().unwrap().revision;
    let event = store.event(head).unwrap().unwrap();
    let entry = ViewKey::request(&event.actor, &event.request_id.clone().try_into().unwrap());
    let answer = event.answer.unwrap();

    let altered = RequestAnswer { request_digest: vec![9; 32], ..answer.clone() };
    store.forge(&key_of(&entry), &altered.encode_to_vec());
    let what = format!("is not the answer that event {head} carries");
    assert_eq!(found(&store, &clock), [format!("request answers | {entry:?} | {what}")]);

    let other = ViewKey::request("somebody else", &[1; 16]);
    store.forge(&key_of(&entry), &answer.encode_to_vec());
    store.forge(&key_of(&other), &answer.encode_to_vec());
    assert_eq!(found(&store, &clock), [format!("request answers | {other:?} | {what}")]);

    store.spoil(key_of(&other).as_ref(), None);
    store.spoil(key_of(&entry).as_ref(), None);
    let what = "missing, and it has not expired: the same request sent again would be carried out again";
    assert_eq!(found(&store, &clock), [format!("request answers | r/ the answer of e/ revision {head} | {what}")]);
    clock.pass(80);
    assert_eq!(found(&store, &clock), [""; 0], "an expired answer may go");
}

#[test]
fn standings_that_the_ledger_does_not_fold_to_are_told() {
    let (store, clock) = filled();
    let mut writing = Writing::start(Arc::clone(&store) as Arc<dyn Store>, &clock);
    let published = |writing: &Writing| {
        writing.runtime.block_on(writing.service.standings(crate::service::Seen::default())).unwrap()
    };
    let asked = |standings| Asked { serving: true, standings: StandingsAsked::Published(standings), ..at_rest(&clock) };
    let before = published(&writing);
    assert_eq!(told(&verified(&*store, &asked(Arc::clone(&before))).1), [""; 0]);
    writing.write(vec![record(200, 0, 0)]);
    let (outcome, findings) = verified(&*store, &asked(Arc::clone(&before)));
    assert_eq!(told(&findings), [""; 0], "they are compared at their own revision");
    let digest = crate::ranking::standings_digest;
    assert_eq!(outcome.standings, Some(digest(&before)));
    assert_ne!(outcome.standings, Some(digest(&published(&writing))));
    writing.stop();

    let mut stored = StoredDossier::decode(&*store.get(&dossier(2)).unwrap().unwrap()).unwrap();
    stored.evidence.clear();
    store.forge(&key_of(&dossier(2)), &stored.encode_to_vec());
    let (_, findings) = verified(&*store, &Asked { standings: StandingsAsked::Views, ..at_rest(&clock) });
    assert!(told(&findings)[1].contains("the ledger folds to standings "), "{findings:?}");
}

#[test]
fn a_store_in_ruins_is_not_told_value_by_value() {
    let (store, clock) = filled();
    let head = store.head().unwrap().revision;
    for revision in 3..head.0 {
        store.flip(Key::event(Revision(revision)).as_ref());
    }
    let (outcome, findings) = verified(&*store, &at_rest(&clock));
    assert_eq!(outcome.damage(), head.0 - 3);
    assert_eq!(told(&findings).len() as u64, TOLD_ONE_BY_ONE + 1);
    assert!(told(&findings).last().unwrap().contains("further findings of this step are counted"));
}

#[test]
fn what_to_do_names_what_the_store_can_be_rebuilt_from() {
    let (store, clock) = filled();
    store.flip(Key::event(Revision(9)).as_ref());
    let remedy = |rebuilt_from| {
        let (_, findings) = verified(&*store, &Asked { rebuilt_from, ..at_rest(&clock) });
        findings[0].remedy.clone()
    };
    assert!(remedy(Some("backup B and the journal".to_owned())).ends_with("rebuilt from backup B and the journal"));
    assert!(remedy(None).contains("no verified backup is known"));
}
