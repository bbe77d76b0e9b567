//! The one fold, as a property: whatever was written, superseded, withdrawn
//! and asked again, in groups of any size, the running writer, a start from
//! views, a start that rebuilds them and a plain fold of the ledger know the
//! same, rank the same and answer a request asked again alike.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use jiff::Timestamp;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::fault::Fault;
use super::life::{LifeChange, Review};
use super::mutation::{Answer, Mutation, MutationBody, Records, Stream};
use super::outage::Halt;
use super::state::{State, Touched};
use super::{Options, Seen, Service, start};
use crate::access::Caller;
use crate::domain::dossier::Dossier;
use crate::domain::life::Histories;
use crate::domain::retention::Periods;
use crate::domain::word::{List, RetentionOutcome};
use crate::domain::{Date, Revision, SubjectId};
use crate::pb;
use crate::pb::record::Kind;
use crate::policy::Policy;
use crate::ranking::{Filter, Sight, Standings, Start};
use crate::reference::tables;
use crate::store::{Identity, MemoryStore, SledStore, Store, View, chain, verify_chain};

/// One thing done to a running service.
#[derive(Clone, Debug)]
enum Act {
    /// Requests that wait for the writer together.
    Together(Vec<Ask>),
    /// A request asked before, by its place among all asked.
    Again(usize),
    /// Seconds pass.
    Wait(i64),
    /// The process ends and another begins, perhaps without some views, on another day or under another policy.
    Restart { lost: BTreeSet<usize>, day: Option<u8>, policy: Option<usize> },
}

#[derive(Clone, Debug)]
pub(super) enum Ask {
    Write {
        records: Vec<pb::Record>,
        all_or_none: bool,
    },
    Withdraw {
        subject: u8,
        record: u8,
    },
    Merge {
        survivor: u8,
        merged: u8,
    },
    Unmerge {
        merged: u8,
    },
    Restrict {
        subject: u8,
    },
    Lift {
        subject: u8,
    },
    Disclose {
        subject: u8,
    },
    /// A review on a day; without a next one it was decided to dispose.
    Review {
        subject: u8,
        on: u8,
        next: Option<u8>,
    },
}

const VICTIMS: [&str; 3] = ["V-0", "V-1", "V-2"];

fn day(number: u8) -> String {
    let first: Date = "2025-12-01".parse().expect("must be a date");
    (first + i32::from(number)).to_string()
}

fn offence() -> impl Strategy<Value = Kind> {
    let victim = (option::weighted(0.9, 0..3_usize), prop::bool::weighted(0.9)).prop_map(|(place, natural_person)| {
        let victim_ref = place.map(|place| VICTIMS[place].to_owned()).unwrap_or_default();
        pb::Victim { victim_ref, natural_person, ..pb::Victim::default() }
    });
    let outcomes = [pb::Outcome::Suspected, pb::Outcome::Charged, pb::Outcome::NoFurtherAction, pb::Outcome::Convicted];
    let codes = ["005/01", "008/06", "034/01", "999/99"];
    let parts = (
        prop::sample::select(codes.to_vec()),
        option::weighted(0.9, victim),
        option::of(0..3_u8),
        prop::sample::select(outcomes.to_vec()),
    );
    parts.prop_map(|(code, victim, incident, outcome)| {
        Kind::Offence(pb::Offence {
            ho_code: code.to_owned(),
            report_date: "2026-03-01".to_owned(),
            outcome: outcome.into(),
            outcome_date: if outcome == pb::Outcome::Convicted { "2026-03-02".to_owned() } else { String::new() },
            incident_ref: incident.map(|number| format!("I-{number}")).unwrap_or_default(),
            victim,
            ..pb::Offence::default()
        })
    })
}

