//! Dates and instants in the formats that a mapping names.

use jiff::civil;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;

use crate::domain::Date;

/// A day with every part different, to try a format on.
const SAMPLE: civil::DateTime = civil::datetime(2013, 11, 22, 14, 15, 16, 0);

/// Formats in the notation of `strftime`, asked in order.
#[derive(Clone, Debug)]
pub struct Formats(Vec<String>);

impl Formats {
    /// Formats that each determine a calendar day.
    ///
    /// # Errors
    /// For each bad format, the format and what is wrong with it.
    pub fn of_dates(formats: &[&str]) -> Result<Self, Vec<String>> {
        Self::checked(formats, |written, format| {
            strtime::parse(format, written).and_then(|read| read.to_date()).is_ok_and(|read| read == SAMPLE.date())
        })
    }

    /// Formats that each determine a day, and a time of it; without a time, midnight is meant.
    ///
    /// # Errors
    /// For each bad format, the format and what is wrong with it.
    pub fn of_instants(formats: &[&str]) -> Result<Self, Vec<String>> {
        Self::checked(formats, |written, format| {
            strtime::parse(format, written).and_then(|read| read.to_datetime()).is_ok_and(|read| {
                read.date() == SAMPLE.date() && [(14, 15), (0, 0)].contains(&(read.hour(), read.minute()))
            })
        })
    }

    fn checked(formats: &[&str], determines: impl Fn(&str, &str) -> bool) -> Result<Self, Vec<String>> {
        let fault = |format: &str| -> Option<String> {
            if format.contains("%y") {
                return Some(format!("{format:?} has a year of two digits, whose century is anybody's guess; use %Y"));
            }
            let sample = SAMPLE.to_zoned(TimeZone::UTC).expect("every civil time must exist in UTC");
            match strtime::format(format, &sample) {
                Err(error) => Some(format!("{format:?} is not a date format: {error}")),
                Ok(written) if !determines(&written, format) => {
                    Some(format!("{format:?} does not determine a day, or only half a time"))
                }
                Ok(_) => None,
            }
        };
        let mut faults: Vec<_> = formats.iter().filter_map(|format| fault(format)).collect();
        if formats.is_empty() {
            faults.push("names no format".to_owned());
        }
        if faults.is_empty() {
            Ok(Self(formats.iter().map(|format| (*format).to_owned()).collect()))
        } else {
            Err(faults)
        }
    }

    /// The day that a text stands for, between 1900 and 2199.
    pub fn day(&self, text: &str) -> Option<Date> {
        self.0.iter().find_map(|format| {
            let read = strtime::parse(format, text).ok()?.to_date().ok()?;
            Date::from_ymd(read.year(), read.month(), read.day())
        })
    }

    /// The instant that a text stands for, in `zone` unless the text carries an offset of its own.
    pub fn instant(&self, text: &str, zone: &TimeZone) -> Option<jiff::Timestamp> {
        self.0.iter().find_map(|format| {
            let read = strtime::parse(format, text).ok()?;
            if read.offset().is_some() {
                return read.to_timestamp().ok();
            }
            read.to_datetime().ok()?.to_zoned(zone.clone()).ok().map(|zoned| zoned.timestamp())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_format_that_fits_reads_the_day() {
        let formats = Formats::of_dates(&["%Y-%m-%d", "%d/%m/%Y", "%Y-%m-%d %H:%M:%S"]).expect("must be formats");
        for text in ["2013-02-03", "03/02/2013", "2013-02-03 06:07:08"] {
            assert_eq!(formats.day(text).expect("must read").to_string(), "2013-02-03", "{text}");
        }
        for text in ["2013-02-30", "02/13/2013 ", "", "yesterday", "1899-12-31", "9999-01-01"] {
            assert_eq!(formats.day(text), None, "{text}");
        }
    }

    #[test]
    fn a_format_that_does_not_determine_a_day_is_refused() {
        for format in ["%Y-%m", "%d/%m/%y", "%Q", "", "%H:%M", "day"] {
            assert!(Formats::of_dates(&[format]).is_err(), "{format}");
        }
        assert!(Formats::of_dates(&[]).is_err());
        for format in ["%Y-%m-%d %H", "%H:%M"] {
            assert!(Formats::of_instants(&[format]).is_err(), "{format}");
        }
    }

    #[test]
    fn an_instant_is_in_its_zone_unless_it_carries_an_offset() {
        let formats =
            Formats::of_instants(&["%Y-%m-%dT%H:%M:%S%z", "%Y-%m-%d %H:%M", "%Y-%m-%d"]).expect("must be formats");
        let london = TimeZone::get("Europe/London").expect("must be bundled");
        let read = |text| formats.instant(text, &london).map(|instant| instant.to_string());
        assert_eq!(read("2026-07-01 10:00").as_deref(), Some("2026-07-01T09:00:00Z"));
        assert_eq!(read("2026-07-01T10:00:00+0200").as_deref(), Some("2026-07-01T08:00:00Z"));
        assert_eq!(read("2026-07-01").as_deref(), Some("2026-06-30T23:00:00Z"));
    }
}
