//! The order of a list, as one number a person. Ascending is best first:
//! effective band, composite, harm, threat, risk (all descending), earliest
//! outstanding-since; then the subject reference, which alone is too long for
//! the number and is looked up only when all else is equal.

use std::cmp::Ordering;

use super::facets::Facets;
use super::row::Row;
use crate::domain::word::{Band, Family};
use crate::domain::{Date, MilliPoints, SubjectId};

/// Where the tree asks what is not in a key.
pub trait Lookup {
    /// The force's reference of a subject.
    fn reference(&self, subject: SubjectId) -> &str;
    /// The facets of a subject.
    fn facets(&self, subject: SubjectId) -> Facets;
}

/// A person's place in the order of one family's lists, as 122 bits: 2 of band, 17 each of
/// composite, harm, threat and risk, 20 of outstanding-since, 32 of SubjectId.
///
/// Not `Ord`: the last word belongs to the subject reference; see [`Key::compare`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(u128);

const SINCE: u32 = 32;
const RISK: u32 = SINCE + 20;
const THREAT: u32 = RISK + 17;
const HARM: u32 = THREAT + 17;
const COMPOSITE: u32 = HARM + 17;
const BAND: u32 = COMPOSITE + 17;

const POINTS: u128 = (1 << 17) - 1;
const NEVER: u128 = (1 << 20) - 1;
/// Added to days since 1970, so that every date from 1900 on is positive.
const DAYS_BEFORE_1970: i32 = 40_000;

/// Effective band and composite together, which competition rank is of. Ascending is best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Merit(u32);

impl Key {
    /// The key of a person on the lists of a family.
    pub fn of(row: &Row, family: Family, subject: SubjectId) -> Self {
        let composed = row.composed(family);
        Self(
            u128::from(band_place(composed.effective)) << BAND
                | descending(composed.point) << COMPOSITE
                | descending(row.harm) << HARM
                | descending(row.threat) << THREAT
                | descending(row.risk) << RISK
                | ascending(row.outstanding_since()) << SINCE
                | u128::from(subject.0),
        )
    }

    /// The person.
    #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are the SubjectId")]
    pub const fn subject(self) -> SubjectId {
        SubjectId(self.0 as u32)
    }

    /// What competition rank is of.
    pub const fn merit(self) -> Merit {
        Merit((self.0 >> COMPOSITE) as u32)
    }

    /// Place of the effective band: 0 for VERY_HIGH to 3 for LOW.
    pub const fn band_place(self) -> u8 {
        (self.0 >> BAND) as u8
    }

    /// The effective band.
    pub const fn band(self) -> Band {
        match self.band_place() {
            0 => Band::VeryHigh,
            1 => Band::High,
            2 => Band::Medium,
            _ => Band::Low,
        }
    }

    /// The composite.
    pub const fn composite(self) -> MilliPoints {
        self.points(COMPOSITE)
    }

    /// Harm.
    pub const fn harm(self) -> MilliPoints {
        self.points(HARM)
    }

    #[expect(clippy::cast_possible_truncation, reason = "17 bits, of which POINTS takes off the rest")]
    const fn points(self, place: u32) -> MilliPoints {
        MilliPoints::new((POINTS - ((self.0 >> place) & POINTS)) as u32)
    }

    /// Which of two people comes first; equal only for the same person.
    pub fn compare(self, other: Self, lookup: &impl Lookup) -> Ordering {
        (self.0 >> SINCE).cmp(&(other.0 >> SINCE)).then_with(|| {
            if self.0 == other.0 {
                Ordering::Equal
            } else {
                lookup.reference(self.subject()).cmp(lookup.reference(other.subject()))
            }
        })
    }

    /// Sorts keys into the order. The numbers alone decide nearly every pair, so they are sorted
    /// first and references are looked up only within runs of equals.
    pub fn sort(keys: &mut [Self], lookup: &(impl Lookup + Sync)) {
        use rayon::slice::ParallelSliceMut;
        keys.par_sort_unstable_by_key(|key| key.0);
        for run in keys.chunk_by_mut(|a, b| a.0 >> SINCE == b.0 >> SINCE) {
            if run.len() > 1 {
                run.sort_unstable_by(|a, b| lookup.reference(a.subject()).cmp(lookup.reference(b.subject())));
            }
        }
    }

