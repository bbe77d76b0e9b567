//! What an approval states to have been seen, and how it ends where nothing is stated.

use std::process::ExitCode;

use clap::Parser;

use super::Args;
use crate::cli::exit::{self, Exit};
use crate::cli::test_policies::{Asked, serving};

#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Runs `policy approve` against a service that holds both or only an evaluation.
async fn approve(flags: &str, holds_both: bool) -> (anyhow::Result<ExitCode>, Asked) {
    let (server, asked) = serving(holds_both);
    let line = format!("approve thr-2026.2 --officer DI-2 {flags} --server {server}");
    let args = Line::try_parse_from(line.split_whitespace()).unwrap().args;
    // It makes a runtime of its own, as the command does.
    let ended = tokio::task::spawn_blocking(move || super::run(&args)).await.unwrap();
    let asked = std::mem::take(&mut *asked.lock().unwrap());
    (ended, asked)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_is_stated_by_its_ids() {
    let (ended, asked) = approve("--evaluation 3fa2 --simulation 5e0f", true).await;
    assert_eq!(ended.unwrap(), ExitCode::SUCCESS);
    let sent = &asked.approvals[0];
    assert_eq!((sent.evaluation_id.as_str(), sent.simulation_id.as_str()), ("3fa2", "5e0f"));
    let one = ["approve", "thr-2026.2", "--officer", "DI-2", "--evaluation", "3fa2"];
    assert!(Line::try_parse_from(one).is_err(), "one without the other is wrong usage");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_where_there_is_nothing_to_have_seen() {
    let (ended, asked) = approve("", false).await;
    let error = ended.unwrap_err();
    assert_eq!(exit::of(&error), Exit::DataRefused, "{error}");
    assert!(error.to_string().contains("steelyard policy simulate thr-2026.2"), "{error}");
    assert!(asked.approvals.is_empty());
}
