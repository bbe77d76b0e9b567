//! The head of the audit in the ledger.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::mutation::{Mutation, MutationBody, Records};
use super::outage::Pace;
use super::{Options, Service, Started};
use crate::access::Caller;
use crate::access::audit::{self, AuditHead, AuditLog, Entry, EntryKind};
use crate::domain::Revision;
use crate::pb;
use crate::store::pb::Event;
use crate::store::pb::event::Body;
use crate::store::{Identity, MemoryStore, Store};

/// Never, within a test.
const NEVER: Duration = Duration::from_hours(1);

fn start(store: &Arc<MemoryStore>, anchor: Duration) -> Started {
    let options = Options {
        as_of: Some("2026-03-31".parse().unwrap()),
        policy: None,
        stale_after: Duration::from_hours(24),
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    let pace = Pace { look: Duration::from_millis(1), anchor, ..Pace::default() };
    Service::start_paced(Arc::clone(store) as Arc<dyn Store>, options, pace).unwrap()
}

fn open(directory: &Path) -> AuditLog {
    AuditLog::open(directory, audit::Options::default()).unwrap()
}

async fn look(log: &AuditLog) -> AuditHead {
    log.record(Entry::of(&Caller::loopback(), EntryKind::Access, "a.B/C", Timestamp::now())).await.unwrap();
    log.head()
}

async fn write(service: &Service, number: u8) {
    let record = pb::Record {
        id: format!("r-{number}"),
        subject_ref: "S-1".to_owned(),
        source_system: "test".to_owned(),
        event_date: "2026-01-01".to_owned(),
        kind: Some(pb::record::Kind::Offence(pb::Offence {
            ho_code: "005/01".to_owned(),
            outcome: pb::Outcome::Charged.into(),
            ..pb::Offence::default()
        })),
        ..pb::Record::default()
    };
    let records =
        Records { records: vec![record], etags: [].into(), all_or_none: true, validate_only: false, decisions: false };
    let body = MutationBody::Write(records);
    let mutation = Mutation { caller: Caller::loopback(), request_id: [number; 16], digest: [number; 32], body };
    service.change(mutation).await.unwrap();
}

fn last(store: &MemoryStore) -> Event {
    store.event(store.head().unwrap().revision).unwrap().unwrap()
}

fn head_in(event: &Event) -> Option<AuditHead> {
    let held = event.audit_head.clone()?;
    Some(AuditHead { entries: held.entries, hash: held.hash.try_into().unwrap() })
}

#[tokio::test]
async fn a_commit_says_where_the_audit_stands_if_it_moved_since_the_commit_before() {
    let (store, home) = (Arc::new(MemoryStore::new(Identity::fresh())), tempfile::tempdir().unwrap());
    let (started, log) = (start(&store, NEVER), open(home.path()));
    started.service.anchor(&log).unwrap();
    let head = look(&log).await;
    write(&started.service, 1).await;
    assert_eq!(head_in(&last(&store)), Some(head));
    assert_eq!(started.service.audit_anchored(), Some(head));
    write(&started.service, 2).await;
    assert_eq!(head_in(&last(&store)), None, "it did not move");
    look(&log).await;
    let newer = look(&log).await;
    write(&started.service, 3).await;
    assert_eq!(head_in(&last(&store)), Some(newer));
}

#[tokio::test]
async fn reads_move_no_revision_until_a_while_has_passed_and_then_one() {
    let (store, home) = (Arc::new(MemoryStore::new(Identity::fresh())), tempfile::tempdir().unwrap());
    let (started, log) = (start(&store, Duration::from_millis(1)), open(home.path()));
    let before = store.head().unwrap().revision;
    let head = look(&log).await;
    started.service.anchor(&log).unwrap();
    let mut revisions = started.service.board.revisions();
    let reached = revisions.wait_for(|revision| *revision > before);
    tokio::time::timeout(Duration::from_secs(20), reached).await.unwrap().unwrap();
    let event = last(&store);
    assert_eq!(event.body, Some(Body::AuditAnchored(crate::store::pb::AuditAnchored {})));
    assert_eq!((event.revision, head_in(&event)), (before.0 + 1, Some(head)));
    drop(started.service);
    started.writer.join().unwrap().unwrap();
    assert_eq!(store.head().unwrap().revision, before.next(), "nothing moved since, so nothing was written");

    let again = start(&store, NEVER);
    again.service.anchor(&log).unwrap();
    assert_eq!(again.service.audit_anchored(), Some(head), "a start finds what was written down");
    look(&log).await;
    drop(again.service);
    again.writer.join().unwrap().unwrap();
    assert_eq!(store.head().unwrap().revision, Revision(before.0 + 1), "a look alone moves nothing");
}

#[tokio::test]
async fn an_audit_that_was_begun_anew_is_not_the_one_in_the_ledger() {
    let (store, home) = (Arc::new(MemoryStore::new(Identity::fresh())), tempfile::tempdir().unwrap());
    let started = start(&store, NEVER);
    let log = open(&home.path().join("a"));
    started.service.anchor(&log).unwrap();
    for _ in 0..3 {
        look(&log).await;
    }
    write(&started.service, 1).await;
    assert_eq!(started.service.verify_audit(&log, None).unwrap().fault, None);
    let anew = open(&home.path().join("b"));
    look(&anew).await;
    let fault = started.service.verify_audit(&anew, None).unwrap().fault.unwrap();
    assert_eq!(fault.why, audit::Why::CutOff { entries: 1, anchored: 3 });
    for _ in 0..3 {
        look(&anew).await;
    }
    let fault = started.service.verify_audit(&anew, None).unwrap().fault.unwrap();
    assert_eq!(fault.why, audit::Why::NotAnchored { number: 3 });

    drop(started.service);
    started.writer.join().unwrap().unwrap();
    let again = start(&store, NEVER);
    again.service.anchor(&anew).unwrap();
    write(&again.service, 2).await;
    assert_eq!(again.service.audit_anchored(), Some(anew.head()), "the new head is written down");
    let fault = again.service.verify_audit(&anew, None).unwrap().fault.unwrap();
    assert_eq!(fault.why, audit::Why::NotAnchored { number: 3 }, "and the old one is still missed");
}
