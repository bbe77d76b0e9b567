//! What the harm of a person is held to: known answers here, properties in
//! [`properties`].
#![expect(clippy::float_cmp, reason = "known answers are exact")]

mod properties;

use std::sync::LazyLock;

use super::*;
use crate::domain::dossier::{Dossier, Repeat};
use crate::domain::evidence::{Custody, Evidence, Kind, Offence, Other, SanctionSummary, Victim};
use crate::domain::offence::OffenceCode;
use crate::domain::word::{CustodyKind, Outcome};
use crate::domain::{Date, Revision};
use crate::policy::Policy;
use crate::reference::tables;
use crate::scoring::{Heard, Rules, Silent};

static RULES: LazyLock<Rules> = LazyLock::new(|| rules(Policy::reference()));

fn rules(policy: Policy) -> Rules {
    Rules { catalogue: Catalogue::new(tables(), &policy), policy }
}

fn today() -> Date {
    "2026-11-01".parse().expect("must be a date")
}

/// Shoplifting is 2 harm days, assault occasioning actual bodily harm 10, section 18 wounding 1,460, rape 1,825.
const ABH: &str = "OF61102";
const WOUNDING: &str = "OF61017";

fn cjs(code: &str) -> OffenceCode {
    OffenceCode { cjs: Some(tables().cjs(code).expect("must be a CJS code")), ho: None }
}

fn ho(code: &str) -> OffenceCode {
    OffenceCode { cjs: None, ho: Some(tables().ho(code).expect("must be a Home Office code")) }
}

/// A conviction for an offence committed and reported so many days ago, with nothing else known.
fn offence(code: OffenceCode, days_ago: i32) -> Offence {
    Offence {
        code,
        committed: Some(today() - days_ago),
        reported: today() - days_ago,
        outcome: Outcome::Convicted,
        outcome_date: Some(today() - days_ago),
        incident: None,
        victim: None,
        domestic_abuse: false,
        hate: false,
        proactive: false,
    }
}

fn victim(reference: &str) -> Victim {
    Victim { reference: Some(reference.into()), natural_person: true, vulnerable: false, repeat: false }
}

fn record(id: &str, kind: Kind) -> Evidence {
    Evidence { id: id.into(), revision: Revision(1), category: PersonCategory::Convicted, updated: today(), kind }
}

fn dossier(offences: &[(&str, Offence)]) -> Dossier {
    let records = offences.iter().map(|(id, offence)| record(id, Kind::Offence(offence.clone())));
    Dossier::from_evidence("S-1", Revision(1), records)
}

/// A person on the day.
fn case<'a>(dossier: &'a Dossier, rules: &'a Rules) -> Case<'a> {
    Case::new(dossier, rules, today())
}

fn heard_under(dossier: &Dossier, rules: &Rules) -> (Scored, Heard) {
    let mut heard = Heard::default();
    let scored = weigh(&case(dossier, rules), &mut heard);
    (scored, heard)
}

fn heard(offences: &[(&str, Offence)]) -> (Scored, Heard) {
    heard_under(&dossier(offences), &RULES)
}

/// Decayed harm days of the point.
fn harm_days(offences: &[(&str, Offence)]) -> f64 {
    heard(offences).1.leaves.iter().map(|leaf| leaf.share).sum()
}

fn reasons(heard: &Heard) -> Vec<&'static str> {
    heard.gaps.iter().map(|gap| gap.reason).collect()
}

fn factor<'a>(leaf: &'a super::super::Leaf, name: &str) -> &'a str {
    let factor = leaf.factors.iter().find(|factor| factor.name == name);
    &factor.expect("the factor must be there").value
}

#[test]
fn nobody_without_offences_has_harm() {
    assert_eq!(heard(&[]).0, Scored::default());
}

