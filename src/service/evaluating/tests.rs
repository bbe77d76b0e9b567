use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::Evaluating;
use super::terms::Asked;
use crate::access::Caller;
use crate::domain::Date;
use crate::pb;
use crate::pb::record::Kind;
use crate::service::fault::Fault;
use crate::service::mutation::{Mutation, MutationBody, Records};
use crate::service::{Options, Service, Started};
use crate::store::{Identity, MemoryStore};

const AS_OF: &str = "2026-03-20";
const INDEX: &str = "2023-01-01";

pub fn served() -> Started {
    let options = Options {
        as_of: Some(AS_OF.parse().unwrap()),
        policy: None,
        stale_after: Duration::MAX,
        page_pins: 1,
        now: Arc::new(|| "2026-03-20T12:00:00Z".parse::<Timestamp>().unwrap()),
    };
    Service::start(Arc::new(MemoryStore::new(Identity::fresh())), options).expect("must start")
}

pub fn stop(started: Started) {
    drop(started.service);
    started.writer.join().expect("must not panic").expect("must end well");
}

fn day(days: i32) -> Date {
    INDEX.parse::<Date>().unwrap() + days
}

/// A record that its source recorded on a day.
fn record(id: &str, subject: u32, event: Date, recorded: Date, kind: Kind) -> pb::Record {
    let noon = recorded.london_midnight().as_second() + 12 * 3_600;
    pb::Record {
        id: id.to_owned(),
        subject_ref: format!("S-{subject:03}"),
        source_system: "test".to_owned(),
        event_date: event.to_string(),
        recorded_time: Some(pbjson_types::Timestamp { seconds: noon, nanos: 0 }),
        kind: Some(kind),
        ..pb::Record::default()
    }
}

fn offence(id: &str, subject: u32, on: Date, outcome: pb::Outcome) -> pb::Record {
    let kind = Kind::Offence(pb::Offence {
        ho_code: "005/01".to_owned(),
        report_date: on.to_string(),
        outcome: outcome.into(),
        outcome_date: on.to_string(),
        ..pb::Offence::default()
    });
    record(id, subject, on, on, kind)
}

/// A hundred and twenty people: the more they had done by the index date, the more often they went on.
fn people() -> Vec<pb::Record> {
    let mut records = Vec::new();
    for subject in 0..120 {
        let person = pb::Person { birth_date: "1990-05-01".to_owned(), sex: 2, ..pb::Person::default() };
        records.push(record(&format!("p-{subject}"), subject, day(-900), day(-900), Kind::Person(person)));
        for before in 0..=subject % 6 {
            let (id, on) = (format!("b-{subject}-{before}"), day(-40 - i32::try_from(before * 60 + subject).unwrap()));
            records.push(offence(&id, subject, on, pb::Outcome::Convicted));
        }
        // Every sixth of the least, five of six of the most.
        if subject / 6 % 6 < subject % 6 {
            let on = day(30 + i32::try_from(subject * 5).unwrap());
            records.push(offence(&format!("a-{subject}"), subject, on, pb::Outcome::Charged));
        }
    }
    records
}

/// Versions of some of their records that came later.
pub fn versions() -> Vec<pb::Record> {
    (0..10).map(|number| offence(&format!("b-{number}-0"), number, day(20), pb::Outcome::NoCrime)).collect()
}

/// People who share victims, on both sides of an index date.
pub fn wronged() -> Vec<pb::Record> {
    let mut records = people();
    for number in 0_u32..60 {
        let on = day(-30 + i32::try_from(number).unwrap());
        let mut shared = offence(&format!("v-{number}"), number % 40, on, pb::Outcome::Charged);
        if let Some(Kind::Offence(offence)) = &mut shared.kind {
            let victim_ref = format!("V-{}", number % 9);
            offence.victim = Some(pb::Victim { victim_ref, natural_person: true, ..pb::Victim::default() });
        }
        records.push(shared);
    }
    records
}

