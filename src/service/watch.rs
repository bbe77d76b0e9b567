//! Following a list: what a reader has to be told so that it holds the list.
//! A [`Follower`] is all that is known of a reader, and fits a token. It holds no
//! snapshot and no queue: every message tells how people stand *now*, so a slow
//! reader costs nothing and misses nothing.
//!
//! A pass goes once through the people by id: all of them at first, afterwards
//! those who changed since the last pass began. Who changes behind the pass is
//! told in the next. See decision 0012.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use tokio::sync::watch;

use super::changes::{Candidate, Candidates, Changes, Compacted};
use super::fault::Fault;
use super::ranked::Reading;
use super::watched::Watch;
use super::{Seen, Service};
use crate::access::{Caller, Disclosure};
use crate::domain::word::List;
use crate::domain::{Revision, SubjectId};
use crate::ranking::{Sight, Standings};

/// How far a reader looks at once.
#[derive(Clone, Copy, Debug)]
struct Reach {
    /// Most people whose turn is known ahead, 8 bytes each.
    ahead: usize,
    /// Rows looked at for people on the list before others have their turn: some milliseconds.
    rows: u32,
}

const REACH: Reach = Reach { ahead: 4_096, rows: 65_536 };

/// How far a reader has been brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nowhere.
    Begin,
    /// In the whole list: it holds who has an id below `from` as at `mark` or later.
    Whole { mark: Revision, from: SubjectId },
    /// It holds everything up to a revision.
    Settled(Revision),
    /// It holds everything up to `since`, and who has an id below `from` as at `mark`, which is later, or later still.
    Difference { since: Revision, mark: Revision, from: SubjectId },
}

/// Bits of a token's first number that the revision takes; the engine's mark takes the rest.
const REVISION_BITS: u32 = 48;

impl Stage {
    /// The stage as two numbers; `None` at the beginning.
    fn pair(self) -> Option<(u64, u64)> {
        let marked = |revision: Revision| *ENGINE << REVISION_BITS | revision.0;
        match self {
            // To begin the whole list again is to begin.
            Self::Begin | Self::Whole { from: SubjectId(0), .. } => None,
            Self::Settled(at) => Some((marked(at), 0)),
            Self::Whole { mark, from } => Some((marked(mark), u64::from(from.0))),
            Self::Difference { since, mark, from } => match u32::try_from(mark.0 - since.0) {
                Ok(ahead) if from.0 > 0 => Some((marked(since), u64::from(ahead) << 32 | u64::from(from.0))),
                // To begin the difference again repeats what was told of it, and that is all.
                Ok(_) | Err(_) => Some((marked(since), 0)),
            },
        }
    }

    /// The stage that two numbers were made of; `None`: under another engine, which may weigh the same events otherwise.
    fn of((first, second): (u64, u64)) -> Option<Self> {
        let revision = Revision(first & ((1 << REVISION_BITS) - 1));
        let ahead = second >> 32;
        let from = SubjectId(u32::try_from(second & u64::from(u32::MAX)).expect("half of 64 bits must fit in 32"));
        (first >> REVISION_BITS == *ENGINE).then(|| match (ahead, from) {
            (_, SubjectId(0)) => Self::Settled(revision),
            (0, from) => Self::Whole { mark: revision, from },
            (ahead, from) => Self::Difference { since: revision, mark: Revision(revision.0 + ahead), from },
        })
    }

    /// The revision since which changes must be kept to go on from here.
    const fn rests_on(self) -> Option<Revision> {
        match self {
            Self::Begin => None,
            Self::Whole { mark, .. } => Some(mark),
            Self::Settled(at) => Some(at),
            Self::Difference { since, .. } => Some(since),
        }
    }
}

/// Tells engines apart, in 16 bits. A token outlives a restart because the lists do; another version may weigh otherwise.
static ENGINE: LazyLock<u64> = LazyLock::new(|| {
    let hash = blake3::hash(concat!("steelyard engine ", env!("CARGO_PKG_VERSION")).as_bytes());
    u64::from(u16::from_be_bytes(*hash.as_bytes().first_chunk().expect("32 bytes hold 2")))
});

/// A reader that follows a list, and how far it has been brought.
#[derive(Clone, Debug)]
pub struct Follower {
    list: List,
    stage: Stage,
    /// Whose turn comes next, and whether that is everybody of this pass.
    pending: VecDeque<Candidate>,
    all_pending: bool,
    reach: Reach,
}

/// How somebody's place on a list changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// On it, and not before.
    Entered,
    /// No longer on it.
    Left,
    /// On it as before.
    Changed,
}

/// One person and how their place changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Told {
    /// Who.
    pub subject: SubjectId,
    /// How.
    pub kind: Kind,
}

/// What a reader is told next.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// The whole list follows, of so many people.
    Initial(usize),
    /// The difference that a publication made follows, of about so many changes.
    Publication(usize),
    /// How people stand; `complete` once the pass is at its end.
    Changes {
        /// Who, and how.
        told: Vec<Told>,
        /// Everything up to this revision is told.
        complete: Option<Revision>,
    },
}

