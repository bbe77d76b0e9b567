//! Closed vocabularies. Each mirrors an enum of the contract, without its
//! "unspecified": by the time a word is here, somebody has said which it is.

/// Declares a fieldless enum that mirrors a proto enum, with the conversions both ways.
macro_rules! mirror {
    ($(#[$meta:meta])* $name:ident from $proto:path { $($(#[$variant_meta:meta])* $variant:ident),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        #[allow(missing_docs, reason = "each word is documented in the contract")]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// Every word, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that a proto number stands for; `None` for unspecified or unknown numbers.
            pub fn from_proto(number: i32) -> Option<Self> {
                type Proto = $proto;
                match Proto::try_from(number) {
                    $(Ok(Proto::$variant) => Some(Self::$variant),)+
                    Ok(Proto::Unspecified) | Err(_) => None,
                }
            }

            /// The word in the contract.
            pub const fn proto(self) -> $proto {
                type Proto = $proto;
                match self { $(Self::$variant => Proto::$variant),+ }
            }
        }
    };
}

use crate::pb;

mirror! {
    /// How much attention a score asks for, least first.
    Band from pb::Band { Low, Medium, High, VeryHigh }
}
mirror! {
    /// A ranked list.
    List from pb::List { Cohort, Children, Candidates, Outstanding, Wanted, BailFailed, Warrants, Recalls, All }
}
mirror! {
    /// The two ways in which components are composed.
    Family from pb::Family { Cohort, Outstanding }
}
mirror! {
    /// What became of a person on a list between two states of it.
    MovementKind from pb::MovementKind { Entered, Left, Rose, Fell, ChangedBand }
}
mirror! {
    /// What a change of a score comes from, in the order in which it is asked.
    MovementCause from pb::MovementCause { Time, Evidence, Policy }
}
mirror! {
    /// Sex as recorded.
    Sex from pb::Sex { Female, Male }
}
mirror! {
    /// Why a person is outstanding.
    OutstandingReason from pb::OutstandingReason {
        NamedSuspectNotArrested, FailedToSurrenderPoliceBail, BreachedPoliceBailConditions,
        FailedToSurrenderCourtBail, CourtWarrantNotBacked, CourtWarrantBacked, FineDefaultWarrant,
        BreachWarrant, RecallEmergency, RecallStandard, RecallFixedTerm, Escape,
        AbscondFromOpenConditions, ExtraditionWarrant, UntracedUnderInvestigation, NotificationBreach,
    }
}
mirror! {
    /// Where a wanted person is circulated.
    Circulation from pb::Circulation {
        NotCirculated, Pending, PncWanted, PncLocateTrace, ForceOnly, International, Cancelled,
    }
}
mirror! {
    /// How a managed nominal was chosen.
    CohortStatus from pb::CohortStatus { Fixed, Flex, Free }
}
mirror! {
    /// Management grade.
    Rag from pb::Rag { Red, Amber, Green, Blue }
}
mirror! {
    /// Where the person is on `as_of`.
    CustodyState from pb::CustodyState { AtLiberty, Remand, Sentence }
}
mirror! {
    /// Home Office offence group.
    OffenceGroup from pb::OffenceGroup {
        ViolenceAgainstThePerson, SexualOffences, Burglary, Robbery, TheftAndHandling, FraudAndForgery,
        CriminalDamage, DrugOffences, OtherIndictable, IndictableMotoring, SummaryMotoring, OtherSummary,
    }
}
mirror! {
    /// Part of the composite, in the order that breaks ties.
    Component from pb::Component { Threat, Risk, Harm }
}
mirror! {
    /// Who the person is in one record.
    PersonCategory from pb::PersonCategory { Suspect, Convicted, Victim, Witness }
}
mirror! {
    /// How far a case has gone.
    Outcome from pb::Outcome {
        Suspected, Arrested, Bailed, ReleasedUnderInvestigation, Charged, Summonsed, PostalRequisition,
        Convicted, Cautioned, Reprimanded, Warned, CommunityResolution, PenaltyNotice,
        TakenIntoConsideration, Acquitted, Discontinued, Withdrawn, NoCrime, Eliminated,
        NoFurtherAction, NotGuiltyInsanity, EvidentialDifficulty,
    }
}
mirror! {
    /// Kind of custody.
    CustodyKind from pb::CustodyKind { Remand, Sentence }
}
mirror! {
    /// Kind of marker. Health signals are kept for other systems; no rule of scoring reads them.
    MarkerKind from pb::MarkerKind {
        Violent, Firearms, Weapons, ThreatToLifeSource, ThreatToLifeThreatened,
        ContactWithVulnerableVictim, StatedIntentToHarm, Escaper, Drugs, OffendsOnBail,
        RegisteredSexOffender, Ailment, MentalHealth, SelfHarm, Contagious,
    }
}
mirror! {
    /// What graded intelligence tells.
    ThreatIndicator from pb::ThreatIndicator {
        ThreatToLife, AccessToFirearm, IntentToHarmIdentifiedPerson, ContactWithVulnerableVictim,
        AccessToWeapon, OrganisedCrimeLink,
    }
}
mirror! {
    /// 3x5x2 handling code.
    Handling from pb::Handling { P, C }
}
mirror! {
    /// Kind of professional assessment.
    AssessmentKind from pb::AssessmentKind {
        Mappa, OasysRosh, OspDc, OspIic, Arms, Dash, Marac, Sara, Arp, Vrp, Svrp,
    }
}
mirror! {
    /// Level that an assessment gives, least first.
    AssessmentLevel from pb::AssessmentLevel { Low, Medium, High, VeryHigh }
}
mirror! {
    /// What was breached.
    BreachKind from pb::BreachKind { Order, BailConditions }
}
mirror! {
    /// National Referral Mechanism status.
    ExploitationStatus from pb::ExploitationStatus { Pending, Positive, Negative }
}
mirror! {
    /// How an outstanding file closed.
    CloseOutcome from pb::CloseOutcome { Arrested, Surrendered, Withdrawn, Executed, Deceased }
}
mirror! {
    /// Lists that an override reaches.
    OverrideScope from pb::OverrideScope { Both, Cohort, Outstanding }
}

