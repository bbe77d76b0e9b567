use super::*;

/// Twelve hundred people: in "b" every second is selected, in "a" every fifth; outcomes are alike.
fn uneven() -> Vec<Person<'static>> {
    (0..1_200_u32)
        .map(|at| {
            let first = at < 900;
            Person {
                group: Some(if first { "a" } else { "b" }),
                selected: at % if first { 5 } else { 2 } == 0,
                outcome: at % 3 == 0,
                probability: Some(1.0 / 3.0),
            }
        })
        .collect()
}

fn told(told: &Told<Rate>) -> &Rate {
    told.number().expect("a rate that is told")
}

fn against(told_rate: &Told<Rate>) -> Against {
    told(told_rate).against.number().copied().flatten().expect("a comparison that is told")
}

#[test]
fn each_rate_has_its_own_denominator() {
    let table = compare(&uneven(), None, 1).unwrap();
    let row = &table.groups[1];
    let parts = |rate: &Told<Rate>| (told(rate).share.count, told(rate).share.of);
    assert_eq!(row.people, Told::Number(300));
    assert_eq!(parts(&row.selected), (150, 300));
    assert_eq!(parts(&row.false_positive), (100, 200));
    assert_eq!(parts(&row.false_negative), (50, 100));
    assert_eq!(parts(&row.predictive_value), (50, 150));
    assert_eq!(parts(&table.all.selected), (330, 1_200));
}

#[test]
fn the_largest_group_is_the_reference_unless_another_is_named() {
    let table = compare(&uneven(), None, 1).unwrap();
    assert_eq!(table.reference.as_deref(), Some("a"));
    assert_eq!(told(&table.groups[0].selected).against, Told::Number(None));
    assert_eq!(compare(&uneven(), Some("b"), 1).unwrap().reference.as_deref(), Some("b"));
    assert_eq!(compare(&uneven(), Some("z"), 1).unwrap_err(), UnknownReference("z".into()));
}

#[test]
fn those_not_stated_are_a_group_but_not_the_reference() {
    let people: Vec<_> = uneven()
        .into_iter()
        .map(|person| Person { group: person.group.filter(|group| *group == "b"), ..person })
        .collect();
    let table = compare(&people, None, 1).unwrap();
    assert_eq!(table.reference.as_deref(), Some("b"));
    assert_eq!(table.groups[1].value, NOT_STATED);
    assert_eq!(table.groups[1].people, Told::Number(900));
    let nobody: Vec<_> = uneven().into_iter().map(|person| Person { group: None, ..person }).collect();
    assert_eq!(compare(&nobody, None, 1).unwrap().reference, None);
}

#[test]
fn a_planted_difference_is_found_and_an_absent_one_is_not() {
    let table = compare(&uneven(), None, 1).unwrap();
    let selected = against(&table.groups[1].selected);
    let ratio = selected.ratio.unwrap();
    assert!((ratio.value - 2.5).abs() < 1e-12);
    assert!(ratio.low > 2.0 && ratio.high < 3.1, "{ratio:?}");
    assert_eq!(selected.verdict, Verdict::Differs);
    // Who is selected has nothing to do with the outcome in either group.
    assert_eq!(against(&table.groups[1].predictive_value).verdict, Verdict::Inconclusive);
}

#[test]
fn the_interval_of_a_difference_is_the_usual_one_in_large_groups() {
    // sqrt(0.5 x 0.5 / 300 + 0.2 x 0.8 / 900) x 1.96
    let difference = against(&compare(&uneven(), None, 1).unwrap().groups[1].selected).difference.unwrap();
    assert!((difference.low - (0.3 - 0.0623)).abs() < 0.006, "{difference:?}");
    assert!((difference.high - (0.3 + 0.0623)).abs() < 0.006, "{difference:?}");
}

#[test]
fn a_seed_gives_the_same_table_whatever_the_order_of_people() {
    let people = uneven();
    let reversed: Vec<_> = people.iter().rev().copied().collect();
    let table = |people: &[Person<'_>], seed| {
        compare(people, None, seed).unwrap().groups.iter().map(|row| row.selected.clone()).collect::<Vec<_>>()
    };
    assert_eq!(table(&people, 7), table(&reversed, 7));
    assert_ne!(table(&people, 7), table(&people, 8));
}

#[test]
fn none_of_a_few_is_not_taken_for_certain() {
    let group = |value, people: u32, wrong: u32| {
        (0..people).map(move |at| Person {
            group: Some(value),
            selected: at < wrong || at >= people - 20,
            outcome: at >= people - 40,
            probability: None,
        })
    };
    // Of eleven without the outcome none was selected, of the others one in seven: the exact intervals overlap.
    let people: Vec<_> = group("few", 51, 0).chain(group("many", 1_040, 143)).collect();
    let table = compare(&people, None, 1).unwrap();
    let rate = told(&table.groups[0].false_positive);
    assert_eq!((rate.share.count, rate.share.of), (0, 11));
    assert!(!against(&table.groups[0].false_positive).difference.unwrap().spans(0.0));
    assert_eq!(against(&table.groups[0].false_positive).verdict, Verdict::Inconclusive);
}

#[test]
fn calibration_sets_outcomes_against_probabilities() {
    let table = compare(&uneven(), None, 1).unwrap();
    let calibration = table.groups[0].calibration.number().unwrap().unwrap();
    assert_eq!((calibration.of, calibration.observed), (900, 300));
    assert!((calibration.expected - 300.0).abs() < 1e-9);
    assert!(calibration.difference.spans(0.0));
}

#[test]
fn probabilities_that_are_too_low_show_above_zero() {
    let people: Vec<_> = uneven().into_iter().map(|person| Person { probability: Some(0.2), ..person }).collect();
    let calibration = compare(&people, None, 1).unwrap().groups[0].calibration.number().unwrap().unwrap();
    assert!((calibration.difference.value - (1.0 / 3.0 - 0.2)).abs() < 1e-9);
    assert!(calibration.difference.low > 0.0);
}

#[test]
fn a_group_in_which_somebody_has_no_probability_is_not_calibrated() {
    let mut people = uneven();
    people[0].probability = None;
    let table = compare(&people, None, 1).unwrap();
    assert_eq!(table.groups[0].calibration, Told::Number(None));
    assert!(matches!(table.groups[1].calibration, Told::Number(Some(_))));
    assert_eq!(table.all.calibration, Told::Number(None));
}

#[test]
fn of_nobody_there_is_a_table_without_groups() {
    let table = compare(&[], None, 1).unwrap();
    assert!(table.groups.is_empty());
    assert_eq!((table.reference, table.all.people), (None, Told::Suppressed));
}
