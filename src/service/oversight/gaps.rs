//! Neglect, worst first: open files by band and by how far they are past what is
//! allowed. The order is of one moment and one snapshot; it is made anew at most
//! once a minute, and after writes only for those whom they touched.

use std::sync::{Arc, Mutex};

use super::orders::{Orders, lock};
use crate::access::{Caller, Disclosure};
use crate::domain::word::{Band, OutstandingReason, SupervisionClock};
use crate::domain::{Moment, SubjectId};
use crate::ranking::files::OpenFile;
use crate::ranking::names::{AreaId, OfficerId};
use crate::ranking::{Row, Sight, Standings};
use crate::service::fault::Fault;
use crate::service::{Seen, Service};
use crate::supervision::victims::{Linked, Telling};

/// Seconds for which an order's moment is kept.
const KEPT: i64 = 60;
/// Orders held for pages still to come.
const HELD: usize = 16;

/// Narrows gaps.
#[derive(Clone, Debug, Default)]
pub struct GapFilter {
    /// Areas.
    pub areas: Vec<String>,
    /// Officers in the case.
    pub officers: Vec<String>,
    /// Supervisors.
    pub supervisors: Vec<String>,
    /// Effective bands.
    pub bands: Vec<Band>,
    /// Reasons.
    pub reasons: Vec<OutstandingReason>,
    /// Clocks of which one must be overdue.
    pub clocks: Vec<SupervisionClock>,
    /// Never reviewed, overdue or not.
    pub never_reviewed: bool,
    /// Never circulated, overdue or not.
    pub never_circulated: bool,
}

impl GapFilter {
    /// Whether every open file is of those asked for.
    fn is_whole(&self) -> bool {
        self.areas.is_empty()
            && self.officers.is_empty()
            && self.supervisors.is_empty()
            && self.bands.is_empty()
            && self.reasons.is_empty()
    }
}

/// The filter in the numbers of a snapshot.
struct Wanted<'a> {
    filter: &'a GapFilter,
    areas: Vec<AreaId>,
    officers: Vec<OfficerId>,
    supervisors: Vec<OfficerId>,
}

impl<'a> Wanted<'a> {
    fn new(filter: &'a GapFilter, standings: &Standings) -> Self {
        let names = standings.names();
        let officers = |wanted: &[String]| wanted.iter().filter_map(|name| names.find_officer(name)).collect();
        Self {
            filter,
            areas: filter.areas.iter().filter_map(|name| names.find_area(name)).collect(),
            officers: officers(&filter.officers),
            supervisors: officers(&filter.supervisors),
        }
    }

    /// Whether a file is of those asked for, overdue or not.
    fn is_of(&self, row: &Row, file: &OpenFile) -> bool {
        let among = |asked: &[String], found: bool| asked.is_empty() || found;
        let filter = self.filter;
        // A file without an area of its own is of the person's.
        let of_area = || match file.area {
            Some(area) => self.areas.contains(&area),
            None => row.areas.any_of(&self.areas),
        };
        among(&filter.areas, !filter.areas.is_empty() && of_area())
            && among(&filter.officers, file.officer.is_some_and(|officer| self.officers.contains(&officer)))
            && among(&filter.supervisors, file.supervisor.is_some_and(|officer| self.supervisors.contains(&officer)))
            && (filter.bands.is_empty() || filter.bands.contains(&file.band))
            && (filter.reasons.is_empty() || filter.reasons.contains(&file.reason))
    }

    fn takes(&self, row: &Row, file: &OpenFile, now: Moment) -> bool {
        let filter = self.filter;
        if !self.is_of(row, file)
            || filter.never_reviewed && file.supervised.last_review.is_some()
            || filter.never_circulated && file.supervised.ever_circulated
        {
            return false;
        }
        let overdue =
            |kind: &SupervisionClock| file.clocks().any(|clock| clock.kind == *kind && clock.overdue(now) > 0);
        if !filter.clocks.is_empty() {
            return filter.clocks.iter().any(overdue);
        }
        filter.never_reviewed || filter.never_circulated || file.is_overdue(now)
    }
}

/// An open file in an order: its key, whose it is, and its place among the person's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    key: u64,
    subject: SubjectId,
    place: u16,
}

/// Every open file, worst first, seen from one moment.
#[derive(Debug)]
pub struct GapOrder {
    /// What it was read from.
    pub standings: Arc<Standings>,
    /// The moment.
    pub instant: Moment,
    entries: Vec<Entry>,
    counts: Counts,
}

/// How many files there are, and how many are neglected in what way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Open.
    pub open: usize,
    /// With something overdue.
    pub overdue: usize,
    /// Never reviewed.
    pub never_reviewed: usize,
    /// Never circulated.
    pub never_circulated: usize,
}

/// A file on a page of gaps.
#[derive(Clone, Copy, Debug)]
pub struct Gap<'a> {
    /// Whose.
    pub subject: SubjectId,
    /// Place in the whole order, from 1.
    pub position: u32,
    /// The file.
    pub file: &'a OpenFile,
}

