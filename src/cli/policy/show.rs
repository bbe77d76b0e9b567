//! `policy show` and `policy list`: what policies there are, and of each who changed
//! which number, when and why.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::named::ask;
use super::seen;
use crate::cli::client::{self, ServerArgs};
use crate::cli::exit::Exit;
use crate::cli::list::told_from;
use crate::cli::output::{self, Format, OutputArgs, Page, drawn, indented, left, plain};
use crate::cli::when;
use crate::pb;

/// Arguments of `policy show`.
#[derive(Clone, Debug, clap::Args)]
pub struct ShowArgs {
    /// The policy [default: the one in force]
    #[arg(value_name = "VERSION", default_value_t, hide_default_value = true)]
    version: String,
    /// Print its text, as a file to make another from
    #[arg(long)]
    text: bool,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Shows a policy.
pub async fn show(args: &ShowArgs) -> anyhow::Result<ExitCode> {
    let answer = ask(&mut client::policies(args.server.connect().await?), &args.version).await?;
    output::print(&match args.output.output {
        // As it was drafted: a file that is read again must be the same.
        _ if args.text => answer.text,
        Format::Table => shown(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => changes_csv(&answer.changes)?,
    })?;
    Ok(Exit::Done.into())
}

/// Arguments of `policy list`.
#[derive(Clone, Debug, clap::Args)]
pub struct ListArgs {
    /// Most policies shown, 1 to 1,000 [default: 50]
    #[arg(long, value_name = "ROWS", default_value_t, hide_default_value = true)]
    limit: u32,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Shows which policies there are.
pub async fn list(args: &ListArgs) -> anyhow::Result<ExitCode> {
    let mut client = client::policies(args.server.connect().await?);
    let request = pb::ListPoliciesRequest { limit: args.limit, ..Default::default() };
    let answer = client.list_policies(request).await?.into_inner();
    output::print(&match args.output.output {
        Format::Table => listed(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => output::csv(COLUMNS, answer.policies.iter().map(cells))?,
    })?;
    Ok(if answer.policies.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

const COLUMNS: [&str; 7] = ["version", "state", "base", "drafted", "approved", "activated", "in_force"];

fn cells(policy: &pb::Policy) -> [String; 7] {
    let step = |step: Option<&pb::PolicyStep>| {
        step.map(|step| format!("{} {}", when::utc(step.time.as_ref()), step.officer)).unwrap_or_default()
    };
    [
        policy.version.clone(),
        state(policy.state()).to_owned(),
        policy.base_version.clone(),
        step(policy.drafted.as_ref()),
        step(policy.approved.as_ref()),
        step(policy.activated.as_ref()),
        policy.terms.last().map(|term| when::utc(term.from_time.as_ref())).unwrap_or_default(),
    ]
}

pub(super) fn listed(answer: &pb::ListPoliciesResponse, page: Page) -> String {
    let mut table = page.table();
    table.set_header(["version", "state", "base", "drafted by", "approved by", "in force from"].map(left));
    for policy in &answer.policies {
        let officer = |step: Option<&pb::PolicyStep>| step.map(|step| step.officer.clone()).unwrap_or_default();
        let from = policy.terms.last().map(|term| when::told(term.from_time.as_ref())).unwrap_or_default();
        let row = [
            policy.version.clone(),
            state(policy.state()).to_owned(),
            policy.base_version.clone(),
            officer(policy.drafted.as_ref()),
            officer(policy.approved.as_ref()),
            from,
        ];
        table.add_row(row.map(left));
    }
    let mut text = format!("{}\n", page.bold(&format!("POLICIES  {}", answer.total)));
    text.push_str(&drawn(&mut table, 2));
    if answer.awaiting_version.is_empty() {
        return text;
    }
    let _ = writeln!(
        text,
        "\n{} comes into force with the next run that begins and publishes.",
        plain(&answer.awaiting_version)
    );
    text
}

pub(super) fn shown(answer: &pb::GetPolicyResponse, page: Page) -> String {
    let policy = answer.policy.clone().unwrap_or_default();
    let heading = format!("POLICY {}", plain(&policy.version));
    let mut text = format!("{}  {}\n", page.bold(&heading), state(policy.state()));
    let _ = writeln!(text, "{}", page.faint(&told_from(answer.context.as_ref())));
    let steps = [
        ("drafted", policy.drafted.as_ref()),
        ("approved", policy.approved.as_ref()),
        ("activated", policy.activated.as_ref()),
    ];
    for (done, step) in steps {
        let Some(step) = step else { continue };
        let _ = writeln!(text, "  {done} by {}, {}", plain(&step.officer), when::told(step.time.as_ref()));
        if !step.reason.is_empty() {
            text.push_str(&indented(&step.reason, 4, page.width));
        }
    }
    if policy.drafted.is_none() {
        text.push_str("  drafted by nobody: the server was started with it\n");
    }
    for term in &policy.terms {
        let until = term.until_time.as_ref().map(|until| format!(" until {}", when::told(Some(until))));
        let _ = writeln!(text, "  in force from {}{}", when::told(term.from_time.as_ref()), until.unwrap_or_default());
    }
    let _ = match (policy.base_version.is_empty(), answer.changes.len()) {
        (true, _) => writeln!(text, "\nThere is no policy that it is compared with."),
        (false, 0) => writeln!(text, "\nNo value differs from {}.", plain(&policy.base_version)),
        (false, differing) => writeln!(
            text,
            "{}{}",
            page.heading(&format!("{} FROM {}", values(differing).to_uppercase(), plain(&policy.base_version))),
            changes_table(&answer.changes, page)
        ),
    };
    text.push_str(&seen::shown(answer, page));
    text
}

/// How many values differ, in words.
pub(super) fn values(differing: usize) -> String {
    if differing == 1 { "1 value differs".to_owned() } else { format!("{differing} values differ") }
}

/// Values that differ, by key.
pub(super) fn changes_table(changes: &[pb::NumberChange], page: Page) -> String {
    let mut table = page.table();
    table.set_header(["key", "from", "to"].map(left));
    let told = |value: &Option<String>| left(value.as_deref().unwrap_or("none"));
    for change in changes {
        table.add_row([left(&change.key), told(&change.from), told(&change.to)]);
    }
    drawn(&mut table, 2)
}

/// The same as CSV; an empty cell where there is none.
///
/// # Errors
/// None that memory does not give.
pub(super) fn changes_csv(changes: &[pb::NumberChange]) -> anyhow::Result<String> {
    let cells = |change: &pb::NumberChange| {
        [change.key.clone(), change.from.clone().unwrap_or_default(), change.to.clone().unwrap_or_default()]
    };
    output::csv(["key", "from", "to"], changes.iter().map(cells))
}

/// A state as it is spoken.
const fn state(state: pb::PolicyState) -> &'static str {
    match state {
        pb::PolicyState::Unspecified => "not stated",
        pb::PolicyState::Draft => "draft",
        pb::PolicyState::Approved => "approved",
        pb::PolicyState::AwaitingRun => "awaiting a run",
        pb::PolicyState::InForce => "in force",
        pb::PolicyState::Superseded => "superseded",
    }
}
