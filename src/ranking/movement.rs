//! Two snapshots of a list side by side: who entered, left, rose, fell or changed
//! band, those who moved most first. What they moved by is not here: that takes
//! weighing them again. Everybody is looked at, and no more is kept than a page.

use std::cmp::Ordering;

use rayon::prelude::*;

use super::key::{Lookup, band_place};
use super::names::AreaId;
use super::row::Row;
use super::sight::Sight;
use super::snapshot::Standings;
use crate::domain::word::{Band, List, MovementKind};
use crate::domain::{MilliPoints, SubjectId};

/// People looked at together on one core.
const TOGETHER: usize = 1 << 14;

/// What is asked of two snapshots.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The list.
    pub list: List,
    /// Only rows of these kinds; empty: all.
    pub kinds: Vec<MovementKind>,
    /// Only people who belong to one of these areas in either; empty: everybody.
    pub areas: Vec<String>,
    /// The last of the page before; `None`: from the first.
    pub after: Option<SubjectId>,
    /// Rows wanted.
    pub size: usize,
    /// Whom the reader may see: whoever is in sight now.
    pub sight: Sight,
}

/// A person in one of the two snapshots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// Competition rank, where they stand on the list.
    pub rank: Option<u32>,
    /// Effective band in the list's family, on the list or not.
    pub band: Band,
    /// Composite in the list's family, on the list or not.
    pub composite: MilliPoints,
    /// Threat, risk and harm.
    pub points: [MilliPoints; 3],
}

/// Somebody who moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Who.
    pub subject: SubjectId,
    /// What became of them.
    pub kind: MovementKind,
    /// Before. `None`: they were not held.
    pub before: Option<Side>,
    /// After.
    pub after: Side,
}

impl Movement {
    /// Change of the composite, milli-points.
    pub fn change(&self) -> i32 {
        let before = self.before.map_or(MilliPoints::ZERO, |side| side.composite);
        self.after.composite.get().cast_signed() - before.get().cast_signed()
    }
}

/// A page of those who moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movements {
    /// People of each kind, in the order of the kinds, whatever kinds were asked for.
    pub counts: [u32; MovementKind::ALL.len()],
    /// Rows, in order.
    pub rows: Vec<Movement>,
    /// The last of the page, where others follow.
    pub next: Option<SubjectId>,
}

/// Where somebody who moved has their place among them. Ascending: the band rose, it fell, entered, left, the others; within
/// each the greatest change first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Order(u32);

#[derive(Clone, Copy, Debug)]
struct Moved {
    order: Order,
    subject: SubjectId,
    kind: MovementKind,
}

/// What became of a person, and their place among those who moved; `None`: nothing that is told.
fn moved(list: List, before: Option<&Row>, after: &Row) -> Option<(MovementKind, Order)> {
    let family = list.family();
    let stands = |row: &Row| row.lists.holds(list);
    let (was_on, is_on) = (before.is_some_and(stands), stands(after));
    if !was_on && !is_on {
        return None;
    }
    // Whoever was not held before had nothing against them: no points, and the lowest band.
    let band_before = before.map_or(Band::Low, |row| row.composed(family).effective);
    let points_before = before.map_or(MilliPoints::ZERO, |row| row.composed(family).point);
    let (band, points) = (after.composed(family).effective, after.composed(family).point);
    let kind = match (was_on, is_on) {
        (false, _) => MovementKind::Entered,
        (true, false) => MovementKind::Left,
        (true, true) if band != band_before => MovementKind::ChangedBand,
        (true, true) => match points.cmp(&points_before) {
            Ordering::Greater => MovementKind::Rose,
            Ordering::Less => MovementKind::Fell,
            Ordering::Equal => return None,
        },
    };
    let class = match (band_place(band).cmp(&band_place(band_before)), kind) {
        (Ordering::Less, _) => 0,
        (Ordering::Greater, _) => 1,
        (Ordering::Equal, MovementKind::Entered) => 2,
        (Ordering::Equal, MovementKind::Left) => 3,
        (Ordering::Equal, MovementKind::Rose | MovementKind::Fell | MovementKind::ChangedBand) => 4,
    };
    let change = points.get().abs_diff(points_before.get());
    Some((kind, Order(class << 20 | (MilliPoints::MAX.get() - change))))
}

