//! Which generations are kept: every day's for some time, and then the last of
//! each month. What is let go of stays in the ledger, with its digest. Pure.

use std::collections::BTreeMap;

use super::runs::Generation;
use crate::config::Retention;

/// Generations among those kept that are to be let go of.
pub fn surplus(published: &[Generation], kept: &[u64], retention: &Retention) -> Vec<u64> {
    let Some(newest) = published.last() else { return Vec::new() };
    let mut last_of_month: BTreeMap<(i16, i8), u64> = BTreeMap::new();
    for generation in published {
        let (year, month, _) = generation.as_of.ymd();
        // The newest of a month that is still kept: one that was lost must not take a month's place.
        if kept.contains(&generation.number) {
            last_of_month.insert((year, month), generation.number);
        }
    }
    let months = i32::try_from(retention.months).unwrap_or(i32::MAX);
    let (oldest_day, oldest_month) =
        (newest.as_of - i32::try_from(retention.days).unwrap_or(i32::MAX), newest.as_of.plus_months(-months));
    let stays = |generation: &&Generation| {
        let (year, month, _) = generation.as_of.ymd();
        generation.number == newest.number
            || generation.as_of > oldest_day
            || (generation.as_of > oldest_month && last_of_month.get(&(year, month)) == Some(&generation.number))
    };
    let gone = published.iter().filter(|generation| kept.contains(&generation.number) && !stays(generation));
    gone.map(|generation| generation.number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Date, Revision};

    fn nights(count: u64) -> Vec<Generation> {
        (1..=count)
            .map(|number| Generation {
                number,
                as_of: Date::from_days(20_000 + i32::try_from(number).unwrap()),
                policy_version: "p".into(),
                weighed: Revision(number),
                published: Revision(number),
                published_micros: 0,
                run: [0; 16],
                digest: [0; 32],
                subjects: 1,
                engine_version: "e".into(),
                erased: Box::default(),
            })
            .collect()
    }

    #[test]
    fn days_are_kept_for_a_while_and_then_the_last_of_each_month() {
        let published = nights(400);
        let mut kept: Vec<u64> = (1..=400).collect();
        let retention = Retention { days: 90, months: 84 };
        let gone = surplus(&published, &kept, &retention);
        kept.retain(|number| !gone.contains(number));
        assert!(kept.ends_with(&(311..=400).collect::<Vec<_>>()), "ninety days");
        let older: Vec<Date> = kept
            .iter()
            .filter(|number| **number < 311)
            .map(|number| published[usize::try_from(*number).unwrap() - 1].as_of)
            .collect();
        assert_eq!(older.len(), 10, "{older:?}");
        for day in &older {
            assert_ne!(day.ymd().1, (*day + 1).ymd().1, "{day} is the last of its month");
        }
        assert!(surplus(&published, &kept, &retention).is_empty(), "once is enough");
    }

    #[test]
    fn months_go_in_the_end_and_the_newest_always_stays() {
        let published = nights(800);
        let kept: Vec<u64> = (1..=800).collect();
        let gone = surplus(&published, &kept, &Retention { days: 1, months: 1 });
        let left: Vec<u64> = kept.iter().copied().filter(|number| !gone.contains(number)).collect();
        assert!(left.contains(&800) && left.len() <= 3, "{left:?}");
        assert_eq!(surplus(&published, &kept, &Retention { days: 0, months: 0 }).len(), 799);
    }
}
