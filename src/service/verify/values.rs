//! Every stored row: its frame, its checksum, a key that is known, and parts
//! that belong to a value.

use super::report::Stepping;
use super::{Ended, Verification, ledger};
use crate::domain::Revision;
use crate::store::{Fault, Flaw, Inspection, KeyKind};

/// Rows judged at a time.
const PAGE: usize = 512;

/// Checks every value; whether any is damaged.
///
/// # Errors
/// [`Ended`].
pub fn check(verification: &Verification<'_>, step: &mut Stepping<'_, '_>) -> Result<bool, Ended> {
    let mut inspection = Inspection::default();
    let mut last_event = Revision(0);
    while let Some(page) = verification.store.inspect(&mut inspection, PAGE)? {
        for Flaw { place, fault } in page.flaws {
            let remedy = remedy(verification, place.kind(), &fault);
            step.damaged(place, fault, &remedy);
        }
        last_event = last_event.max(page.last_event.unwrap_or_default());
        step.checked(page.rows);
        let mut bytes = page.bytes;
        verification.rest(0, &mut bytes)?;
    }
    if last_event > verification.head.revision
        && !ledger::reaches(verification.store, last_event, verification.asked.serving)
    {
        step.damaged(
            format!("e/ revision {last_event}"),
            "lies beyond the head of the ledger: it was never acknowledged, or the head was set back",
            &verification.rebuild(),
        );
    }
    Ok(step.damage() > 0)
}

fn remedy(verification: &Verification<'_>, kind: KeyKind, fault: &Fault) -> String {
    match (kind, fault) {
        (KeyKind::Unknown, _) | (_, Fault::Key) => {
            "nothing reads it; tell who maintains Steelyard: no build writes such a key".to_owned()
        }
        (_, Fault::Codec { .. } | Fault::Schema { .. } | Fault::Compressed) => {
            "use the newer build that wrote it".to_owned()
        }
        (KeyKind::Meta | KeyKind::Event | KeyKind::View(_), _) => verification.rebuild(),
    }
}
