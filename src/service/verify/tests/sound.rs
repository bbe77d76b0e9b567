use super::super::{Anchor, Pace, Step};
use super::*;
use crate::domain::Revision;
use crate::service::start;
use crate::store::{Head, SledStore, View};

#[test]
fn a_store_in_memory_is_sound() {
    let (store, clock) = filled();
    let asked = Asked { standings: StandingsAsked::Views, ..at_rest(&clock) };
    let (outcome, findings) = verified(&*store, &asked);
    assert_eq!(told(&findings), [""; 0]);
    assert!(outcome.sound());
    assert_eq!(outcome.head, store.head().unwrap());
    let counts: Vec<(Step, u64)> = outcome.steps.iter().map(|step| (step.step, step.checked)).collect();
    let subject_events = 12 * 3 + 100 + 6 * 2;
    // Beside these: the policy, the day, and a request that had nothing to write.
    assert_eq!(
        counts[1..],
        [
            (Step::Chain, subject_events + 3),
            (Step::SubjectIndex, subject_events),
            (Step::KindIndex, subject_events + 2),
            (Step::Requests, 13),
            (Step::Dossiers, 12),
            (Step::Standings, 12),
        ]
    );
}

#[test]
fn a_store_on_disk_is_sound_again_after_it_was_closed() {
    let (home, clock) = (tempfile::tempdir().unwrap(), Clock::new());
    let open = || Arc::new(SledStore::open(home.path(), 16 << 20).unwrap());
    fill(open(), &clock);
    let store = open();
    assert!(
        crate::store::spoil::key_of(&crate::store::ViewKey::dossier(crate::domain::SubjectId(4)))
            .chunk(1)
            .as_ref()
            .len()
            > 6
    );
    assert!(store.get(&crate::store::ViewKey::dossier(crate::domain::SubjectId(4))).unwrap().unwrap().len() > 5_000);
    assert_eq!(found(&store, &clock), [""; 0]);
}

#[test]
fn a_store_without_any_event_is_sound() {
    let store = MemoryStore::new(Identity::fresh());
    start::read(&store, tables()).unwrap();
    let (outcome, findings) = verified(&store, &at_rest(&Clock::new()));
    assert_eq!((told(&findings), outcome.head), (Vec::new(), Head::EMPTY));
}

#[test]
fn answers_that_expired_and_were_never_removed_are_sound() {
    let (store, clock) = filled();
    clock.pass(80);
    assert_eq!(found(&store, &clock), [""; 0]);
}

#[test]
fn a_view_that_was_never_built_is_a_warning_at_rest_and_damage_while_serving() {
    let (store, clock) = filled();
    store.replace_view(View::KindIndex, 0, &mut std::iter::empty()).unwrap();
    let (outcome, findings) = verified(&*store, &at_rest(&clock));
    assert_eq!(told(&findings), ["kind index | m/view/kind_index | built by another version: 0, this one builds 1"]);
    assert_eq!((outcome.damage(), outcome.warnings(), outcome.sound()), (0, 1, true));
    let (outcome, _) = verified(&*store, &Asked { serving: true, ..at_rest(&clock) });
    assert_eq!((outcome.damage(), outcome.warnings(), outcome.sound()), (1, 0, false));
}

#[test]
fn a_head_known_outside_that_the_ledger_does_not_lead_to_is_damage() {
    let (store, clock) = filled();
    let head = store.head().unwrap();
    let anchor =
        |revision: u64, hash| Anchor { head: Head { revision: Revision(revision), hash }, origin: "B".to_owned() };
    let hash_of = |revision| store.stored_event(Revision(revision)).unwrap().unwrap().hash();
    let with = |anchors| told(&verified(&*store, &Asked { anchors, ..at_rest(&clock) }).1);
    assert_eq!(with(vec![anchor(7, hash_of(7)), Anchor { head, origin: "J".to_owned() }, anchor(0, [0; 32])]), [""; 0]);
    let findings = with(vec![anchor(7, [0xAB; 32]), anchor(head.revision.0 + 3, [1; 32])]);
    assert_eq!(findings.len(), 2, "{findings:?}");
    assert!(findings[0].starts_with("chain | e/ revision 7 | its hash begins "), "{findings:?}");
    assert!(findings[0].contains("B names abababababababab"), "{findings:?}");
    assert_eq!(
        findings[1],
        format!(
            "chain | e/ after revision {} | the ledger ends here, and B holds it through revision {}",
            head.revision,
            head.revision.0 + 3
        )
    );
}

#[test]
fn it_is_given_up_when_nobody_wants_it_and_is_then_not_called_sound() {
    struct Nobody;
    impl Pace for Nobody {
        fn rest(&self, _: u64) {}
        fn given_up(&self) -> bool {
            true
        }
    }
    let (store, clock) = filled();
    let outcome = verify(&*store, tables(), &at_rest(&clock), &Nobody, &mut |_| ()).unwrap();
    assert!(outcome.given_up && !outcome.sound());
    assert_eq!(outcome.steps.len(), 1);
}
