//! Some people weighed again by another way: from their own events alone, each
//! record's last version that was known, with nothing of the fold that scored
//! everybody. If anything later had been used, scores would differ.

use std::collections::BTreeMap;

use super::known::Known;
use super::people::{Order, Person};
use crate::domain::dossier::Dossier;
use crate::domain::word::Family;
use crate::domain::{Revision, SubjectId};
use crate::reference;
use crate::scoring::Rules;
use crate::service::{record, scorer};
use crate::store::pb::Event;
use crate::store::pb::event::Body;

/// How many people were weighed again, and of how many the score was another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WeighedAgain {
    /// People.
    pub people: u32,
    /// Of these, whose score differed.
    pub differed: u32,
}

/// Weighs the sampled people of a date again. Who has several histories is left out: those are joined by rules of their own.
pub fn weigh_again(known: &Known, people: &[Person], rules: &Rules, family: Family, until: i64) -> WeighedAgain {
    let mut again = WeighedAgain::default();
    for person in people {
        let Some(events) = known.sampled().get(&person.subject) else { continue };
        if !known.state().histories().is_plain(person.subject) {
            continue;
        }
        let Some(dossier) = as_known(events, person.subject, known, until) else { continue };
        let weighed = scorer::weigh_or_unknown(&dossier, rules, person.day);
        again.people += 1;
        again.differed += u32::from(Order::of(&weighed, family) != person.order);
    }
    again
}

/// What was known of somebody by an instant, from their events.
fn as_known(events: &[(i64, Event)], subject: SubjectId, known: &Known, until: i64) -> Option<Dossier> {
    let mut versions = BTreeMap::new();
    let mut reference = None;
    for (since, event) in events {
        if let Some(Body::EvidenceWritten(written)) = &event.body {
            let stated = written.record.as_ref()?;
            reference = Some(stated.subject_ref.as_str());
            if *since <= until {
                let recorded = record::recorded_micros(stated, event.recorded_micros);
                let evidence = record::from_stored(stated, recorded, Revision(event.revision), reference::tables())?;
                versions.insert(stated.id.as_str(), evidence);
            }
        } else if let Some(Body::EvidenceWithdrawn(withdrawn)) = &event.body
            && *since <= until
        {
            versions.remove(withdrawn.record_id.as_str());
        }
    }
    let dossier = Dossier::from_evidence(reference?, Revision(1), versions.into_values());
    // Who is a repeat victim is read from other people's records too.
    Some(dossier.with_repeats(known.state().dossier(subject).repeats().into()))
}

impl WeighedAgain {
    /// Both together.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self { people: self.people + other.people, differed: self.differed + other.differed }
    }
}
