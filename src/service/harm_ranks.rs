//! Where everybody would stand were harm taken from another table. Everybody is
//! weighed under each table, as a policy is tried: nothing is published or
//! changed. The order found is kept for the newest lists asked about, so that
//! whoever asks next waits for nothing.

use std::sync::{Arc, Mutex, PoisonError};

use tracing::error;

use super::fault::Fault;
use super::keeping::step_back;
use super::weighing;
use super::{SPECIFIC_FIRST, Service};
use crate::domain::word::{Band, Family, List};
use crate::domain::{Date, MilliPoints, Revision, SubjectId};
use crate::ranking::key::Key;
use crate::ranking::{Row, Sight, Standings};
use crate::reference;
use crate::scoring::Rules;
use crate::scoring::harm::Catalogue;
use crate::scoring::harm::table::{CAMBRIDGE_INDEX, HarmTable, maximum_sentence};

const INDEX_SOURCE: &str = "The Cambridge Crime Harm Index with the policy's overrides, by which lists are made.";

/// The tables, and what is kept of the newest lists weighed under them.
#[derive(Debug, Default)]
pub struct HarmRanks {
    /// Those of the force.
    own: Vec<HarmTable>,
    kept: Mutex<Option<Arc<Ordered>>>,
}

/// Lists in order under each table. For each person and table 16 bytes a list.
#[derive(Debug)]
pub struct Ordered {
    revision: Revision,
    as_of: Date,
    policy: Box<str>,
    tables: Vec<OrderedBy>,
}

/// Lists in order under one table.
#[derive(Debug)]
struct OrderedBy {
    name: Box<str>,
    source: Box<str>,
    /// In the order of [`SPECIFIC_FIRST`].
    lists: [Vec<Key>; SPECIFIC_FIRST.len()],
}

/// A person's place on one list under one table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RankedBy {
    /// The table's name.
    pub table: Box<str>,
    /// Where it comes from.
    pub source: Box<str>,
    /// The list.
    pub list: List,
    /// Competition rank, from 1.
    pub rank: u32,
    /// Place, from 1.
    pub position: u32,
    /// People on the list in sight.
    pub size: u32,
    /// Effective band.
    pub band: Band,
    /// Composite.
    pub composite: MilliPoints,
    /// Harm.
    pub harm: MilliPoints,
    /// Revision of the lists.
    pub revision: Revision,
}

impl HarmRanks {
    fn kept(&self) -> Option<Arc<Ordered>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn keep(&self, ordered: &Arc<Ordered>) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(ordered));
    }

    fn tables(&self) -> impl Iterator<Item = &HarmTable> {
        std::iter::once(maximum_sentence()).chain(&self.own)
    }
}

impl Service {
    /// This service with a force's own tables of harm beside those built in.
    #[must_use]
    pub fn with_harm_tables(self, own: Vec<HarmTable>) -> Self {
        Self { harm: Arc::new(HarmRanks { own, kept: Mutex::default() }), ..self }
    }

    /// The lists in order under every table, as they stand. Where that is being found out for other lists already: what
    /// is kept of before, if it is of the same day and policy.
    ///
    /// # Errors
    /// [`Fault::SimulationRunning`] where nothing is kept, and [`Fault::Internal`].
    pub async fn harm_ranks(&self, standings: &Arc<Standings>) -> Result<Arc<Ordered>, Fault> {
        let newest = |kept: &Arc<Ordered>| kept.revision >= standings.revision();
        if let Some(kept) = self.harm.kept().filter(newest) {
            return Ok(kept);
        }
        let Ok(permit) = Arc::clone(&self.simulating).try_acquire_owned() else {
            return self.harm.kept().filter(|kept| kept.is_like(standings)).ok_or(Fault::SimulationRunning);
        };
        // Whoever held the permit until now may have found it out.
        if let Some(kept) = self.harm.kept().filter(newest) {
            return Ok(kept);
        }
        let (harm, weighed) = (Arc::clone(&self.harm), Arc::clone(standings));
        let found = tokio::task::spawn_blocking(move || {
            // Held until the end, though whoever asked may be gone by then.
            let _permit = permit;
            // On threads of its own: the writer weighs on the others, and must not wait for this.
            let pool = rayon::ThreadPoolBuilder::new().start_handler(|_| step_back()).build()?;
            let ordered = Arc::new(pool.install(|| Ordered::of(&weighed, harm.tables())));
            harm.keep(&ordered);
            Ok::<_, rayon::ThreadPoolBuildError>(ordered)
        });
        found.await.map_err(|_| Fault::Internal)?.map_err(|error| {
            error!(error = %error, "the threads of a trial could not be started");
            Fault::Internal
        })
    }
}