mirror! {
    /// What somebody did about a file, or with a managed nominal.
    ActivityKind from pb::ActivityKind {
        AddressVisited, AssociateOrFamilySpokenTo, AgencyEnquiry, MediaOrDigitalEnquiry, IntelligenceTasked,
        VictimUpdated, FileOpened, ReviewedWithoutAction, Reallocated, NominalSeen, PartnerMeeting, Other,
    }
}
mirror! {
    /// What came of it.
    ActivityOutcome from pb::ActivityOutcome {
        NoTrace, Information, Pending, Seen, Arrested, Reached, NotReached,
    }
}
mirror! {
    /// Rank in which an officer reviews, lowest first.
    SupervisorRank from pb::SupervisorRank { Sergeant, Inspector, ChiefInspector }
}
mirror! {
    /// What was decided about a person and the cohort.
    DecisionKind from pb::DecisionKind { Select, Decline, Retain, Deselect, ChangeStatus }
}
mirror! {
    /// Review group of a person's records, the gravest first.
    RetentionGroup from pb::RetentionGroup { One, Two, Three, Four }
}
mirror! {
    /// Why a record puts a person in a review group, by group, the gravest first.
    RetentionGround from pb::RetentionGround {
        Mappa, RegisteredSexOffender, SeriousSpecifiedOffence, SexualOffence, ViolentOffence, SeriousOffence,
        ViolentSanctions, OtherOffence, Sanctions, Custody, OutstandingFile, Breach,
    }
}
mirror! {
    /// What a review of whether to keep records decided.
    RetentionOutcome from pb::RetentionOutcome { Retain, Dispose }
}
mirror! {
    /// How soon a warrant is to be executed, soonest first.
    WarrantCategory from pb::WarrantCategory { A, B, C }
}
mirror! {
    /// What has to happen by when.
    SupervisionClock from pb::SupervisionClock {
        Circulation, Activity, Review, Inspector, ChiefInspector, Execution, VictimUpdate,
    }
}
mirror! {
    /// Age of a case.
    CaseAge from pb::CaseAge { To7Days, From8To28Days, From29To90Days, From91To365Days, Over365Days }
}

