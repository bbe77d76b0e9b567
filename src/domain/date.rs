//! Civil dates in Europe/London as a count of days, so that ages and windows
//! are subtraction. A date never carries a time of day or a zone.

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::sync::LazyLock;

use jiff::civil;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

/// Days since 1970-01-01. Ordered, four bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i32);

/// A text that is not a calendar date of the form `YYYY-MM-DD` between 1900 and 2199.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a calendar date of the form YYYY-MM-DD between 1900-01-01 and 2199-12-31")]
pub struct NotADate;

/// Days from 1 March of the year 0 to 1970-01-01.
const TO_EPOCH: i32 = 719_468;

impl Date {
    const EPOCH: civil::Date = civil::date(1970, 1, 1);

    /// The date `days` after 1970-01-01 (negative: before).
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// Days since 1970-01-01.
    pub const fn days(self) -> i32 {
        self.0
    }

    /// The calendar date, or `None` outside 1900 to 2199 or where there is no such day.
    pub fn from_ymd(year: i16, month: i8, day: i8) -> Option<Self> {
        if !(1900..=2199).contains(&year) {
            return None;
        }
        civil::Date::new(year, month, day).ok().map(Self::from_civil)
    }

    fn from_civil(date: civil::Date) -> Self {
        let hours = date.duration_since(Self::EPOCH).as_hours();
        Self(i32::try_from(hours / 24).expect("a civil date must fit in i32 days"))
    }

    fn civil(self) -> civil::Date {
        Self::EPOCH.saturating_add(self.0.days())
    }

    /// Year, month (1 to 12) and day of month (1 to 31).
    ///
    /// Ages are asked several times a person, so this is plain arithmetic: a year that begins in March ends
    /// with its leap day, which makes days of the year and months a straight line.
    pub fn ymd(self) -> (i16, i8, i8) {
        let days = self.0.saturating_add(TO_EPOCH);
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let day = day_of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
        let year = year_of_era + era * 400 + i32::from(month <= 2);
        let narrow = "a date's parts must fit: day, month, and a year far below 32,768";
        (i16::try_from(year).unwrap_or(i16::MAX), i8::try_from(month).expect(narrow), i8::try_from(day).expect(narrow))
    }

    /// The civil date in London at an instant.
    pub fn in_london(instant: Timestamp) -> Self {
        Self::from_civil(instant.to_zoned(london()).date())
    }

    /// The date as an officer writes it: `3 March 2026`.
    pub fn spelt(self) -> String {
        const MONTHS: [&str; 12] = [
            "January",
            "February",
            "March",
            "April",
            "May",
            "June",
            "July",
            "August",
            "September",
            "October",
            "November",
            "December",
        ];
        let (year, month, day) = self.ymd();
        let month = usize::try_from(month).ok().and_then(|month| MONTHS.get(month - 1)).copied().unwrap_or_default();
        format!("{day} {month} {year}")
    }

    /// The instant at which this day begins in London.
    pub fn london_midnight(self) -> Timestamp {
        self.civil().to_zoned(london()).expect("a date between 1900 and 2199 must have a midnight").timestamp()
    }

    /// Completed years from `self` to `on`, as birthdays are counted: one born on
    /// 29 February is a year older on 1 March of a common year. Negative before `self`.
    pub fn completed_years(self, on: Self) -> i32 {
        let (from, to) = (self.ymd(), on.ymd());
        let years = i32::from(to.0) - i32::from(from.0);
        years - i32::from((to.1, to.2) < (from.1, from.2))
    }

    /// Completed calendar months from `self` to `on`. Negative before `self`.
    pub fn completed_months(self, on: Self) -> i32 {
        let (from, to) = (self.ymd(), on.ymd());
        let months = (i32::from(to.0) - i32::from(from.0)) * 12 + i32::from(to.1) - i32::from(from.1);
        months - i32::from(to.2 < from.2)
    }

    /// The same day `years` later (earlier where negative); 29 February becomes 28 February in a common year.
    pub fn plus_years(self, years: i32) -> Self {
        self.plus_months(years.saturating_mul(12))
    }

    /// The same day of month `months` later (earlier where negative), held back to the end of a shorter month.
    pub fn plus_months(self, months: i32) -> Self {
        let (year, month, day) = self.ymd();
        let months = (i32::from(year) * 12 + i32::from(month) - 1).saturating_add(months);
        let first = Self::first_of_month(months);
        let last = Self::first_of_month(months.saturating_add(1)) - first;
        first + i32::from(day).min(last) - 1
    }

    /// The first day of a month, counted from January of the year 0.
    fn first_of_month(months: i32) -> Self {
        // Counted from March, so that the leap day is the last of its year.
        let from_march = months.saturating_sub(2);
        let (year, month) = (from_march.div_euclid(12), from_march.rem_euclid(12));
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let days = i64::from(year) * 365 + i64::from(leap_days) + i64::from((153 * month + 2) / 5);
        let held = days.clamp(i64::from(i32::MIN), i64::from(i32::MAX)) - i64::from(TO_EPOCH);
        Self(i32::try_from(held).unwrap_or(i32::MIN))
    }
}

