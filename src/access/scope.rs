//! Of whom a caller may see anything: by area and by list. What lies outside is
//! not there for them, in lists, counts or streams; asked for by reference it is
//! refused in the very words in which somebody unknown is.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::domain::word::List;

/// Areas and lists that a caller may see.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Areas. `None`: the whole force, also those of no area.
    areas: Option<BTreeSet<Box<str>>>,
    /// Lists. `None`: all.
    lists: Option<BTreeSet<List>>,
    digests: [OnceLock<[u8; 32]>; 4],
}

impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.areas == other.areas && self.lists == other.lists
    }
}

impl Eq for Scope {}

impl Scope {
    /// The whole force, on every list.
    pub fn whole() -> Self {
        Self::new(None, None)
    }

    /// Some areas (`None`: all), some lists (`None`: all). An empty set sees nobody.
    pub fn new(areas: Option<BTreeSet<Box<str>>>, lists: Option<BTreeSet<List>>) -> Self {
        Self { areas, lists, digests: Default::default() }
    }

    /// Areas; `None`: the whole force.
    pub fn areas(&self) -> Option<&BTreeSet<Box<str>>> {
        self.areas.as_ref()
    }

    /// Lists; `None`: all.
    pub fn lists(&self) -> Option<&BTreeSet<List>> {
        self.lists.as_ref()
    }

    /// Whether a list may be read.
    pub fn admits(&self, list: List) -> bool {
        self.lists.as_ref().is_none_or(|lists| lists.contains(&list))
    }

    /// Whether nothing at all is outside it.
    pub fn is_whole(&self) -> bool {
        self.areas.is_none() && self.lists.is_none()
    }

    /// Digest of it, together with what else decides who is seen.
    pub fn digest(&self, children: bool, sensitive: bool) -> [u8; 32] {
        let place = usize::from(children) + 2 * usize::from(sensitive);
        *self.digests[place].get_or_init(|| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&[2, u8::from(children), u8::from(sensitive), u8::from(self.areas.is_some())]);
            for area in self.areas.iter().flatten() {
                hasher.update(&(area.len() as u64).to_be_bytes());
                hasher.update(area.as_bytes());
            }
            hasher.update(&[u8::from(self.lists.is_some())]);
            for list in self.lists.iter().flatten() {
                hasher.update(&[*list as u8]);
            }
            *hasher.finalize().as_bytes()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_decides_who_is_seen_is_in_the_digest() {
        let areas = |names: &[&str]| Some(names.iter().map(|name| Box::from(*name)).collect());
        let scopes = [
            Scope::whole(),
            Scope::new(areas(&[]), None),
            Scope::new(areas(&["North"]), None),
            Scope::new(areas(&["No", "rth"]), None),
            Scope::new(None, Some([List::Wanted].into())),
            Scope::new(None, Some([List::Cohort].into())),
        ];
        let mut seen = BTreeSet::new();
        for scope in &scopes {
            for (children, sensitive) in [(false, false), (true, false), (false, true), (true, true)] {
                assert!(seen.insert(scope.digest(children, sensitive)), "{scope:?}");
            }
        }
    }
}
