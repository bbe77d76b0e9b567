//! What management records must hold: outstanding files, activity, reviews,
//! decisions. Whether a move is possible at all (is the file open?) is judged
//! by the writer, which knows what is held.

use super::check::Check;
use crate::domain::Date;
use crate::domain::evidence::{Activity, CirculationStep, Decision, FileTerms, OpenPeriod, Outstanding, Review, Span};
use crate::domain::moment::Moment;
use crate::domain::word::{
    ActivityKind, ActivityOutcome, Circulation, CloseOutcome, CohortStatus, DecisionKind, OutstandingReason, Rag,
    SupervisorRank, WarrantCategory,
};
use crate::pb;

/// Most steps of circulation that a file may hold.
pub(super) const MOST_STEPS: usize = 64;
/// Most periods that a file may hold.
pub(super) const MOST_PERIODS: usize = 64;

/// A file on why a person is outstanding.
pub(super) fn outstanding(check: &mut Check, event: &str, stated: &pb::Outstanding) -> Option<Outstanding> {
    let first = check.required_fact("event_date", event);
    let reason = check.word("outstanding.reason", stated.reason, OutstandingReason::from_proto);
    let circulation = check.word_or(
        "outstanding.circulation",
        stated.circulation,
        Circulation::NotCirculated,
        Circulation::from_proto,
    );
    let offence_ids = check.references("outstanding.offence_ids", &stated.offence_ids, 64, 64);
    let area = check.optional_reference("outstanding.area", &stated.area, 32);
    let officer = check.optional_reference("outstanding.officer", &stated.officer, 64);
    let (periods, spans) = periods(check, first, &stated.periods);
    let steps = steps(check, circulation, &stated.circulations);
    let supervisor = check.optional_reference("outstanding.supervisor", &stated.supervisor, 64);
    bail(check, stated.bail.as_ref());
    overseas(check, "outstanding.overseas_convictions", stated.overseas_convictions.as_ref());
    overseas(check, "outstanding.immigration", stated.immigration.as_ref());
    let officers = officers(check, &stated.officer, &stated.officers);
    let mut terms = FileTerms { spans, steps, officers, supervisor, ..FileTerms::default() };
    if let Some(warrant) = &stated.warrant {
        if warrant.category != 0 {
            terms.warrant = check.word("outstanding.warrant.category", warrant.category, WarrantCategory::from_proto);
        }
        terms.issued = check.fact("outstanding.warrant.issued_on", &warrant.issued_on);
        terms.target = check.planned("outstanding.warrant.target_on", &warrant.target_on);
        check.order("outstanding.warrant.target_on", terms.issued, terms.target, "issued_on");
        check.text("outstanding.warrant.court", &warrant.court, 0, 64);
    }
    if let Some(recall) = &stated.recall {
        check.must(
            stated.warrant.is_none(),
            "outstanding.recall",
            "CONTRADICTION",
            "a file is on a warrant or on a recall, not on both",
        );
        terms.notified = check.moment("outstanding.recall.notified_time", recall.notified_time.as_ref());
        terms.target = check.planned("outstanding.recall.target_on", &recall.target_on).or(terms.target);
    }
    Some(Outstanding { reason: reason?, periods, circulation, offence_ids, area, officer, terms: Box::new(terms) })
}

fn periods(check: &mut Check, first: Date, stated: &[pb::OpenPeriod]) -> (Vec<OpenPeriod>, Vec<Span>) {
    let count = u32::try_from(stated.len()).unwrap_or(u32::MAX);
    check.number("outstanding.periods", count, 1, 64);
    let mut periods: Vec<OpenPeriod> = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    for (place, period) in stated.iter().take(MOST_PERIODS).enumerate() {
        let field = |name: &str| format!("outstanding.periods[{place}].{name}");
        let opened = check.required_fact(&field("opened_on"), &period.opened_on);
        let closed_on = check.fact(&field("closed_on"), &period.closed_on);
        check.order(&field("closed_on"), Some(opened), closed_on, "opened_on");
        match periods.last() {
            None => check.must(
                opened == first,
                &field("opened_on"),
                "CONTRADICTION",
                "the first period must open on event_date",
            ),
            Some(OpenPeriod { closed: None, .. }) => {
                check.wrong(&field("opened_on"), "CONTRADICTION", "only the last period may be open");
            }
            Some(OpenPeriod { closed: Some((closed, _)), .. }) => {
                check.order(&field("opened_on"), Some(*closed), Some(opened), "the close before it");
            }
        }
        let closed = match closed_on {
            None => {
                check.must(period.outcome == 0, &field("outcome"), "CONTRADICTION", "an open period has no outcome");
                None
            }
            Some(day) => {
                check.word(&field("outcome"), period.outcome, CloseOutcome::from_proto).map(|outcome| (day, outcome))
            }
        };
        check.optional_reference(&field("closed_by"), &period.closed_by, 64);
        let before = spans.last().and_then(|span| span.closed);
        spans.push(span(check, &field, period, opened, closed.map(|(day, _)| day), before));
        periods.push(OpenPeriod { opened, closed });
    }
    (periods, spans)
}

