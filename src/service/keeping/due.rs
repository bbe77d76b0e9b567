//! When a backup is due, and of which kind. Pure: the time and everything known
//! are passed in.

use std::time::Duration;

use jiff::Timestamp;

use super::vault::{Backup, Kind};
use crate::config;
use crate::domain::Revision;

/// How long after the first writes the first backup is made: many arrive together at first.
pub const FIRST_AFTER: Duration = Duration::from_mins(1);
/// Least time between two backups made because the journal is long: one that was not shortened is not to be backed
/// up again and again.
const LONG_JOURNAL_EVERY: Duration = Duration::from_mins(5);
/// Longest time until a backup that failed is tried again.
const RETRY_AT_MOST: Duration = Duration::from_hours(1);

/// What is known when it is decided.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The end of the ledger.
    pub head: Revision,
    /// When the first event was met that no backup holds.
    pub uncovered_since: Option<Timestamp>,
    /// The newest verified backup.
    pub newest: Option<Backup>,
    /// When the newest full one was written.
    pub newest_full: Option<Timestamp>,
    /// The last event before the first that the journal holds, and its bytes.
    pub journal: Option<(Revision, u64)>,
}

impl Known {
    /// The kind to make where none is asked for.
    pub fn kind(&self, now: Timestamp, settings: &config::Backup) -> Kind {
        match self.newest_full {
            Some(full) if self.newest.is_some() && !passed(now, full, settings.full_every) => Kind::Incremental,
            Some(_) | None => Kind::Full,
        }
    }

    /// The kind to make where `asked` is asked for: nothing can follow a backup that is not there.
    pub fn kind_asked(&self, asked: Option<Kind>, now: Timestamp, settings: &config::Backup) -> Kind {
        match asked {
            Some(Kind::Incremental) if self.newest_full.is_none() || self.newest.is_none() => Kind::Full,
            Some(kind) => kind,
            None => self.kind(now, settings),
        }
    }
}

/// The backup that is due now.
pub fn due(now: Timestamp, known: &Known, settings: &config::Backup) -> Option<Kind> {
    let every = settings.every?;
    let covered = known.newest.as_ref().map_or(Revision(0), |newest| newest.head.revision);
    if known.head <= covered {
        return None;
    }
    let kind = known.kind(now, settings);
    let Some(newest) = &known.newest else {
        let since = known.uncovered_since?;
        return passed(now, since, FIRST_AFTER.min(every)).then_some(kind);
    };
    let (held_after, journal_bytes) = known.journal.unwrap_or((covered, 0));
    let reasons = [
        // Between the newest backup and the journal lies a gap: if the engine's files broke now, it would be lost.
        held_after > covered,
        passed(now, newest.created, every),
        kind == Kind::Full,
        journal_bytes > settings.journal_bytes && passed(now, newest.created, LONG_JOURNAL_EVERY),
    ];
    reasons.contains(&true).then_some(kind)
}

/// How long after so many failures in a row the next attempt is made.
pub fn retry_after(failures: u32) -> Duration {
    Duration::from_mins(1 << failures.saturating_sub(1).min(6)).min(RETRY_AT_MOST)
}

