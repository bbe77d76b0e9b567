use proptest::prelude::*;

use super::*;
use crate::domain::SubjectId;
use crate::ranking::movement::Asked;
use crate::ranking::sample::{People, crowd_member, person};
use crate::ranking::{Placed, Start};

/// Some areas or all, some lists or all, children or not.
fn told() -> impl Strategy<Value = (Option<Vec<&'static str>>, Option<Vec<List>>, bool)> {
    let areas = prop::sample::subsequence(vec!["A-0", "A-1", "A-2", "nowhere"], 0..=3);
    let lists = prop::sample::subsequence(List::ALL.to_vec(), 0..=4);
    (prop::option::of(areas), prop::option::of(lists), any::<bool>())
}

fn sight(standings: &Standings, told: &(Option<Vec<&'static str>>, Option<Vec<List>>, bool)) -> Sight {
    Sight::new(standings.names(), told.0.clone(), told.1.clone(), told.2)
}

/// Whether a person is in sight, from their dossier and nothing else.
fn seen(
    standings: &Standings,
    told: &(Option<Vec<&'static str>>, Option<Vec<List>>, bool),
    subject: SubjectId,
) -> bool {
    let (row, dossier) = standings.person(subject).unwrap();
    let areas: Vec<&str> = dossier.person().into_iter().flat_map(|person| person.areas()).collect();
    (told.2 || !row.lists.holds(List::Children))
        && told.0.as_ref().is_none_or(|seen| areas.iter().any(|area| seen.contains(area)))
}

fn crowd(told: &[String]) -> Standings {
    People::of(told.iter().enumerate().map(|(n, told)| person(&format!("{n:04}"), told))).standings()
}

fn page(standings: &Standings, list: List, sight: &Sight) -> Vec<Placed> {
    standings.page(list, &Filter::default(), sight, Start::Top, usize::MAX).rows
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whoever_is_out_of_sight_is_in_no_page_count_or_neighbourhood(
        people in prop::collection::vec(crowd_member(), 1..300),
        told in told(),
        k in 0_usize..5,
    ) {
        let standings = crowd(&people);
        let sight = sight(&standings, &told);
        for list in List::ALL.iter().copied() {
            let whole = page(&standings, list, &Sight::EVERYBODY);
            // Those of the whole list who are in sight, each with the rank and position of the whole list.
            let mut expected: Vec<Placed> =
                whole.into_iter().filter(|placed| seen(&standings, &told, placed.subject)).collect();
            for (place, placed) in (1..).zip(&mut expected) {
                placed.filtered_position = place;
            }
            prop_assert_eq!(&page(&standings, list, &sight), &expected);
            prop_assert_eq!(standings.size_in(list, &sight), expected.len());
            prop_assert_eq!(standings.size_in(list, &sight), expected.len(), "counted once, told twice");
            let summary = standings.summary(list, &Filter::default(), &sight);
            prop_assert_eq!(summary.size as usize, expected.len());
            if let Some(areas) = &told.0 {
                prop_assert!(summary.by_area.iter().all(|(name, _)| areas.contains(&&**name)), "an area is named");
            }
            for (place, own) in expected.iter().enumerate() {
                let found = standings.neighbours(list, &sight, own.subject, k).expect("on the list");
                let bare = |placed: &[Placed]| -> Vec<(SubjectId, u32, u32)> {
                    placed.iter().map(|placed| (placed.subject, placed.rank, placed.position)).collect()
                };
                prop_assert_eq!(bare(&found.above), bare(&expected[place.saturating_sub(k)..place]));
                prop_assert_eq!(bare(&[found.subject]), bare(&[*own]));
                let below: Vec<Placed> = expected[place + 1..].iter().take(k).copied().collect();
                prop_assert_eq!(bare(&found.below), bare(&below));
            }
        }
    }

    #[test]
    fn a_filter_by_an_area_shows_nobody_who_is_out_of_sight(
        people in prop::collection::vec(crowd_member(), 1..200),
        told in told(),
        asked in prop::sample::subsequence(vec!["A-0", "A-1", "A-2"], 1..=2),
        officer in prop::sample::select(vec!["", "O-0"]),
    ) {
        let standings = crowd(&people);
        let sight = sight(&standings, &told);
        let officers = if officer.is_empty() { Vec::new() } else { vec![officer.to_owned()] };
        let areas = asked.iter().map(ToString::to_string).collect();
        let filter = Filter { areas, offender_managers: officers, ..Filter::default() };
        for list in List::ALL.iter().copied() {
            let rows = |sight| standings.page(list, &filter, sight, Start::Top, usize::MAX).rows;
            let whole = rows(&Sight::EVERYBODY).into_iter().map(|placed| placed.subject);
            let expected: Vec<SubjectId> = whole.filter(|subject| seen(&standings, &told, *subject)).collect();
            let found: Vec<SubjectId> = rows(&sight).into_iter().map(|placed| placed.subject).collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn whoever_is_out_of_sight_moved_for_nobody(
        people in prop::collection::vec(crowd_member(), 1..100),
        others in prop::collection::vec((0_usize..100, crowd_member()), 0..40),
        told in told(),
    ) {
        let reference = |n: usize| format!("{n:04}");
        let crowd = People::of(people.iter().enumerate().map(|(n, told)| person(&reference(n), told)));
        let before = crowd.standings();
        let changes: Vec<_> = others
            .iter()
            .filter(|(n, _)| *n < people.len())
            .map(|(n, told)| crowd.change(SubjectId(u32::try_from(*n).unwrap()), &person(&reference(*n), told)))
            .collect();
        let after = before.with(&changes, crowd.meta(2));
        let sight = sight(&after, &told);
        for list in List::ALL.iter().copied() {
            let asked = |sight: Sight| Asked {
                list,
                kinds: Vec::new(),
                areas: Vec::new(),
                after: None,
                size: 1_000,
                sight,
            };
            let whole = after.movements(&before, &asked(Sight::EVERYBODY));
            let found = after.movements(&before, &asked(sight.clone()));
            let expected: Vec<_> =
                whole.rows.into_iter().filter(|row| seen(&after, &told, row.subject)).collect();
            prop_assert_eq!(usize::try_from(found.counts.iter().sum::<u32>()).unwrap(), expected.len());
            prop_assert_eq!(found.rows, expected);
        }
    }
}

#[test]
fn a_list_that_is_not_admitted_is_told_from_one_that_is_empty() {
    let standings = crowd(&["area=A-0 since=19000".to_owned(), "area=A-0 managed".to_owned()]);
    let wanted = Sight::new(standings.names(), None::<[&str; 0]>, Some([List::Outstanding]), false);
    assert!(wanted.admits(List::Outstanding) && !wanted.admits(List::Cohort) && !wanted.admits(List::Children));
    assert!(!Sight::new(standings.names(), None::<[&str; 0]>, None::<[List; 0]>, false).admits(List::Children));
    let row = |n| standings.row(SubjectId(n)).unwrap();
    assert!(wanted.knows(row(0)), "stands on a list that may be read");
    assert!(!wanted.knows(row(1)), "stands on none that may be read");
}
