//! A list, a page at a time. A page is a pure function of snapshot, filter and
//! cursor, so pages of one snapshot never repeat or skip anybody.

use std::ops::ControlFlow;

use super::filter::Filter;
use super::key::Key;
use super::sight::Sight;
use super::snapshot::Standings;
use super::tree::Finger;
use crate::domain::SubjectId;
use crate::domain::word::List;

/// One person's place on a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Who.
    pub subject: SubjectId,
    /// Competition rank on effective band and composite in the whole list, from 1.
    pub rank: u32,
    /// Place in the whole list, from 1; nobody shares it.
    pub position: u32,
    /// Place among those in sight who match the filter, from 1.
    pub filtered_position: u32,
}

/// Where a page begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// At the top.
    Top,
    /// After the last of an earlier page of the same snapshot, list and filter.
    After(Cursor),
}

/// Where a page ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last person on it.
    pub last: SubjectId,
    /// How many matched up to that person.
    pub matched: u32,
}

/// Part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// People in order, best first.
    pub rows: Vec<Placed>,
    /// Where the next page begins; `None`: this was the last.
    pub next: Option<Cursor>,
}

impl Standings {
    /// Up to `size` people of a list who are in sight and match a filter, in order. The last page is known to be:
    /// one more match is looked for before a further page is promised.
    pub fn page(&self, list: List, filter: &Filter, sight: &Sight, start: Start, size: usize) -> Page {
        let tree = self.tree(list);
        let mut page = Page { rows: Vec::with_capacity(size.min(tree.len())), next: None };
        let (after, mut matched) = match start {
            Start::Top => (None, 0),
            Start::After(cursor) => match self.row(cursor.last) {
                Some(row) => (Some(Key::of(row, list.family(), cursor.last)), cursor.matched),
                // Not of this snapshot: there is nothing after nobody.
                None => return page,
            },
        };
        let mut finger = Finger::new(tree, self);
        let mut previous = None;
        self.scan(list, filter, sight, after, |key, position| {
            if page.rows.len() == size {
                page.next = page.rows.last().map(|row| Cursor { last: row.subject, matched });
                return ControlFlow::Break(());
            }
            let position = position.unwrap_or_else(|| finger.position(key));
            let rank = match previous {
                Some((merit, rank)) if merit == key.merit() => rank,
                // The one just above has more merit, so nobody shares this rank from above.
                Some(_) if page.rows.last().is_some_and(|above| above.position == one_based(position) - 1) => {
                    one_based(position)
                }
                Some(_) | None => one_based(finger.outranking(key)),
            };
            previous = Some((key.merit(), rank));
            matched += 1;
            page.rows.push(Placed {
                subject: key.subject(),
                rank,
                position: one_based(position),
                filtered_position: matched,
            });
            ControlFlow::Continue(())
        });
        page
    }
}

/// A place counted from 1.
pub(super) fn one_based(place: usize) -> u32 {
    u32::try_from(place + 1).expect("a list must be no longer than its SubjectIds")
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
