//! Which group by which record, and what starts the clear period anew.

use proptest::prelude::*;

use super::*;
use crate::domain::Revision;
use crate::domain::evidence::{CohortMembership, Evidence, Kind, SanctionSummary};
use crate::domain::word::{
    AssessmentKind, BreachKind, CohortStatus, ExploitationStatus, OutstandingReason, PersonCategory, ThreatIndicator,
};
use crate::scoring::fixture::{self, ABH, BURGLARY, MURDER, RAPE, Records, SHOP_THEFT, WOUNDING, day};

fn found(records: &Records) -> Standing {
    standing(&records.dossier(), fixture::rules(), day(0)).expect("something must be in force")
}

fn told(records: &Records) -> (RetentionGroup, Vec<(RetentionGround, String)>) {
    let dossier = records.dossier();
    let group = found(records).group;
    let reasons = reasons(&dossier, fixture::rules(), group);
    (group, reasons.iter().map(|reason| (reason.ground, reason.record_id.to_owned())).collect())
}

fn one(records: &Records) -> (RetentionGroup, RetentionGround) {
    let (group, reasons) = told(records);
    let [(ground, _)] = &*reasons else { panic!("one record must put the person there: {reasons:?}") };
    (group, *ground)
}

fn offence(code: &str, outcome: Outcome) -> Records {
    Records::new().offence("o", code, day(-100), outcome)
}

fn filed(id: &str, kind: Other) -> Records {
    let record = Evidence {
        id: id.into(),
        revision: Revision(1),
        category: PersonCategory::Suspect,
        updated: day(0),
        kind: Kind::Other(kind),
    };
    Records(vec![record])
}

fn totals(occasions: u32, violent_occasions: u32) -> Other {
    let (as_at, first) = (day(-10), Some(day(-900)));
    Other::SanctionSummary(SanctionSummary { as_at, occasions, violent_occasions, first, age_at_first: None })
}

#[test]
fn each_kind_of_record_puts_a_person_in_its_group() {
    use RetentionGround as G;
    use RetentionGroup::{One, Three, Two};
    let mappa = Finding::Mappa { category: 2, level: 1 };
    for (records, expected) in [
        (offence(MURDER, Outcome::Suspected), (One, G::SeriousSpecifiedOffence)),
        (offence(RAPE, Outcome::Charged), (One, G::SeriousSpecifiedOffence)),
        (offence(WOUNDING, Outcome::Convicted), (One, G::SeriousSpecifiedOffence)),
        (Records::new().assessment("a", AssessmentKind::Mappa, day(-9_000), mappa, Some(day(-8_000))), (One, G::Mappa)),
        (
            Records::new().marker("m", MarkerKind::RegisteredSexOffender, day(-9_000), Some(day(-8_000))),
            (One, G::RegisteredSexOffender),
        ),
        (offence(ABH, Outcome::Convicted), (Two, G::ViolentOffence)),
        (offence("088/03", Outcome::Convicted), (Two, G::SexualOffence)),
        (filed("t", totals(9, 1)), (Two, G::ViolentSanctions)),
        (offence(SHOP_THEFT, Outcome::Convicted), (Three, G::OtherOffence)),
        (filed("t", totals(9, 0)), (Three, G::Sanctions)),
        (Records::new().remand("c", day(-90), Some(day(-80))), (Three, G::Custody)),
        (Records::new().breach("b", BreachKind::Order, day(-9), None), (Three, G::Breach)),
        (
            Records::new().file("f", OutstandingReason::FineDefaultWarrant, &[(day(-9), Some(day(-1)))], &[]),
            (Three, G::OutstandingFile),
        ),
    ] {
        assert_eq!(one(&records), expected);
    }
}

#[test]
fn who_is_only_reported_on_harmed_or_seen_is_in_group_4() {
    let report = Records::new().report("i", ThreatIndicator::AccessToFirearm, day(-9), "1A", None);
    let referral = Records::new().exploitation("e", ExploitationStatus::Positive, day(-9), &[], None);
    for records in [
        report,
        referral,
        filed("t", totals(0, 0)),
        Records::new().person(None, None, (0, 0), day(-30)),
        Records::new().marker("m", MarkerKind::Violent, day(-9), None),
        offence(MURDER, Outcome::Charged).seen_as(PersonCategory::Victim),
        offence(MURDER, Outcome::Charged).seen_as(PersonCategory::Witness),
        offence(MURDER, Outcome::NoCrime),
        offence(MURDER, Outcome::Eliminated),
    ] {
        assert_eq!(told(&records), (RetentionGroup::Four, Vec::new()));
    }
}

#[test]
fn suspicion_of_the_gravest_is_enough_whatever_became_of_the_case() {
    for outcome in [Outcome::Suspected, Outcome::NoFurtherAction, Outcome::Acquitted, Outcome::Discontinued] {
        assert_eq!(found(&offence(WOUNDING, outcome)).group, RetentionGroup::One, "{outcome:?}");
    }
}

#[test]
fn the_gravest_group_counts_and_names_only_its_records() {
    let records = Records::new()
        .offence("theft", SHOP_THEFT, day(-10), Outcome::Convicted)
        .offence("second", ABH, day(-200), Outcome::Charged)
        .offence("first", ABH, day(-300), Outcome::Charged);
    let (group, reasons) = told(&records);
    assert_eq!(group, RetentionGroup::Two);
    assert_eq!(reasons.iter().map(|(_, id)| &**id).collect::<Vec<_>>(), ["first", "second"], "the earliest first");
}

