//! The way from a command to the server, and how the server's refusals are told to
//! a person: the sentence, the reason, and every field that was wrong.

use std::fmt::Write;
use std::time::Duration;

use tonic::Status;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::{self, Endpoint};
use tonic_types::StatusExt;

use super::exit::{Exit, Failure};
use super::output::plain;
use super::stated::{Stated, StatedArgs};
use crate::pb::ErrorReason;
use crate::pb::audit_service_client::AuditServiceClient;
use crate::pb::cohort_service_client::CohortServiceClient;
use crate::pb::evidence_service_client::EvidenceServiceClient;
use crate::pb::maintenance_service_client::MaintenanceServiceClient;
use crate::pb::outstanding_service_client::OutstandingServiceClient;
use crate::pb::policy_service_client::PolicyServiceClient;
use crate::pb::ranking_service_client::RankingServiceClient;
use crate::pb::rescore_service_client::RescoreServiceClient;

/// A connection to a server, on which every call states who asks.
pub type Channel = InterceptedService<transport::Channel, Stated>;

/// Address that commands connect to where none is given.
pub const DEFAULT_SERVER: &str = "http://127.0.0.1:50051";

/// Longest time to wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// Largest reply taken in, in bytes: above the server's 4 MiB, so that a server set to more is still understood.
const REPLY_BYTES: usize = 64 << 20;

/// Which server to ask, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub struct ServerArgs {
    /// Server to ask
    #[arg(long, value_name = "URL", env = "STEELYARD_SERVER", default_value = DEFAULT_SERVER)]
    pub server: String,
    /// Who asks.
    #[command(flatten)]
    pub stated: StatedArgs,
}

impl ServerArgs {
    /// A server, asked by nobody in particular.
    pub fn at(server: String) -> Self {
        Self { server, stated: StatedArgs::default() }
    }

    /// The server that a flag names, or else the environment.
    pub fn or_environment(flag: Option<String>, stated: StatedArgs) -> Self {
        let server = flag.or_else(|| std::env::var("STEELYARD_SERVER").ok());
        Self { server: server.unwrap_or_else(|| DEFAULT_SERVER.to_owned()), stated }
    }

    /// The way to the server, and what is stated on it.
    ///
    /// # Errors
    /// The address is no URL, or what is to be stated cannot be.
    pub fn way(&self) -> anyhow::Result<(Endpoint, Stated)> {
        let wrong = || Failure::new(Exit::Usage, self.hint("is not a URL, such as http://127.0.0.1:50051"));
        let endpoint = Endpoint::from_shared(self.server.clone()).map_err(|_| wrong())?;
        if !matches!(endpoint.uri().scheme_str(), Some("http" | "https")) || endpoint.uri().host().is_none() {
            return Err(wrong().into());
        }
        let stated = self.stated.stated(endpoint.uri())?;
        let endpoint = match self.stated.tls(endpoint.uri())? {
            Some(tls) => endpoint.tls_config(tls).map_err(|_| {
                Failure::new(
                    Exit::Usage,
                    "the files of --tls-ca, --tls-certificate or --tls-key hold no certificate or key",
                )
            })?,
            None => endpoint,
        };
        Ok((endpoint.connect_timeout(CONNECT_WITHIN).tcp_nodelay(true), stated))
    }

    /// Connects.
    ///
    /// # Errors
    /// The address is no URL, what is to be stated cannot be, or nobody answers there.
    pub async fn connect(&self) -> anyhow::Result<Channel> {
        let (endpoint, stated) = self.way()?;
        let connected = endpoint.connect().await.map_err(|_| {
            let problem = if endpoint.uri().scheme_str() == Some("https") {
                "does not answer over TLS: is it running, and is it vouched for by --tls-ca?"
            } else {
                "does not answer; is it running? `steelyard serve` or `steelyard demo` starts one"
            };
            Failure::new(Exit::Unavailable, self.hint(problem))
        })?;
        Ok(InterceptedService::new(connected, stated))
    }

    /// Connects to the ranking service.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn ranking(&self) -> anyhow::Result<RankingServiceClient<Channel>> {
        Ok(ranking(self.connect().await?))
    }

    fn hint(&self, problem: &str) -> String {
        format!("the server address {} {problem}", plain(&self.server))
    }
}

/// A client of the audit service on a connection.
pub fn audit(channel: Channel) -> AuditServiceClient<Channel> {
    AuditServiceClient::new(channel).max_decoding_message_size(REPLY_BYTES)
}

/// A client of the cohort service on a connection.
pub fn cohort(channel: Channel) -> CohortServiceClient<Channel> {
    CohortServiceClient::new(channel).max_decoding_message_size(REPLY_BYTES)
}

