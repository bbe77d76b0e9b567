//! `outstanding amend`: puts other terms into an open file. Only what a flag names is
//! touched; what is to be emptied has to be named too.

use std::process::ExitCode;

use clap::ValueEnum;

use super::terms::{Desk, Terms, date};
use crate::cli::client;
use crate::cli::exit::{Exit, Failure};
use crate::cli::write::{Receipt, WriteArgs, settled};
use crate::domain::Date;
use crate::pb;

/// Arguments of `outstanding amend`.
#[derive(Debug, clap::Args)]
pub struct AmendArgs {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Id of the file
    #[arg(long, value_name = "ID")]
    file: String,
    /// What to empty (may be repeated)
    #[arg(long, value_enum, value_name = "FIELD", value_delimiter = ',')]
    clear: Vec<Field>,
    /// Etag of the file [default: whatever version is in force]
    #[arg(long, value_name = "ETAG", default_value_t, hide_default_value = true)]
    etag: String,
    #[command(flatten)]
    write: WriteArgs,
    #[command(flatten)]
    desk: Desk,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    checks: Checks,
}

/// A field that can be put in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Field {
    /// Policing area
    Area,
    /// Officer in the case
    Officer,
    /// The officer's supervisor
    Supervisor,
    /// Offences wanted for
    Offences,
    /// Bail
    Bail,
    /// Warrant
    Warrant,
    /// Recall
    Recall,
    /// Check of convictions overseas
    OverseasConvictions,
    /// Check of immigration status
    Immigration,
}

impl Field {
    const fn contract_name(self) -> &'static str {
        match self {
            Self::Area => "area",
            Self::Officer => "officer",
            Self::Supervisor => "supervisor",
            Self::Offences => "offence_ids",
            Self::Bail => "bail",
            Self::Warrant => "warrant",
            Self::Recall => "recall",
            Self::OverseasConvictions => "overseas_convictions",
            Self::Immigration => "immigration",
        }
    }
}

/// Checks asked of other bodies.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Checks (prompts alone; each with its answer together)")]
struct Checks {
    /// Day convictions overseas were asked for
    #[arg(long, value_name = "DATE")]
    overseas_asked: Option<Date>,
    /// Day convictions overseas were told
    #[arg(long, value_name = "DATE", requires = "overseas_asked")]
    overseas_answered: Option<Date>,
    /// Day immigration status was asked for
    #[arg(long, value_name = "DATE")]
    immigration_asked: Option<Date>,
    /// Day immigration status was told
    #[arg(long, value_name = "DATE", requires = "immigration_asked")]
    immigration_answered: Option<Date>,
}

fn check(asked: Option<Date>, answered: Option<Date>) -> Option<pb::OverseasCheck> {
    asked.map(|_| pb::OverseasCheck { asked_on: date(asked), answered_on: date(answered) })
}

impl AmendArgs {
    fn file(&self) -> pb::Outstanding {
        let checks = &self.checks;
        pb::Outstanding {
            offence_ids: self.desk.offence.clone(),
            area: self.desk.area.clone().unwrap_or_default(),
            officer: self.desk.officer.clone().unwrap_or_default(),
            supervisor: self.desk.supervisor.clone().unwrap_or_default(),
            bail: self.terms.bail(),
            warrant: self.terms.warrant(),
            recall: self.terms.recall(),
            overseas_convictions: check(checks.overseas_asked, checks.overseas_answered),
            immigration: check(checks.immigration_asked, checks.immigration_answered),
            ..Default::default()
        }
    }

    /// What to ask.
    ///
    /// # Errors
    /// Nothing is to be changed, or something is both to be set and to be emptied.
    pub(super) fn request(&self, request_id: &str) -> Result<pb::AmendOutstandingRequest, Failure> {
        let file = self.file();
        let given = [
            (Field::Area, self.desk.area.is_some()),
            (Field::Officer, self.desk.officer.is_some()),
            (Field::Supervisor, self.desk.supervisor.is_some()),
            (Field::Offences, !file.offence_ids.is_empty()),
            (Field::Bail, file.bail.is_some()),
            (Field::Warrant, file.warrant.is_some()),
            (Field::Recall, file.recall.is_some()),
            (Field::OverseasConvictions, file.overseas_convictions.is_some()),
            (Field::Immigration, file.immigration.is_some()),
        ];
        if let Some((field, _)) = given.iter().find(|(field, given)| *given && self.clear.contains(field)) {
            let text = format!("{} is both to be set and to be emptied", field.contract_name());
            return Err(Failure::new(Exit::Usage, text));
        }
        let fields: Vec<_> = given
            .iter()
            .filter(|(field, given)| *given || self.clear.contains(field))
            .map(|(field, _)| field.contract_name().to_owned())
            .collect();
        if fields.is_empty() {
            return Err(Failure::new(Exit::Usage, "nothing is to be changed; name at least one term, or --clear one"));
        }
        Ok(pb::AmendOutstandingRequest {
            request_id: request_id.to_owned(),
            subject_ref: self.subject.clone(),
            outstanding_id: self.file.clone(),
            fields,
            file: Some(file),
            etag: self.etag.clone(),
        })
    }
}

/// Puts the terms in place.
pub async fn run(args: &AmendArgs) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let request = args.request(&id)?;
    let fields = request.fields.join(", ");
    let mut client = client::outstanding(args.write.connect().await?);
    let answer = settled(client.amend_outstanding(request).await, &id)?;
    let receipt = Receipt {
        done: format!("File {} amended ({fields})", args.file),
        id: args.file.clone(),
        revision: answer.revision,
        etag: answer.etag.clone(),
        remarks: Vec::new(),
    };
    args.write.tell(&receipt, &answer)
}
