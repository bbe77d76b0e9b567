//! Roles, and what each may. A permission says what may be done; of whom, the
//! scope says. Two permissions are in no role and have to be granted by name:
//! seeing children, and the content of intelligence under handling code C.

use std::fmt;
use std::str::FromStr;

macro_rules! named {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_meta])* $variant),+ }

        impl $name {
            /// Every one, in order.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Its name in tokens, configuration and documentation.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.name())
            }
        }

        impl FromStr for $name {
            type Err = ();

            fn from_str(text: &str) -> Result<Self, ()> {
                Self::ALL.iter().copied().find(|word| word.name() == text).ok_or(())
            }
        }
    };
}

named! {
    /// What somebody is in the force, or what a system is for. Numbers are kept in the audit: the order never changes.
    Role {
        /// Reads ranked lists and why people stand where they stand.
        Reader = "reader",
        /// Reads records, counts and movements; exports lists.
        Analyst = "analyst",
        /// Manages nominals of the cohort.
        OffenderManager = "offender_manager",
        /// Looks for outstanding suspects.
        Detective = "detective",
        /// Supervises both, reviews files, overrides bands.
        Supervisor = "supervisor",
        /// Selects and deselects.
        CohortPanel = "cohort_panel",
        /// A system that sends records.
        EvidenceWriter = "evidence_writer",
        /// The nightly run.
        Batch = "batch",
        /// Drafts policies.
        PolicyAuthor = "policy_author",
        /// Approves and activates policies.
        PolicyApprover = "policy_approver",
        /// Reads the audit, and what it is about.
        Auditor = "auditor",
        /// Keeps the store, and the data's life in it.
        Administrator = "administrator",
    }
}

named! {
    /// What may be done. Numbers are places in a set and are kept nowhere.
    Permission {
        /// Standings on lists, with their explanation.
        ReadLists = "read_lists",
        /// Whole lists at once.
        ExportLists = "export_lists",
        /// Records held of a person.
        ReadRecords = "read_records",
        /// Outstanding files with their timelines.
        ReadFiles = "read_files",
        /// What is overdue, and victims to be told.
        ReadSupervision = "read_supervision",
        /// Returns, demand, decisions and alignment.
        ReadReturns = "read_returns",
        /// Policies and what they would change.
        ReadPolicies = "read_policies",
        /// Runs and generations.
        ReadRuns = "read_runs",
        /// The state of the store, and its backups.
        ReadStore = "read_store",
        /// The audit.
        ReadAudit = "read_audit",
        /// Records of other systems.
        WriteEvidence = "write_evidence",
        /// Outstanding files: opening, circulation, activity, closing.
        WriteFiles = "write_files",
        /// Reviews of outstanding files.
        ReviewFiles = "review_files",
        /// Selection for the cohort.
        DecideCohort = "decide_cohort",
        /// Overrides of bands.
        OverrideBands = "override_bands",
        /// Starting and cancelling runs.
        RunRescore = "run_rescore",
        /// Evaluating policies: counts of what people went on to do, by group.
        EvaluatePolicies = "evaluate_policies",
        /// Drafting policies.
        DraftPolicies = "draft_policies",
        /// Approving and activating policies.
        ApprovePolicies = "approve_policies",
        /// Backups and verification.
        KeepStore = "keep_store",
        /// Merging people, and taking them apart again.
        MergeSubjects = "merge_subjects",
        /// Restricting the processing of a person's records.
        RestrictSubjects = "restrict_subjects",
        /// Everything held of a person, for that person.
        ExportSubjects = "export_subjects",
        /// Recording what was disclosed to whom outside the force.
        RecordDisclosures = "record_disclosures",
        /// Erasing a person.
        EraseSubjects = "erase_subjects",
        /// What is due for review or disposal.
        ReadRetention = "read_retention",
        /// Reviews of whether to go on keeping a person's records.
        ReviewRetention = "review_retention",
        /// People under 18, on any list. In no role.
        SeeChildren = "see_children",
        /// The content of intelligence under handling code C. In no role.
        SeeSensitiveIntelligence = "see_sensitive_intelligence",
    }
}

