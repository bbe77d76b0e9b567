//! Risk: how likely this person is to offend again.

use super::{Case, Listener, Scored};

/// A two-year probability and the ends between which it lies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Probability {
    /// Best estimate.
    pub point: f64,
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Where a predictor's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Computed from the published coefficients.
    Computed,
    /// Supplied by probation.
    Probation,
}

/// A predictor as published, for the report.
#[derive(Clone, Debug, PartialEq)]
pub struct Reported {
    /// ARP, VRP, SVRP or OGRS3.
    pub instrument: &'static str,
    /// Two-year probability and source, or what is missing.
    pub value: Result<(f64, Source), String>,
    /// Band 0 (low) to 3 (very high), where there is a value.
    pub band: Option<u8>,
    /// Whether it enters the score.
    pub scored: bool,
    /// Record it was supplied in.
    pub evidence: Option<Box<str>>,
}

/// R, and the ARP that R uses.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Risk {
    /// R.
    pub score: Scored,
    /// The ARP that R uses, where it could be computed or was supplied.
    pub arp: Option<Probability>,
}

/// Weighs the risk of a person.
pub fn weigh(_case: &Case<'_>, _listener: &mut impl Listener) -> Risk {
    Risk { score: Scored::default(), arp: None }
}

/// The predictors of a person as published.
pub fn report(_case: &Case<'_>) -> Vec<Reported> {
    Vec::new()
}
