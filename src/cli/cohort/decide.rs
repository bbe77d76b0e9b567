//! `cohort decide`: a named officer's decision, with its rationale. When it was decided
//! is not asked: the server takes the moment at which it freezes the standing.

use std::process::ExitCode;

use crate::cli::client;
use crate::cli::word::{Typed, number_or_none, parser, spoken};
use crate::cli::write::{Receipt, RecordArgs, WriteArgs, settled};
use crate::domain::word::{CohortStatus, DecisionKind, Rag};
use crate::pb;

/// Arguments of `cohort decide`.
#[derive(Debug, clap::Args)]
pub struct DecideArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// What is decided
    #[arg(long, value_name = "DECISION", value_parser = parser::<DecisionKind>(), ignore_case = true)]
    decision: DecisionKind,
    /// Status: required with select and change-status; with decline the one considered
    #[arg(long, value_name = "STATUS", value_parser = parser::<CohortStatus>(), ignore_case = true)]
    status: Option<CohortStatus>,
    /// Grade from now on [default: as it was]
    #[arg(long, value_name = "GRADE", value_parser = parser::<Rag>(), ignore_case = true)]
    rag: Option<Rag>,
    /// Officer who decides
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// Why, 10 to 2,000 characters
    #[arg(long, value_name = "TEXT")]
    rationale: String,
    /// Panel that sat [default: the officer alone]
    #[arg(long, value_name = "PANEL", default_value_t, hide_default_value = true)]
    panel: String,
    /// The person's own representations were received and read
    #[arg(long)]
    representations_received: bool,
    /// Offender manager from now on [default: as it was]
    #[arg(long, value_name = "OFFICER", default_value_t, hide_default_value = true)]
    offender_manager: String,
    /// Policing area that manages the person [default: as it was]
    #[arg(long, value_name = "AREA", default_value_t, hide_default_value = true)]
    area: String,
    /// Officer time spent on it, minutes
    #[arg(long, value_name = "MINUTES", default_value_t)]
    minutes: u32,
    #[command(flatten)]
    record: RecordArgs,
    #[command(flatten)]
    write: WriteArgs,
}

impl DecideArgs {
    pub(super) fn request(&self, request_id: &str) -> pb::RecordDecisionRequest {
        pb::RecordDecisionRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            decision_id: self.record.id.clone(),
            source_system: self.record.source.clone(),
            decision: self.decision.number(),
            status: number_or_none(self.status),
            rag: number_or_none(self.rag),
            officer: self.officer.clone(),
            rationale: self.rationale.clone(),
            panel: self.panel.clone(),
            representations_received: self.representations_received,
            offender_manager: self.offender_manager.clone(),
            area: self.area.clone(),
            minutes: self.minutes,
        }
    }
}

/// Records a decision.
pub async fn run(args: &DecideArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::cohort(args.write.connect().await?);
    let answer = settled(client.record_decision(args.request(&id)).await, &id)?;
    let receipt = Receipt {
        done: format!("Decision {} ({}) recorded", answer.decision_id, spoken(args.decision)),
        id: answer.decision_id.clone(),
        revision: answer.revision,
        etag: String::new(),
        remarks: answer.remarks.clone(),
    };
    args.write.tell(&receipt, &answer)
}
