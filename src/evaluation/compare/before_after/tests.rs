use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

/// Four years, so that rates are whole.
const DAYS: u32 = 1_461;

fn offences(offences: f64) -> Period {
    Period { days_at_liberty: DAYS, offences, harm: 10.0 * offences, cost: 100.0 * offences }
}

fn unit(id: u32, selected: bool, before: f64, after: f64) -> Unit<1> {
    Unit { id, selected, earlier: None, before: offences(before), after: offences(after), traits: [before] }
}

/// How a simulated force differs from one in which selection changes nothing.
#[derive(Clone, Copy)]
struct World {
    /// What the selection multiplies the rate of offending by.
    effect: f64,
    /// What the rate of those selected was multiplied by in the earlier period.
    drift: f64,
}

/// People offend at rates of their own. Of those whose count before was high a third is selected: at a peak, most of
/// them, that will pass.
fn simulated(world: World, seed: u64) -> Vec<Unit<2>> {
    let mut dice = ChaCha8Rng::seed_from_u64(seed);
    (0..4_000)
        .map(|id| {
            let rate = 0.5 - 0.8 * libm::log1p(-dice.random::<f64>());
            let before = poisson(&mut dice, rate);
            let selected = before >= 4.0 && dice.random_bool(1.0 / 3.0);
            let of = |factor: f64| if selected { rate * factor } else { rate };
            let earlier = poisson(&mut dice, of(world.drift));
            let after = poisson(&mut dice, of(world.effect));
            let age = dice.random_range(18.0..50.0);
            let (earlier, before, after) = (offences(earlier), offences(before), offences(after));
            Unit { id, selected, earlier: Some(earlier), before, after, traits: [before.offences, age] }
        })
        .collect()
}

fn poisson(dice: &mut ChaCha8Rng, mean: f64) -> f64 {
    let (floor, mut product, mut count) = (libm::exp(-mean), dice.random::<f64>(), 0.0);
    while product > floor {
        product *= dice.random::<f64>();
        count += 1.0;
    }
    count
}

const NOTHING: World = World { effect: 1.0, drift: 1.0 };

#[test]
fn a_planted_effect_is_found_in_every_measure() {
    let found = compare(&simulated(World { effect: 0.4, ..NOTHING }, 1), &Design::default());
    assert!(found.matched.with_match > 80, "{:?}", found.matched);
    for change in [&found.offences, &found.harm, &found.cost] {
        assert_eq!(change.verdict, Verdict::Fell, "{change:?}");
    }
    let ratio = found.offence_ratio.unwrap();
    assert!(ratio.spans(0.4) && ratio.high < 0.6, "{ratio:?}");
}

#[test]
fn a_planted_rise_is_found_too() {
    let found = compare(&simulated(World { effect: 2.0, ..NOTHING }, 1), &Design::default());
    assert_eq!(found.offences.verdict, Verdict::Rose, "{:?}", found.offences);
}

#[test]
fn a_peak_that_passes_is_not_taken_for_an_effect() {
    let mut mistaken = 0;
    for seed in 0..20 {
        let found = compare(&simulated(NOTHING, seed), &Design { seed, ..Design::default() });
        let rates = found.offences.rates.unwrap();
        // The naive comparison sees a third or more of the offending vanish, and so it does among those not selected.
        assert!(rates.naive() < -0.3 * rates.selected_before, "{rates:?}");
        assert!(rates.without_selection() < -0.3 * rates.matched_before, "{rates:?}");
        mistaken += u32::from(found.offences.verdict == Verdict::Fell || found.offences.verdict == Verdict::Rose);
    }
    // An interval of 95 % may err in one of twenty; four of twenty would come by chance once in sixty.
    assert!(mistaken < 4, "{mistaken}");
}

#[test]
fn sides_that_moved_apart_before_the_selection_are_not_judged() {
    let found = compare(&simulated(World { effect: 0.4, drift: 0.3 }, 1), &Design::default());
    assert!(!found.offences.placebo.unwrap().spans(0.0));
    assert_eq!(found.offences.verdict, Verdict::Inconclusive(vec![Reason::NotParallelBefore]));
}

#[test]
fn without_earlier_periods_there_is_no_placebo() {
    let mut units = simulated(World { effect: 0.4, ..NOTHING }, 1);
    for unit in &mut units {
        unit.earlier = None;
    }
    let found = compare(&units, &Design::default());
    assert_eq!((found.offences.placebo, found.offences.verdict), (None, Verdict::Fell));
}

#[test]
fn the_difference_in_differences_is_what_a_pencil_finds() {
    // Two a year fell to one; among two alike, two a year stayed two.
    let units =
        [unit(1, true, 8.0, 4.0), unit(2, false, 8.0, 6.0), unit(3, false, 8.0, 10.0), unit(4, false, 90.0, 0.0)];
    let found = compare(&units, &Design::default());
    let rates = Rates { selected_before: 2.0, selected_after: 1.0, matched_before: 2.0, matched_after: 2.0 };
    assert_eq!(found.offences.rates, Some(rates));
    assert!((found.offences.effect.unwrap().value + 1.0).abs() < 1e-12);
    assert!((found.harm.effect.unwrap().value + 10.0).abs() < 1e-9);
    assert!((found.cost.effect.unwrap().value + 100.0).abs() < 1e-9);
    assert!((found.offence_ratio.unwrap().value - 0.5).abs() < 1e-12);
    assert_eq!(found.offences.verdict, Verdict::Inconclusive(vec![Reason::TooFewMatched]));
}

