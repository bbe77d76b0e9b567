//! One person on one day under one policy: what every rule reads. Built once
//! per weighing, it answers the two questions that every rule asks of a record:
//! may it score at all, and does the allegation still stand.
//!
//! It weighs nothing, and never lets a record through in which the person is a
//! victim or a witness.

use std::ops::Index;

use smallvec::SmallVec;

use super::Rules;
use super::clock::Clock;
use super::harm::{Classified, HarmStep};
use crate::domain::Date;
use crate::domain::dossier::{Dossier, Filed, OffenceView};
use crate::domain::evidence::{Exploitation, Other};
use crate::domain::word::{ExploitationStatus, PersonCategory};

/// One person on one day, under one policy.
#[derive(Clone)]
pub struct Case<'a> {
    /// Everything in force about the person.
    pub dossier: &'a Dossier,
    /// Policy and tables.
    pub rules: &'a Rules,
    /// The day.
    pub as_of: Date,
    /// Days on and off the clock.
    pub clock: Clock,
    /// Whether the offence at the same place of `dossier.offences()` may score: it is the person's own
    /// (suspect or convicted), its code is an offence, and no unreviewed exploitation is linked to it.
    pub scores: Mask,
    /// Whether it may score and its proof is above 0: the allegation stands, or was proved.
    pub alleged: Mask,
    /// How many alleged offences are of which kind, so that a rule which cannot apply is not asked.
    pub(super) tally: Tally,
}

/// Counts over the alleged offences of one person.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    /// Violent, sexual or domestic burglary.
    pub grave: u32,
    /// Neighbourhood crime.
    pub neighbourhood: u32,
    /// Domestic abuse.
    pub domestic: u32,
    /// The day committed is unknown.
    pub undated: u32,
    /// A recordable code whose harm days nobody knows.
    pub unmeasured: u32,
}

/// Whether a record in which the person has this category is about the person's own conduct.
pub const fn is_own(category: PersonCategory) -> bool {
    match category {
        PersonCategory::Suspect | PersonCategory::Convicted => true,
        PersonCategory::Victim | PersonCategory::Witness => false,
    }
}

impl<'a> Case<'a> {
    /// Lays out a person's records for weighing on `as_of`.
    pub fn new(dossier: &'a Dossier, rules: &'a Rules, as_of: Date) -> Self {
        let mut case = Self {
            dossier,
            rules,
            as_of,
            clock: Clock::of(dossier, as_of),
            scores: Mask::default(),
            alleged: Mask::default(),
            tally: Tally::default(),
        };
        let exploited: SmallVec<[&Exploitation; 2]> = exploitation(dossier).map(|(_, status)| status).collect();
        for offence in dossier.offences() {
            let class = rules.catalogue.classify(offence.code);
            let linked = exploited.iter().any(|status| status.offence_ids.iter().any(|id| **id == *offence.id));
            case.admit(&offence, class, is_own(offence.category) && class.offence && !linked);
        }
        case
    }

    /// The same case as if these offences (places in `dossier.offences()`) were not held.
    #[must_use]
    pub fn without(&self, places: &[usize]) -> Self {
        let mut case =
            Self { scores: Mask::default(), alleged: Mask::default(), tally: Tally::default(), ..self.clone() };
        for (place, offence) in self.dossier.offences().enumerate() {
            let class = self.rules.catalogue.classify(offence.code);
            case.admit(&offence, class, self.scores[place] && !places.contains(&place));
        }
        case
    }

    fn admit(&mut self, offence: &OffenceView<'_>, class: &Classified, scores: bool) {
        let alleged = scores && self.proof(offence, class) > 0.0;
        self.scores.push(scores);
        self.alleged.push(alleged);
        if alleged {
            let count = |tally: &mut u32, holds: bool| *tally += u32::from(holds);
            count(&mut self.tally.grave, class.violent || class.sexual || class.domestic_burglary);
            count(&mut self.tally.neighbourhood, class.neighbourhood);
            count(&mut self.tally.domestic, offence.domestic_abuse);
            count(&mut self.tally.undated, offence.committed.is_none());
            count(&mut self.tally.unmeasured, class.step == HarmStep::Unknown && class.recordable);
        }
    }

    /// How far an allegation is proved, 0 to 1, by the policy's table of outcomes.
    pub fn proof(&self, offence: &OffenceView<'_>, class: &Classified) -> f64 {
        self.rules.catalogue.proof(offence, class)
    }

