//! A whole list over HTTP into a file: CSV against a copy of the same bytes, which
//! shows what the disk alone takes, and what memory CSV and Parquet take meanwhile.

mod common;

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;
use std::time::Instant;

use anyhow::ensure;
use common::force::Force;
use common::process::forget_peak;
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PATH: &str = "/v1/RankingService/ExportStandings?list=all&format=";
/// Bytes that are copied at once.
const PIECE: usize = 1 << 20;
/// Bytes of memory that an export may take.
const MEGABYTE: f64 = 1e6;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(1_000_000);
    let force = Force::of(options, subjects)?;
    let server = Server::on(&force.data(), &[])?;
    let scratch = options.scratch("export")?;
    let (csv, copy, parquet) = (scratch.join("list.csv"), scratch.join("copy.csv"), scratch.join("list.parquet"));

    heading(&format!("ExportStandings of {subjects} rows over HTTP, into a file that is synced"));
    let (mut speeds, mut csv_memory, mut parquet_memory, mut parquet_times) = (vec![], vec![], vec![], vec![]);
    let mut last = None;
    for _ in 0..options.pairs {
        let (csv_seconds, bytes, memory) = exported(&server, "csv", &csv)?;
        csv_memory.push(memory);
        let copy_seconds = copied(&csv, &copy)?;
        speeds.push(copy_seconds / csv_seconds);
        let (parquet_seconds, parquet_bytes, memory) = exported(&server, "parquet", &parquet)?;
        parquet_memory.push(memory);
        parquet_times.push(parquet_seconds / csv_seconds);
        last = Some((csv_seconds, bytes, copy_seconds, parquet_seconds, parquet_bytes));
    }
    let lines = rows(&csv)?;
    ensure!(lines == u64::from(subjects) + 1, "the file has {lines} lines for {subjects} people");
    ensure!(std::fs::read(&parquet)?.ends_with(b"PAR1"), "the Parquet file has no end");
    tell("CSV: of the speed of a copy of the same bytes", &speeds, Target::AtLeast(0.3));
    tell("CSV: MB above what was resident before", &csv_memory, Target::AtMost(100.0));
    tell("Parquet: MB above what was resident before", &parquet_memory, Target::AtMost(100.0));
    tell("Parquet: times CSV's time", &parquet_times, Target::Told);
    if let Some((csv_seconds, bytes, copy_seconds, parquet_seconds, parquet_bytes)) = last {
        note(&format!(
            "last pair: {:.0} MB of CSV in {csv_seconds:.2} s, copied in {copy_seconds:.2} s; {:.0} MB of Parquet in {parquet_seconds:.2} s",
            bytes as f64 / MEGABYTE,
            parquet_bytes as f64 / MEGABYTE,
        ));
    }
    server.stop()?;
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

/// Writes a list into a file: seconds, bytes, and megabytes of memory that the server had resident beyond those of before.
fn exported(server: &Server, format: &str, to: &Path) -> anyhow::Result<(f64, u64, f64)> {
    forget_peak(server.id())?;
    let before = server.usage()?.resident;
    let begun = Instant::now();
    let body = ureq::get(format!("http://{}{PATH}{format}", server.http)).call()?.into_body();
    let bytes = copied_from(body.into_reader(), to)?;
    let seconds = begun.elapsed().as_secs_f64();
    let above = server.usage()?.peak.saturating_sub(before);
    Ok((seconds, bytes, above as f64 / MEGABYTE))
}

/// Copies a file; seconds that took.
fn copied(from: &Path, to: &Path) -> anyhow::Result<f64> {
    let begun = Instant::now();
    copied_from(File::open(from)?, to)?;
    Ok(begun.elapsed().as_secs_f64())
}

/// Writes all that comes into a new file, and syncs it; how many bytes those were.
fn copied_from(mut from: impl Read, to: &Path) -> anyhow::Result<u64> {
    let mut file = File::create(to)?;
    let mut piece = vec![0; PIECE];
    let mut bytes = 0;
    loop {
        let read = from.read(&mut piece)?;
        if read == 0 {
            break;
        }
        file.write_all(&piece[..read])?;
        bytes += read as u64;
    }
    file.sync_all()?;
    Ok(bytes)
}

/// Lines of a file.
fn rows(of: &Path) -> anyhow::Result<u64> {
    let mut file = File::open(of)?;
    let mut piece = vec![0; PIECE];
    let mut lines = 0;
    loop {
        let read = file.read(&mut piece)?;
        if read == 0 {
            return Ok(lines);
        }
        lines += piece[..read].split(|byte| *byte == b'\n').count() as u64 - 1;
    }
}
