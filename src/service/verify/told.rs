//! The words of a verification: what is asked, what is told on the way, and how
//! it ended. Places are named; stored values never are.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::super::writer::Now;
use crate::ranking::Standings;
use crate::store::Head;

/// What is asked of a verification.
pub struct Asked {
    /// Whether the store is being served, perhaps written, meanwhile. If not, it is at rest: what no running server
    /// leaves behind for longer than a moment is then found at once.
    pub serving: bool,
    /// The time, by which answers to requests expire.
    pub now: Now,
    /// Heads that are known outside the ledger: a chain with no outside anchor shows an edit but not a truncation.
    /// All of them must have been read before the call.
    pub anchors: Vec<Anchor>,
    /// What the store could be rebuilt from, all of it: such as `backup 0…17 and the journal`. `None`: nothing that is
    /// known to reach the head.
    pub rebuilt_from: Option<String>,
    /// Whether to fold the ledger into standings and compare them, and with what. Takes the memory of a server.
    pub standings: StandingsAsked,
}

/// A head named outside the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The head.
    pub head: Head,
    /// Who names it: such as `backup 0…17.full.steelyard` or `the journal`.
    pub origin: String,
}

/// What standings folded from the ledger are compared with.
#[derive(Clone, Debug, Default)]
pub enum StandingsAsked {
    /// No standings are made.
    #[default]
    No,
    /// Those that follow from the stored views. For a store at rest alone.
    Views,
    /// Those that a running server has published. The ledger is folded up to their revision.
    Published(Arc<Standings>),
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing: nothing is wrong.
    Information,
    /// Nothing is lost or wrong yet: somebody should act.
    Warning,
    /// The store is not what its ledger says, or the ledger is not whole.
    Damage,
}

impl Severity {
    /// Its name, as in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Information => "information",
            Self::Warning => "warning",
            Self::Damage => "damage",
        }
    }
}

/// A part of the verification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Every stored value: frame, checksum, known key, parts.
    Values,
    /// Every event: envelope, contiguity, chain, anchors outside.
    Chain,
    /// The index by subject, against the ledger.
    SubjectIndex,
    /// The index by kind, against the ledger.
    KindIndex,
    /// The answers to requests, against the ledger.
    Requests,
    /// The dossiers, against the ledger.
    Dossiers,
    /// Standings from the ledger, against those that are served or follow from the views.
    Standings,
    /// The recovery journal, against the ledger.
    Journal,
    /// The backups, against the ledger.
    Backups,
    /// The files in the data directory.
    Directory,
}

impl Step {
    /// Every step, in order.
    pub const ALL: [Self; 10] = [
        Self::Values,
        Self::Chain,
        Self::SubjectIndex,
        Self::KindIndex,
        Self::Requests,
        Self::Dossiers,
        Self::Standings,
        Self::Journal,
        Self::Backups,
        Self::Directory,
    ];

    /// Its name, as in output.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Values => "values",
            Self::Chain => "chain",
            Self::SubjectIndex => "subject index",
            Self::KindIndex => "kind index",
            Self::Requests => "request answers",
            Self::Dossiers => "dossiers",
            Self::Standings => "standings",
            Self::Journal => "journal",
            Self::Backups => "backups",
            Self::Directory => "directory",
        }
    }

    /// Whether it is about what the engine's files hold, as against what lies beside them.
    pub const fn is_of_the_engine(self) -> bool {
        match self {
            Self::Values
            | Self::Chain
            | Self::SubjectIndex
            | Self::KindIndex
            | Self::Requests
            | Self::Dossiers
            | Self::Standings => true,
            Self::Journal | Self::Backups | Self::Directory => false,
        }
    }

    /// What it counts.
    pub const fn counts(self) -> &'static str {
        match self {
            Self::Values => "rows",
            Self::Chain | Self::Journal => "events",
            Self::SubjectIndex | Self::KindIndex => "entries",
            Self::Requests => "answers",
            Self::Dossiers | Self::Standings => "subjects",
            Self::Backups | Self::Directory => "files",
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Something found. Its texts name places, counts and hashes, and never a stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The step that found it.
    pub step: Step,
    /// How bad it is.
    pub severity: Severity,
    /// Where: a place in the store, or a file.
    pub place: String,
    /// What is wrong there, and what that means.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Told while a verification runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// How far a step has come.
    Progress {
        /// The step.
        step: Step,
        /// How much it has gone through.
        done: u64,
        /// How much there is, where that is known.
        of: Option<u64>,
    },
    /// Something found.
    Finding(Finding),
    /// A step ended.
    Done(StepOutcome),
}

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutcome {
    /// The step.
    pub step: Step,
    /// How much it went through; see [`Step::counts`].
    pub checked: u64,
    /// Findings of damage, told or only counted.
    pub damage: u64,
    /// Findings of warning, told or only counted.
    pub warnings: u64,
    /// Why it was not gone through, where it was not.
    pub skipped: Option<String>,
    /// How long it took.
    pub took: Duration,
}

/// How a verification ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The ledger that was verified: everything up to here.
    pub head: Head,
    /// The steps, in the order in which they were gone through.
    pub steps: Vec<StepOutcome>,
    /// Digest of the standings that the ledger folds to, where they were asked for.
    pub standings: Option<[u8; 32]>,
    /// It was given up before its end.
    pub given_up: bool,
}

impl Outcome {
    /// Findings of damage.
    pub fn damage(&self) -> u64 {
        self.steps.iter().map(|step| step.damage).sum()
    }

    /// Findings of warning.
    pub fn warnings(&self) -> u64 {
        self.steps.iter().map(|step| step.warnings).sum()
    }

    /// Gone through to its end, and no damage found.
    pub fn sound(&self) -> bool {
        !self.given_up && self.damage() == 0
    }
}
