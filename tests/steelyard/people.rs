//! Records of invented people, as a source system would send them.

use steelyard::pb;
use steelyard::pb::record::Kind;

/// The day on which tests weigh.
pub const AS_OF: &str = "2026-03-31";

/// Somebody, and the records held about them.
#[derive(Clone, Debug)]
pub struct Somebody {
    subject_ref: String,
    records: Vec<pb::Record>,
}

impl Somebody {
    /// A person of whom nothing is held yet.
    pub fn new(subject_ref: &str) -> Self {
        Self { subject_ref: subject_ref.to_owned(), records: Vec::new() }
    }

    /// A man with a birth date.
    pub fn man(subject_ref: &str, birth: &str) -> Self {
        Self::new(subject_ref).person(birth, pb::Sex::Male)
    }

    /// A woman with a birth date.
    pub fn woman(subject_ref: &str, birth: &str) -> Self {
        Self::new(subject_ref).person(birth, pb::Sex::Female)
    }

    /// Every record.
    pub fn records(self) -> Vec<pb::Record> {
        self.records
    }

    /// The record added last, for tests that change one field.
    pub fn last(&mut self) -> &mut pb::Record {
        self.records.last_mut().expect("somebody must have a record")
    }

    /// Id of the record added last.
    pub fn last_id(&self) -> String {
        self.records.last().map(|record| record.id.clone()).unwrap_or_default()
    }

    /// Adds a record of any kind.
    pub fn record(mut self, event_date: &str, kind: Kind) -> Self {
        let id = format!("{}-{:03}", self.subject_ref, self.records.len() + 1);
        let recorded = if event_date.is_empty() { "2026-03-30" } else { event_date };
        self.records.push(pb::Record {
            id,
            subject_ref: self.subject_ref.clone(),
            source_system: "test".to_owned(),
            basis: 0,
            category: 0,
            event_date: event_date.to_owned(),
            recorded_time: Some(evening_of(recorded)),
            kind: Some(kind),
        });
        self
    }

    /// Says that the record added last was last updated on a day.
    pub fn updated(mut self, day: &str) -> Self {
        self.last().recorded_time = Some(evening_of(day));
        self
    }

    /// Who the person is.
    pub fn person(self, birth: &str, sex: pb::Sex) -> Self {
        let person = pb::Person {
            birth_date: birth.to_owned(),
            sex: sex.into(),
            areas: vec!["Northgate".to_owned()],
            ..pb::Person::default()
        };
        self.record("2026-01-05", Kind::Person(person))
    }

    /// An offence by code and date, and how far it has gone by when.
    pub fn offence(self, code: &str, date: &str, outcome: pb::Outcome, outcome_date: &str) -> Self {
        let offence = pb::Offence {
            cjs_code: code.to_owned(),
            report_date: date.to_owned(),
            outcome: outcome.into(),
            outcome_date: outcome_date.to_owned(),
            ..pb::Offence::default()
        };
        let updated = if outcome_date.is_empty() { date } else { outcome_date }.to_owned();
        self.record(date, Kind::Offence(offence)).updated(&updated)
    }

    /// A conviction.
    pub fn convicted(self, code: &str, date: &str, sentenced: &str) -> Self {
        self.offence(code, date, pb::Outcome::Convicted, sentenced)
    }

    /// A charge.
    pub fn charged(self, code: &str, date: &str) -> Self {
        self.offence(code, date, pb::Outcome::Charged, date)
    }

    /// A suspicion.
    pub fn suspected(self, code: &str, date: &str) -> Self {
        self.offence(code, date, pb::Outcome::Suspected, "")
    }

    /// Changes the offence added last.
    pub fn with(mut self, change: impl FnOnce(&mut pb::Offence)) -> Self {
        match &mut self.last().kind {
            Some(Kind::Offence(offence)) => change(offence),
            other => panic!("the last record is no offence: {other:?}"),
        }
        self
    }

    /// The offence added last was domestic abuse of this victim.
    pub fn domestic(self, victim: &str, vulnerable: bool) -> Self {
        self.with(|offence| {
            offence.domestic_abuse = true;
            offence.victim =
                Some(pb::Victim { victim_ref: victim.to_owned(), natural_person: true, vulnerable, repeat: false });
        })
    }

    /// Many convictions of one code, `every` days apart, the last on `last`, each sentenced three weeks later.
    pub fn convictions(self, code: &str, count: usize, every: i32, last: &str) -> Self {
        let last: steelyard::domain::Date = last.parse().expect("must be a date");
        (0..count).rev().fold(self, |somebody, place| {
            let back = i32::try_from(place).expect("must be a small count") * every;
            let day = last - back;
            somebody.convicted(code, &day.to_string(), &(day + 21).to_string())
        })
    }

