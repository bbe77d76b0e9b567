//! Damage to every file of a stopped data directory: bits flipped, ends cut off.
//! The server must then answer as before, or repair itself and answer as before,
//! or refuse to start and say what is wrong where. Never another answer, never a
//! panic, never a start that does not end.
//!
//! `just damage ROUNDS [SEED]` does more of it than the ordinary tests do.

mod harm;
mod outcome;

use std::env;
use std::path::Path;

use rand::SeedableRng;
use rand::rngs::StdRng;
use steelyard::pb;
use steelyard::pb::record::Kind;

use crate::answers::Answers;
use crate::harness::{Server, steelyard};
use crate::people::{AS_OF, Somebody};
use harm::Harm;
use outcome::{Outcome, Table};

/// Damages in the ordinary tests.
const ROUNDS: usize = 12;
/// Little of everything, so that there are several segments and files are quickly copied.
const SMALL: [&str; 8] =
    ["--store-cache-mb", "16", "--store-segment-mb", "1", "--store-ballast-mb", "1", "--backup-every-minutes", "0"];
/// Versions of each long record written before each backup.
const VERSIONS: i64 = 160;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn damage_is_harmless_repaired_or_refused_by_name() {
    let number = |name: &str, otherwise: usize| {
        env::var(name).map_or(otherwise, |text| text.parse().expect("must be a whole number"))
    };
    let (rounds, seed) = (number("STEELYARD_DAMAGE_ROUNDS", ROUNDS), number("STEELYARD_DAMAGE_SEED", 1));
    println!("damage: {rounds} damages, seed {seed}");
    let sound = tempfile::tempdir().expect("a temporary directory");
    let before = fill(sound.path()).await;
    let mut dice = StdRng::seed_from_u64(seed as u64);
    let files = harm::files(sound.path());
    println!("{} files: {}", files.len(), files.join(", "));
    let mut table = Table::default();
    let mut faults = Vec::new();
    // The engine's data is most of what there is, and no two of its pages are alike.
    let often = |file: &String| if file == "sled/db" { 4 } else { 1 };
    let weighted: Vec<&String> = files.iter().flat_map(|file| std::iter::repeat_n(file, often(file))).collect();
    for (round, file) in (1..=rounds).zip(weighted.into_iter().cycle()) {
        let copy = tempfile::tempdir().expect("a temporary directory");
        harm::copy(sound.path(), copy.path());
        let harm = Harm::chosen(copy.path(), file, &mut dice);
        harm.done_to(copy.path());
        let mut outcome = outcome::of(copy.path(), &SMALL, &before).await;
        if matches!(outcome, Outcome::Harmless) && file.starts_with("backups/") {
            outcome = Outcome::Wrong("a damaged backup passes for a sound one".to_owned());
        }
        table.count(file, &outcome);
        match outcome {
            Outcome::Wrong(fault) => {
                println!("damage {round}/{rounds}: {harm}: WRONG: {fault}");
                faults.push(format!("{harm}: {fault}\nthe directory is kept at {}", copy.keep().display()));
            }
            Outcome::Refused(_) | Outcome::Harmless | Outcome::Verify | Outcome::Repaired | Outcome::FoundLater => {
                println!("damage {round}/{rounds}: {harm}: {outcome}");
            }
        }
    }
    println!("{table}");
    assert!(faults.is_empty(), "seed {seed}: {} of {rounds} damages:\n{}", faults.len(), faults.join("\n"));
    println!("{rounds} damages, no wrong answer");
}

/// A directory in which everything has been written that a server writes, and what it answered at the end: what the
/// engine holds, journal segments of which the first was let go of, and backups that the rest builds on.
async fn fill(home: &Path) -> Answers {
    let server = Server::on(home, &[&SMALL[..], &["--as-of", AS_OF]].concat());
    let mut client = server.client().await;
    for persona in crate::personas::everybody() {
        for records in persona.somebody.records().chunks(500) {
            client.write(records.to_vec()).await;
        }
    }
    for (kind, first) in [("--full", 0), ("--incremental", VERSIONS)] {
        for version in first..first + VERSIONS {
            client.write(long_records(version)).await;
        }
        let made = steelyard().args(["backup", "--server", &server.url(), kind]).output().expect("must run");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    }
    client.write(long_records(2 * VERSIONS)).await;
    let before = Answers::of(&mut client).await.expect("a sound server must answer");
    assert!(server.stop().await.success(), "a server asked to stop must end well");
    before
}

/// Later versions of a few records, as long as records are, to fill segments with few of them.
fn long_records(version: i64) -> Vec<pb::Record> {
    let decisions = (0..5).map(|place| {
        let decision = pb::BandOverride {
            band: pb::Band::VeryHigh.into(),
            scope: pb::OverrideScope::Both.into(),
            rationale: format!("version {version} ").repeat(100),
            officer: "INSPECTOR-1".to_owned(),
            expires_on: "2026-04-10".to_owned(),
            second_officer: String::new(),
        };
        let mut records =
            Somebody::new(&format!("LONG-{place}")).record("2026-03-20", Kind::BandOverride(decision)).records();
        let recorded = records[0].recorded_time.as_mut().expect("somebody's records say when");
        recorded.seconds += version;
        records.remove(0)
    });
    decisions.collect()
}
