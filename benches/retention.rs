//! ListRetentionDue of a whole force: the first page after a write, for which the
//! order is made anew, against the next page, for which it is held.

mod common;

use std::time::Instant;

use common::evidence::write;
use common::force::Force;
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, run};
use steelyard::pb;
use steelyard::pb::evidence_service_client::EvidenceServiceClient;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// People on a page.
const ROWS: u32 = 50;
/// Far enough for everybody to be on the list.
const BY: &str = "2199-12-31";

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(100_000);
    let force = Force::of(options, subjects)?;
    heading(&format!("ListRetentionDue, {ROWS} rows, {subjects} subjects, {} records", force.records));
    let server = Server::on(&force.data(), &[])?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ratios = runtime.block_on(async {
        let mut client = EvidenceServiceClient::connect(format!("http://{}", server.address)).await?;
        let mut ratios = Vec::new();
        for number in 0..options.pairs {
            client.write_evidence(write(number as u64, subjects)).await?;
            let ask = |page_token: String| pb::ListRetentionDueRequest {
                due_on_or_before: BY.to_owned(),
                page_size: ROWS,
                page_token,
                ..Default::default()
            };
            let started = Instant::now();
            let first = client.list_retention_due(ask(String::new())).await?.into_inner();
            let anew = started.elapsed().as_secs_f64();
            let started = Instant::now();
            client.list_retention_due(ask(first.next_page_token)).await?;
            let held = started.elapsed().as_secs_f64();
            note(&format!(
                "first page of {} people after a write {:.1} ms, next page {:.1} ms",
                first.total,
                anew * 1_000.0,
                held * 1_000.0
            ));
            ratios.push(anew / held);
        }
        anyhow::Ok(ratios)
    })?;
    tell("first page: times the next", &ratios, Target::Told);
    server.stop()
}
