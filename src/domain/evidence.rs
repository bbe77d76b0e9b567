//! Evidence as the scorer may see it: typed, checked, without names or titles.
//! What a rule may not use has no field here.

use super::offence::OffenceCode;
use super::word::{
    ActivityKind, ActivityOutcome, AssessmentKind, AssessmentLevel, Band, BreachKind, Circulation, CloseOutcome,
    CohortStatus, CustodyKind, DecisionKind, ExploitationStatus, Handling, MarkerKind, Outcome, OutstandingReason,
    OverrideScope, PersonCategory, Rag, Sex, SupervisorRank, ThreatIndicator, WarrantCategory,
};
use super::{Date, Moment, Revision};

/// One record in force about one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Evidence {
    /// The record's id.
    pub id: Box<str>,
    /// Revision of the version in force.
    pub revision: Revision,
    /// The person's category in this record.
    pub category: PersonCategory,
    /// Day on which the source last updated the record.
    pub updated: Date,
    /// What it tells.
    pub kind: Kind,
}

/// What a record tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    /// Who the person is.
    Person(Person),
    /// An offence.
    Offence(Offence),
    /// Anything else that a rule of scoring may read.
    Other(Other),
    /// What was done, reviewed and decided. No rule of scoring can reach it.
    Supervision(Supervision),
}

/// Who the person is.
#[derive(Clone, Debug, PartialEq)]
pub struct Person {
    /// Birth date, if known.
    pub birth: Option<Date>,
    /// Sex, if known.
    pub sex: Option<Sex>,
    /// Least and greatest apparent age in whole years on `made`.
    pub apparent_age: (u8, u8),
    /// The day the record was made.
    pub made: Date,
    /// Areas the person belongs to.
    pub areas: Vec<Box<str>>,
}

/// An offence, alleged or proved.
#[derive(Clone, Debug, PartialEq)]
pub struct Offence {
    /// Code.
    pub code: OffenceCode,
    /// When committed, if known.
    pub committed: Option<Date>,
    /// When reported; the day committed where not given.
    pub reported: Date,
    /// How far the case has gone.
    pub outcome: Outcome,
    /// Date of that outcome; always there for a sanction.
    pub outcome_date: Option<Date>,
    /// Incident reference.
    pub incident: Option<Box<str>>,
    /// The victim.
    pub victim: Option<Victim>,
    /// Domestic abuse.
    pub domestic_abuse: bool,
    /// Hate crime.
    pub hate: bool,
    /// Found by police activity alone.
    pub proactive: bool,
}

/// The victim of one offence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Victim {
    /// Reference, if known who.
    pub reference: Option<Box<str>>,
    /// A natural person.
    pub natural_person: bool,
    /// Recorded as vulnerable.
    pub vulnerable: bool,
    /// Recorded as a repeat victim by the source.
    pub repeat: bool,
}

/// Every kind of record other than the person and offences.
#[derive(Clone, Debug, PartialEq)]
pub enum Other {
    /// Totals of a criminal history.
    SanctionSummary(SanctionSummary),
    /// A stay in custody.
    Custody(Custody),
    /// A marker or served notice.
    Marker(Marker),
    /// A graded report.
    Intelligence(Intelligence),
    /// A professional assessment.
    Assessment(Assessment),
    /// A court order: context only.
    Order {
        /// The day it was made.
        made: Date,
    },
    /// A breach.
    Breach(Breach),
    /// A National Referral Mechanism status.
    Exploitation(Exploitation),
    /// A file on why the person is outstanding.
    Outstanding(Outstanding),
    /// Membership of the managed cohort.
    CohortMembership(CohortMembership),
    /// An officer's override.
    BandOverride(BandOverride),
}

/// Totals of a criminal history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SanctionSummary {
    /// The day they are as at.
    pub as_at: Date,
    /// Sanction occasions.
    pub occasions: u32,
    /// Of these with a violent offence.
    pub violent_occasions: u32,
    /// Date of the first sanction.
    pub first: Option<Date>,
    /// Age at the first sanction, where its date is unknown.
    pub age_at_first: Option<u8>,
}

