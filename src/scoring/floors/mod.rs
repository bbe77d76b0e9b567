//! Floors: rules that raise a band, never a score. Each stands for something
//! that partners have already judged, or that nobody may leave until Monday,
//! whatever the arithmetic says.
//!
//! A floor is never triggered by harm days that are estimated or unknown, nor
//! by an offence that an unreviewed referral links to exploitation.

mod assessed;
mod grounds;
mod words;

use super::Case;
use super::custody::Stay;
use crate::domain::word::{Band, Family};
use crate::policy::FloorPolicy;

pub(super) use assessed::expired;
pub use words::{Floor, list};

/// A rule that raises a band. In order of band, the highest first: see [`RuleSet`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Rule {
    /// MAPPA level 3.
    MappaLevel3,
    /// A recent threat to life that is a fact or well graded.
    ThreatToLife,
    /// Emergency recall, not returned.
    EmergencyRecall,
    /// Escaped from custody.
    Escape,
    /// Wanted for one of the gravest offences.
    WantedForGravestOffence,
    /// MAPPA level 2.
    MappaLevel2,
    /// OASys risk of serious harm very high.
    SeriousHarmVeryHigh,
    /// OSP-DC high or above.
    SexualReoffendingHigh,
    /// ARMS high or above.
    ArmsHigh,
    /// Discussed at a MARAC as perpetrator.
    MaracPerpetrator,
    /// DASH high.
    DashHigh,
    /// Around release from a sentence for one of the gravest offences.
    ReleaseFromGraveSentence,
    /// Very likely to reoffend, with neighbourhood crime on many dates.
    ProlificNeighbourhoodCrime,
    /// Wanted for a grave offence.
    WantedForGraveOffence,
    /// Wanted for domestic abuse of a vulnerable or repeat victim.
    WantedForDomesticAbuse,
    /// Absconded from open conditions.
    Absconded,
    /// Recalled, where risk of serious harm is high.
    RecalledWithSeriousHarmHigh,
    /// Recalled, the index offence being grave.
    RecalledAfterGraveOffence,
    /// Registered sex offender.
    RegisteredSexOffender,
    /// Domestic abuse on several dates.
    DomesticAbuseRepeated,
    /// Very likely to reoffend.
    ReoffendingVeryLikely,
    /// Any recall.
    Recalled,
    /// Well graded, recent intelligence of a firearm.
    FirearmIntelligence,
}

impl Rule {
    /// Every rule, those of the highest band first.
    pub const ALL: [Self; 23] = [
        Self::MappaLevel3,
        Self::ThreatToLife,
        Self::EmergencyRecall,
        Self::Escape,
        Self::WantedForGravestOffence,
        Self::MappaLevel2,
        Self::SeriousHarmVeryHigh,
        Self::SexualReoffendingHigh,
        Self::ArmsHigh,
        Self::MaracPerpetrator,
        Self::DashHigh,
        Self::ReleaseFromGraveSentence,
        Self::ProlificNeighbourhoodCrime,
        Self::WantedForGraveOffence,
        Self::WantedForDomesticAbuse,
        Self::Absconded,
        Self::RecalledWithSeriousHarmHigh,
        Self::RecalledAfterGraveOffence,
        Self::RegisteredSexOffender,
        Self::DomesticAbuseRepeated,
        Self::ReoffendingVeryLikely,
        Self::Recalled,
        Self::FirearmIntelligence,
    ];

