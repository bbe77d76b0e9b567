//! A store that fails on demand, as a disk does: low, full before or after the
//! journal took the group, broken, or gone wrong in the program; or with an entry
//! that walks miss. For tests.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard};

use prost::Message;

use crate::domain::Revision;
use crate::store::inspect::{Inspected, Inspection, Mark};
use crate::store::{
    AppendError, Entry, Group, Head, Identity, KeySpan, MemoryStore, NoRoom, Scan, Store, StoreError, StoredEvent,
    View, ViewKey,
};

/// What an append meets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disk {
    /// Nothing wrong.
    #[default]
    Sound,
    /// No room, and nothing of the group is kept.
    Full,
    /// No room once the journal held the group: it is part of the ledger after a reopen.
    FullOnceJournalled,
    /// No room, met by a read: what was written before could not all be kept.
    FullToRead,
    /// A failed sync.
    Failing,
    /// A sync behind the last append failed: the store knows it without another.
    FailedBehind,
    /// A fault of the program.
    Panicking,
}

/// What a reopen gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reopened {
    /// What was journalled, once there is room.
    #[default]
    Whole,
    /// A ledger that lacks what was acknowledged.
    Short,
    /// An error that waiting does not mend.
    Damaged,
}

#[derive(Debug, Default)]
struct Fate {
    disk: Disk,
    reopened: Reopened,
    room: Option<NoRoom>,
    read_only: bool,
    journalled: Option<Group>,
    hidden: Option<ViewKey>,
    suspect: Option<String>,
}

/// The store.
#[derive(Debug)]
pub struct FaultyStore {
    kept: MemoryStore,
    fate: Mutex<Fate>,
    appends: AtomicUsize,
    reopens: AtomicUsize,
    looks: AtomicUsize,
    longest: AtomicUsize,
}

/// Sound and empty.
impl Default for FaultyStore {
    fn default() -> Self {
        Self::of(Identity { store_id: [1; 16], incarnation: [2; 16] })
    }
}

impl FaultyStore {
    /// A sound, empty store that is known as `identity`.
    pub fn of(identity: Identity) -> Self {
        Self {
            kept: MemoryStore::new(identity),
            fate: Mutex::default(),
            appends: AtomicUsize::new(0),
            reopens: AtomicUsize::new(0),
            looks: AtomicUsize::new(0),
            longest: AtomicUsize::new(0),
        }
    }

    fn fate(&self) -> MutexGuard<'_, Fate> {
        self.fate.lock().expect("no test panics while it holds this")
    }

    /// What the next appends meet. A store that went read-only stays so until it is reopened.
    pub fn disk(&self, disk: Disk) {
        self.fate().disk = disk;
    }

    /// What a reopen gives.
    pub fn reopened(&self, reopened: Reopened) {
        self.fate().reopened = reopened;
    }

    /// How much room there is: enough, or so many bytes where 256 MiB are required.
    pub fn room_left(&self, free_bytes: Option<u64>) {
        self.fate().room = free_bytes.map(|free_bytes| NoRoom { free_bytes, least_bytes: 256 << 20 });
    }

    /// An entry that is found by its key, and that no walk through its view meets: pages beneath are of different ages.
    pub fn hide(&self, entry: Option<ViewKey>) {
        self.fate().hidden = entry;
    }

    /// What it was told to check at the next start.
    pub fn suspected(&self) -> Option<String> {
        self.fate().suspect.clone()
    }

    /// Appends attempted.
    pub fn appends(&self) -> usize {
        self.appends.load(Ordering::SeqCst)
    }

    /// Bytes of the events of the longest group.
    pub fn longest(&self) -> usize {
        self.longest.load(Ordering::SeqCst)
    }

    /// How often somebody asked whether there is room.
    pub fn looks(&self) -> usize {
        self.looks.load(Ordering::SeqCst)
    }

    /// Reopens attempted.
    pub fn reopens(&self) -> usize {
        self.reopens.load(Ordering::SeqCst)
    }
}

impl Store for FaultyStore {
    fn identity(&self) -> Identity {
        self.kept.identity()
    }

    fn head(&self) -> Result<Head, StoreError> {
        self.kept.head()
    }

