//! People of a published generation as bytes, 1,024 together: what is kept of
//! their rows, their ranks, and which of their victims were repeat victims. A
//! frame is whole in itself: areas and officers stand in it by name. References
//! of people do not; the subject's number is its place.
//!
//! Numbers stand byte by byte in columns, all high bytes first, which compress
//! well. A composite is kept as its distance from what the weights say.
//! The digest of a generation is made of these bytes, so every build must make
//! the same of the same people: a change here needs another `VERSION`.

use blake3::Hasher;

use super::facets::Facets;
use super::key::Merit;
use super::names::{AreaId, Names, OfficerId};
use super::row::{Kept, Lists, Row};
use super::snapshot::{LISTS, Standings};
use crate::domain::word::{Band, Family, List};
use crate::domain::{Date, MilliPoints, SubjectId};
use crate::policy::{CompositePolicy, Weights};
use crate::scoring::composite::Composed;

/// People in a frame.
pub const TOGETHER: usize = 1_024;

const VERSION: u8 = 1;
const CONTEXT: &str = "steelyard 2026 generation digest 1";
/// Days before 1970 from which dates are counted.
const BEFORE_1970: i32 = 40_000;

/// Ranks of everybody on every list of one snapshot.
#[derive(Debug)]
pub struct Ranks {
    /// Of list ALL, by subject.
    all: Vec<u32>,
    /// Of the others, by subject and in order of it.
    others: [Vec<(SubjectId, u32)>; LISTS],
}

/// One person of a generation.
#[derive(Clone, Debug)]
pub struct Past {
    /// The row, without what is due on open files and without the ends of intervals.
    pub row: Row,
    /// Rank by list; 0: not on it.
    pub ranks: [u32; LISTS],
    /// Victims that were repeat victims.
    pub repeats: Vec<PastRepeat>,
}

/// An offence whose victim was a repeat victim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastRepeat {
    /// [`mark`] of the offence record's id.
    pub offence: u32,
    /// Distinct dates, in order.
    pub dates: Vec<Date>,
}

impl Past {
    /// Somebody of whom nothing is known any more.
    pub const fn blank(row: Row) -> Self {
        Self { row, ranks: [0; LISTS], repeats: Vec::new() }
    }

    /// Rank on a list, where they are on it.
    pub fn rank(&self, list: List) -> Option<u32> {
        Some(self.ranks[list as usize]).filter(|rank| *rank > 0)
    }
}

/// What stands for the id of an offence among those of one person.
pub fn mark(offence_id: &str) -> u32 {
    let hash = blake3::hash(offence_id.as_bytes());
    u32::from_be_bytes(*hash.as_bytes().first_chunk().expect("32 bytes hold 4"))
}

impl Ranks {
    /// Ranks on every list of a snapshot.
    pub fn of(standings: &Standings) -> Self {
        let mut ranks = Self { all: vec![0; standings.subjects()], others: [const { Vec::new() }; LISTS] };
        for list in List::ALL.iter().copied() {
            let mut last: Option<(Merit, u32)> = None;
            for (position, key) in (1..).zip(standings.tree(list).iter_from(0)) {
                let rank = match last {
                    Some((merit, rank)) if merit == key.merit() => rank,
                    Some(_) | None => position,
                };
                last = Some((key.merit(), rank));
                match list {
                    List::All => ranks.all[key.subject().index()] = rank,
                    _ => ranks.others[list as usize].push((key.subject(), rank)),
                }
            }
            ranks.others[list as usize].sort_unstable_by_key(|(subject, _)| *subject);
        }
        ranks
    }

    /// Whether a snapshot has the order that was published, of whom some were erased since: whoever is left stands in the same
    /// order, with the same ties, and nobody stood higher.
    fn agree(&self, standings: &Standings, published: &[Past]) -> bool {
        List::ALL.iter().copied().all(|list| {
            let mut last: Option<(u32, u32)> = None;
            standings.tree(list).iter_from(0).all(|key| {
                let now = self.on(list, key.subject());
                let Some(then) = published.get(key.subject().index()).and_then(|past| past.rank(list)) else {
                    return false;
                };
                let before = last.replace((now, then));
                let follows = before.is_none_or(|(other, its)| if other == now { its == then } else { its < then });
                follows && then >= now
            })
        })
    }

