//! Runs over a running service: what they publish, what they leave alone, and
//! that one which was interrupted ends as one which was not.

mod movements;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::replay::Replayed;
use super::*;
use crate::config::Retention;
use crate::domain::word::List;
use crate::pb::record::Kind;
use crate::ranking::{Standings, standings_digest};
use crate::service::mutation::Records;
use crate::service::outage::Halt;
use crate::service::replay_tests::seen;
use crate::service::scorer::tests::UNSCORABLE;
use crate::service::{Options, Started};
use crate::store::{Identity, MemoryStore, Store};

const PATIENCE: Duration = Duration::from_mins(1);

/// A force whose clock the test keeps.
struct Force {
    store: Arc<MemoryStore>,
    archive: Arc<Archive>,
    clock: Arc<AtomicI64>,
    settings: config::Rescore,
    policy: Option<String>,
}

struct Running {
    service: Service,
    rescoring: Rescoring,
    writer: JoinHandle<Result<(), Halt>>,
}

impl Force {
    fn new() -> Self {
        Self {
            store: Arc::new(MemoryStore::new(Identity { store_id: [1; 16], incarnation: [2; 16] })),
            archive: Arc::new(Archive::in_memory()),
            clock: Arc::new(AtomicI64::new(day("2026-03-01").london_midnight().as_second() + 12 * 3_600)),
            settings: config::Rescore { schedule: None, retention: Retention { days: 90, months: 84 } },
            policy: None,
        }
    }

    fn start(&self) -> Running {
        let clock = Arc::clone(&self.clock);
        let options = Options {
            as_of: None,
            policy: self.policy.clone(),
            stale_after: Duration::from_hours(26),
            page_pins: 4,
            now: Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).expect("must be a time")),
        };
        let store = Arc::clone(&self.store) as Arc<dyn Store>;
        let Started { service, writer, .. } = Service::start(store, options).expect("must start");
        let rescoring = Rescoring::start(service.clone(), Arc::clone(&self.archive), self.settings.clone());
        Running { service, rescoring: rescoring.expect("must start"), writer }
    }

    /// A night passes.
    fn next_day(&self) -> Date {
        let now = self.clock.fetch_add(86_400, Ordering::SeqCst) + 86_400;
        Date::in_london(Timestamp::from_second(now).unwrap())
    }
}

impl Running {
    fn end(self) {
        self.rescoring.stop();
        drop((self.service, self.rescoring));
        self.writer.join().expect("must end").expect("must end well");
    }

    async fn write(&self, number: u8, records: Vec<pb::Record>) -> Revision {
        let records =
            Records { records, etags: BTreeMap::new(), all_or_none: true, validate_only: false, decisions: false };
        let body = MutationBody::Write(records);
        let mutation = Mutation { caller: Caller::loopback(), request_id: [number; 16], digest: [number; 32], body };
        self.service.change(mutation).await.expect("must be taken").revision
    }

    async fn standings(&self) -> Arc<Standings> {
        self.service.standings(Seen::default()).await.expect("must stand")
    }

    async fn run(&self, as_of: Date) -> Told {
        let (told, _) = self.rescoring.begin(&Caller::loopback(), id_of_day(as_of), Some(as_of), false).await.unwrap();
        self.ended(&told.run.id).await
    }