/// A set of permissions.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Permissions(u32);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);
    /// Every one.
    pub const ALL: Self = Self::of(Permission::ALL);

    /// These.
    pub const fn of(permissions: &[Permission]) -> Self {
        let mut bits = 0;
        let mut place = 0;
        while place < permissions.len() {
            bits |= 1 << permissions[place] as u32;
            place += 1;
        }
        Self(bits)
    }

    /// These and those.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether one is among them.
    pub const fn hold(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u32) != 0
    }

    /// Each of them, in order.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.hold(*permission))
    }
}

impl fmt::Debug for Permissions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::name)).finish()
    }
}

impl Role {
    /// What the role may.
    pub const fn permissions(self) -> Permissions {
        use Permission as P;
        match self {
            Self::Reader => Permissions::of(&[P::ReadLists, P::ReadPolicies, P::ReadRuns]),
            Self::Analyst => Permissions::of(&[
                P::ReadLists,
                P::ExportLists,
                P::ReadRecords,
                P::ReadFiles,
                P::ReadSupervision,
                P::ReadReturns,
                P::ReadPolicies,
                P::EvaluatePolicies,
                P::ReadRuns,
            ]),
            Self::OffenderManager | Self::Detective => Permissions::of(&[
                P::ReadLists,
                P::ReadRecords,
                P::ReadFiles,
                P::ReadSupervision,
                P::ReadPolicies,
                P::ReadRuns,
                P::WriteFiles,
            ]),
            Self::Supervisor => Permissions::of(&[
                P::ReadLists,
                P::ExportLists,
                P::ReadRecords,
                P::ReadFiles,
                P::ReadSupervision,
                P::ReadReturns,
                P::ReadPolicies,
                P::ReadRuns,
                P::WriteFiles,
                P::ReviewFiles,
                P::OverrideBands,
                P::RecordDisclosures,
            ]),
            Self::CohortPanel => Permissions::of(&[
                P::ReadLists,
                P::ReadRecords,
                P::ReadReturns,
                P::ReadPolicies,
                P::ReadRuns,
                P::DecideCohort,
            ]),
            Self::EvidenceWriter => Permissions::of(&[P::WriteEvidence]),
            Self::Batch => {
                Permissions::of(&[P::ReadLists, P::ExportLists, P::ReadRuns, P::ReadStore, P::RunRescore, P::KeepStore])
            }
            Self::PolicyAuthor => {
                Permissions::of(&[P::ReadPolicies, P::ReadRuns, P::EvaluatePolicies, P::DraftPolicies])
            }
            Self::PolicyApprover => {
                Permissions::of(&[P::ReadPolicies, P::ReadRuns, P::EvaluatePolicies, P::ApprovePolicies])
            }
            Self::Auditor => Permissions::of(&[
                P::ReadLists,
                P::ReadRecords,
                P::ReadFiles,
                P::ReadSupervision,
                P::ReadReturns,
                P::ReadPolicies,
                P::EvaluatePolicies,
                P::ReadRuns,
                P::ReadStore,
                P::ReadAudit,
                P::ReadRetention,
            ]),
            Self::Administrator => Permissions::of(&[
                P::ReadPolicies,
                P::ReadRuns,
                P::ReadStore,
                P::RunRescore,
                P::KeepStore,
                P::MergeSubjects,
                P::RestrictSubjects,
                P::ExportSubjects,
                P::RecordDisclosures,
                P::EraseSubjects,
                P::ReadRetention,
                P::ReviewRetention,
            ]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_role_sees_children_or_sensitive_intelligence_by_itself() {
        for role in Role::ALL {
            let held = role.permissions();
            assert!(!held.hold(Permission::SeeChildren), "{role}");
            assert!(!held.hold(Permission::SeeSensitiveIntelligence), "{role}");
        }
    }

    #[test]
    fn every_other_permission_is_in_some_role() {
        let held = Role::ALL.iter().fold(Permissions::NONE, |all, role| all.union(role.permissions()));
        let missing: Vec<_> = Permission::ALL.iter().filter(|permission| !held.hold(**permission)).collect();
        assert_eq!(missing, [&Permission::SeeChildren, &Permission::SeeSensitiveIntelligence]);
    }

    #[test]
    fn whoever_drafts_a_policy_does_not_approve_it_by_the_same_role() {
        for role in Role::ALL {
            let held = role.permissions();
            assert!(!(held.hold(Permission::DraftPolicies) && held.hold(Permission::ApprovePolicies)), "{role}");
        }
    }
}
