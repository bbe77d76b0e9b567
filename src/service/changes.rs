//! Who changed since when: a record of its own, in memory and bounded, that
//! readers who follow a list are brought on from. It keeps that somebody changed
//! and on which lists they stood, never what changed: that is read from the
//! newest standings. No reader has a place in it, so none can make it grow.
//!
//! What falls out is told apart: [`Compacted`] says since when changes are left.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rayon::prelude::*;

use crate::domain::word::List;
use crate::domain::{Revision, SubjectId};
use crate::ranking::row::{Areas, Lists};
use crate::ranking::{Sight, Standings};

/// Bounds of what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Changes of people by writes, 24 bytes each. The publications' are bounded apart, so that a night's does not push out the
    /// day's.
    pub entries: usize,
    /// Publications kept however many people they moved; more as long as they moved fewer than `entries` together.
    pub publications: usize,
    /// Changes after which a block is closed, and from then on shared and not copied by readers.
    pub block: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { entries: 1_000_000, publications: 2, block: 4_096 }
    }
}

/// People from whom on comparing rows is worth spreading over cores.
const WORTH_SPREADING: usize = 4_096;

/// One person's change at one publication.
#[derive(Clone, Debug)]
struct Entry {
    revision: Revision,
    subject: SubjectId,
    before: Lists,
    after: Lists,
    /// By what they were in sight before, where that is another now.
    earlier: Option<Box<Earlier>>,
}

/// What decides whether somebody is in sight, as it was before a change.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Earlier {
    areas: Areas,
    child: bool,
}

/// Changes that lie one behind the other, and nothing between: by revision, then by subject.
#[derive(Debug)]
struct Block {
    /// Revision of the last.
    last: Revision,
    /// One publication that weighed everybody anew, and nothing else; so its entries are in order of subject.
    publication: bool,
    entries: Box<[Entry]>,
}

#[derive(Debug, Default)]
struct Ring {
    /// Everything after this revision is here. `None`: nothing was published yet.
    oldest: Option<Revision>,
    blocks: VecDeque<Arc<Block>>,
    /// What no block holds yet.
    open: Vec<Entry>,
    /// Entries of writes, those in `open` among them.
    written: usize,
    publications: usize,
    /// Entries of publications.
    published: usize,
}

/// The record.
#[derive(Debug, Default)]
pub struct Changes {
    ring: Mutex<Ring>,
    limits: Limits,
}

/// Changes since a revision are no longer all here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Compacted {
    /// The oldest revision since which they are.
    pub oldest: Revision,
}

/// Somebody who stood on the list at some time in a span, the beginning included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Who.
    pub subject: SubjectId,
    /// Whether they stood on it at the beginning, in sight.
    pub was: bool,
    /// Whether they were on it at some time of the span, and in sight at some time or now: only such are told of.
    pub seen: bool,
}

/// What a span tells of one person: whether they stood on the list at its beginning, and where they were in sight by
/// something else before, whether at the beginning and whether at some time.
struct Seen {
    on_list: bool,
    /// Whether they were on it at some time.
    touched: bool,
    earlier: Option<(bool, bool)>,
}

/// The first candidates of a span, and whether there are more.
#[derive(Debug, PartialEq, Eq)]
pub struct Candidates {
    /// In order of subject.
    pub first: Vec<Candidate>,
    /// More follow, with greater ids.
    pub more: bool,
}

impl Changes {
    /// A record with bounds of its own.
    pub fn with(limits: Limits) -> Self {
        Self { ring: Mutex::default(), limits }
    }

    /// Keeps who changed from one publication to the next. To be called before readers can see the next: whoever reads from
    /// standings finds everything here that led to them.
    pub fn record(&self, earlier: Option<&Standings>, next: &Standings) {
        let Some(earlier) = earlier else {
            self.lock().oldest = Some(next.revision());
            return;
        };
        let (was, is) = (earlier.meta(), next.meta());
        let same_rules = Arc::ptr_eq(&was.rules, &is.rules) || was.rules.policy == is.rules.policy;
        let publication = !same_rules || was.as_of != is.as_of || was.generation != is.generation;
        let entries = differing(earlier, next);
        let gone = |entry: &Entry| {
            let is = |standings: &Standings| standings.dossier(entry.subject).is_some_and(|held| held.is_erased());
            entry.after == Lists::default() && is(next) && !is(earlier)
        };
        if entries.iter().any(gone) {
            // Nobody can be told who it was that left: whoever follows a list reads it anew.
            return self.begin_anew(next.revision());
        }
        self.keep(next.revision(), publication, entries);
    }

    /// Forgets every change up to a revision.
    fn begin_anew(&self, revision: Revision) {
        *self.lock() = Ring { oldest: Some(revision), ..Ring::default() };
    }

    /// Keeps the entries of one publication, which are in order of subject.
    fn keep(&self, revision: Revision, publication: bool, entries: Vec<Entry>) {
        let mut ring = self.lock();
        if publication {
            ring.close();
            ring.publications += 1;
            ring.published += entries.len();
            ring.blocks.push_back(Arc::new(Block { last: revision, publication, entries: entries.into() }));
        } else {
            ring.written += entries.len();
            ring.open.extend(entries);
            if ring.open.len() >= self.limits.block {
                ring.close();
            }
        }
        ring.shed(self.limits);
    }

    /// Everything kept since a revision.
    ///
    /// # Errors
    /// Where that is not all there was.
    pub fn since(&self, since: Revision) -> Result<Span, Compacted> {
        let ring = self.lock();
        // Before the first publication nobody can have seen a revision.
        let oldest = ring.oldest.unwrap_or(Revision(u64::MAX));
        if since < oldest {
            return Err(Compacted { oldest });
        }
        let from = ring.blocks.partition_point(|block| block.last <= since);
        let blocks = ring.blocks.range(from..).cloned().collect();
        let open = ring.open[ring.open.partition_point(|entry| entry.revision <= since)..].to_vec();
        Ok(Span { since, blocks, open })
    }