#[test]
fn one_assault_convicted_today_is_ten_days_and_22_637_points() {
    let (scored, heard) = heard(&[("a", offence(cjs(ABH), 0))]);
    assert_eq!(scored.point.get(), 22_637);
    assert_eq!((scored.low, scored.high), (scored.point, scored.point));
    assert_eq!(heard.leaves[0].share, 10.0);
    assert_eq!(factor(&heard.leaves[0], "harm_days"), "10");
    assert!(heard.gaps.is_empty());
}

#[test]
fn one_murder_today_is_a_hundred_points() {
    assert_eq!(heard(&[("a", offence(cjs("COML025"), 0))]).0.point, MilliPoints::MAX);
}

#[test]
fn grave_offences_fade_over_five_years_and_others_over_two() {
    assert_eq!(harm_days(&[("a", offence(cjs(ABH), 730))]), 5.0);
    assert_eq!(harm_days(&[("a", offence(cjs(WOUNDING), 1825))]), 730.0);
    assert_eq!(harm_days(&[("a", offence(ho("034/01"), 1825))]), 182.5, "365 days are grave");
}

#[test]
fn time_in_custody_does_not_make_an_offence_old() {
    let held = Custody {
        kind: CustodyKind::Sentence,
        start: today() - 730,
        planned_release: None,
        ended: None,
        offence_ids: Vec::new(),
    };
    let dossier = dossier(&[("a", offence(cjs(ABH), 730))]).with(record("c", Kind::Other(Other::Custody(held))));
    assert_eq!(heard_under(&dossier, &RULES).1.leaves[0].share, 10.0);
}

#[test]
fn a_case_counts_as_far_as_it_is_proved() {
    for (outcome, days) in [
        (Outcome::Cautioned, 10.0),
        (Outcome::TakenIntoConsideration, 10.0),
        (Outcome::Charged, 8.0),
        (Outcome::Bailed, 5.0),
        (Outcome::NoFurtherAction, 0.0),
        (Outcome::EvidentialDifficulty, 0.0),
    ] {
        assert_eq!(harm_days(&[("a", Offence { outcome, ..offence(cjs(ABH), 0) })]), days, "{outcome:?}");
    }
}

#[test]
fn evidential_difficulty_keeps_proof_only_where_a_force_switched_it_on() {
    let mut policy = Policy::reference();
    policy.harm.evidential_difficulty = Some(0.2);
    let rules = rules(policy);
    let ended = Offence { outcome: Outcome::EvidentialDifficulty, ..offence(cjs(ABH), 0) };
    let domestic = Offence { domestic_abuse: true, ..ended.clone() };
    let rape = Offence { code: ho("019/08"), ..ended.clone() };
    let leaves = |offence| heard_under(&dossier(&[("a", offence)]), &rules).1.leaves;
    assert!(leaves(ended).is_empty());
    assert_eq!(factor(&leaves(domestic)[0], "proof"), "0.2");
    assert_eq!(factor(&leaves(rape)[0], "proof"), "0.2");
}

#[test]
fn what_only_police_activity_found_counts_half_if_grave_and_else_nothing() {
    let found = |code| Offence { proactive: true, ..offence(code, 0) };
    assert_eq!(harm_days(&[("a", found(cjs(WOUNDING)))]), 730.0);
    assert_eq!(harm_days(&[("a", found(cjs(ABH)))]), 0.0);
}

#[test]
fn the_victim_raises_harm_up_to_the_most() {
    let mut hurt = offence(cjs(ABH), 0);
    hurt.victim = Some(victim("V-1"));
    assert_eq!(harm_days(&[("a", hurt.clone())]), 10.0);
    hurt.victim.as_mut().expect("set above").vulnerable = true;
    assert_eq!(harm_days(&[("a", hurt.clone())]), 12.5);
    hurt.domestic_abuse = true;
    assert_eq!(harm_days(&[("a", hurt.clone())]), 14.0);
    hurt.victim.as_mut().expect("set above").repeat = true;
    hurt.hate = true;
    assert_eq!(harm_days(&[("a", hurt)]), 16.0);
}