    fn append(&self, expected: &Head, group: &Group) -> Result<Head, AppendError> {
        self.appends.fetch_add(1, Ordering::SeqCst);
        self.longest.fetch_max(group.events.iter().map(Message::encoded_len).sum(), Ordering::SeqCst);
        let disk = {
            let mut fate = self.fate();
            if fate.read_only {
                return Err(AppendError::ReadOnly);
            }
            match fate.disk {
                Disk::Full => fate.read_only = true,
                Disk::FullOnceJournalled => {
                    fate.read_only = true;
                    fate.journalled = Some(group.clone());
                }
                Disk::Sound | Disk::FullToRead | Disk::Failing | Disk::FailedBehind | Disk::Panicking => {}
            }
            fate.disk
        };
        match disk {
            Disk::Sound => self.kept.append(expected, group),
            Disk::Full | Disk::FullOnceJournalled | Disk::FullToRead => Err(AppendError::Full),
            Disk::Failing => {
                Err(StoreError::Engine { doing: "syncing", source: "no answer from the disk".into() }.into())
            }
            Disk::FailedBehind => Err(failed_behind()),
            Disk::Panicking => panic!("as the test asked"),
        }
    }

    fn stored_event(&self, revision: Revision) -> Result<Option<StoredEvent>, StoreError> {
        let fate = self.fate();
        if fate.reopened == Reopened::Short && !fate.read_only {
            return Ok(None);
        }
        drop(fate);
        self.kept.stored_event(revision)
    }

    fn stored_events(&self, from: Revision, through: Revision) -> Scan<'_, StoredEvent> {
        self.kept.stored_events(from, through)
    }

    fn get(&self, key: &ViewKey) -> Result<Option<Vec<u8>>, StoreError> {
        if self.fate().disk == Disk::FullToRead {
            return Err(StoreError::Full);
        }
        self.kept.get(key)
    }

    fn scan(&self, span: &KeySpan) -> Scan<'_, Entry> {
        let hidden = self.fate().hidden;
        let met = move |entry: &Result<Entry, StoreError>| !entry.as_ref().is_ok_and(|(key, _)| Some(*key) == hidden);
        Box::new(self.kept.scan(span).filter(met))
    }

    fn view_version(&self, view: View) -> Result<Option<u32>, StoreError> {
        self.kept.view_version(view)
    }

    fn inspect(&self, inspection: &mut Inspection, most: usize) -> Result<Option<Inspected>, StoreError> {
        self.kept.inspect(inspection, most)
    }

    fn entry_keys(
        &self,
        view: View,
        after: Option<&Mark>,
        most: usize,
    ) -> Result<(Vec<ViewKey>, Option<Mark>), StoreError> {
        let hidden = self.fate().hidden;
        let (mut keys, next) = self.kept.entry_keys(view, after, most)?;
        keys.retain(|key| Some(*key) != hidden);
        Ok((keys, next))
    }

    fn begin_views(&self, views: &[View]) -> Result<(), AppendError> {
        self.kept.begin_views(views)
    }

    fn finish_views(&self, views: &[(View, u32)]) -> Result<(), AppendError> {
        self.kept.finish_views(views)
    }

    fn replace_view(
        &self,
        view: View,
        version: u32,
        entries: &mut dyn Iterator<Item = Result<Entry, StoreError>>,
    ) -> Result<(), AppendError> {
        self.kept.replace_view(view, version, entries)
    }

    fn suspect(&self, what: &str) {
        self.fate().suspect.get_or_insert_with(|| what.to_owned());
    }

    fn room(&self) -> Result<(), NoRoom> {
        let room = self.fate().room.map_or(Ok(()), Err);
        self.looks.fetch_add(1, Ordering::SeqCst);
        room
    }

    fn writable(&self) -> Result<(), AppendError> {
        let fate = self.fate();
        if fate.read_only {
            return Err(AppendError::ReadOnly);
        }
        match fate.disk {
            Disk::FailedBehind => Err(failed_behind()),
            Disk::Sound
            | Disk::Full
            | Disk::FullOnceJournalled
            | Disk::FullToRead
            | Disk::Failing
            | Disk::Panicking => Ok(()),
        }
    }

    fn reopen(&self) -> Result<Head, StoreError> {
        self.reopens.fetch_add(1, Ordering::SeqCst);
        let mut fate = self.fate();
        if matches!(fate.disk, Disk::Full | Disk::FullOnceJournalled | Disk::FullToRead) {
            return Err(StoreError::Full);
        }
        if fate.reopened == Reopened::Damaged {
            return Err(StoreError::MissingEvent { revision: Revision(1) });
        }
        let head = self.kept.head()?;
        let head = match fate.journalled.take() {
            Some(group) => self.kept.append(&head, &group).expect("what was journalled must follow the head"),
            None => head,
        };
        fate.read_only = false;
        Ok(head)
    }
}

fn failed_behind() -> AppendError {
    StoreError::Stopped { cause: "syncing failed: no answer from the disk".to_owned() }.into()
}
