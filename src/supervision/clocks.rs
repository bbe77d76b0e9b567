//! Clocks: since when each runs and when it is due. A change of band never puts
//! a due time off: it is the sooner of the old one and the change plus the new
//! allowance.

use smallvec::SmallVec;

use super::Facts;
use super::count::{self, Run};
use crate::domain::Moment;
use crate::domain::evidence::Outstanding;
use crate::domain::word::{Band, Circulation, OutstandingReason, SupervisionClock, SupervisorRank};
use crate::policy::{Allowance, SupervisionPolicy};

/// One running clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Clock {
    /// What has to happen.
    pub kind: SupervisionClock,
    /// Since when it runs.
    pub since: Moment,
    /// By when it is due.
    pub due: Moment,
}

impl Clock {
    /// Seconds past due; negative: still to go.
    pub fn overdue(&self, now: Moment) -> i64 {
        now - self.due
    }

    /// Elapsed / allowed - 1, in ten-thousandths, rounded down.
    pub fn gap(&self, now: Moment) -> i64 {
        let allowed = (self.due - self.since).max(1);
        self.overdue(now).saturating_mul(10_000).div_euclid(allowed)
    }

    /// Whether it is one of the clocks by which gaps are ordered.
    pub const fn orders(&self) -> bool {
        match self.kind {
            SupervisionClock::Circulation
            | SupervisionClock::Activity
            | SupervisionClock::Review
            | SupervisionClock::Inspector
            | SupervisionClock::ChiefInspector => true,
            SupervisionClock::Execution | SupervisionClock::VictimUpdate => false,
        }
    }
}

/// How the supervision of one file stands, seen from a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supervised {
    /// Its periods.
    pub run: Run,
    /// Where it is circulated.
    pub circulation: Circulation,
    /// When it was first circulated since the run began, where that was written down.
    pub first_circulated: Option<Moment>,
    /// Whether it was circulated at all since the run began.
    pub ever_circulated: bool,
    /// First activity that counts.
    pub first_activity: Option<Moment>,
    /// Last activity that counts.
    pub last_activity: Option<Moment>,
    /// Last review that counts.
    pub last_review: Option<Moment>,
    /// Clocks that run. None of a closed file.
    pub clocks: SmallVec<[Clock; 5]>,
}

/// How the supervision of a file stands, from what had happened up to a moment; `None` where it had not opened by then.
pub fn read(facts: &Facts<'_>, policy: &SupervisionPolicy, upto: Moment) -> Option<Supervised> {
    let run = count::run_of(facts, upto)?;
    let circulated = count::circulated(facts.file, &run, policy, upto);
    let counted = count::activities(facts, &run, policy, upto).filter(|(_, _, why_not)| why_not.is_none());
    let (mut first_activity, mut last_activity) = (None, None);
    for (_, activity, _) in counted {
        first_activity = first_activity.or(Some(activity.done));
        last_activity = Some(activity.done);
    }
    let reviews: SmallVec<[_; 8]> = count::reviews(facts, &run, upto)
        .filter(|(_, _, why_not)| why_not.is_none())
        .map(|(_, review, _)| review)
        .collect();
    let last_review = reviews.last().map(|review| review.reviewed);
    let mut clocks = SmallVec::new();
    if run.closed.is_none() {
        let due = |since: Moment, allowance: &Allowance| due(since, allowance, facts.bands, upto);
        let mut clock = |kind, since, due| clocks.push(Clock { kind, since, due });
        if let Some(since) = circulated.wanting_since {
            clock(SupervisionClock::Circulation, since, due(since, &policy.circulation));
        }
        let since = last_activity.map_or(run.began, |done: Moment| done.max(run.began));
        clock(SupervisionClock::Activity, since, due(since, &policy.activity));
        let since = last_review.map_or(run.began, |reviewed| reviewed.max(run.began));
        let asked = reviews.last().and_then(|review| review.next).map(Moment::end_of);
        let by_policy = due(since, &policy.review);
        clock(SupervisionClock::Review, since, asked.map_or(by_policy, |asked| asked.min(by_policy)));
        for (kind, rank, within) in [
            (SupervisionClock::Inspector, SupervisorRank::Inspector, policy.inspector),
            (SupervisionClock::ChiefInspector, SupervisorRank::ChiefInspector, policy.chief_inspector),
        ] {
            let due = run.began + within;
            let from = due + -policy.escalation_window;
            let looked = reviews.iter().any(|review| review.rank >= rank && review.reviewed >= from);
            if !looked {
                clock(kind, run.began, due);
            }
        }
        if let Some((since, due)) = execution(facts.file, &run, policy) {
            clock(SupervisionClock::Execution, since, due);
        }
    }
    Some(Supervised {
        run,
        circulation: circulated.now,
        first_circulated: circulated.first.filter(|_| circulated.dated),
        ever_circulated: circulated.first.is_some(),
        first_activity,
        last_activity,
        last_review,
        clocks,
    })
}

