//! Figures, days and bands as people read them, on a screen and on a page. Nothing
//! here knows what they are of.

pub mod spreadsheet;

use std::fmt::Write as _;

use crate::domain::Date;
use crate::pb;

/// A band as it is spoken.
pub const fn band_word(band: pb::Band) -> &'static str {
    match band {
        pb::Band::VeryHigh => "VERY HIGH",
        pb::Band::High => "HIGH",
        pb::Band::Medium => "MEDIUM",
        pb::Band::Low => "LOW",
        pb::Band::Unspecified => "not stated",
    }
}

/// Milli-points as points with three decimals, exactly.
pub fn points(milli: u32) -> String {
    format!("{}.{:03}", milli / 1000, milli % 1000)
}

/// A difference of milli-points with its sign.
pub fn signed_points(milli: i32) -> String {
    let sign = match milli.signum() {
        1 => "+",
        -1 => "-",
        _ => "",
    };
    format!("{sign}{}", points(milli.unsigned_abs()))
}

/// Milli-points with one decimal. Cut, not rounded: 59.960 shown as 60.0 would contradict its band.
pub fn short_points(milli: u32) -> String {
    format!("{}.{}", milli / 1000, milli % 1000 / 100)
}

/// A count with commas: 20,114.
pub fn count(number: impl Into<u64>) -> String {
    let digits = number.into().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// 1st, 2nd, 3rd, 4th, 11th.
pub fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (1, tens) if tens != 11 => "st",
        (2, tens) if tens != 12 => "nd",
        (3, tens) if tens != 13 => "rd",
        _ => "th",
    };
    format!("{}{ending}", count(number))
}

/// `2026-03-31` as `31 March 2026`; anything else as it is.
pub fn day(text: &str) -> String {
    text.parse::<Date>().map_or_else(|_| plain(text), Date::spelt)
}

/// Text of a record as it may be printed: a control character could otherwise command the terminal.
pub fn plain(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

/// `2026-03-31` as `31 March 2026`; of an empty text, that it is not known.
pub fn day_or_unknown(text: &str) -> String {
    if text.is_empty() { "a day not known".to_owned() } else { day(text) }
}

/// Terms of bail: when and where to surrender, and on what conditions.
pub fn bail_terms(bail: &pb::BailTerms) -> String {
    let mut text = format!("to surrender on {}", day_or_unknown(&bail.surrender_on));
    if !bail.place.is_empty() {
        let _ = write!(text, " at {}", bail.place);
    }
    if let Some(last) = bail.extended_to.last() {
        let _ = write!(text, ", extended to {}", day(last));
    }
    if !bail.conditions.is_empty() {
        let _ = write!(text, "; conditions: {}", bail.conditions.join("; "));
    }
    text
}

/// The numbers behind a reason: `harm days 365, proof x 0.8`.
pub fn factors(factors: &[pb::Factor]) -> String {
    let told = factors.iter().map(|it| {
        let name = match it.name.as_str() {
            // Program words of the harm formula, in plain ones.
            "step" => "taken from".to_owned(),
            "found" => "if found by police alone".to_owned(),
            "victim" => "for the victim".to_owned(),
            "decay" => "faded to".to_owned(),
            "d" => "harm days left today".to_owned(),
            name => plain(name).replace('_', " "),
        };
        let value = if it.name == "step" { plain(&it.value).replace('_', " ") } else { plain(&it.value) };
        match it.unit.as_str() {
            "" => format!("{name} {value}"),
            "x" => format!("{name} x {value}"),
            unit if name.ends_with(unit) => format!("{name} {value}"),
            unit => format!("{name} {value} {}", plain(unit)),
        }
    });
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factors_are_in_plain_words_and_do_not_say_their_unit_twice() {
        let factor = |name: &str, value: &str, unit: &str| pb::Factor {
            name: name.to_owned(),
            value: value.to_owned(),
            unit: unit.to_owned(),
        };
        let told = factors(&[
            factor("harm_days", "365", "days"),
            factor("proof", "0.8", "x"),
            factor("age", "120", "days"),
            factor("grade", "B2", ""),
            factor("step", "index_by_cjs_code", ""),
        ]);
        assert_eq!(told, "harm days 365, proof x 0.8, age 120 days, grade B2, taken from index by cjs code");
    }
}
