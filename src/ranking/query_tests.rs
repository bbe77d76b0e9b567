use std::cmp::Reverse;

use proptest::prelude::*;

use super::*;
use crate::domain::word::{Band, Circulation, CohortStatus, CustodyState, OutstandingReason};
use crate::ranking::key::Lookup;
use crate::ranking::place::Neighbours;
use crate::ranking::row::Row;
use crate::ranking::sample::{AS_OF, People, crowd_member, person};

/// A list in order, by comparing rows and nothing else.
fn in_order(standings: &Standings, list: List) -> Vec<SubjectId> {
    let mut subjects: Vec<SubjectId> = (0..u32::try_from(standings.subjects()).unwrap())
        .map(SubjectId)
        .filter(|subject| standings.row(*subject).unwrap().lists.holds(list))
        .collect();
    subjects.sort_by_key(|subject| {
        let row = standings.row(*subject).unwrap();
        let composed = row.composed(list.family());
        (
            Reverse((composed.effective, composed.point, row.harm, row.threat, row.risk)),
            row.outstanding_since().map_or(i32::MAX, crate::domain::Date::days),
            standings.reference(*subject).to_owned(),
        )
    });
    subjects
}

/// A list in order with places, counted by hand.
fn placed(standings: &Standings, list: List, filter: &Filter) -> Vec<Placed> {
    let merit = |subject: SubjectId| {
        let composed = standings.row(subject).unwrap().composed(list.family());
        (composed.effective, composed.point)
    };
    let order = in_order(standings, list);
    let mut all = Vec::new();
    for (place, subject) in order.iter().enumerate() {
        let above = order.iter().filter(|other| merit(**other) > merit(*subject)).count();
        if matches(standings, list, filter, *subject) {
            all.push(Placed {
                subject: *subject,
                rank: one_based(above),
                position: one_based(place),
                filtered_position: one_based(all.len()),
            });
        }
    }
    all
}

fn matches(standings: &Standings, list: List, filter: &Filter, subject: SubjectId) -> bool {
    let row: &Row = standings.row(subject).unwrap();
    let composed = row.composed(list.family());
    let names = standings.names();
    let areas: Vec<String> = row.areas.as_slice().iter().map(|area| names.area_name(*area).to_string()).collect();
    let officer = row.offender_manager().map(|officer| names.officer_reference(officer).to_string());
    let any = |wanted: &[String], held: &[String]| wanted.is_empty() || held.iter().any(|name| wanted.contains(name));
    any(&filter.areas, &areas)
        && any(&filter.offender_managers, officer.as_slice())
        && (filter.bands.is_empty() || filter.bands.contains(&composed.effective))
        && (filter.cohort_statuses.is_empty()
            || row.cohort_status().is_some_and(|s| filter.cohort_statuses.contains(&s)))
        && (filter.reasons.is_empty() || row.reasons().any(|reason| filter.reasons.contains(&reason)))
        && (filter.circulation_states.is_empty()
            || row.circulation().is_some_and(|held| filter.circulation_states.contains(&held)))
        && filter.custody.is_none_or(|custody| row.custody() == custody)
        && (filter.min_days_outstanding == 0
            || row.days_outstanding(AS_OF).is_some_and(|days| days >= filter.min_days_outstanding))
        && (!filter.provisional_only || composed.provisional)
        && (!filter.overridden_only || composed.overridden)
}

fn filter() -> impl Strategy<Value = Filter> {
    let some = |words: Vec<String>| prop::sample::subsequence(words, 0..=2);
    let areas = ["A-0", "A-1", "A-2", "nowhere"].map(str::to_owned).to_vec();
    let officers = ["O-0", "O-1", "nobody"].map(str::to_owned).to_vec();
    let rarely = |words: Vec<String>| prop_oneof![3 => Just(Vec::new()), 2 => some(words)];
    let marks = (prop::bool::weighted(0.1), prop::bool::weighted(0.1), prop_oneof![4 => Just(0_u32), 1 => 1_u32..400]);
    (
        rarely(areas),
        rarely(officers),
        prop::sample::subsequence(Band::ALL.to_vec(), 0..=4),
        prop_oneof![4 => Just(Vec::new()), 1 => Just(vec![CohortStatus::Flex])],
        prop_oneof![4 => Just(Vec::new()), 1 => Just(vec![OutstandingReason::Escape])],
        prop_oneof![4 => Just(Vec::new()), 1 => Just(vec![Circulation::PncWanted])],
        prop_oneof![4 => Just(None), 1 => Just(Some(CustodyState::Remand))],
        marks,
    )
        .prop_map(|(areas, officers, bands, statuses, reasons, circulation, custody, marks)| Filter {
            areas,
            offender_managers: officers,
            bands,
            cohort_statuses: statuses,
            reasons,
            circulation_states: circulation,
            offence_groups: Vec::new(),
            custody,
            min_days_outstanding: marks.2,
            provisional_only: marks.0,
            overridden_only: marks.1,
        })
}

fn crowd(told: &[String]) -> Standings {
    People::of(told.iter().enumerate().map(|(n, told)| person(&format!("{:04}", n * 37 % 2_003), told))).standings()
}

