//! Sessions: who is signed in, with which token, until when. They are held in memory
//! by a digest of their name, so that what is held here opens nothing elsewhere, and
//! end with the process, the token, the time, or whoever signs out.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::HeaderValue;
use jiff::Timestamp;
use metrics::gauge;
use tokio::sync::{Mutex as Turn, watch};

use super::proof;
use super::provider::Secret;
use super::visitor::SignedIn;
use crate::access::Identity;
use crate::config::SignIn;
use crate::telemetry::metrics as figures;

/// Seconds before an issuer that did not answer is asked for a renewal again.
const AGAIN: i64 = 5;
/// How often a stream looks whether its session still goes on.
const LOOK: Duration = Duration::from_secs(30);

type Key = [u8; 32];

/// The token of a session.
#[derive(Clone)]
pub struct Held {
    /// As a call carries it. Marked, so that nothing prints it.
    pub text: HeaderValue,
    /// Whom it speaks for.
    pub identity: Arc<Identity>,
    /// Until when it is believed.
    pub until: Timestamp,
}

/// Somebody who is signed in.
pub struct Session {
    key: Key,
    called: Arc<str>,
    ends: Timestamp,
    idle: Duration,
    held: ArcSwap<Held>,
    /// With what the token is renewed. Whoever holds it renews; the others wait.
    pub refresh: Turn<Option<Secret>>,
    renewable: AtomicBool,
    renew_after: AtomicI64,
    used: AtomicI64,
    over: watch::Sender<bool>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("ends", &self.ends).finish_non_exhaustive()
    }
}

impl Session {
    /// Its token.
    pub fn held(&self) -> Arc<Held> {
        self.held.load_full()
    }

    /// Takes a new token.
    pub fn renewed(&self, held: Held) {
        self.held.store(Arc::new(held));
    }

    /// The issuer renews no token any more.
    pub fn not_renewable(&self) {
        self.renewable.store(false, Ordering::Relaxed);
    }

    /// The issuer did not answer.
    pub fn not_before(&self, now: Timestamp) {
        self.renew_after.store(now.as_second().saturating_add(AGAIN), Ordering::Relaxed);
    }

    /// Whether a token that still lasts is to be renewed now, and by whoever asks: nobody does so already.
    pub fn wants_renewal(&self, now: Timestamp) -> bool {
        self.renewable.load(Ordering::Relaxed)
            && now.as_second() >= self.renew_after.load(Ordering::Relaxed)
            && self.refresh.try_lock().is_ok()
    }

    /// Somebody does something.
    pub fn touch(&self, now: Timestamp) {
        self.used.fetch_max(now.as_second(), Ordering::Relaxed);
    }

    /// Whether it has ended.
    pub fn is_over(&self, now: Timestamp) -> bool {
        let unused = now.as_second().saturating_sub(self.used.load(Ordering::Relaxed));
        let unused = u64::try_from(unused).unwrap_or(0);
        let run_out = !self.renewable.load(Ordering::Relaxed) && self.held().until <= now;
        *self.over.borrow() || now >= self.ends || unused > self.idle.as_secs() || run_out
    }

    /// Ends when the session does.
    pub async fn ended(self: Arc<Self>) {
        let mut over = self.over.subscribe();
        while !self.is_over(Timestamp::now()) {
            // What waits for the end must not be what keeps it from being forgotten: it looks now and then by itself.
            let _ = tokio::time::timeout(LOOK, over.wait_for(|over| *over)).await;
        }
    }

    /// As whom somebody is signed in.
    pub fn signed_in(&self) -> SignedIn {
        let held = self.held();
        let renewed = self.renewable.load(Ordering::Relaxed);
        let until = if renewed { self.ends } else { self.ends.min(held.until) };
        SignedIn { called: Arc::clone(&self.called), identity: Arc::clone(&held.identity), until }
    }
}

/// Every session.
pub struct Sessions {
    all: Mutex<HashMap<Key, Arc<Session>>>,
    most: usize,
    most_of_one: usize,
    lasts: Duration,
    idle: Duration,
}

