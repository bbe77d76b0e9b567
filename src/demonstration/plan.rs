//! The dates of the one matter that a person is drawn for: what they are wanted for, or the
//! sentence that they serve. A life is drawn around it, so that nobody offends in prison and
//! nobody is sentenced while they are being looked for.

use super::career::{Career, Tier};
use super::crimes::{self as c, Crime};
use super::dice::Dice;
use super::outcome::sitting;
use super::thousand::{Lot, Release, needs_prison};
use crate::domain::Date;
use crate::pb::{Circulation, CloseOutcome, Outcome, OutstandingReason};

/// An offence of the plan.
#[derive(Clone, Copy, Debug)]
pub(super) struct IndexOffence {
    pub(super) crime: &'static Crime,
    pub(super) committed: Date,
    pub(super) outcome: Outcome,
    pub(super) outcome_date: Option<Date>,
}

/// The stay in custody of the plan, for its first offence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sentence {
    pub(super) start: Date,
    pub(super) planned: Option<Date>,
    pub(super) ended: Option<Date>,
}

/// One time during which a file was open.
#[derive(Clone, Copy, Debug)]
pub(super) struct Period {
    pub(super) opened: Date,
    pub(super) closed: Option<(Date, CloseOutcome)>,
}

/// A file on why a person is, or was, outstanding.
#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) reason: OutstandingReason,
    pub(super) periods: Vec<Period>,
    pub(super) circulation: Circulation,
    /// Places, among the person's cases, of those they are wanted for.
    pub(super) names: Vec<usize>,
    /// The day of the breach that the file tells, if a record of its own tells it too.
    pub(super) breach: Option<Date>,
}

/// What a life is drawn around.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Last day on which the person offends of their own accord.
    pub(super) active_until: Date,
    /// Last day on which courts and officers deal with the person's other cases.
    pub(super) horizon: Date,
    /// From this day the person is known to be at liberty, or in the custody of the plan.
    pub(super) settled_from: Option<Date>,
    /// Offences, earliest first.
    pub(super) offences: Vec<IndexOffence>,
    pub(super) sentence: Option<Sentence>,
    /// The file. Its names are places among `offences`.
    pub(super) file: Option<File>,
    /// The day an order was made that the file says was breached.
    pub(super) order_made: Option<Date>,
}

impl Plan {
    /// The plan of one person on a day.
    pub(super) fn draw(lot: &Lot, as_of: Date, dice: &mut Dice) -> Self {
        match (lot.wanted, lot.release) {
            (Some(reason), _) => wanted(lot, reason, as_of, dice),
            (None, Some(release)) => serving(lot, release, as_of, dice),
            (None, None) => Self {
                active_until: as_of,
                horizon: as_of,
                settled_from: None,
                offences: Vec::new(),
                sentence: None,
                file: None,
                order_made: None,
            },
        }
    }

    /// Least age in completed years that the plan asks of the person on `active_until`.
    pub(super) fn least_age(&self) -> i32 {
        self.offences.iter().map(|offence| offence.crime.least_age).max().unwrap_or(0)
    }
}

fn convicted(crime: &'static Crime, committed: Date, on: Date) -> IndexOffence {
    IndexOffence { crime, committed, outcome: Outcome::Convicted, outcome_date: Some(on) }
}

/// A sentence that runs out, by plan, on a day. Its offence comes first in the plan.
fn sentenced(
    lot: &Lot,
    out_on: Date,
    served: impl Fn(&mut Dice, &Crime) -> i32,
    dice: &mut Dice,
) -> (IndexOffence, Date) {
    let crime = dice.weighted(lot.career.prison_mix());
    let start = sitting(out_on - served(dice, crime));
    let committed = start - dice.between(60, 330);
    (convicted(crime.in_year(committed.ymd().0), committed, start), start)
}

fn full_term(dice: &mut Dice, crime: &Crime) -> i32 {
    dice.between(crime.prison.least_days, crime.prison.most_days)
}

fn serving(lot: &Lot, release: Release, as_of: Date, dice: &mut Dice) -> Plan {
    let (out_on, ended) = match release {
        Release::Soon => (as_of + dice.between(1, 27), false),
        Release::Lately => (as_of - dice.between(0, 27), true),
        Release::Far | Release::Unknown => (as_of + dice.between(300, 1500), false),
    };
    // Whoever has years to go was sentenced to years: the start must not be after the day of drawing.
    let served = |dice: &mut Dice, crime: &Crime| full_term(dice, crime).max(out_on - as_of + 60);
    let (offence, start) = sentenced(lot, out_on, served, dice);
    let planned = (release != Release::Unknown).then_some(out_on);
    Plan {
        active_until: offence.committed - 1,
        horizon: as_of,
        settled_from: Some(offence.committed),
        offences: vec![offence],
        sentence: Some(Sentence { start, planned, ended: ended.then_some(out_on) }),
        file: None,
        order_made: None,
    }
}

