//! Snapshots held for pages still to come: as many, as large and as old as is
//! allowed, the oldest let go first. A pin is never the only way to a newer
//! page: whoever loses one asks again from the top.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use hashbrown::HashMap;

use super::retire::Retirement;
use super::snapshot::{Allotted, Standings};

/// A held snapshot, by number; never reused in one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PinId(pub u64);

/// Who pages: a digest of the caller, given by the floor that knows callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Holder(pub u64);

/// How much may be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Distinct snapshots.
    pub snapshots: usize,
    /// Bytes that only pins keep alive, judged by what newer versions allotted.
    pub bytes: u64,
    /// Milliseconds since a caller last began to page through a snapshot.
    pub age_ms: u64,
    /// Distinct snapshots for one caller.
    pub per_holder: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { snapshots: 16, bytes: 256 << 20, age_ms: 600_000, per_holder: 8 }
    }
}

/// The snapshots held.
///
/// Milliseconds are of any steady clock of the caller's, the same in every call.
#[derive(Debug)]
pub struct Pins {
    limits: Limits,
    retirement: Retirement,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    next: u64,
    /// Oldest first; numbers ascend.
    pins: VecDeque<Pin>,
    /// Most bytes that any snapshot seen had allotted.
    allotted: Allotted,
}

#[derive(Debug)]
struct Pin {
    id: PinId,
    standings: Arc<Standings>,
    /// When each caller last began to page through it.
    holders: HashMap<Holder, u64>,
    /// When any did.
    latest: u64,
    /// Bytes of its blocks, were nothing shared.
    whole: u64,
}

impl Pin {
    /// Most bytes that this pin keeps alive and that neither an older one nor a snapshot that had
    /// allotted `next` does.
    fn keeps(&self, next: Allotted) -> u64 {
        let own = self.standings.allotted;
        next.blocks.saturating_sub(own.blocks).min(self.whole) + next.dossiers.saturating_sub(own.dossiers)
    }
}

impl Pins {
    /// Nothing held. Snapshots let go are dropped by `retirement`, never on the way of a request.
    pub fn new(limits: Limits, retirement: Retirement) -> Self {
        Self { limits, retirement, held: Mutex::default() }
    }

    /// Holds a snapshot for a caller who has read its first page.
    pub fn pin(&self, standings: &Arc<Standings>, holder: Holder, now: u64) -> PinId {
        let mut held = self.lock();
        let id = held.hold(standings, holder, now);
        let mut gone = held.release_surplus(holder, &self.limits, now);
        gone.extend(held.sweep(standings.allotted, &self.limits, now));
        drop(held);
        self.retirement.retire_all(gone);
        id
    }

    /// The snapshot of a pin; `None` where it was let go.
    pub fn get(&self, id: PinId, now: u64) -> Option<Arc<Standings>> {
        let held = self.lock();
        let place = held.pins.binary_search_by_key(&id, |pin| pin.id).ok()?;
        let pin = &held.pins[place];
        (now.saturating_sub(pin.latest) <= self.limits.age_ms).then(|| Arc::clone(&pin.standings))
    }

    /// The pin of a snapshot; `None` where it is not held.
    pub fn of(&self, standings: &Arc<Standings>) -> Option<PinId> {
        self.lock().pins.iter().rev().find(|pin| Arc::ptr_eq(&pin.standings, standings)).map(|pin| pin.id)
    }

    /// Holds the snapshot of a pin for longer, for a caller who goes on from a page of it; false where it was let go.
    pub fn prolong(&self, id: PinId, holder: Holder, now: u64) -> bool {
        let mut held = self.lock();
        let Ok(place) = held.pins.binary_search_by_key(&id, |pin| pin.id) else { return false };
        let pin = &mut held.pins[place];
        if now.saturating_sub(pin.latest) > self.limits.age_ms || !pin.holders.contains_key(&holder) {
            return false;
        }
        pin.holders.insert(holder, now);
        pin.latest = pin.latest.max(now);
        true
    }

    /// Lets go what has become too old, or too large now that `current` is published. Called after
    /// each publication, and now and then when there is none.
    pub fn sweep(&self, current: &Standings, now: u64) {
        let mut held = self.lock();
        let gone = held.sweep(current.allotted, &self.limits, now);
        for pin in &mut held.pins {
            pin.holders.retain(|_, begun| now.saturating_sub(*begun) <= self.limits.age_ms);
        }
        drop(held);
        self.retirement.retire_all(gone);
    }

