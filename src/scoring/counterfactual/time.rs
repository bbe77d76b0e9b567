//! Months with nothing new. Each is weighed on its day: offences and reports
//! fade, assessments run out, and planned dates such as a release come as
//! planned.

use std::fmt::Write as _;

use super::search::{Person, Tried};
use super::{Change, Direction, Unmoved, own, words};
use crate::domain::Date;
use crate::domain::dossier::Dossier;
use crate::domain::evidence::Other;
use crate::scoring::composite::Composed;

/// Most whole months tried.
pub const MONTHS: i32 = 120;

/// What stops a person's clock now, in words.
fn stopped_by(dossier: &Dossier) -> Option<&'static str> {
    let mut held = None;
    for filed in own(dossier) {
        match &filed.kind {
            Other::Outstanding(file) if file.is_open() => return Some("an outstanding file is open"),
            Other::Custody(stay) if stay.ended.is_none() => held = Some("the person is in custody"),
            Other::Outstanding(_)
            | Other::Custody(_)
            | Other::SanctionSummary(_)
            | Other::Marker(_)
            | Other::Intelligence(_)
            | Other::Assessment(_)
            | Other::Order { .. }
            | Other::Breach(_)
            | Other::Exploitation(_)
            | Other::CohortMembership(_)
            | Other::BandOverride(_) => {}
        }
    }
    held
}

pub(super) fn tried(person: &Person<'_>) -> Tried {
    let day = |months: i32| person.as_of.plus_months(months);
    let path: Vec<(i32, Composed)> =
        (1..=MONTHS).map(|months| (months, person.weigh(person.dossier, day(months)))).collect();
    let stopped = stopped_by(person.dossier);
    let first = |wanted: Direction| {
        let place = path.iter().position(|(_, after)| person.direction(after) == Some(wanted))?;
        Some(told(person, &path[place..], wanted, stopped))
    };
    let none = match stopped {
        Some(why) => Unmoved {
            reason: "CLOCK_STOPPED",
            description: format!(
                "The clock stands still while {why}, and offences do not fade: within {MONTHS} months waiting alone \
                 does not move the band."
            ),
        },
        None => Unmoved {
            reason: "NO_SINGLE_CHANGE",
            description: format!("Within {MONTHS} months with nothing new the band does not move this way."),
        },
    };
    Tried { up: first(Direction::Up), down: first(Direction::Down), none, records: "", left_out: 0 }
}

/// The first of some months, in which the band has moved.
fn told(person: &Person<'_>, path: &[(i32, Composed)], moved: Direction, stopped: Option<&str>) -> Change {
    let (months, after) = path[0];
    let as_of: Date = person.as_of.plus_months(months);
    let what = format!(
        "With nothing new for {months} {}, until {}",
        if months == 1 { "month" } else { "months" },
        as_of.spelt()
    );
    let mut description = person.follows(&what, &after);
    description
        .push_str(" Planned dates, such as a release or the end of an assessment, are taken to come as planned.");
    if let Some(why) = stopped {
        description.push_str(" The clock stands still while ");
        description.push_str(why);
        description.push_str(", so offences do not fade meanwhile.");
    }
    if let Some((months, back)) = path.iter().find(|(_, later)| person.direction(later) != Some(moved)) {
        let again = person.as_of.plus_months(*months).spelt();
        let _ = write!(description, " It would not last: by {again} the band would be {}.", words(back.floored));
    }
    Change {
        size: months.unsigned_abs(),
        evidence: Vec::new(),
        as_of,
        composite: after.point,
        band: after.floored,
        shown: after.effective,
        description,
    }
}