fn kind(date: &str) -> BoxedStrategy<Kind> {
    let opened_on = date.to_owned();
    prop_oneof![
        8 => offence(),
        1 => (any::<bool>(), 0..2_u8).prop_map(|(born, area)| Kind::Person(pb::Person {
            birth_date: if born { "1990-05-01".to_owned() } else { String::new() },
            areas: vec![format!("A-{area}")],
            name: "not kept".to_owned(),
            ..pb::Person::default()
        })),
        1 => (0..2_u8).prop_map(|officer| Kind::CohortMembership(pb::CohortMembership {
            status: pb::CohortStatus::Fixed.into(),
            offender_manager: format!("OM-{officer}"),
            area: "A-9".to_owned(),
            ..pb::CohortMembership::default()
        })),
        1 => (1..=16_i32).prop_map(move |reason| Kind::Outstanding(pb::Outstanding {
            reason,
            periods: vec![pb::OpenPeriod { opened_on: opened_on.clone(), ..pb::OpenPeriod::default() }],
            ..pb::Outstanding::default()
        })),
        1 => Just(Kind::Order(pb::Order { title: "not kept".to_owned(), ..pb::Order::default() })),
        2 => work(date.to_owned()),
    ]
    .boxed()
}

/// Something done about a file, or a review of one; often of a file that is not there.
fn work(day: String) -> impl Strategy<Value = Kind> {
    (0..4_u8, 0..8_u8, any::<bool>()).prop_map(move |(subject, file, review)| {
        let at: Timestamp = format!("{day}T10:00:00Z").parse().expect("must be an instant");
        let at = Some(pbjson_types::Timestamp { seconds: at.as_second(), nanos: 0 });
        let outstanding_id = format!("r-{subject}-{file}");
        if review {
            return Kind::Review(pb::Review {
                outstanding_id,
                officer: "PS-1".to_owned(),
                rank: pb::SupervisorRank::Sergeant.into(),
                reviewed_time: at,
                findings: "not kept by the view".to_owned(),
                ..pb::Review::default()
            });
        }
        Kind::Activity(pb::Activity {
            activity_kind: pb::ActivityKind::AddressVisited.into(),
            officer: "PC-1".to_owned(),
            done_time: at,
            outstanding_id,
            ..pb::Activity::default()
        })
    })
}

/// A record of few people under few ids, so that versions, strangers' ids and shared victims are common.
pub(super) fn record() -> impl Strategy<Value = pb::Record> {
    (0..4_u8, 0..10_u8, 0..90_u8, 0..12_i32).prop_flat_map(|(subject, id, date, category)| {
        let event_date = day(date);
        kind(&event_date).prop_map(move |kind| pb::Record {
            // Most ids are one person's own; some are claimed by two.
            id: if id < 8 { format!("r-{subject}-{id}") } else { format!("r-{id}") },
            subject_ref: format!("S-{subject}"),
            source_system: "test".to_owned(),
            category: if category <= 4 { category } else { 0 },
            event_date: event_date.clone(),
            kind: Some(kind),
            ..pb::Record::default()
        })
    })
}