    /// Lets go of all of them.
    pub fn forget(&self) {
        let gone: Vec<Arc<Standings>> = self.lock().pins.drain(..).map(|pin| pin.standings).collect();
        self.retirement.retire_all(gone);
    }

    /// Number of snapshots held.
    pub fn len(&self) -> usize {
        self.lock().pins.len()
    }

    /// Whether none is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lock(&self) -> MutexGuard<'_, Held> {
        // Every change leaves the registry whole at each step.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Held {
    fn hold(&mut self, standings: &Arc<Standings>, holder: Holder, now: u64) -> PinId {
        let known = self.pins.iter_mut().rev().find(|pin| Arc::ptr_eq(&pin.standings, standings));
        if let Some(pin) = known {
            pin.holders.insert(holder, now);
            pin.latest = pin.latest.max(now);
            return pin.id;
        }
        let id = PinId(self.next);
        self.next += 1;
        let holders = HashMap::from_iter([(holder, now)]);
        let whole = standings.whole_bytes();
        self.pins.push_back(Pin { id, standings: Arc::clone(standings), holders, latest: now, whole });
        id
    }

    /// Takes a caller with too many snapshots off the oldest of them.
    fn release_surplus(&mut self, holder: Holder, limits: &Limits, now: u64) -> Vec<Arc<Standings>> {
        let live = |begun: &u64| now.saturating_sub(*begun) <= limits.age_ms;
        let count = self.pins.iter().filter(|pin| pin.holders.get(&holder).is_some_and(live)).count();
        let mut gone = Vec::new();
        if count > limits.per_holder
            && let Some(place) = self.pins.iter().position(|pin| pin.holders.get(&holder).is_some_and(live))
        {
            self.pins[place].holders.remove(&holder);
            if !self.pins[place].holders.values().any(live) {
                gone.extend(self.pins.remove(place).map(|pin| pin.standings));
            }
        }
        gone
    }

    /// Lets go what is too old, too many or too large.
    fn sweep(&mut self, current: Allotted, limits: &Limits, now: u64) -> Vec<Arc<Standings>> {
        self.allotted.blocks = self.allotted.blocks.max(current.blocks);
        self.allotted.dossiers = self.allotted.dossiers.max(current.dossiers);
        let mut gone = Vec::new();
        self.pins.retain(|pin| {
            let stays = now.saturating_sub(pin.latest) <= limits.age_ms;
            if !stays {
                gone.push(Arc::clone(&pin.standings));
            }
            stays
        });
        while self.pins.len() > limits.snapshots || self.bytes() > limits.bytes {
            gone.extend(self.pins.pop_front().map(|pin| pin.standings));
        }
        gone
    }

