//! Generated people: any mixture of records that evidence may hold, not only
//! believable ones.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use crate::domain::dossier::Dossier;
use crate::domain::evidence::{
    Assessment, Breach, Custody, Evidence, Exploitation, Finding, Grade, Intelligence, Kind, Marker, Offence,
    OpenPeriod, Other, Outstanding, Person, SanctionSummary, Victim,
};
use crate::domain::word::{
    AssessmentKind, AssessmentLevel, BreachKind, Circulation, CloseOutcome, CustodyKind, ExploitationStatus, Handling,
    MarkerKind, Outcome, OutstandingReason, PersonCategory, Sex, ThreatIndicator,
};
use crate::domain::{Date, Revision};
use crate::scoring::fixture::{self, day};

/// Codes of every weight: the gravest, neighbourhood crime, petty, and one that nobody has measured.
const CODES: [&str; 10] =
    ["001/01", "005/01", "019/08", "008/06", "105/01", "028/03", "034/01", "045/10", "046/00", "999/99"];

pub(super) fn word<T: Copy + std::fmt::Debug + 'static>(words: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(words)
}

fn past() -> impl Strategy<Value = Date> {
    prop_oneof![4 => -200..=0, 3 => -1_200..=0, 1 => -6_000..=0, 1 => 0..=2].prop_map(day)
}

/// Ids that records may name: those of the first few records of the person.
fn named() -> impl Strategy<Value = Vec<Box<str>>> {
    vec(0..12_usize, 0..4).prop_map(|places| places.into_iter().map(id).collect())
}

fn id(place: usize) -> Box<str> {
    format!("r{place:02}").into()
}

pub(super) fn offence() -> impl Strategy<Value = Kind> {
    let victim = (option::of(0..3_u8), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        |(reference, natural_person, vulnerable, repeat)| Victim {
            reference: reference.map(|number| format!("v{number}").into()),
            natural_person,
            vulnerable,
            repeat,
        },
    );
    let flags = (weighted(), weighted(), weighted());
    (
        word(&CODES),
        option::weighted(0.9, past()),
        past(),
        word(Outcome::ALL),
        option::of(0..4_u8),
        option::of(victim),
        flags,
    )
        .prop_map(|(code, committed, reported, outcome, incident, victim, (domestic_abuse, hate, proactive))| {
            let reported = committed.map_or(reported, |committed| committed.max(reported));
            Kind::Offence(Offence {
                code: fixture::ho(code),
                committed,
                reported,
                outcome,
                outcome_date: outcome.is_sanction().then_some(reported),
                incident: incident.map(|number| format!("n{number}").into()),
                victim,
                domestic_abuse,
                hate,
                proactive,
            })
        })
}

fn weighted() -> impl Strategy<Value = bool> {
    prop::bool::weighted(0.2)
}

pub(super) fn marker() -> impl Strategy<Value = Kind> {
    (word(MarkerKind::ALL), past(), option::weighted(0.3, -90..200_i32))
        .prop_map(|(kind, set, expires)| Kind::Other(Other::Marker(Marker { kind, set, expires: expires.map(day) })))
}

fn grade() -> impl Strategy<Value = Grade> {
    prop_oneof![
        4 => (1..=3_u8, 0..=4_u8).prop_map(|(source, assessment)| Grade::Current { source, assessment }),
        1 => (0..=4_u8, 1..=5_u8).prop_map(|(source, evaluation)| Grade::Old { source, evaluation }),
    ]
}

pub(super) fn intelligence() -> impl Strategy<Value = Intelligence> {
    (word(ThreatIndicator::ALL), past(), grade(), option::of(0..5_u8)).prop_map(|(indicator, date, grade, source)| {
        Intelligence {
            indicator,
            date,
            grade,
            handling: Handling::C,
            source: source.map(|number| format!("s{number}").into()),
        }
    })
}

pub(super) fn breach() -> impl Strategy<Value = Kind> {
    (word(BreachKind::ALL), past(), option::weighted(0.3, 0..12_usize))
        .prop_map(|(kind, date, file)| Kind::Other(Other::Breach(Breach { kind, date, outstanding_id: file.map(id) })))
}

fn custody() -> impl Strategy<Value = Kind> {
    let lasting = prop_oneof![1 => Just(None), 2 => (0..900_i32).prop_map(Some)];
    (word(CustodyKind::ALL), past(), option::of(-60..400_i32), lasting, named()).prop_map(
        |(kind, start, planned, lasting, offence_ids)| {
            Kind::Other(Other::Custody(Custody {
                kind,
                start,
                planned_release: planned.map(day),
                ended: lasting.map(|days| (start + days).min(day(0))),
                offence_ids,
            }))
        },
    )
}

