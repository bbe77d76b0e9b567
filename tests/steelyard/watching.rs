//! What whoever follows a list relies on: killed and resumed at any moment, it ends
//! with the server's list; where it cannot, it is told so; and a server that stops
//! says goodbye.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use steelyard::pb;
use steelyard::pb::watch_standings_response::Event;
use tokio::sync::watch;
use tonic::{Code, Streaming};
use tonic_types::StatusExt;

use crate::harness::{Client, Server, new_id, reason, steelyard as command, told};
use crate::people::{AS_OF, Somebody};

/// Longest wait for a message that must come.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often each client is killed.
const ROUNDS: u32 = 24;
/// People who are on the lists from the first, so that a list takes several messages.
const CROWD: u32 = 1_100;

/// Sort key of one person.
type Key = (i32, u32, u32, u32, u32, String);

/// A list as a client holds it, and the token that belongs to it.
struct Held {
    list: pb::List,
    people: BTreeMap<String, Key>,
    token: String,
    /// Whole lists, publications and changes applied.
    applied: [usize; 3],
}

impl Held {
    fn nothing(list: pb::List) -> Self {
        Self { list, people: BTreeMap::new(), token: String::new(), applied: [0; 3] }
    }

    fn bound(&mut self, boundary: &pb::ChangeBoundary) {
        match boundary.kind() {
            pb::BoundaryKind::Initial => {
                self.people.clear();
                self.applied[0] += 1;
            }
            pb::BoundaryKind::Publication => self.applied[1] += 1,
            pb::BoundaryKind::Unspecified => panic!("never sent"),
        }
    }

    fn apply(&mut self, changes: Vec<pb::StandingChange>) {
        self.applied[2] += changes.len();
        for change in changes {
            let kind = change.kind();
            let key = (
                change.effective_band,
                change.composite,
                change.harm,
                change.threat,
                change.risk,
                change.outstanding_since,
            );
            match kind {
                pb::ChangeKind::Entered | pb::ChangeKind::Changed => self.people.insert(change.subject_ref, key),
                pb::ChangeKind::Left => self.people.remove(&change.subject_ref),
                pb::ChangeKind::Unspecified => panic!("never sent"),
            };
        }
    }

    /// Takes a message in.
    fn take(&mut self, message: pb::WatchStandingsResponse) {
        match message.event.expect("a message tells something") {
            Event::Boundary(boundary) => self.bound(&boundary),
            Event::Changes(set) => {
                assert!((1..=500).contains(&set.changes.len()));
                self.apply(set.changes);
            }
            Event::Checkpoint(_) => {}
        }
        self.token = message.resume_token;
    }

    async fn watch(&self, client: &mut Client, min_revision: u64) -> Streaming<pb::WatchStandingsResponse> {
        let request = pb::WatchStandingsRequest {
            list: self.list.into(),
            resume_token: self.token.clone(),
            min_revision,
            ..Default::default()
        };
        match client.ranking.watch_standings(request).await {
            Ok(stream) => stream.into_inner(),
            Err(status) => panic!("a stream must begin: {}", told(&status)),
        }
    }

    /// Takes one page in; whether it was the last for now, and its revision.
    async fn page(&mut self, client: &mut Client, page_size: u32, min_revision: u64) -> (bool, u64) {
        let request = pb::ListChangesRequest {
            list: self.list.into(),
            change_token: self.token.clone(),
            page_size,
            min_revision,
            ..Default::default()
        };
        let page = client.ranking.list_changes(request).await;
        let page = page.unwrap_or_else(|status| panic!("a page must come: {}", told(&status))).into_inner();
        assert!(page.changes.len() <= page_size as usize);
        if let Some(boundary) = page.boundary {
            self.bound(&boundary);
        }
        self.apply(page.changes);
        self.token = page.next_change_token;
        (page.up_to_date, page.context.expect("every read says what it is of").revision)
    }