/// A stay in custody: `start <= day < ended`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Custody {
    /// Remand or sentence.
    pub kind: CustodyKind,
    /// First day.
    pub start: Date,
    /// Planned release.
    pub planned_release: Option<Date>,
    /// Day it ended.
    pub ended: Option<Date>,
    /// Ids of the offences it is for.
    pub offence_ids: Vec<Box<str>>,
}

/// A marker or served notice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marker {
    /// What it warns of. Never a health signal.
    pub kind: MarkerKind,
    /// The day it was set or served.
    pub set: Date,
    /// Last day on which it stands.
    pub expires: Option<Date>,
}

/// How a report was graded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grade {
    /// 3x5x2: source 1 to 3, assessment 0 (A) to 4 (E).
    Current {
        /// Source reliability, 1 to 3.
        source: u8,
        /// Assessment, 0 for A to 4 for E.
        assessment: u8,
    },
    /// 5x5x5, converted by policy: source 0 (A) to 4 (E), evaluation 1 to 5.
    Old {
        /// Source, 0 for A to 4 for E.
        source: u8,
        /// Evaluation, 1 to 5.
        evaluation: u8,
    },
}

/// A graded report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intelligence {
    /// What it tells.
    pub indicator: ThreatIndicator,
    /// The day it reports on.
    pub date: Date,
    /// Its grade.
    pub grade: Grade,
    /// Handling code.
    pub handling: Handling,
    /// Source, if known.
    pub source: Option<Box<str>>,
}

/// What an assessment found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Finding {
    /// A level.
    Level(AssessmentLevel),
    /// MAPPA category 1 to 4 and level 1 to 3.
    Mappa {
        /// Category, 1 to 4.
        category: u8,
        /// Level, 1 to 3.
        level: u8,
    },
    /// A probability, above 0 and below 1.
    Probability(f64),
    /// That it was held: a MARAC.
    Held,
}

/// A professional assessment.
#[derive(Clone, Debug, PartialEq)]
pub struct Assessment {
    /// Which instrument.
    pub kind: AssessmentKind,
    /// The day it was made.
    pub made: Date,
    /// What it found.
    pub finding: Finding,
    /// Last day on which it stands.
    pub expires: Option<Date>,
}

/// A breach.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// What was breached.
    pub kind: BreachKind,
    /// The day of it.
    pub date: Date,
    /// The outstanding file that tells the same breach.
    pub outstanding_id: Option<Box<str>>,
}

/// A National Referral Mechanism status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exploitation {
    /// Where the referral stands.
    pub status: ExploitationStatus,
    /// The day of this status.
    pub date: Date,
    /// Linked offences.
    pub offence_ids: Vec<Box<str>>,
    /// The day the link was reviewed.
    pub reviewed: Option<Date>,
}

/// One time during which a file was open: `opened <= day < closed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenPeriod {
    /// First day.
    pub opened: Date,
    /// Day it closed, and how.
    pub closed: Option<(Date, CloseOutcome)>,
}

/// A file on why the person is outstanding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outstanding {
    /// Why.
    pub reason: OutstandingReason,
    /// When it was open, in order, at least one.
    pub periods: Vec<OpenPeriod>,
    /// Where it is circulated.
    pub circulation: Circulation,
    /// Offences the person is wanted for; for a recall, the index offence.
    pub offence_ids: Vec<Box<str>>,
    /// Area that looks for the person.
    pub area: Option<Box<str>>,
    /// Officer in the case.
    pub officer: Option<Box<str>>,
    /// What supervision reads and scoring does not.
    pub terms: Box<FileTerms>,
}

/// What supervision reads of a file beyond what scoring does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileTerms {
    /// When each period began and ended, in the order of the periods.
    pub spans: Vec<Span>,
    /// Every step of its circulation, in order. Empty: only where it is circulated is known, not since when.
    pub steps: Vec<CirculationStep>,
    /// Officers in the case from each moment on, in order. Empty: the one that the file names, from the beginning.
    pub officers: Vec<(Moment, Option<Box<str>>)>,
    /// Supervisor of the officer in the case.
    pub supervisor: Option<Box<str>>,
    /// Category of the warrant.
    pub warrant: Option<WarrantCategory>,
    /// The day the warrant was issued.
    pub issued: Option<Date>,
    /// When the force was told of the recall.
    pub notified: Option<Moment>,
    /// The day by which the warrant is to be executed or the recalled to be back, where it is stated.
    pub target: Option<Date>,
}

