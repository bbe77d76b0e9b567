//! The keys that the store is sealed under: one for each subject, and one for
//! what concerns none. They lie in a small file outside the store and outside its
//! backups, so that to destroy a person's key is to erase the person wherever the
//! sealed bytes went.
//!
//! The file is wrapped whole under a key-encryption key, which is in a second
//! file. Every writing is made aside, is on the disk itself, and then takes its
//! name. An erasure writes the ring without the key under a *new* key-encryption
//! key and overwrites the old one: an older copy of the ring's file opens no more,
//! unless somebody kept the older key with it.
//!
//! Keys are made ahead, a share of those there are at a time, so that hardly any
//! commit waits for this disk too. It never makes a key for a subject whose key
//! was destroyed, and never tells a key to anybody.
//!
//! - [`cipher`] is AES-256-GCM
//! - [`wrapped`] is the two files as bytes, [`files`] how they are written
//! - [`copies`] is the ring's own backup, kept for a short while

pub mod cipher;
mod copies;
mod error;
mod files;
#[cfg(test)]
mod tests;
mod wrapped;

use std::fmt::{self, Write};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::Duration;

use crate::domain::SubjectId;
pub use copies::Copies;
pub use error::{KeyRingError, Unopened};
use wrapped::{Kek, Keys};

/// Keys made ahead at least.
const AHEAD: usize = 4_096;
/// Of the keys there are, the share that is made ahead at least: a quarter.
const SHARE: usize = 4;

/// Which key of the ring. 0, for what is not sealed, is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u32);

impl KeyId {
    /// The key for what concerns no subject.
    pub const STORE: Self = Self(1);

    /// A subject's; `None` for the last two numbers of all, which are never reached.
    pub fn of(subject: SubjectId) -> Option<Self> {
        subject.0.checked_add(2).map(Self)
    }

    /// A key's number as stored; `None` for 0.
    pub const fn read(number: u32) -> Option<Self> {
        if number == 0 { None } else { Some(Self(number)) }
    }

    /// The number as stored.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The subject whose key it is; `None`: the store's.
    pub const fn subject(self) -> Option<SubjectId> {
        match self.0.checked_sub(2) {
            Some(subject) => Some(SubjectId(subject)),
            None => None,
        }
    }
}

/// Where the ring is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Directory of the ring's file.
    pub directory: PathBuf,
    /// The file of the key-encryption key.
    pub kek_file: PathBuf,
    /// Where copies of the ring are kept for a while. `None`: none are made.
    pub backups: Option<PathBuf>,
    /// How long they are kept.
    pub keep: Duration,
}

impl Site {
    /// In a directory, with the key-encryption key beside the ring and without copies.
    pub fn within(directory: &Path) -> Self {
        let keep = Duration::from_hours(24);
        Self { directory: directory.to_owned(), kek_file: directory.join("kek"), backups: None, keep }
    }

    /// The ring's file.
    pub fn ring(&self) -> PathBuf {
        self.directory.join("ring")
    }

    fn lock(&self) -> PathBuf {
        self.directory.join("lock")
    }
}

/// How the ring stands. Tells of no key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingStatus {
    /// Id of the key-encryption key, 32 hexadecimal digits.
    pub kek: String,
    /// How often the ring was written.
    pub sequence: u64,
    /// Subjects that have a key, those made ahead among them.
    pub keys: u64,
    /// Subjects whose key was destroyed.
    pub destroyed: u64,
    /// Whether the ring belongs to a store yet.
    pub bound: bool,
}

/// What changes with every writing.
struct Written {
    kek: Kek,
    sequence: u64,
}

/// The ring, open. One process at a time has it.
pub struct KeyRing {
    site: Site,
    copies: Copies,
    keys: RwLock<Keys>,
    /// Held while the files are written.
    written: Mutex<Written>,
    /// Dropped last.
    _lock: File,
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("directory", &self.site.directory).finish_non_exhaustive()
    }
}

