//! What callers are told when the store cannot take writes, and that nothing
//! acknowledged is missing afterwards.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::board::Condition;
use super::fault::Fault;
use super::faulty::{Disk, FaultyStore, Reopened};
use super::mutation::{Answer, Mutation, MutationBody, Records, Stream};
use super::outage::{Halt, Pace};
use super::ranked::PageOf;
use super::replay_tests::seen;
use super::{Options, Seen, Service, StartFault, Started};
use crate::access::Caller;
use crate::cli::exit;
use crate::domain::Revision;
use crate::domain::word::List;
use crate::pb;
use crate::pb::record::Kind;
use crate::ranking::Filter;
use crate::store::pb::event::Body;
use crate::store::{Identity, Store, verify_chain};

/// Longest wait for anything here.
const PATIENCE: Duration = Duration::from_mins(1);
const PACE: Pace = Pace {
    look: Duration::from_millis(2),
    first: Duration::from_millis(2),
    most: Duration::from_millis(8),
    anchor: Duration::from_mins(1),
};

fn options() -> Options {
    Options {
        as_of: Some("2026-03-20".parse().expect("must be a date")),
        policy: None,
        stale_after: Duration::from_hours(24),
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    }
}

fn start(store: &Arc<FaultyStore>) -> Started {
    Service::start_paced(Arc::clone(store) as Arc<dyn Store>, options(), PACE).expect("must start")
}

fn record(number: u8) -> pb::Record {
    let offence =
        pb::Offence { ho_code: "005/01".to_owned(), outcome: pb::Outcome::Charged.into(), ..pb::Offence::default() };
    pb::Record {
        id: format!("r-{number}"),
        subject_ref: format!("S-{}", number % 5),
        source_system: "test".to_owned(),
        event_date: "2026-01-01".to_owned(),
        kind: Some(Kind::Offence(offence)),
        ..pb::Record::default()
    }
}

fn mutation(number: u8, validate_only: bool) -> Mutation {
    let (records, etags) = (vec![record(number)], BTreeMap::new());
    let records = Records { records, etags, all_or_none: true, validate_only, decisions: false };
    let id = if validate_only { [200; 16] } else { [number; 16] };
    Mutation { caller: Caller::loopback(), request_id: id, digest: [id[0]; 32], body: MutationBody::Write(records) }
}

async fn write(service: &Service, number: u8) -> Result<Answer, Fault> {
    tokio::time::timeout(PATIENCE, service.change(mutation(number, false))).await.expect("nobody may be left waiting")
}

async fn written(service: &Service, number: u8) -> Answer {
    write(service, number).await.expect("must be taken")
}

async fn condition(service: &Service, wanted: Condition) {
    let mut conditions = service.conditions();
    let reached = conditions.wait_for(|condition| *condition == wanted);
    tokio::time::timeout(PATIENCE, reached).await.expect("must come in time").expect("the service must still run");
}

async fn everything(service: &Service) -> Vec<String> {
    seen(&service.standings(Seen::default()).await.expect("must stand"))
}

/// Ends the service and tells why its writer ended.
fn end(started: Started) -> Result<(), Halt> {
    drop(started.service);
    started.writer.join().expect("the writer's thread never ends in a panic")
}

/// What a start of its own finds in the store, and that every revision is sound.
async fn afresh(store: &Arc<FaultyStore>) -> Vec<String> {
    verify_chain(&**store, Revision(1)).expect("the chain must hold");
    let fresh = start(store);
    let found = everything(&fresh.service).await;
    end(fresh).expect("must end well");
    found
}

/// How often the ledger holds each record.
fn kept(store: &FaultyStore) -> BTreeMap<String, usize> {
    let mut kept = BTreeMap::new();
    for event in store.events(Revision(1), Revision(u64::MAX)) {
        if let Some(Body::EvidenceWritten(written)) = event.expect("must read").body {
            *kept.entry(written.record.expect("must be there").id).or_default() += 1;
        }
    }
    kept
}

