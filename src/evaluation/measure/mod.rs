//! How well an order of people agreed with what they went on to do, and how sure
//! that is. Pure: no clock, no I/O, and all chance comes from a seed; the same
//! seed gives the same bits on any machine and any number of threads.
//!
//! [`evaluate`](fn@evaluate) holds the [`ranking`]s of each index date against
//! outcomes, by area under the curve and by what the first k hold, and predicted
//! chances by [`calibration`]. One set of samples of people ([`resample`]) serves all
//! of them, so that every difference is paired; [`estimate`] makes intervals of them.
//! [`delong`] is the formula for the area alone, to check against.

pub mod calibration;
pub mod curve;
pub mod delong;
pub mod estimate;
pub mod evaluate;
mod laid;
pub mod question;
pub mod ranking;
pub mod resample;
mod roc;
#[cfg(test)]
mod tests;
mod top;

pub use calibration::{Bin, Calibrated, CalibrationMeasure, Chance};
pub use curve::harm_curve;
pub use estimate::{Difference, Ends, Estimate, Replicates, Verdict};
pub use evaluate::{Evaluated, Measure, Order, evaluate};
pub use question::{IndexDate, Question, Row};
pub use ranking::Ranking;
