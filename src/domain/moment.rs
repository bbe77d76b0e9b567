//! Instants of supervision, in whole seconds: what a clock of hours and days needs, in eight bytes.

use std::ops::{Add, Sub};

use jiff::Timestamp;

use super::Date;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(pub i64);

/// Seconds of a day without a change of clocks.
pub const DAY: i64 = 86_400;
/// Seconds of an hour.
pub const HOUR: i64 = 3_600;

impl Moment {
    /// Later than everything.
    pub const END: Self = Self(i64::MAX);

    /// The second that an instant lies in.
    pub fn of(instant: Timestamp) -> Self {
        Self(instant.as_microsecond().div_euclid(1_000_000))
    }

    /// The second that an instant in microseconds since 1970 lies in.
    pub const fn of_micros(micros: i64) -> Self {
        Self(micros.div_euclid(1_000_000))
    }

    /// The second after the last of a day in London.
    pub fn end_of(day: Date) -> Self {
        Self::of((day + 1).london_midnight())
    }

    /// When something of a day was, that is known to the day alone and was recorded at `recorded`: in the day's last second,
    /// or when it was recorded, if that was sooner. Nobody is late by hours that nobody wrote down.
    pub fn in_day(day: Date, recorded: Self) -> Self {
        (Self::end_of(day) + -1).min(recorded)
    }

    /// The instant; the nearest one that there is.
    pub fn instant(self) -> Timestamp {
        Timestamp::from_second(self.0.clamp(Timestamp::MIN.as_second(), Timestamp::MAX.as_second()))
            .expect("a second within bounds must be an instant")
    }

    /// The day in London that it lies in.
    pub fn day(self) -> Date {
        Date::in_london(self.instant())
    }
}

impl Add<i64> for Moment {
    type Output = Self;
    fn add(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }
}

/// Seconds from the right-hand moment to the left-hand one.
impl Sub for Moment {
    type Output = i64;
    fn sub(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_at_midnight_in_london_also_when_the_clocks_change() {
        let day = |text: &str| text.parse::<Date>().expect("must be a date");
        let end = |text: &str| Moment::end_of(day(text)).instant().to_string();
        assert_eq!(end("2026-01-15"), "2026-01-16T00:00:00Z");
        assert_eq!(end("2026-07-15"), "2026-07-15T23:00:00Z");
        assert_eq!(Moment::end_of(day("2026-03-29")) - Moment::end_of(day("2026-03-28")), DAY - HOUR);
        assert_eq!(Moment::of("2026-07-15T22:59:59Z".parse().unwrap()).day(), day("2026-07-15"));
        assert_eq!(Moment::of("2026-07-15T23:00:00Z".parse().unwrap()).day(), day("2026-07-16"));
    }

    #[test]
    fn what_is_known_to_the_day_alone_was_in_its_last_second_or_when_it_was_recorded() {
        let day: Date = "2026-01-15".parse().unwrap();
        let noon = Moment::of("2026-01-15T12:00:00Z".parse().unwrap());
        assert_eq!(Moment::in_day(day, noon), noon);
        assert_eq!(Moment::in_day(day, noon + 3 * DAY).instant().to_string(), "2026-01-15T23:59:59Z");
    }
}
