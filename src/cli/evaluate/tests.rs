//! What is asked, how it is printed, and how it ends.

use clap::Parser;

use super::*;
use crate::cli::exit;
use crate::cli::test_policies::serving;
use crate::cli::test_screens::{agrees_with, london};
use crate::evaluation::report::fixture;
use crate::pb::evaluate_policy_request::Part;

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    args: Args,
}

fn args(line: &str) -> Result<Args, clap::Error> {
    Line::try_parse_from(line.split_whitespace()).map(|line| line.args)
}

fn terms(line: &str) -> pb::EvaluationTerms {
    args(line).unwrap().terms().unwrap()
}

fn refused(line: &str) -> (Exit, String) {
    let error = args(line).unwrap().terms().unwrap_err();
    (exit::of(&error), error.to_string())
}

#[test]
fn what_is_not_said_is_left_to_the_server() {
    let terms = terms("--index-date 2023-01-01");
    let expected = pb::EvaluationTerms {
        index_dates: vec!["2023-01-01".to_owned()],
        known_by: pb::KnownBy::Source.into(),
        list: pb::List::All.into(),
        outcome: pb::EvaluatedOutcome::AnyOffence.into(),
        ..Default::default()
    };
    assert_eq!(terms, expected);
}

#[test]
fn every_flag_reaches_the_terms() {
    let told = terms(
        "--policy thr-2026.2 --compare thr-2026.1 --index-date 2023-01-01 --follow-up 365 --known-by server \
         --known-at 2022-12-31T12:00:00Z --list candidates --capacity 40 --outcome serious-violent --least-proof 100 \
         --groups g.csv --declare predictive-value --without intelligence,breaches --without repeat-victims \
         --before-and-after --window 180 --samples 500 --seed 9",
    );
    let expected = pb::EvaluationTerms {
        version: "thr-2026.2".to_owned(),
        text: String::new(),
        compared_version: "thr-2026.1".to_owned(),
        index_dates: vec!["2023-01-01".to_owned()],
        follow_up_days: 365,
        known_by: pb::KnownBy::Server.into(),
        known_at: Some(london("2022-12-31T12:00:00Z")),
        list: pb::List::Candidates.into(),
        capacity: 40,
        outcome: pb::EvaluatedOutcome::SeriousViolentOffence.into(),
        least_proof: 100,
        samples: 500,
        seed: 9,
        without: [pb::ScoringInput::Intelligence, pb::ScoringInput::Breaches, pb::ScoringInput::RepeatVictims]
            .map(i32::from)
            .into(),
        declared_fairness: pb::FairnessStandard::EqualPredictiveValue.into(),
        before_and_after: true,
        window_days: 180,
    };
    assert_eq!(told, expected);
}

#[test]
fn a_policy_file_is_sent_as_its_text() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mine.toml");
    std::fs::write(&path, "version = \"mine\"\n").unwrap();
    let told = terms(&format!("--index-date 2023-01-01 --policy {}", path.display()));
    assert_eq!((told.version.as_str(), told.text.as_str()), ("", "version = \"mine\"\n"));
}

#[test]
fn arguments_that_contradict_each_other_are_wrong_usage() {
    for (line, told) in [
        ("--index-date 2023-01-01 --index-date 2023-01-01", "--index-date 2023-01-01 is given twice"),
        ("--outcomes o.csv --known-at 2022-12-31T12:00:00Z", "--known-at goes with one --index-date"),
    ] {
        assert_eq!(refused(line), (Exit::Usage, told.to_owned()));
    }
    let many = (1..=13).map(|day| format!("--index-date 2023-01-{day:02}")).collect::<Vec<_>>().join(" ");
    assert!(refused(&many).1.contains("at most 12"));
    let dated = "--index-date 2023-01-01";
    for wrong in
        ["--groups g.csv", "--declare selection", "--window 180", "--follow-up 0", "--samples 5", "--least-proof 101"]
    {
        assert!(args(&format!("{dated} {wrong}")).is_err(), "{wrong}");
    }
}

