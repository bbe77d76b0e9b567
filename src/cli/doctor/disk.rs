//! Disks and directories: whether there is room for writes and for the proof of a
//! backup, whether the file system keeps the promises that a ledger needs, whether
//! what should be apart is apart, and who else may look in.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rustix::fs::{Access, access, statvfs};

use super::finding::{Area, Finding};
use super::store::Looked;
use crate::config::{Home, Settings};
use crate::store::backup::Catalogue;

/// What is found.
pub fn examine(settings: &Settings, looked: &Looked, now: Timestamp) -> Vec<Finding> {
    let Home::Directory(home) = &settings.store.home else { return Vec::new() };
    let mut findings = Vec::new();
    findings.push(room(settings, home, looked.engine_bytes()));
    findings.extend(kind("data_dir", home));
    findings.extend(directory("data_dir", home));
    if let Some(backups) = &settings.backup.directory {
        findings.extend(directory("backup.directory", backups));
        findings.extend(kind("backup.directory", backups));
        findings.extend(apart(home, backups));
        findings.extend(newest(backups, now));
    }
    if let Some(keys) = &settings.encryption.keys {
        findings.extend(directory("encryption.directory", &keys.directory));
        findings.extend(apart_keys(home, &keys.directory));
        if let Some(copies) = &keys.backup_directory {
            findings.extend(directory("encryption.backup_directory", copies));
        } else {
            findings.push(Finding::note(
                Area::Disk,
                "`encryption.backup_directory` is not set: whoever loses the ring loses the store.",
                "Set it to a directory on a third disk.",
            ));
        }
    }
    findings
}

fn room(settings: &Settings, home: &Path, engine_bytes: u64) -> Finding {
    let disk = match statvfs(existing(home)) {
        Ok(disk) => disk,
        Err(error) => {
            let seen = format!("The room on the disk of {} cannot be told: {error}.", home.display());
            return Finding::unknown(Area::Disk, seen, "See that the directory is there and can be reached.");
        }
    };
    if disk.f_files > 0 && disk.f_favail == 0 {
        return Finding::wrong(
            Area::Disk,
            "The disk of `data_dir` takes no more files: its inodes are used up.",
            "Remove what makes many small files, or make the file system anew with more inodes.",
        );
    }
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    judged(free, settings, engine_bytes)
}

fn judged(free: u64, settings: &Settings, engine_bytes: u64) -> Finding {
    let least = settings.store.min_free_bytes;
    // What is restored for proof is as large as the engine's files are; the journal grows until then.
    let proof = engine_bytes.saturating_add(settings.backup.journal_bytes);
    let (free_mib, least_mib) = (free >> 20, least >> 20);
    if free < least {
        return Finding::wrong(
            Area::Disk,
            format!("{free_mib} MiB are free where the store is, and writes are refused under {least_mib} MiB."),
            "Make room at once: enlarge the disk, or remove what is not the store's (docs/OPERATIONS.md, The data directory, \
             says what may go).",
        );
    }
    let wanted = least.saturating_add(proof);
    if free < wanted {
        return Finding::note(
            Area::Disk,
            format!(
                "{free_mib} MiB are free where the store is. Writes go on until {least_mib} MiB; a backup and its proof may \
                 want up to {} MiB.",
                wanted >> 20
            ),
            "Enlarge the disk before a backup is given up for want of room.",
        );
    }
    Finding::well(
        Area::Disk,
        format!("{free_mib} MiB are free where the store is; writes are refused under {least_mib} MiB."),
    )
}

/// File systems by the number that Linux knows them by, of which a ledger must not be on, and why.
#[cfg(target_os = "linux")]
const UNFIT: [(u64, &str, &str); 10] = [
    (0x6969, "NFS", NETWORK),
    (0xff53_4d42, "CIFS", NETWORK),
    (0xfe53_4d42, "SMB", NETWORK),
    (0x517b, "SMB", NETWORK),
    (0x0102_1997, "9P", NETWORK),
    (0x00c3_6400, "Ceph", NETWORK),
    (0x6573_5546, "FUSE", "what it promises about syncs nobody can say"),
    (0x0102_1994, "tmpfs", FORGETS),
    (0x8584_58f6, "ramfs", FORGETS),
    (0x794c_7630, "overlay", "it goes when its container goes"),
];
#[cfg(target_os = "linux")]
const NETWORK: &str = "it does not keep what a ledger needs of locks, renames and syncs";
#[cfg(target_os = "linux")]
const FORGETS: &str = "it forgets everything when the machine stops";

