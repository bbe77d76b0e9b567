use super::*;
use crate::domain::Revision;
use crate::domain::evidence::{CohortMembership, Evidence, Exploitation, Kind, Offence, OpenPeriod, Person};
use crate::domain::offence::OffenceCode;
use crate::domain::word::{CloseOutcome, OffenceGroup, Outcome};
use crate::policy::Policy;
use crate::ranking::sample::{AS_OF, People, person};
use crate::reference::tables;

fn row_of(told: &str) -> Row {
    People::of([person("S", told)]).row(0).clone()
}

fn lists(told: &str) -> Vec<List> {
    row_of(told).lists.iter().collect()
}

#[test]
fn everyone_is_on_all_and_children_are_kept_off_cohort_and_candidates() {
    assert_eq!(lists(""), [List::All]);
    assert_eq!(lists("managed"), [List::Cohort, List::All]);
    assert_eq!(lists("managed child"), [List::Children, List::All]);
    assert_eq!(lists("child band=HIGH"), [List::Children, List::All]);
    assert_eq!(lists("band=MEDIUM"), [List::Candidates, List::All]);
    assert_eq!(lists("managed band=VERY_HIGH"), [List::Cohort, List::All]);
}

#[test]
fn a_wanted_child_is_on_the_outstanding_lists_too() {
    assert_eq!(lists("child reason=ESCAPE"), [List::Children, List::Outstanding, List::Wanted, List::All]);
}

#[test]
fn each_reason_leads_to_its_list() {
    assert_eq!(
        lists("reason=RECALL_STANDARD reason=FINE_DEFAULT_WARRANT reason=BREACHED_POLICE_BAIL_CONDITIONS"),
        [List::Outstanding, List::BailFailed, List::Warrants, List::Recalls, List::All]
    );
}

fn record(id: &str, kind: Kind) -> Evidence {
    Evidence { id: id.into(), revision: Revision(1), category: PersonCategory::Suspect, updated: AS_OF, kind }
}

fn file(periods: &[(i32, Option<i32>)], circulation: Circulation, area: &str) -> Other {
    let period = |(from, to): &(i32, Option<i32>)| OpenPeriod {
        opened: AS_OF + *from,
        closed: to.map(|to| (AS_OF + to, CloseOutcome::Arrested)),
    };
    Other::Outstanding(Outstanding {
        reason: OutstandingReason::Escape,
        periods: periods.iter().map(period).collect(),
        circulation,
        offence_ids: Vec::new(),
        area: Some(area.into()),
        officer: None,
        terms: Box::default(),
    })
}

fn row_from(people: &People, others: &[Other]) -> Row {
    let area = |name: &str| Box::from(name);
    let held = Person { birth: None, sex: None, apparent_age: (0, 0), made: AS_OF, areas: vec![area("North")] };
    let records = others.iter().enumerate().map(|(n, other)| record(&format!("R{n}"), Kind::Other(other.clone())));
    let dossier = Dossier::from_evidence("S", Revision(1), records.chain([record("P", Kind::Person(held))]));
    Row::new(&dossier, &person("S", "").weighed, &people.rules, AS_OF, &people.names)
}

#[test]
fn since_is_of_the_earliest_file_as_last_opened() {
    let people = People::of([]);
    let row = row_from(
        &people,
        &[
            file(&[(-900, Some(-500)), (-300, None)], Circulation::Pending, "North"),
            file(&[(-20, None)], Circulation::PncWanted, "South"),
            file(&[(-700, Some(-1))], Circulation::International, "East"),
        ],
    );
    assert_eq!(row.outstanding_since(), Some(AS_OF - 300));
    assert_eq!(row.days_outstanding(AS_OF), Some(300));
    assert_eq!(row.circulation(), Some(Circulation::PncWanted), "a closed file's circulation is past");
    let areas: Vec<_> = row.areas.as_slice().iter().map(|area| people.names.area_name(*area)).collect();
    assert_eq!(areas, ["North".into(), "South".into()] as [Arc<str>; 2], "a closed file looks nowhere");
}

#[test]
fn a_file_opened_after_the_day_counts_as_opened_on_it() {
    let row = row_from(&People::of([]), &[file(&[(1, None)], Circulation::Pending, "North")]);
    assert_eq!(row.outstanding_since(), Some(AS_OF));
    assert_eq!(row.days_outstanding(AS_OF), Some(0));
}

#[test]
fn a_closed_file_leaves_nobody_outstanding() {
    let row = row_from(&People::of([]), &[file(&[(-9, Some(-1))], Circulation::PncWanted, "North")]);
    assert_eq!((row.outstanding_since(), row.days_outstanding(AS_OF), row.circulation()), (None, None, None));
    assert!(!row.lists.holds(List::Outstanding));
    assert_eq!(row.reasons().count(), 0);
}

