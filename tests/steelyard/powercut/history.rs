//! What the writers of a drill write, and what must be found of it afterwards.
//!
//! The n-th request of a writer is the same in every run, so that parent and
//! child need not tell each other what was written.

use std::collections::BTreeMap;
use std::path::Path;

use steelyard::domain::{Revision, SubjectId};
use steelyard::store::{Group, Head, KeySpan, Store, View, ViewKey, pb, verify_chain};

/// The views that the drill keeps, and their version.
const VIEWS: [View; 2] = [View::Dossier, View::SubjectIndex];
const VERSION: u32 = 1;

/// The n-th request, from 1, of a writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    pub writer: u32,
    pub number: u64,
}

impl Request {
    /// Its events, as the first after `head`. One to three, of sizes on both sides of a frame's.
    fn events(self, head: Revision) -> Vec<pb::Event> {
        let turn = u64::from(self.writer) * 5 + self.number;
        let parts = turn % 3 + 1;
        let event = |part: u64| pb::Event {
            revision: head.0 + 1 + part,
            recorded_micros: 1_700_000_000_000_000,
            actor: "drill".to_owned(),
            request_id: u128::from(self.number).to_be_bytes().to_vec(),
            subject_id: self.writer,
            has_subject: true,
            schema_version: steelyard::store::SCHEMA_VERSION.into(),
            body: Some(pb::event::Body::EvidenceWithdrawn(pb::EvidenceWithdrawn {
                reason: "x".repeat([30, 200, 4_080, 9_000][usize::try_from((turn + part) % 4).unwrap()]),
                ..Default::default()
            })),
            ..Default::default()
        };
        (0..parts).map(event).collect()
    }

    fn of(event: &pb::Event) -> Option<Self> {
        let number = <[u8; 16]>::try_from(&*event.request_id).ok()?;
        Some(Self { writer: event.subject_id, number: u128::from_be_bytes(number).try_into().ok()? })
    }

    /// The request after the last that a store holds of a writer.
    pub fn next(store: &dyn Store, writer: u32) -> Self {
        let dossier = store.get(&ViewKey::dossier(SubjectId(writer))).expect("a dossier must be readable");
        let number = dossier
            .map_or(0, |dossier| u64::from_be_bytes(dossier[..8].try_into().expect("a dossier must hold a number")));
        Self { writer, number: number + 1 }
    }
}

/// Requests as one group after `head`.
pub fn group(head: Revision, requests: &[Request]) -> Group {
    let mut events = Vec::new();
    for request in requests {
        let head = events.last().map_or(head, |event: &pb::Event| Revision(event.revision));
        events.extend(request.events(head));
    }
    let views = events.iter().flat_map(derive).collect();
    Group { events, views }
}

/// The entries of views that follow from one event alone: its index entry, and a dossier of ever another length.
pub fn derive(event: &pb::Event) -> Vec<(ViewKey, Option<Vec<u8>>)> {
    let (subject, revision) = (SubjectId(event.subject_id), Revision(event.revision));
    let request = Request::of(event).expect("an event of the drill must name its request");
    let mut dossier = request.number.to_be_bytes().to_vec();
    dossier.resize(16 + usize::try_from(revision.0 * 977 % 13_000).unwrap(), u8::try_from(request.writer).unwrap());
    vec![
        (ViewKey::dossier(subject), Some(dossier)),
        (ViewKey::subject_index(subject, revision), Some(revision.0.to_le_bytes().to_vec())),
    ]
}

/// What is known to be in a store.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The last request of each writer that must be there.
    pub requests: BTreeMap<u32, u64>,
    /// Where the ledger was seen to end: it never ends before this again.
    pub head: Head,
    /// Whether the views were there, and so could be compared.
    pub views: bool,
    /// Where groups ended that were about to be written after that: it may end at one of these, and nowhere else.
    pub ends: Vec<Revision>,
}

/// What a disk failed to give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The store would not open, or not be read.
    Refused(String),
    /// It opened, and something is not as it was acknowledged.
    Lost(String),
}

