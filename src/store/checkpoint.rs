//! How far the engine is known to have the ledger on the disk itself: what a
//! replay of the journal may begin after.
//!
//! One small file of two slots, written in turn, in place, each with its own
//! checksum. A cut in the middle of a write leaves the other slot, which is
//! older: a replay then begins earlier, and never too late. A file written
//! aside and renamed would cost an inode and a name on the disk each second.
//!
//! Beside it stands whether the store was closed in order, and in which run of
//! the machine it was opened. After a kill the pages that a process wrote are
//! still with the kernel; after a power cut any of them may be missing, older
//! ones that the engine had moved among them. Only the first may be trusted
//! without a complete check.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::error::StoreError;
use super::sled_files::sync;
use super::{Head, Identity};
use crate::domain::Revision;

/// Bytes between the slots: no disk and no file system writes both at once for one's sake.
const SLOT: u64 = 4096;
const BLANK: [u8; 8192] = [0; 8192];
const MAGIC: [u8; 8] = *b"SYCHECK1";
/// Magic, turn, identity, head, run, closed, checksum.
const LENGTH: usize = 8 + 8 + 32 + 40 + 32 + 1 + 4;

/// One run of the machine, from its start to its stop: a hash of what the system calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run([u8; 32]);

impl Run {
    /// The run that this process is in; `None` where the system does not say.
    pub fn now() -> Option<Self> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        Some(Self::named(&text))
    }

    /// A run by its name.
    pub fn named(name: &str) -> Self {
        Self(*blake3::hash(name.trim().as_bytes()).as_bytes())
    }
}

/// What the last checkpoint says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Whose it is.
    pub identity: Identity,
    /// The engine has every event and what follows from it on the disk, through here.
    pub synced: Head,
    /// The run of the machine in which the store was last opened; `None`: not known.
    pub run: Option<Run>,
    /// Whether the store was closed in order after that.
    pub closed: bool,
}

/// The file, open for as long as the store is.
#[derive(Debug)]
pub struct Checkpoint {
    file: File,
    path: PathBuf,
    turn: u64,
    identity: Identity,
    run: Option<Run>,
}

impl Checkpoint {
    /// What the newest whole slot in `root` says; `None`: there is none.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn read(root: &Path) -> Result<Option<Kept>, StoreError> {
        let path = path(root);
        match File::open(&path) {
            Ok(file) => Ok(newest(&file).map_err(StoreError::io("reading", &path))?.map(|(_, kept)| kept)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io("opening", &path)(error)),
        }
    }

    /// Opens the file, or makes it, to write.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn open(root: &Path, identity: Identity, run: Option<Run>) -> Result<Self, StoreError> {
        let path = path(root);
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(StoreError::io("opening", &path))?;
        let turn = newest(&file).map_err(StoreError::io("reading", &path))?.map_or(0, |(turn, _)| turn);
        if file.metadata().map_err(StoreError::io("reading", &path))?.len() < 2 * SLOT {
            // Both slots have their blocks from the start: a full disk must not stop a checkpoint.
            let written = file.write_all_at(&BLANK, 0).and_then(|()| file.sync_all());
            written.map_err(StoreError::io("writing", &path))?;
            sync(root)?;
        }
        Ok(Self { file, path, turn, identity, run })
    }

    /// Writes a checkpoint; it is on the disk when this returns. Only ever what the engine was synced through.
    ///
    /// # Errors
    /// What the file system refused.
    pub fn write(&mut self, synced: Head, closed: bool) -> Result<(), StoreError> {
        let kept = Kept { identity: self.identity, synced, run: self.run, closed };
        self.turn += 1;
        let slot = encode(self.turn, &kept);
        let written = self.file.write_all_at(&slot, self.turn % 2 * SLOT);
        written.map_err(StoreError::io("writing", &self.path))?;
        // Final, whatever it failed with: see the engine's.
        self.file.sync_data().map_err(StoreError::refused("syncing", &self.path))
    }
}

fn path(root: &Path) -> PathBuf {
    root.join("checkpoint")
}

