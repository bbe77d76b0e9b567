//! What a run weighs by: the policy in force, or the one that waits for a run.
//! Under other rules of harm, who is a repeat victim is found anew from the
//! snapshot itself; the state is not touched before the run is published.

use std::sync::Arc;

use crate::domain::SubjectId;
use crate::domain::dossier::Dossier;
use crate::policy::Policy;
use crate::ranking::Standings;
use crate::ranking::hash_index::HashIndex;
use crate::reference;
use crate::scoring::Rules;
use crate::scoring::harm::Catalogue;
use crate::service::board::Board;
use crate::service::victim::{self, InMind};
use crate::service::weighing;
use crate::store::pb::PolicyActivated;

/// What a run weighs by.
#[derive(Debug)]
pub struct Target {
    /// The rules.
    pub rules: Arc<Rules>,
    /// BLAKE3 of the policy's text.
    pub policy_digest: Vec<u8>,
    /// The policy, where it comes into force with the run.
    pub policy: Option<PolicyActivated>,
    /// Who has which victims, where they must be linked anew.
    victims: Option<HashIndex>,
}

impl Target {
    /// What a run that begins on this snapshot weighs by.
    ///
    /// # Errors
    /// Why the policy that waits cannot come into force.
    pub fn of(board: &Board, base: &Standings) -> Result<Self, String> {
        let policies = board.policies();
        let Some(next) = policies.next() else {
            let policy_digest = board.runs().policy_digest().to_vec();
            return Ok(Self { rules: Arc::clone(base.rules()), policy_digest, policy: None, victims: None });
        };
        let policy = Policy::parse(&next.text).map_err(|violations| {
            let told: Vec<String> = violations.iter().take(3).map(ToString::to_string).collect();
            format!("policy {} waits for a run and does not validate any more: {}", next.version, told.join("; "))
        })?;
        let activated = activated(&next.version, &next.text);
        let victims = (policy.harm != base.rules().policy.harm).then(|| weighing::victims(base));
        let catalogue = Catalogue::new(reference::tables(), &policy);
        Ok(Self {
            rules: Arc::new(Rules { policy, catalogue }),
            policy_digest: activated.digest.clone(),
            policy: Some(activated),
            victims,
        })
    }

    /// Whether a run may catch up with what is written meanwhile: victims are linked of one snapshot.
    pub const fn may_catch_up(&self) -> bool {
        self.victims.is_none()
    }

    /// The dossier that a person is weighed from.
    pub fn dossier(&self, base: &Standings, held: &Arc<Dossier>, in_mind: &mut InMind) -> Arc<Dossier> {
        let Some(victims) = &self.victims else { return Arc::clone(held) };
        let people = |reference: &str| {
            victims
                .candidates(reference)
                .filter_map(|subject: SubjectId| base.dossier(subject).map(|dossier| &**dossier))
        };
        victim::linked(held, &self.rules, in_mind, people).map_or_else(|| Arc::clone(held), Arc::new)
    }
}

/// The event by which a policy comes into force over this binary's tables.
pub fn activated(version: &str, text: &str) -> PolicyActivated {
    PolicyActivated {
        version: version.to_owned(),
        digest: blake3::hash(text.as_bytes()).as_bytes().to_vec(),
        text: text.to_owned(),
        tables_digest: reference::tables().digest().to_vec(),
        engine_version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}
