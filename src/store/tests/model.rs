//! Both stores against a plain sorted map, through random operations and restarts.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;

use super::super::verify_chain;
use super::super::{AppendError, Identity, KeySpan, MemoryStore, SledStore, StoreError, View, chain, recovery};
use super::*;

#[derive(Clone, Debug)]
enum Operation {
    Append { sizes: Vec<usize>, views: Vec<(ViewKey, Option<(u8, usize)>)> },
    AppendStale { behind: u64, size: usize },
    Get(ViewKey),
    Scan(View),
    ScanSubject { subject: u32, from: u64, through: u64 },
    Events { from: u64, through: u64 },
    ReplaceView { view: View, version: u32, entries: BTreeMap<ViewKey, (u8, usize)> },
    VerifyLast(u64),
    Restart,
}

/// Sizes on both sides of every limit: one frame, two, three.
fn size() -> impl Strategy<Value = usize> {
    prop_oneof![6 => 0_usize..200, 2 => 3_900_usize..4_200, 1 => 8_000_usize..8_300, 1 => 8_300_usize..30_000]
}

fn view() -> impl Strategy<Value = View> {
    prop::sample::select(&View::ALL[..])
}

fn key_of(view: View) -> BoxedStrategy<ViewKey> {
    match view {
        View::Dossier => (0_u32..6).prop_map(dossier).boxed(),
        View::SubjectIndex => (0_u32..4, 0_u64..9)
            .prop_map(|(subject, revision)| ViewKey::subject_index(SubjectId(subject), Revision(revision)))
            .boxed(),
        View::KindIndex => {
            (0_u8..4, 0_u64..9).prop_map(|(kind, revision)| ViewKey::kind_index(kind, Revision(revision))).boxed()
        }
        View::Request => {
            ("[ab]", 0_u8..4).prop_map(|(caller, request)| ViewKey::request(&caller, &[request; 16])).boxed()
        }
    }
}

/// A value as byte and length: index entries stay within one frame.
fn value_of(view: View) -> BoxedStrategy<(u8, usize)> {
    if view.may_span() { (any::<u8>(), size()).boxed() } else { (any::<u8>(), 0_usize..40).boxed() }
}

fn change() -> impl Strategy<Value = (ViewKey, Option<(u8, usize)>)> {
    view().prop_flat_map(|view| (key_of(view), prop::option::weighted(0.8, value_of(view))))
}

fn operation() -> impl Strategy<Value = Operation> {
    let replace = (view(), 1_u32..9).prop_flat_map(|(view, version)| {
        prop::collection::btree_map(key_of(view), value_of(view), 0..12)
            .prop_map(move |entries| Operation::ReplaceView { view, version, entries })
    });
    prop_oneof![
        8 => (vec(size(), 0..5), vec(change(), 0..8)).prop_map(|(sizes, views)| Operation::Append { sizes, views }),
        1 => (1_u64..4, size()).prop_map(|(behind, size)| Operation::AppendStale { behind, size }),
        4 => view().prop_flat_map(key_of).prop_map(Operation::Get),
        2 => view().prop_map(Operation::Scan),
        2 => (0_u32..4, 0_u64..9, 0_u64..12)
            .prop_map(|(subject, from, through)| Operation::ScanSubject { subject, from, through }),
        2 => (0_u64..30, 0_u64..40).prop_map(|(from, through)| Operation::Events { from, through }),
        1 => replace,
        1 => (0_u64..20).prop_map(Operation::VerifyLast),
        2 => Just(Operation::Restart),
    ]
}

/// What the store should hold.
#[derive(Default)]
struct Model {
    head: Head,
    earlier: Vec<Head>,
    events: Vec<pb::Event>,
    entries: BTreeMap<ViewKey, Vec<u8>>,
    versions: BTreeMap<View, u32>,
}

impl Model {
    fn entries_of(&self, keep: impl Fn(&ViewKey) -> bool) -> Vec<(ViewKey, Vec<u8>)> {
        self.entries.iter().filter(|(key, _)| keep(key)).map(|(key, value)| (*key, value.clone())).collect()
    }

    fn check_events(&self, store: &dyn Store, from: u64, through: u64) -> TestCaseResult {
        let found: Vec<_> = store.events(Revision(from), Revision(through)).map(Result::unwrap).map(unsealed).collect();
        let first = usize::try_from(from.max(1) - 1).unwrap().min(self.events.len());
        let last = usize::try_from(through).unwrap().min(self.events.len()).max(first);
        prop_assert_eq!(&found[..], &self.events[first..last]);
        Ok(())
    }

    fn check_all(&self, store: &dyn Store) -> TestCaseResult {
        prop_assert_eq!(store.head().unwrap(), self.head);
        prop_assert_eq!(verify_chain(store, Revision(1)).unwrap(), self.head);
        self.check_events(store, 0, u64::MAX >> 1)?;
        for view in View::ALL {
            let found: Vec<_> = store.scan(&KeySpan::all(view)).map(Result::unwrap).collect();
            prop_assert_eq!(found, self.entries_of(|key| key.view() == view));
            prop_assert_eq!(store.view_version(view).unwrap(), self.versions.get(&view).copied());
        }
        Ok(())
    }
}