impl Supervised {
    /// The clock of a kind, if it runs.
    pub fn clock(&self, kind: SupervisionClock) -> Option<&Clock> {
        self.clocks.iter().find(|clock| clock.kind == kind)
    }

    /// Whether nothing of a kind is overdue at a moment.
    pub fn in_time(&self, kind: SupervisionClock, now: Moment) -> bool {
        self.clock(kind).is_none_or(|clock| clock.overdue(now) <= 0)
    }
}

/// When what runs since a moment is due, by the bands from then on up to `upto`. Where none was noted by then, the next one
/// noted holds for the time before it: a file is often told of after it opened. Where none ever was, LOW allows most.
pub fn due(since: Moment, allowance: &Allowance, bands: &[(Moment, Option<Band>)], upto: Moment) -> Moment {
    let later = bands.partition_point(|(from, _)| *from <= since);
    let before = bands[..later].last().and_then(|(_, band)| *band);
    let at = before.or_else(|| bands[later..].iter().find_map(|(_, band)| *band)).unwrap_or(Band::Low);
    let changes = bands[later..].iter().take_while(|(from, _)| *from <= upto);
    let changes = changes.filter_map(|(from, band)| band.map(|band| *from + allowance.of(band)));
    changes.fold(since + allowance.of(at), Moment::min)
}

/// Since when and by when a warrant is to be executed, or one recalled to be back.
fn execution(file: &Outstanding, run: &Run, policy: &SupervisionPolicy) -> Option<(Moment, Moment)> {
    let terms = &file.terms;
    let since = terms.notified.or_else(|| terms.issued.map(|day| Moment::end_of(day).min(run.opened)));
    let since = since.unwrap_or(run.opened);
    let days = match file.reason {
        OutstandingReason::RecallEmergency => Some(policy.emergency_recall_days),
        OutstandingReason::RecallStandard | OutstandingReason::RecallFixedTerm => Some(policy.recall_days),
        OutstandingReason::NamedSuspectNotArrested
        | OutstandingReason::FailedToSurrenderPoliceBail
        | OutstandingReason::BreachedPoliceBailConditions
        | OutstandingReason::FailedToSurrenderCourtBail
        | OutstandingReason::CourtWarrantNotBacked
        | OutstandingReason::CourtWarrantBacked
        | OutstandingReason::FineDefaultWarrant
        | OutstandingReason::BreachWarrant
        | OutstandingReason::Escape
        | OutstandingReason::AbscondFromOpenConditions
        | OutstandingReason::ExtraditionWarrant
        | OutstandingReason::UntracedUnderInvestigation
        | OutstandingReason::NotificationBreach => terms.warrant.map(|category| policy.warrant(category)),
    };
    let due = terms.target.map(Moment::end_of).or_else(|| days.map(|days| Moment::end_of(since.day() + days)))?;
    Some((since, due))
}
