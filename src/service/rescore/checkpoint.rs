//! What a run has weighed, in a file that outlives a kill: for each person the
//! scores, and a fingerprint of what they were weighed from. Whoever takes the
//! run up again weighs only those of whom something else is held by now. Nothing
//! here says whom to weigh.

use std::collections::HashMap;

use crate::domain::dossier::Dossier;
use crate::domain::word::{Band, CustodyState};
use crate::domain::{MilliPoints, SubjectId};
use crate::scoring::Scored;
use crate::scoring::composite::{Composed, Weighed};

const VERSION: u8 = 1;
const CONTEXT: &str = "steelyard 2026 run checkpoint 1";
/// Bytes of one person: subject, fingerprint, nine points, two composites of three points and a word of bands, and two
/// bytes for where the person is.
const EACH: usize = 4 + 8 + 9 * 4 + 2 * (3 * 4 + 2) + 2;

/// What everybody of a run is weighed by. An attempt that is taken up under anything else begins anew.
pub fn conditions(as_of: crate::domain::Date, policy_digest: &[u8], tables_digest: &[u8]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
    hasher.update(&[VERSION]).update(&as_of.days().to_be_bytes());
    for part in [policy_digest, tables_digest, env!("CARGO_PKG_VERSION").as_bytes()] {
        hasher.update(&(part.len() as u64).to_be_bytes()).update(part);
    }
    *hasher.finalize().as_bytes()
}

/// Of everything that a person is weighed from.
pub fn fingerprint(dossier: &Dossier) -> u64 {
    if dossier.repeats().is_empty() {
        return dossier.revision().0;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(&dossier.revision().0.to_be_bytes());
    for repeat in dossier.repeats() {
        hasher.update(repeat.offence_id.as_bytes()).update(&[0]);
        for date in &repeat.dates {
            hasher.update(&date.days().to_be_bytes());
        }
        hasher.update(&[0xff]);
    }
    // Never a bare revision: those are small.
    u64::from_be_bytes(*hasher.finalize().as_bytes().first_chunk().expect("32 bytes hold 8")) | 1 << 63
}

/// A record of the file: these people as weighed.
pub fn record(people: impl Iterator<Item = (SubjectId, u64, Weighed)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (subject, fingerprint, weighed) in people {
        bytes.extend(subject.0.to_be_bytes());
        bytes.extend(fingerprint.to_be_bytes());
        for scored in [weighed.threat, weighed.risk, weighed.harm] {
            put(&mut bytes, [scored.point, scored.low, scored.high]);
        }
        for composed in [&weighed.cohort, &weighed.outstanding] {
            put(&mut bytes, [composed.point, composed.low, composed.high]);
            let Composed { computed, floored, effective, low_band, high_band, provisional, overridden, .. } = *composed;
            let bands = [computed, floored, effective, low_band, high_band];
            let word = bands.iter().fold(0, |word: u16, band| word << 2 | *band as u16);
            bytes.extend((word << 2 | u16::from(provisional) << 1 | u16::from(overridden)).to_be_bytes());
        }
        bytes.extend([u8::from(weighed.child), weighed.custody as u8]);
    }
    bytes
}

/// What records hold, by subject; the last word on each counts.
pub fn read(records: &[Vec<u8>]) -> HashMap<SubjectId, (u64, Weighed)> {
    let people = records.iter().flat_map(|record| record.as_chunks::<EACH>().0);
    people.filter_map(person).collect()
}

fn put(bytes: &mut Vec<u8>, points: [MilliPoints; 3]) {
    for points in points {
        bytes.extend(points.get().to_be_bytes());
    }
}

fn person(bytes: &[u8; EACH]) -> Option<(SubjectId, (u64, Weighed))> {
    let mut rest = &bytes[..];
    let subject = SubjectId(u32::from_be_bytes(take(&mut rest)?));
    let fingerprint = u64::from_be_bytes(take(&mut rest)?);
    let mut scored = || {
        let [point, low, high] = points(&mut rest)?;
        Some(Scored { point, low, high })
    };
    let (threat, risk, harm) = (scored()?, scored()?, scored()?);
    let mut composed = || {
        let [point, low, high] = points(&mut rest)?;
        let word = u16::from_be_bytes(take(&mut rest)?);
        let band = |place: u32| Band::ALL.get(usize::from(word >> place & 3)).copied();
        Some(Composed {
            point,
            low,
            high,
            computed: band(10)?,
            floored: band(8)?,
            effective: band(6)?,
            low_band: band(4)?,
            high_band: band(2)?,
            provisional: word & 2 != 0,
            overridden: word & 1 != 0,
        })
    };
    let (cohort, outstanding) = (composed()?, composed()?);
    let [child, custody] = take(&mut rest)?;
    let custody = CustodyState::ALL.get(usize::from(custody)).copied()?;
    Some((subject, (fingerprint, Weighed { threat, risk, harm, cohort, outstanding, child: child == 1, custody })))
}

fn points(rest: &mut &[u8]) -> Option<[MilliPoints; 3]> {
    let mut one = || Some(MilliPoints::new(u32::from_be_bytes(take(rest)?)));
    Some([one()?, one()?, one()?])
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (own, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_as_it_was_made_and_the_last_word_counts() {
        let weighed = |seed: u32| {
            let points = |n: u32| MilliPoints::new((seed * 7_919 + n * 104_729) % 100_001);
            let scored = |n: u32| Scored { point: points(n), low: points(n + 1), high: points(n + 2) };
            let band = |n: u32| Band::ALL[((seed + n) % 4) as usize];
            let composed = |n: u32| Composed {
                point: points(n),
                low: points(n + 3),
                high: points(n + 5),
                computed: band(n),
                floored: band(n + 1),
                effective: band(n + 2),
                low_band: band(n + 3),
                high_band: band(n * 2),
                provisional: (seed + n).is_multiple_of(2),
                overridden: (seed + n).is_multiple_of(3),
            };
            Weighed {
                threat: scored(1),
                risk: scored(2),
                harm: scored(3),
                cohort: composed(4),
                outstanding: composed(5),
                child: seed.is_multiple_of(2),
                custody: CustodyState::ALL[seed as usize % CustodyState::ALL.len()],
            }
        };
        let of = |range: std::ops::Range<u32>| range.map(|n| (SubjectId(n), u64::from(n) << 40, weighed(n)));
        let again = (SubjectId(3), 9, weighed(77));
        let records = [record(of(0..40)), record(of(40..50).chain([again]))];
        let read = read(&records);
        assert_eq!(read.len(), 50);
        for (subject, fingerprint, weighed) in of(0..50).filter(|(subject, ..)| subject.0 != 3).chain([again]) {
            assert_eq!(read[&subject], (fingerprint, weighed));
        }
    }

    #[test]
    fn a_fingerprint_tells_a_linked_victim_from_none() {
        use crate::domain::Date;
        use crate::domain::dossier::Repeat;
        let bare = Dossier::from_evidence("A", crate::domain::Revision(7), []);
        let dates = |days: &[i32]| days.iter().copied().map(Date::from_days).collect::<Box<[Date]>>();
        let linked = |days: &[i32]| bare.with_repeats([Repeat { offence_id: "o".into(), dates: dates(days) }].into());
        let prints = [fingerprint(&bare), fingerprint(&linked(&[1, 2])), fingerprint(&linked(&[1, 3]))];
        assert_ne!(prints[0], prints[1]);
        assert_ne!(prints[1], prints[2]);
        assert_eq!(prints[1], fingerprint(&linked(&[1, 2])));
    }
}