#[test]
fn a_year_in_prison_is_not_a_year_without_offending() {
    let mut units = [unit(1, true, 8.0, 2.0), unit(2, false, 8.0, 8.0)];
    units[0].after.days_at_liberty = DAYS / 4;
    let rates = compare(&units, &Design::default()).offences.rates.unwrap();
    assert!((rates.selected_after - 2.0).abs() < 0.01, "{rates:?}");
}

#[test]
fn the_nearest_within_the_caliper_are_matched_and_of_equals_the_first() {
    let units = [
        unit(1, true, 10.0, 0.0),
        unit(9, false, 10.0, 0.0),
        unit(5, false, 10.0, 0.0),
        unit(7, false, 10.5, 0.0),
        unit(3, false, 30.0, 0.0),
        unit(2, true, 60.0, 0.0),
    ];
    let matching = matching::matching(&units, &Design { matches: 2, ..Design::default() });
    let matches: Vec<Vec<u32>> =
        matching.sets.iter().map(|set| set.matches.iter().map(|at| units[*at].id).collect()).collect();
    assert_eq!(matches, [[5, 9]]);
    let told = &matching.told;
    assert_eq!((told.selected, told.with_match, told.without_match, told.candidates), (2, 1, 1, 4));
}

#[test]
fn one_person_may_stand_for_several_and_that_is_said() {
    let units = [unit(1, true, 5.0, 0.0), unit(2, true, 5.0, 0.0), unit(3, false, 5.0, 0.0), unit(4, false, 50.0, 0.0)];
    let told = compare(&units, &Design::default()).matched;
    assert_eq!((told.with_match, told.distinct_matches, told.most_used), (2, 1, 2));
}

#[test]
fn a_trait_that_stays_apart_after_matching_is_said() {
    // Four levels of a trait, and whoever was not selected stands three tenths of a standard deviation below one.
    let units: Vec<Unit<2>> = (0..80)
        .map(|id| {
            let selected = id < 40;
            let level = f64::from(id % 4);
            let (after, trait_level) = if selected { (2.0, level) } else { (8.0, level - 0.34) };
            let (before, after) = (offences(8.0), offences(after));
            Unit { id, selected, earlier: None, before, after, traits: [trait_level, 8.0] }
        })
        .collect();
    let found = compare(&units, &Design::default());
    assert_eq!(found.matched.without_match, 0);
    assert!((found.balance[0].after_matching - 0.3).abs() < 0.01, "{:?}", found.balance);
    assert_eq!(found.offences.verdict, Verdict::Inconclusive(vec![Reason::PoorBalance]));
}

#[test]
fn matching_brings_the_sides_closer() {
    let found = compare(&simulated(NOTHING, 1), &Design::default());
    let offences = found.balance[0];
    assert!(offences.before_matching > 1.0 && offences.after_matching.abs() < 0.1, "{offences:?}");
}

#[test]
fn a_trait_without_spread_matches_only_its_equal() {
    let units = [
        Unit { traits: [1.0, 0.0], ..widened(unit(1, true, 8.0, 0.0)) },
        Unit { traits: [1.0, 1.0], ..widened(unit(2, false, 8.0, 0.0)) },
    ];
    let found = compare(&units, &Design::default());
    assert_eq!(found.matched.without_match, 1);
    assert_eq!(found.balance[0].before_matching.to_bits(), 0.0_f64.to_bits());
    assert!(found.balance[1].before_matching.is_infinite());
}

fn widened(unit: Unit<1>) -> Unit<2> {
    let Unit { id, selected, earlier, before, after, traits: [only] } = unit;
    Unit { id, selected, earlier, before, after, traits: [only, 0.0] }
}

#[test]
fn nobody_selected_is_no_finding() {
    let found = compare(&[unit(1, false, 1.0, 1.0)], &Design::default());
    assert_eq!((found.offences.rates, found.offences.effect, found.offence_ratio), (None, None, None));
    assert_eq!(found.offences.verdict, Verdict::Inconclusive(vec![Reason::IntervalSpansZero, Reason::TooFewMatched]));
}

#[test]
fn a_seed_gives_the_same_intervals() {
    let units = simulated(NOTHING, 3);
    let effect = |seed| compare(&units, &Design { seed, ..Design::default() }).offences.effect;
    assert_eq!(effect(1), effect(1));
    assert_ne!(effect(1), effect(2));
}

#[test]
fn reasons_are_written_as_codes() {
    let codes = [Reason::IntervalSpansZero, Reason::TooFewMatched, Reason::PoorBalance, Reason::NotParallelBefore];
    assert_eq!(
        codes.map(Reason::code),
        ["INTERVAL_SPANS_ZERO", "TOO_FEW_MATCHED", "POOR_BALANCE", "NOT_PARALLEL_BEFORE"]
    );
}
