//! Orders that pages still to come are read from: a few at a time, each for a
//! while. Whoever comes back later begins anew.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long one is held.
const AGE: Duration = Duration::from_mins(10);

/// Orders held for their pages, at most `MOST`; the oldest goes first.
#[derive(Debug)]
pub struct Orders<T, const MOST: usize>(Mutex<Held<T>>);

#[derive(Debug)]
struct Held<T> {
    next: u64,
    orders: VecDeque<(u64, Arc<T>, Instant)>,
}

impl<T, const MOST: usize> Default for Orders<T, MOST> {
    fn default() -> Self {
        Self(Mutex::new(Held { next: 0, orders: VecDeque::new() }))
    }
}

/// What a mutex guards, whatever became of its last holder: every change leaves what is guarded here whole at each step.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T, const MOST: usize> Orders<T, MOST> {
    /// Holds an order for the next page, which asks for it by this number.
    pub fn hold(&self, order: &Arc<T>) -> u64 {
        let mut held = lock(&self.0);
        let now = Instant::now();
        if let Some(known) = held.orders.iter_mut().find(|(_, known, _)| Arc::ptr_eq(known, order)) {
            known.2 = now;
            return known.0;
        }
        let id = held.next;
        held.next += 1;
        held.orders.push_back((id, Arc::clone(order), now));
        if held.orders.len() > MOST {
            held.orders.pop_front();
        }
        id
    }

    /// The order of a number, if it is still held.
    pub fn get(&self, id: u64) -> Option<Arc<T>> {
        let held = lock(&self.0);
        let found = held.orders.iter().find(|(known, _, since)| *known == id && since.elapsed() <= AGE);
        found.map(|(_, order, _)| Arc::clone(order))
    }

    /// Lets go of all of them.
    pub fn forget(&self) {
        lock(&self.0).orders.clear();
    }

    /// Lets go of orders whose tokens have expired.
    pub fn sweep(&self) {
        lock(&self.0).orders.retain(|(_, _, since)| since.elapsed() <= AGE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_order_goes_first_and_one_held_twice_has_one_number() {
        let orders = Orders::<u8, 2>::default();
        let [one, two, three] = [1, 2, 3].map(Arc::new);
        let ids = [&one, &two, &one].map(|order| orders.hold(order));
        assert_eq!(ids[0], ids[2]);
        let last = orders.hold(&three);
        assert_eq!([ids[0], ids[1], last].map(|id| orders.get(id).is_some()), [false, true, true]);
    }
}
