//! Whether selection falls on groups of people alike, on the last index date.
//! Characteristics are read here and nowhere else; what is told of a group has
//! been through suppression.

use super::people::Person;
use super::run::Dated;
use super::stability::{ranks, top};
use super::terms::Terms;
use crate::evaluation::compare::groups::{self, NOT_STATED, Rate, Row, Table};
use crate::evaluation::compare::proportion::Proportion;
use crate::evaluation::compare::suppress::{FEWEST, Told};
use crate::pb;

/// Intervals of a mean: so many standard errors either way hold 95 %.
const NINETY_FIVE: f64 = 1.959_963_984_540_054;

/// Every characteristic. `moved`: how many variants stand before the inputs left out.
pub fn of(date: &Dated, capacity: u32, terms: &Terms, moved: usize) -> Vec<pb::Fairness> {
    let orders: Vec<super::people::Order> = date.people.iter().map(|person| person.order).collect();
    let mut selected = vec![false; date.people.len()];
    for place in top(&orders, capacity) {
        selected[place as usize] = true;
    }
    let held = ranks(&orders);
    let shifts: Vec<Vec<f64>> = date.variants[moved.min(date.variants.len())..]
        .iter()
        .map(|orders| ranks(orders).iter().zip(&held).map(|(is, was)| is - was).collect())
        .collect();
    (0..terms.characteristics.len()).map(|place| characteristic(date, &selected, &shifts, terms, place)).collect()
}

fn characteristic(date: &Dated, selected: &[bool], shifts: &[Vec<f64>], terms: &Terms, place: usize) -> pb::Fairness {
    let (name, values) = &terms.characteristics[place];
    let group = |person: &Person| {
        let value = terms.groups.get(&person.subject).and_then(|of| of[place])?;
        values.get(usize::from(value)).map(String::as_str)
    };
    let people: Vec<groups::Person<'_>> = date
        .people
        .iter()
        .zip(selected)
        .map(|(person, selected)| groups::Person {
            group: group(person),
            selected: *selected,
            outcome: person.after.outcome,
            probability: person.predictors[0].filter(|_| !person.in_custody),
        })
        .collect();
    let table = groups::compare(&people, None, terms.stated.seed).expect("no reference group was named");
    let calibrated = Calibrated::of(&table, &people);
    let mut told: Vec<pb::EvaluatedGroup> = table
        .groups
        .iter()
        .zip(calibrated)
        .map(|(row, calibration)| {
            let of_group = |at: &usize| people[*at].group.unwrap_or(NOT_STATED) == row.value;
            let members: Vec<usize> = (0..people.len()).filter(of_group).collect();
            let shift = |shifts: &Vec<f64>| mean_shift(row, members.iter().map(|at| shifts[*at]));
            pb::EvaluatedGroup {
                rank_shifts: shifts.iter().map(shift).collect(),
                calibration: Some(calibration),
                ..told_of(row, &table, terms.declared)
            }
        })
        .collect();
    told.sort_by_key(|group| std::cmp::Reverse(group.people));
    let suppressed = told.iter().all(|group| group.people.is_none());
    pb::Fairness { characteristic: name.clone(), groups: told, suppressed }
}

fn told_of(row: &Row, table: &Table, declared: pb::FairnessStandard) -> pb::EvaluatedGroup {
    let judged = match declared {
        pb::FairnessStandard::EqualFalsePositiveRates => Some(&row.false_positive),
        pb::FairnessStandard::EqualFalseNegativeRates => Some(&row.false_negative),
        pb::FairnessStandard::EqualSelection => Some(&row.selected),
        pb::FairnessStandard::EqualPredictiveValue => Some(&row.predictive_value),
        // Whether chances come true is told by the interval of the group itself, not beside another.
        pb::FairnessStandard::Calibration | pb::FairnessStandard::Unspecified => None,
    };
    pb::EvaluatedGroup {
        group: row.value.clone(),
        reference: table.reference.as_ref() == Some(&row.value),
        people: row.people.number().copied(),
        selection_rate: Some(rate(&row.selected)),
        selection_ratio: Some(ratio(&row.selected)),
        false_positive_rate: Some(rate(&row.false_positive)),
        false_negative_rate: Some(rate(&row.false_negative)),
        positive_predictive_value: Some(rate(&row.predictive_value)),
        calibration: None,
        declared_verdict: judged.map_or(pb::Conclusion::Unspecified, verdict).into(),
        rank_shifts: Vec::new(),
    }
}

fn suppressed() -> pb::GroupNumber {
    pb::GroupNumber { suppressed: true, ..pb::GroupNumber::default() }
}

