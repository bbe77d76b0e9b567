use proptest::prelude::*;

use super::*;
use crate::domain::Revision;
use crate::ranking::Sight;
use crate::ranking::filter::Filter;
use crate::ranking::query::Start;
use crate::ranking::sample::{Invented, People, crowd_member, person};

/// Two snapshots answer every question alike.
fn assert_alike(left: &Standings, right: &Standings, officers: &[&str], areas: &[&str]) {
    let every = usize::MAX;
    for list in List::ALL.iter().copied() {
        let page =
            |standings: &Standings, filter: &Filter| standings.page(list, filter, &Sight::EVERYBODY, Start::Top, every);
        let mut filters = vec![Filter::default()];
        filters.extend(areas.iter().map(|area| Filter { areas: vec![(*area).to_owned()], ..Filter::default() }));
        filters.extend(
            officers
                .iter()
                .map(|officer| Filter { offender_managers: vec![(*officer).to_owned()], ..Filter::default() }),
        );
        for filter in filters {
            assert_eq!(page(left, &filter), page(right, &filter), "{list:?} {filter:?}");
            assert_eq!(
                left.summary(list, &filter, &Sight::EVERYBODY),
                right.summary(list, &filter, &Sight::EVERYBODY),
                "{list:?} {filter:?}"
            );
        }
    }
    for subject in (0..u32::try_from(left.subjects()).unwrap()).map(SubjectId) {
        assert_eq!(left.row(subject), right.row(subject));
        assert!(Arc::ptr_eq(left.dossier(subject).unwrap(), right.dossier(subject).unwrap()));
    }
    assert_eq!(left.subjects(), right.subjects());
}

const OFFICERS: [&str; 2] = ["O-0", "O-1"];
const AREAS: [&str; 3] = ["A-0", "A-1", "A-2"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn writes_one_group_after_another_come_to_what_loading_gives(
        first in prop::collection::vec(crowd_member(), 0..150),
        groups in prop::collection::vec(prop::collection::vec((0_usize..200, crowd_member()), 0..40), 1..5),
    ) {
        let reference = |n: usize| format!("{:03}", n * 37 % 1_000);
        let mut everyone: Vec<Invented> = first.iter().enumerate().map(|(n, told)| person(&reference(n), told)).collect();
        let people = People::of(everyone.clone());
        let mut standings = people.standings();
        for (revision, group) in (2..).zip(groups) {
            let before = (standings.page(List::All, &Filter::default(), &Sight::EVERYBODY, Start::Top, usize::MAX), standings.subjects());
            let mut changes = Vec::new();
            for (place, told) in group {
                let place = place.min(everyone.len());
                let changed = person(&reference(place), &told);
                changes.push(people.change(SubjectId(u32::try_from(place).unwrap()), &changed));
                if place == everyone.len() {
                    everyone.push(changed);
                } else {
                    everyone[place] = changed;
                }
            }
            let next = standings.with(&changes, people.meta(revision));
            let after = (standings.page(List::All, &Filter::default(), &Sight::EVERYBODY, Start::Top, usize::MAX), standings.subjects());
            prop_assert_eq!(before, after, "the old snapshot stays");
            prop_assert_eq!(next.revision(), Revision(revision));
            standings = next;
        }
        let names = (Arc::clone(&people.names), Arc::clone(&people.references));
        let all = (0..).zip(&everyone).map(|(n, person)| people.change(SubjectId(n), person));
        let loaded =
            Standings::load(people.meta(9), names.0, names.1, all.map(|change| (change.dossier, change.row)));
        assert_alike(&standings, &loaded, &OFFICERS, &AREAS);
        for (place, person) in everyone.iter().enumerate() {
            let found = standings.find(person.dossier.subject_ref());
            prop_assert_eq!(found.map(SubjectId::index), Some(place));
        }
    }
}

#[test]
fn a_new_reference_moves_a_person_among_their_equals() {
    let people = People::of(["B", "C", "D", "E"].map(|reference| person(reference, "area=A-0")));
    let standings = people.standings();
    let changes =
        [people.change(SubjectId(3), &person("A", "area=A-0")), people.change(SubjectId(0), &person("Z", "area=A-0"))];
    let standings = standings.with(&changes, people.meta(2));
    let filter = Filter { areas: vec!["A-0".to_owned()], ..Filter::default() };
    for filter in [Filter::default(), filter] {
        let page = standings.page(List::All, &filter, &Sight::EVERYBODY, Start::Top, 9);
        let order: Vec<u32> = page.rows.iter().map(|row| row.subject.0).collect();
        assert_eq!(order, [3, 1, 2, 0]);
    }
}

#[test]
fn a_facet_gained_without_a_move_is_found() {
    let people = People::of((0..2_000).map(|n| person(&format!("{n:04}"), "")));
    let changed = person("1500", "remand");
    let standings = people.standings().with(&[people.change(SubjectId(1_500), &changed)], people.meta(2));
    let filter = Filter { custody: Some(crate::domain::word::CustodyState::Remand), ..Filter::default() };
    let page = standings.page(List::All, &filter, &Sight::EVERYBODY, Start::Top, 9);
    assert_eq!(page.rows.iter().map(|row| (row.subject.0, row.position)).collect::<Vec<_>>(), [(1_500, 1_501)]);
}

#[test]
fn a_subject_not_yet_in_the_snapshot_is_not_found() {
    let people = People::of([person("A", "")]);
    let standings = people.standings();
    let change = people.change(SubjectId(1), &person("B", ""));
    assert_eq!(standings.find("B"), None);
    assert_eq!(standings.with(&[change], people.meta(2)).find("B"), Some(SubjectId(1)));
}

#[test]
#[should_panic(expected = "without a gap")]
fn subjects_leave_no_gap() {
    let people = People::of([person("A", "")]);
    let change = people.change(SubjectId(2), &person("B", ""));
    drop(people.standings().with(&[change], people.meta(2)));
}

#[test]
fn what_a_write_allots_follows_the_people_changed_and_not_the_people_held() {
    let cost = |held: usize| {
        let people = People::of((0..held).map(|n| person(&format!("{n:06}"), "area=A-0")));
        let standings = people.standings();
        let change = people.change(SubjectId(7), &person("000007", "area=A-0 composite=9"));
        standings.with(&[change], people.meta(2)).allotted.blocks - standings.allotted.blocks
    };
    let (few, many) = (cost(4_000), cost(16_000));
    assert!(many < few * 2, "{few} bytes, then {many}");
    assert!(many < 64_000, "{many} bytes");
}

#[test]
fn a_list_changes_with_those_who_stand_on_it_and_with_nobody_else() {
    let people = People::of([person("A", "managed composite=61000"), person("B", "reason=ESCAPE")]);
    let first = people.standings();
    let changed = |standings: &Standings, list| standings.changed(list).0;
    let more = people.change(SubjectId(0), &person("A", "managed composite=97000"));
    let second = first.with(&[more], people.meta(2));
    assert_eq!((changed(&second, List::Cohort), changed(&second, List::Wanted)), (2, 1));
    assert_eq!(changed(&second, List::All), 2, "everybody stands on it");
    let left = people.change(SubjectId(0), &person("A", ""));
    let third = second.with(&[left], people.meta(3));
    assert_eq!(changed(&third, List::Cohort), 3, "somebody left it");
    let fourth = third.with(&[], Meta { generation: 1, ..people.meta(4) });
    assert!(List::ALL.iter().all(|list| changed(&fourth, *list) == 4), "everybody was weighed anew");
}
