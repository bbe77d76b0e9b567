//! Moves under supervision: open a file, circulate, act, review, close, decide.
//! A move says what happened; the records that it writes follow from what is
//! held at that moment, so the writer makes them. A move that is impossible from
//! where the file stands is refused with the reason, and nothing is written.

mod decide;
mod file;
mod remarks;

use jiff::Timestamp;

use super::fault::Fault;
use super::group::Building;
use super::mutation::{Answer, Mutation, Records};
use super::state::Touched;
use super::timestamp;
use super::writer::Writer;
use crate::domain::evidence::Outstanding;
use crate::domain::moment::Moment;
use crate::domain::word::{CloseOutcome, DecisionKind};
use crate::domain::{Date, Revision, SubjectId};
use crate::pb;
use crate::store::pb::EvidenceWritten;
use crate::store::pb::event::Body;

pub use decide::DECISION_ID;

/// A file, as a request names it.
#[derive(Clone, Debug)]
pub struct FileRef {
    /// The person.
    pub subject_ref: String,
    /// The file.
    pub id: String,
    /// Etag; empty: whatever is in force.
    pub etag: String,
}

/// A part of a file that can be put in place by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Area that looks for the person.
    Area,
    /// Officer in the case.
    Officer,
    /// The officer's supervisor.
    Supervisor,
    /// Offences wanted for.
    OffenceIds,
    /// Bail.
    Bail,
    /// Warrant.
    Warrant,
    /// Recall.
    Recall,
    /// Convictions overseas.
    OverseasConvictions,
    /// Immigration status.
    Immigration,
}

impl Part {
    /// Every part, by its name in the contract.
    pub const ALL: [(&'static str, Self); 9] = [
        ("area", Self::Area),
        ("officer", Self::Officer),
        ("supervisor", Self::Supervisor),
        ("offence_ids", Self::OffenceIds),
        ("bail", Self::Bail),
        ("warrant", Self::Warrant),
        ("recall", Self::Recall),
        ("overseas_convictions", Self::OverseasConvictions),
        ("immigration", Self::Immigration),
    ];
}

/// A move under supervision.
#[derive(Debug)]
pub enum Move {
    /// Open a file, or a closed one again.
    Open {
        /// The record of a new file; of one opened again, what is new in it.
        record: Box<pb::Record>,
        /// When.
        opened: Timestamp,
        /// Open a closed one again.
        reopen: bool,
        /// Etag of the file to open again.
        etag: String,
    },
    /// Put other terms into an open file.
    Amend {
        /// The file.
        file: FileRef,
        /// Which.
        parts: Vec<Part>,
        /// What they are from now on.
        terms: Box<pb::Outstanding>,
    },
    /// Add a step to where a file is circulated.
    Circulate {
        /// The file.
        file: FileRef,
        /// The step.
        step: pb::CirculationStep,
    },
    /// Record something done, or a review.
    Record(Box<pb::Record>),
    /// Close a file.
    Close {
        /// The file.
        file: FileRef,
        /// How.
        outcome: CloseOutcome,
        /// When.
        closed: Timestamp,
        /// By whom.
        officer: String,
    },
    /// Decide about a person and the cohort.
    Decide(Box<Decide>),
}

impl Move {
    /// The person whom it is about.
    pub fn subject_ref(&self) -> &str {
        match self {
            Self::Open { record, .. } | Self::Record(record) => &record.subject_ref,
            Self::Amend { file, .. } | Self::Circulate { file, .. } | Self::Close { file, .. } => &file.subject_ref,
            Self::Decide(decide) => &decide.record.subject_ref,
        }
    }
}

/// A decision with the standing that its makers had before them.
#[derive(Debug)]
pub struct Decide {
    /// The record of the decision, the standing frozen into it.
    pub record: pb::Record,
    /// What was decided.
    pub kind: DecisionKind,
    /// Revision of the last event about the person that the standing reflects.
    pub seen: Revision,
    /// The day on which the person was weighed.
    pub as_of: Date,
    /// The policy by which.
    pub policy_version: String,
    /// Sentences to be told with the answer.
    pub remarks: Vec<String>,
}

/// Records that a move writes, and the etags that must hold.
struct Composed {
    records: Vec<pb::Record>,
    etags: Vec<(String, String)>,
}

impl Composed {
    fn one(record: pb::Record, etag: &str) -> Self {
        let etags = if etag.is_empty() { Vec::new() } else { vec![(record.id.clone(), etag.to_owned())] };
        Self { records: vec![record], etags }
    }
}

impl Writer {
    /// Makes a move, staged in `group` and folded into the state.
    pub(super) fn make(
        &mut self,
        mutation: &Mutation,
        made: &Move,
        group: &mut Building<'_>,
        touched: &mut Touched,
        now: Timestamp,
    ) -> Result<Answer, Fault> {
        let Composed { records, etags } = match made {
            Move::Open { record, opened, reopen, etag } => self.open(record, *opened, *reopen, etag, group),
            Move::Amend { file, parts, terms } => self.amend(file, parts, (terms, now), group),
            Move::Circulate { file, step } => self.circulate(file, step, group),
            Move::Record(record) => self.record(record),
            Move::Close { file, outcome, closed, officer } => self.close(file, *outcome, *closed, officer, group),
            Move::Decide(decide) => self.decide(decide, group),
        }?;
        let records = Records {
            records,
            etags: etags.into_iter().collect(),
            all_or_none: true,
            validate_only: false,
            decisions: true,
        };
        let before = group.head();
        let verdicts = self.stage(mutation, &records, group, touched, now).map_err(own_fields)?;
        let remarks = self.remarks(made);
        let mut answer = Answer { revision: group.head(), verdicts, remarks };
        let wrote = group.head() > before;
        group.answer(&mutation.caller, mutation.request_id, mutation.digest, &answer, wrote);
        if !wrote {
            self.fold_last(group, touched)?;
        }
        answer.revision = group.head();
        Ok(answer)
    }