impl KeyRing {
    /// Opens the ring, or makes one where neither ring nor key-encryption key is there. Ends a writing that was
    /// interrupted.
    ///
    /// # Errors
    /// See [`KeyRingError`]. Nothing was lost.
    pub fn open(site: &Site) -> Result<Self, KeyRingError> {
        files::make_directory(&site.directory)?;
        if let Some(parent) = site.kek_file.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            files::make_directory(parent)?;
        }
        let lock = lock(site)?;
        let copies = Copies::new(site.backups.clone(), site.keep)?;
        let (keys, written) = match files::read(&site.ring())? {
            Some(bytes) => read(site, &bytes, true)?,
            None => make(site)?,
        };
        let ring =
            Self { site: site.clone(), copies, keys: RwLock::new(keys), written: Mutex::new(written), _lock: lock };
        files::forget(&files::aside(&site.ring()))?;
        ring.copies.tidy()?;
        Ok(ring)
    }

    /// How a ring stands that nobody has open.
    ///
    /// # Errors
    /// As [`open`](Self::open); nothing is made where there is none.
    pub fn look(site: &Site) -> Result<RingStatus, KeyRingError> {
        let path = site.ring();
        let bytes = files::read(&path)?.ok_or(KeyRingError::NoRing { path })?;
        let (keys, written) = read(site, &bytes, false)?;
        Ok(status(&keys, &written))
    }

    /// How it stands.
    pub fn status(&self) -> RingStatus {
        let written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        status(&self.keys.read().unwrap_or_else(PoisonError::into_inner), &written)
    }

    /// Whether it was never used with a store.
    pub fn is_new(&self) -> bool {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).store_id.is_none()
    }

    /// Takes the ring for a store. `sealed`: the store holds what was sealed already.
    ///
    /// # Errors
    /// [`KeyRingError::OtherStore`], [`KeyRingError::NewBesideSealed`], or the file system's.
    pub fn bind(&self, store_id: [u8; 16], sealed: bool) -> Result<(), KeyRingError> {
        let held = self.keys.read().unwrap_or_else(PoisonError::into_inner).store_id;
        match held {
            Some(held) if held == store_id => Ok(()),
            Some(_) => Err(KeyRingError::OtherStore { path: self.site.ring() }),
            None if sealed => Err(KeyRingError::NewBesideSealed { path: self.site.ring() }),
            None => self.change(None, |keys| keys.store_id = Some(store_id)),
        }
    }

    /// Sees to it that a subject has a key on the disk, before anything is sealed under it.
    ///
    /// # Errors
    /// The file system's.
    pub fn cover(&self, subject: SubjectId) -> Result<(), KeyRingError> {
        let count = |ring: &Self| ring.keys.read().unwrap_or_else(PoisonError::into_inner).subjects.len();
        let held = count(self);
        if subject.index() < held {
            return Ok(());
        }
        KeyId::of(subject).ok_or(KeyRingError::TooMany(subject.0))?;
        let wanted = subject.index() + 1 + AHEAD.max(held / SHARE);
        let mut fresh = Vec::with_capacity(wanted - held);
        for _ in held..wanted {
            fresh.push(Some(cipher::random()?));
        }
        self.change(None, |keys| {
            // Another thread may have been before this one.
            let missing = wanted.saturating_sub(keys.subjects.len());
            keys.subjects.extend(fresh.drain(..missing));
        })
    }

    /// Seals `plain` under a key, bound to its place.
    ///
    /// # Errors
    /// The key was destroyed or is not there, or the library refused.
    pub fn seal(&self, key: KeyId, place: &Bound<'_>, plain: &[u8]) -> Result<Vec<u8>, KeyRingError> {
        let refused = KeyRingError::Cipher { doing: "sealing under a key that is not there" };
        let (bytes, store_id) = self.key(key).map_err(|_| refused)?;
        cipher::seal(&bytes, &place.bytes(key, &store_id), plain)
    }

    /// Opens what was sealed.
    ///
    /// # Errors
    /// See [`Unopened`].
    pub fn unseal(&self, key: KeyId, place: &Bound<'_>, sealed: &[u8]) -> Result<Vec<u8>, Unopened> {
        let (bytes, store_id) = self.key(key)?;
        cipher::open(&bytes, &place.bytes(key, &store_id), sealed)
    }

    /// Whether a subject's key was destroyed.
    pub fn is_destroyed(&self, subject: SubjectId) -> bool {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        matches!(keys.subjects.get(subject.index()), Some(None))
    }

    /// Destroys the keys of subjects for good: the ring is written without them under a new key-encryption key, the
    /// old one is overwritten, and so are copies of the ring. Gives how many keys there were to destroy.
    ///
    /// # Errors
    /// The file system's. The next [`open`](Self::open) ends what was begun, or it is as if nothing was.
    pub fn destroy(&self, subjects: &[SubjectId]) -> Result<usize, KeyRingError> {
        let there: Vec<SubjectId> = subjects.iter().copied().filter(|subject| !self.is_destroyed(*subject)).collect();
        for subject in &there {
            self.cover(*subject)?;
        }
        if there.is_empty() {
            // A copy may be older than an erasure that was interrupted behind the ring.
            self.copies.leave_only(self.status().sequence)?;
            return Ok(0);
        }
        self.change(Some(Kek::fresh()?), |keys| {
            for subject in &there {
                if let Some(slot) = keys.subjects.get_mut(subject.index()) {
                    if let Some(key) = slot {
                        key.fill(0);
                    }
                    *slot = None;
                }
            }
        })?;
        Ok(there.len())
    }

    /// Wraps the ring under a new key-encryption key, and overwrites the old one and the copies under it.
    ///
    /// # Errors
    /// The file system's.
    pub fn rotate(&self) -> Result<(), KeyRingError> {
        self.change(Some(Kek::fresh()?), |_| {})
    }

    fn key(&self, id: KeyId) -> Result<([u8; cipher::KEY], [u8; 16]), Unopened> {
        let keys = self.keys.read().unwrap_or_else(PoisonError::into_inner);
        let store_id = keys.store_id.ok_or(Unopened::Unknown)?;
        let key = match id.subject() {
            None => keys.store_key,
            Some(subject) => keys.subjects.get(subject.index()).ok_or(Unopened::Unknown)?.ok_or(Unopened::Destroyed)?,
        };
        Ok((key, store_id))
    }

    /// Writes the ring as changed, and then has it so in memory.
    fn change(&self, fresh: Option<Kek>, change: impl FnOnce(&mut Keys)) -> Result<(), KeyRingError> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let mut next = self.keys.read().unwrap_or_else(PoisonError::into_inner).clone();
        change(&mut next);
        let sequence = written.sequence + 1;
        let (ring, kek_file) = (self.site.ring(), &self.site.kek_file);
        let anew = fresh.is_some();
        let kek = fresh.unwrap_or_else(|| written.kek.clone());
        let bytes = wrapped::wrap(&next, &kek, sequence)?;
        if anew {
            files::write(&files::aside(kek_file), &kek.to_bytes())?;
        }
        files::replace(&ring, &bytes)?;
        *written = Written { kek, sequence };
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = next;
        if anew {
            adopt(kek_file)?;
        }
        self.copies.keep(sequence, &bytes, &written.kek.to_bytes())?;
        if anew { self.copies.leave_only(sequence) } else { self.copies.tidy() }
    }
}

