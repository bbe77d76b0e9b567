//! Every list at one moment, immutable: what all reads are answered from. A
//! snapshot says which revision, day and policy it is of; it never changes,
//! so a page, a rank and a comparison taken from it always agree.

use std::sync::Arc;

use jiff::Timestamp;
use rayon::prelude::*;

use super::chunked::Chunked;
use super::facets::Facets;
use super::files::OpenFiles;
use super::key::{Key, Lookup};
use super::names::{AreaId, Names, OfficerId};
use super::references::References;
use super::row::Row;
use super::sight::Counted;
use super::tree::Tree;
use crate::domain::dossier::Dossier;
use crate::domain::word::List;
use crate::domain::{Date, Revision, SubjectId};
use crate::scoring::Rules;

/// Number of lists.
pub(super) const LISTS: usize = List::ALL.len();

/// What a snapshot is of.
#[derive(Clone, Debug)]
pub struct Meta {
    /// Revision of the ledger that it reflects.
    pub revision: Revision,
    /// Day on which everyone in it was weighed.
    pub as_of: Date,
    /// Policy and tables by which everyone in it was weighed.
    pub rules: Arc<Rules>,
    /// Published generation that it rests on; 0: none.
    pub generation: u64,
    /// Instant at which readers may see it.
    pub published: Timestamp,
}

/// One person in a snapshot.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) row: Row,
    pub(super) dossier: Arc<Dossier>,
}

/// One tree a list, by the list's number.
pub(super) type Trees = [Tree; LISTS];

/// Bytes allotted so far, version by version. What an older version alone keeps alive is at most
/// the difference, and of blocks at most its own size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Allotted {
    /// Rows, trees and postings.
    pub(super) blocks: u64,
    /// Dossiers.
    pub(super) dossiers: u64,
}

/// Everyone, on every list, at one moment.
///
/// About 110 bytes a subject for rows, some 20 a subject for each list and area stood on, and the
/// dossiers themselves, which all snapshots share.
#[derive(Debug)]
pub struct Standings {
    pub(super) meta: Meta,
    pub(super) slots: Chunked<Slot>,
    pub(super) lists: Trees,
    /// The same trees again for the people of one area, by its number.
    pub(super) areas: Chunked<Arc<Trees>>,
    /// Who is managed by an officer, in order of SubjectId, by the officer's number.
    pub(super) officers: Chunked<Arc<[SubjectId]>>,
    pub(super) names: Arc<Names>,
    pub(super) references: Arc<References>,
    /// By this version and all before it.
    pub(super) allotted: Allotted,
    /// The revision at which each list last changed, by its number.
    pub(super) changed: [Revision; LISTS],
    /// Sizes of lists within some sights.
    pub(super) counted: Counted,
}

impl Standings {
    /// Nobody on any list.
    pub fn empty(meta: Meta, names: Arc<Names>, references: Arc<References>) -> Self {
        Self::load(meta, names, references, [])
    }

    /// Everyone at once, in order of SubjectId from 0; lists are sorted on every core. References
    /// are not told to `references`: who allots a subject does so.
    ///
    /// After a run over everyone, give the bytes allotted so far through [`Standings::replacing`].
    pub fn load(
        meta: Meta,
        names: Arc<Names>,
        references: Arc<References>,
        people: impl IntoIterator<Item = (Arc<Dossier>, Row)>,
    ) -> Self {
        let slots: Chunked<Slot> = people.into_iter().map(|(dossier, row)| Slot { row, dossier }).collect();
        let mut whole = no_keys();
        let mut by_area: Vec<[Vec<Key>; LISTS]> = Vec::new();
        let mut by_officer: Vec<Vec<SubjectId>> = Vec::new();
        for (subject, Slot { row, dossier: _ }) in subjects(&slots) {
            for list in row.lists.iter() {
                let key = Key::of(row, list.family(), subject);
                whole[list as usize].push(key);
                for area in row.areas.as_slice() {
                    at(&mut by_area, area.index(), no_keys)[list as usize].push(key);
                }
            }
            if let Some(officer) = row.offender_manager() {
                at(&mut by_officer, officer.index(), Vec::new).push(subject);
            }
        }
        let lists = plant(whole, &slots);
        let areas: Vec<Arc<Trees>> = by_area.into_par_iter().map(|keys| Arc::new(plant(keys, &slots))).collect();
        let changed = [meta.revision; LISTS];
        let mut standings = Self {
            meta,
            slots,
            lists,
            areas: areas.into_iter().collect(),
            officers: by_officer.into_iter().map(Arc::from).collect(),
            names,
            references,
            allotted: Allotted::default(),
            changed,
            counted: Counted::default(),
        };
        standings.allotted.blocks = standings.whole_bytes();
        standings
    }

    /// With the table of references that is added to now: a store that was opened again has another.
    #[must_use]
    pub fn referring(mut self, references: Arc<References>) -> Self {
        self.references = references;
        self
    }

    /// This snapshot as the successor of another that it shares nothing with but dossiers.
    #[must_use]
    pub fn replacing(mut self, earlier: &Self) -> Self {
        self.allotted = earlier.allotted;
        self.allotted.blocks += self.whole_bytes();
        self
    }

    /// Bytes of rows and trees, were nothing shared.
    pub(super) fn whole_bytes(&self) -> u64 {
        let entries = |trees: &Trees| trees.iter().map(Tree::len).sum::<usize>();
        let in_trees = entries(&self.lists) + self.areas.iter().map(|trees| entries(trees)).sum::<usize>();
        (self.slots.len() * size_of::<Slot>() + in_trees * 20) as u64
    }

