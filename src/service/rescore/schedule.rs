//! When a run is due by itself: once a day, at or after a time of day in
//! London, for as long as the lists are of an earlier day. There is no next
//! time to be computed, so a night on which the clock skips that time, or has it
//! twice, has one run like any other.

use jiff::civil::Time;
use jiff::{Timestamp, tz::TimeZone};
use tracing::{info, warn};

use super::publish::RunStep;
use super::runs::RunState;
use super::{Inner, id_of_day};
use crate::access::Caller;
use crate::domain::Date;
use crate::service::fault::Fault;
use crate::service::mutation::{Mutation, MutationBody};

/// Seconds between two attempts at a day's run that failed; doubles with each.
const RETRY_SECONDS: i64 = 300;
/// Attempts at a day's run.
const ATTEMPTS: u32 = 5;

/// What the schedule remembers.
#[derive(Debug, Default)]
pub struct Due {
    refused: Option<Date>,
}

/// The day whose run is due now, where lists are of `held`.
pub fn due(now: Timestamp, at: Time, held: Date) -> Option<Date> {
    let local = now.to_zoned(TimeZone::get("Europe/London").ok()?);
    let today = Date::in_london(now);
    (local.time() >= at && held < today).then_some(today)
}

/// Whether a run that failed so often, last then, is tried again.
fn again(now: Timestamp, attempt: u32, ended_micros: i64) -> bool {
    let wait = RETRY_SECONDS << attempt.saturating_sub(1).min(8);
    attempt < ATTEMPTS && now.as_microsecond() - ended_micros >= wait * 1_000_000
}

impl Due {
    /// Begins the day's run where it is due.
    pub(super) fn look(&mut self, inner: &Inner) {
        let (Some(at), Some(standings)) = (inner.settings.schedule, inner.service.board.standings()) else { return };
        let now = inner.service.now();
        let Some(day) = due(now, at, standings.as_of()) else { return };
        let id = id_of_day(day);
        let runs = inner.service.board.runs();
        match runs.get(&id).map(|run| (&run.state, run.attempt, run.ended_micros)) {
            None => {}
            Some((RunState::Ended { cancelled: false, .. }, attempt, ended)) if again(now, attempt, ended) => {}
            // Somebody did not want it, it has failed too often, or it goes on.
            Some(_) => return,
        }
        let body = MutationBody::Run(RunStep::Start { id, as_of: day });
        let started = Mutation { caller: Caller::service(), request_id: id, digest: [0; 32], body };
        match inner.service.change_blocking(started) {
            Ok(_) => {
                info!(as_of = %day, "the day's run begins by the schedule");
                inner.ring();
            }
            Err(Fault::ShuttingDown) => {}
            Err(fault) => {
                // Told once a day, and tried at every look.
                if self.refused != Some(day) {
                    warn!(as_of = %day, fault = %fault, "the day's run could not be begun");
                    self.refused = Some(day);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(instant: &str) -> Timestamp {
        instant.parse().unwrap()
    }

    fn day(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_run_is_due_from_its_time_on_until_the_lists_are_of_the_day() {
        let half_past_two = Time::constant(2, 30, 0, 0);
        let due = |instant: &str, held: &str| due(at(instant), half_past_two, day(held));
        assert_eq!(due("2026-11-28T02:29:59Z", "2026-11-27"), None);
        assert_eq!(due("2026-11-28T02:30:00Z", "2026-11-27"), Some(day("2026-11-28")));
        assert_eq!(due("2026-11-28T23:59:59Z", "2026-11-20"), Some(day("2026-11-28")), "late is better than never");
        assert_eq!(due("2026-11-28T12:00:00Z", "2026-11-28"), None);
        assert_eq!(due("2026-11-28T12:00:00Z", "2026-11-29"), None);
        // In summer the day begins an hour earlier than it does in UTC.
        assert_eq!(due("2026-07-01T01:29:59Z", "2026-06-30"), None);
        assert_eq!(due("2026-07-01T01:30:00Z", "2026-06-30"), Some(day("2026-07-01")));
    }

    #[test]
    fn a_night_on_which_the_clock_changes_has_one_run() {
        let half_past_one = Time::constant(1, 30, 0, 0);
        // 29 March 2026: there is no half past one; the clock goes from 01:00 to 02:00.
        assert_eq!(due(at("2026-03-29T00:59:59Z"), half_past_one, day("2026-03-28")), None);
        assert_eq!(due(at("2026-03-29T01:00:00Z"), half_past_one, day("2026-03-28")), Some(day("2026-03-29")));
        // 25 October 2026: there are two; by the second, the run of the first has published.
        assert_eq!(due(at("2026-10-25T00:30:00Z"), half_past_one, day("2026-10-24")), Some(day("2026-10-25")));
        assert_eq!(due(at("2026-10-25T01:30:00Z"), half_past_one, day("2026-10-25")), None);
    }

    #[test]
    fn a_failed_run_is_tried_again_ever_later_and_not_for_ever() {
        let ended = at("2026-11-28T03:00:00Z").as_microsecond();
        assert!(!again(at("2026-11-28T03:04:59Z"), 1, ended));
        assert!(again(at("2026-11-28T03:05:00Z"), 1, ended));
        assert!(!again(at("2026-11-28T03:09:59Z"), 2, ended));
        assert!(again(at("2026-11-28T03:10:00Z"), 2, ended));
        assert!(!again(at("2026-11-28T23:00:00Z"), ATTEMPTS, ended));
    }
}
