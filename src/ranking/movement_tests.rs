use proptest::prelude::*;

use super::*;
use crate::ranking::sample::{Invented, People, crowd_member, person};

/// The same people twice, told by a line each; no first line: they were not held before.
fn twice(lines: &[(&str, Option<&str>, &str)]) -> (Standings, Standings) {
    let of = |told: Vec<(&str, &str)>| People::of(told.iter().map(|(name, told)| person(name, told))).standings();
    // Whoever is new comes last, as numbers are only ever added.
    let mut lines = lines.to_vec();
    lines.sort_by_key(|(_, before, _)| before.is_none());
    let before = lines.iter().filter_map(|(name, before, _)| before.map(|before| (*name, before))).collect();
    (of(before), of(lines.iter().map(|(name, _, after)| (*name, *after)).collect()))
}

fn asked(list: List, size: usize) -> Asked {
    Asked { list, kinds: Vec::new(), areas: Vec::new(), after: None, size, sight: Sight::EVERYBODY }
}

fn told(after: &Standings, movements: &Movements) -> Vec<String> {
    let name = |movement: &Movement| after.reference(movement.subject).to_owned();
    movements.rows.iter().map(|it| format!("{} {:?} {:+}", name(it), it.kind, it.change())).collect()
}

#[test]
fn every_kind_is_told_apart_and_the_order_is_band_then_membership_then_change() {
    let (before, after) = twice(&[
        ("same", Some("managed composite=5000"), "managed composite=5000"),
        ("rose", Some("managed composite=5000"), "managed composite=5100"),
        ("fell", Some("managed composite=5000"), "managed composite=4000"),
        ("up", Some("managed composite=24900"), "managed composite=25100 band=MEDIUM"),
        ("down", Some("managed composite=70000 band=VERY_HIGH"), "managed composite=41000 band=HIGH"),
        ("selected", Some("composite=900"), "managed composite=900"),
        ("deselected", Some("managed composite=900"), "composite=901"),
        ("never", Some("composite=900"), "composite=9000"),
        ("new", None, "managed composite=61000 band=VERY_HIGH"),
        ("overridden", Some("managed composite=5000"), "managed composite=5000 band=HIGH overridden"),
    ]);
    let found = after.movements(&before, &asked(List::Cohort, 50));
    assert_eq!(
        told(&after, &found),
        [
            "new Entered +61000",
            "up ChangedBand +200",
            "overridden ChangedBand +0",
            "down ChangedBand -29000",
            "selected Entered +0",
            "deselected Left +1",
            "fell Fell -1000",
            "rose Rose +100",
        ]
    );
    assert_eq!((found.counts, found.next), ([2, 1, 1, 1, 3], None));
    let of = |name: &str| *found.rows.iter().find(|row| after.reference(row.subject) == name).unwrap();
    assert_eq!(of("new").before, None);
    assert_eq!(of("new").after.rank, Some(1));
    assert_eq!((of("deselected").before.unwrap().rank.is_some(), of("deselected").after.rank), (true, None));
    assert_eq!((of("selected").before.unwrap().rank, of("selected").before.unwrap().composite.get()), (None, 900));
}

#[test]
fn whoever_was_only_passed_has_not_moved() {
    let (before, after) =
        twice(&[("still", Some("composite=5000"), "composite=5000"), ("other", Some(""), "composite=9000")]);
    let subject = after.people(List::All).last().unwrap();
    assert_ne!(before.place(List::All, subject).unwrap().rank, after.place(List::All, subject).unwrap().rank);
    let found = after.movements(&before, &asked(List::All, 50));
    assert_eq!(told(&after, &found), ["other Rose +9000"]);
}

#[test]
fn kinds_narrow_rows_and_areas_narrow_counts_too() {
    let (before, after) = twice(&[
        ("a", Some("composite=1 area=North"), "composite=3"),
        ("b", Some("composite=3"), "composite=1 area=North"),
        ("c", Some("composite=3"), "composite=1"),
    ]);
    let fell = Asked { kinds: vec![MovementKind::Fell], ..asked(List::All, 50) };
    let found = after.movements(&before, &fell);
    assert_eq!((told(&after, &found).len(), found.counts), (2, [0, 0, 1, 2, 0]));
    let found = after.movements(&before, &Asked { areas: vec!["North".to_owned()], ..fell.clone() });
    assert_eq!((told(&after, &found), found.counts), (vec!["b Fell -2".to_owned()], [0, 0, 1, 1, 0]));
    let found = after.movements(&before, &Asked { areas: vec!["Nowhere".to_owned()], ..fell });
    assert_eq!(found.counts, [0; 5]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pages_joined_are_everybody_who_moved_once_and_in_order(
        crowd in prop::collection::vec((crowd_member(), crowd_member()), 0..60),
        new in prop::collection::vec(crowd_member(), 0..5),
        size in 1..7_usize,
        list in prop::sample::select(List::ALL.to_vec()),
    ) {
        let named = |(place, told): (usize, &String)| -> Invented { person(&format!("P-{:02}", place * 7 % 97), told) };
        let of = |told: Vec<&String>| People::of(told.into_iter().enumerate().map(named)).standings();
        let before = of(crowd.iter().map(|(before, _)| before).collect());
        let after = of(crowd.iter().map(|(_, after)| after).chain(&new).collect());
        let whole = after.movements(&before, &asked(list, 1_000));
        let mut joined = Vec::new();
        let mut ask = asked(list, size);
        loop {
            let page = after.movements(&before, &ask);
            prop_assert_eq!(page.counts, whole.counts);
            joined.extend(page.rows);
            let Some(next) = page.next else { break };
            ask.after = Some(next);
        }
        prop_assert_eq!(&joined, &whole.rows);
        let family = list.family();
        // By the rows themselves, without the order.
        let mut expected = Vec::new();
        for subject in (0..u32::try_from(after.subjects()).unwrap()).map(SubjectId) {
            let (was, is) = (before.row(subject), after.row(subject).unwrap());
            let on = |row: &Row| row.lists.holds(list);
            let of = |row: &Row| (row.composed(family).effective, row.composed(family).point);
            let moved = was.is_some_and(on) != on(is) || on(is) && was.map(of) != Some(of(is));
            expected.extend(moved.then_some(subject));
        }
        let mut found: Vec<SubjectId> = joined.iter().map(|row| row.subject).collect();
        found.sort_unstable();
        prop_assert_eq!(found, expected);
        prop_assert_eq!(whole.counts.iter().sum::<u32>() as usize, joined.len());
        for pair in joined.windows(2) {
            let up = |row: &Movement| row.after.band > row.before.map_or(Band::Low, |side| side.band);
            prop_assert!(up(&pair[0]) || !up(&pair[1]), "bands that rose come first");
        }
    }
}