    fn on(&self, list: List, subject: SubjectId) -> u32 {
        if list == List::All {
            return self.all[subject.index()];
        }
        let others = &self.others[list as usize];
        others.binary_search_by_key(&subject, |(subject, _)| *subject).map_or(0, |place| others[place].1)
    }
}

/// Frames of a whole snapshot, and their digest: who stands where, by what scores and on which day, whatever else the
/// ledger says.
pub fn generation(standings: &Standings) -> (Vec<Vec<u8>>, [u8; 32]) {
    let ranks = Ranks::of(standings);
    framed(standings, |list, subject| ranks.on(list, subject))
}

/// The same of a snapshot without people who were erased since it was published. Ranks are those that were published,
/// where whoever is left stands in that order: the places of the others are nobody's.
pub fn without_erased(standings: &Standings, published: &[Past]) -> [u8; 32] {
    let ranks = Ranks::of(standings);
    if !ranks.agree(standings, published) {
        return generation(standings).1;
    }
    let rank =
        |list: List, subject: SubjectId| published.get(subject.index()).map_or(0, |past| past.ranks[list as usize]);
    framed(standings, rank).1
}

fn framed(standings: &Standings, rank: impl Fn(List, SubjectId) -> u32 + Sync) -> (Vec<Vec<u8>>, [u8; 32]) {
    use rayon::prelude::*;
    let count = standings.subjects();
    let frames: Vec<(Vec<u8>, [u8; 32])> = (0..count.div_ceil(TOGETHER))
        .into_par_iter()
        .map(|number| {
            let last = (number * TOGETHER + TOGETHER).min(count);
            let bytes = encode(standings, &rank, number * TOGETHER..last);
            let digest = digest_of(standings, &bytes, number * TOGETHER..last);
            (bytes, digest)
        })
        .collect();
    let digest = together(standings.as_of(), count, frames.iter().map(|(_, digest)| digest));
    (frames.into_iter().map(|(bytes, _)| bytes).collect(), digest)
}

/// The digest of frames that were read back, of a day and so many people, whose references `standings` tells.
pub fn digest(as_of: Date, people: usize, frames: &[Vec<u8>], standings: &Standings) -> [u8; 32] {
    use rayon::prelude::*;
    let of = |(number, bytes): (usize, &Vec<u8>)| {
        digest_of(standings, bytes, number * TOGETHER..(number * TOGETHER + TOGETHER).min(people))
    };
    let digests: Vec<[u8; 32]> = frames.par_iter().enumerate().map(of).collect();
    together(as_of, people, digests.iter())
}

fn together<'a>(as_of: Date, people: usize, frames: impl Iterator<Item = &'a [u8; 32]>) -> [u8; 32] {
    let mut hasher = Hasher::new_derive_key(CONTEXT);
    hasher.update(&as_of.days().to_be_bytes());
    hasher.update(&(people as u64).to_be_bytes());
    for digest in frames {
        hasher.update(digest);
    }
    *hasher.finalize().as_bytes()
}

