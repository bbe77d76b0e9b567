//! Areas and offender managers by small number, so that a row holds four bytes
//! for each. Numbers are of this process alone: they never leave it, and no
//! order depends on them. Names are only added.

use std::sync::{Arc, PoisonError, RwLock};

use hashbrown::HashMap;

/// An area, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AreaId(u32);

/// An offender manager, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OfficerId(u32);

impl AreaId {
    /// Place in dense arrays.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

impl OfficerId {
    /// Place in dense arrays.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every area and offender manager met so far; shared by all snapshots of a store.
#[derive(Debug, Default)]
pub struct Names {
    areas: Interner,
    officers: Interner,
}

impl Names {
    /// The number of an area, given one now if it is new.
    pub fn area(&self, name: &str) -> AreaId {
        AreaId(self.areas.intern(name))
    }

    /// The number of an area already met.
    pub fn find_area(&self, name: &str) -> Option<AreaId> {
        self.areas.find(name).map(AreaId)
    }

    /// The name of an area.
    pub fn area_name(&self, area: AreaId) -> Arc<str> {
        self.areas.name(area.0)
    }

    /// The number of an offender manager, given one now if they are new.
    pub fn officer(&self, reference: &str) -> OfficerId {
        OfficerId(self.officers.intern(reference))
    }

    /// The number of an offender manager already met.
    pub fn find_officer(&self, reference: &str) -> Option<OfficerId> {
        self.officers.find(reference).map(OfficerId)
    }

    /// The reference of an offender manager.
    pub fn officer_reference(&self, officer: OfficerId) -> Arc<str> {
        self.officers.name(officer.0)
    }
}

#[derive(Debug, Default)]
struct Interner {
    held: RwLock<Held>,
}

#[derive(Debug, Default)]
struct Held {
    names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32>,
}

impl Interner {
    fn find(&self, name: &str) -> Option<u32> {
        // Both parts are written after all that can fail, so a poisoned lock still guards a whole state.
        self.held.read().unwrap_or_else(PoisonError::into_inner).numbers.get(name).copied()
    }

    fn intern(&self, name: &str) -> u32 {
        if let Some(number) = self.find(name) {
            return number;
        }
        let mut held = self.held.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = held.numbers.get(name) {
            return *number;
        }
        let number = u32::try_from(held.names.len()).expect("names must number fewer than subjects");
        let name: Arc<str> = name.into();
        held.names.push(Arc::clone(&name));
        held.numbers.insert(name, number);
        number
    }

    fn name(&self, number: u32) -> Arc<str> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&held.names[number as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_number() {
        let names = Names::default();
        let north = names.area("North");
        let south = names.area("South");
        assert_ne!(north, south);
        assert_eq!(names.area("North"), north);
        assert_eq!(names.find_area("South"), Some(south));
        assert_eq!(&*names.area_name(south), "South");
    }

    #[test]
    fn asking_for_a_name_does_not_add_it() {
        let names = Names::default();
        assert_eq!(names.find_area("North"), None);
        assert_eq!(names.find_area("North"), None);
        assert_eq!(names.find_officer("North"), None, "areas and officers are apart");
    }
}
