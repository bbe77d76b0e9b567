//! The lists after a write: a new snapshot that shares with the old all that
//! the write did not touch. Cost follows the number of people changed, not the
//! number held. Weighing is done by then; here people only take their places.

use std::sync::Arc;

use super::chunked::Chunked;
use super::key::Key;
use super::names::{AreaId, OfficerId};
use super::row::Row;
use super::sight::Counted;
use super::snapshot::{Allotted, LISTS, Meta, Slot, Standings, Trees};
use super::tree::{Meter, Tree};
use crate::domain::dossier::Dossier;
use crate::domain::word::List;
use crate::domain::{Revision, SubjectId};

/// A person written or weighed anew.
#[derive(Clone, Debug)]
pub struct Change {
    /// Who. New subjects follow on from those held, without a gap.
    pub subject: SubjectId,
    /// Everything now in force about them.
    pub dossier: Arc<Dossier>,
    /// Their new row.
    pub row: Row,
}

impl Standings {
    /// These standings after a group of writes. Of several changes to one person the last holds.
    ///
    /// # Panics
    /// When new subjects leave a gap: SubjectIds are allotted dense.
    #[must_use]
    pub fn with(&self, changes: &[Change], meta: Meta) -> Self {
        let changes = last_of_each(changes);
        let slots = self.changed_slots(&changes);
        let mut meter = Meter::default();
        let held = |change: &Change| self.slots.get(change.subject.index());
        let renamed = changes.iter().any(|change| held(change).is_some_and(|held| is_renamed(held, change)));
        let edits = self.edits(&changes, &slots);
        let mut lists = self.lists.clone();
        let mut areas = self.areas.clone();
        for group in edits.chunk_by(|a, b| (a.area, a.list) == (b.area, b.list)) {
            let Edit { area, list, .. } = group[0];
            let Some(area) = area else {
                let tree = &mut lists[list as usize];
                *tree = edited(tree, group, (&self.slots, &slots), renamed, &mut meter);
                continue;
            };
            areas.grow_to(area.index() + 1, &Arc::default());
            let mut trees = Trees::clone(areas.get(area.index()).expect("grown to hold it above"));
            let tree = &mut trees[list as usize];
            *tree = edited(tree, group, (&self.slots, &slots), renamed, &mut meter);
            meter.bytes += size_of::<Trees>() as u64;
            areas.replace(area.index(), Arc::new(trees));
        }
        Self {
            changed: self.changed_after(&changes, &meta),
            meta,
            lists,
            areas,
            officers: self.changed_officers(&changes, &mut meter),
            slots,
            names: Arc::clone(&self.names),
            references: Arc::clone(&self.references),
            allotted: self.allotted_after(&changes, meter),
            counted: Counted::default(),
        }
    }

    /// When each list last changed, once these changes are made.
    fn changed_after(&self, changes: &[&Change], meta: &Meta) -> [Revision; LISTS] {
        let (was, is) = (&self.meta, meta);
        let same_rules = Arc::ptr_eq(&was.rules, &is.rules) || was.rules.policy == is.rules.policy;
        if !same_rules || was.as_of != is.as_of || was.generation != is.generation {
            return [meta.revision; LISTS];
        }
        let mut changed = self.changed;
        for change in changes {
            let before = self.row(change.subject).map(|row| row.lists).unwrap_or_default();
            for list in List::ALL {
                if before.holds(*list) || change.row.lists.holds(*list) {
                    changed[*list as usize] = meta.revision;
                }
            }
        }
        changed
    }

    fn changed_slots(&self, changes: &[&Change]) -> Chunked<Slot> {
        let mut slots = self.slots.clone();
        let slot = |change: &Change| Slot { row: change.row.clone(), dossier: Arc::clone(&change.dossier) };
        let (held, new) = changes.split_at(changes.partition_point(|change| change.subject.index() < slots.len()));
        for change in held {
            slots.replace(change.subject.index(), slot(change));
        }
        let dense = (slots.len()..).zip(new).all(|(place, change)| change.subject.index() == place);
        assert!(dense, "SubjectIds must be allotted without a gap");
        slots.extend(new.iter().map(|change| slot(change)));
        slots
    }

    /// Bytes allotted once these changes are made, of which `meter` has counted trees and postings.
    fn allotted_after(&self, changes: &[&Change], meter: Meter) -> Allotted {
        let held = changes.iter().map(|change| change.subject.index()).filter(|place| *place < self.slots.len());
        let dossiers: u64 = changes.iter().map(|change| weight(&change.dossier)).sum();
        Allotted {
            blocks: self.allotted.blocks + meter.bytes + Chunked::<Slot>::bytes_copied(held),
            dossiers: self.allotted.dossiers + dossiers,
        }
    }

