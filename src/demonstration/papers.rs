//! Turns a life into the records that a force would hold of it: the person, the offences, the
//! criminal history, custody, files on why the person is outstanding, and management.

use super::assessed;
use super::career::Tier;
use super::crimes::LOCAL;
use super::dice::{Dice, Purpose};
use super::life::{Case, Life, Setting};
use super::living;
use super::outcome::{is_open, is_proved, is_sanction};
use super::pen::{Heading, Pen, System, written};
use super::plan::File;
use super::signals;
use super::supervised;
use super::thousand::Managed;
use crate::domain::Date;
use crate::pb::{
    Band, BandOverride, CohortMembership, CohortStatus, Custody, CustodyKind, Offence, OpenPeriod, Outcome,
    Outstanding, OverrideScope, Person, PersonCategory, Rag, Record, SanctionSummary, Sex, record::Kind,
};

/// Areas of the force and, for references, two letters of each.
const AREAS: [(u32, (&str, &str)); 8] = [
    (22, ("Northgate", "NG")),
    (18, ("Harbour", "HB")),
    (15, ("Market", "MK")),
    (14, ("Eastmoor", "EM")),
    (11, ("Vale", "VA")),
    (9, ("Priory", "PR")),
    (7, ("Southfield", "SF")),
    (4, ("Uplands", "UP")),
];

/// The two letters of an area.
pub(super) fn letters_of(area: &str) -> Option<&'static str> {
    AREAS.iter().find(|(_, (name, _))| *name == area).map(|(_, (_, letters))| *letters)
}

/// Where a person is dealt with.
#[derive(Clone, Copy, Debug)]
struct Home {
    area: &'static str,
    letters: &'static str,
}

/// Every record of one person: the person first, and no record before one that it names.
pub(super) fn records_of(setting: Setting<'_>, seed: u64) -> Vec<Record> {
    let mut dice = Dice::new(seed, Purpose::Subject, u64::from(setting.number));
    let dice = &mut dice;
    let life = living::live(setting, dice);
    let mut pen = Pen::new(setting);
    let (area, letters) = dice.weighted(&AREAS);
    let home = Home { area, letters };
    let known_since = known_since(&life, setting.as_of);

    person(&mut pen, setting, &life, home, known_since, dice);
    let offence_ids = offences(&mut pen, &life, dice);
    elsewhere(&mut pen, setting, &life, dice);
    sanction_summary(&mut pen, setting, &life, dice);
    custody(&mut pen, &life, &offence_ids, dice);
    signals::markers(&mut pen, setting, &life, known_since, dice);
    signals::intelligence(&mut pen, setting, &life, dice);
    assessed::assessments(&mut pen, setting, &life, known_since, dice);
    let files: Vec<String> =
        life.files.iter().map(|file| outstanding(&mut pen, &life, file, &offence_ids, home, dice)).collect();
    assessed::orders_and_breaches(&mut pen, setting, &life, &files, dice);
    assessed::exploitation(&mut pen, setting, &life, &offence_ids, dice);
    cohort_membership(&mut pen, setting, &life, home, known_since, dice);
    band_override(&mut pen, setting, &life, home, known_since, dice);
    // Last, and by chance of its own: nothing that came before depends on how it is looked after.
    supervised::supervise(&mut pen, setting, &life, &files, home.letters, seed);
    pen.finish()
}

/// The day on which the force first heard of the person.
fn known_since(life: &Life, as_of: Date) -> Date {
    let cases = life.cases.iter().map(|case| case.reported);
    let files = life.files.iter().filter_map(|file| file.periods.first()).map(|period| period.opened);
    cases.chain(files).min().unwrap_or(as_of)
}

fn person(pen: &mut Pen, setting: Setting<'_>, life: &Life, home: Home, known_since: Date, dice: &mut Dice) {
    let mut areas = vec![home.area.to_owned()];
    if dice.chance(if setting.lot.tier == Tier::Prolific { 300 } else { 60 }) {
        let (other, _) = dice.weighted(&AREAS);
        if other != home.area {
            areas.push(other.to_owned());
        }
    }
    let mut person = Person {
        birth_date: life.born.to_string(),
        sex: life.sex.into(),
        apparent_age_from: 0,
        apparent_age_to: 0,
        areas,
        name: String::new(),
        pnc_id: String::new(),
    };
    if dice.chance(18) {
        person.birth_date.clear();
        if dice.chance(750) {
            let age = life.age(known_since);
            let bound = |age: i32| u32::try_from(age.clamp(10, 110)).unwrap_or(10);
            person.apparent_age_from = bound(age - dice.between(1, 6));
            person.apparent_age_to = bound(age + dice.between(1, 9));
        }
    }
    if dice.chance(12) {
        person.sex = Sex::Unspecified.into();
    }
    pen.write(Heading::fact(System::Crime, known_since), Kind::Person(person), dice);
}

