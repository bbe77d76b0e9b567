use std::fs;

use clap::Parser as _;

use super::*;
use crate::store::backup::tests::{Place, all, append, head_at, memory, recorded};
use crate::store::journal::Journal;
use crate::store::{MemoryStore, SledStore, Store};

#[derive(Debug, clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Six events, backed up as 1 to 4 and 5 to 6.
fn backed_up() -> (Place, MemoryStore) {
    let (place, store) = (Place::new(), memory());
    append(&store, &[40; 6]);
    place.between(&store, 0, 4);
    place.between(&store, 4, 6);
    (place, store)
}

fn args(place: &Place, more: &[&str]) -> Args {
    let (from, to) = (place.backups(), place.path("data"));
    let mut line = vec!["restore", "--from", from.to_str().unwrap(), "--data-dir", to.to_str().unwrap()];
    line.extend(more);
    Line::try_parse_from(line).unwrap().args
}

/// The report, and the code and text of a refusal.
fn outcome(args: &Args) -> Result<String, (Exit, String)> {
    match carry_out(args) {
        Ok((_, report)) => Ok(report),
        Err(error) => Err((exit::of(&error), exit::told(&error))),
    }
}

/// What the report says under a name.
fn said(report: &str, name: &str) -> Vec<String> {
    report.lines().filter_map(|line| line.strip_prefix(&format!("{name:<12} "))).map(str::to_owned).collect()
}

#[test]
fn a_restore_says_from_what_how_far_and_what_is_missing() {
    let (place, store) = backed_up();
    let report = outcome(&args(&place, &[])).unwrap();
    assert_eq!(said(&report, "restored"), [head_at(&store, 6).to_string()]);
    assert!(said(&report, "from")[0].contains("(full, 1 to 4, made 2023-11-14T22:13:24Z)"), "{report}");
    assert!(said(&report, "")[0].contains("(incremental, 5 to 6, "), "{report}");
    assert_eq!(said(&report, "events"), ["6"]);
    assert_eq!(said(&report, "recorded"), [format!("{}, the last of them", recorded(6))]);
    assert!(said(&report, "missing")[0].contains(&format!("after {}", head_at(&store, 6))), "{report}");
    let data = place.path("data");
    assert_eq!(said(&report, "next"), [format!("steelyard serve --data-dir {}", data.display())]);
    let opened = SledStore::open(&data, 4 << 20).unwrap();
    assert!(all(&opened) == all(&store));
    let (before, now) = (Mark::of(store.identity()), Mark::of(opened.identity()));
    assert_ne!(before, now);
    let mark = format!("{now}, a new mark: page tokens and positions of {before} are refused from now on");
    assert_eq!(said(&report, "store"), [mark]);
    // Page tokens are sealed with what follows from it.
    let incarnation = uuid::Uuid::from_bytes(opened.identity().incarnation);
    assert!(!report.contains(&incarnation.to_string()), "{report}");
}

#[test]
fn a_revision_or_a_moment_leaves_out_what_came_after() {
    let (place, store) = backed_up();
    let report = outcome(&args(&place, &["--revision", "5"])).unwrap();
    assert_eq!(said(&report, "restored"), [head_at(&store, 5).to_string()]);
    assert_eq!(said(&report, "left out"), [format!("1 events up to {}, as asked", head_at(&store, 6))]);
    fs::remove_dir_all(place.path("data")).unwrap();
    let report = outcome(&args(&place, &["--moment", &recorded(3).to_string()])).unwrap();
    assert_eq!(said(&report, "restored"), [head_at(&store, 3).to_string()]);
    assert_eq!(said(&report, "left out"), [format!("3 events up to {}, as asked", head_at(&store, 6))]);

    for wrong in
        [&["--revision", "0"][..], &["--moment", "yesterday"], &["--revision", "1", "--moment", "2026-01-01T00:00:00Z"]]
    {
        let line = [&["restore", "--from", "a", "--data-dir", "b"][..], wrong].concat();
        Line::try_parse_from(line).unwrap_err();
    }
}

