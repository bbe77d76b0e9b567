//! Whether predicted chances came true: on the whole, spread rightly, and close
//! person by person. Over all index dates together, a person counting on each.
//!
//! Slope and intercept are Cox's (Biometrika 45, 1958, 562-565): the outcome on the
//! logit of what was predicted. The mean squared error is Brier's (Monthly Weather
//! Review 78, 1950, 1-3).

mod exact;
mod grouped;
mod logistic;
mod parts;

use super::estimate::Replicates;
pub(super) use grouped::Grouped;

/// What a predictor gave somebody on an index date, and what came about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// Number of the person, as in [`Row`](super::Row).
    pub person: u32,
    /// The chance predicted, 0 to 1.
    pub probability: f64,
    /// Whether the outcome came about.
    pub outcome: bool,
}

/// What a predictor is measured by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalibrationMeasure {
    /// Mean chance predicted.
    Expected,
    /// Share whose outcome came about.
    Observed,
    /// Observed less expected: calibration in the large, 0 is right.
    InTheLarge,
    /// Observed over expected, 1 is right.
    Ratio,
    /// Slope of the outcome on the logit of the chance: 1 is right, less is spread too far. It cannot be computed where
    /// a line between the chances tells every outcome.
    Slope,
    /// Intercept that goes with the slope: 0 is right.
    Intercept,
    /// Mean squared error of the chance, 0 is perfect.
    Brier,
    /// By how much of 1 that error is less than of giving everybody the share observed; below 0 is worse than that.
    BrierSkill,
    /// Area under the curve of the chance, over all dates together.
    Auc,
}

impl CalibrationMeasure {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Expected,
        Self::Observed,
        Self::InTheLarge,
        Self::Ratio,
        Self::Slope,
        Self::Intercept,
        Self::Brier,
        Self::BrierSkill,
        Self::Auc,
    ];
}

/// A number for each of [`CalibrationMeasure::ALL`].
type Numbers = [Option<f64>; CalibrationMeasure::ALL.len()];

/// Rows of similar chance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bin {
    /// Rows.
    pub n: u32,
    /// Mean chance predicted.
    pub expected: f64,
    /// Rows whose outcome came about.
    pub observed: u32,
}

/// How well a predictor is calibrated.
#[derive(Clone, Debug)]
pub struct Calibrated {
    rows: u32,
    bins: Vec<Bin>,
    numbers: Vec<Replicates>,
}

impl Calibrated {
    /// Chances that it rests on: a person on three dates is three.
    pub fn rows(&self) -> u32 {
        self.rows
    }

    /// Rows in order of the chance in ten parts as equal as ties allow, which stay together: ten or fewer.
    pub fn bins(&self) -> &[Bin] {
        &self.bins
    }

    /// One of its measures.
    pub fn of(&self, measure: CalibrationMeasure) -> &Replicates {
        &self.numbers[measure as usize]
    }
}

/// Sums from which all but the fit follow.
#[derive(Clone, Copy, Debug, Default)]
struct Sums {
    n: f64,
    cases: f64,
    expected: f64,
    squares: f64,
    /// Pairs of one case and one control in which the case had the higher chance, a tie counting a half.
    won: f64,
}

impl Sums {
    fn numbers(&self, line: Option<logistic::Line>) -> Numbers {
        let over = |part: f64, whole: f64| (whole > 0.0).then(|| part / whole);
        let (expected, observed, brier) =
            (over(self.expected, self.n), over(self.cases, self.n), over(self.squares, self.n));
        CalibrationMeasure::ALL.map(|measure| match measure {
            CalibrationMeasure::Expected => expected,
            CalibrationMeasure::Observed => observed,
            CalibrationMeasure::InTheLarge => Some(observed? - expected?),
            CalibrationMeasure::Ratio => over(self.cases, self.expected),
            CalibrationMeasure::Slope => line.map(|line| line.slope),
            CalibrationMeasure::Intercept => line.map(|line| line.intercept),
            CalibrationMeasure::Brier => brier,
            CalibrationMeasure::BrierSkill => {
                let rate = observed?;
                over(brier?, rate * (1.0 - rate)).map(|ratio| 1.0 - ratio)
            }
            CalibrationMeasure::Auc => over(self.won, self.cases * (self.n - self.cases)),
        })
    }
}
