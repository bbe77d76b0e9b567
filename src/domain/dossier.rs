//! Everything in force about one subject, packed: a million of these stay in
//! memory. Text lives in one arena per person; offences, which are nearly all
//! of most people's records, are 48 bytes each.
//!
//! A dossier never changes: writing a record makes a new one.

mod joined;

use super::evidence::{CohortMembership, Evidence, Kind, Offence, Other, Outstanding, Person, Supervision, Victim};
use super::life::Life;
use super::offence::{CjsIndex, HoIndex, OffenceCode};
use super::word::{Band, Outcome, PersonCategory, Sex};
use super::{Date, Moment, Revision};
use joined::Shown;

/// A slice of the arena.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Text {
    at: u32,
    len: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackedOffence {
    revision: u64,
    id_at: u32,
    incident_at: u32,
    victim_at: u32,
    committed: i32,
    reported: i32,
    outcome_date: i32,
    updated: i32,
    cjs: u16,
    ho: u16,
    flags: u16,
    id_len: u8,
    incident_len: u8,
    victim_len: u8,
    outcome: Outcome,
    category: PersonCategory,
}

const NO_DATE: i32 = i32::MIN;
const NO_CODE: u16 = u16::MAX;

mod flag {
    pub const VICTIM: u16 = 1;
    pub const NATURAL: u16 = 1 << 1;
    pub const VULNERABLE: u16 = 1 << 2;
    pub const REPEAT: u16 = 1 << 3;
    pub const DOMESTIC: u16 = 1 << 4;
    pub const HATE: u16 = 1 << 5;
    pub const PROACTIVE: u16 = 1 << 6;
}

/// The Person record, packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct PackedPerson {
    revision: u64,
    id: Text,
    areas: LongText,
    birth: i32,
    made: i32,
    updated: i32,
    sex: Option<Sex>,
    apparent_age: (u8, u8),
}

/// A longer slice of the arena: up to eight areas, joined by line feeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct LongText {
    at: u32,
    len: u16,
}

/// A record that is neither the person nor an offence.
#[derive(Clone, Debug, PartialEq)]
pub struct Filed {
    /// The record's id.
    pub id: Box<str>,
    /// Revision of the version in force.
    pub revision: Revision,
    /// The person's category in this record.
    pub category: PersonCategory,
    /// Day on which the source last updated it.
    pub updated: Date,
    /// What it tells.
    pub kind: Other,
}

/// Dates on which the victim of one offence was a victim in other incidents too: derived from
/// the victim index, never from another suspect's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeat {
    /// The offence record it belongs to.
    pub offence_id: Box<str>,
    /// Distinct dates, in order, this offence's own among them.
    pub dates: Box<[Date]>,
}

/// A management record: what no rule of scoring reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervised {
    /// The record's id.
    pub id: Box<str>,
    /// Revision of the version in force.
    pub revision: Revision,
    /// What it tells.
    pub kind: Supervision,
}

/// What is held of the supervision of one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Oversight {
    /// In order of record id.
    records: Vec<Supervised>,
    /// Effective bands on the outstanding lists as noted in the ledger, oldest first; none while no file was open.
    bands: Vec<(Moment, Option<Band>)>,
    /// Digest of what was last noted; 0: nothing, or that no file is open.
    noted: u64,
}

impl Oversight {
    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.bands.is_empty() && self.noted == 0
    }
}

/// Everything in force about one subject.
#[derive(Clone, Debug, PartialEq)]
pub struct Dossier {
    arena: Box<str>,
    reference_len: u8,
    revision: Revision,
    persons: Box<[PackedPerson]>,
    offences: Box<[PackedOffence]>,
    others: Box<[Filed]>,
    repeats: Box<[Repeat]>,
    /// Most people have none.
    oversight: Option<Box<Oversight>>,
    /// What became of the history as a whole. Nearly always nothing.
    life: Option<Box<Life>>,
    /// Of a dossier that lists are made from: why it is not simply one history.
    shown: Option<Box<Shown>>,
}

/// The person record in force.
#[derive(Clone, Copy, Debug)]
pub struct PersonView<'a> {
    /// The record's id.
    pub id: &'a str,
    /// Revision of the version in force.
    pub revision: Revision,
    /// Birth date, if known.
    pub birth: Option<Date>,
    /// Sex, if known.
    pub sex: Option<Sex>,
    /// Least and greatest apparent age in whole years on `made`.
    pub apparent_age: (u8, u8),
    /// The day the record was made.
    pub made: Date,
    areas: &'a str,
}