/// What sealed bytes are bound to, so that they open nowhere else.
#[derive(Clone, Copy, Debug)]
pub enum Bound<'a> {
    /// The body of the event with this revision.
    Body(u64),
    /// The answer that the event with this revision carries.
    Answer(u64),
    /// The value under this key of a view.
    View(&'a [u8]),
    /// A file of this name.
    File(&'a str),
}

impl Bound<'_> {
    fn bytes(&self, key: KeyId, store_id: &[u8; 16]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(store_id);
        bytes.extend_from_slice(&key.number().to_be_bytes());
        match self {
            Self::Body(revision) => {
                bytes.push(1);
                bytes.extend_from_slice(&revision.to_be_bytes());
            }
            Self::Answer(revision) => {
                bytes.push(2);
                bytes.extend_from_slice(&revision.to_be_bytes());
            }
            Self::View(entry) => {
                bytes.push(3);
                bytes.extend_from_slice(entry);
            }
            Self::File(name) => {
                bytes.push(4);
                bytes.extend_from_slice(name.as_bytes());
            }
        }
        bytes
    }
}

fn status(keys: &Keys, written: &Written) -> RingStatus {
    let kek = written.kek.id.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    });
    let there = keys.subjects.iter().flatten().count() as u64;
    let destroyed = keys.subjects.len() as u64 - there;
    RingStatus { kek, sequence: written.sequence, keys: there, destroyed, bound: keys.store_id.is_some() }
}

