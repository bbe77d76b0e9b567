//! What a person did in a stretch of days, as far as it is known today: what an
//! evaluation holds a score of before those days against. No score reads this.
//!
//! Nothing fades and no victim raises anything here: a day of harm is a day of
//! harm, times how far the offence is proved.

use hashbrown::HashMap;

use super::Rules;
use super::case::is_own;
use super::harm::{Classified, Once};
use crate::domain::Date;
use crate::domain::dossier::{Dossier, OffenceView};
use crate::domain::evidence::{Other, Outstanding};

/// Offences above which the records of one are looked up by hash rather than by looking at each.
const MANY: usize = 32;
/// Harm days from which violence is serious.
const SERIOUS_DAYS: f64 = 365.0;

/// Days from `from` to `until`, both among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The first day.
    pub from: Date,
    /// The last day.
    pub until: Date,
}

impl Stretch {
    /// The days after a date, so many of them.
    pub fn after(date: Date, days: i32) -> Self {
        Self { from: date + 1, until: date + days }
    }

    fn holds(self, date: Date) -> bool {
        (self.from..=self.until).contains(&date)
    }

    /// How many days they are.
    pub fn days(self) -> i32 {
        (self.until - self.from + 1).max(0)
    }
}

/// What somebody did.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Afterwards {
    /// Offences, each counted once however many records tell of it.
    pub offences: u32,
    /// Of these, what the published predictors count as violent.
    pub violent: u32,
    /// Of these, violence of a year of harm or more.
    pub serious: u32,
    /// Harm days of all of them.
    pub harm_days: f64,
    /// Failed to surrender to bail.
    pub failed_to_surrender: bool,
}

/// One offence, by the record that carries the most harm.
#[derive(Clone, Copy, Debug)]
pub struct Done<'a> {
    /// The record.
    pub offence: OffenceView<'a>,
    /// Its code's class.
    pub class: &'a Classified,
    /// Harm days of the code times proof.
    pub harm_days: f64,
}

/// What a person did in a stretch of days. `least_proof`: what counts as an offence, 0 to 1.
pub fn afterwards(dossier: &Dossier, rules: &Rules, stretch: Stretch, least_proof: f64) -> Afterwards {
    let mut found = Afterwards { failed_to_surrender: failed_to_surrender(dossier, stretch), ..Afterwards::default() };
    offences(dossier, rules, stretch, least_proof, |done| {
        found.offences += 1;
        found.violent += u32::from(done.class.violent_sanction);
        found.serious += u32::from(done.class.violent && done.class.days >= SERIOUS_DAYS);
        found.harm_days += done.harm_days;
    });
    found
}

/// Tells of each of a person's own offences of a stretch of days, once. One whose day is unknown is of the day of its report.
pub fn offences<'a>(
    dossier: &'a Dossier,
    rules: &'a Rules,
    stretch: Stretch,
    least_proof: f64,
    mut each: impl FnMut(Done<'a>),
) {
    let catalogue = &rules.catalogue;
    let done = dossier.offences().filter(|offence| is_own(offence.category) && stretch.holds(offence.date()));
    let done = done.filter_map(|offence| {
        let class = catalogue.classify(offence.code);
        let proof = catalogue.proof(&offence, class);
        // What is disproved is out, however little proof is asked for.
        let counts = class.offence && proof > 0.0 && proof >= least_proof;
        counts.then_some(Done { offence, class, harm_days: class.days * proof })
    });
    let mut kept: Vec<(Once<'a>, Done<'a>)> = Vec::new();
    let mut places: HashMap<Once<'a>, usize> = HashMap::new();
    for done in done {
        let once = Once::of(&done.offence);
        // Of a few each is looked at; most people have a few.
        let place = if places.is_empty() {
            kept.iter().position(|(held, _)| *held == once)
        } else {
            places.get(&once).copied()
        };
        match place {
            Some(place) if done.harm_days > kept[place].1.harm_days => kept[place].1 = done,
            Some(_) => {}
            None => {
                if kept.len() == MANY {
                    places.extend(kept.iter().enumerate().map(|(place, (held, _))| (*held, place)));
                }
                if !places.is_empty() {
                    places.insert(once, kept.len());
                }
                kept.push((once, done));
            }
        }
    }
    for (_, done) in kept {
        each(done);
    }
}

/// Harm days of everything that a person is known to have done by a day, unfaded: what a count of the past would rank by.
pub fn harm_before(dossier: &Dossier, rules: &Rules, as_of: Date) -> f64 {
    let mut days = 0.0;
    offences(dossier, rules, Stretch { from: Date::from_days(i32::MIN / 2), until: as_of }, 0.0, |done| {
        days += done.harm_days;
    });
    days
}

