use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::{Approval, Policies, PolicyChange, Seen, Stage, Trial};
use crate::access::{self, Caller, Permissions, Role, Scope};
use crate::domain::word::List;
use crate::pb;
use crate::pb::record::Kind;
use crate::policy::Policy;
use crate::ranking::standings_digest;
use crate::reference::tables;
use crate::service::fault::Fault;
use crate::service::mutation::{Answer, Mutation, MutationBody, Records};
use crate::service::state::{State, Touched};
use crate::service::{self, Options, Service, Started, start};
use crate::store::pb::event::Body;
use crate::store::pb::{Event, PolicyActivated};
use crate::store::{Identity, MemoryStore, Store};

fn store() -> Arc<dyn Store> {
    Arc::new(MemoryStore::new(Identity::fresh()))
}

fn served(store: &Arc<dyn Store>, policy: Option<String>) -> Started {
    let options = Options {
        as_of: Some("2026-03-20".parse().unwrap()),
        policy,
        stale_after: Duration::MAX,
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    Service::start(Arc::clone(store), options).expect("must start")
}

fn stop(started: Started) {
    drop(started.service);
    started.writer.join().expect("must not panic").expect("must end well");
}

/// The reference policy under another version, with other numbers.
fn text(version: &str, numbers: &[(&str, &str)]) -> String {
    let text = Policy::default_text().replace("version = \"thr-2026.1\"", &format!("version = \"{version}\""));
    numbers.iter().fold(text, |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

fn draft(version: &str, base: &str, officer: &str) -> PolicyChange {
    PolicyChange::Draft {
        version: version.to_owned(),
        text: text(version, &[("very_high = 60", "very_high = 55")]),
        base: base.to_owned(),
        officer: officer.to_owned(),
        reason: "Too few stand at the top.".to_owned(),
    }
}

fn approve(version: &str, officer: &str) -> PolicyChange {
    let (evaluation, simulation) = (pb::Evaluation::default(), pb::KeptSimulation::default());
    let seen = Seen { approval: Some(Approval { evaluation, simulation, bounds: Vec::new() }), ..Seen::default() };
    approve_having(version, officer, seen)
}

fn approve_having(version: &str, officer: &str, seen: Seen) -> PolicyChange {
    let (version, officer) = (version.to_owned(), officer.to_owned());
    PolicyChange::Approve { version, officer, note: "Read.".to_owned(), seen: Box::new(seen) }
}

fn activate(version: &str, officer: &str) -> PolicyChange {
    let reason = "Decided by the board.".to_owned();
    PolicyChange::Activate { version: version.to_owned(), officer: officer.to_owned(), reason }
}

async fn asked(service: &Service, id: u8, change: PolicyChange) -> Result<Answer, Fault> {
    asked_by(Caller::loopback(), service, id, change).await
}

async fn asked_by(caller: Caller, service: &Service, id: u8, change: PolicyChange) -> Result<Answer, Fault> {
    let digest = *blake3::hash(format!("{change:?}").as_bytes()).as_bytes();
    let body = MutationBody::Policy(change);
    service.change(Mutation { caller, request_id: [id; 16], digest, body }).await
}

fn stage(service: &Service, version: &str) -> Stage {
    let policies = service.policies();
    policies.stage(policies.get(version).expect("must be known"))
}

#[tokio::test]
async fn one_caller_is_one_person_whatever_officers_they_name() {
    let caller = |actor: &str, on_behalf_of: &str| {
        let identity = access::Identity::new(
            actor,
            &[Role::PolicyAuthor, Role::PolicyApprover],
            Permissions::NONE,
            Scope::whole(),
        );
        Caller { on_behalf_of: on_behalf_of.into(), ..Caller::of(Arc::new(identity)) }
    };
    let store = store();
    let started = served(&store, None);
    let service = &started.service;
    asked_by(caller("p-1", ""), service, 1, draft("v2", "", "DI-1")).await.expect("must be kept");
    let same = asked_by(caller("P-1", ""), service, 2, approve("v2", "DI-2")).await;
    assert_eq!(same, Err(Fault::SecondPersonRequired));
    let through_a_system = asked_by(caller("portal", "p-1"), service, 3, approve("v2", "DI-2")).await;
    assert_eq!(through_a_system, Err(Fault::SecondPersonRequired));
    asked_by(caller("portal", "p-2"), service, 4, approve("v2", "DI-2")).await.expect("is another person");
}

#[tokio::test]
async fn a_policy_takes_two_people_and_then_waits_for_a_run() {
    let store = store();
    let started = served(&store, None);
    let service = &started.service;
    asked(service, 1, draft("v2", "", "DI-1")).await.expect("must be kept");
    assert_eq!(stage(service, "v2"), Stage::Draft);
    assert_eq!(asked(service, 2, activate("v2", "DI-2")).await, Err(Fault::PolicyNotApproved));
    assert_eq!(asked(service, 3, approve("v2", "di-1")).await, Err(Fault::SecondPersonRequired));
    asked(service, 4, approve("v2", "DI-2")).await.expect("must be kept");
    assert_eq!(asked(service, 5, approve("v2", "DI-3")).await, Err(Fault::PolicyApproved));
    assert_eq!(stage(service, "v2"), Stage::Approved);
    let answer = asked(service, 6, activate("v2", "DI-1")).await.expect("must be kept");
    assert!(answer.remarks[0].contains("by thr-2026.1 until a run publishes under v2"), "{:?}", answer.remarks);
    assert_eq!(stage(service, "v2"), Stage::AwaitingRun);
    assert_eq!(stage(service, "thr-2026.1"), Stage::InForce);
    assert_eq!(asked(service, 7, activate("v2", "DI-1")).await, Err(Fault::PolicyActivated));
    assert_eq!(asked(service, 8, approve("v9", "DI-1")).await, Err(Fault::UnknownPolicy));

    let standings = service.standings(service::Seen::default()).await.unwrap();
    assert_eq!(standings.revision(), answer.revision, "readers see the revision");
    assert_eq!(standings.rules().policy.version, "thr-2026.1", "and the policy that was in force");
    let which = pb::GetPolicyRequest { version: "v2".into(), ..Default::default() };
    let told = service.policy(&Caller::loopback(), &which).await.unwrap().answer;
    let policy = told.policy.expect("told");
    let step = |step: Option<pb::PolicyStep>| step.map(|step| (step.officer, step.reason)).expect("told");
    assert_eq!(step(policy.drafted), ("DI-1".into(), "Too few stand at the top.".into()));
    assert_eq!(step(policy.approved), ("DI-2".into(), "Read.".into()));
    assert_eq!(step(policy.activated), ("DI-1".into(), "Decided by the board.".into()));
    let change = pb::NumberChange { key: "bands.very_high".into(), from: Some("60".into()), to: Some("55".into()) };
    assert_eq!((told.changes, policy.base_version.as_str()), (vec![change], "thr-2026.1"));
    stop(started);
}

#[tokio::test]
async fn a_version_is_one_set_of_numbers_and_a_base_is_known() {
    let store = store();
    let started = served(&store, None);
    let service = &started.service;
    let Err(Fault::Invalid(violations)) = asked(service, 1, draft("thr-2026.1", "v0", "DI-1")).await else {
        panic!("must be refused")
    };
    let told: Vec<(&str, &str)> = violations.iter().map(|it| (it.field.as_str(), it.reason.as_str())).collect();
    assert_eq!(told, [("version", "VERSION_TAKEN"), ("base_version", "UNKNOWN_POLICY")]);
    let first = asked(service, 2, draft("v2", "", "DI-1")).await.expect("must be kept");
    assert_eq!(asked(service, 2, draft("v2", "", "DI-1")).await.as_ref(), Ok(&first), "asked again, answered alike");
    assert_eq!(asked(service, 2, draft("v3", "", "DI-1")).await, Err(Fault::RequestIdReused));
    let same = asked(service, 3, draft("v3", "v2", "DI-1")).await.expect("must be kept");
    assert_eq!(same.remarks.len(), 2, "not of the one in force, and nothing differs: {:?}", same.remarks);
    stop(started);
    // Nor is a server started with other numbers under a version that was drafted.
    let options = Options {
        as_of: None,
        policy: Some(text("v2", &[("very_high = 60", "very_high = 56")])),
        stale_after: Duration::MAX,
        page_pins: 1,
        now: Arc::new(Timestamp::now),
    };
    let refused = Service::start(Arc::clone(&store), options).map(drop).expect_err("must be refused");
    assert!(refused.to_string().contains("v2 is known with other numbers"), "{refused}");
}

#[tokio::test]
async fn the_policy_in_force_called_for_again_calls_off_the_one_that_waits() {
    let store = store();
    let started = served(&store, None);
    let service = &started.service;
    assert_eq!(asked(service, 1, activate("thr-2026.1", "DI-1")).await, Err(Fault::PolicyActivated));
    for (id, change) in [(2, draft("v2", "", "DI-1")), (3, approve("v2", "DI-2")), (4, activate("v2", "DI-2"))] {
        asked(service, id, change).await.expect("must be kept");
    }
    for (id, change) in [(5, draft("v3", "", "DI-1")), (6, approve("v3", "DI-2"))] {
        asked(service, id, change).await.expect("must be kept");
    }
    let instead = asked(service, 7, activate("v3", "DI-2")).await.expect("must be kept");
    assert!(instead.remarks.iter().any(|told| told == "v2 no longer waits for a run."), "{:?}", instead.remarks);
    assert_eq!((stage(service, "v2"), stage(service, "v3")), (Stage::Approved, Stage::AwaitingRun));
    asked(service, 8, activate("thr-2026.1", "DI-1")).await.expect("must be kept");
    assert_eq!((service.policies().next(), stage(service, "v3")), (None, Stage::Approved));
    stop(started);
}

#[tokio::test]
async fn a_policy_that_nobody_drafted_comes_back_through_two_people_too() {
    let store = store();
    stop(served(&store, None));
    let started = served(&store, Some(text("v2", &[])));
    let service = &started.service;
    assert_eq!((stage(service, "thr-2026.1"), stage(service, "v2")), (Stage::Superseded, Stage::InForce));
    assert_eq!(asked(service, 1, activate("thr-2026.1", "DI-1")).await, Err(Fault::PolicyNotApproved));
    asked(service, 2, approve("thr-2026.1", "DI-1")).await.expect("must be kept");
    assert_eq!(asked(service, 3, activate("thr-2026.1", "DI-1")).await, Err(Fault::SecondPersonRequired));
    asked(service, 4, activate("thr-2026.1", "DI-2")).await.expect("must be kept");
    assert_eq!(stage(service, "thr-2026.1"), Stage::AwaitingRun);
    stop(started);
}

#[tokio::test]
async fn a_start_from_views_knows_what_the_ledger_folds_to() {
    let store = store();
    let started = served(&store, None);
    let changes = [draft("v2", "", "DI-1"), approve("v2", "DI-2"), activate("v2", "DI-2"), draft("v3", "v2", "DI-2")];
    for (id, change) in (1..).zip(changes) {
        asked(&started.service, id, change).await.expect("must be kept");
    }
    let before = started.service.policies();
    stop(started);
    // A start with a policy that waits leaves it waiting for its run; one that nobody knows comes into force.
    stop(served(&store, Some(text("v2", &[("very_high = 60", "very_high = 55")]))));
    let started = served(&store, Some(text("v4", &[])));
    let after = started.service.policies();
    let waiting = [&before, &after].map(|policies| policies.next().map(|next| next.version.to_string()));
    assert_eq!(waiting, [Some("v2".to_owned()), Some("v2".to_owned())]);
    assert_eq!(after.in_force().map(|known| &*known.version), Some("v4"));
    asked(&started.service, 9, approve("v3", "DI-1")).await.expect("must be kept");
    asked(&started.service, 10, activate("v3", "DI-1")).await.expect("must be kept");
    let known = started.service.policies();
    stop(started);

    let (head, read) = start::read(&*store, tables()).expect("must read");
    let mut folded = State::new(tables());
    for event in store.events(crate::domain::Revision(1), head.revision) {
        folded.apply(&event.expect("must read"), &mut Touched::default()).expect("must fold");
    }
    assert_eq!((read.policies(), folded.policies()), (&known, &known));
    let next = read.next_policy().expect("one waits");
    assert_eq!((&*next.version, &*next.text), ("v3", &*known.get("v3").unwrap().text));
    let terms = |version| known.get(version).unwrap().terms.clone();
    assert_eq!((terms("thr-2026.1").len(), terms("thr-2026.1")[0].until_micros), (1, Some(terms("v4")[0].from_micros)));
}

#[test]
fn a_step_of_a_policy_that_is_not_known_cannot_be_folded() {
    let event = |body| Event { revision: 7, body: Some(body), ..Event::default() };
    let mut policies = Policies::default();
    let approved = crate::store::pb::PolicyApproved { version: "v2".into(), ..Default::default() };
    assert!(policies.fold(&event(Body::PolicyApproved(approved))).is_err());
    let activated = PolicyActivated { version: "v1".into(), text: "one".into(), ..Default::default() };
    for _ in 0..2 {
        policies.fold(&event(Body::PolicyActivated(activated.clone()))).expect("must fold");
    }
    assert_eq!(policies.in_force().map(|known| known.terms.len()), Some(1), "over other tables it is the same policy");
}

/// People of whom many share victims, a few weeks or a year apart.
fn people() -> Vec<pb::Record> {
    let record = |id: String, subject: u32, date: String, kind| pb::Record {
        id,
        subject_ref: format!("S-{subject:02}"),
        source_system: "test".to_owned(),
        event_date: date,
        kind: Some(kind),
        ..pb::Record::default()
    };
    let day = |days: u32| {
        let first: crate::domain::Date = "2024-01-10".parse().unwrap();
        (first + i32::try_from(days).unwrap()).to_string()
    };
    let offence = |number: u32| {
        let date = day(number * 37 % 790);
        let victim = pb::Victim {
            victim_ref: format!("V-{}", number % 7),
            natural_person: true,
            vulnerable: number.is_multiple_of(3),
            ..pb::Victim::default()
        };
        let kind = Kind::Offence(pb::Offence {
            ho_code: ["005/01", "008/06", "034/01", "028/03"][number as usize % 4].to_owned(),
            report_date: date.clone(),
            outcome: [pb::Outcome::Charged, pb::Outcome::Suspected, pb::Outcome::Arrested][number as usize % 3].into(),
            outcome_date: date.clone(),
            victim: Some(victim),
            ..pb::Offence::default()
        });
        record(format!("o-{number}"), number * 7 % 41, date, kind)
    };
    let file = |number: u32| {
        let opened_on = day(700 + number);
        let periods = vec![pb::OpenPeriod { opened_on: opened_on.clone(), ..pb::OpenPeriod::default() }];
        let kind = Kind::Outstanding(pb::Outstanding { reason: 1, periods, ..pb::Outstanding::default() });
        record(format!("f-{number}"), number * 3, opened_on, kind)
    };
    (0..120).map(offence).chain((0..12).map(file)).collect()
}

async fn write(service: &Service) {
    let (records, etags) = (people(), BTreeMap::new());
    let records = Records { records, etags, all_or_none: true, validate_only: false, decisions: false };
    let body = MutationBody::Write(records);
    let mutation = Mutation { caller: Caller::loopback(), request_id: [77; 16], digest: [0; 32], body };
    service.change(mutation).await.expect("must be taken");
}

async fn simulated(service: &Service, text: &str, list: List, top: usize) -> Result<pb::SimulatePolicyResponse, Fault> {
    let policy = Some(pb::simulate_policy_request::Policy::Text(text.to_owned()));
    let asked = pb::SimulatePolicyRequest { policy, ..Default::default() };
    let trial = Trial { list, top, limit: 1_000 };
    Ok(service.simulate_policy(&Caller::loopback(), &asked, trial).await?.answer)
}

/// Everybody on a list in its order: band and composite.
async fn listed(service: &Service, list: List) -> Vec<(String, i32, u32)> {
    let standings = service.standings(service::Seen::default()).await.unwrap();
    let told = standings.people(list).map(|subject| {
        let (row, dossier) = standings.person(subject).expect("must stand");
        let composed = row.composed(list.family());
        (dossier.subject_ref().to_owned(), i32::from(composed.effective.proto()), composed.point.get())
    });
    told.collect()
}

#[tokio::test]
async fn a_simulation_foretells_what_the_policy_then_does_and_changes_nothing() {
    let policies = [
        // Repetition is policy: other victims are repeat victims.
        text(
            "v2",
            &[
                ("repeat_within_days = 365", "repeat_within_days = 20"),
                ("repeat = 0.25", "repeat = 3.0"),
                ("most = 1.6", "most = 9"),
            ],
        ),
        text("v3", &[("suspected = 0.5", "suspected = 0"), ("arrested = 0.5", "arrested = 0")]),
        text("v4", &[("medium = 25", "medium = 21"), ("high = 40", "high = 28"), ("very_high = 60", "very_high = 35")]),
    ];
    for policy in policies {
        let store = store();
        let started = served(&store, None);
        write(&started.service).await;
        let standings = started.service.standings(service::Seen::default()).await.unwrap();
        let (before, digest, names) = (store.head().unwrap(), standings_digest(&standings), standings.names().clone());
        let top = 5;
        let mut foretold = Vec::new();
        for list in [List::All, List::Candidates, List::Outstanding] {
            let now = listed(&started.service, list).await;
            foretold.push((list, now, simulated(&started.service, &policy, list, top).await.expect("must be tried")));
        }
        let standings = started.service.standings(service::Seen::default()).await.unwrap();
        assert_eq!((store.head().unwrap(), standings_digest(&standings)), (before, digest), "nothing moved");
        assert!(Arc::ptr_eq(&names, standings.names()) && started.service.policies().newest_first().len() == 1);
        stop(started);

        let started = served(&store, Some(policy));
        let mut differences = 0;
        for (list, was, told) in foretold {
            let is = listed(&started.service, list).await;
            let place = |rows: &[(String, i32, u32)], who: &str| {
                rows.iter().position(|row| row.0 == who).map_or((0, 0), |place| (place + 1, rows[place].1))
            };
            let moved = |who: &str| place(&was, who).1 != place(&is, who).1;
            let expected: Vec<String> = is
                .iter()
                .filter(|row| moved(&row.0))
                .chain(was.iter().filter(|row| place(&is, &row.0).0 == 0))
                .map(|row| row.0.clone())
                .collect();
            let found: Vec<String> = told.changed.iter().map(|row| row.subject_ref.clone()).collect();
            assert_eq!((found.len(), found), (told.changed_total as usize, expected), "{list:?}");
            let entered: Vec<&String> =
                is.iter().take(top).map(|row| &row.0).filter(|who| !(1..=top).contains(&place(&was, who).0)).collect();
            assert_eq!(told.entered_top.iter().map(|row| &row.subject_ref).collect::<Vec<_>>(), entered, "{list:?}");
            for row in told.changed.iter().chain(&told.entered_top).chain(&told.left_top) {
                let (position, band) = place(&is, &row.subject_ref);
                assert_eq!((row.to_position as usize, row.to_band), (position, band), "{row:?}");
                let composite = is.iter().find(|held| held.0 == row.subject_ref).map(|held| held.2);
                assert!(composite.is_none_or(|composite| composite == row.to_composite), "{row:?}");
                assert_eq!((row.from_position as usize, row.from_band), place(&was, &row.subject_ref));
            }
            for band in &told.bands {
                let people = |rows: &[(String, i32, u32)]| rows.iter().filter(|row| row.1 == band.band).count();
                assert_eq!((band.people_before as usize, band.people_after as usize), (people(&was), people(&is)));
            }
            assert_eq!(told.flows.iter().map(|flow| flow.people).sum::<u32>(), told.changed_total);
            assert_eq!((told.list_size_before as usize, told.list_size_after as usize), (was.len(), is.len()));
            differences += told.changed.len() + told.entered_top.len();
        }
        assert!(differences > 0, "a trial in which nothing moves shows nothing");
        stop(started);
    }
}

#[tokio::test]
async fn one_simulation_runs_at_a_time_and_only_of_a_policy_that_validates() {
    let store = store();
    let started = served(&store, None);
    let service = &started.service;
    let Err(Fault::Invalid(violations)) = simulated(service, "version = 3\n", List::All, 5).await else {
        panic!("must be refused")
    };
    assert!(violations.iter().any(|it| it.field == "bands") && violations.len() > 5, "{violations:?}");
    let permit = Arc::clone(&service.simulating).try_acquire_owned().expect("must be free");
    assert_eq!(simulated(service, &text("v2", &[]), List::All, 5).await, Err(Fault::SimulationRunning));
    drop(permit);
    simulated(service, &text("v2", &[]), List::All, 5).await.expect("must be tried");
    stop(started);
}