fn lock(site: &Site) -> Result<File, KeyRingError> {
    let path = site.lock();
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(KeyRingError::io("opening the lock", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(KeyRingError::InUse { path }),
        Err(TryLockError::Error(error)) => Err(KeyRingError::io("locking", &path)(error)),
    }
}

/// Takes a new key-encryption key into use: the ring is wrapped under it already. The old one is overwritten first.
fn adopt(kek_file: &Path) -> Result<(), KeyRingError> {
    files::overwrite(kek_file)?;
    files::rename(&files::aside(kek_file), kek_file)
}

/// The ring in its file. `mend`: a change of its key-encryption key that was interrupted is ended, which only who holds
/// the lock may do.
fn read(site: &Site, bytes: &[u8], mend: bool) -> Result<(Keys, Written), KeyRingError> {
    let path = site.ring();
    let damaged = || KeyRingError::Damaged { path: path.clone() };
    let header = wrapped::header(bytes).ok_or_else(damaged)?;
    let aside = files::aside(&site.kek_file);
    let next = files::read(&aside)?.and_then(|bytes| Kek::from_bytes(&bytes));
    let kek = match next {
        Some(next) if next.id == header.kek => {
            if mend {
                adopt(&site.kek_file)?;
            }
            next
        }
        // Made for a writing that never came about, or half made.
        Some(_) | None => {
            if mend {
                files::forget(&aside)?;
            }
            let path = site.kek_file.clone();
            let bytes = files::read(&path)?.ok_or_else(|| KeyRingError::NoKek { path: path.clone() })?;
            Kek::from_bytes(&bytes).ok_or(KeyRingError::Damaged { path })?
        }
    };
    if kek.id != header.kek {
        let [found, wanted] = [kek.id, header.kek].map(|id| uuid::Uuid::from_bytes(id).simple().to_string());
        return Err(KeyRingError::OtherKek { path: site.kek_file.clone(), found, wanted });
    }
    let keys = wrapped::unwrap(bytes, &kek).ok_or_else(damaged)?;
    Ok((keys, Written { kek, sequence: header.sequence }))
}

/// A new ring: its key-encryption key first.
fn make(site: &Site) -> Result<(Keys, Written), KeyRingError> {
    let kek = match files::read(&site.kek_file)? {
        None => Kek::fresh()?,
        // Mounted there for a ring to come, or left by a making that was interrupted; or the ring was lost.
        Some(bytes) => {
            let path = site.kek_file.clone();
            let kek = Kek::from_bytes(&bytes).ok_or(KeyRingError::Damaged { path })?;
            if !site.directory.join("making").exists() {
                return Err(KeyRingError::NoRing { path: site.ring() });
            }
            kek
        }
    };
    let making = site.directory.join("making");
    files::write(&making, b"")?;
    files::replace(&site.kek_file, &kek.to_bytes())?;
    let mut subjects = Vec::with_capacity(AHEAD);
    for _ in 0..AHEAD {
        subjects.push(Some(cipher::random()?));
    }
    let keys = Keys { store_id: None, store_key: cipher::random()?, subjects };
    files::replace(&site.ring(), &wrapped::wrap(&keys, &kek, 1)?)?;
    files::forget(&making)?;
    Ok((keys, Written { kek, sequence: 1 }))
}
