//! Invented people for the tests of this floor. A person is told in a line:
//! `band=HIGH composite=41000 since=-40 reason=ESCAPE area=North managed officer=O-1 child`.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use proptest::prelude::*;

use super::change::Change;
use super::facets::Facets;
use super::key::Lookup;
use super::names::Names;
use super::references::References;
use super::row::Row;
use super::snapshot::{Meta, Standings};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{CohortMembership, Evidence, Kind, OpenPeriod, Other, Outstanding, Person};
use crate::domain::word::{Band, Circulation, CohortStatus, CustodyState, OutstandingReason, PersonCategory};
use crate::domain::{Date, MilliPoints, Revision, SubjectId};
use crate::policy::Policy;
use crate::reference::tables;
use crate::scoring::composite::{Composed, Weighed};
use crate::scoring::harm::Catalogue;
use crate::scoring::{Rules, Scored};

/// The day of every sample.
pub const AS_OF: Date = Date::from_days(20_000);

/// A person in the making.
#[derive(Clone, Debug)]
pub struct Invented {
    pub dossier: Arc<Dossier>,
    pub weighed: Weighed,
}

/// A person with a reference, told in a line.
pub fn person(reference: &str, told: &str) -> Invented {
    let mut invented = Teller::default();
    told.split_whitespace().for_each(|word| invented.hear(word));
    invented.finish(reference)
}

struct Teller {
    weighed: Weighed,
    areas: Vec<Box<str>>,
    since: Vec<i32>,
    reasons: Vec<OutstandingReason>,
    circulation: Circulation,
    membership: Option<CohortMembership>,
}

impl Default for Teller {
    fn default() -> Self {
        let composed = Composed {
            point: MilliPoints::ZERO,
            low: MilliPoints::ZERO,
            high: MilliPoints::ZERO,
            computed: Band::Low,
            floored: Band::Low,
            effective: Band::Low,
            low_band: Band::Low,
            high_band: Band::Low,
            provisional: false,
            overridden: false,
        };
        Self {
            weighed: Weighed {
                threat: Scored::default(),
                risk: Scored::default(),
                harm: Scored::default(),
                cohort: composed,
                outstanding: composed,
                child: false,
                custody: CustodyState::AtLiberty,
            },
            areas: Vec::new(),
            since: Vec::new(),
            reasons: Vec::new(),
            circulation: Circulation::NotCirculated,
            membership: None,
        }
    }
}

impl Teller {
    fn hear(&mut self, word: &str) {
        let (word, value) = word.split_once('=').unwrap_or((word, ""));
        let points = || MilliPoints::new(value.parse().expect("must be milli-points"));
        let scored = || Scored { point: points(), low: points(), high: points() };
        let weighed = &mut self.weighed;
        match word {
            "band" => self.both(|composed| composed.effective = band(value)),
            "composite" => self.both(|composed| composed.point = points()),
            "harm" => weighed.harm = scored(),
            "threat" => weighed.threat = scored(),
            "risk" => weighed.risk = scored(),
            "provisional" => self.both(|composed| composed.provisional = true),
            "overridden" => self.both(|composed| composed.overridden = true),
            "child" => weighed.child = true,
            "remand" => weighed.custody = CustodyState::Remand,
            "area" => self.areas.push(value.into()),
            "since" => self.since.push(value.parse().expect("must be days")),
            "reason" => self.reasons.push(named(value, OutstandingReason::ALL, |word| word.proto().as_str_name())),
            "circulation" => self.circulation = named(value, Circulation::ALL, |word| word.proto().as_str_name()),
            "managed" => {
                self.member();
            }
            "status" => {
                self.member().status = named(value, CohortStatus::ALL, |word| word.proto().as_str_name());
            }
            "officer" => self.member().offender_manager = Some(value.into()),
            other => panic!("no such word: {other}"),
        }
    }

    fn both(&mut self, change: impl Fn(&mut Composed)) {
        change(&mut self.weighed.cohort);
        change(&mut self.weighed.outstanding);
    }

    fn member(&mut self) -> &mut CohortMembership {
        self.membership.get_or_insert(CohortMembership {
            status: CohortStatus::Fixed,
            rag: None,
            selected: AS_OF - 100,
            ended: None,
            offender_manager: None,
            area: None,
        })
    }

