//! Every number that the scorer uses, as policy data. A force replaces the
//! compiled-in `policies/thr-2026.1.toml` with its own file; nothing in
//! `scoring` holds a figure that is not here or in the published tables.

mod file;
mod management;
pub mod numbers;
mod section;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use crate::domain::Date;
use crate::domain::moment::DAY;
use crate::domain::word::{ActivityKind, Band, Circulation, Outcome, Rag, WarrantCategory};

/// The reference policy as compiled in, comments and all.
const REFERENCE: &str = include_str!("../../policies/thr-2026.1.toml");

/// One thing wrong with a policy file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyViolation {
    /// Key at fault, such as `risk.arp.weight`; `line 3, column 7` where the file is no TOML.
    pub path: String,
    /// Reason in UPPER_SNAKE.
    pub reason: &'static str,
    /// What is wrong, in a sentence without its subject.
    pub message: String,
}

impl fmt::Display for PolicyViolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.path, self.message, self.reason)
    }
}

/// A policy, checked: every number within its range and in agreement with the others.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Version, such as `thr-2026.1`.
    pub version: String,
    /// Harm.
    pub harm: HarmPolicy,
    /// Risk.
    pub risk: RiskPolicy,
    /// Threat.
    pub threat: ThreatPolicy,
    /// How components are composed.
    pub composite: CompositePolicy,
    /// Cut-offs of the bands.
    pub bands: BandPolicy,
    /// Rules that raise a band.
    pub floors: FloorPolicy,
    /// What makes a record doubtful.
    pub quality: QualityPolicy,
    /// Overrides.
    pub overrides: OverridePolicy,
    /// Clocks of supervision.
    pub supervision: SupervisionPolicy,
    /// Lines of the managed cohort.
    pub cohort: CohortPolicy,
}

impl Policy {
    /// The text of the reference policy, to start a force's own from.
    pub fn default_text() -> &'static str {
        REFERENCE
    }

    /// The reference policy.
    pub fn reference() -> Self {
        Self::parse(REFERENCE).expect("the compiled-in policy must be valid")
    }

    /// Reads a policy file. A policy that is returned is whole and agrees with itself.
    ///
    /// # Errors
    /// Everything wrong with it, in the order of its parts. A text that is no TOML has one violation.
    pub fn parse(text: &str) -> Result<Self, Vec<PolicyViolation>> {
        file::parse(text)
    }
}

/// Numbers of the harm component.
#[derive(Clone, Debug, PartialEq)]
pub struct HarmPolicy {
    /// Half-life in clock days of an offence below `grave_from_days` harm days.
    pub half_life_days: f64,
    /// Half-life in clock days of a grave offence.
    pub grave_half_life_days: f64,
    /// Harm days from which an offence is grave.
    pub grave_from_days: f64,
    /// Harm days in the logarithm's denominator: `ln(1 + D / scale_days)`.
    pub scale_days: f64,
    /// Decayed harm days at which H reaches 100.
    pub full_days: f64,
    /// Proof by outcome, 0 to 1.
    pub proof: BTreeMap<Outcome, f64>,
    /// Proof of a domestic or sexual case that ended for evidential difficulty, when switched on.
    pub evidential_difficulty: Option<f64>,
    /// Multiplier of an offence found by police activity alone, at or above `found_from_days`. Below: 0.
    pub found_multiplier: f64,
    /// Harm days from which a found offence counts.
    pub found_from_days: f64,
    /// Uplift for a vulnerable victim.
    pub victim_vulnerable: f64,
    /// Uplift for a repeat victim.
    pub victim_repeat: f64,
    /// Uplift for domestic abuse.
    pub victim_domestic: f64,
    /// Uplift for a hate crime.
    pub victim_hate: f64,
    /// Most that `1 + uplifts` may come to.
    pub victim_most: f64,
    /// Calendar days within which another incident makes a victim a repeat victim.
    pub repeat_within_days: i32,
    /// Most harm days that an estimate from the actuarial category alone may give.
    pub category_estimate_most_days: f64,
    /// Harm days that the policy sets, by CJS code, Home Office code or Home Office class (`083`).
    pub overrides: BTreeMap<String, HarmOverride>,
}