fn ask() -> impl Strategy<Value = Ask> {
    prop_oneof![
        3 => (vec(record(), 1..6), any::<bool>()).prop_map(|(records, all_or_none)| Ask::Write { records, all_or_none }),
        2 => (0..4_u8, 0..10_u8).prop_map(|(subject, record)| Ask::Withdraw { subject, record }),
        1 => (0..4_u8, 0..4_u8).prop_map(|(survivor, merged)| Ask::Merge { survivor, merged }),
        1 => (0..4_u8).prop_map(|merged| Ask::Unmerge { merged }),
        1 => (0..4_u8).prop_map(|subject| Ask::Restrict { subject }),
        1 => (0..4_u8).prop_map(|subject| Ask::Lift { subject }),
        1 => (0..4_u8).prop_map(|subject| Ask::Disclose { subject }),
        1 => (0..4_u8, 0..110_u8, option::of(110..150_u8))
            .prop_map(|(subject, on, next)| Ask::Review { subject, on, next }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    let restart =
        (prop::collection::btree_set(0..View::ALL.len(), 0..3), option::of(90..150_u8), option::of(0..2_usize));
    prop_oneof![
        8 => vec(ask(), 1..5).prop_map(Act::Together),
        2 => any::<usize>().prop_map(Act::Again),
        1 => prop_oneof![1..60_i64, Just(73 * 3_600)].prop_map(Act::Wait),
        2 => restart.prop_map(|(lost, day, policy)| Act::Restart { lost, day, policy }),
    ]
}

/// Two policies under which different victims are repeat victims.
pub(super) fn policy(number: usize) -> &'static str {
    static CLOSER: LazyLock<String> = LazyLock::new(|| {
        let named = Policy::default_text().replace("thr-2026.1", "thr-closer");
        let text = named.replace("repeat_within_days = 365", "repeat_within_days = 20");
        assert_ne!(text, named, "the policy must name the days within which a victim is one again");
        text
    });
    [Policy::default_text(), &**CLOSER][number]
}

/// A request with its id, the second in which it was made, and the answer.
type Asked = (Ask, [u8; 16], i64, Result<Answer, Fault>);

/// A running service and what it was asked.
pub(super) struct World {
    runtime: tokio::runtime::Runtime,
    clock: Arc<AtomicI64>,
    asked: Vec<Asked>,
}

pub(super) struct Running {
    pub(super) service: Service,
    writer: std::thread::JoinHandle<Result<(), Halt>>,
}

impl World {
    pub(super) fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("must build");
        let noon: Timestamp = "2026-03-20T12:00:00Z".parse().expect("must be an instant");
        Self { runtime, clock: Arc::new(AtomicI64::new(noon.as_second())), asked: Vec::new() }
    }

    pub(super) fn start(&self, store: &Arc<dyn Store>, day_asked: Option<u8>, policy_asked: Option<usize>) -> Running {
        let clock = Arc::clone(&self.clock);
        let options = Options {
            as_of: day_asked.map(|number| day(number).parse().expect("must be a date")),
            policy: policy_asked.map(|number| policy(number).to_owned()),
            stale_after: Duration::from_hours(24),
            page_pins: 1,
            now: Arc::new(move || Timestamp::from_second(clock.load(Ordering::Relaxed)).expect("must be an instant")),
        };
        let started = Service::start(Arc::clone(store), options).expect("must start");
        Running { service: started.service, writer: started.writer }
    }

    /// Waits for something that the service does.
    pub(super) fn wait<T>(&self, for_what: impl Future<Output = T>) -> T {
        self.runtime.block_on(for_what)
    }

    fn mutation(ask: &Ask, request_id: [u8; 16]) -> Mutation {
        let body = match ask {
            Ask::Write { records, all_or_none } => MutationBody::Write(Records {
                records: records.clone(),
                etags: BTreeMap::new(),
                all_or_none: *all_or_none,
                validate_only: false,
                decisions: false,
            }),
            Ask::Withdraw { subject, record } => MutationBody::Withdraw {
                subject_ref: format!("S-{subject}"),
                record_id: if *record < 8 { format!("r-{subject}-{record}") } else { format!("r-{record}") },
                reason: "wrong person".to_owned(),
                etag: String::new(),
            },
            Ask::Merge { survivor, merged } => MutationBody::Life(LifeChange::Merge(pb::MergeSubjectsRequest {
                survivor_ref: format!("S-{survivor}"),
                merged_ref: format!("S-{merged}"),
                ..pb::MergeSubjectsRequest::default()
            })),
            Ask::Unmerge { merged } => MutationBody::Life(LifeChange::Unmerge(pb::UnmergeSubjectsRequest {
                merged_ref: format!("S-{merged}"),
                ..pb::UnmergeSubjectsRequest::default()
            })),
            Ask::Restrict { subject } => MutationBody::Life(LifeChange::Restrict(pb::RestrictProcessingRequest {
                subject_ref: format!("S-{subject}"),
                open_files_reason: "no danger to anybody".to_owned(),
                ..pb::RestrictProcessingRequest::default()
            })),
            Ask::Disclose { subject } => {
                let subject_ref = format!("S-{subject}");
                let asked = pb::RecordDisclosureRequest { subject_ref, ..pb::RecordDisclosureRequest::default() };
                MutationBody::Life(LifeChange::Disclose(asked, 0))
            }
            Ask::Review { subject, on, next } => {
                let date = |number: u8| day(number).parse().expect("must be a date");
                let asked = pb::RecordRetentionReviewRequest {
                    subject_ref: format!("S-{subject}"),
                    ..pb::RecordRetentionReviewRequest::default()
                };
                MutationBody::Life(LifeChange::Review(Review {
                    asked,
                    outcome: if next.is_some() { RetentionOutcome::Retain } else { RetentionOutcome::Dispose },
                    day: Some(date(*on)),
                    next: next.map(date),
                    periods: Periods::PUBLISHED,
                }))
            }
            Ask::Lift { subject } => MutationBody::Life(LifeChange::Lift(pb::LiftRestrictionRequest {
                subject_ref: format!("S-{subject}"),
                ..pb::LiftRestrictionRequest::default()
            })),
        };
        Mutation { caller: Caller::loopback(), request_id, digest: [request_id[0]; 32], body }
    }

    pub(super) fn ask_together(&mut self, running: &Running, asks: Vec<Ask>) {
        let first = self.asked.len();
        let now = self.clock.load(Ordering::Relaxed);
        let ids: Vec<[u8; 16]> = (first..first + asks.len()).map(|place| (place as u128 + 1).to_le_bytes()).collect();
        let answers = self.runtime.block_on(async {
            let mut waiting = Vec::new();
            for (ask, id) in asks.iter().zip(&ids) {
                waiting.push(
                    running.service.queue(&Stream::default(), Self::mutation(ask, *id)).await.expect("must queue"),
                );
            }
            let mut answers = Vec::new();
            for answer in waiting {
                answers.push(running.service.reply(answer).await);
            }
            answers
        });
        self.asked.extend(asks.into_iter().zip(ids).zip(answers).map(|((ask, id), answer)| (ask, id, now, answer)));
    }

    /// Asks again what was asked: within 72 hours what was done is not done twice.
    fn ask_again(&self, running: &Running, place: usize) -> Result<(), TestCaseError> {
        let Some((ask, id, at, before)) = self.asked.get(place % self.asked.len().max(1)) else { return Ok(()) };
        let kept = self.clock.load(Ordering::Relaxed) - at <= 72 * 3_600;
        // What was refused as a whole left nothing behind, and may be taken now.
        if !kept || before.is_err() {
            return Ok(());
        }
        let head = self.standings(running).revision();
        let again = self.runtime.block_on(running.service.change(Self::mutation(ask, *id)));
        prop_assert_eq!(&again, before, "{:?}", ask);
        prop_assert_eq!(self.standings(running).revision(), head);
        Ok(())
    }

    pub(super) fn standings(&self, running: &Running) -> Arc<Standings> {
        self.runtime.block_on(running.service.standings(Seen::default())).expect("must stand")
    }
}