/// A period in moments: as stated, or as far as the days tell. Never out of order, whatever of it is known to the day alone.
fn span(
    check: &mut Check,
    field: &impl Fn(&str) -> String,
    period: &pb::OpenPeriod,
    opened: Date,
    closed: Option<Date>,
    before: Option<Moment>,
) -> Span {
    let mut moment = |name: &str, stated: Option<&pbjson_types::Timestamp>, day: Date| match stated {
        Some(_) => check.moment_on(&field(name), stated, day),
        None => Moment::in_day(day, check.moment),
    };
    let start = moment("opened_time", period.opened_time.as_ref(), opened);
    let end = closed.map(|day| moment("closed_time", period.closed_time.as_ref(), day));
    if closed.is_none() && period.closed_time.is_some() {
        check.wrong(&field("closed_time"), "CONTRADICTION", "closed_time stands without closed_on");
    }
    let exact = period.opened_time.is_some() && (period.closed_time.is_some() || closed.is_none());
    check.must(
        !exact || end.is_none_or(|end| start <= end),
        &field("closed_time"),
        "DATES_OUT_OF_ORDER",
        "closed_time is before opened_time",
    );
    let opened = if period.opened_time.is_none() { before.map_or(start, |before| start.max(before)) } else { start };
    let opened = end.map_or(opened, |end| if period.opened_time.is_none() { opened.min(end) } else { opened });
    Span { opened, closed: end.map(|end| end.max(opened)) }
}

fn steps(check: &mut Check, last: Circulation, stated: &[pb::CirculationStep]) -> Vec<CirculationStep> {
    if stated.len() > MOST_STEPS {
        let found = stated.len();
        check.wrong(
            "outstanding.circulations",
            "TOO_MANY",
            format!("outstanding.circulations holds {found}; at most {MOST_STEPS} are allowed"),
        );
    }
    let mut steps: Vec<CirculationStep> = Vec::with_capacity(stated.len().min(MOST_STEPS));
    for (place, step) in stated.iter().take(MOST_STEPS).enumerate() {
        let field = |name: &str| format!("outstanding.circulations[{place}].{name}");
        let circulation = check.word(&field("circulation"), step.circulation, Circulation::from_proto);
        let changed = check.moment(&field("changed_time"), step.changed_time.as_ref());
        check.optional_reference(&field("officer"), &step.officer, 64);
        check.optional_reference(&field("system_ref"), &step.system_ref, 64);
        if step.changed_time.is_none() {
            check.wrong(&field("changed_time"), "REQUIRED", "a step of circulation says when it was taken");
        }
        let (Some(circulation), Some(changed)) = (circulation, changed) else { continue };
        if steps.last().is_some_and(|before| before.changed > changed) {
            check.wrong(&field("changed_time"), "DATES_OUT_OF_ORDER", "steps of circulation stand in order of time");
        }
        steps.push(CirculationStep { circulation, changed });
    }
    if let Some(step) = steps.last() {
        check.must(
            step.circulation == last,
            "outstanding.circulation",
            "CONTRADICTION",
            "circulation must be what the last step of circulations says",
        );
    }
    steps
}

fn officers(check: &mut Check, last: &str, stated: &[pb::OfficerStep]) -> Vec<(Moment, Option<Box<str>>)> {
    if stated.len() > MOST_STEPS {
        let found = stated.len();
        check.wrong(
            "outstanding.officers",
            "TOO_MANY",
            format!("outstanding.officers holds {found}; at most {MOST_STEPS} are allowed"),
        );
    }
    let mut officers: Vec<(Moment, Option<Box<str>>)> = Vec::with_capacity(stated.len().min(MOST_STEPS));
    for (place, step) in stated.iter().take(MOST_STEPS).enumerate() {
        let field = |name: &str| format!("outstanding.officers[{place}].{name}");
        let officer = check.optional_reference(&field("officer"), &step.officer, 64);
        let Some(from) = check.moment(&field("from_time"), step.from_time.as_ref()) else {
            let there = step.from_time.is_some();
            check.must(there, &field("from_time"), "REQUIRED", "an officer has the case from some time on");
            continue;
        };
        if officers.last().is_some_and(|(before, _)| *before > from) {
            check.wrong(&field("from_time"), "DATES_OUT_OF_ORDER", "officers stand in order of time");
        }
        officers.push((from, officer));
    }
    if let Some(step) = stated.last() {
        check.must(
            step.officer == last,
            "outstanding.officer",
            "CONTRADICTION",
            "officer must be the last of officers",
        );
    }
    officers
}

