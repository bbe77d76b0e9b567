//! Asking the log: by who, through what, with what outcome, when and about whom;
//! a page at a time, the newest or the oldest first. Holds one frame and one page
//! in memory, looks at a bounded number of entries for each page, and never reads
//! beyond what is on the disk itself.

use std::fs::File;
use std::path::Path;

use super::Durable;
use super::entry::{Entry, Outcome};
use super::error::AuditError;
use super::files;
use super::frame::{AuditHead, Why};
use super::index;
use super::walk::{Place, Walk};
use crate::domain::SubjectId;

/// People in the entries of one page, after which it ends: bounds what an auditor's page of exports takes in memory.
const MOST_PEOPLE: usize = 200_000;

/// Which end to begin with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Way {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
}

/// What is asked for. Every filter that is set has to be met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Actors; empty: any.
    pub actors: Vec<String>,
    /// Full names of methods; empty: any.
    pub rpcs: Vec<String>,
    /// Outcomes; empty: any.
    pub outcomes: Vec<Outcome>,
    /// Not before this, microseconds since 1970.
    pub from: Option<i64>,
    /// Before this, microseconds since 1970.
    pub to: Option<i64>,
    /// Who saw this person, or tried to.
    pub subject: Option<SubjectId>,
    /// Which end to begin with.
    pub way: Way,
    /// Entry to begin with; `None`: the first in that way.
    pub start: Option<u64>,
    /// Most entries of the page.
    pub limit: usize,
    /// Most entries looked at for it.
    pub most_examined: u64,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            actors: Vec::new(),
            rpcs: Vec::new(),
            outcomes: Vec::new(),
            from: None,
            to: None,
            subject: None,
            way: Way::Newest,
            start: None,
            limit: 50,
            most_examined: 100_000,
        }
    }
}

impl Query {
    fn meets(&self, entry: &Entry) -> bool {
        self.timely(entry.micros, entry.micros)
            && (self.outcomes.is_empty() || self.outcomes.contains(&entry.outcome))
            && (self.actors.is_empty() || self.actors.iter().any(|actor| **actor == *entry.actor))
            && (self.rpcs.is_empty() || self.rpcs.iter().any(|rpc| **rpc == *entry.rpc))
            && self.subject.is_none_or(|subject| entry.concerns(subject))
    }

    /// Whether anything from `earliest` to `latest` can be within the times asked for.
    fn timely(&self, earliest: i64, latest: i64) -> bool {
        self.from.is_none_or(|from| latest >= from) && self.to.is_none_or(|to| earliest < to)
    }

    /// Whether an entry stands before the one to begin with.
    fn passed(&self, number: u64) -> bool {
        self.start.is_some_and(|start| match self.way {
            Way::Newest => number > start,
            Way::Oldest => number < start,
        })
    }
}

/// An entry with its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// What it says.
    pub entry: Entry,
}

/// A page of entries. It may hold fewer than asked for, or none, and another may still follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// In the order asked for.
    pub events: Vec<Event>,
    /// Entry that the next page begins with; `None`: there is none.
    pub next: Option<u64>,
    /// Where the log ended when the page was read.
    pub head: AuditHead,
}

/// Reads a page. See [`super::AuditLog::read`].
pub(super) fn page(directory: &Path, durable: &Durable, query: &Query) -> Result<Page, AuditError> {
    let mut segments = files::segments(directory)?;
    segments.retain(|(first, _)| *first <= durable.segment);
    let firsts: Vec<u64> = segments.iter().map(|(first, _)| *first).collect();
    let mut reading = Reading { query, examined: 0, people: 0, events: Vec::new(), next: None };
    let mut places: Vec<usize> = (0..segments.len()).collect();
    if query.way == Way::Newest {
        places.reverse();
    }
    for place in places {
        let (first, path) = &segments[place];
        let ends = firsts.get(place + 1).map_or(durable.head.entries, |next| next - 1);
        let passed = match query.way {
            Way::Newest => query.passed(*first),
            Way::Oldest => query.passed(ends),
        };
        if passed || ends < *first {
            continue;
        }
        let sealed = *first != durable.segment;
        let wanted = if sealed { wanted(directory, *first, query)? } else { Wanted::All };
        let until = (!sealed).then_some(durable.end);
        if !reading.segment(path, until, &wanted)? {
            break;
        }
    }
    Ok(Page { events: reading.events, next: reading.next, head: durable.head })
}