#[test]
fn the_first_review_counts_from_the_last_event_and_in_group_1_from_the_earliest_ground() {
    let late = |code| {
        let records = Records::new().offence("grave", code, day(-900), Outcome::Charged);
        found(&records.offence("later", SHOP_THEFT, day(-10), Outcome::Charged)).since
    };
    assert_eq!(late(ABH), day(-10));
    assert_eq!(late(WOUNDING), day(-900));
}

#[test]
fn what_goes_on_starts_the_clear_period_anew_each_day() {
    let theft = || Records::new().offence("o", SHOP_THEFT, day(-3_000), Outcome::Convicted);
    let last = |records: &Records| last_event(&records.dossier(), day(0));
    assert_eq!(last(&theft()), Some(day(-3_000)));
    assert_eq!(last(&theft().sentence("c", day(-2_900), None, None, &[])), Some(day(0)));
    assert_eq!(last(&theft().sentence("c", day(-2_900), None, Some(day(-700)), &[])), Some(day(-700)));
    let warrant = OutstandingReason::CourtWarrantNotBacked;
    assert_eq!(last(&theft().file("f", warrant, &[(day(-2_000), None)], &[])), Some(day(0)));
    assert_eq!(last(&theft().file("f", warrant, &[(day(-2_000), Some(day(-500)))], &[])), Some(day(-500)));
    let member = |ended| {
        let membership = CohortMembership {
            status: CohortStatus::Fixed,
            rag: None,
            selected: day(-1_000),
            ended,
            offender_manager: None,
            area: None,
        };
        filed("m", Other::CohortMembership(membership))
    };
    assert_eq!(last(&member(None)), Some(day(0)));
    assert_eq!(last(&member(Some(day(-50)))), Some(day(-50)));
}

#[test]
fn the_outcome_of_a_case_starts_it_anew_and_what_was_done_to_the_person_does_not() {
    let decided = Records::new()
        .offence("o", BURGLARY, day(-900), Outcome::Acquitted)
        .edit_offence(|offence| offence.outcome_date = Some(day(-100)));
    assert_eq!(last_event(&decided.dossier(), day(0)), Some(day(-100)));
    let harmed = decided
        .offence("v", ABH, day(-5), Outcome::Charged)
        .seen_as(PersonCategory::Victim)
        .marker("health", MarkerKind::SelfHarm, day(-4), None)
        .report("false", ThreatIndicator::AccessToWeapon, day(-3), "1E", None);
    assert_eq!(last_event(&harmed.dossier(), day(0)), Some(day(-100)));
    let reported = harmed.report("true", ThreatIndicator::AccessToWeapon, day(-3), "1B", None);
    assert_eq!(last_event(&reported.dossier(), day(0)), Some(day(-3)));
}

#[test]
fn totals_start_no_period_on_the_day_they_were_made() {
    assert_eq!(found(&filed("t", totals(9, 1))).since, day(-900));
}

#[test]
fn who_has_nothing_of_their_own_counts_from_the_newest_record_and_who_has_nothing_is_never_due() {
    let records = Records::new().person(None, None, (0, 0), day(-70));
    assert_eq!(found(&records).since, day(-70));
    let harmed = records.offence("v", ABH, day(-30), Outcome::Charged).seen_as(PersonCategory::Victim);
    assert_eq!(found(&harmed).since, day(-30));
    assert_eq!(standing(&Dossier::new("S-1"), fixture::rules(), day(0)), None);
}

#[test]
fn a_starting_point_of_three_years_is_serious_whatever_the_offence() {
    let rules = fixture::rules();
    let serious = crate::reference::tables().ho_offences().filter(|(place, offence)| {
        let code = OffenceCode { cjs: None, ho: Some(*place) };
        let class = rules.catalogue.classify(code);
        let quiet = !class.violent && !class.sexual && Specified::of(code) == Specified::Unnamed;
        if class.offence && quiet {
            let expected = class.days >= THREE_YEARS && !class.estimated;
            let ground = of_offence(code, &rules.catalogue);
            assert_eq!(ground == Some(RetentionGround::SeriousOffence), expected, "{}", offence.code);
            return expected;
        }
        false
    });
    assert!(serious.count() > 0, "the line must part something");
}

fn any_offence() -> impl Strategy<Value = (&'static str, i32, Outcome)> {
    let codes = vec![MURDER, RAPE, WOUNDING, ABH, BURGLARY, SHOP_THEFT];
    let outcomes = Outcome::ALL.to_vec();
    (prop::sample::select(codes), -9_000..1_i32, prop::sample::select(outcomes))
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn one_more_record_never_puts_a_person_in_a_lesser_group(offences in prop::collection::vec(any_offence(), 1..8)) {
        let mut records = Records::new();
        let mut before: Option<Standing> = None;
        for (place, (code, date, outcome)) in offences.into_iter().enumerate() {
            records = records.offence(&format!("o-{place}"), code, day(date), outcome);
            let now = found(&records);
            let dossier = records.dossier();
            prop_assert!(before.is_none_or(|before| now.group <= before.group));
            prop_assert!(now.since <= day(0));
            let reasons = reasons(&dossier, fixture::rules(), now.group);
            prop_assert_eq!(reasons.is_empty(), now.group == RetentionGroup::Four, "a group is explained");
            before = Some(now);
        }
    }
}
