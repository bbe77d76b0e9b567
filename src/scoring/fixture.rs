//! People for tests of weighing under the reference policy: records written as
//! a sentence would tell them.

use std::sync::LazyLock;

use super::Rules;
use super::harm::Catalogue;
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{
    Assessment, BandOverride, Breach, Custody, Evidence, Exploitation, Finding, Grade, Intelligence, Kind, Marker,
    Offence, OpenPeriod, Other, Outstanding, Person,
};
use crate::domain::offence::OffenceCode;
use crate::domain::word::{
    AssessmentKind, Band, BreachKind, Circulation, CloseOutcome, CustodyKind, ExploitationStatus, Handling, MarkerKind,
    Outcome, OutstandingReason, OverrideScope, PersonCategory, Sex, ThreatIndicator,
};
use crate::domain::{Date, Revision};
use crate::policy::Policy;
use crate::reference::tables;

/// The rules of METHOD over the published tables.
pub(crate) fn rules() -> &'static Rules {
    static RULES: LazyLock<Rules> = LazyLock::new(|| {
        let policy = Policy::reference();
        Rules { catalogue: Catalogue::new(tables(), &policy), policy }
    });
    &RULES
}

/// Day `number` of the tests; 0 is the day on which people are weighed.
pub(crate) fn day(number: i32) -> Date {
    Date::from_days(20_000 + number)
}

/// Murder, 5,475 harm days.
pub(crate) const MURDER: &str = "001/01";
/// Section 18 wounding, 1,460 harm days.
pub(crate) const WOUNDING: &str = "005/01";
/// Rape of a woman, 1,825 harm days.
pub(crate) const RAPE: &str = "019/08";
/// Assault occasioning actual bodily harm, 10 harm days.
pub(crate) const ABH: &str = "008/06";
/// Burglary of a home, 19 harm days by the policy.
pub(crate) const BURGLARY: &str = "028/03";
/// Robbery, 365 harm days.
pub(crate) const ROBBERY: &str = "034/01";
/// Theft from a shop.
pub(crate) const SHOP_THEFT: &str = "046/00";

/// The code of a Home Office class/sub-class.
pub(crate) fn ho(code: &str) -> OffenceCode {
    OffenceCode { cjs: None, ho: Some(tables().ho(code).expect("must be in the tables")) }
}

/// A 3x5x2 grade such as `1A`.
pub(crate) fn graded(text: &str) -> Grade {
    let bytes = text.as_bytes();
    Grade::Current { source: bytes[0] - b'0', assessment: bytes[1] - b'A' }
}

/// Records of one person, each in turn.
#[derive(Clone, Debug, Default)]
pub(crate) struct Records(pub Vec<Evidence>);

fn ids(ids: &[&str]) -> Vec<Box<str>> {
    ids.iter().map(|id| Box::from(*id)).collect()
}

impl Records {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn dossier(&self) -> Dossier {
        Dossier::from_evidence("S-1", Revision(1), self.0.iter().cloned())
    }

    fn with(mut self, id: &str, updated: Date, kind: Kind) -> Self {
        let category = PersonCategory::Suspect;
        self.0.push(Evidence { id: id.into(), revision: Revision(1), category, updated, kind });
        self
    }

    fn other(self, id: &str, date: Date, kind: Other) -> Self {
        self.with(id, date, Kind::Other(kind))
    }

    /// Changes the record written last.
    pub(crate) fn edit(mut self, change: impl FnOnce(&mut Evidence)) -> Self {
        change(self.0.last_mut().expect("there must be a record to change"));
        self
    }

    /// The person's category in the record written last.
    pub(crate) fn seen_as(self, category: PersonCategory) -> Self {
        self.edit(|record| record.category = category)
    }

    /// The same of the offence written last.
    pub(crate) fn edit_offence(self, change: impl FnOnce(&mut Offence)) -> Self {
        self.edit(|record| match &mut record.kind {
            Kind::Offence(offence) => change(offence),
            Kind::Person(_) | Kind::Other(_) | Kind::Supervision(_) => {
                panic!("the record written last must be an offence")
            }
        })
    }