/// Ids of the offences, in the order of the life's cases; now and then a second system holds one too.
fn offences(pen: &mut Pen, life: &Life, dice: &mut Dice) -> Vec<String> {
    let mut again = Vec::new();
    let ids = life
        .cases
        .iter()
        .map(|case| {
            let date_known = !dice.chance(if case.reported > case.committed { 25 } else { 2 });
            if dice.chance(12) {
                again.push((case, date_known));
            }
            offence(pen, case, System::Crime, date_known, dice)
        })
        .collect();
    for (case, date_known) in again {
        let mut copy = case.clone();
        if dice.chance(300) {
            copy.incident.clear();
        }
        offence(pen, &copy, dice.pick(&[System::Custody, System::Pnc]), date_known, dice);
    }
    ids
}

fn offence(pen: &mut Pen, case: &Case, system: System, date_known: bool, dice: &mut Dice) -> String {
    let category = if is_proved(case.outcome) { PersonCategory::Convicted } else { PersonCategory::Suspect };
    // Crime systems class by Home Office code; the CJS code comes with a charge.
    let class_alone =
        case.crime.ho != LOCAL && (is_open(case.outcome) || !is_sanction(case.outcome)) && dice.chance(120);
    let cjs_code = if class_alone { String::new() } else { case.crime.cjs.to_owned() };
    let both = case.crime.ho != LOCAL && system == System::Crime && dice.chance(500);
    let ho_code = if class_alone || both { case.crime.ho.to_owned() } else { String::new() };
    let report_date = (case.reported != case.committed || !date_known).then_some(case.reported);
    let heading = Heading {
        event: date_known.then_some(case.committed),
        ..Heading::fact(system, case.committed).of(category).until(Some(case.reported)).until(case.outcome_date)
    };
    let offence = Offence {
        cjs_code,
        ho_code,
        report_date: written(report_date),
        outcome: case.outcome.into(),
        outcome_date: written(case.outcome_date),
        incident_ref: case.incident.clone(),
        victim: case.victim.clone(),
        domestic_abuse: case.domestic_abuse,
        hate_crime: case.hate_crime,
        proactive: case.proactive,
    };
    pen.write(heading, Kind::Offence(offence), dice)
}

/// Some are victims or witnesses of what others did.
fn elsewhere(pen: &mut Pen, setting: Setting<'_>, life: &Life, dice: &mut Dice) {
    if !dice.chance(28) {
        return;
    }
    let day = (setting.as_of - dice.sooner(0, 1400)).max(life.born.plus_years(10)).min(setting.as_of);
    let category = dice.pick(&[PersonCategory::Victim, PersonCategory::Victim, PersonCategory::Witness]);
    let offence = Offence {
        cjs_code: dice.pick(&["CJ88116", "OF61102", "TH68023"]).to_owned(),
        outcome: dice.pick(&[Outcome::Suspected, Outcome::EvidentialDifficulty]).into(),
        incident_ref: format!("DEMO-CR-{:06}-X", setting.number),
        ..Offence::default()
    };
    pen.write(Heading::fact(System::Crime, day).of(category), Kind::Offence(offence), dice);
}

/// Older people's early history is often held as totals alone.
fn sanction_summary(pen: &mut Pen, setting: Setting<'_>, life: &Life, dice: &mut Dice) {
    let often = match setting.lot.tier {
        Tier::Prolific => 300,
        Tier::Occasional => 120,
        Tier::OneTime => 15,
    };
    let as_at = setting.as_of - dice.between(2, 400);
    if life.age(as_at) < 32 || !dice.chance(often) {
        return;
    }
    let mut held: Vec<Date> = life
        .cases
        .iter()
        .filter(|case| is_sanction(case.outcome))
        .filter_map(|case| case.outcome_date.filter(|date| *date <= as_at))
        .collect();
    held.sort_unstable();
    held.dedup();
    let missing = dice.sooner(1, if setting.lot.tier == Tier::Prolific { 40 } else { 12 });
    let occasions = u32::try_from(held.len()).unwrap_or(0) + u32::try_from(missing).unwrap_or(0);
    let violent_share = if setting.lot.career.is_violent() { dice.between(30, 70) } else { dice.between(0, 30) };
    let onset = life.born.plus_years(dice.between(12, 24)) + dice.between(0, 364);
    let first = held.first().map_or(onset, |first| onset.min(*first));
    let date_known = dice.chance(700);
    let age = u32::try_from(life.age(first)).unwrap_or(0);
    let summary = SanctionSummary {
        sanction_occasions: occasions,
        violent_sanction_occasions: occasions * u32::try_from(violent_share).unwrap_or(0) / 100,
        first_sanction_date: written(date_known.then_some(first)),
        age_at_first_sanction: if date_known { 0 } else { age },
    };
    pen.write(Heading::fact(System::Pnc, as_at), Kind::SanctionSummary(summary), dice);
}

