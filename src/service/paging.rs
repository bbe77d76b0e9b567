//! Page tokens of every paged read: of ranked lists, each chain on one pinned
//! snapshot, and of a person's records, each chain up to one revision.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::fault::Fault;
use super::ranked::PageOf;
use crate::access::Caller;
use crate::domain::{Revision, SubjectId};
use crate::ranking::pins::{Holder, Limits, PinId};
use crate::ranking::retire::Retirement;
use crate::ranking::token::{Digest, StoreIdentity, Ticket, TokenError};
use crate::ranking::{Cursor, Pins, Standings, Start, Tokens};
use crate::store::Identity;

/// Makes and reads page tokens, and holds the snapshots that they are of.
pub struct Paging {
    tokens: Tokens,
    pins: Pins,
    begun: Instant,
    /// Revision of the last erasure in this process; 0: none.
    erased: AtomicU64,
}

impl Paging {
    /// Paging for one store and one process, holding at most `snapshots` snapshots.
    pub fn new(identity: Identity, snapshots: usize, retirement: Retirement) -> Self {
        // The incarnation is random and never leaves the store: a key for MACs that outlives the process.
        // Tokens carry hashes of both, which tell nothing of the key.
        let key = blake3::derive_key("steelyard 2026 page tokens", &identity.incarnation);
        let incarnation = blake3::hash(&identity.incarnation);
        let public = StoreIdentity {
            store: *blake3::hash(&identity.store_id).as_bytes().first_chunk().expect("32 bytes hold 16"),
            incarnation: u64::from_be_bytes(*incarnation.as_bytes().first_chunk().expect("32 bytes hold 8")),
        };
        let (process, _) = uuid::Uuid::new_v4().as_u64_pair();
        let limits = Limits { snapshots, ..Limits::default() };
        Self {
            tokens: Tokens::new(key, public, process),
            pins: Pins::new(limits, retirement),
            begun: Instant::now(),
            erased: AtomicU64::new(0),
        }
    }

    /// The snapshot of a page and where the page begins: the newest at the top, or the pinned one further down.
    ///
    /// # Errors
    /// Faults of the token.
    pub fn open(
        &self,
        newest: Arc<Standings>,
        caller: &Caller,
        asked: &PageOf,
    ) -> Result<(Arc<Standings>, Start), Fault> {
        if asked.token.is_empty() {
            return Ok((newest, Start::Top));
        }
        let ticket = self.tokens.open(&asked.token, digest(caller, &asked.arguments)).map_err(fault)?;
        let pinned = self.pins.get(ticket.pin, self.millis()).filter(|pinned| self.is_current(pinned.revision()));
        let pinned = pinned.ok_or(Fault::PageTokenExpired)?;
        Ok((pinned, Start::After(ticket.cursor)))
    }

    /// The token of the page after `cursor`, with its snapshot held.
    pub fn next(&self, standings: &Arc<Standings>, cursor: Cursor, caller: &Caller, asked: &PageOf) -> String {
        let pin = self.pins.pin(standings, holder(caller), self.millis());
        self.tokens.seal(&Ticket { pin, cursor, digest: digest(caller, &asked.arguments) })
    }

    /// The two numbers that the token of a chain carries which pins nothing here; `None` for the first page.
    ///
    /// # Errors
    /// Faults of the token.
    pub fn read_pair(&self, token: &str, caller: &Caller, arguments: &[u8; 32]) -> Result<Option<(u64, u64)>, Fault> {
        if token.is_empty() {
            return Ok(None);
        }
        self.tokens.open(token, digest(caller, arguments)).map(|ticket| Some(pair(&ticket))).map_err(fault)
    }

    /// A token that carries two numbers: what a chain is of, such as a revision that never changes, and how far it has come.
    pub fn pair_token(&self, numbers: (u64, u64), caller: &Caller, arguments: &[u8; 32]) -> String {
        self.tokens.seal(&paired(numbers, digest(caller, arguments)))
    }

    /// As [`pair_token`](Self::pair_token), of two numbers that keep their meaning when the process ends.
    pub fn lasting_pair_token(&self, numbers: (u64, u64), caller: &Caller, arguments: &[u8; 32]) -> String {
        self.tokens.seal_lasting(&paired(numbers, digest(caller, arguments)))
    }