    /// What each tree loses and gains, in the order in which trees take it.
    fn edits(&self, changes: &[&Change], slots: &Chunked<Slot>) -> Vec<Edit> {
        let mut edits = Vec::with_capacity(changes.len() * 4);
        for change in changes {
            let held = self.slots.get(change.subject.index());
            for list in List::ALL {
                edits_of(change, held, *list, &mut edits);
            }
        }
        edits.sort_unstable_by(|a, b| {
            let tree = |edit: &Edit| (edit.area, edit.list, edit.added);
            // What is taken out lies by the old references, what is put in by the new.
            tree(a).cmp(&tree(b)).then_with(|| a.key.compare(b.key, if a.added { slots } else { &self.slots }))
        });
        edits
    }

    fn changed_officers(&self, changes: &[&Change], meter: &mut Meter) -> Chunked<Arc<[SubjectId]>> {
        let mut moves: Vec<(OfficerId, SubjectId, bool)> = Vec::new();
        for change in changes {
            let was = self.row(change.subject).and_then(Row::offender_manager);
            let is = change.row.offender_manager();
            if was != is {
                moves.extend(was.map(|officer| (officer, change.subject, false)));
                moves.extend(is.map(|officer| (officer, change.subject, true)));
            }
        }
        moves.sort_unstable();
        let mut officers = self.officers.clone();
        for group in moves.chunk_by(|a, b| a.0 == b.0) {
            let place = group[0].0.index();
            officers.grow_to(place + 1, &Arc::default());
            let held = officers.get(place).expect("grown to hold it above");
            let concerned = |subject: &SubjectId| group.binary_search_by_key(subject, |(_, moved, _)| *moved).is_ok();
            let mut subjects: Vec<SubjectId> = held.iter().copied().filter(|subject| !concerned(subject)).collect();
            subjects.extend(group.iter().filter(|(_, _, joins)| *joins).map(|(_, subject, _)| *subject));
            subjects.sort_unstable();
            meter.bytes += size_of_val(&*subjects) as u64;
            officers.replace(place, subjects.into());
        }
        officers
    }
}

/// What happens to one key in one tree.
struct Edit {
    /// The area whose tree it is; `None`: the whole list.
    area: Option<AreaId>,
    list: List,
    /// Put in, after what is taken out.
    added: bool,
    key: Key,
}

/// What the trees of one list lose and gain by a change.
fn edits_of(change: &Change, held: Option<&Slot>, list: List, edits: &mut Vec<Edit>) {
    let was = held.map(|held| &held.row).filter(|row| row.lists.holds(list));
    let is = Some(&change.row).filter(|row| row.lists.holds(list));
    let key = |row: &Row| Key::of(row, list.family(), change.subject);
    let stays = match (held, was, is) {
        // Trees may believe in facets that are gone, so only new ones must be told.
        (Some(held), Some(was), Some(is)) => {
            !is_renamed(held, change) && key(was) == key(is) && was.facets.covers(is.facets)
        }
        (_, None, _) | (_, _, None) | (None, _, _) => false,
    };
    let mut edit = |from: Option<&Row>, other: Option<&Row>, added: bool| {
        let Some(from) = from else { return };
        let in_both = |area: AreaId| other.is_some_and(|other| other.areas.as_slice().contains(&area));
        let areas = from.areas.as_slice().iter().copied().filter(|area| !(stays && in_both(*area))).map(Some);
        let whole = std::iter::once(None).filter(|_| !stays);
        edits.extend(whole.chain(areas).map(|area| Edit { area, list, added, key: key(from) }));
    };
    edit(was, is, false);
    edit(is, was, true);
}

/// Whether a change gives a person another reference.
fn is_renamed(held: &Slot, change: &Change) -> bool {
    held.dossier.subject_ref() != change.dossier.subject_ref()
}

/// A tree after its edits.
fn edited(
    tree: &Tree,
    edits: &[Edit],
    (old, new): (&Chunked<Slot>, &Chunked<Slot>),
    renamed: bool,
    meter: &mut Meter,
) -> Tree {
    let keys: Vec<Key> = edits.iter().map(|edit| edit.key).collect();
    let (removed, added) = keys.split_at(edits.partition_point(|edit| !edit.added));
    if renamed {
        // Old and new references order the same people differently: first all go, then all come.
        tree.updated(removed, &[], old, meter).updated(&[], added, new, meter)
    } else {
        tree.updated(removed, added, new, meter)
    }
}

/// Changes in order of SubjectId, the last of each subject.
fn last_of_each(changes: &[Change]) -> Vec<&Change> {
    let mut ordered: Vec<&Change> = changes.iter().rev().collect();
    // Stable, so that of one subject the last written stays first, and is the one kept.
    ordered.sort_by_key(|change| change.subject);
    ordered.dedup_by_key(|change| change.subject);
    ordered
}

/// Bytes that a dossier holds, roughly and rather too many.
fn weight(dossier: &Dossier) -> u64 {
    (256 + dossier.offence_count() * 96 + dossier.others().len() * 256) as u64
}

#[cfg(test)]
#[path = "change_tests.rs"]
mod tests;
