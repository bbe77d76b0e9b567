//! Weighing: `score(evidence, policy, as_of)`. Pure: no clock, no I/O, no
//! randomness; the same inputs give the same bits on any machine.
//!
//! [`harm`], [`risk`] and [`threat`] each weigh one component; [`composite`]
//! puts them together; [`floors`] raises bands; [`explain`] shares the
//! composite out among the records behind it; [`counterfactual`] finds what
//! would move the band. [`afterwards`] tells what somebody went on to do, for an
//! evaluation to hold a score against.

pub mod afterwards;
pub mod case;
pub mod clock;
pub mod composite;
pub mod counterfactual;
pub mod custody;
pub mod explain;
#[cfg(test)]
pub(crate) mod fixture;
pub mod floors;
pub mod harm;
pub mod risk;
#[cfg(test)]
mod tests;
pub mod threat;
mod window;

pub use case::Case;

use crate::domain::word::Component;
use crate::domain::{Date, MilliPoints};
use crate::policy::Policy;
use harm::Catalogue;

/// A policy together with what follows from it and the published tables: built once, shared.
#[derive(Debug)]
pub struct Rules {
    /// The policy.
    pub policy: Policy,
    /// Every offence code, classified under the policy.
    pub catalogue: Catalogue,
}

/// A component's score, and the ends between which it lies given what is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Scored {
    /// Best estimate.
    pub point: MilliPoints,
    /// Lower end, at most the point.
    pub low: MilliPoints,
    /// Upper end, at least the point.
    pub high: MilliPoints,
}

/// A part of a component that belongs to one rule and its records.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The component.
    pub component: Component,
    /// Rule in UPPER_SNAKE.
    pub rule: &'static str,
    /// Date of the event, where one applies.
    pub date: Option<Date>,
    /// Ids of the records behind it, in order.
    pub evidence: Vec<Box<str>>,
    /// Part of the component, in any unit: leaves share the component in proportion.
    pub share: f64,
    /// What it says, as a sentence complete in itself.
    pub description: String,
    /// Numbers that it was computed from.
    pub factors: Vec<Factor>,
}

/// One number that a leaf was computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Factor {
    /// Name, such as `harm_days`.
    pub name: &'static str,
    /// Value in plain decimal.
    pub value: String,
    /// Unit, such as `days`; may be empty.
    pub unit: &'static str,
}

/// Something missing or doubtful, and what would settle it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// Reason in UPPER_SNAKE.
    pub reason: &'static str,
    /// What is missing and which input would settle it.
    pub description: String,
    /// Records concerned.
    pub evidence: Vec<Box<str>>,
    /// Whether it widens the interval, or only stands on the data-quality list.
    pub widens: bool,
}

/// Hears what weighing finds. Weighing without explanation uses [`Silent`], which costs nothing:
/// the closures are never called.
pub trait Listener {
    /// A leaf of a component.
    fn leaf(&mut self, leaf: impl FnOnce() -> Leaf);
    /// A gap.
    fn gap(&mut self, gap: impl FnOnce() -> Gap);
}

/// Hears nothing.
pub struct Silent;

impl Listener for Silent {
    fn leaf(&mut self, _: impl FnOnce() -> Leaf) {}
    fn gap(&mut self, _: impl FnOnce() -> Gap) {}
}

/// Keeps everything it hears.
#[derive(Debug, Default)]
pub struct Heard {
    /// Leaves, in the order heard.
    pub leaves: Vec<Leaf>,
    /// Gaps, in the order heard.
    pub gaps: Vec<Gap>,
}

impl Listener for Heard {
    fn leaf(&mut self, leaf: impl FnOnce() -> Leaf) {
        self.leaves.push(leaf());
    }
    fn gap(&mut self, gap: impl FnOnce() -> Gap) {
        self.gaps.push(gap());
    }
}
