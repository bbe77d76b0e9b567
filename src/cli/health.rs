//! Asks the server whether it is ready, by the standard health service, and how its
//! store stands. For probes and for people; changes nothing.

use std::process::ExitCode;
use std::time::Duration;

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::backup::{Output, instant};
use super::client::{self, ServerArgs};
use super::exit::{Exit, Failure};
use super::output::{self, count, plain};
use crate::cli::client::Channel;
use crate::pb;

/// Longest wait for an answer: a server that hangs is not ready.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Arguments of `health`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    server: ServerArgs,
    /// Service to ask about, such as steelyard.v1.RankingService; without it, the server as a whole
    #[arg(long, default_value = "", hide_default_value = true)]
    service: String,
    /// Show how the store stands too: ledger, journal, disk, last backup, what was repaired
    #[arg(long, conflicts_with = "service")]
    detail: bool,
    /// How to print the detail
    #[arg(short, long, value_enum, value_name = "FORMAT", default_value_t, requires = "detail")]
    output: Output,
}

/// Prints the status. Ends with 0 if the service serves, with 69 if not.
///
/// # Errors
/// The server does not answer, or knows no such service.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let channel = args.server.connect().await?;
    let mut client = HealthClient::new(channel.clone());
    let question = client.check(HealthCheckRequest { service: args.service.clone() });
    let answer = tokio::time::timeout(ANSWER_WITHIN, question).await;
    let answer = answer.map_err(|_| Failure::new(Exit::Unavailable, "the server took the call and did not answer"))?;
    let answer = answer?.into_inner();
    let status = answer.status();
    let detail = if args.detail { Some(detail(channel).await?) } else { None };
    output::print(&match (&detail, args.output) {
        (Some(detail), Output::Json) => output::json(detail)?,
        (Some(detail), Output::Table) => format!("{}\n{}", status.as_str_name(), screen(detail)),
        (None, Output::Json | Output::Table) => format!("{}\n", status.as_str_name()),
    })?;
    Ok(match status {
        ServingStatus::Serving => Exit::Done,
        ServingStatus::Unknown | ServingStatus::NotServing | ServingStatus::ServiceUnknown => Exit::Unavailable,
    }
    .into())
}

async fn detail(channel: Channel) -> anyhow::Result<pb::GetStoreStatusResponse> {
    let mut client = client::maintenance(channel);
    let answer = tokio::time::timeout(ANSWER_WITHIN, client.get_store_status(pb::GetStoreStatusRequest {})).await;
    let answer = answer.map_err(|_| Failure::new(Exit::Unavailable, "the server took the call and did not answer"))?;
    Ok(answer?.into_inner())
}

/// How the store stands, one line a matter, what asks for action in capitals.
fn screen(detail: &pb::GetStoreStatusResponse) -> String {
    let mut lines = vec![
        ("ledger", format!("revision {}, head {}", count(detail.revision), plain(&detail.head_hash))),
        ("store", plain(&detail.store)),
        ("writes", if detail.writable { "taken".to_owned() } else { format!("REFUSED: {}", plain(&detail.refusal)) }),
    ];
    if let Some(disk) = &detail.disk {
        let ballast = if disk.ballast_bytes > 0 {
            format!(", {} MiB held back", mebibytes(disk.ballast_bytes))
        } else {
            String::new()
        };
        let (free, least) = (mebibytes(disk.free_bytes), mebibytes(disk.least_bytes));
        lines.push(("disk", format!("{free} MiB free, writes are refused under {least} MiB{ballast}")));
    }
    if let Some(journal) = &detail.journal {
        let held = if journal.head_revision > journal.before_revision {
            let (from, to) = (count(journal.before_revision.saturating_add(1)), count(journal.head_revision));
            format!("revisions {from} to {to}")
        } else {
            format!("nothing after revision {} yet", count(journal.before_revision))
        };
        lines.push((
            "journal",
            format!(
                "{} bytes in {}, {held}; the engine has synced {}",
                count(journal.bytes),
                journal.segments,
                count(detail.engine_synced_revision)
            ),
        ));
    }
    lines.push(("backup", backup(detail)));
    if !detail.backup_problem.is_empty() {
        lines.push((
            "",
            format!(
                "THE LAST ONE FAILED: {} ({} since the start)",
                plain(&detail.backup_problem),
                detail.backup_failures
            ),
        ));
    }
    if let Some(recovered) = &detail.recovered {
        let at = recovered.recovered_time.as_ref().map(instant).unwrap_or_default();
        lines.push((
            "repaired",
            format!("AT {at}: {}; old files in quarantine/{}", plain(&recovered.reason), plain(&recovered.quarantine)),
        ));
    }
    if !detail.suspect.is_empty() {
        lines.push((
            "damage",
            format!("MET WHILE SERVING: {}; the next start checks everything", plain(&detail.suspect)),
        ));
    }
    if !detail.as_of.is_empty() {
        let stale = if detail.stale { "STALE: " } else { "" };
        let generation = if detail.generation > 0 {
            format!("generation {}", detail.generation)
        } else {
            "set at a start".to_owned()
        };
        let running = if detail.rescore_run.is_empty() { "" } else { "; a run goes on" };
        lines.push(("lists", format!("{stale}of {}, {generation}{running}", plain(&detail.as_of))));
    }
    if !detail.rescore_problem.is_empty() {
        lines.push(("", format!("THE NEWEST RUN DID NOT PUBLISH: {}", plain(&detail.rescore_problem))));
    }
    let lines: Vec<String> = lines.into_iter().map(|(matter, text)| format!("{matter:<9} {text}\n")).collect();
    lines.concat()
}

