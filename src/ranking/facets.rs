//! What a filter may ask of a person, as 50 bits: so that a row is judged by a
//! few "and"s, and a leaf of a list whose people together lack a bit is passed
//! over unread. A facet never enters the order.

use std::ops::{BitOr, BitOrAssign};

use crate::domain::word::{Circulation, CohortStatus, CustodyState, Family, OffenceGroup, OutstandingReason, Rag};

/// A set of facets: of one person, of everyone in a part of a list, or those that a filter accepts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facets(u64);

/// A vocabulary whose words are facets.
pub trait Facet: Copy + 'static {
    /// Every word of it.
    const WORDS: &'static [Self];

    /// The bit of this word alone.
    fn facet(self) -> Facets;
}

macro_rules! vocabularies {
    ($($vocabulary:ident from $first:literal),+ $(,)?) => {$(
        impl Facet for $vocabulary {
            const WORDS: &'static [Self] = Self::ALL;

            fn facet(self) -> Facets {
                Facets(1 << ($first + self as u32))
            }
        }
    )+};
}

vocabularies! {
    OutstandingReason from 0,
    Circulation from 16,
    CohortStatus from 23,
    CustodyState from 26,
    OffenceGroup from 29,
    Rag from 41,
}

impl Facets {
    /// The facets as a number. Generations are kept with it: a bit keeps its meaning for ever.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The facets of a number.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// No facet.
    pub const NONE: Self = Self(0);
    /// Under 18 on the day.
    pub const CHILD: Self = Self(1 << 45);

    /// Provisional in a family.
    pub const fn provisional(family: Family) -> Self {
        match family {
            Family::Cohort => Self(1 << 46),
            Family::Outstanding => Self(1 << 47),
        }
    }

    /// Under an override in a family.
    pub const fn overridden(family: Family) -> Self {
        match family {
            Family::Cohort => Self(1 << 48),
            Family::Outstanding => Self(1 << 49),
        }
    }

    /// The facets of these words together.
    pub fn of<W: Facet>(words: &[W]) -> Self {
        words.iter().fold(Self::NONE, |all, word| all | word.facet())
    }

    /// These facets if `condition`, else none.
    #[must_use]
    pub const fn only_if(self, condition: bool) -> Self {
        if condition { self } else { Self::NONE }
    }

    /// Whether the two sets share a facet.
    pub const fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether every facet of `other` is here.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The words of one vocabulary that are here, in its order.
    pub fn words<W: Facet>(self) -> impl Iterator<Item = W> {
        W::WORDS.iter().copied().filter(move |word| self.meets(word.facet()))
    }
}

impl BitOr for Facets {
    type Output = Self;
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for Facets {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_has_a_bit_of_its_own() {
        let singles = [
            Facets::CHILD,
            Facets::provisional(Family::Cohort),
            Facets::provisional(Family::Outstanding),
            Facets::overridden(Family::Cohort),
            Facets::overridden(Family::Outstanding),
        ];
        let words = OutstandingReason::ALL
            .iter()
            .map(|word| word.facet())
            .chain(Circulation::ALL.iter().map(|word| word.facet()))
            .chain(CohortStatus::ALL.iter().map(|word| word.facet()))
            .chain(CustodyState::ALL.iter().map(|word| word.facet()))
            .chain(OffenceGroup::ALL.iter().map(|word| word.facet()))
            .chain(Rag::ALL.iter().map(|word| word.facet()))
            .chain(singles);
        let mut seen = Facets::NONE;
        for word in words {
            assert!(!seen.meets(word), "{word:?} stands for two things");
            seen |= word;
        }
        assert_eq!(seen.0.count_ones(), 50);
    }

    #[test]
    fn words_come_back_as_they_were_put_in() {
        let facets = Facets::of(&[OutstandingReason::Escape, OutstandingReason::RecallStandard])
            | Rag::Blue.facet()
            | CustodyState::Remand.facet();
        let reasons: Vec<OutstandingReason> = facets.words().collect();
        assert_eq!(reasons, [OutstandingReason::RecallStandard, OutstandingReason::Escape]);
        assert_eq!(facets.words::<Rag>().collect::<Vec<_>>(), [Rag::Blue]);
        assert_eq!(facets.words::<Circulation>().count(), 0);
    }
}