    async fn ended(&self, id: &RunId) -> Told {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let told = self.rescoring.get(id).expect("must be known");
            if told.run.state != RunState::Running || told.completed {
                return told;
            }
            assert!(Instant::now() < deadline, "it must end in time");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

/// Every generation, a page of one at a time.
fn pages(running: &Running) -> Vec<(runs::Generation, bool)> {
    let (mut all, mut token) = (Vec::new(), String::new());
    loop {
        let (page, next) = running.rescoring.page_of_generations(&Caller::loopback(), &token, 1).unwrap();
        all.extend(page);
        if next.is_empty() {
            return all;
        }
        token = next;
    }
}

fn day(text: &str) -> Date {
    text.parse().expect("must be a date")
}

fn record(id: &str, subject: &str, event: &str, kind: Kind) -> pb::Record {
    pb::Record {
        id: id.to_owned(),
        subject_ref: subject.to_owned(),
        source_system: "test".to_owned(),
        event_date: event.to_owned(),
        kind: Some(kind),
        ..pb::Record::default()
    }
}

fn offence(id: &str, subject: &str, event: &str) -> pb::Record {
    let victim = pb::Victim { victim_ref: "V-1".to_owned(), natural_person: true, ..pb::Victim::default() };
    let offence = pb::Offence {
        ho_code: "005/01".to_owned(),
        outcome: pb::Outcome::Charged.into(),
        victim: Some(victim),
        ..pb::Offence::default()
    };
    record(id, subject, event, Kind::Offence(offence))
}

fn people(count: usize) -> Vec<pb::Record> {
    (0..count)
        .map(|n| offence(&format!("o-{n}"), &format!("S-{n}"), &format!("2026-0{}-1{}", 1 + n % 2, n % 9)))
        .collect()
}

#[tokio::test]
async fn a_run_moves_the_day_publishes_one_generation_and_is_returned_when_it_is_asked_for_again() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(40)).await;
    let before = running.standings().await;
    assert_eq!((before.as_of(), before.meta().generation), (day("2026-03-01"), 0));
    let tomorrow = force.next_day();
    let told = running.run(tomorrow).await;
    assert_eq!(told.run.state, RunState::Published(1));
    let counters = told.run.counters;
    assert_eq!((counters.universe, counters.scored, counters.failed, counters.resumed), (40, 40, 0, 0));
    assert!(counters.changed > 0, "a day has passed");
    let after = running.standings().await;
    assert_eq!((after.as_of(), after.meta().generation), (tomorrow, 1));
    assert_eq!(before.as_of(), day("2026-03-01"), "readers of before keep what they had");

    let head = force.store.head().unwrap();
    let again = running.run(tomorrow).await;
    assert_eq!((again.run, force.store.head().unwrap()), (told.run, head), "nothing is done twice");
    running.end();

    let running = force.start();
    let restarted = running.standings().await;
    assert_eq!(seen(&restarted), seen(&after));
    assert_eq!(restarted.meta().generation, 1);
    let again = running.run(tomorrow).await;
    assert_eq!(again.run.state, RunState::Published(1), "ids of runs never expire");
    running.end();
}

#[tokio::test]
async fn a_generation_is_read_back_as_it_was_whatever_was_written_since() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(30)).await;
    let first = force.next_day();
    running.run(first).await;
    let then = running.standings().await;
    running.write(2, vec![offence("late", "S-3", "2026-03-02"), offence("new", "S-new", "2026-03-02")]).await;
    running.run(force.next_day()).await;
    let held = running.rescoring.generation(1).await.unwrap();
    assert_eq!(standings_digest(&held.standings), standings_digest(&then));
    assert_ne!(standings_digest(&held.standings), standings_digest(&*running.standings().await));
    assert_eq!(held.standings.find("S-new").and_then(|subject| held.standings.row(subject).map(|_| ())), None);

    let everybody: Vec<_> = then.people(List::All).collect();
    let explained = running.rescoring.explained(&held, &everybody).unwrap();
    for subject in everybody {
        for family in [crate::domain::word::Family::Cohort, crate::domain::word::Family::Outstanding] {
            assert_eq!(
                Service::explain(&explained, subject, family),
                Service::explain(&then, subject, family),
                "the same explanation as on that day"
            );
        }
    }
    assert!(matches!(running.rescoring.generation(3).await, Err(Fault::UnknownGeneration)));
    force.archive.remove(2).unwrap();
    assert!(matches!(running.rescoring.generation(2).await, Err(Fault::GenerationNotKept)));
    let listed: Vec<(u64, bool)> = pages(&running).iter().map(|(told, kept)| (told.number, *kept)).collect();
    assert_eq!(listed, [(2, false), (1, true)]);
    running.end();
}

