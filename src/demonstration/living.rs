//! Draws a life: when born, what done and when, what came of it, and when in prison.
//!
//! Offences are lived through in order of date, so that custody that follows from one keeps the
//! next from happening until release.

use super::career::{Career, Tier};
use super::crimes::{self, Crime, Target};
use super::dice::Dice;
use super::life::{Case, Life, Setting, Stay};
use super::mixes::alongside;
use super::outcome::{self, Course, Matter, Profile};
use super::plan::{File, IndexOffence, Period, Plan, Sentence, closing};
use super::thousand::SharedIncident;
use super::victims::{Circle, Harmed};
use crate::domain::Date;
use crate::pb::{Circulation, CustodyKind, Outcome, OutstandingReason, Sex, Victim};

/// Draws one life.
pub(super) fn live(setting: Setting<'_>, dice: &mut Dice) -> Life {
    let plan = Plan::draw(setting.lot, setting.as_of, dice);
    let mut living = Living::born(setting, plan, dice);
    living.walk(dice);
    living.meet_the_plan(dice);
    living.offend_at_large(dice);
    living.close_an_old_file(dice);
    living.life
}

/// A day on which the person offends.
#[derive(Clone, Copy)]
struct Occasion<'a> {
    day: Date,
    /// Order among occasions of the same day.
    nth: usize,
    shared: Option<&'a SharedIncident>,
}

struct Living<'a> {
    setting: Setting<'a>,
    plan: Plan,
    life: Life,
    last: Date,
    own_offences: i32,
    incidents: u32,
    circle: Circle,
    hearings: Vec<Date>,
}

impl<'a> Living<'a> {
    fn born(setting: Setting<'a>, plan: Plan, dice: &mut Dice) -> Self {
        let Setting { lot, .. } = setting;
        let (least, most) = dice.weighted(lot.career.ages());
        let floor = plan.least_age().max(if lot.adult() { 18 } else { 10 });
        let age = dice.between(least, most).max(floor);
        let mut own_offences = lot.tier.offences(lot.rank, dice);
        if lot.tier != Tier::OneTime {
            let volume = i32::try_from(setting.volume).expect("a volume must be a small number");
            own_offences = (own_offences * volume + dice.between(0, 999)) / 1000;
        }
        if !plan.offences.is_empty() {
            own_offences -= 1;
        }
        // Whoever is known for the matter of the plan alone is as old as people are at such a matter.
        let quiet = if own_offences > 0 { lot.tier.quiet(dice) } else { 0 };
        let last = plan.active_until - quiet;
        let born = last.plus_years(-age) - dice.between(0, 364);
        let sexual = lot.career == Career::SexualOffender
            || plan.offences.iter().any(|offence| offence.crime.profile == Profile::Sexual);
        let women = if sexual { Career::SexualOffender.women() } else { lot.career.women() };
        let rape = plan.offences.iter().any(|offence| offence.crime.is_rape());
        let sex = if dice.chance(women) && !rape { Sex::Female } else { Sex::Male };
        let life = Life {
            born,
            sex,
            horizon: plan.horizon,
            cases: Vec::new(),
            stays: Vec::new(),
            files: Vec::new(),
            order_made: None,
        };
        Self {
            setting,
            plan,
            life,
            last,
            own_offences,
            incidents: 0,
            circle: Circle::draw(last, dice),
            hearings: Vec::new(),
        }
    }