fn custody(pen: &mut Pen, life: &Life, offence_ids: &[String], dice: &mut Dice) {
    for stay in &life.stays {
        let category = match stay.kind {
            CustodyKind::Sentence => PersonCategory::Convicted,
            CustodyKind::Remand | CustodyKind::Unspecified => PersonCategory::Suspect,
        };
        let custody = Custody {
            custody_kind: stay.kind.into(),
            offence_ids: stay.cases.iter().take(64).map(|place| offence_ids[*place].clone()).collect(),
            planned_release: written(stay.planned),
            ended_on: written(stay.ended),
        };
        let heading = Heading::fact(System::Custody, stay.start).of(category).until(stay.ended);
        pen.write(heading, Kind::Custody(custody), dice);
    }
}

fn outstanding(pen: &mut Pen, life: &Life, file: &File, offence_ids: &[String], home: Home, dice: &mut Dice) -> String {
    let first = file.periods.first().map_or(life.horizon, |period| period.opened);
    let latest = file.periods.iter().map(|period| period.closed.map_or(period.opened, |(closed, _)| closed)).max();
    let periods = file
        .periods
        .iter()
        .map(|period| OpenPeriod {
            opened_on: period.opened.to_string(),
            closed_on: written(period.closed.map(|(closed, _)| closed)),
            outcome: period.closed.map_or(0, |(_, outcome)| outcome.into()),
            ..OpenPeriod::default()
        })
        .collect();
    let outstanding = Outstanding {
        reason: file.reason.into(),
        offence_ids: file.names.iter().map(|place| offence_ids[*place].clone()).collect(),
        periods,
        circulation: file.circulation.into(),
        area: home.area.to_owned(),
        officer: format!("DEMO-OIC-{}{:02}", home.letters, dice.below(30)),
        ..Outstanding::default()
    };
    let heading = Heading::fact(System::Custody, first).until(latest);
    pen.write(heading, Kind::Outstanding(outstanding), dice)
}

fn cohort_membership(pen: &mut Pen, setting: Setting<'_>, life: &Life, home: Home, known_since: Date, dice: &mut Dice) {
    let as_of = setting.as_of;
    let (status, ended) = match setting.lot.managed {
        Managed::No => return,
        Managed::Now(status) => (status, false),
        Managed::Once(status) => (status, true),
    };
    let earliest = known_since.max(life.born.plus_years(18)).max(as_of - 1100).min(as_of);
    let selected = dice.day(earliest, (as_of - 8).max(earliest));
    let ended_on = ended.then(|| dice.day(selected + 1, as_of).min(as_of));
    let rag = if ended {
        Rag::Green
    } else if life.is_wanted() {
        Rag::Red
    } else if life.in_custody(as_of).is_some() {
        Rag::Blue
    } else {
        dice.weighted(&[(34, Rag::Red), (41, Rag::Amber), (21, Rag::Green), (4, Rag::Unspecified)])
    };
    let membership = CohortMembership {
        status: status.into(),
        rag: rag.into(),
        offender_manager: format!("DEMO-OM-{}{}", home.letters, 1 + dice.below(4)),
        area: home.area.to_owned(),
        ended_on: written(ended_on),
    };
    debug_assert!(status != CohortStatus::Unspecified, "a panel gives every member a status");
    let heading = Heading::fact(System::Management, selected).until(ended_on);
    pen.write(heading, Kind::CohortMembership(membership), dice);
}

/// Reasons that an officer might write. They name nobody.
const RATIONALES: [&str; 4] = [
    "Demonstration: new information from a partner agency, not yet recorded, suggests a greater risk.",
    "Demonstration: the panel asked for daily attention until the next review.",
    "Demonstration: recent conduct towards a former partner is still being written up.",
    "Demonstration: named by several witnesses in a matter under investigation.",
];

/// Raises only, and for at most four weeks, so that every one is lawful whatever band is computed.
fn band_override(pen: &mut Pen, setting: Setting<'_>, life: &Life, home: Home, known_since: Date, dice: &mut Dice) {
    if !setting.lot.overridden {
        return;
    }
    // Some have lapsed.
    let decided = (setting.as_of - dice.sooner(0, 45)).max(known_since);
    let scope = if dice.chance(350) {
        OverrideScope::Both
    } else if life.is_wanted() {
        OverrideScope::Outstanding
    } else {
        OverrideScope::Cohort
    };
    let band_override = BandOverride {
        band: Band::VeryHigh.into(),
        scope: scope.into(),
        rationale: dice.pick(&RATIONALES).to_owned(),
        officer: format!("DEMO-INSP-{}{}", home.letters, 1 + dice.below(3)),
        expires_on: (decided + dice.between(7, 28)).to_string(),
        second_officer: String::new(),
    };
    pen.write(Heading::fact(System::Management, decided), Kind::BandOverride(band_override), dice);
}
