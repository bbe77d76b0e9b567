//! A policy tried on the lists as they stand: who would change band, who would
//! enter the top of a list, how many would stand in each band. Everybody is
//! weighed under it and put into order; nothing is published, kept or changed.

use std::sync::Arc;

use tracing::error;

use super::read::changes_to;
use crate::access::{Caller, Disclosure, Permission};
use crate::domain::SubjectId;
use crate::domain::word::{Band, List};
use crate::pb;
use crate::policy::Policy;
use crate::ranking::key::Key;
use crate::ranking::{Row, Standings};
use crate::scoring::Rules;
use crate::scoring::harm::Catalogue;
use crate::service::fault::Fault;
use crate::service::keeping::step_back;
use crate::service::weighing;
use crate::service::{Seen, Service};

/// What is to be tried.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The list.
    pub list: List,
    /// How many from the top count as the top.
    pub top: usize,
    /// Most people told of each kind.
    pub limit: usize,
}

impl Service {
    /// Tries a policy.
    ///
    /// # Errors
    /// [`Fault::OutOfScope`] for a list that is not the caller's to read, and for a caller who does not see the whole force;
    /// [`Fault::UnknownPolicy`], everything wrong with a text, [`Fault::SimulationRunning`], and as
    /// [`standings`](Self::standings).
    pub async fn simulate_policy(
        &self,
        caller: &Caller,
        asked: &pb::SimulatePolicyRequest,
        trial: Trial,
    ) -> Result<Disclosure<pb::SimulatePolicyResponse>, Fault> {
        let standings = self.standings(Seen::new(asked.min_revision, &asked.store)).await?;
        let sight = Self::sight_of(caller, &standings, trial.list)?;
        // Sums are of the whole list, so they are for those alone who may see every area.
        if caller.scope().areas().is_some() {
            return Err(Fault::OutOfScope);
        }
        let policies = self.policies();
        let text: Arc<str> = match &asked.policy {
            Some(pb::simulate_policy_request::Policy::Version(version)) => {
                Arc::clone(&policies.get(version).ok_or(Fault::UnknownPolicy)?.text)
            }
            Some(pb::simulate_policy_request::Policy::Text(text)) => text.as_str().into(),
            None => return Err(Fault::field("policy", "REQUIRED", "policy is required: a version or a text")),
        };
        let policy = Policy::parse(&text).map_err(|faults| Fault::Invalid(super::read::violations(&faults)))?;
        let permit = Arc::clone(&self.simulating).try_acquire_owned().map_err(|_| Fault::SimulationRunning)?;
        let version = policy.version.clone();
        let list = trial.list;
        let (tried, top) = (Arc::clone(&standings), trial.top);
        let simulated = tokio::task::spawn_blocking(move || {
            // Held until the end, though whoever asked may be gone by then.
            let _permit = permit;
            // On threads of its own: the writer weighs on the others, and must not wait for a trial.
            let pool = rayon::ThreadPoolBuilder::new().start_handler(|_| step_back()).build();
            let catalogue = Catalogue::new(crate::reference::tables(), &policy);
            let rules = Rules { policy, catalogue };
            pool.map(|pool| pool.install(|| Simulated::of(&tried, &rules, &trial)))
        });
        let simulated = simulated.await.map_err(|_| Fault::Internal)?.map_err(|error| {
            error!(error = %error, "the threads of a trial could not be started");
            Fault::Internal
        })?;
        // People are named to those alone who may read of them.
        let named = |subject: &SubjectId| {
            caller.may(Permission::ReadLists) && standings.row(*subject).is_some_and(|row| sight.sees(row))
        };
        let subjects = simulated.told().into_iter().filter(named).collect();
        let moves = |subjects: &[SubjectId]| {
            subjects.iter().filter(|it| named(it)).map(|it| simulated.told_of(&standings, *it)).collect()
        };
        let mut answer = pb::SimulatePolicyResponse {
            context: Some(self.context(&standings)),
            version,
            list: list.proto().into(),
            top_n: number(top),
            list_size_before: simulated.sizes[0],
            list_size_after: simulated.sizes[1],
            bands: simulated.bands(),
            flows: simulated.flows(),
            changed_total: simulated.changed.total,
            changed: moves(&simulated.changed.first),
            entered_top_total: simulated.entered_top.total,
            entered_top: moves(&simulated.entered_top.first),
            left_top_total: simulated.left_top.total,
            left_top: moves(&simulated.left_top.first),
            changes: changes_to(policies.in_force(), &text),
            simulation_id: String::new(),
        };
        if let Some(pb::simulate_policy_request::Policy::Version(version)) = &asked.policy {
            let digest = blake3::hash(text.as_bytes());
            answer.simulation_id = self.kept.simulated(version, &digest.to_hex(), &answer, (self.now)());
        }
        Ok(Disclosure { answer, subjects })
    }
}

/// Where a person stands.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Effective band; `None`: not on the list.
    band: Option<Band>,
    /// Composite in milli-points.
    composite: u32,
    /// Position from 1; 0: not on the list.
    position: u32,
}

/// Some people: how many, and the first of them.
#[derive(Clone, Debug)]
struct SomePeople {
    total: u32,
    first: Vec<SubjectId>,
}

/// A list before and after.
struct Simulated {
    /// By subject.
    before: Vec<Place>,
    /// By subject.
    after: Vec<Place>,
    /// People on the list, before and after.
    sizes: [u32; 2],
    /// People by where they go from and to: not on the list first, then from LOW up.
    matrix: [[u32; 5]; 5],
    changed: SomePeople,
    entered_top: SomePeople,
    left_top: SomePeople,
}

