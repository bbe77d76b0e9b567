//! What counts. The same door twice in a week is one visit; a review of one's
//! own work is none; a file that was closed and opened again without the person
//! being found goes on where it was.

use crate::domain::Moment;
use smallvec::SmallVec;

use crate::domain::evidence::{Activity, OpenPeriod, Outstanding, Review, Span};
use crate::domain::word::{ActivityOutcome, Circulation};
use crate::policy::SupervisionPolicy;

use super::Facts;

/// Why a record does not reset its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Discounted {
    /// Its kind is not meaningful in finding the person, by policy.
    NotMeaningful,
    /// The same kind with the same target counted a few days before.
    SameTarget,
    /// The reviewer did some of what the review covers.
    OwnActivity,
    /// The reviewer was the officer in the case.
    OwnCase,
    /// It was done in an earlier period, before the person was found.
    EarlierPeriod,
}

impl Discounted {
    /// In a sentence.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::NotMeaningful => {
                "It is kept, but does not count as activity: by policy its kind is not meaningful in finding the person."
            }
            Self::SameTarget => {
                "It is kept, but does not count as activity: the same was done with the same target within the days that policy allows once."
            }
            Self::OwnActivity => {
                "It is kept, but does not count as a review: the reviewer did some of the activity that it covers."
            }
            Self::OwnCase => "It is kept, but does not count as a review: the reviewer was the officer in the case.",
            Self::EarlierPeriod => "It belongs to an earlier period, which ended with the person being found.",
        }
    }
}

/// The open period that a moment sees, and where its supervision began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Run {
    /// When the clocks began: the opening of the first of the periods between which the person was never found.
    pub began: Moment,
    /// When the latest period opened.
    pub opened: Moment,
    /// When the latest period closed, if it has by then.
    pub closed: Option<Moment>,
}

impl Run {
    /// Whether a moment lies before the run. A file is often opened on the day of the first attempt, after it: what was done
    /// on that day is of the run.
    pub fn is_after(&self, moment: Moment) -> bool {
        moment < self.began && moment.day() < self.began.day()
    }
}

/// Most files of one case that are followed back.
const MOST_CARRIED: usize = 16;

/// When the case of a file began, where it was another file before: one of the same reason that closed without the person
/// being found, no longer before this one opened than policy says.
pub fn carried(
    id: &str,
    file: &Outstanding,
    files: &[(&str, &Outstanding)],
    policy: &SupervisionPolicy,
) -> Option<Moment> {
    let mut began: Option<Moment> = None;
    let mut opened = file.terms.spans.first()?.opened;
    let mut seen: SmallVec<[&str; 4]> = SmallVec::from_iter([id]);
    while seen.len() <= MOST_CARRIED {
        let before = files.iter().filter(|(other, held)| !seen.contains(other) && held.reason == file.reason);
        let ended = before.filter_map(|(other, held)| {
            let closed = |(span, period): (&Span, &OpenPeriod)| {
                let unfound = period.closed.is_some_and(|(_, outcome)| !outcome.is_found());
                span.closed.filter(|closed| unfound && *closed <= opened && opened - *closed <= policy.same_case)
            };
            let closed = held.terms.spans.iter().zip(&held.periods).filter_map(closed).max()?;
            Some((closed, *other, run(held, closed)?.began))
        });
        let Some((_, other, earlier)) = ended.max() else { break };
        seen.push(other);
        began = Some(earlier);
        opened = earlier;
    }
    began
}

/// The run of periods of a file, and of the case that it goes on with.
pub fn run_of(facts: &Facts<'_>, upto: Moment) -> Option<Run> {
    let mut run = run(facts.file, upto)?;
    let first = facts.file.terms.spans.first().map(|span| span.opened);
    if let Some(carried) = facts.carried.filter(|_| first == Some(run.began)) {
        run.began = run.began.min(carried);
    }
    Some(run)
}

/// The run of periods of a file alone, up to a moment; `None` where it had not opened by then.
pub fn run(file: &Outstanding, upto: Moment) -> Option<Run> {
    let mut run: Option<Run> = None;
    let mut found = false;
    for (span, period) in file.terms.spans.iter().zip(&file.periods).filter(|(span, _)| span.opened <= upto) {
        let began = match run {
            Some(before) if !found => before.began,
            Some(_) | None => span.opened,
        };
        let closed = span.closed.filter(|closed| *closed <= upto);
        run = Some(Run { began, opened: span.opened, closed });
        found = closed.is_some() && period.closed.is_some_and(|(_, outcome)| outcome.is_found());
    }
    run
}