    /// Totals of a history.
    pub fn totals(self, as_at: &str, occasions: u32, violent: u32, first: &str) -> Self {
        let summary = pb::SanctionSummary {
            sanction_occasions: occasions,
            violent_sanction_occasions: violent,
            first_sanction_date: first.to_owned(),
            age_at_first_sanction: 0,
        };
        self.record(as_at, Kind::SanctionSummary(summary))
    }

    /// A stay in custody.
    pub fn custody(self, kind: pb::CustodyKind, start: &str, planned: &str, ended: &str, offences: &[&str]) -> Self {
        let custody = pb::Custody {
            custody_kind: kind.into(),
            planned_release: planned.to_owned(),
            ended_on: ended.to_owned(),
            offence_ids: offences.iter().map(|id| (*id).to_owned()).collect(),
        };
        self.record(start, Kind::Custody(custody)).updated("2026-03-30")
    }

    /// A marker.
    pub fn marker(self, kind: pb::MarkerKind, set: &str, expires: &str) -> Self {
        let marker = pb::Marker { marker_kind: kind.into(), expires_on: expires.to_owned() };
        self.record(set, Kind::Marker(marker))
    }

    /// A graded report.
    pub fn intelligence(self, indicator: pb::ThreatIndicator, date: &str, grade: (u32, &str), source: &str) -> Self {
        let intelligence = pb::Intelligence {
            indicator: indicator.into(),
            source_reliability: grade.0,
            assessment: grade.1.to_owned(),
            handling: pb::Handling::P.into(),
            source_ref: source.to_owned(),
            old_grade: String::new(),
        };
        self.record(date, Kind::Intelligence(intelligence))
    }

    /// An assessment with a level.
    pub fn assessed(self, kind: pb::AssessmentKind, level: pb::AssessmentLevel, made: &str, expires: &str) -> Self {
        let assessment = pb::Assessment {
            assessment_kind: kind.into(),
            level: level.into(),
            expires_on: expires.to_owned(),
            ..pb::Assessment::default()
        };
        self.record(made, Kind::Assessment(assessment))
    }

    /// A MAPPA category and level.
    pub fn mappa(self, category: u32, level: u32, made: &str) -> Self {
        let assessment = pb::Assessment {
            assessment_kind: pb::AssessmentKind::Mappa.into(),
            mappa_category: category,
            mappa_level: level,
            ..pb::Assessment::default()
        };
        self.record(made, Kind::Assessment(assessment))
    }

    /// A file, open since a day, for offences by id.
    pub fn outstanding(self, reason: pb::OutstandingReason, since: &str, offences: &[&str]) -> Self {
        let file = pb::Outstanding {
            reason: reason.into(),
            offence_ids: offences.iter().map(|id| (*id).to_owned()).collect(),
            periods: vec![pb::OpenPeriod { opened_on: since.to_owned(), ..pb::OpenPeriod::default() }],
            circulation: pb::Circulation::PncWanted.into(),
            area: "Northgate".to_owned(),
            officer: "OIC-1".to_owned(),
            ..pb::Outstanding::default()
        };
        self.record(since, Kind::Outstanding(file))
    }

    /// Wanted for the offence added last, since a day.
    pub fn wanted(self, since: &str) -> Self {
        let id = self.last_id();
        self.outstanding(pb::OutstandingReason::NamedSuspectNotArrested, since, &[&id])
    }

    /// A managed nominal since a day.
    pub fn managed(self, status: pb::CohortStatus, since: &str) -> Self {
        let membership = pb::CohortMembership {
            status: status.into(),
            rag: pb::Rag::Amber.into(),
            offender_manager: "OM-1".to_owned(),
            area: "Northgate".to_owned(),
            ended_on: String::new(),
        };
        self.record(since, Kind::CohortMembership(membership))
    }

    /// A National Referral Mechanism status with linked offences.
    pub fn exploited(self, status: pb::ExploitationStatus, date: &str, offences: &[&str]) -> Self {
        let exploitation = pb::Exploitation {
            status: status.into(),
            offence_ids: offences.iter().map(|id| (*id).to_owned()).collect(),
            reviewed_on: String::new(),
        };
        self.record(date, Kind::Exploitation(exploitation))
    }
}

/// Six in the evening, UTC, of a day.
fn evening_of(day: &str) -> pbjson_types::Timestamp {
    let day: steelyard::domain::Date = day.parse().expect("must be a date");
    pbjson_types::Timestamp { seconds: i64::from(day.days()) * 86_400 + 18 * 3_600, nanos: 0 }
}