impl Running {
    pub(super) fn stop(self) {
        drop(self.service);
        self.writer.join().expect("the writer must not panic").expect("the writer must end well");
    }
}

/// What is known of one person, in words that do not depend on how it is packed.
fn known(dossier: &Dossier) -> String {
    let offences: Vec<_> = dossier.offences().collect();
    let areas: Vec<_> = dossier.person().iter().flat_map(|person| person.areas().map(str::to_owned)).collect();
    let person =
        dossier.person().map(|person| (person.id, person.revision, person.birth, person.apparent_age, person.made));
    let ids: BTreeSet<_> = dossier.record_ids().collect();
    format!(
        "{} {} {person:?} {areas:?} {offences:?} {:?} {:?} {ids:?}",
        dossier.subject_ref(),
        dossier.revision(),
        dossier.others(),
        dossier.repeats(),
    ) + &format!(" {:?} {:?} {}", dossier.supervised(), dossier.bands(), dossier.noted())
        + &format!(" {:?} {} {}", dossier.life(), dossier.stands(), dossier.is_restricted())
}

/// Everything that readers see, line by line, in words that do not depend on the order in which names were first met.
pub(super) fn seen(standings: &Standings) -> Vec<String> {
    let mut seen = vec![format!("{} {}", standings.revision(), standings.meta().as_of)];
    let areas = ["A-0", "A-1", "A-9"].map(|area| (area, Filter { areas: vec![area.to_owned()], ..Filter::default() }));
    let officers = ["OM-0", "OM-1"]
        .map(|officer| (officer, Filter { offender_managers: vec![officer.to_owned()], ..Filter::default() }));
    for (name, filter) in [("everybody", Filter::default())].iter().chain(&areas).chain(&officers) {
        for list in List::ALL.iter().copied() {
            seen.push(format!(
                "{list:?} {name} {:?}",
                standings.page(list, filter, &Sight::EVERYBODY, Start::Top, usize::MAX).rows
            ));
        }
    }
    for subject in (0..u32::try_from(standings.subjects()).expect("must fit")).map(SubjectId) {
        let row = standings.row(subject).expect("must stand");
        let dossier = standings.dossier(subject).expect("must be held");
        let scores = (row.threat, row.risk, row.harm, row.cohort, row.outstanding, row.lists, row.facets);
        seen.push(format!("{scores:?} {:?} {}", super::held::areas(standings, subject), known(dossier)));
        assert_eq!(standings.find(dossier.subject_ref()), Some(dossier.stands_by().unwrap_or(subject)));
    }
    seen
}