/// Whether so much time has passed since then. An instant that has not come tells nothing of an age: a clock was wrong.
fn passed(now: Timestamp, since: Timestamp, time: Duration) -> bool {
    Duration::try_from(now.duration_since(since)).map_or(true, |age| age >= time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Head;

    const HOUR: i64 = 3_600;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_780_000_000 + seconds).unwrap()
    }

    fn settings() -> config::Backup {
        config::Backup {
            directory: Some("backups".into()),
            every: Some(Duration::from_hours(1)),
            full_every: Duration::from_hours(24),
            journal_bytes: 512 << 20,
            keep_full: 3,
        }
    }

    fn backup(revision: u64, created: i64) -> Backup {
        Backup {
            name: String::new(),
            kind: Kind::Full,
            before: Revision(0),
            head: Head { revision: Revision(revision), hash: [0; 32] },
            bytes: 0,
            events: revision,
            created: at(created),
        }
    }

    /// A full backup of 100 events at 0, and 50 events since.
    fn known() -> Known {
        Known {
            head: Revision(150),
            uncovered_since: Some(at(0)),
            newest: Some(backup(100, 0)),
            newest_full: Some(at(0)),
            journal: Some((Revision(100), 1 << 20)),
        }
    }

    #[test]
    fn the_first_backup_is_full_and_made_soon_after_the_first_writes() {
        let known = Known { head: Revision(3), uncovered_since: Some(at(0)), ..Known::default() };
        assert_eq!(due(at(59), &known, &settings()), None);
        assert_eq!(due(at(60), &known, &settings()), Some(Kind::Full));
    }

    #[test]
    fn nothing_is_due_while_nothing_was_written() {
        assert_eq!(due(at(100 * HOUR), &Known { head: Revision(100), ..known() }, &settings()), None);
        assert_eq!(due(at(100 * HOUR), &Known::default(), &settings()), None);
    }

    #[test]
    fn an_incremental_one_is_due_each_hour_and_a_full_one_each_day() {
        assert_eq!(due(at(HOUR - 1), &known(), &settings()), None);
        assert_eq!(due(at(HOUR), &known(), &settings()), Some(Kind::Incremental));
        let late = Known { newest: Some(backup(140, 24 * HOUR - 1)), ..known() };
        assert_eq!(due(at(24 * HOUR), &late, &settings()), Some(Kind::Full));
    }

    #[test]
    fn a_long_journal_does_not_wait_for_the_hour_and_is_not_backed_up_again_and_again() {
        let long = Known { journal: Some((Revision(100), (512 << 20) + 1)), ..known() };
        assert_eq!(due(at(299), &long, &settings()), None);
        assert_eq!(due(at(300), &long, &settings()), Some(Kind::Incremental));
    }

    #[test]
    fn a_gap_between_backup_and_journal_is_closed_at_once() {
        let gap = Known { journal: Some((Revision(101), 0)), ..known() };
        assert_eq!(due(at(0), &gap, &settings()), Some(Kind::Incremental));
    }

    #[test]
    fn an_incremental_one_needs_a_full_one_to_follow() {
        let headless = Known { newest_full: None, ..known() };
        assert_eq!(due(at(0), &headless, &settings()), Some(Kind::Full));
    }

    #[test]
    fn what_is_asked_for_is_made_unless_there_is_nothing_to_follow() {
        let headless = Known { newest_full: None, ..known() };
        assert_eq!(headless.kind_asked(Some(Kind::Incremental), at(0), &settings()), Kind::Full);
        assert_eq!(known().kind_asked(Some(Kind::Incremental), at(100 * HOUR), &settings()), Kind::Incremental);
        assert_eq!(known().kind_asked(Some(Kind::Full), at(0), &settings()), Kind::Full);
        assert_eq!(known().kind_asked(None, at(100 * HOUR), &settings()), Kind::Full);
    }

    #[test]
    fn a_backup_from_the_future_does_not_put_the_next_one_off() {
        let ahead = Known { newest: Some(backup(100, 1_000 * HOUR)), newest_full: Some(at(0)), ..known() };
        assert_eq!(due(at(1), &ahead, &settings()), Some(Kind::Incremental));
    }

    #[test]
    fn nothing_is_due_where_it_is_switched_off() {
        let off = config::Backup { every: None, ..settings() };
        let long = Known { journal: Some((Revision(101), u64::MAX)), ..known() };
        assert_eq!(due(at(1_000 * HOUR), &long, &off), None);
    }

    #[test]
    fn attempts_that_fail_come_further_and_further_apart_up_to_an_hour() {
        let minutes: Vec<_> = (1..=8).map(|failures| retry_after(failures).as_secs() / 60).collect();
        assert_eq!(minutes, [1, 2, 4, 8, 16, 32, 60, 60]);
    }
}
