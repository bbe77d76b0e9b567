//! `steelyard keys`: how a key ring stands, and its wrapping under a new key. Works
//! on the ring's files: a rotation wants the server stopped. Shows no key.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::Subcommand;
use serde::Serialize;

use super::exit::{Exit, Failure};
use super::output::{self, Format, OutputArgs};
use crate::api::erasure::site;
use crate::config::{self, Flags};
use crate::store::keyring::{KeyRing, KeyRingError, RingStatus, Site};

/// Arguments of `keys`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show how the ring stands; the server may be running
    Status(RingArgs),
    /// Wrap the ring under a new key-encryption key, and overwrite the old one; the server must be stopped
    Rotate(RingArgs),
}

#[derive(Debug, clap::Args)]
struct RingArgs {
    #[command(flatten)]
    settings: Flags,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Serialize)]
struct Told {
    key_encryption_key: String,
    written: u64,
    keys: u64,
    destroyed: u64,
    of_a_store: bool,
}

/// Shows or rotates.
///
/// # Errors
/// The settings are wrong or name no ring, or the ring cannot be used.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let (args, rotate) = match &args.command {
        Command::Status(args) => (args, false),
        Command::Rotate(args) => (args, true),
    };
    let settings = config::load(&args.settings)?;
    let Some(keys) = &settings.encryption.keys else {
        let problem = "`encryption.directory` is not set, so nothing is sealed and there is no ring";
        return Err(Failure::new(Exit::Usage, problem).into());
    };
    let site = site(keys);
    if rotate {
        if !site.ring().exists() {
            return Err(KeyRingError::NoRing { path: site.ring() }.into());
        }
        KeyRing::open(&site)?.rotate()?;
    }
    let status = KeyRing::look(&site)?;
    output::print(&match args.output.output {
        Format::Table => screen(&status),
        Format::Json => output::json(&told(&status))?,
        Format::Csv => format!(
            "key_encryption_key,written,keys,destroyed\n{},{},{},{}\n",
            status.kek, status.sequence, status.keys, status.destroyed
        ),
    })?;
    Ok(Exit::Done.into())
}

/// The ring in a directory, for a command that reads a store at rest.
///
/// # Errors
/// There is none, or it cannot be used.
pub fn open(directory: &Path, kek_file: Option<&Path>) -> anyhow::Result<Arc<KeyRing>> {
    let usual = Site::within(directory);
    let kek_file: PathBuf = kek_file.map_or_else(|| usual.kek_file.clone(), Path::to_owned);
    let site = Site { kek_file, ..usual };
    if !site.ring().exists() {
        return Err(KeyRingError::NoRing { path: site.ring() }.into());
    }
    Ok(Arc::new(KeyRing::open(&site)?))
}

fn told(status: &RingStatus) -> Told {
    Told {
        key_encryption_key: status.kek.clone(),
        written: status.sequence,
        keys: status.keys,
        destroyed: status.destroyed,
        of_a_store: status.bound,
    }
}

fn screen(status: &RingStatus) -> String {
    let store = if status.bound { "a store's" } else { "not used with a store yet" };
    format!(
        "Key ring, {store}\n  wrapped under  {}\n  written        {} times\n  keys           {}, those made ahead \
         among them\n  destroyed      {}\n",
        status.kek, status.sequence, status.keys, status.destroyed
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_is_never_made_by_looking_for_one() {
        let home = tempfile::tempdir().unwrap();
        assert!(open(&home.path().join("keys"), None).is_err());
        assert!(!home.path().join("keys").exists());
    }
}
