//! Who moved between two states of the lists, each change of a composite split
//! by weighing the person again a step at a time, always in one order: the days
//! that passed, what was recorded, the rules. What each step adds is its part, so
//! the parts sum to the change, whatever it was.

use std::collections::HashMap;
use std::sync::Arc;

use super::Rescoring;
use super::generation::Held;
use crate::access::{Caller, Disclosure};
use crate::domain::dossier::{Dossier, OffenceView, Repeat};
use crate::domain::word::{Band, List, MovementCause, MovementKind};
use crate::domain::{Date, MilliPoints, Revision};
use crate::ranking::movement::{Asked, Movement, Movements, Side};
use crate::ranking::{Cursor, Row, Standings, Start};
use crate::scoring::Rules;
use crate::service::fault::Fault;
use crate::service::ranked::PageOf;
use crate::service::{Seen, Service, scorer};
use crate::store::{Store, StoreError};

/// What is asked.
#[derive(Clone, Debug)]
pub struct MovementsOf {
    /// The list, the size of the page and its token.
    pub page: PageOf,
    /// The earlier state; 0: the newest generation of an earlier day.
    pub from: u64,
    /// The later state; 0: now.
    pub to: u64,
    /// Only these kinds; empty: all.
    pub kinds: Vec<MovementKind>,
    /// Only people of one of these areas; empty: everybody.
    pub areas: Vec<String>,
}

/// Why a composite is another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Causes {
    /// Part of each cause in their order, milli-points.
    pub parts: [i32; 3],
    /// The cause with which the kind of the movement came about.
    pub mainly: MovementCause,
    /// Records that came, changed or went, and offences whose victim became or ceased to be a repeat victim.
    pub evidence: Vec<Box<str>>,
}

/// A page of those who moved, with why.
#[derive(Debug)]
pub struct Moved {
    /// The earlier state.
    pub before: Arc<Held>,
    /// The later one.
    pub after: Arc<Standings>,
    /// Who moved.
    pub movements: Movements,
    /// Why, row by row.
    pub causes: Vec<Causes>,
    /// Token of the next page; `None`: this was the last.
    pub next: Option<String>,
}

/// The later of two states.
enum After {
    Now(Arc<Standings>),
    Then(Arc<Held>),
}

impl After {
    fn standings(&self) -> &Arc<Standings> {
        match self {
            Self::Now(standings) => standings,
            Self::Then(held) => &held.standings,
        }
    }
}

impl Rescoring {
    /// A page of those who moved between two states.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`], [`Fault::UnknownGeneration`], [`Fault::GenerationNotKept`], faults of the token, [`Fault::ReadOnly`] or
    /// [`Fault::Internal`] where a file or the ledger cannot be read.
    pub async fn movements(
        &self,
        caller: &Caller,
        asked: &MovementsOf,
        seen: Seen<'_>,
    ) -> Result<Disclosure<Moved>, Fault> {
        let service = &self.0.service;
        // Whoever waits for a revision waits for what it may have published, too.
        let newest = service.standings(seen).await?;
        let sight = Service::sight_of(caller, &newest, asked.page.list)?;
        let (after, start) = match asked.to {
            0 => {
                let (pinned, start) = service.paging.open(newest, caller, &asked.page)?;
                (After::Now(pinned), start)
            }
            number => {
                let held = self.generation(number).await?;
                (After::Then(held), service.paging.open_generation(number, caller, &asked.page)?)
            }
        };
        let from = match asked.from {
            0 => self.of_an_earlier_day(after.standings(), asked.to).ok_or(Fault::UnknownGeneration)?,
            number => number,
        };
        let before = self.generation(from).await?;
        let question = Asked {
            list: asked.page.list,
            kinds: asked.kinds.clone(),
            areas: asked.areas.clone(),
            after: match start {
                Start::Top => None,
                Start::After(cursor) => Some(cursor.last),
            },
            size: asked.page.size,
            sight,
        };
        let (rescoring, held, compared) = (self.clone(), Arc::clone(&before), Arc::clone(after.standings()));
        let read = move |_: &dyn Store| {
            let movements = after.standings().movements(&held.standings, &question);
            let causes = movements.rows.iter().map(|moved| rescoring.causes(question.list, &held, &after, moved));
            match causes.collect::<Result<Vec<Causes>, Fault>>() {
                // To be tried again for as long as other readers of the ledger are.
                Err(Fault::ReadOnly) => Err(StoreError::Full),
                causes => Ok(causes.map(|causes| (movements, causes))),
            }
        };
        let (movements, causes) = service.read_ledger(read).await??;
        let next = movements.next.map(|last| {
            let cursor = Cursor { last, matched: 0 };
            match asked.to {
                0 => service.paging.next(&compared, cursor, caller, &asked.page),
                number => service.paging.next_of_generation(number, cursor, caller, &asked.page),
            }
        });
        let subjects = movements.rows.iter().map(|row| row.subject).collect();
        Ok(Disclosure { answer: Moved { before, after: compared, movements, causes, next }, subjects })
    }

