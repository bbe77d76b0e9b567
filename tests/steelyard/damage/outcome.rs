//! What a server makes of a damaged directory, and how often for which file.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use crate::answers::Answers;
use crate::harness::{Ended, Server, Starting, on_directory, steelyard};

/// Longest that a start may take, repair included.
const PATIENCE: Duration = Duration::from_mins(2);
/// Exit codes of a server that refuses to start and knows why: data refused, unavailable, inside, input or output.
const KNOWN_EXITS: [i32; 4] = [65, 69, 70, 74];

/// What became of a start.
#[derive(Debug)]
pub enum Outcome {
    /// Everything as before, and a verification of the whole directory finds nothing wrong.
    Harmless,
    /// Everything as before; a verification finds the damage.
    Verify,
    /// Everything as before, after a repair that it told of.
    Repaired,
    /// Refused, saying this.
    Refused(String),
    /// A read met the damage and said so; the next start repaired it.
    FoundLater,
    /// What must not be.
    Wrong(String),
}

impl Outcome {
    fn name(&self) -> &'static str {
        match self {
            Self::Harmless => "harmless",
            Self::Verify => "verify finds",
            Self::Repaired => "repaired",
            Self::Refused(_) => "refused",
            Self::FoundLater => "found later",
            Self::Wrong(_) => "WRONG",
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::Wrong(fault) => write!(f, "WRONG: {fault}"),
            Self::Harmless | Self::Verify | Self::Repaired | Self::FoundLater => f.write_str(self.name()),
        }
    }
}

/// How often each outcome came for each kind of file.
#[derive(Default)]
pub struct Table {
    rows: BTreeMap<String, BTreeMap<&'static str, usize>>,
}

impl Table {
    /// Counts one.
    pub fn count(&mut self, file: &str, outcome: &Outcome) {
        *self.rows.entry(kind(file)).or_default().entry(outcome.name()).or_default() += 1;
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = ["harmless", "verify finds", "repaired", "refused", "found later", "WRONG"];
        write!(f, "{:<24}", "file")?;
        columns.iter().try_for_each(|column| write!(f, "{column:>13}"))?;
        for (kind, counts) in &self.rows {
            write!(f, "\n{kind:<24}")?;
            columns
                .iter()
                .try_for_each(|column| write!(f, "{:>13}", counts.get(column).copied().unwrap_or_default()))?;
        }
        Ok(())
    }
}

/// The file without what differs between files of its kind: digits and hashes in names.
fn kind(file: &str) -> String {
    let (directory, name) = file.rsplit_once('/').unwrap_or(("", file));
    let name: Vec<&str> = name.split('.').filter(|part| !part.contains(|c: char| c.is_ascii_digit())).collect();
    let name = if name.is_empty() { "*".to_owned() } else { name.join(".") };
    if directory.is_empty() { name } else { format!("{directory}/{name}") }
}

/// Starts a server on a damaged directory and compares what it answers with `before`.
pub async fn of(home: &Path, settings: &[&str], before: &Answers) -> Outcome {
    let server = match started(home, settings) {
        Ok(server) => server,
        Err(outcome) => return outcome,
    };
    match Answers::of(&mut server.client().await).await {
        Ok(after) => {
            let outcome = match before.difference(&after) {
                Some(difference) => Outcome::Wrong(difference),
                None if told_of_repair(&server.log()) => Outcome::Repaired,
                None => Outcome::Harmless,
            };
            match ended_well(server, outcome).await {
                Outcome::Harmless => verified(home),
                other => other,
            }
        }
        // The damage is on a page that the start had no reason to read. It must be told of and not outlast a restart.
        Err(refused) => {
            if let wrong @ Outcome::Wrong(_) = ended_well(server, Outcome::FoundLater).await {
                return wrong;
            }
            let again = match started(home, settings) {
                Ok(again) => again,
                Err(outcome) => return outcome,
            };
            match Answers::of(&mut again.client().await).await {
                Ok(after) => match before.difference(&after) {
                    Some(difference) => Outcome::Wrong(difference),
                    None => ended_well(again, Outcome::FoundLater).await,
                },
                Err(_) => Outcome::Wrong(format!("after a restart it still says: {refused}")),
            }
        }
    }
}

/// What a verification makes of a directory whose server noticed nothing.
fn verified(home: &Path) -> Outcome {
    let home = home.to_str().expect("a temporary path must be text");
    let output = steelyard().args(["verify", "--quiet", "--standings", "--data-dir", home]).output().expect("must run");
    let said = String::from_utf8_lossy(&output.stderr);
    match output.status.code() {
        Some(_) | None if panicked(&said) => Outcome::Wrong(format!("verify panicked:\n{said}")),
        Some(0) => Outcome::Harmless,
        Some(65) => Outcome::Verify,
        Some(_) | None => Outcome::Wrong(format!("verify ended with {:?}: {said}", output.status.code())),
    }
}

fn started(home: &Path, settings: &[&str]) -> Result<Server, Outcome> {
    match Starting::with(&on_directory(home, settings)).ready_within(PATIENCE) {
        Ok(Ok(server)) => Ok(server),
        Ok(Err(ended)) => Err(refused(&ended)),
        Err(_) => Err(Outcome::Wrong("it was neither ready nor ended in time".to_owned())),
    }
}

fn refused(ended: &Ended) -> Outcome {
    let last = ended.log.lines().last().unwrap_or_default().to_owned();
    if panicked(&ended.log) {
        Outcome::Wrong(format!("it panicked:\n{}", ended.log))
    } else if !ended.code.is_some_and(|code| KNOWN_EXITS.contains(&code)) {
        Outcome::Wrong(format!("it ended with {:?}: {last}", ended.code))
    } else {
        Outcome::Refused(last)
    }
}

async fn ended_well(server: Server, outcome: Outcome) -> Outcome {
    let log = server.kept_log();
    let stopped = server.stop().await;
    let log = log.lock().expect("nobody panics while reading a log");
    if panicked(&log) {
        Outcome::Wrong(format!("it panicked:\n{log}"))
    } else if !stopped.success() && matches!(outcome, Outcome::Harmless | Outcome::Repaired) {
        Outcome::Wrong(format!("it answered as before and then ended badly:\n{log}"))
    } else {
        outcome
    }
}

fn panicked(log: &str) -> bool {
    log.contains("a part of the server failed") || log.contains("panicked at")
}

fn told_of_repair(log: &str) -> bool {
    log.contains("quarantine")
}