    /// Its name in UPPER_SNAKE.
    pub const fn name(self) -> &'static str {
        match self {
            Self::MappaLevel3 => "MAPPA_LEVEL_3",
            Self::ThreatToLife => "THREAT_TO_LIFE",
            Self::EmergencyRecall => "EMERGENCY_RECALL",
            Self::Escape => "ESCAPE",
            Self::WantedForGravestOffence => "WANTED_FOR_GRAVEST_OFFENCE",
            Self::MappaLevel2 => "MAPPA_LEVEL_2",
            Self::SeriousHarmVeryHigh => "OASYS_ROSH_VERY_HIGH",
            Self::SexualReoffendingHigh => "OSP_DC_HIGH",
            Self::ArmsHigh => "ARMS_HIGH",
            Self::MaracPerpetrator => "MARAC_PERPETRATOR",
            Self::DashHigh => "DASH_HIGH",
            Self::ReleaseFromGraveSentence => "RELEASE_FROM_GRAVE_SENTENCE",
            Self::ProlificNeighbourhoodCrime => "PROLIFIC_NEIGHBOURHOOD_CRIME",
            Self::WantedForGraveOffence => "WANTED_FOR_GRAVE_OFFENCE",
            Self::WantedForDomesticAbuse => "WANTED_FOR_DOMESTIC_ABUSE",
            Self::Absconded => "ABSCONDED_FROM_OPEN_CONDITIONS",
            Self::RecalledWithSeriousHarmHigh => "RECALLED_WITH_ROSH_HIGH",
            Self::RecalledAfterGraveOffence => "RECALLED_AFTER_GRAVE_OFFENCE",
            Self::RegisteredSexOffender => "REGISTERED_SEX_OFFENDER",
            Self::DomesticAbuseRepeated => "DOMESTIC_ABUSE_REPEATED",
            Self::ReoffendingVeryLikely => "REOFFENDING_VERY_LIKELY",
            Self::Recalled => "RECALLED",
            Self::FirearmIntelligence => "FIREARM_INTELLIGENCE",
        }
    }

    /// The least band that it allows.
    pub const fn band(self) -> Band {
        match self {
            Self::MappaLevel3
            | Self::ThreatToLife
            | Self::EmergencyRecall
            | Self::Escape
            | Self::WantedForGravestOffence => Band::VeryHigh,
            Self::MappaLevel2
            | Self::SeriousHarmVeryHigh
            | Self::SexualReoffendingHigh
            | Self::ArmsHigh
            | Self::MaracPerpetrator
            | Self::DashHigh
            | Self::ReleaseFromGraveSentence
            | Self::ProlificNeighbourhoodCrime
            | Self::WantedForGraveOffence
            | Self::WantedForDomesticAbuse
            | Self::Absconded
            | Self::RecalledWithSeriousHarmHigh
            | Self::RecalledAfterGraveOffence => Band::High,
            Self::RegisteredSexOffender
            | Self::DomesticAbuseRepeated
            | Self::ReoffendingVeryLikely
            | Self::Recalled
            | Self::FirearmIntelligence => Band::Medium,
        }
    }

    /// The one family that it reaches; `None`: both.
    const fn family(self) -> Option<Family> {
        match self {
            Self::ProlificNeighbourhoodCrime => Some(Family::Cohort),
            Self::EmergencyRecall
            | Self::Escape
            | Self::WantedForGravestOffence
            | Self::WantedForGraveOffence
            | Self::WantedForDomesticAbuse
            | Self::Absconded
            | Self::RecalledWithSeriousHarmHigh
            | Self::RecalledAfterGraveOffence => Some(Family::Outstanding),
            Self::MappaLevel3
            | Self::ThreatToLife
            | Self::MappaLevel2
            | Self::SeriousHarmVeryHigh
            | Self::SexualReoffendingHigh
            | Self::ArmsHigh
            | Self::MaracPerpetrator
            | Self::DashHigh
            | Self::ReleaseFromGraveSentence
            | Self::RegisteredSexOffender
            | Self::DomesticAbuseRepeated
            | Self::ReoffendingVeryLikely
            | Self::Recalled
            | Self::FirearmIntelligence => None,
        }
    }

    /// Whether it also asks for an ARP from the policy's line.
    const fn needs_arp(self) -> bool {
        matches!(self, Self::ProlificNeighbourhoodCrime | Self::ReoffendingVeryLikely)
    }

    const fn reaches(self, family: Family) -> bool {
        match (self.family(), family) {
            (None, Family::Cohort | Family::Outstanding)
            | (Some(Family::Cohort), Family::Cohort)
            | (Some(Family::Outstanding), Family::Outstanding) => true,
            (Some(Family::Cohort), Family::Outstanding) | (Some(Family::Outstanding), Family::Cohort) => false,
        }
    }
}

