//! Lists while a full backup is made and checked, against lists of an idle server.

mod common;

use std::process::{Child, Command, Stdio};

use common::calls::Calls;
use common::force::Force;
use common::process::Owned;
use common::server::Server;
use common::verdict::{Target, heading, note, tell};
use common::{Options, raw, run};
use steelyard::pb;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const METHOD: &str = "/steelyard.v1.RankingService/ListStandings";
/// Rows on a page.
const ROWS: u32 = 50;

fn main() -> anyhow::Result<()> {
    run(measure)
}

fn measure(options: &Options) -> anyhow::Result<()> {
    let subjects = options.scale(1_000_000);
    let force = Force::of(options, subjects)?;
    let scratch = options.scratch("backup")?;
    let (data, backups) = (scratch.join("data"), scratch.join("backups"));
    raw::copy(&force.data(), &data)?;
    let directory = backups.to_str().unwrap_or_default();
    // The schedule is off: the only backups are those that are measured.
    let server = Server::on(&data, &["--backup-directory", directory, "--backup-every-minutes", "0"])?;
    let request =
        pb::ListStandingsRequest { list: pb::List::All.into(), page_size: ROWS, ..pb::ListStandingsRequest::default() };
    let calls = Calls::new(&scratch, "list", METHOD, &[request])?;

    heading(&format!("ListStandings during a full backup, {subjects} subjects, {} records", force.records));
    let mut p99 = Vec::new();
    let mut rate = Vec::new();
    for _ in 0..options.pairs {
        let idle = calls.at(&server.address, options.seconds)?;
        let mut backup = backup(&server)?;
        let mut slowest = 0;
        let mut answered = Vec::new();
        // The whole of the backup counts, in slices: reading, writing, restoring and comparing cost differently.
        while backup.0.try_wait()?.is_none() {
            let during = calls.at(&server.address, options.seconds)?;
            slowest = slowest.max(during.p99);
            answered.push(during.rate());
        }
        anyhow::ensure!(backup.0.wait()?.success(), "the backup failed");
        p99.push(slowest as f64 / idle.p99 as f64);
        rate.push(common::verdict::median(&answered) / idle.rate());
        note(&format!("idle p99 {} us; worst of {} slices during the backup {slowest} us", idle.p99, answered.len()));
    }
    tell("p99 during a backup: times the idle p99", &p99, Target::AtMost(2.0));
    tell("calls during a backup: of the idle calls", &rate, Target::Told);
    note(&format!("{} MB of backups", raw::size(&backups)? >> 20));
    server.stop()?;
    std::fs::remove_dir_all(scratch)?;
    Ok(())
}

/// Asks for a full backup; ends when it has been checked.
fn backup(server: &Server) -> anyhow::Result<Owned> {
    let child: Child = Command::new(env!("CARGO_BIN_EXE_steelyard"))
        .args(["backup", "--full", "--server", &format!("http://{}", server.address)])
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()?;
    Ok(Owned(child))
}
