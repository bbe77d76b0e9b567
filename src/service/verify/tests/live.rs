use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::Instant;

use super::*;
use crate::store::SledStore;

/// A writer that changes the same few long dossiers, brings in new people, withdraws, and lets answers expire, while
/// the store is verified over and over.
fn verified_while_written(store: Arc<dyn Store>, rounds: usize) {
    let clock = Clock::new();
    fill(Arc::clone(&store), &clock);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut writing = Writing::start(Arc::clone(&store), &clock);
            writing.requests = 1 << 64;
            let mut turn = 0;
            while !stop.load(Ordering::Relaxed) {
                turn += 1;
                writing.write((10..12).map(|id| record(4, id + turn % 90, turn)).collect());
                writing.write(vec![record(100 + turn, 2, 0), record(turn % 12, 1, turn)]);
                writing.withdraw(100 + turn, 2);
                clock.pass(1);
            }
            writing.stop();
        });
        let (mut heads, began) = (std::collections::BTreeSet::new(), Instant::now());
        let mut rounds_done = 0;
        // Until it has been written to through most rounds, but not for ever.
        while rounds_done < rounds || (heads.len() < rounds / 2 && began.elapsed() < Duration::from_mins(1)) {
            let (outcome, findings) = verified(&*store, &Asked { serving: true, ..at_rest(&clock) });
            if !findings.is_empty() || !outcome.sound() {
                stop.store(true, Ordering::Relaxed);
                panic!("round {rounds_done} at {}: {findings:?}", outcome.head.revision);
            }
            heads.insert(outcome.head.revision);
            rounds_done += 1;
        }
        stop.store(true, Ordering::Relaxed);
        assert!(heads.len() >= rounds / 2, "the writer must have gone on meanwhile: {heads:?}");
    });
}

#[test]
fn a_store_in_memory_that_is_written_meanwhile_is_sound() {
    verified_while_written(Arc::new(MemoryStore::new(Identity::fresh())), 60);
}

#[test]
fn a_store_on_disk_that_is_written_meanwhile_is_sound() {
    let home = tempfile::tempdir().unwrap();
    verified_while_written(Arc::new(SledStore::open(home.path(), 16 << 20).unwrap()), 60);
}
