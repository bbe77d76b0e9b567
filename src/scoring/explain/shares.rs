//! Sharing the composite out among its leaves, to the last milli-point.
//!
//! Leaves share their component in proportion. Each gets the whole milli-points
//! of its exact part; those left over go one each to the largest remainders, in
//! one pass over all leaves: so the contributions sum to the composite exactly,
//! whatever the rounding of the components did.

use std::cmp::Ordering;

use super::Contribution;
use crate::domain::MilliPoints;
use crate::domain::word::{Component, Family};
use crate::scoring::composite::{Whole, part};
use crate::scoring::floors::End;
use crate::scoring::{Factor, Leaf};

/// A leaf with its part of the composite.
struct Part {
    leaf: Leaf,
    milli: u32,
    remainder: f64,
}

/// The contributions of a family, largest first; those that get no milli-point are left out.
pub(super) fn share_out(whole: &Whole<'_>, family: Family, leaves: Vec<Leaf>, total: MilliPoints) -> Vec<Contribution> {
    let components = whole.parts.at(End::Point);
    let scale = whole.scale(family);
    let mut exact = [0.0; 3];
    for place in 0..exact.len() {
        exact[place] = part(scale[place], components[place]);
    }
    let mut contributions: Vec<Contribution> = apportion(leaves, exact, total.get())
        .into_iter()
        .filter(|part| part.milli > 0)
        .map(Contribution::from)
        .collect();
    contributions.sort_by(|a, b| b.milli.cmp(&a.milli).then_with(|| standing(a).cmp(&standing(b))));
    contributions
}

fn standing(contribution: &Contribution) -> (Component, Option<crate::domain::Date>, &[Box<str>], &'static str) {
    (contribution.component, contribution.date, &contribution.evidence, contribution.rule)
}

/// Gives each leaf its whole milli-points, then those left over to the largest remainders.
fn apportion(leaves: Vec<Leaf>, exact: [f64; 3], total: u32) -> Vec<Part> {
    let mut leaves: Vec<Leaf> = leaves.into_iter().filter(|leaf| leaf.share > 0.0).collect();
    let mut sums = [0.0; 3];
    for leaf in &leaves {
        sums[leaf.component as usize] += leaf.share;
    }
    for component in Component::ALL {
        let place = *component as usize;
        if exact[place] > 0.0 && sums[place] <= 0.0 {
            leaves.push(unattributed(*component));
            sums[place] = 1.0;
        }
    }
    let mut parts: Vec<Part> = leaves
        .into_iter()
        .map(|leaf| {
            let place = leaf.component as usize;
            let mine = exact[place] * leaf.share / sums[place];
            let floor = libm::floor(mine);
            Part { leaf, milli: whole_milli(floor), remainder: mine - floor }
        })
        .collect();
    parts.sort_by(by_remainder);
    let given: u32 = parts.iter().map(|part| part.milli).sum();
    let mut left = total.saturating_sub(given);
    // One round is enough: less is left over than there are leaves, but for the half that rounding may add.
    while left > 0 && !parts.is_empty() {
        for part in &mut parts {
            if left > 0 {
                part.milli += 1;
                left -= 1;
            }
        }
    }
    parts
}

/// Largest remainder first; ties by component, date and record id.
fn by_remainder(a: &Part, b: &Part) -> Ordering {
    let key = |part: &Part| (part.leaf.component, part.leaf.date);
    b.remainder
        .total_cmp(&a.remainder)
        .then_with(|| key(a).cmp(&key(b)))
        .then_with(|| a.leaf.evidence.cmp(&b.leaf.evidence))
        .then_with(|| a.leaf.rule.cmp(b.leaf.rule))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of at most 100,000, not below 0")]
fn whole_milli(floor: f64) -> u32 {
    floor as u32
}

/// Stands for points that no leaf of the component claims, so that nothing is hidden and the sum holds.
fn unattributed(component: Component) -> Leaf {
    Leaf {
        component,
        rule: "NOT_ATTRIBUTED",
        date: None,
        evidence: Vec::new(),
        share: 1.0,
        description: "Points that follow from what is missing, not from a record: see the gaps.".to_owned(),
        factors: Vec::<Factor>::new(),
    }
}

impl From<Part> for Contribution {
    fn from(part: Part) -> Self {
        let Part { leaf, milli, remainder: _ } = part;
        let Leaf { component, rule, date, evidence, share: _, description, factors } = leaf;
        Self { component, rule, milli, date, evidence, description, factors }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Date;

    fn leaf(component: Component, id: &str, day: i32, share: f64) -> Leaf {
        Leaf {
            component,
            rule: "RULE",
            date: Some(Date::from_days(day)),
            evidence: vec![id.into()],
            share,
            description: String::new(),
            factors: Vec::new(),
        }
    }

    fn milli(leaves: Vec<Leaf>, exact: [f64; 3], total: u32) -> Vec<(String, u32)> {
        let mut given: Vec<(String, u32)> = apportion(leaves, exact, total)
            .into_iter()
            .map(|part| (part.leaf.evidence.first().map_or_else(String::new, ToString::to_string), part.milli))
            .collect();
        given.sort();
        given
    }

    fn expected(parts: &[(&str, u32)]) -> Vec<(String, u32)> {
        parts.iter().map(|(id, milli)| ((*id).to_owned(), *milli)).collect()
    }

    #[test]
    fn what_is_left_over_goes_to_the_largest_remainders() {
        let leaves = vec![
            leaf(Component::Harm, "a", 1, 1.0),
            leaf(Component::Harm, "b", 2, 1.0),
            leaf(Component::Harm, "c", 3, 1.0),
            leaf(Component::Threat, "d", 4, 5.0),
        ];
        // Thirds of 100 are 33.33 each; the threat is 0.6, which is the largest remainder.
        assert_eq!(milli(leaves, [0.6, 0.0, 100.0], 101), expected(&[("a", 34), ("b", 33), ("c", 33), ("d", 1)]));
    }

    #[test]
    fn equal_remainders_go_by_component_then_date_then_record() {
        let leaves = |days: [i32; 3]| {
            vec![
                leaf(Component::Harm, "c", days[0], 1.0),
                leaf(Component::Harm, "b", days[1], 1.0),
                leaf(Component::Threat, "t", days[2], 1.0),
            ]
        };
        let one = |days| milli(leaves(days), [0.5, 0.0, 1.0], 1);
        assert_eq!(one([1, 1, 9]), expected(&[("b", 0), ("c", 0), ("t", 1)]));
        let two = |days| milli(leaves(days), [0.5, 0.0, 1.0], 2);
        assert_eq!(two([1, 2, 9]), expected(&[("b", 0), ("c", 1), ("t", 1)]));
        assert_eq!(two([1, 1, 9]), expected(&[("b", 1), ("c", 0), ("t", 1)]));
    }

    #[test]
    fn points_that_no_leaf_claims_are_shown_as_such() {
        assert_eq!(
            milli(vec![leaf(Component::Harm, "a", 1, 1.0)], [0.0, 7.0, 3.0], 10),
            expected(&[("", 7), ("a", 3)])
        );
    }
}