#[tokio::test]
async fn a_replay_from_the_ledger_alone_has_the_digest_that_was_published() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(25)).await;
    running.run(force.next_day()).await;
    running.write(2, vec![offence("late", "S-3", "2026-03-02")]).await;
    running.run(force.next_day()).await;
    for number in [1, 2] {
        let mut told = running.rescoring.replay(number).unwrap();
        assert_eq!(running.rescoring.replay(number).unwrap_err(), Fault::ReplayRunning);
        let mut last = None;
        while let Some(next) = told.recv().await {
            last = Some(next);
        }
        match last {
            Some(Replayed::Done(again)) => {
                let found = (again.told.number, again.told.digest, again.people, again.repeats_as_published);
                assert_eq!(found, (number, again.digest, 25, 0));
            }
            other => panic!("it must come to its end: {other:?}"),
        }
    }
    assert_eq!(running.rescoring.replay(9).unwrap_err(), Fault::UnknownGeneration);
    running.end();
}

#[tokio::test]
async fn the_same_ledger_and_day_have_the_same_digest_however_they_came_about() {
    let digest = |groups: Vec<Vec<pb::Record>>, nights: usize| async move {
        let force = Force::new();
        let running = force.start();
        for (number, records) in (1..).zip(groups) {
            running.write(number, records).await;
        }
        let mut last = day("2026-03-01");
        for _ in 0..nights {
            last = force.next_day();
        }
        running.run(last).await;
        let digest = running.service.board.runs().generation(1).unwrap().digest;
        running.end();
        digest
    };
    let all = people(50);
    let whole = digest(vec![all.clone()], 3).await;
    let (first, second) = all.split_at(17);
    assert_eq!(digest(vec![first.to_vec(), second.to_vec()], 3).await, whole);
    assert_ne!(digest(vec![all], 4).await, whole);
}

#[tokio::test]
async fn who_cannot_be_weighed_is_named_and_stops_nobody() {
    let force = Force::new();
    let running = force.start();
    let mut records = people(10);
    records.push(offence("bad", &format!("{UNSCORABLE}1"), "2026-02-01"));
    running.write(1, records).await;
    let told = running.run(force.next_day()).await;
    assert_eq!(told.run.state, RunState::Published(1));
    assert_eq!((told.run.counters.scored, told.run.counters.failed), (10, 1));
    assert_eq!(told.failures.len(), 1);
    assert_eq!(told.failures[0].0, format!("{UNSCORABLE}1"));
    let standings = running.standings().await;
    let subject = standings.find(&told.failures[0].0).unwrap();
    let row = standings.row(subject).unwrap();
    assert!(row.cohort.provisional && row.cohort.high.get() == 100_000, "nothing is known of them");
    running.end();
    force.start().end();
}

#[tokio::test]
async fn a_run_that_could_weigh_nobody_fails_and_is_taken_up_by_the_same_id() {
    let force = Force::new();
    let running = force.start();
    running.write(1, vec![offence("bad", &format!("{UNSCORABLE}1"), "2026-02-01")]).await;
    let tomorrow = force.next_day();
    let told = running.run(tomorrow).await;
    assert!(matches!(&told.run.state, RunState::Ended { cancelled: false, reason } if reason.contains("none of 1")));
    assert_eq!(running.standings().await.as_of(), day("2026-03-01"), "nothing was published");
    running.write(2, people(3)).await;
    let told = running.run(tomorrow).await;
    assert_eq!((told.run.state, told.run.attempt), (RunState::Published(1), 2));
    running.end();
}

