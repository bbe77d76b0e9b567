//! ListStandings: pages of 50 rows of everybody, against an echo of the same replies.

mod common;

use std::collections::BTreeSet;

use common::calls::{Calls, Pairs};
use common::evidence::Pace;
use common::force::Force;
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, run};
use steelyard::pb;
use steelyard::pb::ranking_service_client::RankingServiceClient;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const METHOD: &str = "/steelyard.v1.RankingService/ListStandings";
/// Rows on a page.
const ROWS: u32 = 50;
/// Writes a second beside the calls.
const WRITES: u32 = 1_000;
/// Areas and officers that are asked for in turn.
const ASKED: usize = 64;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(1_000_000);
    let force = Force::of(options, subjects)?;
    let server = Server::on(&force.data(), &[])?;
    let scratch = options.scratch("list")?;
    let known = Known::of(&server)?;
    let request = |filter: Option<pb::StandingFilter>| pb::ListStandingsRequest {
        list: pb::List::All.into(),
        page_size: ROWS,
        filter,
        ..Default::default()
    };
    let whole = [request(None)];
    let by_area: Vec<_> = known.areas.iter().map(|area| request(Some(area_filter(area)))).collect();
    let by_officer: Vec<_> = known.officers.iter().map(|officer| request(Some(officer_filter(officer)))).collect();

    heading(&format!("ListStandings, {ROWS} rows BASIC, {subjects} subjects, 4 connections x 16 in flight"));
    note(&format!("filters: {} areas, {} officers, asked for in turn", by_area.len(), by_officer.len()));
    for (name, requests, least) in
        [("no filter", &whole[..], 0.6), ("area", &by_area, 0.4), ("officer", &by_officer, 0.3)]
    {
        let calls = Calls::new(&scratch, name, METHOD, requests)?;
        let echo = calls.echo(&server)?;
        let pairs = Pairs::measure(&calls, &echo, &server, options)?;
        tell(&format!("{name}, idle: of the echo's calls"), &pairs.rate, Target::AtLeast(least));
        tell(&format!("{name}, idle: times the echo's p99"), &pairs.p99, Target::AtMost(2.0));
        pairs.note();
        // The writes go on through both sides of a pair: they, and whoever sends them, take what they take of the
        // machine from the echo as well.
        let pace = Pace::keep(&server.address, subjects, WRITES);
        let pairs = Pairs::measure(&calls, &echo, &server, options)?;
        let rate = pace.stop()?;
        tell(&format!("{name}, {WRITES} writes/s: of the echo's calls"), &pairs.rate, Target::AtLeast(least));
        tell(&format!("{name}, {WRITES} writes/s: times the echo's p99"), &pairs.p99, Target::AtMost(2.0));
        pairs.note();
        note(&format!("{rate:.0} writes/s were acknowledged"));
    }
    server.stop()?;
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

fn area_filter(area: &str) -> pb::StandingFilter {
    pb::StandingFilter { areas: vec![area.to_owned()], ..Default::default() }
}

fn officer_filter(officer: &str) -> pb::StandingFilter {
    pb::StandingFilter { offender_managers: vec![officer.to_owned()], ..Default::default() }
}

/// Areas and officers of people at the top of the cohort.
struct Known {
    areas: BTreeSet<String>,
    officers: BTreeSet<String>,
}

impl Known {
    fn of(server: &Server) -> anyhow::Result<Self> {
        let address = format!("http://{}", server.address);
        tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
            let mut client = RankingServiceClient::connect(address).await?;
            let top =
                pb::ListStandingsRequest { list: pb::List::Cohort.into(), page_size: 1_000, ..Default::default() };
            let top = client.list_standings(top).await?.into_inner();
            let mut known = Self { areas: BTreeSet::new(), officers: BTreeSet::new() };
            for standing in top.standings {
                if known.officers.len() >= ASKED {
                    break;
                }
                let one = pb::GetStandingRequest { subject_ref: standing.subject_ref, ..Default::default() };
                let one = client.get_standing(one).await?.into_inner();
                known.areas.extend(one.areas);
                known.officers.extend(Some(one.offender_manager).filter(|officer| !officer.is_empty()));
            }
            Ok(known)
        })
    }
}