    /// Most bytes that pins keep alive and the newest snapshot does not.
    fn bytes(&self) -> u64 {
        let later = self.pins.iter().skip(1).map(|pin| pin.standings.allotted).chain([self.allotted]);
        self.pins.iter().zip(later).map(|(pin, next)| pin.keeps(next)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::SubjectId;
    use crate::ranking::sample::{People, person};

    const ANNA: Holder = Holder(1);
    const BEN: Holder = Holder(2);

    fn pins(limits: Limits) -> Pins {
        Pins::new(limits, Retirement::start())
    }

    /// Successive snapshots, each after a write.
    fn successive(count: usize) -> Vec<Arc<Standings>> {
        let people = People::of([person("A", ""), person("B", "")]);
        let mut all = vec![Arc::new(people.standings())];
        for n in 1..count {
            let change = people.change(SubjectId(0), &person("A", &format!("composite={n}")));
            let next = all[n - 1].with(&[change], all[n - 1].meta().clone());
            all.push(Arc::new(next));
        }
        all
    }

    #[test]
    fn one_snapshot_is_held_once_however_many_page_through_it() {
        let (pins, all) = (pins(Limits::default()), successive(1));
        let first = pins.pin(&all[0], ANNA, 0);
        assert_eq!(pins.pin(&all[0], BEN, 5), first);
        assert_eq!(pins.pin(&all[0], ANNA, 9), first);
        assert_eq!(pins.len(), 1);
        assert!(Arc::ptr_eq(&pins.get(first, 10).unwrap(), &all[0]));
    }

    #[test]
    fn the_seventeenth_snapshot_puts_out_the_oldest() {
        let (pins, all) = (pins(Limits::default()), successive(17));
        let ids: Vec<PinId> = (0..).zip(&all).map(|(n, snapshot)| pins.pin(snapshot, Holder(n), n)).collect();
        assert!(pins.get(ids[0], 20).is_none());
        assert!(ids[1..].iter().all(|id| pins.get(*id, 20).is_some()));
    }

    #[test]
    fn a_pin_lives_ten_minutes_from_the_last_first_page() {
        let (pins, all) = (pins(Limits::default()), successive(1));
        let id = pins.pin(&all[0], ANNA, 1_000);
        assert!(pins.get(id, 601_000).is_some());
        assert!(pins.get(id, 601_001).is_none());
        pins.pin(&all[0], BEN, 500_000);
        assert!(pins.get(id, 1_100_000).is_some());
        pins.sweep(&all[0], 1_100_001);
        assert!(pins.is_empty());
    }

    #[test]
    fn a_pin_is_held_for_longer_for_whoever_holds_it_and_for_nobody_else() {
        let (pins, all) = (pins(Limits::default()), successive(2));
        let id = pins.pin(&all[0], ANNA, 0);
        assert_eq!((pins.of(&all[0]), pins.of(&all[1])), (Some(id), None));
        assert!(!pins.prolong(id, BEN, 500_000));
        assert!(pins.prolong(id, ANNA, 500_000));
        assert!(pins.get(id, 1_100_000).is_some());
        assert!(!pins.prolong(id, ANNA, 1_100_001), "it is too old by then");
    }

    #[test]
    fn one_caller_cannot_put_out_the_pages_of_another() {
        let (pins, all) = (pins(Limits::default()), successive(40));
        let bens = pins.pin(&all[0], BEN, 0);
        let annas: Vec<PinId> = all[1..].iter().map(|snapshot| pins.pin(snapshot, ANNA, 1)).collect();
        assert!(pins.get(bens, 2).is_some());
        assert_eq!(pins.len(), 9);
        assert!(annas[annas.len() - 8..].iter().all(|id| pins.get(*id, 2).is_some()));
        assert!(pins.get(annas[annas.len() - 9], 2).is_none());
    }

    #[test]
    fn a_shared_snapshot_stays_while_another_caller_holds_it() {
        let (pins, all) = (pins(Limits { per_holder: 1, ..Limits::default() }), successive(2));
        let shared = pins.pin(&all[0], ANNA, 0);
        pins.pin(&all[0], BEN, 0);
        pins.pin(&all[1], ANNA, 1);
        assert!(pins.get(shared, 2).is_some());
        pins.pin(&all[1], BEN, 3);
        assert!(pins.get(shared, 4).is_none());
    }

    #[test]
    fn snapshots_that_have_grown_too_dear_are_let_go() {
        let all = successive(3);
        let dossiers = all[1].allotted.dossiers - all[0].allotted.dossiers;
        assert!(dossiers > 0);
        let bytes = dossiers + all[0].whole_bytes();
        let pins = pins(Limits { bytes, ..Limits::default() });
        let id = pins.pin(&all[0], ANNA, 0);
        pins.sweep(&all[1], 1);
        assert!(pins.get(id, 1).is_some());
        pins.sweep(&all[2], 2);
        assert!(pins.get(id, 2).is_none());
    }

    #[test]
    fn a_pin_is_never_taken_for_larger_than_the_lists_it_holds() {
        let all = successive(60);
        let (first, last) = (&all[0], &all[59]);
        let dossiers = last.allotted.dossiers - first.allotted.dossiers;
        assert!(last.allotted.blocks - first.allotted.blocks > first.whole_bytes());
        let pins = pins(Limits { bytes: dossiers + first.whole_bytes(), ..Limits::default() });
        let id = pins.pin(first, ANNA, 0);
        pins.sweep(last, 1);
        assert!(pins.get(id, 1).is_some());
    }
}
