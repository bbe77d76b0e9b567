//! Where the person is on the day, and what that does to the composite of the
//! cohort family: somebody who will not be out for months waits lower on the
//! list, and comes back up as release nears.
//!
//! Calendar days throughout: a release date is a plan, not an age.

use super::Case;
use crate::domain::Date;
use crate::domain::dossier::Filed;
use crate::domain::evidence::{Custody, Other};
use crate::domain::word::{CustodyKind, CustodyState};
use crate::policy::CompositePolicy;

/// The factor `a` of somebody at liberty, in ten-thousandths.
pub const WHOLE: u32 = 10_000;

/// Where the person is on the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stay {
    /// At liberty, on remand or serving.
    pub state: CustodyState,
    /// Planned release of the sentence in force: the latest of several, and `None` where one of them has none.
    pub release: Option<Date>,
}

impl Stay {
    /// Where the person of a case is. A stay that has not ended is in force; a sentence goes before remand.
    pub fn of(case: &Case<'_>) -> Self {
        let mut stay = Self { state: CustodyState::AtLiberty, release: None };
        for (_, custody) in stays(case).filter(|(_, custody)| custody.ended.is_none()) {
            match (custody.kind, stay.state) {
                (CustodyKind::Remand, CustodyState::AtLiberty) => stay.state = CustodyState::Remand,
                (CustodyKind::Remand, CustodyState::Remand | CustodyState::Sentence) => {}
                (CustodyKind::Sentence, CustodyState::AtLiberty | CustodyState::Remand) => {
                    stay = Self { state: CustodyState::Sentence, release: custody.planned_release };
                }
                (CustodyKind::Sentence, CustodyState::Sentence) => {
                    let both = stay.release.zip(custody.planned_release);
                    stay.release = both.map(|(one, other)| one.max(other));
                }
            }
        }
        stay
    }

    /// Whether the person is held on the day.
    pub fn is_held(&self) -> bool {
        match self.state {
            CustodyState::AtLiberty => false,
            CustodyState::Remand | CustodyState::Sentence => true,
        }
    }

    /// Whether the person is held and nobody knows until when: on remand, or serving without a planned release.
    pub fn is_open_ended(&self) -> bool {
        match self.state {
            CustodyState::AtLiberty => false,
            CustodyState::Remand => true,
            CustodyState::Sentence => self.release.is_none(),
        }
    }

    /// Calendar days to a known release from a sentence; negative once it has passed.
    pub fn days_to_release(&self, as_of: Date) -> Option<i32> {
        self.release.map(|release| release - as_of)
    }

    /// The factor `a` of the cohort family in ten-thousandths: whole at liberty, on remand, with an unknown
    /// release, and close to a known one; falling in a straight line to the policy's least; rounded half up.
    pub fn factor(&self, policy: &CompositePolicy, as_of: Date) -> u32 {
        let Some(days) = self.days_to_release(as_of) else { return WHOLE };
        let (full, least) = (policy.full_until_days, policy.least_from_days);
        if days <= full {
            return WHOLE;
        }
        if days >= least {
            return policy.least;
        }
        let span = i64::from(least - full);
        let over = i64::from(WHOLE.saturating_sub(policy.least)) * i64::from(least - days);
        let rounded = (2 * over + span) / (2 * span);
        policy.least + u32::try_from(rounded).expect("a share of ten thousand must fit in 32 bits")
    }
}

/// The person's own stays in custody, in order of record id.
pub(super) fn stays<'a>(case: &Case<'a>) -> impl Iterator<Item = (&'a Filed, &'a Custody)> + use<'a> {
    case.own().filter_map(|filed| match &filed.kind {
        Other::Custody(custody) => Some((filed, custody)),
        Other::SanctionSummary(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Exploitation(_)
        | Other::Outstanding(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    })
}

/// The day of release from a sentence: the day it ended, else the day planned. `None` for remand, and where unknown.
pub(super) fn release_from_sentence(case: &Case<'_>, custody: &Custody) -> Option<Date> {
    match custody.kind {
        CustodyKind::Remand => None,
        CustodyKind::Sentence => custody.ended.map(|ended| case.day(ended)).or(custody.planned_release),
    }
}

/// Whether `as_of` lies from `window.0` days before to `window.1` days after `release`, both counted.
pub(super) fn is_near(release: Date, as_of: Date, window: (i32, i32)) -> bool {
    (-window.0..=window.1).contains(&(as_of - release))
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, Records, day};
    use super::*;

    fn stay(records: &Records) -> Stay {
        let dossier = records.dossier();
        Stay::of(&Case::new(&dossier, fixture::rules(), day(0)))
    }

    #[test]
    fn the_factor_is_whole_to_28_days_and_falls_to_three_tenths_at_84() {
        let policy = &fixture::rules().policy.composite;
        let factor = |days| Stay { state: CustodyState::Sentence, release: Some(day(days)) }.factor(policy, day(0));
        let known = [(-40, 10_000), (0, 10_000), (28, 10_000), (29, 9_875), (56, 6_500), (83, 3_125), (84, 3_000)];
        for (days, expected) in known {
            assert_eq!(factor(days), expected, "{days} days before release");
        }
        assert_eq!(factor(4_000), 3_000);
    }

    #[test]
    fn remand_and_an_unknown_release_are_whole_and_open_ended() {
        let policy = &fixture::rules().policy.composite;
        for records in
            [Records::new().remand("r", day(-5), None), Records::new().sentence("s", day(-5), None, None, &[])]
        {
            let stay = stay(&records);
            assert!(stay.is_open_ended() && stay.is_held());
            assert_eq!(stay.factor(policy, day(0)), WHOLE);
        }
    }

    #[test]
    fn of_several_sentences_the_latest_release_governs() {
        let both = Records::new().sentence("a", day(-50), Some(day(20)), None, &[]).sentence(
            "b",
            day(-20),
            Some(day(200)),
            None,
            &[],
        );
        assert_eq!(stay(&both), Stay { state: CustodyState::Sentence, release: Some(day(200)) });
        let unknown = both.sentence("c", day(-10), None, None, &[]).remand("d", day(-3), None);
        assert_eq!(stay(&unknown), Stay { state: CustodyState::Sentence, release: None });
    }

    #[test]
    fn a_stay_that_ended_or_was_somebody_elses_holds_nobody() {
        let ended = Records::new().remand("r", day(-5), Some(day(-1)));
        assert_eq!(stay(&ended).state, CustodyState::AtLiberty);
        let victim = Records::new().remand("r", day(-5), None).seen_as(crate::domain::word::PersonCategory::Victim);
        assert_eq!(stay(&victim).state, CustodyState::AtLiberty);
    }
}
