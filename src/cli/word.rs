//! Words of the contract as they are typed and spoken: `recall-emergency` on the
//! command line, "recall emergency" in a sentence.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

use crate::domain::word::{
    ActivityKind, ActivityOutcome, Band, CaseAge, Circulation, CloseOutcome, CohortStatus, CustodyState, DecisionKind,
    List, MovementCause, MovementKind, OffenceGroup, OutstandingReason, OverrideScope, Rag, RetentionGround,
    RetentionOutcome, SupervisionClock, SupervisorRank, WarrantCategory,
};
use crate::pb;

/// A closed vocabulary that can be typed.
pub trait Typed: Copy + Send + Sync + 'static {
    /// Every word.
    const WORDS: &'static [Self];
    /// The word's name in the contract without the name of its enum, such as `RECALL_EMERGENCY`.
    fn contract_name(self) -> &'static str;
    /// The word's number in the contract.
    fn number(self) -> i32;
}

macro_rules! typed {
    ($($word:ident $prefix:literal),+ $(,)?) => {$(
        impl Typed for $word {
            const WORDS: &'static [Self] = Self::ALL;
            fn contract_name(self) -> &'static str {
                let name = self.proto().as_str_name();
                name.strip_prefix($prefix).unwrap_or(name)
            }
            fn number(self) -> i32 {
                self.proto() as i32
            }
        }
    )+};
}

typed! {
    List "LIST_",
    Band "BAND_",
    OutstandingReason "OUTSTANDING_REASON_",
    Circulation "CIRCULATION_",
    CohortStatus "COHORT_STATUS_",
    Rag "RAG_",
    CustodyState "CUSTODY_STATE_",
    OffenceGroup "OFFENCE_GROUP_",
    ActivityKind "ACTIVITY_KIND_",
    ActivityOutcome "ACTIVITY_OUTCOME_",
    SupervisorRank "SUPERVISOR_RANK_",
    CloseOutcome "CLOSE_OUTCOME_",
    WarrantCategory "WARRANT_CATEGORY_",
    SupervisionClock "SUPERVISION_CLOCK_",
    CaseAge "CASE_AGE_",
    DecisionKind "DECISION_KIND_",
    OverrideScope "OVERRIDE_SCOPE_",
    MovementKind "MOVEMENT_KIND_",
    MovementCause "MOVEMENT_CAUSE_",
    RetentionGround "RETENTION_GROUND_",
    RetentionOutcome "RETENTION_OUTCOME_",
}

/// As it is typed: `recall-emergency`.
pub fn typed<W: Typed>(word: W) -> String {
    word.contract_name().to_lowercase().replace('_', "-")
}

/// As it is spoken: "recall emergency".
pub fn spoken<W: Typed>(word: W) -> String {
    word.contract_name().to_lowercase().replace('_', " ")
}

/// As it is spoken, by its number in the contract; empty for unspecified or unknown numbers.
pub fn spoken_number<W: Typed>(number: i32) -> String {
    W::WORDS.iter().find(|word| word.number() == number).map_or_else(String::new, |word| spoken(*word))
}

/// Numbers in the contract of words typed.
pub fn numbers<W: Typed>(words: &[W]) -> Vec<i32> {
    words.iter().map(|word| word.number()).collect()
}

/// Number in the contract of a word typed; 0, unspecified, where none was.
pub fn number_or_none<W: Typed>(word: Option<W>) -> i32 {
    word.map_or(0, Typed::number)
}

/// A list's name as headings show it: `BAIL_FAILED`.
pub fn list_name(list: i32) -> &'static str {
    List::from_proto(list).map_or("UNKNOWN LIST", List::contract_name)
}

/// Which component, spoken.
pub const fn component(component: pb::Component) -> &'static str {
    match component {
        pb::Component::Threat => "threat",
        pb::Component::Risk => "risk",
        pb::Component::Harm => "harm",
        pb::Component::Unspecified => "",
    }
}

/// Reads a word as typed, or as the contract writes it, in either case.
pub fn parser<W: Typed>() -> impl TypedValueParser<Value = W> {
    let possible = W::WORDS.iter().map(|word| PossibleValue::new(typed(*word)).alias(word.contract_name()));
    PossibleValuesParser::new(possible).map(|text| {
        let name = text.to_uppercase().replace('-', "_");
        let found = W::WORDS.iter().find(|word| word.contract_name() == name);
        *found.expect("a value that the parser accepted must be a word")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<OutstandingReason> {
        let arg = clap::Arg::new("reason").value_parser(parser::<OutstandingReason>()).ignore_case(true);
        let matches = clap::Command::new("x").no_binary_name(true).arg(arg).try_get_matches_from([text]).ok()?;
        matches.get_one("reason").copied()
    }

    #[test]
    fn a_word_is_read_as_typed_and_as_the_contract_writes_it() {
        for reason in OutstandingReason::ALL {
            assert_eq!(read(&typed(*reason)), Some(*reason));
            assert_eq!(read(reason.contract_name()), Some(*reason));
        }
        assert_eq!(read("Recall-Emergency"), Some(OutstandingReason::RecallEmergency));
        assert_eq!(read("unspecified"), None);
    }

    #[test]
    fn a_number_of_no_word_is_silent() {
        assert_eq!(spoken_number::<Circulation>(0), "");
        assert_eq!(spoken_number::<Circulation>(3), "pnc wanted");
    }
}
