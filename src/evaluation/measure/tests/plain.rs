//! The quick passes give what slow and plain ones give: every drawn copy of a person
//! stands for itself.

use std::cmp::Ordering;

use rand::Rng;

use super::super::resample::Weights;
use super::super::roc::Curve;
use super::super::top::{All, Top};
use super::super::{IndexDate, Measure, Order, Row, harm_curve};
use super::{asked, assert_close, date, people, source};

/// Everybody drawn in a sample, best first, each copy by itself, in groups of equals.
fn copies(date: &IndexDate, weights: &Weights, lane: usize) -> Vec<Vec<Row>> {
    let copies = |row: &u32| {
        let row = date.rows[*row as usize];
        std::iter::repeat_n(row, usize::from(weights.of(row.person)[lane]))
    };
    date.rankings[0].groups().map(|group| group.iter().flat_map(copies).collect()).collect()
}

fn plain_area(groups: &[Vec<Row>]) -> Option<f64> {
    let count = |group: &[Row], outcome: bool| group.iter().filter(|row| row.outcome == outcome).count() as f64;
    let (mut won, mut pairs) = (0.0, 0.0);
    for (at, group) in groups.iter().enumerate() {
        let cases = count(group, true);
        for (other, others) in groups.iter().enumerate() {
            let share = match at.cmp(&other) {
                Ordering::Less => 1.0,
                Ordering::Equal => 0.5,
                Ordering::Greater => 0.0,
            };
            pairs += cases * count(others, false);
            won += share * cases * count(others, false);
        }
    }
    (pairs > 0.0).then(|| won / pairs)
}

/// Cases and harm of the first k.
fn plain_top(groups: &[Vec<Row>], k: usize) -> (f64, f64) {
    let (mut room, mut cases, mut harm) = (k as f64, 0.0, 0.0);
    for group in groups.iter().filter(|group| !group.is_empty()) {
        let part = (room / group.len() as f64).min(1.0);
        cases += part * group.iter().filter(|row| row.outcome).count() as f64;
        harm += part * group.iter().map(|row| row.harm).sum::<f64>();
        room -= part * group.len() as f64;
    }
    (cases, harm)
}

/// Scores of several grains: none tied, some, most, all.
fn grained(scores: &[f64]) -> [Vec<f64>; 4] {
    [1e9, 30.0, 2.0, 0.0].map(|grain| scores.iter().map(|score| (score * grain).round()).collect())
}

#[test]
fn a_sample_is_measured_as_if_every_copy_stood_for_itself() {
    let (outcomes, harm, scores) = people(400, 11);
    for scores in grained(&scores) {
        for k in [1, 64, 190, 400, 500] {
            let date = date(&outcomes, &harm, &[&scores], k);
            let weights = Weights::drawn(5, 0, 400);
            let areas = Curve::of(&date.rankings[0], &date.rows).areas(&weights);
            let top = Top::of(k, &date.rankings[0], &date.rows, &weights);
            let all = All::of(&date.rows, &weights);
            for (lane, area) in areas.iter().enumerate() {
                let groups = copies(&date, &weights, lane);
                assert_close(area.unwrap(), plain_area(&groups).unwrap(), 1e-12);
                let (cases, harm) = plain_top(&groups, k as usize);
                assert_close(top.cases(lane), cases, 1e-9);
                assert_close(top.harm[lane], harm, 1e-6);
                let drawn: Vec<&Row> = groups.iter().flatten().collect();
                assert_eq!(all.people[lane] as usize, drawn.len());
                assert_eq!(all.cases[lane] as usize, drawn.iter().filter(|row| row.outcome).count());
                assert_close(all.harm[lane], drawn.iter().map(|row| row.harm).sum(), 1e-6);
            }
        }
    }
}

#[test]
fn cells_of_neighbours_change_no_area_that_anybody_could_see() {
    let (outcomes, harm, scores) = people(30_000, 12);
    for scores in grained(&scores) {
        let date = date(&outcomes, &harm, &[&scores], 100);
        let once = Weights::once(30_000);
        let weights = Weights::drawn(6, 3, 30_000);
        let exact = Curve::in_cells(&date.rankings[0], &date.rows, 30_000);
        let cells = Curve::of(&date.rankings[0], &date.rows);
        assert_close(cells.areas(&once)[0].unwrap(), exact.areas(&once)[0].unwrap(), 1e-14);
        for (cells, exact) in cells.areas(&weights).iter().zip(exact.areas(&weights)) {
            // The area's standard error is about .003.
            assert_close(cells.unwrap(), exact.unwrap(), 3e-6);
        }
    }
}

