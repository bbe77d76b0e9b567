//! METHOD's principles, each as a property.

use proptest::prelude::*;

use super::people::{breach, dossier, file, intelligence, marker, offence, people, record, word};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{CohortMembership, Evidence, Grade, Kind, Marker, OpenPeriod, Other, Outstanding};
use crate::domain::word::{
    Circulation, CloseOutcome, CohortStatus, Component, Family, MarkerKind, Outcome, OutstandingReason, PersonCategory,
    Rag,
};
use crate::domain::{MilliPoints, Revision};
use crate::scoring::clock::Clock;
use crate::scoring::composite::{Composed, Weighed, explain, weigh};
use crate::scoring::fixture::{day, rules};
use crate::scoring::{Scored, threat};

/// The place of a record added to a generated person, beyond all that it may have.
const ADDED: usize = 50;

fn weighed(records: &[Evidence]) -> Weighed {
    weigh(&dossier(records), rules(), day(0))
}

fn with(records: &[Evidence], added: Evidence) -> Vec<Evidence> {
    records.iter().cloned().chain([added]).collect()
}

fn other(id: &str, category: PersonCategory, kind: Other) -> Evidence {
    Evidence { id: id.into(), revision: Revision(1), category, updated: day(-1), kind: Kind::Other(kind) }
}

fn outstanding(id: &str, file: Outstanding) -> Evidence {
    other(id, PersonCategory::Suspect, Other::Outstanding(file))
}

/// Whether nothing that a list is ordered by fell.
fn assert_not_lower(before: &Weighed, after: &Weighed) -> Result<(), TestCaseError> {
    prop_assert!(after.threat.point >= before.threat.point, "threat {} -> {}", before.threat.point, after.threat.point);
    prop_assert!(after.harm.point >= before.harm.point, "harm {} -> {}", before.harm.point, after.harm.point);
    prop_assert!(after.risk.point >= before.risk.point, "risk {} -> {}", before.risk.point, after.risk.point);
    for family in [Family::Cohort, Family::Outstanding] {
        let (before, after) = (before.composed(family), after.composed(family));
        prop_assert!(after.point >= before.point, "{family:?} {} -> {}", before.point, after.point);
        prop_assert!(after.floored >= before.floored, "{family:?} {:?} -> {:?}", before.floored, after.floored);
    }
    Ok(())
}

fn stronger(grade: Grade) -> Grade {
    match grade {
        Grade::Current { source, assessment } if assessment > 0 => {
            Grade::Current { source, assessment: assessment - 1 }
        }
        Grade::Current { source, assessment } => Grade::Current { source: (source - 1).max(1), assessment },
        Grade::Old { source, evaluation } => Grade::Old { source, evaluation: (evaluation - 1).max(1) },
    }
}