fn files(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn prepared_in(folder: &tempfile::TempDir, line: &str) -> anyhow::Result<(pb::EvaluationTerms, Sent)> {
    prepared(&args(&line.replace("DIR", &folder.path().display().to_string())).unwrap())
}

#[test]
fn everything_wrong_with_every_file_is_told_at_once() {
    let folder = files(&[
        ("o.csv", "subject_ref,any\nS-1,maybe\n"),
        ("g.csv", "subject_ref\nS-1\n"),
        ("f.txt", "subject_ref\nS-1\nS-1\n"),
        ("own.csv", "code,harm_days\n034,x\n"),
        ("c.csv", "offence_kind,unit_cost_gbp,source\nrobbery,1,RR99\n"),
    ]);
    let line = "--index-date 2023-01-01 --outcomes DIR/o.csv --groups DIR/g.csv --declare selection \
                --force-list DIR/f.txt --harm-table DIR/own.csv --costs DIR/c.csv";
    let error = prepared_in(&folder, line).unwrap_err();
    assert_eq!(exit::of(&error), Exit::DataRefused);
    let told = error.to_string();
    for part in [
        "o.csv line 2, column any:",
        "g.csv line 1: has 0 characteristics",
        "f.txt line 3, column subject_ref: stands on line 2 already",
        "own.csv line 2, column harm_days:",
        "c.csv line 1, column ho_classes: is missing",
        "nothing was sent",
    ] {
        assert!(told.contains(part), "{part} is not in {told}");
    }
}

#[test]
fn an_index_date_is_stated_once_by_the_arguments_or_by_each_row() {
    let folder = files(&[
        ("bare.csv", "subject_ref,any\nS-1,1\n"),
        ("dated.csv", "subject_ref,index_date,any\nS-1,2023-01-01,1\n"),
    ]);
    let told = |line: &str| prepared_in(&folder, line).map_err(|error| (exit::of(&error), error.to_string()));
    assert!(told("--outcomes DIR/dated.csv").is_ok());
    assert!(told("--outcomes DIR/bare.csv --index-date 2023-01-01").is_ok());
    assert!(told("--outcomes DIR/bare.csv").is_ok(), "the latest day whose follow-up is over");
    let (exit, why) = told("--outcomes DIR/dated.csv --index-date 2023-01-01").unwrap_err();
    assert!(exit == Exit::Usage && why.contains("only one can hold"), "{why}");
    let (exit, why) = told("--outcomes DIR/none.csv --index-date 2023-01-01").unwrap_err();
    assert!(exit == Exit::InputMissing && why.contains("cannot be read"), "{why}");
    let (exit, why) = told("--index-date 2023-01-01 --file DIR/none/report.html").unwrap_err();
    assert!(exit == Exit::InputMissing && why.contains("there is no folder"), "{why}");
}

#[test]
fn an_evaluation_fits_a_screen_with_every_part() {
    let text = screen::screen(&fixture::whole(), Page::PLAIN);
    agrees_with("evaluation.txt", &text);
    assert!(text.lines().all(|line| line.chars().count() <= 100), "{text}");
    for trace in fixture::TRACES {
        assert!(!text.contains(trace), "{trace} is withheld");
    }
}

#[test]
fn an_evaluation_of_nobody_reads_as_one() {
    agrees_with("evaluation_of_nobody.txt", &screen::screen(&fixture::empty(), Page::PLAIN));
}

#[test]
fn the_page_is_the_one_that_is_kept_for_the_browser() {
    agrees_with("evaluation.html", &report::html(&fixture::whole()));
    agrees_with("evaluation_of_nobody.html", &report::html(&fixture::empty()));
}

#[test]
fn a_leak_and_a_drift_are_said_and_end_as_refused_data() {
    let mut evaluation = fixture::whole();
    assert_eq!(warnings(&evaluation), ["ARP observed over expected left the bounds set when the policy was approved"]);
    assert_eq!(ended(&evaluation), Exit::DataRefused);
    evaluation.drift.clear();
    assert_eq!(ended(&evaluation), Exit::Done);
    evaluation.leakage.as_mut().unwrap().passed = false;
    assert_eq!(ended(&evaluation), Exit::DataRefused);
    assert_eq!(warnings(&fixture::empty()).len(), 1, "a check that was not made did not hold");
}

#[tokio::test]
async fn what_is_sent_arrives_terms_first_and_the_report_is_written_whatever_drifted() {
    let folder = files(&[("o.csv", "subject_ref,any\nS-1,1\nS-2,0\n")]);
    let (server, asked) = serving(true);
    let (outcomes, report) = (folder.path().join("o.csv"), folder.path().join("report.html"));
    let line = format!(
        "--index-date 2023-01-01 --outcomes {} --output html --file {} --quiet --server {server}",
        outcomes.display(),
        report.display()
    );
    let code = run(&args(&line).unwrap()).await.unwrap();
    assert_eq!(code, ExitCode::from(Exit::DataRefused), "one number drifted");
    assert_eq!(std::fs::read_to_string(&report).unwrap(), report::html(&fixture::whole()));
    let parts = &asked.lock().unwrap().parts;
    assert!(matches!(&parts[0], Part::Terms(terms) if terms.index_dates == ["2023-01-01"]));
    assert!(matches!(&parts[1], Part::Outcomes(rows) if rows.rows.len() == 2));
    assert_eq!(parts.len(), 2);
}

#[tokio::test]
async fn a_server_that_stops_before_the_end_is_unavailable() {
    let (server, _) = serving(false);
    let error = run(&args(&format!("--index-date 2023-01-01 --quiet --server {server}")).unwrap()).await.unwrap_err();
    assert_eq!(exit::of(&error), Exit::Unavailable, "{error}");
}
