//! Does selection follow threat, risk and harm? Fixed members are compared with
//! candidates for fixed, flex with flex, free with free: among both, as many as
//! there are members stand above the line. A member below it and a candidate
//! above it may each have a good reason; the question is whether it is recorded.

use std::cmp::Reverse;

use crate::domain::word::{Band, CohortStatus};
use crate::domain::{MilliPoints, SubjectId};
use crate::policy::CohortPolicy;

/// The status that a candidate is compared with: by predicted reoffending and neighbourhood crime.
pub fn stream(policy: &CohortPolicy, arp: Option<f64>, neighbourhood: bool) -> CohortStatus {
    match arp {
        Some(arp) if neighbourhood && arp >= policy.fixed_arp => CohortStatus::Fixed,
        Some(arp) if neighbourhood && arp >= policy.flex_arp => CohortStatus::Flex,
        Some(_) | None => CohortStatus::Free,
    }
}

/// Where threat, risk and harm put a person, overrides left out: the order of the lists, without the reference.
pub type Merit =
    (Reverse<Band>, Reverse<MilliPoints>, Reverse<MilliPoints>, Reverse<MilliPoints>, Reverse<MilliPoints>);

/// A person in one comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Who.
    pub subject: SubjectId,
    /// A member, or a candidate.
    pub member: bool,
    /// Band of composite and floors; composite, harm, threat, risk.
    pub merit: Merit,
    /// The force's reference, which breaks ties.
    pub reference: Box<str>,
}

/// What a comparison of one status gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compare {
    /// Members.
    pub members: usize,
    /// Members above the line, with their places from 1.
    pub aligned: Vec<(SubjectId, usize)>,
    /// Candidates above the line, best first.
    pub passed_over: Vec<(SubjectId, usize)>,
    /// Members below the line, the lowest first.
    pub below: Vec<(SubjectId, usize)>,
}

/// Compares members and candidates of one status.
pub fn compare(mut pool: Vec<Compared>) -> Compare {
    // Of equal merit a member is where merit puts them: nobody is misplaced by the spelling of a reference.
    pool.sort_unstable_by(|a, b| (a.merit, !a.member, &a.reference).cmp(&(b.merit, !b.member, &b.reference)));
    let members = pool.iter().filter(|person| person.member).count();
    let mut compared = Compare { members, ..Compare::default() };
    for (place, person) in (1..).zip(&pool) {
        match (person.member, place <= members) {
            (true, true) => compared.aligned.push((person.subject, place)),
            (true, false) => compared.below.push((person.subject, place)),
            (false, true) => compared.passed_over.push((person.subject, place)),
            (false, false) => {}
        }
    }
    compared.below.reverse();
    compared
}
