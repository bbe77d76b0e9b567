//! Ranks under other tables of harm: what they are, when they are worked out, and what is told meanwhile.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;

use super::*;
use crate::access::Caller;
use crate::pb;
use crate::pb::record::Kind;
use crate::policy::Policy;
use crate::scoring::harm::table;
use crate::service::mutation::{Mutation, MutationBody, Records};
use crate::service::{Options, Seen, Started};
use crate::store::{Identity, MemoryStore};

fn served() -> Started {
    let options = Options {
        as_of: Some("2026-03-20".parse().unwrap()),
        policy: None,
        stale_after: Duration::MAX,
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    Service::start(Arc::new(MemoryStore::new(Identity::fresh())), options).expect("must start")
}

fn stop(service: Service, started: std::thread::JoinHandle<Result<(), crate::service::outage::Halt>>) {
    drop(service);
    started.join().expect("must not panic").expect("must end well");
}

/// Thieves, fighters and robbers, each with one offence, a few days apart.
fn people(from: u32, to: u32) -> Vec<pb::Record> {
    (from..to)
        .map(|number| {
            let date = format!("2026-0{}-{:02}", number % 2 + 1, number % 27 + 1);
            let offence = pb::Offence {
                ho_code: ["046/00", "008/06", "034/01"][number as usize % 3].to_owned(),
                report_date: date.clone(),
                outcome: pb::Outcome::Charged.into(),
                outcome_date: date.clone(),
                ..pb::Offence::default()
            };
            pb::Record {
                id: format!("o-{number}"),
                subject_ref: format!("S-{number:02}"),
                source_system: "test".to_owned(),
                event_date: date,
                kind: Some(Kind::Offence(offence)),
                ..pb::Record::default()
            }
        })
        .collect()
}

async fn write(service: &Service, id: u8, records: Vec<pb::Record>) {
    let etags = BTreeMap::new();
    let records = Records { records, etags, all_or_none: true, validate_only: false, decisions: false };
    let body = MutationBody::Write(records);
    let mutation = Mutation { caller: Caller::loopback(), request_id: [id; 16], digest: [id; 32], body };
    service.change(mutation).await.expect("must be taken");
}

async fn newest(service: &Service) -> Arc<Standings> {
    service.standings(Seen::default()).await.expect("must stand")
}

fn force(text: &str) -> HarmTable {
    table::read("force", "A force's own.", text, reference::tables()).expect("must read")
}

fn places(ordered: &Ordered, standings: &Standings, subject_ref: &str) -> Vec<RankedBy> {
    let sight = Service::sight(&Caller::loopback(), standings);
    ordered.places(standings, standings.find(subject_ref).expect("must be held"), &sight)
}

#[tokio::test]
async fn a_table_that_says_what_the_index_says_gives_the_ranks_of_the_lists() {
    let Started { service, writer, .. } = served();
    let policy = Policy::reference();
    let days = |code: &str| {
        let code = reference::tables().ho(code).expect("must be listed");
        let code = crate::domain::offence::OffenceCode { cjs: None, ho: Some(code) };
        Catalogue::new(reference::tables(), &policy).classify(code).days
    };
    let same = ["046/00", "008/06", "034/01"].map(|code| format!("{code},{}\n", days(code))).concat();
    let service = service.with_harm_tables(vec![force(&format!("code,harm_days\n{same}"))]);
    write(&service, 1, people(0, 30)).await;
    let standings = newest(&service).await;
    let ordered = service.harm_ranks(&standings).await.expect("must be worked out");
    for number in 0..30 {
        let told = places(&ordered, &standings, &format!("S-{number:02}"));
        let of = |table: &str| {
            let of_table = told.iter().filter(|it| &*it.table == table);
            of_table
                .map(|it| (it.list, it.rank, it.position, it.size, it.band, it.composite, it.harm))
                .collect::<Vec<_>>()
        };
        assert!(!of(CAMBRIDGE_INDEX).is_empty());
        assert_eq!(of("force"), of(CAMBRIDGE_INDEX));
        assert!(!of("maximum_sentence").is_empty());
    }
    stop(service, writer);
}

#[tokio::test]
async fn where_theft_is_graver_than_robbery_thieves_stand_above_robbers() {
    let Started { service, writer, .. } = served();
    let service = service.with_harm_tables(vec![force("code,harm_days\n046/00,3000\n034/01,1\n008/06,1\n")]);
    write(&service, 1, people(0, 30)).await;
    let standings = newest(&service).await;
    let ordered = service.harm_ranks(&standings).await.expect("must be worked out");
    let on_all = |subject_ref: &str, table: &str| {
        let told = places(&ordered, &standings, subject_ref);
        told.into_iter().find(|it| it.list == List::All && &*it.table == table).expect("everybody stands on it")
    };
    let (thief, robber) = (on_all("S-00", "force"), on_all("S-02", "force"));
    assert!(thief.position <= 10 && thief.harm > robber.harm && thief.rank < robber.rank, "{thief:?} {robber:?}");
    assert!(on_all("S-00", CAMBRIDGE_INDEX).rank > on_all("S-02", CAMBRIDGE_INDEX).rank);
    // A candidate by one table need not be one by another.
    let candidate = |table: &str| {
        let told = places(&ordered, &standings, "S-00");
        told.iter().any(|it| it.list == List::Candidates && &*it.table == table)
    };
    assert!(candidate("force") && !candidate(CAMBRIDGE_INDEX));
    stop(service, writer);
}

#[tokio::test]
async fn lists_that_have_not_moved_are_weighed_once() {
    let Started { service, writer, .. } = served();
    write(&service, 1, people(0, 6)).await;
    let standings = newest(&service).await;
    let first = service.harm_ranks(&standings).await.expect("must be worked out");
    let again = service.harm_ranks(&standings).await.expect("is kept");
    assert!(Arc::ptr_eq(&first, &again));
    write(&service, 2, people(6, 9)).await;
    let later = newest(&service).await;
    let anew = service.harm_ranks(&later).await.expect("must be worked out");
    assert!(anew.revision == later.revision() && anew.revision > first.revision);
    assert!(places(&anew, &later, "S-08").iter().any(|it| &*it.table == "maximum_sentence"));
    stop(service, writer);
}

#[tokio::test]
async fn while_another_trial_runs_what_is_kept_is_told_and_without_any_it_is_refused() {
    let Started { service, writer, .. } = served();
    write(&service, 1, people(0, 6)).await;
    let standings = newest(&service).await;
    let permit = Arc::clone(&service.simulating).try_acquire_owned().expect("must be free");
    assert_eq!(service.harm_ranks(&standings).await.err(), Some(Fault::SimulationRunning));
    drop(permit);
    let kept = service.harm_ranks(&standings).await.expect("must be worked out");
    write(&service, 2, people(6, 9)).await;
    let later = newest(&service).await;
    let permit = Arc::clone(&service.simulating).try_acquire_owned().expect("must be free");
    let told = service.harm_ranks(&later).await.expect("is kept");
    assert!(Arc::ptr_eq(&kept, &told) && told.revision < later.revision());
    // Of who came since, the index alone can tell.
    let newcomer = places(&told, &later, "S-08");
    assert!(!newcomer.is_empty() && newcomer.iter().all(|it| &*it.table == CAMBRIDGE_INDEX));
    let before = places(&told, &later, "S-00");
    assert!(before.iter().any(|it| it.revision == kept.revision && &*it.table == "maximum_sentence"));
    drop(permit);
    stop(service, writer);
}