impl Sessions {
    /// None yet.
    pub fn of(settings: &SignIn) -> Self {
        Self {
            all: Mutex::default(),
            most: settings.sessions,
            most_of_one: settings.sessions_per_identity,
            lasts: settings.session,
            idle: settings.idle,
        }
    }

    /// Begins a session; its name, which nobody had before. `None`: there are as many as there may be.
    pub fn begin(&self, held: Held, called: Option<String>, refresh: Option<Secret>, now: Timestamp) -> Option<String> {
        let id = proof::random();
        let key = digest(&id);
        let actor = held.identity.actor.clone();
        let session = Arc::new(Session {
            key,
            called: called.map_or_else(|| Arc::from(&*actor), Arc::from),
            ends: now.saturating_add(self.lasts).unwrap_or(Timestamp::MAX),
            idle: self.idle,
            renewable: AtomicBool::new(refresh.is_some()),
            refresh: Turn::new(refresh),
            held: ArcSwap::from_pointee(held),
            renew_after: AtomicI64::new(i64::MIN),
            used: AtomicI64::new(now.as_second()),
            over: watch::Sender::new(false),
        });
        let mut all = self.lock();
        forget(&mut all, now);
        let mut own: Vec<_> = all.values().filter(|other| other.held().identity.actor == actor).cloned().collect();
        own.sort_by_key(|other| other.used.load(Ordering::Relaxed));
        let giving_way = (own.len() + 1).saturating_sub(self.most_of_one);
        for other in own.iter().take(giving_way) {
            drop_one(&mut all, other);
        }
        if all.len() >= self.most {
            return None;
        }
        all.insert(key, session);
        told(&all);
        Some(id)
    }

    /// The session of a name, if it goes on.
    pub fn find(&self, id: &str, now: Timestamp) -> Option<Arc<Session>> {
        let mut all = self.lock();
        let session = Arc::clone(all.get(&digest(id))?);
        if session.is_over(now) {
            drop_one(&mut all, &session);
            told(&all);
            return None;
        }
        Some(session)
    }

    /// Ends a session at once, with whatever goes on under it.
    pub fn end(&self, session: &Session) {
        let mut all = self.lock();
        drop_one(&mut all, session);
        told(&all);
    }