/// Checks that a store holds everything known, no part of a group, and views that follow from its events.
///
/// # Errors
/// The first thing that is wrong.
pub fn check(store: &dyn Store, known: &Known) -> Result<Known, Finding> {
    let refused = |error: steelyard::store::StoreError| Finding::Refused(error.to_string());
    let lost = |told: String| Err(Finding::Lost(told));
    let head = verify_chain(store, Revision(1)).map_err(refused)?;
    if head.revision < known.head.revision {
        return lost(format!("the ledger ended at {} and ends at {}", known.head.revision, head.revision));
    }
    if head.revision != known.head.revision && !known.ends.contains(&head.revision) {
        return lost(format!("it ends at {}, where no group ended", head.revision));
    }
    if let Some(event) = store.stored_event(known.head.revision).map_err(refused)?
        && event.hash() != known.head.hash
    {
        return lost(format!("event {} is another than before", known.head.revision));
    }
    let mut requests: BTreeMap<u32, u64> = BTreeMap::new();
    let mut views = BTreeMap::new();
    let mut expected = Vec::new().into_iter();
    for event in store.events(Revision(1), head.revision) {
        let event = pb::Event { previous_hash: Vec::new(), ..event.map_err(refused)? };
        let next = if let Some(next) = expected.next() {
            next
        } else {
            let writer = event.subject_id;
            let number = requests.entry(writer).or_default();
            *number += 1;
            let request = Request { writer, number: *number };
            expected = request.events(Revision(event.revision - 1)).into_iter();
            expected.next().expect("a request must have an event")
        };
        // Stores hold events of the schema that wrote them.
        if event != (pb::Event { schema_version: event.schema_version, ..next }) {
            return lost(format!("event {} is not what was written", event.revision));
        }
        views.extend(derive(&event));
    }
    if expected.next().is_some() {
        return lost("it ends in the middle of a request".to_owned());
    }
    for (writer, number) in &known.requests {
        let found = requests.get(writer).copied().unwrap_or(0);
        if found < *number {
            return lost(format!("writer {writer}: request {number} was acknowledged, {found} is the last"));
        }
    }
    for view in VIEWS {
        // A view without its version is missing, and whoever serves makes it anew.
        if store.view_version(view).map_err(refused)? != Some(VERSION) {
            continue;
        }
        let found: Result<Vec<_>, _> = store.scan(&KeySpan::all(view)).collect();
        let found = found.map_err(refused)?;
        let folded = views.iter().filter(|(key, _)| key.view() == view);
        if !found.iter().map(|(key, value)| (key, Some(value))).eq(folded.map(|(key, value)| (key, value.as_ref()))) {
            return lost(format!("{view:?} is not what follows from the ledger"));
        }
    }
    let views = VIEWS.into_iter().all(|view| store.view_version(view).is_ok_and(|version| version == Some(VERSION)));
    Ok(Known { requests, head, views, ends: Vec::new() })
}

/// Makes anew, as the service does at its start, the views that are missing. Whether any was.
pub fn make_views(store: &dyn Store) -> bool {
    let missing = |view: &View| store.view_version(*view).expect("a version must be readable") != Some(VERSION);
    let missing: Vec<_> = VIEWS.into_iter().filter(missing).collect();
    for view in &missing {
        let head = store.head().expect("a head must be readable");
        let mut entries = BTreeMap::new();
        for event in store.events(Revision(1), head.revision) {
            let made = derive(&event.expect("an event must be readable"));
            entries.extend(made.into_iter().filter(|(key, _)| key.view() == *view));
        }
        let mut entries = entries.into_iter().filter_map(|(key, value)| Some(Ok((key, value?))));
        store.replace_view(*view, VERSION, &mut entries).expect("a view must be replaceable");
    }
    !missing.is_empty()
}

/// Where a drill keeps its store, under the root of the disk.
pub fn place(root: &Path) -> std::path::PathBuf {
    root.join("store")
}
