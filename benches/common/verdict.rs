//! Medians of pairs, targets, and the words for both.

use std::fmt;

/// What a ratio ought to be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
    /// Told, not judged.
    Told,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "target at least {least}"),
            Self::AtMost(most) => write!(f, "target at most {most}"),
            Self::Told => write!(f, "no target"),
        }
    }
}

/// Middle of some figures; the mean of the two middle ones of an even number.
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { f64::midpoint(sorted[middle - 1], sorted[middle]) } else { sorted[middle] }
}

/// Prints the median of some ratios beside their target, in words.
pub fn tell(what: &str, ratios: &[f64], target: Target) {
    let middle = median(ratios);
    let word = match target {
        Target::AtLeast(least) if middle >= least => "PASS",
        Target::AtMost(most) if middle <= most => "PASS",
        Target::AtLeast(_) | Target::AtMost(_) => "FALLS SHORT",
        Target::Told => "",
    };
    let all: Vec<String> = ratios.iter().map(|ratio| format!("{ratio:.2}")).collect();
    println!("{what:<58} {middle:>7.3}  {target:<20} {word:<11}  [{}]", all.join(" "));
}

/// Prints something that was measured on the way.
pub fn note(text: &str) {
    println!("    {text}");
}

/// Prints what the following figures are about.
pub fn heading(text: &str) {
    println!("\n{text}");
}
