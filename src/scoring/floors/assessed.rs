//! Professional assessments as floors read them: the newest of each kind
//! counts, and once expired there is none. An older one never comes back,
//! for its author has thought again since.

use crate::domain::Date;
use crate::domain::evidence::{Assessment, Finding, Other};
use crate::domain::word::{AssessmentKind, AssessmentLevel};
use crate::scoring::Case;

/// An assessment with its record id.
#[derive(Clone, Copy, Debug)]
pub(super) struct Assessed<'a> {
    pub id: &'a str,
    pub assessment: &'a Assessment,
}

/// The assessments of one person that floors read, newest of each kind, none expired.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Assessments<'a> {
    pub mappa: Option<Assessed<'a>>,
    pub serious_harm: Option<Assessed<'a>>,
    pub sexual: Option<Assessed<'a>>,
    pub arms: Option<Assessed<'a>>,
    pub dash: Option<Assessed<'a>>,
    pub marac: Option<Assessed<'a>>,
}

impl<'a> Assessments<'a> {
    pub(super) fn of(case: &Case<'a>) -> Self {
        let mut newest = Self::newest(case);
        for slot in newest.slots() {
            *slot = slot.filter(|assessed| case.stands(assessed.assessment.expires));
        }
        newest
    }

    fn newest(case: &Case<'a>) -> Self {
        let mut newest = Self::default();
        for filed in case.own() {
            if let Other::Assessment(assessment) = &filed.kind {
                newest.take(Assessed { id: &filed.id, assessment });
            }
        }
        newest
    }

    fn slots(&mut self) -> [&mut Option<Assessed<'a>>; 6] {
        [&mut self.mappa, &mut self.serious_harm, &mut self.sexual, &mut self.arms, &mut self.dash, &mut self.marac]
    }

    fn take(&mut self, new: Assessed<'a>) {
        let slot = match new.assessment.kind {
            AssessmentKind::Mappa => &mut self.mappa,
            AssessmentKind::OasysRosh => &mut self.serious_harm,
            AssessmentKind::OspDc => &mut self.sexual,
            AssessmentKind::Arms => &mut self.arms,
            AssessmentKind::Dash => &mut self.dash,
            AssessmentKind::Marac => &mut self.marac,
            AssessmentKind::OspIic
            | AssessmentKind::Sara
            | AssessmentKind::Arp
            | AssessmentKind::Vrp
            | AssessmentKind::Svrp => return,
        };
        if slot.is_none_or(|held| held.order() < new.order()) {
            *slot = Some(new);
        }
    }
}

/// The newest assessments that have expired, with the last day on which each stood.
pub fn expired<'a>(case: &Case<'a>) -> Vec<(&'a str, Date)> {
    let mut newest = Assessments::newest(case);
    let of = |assessed: Assessed<'a>| assessed.assessment.expires.map(|last| (assessed.id, last));
    let lapsed = newest.slots().into_iter().filter_map(|slot| slot.and_then(of));
    lapsed.filter(|(_, last)| !case.stands(Some(*last))).collect()
}

impl Assessed<'_> {
    /// Later counts for more; of two made on one day the graver one, so that caution never waits on a clerk.
    fn order(&self) -> (Date, u8) {
        let grave = match self.assessment.finding {
            Finding::Level(level) => level as u8,
            Finding::Mappa { level, .. } => level,
            Finding::Probability(_) | Finding::Held => 0,
        };
        (self.assessment.made, grave)
    }

    /// Whether it found at least this level.
    pub(super) fn is_at_least(&self, least: AssessmentLevel) -> bool {
        match self.assessment.finding {
            Finding::Level(level) => level >= least,
            Finding::Mappa { .. } | Finding::Probability(_) | Finding::Held => false,
        }
    }

    /// MAPPA category and level.
    pub(super) fn mappa(&self) -> Option<(u8, u8)> {
        match self.assessment.finding {
            Finding::Mappa { category, level } => Some((category, level)),
            Finding::Level(_) | Finding::Probability(_) | Finding::Held => None,
        }
    }
}
