//! Answers to requests are kept for 72 hours, so that a retry gets the answer
//! that was given; then they go. They follow the ledger: answers grow old in the
//! order in which they were given.

use jiff::Timestamp;
use prost::Message;

use crate::domain::Revision;
use crate::store::pb::RequestAnswer;
use crate::store::{KeySpan, Store, StoreError, View, ViewKey};

/// How long an answer is kept, in microseconds: 72 hours.
const KEPT_MICROS: i64 = 72 * 60 * 60 * 1_000_000;
/// Events looked at between two groups of writes, so that no writer waits long.
const AT_ONCE: usize = 512;

/// Whether an answer is older than it is kept.
pub fn expired(answered_micros: i64, now: Timestamp) -> bool {
    now.as_microsecond() - answered_micros > KEPT_MICROS
}

/// How far expiry has come in the ledger.
#[derive(Debug)]
pub struct Expiry {
    /// The first event not yet looked at.
    next: Revision,
}

impl Expiry {
    /// Where expiry begins after a start, and the answers that expired meanwhile.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn begin(store: &dyn Store, head: Revision, now: Timestamp) -> Result<(Self, Vec<ViewKey>), StoreError> {
        let mut gone = Vec::new();
        for entry in store.scan(&KeySpan::all(View::Request)) {
            let (key, bytes) = entry?;
            if RequestAnswer::decode(&*bytes).is_ok_and(|answer| expired(answer.answered_micros, now)) {
                gone.push(key);
            }
        }
        Ok((Self { next: first_kept(store, head, now)? }, gone))
    }

    /// Answers that have expired by now: a few at a time.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn due(&mut self, store: &dyn Store, head: Revision, now: Timestamp) -> Result<Vec<ViewKey>, StoreError> {
        let mut gone = Vec::new();
        for event in store.events(self.next, head).take(AT_ONCE) {
            let event = event?;
            if !expired(event.recorded_micros, now) {
                break;
            }
            self.next = Revision(event.revision).next();
            if let (Some(_), Ok(id)) = (&event.answer, <[u8; 16]>::try_from(&*event.request_id)) {
                gone.push(ViewKey::request(&event.actor, &id));
            }
        }
        Ok(gone)
    }
}

/// The first event whose answer is still kept; the one after the head where there is none. Instants of the ledger
/// ascend but for steps of the clock, and those only make an answer live a little longer or shorter.
fn first_kept(store: &dyn Store, head: Revision, now: Timestamp) -> Result<Revision, StoreError> {
    let (mut low, mut high) = (1, head.0 + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        match store.event(Revision(middle))? {
            Some(event) if expired(event.recorded_micros, now) => low = middle + 1,
            Some(_) | None => high = middle,
        }
    }
    Ok(Revision(low))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::pb::event::Body;
    use crate::store::pb::{Event, RequestAnswered};
    use crate::store::{Group, Identity, MemoryStore, SCHEMA_VERSION};

    const HOUR: i64 = 60 * 60 * 1_000_000;

    fn answered(revision: u64, micros: i64) -> (Event, (ViewKey, Option<Vec<u8>>)) {
        let id = u128::from(revision).to_be_bytes();
        let answer = RequestAnswer { answered_micros: micros, ..RequestAnswer::default() };
        let event = Event {
            revision,
            recorded_micros: micros,
            actor: "loopback".to_owned(),
            request_id: id.to_vec(),
            schema_version: SCHEMA_VERSION.into(),
            body: Some(Body::RequestAnswered(RequestAnswered {})),
            answer: Some(answer.clone()),
            ..Event::default()
        };
        (event, (ViewKey::request("loopback", &id), Some(answer.encode_to_vec())))
    }

    #[test]
    fn an_answer_goes_after_72_hours_and_not_before() {
        let store = MemoryStore::new(Identity::fresh());
        let (events, views): (Vec<_>, Vec<_>) =
            [(1, 0), (2, HOUR), (3, 50 * HOUR)].map(|(r, t)| answered(r, t)).into_iter().unzip();
        let keys: Vec<ViewKey> = views.iter().map(|(key, _)| *key).collect();
        let head = store.append(&crate::store::Head::EMPTY, &Group { events, views }).expect("must be taken").revision;
        let at = |hours: i64| Timestamp::from_microsecond(hours * HOUR + 1).expect("an instant");
        let (mut expiry, gone) = Expiry::begin(&store, head, at(72)).expect("must be read");
        assert_eq!(gone, [keys[0]], "what expired while nobody ran");
        assert_eq!(expiry.due(&store, head, at(72)).expect("must be read"), []);
        assert_eq!(expiry.due(&store, head, at(73)).expect("must be read"), [keys[1]]);
        assert_eq!(expiry.due(&store, head, at(73)).expect("must be read"), [], "each goes once");
        assert_eq!(expiry.due(&store, head, at(200)).expect("must be read"), [keys[2]]);
    }
}