/// Whether the file system keeps what a ledger needs.
#[cfg(target_os = "linux")]
fn kind(key: &str, directory: &Path) -> Option<Finding> {
    let found = rustix::fs::statfs(existing(directory)).ok()?;
    let number = u64::from(u32::try_from(found.f_type & 0xffff_ffff).ok()?);
    let (_, name, why) = UNFIT.into_iter().find(|(unfit, ..)| *unfit == number)?;
    let seen = format!("`{key}`, {}, is on {name}: {why}.", directory.display());
    Some(Finding::wrong(Area::Disk, seen, "Use a directory on a local disk, such as ext4 or XFS."))
}

#[cfg(not(target_os = "linux"))]
fn kind(_key: &str, _directory: &Path) -> Option<Finding> {
    None
}

/// Whether this user may use the directory, and nobody else look into it.
fn directory(key: &str, path: &Path) -> Option<Finding> {
    let found = match fs::metadata(path) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let above = existing(path);
            return access(&above, Access::WRITE_OK | Access::EXEC_OK).err().map(|_| {
                Finding::wrong(
                    Area::Disk,
                    format!("`{key}`, {}, is not there, and this user may not make it.", path.display()),
                    format!(
                        "Make it, and give it to the user that the server runs as: `install -d -m 700 -o USER {}`.",
                        path.display()
                    ),
                )
            });
        }
        Err(error) => {
            return Some(Finding::wrong(
                Area::Disk,
                format!("`{key}`, {}, cannot be looked at: {error}.", path.display()),
                "Run this as the user that the server runs as, and see that the directory is that user's.",
            ));
        }
    };
    if access(path, Access::READ_OK | Access::WRITE_OK | Access::EXEC_OK).is_err() {
        return Some(Finding::wrong(
            Area::Disk,
            format!("`{key}`, {}, cannot be written by this user.", path.display()),
            "Run this as the user that the server runs as; if it is, give the directory to that user.",
        ));
    }
    if let Some(other) = owned_by_another(key, path, found.uid(), rustix::process::geteuid().as_raw()) {
        return Some(other);
    }
    let mode = found.permissions().mode() & 0o7777;
    (mode & 0o007 != 0).then(|| {
        Finding::note(
            Area::Disk,
            format!("Every user of this machine may look into `{key}`, {} (mode {mode:o}).", path.display()),
            format!("`chmod 700 {}`.", path.display()),
        )
    })
}

/// Root may do everything in anybody's directory, and what it leaves there is root's.
fn owned_by_another(key: &str, path: &Path, owner: u32, user: u32) -> Option<Finding> {
    const ROOT: u32 = 0;
    (user == ROOT && owner != ROOT).then(|| {
        Finding::note(
            Area::Disk,
            format!("`{key}`, {}, is user {owner}'s, and this is root.", path.display()),
            format!("Run the doctor as that user (`sudo -u '#{owner}'`), and never the server as root: its files would be root's."),
        )
    })
}

fn apart(home: &Path, backups: &Path) -> Option<Finding> {
    let same = device(home)? == device(backups)?;
    Some(if same {
        Finding::note(
            Area::Disk,
            "Backups are on the disk of the store: what destroys the one destroys the other.",
            "Set `backup.directory` to another disk, and copy the files to another machine.",
        )
    } else {
        Finding::well(Area::Disk, "Backups are on another disk than the store.")
    })
}

