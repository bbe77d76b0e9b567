//! Where the newest standings hang: readers take what is there, the writer puts
//! up the next. Nobody waits for anybody.

use std::collections::BTreeSet;
use std::sync::Arc;

use arc_swap::{ArcSwap, ArcSwapOption};
use jiff::Timestamp;
use rayon::prelude::*;
use tokio::sync::watch;

use super::changes::Changes;
use super::policies::Policies;
use super::rescore::runs::Runs;
use super::scorer;
use super::state::{State, Touched};
use crate::domain::dossier::Dossier;
use crate::domain::{Revision, SubjectId};
use crate::ranking::retire::Retirement;
use crate::ranking::row::Row;
use crate::ranking::snapshot::Meta;
use crate::ranking::{Change, Names, Standings};
use crate::scoring::composite::Weighed;

/// Subjects touched by one group from which weighing is worth spreading over cores.
const WORTH_SPREADING: usize = 64;

/// Whether writes are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// They are.
    Open,
    /// The disk is low: refused before they are begun, and nothing of them is kept.
    Low,
    /// A write found the disk full: none until the store was opened again, which is tried now and then.
    ReadOnly,
    /// The writer has stopped for good, and the process should end.
    Stopped,
}

/// The newest standings, and whether more may come.
#[derive(Debug)]
pub struct Board {
    retirement: Retirement,
    standings: ArcSwapOption<Standings>,
    policies: ArcSwap<Policies>,
    names: Arc<Names>,
    runs: ArcSwap<Runs>,
    restricted: ArcSwap<BTreeSet<SubjectId>>,
    changes: Changes,
    revision: watch::Sender<Revision>,
    condition: watch::Sender<Condition>,
}

impl Board {
    /// A board with nothing on it. Standings that were replaced are dropped by `retirement`.
    pub fn new(retirement: Retirement) -> Self {
        Self {
            retirement,
            standings: ArcSwapOption::empty(),
            policies: ArcSwap::default(),
            names: Arc::default(),
            runs: ArcSwap::default(),
            restricted: ArcSwap::default(),
            changes: Changes::default(),
            revision: watch::Sender::new(Revision(0)),
            condition: watch::Sender::new(Condition::Open),
        }
    }

    /// The newest standings; `None` before the first.
    pub fn standings(&self) -> Option<Arc<Standings>> {
        self.standings.load_full()
    }

    /// Runs and what they published.
    pub fn runs(&self) -> Arc<Runs> {
        self.runs.load_full()
    }

    /// Areas and officers by number.
    pub const fn names(&self) -> &Arc<Names> {
        &self.names
    }

    /// Every policy, as of the newest standings or of the commit that is about to be seen in them.
    pub fn policies(&self) -> Arc<Policies> {
        self.policies.load_full()
    }

    /// Every history of people whose processing is restricted: what was published before does not show them either.
    pub fn restricted(&self) -> Arc<BTreeSet<SubjectId>> {
        self.restricted.load_full()
    }

    /// Who changed since when.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// Tells when a revision is on the board.
    pub fn revisions(&self) -> watch::Receiver<Revision> {
        self.revision.subscribe()
    }

    /// Tells whether writes are taken.
    pub fn conditions(&self) -> watch::Receiver<Condition> {
        self.condition.subscribe()
    }

    /// Whether that was another one before.
    pub(super) fn set_condition(&self, condition: Condition) -> bool {
        self.condition.send_if_modified(|held| std::mem::replace(held, condition) != condition)
    }

    /// Weighs whoever was touched. Nobody is weighed while no policy or day is set.
    pub(super) fn weigh(state: &State, touched: &Touched) -> Weighing {
        let (Some(rules), Some(as_of)) = (state.rules(), state.as_of()) else { return Weighing::Nobody };
        let weigh = |subject: SubjectId| (subject, scorer::weigh_or_unknown(&state.shown(subject), rules, as_of));
        if touched.everyone {
            let everyone = (0..state.next_subject().0).into_par_iter().map(SubjectId);
            return Weighing::Everyone(everyone.map(weigh).collect());
        }
        let subjects: Vec<SubjectId> = touched.subjects.iter().copied().collect();
        Weighing::Some(if subjects.len() < WORTH_SPREADING {
            subjects.into_iter().map(weigh).collect()
        } else {
            subjects.into_par_iter().map(weigh).collect()
        })
    }

