//! A disk that runs low, and one that is full all the same: writes are refused
//! by name while reads go on, nothing acknowledged is lost by a kill or a restart
//! in that state, and when there is room again writes are taken again without
//! one.
//!
//! The disk is a small tmpfs in a mount namespace of its own, so that nothing is
//! left mounted whatever happens. Where the system allows no such namespace the
//! drill says so on standard error; `just small-disk` fails there instead.

use std::env;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tonic::transport::Channel;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use crate::answers::{self, Answers};
use crate::harness::{Client, Server, Starting, on_directory, reason};
use crate::people::AS_OF;
use crate::torture::caller::{Caller, Halt};

const DISK: &str = "STEELYARD_SMALL_DISK";
const REQUIRED: &str = "STEELYARD_SMALL_DISK_REQUIRED";
const DRILL: [&str; 4] = ["small_disk::drill", "--exact", "--nocapture", "--test-threads=1"];
/// Size of the disk, MiB.
const DISK_MB: u64 = 48;
/// Longest wait for a disk to fill up, or for a server to notice that it has room again.
const PATIENCE: Duration = Duration::from_mins(2);
/// How long after a refusal the same request is sent again.
const AGAIN: Duration = Duration::from_millis(50);

#[test]
fn a_full_disk_loses_nothing_and_is_recovered_from_without_a_restart() {
    let disk = tempfile::tempdir().expect("a temporary directory");
    let allowed = Command::new("unshare")
        .args(["-Urm", "mount", "-t", "tmpfs", "-o", "size=1m", "steelyard"])
        .arg(disk.path())
        .output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        let skipped = "the drill on a full disk needs `unshare -Urm` and a tmpfs, which this system does not allow";
        assert!(env::var_os(REQUIRED).is_none(), "{skipped}");
        // Past the capture of a test's output: nobody is to take this for a pass.
        writeln!(io::stderr(), "SKIPPED: {skipped}").expect("standard error must take a line");
        return;
    }
    let drill = Command::new("unshare")
        .arg("-Urm")
        .arg(env::current_exe().expect("a test knows its own program"))
        .args(DRILL)
        .env(DISK, disk.path())
        .output()
        .expect("the drill must start");
    let told = String::from_utf8_lossy(&drill.stdout);
    print!("{told}");
    assert!(drill.status.success(), "{told}\n{}", String::from_utf8_lossy(&drill.stderr));
    assert!(told.contains("test result: ok. 1 passed"), "the drill must have been run:\n{told}");
}

/// Runs in the namespace; without a disk named there is nothing to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn drill() {
    let Some(disk) = env::var_os(DISK).map(PathBuf::from) else { return };
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={DISK_MB}m"), "steelyard"]).arg(&disk).status();
    assert!(mounted.is_ok_and(|status| status.success()), "a tmpfs must be mounted");
    let filler = Filler { path: disk.join("filler") };
    let home = disk.join("home");
    let mut caller = Caller::new("C".to_owned(), 1);
    (caller.imports, caller.most_in_write) = (false, 200);

    // Low: refused with a margin, before anything fails.
    let server = Server::with(&with_least(&home, "8"));
    let mut client = server.client().await;
    filler.leave(&disk, 14 << 20);
    let refusal = until_refused(&server, &mut caller, &mut client).await;
    assert_eq!(reason(&refusal).as_deref(), Some("DISK_LOW"), "{refusal:?}");
    assert_eq!(refusal.code(), tonic::Code::ResourceExhausted);
    {
        use tonic_types::StatusExt;
        assert!(refusal.get_error_details().retry_info().is_some(), "a caller must hear when to try again");
    }
    let low = Answers::of(&mut client).await.expect("reads must go on");
    filler.remove();
    until_taken(&mut caller, &mut client).await;
    println!(
        "low: refused with DISK_LOW, {} people still listed, taken again with room",
        answers::people(&low.lists).len()
    );
    assert!(server.stop().await.success());

    // Full: the watch is off, so that the disk itself refuses.
    let server = Server::with(&with_least(&home, "0"));
    let process = server.id();
    let mut client = server.client().await;
    settle(&mut caller, &mut client).await;
    let refusal = fill_up(&server, &mut caller, &mut client, &filler).await;
    assert!(is_of_a_full_disk(&refusal), "{refusal:?}\n{}", server.log());
    match Answers::of(&mut client).await {
        Ok(full) => assert!(full.context.1 >= low.context.1),
        // Unless who reads cannot be written down any more, on the same disk: then nothing is disclosed.
        Err(told) => assert!(told.contains("AUDIT_UNAVAILABLE"), "reads must go on: {told}\n{}", server.log()),
    }
    assert_eq!(health(&server, "steelyard.v1.EvidenceService").await, ServingStatus::NotServing);
    assert_eq!(health(&server, "steelyard.v1.RankingService").await, ServingStatus::Serving);
    filler.remove();
    until_taken(&mut caller, &mut client).await;
    settle(&mut caller, &mut client).await;
    eventually_serving(&server).await;
    assert_eq!(server.id(), process, "it must have recovered by itself");
    println!("full: STORE_READ_ONLY, lists and evidence still answered, taken again in the same process");

    // Full, and killed there.
    let refusal = fill_up(&server, &mut caller, &mut client, &filler).await;
    assert!(is_of_a_full_disk(&refusal), "{refusal:?}\n{}", server.log());
    server.kill();
    match Starting::with(&with_least(&home, "0")).ready() {
        // Reading needs no room where everything is in order.
        Ok(server) => {
            let mut client = server.client().await;
            if let Err(told) = Answers::of(&mut client).await {
                assert!(told.contains("AUDIT_UNAVAILABLE"), "a server that starts on a full disk must answer: {told}");
            }
            server.kill();
            println!("killed while full: starts and reads");
        }
        Err(ended) => {
            let last = ended.log.lines().last().unwrap_or_default();
            assert!(last.to_lowercase().contains("full") || last.contains("No space"), "{}", ended.log);
            assert!(!ended.log.contains("panicked"), "{}", ended.log);
            assert!(matches!(ended.code, Some(69 | 70 | 74)), "{:?}: {}", ended.code, ended.log);
            println!("killed while full: refuses to start with {:?}: {last}", ended.code);
        }
    }
    assert!(!home.join("quarantine").exists(), "a full disk is no reason to put the store aside");
    filler.remove();
    let server = Server::with(&with_least(&home, "0"));
    let mut client = server.client().await;
    settle(&mut caller, &mut client).await;
    assert!(!home.join("quarantine").exists(), "a full disk is no reason to put the store aside");
    assert!(server.stop().await.success());
    println!("with room again: everything acknowledged is there");
}

