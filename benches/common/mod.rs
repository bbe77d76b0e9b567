//! What the benchmarks share. Every figure is a ratio to something measured in
//! the same run, the median of alternating pairs, because the machine's own
//! speed says nothing about this program. A slow result is told in words and
//! never fails: only what is broken fails.
//!
//! - [`force`]: an invented force in a store, made once and kept under `target/`
//! - [`server`]: the real server in a process of its own
//! - [`echo`]: replies prepared beforehand, sent by the same stack: what the server is compared with
//! - [`load`]: callers, in a process of their own
//! - [`evidence`]: records to write, and a writer that keeps a pace
//! - [`plain`]: the service over sled alone, without the journal
//! - [`raw`]: sled with nothing around it
//! - [`receiver`]: takes traces and counts them
//! - [`verdict`]: medians, targets and words
#![allow(dead_code, reason = "no benchmark uses all of it")]

pub mod bytes;
pub mod calls;
pub mod echo;
pub mod evidence;
pub mod force;
pub mod load;
pub mod plain;
pub mod process;
pub mod raw;
pub mod receiver;
pub mod server;
pub mod verdict;

use std::path::{Path, PathBuf};

use clap::Parser;

/// Day on which everybody is weighed.
pub const AS_OF: &str = "2026-03-31";

/// What a benchmark is told.
#[derive(Clone, Debug, Parser)]
pub struct Options {
    /// Number of subjects
    #[arg(long, env = "STEELYARD_BENCH_SCALE")]
    scale: Option<u32>,
    /// Alternating pairs of which the median is taken
    #[arg(long, env = "STEELYARD_BENCH_PAIRS", default_value_t = 5)]
    pub pairs: usize,
    /// Seconds that each side of a pair is called for
    #[arg(long, env = "STEELYARD_BENCH_SECONDS", default_value_t = 3.0)]
    pub seconds: f64,
    /// Where forces are kept between runs
    #[arg(long, env = "STEELYARD_BENCH_DIR", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/target/bench"))]
    directory: PathBuf,
    /// A sample that takes seconds: shows that the benchmark works, not how fast anything is
    #[arg(long)]
    pub sample: bool,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

impl Options {
    /// Number of subjects, unless another was asked for.
    pub fn scale(&self, usual: u32) -> u32 {
        self.scale.unwrap_or(if self.sample { 1_000 } else { usual })
    }

    /// A directory for files of this run, emptied first.
    pub fn scratch(&self, name: &str) -> anyhow::Result<PathBuf> {
        let path = self.directory.join(format!("scratch-{name}-{}", std::process::id()));
        if path.exists() {
            std::fs::remove_dir_all(&path)?;
        }
        std::fs::create_dir_all(&path)?;
        Ok(path)
    }

    /// Where forces are kept.
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

/// A copy of a store whose server has ended.
///
/// # Errors
/// What the file system refused.
pub fn copied(from: &Path, to: &Path) -> anyhow::Result<PathBuf> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copied(&entry.path(), &place)?;
        } else {
            std::fs::copy(entry.path(), place)?;
        }
    }
    Ok(to.to_owned())
}

/// Runs a benchmark, or the part in it that this process was started for.
///
/// # Errors
/// What is broken; never what is slow.
pub fn run(measure: fn(&Options) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(process::PART) {
        let rest: Vec<String> = arguments.collect();
        return match rest.first().map(String::as_str) {
            Some(echo::PART) => echo::serve(&rest[1..]),
            Some(load::PART) => load::call(&rest[1..]),
            Some(plain::PART) => plain::serve(&rest[1..]),
            Some(_) | None => anyhow::bail!("no such part: {rest:?}"),
        };
    }
    let mut options = Options::parse();
    if options.sample {
        options.pairs = 1;
        options.seconds = 0.2;
    }
    measure(&options)
}
