//! A value and how sure it is: the percentile interval of its bootstrap samples
//! (Efron, Canadian Journal of Statistics 9, 1981), alone, over several index dates,
//! and as a difference on the same samples.
//!
//! What cannot be computed is `None`, in a sample as in the value. Where that befalls
//! more than one sample in twenty there is no interval: the samples left would be a
//! choice among them.

/// Stands in a list of samples for one in which the value is undefined. Never leaves [`Replicates`].
const UNDEFINED: f64 = f64::NAN;

/// One sample in so many may be undefined.
const ONE_IN: usize = 20;

/// What lies below and above the interval, of 1.
const TAIL: f64 = 0.025;

/// A number computed on everybody, and on each sample of people.
#[derive(Clone, Debug)]
pub struct Replicates {
    value: Option<f64>,
    samples: Vec<f64>,
    people: u32,
}

/// A value with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value, of everybody.
    pub value: f64,
    /// Between which ends it lies.
    pub ends: Ends,
    /// People that it rests on, each counted once however many index dates they stand on.
    pub n: u32,
}

/// The ends of an interval, or why there are none.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Ends {
    /// The interval.
    Between {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// No interval: the value is undefined in more than 5 % of the samples, or there are no samples.
    Unstable {
        /// Samples in which it is undefined.
        undefined: usize,
        /// Samples in all.
        samples: usize,
    },
}

/// A difference of two numbers on the same people and the same samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// First less second.
    pub estimate: Estimate,
    /// What may be said of it.
    pub verdict: Verdict,
}

/// Whether the first of two is better, more being better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The interval of the difference lies above 0.
    Better,
    /// It lies below 0.
    Worse,
    /// It spans 0, or there is none.
    Inconclusive,
}

impl Replicates {
    pub(super) fn new(value: Option<f64>, samples: Vec<f64>, people: u32) -> Self {
        Self { value, samples, people }
    }

    /// The mean of several, sample by sample. Those whose value is undefined stay out of it, and a sample in which one
    /// of the others is undefined is undefined: each sample is a mean over the same of them.
    pub(super) fn pooled(of: &[&Self], people: u32) -> Self {
        let defined: Vec<(f64, &Self)> = of.iter().filter_map(|one| Some((one.value?, *one))).collect();
        let share = 1.0 / defined.len() as f64;
        let Some((_, first)) = defined.first() else {
            return Self {
                value: None,
                samples: vec![UNDEFINED; of.first().map_or(0, |one| one.samples.len())],
                people,
            };
        };
        let mut samples = vec![0.0; first.samples.len()];
        for (_, one) in &defined {
            for (sum, sample) in samples.iter_mut().zip(&one.samples) {
                *sum += sample;
            }
        }
        for sample in &mut samples {
            *sample *= share;
        }
        Self { value: Some(defined.iter().map(|(value, _)| value).sum::<f64>() * share), samples, people }
    }

    /// The value, of everybody. `None`: it cannot be computed.
    pub fn value(&self) -> Option<f64> {
        self.value
    }

    /// The value in each sample, in the order of the samples.
    pub fn samples(&self) -> impl ExactSizeIterator<Item = Option<f64>> {
        self.samples.iter().map(|sample| (!sample.is_nan()).then_some(*sample))
    }

    /// People that it rests on.
    pub fn people(&self) -> u32 {
        self.people
    }

    /// The value with its interval. `None`: it cannot be computed.
    pub fn estimate(&self) -> Option<Estimate> {
        Some(Estimate { value: self.value?, ends: ends(&self.samples), n: self.people })
    }

    /// This less another, on the same people and samples. `None` where either cannot be computed.
    pub fn less(&self, other: &Self) -> Option<Difference> {
        assert_eq!(self.samples.len(), other.samples.len(), "both must come from the same samples");
        let samples: Vec<f64> = self.samples.iter().zip(&other.samples).map(|(one, other)| one - other).collect();
        let value = self.value? - other.value?;
        Some(Difference::of(Estimate { value, ends: ends(&samples), n: self.people.min(other.people) }))
    }
}

impl Difference {
    fn of(estimate: Estimate) -> Self {
        let verdict = match estimate.ends {
            Ends::Between { low, .. } if low > 0.0 => Verdict::Better,
            Ends::Between { high, .. } if high < 0.0 => Verdict::Worse,
            Ends::Between { .. } | Ends::Unstable { .. } => Verdict::Inconclusive,
        };
        Self { estimate, verdict }
    }
}

impl Estimate {
    /// Lower end, where there is an interval.
    pub fn low(&self) -> Option<f64> {
        match self.ends {
            Ends::Between { low, .. } => Some(low),
            Ends::Unstable { .. } => None,
        }
    }

    /// Upper end, where there is an interval.
    pub fn high(&self) -> Option<f64> {
        match self.ends {
            Ends::Between { high, .. } => Some(high),
            Ends::Unstable { .. } => None,
        }
    }
}

/// One sample as it is kept.
pub(super) fn kept(sample: Option<f64>) -> f64 {
    sample.unwrap_or(UNDEFINED)
}

fn ends(samples: &[f64]) -> Ends {
    let mut defined: Vec<f64> = samples.iter().copied().filter(|sample| !sample.is_nan()).collect();
    let undefined = samples.len() - defined.len();
    if defined.is_empty() || undefined * ONE_IN > samples.len() {
        return Ends::Unstable { undefined, samples: samples.len() };
    }
    defined.sort_unstable_by(f64::total_cmp);
    Ends::Between { low: quantile(&defined, TAIL), high: quantile(&defined, 1.0 - TAIL) }
}

/// Of values in order, at least one: on the line between the two nearest (Hyndman and Fan, American Statistician 50,
/// 1996, definition 7).
fn quantile(ordered: &[f64], share: f64) -> f64 {
    let place = share * (ordered.len() - 1) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the length")]
    let below = place as usize;
    let above = (below + 1).min(ordered.len() - 1);
    ordered[below] + (place - below as f64) * (ordered[above] - ordered[below])
}
