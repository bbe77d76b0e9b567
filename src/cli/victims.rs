//! Victims of outstanding suspects whom policy wants told how the search stands, the
//! most overdue first. A row names the victim's own suspect and nobody else's.

use std::process::ExitCode;

use tonic::Status;

use super::client::{self, ServerArgs};
use super::exit::Exit;
use super::list::told_from;
use super::output::{self, Format, OutputArgs, Page, band_cell, band_word, count, drawn, left};
use super::outstanding::{last_told, victim_ref, victim_standing, victim_word};
use super::paging::{Follow, Paging, follow};
use super::when;
use super::word::spoken_number;
use crate::cli::client::Channel;
use crate::domain::word::OutstandingReason;
use crate::pb;
use crate::pb::outstanding_service_client::OutstandingServiceClient;

/// Arguments of `victims`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    server: ServerArgs,
    // Last: its heading would otherwise take in the flags that follow it.
    #[command(flatten)]
    filter: Filter,
}

/// Narrows the list. Different flags combine with "and", values of one flag with "or".
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Filters (each may be repeated, or hold values separated by commas)")]
struct Filter {
    /// Policing area that looks for the suspect
    #[arg(long, value_name = "AREA", value_delimiter = ',')]
    area: Vec<String>,
    /// Officer in the case
    #[arg(long, value_name = "OFFICER", value_delimiter = ',')]
    officer: Vec<String>,
    /// The officer's supervisor
    #[arg(long, value_name = "OFFICER", value_delimiter = ',')]
    supervisor: Vec<String>,
    /// Only victims whose update is overdue
    #[arg(long)]
    overdue: bool,
}

impl Args {
    fn request(&self) -> pb::ListVictimUpdatesRequest {
        pb::ListVictimUpdatesRequest {
            areas: self.filter.area.clone(),
            officers: self.filter.officer.clone(),
            supervisors: self.filter.supervisor.clone(),
            overdue_only: self.filter.overdue,
            page_size: self.paging.size(),
            page_token: self.paging.token(),
            ..Default::default()
        }
    }
}

/// Prints the list. Ends with 1 if nobody is on it.
///
/// # Errors
/// The server does not answer or refuses.
pub async fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let mut client = client::outstanding(args.server.connect().await?);
    let answer = fetch(&mut client, args.request(), args.paging.all).await?;
    output::print(&match args.output.output {
        Format::Table => screen(&answer, Page::of_stdout()),
        Format::Json => output::json(&answer)?,
        Format::Csv => csv(&answer)?,
    })?;
    Ok(if answer.updates.is_empty() { Exit::Nothing } else { Exit::Done }.into())
}

/// One page, or with `all` every page to the end as if it were one.
async fn fetch(
    client: &mut OutstandingServiceClient<Channel>,
    request: pb::ListVictimUpdatesRequest,
    all: bool,
) -> Result<pb::ListVictimUpdatesResponse, Status> {
    follow(request, Follow::all(all, Follow::OnePage), async |request| client.list_victim_updates(request).await).await
}

/// The list as a table.
fn screen(answer: &pb::ListVictimUpdatesResponse, page: Page) -> String {
    let files = if answer.files == 1 { "file" } else { "files" };
    let mut text = format!(
        "{}  {} in London: {} {files} linked to a vulnerable or repeat victim.\n{}\n",
        page.bold("VICTIMS TO TELL"),
        when::told(answer.instant.as_ref()),
        count(answer.files),
        page.faint(&told_from(answer.context.as_ref()))
    );
    if answer.updates.is_empty() {
        text.push_str("Nobody is to be told.\n");
        return text;
    }
    let mut table = page.table();
    let header = ["victim", "recorded as", "last told", "how it stands", "suspect", "band", "file", "area", "officer"];
    table.set_header(header.map(left));
    let none = pb::LinkedVictim::default();
    for update in &answer.updates {
        let victim = update.victim.as_ref().unwrap_or(&none);
        table.add_row([
            left(victim_ref(victim)),
            left(victim_word(victim)),
            left(last_told(victim)),
            left(victim_standing(victim)),
            left(&update.subject_ref),
            band_cell(update.band()),
            left(&update.outstanding_id),
            left(&update.area),
            left(&update.officer),
        ]);
    }
    text.push('\n');
    text.push_str(&drawn(&mut table, 0));
    let shown = u64::try_from(answer.updates.len()).expect("a length must fit in 64 bits");
    let more = if answer.next_page_token.is_empty() { "" } else { " More follow: --all shows them." };
    text + &format!("\n{}\n", page.faint(&format!("{} shown, the most overdue first.{more}", count(shown))))
}