#[tokio::test]
async fn on_a_low_disk_writes_are_refused_before_anything_is_begun() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    let first = written(service, 1).await;
    let before = (store.head().expect("must have one"), store.appends(), everything(service).await);

    store.room_left(Some(180 << 20));
    assert_eq!(write(service, 2).await, Err(Fault::DiskLow { free_mb: 180, least_mb: 256 }));
    let withdrawal = MutationBody::Withdraw {
        subject_ref: "S-1".to_owned(),
        record_id: "r-1".to_owned(),
        reason: "the wrong person".to_owned(),
        etag: String::new(),
    };
    let withdrawal = Mutation { caller: Caller::loopback(), request_id: [99; 16], digest: [99; 32], body: withdrawal };
    assert!(matches!(service.change(withdrawal).await, Err(Fault::DiskLow { .. })));
    assert_eq!((store.head().expect("must have one"), store.appends(), everything(service).await), before);
    assert_eq!(*service.conditions().borrow(), Condition::Low);

    assert_eq!(written(service, 1).await, first, "what was asked before is answered as before");
    let judged = service.change(mutation(3, true)).await.expect("must be judged");
    assert_eq!(judged.verdicts[0].verdict, i32::from(pb::Verdict::Created));
    assert_eq!(store.appends(), before.1);

    store.room_left(None);
    condition(service, Condition::Open).await;
    written(service, 2).await;
    let now = everything(service).await;
    end(started).expect("must end well");
    assert_eq!(afresh(&store).await, now);
}

#[tokio::test]
async fn after_a_refused_batch_nothing_more_of_its_stream_is_taken() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    let stream = Stream::default();
    let batch = async |number: u8, stream: &Stream| {
        let waiting = service.queue(stream, mutation(number, false)).await.expect("must be queued");
        tokio::time::timeout(PATIENCE, service.reply(waiting)).await.expect("nobody may be left waiting")
    };
    batch(1, &stream).await.expect("must be taken");
    store.room_left(Some(0));
    condition(service, Condition::Low).await;
    let refused = batch(2, &stream).await.expect_err("must be refused");
    assert!(matches!(refused, Fault::DiskLow { .. }), "{refused}");
    store.room_left(None);
    condition(service, Condition::Open).await;
    assert_eq!(batch(3, &stream).await, Err(refused), "there is room again, and yet it comes after one refused");
    assert_eq!(kept(&store).len(), 1);
    let other = Stream::default();
    batch(2, &other).await.expect("the stream begun again is taken");
    batch(3, &other).await.expect("in its order");

    for disk in [Disk::Full, Disk::FullOnceJournalled] {
        let stream = Stream::default();
        store.disk(disk);
        assert_eq!(batch(4, &stream).await, Err(Fault::ReadOnly));
        store.disk(Disk::Sound);
        condition(service, Condition::Open).await;
        assert_eq!(batch(5, &stream).await, Err(Fault::ReadOnly));
    }
    assert!(!kept(&store).contains_key("r-5"));
    end(started).expect("must end well");
}

#[tokio::test]
async fn what_waits_behind_a_refused_batch_of_its_stream_is_not_taken_with_others() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    written(service, 1).await;
    let (stream, other) = (Stream::default(), Stream::default());
    let reused = Mutation { digest: [77; 32], ..mutation(1, false) };
    let mut waiting = Vec::new();
    for (stream, mutation) in [
        (&stream, mutation(2, false)),
        (&stream, reused),
        (&stream, mutation(3, false)),
        (&other, mutation(4, false)),
        (&stream, mutation(5, false)),
    ] {
        waiting.push(service.queue(stream, mutation).await.expect("must be queued"));
    }
    let mut answers = Vec::new();
    for waiting in waiting {
        answers.push(service.reply(waiting).await.map(drop));
    }
    let refused = Err(Fault::RequestIdReused);
    assert_eq!(answers, [Ok(()), refused.clone(), refused.clone(), Ok(()), refused]);
    assert_eq!(kept(&store).into_keys().collect::<Vec<_>>(), ["r-1", "r-2", "r-4"]);
    end(started).expect("must end well");
}

