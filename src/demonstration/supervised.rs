//! How well each file of a life is looked after: some are exemplary, some neglected, most in
//! between. Drawn by chance of its own after everything else was written, and then written into
//! the file (when exactly it opened, since when it is circulated, on what terms) and into records
//! of what was done and reviewed. Nothing drawn before depends on it.

use super::crimes::Crime;
use super::dice::{Dice, Purpose};
use super::life::{Life, Setting};
use super::pen::{Pen, System, record_after, stamp};
use super::plan::{File, Period};
use super::searched;
use super::terms;
use super::thousand::Managed;
use crate::domain::moment::HOUR;
use crate::domain::{Date, Moment};
use crate::pb::{
    Activity, ActivityKind, ActivityOutcome, Circulation, CloseOutcome, CohortMembership, OpenPeriod, Outstanding,
    OutstandingReason, record::Kind,
};

/// How well somebody looks after a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// Nothing is late.
    Exemplary,
    /// Most is in time.
    Ordinary,
    /// Begun, and late since.
    Slipping,
    /// Hardly touched.
    Neglected,
}

/// How many in a hundred files are looked after how well.
const CARE: [(u32, Care); 4] =
    [(22, Care::Exemplary), (46, Care::Ordinary), (19, Care::Slipping), (13, Care::Neglected)];
/// Those that are not circulated as wanted.
const CARE_HALF_CIRCULATED: [(u32, Care); 4] =
    [(6, Care::Exemplary), (46, Care::Ordinary), (30, Care::Slipping), (18, Care::Neglected)];
/// Those not circulated for days.
const CARE_NOT_CIRCULATED: [(u32, Care); 3] = [(15, Care::Ordinary), (38, Care::Slipping), (47, Care::Neglected)];

/// Days within which a good officer does something, and a good supervisor looks.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) activity: i32,
    pub(super) review: i32,
}

/// One time open, to the second.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    pub(super) opened: Moment,
    pub(super) closed: Option<(Moment, CloseOutcome)>,
}

/// A file and whoever looks after it.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    pub(super) file: &'a File,
    pub(super) id: &'a str,
    pub(super) care: Care,
    pub(super) pace: Pace,
    pub(super) spans: Vec<Span>,
    pub(super) as_of: Date,
    /// Number of the person.
    pub(super) number: u32,
    /// Letters of the area.
    pub(super) letters: &'static str,
    /// Reference of the officer in the case.
    pub(super) officer: String,
    /// Reference of the supervisor. Nobody was named where the file says none.
    pub(super) supervisor: String,
}

/// Writes how everything of a person is looked after: files, then membership.
pub(super) fn supervise(
    pen: &mut Pen,
    setting: Setting<'_>,
    life: &Life,
    ids: &[String],
    letters: &'static str,
    seed: u64,
) {
    let mut dice = Dice::new(seed, Purpose::Supervision, u64::from(setting.number));
    let dice = &mut dice;
    let death = death(pen, setting, life, dice);
    let mut watches = Vec::with_capacity(ids.len());
    for (file, id) in life.files.iter().zip(ids) {
        let mut periods = file.periods.clone();
        if let Some(last) = periods.last_mut()
            && last.closed.is_none()
        {
            last.closed = death.map(|day| (day, CloseOutcome::Deceased));
        }
        watches.extend(watch(pen, setting, life, (file, id), &periods, letters, dice));
    }
    for watch in &watches {
        searched::write(pen, life, watch, dice);
    }
    managed(pen, setting, dice);
}

/// Some who were looked for for months turn out to have died, after all else that is known of them.
fn death(pen: &Pen, setting: Setting<'_>, life: &Life, dice: &mut Dice) -> Option<Date> {
    let as_of = setting.as_of;
    // The first thousand hold three open files of every reason.
    let sought_for_months = life.is_wanted()
        && setting.thousand.number() > 0
        && life.files.iter().all(|file| file.periods.last().is_some_and(|last| as_of - last.opened > 60));
    if !sought_for_months || matches!(setting.lot.managed, Managed::Now(_)) || !dice.chance(80) {
        return None;
    }
    let known = pen.so_far().iter().filter_map(|record| record.recorded_time.as_ref());
    let known = known.map(|recorded| Moment(recorded.seconds).day()).max()?;
    (known < as_of - 2).then(|| dice.day(known + 1, as_of - 1))
}

