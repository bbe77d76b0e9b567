//! Everything that the composite is made of, for one person: components, where
//! the person is, and the grounds of floors. Composes them for a family.

use super::{Composed, Doubts, Weighed, in_effect};
use crate::domain::MilliPoints;
use crate::domain::word::{Band, Family};
use crate::policy::Weights;
use crate::scoring::custody::{Stay, WHOLE};
use crate::scoring::floors::{End, Grounds};
use crate::scoring::risk::{self, Risk};
use crate::scoring::{Case, Listener, Scored, harm, threat};

/// A weight is in percent and `a` in ten-thousandths, so a composite comes in millionths of a milli-point.
pub(super) const UNIT: u64 = 1_000_000;

/// The three components.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::scoring) struct Parts {
    pub threat: Scored,
    pub risk: Risk,
    pub harm: Scored,
}

impl Parts {
    fn weigh(case: &Case<'_>, listener: &mut impl Listener) -> Self {
        Self {
            threat: threat::weigh(case, listener),
            risk: risk::weigh(case, listener),
            harm: harm::weigh(case, listener),
        }
    }

    /// The components at one end, in the order threat, risk, harm.
    pub fn at(&self, end: End) -> [MilliPoints; 3] {
        [self.threat, self.risk.score, self.harm].map(|scored| match end {
            End::Low => scored.low,
            End::Point => scored.point,
            End::High => scored.high,
        })
    }

    /// The ARP that R uses, at one end.
    pub fn arp(&self, end: End) -> Option<f64> {
        self.risk.arp.map(|arp| match end {
            End::Low => arp.low,
            End::Point => arp.point,
            End::High => arp.high,
        })
    }
}

/// One person, weighed but not yet composed.
pub(in crate::scoring) struct Whole<'a> {
    pub case: Case<'a>,
    pub stay: Stay,
    pub parts: Parts,
    pub grounds: Grounds,
    pub child: bool,
}

/// A composite and its band with floors, at one end.
#[derive(Clone, Copy)]
pub(super) struct Ended {
    pub points: MilliPoints,
    pub band: Band,
}

impl<'a> Whole<'a> {
    /// Weighs every component of a case.
    pub fn of(case: Case<'a>, listener: &mut impl Listener) -> Self {
        let stay = Stay::of(&case);
        let parts = Parts::weigh(&case, listener);
        let grounds = Grounds::of(&case, &stay);
        let child = case.is_child();
        Self { case, stay, parts, grounds, child }
    }

    /// Weights of threat, risk and harm in a family, each times the factor `a` in ten-thousandths.
    pub fn scale(&self, family: Family) -> [u64; 3] {
        let policy = &self.case.rules.policy.composite;
        let Weights { threat, risk, harm } = match family {
            Family::Cohort => policy.cohort,
            Family::Outstanding => policy.outstanding,
        };
        [threat, risk, harm].map(|weight| u64::from(weight) * u64::from(self.factor(family)))
    }

    /// The factor `a` in ten-thousandths: only the cohort family waits for a release.
    pub fn factor(&self, family: Family) -> u32 {
        match family {
            Family::Cohort => self.stay.factor(&self.case.rules.policy.composite, self.case.as_of),
            Family::Outstanding => WHOLE,
        }
    }

    /// Composite and band at one end.
    pub(super) fn at(&self, family: Family, end: End) -> Ended {
        let policy = &self.case.rules.policy;
        let points = compose(self.scale(family), self.parts.at(end));
        let floor = self.floor(family, end);
        let computed = policy.bands.band(points.get());
        Ended { points, band: floor.map_or(computed, |floor| floor.max(computed)) }
    }

    /// Composite and band shown, were the family's weights others; in ten-thousandths.
    pub fn under(&self, family: Family, weights: [u64; 3]) -> (MilliPoints, Band) {
        let factor = u64::from(self.factor(family));
        let components = self.parts.at(End::Point);
        let sum: u64 =
            weights.iter().zip(components).map(|(weight, part)| weight * factor * u64::from(part.get())).sum();
        let whole = UNIT * 100;
        let points = MilliPoints::new(u32::try_from((sum + whole / 2) / whole).unwrap_or(u32::MAX));
        let (floor, computed) = (self.floor(family, End::Point), self.case.rules.policy.bands.band(points.get()));
        let floored = floor.map_or(computed, |floor| floor.max(computed));
        let decision = in_effect(&self.case, family, floored, floor);
        (points, decision.map_or(floored, |(_, decision)| decision.band))
    }

    fn floor(&self, family: Family, end: End) -> Option<Band> {
        self.grounds.highest(&self.case.rules.policy.floors, family, self.parts.arp(end), end)
    }

