//! What an evaluation cannot say, in sentences that go wherever its numbers go.

use super::terms::Terms;
use crate::pb;

/// The sentences.
pub fn of(evaluation: &pb::Evaluation, terms: &Terms) -> Vec<String> {
    let mut limits = vec![
        "No outcome data for the United Kingdom is public: that this policy forecasts well for this force is shown by this \
         force's own records or not at all."
            .to_owned(),
        "What somebody did and nobody recorded counts as nothing done. Where some people are watched more than others, more \
         of what they do is recorded, and every number here inherits that."
            .to_owned(),
        "Who was selected was also managed: where management works, those ranked highest offend less than they would have, \
         and the order looks worse than it is."
            .to_owned(),
        "Positions are held against offending, not against threat, risk and harm as such: a person may rightly stand high \
         for what they could do."
            .to_owned(),
    ];
    if evaluation.outcomes_sent {
        limits.push(
            "Outcomes are those of the file that was sent: what it counts, and how, is not known here.".to_owned(),
        );
    } else {
        limits.push(format!(
            "An outcome is an offence in the {} days after the index date with a proof of at least {:.0} %, as today's \
             records have it: cases that are not decided yet may still change it, and late ones are missing from the last \
             index dates more than from the first.",
            terms.follow_up,
            terms.least_proof * 100.0
        ));
        limits.push(
            "Nobody is taken out of the follow-up for time spent in custody or for having moved away or died: they count as \
             people who did nothing."
                .to_owned(),
        );
    }
    let left_out = evaluation.dates.iter().map(|date| date.records_not_known_yet).max().unwrap_or(0);
    if left_out > 0 {
        limits.push(
            "A source that sends only the latest version of a record hides the earlier ones: what it changed after an index \
             date was left out of that date, though something of it was known."
                .to_owned(),
        );
    }
    if terms.known_by == pb::KnownBy::Source {
        limits.push(
            "When a record was known is what its source states. Merging and withdrawing count from when they were done here."
                .to_owned(),
        );
    }
    let with = evaluation.dates.iter().map(|date| date.with_outcome).min().unwrap_or(0);
    if with < 100 {
        limits.push(format!(
            "On one index date only {with} people have the outcome: intervals are wide, and much here is inconclusive."
        ));
    }
    let erased = evaluation.dates.iter().map(|date| date.people_erased).max().unwrap_or(0);
    if erased > 0 {
        limits.push(format!("{erased} people were erased since and are in no number here."));
    }
    if !evaluation.fairness.is_empty() {
        limits.push(
            "Where groups differ in how often the outcome is recorded, a score cannot be calibrated in every group and make \
             the same errors in every group at once. Which of them matters is for the force to declare, and is not settled by \
             any number here. Groups are of the last index date."
                .to_owned(),
        );
    }
    if evaluation.before_after.is_some() {
        limits.push(
            "Before and after are compared with candidates who were alike in what is recorded. What decided their selection \
             beyond that, and is recorded nowhere, may be what made the difference."
                .to_owned(),
        );
    }
    if terms.compared.is_some() || evaluation.orders.len() > 1 {
        limits.push(
            "Many differences are tested side by side, each at 95 %: of twenty that are nothing, one looks like something."
                .to_owned(),
        );
    }
    limits
}