impl<'a> PersonView<'a> {
    /// Areas the person belongs to.
    pub fn areas(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.areas.split('\n').filter(|area| !area.is_empty())
    }
}

/// An offence in force.
#[derive(Clone, Copy, Debug)]
pub struct OffenceView<'a> {
    /// The record's id.
    pub id: &'a str,
    /// Revision of the version in force.
    pub revision: Revision,
    /// The person's category in this record.
    pub category: PersonCategory,
    /// Day on which the source last updated it.
    pub updated: Date,
    /// Code.
    pub code: OffenceCode,
    /// When committed, if known.
    pub committed: Option<Date>,
    /// When reported.
    pub reported: Date,
    /// How far the case has gone.
    pub outcome: Outcome,
    /// Date of that outcome.
    pub outcome_date: Option<Date>,
    /// Incident reference.
    pub incident: Option<&'a str>,
    /// The victim.
    pub victim: Option<VictimView<'a>>,
    /// Domestic abuse.
    pub domestic_abuse: bool,
    /// Hate crime.
    pub hate: bool,
    /// Found by police activity alone.
    pub proactive: bool,
}

impl OffenceView<'_> {
    /// The day it happened; the day reported where that is unknown.
    pub fn date(&self) -> Date {
        self.committed.unwrap_or(self.reported)
    }
}

/// The victim of one offence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VictimView<'a> {
    /// Reference, if known who.
    pub reference: Option<&'a str>,
    /// A natural person.
    pub natural_person: bool,
    /// Recorded as vulnerable.
    pub vulnerable: bool,
    /// Recorded as a repeat victim by the source.
    pub repeat: bool,
}

impl Dossier {
    /// What is left of somebody who was erased: that the number is taken. No reference of a person is empty.
    pub fn erased(revision: Revision) -> Self {
        Self { revision, ..Self::new("") }
    }

    /// Whether the person was erased.
    pub const fn is_erased(&self) -> bool {
        self.reference_len == 0
    }

    /// An empty dossier of one person.
    ///
    /// # Panics
    /// When the reference is longer than 255 bytes; references are checked at the edge.
    pub fn new(subject_ref: &str) -> Self {
        Self {
            arena: subject_ref.into(),
            reference_len: u8::try_from(subject_ref.len()).expect("a checked reference must fit in 255 bytes"),
            revision: Revision(0),
            persons: Box::default(),
            offences: Box::default(),
            others: Box::default(),
            repeats: Box::default(),
            oversight: None,
            life: None,
            shown: None,
        }
    }

    /// A dossier of many records at once.
    pub fn from_evidence(subject_ref: &str, revision: Revision, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        let mut packer = Packer::new(subject_ref);
        for record in evidence {
            packer.add(record);
        }
        packer.finish(revision, Box::default())
    }

    /// This dossier with what the ledger noted of its bands, oldest first, and the digest of the last note.
    #[must_use]
    pub fn with_notes(mut self, bands: Vec<(Moment, Option<Band>)>, noted: u64) -> Self {
        if !bands.is_empty() || noted != 0 || self.oversight.is_some() {
            let held = self.oversight.take().unwrap_or_default();
            self.oversight = Some(Box::new(Oversight { bands, noted, ..*held })).filter(|held| !held.is_empty());
        }
        self
    }

    /// The force's reference of the person.
    pub fn subject_ref(&self) -> &str {
        &self.arena[..usize::from(self.reference_len)]
    }

