//! How much one identity, and all together, may ask at a time. Whoever asks for
//! more is told so at once, and when to come back: nobody waits in a queue whose
//! end they cannot see. Nothing here knows what a call asks for.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};

use crate::config;

/// Why a call is not let in just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// All callers together have as many calls in flight as are allowed.
    Overloaded,
    /// This one has as many calls in flight as one may have.
    TooManyCalls,
    /// This one has as many streams as one may have.
    TooManyStreams,
    /// This one asks faster than one may; it may ask again after so long.
    TooFast(Duration),
}

type Rates = RateLimiter<Box<str>, HashMapStateStore<Box<str>>, DefaultClock>;

/// Counts what is in flight, and how fast each identity asks.
pub struct Limiter {
    limits: config::Limits,
    calls: AtomicUsize,
    usage: Mutex<HashMap<Box<str>, Usage>>,
    /// `None`: as fast as they can.
    rates: Option<Rates>,
    clock: DefaultClock,
}

/// What one identity has in flight.
#[derive(Clone, Copy, Debug, Default)]
struct Usage {
    calls: usize,
    streams: usize,
}

/// A place among all calls in flight, given back when it is dropped.
pub struct Place(Arc<Limiter>);

/// A place among one identity's calls in flight, given back when it is dropped.
pub struct Own {
    limiter: Arc<Limiter>,
    actor: Box<str>,
    stream: bool,
}

impl Limiter {
    /// A limiter with nothing in flight.
    pub fn new(limits: config::Limits) -> Arc<Self> {
        let rate = NonZeroU32::new(limits.calls_per_second);
        let quota = rate.map(|rate| Quota::per_second(rate).allow_burst(rate.saturating_mul(TWICE)));
        Arc::new(Self {
            limits,
            calls: AtomicUsize::new(0),
            usage: Mutex::default(),
            rates: quota.map(RateLimiter::hashmap),
            clock: DefaultClock::default(),
        })
    }

    /// A place for one more call of anybody.
    ///
    /// # Errors
    /// [`Limited::Overloaded`].
    pub fn begin(self: &Arc<Self>) -> Result<Place, Limited> {
        let place = Place(Arc::clone(self));
        if self.calls.fetch_add(1, Ordering::Relaxed) >= self.limits.calls {
            return Err(Limited::Overloaded);
        }
        Ok(place)
    }

    /// A place for one more call of an identity.
    ///
    /// # Errors
    /// Which limit it meets.
    pub fn enter(self: &Arc<Self>, actor: &str, stream: bool) -> Result<Own, Limited> {
        let actor: Box<str> = actor.into();
        if let Some(rates) = &self.rates
            && let Err(until) = rates.check_key(&actor)
        {
            return Err(Limited::TooFast(until.wait_time_from(self.clock.now())));
        }
        let mut usage = self.usage();
        let own = usage.entry(actor.clone()).or_default();
        if own.calls >= self.limits.calls_per_identity {
            return Err(Limited::TooManyCalls);
        }
        if stream && own.streams >= self.limits.streams_per_identity {
            return Err(Limited::TooManyStreams);
        }
        own.calls += 1;
        own.streams += usize::from(stream);
        Ok(Own { limiter: Arc::clone(self), actor, stream })
    }

    /// Calls in flight.
    pub fn in_flight(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Forgets identities that have not asked for a while. To be called now and then.
    pub fn tend(&self) {
        if let Some(rates) = &self.rates {
            rates.retain_recent();
            rates.shrink_to_fit();
        }
    }

    fn usage(&self) -> MutexGuard<'_, HashMap<Box<str>, Usage>> {
        // Counts are whole after each step.
        self.usage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Seconds' worth of calls that may come at once.
const TWICE: NonZeroU32 = NonZeroU32::new(2).expect("two is not zero");

impl Drop for Place {
    fn drop(&mut self) {
        self.0.calls.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        let mut usage = self.limiter.usage();
        if let Some(own) = usage.get_mut(&self.actor) {
            own.calls -= 1;
            own.streams -= usize::from(self.stream);
            if own.calls == 0 {
                usage.remove(&self.actor);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(calls_per_second: u32) -> Arc<Limiter> {
        let settings = config::Settings::trial(
            "127.0.0.1:0".parse().unwrap(),
            "nowhere".into(),
            crate::domain::Date::from_days(0),
        );
        Limiter::new(config::Limits {
            calls: 4,
            calls_per_identity: 3,
            streams_per_identity: 1,
            calls_per_second,
            ..settings.limits
        })
    }

    #[test]
    fn a_place_is_given_back_when_its_call_ends() {
        let limiter = limiter(0);
        let places: Vec<Place> = (0..4).map(|_| limiter.begin().unwrap()).collect();
        assert_eq!(limiter.begin().err(), Some(Limited::Overloaded));
        drop(places);
        assert_eq!(limiter.in_flight(), 0, "one that was refused gives its place back too");
        assert!(limiter.begin().is_ok());
    }

    #[test]
    fn one_identity_does_not_take_the_places_of_another() {
        let limiter = limiter(0);
        let stream = limiter.enter("a", true).unwrap();
        assert_eq!(limiter.enter("a", true).err(), Some(Limited::TooManyStreams));
        let others: Vec<Own> = (0..2).map(|_| limiter.enter("a", false).unwrap()).collect();
        assert_eq!(limiter.enter("a", false).err(), Some(Limited::TooManyCalls));
        assert!(limiter.enter("b", true).is_ok());
        drop((stream, others));
        assert!(limiter.usage().is_empty(), "nobody is remembered who has nothing in flight");
        assert!(limiter.enter("a", true).is_ok());
    }

    #[test]
    fn whoever_asks_too_fast_is_told_when_to_ask_again_and_others_are_not_held_back() {
        let limiter = limiter(5);
        let asked = |actor: &str| limiter.enter(actor, false).map(drop);
        let allowed = (0..100).take_while(|_| asked("a").is_ok()).count();
        assert!((10..15).contains(&allowed), "two seconds' worth at once: {allowed}");
        let Err(Limited::TooFast(wait)) = asked("a") else { panic!("must be refused") };
        assert!(wait > Duration::ZERO && wait <= Duration::from_secs(1), "{wait:?}");
        assert!(asked("b").is_ok());
    }
}