impl ActivityKind {
    /// Whether it is done with a managed nominal and belongs to no file.
    pub const fn is_for_cohort(self) -> bool {
        matches!(self, Self::NominalSeen | Self::PartnerMeeting)
    }
}

impl RetentionGround {
    /// The group that a record with this ground puts a person in.
    pub const fn group(self) -> RetentionGroup {
        match self {
            Self::Mappa | Self::RegisteredSexOffender | Self::SeriousSpecifiedOffence => RetentionGroup::One,
            Self::SexualOffence | Self::ViolentOffence | Self::SeriousOffence | Self::ViolentSanctions => {
                RetentionGroup::Two
            }
            Self::OtherOffence | Self::Sanctions | Self::Custody | Self::OutstandingFile | Self::Breach => {
                RetentionGroup::Three
            }
        }
    }
}

impl CloseOutcome {
    /// Whether the person was found: what the file asked for is done, and one opened again begins anew.
    pub const fn is_found(self) -> bool {
        matches!(self, Self::Arrested | Self::Surrendered | Self::Executed)
    }
}

impl Circulation {
    /// Whether some officers who check the person would know that they are outstanding.
    pub const fn is_circulated(self) -> bool {
        matches!(self, Self::PncWanted | Self::PncLocateTrace | Self::ForceOnly | Self::International)
    }
}

impl List {
    /// The family that the list is composed by.
    pub const fn family(self) -> Family {
        match self {
            Self::Cohort | Self::Children | Self::Candidates | Self::All => Family::Cohort,
            Self::Outstanding | Self::Wanted | Self::BailFailed | Self::Warrants | Self::Recalls => Family::Outstanding,
        }
    }
}

impl Outcome {
    /// Whether its date is a sanction occasion: conviction, caution, reprimand or warning.
    pub const fn is_sanction(self) -> bool {
        matches!(self, Self::Convicted | Self::Cautioned | Self::Reprimanded | Self::Warned)
    }
}

impl OutstandingReason {
    /// Any recall to prison.
    pub const fn is_recall(self) -> bool {
        matches!(self, Self::RecallEmergency | Self::RecallStandard | Self::RecallFixedTerm)
    }

    /// A recall, an escape or an absconding: unlawfully at large.
    pub const fn is_unlawfully_at_large(self) -> bool {
        self.is_recall() || matches!(self, Self::Escape | Self::AbscondFromOpenConditions)
    }

    /// Failed to surrender to bail, police or court.
    pub const fn is_failure_to_surrender(self) -> bool {
        matches!(self, Self::FailedToSurrenderPoliceBail | Self::FailedToSurrenderCourtBail)
    }

    /// The list, beside OUTSTANDING, on which a file with this reason stands.
    pub const fn list(self) -> List {
        match self {
            Self::NamedSuspectNotArrested
            | Self::Escape
            | Self::AbscondFromOpenConditions
            | Self::UntracedUnderInvestigation
            | Self::NotificationBreach => List::Wanted,
            Self::FailedToSurrenderPoliceBail
            | Self::BreachedPoliceBailConditions
            | Self::FailedToSurrenderCourtBail => List::BailFailed,
            Self::CourtWarrantNotBacked
            | Self::CourtWarrantBacked
            | Self::FineDefaultWarrant
            | Self::BreachWarrant
            | Self::ExtraditionWarrant => List::Warrants,
            Self::RecallEmergency | Self::RecallStandard | Self::RecallFixedTerm => List::Recalls,
        }
    }
}