fn unsealed(mut event: pb::Event) -> pb::Event {
    assert_eq!(std::mem::take(&mut event.previous_hash).len(), 32);
    event
}

fn bytes((byte, length): (u8, usize)) -> Vec<u8> {
    vec![byte; length]
}

fn follows_the_model<S: Store>(operations: Vec<Operation>, open: impl Fn(Option<S>) -> S) -> TestCaseResult {
    let mut store = open(None);
    let identity = store.identity();
    let mut model = Model::default();
    for operation in operations {
        match operation {
            Operation::Append { sizes, views } => {
                let events = events_after(&model.head, &sizes);
                let views: Vec<_> = views.into_iter().map(|(key, value)| (key, value.map(bytes))).collect();
                let group = Group { events, views };
                let head = store.append(&model.head, &group).unwrap();
                prop_assert_eq!(head.revision.0, model.head.revision.0 + sizes.len() as u64);
                if !sizes.is_empty() {
                    model.earlier.push(std::mem::replace(&mut model.head, head));
                }
                model.events.extend(group.events);
                for (key, value) in group.views {
                    match value {
                        Some(value) => model.entries.insert(key, value),
                        None => model.entries.remove(&key),
                    };
                }
            }
            Operation::AppendStale { behind, size } => {
                let Some(stale) = model.earlier.iter().rev().nth(usize::try_from(behind).unwrap() - 1) else {
                    continue;
                };
                let views = vec![(dossier(0), Some(vec![0xEE; size]))];
                let refused = store.append(stale, &Group { events: events_after(stale, &[size]), views });
                let Err(AppendError::Conflict { found, .. }) = refused else {
                    return Err(TestCaseError::fail(format!("not a conflict: {refused:?}")));
                };
                prop_assert_eq!(found, model.head);
            }
            Operation::Get(key) => {
                prop_assert_eq!(store.get(&key).unwrap(), model.entries.get(&key).cloned());
            }
            Operation::Scan(view) => {
                let found: Vec<_> = store.scan(&KeySpan::all(view)).map(Result::unwrap).collect();
                prop_assert_eq!(found, model.entries_of(|key| key.view() == view));
            }
            Operation::ScanSubject { subject, from, through } => {
                let entries = store.scan_subject(SubjectId(subject), Revision(from), Revision(through));
                let inside = |key: &ViewKey| {
                    key.view() == View::SubjectIndex
                        && key.subject() == Some(SubjectId(subject))
                        && key.revision().is_some_and(|revision| (from..=through).contains(&revision.0))
                };
                prop_assert_eq!(entries.map(Result::unwrap).collect::<Vec<_>>(), model.entries_of(inside));
            }
            Operation::Events { from, through } => model.check_events(&store, from, through)?,
            Operation::ReplaceView { view, version, entries } => {
                let entries: Vec<_> = entries.into_iter().map(|(key, value)| (key, bytes(value))).collect();
                store.replace_view(view, version, &mut entries.iter().cloned().map(Ok)).unwrap();
                model.entries.retain(|key, _| key.view() != view);
                model.entries.extend(entries);
                model.versions.insert(view, version);
            }
            Operation::VerifyLast(events) => {
                let from = chain::last(events, &model.head);
                prop_assert_eq!(verify_chain(&store, from).unwrap(), model.head);
            }
            Operation::Restart => {
                store = open(Some(store));
                prop_assert_eq!(store.identity(), identity);
                prop_assert_eq!(store.head().unwrap(), model.head);
            }
        }
    }
    model.check_all(&store)?;
    model.check_all(&open(Some(store)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn the_store_in_memory_follows_a_plain_map(operations in vec(operation(), 1..60)) {
        follows_the_model(operations, |store| store.unwrap_or_else(|| MemoryStore::new(Identity::fresh())))?;
    }

    #[test]
    fn the_store_on_disk_follows_a_plain_map_through_restarts(operations in vec(operation(), 1..60)) {
        let home = tempfile::tempdir().unwrap();
        follows_the_model(operations, |store: Option<SledStore>| {
            drop(store);
            SledStore::open(home.path(), CACHE_BYTES).unwrap()
        })?;
    }

    #[test]
    fn the_store_with_a_journal_follows_a_plain_map_through_restarts(operations in vec(operation(), 1..60)) {
        let home = tempfile::tempdir().unwrap();
        // Every restart is in order, so that nothing is ever derived from the journal.
        let none = Arc::new(|_: &dyn Store, _: &[pb::Event]| -> Result<_, StoreError> { panic!("nothing to fill") });
        let options = recovery::Options { segment_bytes: 8_192, ..recovery::Options::new(home.path(), CACHE_BYTES, none) };
        follows_the_model(operations, |store: Option<SledStore>| {
            drop(store);
            recovery::open(&options).unwrap()
        })?;
    }
}
