//! What was published, read back. Rows come from the generation's file, bit for
//! bit; what explains them comes from the ledger up to the revision that the
//! generation is of, and, for repeat victims, from the file again. References
//! of people are the store's own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rayon::prelude::*;
use tracing::error;

use super::Rescoring;
use super::runs::Generation;
use super::sealed;
use crate::access::{Caller, Disclosure};
use crate::domain::dossier::{Dossier, Repeat};
use crate::domain::{Date, Revision, SubjectId};
use crate::policy::Policy;
use crate::ranking::frame::{self, Past, PastRepeat};
use crate::ranking::row::Lists;
use crate::ranking::{Change, Meta, Names, Row, Standings};
use crate::reference;
use crate::scoring::Rules;
use crate::scoring::harm::Catalogue;
use crate::service::fault::Fault;
use crate::service::group::{BuildError, event_kind};
use crate::service::life::past::shown_at;
use crate::service::ranked::{PageOf, Reading, TokenedPage};
use crate::service::{Seen, Service, scorer};
use crate::store::archive::Kept;
use crate::store::pb::event::Body;
use crate::store::{KeySpan, Store, StoreError};

/// Generations kept in memory once they were read, and for how long after somebody asked.
const READ: usize = 3;
const HELD_FOR: Duration = Duration::from_mins(10);

/// A generation that was read.
#[derive(Debug)]
pub struct Held {
    /// What the ledger tells of it.
    pub told: Generation,
    /// Its lists. Its people's dossiers are those of today, for their references alone: see [`Rescoring::dossier`].
    pub standings: Arc<Standings>,
    /// Victims that were repeat victims.
    repeats: BTreeMap<SubjectId, Vec<PastRepeat>>,
    /// Whom it does not show, because their processing was restricted by the time it was read.
    restricted: Arc<BTreeSet<SubjectId>>,
}

/// Generations read lately.
#[derive(Debug, Default)]
pub struct Cache {
    held: Mutex<Vec<(Instant, Arc<Held>)>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Cache {
    /// A generation as read, if it shows nobody who is restricted by now.
    fn find(&self, number: u64, restricted: &BTreeSet<SubjectId>) -> Option<Arc<Held>> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let place = held.iter().position(|(_, held)| held.told.number == number)?;
        let (_, found) = held.remove(place);
        if *found.restricted != *restricted {
            return None;
        }
        held.push((Instant::now(), Arc::clone(&found)));
        Some(found)
    }

    /// Lets go of what nobody has asked for in a while.
    pub fn tend(&self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|(used, _)| used.elapsed() < HELD_FOR);
    }

    /// Lets go of all that was read.
    pub fn forget(&self) {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn keep(&self, read: &Arc<Held>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if held.len() == READ {
            held.remove(0);
        }
        held.push((Instant::now(), Arc::clone(read)));
    }
}

impl Rescoring {
    /// Generations, the newest first, each with whether it can be read back; a page at a time. Blocks.
    ///
    /// # Errors
    /// Faults of the token, or [`Fault::Internal`] where the archive cannot be listed.
    pub fn page_of_generations(
        &self,
        caller: &Caller,
        token: &str,
        size: usize,
    ) -> Result<(Vec<(Generation, bool)>, String), Fault> {
        let kept = self.0.archive.generations().map_err(|fault| failed(&fault))?;
        let runs = self.0.service.board.runs();
        let all = runs.generations().iter().rev().map(|told| (told.number, told.clone()));
        let (page, next) = self.page_of(caller, "ListGenerations", token, size, all)?;
        let kept = |told: Generation| {
            let kept = kept.binary_search(&told.number).is_ok();
            (told, kept)
        };
        Ok((page.into_iter().map(kept).collect(), next))
    }

