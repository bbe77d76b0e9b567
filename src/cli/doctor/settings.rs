//! The settings: each that is wrong, as `serve` would refuse it; and those that are
//! right and still leave a force with less than it may think it has.

use rustix::process::{Resource, getrlimit};

use super::finding::{Area, Finding};
use crate::config::{Home, Settings, Violation};

/// Files that a server has open besides connections: the store, the journal, the audit, backups.
const OWN_FILES: u64 = 256;

/// A setting that is wrong.
pub fn violation(violation: &Violation) -> Finding {
    let todo = "Correct it where it is given; `steelyard config reference` has every setting. The server does not start \
                before.";
    Finding::wrong(Area::Settings, violation.to_string(), todo)
}

/// What is to be known of settings that are right.
pub fn examine(settings: &Settings) -> Vec<Finding> {
    let note = |seen: &str, todo: &str| Finding::note(Area::Settings, seen, todo);
    let mut findings = vec![Finding::well(
        Area::Settings,
        format!("Every setting can be used by this build, {}.", env!("CARGO_PKG_VERSION")),
    )];
    if settings.store.home == Home::Memory {
        findings.push(note(
            "`memory` is true: everything is forgotten when the server stops.",
            "For anything but a trial name a directory in `data_dir`.",
        ));
    }
    if !settings.access.is_asked_for() {
        findings.push(note(
            "Nobody has to say who they are: whoever can log in to this machine reads and writes everything.",
            "Set `access.jwks_url` or `access.jwks_file`, or `access.certificates_file`: docs/SECURITY.md.",
        ));
    }
    if !settings.audit.enabled {
        findings.push(note(
            "`audit.enabled` is false: nobody can say later who looked at whom.",
            "Leave it out: it is on by default.",
        ));
    }
    if settings.encryption.keys.is_none() && settings.store.home != Home::Memory {
        findings.push(note(
            "`encryption.directory` is not set: what is stored lies open, and an erasure cannot destroy a key.",
            "Set it, or encrypt the disks: docs/OPERATIONS.md, Keys and erasure.",
        ));
    }
    if settings.health.listen.is_none() {
        findings.push(note(
            "`health.listen` is off: neither probes nor Prometheus can see this server.",
            "Leave it out: nothing there is about a person.",
        ));
    }
    findings.extend(open_files(settings, getrlimit(Resource::Nofile).current));
    findings
}

/// Whether the system lets this user open as many files as the settings promise connections. `None`: without bound.
fn open_files(settings: &Settings, limit: Option<u64>) -> Option<Finding> {
    let needed = (settings.connections.most as u64).saturating_add(OWN_FILES);
    let limit = limit.filter(|limit| *limit < needed)?;
    Some(Finding::wrong(
        Area::Settings,
        format!(
            "This user may open {limit} files, and `connections.most` and the store need {needed}: connections would be \
             refused before they are too many."
        ),
        format!("Raise the limit (`ulimit -n`, `LimitNOFILE=` of the unit) to {needed}, or lower `connections.most`."),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_open_files_below_what_connections_need_is_wrong_and_none_is_not() {
        let settings =
            Settings::trial("127.0.0.1:0".parse().unwrap(), "/nowhere".into(), "2026-11-28".parse().unwrap());
        assert_eq!(open_files(&settings, None), None);
        assert_eq!(open_files(&settings, Some(1_024 + OWN_FILES)), None);
        let found = open_files(&settings, Some(1_024)).unwrap();
        assert!(found.seen.contains("may open 1024 files") && found.seen.contains("need 1280"), "{}", found.seen);
    }
}