/// One open period in moments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When it began.
    pub opened: Moment,
    /// When it ended.
    pub closed: Option<Moment>,
}

/// One step in where a file is circulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CirculationStep {
    /// Where, from then on.
    pub circulation: Circulation,
    /// When.
    pub changed: Moment,
}

/// What was done, reviewed and decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Supervision {
    /// Something done.
    Activity(Activity),
    /// A supervisor's review of a file.
    Review(Review),
    /// A decision about the cohort.
    Decision(Decision),
}

/// Something done about a file, or with a managed nominal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Activity {
    /// What.
    pub kind: ActivityKind,
    /// What came of it.
    pub outcome: Option<ActivityOutcome>,
    /// When.
    pub done: Moment,
    /// Minutes spent.
    pub minutes: u32,
    /// Officer who did it.
    pub officer: Box<str>,
    /// Address, person or agency concerned.
    pub target: Option<Box<str>>,
    /// The file; none for what is done with a managed nominal.
    pub file: Option<Box<str>>,
    /// The victim told.
    pub victim: Option<Box<str>>,
}

/// A supervisor's review of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The file.
    pub file: Box<str>,
    /// The reviewer.
    pub officer: Box<str>,
    /// Rank.
    pub rank: SupervisorRank,
    /// When.
    pub reviewed: Moment,
    /// The day by which the reviewer wants it reviewed again.
    pub next: Option<Date>,
}

/// A decision about the cohort, without what was frozen into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What.
    pub kind: DecisionKind,
    /// When.
    pub decided: Moment,
}

/// Membership of the managed cohort: `selected <= day < ended`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CohortMembership {
    /// Fixed, flex or free.
    pub status: CohortStatus,
    /// Management grade.
    pub rag: Option<Rag>,
    /// The day selected.
    pub selected: Date,
    /// The day deselected.
    pub ended: Option<Date>,
    /// Offender manager.
    pub offender_manager: Option<Box<str>>,
    /// Area that manages the person.
    pub area: Option<Box<str>>,
}

/// An officer's override.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BandOverride {
    /// Band to show.
    pub band: Band,
    /// Lists it reaches.
    pub scope: OverrideScope,
    /// The day decided.
    pub decided: Date,
    /// Last day on which it stands.
    pub expires: Date,
    /// Officer who decided.
    pub officer: Box<str>,
    /// Second officer of inspector rank.
    pub second_officer: Option<Box<str>>,
    /// Why.
    pub rationale: Box<str>,
}

impl Outstanding {
    /// Whether an officer had the case at any time between two moments.
    pub fn had_case(&self, officer: &str, from: Moment, to: Moment, same: impl Fn(&str, &str) -> bool) -> bool {
        let officers = &self.terms.officers;
        if officers.is_empty() {
            return self.officer.as_deref().is_some_and(|held| same(held, officer));
        }
        let until = |place: usize| officers.get(place + 1).map_or(Moment::END, |(next, _)| *next);
        officers.iter().enumerate().any(|(place, (since, held))| {
            let overlaps = (*since <= to || place == 0) && until(place) > from;
            overlaps && held.as_deref().is_some_and(|held| same(held, officer))
        })
    }

    /// Whether the file is open at the end of `day`.
    pub fn is_open(&self) -> bool {
        self.periods.last().is_some_and(|period| period.closed.is_none())
    }

    /// First day of the latest period, if the file is open.
    pub fn open_since(&self) -> Option<Date> {
        self.periods.last().filter(|period| period.closed.is_none()).map(|period| period.opened)
    }

    /// First day of the first period.
    pub fn first_opened(&self) -> Option<Date> {
        self.periods.first().map(|period| period.opened)
    }
}