    /// The first part of the order, of those before the reference, in which two keys differ.
    pub(super) fn first_difference(self, other: Self) -> Option<Part> {
        let differing = (self.0 ^ other.0) >> SINCE << SINCE;
        let parts = [
            (BAND, Part::Band),
            (COMPOSITE, Part::Composite),
            (HARM, Part::Harm),
            (THREAT, Part::Threat),
            (RISK, Part::Risk),
            (SINCE, Part::Since),
        ];
        parts.into_iter().find(|(shift, _)| differing >> shift != 0).map(|(_, part)| part)
    }
}

/// A part of the order that the key holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Band,
    Composite,
    Harm,
    Threat,
    Risk,
    Since,
}

/// Place of a band in the order: 0 for VERY_HIGH to 3 for LOW.
pub(super) const fn band_place(band: Band) -> u8 {
    match band {
        Band::VeryHigh => 0,
        Band::High => 1,
        Band::Medium => 2,
        Band::Low => 3,
    }
}

fn descending(points: MilliPoints) -> u128 {
    POINTS - u128::from(points.get())
}

/// Earliest first; who is not outstanding comes last.
fn ascending(since: Option<Date>) -> u128 {
    since.map_or(NEVER, |since| {
        let days = u32::try_from(since.days().saturating_add(DAYS_BEFORE_1970)).unwrap_or(0);
        u128::from(days).min(NEVER - 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ranking::sample::{People, person};

    fn key_of(text: &str) -> (Key, People) {
        let people = People::of([person("A", text)]);
        (Key::of(people.row(0), Family::Cohort, SubjectId(0)), people)
    }

    /// Two people, told by what differs: the first must come first.
    fn comes_first(first: &str, second: &str) {
        // References are given against the order, so that only the key can decide.
        let people = People::of([person("B", first), person("A", second)]);
        let key = |place| Key::of(people.row(place), Family::Cohort, SubjectId(u32::try_from(place).unwrap()));
        assert_eq!(key(0).compare(key(1), &people), Ordering::Less, "{first} | {second}");
        assert_eq!(key(1).compare(key(0), &people), Ordering::Greater, "{first} | {second}");
    }

    #[test]
    fn the_order_is_band_composite_harm_threat_risk_since() {
        comes_first("band=HIGH composite=1", "band=MEDIUM composite=99000 harm=100000");
        comes_first("composite=50001", "composite=50000 harm=100000");
        comes_first("harm=2", "harm=1 threat=100000");
        comes_first("threat=2", "threat=1 risk=100000");
        comes_first("risk=2", "risk=1 since=100");
        comes_first("since=100", "since=101");
        comes_first("since=20000", "");
        comes_first("since=-20000", "since=0");
    }

    #[test]
    fn the_reference_decides_when_all_else_is_equal() {
        let people = People::of([person("B", "risk=5"), person("A", "risk=5")]);
        let key = |place| Key::of(people.row(place), Family::Cohort, SubjectId(u32::try_from(place).unwrap()));
        assert_eq!(key(0).compare(key(1), &people), Ordering::Greater);
        assert_eq!(key(0).compare(key(0), &people), Ordering::Equal);
        assert_eq!(key(0).first_difference(key(1)), None);
        let mut keys = vec![key(0), key(1)];
        Key::sort(&mut keys, &people);
        assert_eq!(keys, [key(1), key(0)]);
    }

    #[test]
    fn a_key_gives_back_its_person_and_band() {
        let (key, _) = key_of("band=VERY_HIGH composite=100000 harm=100000 threat=100000 risk=100000 since=-25000");
        assert_eq!(key.subject(), SubjectId(0));
        assert_eq!((key.band_place(), key.band()), (0, Band::VeryHigh));
        assert_eq!((key.composite(), key.harm()), (MilliPoints::MAX, MilliPoints::MAX));
        let (key, _) = key_of("band=LOW composite=41017 harm=7 threat=9");
        assert_eq!((key.band_place(), key.band()), (3, Band::Low));
        assert_eq!((key.composite().get(), key.harm().get()), (41_017, 7));
    }

    #[test]
    fn rank_is_of_band_and_composite_alone() {
        let (one, _) = key_of("band=HIGH composite=41000 harm=1 since=4");
        let (other, _) = key_of("band=HIGH composite=41000 threat=7");
        let (lower, _) = key_of("band=HIGH composite=40999");
        assert_eq!(one.merit(), other.merit());
        assert!(one.merit() < lower.merit());
    }
}