    /// A generation, read back.
    ///
    /// # Errors
    /// [`Fault::UnknownGeneration`], [`Fault::GenerationNotKept`], or [`Fault::Internal`] where it is damaged.
    pub async fn generation(&self, number: u64) -> Result<Arc<Held>, Fault> {
        let service = &self.0.service;
        let told = service.board.runs().generation(number).cloned().ok_or(Fault::UnknownGeneration)?;
        if let Some(held) = self.0.read.find(number, &service.board.restricted()) {
            return Ok(held);
        }
        let newest = service.standings(Seen::new(0, "")).await?;
        let rescoring = self.clone();
        // One at a time: whoever waited may find it read.
        let turn = Arc::clone(&self.0.read.turn).lock_owned().await;
        let permit = Arc::clone(&service.blocking).acquire_owned().await.map_err(|_| Fault::ShuttingDown)?;
        if let Some(held) = self.0.read.find(number, &service.board.restricted()) {
            return Ok(held);
        }
        let read = tokio::task::spawn_blocking(move || {
            // Held until the end, though whoever asked may be gone by then: the next one finds it read.
            let _held = (turn, permit);
            let told = rescoring.blanked(told, &newest)?;
            let held = Arc::new(rescoring.read(told, &newest)?);
            rescoring.0.read.keep(&held);
            Ok(held)
        });
        read.await.map_err(|_| Fault::Internal)?
    }

    /// A page of a list of a generation, of those whom the caller may see as they stood then. In full: with the dossiers
    /// that explain it.
    ///
    /// # Errors
    /// As [`generation`](Self::generation), [`Fault::OutOfScope`], and faults of the token.
    pub async fn page(
        &self,
        caller: &Caller,
        asked: &PageOf,
        number: u64,
        full: bool,
        seen: Seen<'_>,
    ) -> Result<Disclosure<Reading<TokenedPage>>, Fault> {
        let service = &self.0.service;
        // Whoever waits for a revision waits for what it may have published, too.
        let newest = service.standings(seen).await?;
        let sight = Service::sight_of(caller, &newest, asked.list)?;
        let held = self.generation(number).await?;
        let start = service.paging.open_generation(number, caller, asked)?;
        let page = held.standings.page(asked.list, &asked.filter, &sight, start, asked.size);
        let size = held.standings.size_in(asked.list, &sight);
        let next = page.next.map(|cursor| service.paging.next_of_generation(number, cursor, caller, asked));
        let subjects: Vec<SubjectId> = page.rows.iter().map(|placed| placed.subject).collect();
        let mut standings = Arc::clone(&held.standings);
        if full {
            let (rescoring, of, subjects) = (self.clone(), Arc::clone(&held), subjects.clone());
            let permit = Arc::clone(&service.blocking).acquire_owned().await.map_err(|_| Fault::ShuttingDown)?;
            let read = tokio::task::spawn_blocking(move || {
                let _permit = permit;
                rescoring.explained(&of, &subjects)
            });
            standings = Arc::new(read.await.map_err(|_| Fault::Internal)??);
        }
        Ok(Disclosure { answer: Reading { standings, found: TokenedPage { page, next, size } }, subjects })
    }

    fn read(&self, told: Generation, newest: &Standings) -> Result<Held, Fault> {
        let people = self.people(&told, newest)?;
        let rules = self.rules(&told)?;
        let restricted = self.0.service.board.restricted();
        let mut repeats = BTreeMap::new();
        let mut rows = Vec::with_capacity(people.len());
        for (index, past) in people.into_iter().enumerate() {
            let subject = SubjectId(u32::try_from(index).map_err(|_| Fault::Internal)?);
            // Whoever was weighed is held for ever.
            let dossier = newest.dossier(subject).ok_or(Fault::Internal)?;
            let erased = dossier.is_erased();
            if !past.repeats.is_empty() && !erased {
                repeats.insert(subject, past.repeats);
            }
            // Whether the file is blank there yet or not.
            let mut row = if erased { blank_row(&rules, told.as_of, newest.names()) } else { past.row };
            if restricted.contains(&subject) {
                row.lists = Lists::default();
            }
            rows.push((Arc::clone(dossier), row));
        }
        let published = Timestamp::from_microsecond(told.published_micros).map_err(|_| Fault::Internal)?;
        let meta = Meta { revision: told.weighed, as_of: told.as_of, rules, generation: told.number, published };
        let (names, references) = (Arc::clone(newest.names()), Arc::clone(newest.references()));
        Ok(Held { told, standings: Arc::new(Standings::load(meta, names, references, rows)), repeats, restricted })
    }

