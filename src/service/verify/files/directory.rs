//! The data directory: what does not belong there, what an interrupted start
//! left, what was set aside, and oversized nodes of the engine.

use std::fs;
use std::path::{Path, PathBuf};

use super::super::report::Report;
use super::super::told::{Severity, Step};
use super::Site;
use crate::store::archive::Archive;

/// Names that belong in a data directory.
const KNOWN: [&str; 10] = [
    "lock",
    "sled",
    "journal",
    "ballast",
    "backups",
    "backups-to-remove",
    "checkpoint",
    "quarantine",
    "generations",
    "audit",
];

/// Something in the directory that is worth a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    place: String,
    kind: Kind,
    bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Nothing that any build writes.
    Unknown,
    /// Of work that was interrupted.
    Leftover,
    /// Engine files that an earlier start set aside.
    Quarantined,
    /// Damage was met while serving.
    Suspect,
    /// A node of the engine outside its log.
    Oversized,
    /// A backup that was not finished.
    Unfinished,
    /// A backup that was not what it should be when it was proved.
    Refused,
    /// A published generation of which a checksum does not hold.
    Generation,
}

/// Looks through a data directory and the directory of its backups. What cannot be listed is left out: whoever opens
/// the store is told.
pub fn strays(data: &Path, backups: &Path) -> Vec<Stray> {
    let mut strays = Vec::new();
    let mut found = |place: String, kind, path: &Path| strays.push(Stray { place, kind, bytes: size(path) });
    for (path, name) in entries(data) {
        if name == "suspect" {
            found(name, Kind::Suspect, &path);
        } else if name == "sled.new" || name == "sled-erased" || name.starts_with("scratch-") {
            found(name, Kind::Leftover, &path);
        } else if !KNOWN.contains(&name.as_str()) && path != backups {
            found(name, Kind::Unknown, &path);
        }
    }
    for (path, name) in entries(&data.join("quarantine")) {
        found(format!("quarantine/{name}"), Kind::Quarantined, &path);
    }
    for (path, name) in entries(&data.join("sled/blobs")) {
        found(format!("sled/blobs/{name}"), Kind::Oversized, &path);
    }
    for (path, name) in entries(&data.join("sled")) {
        if name.starts_with("snap.") && name.ends_with(".generating") {
            found(format!("sled/{name}"), Kind::Leftover, &path);
        } else if !(name == "db" || name == "conf" || name == "blobs" || name.starts_with("snap.")) {
            found(format!("sled/{name}"), Kind::Unknown, &path);
        }
    }
    for (path, name) in entries(&data.join("journal")) {
        if !is_segment(&name) {
            found(format!("journal/{name}"), Kind::Unknown, &path);
        }
    }
    let generations = data.join("generations");
    let archive = Archive::Directory(generations.clone());
    for (path, name) in entries(&generations) {
        let number = name.strip_prefix("g-").and_then(|number| number.parse().ok());
        match number {
            Some(number) if archive.is_sound(number) => {}
            Some(_) => found(format!("generations/{name}"), Kind::Generation, &path),
            None if name == "staged" || name == "rewritten" || name.starts_with("run-") => {}
            None => found(format!("generations/{name}"), Kind::Unknown, &path),
        }
    }
    for (path, name) in entries(backups) {
        if name.ends_with(".refused") {
            found(name, Kind::Refused, &path);
        } else if name.ends_with(".partial") || name.ends_with(".unverified") {
            found(name, Kind::Unfinished, &path);
        }
    }
    strays
}

/// Tells of what was found.
pub fn check(site: &Site<'_>, report: &mut Report<'_>) {
    let mut step = report.step(Step::Directory, None);
    for Stray { place, kind, bytes } in &site.survey.stray {
        if site.serving && matches!(kind, Kind::Leftover | Kind::Unfinished) {
            continue;
        }
        let (severity, what, remedy) = match kind {
            Kind::Unknown => (Severity::Information, "no build of Steelyard writes this", "find out who put it there"),
            Kind::Leftover => {
                (Severity::Information, "left by work that was interrupted", "nothing: the next start removes it")
            }
            Kind::Quarantined => (
                Severity::Information,
                "engine files that an earlier start set aside",
                "keep them until somebody has looked at why; then remove them for the room",
            ),
            Kind::Suspect => (
                Severity::Warning,
                "a read met damage while the server ran",
                "start the server again: it checks everything before it trusts the engine's files",
            ),
            Kind::Oversized => (
                Severity::Warning,
                "the engine keeps an oversized node outside its log, where a power cut can lose it",
                "run `steelyard backup` now, and tell who maintains Steelyard",
            ),
            Kind::Generation => (
                Severity::Warning,
                "a published generation is damaged: it cannot be read back",
                "remove it, and it is told as not kept; `steelyard replay` weighs it again from the ledger",
            ),
            Kind::Refused => (
                Severity::Warning,
                "a backup that differed from the store when it was restored for proof: it does not count",
                "find out why from the log of that time: a disk or memory may be failing; then remove it",
            ),
            Kind::Unfinished => (
                Severity::Information,
                "a backup that was not finished or not proved: it does not count",
                "nothing: the server removes it",
            ),
        };
        step.found(severity, place, format!("{what} ({bytes} bytes)"), remedy);
        step.checked(1);
    }
    step.end();
}

/// `<20 digits>.log`.
fn is_segment(name: &str) -> bool {
    name.strip_suffix(".log").is_some_and(|stem| stem.len() == 20 && stem.bytes().all(|byte| byte.is_ascii_digit()))
}

fn entries(directory: &Path) -> Vec<(PathBuf, String)> {
    let mut entries: Vec<_> = fs::read_dir(directory)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned()))
        .collect();
    entries.sort();
    entries
}

/// Bytes of a file, or of all files below a directory. Links are not followed.
fn size(path: &Path) -> u64 {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => entries(path).iter().map(|(path, _)| size(path)).sum(),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    }
}
