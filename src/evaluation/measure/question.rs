//! What an evaluation is asked: who stood on each index date, in which orders, and
//! what each went on to do.

use std::num::NonZeroU32;

use super::calibration::Chance;
use super::ranking::Ranking;

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// People who may be drawn: rows name them from 0.
    pub people: u32,
    /// Index dates, each with as many rankings, in the same order.
    pub dates: &'a [IndexDate],
    /// Predictors, each with the chances that it gave.
    pub chances: &'a [Vec<Chance>],
    /// Samples of people to draw.
    pub samples: u32,
    /// Where all chance comes from.
    pub seed: u64,
}

/// One index date.
#[derive(Clone, Debug)]
pub struct IndexDate {
    /// People on the list, each once.
    pub rows: Vec<Row>,
    /// Orders of these rows.
    pub rankings: Vec<Ranking>,
    /// How many people can be managed: k.
    pub capacity: NonZeroU32,
}

/// A person on an index date, and what they went on to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Number of the person, the same on every date.
    pub person: u32,
    /// Whether the outcome came about.
    pub outcome: bool,
    /// Harm days of what they did, 0 or more.
    pub harm: f64,
}

impl Question<'_> {
    /// Orders on each date, the random one not among them.
    pub(super) fn rankings(&self) -> usize {
        self.dates.first().map_or(0, |date| date.rankings.len())
    }

    /// Stops where the question contradicts itself.
    pub(super) fn check(&self) {
        for date in self.dates {
            assert_eq!(date.rankings.len(), self.rankings(), "every date must have the same rankings");
            assert!(
                date.rankings.iter().all(|ranking| ranking.len() == date.rows.len()),
                "a ranking must order the rows of its date"
            );
            for row in &date.rows {
                assert!(row.person < self.people, "a row must name one of the people");
                assert!(row.harm >= 0.0 && row.harm.is_finite(), "harm must be a number of 0 or more");
            }
        }
        for chance in self.chances.iter().flatten() {
            assert!(chance.person < self.people, "a chance must name one of the people");
            assert!((0.0..=1.0).contains(&chance.probability), "a chance must lie between 0 and 1");
        }
    }

    /// How many people stand on some of the dates, each counted once.
    pub(super) fn people_on<'a>(&self, dates: impl Iterator<Item = &'a IndexDate>) -> u32 {
        distinct(self.people, dates.flat_map(|date| &date.rows).map(|row| row.person))
    }
}

/// How many different people are named.
pub(super) fn distinct(people: u32, named: impl Iterator<Item = u32>) -> u32 {
    let mut seen = vec![false; people as usize];
    let mut count = 0;
    for person in named {
        count += u32::from(!std::mem::replace(&mut seen[person as usize], true));
    }
    count
}