    pub(super) fn people(&self, told: &Generation, newest: &Standings) -> Result<Vec<Past>, Fault> {
        let kept = self.0.archive.generation(told.number).map_err(|fault| failed(&fault))?;
        let kept = kept.ok_or(Fault::GenerationNotKept)?;
        let names = self.0.service.board.names();
        let raw: Vec<Vec<u8>> =
            (0..kept.frames()).into_par_iter().map(|number| self.frame(&kept, number)).collect::<Result<_, Fault>>()?;
        let damaged = |what: &str| {
            error!(generation = told.number, what, "a generation's file is not what was published");
            Fault::Internal
        };
        let frames: Option<Vec<Vec<Past>>> = raw.par_iter().map(|bytes| frame::decode(bytes, names)).collect();
        let people: Vec<Past> =
            frames.ok_or_else(|| damaged("a frame cannot be read"))?.into_iter().flatten().collect();
        if frame::digest(told.as_of, people.len(), &raw, newest) != told.digest {
            return Err(damaged("its digest is another"));
        }
        Ok(people)
    }

    /// One person in a generation, without reading the others. `None`: they were not held then. Blocks.
    ///
    /// # Errors
    /// As [`generation`](Self::generation).
    pub fn past(&self, number: u64, subject: SubjectId) -> Result<Option<Past>, Fault> {
        let kept = self.0.archive.generation(number).map_err(|fault| failed(&fault))?;
        let kept = kept.ok_or(Fault::GenerationNotKept)?;
        let (frame, place) = (frame_of(subject), subject.index() % frame::TOGETHER);
        if frame >= kept.frames() {
            return Ok(None);
        }
        let bytes = self.frame(&kept, frame)?;
        let people = frame::decode(&bytes, self.0.service.board.names()).ok_or(Fault::Internal)?;
        Ok(people.into_iter().nth(place))
    }

    /// As [`past`](Self::past), of many people; a frame that several of them are in is read once.
    ///
    /// # Errors
    /// As [`past`](Self::past).
    pub fn past_of_many(&self, number: u64, subjects: &[SubjectId]) -> Result<Vec<Option<Past>>, Fault> {
        let kept = self.0.archive.generation(number).map_err(|fault| failed(&fault))?;
        let kept = kept.ok_or(Fault::GenerationNotKept)?;
        let mut wanted: Vec<usize> = (0..subjects.len()).collect();
        wanted.sort_unstable_by_key(|place| subjects[*place]);
        let mut found: Vec<Option<Past>> = vec![None; subjects.len()];
        for together in wanted.chunk_by(|one, other| frame_of(subjects[*one]) == frame_of(subjects[*other])) {
            let number = frame_of(subjects[together[0]]);
            if number >= kept.frames() {
                break;
            }
            let bytes = self.frame(&kept, number)?;
            let people = frame::decode(&bytes, self.0.service.board.names()).ok_or(Fault::Internal)?;
            for place in together {
                found[*place] = people.get(subjects[*place].index() % frame::TOGETHER).cloned();
            }
        }
        Ok(found)
    }

    /// A frame of a generation, opened where it is sealed.
    pub(super) fn frame(&self, kept: &Kept, number: usize) -> Result<Vec<u8>, Fault> {
        let keys = self.0.service.store.keys().map(|keys| &**keys);
        kept.frame(number).and_then(|bytes| sealed::opened(keys, number, bytes)).map_err(|fault| failed(&fault))
    }

    /// The rules that a generation was weighed under: those of the text in the ledger with its digest.
    pub(super) fn rules(&self, told: &Generation) -> Result<Arc<Rules>, Fault> {
        let service = &self.0.service;
        if let Some(standings) = service.board.standings()
            && standings.rules().policy.version == *told.policy_version
        {
            return Ok(Arc::clone(standings.rules()));
        }
        let store = &*service.store;
        let text = policy_before(store, told.published).map_err(|fault| failed(&fault))?.ok_or(Fault::Internal)?;
        let policy = Policy::parse(&text).map_err(|_| {
            error!(generation = told.number, policy = %told.policy_version, "its policy does not validate any more");
            Fault::Internal
        })?;
        let catalogue = Catalogue::new(reference::tables(), &policy);
        Ok(Arc::new(Rules { policy, catalogue }))
    }

