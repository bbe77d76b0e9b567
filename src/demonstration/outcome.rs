//! What becomes of a case, and when: investigated, charged, heard, or ended without a trial.
//!
//! A case that has not come to its end by the last day that is known stays where it had got to.

use super::dice::Dice;
use crate::domain::Date;
use crate::pb::Outcome;

/// Cases that end alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    Shop,
    Acquisitive,
    Violence,
    /// Violence or damage towards a partner.
    Domestic,
    Sexual,
    Grave,
    Drugs,
    Disorder,
    Motoring,
    Fraud,
    /// Breaches of bail, orders and notification requirements.
    OfAnOrder,
}

/// How an investigation ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Never: nobody wrote an end.
    Forgotten,
    NoFurtherAction,
    EvidentialDifficulty,
    Eliminated,
    Withdrawn,
    NoCrime,
    Resolution,
    Caution,
    Notice,
    Prosecution,
}

/// How a case of a person stands on the last day known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Course {
    /// How far it has gone.
    pub(super) outcome: Outcome,
    /// The day of that, if written.
    pub(super) outcome_date: Option<Date>,
    /// The day the person was charged, if they were.
    pub(super) charged: Option<Date>,
    /// The day of the hearing that ended or will end it, if charged.
    pub(super) hearing: Option<Date>,
}

/// What decides a case besides chance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Matter {
    pub(super) profile: Profile,
    pub(super) reported: Date,
    /// Whether the offender was under 18.
    pub(super) child: bool,
    /// Whether it is too serious to be settled out of court.
    pub(super) serious: bool,
    /// Whether the offender is well known to the police.
    pub(super) prolific: bool,
    /// Last day on which anything about it is known.
    pub(super) horizon: Date,
}

impl Profile {
    /// Endings by weight, in the order of [`ENDINGS`], per thousand.
    const fn endings(self) -> [u32; 10] {
        match self {
            Self::Shop => [15, 55, 105, 20, 10, 5, 130, 55, 25, 580],
            Self::Acquisitive => [30, 180, 260, 60, 10, 10, 20, 25, 0, 405],
            Self::Violence => [30, 140, 320, 30, 60, 20, 90, 60, 0, 250],
            Self::Domestic => [20, 120, 450, 10, 90, 15, 20, 35, 0, 240],
            Self::Sexual => [40, 160, 450, 30, 60, 25, 10, 15, 0, 210],
            Self::Grave => [15, 75, 170, 40, 10, 10, 0, 0, 0, 680],
            Self::Drugs => [20, 60, 60, 10, 0, 5, 190, 110, 25, 520],
            Self::Disorder => [25, 90, 130, 15, 20, 10, 120, 110, 40, 440],
            Self::Motoring => [10, 30, 40, 5, 0, 0, 0, 10, 0, 905],
            Self::Fraud => [50, 210, 320, 40, 20, 20, 50, 45, 0, 245],
            Self::OfAnOrder => [10, 60, 90, 5, 5, 5, 0, 25, 0, 800],
        }
    }

    /// Least and most days from the offence to its report, and how often in a thousand there are any.
    const fn report_delay(self) -> (u32, i32, i32) {
        match self {
            Self::Shop => (100, 1, 4),
            Self::Acquisitive => (250, 1, 5),
            Self::Violence | Self::Grave => (180, 1, 12),
            Self::Domestic => (250, 1, 60),
            Self::Sexual => (700, 1, 2400),
            Self::Fraud => (750, 3, 240),
            Self::Disorder => (60, 1, 3),
            Self::Drugs | Self::Motoring => (0, 0, 0),
            Self::OfAnOrder => (150, 1, 7),
        }
    }

    /// Least and most days from the report to the end of the investigation.
    const fn investigation(self) -> (i32, i32) {
        match self {
            Self::Shop | Self::Disorder => (0, 45),
            Self::Acquisitive | Self::Motoring => (0, 110),
            Self::Violence => (0, 140),
            Self::Domestic => (0, 70),
            Self::Sexual => (50, 560),
            Self::Grave => (1, 190),
            Self::Drugs => (0, 240),
            Self::Fraud => (30, 560),
            Self::OfAnOrder => (0, 12),
        }
    }

    /// Least and most days from the charge to the hearing that ends the case.
    const fn trial(self) -> (i32, i32) {
        match self {
            Self::Shop | Self::Disorder => (10, 90),
            Self::Acquisitive | Self::Motoring => (20, 170),
            Self::Violence => (30, 230),
            Self::Domestic => (14, 190),
            Self::Sexual => (150, 520),
            Self::Grave => (110, 430),
            Self::Drugs => (30, 270),
            Self::Fraud => (60, 330),
            Self::OfAnOrder => (1, 45),
        }
    }

    /// The day on which an offence comes to notice.
    pub(super) fn reported(self, committed: Date, dice: &mut Dice) -> Date {
        let (per_mille, least, most) = self.report_delay();
        if dice.chance(per_mille) { committed + dice.sooner(least, most) } else { committed }
    }
}

