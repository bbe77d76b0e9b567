//! Opens the engine's files of a store once, for the server that is about to
//! start: what hangs or crashes here does so in a process that can be ended. Not
//! for people, and not in the help.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::store::recovery::probe;

/// Opens the engine's files of a store and says by its exit code how that went.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the engine's files
    engine: PathBuf,
    /// Cache, bytes
    cache_bytes: u64,
}

/// Runs the probe.
pub fn run(args: &Args) -> ExitCode {
    let (code, explanation) = probe::inspect(&args.engine, args.cache_bytes);
    if !explanation.is_empty() {
        println!("{explanation}");
    }
    ExitCode::from(code as u8)
}