#[test]
fn the_victim_index_makes_a_repeat_victim_only_within_a_year() {
    let mut hurt = offence(cjs(ABH), 10);
    hurt.victim = Some(victim("V-1"));
    let known = dossier(&[("a", hurt)]);
    for (days_ago, multiplier) in [(375, "1.25"), (376, "1"), (10, "1")] {
        let mut dates = vec![today() - 10, today() - days_ago];
        dates.sort_unstable();
        let repeat = Repeat { offence_id: "a".into(), dates: dates.into() };
        let (_, heard) = heard_under(&known.with_repeats(Box::new([repeat])), &RULES);
        assert_eq!(factor(&heard.leaves[0], "victim"), multiplier, "{days_ago}");
        assert_eq!(heard.leaves[0].description.contains("also on"), multiplier == "1.25");
    }
}

#[test]
fn a_sexual_offence_ages_from_its_report() {
    let rape = Offence { reported: today(), ..offence(ho("019/08"), 1825) };
    assert_eq!(factor(&heard(&[("a", rape)]).1.leaves[0], "age_days"), "0");
    let assault = Offence { reported: today(), ..offence(cjs(ABH), 730) };
    assert_eq!(factor(&heard(&[("a", assault)]).1.leaves[0], "age_days"), "730");
}

#[test]
fn an_unknown_offence_date_counts_from_the_report_and_lowers_the_low_end() {
    let undated = Offence { committed: None, ..offence(cjs(ABH), 365) };
    let (scored, heard) = heard(&[("a", undated)]);
    let points = |days| MilliPoints::from_points(RULES.catalogue.points(days));
    assert_eq!(scored.point, points(10.0 * libm::exp2(-0.5)));
    assert_eq!((scored.low, scored.high), (points(5.0), scored.point));
    assert_eq!(reasons(&heard), ["OFFENCE_DATE_UNKNOWN"]);
}

#[test]
fn one_incident_and_victim_counts_only_its_largest() {
    let at =
        |code, who: &str| Offence { incident: Some("I-1".into()), victim: Some(victim(who)), ..offence(cjs(code), 0) };
    let (_, heard) = heard(&[("a", at(ABH, "V-1")), ("b", at(WOUNDING, "V-1")), ("c", at(ABH, "V-2"))]);
    assert_eq!(heard.leaves.iter().map(|leaf| leaf.share).collect::<Vec<_>>(), [1460.0, 10.0]);
    assert_eq!(heard.leaves[0].evidence, ["b".into(), "a".into()]);
    assert!(heard.leaves[0].description.contains("counted once with 1 other record of the same incident"));
}

#[test]
fn without_an_incident_the_same_code_date_and_victim_are_one_with_the_best_of_each() {
    let alleged = Offence { outcome: Outcome::Suspected, hate: true, ..offence(cjs(ABH), 5) };
    let (_, heard) = heard(&[
        ("a", Offence { domestic_abuse: true, ..alleged.clone() }),
        ("b", offence(cjs(ABH), 5)),
        ("c", alleged),
        ("other day", offence(cjs(ABH), 6)),
        ("other code", offence(cjs(WOUNDING), 5)),
        ("other victim", Offence { victim: Some(victim("V-1")), ..offence(cjs(ABH), 5) }),
    ]);
    assert_eq!(heard.leaves.len(), 4);
    let one = heard.leaves.iter().find(|leaf| leaf.evidence.len() == 3).expect("three records must be one");
    assert_eq!(one.evidence, ["b".into(), "a".into(), "c".into()]);
    assert_eq!((factor(one, "proof"), factor(one, "victim")), ("1", "1.3"));
    assert!(one.description.contains("domestic abuse; a hate crime; counted once with 2 other records"));
}

