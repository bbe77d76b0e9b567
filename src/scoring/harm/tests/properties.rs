//! Principles of the method as they bind harm, over generated people.

use proptest::prelude::*;

use super::*;
use crate::domain::evidence::{OpenPeriod, Outstanding};
use crate::domain::word::{Circulation, CloseOutcome, OutstandingReason};

const CODES: [&str; 8] = [ABH, WOUNDING, "TH68010", "TH68036", "COMLA03", "MD71132", "SX03201", "OF61102A"];
/// From least to most proved.
const STAGES: [Outcome; 5] =
    [Outcome::NoFurtherAction, Outcome::Suspected, Outcome::Bailed, Outcome::Charged, Outcome::Convicted];

prop_compose! {
    fn any_offence()(
        code in 0..CODES.len(), days_ago in 0..3000_i32, undated in prop::bool::weighted(0.1),
        reported_after in 0..400_i32, stage in 0..STAGES.len(), incident in prop::option::of(0..4_u8),
        who in prop::option::of(0..3_u8), vulnerable: bool, repeat: bool, domestic_abuse: bool, hate: bool,
        proactive in prop::bool::weighted(0.2),
    ) -> Offence {
        let committed = today() - days_ago;
        Offence {
            committed: (!undated).then_some(committed),
            reported: (committed + reported_after).min(today()),
            outcome: STAGES[stage],
            incident: incident.map(|number| format!("I-{number}").into()),
            victim: who.map(|number| Victim { vulnerable, repeat, ..victim(&format!("V-{number}")) }),
            domestic_abuse,
            hate,
            proactive,
            ..offence(cjs(CODES[code]), days_ago)
        }
    }
}

fn named(offences: &[Offence]) -> Vec<Evidence> {
    let records = offences.iter().enumerate();
    records.map(|(at, offence)| record(&format!("o-{at}"), Kind::Offence(offence.clone()))).collect()
}

fn scored(records: Vec<Evidence>) -> Scored {
    let dossier = Dossier::from_evidence("S-1", Revision(1), records);
    weigh(&case(&dossier, &RULES), &mut Silent)
}

fn file(opened_days_ago: i32, closed_days_ago: Option<i32>) -> Evidence {
    let file = Outstanding {
        reason: OutstandingReason::CourtWarrantBacked,
        periods: vec![OpenPeriod {
            opened: today() - opened_days_ago,
            closed: closed_days_ago.map(|days_ago| (today() - days_ago, CloseOutcome::Arrested)),
        }],
        circulation: Circulation::NotCirculated,
        offence_ids: Vec::new(),
        area: None,
        officer: None,
        terms: Box::default(),
    };
    record("file", Kind::Other(Other::Outstanding(file)))
}

/// `after` is nowhere below `before`.
fn never_lower(before: Scored, after: Scored) -> Result<(), TestCaseError> {
    prop_assert!(after.point >= before.point, "point {} to {}", before.point, after.point);
    prop_assert!(after.low >= before.low, "low end {} to {}", before.low, after.low);
    prop_assert!(after.high >= before.high, "high end {} to {}", before.high, after.high);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn another_offence_never_lowers_harm(
        offences in prop::collection::vec(any_offence(), 0..12), another in any_offence(),
    ) {
        let before = scored(named(&offences));
        let mut more = named(&offences);
        more.push(record("another", Kind::Offence(another)));
        never_lower(before, scored(more))?;
    }

    #[test]
    fn a_record_of_many_more_offences_never_lowers_harm(
        offences in prop::collection::vec(any_offence(), 30..40), another in any_offence(),
    ) {
        let before = scored(named(&offences));
        let mut more = named(&offences);
        more.push(record("another", Kind::Offence(another)));
        never_lower(before, scored(more))?;
    }

    #[test]
    fn stronger_proof_never_lowers_harm(
        offences in prop::collection::vec(any_offence(), 1..12), which: prop::sample::Index, to in 0..STAGES.len(),
    ) {
        let before = scored(named(&offences));
        let mut proved = offences.clone();
        let stronger = which.get_mut(&mut proved);
        let from = STAGES.iter().position(|stage| *stage == stronger.outcome).expect("must be a stage");
        stronger.outcome = STAGES[from.max(to)];
        never_lower(before, scored(named(&proved)))?;
    }

    #[test]
    fn a_file_that_stays_open_or_opens_earlier_never_lowers_harm(
        offences in prop::collection::vec(any_offence(), 1..12),
        opened in 0..2000_i32, earlier in 0..500_i32, closed in 0..2000_i32,
    ) {
        let with = |opened, closed| {
            let mut records = named(&offences);
            records.push(file(opened, closed));
            scored(records)
        };
        let closed = closed.min(opened);
        let before = with(opened, Some(closed));
        never_lower(before, with(opened + earlier, Some(closed)))?;
        never_lower(before, with(opened, None))?;
    }

    #[test]
    fn harm_lies_between_its_ends_whatever_the_order_of_records(
        offences in prop::collection::vec(any_offence(), 0..12), turn in 0..12_usize,
    ) {
        let records = named(&offences);
        let mut turned = records.clone();
        let by = turn % turned.len().max(1);
        turned.rotate_left(by);
        let harm = scored(records);
        prop_assert_eq!(harm, scored(turned));
        prop_assert!(harm.low <= harm.point && harm.point <= harm.high);
    }

    #[test]
    fn leaves_share_harm_in_proportion_and_hold_every_record_once(
        offences in prop::collection::vec(any_offence(), 0..12),
    ) {
        let dossier = Dossier::from_evidence("S-1", Revision(1), named(&offences));
        let (scored, heard) = heard_under(&dossier, &RULES);
        let sum: f64 = heard.leaves.iter().map(|leaf| leaf.share).sum();
        let point = MilliPoints::from_points(RULES.catalogue.points(sum));
        prop_assert!(point.get().abs_diff(scored.point.get()) <= 1);
        for leaf in &heard.leaves {
            let of = |name| factor(leaf, name).parse::<f64>().expect("must be a number");
            let product = of("harm_days") * of("proof") * of("found") * of("victim") * of("decay");
            prop_assert!((product - leaf.share).abs() <= 1e-4 * leaf.share.max(1.0), "{product} {}", leaf.share);
        }
        let mut told: Vec<&str> = heard.leaves.iter().flat_map(|leaf| &leaf.evidence).map(|id| &**id).collect();
        let count = told.len();
        told.sort_unstable();
        told.dedup();
        prop_assert_eq!(told.len(), count);
    }
}
