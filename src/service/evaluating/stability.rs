//! How the order holds when the numbers behind it move: each weight a fifth up
//! and down, the harm index swapped for another table, an input left out.

use rayon::prelude::*;

use super::people::{Order, Person, Scoring};
use super::run::{Dated, number};
use super::tables::Tables;
use super::terms::Terms;
use crate::domain::word::Family;
use crate::evaluation::compare::agreement::{kendall_tau_b, overlap};
use crate::pb;
use crate::policy::{Policy, Weights};
use crate::reference;
use crate::scoring::Rules;
use crate::scoring::composite;
use crate::scoring::harm::Catalogue;
use crate::scoring::harm::table::maximum_sentence;
use crate::service::state::State;

/// Something that is moved.
pub enum Variant {
    /// A family's weights, in ten-thousandths.
    Weights(String, [u64; 3]),
    /// Everything, by other rules.
    Rules(String, Box<Rules>),
}

/// What an evaluation moves.
pub fn variants(terms: &Terms, tables: &Tables, rules: &Rules) -> Vec<Variant> {
    let held = match terms.list.family() {
        Family::Cohort => rules.policy.composite.cohort,
        Family::Outstanding => rules.policy.composite.outstanding,
    };
    let mut variants = Vec::new();
    for (place, name) in ["threat", "risk", "harm"].into_iter().enumerate() {
        for (fifths, told) in [(6, "+ 20 %"), (4, "- 20 %")] {
            variants.push(Variant::Weights(format!("weight of {name} {told}"), moved(held, place, fifths)));
        }
    }
    let swapped = std::iter::once(maximum_sentence()).chain(&tables.harm);
    variants.extend(swapped.map(|table| {
        let policy: Policy = rules.policy.clone();
        let catalogue = Catalogue::with(reference::tables(), &policy, table);
        Variant::Rules(format!("harm by {}", table.name()), Box::new(Rules { policy, catalogue }))
    }));
    variants
}

/// Weights of which one is so many fifths of what it was, and all together as much as before.
fn moved(held: Weights, place: usize, fifths: u64) -> [u64; 3] {
    let mut weights = [held.threat, held.risk, held.harm].map(|weight| u64::from(weight) * 500);
    weights[place] = weights[place] * fifths / 5;
    let sum: u64 = weights.iter().sum();
    if sum == 0 {
        return weights;
    }
    weights.map(|weight| (weight * 10_000 + sum / 2) / sum)
}

/// Adds the orders of some people under each variant.
pub fn weigh(variants: &[Variant], scoring: &Scoring<'_>, state: &State, people: &[Person], into: &mut [Vec<Order>]) {
    let weights: Vec<[u64; 3]> = variants
        .iter()
        .filter_map(|variant| match variant {
            Variant::Weights(_, weights) => Some(*weights),
            Variant::Rules(..) => None,
        })
        .collect();
    let family = scoring.terms.list.family();
    let reweighted: Vec<Vec<Order>> = people
        .par_iter()
        .map(|person| {
            let dossier = state.shown(person.subject);
            let found = composite::reweighted(&dossier, scoring.rules, person.day, family, &weights);
            let [threat, risk, harm] = person.components;
            found.into_iter().map(|(points, band)| Order::new(band, [points.get(), harm, threat, risk])).collect()
        })
        .collect();
    let mut of_weights = 0;
    for (variant, into) in variants.iter().zip(into) {
        match variant {
            Variant::Weights(..) => {
                into.extend(reweighted.iter().map(|orders| orders[of_weights]));
                of_weights += 1;
            }
            Variant::Rules(_, rules) => into.extend(scoring.orders(state, people, rules, |_| None)),
        }
    }
}

/// What an evaluation tells of it.
pub fn told(date: &Dated, variants: &[Variant], capacity: u32, terms: &Terms) -> Vec<pb::Stability> {
    let names = variants.iter().map(|variant| match variant {
        Variant::Weights(name, _) | Variant::Rules(name, _) => name.clone(),
    });
    let names = names.chain(terms.without.iter().map(|input| format!("without {}", word(*input))));
    let held: Vec<Order> = date.people.iter().map(|person| person.order).collect();
    let (top, ranks) = (top(&held, capacity), ranks(&held));
    let named: Vec<(String, &Vec<Order>)> = names.zip(&date.variants).collect();
    named
        .into_par_iter()
        .map(|(change, orders)| {
            let pairs: Vec<(f64, f64)> = ranks.iter().copied().zip(self::ranks(orders)).collect();
            let changed = held.iter().zip(orders).filter(|(was, is)| was.band_place() != is.band_place()).count();
            pb::Stability {
                change,
                kendall_tau: kendall_tau_b(&pairs).unwrap_or(1.0),
                overlap: overlap(&top, &self::top(orders, capacity), capacity).share().unwrap_or(1.0),
                bands_changed: number(changed),
            }
        })
        .collect()
}

/// An input in words.
pub fn word(input: pb::ScoringInput) -> String {
    input.as_str_name().trim_start_matches("SCORING_INPUT_").to_lowercase().replace('_', " ")
}

/// How many people stand above each: equals share a place.
pub fn ranks(orders: &[Order]) -> Vec<f64> {
    let mut sorted: Vec<Order> = orders.to_vec();
    sorted.par_sort_unstable();
    orders.par_iter().map(|order| sorted.partition_point(|other| other < order) as f64).collect()
}

/// The first `k` of some people, by their places in the slice; equals in that order.
pub fn top(orders: &[Order], k: u32) -> Vec<u32> {
    let mut places: Vec<u32> = (0..number(orders.len())).collect();
    places.par_sort_by_key(|place| orders[*place as usize]);
    places.truncate(k as usize);
    places
}
