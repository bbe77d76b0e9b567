//! Settings as flags of the command line, made from the keys: every key has a flag.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::CONCERNS;
use super::key::{Key, Shape};

/// Settings given on the command line, not yet judged.
#[derive(Clone, Debug, Default)]
pub struct Flags {
    /// TOML file to read.
    pub file: Option<PathBuf>,
    /// Keys given, with their texts.
    pub given: Vec<(&'static Key, String)>,
}

impl clap::Args for Flags {
    fn augment_args(command: Command) -> Command {
        let config = Arg::new("config")
            .long("config")
            .value_name("FILE")
            .env("STEELYARD_CONFIG")
            .value_parser(clap::value_parser!(PathBuf))
            .help("TOML file with settings");
        CONCERNS.iter().fold(command.arg(config), |command, concern| {
            concern.keys.iter().fold(command, |command, key| command.arg(flag(key, concern.title)))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn flag(key: &'static Key, heading: &'static str) -> Arg {
    let arg = Arg::new(key.name).long(key.flag).help_heading(heading).long_help(help(key));
    let first = key.meaning.split_inclusive(". ").next().unwrap_or(key.meaning).trim_end_matches(['.', ' ']);
    let arg = arg.help(match key.default {
        Some(default) => format!("{first} [default: {default}]"),
        None => first.to_owned(),
    });
    match key.shape {
        Shape::Value(placeholder) => arg.value_name(placeholder),
        Shape::Switch => arg.action(ArgAction::SetTrue),
    }
}

fn help(key: &Key) -> String {
    let default = key.default.map_or_else(String::new, |default| format!(" Default: {default}."));
    format!("{}\n\nTakes {}.{default} Environment: {}.", key.meaning, key.takes, key.variable)
}

impl clap::FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.file = matches.get_one::<PathBuf>("config").cloned();
        self.given.clear();
        for key in CONCERNS.iter().flat_map(|concern| concern.keys.iter().copied()) {
            match key.shape {
                Shape::Switch if matches.get_flag(key.name) => self.given.push((key, "true".to_owned())),
                Shape::Switch => {}
                Shape::Value(_) => {
                    self.given.extend(matches.get_one::<String>(key.name).map(|text| (key, text.clone())));
                }
            }
        }
        Ok(())
    }
}