#[tokio::test]
async fn a_service_starts_and_reads_on_a_low_disk() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    written(&started.service, 1).await;
    let before = everything(&started.service).await;
    end(started).expect("must end well");
    store.room_left(Some(0));
    let started = start(&store);
    assert_eq!(*started.service.conditions().borrow(), Condition::Low);
    assert_eq!(everything(&started.service).await, before);
    end(started).expect("must end well");
}

#[tokio::test]
async fn a_full_store_is_read_only_until_it_could_be_opened_again_in_process() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    written(service, 1).await;
    let before = everything(service).await;

    store.disk(Disk::Full);
    assert_eq!(write(service, 2).await, Err(Fault::ReadOnly));
    assert_eq!(*service.conditions().borrow(), Condition::ReadOnly);
    let appends = store.appends();
    assert_eq!(write(service, 3).await, Err(Fault::ReadOnly));
    assert_eq!(store.appends(), appends, "a full store is not written to");
    assert_eq!(everything(service).await, before, "lists go on as they were");
    while store.reopens() < 3 {
        tokio::task::yield_now().await;
    }
    assert_eq!(*service.conditions().borrow(), Condition::ReadOnly, "it waits for room");

    store.disk(Disk::Sound);
    condition(service, Condition::Open).await;
    assert_eq!(everything(service).await, before);
    written(service, 3).await;
    written(service, 2).await;
    let now = everything(service).await;
    end(started).expect("must end well");
    assert_eq!(afresh(&store).await, now);
    assert_eq!(kept(&store), BTreeMap::from([1, 2, 3].map(|number| (format!("r-{number}"), 1))));
}

#[tokio::test]
async fn a_full_disk_that_a_read_of_the_writer_meets_is_a_full_disk_and_no_fault() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    written(service, 1).await;
    let before = everything(service).await;
    let appends = store.appends();
    store.disk(Disk::FullToRead);
    assert_eq!(write(service, 2).await, Err(Fault::ReadOnly));
    assert_eq!(*service.conditions().borrow(), Condition::ReadOnly);
    assert_eq!(store.appends(), appends, "nothing was begun");
    assert_eq!(everything(service).await, before, "lists go on as they were");
    while store.reopens() < 2 {
        tokio::task::yield_now().await;
    }
    store.disk(Disk::Sound);
    condition(service, Condition::Open).await;
    written(service, 2).await;
    let now = everything(service).await;
    end(started).expect("must end well");
    assert_eq!(afresh(&store).await, now);
    assert_eq!(kept(&store), BTreeMap::from([1, 2].map(|number| (format!("r-{number}"), 1))));
}

#[tokio::test]
async fn what_was_journalled_and_answered_with_an_error_comes_back_under_its_request_id() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    let first = written(service, 1).await;
    store.disk(Disk::FullOnceJournalled);
    assert_eq!(write(service, 2).await, Err(Fault::ReadOnly));
    store.disk(Disk::Sound);
    condition(service, Condition::Open).await;

    let head = store.head().expect("must have one");
    assert_eq!(head.revision, first.revision.next(), "it is part of the ledger now");
    let standings = service.standings(Seen::new(head.revision.0, "")).await.expect("and on the lists");
    assert!(standings.find("S-2").is_some());
    let again = written(service, 2).await;
    assert_eq!((again.revision, again.verdicts[0].verdict), (head.revision, i32::from(pb::Verdict::Created)));
    assert_eq!(store.head().expect("must have one"), head, "it is not done twice");
    let now = everything(service).await;
    end(started).expect("must end well");
    assert_eq!(afresh(&store).await, now);
}