#[test]
fn a_dry_run_reads_everything_and_writes_nothing() {
    let (place, store) = backed_up();
    let report = outcome(&args(&place, &["--dry-run"])).unwrap();
    assert_eq!(said(&report, "would give"), [head_at(&store, 6).to_string()]);
    assert_eq!(said(&report, "next"), ["the same without --dry-run"]);
    assert_eq!(place.names("."), ["backups", "scratch"]);
}

#[test]
fn everything_in_the_way_is_told_at_once() {
    let (place, _store) = backed_up();
    fs::create_dir(place.path("data")).unwrap();
    fs::write(place.path("data/minutes.txt"), "of the meeting").unwrap();
    let journal = place.path("no-journal");
    let mut args = args(&place, &["--revision", "99", "--journal", journal.to_str().unwrap()]);
    args.from = vec![place.path("no-backups")];
    let (exit, told) = outcome(&args).unwrap_err();
    assert_eq!(exit, Exit::Usage);
    for part in ["holds minutes.txt already", "no-backups: finding backups failed", "no full backup", "no-journal"] {
        assert!(told.contains(part), "{told} should tell of {part}");
    }
    assert_eq!(told.lines().count(), 4, "{told}");
    assert_eq!(place.names("data"), ["minutes.txt"]);
}

#[test]
fn how_it_ends_tells_why() {
    let (place, _store) = backed_up();
    assert_eq!(outcome(&args(&place, &["--revision", "7"])).unwrap_err().0, Exit::Nothing);
    let mut elsewhere = args(&place, &[]);
    elsewhere.from = vec![place.path("nowhere")];
    assert_eq!(outcome(&elsewhere).unwrap_err().0, Exit::InputMissing);
    let other = memory();
    append(&other, &[1; 3]);
    place.between(&other, 0, 3);
    let (exit, told) = outcome(&args(&place, &[])).unwrap_err();
    assert_eq!(exit, Exit::DataRefused);
    assert!(told.contains("backups of 2 stores"), "{told}");
    assert!(!place.path("data").exists());
}

#[test]
fn another_full_backup_is_used_where_a_file_is_damaged_and_that_is_told() {
    let (place, store) = backed_up();
    let damaged = place.between(&store, 0, 6);
    let mut bytes = fs::read(&damaged.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&damaged.path, bytes).unwrap();
    let report = outcome(&args(&place, &[])).unwrap();
    assert_eq!(said(&report, "restored"), [head_at(&store, 6).to_string()]);
    assert!(said(&report, "not used")[0].starts_with(&*damaged.path.to_string_lossy()), "{report}");

    for file in place.catalogue().files {
        fs::write(&file.path, b"SYBACKUP, once").unwrap();
    }
    fs::remove_dir_all(place.path("data")).unwrap();
    let (exit, told) = outcome(&args(&place, &[])).unwrap_err();
    assert_eq!(exit, Exit::DataRefused);
    assert_eq!(told.lines().count(), 4, "three files and what follows from them: {told}");
    assert!(!place.path("data").exists());
}

#[test]
fn a_journal_brings_what_came_after_and_nothing_is_missing_then() {
    let (place, store) = backed_up();
    append(&store, &[40; 3]);
    let directory = place.path("journal");
    let mut journal = Journal::create(&directory, store.identity(), head_at(&store, 5), 1 << 16).unwrap();
    journal.append(&all(&store)[5..]).unwrap();
    drop(journal);
    let report = outcome(&args(&place, &["--journal", directory.to_str().unwrap()])).unwrap();
    assert_eq!(said(&report, "restored"), [head_at(&store, 9).to_string()]);
    assert!(said(&report, "")[1].ends_with("(journal, 7 to 9)"), "{report}");
    assert!(said(&report, "missing").is_empty(), "{report}");
    assert!(all(&SledStore::open(&place.path("data"), 4 << 20).unwrap()) == all(&store));
}

#[test]
fn the_next_command_can_be_pasted() {
    assert_eq!(quoted(Path::new("/var/lib/steelyard")), "/var/lib/steelyard");
    assert_eq!(quoted(Path::new("/srv/the data's")), r"'/srv/the data'\''s'");
}