    /// Revision of the last event about the person.
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The person record in force: of several, the one made latest.
    pub fn person(&self) -> Option<PersonView<'_>> {
        self.persons.last().map(|person| PersonView {
            id: self.text(person.id),
            revision: Revision(person.revision),
            birth: date(person.birth),
            sex: person.sex,
            apparent_age: person.apparent_age,
            made: Date::from_days(person.made),
            areas: self.slice(person.areas.at, usize::from(person.areas.len)),
        })
    }

    /// Number of offences in force.
    pub fn offence_count(&self) -> usize {
        self.offences.len()
    }

    /// Offences in force, in order of date and record id.
    #[inline]
    pub fn offences(&self) -> impl ExactSizeIterator<Item = OffenceView<'_>> {
        self.offences.iter().map(|packed| self.view(packed))
    }

    /// Records that are neither the person nor an offence nor of supervision, in order of record id.
    pub fn others(&self) -> &[Filed] {
        &self.others
    }

    /// What the victim index found for an offence of this person.
    pub fn repeat(&self, offence_id: &str) -> Option<&Repeat> {
        self.repeats.iter().find(|repeat| &*repeat.offence_id == offence_id)
    }

    /// Everything that the victim index found for this person's offences.
    pub fn repeats(&self) -> &[Repeat] {
        &self.repeats
    }

    /// Revision of the version in force of a record of this person.
    pub fn revision_of(&self, record_id: &str) -> Option<Revision> {
        if let Some(person) = self.persons.iter().find(|person| self.text(person.id) == record_id) {
            return Some(Revision(person.revision));
        }
        if let Some(offence) = self.offences().find(|offence| offence.id == record_id) {
            return Some(offence.revision);
        }
        let other = self.others.iter().find(|filed| &*filed.id == record_id).map(|filed| filed.revision);
        other.or_else(|| self.supervised().iter().find(|held| &*held.id == record_id).map(|held| held.revision))
    }

    /// Management records, in order of record id. No rule of scoring asks for them.
    pub fn supervised(&self) -> &[Supervised] {
        self.oversight.as_ref().map_or(&[], |oversight| &oversight.records)
    }

    /// Effective bands on the outstanding lists as noted, oldest first; none while no file was open.
    pub fn bands(&self) -> &[(Moment, Option<Band>)] {
        self.oversight.as_ref().map_or(&[], |oversight| &oversight.bands)
    }

    /// Digest of what was last noted of the open files; 0: nothing was.
    pub fn noted(&self) -> u64 {
        self.oversight.as_ref().map_or(0, |oversight| oversight.noted)
    }

    /// Files on why the person is outstanding, open or closed, in order of record id.
    pub fn files(&self) -> impl Iterator<Item = (&Filed, &Outstanding)> {
        self.others.iter().filter_map(|filed| match &filed.kind {
            Other::Outstanding(file) => Some((filed, file)),
            Other::SanctionSummary(_)
            | Other::Custody(_)
            | Other::Marker(_)
            | Other::Intelligence(_)
            | Other::Assessment(_)
            | Other::Order { .. }
            | Other::Breach(_)
            | Other::Exploitation(_)
            | Other::CohortMembership(_)
            | Other::BandOverride(_) => None,
        })
    }

    /// Memberships of the managed cohort, ended or not, in order of record id.
    pub fn memberships(&self) -> impl Iterator<Item = (&Filed, &CohortMembership)> {
        self.others.iter().filter_map(|filed| match &filed.kind {
            Other::CohortMembership(membership) => Some((filed, membership)),
            Other::SanctionSummary(_)
            | Other::Custody(_)
            | Other::Marker(_)
            | Other::Intelligence(_)
            | Other::Assessment(_)
            | Other::Order { .. }
            | Other::Breach(_)
            | Other::Exploitation(_)
            | Other::Outstanding(_)
            | Other::BandOverride(_) => None,
        })
    }

    /// The membership in force, with its record: of several the latest selected; ties by record id, the last. Selection
    /// and its end are facts: once recorded they hold, whatever the day of the lists.
    pub fn membership(&self) -> Option<(&Filed, &CohortMembership)> {
        let held = self.memberships().filter(|(_, membership)| membership.ended.is_none());
        held.max_by_key(|(_, membership)| membership.selected)
    }

    /// A file of this person by its id.
    pub fn file(&self, id: &str) -> Option<&Outstanding> {
        self.files().find(|(filed, _)| &*filed.id == id).map(|(_, file)| file)
    }

    /// Whether any file is open.
    pub fn is_outstanding(&self) -> bool {
        self.files().any(|(_, file)| file.is_open())
    }

    /// Ids of every record in force.
    pub fn record_ids(&self) -> impl Iterator<Item = &str> {
        self.persons
            .iter()
            .map(|person| self.text(person.id))
            .chain(self.offences().map(|offence| offence.id))
            .chain(self.others.iter().map(|filed| &*filed.id))
            .chain(self.supervised().iter().map(|held| &*held.id))
    }

    /// This dossier with a record written: new, or in place of the version held.
    #[must_use]
    pub fn with(&self, record: Evidence) -> Self {
        let revision = record.revision;
        let mut packer = Packer::copying(self, |id| id != &*record.id);
        packer.add(record);
        packer.finish(revision, self.repeats.clone())
    }

    /// This dossier with a record taken out.
    #[must_use]
    pub fn without(&self, record_id: &str, revision: Revision) -> Self {
        Packer::copying(self, |id| id != record_id).finish(revision, self.repeats.clone())
    }

    /// This dossier after many changes: these records written, each new or in place of the version held, and those that are
    /// not kept taken out.
    #[must_use]
    pub fn with_all(&self, revision: Revision, records: Vec<Evidence>, keeps: impl Fn(&str) -> bool) -> Self {
        let mut packer = Packer::copying(self, |id| keeps(id) && records.iter().all(|record| &*record.id != id));
        for record in records {
            packer.add(record);
        }
        packer.finish(revision, self.repeats.clone())
    }

    /// This dossier with some of its records only: what it would have been without the others.
    #[must_use]
    pub fn keeping(&self, offence: impl Fn(&OffenceView<'_>) -> bool, other: impl Fn(&Filed) -> bool) -> Self {
        let mut packer = Packer::copying(self, |_| true);
        let mut held = self.offences();
        packer.offences.retain(|_| held.next().is_some_and(|view| offence(&view)));
        packer.others.retain(other);
        packer.finish(self.revision, self.repeats.clone())
    }

    /// This dossier at a later revision, nothing else changed: a record was written that no rule may read.
    #[must_use]
    pub fn at(&self, revision: Revision) -> Self {
        Self { revision, ..self.clone() }
    }

    /// This dossier with what the victim index now finds.
    #[must_use]
    pub fn with_repeats(&self, repeats: Box<[Repeat]>) -> Self {
        Self { repeats, ..self.clone() }
    }

    // What cannot panic can be left out: rules that never ask for a record's texts then do not pay for
    // finding them, and views are most of what weighing does. Every slice lies in the arena all the same.
    #[inline]
    fn slice(&self, at: u32, len: usize) -> &str {
        self.arena.get(at as usize..at as usize + len).unwrap_or_default()
    }

    #[inline]
    fn text(&self, text: Text) -> &str {
        self.slice(text.at, usize::from(text.len))
    }

    #[inline]
    fn optional(&self, at: u32, len: u8) -> Option<&str> {
        (len > 0).then(|| self.slice(at, usize::from(len)))
    }

    #[inline]
    fn view(&self, packed: &PackedOffence) -> OffenceView<'_> {
        let has = |flag: u16| packed.flags & flag != 0;
        OffenceView {
            id: self.slice(packed.id_at, usize::from(packed.id_len)),
            revision: Revision(packed.revision),
            category: packed.category,
            updated: Date::from_days(packed.updated),
            code: OffenceCode {
                cjs: (packed.cjs != NO_CODE).then_some(CjsIndex(packed.cjs)),
                ho: (packed.ho != NO_CODE).then_some(HoIndex(packed.ho)),
            },
            committed: date(packed.committed),
            reported: Date::from_days(packed.reported),
            outcome: packed.outcome,
            outcome_date: date(packed.outcome_date),
            incident: self.optional(packed.incident_at, packed.incident_len),
            victim: has(flag::VICTIM).then(|| VictimView {
                reference: self.optional(packed.victim_at, packed.victim_len),
                natural_person: has(flag::NATURAL),
                vulnerable: has(flag::VULNERABLE),
                repeat: has(flag::REPEAT),
            }),
            domestic_abuse: has(flag::DOMESTIC),
            hate: has(flag::HATE),
            proactive: has(flag::PROACTIVE),
        }
    }
}