/// Harm days set by the policy for one code.
#[derive(Clone, Debug, PartialEq)]
pub struct HarmOverride {
    /// Harm days.
    pub days: f64,
    /// Why the index's figure, or its silence, was not kept.
    pub reason: String,
    /// When this was decided.
    pub decided: Date,
}

/// Numbers of the risk component. The coefficients of the instruments are published tables, not policy.
#[derive(Clone, Debug, PartialEq)]
pub struct RiskPolicy {
    /// ARP.
    pub arp: InstrumentPolicy,
    /// VRP.
    pub vrp: InstrumentPolicy,
    /// SVRP.
    pub svrp: InstrumentPolicy,
    /// Clock months without an offence after which, for the score only, age follows the moved-back day.
    pub settled_months: i32,
    /// Days before `as_of` in which alleged offence dates count as contacts.
    pub contact_window_days: u32,
    /// Half-life in clock days of the contact fallback.
    pub contact_half_life_days: f64,
    /// Least number of distinct dates, and the points it gives, ascending.
    pub contact_points: Vec<(u32, f64)>,
    /// Points added to the top of the interval of a person without a sanction.
    pub no_sanction_top: f64,
    /// Least and greatest age assumed for an unknown birth date.
    pub assumed_ages: (u8, u8),
    /// Least age at a first sanction.
    pub least_sanction_age: u8,
}

/// How one instrument enters R.
#[derive(Clone, Debug, PartialEq)]
pub struct InstrumentPolicy {
    /// Share of R, in percent.
    pub weight: u32,
    /// Probability at which medium, high and very high begin, and that which maps to 100 points.
    pub medium: f64,
    /// Probability at which high begins.
    pub high: f64,
    /// Probability at which very high begins.
    pub very_high: f64,
    /// Probability that maps to 100 points.
    pub full: f64,
    /// Sanction occasions at which the formula is held for men (`None`: not held), for the score only.
    pub cap_male: Option<u32>,
    /// The same for women.
    pub cap_female: Option<u32>,
}

/// Weight and half-life of one threat indicator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndicatorPolicy {
    /// Weight, above 0 and below 1.
    pub weight: f64,
    /// Half-life in clock days; `None`: does not fade.
    pub half_life_days: Option<f64>,
}

/// Numbers of the threat component.
#[derive(Clone, Debug, PartialEq)]
pub struct ThreatPolicy {
    /// Source of a threat to life.
    pub threat_to_life: IndicatorPolicy,
    /// Access to a firearm.
    pub access_to_firearm: IndicatorPolicy,
    /// Intent to harm an identified person.
    pub intent_to_harm: IndicatorPolicy,
    /// Contact with a vulnerable victim.
    pub contact_with_vulnerable_victim: IndicatorPolicy,
    /// Access to another weapon.
    pub access_to_weapon: IndicatorPolicy,
    /// Breach of an order.
    pub breach_of_order: IndicatorPolicy,
    /// Violent, sexual or domestic-burglary offences on several dates.
    pub repeated_recently: IndicatorPolicy,
    /// Dates needed for `repeated_recently`.
    pub repeated_dates: u32,
    /// Clock days in which they must lie.
    pub repeated_within_days: u32,
    /// Breach of bail conditions.
    pub breach_of_bail: IndicatorPolicy,
    /// Violent marker, once.
    pub violent_marker: IndicatorPolicy,
    /// Link to organised crime.
    pub organised_crime: IndicatorPolicy,
    /// Release due.
    pub release_due: IndicatorPolicy,
    /// Calendar days before and after release in which `release_due` stands.
    pub release_window_days: (i32, i32),
    /// At large for a violent or sexual offence.
    pub at_large_violent_or_sexual: f64,
    /// At large after recall, escape or absconding.
    pub at_large_unlawfully: f64,
    /// At large after failing to surrender.
    pub at_large_failed_to_surrender: f64,
    /// At large for any other reason.
    pub at_large_any: f64,
    /// Most that all intelligence together may give, 0 to 1.
    pub intelligence_most: f64,
    /// Strongest sources that count for one indicator.
    pub sources_counted: usize,
    /// Multiplier by source reliability 1, 2, 3.
    pub source_reliability: [f64; 3],
    /// Multiplier by assessment A to E.
    pub assessment: [f64; 5],
    /// Reliability (1 to 3) that an old source letter A to E becomes.
    pub old_source: [u8; 5],
    /// Assessment (0 for A to 4 for E) that an old evaluation 1 to 5 becomes.
    pub old_evaluation: [u8; 5],
}