proptest! {
    #[test]
    fn the_same_inputs_give_the_same_bits_in_any_order(records in people()) {
        let backwards: Vec<Evidence> = records.iter().rev().cloned().collect();
        let stepwise = records.iter().cloned().fold(Dossier::new("S-1"), |dossier, record| dossier.with(record));
        let once = weighed(&records);
        prop_assert_eq!(once, weighed(&records));
        prop_assert_eq!(once, weighed(&backwards));
        prop_assert_eq!(once, weigh(&stepwise, rules(), day(0)));
    }

    #[test]
    fn scores_are_whole_milli_points_between_their_ends(records in people()) {
        let weighed = weighed(&records);
        for Scored { low, point, high } in [weighed.threat, weighed.risk, weighed.harm] {
            prop_assert!(low <= point && point <= high && high <= MilliPoints::MAX, "{low} {point} {high}");
        }
        for Composed { low, point, high, computed, floored, low_band, high_band, .. } in [weighed.cohort, weighed.outstanding] {
            prop_assert!(low <= point && point <= high && high <= MilliPoints::MAX, "{low} {point} {high}");
            prop_assert!(computed <= floored);
            prop_assert!(low_band <= floored && floored <= high_band, "{low_band:?} {floored:?} {high_band:?}");
        }
    }

    #[test]
    fn every_milli_point_belongs_to_a_rule_and_its_records(records in people()) {
        let dossier = dossier(&records);
        let held: Vec<&str> = dossier.record_ids().collect();
        for family in [Family::Cohort, Family::Outstanding] {
            let explanation = explain(&dossier, rules(), day(0), family);
            prop_assert_eq!(explanation.weighed, weigh(&dossier, rules(), day(0)));
            let total: u32 = explanation.contributions.iter().map(|part| part.milli).sum();
            prop_assert_eq!(total, explanation.weighed.composed(family).point.get());
            for part in &explanation.contributions {
                prop_assert!(!part.rule.is_empty() && !part.description.is_empty());
                prop_assert!(part.milli > 0);
                prop_assert!(part.evidence.iter().all(|id| held.contains(&&**id)), "{part:?}");
                prop_assert!(part.component == Component::Risk || !part.evidence.is_empty(), "{part:?}");
            }
            for floor in &explanation.floors {
                prop_assert!(floor.evidence.iter().all(|id| held.contains(&&**id)), "{floor:?}");
                prop_assert!(floor.band <= explanation.weighed.composed(family).floored);
            }
            for gap in &explanation.gaps {
                prop_assert!(gap.evidence.iter().all(|id| held.contains(&&**id)), "{gap:?}");
            }
        }
    }

    #[test]
    fn another_offence_or_sign_never_lowers_threat_or_harm(
        records in people(),
        added in prop_oneof![
            record(ADDED, offence()),
            record(ADDED, marker()),
            record(ADDED, breach()),
            record(ADDED, intelligence().prop_map(|report| Kind::Other(Other::Intelligence(report)))),
        ],
    ) {
        let (before, after) = (weighed(&records), weighed(&with(&records, added)));
        prop_assert!(after.threat.point >= before.threat.point, "{} -> {}", before.threat.point, after.threat.point);
        prop_assert!(after.harm.point >= before.harm.point, "{} -> {}", before.harm.point, after.harm.point);
    }

    #[test]
    fn a_stronger_proof_never_lowers_threat_or_harm(records in people(), kind in offence()) {
        let proofs = [Outcome::NoFurtherAction, Outcome::Suspected, Outcome::Charged, Outcome::Convicted];
        let weighed = proofs.map(|proof| {
            let mut kind = kind.clone();
            if let Kind::Offence(offence) = &mut kind {
                (offence.outcome, offence.outcome_date) = (proof, Some(offence.reported));
            }
            let (category, updated) = (PersonCategory::Suspect, day(-1));
            weighed(&with(&records, Evidence { id: "z".into(), revision: Revision(1), category, updated, kind }))
        });
        prop_assert!(weighed.is_sorted_by(|weaker, stronger| weaker.threat.point <= stronger.threat.point));
        prop_assert!(weighed.is_sorted_by(|weaker, stronger| weaker.harm.point <= stronger.harm.point));
    }

    #[test]
    fn a_better_grade_never_lowers_threat(records in people(), report in intelligence()) {
        let told = |grade| {
            let mut report = report.clone();
            report.grade = grade;
            weighed(&with(&records, other("z", PersonCategory::Suspect, Other::Intelligence(report))))
        };
        prop_assert!(told(stronger(report.grade)).threat.point >= told(report.grade).threat.point);
    }

    #[test]
    fn an_e_graded_report_never_scores(records in people(), mut report in intelligence(), source in 1..=3_u8) {
        report.grade = Grade::Current { source, assessment: 4 };
        let told = other("z", PersonCategory::Suspect, Other::Intelligence(report));
        prop_assert_eq!(weighed(&with(&records, told)), weighed(&records));
    }

    #[test]
    fn a_file_that_stays_open_never_lowers_anything(records in people(), mut file in file()) {
        let last = file.periods.last_mut().expect("must have a period");
        last.closed = Some((day(-1).max(last.opened + 1), CloseOutcome::Arrested));
        let closed = weighed(&with(&records, outstanding("z", file.clone())));
        file.periods.last_mut().expect("must have a period").closed = None;
        assert_not_lower(&closed, &weighed(&with(&records, outstanding("z", file))))?;
    }

    #[test]
    fn opening_a_file_earlier_never_lowers_anything(records in people(), mut file in file(), earlier in 1..400_i32) {
        let later = weighed(&with(&records, outstanding("z", file.clone())));
        file.periods[0].opened = file.periods[0].opened - earlier;
        assert_not_lower(&later, &weighed(&with(&records, outstanding("z", file))))?;
    }

    #[test]
    fn reopening_a_file_never_lowers_anything_nor_makes_old_evidence_young(
        records in people(), mut file in file(), closed_for in 1..200_i32, since in 0..20_i32, told in -900..=0_i32,
    ) {
        let reopened = day(-since);
        let closed = reopened - closed_for;
        file.periods.retain(|period| period.opened < closed);
        if let Some(last) = file.periods.last_mut() {
            last.closed = Some((closed, CloseOutcome::Arrested));
        } else {
            file.periods.push(OpenPeriod { opened: closed - 5, closed: Some((closed, CloseOutcome::Arrested)) });
        }
        let before = with(&records, outstanding("z", file.clone()));
        file.periods.push(OpenPeriod { opened: reopened, closed: None });
        let after = with(&records, outstanding("z", file));
        assert_not_lower(&weighed(&before), &weighed(&after))?;
        // The clock stands still only from the reopening on: what passed while the file was closed has passed.
        let age = |records: &[Evidence], as_of| Clock::of(&dossier(records), as_of).age(day(told));
        prop_assert!(age(&before, day(0)) - age(&after, day(0)) <= since.cast_unsigned());
        prop_assert_eq!(age(&after, reopened), age(&before, reopened));
    }

    #[test]
    fn what_was_done_to_a_person_adds_nothing(
        records in people(),
        victim in word(&[PersonCategory::Victim, PersonCategory::Witness]),
        added in people(),
    ) {
        let own = |kind: &Kind| !matches!(kind, Kind::Person(_) | Kind::Other(Other::Exploitation(_)));
        let suffered = added.into_iter().filter(|record| own(&record.kind)).enumerate().map(|(place, mut record)| {
            record.category = victim;
            // Not an id that a record of the person may name.
            record.id = format!("v{place}").into();
            record
        });
        let after: Vec<Evidence> = records.iter().cloned().chain(suffered).collect();
        prop_assert_eq!(weighed(&after), weighed(&records));
    }

    #[test]
    fn health_signals_and_being_threatened_add_nothing(
        records in people(),
        kind in word(&[
            MarkerKind::Ailment, MarkerKind::MentalHealth, MarkerKind::SelfHarm, MarkerKind::Contagious,
            MarkerKind::ThreatToLifeThreatened,
        ]),
        set in -400..=0_i32,
    ) {
        let marker = Other::Marker(Marker { kind, set: day(set), expires: None });
        prop_assert_eq!(weighed(&with(&records, other("z", PersonCategory::Suspect, marker))), weighed(&records));
    }

    #[test]
    fn supervision_changes_no_score(
        records in people(),
        file in file(),
        circulation in word(Circulation::ALL),
        rag in word(Rag::ALL),
        status in word(CohortStatus::ALL),
    ) {
        let plain = with(&records, outstanding("z", file.clone()));
        let supervised = Outstanding { circulation, area: Some("N1".into()), officer: Some("PC 1".into()), ..file };
        let managed = Other::CohortMembership(CohortMembership {
            status,
            rag: Some(rag),
            selected: day(-100),
            ended: None,
            offender_manager: Some("OM 1".into()),
            area: Some("N1".into()),
        });
        let after = with(
            &with(&records, outstanding("z", supervised)),
            other("zz", PersonCategory::Suspect, managed),
        );
        prop_assert_eq!(weighed(&after), weighed(&plain));
    }

    #[test]
    fn a_child_is_one_whose_earliest_possible_birth_makes_them_one(records in people()) {
        use crate::scoring::{Case, risk};
        let dossier = dossier(&records);
        let case = Case::new(&dossier, rules(), day(0));
        let earliest = risk::possible_births(&case).into_iter().min().expect("must never be empty");
        prop_assert_eq!(case.is_child(), earliest.completed_years(day(0)) < 18);
    }

    #[test]
    fn threat_is_the_same_with_and_without_an_ear(records in people()) {
        use crate::scoring::{Case, Heard, Silent};
        let dossier = dossier(&records);
        let case = Case::new(&dossier, rules(), day(0));
        let mut heard = Heard::default();
        prop_assert_eq!(threat::weigh(&case, &mut heard), threat::weigh(&case, &mut Silent));
        prop_assert!(heard.leaves.iter().all(|leaf| leaf.share > 0.0 && leaf.component == Component::Threat));
    }
}

#[test]
fn generated_files_are_of_every_reason() {
    // Guards the generators: a property over nothing proves nothing.
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..500 {
        let file = file().new_tree(&mut runner).expect("must generate").current();
        assert!(!file.periods.is_empty());
        seen.insert(file.reason);
    }
    assert_eq!(seen.len(), OutstandingReason::ALL.len());
}
