//! Numbers and references that identify or measure.

use std::fmt;

/// Place of an event in the ledger, from 1. 0 is the empty ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision after this one.
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A subject inside one store: dense from 0, allotted when first written, never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubjectId(pub u32);

impl SubjectId {
    /// Place in dense arrays.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A score in thousandths of a point, 0 to 100,000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MilliPoints(u32);

impl MilliPoints {
    /// No points.
    pub const ZERO: Self = Self(0);
    /// 100 points.
    pub const MAX: Self = Self(100_000);

    /// `milli` thousandths of a point, held to 100,000.
    pub const fn new(milli: u32) -> Self {
        if milli > Self::MAX.0 { Self::MAX } else { Self(milli) }
    }

    /// Points as a fraction, rounded half up once and held to 0..=100. Not a number becomes 0.
    pub fn from_points(points: f64) -> Self {
        let milli = libm::floor(points * 1000.0 + 0.5).clamp(0.0, 100_000.0);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=100_000 above; NaN casts to 0"
        )]
        Self(milli as u32)
    }

    /// Thousandths of a point.
    pub const fn get(self) -> u32 {
        self.0
    }
}

/// Points with three decimals, such as `61.204`.
impl fmt::Display for MilliPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

/// Why a text cannot be a reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadReference {
    /// It is empty.
    #[error("is empty")]
    Empty,
    /// It is longer than allowed.
    #[error("has {found} characters; at most {most} are allowed")]
    TooLong {
        /// Characters found.
        found: usize,
        /// Characters allowed.
        most: usize,
    },
    /// It holds a control character or begins or ends with white space.
    #[error("holds a control character, or white space at an end")]
    Unprintable,
}

/// Judges an opaque reference: 1 to `most` characters (at most 255 bytes), no control characters, no white space at either end.
///
/// # Errors
/// The first thing wrong with it.
pub fn check_reference(text: &str, most: usize) -> Result<(), BadReference> {
    let found = text.chars().count();
    if found == 0 {
        Err(BadReference::Empty)
    } else if found > most || text.len() > 255 {
        Err(BadReference::TooLong { found, most })
    } else if text.chars().any(char::is_control) || text.trim() != text {
        Err(BadReference::Unprintable)
    } else {
        Ok(())
    }
}