fn newest(file: &File) -> io::Result<Option<(u64, Kept)>> {
    let mut found: Option<(u64, Kept)> = None;
    for slot in 0..2 {
        let mut bytes = [0; LENGTH];
        match file.read_exact_at(&mut bytes, slot * SLOT) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => continue,
            Err(error) => return Err(error),
        }
        if let Some((turn, kept)) = decode(&bytes)
            && found.is_none_or(|(before, _)| before < turn)
        {
            found = Some((turn, kept));
        }
    }
    Ok(found)
}

fn encode(turn: u64, kept: &Kept) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LENGTH);
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&turn.to_be_bytes());
    bytes.extend_from_slice(&kept.identity.store_id);
    bytes.extend_from_slice(&kept.identity.incarnation);
    bytes.extend_from_slice(&kept.synced.revision.0.to_be_bytes());
    bytes.extend_from_slice(&kept.synced.hash);
    bytes.extend_from_slice(&kept.run.map_or([0; 32], |run| run.0));
    bytes.push(u8::from(kept.closed));
    let checksum = crc32c::crc32c(&bytes);
    bytes.extend_from_slice(&checksum.to_be_bytes());
    bytes
}

fn decode(bytes: &[u8; LENGTH]) -> Option<(u64, Kept)> {
    let (sealed, checksum) = bytes.split_last_chunk::<4>()?;
    if u32::from_be_bytes(*checksum) != crc32c::crc32c(sealed) {
        return None;
    }
    let (magic, rest) = sealed.split_first_chunk::<8>()?;
    let (turn, rest) = rest.split_first_chunk::<8>()?;
    let (store_id, rest) = rest.split_first_chunk::<16>()?;
    let (incarnation, rest) = rest.split_first_chunk::<16>()?;
    let (revision, rest) = rest.split_first_chunk::<8>()?;
    let (hash, rest) = rest.split_first_chunk::<32>()?;
    let (run, closed) = rest.split_first_chunk::<32>()?;
    let kept = Kept {
        identity: Identity { store_id: *store_id, incarnation: *incarnation },
        synced: Head { revision: Revision(u64::from_be_bytes(*revision)), hash: *hash },
        run: (*run != [0; 32]).then_some(Run(*run)),
        closed: *closed == [1],
    };
    (*magic == MAGIC).then_some((u64::from_be_bytes(*turn), kept))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(revision: u64) -> Head {
        Head { revision: Revision(revision), hash: [u8::try_from(revision % 251).unwrap(); 32] }
    }

    #[test]
    fn the_newest_checkpoint_is_read_and_a_torn_one_leaves_the_one_before() {
        let home = tempfile::tempdir().unwrap();
        assert_eq!(Checkpoint::read(home.path()).unwrap(), None);
        let identity = Identity::fresh();
        let run = Some(Run::named("a run"));
        let mut checkpoint = Checkpoint::open(home.path(), identity, run).unwrap();
        assert_eq!(Checkpoint::read(home.path()).unwrap(), None);
        for revision in 1..=5 {
            checkpoint.write(head(revision), revision == 5).unwrap();
            let kept = Kept { identity, synced: head(revision), run, closed: revision == 5 };
            assert_eq!(Checkpoint::read(home.path()).unwrap(), Some(kept));
        }
        drop(checkpoint);
        let file = File::options().write(true).open(path(home.path())).unwrap();
        for byte in 0..LENGTH as u64 {
            let mut whole = [0; 1];
            File::open(path(home.path())).unwrap().read_exact_at(&mut whole, SLOT + byte).unwrap();
            file.write_all_at(&[whole[0] ^ 1], SLOT + byte).unwrap();
            let kept = Checkpoint::read(home.path()).unwrap().unwrap();
            assert_eq!((kept.synced, kept.closed), (head(4), false), "byte {byte}");
            file.write_all_at(&whole, SLOT + byte).unwrap();
        }
        let mut checkpoint = Checkpoint::open(home.path(), identity, run).unwrap();
        checkpoint.write(head(6), false).unwrap();
        assert_eq!(Checkpoint::read(home.path()).unwrap().unwrap().synced, head(6), "turns go on after a restart");
    }
}
