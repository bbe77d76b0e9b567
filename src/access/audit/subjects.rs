//! Sets of people in as few bytes as they need: the few of a page as ascending
//! differences, the many of an export as a bitmap. Each set has one form only,
//! and whatever has another is refused. Never holds a name or a reference.

use crate::domain::SubjectId;

/// Differences follow.
const DIFFERENCES: u8 = 1;
/// The first id, then a bit for each id from it on.
const BITMAP: u8 = 2;

/// Bytes that are not the form of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is not a set of subject ids in the one form that it has")]
pub struct NotASet;

/// People, each once, ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubjectSet(Box<[SubjectId]>);

impl SubjectSet {
    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nobody is in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody is in it.
    pub fn contains(&self, subject: SubjectId) -> bool {
        self.0.binary_search(&subject).is_ok()
    }

    /// Each of them, ascending.
    pub fn iter(&self) -> impl Iterator<Item = SubjectId> + '_ {
        self.0.iter().copied()
    }

    /// The shorter of its two forms; of nobody: no bytes at all. Equally long: differences.
    pub fn encode(&self) -> Vec<u8> {
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return Vec::new() };
        let mut differences = vec![DIFFERENCES];
        let mut due = 0;
        for subject in &self.0 {
            varint(subject.0 - due, &mut differences);
            due = subject.0.saturating_add(1);
        }
        let bits = (last.0 - first.0) as usize / 8 + 1;
        // A bitmap has at least one byte more than its bits: of two people far apart none is ever made.
        if bits >= differences.len() {
            return differences;
        }
        let mut bitmap = vec![BITMAP];
        varint(first.0, &mut bitmap);
        let begin = bitmap.len();
        bitmap.resize(begin + bits, 0);
        for subject in &self.0 {
            let place = (subject.0 - first.0) as usize;
            bitmap[begin + place / 8] |= 1 << (place % 8);
        }
        if bitmap.len() < differences.len() { bitmap } else { differences }
    }

    /// The set that bytes are the form of. Memory is bounded by the length of the bytes.
    ///
    /// # Errors
    /// [`NotASet`].
    pub fn decode(bytes: &[u8]) -> Result<Self, NotASet> {
        let set = match bytes.split_first() {
            None => return Ok(Self::default()),
            Some((&DIFFERENCES, rest)) => from_differences(rest),
            Some((&BITMAP, rest)) => from_bitmap(rest),
            Some((_, _)) => None,
        };
        // One set, one form: two entries that say the same are the same bytes.
        set.map(|set| Self(set.into())).filter(|set| set.encode() == bytes).ok_or(NotASet)
    }
}

impl FromIterator<SubjectId> for SubjectSet {
    fn from_iter<I: IntoIterator<Item = SubjectId>>(subjects: I) -> Self {
        let mut subjects: Vec<_> = subjects.into_iter().collect();
        subjects.sort_unstable();
        subjects.dedup();
        Self(subjects.into())
    }
}

fn from_differences(mut bytes: &[u8]) -> Option<Vec<SubjectId>> {
    let mut subjects = Vec::new();
    let mut due = Some(0_u32);
    while !bytes.is_empty() {
        let subject = due?.checked_add(read_varint(&mut bytes)?)?;
        subjects.push(SubjectId(subject));
        due = subject.checked_add(1);
    }
    Some(subjects)
}

fn from_bitmap(mut bytes: &[u8]) -> Option<Vec<SubjectId>> {
    let first = read_varint(&mut bytes)?;
    let mut subjects = Vec::new();
    for (place, byte) in (0_u32..).step_by(8).zip(bytes) {
        for bit in (0..8).filter(|bit| byte & (1 << bit) != 0) {
            subjects.push(SubjectId(first.checked_add(place)?.checked_add(bit)?));
        }
    }
    Some(subjects)
}

/// Appends a number, seven bits a byte, the lowest first.
pub(super) fn varint(mut number: u32, bytes: &mut Vec<u8>) {
    loop {
        let [low, ..] = number.to_le_bytes();
        number >>= 7;
        if number == 0 {
            bytes.push(low & 0x7f);
            return;
        }
        bytes.push(low | 0x80);
    }
}

/// Takes a number off the front; `None`: there is none, or it does not fit.
pub(super) fn read_varint(bytes: &mut &[u8]) -> Option<u32> {
    let mut number = 0_u64;
    for shift in (0..35).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(number).ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn set(ids: &[u32]) -> SubjectSet {
        ids.iter().copied().map(SubjectId).collect()
    }

    #[test]
    fn a_page_is_kept_as_differences_and_an_export_as_a_bitmap() {
        assert!(set(&[]).encode().is_empty());
        assert_eq!(set(&[300, 5, 5]).encode(), [DIFFERENCES, 5, 0xa6, 0x02]);
        let export = (0..100_000).map(SubjectId).collect::<SubjectSet>();
        assert!(export.encode().len() < 12_600, "an eighth of a byte a person");
        assert!(export.contains(SubjectId(99_999)) && !export.contains(SubjectId(100_000)));
    }

    #[test]
    fn another_form_of_a_set_is_refused() {
        let wrong: [&[u8]; 6] = [&[0], &[DIFFERENCES], &[BITMAP, 5], &[BITMAP, 5, 1], &[DIFFERENCES, 0x85, 0], &[3, 1]];
        for bytes in wrong {
            assert_eq!(SubjectSet::decode(bytes), Err(NotASet), "{bytes:?}");
        }
        assert_eq!(SubjectSet::decode(&[DIFFERENCES, 0xff, 0xff, 0xff, 0xff, 0x1f]), Err(NotASet));
    }

    proptest! {
        #[test]
        fn a_set_comes_back_as_it_was(ids in prop::collection::vec(prop_oneof![0..200_u32, any::<u32>()], 0..200)) {
            let set = set(&ids);
            prop_assert_eq!(SubjectSet::decode(&set.encode()), Ok(set));
        }

        #[test]
        fn whatever_is_taken_is_the_one_form_of_what_it_says(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(set) = SubjectSet::decode(&bytes) {
                prop_assert_eq!(set.encode(), bytes);
            }
        }
    }
}
