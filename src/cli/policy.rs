//! `steelyard policy`. `check` judges a policy file in this process, and shows every
//! number that it changes from the reference policy; with a file of records it weighs
//! those people too, and shows the share of them that would stand in each band.
//!
//! Every other asks the server: a draft, its trial on the lists as they stand, its
//! approval by a second person, its activation, and who changed which number.

#[cfg(test)]
mod approving;
mod desk;
mod diff;
pub(super) mod named;
#[cfg(test)]
mod screens;
mod seen;
mod show;
mod simulate;
mod trial;

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use comfy_table::Table;
use serde_json::{Value, json};

use super::exit::{Exit, Failure};
use super::sheet::{blank, right_align};
use crate::domain::Date;
use crate::domain::word::Band;
use crate::policy::{Policy, PolicyViolation, numbers};

/// Judges policy files, and has policies drafted, tried, approved and activated.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do with a policy.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Checks a policy file: every fault at once, or a summary of its numbers.
    Check(CheckArgs),
    /// Keep a policy file as a draft under the version that it states
    Draft(desk::DraftArgs),
    /// Show who would change band, and who would enter the top of a list, under a policy
    Simulate(simulate::SimulateArgs),
    /// Approve a policy as a second person
    Approve(desk::ApproveArgs),
    /// Have an approved policy come into force with the next run that begins and publishes
    Activate(desk::ActivateArgs),
    /// Show the values that differ between two policies
    Diff(diff::DiffArgs),
    /// Show a policy: who changed which number, when and why
    Show(show::ShowArgs),
    /// Show which policies there are, the newest first
    List(show::ListArgs),
}

/// Arguments of `policy check`.
#[derive(Clone, Debug, ClapArgs)]
pub struct CheckArgs {
    /// The policy file; without one, the reference policy.
    #[arg(value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Records as NDJSON, as `import` takes them: weigh these people under the policy, in this process, and show
    /// the share of them in each band.
    #[arg(long, value_name = "FILE", requires = "as_of")]
    pub records: Option<PathBuf>,
    /// Day on which to weigh them.
    #[arg(long, value_name = "DATE", requires = "records")]
    pub as_of: Option<Date>,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
}

/// Form of an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// A table to read.
    #[default]
    Table,
    /// JSON.
    Json,
}

/// How many people of one list stand in each band.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BandShares {
    /// The list, such as `COHORT`.
    pub list: String,
    /// People in LOW, MEDIUM, HIGH and VERY_HIGH: in the order of [`Band::ALL`].
    pub people: [u64; 4],
}

/// Runs the command. Exit code 65 where the policy has faults.
///
/// # Errors
/// When a file cannot be read, a record is refused, the server does not answer or refuses, or the answer cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    match &args.command {
        // It serves in this process, on threads of its own.
        Command::Check(args) => check(args),
        Command::Draft(args) => super::wait(desk::draft(args)),
        Command::Simulate(args) => super::wait(simulate::run(args)),
        Command::Approve(args) => super::wait(desk::approve(args)),
        Command::Activate(args) => super::wait(desk::activate(args)),
        Command::Diff(args) => super::wait(diff::run(args)),
        Command::Show(args) => super::wait(show::show(args)),
        Command::List(args) => super::wait(show::list(args)),
    }
}

fn check(args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let text = match &args.file {
        Some(path) => read(path)?,
        None => Policy::default_text().to_owned(),
    };
    let named = args.file.as_ref().map_or("the reference policy".into(), |path| path.display().to_string());
    let (answer, code) = match Policy::parse(&text) {
        Ok(policy) => {
            let numbers = numbers(&text);
            let shares = match (&args.records, args.as_of) {
                (Some(records), Some(as_of)) => trial::shares(records, &text, as_of)?,
                (Some(_) | None, _) => Vec::new(),
            };
            let answer = match args.output {
                Output::Table => told(&named, &policy, &numbers, &shares),
                Output::Json => pretty(&valid_json(&policy, &numbers, &shares))?,
            };
            (answer, ExitCode::SUCCESS)
        }
        Err(violations) => {
            let answer = match args.output {
                Output::Table => refused(&named, &violations),
                Output::Json => pretty(&refused_json(&violations))?,
            };
            (answer, Exit::DataRefused.into())
        }
    };
    io::stdout().lock().write_all(answer.as_bytes())?;
    Ok(code)
}