    pub(crate) fn person(self, birth: Option<Date>, sex: Option<Sex>, apparent_age: (u8, u8), made: Date) -> Self {
        self.with("person", made, Kind::Person(Person { birth, sex, apparent_age, made, areas: Vec::new() }))
    }

    pub(crate) fn offence(self, id: &str, code: &str, date: Date, outcome: Outcome) -> Self {
        let offence = Offence {
            code: ho(code),
            committed: Some(date),
            reported: date,
            outcome,
            outcome_date: outcome.is_sanction().then_some(date),
            incident: None,
            victim: None,
            domestic_abuse: false,
            hate: false,
            proactive: false,
        };
        self.with(id, date, Kind::Offence(offence))
    }

    pub(crate) fn sentence(
        self,
        id: &str,
        start: Date,
        planned_release: Option<Date>,
        ended: Option<Date>,
        offences: &[&str],
    ) -> Self {
        let kind = CustodyKind::Sentence;
        self.other(
            id,
            start,
            Other::Custody(Custody { kind, start, planned_release, ended, offence_ids: ids(offences) }),
        )
    }

    pub(crate) fn remand(self, id: &str, start: Date, ended: Option<Date>) -> Self {
        let kind = CustodyKind::Remand;
        let stay = Custody { kind, start, planned_release: None, ended, offence_ids: Vec::new() };
        self.other(id, start, Other::Custody(stay))
    }

    pub(crate) fn marker(self, id: &str, kind: MarkerKind, set: Date, expires: Option<Date>) -> Self {
        self.other(id, set, Other::Marker(Marker { kind, set, expires }))
    }

    pub(crate) fn report(
        self,
        id: &str,
        indicator: ThreatIndicator,
        date: Date,
        grade: &str,
        source: Option<&str>,
    ) -> Self {
        let (grade, source) = (graded(grade), source.map(Box::from));
        let report = Intelligence { indicator, date, grade, handling: Handling::C, source };
        self.other(id, date, Other::Intelligence(report))
    }

    pub(crate) fn assessment(
        self,
        id: &str,
        kind: AssessmentKind,
        made: Date,
        finding: Finding,
        expires: Option<Date>,
    ) -> Self {
        self.other(id, made, Other::Assessment(Assessment { kind, made, finding, expires }))
    }

    pub(crate) fn breach(self, id: &str, kind: BreachKind, date: Date, file: Option<&str>) -> Self {
        self.other(id, date, Other::Breach(Breach { kind, date, outstanding_id: file.map(Box::from) }))
    }

    /// A file with its periods, each from the day opened to the day closed.
    pub(crate) fn file(
        self,
        id: &str,
        reason: OutstandingReason,
        periods: &[(Date, Option<Date>)],
        offences: &[&str],
    ) -> Self {
        let period = |(opened, closed): &(Date, Option<Date>)| OpenPeriod {
            opened: *opened,
            closed: closed.map(|day| (day, CloseOutcome::Arrested)),
        };
        let file = Outstanding {
            reason,
            periods: periods.iter().map(period).collect(),
            circulation: Circulation::NotCirculated,
            offence_ids: ids(offences),
            area: None,
            officer: None,
            terms: Box::default(),
        };
        self.other(id, periods[0].0, Other::Outstanding(file))
    }

    pub(crate) fn exploitation(
        self,
        id: &str,
        status: ExploitationStatus,
        date: Date,
        offences: &[&str],
        reviewed: Option<Date>,
    ) -> Self {
        self.other(id, date, Other::Exploitation(Exploitation { status, date, offence_ids: ids(offences), reviewed }))
    }

    pub(crate) fn band_override(
        self,
        id: &str,
        band: Band,
        scope: OverrideScope,
        decided: Date,
        expires: Date,
        second_officer: Option<&str>,
    ) -> Self {
        let decision = BandOverride {
            band,
            scope,
            decided,
            expires,
            officer: "PS 1".into(),
            second_officer: second_officer.map(Box::from),
            rationale: "as the test says".into(),
        };
        self.other(id, decided, Other::BandOverride(decision))
    }
}