#[tokio::test]
async fn a_full_store_is_tried_at_once_when_room_returns() {
    let store = Arc::new(FaultyStore::default());
    let patient = Pace {
        look: Duration::from_millis(2),
        first: Duration::from_hours(1),
        most: Duration::from_hours(1),
        anchor: Duration::from_mins(1),
    };
    let started = Service::start_paced(Arc::clone(&store) as Arc<dyn Store>, options(), patient).expect("must start");
    store.disk(Disk::Full);
    assert_eq!(write(&started.service, 1).await, Err(Fault::ReadOnly));
    // One look has to see that there is none before another can see that there is some.
    store.room_left(Some(0));
    let looks = store.looks();
    while store.looks() < looks + 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(store.reopens(), 0);
    store.disk(Disk::Sound);
    store.room_left(None);
    condition(&started.service, Condition::Open).await;
    written(&started.service, 1).await;
    end(started).expect("must end well");
}

#[tokio::test]
async fn a_failed_sync_is_never_tried_again_and_ends_the_writer() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    written(service, 1).await;
    let before = everything(service).await;
    store.disk(Disk::Failing);
    assert_eq!(write(service, 2).await, Err(Fault::ReadOnly), "its outcome is not known");
    condition(service, Condition::Stopped).await;
    let appends = store.appends();
    store.disk(Disk::Sound);
    assert_eq!(write(service, 3).await, Err(Fault::ShuttingDown));
    assert_eq!((store.appends(), store.reopens()), (appends, 0));
    assert_eq!(everything(service).await, before, "lists go on until the process ends");
    let halt = end(started).expect_err("must say why");
    assert!(matches!(halt, Halt::Write { .. }) && halt.of_disk(), "{halt}");
    assert_eq!(afresh(&store).await, before);
}

#[tokio::test]
async fn a_sync_that_fails_behind_the_last_write_ends_the_writer_without_another_write() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    written(&started.service, 1).await;
    let (appends, before) = (store.appends(), everything(&started.service).await);
    store.disk(Disk::FailedBehind);
    condition(&started.service, Condition::Stopped).await;
    assert_eq!(store.appends(), appends, "nobody had to write for it");
    assert_eq!(write(&started.service, 2).await, Err(Fault::ShuttingDown));
    let halt = end(started).expect_err("must say why");
    assert!(matches!(halt, Halt::Write { .. }) && halt.of_disk(), "{halt}");
    assert!(halt.to_string().contains("no answer from the disk"), "{halt}");
    store.disk(Disk::Sound);
    assert_eq!(afresh(&store).await, before);
}

#[tokio::test]
async fn a_panic_of_the_writer_leaves_nobody_waiting() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    written(service, 1).await;
    let before = everything(service).await;
    store.disk(Disk::Panicking);
    assert_eq!(write(service, 2).await, Err(Fault::ShuttingDown));
    condition(service, Condition::Stopped).await;
    assert_eq!(write(service, 3).await, Err(Fault::ShuttingDown));
    let halt = end(started).expect_err("must say why");
    assert!(matches!(halt, Halt::Panicked) && !halt.of_disk(), "{halt}");
    store.disk(Disk::Sound);
    assert_eq!(afresh(&store).await, before);
}

#[tokio::test]
async fn a_store_that_comes_back_without_what_was_acknowledged_is_not_served() {
    for (reopened, lost) in [(Reopened::Short, true), (Reopened::Damaged, false)] {
        let store = Arc::new(FaultyStore::default());
        let started = start(&store);
        written(&started.service, 1).await;
        store.disk(Disk::Full);
        assert_eq!(write(&started.service, 2).await, Err(Fault::ReadOnly));
        store.reopened(reopened);
        store.disk(Disk::Sound);
        condition(&started.service, Condition::Stopped).await;
        let halt = end(started).expect_err("must say why");
        assert_eq!(matches!(halt, Halt::Lost { .. }), lost, "{halt}");
        assert_eq!(matches!(halt, Halt::Reopen { .. }), !lost, "{halt}");
    }
}

