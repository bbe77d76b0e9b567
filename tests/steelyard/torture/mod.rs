//! kill -9 of the real server under concurrent callers, at any moment: under
//! load, while it stops, while it opens, while it makes a backup, while it rebuilds
//! the engine's files from backup and journal. After each kill everything acknowledged
//! is there, what was not answered is there whole or not at all and once when
//! asked again, and the lists are those of a server that was never harmed.
//!
//! `just torture ROUNDS [SEED]` runs more rounds than the ordinary tests do.
//! Decisions follow from the seed; the moment at which a kill meets the server
//! does not.

pub mod book;
pub mod caller;

use std::collections::BTreeSet;
use std::env;
use std::path::Path;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use steelyard::pb;
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;

use crate::answers;
use crate::harness::{Server, Starting, new_id, on_directory, steelyard, told as told_of};
use crate::people::AS_OF;
use caller::{Caller, Found, Halt};

/// Rounds in the ordinary tests.
const ROUNDS: u32 = 8;
/// Rounds on one directory; then a fresh one is begun.
const ERA: u32 = 16;
/// Little of everything, so that segments are changed often.
const SMALL: [&str; 6] = ["--store-cache-mb", "16", "--store-segment-mb", "1", "--store-ballast-mb", "1"];
/// Longest that callers may take to notice that their server is gone.
const PATIENCE: Duration = Duration::from_mins(2);

/// When the kill comes.
#[derive(Clone, Copy, Debug)]
enum Blow {
    UnderLoad,
    WhileStopping,
    WhileOpening,
    UnderBulk,
    WhileBackingUp,
    WhileRebuilding,
}

const BLOWS: [Blow; 6] = [
    Blow::UnderLoad,
    Blow::WhileStopping,
    Blow::WhileOpening,
    Blow::UnderBulk,
    Blow::WhileBackingUp,
    Blow::WhileRebuilding,
];

fn setting<T: std::str::FromStr>(name: &str, otherwise: T) -> T {
    env::var(name).map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} must be a whole number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_at_any_moment_loses_nothing_acknowledged() {
    let rounds = setting("STEELYARD_TORTURE_ROUNDS", ROUNDS);
    let seed = setting("STEELYARD_TORTURE_SEED", 1_u64);
    println!("torture: {rounds} rounds, seed {seed}");
    let mut dice = StdRng::seed_from_u64(seed);
    let mut era = Era::begin(&mut dice);
    for round in 1..=rounds {
        let blow = BLOWS[round as usize % BLOWS.len()];
        let told = era.round(blow, &mut dice).await;
        match told {
            Ok(told) => println!("round {round}/{rounds}: {told}"),
            Err(fault) => {
                let kept = era.home.keep();
                panic!("seed {seed}, round {round}, {blow:?}: {fault}\nthe directory is kept at {}", kept.display())
            }
        }
        if round % ERA == 0 || round == rounds {
            println!("{}", era.end().await);
            era = Era::begin(&mut dice);
        }
    }
    println!("{rounds} rounds clean");
}

/// Rounds on one directory.
struct Era {
    home: TempDir,
    callers: Vec<Caller>,
    /// Running, or killed and not started again.
    server: Option<Server>,
}

impl Era {
    fn begin(dice: &mut StdRng) -> Self {
        let callers = dice.random_range(4..=8);
        let callers = (0..callers).map(|place| Caller::new(format!("C{place}"), dice.random())).collect();
        Self { home: tempfile::tempdir().expect("a temporary directory"), callers, server: None }
    }

