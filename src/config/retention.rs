//! A force's schedule of reviews of what it keeps. The defaults are the published
//! figures.

use super::Concern;
use super::key::{Key, Shape};
use super::reader::{Reader, whole};
use crate::domain::retention::Periods;

/// A number of years, of a group.
const fn years(
    name: &'static str,
    flag: &'static str,
    variable: &'static str,
    default: &'static str,
    meaning: &'static str,
) -> Key {
    Key {
        name,
        flag,
        variable,
        shape: Shape::Value("YEARS"),
        takes: "1 to 100, years",
        default: Some(default),
        meaning,
    }
}

pub(super) const GROUP_1_REVIEW: Key = years(
    "retention.group_1_review_years",
    "retention-group-1-review-years",
    "STEELYARD_RETENTION_GROUP_1_REVIEW_YEARS",
    "10",
    "Review group 1, certain public protection matters: years from one review to the next, and from the earliest record \
     that puts the person in the group to the first.",
);
pub(super) const GROUP_1_UNTIL: Key = Key {
    name: "retention.group_1_until_age",
    flag: "retention-group-1-until-age",
    variable: "STEELYARD_RETENTION_GROUP_1_UNTIL_AGE",
    shape: Shape::Value("AGE"),
    takes: "50 to 150, years of age",
    default: Some("100"),
    meaning: "Review group 1: the age until which records are kept. A review is due when the person would reach it.",
};
pub(super) const GROUP_2_CLEAR: Key = years(
    "retention.group_2_clear_years",
    "retention-group-2-clear-years",
    "STEELYARD_RETENTION_GROUP_2_CLEAR_YEARS",
    "10",
    "Review group 2, other sexual, violent or serious offences: clear years until the first review, and years from one \
     review to the next.",
);
pub(super) const GROUP_3_CLEAR: Key = years(
    "retention.group_3_clear_years",
    "retention-group-3-clear-years",
    "STEELYARD_RETENTION_GROUP_3_CLEAR_YEARS",
    "6",
    "Review group 3, all other offences: clear years until the first review.",
);
pub(super) const GROUP_3_REVIEW: Key = years(
    "retention.group_3_review_years",
    "retention-group-3-review-years",
    "STEELYARD_RETENTION_GROUP_3_REVIEW_YEARS",
    "5",
    "Review group 3: years from one review to the next.",
);
pub(super) const GROUP_4_CLEAR: Key = years(
    "retention.group_4_clear_years",
    "retention-group-4-clear-years",
    "STEELYARD_RETENTION_GROUP_4_CLEAR_YEARS",
    "6",
    "Review group 4, people of whom no offence of their own is held: clear years until the first review, and years from \
     one review to the next.",
);

pub(super) const CONCERN: Concern = Concern {
    title: "Retention",
    keys: &[&GROUP_1_REVIEW, &GROUP_1_UNTIL, &GROUP_2_CLEAR, &GROUP_3_CLEAR, &GROUP_3_REVIEW, &GROUP_4_CLEAR],
};

pub(super) fn settle(reader: &mut Reader<'_>) -> Option<Periods> {
    let mut number = |key: &'static Key, least, most| {
        let number = reader.value(key, |text| whole(text, least..=most));
        number.map(|number| u8::try_from(number).expect("a number within its range must fit"))
    };
    let [one, until, two, three, again, four] = [
        number(&GROUP_1_REVIEW, 1, 100),
        number(&GROUP_1_UNTIL, 50, 150),
        number(&GROUP_2_CLEAR, 1, 100),
        number(&GROUP_3_CLEAR, 1, 100),
        number(&GROUP_3_REVIEW, 1, 100),
        number(&GROUP_4_CLEAR, 1, 100),
    ];
    Some(Periods {
        group_1_review_years: one?,
        group_1_until_age: until?,
        group_2_clear_years: two?,
        group_3_clear_years: three?,
        group_3_review_years: again?,
        group_4_clear_years: four?,
    })
}