pub async fn write(service: &Service, id: u8, records: Vec<pb::Record>) {
    let records =
        Records { records, etags: BTreeMap::default(), all_or_none: true, validate_only: false, decisions: false };
    let body = MutationBody::Write(records);
    let mutation = Mutation { caller: Caller::loopback(), request_id: [id; 16], digest: [0; 32], body };
    let answer = service.change(mutation).await.expect("must be taken");
    assert!(answer.verdicts.iter().all(|verdict| verdict.violations.is_empty()), "{:?}", answer.verdicts);
}

fn asked(index_dates: &[&str]) -> Asked {
    let terms = pb::EvaluationTerms {
        index_dates: index_dates.iter().map(|&date| date.to_owned()).collect(),
        samples: 200,
        capacity: 30,
        ..pb::EvaluationTerms::default()
    };
    Asked { terms, ..Asked::default() }
}

async fn evaluated(service: &Service, asked: Asked) -> Result<pb::Evaluation, Fault> {
    let of = service.clone();
    let begun = tokio::task::spawn_blocking(move || of.evaluate(&Caller::loopback(), &asked)).await.unwrap();
    let mut heard = begun?;
    while let Some(told) = heard.recv().await {
        match told {
            Evaluating::Progress(..) => {}
            Evaluating::Done(evaluation) => return Ok(*evaluation),
            Evaluating::Failed(fault) => return Err(fault),
        }
    }
    panic!("an evaluation must end in a word")
}

fn order<'a>(evaluation: &'a pb::Evaluation, name: &str) -> &'a pb::OrderMeasures {
    let order = evaluation.orders.iter().find(|order| order.name == name).unwrap_or_else(|| panic!("no {name}"));
    order.measures.iter().find(|it| it.date.is_none()).expect("measures over all dates")
}

fn area(evaluation: &pb::Evaluation, name: &str) -> f64 {
    order(evaluation, name).auc.as_ref().and_then(|auc| auc.value).expect("an area")
}

#[tokio::test]
async fn an_order_is_held_against_what_people_went_on_to_do() {
    let started = served();
    write(&started.service, 1, people()).await;
    let found = evaluated(&started.service, asked(&[INDEX])).await.expect("must be evaluated");
    let date = &found.dates[0];
    assert_eq!((date.people, date.capacity, date.index_date.as_str()), (120, 30, INDEX));
    let went_on = (0..120).filter(|subject| subject / 6 % 6 < subject % 6).count();
    assert_eq!(date.with_outcome as usize, went_on);
    assert_eq!(date.records_not_known_yet, went_on as u64, "what came after was known after");
    assert!((date.harm_days - 1_460.0 * 0.8 * went_on as f64).abs() < 1e-6, "{}", date.harm_days);
    assert!(area(&found, "policy") > 0.75 && area(&found, "count") > 0.75, "{}", area(&found, "policy"));
    assert!((area(&found, "random") - 0.5).abs() < 1e-12);
    let captured = order(&found, "policy").harm_captured.expect("must be measured");
    assert!(
        captured.low < captured.value && captured.value < captured.high && captured.value > Some(0.25),
        "{captured:?}"
    );
    let leakage = found.leakage.expect("must be checked");
    assert_eq!((leakage.passed, leakage.people_weighed_again, leakage.differed), (true, 120, 0));
    assert!(found.stability.iter().all(|it| (-1.0..=1.0).contains(&it.kendall_tau) && it.overlap <= 1.0));
    assert!(found.stability.iter().any(|it| it.change == "harm by maximum_sentence"), "{:?}", found.stability);
    stop(started);
}

