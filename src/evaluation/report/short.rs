//! "In short": what the numbers say, as sentences, and no more than they say. Where a
//! difference is inconclusive the sentence says so in that word.

use maud::{Markup, html};

use super::figures::{Form, interval, share, value};
use super::{measured, words};
use crate::pb;
use crate::pb::Conclusion;
use crate::telling::{count, plain};

/// The sentences in their box.
pub fn short(evaluation: &pb::Evaluation) -> Markup {
    html! {
        section.short aria-labelledby="short" {
            h2 #short { "In short" }
            ul { @for sentence in sentences(evaluation) { li { (sentence) } } }
        }
    }
}

/// What the numbers say.
pub fn sentences(evaluation: &pb::Evaluation) -> Vec<String> {
    let mut told = vec![who(evaluation), pairs(evaluation)];
    told.extend(against(evaluation));
    told.extend(harm(evaluation));
    told.extend(chances(evaluation));
    told.extend(fairness(evaluation));
    told.extend(after(evaluation));
    told.extend(checks(evaluation));
    told
}

fn outcome(evaluation: &pb::Evaluation) -> pb::EvaluatedOutcome {
    evaluation.terms.as_ref().map_or(pb::EvaluatedOutcome::Unspecified, pb::EvaluationTerms::outcome)
}

fn who(evaluation: &pb::Evaluation) -> String {
    let people: u64 = evaluation.dates.iter().map(|date| u64::from(date.people)).sum();
    let with: u64 = evaluation.dates.iter().map(|date| u64::from(date.with_outcome)).sum();
    let did = words::did(outcome(evaluation));
    let days = evaluation.terms.as_ref().map_or(0, |terms| terms.follow_up_days);
    match evaluation.dates.len() {
        0 | 1 => format!("{} people were followed for {} days: {} {did} ({}).", count(people), count(days), count(with), percent(with, people)),
        dates => format!(
            "People were followed for {} days from each of {dates} index dates, {} in all: in {} of these cases the person {did} ({}).",
            count(days),
            count(people),
            count(with),
            percent(with, people)
        ),
    }
    .replace(" ().", ".")
}

fn percent(part: u64, of: u64) -> String {
    // Counts of people are far below where a float would round them.
    share(part as f64, of as f64)
}

fn pairs(evaluation: &pb::Evaluation) -> String {
    let did = words::did(outcome(evaluation));
    let policy = measured(evaluation, "policy").and_then(|measures| measures.auc.as_ref());
    let Some(auc) = value(policy) else {
        return "How well the policy orders people cannot be computed, such as where everybody or nobody had the outcome."
            .to_owned();
    };
    let ends = interval(policy).map_or_else(
        || " (no interval)".to_owned(),
        |(low, high)| format!(" (95 %: {} to {})", hundred(low), hundred(high)),
    );
    format!(
        "Of two people, one who {did} and one who did not, the policy places the first higher in {} of 100 pairs{ends}. \
         A random order does so in 50.",
        hundred(auc)
    )
}

fn hundred(share: f64) -> String {
    Form::Plain(0).number(share * 100.0)
}

/// The policy beside counting offences, the policy that it was compared with, and the force's own list.
fn against(evaluation: &pb::Evaluation) -> Vec<String> {
    let told = ["count", "compared", "force_list"].into_iter().filter_map(|name| {
        let order = evaluation.orders.iter().find(|order| order.name == name)?;
        let called = if name == "count" { "counting offences".to_owned() } else { words::order(name, evaluation) };
        Some(match order.auc_difference.as_ref()?.verdict() {
            Conclusion::Higher => format!("It does better at that than {called}."),
            Conclusion::Lower => format!("It does worse at that than {called}."),
            Conclusion::Unspecified | Conclusion::Inconclusive => {
                format!("Whether it does better at that than {called} is inconclusive.")
            }
        })
    });
    told.collect()
}

