//! When the records of a person are to be reviewed: from the group that they are
//! in, the day that their period counts from, and the last review. Periods are a
//! force's own schedule and come from its settings. Nothing here decides whether
//! to keep anything: a person does.

use super::Date;
use super::life::Reviewed;
use super::word::RetentionGroup;

/// How long until a review, by group: a force's schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Periods {
    /// Group 1: years from one review to the next, and from the earliest ground to the first.
    pub group_1_review_years: u8,
    /// Group 1: age in years until which records are kept; a review is due when the person would reach it.
    pub group_1_until_age: u8,
    /// Group 2: clear years until the first review, and years from one review to the next.
    pub group_2_clear_years: u8,
    /// Group 3: clear years until the first review.
    pub group_3_clear_years: u8,
    /// Group 3: years from one review to the next.
    pub group_3_review_years: u8,
    /// Group 4: clear years until the first review, and years from one review to the next.
    pub group_4_clear_years: u8,
}

impl Periods {
    /// The published figures, which are the settings' defaults. Their sources are in `docs/PRIVACY.md`.
    pub const PUBLISHED: Self = Self {
        group_1_review_years: 10,
        group_1_until_age: 100,
        group_2_clear_years: 10,
        group_3_clear_years: 6,
        group_3_review_years: 5,
        group_4_clear_years: 6,
    };

    /// Years until the first review.
    fn first(self, group: RetentionGroup) -> i32 {
        i32::from(match group {
            RetentionGroup::One => self.group_1_review_years,
            RetentionGroup::Two => self.group_2_clear_years,
            RetentionGroup::Three => self.group_3_clear_years,
            RetentionGroup::Four => self.group_4_clear_years,
        })
    }

    /// Years from one review to the next.
    fn again(self, group: RetentionGroup) -> i32 {
        i32::from(match group {
            RetentionGroup::One => self.group_1_review_years,
            RetentionGroup::Two => self.group_2_clear_years,
            RetentionGroup::Three => self.group_3_review_years,
            RetentionGroup::Four => self.group_4_clear_years,
        })
    }
}

/// How a person's records stand, as far as their review depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The gravest group that a record puts them in.
    pub group: RetentionGroup,
    /// The day that the first review counts from.
    pub since: Date,
    /// Birth date, if known.
    pub birth: Option<Date>,
}

impl Standing {
    /// The day by which to review.
    pub fn due(&self, periods: Periods, reviewed: Option<&Reviewed>) -> Date {
        match reviewed {
            None => {
                let first = self.since.plus_years(periods.first(self.group));
                self.kept_until(periods).map_or(first, |until| until.min(first))
            }
            // Due at once, until nothing is left.
            Some(Reviewed { day, next: None, .. }) => *day,
            // What was set holds; it comes sooner where the group or the schedule has changed since.
            Some(Reviewed { day, next: Some(next), .. }) => self.latest_next(periods, *day).min(*next),
        }
    }

    /// The latest day by which a review on `day` may have the next one.
    pub fn latest_next(&self, periods: Periods, day: Date) -> Date {
        let next = day.plus_years(periods.again(self.group));
        self.kept_until(periods).filter(|until| *until > day).map_or(next, |until| until.min(next))
    }

