//! Asks the server whether it is ready, by the standard health service. For probes
//! and for people; changes nothing.

use std::process::ExitCode;
use std::time::Duration;

use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use super::client::ServerArgs;
use super::exit::{Exit, Failure};
use super::output;

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
}

/// Prints the status. Ends with 0 if the service serves, with 69 if not.
///
/// # Errors
/// The server does not answer, or knows no such service.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = HealthClient::new(args.server.connect().await?);
    let question = client.check(HealthCheckRequest { service: args.service.clone() });
    let answer = tokio::time::timeout(ANSWER_WITHIN, question).await;
    let answer = answer.map_err(|_| Failure::new(Exit::Unavailable, "the server took the call and did not answer"))?;
    let answer = answer?.into_inner();
    let status = answer.status();
    output::print(&format!("{}\n", status.as_str_name()))?;
    Ok(match status {
        ServingStatus::Serving => Exit::Done,
        ServingStatus::Unknown | ServingStatus::NotServing | ServingStatus::ServiceUnknown => Exit::Unavailable,
    }
    .into())
}
