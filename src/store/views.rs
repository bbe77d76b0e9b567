//! Views emptied, filled and given their versions: what a rebuild does to the
//! engine. A view without a version is one whose rebuild was interrupted. What
//! belongs into a view is for others to say.

use std::collections::HashMap;

use super::Entry;
use super::engine::{Batch, Engine, Rows};
use super::error::{AppendError, StoreError, Unfit};
use super::keyed::{KeyedStore, Writer};
use super::keys::{Key, KeySpan, View};
use super::place::Place;

/// Entries and bytes after which a rebuild commits: bounds its memory and how long readers wait.
const REBUILD_ENTRIES: usize = 4096;
const REBUILD_BYTES: usize = 1 << 20;

impl<E: Engine> KeyedStore<E> {
    /// See [`Store::replace_view`](super::Store::replace_view).
    pub(super) fn replaced(
        &self,
        view: View,
        version: u32,
        entries: &mut dyn Iterator<Item = Result<Entry, StoreError>>,
    ) -> Result<(), AppendError> {
        let mut guard = self.writer()?;
        let replaced = self.replace(&mut guard, view, version, entries);
        self.full_where_read(&mut guard, replaced)
    }

    fn replace(
        &self,
        writer: &mut Writer,
        view: View,
        version: u32,
        entries: &mut dyn Iterator<Item = Result<Entry, StoreError>>,
    ) -> Result<(), AppendError> {
        let version_key = Key::view_version(view);
        let mut batch = E::Batch::default();
        batch.remove(version_key.as_ref());
        self.commit(writer, batch)?;
        self.clear(writer, view)?;

        let mut batch = E::Batch::default();
        let mut written = HashMap::new();
        let (mut count, mut bytes) = (0, 0);
        for entry in entries {
            let (key, payload) = entry?;
            if key.view() != view {
                return Err(Unfit::OtherView { place: Place::of(key.key().as_ref()), view }.into());
            }
            self.change(writer, &mut batch, &mut written, (&key, Some(&payload)))?;
            count += 1;
            bytes += payload.len();
            if count >= REBUILD_ENTRIES || bytes >= REBUILD_BYTES {
                self.commit(writer, std::mem::take(&mut batch))?;
                written.clear();
                (count, bytes) = (0, 0);
            }
        }
        self.commit(writer, batch)?;
        self.set_versions(writer, &[(view, version)])
    }

    /// See [`Store::begin_views`](super::Store::begin_views).
    pub(super) fn begun(&self, views: &[View]) -> Result<(), AppendError> {
        let mut guard = self.writer()?;
        let writer = &mut *guard;
        let mut batch = E::Batch::default();
        for view in views {
            batch.remove(Key::view_version(*view).as_ref());
        }
        self.commit(writer, batch)?;
        let cleared = views.iter().try_for_each(|view| self.clear(writer, *view));
        self.full_where_read(writer, cleared)
    }

    /// See [`Store::finish_views`](super::Store::finish_views).
    pub(super) fn finished(&self, views: &[(View, u32)]) -> Result<(), AppendError> {
        let mut guard = self.writer()?;
        self.set_versions(&mut guard, views)
    }

    /// Gives views their versions, once all that was written to them is on the disk: a power cut must not leave a
    /// version behind on a view with holes.
    fn set_versions(&self, writer: &mut Writer, views: &[(View, u32)]) -> Result<(), AppendError> {
        if self.journalled.is_some() {
            self.sync(writer)?;
        }
        let mut batch = E::Batch::default();
        for (view, version) in views {
            writer.put(&mut batch, &Key::view_version(*view), &version.to_be_bytes())?;
        }
        self.commit(writer, batch)
    }

    /// Takes the versions of views away, so that they are rebuilt.
    pub(super) fn forget_versions(&self, views: &[View]) -> Result<(), StoreError> {
        let mut batch = E::Batch::default();
        for view in views {
            batch.remove(Key::view_version(*view).as_ref());
        }
        Ok(self.engine.commit(batch)?)
    }

    /// Removes every row of a view, whatever is in it.
    fn clear(&self, writer: &mut Writer, view: View) -> Result<(), AppendError> {
        let span = KeySpan::all(view);
        let (from, until) = span.bounds();
        let mut rows = Rows::new(&*self.engine, from, until).peekable();
        while rows.peek().is_some() {
            let mut batch = E::Batch::default();
            for row in rows.by_ref().take(REBUILD_ENTRIES) {
                let (key, _) = row?;
                batch.remove(key.as_ref());
            }
            self.commit(writer, batch)?;
        }
        Ok(())
    }
}