/// Where a file was circulated, seen from a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Circulated {
    /// Where, at the moment.
    pub now: Circulation,
    /// When it was first circulated at all since the run began; the run's beginning where it was already, or where nobody
    /// wrote down when.
    pub first: Option<Moment>,
    /// Whether `first` was written down.
    pub dated: bool,
    /// Since when it has not been circulated as policy asks; `None`: it is.
    pub wanting_since: Option<Moment>,
}

/// Where a file was circulated, up to a moment.
pub fn circulated(file: &Outstanding, run: &Run, policy: &SupervisionPolicy, upto: Moment) -> Circulated {
    let stops = |circulation: Circulation| policy.circulated.contains(&circulation);
    if file.terms.steps.is_empty() {
        let now = file.circulation;
        let first = now.is_circulated().then_some(run.began);
        let wanting_since = (!stops(now)).then_some(run.began);
        return Circulated { now, first, dated: false, wanting_since };
    }
    let mut seen =
        Circulated { now: Circulation::NotCirculated, first: None, dated: false, wanting_since: Some(run.began) };
    for step in file.terms.steps.iter().filter(|step| step.changed <= upto) {
        seen.now = step.circulation;
        let changed = step.changed.max(run.began);
        if step.circulation.is_circulated() {
            if seen.first.is_none() {
                seen.first = Some(changed);
                seen.dated = true;
            }
        } else if step.changed < run.began {
            seen.first = None;
            seen.dated = false;
        }
        if stops(step.circulation) {
            seen.wanting_since = None;
        } else if seen.wanting_since.is_none() {
            seen.wanting_since = Some(changed);
        }
    }
    seen
}

/// What was done about a file up to a moment, each with why it does not count, in order of time.
pub fn activities<'a, 'f>(
    facts: &'f Facts<'a>,
    run: &'f Run,
    policy: &'f SupervisionPolicy,
    upto: Moment,
) -> impl Iterator<Item = (&'a str, &'a Activity, Option<Discounted>)> + use<'a, 'f> {
    let mut counted: Vec<&'a Activity> = Vec::new();
    facts.activities.iter().filter(move |(_, activity)| activity.done <= upto).map(move |(id, activity)| {
        let same = |before: &&&Activity| {
            before.kind == activity.kind
                && folded(before.target.as_deref()) == folded(activity.target.as_deref())
                && activity.done - before.done < policy.same_target
        };
        let why_not = if run.is_after(activity.done) {
            Some(Discounted::EarlierPeriod)
        } else if !policy.meaningful.contains(&activity.kind) {
            Some(Discounted::NotMeaningful)
        } else if counted.iter().rev().find(same).is_some() {
            Some(Discounted::SameTarget)
        } else {
            counted.push(activity);
            None
        };
        (*id, *activity, why_not)
    })
}

/// Reviews of a file up to a moment, each with why it does not count, in order of time. A review covers the activity since
/// the last one that counts.
pub fn reviews<'a, 'f>(
    facts: &'f Facts<'a>,
    run: &'f Run,
    upto: Moment,
) -> impl Iterator<Item = (&'a str, &'a Review, Option<Discounted>)> + use<'a, 'f> {
    let mut covered_to = Moment(i64::MIN);
    facts.reviews.iter().filter(move |(_, review)| review.reviewed <= upto).map(move |(id, review)| {
        let own = |(_, activity): &(&str, &Activity)| {
            same_person(&activity.officer, &review.officer)
                && activity.done >= covered_to
                && activity.done <= review.reviewed
                && !run.is_after(activity.done)
        };
        let why_not = if run.is_after(review.reviewed) {
            Some(Discounted::EarlierPeriod)
        } else if facts.file.had_case(&review.officer, covered_to, review.reviewed, same_person) {
            Some(Discounted::OwnCase)
        } else if facts.activities.iter().any(own) {
            Some(Discounted::OwnActivity)
        } else {
            covered_to = review.reviewed;
            None
        };
        (*id, *review, why_not)
    })
}

/// Whether a victim was told by this.
pub fn tells_victim(activity: &Activity, victim: &str) -> bool {
    let reached = matches!(activity.outcome, None | Some(ActivityOutcome::Reached));
    reached && activity.victim.as_deref() == Some(victim)
}

/// A reference as it is compared: another way of writing a door or a name makes no other of it.
fn folded(reference: Option<&str>) -> SmallVec<[char; 32]> {
    let written = reference.unwrap_or_default().chars().filter(|sign| sign.is_alphanumeric());
    written.flat_map(char::to_lowercase).collect()
}

/// Whether two references are of one officer.
fn same_person(one: &str, other: &str) -> bool {
    one == other || folded(Some(one)) == folded(Some(other))
}