    /// Watches until it holds the list as at a revision or later; that revision.
    async fn catch_up(&mut self, client: &mut Client, revision: u64) -> u64 {
        let mut stream = self.watch(client, revision).await;
        loop {
            let message = next(&mut stream).await.expect("a message must come");
            let at = message.context.as_ref().expect("every read says what it is of").revision;
            let complete = message.complete_revision;
            self.take(message);
            assert!(complete <= at);
            if complete == at {
                return at;
            }
        }
    }

    async fn is_the_list(&self, client: &mut Client) {
        let whole = client.whole(self.list, 1_000).await.into_iter().map(|standing| {
            let key = (
                standing.effective_band,
                standing.composite,
                standing.harm,
                standing.threat,
                standing.risk,
                standing.outstanding_since,
            );
            (standing.subject_ref, key)
        });
        assert_eq!(self.people, whole.collect(), "{:?}", self.list);
    }
}

/// The next message, which must come.
async fn next(stream: &mut Streaming<pb::WatchStandingsResponse>) -> Result<pb::WatchStandingsResponse, tonic::Status> {
    let message = tokio::time::timeout(PATIENCE, stream.message()).await.expect("something must come in time");
    message.map(|message| message.expect("a stream never ends without a word"))
}

async fn crowd(client: &mut Client) {
    let people = (0..CROWD).flat_map(|place| {
        let somebody = Somebody::man(&format!("C-{place:04}"), "1990-01-01").suspected("TH68010", "2026-03-01");
        somebody.wanted("2026-03-02").mappa(1 + place % 3, 1 + place % 3, "2026-02-01").records()
    });
    let records: Vec<pb::Record> = people.collect();
    for records in records.chunks(500) {
        client.write(records.to_vec()).await;
    }
}

/// Writes about people and withdraws what was written, at random, until told to stop; the last revision.
async fn write(mut client: Client, seed: u64, stop: watch::Receiver<bool>) -> u64 {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut in_force: Vec<(String, String)> = Vec::new();
    let mut revision = 0;
    for written in 0_u32.. {
        if *stop.borrow() {
            break;
        }
        if in_force.len() > 60 || (!in_force.is_empty() && dice.random_ratio(2, 5)) {
            let (subject_ref, record_id) = in_force.swap_remove(dice.random_range(0..in_force.len()));
            let request = pb::WithdrawEvidenceRequest {
                request_id: new_id(),
                subject_ref,
                record_id,
                reason: "recorded against the wrong person".to_owned(),
                ..Default::default()
            };
            let withdrawn = client.evidence.withdraw_evidence(request).await.expect("must be withdrawn");
            revision = withdrawn.into_inner().revision;
            continue;
        }
        let mut records = record(&mut dice);
        for (place, record) in records.iter_mut().enumerate() {
            record.id = format!("w-{written}-{place}");
            in_force.push((record.subject_ref.clone(), record.id.clone()));
        }
        revision = client.write(records).await.revision;
    }
    revision
}

/// One or two records that move somebody, and through a victim perhaps somebody else.
fn record(dice: &mut StdRng) -> Vec<pb::Record> {
    let kind = ["C", "N"].choose(dice).expect("there are two");
    let somebody = Somebody::new(&format!("{kind}-{:04}", dice.random_range(0..40)));
    let day = format!("2026-03-{:02}", dice.random_range(1..=28));
    let victim = format!("V-{}", dice.random_range(0..4));
    match dice.random_range(0..5) {
        0 => somebody.mappa(2, dice.random_range(1..=3), &day),
        1 => somebody.convicted("TH68010", "2025-11-02", &day),
        2 => somebody.suspected("TH68010", &day).domestic(&victim, true),
        3 => somebody.marker(pb::MarkerKind::Firearms, &day, ""),
        _ => somebody.outstanding(pb::OutstandingReason::CourtWarrantNotBacked, &day, &[]),
    }
    .records()
}