fn harm(evaluation: &pb::Evaluation) -> Option<String> {
    let measures = measured(evaluation, "policy")?;
    let captured = value(measures.harm_captured.as_ref())?;
    let capacity = evaluation.terms.as_ref().map_or(0, |terms| terms.capacity);
    let ends = interval(measures.harm_captured.as_ref()).map_or_else(
        || " (no interval)".to_owned(),
        |(low, high)| format!(" (95 %: {} to {})", hundred(low), hundred(high)),
    );
    let lift = value(measures.harm_lift.as_ref()).map_or_else(String::new, |lift| {
        format!(", {} times as much as a random {}", Form::Plain(1).number(lift), count(capacity))
    });
    Some(format!(
        "The first {} people did {} % of all the harm that followed{ends}{lift}.",
        count(capacity),
        hundred(captured)
    ))
}

/// Predictors by what is shown of their chances, each kind in one sentence.
fn chances(evaluation: &pb::Evaluation) -> Vec<String> {
    let (mut low, mut high, mut even, mut unknown) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for it in &evaluation.calibrations {
        let name = plain(&it.instrument);
        let (Some(observed), Some(ends)) = (value(it.observed.as_ref()), interval(it.in_the_large.as_ref())) else {
            unknown.push(name);
            continue;
        };
        let form = Form::PerCent(1);
        let told = format!("{name} expected {} and {} came about", form.value(it.expected), form.value(observed));
        match ends {
            (least, _) if least > 0.0 => low.push(told),
            (_, most) if most < 0.0 => high.push(told),
            _ => even.push(told),
        }
    }
    let kinds = [
        (low, "Predicted chances are too low for these people"),
        (high, "Predicted chances are too high for these people"),
        (even, "Predicted chances and what happened are not shown to differ"),
        (unknown, "Whether predicted chances came true cannot be computed"),
    ];
    let told = kinds.into_iter().filter(|(of, _)| !of.is_empty());
    told.map(|(of, what)| format!("{what}: {}.", of.join("; "))).collect()
}

fn fairness(evaluation: &pb::Evaluation) -> impl Iterator<Item = String> {
    evaluation.fairness.iter().map(|it| {
        let characteristic = plain(&it.characteristic);
        if it.suppressed {
            return format!("Nothing may be told of {characteristic}: its groups are too small.");
        }
        let others = || it.groups.iter().filter(|group| !group.reference);
        let differing: Vec<_> = others()
            // What is withheld of a group is withheld here too, whatever was sent of it.
            .filter(|group| group.people.is_some())
            .filter(|group| matches!(group.declared_verdict(), Conclusion::Higher | Conclusion::Lower))
            .map(|group| plain(&group.group))
            .collect();
        let unsettled = others().count() - differing.len();
        let rest = match unsettled {
            0 => String::new(),
            1 => " For 1 group it is inconclusive or withheld.".to_owned(),
            more => format!(" For {more} groups it is inconclusive or withheld."),
        };
        if differing.is_empty() {
            format!("By the standard of fairness declared, no group by {characteristic} is shown to differ.{rest}")
        } else {
            format!(
                "By the standard of fairness declared, these groups by {characteristic} differ from the one that they are held against: {}.{rest}",
                differing.join(", ")
            )
        }
    })
}

fn after(evaluation: &pb::Evaluation) -> Option<String> {
    let found = evaluation.before_after.as_ref()?;
    Some(match found.verdict() {
        Conclusion::Lower => {
            "After selection into the cohort, offending fell more than that of like candidates who were not selected."
                .to_owned()
        }
        Conclusion::Higher => {
            "After selection into the cohort, offending fell less than that of like candidates who were not selected."
                .to_owned()
        }
        Conclusion::Unspecified | Conclusion::Inconclusive => {
            "Whether selection into the cohort changed offending is inconclusive.".to_owned()
        }
    })
}

fn checks(evaluation: &pb::Evaluation) -> Vec<String> {
    let mut told = vec![if evaluation.leakage.as_ref().is_some_and(|check| check.passed) {
        "The check that nothing of what came later was used held.".to_owned()
    } else {
        "The check that nothing of what came later was used did NOT hold: rely on none of these numbers.".to_owned()
    }];
    let left: Vec<_> = evaluation.drift.iter().filter(|drift| drift.left).map(|drift| plain(&drift.measure)).collect();
    if !left.is_empty() {
        told.push(format!("Outside the bounds set when the policy was approved: {}.", left.join("; ")));
    }
    told
}
