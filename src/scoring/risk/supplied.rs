//! Predictors that probation computed with more than a police record holds.
//! Where newer than the latest sanction they take the place of ours.

use super::history::{History, is_own};
use super::two_year::Instrument;
use crate::domain::Date;
use crate::domain::dossier::Filed;
use crate::domain::evidence::{Assessment, Finding, Other};
use crate::domain::word::AssessmentKind;

/// A predictor supplied by probation, in force.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Supplied<'a> {
    /// Record id.
    pub id: &'a str,
    /// The day it was made.
    pub made: Date,
    /// Two-year probability.
    pub probability: f64,
}

/// The kind of assessment in which an instrument is supplied.
const fn kind(instrument: Instrument) -> AssessmentKind {
    match instrument {
        Instrument::Arp => AssessmentKind::Arp,
        Instrument::Svrp => AssessmentKind::Svrp,
        Instrument::Vrp => AssessmentKind::Vrp,
    }
}

/// What probation supplied for each of [`Instrument::ALL`].
///
/// Only the newest of an instrument counts; when that has expired there is none, and an older one does not
/// come back. Where no sanction is dated, none can be newer.
pub fn supplied<'a>(others: &'a [Filed], history: &History<'_>, as_of: Date) -> [Option<Supplied<'a>>; 3] {
    let mut newest: [Option<(&Filed, &Assessment, f64)>; 3] = [None; 3];
    for filed in others.iter().filter(|filed| is_own(filed.category)) {
        if let Other::Assessment(assessment) = &filed.kind
            && let Finding::Probability(probability) = assessment.finding
            && let Some(place) = Instrument::ALL.iter().position(|instrument| kind(*instrument) == assessment.kind)
        {
            let order = |filed: &Filed, assessment: &Assessment| (assessment.made, filed.revision);
            let newer = newest[place].is_none_or(|(held, of, _)| order(held, of) < order(filed, assessment));
            if newer {
                newest[place] = Some((filed, assessment, probability));
            }
        }
    }
    newest.map(|newest| {
        let (filed, assessment, probability) = newest?;
        let made = assessment.made.min(as_of);
        let in_force = assessment.expires.is_none_or(|last| as_of <= last);
        let newer = history.latest.is_none_or(|sanction| made > sanction);
        (in_force && newer).then_some(Supplied { id: &filed.id, made, probability })
    })
}