fn apart_keys(home: &Path, keys: &Path) -> Option<Finding> {
    (device(home)? == device(keys)?).then(|| {
        Finding::note(
            Area::Disk,
            "The key ring is on the disk of the store: whoever takes the disk has both.",
            "Set `encryption.directory` and `encryption.kek_file` to other disks.",
        )
    })
}

fn device(path: &Path) -> Option<u64> {
    fs::metadata(existing(path)).ok().map(|found| found.dev())
}

/// Which backups are there, of whatever store: whether they are this one's the server judges.
fn newest(directory: &Path, now: Timestamp) -> Option<Finding> {
    let catalogue = match Catalogue::read(directory) {
        Ok(catalogue) => catalogue,
        Err(error) => {
            let todo = "See that the directory is there and is the server's user's.";
            return Some(Finding::wrong(Area::Disk, format!("Backups cannot be listed: {error}."), todo));
        }
    };
    if let Some(misfit) = catalogue.misfits.first() {
        return Some(Finding::wrong(
            Area::Disk,
            format!(
                "{} of the files in `backup.directory` cannot be used: {}.",
                catalogue.misfits.len(),
                misfit.reason
            ),
            "Put a sound copy of each in its place, or remove it once a full backup has been made.",
        ));
    }
    let newest = catalogue.files.iter().map(|file| file.header.created).max()?;
    let hours = now.duration_since(newest).as_hours();
    Some(Finding::well(
        Area::Disk,
        format!("{} verified backups; the newest was made {hours} hours ago.", catalogue.files.len()),
    ))
}

/// The directory, or the nearest one above that is there.
fn existing(path: &Path) -> PathBuf {
    path.ancestors().find(|above| above.exists()).map_or_else(|| PathBuf::from("."), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    fn settings(home: &Path) -> Settings {
        Settings::trial("127.0.0.1:0".parse().unwrap(), home.to_owned(), "2026-11-28".parse().unwrap())
    }

    #[test]
    fn a_disk_is_well_a_note_or_wrong_by_what_is_free() {
        let settings = settings(Path::new("/nowhere"));
        let free = |mib: u64| judged(mib << 20, &settings, 1_000 << 20).verdict;
        assert_eq!(free(255), Verdict::Wrong);
        assert_eq!(free(256), Verdict::Note);
        assert_eq!(free(256 + 1_000 + 512), Verdict::Well);
    }

    #[test]
    fn a_directory_that_everybody_may_look_into_is_told_with_its_mode() {
        let home = tempfile::tempdir().unwrap();
        let open = |mode| fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).unwrap();
        open(0o755);
        let found = directory("data_dir", home.path()).unwrap();
        assert!(found.verdict == Verdict::Note && found.seen.ends_with("(mode 755)."), "{}", found.seen);
        open(0o700);
        assert_eq!(directory("data_dir", home.path()), None);
    }

    #[test]
    fn root_is_told_whose_the_directory_is() {
        let told = |owner, user| owned_by_another("data_dir", Path::new("/data"), owner, user).map(|it| it.verdict);
        assert_eq!([told(65_532, 0), told(0, 0), told(65_532, 65_532)], [Some(Verdict::Note), None, None]);
    }

    #[test]
    fn backups_on_the_disk_of_the_store_are_told() {
        let home = tempfile::tempdir().unwrap();
        let found = apart(home.path(), &home.path().join("backups")).unwrap();
        assert_eq!(found.verdict, Verdict::Note);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_file_system_that_forgets_is_no_place_for_a_ledger() {
        if !Path::new("/dev/shm").exists() {
            return;
        }
        let found = kind("data_dir", Path::new("/dev/shm/steelyard")).unwrap();
        assert!(found.verdict == Verdict::Wrong && found.seen.contains("tmpfs"), "{}", found.seen);
    }

    #[test]
    fn a_file_that_is_no_backup_is_told_by_name() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(newest(directory.path(), Timestamp::UNIX_EPOCH), None);
        let file = directory.path().join("b.steelyard");
        fs::write(&file, "no backup").unwrap();
        let found = newest(directory.path(), Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(found.verdict, Verdict::Wrong, "{}", found.seen);
    }
}
