//! Victims of what a person is wanted for: whom to tell how the search stands,
//! and when. A victim is seen through this person's own records alone; that
//! others harmed them too is known as a mark and never as a name.

use std::collections::BTreeMap;

use super::Facts;
use super::clocks::Clock;
use super::count::{Run, tells_victim};
use crate::domain::Moment;
use crate::domain::dossier::Dossier;
use crate::domain::evidence::Outstanding;
use crate::domain::word::{PersonCategory, SupervisionClock};
use crate::policy::SupervisionPolicy;

/// A victim of an offence that a person is wanted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linked {
    /// The force's reference. Empty: not known who.
    pub reference: Box<str>,
    /// Recorded as vulnerable.
    pub vulnerable: bool,
    /// A repeat victim, by the source or by link.
    pub repeat: bool,
}

impl Linked {
    /// Whether told sooner than others.
    pub const fn enhanced(&self) -> bool {
        self.vulnerable || self.repeat
    }
}

/// When a victim was told and is to be told next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Telling {
    /// When last told since the run began.
    pub told: Option<Moment>,
    /// Since when the clock runs.
    pub since: Moment,
    /// When due.
    pub due: Moment,
}

/// Victims of the offences that a file names, each once, in order of reference. Only natural persons, and only offences
/// that are the person's own.
pub fn linked(dossier: &Dossier, file: &Outstanding) -> Vec<Linked> {
    if file.offence_ids.is_empty() {
        return Vec::new();
    }
    let mut victims: BTreeMap<&str, (bool, bool)> = BTreeMap::new();
    for offence in dossier.offences() {
        let own = matches!(offence.category, PersonCategory::Suspect | PersonCategory::Convicted);
        let Some(victim) = offence.victim.filter(|victim| own && victim.natural_person) else { continue };
        if !file.offence_ids.iter().any(|id| &**id == offence.id) {
            continue;
        }
        let marks = victims.entry(victim.reference.unwrap_or_default()).or_default();
        marks.0 |= victim.vulnerable;
        marks.1 |= victim.repeat || dossier.repeat(offence.id).is_some();
    }
    let linked = |(reference, (vulnerable, repeat)): (&str, (bool, bool))| Linked {
        reference: reference.into(),
        vulnerable,
        repeat,
    };
    victims.into_iter().map(linked).collect()
}

/// When a victim was told, up to a moment, and is to be told next. `None` where nobody knows who it is, or the file is closed.
pub fn telling(
    facts: &Facts<'_>,
    run: &Run,
    victim: &Linked,
    policy: &SupervisionPolicy,
    upto: Moment,
) -> Option<Telling> {
    if victim.reference.is_empty() || run.closed.is_some() {
        return None;
    }
    let told = facts
        .activities
        .iter()
        .map(|(_, activity)| activity)
        .filter(|activity| !run.is_after(activity.done) && activity.done <= upto)
        .filter(|activity| tells_victim(activity, &victim.reference))
        .map(|activity| activity.done)
        .next_back();
    let within = match told {
        Some(_) => policy.victim_then,
        None if victim.enhanced() => policy.victim_enhanced,
        None => policy.victim_standard,
    };
    let since = told.map_or(run.began, |told| told.max(run.began));
    Some(Telling { told, since, due: since + within })
}

/// The clock of the victim who is to be told first.
pub fn clock(tellings: impl Iterator<Item = Option<Telling>>) -> Option<Clock> {
    let first = tellings.flatten().min_by_key(|telling| telling.due)?;
    Some(Clock { kind: SupervisionClock::VictimUpdate, since: first.since, due: first.due })
}