    /// In group 1, the day on which the person reaches the age until which records are kept.
    pub fn kept_until(&self, periods: Periods) -> Option<Date> {
        let until = |birth: Date| birth.plus_years(i32::from(periods.group_1_until_age));
        self.birth.filter(|_| self.group == RetentionGroup::One).map(until)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::domain::Revision;

    fn date(text: &str) -> Date {
        text.parse().expect("must be a date")
    }

    fn standing(group: RetentionGroup, since: &str, birth: Option<&str>) -> Standing {
        Standing { group, since: date(since), birth: birth.map(date) }
    }

    fn reviewed(day: &str, next: Option<&str>) -> Reviewed {
        Reviewed { revision: Revision(1), day: date(day), next: next.map(date) }
    }

    fn due(standing: Standing, reviewed: Option<Reviewed>) -> String {
        standing.due(Periods::PUBLISHED, reviewed.as_ref()).to_string()
    }

    #[test]
    fn each_group_is_first_due_after_its_published_period() {
        for (group, first) in [
            (RetentionGroup::One, "2020-05-01"),
            (RetentionGroup::Two, "2020-05-01"),
            (RetentionGroup::Three, "2016-05-01"),
            (RetentionGroup::Four, "2016-05-01"),
        ] {
            assert_eq!(due(standing(group, "2010-05-01", None), None), first, "{group:?}");
        }
        assert_eq!(due(standing(RetentionGroup::Three, "2012-02-29", None), None), "2018-02-28");
    }

    #[test]
    fn a_review_that_retains_sets_the_next_by_the_group() {
        for (group, next) in [
            (RetentionGroup::One, "2030-05-01"),
            (RetentionGroup::Two, "2030-05-01"),
            (RetentionGroup::Three, "2025-05-01"),
            (RetentionGroup::Four, "2026-05-01"),
        ] {
            let standing = standing(group, "2010-01-01", None);
            assert_eq!(standing.latest_next(Periods::PUBLISHED, date("2020-05-01")).to_string(), next, "{group:?}");
            assert_eq!(due(standing, Some(reviewed("2020-05-01", Some(next)))), next, "{group:?}");
        }
    }

    #[test]
    fn a_sooner_date_that_an_officer_set_holds() {
        let of_three = standing(RetentionGroup::Three, "2019-12-31", None);
        assert_eq!(due(of_three, Some(reviewed("2020-05-01", Some("2021-01-01")))), "2021-01-01");
    }

    #[test]
    fn a_person_in_a_lesser_group_than_when_reviewed_is_due_sooner() {
        let of_three = standing(RetentionGroup::Three, "2019-12-31", None);
        assert_eq!(due(of_three, Some(reviewed("2020-05-01", Some("2030-05-01")))), "2025-05-01");
    }

    #[test]
    fn whom_it_was_decided_to_dispose_of_is_due_at_once() {
        assert_eq!(
            due(standing(RetentionGroup::Two, "2019-12-31", None), Some(reviewed("2020-05-01", None))),
            "2020-05-01"
        );
    }

    #[test]
    fn group_1_is_due_when_the_person_would_be_100() {
        let old = standing(RetentionGroup::One, "2019-01-01", Some("1924-03-01"));
        assert_eq!(due(old, None), "2024-03-01");
        assert_eq!(old.latest_next(Periods::PUBLISHED, date("2020-01-01")).to_string(), "2024-03-01");
        // Kept beyond it by decision: ten years again.
        assert_eq!(old.latest_next(Periods::PUBLISHED, date("2024-03-01")).to_string(), "2034-03-01");
        let other = Standing { group: RetentionGroup::Two, ..old };
        assert_eq!(due(other, None), "2029-01-01", "in no other group");
    }

    fn group() -> impl Strategy<Value = RetentionGroup> {
        prop::sample::select(RetentionGroup::ALL)
    }

    fn day() -> impl Strategy<Value = Date> {
        (0..40_000_i32).prop_map(|days| Date::from_days(days - 10_000))
    }

    fn periods() -> impl Strategy<Value = Periods> {
        (1..30_u8, 50..120_u8, 1..30_u8, 1..30_u8, 1..30_u8, 1..30_u8).prop_map(
            |(one, age, two, three, again, four)| Periods {
                group_1_review_years: one,
                group_1_until_age: age,
                group_2_clear_years: two,
                group_3_clear_years: three,
                group_3_review_years: again,
                group_4_clear_years: four,
            },
        )
    }

    proptest! {
        #[test]
        fn a_review_never_puts_the_next_off_beyond_its_day_and_the_groups_period(
            group in group(), since in day(), birth in prop::option::of(day()), on in day(),
            next in prop::option::of(day()), periods in periods(),
        ) {
            let standing = Standing { group, since, birth };
            let reviewed = Reviewed { revision: Revision(1), day: on, next };
            let due = standing.due(periods, Some(&reviewed));
            prop_assert!(due <= on.plus_years(30));
            prop_assert!(next.is_none_or(|next| due <= next));
            prop_assert!(standing.latest_next(periods, on) > on, "a review is not due again on its own day");
        }

        #[test]
        fn a_later_event_never_brings_a_review_forward(
            group in group(), since in day(), later in 0..5_000_i32, birth in prop::option::of(day()), periods in periods(),
        ) {
            let earlier = Standing { group, since, birth };
            let after = Standing { since: since + later, ..earlier };
            prop_assert!(earlier.due(periods, None) <= after.due(periods, None));
        }

        #[test]
        fn a_shorter_schedule_never_puts_a_review_off(
            group in group(), since in day(), on in day(), next in prop::option::of(day()), periods in periods(),
        ) {
            let standing = Standing { group, since, birth: None };
            let shorter = Periods {
                group_1_review_years: 1, group_2_clear_years: 1, group_3_clear_years: 1, group_3_review_years: 1,
                group_4_clear_years: 1, ..periods
            };
            for reviewed in [None, Some(Reviewed { revision: Revision(1), day: on, next })] {
                prop_assert!(standing.due(shorter, reviewed.as_ref()) <= standing.due(periods, reviewed.as_ref()));
            }
        }
    }
}