#[tokio::test]
async fn nobody_held_is_no_failure() {
    let force = Force::new();
    let running = force.start();
    let told = running.run(force.next_day()).await;
    assert_eq!((told.run.state, told.run.counters.universe), (RunState::Published(1), 0));
    running.end();
}

#[tokio::test]
async fn days_that_are_not_allowed_and_other_content_under_an_id_are_refused() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(3)).await;
    let caller = Caller::loopback();
    let begin = |id: RunId, as_of: &str, dry| running.rescoring.begin(&caller, id, Some(day(as_of)), dry);
    for as_of in ["2026-02-28", "2026-03-02"] {
        for dry in [false, true] {
            let refused = begin([9; 16], as_of, dry).await.unwrap_err();
            assert!(matches!(&refused, Fault::Invalid(violations) if violations[0].field == "as_of"), "{refused}");
        }
    }
    let told = running.run(force.next_day()).await;
    assert_eq!(begin(told.run.id, "2026-03-01", false).await.unwrap_err(), Fault::RequestIdReused);
    assert_eq!(begin(told.run.id, "2026-03-02", true).await.unwrap_err(), Fault::RequestIdReused);
    running.end();
}

#[tokio::test]
async fn a_dry_run_counts_and_publishes_nothing() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(20)).await;
    let tomorrow = force.next_day();
    let before = (force.store.head().unwrap(), seen(&*running.standings().await));
    let (told, revision) = running.rescoring.begin(&Caller::loopback(), [7; 16], Some(tomorrow), true).await.unwrap();
    assert_eq!(revision, Revision(0));
    let told = running.ended(&told.run.id).await;
    assert!(told.completed && told.dry && told.run.counters.scored == 20 && told.run.counters.changed > 0, "{told:?}");
    assert_eq!((force.store.head().unwrap(), seen(&*running.standings().await)), before);
    running.end();
}

#[tokio::test]
async fn records_written_while_a_run_is_under_way_are_on_the_lists_it_publishes() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(400)).await;
    let tomorrow = force.next_day();
    let id = id_of_day(tomorrow);
    running.rescoring.begin(&Caller::loopback(), id, Some(tomorrow), false).await.unwrap();
    let mut last = Revision(0);
    for number in 2..30 {
        let records = vec![
            offence(&format!("late-{number}"), &format!("S-{number}"), "2026-03-01"),
            offence(&format!("new-{number}"), &format!("N-{number}"), "2026-03-01"),
        ];
        last = running.write(number, records).await;
    }
    let told = running.ended(&id).await;
    assert_eq!(told.run.state, RunState::Published(1));
    let published = running.standings().await;
    assert!(published.revision() >= last);
    running.end();
    let running = force.start();
    let fresh = running.standings().await;
    assert_eq!(seen(&fresh), seen(&published), "as if everything had been weighed on that day at once");
    assert_eq!(fresh.as_of(), tomorrow);
    running.end();
}

#[tokio::test]
async fn a_run_that_was_interrupted_is_taken_up_at_the_next_start_and_weighs_nobody_twice() {
    let whole = {
        let force = Force::new();
        let running = force.start();
        running.write(1, people(60)).await;
        running.run(force.next_day()).await;
        let digest = running.service.board.runs().generation(1).unwrap().digest;
        running.end();
        digest
    };
    let force = Force::new();
    let running = force.start();
    running.write(1, people(60)).await;
    let tomorrow = force.next_day();
    let id = id_of_day(tomorrow);
    // Begun, with half of the people weighed, when the process ends.
    let standings = running.standings().await;
    let policy_digest = running.service.board.runs().policy_digest().to_vec();
    let identity = running.service.store.identity();
    let conditions =
        checkpoint::conditions(&identity, tomorrow, &policy_digest, &crate::reference::tables().digest()[..]);
    let half = (0..30).map(crate::domain::SubjectId).map(|subject| {
        let dossier = standings.dossier(subject).unwrap();
        let weighed = crate::scoring::composite::weigh(dossier, standings.rules(), tomorrow);
        (subject, checkpoint::fingerprint(dossier), weighed)
    });
    {
        let (_, mut partial) = force.archive.run(&text(&id)).unwrap();
        partial.append(&conditions).unwrap();
        partial.append(&checkpoint::record(half)).unwrap();
    }
    running.rescoring.give_up();
    let body = MutationBody::Run(RunStep::Start { id, as_of: tomorrow });
    let begun = Mutation { caller: Caller::loopback(), request_id: id, digest: [0; 32], body };
    running.service.change(begun).await.unwrap();
    running.end();

    let running = force.start();
    let told = running.ended(&id).await;
    assert_eq!((told.run.state, told.run.attempt), (RunState::Published(1), 1));
    assert_eq!((told.run.counters.scored, told.run.counters.resumed), (60, 30));
    assert_eq!(running.service.board.runs().generation(1).unwrap().digest, whole);
    running.end();
}

