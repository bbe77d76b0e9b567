//! Words of supervision as a page says them to people, and as an address holds them.
//! What the contract calls `RECALL_EMERGENCY` is an emergency recall to prison here.

use crate::domain::word::{
    ActivityKind, ActivityOutcome, Band, CaseAge, Circulation, CloseOutcome, CohortStatus, DecisionKind,
    OutstandingReason, Rag, SupervisionClock, SupervisorRank, WarrantCategory,
};

/// A closed vocabulary.
pub trait Term: Copy + 'static {
    /// Every word.
    const WORDS: &'static [Self];
    /// The word's name in the contract, without the name of its vocabulary.
    fn name(self) -> &'static str;
    /// The word's number in the contract.
    fn number(self) -> i32;
    /// The word in plain words, to stand within a sentence.
    fn told(self) -> &'static str;

    /// As an address holds it: `recall-emergency`.
    fn typed(self) -> String {
        self.name().to_ascii_lowercase().replace('_', "-")
    }

    /// The word of an address.
    fn of_typed(text: &str) -> Option<Self> {
        Self::WORDS.iter().copied().find(|word| word.typed() == text)
    }

    /// The word of a number.
    fn of_number(number: i32) -> Option<Self> {
        Self::WORDS.iter().copied().find(|word| word.number() == number)
    }
}

/// The word of a number in plain words. Empty: none is stated.
pub fn told<T: Term>(number: i32) -> &'static str {
    T::of_number(number).map_or("", Term::told)
}

macro_rules! terms {
    ($($vocabulary:ident $prefix:literal { $($word:ident $told:literal),+ $(,)? })+) => {$(
        impl Term for $vocabulary {
            const WORDS: &'static [Self] = Self::ALL;
            fn name(self) -> &'static str {
                crate::api::standing::ended(self.proto().as_str_name(), $prefix)
            }
            fn number(self) -> i32 {
                self.proto() as i32
            }
            fn told(self) -> &'static str {
                match self { $(Self::$word => $told),+ }
            }
        }
    )+};
}

terms! {
    Band "BAND_" { Low "low", Medium "medium", High "high", VeryHigh "very high" }
    OutstandingReason "OUTSTANDING_REASON_" {
        NamedSuspectNotArrested "named as a suspect, not yet arrested",
        FailedToSurrenderPoliceBail "failed to surrender to police bail",
        BreachedPoliceBailConditions "broke conditions of police bail",
        FailedToSurrenderCourtBail "failed to surrender to court bail",
        CourtWarrantNotBacked "court warrant, not backed for bail",
        CourtWarrantBacked "court warrant, backed for bail",
        FineDefaultWarrant "warrant for an unpaid fine",
        BreachWarrant "warrant for breach of a court order",
        RecallEmergency "emergency recall to prison",
        RecallStandard "standard recall to prison",
        RecallFixedTerm "fixed-term recall to prison",
        Escape "escaped from custody",
        AbscondFromOpenConditions "absconded from open conditions",
        ExtraditionWarrant "extradition warrant",
        UntracedUnderInvestigation "under investigation and not traced",
        NotificationBreach "did not keep notification requirements",
    }
    Circulation "CIRCULATION_" {
        NotCirculated "not circulated",
        Pending "asked for, not yet circulated",
        PncWanted "on the PNC as wanted",
        PncLocateTrace "on the PNC as locate or trace",
        ForceOnly "on this force’s systems only",
        International "circulated abroad",
        Cancelled "taken off circulation",
    }
    SupervisionClock "SUPERVISION_CLOCK_" {
        Circulation "circulation",
        Activity "activity",
        Review "supervisor’s review",
        Inspector "inspector’s review",
        ChiefInspector "chief inspector’s review",
        Execution "arrest, or return to prison",
        VictimUpdate "telling a victim",
    }
    ActivityKind "ACTIVITY_KIND_" {
        AddressVisited "went to an address",
        AssociateOrFamilySpokenTo "spoke to an associate or to family",
        AgencyEnquiry "asked another agency",
        MediaOrDigitalEnquiry "media, telephone, bank or other digital enquiry",
        IntelligenceTasked "tasked intelligence",
        VictimUpdated "told a victim how the search stands, or tried to",
        FileOpened "opened the file or its papers",
        ReviewedWithoutAction "read the file and did nothing",
        Reallocated "gave the file to somebody else",
        NominalSeen "saw a managed nominal",
        PartnerMeeting "worked with a partner agency on a managed nominal",
        Other "something else",
    }
    ActivityOutcome "ACTIVITY_OUTCOME_" {
        NoTrace "nothing: no trace, no reply, no information",
        Information "something was learnt",
        Pending "asked, and not answered yet",
        Seen "the person was seen and not detained",
        Arrested "the person was arrested",
        Reached "the one spoken to was reached",
        NotReached "nobody was reached",
    }
    SupervisorRank "SUPERVISOR_RANK_" {
        Sergeant "sergeant, or police staff of that grade",
        Inspector "inspector",
        ChiefInspector "chief inspector or above",
    }
    CloseOutcome "CLOSE_OUTCOME_" {
        Arrested "arrested",
        Surrendered "surrendered",
        Withdrawn "withdrawn",
        Executed "warrant executed",
        Deceased "died",
    }
    WarrantCategory "WARRANT_CATEGORY_" { A "A", B "B", C "C" }
    CaseAge "CASE_AGE_" {
        To7Days "up to 7 days",
        From8To28Days "8 to 28 days",
        From29To90Days "29 to 90 days",
        From91To365Days "91 to 365 days",
        Over365Days "over 365 days",
    }
    CohortStatus "COHORT_STATUS_" { Fixed "fixed", Flex "flex", Free "free" }
    Rag "RAG_" { Red "red", Amber "amber", Green "green", Blue "blue" }
    DecisionKind "DECISION_KIND_" {
        Select "taken into the cohort",
        Decline "considered and not taken in",
        Retain "kept in the cohort",
        Deselect "taken out of the cohort",
        ChangeStatus "managed under another status",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told_apart<T: Term + PartialEq + std::fmt::Debug>() {
        let told: std::collections::BTreeSet<_> = T::WORDS.iter().map(|word| word.told()).collect();
        assert_eq!(told.len(), T::WORDS.len(), "every word says something of its own: {told:?}");
        for word in T::WORDS {
            assert_eq!(T::of_typed(&word.typed()), Some(*word));
            assert_eq!(T::of_number(word.number()), Some(*word));
        }
        assert_eq!((T::of_typed(""), T::of_number(0)), (None, None));
    }

    #[test]
    fn every_word_has_its_own_plain_words_and_is_found_again_by_address_and_number() {
        told_apart::<OutstandingReason>();
        told_apart::<Circulation>();
        told_apart::<SupervisionClock>();
        told_apart::<ActivityKind>();
        told_apart::<CaseAge>();
        told_apart::<DecisionKind>();
        assert_eq!(OutstandingReason::RecallEmergency.typed(), "recall-emergency");
        assert_eq!(told::<CaseAge>(0), "");
    }
}