/// That both say the same; of what they do not, the first.
fn assert_alike(before: &[String], after: &[String]) -> Result<(), TestCaseError> {
    for (before, after) in before.iter().zip(after) {
        prop_assert_eq!(before, after);
    }
    prop_assert_eq!(before.len(), after.len());
    Ok(())
}

fn known_by(state: &State) -> Vec<String> {
    state.dossiers().iter().map(|dossier| known(dossier)).collect()
}

/// The ledger folded from its first event, without views.
fn folded(store: &dyn Store) -> State {
    let mut state = State::new(tables());
    let head = store.head().expect("must have a head");
    let mut touched = Touched::default();
    for event in store.events(Revision(1), head.revision) {
        state.apply(&event.expect("must read"), &mut touched).expect("must fold");
    }
    state.settle(&mut touched);
    state
}

fn lose(store: &dyn Store, view: View) {
    // A version that no build writes: at the next start the view is seen as another build's.
    store.replace_view(view, 0, &mut std::iter::empty()).expect("must empty");
}

/// Holder of each record by the state, which must be what the dossiers say.
fn assert_holders(state: &State) -> Result<(), TestCaseError> {
    for (place, dossier) in state.dossiers().iter().enumerate() {
        for id in dossier.record_ids() {
            let held = state.holder(id).map(|(subject, revision)| (subject.index(), Some(revision)));
            prop_assert_eq!(held, Some((place, dossier.revision_of(id))), "{}", id);
        }
    }
    Ok(())
}

/// Histories as the dossiers say, and nobody a part of themselves.
fn one_person_each(state: &State) -> Result<(), TestCaseError> {
    let mut histories = Histories::default();
    for (subject, dossier) in (0..).map(SubjectId).zip(state.dossiers()) {
        if let Some(life) = dossier.life() {
            histories.admit(subject, life);
            for member in &life.members {
                let merged = state.dossier(*member).life().and_then(|life| life.merged);
                prop_assert_eq!(merged.map(|merged| merged.into), Some(subject), "both sides tell of a merge");
            }
        }
    }
    prop_assert_eq!(&histories, state.histories());
    Ok(())
}