    /// A person's file, with its record as the ledger holds it.
    fn held_file(&self, file: &FileRef, group: &Building<'_>) -> Result<(SubjectId, Outstanding, pb::Record), Fault> {
        let subject = self.state.subject(&file.subject_ref).ok_or(Fault::UnknownSubject)?;
        let subject = self.state.holding(subject, &file.id).ok_or(Fault::UnknownFile)?;
        let dossier = self.state.dossier(subject);
        let held = dossier.file(&file.id).ok_or(Fault::UnknownFile)?.clone();
        let revision = dossier.revision_of(&file.id).ok_or(Fault::UnknownFile)?;
        let record = held_record(revision, group)?;
        Ok((subject, held, record))
    }
}

/// The version of a record that was written at a revision.
fn held_record(revision: Revision, group: &Building<'_>) -> Result<pb::Record, Fault> {
    let event = group.event(revision).map_err(|fault| super::execute::report(&fault))?;
    if let Some(Body::EvidenceWritten(EvidenceWritten { record: Some(mut record), .. })) =
        event.and_then(|event| event.body)
    {
        // The version to come is recorded when it is taken in.
        record.recorded_time = None;
        return Ok(record);
    }
    tracing::error!(revision = revision.0, "the ledger has no record where the state says that there is one");
    Err(Fault::Internal)
}

/// A move has one record, and its caller knows nothing of records: fields are named as the request names them.
fn own_fields(fault: Fault) -> Fault {
    let Fault::Invalid(mut violations) = fault else { return fault };
    for violation in &mut violations {
        if let Some((_, field)) = violation.field.split_once("].") {
            violation.field = field.to_owned();
        }
        if let Some((_, field)) =
            violation.field.strip_prefix("outstanding.circulations[").and_then(|it| it.split_once("]."))
        {
            violation.field = format!("step.{field}");
        }
    }
    Fault::Invalid(violations)
}

/// A moment in the contract.
fn stated(moment: Moment) -> pbjson_types::Timestamp {
    timestamp(moment.instant())
}
