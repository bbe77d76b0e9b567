//! A policy as it is named on the command line: a file, or a version that the server
//! knows.

use std::path::Path;

use super::read;
use crate::cli::client::Channel;
use crate::cli::client::{self, ServerArgs};
use crate::pb;
use crate::pb::policy_service_client::PolicyServiceClient;

/// What a name stands for: a file where there is one of that name, and else a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Named<'a> {
    /// A file.
    File(&'a Path),
    /// A version.
    Version(&'a str),
}

impl<'a> Named<'a> {
    /// What is meant.
    pub fn of(name: &'a str) -> Self {
        let path = Path::new(name);
        let is_toml = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("toml"));
        let is_path = is_toml || path.components().count() > 1 || path.exists();
        if is_path { Self::File(path) } else { Self::Version(name) }
    }

    /// As a simulation takes it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn tried(&self) -> anyhow::Result<pb::simulate_policy_request::Policy> {
        Ok(match self {
            Self::File(path) => pb::simulate_policy_request::Policy::Text(read(path)?),
            Self::Version(version) => pb::simulate_policy_request::Policy::Version((*version).to_owned()),
        })
    }

    /// Its text; a server is asked for a version, and for nothing else.
    ///
    /// # Errors
    /// The file cannot be read; the server does not answer or knows no such version.
    pub async fn text(&self, server: &ServerArgs) -> anyhow::Result<String> {
        match self {
            Self::File(path) => read(path),
            Self::Version(version) => Ok(ask(&mut client::policies(server.connect().await?), version).await?.text),
        }
    }
}

/// A policy of the server; an empty version is the one in force.
///
/// # Errors
/// The server refuses.
pub async fn ask(client: &mut PolicyServiceClient<Channel>, version: &str) -> anyhow::Result<pb::GetPolicyResponse> {
    let request = pb::GetPolicyRequest { version: version.to_owned(), ..Default::default() };
    Ok(client.get_policy(request).await?.into_inner())
}
