//! Why one person stands above another: what each component gives to either
//! composite. The parts are sums of contributions, so the differences sum to
//! the gap to the last milli-point.

use super::Explanation;
use crate::domain::word::Component;

/// One component's part of the gap between two composites of one family, in milli-points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Threat, risk or harm.
    pub component: Component,
    /// What it gives to the one above.
    pub above: u32,
    /// What it gives to the one below.
    pub below: u32,
}

impl Difference {
    /// `above - below`.
    pub fn gap(&self) -> i32 {
        // Each is at most 100,000.
        self.above.cast_signed() - self.below.cast_signed()
    }
}

/// The gap by component, in the order threat, risk, harm. Both explanations must be of the same family.
pub fn differences(above: &Explanation, below: &Explanation) -> [Difference; 3] {
    [Component::Threat, Component::Risk, Component::Harm].map(|component| Difference {
        component,
        above: above.given_by(component),
        below: below.given_by(component),
    })
}

impl Explanation {
    /// Milli-points of the composite that a component gives.
    pub fn given_by(&self, component: Component) -> u32 {
        let of = self.contributions.iter().filter(|contribution| contribution.component == component);
        of.map(|contribution| contribution.milli).sum()
    }
}