    async fn round(&mut self, blow: Blow, dice: &mut StdRng) -> Result<String, String> {
        let acknowledgements = if dice.random_ratio(1, 6) { 0 } else { dice.random_range(1..120) };
        let most_in_batch = if matches!(blow, Blow::UnderBulk) { 100 } else { 8 };
        self.callers.iter_mut().for_each(|caller| caller.most_in_batch = most_in_batch);
        let server = match self.server.take() {
            Some(server) => server,
            None => start(self.home.path())?,
        };
        if matches!(blow, Blow::UnderBulk) {
            // Lets go of whole segments of the journal: what comes needs backup and journal together.
            whole_backup(&server).await?;
        }
        self.strike(server, blow, acknowledgements, dice).await?;
        let rebuilding = matches!(blow, Blow::WhileRebuilding);
        if rebuilding {
            std::fs::remove_dir_all(self.home.path().join("sled")).map_err(|fault| fault.to_string())?;
        }
        let mut killed_opening = 0;
        if matches!(blow, Blow::WhileOpening | Blow::WhileRebuilding) {
            for _ in 0..dice.random_range(1..=4) {
                killed_opening += u32::from(kill_while_opening(self.home.path(), dice)?);
            }
        }
        let server = start(self.home.path())?;
        let found = self.settle(&server).await?;
        let (people, records) = self.compare(&server).await?;
        self.server = Some(server);
        let opening =
            if killed_opening > 0 { format!(", {killed_opening} times while opening") } else { String::new() };
        Ok(format!(
            "killed {blow:?} after {acknowledgements} acknowledgements{opening}; of {} requests without an answer {} had \
             been carried out; {people} people, {records} records, lists equal",
            found.unanswered, found.applied
        ))
    }

    /// Lets the callers work until so many acknowledgements came, and kills the server.
    async fn strike(
        &mut self,
        server: Server,
        blow: Blow,
        acknowledgements: usize,
        dice: &mut StdRng,
    ) -> Result<(), String> {
        let (tell, told) = unbounded_channel();
        let mut working = JoinSet::new();
        for mut caller in self.callers.drain(..) {
            let mut client = server.client().await;
            let tell = tell.clone();
            working.spawn(async move {
                let ended = caller.work(&mut client, &tell).await;
                (caller, ended)
            });
        }
        drop(tell);
        let counted = tokio::time::timeout(PATIENCE, count(told, acknowledgements)).await;
        let longest = if matches!(blow, Blow::WhileStopping | Blow::WhileBackingUp) { 150_000 } else { 20_000 };
        let moment = Duration::from_micros(dice.random_range(0..longest));
        if matches!(blow, Blow::WhileStopping) {
            server.ask_to_stop();
        }
        if matches!(blow, Blow::WhileBackingUp) {
            // Begun for certain: its first word has come.
            begun_backup(&server).await?.message().await.map_err(|status| told_of(&status))?;
        }
        server.kill_unless_ended_within(moment);
        let mut faults = Vec::new();
        if counted.is_err() {
            faults.push(format!("{acknowledgements} acknowledgements did not come in time"));
        }
        while let Some(ended) = tokio::time::timeout(PATIENCE, working.join_next())
            .await
            .map_err(|_| "a caller did not notice that the server is gone".to_owned())?
        {
            let (caller, ended) = ended.expect("a caller must not panic");
            match ended {
                Halt::Gone => {}
                Halt::Refused(_) | Halt::Wrong(_) => faults.push(format!("{}: {ended}", caller.name())),
            }
            self.callers.push(caller);
        }
        self.callers.sort_by(|one, other| one.name().cmp(other.name()));
        if faults.is_empty() { Ok(()) } else { Err(faults.join("\n")) }
    }

    /// Every caller's people, and what was not answered.
    async fn settle(&mut self, server: &Server) -> Result<Found, String> {
        let mut all = Found::default();
        let mut client = server.client().await;
        for caller in &mut self.callers {
            let found = caller.settle(&mut client).await.map_err(|fault| format!("{}: {fault}", caller.name()))?;
            all.unanswered += found.unanswered;
            all.applied += found.applied;
        }
        let revisions: Vec<u64> = self.callers.iter().flat_map(|caller| caller.book.revisions()).collect();
        let distinct: BTreeSet<u64> = revisions.iter().copied().collect();
        if distinct.len() == revisions.len() { Ok(all) } else { Err("one revision was told twice".to_owned()) }
    }

