//! The clock of one person: days in custody and days with an open outstanding
//! file do not count. Ages, half-lives and windows are measured here and
//! nowhere else.

use smallvec::SmallVec;

use super::case::is_own;
use crate::domain::Date;
use crate::domain::dossier::Dossier;
use crate::domain::evidence::Other;

/// First day off the clock and first day on it again.
type Stretch = (Date, Date);

/// Stretches off the clock, merged, in order, ending on or before `as_of`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    as_of: Date,
    off: SmallVec<[Stretch; 4]>,
}

impl Clock {
    /// The clock of a person on `as_of`. A stay or file that has not ended runs to `as_of`. Only records
    /// in which the person is suspect or convicted stop it: what was done to somebody never makes what
    /// they did look younger.
    pub fn of(dossier: &Dossier, as_of: Date) -> Self {
        let mut off = SmallVec::new();
        for filed in dossier.others().iter().filter(|filed| is_own(filed.category)) {
            match &filed.kind {
                Other::Custody(custody) => off.push((custody.start, custody.ended.unwrap_or(as_of))),
                Other::Outstanding(file) => {
                    let periods = file.periods.iter();
                    off.extend(periods.map(|period| (period.opened, period.closed.map_or(as_of, |(day, _)| day))));
                }
                Other::SanctionSummary(_)
                | Other::Marker(_)
                | Other::Intelligence(_)
                | Other::Assessment(_)
                | Other::Order { .. }
                | Other::Breach(_)
                | Other::Exploitation(_)
                | Other::CohortMembership(_)
                | Other::BandOverride(_) => {}
            }
        }
        Self::merge(as_of, off)
    }

    /// A clock with these stretches (`start <= day < end`) off it.
    pub fn new(as_of: Date, off: impl IntoIterator<Item = (Date, Date)>) -> Self {
        Self::merge(as_of, off.into_iter().collect())
    }

    fn merge(as_of: Date, mut off: SmallVec<[Stretch; 4]>) -> Self {
        for stretch in &mut off {
            stretch.1 = stretch.1.min(as_of);
        }
        off.retain(|(start, end)| start < end);
        off.sort_unstable();
        off.dedup_by(|later, earlier| {
            let joins = later.0 <= earlier.1;
            if joins {
                earlier.1 = earlier.1.max(later.1);
            }
            joins
        });
        Self { as_of, off }
    }

    /// The day on which the person is weighed.
    pub fn as_of(&self) -> Date {
        self.as_of
    }

    /// Days on the clock since `date`; 0 for a date on or after `as_of`.
    pub fn age(&self, date: Date) -> u32 {
        let calendar = (self.as_of - date).max(0);
        u32::try_from(calendar - self.days_off_since(date)).expect("days off must lie within the days since")
    }

    /// Days off the clock from `date` (counted) to `as_of` (not counted).
    pub fn days_off_since(&self, date: Date) -> i32 {
        self.off.iter().map(|(start, end)| (*end - (*start).max(date)).max(0)).sum()
    }

    /// Whether `date` lies in the last `days` days of the clock, both ends counted.
    pub fn within(&self, date: Date, days: u32) -> bool {
        self.age(date) <= days
    }

    /// `as_of` moved back by the days off the clock since `date`.
    pub fn moved_back(&self, date: Date) -> Date {
        self.as_of - self.days_off_since(date)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(days: i32) -> Date {
        Date::from_days(days)
    }

    #[test]
    fn overlapping_stretches_count_once() {
        let clock = Clock::new(day(100), vec![(day(10), day(30)), (day(20), day(40)), (day(40), day(50))]);
        assert_eq!(clock.age(day(0)), 60);
        assert_eq!(clock.age(day(25)), 50);
        assert_eq!(clock.age(day(60)), 40);
    }

    #[test]
    fn a_date_after_as_of_has_age_nought() {
        assert_eq!(Clock::new(day(100), Vec::new()).age(day(130)), 0);
        assert_eq!(Clock::new(day(100), vec![(day(90), day(140))]).age(day(80)), 10);
    }

    #[test]
    fn being_locked_up_does_not_make_an_offence_old() {
        let at_liberty = Clock::new(day(1000), Vec::new());
        let inside = Clock::new(day(1000), vec![(day(10), day(1000))]);
        assert_eq!(at_liberty.age(day(0)), 1000);
        assert_eq!(inside.age(day(0)), 10);
    }
}