    /// The newest generation of an earlier day than these lists. That later ones are published meanwhile changes nothing: the
    /// pages of one chain must compare the same two states.
    pub(super) fn of_an_earlier_day(&self, after: &Standings, number: u64) -> Option<u64> {
        let runs = self.0.service.board.runs();
        // Blocks for a moment: a list of names.
        let kept = self.0.archive.generations().unwrap_or_default();
        let earlier = |told: &&super::runs::Generation| {
            told.as_of < after.as_of()
                && if number == 0 { told.published <= after.revision() } else { told.number < number }
        };
        let earlier = || runs.generations().iter().rev().filter(earlier).map(|told| told.number);
        // Where none is kept, the newest is told as not kept.
        earlier().find(|number| kept.binary_search(number).is_ok()).or_else(|| earlier().next())
    }

    /// Why somebody moved. Blocks.
    fn causes(&self, list: List, before: &Held, after: &After, moved: &Movement) -> Result<Causes, Fault> {
        let subject = moved.subject;
        let dossier = match after {
            After::Now(standings) => standings.dossier(subject).cloned(),
            After::Then(held) => self.dossier(held, subject)?.map(Arc::new),
        };
        let dossier = dossier.ok_or(Fault::Internal)?;
        let last = Step::of(&moved.after);
        let Some(side) = &moved.before else {
            let evidence = differing(&Dossier::new(dossier.subject_ref()), &dossier);
            return Ok(causes(moved.kind, [Step::NOBODY, Step::NOBODY, last, last], 0, evidence));
        };
        let earlier = self.dossier(before, subject)?.ok_or(Fault::Internal)?;
        let (standings, rules) = (after.standings(), before.standings.rules());
        let recorded = recorded(&earlier, &dossier, rules, standings.rules());
        let weigh = |dossier: &Dossier| Step::weighed(list, dossier, rules, standings);
        let then = Step::weighed_on(list, &earlier, rules, standings, before.standings.as_of());
        let steps = [Step::of(side), weigh(&earlier), weigh(&recorded), last];
        // What this program makes of that day differs from what was published then: the program's doing, and no time passed.
        let unlike = then.composite.get().cast_signed() - side.composite.get().cast_signed();
        Ok(causes(moved.kind, steps, unlike, differing(&earlier, &recorded)))
    }
}

/// How somebody stands after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Step {
    on: bool,
    band: Band,
    composite: MilliPoints,
}

impl Step {
    /// Nobody of that name is held.
    const NOBODY: Self = Self { on: false, band: Band::Low, composite: MilliPoints::ZERO };

    const fn of(side: &Side) -> Self {
        Self { on: side.rank.is_some(), band: side.band, composite: side.composite }
    }

    /// On the day of these lists, under other rules.
    fn weighed(list: List, dossier: &Dossier, rules: &Rules, on: &Standings) -> Self {
        Self::weighed_on(list, dossier, rules, on, on.as_of())
    }

