//! Stand-in.
use std::process::ExitCode;
/// Stand-in.
#[derive(Debug, clap::Args)]
pub struct Args {}
/// Stand-in.
#[allow(clippy::unused_async)]
pub async fn run(_: &Args) -> anyhow::Result<ExitCode> {
    Ok(ExitCode::SUCCESS)
}
