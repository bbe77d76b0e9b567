//! Whether a person's offending grows. Shown and never scored: a score would
//! fall when an old offence came to light.

use crate::scoring::Case;
use crate::scoring::harm::Once;

/// Clock days of each of the two spans compared.
const SPAN: u32 = 365;

/// Whether the harm days alleged, each offence once, in the last 365 clock days exceed those of the 365 before.
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
