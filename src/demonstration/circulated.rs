//! Since when a file is circulated, and where: at once, late, or by nobody knows when.

use super::dice::Dice;
use super::pen::stamp;
use super::supervised::{Care, Watch, between, ends};
use crate::domain::Moment;
use crate::domain::moment::{DAY, HOUR};
use crate::pb::{Circulation, CirculationStep, Outstanding};

impl Watch<'_> {
    /// Writes since when the file is circulated; when the last step was taken.
    pub(super) fn circulate(&self, outstanding: &mut Outstanding, dice: &mut Dice) -> Moment {
        let goal = self.file.circulation;
        let nobody_wrote_when = self.care != Care::Exemplary && self.is_open() && dice.chance(70);
        if nobody_wrote_when || matches!(goal, Circulation::NotCirculated | Circulation::Unspecified) {
            return Moment(i64::MIN);
        }
        let mut steps: Vec<CirculationStep> = Vec::new();
        let mut at = Moment(i64::MIN);
        let mut step = |circulation: Circulation, moment: Moment| {
            at = at.max(moment);
            let place = steps.len() + 1;
            steps.push(CirculationStep {
                circulation: circulation.into(),
                changed_time: Some(stamp(at)),
                officer: self.officer.clone(),
                system_ref: format!("DEMO-CIRC-{:06}-{place}", self.number),
            });
        };
        for (place, span) in self.spans.iter().enumerate() {
            let last = place + 1 == self.spans.len();
            let until = self.until(span);
            let late = span.opened + self.late(dice);
            let first = if late <= until { late } else { between(span.opened, until, dice) };
            let goal = if last && span.closed.is_none() { goal } else { while_closed(goal) };
            let now_and_then = dice.chance(250);
            if now_and_then || goal == Circulation::Pending {
                step(Circulation::Pending, between(span.opened, first, dice));
            }
            match goal {
                Circulation::Pending => continue,
                Circulation::International | Circulation::Cancelled => {
                    step(Circulation::PncWanted, first);
                    step(goal, between(first, until, dice));
                }
                Circulation::PncWanted
                | Circulation::PncLocateTrace
                | Circulation::ForceOnly
                | Circulation::NotCirculated
                | Circulation::Unspecified => step(goal, first),
            }
            if span.closed.is_some() && (!last || dice.chance(self.tidy())) {
                let next = self.spans.get(place + 1).map_or(ends(self.as_of, self.as_of), |next| next.opened);
                step(Circulation::Cancelled, between(until, (until + 3 * DAY).min(next), dice));
            }
        }
        if let Some(step) = steps.last() {
            outstanding.circulation = step.circulation;
        }
        outstanding.circulations = steps;
        at
    }

    /// Seconds from becoming outstanding to being circulated.
    fn late(&self, dice: &mut Dice) -> i64 {
        let hours = match self.care {
            Care::Exemplary => dice.between(0, 14),
            Care::Ordinary => dice.sooner(2, 60),
            Care::Slipping => dice.between(60, 430),
            Care::Neglected => dice.between(240, 1_400),
        };
        i64::from(hours) * HOUR + i64::from(dice.between(5, 59)) * 60
    }

    /// How often in a thousand somebody takes a closed file off the systems.
    fn tidy(&self) -> u32 {
        match self.care {
            Care::Exemplary => 1_000,
            Care::Ordinary => 880,
            Care::Slipping => 700,
            Care::Neglected => 400,
        }
    }
}

/// Where a file was circulated that was closed since.
fn while_closed(goal: Circulation) -> Circulation {
    match goal {
        Circulation::ForceOnly | Circulation::PncLocateTrace | Circulation::Pending => goal,
        Circulation::PncWanted
        | Circulation::International
        | Circulation::Cancelled
        | Circulation::NotCirculated
        | Circulation::Unspecified => Circulation::PncWanted,
    }
}
