//! Numbers of an evaluation as people read them: a value with the ends between which
//! it lies, or the plain words that there is none. A number that may not be told has
//! no way out of here but the word that says so.

use crate::pb;
use crate::telling::count;

/// Where no value can be computed.
pub const NOT_COMPUTABLE: &str = "not computable";
/// Where a value may not be told.
pub const WITHHELD: &str = "withheld";
/// Why.
pub const WITHHELD_MEANS: &str = "withheld: it rests on fewer than 10 people, or would let such a number be worked out";

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// With so many decimals.
    Plain(usize),
    /// A difference: with a sign and so many decimals.
    Signed(usize),
    /// A share, 0 to 1, in per cent with so many decimals.
    PerCent(usize),
    /// A difference of shares, in percentage points with a sign and so many decimals.
    Points(usize),
}

impl Form {
    /// The number itself.
    pub fn number(self, value: f64) -> String {
        match self {
            Self::Plain(places) => grouped(value, places),
            Self::Signed(places) => signed(value, places),
            Self::PerCent(places) => grouped(value * 100.0, places),
            Self::Points(places) => signed(value * 100.0, places),
        }
    }

    /// What stands after it.
    const fn unit(self) -> &'static str {
        match self {
            Self::Plain(_) | Self::Signed(_) => "",
            Self::PerCent(_) => " %",
            Self::Points(_) => " points",
        }
    }

    /// A value with its unit: "31.2 %".
    pub fn value(self, value: f64) -> String {
        format!("{}{}", self.number(value), self.unit())
    }

    /// An estimate with its interval: "31.2 % (27.0 to 35.9)".
    pub fn estimate(self, estimate: Option<&pb::Estimate>) -> String {
        self.told(value(estimate), interval(estimate))
    }

    /// A difference with its interval: "+0.023 (+0.004 to +0.041)".
    pub fn difference(self, difference: Option<&pb::Difference>) -> String {
        self.estimate(difference.and_then(|it| it.estimate.as_ref()))
    }

    /// A number of a group, with its interval and what it is of; or that it is withheld.
    pub fn of_group(self, number: Option<&pb::GroupNumber>) -> String {
        let Some(number) = number else { return NOT_COMPUTABLE.to_owned() };
        if number.suppressed {
            return WITHHELD.to_owned();
        }
        let told = self.told(number.value.filter(|value| value.is_finite()), ends(number.low, number.high));
        if number.of == 0 || number.value.is_none() { told } else { format!("{told} of {}", count(number.of)) }
    }

    fn told(self, value: Option<f64>, interval: Option<(f64, f64)>) -> String {
        match (value, interval) {
            (None, _) => NOT_COMPUTABLE.to_owned(),
            (Some(value), None) => format!("{} (no interval)", self.value(value)),
            (Some(value), Some((low, high))) => {
                format!("{} ({} to {})", self.value(value), self.number(low), self.number(high))
            }
        }
    }
}

/// The value of an estimate, if it has one.
pub fn value(estimate: Option<&pb::Estimate>) -> Option<f64> {
    estimate?.value.filter(|value| value.is_finite())
}

/// The ends of an estimate, if it has any.
pub fn interval(estimate: Option<&pb::Estimate>) -> Option<(f64, f64)> {
    let estimate = estimate?;
    ends(estimate.low, estimate.high)
}

/// Two ends, if both are numbers.
pub fn ends(low: Option<f64>, high: Option<f64>) -> Option<(f64, f64)> {
    Some((low.filter(|end| end.is_finite())?, high.filter(|end| end.is_finite())?))
}

/// A whole number with commas: harm days, pounds.
pub fn whole(number: f64) -> String {
    if number.is_finite() { grouped(number, 0) } else { NOT_COMPUTABLE.to_owned() }
}

/// A part of a whole in per cent with one decimal; empty of nothing.
pub fn share(part: impl Into<f64>, of: impl Into<f64>) -> String {
    let of = of.into();
    if of > 0.0 { Form::PerCent(1).value(part.into() / of) } else { String::new() }
}

fn signed(value: f64, places: usize) -> String {
    let text = grouped(value, places);
    let is_none = text.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    if is_none || text.starts_with('-') { text } else { format!("+{text}") }
}

/// With commas between thousands, and no sign before nothing.
fn grouped(value: f64, places: usize) -> String {
    let text = format!("{:.places$}", value.abs());
    let (digits, decimals) = text.split_once('.').unwrap_or((&text, ""));
    let mut told = String::new();
    if value < 0.0 && text.bytes().any(|byte| matches!(byte, b'1'..=b'9')) {
        told.push('-');
    }
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            told.push(',');
        }
        told.push(digit);
    }
    if !decimals.is_empty() {
        told.push('.');
        told.push_str(decimals);
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(value: f64, low: f64, high: f64) -> pb::Estimate {
        pb::Estimate { value: Some(value), low: Some(low), high: Some(high), n: 100 }
    }

    #[test]
    fn an_estimate_is_told_with_the_ends_of_its_interval() {
        let it = estimate(0.3124, 0.27, 0.359);
        assert_eq!(Form::PerCent(1).estimate(Some(&it)), "31.2 % (27.0 to 35.9)");
        assert_eq!(Form::Plain(3).estimate(Some(&it)), "0.312 (0.270 to 0.359)");
        assert_eq!(Form::Signed(3).estimate(Some(&estimate(0.02, -0.001, 0.04))), "+0.020 (-0.001 to +0.040)");
        assert_eq!(Form::Points(1).value(-0.034), "-3.4 points");
    }

    #[test]
    fn what_cannot_be_computed_is_never_a_number() {
        let undefined = pb::Estimate::default();
        let not_a_number = pb::Estimate { value: Some(f64::NAN), ..undefined };
        for estimate in [None, Some(&undefined), Some(&not_a_number)] {
            assert_eq!(Form::Plain(3).estimate(estimate), NOT_COMPUTABLE);
        }
        let bare = pb::Estimate { value: Some(0.5), ..undefined };
        assert_eq!(Form::Plain(1).estimate(Some(&bare)), "0.5 (no interval)");
    }

    #[test]
    fn a_withheld_number_is_not_told_even_where_one_was_sent() {
        let number = pb::GroupNumber { value: Some(0.77), low: Some(0.6), high: Some(0.9), of: 7, suppressed: true };
        assert_eq!(Form::PerCent(1).of_group(Some(&number)), WITHHELD);
        let told = pb::GroupNumber { suppressed: false, of: 1_240, ..number };
        assert_eq!(Form::PerCent(1).of_group(Some(&told)), "77.0 % (60.0 to 90.0) of 1,240");
    }

    #[test]
    fn thousands_are_parted_and_nothing_has_no_sign() {
        assert_eq!(
            [whole(1_234_567.4), whole(-1_200.0), whole(999.0), whole(-0.2)].join(" "),
            "1,234,567 -1,200 999 0"
        );
        assert_eq!(Form::Signed(2).number(-0.001), "0.00");
        assert_eq!(Form::Signed(2).number(0.001), "0.00");
        assert_eq!((share(1_u32, 8_u32), share(1_u32, 0_u32)), ("12.5 %".to_owned(), String::new()));
    }
}
