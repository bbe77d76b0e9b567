//! Events of older schemas, as this build reads them. One step a schema, each
//! from one version to the next, so that an event of any age takes every step
//! after its own. Stored bytes are never changed: they are hashed as they stand.

use super::{SCHEMA_VERSION, pb};

/// Turns an event of one schema into the next one's.
type Step = fn(pb::Event) -> pb::Event;

/// The step out of each schema, from version 1.
const STEPS: [Step; SCHEMA_VERSION as usize - 1] = [from_1, from_2, from_3];

/// An event written in schema `version`, as this build's schema has it. Its envelope still names its own version.
pub fn event(version: u16, event: pb::Event) -> pb::Event {
    let taken = usize::from(version.saturating_sub(1)).min(STEPS.len());
    STEPS[taken..].iter().fold(event, |event, step| step(event))
}

/// Schema 2 came with the recovery journal. Events kept their shape.
const fn from_1(event: pb::Event) -> pb::Event {
    event
}

/// Schema 3 came with supervision: further kinds of records, and notes of bands and alignment. Older events kept their shape.
const fn from_2(event: pb::Event) -> pb::Event {
    event
}

/// Schema 4 came with sealed events, which a build before it would take for events of no kind, and with what becomes of a
/// history as a whole: merges, restrictions, disclosures, reviews, erasures. Older events kept their
/// shape.
const fn from_3(event: pb::Event) -> pb::Event {
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_older_schema_has_a_step_and_the_newest_needs_none() {
        assert_eq!(STEPS.len(), usize::from(SCHEMA_VERSION) - 1);
        for version in 1..=SCHEMA_VERSION {
            let written = pb::Event { revision: 7, schema_version: version.into(), ..pb::Event::default() };
            assert_eq!(event(version, written.clone()), written, "the envelope names its own version");
        }
    }
}