/// A file of one to three periods; its last may be open.
pub(super) fn file() -> impl Strategy<Value = Outstanding> {
    let spans = vec((1..200_i32, 1..200_i32), 1..4);
    (word(OutstandingReason::ALL), -1_000..=-1_i32, spans, any::<bool>(), named()).prop_map(
        |(reason, opened, spans, open, offence_ids)| {
            let mut periods = Vec::new();
            let mut start = day(opened);
            for (lasting, pause) in spans {
                let closed = (start + lasting).min(day(0));
                if start < closed {
                    periods.push(OpenPeriod { opened: start, closed: Some((closed, CloseOutcome::Arrested)) });
                }
                start = closed + pause;
            }
            if let Some(last) = periods.last_mut().filter(|_| open) {
                last.closed = None;
            }
            let circulation = Circulation::NotCirculated;
            Outstanding { reason, periods, circulation, offence_ids, area: None, officer: None, terms: Box::default() }
        },
    )
}

fn assessment() -> impl Strategy<Value = Kind> {
    let found = prop_oneof![
        (1..=4_u8, 1..=3_u8).prop_map(|(category, level)| (AssessmentKind::Mappa, Finding::Mappa { category, level })),
        Just((AssessmentKind::Marac, Finding::Held)),
        (
            word(&[
                AssessmentKind::OasysRosh,
                AssessmentKind::OspDc,
                AssessmentKind::Arms,
                AssessmentKind::Dash,
                AssessmentKind::Sara
            ]),
            word(AssessmentLevel::ALL)
        )
            .prop_map(|(kind, level)| (kind, Finding::Level(level))),
        (word(&[AssessmentKind::Arp, AssessmentKind::Vrp, AssessmentKind::Svrp]), 1..99_u8)
            .prop_map(|(kind, percent)| (kind, Finding::Probability(f64::from(percent) / 100.0))),
    ];
    (found, past(), option::weighted(0.3, -90..200_i32)).prop_map(|((kind, finding), made, expires)| {
        Kind::Other(Other::Assessment(Assessment { kind, made, finding, expires: expires.map(day) }))
    })
}

fn exploitation() -> impl Strategy<Value = Kind> {
    (word(ExploitationStatus::ALL), past(), named(), option::weighted(0.2, past())).prop_map(
        |(status, date, offence_ids, reviewed)| {
            Kind::Other(Other::Exploitation(Exploitation { status, date, offence_ids, reviewed }))
        },
    )
}

fn totals() -> impl Strategy<Value = Kind> {
    (past(), 0..30_u32, 0..30_u32).prop_map(|(as_at, occasions, violent)| {
        let first = (occasions > 0).then(|| as_at - 400);
        let violent_occasions = violent.min(occasions);
        Kind::Other(Other::SanctionSummary(SanctionSummary {
            as_at,
            occasions,
            violent_occasions,
            first,
            age_at_first: None,
        }))
    })
}

fn person() -> impl Strategy<Value = Kind> {
    let ages = (10..60_u8, 0..20_u8).prop_map(|(least, span)| (least, least + span));
    (option::weighted(0.8, -25_000..-4_500_i32), option::weighted(0.8, word(Sex::ALL)), ages, past()).prop_map(
        |(birth, sex, apparent_age, made)| {
            Kind::Person(Person { birth: birth.map(day), sex, apparent_age, made, areas: Vec::new() })
        },
    )
}

fn category() -> impl Strategy<Value = PersonCategory> {
    prop_oneof![
        8 => Just(PersonCategory::Suspect),
        2 => Just(PersonCategory::Convicted),
        1 => Just(PersonCategory::Victim),
        1 => Just(PersonCategory::Witness),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![
        8 => offence(),
        3 => marker(),
        3 => intelligence().prop_map(|report| Kind::Other(Other::Intelligence(report))),
        2 => breach(),
        2 => custody(),
        2 => file().prop_map(|file| Kind::Other(Other::Outstanding(file))),
        2 => assessment(),
        1 => exploitation(),
        1 => totals(),
        1 => person(),
    ]
}

/// A record of the given kind, as the source of `place` would name it.
pub(super) fn record(place: usize, kind: impl Strategy<Value = Kind>) -> impl Strategy<Value = Evidence> {
    (kind, category(), past()).prop_map(move |(kind, category, updated)| Evidence {
        id: id(place),
        revision: Revision(1),
        category,
        updated,
        kind,
    })
}

/// A person of up to eleven records.
pub(super) fn people() -> impl Strategy<Value = Vec<Evidence>> {
    vec((kind(), category(), past()), 0..12).prop_map(|records| {
        let records = records.into_iter().enumerate();
        records
            .map(|(place, (kind, category, updated))| Evidence {
                id: id(place),
                revision: Revision(1),
                category,
                updated,
                kind,
            })
            .collect()
    })
}

pub(super) fn dossier(records: &[Evidence]) -> Dossier {
    Dossier::from_evidence("S-1", Revision(1), records.iter().cloned())
}
