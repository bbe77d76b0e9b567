//! Shell completions, made from the command line itself.

use std::process::ExitCode;

use clap::CommandFactory;
use clap_complete::Shell;

use super::exit::Exit;
use super::{Root, output};

/// Arguments of `completions`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Shell to complete in
    shell: Shell,
}

/// Prints the completions of a shell.
///
/// # Errors
/// Standard output cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    output::print(&script(args.shell)?)?;
    Ok(Exit::Done.into())
}

fn script(shell: Shell) -> anyhow::Result<String> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Root::command(), "steelyard", &mut script);
    Ok(String::from_utf8(script)?)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn every_shell_completes_every_command() {
        for shell in Shell::value_variants() {
            let script = script(*shell).unwrap();
            for command in Root::command().get_subcommands() {
                assert!(script.contains(command.get_name()), "{shell} lacks {}", command.get_name());
            }
        }
    }
}