    /// Puts up the new standings of whoever was weighed. The weighing must be of the state's dossiers as they score.
    pub(super) fn publish(&self, state: &State, weighing: &Weighing, now: Timestamp) {
        // Before the revision is told, so that whoever waited for it finds them.
        self.policies.store(Arc::clone(state.policies()));
        self.restrict(state);
        let (Some(rules), Some(as_of)) = (state.rules(), state.as_of()) else { return };
        let meta = Meta {
            revision: state.revision(),
            as_of,
            rules: Arc::clone(rules),
            generation: state.runs().current(),
            published: now,
        };
        let earlier = self.standings.load_full();
        let row = |(subject, weighed): &(SubjectId, Weighed)| {
            let dossier = state.shown(*subject);
            let row = Row::new(&dossier, weighed, rules, as_of, &self.names);
            (*subject, dossier, row)
        };
        let next = match (weighing, &earlier) {
            (Weighing::Nobody, _) => return,
            (Weighing::Some(weighed), Some(earlier)) => {
                let change = |weighed| {
                    let (subject, dossier, row) = row(weighed);
                    Change { subject, dossier, row }
                };
                let changes: Vec<Change> = if weighed.len() < WORTH_SPREADING {
                    weighed.iter().map(change).collect()
                } else {
                    weighed.par_iter().map(change).collect()
                };
                earlier.with(&changes, meta)
            }
            (Weighing::Everyone(weighed) | Weighing::Some(weighed), _) => {
                let people = weighed.par_iter().map(row).map(|(_, dossier, row)| (dossier, row));
                let people: Vec<(Arc<Dossier>, Row)> = people.collect();
                let next = Standings::load(meta, Arc::clone(&self.names), Arc::clone(state.references()), people);
                match &earlier {
                    Some(earlier) => next.replacing(earlier),
                    None => next,
                }
            }
        };
        self.runs.store(Arc::clone(state.runs()));
        self.put_up(earlier, next);
    }

    /// Puts up standings that a run published.
    pub(super) fn publish_run(&self, state: &State, next: Standings) {
        self.policies.store(Arc::clone(state.policies()));
        self.restrict(state);
        let earlier = self.standings.load_full();
        let next = match &earlier {
            Some(earlier) => next.replacing(earlier),
            None => next,
        };
        self.runs.store(Arc::clone(state.runs()));
        self.put_up(earlier, next);
    }

    fn restrict(&self, state: &State) {
        let restricted = state.histories().restricted();
        if **self.restricted.load() != restricted {
            self.restricted.store(Arc::new(restricted));
        }
    }

    /// Shows the next standings in place of the earlier ones: every publication comes by here.
    fn put_up(&self, earlier: Option<Arc<Standings>>, next: Standings) {
        let revision = next.revision();
        self.changes.record(earlier.as_deref(), &next);
        self.standings.store(Some(Arc::new(next)));
        self.revision.send_replace(revision);
        self.retirement.retire_all(earlier);
    }
}

/// Who was weighed, and how each weighs; in order of subject.
#[derive(Debug)]
pub(super) enum Weighing {
    /// Nobody: there is no policy or no day.
    Nobody,
    /// Those whom a group touched.
    Some(Vec<(SubjectId, Weighed)>),
    /// Everybody.
    Everyone(Vec<(SubjectId, Weighed)>),
}

impl Weighing {
    /// Those weighed.
    pub(super) fn weighed(&self) -> &[(SubjectId, Weighed)] {
        match self {
            Self::Nobody => &[],
            Self::Some(weighed) | Self::Everyone(weighed) => weighed,
        }
    }
}
