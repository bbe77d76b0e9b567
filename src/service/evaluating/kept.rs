//! The latest evaluations and simulations of each policy that nobody has approved
//! yet, for as long as the server runs: what an approver is shown, and what goes
//! with the approval into the ledger. A few of each are kept, so that what an
//! approver has read still counts when somebody else tries the policy meanwhile.
//! None of it names a person.

use std::collections::{BTreeMap, VecDeque};
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

/// Most evaluations, and most simulations, of one policy.
const MOST_OF_ONE: usize = 8;

/// What there is of each policy.
#[derive(Debug, Default)]
pub struct Kept(Mutex<BTreeMap<String, Of>>);

#[derive(Clone, Debug, Default)]
struct Of {
    /// The oldest first.
    evaluations: VecDeque<pb::Evaluation>,
    /// The oldest first.
    simulations: VecDeque<pb::KeptSimulation>,
}

/// Adds the newest, in place of one that was the same, and lets go of the oldest.
fn add<T>(held: &mut VecDeque<T>, newest: T, same: impl Fn(&T) -> bool) {
    held.retain(|it| !same(it));
    if held.len() == MOST_OF_ONE {
        held.pop_front();
    }
    held.push_back(newest);
}

impl Kept {
    /// The latest of a policy.
    pub fn of(&self, version: &str) -> (Option<pb::Evaluation>, Option<pb::KeptSimulation>, Vec<pb::DriftBound>) {
        let of = self.all(version);
        (of.evaluations.back().cloned(), of.simulations.back().cloned(), Vec::new())
    }

    fn all(&self, version: &str) -> Of {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(version).cloned().unwrap_or_default()
    }

    /// Keeps an evaluation.
    pub fn evaluated(&self, evaluation: &pb::Evaluation) {
        self.change(&evaluation.policy_version, |of| {
            add(&mut of.evaluations, evaluation.clone(), |held| held.id == evaluation.id);
        });
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
        self.change(version, |of| {
            let named = simulation.id.clone();
            add(&mut of.simulations, simulation, |held| held.id == named);
        });
        id
    }

    fn change(&self, version: &str, change: impl FnOnce(&mut Of)) {
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() >= MOST && !held.contains_key(version) {
            // The one that is longest ago is made again soonest.
            let age = |of: &Of| of.evaluations.back().and_then(|it| it.time.as_ref()).map_or(0, |time| time.seconds);
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
        let Of { mut evaluations, mut simulations } = self.kept.all(&asked.version);
        evaluations.retain(|it| fresh(it.time.as_ref(), now));
        simulations.retain(|it| fresh(it.time.as_ref(), now));
        let evaluation_id = evaluations.back().map(|it| it.id.clone()).unwrap_or_default();
        let simulation_id = simulations.back().map(|it| it.id.clone()).unwrap_or_default();
        let evaluation = evaluations.into_iter().find(|it| it.id == asked.evaluation_id);
        let simulation = simulations.into_iter().find(|it| it.id == asked.simulation_id);
        let missing = [("evaluation", evaluation.is_none()), ("simulation", simulation.is_none())];
        let missing: Vec<&str> = missing.into_iter().filter_map(|(what, lacks)| lacks.then_some(what)).collect();
        let approval = evaluation.zip(simulation).map(|(evaluation, simulation)| {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_still_counts_when_somebody_else_tries_the_policy_meanwhile() {
        let kept = Kept::default();
        let now = Timestamp::UNIX_EPOCH;
        let tried = |top_n| pb::SimulatePolicyResponse { top_n, ..Default::default() };
        let first = kept.simulated("v2", "digest", &tried(1), now);
        assert_eq!(kept.simulated("v2", "digest", &tried(1), now), first, "the same trial is the same simulation");
        let second = kept.simulated("v2", "digest", &tried(2), now);
        assert_ne!(first, second);
        let held = |id: &str| kept.all("v2").simulations.iter().any(|it| it.id == id);
        assert!(held(&first) && held(&second) && kept.all("v2").simulations.len() == 2);
        assert_eq!(kept.of("v2").1.map(|it| it.id), Some(second), "the latest is shown");
        for top_n in 3..=9 {
            kept.simulated("v2", "digest", &tried(top_n), now);
        }
        assert!(!held(&first) && kept.all("v2").simulations.len() == MOST_OF_ONE);
    }

    #[test]
    fn a_week_old_is_fresh_and_older_is_not() {
        let now = Timestamp::UNIX_EPOCH + FRESH;
        assert!(fresh(Some(&timestamp(Timestamp::UNIX_EPOCH)), now));
        assert!(!fresh(Some(&timestamp(Timestamp::UNIX_EPOCH)), now + SignedDuration::from_secs(1)));
        assert!(!fresh(None, now));
    }
}