/// A client that watches and is killed at random, with what it holds and its token as it last kept them.
async fn watched(mut client: Client, list: pb::List, seed: u64) -> Held {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut held = Held::nothing(list);
    for _ in 0..ROUNDS {
        let mut stream = held.watch(&mut client, 0).await;
        for _ in 0..dice.random_range(1..5) {
            let before = held.token.clone();
            let message = next(&mut stream).await.expect("a message must come");
            let initial = matches!(&message.event, Some(Event::Boundary(boundary)) if boundary.kind() == pb::BoundaryKind::Initial);
            held.take(message);
            if !initial && dice.random_ratio(1, 6) {
                // Killed between keeping what a message told and keeping its token.
                held.token = before;
                break;
            }
        }
    }
    held
}

/// A client that asks for pages of any size, from connections that do not last.
async fn paged(mut client: Client, list: pb::List, seed: u64) -> Held {
    let mut dice = StdRng::seed_from_u64(seed);
    let mut held = Held::nothing(list);
    for _ in 0..ROUNDS {
        for _ in 0..dice.random_range(1..4) {
            held.page(&mut client, dice.random_range(1..400), 0).await;
        }
    }
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_killed_and_resumed_at_random_ends_with_the_servers_list() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    crowd(&mut client).await;
    let (stop, stopped) = watch::channel(false);
    let writer = tokio::spawn(write(server.client().await, 7, stopped));
    let lists = [pb::List::Outstanding, pb::List::Candidates];
    let mut working = Vec::new();
    for (seed, list) in (1..).zip(lists) {
        working.push(tokio::spawn(watched(server.client().await, list, seed)));
        working.push(tokio::spawn(paged(server.client().await, list, 10 + seed)));
    }
    let mut holding = Vec::new();
    for client in working {
        holding.push(client.await.expect("a client must not panic"));
    }
    stop.send(true).expect("the writer listens");
    let last = writer.await.expect("the writer must not panic");
    assert!(last > 0);
    for mut held in holding {
        let before = held.applied;
        if held.list == pb::List::Outstanding {
            assert!(held.applied[0] >= 1 && held.applied[2] > CROWD as usize, "{:?}", held.applied);
        }
        // Whoever watched ends with pages and the other way round: a token is good for both.
        assert!(held.catch_up(&mut client, last).await >= last);
        held.is_the_list(&mut client).await;
        let (up_to_date, _) = held.page(&mut client, 10, 0).await;
        assert!(up_to_date);
        assert_eq!(held.applied[0], before[0], "nobody had to begin again");
        held.is_the_list(&mut client).await;
    }
}

#[tokio::test]
async fn a_token_outlives_a_restart_until_the_day_moves_and_is_then_told_apart() {
    let folder = tempfile::tempdir().expect("there must be room");
    let path = folder.path().join("data");
    let mut held = Held::nothing(pb::List::All);
    let mut seen = 0;
    for start in [&["--as-of", AS_OF][..], &[]] {
        let server = Server::on(&path, start);
        let mut client = server.client().await;
        let begun = held.applied[0];
        held.catch_up(&mut client, seen).await;
        let name = format!("S-{begun}");
        let written =
            client.write(Somebody::man(&name, "1990-01-01").mappa(2, 3, "2026-03-01").records()).await.revision;
        seen = held.catch_up(&mut client, written).await;
        assert_eq!(held.applied[0], 1, "the whole list is told once");
        held.is_the_list(&mut client).await;
        drop(client);
        assert!(server.stop().await.success());
    }
    let server = Server::on(&path, &["--as-of", "2026-04-01"]);
    let mut client = server.client().await;
    let request = pb::WatchStandingsRequest {
        list: pb::List::All.into(),
        resume_token: held.token.clone(),
        ..Default::default()
    };
    let refused = client.ranking.watch_standings(request).await.expect_err("must be refused");
    assert_eq!((refused.code(), reason(&refused).as_deref()), (Code::FailedPrecondition, Some("REVISION_COMPACTED")));
    let info = refused.get_details_error_info().expect("it has a reason");
    let oldest: u64 = info.metadata["oldest_revision"].parse().expect("it is a number");
    assert!(oldest > seen, "{oldest} {seen}");
    let request =
        pb::ListChangesRequest { list: pb::List::All.into(), change_token: held.token.clone(), ..Default::default() };
    let refused = client.ranking.list_changes(request).await.expect_err("must be refused");
    assert_eq!(reason(&refused).as_deref(), Some("REVISION_COMPACTED"));
    held.token.clear();
    assert!(held.catch_up(&mut client, 0).await >= oldest);
    held.is_the_list(&mut client).await;
}

