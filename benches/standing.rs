//! GetStanding with contributions, and GetNeighbourhood(10), against an echo of the same replies;
//! and what the calls cost the server as the force grows.

mod common;

use std::path::Path;

use common::calls::{Calls, Pairs};
use common::force::Force;
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, run};
use steelyard::pb;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// People asked for in turn, spread over the whole list.
const ASKED: u32 = 4_096;
/// A force is this many times smaller where growth is measured from.
const GROWTH: u32 = 100;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(1_000_000);
    let force = Force::of(options, subjects)?;
    let small = Force::of(options, (subjects / GROWTH).max(100))?;
    let scratch = options.scratch("standing")?;
    let server = Server::on(&force.data(), &[])?;
    let few = Server::on(&small.data(), &[])?;

    heading(&format!("One person, {subjects} subjects, 4 connections x 16 in flight"));
    let large = calls(&scratch, "large", &force)?;
    for (name, calls) in &large {
        let echo = calls.echo(&server)?;
        let pairs = Pairs::measure(calls, &echo, &server, options)?;
        tell(&format!("{name}: of the echo's calls"), &pairs.rate, Target::AtLeast(0.4));
        tell(&format!("{name}: times the echo's p99"), &pairs.p99, Target::AtMost(2.0));
        pairs.note();
    }

    heading(&format!("Processor time of the server a call, {} subjects against {subjects}", small.subjects));
    let little = calls(&scratch, "small", &small)?;
    for ((name, small), (_, large)) in little.iter().zip(&large) {
        let mut grown = Vec::new();
        for _ in 0..options.pairs {
            let before = cost(small, &few, options)?;
            grown.push(cost(large, &server, options)? / before);
        }
        tell(&format!("{name}: times the cost in the small force"), &grown, Target::AtMost(1.5));
    }
    note("replies differ with the people asked for: some are longer, and cost more to make");
    server.stop()?;
    few.stop()?;
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

fn calls(scratch: &Path, size: &str, force: &Force) -> anyhow::Result<Vec<(&'static str, Calls)>> {
    let people = force.references(ASKED);
    let standings: Vec<pb::GetStandingRequest> = people
        .iter()
        .map(|subject_ref| pb::GetStandingRequest { subject_ref: subject_ref.clone(), ..Default::default() })
        .collect();
    let neighbourhoods: Vec<pb::GetNeighbourhoodRequest> = people
        .iter()
        .map(|subject_ref| pb::GetNeighbourhoodRequest {
            list: pb::List::All.into(),
            subject_ref: subject_ref.clone(),
            k: 10,
            ..Default::default()
        })
        .collect();
    let lists = [pb::ListStandingsRequest { list: pb::List::All.into(), page_size: 50, ..Default::default() }];
    let method = |name: &str| format!("{size}-{name}");
    Ok(vec![
        (
            "GetStanding",
            Calls::new(scratch, &method("standing"), "/steelyard.v1.RankingService/GetStanding", &standings)?,
        ),
        (
            "GetNeighbourhood(10)",
            Calls::new(scratch, &method("near"), "/steelyard.v1.RankingService/GetNeighbourhood", &neighbourhoods)?,
        ),
        ("ListStandings", Calls::new(scratch, &method("list"), "/steelyard.v1.RankingService/ListStandings", &lists)?),
    ])
}

/// Processor seconds of the server a call.
fn cost(calls: &Calls, server: &Server, options: &Options) -> anyhow::Result<f64> {
    let before = server.usage()?.processor;
    let outcome = calls.at(&server.address, options.seconds)?;
    Ok((server.usage()?.processor - before) / outcome.calls.max(1) as f64)
}