/// Bands highest first, then gaps largest first, as one ascending number.
fn key(file: &OpenFile, now: Moment) -> u64 {
    const MOST: i64 = 1 << 60;
    let gap = file.gap(now).clamp(-MOST, MOST);
    let from_worst = u64::try_from(MOST - gap).expect("a clamped gap must be at most the most");
    (3 - file.band as u64) << 62 | from_worst
}

impl GapOrder {
    fn of(standings: Arc<Standings>, instant: Moment, entries: Vec<Entry>) -> Self {
        Self { standings, instant, entries, counts: Counts::default() }
    }

    fn build(standings: Arc<Standings>, instant: Moment) -> Self {
        let mut order = Self::of(standings, instant, Vec::new());
        let standings = Arc::clone(&order.standings);
        for (subject, files) in standings.outstanding() {
            order.entries.extend(entries(subject, files.as_deref().unwrap_or_default(), instant));
        }
        order.entries.sort_unstable_by(|a, b| compare(&standings, a, b));
        order.count();
        order
    }

    /// The same moment, seen in a later snapshot: only who was touched takes another place.
    fn renewed(&self, standings: Arc<Standings>) -> Self {
        let files = |standings: &Standings, subject| standings.row(subject).and_then(|row| row.files.clone());
        let same = |subject: &SubjectId| {
            match (files(&self.standings, *subject), files(&standings, *subject)) {
                (None, None) => true,
                // Rows made anew hold files made anew; equal ones may stay.
                (Some(was), Some(is)) => Arc::ptr_eq(&was, &is) || was == is,
                (Some(_), None) | (None, Some(_)) => false,
            }
        };
        let touched: Vec<SubjectId> = standings.differing(&self.standings).filter(|subject| !same(subject)).collect();
        let mut added: Vec<Entry> = Vec::new();
        for subject in &touched {
            let files = files(&standings, *subject);
            added.extend(entries(*subject, files.as_deref().unwrap_or_default(), self.instant));
        }
        added.sort_unstable_by(|a, b| compare(&standings, a, b));
        let mut entries = Vec::with_capacity(self.entries.len() + added.len());
        let mut added = added.into_iter().peekable();
        for held in self.entries.iter().filter(|held| touched.binary_search(&held.subject).is_err()) {
            while let Some(next) = added.next_if(|next| compare(&standings, next, held).is_lt()) {
                entries.push(next);
            }
            entries.push(*held);
        }
        entries.extend(added);
        let mut order = Self::of(standings, self.instant, entries);
        order.count();
        order
    }

    fn count(&mut self) {
        self.counts = self.counted(|_, _| true);
    }

    fn counted(&self, of: impl Fn(&Row, &OpenFile) -> bool) -> Counts {
        let mut counts = Counts::default();
        for (_, file) in self.entries.iter().filter_map(|entry| self.file(entry)).filter(|(row, file)| of(row, file)) {
            counts.open += 1;
            counts.overdue += usize::from(file.is_overdue(self.instant));
            counts.never_reviewed += usize::from(file.supervised.last_review.is_none());
            counts.never_circulated += usize::from(!file.supervised.ever_circulated);
        }
        counts
    }

    /// How many files there are of those areas, officers, bands and reasons, whatever of them is overdue.
    pub fn counts(&self, filter: &GapFilter, sight: &Sight) -> Counts {
        if filter.is_whole() && sight.is_whole() {
            return self.counts;
        }
        let wanted = Wanted::new(filter, &self.standings);
        self.counted(|row, file| sight.knows(row) && wanted.is_of(row, file))
    }

    fn file(&self, entry: &Entry) -> Option<(&Row, &OpenFile)> {
        let row = self.standings.row(entry.subject)?;
        row.files.as_deref()?.get(usize::from(entry.place)).map(|file| (row, file))
    }

    /// Number of open files.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no file is open.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Up to `size` files in sight that a filter takes, from a place on, and the place where the next page begins.
    pub fn page(&self, filter: &GapFilter, sight: &Sight, from: usize, size: usize) -> (Vec<Gap<'_>>, Option<usize>) {
        let wanted = Wanted::new(filter, &self.standings);
        let mut rows = Vec::with_capacity(size.min(self.len()));
        for (place, entry) in self.entries.iter().enumerate().skip(from) {
            let taken =
                self.file(entry).filter(|(row, file)| sight.knows(row) && wanted.takes(row, file, self.instant));
            let Some((_, file)) = taken else { continue };
            if rows.len() == size {
                return (rows, Some(place));
            }
            let position = super::number(place + 1);
            rows.push(Gap { subject: entry.subject, position, file });
        }
        (rows, None)
    }

