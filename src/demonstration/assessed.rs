//! What professionals and courts said of invented people: assessments, orders and their
//! breaches, and referrals as victims of modern slavery.

use super::career::{Career, Tier};
use super::dice::Dice;
use super::life::{Life, Setting};
use super::outcome::Profile;
use super::pen::{Heading, Pen, System, written};
use super::signals::registered_on;
use super::thousand::Managed;
use crate::domain::Date;
use crate::pb::{
    Assessment, AssessmentKind, AssessmentLevel, Basis, Breach, BreachKind, CustodyKind, Exploitation,
    ExploitationStatus, Order, Outcome, OutstandingReason, PersonCategory, record::Kind,
};

const LEVELS: [(u32, AssessmentLevel); 4] = [
    (34, AssessmentLevel::Low),
    (42, AssessmentLevel::Medium),
    (20, AssessmentLevel::High),
    (4, AssessmentLevel::VeryHigh),
];

pub(super) fn assessments(pen: &mut Pen, setting: Setting<'_>, life: &Life, known_since: Date, dice: &mut Dice) {
    let mut desk = Desk { pen, life, as_of: setting.as_of, known_since };
    let managed = matches!(setting.lot.managed, Managed::Now(_));
    let sentenced = life.stays.iter().find(|stay| stay.kind == CustodyKind::Sentence);
    let by_probation = |of_managed: u32, of_sentenced: u32| match (managed, sentenced) {
        (true, _) => of_managed,
        (false, Some(_)) => of_sentenced,
        (false, None) => 0,
    };
    if dice.chance(by_probation(850, 380)) {
        let level = dice.weighted(&LEVELS);
        desk.level(AssessmentKind::OasysRosh, level, 900, dice);
    }
    if dice.chance(by_probation(550, 110)) {
        desk.predictors(setting.lot.tier, dice);
    }
    if registered_on(life).is_some() {
        desk.mappa(1, dice.weighted(&[(85, 1), (13, 2), (2, 3)]), dice);
        for (kind, per_mille) in
            [(AssessmentKind::Arms, 800), (AssessmentKind::OspDc, 700), (AssessmentKind::OspIic, 450)]
        {
            if dice.chance(per_mille) {
                let level = dice.weighted(&LEVELS);
                desk.level(kind, level, 420, dice);
            }
        }
    } else if sentenced.is_some_and(|stay| is_grave(life, &stay.cases)) && dice.chance(700) {
        desk.mappa(dice.weighted(&[(9, 2), (1, 3)]), dice.weighted(&[(78, 1), (18, 2), (4, 3)]), dice);
    }
    let domestic = life.places(|case| case.domestic_abuse).len();
    if domestic > 0 && dice.chance(if domestic > 3 { 750 } else { 330 }) {
        let level = dice.weighted(&[(74, AssessmentLevel::Medium), (26, AssessmentLevel::High)]);
        desk.level(AssessmentKind::Dash, level, 700, dice);
        if level == AssessmentLevel::High && dice.chance(600) {
            desk.made(AssessmentKind::Marac, Assessment::default(), System::Crime, 700, dice);
        }
        if dice.chance(90) {
            let level = dice.weighted(&LEVELS);
            desk.level(AssessmentKind::Sara, level, 700, dice);
        }
    }
}

fn is_grave(life: &Life, places: &[usize]) -> bool {
    places.iter().any(|place| life.cases[*place].crime.profile == Profile::Grave)
}

/// Writes the assessments of one person.
struct Desk<'a> {
    pen: &'a mut Pen,
    life: &'a Life,
    as_of: Date,
    known_since: Date,
}