#[inline]
fn date(days: i32) -> Option<Date> {
    (days != NO_DATE).then_some(Date::from_days(days))
}

fn days(date: Option<Date>) -> i32 {
    date.map_or(NO_DATE, Date::days)
}

/// Gathers records into one arena, then seals it.
struct Packer {
    arena: String,
    reference_len: u8,
    persons: Vec<PackedPerson>,
    offences: Vec<PackedOffence>,
    others: Vec<Filed>,
    oversight: Oversight,
    life: Option<Box<Life>>,
}

impl Packer {
    fn new(subject_ref: &str) -> Self {
        Self {
            arena: subject_ref.to_owned(),
            reference_len: u8::try_from(subject_ref.len()).expect("a checked reference must fit in 255 bytes"),
            persons: Vec::new(),
            offences: Vec::new(),
            others: Vec::new(),
            oversight: Oversight::default(),
            life: None,
        }
    }

    /// Everything of a dossier but the records that are not kept.
    fn copying(dossier: &Dossier, keeps: impl Fn(&str) -> bool) -> Self {
        let mut packer = Self::new(dossier.subject_ref());
        packer.copy(dossier, keeps);
        if let Some(oversight) = &dossier.oversight {
            packer.oversight.bands.clone_from(&oversight.bands);
            packer.oversight.noted = oversight.noted;
        }
        packer.life.clone_from(&dossier.life);
        packer
    }

