//! An import, against sled alone loading the keys and values that it wrote, in durable batches.

mod common;

use bytes::Bytes;
use common::force::{self, Force};
use common::raw::{Pair, Raw};
use common::verdict::{Target, heading, note, tell};
use common::{Options, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Events that the writer commits together at most: as large are the batches of the raw load.
const EVENTS_A_BATCH: u64 = 8_192;
/// Bytes of memory at the peak that a subject may take.
const PEAK_A_SUBJECT: f64 = 2_500.0;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(100_000);
    // Inventing a force costs more than sending it, so that is done before.
    let batches: Vec<Bytes> = force::batches(subjects)?.collect();
    heading(&format!("Import of {subjects} subjects in {} batches", batches.len()));
    let mut ratios = Vec::new();
    let mut peaks = Vec::new();
    for _ in 0..options.pairs {
        let scratch = options.scratch("import")?;
        let imported = Force::import(subjects, &scratch, batches.clone().into_iter())?;
        let pairs: Vec<Pair> = Raw::open(&imported.data().join("sled"))?.pairs().collect::<Result<_, _>>()?;
        let groups = imported.records.div_ceil(EVENTS_A_BATCH);
        let each = pairs.len().div_ceil(usize::try_from(groups)?);
        let seconds = Raw::new(&scratch.join("alone"))?.load(&pairs, each)?;
        ratios.push(seconds / imported.seconds);
        peaks.push(imported.peak as f64 / f64::from(subjects));
        note(&format!(
            "{} records in {:.1} s, {:.0}/s; sled alone {} pairs and {} MB in {seconds:.1} s",
            imported.records,
            imported.seconds,
            imported.records as f64 / imported.seconds,
            pairs.len(),
            pairs.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>() >> 20,
        ));
        std::fs::remove_dir_all(scratch)?;
    }
    tell("of the speed of sled alone", &ratios, Target::AtLeast(0.4));
    // What a server takes whatever it holds weighs on a small force: the target is for a million.
    let target = if subjects >= 1_000_000 { Target::AtMost(PEAK_A_SUBJECT) } else { Target::Told };
    tell("bytes a subject at the peak", &peaks, target);
    Ok(())
}