/// Whether a call was refused because the disk is full: it could not be written, or not who asked.
fn is_of_a_full_disk(refusal: &tonic::Status) -> bool {
    matches!(reason(refusal).as_deref(), Some("STORE_READ_ONLY" | "AUDIT_UNAVAILABLE"))
}

fn with_least<'a>(home: &'a Path, least_mb: &'a str) -> Vec<&'a str> {
    let mut arguments = on_directory(home, &["--as-of", AS_OF, "--store-cache-mb", "16", "--store-segment-mb", "1"]);
    arguments.extend(["--store-ballast-mb", "4", "--store-min-free-mb", least_mb, "--backup-every-minutes", "0"]);
    arguments
}

/// Everything acknowledged is there, and what was not answered is carried out once.
async fn settle(caller: &mut Caller, client: &mut Client) {
    if let Err(fault) = caller.settle(client).await {
        panic!("{fault}");
    }
}

/// Writes until the server refuses.
async fn until_refused(server: &Server, caller: &mut Caller, client: &mut Client) -> tonic::Status {
    let (acknowledged, _) = tokio::sync::mpsc::unbounded_channel();
    let halt = tokio::time::timeout(PATIENCE, caller.work(client, &acknowledged)).await;
    match halt.expect("the disk must fill up in time") {
        Halt::Refused(status) => *status,
        other @ (Halt::Gone | Halt::Wrong(_)) => panic!("a refusal is due, not: {other}\n{}", server.log()),
    }
}

/// Fills the disk up while the caller writes, until the server refuses.
async fn fill_up(server: &Server, caller: &mut Caller, client: &mut Client, filler: &Filler) -> tonic::Status {
    filler.fill();
    until_refused(server, caller, client).await
}

/// Sends what was refused again until it is taken.
async fn until_taken(caller: &mut Caller, client: &mut Client) {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match caller.ask_again(client).await {
            Ok(()) => return,
            Err(Halt::Refused(status)) => {
                assert!(Instant::now() < deadline, "writes must be taken again in time: {status:?}");
                tokio::time::sleep(AGAIN).await;
            }
            Err(halt @ (Halt::Gone | Halt::Wrong(_))) => panic!("{halt}"),
        }
    }
}

async fn health(server: &Server, service: &str) -> ServingStatus {
    let endpoint = Channel::from_shared(server.url()).expect("an address must be a URI");
    let mut client = HealthClient::new(endpoint.connect().await.expect("a server must take connections"));
    let question = HealthCheckRequest { service: service.to_owned() };
    client.check(question).await.expect("health must be told").into_inner().status()
}

async fn eventually_serving(server: &Server) {
    let deadline = Instant::now() + PATIENCE;
    while health(server, "steelyard.v1.EvidenceService").await != ServingStatus::Serving {
        assert!(Instant::now() < deadline, "a server that takes writes must say so");
        tokio::time::sleep(AGAIN).await;
    }
}

/// A file that takes up room.
struct Filler {
    path: PathBuf,
}

impl Filler {
    /// Grows until so many bytes are free.
    fn leave(&self, disk: &Path, free: u64) {
        let stat = rustix::fs::statvfs(disk).expect("a mounted disk has figures");
        let there = stat.f_bavail * stat.f_frsize;
        let bytes = there.checked_sub(free).expect("the disk must be larger than that");
        let mut file = File::create(&self.path).expect("there must be room for a file");
        file.write_all(&vec![0; usize::try_from(bytes).expect("a small disk")]).expect("there must be room");
    }

    /// Grows until the disk is full.
    fn fill(&self) {
        let mut file =
            File::options().create(true).append(true).open(&self.path).expect("there must be room for a name");
        for length in [1 << 20, 4096, 1] {
            while file.write_all(&vec![0; length]).is_ok() {}
        }
    }

    fn remove(&self) {
        fs::remove_file(&self.path).expect("the filler must be there");
    }
}