fn bail(check: &mut Check, stated: Option<&pb::BailTerms>) {
    let Some(bail) = stated else { return };
    let mut last = check.planned("outstanding.bail.surrender_on", &bail.surrender_on);
    check.text("outstanding.bail.place", &bail.place, 0, 64);
    let many = |check: &mut Check, field: &str, found: usize| {
        check.must(found <= 16, field, "TOO_MANY", &format!("{field} holds {found}; at most 16 are allowed"));
    };
    many(check, "outstanding.bail.extended_to", bail.extended_to.len());
    for (place, text) in bail.extended_to.iter().take(16).enumerate() {
        let field = format!("outstanding.bail.extended_to[{place}]");
        let extended = check.planned(&field, text);
        if text.is_empty() {
            check.wrong(&field, "REQUIRED", "an extension has a day");
        }
        check.order(&field, last, extended, "the day before it");
        last = extended.or(last);
    }
    many(check, "outstanding.bail.conditions", bail.conditions.len());
    for (place, text) in bail.conditions.iter().take(16).enumerate() {
        check.text(&format!("outstanding.bail.conditions[{place}]"), text, 1, 200);
    }
}

fn overseas(check: &mut Check, field: &str, stated: Option<&pb::OverseasCheck>) {
    let Some(stated) = stated else { return };
    let asked = check.fact(&format!("{field}.asked_on"), &stated.asked_on);
    let answered_field = format!("{field}.answered_on");
    let answered = check.fact(&answered_field, &stated.answered_on);
    check.order(&answered_field, asked, answered, "asked_on");
    check.must(
        asked.is_some() || answered.is_none(),
        &answered_field,
        "CONTRADICTION",
        "what was answered must have been asked",
    );
}

/// Something done.
pub(super) fn activity(check: &mut Check, event: &str, stated: &pb::Activity) -> Option<Activity> {
    let day = check.required_fact("event_date", event);
    let kind = check.word("activity.activity_kind", stated.activity_kind, ActivityKind::from_proto);
    let outcome = match stated.outcome {
        0 => None,
        number => check.word("activity.outcome", number, ActivityOutcome::from_proto),
    };
    let officer = check.reference("activity.officer", &stated.officer, 64);
    let done = check.moment_on("activity.done_time", stated.done_time.as_ref(), day);
    check.number("activity.minutes", stated.minutes, 0, 1_440);
    let target = check.optional_reference("activity.target_ref", &stated.target_ref, 64);
    let file = check.optional_reference("activity.outstanding_id", &stated.outstanding_id, 64);
    let victim = check.optional_reference("activity.victim_ref", &stated.victim_ref, 64);
    check.text("activity.note", &stated.note, 0, 2_000);
    let kind = kind?;
    if kind.is_for_cohort() {
        check.must(
            file.is_none(),
            "activity.outstanding_id",
            "CONTRADICTION",
            "an activity of this kind is with a managed nominal and belongs to no file",
        );
    } else {
        check.must(
            file.is_some(),
            "activity.outstanding_id",
            "REQUIRED",
            "activity.outstanding_id is required for this kind of activity",
        );
    }
    let about_victim = kind == ActivityKind::VictimUpdated;
    check.must(
        about_victim == victim.is_some(),
        "activity.victim_ref",
        if about_victim { "REQUIRED" } else { "CONTRADICTION" },
        "activity.victim_ref is required for VICTIM_UPDATED, and stands with no other kind",
    );
    Some(Activity { kind, outcome, done, minutes: stated.minutes, officer, target, file, victim })
}

/// A supervisor's review.
pub(super) fn review(check: &mut Check, event: &str, stated: &pb::Review) -> Option<Review> {
    let day = check.required_fact("event_date", event);
    let file = check.reference("review.outstanding_id", &stated.outstanding_id, 64);
    let officer = check.reference("review.officer", &stated.officer, 64);
    let rank = check.word("review.rank", stated.rank, SupervisorRank::from_proto);
    let reviewed = check.moment_on("review.reviewed_time", stated.reviewed_time.as_ref(), day);
    check.text("review.findings", &stated.findings, 10, 2_000);
    check.text("review.instructions", &stated.instructions, 0, 2_000);
    let next = check.planned("review.next_review_on", &stated.next_review_on);
    check.order("review.next_review_on", Some(day), next, "the day of the review");
    Some(Review { file, officer, rank: rank?, reviewed, next })
}

/// A decision about the cohort.
pub(super) fn decision(check: &mut Check, event: &str, stated: &pb::CohortDecision) -> Option<Decision> {
    let day = check.required_fact("event_date", event);
    let kind = check.word("cohort_decision.decision", stated.decision, DecisionKind::from_proto);
    if stated.status != 0 {
        check.word("cohort_decision.status", stated.status, CohortStatus::from_proto);
    }
    if stated.rag != 0 {
        check.word("cohort_decision.rag", stated.rag, Rag::from_proto);
    }
    check.reference("cohort_decision.officer", &stated.officer, 64);
    check.text("cohort_decision.rationale", &stated.rationale, 10, 2_000);
    check.optional_reference("cohort_decision.panel", &stated.panel, 64);
    check.optional_reference("cohort_decision.offender_manager", &stated.offender_manager, 64);
    check.optional_reference("cohort_decision.area", &stated.area, 32);
    check.number("cohort_decision.minutes", stated.minutes, 0, 10_000);
    let decided = check.moment_on("cohort_decision.decided_time", stated.decided_time.as_ref(), day);
    Some(Decision { kind: kind?, decided })
}
