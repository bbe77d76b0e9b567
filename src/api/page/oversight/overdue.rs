//! What is overdue, in the words in which a supervisor would say it: how long nothing
//! was done and how long is allowed. What is due when is the service's to say; here it
//! is only told.

use crate::pb;

use super::terms::{Term, told};
use crate::domain::word::SupervisionClock;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

fn of(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", crate::telling::count(number)) }
}

/// A length of time in its largest part: "9 days", "5 hours", "12 minutes".
pub fn length(seconds: u64) -> String {
    match (seconds / DAY, seconds / HOUR, seconds / MINUTE) {
        (0, 0, 0) => "less than a minute".to_owned(),
        (0, 0, minutes) => of(minutes, "minute"),
        (0, hours, _) => of(hours, "hour"),
        (days, ..) => of(days, "day"),
    }
}

/// A length of time in its two largest parts: "7 days 3 hours".
pub fn exact(seconds: u64) -> String {
    let rest = if seconds >= DAY { seconds % DAY / HOUR } else { seconds % HOUR / MINUTE };
    match (seconds >= DAY, seconds >= HOUR, rest) {
        (true, _, 1..) => format!("{} {}", length(seconds), of(rest, "hour")),
        (false, true, 1..) => format!("{} {}", length(seconds), of(rest, "minute")),
        (..) => length(seconds),
    }
}

/// An allowance of days is of days, though the clocks may have changed within it.
pub fn allowance(seconds: u64) -> u64 {
    let days = (seconds + DAY / 2) / DAY * DAY;
    if days > 0 && seconds.abs_diff(days) <= HOUR { days } else { seconds }
}

/// "no activity for 9 days; 7 are allowed".
fn without(what: &str, elapsed: u64, allowed: u64) -> String {
    let allowed = allowance(allowed);
    let whole_days = allowed >= DAY && allowed.is_multiple_of(DAY);
    if whole_days && elapsed / DAY > allowed / DAY {
        let are = if allowed == DAY { "is" } else { "are" };
        return format!("{what} for {}; {} {are} allowed", length(elapsed), crate::telling::count(allowed / DAY));
    }
    let text = exact(allowed);
    let are = if text.starts_with("1 ") && !text[2..].contains(' ') { "is" } else { "are" };
    format!("{what} for {}; {text} {are} allowed", exact(elapsed))
}

/// How a clock stands: what has not been done for how long and how long is allowed, or when it is due.
pub fn standing(reading: &pb::ClockReading) -> String {
    let Some(clock) = SupervisionClock::of_number(reading.clock) else { return String::new() };
    let late = reading.overdue_seconds.unsigned_abs();
    if reading.overdue_seconds <= 0 {
        let when = if late == 0 { "now".to_owned() } else { format!("in {}", exact(late)) };
        return format!("{} is due {when}", told::<SupervisionClock>(reading.clock));
    }
    let seconds = |time: Option<&pbjson_types::Timestamp>| time.map_or(0, |time| time.seconds);
    let (since, due) = (seconds(reading.since_time.as_ref()), seconds(reading.due_time.as_ref()));
    let allowed = u64::try_from(due.saturating_sub(since)).unwrap_or(0);
    let elapsed = allowed.saturating_add(late);
    match clock {
        SupervisionClock::Circulation => without("not circulated as wanted", elapsed, allowed),
        SupervisionClock::Activity => without("no activity", elapsed, allowed),
        // The last review asked for the next by a day of its own: that is no time that a policy allows.
        SupervisionClock::Review if allowed % DAY != 0 => {
            format!("a supervisor’s review was due {} ago", length(late))
        }
        SupervisionClock::Review => without("no supervisor’s review", elapsed, allowed),
        SupervisionClock::Inspector => format!("an inspector’s review was due {} ago", length(late)),
        SupervisionClock::ChiefInspector => format!("a chief inspector’s review was due {} ago", length(late)),
        SupervisionClock::Execution => format!("arrest, or return to prison, was due {} ago", length(late)),
        SupervisionClock::VictimUpdate => without("a victim not told", elapsed, allowed),
    }
}

/// How something stands that is overdue by so many seconds, or, negative, has so many to go.
pub fn by(overdue_seconds: i64) -> String {
    let seconds = overdue_seconds.unsigned_abs();
    match overdue_seconds {
        0 => "due now".to_owned(),
        1.. => format!("overdue by {}", length(seconds)),
        ..0 => format!("due in {}", length(seconds)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(clock: SupervisionClock, allowed: i64, overdue: i64) -> pb::ClockReading {
        let at = |seconds| Some(pbjson_types::Timestamp { seconds, nanos: 0 });
        pb::ClockReading {
            clock: clock.number(),
            since_time: at(1_000_000),
            due_time: at(1_000_000 + allowed),
            overdue_seconds: overdue,
        }
    }

    #[test]
    fn what_is_overdue_is_said_as_a_supervisor_would() {
        const D: i64 = 86_400;
        const H: i64 = 3_600;
        for (clock, allowed, overdue, said) in [
            (SupervisionClock::Activity, 7 * D, 2 * D + 5 * H, "no activity for 9 days; 7 are allowed"),
            (SupervisionClock::Activity, 7 * D, 3 * H, "no activity for 7 days 3 hours; 7 days are allowed"),
            (SupervisionClock::Activity, 7 * D + H, 3 * D, "no activity for 10 days; 7 are allowed"),
            (SupervisionClock::Circulation, D, 9 * D, "not circulated as wanted for 10 days; 1 is allowed"),
            (SupervisionClock::Circulation, D, H, "not circulated as wanted for 1 day 1 hour; 1 day is allowed"),
            (
                SupervisionClock::Circulation,
                4 * H,
                D,
                "not circulated as wanted for 1 day 4 hours; 4 hours are allowed",
            ),
            (SupervisionClock::Review, 28 * D, 2_000 * D, "no supervisor’s review for 2,028 days; 28 are allowed"),
            (SupervisionClock::Inspector, 90 * D, D, "an inspector’s review was due 1 day ago"),
            (SupervisionClock::ChiefInspector, 90 * D, 60, "a chief inspector’s review was due 1 minute ago"),
            (SupervisionClock::Execution, 9 * D + 77, 2 * D, "arrest, or return to prison, was due 2 days ago"),
            (SupervisionClock::VictimUpdate, 14 * D, 14 * D, "a victim not told for 28 days; 14 are allowed"),
            (SupervisionClock::Review, 28 * D, -5 * H, "supervisor’s review is due in 5 hours"),
            (SupervisionClock::Review, 28 * D, 0, "supervisor’s review is due now"),
        ] {
            assert_eq!(standing(&reading(clock, allowed, overdue)), said);
        }
        assert_eq!(standing(&pb::ClockReading::default()), "");
    }

    #[test]
    fn lengths_are_told_in_their_largest_parts() {
        let told = [0, 61, 7_300, 90_000, 86_400 * 3].map(|seconds| (length(seconds), exact(seconds)));
        let expected = [
            ("less than a minute", "less than a minute"),
            ("1 minute", "1 minute"),
            ("2 hours", "2 hours 1 minute"),
            ("1 day", "1 day 1 hour"),
            ("3 days", "3 days"),
        ];
        assert_eq!(told, expected.map(|(length, exact)| (length.to_owned(), exact.to_owned())));
        assert_eq!([by(-90_000), by(0), by(90_000)], ["due in 1 day", "due now", "overdue by 1 day"]);
    }
}
