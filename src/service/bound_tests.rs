//! Nothing that a caller sends makes a value or a group longer than the store takes: it would end the writer.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use prost::Message;
use tokio::sync::{mpsc, oneshot};

use super::board::Board;
use super::bound::{GROUP_BYTES, MOST_RECORD};
use super::fault::Fault;
use super::faulty::FaultyStore;
use super::mutation::{Answer, Mutation, MutationBody, Queued, Records};
use super::outage::Pace;
use super::state::State;
use super::writer::Writer;
use super::{Options, Service, Started};
use crate::access::Caller;
use crate::pb;
use crate::pb::record::Kind;
use crate::ranking::retire::Retirement;
use crate::reference;
use crate::store::{Head, Store};

fn exploitation(id: &str, subject_ref: &str, offence_ids: Vec<String>) -> pb::Record {
    let stated =
        pb::Exploitation { status: pb::ExploitationStatus::Pending.into(), offence_ids, ..pb::Exploitation::default() };
    pb::Record {
        id: id.to_owned(),
        subject_ref: subject_ref.to_owned(),
        source_system: "test".to_owned(),
        event_date: "2026-01-01".to_owned(),
        kind: Some(Kind::Exploitation(stated)),
        ..pb::Record::default()
    }
}

/// As long as a record can lawfully be: characters of four bytes, as many as there may be.
fn longest(id: &str, subject_ref: &str) -> pb::Record {
    let offence_ids = (0..256).map(|number| format!("{}{number:03}", "\u{10348}".repeat(61))).collect();
    exploitation(id, subject_ref, offence_ids)
}

fn request(number: u16, records: Vec<pb::Record>) -> Mutation {
    let mut request_id = [0; 16];
    request_id[..2].copy_from_slice(&number.to_be_bytes());
    let records =
        Records { records, etags: BTreeMap::new(), all_or_none: false, validate_only: false, decisions: false };
    Mutation { caller: Caller::loopback(), request_id, digest: [0; 32], body: MutationBody::Write(records) }
}

fn start(store: &Arc<FaultyStore>) -> Started {
    let options = Options {
        as_of: Some("2026-03-20".parse().expect("must be a date")),
        policy: None,
        stale_after: Duration::from_hours(24),
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    let pace = Pace { look: Duration::from_millis(2), ..Pace::default() };
    Service::start_paced(Arc::clone(store) as Arc<dyn Store>, options, pace).expect("must start")
}

fn end(started: Started) {
    drop(started.service);
    started.writer.join().expect("never a panic").expect("the writer must go on to the end");
}

fn verdicts(answer: &Answer) -> Vec<i32> {
    answer.verdicts.iter().map(|verdict| verdict.verdict).collect()
}

#[tokio::test]
async fn a_person_is_given_no_more_than_the_store_keeps_of_one() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    assert!(longest("r-0", "S-1").encoded_len() > 60_000);
    let (created, refused) = (i32::from(pb::Verdict::Created), i32::from(pb::Verdict::Refused));
    let mut taken = 0;
    let mut told = Vec::new();
    for number in 0..10 {
        let records: Vec<_> = (0..30).map(|place| longest(&format!("r-{number}-{place}"), "S-1")).collect();
        let answer = started.service.change(request(number, records)).await.expect("must be answered");
        taken += verdicts(&answer).iter().filter(|verdict| **verdict == created).count();
        told.extend(answer.verdicts.into_iter().filter(|verdict| verdict.verdict == refused));
    }
    assert!((200..300).contains(&taken), "{taken} of 300");
    let violations: Vec<_> = told.into_iter().flat_map(|verdict| verdict.violations).collect();
    assert_eq!(violations.len(), 300 - taken);
    for violation in violations {
        assert_eq!((violation.field.as_str(), violation.reason.as_str()), ("subject_ref", "TOO_LARGE"));
    }
    let other = started.service.change(request(99, vec![longest("r-other", "S-2")])).await.expect("must be answered");
    assert_eq!(verdicts(&other), [created], "others are given theirs");
    end(started);
}

#[tokio::test]
async fn a_record_that_is_too_long_is_refused_by_itself() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let mut long = exploitation("r-1", "S-1", Vec::new());
    // A field that no rule of its kind reads.
    long.event_date = "2026-01-01".repeat(MOST_RECORD / 10);
    let records = vec![long, exploitation("r-2", "S-1", Vec::new())];
    let answer = started.service.change(request(1, records)).await.expect("must be answered");
    assert_eq!(verdicts(&answer), [pb::Verdict::Refused, pb::Verdict::Created].map(i32::from));
    assert_eq!(answer.verdicts[0].violations[0].reason, "TOO_LARGE");
    end(started);
}

#[tokio::test]
async fn refusals_that_no_answer_could_hold_refuse_the_request() {
    let store = Arc::new(FaultyStore::default());
    let started = start(&store);
    let before = store.head().expect("must have one");
    // Two violations for each empty reference, of a hundred bytes each.
    let records = (0..1_000).map(|number| exploitation(&format!("r-{number}"), "S-1", vec![String::new(); 256]));
    let refused = started.service.change(request(1, records.collect())).await;
    assert_eq!(refused, Err(Fault::TooLarge));
    assert_eq!(store.head().expect("must have one"), before);
    let answer = started.service.change(request(2, vec![longest("r-1", "S-1")])).await.expect("must be answered");
    assert_eq!(verdicts(&answer), [i32::from(pb::Verdict::Created)]);
    end(started);
}

#[test]
fn requests_join_a_group_only_up_to_a_number_of_bytes() {
    let store = Arc::new(FaultyStore::default());
    let held = Arc::clone(&store) as Arc<dyn Store>;
    let board = Arc::new(Board::new(Retirement::start()));
    let state = State::new(reference::tables());
    let writer = Writer::new(held, state, Head::EMPTY, board, Arc::new(Timestamp::now)).expect("must begin");
    let (queue, waiting) = mpsc::channel(64);
    let mut answers = Vec::new();
    let mut bytes = 0;
    for number in 0..24 {
        let records: Vec<_> =
            (0..20).map(|place| longest(&format!("r-{number}-{place}"), &format!("S-{number}"))).collect();
        bytes = records.iter().map(Message::encoded_len).sum::<usize>();
        let (reply, answer) = oneshot::channel();
        queue.try_send(Queued::new(request(number, records), reply, None)).expect("must have a place");
        answers.push(answer);
    }
    drop(queue);
    let clock = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("must build");
    writer.run(&clock, waiting).expect("must end well");
    for answer in answers {
        answer.blocking_recv().expect("must be answered").expect("must be taken");
    }
    assert!(24 * bytes > GROUP_BYTES + bytes, "more than one group holds");
    assert_eq!(store.appends(), 2, "as few groups as the bytes allow");
    let longest = store.longest();
    assert!((GROUP_BYTES..GROUP_BYTES + 2 * bytes).contains(&longest), "{longest} bytes");
}
