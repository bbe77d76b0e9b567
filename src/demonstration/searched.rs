//! What is done to find a person, and whom it is told. Some officers go to another place each time,
//! some knock on one door twice in a week, some open the file and close it again.

use super::dice::Dice;
use super::life::Life;
use super::pen::{Pen, System, stamp};
use super::supervised::{Care, Span, Watch};
use crate::domain::Moment;
use crate::pb::{Activity, ActivityKind, ActivityOutcome, CloseOutcome, Victim, record::Kind};

/// Agencies asked.
pub(super) const AGENCIES: [&str; 6] = [
    "DEMO-AGENCY-HOUSING",
    "DEMO-AGENCY-BENEFITS",
    "DEMO-AGENCY-PROBATION",
    "DEMO-AGENCY-LICENSING",
    "DEMO-AGENCY-BORDER",
    "DEMO-AGENCY-HOSPITAL",
];

/// One record to be written.
pub(super) type Done = (Moment, Kind);

/// Writes everything that was done about a file, in order of time.
pub(super) fn write(pen: &mut Pen, life: &Life, watch: &Watch<'_>, dice: &mut Dice) {
    let mut done: Vec<Done> = Vec::new();
    for (place, span) in watch.spans.iter().enumerate() {
        let last = place + 1 == watch.spans.len();
        watch.search(span, last, &mut done, dice);
        watch.tell(span, last, life, &mut done, dice);
        watch.review(span, last, &mut done, dice);
    }
    done.sort_by_key(|(moment, _)| *moment);
    for (moment, kind) in done {
        pen.write_at(System::Custody, moment, kind, dice);
    }
}

/// Days of a span, counted from its first, going back from the last by steps that grow.
pub(super) struct Rhythm {
    /// Days before the last.
    pub(super) back: i32,
    pub(super) step: i32,
    /// How steps grow, in hundredths.
    pub(super) growth: i32,
    pub(super) most: i32,
}

impl Rhythm {
    pub(super) fn days(&self, length: i32) -> Vec<i32> {
        let mut days = Vec::new();
        let (mut back, mut step) = (self.back, self.step.max(1));
        while back < length && days.len() < usize::try_from(self.most).unwrap_or(0) {
            days.push(length - back);
            back += step;
            step = step * self.growth / 100 + 1;
        }
        days
    }
}