    fn weighed_on(list: List, dossier: &Dossier, rules: &Rules, on: &Standings, as_of: Date) -> Self {
        let row = Row::new(dossier, &scorer::weigh_or_unknown(dossier, rules, as_of), rules, as_of, on.names());
        let composed = row.composed(list.family());
        Self { on: row.lists.holds(list), band: composed.effective, composite: composed.point }
    }
}

/// What each step added, and which of them made the movement what it is.
/// `unlike` is by how much this program weighs the first otherwise than was published: that part of the first step belongs
/// to the last.
fn causes(kind: MovementKind, steps: [Step; 4], unlike: i32, evidence: Vec<Box<str>>) -> Causes {
    let added =
        |place: usize| steps[place + 1].composite.get().cast_signed() - steps[place].composite.get().cast_signed();
    let parts = [added(0) - unlike, added(1), added(2) + unlike];
    let last =
        |differs: fn(&Step, &Step) -> bool| (0..3).rev().find(|place| differs(&steps[*place], &steps[place + 1]));
    // Of equal parts the first in the order.
    let largest = |sign: i32| (0..3).rev().max_by_key(|place| sign * parts[*place]);
    let place = match kind {
        MovementKind::Entered | MovementKind::Left => last(|a, b| a.on != b.on),
        MovementKind::ChangedBand => last(|a, b| a.band != b.band),
        MovementKind::Rose => largest(1),
        MovementKind::Fell => largest(-1),
    };
    let mainly = place.and_then(|place| MovementCause::ALL.get(place)).copied();
    Causes { parts, mainly: mainly.unwrap_or(MovementCause::Policy), evidence }
}

/// The later dossier as it would be under the rules of before: the policy says how far apart two times may be for the victim
/// to be a repeat victim. Where the rules are others, the times known under either are taken, as far as the rules of before
/// reach. That somebody else's record was withdrawn counts as policy then: nothing that is kept could tell.
fn recorded(earlier: &Dossier, later: &Dossier, before: &Arc<Rules>, after: &Arc<Rules>) -> Dossier {
    if Arc::ptr_eq(before, after) || before.policy.version == after.policy.version {
        return later.clone();
    }
    let within = before.policy.harm.repeat_within_days;
    let repeat = |offence: OffenceView<'_>| {
        let same = earlier.revision_of(offence.id) == Some(offence.revision);
        let known = earlier.repeat(offence.id).filter(|_| same).into_iter().chain(later.repeat(offence.id));
        let dates = known.flat_map(|repeat| repeat.dates.iter().copied());
        let mut dates: Vec<Date> = dates.filter(|date| (*date - offence.date()).abs() <= within).collect();
        dates.sort_unstable();
        dates.dedup();
        // One of them is the offence's own.
        (dates.len() > 1).then(|| Repeat { offence_id: offence.id.into(), dates: dates.into_boxed_slice() })
    };
    later.with_repeats(later.offences().filter_map(repeat).collect())
}

/// Records that came, changed or went, and offences whose victim became or ceased to be a repeat victim: those that went
/// first, the others in order of their revision.
fn differing(before: &Dossier, after: &Dossier) -> Vec<Box<str>> {
    let mut held: HashMap<&str, Option<Revision>> =
        before.record_ids().map(|id| (id, before.revision_of(id))).collect();
    let mut differing: Vec<(Revision, &str)> = Vec::new();
    for id in after.record_ids() {
        let revision = after.revision_of(id);
        if held.remove(id) != Some(revision) || before.repeat(id) != after.repeat(id) {
            differing.push((revision.unwrap_or(Revision(0)), id));
        }
    }
    // What is left over is not there any more.
    differing.extend(held.into_keys().map(|id| (Revision(0), id)));
    differing.sort_unstable();
    differing.into_iter().map(|(_, id)| id.into()).collect()
}