/// Draws who looks after a file and how well, and brings its record up to date.
fn watch<'a>(
    pen: &mut Pen,
    setting: Setting<'_>,
    life: &Life,
    (file, id): (&'a File, &'a str),
    periods: &[Period],
    letters: &'static str,
    dice: &mut Dice,
) -> Option<Watch<'a>> {
    let as_of = setting.as_of;
    let record = pen.again(id)?;
    let Some(Kind::Outstanding(outstanding)) = &mut record.kind else { return None };
    let days_open = periods.last().map_or(0, |last| as_of - last.opened);
    let care = care(file.circulation, days_open, dice);
    let no_supervisor = care == Care::Neglected && dice.chance(300);
    let supervisor = format!("DEMO-SGT-{letters}{}", 1 + dice.below(4));
    outstanding.supervisor = if no_supervisor { String::new() } else { supervisor.clone() };
    let (spans, known) = opened_and_closed(outstanding, periods, as_of, dice);
    let watch = Watch {
        file,
        id,
        care,
        pace: pace(file, life),
        spans,
        as_of,
        number: setting.number,
        letters,
        officer: outstanding.officer.clone(),
        supervisor,
    };
    let circulated = watch.circulate(outstanding, dice);
    let checked = terms::write(outstanding, &watch, life, dice);
    let latest = known.max(circulated).max(checked);
    record_after(record, latest);
    // What was written on the day of drawing was written early, so that whoever looks that day can add to it.
    let morning = ends(as_of, as_of);
    if let Some(recorded) = &mut record.recorded_time
        && Moment(recorded.seconds).day() == as_of
    {
        recorded.seconds = morning.0;
    }
    Some(watch)
}

fn care(circulation: Circulation, days_open: i32, dice: &mut Dice) -> Care {
    if days_open < 3 {
        return dice.weighted(&CARE);
    }
    match circulation {
        Circulation::PncWanted | Circulation::ForceOnly | Circulation::International => dice.weighted(&CARE),
        Circulation::Pending | Circulation::PncLocateTrace | Circulation::Cancelled => {
            dice.weighted(&CARE_HALF_CIRCULATED)
        }
        Circulation::NotCirculated | Circulation::Unspecified => dice.weighted(&CARE_NOT_CIRCULATED),
    }
}

/// How soon such a file asks for something, as an officer would judge before any score.
fn pace(file: &File, life: &Life) -> Pace {
    let longest = |crime: &Crime| if crime.prison.per_mille > 0 { crime.prison.most_days } else { 0 };
    let gravest = file.names.iter().map(|place| longest(life.cases[*place].crime)).max().unwrap_or(0);
    let urgent = matches!(file.reason, OutstandingReason::RecallEmergency | OutstandingReason::Escape);
    let pressing = matches!(
        file.reason,
        OutstandingReason::RecallStandard
            | OutstandingReason::RecallFixedTerm
            | OutstandingReason::AbscondFromOpenConditions
    );
    if urgent || gravest >= 1_200 {
        Pace { activity: 1, review: 1 }
    } else if pressing || gravest >= 400 {
        Pace { activity: 3, review: 7 }
    } else {
        Pace { activity: 7, review: 14 }
    }
}

/// When a working day begins on which something may be done.
fn begins(day: Date) -> Moment {
    Moment::of(day.london_midnight()) + 6 * HOUR
}

/// The last moment of a day at which something is done. On the day of drawing it is early, so that
/// nothing lies ahead of whoever looks at the force that day.
pub(super) fn ends(day: Date, as_of: Date) -> Moment {
    let hours = if day < as_of { 20 } else { super::LAST_DAY_HOURS };
    Moment::of(day.london_midnight()) + hours * HOUR
}

/// A moment from one to another, both included; the second where they are out of order.
pub(super) fn between(from: Moment, to: Moment, dice: &mut Dice) -> Moment {
    let minutes = i32::try_from((to - from) / 60).unwrap_or(i32::MAX);
    if minutes <= 0 { to } else { from + 60 * i64::from(dice.between(0, minutes)) }
}