    /// Vulnerable and repeat victims of the files in sight that a filter takes, the most overdue first, then by person and file; those
    /// that nobody knows by reference last. And the number of files that they are of.
    pub fn victims(&self, filter: &GapFilter, sight: &Sight, overdue_only: bool) -> (Vec<VictimOf<'_>>, usize) {
        let wanted = Wanted::new(filter, &self.standings);
        let mut rows = Vec::new();
        for entry in &self.entries {
            let of = |(row, file): &(&Row, &OpenFile)| sight.knows(row) && wanted.is_of(row, file);
            let Some((_, file)) = self.file(entry).filter(of) else { continue };
            let enhanced = file.victims.iter().filter(|(victim, _)| victim.enhanced());
            rows.extend(enhanced.map(|(victim, telling)| VictimOf {
                subject: entry.subject,
                file,
                victim,
                telling: *telling,
            }));
        }
        if overdue_only {
            rows.retain(|row| row.telling.is_some_and(|telling| telling.due < self.instant));
        }
        // Rows of one file still stand together.
        let files = rows.chunk_by(|a, b| std::ptr::eq(a.file, b.file)).count();
        let reference = |row: &VictimOf<'_>| self.standings.dossier(row.subject).map(|dossier| dossier.subject_ref());
        rows.sort_by(|a, b| {
            let due = |row: &VictimOf<'_>| row.telling.map_or(Moment::END, |telling| telling.due);
            (due(a), reference(a), &a.file.id, &a.victim.reference).cmp(&(
                due(b),
                reference(b),
                &b.file.id,
                &b.victim.reference,
            ))
        });
        (rows, files)
    }
}

/// A victim of one suspect's file.
#[derive(Clone, Copy, Debug)]
pub struct VictimOf<'a> {
    /// The suspect.
    pub subject: SubjectId,
    /// The file.
    pub file: &'a OpenFile,
    /// The victim.
    pub victim: &'a Linked,
    /// When told, and to be told.
    pub telling: Option<Telling>,
}

fn entries(subject: SubjectId, files: &[OpenFile], instant: Moment) -> impl Iterator<Item = Entry> {
    (0..).zip(files).map(move |(place, file)| Entry { key: key(file, instant), subject, place })
}

/// Ties by reference and file: never by what a restart or another machine would change.
fn compare(standings: &Standings, a: &Entry, b: &Entry) -> std::cmp::Ordering {
    let reference = |entry: &Entry| standings.dossier(entry.subject).map(|dossier| dossier.subject_ref());
    a.key.cmp(&b.key).then_with(|| (reference(a), a.place).cmp(&(reference(b), b.place)))
}

/// The newest order, and those held for pages.
#[derive(Debug, Default)]
pub struct Gaps {
    newest: Mutex<Option<Arc<GapOrder>>>,
    held: Orders<GapOrder, HELD>,
}

impl Gaps {
    /// The order in a snapshot, of a moment at most a minute ago.
    fn order(&self, standings: &Arc<Standings>, now: Moment) -> Arc<GapOrder> {
        let mut newest = lock(&self.newest);
        let recent = newest.as_ref().filter(|order| (0..=KEPT).contains(&(now - order.instant)));
        let order = match recent {
            Some(order) if Arc::ptr_eq(&order.standings, standings) => return Arc::clone(order),
            // Whoever waited for an older snapshot sees the newer one.
            Some(order) if order.standings.revision() >= standings.revision() => return Arc::clone(order),
            Some(order) => order.renewed(Arc::clone(standings)),
            None => GapOrder::build(Arc::clone(standings), now),
        };
        let order = Arc::new(order);
        *newest = Some(Arc::clone(&order));
        order
    }

    /// Lets go of every order.
    pub fn forget(&self) {
        self.held.forget();
        lock(&self.newest).take();
    }

    /// Lets go of orders whose tokens have expired, and of one that is too old to be shown.
    pub fn sweep(&self) {
        self.held.sweep();
    }
}

impl Service {
    /// The order of gaps that a page is of, and the place where it begins.
    ///
    /// # Errors
    /// [`Fault::NoActivePolicy`], or faults of the token.
    pub async fn gaps(
        &self,
        caller: &Caller,
        (token, arguments): (&str, &[u8; 32]),
        seen: Seen<'_>,
    ) -> Result<(Arc<GapOrder>, usize), Fault> {
        if let Some((id, from)) = self.paging.read_pair(token, caller, arguments)? {
            let order = self.gaps.held.get(id).filter(|order| self.paging.is_current(order.standings.revision()));
            let order = order.ok_or(Fault::PageTokenExpired)?;
            return Ok((order, usize::try_from(from).unwrap_or(usize::MAX)));
        }
        let standings = self.standings(seen).await?;
        Ok((self.gaps.order(&standings, self.moment()), 0))
    }

    /// The token of the page that begins at a place of an order.
    pub fn gaps_token(
        &self,
        order: &Arc<GapOrder>,
        next: Option<usize>,
        caller: &Caller,
        arguments: &[u8; 32],
    ) -> String {
        let Some(next) = next else { return String::new() };
        let id = self.gaps.held.hold(order);
        self.paging.pair_token((id, next as u64), caller, arguments)
    }

    /// Says whom an answer discloses.
    pub fn disclosing<T>(answer: T, subjects: impl IntoIterator<Item = SubjectId>) -> Disclosure<T> {
        Disclosure { answer, subjects: subjects.into_iter().collect() }
    }
}
