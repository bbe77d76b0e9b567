//! What each call needs, in one table that is also the documentation. A call
//! that is not in it is not served; a test holds it against the contract.

use std::collections::{BTreeSet, HashMap};
use std::sync::LazyLock;

use prost::Message;
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

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

    /// Full name of the method, such as `steelyard.v1.RankingService/ListStandings`.
    pub fn rpc(&self) -> &'static str {
        self.path.trim_start_matches('/')
    }

    /// Whether it goes on for as long as its client likes.
    pub fn streams(&self) -> bool {
        static STREAMS: LazyLock<BTreeSet<String>> = LazyLock::new(|| {
            methods()
                .filter(|(_, method)| method.server_streaming() || method.client_streaming())
                .map(|(path, _)| path)
                .collect()
        });
        STREAMS.contains(self.path)
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
        "MergeSubjects" Writes MergeSubjects,
        "UnmergeSubjects" Writes MergeSubjects,
        "RestrictProcessing" Writes RestrictSubjects,
        "LiftRestriction" Writes RestrictSubjects,
        "RecordDisclosure" Writes RecordDisclosures,
        "ExportSubject" Reads ExportSubjects,
        "ListDisclosures" Reads ReadRecords,
        "EraseSubject" Writes EraseSubjects,
        "ListRetentionDue" Reads ReadRetention,
        "RecordRetentionReview" Writes ReviewRetention,
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
        "EvaluatePolicy" Reads EvaluatePolicies,
        "ApprovePolicy" Writes ApprovePolicies,
        "ActivatePolicy" Writes ApprovePolicies,
        "GetPolicy" Reads ReadPolicies,
        "ListPolicies" Reads ReadPolicies,
    }
    "AuditService" {
        "ListAuditEvents" Reads ReadAudit,
        "ListSubjectAccess" Reads ReadAudit,
        "VerifyAudit" Reads ReadAudit,
    }
    "MaintenanceService" {
        "GetStoreStatus" Reads ReadStore,
        "CreateBackup" Writes KeepStore,
        "ListBackups" Reads ReadStore,
        "VerifyStore" Reads KeepStore,
    }
}

/// Every call of the contract, with its path.
fn methods() -> impl Iterator<Item = (String, MethodDescriptorProto)> {
    let set = FileDescriptorSet::decode(crate::DESCRIPTORS).expect("the build's own descriptors must decode");
    let files = set.file.into_iter().filter(|file| file.package() == "steelyard.v1");
    files.flat_map(|file| file.service).flat_map(|service| {
        let name = service.name().to_owned();
        service.method.into_iter().map(move |method| (format!("/steelyard.v1.{name}/{}", method.name()), method))
    })
}

/// What a call needs; `None`: there is no such call.
pub fn rule(path: &str) -> Option<&'static Rule> {
    static BY_PATH: LazyLock<HashMap<&'static str, &'static Rule>> =
        LazyLock::new(|| RULES.iter().map(|rule| (rule.path, rule)).collect());
    BY_PATH.get(path).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_of_the_contract_is_in_the_table_once_and_nothing_else_is() {
        let contract: BTreeSet<String> = methods().map(|(path, _)| path).collect();
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