/// Every ending, in the order of [`Profile::endings`].
const ENDINGS: [Ending; 10] = [
    Ending::Forgotten,
    Ending::NoFurtherAction,
    Ending::EvidentialDifficulty,
    Ending::Eliminated,
    Ending::Withdrawn,
    Ending::NoCrime,
    Ending::Resolution,
    Ending::Caution,
    Ending::Notice,
    Ending::Prosecution,
];

/// Places of the endings that children and the little known are likelier to have, and of the one they are spared.
const RESOLUTION: usize = 6;
const CAUTION: usize = 7;
const NOTICE: usize = 8;
const PROSECUTION: usize = 9;

/// Days that those charged with several matters are heard together rather than apart.
const HEARD_TOGETHER: i32 = 75;

/// How a case stands on the last day known. `hearings` are those already fixed for the person.
pub(super) fn course(matter: Matter, hearings: &mut Vec<Date>, dice: &mut Dice) -> Course {
    let Matter { profile, reported, child, prolific, horizon, serious: _ } = matter;
    let (least, most) = profile.investigation();
    let arrested = (reported + dice.sooner(0, 20)).min(reported + most);
    let decided = arrested.max(reported + dice.sooner(least, most));
    let ending = ending(matter, dice);
    let undecided = |outcome, outcome_date| Course { outcome, outcome_date, charged: None, hearing: None };

    if arrested > horizon || (ending == Ending::Forgotten && dice.chance(400)) {
        return undecided(Outcome::Suspected, None);
    }
    if ending == Ending::Forgotten || decided > horizon {
        let outcome = match horizon - arrested {
            0..=1 => Outcome::Arrested,
            _ => dice.weighted(&[
                (45, Outcome::ReleasedUnderInvestigation),
                (45, Outcome::Bailed),
                (10, Outcome::Suspected),
            ]),
        };
        return undecided(outcome, Some(arrested));
    }
    let outcome = match ending {
        Ending::Forgotten => Outcome::Suspected,
        Ending::NoFurtherAction => Outcome::NoFurtherAction,
        Ending::EvidentialDifficulty => Outcome::EvidentialDifficulty,
        Ending::Eliminated => Outcome::Eliminated,
        Ending::Withdrawn => Outcome::Withdrawn,
        Ending::NoCrime => Outcome::NoCrime,
        Ending::Resolution => Outcome::CommunityResolution,
        Ending::Caution => caution(decided, child, dice),
        Ending::Notice => Outcome::PenaltyNotice,
        Ending::Prosecution => return prosecution(profile, decided, prolific, horizon, hearings, dice),
    };
    undecided(outcome, Some(decided))
}

fn ending(matter: Matter, dice: &mut Dice) -> Ending {
    let mut weights = matter.profile.endings();
    let spared = match (matter.serious, matter.prolific) {
        (true, _) => 0,
        // Well known people are spared less: what would have been settled out of court goes to it.
        (false, true) => 1,
        (false, false) => 4,
    };
    for place in [RESOLUTION, CAUTION, NOTICE] {
        let kept = weights[place] * spared / 4;
        weights[PROSECUTION] += weights[place] - kept;
        weights[place] = kept;
    }
    if matter.child && !matter.prolific && !matter.serious {
        // Children are kept out of court where the law allows.
        let diverted = weights[PROSECUTION] * 2 / 5;
        weights[PROSECUTION] -= diverted;
        weights[RESOLUTION] += diverted / 2;
        weights[CAUTION] += diverted - diverted / 2;
    }
    let choices: [(u32, Ending); 10] = std::array::from_fn(|place| (weights[place], ENDINGS[place]));
    dice.weighted(&choices)
}

/// A caution, or what children were given before the youth caution came in April 2013.
fn caution(decided: Date, child: bool, dice: &mut Dice) -> Outcome {
    let (year, month, _) = decided.ymd();
    if child && (year, month) < (2013, 4) {
        dice.pick(&[Outcome::Reprimanded, Outcome::Warned])
    } else {
        Outcome::Cautioned
    }
}