    /// Revision of the ledger that this reflects.
    pub const fn revision(&self) -> Revision {
        self.meta.revision
    }

    /// Revision at which a list last changed: who stands on it, how, or why. A list that nobody touched since the snapshot was
    /// loaded changed when it was loaded.
    pub const fn changed(&self, list: List) -> Revision {
        self.changed[list as usize]
    }

    /// Day on which everyone was weighed.
    pub const fn as_of(&self) -> Date {
        self.meta.as_of
    }

    /// Policy and tables by which everyone was weighed.
    pub const fn rules(&self) -> &Arc<Rules> {
        &self.meta.rules
    }

    /// What this snapshot is of.
    pub const fn meta(&self) -> &Meta {
        &self.meta
    }

    /// Number of subjects, on whatever list.
    pub const fn subjects(&self) -> usize {
        self.slots.len()
    }

    /// Number of people on a list.
    pub fn size(&self, list: List) -> usize {
        self.tree(list).len()
    }

    /// The person of a reference, if this snapshot holds one: of a reference that was merged into another, whom it was merged
    /// into.
    pub fn find(&self, reference: &str) -> Option<SubjectId> {
        let is_it = |subject| self.dossier(subject).is_some_and(|dossier| dossier.subject_ref() == reference);
        let subject = self.references.find(reference, is_it)?;
        self.dossier(subject).map(|dossier| dossier.stands_by().unwrap_or(subject))
    }

    /// Whether the processing of a person is restricted: they stand on no list, and what is held of them may be looked at by
    /// few.
    pub fn restricted(&self, subject: SubjectId) -> bool {
        self.dossier(subject).is_some_and(|dossier| dossier.is_restricted())
    }

    /// A person as the lists see them.
    pub fn row(&self, subject: SubjectId) -> Option<&Row> {
        self.slots.get(subject.index()).map(|slot| &slot.row)
    }

    /// Everything in force about a person.
    pub fn dossier(&self, subject: SubjectId) -> Option<&Arc<Dossier>> {
        self.slots.get(subject.index()).map(|slot| &slot.dossier)
    }

    /// A person as the lists see them, with everything in force about them.
    pub fn person(&self, subject: SubjectId) -> Option<(&Row, &Arc<Dossier>)> {
        self.slots.get(subject.index()).map(|slot| (&slot.row, &slot.dossier))
    }

    /// Everybody on a list, in order.
    pub fn people(&self, list: List) -> impl Iterator<Item = SubjectId> {
        self.tree(list).iter_from(0).map(Key::subject)
    }

    /// Everybody with an open file, with the files, in the order of the outstanding lists.
    pub fn outstanding(&self) -> impl Iterator<Item = (SubjectId, &OpenFiles)> {
        self.people(List::Outstanding).filter_map(|subject| self.row(subject).map(|row| (subject, &row.files)))
    }

    /// Subjects whose rows may differ from those of another snapshot of the store: all whose rows do, and few others.
    pub fn differing(&self, other: &Self) -> impl Iterator<Item = SubjectId> + use<> {
        let places = self.slots.differing(&other.slots).into_iter().flatten();
        places.map(|place| SubjectId(u32::try_from(place).expect("a store must hold fewer than 2^32 subjects")))
    }

    /// Names of areas and offender managers.
    pub const fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// The table of references that this and every other snapshot of the store asks.
    pub const fn references(&self) -> &Arc<References> {
        &self.references
    }

    pub(super) const fn tree(&self, list: List) -> &Tree {
        &self.lists[list as usize]
    }

    pub(super) fn area_tree(&self, list: List, area: AreaId) -> Option<&Tree> {
        self.areas.get(area.index()).map(|trees| &trees[list as usize])
    }

    pub(super) fn managed_by(&self, officer: OfficerId) -> &[SubjectId] {
        self.officers.get(officer.index()).map_or(&[], |subjects| subjects)
    }

    /// The key of a person on a list; `None` where they do not stand on it.
    pub(super) fn key(&self, list: List, subject: SubjectId) -> Option<Key> {
        let row = self.row(subject)?;
        row.lists.holds(list).then(|| Key::of(row, list.family(), subject))
    }
}

impl Lookup for Standings {
    fn reference(&self, subject: SubjectId) -> &str {
        self.slots.reference(subject)
    }

    fn facets(&self, subject: SubjectId) -> Facets {
        self.slots.facets(subject)
    }
}

impl Lookup for Chunked<Slot> {
    fn reference(&self, subject: SubjectId) -> &str {
        self.get(subject.index()).expect("a key must be of a subject held").dossier.subject_ref()
    }

    fn facets(&self, subject: SubjectId) -> Facets {
        self.get(subject.index()).expect("a key must be of a subject held").row.facets
    }
}

/// Everyone, with their SubjectIds.
pub(super) fn subjects(slots: &Chunked<Slot>) -> impl Iterator<Item = (SubjectId, &Slot)> {
    (0..).map(SubjectId).zip(slots.iter())
}

fn no_keys() -> [Vec<Key>; LISTS] {
    [const { Vec::new() }; LISTS]
}

fn plant(keys: [Vec<Key>; LISTS], slots: &Chunked<Slot>) -> Trees {
    keys.map(|mut keys| {
        Key::sort(&mut keys, slots);
        Tree::from_sorted(&keys, slots)
    })
}

/// The item at a place, the places before it made where missing.
fn at<T>(items: &mut Vec<T>, place: usize, empty: fn() -> T) -> &mut T {
    if items.len() <= place {
        items.resize_with(place + 1, empty);
    }
    &mut items[place]
}