    /// The person as ranking needs them.
    pub fn weighed(&self, doubts: &Doubts<'a>) -> Weighed {
        Weighed {
            threat: self.parts.threat,
            risk: self.parts.risk.score,
            harm: self.parts.harm,
            cohort: self.composed(Family::Cohort, doubts),
            outstanding: self.composed(Family::Outstanding, doubts),
            child: self.child,
            custody: self.stay.state,
        }
    }

    fn composed(&self, family: Family, doubts: &Doubts<'a>) -> Composed {
        let (mut low, point, mut high) =
            (self.at(family, End::Low), self.at(family, End::Point), self.at(family, End::High));
        if let Some(absent) = doubts.absence(family) {
            let (least, most) = (absent.at(family, End::Low), absent.at(family, End::High));
            low = Ended { points: low.points.min(least.points), band: low.band.min(least.band) };
            high = Ended { points: high.points.max(most.points), band: high.band.max(most.band) };
        }
        let decision = in_effect(&self.case, family, point.band, self.floor(family, End::Point));
        // A grave crime may hide behind a code that nobody has measured: until policy says, nothing is settled.
        let unsettled = self.case.tally.unmeasured > 0 || self.child;
        let open_ended = match family {
            Family::Cohort => self.stay.is_open_ended(),
            Family::Outstanding => false,
        };
        Composed {
            point: point.points,
            low: low.points,
            high: high.points,
            computed: self.case.rules.policy.bands.band(point.points.get()),
            floored: point.band,
            effective: decision.map_or(point.band, |(_, decision)| decision.band),
            low_band: low.band,
            high_band: high.band,
            provisional: low.band != high.band || unsettled || open_ended,
            overridden: decision.is_some(),
        }
    }
}

/// Components times their scale, rounded half up to a milli-point.
fn compose(scale: [u64; 3], components: [MilliPoints; 3]) -> MilliPoints {
    let millionths: u64 =
        scale.iter().zip(components).map(|(scale, component)| scale * u64::from(component.get())).sum();
    let milli = (millionths + UNIT / 2) / UNIT;
    MilliPoints::new(u32::try_from(milli).unwrap_or(u32::MAX))
}

/// The part of an unrounded composite that one component gives, in milli-points.
#[expect(clippy::cast_precision_loss, reason = "at most 10^11, which a double holds exactly")]
pub(in crate::scoring) fn part(scale: u64, component: MilliPoints) -> f64 {
    (scale * u64::from(component.get())) as f64 / UNIT as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn milli(components: [u32; 3]) -> [MilliPoints; 3] {
        components.map(MilliPoints::new)
    }

    #[test]
    fn under_its_own_weights_a_composite_is_as_it_is() {
        use crate::domain::word::Outcome;
        use crate::scoring::Silent;
        use crate::scoring::fixture::{self, Records, day};

        let dossier = Records::new().offence("o", "005/01", day(-30), Outcome::Charged).dossier();
        let rules = fixture::rules();
        let whole = Whole::of(Case::new(&dossier, rules, day(0)), &mut Silent);
        for family in [Family::Cohort, Family::Outstanding] {
            let own = match family {
                Family::Cohort => rules.policy.composite.cohort,
                Family::Outstanding => rules.policy.composite.outstanding,
            };
            let weights = [own.threat, own.risk, own.harm].map(|weight| u64::from(weight) * 100);
            let held = whole.at(family, End::Point);
            assert_eq!(whole.under(family, weights), (held.points, held.band));
            assert!(whole.under(family, [0, 0, 10_000]).0 > held.points, "harm is the most of this person");
        }
    }

    #[test]
    fn composites_are_exact_and_rounded_half_up() {
        let cohort = [25, 35, 40].map(|weight| weight * u64::from(WHOLE));
        assert_eq!(compose(cohort, milli([100_000; 3])), MilliPoints::MAX);
        // .25 x 2 = .5 goes up, .25 x 1 goes down.
        assert_eq!(compose(cohort, milli([2, 0, 0])).get(), 1);
        assert_eq!(compose(cohort, milli([1, 0, 0])).get(), 0);
        assert_eq!(compose(cohort, milli([61_204, 33_333, 47_011])).get(), 45_772);
        // a = .3125: (25 x 61,204 + 35 x 33,333 + 40 x 47,011) x .3125 / 100 = 14,303.7
        let inside = [25, 35, 40].map(|weight| weight * 3_125);
        assert_eq!(compose(inside, milli([61_204, 33_333, 47_011])).get(), 14_304);
    }
}