    /// The dossier of a person as a generation was weighed from it. Blocks.
    ///
    /// # Errors
    /// [`Fault::ReadOnly`] or [`Fault::Internal`] where the ledger cannot be read.
    pub fn dossier(&self, held: &Held, subject: SubjectId) -> Result<Option<Dossier>, Fault> {
        let empty = Vec::new();
        let repeats = held.repeats.get(&subject).unwrap_or(&empty);
        dossier_at(&*self.0.service.store, subject, held.told.weighed, repeats)
    }

    /// The lists of a generation, with these people's dossiers as it was weighed from them: so that it can be explained
    /// why they stood where they did. Blocks.
    ///
    /// # Errors
    /// As [`dossier`](Self::dossier).
    pub fn explained(&self, held: &Held, subjects: &[SubjectId]) -> Result<Standings, Fault> {
        let mut changes = Vec::with_capacity(subjects.len());
        for subject in subjects {
            let (Some(row), Some(dossier)) = (held.standings.row(*subject), self.dossier(held, *subject)?) else {
                continue;
            };
            changes.push(Change { subject: *subject, dossier: Arc::new(dossier), row: row.clone() });
        }
        Ok(held.standings.with(&changes, held.standings.meta().clone()))
    }
}

/// The row of somebody who was erased, as everybody's who is.
pub(super) fn blank_row(rules: &Rules, as_of: Date, names: &Names) -> Row {
    let erased = Dossier::erased(Revision(0));
    Row::new(&erased, &scorer::weigh_or_unknown(&erased, rules, as_of), rules, as_of, names)
}

/// Revision at which the last policy came into force that was by a revision.
pub fn last_policy(store: &dyn Store, through: Revision) -> Result<Option<Revision>, StoreError> {
    let mut last = None;
    for entry in store.scan(&KeySpan::kind_index(event_kind::POLICY_ACTIVATED, Revision(0), through)) {
        last = entry?.0.revision();
    }
    Ok(last)
}

/// Text of the last policy that was in force by a revision.
pub fn policy_before(store: &dyn Store, through: Revision) -> Result<Option<String>, StoreError> {
    let Some(revision) = last_policy(store, through)? else { return Ok(None) };
    let event = store.event(revision)?.ok_or(StoreError::MissingEvent { revision })?;
    Ok(match event.body {
        Some(Body::PolicyActivated(activated)) => Some(activated.text),
        Some(_) | None => None,
    })
}

/// The dossier of a person at a revision, with the repeat victims that were known then. `None`: they were not held.
///
/// # Errors
/// [`Fault::ReadOnly`] or [`Fault::Internal`] where the ledger cannot be read.
pub fn dossier_at(
    store: &dyn Store,
    subject: SubjectId,
    through: Revision,
    repeats: &[PastRepeat],
) -> Result<Option<Dossier>, Fault> {
    let dossier = shown_at(store, subject, through).map_err(|fault| match fault {
        BuildError::Store(fault) => failed(&fault),
        BuildError::View(_) | BuildError::Unreadable(_) => {
            error!(fault = %fault, "a dossier of the past could not be read");
            Fault::Internal
        }
    })?;
    Ok(dossier.map(|dossier| repeating(&dossier, repeats)))
}

/// A dossier with the repeat victims that it was published with.
pub(super) fn repeating(dossier: &Dossier, repeats: &[PastRepeat]) -> Dossier {
    let find = |mark: u32| dossier.offences().find(|offence| frame::mark(offence.id) == mark);
    let repeat = |past: &PastRepeat| {
        let offence = find(past.offence)?;
        Some(Repeat { offence_id: offence.id.into(), dates: past.dates.clone().into_boxed_slice() })
    };
    dossier.with_repeats(repeats.iter().filter_map(repeat).collect())
}

/// What is said of a store or an archive that cannot be read.
pub fn failed(fault: &StoreError) -> Fault {
    if let StoreError::Full = fault {
        return Fault::ReadOnly;
    }
    error!(fault = %fault, "a generation or the ledger behind it could not be read");
    Fault::Internal
}

/// The frame of a generation that somebody is in.
fn frame_of(subject: SubjectId) -> usize {
    subject.index() / frame::TOGETHER
}
