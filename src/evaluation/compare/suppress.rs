//! What may be told of a small group. A number about fewer than ten people can
//! give a person away, and so can one that follows from the numbers beside it:
//! from a total less the other groups, or from the group's own other cells.
//!
//! The rule is coarse so that it can be proved. A group's numbers are told at
//! one of three levels. *Nothing*, where it has fewer than ten people, fewer
//! than ten selected or fewer than ten not. *Selection only*, where fewer than
//! ten had the outcome or fewer than ten had not. *Everything* otherwise. No
//! rate thus has a denominator under ten, and no margin of a group is left to
//! be worked out by subtraction. Then further groups, the smallest first, are
//! hidden too, until at each level at least two are, together large enough to
//! be told as one group, and the total less all others says no more than that.
//! Why it holds: whoever is hidden could be exchanged for somebody of another
//! hidden group without any told number changing.
//!
//! Tables of several characteristics may be told side by side, since they share
//! only the totals and the exchange leaves the others as they are. Not so two
//! characteristics of which one refines the other (broad and detailed
//! ethnicity): the broad group is a total of the detailed ones. Nor may a table
//! be told for two sets of people of whom one is the other and a few more.

#[cfg(test)]
mod attack;
mod level;
#[cfg(test)]
mod tests;

pub(super) use level::{Level, level_of_all, levels};

/// Fewest people of whom a number is told.
pub const FEWEST: u32 = 10;

/// A number, if it may be told. One that may not is not held either, so that it cannot be printed by mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<T> {
    /// May be told.
    Number(T),
    /// May not: it is about too few people, or would give away another that is.
    Suppressed,
}

impl<T> Told<T> {
    /// The number, if told.
    pub fn number(&self) -> Option<&T> {
        match self {
            Self::Number(number) => Some(number),
            Self::Suppressed => None,
        }
    }

    /// Whether it was suppressed.
    pub fn is_suppressed(&self) -> bool {
        self.number().is_none()
    }
}
