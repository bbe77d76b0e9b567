//! Tokens for development: an issuer of one's own, in a directory. The key lies in a
//! file on this machine, and whoever can read it can be anybody: no server that holds
//! records of real people may ever be given these keys.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use aws_lc_rs::signature::Ed25519KeyPair;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::exit::{Exit, Failure};
use super::output;
use super::signer::Signer;
use crate::access::grant::Grant;

/// The issuer that these tokens name.
pub const ISSUER: &str = "steelyard-development";
/// The service that they are for.
pub const AUDIENCE: &str = "steelyard";

/// File of the private key.
const KEY: &str = "development-key.txt";
/// File of the public key, as a server reads it.
const JWKS: &str = "development-jwks.json";
/// Most hours for which a token is good.
const HOURS: i64 = 24;

/// Arguments of `token`.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    token: TokenArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Make the keys if there are none, and print the settings with which a server believes these tokens
    Keys(KeysArgs),
}

#[derive(Debug, clap::Args)]
struct KeysArgs {
    /// Directory of the keys, made on first use
    #[arg(long, value_name = "DIR", default_value = ".steelyard-development")]
    directory: PathBuf,
}

#[derive(Debug, clap::Args)]
struct TokenArgs {
    #[command(flatten)]
    keys: KeysArgs,
    /// Whom the token speaks for
    #[arg(long, value_name = "NAME", default_value = "developer")]
    actor: String,
    /// Role, such as reader or supervisor; repeat for several
    #[arg(long = "role", value_name = "ROLE", default_value = "reader")]
    roles: Vec<String>,
    /// Area that may be seen, or * for the whole force; repeat for several. Without it nobody is seen
    #[arg(long = "area", value_name = "AREA")]
    areas: Vec<String>,
    /// List that may be seen, such as WANTED; repeat for several [default: all]
    #[arg(long = "list", value_name = "LIST")]
    lists: Vec<String>,
    /// see_children or see_sensitive_intelligence; repeat for both
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// Hours for which the token is good
    #[arg(long, value_name = "HOURS", default_value_t = 8, value_parser = clap::value_parser!(i64).range(1..=HOURS))]
    hours: i64,
}

/// Prints a token, or the settings that believe it.
///
/// # Errors
/// What is asked for does not exist, or the directory cannot be read or written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    eprintln!("steelyard: for development only: never give a server with records of real people these keys");
    match &args.command {
        Some(Command::Keys(args)) => {
            let issuer = Issuer::in_directory(&args.directory)?;
            output::print(&format!(
                "[access]\njwks_file = \"{}\"\nissuer = \"{ISSUER}\"\naudience = \"{AUDIENCE}\"\n",
                issuer.jwks.display()
            ))?;
        }
        None => output::print(&format!("{}\n", args.token.token(Timestamp::now())?))?,
    }
    Ok(Exit::Done.into())
}

impl TokenArgs {
    fn token(&self, now: Timestamp) -> anyhow::Result<String> {
        let lists = (!self.lists.is_empty()).then(|| self.lists.clone());
        let grant = Grant {
            roles: Some(self.roles.clone()),
            areas: Some(self.areas.clone()),
            lists: lists.clone(),
            permissions: Some(self.permissions.clone()),
        };
        grant.identity(&self.actor).map_err(|faults| {
            let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
            Failure::new(Exit::Usage, told.join("; "))
        })?;
        let mut claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": self.actor,
            "iat": now.as_second(),
            "nbf": now.as_second(),
            "exp": (now + SignedDuration::from_hours(self.hours)).as_second(),
            "roles": self.roles,
            "areas": self.areas,
            "permissions": self.permissions,
        });
        if let Some(lists) = lists {
            claims["lists"] = json!(lists);
        }
        Ok(Issuer::in_directory(&self.keys.directory)?.signer.sign(&claims))
    }
}

/// The issuer in a directory.
struct Issuer {
    signer: Signer,
    jwks: PathBuf,
}

impl Issuer {
    fn in_directory(directory: &Path) -> anyhow::Result<Self> {
        let at = |path: &Path| format!("cannot use {}", path.display());
        let (key, jwks) = (directory.join(KEY), directory.join(JWKS));
        private_directory(directory).with_context(|| at(directory))?;
        let pair = match File::open(&key) {
            Ok(file) => {
                let mut text = String::new();
                file.take(4_096).read_to_string(&mut text).with_context(|| at(&key))?;
                let pair = STANDARD.decode(text.trim()).ok().and_then(|der| Ed25519KeyPair::from_pkcs8(&der).ok());
                pair.ok_or_else(|| Failure::new(Exit::DataRefused, format!("{} holds no key", key.display())))?
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let pair = Ed25519KeyPair::generate().context("cannot make a key")?;
                let der = pair.to_pkcs8().context("cannot write a key")?;
                let text = format!("{}\n", STANDARD.encode(der.as_ref()));
                private_file(&key, text.as_bytes()).with_context(|| at(&key))?;
                pair
            }
            Err(error) => return Err(anyhow::Error::new(error).context(at(&key))),
        };
        let signer = Signer::of(pair);
        std::fs::write(&jwks, signer.set()).with_context(|| at(&jwks))?;
        Ok(Self { signer, jwks: std::fs::canonicalize(&jwks).with_context(|| at(&jwks))? })
    }
}

fn private_directory(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Writes a file that is new, for its owner alone.
pub(super) fn private_file(path: &Path, text: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(text)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::access::token::Verifier;
    use crate::config::{KeySource, Tokens};

    fn asked(directory: &Path, role: &str) -> TokenArgs {
        TokenArgs {
            keys: KeysArgs { directory: directory.to_owned() },
            actor: "me".to_owned(),
            roles: vec![role.to_owned()],
            areas: vec!["North".to_owned()],
            lists: Vec::new(),
            permissions: vec!["see_children".to_owned()],
            hours: 1,
        }
    }

    #[test]
    fn a_server_with_the_printed_settings_believes_the_token_for_its_hours() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::now();
        let token = asked(folder.path(), "supervisor").token(now).unwrap();
        let tokens = Tokens {
            keys: KeySource::File(folder.path().join(JWKS)),
            issuer: ISSUER.to_owned(),
            audience: AUDIENCE.to_owned(),
            leeway: Duration::ZERO,
            refresh: Duration::from_mins(1),
            keep: Duration::from_hours(1),
            remembered: 16,
        };
        let verifier = Verifier::open(&tokens, now).unwrap();
        let identity = verifier.verify(&token, now).unwrap();
        assert_eq!((identity.actor.as_ref(), identity.roles.len()), ("me", 1));
        assert!(verifier.verify(&token, now + SignedDuration::from_mins(61)).is_err());
    }

    #[test]
    fn the_key_is_made_once_and_read_by_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("keys");
        let first = Issuer::in_directory(&directory).unwrap().signer.kid();
        assert_eq!(Issuer::in_directory(&directory).unwrap().signer.kid(), first);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!((mode(&directory), mode(&directory.join(KEY))), (0o700, 0o600));
        }
    }

    #[test]
    fn a_role_that_does_not_exist_is_wrong_usage() {
        let folder = tempfile::tempdir().unwrap();
        let error = asked(folder.path(), "king").token(Timestamp::now()).unwrap_err();
        assert_eq!(super::super::exit::of(&error), Exit::Usage);
    }
}
