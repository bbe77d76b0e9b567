//! A start that has lost the engine's files, from backup and journal to serving,
//! against the import that filled the store.

mod common;

use std::process::{Command, Stdio};

use bytes::Bytes;
use common::force::{self, Force};
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, raw, run};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The part of the records that is in the backup; the rest is in the journal alone.
const IN_BACKUP: f64 = 0.8;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(100_000);
    let batches: Vec<Bytes> = force::batches(subjects)?.collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a count")]
    let first = (batches.len() as f64 * IN_BACKUP) as usize;
    heading(&format!("Rebuild of {subjects} subjects from a backup and the journal"));
    let mut ratios = Vec::new();
    for _ in 0..options.pairs {
        let scratch = options.scratch("rebuild")?;
        let imported = Force::import(subjects, &scratch.join("first"), batches.clone().into_iter().take(first))?;
        let data = imported.data();
        let server = Server::on(&data, &[])?;
        let backed_up = Command::new(env!("CARGO_BIN_EXE_steelyard"))
            .args(["backup", "--full", "--server", &format!("http://{}", server.address)])
            .stdout(Stdio::null())
            .status()?;
        anyhow::ensure!(backed_up.success(), "the backup failed");
        server.stop()?;
        let (rest, _) = Force::add(&data, batches.clone().into_iter().skip(first))?;
        std::fs::remove_dir_all(data.join("sled"))?;
        let server = Server::on(&data, &[])?;
        let rebuilt = server.started_in.as_secs_f64();
        server.stop()?;
        let imported = imported.seconds + rest;
        ratios.push(rebuilt / imported);
        note(&format!(
            "rebuilt in {rebuilt:.1} s, imported in {imported:.1} s; sled {} MB, journal {} MB, backups {} MB",
            raw::size(&data.join("sled"))? >> 20,
            raw::size(&data.join("journal"))? >> 20,
            raw::size(&data.join("backups"))? >> 20,
        ));
        std::fs::remove_dir_all(scratch)?;
    }
    tell("rebuild: times the import", &ratios, Target::AtMost(3.0));
    Ok(())
}