/// Of a frame's bytes and of whom they are about.
fn digest_of(standings: &Standings, bytes: &[u8], subjects: std::ops::Range<usize>) -> [u8; 32] {
    let mut hasher = Hasher::new();
    hasher.update(&(bytes.len() as u64).to_be_bytes()).update(bytes);
    for subject in subjects {
        let reference = subject_id(subject);
        let reference = standings.dossier(reference).map_or("", |dossier| dossier.subject_ref());
        hasher.update(&(reference.len() as u64).to_be_bytes()).update(reference.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

fn subject_id(index: usize) -> SubjectId {
    SubjectId(u32::try_from(index).expect("a store must hold fewer than 2^32 subjects"))
}

fn expected(weights: Weights, [threat, risk, harm]: [u32; 3]) -> i64 {
    let sum = u64::from(weights.threat) * u64::from(threat)
        + u64::from(weights.risk) * u64::from(risk)
        + u64::from(weights.harm) * u64::from(harm);
    i64::try_from((sum + 50) / 100).unwrap_or(i64::MAX)
}

fn folded(distance: i64) -> u32 {
    u32::try_from(distance << 1 ^ distance >> 63).expect("composites must be at most 100,000 apart")
}

fn unfolded(number: u32) -> i64 {
    i64::from(number >> 1) ^ -i64::from(number & 1)
}

fn bands(composed: &Composed) -> u32 {
    composed.computed as u32
        | (composed.effective as u32) << 2
        | u32::from(composed.provisional) << 4
        | u32::from(composed.overridden) << 5
}

fn composed(point: i64, bands: u32) -> Option<Composed> {
    let band = |bits: u32| Band::ALL.get((bits & 3) as usize).copied();
    let (computed, effective) = (band(bands)?, band(bands >> 2)?);
    let point = u32::try_from(point).ok().filter(|point| MilliPoints::new(*point).get() == *point)?;
    let point = MilliPoints::new(point);
    Some(Composed {
        point,
        low: point,
        high: point,
        computed,
        floored: effective,
        effective,
        low_band: effective,
        high_band: effective,
        provisional: bands & 16 != 0,
        overridden: bands & 32 != 0,
    })
}

fn days(date: Date) -> u32 {
    u32::try_from(date.days().saturating_add(BEFORE_1970)).unwrap_or(0)
}

fn date(days: u32) -> Date {
    Date::from_days(i32::try_from(days).unwrap_or(i32::MAX).saturating_sub(BEFORE_1970))
}

/// One person on the way into a frame.
struct Line<'a> {
    row: &'a Row,
    ranks: [u32; LISTS],
    repeats: Vec<(u32, &'a [Date])>,
}

fn encode(standings: &Standings, rank: impl Fn(List, SubjectId) -> u32, subjects: std::ops::Range<usize>) -> Vec<u8> {
    let line = |subject: SubjectId| {
        let (row, dossier) = standings.person(subject)?;
        let mut on = [0; LISTS];
        for list in row.lists.iter() {
            on[list as usize] = rank(list, subject);
        }
        let repeats = dossier.repeats().iter().map(|repeat| (mark(&repeat.offence_id), &*repeat.dates)).collect();
        Some(Line { row, ranks: on, repeats })
    };
    let people: Vec<Line<'_>> = subjects.map(subject_id).filter_map(line).collect();
    write(&people, standings.names(), &standings.rules().policy.composite)
}

/// The frame of people who were read from one, under the policy that they were weighed by.
pub fn encode_again(people: &[Past], names: &Names, policy: &CompositePolicy) -> Vec<u8> {
    let people: Vec<Line<'_>> = people.iter().map(Line::of).collect();
    write(&people, names, policy)
}

impl<'a> Line<'a> {
    fn of(past: &'a Past) -> Self {
        let repeats = past.repeats.iter().map(|repeat| (repeat.offence, &*repeat.dates)).collect();
        Self { row: &past.row, ranks: past.ranks, repeats }
    }
}

fn write(people: &[Line<'_>], names: &Names, policy: &CompositePolicy) -> Vec<u8> {
    let CompositePolicy { cohort, outstanding, .. } = policy;
    let mut out = Writer(vec![VERSION]);
    out.column(2, [u32::try_from(people.len()).expect("a frame must hold at most 1,024")]);
    for weights in [cohort, outstanding] {
        out.column(1, [weights.threat, weights.risk, weights.harm]);
    }
    let points = |row: &Row| [row.threat.get(), row.risk.get(), row.harm.get()];
    for part in 0..3 {
        out.column(3, people.iter().map(|Line { row, .. }| points(row)[part]));
    }
    for (family, weights) in [(Family::Cohort, cohort), (Family::Outstanding, outstanding)] {
        let distance = |row: &Row| i64::from(row.composed(family).point.get()) - expected(*weights, points(row));
        out.column(3, people.iter().map(|Line { row, .. }| folded(distance(row))));
        out.column(1, people.iter().map(|Line { row, .. }| bands(row.composed(family))));
    }
    out.column(2, people.iter().map(|Line { row, .. }| u32::from(row.lists.bits())));
    let facets = |row: &Row, shift: u32| u32::try_from(row.facets.bits() >> shift & 0xffff_ffff).unwrap_or(u32::MAX);
    out.column(4, people.iter().map(|Line { row, .. }| facets(row, 0)));
    out.column(3, people.iter().map(|Line { row, .. }| facets(row, 32)));
    out.column(3, people.iter().filter_map(|Line { row, .. }| row.outstanding_since()).map(days));

    let mut areas = Dictionary::default();
    let by_person: Vec<Vec<u32>> = people
        .iter()
        .map(|Line { row, .. }| {
            // By name: numbers are of this process alone.
            let mut of: Vec<_> = row.areas.as_slice().iter().map(|area| names.area_name(*area)).collect();
            of.sort_unstable();
            of.iter().map(|name| areas.number(name)).collect()
        })
        .collect();
    areas.write(&mut out);
    out.column(4, by_person.iter().map(|of| u32::try_from(of.len()).unwrap_or(u32::MAX)));
    out.column(4, by_person.into_iter().flatten());
    let mut officers = Dictionary::default();
    let by_person: Vec<u32> = people
        .iter()
        .map(|Line { row, .. }| {
            row.offender_manager().map_or(0, |officer| officers.number(&names.officer_reference(officer)) + 1)
        })
        .collect();
    officers.write(&mut out);
    out.column(4, by_person);

    for list in List::ALL.iter().copied() {
        let on = people.iter().filter(|Line { row, .. }| row.lists.holds(list));
        out.column(4, on.map(|line| line.ranks[list as usize]));
    }

    let repeating = || (0..).zip(people).filter(|(_, line)| !line.repeats.is_empty());
    out.column(2, [u32::try_from(repeating().count()).unwrap_or(u32::MAX)]);
    out.column(2, repeating().map(|(place, _)| place));
    let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    out.column(4, repeating().map(|(_, line)| count(line.repeats.len())));
    let all = || repeating().flat_map(|(_, line)| line.repeats.iter());
    out.column(4, all().map(|(mark, _)| *mark));
    out.column(4, all().map(|(_, dates)| count(dates.len())));
    out.column(3, all().flat_map(|(_, dates)| dates.iter().copied().map(days)));
    out.0
}

/// People of a frame; `None` where the bytes are none. Areas and officers get their numbers in `names`.
pub fn decode(bytes: &[u8], names: &Names) -> Option<Vec<Past>> {
    let (version, rest) = bytes.split_first()?;
    if *version != VERSION {
        return None;
    }
    let mut from = Reader(rest);
    let count = *from.column(2, 1)?.first()? as usize;
    let mut weights = [Weights { threat: 0, risk: 0, harm: 0 }; 2];
    for weights in &mut weights {
        let read = from.column(1, 3)?;
        *weights = Weights { threat: *read.first()?, risk: *read.get(1)?, harm: *read.get(2)? };
    }
    let points = [from.column(3, count)?, from.column(3, count)?, from.column(3, count)?];
    let mut composites = Vec::with_capacity(2);
    for weights in weights {
        let (distances, bands) = (from.column(3, count)?, from.column(1, count)?);
        let of = |place: usize| {
            let expected = expected(weights, [points[0][place], points[1][place], points[2][place]]);
            composed(expected + unfolded(distances[place]), bands[place])
        };
        composites.push((0..count).map(of).collect::<Option<Vec<Composed>>>()?);
    }
    let lists: Vec<Lists> = from
        .column(2, count)?
        .into_iter()
        .map(|bits| u16::try_from(bits).ok().map(Lists::from_bits))
        .collect::<Option<_>>()?;
    let (low, high) = (from.column(4, count)?, from.column(3, count)?);
    let outstanding = lists.iter().filter(|lists| lists.holds(List::Outstanding)).count();
    let mut since = from.column(3, outstanding)?.into_iter();

    let areas: Vec<AreaId> = from.dictionary()?.iter().map(|name| names.area(name)).collect();
    let counts = from.column(4, count)?;
    let total = counts.iter().map(|count| *count as usize).sum();
    let mut of_people = from.column(4, total)?.into_iter();
    let officers: Vec<OfficerId> = from.dictionary()?.iter().map(|name| names.officer(name)).collect();
    let of_officer = from.column(4, count)?;

    let mut ranks = vec![[0; LISTS]; count];
    for list in List::ALL.iter().copied() {
        let on: Vec<usize> = (0..count).filter(|place| lists[*place].holds(list)).collect();
        for (place, rank) in on.iter().zip(from.column(4, on.len())?) {
            ranks[*place][list as usize] = rank;
        }
    }
    let mut repeats = from.repeats(count)?;

    let mut people = Vec::with_capacity(count);
    for place in 0..count {
        let areas_of: Option<Vec<AreaId>> =
            of_people.by_ref().take(counts[place] as usize).map(|number| areas.get(number as usize).copied()).collect();
        let officer = match of_officer[place] {
            0 => None,
            number => Some(*officers.get(number as usize - 1)?),
        };
        let since = if lists[place].holds(List::Outstanding) { Some(date(since.next()?)) } else { None };
        let row = Row::kept(Kept {
            points: [0, 1, 2].map(|part: usize| MilliPoints::new(points[part][place])),
            cohort: composites[0][place],
            outstanding: composites[1][place],
            lists: lists[place],
            facets: Facets::from_bits(u64::from(low[place]) | u64::from(high[place]) << 32),
            areas: areas_of?,
            officer,
            since,
        });
        people.push(Past { row, ranks: ranks[place], repeats: std::mem::take(&mut repeats[place]) });
    }
    from.0.is_empty().then_some(people)
}

/// Names by number, in the order in which they were met.
#[derive(Default)]
struct Dictionary {
    names: Vec<String>,
    numbers: hashbrown::HashMap<String, u32>,
}

impl Dictionary {
    fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(self.names.len()).expect("a frame must name fewer than 2^32");
        self.names.push(name.to_owned());
        self.numbers.insert(name.to_owned(), number);
        number
    }

    fn write(&self, out: &mut Writer) {
        let length = |name: &String| u32::try_from(name.len()).expect("a name must be shorter than 4 GiB");
        out.column(4, [u32::try_from(self.names.len()).expect("a frame must name fewer than 2^32")]);
        out.column(4, self.names.iter().map(length));
        for name in &self.names {
            out.0.extend(name.as_bytes());
        }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    /// A column of numbers of so many bytes each: all first bytes, then all second ones.
    fn column(&mut self, bytes: usize, numbers: impl IntoIterator<Item = u32>) {
        let numbers: Vec<[u8; 4]> = numbers.into_iter().map(u32::to_be_bytes).collect();
        for place in 4 - bytes..4 {
            self.0.extend(numbers.iter().map(|number| number[place]));
        }
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn column(&mut self, bytes: usize, count: usize) -> Option<Vec<u32>> {
        let (column, rest) = self.0.split_at_checked(bytes.checked_mul(count)?)?;
        self.0 = rest;
        let number = |place: usize| {
            (0..bytes).fold(0, |number: u32, byte| number << 8 | u32::from(column[byte * count + place]))
        };
        Some((0..count).map(number).collect())
    }

    fn dictionary(&mut self) -> Option<Vec<String>> {
        let count = *self.column(4, 1)?.first()? as usize;
        let lengths = self.column(4, count)?;
        let mut names = Vec::with_capacity(count);
        for length in lengths {
            let (name, rest) = self.0.split_at_checked(length as usize)?;
            self.0 = rest;
            names.push(String::from_utf8(name.to_vec()).ok()?);
        }
        Some(names)
    }

    fn repeats(&mut self, people: usize) -> Option<Vec<Vec<PastRepeat>>> {
        let mut repeats = vec![Vec::new(); people];
        let count = *self.column(2, 1)?.first()? as usize;
        let (places, counts) = (self.column(2, count)?, self.column(4, count)?);
        let total = counts.iter().map(|count| *count as usize).sum();
        let (marks, lengths) = (self.column(4, total)?, self.column(4, total)?);
        let dates = self.column(3, lengths.iter().map(|length| *length as usize).sum())?;
        let mut dates = dates.into_iter().map(date);
        let mut each = marks.into_iter().zip(lengths);
        for (place, count) in places.into_iter().zip(counts) {
            let of = repeats.get_mut(place as usize)?;
            for (offence, length) in each.by_ref().take(count as usize) {
                of.push(PastRepeat { offence, dates: dates.by_ref().take(length as usize).collect() });
            }
        }
        Some(repeats)
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