#[test]
fn a_tie_across_the_line_counts_as_the_mean_of_every_order() {
    // Of the four who are tied two fit: the mean of the six ways to pick two.
    let outcomes = [true, true, false, false, false, true];
    let harm = [5.0, 10.0, 0.0, 20.0, 0.0, 7.0];
    let tied = [1_usize, 2, 3, 4];
    let (mut cases, mut sum, mut ways) = (0.0, 0.0, 0.0);
    for (at, one) in tied.iter().enumerate() {
        for other in &tied[at + 1..] {
            cases += 1.0 + f64::from(u8::from(outcomes[*one])) + f64::from(u8::from(outcomes[*other]));
            sum += harm[0] + harm[*one] + harm[*other];
            ways += 1.0;
        }
    }
    let found = asked(6, &[date(&outcomes, &harm, &[&[9.0, 5.0, 5.0, 5.0, 5.0, 1.0]], 3)], 0, 0);
    let value = |measure| found.on(0, Order::Ranked(0), measure).value().unwrap();
    assert_close(value(Measure::Precision), cases / ways / 3.0, 1e-12);
    assert_close(value(Measure::Recall), cases / ways / 3.0, 1e-12);
    assert_close(value(Measure::HarmCaptured), sum / ways / 42.0, 1e-12);
    assert_close(value(Measure::HarmLift), sum / ways / 42.0 * 2.0, 1e-12);
    assert_close(value(Measure::HarmOfBest), sum / ways / 37.0, 1e-12);
}

#[test]
fn a_random_order_is_one_in_which_all_are_tied() {
    let (outcomes, harm, _) = people(90, 13);
    for k in [1, 20, 90, 200] {
        let found = asked(90, &[date(&outcomes, &harm, &[&[0.0; 90]], k)], 40, 1);
        for measure in Measure::ALL {
            let (tied, random) = (found.on(0, Order::Ranked(0), measure), found.on(0, Order::Random, measure));
            assert_close(tied.value().unwrap(), random.value().unwrap(), 1e-12);
            for (tied, random) in tied.samples().zip(random.samples()) {
                assert_close(tied.unwrap(), random.unwrap(), 1e-12);
            }
        }
    }
}

#[test]
fn a_curve_of_harm_goes_through_what_is_captured_at_k() {
    let (outcomes, harm, scores) = people(200, 14);
    for scores in grained(&scores) {
        let dates = [date(&outcomes, &harm, &[&scores], 50)];
        let captured = asked(200, &dates, 0, 0).on(0, Order::Ranked(0), Measure::HarmCaptured).value().unwrap();
        let curve = harm_curve(&dates, 0, &[0.0, 0.125, 0.25, 1.0]).unwrap();
        assert_close(curve[0], 0.0, 0.0);
        assert_close(curve[2], captured, 1e-12);
        assert_close(curve[3], 1.0, 1e-12);
        assert!(curve.is_sorted());
    }
    assert_eq!(harm_curve(&[date(&outcomes, &[0.0; 200], &[&scores], 50)], 0, &[0.5]), None);
}

#[test]
fn over_dates_is_the_mean_of_the_dates_sample_by_sample() {
    let mut source = source(15);
    let dates: Vec<IndexDate> = (0..3)
        .map(|seed| {
            let (outcomes, harm, scores) = people(150, 20 + seed);
            let mut date = date(&outcomes, &harm, &[&scores], 20);
            date.rows.iter_mut().for_each(|row| row.person = (row.person + source.random_range(0..150)) % 150);
            date
        })
        .collect();
    let found = asked(150, &dates, 50, 2);
    for measure in Measure::ALL {
        let on: Vec<Vec<f64>> = (0..3)
            .map(|date| found.on(date, Order::Ranked(0), measure).samples().map(Option::unwrap).collect())
            .collect();
        for (at, sample) in found.over_dates(Order::Ranked(0), measure).samples().enumerate() {
            assert_close(sample.unwrap(), (on[0][at] + on[1][at] + on[2][at]) / 3.0, 1e-12);
        }
    }
}
