//! Where the newest standings hang: readers take what is there, the writer puts
//! up the next. Nobody waits for anybody.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use rayon::prelude::*;
use tokio::sync::watch;

use super::state::{State, Touched};
use crate::domain::dossier::Dossier;
use crate::domain::{Date, Revision, SubjectId};
use crate::ranking::retire::Retirement;
use crate::ranking::row::Row;
use crate::ranking::snapshot::Meta;
use crate::ranking::{Change, Names, Standings};
use crate::scoring::{Rules, composite};

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
    names: Arc<Names>,
    revision: watch::Sender<Revision>,
    condition: watch::Sender<Condition>,
}

impl Board {
    /// A board with nothing on it. Standings that were replaced are dropped by `retirement`.
    pub fn new(retirement: Retirement) -> Self {
        Self {
            retirement,
            standings: ArcSwapOption::empty(),
            names: Arc::default(),
            revision: watch::Sender::new(Revision(0)),
            condition: watch::Sender::new(Condition::Open),
        }
    }

    /// The newest standings; `None` before the first.
    pub fn standings(&self) -> Option<Arc<Standings>> {
        self.standings.load_full()
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

    /// Weighs whoever was touched and puts up the new standings. Nothing is put up while no policy or day is set.
    pub(super) fn publish(&self, state: &State, touched: &Touched, now: Timestamp) {
        let (Some(rules), Some(as_of)) = (state.rules(), state.as_of()) else { return };
        let meta = Meta { revision: state.revision(), as_of, rules: Arc::clone(rules), generation: 0, published: now };
        let earlier = self.standings.load_full();
        let next = match &earlier {
            Some(earlier) if !touched.everyone => earlier.with(&self.changes(state, touched, rules, as_of), meta),
            Some(earlier) => self.everyone(state, rules, as_of, meta).replacing(earlier),
            None => self.everyone(state, rules, as_of, meta),
        };
        self.standings.store(Some(Arc::new(next)));
        self.revision.send_replace(state.revision());
        self.retirement.retire_all(earlier);
    }

    fn everyone(&self, state: &State, rules: &Rules, as_of: Date, meta: Meta) -> Standings {
        let rows: Vec<(Arc<Dossier>, Row)> =
            state.dossiers().par_iter().map(|dossier| (Arc::clone(dossier), self.row(dossier, rules, as_of))).collect();
        Standings::load(meta, Arc::clone(&self.names), Arc::clone(state.references()), rows)
    }

    fn changes(&self, state: &State, touched: &Touched, rules: &Rules, as_of: Date) -> Vec<Change> {
        let change = |subject: &SubjectId| {
            let dossier = Arc::clone(state.dossier(*subject));
            let row = self.row(&dossier, rules, as_of);
            Change { subject: *subject, dossier, row }
        };
        if touched.subjects.len() < WORTH_SPREADING {
            touched.subjects.iter().map(change).collect()
        } else {
            let subjects: Vec<SubjectId> = touched.subjects.iter().copied().collect();
            subjects.par_iter().map(change).collect()
        }
    }

    fn row(&self, dossier: &Dossier, rules: &Rules, as_of: Date) -> Row {
        Row::new(dossier, &composite::weigh(dossier, rules, as_of), rules, as_of, &self.names)
    }
}