fn wanted(lot: &Lot, reason: OutstandingReason, as_of: Date, dice: &mut Dice) -> Plan {
    let (least, most) = dice.weighted(&[
        (20, (0, 6)),
        (30, (7, 60)),
        (24, (61, 240)),
        (16, (241, 900)),
        (8, (901, 2200)),
        (2, (2201, 3600)),
    ]);
    let opened = as_of - dice.between(least, most);
    let Sought { offences, names, sentence, breach, order_made } = sought(lot, reason, opened, dice);
    let settled_from = offences.first().map_or(opened, |offence| offence.committed);
    let periods = periods(reason, opened, as_of, dice);
    let open_since = periods.last().map_or(opened, |period| period.opened);
    let circulation = circulation(reason, as_of - open_since, dice);
    Plan {
        active_until: settled_from - 1,
        horizon: opened,
        settled_from: Some(settled_from),
        offences,
        sentence,
        file: Some(File { reason, periods, circulation, names, breach }),
        order_made,
    }
}

/// What led to a file.
#[derive(Default)]
struct Sought {
    offences: Vec<IndexOffence>,
    /// Places, among the offences, of those the person is wanted for.
    names: Vec<usize>,
    sentence: Option<Sentence>,
    breach: Option<Date>,
    order_made: Option<Date>,
}

impl Sought {
    fn for_one(offence: IndexOffence) -> Self {
        Self { offences: vec![offence], names: vec![0], ..Self::default() }
    }
}

fn sought(lot: &Lot, reason: OutstandingReason, opened: Date, dice: &mut Dice) -> Sought {
    match reason {
        OutstandingReason::NamedSuspectNotArrested => {
            let committed = opened - dice.sooner(0, 25);
            Sought::for_one(pending(lot, committed, Outcome::Suspected, None, dice))
        }
        OutstandingReason::UntracedUnderInvestigation => {
            let committed = opened - dice.between(5, 70);
            let interviewed = committed + dice.between(0, 5);
            Sought::for_one(pending(lot, committed, Outcome::ReleasedUnderInvestigation, Some(interviewed), dice))
        }
        OutstandingReason::FailedToSurrenderPoliceBail => {
            let committed = opened - dice.between(21, 90);
            let bailed = committed + dice.between(0, 15);
            Sought::for_one(pending(lot, committed, Outcome::Bailed, Some(bailed), dice))
        }
        OutstandingReason::BreachedPoliceBailConditions => {
            let committed = opened - dice.between(4, 45);
            let bailed = committed + dice.between(0, 3);
            let breach = dice.chance(600).then(|| (opened - dice.between(0, 3)).max(bailed));
            Sought { breach, ..Sought::for_one(pending(lot, committed, Outcome::Bailed, Some(bailed), dice)) }
        }
        OutstandingReason::FailedToSurrenderCourtBail
        | OutstandingReason::CourtWarrantNotBacked
        | OutstandingReason::CourtWarrantBacked => {
            let committed = opened - dice.between(30, 260);
            let charged = committed + dice.between(0, 25);
            let how = if reason == OutstandingReason::CourtWarrantBacked {
                dice.pick(&[Outcome::Charged, Outcome::Summonsed, Outcome::PostalRequisition])
            } else {
                Outcome::Charged
            };
            Sought::for_one(pending(lot, committed, how, Some(charged), dice))
        }
        OutstandingReason::FineDefaultWarrant => {
            let fined = sitting(opened - dice.between(60, 200));
            let crime = dice.pick(&[&c::SHOP_THEFT, &c::NO_INSURANCE, &c::NO_LICENCE, &c::DRUNK_AND_DISORDERLY]);
            Sought::for_one(convicted(crime, fined - dice.between(15, 150), fined))
        }
        OutstandingReason::BreachWarrant => {
            let made = sitting(opened - dice.between(30, 300));
            let crime = ordinary(lot, made, dice);
            Sought {
                breach: Some(opened - dice.between(1, 25)),
                order_made: Some(made),
                ..Sought::for_one(convicted(crime, made - dice.between(20, 200), made))
            }
        }
        OutstandingReason::RecallEmergency | OutstandingReason::RecallStandard | OutstandingReason::RecallFixedTerm => {
            let released = opened - dice.between(3, 270);
            let (offence, start) = sentenced(lot, released, full_term, dice);
            let sentence = Some(Sentence { start, planned: Some(released), ended: Some(released) });
            Sought { sentence, ..Sought::for_one(offence) }
        }
        OutstandingReason::Escape | OutstandingReason::AbscondFromOpenConditions => escaped(lot, opened, dice),
        // The conduct lies abroad: no offence record of it is held.
        OutstandingReason::ExtraditionWarrant => Sought::default(),
        OutstandingReason::NotificationBreach | OutstandingReason::Unspecified => {
            let sentenced = sitting(opened - dice.between(200, 2600));
            let first = convicted(&c::SEXUAL_ASSAULT, sentenced - dice.between(200, 700), sentenced);
            let failed = opened - dice.between(0, 14);
            Sought {
                offences: vec![first, suspected(&c::NOTIFICATION_FAILURE, failed)],
                names: vec![1],
                ..Sought::default()
            }
        }
    }
}

