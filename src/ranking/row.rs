//! One person as the lists see them: what they are ordered, filtered and
//! shown by, without going back to the dossier. A row says nothing of why.

use std::sync::Arc;

use super::facets::{Facet, Facets};
use super::files::{self, OpenFiles};
use super::names::{AreaId, Names, OfficerId};
use crate::domain::dossier::Dossier;
use crate::domain::evidence::{Other, Outstanding};
use crate::domain::word::{
    Band, Circulation, CohortStatus, CustodyState, ExploitationStatus, Family, List, OutstandingReason, PersonCategory,
    Rag,
};
use crate::domain::{Date, MilliPoints};
use crate::scoring::Rules;
use crate::scoring::composite::{Composed, Weighed};
use crate::scoring::harm::Catalogue;

/// The lists that a person stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lists(u16);

impl Lists {
    /// The lists as a number. Generations are kept with it: a bit keeps its meaning for ever.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// The lists of a number.
    pub const fn from_bits(bits: u16) -> Self {
        Self(bits)
    }

    /// The lists of a person who was weighed.
    pub fn of(dossier: &Dossier, weighed: &Weighed) -> Self {
        // Nobody stands anywhere once they were erased.
        if !dossier.stands() {
            return Self::default();
        }
        let held = !dossier.is_erased();
        let managed = dossier.membership().is_some();
        let lists = Self::default()
            .and(List::Cohort, managed && !weighed.child)
            .and(List::Children, held && weighed.child)
            .and(List::Candidates, held && !managed && !weighed.child && weighed.cohort.effective >= Band::Medium)
            .and(List::All, held);
        open_files(dossier)
            .fold(lists, |lists, (file, _)| lists.and(List::Outstanding, true).and(file.reason.list(), true))
    }

    /// Whether the person stands on a list.
    pub const fn holds(self, list: List) -> bool {
        self.0 & (1 << list as u16) != 0
    }

    /// Whether they share a list with others.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These lists and one more, if `condition`.
    #[must_use]
    pub const fn and(self, list: List, condition: bool) -> Self {
        if condition { Self(self.0 | (1 << list as u16)) } else { self }
    }

    /// The lists, in the contract's order.
    pub fn iter(self) -> impl Iterator<Item = List> {
        List::ALL.iter().copied().filter(move |list| self.holds(*list))
    }
}

/// The areas that a person belongs to, in order of number. Up to five are held in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Areas {
    /// The first `count` of `areas`; the rest repeat the last.
    Few {
        /// How many, at most five.
        count: u8,
        /// The areas.
        areas: [AreaId; 5],
    },
    /// None at all.
    None,
    /// More than five.
    Many(Arc<[AreaId]>),
}

impl Areas {
    /// Areas in any order, with repeats.
    pub fn new(mut areas: Vec<AreaId>) -> Self {
        areas.sort_unstable();
        areas.dedup();
        let Some(last) = areas.last().copied() else { return Self::None };
        let mut few = [last; 5];
        match few.get_mut(..areas.len()) {
            Some(places) => {
                places.copy_from_slice(&areas);
                Self::Few { count: u8::try_from(areas.len()).expect("five must fit in a byte"), areas: few }
            }
            None => Self::Many(areas.into()),
        }
    }

    /// The areas, in order of number, each once.
    pub fn as_slice(&self) -> &[AreaId] {
        match self {
            Self::Few { count, areas } => &areas[..usize::from(*count)],
            Self::None => &[],
            Self::Many(areas) => areas,
        }
    }

    /// Whether the person belongs to any of these.
    pub fn any_of(&self, wanted: &[AreaId]) -> bool {
        self.as_slice().iter().any(|area| wanted.contains(area))
    }
}