    /// Records other than offences in which the person is suspect or convicted, in order of record id.
    pub fn own(&self) -> impl Iterator<Item = &'a Filed> + use<'a> {
        self.dossier.others().iter().filter(|filed| is_own(filed.category))
    }

    /// Alleged offences with their place and class, in order of date and record id.
    pub fn allegations(&self) -> impl Iterator<Item = (usize, OffenceView<'a>, &'a Classified)> {
        let rules: &'a Rules = self.rules;
        let dossier: &'a Dossier = self.dossier;
        dossier
            .offences()
            .enumerate()
            .filter(|(place, _)| self.alleged[*place])
            .map(|(place, offence)| (place, offence, rules.catalogue.classify(offence.code)))
    }

    /// The alleged offences that a record names.
    pub fn named<'s>(
        &'s self,
        ids: &'s [Box<str>],
    ) -> impl Iterator<Item = (usize, OffenceView<'a>, &'a Classified)> + use<'a, 's> {
        // A record without ids, which is most of them, must not cost a walk over every offence.
        let held = if ids.is_empty() { None } else { Some(self.allegations()) };
        held.into_iter().flatten().filter(|(_, offence, _)| ids.iter().any(|id| **id == *offence.id))
    }

    /// The day as which a date counts: a fact dated after `as_of` counts at once, as if dated that day.
    pub fn day(&self, date: Date) -> Date {
        date.min(self.as_of)
    }

    /// Whether something with this last day still stands.
    pub fn stands(&self, expires: Option<Date>) -> bool {
        expires.is_none_or(|last| self.as_of <= last)
    }

    /// Under 18 on the day; with an unknown birth date, by the oldest that the person may be. Nobody
    /// without any idea of an age is taken for a child.
    pub fn is_child(&self) -> bool {
        self.dossier.person().is_some_and(|person| {
            let (least, most) = person.apparent_age;
            let oldest = match least.max(most) {
                0 => self.rules.policy.risk.assumed_ages.1,
                years => years,
            };
            let birth = person.birth.unwrap_or_else(|| person.made.plus_years(-i32::from(oldest)));
            birth.completed_years(self.as_of) < MAJORITY
        })
    }
}

/// Age in completed years from which a person is an adult in law.
const MAJORITY: i32 = 18;

/// Referrals that keep their linked offences out of the score: pending or positive, not reviewed. They
/// count whatever the person's category in them, for being exploited is being a victim.
pub(super) fn exploitation(dossier: &Dossier) -> impl Iterator<Item = (&Filed, &Exploitation)> {
    dossier.others().iter().filter_map(|filed| match &filed.kind {
        Other::Exploitation(status) if shields(status) => Some((filed, status)),
        Other::Exploitation(_)
        | Other::SanctionSummary(_)
        | Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Outstanding(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => None,
    })
}

fn shields(exploitation: &Exploitation) -> bool {
    let live = match exploitation.status {
        ExploitationStatus::Pending | ExploitationStatus::Positive => true,
        ExploitationStatus::Negative => false,
    };
    live && exploitation.reviewed.is_none()
}

/// One bit per offence. The first 64, which is all that most people have, take no allocation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mask {
    len: usize,
    first: u64,
    rest: Vec<u64>,
}

impl Mask {
    const BITS: usize = 64;

    /// Adds a bit at the end.
    pub fn push(&mut self, bit: bool) {
        let (word, place) = (self.len / Self::BITS, self.len % Self::BITS);
        if word > self.rest.len() {
            self.rest.push(0);
        }
        let word = if word == 0 { &mut self.first } else { &mut self.rest[word - 1] };
        *word |= u64::from(bit) << place;
        self.len += 1;
    }

    /// The bits in order.
    pub fn iter(&self) -> Bits<'_> {
        Bits { mask: self, place: 0 }
    }

    /// Number of bits.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Index<usize> for Mask {
    type Output = bool;

    fn index(&self, place: usize) -> &bool {
        assert!(place < self.len, "place {place} must be one of {} offences", self.len);
        let word = match place / Self::BITS {
            0 => self.first,
            word => self.rest[word - 1],
        };
        if (word >> (place % Self::BITS)) & 1 == 1 { &true } else { &false }
    }
}

/// The bits of a mask, in order.
#[derive(Clone, Debug)]
pub struct Bits<'a> {
    mask: &'a Mask,
    place: usize,
}