#[tokio::test]
async fn a_cancelled_run_publishes_nothing_and_goes_on_as_its_next_attempt() {
    let mut force = Force::new();
    force.settings.schedule = None;
    let running = force.start();
    running.write(1, people(5)).await;
    let tomorrow = force.next_day();
    let id = id_of_day(tomorrow);
    // Cancelled before the thread has looked: its first look at the run is at this.
    running.rescoring.0.state().cancel = Some((id, 1, "the wrong day".to_owned()));
    let told = running.run(tomorrow).await;
    assert!(matches!(&told.run.state, RunState::Ended { cancelled: true, reason } if reason == "the wrong day"));
    assert_eq!(running.standings().await.as_of(), day("2026-03-01"));
    let told = running.run(tomorrow).await;
    assert_eq!((told.run.state, told.run.attempt), (RunState::Published(1), 2));
    assert_eq!(running.rescoring.cancel(&id, "too late").unwrap().run.state, RunState::Published(1));
    assert_eq!(running.rescoring.cancel(&[3; 16], "no such").unwrap_err(), Fault::UnknownRun);
    running.end();
}

#[tokio::test]
async fn the_schedule_begins_the_days_run_by_itself() {
    let mut force = Force::new();
    force.settings.schedule = Some(jiff::civil::Time::constant(2, 30, 0, 0));
    let running = force.start();
    running.write(1, people(5)).await;
    let tomorrow = force.next_day();
    running.rescoring.0.ring();
    let deadline = Instant::now() + PATIENCE;
    while running.standings().await.as_of() != tomorrow {
        assert!(Instant::now() < deadline, "the run must be begun in time");
        running.rescoring.0.ring();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert_eq!(running.rescoring.page_of_runs(&Caller::loopback(), "", 10).unwrap().0.len(), 1);
    running.end();
}

/// The reference policy with repetition over ten days only.
fn shorter() -> String {
    let text = crate::policy::Policy::default_text().replace("version = \"thr-2026.1\"", "version = \"v2\"");
    let at = text.find("repeat_within_days = ").expect("must be there");
    let end = text[at..].find('\n').expect("must end");
    format!("{}repeat_within_days = 10{}", &text[..at], &text[at + end..])
}

#[tokio::test]
async fn a_policy_that_waits_comes_into_force_with_the_run_and_victims_are_linked_by_it() {
    use crate::service::policies::{PolicyChange, Stage};
    let force = Force::new();
    let running = force.start();
    running.write(1, people(40)).await;
    running.run(force.next_day()).await;
    let before = running.standings().await;
    let changes = [
        PolicyChange::Draft {
            version: "v2".to_owned(),
            text: shorter(),
            base: String::new(),
            officer: "DI-1".to_owned(),
            reason: "A year is too long.".to_owned(),
        },
        PolicyChange::Approve {
            version: "v2".to_owned(),
            officer: "DI-2".to_owned(),
            note: "Read.".to_owned(),
            seen: Box::new(crate::service::policies::Seen {
                approval: Some(crate::service::policies::Approval {
                    evaluation: crate::pb::Evaluation::default(),
                    simulation: crate::pb::KeptSimulation::default(),
                    bounds: Vec::new(),
                }),
                ..Default::default()
            }),
        },
        PolicyChange::Activate { version: "v2".to_owned(), officer: "DI-2".to_owned(), reason: "Decided.".to_owned() },
    ];
    for (id, change) in (50..).zip(changes) {
        let body = MutationBody::Policy(change);
        let mutation = Mutation { caller: Caller::loopback(), request_id: [id; 16], digest: [id; 32], body };
        running.service.change(mutation).await.expect("must be kept");
    }
    let waiting = running.standings().await;
    assert_eq!(standings_digest(&waiting), standings_digest(&before), "nobody is weighed by it yet");
    let tomorrow = force.next_day();
    running.rescoring.begin(&Caller::loopback(), id_of_day(tomorrow), Some(tomorrow), false).await.unwrap();
    let late = running.write(2, vec![offence("late", "S-1", "2026-03-02")]).await;
    let told = running.ended(&id_of_day(tomorrow)).await;
    assert_eq!(told.run.state, RunState::Published(2), "{told:?}");
    let after = running.standings().await;
    assert!(after.revision() >= late);
    assert_eq!(after.rules().policy.version, "v2");
    let policies = running.service.policies();
    assert_eq!(policies.stage(policies.get("v2").unwrap()), Stage::InForce);
    let repeats = |standings: &Standings| {
        let subjects = standings.people(List::All).filter_map(|subject| standings.dossier(subject).cloned());
        subjects.map(|dossier| dossier.repeats().iter().map(|repeat| repeat.dates.len()).sum::<usize>()).sum::<usize>()
    };
    assert!(repeats(&after) < repeats(&before), "ten days link fewer than a year");
    let mut replayed = running.rescoring.replay(2).unwrap();
    let mut last = None;
    while let Some(next) = replayed.recv().await {
        last = Some(next);
    }
    assert!(matches!(&last, Some(Replayed::Done(again)) if again.told.digest == again.digest), "{last:?}");
    running.end();
    let running = force.start();
    let fresh = running.standings().await;
    assert_eq!(standings_digest(&fresh), standings_digest(&after), "a start links and weighs the same");
    assert_eq!(fresh.meta().generation, 2);
    running.end();
    // Old settings undo neither the policy nor the day.
    let clock = Arc::clone(&force.clock);
    let options = Options {
        as_of: Some(day("2026-03-01")),
        policy: Some(crate::policy::Policy::default_text().to_owned()),
        stale_after: Duration::from_hours(26),
        page_pins: 4,
        now: Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).expect("must be a time")),
    };
    let started = Service::start(Arc::clone(&force.store) as Arc<dyn Store>, options).expect("must start");
    let kept = started.service.standings(Seen::default()).await.unwrap();
    assert_eq!((kept.as_of(), kept.rules().policy.version.as_str()), (tomorrow, "v2"));
    drop(started.service);
    started.writer.join().expect("must end").expect("must end well");
}