    /// The lists are those of a server without a disk that was told the same and never harmed.
    async fn compare(&self, server: &Server) -> Result<(usize, usize), String> {
        let twin = Server::in_memory();
        let mut unharmed = twin.client().await;
        let records: Vec<_> = self.callers.iter().flat_map(|caller| caller.book.records_in_force()).cloned().collect();
        for records in records.chunks(500) {
            unharmed.write(records.to_vec()).await;
        }
        for record in self.callers.iter().flat_map(|caller| caller.book.withdrawn_whole()) {
            unharmed.write(vec![record.clone()]).await;
            let withdrawal = pb::WithdrawEvidenceRequest {
                request_id: new_id(),
                subject_ref: record.subject_ref.clone(),
                record_id: record.id.clone(),
                reason: "as on the harmed server".to_owned(),
                etag: String::new(),
            };
            unharmed.evidence.withdraw_evidence(withdrawal).await.map_err(|status| told_of(&status))?;
        }
        let due = answers::lists(&mut unharmed).await?;
        let found = answers::lists(&mut server.client().await).await?;
        match answers::difference(&due, &found) {
            Some(difference) => Err(format!("told the same as a server that was never harmed, {difference}")),
            None => Ok((answers::people(&due).len(), records.len())),
        }
    }

    /// Stops the server as an operator would; the whole ledger, and standings folded from it afresh, must agree.
    async fn end(&mut self) -> String {
        if let Some(server) = self.server.take() {
            assert!(server.stop().await.success(), "a server asked to stop must end well");
        }
        let told = self.callers.iter().flat_map(|caller| caller.book.revisions()).max().unwrap_or_default();
        let home = self.home.path().to_str().expect("a temporary path must be text");
        let verified =
            steelyard().args(["verify", "--quiet", "--standings", "--output", "json", "--data-dir", home]).output();
        let verified = verified.expect("must run");
        let said = String::from_utf8_lossy(&verified.stdout);
        assert!(verified.status.success(), "{said}\n{}", String::from_utf8_lossy(&verified.stderr));
        let said: serde_json::Value = serde_json::from_str(&said).expect("must be JSON");
        let field = |name: &str| said["outcome"][name].as_str().unwrap_or_default().to_owned();
        let revision: u64 = field("revision").parse().expect("a verification tells how far the ledger goes");
        assert!(revision >= told, "{told} was told, the ledger ends at {revision}");
        let (head, standings) = (field("headHash"), field("standingsDigest"));
        assert!(!standings.is_empty(), "standings were to be folded from the ledger: {said}");
        format!("verified: chain, views and standings from 1 to {revision}:{head}")
    }
}

/// A backup of whichever kind is due, begun.
async fn begun_backup(server: &Server) -> Result<tonic::Streaming<pb::CreateBackupResponse>, String> {
    let request = pb::CreateBackupRequest { request_id: new_id(), kind: 0 };
    let begun = server.client().await.maintenance.create_backup(request).await;
    begun.map(tonic::Response::into_inner).map_err(|status| told_of(&status))
}

async fn whole_backup(server: &Server) -> Result<(), String> {
    let mut progress = begun_backup(server).await?;
    let mut last = None;
    while let Some(message) = progress.message().await.map_err(|status| told_of(&status))? {
        last = Some(message);
    }
    let done = last.is_some_and(|message| message.backup.is_some());
    done.then_some(()).ok_or_else(|| "a backup must end with what it made".to_owned())
}

async fn count(mut told: UnboundedReceiver<()>, acknowledgements: usize) {
    for _ in 0..acknowledgements {
        // All callers gone: there is nothing left to wait for.
        if told.recv().await.is_none() {
            return;
        }
    }
}

fn arguments(home: &Path) -> Vec<&str> {
    on_directory(home, &[&SMALL[..], &["--as-of", AS_OF, "--backup-every-minutes", "0"]].concat())
}

fn start(home: &Path) -> Result<Server, String> {
    let started = Starting::with(&arguments(home)).ready();
    started.map_err(|ended| format!("the server ended with {:?}:\n{}", ended.code, ended.log))
}

/// Kills a server at some moment before it is ready; gives whether it was not.
fn kill_while_opening(home: &Path, dice: &mut StdRng) -> Result<bool, String> {
    let moment = Duration::from_micros(dice.random_range(0..400_000));
    match Starting::with(&arguments(home)).ready_within(moment) {
        Ok(Ok(server)) => {
            server.kill();
            Ok(false)
        }
        Ok(Err(ended)) => Err(format!("the server ended with {:?}:\n{}", ended.code, ended.log)),
        Err(starting) => {
            drop(starting);
            Ok(true)
        }
    }
}
