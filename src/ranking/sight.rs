//! Whom a reader may see: what a scope comes to among the people of a store.
//! Whoever is out of sight is in no page, count, neighbourhood or movement of
//! that reader; their own rank and position, where they are seen by others, are
//! of the whole list all the same.

use std::ops::ControlFlow;

use super::filter::Filter;
use super::names::{AreaId, Names};
use super::row::{Areas, Lists, Row};
use super::snapshot::Standings;
use crate::domain::word::List;

/// Whom a reader may see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    /// Areas. `None`: the whole force, also those of no area.
    areas: Option<Box<[AreaId]>>,
    /// Lists. `None`: all.
    lists: Option<Lists>,
    /// People under 18, too.
    children: bool,
}

impl Sight {
    /// Everybody.
    pub const EVERYBODY: Self = Self { areas: None, lists: None, children: true };

    /// Whoever belongs to one of these areas and stands on one of these lists (`None`: any), children only where said so.
    /// An area that nobody was ever known by shows nobody.
    pub fn new<'a>(
        names: &Names,
        areas: Option<impl IntoIterator<Item = &'a str>>,
        lists: Option<impl IntoIterator<Item = List>>,
        children: bool,
    ) -> Self {
        let areas = areas.map(|areas| areas.into_iter().filter_map(|name| names.find_area(name)).collect());
        let lists = lists.map(|lists| lists.into_iter().fold(Lists::default(), |all, list| all.and(list, true)));
        Self { areas, lists, children }
    }

    /// Whether nobody is out of sight.
    pub const fn is_whole(&self) -> bool {
        self.areas.is_none() && self.lists.is_none() && self.children
    }

    /// Whether nobody on a list is out of sight whose list it is.
    pub const fn is_whole_of_lists(&self) -> bool {
        self.areas.is_none() && self.children
    }

    /// Whether a list may be read.
    pub fn admits(&self, list: List) -> bool {
        (self.children || list != List::Children) && self.lists.is_none_or(|lists| lists.holds(list))
    }

    /// Whether a person is seen on a list that may be read and that they stand on.
    pub fn sees(&self, row: &Row) -> bool {
        self.sees_areas(&row.areas, row.child())
    }

    /// The same of somebody of these areas.
    pub fn sees_areas(&self, areas: &Areas, child: bool) -> bool {
        (self.children || !child) && self.areas.as_deref().is_none_or(|seen| areas.any_of(seen))
    }

    /// Whether a person may be asked for by reference: seen, and on one of the lists that may be read.
    pub fn knows(&self, row: &Row) -> bool {
        self.sees(row) && self.lists.is_none_or(|lists| lists.meets(row.lists))
    }

    /// Whether an area's name may be told in counts.
    pub fn names(&self, area: AreaId) -> bool {
        self.areas.as_deref().is_none_or(|seen| seen.contains(&area))
    }

    /// Areas that may be seen; `None`: all.
    pub(super) fn areas(&self) -> Option<&[AreaId]> {
        self.areas.as_deref()
    }
}

impl Standings {
    /// How many people of a list are in sight.
    pub fn size_in(&self, list: List, sight: &Sight) -> usize {
        if sight.is_whole_of_lists() {
            return self.size(list);
        }
        if let (Some([area]), true) = (sight.areas(), sight.children) {
            return self.area_tree(list, *area).map_or(0, super::tree::Tree::len);
        }
        self.counted.get_or_count(list, sight, || {
            let mut count = 0;
            self.scan(list, &Filter::default(), sight, None, |_, _| {
                count += 1;
                ControlFlow::Continue(())
            });
            count
        })
    }
}

/// Sizes of lists as some sights see them. Counted once a snapshot: to count is to walk the list.
#[derive(Debug, Default)]
pub(super) struct Counted(std::sync::Mutex<Vec<(List, Sight, usize)>>);

/// Counts that are kept of one snapshot: of every list, for some dozens of scopes.
const COUNTS: usize = 512;

impl Counted {
    fn get_or_count(&self, list: List, sight: &Sight, count: impl FnOnce() -> usize) -> usize {
        let held = || self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let found = held().iter().find(|(of, by, _)| *of == list && by == sight).map(|(.., size)| *size);
        found.unwrap_or_else(|| {
            let size = count();
            let mut held = held();
            if held.len() == COUNTS {
                held.remove(0);
            }
            held.push((list, sight.clone(), size));
            size
        })
    }
}

#[cfg(test)]
#[path = "sight_tests.rs"]
mod tests;
