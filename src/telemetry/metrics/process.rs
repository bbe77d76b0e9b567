//! What the process takes of the machine, under the names that Prometheus has for
//! it. Read from `/proc`; where there is none nothing is told, and nothing is ever
//! guessed. Written as text here, for seconds of processors are no whole number.

use std::fmt::Write;
use std::fs;
use std::sync::OnceLock;

use super::{FIGURES, PROCESS_CPU, PROCESS_FILES, PROCESS_MEMORY, PROCESS_START};

/// Adds what is known now.
pub(super) fn tell(text: &mut String) {
    let Some(taken) = Taken::of(&fs::read_to_string("/proc/self/stat").unwrap_or_default()) else { return };
    let page = rustix::param::page_size() as u64;
    let ticks = rustix::param::clock_ticks_per_second() as f64;
    add(text, PROCESS_MEMORY, taken.pages.saturating_mul(page) as f64);
    add(text, PROCESS_CPU, taken.ticks as f64 / ticks);
    if let Ok(held) = fs::read_dir("/proc/self/fd") {
        // One of them is the directory's own.
        add(text, PROCESS_FILES, held.count().saturating_sub(1) as f64);
    }
    if let Some(booted) = booted() {
        add(text, PROCESS_START, booted as f64 + taken.started as f64 / ticks);
    }
}

fn add(text: &mut String, name: &str, value: f64) {
    let Some(figure) = FIGURES.iter().find(|figure| figure.name == name) else { return };
    let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {}\n{name} {value}\n", figure.meaning, figure.kind.word());
}

/// What `/proc/self/stat` tells.
#[derive(Debug, PartialEq, Eq)]
struct Taken {
    /// Of processors, in ticks.
    ticks: u64,
    /// Ticks from the machine's start to the process's.
    started: u64,
    /// Of memory.
    pages: u64,
}

impl Taken {
    fn of(stat: &str) -> Option<Self> {
        // The second field is the command in brackets, and may hold anything.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        // Numbered from the third on.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self { ticks: field(14)? + field(15)?, started: field(22)?, pages: field(24)? })
    }
}

/// When the machine was started, seconds since 1970: told once, as a clock that is set meanwhile would move it.
fn booted() -> Option<u64> {
    static BOOTED: OnceLock<Option<u64>> = OnceLock::new();
    *BOOTED.get_or_init(|| {
        let stat = fs::read_to_string("/proc/stat").ok()?;
        stat.lines().find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_are_counted_behind_a_command_that_looks_like_fields() {
        let stat = "7 (a) b (c 1) S 1 7 7 0 -1 4194560 900 0 0 0 250 50 0 0 20 0 9 0 1234 99 512 18446744073709551615";
        assert_eq!(Taken::of(stat), Some(Taken { ticks: 300, started: 1_234, pages: 512 }));
        assert_eq!(Taken::of("7 (a) S 1"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_takes_something() {
        let mut text = String::new();
        tell(&mut text);
        for name in [PROCESS_MEMORY, PROCESS_CPU, PROCESS_FILES, PROCESS_START] {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
            assert!(value.is_some_and(|value| value >= 0.0), "{name}: {text}");
        }
    }
}