impl<'a> Iterator for Bits<'a> {
    type Item = &'a bool;

    fn next(&mut self) -> Option<&'a bool> {
        let bit = (self.place < self.mask.len).then(|| &self.mask[self.place]);
        self.place += 1;
        bit
    }
}

impl<'a> IntoIterator for &'a Mask {
    type Item = &'a bool;
    type IntoIter = Bits<'a>;

    fn into_iter(self) -> Bits<'a> {
        self.iter()
    }
}

impl FromIterator<bool> for Mask {
    fn from_iter<T: IntoIterator<Item = bool>>(bits: T) -> Self {
        let mut mask = Self::default();
        bits.into_iter().for_each(|bit| mask.push(bit));
        mask
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{self, Records, day};
    use super::*;
    use crate::domain::word::ExploitationStatus::{Negative, Pending, Positive};
    use crate::domain::word::Outcome;

    #[test]
    fn a_mask_keeps_every_bit_beyond_the_first_word() {
        let bits: Vec<bool> = (0..200).map(|place| place % 3 == 0 || place % 64 == 63).collect();
        let mask: Mask = bits.iter().copied().collect();
        assert_eq!(mask.len(), 200);
        assert_eq!(mask.iter().copied().collect::<Vec<_>>(), bits);
    }

    #[test]
    fn what_was_done_to_a_person_is_not_their_own() {
        let records = Records::new()
            .offence("own", "028/03", day(-9), Outcome::Charged)
            .offence("suffered", "028/03", day(-8), Outcome::Charged)
            .seen_as(PersonCategory::Victim)
            .offence("witnessed", "028/03", day(-7), Outcome::Charged)
            .seen_as(PersonCategory::Witness)
            .offence("convicted", "028/03", day(-6), Outcome::Convicted)
            .seen_as(PersonCategory::Convicted);
        let dossier = records.dossier();
        let case = Case::new(&dossier, fixture::rules(), day(0));
        assert_eq!(case.scores.iter().copied().collect::<Vec<_>>(), [true, false, false, true]);
    }

    #[test]
    fn a_disproved_allegation_may_score_but_is_not_alleged() {
        let dossier = Records::new().offence("o", "028/03", day(-9), Outcome::NoCrime).dossier();
        let case = Case::new(&dossier, fixture::rules(), day(0));
        assert!(case.scores[0] && !case.alleged[0]);
    }

    #[test]
    fn exploitation_keeps_linked_offences_out_until_it_is_reviewed_or_refused() {
        let scores = |status, reviewed| {
            let dossier = Records::new()
                .offence("linked", "028/03", day(-9), Outcome::Charged)
                .offence("other", "028/03", day(-8), Outcome::Charged)
                .exploitation("nrm", status, day(-5), &["linked"], reviewed)
                .seen_as(PersonCategory::Victim)
                .dossier();
            Case::new(&dossier, fixture::rules(), day(0)).scores.iter().copied().collect::<Vec<_>>()
        };
        assert_eq!(scores(Pending, None), [false, true]);
        assert_eq!(scores(Positive, None), [false, true]);
        assert_eq!(scores(Positive, Some(day(-1))), [true, true]);
        assert_eq!(scores(Negative, None), [true, true]);
    }

    #[test]
    fn a_stay_recorded_of_a_victim_leaves_the_clock_alone() {
        let stay = |category| {
            let dossier = Records::new().sentence("c", day(-300), None, None, &[]).seen_as(category).dossier();
            Case::new(&dossier, fixture::rules(), day(0)).clock.age(day(-400))
        };
        assert_eq!(stay(PersonCategory::Convicted), 100);
        assert_eq!(stay(PersonCategory::Victim), 400);
    }

    #[test]
    fn an_unknown_birth_date_makes_a_child_only_of_one_who_cannot_be_older() {
        let child = |birth: Option<i32>, ages| {
            let dossier = Records::new().person(birth.map(day), None, ages, day(-30)).dossier();
            Case::new(&dossier, fixture::rules(), day(0)).is_child()
        };
        assert!(child(Some(-17 * 365), (18, 60)));
        assert!(!child(Some(-19 * 365), (10, 12)));
        assert!(!child(None, (14, 18)));
        assert!(child(None, (14, 16)));
        assert!(!child(None, (0, 0)));
        let nobody = Dossier::new("S-1");
        assert!(!Case::new(&nobody, fixture::rules(), day(0)).is_child());
    }
}