impl Desk<'_> {
    fn level(&mut self, kind: AssessmentKind, level: AssessmentLevel, within: i32, dice: &mut Dice) {
        let system = if kind == AssessmentKind::OasysRosh { System::Probation } else { System::Crime };
        self.made(kind, Assessment { level: level.into(), ..Assessment::default() }, system, within, dice);
    }

    fn mappa(&mut self, mappa_category: u32, mappa_level: u32, dice: &mut Dice) {
        let finding = Assessment { mappa_category, mappa_level, ..Assessment::default() };
        self.made(AssessmentKind::Mappa, finding, System::Probation, 700, dice);
    }

    /// Probation's three predictors, of one day, valid for a year; some have lapsed.
    fn predictors(&mut self, tier: Tier, dice: &mut Dice) {
        let (least, most) = match tier {
            Tier::Prolific => (420, 930),
            Tier::Occasional => (150, 700),
            Tier::OneTime => (40, 350),
        };
        let made = self.day(500, dice);
        let all = dice.between(least, most);
        let violent = all * dice.between(150, 800) / 1000;
        let serious = (violent * dice.between(20, 160) / 1000).max(1);
        for (kind, per_mille) in
            [(AssessmentKind::Arp, all), (AssessmentKind::Vrp, violent), (AssessmentKind::Svrp, serious)]
        {
            let finding = Assessment {
                probability: f64::from(per_mille) / 1000.0,
                version: "demo-2".to_owned(),
                expires_on: made.plus_years(1).to_string(),
                ..Assessment::default()
            };
            self.write(kind, finding, System::Probation, made, dice);
        }
    }

    fn made(&mut self, kind: AssessmentKind, finding: Assessment, system: System, within: i32, dice: &mut Dice) {
        let made = self.day(within, dice);
        let finding = Assessment { expires_on: written(dice.chance(300).then(|| made.plus_years(1))), ..finding };
        self.write(kind, finding, system, made, dice);
    }

    fn write(&mut self, kind: AssessmentKind, finding: Assessment, system: System, made: Date, dice: &mut Dice) {
        let heading = Heading::fact(system, made).known_by(Basis::Assessment);
        let assessment = Assessment { assessment_kind: kind.into(), ..finding };
        self.pen.write(heading, Kind::Assessment(assessment), dice);
    }

    /// A day within so many days of the last on which the person was dealt with.
    fn day(&self, within: i32, dice: &mut Dice) -> Date {
        let last = self.life.horizon.clamp(self.known_since, self.as_of);
        (last - dice.sooner(0, within)).max(self.known_since)
    }
}

/// Orders of courts, then their breaches, and those of bail. `files` are ids of the person's files.
pub(super) fn orders_and_breaches(pen: &mut Pen, setting: Setting<'_>, life: &Life, files: &[String], dice: &mut Dice) {
    let mut file_order = String::new();
    if let Some(made) = life.order_made {
        let title = dice.pick(&["community order", "suspended sentence order"]);
        file_order = order(pen, title, made, Some(made.plus_years(2)), dice);
    }
    let convictions: Vec<Date> = life
        .cases
        .iter()
        .filter(|case| case.outcome == Outcome::Convicted)
        .filter_map(|case| case.outcome_date)
        .collect();
    if !convictions.is_empty() && dice.chance(ordered(setting, life)) {
        let made = dice.pick(&convictions);
        let title = title(setting.lot.career, life, dice);
        let lasts = dice.pick(&[Some(1), Some(2), Some(3), Some(5), None]);
        let expires = lasts.map(|years| made.plus_years(years));
        let id = order(pen, title, made, expires, dice);
        let until = expires.map_or(life.horizon, |expires| expires.min(life.horizon));
        if until > made && dice.chance(if setting.lot.tier == Tier::Prolific { 450 } else { 200 }) {
            let day = dice.day(made + 1, until);
            if life.in_custody(day).is_none() {
                breach(pen, Breach { order_id: id, ..of(BreachKind::Order) }, day, dice);
            }
        }
    }
    for (file, id) in life.files.iter().zip(files) {
        let Some(day) = file.breach else { continue };
        let told = if file.reason == OutstandingReason::BreachWarrant {
            Breach { order_id: file_order.clone(), outstanding_id: id.clone(), ..of(BreachKind::Order) }
        } else {
            Breach { outstanding_id: id.clone(), ..of(BreachKind::BailConditions) }
        };
        breach(pen, told, day, dice);
    }
    let bailed = life.places(|case| case.outcome == Outcome::Bailed && !life.is_wanted());
    if let Some(on) = bailed.first().and_then(|place| life.cases[*place].outcome_date)
        && dice.chance(60)
    {
        breach(pen, of(BreachKind::BailConditions), dice.day(on, life.horizon.max(on)), dice);
    }
}

