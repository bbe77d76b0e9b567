//! Memory that a server takes after a restart and at the peak of an import, for each subject; and
//! how long it takes to start, against only reading and decoding the dossiers.

mod common;

use std::time::Instant;

use common::force::Force;
use common::raw::CACHE_BYTES;
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, run};
use rayon::prelude::*;
use steelyard::reference;
use steelyard::service::start;
use steelyard::store::{Entry, KeySpan, SledStore, Store, View};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Bytes that a subject may take after a restart.
const RESTED: f64 = 1_500.0;
/// Bytes that a subject may take at the peak of an import.
const PEAK: f64 = 2_500.0;
/// Dossiers decoded at a time, on every core, as the server does.
const DECODED_TOGETHER: usize = 16_384;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(1_000_000);
    let force = Force::of(options, subjects)?;
    heading(&format!("{subjects} subjects, {} records", force.records));
    let mut rested = Vec::new();
    let mut started = Vec::new();
    for _ in 0..options.pairs {
        let (opening, reading) = read(&force)?;
        let server = Server::on(&force.data(), &[])?;
        let usage = server.usage()?;
        let starting = server.started_in.as_secs_f64();
        server.stop()?;
        rested.push(usage.resident as f64 / f64::from(subjects));
        started.push(starting / (opening + reading));
        note(&format!(
            "{} MB resident, {} MB at the peak of the start; ready in {starting:.1} s; opening {opening:.1} s, scanning and decoding {reading:.1} s",
            usage.resident >> 20,
            usage.peak >> 20,
        ));
    }
    // What a server takes whatever it holds weighs on a small force: the targets are for a million.
    let for_a_million = |most: f64| if subjects >= 1_000_000 { Target::AtMost(most) } else { Target::Told };
    tell("bytes a subject after a restart", &rested, for_a_million(RESTED));
    tell("bytes a subject at the peak of the import", &[force.peak as f64 / f64::from(subjects)], for_a_million(PEAK));
    tell("start to serving: times reading the dossiers", &started, Target::AtMost(2.0));
    note(&format!("the import of {} records took {:.0} s", force.records, force.seconds));
    Ok(())
}

/// Seconds to open the store, and to scan and decode every dossier on every core.
fn read(force: &Force) -> anyhow::Result<(f64, f64)> {
    let started = Instant::now();
    let store = SledStore::open(&force.data(), CACHE_BYTES)?;
    let opened = started.elapsed().as_secs_f64();
    let mut entries = store.scan(&KeySpan::all(View::Dossier)).peekable();
    while entries.peek().is_some() {
        let raw: Vec<Entry> = entries.by_ref().take(DECODED_TOGETHER).collect::<Result<_, _>>()?;
        raw.par_iter().try_for_each(|(key, bytes)| start::decode(key, bytes, reference::tables()).map(drop))?;
    }
    Ok((opened, started.elapsed().as_secs_f64() - opened))
}