/// Weights of one family, in percent, summing to 100.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weights {
    /// Threat.
    pub threat: u32,
    /// Risk.
    pub risk: u32,
    /// Harm.
    pub harm: u32,
}

/// How components are composed.
#[derive(Clone, Debug, PartialEq)]
pub struct CompositePolicy {
    /// Weights of the cohort family.
    pub cohort: Weights,
    /// Weights of the outstanding family.
    pub outstanding: Weights,
    /// Days before release up to which `a` is 1.
    pub full_until_days: i32,
    /// Days before release from which `a` is `least`.
    pub least_from_days: i32,
    /// Least `a`, in ten-thousandths.
    pub least: u32,
}

/// Cut-offs of the bands, in milli-points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BandPolicy {
    /// MEDIUM begins.
    pub medium: u32,
    /// HIGH begins.
    pub high: u32,
    /// VERY_HIGH begins.
    pub very_high: u32,
}

impl BandPolicy {
    /// The band of a composite in milli-points.
    pub fn band(&self, milli: u32) -> Band {
        if milli >= self.very_high {
            Band::VeryHigh
        } else if milli >= self.high {
            Band::High
        } else if milli >= self.medium {
            Band::Medium
        } else {
            Band::Low
        }
    }
}

/// Numbers of the floors. Each rule's band is stated in METHOD and fixed by its name.
#[derive(Clone, Debug, PartialEq)]
pub struct FloorPolicy {
    /// No floor stands while a known sentence release is more than this many days off.
    pub none_while_release_over_days: i32,
    /// Clock days within which a threat to life raises to VERY_HIGH.
    pub threat_to_life_within_days: u32,
    /// Least grade `c` of intelligence that does so.
    pub threat_to_life_grade: f64,
    /// Harm days of a wanted offence that raise to VERY_HIGH.
    pub wanted_very_high_days: f64,
    /// Harm days of a wanted offence that raise to HIGH.
    pub wanted_high_days: f64,
    /// Clock days within which a DASH high or MARAC raises to HIGH.
    pub domestic_assessment_within_days: u32,
    /// Harm days of the offence of a sentence that raise around its release.
    pub release_days: f64,
    /// Calendar days before and after release in which that stands.
    pub release_window_days: (i32, i32),
    /// ARP from which the prolific are raised.
    pub prolific_arp: f64,
    /// Dates of neighbourhood crime that raise the prolific to HIGH.
    pub prolific_dates: u32,
    /// Clock days in which they must lie.
    pub prolific_within_days: u32,
    /// Harm days of the index offence of a recall that raise to HIGH.
    pub recall_high_days: f64,
    /// Dates of domestic abuse that raise to MEDIUM.
    pub domestic_dates: u32,
    /// Clock days in which they must lie.
    pub domestic_within_days: u32,
    /// Least grade `c` of firearm intelligence that raises to MEDIUM.
    pub firearm_grade: f64,
    /// Clock days within which it must lie.
    pub firearm_within_days: u32,
}