fn rate(told: &Told<Rate>) -> pb::GroupNumber {
    match told {
        Told::Suppressed => suppressed(),
        Told::Number(Rate { share, .. }) => pb::GroupNumber {
            value: Some(share.value),
            low: Some(share.low),
            high: Some(share.high),
            of: share.of,
            suppressed: false,
        },
    }
}

fn ratio(told: &Told<Rate>) -> pb::GroupNumber {
    match told {
        Told::Suppressed | Told::Number(Rate { against: Told::Suppressed, .. }) => suppressed(),
        Told::Number(Rate { share, against: Told::Number(against) }) => {
            let ratio = against.as_ref().and_then(|against| against.ratio);
            pb::GroupNumber {
                value: ratio.map(|ratio| ratio.value),
                low: ratio.map(|ratio| ratio.low),
                high: ratio.map(|ratio| ratio.high),
                of: share.of,
                suppressed: false,
            }
        }
    }
}

/// Whether a rate is another than the reference group's.
fn verdict(told: &Told<Rate>) -> pb::Conclusion {
    let against = told.number().and_then(|rate| rate.against.number()).and_then(Option::as_ref);
    let Some(against) = against else { return pb::Conclusion::Unspecified };
    match against.difference {
        Some(difference) if difference.low > 0.0 => pb::Conclusion::Higher,
        Some(difference) if difference.high < 0.0 => pb::Conclusion::Lower,
        Some(_) | None => pb::Conclusion::Inconclusive,
    }
}

fn mean_shift(row: &Row, shifts: impl Iterator<Item = f64>) -> pb::GroupNumber {
    if row.people.is_suppressed() {
        return suppressed();
    }
    let (mut n, mut sum, mut squares) = (0_u32, 0.0, 0.0);
    for shift in shifts {
        (n, sum, squares) = (n + 1, sum + shift, squares + shift * shift);
    }
    let mean = sum / f64::from(n);
    let spread = (squares - sum * mean).max(0.0) / f64::from(n.saturating_sub(1).max(1));
    let reach = NINETY_FIVE * libm::sqrt(spread / f64::from(n));
    pb::GroupNumber { value: Some(mean), low: Some(mean - reach), high: Some(mean + reach), of: n, suppressed: false }
}

/// Where so many are without a chance and no more, they may be taken to have the mean of the others.
const ONE_IN: u32 = 20;

/// People of one group with a predicted chance and without, with the outcome and without.
#[derive(Clone, Copy, Debug, Default)]
struct Calibrated {
    with: [u32; 2],
    without: [u32; 2],
    expected: f64,
}