    /// Records of a dossier that are kept, beside those that are there.
    fn copy(&mut self, dossier: &Dossier, keeps: impl Fn(&str) -> bool) {
        let packer = self;
        packer.arena.reserve(dossier.arena.len());
        for person in dossier.persons.iter().filter(|person| keeps(dossier.text(person.id))) {
            let id = packer.put(dossier.text(person.id));
            let areas = packer.put_long(dossier.slice(person.areas.at, usize::from(person.areas.len)));
            packer.persons.push(PackedPerson { id, areas, ..*person });
        }
        for packed in &dossier.offences {
            let view = dossier.view(packed);
            if keeps(view.id) {
                let id = packer.put(view.id);
                let incident = packer.put(view.incident.unwrap_or_default());
                let victim = packer.put(view.victim.and_then(|victim| victim.reference).unwrap_or_default());
                packer.offences.push(PackedOffence {
                    id_at: id.at,
                    incident_at: incident.at,
                    victim_at: victim.at,
                    ..*packed
                });
            }
        }
        packer.others.extend(dossier.others.iter().filter(|filed| keeps(&filed.id)).cloned());
        packer.oversight.records.extend(dossier.supervised().iter().filter(|held| keeps(&held.id)).cloned());
    }

    fn put(&mut self, text: &str) -> Text {
        Text {
            at: self.end(),
            len: {
                self.arena.push_str(text);
                u8::try_from(text.len()).expect("a checked reference must fit in 255 bytes")
            },
        }
    }

    fn put_long(&mut self, text: &str) -> LongText {
        let at = self.end();
        self.arena.push_str(text);
        LongText { at, len: u16::try_from(text.len()).expect("eight checked areas must fit in 64 KiB") }
    }

    fn end(&self) -> u32 {
        u32::try_from(self.arena.len()).expect("one person's references must fit in 4 GiB")
    }

    fn add(&mut self, record: Evidence) {
        let Evidence { id, revision, category, updated, kind } = record;
        match kind {
            Kind::Person(person) => self.add_person(&id, revision, updated, &person),
            Kind::Offence(offence) => self.add_offence(&id, revision, category, updated, &offence),
            Kind::Other(kind) => self.others.push(Filed { id, revision, category, updated, kind }),
            Kind::Supervision(kind) => self.oversight.records.push(Supervised { id, revision, kind }),
        }
    }

    fn add_person(&mut self, id: &str, revision: Revision, updated: Date, person: &Person) {
        let packed = PackedPerson {
            revision: revision.0,
            id: self.put(id),
            areas: self.put_long(&person.areas.join("\n")),
            birth: days(person.birth),
            made: person.made.days(),
            updated: updated.days(),
            sex: person.sex,
            apparent_age: person.apparent_age,
        };
        self.persons.push(packed);
    }

