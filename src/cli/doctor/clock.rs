//! The clock, which says what was known when and which tokens are over. Whether the
//! system keeps it right, what another machine's says, and whether anything of the store
//! was written later than now. And the time zone, by which days are counted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::SystemTime;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};

use super::finding::{Area, Finding};
use crate::access::reach::{self, Way};
use crate::config::{Home, KeySource, Settings};
use crate::domain::Date;

/// How far two clocks may be apart before tokens are refused by one that the other makes: what `access.leeway_seconds`
/// allows by default.
const APART: SignedDuration = SignedDuration::from_secs(30);

/// What is found.
pub async fn examine(settings: &Settings, now: Timestamp) -> Vec<Finding> {
    let asked = settings.clone();
    let issuer = tokio::task::spawn_blocking(move || issuer(&asked)).await.ok().flatten();
    let kept = [kept_by_timedatectl, kept_by_chrony].into_iter().find_map(|ask| ask());
    let mut findings = vec![synchronised(kept)];
    findings.extend(issuer.map(|theirs| beside(theirs, Timestamp::now())));
    if let Home::Directory(home) = &settings.store.home {
        let directories =
            [home.join("journal"), home.join("audit")].into_iter().chain(settings.backup.directory.clone());
        findings.extend(later_than(directories, now));
    }
    findings.push(zone());
    findings
}

fn synchronised(kept: Option<bool>) -> Finding {
    match kept {
        Some(true) => Finding::well(Area::Clock, "The system keeps its clock by others (NTP)."),
        Some(false) => Finding::wrong(
            Area::Clock,
            "The system's clock is not kept by others: what is written is stamped with it for ever, and tokens are judged by it.",
            "Start a time service (systemd-timesyncd, chrony) and see that it is synchronised.",
        ),
        None => Finding::unknown(
            Area::Clock,
            "Whether this machine's clock is kept by others: nothing here says so, as in a container.",
            "Ask the machine itself: `timedatectl` or `chronyc tracking` on the node.",
        ),
    }
}

fn kept_by_timedatectl() -> Option<bool> {
    match said(Command::new("timedatectl").args(["show", "--property=NTPSynchronized", "--value"]))?.trim() {
        "yes" => Some(true),
        "no" => Some(false),
        _ => None,
    }
}

fn kept_by_chrony() -> Option<bool> {
    let told = said(Command::new("chronyc").arg("tracking"))?;
    let leap = told.lines().find_map(|line| line.strip_prefix("Leap status"))?;
    Some(leap.trim_start_matches([' ', ':']).trim() == "Normal")
}

fn said(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The time at the issuer of tokens, where it has an address. Blocks.
fn issuer(settings: &Settings) -> Option<Timestamp> {
    let KeySource::Url { url, authority } = &settings.access.tokens.as_ref()?.keys else { return None };
    let answer = reach::agent(authority.as_deref(), Way::Https).ok()?.get(url).call().ok()?;
    let date = answer.headers().get(http::header::DATE)?.to_str().ok()?;
    Some(rfc2822::DateTimeParser::new().parse_zoned(date).ok()?.timestamp())
}

fn beside(theirs: Timestamp, ours: Timestamp) -> Finding {
    let apart = ours.duration_since(theirs);
    let seconds = apart.as_secs().abs();
    if apart.abs() <= APART {
        return Finding::well(Area::Clock, format!("The issuer's clock and this one are {seconds} s apart."));
    }
    let which = if apart.is_positive() { "ahead of" } else { "behind" };
    Finding::wrong(
        Area::Clock,
        format!("This clock is {seconds} s {which} the issuer's: tokens may be refused that are good."),
        "Find out which of the two is wrong, and have it kept by NTP.",
    )
}

/// The newest file written in the future, if any is: then the clock was ahead once, or is behind now.
fn later_than(directories: impl IntoIterator<Item = PathBuf>, now: Timestamp) -> Option<Finding> {
    let newest = directories.into_iter().filter_map(|directory| newest_in(&directory)).max()?;
    let ahead = newest.duration_since(now);
    if ahead <= APART {
        return Some(Finding::well(Area::Clock, "Nothing of the store was written later than now."));
    }
    Some(Finding::wrong(
        Area::Clock,
        format!("The store was written {} s from now: the clock was ahead then, or is behind now.", ahead.as_secs()),
        "Do not start the server before the clock is right. Events are never stamped before the last one, so a clock that \
         was ahead keeps new records at that time until it has passed.",
    ))
}

fn newest_in(directory: &Path) -> Option<Timestamp> {
    let written = |entry: fs::DirEntry| -> Option<SystemTime> { entry.metadata().ok()?.modified().ok() };
    let newest = fs::read_dir(directory).ok()?.filter_map(|entry| written(entry.ok()?)).max()?;
    Timestamp::try_from(newest).ok()
}

/// Days are London's: half a year apart they begin an hour apart.
fn zone() -> Finding {
    let midnight = |day: &str| day.parse::<Date>().ok().map(|day| day.london_midnight().to_string());
    let expected = ["2026-01-15T00:00:00Z", "2026-07-14T23:00:00Z"];
    let found = ["2026-01-15", "2026-07-15"].map(midnight);
    if found.iter().zip(expected).all(|(found, expected)| found.as_deref() == Some(expected)) {
        return Finding::well(Area::Clock, "Europe/London is known, with its summer time.");
    }
    Finding::wrong(
        Area::Clock,
        "The system's Europe/London has no summer time: days would begin and end at the wrong hour.",
        "Mend or remove the system's time zone data (/usr/share/zoneinfo); without it the data in this binary is used.",
    )
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_clock_that_differs_from_the_issuers_is_wrong_either_way() {
        let ours: Timestamp = "2026-11-28T12:00:00Z".parse().unwrap();
        let off = |seconds: i64| beside(ours + SignedDuration::from_secs(seconds), ours);
        assert_eq!(off(30).verdict, Verdict::Well);
        assert!(off(31).seen.contains("31 s behind the issuer's"), "{}", off(31).seen);
        assert!(off(-90).seen.contains("90 s ahead of the issuer's"), "{}", off(-90).seen);
    }

    #[test]
    fn a_file_of_the_future_tells_of_a_clock_that_is_not_right() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("segment"), "").unwrap();
        let written = newest_in(directory.path()).unwrap();
        let found = |now| later_than([directory.path().to_owned()], now).unwrap().verdict;
        assert_eq!(found(written), Verdict::Well);
        assert_eq!(found(written - SignedDuration::from_hours(1)), Verdict::Wrong);
        assert_eq!(later_than([directory.path().join("none")], written), None);
    }

    #[test]
    fn the_zone_of_this_machine_has_summer_time() {
        assert_eq!(zone().verdict, Verdict::Well);
    }

    #[test]
    fn a_clock_that_nobody_keeps_is_wrong_and_one_that_nobody_tells_of_is_unknown() {
        assert_eq!(synchronised(Some(false)).verdict, Verdict::Wrong);
        assert_eq!(synchronised(None).verdict, Verdict::Unknown);
    }
}
