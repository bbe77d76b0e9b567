//! The whole of it, on directories and settings as they come.

use std::path::Path;

use super::finding::{Report, screen};
use super::*;
use crate::config::{Backup, Home, Store};

fn settings(home: &Path) -> Settings {
    Settings::trial("127.0.0.1:0".parse().unwrap(), home.to_owned(), "2026-11-28".parse().unwrap())
}

fn of(findings: &[Finding], area: Area) -> Vec<(Verdict, &str)> {
    findings.iter().filter(|it| it.area == area).map(|it| (it.verdict, it.seen.as_str())).collect()
}

#[tokio::test]
async fn a_directory_without_a_store_is_told_and_nothing_is_made_in_it() {
    let home = tempfile::tempdir().unwrap();
    let findings = examine(&settings(home.path())).await;
    assert_eq!(of(&findings, Area::Store), [(Verdict::Note, "There is no store in `data_dir` yet.")]);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn every_finding_that_is_not_well_says_what_to_do() {
    let home = tempfile::tempdir().unwrap();
    let trial = settings(home.path());
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let backup = Backup { directory: Some(file.join("place")), every: None, ..trial.backup.clone() };
    let findings = examine(&Settings { backup, ..trial }).await;
    for finding in &findings {
        assert_eq!(finding.verdict == Verdict::Well, finding.todo.is_none(), "{finding:?}");
        assert!(finding.seen.ends_with('.'), "{finding:?}");
    }
    let disk = of(&findings, Area::Disk);
    assert!(disk.iter().any(|(verdict, seen)| *verdict == Verdict::Wrong && seen.contains("file/place")), "{disk:?}");
    assert_eq!(exit(&findings), Exit::DataRefused);
}

#[tokio::test]
async fn what_is_kept_in_memory_alone_is_said_and_no_disk_is_judged() {
    let trial = settings(Path::new("/nowhere"));
    let store = Store { home: Home::Memory, ..trial.store.clone() };
    let findings = examine(&Settings { store, ..trial }).await;
    assert_eq!(of(&findings, Area::Disk), []);
    assert!(of(&findings, Area::Settings).iter().any(|(_, seen)| seen.starts_with("`memory` is true")));
}

#[test]
fn the_screen_says_what_is_wrong_in_capitals_and_the_object_says_whether_anything_is() {
    let findings = [
        Finding::well(Area::Clock, "It runs."),
        Finding::wrong(Area::Settings, "x = 1: is no x.", "Correct it."),
        Finding::unknown(Area::Clock, "Whether it is right.", "Ask."),
    ];
    let text = screen(&findings, Page::PLAIN);
    let expected = "\nSettings\n  WRONG    x = 1: is no x.\n           -> Correct it.\n\nClock\n  well     It runs.\n  \
                    unknown  Whether it is right.\n           -> Ask.\n\n1 WRONG; 0 to know of, 1 not known.\n";
    assert_eq!(text, expected);
    let told = serde_json::to_value(Report::of(&findings)).unwrap();
    assert_eq!(told["sound"], false);
    assert_eq!(told["findings"][1]["do"], "Correct it.");
    assert!(told["findings"][0].get("do").is_none());
    assert_eq!(exit(&findings), Exit::Usage);
}
