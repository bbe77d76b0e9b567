//! An offence of unknown date may turn out to be another record's offence, or
//! one that only seemed to be: the interval holds both.

use crate::domain::Date;
use crate::domain::word::Outcome;
use crate::scoring::composite::{Weighed, explain, weigh};
use crate::scoring::fixture::{ABH, Records, SHOP_THEFT, day, rules};

fn weighed(records: &Records) -> Weighed {
    weigh(&records.dossier(), rules(), day(0))
}

/// An offence reported on `reported`, on a day that is known or not.
fn reported(records: Records, id: &str, code: &str, reported: Date, committed: Option<Date>) -> Records {
    records.offence(id, code, reported, Outcome::Convicted).edit_offence(|offence| offence.committed = committed)
}

#[test]
fn one_reported_on_the_day_of_another_may_be_a_second() {
    let other = Records::new().offence("a", ABH, day(-100), Outcome::Convicted);
    let unknown = reported(other.clone(), "b", ABH, day(-100), None);
    let earlier = weighed(&reported(other.clone(), "b", ABH, day(-100), Some(day(-101)))).harm;
    let harm = weighed(&unknown).harm;
    assert_eq!(harm.point, weighed(&other).harm.point);
    assert!(harm.high >= earlier.point && earlier.point > harm.point, "{harm:?} {earlier:?}");
    assert_eq!(harm.low, harm.point);
    let told = explain(&unknown.dossier(), rules(), day(0), crate::domain::word::Family::Cohort);
    assert!(told.gaps.iter().any(|gap| gap.reason == "OFFENCE_DATE_UNKNOWN" && gap.widens));
}

#[test]
fn one_reported_after_another_may_be_the_same() {
    let other = Records::new().offence("a", ABH, day(-130), Outcome::Convicted);
    let unknown = weighed(&reported(other.clone(), "b", ABH, day(-100), None)).harm;
    let same = weighed(&reported(other.clone(), "b", ABH, day(-100), Some(day(-130)))).harm;
    assert_eq!(same.point, weighed(&other).harm.point);
    assert!(unknown.low <= same.point && same.point < unknown.point, "{unknown:?} {same:?}");
    // More than a year apart they cannot be one.
    let apart = |days: i32| {
        let old = Records::new().offence("a", ABH, day(days), Outcome::Convicted);
        let low = weighed(&reported(old.clone(), "b", ABH, day(-100), None)).harm.low;
        (low, weighed(&old).harm.point)
    };
    let (low, alone) = apart(-500);
    assert!(low > alone);
}

#[test]
fn records_of_unknown_date_lend_a_known_one_no_proof_at_the_lower_end() {
    let suspected = Records::new().offence("a", ABH, day(-100), Outcome::Suspected);
    let both = weighed(&reported(suspected.clone(), "b", ABH, day(-100), None)).harm;
    assert_eq!(both.low, weighed(&suspected).harm.point);
    assert!(both.low < both.point);
}

#[test]
fn a_day_in_between_may_make_offences_repeated() {
    let two =
        Records::new().offence("a", ABH, day(-20), Outcome::Charged).offence("b", ABH, day(-10), Outcome::Charged);
    let unknown = weighed(&reported(two.clone(), "c", ABH, day(-10), None)).threat;
    let known = weighed(&reported(two, "c", ABH, day(-10), Some(day(-15)))).threat;
    assert!(known.point > unknown.point);
    assert_eq!((unknown.low, unknown.high), (unknown.point, known.point));
}

#[test]
fn a_day_in_between_may_make_one_more_contact() {
    let one = Records::new().offence("a", SHOP_THEFT, day(-10), Outcome::Suspected);
    let charged = |committed| {
        weighed(
            &one.clone()
                .offence("b", SHOP_THEFT, day(-10), Outcome::Suspected)
                .edit_offence(|offence| offence.committed = committed),
        )
        .risk
    };
    let (unknown, known) = (charged(None), charged(Some(day(-15))));
    assert!(known.point > unknown.point);
    assert!(unknown.low <= known.point && known.point <= unknown.high, "{unknown:?} {known:?}");
}