const CSV_HEADER: [&str; 13] = [
    "victim_ref",
    "vulnerable",
    "repeat",
    "updated_time",
    "due_time",
    "overdue_seconds",
    "subject_ref",
    "outstanding_id",
    "reason",
    "band",
    "area",
    "officer",
    "supervisor",
];

fn csv(answer: &pb::ListVictimUpdatesResponse) -> anyhow::Result<String> {
    let rows = answer.updates.iter().map(|update| {
        let victim = update.victim.clone().unwrap_or_default();
        [
            victim.victim_ref,
            victim.vulnerable.to_string(),
            victim.repeat.to_string(),
            when::utc(victim.updated_time.as_ref()),
            when::utc(victim.due_time.as_ref()),
            victim.overdue_seconds.to_string(),
            update.subject_ref.clone(),
            update.outstanding_id.clone(),
            spoken_number::<OutstandingReason>(update.reason),
            band_word(update.band()).to_owned(),
            update.area.clone(),
            update.officer.clone(),
            update.supervisor.clone(),
        ]
    });
    output::csv(CSV_HEADER, rows)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::test_screens::{agrees_with, context, london, victim_update};

    #[derive(Debug, Parser)]
    #[command(no_binary_name = true)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn answer() -> pb::ListVictimUpdatesResponse {
        let mut second = victim_update("S-000042", "v-2", -18_000);
        let victim = second.victim.as_mut().unwrap();
        victim.repeat = false;
        victim.updated_time = Some(london("2026-03-24T08:00:00Z"));
        pb::ListVictimUpdatesResponse {
            context: Some(context()),
            instant: Some(london("2026-03-31T09:00:00+01:00")),
            updates: vec![victim_update("S-000113", "v-1", 273_600), second],
            next_page_token: "more".to_owned(),
            files: 31,
        }
    }

    #[test]
    fn every_filter_reaches_the_request() {
        let line = "--area north,east --officer pc-1 --supervisor ps-2 --overdue --limit 7 --page-token t";
        let request = Line::try_parse_from(line.split_whitespace()).unwrap().args.request();
        let expected = pb::ListVictimUpdatesRequest {
            areas: vec!["north".to_owned(), "east".to_owned()],
            officers: vec!["pc-1".to_owned()],
            supervisors: vec!["ps-2".to_owned()],
            overdue_only: true,
            page_size: 7,
            page_token: "t".to_owned(),
            ..Default::default()
        };
        assert_eq!(request, expected);
    }

    #[tokio::test]
    async fn all_follows_the_tokens_to_the_end_and_one_page_does_not() {
        let mut client = client::outstanding(crate::cli::test_services::supervised().await);
        let page = fetch(&mut client, pb::ListVictimUpdatesRequest::default(), false).await.unwrap();
        assert_eq!((page.updates.len(), page.next_page_token.is_empty()), (1, false));
        let all = fetch(&mut client, pb::ListVictimUpdatesRequest::default(), true).await.unwrap();
        let people: Vec<_> = all.updates.iter().map(|update| update.subject_ref.as_str()).collect();
        assert_eq!((people, all.next_page_token.is_empty()), (vec!["S-1", "S-2", "S-3"], true));
    }

    #[test]
    fn the_most_overdue_stand_first_with_their_own_suspect() {
        agrees_with("victims.txt", &screen(&answer(), Page::PLAIN));
        let nobody = pb::ListVictimUpdatesResponse { updates: Vec::new(), ..answer() };
        assert!(screen(&nobody, Page::PLAIN).ends_with("Nobody is to be told.\n"));
    }

    #[test]
    fn csv_has_a_row_a_victim_under_stable_headers() {
        let mut answer = answer();
        answer.updates[0].victim.as_mut().unwrap().victim_ref = "=cmd".to_owned();
        let text = csv(&answer).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0], CSV_HEADER.join(","));
        assert_eq!(
            lines[1],
            "'=cmd,true,true,,2026-03-28T04:00:00Z,273600,S-000113,out-7,named suspect not arrested,VERY HIGH,\
             north,pc-1,ps-2"
        );
    }
}
