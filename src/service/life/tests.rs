//! Merging as properties: two histories weigh as if they had been written under
//! one reference, whichever of the two is kept; taken apart again, each stands as
//! if they had never been merged; and of a restricted person nothing counts.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::domain::SubjectId;
use crate::domain::word::List;
use crate::pb;
use crate::ranking::{Filter, Sight, Standings, Start};
use crate::service::replay_tests::{Ask, World, record};
use crate::store::{Identity, MemoryStore, Store};

/// What is asked, one after another, of a new service; the standings afterwards.
fn after(asks: Vec<Ask>) -> Arc<Standings> {
    let mut world = World::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Identity::fresh()));
    let running = world.start(&store, Some(100), None);
    for ask in asks {
        world.ask_together(&running, vec![ask]);
    }
    let standings = world.standings(&running);
    running.stop();
    standings
}

fn writes(records: &[pb::Record]) -> impl Iterator<Item = Ask> {
    records.iter().map(|record| Ask::Write { records: vec![record.clone()], all_or_none: false })
}

/// How one subject stands, whatever it is called.
fn stands(standings: &Standings, subject_ref: &str) -> Option<String> {
    let subject = standings.find(subject_ref)?;
    let row = standings.row(subject)?;
    let scores = (row.threat, row.risk, row.harm, row.cohort, row.outstanding, row.lists, row.facets);
    let held = standings.dossier(subject)?;
    let mut ids: Vec<&str> =
        held.record_ids().filter(|id| !held.supervised().iter().any(|one| *one.id == **id)).collect();
    ids.sort_unstable();
    let areas = crate::service::held::areas(standings, subject);
    Some(format!("{scores:?} {areas:?} {:?} {:?} {ids:?}", row.outstanding_since(), held.repeats()))
}

/// Every list, by subject and score alone.
fn lists(standings: &Standings) -> Vec<String> {
    let list = |list: &List| {
        format!(
            "{list:?} {:?}",
            standings.page(*list, &Filter::default(), &Sight::EVERYBODY, Start::Top, usize::MAX).rows
        )
    };
    List::ALL.iter().map(list).collect()
}

/// Somebody of each reference, so that numbers of subjects do not depend on what follows.
fn everybody() -> Vec<Ask> {
    let order = |subject: u8| pb::Record {
        id: format!("o-{subject}"),
        subject_ref: format!("S-{subject}"),
        source_system: "test".to_owned(),
        event_date: "2025-12-01".to_owned(),
        kind: Some(pb::record::Kind::Order(pb::Order::default())),
        ..pb::Record::default()
    };
    writes(&(0..4).map(order).collect::<Vec<_>>()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    #[test]
    fn who_is_unmerged_stands_as_if_never_merged(
        before in vec(record(), 1..12),
        meanwhile in vec(record(), 0..12),
        withdrawn in vec((0..2_u8, 0..8_u8), 0..3),
        restricted in any::<bool>(),
    ) {
        let withdrawals = withdrawn.iter().map(|(subject, record)| Ask::Withdraw { subject: *subject, record: *record });
        let written: Vec<Ask> = writes(&meanwhile).chain(withdrawals).collect();
        let began: Vec<Ask> = everybody().into_iter().chain(writes(&before)).collect();
        let chain = [Ask::Merge { survivor: 1, merged: 0 }, Ask::Merge { survivor: 2, merged: 1 }];
        let limited = restricted.then_some([Ask::Restrict { subject: 0 }, Ask::Lift { subject: 2 }]).into_iter().flatten();
        let apart = [Ask::Unmerge { merged: 1 }, Ask::Unmerge { merged: 0 }];
        let merged: Vec<Ask> =
            began.iter().cloned().chain(chain).chain(written.iter().cloned()).chain(limited).chain(apart).collect();
        let (merged, never) = (after(merged), after(began.into_iter().chain(written).collect()));
        prop_assert_eq!(lists(&merged), lists(&never));
        for subject in 0..4 {
            let subject_ref = format!("S-{subject}");
            prop_assert_eq!(stands(&merged, &subject_ref), stands(&never, &subject_ref));
        }
    }

    #[test]
    fn merged_histories_weigh_as_one_whichever_is_kept(records in vec(record(), 1..16), late in 0..16_usize) {
        // A record id of two people is refused of the second; of one person it would be a later version.
        let records: Vec<pb::Record> = records.into_iter().filter(|record| record.id.len() > 3).collect();
        let late = late.min(records.len());
        let merged = |survivor: u8| {
            let merge = Ask::Merge { survivor, merged: 1 - survivor };
            after(everybody().into_iter().chain(writes(&records[..late])).chain([merge]).chain(writes(&records[late..])).collect())
        };
        let mut one = records.clone();
        for record in one.iter_mut().filter(|record| record.subject_ref == "S-1") {
            "S-0".clone_into(&mut record.subject_ref);
        }
        let everybody = everybody().into_iter().map(|ask| match ask {
            Ask::Write { mut records, all_or_none } => {
                for record in records.iter_mut().filter(|record| record.subject_ref == "S-1") {
                    "S-0".clone_into(&mut record.subject_ref);
                }
                Ask::Write { records, all_or_none }
            }
            other => other,
        });
        let one = after(everybody.chain(writes(&one)).collect());
        let (first, second) = (merged(0), merged(1));
        for subject in [0, 2, 3] {
            let subject_ref = format!("S-{subject}");
            prop_assert_eq!(stands(&first, &subject_ref), stands(&one, &subject_ref));
            prop_assert_eq!(stands(&second, &subject_ref), stands(&one, &subject_ref));
        }
        prop_assert_eq!(stands(&first, "S-1"), stands(&first, "S-0"), "both references lead to the person");
        for (standings, absent) in [(&first, SubjectId(1)), (&second, SubjectId(0))] {
            prop_assert_eq!(standings.row(absent).map(|row| row.lists.iter().count()), Some(0));
            prop_assert_eq!(standings.size(List::All), 3);
        }
    }

    #[test]
    fn nothing_of_a_restricted_person_counts_and_all_of_it_does_again(records in vec(record(), 1..16)) {
        let records: Vec<pb::Record> = records.into_iter().filter(|record| record.id.len() > 3).collect();
        let mut asks: Vec<Ask> = everybody().into_iter().chain(writes(&records)).collect();
        let never = after(asks.clone());
        asks.push(Ask::Restrict { subject: 0 });
        let restricted = after(asks.clone());
        let others: Vec<pb::Record> = records.into_iter().filter(|record| record.subject_ref != "S-0").collect();
        let without = after(everybody().into_iter().chain(writes(&others)).collect());
        for subject in 1..4 {
            let subject_ref = format!("S-{subject}");
            prop_assert_eq!(stands(&restricted, &subject_ref), stands(&without, &subject_ref));
        }
        prop_assert_eq!(restricted.row(SubjectId(0)).map(|row| row.lists.iter().count()), Some(0));
        prop_assert!(restricted.restricted(SubjectId(0)) && !restricted.restricted(SubjectId(1)));
        asks.push(Ask::Lift { subject: 0 });
        prop_assert_eq!(lists(&after(asks)), lists(&never));
    }
}
