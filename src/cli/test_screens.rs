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

/// A rise from HIGH to VERY HIGH, from `place` + 3 to `place`, mainly by two records.
pub(super) fn movement(subject_ref: &str, place: u32) -> pb::Movement {
    let at = |rank, band: pb::Band, composite| pb::MovementPlace {
        rank,
        effective_band: band.into(),
        composite,
        threat: 48_000,
        risk: 61_000,
        harm: 72_000,
    };
    pb::Movement {
        subject_ref: subject_ref.to_owned(),
        kind: pb::MovementKind::ChangedBand.into(),
        before: Some(at(place + 3, pb::Band::High, 59_000)),
        after: Some(at(place, pb::Band::VeryHigh, 62_150)),
        composite_before: 59_000,
        composite_after: 62_150,
        causes: Some(pb::MovementCauses {
            time: -250,
            evidence: 3_400,
            policy: 0,
            mainly: pb::MovementCause::Evidence.into(),
            evidence_ids: vec!["off-1".to_owned(), "off-2".to_owned()],
            more_evidence: 0,
            explanation: "From high to very high, because of evidence: +3.150 points (time -0.250, evidence +3.400, \
                          policy +0.000); 2 records changed."
                .to_owned(),
        }),
    }
}

/// So many rises since the day before.
pub(super) fn movements(people: u32) -> pb::ListMovementsResponse {
    let end = |generation, as_of: &str| pb::MovementEnd { generation, as_of: as_of.to_owned(), ..Default::default() };
    let count = |kind: pb::MovementKind, people| pb::MovementCount { kind: kind.into(), people };
    pb::ListMovementsResponse {
        context: Some(context()),
        from: Some(end(12, "2026-03-30")),
        to: Some(end(0, "2026-03-31")),
        counts: vec![
            count(pb::MovementKind::Entered, 0),
            count(pb::MovementKind::Left, 1),
            count(pb::MovementKind::Fell, 1_204),
            count(pb::MovementKind::ChangedBand, people),
        ],
        movements: (1..=people).map(|place| movement(&format!("S-{:06}", place * 113), place)).collect(),
        next_page_token: "more".to_owned(),
    }
}

/// An instant as RFC 3339 writes it.
pub(super) fn london(text: &str) -> pbjson_types::Timestamp {
    super::when::typed(text).unwrap()
}

/// A clock that has run since one instant and was due at another, read on 31 March 2026 at 9 in the morning.
pub(super) fn clock(clock: pb::SupervisionClock, since: &str, due: &str) -> pb::ClockReading {
    pb::ClockReading {
        clock: clock.into(),
        since_time: Some(london(since)),
        due_time: Some(london(due)),
        overdue_seconds: london("2026-03-31T09:00:00+01:00").seconds - london(due).seconds,
    }
}

/// A failure to surrender of 19 March 2026, never circulated and never reviewed.
pub(super) fn gap(subject_ref: &str, file: &str, band: pb::Band, position: u32) -> pb::SupervisionGap {
    pb::SupervisionGap {
        subject_ref: subject_ref.to_owned(),
        outstanding_id: file.to_owned(),
        reason: pb::OutstandingReason::FailedToSurrenderCourtBail.into(),
        band: band.into(),
        position,
        area: "north".to_owned(),
        officer: "pc-1".to_owned(),
        supervisor: "ps-2".to_owned(),
        circulation: pb::Circulation::NotCirculated.into(),
        opened_time: Some(london("2026-03-19T10:30:00Z")),
        last_activity_time: Some(london("2026-03-20T08:00:00Z")),
        last_review_time: None,
        gap: 42_000,
        clocks: vec![
            clock(pb::SupervisionClock::Review, "2026-03-19T10:30:00Z", "2026-03-20T10:30:00Z"),
            clock(pb::SupervisionClock::Activity, "2026-03-20T08:00:00Z", "2026-03-27T08:00:00Z"),
        ],
    }
}

/// A vulnerable and repeat victim never told, overdue by so many seconds on 31 March 2026 at 9 in the morning.
pub(super) fn victim_update(subject_ref: &str, victim_ref: &str, overdue_seconds: i64) -> pb::VictimUpdate {
    let due = london("2026-03-31T09:00:00+01:00").seconds - overdue_seconds;
    pb::VictimUpdate {
        subject_ref: subject_ref.to_owned(),
        outstanding_id: "out-7".to_owned(),
        reason: pb::OutstandingReason::NamedSuspectNotArrested.into(),
        band: pb::Band::VeryHigh.into(),
        area: "north".to_owned(),
        officer: "pc-1".to_owned(),
        supervisor: "ps-2".to_owned(),
        victim: Some(pb::LinkedVictim {
            victim_ref: victim_ref.to_owned(),
            vulnerable: true,
            repeat: true,
            updated_time: None,
            due_time: Some(pbjson_types::Timestamp { seconds: due, nanos: 0 }),
            overdue_seconds,
        }),
    }
}

/// A fixed nominal graded red, whose review is overdue by so many seconds on 31 March 2026 at 9 in the morning.
pub(super) fn cohort_review(subject_ref: &str, overdue_seconds: i64) -> pb::CohortReview {
    let due = london("2026-03-31T09:00:00+01:00").seconds - overdue_seconds;
    pb::CohortReview {
        subject_ref: subject_ref.to_owned(),
        status: pb::CohortStatus::Fixed.into(),
        rag: pb::Rag::Red.into(),
        band: pb::Band::VeryHigh.into(),
        offender_manager: "om-1".to_owned(),
        area: "north".to_owned(),
        reviewed_time: Some(london("2026-02-28T10:00:00Z")),
        due_time: Some(pbjson_types::Timestamp { seconds: due, nanos: 0 }),
        overdue_seconds,
    }
}