    /// The oldest revision since which everything is kept.
    pub fn oldest(&self) -> Revision {
        self.lock().oldest.unwrap_or(Revision(0))
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// Makes a block of what is open.
    fn close(&mut self) {
        let Some(last) = self.open.last().map(|entry| entry.revision) else { return };
        let entries = std::mem::take(&mut self.open).into();
        self.blocks.push_back(Arc::new(Block { last, publication: false, entries }));
    }

    /// Lets the oldest blocks go until the rest is within bounds. What is open stays.
    fn shed(&mut self, limits: Limits) {
        let too_many = |ring: &Self| {
            ring.written > limits.entries
                || (ring.publications > limits.publications && ring.published > limits.entries)
        };
        while too_many(self) {
            let Some(block) = self.blocks.pop_front() else { return };
            if block.publication {
                self.publications -= 1;
                self.published -= block.entries.len();
            } else {
                self.written -= block.entries.len();
            }
            self.oldest = Some(block.last);
        }
    }
}

/// The changes since a revision, as they were when it was asked for.
#[derive(Debug)]
pub struct Span {
    since: Revision,
    blocks: Vec<Arc<Block>>,
    open: Vec<Entry>,
}

impl Span {
    /// The first `most` people from a subject on who stood on a list at some time up to `until`, and were in sight at some
    /// time, or are `now`.
    pub fn candidates(
        &self,
        (list, sight): (List, &Sight),
        now: impl Fn(SubjectId) -> bool,
        from: SubjectId,
        until: Revision,
        most: usize,
    ) -> Candidates {
        let mut first: BTreeMap<SubjectId, Seen> = BTreeMap::new();
        let mut more = false;
        for (in_order, entries) in self.runs() {
            let start = if in_order { entries.partition_point(|entry| entry.subject < from) } else { 0 };
            for entry in &entries[start..] {
                let touches = entry.before.holds(list) || entry.after.holds(list);
                let within = entry.subject >= from && entry.revision > self.since && entry.revision <= until;
                // Who went out of sight was on the list a while ago, perhaps.
                let sighted = entry.earlier.is_some() && !sight.is_whole();
                if !(touches || sighted) || !within {
                    continue;
                }
                let full = first.len() >= most;
                if full && first.last_key_value().is_none_or(|(last, _)| *last < entry.subject) {
                    more = true;
                    if in_order {
                        break;
                    }
                    continue;
                }
                // The first change of a person in the span says where they stood at its beginning.
                let new = Seen { on_list: entry.before.holds(list), touched: false, earlier: None };
                let was = first.entry(entry.subject).or_insert(new);
                was.touched |= touches;
                if let Some(earlier) = &entry.earlier
                    && !sight.is_whole()
                {
                    let seen = sight.sees_areas(&earlier.areas, earlier.child);
                    let (_, at_some_time) = *was.earlier.get_or_insert((seen, seen));
                    was.earlier = was.earlier.map(|(at_first, _)| (at_first, at_some_time || seen));
                }
                if first.len() > most {
                    first.pop_last();
                    more = true;
                }
            }
        }
        let candidate = |(subject, was): (SubjectId, Seen)| {
            let now = now(subject);
            // Who is in sight by the same as at the beginning is in sight as at the beginning.
            let (at_first, at_some_time) = was.earlier.unwrap_or((now, now));
            Candidate { subject, was: was.on_list && at_first, seen: was.touched && (now || at_some_time) }
        };
        Candidates { first: first.into_iter().map(candidate).collect(), more }
    }

    /// Whether everybody was weighed anew in it, up to `until`; then how many changes of a list it holds of people in
    /// sight `now`.
    pub fn publication(&self, list: List, now: impl Fn(SubjectId) -> bool, until: Revision) -> Option<usize> {
        let published = self.blocks.iter().any(|block| block.publication && block.last <= until);
        let touches = |entry: &&Entry| (entry.before.holds(list) || entry.after.holds(list)) && now(entry.subject);
        published.then(|| self.runs().map(|(_, entries)| entries.iter().filter(touches).count()).sum())
    }

    /// Entries in order of revision, in runs, and whether a run is in order of subject.
    fn runs(&self) -> impl Iterator<Item = (bool, &[Entry])> {
        let blocks = self.blocks.iter().map(|block| (block.publication, &*block.entries));
        blocks.chain([(false, self.open.as_slice())])
    }
}

/// Everybody whose rows differ, in order of subject.
fn differing(earlier: &Standings, next: &Standings) -> Vec<Entry> {
    let revision = next.revision();
    let entry = |subject: SubjectId| {
        let (was, is) = (earlier.row(subject), next.row(subject));
        let lists = |row: Option<&crate::ranking::Row>| row.map_or(Lists::default(), |row| row.lists);
        let earlier = match (was, is) {
            (Some(was), Some(is)) if was.areas != is.areas || was.child() != is.child() => {
                Some(Box::new(Earlier { areas: was.areas.clone(), child: was.child() }))
            }
            (Some(_) | None, _) => None,
        };
        (was != is).then(|| Entry { revision, subject, before: lists(was), after: lists(is), earlier })
    };
    let subjects: Vec<SubjectId> = next.differing(earlier).collect();
    if subjects.len() < WORTH_SPREADING {
        subjects.into_iter().filter_map(entry).collect()
    } else {
        subjects.into_par_iter().filter_map(entry).collect()
    }
}

#[cfg(test)]
#[path = "changes_tests.rs"]
mod tests;
