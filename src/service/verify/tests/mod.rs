//! What verification promises: a sound store is sound, each damage is told in
//! its place, and a writer at work is never taken for damage.

mod damage;
mod live;
mod sound;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use jiff::Timestamp;

use super::{Asked, Finding, FullSpeed, Outcome, Severity, StandingsAsked, Told, verify};
use crate::access::Caller;
use crate::pb;
use crate::pb::record::Kind;
use crate::reference::tables;
use crate::service::mutation::{Answer, Mutation, MutationBody, Records};
use crate::service::writer::Now;
use crate::service::{Options, Service};
use crate::store::{Identity, MemoryStore, Store};

/// A clock that tests move.
#[derive(Clone)]
pub(crate) struct Clock(Arc<AtomicI64>);

impl Clock {
    pub(crate) fn new() -> Self {
        let noon: Timestamp = "2026-03-20T12:00:00Z".parse().unwrap();
        Self(Arc::new(AtomicI64::new(noon.as_second())))
    }

    fn pass(&self, hours: i64) {
        self.0.fetch_add(hours * 3_600, Ordering::Relaxed);
    }

    pub(super) fn now(&self) -> Now {
        let seconds = Arc::clone(&self.0);
        Arc::new(move || Timestamp::from_second(seconds.load(Ordering::Relaxed)).unwrap())
    }
}

/// A running service that is written to.
pub(crate) struct Writing {
    runtime: tokio::runtime::Runtime,
    pub(crate) service: Service,
    writer: std::thread::JoinHandle<Result<(), crate::service::outage::Halt>>,
    requests: u128,
}

impl Writing {
    pub(crate) fn start(store: Arc<dyn Store>, clock: &Clock) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let options = Options {
            as_of: Some("2026-03-20".parse().unwrap()),
            policy: None,
            stale_after: Duration::from_hours(24),
            page_pins: 1,
            now: clock.now(),
        };
        let started = Service::start(store, options).unwrap();
        Self { runtime, service: started.service, writer: started.writer, requests: 0 }
    }

    /// Waits for something that the service does.
    pub(crate) fn wait<T>(&self, for_what: impl Future<Output = T>) -> T {
        self.runtime.block_on(for_what)
    }

    fn ask(&mut self, body: MutationBody) -> Answer {
        self.requests += 1;
        let request_id = self.requests.to_be_bytes();
        let mutation = Mutation { caller: Caller::loopback(), request_id, digest: [7; 32], body };
        self.runtime.block_on(self.service.change(mutation)).unwrap()
    }

    pub(crate) fn write(&mut self, records: Vec<pb::Record>) -> Answer {
        let records =
            Records { records, etags: BTreeMap::new(), all_or_none: true, validate_only: false, decisions: false };
        self.ask(MutationBody::Write(records))
    }

    pub(crate) fn withdraw(&mut self, subject: u32, id: u32) -> Answer {
        self.ask(MutationBody::Withdraw {
            subject_ref: format!("S-{subject}"),
            record_id: format!("r-{subject}-{id}"),
            reason: "wrong person".to_owned(),
            etag: String::new(),
        })
    }

    pub(crate) fn stop(self) {
        drop(self.service);
        assert!(self.writer.join().unwrap().is_ok());
    }
}

/// Record `id` of a person, in a version.
pub(crate) fn record(subject: u32, id: u32, version: u32) -> pb::Record {
    pb::Record {
        id: format!("r-{subject}-{id}"),
        subject_ref: format!("S-{subject}"),
        source_system: "test".to_owned(),
        event_date: "2026-02-01".to_owned(),
        kind: Some(Kind::Offence(pb::Offence {
            ho_code: "005/01".to_owned(),
            outcome: pb::Outcome::Charged.into(),
            incident_ref: format!("I-{version}"),
            ..pb::Offence::default()
        })),
        ..pb::Record::default()
    }
}

/// Twelve people with three records each, one of them with a hundred more, so that the dossier is of many parts;
/// versions, withdrawals, and answers of which half have expired.
pub(crate) fn fill(store: Arc<dyn Store>, clock: &Clock) {
    let mut writing = Writing::start(store, clock);
    for subject in 0..12 {
        writing.write((0..3).map(|id| record(subject, id, 0)).collect());
    }
    writing.write((10..110).map(|id| record(4, id, 0)).collect());
    clock.pass(80);
    for subject in 0..6 {
        writing.write(vec![record(subject, 1, 1)]);
        writing.withdraw(subject, 2);
    }
    writing.write(vec![record(1, 1, 1)]);
    writing.stop();
}

/// A store in memory that was filled and left, and its clock.
pub(crate) fn filled() -> (Arc<MemoryStore>, Clock) {
    let (store, clock) = (Arc::new(MemoryStore::new(Identity::fresh())), Clock::new());
    fill(Arc::clone(&store) as Arc<dyn Store>, &clock);
    (store, clock)
}

pub(super) fn at_rest(clock: &Clock) -> Asked {
    Asked { serving: false, now: clock.now(), anchors: Vec::new(), rebuilt_from: None, standings: StandingsAsked::No }
}

/// Everything told of a store, but progress.
pub(super) fn verified(store: &dyn Store, asked: &Asked) -> (Outcome, Vec<Finding>) {
    let mut findings = Vec::new();
    let mut tell = |told| match told {
        Told::Finding(finding) => findings.push(finding),
        Told::Progress { .. } | Told::Done(_) => {}
    };
    let outcome = verify(store, tables(), asked, &FullSpeed, &mut tell).unwrap();
    (outcome, findings)
}

/// What is found of a store at rest, as `step | place | what`; information left out.
pub(super) fn found(store: &Arc<impl Store>, clock: &Clock) -> Vec<String> {
    told(&verified(&**store, &at_rest(clock)).1)
}

pub(super) fn told(findings: &[Finding]) -> Vec<String> {
    let counted = findings.iter().filter(|finding| finding.severity != Severity::Information);
    counted.map(|finding| format!("{} | {} | {}", finding.step, finding.place, finding.what)).collect()
}