impl Calibrated {
    /// Observed less expected of each group. Most groups hold some people without a chance, and those could be worked out
    /// from the group's other numbers, and so could what the few of them did. A group is told of exactly where each of its
    /// four counts is nought or at least ten. Else, where one in twenty or fewer are without, everybody in it is counted and
    /// those without are taken to have the mean of the others: that tells nothing of how many they are. Else it is withheld.
    /// As many others are told of less exactly as it takes that those who are not told of exactly are no few together.
    fn of(table: &Table, people: &[groups::Person<'_>]) -> Vec<pb::GroupNumber> {
        let mut counts = vec![Self::default(); table.groups.len()];
        for person in people {
            let value = person.group.unwrap_or(NOT_STATED);
            let Some(place) = table.groups.iter().position(|row| row.value == value) else { continue };
            counts[place].add(person);
        }
        let open: Vec<bool> = table
            .groups
            .iter()
            .map(|row| !row.false_positive.is_suppressed() && !row.false_negative.is_suppressed())
            .collect();
        let mut exact: Vec<bool> = open.iter().zip(&counts).map(|(open, counts)| *open && counts.fits()).collect();
        loop {
            let others = || counts.iter().zip(&exact).filter(|(_, exact)| !**exact).map(|(counts, _)| counts);
            let together = others().fold(Self::default(), Self::and);
            if others().count() == 0 || (others().count() > 1 && together.fits()) {
                break;
            }
            let next = (0..counts.len()).filter(|at| exact[*at]).min_by_key(|at| counts[*at].people());
            let Some(next) = next else { break };
            exact[next] = false;
        }
        let told = |((counts, exact), open): ((&Self, bool), bool)| match (exact, open && counts.are_few_without()) {
            (true, _) => counts.told(),
            (false, true) => counts.told_of_all(),
            (false, false) => suppressed(),
        };
        counts.iter().zip(exact).zip(open).map(told).collect()
    }

    fn add(&mut self, person: &groups::Person<'_>) {
        let side = usize::from(person.outcome);
        match person.probability {
            Some(probability) => {
                self.with[side] += 1;
                self.expected += probability;
            }
            None => self.without[side] += 1,
        }
    }

    fn and(self, other: &Self) -> Self {
        let sum = |one: [u32; 2], other: [u32; 2]| [one[0] + other[0], one[1] + other[1]];
        Self {
            with: sum(self.with, other.with),
            without: sum(self.without, other.without),
            expected: self.expected + other.expected,
        }
    }

    fn people(&self) -> u32 {
        self.with.iter().chain(&self.without).sum()
    }

    fn fits(&self) -> bool {
        self.with.iter().chain(&self.without).all(|count| *count == 0 || *count >= FEWEST)
    }

    fn are_few_without(&self) -> bool {
        self.without.iter().sum::<u32>() * ONE_IN <= self.people()
    }

    fn told(&self) -> pb::GroupNumber {
        self.less_expected(self.with)
    }

    fn told_of_all(&self) -> pb::GroupNumber {
        self.less_expected([self.with[0] + self.without[0], self.with[1] + self.without[1]])
    }

    fn less_expected(&self, people: [u32; 2]) -> pb::GroupNumber {
        let of = people[0] + people[1];
        let Some(observed) = Proportion::new(people[1], of) else { return pb::GroupNumber::default() };
        let expected = self.expected / f64::from(self.with[0] + self.with[1]);
        pb::GroupNumber {
            value: Some(observed.value - expected),
            low: Some(observed.low - expected),
            high: Some(observed.high - expected),
            of,
            suppressed: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people(groups: &[(&'static str, [u32; 4])]) -> Vec<groups::Person<'static>> {
        let mut people = Vec::new();
        for (group, counts) in groups {
            // With a chance and no outcome, with both, without either, without a chance and with the outcome.
            for (place, count) in counts.iter().enumerate() {
                for number in 0..*count {
                    people.push(groups::Person {
                        group: Some(group),
                        selected: number % 2 == 0,
                        outcome: place % 2 == 1,
                        probability: (place < 2).then_some(0.4),
                    });
                }
            }
        }
        people
    }

    fn withheld(groups: &[(&'static str, [u32; 4])]) -> Vec<(String, bool)> {
        let people = people(groups);
        let table = groups::compare(&people, None, 7).expect("no reference is named");
        let told = Calibrated::of(&table, &people);
        table.groups.iter().zip(told).map(|(row, told)| (row.value.clone(), told.suppressed)).collect()
    }

    #[test]
    fn calibration_of_a_group_is_told_where_nobody_in_it_can_be_worked_out() {
        let found = withheld(&[("A", [100, 60, 0, 0]), ("B", [50, 40, 20, 30]), ("C", [40, 40, 0, 0])]);
        assert!(found.iter().all(|(_, withheld)| !withheld), "{found:?}");
        // Nine without a chance: theirs would follow from the group's other numbers, and alone from the whole.
        let found = withheld(&[("A", [100, 60, 0, 0]), ("B", [50, 40, 2, 7]), ("C", [40, 40, 11, 12])]);
        let names: Vec<&str> = found.iter().filter(|(_, withheld)| *withheld).map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["B", "C"]);
    }

    #[test]
    fn a_few_without_a_chance_are_taken_for_the_mean_and_not_counted() {
        let told = |b: [u32; 4]| {
            let people = people(&[("A", [100, 60, 1, 2]), ("B", b)]);
            let table = groups::compare(&people, None, 7).expect("no reference is named");
            Calibrated::of(&table, &people)
        };
        let (three, none) = (told([60, 40, 2, 1]), told([62, 41, 0, 0]));
        assert_eq!((three[1].of, none[1].of), (103, 103), "whether they have one does not show");
        assert!(three[1].value.zip(none[1].value).is_some_and(|(three, none)| (three - none).abs() < 1e-12));
        assert!(!three[1].suppressed && three[1].value.is_some_and(|value| value.abs() < 0.01));
    }

    #[test]
    fn a_group_s_calibration_is_observed_less_expected() {
        let people = people(&[("A", [60, 40, 0, 0]), ("B", [50, 50, 0, 0])]);
        let table = groups::compare(&people, None, 7).expect("no reference is named");
        let told = Calibrated::of(&table, &people);
        assert!((told[0].value.expect("told")).abs() < 1e-12 && (told[1].value.expect("told") - 0.1).abs() < 1e-12);
        assert!(told.iter().all(|it| it.low < it.value && it.value < it.high));
    }
}