/// What came of asking what to tell next.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This.
    Tell(Event),
    /// Ask again: it was much to look through, and others should have their turn.
    Again,
    /// Nothing: the reader holds the list as it is.
    Idle,
}

impl Follower {
    fn new(list: List, stage: Stage) -> Self {
        Self { list, stage, pending: VecDeque::new(), all_pending: false, reach: REACH }
    }

    /// The revision up to which the reader holds everything, between two passes.
    pub const fn settled(&self) -> Option<Revision> {
        match self.stage {
            Stage::Settled(at) => Some(at),
            Stage::Begin | Stage::Whole { .. } | Stage::Difference { .. } => None,
        }
    }

    /// The revision up to which it has been brought, or as at which it began to be told the whole list. `None`: it was told
    /// nothing yet.
    pub const fn brought(&self) -> Option<Revision> {
        self.stage.rests_on()
    }

    /// What the reader is told next, of at most `most` people. The standings must be the newest: whatever led to them is in
    /// `changes`.
    fn next(
        &mut self,
        standings: &Standings,
        sight: &Sight,
        changes: &Changes,
        most: usize,
    ) -> Result<Outcome, Compacted> {
        let newest = standings.revision();
        let now = |subject: SubjectId| standings.row(subject).is_some_and(|row| sight.sees(row));
        match self.stage {
            Stage::Begin => {
                self.enter(Stage::Whole { mark: newest, from: SubjectId(0) });
                return Ok(Outcome::Tell(Event::Initial(standings.size_in(self.list, sight))));
            }
            Stage::Settled(at) if at >= newest => return Ok(Outcome::Idle),
            Stage::Settled(since) => {
                let span = changes.since(since)?;
                self.enter(Stage::Difference { since, mark: newest, from: SubjectId(0) });
                if let Some(expected) = span.publication(self.list, now, newest) {
                    return Ok(Outcome::Tell(Event::Publication(expected)));
                }
                let ahead = self.reach.ahead.max(most);
                self.await_turn(span.candidates((self.list, sight), now, SubjectId(0), newest, ahead));
                if self.pending.is_empty() {
                    self.enter(Stage::Settled(newest));
                    return Ok(Outcome::Idle);
                }
            }
            Stage::Whole { .. } | Stage::Difference { .. } => {}
        }
        let mut told = Vec::new();
        let mut looked = false;
        while told.len() < most {
            if let Some(candidate) = self.pending.pop_front() {
                self.pass(candidate.subject);
                told.extend(self.tell(standings, sight, candidate));
            } else if self.all_pending {
                break;
            } else if looked {
                return Ok(if told.is_empty() {
                    Outcome::Again
                } else {
                    Outcome::Tell(Event::Changes { told, complete: None })
                });
            } else {
                looked = true;
                self.look_ahead(standings, sight, changes, most)?;
            }
        }
        let complete = self.end_of_pass();
        Ok(Outcome::Tell(Event::Changes { told, complete }))
    }

    /// How a person stands now, where the reader has to be told.
    fn tell(&self, standings: &Standings, sight: &Sight, candidate: Candidate) -> Option<Told> {
        let Candidate { subject, was, seen } = candidate;
        if !seen {
            return None;
        }
        let is = standings.row(subject).is_some_and(|row| row.lists.holds(self.list) && sight.sees(row));
        let kind = match (was, is) {
            (true, true) => Kind::Changed,
            (false, true) => Kind::Entered,
            // Told even of those who only came and went: an earlier stream may have told of them in between.
            (_, false) => Kind::Left,
        };
        // In the whole list, whoever went meanwhile was never told of, or is told of in the next pass.
        let whole = matches!(self.stage, Stage::Whole { .. });
        (!(whole && kind == Kind::Left)).then_some(Told { subject, kind })
    }

    /// Finds whose turn comes next.
    fn look_ahead(
        &mut self,
        standings: &Standings,
        sight: &Sight,
        changes: &Changes,
        most: usize,
    ) -> Result<(), Compacted> {
        let ahead = self.reach.ahead.max(most);
        let now = |subject: SubjectId| standings.row(subject).is_some_and(|row| sight.sees(row));
        match self.stage {
            Stage::Difference { since, from, .. } => {
                let span = changes.since(since)?;
                self.await_turn(span.candidates((self.list, sight), now, from, standings.revision(), ahead));
            }
            Stage::Whole { mark, from } => {
                // Whoever reads too slowly is told so now, and not at the end of the list.
                changes.since(mark)?;
                let held = u32::try_from(standings.subjects()).unwrap_or(u32::MAX);
                let until = held.min(from.0.saturating_add(self.reach.rows));
                let on_list = |subject: &SubjectId| {
                    standings.row(*subject).is_some_and(|row| row.lists.holds(self.list) && sight.sees(row))
                };
                let found = (from.0..until).map(SubjectId).filter(on_list).take(ahead);
                self.pending = found.map(|subject| Candidate { subject, was: false, seen: true }).collect();
                self.all_pending = until == held && self.pending.len() < ahead;
                if self.pending.is_empty() {
                    self.stage = Stage::Whole { mark, from: SubjectId(until) };
                }
            }
            Stage::Begin | Stage::Settled(_) => self.all_pending = true,
        }
        Ok(())
    }

