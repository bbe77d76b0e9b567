//! The closed vocabularies of an evaluation in plain words, for the page and for the
//! screen.

use crate::pb;
use crate::pb::{Conclusion, EvaluatedOutcome, FairnessStandard, KnownBy, ScoringInput};
use crate::telling::plain;

/// What came about, as a noun: "an offence".
pub const fn outcome(outcome: EvaluatedOutcome) -> &'static str {
    match outcome {
        EvaluatedOutcome::Unspecified | EvaluatedOutcome::AnyOffence => "an offence of any kind",
        EvaluatedOutcome::ViolentOffence => "a violent offence",
        EvaluatedOutcome::SeriousViolentOffence => "a serious violent offence",
        EvaluatedOutcome::FailedToSurrender => "failing to surrender to bail",
    }
}

/// What kind of offences an outcome is, as a cell of a table.
pub const fn kind(outcome: EvaluatedOutcome) -> &'static str {
    match outcome {
        EvaluatedOutcome::Unspecified | EvaluatedOutcome::AnyOffence => "any",
        EvaluatedOutcome::ViolentOffence => "violent",
        EvaluatedOutcome::SeriousViolentOffence => "serious violent",
        EvaluatedOutcome::FailedToSurrender => "failing to surrender",
    }
}

/// What somebody did in whose case it came about: "offended".
pub const fn did(outcome: EvaluatedOutcome) -> &'static str {
    match outcome {
        EvaluatedOutcome::Unspecified | EvaluatedOutcome::AnyOffence => "offended",
        EvaluatedOutcome::ViolentOffence => "offended violently",
        EvaluatedOutcome::SeriousViolentOffence => "offended with serious violence",
        EvaluatedOutcome::FailedToSurrender => "failed to surrender",
    }
}

/// By which clock a record counted as known.
pub const fn known_by(known_by: KnownBy) -> &'static str {
    match known_by {
        KnownBy::Unspecified | KnownBy::Source => "when its source recorded it",
        KnownBy::Server => "when this server took it in",
    }
}

/// An idea of fairness, in a clause.
pub const fn standard(standard: FairnessStandard) -> &'static str {
    match standard {
        FairnessStandard::Unspecified => "none",
        FairnessStandard::Calibration => "calibration: the same score means the same chance in every group",
        FairnessStandard::EqualFalsePositiveRates => {
            "equal false positive rates: of those who do nothing, the same share is selected in every group"
        }
        FairnessStandard::EqualFalseNegativeRates => {
            "equal false negative rates: of those who go on to offend, the same share is missed in every group"
        }
        FairnessStandard::EqualSelection => "equal selection: the same share of every group is selected",
        FairnessStandard::EqualPredictiveValue => {
            "equal predictive value: of those selected, the same share goes on to offend in every group"
        }
    }
}

/// An input that was left out.
pub const fn input(input: ScoringInput) -> &'static str {
    match input {
        ScoringInput::Unspecified => "nothing",
        ScoringInput::Intelligence => "intelligence",
        ScoringInput::Markers => "markers",
        ScoringInput::Assessments => "assessments",
        ScoringInput::UnprovedAllegations => "unproved allegations",
        ScoringInput::ProactiveOffences => "proactive offences",
        ScoringInput::Breaches => "breaches",
        ScoringInput::RepeatVictims => "repeat victims",
    }
}

/// An order of people, as a row of a table names it.
pub fn order(name: &str, evaluation: &pb::Evaluation) -> String {
    match name {
        "policy" => format!("policy {}", plain(&evaluation.policy_version)),
        "compared" => {
            let version = evaluation.terms.as_ref().map_or("", |terms| terms.compared_version.as_str());
            format!("policy {}", plain(version))
        }
        "threat" => "threat alone".to_owned(),
        "risk" => "risk alone".to_owned(),
        "harm" => "harm alone".to_owned(),
        "random" => "random order".to_owned(),
        "count" => "count of offences".to_owned(),
        "recency" => "most recent offence".to_owned(),
        "prior_harm" => "harm done before".to_owned(),
        "ogrs3" => "OGRS3".to_owned(),
        "force_list" => "the force's own list".to_owned(),
        other => plain(other).replace('_', " "),
    }
}

/// What may be said of the policy where its number less another's is this.
pub const fn than_it(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Higher => "better than it",
        Conclusion::Lower => "worse than it",
        Conclusion::Unspecified | Conclusion::Inconclusive => "inconclusive",
    }
}

/// What may be said of a group's rate beside the reference group's.
pub const fn than_reference(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Higher => "higher",
        Conclusion::Lower => "lower",
        Conclusion::Unspecified | Conclusion::Inconclusive => "inconclusive",
    }
}

/// What a difference in differences says of offending after selection.
pub const fn after_selection(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Higher => "fell less",
        Conclusion::Lower => "fell more",
        Conclusion::Unspecified | Conclusion::Inconclusive => "inconclusive",
    }
}

/// Why a comparison before and after says nothing.
pub fn reason(reason: &str) -> String {
    match reason {
        "INTERVAL_SPANS_ZERO" => "the interval of the difference spans no difference".to_owned(),
        "TOO_FEW_MATCHED" => "too few of those selected have a match".to_owned(),
        "POOR_BALANCE" => "those selected and their matches differ too much".to_owned(),
        "NOT_PARALLEL_BEFORE" => "the two had already moved apart before anybody was selected".to_owned(),
        other => plain(other).to_lowercase().replace('_', " "),
    }
}

/// What is counted before and after, a year at liberty.
pub fn measure(measure: &str) -> String {
    match measure {
        "offences" => "offences".to_owned(),
        "harm_days" => "harm days".to_owned(),
        "cost_gbp" => "cost to society, £".to_owned(),
        other => plain(other).replace('_', " "),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_a_later_release_is_told_as_it_is() {
        let evaluation = pb::Evaluation { policy_version: "thr-2026.2".to_owned(), ..Default::default() };
        assert_eq!(order("policy", &evaluation), "policy thr-2026.2");
        assert_eq!(order("new_order", &evaluation), "new order");
        assert_eq!(reason("OF_A_LATER_RELEASE"), "of a later release");
    }
}
