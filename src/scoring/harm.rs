//! Harm: how much harm this person's offending has done, weighed to today.

use super::{Case, Listener, Scored};
use crate::domain::offence::{Category, OffenceCode};
use crate::domain::word::OffenceGroup;
use crate::policy::Policy;
use crate::reference::Tables;

/// Where a code's harm days come from, in the order asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HarmStep {
    /// The policy's own judgement.
    Override,
    /// Index rows that name the CJS code.
    IndexByCjs,
    /// Index rows of the Home Office code.
    IndexByHo,
    /// The stem of an attempt, aid or conspiracy code.
    Stem,
    /// Median of the same class and category, or of the class, or of the category.
    Estimate,
    /// Median of the index rows of the same mode of trial.
    Unknown,
    /// Not an offence: no harm.
    NotAnOffence,
}

/// One offence code under one policy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Classified {
    /// Harm days.
    pub days: f64,
    /// Least harm days of the rows used; `days` where they are known.
    pub low: f64,
    /// Greatest harm days of the rows used; `days` where they are known.
    pub high: f64,
    /// Where they come from.
    pub step: HarmStep,
    /// Actuarial category; `None` for UNKNOWN or none.
    pub category: Option<Category>,
    /// Home Office group.
    pub group: Option<OffenceGroup>,
    /// Counts towards violent sanctions in VRP and SVRP.
    pub violent_sanction: bool,
    /// Violence against the person or acquisitive violence: threat and floors.
    pub violent: bool,
    /// A sexual category.
    pub sexual: bool,
    /// Burglary of a dwelling.
    pub domestic_burglary: bool,
    /// Groups Burglary and Robbery, vehicle-related theft, class 039.
    pub neighbourhood: bool,
    /// CJS category CI, CE, CS or CM (or a Home Office code).
    pub offence: bool,
    /// Kept on the Police National Computer.
    pub recordable: bool,
}

/// Every offence code, classified under one policy.
#[derive(Debug)]
pub struct Catalogue {}

impl Catalogue {
    /// Classifies every code of the tables under a policy.
    pub fn new(_tables: &Tables, _policy: &Policy) -> Self {
        Self {}
    }

    /// The class of a code held in a record.
    pub fn classify(&self, _code: OffenceCode) -> &Classified {
        const NONE: Classified = Classified {
            days: 1.0,
            low: 1.0,
            high: 1.0,
            step: HarmStep::Unknown,
            category: None,
            group: None,
            violent_sanction: false,
            violent: false,
            sexual: false,
            domestic_burglary: false,
            neighbourhood: false,
            offence: true,
            recordable: false,
        };
        &NONE
    }
}

/// Weighs the harm of a person.
pub fn weigh(_case: &Case<'_>, _listener: &mut impl Listener) -> Scored {
    Scored::default()
}