/// Gone in the middle of a sentence: wanted for its offence and for the escape.
fn escaped(lot: &Lot, opened: Date, dice: &mut Dice) -> Sought {
    let half_served = |dice: &mut Dice, crime: &Crime| full_term(dice, crime) / 2 + 20;
    let (offence, start) = sentenced(lot, opened, half_served, dice);
    let planned = Some(opened + dice.between(60, 500));
    Sought {
        offences: vec![offence, suspected(&c::ESCAPE, opened)],
        names: vec![0, 1],
        sentence: Some(Sentence { start, planned, ended: Some(opened) }),
        ..Sought::default()
    }
}

fn suspected(crime: &'static Crime, committed: Date) -> IndexOffence {
    IndexOffence { crime, committed, outcome: Outcome::Suspected, outcome_date: None }
}

/// An offence that such a person commits in ordinary times.
fn ordinary(lot: &Lot, on: Date, dice: &mut Dice) -> &'static Crime {
    dice.weighted(lot.career.mix()).in_year(on.ymd().0)
}

/// An offence not yet dealt with; sometimes far graver than anything the person did before.
fn pending(lot: &Lot, committed: Date, outcome: Outcome, on: Option<Date>, dice: &mut Dice) -> IndexOffence {
    let graver = match lot.tier {
        Tier::Prolific => 60,
        Tier::Occasional => 120,
        Tier::OneTime => 260,
    };
    let may_be_grave = lot.career != Career::CountyLines;
    let crime =
        if may_be_grave && dice.chance(graver) { dice.weighted(c::GRAVEST) } else { ordinary(lot, committed, dice) };
    IndexOffence { crime: crime.in_year(committed.ymd().0), committed, outcome, outcome_date: on }
}

/// One time open, or two: found, bailed again, and gone again.
fn periods(reason: OutstandingReason, opened: Date, as_of: Date, dice: &mut Dice) -> Vec<Period> {
    let days = as_of - opened;
    if needs_prison(reason) || days < 40 || !dice.chance(200) {
        return vec![Period { opened, closed: None }];
    }
    let closed = opened + dice.between(3, days - 20);
    let reopened = dice.day(closed + 7, as_of);
    vec![Period { opened, closed: Some((closed, closing(reason, dice))) }, Period { opened: reopened, closed: None }]
}

/// How a file with such a reason closes.
pub(super) fn closing(reason: OutstandingReason, dice: &mut Dice) -> CloseOutcome {
    match reason {
        OutstandingReason::CourtWarrantNotBacked
        | OutstandingReason::CourtWarrantBacked
        | OutstandingReason::FineDefaultWarrant
        | OutstandingReason::BreachWarrant
        | OutstandingReason::ExtraditionWarrant => {
            dice.weighted(&[(7, CloseOutcome::Executed), (2, CloseOutcome::Surrendered), (1, CloseOutcome::Withdrawn)])
        }
        OutstandingReason::Unspecified
        | OutstandingReason::NamedSuspectNotArrested
        | OutstandingReason::FailedToSurrenderPoliceBail
        | OutstandingReason::BreachedPoliceBailConditions
        | OutstandingReason::FailedToSurrenderCourtBail
        | OutstandingReason::RecallEmergency
        | OutstandingReason::RecallStandard
        | OutstandingReason::RecallFixedTerm
        | OutstandingReason::Escape
        | OutstandingReason::AbscondFromOpenConditions
        | OutstandingReason::UntracedUnderInvestigation
        | OutstandingReason::NotificationBreach => {
            dice.weighted(&[(8, CloseOutcome::Arrested), (2, CloseOutcome::Surrendered), (1, CloseOutcome::Withdrawn)])
        }
    }
}

/// Where a file open for some days is circulated: most within days, some never.
fn circulation(reason: OutstandingReason, days_open: i32, dice: &mut Dice) -> Circulation {
    if reason == OutstandingReason::ExtraditionWarrant {
        return dice.pick(&[Circulation::International, Circulation::International, Circulation::PncWanted]);
    }
    if days_open < 3 {
        return dice.weighted(&[
            (35, Circulation::NotCirculated),
            (30, Circulation::Pending),
            (30, Circulation::PncWanted),
            (5, Circulation::ForceOnly),
        ]);
    }
    dice.weighted(&[
        (62, Circulation::PncWanted),
        (11, Circulation::ForceOnly),
        (9, Circulation::PncLocateTrace),
        (5, Circulation::Pending),
        (9, Circulation::NotCirculated),
        (3, Circulation::Cancelled),
        (1, Circulation::International),
    ])
}
