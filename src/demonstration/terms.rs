//! On what terms a person is outstanding: the bail that was broken, the warrant, the recall, and
//! what was asked about them elsewhere.

use super::dice::Dice;
use super::life::Life;
use super::pen::{stamp, written};
use super::supervised::{Care, Watch};
use crate::domain::moment::HOUR;
use crate::domain::{Date, Moment};
use crate::pb::{BailTerms, Outstanding, OutstandingReason, OverseasCheck, RecallTerms, WarrantCategory, WarrantTerms};

/// Conditions of bail. They name nobody.
const CONDITIONS: [&str; 6] = [
    "Demonstration: not to contact the complainant by any means",
    "Demonstration: to live and sleep at the address given",
    "Demonstration: curfew from 21:00 to 06:00",
    "Demonstration: not to enter the area marked on the plan",
    "Demonstration: to report to the front desk on Mondays and Thursdays",
    "Demonstration: not to contact witnesses",
];

/// Writes the terms of a file; by when all that they tell was known.
pub(super) fn write(outstanding: &mut Outstanding, watch: &Watch<'_>, life: &Life, dice: &mut Dice) -> Moment {
    let reason = watch.file.reason;
    let Some(first) = watch.file.periods.first().map(|period| period.opened) else { return Moment(i64::MIN) };
    match reason {
        OutstandingReason::FailedToSurrenderPoliceBail
        | OutstandingReason::BreachedPoliceBailConditions
        | OutstandingReason::FailedToSurrenderCourtBail => {
            outstanding.bail = Some(bail(watch, life, first, dice));
        }
        OutstandingReason::CourtWarrantNotBacked
        | OutstandingReason::CourtWarrantBacked
        | OutstandingReason::FineDefaultWarrant
        | OutstandingReason::BreachWarrant
        | OutstandingReason::ExtraditionWarrant => outstanding.warrant = Some(warrant(watch, first, dice)),
        OutstandingReason::RecallEmergency | OutstandingReason::RecallStandard | OutstandingReason::RecallFixedTerm => {
            outstanding.recall = Some(recall(watch, first, dice));
        }
        OutstandingReason::Unspecified
        | OutstandingReason::NamedSuspectNotArrested
        | OutstandingReason::Escape
        | OutstandingReason::AbscondFromOpenConditions
        | OutstandingReason::UntracedUnderInvestigation
        | OutstandingReason::NotificationBreach => {}
    }
    let convictions = overseas(watch, first, dice);
    let immigration = overseas(watch, first, dice);
    let told = convictions.iter().chain(&immigration).map(|(_, last)| *last).max();
    outstanding.overseas_convictions = convictions.map(|(check, _)| check);
    outstanding.immigration = immigration.map(|(check, _)| check);
    // No day tells the hour: known in the morning of it.
    told.map_or(Moment(i64::MIN), |day| Moment::of(day.london_midnight()) + 8 * HOUR)
}

fn bail(watch: &Watch<'_>, life: &Life, failed: Date, dice: &mut Dice) -> BailTerms {
    let case = watch.file.names.first().map(|place| &life.cases[*place]);
    let bailed = case.and_then(|case| case.outcome_date).unwrap_or(failed).min(failed);
    let court = watch.file.reason == OutstandingReason::FailedToSurrenderCourtBail;
    let broken = watch.file.reason == OutstandingReason::BreachedPoliceBailConditions;
    let due = if broken { failed + dice.between(2, 28) } else { failed };
    // Put off by four weeks, as often as there was time for.
    let put_off = if dice.chance(400) { dice.between(0, ((due - bailed) / 28).clamp(0, 3)) } else { 0 };
    let at_first = due - 28 * put_off;
    let mut conditions: Vec<&str> = CONDITIONS.to_vec();
    dice.shuffle(&mut conditions);
    let count = usize::try_from(dice.between(i32::from(broken), 3)).unwrap_or(0);
    BailTerms {
        surrender_on: at_first.to_string(),
        place: if court { "Demonstration magistrates' court" } else { "Demonstration custody suite" }.to_owned(),
        extended_to: (1..=put_off).map(|nth| (at_first + 28 * nth).to_string()).collect(),
        conditions: conditions.into_iter().take(count).map(str::to_owned).collect(),
    }
}

fn warrant(watch: &Watch<'_>, opened: Date, dice: &mut Dice) -> WarrantTerms {
    let category = dice.weighted(&[
        (20, WarrantCategory::A),
        (35, WarrantCategory::B),
        (38, WarrantCategory::C),
        (7, WarrantCategory::Unspecified),
    ]);
    let issued = (opened - dice.sooner(0, 4)).max(watch.file.breach.unwrap_or(opened - 4)).min(opened);
    let target = dice.chance(250).then(|| issued + dice.between(7, 42));
    let abroad = watch.file.reason == OutstandingReason::ExtraditionWarrant;
    WarrantTerms {
        category: category.into(),
        issued_on: written((!dice.chance(100)).then_some(issued)),
        target_on: written(target),
        court: if abroad { "Demonstration court abroad" } else { "Demonstration magistrates' court" }.to_owned(),
    }
}

fn recall(watch: &Watch<'_>, opened: Date, dice: &mut Dice) -> RecallTerms {
    let told = watch.spans.first().map(|span| span.opened).filter(|_| dice.chance(800));
    let days = if watch.file.reason == OutstandingReason::RecallEmergency { 1 } else { 3 };
    RecallTerms {
        notified_time: told.map(|opened| stamp(opened + -60 * i64::from(dice.between(5, 300)))),
        target_on: written(dice.chance(250).then(|| opened + dice.between(days, 2 * days))),
    }
}

/// What was asked of another body, and the last day that it tells of.
fn overseas(watch: &Watch<'_>, opened: Date, dice: &mut Dice) -> Option<(OverseasCheck, Date)> {
    let (often, late) = match watch.care {
        Care::Exemplary => (450, 2),
        Care::Ordinary => (240, 20),
        Care::Slipping => (100, 60),
        Care::Neglected => return None,
    };
    if !dice.chance(often) {
        return None;
    }
    let asked = (opened + dice.between(0, late)).min(watch.as_of);
    let answered = asked + dice.between(2, 40);
    let answered = (answered <= watch.as_of && dice.chance(850)).then_some(answered);
    let check = OverseasCheck { asked_on: asked.to_string(), answered_on: written(answered) };
    Some((check, answered.unwrap_or(asked)))
}