fn backup(detail: &pb::GetStoreStatusResponse) -> String {
    let running = if detail.backup_running { "; one is being made" } else { "" };
    let Some(last) = &detail.last_backup else { return format!("NONE YET{running}") };
    let at = last.create_time.as_ref().map(instant).unwrap_or_default();
    let behind = detail.revision.saturating_sub(last.revision);
    format!("{at}, through revision {}, {} behind{running}", count(last.revision), count(behind))
}

fn mebibytes(bytes: u64) -> String {
    count(bytes >> 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_asks_for_action_is_told_in_capitals() {
        let sick = pb::GetStoreStatusResponse {
            revision: 1_500,
            head_hash: "9f".repeat(32),
            refusal: "the disk has 5 bytes free; writes are refused under 10".to_owned(),
            disk: Some(pb::DiskState { free_bytes: 5 << 20, least_bytes: 256 << 20, ballast_bytes: 0 }),
            last_backup: Some(pb::Backup { revision: 1_000, ..Default::default() }),
            backup_problem: "the disk is full".to_owned(),
            backup_failures: 3,
            suspect: "event 7".to_owned(),
            stale: true,
            as_of: "2026-11-26".to_owned(),
            rescore_problem: "the disk is full".to_owned(),
            ..Default::default()
        };
        let text = screen(&sick);
        for told in [
            "writes    REFUSED: the disk has 5 bytes free",
            "disk      5 MiB free, writes are refused under 256 MiB\n",
            "through revision 1,000, 500 behind",
            "THE LAST ONE FAILED: the disk is full (3 since the start)",
            "MET WHILE SERVING: event 7",
            "lists     STALE: of 2026-11-26, set at a start\n",
            "THE NEWEST RUN DID NOT PUBLISH: the disk is full",
        ] {
            assert!(text.contains(told), "{told} is not in:\n{text}");
        }
    }

    #[test]
    fn a_healthy_store_shouts_nothing() {
        let well = pb::GetStoreStatusResponse {
            writable: true,
            revision: 7,
            head_hash: "9f".repeat(32),
            journal: Some(pb::JournalState { before_revision: 2, head_revision: 7, bytes: 4_096, segments: 1 }),
            engine_synced_revision: 7,
            last_backup: Some(pb::Backup { revision: 7, ..Default::default() }),
            ..Default::default()
        };
        let text = screen(&well);
        assert!(!text.contains("REFUSED") && !text.contains("NONE") && !text.contains("FAILED"), "{text}");
        assert!(text.contains("journal   4,096 bytes in 1, revisions 3 to 7; the engine has synced 7"), "{text}");
        let journal = Some(pb::JournalState { before_revision: 7, head_revision: 7, bytes: 4_096, segments: 1 });
        let text = screen(&pb::GetStoreStatusResponse { journal, ..well });
        assert!(text.contains("4,096 bytes in 1, nothing after revision 7 yet; the engine"), "{text}");
    }
}