/// How often in a thousand such a person is under an order.
fn ordered(setting: Setting<'_>, life: &Life) -> u32 {
    match (setting.lot.career, setting.lot.tier) {
        (Career::DomesticAbuser, _) => 330,
        (Career::SexualOffender, _) if registered_on(life).is_some() => 480,
        (_, Tier::Prolific) => 380,
        (_, Tier::Occasional) => 120,
        (_, Tier::OneTime) => 60,
    }
}

fn title(career: Career, life: &Life, dice: &mut Dice) -> &'static str {
    match career {
        Career::DomesticAbuser => {
            dice.pick(&["restraining order", "non-molestation order", "domestic violence protection order"])
        }
        Career::SexualOffender if registered_on(life).is_some() => "sexual harm prevention order",
        Career::Shoplifter | Career::PublicOrderDrinker => dice.pick(&["criminal behaviour order", "community order"]),
        Career::SexualOffender
        | Career::Burglar
        | Career::VehicleThief
        | Career::DrugSupplier
        | Career::CountyLines
        | Career::Violent
        | Career::Robber
        | Career::Driver
        | Career::Fraudster => dice.pick(&["community order", "suspended sentence order"]),
    }
}

fn order(pen: &mut Pen, title: &str, made: Date, expires: Option<Date>, dice: &mut Dice) -> String {
    let order = Order { title: title.to_owned(), expires_on: written(expires) };
    pen.write(Heading::fact(System::Pnc, made).of(PersonCategory::Convicted), Kind::Order(order), dice)
}

fn of(kind: BreachKind) -> Breach {
    Breach { breach_kind: kind.into(), ..Breach::default() }
}

fn breach(pen: &mut Pen, breach: Breach, day: Date, dice: &mut Dice) {
    pen.write(Heading::fact(System::Crime, day), Kind::Breach(breach), dice);
}

/// Some who carried drugs for others were made to.
pub(super) fn exploitation(pen: &mut Pen, setting: Setting<'_>, life: &Life, offence_ids: &[String], dice: &mut Dice) {
    let often = if setting.lot.career == Career::CountyLines { 520 } else { 0 };
    let carried = life.places(|case| case.crime.profile == Profile::Drugs);
    let (Some(first), true) = (carried.first(), dice.chance(often)) else { return };
    let found = life.cases[*first].reported;
    let status = dice.weighted(&[
        (28, ExploitationStatus::Pending),
        (56, ExploitationStatus::Positive),
        (16, ExploitationStatus::Negative),
    ]);
    let earliest = match status {
        // A referral without a decision is a recent one.
        ExploitationStatus::Pending => found.max(setting.as_of - 120),
        ExploitationStatus::Unspecified | ExploitationStatus::Positive | ExploitationStatus::Negative => found,
    };
    let event = dice.day(earliest, setting.as_of.min(earliest + 300));
    let reviewed = (status == ExploitationStatus::Positive && dice.chance(180)).then(|| dice.day(event, setting.as_of));
    let exploitation = Exploitation {
        status: status.into(),
        offence_ids: carried
            .iter()
            .filter(|place| life.cases[**place].committed <= event)
            .take(256)
            .map(|place| offence_ids[*place].clone())
            .collect(),
        reviewed_on: written(reviewed),
    };
    let heading = Heading::fact(System::Crime, event).of(PersonCategory::Victim).until(reviewed);
    pen.write(heading, Kind::Exploitation(exploitation), dice);
}
