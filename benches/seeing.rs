//! ListStandings of a server that counts, logs and traces one call in a hundred, against the same server that does none of it.

mod common;

use common::calls::Calls;
use common::force::Force;
use common::load::Outcome;
use common::receiver::Receiver;
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, copied, run};
use steelyard::pb;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const METHOD: &str = "/steelyard.v1.RankingService/ListStandings";
/// Rows on a page.
const ROWS: u32 = 50;
/// Nothing but the line by which it is known to be ready.
const SILENT: [&str; 2] = ["--log-level", "off,steelyard::api::serving=info"];

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(100_000);
    let force = Force::of(options, subjects)?;
    let scratch = options.scratch("seeing")?;
    let receiver = Receiver::start()?;
    // In a sample there are too few calls for one in a hundred to be sure to be traced.
    let ratio = if options.sample { "1" } else { "0.01" };
    let seeing = ["--health-listen", "127.0.0.1:0", "--log-level", "info", "--tracing-sample-ratio", ratio];
    let seeing = [&seeing[..], &["--tracing-endpoint", &receiver.url]].concat();
    let seen = Server::on(&copied(&force.data(), &scratch.join("seen"))?, &seeing)?;
    let unseen = Server::on(&copied(&force.data(), &scratch.join("unseen"))?, &SILENT)?;

    heading(&format!("ListStandings, {ROWS} rows BASIC, {subjects} subjects, 4 connections x 16 in flight"));
    let request = pb::ListStandingsRequest { list: pb::List::All.into(), page_size: ROWS, ..Default::default() };
    let calls = Calls::new(&scratch, "page", METHOD, &[request])?;
    let (mut rates, mut last, mut made) = (Vec::new(), None, 0);
    for pair in 0..options.pairs {
        // In turn first and second: what warms up or wears out would otherwise be one side's.
        let measured = if pair % 2 == 0 {
            let without = calls.at(&unseen.address, options.seconds)?;
            (calls.at(&seen.address, options.seconds)?, without)
        } else {
            let with = calls.at(&seen.address, options.seconds)?;
            (with, calls.at(&unseen.address, options.seconds)?)
        };
        made += measured.0.calls;
        rates.push(measured.0.rate() / measured.1.rate());
        last = Some(measured);
    }
    tell(&format!("metrics, log and traces of {ratio}: of the calls without"), &rates, Target::AtLeast(0.95));
    if let Some((with, without)) = last {
        note(&format!("with: {}; without: {}", told(&with), told(&without)));
    }
    for server in [seen, unseen] {
        server.stop()?;
    }
    let taken = receiver.taken();
    note(&format!("{taken} spans of {made} calls reached the receiver"));
    anyhow::ensure!(taken > 0, "no span reached the receiver: nothing was traced");
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

fn told(outcome: &Outcome) -> String {
    format!("{:.0} calls/s (p50 {} us, p99 {} us)", outcome.rate(), outcome.p50, outcome.p99)
}