/// Which frames of a sealed segment can hold what is asked for.
enum Wanted {
    All,
    Some(Vec<u64>),
}

fn wanted(directory: &Path, first: u64, query: &Query) -> Result<Wanted, AuditError> {
    if query.subject.is_none() && query.from.is_none() && query.to.is_none() {
        return Ok(Wanted::All);
    }
    let index = index::of_sealed(directory, first)?;
    if !query.timely(index.micros.0, index.micros.1) {
        return Ok(Wanted::Some(Vec::new()));
    }
    Ok(query.subject.and_then(|subject| index.frames(subject)).map_or(Wanted::All, Wanted::Some))
}

struct Reading<'a> {
    query: &'a Query,
    examined: u64,
    people: usize,
    events: Vec<Event>,
    next: Option<u64>,
}

impl Reading<'_> {
    /// Reads one segment; whether the page has room left.
    fn segment(&mut self, path: &Path, until: Option<u64>, wanted: &Wanted) -> Result<bool, AuditError> {
        if matches!(wanted, Wanted::Some(frames) if frames.is_empty()) {
            return Ok(true);
        }
        let io = || AuditError::io("reading an audit segment", path);
        let damaged = |offset, why| AuditError::Damaged { segment: path.to_owned(), offset, why };
        let file = File::open(path).map_err(io())?;
        let mut walk = Walk::begin(file, until).map_err(io())?.map_err(|why| damaged(0, why))?;
        for place in self.places(&mut walk, wanted).map_err(io())?.map_err(|at| damaged(at, Why::NotAFrame))? {
            let entries = walk.at(place.offset).map_err(io())?.map_err(|why| damaged(place.offset, why))?;
            let mut entries: Vec<_> = entries.into_iter().filter(|kept| !self.query.passed(kept.number)).collect();
            if self.query.way == Way::Newest {
                entries.reverse();
            }
            for kept in entries {
                if self.is_full() {
                    self.next = Some(kept.number);
                    return Ok(false);
                }
                self.examined += 1;
                let entry = Entry::decode(kept.message);
                let entry = entry.map_err(|bad| damaged(place.offset, Why::Entry { number: kept.number, bad }))?;
                if self.query.meets(&entry) {
                    self.people += entry.subjects.len();
                    self.events.push(Event { number: kept.number, entry });
                }
            }
        }
        Ok(true)
    }

    fn is_full(&self) -> bool {
        self.events.len() >= self.query.limit || self.examined >= self.query.most_examined || self.people >= MOST_PEOPLE
    }

    /// Frames to look at, in the order asked for; or where none begins that should.
    fn places(&self, walk: &mut Walk<File>, wanted: &Wanted) -> std::io::Result<Result<Vec<Place>, u64>> {
        let mut places: Vec<Place> = Vec::new();
        while walk.offset < walk.until {
            let Some(place) = walk.skip()? else { return Ok(Err(walk.offset)) };
            match self.query.way {
                Way::Newest if self.query.passed(place.first) => {}
                Way::Newest => places.push(place),
                Way::Oldest => {
                    // The frame before ends where this one begins.
                    if places.len() == 1 && self.query.passed(place.first.saturating_sub(1)) {
                        places.clear();
                    }
                    places.push(place);
                }
            }
        }
        if let Wanted::Some(frames) = wanted {
            places.retain(|place| frames.binary_search(&place.offset).is_ok());
        }
        if self.query.way == Way::Newest {
            places.reverse();
        }
        Ok(Ok(places))
    }
}
