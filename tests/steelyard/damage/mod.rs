//! Damage to every file of a stopped data directory: bits flipped, ends cut off.
//! The server must then answer as before, or repair itself and answer as before,
//! or refuse to start and say what is wrong where. Never another answer, never a
//! panic, never a start that does not end.
//!
//! `just damage ROUNDS [SEED]` does more of it than the ordinary tests do.

mod harm;
mod outcome;

use std::env;

use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::answers::Answers;
use crate::harness::Server;
use crate::people::AS_OF;
use harm::Harm;
use outcome::{Outcome, Table};

/// Damages in the ordinary tests.
const ROUNDS: usize = 24;

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
    for (round, file) in (1..=rounds).zip(files.iter().cycle()) {
        let copy = tempfile::tempdir().expect("a temporary directory");
        harm::copy(sound.path(), copy.path());
        let harm = Harm::chosen(copy.path(), file, &mut dice);
        harm.done_to(copy.path());
        let outcome = outcome::of(copy.path(), &before).await;
        table.count(file, &outcome);
        match outcome {
            Outcome::Wrong(fault) => {
                println!("damage {round}/{rounds}: {harm}: WRONG: {fault}");
                faults.push(format!("{harm}: {fault}\nthe directory is kept at {}", copy.keep().display()));
            }
            Outcome::Refused(_) | Outcome::Same | Outcome::Repaired | Outcome::FoundLater => {
                println!("damage {round}/{rounds}: {harm}: {outcome}");
            }
        }
    }
    println!("{table}");
    assert!(faults.is_empty(), "seed {seed}: {} of {rounds} damages:\n{}", faults.len(), faults.join("\n"));
    println!("{rounds} damages, no wrong answer");
}

/// A directory in which everything has been written that a server writes; and what it answered at the end.
async fn fill(home: &std::path::Path) -> Answers {
    let server = Server::on(home, &["--as-of", AS_OF]);
    let mut client = server.client().await;
    for persona in crate::personas::everybody() {
        for records in persona.somebody.records().chunks(500) {
            client.write(records.to_vec()).await;
        }
    }
    let before = Answers::of(&mut client).await.expect("a sound server must answer");
    assert!(server.stop().await.success(), "a server asked to stop must end well");
    before
}