#[test]
fn the_same_three_burglaries_in_three_systems_are_three() {
    let mut records = Vec::new();
    for system in ["crime", "custody", "court"] {
        for night in [3, 9, 20] {
            let ho_too = OffenceCode { ho: tables().ho("028/03"), ..cjs("TH68036") };
            let code = if system == "court" { ho_too } else { cjs("TH68036") };
            records.push((format!("{system}-{night}"), offence(code, night)));
        }
    }
    let records: Vec<(&str, Offence)> = records.iter().map(|(id, offence)| (id.as_str(), offence.clone())).collect();
    let (_, heard) = heard(&records);
    assert_eq!(heard.leaves.len(), 3);
    assert!(heard.leaves.iter().all(|leaf| leaf.evidence.len() == 3));
}

#[test]
fn many_offences_are_told_apart_as_few_are() {
    let mut records: Vec<(String, Offence)> = Vec::new();
    for day in 0..40 {
        for copy in 0..2 {
            records.push((format!("{day}-{copy}"), offence(cjs(ABH), day)));
        }
    }
    let records: Vec<(&str, Offence)> = records.iter().map(|(id, offence)| (id.as_str(), offence.clone())).collect();
    let (_, heard) = heard(&records);
    assert_eq!(heard.leaves.len(), 40);
    assert!(heard.leaves.iter().all(|leaf| leaf.evidence.len() == 2));
}

#[test]
fn only_what_may_score_is_counted() {
    let known = dossier(&[("a", offence(cjs(ABH), 0)), ("b", offence(cjs(WOUNDING), 0))]);
    let case = case(&known, &RULES).without(&[1]);
    let mut heard = Heard::default();
    weigh(&case, &mut heard);
    assert_eq!(heard.leaves.iter().map(|leaf| leaf.share).collect::<Vec<_>>(), [10.0]);
}

#[test]
fn what_is_not_an_offence_is_on_the_list_and_adds_nothing() {
    let (scored, heard) = heard(&[("a", offence(cjs("CA03010"), 0))]);
    assert_eq!(scored, Scored::default());
    assert_eq!(reasons(&heard), ["NOT_AN_OFFENCE"]);
    assert!(!heard.gaps[0].widens);
}

#[test]
fn a_grave_local_code_runs_from_nothing_to_the_gravest_and_is_unsettled() {
    let local = dossier(&[("a", offence(cjs("COMLA03"), 0))]);
    let (scored, heard) = heard_under(&local, &RULES);
    assert_eq!((scored.low, scored.high > MilliPoints::new(90_000)), (MilliPoints::ZERO, true));
    assert_eq!(reasons(&heard), ["HARM_DAYS_UNKNOWN"]);
    assert!(unsettled(&case(&local, &RULES)));
    let settled = dossier(&[("a", offence(OffenceCode { ho: tables().ho("001/01"), ..cjs("COMLA03") }, 0))]);
    assert!(!unsettled(&case(&settled, &RULES)));
    assert_eq!(heard_under(&settled, &RULES).0.point, MilliPoints::MAX);
}

#[test]
fn an_estimate_is_told_and_widens() {
    let place = tables().ho_offences().map(|(place, _)| place).find(|place| {
        let class = RULES.catalogue.classify(OffenceCode { cjs: None, ho: Some(*place) });
        class.step == HarmStep::Estimate && class.low < class.days && class.days < class.high
    });
    let (scored, heard) = heard(&[("a", offence(OffenceCode { cjs: None, ho: place }, 0))]);
    assert!(scored.low < scored.point && scored.point < scored.high);
    assert_eq!(reasons(&heard), ["HARM_DAYS_ESTIMATED"]);
    assert_eq!(heard.gaps[0].evidence, ["a".into()]);
}

fn summary(occasions: u32, first: Option<Date>) -> Evidence {
    let summary = SanctionSummary { as_at: today() - 100, occasions, violent_occasions: 0, first, age_at_first: None };
    record("summary", Kind::Other(Other::SanctionSummary(summary)))
}

