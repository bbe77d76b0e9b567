//! People and a policy for tests of weighing: METHOD's own numbers, and records
//! written as a sentence would tell them.

use std::collections::BTreeMap;
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
use crate::policy::{
    BandPolicy, CompositePolicy, FloorPolicy, HarmPolicy, IndicatorPolicy, InstrumentPolicy, OverridePolicy, Policy,
    QualityPolicy, RiskPolicy, ThreatPolicy, Weights,
};
use crate::reference::tables;

/// The rules of METHOD over the published tables.
pub(crate) fn rules() -> &'static Rules {
    static RULES: LazyLock<Rules> = LazyLock::new(|| {
        let policy = policy();
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

/// METHOD's numbers.
fn policy() -> Policy {
    Policy {
        version: "thr-test".to_owned(),
        harm: harm(),
        risk: risk(),
        threat: threat(),
        composite: CompositePolicy {
            cohort: Weights { threat: 25, risk: 35, harm: 40 },
            outstanding: Weights { threat: 40, risk: 20, harm: 40 },
            full_until_days: 28,
            least_from_days: 84,
            least: 3_000,
        },
        bands: BandPolicy { medium: 25_000, high: 40_000, very_high: 60_000 },
        floors: floors(),
        quality: QualityPolicy { stale_suspect_days: 365, stale_suspect_milli: 1_000, unknown_date_days: 365 },
        overrides: OverridePolicy { below_floor_days: 28 },
    }
}

fn harm() -> HarmPolicy {
    use Outcome as O;
    let proved = [
        O::Convicted,
        O::Cautioned,
        O::Reprimanded,
        O::Warned,
        O::CommunityResolution,
        O::PenaltyNotice,
        O::TakenIntoConsideration,
    ];
    let charged = [O::Charged, O::Summonsed, O::PostalRequisition];
    let suspected = [O::Suspected, O::Arrested, O::Bailed, O::ReleasedUnderInvestigation];
    let mut proof: BTreeMap<Outcome, f64> = Outcome::ALL.iter().map(|outcome| (*outcome, 0.0)).collect();
    proof.extend(proved.map(|outcome| (outcome, 1.0)));
    proof.extend(charged.map(|outcome| (outcome, 0.8)));
    proof.extend(suspected.map(|outcome| (outcome, 0.5)));
    let decided = Date::from_ymd(2026, 1, 1).expect("must be a date");
    let set = |days| crate::policy::HarmOverride { days, reason: "as METHOD says".to_owned(), decided };
    HarmPolicy {
        half_life_days: 730.0,
        grave_half_life_days: 1_825.0,
        grave_from_days: 365.0,
        scale_days: 2.0,
        full_days: 5_475.0,
        proof,
        evidential_difficulty: None,
        found_multiplier: 0.5,
        found_from_days: 180.0,
        victim_vulnerable: 0.25,
        victim_repeat: 0.25,
        victim_domestic: 0.15,
        victim_hate: 0.15,
        victim_most: 1.6,
        repeat_within_days: 365,
        category_estimate_most_days: 100.0,
        overrides: BTreeMap::from([(BURGLARY.to_owned(), set(19.0))]),
    }
}

fn risk() -> RiskPolicy {
    let instrument = |weight, [medium, high, very_high, full]: [f64; 4], cap_male, cap_female| InstrumentPolicy {
        weight,
        medium,
        high,
        very_high,
        full,
        cap_male,
        cap_female,
    };
    RiskPolicy {
        arp: instrument(40, [0.50, 0.75, 0.90, 1.0], None, None),
        vrp: instrument(25, [0.30, 0.60, 0.80, 1.0], Some(92), Some(75)),
        svrp: instrument(35, [0.01, 0.03, 0.069, 0.15], Some(37), Some(34)),
        settled_months: 36,
        contact_window_days: 730,
        contact_half_life_days: 365.0,
        contact_points: vec![(1, 6.0), (2, 12.0), (4, 20.0), (7, 28.0)],
        no_sanction_top: 25.0,
        assumed_ages: (18, 60),
        least_sanction_age: 10,
    }
}

fn threat() -> ThreatPolicy {
    let fading = |weight, days| IndicatorPolicy { weight, half_life_days: Some(days) };
    let lasting = |weight| IndicatorPolicy { weight, half_life_days: None };
    ThreatPolicy {
        threat_to_life: fading(0.70, 90.0),
        access_to_firearm: fading(0.60, 180.0),
        intent_to_harm: fading(0.50, 90.0),
        contact_with_vulnerable_victim: fading(0.40, 90.0),
        access_to_weapon: fading(0.35, 180.0),
        breach_of_order: fading(0.30, 180.0),
        repeated_recently: lasting(0.25),
        repeated_dates: 3,
        repeated_within_days: 90,
        breach_of_bail: fading(0.25, 90.0),
        violent_marker: lasting(0.25),
        organised_crime: fading(0.25, 365.0),
        release_due: lasting(0.20),
        release_window_days: (28, 28),
        at_large_violent_or_sexual: 0.35,
        at_large_unlawfully: 0.35,
        at_large_failed_to_surrender: 0.25,
        at_large_any: 0.20,
        intelligence_most: 0.60,
        sources_counted: 3,
        source_reliability: [1.0, 0.6, 0.2],
        assessment: [1.0, 0.8, 0.5, 0.3, 0.0],
        old_source: [1, 1, 2, 3, 2],
        old_evaluation: [0, 1, 2, 3, 4],
    }
}

fn floors() -> FloorPolicy {
    FloorPolicy {
        none_while_release_over_days: 84,
        threat_to_life_within_days: 30,
        threat_to_life_grade: 0.5,
        wanted_very_high_days: 1_825.0,
        wanted_high_days: 365.0,
        domestic_assessment_within_days: 365,
        release_days: 1_825.0,
        release_window_days: (28, 90),
        prolific_arp: 0.75,
        prolific_dates: 6,
        prolific_within_days: 365,
        recall_high_days: 365.0,
        domestic_dates: 3,
        domestic_within_days: 365,
        firearm_grade: 0.8,
        firearm_within_days: 90,
    }
}

/// The code of a Home Office class/sub-class.
pub(crate) fn ho(code: &str) -> OffenceCode {
    OffenceCode { cjs: None, ho: tables().ho(code) }
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
            Kind::Person(_) | Kind::Other(_) => panic!("the record written last must be an offence"),
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
