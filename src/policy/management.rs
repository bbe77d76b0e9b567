//! The parts of a policy file that supervision and the cohort read: what has to
//! happen by when, and where the lines lie. Nothing here is ever part of a score.

use std::ops::RangeInclusive;

use super::section::Section;
use super::{Allowance, CohortPolicy, SupervisionPolicy};
use crate::domain::moment::{DAY, HOUR};
use crate::domain::word::{ActivityKind, Circulation};

/// Days of a clock: at least one, so that what is elapsed can be told as a share of what is allowed.
const DAYS: RangeInclusive<i64> = 1..=3_650;
const HOURS: RangeInclusive<i64> = 1..=87_600;

pub(super) fn supervision(section: &Section<'_>) -> SupervisionPolicy {
    let escalation = section.section("escalation");
    escalation.ascending(&["inspector_days", "chief_inspector_days"]);
    let victim = section.section("victim_update");
    let warrant = section.section("warrant_days");
    let recall = section.section("recall_days");
    let days = |section: &Section<'_>, key: &str| section.whole::<i64>(key, DAYS) * DAY;
    SupervisionPolicy {
        circulation: allowance(&section.section("circulation_hours"), HOURS, HOUR),
        activity: allowance(&section.section("activity_days"), DAYS, DAY),
        review: allowance(&section.section("review_days"), DAYS, DAY),
        inspector: days(&escalation, "inspector_days"),
        chief_inspector: days(&escalation, "chief_inspector_days"),
        escalation_window: days(&escalation, "window_days"),
        circulated: section.words("circulated", |word| {
            let stops = |found: &&Circulation| word_of(found.proto().as_str_name(), "CIRCULATION_") == word;
            Circulation::ALL.iter().find(stops).copied()
        }),
        meaningful: section.words("meaningful", |word| {
            let named = |found: &&ActivityKind| word_of(found.proto().as_str_name(), "ACTIVITY_KIND_") == word;
            ActivityKind::ALL.iter().filter(|kind| !kind.is_for_cohort()).find(named).copied()
        }),
        same_target: section.whole::<i64>("same_target_days", 0..=365) * DAY,
        same_case: section.whole::<i64>("same_case_days", 0..=3_650) * DAY,
        victim_enhanced: days(&victim, "enhanced_days"),
        victim_standard: days(&victim, "standard_days"),
        victim_then: days(&victim, "then_every_days"),
        warrant_days: ["a", "b", "c"].map(|category| warrant.whole(category, DAYS)),
        emergency_recall_days: recall.whole("emergency", DAYS),
        recall_days: recall.whole("other", DAYS),
    }
}

fn word_of<'a>(name: &'a str, prefix: &str) -> &'a str {
    name.strip_prefix(prefix).unwrap_or(name)
}

/// Allowances by band: a higher band never has more time.
fn allowance(section: &Section<'_>, range: RangeInclusive<i64>, unit: i64) -> Allowance {
    let keys = ["low", "medium", "high", "very_high"];
    let read = keys.map(|key| section.whole::<i64>(key, range.clone()));
    for (values, keys) in read.windows(2).zip(keys.windows(2)) {
        // 0 stands in for one that was refused.
        if values[1] > values[0] && values[0] > 0 {
            let message = format!("must not be above {}: a higher band never has more time", keys[0]);
            section.fault(keys[1], "NOT_DESCENDING", &message);
        }
    }
    Allowance::new(read.map(|number| number * unit))
}

pub(super) fn cohort(section: &Section<'_>) -> CohortPolicy {
    section.ascending(&["flex_arp", "fixed_arp"]);
    let review = section.section("review_days");
    let workload = section.section("workload");
    CohortPolicy {
        fixed_arp: section.number("fixed_arp", 0.000_1..=1.0),
        flex_arp: section.number("flex_arp", 0.000_1..=1.0),
        neighbourhood_within_days: section.whole("neighbourhood_within_days", 1..=36_525),
        review_days: ["red", "amber", "green"].map(|grade| review.whole(grade, DAYS)),
        blue_before_release_days: review.whole("blue_before_release", 0..=3_650),
        workload: ["low", "medium", "high", "very_high"].map(|band| workload.whole(band, 0..=1_000)),
    }
}
