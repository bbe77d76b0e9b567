//! What a person sees while an import runs: a bar on a terminal, a plain line
//! now and then elsewhere, nothing when asked to be quiet.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};

const PLAIN_EVERY: Duration = Duration::from_secs(10);

/// Progress of one file.
pub struct Progress {
    name: String,
    show: Show,
    started: Instant,
    rows: u64,
    bytes: u64,
    /// Bytes before the place where this run began.
    skipped: u64,
    total: Option<u64>,
}

enum Show {
    Bar(ProgressBar),
    Plain { last: Instant },
    Nothing,
}

impl Progress {
    /// Progress of a file of `total` bytes, if known, from byte `skipped` on.
    pub fn new(name: &str, total: Option<u64>, skipped: u64, quiet: bool) -> Self {
        let started = Instant::now();
        let show = if quiet {
            Show::Nothing
        } else if std::io::stderr().is_terminal() {
            Show::Bar(bar(name, total, skipped))
        } else {
            Show::Plain { last: started }
        };
        Self { name: name.to_owned(), show, started, rows: 0, bytes: skipped, skipped, total }
    }

    /// So many more rows are settled, up to this byte.
    pub fn advance(&mut self, rows: u64, bytes: u64) {
        self.rows += rows;
        self.bytes = bytes;
        match &mut self.show {
            Show::Bar(bar) => {
                bar.set_message(format!(
                    "{} rows, {} a second",
                    self.rows,
                    per_second(self.rows, self.started.elapsed())
                ));
                bar.set_position(bytes);
            }
            Show::Plain { last } if last.elapsed() >= PLAIN_EVERY => {
                *last = Instant::now();
                eprintln!("{}", self.line());
            }
            Show::Plain { .. } | Show::Nothing => {}
        }
    }

    /// Takes the bar away and tells how long it took.
    pub fn finish(self) -> Duration {
        if let Show::Bar(bar) = &self.show {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }

    fn line(&self) -> String {
        let elapsed = self.started.elapsed();
        let rate = per_second(self.rows, elapsed);
        let left =
            self.total.and_then(|total| left(elapsed, self.bytes - self.skipped, total.saturating_sub(self.bytes)));
        let left = left.map(|left| format!(", {} left", HumanDuration(left))).unwrap_or_default();
        format!("{}: {} rows, {rate} a second{left}", self.name, self.rows)
    }
}

/// Rows a second, rounded down; at least one millisecond is counted.
pub fn per_second(rows: u64, elapsed: Duration) -> u64 {
    let milliseconds = elapsed.as_millis().max(1);
    u64::try_from(u128::from(rows) * 1000 / milliseconds).unwrap_or(u64::MAX)
}

/// Time that the bytes to come will take, at the rate of those done.
fn left(elapsed: Duration, done: u64, to_come: u64) -> Option<Duration> {
    let milliseconds = (elapsed.as_millis() * u128::from(to_come)).checked_div(u128::from(done))?;
    Some(Duration::from_millis(u64::try_from(milliseconds).ok()?))
}

fn bar(name: &str, total: Option<u64>, skipped: u64) -> ProgressBar {
    let template = match total {
        Some(_) => "{prefix} [{bar:30}] {percent}%, {msg}, {eta} left",
        None => "{prefix} {spinner} {msg}, {elapsed}",
    };
    let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_prefix(name.to_owned());
    bar.set_style(ProgressStyle::with_template(template).expect("the template must be right").progress_chars("=> "));
    bar.set_position(skipped);
    bar.reset_eta();
    bar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rate_and_time_left_follow_from_what_is_done() {
        assert_eq!(per_second(500, Duration::from_millis(250)), 2_000);
        assert_eq!(per_second(5, Duration::ZERO), 5_000);
        assert_eq!(left(Duration::from_secs(10), 25, 75), Some(Duration::from_secs(30)));
        assert_eq!(left(Duration::from_secs(10), 0, 75), None);
    }
}