    /// Forgets those that are over.
    pub fn tend(&self, now: Timestamp) {
        let mut all = self.lock();
        forget(&mut all, now);
        told(&all);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Key, Arc<Session>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn drop_one(all: &mut HashMap<Key, Arc<Session>>, session: &Session) {
    all.remove(&session.key);
    session.over.send_replace(true);
}

fn forget(all: &mut HashMap<Key, Arc<Session>>, now: Timestamp) {
    all.retain(|_, session| {
        let over = session.is_over(now);
        if over {
            session.over.send_replace(true);
        }
        !over
    });
}

fn told(all: &HashMap<Key, Arc<Session>>) {
    gauge!(figures::SIGNIN_SESSIONS).set(figures::float(all.len() as u64));
}

fn digest(id: &str) -> Key {
    *blake3::hash(id.as_bytes()).as_bytes()
}

#[cfg(test)]
mod tests {
    use base64::Engine;

    use jiff::SignedDuration;

    use super::*;
    use crate::access::grant::Grant;

    fn now() -> Timestamp {
        "2026-11-28T09:00:00Z".parse().unwrap()
    }

    fn later(seconds: i64) -> Timestamp {
        now() + SignedDuration::from_secs(seconds)
    }

    fn sessions(most: usize) -> Sessions {
        Sessions {
            all: Mutex::default(),
            most,
            most_of_one: 2,
            lasts: Duration::from_secs(1_000),
            idle: Duration::from_secs(100),
        }
    }

    fn held(actor: &str, until: i64) -> Held {
        let grant = Grant { roles: Some(vec!["reader".to_owned()]), ..Grant::default() };
        let identity = Arc::new(grant.identity(actor).unwrap());
        Held { text: HeaderValue::from_static("Bearer secret"), identity, until: later(until) }
    }

    fn begun(sessions: &Sessions, actor: &str) -> String {
        sessions.begin(held(actor, 5_000), None, None, now()).unwrap()
    }

    #[test]
    fn a_session_ends_with_its_token_its_time_or_when_nobody_does_anything() {
        let sessions = sessions(16);
        let by_token = sessions.begin(held("a", 50), None, None, now()).unwrap();
        assert!(sessions.find(&by_token, later(49)).is_some());
        assert!(sessions.find(&by_token, later(50)).is_none());
        let idle = begun(&sessions, "b");
        assert!(sessions.find(&idle, later(100)).is_some());
        assert!(sessions.find(&idle, later(101)).is_none(), "to find it is not to use it");
        let used = begun(&sessions, "c");
        for second in (0..1_000).step_by(50) {
            sessions.find(&used, later(second)).unwrap().touch(later(second));
        }
        assert!(sessions.find(&used, later(1_000)).is_none());
    }

    #[test]
    fn a_token_that_can_be_renewed_does_not_end_its_session() {
        let sessions = sessions(16);
        let id = sessions.begin(held("a", 50), None, Some(Secret::of("again")), now()).unwrap();
        let session = sessions.find(&id, later(60)).unwrap();
        assert_eq!(session.signed_in().until, later(1_000));
        assert!(session.wants_renewal(later(60)));
        session.not_before(later(60));
        assert!(!session.wants_renewal(later(64)) && session.wants_renewal(later(65)));
        session.not_renewable();
        assert!(sessions.find(&id, later(60)).is_none());
    }

    #[test]
    fn one_identity_has_so_many_sessions_and_the_one_unused_for_the_longest_gives_way() {
        let sessions = sessions(16);
        let (first, second) = (begun(&sessions, "a"), begun(&sessions, "a"));
        let other = begun(&sessions, "b");
        sessions.find(&first, later(10)).unwrap().touch(later(10));
        let third = begun(&sessions, "a");
        let lives = |id: &str| sessions.find(id, later(10)).is_some();
        assert!(lives(&first) && !lives(&second) && lives(&third) && lives(&other));
    }

    #[test]
    fn nobody_who_is_signed_in_gives_way_to_somebody_else() {
        let sessions = sessions(2);
        let (one, two) = (begun(&sessions, "a"), begun(&sessions, "b"));
        assert_eq!(sessions.begin(held("c", 5_000), None, None, now()), None);
        assert!(sessions.find(&one, now()).is_some() && sessions.find(&two, now()).is_some());
        assert!(sessions.begin(held("c", 5_000), None, None, later(101)).is_some(), "those that are over do");
    }

    #[test]
    fn what_is_held_opens_nothing_and_shows_nothing() {
        let sessions = sessions(2);
        let id = begun(&sessions, "a");
        let key = *sessions.lock().keys().next().unwrap();
        let name = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(key);
        assert!(sessions.find(&name, now()).is_none());
        let session = sessions.find(&id, now()).unwrap();
        assert!(!format!("{session:?} {:?}", Secret::of("secret")).contains("secret"));
    }

    #[tokio::test]
    async fn what_goes_on_under_a_session_hears_of_its_end_at_once() {
        let sessions = Sessions { lasts: Duration::from_hours(1), idle: Duration::from_hours(1), ..sessions(2) };
        let now = Timestamp::now();
        let token = Held { until: now + SignedDuration::from_hours(1), ..held("a", 0) };
        let id = sessions.begin(token, None, None, now).unwrap();
        let session = sessions.find(&id, now).unwrap();
        let waiting = tokio::spawn(Arc::clone(&session).ended());
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        sessions.end(&session);
        tokio::time::timeout(LOOK / 2, waiting).await.unwrap().unwrap();
        assert!(sessions.find(&id, now).is_none());
    }
}