    fn add_offence(
        &mut self,
        id: &str,
        revision: Revision,
        category: PersonCategory,
        updated: Date,
        offence: &Offence,
    ) {
        let id = self.put(id);
        let incident = self.put(offence.incident.as_deref().unwrap_or_default());
        let victim =
            self.put(offence.victim.as_ref().and_then(|victim| victim.reference.as_deref()).unwrap_or_default());
        let mut flags = 0;
        let mut set = |condition: bool, flag: u16| flags |= if condition { flag } else { 0 };
        if let Some(Victim { natural_person, vulnerable, repeat, reference: _ }) = offence.victim {
            set(true, flag::VICTIM);
            set(natural_person, flag::NATURAL);
            set(vulnerable, flag::VULNERABLE);
            set(repeat, flag::REPEAT);
        }
        set(offence.domestic_abuse, flag::DOMESTIC);
        set(offence.hate, flag::HATE);
        set(offence.proactive, flag::PROACTIVE);
        self.offences.push(PackedOffence {
            revision: revision.0,
            id_at: id.at,
            incident_at: incident.at,
            victim_at: victim.at,
            committed: days(offence.committed),
            reported: offence.reported.days(),
            outcome_date: days(offence.outcome_date),
            updated: updated.days(),
            cjs: offence.code.cjs.map_or(NO_CODE, |code| code.0),
            ho: offence.code.ho.map_or(NO_CODE, |code| code.0),
            flags,
            id_len: id.len,
            incident_len: incident.len,
            victim_len: victim.len,
            outcome: offence.outcome,
            category,
        });
    }

    fn finish(mut self, revision: Revision, repeats: Box<[Repeat]>) -> Dossier {
        self.others.sort_by(|a, b| a.id.cmp(&b.id));
        self.oversight.records.sort_by(|a, b| a.id.cmp(&b.id));
        let mut dossier = Dossier {
            arena: self.arena.into_boxed_str(),
            reference_len: self.reference_len,
            revision,
            persons: Box::default(),
            offences: Box::default(),
            others: self.others.into_boxed_slice(),
            repeats,
            oversight: Some(Box::new(self.oversight)).filter(|oversight| !oversight.is_empty()),
            life: self.life,
            shown: None,
        };
        // The person record in force comes last.
        self.persons.sort_by_key(|person| (person.made, person.revision));
        self.offences.sort_by(|a, b| {
            let (a, b) = (dossier.view(a), dossier.view(b));
            (a.date(), a.id).cmp(&(b.date(), b.id))
        });
        dossier.persons = self.persons.into_boxed_slice();
        dossier.offences = self.offences.into_boxed_slice();
        dossier
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offence(id: &str, day: i32, revision: u64) -> Evidence {
        Evidence {
            id: id.into(),
            revision: Revision(revision),
            category: PersonCategory::Suspect,
            updated: Date::from_days(day),
            kind: Kind::Offence(Offence {
                code: OffenceCode { cjs: Some(CjsIndex(7)), ho: None },
                committed: Some(Date::from_days(day)),
                reported: Date::from_days(day + 1),
                outcome: Outcome::Charged,
                outcome_date: None,
                incident: Some("I-1".into()),
                victim: Some(Victim {
                    reference: Some("V-1".into()),
                    natural_person: true,
                    vulnerable: false,
                    repeat: true,
                }),
                domestic_abuse: true,
                hate: false,
                proactive: false,
            }),
        }
    }

    #[test]
    fn a_dossier_does_not_depend_on_the_order_in_which_records_came() {
        let records = [offence("c", 3, 1), offence("a", 5, 2), offence("b", 3, 3)];
        let stepwise = records.iter().cloned().fold(Dossier::new("S-1"), |dossier, record| dossier.with(record));
        let mut backwards: Vec<_> = records.to_vec();
        backwards.reverse();
        let at_once = Dossier::from_evidence("S-1", Revision(3), backwards);
        let ids = |dossier: &Dossier| dossier.record_ids().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(ids(&stepwise), ["b", "c", "a"]);
        assert_eq!(ids(&stepwise), ids(&at_once));
        let views = stepwise.offences().zip(at_once.offences());
        for (left, right) in views {
            assert_eq!(format!("{left:?}"), format!("{right:?}"));
        }
    }

    #[test]
    fn a_later_version_takes_the_place_of_the_one_held() {
        let dossier = Dossier::new("S-1").with(offence("a", 3, 1)).with(offence("a", 9, 2));
        assert_eq!(dossier.offence_count(), 1);
        assert_eq!(dossier.revision_of("a"), Some(Revision(2)));
        let gone = dossier.without("a", Revision(3));
        assert_eq!(gone.offence_count(), 0);
        assert_eq!(gone.revision(), Revision(3));
    }
}
