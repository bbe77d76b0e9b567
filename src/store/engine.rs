//! What the store asks of an ordered key-value engine: reads, one atomic
//! batch, and to have what was written on the disk. It knows nothing of events,
//! views or frames, so that every rule of the store is written once, in
//! [`super::keyed`], and is the same on disk and in memory.

use std::ops::Bound;

use super::error::StoreError;
use super::keys::Key;

/// A stored key and its value.
pub type Row<V> = (V, V);

/// An ordered key-value engine.
pub trait Engine: Send + Sync + 'static {
    /// Bytes as the engine lends them.
    type Bytes: AsRef<[u8]> + Send + Sync;
    /// Writes that become visible together, and stay or vanish together.
    type Batch: Batch;

    /// The value under `key`.
    fn get(&self, key: &[u8]) -> Result<Option<Self::Bytes>, StoreError>;

    /// The first `most` rows from `from` to before `until`, in key order.
    fn rows(&self, from: Bound<&[u8]>, until: &[u8], most: usize) -> Result<Vec<Row<Self::Bytes>>, StoreError>;

    /// Applies all of `batch` or none of it: visible when this returns `Ok`, on the disk after the next
    /// [`sync`](Self::sync). After an error it is unknown what is kept, and the engine is not asked to write again
    /// before it was reopened.
    fn apply(&self, batch: Self::Batch) -> Result<(), CommitError>;

    /// Has everything applied before on the disk itself. May run while a batch is being applied. A failed sync is
    /// never tried again: what the disk then holds is unknown.
    fn sync(&self) -> Result<(), CommitError>;

    /// Closes the engine and opens it again, as after a failed write: what was not synced may be gone.
    fn reopen(&self) -> Result<(), StoreError>;

    /// Applies and syncs.
    fn commit(&self, batch: Self::Batch) -> Result<(), CommitError> {
        self.apply(batch)?;
        self.sync()
    }
}

/// Writes gathered for [`Engine::apply`]. The last write to a key counts.
pub trait Batch: Default {
    /// Sets `key` to `value`.
    fn put(&mut self, key: &[u8], value: &[u8]);

    /// Removes `key`, if it is there.
    fn remove(&mut self, key: &[u8]);
}

/// Why a write failed.
#[derive(Debug)]
pub enum CommitError {
    /// The disk is full.
    Full,
    /// Anything else, a failed sync above all.
    Failed(StoreError),
}

impl From<StoreError> for CommitError {
    fn from(error: StoreError) -> Self {
        if let StoreError::Full = error { Self::Full } else { Self::Failed(error) }
    }
}

impl From<CommitError> for StoreError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Full => Self::Full,
            CommitError::Failed(error) => error,
        }
    }
}

/// Rows read a page at a time, so that no cursor of the engine stays open between them.
pub struct Rows<'a, E: Engine> {
    engine: &'a E,
    from: Bound<Key>,
    until: Key,
    page: std::vec::IntoIter<Row<E::Bytes>>,
    last: bool,
}

impl<'a, E: Engine> Rows<'a, E> {
    const PAGE: usize = 256;

    /// Rows from `from` to before `until`.
    pub fn new(engine: &'a E, from: &Key, until: &Key) -> Self {
        Self { engine, from: Bound::Included(*from), until: *until, page: Vec::new().into_iter(), last: false }
    }

    fn turn(&mut self) -> Result<(), StoreError> {
        let from = self.from.as_ref().map(AsRef::as_ref);
        let page = self.engine.rows(from, self.until.as_ref(), Self::PAGE)?;
        self.last = page.len() < Self::PAGE;
        if let Some((key, _)) = page.last() {
            match Key::read(key.as_ref()) {
                Some(key) => self.from = Bound::Excluded(key),
                None => return Err(StoreError::corrupt(key.as_ref(), super::error::Fault::Key)),
            }
        }
        self.page = page.into_iter();
        Ok(())
    }
}

impl<E: Engine> Iterator for Rows<'_, E> {
    type Item = Result<Row<E::Bytes>, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(row) = self.page.next() {
                return Some(Ok(row));
            }
            if self.last {
                return None;
            }
            if let Err(error) = self.turn() {
                self.last = true;
                return Some(Err(error));
            }
        }
    }
}
