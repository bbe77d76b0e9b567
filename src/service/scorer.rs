//! Weighing one person so that nothing of it can end anything else. A fault of
//! the program in one person's weighing is theirs alone: they are counted,
//! named by runs, and stand where nothing is known of them.

use std::panic::{self, AssertUnwindSafe};

use crate::domain::dossier::Dossier;
use crate::domain::word::{Band, CustodyState};
use crate::domain::{Date, MilliPoints};
use crate::scoring::composite::{self, Composed, Weighed};
use crate::scoring::{Case, Rules, Scored};

/// The weighing of one person ended in a fault of the program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the weighing ended in a fault of the program, told on standard error")]
pub struct Unscorable;

/// Weighs a person.
///
/// # Errors
/// [`Unscorable`].
pub fn weigh(dossier: &Dossier, rules: &Rules, as_of: Date) -> Result<Weighed, Unscorable> {
    panic::catch_unwind(AssertUnwindSafe(|| {
        #[cfg(test)]
        assert!(!dossier.subject_ref().starts_with(tests::UNSCORABLE), "a test wants this person not to be weighed");
        composite::weigh(dossier, rules, as_of)
    }))
    .map_err(|_| Unscorable)
}

/// Weighs a person; who cannot be weighed stands with 0 points, and anything between 0 and 100 is possible.
pub fn weigh_or_unknown(dossier: &Dossier, rules: &Rules, as_of: Date) -> Weighed {
    weigh(dossier, rules, as_of).unwrap_or_else(|Unscorable| unknown(dossier, rules, as_of))
}

/// Somebody of whom nothing is known. Whether they are a child is asked all the same, and is so where that fails too: the
/// list of children is seen by fewer.
pub fn unknown(dossier: &Dossier, rules: &Rules, as_of: Date) -> Weighed {
    let child = panic::catch_unwind(AssertUnwindSafe(|| Case::new(dossier, rules, as_of).is_child())).unwrap_or(true);
    let scored = Scored { point: MilliPoints::ZERO, low: MilliPoints::ZERO, high: MilliPoints::MAX };
    let composed = Composed {
        point: MilliPoints::ZERO,
        low: MilliPoints::ZERO,
        high: MilliPoints::MAX,
        computed: Band::Low,
        floored: Band::Low,
        effective: Band::Low,
        low_band: Band::Low,
        high_band: Band::VeryHigh,
        provisional: true,
        overridden: false,
    };
    Weighed {
        threat: scored,
        risk: scored,
        harm: scored,
        cohort: composed,
        outstanding: composed,
        child,
        custody: CustodyState::AtLiberty,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    /// What references of people begin with whom no test can weigh.
    pub const UNSCORABLE: &str = "UNSCORABLE-";
}