#[tokio::test]
async fn a_stream_and_a_stalled_one_end_with_unavailable_when_the_server_stops() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    client.write(Somebody::man("S-1", "1990-01-01").records()).await;
    let mut held = Held::nothing(pb::List::All);
    let at = held.catch_up(&mut client, 0).await;
    // A stream with nothing to tell says so at once, and then waits.
    let mut idle = held.watch(&mut client, 0).await;
    let message = next(&mut idle).await.expect("a checkpoint must come");
    assert!(matches!(message.event, Some(Event::Checkpoint(_))), "{message:?}");
    assert_eq!(message.complete_revision, at);
    let mut unread = held.watch(&mut client, 0).await;
    server.ask_to_stop();
    for stream in [&mut idle, &mut unread] {
        let ended = loop {
            match next(stream).await {
                Ok(message) => held.take(message),
                Err(status) => break status,
            }
        };
        assert_eq!((ended.code(), reason(&ended).as_deref()), (Code::Unavailable, Some("SHUTTING_DOWN")));
    }
    server.kill_unless_ended_within(PATIENCE);
}

#[tokio::test]
async fn a_token_of_another_list_or_an_altered_one_is_refused_by_name() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    let mut held = Held::nothing(pb::List::All);
    held.catch_up(&mut client, 0).await;
    let mut altered = held.token.clone();
    altered.replace_range(10..11, if &altered[10..11] == "A" { "B" } else { "A" });
    for (list, token, due) in [
        (pb::List::Cohort, held.token.clone(), "PAGE_TOKEN_OF_OTHER_ARGUMENTS"),
        (pb::List::All, altered, "PAGE_TOKEN_INVALID"),
        (pb::List::Unspecified, String::new(), "INVALID_ARGUMENT"),
    ] {
        let request = pb::WatchStandingsRequest { list: list.into(), resume_token: token, ..Default::default() };
        let refused = client.ranking.watch_standings(request).await.expect_err("must be refused");
        assert_eq!(reason(&refused).as_deref(), Some(due));
    }
}

#[tokio::test]
async fn the_command_goes_on_from_the_token_that_it_kept() {
    let server = Server::in_memory();
    let mut client = server.client().await;
    client.write(Somebody::man("S-1", "1990-01-01").mappa(2, 3, "2026-03-01").records()).await;
    let folder = tempfile::tempdir().expect("there must be room");
    let file = folder.path().join("token");
    let watch = |more: &[&str]| {
        let mut command = command();
        command.args(["watch", "all", "--once", "--server", &server.url(), "--resume"]).arg(&file).args(more);
        let output = command.output().expect("the command must start");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let first = watch(&[]);
    assert!(first.starts_with("The whole list: 1 person.") && first.contains("\nentered  S-1  "), "{first}");
    assert_eq!(watch(&[]), "");
    client.write(Somebody::man("S-2", "1990-01-01").records()).await;
    let json = watch(&["--json"]);
    let message: serde_json::Value = serde_json::from_str(json.trim()).expect("one message in JSON");
    assert_eq!(message["changes"]["changes"][0]["subjectRef"], "S-2");
    assert_eq!(message["changes"]["changes"][0]["kind"], "CHANGE_KIND_ENTERED");
}