/// Days of a stretch on which a person was in custody.
pub fn days_in_custody(dossier: &Dossier, stretch: Stretch) -> i32 {
    let mut stays: Vec<(Date, Date)> = Vec::new();
    for filed in dossier.others().iter().filter(|filed| is_own(filed.category)) {
        if let Other::Custody(custody) = &filed.kind {
            // It ends on the day on which the person is out again.
            let last = custody.ended.map_or(stretch.until, |ended| ended - 1);
            stays.push((custody.start.max(stretch.from), last.min(stretch.until)));
        }
    }
    stays.sort_unstable();
    let (mut days, mut counted) = (0, stretch.from - 1);
    for (from, until) in stays {
        let from = from.max(counted + 1);
        if until >= from {
            days += until - from + 1;
            counted = until;
        }
    }
    days
}

fn failed_to_surrender(dossier: &Dossier, stretch: Stretch) -> bool {
    let opened = |file: &Outstanding| {
        file.reason.is_failure_to_surrender() && file.periods.iter().any(|period| stretch.holds(period.opened))
    };
    dossier.others().iter().filter(|filed| is_own(filed.category)).any(|filed| match &filed.kind {
        Other::Outstanding(file) => opened(file),
        Other::Breach(_)
        | Other::SanctionSummary(_)
        | Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Exploitation(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::word::{Outcome, OutstandingReason, PersonCategory};
    use crate::scoring::fixture::{self, Records, day};

    const WOUNDING: &str = "005/01";
    const BURGLARY: &str = "028/03";

    fn found(records: &Records, least_proof: f64) -> Afterwards {
        afterwards(&records.dossier(), fixture::rules(), Stretch::after(day(0), 100), least_proof)
    }

    #[test]
    fn only_what_was_done_in_the_days_after_counts() {
        let on = |days| found(&Records::new().offence("o", BURGLARY, day(days), Outcome::Charged), 0.8).offences;
        assert_eq!([on(0), on(1), on(100), on(101)], [0, 1, 1, 0]);
    }

    #[test]
    fn an_offence_counts_once_it_is_proved_as_far_as_is_asked() {
        let by = |outcome, least| found(&Records::new().offence("o", BURGLARY, day(5), outcome), least).offences;
        assert_eq!([by(Outcome::Suspected, 0.8), by(Outcome::Charged, 0.8), by(Outcome::Charged, 1.0)], [0, 1, 0]);
        assert_eq!([by(Outcome::Acquitted, 0.8), by(Outcome::Acquitted, 0.01)], [0, 0], "what is disproved never does");
    }

    #[test]
    fn records_of_one_incident_are_one_offence_and_a_victim_did_nothing() {
        let records = Records::new()
            .offence("a", WOUNDING, day(5), Outcome::Charged)
            .edit_offence(|offence| offence.incident = Some("I".into()))
            .offence("b", WOUNDING, day(5), Outcome::Convicted)
            .edit_offence(|offence| offence.incident = Some("I".into()))
            .offence("c", WOUNDING, day(9), Outcome::Convicted)
            .seen_as(PersonCategory::Victim);
        let wounded = found(&records, 0.8);
        assert_eq!((wounded.offences, wounded.violent, wounded.serious), (1, 1, 1));
        assert!((wounded.harm_days - 1_460.0).abs() < 1e-9, "{}", wounded.harm_days);
        let burglary = found(&Records::new().offence("o", BURGLARY, day(5), Outcome::Convicted), 0.8);
        assert_eq!((burglary.violent, burglary.serious), (0, 0));
    }

    #[test]
    fn harm_before_does_not_fade() {
        let harm = |days| {
            let dossier = Records::new().offence("o", WOUNDING, day(days), Outcome::Convicted).dossier();
            harm_before(&dossier, fixture::rules(), day(0))
        };
        assert_eq!([harm(-1), harm(-9_000), harm(1)].map(f64::to_bits), [1_460.0, 1_460.0, 0.0].map(f64::to_bits));
    }

    #[test]
    fn days_in_custody_are_counted_once_and_within_the_stretch() {
        let days = |records: &Records| days_in_custody(&records.dossier(), Stretch::after(day(0), 100));
        assert_eq!(days(&Records::new().sentence("c", day(11), None, Some(day(21)), &[])), 10);
        assert_eq!(days(&Records::new().sentence("c", day(-50), None, Some(day(6)), &[])), 5);
        assert_eq!(days(&Records::new().sentence("c", day(91), None, None, &[])), 10);
        let twice = Records::new().sentence("c", day(11), None, Some(day(21)), &[]);
        assert_eq!(days(&twice.sentence("d", day(16), None, Some(day(31)), &[])), 20);
        assert_eq!(days(&Records::new()), 0);
    }

    #[test]
    fn a_file_opened_for_failing_to_surrender_tells_of_it() {
        let opened = |reason, days| {
            let records = Records::new().file("f", reason, &[(day(days), None)], &[]);
            found(&records, 0.8).failed_to_surrender
        };
        assert!(opened(OutstandingReason::FailedToSurrenderCourtBail, 3));
        assert!(!opened(OutstandingReason::FailedToSurrenderCourtBail, -3));
        assert!(!opened(OutstandingReason::NamedSuspectNotArrested, 3));
    }
}
