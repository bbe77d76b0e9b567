//! Everybody scored on an index date by what was known then, with what the
//! orders that the policy is held against rank by, and with what they went on to
//! do by what is known today.

use rayon::prelude::*;

use super::terms::{Sent, Terms};
use crate::domain::dossier::{Dossier, Filed, OffenceView};
use crate::domain::evidence::Other;
use crate::domain::word::{Band, CustodyState, Family, List};
use crate::domain::{Date, MilliPoints, SubjectId};
use crate::pb;
use crate::ranking::Standings;
use crate::ranking::row::Lists;
use crate::scoring::afterwards::{Stretch, afterwards, harm_before};
use crate::scoring::case::is_own;
use crate::scoring::composite::Weighed;
use crate::scoring::{Case, Rules, risk};
use crate::service::scorer;
use crate::service::state::State;

/// ARP, VRP, SVRP and OGRS3, in this order.
pub const INSTRUMENTS: [&str; 4] = ["ARP", "VRP", "SVRP", "OGRS3"];

/// One person on one index date.
#[derive(Clone, Debug)]
pub struct Person {
    /// Who.
    pub subject: SubjectId,
    /// The index date.
    pub day: Date,
    /// Place in the order of the list, but for who is equal in everything: lower is further up.
    pub order: Order,
    /// Threat, risk and harm in milli-points.
    pub components: [u32; 3],
    /// What the predictors say, as published.
    pub predictors: [Option<f64>; 4],
    /// In custody on the day.
    pub in_custody: bool,
    /// Managed on the day.
    pub managed: bool,
    /// On CANDIDATES on the day: could have been selected.
    pub candidate: bool,
    /// Alleged offences, or sanction occasions where totals tell of more.
    pub count: u32,
    /// Day of the latest alleged offence.
    pub latest: Option<Date>,
    /// Unfaded harm days of everything alleged.
    pub prior_harm: f64,
    /// What they went on to do.
    pub after: After,
}

/// Band, composite, harm, threat and risk as one number: ascending is best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Order(u128);

/// What somebody went on to do, as the evaluation counts it.
#[derive(Clone, Copy, Debug, Default)]
pub struct After {
    /// What the terms ask for.
    pub outcome: bool,
    /// An offence of any kind.
    pub any: bool,
    /// A violent one; `None`: not known of anybody.
    pub violent: Option<bool>,
    /// A serious violent one; `None`: not known of anybody.
    pub serious: Option<bool>,
    /// Harm days.
    pub harm_days: f64,
}

impl Order {
    /// The order of a band and of composite, harm, threat and risk in milli-points.
    pub fn new(band: Band, points: [u32; 4]) -> Self {
        let descending = |points: u32| u128::from(100_000_u32.saturating_sub(points));
        let [composite, harm, threat, risk] = points.map(descending);
        let band = u128::from(Band::VeryHigh as u8 - band as u8);
        Self(band << 68 | composite << 51 | harm << 34 | threat << 17 | risk)
    }

    /// The order of a person who was weighed.
    pub fn of(weighed: &Weighed, family: Family) -> Self {
        let composed = weighed.composed(family);
        let points = [composed.point, weighed.harm.point, weighed.threat.point, weighed.risk.point];
        Self::new(composed.effective, points.map(MilliPoints::get))
    }

    /// The band, as a place: 0 for VERY_HIGH to 3 for LOW.
    #[expect(clippy::cast_possible_truncation, reason = "two bits of band stand there")]
    pub const fn band_place(self) -> u8 {
        (self.0 >> 68) as u8
    }
}

/// What people are scored by and held against.
pub struct Scoring<'a> {
    /// Rules of the policy.
    pub rules: &'a Rules,
    /// What is asked.
    pub terms: &'a Terms,
    /// What outcomes are read from.
    pub now: &'a Standings,
}

