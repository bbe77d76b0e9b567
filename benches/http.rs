//! Lists in JSON over HTTP: pages of 50 rows against the same call over gRPC, the
//! first page of a connection that is new, and scrolling to the end of a long way.

mod common;

use std::io::Read;
use std::time::Instant;

use common::calls::Calls;
use common::force::Force;
use common::load::Outcome;
use common::server::Server;
use common::verdict::{Target, heading, median, note, tell};
use common::{Options, run};
use steelyard::pb;
use steelyard::pb::ranking_service_client::RankingServiceClient;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const METHOD: &str = "/steelyard.v1.RankingService/ListStandings";
const PATH: &str = "/v1/RankingService/ListStandings?list=all&page_size=50";
/// Rows on a page.
const ROWS: u32 = 50;
/// First pages, each on a connection of its own.
const FIRST: usize = 100;
/// Pages that are scrolled through.
const SCROLLED: usize = 400;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(1_000_000);
    let force = Force::of(options, subjects)?;
    let server = Server::on(&force.data(), &[])?;
    let scratch = options.scratch("http")?;
    let request = pb::ListStandingsRequest { list: pb::List::All.into(), page_size: ROWS, ..Default::default() };
    let calls = Calls::new(&scratch, "page", METHOD, &[request])?;

    heading(&format!("ListStandings in JSON, {ROWS} rows BASIC, {subjects} subjects, 4 connections x 16 in flight"));
    let mut rates = Vec::new();
    let mut last = None;
    for _ in 0..options.pairs {
        let over_grpc = calls.at(&server.address, options.seconds)?;
        let over_http = Calls::asking(&server.http, PATH, options.seconds)?;
        rates.push(over_http.rate() / over_grpc.rate());
        last = Some((over_grpc, over_http));
    }
    tell("JSON over HTTP: of the calls over gRPC", &rates, Target::AtLeast(0.5));
    if let Some((over_grpc, over_http)) = last {
        note(&format!("last pair: {}; over gRPC {}", told(&over_http), told(&over_grpc)));
    }

    heading(&format!("One reader of a list of {subjects}, a page after another"));
    let (mut first, mut scrolled) = (Vec::new(), Vec::new());
    let (mut first_times, mut scrolled_times) = (Vec::new(), Vec::new());
    for _ in 0..options.pairs {
        let (grpc, http) = (over_grpc(&server.address)?, over_http(&server.http)?);
        first_times.push(http.first / grpc.first);
        scrolled_times.push(http.p99 / grpc.p99);
        first.push(http.first);
        scrolled.push(http.p99);
    }
    tell("first page on a new connection, to its last byte: ms", &first, Target::AtMost(1_000.0));
    tell("the same: times gRPC's", &first_times, Target::Told);
    tell("99 of 100 pages scrolled through: ms", &scrolled, Target::AtMost(100.0));
    tell("the same: times gRPC's", &scrolled_times, Target::Told);
    server.stop()?;
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

fn told(outcome: &Outcome) -> String {
    format!(
        "{:.0} calls/s (p50 {} us, p99 {} us), {} bytes a reply",
        outcome.rate(),
        outcome.p50,
        outcome.p99,
        outcome.bytes / outcome.calls.max(1)
    )
}

/// What one reader waits for, in milliseconds.
struct Waits {
    /// Half of the first pages take at most this.
    first: f64,
    /// 99 in 100 of the pages scrolled through take at most this.
    p99: f64,
}

impl Waits {
    fn of(first: &[f64], mut scrolled: Vec<f64>) -> Self {
        scrolled.sort_by(f64::total_cmp);
        let p99 = scrolled.get(scrolled.len().saturating_sub(1) * 99 / 100).copied().unwrap_or_default();
        Self { first: median(first), p99 }
    }
}

fn millis(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1e3
}

fn over_http(address: &str) -> anyhow::Result<Waits> {
    let page = |agent: &ureq::Agent, token: &str| -> anyhow::Result<(f64, String)> {
        let url = format!("http://{address}{PATH}&page_token={token}");
        let begun = Instant::now();
        let mut text = Vec::new();
        agent.get(&url).call()?.into_body().into_reader().read_to_end(&mut text)?;
        let took = millis(begun);
        let page: serde_json::Value = serde_json::from_slice(&text)?;
        Ok((took, page["nextPageToken"].as_str().unwrap_or_default().to_owned()))
    };
    let mut first = Vec::with_capacity(FIRST);
    for _ in 0..FIRST {
        first.push(page(&ureq::Agent::new_with_defaults(), "")?.0);
    }
    let (agent, mut token, mut scrolled) = (ureq::Agent::new_with_defaults(), String::new(), Vec::new());
    for _ in 0..SCROLLED {
        let (took, next) = page(&agent, &token)?;
        scrolled.push(took);
        token = next;
        if token.is_empty() {
            break;
        }
    }
    Ok(Waits::of(&first, scrolled))
}

fn over_grpc(address: &str) -> anyhow::Result<Waits> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let request = |page_token| pb::ListStandingsRequest {
            list: pb::List::All.into(),
            page_size: ROWS,
            page_token,
            ..Default::default()
        };
        let address = format!("http://{address}");
        let mut first = Vec::with_capacity(FIRST);
        for _ in 0..FIRST {
            let begun = Instant::now();
            let mut client = RankingServiceClient::connect(address.clone()).await?;
            client.list_standings(request(String::new())).await?;
            first.push(millis(begun));
        }
        let mut client = RankingServiceClient::connect(address).await?;
        let (mut token, mut scrolled) = (String::new(), Vec::new());
        for _ in 0..SCROLLED {
            let begun = Instant::now();
            token = client.list_standings(request(token)).await?.into_inner().next_page_token;
            scrolled.push(millis(begun));
            if token.is_empty() {
                break;
            }
        }
        Ok(Waits::of(&first, scrolled))
    })
}
