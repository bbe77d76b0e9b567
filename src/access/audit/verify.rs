//! The whole chain, read again: that every entry follows the one before, from
//! the first to the last, and that what was written down in the ledger is among
//! them. Writes nothing, mends nothing, and goes on serving whatever it finds.

use std::fs::File;
use std::path::Path;

use super::Durable;
use super::error::AuditError;
use super::files;
use super::frame::{self, AuditHead, Header, Kept, Why};
use super::index::{self, Indexing};
use super::walk::{Step, Walk};

/// The first thing found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Name of the segment; empty: of none.
    pub segment: String,
    /// Where in it, bytes.
    pub offset: u64,
    /// Entry that was due there.
    pub entry: u64,
    /// What is wrong.
    pub why: Why,
}

/// What was checked, and found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// First entry that was checked.
    pub from: u64,
    /// Segments read.
    pub segments: u64,
    /// Where the sound part of the log ends.
    pub head: AuditHead,
    /// Whether an entry written down outside was compared.
    pub compared: bool,
    /// The first thing wrong.
    pub fault: Option<Fault>,
}

/// Checks the log of a directory that no process has open: every entry, and that `against` is among them. The end that an
/// interrupted write left is told like damage; the next start cuts it. Blocks.
///
/// # Errors
/// What the file system refused. What is wrong with the log is in the report.
pub fn verify(directory: &Path, against: Option<AuditHead>) -> Result<Report, AuditError> {
    check(directory, 1, None, against)
}

/// As [`verify`], of the entries from about `from` on (the whole segment that holds it), up to what is durable.
///
/// # Errors
/// As [`verify`].
pub(super) fn check(
    directory: &Path,
    from: u64,
    durable: Option<&Durable>,
    against: Option<AuditHead>,
) -> Result<Report, AuditError> {
    let mut segments = files::segments(directory)?;
    segments.retain(|(first, _)| durable.is_none_or(|durable| *first <= durable.segment));
    let skipped = segments.partition_point(|(first, _)| *first <= from).saturating_sub(1);
    let mut checking = Checking {
        directory,
        against,
        log: None,
        report: Report { from: 1, segments: 0, head: AuditHead::EMPTY, compared: false, fault: None },
    };
    let last = segments.len().saturating_sub(1);
    for (place, (first, path)) in segments.iter().enumerate().skip(skipped) {
        if place == skipped && skipped > 0 {
            checking.report.from = *first;
        }
        let (is_last, begins) = (place == last, place == skipped && skipped > 0);
        let until = durable.filter(|durable| durable.segment == *first).map(|durable| durable.end);
        if let Err((offset, why)) = checking.segment(path, *first, begins, is_last, until)? {
            let segment = files::name(*first);
            checking.report.fault =
                Some(Fault { segment, offset, entry: checking.report.head.entries.saturating_add(1), why });
            return Ok(checking.report);
        }
    }
    checking.end(durable);
    Ok(checking.report)
}

struct Checking<'a> {
    directory: &'a Path,
    against: Option<AuditHead>,
    log: Option<[u8; 16]>,
    report: Report,
}

/// What is wrong, and where in the segment.
type Found = Result<(), (u64, Why)>;

impl Checking<'_> {
    /// Checks one segment. `begins`: nothing before it was read.
    fn segment(
        &mut self,
        path: &Path,
        first: u64,
        begins: bool,
        is_last: bool,
        until: Option<u64>,
    ) -> Result<Found, AuditError> {
        let file = File::open(path).map_err(AuditError::io("opening an audit segment", path))?;
        let reading = || AuditError::io("reading an audit segment", path);
        let mut walk = match Walk::begin(file, until).map_err(reading())? {
            Ok(walk) => walk,
            Err(why) => return Ok(Err((0, why))),
        };
        if let Err(why) = self.placed(&walk.header, first, begins) {
            return Ok(Err((0, why)));
        }
        self.report.segments += 1;
        let (mut indexing, ends) = (Indexing::after(self.report.head), walk.until);
        loop {
            let at = walk.offset;
            let found = match walk.step().map_err(reading())? {
                Step::Group(offset, entries) => self.group(offset, &entries, &mut indexing),
                Step::Bad(why) => Err(why),
                Step::End if at < ends && (!is_last || until.is_some()) => Err(Why::NotSealed),
                Step::End if is_last => return Ok(Ok(())),
                Step::End => break,
            };
            if let Err(why) = found {
                return Ok(Err((at, why)));
            }
        }
        let beside = index::kept(self.directory, first)?;
        let differs = beside.is_some_and(|beside| beside != indexing.encode());
        Ok(if differs { Err((0, Why::Index)) } else { Ok(()) })
    }

    fn placed(&mut self, header: &Header, first: u64, begins: bool) -> Result<(), Why> {
        if header.first() != first {
            return Err(Why::Name { says: header.first() });
        }
        if *self.log.get_or_insert(header.log) != header.log {
            return Err(Why::OtherLog);
        }
        if begins {
            self.report.head = header.before;
        } else if header.before != self.report.head {
            return Err(Why::DoesNotFollow { entries: self.report.head.entries });
        }
        Ok(())
    }

    fn group(&mut self, offset: u64, entries: &[Kept<'_>], indexing: &mut Indexing) -> Result<(), Why> {
        let head = frame::chained(self.report.head, entries)?;
        indexing.take(offset, entries, head)?;
        if let Some(anchored) = self.against
            && let Some(kept) = entries.iter().find(|kept| kept.number == anchored.entries)
        {
            if kept.hash() != anchored.hash {
                return Err(Why::NotAnchored { number: kept.number });
            }
            self.report.compared = true;
        }
        self.report.head = head;
        Ok(())
    }

    /// That nothing is missing at the end.
    fn end(&mut self, durable: Option<&Durable>) {
        let found = self.report.head;
        let due = [durable.map(|durable| durable.head), self.against];
        let cut = due.into_iter().flatten().find(|due| due.entries > found.entries);
        if let Some(due) = cut {
            let why = Why::CutOff { entries: found.entries, anchored: due.entries };
            self.report.fault = Some(Fault { segment: String::new(), offset: 0, entry: found.entries + 1, why });
        } else if durable.is_some_and(|durable| durable.head != found) {
            let why = Why::NotAnchored { number: found.entries };
            self.report.fault = Some(Fault { segment: String::new(), offset: 0, entry: found.entries, why });
        }
    }
}
