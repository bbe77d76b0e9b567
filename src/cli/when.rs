//! Instants and lengths of time as an officer reads and types them: on the clock in
//! London, in days and hours. No clock is read here.

use pbjson_types::Timestamp;

use crate::domain::date::london;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Reads an instant as RFC 3339 writes it, such as `2026-03-31T14:05:00+01:00`.
pub fn typed(text: &str) -> Result<Timestamp, String> {
    let instant: jiff::Timestamp =
        text.parse().map_err(|_| "not an instant, such as 2026-03-31T14:05:00+01:00 or 2026-03-31T13:05:00Z")?;
    Ok(crate::service::timestamp(instant))
}

/// An instant in London to the minute: `31 Mar 2026 14:05`. Empty where there is none.
pub fn told(time: Option<&Timestamp>) -> String {
    let instant = time.and_then(|time| jiff::Timestamp::from_second(time.seconds).ok());
    instant.map_or_else(String::new, |it| it.to_zoned(london()).strftime("%-d %b %Y %H:%M").to_string())
}

/// An instant in UTC to the second, for machines. Empty where there is none.
pub fn utc(time: Option<&Timestamp>) -> String {
    let instant = time.and_then(|time| jiff::Timestamp::from_second(time.seconds).ok());
    instant.map_or_else(String::new, |it| it.to_string())
}

/// Seconds from one instant to another; none where either is missing or the second is the earlier.
pub fn between(from: Option<&Timestamp>, to: Option<&Timestamp>) -> Option<u64> {
    u64::try_from(to?.seconds.saturating_sub(from?.seconds)).ok()
}

/// A length of time in its two largest parts of days, hours and minutes: `3 days 4 h`, `5 h`, `12 min`.
pub fn length(seconds: u64) -> String {
    let (days, hours, minutes) = (seconds / DAY, seconds % DAY / HOUR, seconds % HOUR / MINUTE);
    match (days, hours, minutes) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, _) => format!("{hours} h"),
        (1, 0, _) => "1 day".to_owned(),
        (1, hours, _) => format!("1 day {hours} h"),
        (days, 0, _) => format!("{days} days"),
        (days, hours, _) => format!("{days} days {hours} h"),
    }
}

/// How something stands that is overdue by so many seconds, or, negative, has so many to go.
pub fn standing(overdue_seconds: i64) -> String {
    match overdue_seconds {
        0 => "due now".to_owned(),
        1.. => format!("{} overdue", length(overdue_seconds.unsigned_abs())),
        ..0 => format!("due in {}", length(overdue_seconds.unsigned_abs())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_told_on_the_clock_of_london() {
        let winter = typed("2026-01-31T14:05:59Z").unwrap();
        assert_eq!(told(Some(&winter)), "31 Jan 2026 14:05");
        let summer = typed("2026-03-31T14:05:00Z").unwrap();
        assert_eq!(told(Some(&summer)), "31 Mar 2026 15:05");
        assert_eq!(utc(Some(&summer)), "2026-03-31T14:05:00Z");
        assert_eq!((told(None), utc(None)), (String::new(), String::new()));
    }

    #[test]
    fn an_instant_without_its_zone_is_refused() {
        assert_eq!(typed("2026-03-31T15:05:00+01:00"), typed("2026-03-31T14:05:00Z"));
        for wrong in ["2026-03-31", "2026-03-31T14:05:00", "soon", ""] {
            assert!(typed(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn lengths_are_told_in_days_and_hours() {
        let told: Vec<_> = [0, 59, 60, 3_599, 5 * HOUR + 1, DAY, DAY + HOUR, 3 * DAY + 4 * HOUR, 28 * DAY + 59]
            .into_iter()
            .map(length)
            .collect();
        let expected = [
            "less than a minute",
            "less than a minute",
            "1 min",
            "59 min",
            "5 h",
            "1 day",
            "1 day 1 h",
            "3 days 4 h",
            "28 days",
        ];
        assert_eq!(told, expected);
        assert_eq!(standing(-18_000), "due in 5 h");
        assert_eq!(standing(273_600), "3 days 4 h overdue");
        assert_eq!(standing(0), "due now");
    }
}