fn read(path: &Path) -> anyhow::Result<String> {
    let missing = |why: String| Failure::new(Exit::InputMissing, format!("{} {why}", path.display()));
    let bytes = std::fs::read(path).map_err(|error| missing(format!("cannot be read: {error}")))?;
    Ok(String::from_utf8(bytes).map_err(|_| missing("is not UTF-8 text".to_owned()))?)
}

fn pretty(value: &Value) -> anyhow::Result<String> {
    Ok(serde_json::to_string_pretty(value)? + "\n")
}

/// One number of a policy, beside the reference policy's.
struct Number {
    key: String,
    value: String,
    /// Where it differs; `Some("")` where the reference policy has none.
    reference: Option<String>,
}

/// Every number of a valid policy file, in order of its keys.
fn numbers(text: &str) -> Vec<Number> {
    let (own, reference) = (numbers::numbers(text), numbers::numbers(Policy::default_text()));
    own.into_iter()
        .map(|(key, value)| {
            let held = reference.iter().find(|(known, _)| *known == key).map(|(_, value)| value);
            let reference = match held {
                Some(held) if *held == value => None,
                Some(held) => Some(held.clone()),
                None => Some(String::new()),
            };
            Number { key, value, reference }
        })
        .collect()
}

fn told(named: &str, policy: &Policy, numbers: &[Number], shares: &[BandShares]) -> String {
    let mut table = blank();
    table.set_header(["Key", "Value", "Reference policy"]);
    let is_override = |number: &&Number| number.key.starts_with("harm_override.");
    for number in numbers.iter().filter(|number| !is_override(number)) {
        let reference = match number.reference.as_deref() {
            None => "",
            Some("") => "none",
            Some(reference) => reference,
        };
        table.add_row([&number.key, &number.value, reference]);
    }
    right_align(&mut table, 1);
    let changed = numbers.iter().filter(|number| number.reference.is_some()).count();
    let mut text = format!("{table}\n\n{}\n", override_table(policy));
    for shares in shares {
        let _ = writeln!(text, "\n{}", share_table(shares));
    }
    let _ = writeln!(text, "\n{named} is valid: version {}, bands from {}.", policy.version, cut_offs(policy));
    let _ = match changed {
        0 => writeln!(text, "Every value is that of the reference policy."),
        1 => writeln!(text, "1 value differs from the reference policy."),
        changed => writeln!(text, "{changed} values differ from the reference policy."),
    };
    text
}

/// Harm days that the policy sets, with their reasons.
fn override_table(policy: &Policy) -> Table {
    let reference = Policy::reference().harm.overrides;
    let mut table = blank();
    table.set_header(["Harm override", "Days", "Decided", "Reason", "Reference policy"]);
    for (code, set) in &policy.harm.overrides {
        let held = match reference.get(code) {
            Some(held) if held == set => String::new(),
            Some(held) => format!("{} days, {}: {}", held.days, held.decided, held.reason),
            None => "none".to_owned(),
        };
        table.add_row([code, &set.days.to_string(), &set.decided.to_string(), &set.reason, &held]);
    }
    for code in reference.keys().filter(|code| !policy.harm.overrides.contains_key(*code)) {
        let held = format!("{} days", reference[code].days);
        table.add_row([code, "none", "", "", &held]);
    }
    right_align(&mut table, 1);
    table
}

fn cut_offs(policy: &Policy) -> String {
    let points = |milli| crate::domain::MilliPoints::new(milli);
    let bands = policy.bands;
    format!("MEDIUM {}, HIGH {}, VERY_HIGH {}", points(bands.medium), points(bands.high), points(bands.very_high))
}

/// Share of people in each band of one list.
fn share_table(shares: &BandShares) -> Table {
    let all: u64 = shares.people.iter().sum();
    let mut table = blank();
    table.set_header([&shares.list, "People", "Share"]);
    for (band, people) in Band::ALL.iter().zip(shares.people).rev() {
        let share = if all == 0 { 0.0 } else { 100.0 * people as f64 / all as f64 };
        table.add_row([
            band.proto().as_str_name().trim_start_matches("BAND_"),
            &people.to_string(),
            &format!("{share:.1} %"),
        ]);
    }
    right_align(&mut table, 1);
    right_align(&mut table, 2);
    table
}

fn refused(named: &str, violations: &[PolicyViolation]) -> String {
    let mut table = blank();
    table.set_header(["Where", "What is wrong", "Reason"]);
    for violation in violations {
        table.add_row([&violation.path, &violation.message, violation.reason]);
    }
    let faults = if violations.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", violations.len()) };
    format!("{table}\n\n{named} is refused: {faults}.\n")
}

