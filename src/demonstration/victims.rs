//! Whom a person harms: partners again and again, shops round the corner, now and then someone
//! whom others harm too, and mostly somebody met once.

use super::career::Career;
use super::crimes::{Crime, Target};
use super::dice::Dice;
use super::life::Setting;
use crate::domain::Date;
use crate::pb::Victim;

/// Days for which one partner is kept before the next.
const DAYS_WITH_ONE_PARTNER: i32 = 1100;

/// Those close to a person.
#[derive(Debug)]
pub(super) struct Circle {
    /// The person's last offence: partners are counted back from it.
    last: Date,
    /// Whether each partner, the latest first, is recorded as vulnerable.
    vulnerable_partners: [bool; 3],
}

/// A victim, and whether it is domestic abuse.
pub(super) type Harmed = (Option<Victim>, bool);

impl Circle {
    pub(super) fn draw(last: Date, dice: &mut Dice) -> Self {
        Self { last, vulnerable_partners: [dice.chance(170), dice.chance(170), dice.chance(170)] }
    }

    /// The victim of one offence at an age on a day, the `nth` of the person's.
    pub(super) fn victim(
        &self,
        setting: Setting<'_>,
        crime: &Crime,
        age: i32,
        day: Date,
        nth: usize,
        dice: &mut Dice,
    ) -> Harmed {
        let Setting { thousand, lot, number, .. } = setting;
        let body = |kind: &str, dice: &mut Dice| {
            // One of some thirty in the neighbourhood: the same one is hit again and again.
            let victim_ref = format!("DEMO-{kind}-{:04}-{:02}", thousand.number(), dice.sooner(0, 30));
            (Some(Victim { victim_ref, natural_person: false, vulnerable: false, repeat: false }), false)
        };
        let vulnerable = match crime.target {
            Target::Nobody => return (None, false),
            Target::Shop => return body("SHOP", dice),
            Target::Body => return body("BODY", dice),
            Target::Either if dice.chance(400) => return body("BODY", dice),
            Target::Person | Target::Either => 90,
            Target::Child => 650,
            Target::Trusting => 380,
        };
        let at_home = matches!(crime.target, Target::Person | Target::Either) && age >= 16;
        if at_home && dice.chance(often_a_partner(lot.career)) {
            let partner = usize::try_from((self.last - day).max(0) / DAYS_WITH_ONE_PARTNER).unwrap_or(0).min(2);
            let marked = dice.chance(120);
            let victim_ref = format!("DEMO-V-{number:06}-P{partner}");
            return natural(victim_ref, self.vulnerable_partners[partner], marked, true);
        }
        if dice.chance(40) {
            let often = thousand.often_harmed(dice);
            return natural(often.reference.clone(), often.vulnerable, dice.chance(300), false);
        }
        if dice.chance(60) {
            return natural(String::new(), dice.chance(vulnerable / 2), false, false);
        }
        natural(format!("DEMO-V-{number:06}-{nth:03}"), dice.chance(vulnerable), dice.chance(15), false)
    }
}

fn natural(victim_ref: String, vulnerable: bool, repeat: bool, domestic_abuse: bool) -> Harmed {
    (Some(Victim { victim_ref, natural_person: true, vulnerable, repeat }), domestic_abuse)
}

/// How often in a thousand a person of this career harms a partner rather than another.
fn often_a_partner(career: Career) -> u32 {
    match career {
        Career::DomesticAbuser => 880,
        Career::Violent | Career::PublicOrderDrinker | Career::SexualOffender => 140,
        Career::Shoplifter
        | Career::Burglar
        | Career::VehicleThief
        | Career::DrugSupplier
        | Career::CountyLines
        | Career::Robber
        | Career::Driver
        | Career::Fraudster => 20,
    }
}