fn membership(selected: i32, ended: Option<i32>, rag: Rag, officer: &str) -> Other {
    Other::CohortMembership(CohortMembership {
        status: CohortStatus::Flex,
        rag: Some(rag),
        selected: AS_OF + selected,
        ended: ended.map(|days| AS_OF + days),
        offender_manager: Some(officer.into()),
        area: Some("West".into()),
    })
}

#[test]
fn the_latest_membership_in_force_manages_the_person() {
    let people = People::of([]);
    let row = row_from(
        &people,
        &[
            membership(-50, None, Rag::Red, "O-1"),
            membership(-500, None, Rag::Green, "O-2"),
            membership(-5, Some(-1), Rag::Amber, "O-3"),
        ],
    );
    assert!(row.lists.holds(List::Cohort));
    assert_eq!((row.cohort_status(), row.rag()), (Some(CohortStatus::Flex), Some(Rag::Red)));
    assert_eq!(row.offender_manager(), people.names.find_officer("O-1"));
    assert!(row.areas.any_of(&[people.names.area("West")]));
    let former = row_from(&people, &[membership(-5, Some(-1), Rag::Amber, "O-3")]);
    assert!(!former.lists.holds(List::Cohort));
    assert_eq!((former.cohort_status(), former.offender_manager()), (None, None));
    assert!(!former.areas.any_of(&[people.names.area("West")]));
}

#[test]
fn areas_are_each_held_once_however_many() {
    let names = Names::default();
    let areas = |count: usize| {
        let told = (0..count).chain(0..count).map(|n| names.area(&format!("A{n}"))).collect();
        Areas::new(told)
    };
    for count in [0, 1, 4, 5, 6, 40] {
        assert_eq!(areas(count).as_slice().len(), count);
    }
    assert!(areas(6).any_of(&[names.area("A5")]));
    assert!(!areas(5).any_of(&[names.area("A5")]));
}

fn alleged(ho_code: &str, outcome: Outcome, domestic_abuse: bool) -> Kind {
    Kind::Offence(Offence {
        code: OffenceCode { cjs: None, ho: Some(tables().ho(ho_code).expect("must be in the tables")) },
        committed: Some(AS_OF - 9),
        reported: AS_OF - 9,
        outcome,
        outcome_date: None,
        incident: None,
        victim: None,
        domestic_abuse,
        hate: false,
        proactive: false,
    })
}

fn burglary(outcome: Outcome) -> Kind {
    alleged("028/03", outcome, false)
}

fn groups(records: Vec<Evidence>, catalogue: &Catalogue) -> Vec<OffenceGroup> {
    let dossier = Dossier::from_evidence("S", Revision(1), records);
    own_offence_groups(&dossier, catalogue).words().collect()
}

fn catalogue(change: impl FnOnce(&mut Policy)) -> Catalogue {
    let mut policy = Policy::reference();
    change(&mut policy);
    Catalogue::new(tables(), &policy)
}

#[test]
fn only_own_offences_with_proof_give_a_group() {
    let of = |category, outcome| {
        let record = Evidence { category, ..record("F", burglary(outcome)) };
        groups(vec![record], &catalogue(|_| {}))
    };
    assert_eq!(of(PersonCategory::Suspect, Outcome::Charged), [OffenceGroup::Burglary]);
    assert_eq!(of(PersonCategory::Convicted, Outcome::Charged), [OffenceGroup::Burglary]);
    assert_eq!(of(PersonCategory::Victim, Outcome::Charged), []);
    assert_eq!(of(PersonCategory::Witness, Outcome::Charged), []);
    assert_eq!(of(PersonCategory::Suspect, Outcome::NoFurtherAction), []);
}

#[test]
fn evidential_difficulty_has_proof_only_where_the_policy_says_so() {
    let switched_off = catalogue(|_| {});
    let switched_on = catalogue(|policy| policy.harm.evidential_difficulty = Some(0.2));
    let of = |catalogue: &Catalogue, domestic| {
        groups(vec![record("F", alleged("028/03", Outcome::EvidentialDifficulty, domestic))], catalogue)
    };
    assert_eq!(of(&switched_off, true), []);
    assert_eq!(of(&switched_on, true), [OffenceGroup::Burglary]);
    assert_eq!(of(&switched_on, false), []);
}

#[test]
fn an_offence_that_exploitation_explains_gives_no_group_until_reviewed() {
    let of = |status, reviewed| {
        let referral = Exploitation { status, date: AS_OF - 3, offence_ids: vec!["F".into()], reviewed };
        let records =
            vec![record("F", burglary(Outcome::Charged)), record("N", Kind::Other(Other::Exploitation(referral)))];
        groups(records, &catalogue(|_| {}))
    };
    assert_eq!(of(ExploitationStatus::Pending, None), []);
    assert_eq!(of(ExploitationStatus::Positive, None), []);
    assert_eq!(of(ExploitationStatus::Positive, Some(AS_OF)), [OffenceGroup::Burglary]);
    assert_eq!(of(ExploitationStatus::Negative, None), [OffenceGroup::Burglary]);
}
