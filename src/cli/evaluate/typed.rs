//! Words of the terms as they are typed, and their numbers in the contract.

use clap::ValueEnum;

use crate::pb;

/// By which clock a record counts as known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KnownBy {
    /// When its source recorded it.
    Source,
    /// When the server took it in.
    Server,
}

impl KnownBy {
    /// In the contract.
    pub const fn proto(self) -> pb::KnownBy {
        match self {
            Self::Source => pb::KnownBy::Source,
            Self::Server => pb::KnownBy::Server,
        }
    }
}

/// What counts as having happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Outcome {
    /// An offence of any kind.
    Any,
    /// A violent offence.
    Violent,
    /// A violent offence of 365 harm days or more.
    SeriousViolent,
    /// Failing to surrender to bail.
    FailedToSurrender,
}

impl Outcome {
    /// In the contract.
    pub const fn proto(self) -> pb::EvaluatedOutcome {
        match self {
            Self::Any => pb::EvaluatedOutcome::AnyOffence,
            Self::Violent => pb::EvaluatedOutcome::ViolentOffence,
            Self::SeriousViolent => pb::EvaluatedOutcome::SeriousViolentOffence,
            Self::FailedToSurrender => pb::EvaluatedOutcome::FailedToSurrender,
        }
    }
}

/// The idea of fairness that the force holds the policy to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Standard {
    /// The same score means the same chance in every group.
    Calibration,
    /// Of those who do nothing, the same share is selected.
    FalsePositives,
    /// Of those who go on to offend, the same share is missed.
    FalseNegatives,
    /// The same share is selected.
    Selection,
    /// Of those selected, the same share goes on to offend.
    PredictiveValue,
}

impl Standard {
    /// In the contract.
    pub const fn proto(self) -> pb::FairnessStandard {
        match self {
            Self::Calibration => pb::FairnessStandard::Calibration,
            Self::FalsePositives => pb::FairnessStandard::EqualFalsePositiveRates,
            Self::FalseNegatives => pb::FairnessStandard::EqualFalseNegativeRates,
            Self::Selection => pb::FairnessStandard::EqualSelection,
            Self::PredictiveValue => pb::FairnessStandard::EqualPredictiveValue,
        }
    }
}

/// An input that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Input {
    /// Graded intelligence.
    Intelligence,
    /// Warning markers and served notices.
    Markers,
    /// Professional assessments.
    Assessments,
    /// Allegations that were not proved.
    UnprovedAllegations,
    /// Offences found by police activity alone.
    ProactiveOffences,
    /// Breaches of orders and of bail.
    Breaches,
    /// Who is a repeat victim.
    RepeatVictims,
}

impl Input {
    /// In the contract.
    pub const fn proto(self) -> pb::ScoringInput {
        match self {
            Self::Intelligence => pb::ScoringInput::Intelligence,
            Self::Markers => pb::ScoringInput::Markers,
            Self::Assessments => pb::ScoringInput::Assessments,
            Self::UnprovedAllegations => pb::ScoringInput::UnprovedAllegations,
            Self::ProactiveOffences => pb::ScoringInput::ProactiveOffences,
            Self::Breaches => pb::ScoringInput::Breaches,
            Self::RepeatVictims => pb::ScoringInput::RepeatVictims,
        }
    }
}

/// How to print.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    #[default]
    Table,
    /// One page for a browser, which needs nothing beside it.
    Html,
    /// The evaluation in canonical proto JSON.
    Json,
}