/// A person on the lists.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// Threat.
    pub threat: MilliPoints,
    /// Risk.
    pub risk: MilliPoints,
    /// Harm.
    pub harm: MilliPoints,
    /// Composite and bands on COHORT, CHILDREN, CANDIDATES and ALL.
    pub cohort: Composed,
    /// Composite and bands on the other lists.
    pub outstanding: Composed,
    /// Lists on which the person stands.
    pub lists: Lists,
    /// What filters ask: reasons and circulation of open files, cohort status and grade, custody,
    /// groups of own offences with proof above 0, child, and per family provisional and overridden.
    pub facets: Facets,
    /// Areas of the person, of the cohort membership in force and of open files.
    pub areas: Areas,
    /// Open files, for lists of supervision.
    pub files: OpenFiles,
    /// Offender manager, if managed by a known one.
    officer: Option<OfficerId>,
    /// Day on which the earliest of the open periods began; `NOT_OUTSTANDING` where none is open. A file opened
    /// later for another reason must not make a long-wanted person look new.
    since: i32,
}

const NOT_OUTSTANDING: i32 = i32::MIN;

/// What is kept of a row.
#[derive(Clone, Debug)]
pub struct Kept {
    /// T, R and H.
    pub points: [MilliPoints; 3],
    /// Composite of the cohort family.
    pub cohort: Composed,
    /// Composite of the outstanding family.
    pub outstanding: Composed,
    /// Lists that the person is on.
    pub lists: Lists,
    /// What filters ask.
    pub facets: Facets,
    /// Areas that the person belongs to.
    pub areas: Vec<AreaId>,
    /// Their offender manager.
    pub officer: Option<OfficerId>,
    /// Earliest date since when a file is open.
    pub since: Option<Date>,
}

impl Row {
    /// The row of a person weighed on `as_of`.
    pub fn new(dossier: &Dossier, weighed: &Weighed, rules: &Rules, as_of: Date, names: &Names) -> Self {
        let membership = dossier.membership().map(|(_, membership)| membership);
        let mut facets = weighed.custody.facet() | own_offence_groups(dossier, &rules.catalogue);
        let mut areas: Vec<AreaId> =
            dossier.person().into_iter().flat_map(|person| person.areas()).map(|area| names.area(area)).collect();
        let lists = Lists::of(dossier, weighed);
        if let Some(membership) = membership {
            facets |= membership.status.facet();
            facets |= membership.rag.map_or(Facets::NONE, Facet::facet);
            areas.extend(membership.area.as_deref().map(|area| names.area(area)));
        }
        let mut since = None;
        for (file, opened) in open_files(dossier) {
            facets |= file.reason.facet() | file.circulation.facet();
            areas.extend(file.area.as_deref().map(|area| names.area(area)));
            // A file opened after the day's lists were made counts as if opened on their day.
            let opened = opened.min(as_of).days();
            since = Some(since.map_or(opened, |since: i32| since.min(opened)));
        }
        for (family, composed) in [(Family::Cohort, &weighed.cohort), (Family::Outstanding, &weighed.outstanding)] {
            facets |= Facets::provisional(family).only_if(composed.provisional);
            facets |= Facets::overridden(family).only_if(composed.overridden);
        }
        Self {
            threat: weighed.threat.point,
            risk: weighed.risk.point,
            harm: weighed.harm.point,
            cohort: weighed.cohort,
            outstanding: weighed.outstanding,
            lists,
            facets: facets | Facets::CHILD.only_if(weighed.child),
            areas: Areas::new(areas),
            files: match since {
                Some(_) => files::open(dossier, weighed.outstanding.effective, &rules.policy.supervision, names),
                None => None,
            },
            officer: membership.and_then(|held| held.offender_manager.as_deref()).map(|officer| names.officer(officer)),
            since: since.unwrap_or(NOT_OUTSTANDING),
        }
    }

    /// A row that was kept. What is due on open files is not: it depends on the clock.
    pub fn kept(kept: Kept) -> Self {
        let Kept { points: [threat, risk, harm], cohort, outstanding, lists, facets, areas, officer, since } = kept;
        Self {
            threat,
            risk,
            harm,
            cohort,
            outstanding,
            lists,
            facets,
            areas: Areas::new(areas),
            files: None,
            officer,
            since: since.map_or(NOT_OUTSTANDING, Date::days),
        }
    }