/// The best of those met so far, and what was counted on the way.
#[derive(Default)]
struct Best {
    counts: [u32; MovementKind::ALL.len()],
    kept: Vec<Moved>,
    /// Whoever comes after this cannot be on the page. Most people of a night are told so without asking for references.
    bound: Option<Order>,
}

struct Comparing<'a> {
    before: &'a Standings,
    after: &'a Standings,
    asked: &'a Asked,
    areas: Vec<AreaId>,
    /// One more than the page, to know whether another follows.
    most: usize,
    from: Option<Moved>,
}

impl Comparing<'_> {
    /// By change, then by reference: no two people share a place.
    fn compare(&self, a: &Moved, b: &Moved) -> Ordering {
        a.order.cmp(&b.order).then_with(|| self.after.reference(a.subject).cmp(self.after.reference(b.subject)))
    }

    fn meet(&self, subject: SubjectId, best: &mut Best) {
        let Some(after) = self.after.row(subject) else { return };
        if !self.asked.sight.sees(after) {
            return;
        }
        let before = self.before.row(subject);
        if !self.asked.areas.is_empty()
            && !after.areas.any_of(&self.areas)
            && !before.is_some_and(|row| row.areas.any_of(&self.areas))
        {
            return;
        }
        let Some((kind, order)) = moved(self.asked.list, before, after) else { return };
        best.counts[kind as usize] += 1;
        if best.bound.is_some_and(|bound| order > bound) {
            return;
        }
        let moved = Moved { order, subject, kind };
        let wanted = self.asked.kinds.is_empty() || self.asked.kinds.contains(&kind);
        if wanted && self.from.as_ref().is_none_or(|from| self.compare(from, &moved) == Ordering::Less) {
            best.kept.push(moved);
            if best.kept.len() >= 2 * self.most {
                self.shorten(best);
            }
        }
    }

    /// Lets go of all that cannot be on the page.
    fn shorten(&self, best: &mut Best) {
        if best.kept.len() > self.most {
            let (_, last, _) = best.kept.select_nth_unstable_by(self.most - 1, |a, b| self.compare(a, b));
            best.bound = Some(last.order);
            best.kept.truncate(self.most);
        }
    }

    fn everybody(&self) -> Best {
        let count = self.after.subjects();
        let together = (0..count.div_ceil(TOGETHER)).into_par_iter().map(|number| {
            let mut best = Best::default();
            for index in number * TOGETHER..(number * TOGETHER + TOGETHER).min(count) {
                let subject = u32::try_from(index).expect("a store must hold fewer than 2^32 subjects");
                self.meet(SubjectId(subject), &mut best);
            }
            self.shorten(&mut best);
            best
        });
        together.reduce(Best::default, |mut one, other| {
            one.counts.iter_mut().zip(other.counts).for_each(|(count, more)| *count += more);
            one.kept.extend(other.kept);
            self.shorten(&mut one);
            one
        })
    }
}

impl Standings {
    /// Who moved on a list since an earlier snapshot of the store, a page of them. Blocks for as long as it takes to look at
    /// everybody twice.
    pub fn movements(&self, before: &Self, asked: &Asked) -> Movements {
        let from = asked.after.and_then(|subject| {
            let (kind, order) = moved(asked.list, before.row(subject), self.row(subject)?)?;
            Some(Moved { order, subject, kind })
        });
        let areas = asked.areas.iter().filter_map(|name| self.names.find_area(name)).collect();
        let comparing = Comparing { before, after: self, asked, areas, most: asked.size + 1, from };
        let Best { counts, mut kept, bound: _ } = comparing.everybody();
        kept.sort_unstable_by(|a, b| comparing.compare(a, b));
        let more = kept.len() > asked.size;
        kept.truncate(asked.size);
        let row = |moved: &Moved| {
            let (subject, list) = (moved.subject, asked.list);
            Some(Movement {
                subject,
                kind: moved.kind,
                before: before.side(list, subject),
                after: self.side(list, subject)?,
            })
        };
        let next = kept.last().filter(|_| more).map(|last| last.subject);
        Movements { counts, rows: kept.iter().filter_map(row).collect(), next }
    }

    fn side(&self, list: List, subject: SubjectId) -> Option<Side> {
        let row = self.row(subject)?;
        let composed = row.composed(list.family());
        Some(Side {
            rank: self.place(list, subject).map(|place| place.rank),
            band: composed.effective,
            composite: composed.point,
            points: [row.threat, row.risk, row.harm],
        })
    }
}

#[cfg(test)]
#[path = "movement_tests.rs"]
mod tests;
