//! `steelyard subject erase`: erases a person for good. Takes two people, and says
//! what is left where the store is not sealed.

use std::process::ExitCode;

use crate::cli::client;
use crate::cli::output::count;
use crate::cli::write::{Receipt, WriteArgs, settled};
use crate::pb;

/// Arguments of `subject erase`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The person's reference
    #[arg(value_name = "SUBJECT_REF")]
    subject: String,
    /// Officer who asks for it
    #[arg(long, value_name = "OFFICER")]
    officer: String,
    /// Person who authorises it, who is somebody else
    #[arg(long, value_name = "OFFICER")]
    second_officer: String,
    /// Why, 10 to 500 characters without personal data of the person: it stays in the ledger
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// On what ground in law, such as "DPA 2018 s47(1)"
    #[arg(long, value_name = "TEXT")]
    legal_ground: String,
    #[command(flatten)]
    write: WriteArgs,
}

/// Erases.
///
/// # Errors
/// The server's refusal.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let id = args.write.request_id();
    let mut client = client::evidence(args.write.connect().await?);
    let request = pb::EraseSubjectRequest {
        request_id: id.clone(),
        subject_ref: args.subject.clone(),
        officer: args.officer.clone(),
        second_officer: args.second_officer.clone(),
        reason: args.reason.clone(),
        legal_ground: args.legal_ground.clone(),
    };
    let answer = settled(client.erase_subject(request).await, &id)?;
    let receipt = Receipt {
        done: format!("Person erased, with events: {}", count(answer.events_erased)),
        revision: answer.revision,
        remarks: remarks(&answer),
        ..Receipt::default()
    };
    args.write.tell(&receipt, &answer)
}

/// What was done beyond the person's events, and what is left to do.
fn remarks(answer: &pb::EraseSubjectResponse) -> Vec<String> {
    let mut remarks = Vec::new();
    remarks.push(if answer.key_destroyed {
        "The person's key is destroyed: backups of before hold nothing of the person that anybody can read.".to_owned()
    } else {
        "This store is not sealed: there is no key to destroy.".to_owned()
    });
    if answer.events_unsealed > 0 {
        remarks.push(format!(
            "Events that lie open: {}. Nobody is shown them; their bytes go when the server starts again, and those in \
             backups once a full one was made after that.",
            count(answer.events_unsealed)
        ));
    }
    if answer.generations_blanked > 0 {
        remarks.push(format!("Published generations in which rows were blanked: {}.", answer.generations_blanked));
    }
    if answer.people_weighed_anew > 0 {
        let people = answer.people_weighed_anew;
        remarks.push(format!("Weighed anew because they shared a victim with the person: {people}."));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_open_still_is_said() {
        let answer = pb::EraseSubjectResponse { events_unsealed: 3, key_destroyed: true, ..Default::default() };
        assert!(remarks(&answer).iter().any(|remark| remark.contains("Events that lie open: 3.")));
        let open = pb::EraseSubjectResponse::default();
        assert_eq!(remarks(&open), ["This store is not sealed: there is no key to destroy."]);
    }
}