    /// The two numbers of a token that [`lasting_pair_token`](Self::lasting_pair_token) made; `None` where it is empty.
    ///
    /// # Errors
    /// Faults of the token.
    pub fn read_lasting_pair(
        &self,
        token: &str,
        caller: &Caller,
        arguments: &[u8; 32],
    ) -> Result<Option<(u64, u64)>, Fault> {
        if token.is_empty() {
            return Ok(None);
        }
        self.tokens.open_lasting(token, digest(caller, arguments)).map(|ticket| Some(pair(&ticket))).map_err(fault)
    }

    /// Where a page of a generation begins.
    ///
    /// # Errors
    /// Faults of the token.
    pub fn open_generation(&self, generation: u64, caller: &Caller, asked: &PageOf) -> Result<Start, Fault> {
        if asked.token.is_empty() {
            return Ok(Start::Top);
        }
        let ticket = self.tokens.open_lasting(&asked.token, digest(caller, &asked.arguments)).map_err(fault)?;
        if ticket.pin.0 == generation { Ok(Start::After(ticket.cursor)) } else { Err(Fault::PageTokenOfOtherArguments) }
    }

    /// The token of the page of a generation that begins after `cursor`. It outlives a restart.
    pub fn next_of_generation(&self, generation: u64, cursor: Cursor, caller: &Caller, asked: &PageOf) -> String {
        let ticket = Ticket { pin: PinId(generation), cursor, digest: digest(caller, &asked.arguments) };
        self.tokens.seal_lasting(&ticket)
    }

    /// The pin of a snapshot whose pages are read.
    pub fn pin_of(&self, standings: &Arc<Standings>) -> Option<PinId> {
        self.pins.of(standings)
    }

    /// Whether a caller can go on from a page of a pin, for the usual time from now.
    pub fn prolong(&self, pin: PinId, holder: Holder) -> bool {
        self.pins.prolong(pin, holder, self.millis())
            && self.pins.get(pin, self.millis()).is_some_and(|pinned| self.is_current(pinned.revision()))
    }

    /// Lets go of snapshots whose tokens have expired.
    pub fn sweep(&self, newest: &Standings) {
        self.pins.sweep(newest, self.millis());
    }

    /// Lets go of every snapshot from before a revision, at which somebody was erased: their tokens have expired, those
    /// that are just being made too.
    pub fn forget(&self, erased: Revision) {
        self.erased.fetch_max(erased.0, Ordering::AcqRel);
        self.pins.forget();
    }

    /// Whether nobody was erased after a revision.
    pub fn is_current(&self, revision: Revision) -> bool {
        revision.0 >= self.erased.load(Ordering::Acquire)
    }

    fn millis(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

fn paired((first, second): (u64, u64), digest: Digest) -> Ticket {
    let half = |half: u64| u32::try_from(half).expect("half of 64 bits must fit in 32");
    let cursor = Cursor { last: SubjectId(half(second >> 32)), matched: half(second & u64::from(u32::MAX)) };
    Ticket { pin: PinId(first), cursor, digest }
}

fn pair(ticket: &Ticket) -> (u64, u64) {
    (ticket.pin.0, u64::from(ticket.cursor.last.0) << 32 | u64::from(ticket.cursor.matched))
}

fn digest(caller: &Caller, arguments: &[u8; 32]) -> Digest {
    Digest::of(&[arguments, &caller.scope_digest()])
}

/// Who pages, of a caller.
pub fn holder(caller: &Caller) -> Holder {
    let hash = blake3::hash(caller.actor.as_bytes());
    Holder(u64::from_be_bytes(*hash.as_bytes().first_chunk().expect("32 bytes hold 8")))
}

fn fault(error: TokenError) -> Fault {
    match error {
        TokenError::Invalid => Fault::PageTokenInvalid,
        TokenError::OtherArguments => Fault::PageTokenOfOtherArguments,
        TokenError::AnotherStore => Fault::PageTokenOfAnotherStore,
        TokenError::Restored => Fault::StoreRestored,
        TokenError::Expired => Fault::PageTokenExpired,
    }
}
