//! Warning markers and graded intelligence of invented people. Health signals are among them so
//! that it can be seen that they reach no score.

use super::career::{Career, Tier};
use super::dice::Dice;
use super::life::{Life, Setting};
use super::outcome::Profile;
use super::pen::{Heading, Pen, System, written};
use crate::domain::Date;
use crate::pb::{
    Basis, Handling, Intelligence, Marker, MarkerKind, Outcome, OutstandingReason, PersonCategory, ThreatIndicator,
    record::Kind,
};

/// The day on which a person was first convicted of a sexual offence, and so must register.
pub(super) fn registered_on(life: &Life) -> Option<Date> {
    life.cases
        .iter()
        .filter(|case| case.crime.profile == Profile::Sexual && case.outcome == Outcome::Convicted)
        .filter_map(|case| case.outcome_date)
        .min()
}

pub(super) fn markers(pen: &mut Pen, setting: Setting<'_>, life: &Life, known_since: Date, dice: &mut Dice) {
    let Setting { lot, as_of, .. } = setting;
    let often = |prolific: u32, occasional: u32, one_time: u32| match lot.tier {
        Tier::Prolific => prolific,
        Tier::Occasional => occasional,
        Tier::OneTime => one_time,
    };
    let violent = lot.career.is_violent();
    let supplies = matches!(lot.career, Career::DrugSupplier | Career::CountyLines);
    let signals = [
        (MarkerKind::Violent, if violent { often(620, 160, 30) } else { often(150, 20, 3) }),
        (MarkerKind::Weapons, if violent || supplies { often(220, 45, 8) } else { often(50, 6, 1) }),
        (MarkerKind::Firearms, if violent || supplies { often(50, 10, 2) } else { often(6, 1, 0) }),
        (MarkerKind::Drugs, if supplies { often(600, 250, 60) } else { often(330, 40, 4) }),
        (MarkerKind::OffendsOnBail, often(280, 12, 0)),
        (MarkerKind::ContactWithVulnerableVictim, if violent { often(30, 8, 2) } else { often(4, 1, 0) }),
        (MarkerKind::Ailment, often(90, 20, 6)),
        (MarkerKind::MentalHealth, often(130, 40, 14)),
        (MarkerKind::SelfHarm, often(110, 30, 8)),
        (MarkerKind::Contagious, often(15, 3, 1)),
    ];
    for (kind, per_mille) in signals {
        if dice.chance(per_mille) {
            let set = dice.day(known_since.max(as_of - 2600), as_of);
            let expires = dice.chance(350).then(|| set + dice.pick(&[365, 730, 1095]));
            marker(pen, kind, set, expires, dice);
        }
    }
    // Served notices are recent or they are history.
    let notices = [
        (MarkerKind::ThreatToLifeSource, if violent || supplies { often(60, 9, 1) } else { often(5, 1, 0) }),
        (MarkerKind::ThreatToLifeThreatened, if violent || supplies { often(70, 10, 2) } else { often(8, 2, 1) }),
        (MarkerKind::StatedIntentToHarm, if violent { often(50, 12, 3) } else { often(5, 2, 0) }),
    ];
    for (kind, per_mille) in notices {
        if dice.chance(per_mille) {
            let set = (as_of - dice.sooner(0, 420)).max(known_since);
            let expires = dice.chance(500).then(|| set + dice.pick(&[84, 180]));
            marker(pen, kind, set, expires, dice);
        }
    }
    if let Some(convicted) = registered_on(life) {
        let expires = dice.pick(&[Some(convicted.plus_years(5)), Some(convicted.plus_years(10)), None]);
        marker(pen, MarkerKind::RegisteredSexOffender, convicted, expires, dice);
    }
    for file in &life.files {
        if file.reason == OutstandingReason::Escape
            && let Some(period) = file.periods.first()
        {
            marker(pen, MarkerKind::Escaper, period.opened, None, dice);
        }
    }
}