    fn await_turn(&mut self, Candidates { first, more }: Candidates) {
        self.pending = first.into();
        self.all_pending = !more;
    }

    /// Notes that a person's turn has come.
    fn pass(&mut self, subject: SubjectId) {
        let next = SubjectId(subject.0.saturating_add(1));
        match &mut self.stage {
            Stage::Whole { from, .. } | Stage::Difference { from, .. } => *from = next,
            Stage::Begin | Stage::Settled(_) => {}
        }
    }

    /// Settles where the pass is at its end; the revision up to which everything is told then.
    fn end_of_pass(&mut self) -> Option<Revision> {
        let (Stage::Whole { mark, .. } | Stage::Difference { mark, .. }) = self.stage else { return None };
        if !(self.all_pending && self.pending.is_empty()) {
            return None;
        }
        self.enter(Stage::Settled(mark));
        Some(mark)
    }

    fn enter(&mut self, stage: Stage) {
        self.stage = stage;
        self.pending.clear();
        self.all_pending = false;
    }
}

/// Ends the streams that would otherwise go on for ever. Holds nothing else of the service.
#[derive(Clone, Debug)]
pub struct Streams(Arc<watch::Sender<bool>>);

impl Default for Streams {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }
}

impl Streams {
    /// Tells every stream to end, those to come too.
    pub fn end(&self) {
        self.0.send_replace(true);
    }

    /// Waits until streams are to end.
    pub async fn ended(&self) {
        // The sender is held here, so that it cannot be gone.
        let _ = self.0.subscribe().wait_for(|ended| *ended).await;
    }
}

impl Service {
    /// A reader that follows a list from where its token says; where that is empty, from the revision as at which it holds the
    /// list, and where that is 0, from the beginning.
    ///
    /// # Errors
    /// Faults of the token, [`Fault::OutOfScope`], [`Fault::RevisionCompacted`], and those of [`Service::standings`].
    pub async fn follow(
        &self,
        caller: &Caller,
        list: List,
        token: &str,
        since: Revision,
        seen: Seen<'_>,
    ) -> Result<Follower, Fault> {
        let stage = match self.paging.read_lasting_pair(token, caller, &arguments(list))? {
            None if since == Revision(0) => Stage::Begin,
            None => Stage::Settled(since),
            Some(pair) => {
                let compacted = Fault::RevisionCompacted { oldest: self.board.changes().oldest() };
                Stage::of(pair).ok_or(compacted)?
            }
        };
        let rests_on = stage.rests_on();
        let known = rests_on.map_or(0, |revision| revision.0);
        let standings = self.standings(Seen::new(seen.revision.max(known), seen.store)).await?;
        Self::sight_of(caller, &standings, list)?;
        if let Some(revision) = rests_on {
            self.board.changes().since(revision).map_err(compacted)?;
        }
        Ok(Follower::new(list, stage))
    }

    /// What a reader is told next, of at most `most` people, and the standings that it was read from.
    ///
    /// # Errors
    /// [`Fault::RevisionCompacted`], or [`Fault::NoActivePolicy`].
    pub fn advance(
        &self,
        caller: &Caller,
        follower: &mut Follower,
        most: usize,
    ) -> Result<Disclosure<Reading<Outcome>>, Fault> {
        let standings = self.board.standings().ok_or(Fault::NoActivePolicy)?;
        let sight = Self::sight(caller, &standings);
        let found = follower.next(&standings, &sight, self.board.changes(), most).map_err(compacted)?;
        let subjects = match &found {
            Outcome::Tell(Event::Changes { told, .. }) => told.iter().map(|told| told.subject).collect(),
            Outcome::Tell(Event::Initial(_) | Event::Publication(_)) | Outcome::Again | Outcome::Idle => Vec::new(),
        };
        Ok(Disclosure { answer: Reading { standings, found }, subjects })
    }

    /// The token by which a reader goes on from where it is; empty: from the beginning.
    pub fn follow_token(&self, caller: &Caller, follower: &Follower) -> String {
        let token = |pair| self.paging.lasting_pair_token(pair, caller, &arguments(follower.list));
        follower.stage.pair().map(token).unwrap_or_default()
    }

    /// Tells that there may be something new. A hint: what there is, the standings say.
    pub fn revisions(&self) -> watch::Receiver<Revision> {
        self.board.revisions()
    }

    /// Counts a stream that follows a list, until what this gives is dropped.
    pub fn watched(&self) -> Watch {
        self.watched.begin()
    }

    /// What ends streams when the server stops.
    pub fn streams(&self) -> Streams {
        self.streams.clone()
    }
}

fn compacted(Compacted { oldest }: Compacted) -> Fault {
    Fault::RevisionCompacted { oldest }
}

/// Streams and pages of one list share tokens.
fn arguments(list: List) -> [u8; 32] {
    *blake3::hash(format!("changes of {}", list.proto().as_str_name()).as_bytes()).as_bytes()
}

#[cfg(test)]
#[path = "watch_tests.rs"]
mod tests;