fn replay(
    mut reopen: impl FnMut(Option<Arc<dyn Store>>) -> Arc<dyn Store>,
    acts: Vec<Act>,
) -> Result<(), TestCaseError> {
    let mut world = World::new();
    let mut store = reopen(None);
    let mut running = world.start(&store, Some(100), None);
    for act in acts.into_iter().chain([Act::Restart { lost: BTreeSet::new(), day: None, policy: None }]) {
        match act {
            Act::Together(asks) => world.ask_together(&running, asks),
            Act::Again(place) => world.ask_again(&running, place)?,
            Act::Wait(seconds) => drop(world.clock.fetch_add(seconds, Ordering::Relaxed)),
            Act::Restart { lost, day, policy } => {
                let before = seen(&world.standings(&running));
                running.stop();
                store = reopen(Some(store));
                verify_chain(&*store, chain::last(u64::MAX, &store.head().expect("must have a head")))
                    .expect("must verify");
                let replayed = folded(&*store);
                one_person_each(&replayed)?;
                assert_holders(&replayed)?;
                for view in lost {
                    lose(&*store, View::ALL[view]);
                }
                let (_, mut read) = start::read(&*store, tables()).expect("must read");
                read.settle(&mut Touched::default());
                assert_holders(&read)?;
                assert_alike(&known_by(&replayed), &known_by(&read))?;
                prop_assert_eq!((read.revision(), read.as_of()), (replayed.revision(), replayed.as_of()));
                running = world.start(&store, None, None);
                assert_alike(&before, &seen(&world.standings(&running)))?;
                for place in 0..world.asked.len() {
                    world.ask_again(&running, place)?;
                }
                if day.is_some() || policy.is_some() {
                    running.stop();
                    running = world.start(&store, day, policy);
                }
            }
        }
    }
    running.stop();
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(16) })]

    #[test]
    fn a_restart_changes_nothing_and_views_are_what_the_ledger_folds_to(acts in vec(act(), 1..12)) {
        let identity = Identity { store_id: [1; 16], incarnation: [2; 16] };
        let held: Arc<dyn Store> = Arc::new(MemoryStore::new(identity));
        replay(move |store| store.unwrap_or_else(|| Arc::clone(&held)), acts)?;
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(3) })]

    #[test]
    fn on_disk_as_in_memory(acts in vec(act(), 4..10)) {
        let directory = tempfile::tempdir().expect("must make a directory");
        let open = |path: &Path| -> Arc<dyn Store> { Arc::new(SledStore::open(path, 16 << 20).expect("must open")) };
        replay(|store| { drop(store); open(directory.path()) }, acts)?;
    }
}

#[test]
fn a_victim_of_two_people_is_a_repeat_victim_of_neither_once_one_record_is_withdrawn() {
    let harmed = |subject: u8, date: &str| {
        let victim = pb::Victim { victim_ref: "V-0".to_owned(), natural_person: true, ..pb::Victim::default() };
        let offence = pb::Offence {
            ho_code: "005/01".to_owned(),
            outcome: pb::Outcome::Charged.into(),
            victim: Some(victim),
            ..pb::Offence::default()
        };
        pb::Record {
            id: format!("r-{subject}-0"),
            subject_ref: format!("S-{subject}"),
            source_system: "test".to_owned(),
            event_date: date.to_owned(),
            kind: Some(Kind::Offence(offence)),
            ..pb::Record::default()
        }
    };
    let mut world = World::new();
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Identity::fresh()));
    let running = world.start(&store, Some(100), None);
    let harm = |world: &World| {
        let standings = world.standings(&running);
        [0, 1].map(|subject| standings.row(SubjectId(subject)).expect("must stand").harm)
    };
    let records = vec![harmed(0, "2026-01-01"), harmed(1, "2026-02-01")];
    let alone = {
        let mut world = World::new();
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(Identity::fresh()));
        let running = world.start(&store, Some(100), None);
        world.ask_together(&running, vec![Ask::Write { records: vec![harmed(0, "2026-01-01")], all_or_none: true }]);
        let alone = world.standings(&running).row(SubjectId(0)).expect("must stand").harm;
        running.stop();
        alone
    };
    world.ask_together(&running, vec![Ask::Write { records, all_or_none: true }]);
    assert!(harm(&world)[0] > alone);
    world.ask_together(&running, vec![Ask::Withdraw { subject: 1, record: 0 }]);
    assert_eq!(harm(&world)[0], alone);
    running.stop();
}
