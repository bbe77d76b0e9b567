//! Every measure of every order on every index date and over all of them, and every
//! predictor's calibration, on everybody and on each sample of people.

use rayon::prelude::*;

use super::calibration::{Calibrated, Grouped};
use super::estimate::{Replicates, kept};
use super::laid::Laid;
use super::question::Question;
use super::resample::{BLOCK, Lanes, Weights};

/// An order of people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// By position in [`IndexDate::rankings`](super::IndexDate::rankings).
    Ranked(usize),
    /// By lot: the mean over every order there is, by formula.
    Random,
}

/// What an order is measured by. More is better in all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Area under the curve.
    Auc,
    /// Of the first k, the share whose outcome came about.
    Precision,
    /// Of those whose outcome came about, the share among the first k.
    Recall,
    /// Of all the harm, the share that the first k did.
    HarmCaptured,
    /// That share as a multiple of k/N, which a random order captures.
    HarmLift,
    /// That harm as a share of the most that any k people did.
    HarmOfBest,
}

impl Measure {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Auc, Self::Precision, Self::Recall, Self::HarmCaptured, Self::HarmLift, Self::HarmOfBest];
}

/// What was found.
#[derive(Clone, Debug)]
pub struct Evaluated {
    rankings: usize,
    /// Date by date, order by order (the random one last), measure by measure.
    on_dates: Vec<Replicates>,
    over_dates: Vec<Replicates>,
    calibrations: Vec<Calibrated>,
}

impl Evaluated {
    /// A measure of an order on one date, by the date's position.
    pub fn on(&self, date: usize, order: Order, measure: Measure) -> &Replicates {
        &self.on_dates[date * slots(self.rankings) + self.slot(order, measure)]
    }

    /// The mean over the dates on which the measure can be computed.
    pub fn over_dates(&self, order: Order, measure: Measure) -> &Replicates {
        &self.over_dates[self.slot(order, measure)]
    }

    /// The calibration of each predictor, in the order asked.
    pub fn calibrations(&self) -> &[Calibrated] {
        &self.calibrations
    }

    fn slot(&self, order: Order, measure: Measure) -> usize {
        let order = match order {
            Order::Ranked(ranking) => {
                assert!(ranking < self.rankings, "there must be a ranking {ranking}");
                ranking
            }
            Order::Random => self.rankings,
        };
        order * Measure::ALL.len() + measure as usize
    }
}

/// Answers a question, on the threads of the rayon pool that it is called in.
///
/// A question that contradicts itself (a row of a person who cannot be drawn, harm below 0, a ranking of other rows,
/// dates with unequal numbers of rankings, a chance outside 0 to 1) is a fault of the program.
pub fn evaluate(question: &Question<'_>) -> Evaluated {
    question.check();
    let Question { people, dates, chances, samples, seed } = *question;
    let laid: Vec<Laid<'_>> = dates.iter().map(Laid::out).collect();
    let grouped: Vec<Grouped> = chances.par_iter().map(|chances| Grouped::of(chances, people)).collect();
    let once = Weights::once(people);
    let values: Vec<Option<f64>> = laid.iter().flat_map(|date| date.measures(&once)).map(|lanes| lanes[0]).collect();

    let found: Vec<Vec<Lanes<f64>>> = (0..samples.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let weights = Weights::drawn(seed, block, people);
            let measures = laid.iter().flat_map(|date| date.measures(&weights));
            measures.chain(grouped.iter().flat_map(|one| one.measures(&weights))).map(|of| of.map(kept)).collect()
        })
        .collect();
    let mut drawn = (0..)
        .map(|slot: usize| -> Vec<f64> { found.iter().flat_map(|block| block[slot]).take(samples as usize).collect() });

    let slots = slots(question.rankings());
    let mut on_dates = Vec::with_capacity(values.len());
    for (date, values) in dates.iter().zip(values.chunks(slots)) {
        let on = question.people_on(std::iter::once(date));
        on_dates.extend(values.iter().zip(&mut drawn).map(|(value, samples)| Replicates::new(*value, samples, on)));
    }
    let over_dates = over_dates(question, &on_dates, slots);
    let calibrations = grouped.into_iter().map(|one| one.calibrated(&mut drawn)).collect();
    Evaluated { rankings: question.rankings(), on_dates, over_dates, calibrations }
}

/// Numbers on each date.
fn slots(rankings: usize) -> usize {
    (rankings + 1) * Measure::ALL.len()
}

/// The means over the dates, each resting on the people of the dates on which it can be computed.
fn over_dates(question: &Question<'_>, on_dates: &[Replicates], slots: usize) -> Vec<Replicates> {
    let mut counted: Vec<(Vec<bool>, u32)> = Vec::new();
    let of = |slot: usize| {
        let each: Vec<&Replicates> = on_dates.iter().skip(slot).step_by(slots).collect();
        let defined: Vec<bool> = each.iter().map(|one| one.value().is_some()).collect();
        // Which dates they are hangs on what came about and not on the order, so that few different sets are counted.
        let known = counted.iter().find(|(dates, _)| *dates == defined).map(|(_, people)| *people);
        let people = known.unwrap_or_else(|| {
            let dates = question.dates.iter().zip(&defined).filter(|(_, defined)| **defined);
            let people = question.people_on(dates.map(|(date, _)| date));
            counted.push((defined, people));
            people
        });
        Replicates::pooled(&each, people)
    };
    (0..slots).map(of).collect()
}
