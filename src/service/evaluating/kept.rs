//! The latest evaluation and simulation of each policy that nobody has approved
//! yet, for as long as the server runs: what an approver is shown, and what goes
//! with the approval into the ledger. None of it names a person.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use prost::Message;

use crate::pb;
use crate::service::fault::Unseen;
use crate::service::policies::{Approval, Seen};
use crate::service::{Service, timestamp};

/// How long an evaluation and a simulation are fresh.
const FRESH: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Most policies that something is kept of.
const MOST: usize = 64;

/// What there is of each policy.
#[derive(Debug, Default)]
pub struct Kept(Mutex<BTreeMap<String, Of>>);

#[derive(Clone, Debug, Default)]
struct Of {
    evaluation: Option<pb::Evaluation>,
    simulation: Option<pb::KeptSimulation>,
}

impl Kept {
    /// The latest of a policy.
    pub fn of(&self, version: &str) -> (Option<pb::Evaluation>, Option<pb::KeptSimulation>, Vec<pb::DriftBound>) {
        let held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.get(version).cloned().map_or_else(Default::default, |of| (of.evaluation, of.simulation, Vec::new()))
    }

    /// Keeps an evaluation.
    pub fn evaluated(&self, evaluation: &pb::Evaluation) {
        self.change(&evaluation.policy_version, |of| of.evaluation = Some(evaluation.clone()));
    }

    /// Keeps a simulation without the people in it, and says its id.
    pub fn simulated(&self, version: &str, digest: &str, told: &pb::SimulatePolicyResponse, now: Timestamp) -> String {
        let mut simulation = pb::KeptSimulation {
            id: String::new(),
            policy_version: version.to_owned(),
            policy_digest: digest.to_owned(),
            context: told.context.clone(),
            time: None,
            list: told.list,
            top_n: told.top_n,
            list_size_before: told.list_size_before,
            list_size_after: told.list_size_after,
            changed_total: told.changed_total,
            entered_top_total: told.entered_top_total,
            left_top_total: told.left_top_total,
            bands_before: told.bands.iter().map(|band| band.people_before).collect(),
            bands_after: told.bands.iter().map(|band| band.people_after).collect(),
        };
        // The same trial of the same lists is the same simulation, whenever it is asked for.
        let context = told.context.as_ref().map(|it| pb::ReadContext {
            revision: it.revision,
            as_of: it.as_of.clone(),
            policy_version: it.policy_version.clone(),
            store: it.store.clone(),
            ..pb::ReadContext::default()
        });
        let named = pb::KeptSimulation { context, ..simulation.clone() };
        simulation.id = blake3::hash(&named.encode_to_vec()).to_hex().to_string();
        simulation.time = Some(timestamp(now));
        let id = simulation.id.clone();
        self.change(version, |of| of.simulation = Some(simulation));
        id
    }

    fn change(&self, version: &str, change: impl FnOnce(&mut Of)) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST && !held.contains_key(version) {
            // The one that is longest ago is made again soonest.
            let age = |of: &Of| of.evaluation.as_ref().and_then(|it| it.time.as_ref()).map_or(0, |time| time.seconds);
            if let Some(oldest) = held.iter().min_by_key(|(_, of)| age(of)).map(|(version, _)| version.clone()) {
                held.remove(&oldest);
            }
        }
        change(held.entry(version.to_owned()).or_default());
    }
}

impl Service {
    /// What an approver has seen, of what they say they have.
    pub fn seen_of(&self, asked: &pb::ApprovePolicyRequest) -> Seen {
        let now = (self.now)();
        let (evaluation, simulation, _) = self.kept.of(&asked.version);
        let evaluation = evaluation.filter(|it| fresh(it.time.as_ref(), now));
        let simulation = simulation.filter(|it| fresh(it.time.as_ref(), now));
        let (evaluation_id, simulation_id) = (
            evaluation.as_ref().map(|it| it.id.clone()).unwrap_or_default(),
            simulation.as_ref().map(|it| it.id.clone()).unwrap_or_default(),
        );
        let missing = [
            ("evaluation", evaluation_id.is_empty() || evaluation_id != asked.evaluation_id),
            ("simulation", simulation_id.is_empty() || simulation_id != asked.simulation_id),
        ];
        let missing: Vec<&str> = missing.into_iter().filter_map(|(what, lacks)| lacks.then_some(what)).collect();
        let approval = evaluation.zip(simulation).filter(|_| missing.is_empty()).map(|(evaluation, simulation)| {
            let bounds = if asked.bounds.is_empty() { &evaluation.proposed_bounds } else { &asked.bounds };
            Approval { bounds: bounds.clone(), evaluation, simulation }
        });
        Seen { approval, unseen: Unseen { missing: missing.join(", "), evaluation_id, simulation_id } }
    }
}

fn fresh(made: Option<&pbjson_types::Timestamp>, now: Timestamp) -> bool {
    let made = made.and_then(|made| Timestamp::new(made.seconds, made.nanos).ok());
    made.is_some_and(|made| now.duration_since(made) <= FRESH)
}