impl Scoring<'_> {
    fn family(&self) -> Family {
        self.terms.list.family()
    }

    /// Everybody on the list on a day, or those of `some`; in order of subject. With how many held people are not on it.
    pub fn people(&self, state: &State, day: Date, some: Option<&[SubjectId]>) -> (Vec<Person>, u32) {
        let subjects = subjects(state, some);
        let held = subjects.par_iter().filter(|subject| self.is_held(**subject)).count();
        let people: Vec<Person> =
            subjects.into_par_iter().filter_map(|subject| self.person(state, subject, day)).collect();
        let absent = u32::try_from(held.saturating_sub(people.len())).unwrap_or(u32::MAX);
        (people, absent)
    }

    /// Whether a history stands for somebody who is held today.
    fn is_held(&self, subject: SubjectId) -> bool {
        self.now.dossier(subject).is_some_and(|dossier| dossier.stands() && !dossier.is_erased())
    }

    fn person(&self, state: &State, subject: SubjectId, day: Date) -> Option<Person> {
        let sent = match &self.terms.sent {
            Some(sent) => Some(sent.get(&self.stands_by(subject))?),
            None => None,
        };
        let dossier = state.shown(subject);
        if !dossier.stands() || dossier.is_erased() || dossier.record_ids().next().is_none() {
            return None;
        }
        let weighed = scorer::weigh_or_unknown(&dossier, self.rules, day);
        let lists = Lists::of(&dossier, &weighed);
        if !lists.holds(self.terms.list) {
            return None;
        }
        let case = Case::new(&dossier, self.rules, day);
        let (mut count, mut latest) = (0, None);
        for (_, offence, _) in case.allegations() {
            count += 1;
            latest = latest.max(Some(offence.date().min(day)));
        }
        // A source that holds totals holds few of the offences behind them.
        count = count.max(occasions(&dossier));
        Some(Person {
            subject,
            day,
            order: Order::of(&weighed, self.family()),
            components: [weighed.threat, weighed.risk, weighed.harm].map(|scored| scored.point.get()),
            predictors: risk::probabilities(&case),
            in_custody: weighed.custody != CustodyState::AtLiberty,
            candidate: lists.holds(List::Candidates),
            managed: dossier.membership().is_some(),
            count,
            latest,
            prior_harm: harm_before(&dossier, self.rules, day),
            after: self.after(subject, day, sent),
        })
    }

    /// The history that the person stands by today.
    fn stands_by(&self, subject: SubjectId) -> SubjectId {
        self.now.dossier(subject).and_then(|dossier| dossier.stands_by()).unwrap_or(subject)
    }

    /// What somebody went on to do, as today's records have it, or as it was sent.
    fn after(&self, subject: SubjectId, day: Date, sent: Option<&Sent>) -> After {
        if let Some(Sent { any, violent, serious, harm_days }) = sent.copied() {
            let outcome = match self.terms.outcome {
                pb::EvaluatedOutcome::ViolentOffence => violent.unwrap_or(false),
                pb::EvaluatedOutcome::SeriousViolentOffence => serious.unwrap_or(false),
                pb::EvaluatedOutcome::Unspecified
                | pb::EvaluatedOutcome::AnyOffence
                | pb::EvaluatedOutcome::FailedToSurrender => any,
            };
            return After { outcome, any, violent, serious, harm_days };
        }
        let Some(dossier) = self.now.dossier(self.stands_by(subject)) else { return After::default() };
        let stretch = Stretch::after(day, self.terms.follow_up);
        let found = afterwards(dossier, self.rules, stretch, self.terms.least_proof);
        let (any, violent, serious) = (found.offences > 0, found.violent > 0, found.serious > 0);
        let outcome = match self.terms.outcome {
            pb::EvaluatedOutcome::ViolentOffence => violent,
            pb::EvaluatedOutcome::SeriousViolentOffence => serious,
            pb::EvaluatedOutcome::FailedToSurrender => found.failed_to_surrender,
            pb::EvaluatedOutcome::Unspecified | pb::EvaluatedOutcome::AnyOffence => any,
        };
        After { outcome, any, violent: Some(violent), serious: Some(serious), harm_days: found.harm_days }
    }

    /// The order of the same people under other rules, or of other dossiers: who is not on the list by them comes last.
    pub fn orders(
        &self,
        state: &State,
        people: &[Person],
        rules: &Rules,
        change: impl Fn(&Dossier) -> Option<Dossier> + Sync,
    ) -> Vec<Order> {
        let order = |person: &Person| {
            let held = state.shown(person.subject);
            let changed = change(&held);
            let dossier = changed.as_ref().unwrap_or(&held);
            let weighed = scorer::weigh_or_unknown(dossier, rules, person.day);
            Order::of(&weighed, self.family())
        };
        people.par_iter().map(order).collect()
    }
}

/// Sanction occasions by the totals of a criminal history, where there are any.
fn occasions(dossier: &Dossier) -> u32 {
    let of = |filed: &Filed| match &filed.kind {
        Other::SanctionSummary(summary) => summary.occasions,
        Other::Custody(_)
        | Other::Marker(_)
        | Other::Intelligence(_)
        | Other::Assessment(_)
        | Other::Order { .. }
        | Other::Breach(_)
        | Other::Exploitation(_)
        | Other::Outstanding(_)
        | Other::CohortMembership(_)
        | Other::BandOverride(_) => 0,
    };
    dossier.others().iter().filter(|filed| is_own(filed.category)).map(of).max().unwrap_or(0)
}

/// The subjects that are looked at.
fn subjects(state: &State, some: Option<&[SubjectId]>) -> Vec<SubjectId> {
    some.map_or_else(|| (0..state.next_subject().0).map(SubjectId).collect(), <[SubjectId]>::to_vec)
}

/// A dossier without one kind of input; `None` where nothing of it is there.
pub fn without(dossier: &Dossier, rules: &Rules, input: pb::ScoringInput) -> Option<Dossier> {
    let unproved = |offence: &OffenceView<'_>| {
        is_own(offence.category) && rules.catalogue.proof(offence, rules.catalogue.classify(offence.code)) < 1.0
    };
    let without_other = |gone: fn(&Other) -> bool| {
        let any = dossier.others().iter().any(|filed| gone(&filed.kind));
        any.then(|| dossier.keeping(|_| true, |filed| !gone(&filed.kind)))
    };
    match input {
        pb::ScoringInput::Unspecified => None,
        pb::ScoringInput::Intelligence => without_other(|kind| matches!(kind, Other::Intelligence(_))),
        pb::ScoringInput::Markers => without_other(|kind| matches!(kind, Other::Marker(_))),
        pb::ScoringInput::Assessments => without_other(|kind| matches!(kind, Other::Assessment(_))),
        pb::ScoringInput::Breaches => without_other(|kind| matches!(kind, Other::Breach(_))),
        pb::ScoringInput::UnprovedAllegations => {
            dossier.offences().any(|it| unproved(&it)).then(|| dossier.keeping(|it| !unproved(it), |_| true))
        }
        pb::ScoringInput::ProactiveOffences => {
            dossier.offences().any(|it| it.proactive).then(|| dossier.keeping(|it| !it.proactive, |_| true))
        }
        pb::ScoringInput::RepeatVictims => {
            (!dossier.repeats().is_empty()).then(|| dossier.with_repeats(Box::default()))
        }
    }
}