#[test]
fn a_history_known_in_total_raises_only_the_top() {
    // Two occasions held, one of them after the summary; robbery's category has a median of 365 days, so grave.
    let known = dossier(&[("a", offence(ho("034/01"), 200)), ("b", offence(ho("034/01"), 50))]);
    let (before, _) = heard_under(&known, &RULES);
    let (after, heard) = heard_under(&known.with(summary(3, Some(today() - 1101))), &RULES);
    assert_eq!((after.point, after.low), (before.point, before.low));
    let midway = 600.0; // 1,101 and 100 days ago: half of 1,001 days is 500, rounded down.
    let held: f64 = [200.0, 50.0].iter().map(|age: &f64| 365.0 * libm::exp2(-age / 1825.0)).sum();
    let more = 2.0 * 365.0 * libm::exp2(-(midway + 1.0) / 1825.0);
    assert_eq!(after.high, MilliPoints::from_points(RULES.catalogue.points(held + more)));
    assert_eq!(reasons(&heard), ["HARM_HISTORY_INCOMPLETE"]);
    assert!(heard.gaps[0].description.contains("2 sanction occasions"));
}

#[test]
fn a_history_that_is_held_leaves_no_gap() {
    let known = dossier(&[("a", offence(cjs(ABH), 200))]).with(summary(1, Some(today() - 200)));
    let (scored, heard) = heard_under(&known, &RULES);
    assert_eq!((scored.high, heard.gaps.len()), (scored.point, 0));
}

fn allegation(id: &str, code: OffenceCode, updated_days_ago: i32) -> Evidence {
    let alleged = Offence { outcome: Outcome::Suspected, outcome_date: None, ..offence(code, 400) };
    Evidence {
        category: PersonCategory::Suspect,
        updated: today() - updated_days_ago,
        ..record(id, Kind::Offence(alleged))
    }
}

#[test]
fn a_stale_allegation_that_matters_lowers_the_low_end_to_its_absence() {
    let known = dossier(&[("a", offence(cjs(ABH), 0))]);
    let (alone, _) = heard_under(&known, &RULES);
    let with_stale = known.with(allegation("s", cjs(WOUNDING), 365));
    let case_with = case(&with_stale, &RULES);
    let found = stale(&case_with, 1_000.0);
    assert_eq!(weigh(&case_with.without(&found), &mut Silent).low, alone.low);
    assert_eq!(with_stale.offences().nth(found[0]).expect("it must be held").id, "s");
    assert!(stale(&case_with, 100_000.0).is_empty(), "it matters too little");
    let fresh = known.with(allegation("s", cjs(WOUNDING), 364));
    assert!(stale(&case(&fresh, &RULES), 1_000.0).is_empty());
}

#[test]
fn a_leaf_reads_as_a_sentence_that_an_offender_manager_understands() {
    let mut hurt = offence(cjs(ABH), 31);
    hurt.outcome_date = Some(today());
    hurt.victim = Some(victim("V-1"));
    hurt.victim.as_mut().expect("set above").vulnerable = true;
    let (_, heard) = heard(&[("a", hurt)]);
    let title = tables().cjs_offence(tables().cjs(ABH).expect("must be listed")).title;
    assert_eq!(
        heard.leaves[0].description,
        format!("{title}: convicted on 1 November 2026; committed on 1 October 2026; the victim is vulnerable.")
    );
    assert_eq!(factor(&heard.leaves[0], "step"), "index_by_cjs_code");
    assert_eq!(factor(&heard.leaves[0], "age_days"), "31");
}

#[test]
fn saying_nothing_changes_no_score() {
    let known = dossier(&[("a", offence(cjs(ABH), 9)), ("b", offence(cjs("COMLA03"), 70))]).with(summary(4, None));
    assert_eq!(weigh(&case(&known, &RULES), &mut Silent), heard_under(&known, &RULES).0);
}