impl Watch<'_> {
    /// Days from the first of a span to its last.
    pub(super) fn length(&self, span: &Span) -> i32 {
        // A second back, so that what closed at a day's end closed on that day.
        (self.until(span) + -1).day() - span.opened.day()
    }

    /// A moment on the `nth` day of a span.
    pub(super) fn on(&self, span: &Span, nth: i32, dice: &mut Dice) -> Option<Moment> {
        self.moment(span, span.opened.day() + nth, dice)
    }

    fn search(&self, span: &Span, last: bool, done: &mut Vec<Done>, dice: &mut Dice) {
        let length = self.length(span);
        let pace = self.pace.activity;
        let mut days = match self.care {
            Care::Exemplary => {
                let rhythm =
                    Rhythm { back: dice.between(0, (pace - 1).min(2)), step: pace.min(4), growth: 150, most: 7 };
                let mut days = rhythm.days(length);
                days.extend([0, 1]);
                days
            }
            Care::Ordinary => {
                let rhythm = Rhythm {
                    back: dice.between(0, pace * 5 / 4),
                    step: pace + dice.between(0, 4),
                    growth: 190,
                    most: dice.between(2, 5),
                };
                let mut days = rhythm.days(length);
                days.push(dice.between(0, 3));
                days
            }
            Care::Slipping => {
                let back = (pace * dice.between(2, 5) + dice.between(2, 20)).min((length - 1).max(0));
                let rhythm = Rhythm { back, step: 3 * pace, growth: 200, most: dice.between(1, 3) };
                let mut days = rhythm.days(length);
                days.push(dice.between(3, 12));
                days
            }
            Care::Neglected if dice.chance(450) => Vec::new(),
            Care::Neglected => (0..dice.between(1, 2)).map(|_| dice.sooner(1, 40)).collect(),
        };
        // Of a time long over only a little is told.
        if !last {
            days.truncate(2);
        }
        days.retain(|day| (0..=length).contains(day));
        days.sort_unstable();
        days.dedup();
        let mut visited = None;
        for (nth, day) in (0..).zip(days) {
            let Some(moment) = self.on(span, day, dice) else { continue };
            let activity = self.activity(nth, moment, dice);
            if activity.activity_kind() == ActivityKind::AddressVisited {
                visited = Some((day, activity.clone()));
            }
            done.push((moment, Kind::Activity(activity)));
        }
        let again = match self.care {
            Care::Exemplary => 80,
            Care::Ordinary => 250,
            Care::Slipping | Care::Neglected => 450,
        };
        if let Some((day, visit)) = visited
            && dice.chance(again)
            && let Some(moment) = self.on(span, day + dice.between(1, 5), dice)
        {
            done.push((moment, Kind::Activity(Activity { done_time: Some(stamp(moment)), ..visit })));
        }
        if let Some((closed, CloseOutcome::Arrested | CloseOutcome::Executed)) = span.closed {
            done.push((closed + -60, Kind::Activity(self.arrest(closed + -60, dice))));
        }
    }

    fn arrest(&self, moment: Moment, dice: &mut Dice) -> Activity {
        Activity {
            outcome: ActivityOutcome::Arrested.into(),
            note: "Demonstration: found at the address and arrested.".to_owned(),
            ..self.done(ActivityKind::AddressVisited, 0, moment, dice)
        }
    }

    /// The `nth` thing done in a span.
    fn activity(&self, nth: u32, moment: Moment, dice: &mut Dice) -> Activity {
        let kind = match self.care {
            Care::Exemplary => dice.weighted(&MEANINGFUL),
            Care::Ordinary if dice.chance(860) => dice.weighted(&MEANINGFUL),
            Care::Slipping if dice.chance(620) => dice.weighted(&MEANINGFUL),
            Care::Neglected if dice.chance(250) => dice.weighted(&MEANINGFUL),
            Care::Ordinary | Care::Slipping | Care::Neglected => dice.pick(&[
                ActivityKind::FileOpened,
                ActivityKind::ReviewedWithoutAction,
                ActivityKind::ReviewedWithoutAction,
                ActivityKind::Reallocated,
                ActivityKind::Other,
            ]),
        };
        // Whoever searches well goes somewhere else each time.
        let target = if self.care == Care::Exemplary { nth } else { dice.below(4).min(dice.below(4)) };
        self.done(kind, target, moment, dice)
    }

    fn done(&self, kind: ActivityKind, target: u32, moment: Moment, dice: &mut Dice) -> Activity {
        use ActivityOutcome as Came;
        let nothing_or = |other: Came, dice: &mut Dice| dice.pick(&[Came::NoTrace, Came::NoTrace, other]);
        let numbered = |what: &str| format!("DEMO-{what}-{:06}-{}", self.number, target + 1);
        let (minutes, outcome, target_ref, note) = match kind {
            ActivityKind::AddressVisited => (
                dice.between(20, 90),
                dice.weighted(&[(70, Came::NoTrace), (24, Came::Information), (6, Came::Seen)]),
                numbered("ADDR"),
                "Demonstration: nobody in, or nobody who would say. Neighbours spoken to.",
            ),
            ActivityKind::AssociateOrFamilySpokenTo => (
                dice.between(15, 60),
                nothing_or(Came::Information, dice),
                numbered("ASSOC"),
                "Demonstration: says that they have not seen the person for some time.",
            ),
            ActivityKind::AgencyEnquiry => {
                let place = usize::try_from(target).unwrap_or(0) % AGENCIES.len();
                let came = nothing_or(Came::Pending, dice);
                (dice.between(10, 40), came, AGENCIES[place].to_owned(), "Demonstration: asked for a last address.")
            }
            ActivityKind::MediaOrDigitalEnquiry => (
                dice.between(20, 180),
                dice.pick(&[Came::Pending, Came::Information, Came::NoTrace]),
                numbered("DIGITAL"),
                "Demonstration: telephone and account enquiries put in.",
            ),
            ActivityKind::IntelligenceTasked => (
                dice.between(10, 45),
                nothing_or(Came::Pending, dice),
                numbered("TASK"),
                "Demonstration: tasked to the area team for two weeks.",
            ),
            ActivityKind::FileOpened
            | ActivityKind::ReviewedWithoutAction
            | ActivityKind::Reallocated
            | ActivityKind::VictimUpdated
            | ActivityKind::NominalSeen
            | ActivityKind::PartnerMeeting
            | ActivityKind::Other
            | ActivityKind::Unspecified => (dice.between(0, 15), Came::Unspecified, String::new(), ""),
        };
        Activity {
            activity_kind: kind.into(),
            outcome: outcome.into(),
            officer: self.searcher(dice),
            done_time: Some(stamp(moment)),
            minutes: u32::try_from(minutes).unwrap_or(0),
            target_ref,
            outstanding_id: self.id.to_owned(),
            victim_ref: String::new(),
            note: if dice.chance(500) { note.to_owned() } else { String::new() },
        }
    }

    /// Mostly the officer in the case; where nobody keeps the two apart, now and then the supervisor.
    fn searcher(&self, dice: &mut Dice) -> String {
        let own_hand = matches!(self.care, Care::Slipping | Care::Neglected) && dice.chance(120);
        if own_hand {
            self.supervisor.clone()
        } else if dice.chance(720) {
            self.officer.clone()
        } else {
            format!("DEMO-PC-{}{:02}", self.letters, dice.below(40))
        }
    }

    /// Tells victims of what the person is wanted for.
    fn tell(&self, span: &Span, last: bool, life: &Life, done: &mut Vec<Done>, dice: &mut Dice) {
        let length = self.length(span);
        for victim in victims(self, life) {
            let within = if victim.vulnerable || victim.repeat { 0 } else { 4 };
            let (first, then) = match self.care {
                Care::Exemplary => (Some(dice.between(0, within)), Some(dice.between(0, 20))),
                Care::Ordinary => (Some(dice.between(0, within + 2)), dice.chance(800).then(|| dice.between(2, 32))),
                Care::Slipping => (Some(dice.between(7, 45)), None),
                Care::Neglected => (dice.chance(250).then(|| dice.between(2, 60)), None),
            };
            // A day with no hour left in it passes the telling on to the next.
            let first = first.and_then(|day| self.on(span, day, dice).or_else(|| self.on(span, day + 1, dice)));
            let missed = match self.care {
                Care::Exemplary => 0,
                Care::Ordinary => 60,
                Care::Slipping => 300,
                Care::Neglected => 800,
            };
            let often = if self.care == Care::Exemplary { 2 } else { 1 };
            let then = then.filter(|_| last);
            let rhythm = |back| Rhythm { back, step: 24, growth: 100, most: often }.days(length - within - 1);
            let later: Vec<Moment> =
                then.into_iter().flat_map(rhythm).filter_map(|day| self.on(span, day + within + 1, dice)).collect();
            for moment in first.into_iter().chain(later) {
                let reached = !dice.chance(missed);
                let outcome = if reached { ActivityOutcome::Reached } else { ActivityOutcome::NotReached };
                let told = Activity {
                    outcome: outcome.into(),
                    minutes: u32::try_from(dice.between(5, 30)).unwrap_or(0),
                    victim_ref: victim.victim_ref.clone(),
                    ..self.done(ActivityKind::VictimUpdated, 0, moment, dice)
                };
                done.push((moment, Kind::Activity(told)));
            }
        }
    }
}

/// Kinds of activity that find people, by how often they are done.
const MEANINGFUL: [(u32, ActivityKind); 5] = [
    (40, ActivityKind::AddressVisited),
    (18, ActivityKind::AssociateOrFamilySpokenTo),
    (14, ActivityKind::AgencyEnquiry),
    (16, ActivityKind::MediaOrDigitalEnquiry),
    (12, ActivityKind::IntelligenceTasked),
];

/// Victims to be told, each once: people whom somebody can find.
fn victims<'l>(watch: &Watch<'_>, life: &'l Life) -> Vec<&'l Victim> {
    let mut victims: Vec<&Victim> = Vec::new();
    for place in &watch.file.names {
        let Some(victim) = &life.cases[*place].victim else { continue };
        let known = victim.natural_person && !victim.victim_ref.is_empty();
        if known && victims.iter().all(|other| other.victim_ref != victim.victim_ref) {
            victims.push(victim);
        }
    }
    victims
}