#[tokio::test]
async fn a_disk_that_fills_up_at_the_publication_delays_it_and_costs_nobody() {
    use crate::service::faulty::{Disk, FaultyStore};
    use crate::service::outage::Pace;
    let home = tempfile::tempdir().unwrap();
    let archive = Arc::new(Archive::open(&home.path().join("generations")).unwrap());
    let store = Arc::new(FaultyStore::default());
    let quick = Duration::from_millis(2);
    let options = Options {
        as_of: Some(day("2026-03-01")),
        policy: None,
        stale_after: Duration::from_hours(26),
        page_pins: 4,
        now: Arc::new(Timestamp::now),
    };
    let pace = Pace { look: quick, first: quick, most: quick, anchor: Duration::from_mins(1) };
    let started = Service::start_paced(Arc::clone(&store) as Arc<dyn Store>, options, pace).expect("must start");
    let service = started.service;
    let write = |number: u8, records: Vec<pb::Record>| {
        let records =
            Records { records, etags: BTreeMap::new(), all_or_none: true, validate_only: false, decisions: false };
        let body = MutationBody::Write(records);
        let caller = Caller::loopback();
        service.change(Mutation { caller, request_id: [number; 16], digest: [number; 32], body })
    };
    write(1, people(20)).await.expect("must be taken");
    let id = id_of_day(day("2026-03-02"));
    let body = MutationBody::Run(RunStep::Start { id, as_of: day("2026-03-02") });
    let begun = Mutation { caller: Caller::loopback(), request_id: id, digest: [0; 32], body };
    service.change(begun).await.expect("must begin");
    store.disk(Disk::Full);
    let settings = config::Rescore { schedule: None, retention: Retention { days: 90, months: 84 } };
    let rescoring = Rescoring::start(service.clone(), Arc::clone(&archive), settings).expect("must start");
    while store.reopens() < 3 {
        tokio::time::sleep(quick).await;
    }
    assert_eq!(rescoring.get(&id).unwrap().run.state, RunState::Running);
    store.disk(Disk::Sound);
    let deadline = Instant::now() + PATIENCE;
    while rescoring.get(&id).unwrap().run.state == RunState::Running {
        assert!(Instant::now() < deadline, "it must be published in time");
        tokio::time::sleep(quick).await;
    }
    assert_eq!(rescoring.get(&id).unwrap().run.state, RunState::Published(1), "{:?}", rescoring.get(&id));
    assert!(archive.generation(1).unwrap().is_some());
    // Opened again, the store has another table of references: whoever comes now is found all the same.
    write(2, vec![offence("new", "S-new", "2026-03-01")]).await.expect("must be taken");
    let standings = service.standings(Seen::default()).await.unwrap();
    assert!(standings.find("S-new").is_some());
    assert_eq!(standings.as_of(), day("2026-03-02"));
    rescoring.stop();
    drop((service, rescoring));
    started.writer.join().expect("must end").expect("must end well");
}

