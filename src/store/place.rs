//! Where in the store something is, told in words. Errors and logs name places
//! and never show what is kept there.

use std::fmt;

use super::keys::{CHUNK_SUFFIX, EVENT_LENGTH, StoredKey, View, ViewKey, event_revision};
use crate::domain::{Revision, SubjectId};

/// What a stored key belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A fact about the store itself.
    Meta,
    /// An event of the ledger.
    Event,
    /// An entry of a view.
    View(View),
    /// Nothing that this build knows.
    Unknown,
}

/// Where in the store something is, in words fit for a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    what: What,
    chunk: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Meta(&'static str),
    Event(Revision),
    Entry(ViewKey),
    Unknown,
}

impl Place {
    /// The place of a stored key.
    pub fn of(key: &[u8]) -> Self {
        let (base, chunk) = match Self::entry_length(key) {
            Some(entry) if key.len() == entry + CHUNK_SUFFIX => {
                (&key[..entry], Some(u16::from_be_bytes([key[entry + 1], key[entry + 2]])))
            }
            Some(_) | None => (key, None),
        };
        Self { what: Self::what(base), chunk }
    }

    /// What the key belongs to.
    pub const fn kind(&self) -> KeyKind {
        match self.what {
            What::Meta(_) => KeyKind::Meta,
            What::Event(_) => KeyKind::Event,
            What::Entry(entry) => KeyKind::View(entry.view()),
            What::Unknown => KeyKind::Unknown,
        }
    }

    fn view(key: &[u8]) -> Option<View> {
        View::ALL.into_iter().find(|view| key.starts_with(&view.prefix()))
    }

    fn entry_length(key: &[u8]) -> Option<usize> {
        if key.starts_with(b"e/") { Some(EVENT_LENGTH) } else { Self::view(key).map(View::key_length) }
    }

    fn what(base: &[u8]) -> What {
        const META: [&str; 4] = ["m/schema", "m/store_id", "m/incarnation", "m/head"];
        const VERSIONS: [(View, &str); 4] = [
            (View::Dossier, "m/view/dossier"),
            (View::SubjectIndex, "m/view/subject_index"),
            (View::KindIndex, "m/view/kind_index"),
            (View::Request, "m/view/request"),
        ];
        if let Some(revision) = event_revision(base) {
            return What::Event(revision);
        }
        if let Some(StoredKey::Entry(entry)) = Self::view(base).and_then(|view| ViewKey::read(view, base)) {
            return What::Entry(entry);
        }
        META.into_iter()
            .chain(VERSIONS.into_iter().map(|(_, name)| name))
            .find(|name| name.as_bytes() == base)
            .map_or(What::Unknown, What::Meta)
    }
}

/// Such as `e/ revision 17, chunk 2`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.what {
            What::Meta(name) => f.write_str(name)?,
            What::Event(revision) => write!(f, "e/ revision {revision}")?,
            What::Entry(entry) => {
                let [letter, _] = entry.view().prefix();
                write!(f, "{}/", char::from(letter))?;
                if let Some(SubjectId(subject)) = entry.subject() {
                    write!(f, " subject {subject}")?;
                }
                if let Some(kind) = entry.kind() {
                    write!(f, " kind {kind}")?;
                }
                if let Some(revision) = entry.revision() {
                    write!(f, " revision {revision}")?;
                }
                if entry.view() == View::Request {
                    f.write_str(" a request's answer")?;
                }
            }
            What::Unknown => f.write_str("an unknown key")?,
        }
        self.chunk.map_or(Ok(()), |chunk| write!(f, ", chunk {chunk}"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::keys::Key;
    use super::*;

    proptest! {
        #[test]
        fn any_bytes_have_a_place(bytes in proptest::collection::vec(any::<u8>(), 0..64), prefix in 0_usize..6) {
            let mut key = [&b"m/"[..], b"e/", b"s/", b"i/", b"k/", b"r/"][prefix].to_vec();
            key.extend(bytes);
            prop_assert!(!Place::of(&key).to_string().is_empty());
        }
    }

    #[test]
    fn a_place_is_told_in_words() {
        let told = |key: &[u8]| Place::of(key).to_string();
        assert_eq!(told(Key::event(Revision(17)).chunk(2).as_ref()), "e/ revision 17, chunk 2");
        assert_eq!(told(ViewKey::dossier(SubjectId(4)).key().as_ref()), "s/ subject 4");
        assert_eq!(told(Key::head().as_ref()), "m/head");
        for view in View::ALL {
            assert_eq!(told(Key::view_version(view).as_ref()), format!("m/view/{}", view.name()));
        }
        assert_eq!(Place::of(b"x").kind(), KeyKind::Unknown);
    }
}
