//! Terms of a file as flags: who looks for the person, for which offences, and the
//! bail, warrant or recall behind it. Judged by the server.

use pbjson_types::Timestamp;

use crate::cli::when;
use crate::cli::word::{number_or_none, parser};
use crate::domain::Date;
use crate::domain::word::WarrantCategory;
use crate::pb;

/// Who looks for the person, and for which offences.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Who looks, and for what")]
pub struct Desk {
    /// Policing area that looks for the person
    #[arg(long, value_name = "AREA")]
    pub area: Option<String>,
    /// Officer in the case
    #[arg(long, value_name = "OFFICER")]
    pub officer: Option<String>,
    /// The officer's supervisor
    #[arg(long, value_name = "OFFICER")]
    pub supervisor: Option<String>,
    /// Offence record that the person is wanted for; of a recall the index offence (may be repeated)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub offence: Vec<String>,
}

/// Bail, warrant and recall.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Terms {
    #[command(flatten)]
    bail: Bail,
    #[command(flatten)]
    warrant: Warrant,
    #[command(flatten)]
    recall: Recall,
}

#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Bail (together: what is left out is empty)")]
#[expect(clippy::struct_field_names, reason = "a field is a flag, told apart from those of the other terms")]
struct Bail {
    /// Day on which the person was to surrender
    #[arg(long, value_name = "DATE")]
    surrender_on: Option<Date>,
    /// Police station or court to surrender at
    #[arg(long, value_name = "PLACE")]
    bail_place: Option<String>,
    /// Day to which bail was extended (may be repeated, in order)
    #[arg(long, value_name = "DATE", value_delimiter = ',')]
    extended_to: Vec<Date>,
    /// Condition of bail, without names (may be repeated)
    #[arg(long, value_name = "TEXT")]
    condition: Vec<String>,
}

#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Warrant (together: what is left out is empty)")]
#[expect(clippy::struct_field_names, reason = "a field is a flag, told apart from those of the other terms")]
struct Warrant {
    /// How soon it is to be executed
    #[arg(long, value_name = "CATEGORY", value_parser = parser::<WarrantCategory>(), ignore_case = true)]
    warrant_category: Option<WarrantCategory>,
    /// Day issued [default: the day the file opened]
    #[arg(long, value_name = "DATE")]
    warrant_issued: Option<Date>,
    /// Day by which it is to be executed [default: as policy says for its category]
    #[arg(long, value_name = "DATE")]
    warrant_target: Option<Date>,
    /// Court
    #[arg(long, value_name = "COURT")]
    court: Option<String>,
}

#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Recall (together: what is left out is empty)")]
struct Recall {
    /// When the force was told, as RFC 3339 [default: when the file opened]
    #[arg(long, value_name = "TIME", value_parser = when::typed)]
    recall_notified: Option<Timestamp>,
    /// Day by which the person is to be back in custody [default: as policy says for the kind of recall]
    #[arg(long, value_name = "DATE")]
    recall_target: Option<Date>,
}

/// A date as the contract writes it. Empty: none.
pub fn date(date: Option<Date>) -> String {
    date.map_or_else(String::new, |date| date.to_string())
}

impl Terms {
    /// The bail. `None`: no flag of it was given.
    pub fn bail(&self) -> Option<pb::BailTerms> {
        let terms = pb::BailTerms {
            surrender_on: date(self.bail.surrender_on),
            place: self.bail.bail_place.clone().unwrap_or_default(),
            extended_to: self.bail.extended_to.iter().map(Date::to_string).collect(),
            conditions: self.bail.condition.clone(),
        };
        Some(terms).filter(|terms| *terms != pb::BailTerms::default())
    }

    /// The warrant. `None`: no flag of it was given.
    pub fn warrant(&self) -> Option<pb::WarrantTerms> {
        let terms = pb::WarrantTerms {
            category: number_or_none(self.warrant.warrant_category),
            issued_on: date(self.warrant.warrant_issued),
            target_on: date(self.warrant.warrant_target),
            court: self.warrant.court.clone().unwrap_or_default(),
        };
        Some(terms).filter(|terms| *terms != pb::WarrantTerms::default())
    }

    /// The recall. `None`: no flag of it was given.
    pub fn recall(&self) -> Option<pb::RecallTerms> {
        let terms =
            pb::RecallTerms { notified_time: self.recall.recall_notified, target_on: date(self.recall.recall_target) };
        Some(terms).filter(|terms| *terms != pb::RecallTerms::default())
    }
}
