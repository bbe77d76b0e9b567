//! Whether a person's offending grows. Shown and never scored: a score would
//! fall when an old offence came to light.

use crate::domain::Date;
use crate::domain::dossier::OffenceView;
use crate::domain::offence::OffenceCode;
use crate::scoring::Case;

/// Clock days of each of the two spans compared.
const SPAN: u32 = 365;

/// What makes two records one offence: the same incident and victim, or without an incident the same
/// code, date and victim.
#[derive(PartialEq, Eq)]
enum Once<'a> {
    Incident(&'a str, Option<&'a str>),
    Same(OffenceCode, Date, Option<&'a str>),
}

impl<'a> Once<'a> {
    fn of(offence: &OffenceView<'a>) -> Self {
        let victim = offence.victim.and_then(|victim| victim.reference);
        match offence.incident {
            Some(incident) => Self::Incident(incident, victim),
            None => Self::Same(offence.code, offence.date(), victim),
        }
    }
}

/// Whether the harm days alleged in the last 365 clock days exceed those of the 365 before.
pub(super) fn is_escalating(case: &Case<'_>) -> bool {
    let mut counted: Vec<(Once<'_>, u32, f64)> = Vec::new();
    for (_, offence, class) in case.allegations() {
        let (once, age) = (Once::of(&offence), case.clock.age(offence.date()));
        match counted.iter_mut().find(|(held, _, _)| *held == once) {
            Some((_, _, days)) => *days = days.max(class.days),
            None => counted.push((once, age, class.days)),
        }
    }
    let within = |from: u32, to: u32| -> f64 {
        counted.iter().filter(|(_, age, _)| (from..=to).contains(age)).map(|(_, _, days)| days).sum()
    };
    within(0, SPAN) > within(SPAN + 1, 2 * SPAN)
}