    /// Every day on which the person offends, latest first.
    fn occasions(&self, dice: &mut Dice) -> Vec<Occasion<'a>> {
        let Setting { thousand, lot, as_of, .. } = self.setting;
        let onset = self.life.born.plus_years(lot.career.onset() + dice.sooner(0, 5));
        let first = (self.last - lot.tier.span(dice)).max(onset).min(self.last);
        let mut days: Vec<Date> = Vec::new();
        for nth in 0..self.own_offences {
            let day = match (nth, days.last()) {
                (0, _) => self.last,
                (1, _) => first,
                // Offences come in bursts.
                (_, Some(before)) if dice.chance(250) => (*before + dice.between(0, 9)).min(self.last),
                // And most of what is held is of late.
                _ if dice.chance(300) => dice.day(self.last - (self.last - first) / 4, self.last),
                // Fewer of them before sixteen.
                _ => match dice.day(first, self.last) {
                    early if self.life.age(early) < 16 && dice.chance(650) => dice.day(early, self.last),
                    day => day,
                },
            };
            days.push(day);
        }
        let shared = thousand.incidents_of(lot.rank).filter_map(|incident| {
            let day = as_of - incident.days_ago;
            let old_enough = self.life.age(day) >= incident.crime.least_age.max(11);
            (day <= self.plan.active_until && old_enough).then_some((day, Some(incident)))
        });
        let mut occasions: Vec<Occasion<'a>> = days
            .into_iter()
            .map(|day| (day, None))
            .chain(shared)
            .enumerate()
            .map(|(nth, (day, shared))| Occasion { day, nth, shared })
            .collect();
        sort_latest_first(&mut occasions);
        occasions
    }

    fn walk(&mut self, dice: &mut Dice) {
        let mut occasions = self.occasions(dice);
        while let Some(occasion) = occasions.pop() {
            if let Some(stay) = self.life.in_custody(occasion.day) {
                // Put off until some days after release; what was shared happened without this person.
                if let (Some(ended), None) = (stay.ended, occasion.shared) {
                    let day = ended + dice.between(1, 50);
                    if day <= self.plan.active_until {
                        occasions.push(Occasion { day, ..occasion });
                        sort_latest_first(&mut occasions);
                    }
                }
                continue;
            }
            match occasion.shared {
                Some(incident) => self.offend_together(incident, occasion.day, dice),
                None => self.offend(occasion.day, dice),
            }
        }
    }

    fn offend(&mut self, day: Date, dice: &mut Dice) {
        let crime = self.choose(day, dice);
        let incident = self.next_incident(dice);
        let at = self.commit(crime, day, incident, None, dice);
        if let Some(beside) = alongside(crime).filter(|beside| self.life.age(day) >= beside.least_age)
            && dice.chance(90)
        {
            let Case { incident, victim, domestic_abuse, .. } = self.life.cases[at].clone();
            self.commit(beside.in_year(day.ymd().0), day, incident, Some((victim, domestic_abuse)), dice);
        }
    }

    fn offend_together(&mut self, shared: &SharedIncident, day: Date, dice: &mut Dice) {
        let crime = shared.crime.in_year(day.ymd().0);
        let natural_person = !matches!(crime.target, Target::Shop | Target::Body);
        let victim = (crime.target != Target::Nobody).then(|| Victim {
            victim_ref: shared.victim.clone(),
            natural_person,
            vulnerable: natural_person && shared.vulnerable,
            repeat: false,
        });
        self.commit(crime, day, shared.reference.clone(), Some((victim, false)), dice);
    }

    /// What such a person, at that age and in that year, does.
    fn choose(&self, day: Date, dice: &mut Dice) -> &'static Crime {
        let age = self.life.age(day);
        let convicted_of = |rule: fn(&Crime) -> bool| {
            self.life.cases.iter().any(|case| case.outcome == Outcome::Convicted && rule(case.crime))
        };
        let convicted = convicted_of(|_| true);
        let registered = convicted_of(|crime| crime.profile == Profile::Sexual);
        let mix = self.setting.lot.career.mix();
        for _ in 0..12 {
            let crime = dice.weighted(mix);
            let possible = if *crime == crimes::NOTIFICATION_FAILURE || *crime == crimes::SEXUAL_ORDER_BREACH {
                registered
            } else if crime.profile == Profile::OfAnOrder {
                convicted || *crime == crimes::NON_MOLESTATION_BREACH
            } else {
                self.life.sex == Sex::Male || !crime.is_rape()
            };
            if possible && age >= crime.least_age {
                return local_or(crime, dice).in_year(day.ymd().0);
            }
        }
        &crimes::DAMAGE
    }

    /// One offence, its victim, its course, and the custody that follows. Its place among the cases.
    /// A victim given, and whether it is domestic abuse, stand in for those that would be drawn.
    fn commit(
        &mut self,
        crime: &'static Crime,
        day: Date,
        incident: String,
        victim: Option<Harmed>,
        dice: &mut Dice,
    ) -> usize {
        let at = self.record(crime, day, incident, victim, dice);
        let case = &self.life.cases[at];
        let child = self.life.age(day) < 18;
        let domestic = case.domestic_abuse && matches!(crime.profile, Profile::Violence | Profile::Disorder);
        let matter = Matter {
            profile: if domestic { Profile::Domestic } else { crime.profile },
            reported: case.reported,
            child,
            serious: crime.prison.per_mille >= 250,
            prolific: self.setting.lot.tier == Tier::Prolific,
            horizon: self.plan.horizon,
        };
        let course = outcome::course(matter, &mut self.hearings, dice);
        let case = &mut self.life.cases[at];
        case.outcome = course.outcome;
        case.outcome_date = course.outcome_date;
        self.detain(at, course, child, dice);
        at
    }

    /// An offence without an outcome yet.
    fn record(
        &mut self,
        crime: &'static Crime,
        day: Date,
        incident: String,
        victim: Option<Harmed>,
        dice: &mut Dice,
    ) -> usize {
        let (victim, domestic_abuse) = victim.unwrap_or_else(|| {
            let nth = self.life.cases.len();
            self.circle.victim(self.setting, crime, self.life.age(day), day, nth, dice)
        });
        let hateful = *crime == crimes::HATEFUL_FEAR_OF_VIOLENCE
            || (matches!(crime.profile, Profile::Violence | Profile::Disorder)
                && crime.target == Target::Person
                && !domestic_abuse
                && dice.chance(35));
        self.life.cases.push(Case {
            crime,
            committed: day,
            reported: crime.profile.reported(day, dice).min(self.plan.horizon.max(day)),
            outcome: Outcome::Suspected,
            outcome_date: None,
            incident,
            victim,
            domestic_abuse,
            hate_crime: hateful,
            proactive: dice.chance(crime.found),
        });
        self.life.cases.len() - 1
    }

    fn next_incident(&mut self, dice: &mut Dice) -> String {
        self.incidents += 1;
        if dice.chance(15) {
            return String::new();
        }
        format!("DEMO-CR-{:06}-{:03}", self.setting.number, self.incidents)
    }

    /// Remand before the hearing, a sentence after it.
    fn detain(&mut self, at: usize, course: Course, child: bool, dice: &mut Dice) {
        let (Some(charged), Some(hearing)) = (course.charged, course.hearing) else { return };
        let horizon = self.plan.horizon;
        let prison = self.life.cases[at].crime.prison;
        let per_mille = match (self.setting.lot.tier, child) {
            (_, true) if prison.per_mille < 900 => prison.per_mille / 6,
            (Tier::Prolific, _) => prison.per_mille * 6 / 5,
            (Tier::Occasional, _) => prison.per_mille,
            (Tier::OneTime, _) => prison.per_mille * 4 / 5,
        };
        let grave = self.life.cases[at].crime.profile == Profile::Grave || prison.per_mille >= 900;
        let remand_ends = (hearing <= horizon).then_some(hearing);
        if grave && !child && dice.chance(600) && self.is_free(charged, remand_ends) && charged < hearing {
            self.stay(CustodyKind::Remand, at, Sentence { start: charged, planned: None, ended: remand_ends });
        }
        if course.outcome != Outcome::Convicted || !dice.chance(per_mille) {
            return;
        }
        let served = dice.between(prison.least_days, prison.most_days);
        let out_on = hearing + served;
        let ended = (out_on <= horizon).then_some(out_on);
        if let Some(stay) =
            self.life.stays.iter_mut().find(|stay| stay.kind == CustodyKind::Sentence && stay.start == hearing)
        {
            // Sentenced on the same day: one stay, the longer term.
            stay.cases.push(at);
        } else if self.is_free(hearing, ended) {
            let planned = if ended.is_none() && dice.chance(60) { None } else { Some(out_on) };
            self.stay(CustodyKind::Sentence, at, Sentence { start: hearing, planned, ended });
        }
    }

    fn is_free(&self, start: Date, end: Option<Date>) -> bool {
        self.plan.settled_from.is_none_or(|settled| start < settled)
            && !self.life.stays.iter().any(|stay| stay.overlaps(start, end))
            && !self.life.cases.iter().any(|case| case.committed > start && end.is_none_or(|end| case.committed < end))
    }

    /// Custody of the life ends where the plan's begins.
    fn stay(&mut self, kind: CustodyKind, at: usize, sentence: Sentence) {
        let Sentence { start, planned, ended } = sentence;
        let ended = match self.plan.settled_from {
            Some(settled) => Some(ended.map_or(settled, |ended| ended.min(settled))),
            None => ended,
        };
        self.life.stays.push(Stay { kind, cases: vec![at], start, planned, ended });
    }

    /// Writes what the life was drawn around.
    fn meet_the_plan(&mut self, dice: &mut Dice) {
        let offset = self.life.cases.len();
        for IndexOffence { crime, committed, outcome, outcome_date } in self.plan.offences.clone() {
            let incident = self.next_incident(dice);
            let at = self.record(crime, committed, incident, None, dice);
            let case = &mut self.life.cases[at];
            case.outcome = outcome;
            case.outcome_date = outcome_date;
            // Nothing of the plan may come to notice only after it was dealt with.
            case.reported = committed;
        }
        if let Some(Sentence { start, planned, ended }) = self.plan.sentence {
            self.life.stays.push(Stay { kind: CustodyKind::Sentence, cases: vec![offset], start, planned, ended });
        }
        if let Some(mut file) = self.plan.file.clone() {
            for name in &mut file.names {
                *name += offset;
            }
            self.life.files.push(file);
        }
        self.life.order_made = self.plan.order_made;
    }

    /// Some of those who are looked for go on offending.
    fn offend_at_large(&mut self, dice: &mut Dice) {
        let as_of = self.setting.as_of;
        if !self.life.is_wanted() || as_of - self.plan.horizon < 20 || !dice.chance(220) {
            return;
        }
        let day = dice.day(self.plan.horizon + 1, as_of);
        let crime = self.choose(day, dice);
        let incident = self.next_incident(dice);
        let at = self.record(crime, day, incident, None, dice);
        self.life.cases[at].reported = day;
    }

    /// Some who are not looked for now once were.
    fn close_an_old_file(&mut self, dice: &mut Dice) {
        let often = match self.setting.lot.tier {
            Tier::Prolific => 400,
            Tier::Occasional => 60,
            Tier::OneTime => 10,
        };
        if self.life.is_wanted() || self.plan.sentence.is_some() || !dice.chance(often) {
            return;
        }
        let heard = self.life.places(|case| {
            case.outcome == Outcome::Convicted && case.outcome_date.is_some_and(|heard| heard - case.reported >= 30)
        });
        if heard.is_empty() {
            return;
        }
        let place = dice.pick(&heard);
        let case = &self.life.cases[place];
        let heard_on = case.outcome_date.unwrap_or(case.reported);
        let reason = dice.weighted(&[
            (4, OutstandingReason::NamedSuspectNotArrested),
            (3, OutstandingReason::FailedToSurrenderCourtBail),
            (2, OutstandingReason::FailedToSurrenderPoliceBail),
            (3, OutstandingReason::CourtWarrantBacked),
        ]);
        let opened = case.reported + dice.between(1, 12);
        let closed = dice.day(opened + 1, heard_on - 3);
        let free = !self.life.stays.iter().any(|stay| stay.overlaps(opened, Some(closed)));
        if free {
            let circulation = dice.pick(&[Circulation::PncWanted, Circulation::ForceOnly, Circulation::Cancelled]);
            let periods = vec![Period { opened, closed: Some((closed, closing(reason, dice))) }];
            self.life.files.push(File { reason, periods, circulation, names: vec![place], breach: None });
        }
    }
}

/// Now and then a local code stands where a proper one should.
fn local_or(crime: &'static Crime, dice: &mut Dice) -> &'static Crime {
    if !dice.chance(12) {
        return crime;
    }
    let local = dice.weighted(crimes::LOCALS);
    if local.profile == crime.profile && local.target == crime.target { local } else { crime }
}

fn sort_latest_first(occasions: &mut [Occasion<'_>]) {
    occasions.sort_by_key(|occasion| std::cmp::Reverse((occasion.day, occasion.nth)));
}
