//! Parts of a benchmark in processes of their own: the benchmark starts itself
//! again. And what the system says of a process.

use std::process::{Child, Command, Stdio};

use anyhow::Context;

/// First argument of a process that is only a part.
pub const PART: &str = "part-of-a-benchmark";

/// A process that is killed when it goes out of scope.
pub struct Owned(pub Child);

impl Drop for Owned {
    fn drop(&mut self) {
        // Already gone where it was waited for.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts this benchmark again as one of its parts.
pub fn part(arguments: &[&str]) -> anyhow::Result<Owned> {
    let program = std::env::current_exe().context("a benchmark must know its own file")?;
    let child = Command::new(program)
        .arg(PART)
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .context("a part of the benchmark could not be started")?;
    Ok(Owned(child))
}

/// Memory and processor time of a process, from `/proc`.
#[derive(Clone, Copy, Debug)]
pub struct Usage {
    /// Bytes resident now.
    pub resident: u64,
    /// Most bytes that were ever resident.
    pub peak: u64,
    /// Processor seconds so far, of all threads.
    pub processor: f64,
}

/// Begins the peak of a process anew, from what is resident now.
pub fn forget_peak(pid: u32) -> anyhow::Result<()> {
    std::fs::write(format!("/proc/{pid}/clear_refs"), "5").context("the peak of a process could not be begun anew")
}

/// Ticks of `/proc/<pid>/stat` in a second: fixed by the kernel's interface.
const TICKS: f64 = 100.0;

/// What a process uses.
pub fn usage(pid: u32) -> anyhow::Result<Usage> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).context("benchmarks need /proc")?;
    let kilobytes = |field: &str| -> anyhow::Result<u64> {
        let line = status.lines().find_map(|line| line.strip_prefix(field)).context("a field of status is missing")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    };
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name in brackets may hold spaces; what follows it may not.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |place: usize| {
        fields.get(place).context("a field of stat is missing")?.parse::<f64>().map_err(anyhow::Error::from)
    };
    Ok(Usage {
        resident: kilobytes("VmRSS:")?,
        peak: kilobytes("VmHWM:")?,
        processor: (ticks(11)? + ticks(12)?) / TICKS,
    })
}
