//! What is asked of an evaluation: as it was sent, and as it is to be made once
//! everything about it was found to be right.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use jiff::Timestamp;

use crate::domain::word::List;
use crate::domain::{Date, SubjectId};
use crate::pb;
use crate::policy::Policy;

/// Most rows of each kind.
pub const MOST_ROWS: usize = 5_000_000;
/// Most rows of one message.
pub const MOST_IN_MESSAGE: usize = 10_000;
/// Most violations told.
pub const MOST_TOLD: usize = 100;
/// People that can be managed, where the force manages nobody.
pub const CAPACITY: u32 = 50;

/// Everything that was sent for one evaluation.
#[derive(Debug, Default)]
pub struct Asked {
    /// What is to be evaluated.
    pub terms: pb::EvaluationTerms,
    /// Outcomes.
    pub outcomes: Vec<pb::OutcomeRow>,
    /// Monitored characteristics.
    pub groups: Vec<pb::GroupRow>,
    /// The force's own list, best first.
    pub force_list: Vec<String>,
    /// Its scores, where it has any.
    pub force_scores: Vec<f64>,
    /// Other tables of harm.
    pub harm_tables: Vec<pb::HarmTableRows>,
    /// Another table of costs.
    pub costs: Option<pb::CostRows>,
}

/// What one person did, from a file.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// The outcome.
    pub any: bool,
    /// A violent one.
    pub violent: Option<bool>,
    /// A serious violent one.
    pub serious: Option<bool>,
    /// Harm days.
    pub harm_days: f64,
}

/// On which days people are scored.
#[derive(Debug)]
pub enum Days {
    /// Everybody on each of these, in order.
    Everybody(Vec<Date>),
    /// Each person on their own.
    Own(BTreeMap<Date, Vec<SubjectId>>),
}

/// An evaluation as it is to be made.
#[derive(Debug)]
pub struct Terms {
    /// As they were stated, with every default filled in but the capacity.
    pub stated: pb::EvaluationTerms,
    /// The policy.
    pub policy: Policy,
    /// Its text.
    pub text: String,
    /// The policy that it is compared with.
    pub compared: Option<Policy>,
    /// The days.
    pub days: Days,
    /// Days of follow-up.
    pub follow_up: i32,
    /// By when records count as known.
    pub known_by: pb::KnownBy,
    /// Another instant than the end of the one index date.
    pub known_at: Option<Timestamp>,
    /// The list.
    pub list: List,
    /// What counts as having happened.
    pub outcome: pb::EvaluatedOutcome,
    /// Least proof, 0 to 1.
    pub least_proof: f64,
    /// Outcomes that were sent, by person. `None`: they are read from the ledger.
    pub sent: Option<HashMap<SubjectId, Sent>>,
    /// Characteristics by person: values in the order of `characteristics`.
    pub groups: HashMap<SubjectId, Vec<Option<u16>>>,
    /// Characteristics, each with its values.
    pub characteristics: Vec<(String, Vec<String>)>,
    /// Scores by the force's own list: higher is further up.
    pub force_list: Option<HashMap<SubjectId, f64>>,
    /// Rows that name nobody who is held.
    pub unused: u32,
    /// Inputs to leave out.
    pub without: Vec<pb::ScoringInput>,
    /// The idea of fairness declared.
    pub declared: pb::FairnessStandard,
    /// Days before and after selection, where that is asked for.
    pub window: Option<i32>,
}
