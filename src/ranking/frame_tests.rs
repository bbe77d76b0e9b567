use proptest::prelude::*;

use super::*;
use crate::domain::dossier::Repeat;
use crate::ranking::sample::{People, crowd_member, person};

fn read_back(people: &People) -> (Standings, Vec<Past>) {
    let standings = people.standings();
    let (frames, _) = generation(&standings);
    let read = frames.iter().map(|frame| decode(frame, &people.names).expect("must read")).collect::<Vec<_>>();
    (standings, read.into_iter().flatten().collect())
}

/// What a generation keeps of a row.
fn kept(row: &Row) -> impl PartialEq + std::fmt::Debug + use<> {
    let composed = |family| {
        let composed = row.composed(family);
        (composed.point, composed.computed, composed.effective, composed.provisional, composed.overridden)
    };
    (
        [row.threat, row.risk, row.harm],
        [composed(Family::Cohort), composed(Family::Outstanding)],
        (row.lists, row.facets, row.areas.clone(), row.offender_manager(), row.outstanding_since()),
    )
}

proptest! {
    #[test]
    fn everybody_reads_as_they_were_with_their_ranks(told in prop::collection::vec(crowd_member(), 0..60)) {
        let invented = told.iter().enumerate().map(|(number, told)| person(&format!("P-{number}"), told));
        let people = People::of(invented);
        let (standings, read) = read_back(&people);
        prop_assert_eq!(read.len(), told.len());
        for (index, past) in read.iter().enumerate() {
            let subject = subject_id(index);
            let row = standings.row(subject).expect("must be held");
            prop_assert_eq!(kept(&past.row), kept(row));
            for list in List::ALL.iter().copied() {
                let place = standings.place(list, subject).map(|place| place.rank);
                prop_assert_eq!(past.rank(list), place, "{:?}", list);
            }
        }
    }

    #[test]
    fn no_bytes_make_reading_fail_otherwise_than_by_saying_so(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let names = Names::default();
        let _ = decode(&bytes, &names);
        let people = People::of([person("A", "area=North since=19000 officer=O-1")]);
        let (frames, _) = generation(&people.standings());
        for cut in 0..frames[0].len() {
            prop_assert!(decode(&frames[0][..cut], &names).is_none(), "cut at {}", cut);
        }
    }
}

#[test]
fn more_people_than_a_frame_holds_keep_their_order() {
    let people = People::of((0..TOGETHER + 3).map(|n| person(&format!("P-{n}"), &format!("composite={}", n % 977))));
    let (standings, read) = read_back(&people);
    assert_eq!(read.len(), TOGETHER + 3);
    let last = subject_id(TOGETHER + 2);
    assert_eq!(kept(&read[TOGETHER + 2].row), kept(standings.row(last).unwrap()));
}

#[test]
fn the_digest_is_of_who_stands_where_and_of_nothing_else() {
    let digest = |reference: &str, told: &str, names: &[&str]| {
        let people = People::of([person(reference, told), person("B", "composite=5 area=South area=North")]);
        // Numbers of names are of a process alone.
        for name in names {
            people.names.area(name);
        }
        generation(&people.standings()).1
    };
    let plain = digest("A", "composite=9 area=North", &[]);
    assert_eq!(digest("A", "composite=9 area=North", &["East", "South"]), plain);
    assert_ne!(digest("C", "composite=9 area=North", &[]), plain);
    assert_ne!(digest("A", "composite=8 area=North", &[]), plain);
    assert_ne!(digest("A", "composite=9 area=South", &[]), plain);
    assert_ne!(digest("A", "composite=9 area=North provisional", &[]), plain);
}

#[test]
fn repeat_victims_are_kept() {
    use crate::domain::Revision;
    use crate::domain::dossier::Dossier;
    use std::sync::Arc;
    let people = People::of([person("A", ""), person("B", "")]);
    let dates: Box<[Date]> = [Date::from_days(-30_000), Date::from_days(19_000)].into();
    let repeats = [Repeat { offence_id: "O/1".into(), dates: dates.clone() }];
    let dossier = Dossier::from_evidence("B", Revision(1), []).with_repeats(repeats.into());
    let change =
        crate::ranking::Change { subject: SubjectId(1), dossier: Arc::new(dossier), row: people.row(1).clone() };
    let standings = people.standings().with(&[change], people.meta(2));
    let (frames, _) = generation(&standings);
    let read = decode(&frames[0], &people.names).unwrap();
    assert!(read[0].repeats.is_empty());
    assert_eq!(read[1].repeats, [PastRepeat { offence: mark("O/1"), dates: dates.to_vec() }]);
}

#[test]
fn any_number_of_threads_makes_the_same_digest() {
    let told = |n: usize| format!("composite={} harm={} area=A-{} since={}", n % 313, n % 7, n % 3, 19_000 + n % 50);
    let people = People::of((0..5_000).map(|n| person(&format!("P-{n}"), &told(n))));
    let digests = [1, 2, 7].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| generation(&people.standings()).1)
    });
    assert_eq!([digests[0]; 3], digests);
}