/// Writes periods to the second, most of them, and says by when all of it was known.
fn opened_and_closed(
    outstanding: &mut Outstanding,
    periods: &[Period],
    as_of: Date,
    dice: &mut Dice,
) -> (Vec<Span>, Moment) {
    let mut known = Moment(i64::MIN);
    let mut when = |day: Date, from: Moment, to: Moment, dice: &mut Dice| {
        let by_the_day_alone = as_of - day > 4 && dice.chance(150);
        let moment = if by_the_day_alone { Moment::end_of(day) } else { between(from, to, dice) };
        known = known.max(if by_the_day_alone { moment + 10 * HOUR } else { moment });
        (moment, (!by_the_day_alone).then(|| stamp(moment)))
    };
    let (mut spans, mut written) = (Vec::new(), Vec::new());
    for period in periods {
        let midnight = Moment::of(period.opened.london_midnight());
        let last = if period.opened < as_of { 19 } else { 5 };
        let (opened, opened_time) = when(period.opened, midnight, midnight + last * HOUR, dice);
        let mut closed_time = None;
        let closed = period.closed.map(|(day, outcome)| {
            let (closed, time) = when(day, begins(day).max(opened), ends(day, as_of).max(opened), dice);
            closed_time = time;
            (closed.max(opened), outcome)
        });
        let by = |dice: &mut Dice| if dice.chance(850) { closer(&outstanding.officer, dice) } else { String::new() };
        written.push(OpenPeriod {
            opened_on: period.opened.to_string(),
            closed_on: super::pen::written(period.closed.map(|(day, _)| day)),
            outcome: period.closed.map_or(0, |(_, outcome)| outcome.into()),
            opened_time,
            closed_time,
            closed_by: if closed.is_some() { by(dice) } else { String::new() },
        });
        spans.push(Span { opened, closed });
    }
    outstanding.periods = written;
    (spans, known)
}

/// Whoever closes a file: the officer in the case, or a colleague on duty.
fn closer(officer: &str, dice: &mut Dice) -> String {
    if dice.chance(600) { officer.to_owned() } else { format!("DEMO-PC-{:03}", dice.below(400)) }
}

impl Watch<'_> {
    /// Whether the file is open.
    pub(super) fn is_open(&self) -> bool {
        self.spans.last().is_some_and(|span| span.closed.is_none())
    }

    /// Last moment of a span at which something may be done.
    pub(super) fn until(&self, span: &Span) -> Moment {
        span.closed.map_or(ends(self.as_of, self.as_of), |(closed, _)| closed)
    }

    /// A moment on a day on which the span is open, in working hours. `None`: there is none.
    pub(super) fn moment(&self, span: &Span, day: Date, dice: &mut Dice) -> Option<Moment> {
        let from = begins(day).max(span.opened);
        let to = ends(day, self.as_of).min(self.until(span));
        (from <= to).then(|| between(from, to, dice))
    }
}

/// What is done with a managed nominal, in the last four months of it.
fn managed(pen: &mut Pen, setting: Setting<'_>, dice: &mut Dice) {
    let as_of = setting.as_of;
    let member = pen.so_far().iter().find_map(|record| {
        let Some(Kind::CohortMembership(membership)) = &record.kind else { return None };
        Some((record.event_date.parse().ok()?, membership.clone()))
    });
    let Some((selected, membership)): Option<(Date, CohortMembership)> = member else { return };
    let last = membership.ended_on.parse().unwrap_or(as_of);
    let (often, meetings) = match dice.weighted(&CARE) {
        Care::Exemplary => (dice.between(7, 10), 3),
        Care::Ordinary => (dice.between(16, 30), dice.between(1, 2)),
        Care::Slipping => (dice.between(45, 80), dice.between(0, 1)),
        Care::Neglected => (300, 0),
    };
    let first = selected.max(last - 120);
    let mut done: Vec<(Moment, ActivityKind, ActivityOutcome, i32)> = Vec::new();
    let mut day = last - dice.between(0, often);
    while day > first && done.len() < 10 {
        let outcome = dice.weighted(&[
            (75, ActivityOutcome::Seen),
            (15, ActivityOutcome::NoTrace),
            (10, ActivityOutcome::Information),
        ]);
        done.push((between(begins(day), ends(day, as_of), dice), ActivityKind::NominalSeen, outcome, 45));
        day = day - often - dice.between(-2, 4);
    }
    for _ in 0..meetings {
        let day = dice.day(first, last);
        done.push((
            between(begins(day), ends(day, as_of), dice),
            ActivityKind::PartnerMeeting,
            ActivityOutcome::Information,
            60,
        ));
    }
    done.sort_unstable_by_key(|(moment, kind, ..)| (*moment, *kind as i32));
    for (moment, kind, outcome, minutes) in done {
        let partner = kind == ActivityKind::PartnerMeeting;
        let activity = Activity {
            activity_kind: kind.into(),
            outcome: outcome.into(),
            officer: membership.offender_manager.clone(),
            done_time: Some(stamp(moment)),
            minutes: u32::try_from(minutes + 5 * dice.between(-4, 6)).unwrap_or(0),
            target_ref: if partner { dice.pick(&searched::AGENCIES).to_owned() } else { String::new() },
            ..Activity::default()
        };
        pen.write_at(System::Management, moment, Kind::Activity(activity), dice);
    }
}