impl Ordered {
    fn of<'a>(standings: &Standings, tables: impl Iterator<Item = &'a HarmTable>) -> Self {
        let policy = &standings.rules().policy;
        Self {
            revision: standings.revision(),
            as_of: standings.as_of(),
            policy: policy.version.as_str().into(),
            tables: tables.map(|table| OrderedBy::of(standings, table)).collect(),
        }
    }

    /// Whether it is of lists of the same day and policy as these.
    fn is_like(&self, standings: &Standings) -> bool {
        self.as_of == standings.as_of() && *self.policy == *standings.rules().policy.version
    }

    /// A person's place on each list that may be seen, under the index as the lists stand and under every table.
    pub fn places(&self, standings: &Standings, subject: SubjectId, sight: &Sight) -> Vec<RankedBy> {
        let seen = || SPECIFIC_FIRST.into_iter().enumerate().filter(|(_, list)| sight.admits(*list));
        let by_index = seen().filter_map(|(_, list)| by_index(standings, subject, list, sight));
        let by_table = self.tables.iter().flat_map(|table| {
            seen().filter_map(|(place, list)| {
                let keys = &table.lists[place];
                let position = keys.iter().position(|key| key.subject() == subject)?;
                let key = keys[position];
                Some(RankedBy {
                    table: table.name.clone(),
                    source: table.source.clone(),
                    list,
                    rank: number(keys.partition_point(|held| held.merit() < key.merit()) + 1),
                    position: number(position + 1),
                    size: number(size_in(standings, keys, sight)),
                    band: key.band(),
                    composite: key.composite(),
                    harm: key.harm(),
                    revision: self.revision,
                })
            })
        });
        by_index.chain(by_table).collect()
    }
}

impl OrderedBy {
    fn of(standings: &Standings, table: &HarmTable) -> Self {
        let policy = standings.rules().policy.clone();
        let catalogue = Catalogue::with(reference::tables(), &policy, table);
        let rules = Rules { policy, catalogue };
        let names = standings.names();
        let people = weighing::weighed(standings, &rules, |subject, dossier, weighed| {
            let row = Row::new(dossier, weighed, &rules, standings.as_of(), names);
            let key = |family| Key::of(&row, family, subject);
            Some((row.lists, [key(Family::Cohort), key(Family::Outstanding)]))
        });
        let lists = SPECIFIC_FIRST.map(|list| {
            let on_list = people.iter().filter(|(lists, _)| lists.holds(list));
            let mut keys: Vec<Key> = on_list
                .map(|(_, [cohort, outstanding])| match list.family() {
                    Family::Cohort => *cohort,
                    Family::Outstanding => *outstanding,
                })
                .collect();
            keys.shrink_to_fit();
            Key::sort(&mut keys, standings);
            keys
        });
        Self { name: table.name().into(), source: table.source().into(), lists }
    }
}

fn by_index(standings: &Standings, subject: SubjectId, list: List, sight: &Sight) -> Option<RankedBy> {
    let (place, row) = (standings.place(list, subject)?, standings.row(subject)?);
    let composed = row.composed(list.family());
    Some(RankedBy {
        table: CAMBRIDGE_INDEX.into(),
        source: INDEX_SOURCE.into(),
        list,
        rank: place.rank,
        position: place.position,
        size: number(standings.size_in(list, sight)),
        band: composed.effective,
        composite: composed.point,
        harm: row.harm,
        revision: standings.revision(),
    })
}

fn size_in(standings: &Standings, keys: &[Key], sight: &Sight) -> usize {
    if sight.is_whole_of_lists() {
        return keys.len();
    }
    keys.iter().filter(|key| standings.row(key.subject()).is_some_and(|row| sight.sees(row))).count()
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "harm_ranks_tests.rs"]
mod tests;
