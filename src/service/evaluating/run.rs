//! One evaluation from the ledger to the report: reads it once, sits on each
//! index date in turn, and has what it finds measured.

use std::sync::Arc;

use jiff::Timestamp;
use prost::Message;
use tokio::sync::mpsc;
use tracing::error;

use super::known::{Known, Reading};
use super::leakage::{WeighedAgain, weigh_again};
use super::people::{Order, Person, Scoring, without};
use super::tables::Tables;
use super::terms::{CAPACITY, Days, Terms};
use super::{Evaluating, after_selection, drift, fairness, limits, measured, stability};
use crate::domain::dossier::Dossier;
use crate::domain::{Date, Moment, SubjectId};
use crate::pb;
use crate::ranking::Standings;
use crate::reference;
use crate::scoring::Rules;
use crate::scoring::harm::Catalogue;
use crate::service::fault::Fault;
use crate::service::keeping::step_back;
use crate::service::policies::Approval;
use crate::service::timestamp;
use crate::store::Store;

/// About how many people are weighed again by another way.
const SAMPLED: usize = 200;

/// An evaluation that is being made.
pub struct Run<'a> {
    /// The ledger.
    pub store: &'a dyn Store,
    /// What outcomes are read from.
    pub now: &'a Standings,
    /// What is asked.
    pub terms: Terms,
    /// Tables that were sent.
    pub tables: Tables,
    /// What the policy was approved with.
    pub approved: Option<Arc<Approval>>,
    /// What the standings say of themselves.
    pub context: pb::ReadContext,
    /// When it is made.
    pub made: Timestamp,
    /// Told how far it is.
    pub tell: &'a mpsc::Sender<Evaluating>,
}

/// A day on which some people are scored.
struct Sitting {
    day: Date,
    /// The index date that it belongs to.
    of: usize,
    /// `None`: everybody.
    people: Option<Vec<SubjectId>>,
}

/// Everybody on one index date.
#[derive(Default)]
pub struct Dated {
    /// The day; `None`: each person's own.
    pub day: Option<Date>,
    /// By when records had to be known, microseconds since 1970.
    pub known_micros: Option<i64>,
    /// People on the list.
    pub people: Vec<Person>,
    /// Their order by the policy that is compared with.
    pub compared: Vec<Order>,
    /// On the last date: their order under each variant.
    pub variants: Vec<Vec<Order>>,
    /// Held people who are not on the list.
    pub not_listed: u32,
    /// Versions of records not known by then.
    pub not_known_yet: u64,
}