/// A set of rules, one bit each: the bit of a higher band is the lower.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct RuleSet(u32);

impl RuleSet {
    const COHORT: Self = Self::that_may_stand(Family::Cohort, true);
    const COHORT_WITHOUT_ARP: Self = Self::that_may_stand(Family::Cohort, false);
    const OUTSTANDING: Self = Self::that_may_stand(Family::Outstanding, true);
    const OUTSTANDING_WITHOUT_ARP: Self = Self::that_may_stand(Family::Outstanding, false);

    const fn that_may_stand(family: Family, arp_high: bool) -> Self {
        let (mut set, mut place) = (0, 0);
        while place < Rule::ALL.len() {
            let rule = Rule::ALL[place];
            if rule.reaches(family) && (arp_high || !rule.needs_arp()) {
                set |= 1 << rule as u8;
            }
            place += 1;
        }
        Self(set)
    }

    /// The rules that may stand in a family with this ARP, where their grounds are given.
    fn standing(policy: &FloorPolicy, family: Family, arp: Option<f64>) -> Self {
        match (family, arp.is_some_and(|arp| arp >= policy.prolific_arp)) {
            (Family::Cohort, true) => Self::COHORT,
            (Family::Cohort, false) => Self::COHORT_WITHOUT_ARP,
            (Family::Outstanding, true) => Self::OUTSTANDING,
            (Family::Outstanding, false) => Self::OUTSTANDING_WITHOUT_ARP,
        }
    }

    fn insert(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u8;
    }

    const fn contains(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The highest band that any of them allows.
    fn highest(self) -> Option<Band> {
        Rule::ALL.get(self.0.trailing_zeros() as usize).map(|rule| rule.band())
    }
}

/// An end of what the score may be, given what is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The lower end.
    Low,
    /// The best estimate.
    Point,
    /// The upper end.
    High,
}

/// The rules whose grounds a person's records give, ARP and family aside: found once, asked six times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grounds {
    low: RuleSet,
    point: RuleSet,
    high: RuleSet,
}

impl Grounds {
    /// Looks through a person's records for what raises a band.
    pub fn of(case: &Case<'_>, stay: &Stay) -> Self {
        let mut found = Self { low: RuleSet(0), point: RuleSet(0), high: RuleSet(0) };
        if is_suspended(case, stay) {
            return found;
        }
        grounds::visit(case, &mut |rule, held, _| {
            for (set, holds) in
                [(&mut found.low, held.low), (&mut found.point, held.point), (&mut found.high, held.high)]
            {
                if holds {
                    set.insert(rule);
                }
            }
        });
        found
    }

    /// The highest band that a floor of this family allows at one end, with the ARP of that end.
    pub fn highest(&self, policy: &FloorPolicy, family: Family, arp: Option<f64>, end: End) -> Option<Band> {
        let set = match end {
            End::Low => self.low,
            End::Point => self.point,
            End::High => self.high,
        };
        set.and(RuleSet::standing(policy, family, arp)).highest()
    }
}

/// No floor stands while a known sentence release is far off: the person can do nothing out here.
fn is_suspended(case: &Case<'_>, stay: &Stay) -> bool {
    let far = case.rules.policy.floors.none_while_release_over_days;
    stay.days_to_release(case.as_of).is_some_and(|days| days > far)
}

/// The highest band that a floor of this family allows, by the best estimate.
pub fn highest(case: &Case<'_>, family: Family, arp: Option<f64>) -> Option<Band> {
    Grounds::of(case, &Stay::of(case)).highest(&case.rules.policy.floors, family, arp, End::Point)
}

#[cfg(test)]
mod tests;
