//! What cannot be computed is told as such.

use super::super::{Ends, Estimate, IndexDate, Measure, Order, Question, Verdict, evaluate};
use super::{asked, assert_close, date, people};

const SCORES: [f64; 4] = [4.0, 3.0, 2.0, 1.0];

fn values(dates: &[IndexDate], order: Order) -> Vec<Option<f64>> {
    let found = asked(4, dates, 20, 1);
    Measure::ALL.map(|measure| found.on(0, order, measure).value()).to_vec()
}

#[test]
fn where_nobody_did_it_only_precision_is_known() {
    let dates = [date(&[false; 4], &[0.0; 4], &[&SCORES], 2)];
    for order in [Order::Ranked(0), Order::Random] {
        assert_eq!(values(&dates, order), [None, Some(0.0), None, None, None, None]);
    }
}

#[test]
fn where_everybody_did_it_there_is_no_area() {
    let dates = [date(&[true; 4], &[1.0; 4], &[&SCORES], 2)];
    for order in [Order::Ranked(0), Order::Random] {
        assert_eq!(values(&dates, order), [None, Some(1.0), Some(0.5), Some(0.5), Some(1.0), Some(1.0)]);
    }
}

#[test]
fn where_nobody_stands_nothing_is_known() {
    assert_eq!(values(&[date(&[], &[], &[&[]], 2)], Order::Ranked(0)), [None; 6]);
    let found = asked(0, &[], 20, 1);
    assert!(Measure::ALL.iter().all(|measure| found.over_dates(Order::Random, *measure).estimate().is_none()));
}

#[test]
fn where_all_can_be_managed_all_is_captured() {
    let dates = [date(&[true, false, true, false], &[3.0, 0.0, 1.0, 0.0], &[&SCORES], 9)];
    for order in [Order::Ranked(0), Order::Random] {
        let found = values(&dates, order);
        assert_eq!(found[1..], [Some(0.5), Some(1.0), Some(1.0), Some(1.0), Some(1.0)]);
    }
}

#[test]
fn a_value_that_many_samples_lack_has_no_interval() {
    // One of thirty did it: better than one sample in three is without that one.
    let mut outcomes = [false; 30];
    outcomes[3] = true;
    let scores: Vec<f64> = (0..30).map(f64::from).collect();
    let found = asked(30, &[date(&outcomes, &[0.0; 30], &[&scores, &[0.0; 30]], 5)], 1_000, 4);
    let area = found.on(0, Order::Ranked(0), Measure::Auc);
    let Some(Estimate { ends: Ends::Unstable { undefined, samples: 1_000 }, .. }) = area.estimate() else {
        panic!("{:?}", area.estimate());
    };
    assert!((300..430).contains(&undefined), "{undefined}");
    assert_eq!(area.samples().filter(Option::is_none).count(), undefined);
    let difference = area.less(found.on(0, Order::Ranked(1), Measure::Auc)).unwrap();
    assert_eq!((difference.verdict, difference.estimate.low()), (Verdict::Inconclusive, None));
    assert!(found.on(0, Order::Ranked(0), Measure::Precision).estimate().unwrap().low().is_some());
}

#[test]
fn a_value_that_few_samples_lack_has_one() {
    // Of five, one sample in 150 has none.
    let outcomes: Vec<bool> = (0..200).map(|at| at % 40 == 0).collect();
    let scores: Vec<f64> = (0..200).map(|at| f64::from(at % 7)).collect();
    let found = asked(200, &[date(&outcomes, &[0.0; 200], &[&scores], 5)], 3_000, 4);
    let area = found.on(0, Order::Ranked(0), Measure::Auc);
    assert!(area.samples().any(|sample| sample.is_none()));
    assert!(area.estimate().unwrap().low().is_some());
}

#[test]
fn without_samples_there_is_a_value_and_no_interval() {
    let (outcomes, harm, scores) = people(50, 5);
    let found = asked(50, &[date(&outcomes, &harm, &[&scores], 5)], 0, 1);
    let estimate = found.on(0, Order::Ranked(0), Measure::Auc).estimate().unwrap();
    assert_eq!(estimate.ends, Ends::Unstable { undefined: 0, samples: 0 });
}

#[test]
fn a_date_on_which_it_cannot_be_computed_stays_out_of_the_mean() {
    let (outcomes, harm, scores) = people(50, 6);
    let mut other = date(&[false; 50], &[0.0; 50], &[&scores], 5);
    other.rows.iter_mut().for_each(|row| row.person += 50);
    let dates = [date(&outcomes, &harm, &[&scores], 5), other];
    let found = asked(100, &dates, 100, 1);
    let (on, over) = (found.on(0, Order::Ranked(0), Measure::Auc), found.over_dates(Order::Ranked(0), Measure::Auc));
    assert_eq!(on.estimate(), over.estimate());
    assert_eq!(over.people(), 50);
    let precision = |date| found.on(date, Order::Ranked(0), Measure::Precision).value().unwrap();
    let over = found.over_dates(Order::Ranked(0), Measure::Precision);
    assert_close(over.value().unwrap(), f64::midpoint(precision(0), precision(1)), 1e-15);
    assert_eq!(over.people(), 100);
}

#[test]
#[should_panic(expected = "a row must name one of the people")]
fn a_row_of_a_stranger_is_a_fault() {
    let dates = [date(&[true], &[1.0], &[&[1.0]], 1)];
    evaluate(&Question { people: 0, dates: &dates, chances: &[], samples: 0, seed: 0 });
}