impl Run<'_> {
    /// Makes the evaluation. Blocks.
    ///
    /// # Errors
    /// [`Fault::ShuttingDown`] once nobody waits any more; [`Fault::Internal`] where the ledger cannot be read.
    pub fn evaluation(&self) -> Result<pb::Evaluation, Fault> {
        // On threads of its own: the writer weighs on the others, and must not wait for an evaluation.
        let pool = rayon::ThreadPoolBuilder::new().start_handler(|_| step_back()).build().map_err(|error| {
            error!(error = %error, "the threads of an evaluation could not be started");
            Fault::Internal
        })?;
        pool.install(|| self.made())
    }

    fn made(&self) -> Result<pb::Evaluation, Fault> {
        let rules = Arc::new(rules_of(&self.terms.policy));
        let compared = self.terms.compared.as_ref().map(|policy| Arc::new(rules_of(policy)));
        let variants = stability::variants(&self.terms, &self.tables, &rules);
        let sittings = self.sittings();
        let instants = sittings.iter().map(|sitting| self.instant(sitting.day)).collect();
        let everybody = self.now.subjects();
        let reading = Reading {
            store: self.store,
            through: self.now.revision(),
            by: self.terms.known_by,
            instants,
            sample_every: u32::try_from((everybody / SAMPLED).max(1)).unwrap_or(u32::MAX),
        };
        let mut known = Known::read(&reading, reference::tables(), Arc::clone(&rules), |done, of| {
            self.told("reading the ledger", done, of)
        })?;
        let scoring = Scoring { rules: &rules, terms: &self.terms, now: self.now };
        let last = sittings.last().map_or(0, |sitting| sitting.of);
        let mut dates: Vec<Dated> = (0..=last).map(|_| Dated::default()).collect();
        let mut again = WeighedAgain::default();
        let mut units = after_selection::Units::default();
        let all = sittings.len() as u64;
        for (number, sitting) in (1..).zip(&sittings) {
            self.told("scoring", number - 1, all)?;
            let (people, absent) = scoring.people(known.state(), sitting.day, sitting.people.as_deref());
            again =
                again.and(weigh_again(&known, &people, &rules, self.terms.list.family(), self.instant(sitting.day)));
            if let Some(window) = self.terms.window {
                units.gather(&people, sitting.day, window, &scoring, &self.tables.costs);
            }
            let date = &mut dates[sitting.of];
            if let Some(other) = &compared {
                known.weigh_by(other);
                date.compared.extend(scoring.orders(known.state(), &people, other, |_| None));
                known.weigh_by(&rules);
            }
            if sitting.of == last {
                self.told("moving the numbers", number - 1, all)?;
                // Sitting by sitting: what is moved, then what is left out.
                date.variants.resize_with(variants.len() + self.terms.without.len(), Vec::new);
                let (moved, left_out) = date.variants.split_at_mut(variants.len());
                stability::weigh(&variants, &scoring, known.state(), &people, moved);
                for (into, input) in left_out.iter_mut().zip(&self.terms.without) {
                    let without = |dossier: &Dossier| without(dossier, &rules, *input);
                    into.extend(scoring.orders(known.state(), &people, &rules, without));
                }
            }
            date.not_listed += absent;
            date.not_known_yet = known.not_known_yet();
            if sitting.people.is_none() {
                date.day = Some(sitting.day);
                date.known_micros = Some(self.instant(sitting.day));
            }
            date.people.extend(people);
            known.advance()?;
        }
        self.told("measuring", 0, 1)?;
        Ok(self.report(&dates, &variants, again, &units))
    }

    fn report(
        &self,
        dates: &[Dated],
        variants: &[stability::Variant],
        again: WeighedAgain,
        units: &after_selection::Units,
    ) -> pb::Evaluation {
        let capacity = self.capacity(dates);
        let measured = measured::measure(dates, capacity, &self.terms);
        let last = dates.last().expect("there must be an index date");
        let fairness = fairness::of(last, capacity, &self.terms, variants.len());
        let mut evaluation = pb::Evaluation {
            id: String::new(),
            policy_version: self.terms.policy.version.clone(),
            policy_digest: blake3::hash(self.terms.text.as_bytes()).to_hex().to_string(),
            engine_version: env!("CARGO_PKG_VERSION").to_owned(),
            context: Some(self.context.clone()),
            time: Some(timestamp(self.made)),
            terms: Some(pb::EvaluationTerms { capacity, ..self.terms.stated.clone() }),
            outcomes_sent: self.terms.sent.is_some(),
            dates: dates.iter().map(|date| self.told_of(date, capacity)).collect(),
            orders: measured.orders,
            calibrations: measured.calibrations,
            stability: stability::told(last, variants, capacity, &self.terms),
            fairness,
            before_after: self.terms.window.map(|window| units.compared(window, &self.tables.costs, &self.terms)),
            leakage: Some(measured::leakage(dates, capacity, &self.terms, again)),
            drift: Vec::new(),
            limits: Vec::new(),
            rows_unused: self.terms.unused,
            proposed_bounds: Vec::new(),
        };
        evaluation.proposed_bounds = drift::proposed(&evaluation);
        if let Some(approved) = &self.approved {
            evaluation.drift = drift::of(&evaluation, &approved.bounds);
        }
        evaluation.limits = limits::of(&evaluation, &self.terms);
        evaluation.id = blake3::hash(&evaluation.encode_to_vec()).to_hex().to_string();
        evaluation
    }

    fn told_of(&self, date: &Dated, capacity: u32) -> pb::EvaluatedDate {
        let count = |holds: fn(&Person) -> bool| number(date.people.iter().filter(|person| holds(person)).count());
        let erased = |subject: u32| self.now.dossier(SubjectId(subject)).is_none_or(|dossier| dossier.is_erased());
        let subjects = u32::try_from(self.now.subjects()).unwrap_or(u32::MAX);
        pb::EvaluatedDate {
            index_date: date.day.map(|day| day.to_string()).unwrap_or_default(),
            known_at: date.known_micros.and_then(|at| Timestamp::from_microsecond(at).ok()).map(timestamp),
            people: number(date.people.len()),
            with_outcome: count(|person| person.after.outcome),
            harm_days: date.people.iter().map(|person| person.after.harm_days).sum(),
            capacity: capacity.min(number(date.people.len())),
            records_not_known_yet: date.not_known_yet,
            people_not_listed: date.not_listed,
            people_erased: number((0..subjects).filter(|subject| erased(*subject)).count()),
            in_custody: count(|person| person.in_custody),
        }
    }

    /// How many people can be managed: as stated, or as many as were.
    fn capacity(&self, dates: &[Dated]) -> u32 {
        let managed = dates.first().map_or(0, |date| date.people.iter().filter(|person| person.managed).count());
        match (self.terms.stated.capacity, number(managed)) {
            (0, 0) => CAPACITY,
            (0, managed) => managed,
            (stated, _) => stated,
        }
    }

    fn sittings(&self) -> Vec<Sitting> {
        match &self.terms.days {
            Days::Everybody(days) => {
                days.iter().enumerate().map(|(of, day)| Sitting { day: *day, of, people: None }).collect()
            }
            Days::Own(days) => {
                days.iter().map(|(day, people)| Sitting { day: *day, of: 0, people: Some(people.clone()) }).collect()
            }
        }
    }

    /// The last microsecond by which a record had to be known.
    fn instant(&self, day: Date) -> i64 {
        match self.terms.known_at {
            Some(instant) => instant.as_microsecond(),
            None => Moment::end_of(day).instant().as_microsecond() - 1,
        }
    }

    fn told(&self, phase: &'static str, done: u64, of: u64) -> Result<(), Fault> {
        if self.tell.is_closed() {
            return Err(Fault::ShuttingDown);
        }
        // Left out where the listener is slow.
        let _ = self.tell.try_send(Evaluating::Progress(phase, done, of));
        Ok(())
    }
}

/// Rules of a policy.
pub fn rules_of(policy: &crate::policy::Policy) -> Rules {
    let catalogue = Catalogue::new(reference::tables(), policy);
    Rules { policy: policy.clone(), catalogue }
}

/// A count in the contract.
pub fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
