//! What has to be done each night and each hour: whether somebody does it, and whether
//! it was done.

use jiff::Timestamp;

use super::finding::{Area, Finding};
use super::server::{Backups, Ready, Server};
use crate::config::{Home, Settings};
use crate::domain::Date;

/// How many times `backup.every_minutes` may pass before a backup counts as late.
const LATE: u64 = 3;

/// What is found.
pub fn examine(settings: &Settings, server: &Server, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![nightly(settings)];
    if let Server::Answering(ready) = server {
        findings.push(lists(ready, now));
        findings.extend(ready.rescore_problem.as_ref().map(|problem| {
            Finding::wrong(
                Area::Schedule,
                format!("The newest run did not publish: {problem}."),
                "`steelyard rescore runs` has the last ones; when the reason is gone, `steelyard rescore`.",
            )
        }));
    }
    if settings.store.home != Home::Memory {
        findings.push(hourly(settings));
        if let Server::Answering(ready) = server {
            findings.extend(backed_up(settings, &ready.backup, ready.revision.unwrap_or_default()));
        }
    }
    findings
}

fn nightly(settings: &Settings) -> Finding {
    const DAY: u64 = 24 * 3_600;
    let Some(time) = settings.rescore.schedule else {
        return Finding::note(
            Area::Schedule,
            "`rescore.schedule` is off: the server weighs nobody on a new day by itself.",
            "Have a scheduler run `steelyard rescore` each night, as the chart does, or set it, such as `00:30`.",
        );
    };
    let begins = u64::from(time.hour().unsigned_abs()) * 3_600 + u64::from(time.minute().unsigned_abs()) * 60;
    let shown = time.strftime("%H:%M");
    if begins + DAY > settings.lists.stale_after.as_secs() {
        return Finding::note(
            Area::Schedule,
            format!(
                "Everybody is weighed anew each day from {shown} in London; before that lists count as stale already."
            ),
            "Set `rescore.schedule` earlier, such as `00:30`, or `freshness.stale_after_hours` higher.",
        );
    }
    Finding::well(Area::Schedule, format!("Everybody is weighed anew each day from {shown} in London."))
}

fn lists(ready: &Ready, now: Timestamp) -> Finding {
    let of = ready.as_of.as_deref().unwrap_or("no day");
    let today = Date::in_london(now);
    if ready.stale {
        return Finding::wrong(
            Area::Schedule,
            format!("Lists are of {of}, which is older than `freshness.stale_after_hours` allows; today is {today}."),
            "`steelyard rescore` moves them to today; then find out why the night's run did not.",
        );
    }
    Finding::well(Area::Schedule, format!("Lists are of {of}; today is {today}."))
}

fn hourly(settings: &Settings) -> Finding {
    match settings.backup.every {
        Some(every) => Finding::well(
            Area::Schedule,
            format!("The server backs itself up every {} minutes, if anything was written.", every.as_secs() / 60),
        ),
        None => Finding::note(
            Area::Schedule,
            "`backup.every_minutes` is 0: the server makes no backup by itself, and its journal grows.",
            "Have a scheduler run `steelyard backup`, or leave the setting out.",
        ),
    }
}

fn backed_up(settings: &Settings, backups: &Backups, revision: u64) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(problem) = &backups.problem {
        findings.push(Finding::wrong(
            Area::Schedule,
            format!("The last backup failed: {problem} ({} since the start).", backups.failures),
            "Mend that; it is tried again by itself, or at once by `steelyard backup`.",
        ));
    }
    let behind = revision.saturating_sub(backups.last.as_ref().map_or(0, |last| last.revision));
    let allowed = settings.backup.every.map(|every| every.as_secs().saturating_mul(LATE));
    findings.push(match &backups.last {
        None if behind == 0 => return findings,
        None => Finding::note(
            Area::Schedule,
            "There is no backup yet.",
            "The first is made a minute after the first writes; `steelyard backup` makes one now.",
        ),
        Some(last) => {
            let age = u64::try_from(last.age_seconds).unwrap_or(0);
            let seen = format!("The newest backup was made {} minutes ago and is {behind} revisions behind.", age / 60);
            match allowed {
                Some(allowed) if behind > 0 && age > allowed => {
                    Finding::wrong(Area::Schedule, seen, "It is late: `steelyard backup` says what is in its way.")
                }
                Some(_) | None => Finding::well(Area::Schedule, seen),
            }
        }
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::super::server::Backup;
    use super::*;

    fn settings() -> Settings {
        let trial = Settings::trial("127.0.0.1:0".parse().unwrap(), "/nowhere".into(), "2026-11-28".parse().unwrap());
        let backup = crate::config::Backup { every: Some(std::time::Duration::from_hours(1)), ..trial.backup };
        Settings { backup, ..trial }
    }

    fn worst(backups: &Backups, revision: u64) -> Vec<Verdict> {
        backed_up(&settings(), backups, revision).iter().map(|it| it.verdict).collect()
    }

    #[test]
    fn a_backup_is_late_only_while_there_is_something_to_back_up() {
        let of = |age_seconds| Backups { last: Some(Backup { revision: 7, age_seconds }), ..Backups::default() };
        assert_eq!(worst(&of(3 * 3_600), 8), [Verdict::Well]);
        assert_eq!(worst(&of(3 * 3_600 + 1), 8), [Verdict::Wrong]);
        assert_eq!(worst(&of(1_000_000), 7), [Verdict::Well]);
    }

    #[test]
    fn no_backup_is_a_note_once_something_was_written_and_a_failed_one_is_wrong() {
        assert_eq!(worst(&Backups::default(), 0), []);
        assert_eq!(worst(&Backups::default(), 1), [Verdict::Note]);
        let failed = Backups { problem: Some("the disk is full".to_owned()), failures: 2, ..Backups::default() };
        assert_eq!(worst(&failed, 1), [Verdict::Wrong, Verdict::Note]);
    }

    #[test]
    fn a_run_after_the_hour_at_which_lists_are_stale_is_told() {
        let at = |hour| {
            let schedule = jiff::civil::Time::new(hour, 0, 0, 0).ok();
            let rescore = crate::config::Rescore { schedule, ..settings().rescore };
            nightly(&Settings { rescore, ..settings() }).verdict
        };
        assert_eq!([at(2), at(3)], [Verdict::Well, Verdict::Note]);
    }

    #[test]
    fn stale_lists_are_wrong() {
        let now: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let of = |stale| lists(&Ready { stale, as_of: Some("2026-11-26".to_owned()), ..Ready::default() }, now);
        assert_eq!([of(true).verdict, of(false).verdict], [Verdict::Wrong, Verdict::Well]);
        assert!(of(true).seen.contains("of 2026-11-26") && of(true).seen.contains("today is 2026-11-28"));
    }
}
