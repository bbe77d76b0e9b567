//! `steelyard offence`: what the published tables say of an offence, and how
//! many harm days the reference policy gives it and why. Reads compiled-in
//! tables only; needs no server.

mod desk;

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::{Args as ClapArgs, ValueEnum};

use crate::policy::Policy;
use crate::reference::tables;
use desk::Desk;

/// Looks up an offence: its title, category, harm days with the step they came from, and maximum sentence.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// A CJS code (TH68010), a Home Office code (034/01), or words of a title.
    #[arg(required = true, value_name = "QUERY")]
    pub query: Vec<String>,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
    /// Most codes to show when looking for words.
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub limit: usize,
}

/// Form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A table to read.
    #[default]
    Table,
    /// JSON.
    Json,
    /// Comma-separated values with a header.
    Csv,
}

/// Runs the command. Exit code 1 where nothing is found.
///
/// # Errors
/// When the answer cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let query = args.query.join(" ");
    let policy = Policy::reference();
    let desk = Desk::new(tables(), &policy);
    let found = desk.find(&query);
    if found.is_empty() {
        eprintln!("{}", desk.nothing(&query));
        return Ok(ExitCode::FAILURE);
    }
    let shown = &found[..found.len().min(args.limit.max(1))];
    let text = match args.output {
        Output::Table if shown.len() == 1 && found.len() == 1 => desk.sheet(shown[0]),
        Output::Table => desk.list(shown, found.len()),
        Output::Json => desk.json(shown)?,
        Output::Csv => desk.csv(shown)?,
    };
    io::stdout().lock().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::offence::OffenceCode;
    use crate::scoring::harm::HarmStep;

    fn with_desk<T>(ask: impl FnOnce(&Desk<'_>) -> T) -> T {
        let policy = Policy::reference();
        ask(&Desk::new(tables(), &policy))
    }

    #[test]
    fn a_code_in_any_case_is_one_sheet_with_title_harm_and_sentence() {
        with_desk(|desk| {
            let found = desk.find("th68010");
            assert_eq!(found.len(), 1);
            let sheet = desk.sheet(found[0]);
            for said in ["TH68010", "Theft from a shop", "046/00", "THEFT_NON_MOTOR", "7 years", "index, by"] {
                assert!(sheet.contains(said), "{said} in\n{sheet}");
            }
        });
    }

    #[test]
    fn a_home_office_code_is_one_sheet_with_its_rows() {
        with_desk(|desk| {
            let sheet = desk.sheet(desk.find("034/01")[0]);
            assert!(sheet.contains("365") && sheet.contains("Robbery (Personal)"), "{sheet}");
            assert!(!sheet.contains("Attempted"), "rows that stand aside are not among those used:\n{sheet}");
        });
    }

    #[test]
    fn words_list_codes_and_say_how_many_there_are() {
        with_desk(|desk| {
            let found = desk.find("dwelling burglary");
            assert!(found.len() > 3);
            assert!(desk.list(&found[..2], found.len()).contains(&format!("2 of {} codes", found.len())));
        });
    }

    #[test]
    fn an_override_is_told_with_its_reason_and_an_attempt_with_its_stem() {
        with_desk(|desk| {
            let rows = desk.entry_json(desk.find("TH68030")[0]);
            assert_eq!(rows["step"], "policy_override");
            assert!(rows["from"].as_str().expect("must be text").contains("set by policy thr-2026.1 for TH68030"));
            let stem = tables()
                .cjs_offences()
                .map(|(place, _)| OffenceCode { cjs: Some(place), ho: None })
                .find(|code| desk.resolver.code(*code).step == HarmStep::Stem);
            let told = desk.entry_json(stem.expect("there must be stems"));
            assert!(told["from"].as_str().expect("must be text").starts_with("as its stem "));
        });
    }

    #[test]
    fn every_code_found_is_one_row_of_the_csv() {
        with_desk(|desk| {
            let found = desk.find("wounding intent");
            let text = desk.csv(&found).expect("must be written");
            let rows = csv::Reader::from_reader(text.as_bytes()).records().count();
            assert_eq!(rows, found.len());
        });
    }

    #[test]
    fn what_is_not_there_names_its_nearest_codes() {
        with_desk(|desk| {
            assert!(desk.find("TH6801Z").is_empty());
            assert!(desk.nothing("TH6801Z").contains("TH68010"));
            assert!(desk.nothing("zz").contains("fewer or other words"));
        });
    }
}