/// A client of the outstanding service on a connection.
pub fn outstanding(channel: Channel) -> OutstandingServiceClient<Channel> {
    OutstandingServiceClient::new(channel).max_decoding_message_size(REPLY_BYTES)
}

/// A client of the evidence service on a connection.
pub fn evidence(channel: Channel) -> EvidenceServiceClient<Channel> {
    EvidenceServiceClient::new(channel).max_decoding_message_size(REPLY_BYTES)
}

/// A client of the maintenance service on a connection.
pub fn maintenance(channel: Channel) -> MaintenanceServiceClient<Channel> {
    MaintenanceServiceClient::new(channel).max_decoding_message_size(REPLY_BYTES)
}

/// A client of the rescore service on a connection.
pub fn rescore(channel: Channel) -> RescoreServiceClient<Channel> {
    RescoreServiceClient::new(channel).max_decoding_message_size(REPLY_BYTES)
}

/// A client of the policy service on a connection.
pub fn policies(channel: Channel) -> PolicyServiceClient<Channel> {
    PolicyServiceClient::new(channel).max_decoding_message_size(REPLY_BYTES)
}

/// A client of the ranking service on a connection.
pub fn ranking(channel: Channel) -> RankingServiceClient<Channel> {
    RankingServiceClient::new(channel).max_decoding_message_size(REPLY_BYTES)
}

/// The reason that a status carries, where it is one of the contract.
pub fn reason(status: &Status) -> Option<ErrorReason> {
    let info = status.get_details_error_info()?;
    ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason))
}

/// Whether no server gave this status: the connection ended before it could, as it does after a handshake in which the
/// certificate shown was refused.
pub fn broke_off(status: &Status) -> bool {
    std::error::Error::source(status).is_some_and(<dyn std::error::Error>::is::<tonic::transport::Error>)
}

/// A status as a person reads it: the sentence, the reason, every field violation, when to try again.
pub fn describe(status: &Status) -> String {
    let details = status.get_error_details();
    let mut text = if broke_off(status) {
        "the connection broke off: the server has ended, or refuses this certificate or wants one \
         (--tls-certificate and --tls-key)"
            .to_owned()
    } else if status.message().is_empty() {
        format!("the server answered {:?}", status.code())
    } else {
        plain(status.message())
    };
    if let Some(info) = details.error_info() {
        let _ = write!(text, " ({})", plain(&info.reason));
        let mut metadata: Vec<_> = info.metadata.iter().collect();
        metadata.sort();
        for (name, value) in metadata {
            let _ = write!(text, "\n  {}: {}", plain(name), plain(value));
        }
    }
    for violation in details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default() {
        let _ = write!(text, "\n  {}: {}", plain(&violation.field), plain(&violation.description));
        if !violation.reason.is_empty() {
            let _ = write!(text, " ({})", plain(&violation.reason));
        }
    }
    if let Some(delay) = details.retry_info().and_then(|retry| retry.retry_delay) {
        let _ = write!(text, "\n  try again after {} ms", delay.as_millis());
    }
    text
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use tonic::Code;
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn every_field_violation_is_told_with_its_reason() {
        let mut details = ErrorDetails::with_error_info("INVALID_ARGUMENT", "steelyard", HashMap::default());
        details.add_bad_request_violation("page_size", "is 5000; at most 1000 are allowed");
        details.add_bad_request_violation("filter.bands[0]", "is unspecified; name a band");
        details.set_retry_info(Some(Duration::from_millis(250)));
        let status = Status::with_error_details(Code::InvalidArgument, "2 fields are wrong", details);
        assert_eq!(
            describe(&status),
            "2 fields are wrong (INVALID_ARGUMENT)\n  page_size: is 5000; at most 1000 are allowed\n  \
             filter.bands[0]: is unspecified; name a band\n  try again after 250 ms"
        );
        assert_eq!(reason(&status), Some(ErrorReason::InvalidArgument));
    }

    #[test]
    fn a_status_without_details_is_told_by_its_message_or_code() {
        assert_eq!(describe(&Status::not_found("no such person is held")), "no such person is held");
        assert_eq!(describe(&Status::unavailable("")), "the server answered Unavailable");
    }

    #[tokio::test]
    async fn an_address_that_is_no_url_is_wrong_usage() {
        for server in ["https://127.0.0.1:50051", "ftp://127.0.0.1:50051", "127.0.0.1:50051", "not a url"] {
            let error = ServerArgs::at(server.to_owned()).connect().await.expect_err("must be refused");
            assert_eq!(super::super::exit::of(&error), Exit::Usage, "{error}");
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable() {
        let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", free.local_addr().unwrap());
        drop(free);
        let error = ServerArgs::at(server).connect().await.expect_err("nobody listens");
        assert_eq!(super::super::exit::of(&error), Exit::Unavailable, "{error}");
    }
}