#[tokio::test]
async fn records_recorded_after_the_index_date_change_nothing_of_the_order() {
    let started = served();
    write(&started.service, 1, people()).await;
    let sent = |mut asked: Asked| {
        // Outcomes from a file, so that those of the ledger cannot move.
        asked.outcomes = (0..120)
            .map(|subject| pb::OutcomeRow {
                subject_ref: format!("S-{subject:03}"),
                any: subject % 3 == 0,
                ..pb::OutcomeRow::default()
            })
            .collect();
        asked
    };
    let before = evaluated(&started.service, sent(asked(&[INDEX]))).await.expect("must be evaluated");
    // What was done before it and recorded after it; a person nobody knew; a new version of what was known.
    let mut later =
        vec![offence("late", 7, day(-10), pb::Outcome::Convicted), offence("new", 500, day(-9), pb::Outcome::Charged)];
    let mut version = offence("b-8-0", 8, day(-48), pb::Outcome::NoCrime);
    let recorded = day(1).london_midnight().as_second();
    for record in later.iter_mut().chain([&mut version]) {
        record.recorded_time = Some(pbjson_types::Timestamp { seconds: recorded, nanos: 0 });
    }
    later.push(version);
    write(&started.service, 2, later).await;
    let after = evaluated(&started.service, sent(asked(&[INDEX]))).await.expect("must be evaluated");
    assert_eq!(before.orders, after.orders);
    assert_eq!(before.calibrations, after.calibrations);
    assert_eq!(before.stability, after.stability);
    assert_eq!(after.dates[0].records_not_known_yet, before.dates[0].records_not_known_yet + 3);
    // By when the server took them in, nothing was known at all.
    let mut by_server = sent(asked(&[INDEX]));
    by_server.terms.known_by = pb::KnownBy::Server.into();
    let nobody = evaluated(&started.service, by_server).await.expect("must be evaluated");
    assert_eq!(nobody.dates[0].people, 0);
    assert_eq!(nobody.orders[0].measures[0].auc, Some(pb::Estimate::default()), "and nothing can be computed");
    stop(started);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_evaluation_and_another_other_samples() {
    let started = served();
    write(&started.service, 1, people()).await;
    let first = evaluated(&started.service, asked(&[INDEX, "2023-06-01"])).await.expect("must be evaluated");
    let second = evaluated(&started.service, asked(&["2023-06-01", INDEX])).await.expect("must be evaluated");
    assert_eq!((&first.id, &first.orders), (&second.id, &second.orders));
    let mut other = asked(&[INDEX, "2023-06-01"]);
    other.terms.seed = 8;
    let other = evaluated(&started.service, other).await.expect("must be evaluated");
    assert_ne!(first.id, other.id);
    assert!((area(&first, "policy") - area(&other, "policy")).abs() < 1e-12, "the value is of everybody");
    stop(started);
}

#[tokio::test]
async fn each_person_may_have_an_index_date_of_their_own() {
    let started = served();
    write(&started.service, 1, people()).await;
    let mut own = asked(&[]);
    own.outcomes = (0..60)
        .map(|subject| pb::OutcomeRow {
            subject_ref: format!("S-{subject:03}"),
            index_date: day(-subject).to_string(),
            any: subject % 4 == 0,
            ..pb::OutcomeRow::default()
        })
        .collect();
    own.outcomes.push(pb::OutcomeRow { subject_ref: "S-999".into(), index_date: INDEX.into(), ..Default::default() });
    let found = evaluated(&started.service, own).await.expect("must be evaluated");
    assert_eq!((found.dates.len(), found.dates[0].people, found.dates[0].index_date.as_str()), (1, 60, ""));
    assert_eq!((found.dates[0].with_outcome, found.rows_unused, found.outcomes_sent), (15, 1, true));
    let leakage = found.leakage.expect("must be checked");
    assert_eq!((leakage.people_weighed_again, leakage.differed), (60, 0));
    stop(started);
}

#[tokio::test]
async fn everything_wrong_is_told_at_once() {
    let started = served();
    write(&started.service, 1, people()).await;
    let mut wrong = asked(&["2025-12-01", "yesterday", INDEX, INDEX]);
    wrong.terms.follow_up_days = 7;
    wrong.terms.samples = 3;
    wrong.terms.without = vec![0, 1, 1];
    wrong.terms.known_by = 9;
    wrong.groups = vec![pb::GroupRow { subject_ref: "S-001".into(), ..Default::default() }; 2];
    wrong.force_list = vec!["S-001".into(), "S-001".into()];
    wrong.force_scores = vec![1.0];
    let Err(Fault::Invalid(violations)) = evaluated(&started.service, wrong).await else { panic!("must be refused") };
    let told: Vec<(&str, &str)> = violations.iter().map(|it| (it.field.as_str(), it.reason.as_str())).collect();
    for expected in [
        ("terms.follow_up_days", "OUT_OF_RANGE"),
        ("terms.samples", "OUT_OF_RANGE"),
        ("terms.known_by", "UNKNOWN_VALUE"),
        ("terms.declared_fairness", "REQUIRED"),
        ("terms.without[0]", "UNKNOWN_VALUE"),
        ("terms.without[2]", "REPEATED"),
        ("terms.index_dates[1]", "INVALID_DATE"),
        ("terms.index_dates[3]", "REPEATED"),
        ("groups[1].subject_ref", "REPEATED"),
        ("force_list[1]", "REPEATED"),
        ("force_list.scores", "CONTRADICTORY"),
    ] {
        assert!(told.contains(&expected), "{expected:?} must be among {told:?}");
    }
    let Err(Fault::Invalid(violations)) = evaluated(&started.service, asked(&["2025-12-01"])).await else {
        panic!("must be refused")
    };
    assert_eq!(violations[0].reason, "FOLLOW_UP_NOT_OVER", "{violations:?}");
    let mut unknown = asked(&[INDEX]);
    unknown.terms.version = "thr-9".into();
    assert_eq!(evaluated(&started.service, unknown).await.map(drop), Err(Fault::UnknownPolicy));
    let mut later = asked(&[INDEX]);
    later.terms.known_at = Some(pbjson_types::Timestamp { seconds: day(3).london_midnight().as_second(), nanos: 0 });
    let Err(Fault::Invalid(violations)) = evaluated(&started.service, later).await else { panic!("must be refused") };
    assert_eq!(violations[0].reason, "LATER_THAN_INDEX_DATE");
    stop(started);
}

#[tokio::test]
async fn one_evaluation_runs_at_a_time() {
    let started = served();
    let permit = Arc::clone(&started.service.evaluating).try_acquire_owned().expect("must be free");
    assert_eq!(evaluated(&started.service, asked(&[])).await.map(drop), Err(Fault::EvaluationRunning));
    drop(permit);
    let found = evaluated(&started.service, asked(&[])).await.expect("must be evaluated");
    assert_eq!(found.dates[0].index_date, "2024-03-20", "the latest day whose follow-up is over");
    stop(started);
}

#[tokio::test]
async fn groups_are_told_and_small_ones_are_not() {
    let started = served();
    write(&started.service, 1, people()).await;
    let mut grouped = asked(&[INDEX]);
    grouped.terms.declared_fairness = pb::FairnessStandard::EqualFalsePositiveRates.into();
    grouped.terms.without = vec![pb::ScoringInput::UnprovedAllegations.into()];
    grouped.groups = (0..120)
        .map(|subject| pb::GroupRow {
            subject_ref: format!("S-{subject:03}"),
            values: [(
                "ethnicity".to_owned(),
                if subject < 5 {
                    "C"
                } else if subject % 2 == 0 {
                    "A"
                } else {
                    "B"
                }
                .to_owned(),
            )]
            .into(),
        })
        .collect();
    let found = evaluated(&started.service, grouped).await.expect("must be evaluated");
    let [fairness] = &found.fairness[..] else { panic!("one characteristic") };
    let small = fairness.groups.iter().find(|group| group.group == "C").expect("its name is told");
    assert_eq!(small.people, None);
    assert!(small.false_positive_rate.as_ref().is_none_or(|rate| rate.suppressed && rate.value.is_none()), "{small:?}");
    let hidden = fairness.groups.iter().filter(|group| group.people.is_none()).count();
    assert!(hidden >= 2, "one alone could be worked out from the whole: {fairness:?}");
    stop(started);
}

#[tokio::test]
async fn two_policies_are_compared_on_the_same_people() {
    let started = served();
    write(&started.service, 1, people()).await;
    let mut compared = asked(&[INDEX]);
    compared.terms.compared_version = "thr-2026.1".into();
    let found = evaluated(&started.service, compared).await.expect("must be evaluated");
    let other = found.orders.iter().find(|order| order.name == "compared").expect("must be there");
    let difference = other.auc_difference.as_ref().expect("must be told");
    assert_eq!(difference.verdict(), pb::Conclusion::Inconclusive, "a policy does not differ from itself");
    assert_eq!(difference.estimate.as_ref().and_then(|it| it.value), Some(0.0));
    stop(started);
}