/// The zone in which this service's days begin and end.
pub(crate) fn london() -> TimeZone {
    static LONDON: LazyLock<TimeZone> =
        LazyLock::new(|| TimeZone::get("Europe/London").expect("the bundled zone data must hold Europe/London"));
    LONDON.clone()
}

impl Add<i32> for Date {
    type Output = Self;
    fn add(self, days: i32) -> Self {
        Self(self.0.saturating_add(days))
    }
}

impl Sub<i32> for Date {
    type Output = Self;
    fn sub(self, days: i32) -> Self {
        Self(self.0.saturating_sub(days))
    }
}

/// Days from the right-hand date to the left-hand one.
impl Sub for Date {
    type Output = i32;
    fn sub(self, earlier: Self) -> i32 {
        self.0.saturating_sub(earlier.0)
    }
}

impl FromStr for Date {
    type Err = NotADate;
    fn from_str(text: &str) -> Result<Self, NotADate> {
        let bytes = text.as_bytes();
        let shape = bytes.len() == 10
            && bytes.iter().enumerate().all(|(place, byte)| match place {
                4 | 7 => *byte == b'-',
                0..=3 | 5 | 6 | 8..=9 => byte.is_ascii_digit(),
                10.. => false,
            });
        if !shape {
            return Err(NotADate);
        }
        let year = text[0..4].parse().map_err(|_| NotADate)?;
        let month = text[5..7].parse().map_err(|_| NotADate)?;
        let day = text[8..10].parse().map_err(|_| NotADate)?;
        Self::from_ymd(year, month, day).ok_or(NotADate)
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.ymd();
        // Lists are full of dates, and the formatter is slow with numbers.
        if let (Ok(year @ 0..=9_999), Ok(month), Ok(day)) =
            (u16::try_from(year), u16::try_from(month), u16::try_from(day))
        {
            let digit = |number: u16| b'0' + (number % 10).to_le_bytes()[0];
            let text = [
                digit(year / 1_000),
                digit(year / 100),
                digit(year / 10),
                digit(year),
                b'-',
                digit(month / 10),
                digit(month),
                b'-',
                digit(day / 10),
                digit(day),
            ];
            return f.write_str(str::from_utf8(&text).expect("digits and hyphens must be UTF-8"));
        }
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

impl fmt::Debug for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().expect("must be a date")
    }

    #[test]
    fn a_date_reads_as_it_was_written() {
        for text in ["1900-01-01", "1970-01-01", "2000-02-29", "2026-10-25", "2199-12-31"] {
            assert_eq!(date(text).to_string(), text);
        }
    }

    #[test]
    fn every_day_of_three_centuries_has_the_parts_of_the_civil_calendar() {
        let (first, last) = (date("1900-01-01"), date("2199-12-31"));
        for days in first.days()..=last.days() {
            let (day, civil) = (Date::from_days(days), Date::from_days(days).civil());
            assert_eq!(day.ymd(), (civil.year(), civil.month(), civil.day()));
        }
    }

    #[test]
    fn months_and_years_are_added_as_in_the_civil_calendar() {
        let (first, last) = (date("1900-01-01"), date("2199-12-31"));
        for days in (first.days()..=last.days()).step_by(7) {
            let day = Date::from_days(days);
            for months in [-1_201, -36, -13, -1, 0, 1, 2, 11, 12, 400] {
                assert_eq!(day.plus_months(months), Date::from_civil(day.civil().saturating_add(months.months())));
            }
            for years in [-60, -1, 0, 1, 4] {
                assert_eq!(day.plus_years(years), Date::from_civil(day.civil().saturating_add(years.years())));
            }
        }
        assert_eq!(date("2024-02-29").plus_years(1), date("2025-02-28"));
        assert_eq!(date("2024-03-31").plus_months(-1), date("2024-02-29"));
    }

    #[test]
    fn what_is_no_calendar_day_is_refused() {
        for text in ["2026-02-29", "2026-13-01", "1899-12-31", "26-01-01", "2026/01/01", "2026-1-1", "", "+026-01-01"] {
            assert_eq!(text.parse::<Date>(), Err(NotADate), "{text}");
        }
    }

    #[test]
    fn ages_are_completed_years_and_months() {
        assert_eq!(date("2000-02-29").completed_years(date("2001-02-28")), 0);
        assert_eq!(date("2000-02-29").completed_years(date("2001-03-01")), 1);
        assert_eq!(date("2026-01-31").completed_months(date("2026-02-28")), 0);
        assert_eq!(date("2026-01-31").completed_months(date("2026-03-31")), 2);
    }

    #[test]
    fn a_day_in_london_begins_an_hour_early_in_summer() {
        assert_eq!(date("2026-07-01").london_midnight().to_string(), "2026-06-30T23:00:00Z");
        assert_eq!(date("2026-01-01").london_midnight().to_string(), "2026-01-01T00:00:00Z");
    }
}
