//! Whether what the store keeps is sealed, and where its keys are.

use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::key::{Key, Shape};
use super::reader::{Reader, whole};
use super::{Backup, Concern, Home, Store, store};

/// Whether what the store keeps is sealed, and where its keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encryption {
    /// Where the keys are. `None`: nothing is sealed.
    pub keys: Option<Keys>,
}

/// Where the keys of a store are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Directory of the key ring.
    pub directory: PathBuf,
    /// File of the key that the ring is wrapped under.
    pub kek_file: PathBuf,
    /// Directory of the ring's own short-lived copies. `None`: none are made.
    pub backup_directory: Option<PathBuf>,
    /// How long those are kept.
    pub backup_kept: Duration,
}

pub(super) const DIRECTORY: Key = Key {
    name: "encryption.directory",
    flag: "encryption-directory",
    variable: "STEELYARD_ENCRYPTION_DIRECTORY",
    shape: Shape::Value("DIR"),
    takes: "a directory outside `data_dir` and `backup.directory`",
    default: None,
    meaning: "Where the key ring is kept: a key for each person, and one for what concerns nobody. With it, everything \
              written from then on is sealed, and erasing a person destroys that person's key. Made if it is missing, \
              with a new ring in it. Without it nothing is sealed. Whoever loses the ring loses the store.",
};

pub(super) const KEK_FILE: Key = Key {
    name: "encryption.kek_file",
    flag: "encryption-kek-file",
    variable: "STEELYARD_ENCRYPTION_KEK_FILE",
    shape: Shape::Value("FILE"),
    takes: "a file that only its owner may read, in a directory that the server may write; without it, `kek` inside \
            `encryption.directory`",
    default: None,
    meaning: "The key that the ring is wrapped under. Written anew at each erasure and each rotation. Put it on another \
              disk than the ring's, so that neither alone opens anything.",
};

pub(super) const BACKUP_DIRECTORY: Key = Key {
    name: "encryption.backup_directory",
    flag: "encryption-backup-directory",
    variable: "STEELYARD_ENCRYPTION_BACKUP_DIRECTORY",
    shape: Shape::Value("DIR"),
    takes: "a directory outside `data_dir`, `backup.directory` and `encryption.directory`",
    default: None,
    meaning: "Where the ring is copied to at each writing, with the key that it is wrapped under. An erasure overwrites \
              every copy of before. Without it there are no copies.",
};

pub(super) const BACKUP_HOURS: Key = Key {
    name: "encryption.backup_hours",
    flag: "encryption-backup-hours",
    variable: "STEELYARD_ENCRYPTION_BACKUP_HOURS",
    shape: Shape::Value("HOURS"),
    takes: "1 to 720, hours",
    default: Some("24"),
    meaning: "How long copies of the ring are kept; the newest always is.",
};

pub(super) const CONCERN: Concern =
    Concern { title: "Encryption", keys: &[&DIRECTORY, &KEK_FILE, &BACKUP_DIRECTORY, &BACKUP_HOURS] };

pub(super) fn settle(reader: &mut Reader<'_>, store: Option<&Store>, backup: Option<&Backup>) -> Option<Encryption> {
    let directory = reader.optional(&DIRECTORY, store::directory);
    let kek_file = reader.optional(&KEK_FILE, |text| file(text).map(Path::to_owned));
    let backups = reader.optional(&BACKUP_DIRECTORY, store::directory);
    let hours = reader.value(&BACKUP_HOURS, |text| whole(text, 1..=720));
    let (directory, kek_file, backups, hours) = (directory?, kek_file?, backups?, hours?);
    let Some(directory) = directory else {
        let needless = [(&KEK_FILE, kek_file.is_some()), (&BACKUP_DIRECTORY, backups.is_some())];
        let mut refused = false;
        for (key, _) in needless.into_iter().filter(|(_, given)| *given) {
            reader.refuse(key, "`encryption.directory` is not set, so nothing is sealed; set it too");
            refused = true;
        }
        return (!refused).then_some(Encryption { keys: None });
    };
    if store.is_some_and(|store| store.home == Home::Memory) {
        reader.refuse(&DIRECTORY, "`memory` is true as well: what is forgotten need not be sealed");
        return None;
    }
    let home = store.and_then(|store| match &store.home {
        Home::Directory(home) => Some(home.as_path()),
        Home::Memory => None,
    });
    let vault = backup.and_then(|backup| backup.directory.as_deref());
    let kek = kek_file.unwrap_or_else(|| directory.join("kek"));
    let mut sound = true;
    let places = [
        (&DIRECTORY, Some(directory.as_path()), [home, vault, None]),
        (&KEK_FILE, Some(kek.as_path()), [home, vault, None]),
        (&BACKUP_DIRECTORY, backups.as_deref(), [home, vault, Some(directory.as_path())]),
    ];
    for (key, place, others) in places {
        let inside = |other: &&Path| place.is_some_and(|place| within(place, other));
        if let Some(other) = others.iter().flatten().find(|other| inside(other)) {
            let problem = format!("lies inside {}: keys are kept apart from what they open", other.display());
            reader.refuse(key, &problem);
            sound = false;
        }
    }
    sound.then(|| Encryption {
        keys: Some(Keys {
            directory,
            kek_file: kek,
            backup_directory: backups,
            backup_kept: Duration::from_hours(hours),
        }),
    })
}

fn file(text: &str) -> Result<&Path, String> {
    let path = Path::new(text);
    match path.file_name() {
        None => Err("names no file".to_owned()),
        Some(_) if path.is_dir() => Err("is a directory; name a file".to_owned()),
        Some(_) => Ok(path),
    }
}

/// Whether a path lies at or below another, by their names.
fn within(path: &Path, other: &Path) -> bool {
    let plain = |path: &Path| -> PathBuf {
        let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let mut plain = PathBuf::new();
        for part in absolute.components() {
            match part {
                Component::ParentDir => {
                    plain.pop();
                }
                Component::CurDir => {}
                Component::Prefix(_) | Component::RootDir | Component::Normal(_) => plain.push(part),
            }
        }
        plain
    };
    plain(path).starts_with(plain(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_inside_another_is_found_by_its_names() {
        for (path, other, inside) in [
            ("/data/keys", "/data", true),
            ("/data", "/data", true),
            ("/data-keys", "/data", false),
            ("/data/../keys", "/data", false),
            ("/keys/../data/keys", "/data", true),
            ("data/./keys", "data", true),
        ] {
            assert_eq!(within(Path::new(path), Path::new(other)), inside, "{path} in {other}");
        }
    }
}