fn valid_json(policy: &Policy, numbers: &[Number], shares: &[BandShares]) -> Value {
    let values: serde_json::Map<String, Value> =
        numbers.iter().map(|number| (number.key.clone(), json!(number.value))).collect();
    let changed: serde_json::Map<String, Value> = numbers
        .iter()
        .filter_map(|number| {
            let reference = number.reference.as_deref()?;
            let reference = if reference.is_empty() { Value::Null } else { json!(reference) };
            Some((number.key.clone(), json!({"value": number.value, "reference": reference})))
        })
        .collect();
    let shares: Vec<Value> = shares
        .iter()
        .map(|shares| {
            let people: serde_json::Map<String, Value> = Band::ALL
                .iter()
                .zip(shares.people)
                .map(|(band, people)| (band.proto().as_str_name().to_owned(), json!(people)))
                .collect();
            json!({"list": shares.list, "people": people})
        })
        .collect();
    json!({"valid": true, "version": policy.version, "values": values, "changed": changed, "shares": shares})
}

fn refused_json(violations: &[PolicyViolation]) -> Value {
    let violations: Vec<Value> = violations
        .iter()
        .map(|violation| json!({"path": violation.path, "reason": violation.reason, "message": violation.message}))
        .collect();
    json!({"valid": false, "violations": violations})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_policy_differs_from_itself_in_nothing() {
        let text = Policy::default_text();
        let told = told("it", &Policy::reference(), &numbers(text), &[]);
        assert!(told.contains("harm.half_life_days") && told.contains("730"));
        assert!(told.contains("it is valid: version thr-2026.1"));
        assert!(told.contains("VERY_HIGH 60.000"));
        assert!(told.ends_with("Every value is that of the reference policy.\n"), "{told}");
    }

    #[test]
    fn a_changed_number_stands_beside_the_reference_one() {
        let text = Policy::default_text().replace("very_high = 60", "very_high = 55");
        let numbers = numbers(&text);
        let changed: Vec<_> = numbers.iter().filter(|number| number.reference.is_some()).collect();
        assert_eq!(changed.len(), 1);
        assert_eq!((changed[0].key.as_str(), changed[0].value.as_str()), ("bands.very_high", "55"));
        assert_eq!(changed[0].reference.as_deref(), Some("60"));
        let policy = Policy::parse(&text).expect("must be valid");
        assert_eq!(valid_json(&policy, &numbers, &[])["changed"]["bands.very_high"]["reference"], "60");
    }

    #[test]
    fn the_same_number_written_otherwise_is_no_change() {
        let text = Policy::default_text().replace("medium = 0.50", "medium = 5e-1");
        assert!(numbers(&text).iter().all(|number| number.reference.is_none()));
    }

    #[test]
    fn overrides_added_changed_and_dropped_are_told() {
        let text = Policy::default_text()
            .replace("PU86001 = { days = 182.5", "PU86001 = { days = 200")
            .replace("ST19004 = {", "COMLA03 = {");
        let policy = Policy::parse(&text).expect("must be valid");
        let table = override_table(&policy).to_string();
        let row = |code: &str| table.lines().find(|line| line.contains(code)).unwrap_or_default().to_owned();
        assert!(row("PU86001").contains("200") && row("PU86001").contains("182.5 days"), "{table}");
        assert!(row("COMLA03").trim_end().ends_with("none"), "{table}");
        assert!(row("ST19004").contains("none") && row("ST19004").contains("2 days"), "{table}");
    }

    #[test]
    fn every_fault_is_listed_with_its_place() {
        let violations = Policy::parse("version = 3\n").expect_err("must be refused");
        let told = refused("it", &violations);
        assert!(told.contains("WRONG_TYPE") && told.contains("harm_override") && told.contains("bands"), "{told}");
        assert!(told.ends_with(&format!("it is refused: {} faults.\n", violations.len())));
        assert_eq!(refused_json(&violations)["violations"].as_array().map(Vec::len), Some(violations.len()));
    }

    #[test]
    fn shares_of_people_are_shown_highest_band_first() {
        let shares = BandShares { list: "COHORT".to_owned(), people: [60, 25, 10, 5] };
        let table = share_table(&shares).to_string();
        let (top, bottom) = (table.find("VERY_HIGH"), table.find("LOW"));
        assert!(top < bottom && table.contains("60.0 %") && table.contains("5.0 %"), "{table}");
    }
}