#[tokio::test]
async fn lists_never_go_back_and_a_run_asked_for_again_keeps_its_day() {
    let force = Force::new();
    let running = force.start();
    running.write(1, people(5)).await;
    let (caller, tomorrow) = (Caller::loopback(), force.next_day());
    let told = running.run(tomorrow).await;
    force.next_day();
    let (again, _) = running.rescoring.begin(&caller, told.run.id, None, false).await.unwrap();
    assert_eq!(again.run, told.run, "a night later it is still the run of its day");
    // Begun, and overtaken by a start on a later day.
    let later = force.next_day();
    running.rescoring.stop();
    let body = MutationBody::Run(RunStep::Start { id: [8; 16], as_of: later });
    running.service.change(Mutation { caller, request_id: [8; 16], digest: [8; 32], body }).await.unwrap();
    running.end();
    let clock = Arc::clone(&force.clock);
    let options = Options {
        as_of: Some(later + 1),
        policy: None,
        stale_after: Duration::from_hours(26),
        page_pins: 4,
        now: Arc::new(move || Timestamp::from_second(clock.load(Ordering::SeqCst)).expect("must be a time")),
    };
    let started = Service::start(Arc::clone(&force.store) as Arc<dyn Store>, options).expect("must start");
    let rescoring =
        Rescoring::start(started.service.clone(), Arc::clone(&force.archive), force.settings.clone()).unwrap();
    let running = Running { service: started.service, rescoring, writer: started.writer };
    let told = running.ended(&[8; 16]).await;
    assert!(matches!(&told.run.state, RunState::Ended { cancelled: false, reason } if reason.contains("already")));
    assert_eq!(running.standings().await.as_of(), later + 1);
    running.end();
}