    fn finish(self, reference: &str) -> Invented {
        let mut records =
            vec![Kind::Person(Person { birth: None, sex: None, apparent_age: (0, 0), made: AS_OF, areas: self.areas })];
        records.extend(self.membership.map(|membership| Kind::Other(Other::CohortMembership(membership))));
        let files = self.since.len().max(self.reasons.len());
        records.extend((0..files).map(|n| {
            let opened = self.since.get(n).map_or(AS_OF, |days| Date::from_days(*days));
            Kind::Other(Other::Outstanding(Outstanding {
                reason: self.reasons.get(n).copied().unwrap_or(OutstandingReason::NamedSuspectNotArrested),
                periods: vec![OpenPeriod { opened, closed: None }],
                circulation: self.circulation,
                offence_ids: Vec::new(),
                area: None,
                officer: None,
                terms: Box::default(),
            }))
        }));
        let evidence = records.into_iter().enumerate().map(|(n, kind)| Evidence {
            id: format!("{reference}/{n}").into(),
            revision: Revision(1),
            category: PersonCategory::Suspect,
            updated: AS_OF,
            kind,
        });
        Invented { dossier: Arc::new(Dossier::from_evidence(reference, Revision(1), evidence)), weighed: self.weighed }
    }
}

fn band(name: &str) -> Band {
    named(name, Band::ALL, |band| band.proto().as_str_name())
}

fn named<W: Copy>(name: &str, words: &[W], full: impl Fn(W) -> &'static str) -> W {
    let ends = |word: &&W| full(**word).strip_suffix(name).is_some_and(|front| front.ends_with('_'));
    // Of VERY_HIGH and HIGH, the shorter full name is the one meant.
    *words.iter().filter(ends).min_by_key(|word| full(**word).len()).expect("must be a word of the contract")
}

/// Several invented people, in order of SubjectId.
pub struct People {
    pub names: Arc<Names>,
    pub references: Arc<References>,
    pub rules: Arc<Rules>,
    held: Vec<(Arc<Dossier>, Row)>,
}

impl People {
    pub fn of(invented: impl IntoIterator<Item = Invented>) -> Self {
        let mut people = Self { names: Arc::default(), references: Arc::default(), rules: rules(), held: Vec::new() };
        for (number, person) in (0..).zip(invented) {
            let change = people.change(SubjectId(number), &person);
            people.held.push((change.dossier, change.row));
        }
        people
    }

    pub fn change(&self, subject: SubjectId, person: &Invented) -> Change {
        self.references.insert(person.dossier.subject_ref(), subject);
        let row = Row::new(&person.dossier, &person.weighed, &self.rules, AS_OF, &self.names);
        Change { subject, dossier: Arc::clone(&person.dossier), row }
    }

    pub fn row(&self, place: usize) -> &Row {
        &self.held[place].1
    }

    pub fn meta(&self, revision: u64) -> Meta {
        Meta {
            revision: Revision(revision),
            as_of: AS_OF,
            rules: Arc::clone(&self.rules),
            generation: 0,
            published: Timestamp::UNIX_EPOCH,
        }
    }

    pub fn standings(&self) -> Standings {
        let (names, references) = (Arc::clone(&self.names), Arc::clone(&self.references));
        Standings::load(self.meta(1), names, references, self.held.iter().cloned())
    }
}

impl Lookup for People {
    fn reference(&self, subject: SubjectId) -> &str {
        self.held[subject.index()].0.subject_ref()
    }

    fn facets(&self, subject: SubjectId) -> Facets {
        self.held[subject.index()].1.facets
    }
}

/// What may be told of one of a crowd: few scores, so that many tie, and every mark now and then.
pub fn crowd_member() -> impl Strategy<Value = String> {
    let one_of = |words: &'static [&'static str]| prop::sample::select(words);
    let scores = (
        one_of(&["", "", "band=MEDIUM", "band=HIGH", "band=VERY_HIGH"]),
        one_of(&["", "composite=26000", "composite=26000", "composite=61000", "composite=97000"]),
        one_of(&["", "", "harm=1"]),
        one_of(&["", "", "threat=1"]),
        one_of(&["", "", "risk=1"]),
    );
    let places = (
        one_of(&["", "area=A-0", "area=A-1", "area=A-0 area=A-1", "area=A-2 area=A-1 area=A-0"]),
        one_of(&["", "", "managed", "status=FLEX", "officer=O-0", "officer=O-1 status=FREE"]),
        one_of(&[
            "",
            "",
            "",
            "reason=ESCAPE",
            "since=19999",
            "since=19990 since=19500",
            "since=19700 reason=RECALL_STANDARD",
        ]),
        one_of(&["", "", "circulation=PNC_WANTED", "circulation=PENDING"]),
        one_of(&["", "", "", "child", "remand", "provisional", "overridden", "provisional overridden"]),
    );
    (scores, places)
        .prop_map(|(a, b)| format!("{} {} {} {} {} {} {} {} {} {}", a.0, a.1, a.2, a.3, a.4, b.0, b.1, b.2, b.3, b.4))
}

/// The reference policy over the published tables.
fn rules() -> Arc<Rules> {
    static RULES: LazyLock<Arc<Rules>> = LazyLock::new(|| {
        let policy = Policy::reference();
        Arc::new(Rules { catalogue: Catalogue::new(tables(), &policy), policy })
    });
    Arc::clone(&RULES)
}
