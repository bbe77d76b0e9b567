//! Walking a list in order, past all that a filter leaves out: by area or by
//! officer where the filter names one, else leaf by leaf.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use super::facets::Facets;
use super::filter::{Filter, Sieve};
use super::key::Key;
use super::names::AreaId;
use super::row::Row;
use super::sight::Sight;
use super::snapshot::Standings;
use super::tree::{Leaf, Tree};
use crate::domain::word::List;

impl Standings {
    /// Calls `visit` for everyone on a list who is in sight and matches, best first, from the one after `after` on,
    /// until it breaks. Where the whole list is walked, their position in it, from 0, comes along.
    pub(super) fn scan(
        &self,
        list: List,
        filter: &Filter,
        sight: &Sight,
        after: Option<Key>,
        mut visit: impl FnMut(Key, Option<usize>) -> ControlFlow<()>,
    ) {
        let sieve = Sieve::new(filter, list.family(), self.as_of());
        let mut way = Way::of(self, list, filter, sight);
        let asks = sieve.asks() || !sight.is_whole();
        for run in sieve.band_runs() {
            way.seek(&|key| {
                key.band_place() < *run.start()
                    || after.is_some_and(|after| key.compare(after, self) != Ordering::Greater)
            });
            while let Some((key, position)) = way.next(self, &sieve) {
                if key.band_place() > *run.end() {
                    break;
                }
                let passes = |row: &Row| sieve.passes(row) && sight.sees(row);
                let matches = !asks || self.row(key.subject()).is_some_and(passes);
                if matches && visit(key, position).is_break() {
                    return;
                }
            }
        }
    }

    /// The areas of a filter that anyone has been known by.
    pub(super) fn known_areas(&self, filter: &Filter) -> Vec<AreaId> {
        filter.areas.iter().filter_map(|name| self.names.find_area(name)).collect()
    }
}

/// Where those who may match are found, in order.
enum Way<'a> {
    /// In the whole list.
    Whole(Walk<'a>),
    /// In the list of one area.
    Area(Walk<'a>),
    /// In the lists of several areas, which may name a person twice.
    Areas(Vec<Walk<'a>>),
    /// Among these.
    These { keys: Vec<Key>, at: usize },
}

impl<'a> Way<'a> {
    fn of(standings: &'a Standings, list: List, filter: &Filter, sight: &Sight) -> Self {
        let area_tree = |area: &AreaId| standings.area_tree(list, *area).map(Walk::new);
        if !filter.offender_managers.is_empty() {
            return Self::These { keys: managed(standings, list, filter), at: 0 };
        }
        let of_areas = |areas: &[AreaId]| match areas {
            [area] => area_tree(area).map_or(Self::Areas(Vec::new()), Self::Area),
            areas => Self::Areas(areas.iter().filter_map(area_tree).collect()),
        };
        // Of those in areas of the filter, whoever is in sight is picked out one by one.
        match (filter.areas.is_empty(), sight.areas()) {
            (true, None) => Self::Whole(Walk::new(standings.tree(list))),
            (true, Some(areas)) => of_areas(areas),
            (false, _) => of_areas(&standings.known_areas(filter)),
        }
    }

    fn seek(&mut self, before: &impl Fn(Key) -> bool) {
        match self {
            Self::Whole(walk) | Self::Area(walk) => walk.seek(before),
            Self::Areas(walks) => walks.iter_mut().for_each(|walk| walk.seek(before)),
            Self::These { keys, at } => *at = keys.partition_point(|key| before(*key)),
        }
    }

    fn next(&mut self, standings: &Standings, sieve: &Sieve) -> Option<(Key, Option<usize>)> {
        let may = |facets| sieve.may(facets);
        match self {
            Self::Whole(walk) => {
                let (key, position) = walk.peek(may)?;
                walk.at += 1;
                Some((key, Some(position)))
            }
            Self::Area(walk) => {
                let (key, _) = walk.peek(may)?;
                walk.at += 1;
                Some((key, None))
            }
            Self::Areas(walks) => {
                let heads = walks.iter_mut().filter_map(|walk| walk.peek(may).map(|(key, _)| key));
                let best = heads.min_by(|a, b| a.compare(*b, standings))?;
                for walk in walks {
                    if walk.peek(may).is_some_and(|(key, _)| key == best) {
                        walk.at += 1;
                    }
                }
                Some((best, None))
            }
            Self::These { keys, at } => {
                let key = *keys.get(*at)?;
                *at += 1;
                Some((key, None))
            }
        }
    }
}

/// People of a list whom the filter's officers manage and who belong to its areas, in order.
fn managed(standings: &Standings, list: List, filter: &Filter) -> Vec<Key> {
    let areas = standings.known_areas(filter);
    let officers = filter.offender_managers.iter().filter_map(|officer| standings.names.find_officer(officer));
    let mut subjects: Vec<_> = officers.flat_map(|officer| standings.managed_by(officer)).copied().collect();
    subjects.sort_unstable();
    subjects.dedup();
    let in_area =
        |subject: &_| filter.areas.is_empty() || standings.row(*subject).is_some_and(|row| row.areas.any_of(&areas));
    let mut keys: Vec<Key> =
        subjects.into_iter().filter(in_area).filter_map(|subject| standings.key(list, subject)).collect();
    keys.sort_unstable_by(|a, b| a.compare(*b, standings));
    keys
}

/// A place in a tree, moving towards its end.
struct Walk<'a> {
    tree: &'a Tree,
    leaf: Leaf<'a>,
    /// Position, from 0, of the next key.
    at: usize,
}

impl<'a> Walk<'a> {
    fn new(tree: &'a Tree) -> Self {
        Self { tree, leaf: Leaf::default(), at: 0 }
    }

    fn seek(&mut self, before: &impl Fn(Key) -> bool) {
        let (leaf, place) = self.tree.leaf_around(before);
        self.leaf = leaf;
        self.at = leaf.start + place;
    }

    /// The next key and its position, in this leaf or the next that may hold a match.
    fn peek(&mut self, may: impl Fn(Facets) -> bool) -> Option<(Key, usize)> {
        if self.at >= self.leaf.end() {
            self.leaf = self.tree.leaf_from(self.at, may)?;
            self.at = self.at.max(self.leaf.start);
        }
        Some((self.leaf.keys[self.at - self.leaf.start], self.at))
    }
}