fn prosecution(
    profile: Profile,
    charged: Date,
    prolific: bool,
    horizon: Date,
    hearings: &mut Vec<Date>,
    dice: &mut Dice,
) -> Course {
    let (least, most) = profile.trial();
    let wait = dice.between(least, most);
    let together = hearings.iter().rev().copied().find(|day| *day - charged >= 5 && *day - charged <= HEARD_TOGETHER);
    let hearing = match together {
        Some(day) if dice.chance(if prolific { 850 } else { 500 }) => day,
        Some(_) | None => sitting(charged + wait),
    };
    hearings.push(hearing);
    let (outcome, date) = if hearing > horizon {
        let started = match profile {
            Profile::Motoring => {
                dice.weighted(&[(3, Outcome::Charged), (5, Outcome::PostalRequisition), (2, Outcome::Summonsed)])
            }
            Profile::Grave | Profile::Domestic => Outcome::Charged,
            Profile::Shop
            | Profile::Acquisitive
            | Profile::Violence
            | Profile::Sexual
            | Profile::Drugs
            | Profile::Disorder
            | Profile::Fraud
            | Profile::OfAnOrder => {
                dice.weighted(&[(17, Outcome::Charged), (2, Outcome::PostalRequisition), (1, Outcome::Summonsed)])
            }
        };
        (started, charged)
    } else {
        let ended = match profile {
            Profile::Sexual | Profile::Grave => dice.weighted(&[
                (720, Outcome::Convicted),
                (190, Outcome::Acquitted),
                (85, Outcome::Discontinued),
                (5, Outcome::NotGuiltyInsanity),
            ]),
            Profile::Acquisitive if prolific => dice.weighted(&[
                (800, Outcome::Convicted),
                (110, Outcome::TakenIntoConsideration),
                (40, Outcome::Acquitted),
                (50, Outcome::Discontinued),
            ]),
            Profile::Shop
            | Profile::Acquisitive
            | Profile::Violence
            | Profile::Domestic
            | Profile::Drugs
            | Profile::Disorder
            | Profile::Motoring
            | Profile::Fraud
            | Profile::OfAnOrder => {
                dice.weighted(&[(850, Outcome::Convicted), (70, Outcome::Acquitted), (80, Outcome::Discontinued)])
            }
        };
        (ended, hearing)
    };
    Course { outcome, outcome_date: Some(date), charged: Some(charged), hearing: Some(hearing) }
}

/// The first day, from one on, on which courts sit: not a Saturday or Sunday.
pub(super) fn sitting(day: Date) -> Date {
    // 1970-01-01 was a Thursday.
    match (day.days() + 4).rem_euclid(7) {
        0 => day + 1,
        6 => day + 2,
        _ => day,
    }
}

/// Whether the person stands convicted, or has admitted it.
pub(super) fn is_proved(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Convicted
            | Outcome::Cautioned
            | Outcome::Reprimanded
            | Outcome::Warned
            | Outcome::CommunityResolution
            | Outcome::PenaltyNotice
            | Outcome::TakenIntoConsideration
    )
}

/// Whether its date is a sanction occasion.
pub(super) fn is_sanction(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Convicted | Outcome::Cautioned | Outcome::Reprimanded | Outcome::Warned)
}

/// Whether the case may still go on.
pub(super) fn is_open(outcome: Outcome) -> bool {
    matches!(
        outcome,
        Outcome::Suspected
            | Outcome::Arrested
            | Outcome::Bailed
            | Outcome::ReleasedUnderInvestigation
            | Outcome::Charged
            | Outcome::Summonsed
            | Outcome::PostalRequisition
    )
}

#[cfg(test)]
mod tests {
    use super::super::dice::Purpose;
    use super::*;

    #[test]
    fn every_profile_says_what_becomes_of_a_thousand_cases() {
        for profile in [
            Profile::Shop,
            Profile::Acquisitive,
            Profile::Violence,
            Profile::Domestic,
            Profile::Sexual,
            Profile::Grave,
            Profile::Drugs,
            Profile::Disorder,
            Profile::Motoring,
            Profile::Fraud,
            Profile::OfAnOrder,
        ] {
            assert_eq!(profile.endings().iter().sum::<u32>(), 1000, "{profile:?}");
        }
    }

    #[test]
    fn the_gravest_matters_are_never_settled_out_of_court() {
        assert_eq!(ENDINGS[RESOLUTION], Ending::Resolution);
        assert_eq!(ENDINGS[CAUTION], Ending::Caution);
        assert_eq!(ENDINGS[NOTICE], Ending::Notice);
        assert_eq!(ENDINGS[PROSECUTION], Ending::Prosecution);
        let day = Date::from_days(20_000);
        let profile = Profile::Violence;
        let matter = Matter { profile, reported: day, child: false, serious: true, prolific: false, horizon: day };
        let mut dice = Dice::new(5, Purpose::Subject, 1);
        let settled = [Ending::Resolution, Ending::Caution, Ending::Notice];
        assert!((0..2_000).all(|_| !settled.contains(&ending(matter, &mut dice))));
    }

    #[test]
    fn no_court_sits_at_a_weekend() {
        let date = |text: &str| text.parse::<Date>().unwrap();
        assert_eq!(sitting(date("2026-03-27")), date("2026-03-27"));
        assert_eq!(sitting(date("2026-03-28")), date("2026-03-30"));
        assert_eq!(sitting(date("2026-03-29")), date("2026-03-30"));
    }

    #[test]
    fn nothing_is_known_of_a_case_after_the_last_day() {
        let reported = Date::from_days(20_000);
        for number in 0..2_000 {
            let mut dice = Dice::new(5, Purpose::Subject, number);
            let horizon = reported + dice.between(0, 400);
            let matter =
                Matter { profile: Profile::Violence, reported, child: false, serious: false, prolific: false, horizon };
            let course = course(matter, &mut Vec::new(), &mut dice);
            assert!(course.outcome_date.is_none_or(|date| (reported..=horizon).contains(&date)), "{course:?}");
            assert!(!is_sanction(course.outcome) || course.outcome_date.is_some(), "{course:?}");
        }
    }
}