impl Simulated {
    fn of(standings: &Standings, rules: &Rules, trial: &Trial) -> Self {
        let (list, family) = (trial.list, trial.list.family());
        let mut before = vec![Place::default(); standings.subjects()];
        let mut after = before.clone();
        let order: Vec<SubjectId> = standings.people(list).collect();
        for (place, subject) in before.iter_mut().zip((0..).map(SubjectId)) {
            let Some(row) = standings.row(subject) else { continue };
            let composed = row.composed(family);
            let band = row.lists.holds(list).then_some(composed.effective);
            *place = Place { band, composite: composed.point.get(), position: 0 };
        }
        number_places(&mut before, &order);
        let names = standings.names();
        let weighed = weighing::weighed(standings, rules, |subject, dossier, weighed| {
            let row = Row::new(dossier, weighed, rules, standings.as_of(), names);
            let key = row.lists.holds(list).then(|| Key::of(&row, family, subject));
            // Of those on the list neither way nothing is kept.
            (key.is_some() || standings.row(subject)?.lists.holds(list))
                .then(|| (subject, key, row.composed(family).effective, row.composed(family).point.get()))
        });
        let mut keys = Vec::new();
        for (subject, key, band, composite) in weighed {
            after[subject.index()] = Place { band: key.map(|_| band), composite, position: 0 };
            keys.extend(key);
        }
        Key::sort(&mut keys, standings);
        let order_after: Vec<SubjectId> = keys.into_iter().map(Key::subject).collect();
        number_places(&mut after, &order_after);

        let mut matrix = [[0; 5]; 5];
        for (before, after) in before.iter().zip(&after) {
            matrix[row_of(before.band)][row_of(after.band)] += 1;
        }
        let band = |places: &[Place], subject: &SubjectId| places[subject.index()].band;
        let in_top = |places: &[Place], subject: &SubjectId| {
            (1..=trial.top).contains(&(places[subject.index()].position as usize))
        };
        let kept = order_after.iter().filter(|it| band(&before, it) != band(&after, it));
        let changed = kept.chain(order.iter().filter(|it| band(&after, it).is_none()));
        let entered = order_after.iter().take(trial.top).filter(|it| !in_top(&before, it));
        let left = order.iter().take(trial.top).filter(|it| !in_top(&after, it));
        Self {
            changed: SomePeople::of(changed, trial.limit),
            entered_top: SomePeople::of(entered, trial.limit),
            left_top: SomePeople::of(left, trial.limit),
            sizes: [number(order.len()), number(order_after.len())],
            matrix,
            before,
            after,
        }
    }

    /// Everybody told of.
    fn told(&self) -> Vec<SubjectId> {
        [&self.changed, &self.entered_top, &self.left_top].iter().flat_map(|some| some.first.iter().copied()).collect()
    }

    fn told_of(&self, standings: &Standings, subject: SubjectId) -> pb::SimulatedMove {
        let (before, after) = (self.before[subject.index()], self.after[subject.index()]);
        pb::SimulatedMove {
            subject_ref: standings.dossier(subject).map_or("", |dossier| dossier.subject_ref()).to_owned(),
            from_band: number_of(before.band),
            to_band: number_of(after.band),
            from_composite: before.composite,
            to_composite: after.composite,
            from_position: before.position,
            to_position: after.position,
        }
    }

    fn bands(&self) -> Vec<pb::SimulatedBand> {
        let share = |people: u32, of: u32| {
            let share = (u64::from(people) * 10_000).checked_div(u64::from(of)).unwrap_or(0);
            u32::try_from(share).unwrap_or(u32::MAX)
        };
        let told = |band: &Band| {
            let row = row_of(Some(*band));
            let people_before = self.matrix[row].iter().sum();
            let people_after = self.matrix.iter().map(|from| from[row]).sum();
            pb::SimulatedBand {
                band: band.proto().into(),
                people_before,
                share_before: share(people_before, self.sizes[0]),
                people_after,
                share_after: share(people_after, self.sizes[1]),
            }
        };
        Band::ALL.iter().rev().map(told).collect()
    }

    fn flows(&self) -> Vec<pb::BandFlow> {
        let bands = || Band::ALL.iter().rev().copied().map(Some).chain([None]);
        let pairs = bands().flat_map(|from| bands().map(move |to| (from, to))).filter(|(from, to)| from != to);
        let flow = |(from, to): (Option<Band>, Option<Band>)| {
            let people = self.matrix[row_of(from)][row_of(to)];
            (people > 0).then(|| pb::BandFlow { from_band: number_of(from), to_band: number_of(to), people })
        };
        pairs.filter_map(flow).collect()
    }
}

impl SomePeople {
    fn of<'a>(people: impl Iterator<Item = &'a SubjectId>, limit: usize) -> Self {
        let mut some = Self { total: 0, first: Vec::new() };
        for subject in people {
            some.total += 1;
            if some.first.len() < limit {
                some.first.push(*subject);
            }
        }
        some
    }
}

fn number_places(places: &mut [Place], order: &[SubjectId]) {
    for (position, subject) in (1..).zip(order) {
        places[subject.index()].position = position;
    }
}

/// The row of a band in the matrix.
fn row_of(band: Option<Band>) -> usize {
    band.map_or(0, |band| band as usize + 1)
}

fn number_of(band: Option<Band>) -> i32 {
    band.map_or(0, |band| band.proto().into())
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
