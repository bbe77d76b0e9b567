//! Answers made by hand for the tests of screens, and the comparison with the screens held in `golden/`.

use std::path::Path;

use crate::pb;

/// Compares with a screen held in `golden/`; with `STEELYARD_KEEP_SCREENS` set, keeps this one instead.
pub(super) fn agrees_with(name: &str, screen: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli/golden").join(name);
    if std::env::var_os("STEELYARD_KEEP_SCREENS").is_some() {
        std::fs::write(&path, screen).unwrap();
    }
    let held = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(held == screen, "golden/{name} differs; this is the screen now:\n{screen}");
}

/// A state on 31 March 2026.
pub(super) fn context() -> pb::ReadContext {
    pb::ReadContext {
        revision: 20_114,
        as_of: "2026-03-31".to_owned(),
        policy_version: "thr-2026.1".to_owned(),
        ..Default::default()
    }
}

/// A fixed nominal at liberty, at `place` (both rank and position), with a third of the composite in each component.
pub(super) fn standing(subject_ref: &str, place: u32, band: pb::Band, composite: u32) -> pb::Standing {
    pb::Standing {
        subject_ref: subject_ref.to_owned(),
        rank: place,
        position: place,
        filtered_position: place,
        effective_band: band.into(),
        computed_band: band.into(),
        composite,
        threat: 48_000,
        risk: 61_000,
        harm: 72_000,
        cohort_status: pb::CohortStatus::Fixed.into(),
        rag: pb::Rag::Red.into(),
        custody: pb::CustodyState::AtLiberty.into(),
        ..Default::default()
    }
}