fn all_pages(standings: &Standings, list: List, filter: &Filter, size: usize) -> Vec<Placed> {
    let mut all = Vec::new();
    let mut start = Start::Top;
    loop {
        let page = standings.page(list, filter, &Sight::EVERYBODY, start, size);
        assert!(page.rows.len() <= size);
        assert!(page.next.is_none() || page.rows.len() == size, "only the last page may be short");
        all.extend(page.rows);
        match page.next {
            Some(cursor) => start = Start::After(cursor),
            None => return all,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn pages_of_any_size_are_the_list_with_nobody_twice_and_nobody_skipped(
        told in prop::collection::vec(crowd_member(), 0..500),
        filter in filter(),
        size in 1_usize..120,
    ) {
        let standings = crowd(&told);
        for list in List::ALL.iter().copied() {
            for filter in [&Filter::default(), &filter] {
                let expected = placed(&standings, list, filter);
                prop_assert_eq!(&all_pages(&standings, list, filter, size), &expected, "{:?} {:?}", list, filter);
            }
        }
    }

    #[test]
    fn rank_position_and_neighbours_agree_with_a_count_by_hand(
        told in prop::collection::vec(crowd_member(), 1..300),
        k in 0_usize..6,
    ) {
        let standings = crowd(&told);
        for list in List::ALL.iter().copied() {
            let all = placed(&standings, list, &Filter::default());
            for (place, row) in all.iter().enumerate() {
                let found = standings.place(list, row.subject).expect("on the list");
                prop_assert_eq!((found.rank, found.position, found.size as usize), (row.rank, row.position, all.len()));
                let expected = Neighbours {
                    above: all[place.saturating_sub(k)..place].to_vec(),
                    subject: *row,
                    below: all[place + 1..].iter().take(k).copied().collect(),
                };
                prop_assert_eq!(standings.neighbours(list, &Sight::EVERYBODY, row.subject, k), Some(expected));
            }
        }
    }

    #[test]
    fn a_summary_counts_those_whom_pages_show(
        told in prop::collection::vec(crowd_member(), 0..300),
        filter in filter(),
    ) {
        let standings = crowd(&told);
        for list in List::ALL.iter().copied() {
            let rows: Vec<&Row> = all_pages(&standings, list, &filter, 1_000)
                .iter()
                .map(|placed| standings.row(placed.subject).unwrap())
                .collect();
            let count = |test: &dyn Fn(&Row) -> bool| u32::try_from(rows.iter().filter(|row| test(row)).count()).unwrap();
            let summary = standings.summary(list, &filter, &Sight::EVERYBODY);
            prop_assert_eq!(summary.size as usize, rows.len());
            for band in Band::ALL {
                prop_assert_eq!(summary.in_band(*band), count(&|row| row.composed(list.family()).effective == *band));
            }
            let whole = standings.summary(list, &Filter::default(), &Sight::EVERYBODY);
            for (band, found) in standings.in_bands(list) {
                prop_assert_eq!(found, whole.in_band(band) as usize, "by their places");
            }
            for (name, found) in &summary.by_area {
                let area = standings.names().find_area(name).unwrap();
                prop_assert_eq!(*found, count(&|row| row.areas.any_of(&[area])));
            }
            prop_assert!(summary.by_area.is_sorted());
            for (reason, found) in &summary.by_reason {
                prop_assert_eq!(*found, count(&|row| row.reasons().any(|held| held == *reason)));
            }
            let ages = [(0, 7), (8, 28), (29, 90), (91, 365), (366, u32::MAX)];
            for (place, (least, most)) in ages.into_iter().enumerate() {
                let aged = |row: &Row| row.days_outstanding(AS_OF).is_some_and(|days| (least..=most).contains(&days));
                prop_assert_eq!(summary.by_case_age[place], count(&aged));
            }
            prop_assert_eq!(summary.distribution.iter().sum::<u32>(), summary.size);
            prop_assert_eq!(summary.provisional, count(&|row| row.composed(list.family()).provisional));
            prop_assert_eq!(summary.overridden, count(&|row| row.composed(list.family()).overridden));
        }
    }
}

#[test]
fn equals_share_a_rank_and_the_next_rank_counts_them_all() {
    let standings = crowd(&["composite=9", "composite=7 harm=1", "composite=7", "composite=5"].map(str::to_owned));
    let page = standings.page(List::All, &Filter::default(), &Sight::EVERYBODY, Start::Top, 9);
    assert_eq!(page.rows.iter().map(|row| row.rank).collect::<Vec<_>>(), [1, 2, 2, 4]);
    assert_eq!(page.rows.iter().map(|row| row.position).collect::<Vec<_>>(), [1, 2, 3, 4]);
}

#[test]
fn a_cursor_of_nobody_leads_nowhere() {
    let standings = crowd(&["composite=9".to_owned()]);
    let nobody = Start::After(Cursor { last: SubjectId(5), matched: 1 });
    let page = standings.page(List::All, &Filter::default(), &Sight::EVERYBODY, nobody, 9);
    assert_eq!((page.rows.len(), page.next), (0, None));
}

#[test]
fn scores_fall_into_steps_of_five_points() {
    let told = ["composite=0", "composite=4999", "composite=5000", "composite=99999", "composite=100000"];
    let summary = crowd(&told.map(str::to_owned)).summary(List::All, &Filter::default(), &Sight::EVERYBODY);
    assert_eq!((summary.distribution[0], summary.distribution[1], summary.distribution[19]), (2, 1, 2));
}