/// What makes a record doubtful.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QualityPolicy {
    /// Calendar days without an update after which a suspect record is doubtful.
    pub stale_suspect_days: i32,
    /// Milli-points of the composite from which such a record widens the interval.
    pub stale_suspect_milli: u32,
    /// Calendar days before the report that an unknown offence date may lie.
    pub unknown_date_days: i32,
}

/// Overrides of a band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OverridePolicy {
    /// Most calendar days that an override below a floor may last.
    pub below_floor_days: i32,
}

/// Seconds allowed, by band.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance([i64; 4]);

impl Allowance {
    /// Seconds for LOW, MEDIUM, HIGH and VERY_HIGH.
    pub const fn new(seconds: [i64; 4]) -> Self {
        Self(seconds)
    }

    /// Seconds for a band.
    pub const fn of(&self, band: Band) -> i64 {
        self.0[band as usize]
    }
}

/// Clocks of supervision, in calendar time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupervisionPolicy {
    /// To be circulated after becoming outstanding.
    pub circulation: Allowance,
    /// Meaningful activity to find the person.
    pub activity: Allowance,
    /// A supervisor's review.
    pub review: Allowance,
    /// Seconds after which an inspector must have looked.
    pub inspector: i64,
    /// Seconds after which a chief inspector must have looked.
    pub chief_inspector: i64,
    /// Seconds before an escalation is due from which a review of that rank satisfies it.
    pub escalation_window: i64,
    /// Circulations that stop the clock of circulation.
    pub circulated: Vec<Circulation>,
    /// Kinds of activity that are meaningful in finding the person.
    pub meaningful: Vec<ActivityKind>,
    /// Seconds within which the same kind with the same target counts once.
    pub same_target: i64,
    /// Seconds from the close of a file, without the person being found, in which another of the same reason goes on with it.
    pub same_case: i64,
    /// Seconds within which a vulnerable or repeat victim is first told.
    pub victim_enhanced: i64,
    /// Seconds within which any other victim is first told.
    pub victim_standard: i64,
    /// Seconds within which a victim is told again.
    pub victim_then: i64,
    /// Days to execute a warrant of category A, B and C.
    pub warrant_days: [i32; 3],
    /// Days in which one recalled in an emergency is to be back.
    pub emergency_recall_days: i32,
    /// Days in which anybody else recalled is to be back.
    pub recall_days: i32,
}

impl SupervisionPolicy {
    /// Days to execute a warrant.
    pub const fn warrant(&self, category: WarrantCategory) -> i32 {
        self.warrant_days[category as usize]
    }
}

/// Lines of the managed cohort.
#[derive(Clone, Debug, PartialEq)]
pub struct CohortPolicy {
    /// ARP from which a candidate for neighbourhood crime is compared with fixed members.
    pub fixed_arp: f64,
    /// ARP from which such a candidate is compared with flex members; below it, and without neighbourhood crime, with free ones.
    pub flex_arp: f64,
    /// Clock days within which there must be an offence of neighbourhood crime.
    pub neighbourhood_within_days: u32,
    /// Days between reviews of one graded red, amber and green.
    pub review_days: [i32; 3],
    /// Days before a planned release from which one graded blue is reviewed.
    pub blue_before_release_days: i32,
    /// Weight of a nominal in an offender manager's load, for LOW, MEDIUM, HIGH and VERY_HIGH.
    pub workload: [u32; 4],
}

impl CohortPolicy {
    /// Seconds between reviews of one of a grade; `None`: by release.
    pub fn review_within(&self, rag: Rag) -> Option<i64> {
        let days = |place: usize| Some(i64::from(self.review_days[place]) * DAY);
        match rag {
            Rag::Red => days(0),
            Rag::Amber => days(1),
            Rag::Green => days(2),
            Rag::Blue => None,
        }
    }
}
