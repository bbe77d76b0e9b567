//! What each call needs, in one table that is also the documentation. A call
//! that is not in it is not served; a test holds it against the contract.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::role::{Permission, Role};

/// What a call does to what is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    /// It reads.
    Reads,
    /// It writes.
    Writes,
}

/// What one call needs.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// Path as a request has it, such as `/steelyard.v1.RankingService/ListStandings`.
    pub path: &'static str,
    /// The permission.
    pub permission: Permission,
    /// What it does.
    pub does: Does,
}

impl Rule {
    /// Service and method, such as `RankingService.ListStandings`.
    pub fn name(&self) -> String {
        self.path.trim_start_matches("/steelyard.v1.").replace('/', ".")
    }

    /// Roles that have the permission.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        let permission = self.permission;
        Role::ALL.iter().copied().filter(move |role| role.permissions().hold(permission))
    }
}

macro_rules! rules {
    ($($service:literal { $($method:literal $does:ident $permission:ident),+ $(,)? })+) => {
        /// Every call, by service.
        pub const RULES: &[Rule] = &[$($(
            Rule {
                path: concat!("/steelyard.v1.", $service, "/", $method),
                permission: Permission::$permission,
                does: Does::$does,
            },
        )+)+];
    };
}

rules! {
    "RankingService" {
        "ListStandings" Reads ReadLists,
        "GetStanding" Reads ReadLists,
        "BatchGetStandings" Reads ReadLists,
        "GetNeighbourhood" Reads ReadLists,
        "CompareStandings" Reads ReadLists,
        "GetListSummary" Reads ReadLists,
        "ExportStandings" Reads ExportLists,
        "ListMovements" Reads ReadLists,
        "ListStandingHistory" Reads ReadLists,
        "WatchStandings" Reads ReadLists,
        "ListChanges" Reads ReadLists,
    }
    "EvidenceService" {
        "WriteEvidence" Writes WriteEvidence,
        "ImportEvidence" Writes WriteEvidence,
        "GetSubject" Reads ReadRecords,
        "ListEvidence" Reads ReadRecords,
        "WithdrawEvidence" Writes WriteEvidence,
    }
    "OutstandingService" {
        "OpenOutstanding" Writes WriteFiles,
        "AmendOutstanding" Writes WriteFiles,
        "UpdateCirculation" Writes WriteFiles,
        "RecordActivity" Writes WriteFiles,
        "RecordReview" Writes ReviewFiles,
        "CloseOutstanding" Writes WriteFiles,
        "GetOutstanding" Reads ReadFiles,
        "ListSupervisionGaps" Reads ReadSupervision,
        "ListVictimUpdates" Reads ReadSupervision,
        "GetOutstandingReturn" Reads ReadReturns,
        "GetDemand" Reads ReadReturns,
    }
    "CohortService" {
        "RecordDecision" Writes DecideCohort,
        "OverrideBand" Writes OverrideBands,
        "WithdrawOverride" Writes OverrideBands,
        "ListDecisions" Reads ReadReturns,
        "GetAlignment" Reads ReadReturns,
        "ListCohortReviews" Reads ReadSupervision,
    }
    "RescoreService" {
        "StartRescore" Writes RunRescore,
        "GetRescoreRun" Reads ReadRuns,
        "ListRescoreRuns" Reads ReadRuns,
        "CancelRescoreRun" Writes RunRescore,
        "WatchRescoreRun" Reads ReadRuns,
        "ListGenerations" Reads ReadRuns,
        "ReplayGeneration" Reads KeepStore,
    }
    "PolicyService" {
        "CreatePolicyDraft" Writes DraftPolicies,
        "ValidatePolicy" Reads ReadPolicies,
        "SimulatePolicy" Reads ReadPolicies,
        "ApprovePolicy" Writes ApprovePolicies,
        "ActivatePolicy" Writes ApprovePolicies,
        "GetPolicy" Reads ReadPolicies,
        "ListPolicies" Reads ReadPolicies,
    }
    "MaintenanceService" {
        "GetStoreStatus" Reads ReadStore,
        "CreateBackup" Writes KeepStore,
        "ListBackups" Reads ReadStore,
        "VerifyStore" Reads KeepStore,
    }
}

/// What a call needs; `None`: there is no such call.
pub fn rule(path: &str) -> Option<&'static Rule> {
    static BY_PATH: LazyLock<HashMap<&'static str, &'static Rule>> =
        LazyLock::new(|| RULES.iter().map(|rule| (rule.path, rule)).collect());
    BY_PATH.get(path).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost::Message;

    use super::*;

    #[test]
    fn every_call_of_the_contract_is_in_the_table_once_and_nothing_else_is() {
        let set = prost_types::FileDescriptorSet::decode(crate::DESCRIPTORS).unwrap();
        let mut contract = BTreeSet::new();
        for file in set.file.iter().filter(|file| file.package() == "steelyard.v1") {
            for service in &file.service {
                for method in &service.method {
                    contract.insert(format!("/steelyard.v1.{}/{}", service.name(), method.name()));
                }
            }
        }
        let table: BTreeSet<String> = RULES.iter().map(|rule| rule.path.to_owned()).collect();
        assert_eq!(table, contract);
        assert_eq!(table.len(), RULES.len());
    }

    #[test]
    fn every_call_is_somebodys_by_role() {
        for rule in RULES {
            assert!(rule.roles().next().is_some(), "{}", rule.name());
        }
    }
}