#[tokio::test]
async fn whatever_fills_up_and_when_nothing_acknowledged_is_missing_and_nothing_is_there_twice() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    let clients = (0..4_u8).map(|client| {
        let service = service.clone();
        tokio::spawn(async move {
            for number in (client * 40)..(client * 40 + 40) {
                loop {
                    match write(&service, number).await {
                        Ok(answer) => break assert_eq!(answer.verdicts[0].verdict, i32::from(pb::Verdict::Created)),
                        // Whoever is refused asks again under the same id.
                        Err(Fault::ReadOnly | Fault::DiskLow { .. }) => tokio::task::yield_now().await,
                        Err(fault) => panic!("{fault}"),
                    }
                }
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    for disk in [Disk::Full, Disk::FullOnceJournalled, Disk::Full, Disk::FullOnceJournalled] {
        let appends = store.appends();
        while store.appends() < appends + 3 && !clients.iter().all(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
        store.disk(disk);
        let reopens = store.reopens();
        while store.reopens() < reopens + 2 && !clients.iter().all(tokio::task::JoinHandle::is_finished) {
            tokio::task::yield_now().await;
        }
        store.disk(Disk::Sound);
    }
    for client in clients {
        tokio::time::timeout(PATIENCE, client).await.expect("must come to an end").expect("must be answered");
    }
    assert!(store.reopens() > 0, "it must have filled up");
    let now = everything(service).await;
    end(started).expect("must end well");
    assert_eq!(kept(&store), (0..160).map(|number| (format!("r-{number}"), 1)).collect());
    assert_eq!(afresh(&store).await, now);
}

#[test]
fn a_start_that_has_something_to_write_says_why_it_could_not() {
    for disk in [Disk::Full, Disk::Failing] {
        let store = Arc::new(FaultyStore::default());
        end(start(&store)).expect("must end well");
        store.disk(disk);
        let another_day = Options { as_of: Some("2026-03-21".parse().expect("must be a date")), ..options() };
        let fault = Service::start(store, another_day).map(drop).expect_err("must be refused");
        assert_eq!(matches!(fault, StartFault::Full), disk == Disk::Full, "{fault}");
        assert_eq!(matches!(&fault, StartFault::Halted(halt) if halt.of_disk()), disk == Disk::Failing, "{fault}");
        assert_eq!(exit::of(&fault.into()), exit::Exit::InputOutput);
    }
}

#[tokio::test]
async fn a_page_token_of_before_a_restore_is_refused_by_name() {
    let here = Identity { store_id: [1; 16], incarnation: [2; 16] };
    let restored = Identity { incarnation: [3; 16], ..here };
    let other = Identity { store_id: [3; 16], ..here };
    let mut token = String::new();
    for (identity, expected) in [
        (here, Ok(())),
        (here, Err(Fault::PageTokenExpired)),
        (restored, Err(Fault::StoreRestored)),
        (other, Err(Fault::PageTokenOfAnotherStore)),
    ] {
        let store = Arc::new(FaultyStore::of(identity));
        let started = start(&store);
        written(&started.service, 1).await;
        written(&started.service, 2).await;
        let first =
            PageOf { list: List::All, filter: Filter::default(), size: 1, token: String::new(), arguments: [0; 32] };
        let asked = PageOf { token: token.clone(), ..first };
        let page = started.service.page(&Caller::loopback(), &asked, Seen::default()).await;
        if let Ok(page) = &page {
            token = page.answer.found.next.clone().expect("there are two people");
        }
        assert_eq!(page.map(drop), expected);
        end(started).expect("must end well");
    }
}

#[tokio::test]
async fn a_revision_of_before_a_restore_is_refused_at_once() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let service = &started.service;
    let own = service.context(&service.standings(Seen::default()).await.expect("must stand")).store;
    let of_before = format!("{}-00000000", &own[..8]);
    let ahead = u64::MAX;
    service.standings(Seen::new(1, &own)).await.expect("its own mark is taken");
    let refused = |mark: String| async move { service.standings(Seen::new(ahead, &mark)).await.map(drop) };
    assert_eq!(refused(of_before).await, Err(Fault::StoreRestored));
    assert_eq!(refused("00000000-00000000".to_owned()).await, Err(Fault::AnotherStore));
    end(started).expect("must end well");
}