    /// Composite and bands of a family.
    pub const fn composed(&self, family: Family) -> &Composed {
        match family {
            Family::Cohort => &self.cohort,
            Family::Outstanding => &self.outstanding,
        }
    }

    /// Start of the earliest open period, which the order and the age of the case are by. A file that was closed
    /// and reopened is open since it was reopened.
    pub const fn outstanding_since(&self) -> Option<Date> {
        if self.since == NOT_OUTSTANDING { None } else { Some(Date::from_days(self.since)) }
    }

    /// Whole days in the longest open period on `as_of`.
    pub fn days_outstanding(&self, as_of: Date) -> Option<u32> {
        self.outstanding_since().map(|since| u32::try_from(as_of - since).unwrap_or(0))
    }

    /// Offender manager, if managed by a known one.
    pub const fn offender_manager(&self) -> Option<OfficerId> {
        self.officer
    }

    /// Under 18 on the day.
    pub const fn child(&self) -> bool {
        self.facets.covers(Facets::CHILD)
    }

    /// Where the person is on the day.
    pub fn custody(&self) -> CustodyState {
        self.facets.words().next().expect("every row must say where the person is")
    }

    /// How the person was chosen, if managed.
    pub fn cohort_status(&self) -> Option<CohortStatus> {
        self.facets.words().next()
    }

    /// Management grade, if managed and graded.
    pub fn rag(&self) -> Option<Rag> {
        self.facets.words().next()
    }

    /// Reasons of open files.
    pub fn reasons(&self) -> impl Iterator<Item = OutstandingReason> {
        self.facets.words()
    }

    /// The circulation among open files by which most officers would know that the person is wanted.
    pub fn circulation(&self) -> Option<Circulation> {
        self.facets.words().min_by_key(|circulation| reach(*circulation))
    }
}

/// Furthest first: would an officer here who checks the person know? Of two that reach nobody,
/// the file never circulated comes before the one taken off, since it asks for work.
const fn reach(circulation: Circulation) -> u8 {
    match circulation {
        Circulation::PncWanted => 0,
        Circulation::International => 1,
        Circulation::PncLocateTrace => 2,
        Circulation::ForceOnly => 3,
        Circulation::Pending => 4,
        Circulation::NotCirculated => 5,
        Circulation::Cancelled => 6,
    }
}

fn open_files(dossier: &Dossier) -> impl Iterator<Item = (&Outstanding, Date)> {
    dossier.files().filter_map(|(_, file)| file.open_since().map(|since| (file, since)))
}

/// Groups of offences that are the person's own and have proof, less those that exploitation explains.
fn own_offence_groups(dossier: &Dossier, catalogue: &Catalogue) -> Facets {
    let mut groups = Facets::NONE;
    for offence in dossier.offences() {
        let own = matches!(offence.category, PersonCategory::Suspect | PersonCategory::Convicted);
        let class = catalogue.classify(offence.code);
        if let Some(group) = class.group
            && own
            && class.offence
            && !groups.meets(group.facet())
            && catalogue.proof(&offence, class) > 0.0
            && !exploited(dossier, offence.id)
        {
            groups |= group.facet();
        }
    }
    groups
}

/// Whether a positive or pending referral, not yet reviewed, is linked to the offence.
fn exploited(dossier: &Dossier, offence_id: &str) -> bool {
    dossier.others().iter().any(|filed| match &filed.kind {
        Other::Exploitation(referral) => {
            let stands = match referral.status {
                ExploitationStatus::Pending | ExploitationStatus::Positive => referral.reviewed.is_none(),
                ExploitationStatus::Negative => false,
            };
            stands && referral.offence_ids.iter().any(|linked| &**linked == offence_id)
        }
        Other::SanctionSummary(_)
        | Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Outstanding(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => false,
    })
}

#[cfg(test)]
#[path = "row_tests.rs"]
mod tests;