fn marker(pen: &mut Pen, kind: MarkerKind, set: Date, expires: Option<Date>, dice: &mut Dice) {
    let category =
        if kind == MarkerKind::ThreatToLifeThreatened { PersonCategory::Victim } else { PersonCategory::Unspecified };
    let marker = Marker { marker_kind: kind.into(), expires_on: written(expires) };
    pen.write(Heading::fact(System::Pnc, set).of(category), Kind::Marker(marker), dice);
}

pub(super) fn intelligence(pen: &mut Pen, setting: Setting<'_>, life: &Life, dice: &mut Dice) {
    let Setting { lot, as_of, thousand, .. } = setting;
    let (per_mille, most) = match (lot.career, lot.tier) {
        (Career::DrugSupplier | Career::CountyLines, Tier::Prolific) => (850, 8),
        (Career::DrugSupplier | Career::CountyLines, Tier::Occasional) => (420, 4),
        (Career::Violent | Career::Robber, Tier::Prolific) => (600, 5),
        (Career::Violent | Career::Robber, Tier::Occasional) => (120, 2),
        (_, Tier::Prolific) => (350, 3),
        (_, Tier::Occasional) => (60, 2),
        (_, Tier::OneTime) => (15, 1),
    };
    if !dice.chance(per_mille) {
        return;
    }
    let of_age = life.born.plus_years(10).min(as_of);
    for _ in 0..dice.sooner(1, most) {
        let indicator = indicator(lot.career, dice);
        let source_ref = if dice.chance(160) {
            String::new()
        } else {
            format!("DEMO-SRC-{:04}-{:02}", thousand.number(), dice.below(24))
        };
        let mut report = Intelligence { indicator: indicator.into(), source_ref, ..Intelligence::default() };
        let event = if dice.chance(70) {
            report.old_grade = old_grade(dice);
            (as_of - dice.between(400, 2600)).max(of_age)
        } else {
            report.source_reliability = dice.weighted(&[(26, 1), (58, 2), (16, 3)]);
            let letter = dice.weighted(&[(8, 'A'), (26, 'B'), (20, 'C'), (38, 'D'), (8, 'E')]);
            report.assessment = letter.to_string();
            report.handling = dice.weighted(&[(6, Handling::P), (4, Handling::C)]).into();
            (as_of - dice.sooner(0, 720)).max(of_age)
        };
        let heading = Heading::fact(System::Intelligence, event).known_by(Basis::Intelligence);
        pen.write(heading, Kind::Intelligence(report), dice);
    }
}

/// A grade of the old 5x5x5 form, such as B24.
fn old_grade(dice: &mut Dice) -> String {
    let source = dice.weighted(&[(10, 'A'), (35, 'B'), (25, 'C'), (5, 'D'), (25, 'E')]);
    format!("{source}{}{}", dice.between(1, 5), dice.between(1, 5))
}

fn indicator(career: Career, dice: &mut Dice) -> ThreatIndicator {
    use ThreatIndicator::{
        AccessToFirearm, AccessToWeapon, ContactWithVulnerableVictim, IntentToHarmIdentifiedPerson, OrganisedCrimeLink,
        ThreatToLife,
    };
    match career {
        Career::DrugSupplier | Career::CountyLines => dice.weighted(&[
            (48, OrganisedCrimeLink),
            (28, AccessToWeapon),
            (9, AccessToFirearm),
            (9, IntentToHarmIdentifiedPerson),
            (3, ThreatToLife),
            (3, ContactWithVulnerableVictim),
        ]),
        Career::Violent | Career::Robber => dice.weighted(&[
            (40, AccessToWeapon),
            (26, IntentToHarmIdentifiedPerson),
            (16, OrganisedCrimeLink),
            (10, AccessToFirearm),
            (8, ThreatToLife),
        ]),
        Career::DomesticAbuser | Career::SexualOffender => dice.weighted(&[
            (55, ContactWithVulnerableVictim),
            (30, IntentToHarmIdentifiedPerson),
            (12, AccessToWeapon),
            (3, ThreatToLife),
        ]),
        Career::Shoplifter
        | Career::Burglar
        | Career::VehicleThief
        | Career::PublicOrderDrinker
        | Career::Driver
        | Career::Fraudster => dice.weighted(&[(62, OrganisedCrimeLink), (34, AccessToWeapon), (4, AccessToFirearm)]),
    }
}
