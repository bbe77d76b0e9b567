//! An explanation in the words of the contract.

use crate::domain::Date;
use crate::domain::evidence::BandOverride;
use crate::domain::word::Family;
use crate::pb;
use crate::policy::Policy;
use crate::scoring::composite::{Contribution, Explanation, Floor};
use crate::scoring::risk::{Reported, Source};
use crate::scoring::{Factor, Gap};

/// A date as the contract writes it; empty for none.
pub fn date(date: Option<Date>) -> String {
    date.map(|date| date.to_string()).unwrap_or_default()
}

/// The detail of a standing.
pub fn detail(
    explanation: Explanation,
    family: Family,
    policy: &Policy,
    reasons: impl Iterator<Item = pb::OutstandingReason>,
) -> pb::StandingDetail {
    let composed = match family {
        Family::Cohort => explanation.weighed.cohort,
        Family::Outstanding => explanation.weighed.outstanding,
    };
    let weights = match family {
        Family::Cohort => policy.composite.cohort,
        Family::Outstanding => policy.composite.outstanding,
    };
    pb::StandingDetail {
        contributions: explanation.contributions.into_iter().map(contribution).collect(),
        predictors: explanation.predictors.into_iter().map(predictor).collect(),
        floors: explanation.floors.into_iter().map(floor).collect(),
        interval: Some(pb::ScoreInterval {
            low: composed.low.get(),
            high: composed.high.get(),
            low_band: composed.low_band.proto().into(),
            high_band: composed.high_band.proto().into(),
        }),
        gaps: explanation.gaps.into_iter().map(gap).collect(),
        r#override: explanation.overridden.map(|(record_id, decision)| overridden(&record_id, &decision)),
        custody_factor: explanation.custody_factor,
        escalating: explanation.escalating,
        reasons: reasons.map(i32::from).collect(),
        weights: vec![weights.threat, weights.risk, weights.harm],
        safeguarding: explanation.safeguarding,
    }
}

fn contribution(contribution: Contribution) -> pb::Contribution {
    pb::Contribution {
        component: contribution.component.proto().into(),
        rule: contribution.rule.to_owned(),
        milli_points: contribution.milli,
        event_date: date(contribution.date),
        evidence_ids: ids(contribution.evidence),
        description: contribution.description,
        factors: contribution.factors.into_iter().map(factor).collect(),
        sensitive: false,
    }
}

fn factor(factor: Factor) -> pb::Factor {
    pb::Factor { name: factor.name.to_owned(), value: factor.value, unit: factor.unit.to_owned() }
}

fn predictor(reported: Reported) -> pb::Predictor {
    let (probability, source, missing) = match reported.value {
        Ok((probability, Source::Computed)) => (probability, pb::PredictorSource::Computed, String::new()),
        Ok((probability, Source::Probation)) => (probability, pb::PredictorSource::Probation, String::new()),
        Err(missing) => (0.0, pb::PredictorSource::Unspecified, missing),
    };
    let band = match reported.band {
        None => pb::PredictorBand::Unspecified,
        Some(0) => pb::PredictorBand::Low,
        Some(1) => pb::PredictorBand::Medium,
        Some(2) => pb::PredictorBand::High,
        Some(_) => pb::PredictorBand::VeryHigh,
    };
    pb::Predictor {
        instrument: reported.instrument.to_owned(),
        probability,
        band: band.into(),
        source: source.into(),
        scored: reported.scored,
        evidence_id: reported.evidence.map(String::from).unwrap_or_default(),
        missing,
    }
}

fn floor(floor: Floor) -> pb::Floor {
    pb::Floor {
        rule: floor.rule.to_owned(),
        band: floor.band.proto().into(),
        evidence_ids: ids(floor.evidence),
        description: floor.description,
        sensitive: false,
    }
}

fn gap(gap: Gap) -> pb::Gap {
    pb::Gap {
        reason: gap.reason.to_owned(),
        description: gap.description,
        evidence_ids: ids(gap.evidence),
        widens_interval: gap.widens,
        sensitive: false,
    }
}

fn overridden(record_id: &str, decision: &BandOverride) -> pb::StandingOverride {
    pb::StandingOverride {
        record_id: record_id.to_owned(),
        band: decision.band.proto().into(),
        officer: decision.officer.to_string(),
        rationale: decision.rationale.to_string(),
        expires_on: decision.expires.to_string(),
        second_officer: decision.second_officer.as_deref().unwrap_or_default().to_owned(),
    }
}

fn ids(ids: Vec<Box<str>>) -> Vec<String> {
    ids.into_iter().map(String::from).collect()
}
