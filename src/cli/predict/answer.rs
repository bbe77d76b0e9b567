//! What is printed for one line.

use serde::ser::{Serialize, SerializeMap, Serializer};

use crate::scoring::risk::ogrs3;
use crate::scoring::risk::two_year::{Instrument, Parts, band, probability};

/// One thing wrong with a case.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Violation {
    /// Field, or empty where the line as a whole is meant.
    pub field: String,
    /// Reason in UPPER_SNAKE.
    pub reason: &'static str,
    /// What is wrong and what would be right, without the value.
    pub message: String,
}

/// Why a line was refused.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Refusal {
    /// Reason in UPPER_SNAKE.
    pub reason: &'static str,
    /// Everything wrong with it.
    pub violations: Vec<Violation>,
}

impl Refusal {
    /// A line that holds no case at all.
    pub fn of_line(reason: &'static str, message: String) -> Self {
        Self { reason, violations: vec![Violation { field: String::new(), reason, message }] }
    }

    /// A line longer than is read.
    pub fn too_long() -> Self {
        Self::of_line("LINE_TOO_LONG", format!("the line is longer than {} bytes", super::LONGEST_LINE))
    }

    /// A case with fields that cannot be answered.
    pub const fn of_case(violations: Vec<Violation>) -> Self {
        Self { reason: "INVALID_CASE", violations }
    }
}

/// The answer to one line.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// ARP, VRP and SVRP.
    TwoYear(Box<[(Instrument, Parts); 3]>),
    /// OGRS3.
    Ogrs3(ogrs3::Answer),
    /// What is wrong.
    Refused(Refusal),
}

impl Serialize for Answer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match self {
            Self::TwoYear(instruments) => {
                for (instrument, parts) in &**instruments {
                    map.serialize_entry(instrument.name(), &Prediction::of(*instrument, parts))?;
                }
            }
            Self::Ogrs3(answer) => map.serialize_entry("OGRS3", &Reconviction::of(*answer))?,
            Self::Refused(refusal) => map.serialize_entry("error", refusal)?,
        }
        map.end()
    }
}

#[derive(serde::Serialize)]
struct Prediction<'a> {
    logit: f64,
    probability: f64,
    band: &'static str,
    contributions: Contributions<'a>,
}

impl<'a> Prediction<'a> {
    fn of(instrument: Instrument, parts: &'a Parts) -> Self {
        let logit = parts.logit();
        let probability = probability(logit);
        let band = band_name(band(probability, instrument.published_bands()));
        Self { logit, probability, band, contributions: Contributions(parts) }
    }
}

/// Part of the logit by term; in their order they sum to the logit exactly.
struct Contributions<'a>(&'a Parts);

impl Serialize for Contributions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.named())
    }
}

#[derive(serde::Serialize)]
struct Reconviction {
    one_year: f64,
    two_year: f64,
    band: &'static str,
}

impl Reconviction {
    fn of(ogrs3::Answer { one_year, two_year }: ogrs3::Answer) -> Self {
        Self { one_year, two_year, band: band_name(band(two_year, ogrs3::PUBLISHED_BANDS)) }
    }
}

const fn band_name(band: u8) -> &'static str {
    match band {
        0 => "LOW",
        1 => "MEDIUM",
        2 => "HIGH",
        3.. => "VERY_HIGH",
    }
}
