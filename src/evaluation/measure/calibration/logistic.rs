//! A logistic line through outcomes, by Newton's method with the step halved where it
//! would make the fit worse. Where a threshold tells every case from every control
//! there is no best line (Albert and Anderson, Biometrika 71, 1984, 1-10), and none is
//! made up.

/// Steps after which it has not converged.
const MOST_STEPS: u32 = 50;

/// Halvings of a step after which it leads nowhere.
const MOST_HALVINGS: u32 = 30;

/// A step that moves neither number by more than this is the last.
const CLOSE: f64 = 1e-8;

/// A determinant below this share of the product of the diagonal is rounding: all stand at one place.
const FLAT: f64 = 1e-12;

/// `1 / (1 + exp(-(intercept + slope x)))`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Line {
    pub intercept: f64,
    pub slope: f64,
}

/// How many stand at a place, and how many of them are cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub x: f64,
    pub n: f64,
    pub cases: f64,
}

/// The log likelihood of a line and its first and second derivatives.
#[derive(Clone, Copy, Debug, Default)]
struct Likelihood {
    log: f64,
    by_intercept: f64,
    by_slope: f64,
    curvature: [f64; 3],
}

impl Line {
    /// What perfect calibration gives.
    pub const RIGHT: Self = Self { intercept: 0.0, slope: 1.0 };

    /// The likeliest line, searched from another. `None` where there is none.
    pub fn through(points: &[Point], from: Self) -> Option<Self> {
        if apart(points) {
            return None;
        }
        let mut line = from;
        let mut here = Likelihood::of(line, points);
        for _ in 0..MOST_STEPS {
            let step = here.step()?;
            let (next, there) = here.climb(line, step, points)?;
            (line, here) = (next, there);
            if step.intercept.abs().max(step.slope.abs()) <= CLOSE {
                return Some(line);
            }
        }
        None
    }

    /// With so much of a step added.
    pub fn moved(self, step: Self, share: f64) -> Self {
        Self { intercept: self.intercept + share * step.intercept, slope: self.slope + share * step.slope }
    }
}

impl Likelihood {
    fn of(line: Line, points: &[Point]) -> Self {
        let mut sum = Self::default();
        for point in points {
            let z = line.intercept + line.slope * point.x;
            let small = libm::exp(-z.abs());
            let chance = if z < 0.0 { small / (1.0 + small) } else { 1.0 / (1.0 + small) };
            let surplus = point.cases - point.n * chance;
            let spread = point.n * chance * (1.0 - chance);
            sum.log += point.cases * z - point.n * (z.max(0.0) + libm::log1p(small));
            sum.by_intercept += surplus;
            sum.by_slope += surplus * point.x;
            sum.curvature[0] += spread;
            sum.curvature[1] += spread * point.x;
            sum.curvature[2] += spread * point.x * point.x;
        }
        sum
    }

    /// Newton's step.
    fn step(&self) -> Option<Line> {
        let [flat, mixed, steep] = self.curvature;
        let determinant = flat * steep - mixed * mixed;
        (determinant > FLAT * flat * steep).then(|| Line {
            intercept: (steep * self.by_intercept - mixed * self.by_slope) / determinant,
            slope: (flat * self.by_slope - mixed * self.by_intercept) / determinant,
        })
    }

    /// The step or so much of it as leads up.
    fn climb(&self, from: Line, step: Line, points: &[Point]) -> Option<(Line, Self)> {
        let rounding = 1e-12 * self.log.abs();
        let mut share = 1.0;
        for _ in 0..MOST_HALVINGS {
            let next = from.moved(step, share);
            let there = Self::of(next, points);
            if there.log >= self.log - rounding {
                return Some((next, there));
            }
            share /= 2.0;
        }
        None
    }
}

/// Whether some threshold has no case on one side and no control on the other, either way round.
fn apart(points: &[Point]) -> bool {
    let ends = |of: fn(&Point) -> bool| {
        points
            .iter()
            .filter(|point| of(point))
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), point| (low.min(point.x), high.max(point.x)))
    };
    let cases = ends(|point| point.cases > 0.0);
    let controls = ends(|point| point.cases < point.n);
    cases.0 >= controls.1 || controls.0 >= cases.1
}
